//! The singletons `None`, `NotImplemented` and `Ellipsis`.

use crate::value::{Obj, Value};

/// `None`.
pub fn none() -> Obj {
    // SAFETY: a placeholder word.
    unsafe { Obj::from_owned(Value::UNBOUND) }
}

/// `NotImplemented`.
pub fn not_implemented() -> Obj {
    none()
}

/// `Ellipsis`.
pub fn ellipsis() -> Obj {
    none()
}
