//! Equality of dicts.

use super::Dict;
use super::table::Table;
use crate::ctx::{Ctx, PyResult};
use crate::types::seqops;
use crate::value::Obj;

impl Dict {
    /// Whether both have the same keys with equal values.
    pub(super) fn equals(&self, cx: &Ctx, other: &Dict) -> PyResult<bool> {
        if self.len() != other.len() {
            return Ok(false);
        }
        let mut i = 0;
        while i < self.end() {
            if let Some((hash, k, v)) = self.entry_at(i) {
                // SAFETY: the dict keeps its entry alive until it is cloned here.
                let (k, v) = unsafe { (Obj::from_borrowed(k), Obj::from_borrowed(v)) };
                let Some(w) = other.get_hashed(cx, &k, hash)? else { return Ok(false) };
                let same = match seqops::quick_eq(v.value(), w.value()) {
                    Some(b) => b,
                    None => v.eq(cx, &w)?,
                };
                if !same {
                    return Ok(false);
                }
            }
            i += 1;
        }
        Ok(true)
    }
}

impl From<Table> for Dict {
    fn from(t: Table) -> Dict {
        Dict::from_table(t)
    }
}
