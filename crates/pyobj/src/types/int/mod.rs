//! `int`: tagged 63-bit words, and heap ints with inline limbs beyond them.
//!
//! An exact int that fits the word is always tagged; a heap int of exactly type `int` never fits. Instances
//! of subclasses and the two bools are heap objects of the same layout whatever their value, so everything
//! here goes through [`Operand`], which sees sign and magnitude of any of them.

mod arith;
mod bitwise;
mod compare;
mod convert;
mod format;
mod huge;
pub(crate) mod limbs;
mod methods;
mod new;
mod pow;
pub mod text;

pub use arith::{abs, add, divmod, floordiv, mod_, mul, mul_in_steps, neg, sub};
pub use arith::{and, invert, lshift, or, rshift, xor};
pub(crate) use compare::hash_i64;
pub use compare::{cmp, cmp_f64, eq, hash};
pub use convert::{
    as_f64, as_i64, as_i128, as_u64, from_bigint, from_biguint, from_f64, from_i128, from_u128, scaled_to_f64,
    to_bigint, to_f64_lossy, true_div,
};
pub(crate) use text::{checked_decimal, magnitude_to_string, small_digits, small_to_str};

pub(crate) use convert::scale;
pub use new::from_object;
pub use pow::{gcd, isqrt, pow, pow_mod, round_to_power_of_ten};
pub use text::ParseError;

use num_bigint::Sign;

use crate::heap::{self, Header, PageKind, Traverse, Visitor};
use crate::native::{FixedShape, pyclass};
use crate::shape::ShapeId;
use crate::types::Type;
use crate::value::{Obj, Value};

use limbs::{Buf, trimmed};

/// int([x]) -> integer
/// int(x, base=10) -> integer
///
/// An integer of any size.
///
/// int(x) converts a number, or the text of a decimal literal. int(x, base) reads a text, bytes or bytearray
/// in a base from 2 to 36; base 0 takes the base from the prefix, as in source code.
///
/// >>> int('ff', 16)
/// 255
/// >>> int('0b101', base=0)
/// 5
#[expect(rustdoc::broken_intra_doc_links, reason = "the text is Python's, where brackets mark what may be left out")]
#[pyclass(name = "int", fixed = Int, flags(basetype, match_self), payload = "var", payload_def = methods::PAYLOAD)]
#[repr(C)]
pub struct Int {
    len: u32,
    neg: u32,
    limbs: [u64; 0],
}

impl Traverse for Int {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Int {
    /// The magnitude, without zero limbs at the top.
    #[inline]
    pub(crate) fn magnitude(&self) -> &[u64] {
        let first = (&raw const *self as usize + size_of::<Int>()) as *const u64;
        // SAFETY: every `Int` is made by `write_int`, which puts `len` limbs behind it in the same cell.
        unsafe { std::slice::from_raw_parts(first, self.len as usize) }
    }

    /// Whether the number is negative.
    #[inline]
    pub(crate) fn is_negative(&self) -> bool {
        self.neg != 0
    }
}

/// The longest magnitude in limbs; anything longer is a MemoryError (32 GiB).
pub(crate) const MAX_LIMBS: u64 = u32::MAX as u64;

/// Writes the native part at `at`.
///
/// # Safety
/// `at` must have room for an `Int` and the limbs.
unsafe fn write_int(at: *mut u8, neg: bool, mag: &[u64]) {
    debug_assert!(mag.len() as u64 <= MAX_LIMBS && mag.last() != Some(&0));
    // SAFETY: by the caller's promise.
    unsafe {
        (at as *mut Int).write(Int { len: mag.len() as u32, neg: u32::from(neg && !mag.is_empty()), limbs: [] });
        std::ptr::copy_nonoverlapping(mag.as_ptr(), at.add(size_of::<Int>()) as *mut u64, mag.len());
    }
}

/// Allocates a heap object of a core type with int layout and no room for attributes.
fn new_heap(shape: FixedShape, neg: bool, mag: &[u64]) -> Obj {
    let size = size_of::<Header>() + size_of::<Int>() + size_of_val(mag);
    if !heap::has_room(size) {
        return Obj::from(0);
    }
    // SAFETY: core int types keep the native part right behind the header; the cell has room for it.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, size);
        write_int((p as *mut u8).add(size_of::<Header>()), neg, mag);
        heap::publish(p, ShapeId::fixed(shape).get())
    }
}

/// The immortal object behind `True` or `False`.
pub(crate) fn new_bool(value: bool) -> Obj {
    let o = new_heap(FixedShape::Bool, false, if value { &[1] } else { &[] });
    o.immortalize();
    o
}

/// An int from sign and magnitude (zero limbs at the top are cut off).
#[inline]
pub(crate) fn from_parts(neg: bool, mag: &[u64]) -> Obj {
    let mag = trimmed(mag);
    match mag {
        [] => Obj::from(0),
        [m] if *m <= Value::MAX_INT as u64 + u64::from(neg) => {
            let n = *m as i64;
            small(if neg { -n } else { n })
        }
        _ => new_heap(FixedShape::Int, neg, mag),
    }
}

/// As [`from_parts`], of a result in construction.
#[inline]
pub(crate) fn from_buf((neg, mag): (bool, Buf)) -> Obj {
    from_parts(neg, &mag)
}

/// An instance of a subclass of `int` with the value of `n`.
pub(crate) fn new_subclass_instance(ty: &Type, n: &Obj) -> Option<Obj> {
    let v = Operand::of(n)?;
    let mag = v.mag();
    // SAFETY: `ty` has int layout with the native part last, and the cell has room for the limbs.
    unsafe {
        let p = heap::alloc_object(ty, size_of_val(mag));
        write_int((p as *mut u8).add(ty.layout().payload_off as usize), v.neg, mag);
        if ty.is_heap_type() {
            // Instances keep their class alive.
            ty.as_value().incref();
        }
        Some(heap::publish(p, ty.root_shape()))
    }
}

/// A tagged int known to fit.
#[inline(always)]
pub(crate) fn small(n: i64) -> Obj {
    // SAFETY: tagged ints own nothing.
    unsafe { Obj::from_owned(Value::from_small_int(n)) }
}

/// Sign and magnitude of any int object.
pub(crate) struct Operand<'a> {
    /// Whether the number is negative.
    pub neg: bool,
    mag: Mag<'a>,
}

enum Mag<'a> {
    Word([u64; 1]),
    Heap(&'a [u64]),
}

impl<'a> Operand<'a> {
    /// The operand, if the object is an int, a bool or an instance of a subclass of `int`.
    #[inline]
    pub fn of(o: &'a Obj) -> Option<Operand<'a>> {
        if let Some(n) = o.as_int() {
            return Some(Operand::small(n));
        }
        let i = o.downcast::<Int>()?;
        Some(Operand { neg: i.is_negative(), mag: Mag::Heap(i.magnitude()) })
    }

    /// The operand of a machine int.
    #[inline]
    pub fn small(n: i64) -> Operand<'static> {
        Operand { neg: n < 0, mag: Mag::Word([n.unsigned_abs()]) }
    }

    /// The magnitude; empty for zero.
    #[inline]
    pub fn mag(&self) -> &[u64] {
        match &self.mag {
            Mag::Word(w) => trimmed(w),
            Mag::Heap(s) => s,
        }
    }

    /// Sign and magnitude.
    #[inline]
    pub fn parts(&self) -> (bool, &[u64]) {
        (self.neg, self.mag())
    }

    /// The sign as `num-bigint` has it.
    pub fn sign(&self) -> Sign {
        match (self.mag().is_empty(), self.neg) {
            (true, _) => Sign::NoSign,
            (_, true) => Sign::Minus,
            _ => Sign::Plus,
        }
    }

    /// The value, if it fits 64 bits.
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        match self.mag() {
            [] => Some(0),
            [m] if self.neg => (*m <= 1 << 63).then(|| (*m as i64).wrapping_neg()),
            [m] => i64::try_from(*m).ok(),
            _ => None,
        }
    }
}

/// Whether the object is an int, a bool or an instance of a subclass of `int`.
#[inline]
pub fn is_int(o: &Obj) -> bool {
    o.as_value_is_int() || o.downcast::<Int>().is_some()
}

impl Obj {
    #[inline(always)]
    fn as_value_is_int(&self) -> bool {
        self.value().is_int()
    }
}

/// Whether the object's class is exactly `int`.
#[inline(always)]
pub fn is_exact_int(o: &Obj) -> bool {
    o.value().is_int() || o.is_exact(FixedShape::Int)
}

/// The int of exactly type `int` with the same value, if the object is an int at all.
#[inline]
pub fn to_exact(o: &Obj) -> Option<Obj> {
    if is_exact_int(o) {
        return Some(o.clone());
    }
    let i = o.downcast::<Int>()?;
    Some(from_parts(i.is_negative(), i.magnitude()))
}

/// Whether an int object is zero; false for other objects.
#[inline]
pub fn is_zero(o: &Obj) -> bool {
    match o.as_int() {
        Some(n) => n == 0,
        None => o.downcast::<Int>().is_some_and(|i| i.len == 0),
    }
}

/// Whether an int object is negative; false for other objects.
#[inline]
pub fn is_negative(o: &Obj) -> bool {
    match o.as_int() {
        Some(n) => n < 0,
        None => o.downcast::<Int>().is_some_and(Int::is_negative),
    }
}

/// The number of bits of the magnitude of an int; zero for other objects.
pub fn bit_length(o: &Obj) -> u64 {
    Operand::of(o).map_or(0, |v| limbs::bit_len(v.mag()))
}

impl From<i64> for Obj {
    #[inline]
    fn from(n: i64) -> Obj {
        match Value::from_i64(n) {
            // SAFETY: tagged ints own nothing.
            Some(v) => unsafe { Obj::from_owned(v) },
            None => new_heap(FixedShape::Int, n < 0, &[n.unsigned_abs()]),
        }
    }
}

impl From<i32> for Obj {
    #[inline]
    fn from(n: i32) -> Obj {
        small(n.into())
    }
}

impl From<u32> for Obj {
    #[inline]
    fn from(n: u32) -> Obj {
        small(n.into())
    }
}

impl From<u64> for Obj {
    #[inline]
    fn from(n: u64) -> Obj {
        if n <= Value::MAX_INT as u64 { small(n as i64) } else { new_heap(FixedShape::Int, false, &[n]) }
    }
}

impl From<usize> for Obj {
    #[inline]
    fn from(n: usize) -> Obj {
        Obj::from(n as u64)
    }
}

impl From<isize> for Obj {
    #[inline]
    fn from(n: isize) -> Obj {
        Obj::from(n as i64)
    }
}
