//! `_hashlib`: hash functions by name, HMAC and key derivation, under the names of CPython's OpenSSL module.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{dict, exc, set};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::algorithm::{ALL, Algorithm, Hmac, Running, pbkdf2};
use super::{hex, initial, input};

/// The functions whose names begin with `openssl_`.
const CONSTRUCTORS: &[&str] = &[
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "shake_128",
    "shake_256",
];

/// A hash algorithm is not supported.
#[pyclass(name = "UnsupportedDigestmodError", module = "_hashlib", base = exc::markers::ValueError,
    flags(basetype, mutable), payload = "inherit")]
pub(crate) struct UnsupportedDigestmodError;

#[cold]
fn unsupported(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(UnsupportedDigestmodError::class().type_object(), message)
}

fn find(cx: &Ctx, name: &str) -> PyResult<&'static Algorithm> {
    Algorithm::named(name).ok_or_else(|| unsupported(cx, "[digital envelope routines] unsupported"))
}

/// The algorithm that a `digestmod` argument names: by text, or by a constructor of this module.
fn digestmod(cx: &Ctx, o: &Obj) -> PyResult<&'static Algorithm> {
    if let Some(s) = o.downcast::<Str>() {
        return find(cx, s.as_str_lossy());
    }
    let table = (cx.host().import)(cx, "_hashlib")?.get_attr(cx, intern!("_constructors"))?;
    let found = match table.get_item(cx, o) {
        Ok(n) => Some(n),
        Err(r) => {
            drop(cx.take(r));
            None
        }
    };
    match found.as_ref().and_then(|n| n.downcast::<Str>()) {
        Some(n) => find(cx, n.as_str_lossy()),
        None => {
            let shown = o.repr(cx)?;
            let shown = cinder_pyobj::types::str::as_utf8_lossy(&shown);
            Err(unsupported(cx, format!("Unsupported digestmod {shown}")))
        }
    }
}

/// Hash data that need not keep others waiting.
const LARGE: usize = 2048;

fn absorb(cx: &Ctx, h: &mut Running, data: &[u8]) {
    if data.len() >= LARGE {
        cx.without_lock(|| h.update(data));
    } else {
        h.update(data);
    }
}

/// A digest in the making.
///
/// update() takes data in; digest() and hexdigest() give the value of what came so far.
#[pyclass(name = "HASH", module = "_hashlib", flags(no_new, basetype))]
pub(crate) struct Hash {
    algorithm: &'static Algorithm,
    /// Locked while a thread hashes without the interpreter's lock.
    state: Mutex<Running>,
}

impl Traverse for Hash {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Hash {
    fn make(algorithm: &'static Algorithm, state: Running) -> Obj {
        let h = Hash { algorithm, state: Mutex::new(state) };
        if algorithm.is_xof() {
            new_instance(HashXof::type_object(), HashXof { hash: h })
        } else {
            new_instance(Hash::type_object(), h)
        }
    }

    /// The state. Whoever holds it never waits for the interpreter's lock.
    fn state(&self) -> MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(cx: &Ctx, algorithm: &'static Algorithm, data: Option<&Obj>, string: Option<&Obj>) -> PyResult {
    let string = string.filter(|s| !s.is_none());
    if data.is_some() && string.is_some() {
        return Err(cx.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
             removal in a future version.",
        ));
    }
    let data = initial(cx, data, string)?;
    let mut h = algorithm.start();
    absorb(cx, &mut h, &data);
    Ok(Hash::make(algorithm, h))
}

#[pymethods]
impl Hash {
    fn __repr__(_cx: &Ctx, this: This<'_, Hash>) -> String {
        format!(
            "<{} _hashlib.{} object @ {:#x}>",
            this.algorithm.name,
            if this.algorithm.is_xof() { "HASHXOF" } else { "HASH" },
            this.obj().id()
        )
    }

    /// Takes in more bytes.
    #[pymethod(sig = "($self, obj, /)")]
    fn update(cx: &Ctx, this: This<'_, Hash>, obj: &Obj) -> PyResult<()> {
        let data = input(cx, obj)?;
        if data.len() < LARGE {
            this.state().update(&data);
        } else {
            let h = this.payload();
            cx.without_lock(|| h.state().update(&data));
        }
        Ok(())
    }

    /// The digest of what came so far, as bytes.
    #[pymethod]
    fn digest(&self) -> Obj {
        bytes::new(&self.state().digest(self.algorithm.size))
    }

    /// The digest of what came so far, as hexadecimal digits.
    #[pymethod]
    fn hexdigest(&self) -> String {
        hex(&self.state().digest(self.algorithm.size))
    }

    /// A second digest that has taken in the same so far.
    #[pymethod]
    fn copy(&self) -> Obj {
        Hash::make(self.algorithm, self.state().clone())
    }

    #[pygetter]
    fn digest_size(&self) -> usize {
        self.algorithm.size
    }

    #[pygetter]
    fn block_size(&self) -> usize {
        self.algorithm.block
    }

    /// algorithm name.
    #[pygetter]
    fn name(&self) -> &'static str {
        self.algorithm.name
    }
}

/// A hash whose digest is as long as the caller asks.
#[pyclass(name = "HASHXOF", module = "_hashlib", base = Hash, flags(no_new, basetype))]
#[repr(C)]
pub(crate) struct HashXof {
    hash: Hash,
}

impl Traverse for HashXof {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl HashXof {
    fn squeeze(&self, cx: &Ctx, length: isize) -> PyResult<Vec<u8>> {
        let Ok(n) = usize::try_from(length) else { return Err(cx.value_error("length must be non-negative")) };
        if n >= 1 << 29 {
            return Err(cx.value_error("length is too large"));
        }
        Ok(self.hash.state().digest(n))
    }
}

#[pymethods]
impl HashXof {
    /// The digest of what came so far, as bytes.
    #[pymethod(sig = "($self, length)")]
    fn digest(cx: &Ctx, this: This<'_, HashXof>, length: isize) -> PyResult {
        Ok(bytes::new(&this.squeeze(cx, length)?))
    }

    /// The digest of what came so far, as hexadecimal digits.
    #[pymethod(sig = "($self, length)")]
    fn hexdigest(cx: &Ctx, this: This<'_, HashXof>, length: isize) -> PyResult<String> {
        Ok(hex(&this.squeeze(cx, length)?))
    }

    #[pygetter]
    fn digest_size(&self) -> usize {
        0
    }
}

/// An authentication code in the making.
///
/// update() takes data in; digest() and hexdigest() give the code of what came so far.
#[pyclass(name = "HMAC", module = "_hashlib", flags(no_new, basetype))]
pub(crate) struct HmacObject {
    state: RefCell<Hmac>,
}

impl Traverse for HmacObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

fn key_bytes(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    if o.downcast::<Str>().is_some() || !bytes::args::is_bytes_like(o) {
        return Err(cx.type_error(format!("a bytes-like object is required, not '{}'", o.type_of().name())));
    }
    Ok(BytesLike::new(cx, o)?.to_vec())
}

fn keyed(cx: &Ctx, key: &Obj, algorithm: &'static Algorithm) -> PyResult<Hmac> {
    let key = key_bytes(cx, key)?;
    if algorithm.is_xof() {
        return Err(cx.value_error("no reason supplied"));
    }
    Ok(Hmac::new(algorithm, &key))
}

#[pymethods]
impl HmacObject {
    fn __repr__(_cx: &Ctx, this: This<'_, HmacObject>) -> String {
        format!("<{} HMAC object @ {:#x}>", this.payload().state.borrow().algorithm.name, this.obj().id())
    }

    /// Takes in more bytes of the message.
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

    /// A second code that has taken in the same so far.
    #[pymethod]
    fn copy(&self) -> Obj {
        let state = self.state.borrow().clone();
        new_instance(HmacObject::type_object(), HmacObject { state: RefCell::new(state) })
    }

    #[pygetter]
    fn digest_size(&self) -> usize {
        self.state.borrow().algorithm.size
    }

    #[pygetter]
    fn block_size(&self) -> usize {
        self.state.borrow().algorithm.block
    }

    #[pygetter]
    fn name(&self) -> String {
        format!("hmac-{}", self.state.borrow().algorithm.name)
    }
}

macro_rules! constructors {
    ($($f:ident $name:literal;)*) => {
        /// The constructors of single algorithms.
        #[pymodule(name = "_hashlib")]
        pub(crate) mod constructors {
            use super::*;

            $(
                /// Returns a hash object of this algorithm; optionally initialized with a bytes-like object.
                #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=None)")]
                fn $f(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
                    let _ = usedforsecurity;
                    start(cx, find(cx, $name)?, data, string)
                }
            )*
        }
    };
}

constructors! {
    openssl_md5 "md5";
    openssl_sha1 "sha1";
    openssl_sha224 "sha224";
    openssl_sha256 "sha256";
    openssl_sha384 "sha384";
    openssl_sha512 "sha512";
    openssl_sha3_224 "sha3_224";
    openssl_sha3_256 "sha3_256";
    openssl_sha3_384 "sha3_384";
    openssl_sha3_512 "sha3_512";
    openssl_shake_128 "shake_128";
    openssl_shake_256 "shake_256";
}

/// Hash functions by name, HMAC and derivations of keys.
#[pymodule(
    name = "_hashlib",
    parts(super::constructors),
    classes(super::Hash, super::HashXof, super::HmacObject, super::UnsupportedDigestmodError)
)]
pub(crate) mod module {
    use super::*;

    /// A digest of the named algorithm, which has taken in the string.
    #[pyfunction(sig = "(name, data=<unrepresentable>, *, usedforsecurity=True, string=None)")]
    fn new(cx: &Ctx, name: &str, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, find(cx, name)?, data, string)
    }

    /// An authentication code with this key and algorithm.
    #[pyfunction(sig = "(key, msg=b'', digestmod=None)")]
    fn hmac_new(cx: &Ctx, key: &Obj, msg: Option<&Obj>, digestmod: Option<&Obj>) -> PyResult {
        let Some(d) = digestmod else { return Err(cx.type_error("Missing required parameter 'digestmod'.")) };
        let algorithm = super::digestmod(cx, d)?;
        let mut h = keyed(cx, key, algorithm)?;
        if let Some(m) = msg.filter(|m| !m.is_none()) {
            h.update(&input(cx, m)?);
        }
        Ok(new_instance(HmacObject::type_object(), HmacObject { state: RefCell::new(h) }))
    }

    /// Single-shot HMAC.
    #[pyfunction(sig = "(key, msg, digest)")]
    fn hmac_digest(cx: &Ctx, key: &Obj, msg: &Obj, digest: &Obj) -> PyResult {
        let algorithm = super::digestmod(cx, digest)?;
        let msg = key_bytes(cx, msg)?;
        let mut h = keyed(cx, key, algorithm)?;
        h.update(&msg);
        Ok(bytes::new(&h.digest()))
    }

    /// PBKDF2: a key from a password and salt, by that many rounds of HMAC (RFC 8018).
    #[pyfunction(sig = "(hash_name, password, salt, iterations, dklen=None)")]
    fn pbkdf2_hmac(
        cx: &Ctx,
        hash_name: &str,
        password: &Obj,
        salt: &Obj,
        iterations: i64,
        dklen: Option<i64>,
    ) -> PyResult {
        let algorithm = find(cx, hash_name)?;
        let (password, salt) = (key_bytes(cx, password)?, key_bytes(cx, salt)?);
        if iterations < 1 {
            return Err(cx.value_error("iteration value must be greater than 0."));
        }
        if iterations > i64::from(i32::MAX) {
            return Err(cx.overflow_error("iteration value is too great."));
        }
        let size = match dklen {
            None => algorithm.size as i64,
            Some(n) if n > i64::from(i32::MAX) => return Err(cx.overflow_error("key length is too great.")),
            Some(n) => n,
        };
        if size < 1 {
            return Err(cx.value_error("key length must be greater than 0."));
        }
        let out = cx.without_lock(|| pbkdf2(algorithm, &password, &salt, iterations as u64, size as usize));
        Ok(bytes::new(&out))
    }

    /// scrypt: a key from a password and salt, which takes much memory (RFC 7914).
    #[pyfunction(sig = "(password, *, salt, n, r, p, maxmem=0, dklen=64)", name = "scrypt")]
    fn py_scrypt(cx: &Ctx, password: &Obj, salt: &Obj, n: i64, r: i64, p: i64, maxmem: i64, dklen: i64) -> PyResult {
        let (password, salt) = (key_bytes(cx, password)?, key_bytes(cx, salt)?);
        if n < 2 || n.count_ones() != 1 {
            return Err(cx.value_error("n must be a power of 2."));
        }
        if !(0..i64::from(i32::MAX)).contains(&maxmem) {
            return Err(cx.value_error("maxmem must be positive and smaller than 2147483647"));
        }
        if !(1..i64::from(i32::MAX)).contains(&dklen) {
            return Err(cx.value_error("dklen must be greater than 0 and smaller than 2147483647"));
        }
        let invalid = || cx.value_error("Invalid parameter combination for n, r, p, maxmem.");
        let (Ok(r32), Ok(p32)) = (u32::try_from(r), u32::try_from(p)) else { return Err(invalid()) };
        if r32 == 0 || p32 == 0 {
            return Err(invalid());
        }
        // OpenSSL allows 32 MiB unless told otherwise.
        let limit = if maxmem == 0 { 32 << 20 } else { maxmem as u128 };
        let need = 128 * u128::from(r32) * (n as u128 + u128::from(p32) + 2);
        if need > limit {
            return Err(cx.value_error("[digital envelope routines] memory limit exceeded"));
        }
        let log = n.trailing_zeros() as u8;
        let params = scrypt::Params::new(log, r32, p32).map_err(|_| invalid())?;
        let mut out = vec![0; dklen as usize];
        let done = cx.without_lock(|| scrypt::scrypt(&password, &salt, &params, &mut out));
        done.map_err(|_| invalid())?;
        Ok(bytes::new(&out))
    }

    /// Determine the OpenSSL FIPS mode of operation: there is none.
    #[pyfunction(sig = "()")]
    fn get_fips_mode() -> i64 {
        0
    }

    /// Whether a == b, in a time that does not depend on where they differ.
    ///
    /// Both are bytes-like, or both are ASCII texts.
    #[pyfunction(sig = "(a, b, /)")]
    fn compare_digest(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<bool> {
        (cx.host().import)(cx, "_operator")?
            .call_method(cx, intern!("_compare_digest"), &[a.clone(), b.clone()])?
            .truthy(cx)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let names = set::new();
        for a in ALL {
            set::add(cx, &names, &Obj::from(a.name))?;
        }
        module.set_attr(cx, intern!("openssl_md_meth_names"), &set::frozen_from_iterable(cx, &names)?)?;
        let table = dict::new();
        for name in CONSTRUCTORS {
            let f = module.get_attr(cx, Name::new(&format!("openssl_{name}")))?;
            dict::set(cx, &table, &f, &Obj::from(*name))?;
        }
        let proxy = (cx.host().import)(cx, "types")?.call_method(cx, intern!("MappingProxyType"), &[table])?;
        module.set_attr(cx, intern!("_constructors"), &proxy)?;
        module.set_attr(cx, intern!("_GIL_MINSIZE"), &Obj::from(LARGE))
    }
}
