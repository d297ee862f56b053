//! Calls of classes whose `__new__` is written in Python.
//!
//! `__new__` runs in a frame of kind `New`, with copies of the arguments; the call's window keeps its own for the `__init__`
//! that may follow when the frame returns.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::object;
use cinder_pyobj::types::static_method::StaticMethod;
use cinder_pyobj::{Obj, PyResult, Type, Value, intern};

use super::class::{init_cell, plain_class, push_init};
use super::{Window, arg_count, look_again};
use crate::call::Given;
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::ops::attrs::site;
use crate::ops::{fast_op, spread};
use crate::thread::Thread;
use crate::unwind;

fast_op! {
    CallNew |m| fast { Fast::Slow } slow { call_new(m) }

    CallMethodNew |m| fast { Fast::Slow } slow {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return look_again(m);
        }
        call_new(m)
    }
}

fn call_new(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
    if w.callee().value().bits() == s.entry.word()
        // SAFETY: the guard holds, so the cell is alive.
        && let Some(new) = unsafe { &*(s.entry.target.get() as *const AttrCell) }.get()
        && let Some(flow) = push_with(m, w, &[], 1, &new)?
    {
        return Ok(flow);
    }
    look_again(m)
}

/// The cell of the `__new__` of a class, if that is written in Python.
pub(super) fn new_cell(ty: &Type) -> Option<&AttrCell> {
    let (_, cell) = ty.lookup_cell(intern!("__new__")).filter(|_| !ty.flags().no_new)?;
    let f = unwrapped(&cell.get()?)?;
    let code = f.fixed::<Function>(FixedShape::Function)?.code_ref()?;
    code.downcast::<CodeObject>()?.runs.then_some(cell)
}

/// The function of a static method, or the function itself.
fn unwrapped(new: &Obj) -> Option<Obj> {
    match new.fixed::<StaticMethod>(FixedShape::StaticMethod) {
        Some(s) => s.callable(),
        None => Some(new.clone()),
    }
}

/// Pushes the frame of a class's `__new__`; nothing, with nothing changed, if it is none written in Python.
pub(super) fn push_new(m: M, w: Window, names: &[Obj], advance: u8) -> PyResult<Option<Flow>> {
    // SAFETY: the word after the callee is the window's.
    if w.first != unsafe { w.callee.add(2) } {
        return Ok(None);
    }
    let Some(cell) = plain_class(w.callee()).and_then(new_cell) else { return Ok(None) };
    match cell.get() {
        Some(new) => push_with(m, w, names, advance, &new),
        None => Ok(None),
    }
}

/// As [`push_new`], with what stands in the cell of `__new__`.
fn push_with(m: M, w: Window, names: &[Obj], advance: u8, new: &Obj) -> PyResult<Option<Flow>> {
    let Some(new) = unwrapped(new) else { return Ok(None) };
    let code = new.fixed::<Function>(FixedShape::Function).and_then(Function::code_ref);
    if !code.as_ref().and_then(|c| c.downcast::<CodeObject>()).is_some_and(|c| c.runs) {
        return Ok(None);
    }
    let Ok(count) = u8::try_from(w.count) else { return Ok(None) };
    let (pos, values) = w.args().split_at(w.count - names.len());
    let given = Given { head: Some(w.callee()), pos, names, values };
    match spread::push_given(m, &new, given, FrameKind::New, None, advance) {
        Ok(flow) => {
            if flow == Some(Flow::SWITCH) {
                // SAFETY: the frame that was just pushed is current.
                unsafe { (*m.th().current.get()).consumer = count };
            }
            Ok(flow)
        }
        Err(r) => {
            w.drop_all();
            Err(r)
        }
    }
}

/// The call that waits for the `__new__` of its class, with its window of `count` arguments and the names of its keywords.
///
/// # Safety
/// The frame must be the current one, and stand at that call, which has `advance` words.
unsafe fn waiting<'a>(th: &Thread, caller: *mut Frame, count: u8, advance: u8) -> (M, Window, &'a [Obj]) {
    // SAFETY: by the caller's promise.
    unsafe {
        let m = M { pc: (*caller).pc, base: (*caller).base, fr: caller, th, w: (*(*caller).pc).0 };
        let names = if advance == 2 { super::kw_names(m) } else { &[] };
        (m, Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: count.into() }, names)
    }
}

/// `__new__` gave `v`, and its caller is current again: runs `__init__` where there is one, and ends the call.
pub(in crate::ops) fn made(th: &Thread, v: Obj, count: u8, advance: u8) -> Flow {
    // SAFETY: the caller stands at the call of the class.
    let (m, w, names) = unsafe { waiting(th, th.current.get(), count, advance) };
    match initialise(m, w, names, v, advance) {
        Ok(Some(v)) => {
            w.drop_all();
            crate::ops::flow::deliver(m, v, advance)
        }
        Ok(None) => Flow::SWITCH,
        Err(_) => unwind::unwind(th, true),
    }
}

/// Runs the `__init__` of what `__new__` gave, as calls of classes do. Nothing if a frame was pushed for it, which owns the
/// window then; after an error the window is gone.
fn initialise(m: M, w: Window, names: &[Obj], v: Obj, advance: u8) -> PyResult<Option<Obj>> {
    let got = v.type_of();
    let Some(ty) = w.callee().as_type() else { return Ok(Some(v)) };
    if object::ignores_arguments(got) || !got.is_subtype(ty) {
        return Ok(Some(v));
    }
    if let Some(init) = init_cell(got).and_then(|c| c.get())
        && let Some(f) = init.fixed::<Function>(FixedShape::Function)
        && f.code_ref().is_some_and(|c| c.downcast::<CodeObject>().is_some_and(|c| c.runs))
    {
        push_init(m, w, names, advance, &init, f, v.clone())?;
        return Ok(None);
    }
    let done = match got.slots.init.get() {
        Some(init) => init(m.cx(), &v, Args::new(w.args(), names)),
        None => Ok(()),
    };
    match done {
        Ok(()) => Ok(Some(v)),
        Err(r) => {
            w.drop_all();
            Err(r)
        }
    }
}

/// `__new__` raised; its caller is current again and drops what its call holds.
pub(crate) fn not_made(th: &Thread, count: u8, advance: u8) {
    // SAFETY: the caller stands at the call of the class.
    let (_, w, _) = unsafe { waiting(th, th.current.get(), count, advance) };
    w.drop_all();
}
