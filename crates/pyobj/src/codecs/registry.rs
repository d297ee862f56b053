//! The registry of codecs: search functions, their results, and named error handlers.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashMap;

use crate::ctx::{Ctx, PyResult, Strictness};
use crate::heap::Gil;
use crate::intern;
use crate::types::str::{Str, as_utf8_lossy};
use crate::types::tuple::{self, Tuple};
use crate::types::{bytes, exc};
use crate::value::Obj;

struct Registry {
    search: RefCell<Vec<Obj>>,
    cache: RefCell<FxHashMap<String, Obj>>,
    errors: RefCell<FxHashMap<String, Obj>>,
    /// The `encodings` package registers its search function when it is first imported.
    loaded: Cell<bool>,
}

struct Lazy(std::cell::OnceCell<Registry>);

static REGISTRY: Gil<Lazy> = Gil::new(Lazy(std::cell::OnceCell::new()));

fn registry() -> &'static Registry {
    REGISTRY.get().0.get_or_init(|| Registry {
        search: RefCell::default(),
        cache: RefCell::default(),
        errors: RefCell::default(),
        loaded: Cell::new(false),
    })
}

/// Adds a search function.
///
/// # Errors
/// TypeError if it is not callable.
pub fn register(cx: &Ctx, search: &Obj) -> PyResult<()> {
    if !search.is_callable() {
        return Err(cx.type_error("argument must be callable"));
    }
    registry().search.borrow_mut().push(search.clone());
    Ok(())
}

/// Removes a search function and forgets what was found.
pub fn unregister(search: &Obj) {
    let r = registry();
    let at = r.search.borrow().iter().position(|s| s.is(search));
    if let Some(i) = at {
        let old = r.search.borrow_mut().remove(i);
        let cache = std::mem::take(&mut *r.cache.borrow_mut());
        drop((old, cache));
    }
}

/// The name under which codecs are searched: lower case, blanks as underscores (hyphens are kept).
fn normalized(encoding: &str) -> String {
    encoding.chars().map(|c| if c == ' ' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Finds a codec: the tuple that its search function gave.
///
/// # Errors
/// LookupError for unknown encodings; what search functions raise.
pub fn lookup(cx: &Ctx, encoding: &str) -> PyResult {
    let r = registry();
    let name = normalized(encoding);
    if let Some(c) = r.cache.borrow().get(&name) {
        return Ok(c.clone());
    }
    if !r.loaded.replace(true) {
        (cx.host().import)(cx, "encodings")?;
    }
    let searches = r.search.borrow().clone();
    if searches.is_empty() {
        return Err(cx.raise(exc::LookupError(), "no codec search functions registered: can't find encoding"));
    }
    let key = crate::types::str::new(&name);
    for s in searches {
        let found = s.call1(cx, &key)?;
        if found.is_none() {
            continue;
        }
        if found.downcast::<Tuple>().is_none_or(|t| t.as_slice().len() != 4) {
            return Err(cx.type_error("codec search functions must return 4-tuples"));
        }
        r.cache.borrow_mut().insert(name, found.clone());
        return Ok(found);
    }
    Err(cx.raise(exc::LookupError(), format!("unknown encoding: {encoding}")))
}

fn member(cx: &Ctx, codec: &Obj, i: usize) -> PyResult {
    match codec.downcast::<Tuple>().and_then(|t| t.as_slice().get(i)) {
        Some(f) => Ok(f.clone()),
        None => Err(cx.type_error("codec search functions must return 4-tuples")),
    }
}

/// Calls a coder, which must return a pair; its first item.
fn run(cx: &Ctx, f: &Obj, object: &Obj, errors: Option<&str>, what: &str, encoding: &str) -> PyResult {
    let args: Vec<Obj> = match errors {
        Some(e) => vec![object.clone(), crate::types::str::new(e)],
        None => vec![object.clone()],
    };
    let r = match f.call_pos(cx, &args) {
        Ok(r) => r,
        Err(r) => return Err(add_note(cx, r, what, encoding)),
    };
    match r.downcast::<Tuple>().map(Tuple::as_slice) {
        Some([v, _]) => Ok(v.clone()),
        _ => Err(cx.type_error(format!("{what}r must return a tuple (object, integer)"))),
    }
}

fn add_note(cx: &Ctx, r: crate::Raised, what: &str, encoding: &str) -> crate::Raised {
    let e = cx.take(r);
    let note = crate::types::str::new(&format!("{what}ing with '{encoding}' codec failed"));
    match e.call_method(cx, intern!("add_note"), &[note]) {
        Ok(_) => cx.set_pending(e),
        Err(r) => r,
    }
}

/// `codecs.encode(object, encoding, errors)`: any codec, any objects.
///
/// # Errors
/// As [`lookup`], and what the codec raises.
pub fn encode_any(cx: &Ctx, object: &Obj, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = lookup(cx, encoding)?;
    run(cx, &member(cx, &codec, 0)?, object, errors, "encod", encoding)
}

/// `codecs.decode(object, encoding, errors)`: any codec, any objects.
///
/// # Errors
/// As [`lookup`], and what the codec raises.
pub fn decode_any(cx: &Ctx, object: &Obj, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = lookup(cx, encoding)?;
    run(cx, &member(cx, &codec, 1)?, object, errors, "decod", encoding)
}

/// A codec that is a text encoding; `instead` names the function for others.
fn text_codec(cx: &Ctx, encoding: &str, instead: &str) -> PyResult {
    let codec = lookup(cx, encoding)?;
    let exact_tuple = codec.type_of().is(<Tuple as crate::native::PyClass>::type_object());
    if !exact_tuple
        && let Some(flag) = codec.get_attr_opt(cx, intern!("_is_text_encoding"))?
        && !flag.truthy(cx)?
    {
        return Err(cx.raise(
            exc::LookupError(),
            format!("'{encoding}' is not a text encoding; use {instead} to handle arbitrary codecs"),
        ));
    }
    Ok(codec)
}

/// `text.encode(encoding, errors)` through the registry.
///
/// # Errors
/// As [`lookup`]; TypeError if the codec gives no bytes.
pub fn encode_text(cx: &Ctx, text: &Obj, encoding: &str, errors: &str) -> PyResult {
    let codec = text_codec(cx, encoding, "codecs.encode()")?;
    let v = run(cx, &member(cx, &codec, 0)?, text, Some(errors), "encod", encoding)?;
    if v.downcast::<bytes::Bytes>().is_some() {
        return Ok(v);
    }
    if let Some(b) = v.downcast::<bytes::ByteArray>() {
        (cx.host().warn)(
            cx,
            exc::RuntimeWarning(),
            &format!(
                "encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"
            ),
            1,
        )?;
        return Ok(bytes::new(&b.to_vec()));
    }
    Err(cx.type_error(format!(
        "'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        v.type_of().name()
    )))
}

/// `data.decode(encoding, errors)` through the registry.
///
/// # Errors
/// As [`lookup`]; TypeError if the codec gives no str.
pub fn decode_text(cx: &Ctx, data: &Obj, encoding: &str, errors: &str) -> PyResult {
    let codec = text_codec(cx, encoding, "codecs.decode()")?;
    let v = run(cx, &member(cx, &codec, 1)?, data, Some(errors), "decod", encoding)?;
    if v.downcast::<Str>().is_some() {
        return Ok(v);
    }
    Err(cx.type_error(format!(
        "'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        v.type_of().name()
    )))
}

/// Names an error handler.
///
/// # Errors
/// TypeError if it is not callable.
pub fn register_error(cx: &Ctx, name: &str, handler: &Obj) -> PyResult<()> {
    if !handler.is_callable() {
        return Err(cx.type_error("handler must be callable"));
    }
    let old = registry().errors.borrow_mut().insert(name.to_owned(), handler.clone());
    drop(old);
    Ok(())
}

/// Forgets an error handler; whether it was there. Built-in ones are refused.
///
/// # Errors
/// ValueError for built-in handlers.
pub fn unregister_error(cx: &Ctx, name: &str) -> PyResult<bool> {
    if super::errors::BUILTIN.iter().any(|(n, _)| *n == name) {
        return Err(cx.value_error(format!("cannot un-register built-in error handler '{name}'")));
    }
    let old = registry().errors.borrow_mut().remove(name);
    Ok(old.is_some())
}

/// The error handler of that name.
///
/// # Errors
/// LookupError if there is none.
pub fn lookup_error(cx: &Ctx, name: &str) -> PyResult {
    if registry().errors.borrow().is_empty() {
        // The built-in handlers' callables live in the native module.
        (cx.host().import)(cx, "_codecs")?;
    }
    let found = registry().errors.borrow().get(name).cloned();
    found.ok_or_else(|| cx.raise(exc::LookupError(), format!("unknown error handler name '{name}'")))
}

/// In development mode, looks up the names of an encoding and an error handler before they are needed.
pub(super) fn check_names(cx: &Ctx, encoding: &str, errors: &str) -> PyResult<()> {
    // Before the codecs are there, only the start-up itself codes anything.
    if !Strictness::development() || !registry().loaded.get() {
        return Ok(());
    }
    if super::known(encoding).is_none() {
        lookup(cx, encoding)?;
    }
    if errors != "strict" && !registry().errors.borrow().is_empty() {
        lookup_error(cx, errors)?;
    }
    Ok(())
}

/// The name of an encoding or handler given as an optional str object.
pub fn name_of(o: Option<&Obj>, default: &'static str) -> String {
    o.map_or(default.to_owned(), |o| as_utf8_lossy(o).into_owned())
}

/// A pair as `_codecs` functions return it.
pub fn pair(value: Obj, n: usize) -> Obj {
    tuple::new(vec![value, Obj::from(n)])
}
