//! Frames: pushing, entering from native code, popping.

use cinder_bytecode::code::flags;
use cinder_pyobj::native::Args;
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use super::quick::{Given, bind, bound_count};
use crate::dispatch;
use crate::frame::{Frame, FrameKind};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::{frame_obj, generator};
use crate::thread::Thread;

/// Whose frame to push.
pub(crate) struct FrameSpec {
    /// Owned; the frame takes it over.
    pub function: Value,
    /// Borrowed; the frame takes references of its own where `owns_names`.
    pub globals: Value,
    pub builtins: Value,
    /// Owned.
    pub namespace: Value,
    pub kind: FrameKind,
    /// The function does not keep code, globals and builtins alive.
    pub owns_names: bool,
    /// How many words the caller's call instruction takes.
    pub advance: u8,
}

impl FrameSpec {
    /// A call of a Python function, whose reference moves to the frame.
    pub(crate) fn call(function: Value, f: &Function, kind: FrameKind, advance: u8) -> FrameSpec {
        FrameSpec {
            function,
            globals: f.globals.value(),
            builtins: f.builtins.value(),
            namespace: Value::UNBOUND,
            kind,
            owns_names: false,
            advance,
        }
    }

    unsafe fn give_up(&self) {
        // SAFETY: the frame that would have taken these over is not made.
        unsafe {
            self.namespace.decref();
            self.function.decref();
        }
    }
}

/// Pushes a frame whose parameters stand at `params` (`count` of them, owned). Registers that do not fit the
/// chunk are moved to a new one. On failure the parameters and what the spec owns are dropped.
///
/// # Safety
/// `params` must point into the free part of the register stack (or into the caller's window), with `count`
/// initialised words.
#[inline(always)]
pub(crate) unsafe fn push_frame(
    th: &Thread,
    c: &CodeObject,
    params: *mut Value,
    count: u32,
    reg_end: *mut Value,
    spec: FrameSpec,
) -> PyResult<*mut Frame> {
    // SAFETY: pointer arithmetic stays within the chunk, which is checked before use.
    unsafe {
        let mut params = params;
        let mut reg_end = reg_end;
        let mut own_chunk = false;
        let need = (c.near + c.above) as usize;
        if (reg_end as usize).wrapping_sub(params as usize) / 8 < need || params > reg_end {
            match th.new_chunk(need) {
                Ok((start, end)) => {
                    std::ptr::copy_nonoverlapping(params, start, count as usize);
                    params = start;
                    reg_end = end;
                    own_chunk = true;
                }
                Err(r) => {
                    drop_words(params, count as usize);
                    spec.give_up();
                    return Err(r);
                }
            }
        }
        // A recursion without loops gets here when memory ends.
        let room = if th.has_frame_room() { Ok(()) } else { th.cx.step() };
        if let Err(r) = room.and_then(|()| th.enter_call()) {
            drop_words(params, count as usize);
            spec.give_up();
            return Err(r);
        }
        let base = params.add(c.near as usize);
        let mut p = params.add(count as usize);
        while p < base {
            *p = Value::UNBOUND;
            p = p.add(1);
        }
        let far = c.far as usize;
        if far > 0 {
            let first = base.add(c.above as usize - far);
            // Parameters that are far were given behind the near ones, where the temporaries go.
            let given = (count as usize).saturating_sub(c.near as usize);
            std::ptr::copy(base, first, given);
            for i in given..far {
                *first.add(i) = Value::UNBOUND;
            }
        }
        let (fr, chunk_first) = th.alloc_frame();
        if spec.owns_names {
            c.as_value().incref();
            spec.globals.incref();
            spec.builtins.incref();
        }
        let (pc, sites) = c.enter();
        fr.write(Frame {
            pc,
            base,
            consts: c.consts.as_ptr() as *const Value,
            sites,
            code: c,
            prev: th.current.get(),
            top: base.add(c.above as usize),
            reg_end,
            function: spec.function,
            globals: spec.globals,
            builtins: spec.builtins,
            namespace: spec.namespace,
            frame_obj: Value::UNBOUND,
            extra: Value::UNBOUND,
            kind: spec.kind,
            is_generator: false,
            finished: false,
            own_chunk,
            owns_names: spec.owns_names,
            chunk_first,
            advance: spec.advance,
            consumer: 0,
        });
        th.current.set(fr);
        Ok(fr)
    }
}

unsafe fn drop_words(p: *mut Value, n: usize) {
    for i in 0..n {
        // SAFETY: the caller owns these words.
        unsafe { (*p.add(i)).decref() };
    }
}

/// Drops the locals of a frame that ended, the last one first.
///
/// # Safety
/// The frame must own its locals, and nothing may read them any more.
#[inline(always)]
pub(crate) unsafe fn drop_locals(f: &Frame) {
    let c = f.code();
    // SAFETY: by the caller's promise.
    unsafe {
        let far = c.far as usize;
        if far > 0 {
            let first = f.base.add(c.above as usize - far);
            for i in (0..far).rev() {
                std::mem::replace(&mut *first.add(i), Value::UNBOUND).decref();
            }
        }
        let first = f.base.sub(c.near as usize);
        for i in (0..c.near as usize).rev() {
            let v = std::mem::replace(&mut *first.add(i), Value::UNBOUND);
            if v.is_ptr() {
                v.decref();
            }
        }
    }
}

/// Drops a finished frame's locals and references and takes its record off the chain. Temporaries are
/// dead already.
///
/// # Safety
/// `fr` must be the current frame.
pub(crate) unsafe fn pop_frame(th: &Thread, fr: *mut Frame) {
    // SAFETY: the frame is current and finished.
    unsafe {
        let f = &mut *fr;
        if f.frame_obj.is_ptr() {
            if f.frame_obj.header().is_unique() {
                frame_obj::abandon(f);
            } else {
                frame_obj::finish(th, f);
            }
        }
        if !f.finished {
            f.finished = true;
            drop_locals(f);
            if f.frame_obj.is_ptr() {
                // Perhaps a finaliser of a local asked for it.
                frame_obj::finish(th, f);
            }
        }
        let prev = f.prev;
        // A chunk that was taken for this frame alone is given back.
        if f.own_chunk {
            th.release_chunk(f.base.sub(f.code().near as usize), f.reg_end);
        }
        th.current.set(prev);
        th.leave_call();
        let (code, function, globals, builtins, namespace, frame_obj, owns_names) =
            (f.code_value(), f.function, f.globals, f.builtins, f.namespace, f.frame_obj, f.owns_names);
        th.free_frame(fr);
        namespace.decref();
        frame_obj.decref();
        if owns_names {
            globals.decref();
            builtins.decref();
            code.decref();
        }
        function.decref();
    }
}

/// Runs the current (entry) frame to its end.
#[inline]
pub(crate) fn enter(th: &Thread) -> PyResult {
    dispatch::run(th)
}

/// Calls a Python function from native code.
pub(crate) fn call_function(cx: &Ctx, fobj: &Obj, args: Args<'_>) -> PyResult {
    cx.check_stack("")?;
    let th = Thread::of(cx);
    let Some(f) = fobj.downcast::<Function>() else { return Err(cx.system_error("not a function")) };
    let Some(code) = f.code_ptr() else { return Err(cx.system_error("function without code")) };
    // SAFETY: the function keeps its code alive, that which another one replaced, too.
    let c = unsafe { &*code };
    let (top, end) = th.register_top();
    let simple = !args.has_keywords() && args.all().len() as u32 == c.simple_args;
    let n = if simple { args.all().len() } else { bound_count(c) };
    if simple
        && !c.runs
        && let Some(g) = generator_of(th, fobj, f, c, args.all())
    {
        return Ok(g);
    }
    let (mut start, mut chunk_end) = (top, end);
    if (end as usize - top as usize) / 8 < n + (c.near + c.above) as usize {
        (start, chunk_end) = th.new_chunk(n + (c.near + c.above) as usize)?;
    }
    // SAFETY: the window lies above every live register, and has room as checked.
    unsafe {
        let given = Given { head: None, pos: args.pos(), names: args.names(), values: args.kw_values() };
        if simple {
            let all = args.all();
            let mut i = 0;
            while i < n {
                *start.add(i) = all[i].clone().into_value();
                i += 1;
            }
        } else if let Err(r) = bind(cx, f, c, given, start) {
            if start != top {
                th.release_chunk(start, chunk_end);
            }
            return Err(r);
        }
        let spec = FrameSpec::call(fobj.clone().into_value(), f, FrameKind::Entry, 1);
        push_frame(th, c, start, n as u32, chunk_end, spec)?;
    }
    let r = enter(th);
    if start != top {
        th.release_chunk(start, chunk_end);
    }
    r
}

/// The generator or coroutine that a call from native code makes, if no frame is needed for that.
fn generator_of(th: &Thread, fobj: &Obj, f: &Function, c: &CodeObject, params: &[Obj]) -> Option<Obj> {
    let words: smallvec::SmallVec<[Value; 8]> = params.iter().map(|v| v.clone().into_value()).collect();
    let callee = fobj.clone().into_value();
    // SAFETY: the words are owned, as many as the code has parameters.
    unsafe {
        let g = generator::make_of_call(th, callee, f, c, words.as_ptr(), words.len() as u32);
        if g.is_none() {
            words.iter().for_each(|v| v.decref());
            callee.decref();
        }
        g
    }
}

/// Runs module-level, class or `exec` code in a namespace.
pub(crate) fn run_code(
    cx: &Ctx,
    code: &Obj,
    globals: &Obj,
    namespace: Option<&Obj>,
    function: Option<&Obj>,
) -> PyResult {
    cx.check_stack("")?;
    let th = Thread::of(cx);
    let Some(c) = code.downcast::<CodeObject>() else { return Err(cx.type_error("a code object is required")) };
    let builtins = match function.and_then(|f| f.downcast::<Function>()) {
        Some(f) => f.builtins.clone(),
        None => crate::objects::function::builtins_of(cx, globals)?,
    };
    let (top, end) = th.register_top();
    // The window holds no parameters; code that takes some is called without any.
    if c.code.param_count() > 0 {
        return match function {
            Some(f) => f.call0(cx),
            None => crate::objects::function::new(cx, code, globals)?.call0(cx),
        };
    }
    // Code of a function keeps its names in registers.
    let namespace = namespace.filter(|_| c.code.flags & flags::OPTIMIZED == 0);
    // SAFETY: as in `call_function`.
    unsafe {
        push_frame(
            th,
            c,
            top,
            0,
            end,
            FrameSpec {
                function: function.map_or(Value::UNBOUND, |f| f.clone().into_value()),
                globals: globals.value(),
                builtins: builtins.value(),
                namespace: namespace.map_or(Value::UNBOUND, |n| n.clone().into_value()),
                kind: FrameKind::Entry,
                owns_names: true,
                advance: 1,
            },
        )?;
    }
    enter(th)
}

const _: fn(&Obj) -> Option<&[Obj]> = tuple::items_if_tuple;
const _: fn(&Thread, &mut Frame) -> PyResult = generator::make_of_frame;
