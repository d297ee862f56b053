//! `float.__format__`.

use crate::ctx::{Ctx, PyResult};
use crate::types::number_format::{format_float, spec_str};
use crate::types::str::format_spec::{self, Align};
use crate::value::Obj;

/// `format(f, spec)`; `this` is the object, whose class messages name.
pub(super) fn format(cx: &Ctx, f: f64, this: &Obj, spec: &Obj) -> PyResult {
    let spec = spec_str(cx, spec)?;
    if spec.is_empty() {
        return if this.as_f64_exact().is_some() { this.repr(cx) } else { this.str(cx) };
    }
    let name = this.type_of().name().to_string();
    let spec = format_spec::parse(cx, spec, &name, '\0', Align::Right)?;
    match char::from_u32(spec.kind) {
        Some('\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') => format_float(cx, f, &spec),
        _ => Err(format_spec::unknown_kind(cx, spec.kind, &name)),
    }
}
