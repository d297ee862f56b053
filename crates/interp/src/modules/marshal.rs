//! `marshal`: plain data as bytes.
//!
//! The format of data is CPython's; code objects are in the format of this interpreter's own instructions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use cinder_bytecode::format;
use cinder_pyobj::codecs::errors::Errors;
use cinder_pyobj::codecs::utf8;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{complex, dict, exc, float, int, list, set, slice, str as text, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use num_bigint::{BigInt, Sign};

use crate::objects::code::{self, CodeObject};

const VERSION: i64 = 5;
const MAX_DEPTH: usize = 2000;
const FLAG_REF: u8 = 0x80;

/// Where objects are written.
struct Writer {
    out: Vec<u8>,
    version: i64,
    allow_code: bool,
    /// The numbers of objects that may be met again, with the objects to keep them alive.
    seen: HashMap<u64, (u32, Obj)>,
    /// Objects being written that cannot be read while they refer to themselves.
    open: Vec<u64>,
}

impl Writer {
    fn new(version: i64, allow_code: bool) -> Writer {
        Writer { out: Vec::new(), version, allow_code, seen: HashMap::new(), open: Vec::new() }
    }

    fn len(&mut self, cx: &Ctx, n: usize) -> PyResult<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.out.extend_from_slice(&n.to_le_bytes());
                Ok(())
            }
            Err(_) => Err(cx.value_error("unmarshallable object")),
        }
    }

    fn items(&mut self, cx: &Ctx, code: u8, items: &[Obj], depth: usize, extra: u32) -> PyResult<()> {
        self.out.push(code);
        self.len(cx, items.len())?;
        items.iter().try_for_each(|i| self.write(cx, i, depth, extra))
    }

    /// Refers to an object written before, or notes a new one. The result is the bit of the type code that says
    /// that it may be referred to; nothing if it is done with.
    fn reference(&mut self, cx: &Ctx, o: &Obj, extra: u32) -> PyResult<Option<u8>> {
        // What nobody else refers to cannot be met again.
        if self.version < 3 || !o.value().is_ptr() || o.ref_count() <= 1 + extra {
            return Ok(Some(0));
        }
        if let Some((n, _)) = self.seen.get(&o.id()) {
            if self.open.contains(&o.id()) {
                return Err(cx.value_error("unmarshallable object"));
            }
            self.out.push(b'r');
            self.out.extend_from_slice(&n.to_le_bytes());
            return Ok(None);
        }
        let n = self.seen.len() as u32;
        self.seen.insert(o.id(), (n, o.clone()));
        Ok(Some(FLAG_REF))
    }

    /// Writes one object, to which the writer itself holds `extra` references.
    fn write(&mut self, cx: &Ctx, o: &Obj, depth: usize, extra: u32) -> PyResult<()> {
        if depth >= MAX_DEPTH {
            return Err(cx.value_error("object too deeply nested to marshal"));
        }
        cx.check_stack(" while marshalling")?;
        if o.is_none() {
            self.out.push(b'N');
        } else if o.is(&Obj::from_bool(true)) {
            self.out.push(b'T');
        } else if o.is(&Obj::from_bool(false)) {
            self.out.push(b'F');
        } else if o.is(&Obj::ellipsis()) {
            self.out.push(b'.');
        } else if o.is(&exc::StopIteration().as_obj()) {
            self.out.push(b'S');
        } else if let Some(flag) = self.reference(cx, o, extra)? {
            return self.complex_object(cx, o, flag, depth + 1);
        }
        Ok(())
    }

    fn complex_object(&mut self, cx: &Ctx, o: &Obj, flag: u8, depth: usize) -> PyResult<()> {
        let ty = o.type_of();
        let exact = !ty.is_heap_type();
        if exact && int::is_int(o) {
            self.int(o, flag);
        } else if exact && let Some(f) = float::as_f64(o) {
            if self.version > 1 {
                self.out.push(b'g' | flag);
                self.out.extend_from_slice(&f.to_le_bytes());
            } else {
                self.out.push(b'f' | flag);
                self.text_float(f);
            }
        } else if exact && let Some(c) = complex::as_complex(o) {
            if self.version > 1 {
                self.out.push(b'y' | flag);
                self.out.extend_from_slice(&c.re.to_le_bytes());
                self.out.extend_from_slice(&c.im.to_le_bytes());
            } else {
                self.out.push(b'x' | flag);
                self.text_float(c.re);
                self.text_float(c.im);
            }
        } else if exact && let Some(s) = o.downcast::<Str>() {
            let interned = s.is_interned() && self.version >= 3;
            if self.version >= 4 && s.is_ascii() {
                if s.len() < 256 {
                    self.out.push(flag | if interned { b'Z' } else { b'z' });
                    self.out.push(s.len() as u8);
                } else {
                    self.out.push(flag | if interned { b'A' } else { b'a' });
                    self.len(cx, s.len())?;
                }
                self.out.extend_from_slice(s.as_str_lossy().as_bytes());
            } else {
                let b = utf8::encode(cx, o, s, &Errors::new("surrogatepass"))?;
                self.out.push(flag | if interned { b't' } else { b'u' });
                self.len(cx, b.len())?;
                self.out.extend_from_slice(&b);
            }
        } else if exact && let Some(b) = bytes::as_bytes(o) {
            self.out.push(b's' | flag);
            self.len(cx, b.len())?;
            self.out.extend_from_slice(b);
        } else if let Some(v) = tuple::items_if_exact_tuple(o) {
            match u8::try_from(v.len()) {
                Ok(n) if self.version >= 4 => {
                    self.out.extend_from_slice(&[b')' | flag, n]);
                    return v.iter().try_for_each(|i| self.write(cx, i, depth, 0));
                }
                _ => return self.items(cx, b'(' | flag, v, depth, 0),
            }
        } else if exact && let Some(l) = list::as_list(o) {
            return self.items(cx, b'[' | flag, &l.snapshot(), depth, 1);
        } else if exact && let Some(pairs) = dict::items_if_dict(o) {
            self.out.push(b'{' | flag);
            for (k, v) in &pairs {
                self.write(cx, k, depth, 1)?;
                self.write(cx, v, depth, 1)?;
            }
            self.out.push(b'0');
        } else if exact && let Some(s) = set::as_set(o) {
            let frozen = &*ty.name() == "frozenset";
            // Equal sets give equal bytes: their elements are ordered by what they are written as.
            let mut parts = Vec::new();
            for e in s.snapshot() {
                let mut w = Writer::new(self.version, self.allow_code);
                w.write(cx, &e, depth, u32::MAX - 1)?;
                parts.push((w.out, e));
            }
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            let elements: Vec<Obj> = parts.into_iter().map(|p| p.1).collect();
            if s.len() != elements.len() {
                return Err(cx.runtime_error("set changed size during iteration"));
            }
            return self.items(cx, flag | if frozen { b'>' } else { b'<' }, &elements, depth, 1);
        } else if let Some(c) = o.downcast::<CodeObject>() {
            if !self.allow_code {
                return Err(cx.value_error("marshalling code objects is disallowed"));
            }
            if !c.is_plain() {
                return Err(cx.value_error("unmarshallable object"));
            }
            let b = format::serialize(&c.code);
            self.out.push(b'c' | flag);
            self.len(cx, b.len())?;
            self.out.extend_from_slice(&b);
        } else if &*ty.name() == "slice" {
            if self.version < 5 {
                return Err(cx.value_error("unmarshallable object"));
            }
            self.out.push(b':' | flag);
            self.open.push(o.id());
            for name in [intern!("start"), intern!("stop"), intern!("step")] {
                let part = o.get_attr(cx, name)?;
                self.write(cx, &part, depth, 1)?;
            }
            self.open.pop();
        } else {
            let data = BytesLike::new(cx, o).map_err(|r| {
                drop(cx.take(r));
                cx.value_error("unmarshallable object")
            })?;
            let b = data.to_vec();
            self.out.push(b's' | flag);
            self.len(cx, b.len())?;
            self.out.extend_from_slice(&b);
        }
        Ok(())
    }

    fn text_float(&mut self, f: f64) {
        let t = float::text::repr(f);
        self.out.push(t.len() as u8);
        self.out.extend_from_slice(t.as_bytes());
    }

    fn int(&mut self, o: &Obj, flag: u8) {
        if let Some(n) = int::as_i64(o).and_then(|n| i32::try_from(n).ok()) {
            self.out.push(b'i' | flag);
            self.out.extend_from_slice(&n.to_le_bytes());
            return;
        }
        let n = int::to_bigint(o).unwrap_or_default();
        let mut parts = Vec::new();
        let (mut low, mut bits) = (0u64, 0);
        // Digits of 15 bits.
        for d in n.magnitude().iter_u32_digits() {
            low |= u64::from(d) << bits;
            bits += 32;
            while bits >= 15 {
                parts.push((low & 0x7fff) as u16);
                low >>= 15;
                bits -= 15;
            }
        }
        parts.push(low as u16);
        while parts.last() == Some(&0) {
            parts.pop();
        }
        let count = parts.len() as i32;
        self.out.push(b'l' | flag);
        self.out.extend_from_slice(&(if n.sign() == Sign::Minus { -count } else { count }).to_le_bytes());
        parts.iter().for_each(|p| self.out.extend_from_slice(&p.to_le_bytes()));
    }
}

struct Reader<'a> {
    cx: &'a Ctx,
    data: &'a [u8],
    at: usize,
    /// Read from a file instead, as far as the value reaches.
    file: Option<&'a Obj>,
    refs: Vec<Option<Obj>>,
    allow_code: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> PyResult<Cow<'a, [u8]>> {
        if let Some(f) = self.file {
            return self.take_from_file(f, n).map(Cow::Owned);
        }
        match self.data.get(self.at..).and_then(|d| d.get(..n)) {
            Some(b) => {
                self.at += n;
                Ok(Cow::Borrowed(b))
            }
            None => Err(self.cx.raise(exc::EOFError(), "marshal data too short")),
        }
    }

    fn take_from_file(&self, file: &Obj, n: usize) -> PyResult<Vec<u8>> {
        let cx = self.cx;
        if n == 0 {
            return Ok(Vec::new());
        }
        // A size that the data claims is not believed before the data is there.
        let mut got = Vec::new();
        while got.len() < n {
            let want = (n - got.len()).min(1 << 20);
            let room = bytes::new_bytearray(vec![0; want]);
            let r = file.call_method(cx, intern!("readinto"), std::slice::from_ref(&room))?.to_i64(cx)?;
            if r < 0 || r as usize > want {
                return Err(
                    cx.value_error(format!("read() returned too much data: {want} bytes requested, {r} returned"))
                );
            }
            if r == 0 {
                return Err(cx.raise(exc::EOFError(), "EOF read where not expected"));
            }
            BytesLike::new(cx, &room)?.with(|b| got.extend_from_slice(&b[..r as usize]));
        }
        Ok(got)
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
        match std::str::from_utf8(&b).ok().and_then(|s| s.parse().ok()) {
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
        if depth >= MAX_DEPTH {
            return Err(cx.value_error("recursion limit exceeded"));
        }
        cx.check_stack(" while unmarshalling")?;
        cx.step()?;
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
                if n == i32::MIN {
                    return Err(cx.value_error("bad marshal data (long size out of range)"));
                }
                for _ in 0..n.unsigned_abs() {
                    let b = self.take(2)?;
                    let p = u16::from_le_bytes([b[0], b[1]]);
                    if p > 0x7fff {
                        return Err(cx.value_error("bad marshal data (digit out of range in long)"));
                    }
                    parts.push(p);
                }
                if parts.last() == Some(&0) {
                    return Err(cx.value_error("bad marshal data (unnormalized long data)"));
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
            c @ (b'z' | b'Z') => {
                let n = self.byte()? as usize;
                interned(text::from_latin1(&self.take(n)?), c == b'Z')
            }
            c @ (b'a' | b'A') => {
                let n = self.len()?;
                interned(text::from_latin1(&self.take(n)?), c == b'A')
            }
            c @ (b'u' | b't') => {
                let n = self.len()?;
                let b = self.take(n)?;
                interned(utf8::decode(cx, &b, &Errors::new("surrogatepass"), true)?.text, c == b't')
            }
            b's' => {
                let n = self.len()?;
                bytes::new(&self.take(n)?)
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
            b'<' => {
                let n = self.len()?;
                let s = set::new();
                if let Some(i) = slot {
                    self.refs[i] = Some(s.clone());
                }
                for _ in 0..n {
                    let x = self.some(d)?;
                    set::add(cx, &s, &x)?;
                }
                s
            }
            b'>' => {
                let n = self.len()?;
                let items = list::new(self.many(n, d)?);
                set::frozen_from_iterable(cx, &items)?
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
                match format::deserialize(&self.take(n)?) {
                    // The interpreter trusts code, and these bytes are anybody's.
                    Ok(c) => match cinder_bytecode::verify(&c) {
                        Ok(()) => code::new(cx, Arc::new(c))?,
                        Err(e) => return Err(cx.value_error(format!("bad marshal data ({e})"))),
                    },
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

/// The one str of a text, if it was written as such.
fn interned(o: Obj, yes: bool) -> Obj {
    if yes { Name::intern_obj(&o).obj() } else { o }
}

fn dump(cx: &Ctx, value: &Obj, version: i64, allow_code: bool) -> PyResult<Vec<u8>> {
    let mut w = Writer::new(version, allow_code);
    w.write(cx, value, 0, 0)?;
    Ok(w.out)
}

/// Values as bytes in the format of .pyc files, which may change with every version of Python.
#[pymodule(name = "marshal")]
pub(crate) mod marshal {
    use super::*;

    /// The value as bytes.
    #[pyfunction(sig = "(value, version=5, /, *, allow_code=True)")]
    fn dumps(cx: &Ctx, value: &Obj, version: i64, allow_code: bool) -> PyResult {
        cx.audit("marshal.dumps", || [value.clone(), Obj::from(version)])?;
        Ok(bytes::new(&super::dump(cx, value, version, allow_code)?))
    }

    /// Writes a value into a file opened for binary writing.
    #[pyfunction(sig = "(value, file, version=5, /, *, allow_code=True)")]
    fn dump(cx: &Ctx, value: &Obj, file: &Obj, version: i64, allow_code: bool) -> PyResult {
        cx.audit("marshal.dumps", || [value.clone(), Obj::from(version)])?;
        let b = super::dump(cx, value, version, allow_code)?;
        file.call_method(cx, intern!("write"), &[bytes::new(&b)])
    }

    /// The value that bytes stand for; what follows it is ignored.
    #[pyfunction(sig = "(bytes, /, *, allow_code=True)")]
    fn loads(cx: &Ctx, bytes: &Obj, allow_code: bool) -> PyResult {
        cx.audit("marshal.loads", || [bytes.clone()])?;
        let data = BytesLike::new(cx, bytes)?.to_vec();
        Reader { cx, data: &data, at: 0, file: None, refs: Vec::new(), allow_code }.some(0)
    }

    /// Reads one value from a file opened for binary reading.
    #[pyfunction(sig = "(file, /, *, allow_code=True)")]
    fn load(cx: &Ctx, file: &Obj, allow_code: bool) -> PyResult {
        (cx.host().audit)(cx, "marshal.load", &[])?;
        let probe = file.call_method(cx, intern!("read"), &[Obj::from(0)])?;
        if bytes::as_bytes(&probe).is_none() {
            return Err(cx.type_error(format!("file.read() returned not bytes but {}", probe.type_of().name())));
        }
        Reader { cx, data: &[], at: 0, file: Some(file), refs: Vec::new(), allow_code }.some(0)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("version"), &Obj::from(VERSION))
    }
}
