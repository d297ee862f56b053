//! One collection: weak reference callbacks, finalisers, resurrection, and the end of what is left.

use rustc_hash::{FxHashMap, FxHashSet};

use super::candidates::{find_unreachable, traverse_object};
use super::{DEBUG_COLLECTABLE, DEBUG_SAVEALL};
use crate::ctx::Ctx;
use crate::heap::{FLAG_FINALIZED, cell_flags, set_cell_flags};
use crate::shape::instance;
use crate::types::{dict, list, weakref};
use crate::value::{Obj, Value};

pub(super) struct Outcome {
    pub collected: usize,
    pub uncollectable: usize,
    pub survivors: usize,
    pub live: usize,
}

pub(super) fn collect(cx: &Ctx, generation: usize, debug: i64) -> Outcome {
    let found = find_unreachable(generation as u8);
    let (survivors, live) = (found.survivors, found.live);
    // SAFETY: unreachable objects are live until they are cleared below; each is held from here on.
    let mut trash: Vec<Obj> =
        found.unreachable.into_iter().map(|p| unsafe { Obj::from_borrowed(Value::from_ptr(p)) }).collect();
    let collected = trash.len();
    if debug & DEBUG_COLLECTABLE != 0 {
        for o in &trash {
            eprintln!("gc: collectable <{} {:#x}>", o.type_of().name(), o.id());
        }
    }
    let mut ran_code = run_weakref_callbacks(cx, &trash);
    ran_code |= run_finalizers(&trash);
    if ran_code {
        trash = without_resurrected(trash);
    }
    // Finalisers may have made new ones. From here on nothing can reach the objects.
    for o in &trash {
        if let Some(p) = o.as_ptr() {
            // SAFETY: `o` keeps the object alive.
            unsafe { weakref::clear_silently(p) };
        }
    }
    let kept = if debug & DEBUG_SAVEALL != 0 {
        let garbage = super::garbage();
        if let Some(l) = list::as_list(&garbage) {
            trash.iter().for_each(|o| l.push(o.clone()));
        }
        true
    } else {
        false
    };
    let found_count = if ran_code { trash.len() } else { collected };
    if !kept {
        for o in &trash {
            // Clearing one object may already have ended others; those held here are only emptied.
            if o.ref_count() > 1 {
                clear_object(o);
            }
        }
    }
    drop(trash);
    Outcome { collected: found_count, uncollectable: 0, survivors, live: live.saturating_sub(found_count) }
}

/// Calls the callbacks of weak references to trash, unless the reference is trash as well.
fn run_weakref_callbacks(cx: &Ctx, trash: &[Obj]) -> bool {
    let mut members: Option<FxHashSet<u64>> = None;
    let mut calls = Vec::new();
    for o in trash {
        let Some(p) = o.as_ptr() else { continue };
        // SAFETY: `o` keeps the object alive.
        if unsafe { weakref::has_callbacks(p) } {
            let members = members.get_or_insert_with(|| trash.iter().map(|o| o.id()).collect());
            // SAFETY: as above.
            unsafe { weakref::take_callbacks(p, |r| !members.contains(&r.id()), &mut calls) };
        }
    }
    // All weak references end before any code runs, so that it cannot reach the trash through one.
    for o in trash {
        if let Some(p) = o.as_ptr() {
            // SAFETY: `o` keeps the object alive.
            unsafe { weakref::clear_silently(p) };
        }
    }
    let any = !calls.is_empty();
    weakref::run_callbacks(cx, calls);
    any
}

fn run_finalizers(trash: &[Obj]) -> bool {
    let mut any = false;
    for o in trash {
        let ty = o.type_of();
        let Some(p) = o.as_ptr() else { continue };
        // SAFETY: `o` keeps the object alive.
        unsafe {
            if ty.has_finalizer() && cell_flags(p) & FLAG_FINALIZED == 0 {
                set_cell_flags(p, cell_flags(p) | FLAG_FINALIZED);
                ty.run_finalizer(o);
                any = true;
            }
        }
    }
    any
}

/// Code ran with access to the trash: keeps only what still nothing else refers to.
fn without_resurrected(trash: Vec<Obj>) -> Vec<Obj> {
    // One reference of each count is the one held here.
    let mut counts: FxHashMap<u64, i64> = trash.iter().map(|o| (o.id(), o.ref_count() as i64 - 1)).collect();
    let each_reference = |o: &Obj, f: &mut dyn FnMut(u64)| {
        if let Some(p) = o.as_ptr() {
            // SAFETY: `o` keeps the object alive, and no Python code runs.
            unsafe { traverse_object(p, &mut |v| f(v.bits())) };
        }
    };
    for o in &trash {
        each_reference(o, &mut |id| {
            if let Some(n) = counts.get_mut(&id) {
                *n -= 1;
            }
        });
    }
    if counts.values().all(|n| *n <= 0) {
        return trash;
    }
    let by_id: FxHashMap<u64, &Obj> = trash.iter().map(|o| (o.id(), o)).collect();
    let mut alive: FxHashSet<u64> = FxHashSet::default();
    let mut work: Vec<u64> = counts.iter().filter(|(_, n)| **n > 0).map(|(id, _)| *id).collect();
    while let Some(id) = work.pop() {
        if let (Some(o), true) = (by_id.get(&id), alive.insert(id)) {
            // SAFETY: `o` keeps the object alive.
            if let Some(owner) = o.as_ptr().and_then(|p| unsafe { dict::owner_of_view(p) })
                && counts.contains_key(&owner.bits())
                && !alive.contains(&owner.bits())
            {
                work.push(owner.bits());
            }
            each_reference(o, &mut |id| {
                if counts.contains_key(&id) && !alive.contains(&id) {
                    work.push(id);
                }
            });
        }
    }
    let (resurrected, dead): (Vec<Obj>, Vec<Obj>) = trash.into_iter().partition(|o| alive.contains(&o.id()));
    drop(resurrected);
    dead
}

/// Drops the references through which an object takes part in cycles.
fn clear_object(o: &Obj) {
    let Some(p) = o.as_ptr() else { return };
    // SAFETY: `o` keeps the object alive; slots are emptied before their values are dropped.
    unsafe {
        let l = (*p).shape().ty().layout();
        (l.payload.clear)((p as *const u8).add(l.payload_off as usize));
        instance::clear_slots(p);
    }
}
