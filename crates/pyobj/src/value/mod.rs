//! The tagged word that every Python value is, and its owned handle.
//!
//! | low bits | meaning |
//! |---|---|
//! | `1`   | a 63-bit signed int |
//! | `10`  | a float whose exponent is near 1.0 (see `flonum.rs`), and 0.0 |
//! | `000` | a pointer to a heap object (never null) |
//! | `100` | an internal sentinel, never visible to Python code |
//!
//! The word is never zero, so `Option<Value>`, `Option<Obj>` and `PyResult<Obj>` are one register.

mod cell;
mod obj;

pub use cell::ObjCell;
pub use obj::Obj;

use std::num::NonZeroU64;

use crate::heap::Header;

/// A raw tagged word. Copying it does not touch reference counts, so whoever keeps one must know what
/// keeps the object alive; safe code works with [`Obj`] and `&Obj` instead.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Value(NonZeroU64);

const INT_TAG: u64 = 1;
const FLOAT_TAG: u64 = 2;
const SENTINEL_TAG: u64 = 4;
const ZERO_FLOAT: u64 = 0x8000_0000_0000_0002;

impl Value {
    /// The register holds no value: an unbound local, an empty cell, a deleted slot.
    pub const UNBOUND: Value = Value::sentinel(0);
    /// Stands where a call has no `self` argument.
    pub const NO_SELF: Value = Value::sentinel(1);
    /// Returned by an eager call whose callee suspended.
    pub const SUSPENDED: Value = Value::sentinel(2);
    /// The smallest int that fits the word.
    pub const MIN_INT: i64 = -(1 << 62);
    /// The largest int that fits the word.
    pub const MAX_INT: i64 = (1 << 62) - 1;

    const fn sentinel(n: u64) -> Value {
        match NonZeroU64::new(n << 3 | SENTINEL_TAG) {
            Some(w) => Value(w),
            None => unreachable!(),
        }
    }

    /// The word itself.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// A value from its word.
    ///
    /// # Safety
    /// `bits` must be a valid encoding; a pointer must point at a live object.
    #[inline(always)]
    pub const unsafe fn from_bits(bits: u64) -> Value {
        // SAFETY: a valid encoding is never zero.
        Value(unsafe { NonZeroU64::new_unchecked(bits) })
    }

    /// An int that fits 63 bits, or nothing.
    #[inline(always)]
    pub const fn from_i64(n: i64) -> Option<Value> {
        if n >= Self::MIN_INT && n <= Self::MAX_INT { Some(Self::from_small_int(n)) } else { None }
    }

    /// An int known to fit 63 bits; higher bits are cut off.
    #[inline(always)]
    pub const fn from_small_int(n: i64) -> Value {
        match NonZeroU64::new((n as u64) << 1 | INT_TAG) {
            Some(w) => Value(w),
            None => unreachable!(),
        }
    }

    /// A float that fits the word, or nothing (NaN, infinities, -0.0 and extreme exponents do not).
    #[inline(always)]
    pub fn from_f64(f: f64) -> Option<Value> {
        let bits = f.to_bits();
        let top = (bits >> 60) & 7;
        if (top == 3 || top == 4) && bits != 0x3000_0000_0000_0000 {
            return NonZeroU64::new(bits.rotate_left(3) & !3 | FLOAT_TAG).map(Value);
        }
        if bits == 0 { NonZeroU64::new(ZERO_FLOAT).map(Value) } else { None }
    }

    /// A pointer to a heap object.
    #[inline(always)]
    pub fn from_ptr(p: *const Header) -> Value {
        debug_assert!(!p.is_null() && p as u64 & 7 == 0);
        // SAFETY: object pointers are never null.
        Value(unsafe { NonZeroU64::new_unchecked(p as u64) })
    }

    /// Whether the word is a tagged int.
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.bits() & INT_TAG != 0
    }

    /// Whether the word is a tagged float.
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        self.bits() & 3 == FLOAT_TAG
    }

    /// Whether the word points at a heap object.
    #[inline(always)]
    pub const fn is_ptr(self) -> bool {
        self.bits() & 7 == 0
    }

    /// Whether the word is an internal sentinel.
    #[inline(always)]
    pub const fn is_sentinel(self) -> bool {
        self.bits() & 7 == SENTINEL_TAG
    }

    /// The tagged int, if it is one.
    #[inline(always)]
    pub const fn as_int(self) -> Option<i64> {
        if self.is_int() { Some(self.as_int_unchecked()) } else { None }
    }

    /// The tagged int of a word known to hold one.
    #[inline(always)]
    pub const fn as_int_unchecked(self) -> i64 {
        self.bits() as i64 >> 1
    }

    /// The tagged float, if it is one.
    #[inline(always)]
    pub const fn as_float(self) -> Option<f64> {
        if self.is_float() { Some(self.as_float_unchecked()) } else { None }
    }

    /// The tagged float of a word known to hold one.
    #[inline(always)]
    pub const fn as_float_unchecked(self) -> f64 {
        let v = self.bits();
        if v == ZERO_FLOAT {
            return 0.0;
        }
        let b63 = v >> 63;
        f64::from_bits(((2 - b63) | (v & !3)).rotate_right(3))
    }

    /// The object pointer, if it is one.
    #[inline(always)]
    pub fn as_ptr(self) -> Option<*const Header> {
        if self.is_ptr() { Some(self.bits() as *const Header) } else { None }
    }

    /// The header of a word known to be a pointer.
    ///
    /// # Safety
    /// The word must be a pointer to a live object, and the result must not outlive it.
    #[inline(always)]
    pub unsafe fn header<'a>(self) -> &'a Header {
        debug_assert!(self.is_ptr());
        // SAFETY: by the caller's promise.
        unsafe { &*(self.bits() as *const Header) }
    }

    /// Adds a reference.
    ///
    /// # Safety
    /// A pointer must point at a live object.
    #[inline(always)]
    pub unsafe fn incref(self) {
        if self.is_ptr() {
            // SAFETY: by the caller's promise.
            unsafe { self.header().incref() }
        }
    }

    /// Drops a reference; the last one ends the object, which may run Python code.
    ///
    /// # Safety
    /// The caller must own the reference.
    #[inline(always)]
    pub unsafe fn decref(self) {
        if self.is_ptr() {
            // SAFETY: by the caller's promise.
            unsafe { Header::decref(self.bits() as *const Header) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(i) = self.as_int() {
            write!(f, "int({i})")
        } else if let Some(x) = self.as_float() {
            write!(f, "float({x:?})")
        } else {
            write!(f, "value({:#x})", self.bits())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_its_options_are_one_word() {
        assert_eq!(size_of::<Value>(), 8);
        assert_eq!(size_of::<Option<Value>>(), 8);
        assert_eq!(size_of::<Option<Obj>>(), 8);
        assert_eq!(size_of::<crate::PyResult>(), 8);
    }

    #[test]
    fn floats_survive_the_word_or_are_refused() {
        for f in [0.0, 1.0, -1.0, 0.1, 1e-76, 1e77, -3.5e70, 2.0f64.powi(255), 2.0f64.powi(-255)] {
            if let Some(v) = Value::from_f64(f) {
                assert!(v.is_float() && !v.is_int() && !v.is_ptr());
                assert_eq!(v.as_float_unchecked().to_bits(), f.to_bits(), "{f}");
            }
        }
        assert!(Value::from_f64(1.5).is_some() && Value::from_f64(0.0).is_some());
        for f in [-0.0, f64::NAN, f64::INFINITY, 1e300, 5e-324] {
            assert!(Value::from_f64(f).is_none(), "{f}");
        }
    }

    #[test]
    fn ints_keep_63_bits() {
        for n in [0, 1, -1, Value::MIN_INT, Value::MAX_INT] {
            assert_eq!(Value::from_i64(n).and_then(Value::as_int), Some(n));
        }
        assert!(Value::from_i64(Value::MAX_INT + 1).is_none());
        assert!(Value::from_i64(Value::MIN_INT - 1).is_none());
    }
}
