//! Statistics: how often sites ran, missed, forgot and gave up.
//!
//! Misses and the like are counted always, since they are slow anyway. Executions are counted only while that is asked
//! for: instructions with sites then carry numbers of their own, whose handlers count and go on with the usual ones, so
//! that code which is not counted pays nothing. An execution that did not have to look anything up is a hit.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use cinder_bytecode::op::Insn;

use crate::ops::{Family, SHADOW_OPS, ShadowOp};
use crate::site::Site;

static COUNTING: AtomicBool = AtomicBool::new(false);

/// Counts executions from now on, or no more. What was counted stays.
pub fn count_executions(on: bool) {
    COUNTING.store(on, Ordering::Relaxed);
    crate::code::renumber_all();
}

/// Whether executions are counted.
#[inline]
pub fn counting() -> bool {
    COUNTING.load(Ordering::Relaxed)
}

/// What is added to the numbers of specialised operations with sites.
pub(crate) fn offset() -> u16 {
    if counting() { SHADOW_OPS as u16 } else { 0 }
}

/// Counts an execution of the instruction at `pc`, which lies in this code.
pub fn count(shadow: &crate::Shadow, pc: *const Insn) {
    if let Some(s) = shadow.site_of(pc) {
        let m = s.more_or_new();
        m.executions.set(m.executions.get() + 1);
    }
}

/// The figures of one family.
#[derive(Clone, Copy, Default, Debug)]
pub struct Totals {
    /// Sites in code that is alive.
    pub sites: u64,
    /// Executions, where they were counted.
    pub executions: u64,
    /// How many of them looked nothing up.
    pub hits: u64,
    /// How often a site met something it did not know.
    pub misses: u64,
    /// How often a site had to forget.
    pub forgotten: u64,
    /// How often nothing could be remembered.
    pub failures: u64,
}

struct Dead(Cell<[Totals; SHADOW_OPS]>);

// SAFETY: the interpreter lock guards the figures.
unsafe impl Sync for Dead {}

/// What sites did whose code is gone, by the number of the observing operation.
static DEAD: Dead = Dead(Cell::new(
    [const { Totals { sites: 0, executions: 0, hits: 0, misses: 0, forgotten: 0, failures: 0 } }; SHADOW_OPS],
));

fn add(t: &mut Totals, s: &Site) {
    t.executions += s.executions();
    t.hits += s.hits();
    t.misses += u64::from(s.misses());
    t.forgotten += u64::from(s.forgotten());
    t.failures += u64::from(s.failures());
}

pub(crate) fn bury(sites: &[Site]) {
    let mut all = DEAD.0.get();
    for s in sites {
        if let Some(op) = s.original().op().and_then(ShadowOp::observing) {
            add(&mut all[op as usize], s);
        }
    }
    DEAD.0.set(all);
}

/// The figures of all families, in the order of the table.
pub fn totals() -> Vec<(&'static str, Totals)> {
    let mut by_op = DEAD.0.get();
    crate::code::each_site(|s| {
        if let Some(op) = s.original().op().and_then(ShadowOp::observing) {
            let t = &mut by_op[op as usize];
            t.sites += 1;
            add(t, s);
        }
    });
    let sum = |f: Family| {
        let mut sum = Totals::default();
        for op in f.ops {
            let t = &by_op[op as usize];
            sum.sites += t.sites;
            sum.executions += t.executions;
            sum.hits += t.hits;
            sum.misses += t.misses;
            sum.forgotten += t.forgotten;
            sum.failures += t.failures;
        }
        (f.name, sum)
    };
    Family::all().into_iter().map(sum).collect()
}
