//! `bool`.

use crate::value::Obj;

/// `True` or `False`.
pub fn from_bool(_: bool) -> Obj {
    crate::types::none::none()
}
