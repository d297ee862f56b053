//! `int`.

use crate::value::{Obj, Value};

impl From<i64> for Obj {
    fn from(n: i64) -> Obj {
        // SAFETY: tagged ints own nothing.
        unsafe { Obj::from_owned(Value::from_small_int(n)) }
    }
}

impl From<usize> for Obj {
    fn from(n: usize) -> Obj {
        Obj::from(n as i64)
    }
}

impl From<u64> for Obj {
    fn from(n: u64) -> Obj {
        Obj::from(n as i64)
    }
}

impl From<f64> for Obj {
    fn from(n: f64) -> Obj {
        Obj::from(n as i64)
    }
}

/// The value of an int (or an instance of a subclass, bool too) that fits 64 bits.
pub fn as_i64(o: &Obj) -> Option<i64> {
    o.as_int()
}
