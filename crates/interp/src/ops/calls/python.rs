//! Calls of Python functions and bound methods.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult, Value};

use super::Window;
use crate::call::{FrameSpec, Given, bind_arguments, bind_quick, bound_count, fill_defaults, push_frame};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::generator;
use crate::ops::fast;

/// Pushes a frame for a Python function whose arguments stand in the window. Calls from a generator's frame
/// move them to the register stack first.
#[inline(always)]
pub(super) fn push_python(m: M, w: Window, f: &Function, names: &[Obj], advance: u8) -> PyResult<Flow> {
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
                    return push_bound(m, w, f, names, advance, c);
                }
                std::ptr::copy_nonoverlapping(params, to, count as usize);
                params = to;
            }
            if count < c.simple_args {
                if !fill_defaults(f, params, count, c.simple_args) {
                    if params != w.first {
                        std::ptr::copy_nonoverlapping(params, w.first, count as usize);
                    }
                    return push_bound(m, w, f, names, advance, c);
                }
                count = c.simple_args;
            }
            if !c.runs
                && let Some(g) = generator::make_of_call(th, *w.callee, f, c, params, count)
            {
                m.set(m.a(), g);
                return Ok(Flow::jump(m.pc.add(advance as usize)));
            }
        } else if !heap_frame
            && !names.is_empty()
            && (fr.reg_end as usize - params as usize) / 8 >= (c.near + c.above) as usize
            && bind_in_place(f, c, w, names)
        {
            count = c.code.arg_count + c.code.kwonly_arg_count;
        } else {
            return push_bound(m, w, f, names, advance, c);
        }
        push_frame(th, c, params, count, fr.reg_end, FrameSpec::call(*w.callee, f, FrameKind::Call, advance))?;
        Ok(Flow::SWITCH)
    }
}

/// Binds positional and keyword arguments in the window itself, for functions without `*args` and `**kwargs`. False,
/// with nothing changed, if that does not work out.
///
/// # Safety
/// The window must have room for all parameters.
pub(super) unsafe fn bind_in_place(f: &Function, c: &CodeObject, w: Window, names: &[Obj]) -> bool {
    let code = &c.code;
    let total = (code.arg_count + code.kwonly_arg_count) as usize;
    let positional = w.count - names.len();
    if !c.fixed_params || positional > code.arg_count as usize || total > 32 {
        return false;
    }
    let params = c.param_names();
    // SAFETY: the window's words are owned and stay so until they are all placed.
    unsafe {
        let mut room = [const { MaybeUninit::<Value>::uninit() }; 32];
        for slot in &mut room[..total] {
            slot.write(Value::UNBOUND);
        }
        let slots = std::slice::from_raw_parts_mut(room.as_mut_ptr() as *mut Value, total);
        for (i, slot) in slots.iter_mut().enumerate().take(positional) {
            *slot = *w.first.add(i);
        }
        for (i, n) in names.iter().enumerate() {
            let skip = code.posonly_arg_count as usize;
            let Some(at) = params.iter().skip(skip).position(|p| p.value() == n.value()) else { return false };
            let slot = &mut slots[skip + at];
            if *slot != Value::UNBOUND {
                return false;
            }
            *slot = *w.first.add(positional + i);
        }
        // Defaults are borrowed until nothing can fail any more.
        let mut from_defaults = 0u64;
        let n = code.arg_count as usize;
        let defaults = f.defaults.get();
        let items = defaults.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
        for (i, slot) in slots.iter_mut().enumerate().take(n) {
            if *slot == Value::UNBOUND {
                let Some(v) = (i + items.len()).checked_sub(n).and_then(|k| items.get(k)) else { return false };
                *slot = v.value();
                from_defaults |= 1 << i;
            }
        }
        let kwdefaults = f.kwdefaults.get();
        for i in n..total {
            if slots[i] == Value::UNBOUND {
                let Some(d) = kwdefaults.as_ref().and_then(dict::as_dict) else { return false };
                let Some(v) = d.get_name(params[i]) else { return false };
                slots[i] = v.value();
                from_defaults |= 1 << i;
                // The dict keeps the value alive until it is counted below.
                drop(v);
            }
        }
        for (i, v) in slots.iter().enumerate().take(total) {
            if from_defaults >> i & 1 != 0 {
                v.incref();
            }
            *w.first.add(i) = *v;
        }
    }
    true
}

/// The general case: binds arguments, drops the window's own, and pushes at the frame's top.
#[cold]
#[inline(never)]
pub(super) fn push_bound(m: M, w: Window, f: &Function, names: &[Obj], advance: u8, c: &CodeObject) -> PyResult<Flow> {
    let cx = m.cx();
    let (pos, kw) = w.args().split_at(w.count - names.len());
    let fr = m.frame();
    let th = m.th();
    let n = bound_count(c);
    let need = n + (c.near + c.above) as usize;
    // SAFETY: the new registers lie above all live ones; the window is the instruction's.
    unsafe {
        let (mut to, mut end) = (fr.top, fr.reg_end);
        let fresh = (end as usize - to as usize) / 8 < need;
        if fresh {
            match th.new_chunk(need) {
                Ok((s, e)) => (to, end) = (s, e),
                Err(r) => {
                    w.drop_all();
                    return Err(r);
                }
            }
        }
        if !bind_quick(cx, f, c, Given { head: None, pos, names, values: kw }, to) {
            match bind_arguments(cx, f, c, pos, &mut names.iter().cloned().zip(kw.iter().cloned())) {
                Ok(bound) => {
                    for (i, v) in bound.into_iter().enumerate() {
                        *to.add(i) = v.into_value();
                    }
                }
                Err(r) => {
                    if fresh {
                        th.release_chunk(to, end);
                    }
                    w.drop_all();
                    return Err(r);
                }
            }
        }
        for i in 0..w.count {
            (*w.first.add(i)).decref();
        }
        match push_frame(th, c, to, n as u32, end, FrameSpec::call(*w.callee, f, FrameKind::Call, advance)) {
            Ok(p) => {
                (*p).own_chunk |= fresh;
                Ok(Flow::SWITCH)
            }
            Err(r) => {
                if fresh {
                    th.release_chunk(to, end);
                }
                Err(r)
            }
        }
    }
}

/// Enters a Python function whose arguments stand in the window and need no binding; its code has a shadow.
#[inline(always)]
pub(super) fn enter_python(m: M, callee: Value, first: *mut Value, count: u32) -> Fast {
    // SAFETY: the callee is exactly a function; the window is owned by the instruction, and the registers above
    // it are free up to the chunk's end.
    unsafe {
        let f = &*(Function::payload_of(callee));
        let c = &*fast!(f.code_ptr());
        if c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        if c.quick_args != count {
            fast!(quick_defaults(m, f, c, first, count));
        }
        enter_frame(m, callee, f, c, first, c.quick_args, FrameKind::Call, Value::UNBOUND)
    }
}

/// Fills the last parameters from the defaults, if that is all that is missing.
///
/// # Safety
/// `can_enter` must hold, and `count` arguments must stand at `first`.
#[inline(always)]
pub(super) unsafe fn quick_defaults(m: M, f: &Function, c: &CodeObject, first: *mut Value, count: u32) -> Option<()> {
    // The window of a generator's frame has no room for more than the arguments.
    if c.quick_args == u32::MAX || count > c.quick_args || m.frame().is_generator {
        return None;
    }
    let d = f.defaults.peek()?;
    // SAFETY: the function keeps its defaults alive; the frame has room for all parameters.
    unsafe {
        let items = Obj::borrow_from(&d).fixed::<tuple::Tuple>(FixedShape::Tuple)?.values();
        let missing = (c.quick_args - count) as usize;
        let skip = items.len().checked_sub(missing)?;
        let mut i = 0;
        while i < missing {
            let v = *items.as_ptr().add(skip + i);
            v.incref();
            *first.add(count as usize + i) = v;
            i += 1;
        }
    }
    Some(())
}

/// Whether a frame of `c` can be pushed without ado with its parameters at `first`.
#[inline(always)]
pub(in crate::ops) fn can_enter(m: M, c: &CodeObject, first: *mut Value) -> bool {
    let th = m.th();
    let fr = m.frame();
    let params = if fr.is_generator { fr.top } else { first };
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
#[allow(clippy::too_many_arguments, reason = "all of it becomes part of the frame")]
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
    // SAFETY: by the caller's promise; what is written lies in the chunk.
    unsafe {
        let th = m.th();
        let fr = m.frame();
        let params = if fr.is_generator { fr.top } else { first };
        let new = th.take_frame();
        th.depth.set(th.depth.get() + 1);
        if params != first {
            let mut i = 0;
            while i < count as usize {
                *params.add(i) = *first.add(i);
                i += 1;
            }
        }
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
            advance: 1,
            consumer: 0,
        });
        th.current.set(new);
        Fast::Enter(pc, base, new)
    }
}

/// Calls the Python function in the window, if it is one; else nothing.
#[inline(always)]
pub(super) fn quick_python(m: M, n: u32) -> Fast {
    let callee = m.peek(m.b());
    if Function::is(callee) {
        return enter_python(m, callee, m.reg(m.b() + 2), n);
    }
    quick_bound(m, callee, n)
}

/// Calls the Python function of the bound method in the window, if it is one.
#[inline(always)]
pub(super) fn quick_bound(m: M, callee: Value, n: u32) -> Fast {
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
        if c.quick_args != n + 1 || c.sites().is_null() || !can_enter(m, c, first) || callee.header().is_unique() {
            return Fast::Slow;
        }
        f.incref();
        this.incref();
        *first = this;
        callee.header().release();
        enter_frame(m, f, function, c, first, n + 1, FrameKind::Call, Value::UNBOUND)
    }
}

/// Calls the Python function in the window of a method call, if it is one.
#[inline(always)]
pub(super) fn quick_method(m: M, n: u32) -> Fast {
    let callee = m.peek(m.b());
    let has_self = m.peek(m.b() + 1) != Value::UNBOUND;
    if !Function::is(callee) {
        return if has_self { Fast::Slow } else { quick_bound(m, callee, n) };
    }
    let skip = if has_self { 1 } else { 2 };
    enter_python(m, callee, m.reg(m.b() + skip), n + u32::from(has_self))
}

/// Pushes the frame of a Python function with these arguments above the current frame's registers; nothing if they
/// need binding or do not fit.
pub(in crate::ops) fn push_values<const N: usize>(
    m: M,
    f: &Obj,
    args: [&Obj; N],
    kind: FrameKind,
) -> PyResult<Option<Flow>> {
    let Some(function) = f.fixed::<Function>(FixedShape::Function) else { return Ok(None) };
    let Some(code) = function.code_ptr() else { return Ok(None) };
    // SAFETY: the function keeps its code alive.
    let c = unsafe { &*code };
    let fr = m.frame();
    let need = (c.near + c.above) as usize;
    if c.simple_args != N as u32 || !c.runs || (fr.reg_end as usize - fr.top as usize) / 8 < need {
        return Ok(None);
    }
    // SAFETY: the registers above the frame are free and there are enough of them.
    unsafe {
        for (i, a) in args.into_iter().enumerate() {
            *fr.top.add(i) = a.clone().into_value();
        }
        let spec = FrameSpec::call(f.clone().into_value(), function, kind, 1);
        push_frame(m.th(), c, fr.top, N as u32, fr.reg_end, spec)?;
    }
    Ok(Some(Flow::SWITCH))
}
