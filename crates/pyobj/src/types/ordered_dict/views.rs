//! Views and iterators of ordered dicts.

use std::cell::Cell;

use super::OrderedDict;
use super::order::{NONE, NodeId};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::types::dict::{DictItems, DictKeys, DictValues};
use crate::types::{iterators, list, tuple};
use crate::value::{Obj, ObjCell};

/// What an iterator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Keys,
    Values,
    Items,
}

/// Walks an ordered dict.
#[pyclass(name = "odict_iterator", flags(no_new))]
#[derive(Traverse)]
pub struct OrderedDictIterator {
    /// Nothing once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    kind: Kind,
    #[traverse(skip)]
    backwards: bool,
    #[traverse(skip)]
    next: Cell<NodeId>,
    #[traverse(skip)]
    state: Cell<u64>,
    #[traverse(skip)]
    len: Cell<usize>,
}

pub(super) fn iterate(dict: &Obj, kind: Kind, backwards: bool) -> Obj {
    let (mut next, mut state, mut len) = (NONE, 0, 0);
    if let Some(d) = dict.downcast::<OrderedDict>() {
        let order = d.order.borrow();
        (next, state, len) = (order.end(backwards), order.state(), d.dict.len());
    }
    heap::new_instance(
        OrderedDictIterator::type_object(),
        OrderedDictIterator {
            of: ObjCell::new(Some(dict.clone())),
            kind,
            backwards,
            next: Cell::new(next),
            state: Cell::new(state),
            len: Cell::new(len),
        },
    )
}

impl OrderedDictIterator {
    fn advance(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        let Some(of) = self.of.get() else { return Ok(None) };
        let r = self.step(cx, &of);
        if !matches!(r, Ok(Some(_))) {
            self.of.set(None);
        }
        r
    }

    fn step(&self, cx: &Ctx, of: &Obj) -> PyResult<Option<Obj>> {
        let Some(d) = of.downcast::<OrderedDict>() else { return Ok(None) };
        if self.next.get() == NONE {
            return Ok(None);
        }
        if d.order.borrow().state() != self.state.get() {
            return Err(cx.runtime_error("OrderedDict mutated during iteration"));
        }
        if d.dict.len() != self.len.get() {
            return Err(cx.runtime_error("OrderedDict changed size during iteration"));
        }
        let (found, next) = {
            let order = d.order.borrow();
            (order.key(self.next.get()), order.after(self.next.get(), self.backwards))
        };
        let Some((key, _)) = found else { return Ok(None) };
        self.next.set(next);
        if self.kind == Kind::Keys {
            return Ok(Some(key));
        }
        let Some(value) = d.dict.get(cx, &key)? else { return Err(cx.key_error(&key)) };
        Ok(Some(if self.kind == Kind::Values { value } else { tuple::pair(key, value) }))
    }
}

#[pymethods]
impl OrderedDictIterator {
    fn __iter__(this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, OrderedDictIterator>) -> PyResult<Option<Obj>> {
        this.advance(cx)
    }

    /// What copy and pickle need to make the iterator again.
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, OrderedDictIterator>) -> PyResult {
        let rest = OrderedDictIterator {
            of: ObjCell::new(this.of.get()),
            kind: this.kind,
            backwards: this.backwards,
            next: this.next.clone(),
            state: this.state.clone(),
            len: this.len.clone(),
        };
        let mut items = Vec::new();
        while let Some(x) = rest.advance(cx)? {
            items.push(x);
        }
        iterators::reduce_with(cx, "iter", list::new(items), None)
    }
}

macro_rules! views {
    ($($ty:ident $base:ident $name:tt $kind:ident $doc:tt;)*) => {$(
        #[doc = $doc]
        #[pyclass(name = $name, base = $base, payload = "inherit", flags(no_new))]
        pub struct $ty;

        impl $ty {
            pub(super) fn of(dict: &Obj) -> Obj {
                $base::of_class($ty::type_object(), dict)
            }
        }

        #[pymethods]
        impl $ty {
            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                let dict = this.downcast::<$base>().map_or_else(Obj::none, |v| v.dict().clone());
                Ok(iterate(&dict, Kind::$kind, false))
            }

            #[pymethod(name = "__reversed__")]
            fn reversed(_cx: &Ctx, this: &Obj) -> Obj {
                let dict = this.downcast::<$base>().map_or_else(Obj::none, |v| v.dict().clone());
                iterate(&dict, Kind::$kind, true)
            }
        }
    )*};
}

views! {
    OrderedDictKeys DictKeys "odict_keys" Keys "A set-like view of an ordered dict's keys.";
    OrderedDictValues DictValues "odict_values" Values "A view of an ordered dict's values.";
    OrderedDictItems DictItems "odict_items" Items "A set-like view of an ordered dict's items.";
}
