//! Error handlers of codecs.

use super::registry;
use crate::ctx::{Ctx, PyResult, Raised};
use crate::intern;
use crate::types::str::{self as text, Str, StrBuilder};
use crate::types::tuple::Tuple;
use crate::types::{bytes, exc, int};
use crate::value::Obj;

/// The handlers that codecs apply themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    /// Raise.
    Strict,
    /// Leave out.
    Ignore,
    /// `?` or U+FFFD.
    Replace,
    /// `\xhh` and so on.
    BackslashReplace,
    /// `&#n;`
    XmlCharRefReplace,
    /// `\N{...}`
    NameReplace,
    /// Undecodable bytes as U+DC80..U+DCFF and back.
    SurrogateEscape,
    /// Surrogates as if they were characters.
    SurrogatePass,
}

/// The names of the built-in handlers.
pub const BUILTIN: [(&str, Handler); 8] = [
    ("strict", Handler::Strict),
    ("ignore", Handler::Ignore),
    ("replace", Handler::Replace),
    ("backslashreplace", Handler::BackslashReplace),
    ("xmlcharrefreplace", Handler::XmlCharRefReplace),
    ("namereplace", Handler::NameReplace),
    ("surrogateescape", Handler::SurrogateEscape),
    ("surrogatepass", Handler::SurrogatePass),
];

/// The error handling that a caller asks for.
pub struct Errors {
    builtin: Option<Handler>,
    name: String,
}

impl Errors {
    /// The handler of that name. It is looked up when the first error occurs.
    pub fn new(name: &str) -> Errors {
        let builtin = BUILTIN.iter().find(|(n, _)| *n == name).map(|(_, h)| *h);
        Errors { builtin, name: if builtin.is_some() { String::new() } else { name.to_owned() } }
    }

    /// The built-in handler, if it is one.
    pub fn builtin(&self) -> Option<Handler> {
        self.builtin
    }
}

/// What stands for code points that could not be encoded.
pub enum Replacement {
    /// Text, to be encoded in its turn.
    Text(Obj),
    /// Bytes, taken as they are.
    Bytes(Vec<u8>),
}

/// The encoding family, for handlers that depend on it.
pub fn surrogate_width(encoding: &str) -> Option<(usize, bool)> {
    let name: String = encoding.to_ascii_lowercase().replace('_', "-");
    Some(match &*name {
        "utf-8" | "utf8" | "cp-utf8" | "cp65001" => (1, true),
        "utf-16" | "utf-16-le" | "utf-16le" | "utf16" => (2, true),
        "utf-16-be" | "utf-16be" => (2, false),
        "utf-32" | "utf-32-le" | "utf-32le" | "utf32" => (4, true),
        "utf-32-be" | "utf-32be" => (4, false),
        _ => return None,
    })
}

/// A UnicodeEncodeError about code points `start..end` of `object`.
pub fn encode_exception(cx: &Ctx, encoding: &str, object: &Obj, start: usize, end: usize, reason: &str) -> PyResult {
    let args = [text::new(encoding), object.clone(), Obj::from(start), Obj::from(end), text::new(reason)];
    exc::UnicodeEncodeError().as_obj().call_pos(cx, &args)
}

/// A UnicodeDecodeError about bytes `start..end` of `object`.
pub fn decode_exception(cx: &Ctx, encoding: &str, object: &Obj, start: usize, end: usize, reason: &str) -> PyResult {
    let args = [text::new(encoding), object.clone(), Obj::from(start), Obj::from(end), text::new(reason)];
    exc::UnicodeDecodeError().as_obj().call_pos(cx, &args)
}

/// Raises an exception that was made, or whatever making it raised.
pub fn raise(cx: &Ctx, e: PyResult) -> Raised {
    match e {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// Handles code points `start..end` that an encoder cannot encode: the replacement and where to go on.
///
/// # Errors
/// UnicodeEncodeError, or what a registered handler raises.
pub fn on_encode(
    cx: &Ctx,
    errors: &Errors,
    encoding: &str,
    object: &Obj,
    (start, end): (usize, usize),
    reason: &str,
) -> PyResult<(Replacement, usize)> {
    let Some(s) = object.downcast::<Str>() else { return Err(cx.type_error("a str is needed to encode")) };
    let strict = || raise(cx, encode_exception(cx, encoding, object, start, end, reason));
    if let Some(h) = errors.builtin {
        return builtin_encode(h, encoding, s, start, end).ok_or_else(strict);
    }
    let handler = registry::lookup_error(cx, &errors.name)?;
    let e = encode_exception(cx, encoding, object, start, end, reason)?;
    let r = handler.call1(cx, &e)?;
    let wrong = || cx.type_error("encoding error handler must return (str/bytes, int) tuple");
    let Some([rep, pos]) = r.downcast::<Tuple>().map(Tuple::as_slice) else { return Err(wrong()) };
    let rep = if rep.downcast::<Str>().is_some() {
        Replacement::Text(rep.clone())
    } else {
        Replacement::Bytes(bytes::as_bytes(rep).ok_or_else(wrong)?.to_vec())
    };
    let pos = position(cx, pos, s.len(), wrong)?;
    Ok((rep, pos))
}

fn position(cx: &Ctx, pos: &Obj, len: usize, wrong: impl Fn() -> Raised) -> PyResult<usize> {
    if !pos.is_int() && pos.type_of().slots.index.get().is_none() {
        return Err(wrong());
    }
    let n = pos.to_isize(cx)?;
    let at = if n < 0 { n + len as isize } else { n };
    match usize::try_from(at) {
        Ok(p) if p <= len => Ok(p),
        _ => Err(cx.index_error(format!("position {n} from error handler out of bounds"))),
    }
}

/// What a built-in handler gives for an encoder; nothing if it raises.
pub fn builtin_encode(h: Handler, encoding: &str, s: &Str, start: usize, end: usize) -> Option<(Replacement, usize)> {
    let codes = || (start..end).filter_map(|i| s.get(i));
    let mut out = StrBuilder::new();
    match h {
        Handler::Strict => return None,
        Handler::Ignore => {}
        Handler::Replace => out.push_repeat('?' as u32, end - start),
        Handler::BackslashReplace => codes().for_each(|c| text::repr::push_hex_escape(&mut out, c)),
        Handler::XmlCharRefReplace => codes().for_each(|c| out.push_str(&format!("&#{c};"))),
        Handler::NameReplace => {
            codes().for_each(|c| match char::from_u32(c).and_then(rustpython_unicode::character_name) {
                Some(n) => out.push_str(&format!("\\N{{{n}}}")),
                None => text::repr::push_hex_escape(&mut out, c),
            })
        }
        Handler::SurrogateEscape => {
            let b: Option<Vec<u8>> = codes().map(|c| (0xdc80..0xdd00).contains(&c).then_some(c as u8)).collect();
            return Some((Replacement::Bytes(b?), end));
        }
        Handler::SurrogatePass => {
            let (width, little) = surrogate_width(encoding)?;
            let mut b = Vec::new();
            for c in codes() {
                if !(0xd800..0xe000).contains(&c) {
                    return None;
                }
                push_surrogate(&mut b, c, width, little);
            }
            return Some((Replacement::Bytes(b), end));
        }
    }
    Some((Replacement::Text(out.finish()), end))
}

fn push_surrogate(b: &mut Vec<u8>, c: u32, width: usize, little: bool) {
    match (width, little) {
        (1, _) => b.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
        (2, true) => b.extend((c as u16).to_le_bytes()),
        (2, false) => b.extend((c as u16).to_be_bytes()),
        (_, true) => b.extend(c.to_le_bytes()),
        (_, false) => b.extend(c.to_be_bytes()),
    }
}

/// What a built-in handler gives for a decoder: text and where to go on; nothing if it raises.
pub fn builtin_decode(h: Handler, encoding: &str, b: &[u8], start: usize, end: usize) -> Option<(StrBuilder, usize)> {
    let mut out = StrBuilder::new();
    match h {
        Handler::Ignore => {}
        Handler::Replace => out.push(0xfffd),
        Handler::BackslashReplace => {
            b[start..end].iter().for_each(|c| text::repr::push_hex_escape(&mut out, *c as u32));
        }
        Handler::SurrogateEscape => {
            let run = b[start..end].iter().take(4).take_while(|c| **c >= 0x80);
            run.for_each(|c| out.push(0xdc00 + *c as u32));
            if out.is_empty() {
                return None;
            }
            let n = out.len();
            return Some((out, start + n));
        }
        Handler::SurrogatePass => {
            let (width, little) = surrogate_width(encoding)?;
            let (c, n) = read_surrogate(b.get(start..)?, width, little)?;
            if !(0xd800..0xe000).contains(&c) {
                return None;
            }
            out.push(c);
            return Some((out, start + n));
        }
        Handler::Strict | Handler::XmlCharRefReplace | Handler::NameReplace => return None,
    }
    Some((out, end))
}

fn read_surrogate(b: &[u8], width: usize, little: bool) -> Option<(u32, usize)> {
    match (width, b) {
        (1, [a, b, c, ..]) if a & 0xf0 == 0xe0 && b & 0xc0 == 0x80 && c & 0xc0 == 0x80 => {
            Some(((*a as u32 & 15) << 12 | (*b as u32 & 63) << 6 | (*c as u32 & 63), 3))
        }
        (2, [a, b, ..]) => {
            let u = if little { u16::from_le_bytes([*a, *b]) } else { u16::from_be_bytes([*a, *b]) };
            Some((u as u32, 2))
        }
        (4, [a, b, c, d, ..]) => {
            let u = [*a, *b, *c, *d];
            Some((if little { u32::from_le_bytes(u) } else { u32::from_be_bytes(u) }, 4))
        }
        _ => None,
    }
}

/// A decoder's input and output, with its error handling.
pub struct Decoder<'a> {
    cx: &'a Ctx,
    errors: &'a Errors,
    encoding: &'a str,
    /// The input; an error handler may replace it.
    pub input: std::borrow::Cow<'a, [u8]>,
    object: Option<Obj>,
    handler: Option<Obj>,
    /// The text so far.
    pub out: StrBuilder,
}

impl<'a> Decoder<'a> {
    /// A decoder of `input`.
    pub fn new(cx: &'a Ctx, errors: &'a Errors, encoding: &'a str, input: &'a [u8]) -> Decoder<'a> {
        Decoder { cx, errors, encoding, input: input.into(), object: None, handler: None, out: StrBuilder::new() }
    }

    /// Changes the name that errors show.
    pub fn set_encoding(&mut self, encoding: &'a str) {
        self.encoding = encoding;
    }

    /// Handles bytes `start..end` that cannot be decoded: adds the replacement and tells where to go on.
    ///
    /// # Errors
    /// UnicodeDecodeError, or what a registered handler raises.
    pub fn error(&mut self, start: usize, end: usize, reason: &str) -> PyResult<usize> {
        let cx = self.cx;
        if let Some(h) = self.errors.builtin
            && let Some((text, next)) = builtin_decode(h, self.encoding, &self.input, start, end)
        {
            crate::with_units!(text.data(), u => self.out.push_units(u));
            return Ok(next);
        }
        let object = match &self.object {
            Some(o) => o.clone(),
            None => self.object.insert(bytes::new(&self.input)).clone(),
        };
        if self.errors.builtin.is_some() {
            return Err(raise(cx, decode_exception(cx, self.encoding, &object, start, end, reason)));
        }
        let handler = match &self.handler {
            Some(h) => h.clone(),
            None => self.handler.insert(registry::lookup_error(cx, &self.errors.name)?).clone(),
        };
        let e = decode_exception(cx, self.encoding, &object, start, end, reason)?;
        let r = handler.call1(cx, &e)?;
        let wrong = || cx.type_error("decoding error handler must return (str, int) tuple");
        let Some([rep, pos]) = r.downcast::<Tuple>().map(Tuple::as_slice) else { return Err(wrong()) };
        let Some(rep) = rep.downcast::<Str>() else { return Err(wrong()) };
        let new_object = e.get_attr(cx, intern!("object"))?;
        let Some(new_input) = bytes::as_bytes(&new_object) else {
            return Err(cx.type_error("exception attribute object must be bytes"));
        };
        if !new_object.is(&object) {
            self.input = new_input.to_vec().into();
            self.object = Some(new_object.clone());
        }
        let next = position(cx, pos, self.input.len(), wrong)?;
        self.out.push_payload(rep);
        Ok(next)
    }

    /// The result, with the number of bytes consumed.
    pub fn finish(self, consumed: usize) -> super::Decoded {
        super::Decoded { text: self.out.finish(), consumed }
    }
}

/// Applies a built-in handler to an exception, as the callables that `codecs.lookup_error` gives do:
/// a pair of replacement and position.
///
/// # Errors
/// The exception itself where the handler cannot replace; TypeError for other exceptions.
pub fn handle_exception(cx: &Ctx, h: Handler, e: &Obj) -> PyResult {
    let is = |t: &crate::Type| e.type_of().is_subtype(t);
    if h == Handler::Strict {
        if is(exc::BaseException()) {
            return Err(cx.raise_obj(e.clone()));
        }
        return Err(cx.type_error("codec must pass exception instance"));
    }
    let (encode, decode, translate) =
        (is(exc::UnicodeEncodeError()), is(exc::UnicodeDecodeError()), is(exc::UnicodeTranslateError()));
    let supported = match h {
        Handler::Ignore | Handler::Replace | Handler::BackslashReplace => encode || decode || translate,
        Handler::XmlCharRefReplace | Handler::NameReplace => encode,
        _ => encode || decode,
    };
    if !supported {
        return Err(cx.type_error(format!("don't know how to handle {} in error callback", e.type_of().full_name())));
    }
    let object = e.get_attr(cx, intern!("object"))?;
    let number = |name| -> PyResult<i64> {
        let v = e.get_attr(cx, name)?;
        Ok(int::as_i64(&v).unwrap_or(0))
    };
    let (start, end) = (number(intern!("start"))?, number(intern!("end"))?);
    let encoding =
        if translate { String::new() } else { text::as_utf8_lossy(&e.get_attr(cx, intern!("encoding"))?).into_owned() };
    let clamp = |len: usize| {
        let start = start.clamp(0, (len as i64 - 1).max(0)) as usize;
        (start, (end.max(if len > 0 { 1 } else { 0 }) as usize).clamp(start, len))
    };
    let pair = |rep: Obj, pos: usize| Ok(crate::types::tuple::new(vec![rep, Obj::from(pos)]));
    if decode {
        let Some(b) = bytes::as_bytes(&object) else { return Err(cx.type_error("object attribute must be bytes")) };
        let (start, end) = clamp(b.len());
        return match builtin_decode(h, &encoding, b, start, end) {
            Some((rep, pos)) => pair(rep.finish(), pos),
            None => Err(cx.raise_obj(e.clone())),
        };
    }
    let Some(s) = object.downcast::<Str>() else { return Err(cx.type_error("object attribute must be unicode")) };
    let (start, end) = clamp(s.len());
    if translate && h == Handler::Replace {
        let mut out = StrBuilder::new();
        out.push_repeat(0xfffd, end - start);
        return pair(out.finish(), end);
    }
    match builtin_encode(h, &encoding, s, start, end) {
        Some((Replacement::Text(t), pos)) => pair(t, pos),
        Some((Replacement::Bytes(b), pos)) => pair(bytes::new(&b), pos),
        None => Err(cx.raise_obj(e.clone())),
    }
}
