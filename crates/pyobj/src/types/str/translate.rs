//! `translate` and `maketrans`.

use super::{Str, StrBuilder};
use crate::ctx::{Ctx, PyResult};
use crate::native::PyClass;
use crate::types::dict::{self, Dict};
use crate::types::exc;
use crate::types::int::{self, Int};
use crate::value::Obj;

/// What a table gives for one code point.
#[derive(Clone)]
enum Mapped {
    Same,
    Code(u32),
    Text(Obj),
}

pub(crate) fn translate(cx: &Ctx, s: &Str, table: &Obj) -> PyResult {
    let mut out = StrBuilder::new();
    let mut ascii: Vec<Option<Mapped>> = vec![None; 128];
    for c in s.code_points() {
        let known = ascii.get(c as usize).cloned().flatten();
        let m = match known {
            Some(m) => m,
            None => {
                let m = lookup(cx, table, c)?;
                if let Some(slot) = ascii.get_mut(c as usize) {
                    *slot = Some(m.clone());
                }
                m
            }
        };
        match m {
            Mapped::Same => out.push(c),
            Mapped::Code(c) => out.push(c),
            Mapped::Text(t) => out.push_obj(&t),
        }
    }
    Ok(out.finish())
}

fn lookup(cx: &Ctx, table: &Obj, c: u32) -> PyResult<Mapped> {
    let r = table.get_item(cx, &Obj::from(c as i64));
    let v = match r {
        Ok(v) => v,
        Err(r) => {
            cx.swallow(r, exc::LookupError())?;
            return Ok(Mapped::Same);
        }
    };
    if v.is_none() {
        return Ok(Mapped::Text(super::empty()));
    }
    if v.downcast::<Str>().is_some() {
        return Ok(Mapped::Text(v));
    }
    if let Some(i) = int::as_i64(&v) {
        return match u32::try_from(i) {
            Ok(c) if c <= 0x10_ffff => Ok(Mapped::Code(c)),
            _ => Err(cx.value_error("character mapping must be in range(0x110000)")),
        };
    }
    if v.type_of().is_subtype(Int::type_object()) {
        return Err(cx.value_error("character mapping must be in range(0x110000)"));
    }
    Err(cx.type_error("character mapping must return integer, None or str"))
}

pub(crate) fn maketrans(cx: &Ctx, x: &Obj, y: Option<&Obj>, z: Option<&Obj>) -> PyResult {
    let out = dict::new();
    let set = |k: u32, v: &Obj| out.set_item(cx, &Obj::from(k as i64), v);
    if let Some(y) = y {
        let Some(x) = x.downcast::<Str>() else {
            return Err(cx.type_error("first maketrans argument must be a string if there is a second argument"));
        };
        let not_str = |n: usize, o: &Obj| {
            cx.type_error(format!("maketrans() argument {n} must be str, not {}", o.type_of().name()))
        };
        let y = y.downcast::<Str>().ok_or_else(|| not_str(2, y))?;
        let z = z.map(|z| z.downcast::<Str>().ok_or_else(|| not_str(3, z))).transpose()?;
        if x.len() != y.len() {
            return Err(cx.value_error("the first two maketrans arguments must have equal length"));
        }
        for (a, b) in x.code_points().zip(y.code_points()) {
            set(a, &Obj::from(b as i64))?;
        }
        for c in z.into_iter().flat_map(Str::code_points) {
            set(c, &Obj::none())?;
        }
        return Ok(out);
    }
    let Some(d) = x.downcast::<Dict>() else {
        return Err(cx.type_error("if you give only one argument to maketrans it must be a dict"));
    };
    for (k, v) in d.snapshot() {
        if let Some(s) = k.downcast::<Str>() {
            match (s.len(), s.get(0)) {
                (1, Some(c)) => set(c, &v)?,
                _ => return Err(cx.value_error("string keys in translatetable must be of length 1")),
            }
        } else if k.type_of().is_subtype(Int::type_object()) {
            out.set_item(cx, &k, &v)?;
        } else {
            return Err(cx.type_error("keys in translate table must be strings or integers"));
        }
    }
    Ok(out)
}
