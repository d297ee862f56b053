//! How call sites learn what they call.

use cinder_pyobj::native::{FixedShape, class_type};
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::{object, type_type};
use cinder_pyobj::{Obj, PyResult, Type, Value, intern};
use cinder_shadow::{ShadowOp, Site};

use super::{call, is_plain_class, look_function, method_window, plain_window, quick_method, quick_python};
use crate::call::collect::{self, Consumer};
use crate::machine::{Flow, M};
use crate::ops::attrs::site;
use crate::ops::{builtins, fast_op};

fast_op! {
    CallLook |m| fast { quick_python(m, arg_count(site(m))) } slow { call_look(m) }

    CallAny |m| fast { quick_python(m, arg_count(site(m))) } slow { call_look(m) }

    CallMethodLook |m| fast { quick_method(m, arg_count(site(m))) } slow { call_method_look(m) }
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
        look_function(m, s, callee, m.b() + 2, [ShadowOp::CallLook, ShadowOp::CallGenerator, ShadowOp::CallAwait]);
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
            return none;
        }
        let op = builtins::operation(f, n);
        // The definition is static: it stays what it is even if the function dies.
        return (Some(op), std::ptr::from_ref(f.def()) as usize, 0);
    }
    let Some(ty) = callee.fixed::<Type>(FixedShape::Type) else { return none };
    if ty.is(type_type()) {
        return if n == 1 { (Some(ShadowOp::CallTypeOf), 0, 0) } else { none };
    }
    let dep = if ty.flags().immutable {
        0
    } else {
        ty.mark_cached();
        std::ptr::from_ref(ty) as usize
    };
    if !is_plain_class(ty) {
        return (Some(ShadowOp::CallClass), std::ptr::from_ref(ty) as usize, dep);
    }
    match ty.lookup_cell(intern!("__init__")) {
        Some((_, cell)) if cell.get().is_some_and(|f| f.is_exact(FixedShape::Function)) => {
            (Some(ShadowOp::CallInit), std::ptr::from_ref(cell) as usize, dep)
        }
        Some((owner, _)) if n == 0 && owner.is(class_type::<object::Object>()) => (Some(ShadowOp::CallPlain), 0, dep),
        _ => (Some(ShadowOp::CallClass), std::ptr::from_ref(ty) as usize, dep),
    }
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
        let op = if append { ShadowOp::CallMethodAppend } else { ShadowOp::CallMethodNative };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, Some(op), callee.value().bits(), 0, 0) };
    }
    if callee.is_exact(FixedShape::Function) {
        let ops = [ShadowOp::CallMethodLook, ShadowOp::CallMethodGenerator, ShadowOp::CallMethodAwait];
        look_function(m, s, callee, m.b() + 1, ops);
    } else if m.peek(m.b() + 1) == Value::UNBOUND && s.would_look() {
        let (op, target, dep) = expect(callee, n);
        let op = match op {
            Some(ShadowOp::CallClass | ShadowOp::CallPlain) => Some(ShadowOp::CallMethodClass),
            Some(_) if callee.is_exact(FixedShape::NativeFunction) => Some(ShadowOp::CallMethodFunction),
            _ => None,
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), target, dep) };
    }
    let w = method_window(m, n);
    call(m, w, &[], 1)
}
