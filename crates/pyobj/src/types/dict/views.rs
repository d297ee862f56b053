//! `dict_keys`, `dict_values` and `dict_items`.

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::iter::{
    DictItemIterator, DictKeyIterator, DictReverseItemIterator, DictReverseKeyIterator, DictReverseValueIterator,
    DictValueIterator,
};
use super::{Dict, as_dict};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{PyClass, This};
use crate::types::set::{self, as_set};
use crate::types::str::StrBuilder;
use crate::types::{CmpOp, mapping_proxy, seqops, tuple};
use crate::value::Obj;

fn dict_of(o: &Obj) -> Option<&Dict> {
    let d = if let Some(v) = o.downcast::<DictKeys>() {
        &v.dict
    } else if let Some(v) = o.downcast::<DictItems>() {
        &v.dict
    } else {
        &o.downcast::<DictValues>()?.dict
    };
    as_dict(d)
}

fn is_set_like(o: &Obj) -> bool {
    as_set(o).is_some() || o.downcast::<DictKeys>().is_some() || o.downcast::<DictItems>().is_some()
}

fn repr(cx: &Ctx, this: &Obj) -> PyResult {
    let r = this.guard_repr(cx, || {
        let items = this.collect(cx)?;
        let mut b = StrBuilder::new();
        b.push_str(&this.type_of().name());
        b.push_str("(");
        b.push_obj(&seqops::repr(cx, &items[..], "[", "]", "")?);
        b.push_str(")");
        Ok(b.finish())
    })?;
    Ok(r.unwrap_or_else(|| Obj::from("...")))
}

/// Whether every item of `a` is in `b`.
fn all_in(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<bool> {
    let it = a.iter(cx)?;
    while let Some(x) = it.next(cx)? {
        if !b.contains(cx, &x)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
    if !is_set_like(other) {
        return Ok(Obj::not_implemented());
    }
    let (n, m) = (this.len(cx)?, other.len(cx)?);
    let r = match op {
        CmpOp::Eq => n == m && all_in(cx, this, other)?,
        CmpOp::Ne => !(n == m && all_in(cx, this, other)?),
        CmpOp::Lt => n < m && all_in(cx, this, other)?,
        CmpOp::Le => n <= m && all_in(cx, this, other)?,
        CmpOp::Gt => n > m && all_in(cx, other, this)?,
        CmpOp::Ge => n >= m && all_in(cx, other, this)?,
    };
    Ok(Obj::from_bool(r))
}

fn intersection(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let (mut a, mut b) = (a, b);
    // The operators may be called reflected; the view is then on the right.
    if dict_of(a).is_none() {
        std::mem::swap(&mut a, &mut b);
    }
    if as_set(b).is_some() || dict_of(b).is_some() {
        let (n, m) = (a.len(cx)?, b.len(cx)?);
        if m > n {
            std::mem::swap(&mut a, &mut b);
        }
    }
    let out = set::new();
    let it = b.iter(cx)?;
    while let Some(x) = it.next(cx)? {
        if a.contains(cx, &x)? {
            set::add(cx, &out, &x)?;
        }
    }
    Ok(out)
}

fn disjoint(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<bool> {
    if this.is(other) {
        return Ok(this.len(cx)? == 0);
    }
    let (mut a, mut b) = (this, other);
    if is_set_like(other) && other.len(cx)? > this.len(cx)? {
        std::mem::swap(&mut a, &mut b);
    }
    let it = b.iter(cx)?;
    while let Some(x) = it.next(cx)? {
        if a.contains(cx, &x)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn items_contain(cx: &Ctx, d: &Dict, item: &Obj) -> PyResult<bool> {
    let Some([k, v]) = tuple::items_if_tuple(item) else { return Ok(false) };
    match d.get(cx, k)? {
        Some(w) => w.eq(cx, v),
        None => Ok(false),
    }
}

macro_rules! views {
    ($($ty:ident $name:tt $iter:ident $reverse:ident $doc:tt;)*) => {$(
        #[doc = $doc]
        #[pyclass(name = $name, fixed = $ty, flags(no_new))]
        #[derive(Traverse)]
        pub struct $ty {
            dict: Obj,
        }

        impl $ty {
            pub(crate) fn of(dict: &Obj) -> Obj {
                $ty::of_class($ty::type_object(), dict)
            }

            /// A view of a class that derives from this one.
            pub(crate) fn of_class(ty: &crate::types::Type, dict: &Obj) -> Obj {
                heap::new_instance(ty, $ty { dict: dict.clone() })
            }

            /// The dict that is shown.
            pub fn dict(&self) -> &Obj {
                &self.dict
            }
        }

        #[pymethods(part = "common")]
        impl $ty {
            fn __iter__(_cx: &Ctx, this: This<'_, $ty>) -> PyResult {
                Ok($iter::over(&this.dict))
            }

            fn __len__(_cx: &Ctx, this: This<'_, $ty>) -> PyResult<usize> {
                Ok(as_dict(&this.dict).map_or(0, |d| d.len()))
            }

            fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
                repr(cx, this)
            }

            #[pymethod(name = "__reversed__")]
            fn reversed(_cx: &Ctx, this: This<'_, $ty>) -> Obj {
                $reverse::over(&this.dict)
            }

            /// the dict behind the view, read-only
            #[pygetter]
            fn mapping(_cx: &Ctx, this: This<'_, $ty>) -> Obj {
                mapping_proxy::new(&this.dict)
            }
        }
    )*};
}

views! {
    DictKeys "dict_keys" DictKeyIterator DictReverseKeyIterator "A set-like view of a dict's keys.";
    DictValues "dict_values" DictValueIterator DictReverseValueIterator "A view of a dict's values.";
    DictItems "dict_items" DictItemIterator DictReverseItemIterator "A set-like view of a dict's items.";
}

#[pymethods(parts("common"))]
impl DictValues {}

macro_rules! set_like {
    ($($ty:ident $contains:expr;)*) => {$(
        #[pymethods(parts("common"))]
        impl $ty {
            fn __contains__(cx: &Ctx, this: This<'_, $ty>, item: &Obj) -> PyResult<bool> {
                let contains: fn(&Ctx, &Dict, &Obj) -> PyResult<bool> = $contains;
                as_dict(&this.dict).map_or(Ok(false), |d| contains(cx, d, item))
            }

            fn __richcmp__(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
                compare(cx, this, other, op)
            }

            fn nb_and(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                intersection(cx, a, b)
            }

            fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                let out = set::from_iterable(cx, a)?;
                set::update(cx, &out, b)?;
                Ok(out)
            }

            fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                let out = set::from_iterable(cx, a)?;
                set::difference_update(cx, &out, b)?;
                Ok(out)
            }

            fn nb_xor(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                let out = set::from_iterable(cx, a)?;
                set::symmetric_difference_update(cx, &out, b)?;
                Ok(out)
            }

            /// Returns whether the view and the iterable have no item in common.
            #[pymethod(sig = "($self, other, /)")]
            fn isdisjoint(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<bool> {
                disjoint(cx, this, other)
            }
        }
    )*};
}

set_like! {
    DictKeys |cx, d, k| d.has(cx, k);
    DictItems items_contain;
}
