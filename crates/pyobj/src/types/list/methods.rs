//! The methods and slots of `list`.

use crate::native::pymethods;

use super::{List, ListIterator, ListReverseIterator, as_list, new};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{Args, PyClass, This};
use crate::protocol::unpack_index;
use crate::types::seqops::{self, Subscript};
use crate::types::slice::Slice;
use crate::types::{CmpOp, Type, exc, generic_alias, iterators};
use crate::value::Obj;

#[pymethods]
impl List {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, List::from_vec(Vec::new())))
    }

    fn __init__(cx: &Ctx, this: This<'_, List>, args: Args<'_>) -> PyResult<()> {
        iterators::no_init_keywords_for(cx, this.obj().type_of(), List::type_object(), args)?;
        let iterable = match args.pos() {
            [] => None,
            [it] => Some(it),
            more => return Err(cx.type_error(format!("list expected at most 1 argument, got {}", more.len()))),
        };
        drop(this.take_all());
        match iterable {
            Some(it) => this.extend_from(cx, this.obj(), it),
            None => Ok(()),
        }
    }

    fn __len__(_cx: &Ctx, this: This<'_, List>) -> PyResult<usize> {
        Ok(this.len())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, List>, key: &Obj) -> PyResult {
        if let Some(i) = key.as_int() {
            return match unpack_index(i as isize, this.len()).and_then(|i| this.get(i)) {
                Some(x) => Ok(x),
                None => Err(cx.index_error("list index out of range")),
            };
        }
        match seqops::subscript(cx, key, "list", "", || this.len())? {
            Subscript::At(i) => this.get(i).ok_or_else(|| cx.index_error("list index out of range")),
            Subscript::Slice(b) => this.slice(cx, b),
        }
    }

    fn __setitem__(cx: &Ctx, this: This<'_, List>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if let (Some(s), Some(v)) = (key.downcast::<Slice>(), value) {
            return this.assign_slice(cx, this.obj(), s, v);
        }
        let place = seqops::subscript(cx, key, "list", "assignment ", || this.len())?;
        match (place, value) {
            (Subscript::At(i), Some(v)) => {
                drop(this.set(i, v.clone()));
                Ok(())
            }
            (Subscript::At(i), None) => {
                drop(this.remove_at(i));
                Ok(())
            }
            (Subscript::Slice(b), _) => this.delete_slice(cx, b),
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, List>, item: &Obj) -> PyResult<bool> {
        Ok(seqops::find(cx, this.payload(), item, 0, usize::MAX)?.is_some())
    }

    fn sq_concat(cx: &Ctx, this: This<'_, List>, other: &Obj) -> PyResult {
        let Some(b) = as_list(other) else {
            return Err(
                cx.type_error(format!("can only concatenate list (not \"{}\") to list", other.type_of().name()))
            );
        };
        let mut v = seqops::vec_for(cx, this.len() + b.len())?;
        v.extend_from_slice(this.as_slice());
        v.extend_from_slice(b.as_slice());
        Ok(new(v))
    }

    fn sq_repeat(cx: &Ctx, this: This<'_, List>, n: isize) -> PyResult {
        let total = seqops::repeated_len(cx, this.len(), n)?;
        let mut v = seqops::vec_for(cx, total)?;
        if total > 0 {
            let items = this.as_slice();
            if let [x] = items {
                v.resize(total, x.clone());
            } else {
                while v.len() < total {
                    v.extend_from_slice(items);
                }
            }
        }
        Ok(new(v))
    }

    fn sq_inplace_concat(cx: &Ctx, this: This<'_, List>, other: &Obj) -> PyResult {
        this.extend_from(cx, this.obj(), other)?;
        Ok(this.obj().clone())
    }

    fn sq_inplace_repeat(cx: &Ctx, this: This<'_, List>, n: isize) -> PyResult {
        let len = this.len();
        let total = seqops::repeated_len(cx, len, n)?;
        if total == 0 {
            drop(this.take_all());
        } else if total > len {
            let items = this.snapshot();
            this.reserve(cx, total - len)?;
            for _ in 1..n {
                this.extend_from_slice(cx, &items)?;
            }
        }
        Ok(this.obj().clone())
    }

    fn __iter__(_cx: &Ctx, this: This<'_, List>) -> PyResult {
        Ok(ListIterator::over(this.obj()))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, List>, other: &Obj, op: CmpOp) -> PyResult {
        match as_list(other) {
            Some(b) => seqops::compare(cx, this.payload(), b, op),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, List>) -> PyResult {
        if this.len() == 0 {
            return Ok(Obj::from("[]"));
        }
        let r = this.obj().guard_repr(cx, || seqops::repr(cx, this.payload(), "[", "]", ""))?;
        Ok(r.unwrap_or_else(|| Obj::from("[...]")))
    }

    /// Adds one object behind the last.
    #[pymethod(name = "append", sig = "($self, object, /)")]
    fn py_append(cx: &Ctx, this: This<'_, List>, object: &Obj) -> PyResult<()> {
        this.append(cx, object.clone())
    }

    /// Inserts an object before a position.
    #[pymethod(sig = "($self, index, object, /)")]
    fn insert(cx: &Ctx, this: This<'_, List>, index: &Obj, object: &Obj) -> PyResult<()> {
        let i = seqops::clamp(index.to_isize(cx)?, this.len());
        this.insert_at(cx, i, object.clone())
    }

    /// Appends the items of an iterable.
    #[pymethod(sig = "($self, iterable, /)")]
    fn extend(cx: &Ctx, this: This<'_, List>, iterable: &Obj) -> PyResult<()> {
        this.extend_from(cx, this.obj(), iterable)
    }

    /// Removes the item at a position (the last one by default) and returns it.
    ///
    /// Raises IndexError if the list is empty or the position is out of range.
    #[pymethod(sig = "($self, index=-1, /)")]
    fn pop(cx: &Ctx, this: This<'_, List>, index: Option<&Obj>) -> PyResult {
        let i = index.map_or(Ok(-1), |i| i.to_isize(cx))?;
        let n = this.len();
        if n == 0 {
            return Err(cx.index_error("pop from empty list"));
        }
        let popped = match unpack_index(i, n) {
            Some(i) if i + 1 == n => this.pop_last(),
            Some(i) => this.remove_at(i),
            None => None,
        };
        popped.ok_or_else(|| cx.index_error("pop index out of range"))
    }

    /// Removes the first item that equals the value.
    ///
    /// Raises ValueError if there is none.
    #[pymethod(sig = "($self, value, /)")]
    fn remove(cx: &Ctx, this: This<'_, List>, value: &Obj) -> PyResult<()> {
        match seqops::find(cx, this.payload(), value, 0, usize::MAX)? {
            Some(i) => {
                drop(this.remove_at(i));
                Ok(())
            }
            None => Err(cx.value_error("list.remove(x): x not in list")),
        }
    }

    /// Removes all items.
    #[pymethod(name = "clear")]
    fn py_clear(_cx: &Ctx, this: This<'_, List>) {
        this.clear_backwards();
    }

    /// Returns a shallow copy.
    #[pymethod]
    fn copy(_cx: &Ctx, this: This<'_, List>) -> Obj {
        new(this.snapshot())
    }

    /// Reverses the list in place.
    #[pymethod]
    fn reverse(_cx: &Ctx, this: This<'_, List>) {
        this.reverse_in_place();
    }

    /// Returns how many items equal the value.
    #[pymethod(sig = "($self, value, /)")]
    fn count(cx: &Ctx, this: This<'_, List>, value: &Obj) -> PyResult<usize> {
        seqops::count(cx, this.payload(), value)
    }

    /// Where a value first occurs between start and stop; ValueError if it does not.
    #[pymethod(sig = "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &Ctx, this: This<'_, List>, value: &Obj, start: Option<&Obj>, stop: Option<&Obj>) -> PyResult<usize> {
        let start = start.map_or(Ok(0), |x| x.to_isize_clamped(cx))?;
        let stop = stop.map_or(Ok(isize::MAX), |x| x.to_isize_clamped(cx))?;
        let n = this.len();
        match seqops::find(cx, this.payload(), value, seqops::clamp(start, n), seqops::clamp(stop, n))? {
            Some(i) => Ok(i),
            None => Err(cx.raise(exc::ValueError(), "list.index(x): x not in list")),
        }
    }

    /// Sorts the list in ascending order, in place, and returns None.
    ///
    /// The order of equal items is kept. With a key function, items are ordered by its results; with reverse,
    /// in descending order.
    #[pymethod(name = "sort", sig = "($self, /, *, key=None, reverse=False)")]
    fn py_sort(cx: &Ctx, this: This<'_, List>, key: Option<&Obj>, reverse: Option<&Obj>) -> PyResult<()> {
        let reverse = reverse.map_or(Ok(false), |r| r.truthy(cx))?;
        this.sort(cx, key, reverse)
    }

    #[pymethod(name = "__reversed__")]
    fn reversed(_cx: &Ctx, this: This<'_, List>) -> Obj {
        ListReverseIterator::over(this.obj())
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, List>) -> usize {
        this.obj().type_of().layout().basic_size as usize + this.byte_size()
    }

    /// Makes a generic alias: `list[int]`.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
