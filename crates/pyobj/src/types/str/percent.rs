//! `%` formatting of text and bytes.
//!
//! Bytes templates run through the same code as Latin-1 text.

use std::borrow::Cow;

use rustpython_literal::format::Case;

use super::{Str, StrBuilder, StrData, Unit};
use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::protocol::buffer::Buffer;
use crate::types::tuple::Tuple;
use crate::types::{exc, int};
use crate::value::Obj;

/// What a template is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `str % args`
    Text,
    /// `bytes % args`
    Bytes,
}

#[derive(Default, Clone, Copy)]
struct Flags {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
}

struct Spec {
    flags: Flags,
    width: Option<usize>,
    precision: Option<usize>,
    code: u32,
    /// Where the conversion character stands, for messages.
    at: usize,
}

impl Spec {
    /// Nothing but the conversion character was given.
    fn is_plain(&self) -> bool {
        let f = &self.flags;
        self.width.is_none() && self.precision.is_none() && !(f.left | f.plus | f.blank | f.alternate | f.zero)
    }
}

struct Percent<'a> {
    cx: &'a Ctx,
    kind: Kind,
    template: StrData<'a>,
    at: usize,
    out: StrBuilder,
    /// The arguments: the items of a tuple, or one value.
    args: Cow<'a, [Obj]>,
    next: usize,
    /// The right operand where it is a mapping.
    mapping: Option<Obj>,
}

/// `template % args`, as units (of bytes for [`Kind::Bytes`]).
pub fn format(cx: &Ctx, template: StrData<'_>, args: &Obj, kind: Kind) -> PyResult<StrBuilder> {
    let tuple = args.downcast::<Tuple>();
    let is_text = args.downcast::<Str>().is_some();
    let is_bytes = kind == Kind::Bytes
        && (args.downcast::<crate::types::bytes::Bytes>().is_some()
            || args.downcast::<crate::types::bytes::ByteArray>().is_some());
    let is_mapping = tuple.is_none() && !is_text && !is_bytes && args.type_of().slots.getitem.get().is_some();
    let mut p = Percent {
        cx,
        kind,
        template,
        at: 0,
        out: StrBuilder::with_capacity(cx, template.len() + 16, 0x7f)?,
        args: Cow::Borrowed(tuple.map_or(std::slice::from_ref(args), Tuple::as_slice)),
        next: 0,
        mapping: if is_mapping { Some(args.clone()) } else { None },
    };
    p.run()?;
    if p.next < p.args.len() && p.mapping.is_none() {
        return Err(cx.type_error(match kind {
            Kind::Text => "not all arguments converted during string formatting",
            Kind::Bytes => "not all arguments converted during bytes formatting",
        }));
    }
    Ok(p.out)
}

const PERCENT: u32 = '%' as u32;

impl Percent<'_> {
    fn run(&mut self) -> PyResult<()> {
        let n = self.template.len();
        while self.at < n {
            let start = self.at;
            crate::with_units!(self.template, u => {
                let rest = &u[start..];
                let literal = Unit::find(rest, Unit::narrow(PERCENT)).unwrap_or(rest.len());
                self.out.push_units(&rest[..literal]);
                self.at += literal;
            });
            if self.at < n {
                self.at += 1;
                if self.at < n && self.template.at(self.at) == PERCENT {
                    self.at += 1;
                    self.out.push(PERCENT);
                } else {
                    let spec = self.spec()?;
                    self.one(&spec)?;
                }
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        if self.at < self.template.len() {
            char::from_u32(self.template.at(self.at)).or(Some(char::REPLACEMENT_CHARACTER))
        } else {
            None
        }
    }

    fn argument(&mut self) -> PyResult {
        match self.args.get(self.next) {
            Some(a) => {
                self.next += 1;
                Ok(a.clone())
            }
            None => Err(self.cx.type_error("not enough arguments for format string")),
        }
    }

    fn spec(&mut self) -> PyResult<Spec> {
        let cx = self.cx;
        if self.peek() == Some('(') {
            self.key()?;
        }
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '-' => flags.left = true,
                '+' => flags.plus = true,
                ' ' => flags.blank = true,
                '#' => flags.alternate = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        let width = match self.number("width too big")? {
            Some(isize::MIN) => return Err(self.cx.overflow_error("width too big")),
            Some(w) if w < 0 => {
                flags.left = true;
                Some(w.unsigned_abs())
            }
            w => w.map(|w| w as usize),
        };
        let mut precision = None;
        if self.peek() == Some('.') {
            self.at += 1;
            let too_big = if self.kind == Kind::Text { "precision too big" } else { "prec too big" };
            precision = Some(self.number(too_big)?.unwrap_or(0).max(0) as usize);
        }
        if let Some('h' | 'l' | 'L') = self.peek() {
            self.at += 1;
        }
        if self.at >= self.template.len() {
            return Err(cx.value_error("incomplete format"));
        }
        let at = self.at;
        self.at += 1;
        Ok(Spec { flags, width, precision, code: self.template.at(at), at })
    }

    /// `(key)`: the value under the key becomes the only argument.
    fn key(&mut self) -> PyResult<()> {
        let cx = self.cx;
        let Some(mapping) = self.mapping.clone() else { return Err(cx.type_error("format requires a mapping")) };
        let start = self.at + 1;
        let mut depth = 0;
        loop {
            match self.peek() {
                None => return Err(cx.value_error("incomplete format key")),
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        let (from, to) = (start, self.at - 1);
        let key = match (self.kind, self.template) {
            (Kind::Bytes, StrData::Latin1(u)) => crate::types::bytes::new(&u[from..to]),
            (_, t) => crate::with_units!(t, u => super::from_units(&u[from..to])),
        };
        self.args = Cow::Owned(vec![mapping.get_item(cx, &key)?]);
        self.next = 0;
        Ok(())
    }

    /// A number in the template, or `*`.
    fn number(&mut self, too_big: &str) -> PyResult<Option<isize>> {
        let cx = self.cx;
        if self.peek() == Some('*') {
            self.at += 1;
            let v = self.argument()?;
            if !int::is_int(&v) {
                return Err(cx.type_error("* wants int"));
            }
            // Widths are sizes, precisions are C ints.
            let kind = if too_big.starts_with('w') { "ssize_t" } else { "int" };
            let fits = |n: &i64| kind == "ssize_t" || i32::try_from(*n).is_ok();
            let n = int::as_i64(&v).filter(fits);
            let n = n.ok_or_else(|| cx.overflow_error(format!("Python int too large to convert to C {kind}")))?;
            return Ok(Some(n as isize));
        }
        let mut n: Option<isize> = None;
        while let Some(d) = self.peek().and_then(|c| c.to_digit(10)) {
            match n.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(d as isize)) {
                Some(v) if too_big.starts_with('w') || v <= i32::MAX as isize => n = Some(v),
                _ => return Err(cx.value_error(too_big)),
            }
            self.at += 1;
        }
        Ok(n)
    }

    fn one(&mut self, spec: &Spec) -> PyResult<()> {
        let cx = self.cx;
        let code = char::from_u32(spec.code).unwrap_or('\0');
        // A missing argument is reported before an unknown conversion.
        let v = self.argument()?;
        if spec.is_plain() && self.kind == Kind::Text {
            // What most templates ask for goes straight to the output.
            match (code, v.as_int()) {
                ('d', Some(n)) => {
                    self.out.push_str(int::small_digits(n, &mut [0; 20]));
                    return Ok(());
                }
                ('s', _) => {
                    self.out.push_obj(&v.str(cx)?);
                    return Ok(());
                }
                _ => {}
            }
        }
        match code {
            's' | 'r' | 'a' | 'b' if code != 'b' || self.kind == Kind::Bytes => {
                let text = self.text_of(&v, code)?;
                self.emit_text(spec, &text)
            }
            'c' => {
                let c = self.char_of(&v)?;
                let mut b = StrBuilder::new();
                b.push(c);
                self.emit_padded(spec, "", "", &b, false)
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.int(spec, &v, code),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => self.float(spec, &v, code),
            _ => {
                let shown = if (32..127).contains(&spec.code) { code } else { '?' };
                Err(cx.value_error(format!(
                    "unsupported format character '{shown}' (0x{:x}) at index {}",
                    spec.code, spec.at
                )))
            }
        }
    }

    fn text_of(&self, v: &Obj, code: char) -> PyResult<StrBuilder> {
        let cx = self.cx;
        let mut b = StrBuilder::new();
        match (self.kind, code) {
            (Kind::Bytes, 's' | 'b') => b.push_units(&bytes_of(cx, v)?[..]),
            (_, 's') => b.push_obj(&v.str(cx)?),
            (Kind::Text, 'r') => b.push_obj(&v.repr(cx)?),
            _ => b.push_obj(&v.ascii(cx)?),
        }
        Ok(b)
    }

    fn emit_text(&mut self, spec: &Spec, text: &StrBuilder) -> PyResult<()> {
        if let Some(p) = spec.precision
            && p < text.len()
        {
            let mut cut = StrBuilder::new();
            crate::with_units!(text.data(), u => cut.push_units(&u[..p]));
            return self.emit_padded(spec, "", "", &cut, false);
        }
        self.emit_padded(spec, "", "", text, false)
    }

    /// Sign, prefix and body in their field. Zeros go between prefix and body.
    fn emit_padded(&mut self, spec: &Spec, sign: &str, prefix: &str, body: &StrBuilder, zeros: bool) -> PyResult<()> {
        let len = sign.len() + prefix.len() + body.len();
        let missing = spec.width.unwrap_or(0).saturating_sub(len);
        if missing > 1 << 16 {
            // A wide field is checked for memory before it is written.
            drop(StrBuilder::with_capacity(self.cx, (self.out.len() + len).saturating_add(missing), 0xff)?);
        }
        let left = spec.flags.left;
        if !left && !zeros {
            self.out.push_repeat(' ' as u32, missing);
        }
        self.out.push_str(sign);
        self.out.push_str(prefix);
        if !left && zeros {
            self.out.push_repeat('0' as u32, missing);
        }
        crate::with_units!(body.data(), u => self.out.push_units(u));
        if left {
            self.out.push_repeat(' ' as u32, missing);
        }
        Ok(())
    }

    fn sign(&self, spec: &Spec, negative: bool) -> &'static str {
        match spec.flags {
            _ if negative => "-",
            Flags { plus: true, .. } => "+",
            Flags { blank: true, .. } => " ",
            _ => "",
        }
    }

    fn int(&mut self, spec: &Spec, v: &Obj, code: char) -> PyResult<()> {
        let cx = self.cx;
        let n = self.integer(v, code)?;
        let Some(operand) = int::Operand::of(&n) else { return Err(cx.type_error("an integer is required")) };
        let negative = operand.neg;
        let radix = match code {
            'o' => 8,
            'x' | 'X' => 16,
            _ => 10,
        };
        let mut digits = if radix == 10 {
            // This conversion enforces the limit on decimal digits.
            int::checked_decimal(cx, operand.mag())?
        } else {
            int::magnitude_to_string(operand.mag(), radix)
        };
        if let Some(p) = spec.precision
            && p > digits.len()
        {
            if p > i32::MAX as usize - 3 {
                return Err(cx.overflow_error("precision too large"));
            }
            let missing = p - digits.len();
            let mut padded = String::new();
            if padded.try_reserve_exact(p).is_err() {
                return Err(cx.no_memory());
            }
            padded.extend(std::iter::repeat_n('0', missing));
            padded.push_str(&digits);
            digits = padded;
        }
        let prefix = match code {
            'o' if spec.flags.alternate => "0o",
            'x' if spec.flags.alternate => "0x",
            'X' if spec.flags.alternate => "0X",
            _ => "",
        };
        if code == 'X' {
            digits.make_ascii_uppercase();
        }
        let mut body = StrBuilder::new();
        body.push_str(&digits);
        let sign = self.sign(spec, negative);
        self.emit_padded(spec, sign, prefix, &body, spec.flags.zero)
    }

    fn integer(&self, v: &Obj, code: char) -> PyResult {
        let cx = self.cx;
        if int::is_int(v) {
            return Ok(v.clone());
        }
        let hex = matches!(code, 'o' | 'x' | 'X');
        let slots = &v.type_of().slots;
        let convertible = slots.index.get().is_some() || (!hex && (slots.int.get().is_some() || v.is_float()));
        let r = if !convertible {
            None
        } else if hex {
            Some(v.index(cx))
        } else {
            Some(<int::Int as crate::native::PyClass>::type_object().as_obj().call1(cx, v))
        };
        match r {
            Some(Ok(n)) => return Ok(n),
            Some(Err(r)) => cx.swallow(r, exc::TypeError())?,
            None => {}
        }
        let what = if hex { "an integer" } else { "a real number" };
        Err(cx.type_error(format!("%{code} format: {what} is required, not {}", v.type_of().name())))
    }

    fn float(&mut self, spec: &Spec, v: &Obj, code: char) -> PyResult<()> {
        use rustpython_literal::float::{format_exponent, format_fixed, format_general};
        let cx = self.cx;
        let f = match crate::protocol::number::to_f64(cx, v) {
            Ok(f) => f,
            Err(r) if self.kind == Kind::Bytes => {
                cx.swallow(r, exc::TypeError())?;
                return Err(cx.type_error(format!("float argument required, not {}", v.type_of().name())));
            }
            Err(r) => return Err(r),
        };
        let precision = spec.precision.unwrap_or(6);
        if precision > 1 << 24 {
            drop(StrBuilder::with_capacity(cx, precision, 0x7f)?);
        }
        let case = if code.is_ascii_uppercase() { Case::Upper } else { Case::Lower };
        let (magnitude, alternate) = (f.abs(), spec.flags.alternate);
        let text = match code.to_ascii_lowercase() {
            'e' => format_exponent(precision, magnitude, case, alternate),
            'f' => format_fixed(precision, magnitude, case, alternate),
            _ => format_general(precision.max(1), magnitude, case, alternate, false),
        };
        let mut body = StrBuilder::new();
        body.push_str(&text);
        let sign = self.sign(spec, f.is_sign_negative() && !f.is_nan());
        self.emit_padded(spec, sign, "", &body, spec.flags.zero)
    }

    fn char_of(&self, v: &Obj) -> PyResult<u32> {
        let cx = self.cx;
        if self.kind == Kind::Bytes {
            return byte_of(cx, v);
        }
        if let Some(s) = v.downcast::<Str>() {
            return match (s.len(), s.get(0)) {
                (1, Some(c)) => Ok(c),
                (n, _) => {
                    Err(cx.type_error(format!("%c requires an int or a unicode character, not a string of length {n}")))
                }
            };
        }
        if !v.is_int() && v.type_of().slots.index.get().is_none() {
            return Err(
                cx.type_error(format!("%c requires an int or a unicode character, not {}", v.type_of().full_name()))
            );
        }
        match int::as_i64(&v.index(cx)?).and_then(|c| u32::try_from(c).ok()).filter(|c| *c <= 0x10_ffff) {
            Some(c) => Ok(c),
            None => Err(cx.overflow_error("%c arg not in range(0x110000)")),
        }
    }
}

fn byte_of(cx: &Ctx, v: &Obj) -> PyResult<u32> {
    use crate::types::bytes::{ByteArray, Bytes};
    let wrong = |kind: &str, n: usize| {
        Err(cx.type_error(format!(
            "%c requires an integer in range(256) or a single byte, not a {kind} object of length {n}"
        )))
    };
    if let Some(b) = v.downcast::<Bytes>() {
        return match b.as_slice() {
            [c] => Ok(*c as u32),
            b => wrong("bytes", b.len()),
        };
    }
    if let Some(b) = v.downcast::<ByteArray>() {
        return match (b.len(), b.get(0)) {
            (1, Some(c)) => Ok(c as u32),
            (n, _) => wrong("bytearray", n),
        };
    }
    if v.is_int() || v.type_of().slots.index.get().is_some() {
        return match int::as_i64(&v.index(cx)?) {
            Some(c @ 0..256) => Ok(c as u32),
            _ => Err(cx.overflow_error("%c arg not in range(256)")),
        };
    }
    Err(cx
        .type_error(format!("%c requires an integer in range(256) or a single byte, not {}", v.type_of().full_name())))
}

fn bytes_of(cx: &Ctx, v: &Obj) -> PyResult<Vec<u8>> {
    if let Some(b) = v.downcast::<crate::types::bytes::Bytes>() {
        return Ok(b.as_slice().to_vec());
    }
    if let Some(f) = v.lookup_special(cx, intern!("__bytes__"))? {
        let r = f.call0(cx)?;
        return match r.downcast::<crate::types::bytes::Bytes>() {
            Some(b) => Ok(b.as_slice().to_vec()),
            None => Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.type_of().name()))),
        };
    }
    if Buffer::is_exporter(v) {
        return Ok(Buffer::get(cx, v, crate::protocol::buffer::BufferFlags::FULL_RO)?.to_vec());
    }
    Err(cx.type_error(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        v.type_of().name()
    )))
}
