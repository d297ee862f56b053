//! `_struct`: packed binary data.

mod codec;
mod format;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type, codecs};

use format::Layout;

/// The error of this module.
#[pyclass(name = "error", module = "struct", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct StructError;

#[cold]
fn raise(cx: &Ctx, message: &str) -> Raised {
    cx.raise(StructError::class().type_object(), message)
}

thread_local! {
    static CACHE: RefCell<HashMap<Vec<u8>, Rc<Layout>>> = RefCell::default();
}

/// The format as text and as a layout.
fn format_of(cx: &Ctx, o: &Obj) -> PyResult<(Vec<u8>, Rc<Layout>)> {
    let f = if o.downcast::<Str>().is_some() {
        let b = codecs::encode(cx, o, "ascii", "strict")?;
        BytesLike::new(cx, &b)?.to_vec()
    } else if let Some(b) = bytes::as_bytes(o) {
        b.to_vec()
    } else {
        return Err(
            cx.type_error(format!("Struct() argument 1 must be a str or bytes object, not {}", o.type_of().name()))
        );
    };
    if let Some(l) = CACHE.with_borrow(|c| c.get(&f).cloned()) {
        return Ok((f, l));
    }
    if f.contains(&0) {
        return Err(raise(cx, "embedded null character"));
    }
    let l = Rc::new(format::parse(cx, &f)?);
    CACHE.with_borrow_mut(|c| {
        if c.len() >= 100 {
            c.clear();
        }
        c.insert(f.clone(), l.clone());
    });
    Ok((f, l))
}

/// A compiled format.
#[pyclass(name = "Struct", module = "_struct", flags(basetype, weakref))]
pub(crate) struct Struct {
    format: RefCell<Vec<u8>>,
    layout: RefCell<Option<Rc<Layout>>>,
}

impl Traverse for Struct {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut cinder_pyobj::heap::Visitor<'_>) {}
}

impl Struct {
    fn layout(&self, cx: &Ctx) -> PyResult<Rc<Layout>> {
        let l = self.layout.borrow().clone();
        l.ok_or_else(|| cx.runtime_error("Struct object is not initialized"))
    }
}

fn do_pack(cx: &Ctx, l: &Layout, values: &[Obj]) -> PyResult<Vec<u8>> {
    if values.len() != l.values {
        return Err(raise(cx, &format!("pack expected {} items for packing (got {})", l.values, values.len())));
    }
    codec::pack_all(cx, l, values)
}

fn do_unpack(cx: &Ctx, l: &Layout, buffer: &Obj) -> PyResult {
    let b = BytesLike::new(cx, buffer)?;
    let values = b.with(|b| if b.len() == l.size { Some(codec::unpack(l, b)) } else { None });
    match values {
        Some(v) => Ok(tuple::new(v)),
        None => Err(raise(cx, &format!("unpack requires a buffer of {} bytes", l.size))),
    }
}

/// The start of a window of `size` bytes at `offset` in a buffer of `len` bytes.
fn window(cx: &Ctx, len: usize, offset: isize, size: usize, packing: bool) -> PyResult<usize> {
    let mut at = offset;
    if offset < 0 {
        if offset.unsigned_abs() < size {
            return Err(raise(
                cx,
                &if packing {
                    format!("no space to pack {size} bytes at offset {offset}")
                } else {
                    format!("not enough data to unpack {size} bytes at offset {offset}")
                },
            ));
        }
        at += len as isize;
        if at < 0 {
            return Err(raise(cx, &format!("offset {offset} out of range for {len}-byte buffer")));
        }
    }
    let at = at as usize;
    if len < at || len - at < size {
        let (f, what) = if packing { ("pack_into", "packing") } else { ("unpack_from", "unpacking") };
        return Err(raise(
            cx,
            &format!(
                "{f} requires a buffer of at least {} bytes for {what} {size} bytes at offset {at} (actual buffer size is {len})",
                at.saturating_add(size)
            ),
        ));
    }
    Ok(at)
}

fn do_unpack_from(cx: &Ctx, l: &Layout, buffer: &Obj, offset: isize) -> PyResult {
    let b = BytesLike::new(cx, buffer)?;
    let at = window(cx, b.len(), offset, l.size, false)?;
    Ok(tuple::new(b.with(|b| codec::unpack(l, b.get(at..at + l.size).unwrap_or(&[])))))
}

fn do_pack_into(cx: &Ctx, l: &Layout, args: &[Obj]) -> PyResult<()> {
    let [buffer, offset, values @ ..] = args else {
        return Err(raise(
            cx,
            if args.is_empty() { "pack_into expected buffer argument" } else { "pack_into expected offset argument" },
        ));
    };
    if values.len() != l.values {
        return Err(raise(cx, &format!("pack_into expected {} items for packing (got {})", l.values, values.len())));
    }
    let b = match Buffer::get(cx, buffer, BufferFlags::WRITABLE) {
        Ok(b) => b,
        Err(r) => {
            cx.swallow(r, exc::BufferError())?;
            return Err(cx.type_error(format!(
                "argument must be read-write bytes-like object, not {}",
                buffer.type_of().name()
            )));
        }
    };
    let at = window(cx, b.len(), offset.to_isize(cx)?, l.size, true)?;
    let data = codec::pack_all(cx, l, values)?;
    b.with_bytes_mut(|m| {
        if let Some(part) = m.get_mut(at..at + data.len()) {
            part.copy_from_slice(&data);
        }
    });
    Ok(())
}

fn do_iter_unpack(cx: &Ctx, l: &Rc<Layout>, buffer: &Obj) -> PyResult {
    if l.size == 0 {
        return Err(raise(cx, "cannot iteratively unpack with a struct of length 0"));
    }
    let b = Buffer::simple(cx, buffer)?;
    if b.len() % l.size != 0 {
        return Err(raise(cx, &format!("iterative unpacking requires a buffer of a multiple of {} bytes", l.size)));
    }
    let it = UnpackIterator { layout: l.clone(), buffer: RefCell::new(Some(b)), at: Cell::new(0) };
    Ok(new_instance(UnpackIterator::type_object(), it))
}

#[pymethods]
impl Struct {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> Obj {
        let _ = args;
        new_instance(ty, Struct { format: RefCell::default(), layout: RefCell::new(None) })
    }

    #[pymethod(sig = "(format)")]
    fn __init__(cx: &Ctx, this: This<'_, Struct>, format: &Obj) -> PyResult<()> {
        let (f, l) = format_of(cx, format)?;
        this.format.replace(f);
        this.layout.replace(Some(l));
        Ok(())
    }

    /// Packs values into bytes.
    #[pymethod(sig = "($self, /, *values)")]
    fn pack(cx: &Ctx, this: This<'_, Struct>, values: &[Obj]) -> PyResult {
        Ok(bytes::new(&do_pack(cx, &*this.layout(cx)?, values)?))
    }

    /// Packs values into a writable buffer from an offset on.
    #[pymethod(sig = "($self, /, *args)")]
    fn pack_into(cx: &Ctx, this: This<'_, Struct>, args: Args<'_>) -> PyResult<()> {
        args.no_keywords(cx, "pack_into")?;
        do_pack_into(cx, &*this.layout(cx)?, args.pos())
    }

    /// Unpacks a buffer of exactly the format's size.
    #[pymethod(sig = "($self, buffer, /)")]
    fn unpack(cx: &Ctx, this: This<'_, Struct>, buffer: &Obj) -> PyResult {
        do_unpack(cx, &*this.layout(cx)?, buffer)
    }

    /// Unpacks from an offset in a buffer.
    #[pymethod(sig = "($self, /, buffer, offset=0)")]
    fn unpack_from(cx: &Ctx, this: This<'_, Struct>, buffer: &Obj, offset: isize) -> PyResult {
        do_unpack_from(cx, &*this.layout(cx)?, buffer, offset)
    }

    /// Unpacks a buffer piece by piece.
    #[pymethod(sig = "($self, buffer, /)")]
    fn iter_unpack(cx: &Ctx, this: This<'_, Struct>, buffer: &Obj) -> PyResult {
        do_iter_unpack(cx, &this.layout(cx)?, buffer)
    }

    fn __repr__(cx: &Ctx, this: This<'_, Struct>) -> PyResult {
        this.layout(cx)?;
        let text = this.format.borrow().iter().map(|c| *c as char).collect::<String>();
        Ok(Obj::from(format!(
            "{}({})",
            this.obj().type_of().short_name(),
            cinder_pyobj::types::str::repr::repr_str(&text)
        )))
    }

    /// The format string.
    #[pygetter]
    fn format(cx: &Ctx, this: This<'_, Struct>) -> PyResult {
        this.layout(cx)?;
        Ok(cinder_pyobj::types::str::from_latin1(&this.format.borrow()))
    }

    /// The size of the packed data in bytes.
    #[pygetter]
    fn size(_cx: &Ctx, this: This<'_, Struct>) -> isize {
        this.layout.borrow().as_ref().map_or(-1, |l| l.size as isize)
    }

    /// How many bytes the object takes, with what it has allocated for itself.
    #[pymethod(name = "__sizeof__")]
    fn size_of(cx: &Ctx, this: This<'_, Struct>) -> PyResult<usize> {
        Ok(size_of::<Struct>() + 16 + this.layout(cx)?.fields.len() * size_of::<format::Field>())
    }
}

/// Unpacks piece by piece.
#[pyclass(name = "unpack_iterator", module = "_struct", flags(no_new))]
pub(crate) struct UnpackIterator {
    layout: Rc<Layout>,
    buffer: RefCell<Option<Buffer>>,
    at: Cell<usize>,
}

impl Traverse for UnpackIterator {
    fn traverse(&self, visit: &mut cinder_pyobj::heap::Visitor<'_>) {
        if let Ok(b) = self.buffer.try_borrow()
            && let Some(b) = &*b
        {
            visit(b.exporter().value());
        }
    }
}

#[pymethods]
impl UnpackIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(&self) -> PyResult<Option<Obj>> {
        let at = self.at.get();
        let values = match &*self.buffer.borrow() {
            Some(b) => b.with_bytes(|b| b.get(at..at + self.layout.size).map(|b| codec::unpack(&self.layout, b))),
            None => None,
        };
        match values {
            Some(v) => {
                self.at.set(at + self.layout.size);
                Ok(Some(tuple::new(v)))
            }
            None => {
                let done = self.buffer.borrow_mut().take();
                drop(done);
                Ok(None)
            }
        }
    }

    /// How many pieces are left.
    #[pymethod]
    fn __length_hint__(&self) -> usize {
        match &*self.buffer.borrow() {
            Some(b) => b.len().saturating_sub(self.at.get()) / self.layout.size.max(1),
            None => 0,
        }
    }
}

/// Functions to convert between Python values and C structs, as bytes.
#[pymodule(name = "_struct", classes(super::Struct))]
pub(crate) mod module {
    use super::*;

    /// The size of a format in bytes.
    #[pyfunction(sig = "(format, /)")]
    fn calcsize(cx: &Ctx, format: &Obj) -> PyResult<usize> {
        Ok(format_of(cx, format)?.1.size)
    }

    /// Packs values by a format.
    #[pyfunction(sig = "(format, /, *values)")]
    fn pack(cx: &Ctx, format: &Obj, values: &[Obj]) -> PyResult {
        Ok(bytes::new(&do_pack(cx, &*format_of(cx, format)?.1, values)?))
    }

    /// Packs values into a writable buffer from an offset on.
    #[pyfunction(sig = "(format, /, *args)")]
    fn pack_into(cx: &Ctx, format: &Obj, args: &[Obj]) -> PyResult<()> {
        do_pack_into(cx, &*format_of(cx, format)?.1, args)
    }

    /// Unpacks a buffer of exactly the format's size.
    #[pyfunction(sig = "(format, buffer, /)")]
    fn unpack(cx: &Ctx, format: &Obj, buffer: &Obj) -> PyResult {
        do_unpack(cx, &*format_of(cx, format)?.1, buffer)
    }

    /// Unpacks from an offset in a buffer.
    #[pyfunction(sig = "(format, /, buffer, offset=0)")]
    fn unpack_from(cx: &Ctx, format: &Obj, buffer: &Obj, offset: isize) -> PyResult {
        do_unpack_from(cx, &*format_of(cx, format)?.1, buffer, offset)
    }

    /// Unpacks a buffer piece by piece.
    #[pyfunction(sig = "(format, buffer, /)")]
    fn iter_unpack(cx: &Ctx, format: &Obj, buffer: &Obj) -> PyResult {
        do_iter_unpack(cx, &format_of(cx, format)?.1, buffer)
    }

    /// Empties the cache of parsed formats.
    #[pyfunction]
    fn _clearcache() {
        CACHE.with_borrow_mut(HashMap::clear);
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, Name::new("error"), &StructError::class().type_object().as_obj())
    }
}
