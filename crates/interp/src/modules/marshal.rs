//! `marshal`: plain data as bytes.
//!
//! The format of data is CPython's; code objects are in the format of this interpreter's own instructions.

use std::sync::Arc;

use cinder_bytecode::format;
use cinder_pyobj::codecs::errors::Errors;
use cinder_pyobj::codecs::utf8;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{complex, dict, exc, float, int, list, set, slice, str as text, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use num_bigint::{BigInt, Sign};

use crate::objects::code::{self, CodeObject};

const VERSION: i64 = 5;
const MAX_DEPTH: usize = 2000;
const FLAG_REF: u8 = 0x80;

fn put_len(cx: &Ctx, out: &mut Vec<u8>, n: usize) -> PyResult<()> {
    match i32::try_from(n) {
        Ok(n) => {
            out.extend_from_slice(&n.to_le_bytes());
            Ok(())
        }
        Err(_) => Err(cx.value_error("unmarshallable object")),
    }
}

/// Writes one object.
fn write(cx: &Ctx, out: &mut Vec<u8>, o: &Obj, depth: usize) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(cx.value_error("object too deeply nested to marshal"));
    }
    cx.check_stack(" while marshalling")?;
    let items = |out: &mut Vec<u8>, code: u8, items: &[Obj]| -> PyResult<()> {
        out.push(code);
        put_len(cx, out, items.len())?;
        items.iter().try_for_each(|i| write(cx, out, i, depth + 1))
    };
    let ty = o.type_of();
    if ty.is_heap_type() {
        return Err(cx.value_error("unmarshallable object"));
    }
    if o.is_none() {
        out.push(b'N');
    } else if o.is(&Obj::from_bool(true)) {
        out.push(b'T');
    } else if o.is(&Obj::from_bool(false)) {
        out.push(b'F');
    } else if o.is(&Obj::ellipsis()) {
        out.push(b'.');
    } else if o.is(&exc::StopIteration().as_obj()) {
        out.push(b'S');
    } else if int::is_int(o) {
        match int::as_i64(o).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => {
                out.push(b'i');
                out.extend_from_slice(&n.to_le_bytes());
            }
            None => {
                let n = int::to_bigint(o).unwrap_or_default();
                let sign = n.sign();
                let mut parts = Vec::new();
                let mut m = n.magnitude().clone();
                let mask = num_bigint::BigUint::from(0x7fffu32);
                while m.bits() > 0 {
                    let d = (&m & &mask).iter_u32_digits().next().unwrap_or(0);
                    parts.push(d as u16);
                    m >>= 15;
                }
                out.push(b'l');
                let count = parts.len() as i32;
                out.extend_from_slice(&(if sign == Sign::Minus { -count } else { count }).to_le_bytes());
                parts.iter().for_each(|p| out.extend_from_slice(&p.to_le_bytes()));
            }
        }
    } else if let Some(f) = float::as_f64(o) {
        out.push(b'g');
        out.extend_from_slice(&f.to_le_bytes());
    } else if let Some(c) = complex::as_complex(o) {
        out.push(b'y');
        out.extend_from_slice(&c.re.to_le_bytes());
        out.extend_from_slice(&c.im.to_le_bytes());
    } else if let Some(s) = o.downcast::<Str>() {
        if s.is_ascii() && s.len() < 256 {
            out.push(if s.is_interned() { b'Z' } else { b'z' });
            out.push(s.len() as u8);
            out.extend_from_slice(s.as_str_lossy().as_bytes());
        } else {
            let b = utf8::encode(cx, o, s, &Errors::new("surrogatepass"))?;
            out.push(if s.is_interned() { b't' } else { b'u' });
            put_len(cx, out, b.len())?;
            out.extend_from_slice(&b);
        }
    } else if let Some(b) = bytes::as_bytes(o) {
        out.push(b's');
        put_len(cx, out, b.len())?;
        out.extend_from_slice(b);
    } else if let Some(v) = tuple::items_if_exact_tuple(o) {
        if let Ok(n) = u8::try_from(v.len()) {
            out.extend_from_slice(&[b')', n]);
            return v.iter().try_for_each(|i| write(cx, out, i, depth + 1));
        }
        return items(out, b'(', v);
    } else if let Some(l) = list::as_list(o) {
        return items(out, b'[', &l.snapshot());
    } else if let Some(pairs) = dict::items_if_dict(o) {
        out.push(b'{');
        for (k, v) in &pairs {
            write(cx, out, k, depth + 1)?;
            write(cx, out, v, depth + 1)?;
        }
        out.push(b'0');
    } else if let Some(s) = set::as_set(o) {
        let code = if &*ty.name() == "frozenset" { b'>' } else { b'<' };
        // Equal sets give equal bytes: their elements are ordered by what they are written as.
        let mut parts = Vec::new();
        for e in s.snapshot() {
            let mut b = Vec::new();
            write(cx, &mut b, &e, depth + 1)?;
            parts.push(b);
        }
        parts.sort();
        out.push(code);
        put_len(cx, out, parts.len())?;
        parts.iter().for_each(|p| out.extend_from_slice(p));
    } else if let Some(c) = o.downcast::<CodeObject>() {
        let b = format::serialize(&c.code);
        out.push(b'c');
        put_len(cx, out, b.len())?;
        out.extend_from_slice(&b);
    } else if &*ty.name() == "slice" {
        out.push(b':');
        for name in [intern!("start"), intern!("stop"), intern!("step")] {
            write(cx, out, &o.get_attr(cx, name)?, depth + 1)?;
        }
    } else {
        let data = BytesLike::new(cx, o).map_err(|r| {
            drop(cx.take(r));
            cx.value_error("unmarshallable object")
        })?;
        let b = data.to_vec();
        out.push(b's');
        put_len(cx, out, b.len())?;
        out.extend_from_slice(&b);
    }
    Ok(())
}

struct Reader<'a> {
    cx: &'a Ctx,
    data: &'a [u8],
    at: usize,
    refs: Vec<Option<Obj>>,
    allow_code: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> PyResult<&'a [u8]> {
        match self.data.get(self.at..).and_then(|d| d.get(..n)) {
            Some(b) => {
                self.at += n;
                Ok(b)
            }
            None => Err(self.cx.raise(exc::EOFError(), "marshal data too short")),
        }
    }

    fn byte(&mut self) -> PyResult<u8> {
        Ok(self.take(1)?[0])
    }

    fn i32(&mut self) -> PyResult<i32> {
        let b = self.take(4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn len(&mut self) -> PyResult<usize> {
        let n = self.i32()?;
        usize::try_from(n).map_err(|_| self.cx.value_error("bad marshal data (size out of range)"))
    }

    fn f64(&mut self) -> PyResult<f64> {
        let b = self.take(8)?;
        Ok(f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
    }

    fn text_float(&mut self) -> PyResult<f64> {
        let n = self.byte()? as usize;
        let b = self.take(n)?;
        match std::str::from_utf8(b).ok().and_then(|s| s.parse().ok()) {
            Some(f) => Ok(f),
            None => Err(self.cx.value_error("bad marshal data (float)")),
        }
    }

    fn many(&mut self, n: usize, depth: usize) -> PyResult<Vec<Obj>> {
        let mut v = Vec::with_capacity(n.min(1 << 16));
        for _ in 0..n {
            v.push(self.some(depth)?);
        }
        Ok(v)
    }

    fn some(&mut self, depth: usize) -> PyResult {
        match self.object(depth)? {
            Some(o) => Ok(o),
            None => Err(self.cx.type_error("NULL object in marshal data for object")),
        }
    }

    /// Reads an object; nothing for the end of a dict.
    fn object(&mut self, depth: usize) -> PyResult<Option<Obj>> {
        let cx = self.cx;
        if depth > MAX_DEPTH {
            return Err(cx.value_error("recursion limit exceeded"));
        }
        cx.check_stack(" while unmarshalling")?;
        let code = match self.byte() {
            Ok(c) => c,
            Err(r) => {
                drop(cx.take(r));
                return Err(cx.raise(exc::EOFError(), "EOF read where object expected"));
            }
        };
        let slot = (code & FLAG_REF != 0).then(|| {
            self.refs.push(None);
            self.refs.len() - 1
        });
        let d = depth + 1;
        let o = match code & !FLAG_REF {
            b'0' => return Ok(None),
            b'N' => Obj::none(),
            b'T' => Obj::from_bool(true),
            b'F' => Obj::from_bool(false),
            b'.' => Obj::ellipsis(),
            b'S' => exc::StopIteration().as_obj(),
            b'i' => Obj::from(i64::from(self.i32()?)),
            b'I' => {
                let b = self.take(8)?;
                Obj::from(i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            }
            b'l' => {
                let n = self.i32()?;
                let mut m = num_bigint::BigUint::default();
                let mut parts = Vec::new();
                for _ in 0..n.unsigned_abs() {
                    let b = self.take(2)?;
                    let p = u16::from_le_bytes([b[0], b[1]]);
                    if p > 0x7fff {
                        return Err(cx.value_error("bad marshal data (digit out of range in long)"));
                    }
                    parts.push(p);
                }
                for p in parts.iter().rev() {
                    m = (m << 15) | num_bigint::BigUint::from(*p);
                }
                int::from_bigint(BigInt::from_biguint(if n < 0 { Sign::Minus } else { Sign::Plus }, m))
            }
            b'g' => Obj::from(self.f64()?),
            b'f' => Obj::from(self.text_float()?),
            b'y' => {
                let (re, im) = (self.f64()?, self.f64()?);
                complex::new(complex::Complex::new(re, im))
            }
            b'x' => {
                let (re, im) = (self.text_float()?, self.text_float()?);
                complex::new(complex::Complex::new(re, im))
            }
            b'z' | b'Z' => {
                let n = self.byte()? as usize;
                text::from_latin1(self.take(n)?)
            }
            b'a' | b'A' => {
                let n = self.len()?;
                text::from_latin1(self.take(n)?)
            }
            b'u' | b't' => {
                let n = self.len()?;
                let b = self.take(n)?;
                utf8::decode(cx, b, &Errors::new("surrogatepass"), true)?.text
            }
            b's' => {
                let n = self.len()?;
                bytes::new(self.take(n)?)
            }
            b')' => {
                let n = self.byte()? as usize;
                tuple::new(self.many(n, d)?)
            }
            b'(' => {
                let n = self.len()?;
                tuple::new(self.many(n, d)?)
            }
            b'[' => {
                let n = self.len()?;
                let l = list::empty();
                if let Some(i) = slot {
                    self.refs[i] = Some(l.clone());
                }
                for _ in 0..n {
                    let x = self.some(d)?;
                    if let Some(v) = list::as_list(&l) {
                        v.append(cx, x)?;
                    }
                }
                l
            }
            b'{' => {
                let m = dict::new();
                if let Some(i) = slot {
                    self.refs[i] = Some(m.clone());
                }
                while let Some(k) = self.object(d)? {
                    let Some(v) = self.object(d)? else { break };
                    dict::set(cx, &m, &k, &v)?;
                }
                m
            }
            c @ (b'<' | b'>') => {
                let n = self.len()?;
                let items = list::new(self.many(n, d)?);
                if c == b'>' { set::frozen_from_iterable(cx, &items)? } else { set::from_iterable(cx, &items)? }
            }
            b':' => {
                let (a, b, c) = (self.some(d)?, self.some(d)?, self.some(d)?);
                slice::new(a, b, c)
            }
            b'r' => {
                let n = self.len()?;
                return match self.refs.get(n).cloned().flatten() {
                    Some(o) => Ok(Some(o)),
                    None => Err(cx.value_error("bad marshal data (invalid reference)")),
                };
            }
            b'c' => {
                if !self.allow_code {
                    return Err(cx.value_error("unmarshalling code objects is disallowed"));
                }
                let n = self.len()?;
                match format::deserialize(self.take(n)?) {
                    Ok(c) => code::new(cx, Arc::new(c))?,
                    Err(e) => return Err(cx.value_error(format!("bad marshal data ({e})"))),
                }
            }
            _ => return Err(cx.value_error("bad marshal data (unknown type code)")),
        };
        if let Some(i) = slot
            && let Some(r) = self.refs.get_mut(i)
        {
            *r = Some(o.clone());
        }
        Ok(Some(o))
    }
}

fn dump(cx: &Ctx, value: &Obj, allow_code: bool) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    write(cx, &mut out, value, 0)?;
    if !allow_code && value.downcast::<CodeObject>().is_some() {
        return Err(cx.value_error("marshalling code objects is disallowed"));
    }
    Ok(out)
}

/// This module contains functions that can read and write Python values in a binary format.
#[pymodule(name = "marshal")]
pub(crate) mod marshal {
    use super::*;

    /// Return the bytes object that would be written to a file by dump(value, file).
    #[pyfunction(sig = "(value, version=5, /, *, allow_code=True)")]
    fn dumps(cx: &Ctx, value: &Obj, version: i64, allow_code: bool) -> PyResult {
        let _ = version;
        Ok(bytes::new(&super::dump(cx, value, allow_code)?))
    }

    /// Write the value on the open file.
    #[pyfunction(sig = "(value, file, version=5, /, *, allow_code=True)")]
    fn dump(cx: &Ctx, value: &Obj, file: &Obj, version: i64, allow_code: bool) -> PyResult {
        let _ = version;
        let b = super::dump(cx, value, allow_code)?;
        file.call_method(cx, intern!("write"), &[bytes::new(&b)])
    }

    /// Convert the bytes-like object to a value. Extra bytes in the input are ignored.
    #[pyfunction(sig = "(bytes, /, *, allow_code=True)")]
    fn loads(cx: &Ctx, bytes: &Obj, allow_code: bool) -> PyResult {
        let data = BytesLike::new(cx, bytes)?.to_vec();
        Reader { cx, data: &data, at: 0, refs: Vec::new(), allow_code }.some(0)
    }

    /// Read one value from the open file and return it.
    #[pyfunction(sig = "(file, /, *, allow_code=True)")]
    fn load(cx: &Ctx, file: &Obj, allow_code: bool) -> PyResult {
        let start = file.call_method(cx, intern!("tell"), &[]);
        let all = file.call_method(cx, intern!("read"), &[])?;
        let data = BytesLike::new(cx, &all)?.to_vec();
        let mut r = Reader { cx, data: &data, at: 0, refs: Vec::new(), allow_code };
        let o = r.some(0)?;
        match start {
            // The file goes on behind the value.
            Ok(s) => {
                let to = s.to_i64(cx)? + r.at as i64;
                drop(file.call_method(cx, intern!("seek"), &[Obj::from(to)])?);
            }
            Err(r) => drop(cx.take(r)),
        }
        Ok(o)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("version"), &Obj::from(VERSION))
    }
}
