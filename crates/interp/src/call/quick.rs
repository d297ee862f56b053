//! Binding of arguments straight into the registers of the new frame.

use cinder_bytecode::code::flags;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Value};
use smallvec::SmallVec;

use super::bind::bind_arguments;
use crate::objects::code::CodeObject;
use crate::objects::function::Function;

/// The arguments of a call, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    /// A receiver before the positional arguments.
    pub head: Option<&'a Obj>,
    /// The positional arguments.
    pub pos: &'a [Obj],
    /// The names of the keyword arguments.
    pub names: &'a [Obj],
    /// Their values.
    pub values: &'a [Obj],
}

impl Given<'_> {
    fn count(&self) -> usize {
        self.pos.len() + usize::from(self.head.is_some())
    }
}

/// The number of registers that bound arguments take.
pub(crate) fn bound_count(c: &CodeObject) -> usize {
    let code = &c.code;
    let extra = (code.flags & flags::VARARGS != 0) as u32 + (code.flags & flags::VARKEYWORDS != 0) as u32;
    (code.arg_count + code.kwonly_arg_count + extra) as usize
}

/// Binds arguments to the parameters of `f`, into the [`bound_count`] words at `to`, with CPython's messages where that
/// does not work out; nothing is written there then that is owned.
///
/// # Safety
/// As [`bind_quick`].
pub(crate) unsafe fn bind(cx: &Ctx, f: &Function, c: &CodeObject, g: Given<'_>, to: *mut Value) -> PyResult<()> {
    // SAFETY: passed on from the caller.
    unsafe {
        if bind_quick(cx, f, c, g, to) {
            return Ok(());
        }
        let pos: SmallVec<[Obj; 8]> = g.head.into_iter().chain(g.pos).cloned().collect();
        let mut keywords = g.names.iter().cloned().zip(g.values.iter().cloned());
        for (i, v) in bind_arguments(cx, f, c, &pos, &mut keywords)?.into_iter().enumerate() {
            *to.add(i) = v.into_value();
        }
    }
    Ok(())
}

/// Binds arguments to the parameters of `f`, into the [`bound_count`] words at `to`. False, with nothing written that
/// is owned, where an argument is wrong or a keyword is not an exact interned str: the general way then tells why, or
/// finds that it binds all the same.
///
/// # Safety
/// The words at `to` must be writable, hold nothing that is owned, and be no part of the arguments.
unsafe fn bind_quick(cx: &Ctx, f: &Function, c: &CodeObject, g: Given<'_>, to: *mut Value) -> bool {
    let code = &c.code;
    let n = code.arg_count as usize;
    let total = n + code.kwonly_arg_count as usize;
    let count = g.count();
    if count > n && code.flags & flags::VARARGS == 0 {
        return false;
    }
    // SAFETY: the caller's words; each is written before it is read, and `to..to + total` holds owned words or
    // `UNBOUND` from here on.
    unsafe {
        let given = count.min(n);
        let skip = usize::from(g.head.is_some());
        if let (Some(h), true) = (g.head, given > 0) {
            *to = h.clone().into_value();
        }
        let mut i = skip;
        while i < given {
            *to.add(i) = g.pos[i - skip].clone().into_value();
            i += 1;
        }
        for i in given..total {
            *to.add(i) = Value::UNBOUND;
        }
        let mut kwargs = None;
        let ok = bind_names(cx, c, g, to, &mut kwargs) && fill(f, c, to, given);
        if !ok {
            for i in 0..total {
                (*to.add(i)).decref();
            }
            return false;
        }
        let mut end = to.add(total);
        if code.flags & flags::VARARGS != 0 {
            let rest = match g.head {
                Some(h) if n == 0 => {
                    let mut all = Vec::with_capacity(count);
                    all.push(h.clone());
                    all.extend_from_slice(g.pos);
                    tuple::new(all)
                }
                Some(_) => tuple::from_slice(g.pos.get(n - 1..).unwrap_or(&[])),
                None => tuple::from_slice(g.pos.get(n..).unwrap_or(&[])),
            };
            *end = rest.into_value();
            end = end.add(1);
        }
        if code.flags & flags::VARKEYWORDS != 0 {
            *end = kwargs.unwrap_or_else(dict::new).into_value();
        }
    }
    true
}

/// Places keyword arguments; those without a parameter go to `kwargs`.
///
/// # Safety
/// As [`bind_quick`], with the parameters' words initialised.
unsafe fn bind_names(cx: &Ctx, c: &CodeObject, g: Given<'_>, to: *mut Value, kwargs: &mut Option<Obj>) -> bool {
    if g.names.is_empty() {
        return true;
    }
    let collects = c.code.flags & flags::VARKEYWORDS != 0;
    let skip = c.code.posonly_arg_count as usize;
    let params = c.param_names();
    let mut i = 0;
    while i < g.names.len() {
        let (k, v) = (&g.names[i], &g.values[i]);
        i += 1;
        // Parameter names are interned: an interned name equals one only if it is the same object.
        if !k.fixed::<Str>(FixedShape::Str).is_some_and(Str::is_interned) {
            return false;
        }
        match params[skip..].iter().position(|p| p.value() == k.value()) {
            Some(at) => {
                // SAFETY: by the caller's promise.
                let slot = unsafe { &mut *to.add(skip + at) };
                if *slot != Value::UNBOUND {
                    return false;
                }
                *slot = v.clone().into_value();
            }
            None if collects => {
                let d = kwargs.get_or_insert_with(dict::new);
                if let Err(r) = dict::set(cx, d, k, v) {
                    // Only memory can be lacking; the general way finds out the same.
                    drop(cx.take(r));
                    return false;
                }
            }
            None => return false,
        }
    }
    true
}

/// Fills parameters that got no argument from the defaults. False if one has none.
///
/// # Safety
/// As [`bind_names`].
unsafe fn fill(f: &Function, c: &CodeObject, to: *mut Value, given: usize) -> bool {
    let n = c.code.arg_count as usize;
    let total = n + c.code.kwonly_arg_count as usize;
    // SAFETY: by the caller's promise.
    unsafe {
        if given < n {
            // Borrowed from the function: nothing runs before the values are counted.
            let defaults = f.defaults.get();
            let items = defaults.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
            for i in given..n {
                let slot = &mut *to.add(i);
                if *slot == Value::UNBOUND {
                    let Some(v) = (i + items.len()).checked_sub(n).and_then(|k| items.get(k)) else { return false };
                    *slot = v.clone().into_value();
                }
            }
        }
        if total > n {
            let params = c.param_names();
            let mut defaults = None;
            for i in n..total {
                let slot = &mut *to.add(i);
                if *slot == Value::UNBOUND {
                    let d = defaults.get_or_insert_with(|| f.kwdefaults.get());
                    let Some(v) = d.as_ref().and_then(dict::as_dict).and_then(|d| d.get_name(params[i])) else {
                        return false;
                    };
                    *slot = v.into_value();
                }
            }
        }
    }
    true
}
