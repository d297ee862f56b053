//! Calls with `*args` and `**kwargs`, whose arguments come in a tuple and a dict.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, object, tuple};
use cinder_pyobj::{Obj, PyResult, Type, intern};
use smallvec::SmallVec;

use super::calls::is_plain_class;
use super::op;
use crate::call::{FrameSpec, Given, bind, bound_count, push_frame};
use crate::frame::FrameKind;
use crate::machine::{Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;

/// The positional arguments of a spread call as a tuple.
fn positional(m: M, callee: &Obj, pos: Obj) -> PyResult {
    if tuple::items_if_tuple(&pos).is_some() {
        return Ok(pos);
    }
    let cx = m.cx();
    let slots = &pos.type_of().slots;
    if slots.iter.get().is_none() && slots.getitem.get().is_none() {
        return Err(cx.type_error(format!(
            "{} argument after * must be an iterable, not {}",
            crate::util::callable_name(cx, callee)?,
            pos.type_of().name()
        )));
    }
    Ok(tuple::new(pos.collect(cx)?))
}

/// Pushes the frame of a Python function for these arguments at the frame's top. `extra` is owned.
pub(super) fn push_given(
    m: M,
    callee: &Obj,
    given: Given<'_>,
    kind: FrameKind,
    extra: Option<&Obj>,
    advance: u8,
) -> PyResult<Option<Flow>> {
    let Some(f) = callee.downcast::<Function>() else { return Ok(None) };
    let Some(code) = f.code_ref() else { return Ok(None) };
    let Some(c) = code.downcast::<CodeObject>() else { return Ok(None) };
    if kind == FrameKind::Init && !c.runs {
        return Ok(None);
    }
    let (fr, th) = (m.frame(), m.th());
    let n = bound_count(c);
    let need = n + (c.near + c.above) as usize;
    // SAFETY: the registers above the frame are free, and there are enough of them.
    unsafe {
        let (mut to, mut end) = (fr.top, fr.reg_end);
        let fresh = (end as usize - to as usize) / 8 < need;
        if fresh {
            (to, end) = th.new_chunk(need)?;
        }
        if let Err(r) = bind(m.cx(), f, c, given, to) {
            if fresh {
                th.release_chunk(to, end);
            }
            return Err(r);
        }
        let spec = FrameSpec::call(callee.clone().into_value(), f, kind, advance);
        let p = push_frame(th, c, to, n as u32, end, spec)?;
        (*p).own_chunk |= fresh;
        if let Some(x) = extra {
            (*p).extra = x.clone().into_value();
        }
    }
    Ok(Some(Flow::SWITCH))
}

/// Enters the Python code that a call of `callee` runs, if it does: a function's, a bound method's, the `__init__` of a
/// plain class. The call instruction has `advance` words.
pub(super) fn enter(m: M, callee: &Obj, given: Given<'_>, advance: u8) -> PyResult<Option<Flow>> {
    if callee.downcast::<Function>().is_some() {
        return push_given(m, callee, given, FrameKind::Call, None, advance);
    }
    if let Some(b) = callee.fixed::<BoundMethod>(FixedShape::BoundMethod) {
        let given = Given { head: Some(b.receiver()), ..given };
        return push_given(m, b.function(), given, FrameKind::Call, None, advance);
    }
    if let Some(ty) = callee.fixed::<Type>(FixedShape::Type)
        && is_plain_class(ty)
        && let Some(init) = ty.lookup(intern!("__init__"))
        && init.is_exact(FixedShape::Function)
    {
        let instance = object::new_plain(ty);
        return push_given(
            m,
            &init,
            Given { head: Some(&instance), ..given },
            FrameKind::Init,
            Some(&instance),
            advance,
        );
    }
    Ok(None)
}

op! {
    CallEx |m| {
        let cx = m.cx();
        let b = m.b();
        let callee = m.take(b);
        let pos = m.take(b + 2);
        let kw = if m.c() == 1 { Some(m.take(b + 3)) } else { None };
        let pos = positional(m, &callee, pos)?;
        let items = tuple::items_if_tuple(&pos).unwrap_or(&[]);
        let mut names = SmallVec::<[Obj; 8]>::new();
        let mut values = SmallVec::<[Obj; 8]>::new();
        if let Some(d) = kw.as_ref().and_then(dict::as_dict) {
            let mut at = 0;
            while let Some((k, v)) = d.next_entry(&mut at) {
                if !k.type_of().is_str_subtype() {
                    return Err(cx.type_error("keywords must be strings"));
                }
                names.push(k);
                values.push(v);
            }
        }
        let given = Given { head: None, pos: items, names: &names, values: &values };
        if let Some(flow) = enter(m, &callee, given, 1)? {
            return Ok(flow);
        }
        let r = if !names.is_empty() {
            let mut all = Vec::with_capacity(items.len() + values.len());
            all.extend_from_slice(items);
            all.append(&mut values.into_vec());
            callee.call(cx, Args::new(&all, &names))?
        } else if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction)
            && f.is_plain()
        {
            (f.def().call)(cx, f.receiver(), Args::positional(items))?
        } else {
            callee.call(cx, Args::positional(items))?
        };
        drop((kw, pos, callee));
        m.set(m.a(), r);
        if m.frame().pc != m.pc {
            // The call turned tracing on: the frame goes on in another copy of its code.
            // SAFETY: the frame stands at this instruction there.
            return Ok(Flow::jump(unsafe { m.frame().pc.add(1) }));
        }
        Ok(Flow::NEXT)
    }

    DictMerge |m| {
        let cx = m.cx();
        let x = m.arg(m.b());
        let d = m.peek_obj(m.a());
        // The call that follows reads the dict at once and no more: an exact dict that is all there is may stand for
        // its copy.
        // SAFETY: verified code goes on after this instruction.
        let next = unsafe { (*m.ahead(1)).op() };
        if next == Some(Opcode::CallEx) && dict::items_if_dict_exact(&x) && dict::as_dict(d).is_some_and(|d| d.is_empty()) {
            let x = x.into_obj();
            drop(m.take(m.a()));
            m.put(m.a(), x);
            return Ok(Flow::NEXT);
        }
        let callee = m.peek_obj(m.c());
        let pairs = match dict::items_if_dict(&x) {
            Some(p) if dict::plain_iteration(&x) => p,
            _ => {
                let Some(keys) = x.get_attr_opt(cx, intern!("keys"))? else {
                    return Err(cx.type_error(format!(
                        "{} argument after ** must be a mapping, not {}",
                        crate::util::callable_name(cx, callee)?,
                        x.type_of().name()
                    )));
                };
                let mut out = Vec::new();
                for k in keys.call0(cx)?.collect(cx)? {
                    let v = x.get_item(cx, &k)?;
                    out.push((k, v));
                }
                out
            }
        };
        for (k, v) in pairs {
            // That keywords are strings is checked by the call.
            if dict::get(cx, d, &k)?.is_some() {
                return Err(cx.type_error(format!(
                    "{} got multiple values for keyword argument '{}'",
                    crate::util::callable_name(cx, callee)?,
                    as_utf8_lossy(&k.str(cx)?)
                )));
            }
            dict::set(cx, d, &k, &v)?;
        }
        drop(x);
        Ok(Flow::NEXT)
    }
}
