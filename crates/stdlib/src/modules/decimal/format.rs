//! `Decimal.__format__`: the format specification mini-language for decimal numbers.

use cinder_pyobj::types::str::{Str, StrBuilder, as_utf8_lossy};
use cinder_pyobj::types::{bytes, dict};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::arith::rescale;
use super::coeff::NoMemory;
use super::context::Context;
use super::number::{Kind, Num};
use super::round::{Env, Rounding};

/// A parsed specification.
struct Spec {
    fill: u32,
    /// One of `<`, `>`, `^`, `=`.
    align: char,
    sign: char,
    no_negative_zero: bool,
    alternate: bool,
    /// Zeros fill the width between sign and digits.
    zeros: bool,
    width: usize,
    /// The separator of the digits before the point.
    grouping: Option<char>,
    /// The separator of the digits after the point.
    fraction_grouping: Option<char>,
    precision: Option<i64>,
    kind: Option<char>,
}

/// What a locale says about numbers.
struct Locale {
    point: String,
    separator: String,
    /// Group sizes from the right; the last one recurs unless the list ends with `u8::MAX`.
    groups: Vec<u8>,
}

#[cold]
fn invalid(cx: &Ctx) -> Raised {
    cx.value_error("invalid format string")
}

struct Reader<'a> {
    s: &'a Str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.s.get(self.at).and_then(char::from_u32)
    }

    fn accept(&mut self, set: &[u8]) -> Option<char> {
        let c = self.peek().filter(|c| c.is_ascii() && set.contains(&(*c as u8)))?;
        self.at += 1;
        Some(c)
    }

    fn number(&mut self) -> Result<Option<i64>, ()> {
        let mut n: Option<i64> = None;
        while let Some(c) = self.accept(b"0123456789") {
            let next = n.unwrap_or(0) * 10 + i64::from(c as u8 - b'0');
            if next > i64::from(i32::MAX) {
                return Err(());
            }
            n = Some(next);
        }
        Ok(n)
    }
}

/// Reads a specification; nothing if it is none.
fn parse(s: &Str) -> Option<Spec> {
    let mut r = Reader { s, at: 0 };
    let mut spec = Spec {
        fill: ' ' as u32,
        align: '>',
        sign: '-',
        no_negative_zero: false,
        alternate: false,
        zeros: false,
        width: 0,
        grouping: None,
        fraction_grouping: None,
        precision: None,
        kind: None,
    };
    let align_at = |i: usize| s.get(i).and_then(char::from_u32).filter(|c| "<>=^".contains(*c));
    let mut aligned = true;
    if let Some(a) = align_at(1) {
        spec.fill = s.get(0)?;
        spec.align = a;
        r.at = 2;
    } else if let Some(a) = align_at(0) {
        spec.align = a;
        r.at = 1;
    } else {
        aligned = false;
    }
    spec.sign = r.accept(b"+- ").unwrap_or('-');
    spec.no_negative_zero = r.accept(b"z").is_some();
    spec.alternate = r.accept(b"#").is_some();
    if r.accept(b"0").is_some() {
        if aligned {
            return None;
        }
        (spec.zeros, spec.fill, spec.align) = (true, '0' as u32, '=');
    }
    spec.width = r.number().ok()?.unwrap_or(0) as usize;
    spec.grouping = r.accept(b",_");
    if r.accept(b".").is_some() {
        spec.precision = r.number().ok()?;
        spec.fraction_grouping = r.accept(b",_");
        if spec.precision.is_none() && spec.fraction_grouping.is_none() {
            return None;
        }
    }
    spec.kind = r.accept(b"eEfFgGnN%");
    if r.at != s.len() || (matches!(spec.kind, Some('n' | 'N')) && spec.grouping.is_some()) {
        return None;
    }
    Some(spec)
}

/// The locale that an argument overrides, or the one of the process for type `n`, or none.
fn locale(cx: &Ctx, spec: &Spec, given: Option<&Obj>) -> PyResult<Locale> {
    let separator = spec.grouping.map_or(String::new(), String::from);
    let mut l = Locale { point: ".".into(), groups: if separator.is_empty() { vec![] } else { vec![3] }, separator };
    let given = match given {
        Some(o) if dict::as_dict(o).is_none() => return Err(cx.type_error("optional argument must be a dict")),
        Some(o) => Some(o.clone()),
        None if matches!(spec.kind, Some('n' | 'N')) => {
            Some((cx.host().import)(cx, "_locale")?.call_method(cx, cinder_pyobj::intern!("localeconv"), &[])?)
        }
        None => None,
    };
    let Some(d) = given else { return Ok(l) };
    let text = |key: &str| -> PyResult<Option<Obj>> { dict::get(cx, &d, &Obj::from(key)) };
    if let Some(p) = text("decimal_point")? {
        l.point = as_utf8_lossy(&p).into_owned();
    }
    if let Some(s) = text("thousands_sep")? {
        l.separator = as_utf8_lossy(&s).into_owned();
    }
    if let Some(g) = text("grouping")? {
        l.groups = group_sizes(cx, &g)?;
    }
    if l.point.chars().count() != 1 || l.separator.chars().count() > 1 {
        return Err(cx.value_error("invalid override dict"));
    }
    Ok(l)
}

/// Group sizes from a str or bytes of character codes, or a list of ints as `localeconv` has it.
fn group_sizes(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    let mut sizes = Vec::new();
    if let Some(b) = bytes::as_bytes(o) {
        sizes.extend_from_slice(b);
    } else if let Some(s) = o.downcast::<Str>() {
        for c in s.code_points() {
            match u8::try_from(c).ok().filter(u8::is_ascii) {
                Some(n) => sizes.push(n),
                None => return Err(cx.value_error("invalid override dict")),
            }
        }
    } else if let Some(l) = cinder_pyobj::types::list::as_list(o) {
        for n in l.snapshot() {
            sizes.push(n.to_i64(cx)?.clamp(0, 127) as u8);
        }
    } else {
        return Err(cx.type_error("bad argument type for built-in operation"));
    }
    if let Some(end) = sizes.iter().position(|n| *n == 127 || *n == 0) {
        // Zero repeats the group before, which is what the last one does anyway; 127 ends grouping.
        let stops = sizes[end] == 127;
        sizes.truncate(end);
        if stops {
            sizes.push(u8::MAX);
        }
    }
    Ok(sizes)
}

/// The digits with separators, and zeros in front so that all takes at least `width`.
fn group(digits: &str, l: &Locale, width: usize) -> String {
    if l.separator.is_empty() || l.groups.is_empty() {
        return format!("{digits:0>width$}");
    }
    let mut groups: Vec<String> = Vec::new();
    let mut rest = digits.as_bytes();
    let mut width = width as isize;
    let mut sizes = l.groups.iter().copied().chain(std::iter::repeat(*l.groups.last().unwrap_or(&3)));
    while let Some(size) = sizes.next() {
        let size = if size == u8::MAX { usize::MAX } else { usize::from(size) };
        let wanted = rest.len().max(width.max(1) as usize).min(size);
        let (more, taken) = rest.split_at(rest.len() - wanted.min(rest.len()));
        let zeros = wanted - taken.len();
        groups.push("0".repeat(zeros) + &String::from_utf8_lossy(taken));
        width -= wanted as isize;
        rest = more;
        if rest.is_empty() && width <= 0 {
            break;
        }
        width -= 1;
    }
    groups.reverse();
    groups.join(&l.separator)
}

/// The number rounded to so many significant digits.
fn round_digits(n: &Num, digits: i64, rounding: Rounding) -> Num {
    let mut status = 0;
    Env { rounding, ..Env::working(digits) }.round(n.clone(), &mut status)
}

/// `str.format`'s view of a number.
pub(super) fn format(cx: &Ctx, n: &Num, spec: &Str, context: &Context, given: Option<&Obj>) -> PyResult {
    let Some(mut spec) = parse(spec) else { return Err(invalid(cx)) };
    let l = locale(cx, &spec, given)?;
    let kind = match spec.kind {
        Some('n') => 'g',
        Some('N') => {
            let message = "Format specifier 'N' is deprecated and slated for removal in Python 3.18";
            (cx.host().warn)(cx, cinder_pyobj::types::exc::DeprecationWarning(), message, 1)?;
            'G'
        }
        Some(k) => k,
        None if context.capitals.get() => 'G',
        None => 'g',
    };
    let mut neg = n.neg;
    let body = match n.kind {
        Kind::Finite => {
            let (zero, body) = finite(cx, n, &spec, kind, context.env().rounding, &l)?;
            neg &= !(spec.no_negative_zero && zero);
            body
        }
        _ => {
            let style = super::text::Style { engineering: false, capitals: true };
            let mut t = String::from_utf8_lossy(&super::text::write(&n.abs(), style)).into_owned();
            if kind == '%' {
                t.push('%');
            }
            if spec.zeros {
                // Zeros before a name would be nonsense.
                (spec.fill, spec.align) = (' ' as u32, '>');
            }
            Body { digits: String::new(), rest: t }
        }
    };
    let sign = match spec.sign {
        _ if neg => "-",
        '+' => "+",
        ' ' => " ",
        _ => "",
    };
    let mut digits = body.digits;
    if !digits.is_empty() {
        let around = sign.len() + body.rest.chars().count();
        let least = if spec.zeros { spec.width.saturating_sub(around) } else { 0 };
        if Vec::<u8>::new().try_reserve_exact(least).is_err() {
            return Err(cx.no_memory());
        }
        digits = group(&digits, &l, least);
    }
    lay_out(cx, &spec, sign, &(digits + &body.rest))
}

/// Digits before the point, and everything after them.
struct Body {
    digits: String,
    rest: String,
}

/// The text of a finite number's magnitude, and whether it shows as zero.
fn finite(cx: &Ctx, n: &Num, spec: &Spec, kind: char, rounding: Rounding, l: &Locale) -> PyResult<(bool, Body)> {
    let memory = |NoMemory| cx.no_memory();
    let lower = kind.to_ascii_lowercase();
    let fixed = matches!(lower, 'f' | '%');
    let mut n = n.clone();
    if kind == '%' {
        n.exp = n.exp.saturating_add(2);
    }
    let mut precision = spec.precision;
    if precision == Some(0) && lower == 'g' {
        precision = Some(1);
    }
    if let Some(p) = precision {
        n = match lower {
            'e' if !n.coeff.is_zero() => {
                // Zeros fill up what there is.
                let r = round_digits(&n, p + 1, rounding);
                let lacks = (p + 1 - r.digits()).max(0);
                Num::finite(r.neg, r.coeff.shift_left(lacks as u64).map_err(memory)?, r.exp - lacks)
            }
            'g' if n.digits() > p => round_digits(&n, p, rounding),
            _ if fixed => rescale(&n, -p, rounding).map_err(memory)?.0,
            _ => n,
        };
    }
    if n.coeff.is_zero() && n.exp > 0 && fixed {
        n.exp = 0;
    }
    let mut int = Vec::new();
    n.coeff.push_digits(&mut int);
    let int = String::from_utf8_lossy(&int).into_owned();
    let len = int.len() as i64;
    let left = n.exp.saturating_add(len);
    let zero = n.coeff.is_zero();
    let point = match (lower, precision) {
        ('e', Some(p)) if zero => 1 - p,
        ('e', _) => 1,
        _ if fixed => left,
        _ if n.exp <= 0 && left > -6 => left,
        _ => 1,
    };
    if point.unsigned_abs() > super::coeff::MAX_DIGITS {
        return Err(cx.no_memory());
    }
    let (digits, mut fraction) = if point < 0 {
        ("0".to_owned(), "0".repeat(point.unsigned_abs() as usize) + &int)
    } else if point > len {
        (int + &"0".repeat((point - len) as usize), String::new())
    } else {
        let (a, b) = int.split_at(point as usize);
        (if a.is_empty() { "0".to_owned() } else { a.to_owned() }, b.to_owned())
    };
    if let Some(c) = spec.fraction_grouping {
        let groups: Vec<_> = fraction.as_bytes().chunks(3).map(String::from_utf8_lossy).collect();
        fraction = groups.join(&c.to_string());
    }
    let mut rest = String::new();
    if !fraction.is_empty() || spec.alternate {
        rest.push_str(&l.point);
        rest.push_str(&fraction);
    }
    let exp = left.saturating_sub(point);
    if exp != 0 || lower == 'e' {
        rest.push(if kind.is_ascii_uppercase() { 'E' } else { 'e' });
        rest.push_str(&format!("{exp:+}"));
    }
    if kind == '%' {
        rest.push('%');
    }
    Ok((zero, Body { digits, rest }))
}

/// Fills the width.
fn lay_out(cx: &Ctx, spec: &Spec, sign: &str, body: &str) -> PyResult {
    let len = sign.len() + body.chars().count();
    let pad = spec.width.saturating_sub(len);
    let (left, right) = match spec.align {
        '<' => (0, pad),
        '^' => (pad / 2, pad - pad / 2),
        _ => (pad, 0),
    };
    let widest = body.chars().map(u32::from).max().unwrap_or(0).max(spec.fill);
    let mut out = StrBuilder::with_capacity(cx, len + pad, widest)?;
    if spec.align == '=' {
        out.push_str(sign);
        out.push_repeat(spec.fill, left);
    } else {
        out.push_repeat(spec.fill, left);
        out.push_str(sign);
    }
    out.push_str(body);
    out.push_repeat(spec.fill, right);
    Ok(out.finish())
}
