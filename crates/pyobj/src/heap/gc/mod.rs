//! The cycle collector: generational trial deletion over container pages.
//!
//! Reference counts free almost everything; the collector finds groups of containers that only refer to each
//! other. Allocation never collects: past a threshold it sets the poll flag, and the interpreter calls
//! [`poll`] where no half-made state is in reach. Thresholds grow with the heap, so that the cost per
//! allocation stays constant, unless the program set its own.

mod candidates;
mod collect;
mod immortal;
mod inspect;

use std::cell::Cell;

use super::alloc::{Gil, Stats, set_collect_request_hook, set_threshold};
use crate::ctx::{Ctx, Poll};
use crate::types::{dict, list};
use crate::value::{Obj, ObjCell};

pub use immortal::{immortalize_heap, is_immortal};
pub use inspect::{
    freeze, frozen_count, has_witnesses, is_finalized, is_tracked, objects, referents, referrers, unfreeze,
};

/// Number of generations.
pub const GENERATIONS: usize = 3;
/// Shows statistics of each collection.
pub const DEBUG_STATS: i64 = 1;
/// Shows the objects that are collected.
pub const DEBUG_COLLECTABLE: i64 = 2;
/// Shows the objects that cannot be collected.
pub const DEBUG_UNCOLLECTABLE: i64 = 4;
/// Keeps all unreachable objects in `gc.garbage` instead of freeing them.
pub const DEBUG_SAVEALL: i64 = 32;

/// Totals of one generation.
#[derive(Clone, Copy, Default, Debug)]
pub struct GenerationStats {
    /// Collections run.
    pub collections: u64,
    /// Objects freed.
    pub collected: u64,
    /// Objects found that could not be freed.
    pub uncollectable: u64,
}

struct State {
    installed: Cell<bool>,
    enabled: Cell<bool>,
    collecting: Cell<bool>,
    /// The program chose thresholds itself.
    own_thresholds: Cell<bool>,
    thresholds: [Cell<i64>; GENERATIONS],
    /// Collections of the next younger generation since the last one of this (index 0 is unused).
    counts: [Cell<i64>; GENERATIONS],
    debug: Cell<i64>,
    zeal: Cell<bool>,
    stats: [Cell<GenerationStats>; GENERATIONS],
    /// Containers that survived the last full collection, and those that joined the oldest generation since.
    long_lived: Cell<usize>,
    long_lived_pending: Cell<usize>,
    live: Cell<usize>,
    garbage: ObjCell,
    callbacks: ObjCell,
}

static STATE: Gil<State> = Gil::new(State {
    installed: Cell::new(false),
    enabled: Cell::new(true),
    collecting: Cell::new(false),
    own_thresholds: Cell::new(false),
    thresholds: [const { Cell::new(0) }; GENERATIONS],
    counts: [const { Cell::new(0) }; GENERATIONS],
    debug: Cell::new(0),
    zeal: Cell::new(false),
    stats: [const { Cell::new(GenerationStats { collections: 0, collected: 0, uncollectable: 0 }) }; GENERATIONS],
    long_lived: Cell::new(0),
    long_lived_pending: Cell::new(0),
    live: Cell::new(0),
    garbage: ObjCell::new(None),
    callbacks: ObjCell::new(None),
});

/// Starts automatic collection with the default thresholds. The interpreter calls it once.
pub fn install() {
    let s = STATE.get();
    if s.installed.replace(true) {
        return;
    }
    s.thresholds[0].set(2000);
    s.thresholds[1].set(10);
    s.thresholds[2].set(10);
    set_collect_request_hook(i64::MAX, request);
    update_threshold();
}

fn request() {
    if Ctx::has_current() {
        Ctx::current().request(Poll::COLLECT);
    }
}

fn update_threshold() {
    let s = STATE.get();
    let t = s.thresholds[0].get();
    set_threshold(if s.zeal.get() {
        0
    } else if !s.enabled.get() || t <= 0 || !s.installed.get() {
        i64::MAX
    } else if s.own_thresholds.get() {
        t.saturating_add(1)
    } else {
        t.max(s.live.get() as i64 / 4).saturating_add(1)
    });
}

/// Serves a request for collection. Called at polls only.
pub fn poll(cx: &Ctx) {
    let s = STATE.get();
    if s.collecting.get() {
        return;
    }
    if s.zeal.get() {
        run(cx, GENERATIONS - 1);
        return;
    }
    // The request may have been served by an explicit collection, or collecting been turned off, since it was made.
    if !s.enabled.get() || !super::alloc::is_over_threshold() {
        return;
    }
    let over = |g: usize| s.thresholds[g].get() > 0 && s.counts[g].get() > s.thresholds[g].get();
    let generation = if over(2) && s.long_lived_pending.get() >= s.long_lived.get() / 4 {
        2
    } else if over(1) {
        1
    } else {
        0
    };
    run(cx, generation);
}

/// Collects a generation and all younger ones. Returns how many unreachable objects were found.
/// Within a collection it does nothing.
pub fn collect(cx: &Ctx, generation: usize) -> usize {
    run(cx, generation.min(GENERATIONS - 1))
}

fn run(cx: &Ctx, generation: usize) -> usize {
    let s = STATE.get();
    if s.collecting.replace(true) {
        return 0;
    }
    // An exception may be pending where the collection was asked for; callbacks must not see it.
    let pending = cx.take_pending();
    notify(cx, "start", generation, 0, 0);
    let started = std::time::Instant::now();
    if s.debug.get() & DEBUG_STATS != 0 {
        eprintln!("gc: collecting generation {generation}...");
        let counts = [0, 1, 2].map(|g| objects(Some(g)).len());
        eprintln!("gc: objects in each generation: {} {} {}", counts[0], counts[1], counts[2]);
        eprintln!("gc: objects in permanent generation: {}", frozen_count());
    }
    for g in 1..=generation {
        s.counts[g].set(0);
    }
    if generation + 1 < GENERATIONS {
        let c = &s.counts[generation + 1];
        c.set(c.get() + 1);
    }
    Stats::reset_young();
    let out = collect::collect(cx, generation, s.debug.get());
    s.live.set(out.live);
    match generation {
        2 => {
            s.long_lived.set(out.survivors);
            s.long_lived_pending.set(0);
            super::alloc::release_empty_pages();
        }
        1 => s.long_lived_pending.set(s.long_lived_pending.get() + out.survivors),
        _ => {}
    }
    let mut st = s.stats[generation].get();
    st.collections += 1;
    st.collected += out.collected as u64;
    st.uncollectable += out.uncollectable as u64;
    s.stats[generation].set(st);
    if s.debug.get() & DEBUG_STATS != 0 {
        eprintln!(
            "gc: done, {} unreachable, {} uncollectable, {:.4}s elapsed",
            out.collected + out.uncollectable,
            out.uncollectable,
            started.elapsed().as_secs_f64()
        );
    }
    update_threshold();
    notify(cx, "stop", generation, out.collected, out.uncollectable);
    s.collecting.set(false);
    if let Some(e) = pending {
        let _ = cx.set_pending(e);
    }
    out.collected + out.uncollectable
}

/// Calls the functions in `gc.callbacks`.
fn notify(cx: &Ctx, phase: &str, generation: usize, collected: usize, uncollectable: usize) {
    let Some(callbacks) = STATE.get().callbacks.get() else { return };
    let Some(l) = list::as_list(&callbacks) else { return };
    if l.len() == 0 {
        return;
    }
    let info = [("generation", generation), ("collected", collected), ("uncollectable", uncollectable)];
    let pairs: Vec<(Obj, Obj)> = info.iter().map(|(k, n)| (Obj::from(*k), Obj::from(*n))).collect();
    for f in l.snapshot() {
        let r = dict::from_pairs(cx, &pairs).and_then(|d| f.call_pos(cx, &[Obj::from(phase), d]));
        if r.is_err() {
            (cx.host().unraisable)(cx, None, Some(&f));
        }
    }
}

/// Whether automatic collection is on.
pub fn is_enabled() -> bool {
    STATE.get().enabled.get()
}

/// Turns automatic collection on or off.
pub fn set_enabled(on: bool) {
    STATE.get().enabled.set(on);
    update_threshold();
}

/// The thresholds of the generations.
pub fn thresholds() -> [i64; GENERATIONS] {
    std::array::from_fn(|g| STATE.get().thresholds[g].get())
}

/// Sets thresholds; nothing keeps one as it is. From now on they are used exactly as given.
pub fn set_thresholds(t: [Option<i64>; GENERATIONS]) {
    let s = STATE.get();
    s.own_thresholds.set(true);
    for (cell, t) in s.thresholds.iter().zip(t) {
        if let Some(t) = t {
            cell.set(t);
        }
    }
    update_threshold();
}

/// Young containers, and collections of each generation's predecessor.
pub fn counts() -> [i64; GENERATIONS] {
    let s = STATE.get();
    [Stats::now().young.max(0), s.counts[1].get(), s.counts[2].get()]
}

/// Totals of each generation.
pub fn stats() -> [GenerationStats; GENERATIONS] {
    std::array::from_fn(|g| STATE.get().stats[g].get())
}

/// The debug flags.
pub fn debug() -> i64 {
    STATE.get().debug.get()
}

/// Sets the debug flags.
pub fn set_debug(flags: i64) {
    STATE.get().debug.set(flags);
}

/// Makes every poll collect everything, to find missing references early.
pub fn set_zeal(on: bool) {
    STATE.get().zeal.set(on);
    update_threshold();
}

/// The list `gc.garbage`.
pub fn garbage() -> Obj {
    list_in(&STATE.get().garbage)
}

/// The list `gc.callbacks`.
pub fn callbacks() -> Obj {
    list_in(&STATE.get().callbacks)
}

fn list_in(cell: &ObjCell) -> Obj {
    if let Some(l) = cell.get() {
        return l;
    }
    let l = list::empty();
    cell.set(Some(l.clone()));
    l
}
