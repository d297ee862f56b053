//! `binascii`: bytes as text of several kinds, and check sums.

use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// Malformed data.
#[pyclass(name = "Error", module = "binascii", base = exc::markers::ValueError, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Error;

/// Data that ends too early.
#[pyclass(name = "Incomplete", module = "binascii", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Incomplete;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(Error::class().type_object(), message)
}

/// The bytes of a bytes-like object, or of ASCII text.
fn ascii_data(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    if let Some(s) = o.downcast::<Str>() {
        return match s.as_str() {
            Some(t) if t.is_ascii() => Ok(t.as_bytes().to_vec()),
            _ => Err(cx.value_error("string argument should contain only ASCII characters")),
        };
    }
    if !bytes::args::is_bytes_like(o) {
        return Err(
            cx.type_error(format!("argument should be bytes, buffer or ASCII string, not '{}'", o.type_of().name()))
        );
    }
    Ok(BytesLike::new(cx, o)?.to_vec())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_value(c: u8) -> Option<u8> {
    Some(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

fn decode_base64(cx: &Ctx, b: &[u8], strict: bool) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(b.len() / 4 * 3 + 3);
    let (mut quad, mut left, mut pads) = (0u8, 0u8, 0u8);
    for (i, &c) in b.iter().enumerate() {
        if c == b'=' {
            if quad >= 2 {
                pads += 1;
            }
            if strict {
                if i == 0 {
                    return Err(raise(cx, "Leading padding not allowed"));
                }
                if quad == 0 || (quad >= 2 && quad + pads > 4) {
                    return Err(raise(cx, "Excess padding not allowed"));
                }
            }
            continue;
        }
        let Some(v) = base64_value(c) else {
            if strict {
                return Err(raise(cx, "Only base64 data is allowed"));
            }
            continue;
        };
        if strict && pads > 0 {
            let complete = quad + pads == 4;
            return Err(raise(
                cx,
                if complete { "Excess data after padding" } else { "Discontinuous padding not allowed" },
            ));
        }
        pads = 0;
        match quad {
            0 => left = v,
            1 => {
                out.push(left << 2 | v >> 4);
                left = v & 15;
            }
            2 => {
                out.push(left << 4 | v >> 2);
                left = v & 3;
            }
            _ => out.push(left << 6 | v),
        }
        quad = (quad + 1) & 3;
    }
    match quad {
        0 => Ok(out),
        1 => Err(raise(
            cx,
            format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                out.len() / 3 * 4 + 1
            ),
        )),
        _ if quad + pads >= 4 => Ok(out),
        _ => Err(raise(cx, "Incorrect padding")),
    }
}

fn encode_base64(b: &[u8], newline: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(b.len().div_ceil(3) * 4 + 1);
    for chunk in b.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, c| w << 8 | *c as u32) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            out.push(if k <= chunk.len() { BASE64[(word >> (18 - 6 * k) & 63) as usize] } else { b'=' });
        }
    }
    if newline {
        out.push(b'\n');
    }
    out
}

fn hex_value(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|d| d as u8)
}

fn decode_uu(cx: &Ctx, b: &[u8]) -> PyResult<Vec<u8>> {
    if b.is_empty() {
        return Err(raise(cx, "Missing length byte"));
    }
    let mut it = b.iter().copied();
    let len = it.next().map_or(0, |c| c.wrapping_sub(b' ') & 63) as usize;
    let mut out = Vec::with_capacity(len);
    let (mut bits, mut word) = (0u32, 0u32);
    while out.len() < len {
        let c = match it.next() {
            // A short line is filled up with zeros: some encoders leave out trailing blanks.
            None | Some(b'\n' | b'\r') => 0,
            Some(c @ 32..=96) => (c - b' ') & 63,
            Some(_) => return Err(raise(cx, "Illegal char")),
        };
        word = word << 6 | c as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    if it.any(|c| !matches!(c, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(raise(cx, "Trailing garbage"));
    }
    Ok(out)
}

fn encode_uu(b: &[u8], backtick: bool) -> Vec<u8> {
    let digit = |v: u8| if backtick && v == 0 { b'`' } else { v + b' ' };
    let mut out = vec![digit(b.len() as u8)];
    for chunk in b.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, c| w << 8 | *c as u32) << (8 * (3 - chunk.len()));
        out.extend((0..4).map(|k| digit((word >> (18 - 6 * k) & 63) as u8)));
    }
    out.push(b'\n');
    out
}

fn decode_qp(b: &[u8], header: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(b.len());
    let mut i = 0;
    while i < b.len() {
        match b[i] {
            b'=' => match (b.get(i + 1), b.get(i + 2)) {
                (None, _) => break,
                (Some(b'\n' | b'\r'), _) => {
                    // A soft line break reaches to the end of the line.
                    i = b[i..].iter().position(|c| *c == b'\n').map_or(b.len(), |n| i + n + 1);
                }
                (Some(b'='), _) => {
                    out.push(b'=');
                    i += 2;
                }
                (Some(&h), Some(&l)) if hex_value(h).is_some() && hex_value(l).is_some() => {
                    out.push(hex_value(h).unwrap_or(0) << 4 | hex_value(l).unwrap_or(0));
                    i += 3;
                }
                _ => {
                    out.push(b'=');
                    i += 1;
                }
            },
            b'_' if header => {
                out.push(b' ');
                i += 1;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}

fn encode_qp(b: &[u8], quotetabs: bool, istext: bool, header: bool) -> Vec<u8> {
    const LINE: usize = 76;
    let hex = |out: &mut Vec<u8>, c: u8| out.extend(format!("={c:02X}").bytes());
    let crlf = b.iter().position(|c| *c == b'\n').is_some_and(|n| n > 0 && b[n - 1] == b'\r');
    let mut out = Vec::with_capacity(b.len());
    let mut line = 0usize;
    let soft = |out: &mut Vec<u8>| out.extend(if crlf { &b"=\r\n"[..] } else { b"=\n" });
    let mut i = 0;
    while i < b.len() {
        let c = b[i];
        let next = b.get(i + 1).copied();
        let at_line_end = next.is_none_or(|n| matches!(n, b'\n' | b'\r' | 0));
        let quote = c > 126
            || c == b'='
            || (header && c == b'_')
            || (c == b'.' && line == 0 && at_line_end)
            || (!istext && (c == b'\r' || c == b'\n'))
            || ((c == b'\t' || c == b' ') && i + 1 == b.len())
            || (c < 33 && !matches!(c, b'\r' | b'\n' | b'\t' | b' '))
            || (c < 33 && (quotetabs || (c != b' ' && c != b'\t' && c != b'\r' && c != b'\n')))
                && !(istext && (c == b'\r' || c == b'\n'));
        if quote {
            if line + 3 >= LINE {
                soft(&mut out);
                line = 0;
            }
            hex(&mut out, c);
            line += 3;
            i += 1;
        } else if istext && (c == b'\n' || (c == b'\r' && next == Some(b'\n'))) {
            // Blanks before a line end would get lost.
            if let Some(&last @ (b' ' | b'\t')) = out.last() {
                out.pop();
                hex(&mut out, last);
            }
            out.extend(if crlf { &b"\r\n"[..] } else { b"\n" });
            line = 0;
            i += if c == b'\r' { 2 } else { 1 };
        } else {
            if next.is_some_and(|n| n != b'\n') && line + 1 >= LINE {
                soft(&mut out);
                line = 0;
            }
            out.push(if header && c == b' ' { b'_' } else { c });
            line += 1;
            i += 1;
        }
    }
    out
}

const CRC32: [u32; 256] = {
    let mut t = [0u32; 256];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u32;
        let mut k = 0;
        while k < 8 {
            c = if c & 1 != 0 { 0xedb8_8320 ^ c >> 1 } else { c >> 1 };
            k += 1;
        }
        t[i] = c;
        i += 1;
    }
    t
};

/// Continues a CRC-32.
pub(crate) fn crc32(b: &[u8], start: u32) -> u32 {
    !b.iter().fold(!start, |c, x| CRC32[((c ^ *x as u32) & 255) as usize] ^ c >> 8)
}

fn checksum_start(cx: &Ctx, o: Option<&Obj>) -> PyResult<u32> {
    let Some(o) = o else { return Ok(0) };
    let n = o.index(cx)?;
    let big = cinder_pyobj::types::int::to_bigint(&n).unwrap_or_default();
    let low: num_bigint::BigInt = big & num_bigint::BigInt::from(u32::MAX);
    Ok(u32::try_from(low).unwrap_or(0))
}

/// Conversion between binary data and several forms of ASCII text.
#[pymodule(name = "binascii", classes(super::Error, super::Incomplete))]
pub(crate) mod module {
    use super::*;

    /// Decodes a line of base64 data.
    #[pyfunction(sig = "(data, /, *, strict_mode=False)")]
    fn a2b_base64(cx: &Ctx, data: &Obj, strict_mode: bool) -> PyResult {
        Ok(bytes::new(&decode_base64(cx, &ascii_data(cx, data)?, strict_mode)?))
    }

    /// Encodes a line of base64 data.
    #[pyfunction(sig = "(data, /, *, newline=True)")]
    fn b2a_base64(cx: &Ctx, data: &Obj, newline: bool) -> PyResult {
        Ok(bytes::new(&BytesLike::new(cx, data)?.with(|b| encode_base64(b, newline))))
    }

    /// Decodes hexadecimal digits.
    #[pyfunction(sig = "(hexstr, /)")]
    fn a2b_hex(cx: &Ctx, hexstr: &Obj) -> PyResult {
        let b = ascii_data(cx, hexstr)?;
        if b.len() % 2 == 1 {
            return Err(raise(cx, "Odd-length string"));
        }
        let mut out = Vec::with_capacity(b.len() / 2);
        for pair in b.chunks(2) {
            match (hex_value(pair[0]), hex_value(pair[1])) {
                (Some(h), Some(l)) => out.push(h << 4 | l),
                _ => return Err(raise(cx, "Non-hexadecimal digit found")),
            }
        }
        Ok(bytes::new(&out))
    }

    /// Decodes hexadecimal digits.
    #[pyfunction(sig = "(hexstr, /)")]
    fn unhexlify(cx: &Ctx, hexstr: &Obj) -> PyResult {
        a2b_hex(cx, hexstr)
    }

    /// Encodes as hexadecimal digits, optionally with a separator between groups.
    #[pyfunction(sig = "(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn b2a_hex(cx: &Ctx, data: &Obj, sep: Option<&Obj>, bytes_per_sep: isize) -> PyResult {
        let sep = bytes::hex::separator(cx, sep)?;
        Ok(bytes::new(&BytesLike::new(cx, data)?.with(|b| bytes::hex::to_hex(b, sep, bytes_per_sep))))
    }

    /// Encodes as hexadecimal digits, optionally with a separator between groups.
    #[pyfunction(sig = "(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hexlify(cx: &Ctx, data: &Obj, sep: Option<&Obj>, bytes_per_sep: isize) -> PyResult {
        b2a_hex(cx, data, sep, bytes_per_sep)
    }

    /// The bytes of a line in the format of uuencode.
    #[pyfunction(sig = "(data, /)")]
    fn a2b_uu(cx: &Ctx, data: &Obj) -> PyResult {
        Ok(bytes::new(&decode_uu(cx, &ascii_data(cx, data)?)?))
    }

    /// Uuencodes a line of data.
    #[pyfunction(sig = "(data, /, *, backtick=False)")]
    fn b2a_uu(cx: &Ctx, data: &Obj, backtick: bool) -> PyResult {
        let b = BytesLike::new(cx, data)?.to_vec();
        if b.len() > 45 {
            return Err(raise(cx, "At most 45 bytes at once"));
        }
        Ok(bytes::new(&encode_uu(&b, backtick)))
    }

    /// Decodes quoted-printable data.
    #[pyfunction(sig = "(data, header=False)")]
    fn a2b_qp(cx: &Ctx, data: &Obj, header: bool) -> PyResult {
        Ok(bytes::new(&decode_qp(&ascii_data(cx, data)?, header)))
    }

    /// Encodes as quoted-printable data.
    #[pyfunction(sig = "(data, quotetabs=False, istext=True, header=False)")]
    fn b2a_qp(cx: &Ctx, data: &Obj, quotetabs: bool, istext: bool, header: bool) -> PyResult {
        let b = BytesLike::new(cx, data)?.to_vec();
        Ok(bytes::new(&encode_qp(&b, quotetabs, istext, header)))
    }

    /// The CRC-CCITT of data, continued from `crc`.
    #[pyfunction(sig = "(data, crc, /)")]
    fn crc_hqx(cx: &Ctx, data: &Obj, crc: &Obj) -> PyResult<u32> {
        let mut c = checksum_start(cx, Some(crc))? & 0xffff;
        for x in BytesLike::new(cx, data)?.to_vec() {
            c ^= (x as u32) << 8;
            for _ in 0..8 {
                c = if c & 0x8000 != 0 { c << 1 ^ 0x1021 } else { c << 1 } & 0xffff;
            }
        }
        Ok(c)
    }

    /// The CRC-32 of data, continued from `crc`.
    #[pyfunction(name = "crc32", sig = "(data, crc=0, /)")]
    fn py_crc32(cx: &Ctx, data: &Obj, crc: Option<&Obj>) -> PyResult<u32> {
        let start = checksum_start(cx, crc)?;
        Ok(BytesLike::new(cx, data)?.with(|b| crc32(b, start)))
    }
}
