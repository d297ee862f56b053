//! Generators and coroutines: frames that outlive their call.

use std::cell::{Cell, UnsafeCell};

use cinder_bytecode::code::flags;
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::heap::{self, Dropped, PageKind, Traverse, Visitor};
use cinder_pyobj::intern;
use cinder_pyobj::native::{FixedShape, Payload, PayloadDef, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{SendResult, cell, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};
use cinder_shadow::Site;

use crate::call::drop_locals;
use crate::dispatch;
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::frame_obj;
use crate::objects::function::Function;
use crate::observe::{self, resumed};
use crate::thread::{ExcState, Thread};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Created,
    Suspended,
    Running,
    Finished,
}

/// The payload of generators, coroutines and async generators.
///
/// The registers of the frame lie behind the object, in the same cell.
#[pyclass(name = "generator", fixed = Generator, flags(weakref, no_new))]
#[repr(C)]
pub struct Generator {
    frame: UnsafeCell<Frame>,
    /// The frame on the stack that this object stands for while it runs there; else null.
    stack: Cell<*mut Frame>,
    exc: ExcState,
    state: Cell<State>,
    /// Keeps the frame's code alive.
    code: Obj,
    pub(crate) name: ObjCell,
    pub(crate) qualname: ObjCell,
    origin: ObjCell,
    /// Async generators: the finaliser hook, whether hooks ran, whether it is closed, whether it runs an
    /// `asend`/`athrow`.
    pub(crate) finalizer: ObjCell,
    pub(crate) hooks_inited: Cell<bool>,
    pub(crate) closed: Cell<bool>,
    pub(crate) running_async: Cell<bool>,
}

/// Coroutines are laid out as generators.
static COROUTINE_PAYLOAD: PayloadDef = derived("coroutine");
static ASYNC_GENERATOR_PAYLOAD: PayloadDef = derived("async_generator");

const fn derived(name: &'static str) -> PayloadDef {
    let g = Generator::DEF;
    PayloadDef {
        name,
        size: g.size,
        var_sized: false,
        page_kind: PageKind::Container,
        drop: g.drop,
        traverse: g.traverse,
        clear: g.clear,
        parent: Some(g),
    }
}

/// A coroutine: what calling an `async def` function gives.
#[pyclass(name = "coroutine", fixed = Coroutine, flags(weakref, no_new), payload = "var", payload_def = COROUTINE_PAYLOAD)]
#[repr(transparent)]
pub struct Coroutine(Generator);

/// An async generator.
#[pyclass(name = "async_generator", fixed = AsyncGenerator, flags(weakref, no_new), payload = "var", payload_def = ASYNC_GENERATOR_PAYLOAD)]
#[repr(transparent)]
pub struct AsyncGenerator(pub(crate) Generator);

impl Traverse for Coroutine {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.0.traverse(visit);
    }
}

impl Traverse for AsyncGenerator {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.0.traverse(visit);
    }
}

impl Traverse for Generator {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.code.value());
        for c in [&self.name, &self.qualname, &self.origin, &self.finalizer] {
            c.traverse(visit);
        }
        if let Some(e) = self.exc.get() {
            visit(e.value());
        }
        if matches!(self.state.get(), State::Created | State::Suspended) {
            self.for_each_register(|p| {
                // SAFETY: a suspended frame's live registers hold words it owns.
                let v = unsafe { *p };
                visit(v);
            });
            let f = self.frame_ref();
            for v in [f.code_value(), f.function, f.globals, f.builtins, f.namespace, f.frame_obj] {
                visit(v);
            }
        }
    }

    fn clear(&self) {
        self.discard();
    }

    fn take_references(&mut self, _: &mut Dropped) {}
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.discard();
    }
}

impl Generator {
    #[allow(clippy::mut_from_ref, reason = "the frame is only touched under the interpreter lock, one user at a time")]
    fn frame_ref(&self) -> &mut Frame {
        // SAFETY: see the reason above.
        unsafe { &mut *self.frame.get() }
    }

    /// The generator or coroutine behind an object, if it is exactly one.
    #[inline(always)]
    pub(crate) fn exact(o: &Obj) -> Option<&Generator> {
        match o.fixed::<Generator>(FixedShape::Generator) {
            Some(g) => Some(g),
            None => o.fixed::<Coroutine>(FixedShape::Coroutine).map(|c| &c.0),
        }
    }

    /// Resumes the generator within the run loop, for the current instruction, with the owned word `v`; a generator that
    /// delegates to another one passes it on at once. Does nothing if that takes more than putting frames on the chain.
    #[inline(always)]
    pub(crate) fn enter_quick(&self, m: M, kind: FrameKind, v: Value) -> Fast {
        let started = match self.state.get() {
            State::Suspended => true,
            State::Created => false,
            _ => return Fast::Slow,
        };
        let th = m.th();
        let (mut depth, limit) = (th.depth.get(), th.recursion_limit.get());
        if depth >= limit || th.runtime.monitoring.on.get() {
            return Fast::Slow;
        }
        m.save_pc();
        // SAFETY: the generators are not running, so nobody else uses their frames; each stands at its yield, whose `a`
        // receives the value, or at its first instruction.
        unsafe {
            let (mut g, mut kind, mut caller) = (self, kind, m.fr);
            let (top, reg_end) = ((*caller).top, (*caller).reg_end);
            let mut exc = th.exc.get();
            let mut f = g.frame.get();
            loop {
                (*f).prev = caller;
                (*f).top = top;
                (*f).reg_end = reg_end;
                (*f).kind = kind;
                depth += 1;
                g.exc.prev.set(exc);
                exc = &g.exc;
                g.state.set(State::Running);
                let pc = (*f).pc;
                if !started || depth >= limit || (*pc).op_number() != Opcode::YieldDelegate as u16 {
                    break;
                }
                // The jump behind the yield leads back to the `Send`.
                let back = pc.add(1);
                if (*back).op_number() != Opcode::JumpBackwardNoPoll as u16 {
                    break;
                }
                let send = back.offset(1 + (*back).sbx() as isize);
                if (*send).op_number() != Opcode::Send as u16 || ((*send).a(), (*send).b()) != ((*pc).a(), (*pc).b()) {
                    break;
                }
                let delegate = (*f).base.offset((*pc).b() as i16 as isize);
                let inner = match Generator::exact(Obj::borrow_from(delegate)) {
                    Some(inner) if inner.state.get() == State::Suspended => inner,
                    _ => break,
                };
                (*f).pc = send;
                (g, kind, caller, f) = (inner, FrameKind::Send, f, inner.frame.get());
            }
            th.exc.set(exc);
            th.depth.set(depth);
            th.current.set(f);
            let (mut pc, base) = ((*f).pc, (*f).base);
            if started {
                let a = (*pc).a() as i16;
                let old = std::mem::replace(&mut *base.offset(a as isize), v);
                pc = pc.add(1);
                if a < 0 && old.is_ptr() && old.header().release() {
                    return Fast::Drop(old, pc, base, f);
                }
            }
            Fast::Enter(pc, base, f)
        }
    }

    /// The frame's address.
    pub(crate) fn frame_ptr(&self) -> *mut Frame {
        let on_stack = self.stack.get();
        if on_stack.is_null() { self.frame.get() } else { on_stack }
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    /// The code object.
    pub(crate) fn code_object(&self) -> Obj {
        self.code.clone()
    }

    fn code_flags(&self) -> u32 {
        self.code.downcast::<CodeObject>().map_or(0, |c| c.code.flags)
    }

    /// Made by an `async def` function.
    pub fn is_coroutine(&self) -> bool {
        self.code_flags() & (flags::COROUTINE) != 0
    }

    /// May stand in an `await`: a coroutine, or a generator marked by `types.coroutine`.
    pub fn is_awaitable(&self) -> bool {
        self.code_flags() & (flags::COROUTINE | flags::ITERABLE_COROUTINE) != 0
    }

    /// An async generator.
    pub fn is_async(&self) -> bool {
        self.code_flags() & flags::ASYNC_GENERATOR != 0
    }

    /// Calls `f` with the address of each live temporary of a suspended frame, highest first.
    fn for_each_temporary(&self, mut f: impl FnMut(*mut Value)) {
        let fr = self.frame_ref();
        let c = fr.code();
        let at = fr.lasti();
        // SAFETY: the registers belong to the generator.
        let register = |t: u32| unsafe { fr.base.add(t as usize) };
        if let Some(rest) = c.rest_at(at) {
            let mut live = rest.live;
            while live != 0 {
                let t = 63 - live.leading_zeros();
                live ^= 1 << t;
                f(register(t));
            }
            return;
        }
        let mut live = smallvec::SmallVec::<[u32; 16]>::new();
        c.code.liveness().live_during(&c.code, at, &mut |t, _| live.push(t));
        for t in live.iter().rev() {
            f(register(*t));
        }
    }

    /// Calls `f` with the address of each register that a suspended frame owns, in the order in which they end:
    /// the newest temporary first, then the last local.
    fn for_each_register(&self, mut f: impl FnMut(*mut Value)) {
        if self.state.get() == State::Suspended {
            self.for_each_temporary(&mut f);
        }
        let fr = self.frame_ref();
        let c = fr.code();
        // SAFETY: the registers belong to the generator.
        unsafe {
            let far = c.code.far_locals();
            let first = fr.base.add((c.above - far) as usize);
            for i in (0..far as usize).rev() {
                f(first.add(i));
            }
            let first = fr.base.sub(c.near as usize);
            for i in (0..c.near as usize).rev() {
                f(first.add(i));
            }
        }
    }

    /// Whether a GeneratorExit raised where the frame stands would meet no handler but the one that every generator
    /// has, which lets it pass.
    fn ends_silently(&self) -> bool {
        let f = self.frame_ref();
        !self.is_async() && f.code().rest_at(f.lasti()).is_some_and(|r| r.silent)
    }

    /// Drops all that an unfinished, not running frame holds.
    fn discard(&self) {
        if !matches!(self.state.get(), State::Created | State::Suspended) {
            return;
        }
        self.detach_frame_object();
        self.drop_registers();
        self.drop_references();
    }

    /// Leaves the locals to the frame object, if somebody looks at the frame: it may outlive the generator.
    fn detach_frame_object(&self) {
        let f = self.frame_ref();
        if f.frame_obj.is_ptr() {
            frame_obj::finish(Thread::of(Ctx::current()), f);
        }
    }

    fn drop_registers(&self) {
        let mut temps = smallvec::SmallVec::<[Value; 8]>::new();
        if self.state.get() == State::Suspended {
            self.for_each_temporary(|p| {
                // SAFETY: the register's reference is taken.
                temps.push(unsafe { std::mem::replace(&mut *p, Value::UNBOUND) });
            });
        }
        self.state.set(State::Finished);
        for v in temps.iter() {
            // SAFETY: taken above.
            unsafe { v.decref() };
        }
        // SAFETY: the registers belong to the generator, and nobody looks at a finished frame.
        unsafe { drop_locals(self.frame_ref()) };
    }

    fn drop_references(&self) {
        let f = self.frame_ref();
        if !std::mem::replace(&mut f.owns_names, false) {
            return;
        }
        let words = [f.namespace, f.frame_obj, f.globals, f.builtins, f.function];
        f.namespace = Value::UNBOUND;
        f.frame_obj = Value::UNBOUND;
        f.globals = Value::UNBOUND;
        f.builtins = Value::UNBOUND;
        f.function = Value::UNBOUND;
        drop(self.exc.exc.take());
        for v in words {
            if v.is_ptr() {
                // SAFETY: the frame owned these references.
                unsafe { v.decref() };
            }
        }
    }

    /// The opcode that a suspended frame stands at.
    fn suspended_at(&self) -> Option<Opcode> {
        if self.state.get() != State::Suspended {
            return None;
        }
        self.frame_ref().plain_insn().op()
    }

    /// The iterator that a suspended frame delegates to (`gi_yieldfrom`, `cr_await`).
    pub(crate) fn delegate(&self) -> Option<Obj> {
        if self.suspended_at() != Some(Opcode::YieldDelegate) {
            return None;
        }
        let f = self.frame_ref();
        // SAFETY: the instruction's `b` names a live register.
        unsafe {
            let b = f.plain_insn().b() as i16;
            Frame::object(*f.base.offset(b as isize))
        }
    }

    /// Whether somebody awaits it already.
    pub(crate) fn is_delegating(&self, _cx: &Ctx) -> bool {
        self.delegate().is_some()
    }
}

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
            pc: pc.add(body),
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

/// Suspends a generator that an instruction of the frame below resumed, and gives that the owned word `v`. A generator
/// below that delegates to it passes the word on at once.
#[inline(always)]
pub(crate) fn yield_quick(m: M, v: Value) -> Fast {
    let th = m.th();
    let (mut fr, mut pc, mut depth) = (m.fr, m.pc, th.depth.get());
    // SAFETY: the frames are those of running generators; `extra` names the generator, which the frame below holds.
    unsafe {
        loop {
            let g = of_frame(fr);
            let (caller, kind) = ((*fr).prev, (*fr).kind);
            (*fr).pc = pc;
            (*fr).kind = FrameKind::Entry;
            (*fr).prev = std::ptr::null_mut();
            g.state.set(State::Suspended);
            depth -= 1;
            let at = (*caller).pc;
            let next = at.add(1);
            if kind == FrameKind::Send
                && matches!((*caller).kind, FrameKind::Send | FrameKind::Loop)
                && (*next).op_number() == Opcode::YieldDelegate as u16
                && (*next).a() == (*at).a()
            {
                (fr, pc) = (caller, next);
                continue;
            }
            th.exc.set(g.exc.prev.get());
            th.current.set(caller);
            th.depth.set(depth);
            let base = (*caller).base;
            let dst = (*at).a() as i16;
            let old = std::mem::replace(&mut *base.offset(dst as isize), v);
            let to = if kind == FrameKind::Loop { at.add(2) } else { next };
            if dst < 0 && old.is_ptr() && old.header().release() {
                return Fast::Drop(old, to, base, caller);
            }
            return Fast::Enter(to, base, caller);
        }
    }
}

/// Suspends a generator that native code resumed, and leaves the owned word `v` as the run loop's result.
#[inline(always)]
pub(crate) fn yield_out(m: M, v: Value) -> Fast {
    let th = m.th();
    // SAFETY: as in `yield_quick`; no result is left while a frame runs.
    unsafe {
        let f = m.frame();
        let g = of_frame(f);
        f.pc = m.pc;
        g.state.set(State::Suspended);
        th.exc.set(g.exc.prev.get());
        th.current.set(f.prev);
        f.prev = std::ptr::null_mut();
        th.depth.set(th.depth.get() - 1);
        std::ptr::write(th.result.as_ptr(), Some(Obj::from_owned(v)));
    }
    Fast::Exit
}

/// A generator that an instruction of the frame below resumed has returned; that frame is current again.
pub(crate) fn returned(th: &Thread, kind: FrameKind, v: Obj) -> Flow {
    let caller = th.current.get();
    // SAFETY: the frame below stands at its `ForIter` or `Send`.
    unsafe {
        let f = &mut *caller;
        let m = M { pc: f.pc, base: f.base, fr: caller, th, w: (*f.pc).0 };
        if kind == FrameKind::Loop {
            drop(v);
            drop(m.take(m.b()));
            f.pc = m.next_target_pc();
        } else {
            m.put(m.a(), v);
            let skip = m.plain_c();
            f.pc = m.ahead(1 + skip);
        }
    }
    Flow::SWITCH
}

/// Suspends the running generator frame, which stands at its yield.
pub(crate) fn suspend(th: &Thread, fr: *mut Frame) {
    leave(th, fr, State::Suspended);
}

fn leave(th: &Thread, fr: *mut Frame, state: State) {
    // SAFETY: the frame is a running generator's; `extra` names the generator, which its resumer holds.
    unsafe {
        let g = of_frame(fr);
        g.state.set(state);
        th.exc.set(g.exc.prev.get());
        th.current.set((*fr).prev);
        (*fr).prev = std::ptr::null_mut();
        th.leave_call();
    }
}

/// The generator of a running generator's frame.
///
/// # Safety
/// `extra` of the frame must name the generator, and somebody must hold it.
#[inline(always)]
unsafe fn of_frame<'a>(fr: *mut Frame) -> &'a Generator {
    // SAFETY: by the caller's promise. The payload follows the header of eight bytes.
    unsafe { &*(((*fr).extra.bits() + 8) as *const Generator) }
}

/// A generator's frame returned or raised: drops its registers and references.
pub(crate) fn frame_ended(th: &Thread, fr: *mut Frame) {
    // SAFETY: as in `leave`; no temporaries are live.
    unsafe {
        let g = of_frame(fr);
        leave(th, fr, State::Finished);
        // The frame is off the chain: for its frame object it has no caller any more.
        if (*fr).frame_obj.is_ptr() {
            frame_obj::finish(th, &mut *fr);
        }
        if !g.is_async() {
            heap::mark_spent((*fr).extra);
        }
        drop_locals(&*fr);
        g.drop_references();
    }
}

fn already_running(cx: &Ctx, g: &Generator) -> Raised {
    let what = if g.is_coroutine() {
        "coroutine already executing"
    } else if g.is_async() {
        "async generator already executing"
    } else {
        "generator already executing"
    };
    cx.value_error(what)
}

fn reused(cx: &Ctx) -> Raised {
    cx.runtime_error("cannot reuse already awaited coroutine")
}

/// Puts the generator's frame on the chain.
fn activate(th: &Thread, g: &Generator) -> PyResult<()> {
    th.cx.check_stack("")?;
    th.enter_call()?;
    let (top, end) = th.register_top();
    let f = g.frame_ref();
    f.prev = th.current.get();
    f.top = top;
    f.reg_end = end;
    th.current.set(f);
    g.exc.prev.set(th.exc.get());
    th.exc.set(&g.exc);
    g.state.set(State::Running);
    Ok(())
}

fn outcome(g: &Generator, r: PyResult) -> PyResult<SendResult> {
    let v = r?;
    Ok(if g.state.get() == State::Finished { SendResult::Return(v) } else { SendResult::Yield(v) })
}

/// Resumes a generator with a value.
pub(crate) fn resume(cx: &Ctx, this: &Obj, g: &Generator, v: Obj) -> PyResult<SendResult> {
    let th = Thread::of(cx);
    let started = match g.state.get() {
        State::Running => return Err(already_running(cx, g)),
        State::Finished => {
            if g.is_coroutine() {
                return Err(reused(cx));
            }
            return Ok(SendResult::Return(Obj::none()));
        }
        State::Created => {
            if !v.is_none() {
                let what = if g.is_coroutine() {
                    "coroutine"
                } else if g.is_async() {
                    "async generator"
                } else {
                    "generator"
                };
                return Err(cx.type_error(format!("can't send non-None value to a just-started {what}")));
            }
            false
        }
        State::Suspended => true,
    };
    let keep = this.clone();
    activate(th, g)?;
    let f = g.frame_ref();
    if th.runtime.monitoring.on.get() && resumed(th, f, started).is_err() {
        drop(v);
        let r = dispatch::run_raising(th);
        let out = outcome(g, r);
        drop(keep);
        return out;
    }
    if started {
        // SAFETY: the frame stands at its yield, whose `a` receives the value.
        unsafe {
            let m = M { pc: f.pc, base: f.base, fr: f, th, w: (*f.pc).0 };
            m.set(m.a(), v);
            f.pc = f.pc.add(1);
        }
    }
    let r = dispatch::run(th);
    let out = outcome(g, r);
    drop(keep);
    out
}

/// The next item for native code: as [`resume`] with None, by the shortest way.
#[inline]
pub(crate) fn next_item(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult<Option<Obj>> {
    let th = Thread::of(cx);
    let started = g.state.get() == State::Suspended;
    let caller = th.current.get();
    if !started && g.state.get() != State::Created || caller.is_null() || th.runtime.monitoring.on.get() {
        return match resume(cx, this, g, Obj::none())? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) => returned_to_native(cx, v),
        };
    }
    cx.check_stack("")?;
    th.enter_call()?;
    let keep = this.clone();
    // SAFETY: the generator is not running, so nobody else uses its frame; it stands at its yield, whose `a` receives
    // the value, or at its first instruction.
    let r = unsafe {
        let f = &mut *g.frame.get();
        f.prev = caller;
        f.top = (*caller).top;
        f.reg_end = (*caller).reg_end;
        th.current.set(f);
        g.exc.prev.set(th.exc.get());
        th.exc.set(&g.exc);
        g.state.set(State::Running);
        let mut pc = f.pc;
        if started {
            let a = (*pc).a() as i16;
            pc = pc.add(1);
            f.pc = pc;
            let old = std::mem::replace(&mut *f.base.offset(a as isize), crate::ops::none_word());
            if a < 0 && old.is_ptr() {
                old.decref();
                // Ending the old value may have turned tracing on, which moves the frame to other code.
                pc = f.pc;
            }
        }
        dispatch::run_from(th, pc, f)
    };
    let r = match r {
        Ok(v) if g.state.get() == State::Finished => returned_to_native(cx, v),
        Ok(v) => Ok(Some(v)),
        Err(r) => Err(r),
    };
    drop(keep);
    r
}

/// What the end of a generator with this value is to native code that asks for items.
#[inline]
fn returned_to_native(cx: &Ctx, v: Obj) -> PyResult<Option<Obj>> {
    if v.is_none() { Ok(None) } else { Err(cx.stop_iteration(Some(v))) }
}

/// Whether a generator's frame was never resumed.
pub(crate) fn is_fresh(fr: *mut Frame) -> bool {
    // SAFETY: a generator's frame names its generator.
    let owner = unsafe { (*fr).extra };
    Frame::object(owner).is_some_and(|o| o.downcast::<Generator>().is_some_and(|g| g.state() == State::Created))
}

/// Resumes a generator by raising an exception where it stands.
fn resume_raising(cx: &Ctx, this: &Obj, g: &Generator, e: Obj) -> PyResult<SendResult> {
    let th = Thread::of(cx);
    match g.state.get() {
        State::Running => return Err(already_running(cx, g)),
        State::Finished if g.is_coroutine() => return Err(reused(cx)),
        State::Finished => return Err(cx.set_pending(e)),
        State::Created => {
            // Never started: it ends at once, with an entry for its first line.
            let fo = frame_obj::of(th, g.frame_ptr());
            crate::objects::traceback::add_entry(&e, fo, 0);
            g.discard();
            return Err(cx.set_pending(e));
        }
        State::Suspended => {}
    }
    let keep = this.clone();
    activate(th, g)?;
    exc_context(th, &e);
    let e = if th.runtime.monitoring.on.get() {
        match observe::thrown(th, g.frame_ptr(), &e) {
            Ok(()) => e,
            Err(r) => cx.take(r),
        }
    } else {
        e
    };
    let _ = cx.set_pending(e);
    let r = dispatch::run_raising(th);
    let out = outcome(g, r);
    drop(keep);
    out
}

/// Chains a thrown exception to what the generator is handling.
fn exc_context(th: &Thread, e: &Obj) {
    if let Some(h) = th.exc_state().get()
        && !h.is(e)
        && exc::context(e).is_none()
    {
        exc::set_context(e, Some(h));
    }
}

/// Closes the iterator that a generator delegates to.
fn close_delegate(cx: &Ctx, it: &Obj) -> PyResult<()> {
    if let Some(g) = it.downcast::<Generator>() {
        return close(cx, it, g);
    }
    match it.get_attr_opt(cx, intern!("close")) {
        Ok(Some(f)) => f.call0(cx).map(drop),
        Ok(None) => Ok(()),
        Err(r) => {
            let e = cx.take(r);
            let message = about(cx, "Exception ignored while closing generator", it);
            let _ = cx.set_pending(e);
            (cx.host().unraisable)(cx, Some(&message), None);
            Ok(())
        }
    }
}

/// The head of a report about an exception that nobody can catch.
fn about(cx: &Ctx, what: &str, subject: &Obj) -> String {
    match subject.repr(cx) {
        Ok(shown) => format!("{what} {}", as_utf8_lossy(&shown)),
        Err(r) => {
            drop(cx.take(r));
            what.to_owned()
        }
    }
}

/// Runs what an exception thrown into a delegating generator does to its delegate: the generator's frame counts as
/// running and stands on the chain meanwhile.
fn while_delegating<R>(th: &Thread, g: &Generator, body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    th.cx.check_stack("")?;
    th.enter_call()?;
    let (top, end) = th.register_top();
    let f = g.frame_ref();
    f.prev = th.current.get();
    f.top = top;
    f.reg_end = end;
    th.current.set(f);
    g.state.set(State::Running);
    let result = body();
    g.state.set(State::Suspended);
    th.current.set(f.prev);
    f.prev = std::ptr::null_mut();
    th.leave_call();
    result
}

/// Throws an exception, given as the arguments of `throw()`, into a generator (`close_delegates`: GeneratorExit
/// closes what it delegates to).
pub(crate) fn throw(cx: &Ctx, this: &Obj, g: &Generator, args: &[Obj], close_delegates: bool) -> PyResult<SendResult> {
    if g.state.get() == State::Running {
        return Err(already_running(cx, g));
    }
    let th = Thread::of(cx);
    let Some(it) = g.delegate() else { return resume_raising(cx, this, g, thrown(cx, args)?) };
    let class = args[0].as_type().unwrap_or_else(|| args[0].type_of());
    if close_delegates && class.is_subtype(exc::GeneratorExit()) {
        g.state.set(State::Running);
        let r = close_delegate(cx, &it);
        g.state.set(State::Suspended);
        let e = match r {
            Ok(()) => thrown(cx, args)?,
            Err(r) => cx.take(r),
        };
        return resume_raising(cx, this, g, e);
    }
    let r = if let Some(sub) = it.downcast::<Generator>() {
        while_delegating(th, g, || match throw(cx, &it, sub, args, close_delegates)? {
            SendResult::Yield(v) => Ok(v),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        })
    } else {
        let Some(f) = it.get_attr_opt(cx, intern!("throw"))? else {
            return resume_raising(cx, this, g, thrown(cx, args)?);
        };
        while_delegating(th, g, || f.call_pos(cx, args))
    };
    match r {
        Ok(v) => Ok(SendResult::Yield(v)),
        Err(r) => {
            let e = cx.take(r);
            resume_raising(cx, this, g, e)
        }
    }
}

/// `generator.close()`: the value that it returns, if any.
pub(crate) fn close(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult<()> {
    close_with_value(cx, this, g).map(drop)
}

pub(crate) fn close_with_value(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult {
    match g.state.get() {
        State::Created => {
            g.discard();
            return Ok(Obj::none());
        }
        State::Finished => return Ok(Obj::none()),
        State::Suspended if g.ends_silently() && !Thread::of(cx).runtime.monitoring.on.get() => {
            g.discard();
            return Ok(Obj::none());
        }
        _ => {}
    }
    let e = exc::GeneratorExit().as_obj().call0(cx)?;
    match throw(cx, this, g, std::slice::from_ref(&e), true) {
        Ok(SendResult::Yield(_)) => Err(cx.runtime_error(if g.is_coroutine() {
            "coroutine ignored GeneratorExit"
        } else if g.is_async() {
            "async generator ignored GeneratorExit"
        } else {
            "generator ignored GeneratorExit"
        })),
        Ok(SendResult::Return(v)) => Ok(v),
        Err(r) => {
            if cx.pending_is(exc::StopIteration()) {
                let e = cx.take(r);
                return Ok(exc::stop_iteration_value(&e));
            }
            cx.swallow(r, exc::GeneratorExit()).map(|()| Obj::none())
        }
    }
}

/// Warns about the signature of three arguments, which is deprecated.
pub(crate) fn warn_signature(cx: &Ctx, method: &str, args: &[Obj]) -> PyResult<()> {
    if args.len() < 2 {
        return Ok(());
    }
    let message =
        format!("the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead.");
    (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)
}

/// The exception that `throw(type, value, traceback)` asks for. What goes wrong while it is made is thrown itself.
fn thrown(cx: &Ctx, args: &[Obj]) -> PyResult {
    let (ty, value, tb) = (&args[0], args.get(1), args.get(2));
    let value = value.filter(|v| !v.is_none());
    let tb = tb.filter(|t| !t.is_none());
    if let Some(t) = tb
        && !t.is_exact(FixedShape::Traceback)
    {
        return Err(cx.type_error("throw() third argument must be a traceback object"));
    }
    let e = if let Some(t) = ty.as_type().filter(|t| t.is_subtype(exc::BaseException())) {
        let made = match value {
            Some(v) if v.type_of().is_subtype(t) => Ok(v.clone()),
            Some(v) => match tuple::items_if_tuple(v) {
                Some(items) => ty.call_pos(cx, items),
                None => ty.call1(cx, v),
            },
            None => ty.call0(cx),
        };
        let made = made.and_then(|e| {
            if e.type_of().is_subtype(exc::BaseException()) {
                return Ok(e);
            }
            let (class, got) = (ty.repr(cx)?, e.type_of().name());
            Err(cx.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {got}",
                as_utf8_lossy(&class)
            )))
        });
        made.unwrap_or_else(|r| cx.take(r))
    } else if ty.type_of().is_subtype(exc::BaseException()) {
        if value.is_some() {
            return Err(cx.type_error("instance exception may not have a separate value"));
        }
        ty.clone()
    } else {
        return Err(cx.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            ty.type_of().name()
        )));
    };
    if let Some(t) = tb {
        exc::set_traceback(&e, Some(t.clone()));
    }
    Ok(e)
}

/// What `send()` and `throw()` methods give: StopIteration for a return.
pub(crate) fn method_result(cx: &Ctx, r: SendResult) -> PyResult {
    match r {
        SendResult::Yield(v) => Ok(v),
        SendResult::Return(v) => Err(cx.stop_iteration(v.non_none())),
    }
}

/// `<generator object f at 0x…>`.
fn shown(this: &Obj, g: &Generator, what: &str) -> Obj {
    let q = g.qualname.get().unwrap_or_else(Obj::none);
    Obj::from(format!("<{what} object {} at {:#x}>", as_utf8_lossy(&q), this.id()).as_str())
}

/// Ends an unfinished generator whose last reference is gone. Nothing is left to raise to: errors are reported.
pub(crate) fn finalize(cx: &Ctx, this: &Obj, g: &Generator) {
    match g.state.get() {
        State::Finished | State::Running => {}
        State::Created => {
            if g.is_coroutine() {
                warn_unawaited(cx, this, g);
            }
        }
        State::Suspended => {
            if let Err(r) = close(cx, this, g) {
                report(cx, r, "Exception ignored while closing generator", this);
            }
        }
    }
}

/// Reports the pending exception of something that happens to `subject` behind the program's back.
pub(crate) fn report(cx: &Ctx, r: Raised, what: &str, subject: &Obj) {
    let e = cx.take(r);
    let message = about(cx, what, subject);
    let _ = cx.set_pending(e);
    (cx.host().unraisable)(cx, Some(&message), None);
}

/// Warns that nobody awaited a coroutine, through the `warnings` module if that works.
fn warn_unawaited(cx: &Ctx, this: &Obj, g: &Generator) {
    const IGNORED: &str = "Exception ignored while finalizing coroutine";
    let shown = (cx.host().import)(cx, "warnings")
        .and_then(|warnings| warnings.get_attr_opt(cx, intern!("_warn_unawaited_coroutine")))
        .and_then(|warn| warn.map(|warn| warn.call1(cx, this)).transpose());
    let warned = match shown {
        Ok(shown) => shown.is_some(),
        Err(r) => {
            let warned = cx.pending_is(exc::RuntimeWarning());
            report(cx, r, IGNORED, this);
            warned
        }
    };
    if !warned {
        let name = g.qualname.get().unwrap_or_else(Obj::none);
        let message = format!("coroutine '{}' was never awaited", as_utf8_lossy(&name));
        if let Err(r) = (cx.host().warn)(cx, exc::RuntimeWarning(), &message, 1) {
            report(cx, r, IGNORED, this);
        }
    }
}

pub(crate) fn set_text(cx: &Ctx, cell: &ObjCell, v: Option<&Obj>, what: &str) -> PyResult<()> {
    match v {
        Some(v) if v.type_of().is_str_subtype() => {
            cell.set(Some(v.clone()));
            Ok(())
        }
        _ => Err(cx.type_error(format!("{what} must be set to a string object"))),
    }
}

pub(crate) fn frame_object(cx: &Ctx, g: &Generator) -> PyResult {
    Ok(frame_of(cx, g))
}

fn frame_of(cx: &Ctx, g: &Generator) -> Obj {
    if g.state.get() == State::Finished {
        return Obj::none();
    }
    frame_obj::of(Thread::of(cx), g.frame_ptr())
}

#[pymethods]
impl Generator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Generator>) -> PyResult<Option<Obj>> {
        next_item(cx, this.obj(), &this)
    }

    fn am_send(cx: &Ctx, this: This<'_, Generator>, value: &Obj) -> PyResult<SendResult> {
        resume(cx, this.obj(), &this, value.clone())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Generator>) -> PyResult {
        Ok(shown(this.obj(), &this, "generator"))
    }

    fn __del__(cx: &Ctx, this: This<'_, Generator>) -> PyResult<()> {
        finalize(cx, this.obj(), &this);
        Ok(())
    }

    /// Resumes with a value, which the yield expression gives; returns the next yielded value.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, Generator>, arg: &Obj) -> PyResult {
        let r = resume(cx, this.obj(), &this, arg.clone())?;
        method_result(cx, r)
    }

    /// Raises an exception in the generator; returns the next yielded value.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, Generator>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        warn_signature(cx, "throw", a)?;
        let r = throw(cx, this.obj(), &this, a, true)?;
        method_result(cx, r)
    }

    /// Raises GeneratorExit inside the generator.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Generator>) -> PyResult {
        close_with_value(cx, this.obj(), &this)
    }

    #[pygetter]
    fn __name__(this: This<'_, Generator>) -> Option<Obj> {
        this.name.get()
    }

    #[pysetter]
    fn set___name__(cx: &Ctx, this: This<'_, Generator>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.name, value, "__name__")
    }

    #[pygetter]
    fn __qualname__(this: This<'_, Generator>) -> Option<Obj> {
        this.qualname.get()
    }

    #[pysetter]
    fn set___qualname__(cx: &Ctx, this: This<'_, Generator>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.qualname, value, "__qualname__")
    }

    #[pygetter]
    fn gi_yieldfrom(this: This<'_, Generator>) -> Option<Obj> {
        this.delegate()
    }

    #[pygetter]
    fn gi_running(this: This<'_, Generator>) -> bool {
        this.state.get() == State::Running
    }

    #[pygetter]
    fn gi_suspended(this: This<'_, Generator>) -> bool {
        this.state.get() == State::Suspended
    }

    #[pygetter]
    fn gi_frame(cx: &Ctx, this: This<'_, Generator>) -> Obj {
        frame_of(cx, &this)
    }

    #[pygetter]
    fn gi_code(this: This<'_, Generator>) -> Obj {
        this.code.clone()
    }

    #[pyclassmethod(sig = "($type, object, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }
}

#[pymethods]
impl Coroutine {
    fn am_send(cx: &Ctx, this: This<'_, Coroutine>, value: &Obj) -> PyResult<SendResult> {
        resume(cx, this.obj(), &this.0, value.clone())
    }

    fn __await__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(heap::new_instance(CoroutineWrapper::class().type_object(), CoroutineWrapper { coroutine: this.clone() }))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Coroutine>) -> PyResult {
        Ok(shown(this.obj(), &this.0, "coroutine"))
    }

    fn __del__(cx: &Ctx, this: This<'_, Coroutine>) -> PyResult<()> {
        finalize(cx, this.obj(), &this.0);
        Ok(())
    }

    /// Sends a value into coroutine; the await that it stands at gives it.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, Coroutine>, arg: &Obj) -> PyResult {
        let r = resume(cx, this.obj(), &this.0, arg.clone())?;
        method_result(cx, r)
    }

    /// Raises an exception in coroutine; returns what it yields next.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, Coroutine>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        warn_signature(cx, "throw", a)?;
        let r = throw(cx, this.obj(), &this.0, a, true)?;
        method_result(cx, r)
    }

    /// Raises GeneratorExit inside coroutine.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Coroutine>) -> PyResult<()> {
        close(cx, this.obj(), &this.0)
    }

    /// The name of the coroutine.
    #[pygetter]
    fn __name__(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.name.get()
    }

    #[pysetter]
    fn set___name__(cx: &Ctx, this: This<'_, Coroutine>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.0.name, value, "__name__")
    }

    /// The qualified name of the coroutine.
    #[pygetter]
    fn __qualname__(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.qualname.get()
    }

    #[pysetter]
    fn set___qualname__(cx: &Ctx, this: This<'_, Coroutine>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.0.qualname, value, "__qualname__")
    }

    #[pygetter]
    fn cr_await(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.delegate()
    }

    #[pygetter]
    fn cr_running(this: This<'_, Coroutine>) -> bool {
        this.0.state.get() == State::Running
    }

    #[pygetter]
    fn cr_suspended(this: This<'_, Coroutine>) -> bool {
        this.0.state.get() == State::Suspended
    }

    #[pygetter]
    fn cr_frame(cx: &Ctx, this: This<'_, Coroutine>) -> Obj {
        frame_of(cx, &this.0)
    }

    #[pygetter]
    fn cr_code(this: This<'_, Coroutine>) -> Obj {
        this.0.code.clone()
    }

    #[pygetter]
    fn cr_origin(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.origin.get()
    }

    #[pyclassmethod(sig = "($type, object, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }
}

/// `coroutine.__await__()`: an iterator over the coroutine.
#[pyclass(name = "coroutine_wrapper", flags(no_new))]
#[derive(Traverse)]
pub struct CoroutineWrapper {
    coroutine: Obj,
}

impl CoroutineWrapper {
    fn inner(&self, cx: &Ctx) -> PyResult<&Generator> {
        self.coroutine.downcast::<Generator>().ok_or_else(|| cx.system_error("no coroutine"))
    }
}

#[pymethods]
impl CoroutineWrapper {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, CoroutineWrapper>) -> PyResult<Option<Obj>> {
        match resume(cx, &this.coroutine, this.inner(cx)?, Obj::none())? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) if v.is_none() => Ok(None),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        }
    }

    fn am_send(cx: &Ctx, this: This<'_, CoroutineWrapper>, value: &Obj) -> PyResult<SendResult> {
        resume(cx, &this.coroutine, this.inner(cx)?, value.clone())
    }

    /// Resumes the coroutine with a value.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, CoroutineWrapper>, arg: &Obj) -> PyResult {
        let r = resume(cx, &this.coroutine, this.inner(cx)?, arg.clone())?;
        method_result(cx, r)
    }

    /// Raises an exception in the coroutine.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, CoroutineWrapper>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        warn_signature(cx, "throw", a)?;
        let r = throw(cx, &this.coroutine, this.inner(cx)?, a, true)?;
        method_result(cx, r)
    }

    /// Raises GeneratorExit inside the coroutine.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, CoroutineWrapper>) -> PyResult<()> {
        close(cx, &this.coroutine, this.inner(cx)?)
    }
}
