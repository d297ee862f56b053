//! Single items of `struct` formats: numbers to bytes and back.

use num_bigint::{BigInt, Sign};

use crate::ctx::{Ctx, Raised};
use crate::types::{bytes, exc, int};
use crate::value::Obj;

/// Bytes of an item with a native format code.
pub fn native_size(code: u8) -> Option<usize> {
    Some(match code {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'P' | b'd' => 8,
        _ => return None,
    })
}

/// Why an object could not be packed.
pub enum PackError {
    /// It has the wrong type.
    Type,
    /// It is out of the range of the format.
    Range,
    /// Another exception is pending.
    Raised(Raised),
}

impl From<Raised> for PackError {
    fn from(r: Raised) -> PackError {
        PackError::Raised(r)
    }
}

/// Whether integers of the format are signed.
pub fn is_signed(code: u8) -> bool {
    matches!(code, b'b' | b'h' | b'i' | b'l' | b'q' | b'n')
}

/// The value of an item. `b` holds exactly the bytes of the item.
pub fn unpack(code: u8, b: &[u8], little: bool) -> Obj {
    let mut word = [0u8; 8];
    let n = b.len().min(8);
    if little {
        word[..n].copy_from_slice(&b[..n]);
    } else {
        for (w, c) in word.iter_mut().zip(b.iter().rev()) {
            *w = *c;
        }
    }
    let u = u64::from_le_bytes(word);
    match code {
        b'c' => bytes::new(b),
        b'?' => Obj::from_bool(b.iter().any(|c| *c != 0)),
        b'e' => Obj::from(half_to_f64(u as u16)),
        b'f' => Obj::from(f32::from_bits(u as u32) as f64),
        b'd' => Obj::from(f64::from_bits(u)),
        _ if is_signed(code) => {
            let shift = 64 - 8 * n as u32;
            Obj::from((u << shift) as i64 >> shift)
        }
        _ => Obj::from(u),
    }
}

/// Writes an object as an item into `out`, which has the item's length.
///
/// # Errors
/// See [`PackError`].
pub fn pack(cx: &Ctx, code: u8, v: &Obj, out: &mut [u8], little: bool) -> Result<(), PackError> {
    let n = out.len();
    let word: u64 = match code {
        b'c' => match bytes::as_bytes(v) {
            Some([c]) => *c as u64,
            Some(_) => return Err(PackError::Range),
            None => return Err(PackError::Type),
        },
        b'?' => v.truthy(cx)? as u64,
        b'e' | b'f' | b'd' => {
            let f = number(cx, v)?;
            match code {
                b'e' => f64_to_half(f).ok_or_else(|| too_large(cx, 'e'))? as u64,
                b'f' => {
                    let x = f as f32;
                    if x.is_infinite() && !f.is_infinite() {
                        return Err(too_large(cx, 'f').into());
                    }
                    x.to_bits() as u64
                }
                _ => f.to_bits(),
            }
        }
        _ => integer(cx, code, v, n)?,
    };
    let le = word.to_le_bytes();
    for (i, o) in out.iter_mut().enumerate() {
        *o = le.get(if little { i } else { n - 1 - i }).copied().unwrap_or(0);
    }
    Ok(())
}

fn too_large(cx: &Ctx, code: char) -> Raised {
    cx.overflow_error(format!("float too large to pack with {code} format"))
}

fn number(cx: &Ctx, v: &Obj) -> Result<f64, PackError> {
    if let Some(f) = v.as_float() {
        return Ok(f);
    }
    match crate::protocol::number::to_f64(cx, v) {
        Ok(f) => Ok(f),
        Err(r) => {
            cx.swallow(r, exc::TypeError())?;
            Err(PackError::Type)
        }
    }
}

fn integer(cx: &Ctx, code: u8, v: &Obj, n: usize) -> Result<u64, PackError> {
    if !v.is_int() && v.type_of().slots.index.get().is_none() {
        return Err(PackError::Type);
    }
    let i = v.index(cx)?;
    let bits = 8 * n as u32;
    if let Some(x) = int::as_i64(&i) {
        let fits = if is_signed(code) {
            bits == 64 || (x >= -(1 << (bits - 1)) && x < 1 << (bits - 1))
        } else {
            x >= 0 && (bits == 64 || x < 1 << bits)
        };
        // A pointer takes negative addresses, too.
        return if fits || code == b'P' { Ok(x as u64) } else { Err(PackError::Range) };
    }
    let big: BigInt = int::to_bigint(&i).ok_or(PackError::Type)?;
    if bits == 64 && !is_signed(code) && big.sign() == Sign::Plus {
        return u64::try_from(big).map_err(|_| PackError::Range);
    }
    Err(PackError::Range)
}

/// The number in the bits of an IEEE 754 half.
pub fn half_to_f64(h: u16) -> f64 {
    let sign = if h & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exp, frac) = ((h >> 10 & 31) as i32, (h & 0x3ff) as f64);
    match exp {
        0 => sign * frac * 2f64.powi(-24),
        31 if frac == 0.0 => sign * f64::INFINITY,
        31 => f64::from_bits((h as u64 & 0x8000) << 48 | 0x7ff0 << 48 | (h as u64 & 0x3ff) << 42),
        _ => sign * (1.0 + frac / 1024.0) * 2f64.powi(exp - 15),
    }
}

/// The bits of the nearest IEEE 754 half (ties to even); nothing if a finite number is too large.
pub fn f64_to_half(f: f64) -> Option<u16> {
    let sign = (f.to_bits() >> 48) as u16 & 0x8000;
    if f.is_nan() {
        let frac = (f.to_bits() >> 42) as u16 & 0x3ff;
        return Some(sign | 0x7c00 | if frac == 0 { 0x200 } else { frac });
    }
    if f.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let a = f.abs();
    if a < 2f64.powi(-14) {
        // Scaling by a power of two is exact, so one rounding remains.
        return Some(sign | (a * 2f64.powi(24)).round_ties_even() as u16);
    }
    let exp = ((a.to_bits() >> 52) as i32 & 0x7ff) - 1023;
    let mut frac = (a / 2f64.powi(exp) * 1024.0).round_ties_even() as i32;
    let mut e = exp + 15;
    if frac == 2048 {
        frac = 1024;
        e += 1;
    }
    if e >= 31 {
        return None;
    }
    Some(sign | (e as u16) << 10 | (frac - 1024) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_trip() {
        for h in 0..=u16::MAX {
            let f = half_to_f64(h);
            assert_eq!(f64_to_half(f), Some(h), "{h:#x}");
        }
        assert_eq!(f64_to_half(65520.0), None);
        assert_eq!(f64_to_half(65519.0), Some(0x7bff));
        assert_eq!(f64_to_half(2f64.powi(-25)), Some(0));
    }
}
