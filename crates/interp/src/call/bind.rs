//! Matching of call arguments to the parameters of Python functions (with CPython's messages).

use cinder_bytecode::code::flags;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};
use smallvec::SmallVec;

use crate::objects::code::CodeObject;
use crate::objects::function::Function;

/// Fills missing positional parameters of a simple call from the defaults. `params` points at the first
/// parameter register; `given` of them are filled. False if defaults are missing too.
#[inline]
pub(crate) unsafe fn fill_defaults(f: &Function, params: *mut Value, given: u32, want: u32) -> bool {
    let Some(d) = f.defaults.get() else { return false };
    let items = tuple::items_if_tuple(&d).unwrap_or(&[]);
    let missing = (want - given) as usize;
    if missing > items.len() {
        return false;
    }
    for (i, v) in items[items.len() - missing..].iter().enumerate() {
        // SAFETY: the caller's window has room for all parameters.
        unsafe { *params.add(given as usize + i) = v.clone().into_value() };
    }
    true
}

fn qualname(f: &Function) -> String {
    f.qualname.get().map(|q| as_utf8_lossy(&q).into_owned()).unwrap_or_default()
}

fn join_names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [a] => format!("'{a}'"),
        [a, b] => format!("'{a}' and '{b}'"),
        [rest @ .., last] => {
            let head: Vec<String> = rest.iter().map(|n| format!("'{n}'")).collect();
            format!("{}, and '{last}'", head.join(", "))
        }
    }
}

fn missing_error(cx: &Ctx, f: &Function, kind: &str, names: &[String]) -> Raised {
    cx.type_error(format!(
        "{}() missing {} required {kind} argument{}: {}",
        qualname(f),
        names.len(),
        if names.len() == 1 { "" } else { "s" },
        join_names(names)
    ))
}

fn too_many(cx: &Ctx, f: &Function, c: &CodeObject, given: usize, kwonly_given: usize) -> Raised {
    let n = c.code.arg_count as usize;
    let defaults = f.defaults.get().and_then(|d| tuple::items_if_tuple(&d).map(<[Obj]>::len)).unwrap_or(0);
    let (plural, sig) = if defaults > 0 {
        (true, format!("from {} to {n}", n.saturating_sub(defaults)))
    } else {
        (n != 1, n.to_string())
    };
    let kw = if kwonly_given > 0 {
        format!(
            " positional argument{} (and {kwonly_given} keyword-only argument{})",
            if given != 1 { "s" } else { "" },
            if kwonly_given != 1 { "s" } else { "" }
        )
    } else {
        String::new()
    };
    cx.type_error(format!(
        "{}() takes {sig} positional argument{} but {given}{kw} {} given",
        qualname(f),
        if plural { "s" } else { "" },
        if given == 1 && kwonly_given == 0 { "was" } else { "were" }
    ))
}

/// Binds positional values and keywords to the parameters, in the order of the registers.
pub(crate) fn bind_arguments(
    cx: &Ctx,
    f: &Function,
    c: &CodeObject,
    pos: &[Obj],
    keywords: &mut dyn Iterator<Item = (Obj, Obj)>,
) -> PyResult<SmallVec<[Obj; 8]>> {
    let code = &c.code;
    let n = code.arg_count as usize;
    let total = n + code.kwonly_arg_count as usize;
    let mut slots: SmallVec<[Option<Obj>; 8]> = SmallVec::new();
    slots.resize(total, None);
    for (s, v) in slots.iter_mut().zip(pos.iter().take(n)) {
        *s = Some(v.clone());
    }
    let kwargs = if code.flags & flags::VARKEYWORDS != 0 { Some(dict::new()) } else { None };
    let posonly = code.posonly_arg_count as usize;
    let mut posonly_by_name = Vec::new();
    for (k, v) in keywords {
        if !k.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("{}() keywords must be strings", qualname(f))));
        }
        let text = as_utf8_lossy(&k);
        let at = (posonly..total).find(|i| c.local_name(*i as u32) == text);
        match at {
            Some(i) if slots[i].is_some() => {
                return Err(cx.type_error(format!("{}() got multiple values for argument '{text}'", qualname(f))));
            }
            Some(i) => slots[i] = Some(v),
            None => match &kwargs {
                Some(d) => d.set_item(cx, &k, &v)?,
                None => {
                    if (0..posonly).any(|i| c.local_name(i as u32) == text) {
                        posonly_by_name.push(text.into_owned());
                        continue;
                    }
                    return Err(unexpected_keyword(cx, f, c, &text, posonly, total));
                }
            },
        }
    }
    if !posonly_by_name.is_empty() {
        return Err(cx.type_error(format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            qualname(f),
            posonly_by_name.join(", ")
        )));
    }
    if pos.len() > n && code.flags & flags::VARARGS == 0 {
        let kwonly_given = slots[n..].iter().filter(|s| s.is_some()).count();
        return Err(too_many(cx, f, c, pos.len(), kwonly_given));
    }
    if slots[..n].iter().any(Option::is_none) {
        let defaults = f.defaults.get();
        let items = defaults.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
        let first = n.saturating_sub(items.len());
        let mut missing = Vec::new();
        for i in 0..n {
            if slots[i].is_none() {
                if i >= first {
                    slots[i] = items.get(i + items.len() - n).cloned();
                } else {
                    missing.push(c.local_name(i as u32).to_string());
                }
            }
        }
        if !missing.is_empty() {
            return Err(missing_error(cx, f, "positional", &missing));
        }
    }
    if slots[n..].iter().any(Option::is_none) {
        let defaults = f.kwdefaults.get();
        let mut missing = Vec::new();
        for i in n..total {
            if slots[i].is_some() {
                continue;
            }
            let name = c.local_name(i as u32);
            let value = match &defaults {
                Some(d) => dict::get(cx, d, cinder_pyobj::types::str::Name::new(name).as_obj())?,
                None => None,
            };
            match value {
                Some(v) => slots[i] = Some(v),
                None => missing.push(name.to_string()),
            }
        }
        if !missing.is_empty() {
            return Err(missing_error(cx, f, "keyword-only", &missing));
        }
    }
    let mut out: SmallVec<[Obj; 8]> = slots.into_iter().flatten().collect();
    if code.flags & flags::VARARGS != 0 {
        out.push(tuple::new(pos.get(n..).unwrap_or(&[]).to_vec()));
    }
    out.extend(kwargs);
    Ok(out)
}

fn unexpected_keyword(cx: &Ctx, f: &Function, c: &CodeObject, name: &str, posonly: usize, total: usize) -> Raised {
    let candidates: Vec<&str> = (posonly..total).map(|i| c.local_name(i as u32)).collect();
    cinder_pyobj::suggest::unexpected_keyword(cx, &qualname(f), name, &candidates)
}
