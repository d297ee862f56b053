//! `_collections`.

mod default_dict;
mod deque;
mod deque_iter;
mod tuple_getter;

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::dict::{self, Dict};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Native parts of the module collections.
#[pymodule(
    name = "_collections",
    classes(
        super::deque::Deque,
        super::deque_iter::DequeIterator,
        super::deque_iter::DequeReverseIterator,
        super::default_dict::DefaultDict,
        cinder_pyobj::types::ordered_dict::OrderedDict,
        super::tuple_getter::TupleGetter
    )
)]
pub(crate) mod collections {
    use super::*;

    /// Counts the elements of an iterable, updating a mapping.
    #[pyfunction(name = "_count_elements", sig = "(mapping, iterable, /)")]
    fn _count_elements(cx: &Ctx, mapping: &Obj, iterable: &Obj) -> PyResult<()> {
        let one = Obj::from(1i64);
        if let Some(d) = plain_counts(mapping) {
            return iterable.for_each(cx, |x| {
                let n = match d.get(cx, &x)? {
                    Some(n) => number::add(cx, &n, &one)?,
                    None => one.clone(),
                };
                d.set(cx, &x, &n)
            });
        }
        let get = mapping.get_attr(cx, intern!("get"))?;
        let zero = Obj::from(0i64);
        iterable.for_each(cx, |x| {
            let n = get.call_pos(cx, &[x.clone(), zero.clone()])?;
            mapping.set_item(cx, &x, &number::add(cx, &n, &one)?)
        })
    }

    #[pyinit]
    fn init(_cx: &Ctx, _module: &Obj) -> PyResult<()> {
        super::deque::Deque::show_items();
        Ok(())
    }
}

/// The dict, if reading and storing its items are those of `dict` itself. The class may delete items in its own way, as
/// `Counter` does, so the methods count and not the slot that they share.
fn plain_counts(mapping: &Obj) -> Option<&Dict> {
    let d = dict::as_dict(mapping)?;
    let (ty, base) = (mapping.type_of(), Dict::type_object());
    let same = |name| matches!((ty.lookup(name), base.lookup(name)), (Some(a), Some(b)) if a.is(&b));
    (same(intern!("get")) && same(intern!("__setitem__"))).then_some(d)
}
