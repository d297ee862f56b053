//! `MultibyteStreamReader` and `MultibyteStreamWriter`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{Type, bytes};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::coders::{Coder, Decoder, Encoder};

/// Decodes what it reads from a binary stream.
#[pyclass(name = "MultibyteStreamReader", module = "_multibytecodec", flags(basetype))]
#[derive(Traverse)]
pub(super) struct MultibyteStreamReader {
    decoder: Decoder,
    stream: ObjCell,
}

/// A size argument: nothing for None and negative numbers.
fn size(cx: &Ctx, o: Option<&Obj>) -> PyResult<Option<usize>> {
    match o {
        None => Ok(None),
        Some(o) if o.is_none() => Ok(None),
        Some(o) if o.is_int() => Ok(usize::try_from(o.to_isize(cx)?).ok()),
        Some(_) => Err(cx.type_error("arg 1 must be an integer")),
    }
}

impl MultibyteStreamReader {
    /// Reads with a method of the stream until there is some text, or the end.
    fn read_with(&self, cx: &Ctx, method: Name, size: Option<usize>) -> PyResult {
        if size == Some(0) {
            return Ok(Obj::from(""));
        }
        let stream = self.stream.get().unwrap_or_else(Obj::none);
        let mut size = size;
        loop {
            let data = match size {
                Some(n) => stream.call_method(cx, method.clone(), &[Obj::from(n)])?,
                None => stream.call_method(cx, method.clone(), &[])?,
            };
            let Some(b) = bytes::as_bytes(&data) else {
                let name = data.type_of().name().to_string();
                return Err(cx.type_error(format!("stream function returned a non-bytes object ({name})")));
            };
            let out = self.decoder.decode(cx, b, b.is_empty() || size.is_none())?;
            let some = out.downcast::<Str>().is_some_and(|s| s.len() > 0);
            if some || b.is_empty() || size.is_none() {
                return Ok(out);
            }
            // The rest of one character is all that is needed.
            size = Some(1);
        }
    }
}

#[pymethods]
impl MultibyteStreamReader {
    #[pynew(sig = "(stream, errors='strict')", name = "StreamReader")]
    fn __new__(cx: &Ctx, ty: &Type, stream: &Obj, errors: Option<&str>) -> PyResult {
        let decoder = Decoder::new(Coder::new(cx, ty, errors, false)?);
        let stream = ObjCell::new(Some(stream.clone()));
        Ok(new_instance(ty, MultibyteStreamReader { decoder, stream }))
    }

    fn __init__(_cx: &Ctx, _this: &Obj, _args: Args<'_>) -> PyResult<()> {
        Ok(())
    }

    /// The text of at most so many bytes, or of all that is left.
    #[pymethod(sig = "($self, sizeobj=None, /)")]
    fn read(&self, cx: &Ctx, sizeobj: Option<&Obj>) -> PyResult {
        self.read_with(cx, intern!("read"), size(cx, sizeobj)?)
    }

    /// The text of a line, or of the first so many bytes of it.
    #[pymethod(sig = "($self, sizeobj=None, /)")]
    fn readline(&self, cx: &Ctx, sizeobj: Option<&Obj>) -> PyResult {
        self.read_with(cx, intern!("readline"), size(cx, sizeobj)?)
    }

    /// The lines of the text of at most so many bytes, or of all that is left.
    #[pymethod(sig = "($self, sizehintobj=None, /)")]
    fn readlines(&self, cx: &Ctx, sizehintobj: Option<&Obj>) -> PyResult {
        let text = self.read_with(cx, intern!("read"), size(cx, sizehintobj)?)?;
        text.call_method(cx, intern!("splitlines"), &[Obj::from_bool(true)])
    }

    /// Goes back to the initial state; bytes that were kept are lost.
    #[pymethod]
    fn reset(&self) {
        self.decoder.reset();
    }

    /// The binary stream.
    #[pygetter(member)]
    fn stream(&self) -> Option<Obj> {
        self.stream.get()
    }

    /// The name of the error handler.
    #[pygetter]
    fn errors(&self) -> Obj {
        self.decoder.coder.errors()
    }

    #[pysetter]
    fn set_errors(cx: &Ctx, this: This<'_, MultibyteStreamReader>, value: Option<&Obj>) -> PyResult<()> {
        this.decoder.coder.set_errors(cx, value)
    }
}

/// Encodes what is written to a binary stream.
#[pyclass(name = "MultibyteStreamWriter", module = "_multibytecodec", flags(basetype))]
#[derive(Traverse)]
pub(super) struct MultibyteStreamWriter {
    encoder: Encoder,
    stream: ObjCell,
}

impl MultibyteStreamWriter {
    fn send(&self, cx: &Ctx, data: &[u8]) -> PyResult<()> {
        let stream = self.stream.get().unwrap_or_else(Obj::none);
        stream.call_method(cx, intern!("write"), &[bytes::new(data)]).map(drop)
    }
}

#[pymethods]
impl MultibyteStreamWriter {
    #[pynew(sig = "(stream, errors='strict')", name = "StreamWriter")]
    fn __new__(cx: &Ctx, ty: &Type, stream: &Obj, errors: Option<&str>) -> PyResult {
        let encoder = Encoder::new(Coder::new(cx, ty, errors, true)?);
        let stream = ObjCell::new(Some(stream.clone()));
        Ok(new_instance(ty, MultibyteStreamWriter { encoder, stream }))
    }

    fn __init__(_cx: &Ctx, _this: &Obj, _args: Args<'_>) -> PyResult<()> {
        Ok(())
    }

    /// Writes a text, but for characters at its end that may combine with what follows.
    #[pymethod(sig = "($self, strobj, /)")]
    fn write(&self, cx: &Ctx, strobj: &Obj) -> PyResult<()> {
        let data = self.encoder.encode(cx, strobj, false)?;
        self.send(cx, &data)
    }

    /// Writes each text of a sequence.
    #[pymethod(sig = "($self, lines, /)")]
    fn writelines(&self, cx: &Ctx, lines: &Obj) -> PyResult<()> {
        if lines.type_of().slots.getitem.get().is_none() {
            return Err(cx.type_error("arg must be a sequence object"));
        }
        // The sequence may change while it is written.
        let mut i = 0;
        while i < lines.len(cx)? {
            let line = lines.get_item(cx, &Obj::from(i))?;
            self.write(cx, &line)?;
            i += 1;
        }
        Ok(())
    }

    /// Writes what was kept and what leads back to the initial state; does nothing where nothing was kept.
    #[pymethod]
    fn reset(&self, cx: &Ctx) -> PyResult<()> {
        if self.encoder.pending.get().is_none() {
            return Ok(());
        }
        let data = self.encoder.encode(cx, &Obj::from(""), true);
        self.encoder.pending.set(None);
        let data = data?;
        if data.is_empty() { Ok(()) } else { self.send(cx, &data) }
    }

    /// The binary stream.
    #[pygetter(member)]
    fn stream(&self) -> Option<Obj> {
        self.stream.get()
    }

    /// The name of the error handler.
    #[pygetter]
    fn errors(&self) -> Obj {
        self.encoder.coder.errors()
    }

    #[pysetter]
    fn set_errors(cx: &Ctx, this: This<'_, MultibyteStreamWriter>, value: Option<&Obj>) -> PyResult<()> {
        this.encoder.coder.set_errors(cx, value)
    }
}
