//! `_codecs`: the registry and the built-in codecs as functions.

use cinder_pyobj::codecs::errors::{Errors, Handler};
use cinder_pyobj::codecs::{
    ByteOrder, Decoded, charmap, errors as handlers, escape, latin, registry, utf7, utf8, utf16, utf32,
};
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{self as text, Str};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

fn errors(name: Option<&str>) -> Errors {
    Errors::new(name.unwrap_or("strict"))
}

/// A str argument and its payload.
fn str_arg<'a>(cx: &Ctx, o: &'a Obj, function: &str) -> PyResult<&'a Str> {
    text::expect(cx, o, |t| format!("{function}() argument 1 must be str, not {t}"))
}

fn data(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    Ok(BytesLike::new(cx, o)?.to_vec())
}

/// Bytes-like data, or text for the escape codecs.
fn data_or_text(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    match o.downcast::<Str>() {
        Some(s) => utf8::encode(cx, o, s, &errors(None)),
        None => data(cx, o),
    }
}

fn decoded(d: Decoded) -> Obj {
    registry::pair(d.text, d.consumed)
}

fn encoded(b: Vec<u8>, s: &Str) -> Obj {
    registry::pair(bytes::new(&b), s.len())
}

fn order_number(o: ByteOrder) -> i64 {
    match o {
        ByteOrder::Marked => 0,
        ByteOrder::Little => -1,
        ByteOrder::Big => 1,
    }
}

fn order_of(n: i64) -> ByteOrder {
    match n {
        0 => ByteOrder::Marked,
        ..0 => ByteOrder::Little,
        _ => ByteOrder::Big,
    }
}

/// The registry of codecs, and the codecs that are built in.
#[pymodule(name = "_codecs")]
pub(crate) mod module {
    use super::*;

    /// Registers a codec search function.
    #[pyfunction(sig = "(search_function, /)")]
    fn register(cx: &Ctx, search_function: &Obj) -> PyResult<()> {
        registry::register(cx, search_function)
    }

    /// Forgets a codec search function.
    #[pyfunction(sig = "(search_function, /)")]
    fn unregister(search_function: &Obj) {
        registry::unregister(search_function);
    }

    /// Looks a codec up.
    #[pyfunction(sig = "(encoding, /)")]
    fn lookup(cx: &Ctx, encoding: &str) -> PyResult {
        registry::lookup(cx, encoding)
    }

    /// Encodes an object with a registered codec.
    #[pyfunction(sig = "(obj, encoding='utf-8', errors='strict')")]
    fn encode(cx: &Ctx, obj: &Obj, encoding: Option<&str>, errors: Option<&str>) -> PyResult {
        registry::encode_any(cx, obj, encoding.unwrap_or("utf-8"), errors)
    }

    /// Decodes an object with a registered codec.
    #[pyfunction(sig = "(obj, encoding='utf-8', errors='strict')")]
    fn decode(cx: &Ctx, obj: &Obj, encoding: Option<&str>, errors: Option<&str>) -> PyResult {
        registry::decode_any(cx, obj, encoding.unwrap_or("utf-8"), errors)
    }

    /// Registers an error handler under a name.
    #[pyfunction(sig = "(errors, handler, /)")]
    fn register_error(cx: &Ctx, errors: &str, handler: &Obj) -> PyResult<()> {
        registry::register_error(cx, errors, handler)
    }

    /// Forgets an error handler; whether there was one.
    #[pyfunction(sig = "(errors, /)")]
    fn _unregister_error(cx: &Ctx, errors: &str) -> PyResult<bool> {
        registry::unregister_error(cx, errors)
    }

    /// The error handler of a name.
    #[pyfunction(sig = "(errors, /)")]
    fn lookup_error(cx: &Ctx, errors: &str) -> PyResult {
        registry::lookup_error(cx, errors)
    }

    /// The name of an encoding with runs of other characters than letters, digits and dots as underscores.
    #[pyfunction(sig = "(encoding)")]
    fn _normalize_encoding(encoding: &str) -> String {
        let mut out = String::new();
        let mut gap = false;
        for c in encoding.chars() {
            if c.is_ascii_alphanumeric() || c == '.' {
                if gap && !out.is_empty() {
                    out.push('_');
                }
                gap = false;
                out.push(c.to_ascii_lowercase());
            } else {
                gap = true;
            }
        }
        out
    }

    /// Decodes the escapes of bytes literals.
    #[pyfunction(sig = "(data, errors=None, /)")]
    fn escape_decode(cx: &Ctx, data: &Obj, errors: Option<&str>) -> PyResult {
        let b = data_or_text(cx, data)?;
        let out = escape::decode_bytes(cx, &b, errors.unwrap_or("strict"))?;
        Ok(registry::pair(bytes::new(&out), b.len()))
    }

    /// Escapes bytes as in literals.
    #[pyfunction(sig = "(data, errors=None, /)")]
    fn escape_encode(cx: &Ctx, data: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let Some(b) = bytes::as_bytes(data) else {
            return Err(
                cx.type_error(format!("escape_encode() argument 1 must be bytes, not {}", data.type_of().name()))
            );
        };
        let mut out = Vec::with_capacity(b.len());
        for &c in b {
            match c {
                b'\\' | b'\'' => out.extend([b'\\', c]),
                b'\t' => out.extend(b"\\t"),
                b'\n' => out.extend(b"\\n"),
                b'\r' => out.extend(b"\\r"),
                0x20..0x7f => out.push(c),
                _ => out.extend(format!("\\x{c:02x}").bytes()),
            }
        }
        Ok(registry::pair(bytes::new(&out), b.len()))
    }

    /// Decodes UTF-8.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_8_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        Ok(decoded(utf8::decode(cx, &super::data(cx, data)?, &super::errors(errors), r#final)?))
    }

    /// Encodes as UTF-8.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_8_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let s = str_arg(cx, str, "utf_8_encode")?;
        Ok(encoded(utf8::encode(cx, str, s, &super::errors(errors))?, s))
    }

    /// Decodes UTF-7.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_7_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        Ok(decoded(utf7::decode(cx, &super::data(cx, data)?, &super::errors(errors), r#final)?))
    }

    /// Encodes as UTF-7.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_7_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let s = str_arg(cx, str, "utf_7_encode")?;
        Ok(encoded(utf7::encode(s), s))
    }

    /// Decodes UTF-16, in the order that a mark tells.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_16_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf16_decode(cx, data, errors, r#final, ByteOrder::Marked)
    }

    /// Decodes little-endian UTF-16.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_16_le_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf16_decode(cx, data, errors, r#final, ByteOrder::Little)
    }

    /// Decodes big-endian UTF-16.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_16_be_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf16_decode(cx, data, errors, r#final, ByteOrder::Big)
    }

    /// Decodes UTF-16; also tells the byte order found.
    #[pyfunction(sig = "(data, errors=None, byteorder=0, final=False, /)")]
    fn utf_16_ex_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, byteorder: i64, r#final: bool) -> PyResult {
        let b = super::data(cx, data)?;
        let (d, order) = utf16::decode(cx, &b, &super::errors(errors), order_of(byteorder), r#final)?;
        Ok(tuple::new(vec![d.text, Obj::from(d.consumed), Obj::from(order_number(order))]))
    }

    /// Encodes as UTF-16.
    #[pyfunction(sig = "(str, errors=None, byteorder=0, /)")]
    fn utf_16_encode(cx: &Ctx, str: &Obj, errors: Option<&str>, byteorder: i64) -> PyResult {
        utf16_encode(cx, str, errors, order_of(byteorder))
    }

    /// Encodes as little-endian UTF-16.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_16_le_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        utf16_encode(cx, str, errors, ByteOrder::Little)
    }

    /// Encodes as big-endian UTF-16.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_16_be_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        utf16_encode(cx, str, errors, ByteOrder::Big)
    }

    /// Decodes UTF-32, in the order that a mark tells.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_32_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf32_decode(cx, data, errors, r#final, ByteOrder::Marked)
    }

    /// Decodes little-endian UTF-32.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_32_le_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf32_decode(cx, data, errors, r#final, ByteOrder::Little)
    }

    /// Decodes big-endian UTF-32.
    #[pyfunction(sig = "(data, errors=None, final=False, /)")]
    fn utf_32_be_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        utf32_decode(cx, data, errors, r#final, ByteOrder::Big)
    }

    /// Decodes UTF-32; also tells the byte order found.
    #[pyfunction(sig = "(data, errors=None, byteorder=0, final=False, /)")]
    fn utf_32_ex_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, byteorder: i64, r#final: bool) -> PyResult {
        let b = super::data(cx, data)?;
        let (d, order) = utf32::decode(cx, &b, &super::errors(errors), order_of(byteorder), r#final)?;
        Ok(tuple::new(vec![d.text, Obj::from(d.consumed), Obj::from(order_number(order))]))
    }

    /// Encodes as UTF-32.
    #[pyfunction(sig = "(str, errors=None, byteorder=0, /)")]
    fn utf_32_encode(cx: &Ctx, str: &Obj, errors: Option<&str>, byteorder: i64) -> PyResult {
        utf32_encode(cx, str, errors, order_of(byteorder))
    }

    /// Encodes as little-endian UTF-32.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_32_le_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        utf32_encode(cx, str, errors, ByteOrder::Little)
    }

    /// Encodes as big-endian UTF-32.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn utf_32_be_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        utf32_encode(cx, str, errors, ByteOrder::Big)
    }

    /// Decodes Latin-1.
    #[pyfunction(sig = "(data, errors=None, /)")]
    fn latin_1_decode(cx: &Ctx, data: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let b = super::data(cx, data)?;
        Ok(registry::pair(text::from_latin1(&b), b.len()))
    }

    /// Encodes as Latin-1.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn latin_1_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let s = str_arg(cx, str, "latin_1_encode")?;
        Ok(encoded(latin::encode(cx, str, s, &super::errors(errors), latin::LATIN1)?, s))
    }

    /// Decodes ASCII.
    #[pyfunction(sig = "(data, errors=None, /)")]
    fn ascii_decode(cx: &Ctx, data: &Obj, errors: Option<&str>) -> PyResult {
        Ok(decoded(latin::decode_ascii(cx, &super::data(cx, data)?, &super::errors(errors))?))
    }

    /// Encodes as ASCII.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn ascii_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let s = str_arg(cx, str, "ascii_encode")?;
        Ok(encoded(latin::encode(cx, str, s, &super::errors(errors), latin::ASCII)?, s))
    }

    /// Decodes the escapes of string literals.
    #[pyfunction(sig = "(data, errors=None, final=True, /)")]
    fn unicode_escape_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        Ok(decoded(escape::decode_unicode(cx, &data_or_text(cx, data)?, &super::errors(errors), r#final)?))
    }

    /// Escapes text as in string literals.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn unicode_escape_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let s = str_arg(cx, str, "unicode_escape_encode")?;
        Ok(encoded(escape::encode_unicode(s), s))
    }

    /// Decodes `\u` and `\U` escapes.
    #[pyfunction(sig = "(data, errors=None, final=True, /)")]
    fn raw_unicode_escape_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, r#final: bool) -> PyResult {
        Ok(decoded(escape::decode_raw(cx, &data_or_text(cx, data)?, &super::errors(errors), r#final)?))
    }

    /// Writes what is not Latin-1 as `\u` and `\U` escapes.
    #[pyfunction(sig = "(str, errors=None, /)")]
    fn raw_unicode_escape_encode(cx: &Ctx, str: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let s = str_arg(cx, str, "raw_unicode_escape_encode")?;
        Ok(encoded(escape::encode_raw(s), s))
    }

    /// Decodes by a table or mapping.
    #[pyfunction(sig = "(data, errors=None, mapping=None, /)")]
    fn charmap_decode(cx: &Ctx, data: &Obj, errors: Option<&str>, mapping: Option<&Obj>) -> PyResult {
        let b = super::data(cx, data)?;
        match mapping {
            Some(m) => Ok(decoded(charmap::decode(cx, &b, &super::errors(errors), m)?)),
            None => Ok(registry::pair(text::from_latin1(&b), b.len())),
        }
    }

    /// Encodes by a mapping.
    #[pyfunction(sig = "(str, errors=None, mapping=None, /)")]
    fn charmap_encode(cx: &Ctx, str: &Obj, errors: Option<&str>, mapping: Option<&Obj>) -> PyResult {
        let s = str_arg(cx, str, "charmap_encode")?;
        let e = super::errors(errors);
        let b = match mapping {
            Some(m) => charmap::encode(cx, str, s, &e, m)?,
            None => latin::encode(cx, str, s, &e, latin::LATIN1)?,
        };
        Ok(encoded(b, s))
    }

    /// The encoding table of a decoding table.
    #[pyfunction(sig = "(map, /)")]
    fn charmap_build(cx: &Ctx, map: &Obj) -> PyResult {
        charmap::build(cx, map)
    }

    /// The bytes of a buffer, or of text as UTF-8.
    #[pyfunction(sig = "(data, errors=None, /)")]
    fn readbuffer_encode(cx: &Ctx, data: &Obj, errors: Option<&str>) -> PyResult {
        let _ = errors;
        let b = data_or_text(cx, data)?;
        Ok(registry::pair(bytes::new(&b), b.len()))
    }

    /// Raises the error.
    #[pyfunction(sig = "(exception, /)")]
    fn strict_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::Strict, exception)
    }

    /// Leaves out what cannot be coded.
    #[pyfunction(sig = "(exception, /)")]
    fn ignore_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::Ignore, exception)
    }

    /// Puts a question mark or U+FFFD for what cannot be coded.
    #[pyfunction(sig = "(exception, /)")]
    fn replace_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::Replace, exception)
    }

    /// Writes what cannot be coded as backslash escapes.
    #[pyfunction(sig = "(exception, /)")]
    fn backslashreplace_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::BackslashReplace, exception)
    }

    /// Writes what cannot be encoded as character references.
    #[pyfunction(sig = "(exception, /)")]
    fn xmlcharrefreplace_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::XmlCharRefReplace, exception)
    }

    /// Writes what cannot be encoded as named escapes.
    #[pyfunction(sig = "(exception, /)")]
    fn namereplace_errors(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::NameReplace, exception)
    }

    /// Smuggles undecodable bytes through text as lone surrogates.
    #[pyfunction(sig = "(exception, /)")]
    fn surrogateescape(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::SurrogateEscape, exception)
    }

    /// Codes surrogates as if they were characters.
    #[pyfunction(sig = "(exception, /)")]
    fn surrogatepass(cx: &Ctx, exception: &Obj) -> PyResult {
        handlers::handle_exception(cx, Handler::SurrogatePass, exception)
    }

    /// The handlers are registered under their names and do not stay in the module.
    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        for (name, _) in handlers::BUILTIN {
            let function = match name {
                "surrogateescape" | "surrogatepass" => name.to_owned(),
                _ => format!("{name}_errors"),
            };
            let attr = text::Name::new(&function);
            let f = module.get_attr(cx, attr)?;
            registry::register_error(cx, name, &f)?;
            module.del_attr(cx, attr)?;
        }
        Ok(())
    }
}

fn utf16_decode(cx: &Ctx, o: &Obj, e: Option<&str>, last: bool, order: ByteOrder) -> PyResult {
    Ok(decoded(utf16::decode(cx, &data(cx, o)?, &errors(e), order, last)?.0))
}

fn utf32_decode(cx: &Ctx, o: &Obj, e: Option<&str>, last: bool, order: ByteOrder) -> PyResult {
    Ok(decoded(utf32::decode(cx, &data(cx, o)?, &errors(e), order, last)?.0))
}

fn utf16_encode(cx: &Ctx, o: &Obj, e: Option<&str>, order: ByteOrder) -> PyResult {
    let s = str_arg(cx, o, "utf_16_encode")?;
    Ok(encoded(utf16::encode(cx, o, s, &errors(e), order)?, s))
}

fn utf32_encode(cx: &Ctx, o: &Obj, e: Option<&str>, order: ByteOrder) -> PyResult {
    let s = str_arg(cx, o, "utf_32_encode")?;
    Ok(encoded(utf32::encode(cx, o, s, &errors(e), order)?, s))
}
