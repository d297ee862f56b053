//! Constants of code objects.

use super::Code;
use std::sync::Arc;

/// A constant: plain data, turned into an object when code is loaded.
#[derive(Clone, Debug)]
pub enum Const {
    /// `None`.
    None,
    /// `True`.
    True,
    /// `False`.
    False,
    /// `...`.
    Ellipsis,
    /// An int of 64 bits.
    Int(i64),
    /// A larger int: sign (`true` for negative) and magnitude, least significant 64-bit limb first, no leading zero.
    BigInt(bool, Arc<[u64]>),
    /// A float.
    Float(f64),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// A str in WTF-8 (UTF-8 that may also encode lone surrogates).
    Str(Arc<[u8]>),
    /// A bytes object.
    Bytes(Arc<[u8]>),
    /// A tuple of constants.
    Tuple(Arc<[Const]>),
    /// A frozenset of constants, for `in` tests.
    FrozenSet(Arc<[Const]>),
    /// A slice object: start, stop, step.
    Slice(Arc<[Const; 3]>),
    /// A nested code object.
    Code(Arc<Code>),
}

impl Const {
    /// A str constant.
    pub fn str(text: &str) -> Const {
        Const::Str(text.as_bytes().into())
    }

    /// The text of a str constant without lone surrogates.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Const::Str(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Const::None => 0,
            Const::True => 1,
            Const::False => 2,
            Const::Ellipsis => 3,
            Const::Int(_) => 4,
            Const::BigInt(..) => 5,
            Const::Float(_) => 6,
            Const::Complex(..) => 7,
            Const::Str(_) => 8,
            Const::Bytes(_) => 9,
            Const::Tuple(_) => 10,
            Const::FrozenSet(_) => 11,
            Const::Slice(_) => 12,
            Const::Code(_) => 13,
        }
    }
}

/// Identity of constants in a constant pool: type and bits, so that `0.0`, `-0.0`, `0` and `False` all differ and a NaN
/// equals itself.
impl PartialEq for Const {
    fn eq(&self, other: &Const) -> bool {
        match (self, other) {
            (Const::Int(a), Const::Int(b)) => a == b,
            (Const::BigInt(s, a), Const::BigInt(t, b)) => s == t && a == b,
            (Const::Float(a), Const::Float(b)) => a.to_bits() == b.to_bits(),
            (Const::Complex(a, b), Const::Complex(c, d)) => a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits(),
            (Const::Str(a), Const::Str(b)) | (Const::Bytes(a), Const::Bytes(b)) => a == b,
            (Const::Tuple(a), Const::Tuple(b)) | (Const::FrozenSet(a), Const::FrozenSet(b)) => a == b,
            (Const::Slice(a), Const::Slice(b)) => a == b,
            (Const::Code(a), Const::Code(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => self.tag() == other.tag() && self.tag() < 4,
        }
    }
}

impl Eq for Const {}

impl std::hash::Hash for Const {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.tag().hash(state);
        match self {
            Const::None | Const::True | Const::False | Const::Ellipsis => {}
            Const::Int(a) => a.hash(state),
            Const::BigInt(sign, limbs) => (sign, limbs).hash(state),
            Const::Float(a) => a.to_bits().hash(state),
            Const::Complex(a, b) => (a.to_bits(), b.to_bits()).hash(state),
            Const::Str(bytes) | Const::Bytes(bytes) => bytes.hash(state),
            Const::Tuple(items) | Const::FrozenSet(items) => items.hash(state),
            Const::Slice(items) => items.hash(state),
            Const::Code(code) => (&code.qualname, code.first_line, code.insns.len()).hash(state),
        }
    }
}
