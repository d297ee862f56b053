//! `Unpickler`: settings, memo and input.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::{generic_get_attr, generic_set_attr};
use cinder_pyobj::types::bytes::args::BytesLike;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{Type, dict, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::load::Machine;
use super::{dotted, imported, instead, shown, unpickling_error};

/// How many bytes are asked for at once from files that can show what comes next.
const PREFETCH: usize = 128 * 1024;

/// Reads objects from the pickles in a binary file, of which read() and readline() are used, and readinto() if there is
/// one.
///
/// The protocol is found out. Only for data of a trusted source: pickles can run any code. buffers gives what was left
/// out of the pickle; fix_imports, encoding and errors are for pickles of Python 2.
#[pyclass(
    name = "Unpickler",
    module = "_pickle",
    flags(basetype, weakref),
    sig = "(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())"
)]
#[derive(Traverse)]
pub struct Unpickler {
    #[traverse(skip)]
    ready: Cell<bool>,
    #[traverse(skip)]
    busy: Cell<bool>,
    read: ObjCell,
    readline: ObjCell,
    peek: ObjCell,
    /// Input that was read or only looked at.
    #[traverse(skip)]
    input: RefCell<Vec<u8>>,
    #[traverse(skip)]
    pos: Cell<usize>,
    /// Up to where the input was really taken from the file.
    #[traverse(skip)]
    taken: Cell<usize>,
    /// Where the current frame ends.
    #[traverse(skip)]
    frame_end: Cell<Option<usize>>,
    pub(super) buffers: ObjCell,
    #[traverse(skip)]
    pub(super) fix_imports: Cell<bool>,
    #[traverse(skip)]
    pub(super) encoding: RefCell<String>,
    #[traverse(skip)]
    pub(super) errors: RefCell<String>,
    #[traverse(skip)]
    pub(super) proto: Cell<i32>,
    memo: RefCell<Memo>,
    own_persistent_load: ObjCell,
}

/// Objects by number: most pickles count up from zero.
#[derive(Traverse, Default)]
struct Memo {
    dense: Vec<Option<Obj>>,
    sparse: HashMap<usize, Obj>,
    /// How many there are.
    #[traverse(skip)]
    len: usize,
}

impl Memo {
    fn get(&self, n: usize) -> Option<Obj> {
        match self.dense.get(n) {
            Some(o) => o.clone(),
            None => self.sparse.get(&n).cloned(),
        }
    }

    fn put(&mut self, n: usize, o: Obj) -> Option<Obj> {
        if n >= self.dense.len() && n < self.dense.len() * 2 + 64 {
            self.dense.resize(n + 1, None);
        }
        let old = match self.dense.get_mut(n) {
            Some(slot) => slot.replace(o),
            None => self.sparse.insert(n, o),
        };
        self.len += usize::from(old.is_none());
        old
    }

    fn entries(&self) -> Vec<(usize, Obj)> {
        let dense = self.dense.iter().enumerate().filter_map(|(i, o)| Some((i, o.clone()?)));
        dense.chain(self.sparse.iter().map(|(i, o)| (*i, o.clone()))).collect()
    }
}

impl Unpickler {
    pub(super) fn empty() -> Unpickler {
        Unpickler {
            ready: Cell::new(false),
            busy: Cell::new(false),
            read: ObjCell::new(None),
            readline: ObjCell::new(None),
            peek: ObjCell::new(None),
            input: RefCell::default(),
            pos: Cell::new(0),
            taken: Cell::new(0),
            frame_end: Cell::new(None),
            buffers: ObjCell::new(None),
            fix_imports: Cell::new(true),
            encoding: RefCell::default(),
            errors: RefCell::default(),
            proto: Cell::new(0),
            memo: RefCell::default(),
            own_persistent_load: ObjCell::new(None),
        }
    }

    pub(super) fn set_up(
        &self,
        cx: &Ctx,
        fix_imports: bool,
        encoding: &str,
        errors: &str,
        buffers: Option<&Obj>,
    ) -> PyResult<()> {
        self.fix_imports.set(fix_imports);
        *self.encoding.borrow_mut() = encoding.to_owned();
        *self.errors.borrow_mut() = errors.to_owned();
        let given = match buffers.filter(|b| !b.is_none()) {
            Some(b) => Some(b.iter(cx)?),
            None => None,
        };
        self.buffers.set(given);
        let old = self.memo.take();
        drop(old);
        self.proto.set(0);
        self.ready.set(true);
        Ok(())
    }

    pub(super) fn set_data(&self, data: Vec<u8>) {
        self.taken.set(data.len());
        self.pos.set(0);
        self.frame_end.set(None);
        *self.input.borrow_mut() = data;
    }

    pub(super) fn set_file(&self, cx: &Ctx, file: &Obj) -> PyResult<()> {
        let read = file.get_attr_opt(cx, intern!("read"))?;
        let readline = file.get_attr_opt(cx, intern!("readline"))?;
        if read.is_none() || readline.is_none() {
            return Err(cx.type_error("file must have 'read' and 'readline' attributes"));
        }
        self.read.set(read);
        self.readline.set(readline);
        self.peek.set(file.get_attr_opt(cx, intern!("peek"))?);
        self.set_data(Vec::new());
        Ok(())
    }

    /// Reads one pickle.
    pub(super) fn run(&self, cx: &Ctx, this: Option<&Obj>) -> PyResult {
        if self.busy.replace(true) {
            return Err(cx.runtime_error("Unpickler object is already used"));
        }
        let r = Machine::new(self, this).run(cx);
        let r = match r {
            Ok(o) => self.skip_consumed(cx).map(|()| o),
            Err(r) => Err(r),
        };
        self.busy.set(false);
        r
    }

    /// Takes from the file what was only looked at and is used up by now.
    fn skip_consumed(&self, cx: &Ctx) -> PyResult<()> {
        let (pos, taken) = (self.pos.get(), self.taken.get());
        if pos > taken
            && let Some(read) = self.read.get()
        {
            self.taken.set(pos);
            let got = read.call1(cx, &Obj::from(pos - taken))?;
            if got.len(cx)? != pos - taken {
                return Err(truncated(cx));
            }
        }
        Ok(())
    }

    /// Makes at least `n` further bytes available.
    #[cold]
    fn fill(&self, cx: &Ctx, n: usize) -> PyResult<()> {
        let Some(read) = self.read.get() else { return Err(self.short(cx)) };
        self.skip_consumed(cx)?;
        if self.taken.get() > self.pos.get() {
            // Some of it is here already.
            let have = self.taken.get() - self.pos.get();
            let more = read.call1(cx, &Obj::from(n - have))?;
            let mut input = self.input.borrow_mut();
            let (start, end) = (self.pos.get(), self.taken.get());
            *input = input[start..end].to_vec();
            drop(input);
            let more = BytesLike::new(cx, &more)?.to_vec();
            self.input.borrow_mut().extend(more);
            self.pos.set(0);
            self.taken.set(self.input.borrow().len());
        } else {
            let mut got = Vec::new();
            let mut looked = false;
            if let Some(peek) = self.peek.get()
                && n < PREFETCH
            {
                match peek.call1(cx, &Obj::from(PREFETCH)) {
                    Ok(o) => {
                        got = BytesLike::new(cx, &o)?.to_vec();
                        looked = got.len() >= n;
                    }
                    Err(r) => {
                        cx.swallow(r, exc::NotImplementedError())?;
                        self.peek.set(None);
                    }
                }
            }
            if !looked {
                let o = read.call1(cx, &Obj::from(n))?;
                got = BytesLike::new(cx, &o)?.to_vec();
            }
            self.pos.set(0);
            self.taken.set(if looked { 0 } else { got.len() });
            *self.input.borrow_mut() = got;
        }
        if self.input.borrow().len() - self.pos.get() < n {
            return Err(self.short(cx));
        }
        Ok(())
    }

    /// The error of input that ended: in the middle, or before anything of an opcode came.
    #[cold]
    fn short(&self, cx: &Ctx) -> Raised {
        truncated(cx)
    }

    /// Checks that the next `n` bytes do not reach beyond the frame they begin in.
    #[inline]
    fn within_frame(&self, cx: &Ctx, n: usize) -> PyResult<()> {
        let Some(end) = self.frame_end.get() else { return Ok(()) };
        let pos = self.pos.get();
        if pos >= end {
            self.frame_end.set(None);
        } else if end - pos < n {
            return Err(unpickling_error(cx, "pickle exhausted before end of frame"));
        }
        Ok(())
    }

    /// The next byte; nothing at the end of the input.
    #[inline]
    pub(super) fn opcode(&self, cx: &Ctx) -> PyResult<u8> {
        self.within_frame(cx, 1)?;
        let pos = self.pos.get();
        if let Some(b) = self.input.borrow().get(pos) {
            self.pos.set(pos + 1);
            return Ok(*b);
        }
        match self.fill(cx, 1) {
            Ok(()) => self.byte(cx),
            Err(r) if cx.pending_is(super::UnpicklingError::class().type_object()) => {
                drop(cx.take(r));
                Err(cx.raise(exc::EOFError(), "Ran out of input"))
            }
            Err(r) => Err(r),
        }
    }

    /// The next byte.
    #[inline]
    pub(super) fn byte(&self, cx: &Ctx) -> PyResult<u8> {
        Ok(self.fixed::<1>(cx)?[0])
    }

    /// The next bytes.
    #[inline]
    pub(super) fn fixed<const N: usize>(&self, cx: &Ctx) -> PyResult<[u8; N]> {
        self.within_frame(cx, N)?;
        loop {
            let pos = self.pos.get();
            if let Some(b) = self.input.borrow().get(pos..pos + N)
                && let Ok(b) = <[u8; N]>::try_from(b)
            {
                self.pos.set(pos + N);
                return Ok(b);
            }
            self.fill(cx, N)?;
        }
    }

    /// Runs `f` with the next `n` bytes.
    pub(super) fn with<R>(&self, cx: &Ctx, n: usize, f: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
        self.within_frame(cx, n)?;
        if self.input.borrow().len() - self.pos.get() < n {
            self.fill(cx, n)?;
        }
        let pos = self.pos.get();
        let input = self.input.borrow();
        let r = f(&input[pos..pos + n]);
        drop(input);
        self.pos.set(pos + n);
        Ok(r)
    }

    /// Makes sure that a frame is there as a whole.
    pub(super) fn frame(&self, cx: &Ctx, n: usize) -> PyResult<()> {
        if self.frame_end.get().is_some_and(|e| self.pos.get() < e) {
            return Err(unpickling_error(cx, "beginning of a new frame before end of current frame"));
        }
        if self.input.borrow().len() - self.pos.get() < n {
            self.fill(cx, n)?;
        }
        self.frame_end.set(Some(self.pos.get() + n));
        Ok(())
    }

    /// The next line without its end.
    pub(super) fn line(&self, cx: &Ctx) -> PyResult<Vec<u8>> {
        let pos = self.pos.get();
        let found = {
            let input = self.input.borrow();
            memchr::memchr(b'\n', &input[pos..]).map(|n| (input[pos..pos + n].to_vec(), n + 1))
        };
        if let Some((l, n)) = found {
            self.within_frame(cx, n)?;
            self.pos.set(pos + n);
            return Ok(l);
        }
        self.within_frame(cx, usize::MAX)?;
        let Some(readline) = self.readline.get() else { return Err(truncated(cx)) };
        // What is left here was read already: the file continues it.
        self.skip_consumed(cx)?;
        let taken = self.taken.get();
        let mut l = self.input.borrow()[self.pos.get().min(taken)..taken].to_vec();
        let o = readline.call0(cx)?;
        l.extend(BytesLike::new(cx, &o)?.to_vec());
        self.set_data(Vec::new());
        if l.pop() != Some(b'\n') {
            return Err(truncated(cx));
        }
        Ok(l)
    }

    pub(super) fn memo_get(&self, n: usize) -> Option<Obj> {
        self.memo.borrow().get(n)
    }

    pub(super) fn memo_put(&self, n: usize, o: Obj) {
        let old = self.memo.borrow_mut().put(n, o);
        drop(old);
    }

    pub(super) fn memo_len(&self) -> usize {
        self.memo.borrow().len
    }

    /// `persistent_load`, unless it is the class's own.
    pub(super) fn persistent_load(&self, cx: &Ctx, this: Option<&Obj>) -> PyResult<Option<Obj>> {
        let Some(t) = this else { return Ok(None) };
        let f = t.get_attr_opt(cx, intern!("persistent_load"))?;
        Ok(f.filter(|f| *f.type_of().name() != *"builtin_function_or_method"))
    }
}

#[cold]
pub(super) fn truncated(cx: &Ctx) -> Raised {
    unpickling_error(cx, "pickle data was truncated")
}

/// The object that a module has under a name, in Python 2's terms where the pickle is old.
pub(super) fn find_class(cx: &Ctx, u: &Unpickler, module: &Obj, name: &Obj) -> PyResult {
    (cx.host().audit)(cx, "pickle.find_class", &[module.clone(), name.clone()])?;
    let (mut module, mut name) = (module.clone(), name.clone());
    if u.proto.get() < 3 && u.fix_imports.get() {
        let names = imported(cx, "_compat_pickle", "NAME_MAPPING")?;
        if let Some(pair) = dict::get(cx, &names, &tuple::pair(module.clone(), name.clone()))? {
            let Some([m, n]) = tuple::items_if_tuple(&pair) else {
                return Err(cx.runtime_error(format!(
                    "_compat_pickle.NAME_MAPPING values should be 2-tuples, not {}",
                    pair.type_of().name()
                )));
            };
            (module, name) = (m.clone(), n.clone());
        } else {
            let modules = imported(cx, "_compat_pickle", "IMPORT_MAPPING")?;
            if let Some(m) = dict::get(cx, &modules, &module)? {
                module = m;
            }
        }
    }
    for o in [&module, &name] {
        if !o.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("expected str, got {}", o.type_of().name())));
        }
    }
    let text = as_utf8_lossy(&name).into_owned();
    if as_utf8_lossy(&module).is_empty() {
        return Err(cx.value_error("Empty module name"));
    }
    let m = (cx.host().import)(cx, &as_utf8_lossy(&module))?;
    if u.proto.get() >= 4 && text.contains('.') {
        return match dotted(cx, &m, &text) {
            Err(r) if cx.pending_is(exc::AttributeError()) => Err(instead(cx, r, exc::AttributeError(), || {
                Ok(format!("Can't resolve path {} on module {}", shown(cx, &name)?, shown(cx, &module)?))
            })),
            r => r,
        };
    }
    m.get_attr(cx, Name::intern_obj(&name))
}

#[pymethods]
impl Unpickler {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, Unpickler::empty()))
    }

    #[pymethod(sig = "($self, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, Unpickler>,
        file: &Obj,
        fix_imports: bool,
        encoding: &str,
        errors: &str,
        buffers: Option<&Obj>,
    ) -> PyResult<()> {
        if this.busy.get() {
            return Err(cx.runtime_error("Unpickler object is already used"));
        }
        this.ready.set(false);
        this.set_file(cx, file)?;
        this.set_up(cx, fix_imports, encoding, errors, buffers)
    }

    fn __getattribute__(cx: &Ctx, this: This<'_, Unpickler>, name: &Obj) -> PyResult {
        if let Some(f) = this.own_persistent_load.get()
            && name.type_of().is_str_subtype()
            && as_utf8_lossy(name) == "persistent_load"
        {
            return Ok(f);
        }
        generic_get_attr(cx, this.obj(), name)
    }

    fn __setattr__(cx: &Ctx, this: This<'_, Unpickler>, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if name.type_of().is_str_subtype() && as_utf8_lossy(name) == "persistent_load" {
            let old = this.own_persistent_load.replace(value.cloned());
            if old.is_none() && value.is_none() {
                return Err(cx.raise(exc::AttributeError(), "persistent_load"));
            }
            return Ok(());
        }
        generic_set_attr(cx, this.obj(), name, value)
    }

    #[pymethod(name = "persistent_load", sig = "($self, pid, /)")]
    fn default_persistent_load(cx: &Ctx, this: This<'_, Unpickler>, pid: &Obj) -> PyResult {
        let _ = (this, pid);
        Err(no_persistent_load(cx))
    }

    /// Reads one object.
    #[pymethod]
    fn load(cx: &Ctx, this: This<'_, Unpickler>) -> PyResult {
        if !this.ready.get() {
            return Err(unpickling_error(
                cx,
                format!("Unpickler.__init__() was not called by {}.__init__()", this.obj().type_of().name()),
            ));
        }
        this.proto.set(0);
        this.run(cx, Some(this.obj()))
    }

    /// The object of that name in a module, which is imported first.
    ///
    /// A subclass can override this to say what pickles may use.
    #[pymethod(name = "find_class", sig = "($self, module_name, global_name, /)")]
    fn py_find_class(cx: &Ctx, this: This<'_, Unpickler>, module_name: &Obj, global_name: &Obj) -> PyResult {
        find_class(cx, &this, module_name, global_name)
    }

    /// How many bytes the object takes, with what it has allocated for itself.
    #[pymethod(name = "__sizeof__")]
    fn size_of(_cx: &Ctx, this: This<'_, Unpickler>) -> usize {
        let u = this.payload();
        size_of::<Unpickler>() + 16 + u.memo.borrow().dense.capacity() * 8 + u.input.borrow().capacity()
    }

    #[pygetter(name = "memo")]
    fn py_memo(_cx: &Ctx, this: This<'_, Unpickler>) -> Obj {
        new_instance(UnpicklerMemoProxy::type_object(), UnpicklerMemoProxy { unpickler: this.obj().clone() })
    }

    #[pysetter(name = "memo")]
    fn set_memo(cx: &Ctx, this: This<'_, Unpickler>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("attribute deletion is not supported")) };
        let mut new = Memo::default();
        if let Some(other) = v.downcast::<UnpicklerMemoProxy>().and_then(|p| p.unpickler.downcast::<Unpickler>()) {
            for (n, o) in other.memo.borrow().entries() {
                new.put(n, o);
            }
        } else if let Some(d) = dict::as_dict(v) {
            for (k, o) in d.snapshot() {
                if !k.is_int() && cinder_pyobj::types::int::to_bigint(&k).is_none() {
                    return Err(cx.type_error("memo key must be integers"));
                }
                let Ok(n) = usize::try_from(k.to_i64(cx)?) else {
                    return Err(cx.value_error("memo key must be positive integers."));
                };
                new.put(n, o);
            }
        } else {
            return Err(cx.type_error(format!(
                "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {}",
                v.type_of().name()
            )));
        }
        let old = this.payload().memo.replace(new);
        drop(old);
        Ok(())
    }
}

#[cold]
pub(super) fn no_persistent_load(cx: &Ctx) -> Raised {
    unpickling_error(
        cx,
        "A load persistent id instruction was encountered, but no persistent_load function was specified.",
    )
}

/// The memo of an unpickler as Python sees it.
#[pyclass(name = "UnpicklerMemoProxy", module = "_pickle", flags(no_new))]
#[derive(Traverse)]
pub struct UnpicklerMemoProxy {
    unpickler: Obj,
}

impl UnpicklerMemoProxy {
    fn to_dict(&self, cx: &Ctx) -> PyResult {
        let d = dict::new();
        if let Some(u) = self.unpickler.downcast::<Unpickler>() {
            let all = u.memo.borrow().entries();
            for (n, o) in all {
                dict::set(cx, &d, &Obj::from(n), &o)?;
            }
        }
        Ok(d)
    }
}

#[pymethods]
impl UnpicklerMemoProxy {
    /// Remove all items from memo.
    #[pymethod]
    fn clear(_cx: &Ctx, this: This<'_, UnpicklerMemoProxy>) {
        if let Some(u) = this.unpickler.downcast::<Unpickler>() {
            let old = u.memo.take();
            drop(old);
        }
    }

    /// Copy the memo to a new object.
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, UnpicklerMemoProxy>) -> PyResult {
        this.to_dict(cx)
    }

    /// Implement pickling support.
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, UnpicklerMemoProxy>) -> PyResult {
        let contents = this.to_dict(cx)?;
        Ok(tuple::pair(cinder_pyobj::types::dict::Dict::type_object().as_obj(), tuple::new(vec![contents])))
    }

    #[pyinit]
    fn unhashable(ty: &Type) {
        cinder_pyobj::types::set_class_constant(ty, intern!("__hash__"), Obj::none());
    }
}
