//! Random LIR from a seed, and the functions it calls: for comparing the interpreter with compiled code.
//!
//! A generated function takes [`PARAMS`] and returns one `i64` that mixes everything it computed. Its first argument
//! points to [`BUFFER_BYTES`] bytes that it reads and writes; it sets the thread register to the same address. It
//! always terminates; it may exit through guards. It calls [`hosts`] by `Symbol::User` numbers.
//!
//! ```
//! use cinder_lir::fuzzing;
//! let f = fuzzing::function(7, &fuzzing::Config::default());
//! let (outcome, buffer) = fuzzing::interpret(&f, 0, &fuzzing::arguments(1), 1, None)?;
//! # let _ = (outcome, buffer);
//! # Ok::<(), cinder_lir::interp::InterpError>(())
//! ```

mod chain;
mod generate;
mod rng;

pub use chain::chain;
pub use generate::{Config, function};
pub use rng::Rng;

use crate::interp::{Interp, InterpError, Outcome};
use crate::ir::{Function, Symbol};
use crate::types::Type;

/// Parameters of generated functions: the buffer, then plain values.
pub const PARAMS: [Type; 6] = [Type::I64, Type::I64, Type::I64, Type::I32, Type::F64, Type::F64];

/// Size of the buffer.
pub const BUFFER_BYTES: usize = 512;

/// The address the interpreter gives to the buffer.
pub const BUFFER_ADDR: u64 = 0x1000_0000;

/// A function that generated code calls.
#[derive(Clone, Copy)]
pub struct Host {
    /// Its number as `Symbol::User`.
    pub id: u32,
    /// Types of its parameters.
    pub params: &'static [Type],
    /// Types of its results.
    pub returns: &'static [Type],
    /// Its address, callable by the platform's C convention.
    pub address: usize,
    /// The same function on words.
    pub call: fn(&[u64]) -> Vec<u64>,
}

fn arg(args: &[u64], n: usize) -> u64 {
    args.get(n).copied().unwrap_or(0)
}

extern "C" fn mix(a: i64, b: i64) -> i64 {
    a.rotate_left(7) ^ b.wrapping_mul(0x9e37_79b9)
}

extern "C" fn blend(a: f64, b: f64, k: i32) -> f64 {
    if a.is_nan() || b.is_nan() { 0.5 } else { a * 0.5 - b + f64::from(k) }
}

extern "C" fn many(a: i64, b: i64, c: i32, d: i64, e: i64, f: i64, g: i64, x: f64, h: i32, i: i64) -> i64 {
    let x = if x.is_nan() { 1 } else { x.to_bits() as i64 };
    [b, c.into(), d, e, f, g, x, h.into(), i].iter().fold(a, |acc, v| acc.wrapping_mul(31).wrapping_add(*v))
}

extern "C" fn quiet(a: i64) {
    std::hint::black_box(a);
}

/// The functions that generated code calls.
pub fn hosts() -> [Host; 4] {
    use Type::{F64, I32, I64};
    [
        Host {
            id: 0,
            params: &[I64, I64],
            returns: &[I64],
            address: mix as *const () as usize,
            call: |a| vec![mix(arg(a, 0) as i64, arg(a, 1) as i64) as u64],
        },
        Host {
            id: 1,
            params: &[F64, F64, I32],
            returns: &[F64],
            address: blend as *const () as usize,
            call: |a| vec![blend(f64::from_bits(arg(a, 0)), f64::from_bits(arg(a, 1)), arg(a, 2) as i32).to_bits()],
        },
        Host {
            id: 2,
            params: &[I64, I64, I32, I64, I64, I64, I64, F64, I32, I64],
            returns: &[I64],
            address: many as *const () as usize,
            call: |a| {
                let i = |n| arg(a, n) as i64;
                let x = f64::from_bits(arg(a, 7));
                vec![many(i(0), i(1), i(2) as i32, i(3), i(4), i(5), i(6), x, i(8) as i32, i(9)) as u64]
            },
        },
        Host {
            id: 3,
            params: &[I64],
            returns: &[],
            address: quiet as *const () as usize,
            call: |a| {
                quiet(arg(a, 0) as i64);
                vec![]
            },
        },
    ]
}

/// The arguments after the buffer, from a seed.
pub fn arguments(seed: u64) -> [u64; 5] {
    let mut rng = Rng::new(seed ^ 0x5eed);
    let (a, b, c) = (rng.int() as u64, rng.int() as u64, rng.int() as u32);
    [a, b, c.into(), rng.float().to_bits(), rng.float().to_bits()]
}

/// The content of the buffer at the start, from a seed.
pub fn buffer(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed ^ 0xb0ff);
    (0..BUFFER_BYTES / 8).flat_map(|_| rng.int().to_le_bytes()).collect()
}

/// A value as it compares: bits above its type do not count, and all NaNs are equal, for which one an operation yields
/// is not defined.
pub fn canonical(ty: Type, bits: u64) -> u64 {
    match ty {
        Type::F64 if f64::from_bits(bits).is_nan() => 1,
        Type::F32 if f32::from_bits(bits as u32).is_nan() => 1,
        _ => bits & ty.mask(),
    }
}

/// Runs a generated function in the interpreter: how it ended, the buffer afterwards and how many guards ran.
///
/// # Errors
/// As [`Interp::run`]; generated functions give none.
pub fn interpret(
    func: &Function,
    entry: usize,
    args: &[u64; 5],
    seed: u64,
    force_exit_at: Option<u64>,
) -> Result<(Outcome, Vec<u8>), InterpError> {
    let mut interp = Interp::default();
    (interp.force_exit_at, interp.thread, interp.fuel) = (force_exit_at, BUFFER_ADDR, 1 << 22);
    interp.memory.add(BUFFER_ADDR, buffer(seed));
    for host in hosts() {
        interp.host(Symbol::User(host.id), move |_, args| (host.call)(args));
    }
    let mut all = vec![BUFFER_ADDR];
    all.extend(args);
    let outcome = interp.run(func, entry, &all)?;
    let buffer = interp.memory.region(BUFFER_ADDR).unwrap_or_default().to_vec();
    Ok((outcome, buffer))
}
