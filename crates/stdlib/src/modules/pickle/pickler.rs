//! `Pickler`: settings, memo and framed output.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::{generic_get_attr, generic_set_attr};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{Type, bytes, dict, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::{op, pickling_error};

const FRAME_MIN: usize = 4;
pub(super) const FRAME_TARGET: usize = 64 * 1024;
const FRAME_HEADER: usize = 9;

/// Writes objects as pickles into a binary file, of which write() is used.
///
/// protocol is 0 to 5, by default 5, and the highest if it is negative. With fix_imports, a protocol below 3 writes the
/// module names of Python 2. buffer_callback is called with each PickleBuffer, and what it returns tells whether the
/// pickle shall contain the data (true) or not (false).
#[pyclass(
    name = "Pickler",
    module = "_pickle",
    flags(basetype, weakref),
    sig = "(file, protocol=None, fix_imports=True, buffer_callback=None)"
)]
#[derive(Traverse)]
pub struct Pickler {
    /// The file's `write`; nothing when pickling to memory.
    write: ObjCell,
    #[traverse(skip)]
    pub(super) ready: Cell<bool>,
    #[traverse(skip)]
    busy: Cell<bool>,
    #[traverse(skip)]
    pub(super) proto: Cell<i32>,
    #[traverse(skip)]
    binary: Cell<i64>,
    #[traverse(skip)]
    pub(super) fast: Cell<i64>,
    #[traverse(skip)]
    pub(super) fix_imports: Cell<bool>,
    pub(super) buffer_callback: ObjCell,
    pub(super) dispatch_table: ObjCell,
    /// `persistent_id` as set on the instance.
    own_persistent_id: ObjCell,
    /// `persistent_id` and `reducer_override` during a dump, where they are not the class's own.
    pub(super) persistent_id: ObjCell,
    pub(super) reducer_override: ObjCell,
    /// By identity: number and object.
    memo: RefCell<HashMap<u64, (Obj, Obj)>>,
    #[traverse(skip)]
    out: RefCell<Vec<u8>>,
    #[traverse(skip)]
    framing: Cell<bool>,
    #[traverse(skip)]
    frame_start: Cell<Option<usize>>,
    /// Containers being written in fast mode, to notice cycles.
    #[traverse(skip)]
    pub(super) fast_stack: RefCell<Vec<u64>>,
}

impl Pickler {
    pub(super) fn empty() -> Pickler {
        Pickler {
            write: ObjCell::new(None),
            ready: Cell::new(false),
            busy: Cell::new(false),
            proto: Cell::new(op::DEFAULT),
            binary: Cell::new(1),
            fast: Cell::new(0),
            fix_imports: Cell::new(false),
            buffer_callback: ObjCell::new(None),
            dispatch_table: ObjCell::new(None),
            own_persistent_id: ObjCell::new(None),
            persistent_id: ObjCell::new(None),
            reducer_override: ObjCell::new(None),
            memo: RefCell::default(),
            out: RefCell::default(),
            framing: Cell::new(false),
            frame_start: Cell::new(None),
            fast_stack: RefCell::default(),
        }
    }

    pub(super) fn set_up(
        &self,
        cx: &Ctx,
        protocol: Option<&Obj>,
        fix_imports: bool,
        buffer_callback: Option<&Obj>,
    ) -> PyResult<()> {
        let proto = match protocol.filter(|p| !p.is_none()) {
            None => i64::from(op::DEFAULT),
            Some(p) => match p.to_i64(cx)? {
                n if n < 0 => i64::from(op::HIGHEST),
                n => n,
            },
        };
        if proto > i64::from(op::HIGHEST) {
            return Err(cx.value_error(format!("pickle protocol must be <= {}", op::HIGHEST)));
        }
        let callback = buffer_callback.filter(|c| !c.is_none());
        if callback.is_some() && proto < 5 {
            return Err(cx.value_error("buffer_callback needs protocol >= 5"));
        }
        self.proto.set(proto as i32);
        self.binary.set(i64::from(proto >= 1));
        self.fix_imports.set(fix_imports && proto < 3);
        self.buffer_callback.set(callback.cloned());
        let old = self.memo.take();
        drop(old);
        drop(self.out.take());
        self.ready.set(true);
        Ok(())
    }

    pub(super) fn set_file(&self, cx: &Ctx, file: &Obj) -> PyResult<()> {
        match file.get_attr_opt(cx, intern!("write"))? {
            Some(w) => {
                self.write.set(Some(w));
                Ok(())
            }
            None => Err(cx.type_error("file must have a 'write' attribute")),
        }
    }

    pub(super) fn bin(&self) -> bool {
        self.binary.get() != 0
    }

    pub(super) fn take_output(&self) -> Vec<u8> {
        self.out.take()
    }

    /// Writes a whole pickle.
    pub(super) fn run(&self, cx: &Ctx, this: Option<&Obj>, obj: &Obj) -> PyResult<()> {
        if self.busy.replace(true) {
            return Err(cx.runtime_error("Pickler object is already used"));
        }
        let r = self.run_inner(cx, this, obj);
        self.busy.set(false);
        self.framing.set(false);
        self.frame_start.set(None);
        self.persistent_id.set(None);
        self.reducer_override.set(None);
        drop(self.fast_stack.take());
        r
    }

    fn run_inner(&self, cx: &Ctx, this: Option<&Obj>, obj: &Obj) -> PyResult<()> {
        if let Some(t) = this {
            let exact = std::ptr::eq(t.type_of(), Pickler::class().type_object());
            if !exact || !self.own_persistent_id.is_empty() {
                let own = t.get_attr_opt(cx, intern!("persistent_id"))?;
                self.persistent_id.set(own.filter(|f| *f.type_of().name() != *"builtin_function_or_method"));
            }
            self.reducer_override.set(if exact { None } else { t.get_attr_opt(cx, intern!("reducer_override"))? });
        }
        drop(self.out.take());
        self.framing.set(false);
        self.frame_start.set(None);
        if self.proto.get() >= 2 {
            self.put(&[op::PROTO, self.proto.get() as u8]);
            self.framing.set(self.proto.get() >= 4);
        }
        self.save(cx, obj, true)?;
        self.put(&[op::STOP]);
        self.commit_frame();
        Ok(())
    }

    /// Hands what is written so far to the file.
    pub(super) fn flush(&self, cx: &Ctx) -> PyResult<()> {
        let Some(w) = self.write.get() else { return Ok(()) };
        let data = bytes::new(&self.out.take());
        w.call1(cx, &data).map(drop)
    }

    /// Appends bytes that belong to one opcode.
    pub(super) fn put(&self, b: &[u8]) {
        let mut out = self.out.borrow_mut();
        if self.framing.get() && self.frame_start.get().is_none() {
            self.frame_start.set(Some(out.len()));
            out.extend_from_slice(&[0; FRAME_HEADER]);
        }
        out.extend_from_slice(b);
    }

    /// Ends the current frame: fills in its header, or takes it away if the frame is too short for one.
    fn commit_frame(&self) {
        let Some(start) = self.frame_start.take() else { return };
        let mut out = self.out.borrow_mut();
        let n = out.len() - start - FRAME_HEADER;
        if n >= FRAME_MIN {
            out[start] = op::FRAME;
            out[start + 1..start + FRAME_HEADER].copy_from_slice(&(n as u64).to_le_bytes());
        } else {
            out.drain(start..start + FRAME_HEADER);
        }
    }

    /// Between two objects: a frame that is long enough ends.
    pub(super) fn boundary(&self, cx: &Ctx) -> PyResult<()> {
        let Some(start) = self.frame_start.get() else { return Ok(()) };
        if self.out.borrow().len() - start - FRAME_HEADER < FRAME_TARGET {
            return Ok(());
        }
        self.commit_frame();
        self.flush(cx)
    }

    /// Appends an opcode with its payload; large ones stand outside of frames and are not copied on their way.
    pub(super) fn put_large(&self, cx: &Ctx, header: &[u8], data: &[u8], object: Option<&Obj>) -> PyResult<()> {
        let direct = data.len() >= FRAME_TARGET;
        if !direct {
            self.put(header);
            self.put(data);
            return Ok(());
        }
        let framing = self.framing.get();
        if framing {
            self.commit_frame();
            self.framing.set(false);
        }
        self.put(header);
        let r = match self.write.get() {
            None => {
                self.put(data);
                Ok(())
            }
            Some(w) => self.flush(cx).and_then(|()| {
                let o = object.cloned().unwrap_or_else(|| bytes::new(data));
                w.call1(cx, &o).map(drop)
            }),
        };
        self.framing.set(framing);
        r
    }

    /// The number under which an object was written already.
    pub(super) fn memo_get(&self, o: &Obj) -> Option<usize> {
        self.memo.borrow().get(&o.id()).and_then(|(n, _)| n.as_int()).map(|n| n as usize)
    }

    /// Refers to an object written already.
    pub(super) fn put_get(&self, n: usize) {
        if !self.bin() {
            self.put(format!("{}{n}\n", op::GET as char).as_bytes());
        } else if n < 256 {
            self.put(&[op::BINGET, n as u8]);
        } else {
            let mut b = [op::LONG_BINGET, 0, 0, 0, 0];
            b[1..].copy_from_slice(&(n as u32).to_le_bytes());
            self.put(&b);
        }
    }

    /// Gives the object just written a number.
    pub(super) fn memoize(&self, cx: &Ctx, o: &Obj) -> PyResult<()> {
        if self.fast.get() != 0 {
            return Ok(());
        }
        let n = {
            let mut m = self.memo.borrow_mut();
            let n = m.len();
            m.insert(o.id(), (Obj::from(n), o.clone()));
            n
        };
        if self.proto.get() >= 4 {
            self.put(&[op::MEMOIZE]);
        } else if !self.bin() {
            self.put(format!("{}{n}\n", op::PUT as char).as_bytes());
        } else if n < 256 {
            self.put(&[op::BINPUT, n as u8]);
        } else if let Ok(n) = u32::try_from(n) {
            let mut b = [op::LONG_BINPUT, 0, 0, 0, 0];
            b[1..].copy_from_slice(&n.to_le_bytes());
            self.put(&b);
        } else {
            return Err(pickling_error(cx, "memo id too large for LONG_BINPUT"));
        }
        Ok(())
    }
}

#[pymethods]
impl Pickler {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, Pickler::empty()))
    }

    #[pymethod(sig = "($self, file, protocol=None, fix_imports=True, buffer_callback=None)")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, Pickler>,
        file: &Obj,
        protocol: Option<&Obj>,
        fix_imports: bool,
        buffer_callback: Option<&Obj>,
    ) -> PyResult<()> {
        if this.busy.get() {
            return Err(cx.runtime_error("Pickler object is already used"));
        }
        this.ready.set(false);
        this.set_up(cx, protocol, fix_imports, buffer_callback)?;
        this.ready.set(false);
        this.set_file(cx, file)?;
        this.fast.set(0);
        let table = this.obj().get_attr_opt(cx, intern!("dispatch_table"))?;
        this.payload().dispatch_table.set(table);
        this.ready.set(true);
        Ok(())
    }

    fn __getattribute__(cx: &Ctx, this: This<'_, Pickler>, name: &Obj) -> PyResult {
        if let Some(f) = this.own_persistent_id.get()
            && name.type_of().is_str_subtype()
            && as_utf8_lossy(name) == "persistent_id"
        {
            return Ok(f);
        }
        generic_get_attr(cx, this.obj(), name)
    }

    fn __setattr__(cx: &Ctx, this: This<'_, Pickler>, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if name.type_of().is_str_subtype() && as_utf8_lossy(name) == "persistent_id" {
            let old = this.own_persistent_id.replace(value.cloned());
            if old.is_none() && value.is_none() {
                return Err(cx.raise(exc::AttributeError(), "persistent_id"));
            }
            return Ok(());
        }
        generic_set_attr(cx, this.obj(), name, value)
    }

    #[pymethod(name = "persistent_id", sig = "($self, obj, /)")]
    fn default_persistent_id(_cx: &Ctx, this: This<'_, Pickler>, obj: &Obj) -> Obj {
        let _ = (this, obj);
        Obj::none()
    }

    /// Writes one object.
    #[pymethod(sig = "($self, obj, /)")]
    fn dump(cx: &Ctx, this: This<'_, Pickler>, obj: &Obj) -> PyResult<()> {
        if !this.ready.get() {
            return Err(pickling_error(
                cx,
                format!("Pickler.__init__() was not called by {}.__init__()", this.obj().type_of().name()),
            ));
        }
        this.run(cx, Some(this.obj()), obj)?;
        this.flush(cx)
    }

    /// Forgets the objects written so far, so that they are written anew rather than referred to.
    #[pymethod]
    fn clear_memo(_cx: &Ctx, this: This<'_, Pickler>) {
        let old = this.payload().memo.take();
        drop(old);
    }

    /// How many bytes the object takes, with what it has allocated for itself.
    #[pymethod(name = "__sizeof__")]
    fn size_of(_cx: &Ctx, this: This<'_, Pickler>) -> usize {
        let p = this.payload();
        size_of::<Pickler>() + 16 + p.memo.borrow().capacity() * 32 + p.out.borrow().capacity()
    }

    #[pygetter(member, name = "bin")]
    fn py_bin(&self) -> i64 {
        self.binary.get()
    }

    #[pysetter(name = "bin")]
    fn set_bin(cx: &Ctx, this: This<'_, Pickler>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("can't delete numeric/char attribute")) };
        this.binary.set(v.to_i64(cx)?);
        Ok(())
    }

    #[pygetter(member, name = "fast")]
    fn py_fast(&self) -> i64 {
        self.fast.get()
    }

    #[pysetter(name = "fast")]
    fn set_fast(cx: &Ctx, this: This<'_, Pickler>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("can't delete numeric/char attribute")) };
        this.fast.set(v.to_i64(cx)?);
        Ok(())
    }

    #[pygetter(member, name = "dispatch_table")]
    fn py_dispatch_table(cx: &Ctx, this: This<'_, Pickler>) -> PyResult {
        this.payload().dispatch_table.get().ok_or_else(|| {
            cx.attribute_error(
                format!("'{}' object has no attribute 'dispatch_table'", this.obj().type_of().name()),
                this.obj(),
                &Obj::from("dispatch_table"),
            )
        })
    }

    #[pysetter(name = "dispatch_table")]
    fn set_dispatch_table(_cx: &Ctx, this: This<'_, Pickler>, value: Option<&Obj>) -> PyResult<()> {
        this.payload().dispatch_table.set(value.cloned());
        Ok(())
    }

    #[pygetter(name = "memo")]
    fn py_memo(_cx: &Ctx, this: This<'_, Pickler>) -> Obj {
        new_instance(PicklerMemoProxy::type_object(), PicklerMemoProxy { pickler: this.obj().clone() })
    }

    #[pysetter(name = "memo")]
    fn set_memo(cx: &Ctx, this: This<'_, Pickler>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("attribute deletion is not supported")) };
        let mut new = HashMap::new();
        if let Some(other) = v.downcast::<PicklerMemoProxy>().and_then(|p| p.pickler.downcast::<Pickler>()) {
            new = other.memo.borrow().clone();
        } else if let Some(d) = dict::as_dict(v) {
            for (k, entry) in d.snapshot() {
                let Some([n, o]) = tuple::items_if_tuple(&entry) else {
                    return Err(cx.type_error("'memo' values must be 2-item tuples"));
                };
                n.to_i64(cx)?;
                k.index(cx)?;
                new.insert(o.id(), (n.clone(), o.clone()));
            }
        } else {
            return Err(cx.type_error(format!(
                "'memo' attribute must be a PicklerMemoProxy object or dict, not {}",
                v.type_of().name()
            )));
        }
        let old = this.payload().memo.replace(new);
        drop(old);
        Ok(())
    }
}

/// The memo of a pickler as Python sees it.
#[pyclass(name = "PicklerMemoProxy", module = "_pickle", flags(no_new))]
#[derive(Traverse)]
pub struct PicklerMemoProxy {
    pickler: Obj,
}

impl PicklerMemoProxy {
    fn to_dict(&self, cx: &Ctx) -> PyResult {
        let d = dict::new();
        if let Some(p) = self.pickler.downcast::<Pickler>() {
            let all: Vec<(u64, (Obj, Obj))> = p.memo.borrow().iter().map(|(k, v)| (*k, v.clone())).collect();
            for (id, (n, o)) in all {
                dict::set(cx, &d, &Obj::from(id), &tuple::pair(n, o))?;
            }
        }
        Ok(d)
    }
}

#[pymethods]
impl PicklerMemoProxy {
    /// Remove all items from memo.
    #[pymethod]
    fn clear(_cx: &Ctx, this: This<'_, PicklerMemoProxy>) {
        if let Some(p) = this.pickler.downcast::<Pickler>() {
            let old = p.memo.take();
            drop(old);
        }
    }

    /// Copy the memo to a new object.
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, PicklerMemoProxy>) -> PyResult {
        this.to_dict(cx)
    }

    /// Implement pickle support.
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, PicklerMemoProxy>) -> PyResult {
        let contents = this.to_dict(cx)?;
        Ok(tuple::pair(cinder_pyobj::types::dict::Dict::type_object().as_obj(), tuple::new(vec![contents])))
    }

    #[pyinit]
    fn unhashable(ty: &Type) {
        cinder_pyobj::types::set_class_constant(ty, intern!("__hash__"), Obj::none());
    }
}
