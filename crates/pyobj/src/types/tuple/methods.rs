//! The methods and slots of `tuple`.

use crate::native::pymethods;

use super::{Tuple, check_size, empty, new, new_of};
use crate::ctx::{Ctx, PyResult};
use crate::native::{Args, FixedShape, This};
use crate::types::seqops::{self, Subscript};
use crate::types::{CmpOp, Type, exc, generic_alias, iterators};
use crate::value::Obj;

/// The hash of a tuple from the hashes of its items: xxHash's lanes without its final mixing.
struct TupleHasher {
    acc: u64,
    len: u64,
}

impl TupleHasher {
    const P1: u64 = 11400714785074694791;
    const P2: u64 = 14029467366897019727;
    const P5: u64 = 2870177450012600261;

    #[inline(always)]
    fn new() -> TupleHasher {
        TupleHasher { acc: TupleHasher::P5, len: 0 }
    }

    #[inline(always)]
    fn add(&mut self, h: i64) {
        self.acc = self.acc.wrapping_add((h as u64).wrapping_mul(Self::P2)).rotate_left(31).wrapping_mul(Self::P1);
        self.len += 1;
    }

    #[inline(always)]
    fn finish(self) -> i64 {
        let acc = self.acc.wrapping_add(self.len ^ (Self::P5 ^ 3527539));
        if acc == u64::MAX { 1546275796 } else { acc as i64 }
    }
}

#[pymethods]
impl Tuple {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        iterators::no_keywords_for(cx, ty, Tuple::type_object_of(), args)?;
        let iterable = match args.pos() {
            [] => None,
            [it] => Some(it),
            more => return Err(cx.type_error(format!("tuple expected at most 1 argument, got {}", more.len()))),
        };
        let exact = ty.is(Tuple::type_object_of());
        match iterable {
            None if exact => Ok(empty()),
            None => Ok(new_of(ty, Vec::new())),
            Some(it) if exact && it.is_exact(FixedShape::Tuple) => Ok(it.clone()),
            Some(it) => Ok(new_of(ty, it.collect(cx)?)),
        }
    }

    fn __len__(_cx: &Ctx, this: This<'_, Tuple>) -> PyResult<usize> {
        Ok(this.len())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Tuple>, key: &Obj) -> PyResult {
        match seqops::subscript(cx, key, "tuple", "", || this.len())? {
            Subscript::At(i) => match this.as_slice().get(i) {
                Some(x) => Ok(x.clone()),
                None => Err(cx.index_error("tuple index out of range")),
            },
            Subscript::Slice(b) => {
                let items = this.as_slice();
                if b.count == items.len() && b.step == 1 && this.obj().is_exact(FixedShape::Tuple) {
                    return Ok(this.obj().clone());
                }
                Ok(new(b.positions().map(|i| items[i].clone()).collect()))
            }
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, Tuple>, item: &Obj) -> PyResult<bool> {
        Ok(seqops::find(cx, this.as_slice(), item, 0, usize::MAX)?.is_some())
    }

    fn sq_concat(cx: &Ctx, this: This<'_, Tuple>, other: &Obj) -> PyResult {
        let Some(b) = super::items_if_tuple(other) else {
            return Err(
                cx.type_error(format!("can only concatenate tuple (not \"{}\") to tuple", other.type_of().name()))
            );
        };
        let a = this.as_slice();
        if a.is_empty() && other.is_exact(FixedShape::Tuple) {
            return Ok(other.clone());
        }
        if b.is_empty() && this.obj().is_exact(FixedShape::Tuple) {
            return Ok(this.obj().clone());
        }
        check_size(cx, a.len() + b.len())?;
        let mut v = seqops::vec_for(cx, a.len() + b.len())?;
        v.extend_from_slice(a);
        v.extend_from_slice(b);
        Ok(new(v))
    }

    fn sq_repeat(cx: &Ctx, this: This<'_, Tuple>, n: isize) -> PyResult {
        let a = this.as_slice();
        if (n == 1 || a.is_empty()) && this.obj().is_exact(FixedShape::Tuple) {
            return Ok(this.obj().clone());
        }
        let total = seqops::repeated_len(cx, a.len(), n)?;
        check_size(cx, total)?;
        let mut v = seqops::vec_for(cx, total)?;
        while v.len() < total {
            v.extend_from_slice(a);
        }
        Ok(new(v))
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Tuple>) -> PyResult {
        Ok(super::TupleIterator::over(this.obj()))
    }

    fn __hash__(cx: &Ctx, this: This<'_, Tuple>) -> PyResult<i64> {
        if this.hash.get() != -1 {
            return Ok(this.hash.get());
        }
        let mut h = TupleHasher::new();
        cx.check_stack(" while hashing a tuple")?;
        for x in this.as_slice() {
            h.add(x.hash(cx)?);
        }
        let h = h.finish();
        this.hash.set(h);
        Ok(h)
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Tuple>, other: &Obj, op: CmpOp) -> PyResult {
        match super::items_if_tuple(other) {
            Some(b) => seqops::compare(cx, this.as_slice(), b, op),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, Tuple>) -> PyResult {
        if this.len() == 0 {
            return Ok(Obj::from("()"));
        }
        let r = this.obj().guard_repr(cx, || seqops::repr(cx, this.as_slice(), "(", ")", ","))?;
        Ok(r.unwrap_or_else(|| Obj::from("(...)")))
    }

    /// Returns how many items equal the value.
    #[pymethod(sig = "($self, value, /)")]
    fn count(cx: &Ctx, this: This<'_, Tuple>, value: &Obj) -> PyResult<usize> {
        seqops::count(cx, this.as_slice(), value)
    }

    /// Where a value first occurs between start and stop; ValueError if it does not.
    #[pymethod(sig = "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &Ctx, this: This<'_, Tuple>, value: &Obj, start: Option<&Obj>, stop: Option<&Obj>) -> PyResult<usize> {
        let start = start.map_or(Ok(0), |x| x.to_isize_clamped(cx))?;
        let stop = stop.map_or(Ok(isize::MAX), |x| x.to_isize_clamped(cx))?;
        let n = this.len();
        let (from, to) = (seqops::clamp(start, n), seqops::clamp(stop, n));
        match seqops::find(cx, this.as_slice(), value, from, to)? {
            Some(i) => Ok(i),
            None => Err(cx.raise(exc::ValueError(), "tuple.index(x): x not in tuple")),
        }
    }

    #[pymethod(name = "__getnewargs__")]
    fn getnewargs(_cx: &Ctx, this: This<'_, Tuple>) -> PyResult {
        Ok(new(vec![new(this.as_slice().to_vec())]))
    }

    /// Makes a generic alias: `tuple[int, str]`.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
