//! The methods and slots of `set` and `frozenset`.

use crate::native::pymethods;

use super::ops::{base_type, copy, with_set};
use super::{Elements, FrozenSet, Set, SetIterator, as_set, element_hash, make};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::intern;
use crate::native::{Args, FixedShape, PyClass, This};
use crate::types::set::table::Table;
use crate::types::str::StrBuilder;
use crate::types::{CmpOp, Type, exc, generic_alias, iterators, list, seqops, tuple};
use crate::value::Obj;

fn elements(o: &Obj) -> &Elements {
    static NONE: Elements = Elements::new();
    // Receivers always are sets; the fallback only keeps the function total.
    as_set(o).unwrap_or(&NONE)
}

// SAFETY: the shared empty instance is never changed, and sets are used under the interpreter lock.
unsafe impl Sync for Elements {}

fn repr(cx: &Ctx, this: &Obj) -> PyResult {
    let e = elements(this);
    let ty = this.type_of();
    if e.is_empty() {
        return Ok(Obj::from(format!("{}()", ty.name()).as_str()));
    }
    let r = this.guard_repr(cx, || {
        let items = e.snapshot();
        let mut b = StrBuilder::new();
        let plain = this.is_exact(FixedShape::Set);
        if !plain {
            b.push_str(&ty.name());
            b.push_str("(");
        }
        b.push_obj(&seqops::repr(cx, &items[..], "{", "}", "")?);
        if !plain {
            b.push_str(")");
        }
        Ok(b.finish())
    })?;
    Ok(r.unwrap_or_else(|| Obj::from(format!("{}(...)", ty.name()).as_str())))
}

/// Membership; an unhashable set is looked for as a frozenset of its elements.
fn contains(cx: &Ctx, this: &Obj, item: &Obj) -> PyResult<bool> {
    on_element(cx, item, |x, hash| elements(this).find(cx, x, hash).map(|i| i.is_some()))
}

fn on_element(cx: &Ctx, item: &Obj, f: impl FnOnce(&Obj, i64) -> PyResult<bool>) -> PyResult<bool> {
    match element_hash(cx, item) {
        Ok(hash) => f(item, hash),
        Err(r) => {
            let Some(s) = item.downcast::<Set>() else { return Err(r) };
            cx.swallow(r, exc::TypeError())?;
            let t = s.elements.table().duplicate().map_err(|_| cx.no_memory())?;
            let frozen = make(FrozenSet::type_object(), t);
            let hash = frozen.hash(cx)?;
            f(&frozen, hash)
        }
    }
}

fn compare(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
    let Some(b) = as_set(other) else { return Ok(Obj::not_implemented()) };
    let a = elements(this);
    let equal = || {
        if let (Some(x), Some(y)) = (this.downcast::<FrozenSet>(), other.downcast::<FrozenSet>())
            && x.hash.get() != -1
            && y.hash.get() != -1
            && x.hash.get() != y.hash.get()
        {
            return Ok(false);
        }
        Ok(a.len() == b.len() && a.is_subset(cx, b)?)
    };
    let r = match op {
        CmpOp::Eq => equal()?,
        CmpOp::Ne => !equal()?,
        CmpOp::Le => a.is_subset(cx, b)?,
        CmpOp::Ge => b.is_subset(cx, a)?,
        CmpOp::Lt => a.len() < b.len() && a.is_subset(cx, b)?,
        CmpOp::Gt => b.len() < a.len() && b.is_subset(cx, a)?,
    };
    Ok(Obj::from_bool(r))
}

fn reduce(cx: &Ctx, this: &Obj) -> PyResult {
    let items = list::new(elements(this).snapshot());
    let state = this.call_method(cx, intern!("__getstate__"), &[])?;
    Ok(tuple::new(vec![this.type_of().as_obj(), tuple::new(vec![items]), state]))
}

/// The hash of a frozenset: independent of order, well mixed for nested sets.
fn hash_elements(e: &Elements) -> i64 {
    let shuffle = |h: u64| ((h ^ 89869747) ^ (h << 16)).wrapping_mul(3644798167);
    let mut h: u64 = 0;
    for s in e.table().slots() {
        if s.key.is_some() {
            h ^= shuffle(s.hash as u64);
        }
    }
    h ^= (e.len() as u64 + 1).wrapping_mul(1927868237);
    h ^= (h >> 11) ^ (h >> 25);
    h = h.wrapping_mul(69069).wrapping_add(907133923);
    if h == u64::MAX { 590923713 } else { h as i64 }
}

fn binary(cx: &Ctx, a: &Obj, b: &Obj, f: fn(&Ctx, &Obj, &Obj) -> PyResult) -> PyResult {
    if as_set(a).is_none() || as_set(b).is_none() {
        return Ok(Obj::not_implemented());
    }
    f(cx, a, b)
}

fn union(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let r = copy(cx, a)?;
    elements(&r).update(cx, b)?;
    Ok(r)
}

fn intersection(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    Ok(make(base_type(a), elements(a).intersection(cx, b)?))
}

fn difference(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    Ok(make(base_type(a), elements(a).difference(cx, b)?))
}

fn symmetric_difference(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let r = make(base_type(a), Table::new());
    elements(&r).update(cx, b)?;
    elements(&r).symmetric_difference_update(cx, a)?;
    Ok(r)
}

/// Applies a binary operation to all arguments in turn.
fn fold(cx: &Ctx, this: &Obj, others: &[Obj], f: fn(&Ctx, &Obj, &Obj) -> PyResult) -> PyResult {
    let Some((first, rest)) = others.split_first() else { return copy(cx, this) };
    let mut r = f(cx, this, first)?;
    for o in rest {
        r = f(cx, &r, o)?;
    }
    Ok(r)
}

fn replace(this: &Set, table: Table) {
    let old = std::mem::replace(this.elements.table_mut(), table);
    drop(make(Set::type_object(), old));
}

macro_rules! common {
    ($($ty:ident)*) => {$(
        #[pymethods(part = "common")]
        impl $ty {
            fn __len__(_cx: &Ctx, this: &Obj) -> PyResult<usize> {
                Ok(elements(this).len())
            }

            fn __contains__(cx: &Ctx, this: &Obj, item: &Obj) -> PyResult<bool> {
                contains(cx, this, item)
            }

            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(SetIterator::over(this))
            }

            fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
                repr(cx, this)
            }

            fn __richcmp__(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
                compare(cx, this, other, op)
            }

            fn nb_and(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                binary(cx, a, b, intersection)
            }

            fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                binary(cx, a, b, union)
            }

            fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                binary(cx, a, b, difference)
            }

            fn nb_xor(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                binary(cx, a, b, symmetric_difference)
            }

            /// A new set of all that is in this one or in any of the others.
            #[pymethod(name = "union", sig = "($self, /, *others)")]
            fn py_union(cx: &Ctx, this: &Obj, others: &[Obj]) -> PyResult {
                fold(cx, this, others, union)
            }

            /// Returns a new set with the elements that are also in all others.
            #[pymethod(name = "intersection", sig = "($self, /, *others)")]
            fn py_intersection(cx: &Ctx, this: &Obj, others: &[Obj]) -> PyResult {
                fold(cx, this, others, intersection)
            }

            /// Returns a new set with the elements that are in none of the others.
            #[pymethod(name = "difference", sig = "($self, /, *others)")]
            fn py_difference(cx: &Ctx, this: &Obj, others: &[Obj]) -> PyResult {
                fold(cx, this, others, difference)
            }

            /// Returns a new set with the elements that are in the set or the other, but not in both.
            #[pymethod(name = "symmetric_difference", sig = "($self, other, /)")]
            fn py_symmetric_difference(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult {
                symmetric_difference(cx, this, other)
            }

            /// Reports whether the set has no element in common with the other.
            #[pymethod(sig = "($self, other, /)")]
            fn isdisjoint(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<bool> {
                elements(this).is_disjoint(cx, other)
            }

            /// Whether other has all elements of the set.
            #[pymethod(sig = "($self, other, /)")]
            fn issubset(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<bool> {
                with_set(cx, other, |o| elements(this).is_subset(cx, o))
            }

            /// Whether the set has all elements of other.
            #[pymethod(sig = "($self, other, /)")]
            fn issuperset(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<bool> {
                with_set(cx, other, |o| o.is_subset(cx, elements(this)))
            }

            #[pymethod(name = "__reduce__")]
            fn reduce(cx: &Ctx, this: &Obj) -> PyResult {
                reduce(cx, this)
            }

            #[pymethod(name = "__sizeof__")]
            fn sizeof(_cx: &Ctx, this: &Obj) -> usize {
                this.type_of().layout().basic_size as usize + elements(this).table().byte_size()
            }

            /// Makes a generic alias.
            #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
            fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
                generic_alias::new(cx, &ty.as_obj(), object)
            }
        }
    )*};
}
common!(Set FrozenSet);

#[pymethods(parts("common"))]
impl FrozenSet {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        iterators::no_keywords_for(cx, ty, FrozenSet::type_object(), args)?;
        let iterable = match args.pos() {
            [] => None,
            [it] => Some(it),
            more => return Err(cx.type_error(format!("frozenset expected at most 1 argument, got {}", more.len()))),
        };
        if let Some(it) = iterable
            && ty.is(FrozenSet::type_object())
            && it.is_exact(FixedShape::FrozenSet)
        {
            return Ok(it.clone());
        }
        let e = Elements::new();
        if let Some(it) = iterable {
            e.update(cx, it)?;
        }
        Ok(make(ty, e.into_table()))
    }

    fn __hash__(_cx: &Ctx, this: This<'_, FrozenSet>) -> PyResult<i64> {
        if this.hash.get() == -1 {
            this.hash.set(hash_elements(&this.elements));
        }
        Ok(this.hash.get())
    }

    /// Returns a shallow copy.
    #[pymethod(name = "copy")]
    fn py_copy(cx: &Ctx, this: &Obj) -> PyResult {
        if this.is_exact(FixedShape::FrozenSet) { Ok(this.clone()) } else { copy(cx, this) }
    }
}

#[pymethods(parts("common"))]
impl Set {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, Set { elements: Elements::new() }))
    }

    fn __init__(cx: &Ctx, this: This<'_, Set>, args: Args<'_>) -> PyResult<()> {
        args.no_keywords(cx, "set")?;
        let iterable = match args.pos() {
            [] => None,
            [it] => Some(it),
            more => return Err(cx.type_error(format!("set expected at most 1 argument, got {}", more.len()))),
        };
        this.elements.clear_all();
        iterable.map_or(Ok(()), |it| this.elements.update(cx, it))
    }

    fn nb_iand(cx: &Ctx, this: This<'_, Set>, other: &Obj) -> PyResult {
        if as_set(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        replace(this.payload(), this.elements.intersection(cx, other)?);
        Ok(this.obj().clone())
    }

    fn nb_ior(cx: &Ctx, this: This<'_, Set>, other: &Obj) -> PyResult {
        if as_set(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        this.elements.update(cx, other)?;
        Ok(this.obj().clone())
    }

    fn nb_isub(cx: &Ctx, this: This<'_, Set>, other: &Obj) -> PyResult {
        if as_set(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        this.elements.difference_update(cx, other)?;
        Ok(this.obj().clone())
    }

    fn nb_ixor(cx: &Ctx, this: This<'_, Set>, other: &Obj) -> PyResult {
        if as_set(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        this.elements.symmetric_difference_update(cx, other)?;
        Ok(this.obj().clone())
    }

    /// Adds an element to the set; it has no effect if the element is present already.
    #[pymethod(sig = "($self, object, /)")]
    fn add(cx: &Ctx, this: This<'_, Set>, object: &Obj) -> PyResult<()> {
        this.elements.add(cx, object).map(|_| ())
    }

    /// Removes an element; raises KeyError if it is not there.
    #[pymethod(sig = "($self, object, /)")]
    fn remove(cx: &Ctx, this: This<'_, Set>, object: &Obj) -> PyResult<()> {
        if on_element(cx, object, |x, hash| this.elements.discard_hashed(cx, x, hash))? {
            return Ok(());
        }
        Err(cx.key_error(object))
    }

    /// Removes an element if it is there.
    #[pymethod(sig = "($self, object, /)")]
    fn discard(cx: &Ctx, this: This<'_, Set>, object: &Obj) -> PyResult<()> {
        on_element(cx, object, |x, hash| this.elements.discard_hashed(cx, x, hash)).map(|_| ())
    }

    /// Takes out any one element; KeyError if there is none.
    #[pymethod]
    fn pop(cx: &Ctx, this: This<'_, Set>) -> PyResult {
        this.elements.pop().ok_or_else(|| cx.raise(exc::KeyError(), "pop from an empty set"))
    }

    /// Removes all elements.
    #[pymethod(name = "clear")]
    fn py_clear(_cx: &Ctx, this: This<'_, Set>) {
        this.elements.clear_all();
    }

    /// Returns a shallow copy.
    #[pymethod(name = "copy")]
    fn py_copy(cx: &Ctx, this: &Obj) -> PyResult {
        copy(cx, this)
    }

    /// Adds the elements of all others.
    #[pymethod(sig = "($self, /, *others)")]
    fn update(cx: &Ctx, this: This<'_, Set>, others: &[Obj]) -> PyResult<()> {
        others.iter().try_for_each(|o| this.elements.update(cx, o))
    }

    /// Keeps only the elements that are also in all others.
    #[pymethod(sig = "($self, /, *others)")]
    fn intersection_update(cx: &Ctx, this: This<'_, Set>, others: &[Obj]) -> PyResult<()> {
        let r = fold(cx, this.obj(), others, intersection)?;
        replace(this.payload(), std::mem::replace(elements(&r).table_mut(), Table::new()));
        Ok(())
    }

    /// Removes the elements of all others.
    #[pymethod(sig = "($self, /, *others)")]
    fn difference_update(cx: &Ctx, this: This<'_, Set>, others: &[Obj]) -> PyResult<()> {
        others.iter().try_for_each(|o| this.elements.difference_update(cx, o))
    }

    /// Keeps the elements that are in the set or the other, but not in both.
    #[pymethod(sig = "($self, other, /)")]
    fn symmetric_difference_update(cx: &Ctx, this: This<'_, Set>, other: &Obj) -> PyResult<()> {
        this.elements.symmetric_difference_update(cx, other)
    }
}
