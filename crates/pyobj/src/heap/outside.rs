//! The memory that built-in containers hold outside of their cells: items of lists, tables of dicts and sets, buffers.

use super::Header;
use crate::shape::ShapeId;
use crate::types::bytes::ByteArray;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::set::as_set;
use crate::value::{Obj, Value};

/// How many bytes the object in a cell holds outside of it; none where the cell holds no object yet.
///
/// # Safety
/// `p` must be an allocated cell, and nothing may run Python code meanwhile.
pub unsafe fn outside(p: *const Header) -> usize {
    // SAFETY: allocated cells are mapped, and their shape is none until an object is complete.
    let header = unsafe { &*p };
    if header.shape_id() == ShapeId::NONE || header.ref_count() == 0 {
        return 0;
    }
    let word = Value::from_ptr(p);
    // SAFETY: the object is live.
    let o = unsafe { Obj::borrow_from(&word) };
    let list = o.downcast::<List>().map(List::byte_size);
    let dict = || o.downcast::<Dict>().map(Dict::byte_size);
    let set = || as_set(o).map(|s| s.table().byte_size());
    let buffer = || o.downcast::<ByteArray>().map(|b| b.capacity());
    list.or_else(dict).or_else(set).or_else(buffer).unwrap_or(0)
}
