//! Trial deletion: which candidates does nothing outside of them refer to?

use crate::heap::page::{FLAG_CANDIDATE, FLAG_GEN_MASK, Page};
use crate::heap::{Header, Visitor, for_each_container_page};
use crate::shape::ShapeId;
use crate::shape::instance;
use crate::types::dict;
use crate::value::Value;

/// Visits everything that an object owns.
///
/// # Safety
/// `p` must be a live container, and `visit` must run no Python code.
pub(super) unsafe fn traverse_object(p: *const Header, visit: &mut Visitor<'_>) {
    // SAFETY: by the caller's promise.
    unsafe {
        let ty = (*p).shape().ty();
        let l = ty.layout();
        (l.payload.traverse)((p as *const u8).add(l.payload_off as usize), visit);
        if l.slot_words > 0 || l.ext_off != 0 {
            instance::traverse_slots(p, visit);
        }
        if ty.is_heap_type() {
            visit(ty.as_value());
        }
    }
}

/// Whether the cell holds an object that takes part in collections: live, mortal and not ending.
#[inline(always)]
pub(super) fn is_live(h: &Header) -> bool {
    h.shape_id() != ShapeId::NONE && h.ref_count() != 0 && !h.is_immortal()
}

/// The page and cell index of a candidate.
#[inline(always)]
fn candidate<'a>(v: Value) -> Option<(&'a Page, usize)> {
    let p = v.as_ptr()?;
    // SAFETY: visited words are live references.
    let page = unsafe { Page::of(p) };
    if page.counts.get().is_null() {
        return None;
    }
    let i = page.index_of(p);
    if page.flags(i) & FLAG_CANDIDATE != 0 { Some((page, i)) } else { None }
}

pub(super) struct Found {
    pub unreachable: Vec<*const Header>,
    /// Candidates that stay alive.
    pub survivors: usize,
    /// All live containers.
    pub live: usize,
}

/// Finds the unreachable containers of the generations up to `generation`. The others move to the next one.
pub(super) fn find_unreachable(generation: u8) -> Found {
    let mut arrays: Vec<Box<[i32]>> = Vec::new();
    let mut pages: Vec<*const Page> = Vec::new();
    let mut live = 0;
    let mut total = 0;
    for_each_container_page(|page| {
        if page.youngest.get() > generation {
            live += page.live.get() as usize;
            return;
        }
        let mut counts: Option<Box<[i32]>> = None;
        let mut live_here = 0;
        for i in 0..page.cell_count() {
            // SAFETY: cells of linked pages stay mapped; free ones have a zero header.
            let h = unsafe { &*page.cell(i) };
            if !is_live(h) {
                continue;
            }
            live_here += 1;
            let flags = page.flags(i);
            if flags & FLAG_GEN_MASK > generation {
                continue;
            }
            let counts = counts.get_or_insert_with(|| vec![0; page.cell_count()].into());
            counts[i] = h.ref_count() as i32;
            page.set_flags(i, flags | FLAG_CANDIDATE);
            total += 1;
        }
        live += live_here as usize;
        page.live.set(live_here);
        // Those that are not candidates are older, and the candidates move on.
        page.youngest.set((generation + 1).min(2));
        if let Some(mut c) = counts {
            page.counts.set(c.as_mut_ptr());
            arrays.push(c);
            pages.push(page);
        }
    });
    let pages = || {
        pages.iter().map(|&p| {
            // SAFETY: nothing is freed during the search.
            unsafe { &*p }
        })
    };
    let each = |f: &mut dyn FnMut(&Page, usize)| {
        for page in pages() {
            for i in 0..page.cell_count() {
                if page.flags(i) & FLAG_CANDIDATE != 0 {
                    f(page, i);
                }
            }
        }
    };
    each(&mut |page, i| {
        // SAFETY: candidates are live; counts arrays have one entry per cell.
        unsafe {
            traverse_object(page.cell(i), &mut |v| {
                if let Some((page, i)) = candidate(v) {
                    *page.counts.get().add(i) -= 1;
                }
            });
        }
    });
    // What is referred to from outside lives, and so does everything reachable from it.
    let next_generation = (generation + 1).min(2);
    let promote = |page: &Page, i: usize| {
        let flags = page.flags(i) & !(FLAG_CANDIDATE | FLAG_GEN_MASK);
        page.set_flags(i, flags | next_generation);
    };
    let mut work: Vec<*const Header> = Vec::new();
    let mut survivors = 0;
    for page in pages() {
        for i in 0..page.cell_count() {
            // SAFETY: as above.
            if page.flags(i) & FLAG_CANDIDATE == 0 || unsafe { *page.counts.get().add(i) } <= 0 {
                continue;
            }
            promote(page, i);
            work.push(page.cell(i));
            while let Some(p) = work.pop() {
                survivors += 1;
                let mut reach = |v| {
                    if let Some((page, i)) = candidate(v) {
                        promote(page, i);
                        work.push(page.cell(i));
                    }
                };
                // SAFETY: as above.
                unsafe {
                    traverse_object(p, &mut reach);
                    if let Some(owner) = dict::owner_of_view(p) {
                        reach(owner);
                    }
                }
            }
        }
    }
    let mut unreachable = Vec::with_capacity(total - survivors);
    each(&mut |page, i| {
        promote(page, i);
        unreachable.push(page.cell(i));
    });
    for page in pages() {
        page.counts.set(std::ptr::null_mut());
    }
    drop(arrays);
    Found { unreachable, survivors, live }
}
