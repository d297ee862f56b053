//! What operations compute: the one definition that the interpreter and constant folding share.
//!
//! Values are 64-bit words; bits above the type are ignored on input and zero in results.

use crate::op::Op;
use crate::types::Type;

/// Why an operation stops the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum TrapCode {
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The quotient of the minimum and -1.
    #[error("division overflow")]
    DivisionOverflow,
    /// A `trap` instruction with its code.
    #[error("trap {0}")]
    Explicit(u32),
}

/// A binary operation.
pub(crate) fn binary(op: Op, ty: Type, a: u64, b: u64) -> Result<u64, TrapCode> {
    if ty.is_float() {
        return Ok(float_binary(op, ty, a, b));
    }
    let (mask, bits) = (ty.mask(), ty.bits());
    let (ua, ub) = (a & mask, b & mask);
    let (sa, sb) = (ty.sign_extend(a), ty.sign_extend(b));
    let count = (b as u32) & (bits - 1);
    let min = ty.sign_extend(1 << (bits - 1));
    let out = match op {
        Op::Add | Op::AddFlags => a.wrapping_add(b),
        Op::Sub | Op::SubFlags => a.wrapping_sub(b),
        Op::Mul | Op::MulFlags => a.wrapping_mul(b),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Shl => a << count,
        Op::Shr => ua >> count,
        Op::Sar => (sa >> count) as u64,
        Op::Rotl if count == 0 => ua,
        Op::Rotr if count == 0 => ua,
        Op::Rotl => ua << count | ua >> (bits - count),
        Op::Rotr => ua >> count | ua << (bits - count),
        Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem | Op::SdivExit | Op::SremExit if ub == 0 => {
            return Err(TrapCode::DivisionByZero);
        }
        Op::Sdiv | Op::SdivExit if sa == min && sb == -1 => return Err(TrapCode::DivisionOverflow),
        Op::Sdiv | Op::SdivExit => (sa / sb) as u64,
        Op::Srem | Op::SremExit => sa.wrapping_rem(sb) as u64,
        Op::Udiv => ua / ub,
        Op::Urem => ua % ub,
        Op::Smulhi => ((i128::from(sa) * i128::from(sb)) >> bits) as u64,
        Op::Umulhi => ((u128::from(ua) * u128::from(ub)) >> bits) as u64,
        _ => 0,
    };
    Ok(out & mask)
}

/// The result of checked arithmetic or `None` when it overflows.
pub(crate) fn checked(op: Op, ty: Type, a: u64, b: u64) -> Option<u64> {
    let (sa, sb) = (ty.sign_extend(a), ty.sign_extend(b));
    let exact = match op {
        Op::AddOvf | Op::AddFlags => sa.checked_add(sb)?,
        Op::SubOvf | Op::SubFlags => sa.checked_sub(sb)?,
        Op::MulOvf | Op::MulFlags => sa.checked_mul(sb)?,
        _ => return binary(op, ty, a, b).ok(),
    };
    (ty.sign_extend(exact as u64) == exact).then_some(exact as u64 & ty.mask())
}

/// A unary operation on one type.
pub(crate) fn unary(op: Op, ty: Type, a: u64) -> Option<u64> {
    if ty.is_float() && op != Op::Copy {
        return float_unary(op, ty, a);
    }
    let ua = a & ty.mask();
    let out = match op {
        Op::Copy => a,
        Op::Neg => a.wrapping_neg(),
        Op::Not => !a,
        Op::Clz => u64::from(ua.leading_zeros() - (64 - ty.bits())),
        Op::Ctz => u64::from(ua.trailing_zeros().min(ty.bits())),
        Op::Popcnt => u64::from(ua.count_ones()),
        Op::Bswap => ua.swap_bytes() >> (64 - ty.bits()),
        _ => return None,
    };
    Some(out & ty.mask())
}

/// A conversion.
pub(crate) fn convert(op: Op, from: Type, to: Type, a: u64) -> Option<u64> {
    let out = match op {
        Op::Sext => from.sign_extend(a) as u64,
        Op::Zext => a & from.mask(),
        Op::Trunc | Op::Bitcast => a,
        Op::IntToFloat => {
            let k = from.sign_extend(a);
            if to == Type::F64 { (k as f64).to_bits() } else { (k as f32).to_bits().into() }
        }
        Op::FloatToInt => {
            let x = float(from, a);
            // Rust's conversion saturates; the machine's answer for what does not fit is the minimum.
            let (low, high) = if to == Type::I64 {
                (i64::MIN as f64, -(i64::MIN as f64))
            } else {
                (f64::from(i32::MIN) - 1.0, 2_147_483_648.0)
            };
            let fits = if to == Type::I64 { x >= low && x < high } else { x > low && x < high };
            if fits {
                x as i64 as u64
            } else if to == Type::I64 {
                i64::MIN as u64
            } else {
                i32::MIN as u32 as u64
            }
        }
        Op::FloatCvt => {
            if from == to {
                a
            } else if to == Type::F64 {
                f64::from(f32::from_bits(a as u32)).to_bits()
            } else {
                (f64::from_bits(a) as f32).to_bits().into()
            }
        }
        _ => return None,
    };
    Some(out & to.mask())
}

/// The value of a float's bits, widened.
pub(crate) fn float(ty: Type, bits: u64) -> f64 {
    if ty == Type::F64 { f64::from_bits(bits) } else { f32::from_bits(bits as u32).into() }
}

fn float_binary(op: Op, ty: Type, a: u64, b: u64) -> u64 {
    if ty == Type::F64 {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let out = match op {
            Op::Fadd => x + y,
            Op::Fsub => x - y,
            Op::Fmul => x * y,
            _ => x / y,
        };
        out.to_bits()
    } else {
        let (x, y) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
        let out = match op {
            Op::Fadd => x + y,
            Op::Fsub => x - y,
            Op::Fmul => x * y,
            _ => x / y,
        };
        out.to_bits().into()
    }
}

fn float_unary(op: Op, ty: Type, a: u64) -> Option<u64> {
    let sign = 1u64 << (ty.bits() - 1);
    match op {
        Op::Fneg => return Some((a ^ sign) & ty.mask()),
        Op::Fabs => return Some(a & !sign & ty.mask()),
        _ => {}
    }
    macro_rules! apply {
        ($x:expr) => {
            match op {
                Op::Fsqrt => $x.sqrt(),
                Op::Ffloor => $x.floor(),
                Op::Fceil => $x.ceil(),
                Op::Ftrunc => $x.trunc(),
                Op::Fnearest => $x.round_ties_even(),
                _ => return None,
            }
        };
    }
    Some(if ty == Type::F64 {
        let x = f64::from_bits(a);
        apply!(x).to_bits()
    } else {
        let x = f32::from_bits(a as u32);
        u64::from(apply!(x).to_bits())
    })
}
