//! Immortal heaps: what is alive before a fork is never counted again, so its pages stay shared.

use crate::ctx::Ctx;
use crate::heap::{PageKind, for_each_page};
use crate::shape::ShapeId;
use crate::types::str::Str;
use crate::value::{Obj, Value};

/// Collects, then makes every live object immortal; hashes of strings are computed beforehand, so that using
/// the objects writes nothing. Returns how many objects became immortal.
pub fn immortalize_heap(cx: &Ctx) -> usize {
    super::collect(cx, super::GENERATIONS - 1);
    let mut n = 0;
    for kind in [PageKind::Leaf, PageKind::Container] {
        for_each_page(kind, |page| {
            for i in 0..page.cell_count() {
                let p = page.cell(i);
                // SAFETY: cells of linked pages stay mapped; free and half-made ones have no shape.
                let h = unsafe { &*p };
                if h.shape_id() == ShapeId::NONE || h.ref_count() == 0 || h.is_immortal() {
                    continue;
                }
                // SAFETY: the object is live.
                let o = unsafe { Obj::from_borrowed(Value::from_ptr(p)) };
                if let Some(s) = o.downcast::<Str>() {
                    s.hash();
                }
                o.immortalize();
                n += 1;
            }
        });
    }
    n
}

/// Whether an object opts out of reference counting.
pub fn is_immortal(o: &Obj) -> bool {
    o.is_immortal()
}
