//! Appending to a text that nobody else holds.

use super::storage::{self, Str};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header, Page, PageKind};
use crate::native::FixedShape;
use crate::shape::ShapeId;
use crate::value::{Obj, Value};

/// Texts shorter than this get no room to grow.
const SHORT: usize = 32;

/// Appends an exact str to another one. If `left` holds the only reference, the text grows where it stands while its
/// cell has room; a text that has to move gets an eighth more room than it needs, so that appending piece by piece
/// takes time in proportion to the text's length.
pub fn append(cx: &Ctx, left: &mut Obj, right: &Obj) -> PyResult<()> {
    let (Some(s), Some(t)) = (left.fixed::<Str>(FixedShape::Str), right.fixed::<Str>(FixedShape::Str)) else {
        return Err(cx.system_error("appending takes two strs"));
    };
    // SAFETY: exact strs are heap objects.
    let unique = unsafe { left.value().header() }.is_unique();
    if !unique || left.is(right) || !s.can_grow_by(t) {
        *left = storage::concat_exact(cx, left, right, s, t)?;
        return Ok(());
    }
    let (have, more) = (s.raw_bytes().len(), t.raw_bytes().len());
    let need = size_of::<Header>() + size_of::<Str>() + have + more;
    // SAFETY: `left` is the only reference to its cell; what is written lies in the cell or in a fresh one.
    unsafe {
        let p = left.value().bits() as *mut Header;
        if need <= Page::of(p).room_of(p) {
            let at = (p as *mut u8).add(size_of::<Header>());
            std::ptr::copy_nonoverlapping(t.raw_bytes().as_ptr(), at.add(size_of::<Str>() + have), more);
            s.grow_by(t);
            return Ok(());
        }
        let slack = if have < SHORT { 0 } else { (have + more) / 8 };
        storage::check_room(cx, need + slack)?;
        let q = heap::alloc_cell(PageKind::Leaf, need + slack);
        let at = (q as *mut u8).add(size_of::<Header>());
        (at as *mut Str).write(s.head());
        let units = at.add(size_of::<Str>());
        std::ptr::copy_nonoverlapping(s.raw_bytes().as_ptr(), units, have);
        std::ptr::copy_nonoverlapping(t.raw_bytes().as_ptr(), units.add(have), more);
        (*(at as *const Str)).grow_by(t);
        (*q).init(1, ShapeId::fixed(FixedShape::Str));
        *left = Obj::from_owned(Value::from_ptr(q));
    }
    Ok(())
}
