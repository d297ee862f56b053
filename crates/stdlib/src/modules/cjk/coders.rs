//! `MultibyteCodec`, and the incremental encoder and decoder.

use std::cell::Cell;

use cinder_pyobj::codecs::registry;
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder};
use cinder_pyobj::types::{Type, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::codec::State;
use super::driver::{self, Decoding, Named};

/// How many bytes of an incomplete character a decoder keeps.
const MAX_PENDING: usize = 8;

/// How many bytes of UTF-8 of characters that wait for the next an encoder keeps.
const MAX_PENDING_UTF8: usize = 8;

/// A codec that keeps no state between calls.
#[pyclass(name = "MultibyteCodec", module = "_multibytecodec", flags(no_new))]
pub(super) struct MultibyteCodec {
    named: Named,
}

impl Traverse for MultibyteCodec {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// A new codec object.
pub(super) fn new_codec(named: Named) -> Obj {
    new_instance(MultibyteCodec::type_object(), MultibyteCodec { named })
}

/// The `codec` of a class, which says what its instances code.
fn codec_of(cx: &Ctx, ty: &Type) -> PyResult<Named> {
    let codec = ty.as_obj().get_attr(cx, intern!("codec"))?;
    match codec.downcast::<MultibyteCodec>() {
        Some(c) => Ok(c.named),
        None => Err(cx.type_error("codec is unexpected type")),
    }
}

#[pymethods]
impl MultibyteCodec {
    /// A pair of the bytes of a text and its length.
    ///
    /// errors is 'strict', which raises UnicodeEncodeError, or another handler that the module codecs knows.
    #[pymethod(sig = "($self, /, input, errors=None)")]
    fn encode(&self, cx: &Ctx, input: &Obj, errors: Option<&str>) -> PyResult {
        let input = if input.downcast::<Str>().is_some() { input.clone() } else { input.str(cx)? };
        let errors = text::new(errors.unwrap_or("strict"));
        let mut state = self.named.codec.new_encoder();
        let (out, n) = driver::encode(cx, self.named, &mut state, &input, &errors, true, true)?;
        Ok(registry::pair(bytes::new(&out), n))
    }

    /// A pair of the text of bytes and their number.
    ///
    /// errors is 'strict', which raises UnicodeDecodeError, or another handler that the module codecs knows.
    #[pymethod(sig = "($self, /, input, errors=None)")]
    fn decode(&self, cx: &Ctx, input: &Obj, errors: Option<&str>) -> PyResult {
        let data = BytesLike::new(cx, input)?.to_vec();
        let errors = text::new(errors.unwrap_or("strict"));
        let mut state = self.named.codec.new_decoder();
        let mut d = Decoding::new(cx, self.named, &errors, &data);
        loop {
            d.feed(&mut state)?;
            if d.is_done() {
                break;
            }
            d.incomplete()?;
        }
        Ok(registry::pair(d.out.finish(), data.len()))
    }
}

/// The codec, error handler and state that incremental coders and streams have.
#[derive(Traverse)]
pub(super) struct Coder {
    #[traverse(skip)]
    pub named: Named,
    errors: ObjCell,
    #[traverse(skip)]
    pub state: Cell<State>,
}

impl Coder {
    pub fn new(cx: &Ctx, ty: &Type, errors: Option<&str>, encoder: bool) -> PyResult<Coder> {
        let named = codec_of(cx, ty)?;
        let state = if encoder { named.codec.new_encoder() } else { named.codec.new_decoder() };
        let errors = ObjCell::new(Some(text::new(errors.unwrap_or("strict"))));
        Ok(Coder { named, errors, state: Cell::new(state) })
    }

    pub fn errors(&self) -> Obj {
        self.errors.get().unwrap_or_else(Obj::none)
    }

    pub fn set_errors(&self, cx: &Ctx, value: Option<&Obj>) -> PyResult<()> {
        match value {
            None => Err(cx.raise(exc::AttributeError(), "cannot delete attribute")),
            Some(v) if v.downcast::<Str>().is_some() => {
                self.errors.set(Some(v.clone()));
                Ok(())
            }
            Some(_) => Err(cx.type_error("errors must be a string")),
        }
    }
}

/// The text that an encoder has kept because it may combine with what follows.
#[derive(Traverse)]
pub(super) struct Encoder {
    pub coder: Coder,
    pub pending: ObjCell,
}

impl Encoder {
    pub fn new(coder: Coder) -> Encoder {
        Encoder { coder, pending: ObjCell::new(None) }
    }

    /// Encodes what is pending and more; what is given last is complete.
    pub fn encode(&self, cx: &Ctx, input: &Obj, last: bool) -> PyResult<Vec<u8>> {
        let mut input = if input.downcast::<Str>().is_some() { input.clone() } else { input.str(cx)? };
        if let Some(kept) = self.pending.get() {
            let mut all = StrBuilder::new();
            all.push_obj(&kept);
            all.push_obj(&input);
            input = all.finish();
        }
        let mut state = self.coder.state.get();
        let coded = driver::encode(cx, self.coder.named, &mut state, &input, &self.coder.errors(), last, last);
        self.coder.state.set(state);
        let (out, n) = coded?;
        let rest = input.downcast::<Str>().filter(|s| n < s.len()).map(|s| {
            let mut rest = StrBuilder::new();
            rest.push_range(s, n, s.len());
            rest.finish()
        });
        self.pending.set(rest);
        Ok(out)
    }
}

/// A number of so many bytes, the lowest first.
fn number(cx: &Ctx, bytes: &[u8]) -> PyResult {
    let from_bytes = Obj::from(0i64).type_of().as_obj().get_attr(cx, intern!("from_bytes"))?;
    from_bytes.call_pos(cx, &[bytes::new(bytes), text::new("little")])
}

/// The bytes of such a number; OverflowError where they are not enough.
fn number_bytes(cx: &Ctx, n: &Obj, len: usize) -> PyResult<Vec<u8>> {
    let to_bytes = Obj::from(0i64).type_of().as_obj().get_attr(cx, intern!("to_bytes"))?;
    let b = to_bytes.call_pos(cx, &[n.clone(), Obj::from(len), text::new("little")])?;
    Ok(bytes::as_bytes(&b).unwrap_or(&[]).to_vec())
}

/// The eight bytes of a state.
fn state_of(bytes: &[u8]) -> State {
    let mut state = State::default();
    state.iter_mut().zip(bytes).for_each(|(s, b)| *s = *b);
    state
}

/// An encoder to which the text is given piece by piece.
#[pyclass(name = "MultibyteIncrementalEncoder", module = "_multibytecodec", flags(basetype))]
#[derive(Traverse)]
pub(super) struct MultibyteIncrementalEncoder {
    encoder: Encoder,
}

#[pymethods]
impl MultibyteIncrementalEncoder {
    #[pynew(sig = "(errors='strict')", name = "IncrementalEncoder")]
    fn __new__(cx: &Ctx, ty: &Type, errors: Option<&str>) -> PyResult {
        let encoder = Encoder::new(Coder::new(cx, ty, errors, true)?);
        Ok(new_instance(ty, MultibyteIncrementalEncoder { encoder }))
    }

    fn __init__(_cx: &Ctx, _this: &Obj, _args: Args<'_>) -> PyResult<()> {
        Ok(())
    }

    /// The bytes of more text; with final, of all that is left, and what leads back to the initial state.
    #[pymethod(sig = "($self, /, input, final=False)")]
    fn encode(&self, cx: &Ctx, input: &Obj, r#final: bool) -> PyResult {
        Ok(bytes::new(&self.encoder.encode(cx, input, r#final)?))
    }

    /// The state as an int, for setstate().
    #[pymethod]
    fn getstate(&self, cx: &Ctx) -> PyResult {
        let pending = self.encoder.pending.get().map(|p| text::as_utf8_lossy(&p).into_owned()).unwrap_or_default();
        if pending.len() > MAX_PENDING_UTF8 {
            return Err(cx.raise(exc::UnicodeError(), "pending buffer too large"));
        }
        let mut all = vec![pending.len() as u8];
        all.extend(pending.bytes());
        all.extend(self.encoder.coder.state.get());
        number(cx, &all)
    }

    /// Goes back to a state that getstate() gave.
    #[pymethod(sig = "($self, state, /)")]
    fn setstate(&self, cx: &Ctx, state: &Obj) -> PyResult<()> {
        if !state.is_int() {
            return Err(cx.type_error(format!("setstate() argument must be int, not {}", state.type_of().name())));
        }
        let all = number_bytes(cx, state, 1 + MAX_PENDING_UTF8 + State::default().len())?;
        let [len, rest @ ..] = &*all else { return Ok(()) };
        let len = usize::from(*len);
        if len > MAX_PENDING_UTF8 {
            return Err(cx.raise(exc::UnicodeError(), "pending buffer too large"));
        }
        let (pending, state) = rest.split_at(len.min(rest.len()));
        let pending = if pending.is_empty() { None } else { Some(cinder_pyobj::codecs::decode_utf8(cx, pending)?) };
        self.encoder.pending.set(pending);
        self.encoder.coder.state.set(state_of(state));
        Ok(())
    }

    /// Goes back to the initial state; what was kept is lost.
    #[pymethod]
    fn reset(&self) {
        let mut state = self.encoder.coder.state.get();
        self.encoder.coder.named.codec.reset_encoder(&mut state, &mut Vec::new());
        self.encoder.coder.state.set(state);
        self.encoder.pending.set(None);
    }

    /// The name of the error handler.
    #[pygetter]
    fn errors(&self) -> Obj {
        self.encoder.coder.errors()
    }

    #[pysetter]
    fn set_errors(cx: &Ctx, this: This<'_, MultibyteIncrementalEncoder>, value: Option<&Obj>) -> PyResult<()> {
        this.encoder.coder.set_errors(cx, value)
    }
}

/// The bytes that a decoder has kept because their character is not complete.
#[derive(Traverse)]
pub(super) struct Decoder {
    pub coder: Coder,
    #[traverse(skip)]
    pub pending: Cell<Vec<u8>>,
}

impl Decoder {
    pub fn new(coder: Coder) -> Decoder {
        Decoder { coder, pending: Cell::default() }
    }

    fn copy_of_pending(&self) -> Vec<u8> {
        let pending = self.pending.take();
        self.pending.set(pending.clone());
        pending
    }

    /// Decodes what is pending and more; behind what is given last, nothing follows.
    pub fn decode(&self, cx: &Ctx, data: &[u8], last: bool) -> PyResult {
        let kept = self.pending.take();
        let all = [&*kept, data].concat();
        let errors = self.coder.errors();
        let mut d = Decoding::new(cx, self.coder.named, &errors, &all);
        let mut state = self.coder.state.get();
        let fed = d.feed(&mut state);
        self.coder.state.set(state);
        fed?;
        if last
            && !d.is_done()
            && let Err(raised) = d.incomplete()
        {
            self.pending.set(kept);
            return Err(raised);
        }
        if d.rest().len() > MAX_PENDING {
            return Err(driver_error(cx, &d, "pending buffer overflow"));
        }
        self.pending.set(d.rest().to_vec());
        Ok(d.out.finish())
    }

    pub fn reset(&self) {
        let mut state = self.coder.state.get();
        self.coder.named.codec.reset_decoder(&mut state);
        self.coder.state.set(state);
        self.pending.take();
    }
}

fn driver_error(cx: &Ctx, d: &Decoding<'_>, reason: &str) -> cinder_pyobj::Raised {
    cinder_pyobj::codecs::errors::raise(cx, d.error(0, d.at + d.rest().len(), reason))
}

/// A decoder to which the bytes are given piece by piece.
#[pyclass(name = "MultibyteIncrementalDecoder", module = "_multibytecodec", flags(basetype))]
#[derive(Traverse)]
pub(super) struct MultibyteIncrementalDecoder {
    decoder: Decoder,
}

#[pymethods]
impl MultibyteIncrementalDecoder {
    #[pynew(sig = "(errors='strict')", name = "IncrementalDecoder")]
    fn __new__(cx: &Ctx, ty: &Type, errors: Option<&str>) -> PyResult {
        let decoder = Decoder::new(Coder::new(cx, ty, errors, false)?);
        Ok(new_instance(ty, MultibyteIncrementalDecoder { decoder }))
    }

    fn __init__(_cx: &Ctx, _this: &Obj, _args: Args<'_>) -> PyResult<()> {
        Ok(())
    }

    /// The text of more bytes. An incomplete character is kept for the next call; with final it is an error.
    #[pymethod(sig = "($self, /, input, final=False)")]
    fn decode(&self, cx: &Ctx, input: &Obj, r#final: bool) -> PyResult {
        let data = BytesLike::new(cx, input)?.to_vec();
        self.decoder.decode(cx, &data, r#final)
    }

    /// The bytes kept and a number, for setstate().
    #[pymethod]
    fn getstate(&self, cx: &Ctx) -> PyResult {
        let pending = bytes::new(&self.decoder.copy_of_pending());
        Ok(tuple::pair(pending, number(cx, &self.decoder.coder.state.get())?))
    }

    /// Goes back to a state that getstate() gave.
    #[pymethod(sig = "($self, state, /)")]
    fn setstate(&self, cx: &Ctx, state: &Obj) -> PyResult<()> {
        let Some(parts) = tuple::items_if_tuple(state) else {
            return Err(cx.type_error(format!("setstate() argument must be tuple, not {}", state.type_of().name())));
        };
        let illegal = || cx.type_error("setstate(): illegal state argument");
        let [pending, n] = parts else { return Err(illegal()) };
        let Some(kept) = bytes::as_bytes(pending).filter(|_| n.is_int()) else { return Err(illegal()) };
        let state = state_of(&number_bytes(cx, n, State::default().len())?);
        if kept.len() > MAX_PENDING {
            let errors = self.decoder.coder.errors();
            let d = Decoding::new(cx, self.decoder.coder.named, &errors, kept);
            return Err(driver_error(cx, &d, "pending buffer too large"));
        }
        self.decoder.pending.set(kept.to_vec());
        self.decoder.coder.state.set(state);
        Ok(())
    }

    /// Goes back to the initial state; what was kept is lost.
    #[pymethod]
    fn reset(&self) {
        self.decoder.reset();
    }

    /// The name of the error handler.
    #[pygetter]
    fn errors(&self) -> Obj {
        self.decoder.coder.errors()
    }

    #[pysetter]
    fn set_errors(cx: &Ctx, this: This<'_, MultibyteIncrementalDecoder>, value: Option<&Obj>) -> PyResult<()> {
        this.decoder.coder.set_errors(cx, value)
    }
}
