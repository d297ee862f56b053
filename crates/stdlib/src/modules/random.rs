//! `_random`: the Mersenne Twister MT19937.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::{Type, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};
use num_bigint::BigUint;

const N: usize = 624;
const M: usize = 397;

/// The generator's state.
struct Twister {
    words: [u32; N],
    at: usize,
}

impl Twister {
    fn from_word(seed: u32) -> Twister {
        let mut words = [0u32; N];
        words[0] = seed;
        for i in 1..N {
            let prev = words[i - 1];
            words[i] = 1812433253u32.wrapping_mul(prev ^ (prev >> 30)).wrapping_add(i as u32);
        }
        Twister { words, at: N }
    }

    /// Seeds from an array of words, which must not be empty.
    fn from_words(key: &[u32]) -> Twister {
        let mut t = Twister::from_word(19650218);
        let w = &mut t.words;
        let mut i = 1;
        for k in 0..N.max(key.len()) {
            let j = k % key.len();
            let prev = w[i - 1];
            w[i] = (w[i] ^ (prev ^ (prev >> 30)).wrapping_mul(1664525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            if i == N {
                w[0] = w[N - 1];
                i = 1;
            }
        }
        for _ in 0..N - 1 {
            let prev = w[i - 1];
            w[i] = (w[i] ^ (prev ^ (prev >> 30)).wrapping_mul(1566083941)).wrapping_sub(i as u32);
            i += 1;
            if i == N {
                w[0] = w[N - 1];
                i = 1;
            }
        }
        w[0] = 0x8000_0000;
        t
    }

    fn next_u32(&mut self) -> u32 {
        if self.at >= N {
            let w = &mut self.words;
            for i in 0..N {
                let y = (w[i] & 0x8000_0000) | (w[(i + 1) % N] & 0x7fff_ffff);
                let matrix = if y & 1 == 0 { 0 } else { 0x9908_b0df };
                w[i] = w[(i + M) % N] ^ (y >> 1) ^ matrix;
            }
            self.at = 0;
        }
        let mut y = self.words[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn next_f64(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (a as f64 * 67108864.0 + b as f64) / 9007199254740992.0
    }
}

/// Random() -> create a random number generator with its own internal state.
#[pyclass(name = "Random", module = "_random", flags(basetype), sig = "(seed=None, /)")]
#[derive(Traverse)]
pub struct Random {
    #[traverse(skip)]
    state: RefCell<Twister>,
}

fn seed(cx: &Ctx, seed: Option<&Obj>) -> PyResult<Twister> {
    let magnitude = match seed.filter(|s| !s.is_none()) {
        None => {
            let mut bytes = [0u8; 8 * 4];
            let mut file = std::fs::File::open("/dev/urandom").ok();
            let read = file.as_mut().map(|f| std::io::Read::read_exact(f, &mut bytes));
            if !matches!(read, Some(Ok(()))) {
                let now =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_nanos());
                bytes[..16].copy_from_slice(&now.to_le_bytes());
                bytes[16..20].copy_from_slice(&std::process::id().to_le_bytes());
            }
            BigUint::from_bytes_le(&bytes)
        }
        Some(s) if s.type_of().is_int_subtype() => int::to_bigint(s).unwrap_or_default().magnitude().clone(),
        Some(s) => BigUint::from(s.hash(cx)? as u64),
    };
    let mut key = magnitude.to_u32_digits();
    if key.is_empty() {
        key.push(0);
    }
    Ok(Twister::from_words(&key))
}

fn one_argument<'a>(cx: &Ctx, args: Args<'a>) -> PyResult<Option<&'a Obj>> {
    match args.pos() {
        [] => Ok(None),
        [s] => Ok(Some(s)),
        p => Err(cx.type_error(format!("Random() takes at most 1 argument ({} given)", p.len()))),
    }
}

#[pymethods]
impl Random {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let exact = ty.is(Random::type_object());
        if exact && args.has_keywords() {
            return Err(cx.type_error("Random() takes no keyword arguments"));
        }
        let s = if exact { one_argument(cx, args)? } else { args.pos().first() };
        let state = match seed(cx, s) {
            Ok(t) => t,
            Err(r) if exact => return Err(r),
            Err(r) => {
                // A subclass may take what it likes; its own seed() is called from __init__.
                drop(cx.take(r));
                seed(cx, None)?
            }
        };
        Ok(new_instance(ty, Random { state: RefCell::new(state) }))
    }

    /// random() -> x in the interval [0, 1).
    #[pymethod]
    fn random(_cx: &Ctx, this: This<'_, Random>) -> f64 {
        this.state.borrow_mut().next_f64()
    }

    /// Defaults to the system's randomness; an int is used directly, of other objects the hash.
    #[pymethod(name = "seed", sig = "($self, n=None, /)")]
    fn py_seed(cx: &Ctx, this: This<'_, Random>, n: Option<&Obj>) -> PyResult<()> {
        let t = seed(cx, n)?;
        *this.state.borrow_mut() = t;
        Ok(())
    }

    /// getrandbits(k) -> x. Generates an int with k random bits.
    #[pymethod(sig = "($self, k, /)")]
    fn getrandbits(cx: &Ctx, this: This<'_, Random>, k: &Obj) -> PyResult {
        let k = k.index(cx)?;
        if int::is_negative(&k) {
            return Err(cx.value_error("Cannot convert negative int"));
        }
        let k = k.to_isize(cx)? as usize;
        let mut t = this.state.borrow_mut();
        if k == 0 {
            return Ok(Obj::from(0i64));
        }
        if k <= 32 {
            return Ok(Obj::from((t.next_u32() >> (32 - k)) as i64));
        }
        let words = (k - 1) / 32 + 1;
        let mut digits = Vec::new();
        digits.try_reserve_exact(words).map_err(|_| cx.no_memory())?;
        let mut left = k;
        for _ in 0..words {
            let r = t.next_u32();
            digits.push(if left < 32 { r >> (32 - left) } else { r });
            left = left.saturating_sub(32);
        }
        Ok(int::from_biguint(&BigUint::new(digits)))
    }

    /// getstate() -> tuple containing the current state.
    #[pymethod]
    fn getstate(_cx: &Ctx, this: This<'_, Random>) -> Obj {
        let t = this.state.borrow();
        let mut all: Vec<Obj> = t.words.iter().map(|w| Obj::from(*w as i64)).collect();
        all.push(Obj::from(t.at));
        tuple::new(all)
    }

    /// setstate(state) -> None. Restores generator state.
    #[pymethod(sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, Random>, state: &Obj) -> PyResult<()> {
        let Some(items) = tuple::items_if_tuple(state) else {
            return Err(cx.type_error("state vector must be a tuple"));
        };
        if items.len() != N + 1 {
            return Err(cx.value_error("state vector is the wrong size"));
        }
        let mut words = [0u32; N];
        for (w, o) in words.iter_mut().zip(items) {
            let Some(n) = int::to_bigint(o) else { return Err(cx.type_error("an integer is required")) };
            if int::is_negative(o) {
                return Err(cx.overflow_error("can't convert negative value to unsigned int"));
            }
            *w = n.iter_u32_digits().next().unwrap_or(0);
        }
        let at = items[N].to_i64(cx)?;
        if !(0..=N as i64).contains(&at) {
            return Err(cx.value_error("invalid state"));
        }
        *this.state.borrow_mut() = Twister { words, at: at as usize };
        Ok(())
    }
}

/// The Mersenne Twister, a generator of random numbers.
#[pymodule(name = "_random", classes(super::Random))]
pub(crate) mod random {}

#[cfg(test)]
mod tests {
    use super::Twister;

    #[test]
    fn the_reference_sequences_come_out() {
        // The first outputs for the seed array of the reference implementation.
        let mut t = Twister::from_words(&[0x123, 0x234, 0x345, 0x456]);
        let first: Vec<u32> = (0..5).map(|_| t.next_u32()).collect();
        assert_eq!(first, [1067595299, 955945823, 477289528, 4107218783, 4228976476]);
        assert_eq!(Twister::from_word(5489).next_u32(), 3499211612);
    }
}
