//! How call sites learn what they call.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{FixedShape, class_type};
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{object, type_type};
use cinder_pyobj::{Obj, PyResult, Value, intern};
use cinder_shadow::{ShadowOp, Site};

use super::class::{class_dependency, init_cell, is_made_natively, is_plain_class, plain_class};
use super::generator::{CALL, CALL_METHOD, joins, look_bound, look_function};
use super::new::new_cell;
use super::{call, method_window, plain_window};
use crate::call::collect::{self, Consumer};
use crate::machine::{Fast, Flow, M};
use crate::ops::attrs::site;
use crate::ops::{builtins, fast_op};

fast_op! {
    CallLook |m| fast { Fast::Slow } slow { call_look(m) }

    CallMethodLook |m| fast { Fast::Slow } slow { call_method_look(m) }
}

/// A call that its site does not know after all: of either kind.
pub(super) fn look_again(m: M) -> PyResult<Flow> {
    if site(m).original().op() == Some(Opcode::CallMethod) { call_method_look(m) } else { call_look(m) }
}

/// The number of arguments of a specialised call, whose field `c` names the site.
#[inline(always)]
pub(super) fn arg_count(s: &Site) -> u32 {
    u32::from(s.original().c())
}

/// A call that its site does not know: decides what to expect the next time, then calls.
pub(super) fn call_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let n = arg_count(s) as usize;
    let callee = m.peek_obj(m.b());
    if callee.is_exact(FixedShape::Function) {
        look_function(m, s, callee, m.b() + 2, CALL);
    } else if look_bound(m, s, callee, CALL) {
        // A bound method.
    } else if s.would_look()
        && let Some((cell, dep)) = call_cell(callee)
    {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_object(m.pc, s, callee, ShadowOp::CallObject, cell, dep) };
    } else if !s.would_look() {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, None, 0, 0, 0) };
    } else if callee.value().bits() != s.entry.word() {
        let consumer =
            if n == 1 && collect::is_fresh(m.peek_obj(m.b() + 2)) { Consumer::of(callee) } else { Consumer::None };
        let (op, target, dep) = match consumer {
            Consumer::None => expect(callee, n),
            consumer => (Some(ShadowOp::CallCollect), consumer as usize, 0),
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), target, dep) };
    }
    let w = plain_window(m, n);
    call(m, w, &[], 1)
}

/// How to specialise a call of this callee: the operation, what the site keeps, and what that depends on.
pub(super) fn expect(callee: &Obj, n: usize) -> (Option<ShadowOp>, usize, usize) {
    let none = (None, 0, 0);
    if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction) {
        if !f.is_plain() {
            return (Some(ShadowOp::CallNativeObject), 0, 0);
        }
        let op = builtins::operation(f, n);
        // The definition is static: it stays what it is even if the function dies.
        return (Some(op), std::ptr::from_ref(f.def()) as usize, 0);
    }
    let Some(ty) = plain_class(callee) else {
        let ty = callee.type_of();
        let op = match () {
            () if ty.is_heap_type() => None,
            () if ty.slots.forward.get().is_some() => Some(ShadowOp::CallForward),
            () if ty.slots.call.get().is_some() => Some(ShadowOp::CallNativeObject),
            () => None,
        };
        return (op, 0, 0);
    };
    if ty.is(type_type()) {
        return if n == 1 { (Some(ShadowOp::CallTypeOf), 0, 0) } else { none };
    }
    if n == 1 && ty.is(class_type::<Str>()) {
        return (Some(ShadowOp::CallStr), 0, 0);
    }
    let dep = class_dependency(ty);
    let natively = (Some(ShadowOp::CallClass), std::ptr::from_ref(ty) as usize, dep);
    if let Some(cell) = init_cell(ty) {
        let target = std::ptr::from_ref(cell) as usize;
        let made = match () {
            () if is_plain_class(ty) => (Some(ShadowOp::CallInit), target, dep),
            () if is_made_natively(ty) => (Some(ShadowOp::CallNewInit), target, dep),
            () => natively,
        };
        if made.0 != Some(ShadowOp::CallClass) {
            return made;
        }
    }
    if let Some(cell) = new_cell(ty) {
        return (Some(ShadowOp::CallNew), std::ptr::from_ref(cell) as usize, dep);
    }
    match ty.lookup_cell(intern!("__init__")) {
        Some((owner, _)) if n == 0 && is_plain_class(ty) && owner.is(class_type::<object::Object>()) => {
            (Some(ShadowOp::CallPlain), 0, dep)
        }
        _ => natively,
    }
}

/// The cell of the `__call__` that an instance's class has, a Python function, and what that depends on.
fn call_cell(callee: &Obj) -> Option<(&AttrCell, usize)> {
    if !callee.is_ptr() || !callee.type_of().is_heap_type() || callee.as_type().is_some() {
        return None;
    }
    let ty = callee.type_of();
    let (_, cell) = ty.lookup_cell(intern!("__call__"))?;
    if !cell.get()?.is_exact(FixedShape::Function) {
        return None;
    }
    Some((cell, class_dependency(ty)))
}

/// A method call that its site does not know.
pub(super) fn call_method_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let n = arg_count(s) as usize;
    let callee = m.peek_obj(m.b());
    if let Some(d) = callee.fixed::<MethodDescriptor>(FixedShape::NativeMethod)
        && callee.is_immortal()
        && m.peek(m.b() + 1) != Value::UNBOUND
    {
        let append = d.def().name == "append" && n == 1 && d.owner().is(cinder_pyobj::native::class_type::<List>());
        let join = n == 1 && d.def().name == "join" && d.owner().is(class_type::<Str>()) && joins(m);
        let op = match () {
            () if append => ShadowOp::CallMethodAppend,
            () if join => ShadowOp::CallMethodCollect,
            () => ShadowOp::CallMethodNative,
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, Some(op), callee.value().bits(), 0, 0) };
    }
    if callee.is_exact(FixedShape::Function) {
        look_function(m, s, callee, m.b() + 1, CALL_METHOD);
    } else if m.peek(m.b() + 1) == Value::UNBOUND && look_bound(m, s, callee, CALL_METHOD) {
        // A bound method.
    } else if m.peek(m.b() + 1) == Value::UNBOUND && s.would_look() {
        if let Some((cell, dep)) = call_cell(callee) {
            // SAFETY: the instruction lies in shadow code.
            unsafe { cinder_shadow::look_object(m.pc, s, callee, ShadowOp::CallMethodObject, cell, dep) };
            return call(m, method_window(m, n), &[], 1);
        }
        let (op, target, dep) = expect(callee, n);
        let op = match op {
            Some(ShadowOp::CallClass | ShadowOp::CallStr) => Some(ShadowOp::CallMethodClass),
            Some(ShadowOp::CallPlain) => Some(ShadowOp::CallMethodPlain),
            Some(ShadowOp::CallInit) => Some(ShadowOp::CallMethodInit),
            Some(ShadowOp::CallNewInit) => Some(ShadowOp::CallMethodNewInit),
            Some(ShadowOp::CallNew) => Some(ShadowOp::CallMethodNew),
            Some(ShadowOp::CallForward) => Some(ShadowOp::CallMethodForward),
            Some(ShadowOp::CallNativeObject) => Some(ShadowOp::CallMethodNativeObject),
            Some(_) if callee.is_exact(FixedShape::NativeFunction) => Some(ShadowOp::CallMethodFunction),
            _ => None,
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), target, dep) };
    }
    let w = method_window(m, n);
    call(m, w, &[], 1)
}
