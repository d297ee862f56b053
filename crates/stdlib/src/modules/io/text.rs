//! `TextIOWrapper`: text over a binary stream. Here: set-up and writing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::types::str::{self as text, Name, Str, StrData};
use cinder_pyobj::types::{Type, bytes, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::base::{TextIoBase, class_name};
use super::buffered;
use super::coder::{self, Decoder, Encoder};
use super::newline::Newlines;
use super::unsupported;

/// How much is read, and written at least, at a time.
const CHUNK: usize = 8192;

/// What the decoder was given last: its state before, and the bytes.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    pub flags: i64,
    pub input: Vec<u8>,
}

/// A text stream over a binary one with a buffer.
///
/// encoding and errors say how bytes become text and back, see the module codecs.
///
/// newline None reads all line ends as '\n' and writes os.linesep for '\n'; '' finds all line ends but changes nothing;
/// any other value is the only line end, and what '\n' is written as.
///
/// With line_buffering, a line end in what is written flushes the stream; with write_through nothing is held back.
#[pyclass(name = "TextIOWrapper", module = "_io", base = TextIoBase, flags(basetype),
    sig = "(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)")]
pub(crate) struct TextIoWrapper {
    pub(super) buffer: ObjCell,
    detached: Cell<bool>,
    encoding: ObjCell,
    errors: ObjCell,
    newline: RefCell<Option<String>>,
    line_buffering: Cell<bool>,
    write_through: Cell<bool>,
    encoder: RefCell<Option<Rc<Encoder>>>,
    pub(super) decoder: RefCell<Option<Rc<Decoder>>>,
    pub(super) newlines: RefCell<Option<Rc<Newlines>>>,
    pending: RefCell<Vec<u8>>,
    pub(super) chunk: Cell<usize>,
    pub(super) decoded: ObjCell,
    /// How many characters of `decoded` were given out.
    pub(super) used: Cell<usize>,
    pub(super) snapshot: RefCell<Option<Snapshot>>,
    pub(super) seekable: Cell<bool>,
    pub(super) telling: Cell<bool>,
    pub(super) has_read1: Cell<bool>,
}

impl Traverse for TextIoWrapper {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.buffer.traverse(visit);
        self.encoding.traverse(visit);
        self.errors.traverse(visit);
        self.decoded.traverse(visit);
        if let Some(e) = &*self.encoder.borrow()
            && let Encoder::Codec(o) = &**e
        {
            visit(o.value());
        }
        if let Some(d) = &*self.decoder.borrow()
            && let Decoder::Codec(o) = &**d
        {
            visit(o.value());
        }
    }

    fn clear(&self) {
        self.buffer.clear();
        let old = (self.encoder.borrow_mut().take(), self.decoder.borrow_mut().take());
        drop(old);
    }
}

/// Checks a newline argument.
pub(crate) fn newline_arg(cx: &Ctx, newline: Option<&Obj>) -> PyResult<Option<String>> {
    let Some(n) = newline.filter(|n| !n.is_none()) else { return Ok(None) };
    text::expect(cx, n, |t| format!("TextIOWrapper() argument 'newline' must be str or None, not {t}"))?;
    let s = text::as_utf8_lossy(n).into_owned();
    if !matches!(&*s, "" | "\n" | "\r" | "\r\n") {
        return Err(cx.value_error(format!("illegal newline value: {s}")));
    }
    Ok(Some(s))
}

fn text_arg<'a>(cx: &Ctx, o: Option<&'a Obj>, what: &str) -> PyResult<Option<&'a Obj>> {
    let Some(o) = o.filter(|o| !o.is_none()) else { return Ok(None) };
    text::expect(cx, o, |t| format!("TextIOWrapper() argument '{what}' must be str or None, not {t}"))?;
    if text::as_utf8_lossy(o).contains('\0') {
        return Err(cx.value_error("embedded null character"));
    }
    Ok(Some(o))
}

impl TextIoWrapper {
    pub(super) fn buffer(&self, cx: &Ctx) -> PyResult {
        self.buffer.get().ok_or_else(|| {
            cx.value_error(if self.detached.get() {
                "underlying buffer has been detached"
            } else {
                "I/O operation on uninitialized object"
            })
        })
    }

    pub(super) fn is_closed(&self, cx: &Ctx) -> PyResult<bool> {
        let b = self.buffer(cx)?;
        match buffered::closed_native(&b) {
            Some(c) => Ok(c),
            None => b.get_attr(cx, intern!("closed"))?.truthy(cx),
        }
    }

    pub(super) fn check_open(&self, cx: &Ctx) -> PyResult<()> {
        if self.is_closed(cx)? { Err(super::closed(cx)) } else { Ok(()) }
    }

    fn able(&self, cx: &Ctx, method: Name) -> PyResult<bool> {
        self.buffer(cx)?.call_method(cx, method, &[])?.truthy(cx)
    }

    pub(super) fn errors_name(&self) -> String {
        self.errors.get().map_or_else(|| "strict".into(), |e| text::as_utf8_lossy(&e).into_owned())
    }

    /// Makes encoder, decoder and newline state for the current settings.
    fn make_coders(&self, cx: &Ctx) -> PyResult<()> {
        let Some(encoding) = self.encoding.get() else { return Ok(()) };
        let encoding = text::as_utf8_lossy(&encoding).into_owned();
        let errors = self.errors_name();
        let charset = coder::charset(&encoding);
        let codec = match charset {
            Some(_) => None,
            None => Some(coder::text_codec(cx, &encoding)?),
        };
        let error_arg = Obj::from(errors.as_str());
        let newline = self.newline.borrow().clone();
        let (mut decoder, mut newlines, mut encoder) = (None, None, None);
        if self.able(cx, intern!("readable"))? {
            decoder = Some(Rc::new(match (charset, &codec) {
                (Some(c), _) => Decoder::Native(c, errors.clone(), RefCell::default()),
                (None, Some(i)) => Decoder::Codec(i.call_method(
                    cx,
                    intern!("incrementaldecoder"),
                    std::slice::from_ref(&error_arg),
                )?),
                (None, None) => return Ok(()),
            }));
            if newline.as_deref().is_none_or(str::is_empty) {
                newlines = Some(Rc::new(Newlines::new(newline.is_none())));
            }
        }
        if self.able(cx, intern!("writable"))? {
            encoder = Some(Rc::new(match (charset, &codec) {
                (Some(c), _) => Encoder::Native(c, errors),
                (None, Some(i)) => Encoder::Codec(i.call_method(cx, intern!("incrementalencoder"), &[error_arg])?),
                (None, None) => return Ok(()),
            }));
        }
        let old = (
            std::mem::replace(&mut *self.decoder.borrow_mut(), decoder),
            std::mem::replace(&mut *self.newlines.borrow_mut(), newlines),
            std::mem::replace(&mut *self.encoder.borrow_mut(), encoder),
        );
        drop(old);
        Ok(())
    }

    pub(super) fn encoder(&self) -> Option<Rc<Encoder>> {
        self.encoder.borrow().clone()
    }

    /// Tells an encoder with state where it is.
    fn place_encoder(&self, cx: &Ctx) -> PyResult<()> {
        if let Some(e) = self.encoder()
            && matches!(*e, Encoder::Codec(_))
            && self.seekable.get()
            && self.buffer(cx)?.call_method(cx, intern!("tell"), &[])?.to_i64(cx)? != 0
        {
            e.reset(cx, false)?;
        }
        Ok(())
    }

    /// What `newline` ends lines with when reading; nothing: universal newlines, untranslated.
    pub(super) fn line_end(&self) -> Option<&'static str> {
        match self.newline.borrow().as_deref() {
            None | Some("\n") => Some("\n"),
            Some("\r") => Some("\r"),
            Some("\r\n") => Some("\r\n"),
            _ => None,
        }
    }

    /// Hands what is pending to the buffer.
    pub(super) fn write_pending(&self, cx: &Ctx) -> PyResult<()> {
        let mut p = self.pending.take();
        if p.is_empty() {
            return Ok(());
        }
        let b = self.buffer(cx)?;
        match buffered::write_native(cx, &b, &p) {
            Some(r) => drop(r?),
            None => drop(b.call_method(cx, intern!("write"), &[bytes::new(&p)])?),
        }
        p.truncate(0);
        let mut now = self.pending.borrow_mut();
        if now.is_empty() && p.capacity() <= 8 * CHUNK {
            *now = p;
        }
        Ok(())
    }

    pub(super) fn forget_decoded(&self) {
        self.decoded.set(None);
        self.used.set(0);
        *self.snapshot.borrow_mut() = None;
    }

    fn write_text(&self, cx: &Ctx, o: &Obj, s: &Str) -> PyResult<usize> {
        self.check_open(cx)?;
        let Some(encoder) = self.encoder() else { return Err(unsupported(cx, "not writable")) };
        let n = s.len();
        let replaced = match self.newline.borrow().as_deref() {
            Some(n @ ("\r" | "\r\n")) => Some(n.to_owned()),
            _ => None,
        };
        let line_buffering = self.line_buffering.get();
        let has = |c: u8| match s.data() {
            StrData::Latin1(u) => memchr::memchr(c, u).is_some(),
            _ => s.code_points().any(|x| x == u32::from(c)),
        };
        let lf = (replaced.is_some() || line_buffering) && has(b'\n');
        let flush = line_buffering && (lf || has(b'\r'));
        if let (StrData::Latin1(u), false, true, Encoder::Native(..)) =
            (s.data(), lf && replaced.is_some(), s.is_ascii(), &*encoder)
        {
            self.pending.borrow_mut().extend_from_slice(u);
        } else {
            let translated;
            let o = match replaced {
                Some(end) if lf => {
                    translated = o.call_method(cx, intern!("replace"), &[Obj::from("\n"), Obj::from(end)])?;
                    &translated
                }
                _ => o,
            };
            let mut out = Vec::new();
            encoder.encode(cx, o, &mut out)?;
            self.pending.borrow_mut().extend_from_slice(&out);
        }
        if self.pending.borrow().len() >= self.chunk.get() || flush || self.write_through.get() {
            self.write_pending(cx)?;
        }
        if flush {
            let b = self.buffer(cx)?;
            match buffered::flush_native(cx, &b) {
                Some(r) => r?,
                None => drop(b.call_method(cx, intern!("flush"), &[])?),
            }
        }
        if !self.decoded.is_empty() || self.snapshot.borrow().is_some() {
            self.forget_decoded();
        }
        let decoder = self.decoder.borrow().clone();
        if let Some(d) = decoder {
            d.reset(cx)?;
        }
        Ok(n)
    }
}

#[pymethods(parts("reading", "seeking"))]
impl TextIoWrapper {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(
            ty,
            TextIoWrapper {
                buffer: ObjCell::new(None),
                detached: Cell::new(false),
                encoding: ObjCell::new(None),
                errors: ObjCell::new(None),
                newline: RefCell::default(),
                line_buffering: Cell::new(false),
                write_through: Cell::new(false),
                encoder: RefCell::default(),
                decoder: RefCell::default(),
                newlines: RefCell::default(),
                pending: RefCell::default(),
                chunk: Cell::new(CHUNK),
                decoded: ObjCell::new(None),
                used: Cell::new(0),
                snapshot: RefCell::default(),
                seekable: Cell::new(false),
                telling: Cell::new(false),
                has_read1: Cell::new(false),
            },
        ))
    }

    #[pymethod(
        sig = "($self, buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)"
    )]
    fn __init__(
        cx: &Ctx,
        this: This<'_, TextIoWrapper>,
        buffer: &Obj,
        encoding: Option<&Obj>,
        errors: Option<&Obj>,
        newline: Option<&Obj>,
        line_buffering: bool,
        write_through: bool,
    ) -> PyResult<()> {
        this.buffer.set(None);
        this.detached.set(false);
        let encoding = text_arg(cx, encoding, "encoding")?;
        let errors = text_arg(cx, errors, "errors")?;
        let newline = newline_arg(cx, newline)?;
        let encoding = match encoding {
            Some(e) if &*text::as_utf8_lossy(e) != "locale" => e.clone(),
            None if super::open::flag(cx, intern!("utf8_mode"))? => Obj::from("utf-8"),
            _ => Obj::from(crate::modules::locale::encoding().as_str()),
        };
        this.encoding.set(Some(encoding));
        this.errors.set(Some(errors.cloned().unwrap_or_else(|| Obj::from("strict"))));
        *this.newline.borrow_mut() = newline;
        this.line_buffering.set(line_buffering);
        this.write_through.set(write_through);
        this.pending.borrow_mut().truncate(0);
        this.forget_decoded();
        this.buffer.set(Some(buffer.clone()));
        let set_up = || -> PyResult<()> {
            this.make_coders(cx)?;
            let s = buffer.call_method(cx, intern!("seekable"), &[])?.truthy(cx)?;
            this.seekable.set(s);
            this.telling.set(s);
            this.has_read1.set(buffer.get_attr_opt(cx, intern!("read1"))?.is_some());
            this.place_encoder(cx)
        };
        set_up().inspect_err(|_| this.buffer.set(None))
    }

    /// Writes a string to the stream and returns the number of its characters.
    #[pymethod(sig = "($self, text, /)")]
    fn write(cx: &Ctx, this: This<'_, TextIoWrapper>, text: &Obj) -> PyResult<usize> {
        let s = text::expect(cx, text, |t| format!("write() argument must be str, not {t}"))?;
        this.write_text(cx, text, s)
    }

    #[pymethod]
    fn flush(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.check_open(cx)?;
        this.telling.set(this.seekable.get());
        this.write_pending(cx)?;
        this.buffer(cx)?.call_method(cx, intern!("flush"), &[])
    }

    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult<()> {
        let b = this.buffer(cx)?;
        if this.is_closed(cx)? {
            return Ok(());
        }
        let first = match this.obj().call_method(cx, intern!("flush"), &[]) {
            Ok(_) => None,
            Err(r) => Some(cx.take(r)),
        };
        let closed = b.call_method(cx, intern!("close"), &[]);
        match (first, closed) {
            (None, r) => r.map(drop),
            (Some(e), Ok(_)) => Err(cx.set_pending(e)),
            (Some(e), Err(r)) => {
                let second = cx.take(r);
                exc::set_context(&second, Some(e));
                Err(cx.set_pending(second))
            }
        }
    }

    #[pymethod]
    fn detach(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        let b = this.buffer(cx)?;
        this.obj().call_method(cx, intern!("flush"), &[])?;
        this.buffer.set(None);
        this.detached.set(true);
        Ok(b)
    }

    /// Reconfigures the text stream with new parameters. Implies a flush.
    #[pymethod(sig = "($self, *, encoding=None, errors=None, newline=..., line_buffering=None, write_through=None)")]
    fn reconfigure(cx: &Ctx, this: This<'_, TextIoWrapper>, args: Args<'_>) -> PyResult<()> {
        if !args.pos().is_empty() {
            return Err(cx.type_error(format!(
                "reconfigure() takes exactly 0 positional arguments ({} given)",
                args.pos().len()
            )));
        }
        let (mut encoding, mut errors, mut newline) = (None, None, None);
        let (mut line, mut through) = (this.line_buffering.get(), this.write_through.get());
        for (k, v) in args.keywords() {
            match &*text::as_utf8_lossy(k) {
                "encoding" => encoding = text_arg(cx, Some(v), "encoding")?,
                "errors" => errors = text_arg(cx, Some(v), "errors")?,
                "newline" => newline = Some(newline_arg(cx, Some(v))?),
                "line_buffering" if v.is_none() => {}
                "line_buffering" => line = v.truthy(cx)?,
                "write_through" if v.is_none() => {}
                "write_through" => through = v.truthy(cx)?,
                k => {
                    return Err(cx.type_error(format!("reconfigure() got an unexpected keyword argument '{k}'")));
                }
            }
        }
        let changes = encoding.is_some() || errors.is_some() || newline.is_some();
        if changes && !this.decoded.is_empty() {
            return Err(unsupported(
                cx,
                "It is not possible to set the encoding or newline of stream after the first read",
            ));
        }
        this.obj().call_method(cx, intern!("flush"), &[])?;
        if changes {
            let saved = (this.encoding.get(), this.errors.get(), this.newline.borrow().clone());
            match (encoding, errors) {
                (Some(e), None) => {
                    let e = match &*text::as_utf8_lossy(e) {
                        "locale" => Obj::from(crate::modules::locale::encoding().as_str()),
                        _ => e.clone(),
                    };
                    this.encoding.set(Some(e));
                    this.errors.set(Some(Obj::from("strict")));
                }
                (e, Some(errors)) => {
                    if let Some(e) = e {
                        this.encoding.set(Some(e.clone()));
                    }
                    this.errors.set(Some(errors.clone()));
                }
                (None, None) => {}
            }
            if let Some(n) = newline {
                *this.newline.borrow_mut() = n;
            }
            if let Err(r) = this.make_coders(cx) {
                this.encoding.set(saved.0);
                this.errors.set(saved.1);
                *this.newline.borrow_mut() = saved.2;
                return Err(r);
            }
            this.place_encoder(cx)?;
        }
        this.line_buffering.set(line);
        this.write_through.set(through);
        Ok(())
    }

    #[pymethod]
    fn fileno(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.call_method(cx, intern!("fileno"), &[])
    }

    #[pymethod]
    fn isatty(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.call_method(cx, intern!("isatty"), &[])
    }

    #[pymethod]
    fn seekable(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.call_method(cx, intern!("seekable"), &[])
    }

    #[pymethod]
    fn readable(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.call_method(cx, intern!("readable"), &[])
    }

    #[pymethod]
    fn writable(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.call_method(cx, intern!("writable"), &[])
    }

    #[pymethod(name = "_dealloc_warn", sig = "($self, source, /)")]
    fn dealloc_warn(cx: &Ctx, this: This<'_, TextIoWrapper>, source: &Obj) -> PyResult<()> {
        match this.buffer.get() {
            Some(b) => b.call_method(cx, intern!("_dealloc_warn"), std::slice::from_ref(source)).map(drop),
            None => Ok(()),
        }
    }

    #[pymethod(name = "__getstate__")]
    fn getstate(cx: &Ctx, this: &Obj) -> PyResult {
        Err(cx.type_error(format!("cannot pickle '{}' instances", class_name(this))))
    }

    #[pygetter(name = "buffer")]
    fn buffer_of(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> Obj {
        this.buffer.get().unwrap_or_else(Obj::none)
    }

    #[pygetter]
    fn closed(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult<bool> {
        this.is_closed(cx)
    }

    #[pygetter]
    fn name(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.buffer(cx)?.get_attr(cx, intern!("name"))
    }

    #[pygetter]
    fn encoding(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> Obj {
        this.encoding.get().unwrap_or_else(Obj::none)
    }

    #[pygetter]
    fn errors(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> Obj {
        this.errors.get().unwrap_or_else(Obj::none)
    }

    #[pygetter(name = "newlines")]
    fn newlines_of(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> Obj {
        this.newlines.borrow().as_ref().map_or_else(Obj::none, |n| n.seen())
    }

    #[pygetter(name = "line_buffering")]
    fn line_buffering_of(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> bool {
        this.line_buffering.get()
    }

    #[pygetter(name = "write_through")]
    fn write_through_of(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> bool {
        this.write_through.get()
    }

    #[pygetter(name = "_CHUNK_SIZE")]
    fn chunk_size(_cx: &Ctx, this: This<'_, TextIoWrapper>) -> usize {
        this.chunk.get()
    }

    #[pysetter(name = "_CHUNK_SIZE")]
    fn set_chunk_size(cx: &Ctx, this: This<'_, TextIoWrapper>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.raise(exc::AttributeError(), "cannot delete attribute")) };
        match usize::try_from(v.to_i64(cx)?) {
            Ok(n @ 1..) => {
                this.chunk.set(n);
                Ok(())
            }
            _ => Err(cx.value_error("a strictly positive integer is required")),
        }
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult<String> {
        let mut out = format!("<{}", class_name(this));
        if let Some(n) = super::base::name_repr(cx, this)? {
            out.push_str(&format!(" name={n}"));
        }
        if let Some(m) = this.get_attr_opt(cx, intern!("mode"))? {
            out.push_str(&format!(" mode={}", text::as_utf8_lossy(&m.repr(cx)?)));
        }
        if let Some(t) = this.downcast::<TextIoWrapper>()
            && let Some(e) = t.encoding.get()
        {
            out.push_str(&format!(" encoding={}", text::as_utf8_lossy(&e.repr(cx)?)));
        }
        out.push('>');
        Ok(out)
    }
}
