//! `frame` objects: what Python code sees of a frame. Made on demand; a frame that ends with one attached
//! leaves its locals there.

use std::cell::{Cell, RefCell};

use cinder_bytecode::code::local_kind;
use cinder_pyobj::heap::{self, Dropped, Traverse, Visitor};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::cell::CellObject;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use super::code::CodeObject;
use super::generator::Generator;
use crate::call::eager;
use crate::frame::{Frame, FrameKind};
use crate::thread::Thread;

/// The payload of `frame` objects.
#[pyclass(name = "frame", fixed = Frame, flags(no_new))]
pub struct FrameObject {
    /// The frame while it lives.
    frame: Cell<*mut Frame>,
    code: Obj,
    globals: Obj,
    builtins: Obj,
    namespace: ObjCell,
    /// The locals after the frame ended.
    locals: RefCell<Vec<Value>>,
    back: ObjCell,
    lasti: Cell<u32>,
    pub(crate) trace: ObjCell,
    pub(crate) trace_lines: Cell<bool>,
    pub(crate) trace_opcodes: Cell<bool>,
    /// While tools watch the frame: the line they saw last, 0 before the frame starts.
    pub(crate) trace_line: Cell<u32>,
    /// Where the frame stands while a tool is told of something that no instruction of its own stands for: the start of
    /// the frame, or a load or store that an instruction absorbs, which have positions behind the last instruction.
    /// `NO_POINT` outside of that.
    pub(crate) point: Cell<u32>,
    /// The last instruction with a line that raised the exception again which the frame handles; `NO_POINT` before.
    raised: Cell<u32>,
    /// Extra names that code wrote through `f_locals`: a dict.
    extra: ObjCell,
    /// Values that were replaced through `f_locals` while an instruction may have borrowed them.
    parked: RefCell<Vec<Obj>>,
    generator: ObjCell,
}

/// Notes at which instruction a frame raised the exception again that it handles; nothing for a new exception.
pub(crate) fn note_raised(frame: &Obj, pc: Option<u32>) {
    if let Some(f) = frame.downcast::<FrameObject>() {
        f.raised.set(pc.unwrap_or(NO_POINT));
    }
}

/// Where a frame raised the exception again that it handles.
pub(crate) fn raised(frame: Value) -> Option<u32> {
    let frame = Frame::object(frame)?;
    Some(frame.downcast::<FrameObject>()?.raised.get()).filter(|pc| *pc != NO_POINT)
}

impl Traverse for FrameObject {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for o in [&self.code, &self.globals, &self.builtins] {
            visit(o.value());
        }
        for c in [&self.namespace, &self.back, &self.trace, &self.extra, &self.generator] {
            c.traverse(visit);
        }
        if let Ok(parked) = self.parked.try_borrow() {
            for o in parked.iter() {
                visit(o.value());
            }
        }
        if let Ok(l) = self.locals.try_borrow() {
            for v in l.iter() {
                visit(*v);
            }
        }
    }

    fn clear(&self) {
        self.drop_locals();
        self.back.set(None);
        self.trace.set(None);
        self.extra.set(None);
        drop(self.parked.take());
    }

    fn take_references(&mut self, _: &mut Dropped) {}
}

impl Drop for FrameObject {
    fn drop(&mut self) {
        self.drop_locals();
    }
}

/// The frame stands at an instruction.
pub(crate) const NO_POINT: u32 = u32::MAX;

/// The frame object of a live frame.
pub(crate) fn of(th: &Thread, fr: *mut Frame) -> Obj {
    // SAFETY: callers pass live frames.
    let f = unsafe { &mut *fr };
    if let Some(o) = Frame::object(f.frame_obj) {
        return o;
    }
    let _ = th;
    let none = Obj::none;
    let o = heap::new_instance(
        FrameObject::class().type_object(),
        FrameObject {
            frame: Cell::new(fr),
            code: Frame::object(f.code_value()).unwrap_or_else(none),
            globals: Frame::object(f.globals).unwrap_or_else(none),
            builtins: Frame::object(f.builtins).unwrap_or_else(none),
            namespace: ObjCell::new(Frame::object(f.namespace)),
            locals: RefCell::new(Vec::new()),
            back: ObjCell::new(None),
            lasti: Cell::new(0),
            trace: ObjCell::new(None),
            trace_lines: Cell::new(true),
            trace_opcodes: Cell::new(false),
            trace_line: Cell::new(0),
            point: Cell::new(NO_POINT),
            raised: Cell::new(NO_POINT),
            extra: ObjCell::new(None),
            parked: RefCell::default(),
            generator: ObjCell::new(None),
        },
    );
    f.frame_obj = o.clone().into_value();
    o
}

/// Tells a frame object that its frame moved (into a generator).
pub(crate) fn moved(frame_obj: Value, to: *mut Frame) {
    if let Some(o) = Frame::object(frame_obj)
        && let Some(f) = o.downcast::<FrameObject>()
    {
        f.frame.set(to);
    }
}

/// Drops the frame object of an ending frame, which nobody else looks at.
pub(crate) fn abandon(f: &mut Frame) {
    let word = std::mem::replace(&mut f.frame_obj, Value::UNBOUND);
    // SAFETY: the frame owned the reference.
    let o = unsafe { Obj::from_owned(word) };
    if let Some(fo) = o.downcast::<FrameObject>() {
        fo.frame.set(std::ptr::null_mut());
    }
}

/// Moves the locals of an ending frame into its frame object.
pub(crate) fn finish(th: &Thread, f: &mut Frame) {
    let Some(o) = Frame::object(f.frame_obj) else { return };
    let Some(fo) = o.downcast::<FrameObject>() else { return };
    if fo.frame.get().is_null() {
        return;
    }
    fo.lasti.set(f.lasti());
    if !f.prev.is_null() {
        fo.back.set(Some(of(th, f.prev)));
    }
    let n = f.plain().locals.len() as u32;
    let mut locals = Vec::with_capacity(n as usize);
    for i in 0..n {
        // SAFETY: the local's reference moves out of the ending frame.
        locals.push(unsafe { std::mem::replace(&mut *f.local(i), Value::UNBOUND) });
    }
    fo.frame.set(std::ptr::null_mut());
    // A finished frame that nobody else looks at dies with the record; its locals go now.
    *fo.locals.borrow_mut() = locals;
}

impl FrameObject {
    fn drop_locals(&self) {
        let Ok(mut l) = self.locals.try_borrow_mut() else { return };
        let words = std::mem::take(&mut *l);
        drop(l);
        // The last local first, as where a frame returns.
        for v in words.into_iter().rev() {
            // SAFETY: the vector owned these words.
            unsafe { v.decref() };
        }
    }

    fn live(&self) -> Option<&Frame> {
        // SAFETY: `finish` clears the pointer before the frame goes.
        unsafe { self.frame.get().as_ref() }
    }

    fn code(&self) -> Option<&CodeObject> {
        self.code.downcast::<CodeObject>()
    }

    fn lasti(&self) -> u32 {
        if self.point.get() != NO_POINT {
            return self.point.get();
        }
        self.live().map_or(self.lasti.get(), Frame::lasti)
    }

    /// The file and the name of the code.
    pub(crate) fn place(&self) -> Option<(String, String)> {
        let c = self.code()?;
        let file = as_utf8_lossy(&c.filename.borrow()).into_owned();
        Some((file, c.code.name.to_string()))
    }

    /// The line of an instruction.
    pub(crate) fn line_at(&self, pc: u32) -> Option<u32> {
        self.code()?.line_at(pc)
    }

    /// The line that the frame is at.
    pub(crate) fn current_line(&self) -> Option<u32> {
        self.line_at(self.lasti())
    }

    /// The value of local `i`, looking into cells.
    fn local(&self, i: u32) -> Option<Obj> {
        let v = match self.live() {
            // SAFETY: the frame is live.
            Some(f) => unsafe { *f.local(i) },
            None => self.locals.borrow().get(i as usize).copied().unwrap_or(Value::UNBOUND),
        };
        let o = Frame::object(v)?;
        let kind = self.code()?.code.locals.get(i as usize)?.kind;
        if kind & (local_kind::CELL | local_kind::FREE) != 0
            && let Some(c) = o.downcast::<CellObject>()
        {
            return c.get();
        }
        Some(o)
    }

    /// Writes local `i`, into its cell if it has one.
    pub(crate) fn set_local(&self, i: u32, v: Option<Obj>) {
        let Some(c) = self.code() else { return };
        let kind = c.code.locals.get(i as usize).map_or(0, |l| l.kind);
        let old = match self.live() {
            // SAFETY: the frame is live.
            Some(f) => unsafe { *f.local(i) },
            None => self.locals.borrow().get(i as usize).copied().unwrap_or(Value::UNBOUND),
        };
        if kind & (local_kind::CELL | local_kind::FREE) != 0
            && let Some(o) = Frame::object(old)
            && let Some(cell) = o.downcast::<CellObject>()
        {
            cell.set(v);
            return;
        }
        let new = v.map_or(Value::UNBOUND, Obj::into_value);
        match self.live() {
            // SAFETY: the register takes the new reference. An instruction may have borrowed the old value,
            // so it stays alive with the frame object.
            Some(f) => unsafe {
                *f.local(i) = new;
                if let Some(o) = (!old.is_sentinel()).then(|| Obj::from_owned(old)) {
                    self.park(o);
                }
            },
            None => {
                if let Some(slot) = self.locals.borrow_mut().get_mut(i as usize) {
                    *slot = new;
                }
                // SAFETY: the vector owned the old word.
                unsafe { old.decref() };
            }
        }
    }

    /// Keeps a replaced value alive until the frame object goes.
    fn park(&self, o: Obj) {
        self.parked.borrow_mut().push(o);
    }

    /// The dict of names that are no variables.
    pub(crate) fn extra_locals(&self) -> Obj {
        match self.extra.get() {
            Some(d) => d,
            None => {
                let d = dict::new();
                self.extra.set(Some(d.clone()));
                d
            }
        }
    }

    /// As [`FrameObject::extra_locals`], if there is one.
    pub(crate) fn extra_if_any(&self) -> Option<Obj> {
        self.extra.get()
    }

    /// The local variables by name, in order.
    pub(crate) fn visible(&self) -> Vec<(Name, u32, Obj)> {
        let Some(c) = self.code() else { return Vec::new() };
        let mut out = Vec::new();
        for (i, l) in c.code.locals.iter().enumerate() {
            if let Some(v) = self.local(i as u32) {
                out.push((Name::new(&l.name), i as u32, v));
            }
        }
        out
    }

    /// The namespace mapping of code that has one; none while a comprehension with variables of its own runs in it.
    fn namespace(&self) -> Option<Obj> {
        let ns = self.namespace.get()?;
        let hidden = self.code()?.code.locals.iter().enumerate().filter(|(_, l)| l.kind & local_kind::HIDDEN != 0);
        let in_comprehension = hidden.into_iter().any(|(i, _)| self.local(i as u32).is_some());
        (!in_comprehension).then_some(ns)
    }

    /// A fresh dict of the locals, or the namespace mapping of code that has one.
    pub(crate) fn locals_snapshot(&self, cx: &Ctx) -> PyResult {
        if let Some(ns) = self.namespace() {
            return Ok(ns);
        }
        let d = dict::new();
        for (n, _, v) in self.visible() {
            d.set_item(cx, n.as_obj(), &v)?;
        }
        if let Some(e) = self.extra.get() {
            for (k, v) in dict::items_if_dict(&e).unwrap_or_default() {
                d.set_item(cx, &k, &v)?;
            }
        }
        Ok(d)
    }

    /// `f_back`.
    pub(crate) fn back(&self, th: &Thread) -> Option<Obj> {
        match self.live() {
            Some(f) if f.prev.is_null() => None,
            Some(f) => Some(of(th, f.prev)),
            None => self.back.get(),
        }
    }
}

/// The value of an attribute that must be a bool.
fn flag(cx: &Ctx, v: &Obj) -> PyResult<bool> {
    if !v.is_exact(cinder_pyobj::native::FixedShape::Bool) {
        return Err(cx.type_error("attribute value type must be bool"));
    }
    v.truthy(cx)
}

#[pymethods]
impl FrameObject {
    fn __repr__(_cx: &Ctx, this: This<'_, FrameObject>) -> PyResult {
        let (name, file, line) = match this.code() {
            Some(c) => (
                c.code.name.to_string(),
                as_utf8_lossy(&c.filename.borrow()).into_owned(),
                this.current_line().unwrap_or(c.code.first_line),
            ),
            None => Default::default(),
        };
        Ok(Obj::from(format!("<frame at {:#x}, file '{file}', line {line}, code {name}>", this.obj().id()).as_str()))
    }

    #[pygetter]
    fn f_code(this: This<'_, FrameObject>) -> Obj {
        this.code.clone()
    }

    #[pygetter]
    fn f_globals(this: This<'_, FrameObject>) -> Obj {
        this.globals.clone()
    }

    #[pygetter]
    fn f_builtins(this: This<'_, FrameObject>) -> Obj {
        this.builtins.clone()
    }

    #[pygetter]
    fn f_locals(cx: &Ctx, this: This<'_, FrameObject>) -> PyResult {
        if let Some(ns) = this.namespace() {
            return Ok(ns);
        }
        super::locals_proxy::new(cx, this.obj())
    }

    #[pygetter]
    fn f_back(cx: &Ctx, this: This<'_, FrameObject>) -> Option<Obj> {
        this.back(Thread::of(cx))
    }

    #[pygetter]
    fn f_lasti(this: This<'_, FrameObject>) -> i64 {
        i64::from(this.lasti()) * 2
    }

    #[pygetter]
    fn f_lineno(this: This<'_, FrameObject>) -> Option<i64> {
        this.current_line().map(i64::from)
    }

    #[pysetter]
    fn set_f_lineno(cx: &Ctx, this: This<'_, FrameObject>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.attribute_error(
                "attribute 'f_lineno' of 'frame' objects cannot be deleted",
                this.obj(),
                &Obj::from("f_lineno"),
            ));
        };
        let live = Some(this.frame.get()).filter(|f| !f.is_null());
        crate::observe::jump::set_line(cx, live, v)?;
        this.point.set(NO_POINT);
        Ok(())
    }

    #[pygetter]
    fn f_generator(this: This<'_, FrameObject>) -> Option<Obj> {
        let f = this.live()?;
        if f.kind == FrameKind::Await {
            // SAFETY: the frame is alive and eager.
            return Some(unsafe { eager::object(this.frame.get()) });
        }
        if f.is_generator { Frame::object(f.extra) } else { None }
    }

    #[pygetter]
    fn f_trace(this: This<'_, FrameObject>) -> Option<Obj> {
        this.trace.get()
    }

    #[pysetter]
    fn set_f_trace(this: This<'_, FrameObject>, value: Option<&Obj>) -> PyResult<()> {
        this.trace.set(value.cloned().and_then(Obj::non_none));
        Ok(())
    }

    #[pygetter]
    fn f_trace_lines(this: This<'_, FrameObject>) -> bool {
        this.trace_lines.get()
    }

    #[pysetter]
    fn set_f_trace_lines(cx: &Ctx, this: This<'_, FrameObject>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("can't delete numeric/char attribute")) };
        this.trace_lines.set(flag(cx, v)?);
        Ok(())
    }

    #[pygetter]
    fn f_trace_opcodes(this: This<'_, FrameObject>) -> bool {
        this.trace_opcodes.get()
    }

    #[pysetter]
    fn set_f_trace_opcodes(cx: &Ctx, this: This<'_, FrameObject>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.attribute_error(
                "attribute 'f_trace_opcodes' of 'frame' objects cannot be deleted",
                this.obj(),
                &Obj::from("f_trace_opcodes"),
            ));
        };
        this.trace_opcodes.set(flag(cx, v)?);
        if this.trace_opcodes.get()
            && let Some(c) = this.code()
        {
            crate::observe::legacy::trace_opcodes(Thread::of(cx), c);
        }
        Ok(())
    }

    /// Drops all references that a finished or suspended frame holds.
    #[pymethod]
    fn clear(cx: &Ctx, this: This<'_, FrameObject>) -> PyResult<()> {
        match this.live() {
            None => {
                this.drop_locals();
                this.trace.set(None);
                this.extra.set(None);
                drop(this.parked.take());
            }
            Some(f) if f.is_generator => {
                let owner = Frame::object(f.extra);
                if let Some(o) = owner
                    && let Some(g) = o.downcast::<Generator>()
                {
                    if g.state() == super::generator::State::Running {
                        return Err(cx.runtime_error("cannot clear an executing frame"));
                    }
                    if g.state() == super::generator::State::Suspended {
                        return Err(cx.runtime_error("cannot clear a suspended frame"));
                    }
                    super::generator::finalize(cx, &o, g);
                    if !g.is_coroutine() {
                        super::generator::close(cx, &o, g)?;
                    }
                }
            }
            Some(_) => return Err(cx.runtime_error("cannot clear an executing frame")),
        }
        Ok(())
    }
}

const _: fn() -> &'static cinder_pyobj::Type = exc::TypeError;
