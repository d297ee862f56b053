//! The methods and slots of `dict`.

use crate::native::pymethods;

use super::{Dict, DictItems, DictKeyIterator, DictKeys, DictReverseKeyIterator, DictValues, as_dict, update};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::intern;
use crate::native::{Args, PyClass, This};
use crate::types::set::as_set;
use crate::types::str::StrBuilder;
use crate::types::{CmpOp, Type, exc, generic_alias, tuple};
use crate::value::Obj;

#[pymethods]
impl Dict {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, Dict::empty()))
    }

    fn __init__(cx: &Ctx, this: This<'_, Dict>, args: Args<'_>) -> PyResult<()> {
        update::update_from_args(cx, this.payload(), args, "dict")
    }

    fn __len__(_cx: &Ctx, this: This<'_, Dict>) -> PyResult<usize> {
        Ok(this.len())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Dict>, key: &Obj) -> PyResult {
        if let Some(v) = this.get(cx, key)? {
            return Ok(v);
        }
        if !Dict::is_exact(this.obj())
            && let Some(m) = this.obj().lookup_special(cx, intern!("__missing__"))?
        {
            return m.call1(cx, key);
        }
        Err(cx.key_error(key))
    }

    fn __setitem__(cx: &Ctx, this: This<'_, Dict>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => this.set(cx, key, v),
            None => match this.remove(cx, key)? {
                Some(_) => Ok(()),
                None => Err(cx.key_error(key)),
            },
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, Dict>, key: &Obj) -> PyResult<bool> {
        this.has(cx, key)
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Dict>) -> PyResult {
        Ok(DictKeyIterator::over(this.obj()))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Dict>, other: &Obj, op: CmpOp) -> PyResult {
        match (op, as_dict(other)) {
            (CmpOp::Eq, Some(d)) => Ok(Obj::from_bool(this.equals(cx, d)?)),
            (CmpOp::Ne, Some(d)) => Ok(Obj::from_bool(!this.equals(cx, d)?)),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, Dict>) -> PyResult {
        if this.is_empty() {
            return Ok(Obj::from("{}"));
        }
        let r = this.obj().guard_repr(cx, || {
            let mut b = StrBuilder::new();
            b.push_str("{");
            let mut pos = 0;
            let mut first = true;
            while let Some((k, v)) = this.next_entry(&mut pos) {
                if !first {
                    b.push_str(", ");
                }
                first = false;
                b.push_obj(&k.repr(cx)?);
                b.push_str(": ");
                b.push_obj(&v.repr(cx)?);
            }
            b.push_str("}");
            Ok(b.finish())
        })?;
        Ok(r.unwrap_or_else(|| Obj::from("{...}")))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let (Some(x), Some(_)) = (as_dict(a), as_dict(b)) else { return Ok(Obj::not_implemented()) };
        let r = x.copy(cx)?;
        if let Some(d) = as_dict(&r) {
            update::merge_any(cx, d, b)?;
        }
        Ok(r)
    }

    fn nb_ior(cx: &Ctx, this: This<'_, Dict>, other: &Obj) -> PyResult {
        update::merge_any(cx, this.payload(), other)?;
        Ok(this.obj().clone())
    }

    /// Returns the value of a key, or the default if the key is not in the dictionary.
    #[pymethod(name = "get", sig = "($self, key, default=None, /)")]
    fn py_get(cx: &Ctx, this: This<'_, Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        Ok(match this.get(cx, key)? {
            Some(v) => v,
            None => default.cloned().unwrap_or_else(Obj::none),
        })
    }

    /// Returns the value of a key; a missing key is inserted with the default first.
    #[pymethod(sig = "($self, key, default=None, /)")]
    fn setdefault(cx: &Ctx, this: This<'_, Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        match default {
            Some(d) => this.get_or_insert(cx, key, d),
            None => this.get_or_insert(cx, key, &Obj::none()),
        }
    }

    /// Removes a key and returns its value; of a missing key, returns the default.
    ///
    /// Raises KeyError if the key is missing and there is no default.
    #[pymethod(sig = "($self, key, default=<unrepresentable>, /)")]
    fn pop(cx: &Ctx, this: This<'_, Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let removed = if this.is_empty() { None } else { this.remove(cx, key)? };
        match (removed, default) {
            (Some(v), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(cx.key_error(key)),
        }
    }

    /// Removes the pair that was inserted last and returns it as a tuple.
    ///
    /// Raises KeyError if the dictionary is empty.
    #[pymethod]
    fn popitem(cx: &Ctx, this: This<'_, Dict>) -> PyResult {
        match this.pop_last() {
            Some((k, v)) => Ok(tuple::pair(k, v)),
            None => Err(cx.raise(exc::KeyError(), "popitem(): dictionary is empty")),
        }
    }

    /// Updates the dictionary from a mapping or an iterable of pairs, then from keyword arguments.
    #[pymethod]
    fn update(cx: &Ctx, this: This<'_, Dict>, args: Args<'_>) -> PyResult<()> {
        update::update_from_args(cx, this.payload(), args, "update")
    }

    /// Removes all items.
    #[pymethod(name = "clear")]
    fn py_clear(_cx: &Ctx, this: This<'_, Dict>) {
        this.clear_all();
    }

    /// Returns a shallow copy.
    #[pymethod(name = "copy")]
    fn py_copy(cx: &Ctx, this: This<'_, Dict>) -> PyResult {
        this.copy(cx)
    }

    /// Returns a set-like object that shows the keys.
    #[pymethod]
    fn keys(_cx: &Ctx, this: This<'_, Dict>) -> Obj {
        DictKeys::of(this.obj())
    }

    /// Returns an object that shows the values.
    #[pymethod]
    fn values(_cx: &Ctx, this: This<'_, Dict>) -> Obj {
        DictValues::of(this.obj())
    }

    /// Returns a set-like object that shows the items.
    #[pymethod]
    fn items(_cx: &Ctx, this: This<'_, Dict>) -> Obj {
        DictItems::of(this.obj())
    }

    /// A new dict with these keys, all with the same value.
    #[pyclassmethod(sig = "($type, iterable, value=None, /)")]
    fn fromkeys(cx: &Ctx, ty: &Type, iterable: &Obj, value: Option<&Obj>) -> PyResult {
        let value = value.cloned().unwrap_or_else(Obj::none);
        let d = if ty.is(Dict::type_object()) { super::new() } else { ty.as_obj().call0(cx)? };
        if let Some(p) = as_dict(&d)
            && Dict::is_exact(&d)
        {
            // Hashes that are known are not asked for again.
            if let Some(s) = as_set(iterable) {
                let mut pos = 0;
                while let Some((hash, k)) = s.next_element(&mut pos) {
                    p.set_hashed(cx, &k, hash, &value)?;
                }
            } else if let Some(from) = as_dict(iterable).filter(|_| Dict::is_exact(iterable)) {
                let mut i = 0;
                while i < from.end() {
                    if let Some((hash, k, _)) = from.entry_at(i) {
                        // SAFETY: the dict keeps the key alive until it is cloned here.
                        let k = unsafe { Obj::from_borrowed(k) };
                        p.set_hashed(cx, &k, hash, &value)?;
                    }
                    i += 1;
                }
            } else {
                iterable.for_each(cx, |k| p.set(cx, &k, &value))?;
            }
        } else {
            iterable.for_each(cx, |k| d.set_item(cx, &k, &value))?;
        }
        Ok(d)
    }

    #[pymethod(name = "__reversed__")]
    fn reversed(_cx: &Ctx, this: This<'_, Dict>) -> Obj {
        DictReverseKeyIterator::over(this.obj())
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, Dict>) -> usize {
        this.obj().type_of().layout().basic_size as usize + this.byte_size()
    }

    /// Makes a generic alias: `dict[str, int]`.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
