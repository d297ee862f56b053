//! Calls of Python functions and bound methods.

use std::sync::atomic::Ordering;

use cinder_bytecode::code::flags;
use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{Site, WAYS};

use super::{arg_count, call, look_again, method_window, plain_window, poll, push_python};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::ops::attrs::site;
use crate::ops::{fast, fast_op};

fast_op! {
    CallPython |m| fast {
        let s = site(m);
        quick_python(m, arg_count(s), |code| code == s.entry.word())
    } slow { call_python(m, false) }

    CallPythonPoly |m| fast {
        let s = site(m);
        quick_python(m, arg_count(s), |code| is_target(s, code))
    } slow { call_python(m, false) }

    CallAny |m| fast { quick_python(m, arg_count(site(m)), |_| true) } slow { call_python(m, true) }

    CallMethodPython |m| fast {
        let s = site(m);
        quick_method(m, arg_count(s), |code| code == s.entry.word())
    } slow { call_python(m, false) }

    CallMethodPythonPoly |m| fast {
        let s = site(m);
        quick_method(m, arg_count(s), |code| is_target(s, code))
    } slow { call_python(m, false) }

    CallMethodAny |m| fast { quick_method(m, arg_count(site(m)), |_| true) } slow { call_python(m, true) }
}

/// Whether code is one of those that a polymorphic site calls; counts that.
#[inline(always)]
fn is_target(s: &Site, code: u64) -> bool {
    let Some(more) = s.more() else { return false };
    let n = more.len.get() as usize;
    let mut i = 0;
    while i < n && i < WAYS {
        if more.entries[i].word() == code {
            more.counts[i].set(more.counts[i].get().wrapping_add(1));
            return true;
        }
        i += 1;
    }
    false
}

/// A call of a Python function for which the fast path does not do. Sites that know it do not learn anew.
fn call_python(m: M, any: bool) -> PyResult<Flow> {
    let s = site(m);
    let callee = m.peek_obj(m.b());
    let function = match callee.fixed::<BoundMethod>(FixedShape::BoundMethod) {
        Some(b) => b.function(),
        None => callee,
    };
    let code = function.fixed::<Function>(FixedShape::Function).and_then(Function::code_ptr);
    // SAFETY: the function keeps its code alive.
    let Some(serial) = code.map(|c| unsafe { &*c }.serial) else { return look_again(m) };
    if !any && serial != s.entry.word() && !is_target(s, serial) {
        return look_again(m);
    }
    let n = arg_count(s) as usize;
    let method = s.original().op() == Some(Opcode::CallMethod);
    let w = if method { method_window(m, n) } else { plain_window(m, n) };
    let Some(f) = w.callee().fixed::<Function>(FixedShape::Function) else { return call(m, w, &[], 1) };
    // Recursion need not pass a loop, so calls look for pending work, too.
    if let Err(r) = poll(m) {
        w.drop_all();
        return Err(r);
    }
    push_python(m, w, f, &[], 1)
}

/// Enters a Python function whose arguments stand in the window and need no binding; its code has a shadow, and a
/// serial number that is `known`.
#[inline(always)]
pub(super) fn enter_python(
    m: M,
    callee: Value,
    first: *mut Value,
    count: u32,
    known: impl FnOnce(u64) -> bool,
) -> Fast {
    // SAFETY: the callee is exactly a function; the window is owned by the instruction, and the registers above
    // it are free up to the chunk's end.
    unsafe {
        let f = &*(Function::payload_of(callee));
        let c = &*fast!(f.code_ptr());
        if !known(c.serial) || c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        if c.collecting_args == count {
            return enter_collecting(m, callee, f, c, first, count);
        }
        if c.quick_args != count {
            copy_defaults(c, first, count, fast!(missing_defaults(m, f, c, count)));
        }
        enter_frame(m, callee, f, c, first, c.quick_args, FrameKind::Call, Value::UNBOUND)
    }
}

/// Enters a function that got all its positional arguments and takes `*args` or `**kwargs`, which are empty.
///
/// # Safety
/// As [`enter_frame`].
#[inline(always)]
unsafe fn enter_collecting(m: M, callee: Value, f: &Function, c: &CodeObject, first: *mut Value, count: u32) -> Fast {
    // The window of a generator's frame has no room for more than the arguments.
    if m.frame().is_generator {
        return Fast::Slow;
    }
    let flags = c.code.flags;
    // SAFETY: by the caller's promise; the frame has room for all parameters. The empty tuple is immortal.
    unsafe {
        let mut end = first.add(count as usize);
        let mut total = count;
        if flags & flags::VARARGS != 0 {
            *end = fast!(tuple::empty_word());
            end = end.add(1);
            total += 1;
        }
        if flags & flags::VARKEYWORDS != 0 {
            *end = fast!(dict::quick_new());
            total += 1;
        }
        enter_frame(m, callee, f, c, first, total, FrameKind::Call, Value::UNBOUND)
    }
}

/// Where the values of the last parameters stand, which got no argument; nothing if they have no defaults or the window
/// has no room for them.
///
/// # Safety
/// `can_enter` must hold.
#[inline(always)]
pub(super) unsafe fn missing_defaults(m: M, f: &Function, c: &CodeObject, count: u32) -> Option<*const Value> {
    // The window of a generator's frame has no room for more than the arguments.
    if c.quick_args == u32::MAX || count > c.quick_args || m.frame().is_generator {
        return None;
    }
    let d = f.defaults.peek()?;
    // SAFETY: the function keeps its defaults alive.
    unsafe {
        let items = Obj::borrow_from(&d).fixed::<tuple::Tuple>(FixedShape::Tuple)?.values();
        let skip = items.len().checked_sub((c.quick_args - count) as usize)?;
        Some(items.as_ptr().add(skip))
    }
}

/// Gives parameters `count` and following the values at `from`.
///
/// # Safety
/// `from` must come from [`missing_defaults`]; the parameters stand at `first`.
#[inline(always)]
pub(super) unsafe fn copy_defaults(c: &CodeObject, first: *mut Value, count: u32, from: *const Value) {
    let missing = (c.quick_args - count) as usize;
    let mut i = 0;
    while i < missing {
        // SAFETY: the frame has room for all parameters.
        unsafe {
            let v = *from.add(i);
            v.incref();
            *first.add(count as usize + i) = v;
        }
        i += 1;
    }
}

/// Whether a frame of `c` can be pushed without ado with its parameters at `first`.
#[inline(always)]
pub(in crate::ops) fn can_enter(m: M, c: &CodeObject, first: *mut Value) -> bool {
    let fr = m.frame();
    has_room(m, c, if fr.is_generator { fr.top } else { first })
}

/// As [`can_enter`], for parameters that are to stay where they are.
#[inline(always)]
pub(in crate::ops) fn has_room(m: M, c: &CodeObject, params: *mut Value) -> bool {
    let th = m.th();
    let fr = m.frame();
    let need = (c.near + c.above) as usize * 8;
    (fr.reg_end as usize).wrapping_sub(params as usize) >= need
        && params <= fr.reg_end
        && th.depth.get() < th.recursion_limit.get()
        && c.far == 0
        && th.has_frame_room()
        && th.cx.poll.load(Ordering::Relaxed) == 0
}

/// Pushes a frame for parameters that stand at `first`. Calls from a generator's frame move them to the register
/// stack first.
///
/// # Safety
/// [`can_enter`] must hold; `count` owned words must stand at `first`; `callee` must be `f`, owned.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "all of it becomes part of the frame")]
pub(in crate::ops) unsafe fn enter_frame(
    m: M,
    callee: Value,
    f: &Function,
    c: &CodeObject,
    first: *mut Value,
    count: u32,
    kind: FrameKind,
    extra: Value,
) -> Fast {
    // SAFETY: passed on from the caller.
    unsafe { enter_frame_of(m, callee, f, c, first, count, kind, extra, 1) }
}

/// As [`enter_frame`], for a call instruction of `advance` words.
///
/// # Safety
/// As [`enter_frame`].
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "all of it becomes part of the frame")]
pub(super) unsafe fn enter_frame_of(
    m: M,
    callee: Value,
    f: &Function,
    c: &CodeObject,
    first: *mut Value,
    count: u32,
    kind: FrameKind,
    extra: Value,
    advance: u8,
) -> Fast {
    // SAFETY: by the caller's promise; what is written lies in the chunk.
    unsafe {
        let fr = m.frame();
        let params = if fr.is_generator { fr.top } else { first };
        if params != first {
            let mut i = 0;
            while i < count as usize {
                *params.add(i) = *first.add(i);
                i += 1;
            }
        }
        enter_above(m, callee, f, c, params, count, (kind, 0, advance), extra)
    }
}

/// As [`enter_frame`], for parameters that stand where the frame is to have them. `kind` comes with what the frame's end
/// has to know.
///
/// # Safety
/// As [`enter_frame`], with [`has_room`].
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "all of it becomes part of the frame")]
pub(in crate::ops) unsafe fn enter_above(
    m: M,
    callee: Value,
    f: &Function,
    c: &CodeObject,
    params: *mut Value,
    count: u32,
    (kind, consumer, advance): (FrameKind, u8, u8),
    extra: Value,
) -> Fast {
    // SAFETY: by the caller's promise; what is written lies in the chunk.
    unsafe {
        let th = m.th();
        let fr = m.frame();
        let new = th.take_frame();
        th.depth.set(th.depth.get() + 1);
        let base = params.add(c.near as usize);
        let mut p = params.add(count as usize);
        while p < base {
            *p = Value::UNBOUND;
            p = p.add(1);
        }
        let pc = c.entry();
        fr.pc = m.pc;
        new.write(Frame {
            pc,
            base,
            consts: c.consts.as_ptr() as *const Value,
            sites: c.sites(),
            code: c,
            prev: m.fr,
            top: base.add(c.above as usize),
            reg_end: fr.reg_end,
            function: callee,
            globals: f.globals.value(),
            builtins: f.builtins.value(),
            namespace: Value::UNBOUND,
            frame_obj: Value::UNBOUND,
            extra,
            kind,
            is_generator: false,
            finished: false,
            own_chunk: false,
            owns_names: false,
            chunk_first: false,
            advance,
            consumer,
        });
        th.current.set(new);
        Fast::Enter(pc, base, new)
    }
}

/// Calls the Python function in the window, if it is one; else nothing.
#[inline(always)]
pub(super) fn quick_python(m: M, n: u32, known: impl FnOnce(u64) -> bool) -> Fast {
    let callee = m.peek(m.b());
    if Function::is(callee) {
        return enter_python(m, callee, m.reg(m.b() + 2), n, known);
    }
    quick_bound(m, callee, n, known)
}

/// Calls the Python function of the bound method in the window, if it is one.
#[inline(always)]
pub(super) fn quick_bound(m: M, callee: Value, n: u32, known: impl FnOnce(u64) -> bool) -> Fast {
    let b = fast!(m.peek_obj(m.b()).fixed::<BoundMethod>(FixedShape::BoundMethod));
    let (f, this) = (b.function().value(), b.receiver().value());
    if !Function::is(f) {
        return Fast::Slow;
    }
    // SAFETY: the bound method keeps function and receiver alive; the instruction owns the window, whose second
    // register is free.
    unsafe {
        let function = &*(Function::payload_of(f));
        let c = &*fast!(function.code_ptr());
        let first = m.reg(m.b() + 1);
        if !known(c.serial) || c.sites().is_null() || !can_enter(m, c, first) || callee.header().is_unique() {
            return Fast::Slow;
        }
        if c.quick_args != n + 1 {
            copy_defaults(c, first, n + 1, fast!(missing_defaults(m, function, c, n + 1)));
        }
        f.incref();
        this.incref();
        *first = this;
        callee.header().release();
        enter_frame(m, f, function, c, first, c.quick_args, FrameKind::Call, Value::UNBOUND)
    }
}

/// Calls the Python function in the window of a method call, if it is one.
#[inline(always)]
pub(super) fn quick_method(m: M, n: u32, known: impl FnOnce(u64) -> bool) -> Fast {
    let callee = m.peek(m.b());
    let has_self = m.peek(m.b() + 1) != Value::UNBOUND;
    if !Function::is(callee) {
        return if has_self { Fast::Slow } else { quick_bound(m, callee, n, known) };
    }
    let skip = if has_self { 1 } else { 2 };
    enter_python(m, callee, m.reg(m.b() + skip), n + u32::from(has_self), known)
}
