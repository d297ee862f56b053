//! Encoders and decoders of text streams: natively for the common encodings, else a codec's incremental ones.

use std::cell::RefCell;

use cinder_pyobj::codecs::errors::Errors;
use cinder_pyobj::codecs::{latin, registry, utf8};
use cinder_pyobj::types::str::{self as text, Str};
use cinder_pyobj::types::{bytes, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Encodings that need no codec object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Latin1,
    Ascii,
}

/// The charset of an encoding's name, if it is one of the common ones.
pub(crate) fn charset(encoding: &str) -> Option<Charset> {
    let name = encoding.to_ascii_lowercase().replace('_', "-");
    Some(match &*name {
        "utf-8" | "utf8" | "u8" => Charset::Utf8,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => Charset::Latin1,
        "ascii" | "us-ascii" => Charset::Ascii,
        _ => return None,
    })
}

/// A codec that is a text encoding.
pub(crate) fn text_codec(cx: &Ctx, encoding: &str) -> PyResult {
    let codec = registry::lookup(cx, encoding)?;
    if let Some(flag) = codec.get_attr_opt(cx, intern!("_is_text_encoding"))?
        && !flag.truthy(cx)?
    {
        return Err(cx.raise(
            exc::LookupError(),
            format!("'{encoding}' is not a text encoding; use codecs.open() to handle arbitrary codecs"),
        ));
    }
    Ok(codec)
}

/// Encodes text for a stream.
pub(crate) enum Encoder {
    Native(Charset, String),
    Codec(Obj),
}

impl Encoder {
    pub fn encode(&self, cx: &Ctx, o: &Obj, out: &mut Vec<u8>) -> PyResult<()> {
        match self {
            Encoder::Native(c, errors) => {
                let Some(s) = o.downcast::<Str>() else { return Ok(()) };
                let e = Errors::new(errors);
                let b = match c {
                    Charset::Utf8 => {
                        if let Some(t) = s.as_str() {
                            out.extend_from_slice(t.as_bytes());
                            return Ok(());
                        }
                        utf8::encode(cx, o, s, &e)?
                    }
                    Charset::Latin1 => latin::encode(cx, o, s, &e, latin::LATIN1)?,
                    Charset::Ascii => latin::encode(cx, o, s, &e, latin::ASCII)?,
                };
                out.extend_from_slice(&b);
            }
            Encoder::Codec(e) => {
                let b = e.call_method(cx, intern!("encode"), std::slice::from_ref(o))?;
                let Some(b) = bytes::as_bytes(&b) else {
                    return Err(
                        cx.type_error(format!("encoder should return a bytes object, not '{}'", b.type_of().name()))
                    );
                };
                out.extend_from_slice(b);
            }
        }
        Ok(())
    }

    /// Starts anew: at the start of the stream, or behind it (where no byte order mark is due).
    pub fn reset(&self, cx: &Ctx, at_start: bool) -> PyResult<()> {
        match self {
            Encoder::Native(..) => Ok(()),
            Encoder::Codec(e) if at_start => e.call_method(cx, intern!("reset"), &[]).map(drop),
            Encoder::Codec(e) => e.call_method(cx, intern!("setstate"), &[Obj::from(0i64)]).map(drop),
        }
    }
}

/// Decodes the bytes of a stream piece by piece.
pub(crate) enum Decoder {
    /// With the bytes of an incomplete sequence.
    Native(Charset, String, RefCell<Vec<u8>>),
    Codec(Obj),
}

impl Decoder {
    pub fn decode(&self, cx: &Ctx, input: &[u8], last: bool) -> PyResult {
        match self {
            Decoder::Native(Charset::Latin1, ..) => Ok(text::from_latin1(input)),
            Decoder::Native(c, errors, held) => {
                let e = Errors::new(errors);
                let joined;
                let mut all = input;
                let before = held.take();
                if !before.is_empty() {
                    joined = [&before, input].concat();
                    all = &joined;
                }
                let r = match c {
                    Charset::Utf8 => utf8::decode(cx, all, &e, last),
                    _ => latin::decode_ascii(cx, all, &e),
                };
                match r {
                    Ok(d) => {
                        if d.consumed < all.len() {
                            *held.borrow_mut() = all[d.consumed..].to_vec();
                        }
                        Ok(d.text)
                    }
                    Err(r) => {
                        *held.borrow_mut() = before;
                        Err(r)
                    }
                }
            }
            Decoder::Codec(d) => {
                let t = d.call_method(cx, intern!("decode"), &[bytes::new(input), Obj::from_bool(last)])?;
                if t.downcast::<Str>().is_none() {
                    return Err(
                        cx.type_error(format!("decoder should return a string result, not '{}'", t.type_of().name()))
                    );
                }
                Ok(t)
            }
        }
    }

    /// Bytes not decoded yet, and a number for the rest of the state.
    pub fn state(&self, cx: &Ctx) -> PyResult<(Vec<u8>, i64)> {
        match self {
            Decoder::Native(.., held) => Ok((held.borrow().clone(), 0)),
            Decoder::Codec(d) => {
                let s = d.call_method(cx, intern!("getstate"), &[])?;
                let Some([b, f]) = tuple::items_if_tuple(&s) else {
                    return Err(cx.type_error("illegal decoder state"));
                };
                let Some(bytes) = bytes::as_bytes(b) else {
                    return Err(cx.type_error(format!(
                        "illegal decoder state: the first item should be a bytes object, not '{}'",
                        b.type_of().name()
                    )));
                };
                Ok((bytes.to_vec(), f.to_i64(cx)?))
            }
        }
    }

    pub fn set_state(&self, cx: &Ctx, bytes_held: &[u8], flags: i64) -> PyResult<()> {
        match self {
            Decoder::Native(.., held) => {
                *held.borrow_mut() = bytes_held.to_vec();
                Ok(())
            }
            Decoder::Codec(d) => {
                let s = tuple::pair(bytes::new(bytes_held), Obj::from(flags));
                d.call_method(cx, intern!("setstate"), &[s]).map(drop)
            }
        }
    }

    pub fn reset(&self, cx: &Ctx) -> PyResult<()> {
        match self {
            Decoder::Native(.., held) => {
                held.borrow_mut().clear();
                Ok(())
            }
            Decoder::Codec(d) => d.call_method(cx, intern!("reset"), &[]).map(drop),
        }
    }
}
