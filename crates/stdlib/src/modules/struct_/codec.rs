//! Packing and unpacking of values.

use cinder_pyobj::protocol::pack::{self, PackError};
use cinder_pyobj::types::bytes;
use cinder_pyobj::types::complex::{self, Complex};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::format::{Field, Layout};
use super::raise;

/// The values in `b`, which is as long as the layout.
pub(super) fn unpack(l: &Layout, b: &[u8]) -> Vec<Obj> {
    let mut out = Vec::with_capacity(l.values);
    for f in &l.fields {
        for k in 0..f.repeat {
            let at = f.offset + k * f.size;
            let item = b.get(at..at + f.size).unwrap_or(&[]);
            out.push(match f.code {
                b's' => bytes::new(item),
                b'p' => match item {
                    [n, rest @ ..] => bytes::new(&rest[..rest.len().min(*n as usize)]),
                    [] => bytes::new(&[]),
                },
                b'F' | b'D' => {
                    let half = f.size / 2;
                    let part = if f.code == b'F' { b'f' } else { b'd' };
                    let number = |b: &[u8]| {
                        let v = pack::unpack(part, b, l.little);
                        v.as_float().unwrap_or_else(|| boxed_float(part, b, l.little))
                    };
                    complex::new(Complex { re: number(&item[..half]), im: number(&item[half..]) })
                }
                c => pack::unpack(c, item, l.little),
            });
        }
    }
    out
}

/// A float that does not fit a tagged word.
fn boxed_float(code: u8, b: &[u8], little: bool) -> f64 {
    let mut word = [0u8; 8];
    for (i, w) in word.iter_mut().take(b.len()).enumerate() {
        *w = b[if little { i } else { b.len() - 1 - i }];
    }
    if code == b'f' {
        f32::from_le_bytes([word[0], word[1], word[2], word[3]]) as f64
    } else {
        f64::from_le_bytes(word)
    }
}

/// Packs values; there are as many as the layout wants.
pub(super) fn pack_all(cx: &Ctx, l: &Layout, values: &[Obj]) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    if out.try_reserve_exact(l.size).is_err() {
        return Err(cx.no_memory());
    }
    out.resize(l.size, 0u8);
    let mut values = values.iter();
    for f in &l.fields {
        for k in 0..f.repeat {
            let Some(v) = values.next() else { return Ok(out) };
            let at = f.offset + k * f.size;
            let Some(item) = out.get_mut(at..at + f.size) else { continue };
            one(cx, f, v, item, l.little)?;
        }
    }
    Ok(out)
}

fn one(cx: &Ctx, f: &Field, v: &Obj, item: &mut [u8], little: bool) -> PyResult<()> {
    match f.code {
        b's' | b'p' => {
            let data = match (bytes::as_bytes(v), v.downcast::<bytes::ByteArray>()) {
                (Some(b), _) => b.to_vec(),
                (_, Some(b)) => b.to_vec(),
                _ => return Err(raise(cx, &format!("argument for '{}' must be a bytes object", f.code as char))),
            };
            if f.code == b's' {
                let n = data.len().min(item.len());
                item[..n].copy_from_slice(&data[..n]);
            } else if let [len, rest @ ..] = item {
                let n = data.len().min(rest.len());
                rest[..n].copy_from_slice(&data[..n]);
                *len = n.min(255) as u8;
            }
            return Ok(());
        }
        b'F' | b'D' => {
            let z = match complex::to_complex(cx, v) {
                Ok(z) => z,
                Err(r) => {
                    cx.swallow(r, cinder_pyobj::types::exc::TypeError())?;
                    return Err(raise(cx, "required argument is not a complex"));
                }
            };
            let (code, half) = (if f.code == b'F' { b'f' } else { b'd' }, f.size / 2);
            let (re, im) = item.split_at_mut(half);
            scalar(cx, code, &Obj::from(z.re), re, little)?;
            return scalar(cx, code, &Obj::from(z.im), im, little);
        }
        _ => {}
    }
    scalar(cx, f.code, v, item, little)
}

fn scalar(cx: &Ctx, code: u8, v: &Obj, item: &mut [u8], little: bool) -> PyResult<()> {
    let bits = 8 * item.len() as u32;
    match pack::pack(cx, code, v, item, little) {
        Ok(()) => Ok(()),
        Err(PackError::Raised(r)) => Err(r),
        Err(PackError::Type) => Err(raise(
            cx,
            match code {
                b'c' => "char format requires a bytes object of length 1",
                b'e' | b'f' | b'd' => "required argument is not a float",
                _ => "required argument is not an integer",
            },
        )),
        Err(PackError::Range) if code == b'c' => Err(raise(cx, "char format requires a bytes object of length 1")),
        Err(PackError::Range) => {
            let (low, high) = if pack::is_signed(code) {
                (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
            } else {
                (0, (1i128 << bits) - 1)
            };
            Err(raise(cx, &format!("'{}' format requires {low} <= number <= {high}", code as char)))
        }
    }
}
