//! Calls, by kind of callee.

mod attribute;
mod class;
mod forward;
mod generator;
mod keywords;
mod look;
mod native;
mod new;
mod push;
mod python;

use std::sync::atomic::Ordering;

use cinder_bytecode::op::Insn;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Obj, PyResult, Value, intern};

pub(crate) use self::attribute::*;
pub(crate) use self::class::*;
pub(crate) use self::forward::*;
pub(crate) use self::generator::*;
pub(crate) use self::keywords::*;
pub(crate) use self::look::*;
pub(crate) use self::native::*;
pub(crate) use self::new::*;
pub(super) use self::push::*;
pub(crate) use self::python::*;
use super::{fast_op, op};
use crate::machine::{Fast, Flow, M};
use crate::objects::function::Function;

/// A call's window: the callee, the first argument register (self included, if there is one) and how many.
#[derive(Clone, Copy)]
struct Window {
    callee: *mut Value,
    first: *mut Value,
    count: usize,
}

impl Window {
    #[inline(always)]
    fn args<'a>(self) -> &'a [Obj] {
        // SAFETY: the window's registers hold values.
        unsafe { Obj::slice_from(self.first, self.count) }
    }

    #[inline(always)]
    fn callee<'a>(self) -> &'a Obj {
        // SAFETY: the window holds the callee.
        unsafe { Obj::borrow_from(self.callee) }
    }

    /// Drops the arguments, then the callee.
    #[inline(always)]
    fn drop_all(self) {
        // SAFETY: the instruction owns the window.
        unsafe {
            for i in 0..self.count {
                (*self.first.add(i)).decref();
            }
            (*self.callee).decref();
        }
    }
}

/// Does pending work: signals, thread switches, collections.
#[inline(always)]
fn poll(m: M) -> PyResult<()> {
    if m.cx().poll.load(Ordering::Relaxed) != 0 { (m.cx().host().poll)(m.cx()) } else { Ok(()) }
}

/// Calls whatever the window holds.
fn call(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let callee = w.callee();
    if let Some(f) = callee.fixed::<Function>(FixedShape::Function) {
        // Recursion need not pass a loop, so calls look for pending work, too.
        if let Err(r) = poll(m) {
            w.drop_all();
            return Err(r);
        }
        return push_python(m, w, f, names, size as u8);
    }
    if callee.is_exact(FixedShape::NativeFunction) || callee.is_exact(FixedShape::NativeMethod) {
        return call_native(m, w, names, size);
    }
    if let Some(flow) = construct(m, w, names, size as u8)? {
        return Ok(flow);
    }
    if let Some(flow) = push_new(m, w, names, size as u8)? {
        return Ok(flow);
    }
    if callee.type_of().is_heap_type()
        // SAFETY: arguments follow the callee and its self in one window of registers.
        && w.first == unsafe { w.callee.add(2) }
        && let Some(f) = callee.type_of().lookup(intern!("__call__"))
        && let Some(function) = f.fixed::<Function>(FixedShape::Function)
    {
        // The callee becomes the first argument, and the function takes its place.
        // SAFETY: the instruction owns the window, whose second register is free.
        let w = unsafe {
            *w.callee.add(1) = std::mem::replace(&mut *w.callee, f.clone().into_value());
            Window { callee: w.callee, first: w.callee.add(1), count: w.count + 1 }
        };
        return push_python(m, w, function, names, size as u8);
    }
    if callee.type_of().slots.forward.get().is_some()
        && let Some(flow) = forward(m, w, names, size)?
    {
        return Ok(flow);
    }
    call_native(m, w, names, size)
}

fn call_native(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let cx = m.cx();
    let callee = w.callee();
    let args = Args::new(w.args(), names);
    let r = if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction)
        && f.is_plain()
    {
        (f.def().call)(cx, f.receiver(), args)
    } else if let Some(d) = callee.fixed::<MethodDescriptor>(FixedShape::NativeMethod)
        && let Some(this) = args.pos().first()
        && this.type_of().is_subtype(d.owner())
    {
        (d.def().call)(cx, this, args.without_first())
    } else if let Some(f) = callee.downcast::<Function>() {
        // A function with attributes of its own has a shape of its own.
        return push_python(m, w, f, names, size as u8);
    } else {
        callee.call(cx, args)
    };
    finish_native(m, w, r, size)
}

/// Ends a native call: drops the window and stores the result.
#[inline(always)]
fn finish_native(m: M, w: Window, r: PyResult, size: isize) -> PyResult<Flow> {
    w.drop_all();
    let v = r?;
    // A signal that arrived during the call is served before what comes next.
    poll(m)?;
    m.set(m.a(), v);
    if m.frame().pc != m.pc {
        // The call turned tracing on: the frame goes on in another copy of its code.
        // SAFETY: the frame stands at this instruction there.
        return Ok(Flow::jump(unsafe { m.frame().pc.offset(size) }));
    }
    // SAFETY: instructions with an `Extra` word are followed by it.
    Ok(if size == 1 { Flow::NEXT } else { Flow::jump(unsafe { m.pc.offset(size) } as *const Insn) })
}

/// The window of `Call`: unpacks a bound method into callee and self.
#[inline]
fn plain_window(m: M, n: usize) -> Window {
    let callee = m.reg(m.b());
    let w = Window { callee, first: m.reg(m.b() + 2), count: n };
    let o = w.callee();
    if o.is_exact(FixedShape::BoundMethod)
        && let Some(b) = o.downcast::<BoundMethod>()
    {
        let (f, this) = (b.function().clone(), b.receiver().clone());
        // SAFETY: the scratch register is dead; the callee's reference is replaced.
        unsafe {
            *callee.add(1) = this.into_value();
            std::mem::replace(&mut *callee, f.into_value()).decref();
        }
        return Window { callee, first: m.reg(m.b() + 1), count: n + 1 };
    }
    w
}

/// The window of `CallMethod`.
fn method_window(m: M, n: usize) -> Window {
    let has_self = m.peek(m.b() + 1) != Value::UNBOUND;
    let callee = m.reg(m.b());
    if has_self { Window { callee, first: m.reg(m.b() + 1), count: n + 1 } } else { plain_window(m, n) }
}

fn kw_names<'a>(m: M) -> &'a [Obj] {
    tuple::items_if_tuple(m.constant(m.extra())).unwrap_or(&[])
}

fast_op! {
    Call |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        enter_python(m, callee, m.reg(m.b() + 2), m.c() as u16 as u32, |_| true)
    } slow {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }

    CallMethod |m| fast {
        quick_method(m, m.c() as u16 as u32, |_| true)
    } slow {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }
}

op! {
    CallKw |m| {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }

    CallMethodKw |m| {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }
}
