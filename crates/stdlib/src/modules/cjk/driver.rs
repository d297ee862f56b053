//! Runs codecs over whole inputs, and asks error handlers about what cannot be coded.

use cinder_pyobj::codecs::{errors, registry};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder};
use cinder_pyobj::types::{bytes, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::codec::{Codec, Fault, State};

/// A codec with the name that errors show.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub name: &'static str,
    pub codec: &'static dyn Codec,
}

enum Policy {
    Strict,
    Ignore,
    Replace,
    /// A handler of the registry.
    Handler,
}

fn policy(errors: &Obj) -> Policy {
    match &*text::as_utf8_lossy(errors) {
        "strict" => Policy::Strict,
        "ignore" => Policy::Ignore,
        "replace" => Policy::Replace,
        _ => Policy::Handler,
    }
}

/// Where a fault ends that begins at `at` in an input of `len`, and why it is one.
fn extent(cx: &Ctx, fault: Fault, at: usize, len: usize) -> PyResult<(usize, &'static str)> {
    match fault {
        Fault::Illegal(n) => Ok((at + n, "illegal multibyte sequence")),
        Fault::Short => Ok((len, "incomplete multibyte sequence")),
        Fault::Internal => Err(cx.raise(exc::RuntimeError(), "internal codec error")),
    }
}

/// The exception about what cannot be coded: made at the first fault, changed at each later one.
fn exception(
    cx: &Ctx,
    slot: &mut Option<Obj>,
    make: impl FnOnce() -> PyResult,
    start: usize,
    end: usize,
    reason: &str,
) -> PyResult {
    if let Some(e) = slot {
        e.set_attr(cx, intern!("start"), &Obj::from(start))?;
        e.set_attr(cx, intern!("end"), &Obj::from(end))?;
        e.set_attr(cx, intern!("reason"), &text::new(reason))?;
        return Ok(e.clone());
    }
    Ok(slot.insert(make()?).clone())
}

/// What a handler of the registry answers: the replacement, and where to go on in an input of `len`.
fn ask(
    cx: &Ctx,
    errors: &Obj,
    e: &Obj,
    len: usize,
    accepts: impl Fn(&Obj) -> bool,
    wrong: &'static str,
) -> PyResult<(Obj, usize)> {
    let answer = registry::lookup_error(cx, &text::as_utf8_lossy(errors))?.call1(cx, e)?;
    let (replacement, position) = match tuple::items_if_tuple(&answer) {
        Some([r, p]) if accepts(r) && cinder_pyobj::types::int::is_int(p) => (r.clone(), p),
        _ => return Err(cx.type_error(wrong)),
    };
    // A number that is too large for a position is as good as any that is out of bounds.
    let position = cinder_pyobj::types::int::as_i64(position).map_or(-1, |p| if p < 0 { p + len as i64 } else { p });
    match usize::try_from(position) {
        Ok(p) if p <= len => Ok((replacement, p)),
        _ => Err(cx.index_error(format!("position {position} from error handler out of bounds"))),
    }
}

/// Decoding of one input.
pub(super) struct Decoding<'a> {
    cx: &'a Ctx,
    named: Named,
    errors: &'a Obj,
    input: &'a [u8],
    /// How many bytes were decoded.
    pub at: usize,
    /// The text so far.
    pub out: StrBuilder,
    exception: Option<Obj>,
}

impl<'a> Decoding<'a> {
    pub fn new(cx: &'a Ctx, named: Named, errors: &'a Obj, input: &'a [u8]) -> Decoding<'a> {
        Decoding { cx, named, errors, input, at: 0, out: StrBuilder::new(), exception: None }
    }

    /// Decodes up to the end or an incomplete character.
    pub fn feed(&mut self, state: &mut State) -> PyResult<()> {
        loop {
            match self.named.codec.decode(state, self.input, &mut self.at, &mut self.out) {
                Ok(()) | Err(Fault::Short) => return Ok(()),
                Err(fault) => self.handle(fault)?,
            }
        }
    }

    /// Whether everything was decoded.
    pub fn is_done(&self) -> bool {
        self.at >= self.input.len()
    }

    /// What was not decoded.
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or(&[])
    }

    /// Handles an incomplete character behind which nothing comes.
    pub fn incomplete(&mut self) -> PyResult<()> {
        self.handle(Fault::Short)
    }

    /// UnicodeDecodeError about bytes from `start` to `end`.
    pub fn error(&self, start: usize, end: usize, reason: &str) -> PyResult {
        errors::decode_exception(self.cx, self.named.name, &bytes::new(self.input), start, end, reason)
    }

    fn handle(&mut self, fault: Fault) -> PyResult<()> {
        let cx = self.cx;
        let (start, (end, reason)) = (self.at, extent(cx, fault, self.at, self.input.len())?);
        let policy = policy(self.errors);
        if let Policy::Ignore | Policy::Replace = policy {
            if let Policy::Replace = policy {
                self.out.push(0xfffd);
            }
            self.at = end;
            return Ok(());
        }
        let mut slot = self.exception.take();
        let e = exception(cx, &mut slot, || self.error(start, end, reason), start, end, reason)?;
        self.exception = slot;
        if let Policy::Strict = policy {
            return Err(cx.raise_obj(e));
        }
        let is_text = |o: &Obj| o.downcast::<Str>().is_some();
        let wrong = "decoding error handler must return (str, int) tuple";
        let (replacement, at) = ask(cx, self.errors, &e, self.input.len(), is_text, wrong)?;
        self.out.push_obj(&replacement);
        self.at = at;
        Ok(())
    }
}

/// What encoding gave: the bytes, and how many characters they stand for.
pub(super) type Encoded = (Vec<u8>, usize);

/// Encodes a str.
///
/// Where it is `complete`, nothing follows it; otherwise characters at its end that may combine with others are left.
/// `reset` leads the encoder back to its initial state at the end.
pub(super) fn encode(
    cx: &Ctx,
    named: Named,
    state: &mut State,
    object: &Obj,
    errors: &Obj,
    complete: bool,
    reset: bool,
) -> PyResult<Encoded> {
    let Some(s) = object.downcast::<Str>() else { return Err(cx.type_error("a str is needed to encode")) };
    let (mut out, mut at, mut made) = (Vec::new(), 0, None);
    loop {
        let fault = match named.codec.encode(state, s, complete, &mut at, &mut out) {
            Ok(()) => break,
            Err(Fault::Short) if !complete => break,
            Err(fault) => fault,
        };
        let (start, (end, reason)) = (at, extent(cx, fault, at, s.len())?);
        match policy(errors) {
            Policy::Ignore => at = end,
            Policy::Replace => {
                let question = u32::from(b'?');
                if named.codec.encode_one(state, question, super::codec::Next::End, &mut out).is_err() {
                    out.push(b'?');
                }
                at = end;
            }
            policy => {
                let make = || errors::encode_exception(cx, named.name, object, start, end, reason);
                let e = exception(cx, &mut made, make, start, end, reason)?;
                if let Policy::Strict = policy {
                    return Err(cx.raise_obj(e));
                }
                at = replaced(cx, named, state, errors, &e, s.len(), &mut out)?;
            }
        }
    }
    if reset {
        named.codec.reset_encoder(state, &mut out);
    }
    Ok((out, at))
}

/// Writes what the error handler gives instead of characters, and tells where to go on.
fn replaced(
    cx: &Ctx,
    named: Named,
    state: &mut State,
    errors: &Obj,
    e: &Obj,
    len: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Raised> {
    let accepts = |o: &Obj| o.downcast::<Str>().is_some() || bytes::as_bytes(o).is_some();
    let (r, at) = ask(cx, errors, e, len, accepts, "encoding error handler must return (str, int) tuple")?;
    match bytes::as_bytes(&r) {
        Some(b) => out.extend(b),
        None => out.extend(encode(cx, named, state, &r, &text::new("strict"), true, false)?.0),
    }
    Ok(at)
}
