//! Tools, their callbacks and events, and which code and frames run instrumented because of them.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::{Mutex, PoisonError};

use cinder_pyobj::native::PyClass;
use cinder_pyobj::types::object;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::code::{enable_all, invalidate, monitor, sync};
use super::{Event, EventSet, entry_stub};
use crate::frame::Frame;
use crate::objects::code::CodeObject;
use crate::thread::Thread;

/// Tool ids; the last two are profile and trace functions.
pub(crate) const TOOLS: usize = 8;
/// The tool id of `sys.setprofile`.
pub(crate) const PROFILE: usize = 6;
/// The tool id of `sys.settrace`.
pub(crate) const TRACE: usize = 7;

/// The state of monitoring of an interpreter.
pub(crate) struct Monitoring {
    pub names: [ObjCell; TOOLS],
    callbacks: RefCell<Vec<Option<Obj>>>,
    global: [Cell<EventSet>; TOOLS],
    /// Changes with the events of tools.
    pub version: Cell<u64>,
    /// Somebody observes something: generators ask when they are resumed.
    pub on: Cell<bool>,
    /// Every so many instructions a frame is exported and rebuilt; 0 for never.
    pub frame_state: Cell<u32>,
    pub until_export: Cell<u32>,
    disable: OnceCell<Obj>,
    missing: OnceCell<Obj>,
}

/// All code objects that are alive, so that new events reach code that exists. The interpreter lock orders users;
/// the mutex is for the type system.
static CODES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Notes a new code object at its final address.
pub(crate) fn code_made(m: &Monitoring, c: &CodeObject) {
    if m.on.get() {
        invalidate(m, c);
    }
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    c.registered.set(codes.len() as u32);
    codes.push(std::ptr::from_ref(c) as usize);
}

/// Forgets a code object that dies.
pub(crate) fn code_dies(c: &CodeObject) {
    let at = c.registered.get() as usize;
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if codes.get(at) != Some(&(std::ptr::from_ref(c) as usize)) {
        return;
    }
    codes.swap_remove(at);
    if let Some(&moved) = codes.get(at) {
        // SAFETY: registered code objects are alive.
        unsafe { (*(moved as *const CodeObject)).registered.set(at as u32) };
    }
}

fn marker() -> Obj {
    object::new_plain(object::Object::class().type_object())
}

fn each_code(mut f: impl FnMut(&CodeObject)) {
    let codes = CODES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for c in codes {
        // SAFETY: registered code objects are alive, and `f` runs no Python code.
        f(unsafe { &*(c as *const CodeObject) });
    }
}

impl Monitoring {
    pub(crate) fn new(frame_state: u32) -> Monitoring {
        Monitoring {
            names: Default::default(),
            callbacks: RefCell::new(vec![None; TOOLS * Event::ALL.len()]),
            global: Default::default(),
            version: Cell::new(1),
            on: Cell::new(frame_state != 0),
            frame_state: Cell::new(frame_state),
            until_export: Cell::new(frame_state),
            disable: OnceCell::new(),
            missing: OnceCell::new(),
        }
    }

    /// `sys.monitoring.DISABLE`.
    pub(crate) fn disable(&self) -> &Obj {
        self.disable.get_or_init(marker)
    }

    /// `sys.monitoring.MISSING`.
    pub(crate) fn missing(&self) -> &Obj {
        self.missing.get_or_init(marker)
    }

    /// Whether frames are exported and rebuilt as they run.
    pub(crate) fn exports_frames(&self) -> bool {
        self.frame_state.get() != 0
    }

    /// The events of a tool in all code.
    pub(crate) fn global(&self, tool: usize) -> EventSet {
        self.global[tool].get()
    }

    /// The events of all tools in all code.
    pub(crate) fn global_union(&self) -> EventSet {
        EventSet(self.global.iter().fold(0, |set, g| set | g.get().0))
    }

    /// The tools with event `e` in all code, as bits.
    pub(crate) fn global_tools(&self, e: Event) -> u8 {
        self.global.iter().enumerate().fold(0, |bits, (tool, g)| bits | u8::from(g.get().has(e)) << tool)
    }

    /// The callback of a tool for an event.
    pub(crate) fn callback(&self, tool: usize, e: Event) -> Option<Obj> {
        self.callbacks.borrow()[tool * Event::ALL.len() + e as usize].clone()
    }

    /// Sets or removes a callback; returns the old one.
    pub(crate) fn set_callback(&self, tool: usize, e: Event, f: Option<Obj>) -> Option<Obj> {
        std::mem::replace(&mut self.callbacks.borrow_mut()[tool * Event::ALL.len() + e as usize], f)
    }

    /// Sets the events of a tool in all code.
    pub(crate) fn set_global(&self, cx: &Ctx, tool: usize, set: EventSet) {
        if self.global[tool].replace(set) == set {
            return;
        }
        self.update(cx);
    }

    /// Sets the events of a tool in one code object.
    pub(crate) fn set_local(&self, cx: &Ctx, tool: usize, c: &CodeObject, set: EventSet) {
        if monitor(c).local[tool].replace(set) == set {
            return;
        }
        self.update_on();
        sync(self, c);
        self.switch_frames(cx);
    }

    fn update_on(&self) {
        let mut on = self.exports_frames() || self.global_union().0 != 0;
        if !on {
            each_code(|c| on |= c.monitor.get().is_some_and(|m| m.local.iter().any(|l| l.get().0 != 0)));
        }
        self.on.set(on);
    }

    fn update(&self, cx: &Ctx) {
        self.update_on();
        self.version.set(self.version.get() + 1);
        each_code(|c| invalidate(self, c));
        self.switch_frames(cx);
    }

    /// Forgets what callbacks disabled, everywhere.
    pub(crate) fn restart(&self) {
        each_code(|c| enable_all(self, c));
    }

    /// Drops all events and callbacks of a tool.
    pub(crate) fn clear_tool(&self, cx: &Ctx, tool: usize) {
        self.global[tool].set(EventSet::default());
        each_code(|c| {
            if let Some(m) = c.monitor.get() {
                m.local[tool].set(EventSet::default());
            }
        });
        self.update(cx);
        for e in Event::ALL {
            drop(self.set_callback(tool, e, None));
        }
    }

    /// Lets frames that are running go on in the instrumented copy if their code has one now.
    fn switch_frames(&self, cx: &Ctx) {
        let rt = Thread::of(cx).runtime;
        rt.each_thread(|th| {
            let mut fr = th.current.get();
            while !fr.is_null() {
                // SAFETY: frames in the chain are alive.
                unsafe {
                    switch(th, fr, self);
                    fr = (*fr).prev;
                }
            }
        });
    }
}

/// Lets a frame go on in the copy of its code that new frames run.
///
/// # Safety
/// The frame must be alive.
pub(super) unsafe fn switch(th: &Thread, fr: *mut Frame, m: &Monitoring) {
    // SAFETY: by the caller's promise; all copies have one layout.
    unsafe {
        let c = (*fr).code();
        if c.copies.entry() == entry_stub() {
            let _ = monitor(c);
            sync(m, c);
        }
        let to = c.copies.instrumented();
        if to.is_null() || !c.copies.enters(to) || c.copies.base_of((*fr).pc) == to.cast_const() {
            return;
        }
        let index = c.copies.index((*fr).pc);
        let mon = monitor(c);
        let fresh = index <= mon.map.start && (*fr).is_generator && crate::objects::generator::is_fresh(fr);
        if !fresh && (mon.map.compares || mon.map.loops_to_start) {
            super::step::note_line(th, fr, mon.map.lines[index as usize].max(1));
        }
        (*fr).pc = to.add(index as usize);
    }
}

/// Events that a callback's tool id and sets must be checked for.
pub(crate) fn check_tool(cx: &Ctx, tool: i64) -> PyResult<usize> {
    if (0..6).contains(&tool) {
        return Ok(tool as usize);
    }
    Err(cx.value_error(format!("invalid tool {tool} (must be between 0 and 5)")))
}
