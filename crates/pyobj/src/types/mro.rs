//! C3 linearisation.

use crate::ctx::{Ctx, PyResult};
use crate::types::{Type, tuple};
use crate::value::Obj;

/// The MRO of class `this` with these bases, as objects.
pub(crate) fn compute(cx: &Ctx, this: &Obj, bases: &Obj) -> PyResult<Vec<Obj>> {
    let bases = tuple::items_if_tuple(bases).unwrap_or(&[]);
    let mut lists: Vec<Vec<&'static Type>> = Vec::new();
    let mut direct: Vec<&'static Type> = Vec::new();
    for b in bases {
        let Some(t) = b.as_static_type() else {
            return Err(cx.type_error("bases must be types"));
        };
        for other in &direct {
            if std::ptr::eq(*other, t) {
                return Err(cx.type_error(format!("duplicate base class {}", t.name())));
            }
        }
        let mro = t.mro.borrow().clone();
        if mro.is_empty() {
            return Err(cx.type_error(format!("Cannot extend an incomplete type '{}'", t.name())));
        }
        lists.push(mro);
        direct.push(t);
    }
    let names: Vec<String> =
        direct.iter().map(|t| t.name().rsplit('.').next().unwrap_or_default().to_owned()).collect();
    lists.push(direct);
    match merge(lists) {
        Some(order) => {
            let mut out = vec![this.clone()];
            out.extend(order.iter().map(|t| t.as_obj()));
            Ok(out)
        }
        None => Err(cx.type_error(format!(
            "Cannot create a consistent method resolution order (MRO) for bases {}",
            names.join(", ")
        ))),
    }
}

/// Merges linearisations; nothing if they contradict each other.
pub(crate) fn merge(mut lists: Vec<Vec<&'static Type>>) -> Option<Vec<&'static Type>> {
    let mut out = Vec::new();
    let mut heads = vec![0usize; lists.len()];
    loop {
        let mut candidate = None;
        let mut done = true;
        for (l, h) in lists.iter().zip(&heads) {
            let Some(c) = l.get(*h) else { continue };
            done = false;
            let in_tail = lists
                .iter()
                .zip(&heads)
                .any(|(o, oh)| o.get(oh + 1..).is_some_and(|tail| tail.iter().any(|t| std::ptr::eq(*t, *c))));
            if !in_tail {
                candidate = Some(*c);
                break;
            }
        }
        if done {
            lists.clear();
            return Some(out);
        }
        let c = candidate?;
        out.push(c);
        for (l, h) in lists.iter().zip(heads.iter_mut()) {
            if l.get(*h).is_some_and(|t| std::ptr::eq(*t, c)) {
                *h += 1;
            }
        }
    }
}
