//! Constant folding: what CPython folds, as far as it fits 128-bit arithmetic.

use crate::code::Const;
use cinder_syntax::ast::{Constant, Expr, ExprKind, IntValue, Operator, UnaryOp};

/// Longest str or bytes, and largest tuple, that folding makes.
const MOST_BYTES: usize = 4096;
const MOST_ITEMS: usize = 256;
/// Ints that folding makes have at most this many bits.
const MOST_BITS: u32 = 127;

/// The constant of a literal.
pub(super) fn constant(value: &Constant<'_>) -> Const {
    match *value {
        Constant::None => Const::None,
        Constant::Bool(true) => Const::True,
        Constant::Bool(false) => Const::False,
        Constant::Ellipsis => Const::Ellipsis,
        Constant::Int(IntValue::Small(small)) => int(small as i128),
        Constant::Int(IntValue::Big { negative, limbs }) => match small_limbs(negative, limbs) {
            Some(value) => int(value),
            None => Const::BigInt(negative, limbs.into()),
        },
        Constant::Float(value) => Const::Float(value),
        Constant::Complex { real, imag } => Const::Complex(real, imag),
        Constant::Str(text) => Const::Str(text.as_bytes().into()),
        Constant::Bytes(bytes) => Const::Bytes(bytes.into()),
        Constant::Tuple(items) => Const::Tuple(items.iter().map(constant).collect()),
        Constant::FrozenSet(items) => Const::FrozenSet(items.iter().map(constant).collect()),
    }
}

fn small_limbs(negative: bool, limbs: &[u64]) -> Option<i128> {
    let magnitude = match *limbs {
        [] => 0,
        [low] => low as i128,
        [low, high] if high >> 63 == 0 => (high as i128) << 64 | low as i128,
        _ => return None,
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn int(value: i128) -> Const {
    match i64::try_from(value) {
        Ok(small) => Const::Int(small),
        Err(_) => {
            let magnitude = value.unsigned_abs();
            let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
            let limbs: &[u64] = if high == 0 { &[low] } else { &[low, high] };
            Const::BigInt(value < 0, limbs.into())
        }
    }
}

/// An int constant (or bool) as a number.
fn as_int(value: &Const) -> Option<i128> {
    match value {
        Const::Int(small) => Some(*small as i128),
        Const::True => Some(1),
        Const::False => Some(0),
        Const::BigInt(negative, limbs) => small_limbs(*negative, limbs),
        _ => None,
    }
}

fn as_float(value: &Const) -> Option<f64> {
    match value {
        Const::Float(value) => Some(*value),
        // Only ints that a float represents exactly, so that rounding is no question.
        _ => as_int(value).filter(|int| int.unsigned_abs() < 1 << 53).map(|int| int as f64),
    }
}

/// `a op b`, if folding is worthwhile and cannot raise.
pub(super) fn binary(a: &Const, op: Operator, b: &Const) -> Option<Const> {
    if let (Some(x), Some(y)) = (as_int(a), as_int(b)) {
        let bools = matches!(a, Const::True | Const::False) && matches!(b, Const::True | Const::False);
        // Bitwise operations of bools give bools.
        if bools && matches!(op, Operator::BitAnd | Operator::BitOr | Operator::BitXor) {
            let one = matches!(int_binary(x, op, y)?, Const::Int(1));
            return Some(if one { Const::True } else { Const::False });
        }
        return int_binary(x, op, y);
    }
    match (a, op, b) {
        (Const::Str(x), Operator::Add, Const::Str(y)) => Some(Const::Str(concat(x, y)?)),
        (Const::Bytes(x), Operator::Add, Const::Bytes(y)) => Some(Const::Bytes(concat(x, y)?)),
        (Const::Str(x), Operator::Mult, n) | (n, Operator::Mult, Const::Str(x)) => Some(Const::Str(repeat(x, n)?)),
        (Const::Bytes(x), Operator::Mult, n) | (n, Operator::Mult, Const::Bytes(x)) => {
            Some(Const::Bytes(repeat(x, n)?))
        }
        (Const::Tuple(x), Operator::Add, Const::Tuple(y)) if x.len() + y.len() <= MOST_ITEMS => {
            Some(Const::Tuple(x.iter().chain(y.iter()).cloned().collect()))
        }
        (Const::Tuple(x), Operator::Mult, n) | (n, Operator::Mult, Const::Tuple(x)) => {
            let times = times(n, x.len(), MOST_ITEMS)?;
            Some(Const::Tuple((0..times).flat_map(|_| x.iter().cloned()).collect()))
        }
        _ => number_binary(a, op, b),
    }
}

fn number_binary(a: &Const, op: Operator, b: &Const) -> Option<Const> {
    let parts = |value: &Const| match *value {
        Const::Complex(real, imag) => Some((real, imag)),
        _ => None,
    };
    match (parts(a), parts(b)) {
        (None, None) => {
            let (x, y) = (as_float(a)?, as_float(b)?);
            let result = match op {
                Operator::Add => x + y,
                Operator::Sub => x - y,
                Operator::Mult => x * y,
                Operator::Div if y != 0.0 => x / y,
                _ => return None,
            };
            Some(Const::Float(result))
        }
        // Mixed arithmetic treats the real operand as having no imaginary part at all.
        (None, Some((real, imag))) => match op {
            Operator::Add => Some(Const::Complex(as_float(a)? + real, imag)),
            Operator::Sub => Some(Const::Complex(as_float(a)? - real, -imag)),
            _ => None,
        },
        (Some((real, imag)), None) => match op {
            Operator::Add => Some(Const::Complex(real + as_float(b)?, imag)),
            Operator::Sub => Some(Const::Complex(real - as_float(b)?, imag)),
            _ => None,
        },
        (Some((ar, ai)), Some((br, bi))) => match op {
            Operator::Add => Some(Const::Complex(ar + br, ai + bi)),
            Operator::Sub => Some(Const::Complex(ar - br, ai - bi)),
            _ => None,
        },
    }
}

fn int_binary(x: i128, op: Operator, y: i128) -> Option<Const> {
    let bits = |value: i128| 128 - value.unsigned_abs().leading_zeros();
    let result = match op {
        Operator::Add => x.checked_add(y)?,
        Operator::Sub => x.checked_sub(y)?,
        Operator::Mult => x.checked_mul(y)?,
        Operator::FloorDiv if y != 0 => floor_div(x, y)?,
        Operator::Mod if y != 0 => x.checked_sub(floor_div(x, y)?.checked_mul(y)?)?,
        Operator::Div if y != 0 => {
            let exact = |value: i128| value.unsigned_abs() < 1 << 53;
            return (exact(x) && exact(y)).then(|| Const::Float(x as f64 / y as f64));
        }
        Operator::Pow if (0..=MOST_BITS as i128).contains(&y) => {
            if bits(x) * y as u32 > MOST_BITS + 1 {
                return None;
            }
            x.checked_pow(y as u32)?
        }
        Operator::LShift if (0..MOST_BITS as i128).contains(&y) => {
            if bits(x) + y as u32 > MOST_BITS {
                return None;
            }
            x << y
        }
        Operator::RShift if y >= 0 => x >> y.min(127),
        Operator::BitAnd => x & y,
        Operator::BitOr => x | y,
        Operator::BitXor => x ^ y,
        _ => return None,
    };
    Some(int(result))
}

fn floor_div(x: i128, y: i128) -> Option<i128> {
    let quotient = x.checked_div(y)?;
    let inexact = x.checked_rem(y)? != 0;
    Some(if inexact && (x < 0) != (y < 0) { quotient - 1 } else { quotient })
}

fn concat(x: &[u8], y: &[u8]) -> Option<std::sync::Arc<[u8]>> {
    // Two lone surrogates may join to one character, which has another encoding.
    if x.len() + y.len() > MOST_BYTES || ends_in_surrogate(x) {
        return None;
    }
    Some([x, y].concat().into())
}

fn ends_in_surrogate(x: &[u8]) -> bool {
    matches!(x, [.., 0xed, 0xa0..=0xbf, _])
}

fn repeat(x: &[u8], n: &Const) -> Option<std::sync::Arc<[u8]>> {
    if ends_in_surrogate(x) {
        return None;
    }
    Some(x.repeat(times(n, x.len(), MOST_BYTES)?).into())
}

fn times(n: &Const, length: usize, most: usize) -> Option<usize> {
    let times = usize::try_from(as_int(n)?.max(0)).ok()?;
    (times.checked_mul(length.max(1))? <= most).then_some(times)
}

/// `op a`, if it cannot raise.
pub(super) fn unary(op: UnaryOp, a: &Const) -> Option<Const> {
    match (op, a) {
        (UnaryOp::Not, _) => Some(if truth(a)? { Const::False } else { Const::True }),
        (UnaryOp::USub, Const::Float(value)) => Some(Const::Float(-value)),
        (UnaryOp::USub, Const::Complex(real, imag)) => Some(Const::Complex(-real, -imag)),
        (UnaryOp::UAdd, Const::Float(_) | Const::Complex(..)) => Some(a.clone()),
        (UnaryOp::USub, Const::BigInt(negative, limbs)) => Some(match as_int(a) {
            Some(value) => int(-value),
            None => Const::BigInt(!negative, limbs.clone()),
        }),
        (UnaryOp::USub, _) => as_int(a).map(|value| int(-value)),
        (UnaryOp::UAdd, _) => as_int(a).map(int),
        // The inversion of a bool warns at run time.
        (UnaryOp::Invert, Const::Int(value)) => Some(Const::Int(!value)),
        _ => None,
    }
}

/// The truth of a constant.
pub(super) fn truth(value: &Const) -> Option<bool> {
    Some(match value {
        Const::None | Const::False => false,
        Const::True | Const::Ellipsis | Const::Slice(_) | Const::Code(_) => true,
        Const::Int(value) => *value != 0,
        Const::BigInt(_, limbs) => !limbs.is_empty(),
        Const::Float(value) => *value != 0.0,
        Const::Complex(real, imag) => *real != 0.0 || *imag != 0.0,
        Const::Str(bytes) | Const::Bytes(bytes) => !bytes.is_empty(),
        Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
    })
}

/// `a[b]` of a tuple, bytes or ASCII str and an index in range.
pub(super) fn subscript(a: &Const, b: &Const) -> Option<Const> {
    let index = as_int(b)?;
    let at = |length: usize| {
        let index = if index < 0 { index + length as i128 } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    };
    match a {
        Const::Tuple(items) => Some(items[at(items.len())?].clone()),
        Const::Bytes(bytes) => Some(Const::Int(bytes[at(bytes.len())?] as i64)),
        Const::Str(bytes) if bytes.is_ascii() => Some(Const::Str(bytes[at(bytes.len())?..][..1].into())),
        _ => None,
    }
}

/// The value of an expression made of literals, signs and tuples of those.
pub(super) fn literal(expr: &Expr<'_>) -> Option<Const> {
    match expr.kind {
        ExprKind::Constant { value, .. } => Some(constant(&value)),
        ExprKind::UnaryOp { op, operand } => match operand.kind {
            ExprKind::Constant { value, .. } => unary(op, &constant(&value)),
            _ => None,
        },
        ExprKind::BinOp { left, op, right } => {
            let simple = |e: &Expr<'_>| matches!(e.kind, ExprKind::Constant { .. } | ExprKind::UnaryOp { .. });
            if simple(left) && simple(right) { binary(&literal(left)?, op, &literal(right)?) } else { None }
        }
        ExprKind::Tuple { elts, .. } => const_items(elts).map(|items| Const::Tuple(items.into())),
        _ => None,
    }
}

/// The values of a display's elements if all are literals.
pub(super) fn const_items(elts: &[&Expr<'_>]) -> Option<Vec<Const>> {
    elts.iter().map(|elt| literal(elt)).collect()
}

/// A slice whose bounds are literals.
pub(super) fn const_slice(expr: &Expr<'_>) -> Option<Const> {
    let ExprKind::Slice { lower, upper, step } = expr.kind else { return None };
    let bound = |bound: Option<&Expr<'_>>| match bound {
        None => Some(Const::None),
        Some(bound) => match bound.kind {
            ExprKind::Constant { .. } | ExprKind::UnaryOp { .. } => literal(bound),
            _ => None,
        },
    };
    Some(Const::Slice(std::sync::Arc::new([bound(lower)?, bound(upper)?, bound(step)?])))
}
