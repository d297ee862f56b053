//! Layout of formatted numbers: sign, prefix, grouped digits, padding.

use std::borrow::Cow;

use crate::ctx::{Ctx, PyResult};
use crate::types::float::text;
use crate::types::str::format_spec::{Align, FormatSpec, Grouping, Sign};
use crate::types::str::{Str, StrBuilder};
use crate::value::Obj;

/// How the digits before the point are separated.
pub(crate) struct Separators {
    text: Cow<'static, str>,
    /// Group sizes from the right; the last one recurs if `recurs`.
    sizes: Vec<usize>,
    recurs: bool,
    /// The decimal point.
    point: Cow<'static, str>,
}

impl Separators {
    /// No separators.
    pub(crate) fn none() -> Separators {
        Separators { text: "".into(), sizes: Vec::new(), recurs: false, point: ".".into() }
    }

    /// What the specification's grouping option asks for.
    pub(crate) fn of(grouping: Option<Grouping>) -> Separators {
        match grouping {
            Some(g) => Separators {
                text: if g == Grouping::Comma { ",".into() } else { "_".into() },
                sizes: vec![g.size()],
                recurs: true,
                point: ".".into(),
            },
            None => Separators::none(),
        }
    }

    /// What the C locale in force asks for (type `n`).
    pub(crate) fn of_locale() -> Separators {
        // SAFETY: `localeconv` gives pointers to NUL-terminated texts that stay valid until the locale changes;
        // the interpreter lock keeps other threads from changing it here.
        unsafe {
            let l = libc::localeconv();
            let text = |p: *const libc::c_char| std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned();
            let raw = std::ffi::CStr::from_ptr((*l).grouping).to_bytes().to_vec();
            let ends = raw.iter().position(|&b| b == 0x7f);
            let sizes = raw[..ends.unwrap_or(raw.len())].iter().map(|&b| usize::from(b)).collect();
            Separators {
                text: text((*l).thousands_sep).into(),
                sizes,
                recurs: ends.is_none(),
                point: text((*l).decimal_point).into(),
            }
        }
    }

    /// The digits in groups, with zeros in front so that they take at least `width` code points.
    fn group(&self, digits: &str, width: usize) -> String {
        if self.text.is_empty() && self.sizes.is_empty() {
            return format!("{digits:0>width$}");
        }
        let sep_len = self.text.chars().count() as isize;
        let mut remaining = digits.len();
        let mut width = width as isize;
        // Groups from the right, each as (zeros, digits).
        let mut groups: Vec<(usize, &str)> = Vec::new();
        let mut take = |size: usize, remaining: &mut usize, width: &mut isize| {
            let len = size.min((*remaining).max((*width).max(1) as usize));
            let chars = len.min(*remaining);
            groups.push((len - chars, &digits[*remaining - chars..*remaining]));
            *remaining -= chars;
            *width -= len as isize;
        };
        let mut done = false;
        let mut i = 0;
        while let Some(&size) = self.sizes.get(i).or(if self.recurs { self.sizes.last() } else { None }) {
            take(size.max(1), &mut remaining, &mut width);
            if remaining == 0 && width <= 0 {
                done = true;
                break;
            }
            width -= sep_len;
            i += 1;
        }
        if !done {
            take(usize::MAX, &mut remaining, &mut width);
        }
        let mut out = String::new();
        for (i, (zeros, part)) in groups.iter().rev().enumerate() {
            if i > 0 {
                out.push_str(&self.text);
            }
            out.extend(std::iter::repeat_n('0', *zeros));
            out.push_str(part);
        }
        out
    }
}

/// A number's parts before layout.
pub(crate) struct Parts<'a> {
    /// Whether a minus sign belongs in front.
    pub negative: bool,
    /// `0x` and the like.
    pub prefix: &'a str,
    /// The digits before the point; empty for infinities and NaN.
    pub digits: &'a str,
    /// What follows: point, fraction, exponent, percent sign, or the name of a value that is not finite.
    pub rest: &'a str,
}

/// Lays out a number in its field.
pub(crate) fn layout(cx: &Ctx, spec: &FormatSpec, sep: &Separators, p: &Parts<'_>) -> PyResult {
    let sign = match (p.negative, spec.sign) {
        (true, _) => "-",
        (_, Some(Sign::Plus)) => "+",
        (_, Some(Sign::Space)) => " ",
        _ => "",
    };
    let mut rest = Cow::Borrowed(p.rest);
    if let Some(fraction) = p.rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let (digits, after) = fraction.split_at(end);
        let digits = match spec.fraction_grouping {
            Some(g) => group_fraction(digits, g),
            None => digits.to_owned(),
        };
        rest = format!("{}{digits}{after}", sep.point).into();
    }
    let around = sign.len() + p.prefix.len() + rest.chars().count();
    let zero_filled = spec.fill == '0' as u32 && spec.align == Align::AfterSign;
    let least = if zero_filled { spec.width.unwrap_or(0).saturating_sub(around) } else { 0 };
    reserve(cx, least)?;
    let digits = if p.digits.is_empty() { String::new() } else { sep.group(p.digits, least) };
    let len = around + digits.chars().count();
    if spec.width.is_none_or(|w| w <= len) {
        return Ok(crate::types::str::new(&format!("{sign}{}{digits}{rest}", p.prefix)));
    }
    let (left, right) = spec.padding(len);
    reserve(cx, left + right)?;
    let max = rest.chars().chain(digits.chars()).map(u32::from).max().unwrap_or(0).max(spec.fill).max('x' as u32);
    let mut out = StrBuilder::with_capacity(cx, left + len + right, max)?;
    if spec.align == Align::AfterSign {
        out.push_str(sign);
        out.push_str(p.prefix);
        out.push_repeat(spec.fill, left);
    } else {
        out.push_repeat(spec.fill, left);
        out.push_str(sign);
        out.push_str(p.prefix);
    }
    out.push_str(&digits);
    out.push_str(&rest);
    out.push_repeat(spec.fill, right);
    Ok(out.finish())
}

/// Refuses widths that cannot be allocated.
fn reserve(cx: &Ctx, n: usize) -> PyResult<()> {
    if n > 1 << 20 && Vec::<u8>::new().try_reserve_exact(n.saturating_mul(4)).is_err() {
        return Err(cx.no_memory());
    }
    Ok(())
}

fn group_fraction(digits: &str, g: Grouping) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && i % g.size() == 0 {
            out.push(g.separator());
        }
        out.push(c);
    }
    out
}

/// The largest precision of float formats.
const MAX_PRECISION: usize = i32::MAX as usize;

/// The sign and the text of a float's magnitude in presentation type `kind` (one of `eEfFgGn%r`, or zero for
/// the default). `add_point_zero`: integral values in the default type show ".0".
pub(crate) fn float_text(cx: &Ctx, f: f64, spec: &FormatSpec, add_point_zero: bool) -> PyResult<(bool, String)> {
    let kind = char::from_u32(spec.kind).unwrap_or('\0');
    if spec.precision.is_some_and(|p| p > MAX_PRECISION) {
        return Err(cx.value_error("precision too big"));
    }
    reserve(cx, spec.precision.unwrap_or(0))?;
    let percent = kind == '%';
    let f = if percent { f * 100.0 } else { f };
    let mut negative = f.is_sign_negative() && !f.is_nan();
    let upper = kind.is_ascii_uppercase();
    let mut s = if f.is_nan() {
        "nan".to_owned()
    } else if f.is_infinite() {
        "inf".to_owned()
    } else {
        let alt = spec.alternate;
        let precision = spec.precision.unwrap_or(6);
        let s = match (kind.to_ascii_lowercase(), spec.precision) {
            ('f' | '%', _) => text::fixed(f, precision, alt),
            ('e', _) => text::scientific(f, precision, alt, 'e'),
            ('g' | 'n', _) => text::general(f, precision, alt, 'e'),
            (_, None) => shortest(f, alt, add_point_zero),
            (_, Some(p)) => general_default(f, p, alt, add_point_zero),
        };
        if negative && spec.no_negative_zero && !s.bytes().take_while(|b| *b != b'e').any(|b| matches!(b, b'1'..=b'9'))
        {
            negative = false;
        }
        s
    };
    if upper {
        s.make_ascii_uppercase();
    }
    if percent {
        s.push('%');
    }
    Ok((negative, s))
}

fn shortest(f: f64, alternate: bool, add_point_zero: bool) -> String {
    let d = text::Decimal::shortest(f);
    if d.exp < -4 || d.exp >= 16 {
        return d.scientific(0, alternate, 'e');
    }
    let mut s = d.fixed(alternate);
    if add_point_zero && !s.contains('.') {
        s.push_str(".0");
    } else if add_point_zero && s.ends_with('.') {
        s.push('0');
    }
    s
}

/// The default type with a precision: as `g`, but with a digit after the point, which also counts when the
/// choice between the notations is made.
fn general_default(f: f64, precision: usize, alternate: bool, add_point_zero: bool) -> String {
    if !add_point_zero {
        return text::general(f, precision, alternate, 'e');
    }
    let precision = precision.max(1);
    let d = text::Decimal::rounded(f, precision);
    if d.exp < -4 || i64::from(d.exp) + 1 > precision as i64 - 1 {
        return if alternate { d.scientific(precision - 1, true, 'e') } else { d.trim().scientific(0, false, 'e') };
    }
    let d = if alternate { d } else { d.trim() };
    let mut s = d.fixed(alternate);
    if s.ends_with('.') {
        s.push('0');
    } else if !s.contains('.') {
        s.push_str(".0");
    }
    s
}

/// Splits the text of a magnitude into the digits before the point and the rest.
pub(crate) fn split_digits(s: &str) -> (&str, &str) {
    s.split_at(s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len()))
}

/// Formats a float by a parsed specification whose type is known to be one for floats.
pub(crate) fn format_float(cx: &Ctx, f: f64, spec: &FormatSpec) -> PyResult {
    let (negative, s) = float_text(cx, f, spec, true)?;
    let (digits, rest) = split_digits(&s);
    let sep = if spec.kind == 'n' as u32 { Separators::of_locale() } else { Separators::of(spec.grouping) };
    layout(cx, spec, &sep, &Parts { negative, prefix: "", digits, rest })
}

/// The specification as a str, or TypeError.
pub(crate) fn spec_str<'a>(cx: &Ctx, spec: &'a Obj) -> PyResult<&'a Str> {
    spec.downcast::<Str>()
        .ok_or_else(|| cx.type_error(format!("__format__() argument must be str, not {}", spec.type_of().name())))
}
