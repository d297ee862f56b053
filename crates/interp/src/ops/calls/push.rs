//! Pushing frames for Python functions, with arguments bound on the way.

use std::mem::MaybeUninit;

use cinder_bytecode::code::flags;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult, Value};
use smallvec::SmallVec;

use super::Window;
use crate::call::{FrameSpec, Given, bind, bound_count, fill_defaults, push_frame};
use crate::frame::FrameKind;
use crate::machine::{Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::generator;

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
unsafe fn bind_in_place(f: &Function, c: &CodeObject, w: Window, names: &[Obj]) -> bool {
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
fn push_bound(m: M, w: Window, f: &Function, names: &[Obj], advance: u8, c: &CodeObject) -> PyResult<Flow> {
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
        if let Err(r) = bind(cx, f, c, Given { head: None, pos, names, values: kw }, to) {
            if fresh {
                th.release_chunk(to, end);
            }
            w.drop_all();
            return Err(r);
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
