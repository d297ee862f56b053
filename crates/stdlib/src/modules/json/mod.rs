//! `_json`: the accelerators of `json`.

mod encoder;
mod scanner;
mod strings;

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::str::{self as text, Name, StrBuilder};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

use encoder::Encoder;
use scanner::Scanner;

/// Accelerators of the json package.
#[pymodule(name = "_json")]
pub(crate) mod module {
    use super::*;

    /// Decodes the string whose contents start at `end`: the text and the index behind the closing quote.
    #[pyfunction(sig = "(string, end, strict=True, /)")]
    fn scanstring(cx: &Ctx, string: &Obj, end: isize, strict: bool) -> PyResult {
        let s = text::expect(cx, string, |t| format!("first argument must be a string, not {t}"))?;
        let Ok(at) = usize::try_from(end) else { return Err(cx.value_error("end is out of bounds")) };
        let (v, end) = strings::scan(cx, string, s, at, strict)?;
        Ok(tuple::new(vec![v, Obj::from(end)]))
    }

    /// A string as JSON, everything but ASCII escaped.
    #[pyfunction(sig = "(string, /)")]
    fn encode_basestring_ascii(cx: &Ctx, string: &Obj) -> PyResult {
        quoted(cx, string, true)
    }

    /// A string as JSON.
    #[pyfunction(sig = "(string, /)")]
    fn encode_basestring(cx: &Ctx, string: &Obj) -> PyResult {
        quoted(cx, string, false)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, Name::new("make_scanner"), &Scanner::type_object().as_obj())?;
        module.set_attr(cx, Name::new("make_encoder"), &Encoder::type_object().as_obj())
    }
}

fn quoted(cx: &Ctx, string: &Obj, ascii: bool) -> PyResult {
    let s = text::expect(cx, string, |t| format!("first argument must be a string, not {t}"))?;
    let mut out = StrBuilder::new();
    strings::push_quoted(&mut out, s, ascii);
    Ok(out.finish())
}
