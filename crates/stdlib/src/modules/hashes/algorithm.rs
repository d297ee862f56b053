//! Hash algorithms by name, and HMAC over them.

use sha2::digest::DynDigest;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// A hash algorithm.
pub(crate) struct Algorithm {
    pub name: &'static str,
    /// Bytes taken at once.
    pub block: usize,
    /// Bytes of the digest; zero where the caller chooses.
    pub size: usize,
    start: fn() -> Running,
}

/// A hash being computed.
#[derive(Clone)]
pub(crate) struct Running(Inner);

enum Inner {
    Fixed(Box<dyn DynDigest>),
    Blake2b(Box<blake2b_simd::State>),
    Blake2s(Box<blake2s_simd::State>),
    Shake128(Box<sha3::Shake128>),
    Shake256(Box<sha3::Shake256>),
}

impl Clone for Inner {
    fn clone(&self) -> Inner {
        match self {
            Inner::Fixed(d) => Inner::Fixed(d.box_clone()),
            Inner::Blake2b(s) => Inner::Blake2b(s.clone()),
            Inner::Blake2s(s) => Inner::Blake2s(s.clone()),
            Inner::Shake128(s) => Inner::Shake128(s.clone()),
            Inner::Shake256(s) => Inner::Shake256(s.clone()),
        }
    }
}

macro_rules! algorithms {
    ($($name:literal $block:literal $size:literal $start:expr;)*) => {
        /// All algorithms.
        pub(crate) static ALL: &[Algorithm] =
            &[$(Algorithm { name: $name, block: $block, size: $size, start: || Running($start) }),*];
    };
}

algorithms! {
    "md5" 64 16 Inner::Fixed(Box::<md5::Md5>::default());
    "sha1" 64 20 Inner::Fixed(Box::<sha1::Sha1>::default());
    "sha224" 64 28 Inner::Fixed(Box::<sha2::Sha224>::default());
    "sha256" 64 32 Inner::Fixed(Box::<sha2::Sha256>::default());
    "sha384" 128 48 Inner::Fixed(Box::<sha2::Sha384>::default());
    "sha512" 128 64 Inner::Fixed(Box::<sha2::Sha512>::default());
    "sha512_224" 128 28 Inner::Fixed(Box::<sha2::Sha512_224>::default());
    "sha512_256" 128 32 Inner::Fixed(Box::<sha2::Sha512_256>::default());
    "sha3_224" 144 28 Inner::Fixed(Box::<sha3::Sha3_224>::default());
    "sha3_256" 136 32 Inner::Fixed(Box::<sha3::Sha3_256>::default());
    "sha3_384" 104 48 Inner::Fixed(Box::<sha3::Sha3_384>::default());
    "sha3_512" 72 64 Inner::Fixed(Box::<sha3::Sha3_512>::default());
    "shake_128" 168 0 Inner::Shake128(Box::default());
    "shake_256" 136 0 Inner::Shake256(Box::default());
    "blake2b" 128 64 Inner::Blake2b(Box::new(blake2b_simd::State::new()));
    "blake2s" 64 32 Inner::Blake2s(Box::new(blake2s_simd::State::new()));
}

impl Algorithm {
    /// The algorithm of a name as OpenSSL and `hashlib` know them.
    pub fn named(name: &str) -> Option<&'static Algorithm> {
        let lower = name.to_ascii_lowercase().replace('-', "_");
        let canonical = match lower.as_str() {
            "sha_1" => "sha1",
            "sha_224" | "sha2_224" => "sha224",
            "sha_256" | "sha2_256" => "sha256",
            "sha_384" | "sha2_384" => "sha384",
            "sha_512" | "sha2_512" => "sha512",
            "sha512/224" | "sha_512/224" => "sha512_224",
            "sha512/256" | "sha_512/256" => "sha512_256",
            "shake128" => "shake_128",
            "shake256" => "shake_256",
            "blake2b512" | "blake2b_512" => "blake2b",
            "blake2s256" | "blake2s_256" => "blake2s",
            other => other,
        };
        ALL.iter().find(|a| a.name == canonical)
    }

    pub fn start(&self) -> Running {
        (self.start)()
    }

    /// Whether the caller chooses the digest's size.
    pub fn is_xof(&self) -> bool {
        self.size == 0
    }
}

impl Running {
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            Inner::Fixed(d) => DynDigest::update(&mut **d, data),
            Inner::Blake2b(s) => drop(s.update(data)),
            Inner::Blake2s(s) => drop(s.update(data)),
            Inner::Shake128(s) => Update::update(&mut **s, data),
            Inner::Shake256(s) => Update::update(&mut **s, data),
        }
    }

    /// The digest of the data so far; `n` bytes of it where the caller chooses.
    pub fn digest(&self, n: usize) -> Vec<u8> {
        let read = |mut r: Box<dyn FnMut(&mut [u8])>| {
            let mut out = vec![0; n];
            r(&mut out);
            out
        };
        match &self.0 {
            Inner::Fixed(d) => d.box_clone().finalize().to_vec(),
            Inner::Blake2b(s) => s.finalize().as_bytes().to_vec(),
            Inner::Blake2s(s) => s.finalize().as_bytes().to_vec(),
            Inner::Shake128(s) => {
                let mut r = (**s).clone().finalize_xof();
                read(Box::new(move |b| r.read(b)))
            }
            Inner::Shake256(s) => {
                let mut r = (**s).clone().finalize_xof();
                read(Box::new(move |b| r.read(b)))
            }
        }
    }
}

/// A keyed hash (RFC 2104) being computed.
#[derive(Clone)]
pub(crate) struct Hmac {
    pub algorithm: &'static Algorithm,
    inner: Running,
    outer: Running,
}

impl Hmac {
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Hmac {
        let mut block = vec![0; algorithm.block];
        if key.len() > algorithm.block {
            let mut h = algorithm.start();
            h.update(key);
            let short = h.digest(algorithm.size);
            block[..short.len()].copy_from_slice(&short);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8| {
            let mut h = algorithm.start();
            h.update(&block.iter().map(|b| b ^ pad).collect::<Vec<u8>>());
            h
        };
        Hmac { algorithm, inner: keyed(0x36), outer: keyed(0x5c) }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    pub fn digest(&self) -> Vec<u8> {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.digest(self.algorithm.size));
        outer.digest(self.algorithm.size)
    }
}

/// A key from a password (PKCS #5, PBKDF2).
pub(crate) fn pbkdf2(
    algorithm: &'static Algorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u64,
    size: usize,
) -> Vec<u8> {
    let keyed = Hmac::new(algorithm, password);
    let mut out = Vec::with_capacity(size);
    let mut index = 1u32;
    while out.len() < size {
        let mut h = keyed.clone();
        h.update(salt);
        h.update(&index.to_be_bytes());
        let mut last = h.digest();
        let mut sum = last.clone();
        for _ in 1..iterations {
            let mut h = keyed.clone();
            h.update(&last);
            last = h.digest();
            sum.iter_mut().zip(&last).for_each(|(s, l)| *s ^= l);
        }
        let n = sum.len().min(size - out.len());
        out.extend_from_slice(&sum[..n]);
        index = index.wrapping_add(1);
    }
    out
}
