//! Frames as plain data: what an exit from compiled code fills and the interpreter goes on from.
//!
//! The mode `-X frame-state=N` exports the running frame before every N-th instruction, wipes its registers and
//! rebuilds it from the export alone: programs behave the same only if liveness tells everything that is live.

use cinder_bytecode::flow::TempKind;
use cinder_pyobj::{Obj, Value};

use crate::frame::Frame;
use crate::thread::Thread;

/// A register: an owned object, or a word that needs no owner.
#[derive(Debug)]
pub(crate) enum Word {
    Object(Obj),
    Plain(Value),
}

impl Word {
    /// Takes the reference out of a register.
    ///
    /// # Safety
    /// The register must own its word.
    unsafe fn take(register: *mut Value) -> Word {
        // SAFETY: by the caller's promise; the register gives the reference up.
        unsafe {
            let v = std::mem::replace(&mut *register, POISON);
            if v.is_sentinel() { Word::Plain(v) } else { Word::Object(Obj::from_owned(v)) }
        }
    }

    fn value(&self) -> Value {
        match self {
            Word::Object(o) => o.value(),
            Word::Plain(v) => *v,
        }
    }

    fn into_value(self) -> Value {
        match self {
            Word::Object(o) => o.into_value(),
            Word::Plain(v) => v,
        }
    }
}

/// What registers hold between export and rebuilding: whoever reads it fails.
const POISON: Value = Value::SUSPENDED;

/// A live temporary.
#[derive(Debug)]
pub(crate) struct Temp {
    pub number: u32,
    pub kind: TempKind,
    pub word: Word,
}

/// One frame.
#[derive(Debug)]
pub(crate) struct FrameImage {
    pub code: Obj,
    pub function: Word,
    pub globals: Obj,
    pub builtins: Obj,
    pub namespace: Word,
    /// The index of the instruction to go on with.
    pub pc: u32,
    /// By number, near and far.
    pub locals: Vec<Word>,
    pub temps: Vec<Temp>,
    /// Static Python's unboxed words.
    pub raw: Vec<u64>,
}

/// An execution state: several frames where a call was inlined, the outermost first.
#[derive(Debug)]
pub(crate) struct FrameState {
    pub frames: Vec<FrameImage>,
    /// The exception that is being handled.
    pub handled: Option<Obj>,
}

/// Exports the frame, which stands before an instruction. Its registers are wiped.
///
/// # Safety
/// The frame must be current, with exactly the temporaries live that are live before its instruction.
pub(crate) unsafe fn export(th: &Thread, fr: *mut Frame) -> FrameState {
    // SAFETY: registers of locals and of live temporaries own their words.
    unsafe {
        let f = &mut *fr;
        let code = f.plain();
        let pc = f.lasti();
        let locals = (0..code.locals.len() as u32).map(|n| Word::take(f.local(n))).collect();
        let live = code.liveness().live_before(pc);
        let mut temps = Vec::new();
        for number in 0..code.temps {
            let register = f.base.add(number as usize);
            match live.get(number as usize).copied().unwrap_or(TempKind::Dead) {
                TempKind::Dead => *register = POISON,
                kind => temps.push(Temp { number, kind, word: Word::take(register) }),
            }
        }
        let raw = (0..code.raw_words).map(|n| *(f.base.add((code.temps + n) as usize) as *const u64)).collect();
        let borrowed = |v: Value| match Frame::object(v) {
            Some(o) => Word::Object(o),
            None => Word::Plain(v),
        };
        let object = |v: Value| Frame::object(v).unwrap_or_else(Obj::none);
        let image = FrameImage {
            code: object(f.code_value()),
            function: borrowed(f.function),
            globals: object(f.globals),
            builtins: object(f.builtins),
            namespace: borrowed(f.namespace),
            pc,
            locals,
            temps,
            raw,
        };
        FrameState { frames: vec![image], handled: th.exc_state().exc.take() }
    }
}

/// Fills a frame from an image of its code.
///
/// # Safety
/// The frame must be current, of the image's code, and own nothing in its registers.
pub(crate) unsafe fn rebuild(fr: *mut Frame, image: FrameImage) {
    // SAFETY: by the caller's promise; the image has a word for each local and each live temporary.
    unsafe {
        let f = &mut *fr;
        // The record keeps the references it has to these; the image names the same objects.
        debug_assert!(f.code_value() == image.code.value());
        f.function = image.function.value();
        f.globals = image.globals.value();
        f.builtins = image.builtins.value();
        f.namespace = image.namespace.value();
        for (n, word) in image.locals.into_iter().enumerate() {
            *f.local(n as u32) = word.into_value();
        }
        for t in image.temps {
            debug_assert!(t.kind != TempKind::Dead);
            *f.base.add(t.number as usize) = t.word.into_value();
        }
        let first = f.plain().temps as usize;
        for (n, word) in image.raw.into_iter().enumerate() {
            *(f.base.add(first + n) as *mut u64) = word;
        }
        f.pc = f.code().copies.base_of(f.pc).add(image.pc as usize);
    }
}

/// Exports the current frame and rebuilds it.
///
/// # Safety
/// As for [`export`].
pub(super) unsafe fn export_and_rebuild(th: &Thread, fr: *mut Frame) {
    // SAFETY: passed on.
    unsafe {
        let mut state = export(th, fr);
        drop(th.exc_state().exc.replace(state.handled.take()));
        if let Some(image) = state.frames.pop() {
            rebuild(fr, image);
        }
    }
}
