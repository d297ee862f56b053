//! `match` statements (PEP 634).

use cinder_pyobj::intern;
use cinder_pyobj::types::{dict, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::op;
use crate::machine::Flow;

/// The values of a mapping for a tuple of keys, or nothing if one is missing.
fn match_keys(cx: &Ctx, subject: &Obj, keys: &[Obj]) -> PyResult<Option<Vec<Obj>>> {
    let get = subject.get_attr(cx, intern!("get"))?;
    let dummy = cinder_pyobj::types::object::new_plain(cinder_pyobj::native::class_type::<
        cinder_pyobj::types::object::Object,
    >());
    let mut out: Vec<Obj> = Vec::new();
    for (i, k) in keys.iter().enumerate() {
        for earlier in &keys[..i] {
            if earlier.eq(cx, k)? {
                let r = k.repr(cx)?;
                return Err(cx.value_error(format!(
                    "mapping pattern checks duplicate key ({})",
                    cinder_pyobj::types::str::as_utf8_lossy(&r)
                )));
            }
        }
        let v = get.call_pos(cx, &[k.clone(), dummy.clone()])?;
        if v.is(&dummy) {
            return Ok(None);
        }
        out.push(v);
    }
    Ok(Some(out))
}

/// The attributes that a class pattern binds, or nothing if the subject does not match.
fn match_class(cx: &Ctx, subject: &Obj, cls: &Obj, names: &[Obj], positional: usize) -> PyResult<Option<Vec<Obj>>> {
    let Some(ty) = cls.as_type() else {
        return Err(cx.type_error(format!("called match pattern must be a class")));
    };
    if !subject.is_instance(cx, cls)? {
        return Ok(None);
    }
    let mut out = Vec::new();
    let mut seen: Vec<Obj> = Vec::new();
    let attr = |seen: &mut Vec<Obj>, name: &Obj| -> PyResult<Option<Obj>> {
        for s in seen.iter() {
            if s.eq(cx, name)? {
                let r = name.repr(cx)?;
                return Err(cx.type_error(format!(
                    "{}() got multiple sub-patterns for attribute {}",
                    ty.name(),
                    cinder_pyobj::types::str::as_utf8_lossy(&r)
                )));
            }
        }
        seen.push(name.clone());
        subject.get_attr_obj_opt(cx, name)
    };
    if positional > 0 {
        let found = cls.get_attr_opt(cx, intern!("__match_args__"))?;
        let mut self_match = false;
        let args = match &found {
            Some(a) => match tuple::items_if_exact_tuple(a) {
                Some(t) => t,
                None => {
                    return Err(cx.type_error(format!(
                        "{}.__match_args__ must be a tuple (got {})",
                        ty.name(),
                        a.type_of().name()
                    )));
                }
            },
            None => {
                self_match = ty.flags().match_self;
                &[]
            }
        };
        let allowed = if self_match { 1 } else { args.len() };
        if positional > allowed {
            return Err(cx.type_error(format!(
                "{}() accepts {allowed} positional sub-pattern{} ({positional} given)",
                ty.name(),
                if allowed == 1 { "" } else { "s" }
            )));
        }
        if self_match {
            out.push(subject.clone());
        } else {
            for n in &args[..positional] {
                if !n.type_of().is_str_subtype() {
                    return Err(
                        cx.type_error(format!("__match_args__ elements must be strings (got {})", n.type_of().name()))
                    );
                }
                match attr(&mut seen, n)? {
                    Some(v) => out.push(v),
                    None => return Ok(None),
                }
            }
        }
    }
    for n in names {
        match attr(&mut seen, n)? {
            Some(v) => out.push(v),
            None => return Ok(None),
        }
    }
    Ok(Some(out))
}

op! {
    MatchMapping |m| {
        let r = m.peek_obj(m.b()).type_of().flags().mapping;
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    MatchSequence |m| {
        let r = m.peek_obj(m.b()).type_of().flags().sequence;
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    MatchKeys |m| {
        let keys = tuple::items_if_tuple(m.peek_obj(m.c())).unwrap_or(&[]);
        let r = match_keys(m.cx(), m.peek_obj(m.b()), keys)?;
        m.set(m.a(), r.map_or_else(Obj::none, tuple::new));
        Ok(Flow::NEXT)
    }

    MatchRest |m| {
        let cx = m.cx();
        let keys = m.arg(m.c());
        let d = dict::new();
        d.call_method(cx, intern!("update"), &[m.peek_obj(m.b()).clone()])?;
        for k in tuple::items_if_tuple(&keys).unwrap_or(&[]) {
            d.del_item(cx, k)?;
        }
        drop(keys);
        m.set(m.a(), d);
        Ok(Flow::NEXT)
    }

    MatchClass |m| {
        let items = m.take_window(m.b(), 3);
        let names = tuple::items_if_tuple(&items[2]).unwrap_or(&[]);
        let r = match_class(m.cx(), &items[0], &items[1], names, m.c() as u16 as usize)?;
        drop(items);
        m.set(m.a(), r.map_or_else(Obj::none, tuple::new));
        Ok(Flow::NEXT)
    }
}

const _: fn() -> &'static cinder_pyobj::Type = exc::TypeError;
