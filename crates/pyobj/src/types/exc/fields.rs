//! Exceptions with fields of their own.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, This, pyclass, pymethods};
use crate::types::str::as_utf8_lossy;
use crate::types::{Type, tuple};
use crate::value::{Obj, ObjCell};

use super::base::BaseException;
use super::table::{ExceptionMarker, LookupErrorMarker, ValueErrorMarker};

/// Declares plain object fields of an exception: None when empty, deletion empties. The main block names
/// them with `#[pymethods(parts("fields"))]`.
macro_rules! fields {
    ($t:ident: $($field:ident),*) => {
        impl $t {
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_METHODS_fields: &'static [crate::native::NativeFn] = &[];
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_SLOTS_fields: fn(&crate::types::Slots) = |_| {};
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_GETSET_fields: &'static [crate::native::GetSetDef] = &[$(
                crate::native::GetSetDef {
                    name: stringify!($field),
                    doc: concat!("exception ", stringify!($field)),
                    is_member: true,
                    get: |cx, o| {
                        let t: This<'_, $t> = crate::native::receiver(cx, o, stringify!($field))?;
                        Ok(t.$field.get().unwrap_or_else(Obj::none))
                    },
                    set: Some(|cx, o, v| {
                        let t: This<'_, $t> = crate::native::receiver(cx, o, stringify!($field))?;
                        t.$field.set(v.cloned());
                        Ok(())
                    }),
                }
            ),*];
        }
    };
}
pub(super) use fields;

fn base_init(cx: &Ctx, obj: &Obj, args: Args<'_>) -> PyResult<()> {
    if let Some(b) = obj.downcast::<BaseException>() {
        b.args.set(Some(tuple::new(args.pos().to_vec())));
    }
    let _ = cx;
    Ok(())
}

fn no_kw(cx: &Ctx, this: &Obj, args: &Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        return Err(cx.type_error(format!("{}() takes no keyword arguments", this.type_of().name())));
    }
    Ok(())
}

/// Takes keyword arguments `names` out of a call; others are refused.
fn keywords<const N: usize>(cx: &Ctx, this: &Obj, args: &Args<'_>, names: [&str; N]) -> PyResult<[Option<Obj>; N]> {
    let mut out = [const { None }; N];
    for (k, v) in args.keywords() {
        let k = as_utf8_lossy(k);
        match names.iter().position(|n| *n == k) {
            Some(i) => out[i] = Some(v.clone()),
            None => {
                return Err(
                    cx.type_error(format!("{}() got an unexpected keyword argument '{k}'", this.type_of().name()))
                );
            }
        }
    }
    Ok(out)
}

/// `StopIteration`.
#[pyclass(name = "StopIteration", base = ExceptionMarker, flags(basetype), doc = "An iterator has no more items; value is what a generator returned.")]
#[derive(Traverse)]
#[repr(C)]
pub struct StopIterationData {
    base: BaseException,
    pub(crate) value: ObjCell,
}

#[pymethods(parts("fields"))]
impl StopIterationData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(
            ty,
            StopIterationData {
                base: BaseException::new(args.pos()),
                value: ObjCell::new(args.pos().first().cloned()),
            },
        ))
    }

    fn __init__(cx: &Ctx, this: This<'_, StopIterationData>, args: Args<'_>) -> PyResult<()> {
        no_kw(cx, this.obj(), &args)?;
        base_init(cx, this.obj(), args)?;
        this.value.set(args.pos().first().cloned());
        Ok(())
    }
}

/// `SystemExit`.
#[pyclass(name = "SystemExit", base = BaseException, flags(basetype), doc = "Ends the program when nothing catches it, with code as its exit status.")]
#[derive(Traverse)]
#[repr(C)]
pub struct SystemExitData {
    base: BaseException,
    pub(crate) code: ObjCell,
}

#[pymethods(parts("fields"))]
impl SystemExitData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, SystemExitData { base: BaseException::new(args.pos()), code: ObjCell::new(None) }))
    }

    fn __init__(cx: &Ctx, this: This<'_, SystemExitData>, args: Args<'_>) -> PyResult<()> {
        no_kw(cx, this.obj(), &args)?;
        base_init(cx, this.obj(), args)?;
        this.code.set(match args.pos() {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(tuple::new(many.to_vec())),
        });
        Ok(())
    }
}

impl SystemExitData {
    /// The exit code object.
    pub fn exit_code(&self) -> Option<Obj> {
        self.code.get()
    }
}

/// `ImportError`.
#[pyclass(name = "ImportError", base = ExceptionMarker, flags(basetype), doc = "A module was not found or could not be loaded, or has no such name.")]
#[derive(Traverse)]
#[repr(C)]
pub struct ImportErrorData {
    base: BaseException,
    msg: ObjCell,
    pub(crate) name: ObjCell,
    pub(crate) path: ObjCell,
    name_from: ObjCell,
}

#[pymethods(parts("fields"))]
impl ImportErrorData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(
            ty,
            ImportErrorData {
                base: BaseException::new(args.pos()),
                msg: ObjCell::new(None),
                name: ObjCell::new(None),
                path: ObjCell::new(None),
                name_from: ObjCell::new(None),
            },
        ))
    }

    fn __init__(cx: &Ctx, this: This<'_, ImportErrorData>, args: Args<'_>) -> PyResult<()> {
        base_init(cx, this.obj(), args)?;
        let [name, path, from] = keywords(cx, this.obj(), &args, ["name", "path", "name_from"])?;
        this.name.set(name);
        this.path.set(path);
        this.name_from.set(from);
        this.msg.set(if let [m] = args.pos() { Some(m.clone()) } else { None });
        Ok(())
    }

    fn __str__(cx: &Ctx, this: This<'_, ImportErrorData>) -> PyResult {
        match this.msg.get() {
            Some(m) if m.is_exact(crate::native::FixedShape::Str) => Ok(m),
            _ => {
                BaseException::__str__(cx, This::from_obj(this.obj()).ok_or_else(|| cx.type_error("not an exception"))?)
            }
        }
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, ImportErrorData>) -> PyResult {
        let state = crate::types::dict::new();
        if let Some(d) = crate::types::dict::instance_dict(cx, this.obj())? {
            state.call_method(cx, intern!("update"), &[d])?;
        }
        for (n, c) in [("name", &this.name), ("path", &this.path), ("name_from", &this.name_from)] {
            if let Some(v) = c.get() {
                state.set_item(cx, &Obj::from(n), &v)?;
            }
        }
        let mut parts = vec![this.obj().type_of().as_obj(), this.base.args()];
        if state.len(cx)? > 0 {
            parts.push(state);
        }
        Ok(tuple::new(parts))
    }
}

fields!(StopIterationData: value);
fields!(SystemExitData: code);
fields!(ImportErrorData: msg, name, path, name_from);

/// `AttributeError`.
#[pyclass(name = "AttributeError", base = ExceptionMarker, flags(basetype), doc = "Attribute not found.")]
#[derive(Traverse)]
#[repr(C)]
pub struct AttributeErrorData {
    base: BaseException,
    pub(crate) name: ObjCell,
    pub(crate) obj: ObjCell,
}

#[pymethods(parts("fields"))]
impl AttributeErrorData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(
            ty,
            AttributeErrorData {
                base: BaseException::new(args.pos()),
                name: ObjCell::new(None),
                obj: ObjCell::new(None),
            },
        ))
    }

    fn __init__(cx: &Ctx, this: This<'_, AttributeErrorData>, args: Args<'_>) -> PyResult<()> {
        base_init(cx, this.obj(), args)?;
        let [name, obj] = keywords(cx, this.obj(), &args, ["name", "obj"])?;
        this.name.set(name);
        this.obj.set(obj);
        Ok(())
    }

    #[pymethod]
    fn __getstate__(cx: &Ctx, this: This<'_, AttributeErrorData>) -> PyResult {
        let state = crate::types::dict::new();
        if let Some(d) = crate::types::dict::instance_dict(cx, this.obj())? {
            state.call_method(cx, intern!("update"), &[d])?;
        }
        if let Some(n) = this.name.get() {
            state.set_item(cx, &Obj::from("name"), &n)?;
        }
        state.set_item(cx, &Obj::from("args"), &this.base.args())?;
        Ok(state)
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, AttributeErrorData>) -> PyResult {
        let state = Self::__getstate__(cx, this)?;
        Ok(tuple::new(vec![this.obj().type_of().as_obj(), this.base.args(), state]))
    }
}
fields!(AttributeErrorData: name, obj);

/// Notes in a pending AttributeError that says nothing of it which attribute of which object was looked for.
#[cold]
pub fn name_attribute(cx: &Ctx, r: crate::Raised, obj: &Obj, name: &Obj) -> crate::Raised {
    if !cx.pending_is(super::AttributeError()) {
        return r;
    }
    let e = cx.take(r);
    if let Some(d) = e.downcast::<AttributeErrorData>()
        && d.name.is_empty()
        && d.obj.is_empty()
    {
        d.name.set(Some(name.clone()));
        d.obj.set(Some(obj.clone()));
    }
    cx.set_pending(e)
}

/// `NameError`.
#[pyclass(name = "NameError", base = ExceptionMarker, flags(basetype), doc = "A variable has no value.")]
#[derive(Traverse)]
#[repr(C)]
pub struct NameErrorData {
    base: BaseException,
    pub(crate) name: ObjCell,
}

#[pymethods(parts("fields"))]
impl NameErrorData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, NameErrorData { base: BaseException::new(args.pos()), name: ObjCell::new(None) }))
    }

    fn __init__(cx: &Ctx, this: This<'_, NameErrorData>, args: Args<'_>) -> PyResult<()> {
        base_init(cx, this.obj(), args)?;
        let [name] = keywords(cx, this.obj(), &args, ["name"])?;
        this.name.set(name);
        Ok(())
    }
}
fields!(NameErrorData: name);

/// `KeyError`: shows the repr of a single argument.
#[pyclass(name = "KeyError", base = LookupErrorMarker, flags(basetype), payload = "inherit", doc = "A mapping has no such key.")]
pub struct KeyErrorMarker;

#[pymethods]
impl KeyErrorMarker {
    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        let Some(b) = This::<BaseException>::from_obj(this) else { return this.repr(cx) };
        let args = b.args();
        match tuple::items_if_tuple(&args) {
            Some([one]) => one.repr(cx),
            _ => BaseException::__str__(cx, b),
        }
    }
}

/// `SyntaxError`.
#[pyclass(name = "SyntaxError", base = ExceptionMarker, flags(basetype), doc = "Invalid syntax.")]
#[derive(Traverse)]
#[repr(C)]
pub struct SyntaxErrorData {
    base: BaseException,
    pub(crate) msg: ObjCell,
    pub(crate) filename: ObjCell,
    pub(crate) lineno: ObjCell,
    pub(crate) offset: ObjCell,
    pub(crate) text: ObjCell,
    pub(crate) end_lineno: ObjCell,
    pub(crate) end_offset: ObjCell,
    print_file_and_line: ObjCell,
    _metadata: ObjCell,
}

#[pymethods(parts("fields"))]
impl SyntaxErrorData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let none = || ObjCell::new(None);
        Ok(heap::new_instance(
            ty,
            SyntaxErrorData {
                base: BaseException::new(args.pos()),
                msg: none(),
                filename: none(),
                lineno: none(),
                offset: none(),
                text: none(),
                end_lineno: none(),
                end_offset: none(),
                print_file_and_line: none(),
                _metadata: none(),
            },
        ))
    }

    fn __init__(cx: &Ctx, this: This<'_, SyntaxErrorData>, args: Args<'_>) -> PyResult<()> {
        no_kw(cx, this.obj(), &args)?;
        base_init(cx, this.obj(), args)?;
        this.msg.set(args.pos().first().cloned());
        if let [_, info] = args.pos() {
            let v = info.collect(cx)?;
            if !(4..=7).contains(&v.len()) {
                return Err(cx.type_error(if v.len() < 4 {
                    format!(
                        "function missing required argument '{}' (pos {})",
                        ["filename", "lineno", "offset", "text"][v.len()],
                        v.len() + 1
                    )
                } else {
                    format!("function takes at most 7 arguments ({} given)", v.len())
                }));
            }
            let cells = [
                &this.filename,
                &this.lineno,
                &this.offset,
                &this.text,
                &this.end_lineno,
                &this.end_offset,
                &this._metadata,
            ];
            for (i, c) in cells.iter().enumerate() {
                c.set(v.get(i).cloned());
            }
            if v.len() == 5 {
                return Err(cx.type_error("end_offset must be provided when end_lineno is provided"));
            }
        }
        Ok(())
    }

    fn __str__(cx: &Ctx, this: This<'_, SyntaxErrorData>) -> PyResult {
        let msg = this.msg.get().unwrap_or_else(Obj::none).str(cx)?;
        let msg = as_utf8_lossy(&msg).into_owned();
        let file = this.filename.get().filter(|f| f.type_of().is_str_subtype()).map(|f| {
            let f = as_utf8_lossy(&f).into_owned();
            f.rsplit('/').next().unwrap_or("").to_owned()
        });
        let line = this.lineno.get().and_then(|l| crate::types::int::as_i64(&l));
        Ok(Obj::from(
            match (file, line) {
                (Some(f), Some(l)) => format!("{msg} ({f}, line {l})"),
                (Some(f), None) => format!("{msg} ({f})"),
                (None, Some(l)) => format!("{msg} (line {l})"),
                (None, None) => msg,
            }
            .as_str(),
        ))
    }
}
fields!(SyntaxErrorData: msg, filename, lineno, offset, text, end_lineno, end_offset, print_file_and_line, _metadata);

/// `UnicodeError`; its payload serves the three concrete classes.
#[pyclass(name = "UnicodeError", base = ValueErrorMarker, flags(basetype), doc = "A text could not be encoded or decoded.")]
#[derive(Traverse)]
#[repr(C)]
pub struct UnicodeErrorData {
    base: BaseException,
    pub(crate) encoding: ObjCell,
    pub(crate) object: ObjCell,
    pub(crate) start: ObjCell,
    pub(crate) end: ObjCell,
    pub(crate) reason: ObjCell,
}

#[pymethods]
impl UnicodeErrorData {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let none = || ObjCell::new(None);
        Ok(heap::new_instance(
            ty,
            UnicodeErrorData {
                base: BaseException::new(args.pos()),
                encoding: none(),
                object: none(),
                start: none(),
                end: none(),
                reason: none(),
            },
        ))
    }
}

/// The offending part of an object: one character or byte, or all from one to another.
enum Extent {
    One(Obj, usize),
    Many(i64, i64),
}

impl UnicodeErrorData {
    /// The object whose conversion failed.
    pub fn object(&self) -> Option<Obj> {
        self.object.get()
    }

    /// Start and end of the offending part, within the object's length.
    pub fn range(&self, len: usize) -> (usize, usize) {
        let n = |c: &ObjCell| c.get().and_then(|o| crate::types::int::as_i64(&o)).unwrap_or(0);
        let start = n(&self.start).clamp(0, (len as i64 - 1).max(0)) as usize;
        let end = n(&self.end).clamp(1.min(len as i64), len as i64) as usize;
        (start, end.max(start))
    }

    /// Why it failed.
    pub fn reason(&self) -> Option<Obj> {
        self.reason.get()
    }

    /// The codec's name.
    pub fn encoding(&self) -> Option<Obj> {
        self.encoding.get()
    }

    /// What the error is about. Reading other fields may have run code that changed the object.
    fn extent(&self, cx: &Ctx, bytes: bool) -> PyResult<Extent> {
        let Some(object) = self.object.get() else {
            return Err(cx.type_error("UnicodeError 'object' attribute is not set"));
        };
        let fits =
            if bytes { crate::types::bytes::as_bytes(&object).is_some() } else { object.type_of().is_str_subtype() };
        if !fits {
            let kind = if bytes { "bytes" } else { "string" };
            return Err(cx.type_error(format!("UnicodeError 'object' attribute must be a {kind}")));
        }
        let number = |cell: &ObjCell| cell.get().and_then(|o| crate::types::int::as_i64(&o)).unwrap_or(0);
        let (start, end) = (number(&self.start), number(&self.end));
        let len = object.len(cx)? as i64;
        if (0..len).contains(&start) && end == start.wrapping_add(1) {
            return Ok(Extent::One(object, start as usize));
        }
        Ok(Extent::Many(start, end.wrapping_sub(1)))
    }

    fn text(&self, cx: &Ctx, c: &ObjCell) -> PyResult<String> {
        let s = c.get().unwrap_or_else(Obj::none).str(cx)?;
        Ok(as_utf8_lossy(&s).into_owned())
    }
}
fields!(UnicodeErrorData: encoding, object, start, end, reason);

macro_rules! unicode_error {
    ($marker:ident $name:literal $doc:literal, [$($cell:ident),*], $object:literal, $text:expr) => {
        #[doc = $doc]
        #[pyclass(name = $name, base = UnicodeErrorData, flags(basetype), payload = "inherit", doc = $doc)]
        pub struct $marker;

        #[pymethods(parts("fields"))]
        impl $marker {
            fn __init__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
                no_kw(cx, this, &args)?;
                base_init(cx, this, args)?;
                let Some(d) = this.downcast::<UnicodeErrorData>() else { return Ok(()) };
                let cells = [$(&d.$cell),*];
                if args.pos().len() != cells.len() {
                    return Err(cx.type_error(format!(
                        "function takes exactly {} arguments ({} given)",
                        cells.len(),
                        args.pos().len()
                    )));
                }
                for (i, (c, v)) in cells.into_iter().zip(args.pos()).enumerate() {
                    let is_object = std::ptr::eq(c, &d.object);
                    let ok = if std::ptr::eq(c, &d.start) || std::ptr::eq(c, &d.end) {
                        v.to_i64(cx)?;
                        true
                    } else if is_object && $object == "bytes" {
                        true
                    } else {
                        v.type_of().is_str_subtype()
                    };
                    if !ok {
                        return Err(cx.type_error(format!(
                            "argument {} must be str, not {}",
                            i + 1,
                            v.type_of().name()
                        )));
                    }
                    let v = if is_object && $object == "bytes" && !v.is_exact(crate::native::FixedShape::Bytes) {
                        crate::types::bytes::from_buffer(cx, v)?
                    } else {
                        v.clone()
                    };
                    c.set(Some(v));
                }
                Ok(())
            }

            fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
                let Some(d) = this.downcast::<UnicodeErrorData>() else { return Ok(Obj::from("")) };
                if d.object.is_empty() {
                    return Ok(Obj::from(""));
                }
                let f: fn(&Ctx, &UnicodeErrorData) -> PyResult<String> = $text;
                Ok(Obj::from(f(cx, d)?.as_str()))
            }
        }

        impl $marker {
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_METHODS_fields: &'static [crate::native::NativeFn] = &[];
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_SLOTS_fields: fn(&crate::types::Slots) = |_| {};
            #[allow(non_upper_case_globals, dead_code, reason = "pymethods names them, where the type has such a block")]
            pub(crate) const CINDER_GETSET_fields: &'static [crate::native::GetSetDef] =
                UnicodeErrorData::CINDER_GETSET_fields;
        }
    };
}

fn char_escape(cx: &Ctx, s: &Obj, at: usize) -> PyResult<String> {
    let c = crate::types::str::code_point_at(s, at).unwrap_or(0);
    let _ = cx;
    Ok(match c {
        0..=0xff => format!("\\x{c:02x}"),
        0x100..=0xffff => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    })
}

unicode_error!(UnicodeEncodeMarker "UnicodeEncodeError" "A text has characters that the encoding lacks.",
[encoding, object, start, end, reason], "str", |cx, d| {
    let (enc, reason) = (d.text(cx, &d.encoding)?, d.text(cx, &d.reason)?);
    Ok(match d.extent(cx, false)? {
        Extent::One(object, at) => {
            format!("'{enc}' codec can't encode character '{}' in position {at}: {reason}", char_escape(cx, &object, at)?)
        }
        Extent::Many(start, last) => {
            format!("'{enc}' codec can't encode characters in position {start}-{last}: {reason}")
        }
    })
});

unicode_error!(UnicodeDecodeMarker "UnicodeDecodeError" "Bytes are no valid text in the encoding.",
[encoding, object, start, end, reason], "bytes", |cx, d| {
    let (enc, reason) = (d.text(cx, &d.encoding)?, d.text(cx, &d.reason)?);
    Ok(match d.extent(cx, true)? {
        Extent::One(object, at) => {
            let byte = object.get_item(cx, &Obj::from(at))?.to_i64(cx)?;
            format!("'{enc}' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")
        }
        Extent::Many(start, last) => {
            format!("'{enc}' codec can't decode bytes in position {start}-{last}: {reason}")
        }
    })
});

unicode_error!(UnicodeTranslateMarker "UnicodeTranslateError" "A text could not be translated.",
[object, start, end, reason], "str", |cx, d| {
    let reason = d.text(cx, &d.reason)?;
    Ok(match d.extent(cx, false)? {
        Extent::One(object, at) => {
            format!("can't translate character '{}' in position {at}: {reason}", char_escape(cx, &object, at)?)
        }
        Extent::Many(start, last) => format!("can't translate characters in position {start}-{last}: {reason}"),
    })
});
