//! What is observed in one code object.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashMap;

use super::map::{EventMap, LineStart};
use super::{Event, EventSet, INSTRUMENTED, Monitoring, TOOLS, entry_stub};
use crate::objects::code::CodeObject;

/// Lives with a code object once somebody observed it.
pub(crate) struct CodeMonitor {
    pub map: EventMap,
    /// Events that tools asked for in this code object alone.
    pub local: [Cell<EventSet>; TOOLS],
    /// By event the tools that get it here, as bits.
    active: [Cell<u8>; Event::ALL.len()],
    /// The state of all tools that the instrumented copy was made for.
    version: Cell<u64>,
    /// By instruction and event the tools that disabled it there.
    disabled: RefCell<FxHashMap<(u32, u8), u8>>,
}

impl CodeMonitor {
    fn new(c: &CodeObject) -> CodeMonitor {
        CodeMonitor {
            map: EventMap::new(&c.code),
            local: Default::default(),
            active: Default::default(),
            version: Cell::new(0),
            disabled: RefCell::default(),
        }
    }

    /// The tools that get event `e` at instruction `pc`, as bits.
    pub(crate) fn tools_at(&self, pc: u32, e: Event) -> u8 {
        let active = self.active[e as usize].get();
        if active == 0 {
            return 0;
        }
        let disabled = self.disabled.borrow();
        if disabled.is_empty() { active } else { active & !disabled.get(&(pc, e as u8)).copied().unwrap_or(0) }
    }

    /// The tools that get event `e` somewhere in the code, as bits.
    pub(crate) fn active(&self, e: Event) -> u8 {
        self.active[e as usize].get()
    }
}

/// The monitor of a code object, made if need be.
pub(crate) fn monitor(c: &CodeObject) -> &CodeMonitor {
    c.monitor.get_or_init(|| Box::new(CodeMonitor::new(c)))
}

/// Lets new frames of a code object enter where they must. The instrumented copy is brought up to date when a frame
/// comes to it.
pub(crate) fn invalidate(m: &Monitoring, c: &CodeObject) {
    let local = || c.monitor.get().is_some_and(|monitor| monitor.local.iter().any(|l| l.get().0 != 0));
    let wanted = m.exports_frames() || m.global_union().0 & EventSet::LOCAL.0 != 0 || local();
    enter(c, wanted);
}

/// Lets new frames enter by way of the stub, or in the quick code.
fn enter(c: &CodeObject, observed: bool) {
    if observed {
        c.copies.enter_stub(entry_stub());
    } else {
        c.copies.enter_copy(c.copies.quick());
    }
}

/// Whether the instrumented copy is as the tools ask for now.
pub(crate) fn is_current(m: &Monitoring, monitor: &CodeMonitor) -> bool {
    monitor.version.get() == m.version.get()
}

/// Brings a code object's instrumented copy up to date, if it has one, and lets new frames enter where they must.
pub(crate) fn sync(m: &Monitoring, c: &CodeObject) {
    let everything = m.exports_frames();
    let Some(monitor) = c.monitor.get() else {
        let wanted = everything || m.global_union().0 & EventSet::LOCAL.0 != 0;
        enter(c, wanted);
        return;
    };
    monitor.version.set(m.version.get());
    let mut any = everything;
    for e in Event::ALL {
        let mut tools = 0;
        for (tool, local) in monitor.local.iter().enumerate() {
            let set = EventSet(m.global(tool).0 | local.get().0);
            // C events come with CALL, which has the same tools.
            let asked = set.has(e) || matches!(e, Event::CReturn | Event::CRaise) && set.has(Event::Call);
            tools |= u8::from(asked) << tool;
        }
        monitor.active[e as usize].set(tools);
        any |= tools != 0 && e.is_local();
    }
    if !any {
        if !c.copies.instrumented().is_null() {
            write_all(m, c, monitor);
        }
        c.copies.enter_copy(c.copies.quick());
        return;
    }
    c.copies.make_instrumented();
    write_all(m, c, monitor);
    c.copies.enter_copy(c.copies.instrumented());
}

fn write_all(m: &Monitoring, c: &CodeObject, monitor: &CodeMonitor) {
    for pc in 0..c.copies.len() {
        write(m, c, monitor, pc);
    }
}

/// Instruments the instruction at `pc` in the instrumented copy, or restores it, as what is active asks for.
fn write(m: &Monitoring, c: &CodeObject, monitor: &CodeMonitor, pc: u32) {
    let copy = c.copies.instrumented();
    let plain = c.code.insns[pc as usize];
    let executed = monitor.map.kinds[pc as usize];
    let wanted = (m.exports_frames() && executes(monitor, pc))
        || executed.iter().any(|e| monitor.tools_at(pc, e) != 0)
        // Lines that have to be compared with the one before rely on every line being seen.
        || monitor.map.compares
            && monitor.active(Event::Line) != 0
            && monitor.map.starts[pc as usize] != LineStart::No
        || monitor.map.loops_in_line[pc as usize] && monitor.active(Event::Line) & (1 << super::TRACE) != 0;
    let word = if wanted { cinder_bytecode::op::Insn(plain.0 & !0xffff | u64::from(INSTRUMENTED)) } else { plain };
    // SAFETY: the copy has as many words as the plain code; handlers read words one at a time.
    unsafe { *copy.add(pc as usize) = word };
}

fn executes(monitor: &CodeMonitor, pc: u32) -> bool {
    monitor.map.executed[pc as usize]
}

/// A callback of `tool` disabled event `e` at instruction `pc`.
pub(crate) fn disable(m: &Monitoring, c: &CodeObject, pc: u32, e: Event, tool: usize) {
    let monitor = monitor(c);
    *monitor.disabled.borrow_mut().entry((pc, e as u8)).or_default() |= 1 << tool;
    if !c.copies.instrumented().is_null() {
        write(m, c, monitor, pc);
    }
}

/// Forgets what callbacks disabled.
pub(crate) fn enable_all(m: &Monitoring, c: &CodeObject) {
    if let Some(monitor) = c.monitor.get() {
        let had = std::mem::take(&mut *monitor.disabled.borrow_mut());
        if !had.is_empty() && !c.copies.instrumented().is_null() {
            write_all(m, c, monitor);
        }
    }
}
