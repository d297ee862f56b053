//! Generators and coroutines: frames that outlive their call.

use std::cell::{Cell, UnsafeCell};

use cinder_bytecode::code::flags;
use cinder_bytecode::op::Opcode;
use cinder_pyobj::heap::{Dropped, PageKind, Traverse, Visitor};
use cinder_pyobj::intern;
use cinder_pyobj::native::{FixedShape, Payload, PayloadDef, This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{SendResult, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};

use crate::call::drop_locals;
use crate::frame::Frame;
use crate::objects::code::CodeObject;
use crate::objects::frame_obj;
use crate::thread::{ExcState, Thread};

mod coroutine;
mod make;
mod resume;
mod throw;

pub use coroutine::{Coroutine, CoroutineWrapper};
pub(crate) use make::{make_of_call, make_of_frame, settle, stand_in, stand_in_ended};
pub(crate) use resume::{frame_ended, is_fresh, next_item, resume, returned, suspend, yield_out, yield_quick};
use throw::about;
pub(crate) use throw::{close, close_with_value, throw, warn_signature};

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

/// An async generator.
#[pyclass(name = "async_generator", fixed = AsyncGenerator, flags(weakref, no_new), payload = "var", payload_def = ASYNC_GENERATOR_PAYLOAD)]
#[repr(transparent)]
pub struct AsyncGenerator(pub(crate) Generator);

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
    #[expect(clippy::mut_from_ref, reason = "the frame is only touched under the interpreter lock, one user at a time")]
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
