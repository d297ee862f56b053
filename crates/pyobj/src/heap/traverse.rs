//! [`Traverse`]: how payloads show their references to the cycle collector.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use indexmap::{IndexMap, IndexSet};
use smallvec::SmallVec;

use crate::value::{Obj, Value};

/// Called for every reference that a payload holds.
pub type Visitor<'a> = dyn FnMut(Value) + 'a;

/// Contents taken out of payloads, to be dropped once no borrow is held.
pub type Dropped = Vec<Box<dyn Any>>;

/// A payload that shows its references to the cycle collector. Derive it with `#[derive(Traverse)]`:
/// every field is visited; a `RefCell` that is borrowed visits nothing, which only keeps its referents alive.
pub trait Traverse {
    /// Whether values of the type can hold references at all.
    const HOLDS_REFERENCES: bool = true;
    /// Visits each owned reference exactly once.
    fn traverse(&self, visit: &mut Visitor<'_>);
    /// Drops the references through which a cycle can run: those in interior-mutable fields. What cannot be
    /// emptied is left to the other members of the cycle.
    fn clear(&self) {}
    /// Moves containers of references out, leaving empty ones. Runs no Python code.
    fn take_references(&mut self, _out: &mut Dropped) {}
}

impl Traverse for Obj {
    #[inline(always)]
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.value());
    }
}

/// Implements `Traverse` for types that never hold references.
#[macro_export]
macro_rules! traverse_leaf {
    ($($t:ty),* $(,)?) => {$(
        impl $crate::heap::Traverse for $t {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut $crate::heap::Visitor<'_>) {}
        }
    )*};
}

traverse_leaf! {
    (), bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64,
    str, String, Box<str>, &'static str, std::rc::Rc<str>, std::sync::Arc<str>,
    std::ffi::OsString, std::path::PathBuf, std::ffi::CString, std::fs::File, std::os::fd::OwnedFd,
    std::time::Instant, std::time::Duration, std::time::SystemTime, std::cmp::Ordering,
    num_bigint::BigInt, num_bigint::BigUint, crate::types::str::Name,
}

impl<T: Traverse + 'static> Traverse for Option<T> {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Some(v) = self {
            v.traverse(visit);
        }
    }

    fn clear(&self) {
        if let Some(v) = self {
            v.clear();
        }
    }

    fn take_references(&mut self, out: &mut Dropped) {
        if T::HOLDS_REFERENCES
            && let Some(v) = self.take()
        {
            out.push(Box::new(v));
        }
    }
}

impl<A: smallvec::Array + 'static> Traverse for SmallVec<A>
where
    A::Item: Traverse,
{
    const HOLDS_REFERENCES: bool = A::Item::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.iter().for_each(|v| v.traverse(visit));
    }

    fn clear(&self) {
        self.iter().for_each(Traverse::clear);
    }

    fn take_references(&mut self, out: &mut Dropped) {
        if Self::HOLDS_REFERENCES && !self.is_empty() {
            out.push(Box::new(std::mem::take(self)));
        }
    }
}

/// Containers that become empty when their references are taken.
macro_rules! sequences {
    ($($(#[$m:meta])* [$($g:tt)*] $t:ty;)*) => {$(
        impl<$($g)*> Traverse for $t {
            const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

            fn traverse(&self, visit: &mut Visitor<'_>) {
                if T::HOLDS_REFERENCES {
                    self.iter().for_each(|v| v.traverse(visit));
                }
            }

            fn clear(&self) {
                if T::HOLDS_REFERENCES {
                    self.iter().for_each(T::clear);
                }
            }

            fn take_references(&mut self, out: &mut Dropped) {
                if T::HOLDS_REFERENCES && !self.is_empty() {
                    out.push(Box::new(std::mem::take(self)));
                }
            }
        }
    )*};
}

sequences! {
    [T: Traverse + 'static] Vec<T>;
    [T: Traverse + 'static] VecDeque<T>;
    [T: Traverse + 'static] Box<[T]>;
    [T: Traverse + 'static, S: Default + 'static] HashSet<T, S>;
    [T: Traverse + 'static, S: Default + 'static] IndexSet<T, S>;
}

macro_rules! maps {
    ($([$($g:tt)*] $t:ty;)*) => {$(
        impl<$($g)*> Traverse for $t {
            const HOLDS_REFERENCES: bool = K::HOLDS_REFERENCES || V::HOLDS_REFERENCES;

            fn traverse(&self, visit: &mut Visitor<'_>) {
                if Self::HOLDS_REFERENCES {
                    for (k, v) in self {
                        k.traverse(visit);
                        v.traverse(visit);
                    }
                }
            }

            fn clear(&self) {
                if V::HOLDS_REFERENCES {
                    self.values().for_each(V::clear);
                }
            }

            fn take_references(&mut self, out: &mut Dropped) {
                if Self::HOLDS_REFERENCES && !self.is_empty() {
                    out.push(Box::new(std::mem::take(self)));
                }
            }
        }
    )*};
}

maps! {
    [K: Traverse + 'static, V: Traverse + 'static, S: Default + 'static] HashMap<K, V, S>;
    [K: Traverse + 'static, V: Traverse + 'static, S: Default + 'static] IndexMap<K, V, S>;
    [K: Traverse + 'static, V: Traverse + 'static] BTreeMap<K, V>;
}

impl<T: Traverse, const N: usize> Traverse for [T; N] {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.iter().for_each(|v| v.traverse(visit));
    }

    fn clear(&self) {
        self.iter().for_each(T::clear);
    }

    fn take_references(&mut self, out: &mut Dropped) {
        self.iter_mut().for_each(|v| v.take_references(out));
    }
}

impl<T: Traverse> Traverse for Box<T> {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        (**self).traverse(visit);
    }

    fn clear(&self) {
        (**self).clear();
    }

    fn take_references(&mut self, out: &mut Dropped) {
        (**self).take_references(out);
    }
}

impl<T: Traverse> Traverse for Cell<T> {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        if T::HOLDS_REFERENCES {
            // SAFETY: a visitor runs no Python code and changes no payload, so nothing writes meanwhile.
            unsafe { &*self.as_ptr() }.traverse(visit);
        }
    }

    fn clear(&self) {
        if T::HOLDS_REFERENCES {
            let mut out = Dropped::new();
            // SAFETY: taking references moves values and runs no Python code; they are dropped afterwards.
            unsafe { &mut *self.as_ptr() }.take_references(&mut out);
            drop(out);
        }
    }

    fn take_references(&mut self, out: &mut Dropped) {
        self.get_mut().take_references(out);
    }
}

impl<T: Traverse> Traverse for RefCell<T> {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        if T::HOLDS_REFERENCES
            && let Ok(v) = self.try_borrow()
        {
            v.traverse(visit);
        }
    }

    fn clear(&self) {
        if T::HOLDS_REFERENCES {
            let mut out = Dropped::new();
            if let Ok(mut v) = self.try_borrow_mut() {
                v.take_references(&mut out);
            }
            drop(out);
        }
    }

    fn take_references(&mut self, out: &mut Dropped) {
        self.get_mut().take_references(out);
    }
}

impl<T: Traverse> Traverse for OnceCell<T> {
    const HOLDS_REFERENCES: bool = T::HOLDS_REFERENCES;

    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Some(v) = self.get() {
            v.traverse(visit);
        }
    }

    fn clear(&self) {
        if let Some(v) = self.get() {
            v.clear();
        }
    }
}

impl<T> Traverse for std::marker::PhantomData<T> {
    const HOLDS_REFERENCES: bool = false;

    fn traverse(&self, _: &mut Visitor<'_>) {}
}

macro_rules! tuples {
    ($($($t:ident $i:tt)*;)*) => {$(
        impl<$($t: Traverse),*> Traverse for ($($t,)*) {
            const HOLDS_REFERENCES: bool = false $(|| $t::HOLDS_REFERENCES)*;

            fn traverse(&self, visit: &mut Visitor<'_>) {
                $(self.$i.traverse(visit);)*
            }

            fn clear(&self) {
                $(self.$i.clear();)*
            }

            fn take_references(&mut self, out: &mut Dropped) {
                $(self.$i.take_references(out);)*
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_hold_no_references() {
        const {
            assert!(!<(String, Option<u32>, Vec<f64>)>::HOLDS_REFERENCES);
            assert!(<(String, RefCell<Vec<Obj>>)>::HOLDS_REFERENCES);
            assert!(<HashMap<u32, Cell<Option<Obj>>>>::HOLDS_REFERENCES);
        }
    }

    #[test]
    fn every_reference_is_visited_once() {
        let v: (Vec<Obj>, RefCell<Option<Obj>>, Cell<Option<Obj>>) = (
            vec![Obj::from(1i64), Obj::from(2i64)],
            RefCell::new(Some(Obj::from(3i64))),
            Cell::new(Some(Obj::from(4i64))),
        );
        let mut seen = Vec::new();
        v.traverse(&mut |w| seen.extend(w.as_int()));
        assert_eq!(seen, [1, 2, 3, 4]);
    }

    #[test]
    fn a_borrowed_cell_shows_and_loses_nothing() {
        let c = RefCell::new(vec![Obj::from(1i64)]);
        let guard = c.borrow_mut();
        let mut seen = 0;
        c.traverse(&mut |_| seen += 1);
        c.clear();
        assert_eq!((seen, guard.len()), (0, 1));
        drop(guard);
        c.clear();
        assert!(c.borrow().is_empty());
    }
}
