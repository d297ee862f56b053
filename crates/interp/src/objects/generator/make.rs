//! Making generators: of a call, of a frame, and of a frame on the stack that suspends.

use std::cell::Cell;

use cinder_bytecode::code::flags;
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::heap;
use cinder_pyobj::native::{FixedShape, PyClass};
use cinder_pyobj::types::{cell, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::Site;

use super::{AsyncGenerator, Coroutine, Generator, State};
use crate::frame::{Frame, FrameKind};
use crate::objects::code::CodeObject;
use crate::objects::frame_obj;
use crate::objects::function::Function;
use crate::thread::{ExcState, Thread};

/// Where a coroutine was created, if that is tracked: file, line and function of the callers, innermost first.
fn origin(th: &Thread, f: &Frame) -> Option<Obj> {
    let depth = th.coroutine_origin_depth.get();
    if depth == 0 || f.plain().flags & flags::COROUTINE == 0 {
        return None;
    }
    let mut entries = Vec::new();
    let mut at = f.prev;
    // SAFETY: the frames of the chain are alive.
    while let Some(caller) = unsafe { at.as_ref() }
        && entries.len() < depth as usize
    {
        let c = caller.code();
        let line = i64::from(c.code.position(caller.lasti()).line);
        entries.push(tuple::new(vec![c.filename.borrow().clone(), Obj::from(line), c.name.obj()]));
        at = caller.prev;
    }
    Some(tuple::new(entries))
}

/// What the frame of a new generator begins with.
struct Seed {
    pc: *const Insn,
    sites: *const Site,
    /// Owned, as the two that follow and the code.
    function: Value,
    globals: Value,
    builtins: Value,
    namespace: Value,
    frame_obj: Value,
    code: Obj,
}

/// Makes a generator object. `fill` is given the address of its first register and sets all locals.
#[inline(always)]
fn make(c: &CodeObject, seed: Seed, origin: Option<Obj>, fill: impl FnOnce(*mut Value)) -> Obj {
    let (near, above) = (c.near as usize, c.above as usize);
    let func = if seed.function.is_ptr() {
        // SAFETY: the function's word is alive.
        unsafe { Obj::borrow_from(&seed.function) }.downcast::<Function>()
    } else {
        None
    };
    let name = func.and_then(|f| f.name.get()).unwrap_or_else(|| c.name.obj());
    let qualname = func.and_then(|f| f.qualname.get()).unwrap_or_else(|| c.qualname.clone());
    let flags = c.code.flags;
    let ty = if flags & flags::COROUTINE != 0 {
        Coroutine::class().type_object()
    } else if flags & flags::ASYNC_GENERATOR != 0 {
        AsyncGenerator::class().type_object()
    } else {
        Generator::class().type_object()
    };
    let frame_obj = seed.frame_obj;
    // SAFETY: every field of the payload is written; the room is as long as the frame's registers. `extra` names the
    // object by the address of its header, eight bytes before the payload.
    unsafe {
        heap::new_with_room::<Generator>(ty, near + above, |g, registers| {
            fill(registers);
            let frame = (&raw mut (*g).frame) as *mut Frame;
            frame.write(Frame {
                pc: seed.pc,
                base: registers.add(near),
                consts: c.consts.as_ptr() as *const Value,
                sites: seed.sites,
                code: c,
                prev: std::ptr::null_mut(),
                top: std::ptr::null_mut(),
                reg_end: std::ptr::null_mut(),
                function: seed.function,
                globals: seed.globals,
                builtins: seed.builtins,
                namespace: seed.namespace,
                frame_obj,
                extra: Value::from_ptr((g as usize - 8) as *const heap::Header),
                kind: FrameKind::Entry,
                is_generator: true,
                finished: false,
                own_chunk: false,
                owns_names: true,
                chunk_first: false,
                advance: 1,
                consumer: 0,
            });
            (&raw mut (*g).stack).write(Cell::new(std::ptr::null_mut()));
            (&raw mut (*g).exc).write(ExcState::new());
            (&raw mut (*g).state).write(Cell::new(State::Created));
            (&raw mut (*g).code).write(seed.code);
            (&raw mut (*g).name).write(ObjCell::new(Some(name)));
            (&raw mut (*g).qualname).write(ObjCell::new(Some(qualname)));
            (&raw mut (*g).origin).write(ObjCell::new(origin));
            (&raw mut (*g).finalizer).write(ObjCell::new(None));
            (&raw mut (*g).hooks_inited).write(Cell::new(false));
            (&raw mut (*g).closed).write(Cell::new(false));
            (&raw mut (*g).running_async).write(Cell::new(false));
            if frame_obj.is_ptr() {
                frame_obj::moved(frame_obj, frame);
            }
        })
    }
}

/// Makes the generator object of the current frame, which is taken off the chain.
pub(crate) fn make_of_frame(th: &Thread, f: &mut Frame) -> PyResult {
    let c = f.code();
    let (near, above) = (c.near as usize, c.above as usize);
    // SAFETY: the frame is current; its registers and references move into the generator.
    unsafe {
        // A generator in a cycle may lose its function before its frame ends, so it owns what the function kept.
        if !f.owns_names {
            f.code_value().incref();
            f.globals.incref();
            f.builtins.incref();
        }
        let seed = Seed {
            pc: f.pc.add(1),
            sites: f.sites,
            function: f.function,
            globals: f.globals,
            builtins: f.builtins,
            namespace: f.namespace,
            frame_obj: f.frame_obj,
            code: Obj::from_owned(f.code_value()),
        };
        let base = f.base;
        let o = make(c, seed, origin(th, f), |registers| {
            std::ptr::copy_nonoverlapping(base.sub(near), registers, near);
            let far = c.far as usize;
            let at = near + above - far;
            std::ptr::copy_nonoverlapping(base.add(above - far), registers.add(at), far);
        });
        // The record goes; its references live on in the generator.
        let fr: *mut Frame = f;
        if f.own_chunk {
            th.release_chunk(f.base.sub(near), f.reg_end);
        }
        th.current.set(f.prev);
        th.leave_call();
        th.free_frame(fr);
        Ok(o)
    }
}

/// Makes the object that stands for a coroutine whose frame runs on the stack.
pub(crate) fn stand_in(fr: *mut Frame) -> Obj {
    // SAFETY: the frame is alive. What the seed names is borrowed: an object that stands for a frame owns only its code.
    unsafe {
        let f = &*fr;
        let seed = Seed {
            pc: f.pc,
            sites: f.sites,
            function: f.function,
            globals: f.globals,
            builtins: f.builtins,
            namespace: Value::UNBOUND,
            frame_obj: Value::UNBOUND,
            code: Obj::from_borrowed(f.code_value()),
        };
        let o = make(f.code(), seed, None, |_| ());
        if let Some(g) = o.downcast::<Generator>() {
            g.state.set(State::Running);
            g.stack.set(fr);
        }
        o
    }
}

/// Moves a frame from the stack into the suspended coroutine that stood for it, with the exception that it handles.
///
/// # Safety
/// The frame must be current and stand at its yield; afterwards its record and registers own nothing.
pub(crate) unsafe fn settle(o: &Obj, fr: *mut Frame, handled: Option<Obj>) {
    let Some(g) = o.downcast::<Generator>() else { return };
    // SAFETY: the room behind the object is as long as the frame's registers.
    unsafe {
        let f = &*fr;
        let c = f.code();
        let (near, above) = (c.near as usize, c.above as usize);
        f.globals.incref();
        f.builtins.incref();
        let inner = g.frame_ref();
        let base = inner.base;
        std::ptr::copy_nonoverlapping(f.base.sub(near), base.sub(near), near + above);
        std::ptr::from_mut(inner).write(Frame {
            base,
            prev: std::ptr::null_mut(),
            kind: FrameKind::Entry,
            is_generator: true,
            owns_names: true,
            chunk_first: false,
            extra: o.value(),
            ..*f
        });
        if f.frame_obj.is_ptr() {
            frame_obj::moved(f.frame_obj, g.frame.get());
        }
        g.exc.exc.set(handled);
        g.stack.set(std::ptr::null_mut());
        g.state.set(State::Suspended);
    }
}

/// The frame that a coroutine stood for ended.
pub(crate) fn stand_in_ended(o: &Obj) {
    if let Some(g) = o.downcast::<Generator>() {
        g.stack.set(std::ptr::null_mut());
        g.state.set(State::Finished);
    }
}

/// Makes the generator object of a call without pushing a frame for it. The callee and the arguments at `params`, as
/// many as there are parameters, move into it. Nothing, with nothing changed, where the call has to be made in full.
///
/// # Safety
/// `callee` must be `f`, owned, and `c` its code; `count` owned words must stand at `params`.
#[inline]
pub(crate) unsafe fn make_of_call(
    th: &Thread,
    callee: Value,
    f: &Function,
    c: &CodeObject,
    params: *const Value,
    count: u32,
) -> Option<Obj> {
    if th.runtime.monitoring.on.get()
        || th.coroutine_origin_depth.get() != 0
        || th.depth.get() >= th.recursion_limit.get()
        || c.far != 0
        || c.body == 0
    {
        return None;
    }
    let free = c.near - c.free_start;
    let closure = f.closure.peek();
    let cells = match &closure {
        // SAFETY: the function keeps its closure alive.
        Some(v) => tuple::items_if_tuple(unsafe { Obj::borrow_from(v) })?,
        None => &[],
    };
    if cells.len() != free as usize || cells.iter().any(|c| !c.is_exact(FixedShape::Cell)) {
        return None;
    }
    let (pc, sites) = c.enter();
    let (near, body) = (c.near as usize, c.body as usize);
    // SAFETY: by the caller's promise; the body lies in the code, and the words are those of locals.
    unsafe {
        c.as_value().incref();
        f.globals.value().incref();
        f.builtins.value().incref();
        let seed = Seed {
            pc: pc.add(body - c.copies.first()),
            sites,
            function: callee,
            globals: f.globals.value(),
            builtins: f.builtins.value(),
            namespace: Value::UNBOUND,
            frame_obj: Value::UNBOUND,
            code: Obj::from_owned(c.as_value()),
        };
        Some(make(c, seed, None, |registers| {
            let count = count as usize;
            let mut i = 0;
            while i < count {
                *registers.add(i) = *params.add(i);
                i += 1;
            }
            while i < near {
                *registers.add(i) = Value::UNBOUND;
                i += 1;
            }
            // What stands before the body: cells of captured locals, and those of the closure.
            for insn in &c.code.insns[..body] {
                if insn.op() == Some(Opcode::MakeCell) {
                    let p = registers.add(near).offset(insn.a() as i16 as isize);
                    let content = if *p == Value::UNBOUND { None } else { Some(Obj::from_owned(*p)) };
                    *p = cell::new(content).into_value();
                }
            }
            for (i, cell) in cells.iter().enumerate() {
                *registers.add(c.free_start as usize + i) = cell.clone().into_value();
            }
        }))
    }
}
