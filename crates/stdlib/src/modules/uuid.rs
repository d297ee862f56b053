//! `_uuid`: identifiers made of time and place.

use std::sync::Mutex;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{bytes, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::sys;

/// The last time used, the clock sequence, and the node.
static LAST: Mutex<Option<(u64, u16, [u8; 6])>> = Mutex::new(None);

/// Intervals of 100 nanoseconds from the start of the Gregorian calendar to 1970.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;

fn random(b: &mut [u8]) {
    sys!(libc::getrandom(b.as_mut_ptr().cast(), b.len(), 0));
}

/// The address of a network interface, or random bytes marked as such.
fn node() -> [u8; 6] {
    let mut names: Vec<_> =
        std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten().map(|e| e.path()).collect();
    names.sort();
    for path in names {
        let text = std::fs::read_to_string(path.join("address")).unwrap_or_default();
        let parts: Vec<u8> = text.trim().split(':').filter_map(|p| u8::from_str_radix(p, 16).ok()).collect();
        // Addresses given out by an organisation only.
        if let Ok(n) = <[u8; 6]>::try_from(parts)
            && n != [0; 6]
            && n[0] & 3 == 0
        {
            return n;
        }
    }
    let mut n = [0; 6];
    random(&mut n);
    n[0] |= 1;
    n
}

fn next() -> [u8; 16] {
    let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut now = GREGORIAN + (since.as_nanos() / 100) as u64;
    let (seq, node) = match *last {
        Some((before, seq, node)) => {
            // Times never repeat.
            if now <= before {
                now = before + 1;
            }
            (seq, node)
        }
        None => {
            let mut b = [0; 2];
            random(&mut b);
            (u16::from_le_bytes(b) & 0x3fff, node())
        }
    };
    *last = Some((now, seq, node));
    let mut out = [0; 16];
    out[..4].copy_from_slice(&(now as u32).to_be_bytes());
    out[4..6].copy_from_slice(&((now >> 32) as u16).to_be_bytes());
    out[6..8].copy_from_slice(&((now >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
    out[8..10].copy_from_slice(&(seq | 0x8000).to_be_bytes());
    out[10..].copy_from_slice(&node);
    out
}

/// DCE compatible Universally Unique Identifier library.
#[pymodule(name = "_uuid")]
pub(crate) mod uuid {
    use super::*;

    /// Time-based identifier, and whether it is sure that no other process makes the same (it is not).
    #[pyfunction]
    fn generate_time_safe() -> Obj {
        tuple::pair(bytes::new(&next()), Obj::from(-1i64))
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("has_uuid_generate_time_safe"), &Obj::from(1i64))?;
        module.set_attr(cx, intern!("has_stable_extractable_node"), &Obj::from(0i64))
    }
}
