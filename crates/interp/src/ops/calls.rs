//! Calls.

use std::sync::atomic::Ordering;

use cinder_bytecode::op::Insn;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult, Value};

use super::op;
use crate::call::{FrameSpec, bind_arguments, fill_defaults, push_frame};
use crate::frame::FrameKind;
use crate::machine::{Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;

/// A call's window: the callee, the first argument register (self included, if there is one) and how many.
#[derive(Clone, Copy)]
struct Window {
    callee: *mut Value,
    first: *mut Value,
    count: usize,
}

impl Window {
    fn args<'a>(self) -> &'a [Obj] {
        // SAFETY: the window's registers hold values.
        unsafe { Obj::slice_from(self.first, self.count) }
    }

    fn callee<'a>(self) -> &'a Obj {
        // SAFETY: the window holds the callee.
        unsafe { Obj::borrow_from(self.callee) }
    }

    /// Drops the arguments, then the callee.
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

/// Pushes a frame for a Python function whose arguments stand in the window. Calls from a generator's frame
/// move them to the register stack first.
#[inline(always)]
fn push_python(m: M, w: Window, f: &Function, names: &[Obj], kind: FrameKind) -> PyResult<Flow> {
    let cx = m.cx();
    let th = m.th();
    let fr = m.frame();
    let Some(code) = f.code_ref() else { return Err(cx.system_error("function without code")) };
    let Some(c) = code.downcast::<CodeObject>() else { return Err(cx.system_error("function without code")) };
    let mut params = w.first;
    let mut count = w.count as u32;
    let heap_frame = fr.is_generator;
    // SAFETY: the window is owned by the instruction; frames' tops lie above all live registers.
    unsafe {
        if names.is_empty() && (count == c.simple_args || c.simple_args != u32::MAX && count < c.simple_args) {
            if heap_frame || (fr.reg_end as usize - params as usize) / 8 < (c.near + c.above) as usize {
                let (to, end) = (fr.top, fr.reg_end);
                if (end as usize - to as usize) / 8 < (c.near + c.above) as usize {
                    return push_bound(m, w, f, names, kind, &code, c);
                }
                std::ptr::copy_nonoverlapping(params, to, count as usize);
                params = to;
            }
            if count < c.simple_args {
                if !fill_defaults(f, params, count, c.simple_args) {
                    if params != w.first {
                        std::ptr::copy_nonoverlapping(params, w.first, count as usize);
                    }
                    return push_bound(m, w, f, names, kind, &code, c);
                }
                count = c.simple_args;
            }
        } else {
            return push_bound(m, w, f, names, kind, &code, c);
        }
        let pushed = push_frame(
            th,
            c,
            params,
            count,
            fr.reg_end,
            FrameSpec {
                function: (*w.callee),
                code_obj: code.value(),
                globals: f.globals.value(),
                builtins: f.builtins.value(),
                namespace: Value::UNBOUND,
                kind,
                window: w.callee,
            },
        );
        match pushed {
            Ok(_) => Ok(Flow::SWITCH),
            Err(r) => {
                (*w.callee).decref();
                Err(r)
            }
        }
    }
}

/// The general case: binds arguments, drops the window's own, and pushes at the frame's top.
#[cold]
#[inline(never)]
fn push_bound(
    m: M,
    w: Window,
    f: &Function,
    names: &[Obj],
    kind: FrameKind,
    code: &Obj,
    c: &CodeObject,
) -> PyResult<Flow> {
    let cx = m.cx();
    let args = w.args();
    let (pos, kw) = args.split_at(args.len() - names.len());
    let bound = bind_arguments(cx, f, c, pos, &mut names.iter().cloned().zip(kw.iter().cloned()));
    let bound = match bound {
        Ok(b) => b,
        Err(r) => {
            w.drop_all();
            return Err(r);
        }
    };
    let fr = m.frame();
    let th = m.th();
    // SAFETY: the window's arguments were copied; the new registers lie above all live ones.
    unsafe {
        for i in 0..w.count {
            (*w.first.add(i)).decref();
        }
        let need = bound.len() + (c.near + c.above) as usize;
        let n = bound.len() as u32;
        let (mut to, mut end) = (fr.top, fr.reg_end);
        let fresh = (end as usize - to as usize) / 8 < need;
        if fresh {
            match th.new_chunk(need) {
                Ok((s, e)) => (to, end) = (s, e),
                Err(r) => {
                    (*w.callee).decref();
                    return Err(r);
                }
            }
        }
        for (i, v) in bound.into_iter().enumerate() {
            *to.add(i) = v.into_value();
        }
        let pushed = push_frame(
            th,
            c,
            to,
            n,
            end,
            FrameSpec {
                function: *w.callee,
                code_obj: code.value(),
                globals: f.globals.value(),
                builtins: f.builtins.value(),
                namespace: Value::UNBOUND,
                kind,
                window: w.callee,
            },
        );
        match pushed {
            Ok(p) => {
                (*p).own_chunk = fresh;
                Ok(Flow::SWITCH)
            }
            Err(r) => {
                if fresh {
                    th.release_chunk(to, end);
                }
                (*w.callee).decref();
                Err(r)
            }
        }
    }
}

/// Calls whatever the window holds.
fn call(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let callee = w.callee();
    if callee.is_exact(FixedShape::Function)
        && let Some(f) = callee.downcast::<Function>()
    {
        // Recursion need not pass a loop, so calls look for pending work, too.
        if m.cx().poll.load(Ordering::Relaxed) != 0
            && let Err(r) = (m.cx().host().poll)(m.cx())
        {
            w.drop_all();
            return Err(r);
        }
        return push_python(m, w, f, names, FrameKind::Call);
    }
    call_native(m, w, names, size)
}

fn call_native(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let cx = m.cx();
    let callee = w.callee();
    let args = Args::new(w.args(), names);
    let r = if callee.is_exact(FixedShape::NativeFunction)
        && let Some(f) = callee.downcast::<NativeFunction>()
        && f.is_plain()
    {
        (f.def().call)(cx, f.receiver(), args)
    } else {
        callee.call(cx, args)
    };
    w.drop_all();
    let v = r?;
    // A signal that arrived during the call is served before what comes next.
    if cx.poll.load(Ordering::Relaxed) != 0 {
        (cx.host().poll)(cx)?;
    }
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
    if has_self {
        Window { callee, first: m.reg(m.b() + 1), count: n + 1 }
    } else {
        Window { callee, first: m.reg(m.b() + 2), count: n }
    }
}

fn kw_names<'a>(m: M) -> &'a [Obj] {
    tuple::items_if_tuple(m.constant(m.extra())).unwrap_or(&[])
}

op! {
    Call |m| {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }

    CallMethod |m| {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }

    CallKw |m| {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }

    CallMethodKw |m| {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }

    CallEx |m| {
        let cx = m.cx();
        let b = m.b();
        let callee = m.take(b);
        let pos = m.take(b + 2);
        let kw = if m.c() == 1 { Some(m.take(b + 3)) } else { None };
        let mut all = match tuple::items_if_tuple(&pos) {
            Some(t) => t.to_vec(),
            None => {
                if pos.type_of().slots.iter.get().is_none() && pos.type_of().slots.getitem.get().is_none() {
                    return Err(cx.type_error(format!(
                        "{} argument after * must be an iterable, not {}",
                        crate::util::callable_name(cx, &callee)?,
                        pos.type_of().name()
                    )));
                }
                pos.collect(cx)?
            }
        };
        let mut names = Vec::new();
        if let Some(d) = &kw {
            for (k, v) in dict::items_if_dict(d).unwrap_or_default() {
                if !k.type_of().is_str_subtype() {
                    return Err(cx.type_error("keywords must be strings"));
                }
                names.push(k);
                all.push(v);
            }
        }
        drop((pos, kw));
        // The general path: native recursion only where the callee is no Python function.
        if callee.is_exact(FixedShape::Function)
            && let Some(f) = callee.downcast::<Function>()
            && let Some(code) = f.code_ref()
            && let Some(c) = code.downcast::<CodeObject>()
        {
            let n = all.len() - names.len();
            let kw: Vec<(Obj, Obj)> = names.iter().cloned().zip(all[n..].iter().cloned()).collect();
            let bound = bind_arguments(cx, f, c, &all[..n], &mut kw.into_iter())?;
            drop(all);
            return push_ex(m, &callee, f, &code, c, bound);
        }
        let r = callee.call(cx, Args::new(&all, &names))?;
        drop(all);
        drop(callee);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }
}

/// Pushes a frame with bound arguments at the frame's top; the callee goes back into the window.
fn push_ex(
    m: M,
    callee: &Obj,
    f: &Function,
    code: &Obj,
    c: &CodeObject,
    bound: smallvec::SmallVec<[Obj; 8]>,
) -> PyResult<Flow> {
    let fr = m.frame();
    let th = m.th();
    let need = bound.len() + (c.near + c.above) as usize;
    let n = bound.len() as u32;
    // SAFETY: as in `push_bound`.
    unsafe {
        let (mut to, mut end) = (fr.top, fr.reg_end);
        let fresh = (end as usize - to as usize) / 8 < need;
        if fresh {
            (to, end) = th.new_chunk(need)?;
        }
        for (i, v) in bound.into_iter().enumerate() {
            *to.add(i) = v.into_value();
        }
        let window = m.reg(m.b());
        let p = push_frame(
            th,
            c,
            to,
            n,
            end,
            FrameSpec {
                function: callee.value(),
                code_obj: code.value(),
                globals: f.globals.value(),
                builtins: f.builtins.value(),
                namespace: Value::UNBOUND,
                kind: FrameKind::Call,
                window,
            },
        )?;
        (*p).own_chunk = fresh;
        *window = callee.clone().into_value();
    }
    Ok(Flow::SWITCH)
}
