//! The codec registry behind `codecs.register`, `str.encode` and `bytes.decode`.

use cinder_pyobj::intern;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::thread::Thread;

fn normalize(name: &str) -> String {
    name.chars().map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Registers a search function.
pub fn register(cx: &Ctx, f: &Obj) {
    Thread::of(cx).runtime.codec_search.borrow_mut().push(f.clone());
}

/// Removes a search function and forgets what was found.
pub fn unregister(cx: &Ctx, f: &Obj) {
    let rt = Thread::of(cx).runtime;
    let removed = {
        let mut all = rt.codec_search.borrow_mut();
        all.iter().position(|g| g.is(f)).map(|i| all.remove(i))
    };
    if removed.is_some() {
        rt.codec_cache.set(None);
    }
}

/// The codec's (encode, decode, reader, writer) tuple.
pub fn lookup(cx: &Ctx, encoding: &str) -> PyResult {
    let rt = Thread::of(cx).runtime;
    let name = normalize(encoding);
    let key = Obj::from(name.as_str());
    let cache = match rt.codec_cache.get() {
        Some(c) => c,
        None => {
            let c = dict::new();
            rt.codec_cache.set(Some(c.clone()));
            c
        }
    };
    if let Some(c) = dict::get(cx, &cache, &key)? {
        return Ok(c);
    }
    if rt.codec_search.borrow().is_empty() {
        // The `encodings` package registers its search function when it is imported.
        (cx.host().import)(cx, "encodings")?;
    }
    let all = rt.codec_search.borrow().clone();
    for f in all {
        let r = f.call1(cx, &key)?;
        if r.is_none() {
            continue;
        }
        if tuple::items_if_tuple(&r).is_none_or(|t| t.len() != 4) {
            return Err(cx.type_error("codec search functions must return 4-tuples"));
        }
        dict::set(cx, &cache, &key, &r)?;
        return Ok(r);
    }
    Err(cx.raise(exc::LookupError(), format!("unknown encoding: {encoding}")))
}

fn run(cx: &Ctx, which: usize, input: &Obj, encoding: &str, errors: &str, what: &str) -> PyResult {
    let codec = lookup(cx, encoding)?;
    let f = match tuple::items_if_tuple(&codec).and_then(|t| t.get(which)) {
        Some(f) => f.clone(),
        None => return Err(cx.type_error("codec search functions must return 4-tuples")),
    };
    let r = f.call_pos(cx, &[input.clone(), Obj::from(errors)])?;
    match tuple::items_if_tuple(&r) {
        Some([v, _]) => Ok(v.clone()),
        _ => Err(cx.type_error(format!("{what} must return a tuple (object, integer)"))),
    }
}

/// Whether `str.encode` and `bytes.decode` may use the codec.
fn check_text(cx: &Ctx, encoding: &str, way: &str) -> PyResult<()> {
    let codec = lookup(cx, encoding)?;
    if let Some(t) = codec.get_attr_opt(cx, intern!("_is_text_encoding"))?
        && !t.truthy(cx)?
    {
        return Err(cx.raise(
            exc::LookupError(),
            format!("'{encoding}' is not a text encoding; use codecs.{way}() to handle arbitrary codecs"),
        ));
    }
    Ok(())
}

/// `str.encode` by a registered codec.
pub(crate) fn encode(cx: &Ctx, text: &Obj, encoding: &str, errors: &str) -> PyResult {
    check_text(cx, encoding, "encode")?;
    let r = run(cx, 0, text, encoding, errors, "encoder")?;
    if cinder_pyobj::types::bytes::as_bytes(&r).is_none() {
        return Err(cx.type_error(format!(
            "'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
            r.type_of().name()
        )));
    }
    Ok(r)
}

/// `bytes.decode` by a registered codec.
pub(crate) fn decode(cx: &Ctx, data: &Obj, encoding: &str, errors: &str) -> PyResult {
    check_text(cx, encoding, "decode")?;
    let r = run(cx, 1, data, encoding, errors, "decoder")?;
    if !r.type_of().is_str_subtype() {
        return Err(cx.type_error(format!(
            "'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
            r.type_of().name()
        )));
    }
    Ok(r)
}

/// `codecs.encode` and `codecs.decode`: any types.
pub fn convert(cx: &Ctx, input: &Obj, encoding: &str, errors: &str, encoding_way: bool) -> PyResult {
    if encoding_way {
        run(cx, 0, input, encoding, errors, "encoder")
    } else {
        run(cx, 1, input, encoding, errors, "decoder")
    }
}

/// Registers an error handler by name.
pub fn register_error(cx: &Ctx, name: &str, f: &Obj) -> PyResult<()> {
    let rt = Thread::of(cx).runtime;
    let d = match rt.codec_errors.get() {
        Some(d) => d,
        None => {
            let d = dict::new();
            rt.codec_errors.set(Some(d.clone()));
            d
        }
    };
    dict::set(cx, &d, &Obj::from(name), f)
}

/// The error handler registered under a name, if any.
pub fn lookup_error(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
    match Thread::of(cx).runtime.codec_errors.get() {
        Some(d) => dict::get(cx, &d, &Obj::from(name)),
        None => Ok(None),
    }
}

const _: fn(&Obj) -> std::borrow::Cow<'_, str> = as_utf8_lossy;
