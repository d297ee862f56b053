//! `int.__format__`.

use super::{Operand, as_f64, is_exact_int, text};
use crate::ctx::{Ctx, PyResult};
use crate::types::number_format::{Parts, Separators, format_float, layout, spec_str};
use crate::types::str::format_spec::{self, Align, FormatSpec};
use crate::value::Obj;

/// `format(n, spec)`.
pub(super) fn format(cx: &Ctx, this: &Obj, spec: &Obj) -> PyResult {
    let spec = spec_str(cx, spec)?;
    if spec.is_empty() {
        return if is_exact_int(this) { this.repr(cx) } else { this.str(cx) };
    }
    let name = this.type_of().name().to_string();
    let spec = format_spec::parse(cx, spec, &name, 'd', Align::Right)?;
    match char::from_u32(spec.kind) {
        Some('b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n') => format_int(cx, this, &spec),
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => format_float(cx, as_f64(cx, this)?, &spec),
        _ => Err(format_spec::unknown_kind(cx, spec.kind, &name)),
    }
}

fn format_int(cx: &Ctx, this: &Obj, spec: &FormatSpec) -> PyResult {
    if spec.precision.is_some() {
        return Err(cx.value_error("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(
            cx.value_error("Negative zero coercion (z) not allowed in format specifier with integer presentation type")
        );
    }
    let kind = char::from_u32(spec.kind).unwrap_or('d');
    if kind == 'c' {
        return format_char(cx, this, spec);
    }
    let Some(v) = Operand::of(this) else { return this.str(cx) };
    let (radix, prefix) = match kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut small = [0; 20];
    let mut made;
    let digits = match (this.as_int(), radix) {
        (Some(n), 10) => text::small_digits(n.abs(), &mut small),
        (None, 10) => {
            made = text::checked_decimal(cx, v.mag())?;
            &made
        }
        (_, r) => {
            made = text::magnitude_to_string(v.mag(), r);
            if kind == 'X' {
                made.make_ascii_uppercase();
            }
            &made
        }
    };
    let sep = if kind == 'n' { Separators::of_locale() } else { Separators::of(spec.grouping) };
    let prefix = if spec.alternate { prefix } else { "" };
    layout(cx, spec, &sep, &Parts { negative: v.neg, prefix, digits, rest: "" })
}

/// Type `c`: the character with the number's code point.
fn format_char(cx: &Ctx, this: &Obj, spec: &FormatSpec) -> PyResult {
    if spec.sign.is_some() {
        return Err(cx.value_error("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(cx.value_error("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let Some(n) = super::as_i64(this) else {
        return Err(cx.overflow_error("Python int too large to convert to C long"));
    };
    let Some(c) = u32::try_from(n).ok().filter(|c| *c < 0x11_0000) else {
        return Err(cx.overflow_error("%c arg not in range(0x110000)"));
    };
    let (left, right) = spec.padding(1);
    let mut out = crate::types::str::StrBuilder::with_capacity(cx, left + right + 1, c.max(spec.fill))?;
    out.push_repeat(spec.fill, left);
    out.push_repeat(c, 1);
    out.push_repeat(spec.fill, right);
    Ok(out.finish())
}
