//! `_hmac`: keyed hashes over the built-in algorithms.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{bytes, exc};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::algorithm::{Algorithm, Hmac};
use super::{hex, input};

/// A hash algorithm is not known.
#[pyclass(name = "UnknownHashError", module = "_hmac", base = exc::markers::ValueError, flags(basetype, mutable),
    payload = "inherit")]
pub(crate) struct UnknownHashError;

#[cold]
fn unknown(cx: &Ctx, what: &Obj) -> Raised {
    match what.repr(cx) {
        Ok(r) => {
            cx.raise(UnknownHashError::class().type_object(), format!("unsupported hash type: {}", as_utf8_lossy(&r)))
        }
        Err(r) => r,
    }
}

/// The algorithm of a name or of the module that implements it (whose `new` function is given).
fn find(cx: &Ctx, o: &Obj) -> PyResult<&'static Algorithm> {
    let found = o.downcast::<Str>().and_then(|s| {
        let name = s.as_str_lossy();
        let exact = name == name.to_ascii_lowercase() || name == name.to_ascii_uppercase();
        Algorithm::named(name).filter(|_| exact)
    });
    found.filter(|a| !a.is_xof() && !a.name.starts_with("sha512_")).ok_or_else(|| unknown(cx, o))
}

fn compute(cx: &Ctx, algorithm: &'static Algorithm, key: &Obj, msg: &Obj) -> PyResult {
    let key = input(cx, key)?;
    let msg = input(cx, msg)?;
    let mut h = Hmac::new(algorithm, &key);
    h.update(&msg);
    Ok(bytes::new(&h.digest()))
}

/// A keyed hash being computed.
#[pyclass(name = "HMAC", module = "_hmac", flags(no_new))]
pub(crate) struct HmacObject {
    state: RefCell<Hmac>,
}

impl Traverse for HmacObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[pymethods]
impl HmacObject {
    fn __repr__(_cx: &Ctx, this: This<'_, HmacObject>) -> String {
        format!("<{} HMAC object @ {:#x}>", this.payload().state.borrow().algorithm.name, this.obj().id())
    }

    /// A second code that has taken in the same so far.
    #[pymethod]
    fn copy(&self) -> Obj {
        let state = self.state.borrow().clone();
        new_instance(HmacObject::type_object(), HmacObject { state: RefCell::new(state) })
    }

    /// Takes in more of the message.
    #[pymethod(sig = "($self, msg)")]
    fn update(&self, cx: &Ctx, msg: &Obj) -> PyResult<()> {
        let data = input(cx, msg)?;
        self.state.borrow_mut().update(&data);
        Ok(())
    }

    /// The code of what came so far, as bytes.
    #[pymethod]
    fn digest(&self) -> Obj {
        bytes::new(&self.state.borrow().digest())
    }

    /// The code of what came so far, as hexadecimal digits.
    #[pymethod]
    fn hexdigest(&self) -> String {
        hex(&self.state.borrow().digest())
    }

    #[pygetter]
    fn name(&self) -> String {
        format!("hmac-{}", self.state.borrow().algorithm.name)
    }

    #[pygetter]
    fn block_size(&self) -> usize {
        self.state.borrow().algorithm.block
    }

    #[pygetter]
    fn digest_size(&self) -> usize {
        self.state.borrow().algorithm.size
    }
}

macro_rules! one_shot {
    ($($f:ident $name:literal;)*) => {
        /// HMAC of whole messages, a function for each algorithm.
        #[pymodule(name = "_hmac")]
        pub(crate) mod one_shot {
            use super::*;

            $(
                #[pyfunction(sig = "(key, msg, /)")]
                fn $f(cx: &Ctx, key: &Obj, msg: &Obj) -> PyResult {
                    compute(cx, find(cx, &Obj::from($name))?, key, msg)
                }
            )*
        }
    };
}

one_shot! {
    compute_md5 "md5";
    compute_sha1 "sha1";
    compute_sha224 "sha224";
    compute_sha256 "sha256";
    compute_sha384 "sha384";
    compute_sha512 "sha512";
    compute_sha3_224 "sha3_224";
    compute_sha3_256 "sha3_256";
    compute_sha3_384 "sha3_384";
    compute_sha3_512 "sha3_512";
    compute_blake2s_32 "blake2s";
    compute_blake2b_32 "blake2b";
}

/// HMAC over the built-in hash functions.
#[pymodule(name = "_hmac", parts(super::one_shot), classes(super::HmacObject, super::UnknownHashError))]
pub(crate) mod module {
    use super::*;

    /// An authentication code with this key and algorithm.
    #[pyfunction(sig = "(key, msg=None, digestmod=<unrepresentable>)")]
    fn new(cx: &Ctx, key: &Obj, msg: Option<&Obj>, digestmod: Option<&Obj>) -> PyResult {
        let Some(digestmod) = digestmod else {
            return Err(cx.type_error("new() missing 1 required argument 'digestmod'"));
        };
        let algorithm = find(cx, digestmod)?;
        let mut h = Hmac::new(algorithm, &input(cx, key)?);
        if let Some(m) = msg {
            h.update(&input(cx, m)?);
        }
        Ok(new_instance(HmacObject::type_object(), HmacObject { state: RefCell::new(h) }))
    }

    /// HMAC of a whole message.
    #[pyfunction(sig = "(key, msg, digest)")]
    fn compute_digest(cx: &Ctx, key: &Obj, msg: &Obj, digest: &Obj) -> PyResult {
        compute(cx, find(cx, digest)?, key, msg)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}
