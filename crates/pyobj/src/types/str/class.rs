//! The class `str`: construction, slots and conversions. The methods are in `methods.rs`.

use super::{Name, Str, edit, exact_of, expect, format_spec, iter, percent, repr, slicing, storage};
use crate::codecs;
use crate::ctx::{Ctx, PyResult};
use crate::heap::PageKind;
use crate::native::{Args, PayloadDef, PyClass, This, pymethods};
use crate::protocol::buffer::Buffer;
use crate::types::{CmpOp, Type, tuple};
use crate::value::Obj;

/// The layout of `str`: a head, then the code units.
pub(super) static LAYOUT: PayloadDef = PayloadDef {
    name: "str",
    size: size_of::<Str>(),
    var_sized: true,
    page_kind: PageKind::Leaf,
    drop: drop_str,
    traverse: visit_nothing,
    clear: clear_nothing,
    parent: None,
};

unsafe fn drop_str(p: *mut u8) {
    // SAFETY: called once, on the payload of a dying str.
    unsafe { std::ptr::drop_in_place(p as *mut Str) }
}

unsafe fn visit_nothing(_: *const u8, _: &mut crate::heap::Visitor<'_>) {}
unsafe fn clear_nothing(_: *const u8) {}

/// The text of a bytes-like object in an encoding.
///
/// # Errors
/// TypeError for other objects, and what the codec raises.
pub fn str_of_bytes(cx: &Ctx, o: &Obj, encoding: Option<&Obj>, errors: Option<&Obj>) -> PyResult {
    if o.downcast::<Str>().is_some() {
        return Err(cx.type_error("decoding str is not supported"));
    }
    if !Buffer::is_exporter(o) {
        return Err(cx.type_error(format!("decoding to str: need a bytes-like object, {} found", o.type_of().name())));
    }
    let encoding = encoding.map_or("utf-8".into(), super::as_utf8_lossy);
    let errors = errors.map_or("strict".into(), super::as_utf8_lossy);
    codecs::decode(cx, o, &encoding, &errors)
}

/// A builtin by name, for `__reduce__` of iterators.
///
/// # Errors
/// SystemError without an interpreter, KeyError for unknown names.
pub fn builtin(cx: &Ctx, name: Name) -> PyResult {
    let Some(b) = (cx.host().builtins)(cx) else { return Err(cx.system_error("no builtins")) };
    b.get_item(cx, name.as_obj())
}

fn str_arg<'a>(cx: &Ctx, o: &'a Obj, what: &str) -> PyResult<&'a Obj> {
    expect(cx, o, |t| format!("str() argument '{what}' must be str, not {t}"))?;
    Ok(o)
}

#[pymethods(parts("methods", "search"))]
impl Str {
    #[pynew(sig = "(object='', encoding='utf-8', errors='strict')")]
    fn __new__(cx: &Ctx, ty: &Type, object: Option<&Obj>, encoding: Option<&Obj>, errors: Option<&Obj>) -> PyResult {
        let encoding = encoding.map(|e| str_arg(cx, e, "encoding")).transpose()?;
        let errors = errors.map(|e| str_arg(cx, e, "errors")).transpose()?;
        let text = match object {
            None => super::empty(),
            Some(o) if encoding.is_none() && errors.is_none() => o.str(cx)?,
            Some(o) => str_of_bytes(cx, o, encoding, errors)?,
        };
        if ty.is(Str::type_object()) {
            return Ok(text);
        }
        match text.downcast::<Str>() {
            Some(s) => Ok(storage::new_subclass(ty, s)),
            None => Err(cx.system_error("str() made something else")),
        }
    }

    fn __repr__(&self, cx: &Ctx) -> PyResult {
        if self.len() > storage::MAX_LEN / 16 {
            return Err(cx.overflow_error("string is too long to generate repr"));
        }
        Ok(repr::repr(self))
    }

    fn __str__(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        exact_of(this.obj(), this.payload())
    }

    fn __hash__(_cx: &Ctx, this: This<'_, Str>) -> PyResult<i64> {
        Ok(this.payload().hash())
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Str>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Str>() else { return Ok(Obj::not_implemented()) };
        let s = this.payload();
        let holds = match op {
            CmpOp::Eq => this.obj().is(other) || *s == *o,
            CmpOp::Ne => !this.obj().is(other) && *s != *o,
            _ => op.holds(s.compare(o)),
        };
        Ok(Obj::from_bool(holds))
    }

    fn __len__(_cx: &Ctx, this: This<'_, Str>) -> PyResult<usize> {
        Ok(this.payload().len())
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        iter::new(this.clone())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Str>, key: &Obj) -> PyResult {
        slicing::subscript(cx, this.obj(), this.payload(), key)
    }

    fn __contains__(cx: &Ctx, this: This<'_, Str>, item: &Obj) -> PyResult<bool> {
        let n = expect(cx, item, |t| format!("'in <string>' requires string as left operand, not {t}"))?;
        Ok(this.payload().contains(n))
    }

    fn sq_concat(cx: &Ctx, this: This<'_, Str>, other: &Obj) -> PyResult {
        let o = expect(cx, other, |t| format!("can only concatenate str (not \"{t}\") to str"))?;
        storage::concat_exact(cx, this.obj(), other, this.payload(), o)
    }

    fn sq_repeat(cx: &Ctx, this: This<'_, Str>, n: isize) -> PyResult {
        edit::repeat(cx, this.obj(), this.payload(), n)
    }

    fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some(s) = a.downcast::<Str>() else { return Ok(Obj::not_implemented()) };
        Ok(percent::format(cx, s.data(), b, percent::Kind::Text)?.finish())
    }

    /// The text in the width, alignment and so on that the format says.
    #[pymethod(sig = "($self, format_spec, /)")]
    fn __format__(cx: &Ctx, this: This<'_, Str>, format_spec: &Obj) -> PyResult {
        let spec = expect(cx, format_spec, |t| format!("__format__() argument must be str, not {t}"))?;
        if spec.is_empty() {
            return if super::is_exact(this.obj()) { Ok(this.obj().clone()) } else { this.obj().str(cx) };
        }
        format_spec::format_str(cx, this.obj(), this.payload(), spec)
    }

    /// The arguments that pickling gives to `__new__`.
    #[pymethod]
    fn __getnewargs__(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        tuple::new(vec![super::to_exact(this.payload())])
    }

    /// How many bytes the text takes.
    #[pymethod]
    fn __sizeof__(_cx: &Ctx, this: This<'_, Str>) -> usize {
        let s = this.payload();
        size_of::<crate::heap::Header>() + size_of::<Str>() + s.raw_bytes().len()
    }

    /// Returns a formatted version of the string: replacement fields in braces take the arguments.
    #[pymethod(sig = "($self, /, *args, **kwargs)")]
    fn format(cx: &Ctx, this: This<'_, Str>, args: Args<'_>) -> PyResult {
        super::format_fields::format(cx, this.payload(), args)
    }

    /// Returns a formatted version of the string: replacement fields in braces take values of the mapping.
    #[pymethod(sig = "($self, mapping, /)")]
    fn format_map(cx: &Ctx, this: This<'_, Str>, mapping: &Obj) -> PyResult {
        super::format_fields::format_map(cx, this.payload(), mapping)
    }

    /// Encodes the string.
    #[pymethod(sig = "($self, /, encoding='utf-8', errors='strict')")]
    fn encode(cx: &Ctx, this: This<'_, Str>, encoding: Option<&Obj>, errors: Option<&Obj>) -> PyResult {
        let text = |o: Option<&Obj>, what: &str, default: &'static str| match o {
            None => Ok(std::borrow::Cow::Borrowed(default)),
            Some(o) => {
                let s = expect(cx, o, |t| format!("encode() argument '{what}' must be str, not {t}"))?;
                if s.find_char(0, 0).is_some() {
                    return Err(cx.value_error("embedded null character"));
                }
                Ok(std::borrow::Cow::Owned(s.as_str_lossy().to_owned()))
            }
        };
        let encoding = text(encoding, "encoding", "utf-8")?;
        let errors = text(errors, "errors", "strict")?;
        codecs::encode(cx, this.obj(), &encoding, &errors)
    }

    /// Makes a table for `translate` from a dict, or from strings of equal length.
    #[pystaticmethod(sig = "(x, y=<unrepresentable>, z=<unrepresentable>, /)")]
    fn maketrans(cx: &Ctx, x: &Obj, y: Option<&Obj>, z: Option<&Obj>) -> PyResult {
        super::translate::maketrans(cx, x, y, z)
    }
}
