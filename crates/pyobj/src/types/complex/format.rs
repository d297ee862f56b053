//! `complex.__format__`.

use super::Complex;
use crate::ctx::{Ctx, PyResult};
use crate::types::number_format::{Parts, Separators, float_text, layout, spec_str, split_digits};
use crate::types::str::as_utf8_lossy;
use crate::types::str::format_spec::{self, Align, FormatSpec, Sign};
use crate::value::Obj;

/// `format(c, spec)`.
pub(super) fn format(cx: &Ctx, c: Complex, this: &Obj, spec: &Obj) -> PyResult {
    let spec = spec_str(cx, spec)?;
    if spec.is_empty() {
        return this.str(cx);
    }
    let name = this.type_of().name().to_string();
    let spec = format_spec::parse(cx, spec, &name, '\0', Align::Right)?;
    if !matches!(char::from_u32(spec.kind), Some('\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n')) {
        return Err(format_spec::unknown_kind(cx, spec.kind, &name));
    }
    if spec.fill == '0' as u32 {
        return Err(cx.value_error("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(cx.value_error("'=' alignment flag is not allowed in complex format specifier"));
    }
    let default = spec.kind == 0;
    let skip_re = default && c.re == 0.0 && c.re.is_sign_positive();
    let mut text = String::new();
    if !skip_re {
        text.push_str(&part(cx, c.re, &spec, spec.sign)?);
    }
    let sign = if skip_re { spec.sign } else { Some(Sign::Plus) };
    text.push_str(&part(cx, c.im, &spec, sign)?);
    text.push('j');
    if default && !skip_re {
        text = format!("({text})");
    }
    spec.pad(cx, &text)
}

fn part(cx: &Ctx, f: f64, spec: &FormatSpec, sign: Option<Sign>) -> PyResult<String> {
    let spec = FormatSpec { width: None, align: Align::Left, sign, ..spec.clone() };
    let (negative, s) = float_text(cx, f, &spec, false)?;
    let (digits, rest) = split_digits(&s);
    let sep = if spec.kind == 'n' as u32 { Separators::of_locale() } else { Separators::of(spec.grouping) };
    let text = layout(cx, &spec, &sep, &Parts { negative, prefix: "", digits, rest })?;
    Ok(as_utf8_lossy(&text).into_owned())
}
