//! Calls of Python functions and bound methods.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use cinder_bytecode::code::flags;
use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult, Value};

use cinder_shadow::{Site, WAYS};
use smallvec::SmallVec;

use super::{Window, arg_count, call, look_again, method_window, plain_window, poll};
use crate::call::{FrameSpec, Given, bind_arguments, bind_quick, bound_count, fill_defaults, push_frame};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::generator;
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
        } else if names.is_empty()
            && !heap_frame
            && c.runs
            && (fr.reg_end as usize - params as usize) / 8 >= (c.near + c.above) as usize
            && collect_in_place(f, c, w)
        {
            count = bound_count(c) as u32;
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

/// Binds positional arguments in the window itself, for functions with `*args`, `**kwargs` or keyword-only parameters.
/// False, with nothing changed, if arguments are missing or too many.
///
/// # Safety
/// The window must have room for all parameters.
unsafe fn collect_in_place(f: &Function, c: &CodeObject, w: Window) -> bool {
    let code = &c.code;
    let n = code.arg_count as usize;
    let total = n + code.kwonly_arg_count as usize;
    let takes_rest = code.flags & flags::VARARGS != 0;
    if c.far != 0 || w.count > n && !takes_rest {
        return false;
    }
    let defaults = f.defaults.get();
    let items = defaults.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
    if w.count < n && n - w.count > items.len() {
        return false;
    }
    // Keyword-only parameters come first: they alone can turn out to be missing yet.
    let mut own = SmallVec::<[Obj; 4]>::new();
    if total > n {
        let kwdefaults = f.kwdefaults.get();
        let Some(d) = kwdefaults.as_ref().and_then(dict::as_dict) else { return false };
        for name in &c.param_names()[n..total] {
            let Some(v) = d.get_name(*name) else { return false };
            own.push(v);
        }
    }
    // SAFETY: the window's words are owned; each moves to its parameter or into the tuple.
    unsafe {
        let rest = match w.count.checked_sub(n) {
            Some(more) if more > 0 => tuple::from_owned_words(std::slice::from_raw_parts(w.first.add(n), more)),
            _ => tuple::empty(),
        };
        for i in w.count..n {
            *w.first.add(i) = items[items.len() + i - n].clone().into_value();
        }
        let mut end = w.first.add(n);
        for v in own {
            *end = v.into_value();
            end = end.add(1);
        }
        if takes_rest {
            *end = rest.into_value();
            end = end.add(1);
        }
        if code.flags & flags::VARKEYWORDS != 0 {
            *end = dict::new().into_value();
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
            advance,
            consumer: 0,
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
