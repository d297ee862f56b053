//! `code` objects: plain code data with its constants as objects.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cinder_bytecode::code::{Code, Const, ExceptionEntry, flags};
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::heap::{self, Dropped, Traverse, Visitor};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{CmpOp, Type, bytes, complex, exc, int, set, slice, str, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Value};
use cinder_shadow::{Shadow, Site};

use super::code_build::{Fields, PARAMETERS, Shown};
use super::copies::Copies;
use crate::observe;
use crate::observe::code::CodeMonitor;
use crate::thread::Thread;

/// Code: instructions with their constants, names and positions, made from source text by compile().
#[pyclass(name = "code", fixed = Code, flags(weakref), payload = "own")]
pub struct CodeObject {
    /// The data.
    pub code: Arc<Code>,
    /// What is shown in the place of code that was made to raise, because it was given fields that cannot run.
    pub(crate) shown: Option<Box<Shown>>,
    /// What is observed in it, once something was.
    pub(crate) monitor: std::cell::OnceCell<Box<CodeMonitor>>,
    /// The place among all code objects.
    pub(crate) registered: Cell<u32>,
    /// Its instructions in all forms that frames run.
    pub(crate) copies: Copies,
    /// The constants; nested code is made an object when first needed.
    pub(crate) consts: Box<[Obj]>,
    pub(crate) names: Box<[Name]>,
    pub(crate) name: Name,
    pub(crate) qualname: Obj,
    pub(crate) filename: RefCell<Obj>,
    /// Of this code object alone, for as long as the process runs: caches name code by it.
    pub(crate) serial: u64,
    /// Positional parameters only, no `*args`, `**kwargs`, keyword-only ones: a call with exactly `simple_args`
    /// arguments needs no binding.
    pub(crate) simple_args: u32,
    /// As `simple_args` where a call runs the code to its end, else `u32::MAX`.
    pub(crate) quick_args: u32,
    /// The number of positional parameters of code that a call runs to its end, and that has no parameters beside them but
    /// `*args` or `**kwargs`; else `u32::MAX`.
    pub(crate) collecting_args: u32,
    /// As `simple_args` where a call makes a coroutine whose body may run at once, else `u32::MAX`.
    pub(crate) eager_args: u32,
    /// A call runs the code to its end: it makes no generator or coroutine.
    pub(crate) runs: bool,
    /// Where the body of a generator begins, if nothing stands before it but what makes cells and the generator; else 0.
    pub(crate) body: u32,
    /// No `*args` or `**kwargs`.
    pub(crate) fixed_params: bool,
    pub(crate) near: u32,
    /// Words from the base to one past the last register.
    pub(crate) above: u32,
    pub(crate) free_start: u32,
    /// How many far locals there are.
    pub(crate) far: u32,
    /// What is known of the yield that a generator of the code last rested at.
    rest: Cell<Rest>,
    /// What is known of the instruction that last raised.
    pub(crate) raised: Cell<Raised>,
    /// The sites of the shadow; null while there is none.
    sites: Cell<*const Site>,
    /// Calls and loop turns until the code counts as warm.
    cold: Cell<u32>,
    shadow: OnceCell<Box<Shadow>>,
    /// Made when a call with keywords first needs it.
    param_names: OnceCell<Box<[Name]>>,
}

/// What a generator that rests at a yield holds, and how it ends there.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    /// The index of the yield.
    at: u32,
    /// A GeneratorExit raised there would meet no handler but the one that every generator has, which lets it pass.
    pub silent: bool,
    /// The live temporaries, a bit each.
    pub live: u64,
}

/// Where an exception at an instruction goes.
#[derive(Clone, Copy)]
pub(crate) struct Raised {
    /// The index of the instruction.
    pub at: u32,
    /// Its handler.
    pub entry: Option<ExceptionEntry>,
    /// The temporaries that die on the way there, a bit each.
    pub live: u64,
}

/// How many loop turns make code warm; a call counts as two.
const WARM: u32 = 16;

/// The next serial number of a code object. Zero is none's.
static SERIALS: AtomicU64 = AtomicU64::new(1);

static SHADOW_OFF: AtomicBool = AtomicBool::new(false);

/// Turns shadow code off for code that has none yet.
pub(crate) fn disable_shadow() {
    SHADOW_OFF.store(true, Ordering::Relaxed);
}

impl Traverse for CodeObject {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for c in &self.consts {
            visit(c.value());
        }
        visit(self.qualname.value());
        if let Ok(f) = self.filename.try_borrow() {
            visit(f.value());
        }
    }

    fn clear(&self) {}

    fn take_references(&mut self, _: &mut Dropped) {}
}

/// A constant as an object. Names among the constants are interned.
pub(crate) fn constant(cx: &Ctx, c: &Const) -> PyResult {
    Ok(match c {
        Const::None => Obj::none(),
        Const::True => Obj::from_bool(true),
        Const::False => Obj::from_bool(false),
        Const::Ellipsis => Obj::ellipsis(),
        Const::Int(n) => Obj::from(*n),
        Const::BigInt(neg, limbs) => {
            let mut bytes = Vec::with_capacity(limbs.len() * 8);
            for l in limbs.iter() {
                bytes.extend_from_slice(&l.to_le_bytes());
            }
            {
                use num_bigint::{BigInt, Sign};
                let sign = if *neg { Sign::Minus } else { Sign::Plus };
                int::from_bigint(BigInt::from_bytes_le(sign, &bytes))
            }
        }
        Const::Float(f) => Obj::from(*f),
        Const::Complex(re, im) => complex::new(complex::Complex { re: *re, im: *im }),
        Const::Str(w) => {
            let s = from_wtf8(w);
            if looks_like_name(w) { Name::intern_obj(&s).obj() } else { s }
        }
        Const::Bytes(b) => bytes::new(b),
        Const::Tuple(items) => tuple::new(constants(cx, items)?),
        Const::FrozenSet(items) => set::frozen_from_iterable(cx, &tuple::new(constants(cx, items)?))?,
        Const::Slice(parts) => {
            let [a, b, c] = &**parts;
            slice::new(constant(cx, a)?, constant(cx, b)?, constant(cx, c)?)
        }
        Const::Code(c) => new(cx, c.clone())?,
    })
}

/// A str from UTF-8 that may also encode lone surrogates.
pub(crate) fn from_wtf8(w: &[u8]) -> Obj {
    if let Ok(s) = std::str::from_utf8(w) {
        return str::new(s);
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&b) = w.get(at) {
        let (len, first) = match b {
            0..=0x7f => (1, u32::from(b)),
            0x80..=0xdf => (2, u32::from(b & 0x1f)),
            0xe0..=0xef => (3, u32::from(b & 0x0f)),
            _ => (4, u32::from(b & 0x07)),
        };
        let rest = w.get(at + 1..at + len).unwrap_or(&[]);
        out.push(rest.iter().fold(first, |c, b| c << 6 | u32::from(b & 0x3f)));
        at += len;
    }
    str::from_code_points(&out)
}

fn looks_like_name(w: &[u8]) -> bool {
    w.len() < 64 && w.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn constants(cx: &Ctx, items: &[Const]) -> PyResult<Vec<Obj>> {
    items.iter().map(|c| constant(cx, c)).collect()
}

/// A code object around verified code.
pub fn new(cx: &Ctx, code: Arc<Code>) -> PyResult {
    let consts = constants(cx, &code.consts)?.into_boxed_slice();
    with_constants(cx, code, consts, None)
}

/// A code object around verified code, with the objects of its constants.
pub(super) fn with_constants(cx: &Ctx, code: Arc<Code>, consts: Box<[Obj]>, shown: Option<Box<Shown>>) -> PyResult {
    let names: Box<[Name]> = code.names.iter().map(|n| Name::new(n)).collect();
    let fixed_params = code.flags & (flags::VARARGS | flags::VARKEYWORDS) == 0;
    let runs = code.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) == 0;
    let simple = fixed_params && code.kwonly_arg_count == 0 && code.far_locals() == 0;
    let near = code.near_locals();
    let free = code.free_count() as u32;
    let c = CodeObject {
        monitor: Default::default(),
        registered: Cell::new(u32::MAX),
        copies: Copies::new(&code.insns),
        consts,
        names,
        name: Name::new(&code.name),
        qualname: Obj::from(&*code.qualname),
        filename: RefCell::new(Obj::from(&*code.filename)),
        serial: SERIALS.fetch_add(1, Ordering::Relaxed),
        simple_args: if simple { code.arg_count } else { u32::MAX },
        quick_args: if simple && runs { code.arg_count } else { u32::MAX },
        collecting_args: if !fixed_params && runs && code.kwonly_arg_count == 0 && code.far_locals() == 0 {
            code.arg_count
        } else {
            u32::MAX
        },
        eager_args: if simple && is_eager(&code) { code.arg_count } else { u32::MAX },
        runs,
        body: generator_body(&code),
        fixed_params,
        near,
        above: code.temps + code.raw_words + code.far_locals(),
        free_start: code.locals.len() as u32 - free,
        far: code.far_locals(),
        rest: Cell::new(Rest { at: u32::MAX, silent: false, live: 0 }),
        raised: Cell::new(Raised { at: u32::MAX, entry: None, live: 0 }),
        sites: Cell::new(std::ptr::null()),
        cold: Cell::new(WARM),
        shadow: OnceCell::new(),
        param_names: OnceCell::new(),
        code,
        shown,
    };
    let o = heap::new_instance(CodeObject::class().type_object(), c);
    if let Some(c) = o.downcast::<CodeObject>() {
        observe::code_made(&Thread::of(cx).runtime.monitoring, c);
    }
    Ok(o)
}

/// Whether calls that are awaited at once may run the code like a function's.
fn is_eager(code: &Code) -> bool {
    let kinds = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;
    code.flags & kinds == flags::COROUTINE
        && generator_body(code) != 0
        && code.insns.iter().all(|i| i.op() != Some(Opcode::Yield))
}

fn generator_body(code: &Code) -> u32 {
    let body = observe::body_start(code);
    let last = body.checked_sub(1).and_then(|at| code.insns[at as usize].op());
    if last == Some(Opcode::ReturnGenerator) { body } else { 0 }
}

impl Drop for CodeObject {
    fn drop(&mut self) {
        observe::code_dies(self);
    }
}

/// The future features that a code object was compiled with.
pub(crate) fn future_flags(code: &Obj) -> Option<i64> {
    code.downcast::<CodeObject>().map(|c| i64::from(c.code.flags & cinder_bytecode::code::flags::FUTURE_MASK))
}

/// Changes `co_filename` of a code object and of all code of its file nested in it.
pub(crate) fn set_filename(code: &Obj, name: &Obj) {
    let Some(old) = code.downcast::<CodeObject>().map(|c| str::as_utf8_lossy(&c.filename.borrow()).into_owned()) else {
        return;
    };
    let mut work = vec![code.clone()];
    while let Some(o) = work.pop() {
        if let Some(c) = o.downcast::<CodeObject>() {
            // Constants may be code of other files.
            if str::as_utf8_lossy(&c.filename.borrow()) != old {
                continue;
            }
            drop(c.filename.replace(name.clone()));
            work.extend(c.consts.iter().cloned());
        }
    }
}

impl CodeObject {
    /// The code object as a word.
    #[inline(always)]
    pub(crate) fn as_value(&self) -> Value {
        Value::from_ptr((self as *const CodeObject as usize - 8) as *const heap::Header)
    }

    /// What there is to know about a plain `Yield` of code with few temporaries. The last one asked for is remembered.
    pub(crate) fn rest_at(&self, at: u32) -> Option<Rest> {
        let known = self.rest.get();
        if known.at == at {
            return Some(known);
        }
        if self.code.temps > 64 || self.code.insns.get(at as usize)?.op() != Some(Opcode::Yield) {
            return None;
        }
        let mut live = 0;
        self.code.liveness().live_during(&self.code, at, &mut |t, _| live |= 1 << t);
        let silent = match self.code.exceptions.find(at) {
            None => true,
            Some(entry) => {
                let handler = self.code.insns.get(entry.handler as usize).and_then(|i| i.op());
                handler == Some(Opcode::StopIterationError)
            }
        };
        let rest = Rest { at, silent, live };
        self.rest.set(rest);
        Some(rest)
    }

    /// Where a new frame begins, and its sites. Counts the call.
    #[inline(always)]
    pub(crate) fn enter(&self) -> (*const Insn, *const Site) {
        if self.sites.get().is_null() {
            self.count(2);
        }
        (self.copies.entry(), self.sites.get())
    }

    /// Where a new frame begins.
    #[inline(always)]
    pub(crate) fn entry(&self) -> *const Insn {
        self.copies.entry()
    }

    /// The sites of the shadow, null while there is none.
    #[inline(always)]
    pub(crate) fn sites(&self) -> *const Site {
        self.sites.get()
    }

    /// Counts a loop turn in plain code; true once the code is warm.
    #[inline(always)]
    pub(crate) fn count_loop(&self) -> bool {
        let left = self.cold.get();
        if left <= 1 {
            return true;
        }
        self.cold.set(left - 1);
        false
    }

    #[cold]
    fn count(&self, n: u32) {
        let left = self.cold.get().saturating_sub(n);
        self.cold.set(left);
        if left == 0 {
            self.warm_up();
        }
    }

    /// Makes the shadow.
    #[cold]
    pub(crate) fn warm_up(&self) {
        if SHADOW_OFF.load(Ordering::Relaxed) {
            self.cold.set(u32::MAX);
            return;
        }
        let s = self.shadow.get_or_init(|| Shadow::new(&self.code.insns));
        self.copies.set_shadow(s.start());
        self.sites.set(s.sites_start());
    }

    /// The shadow, if the code is warm.
    pub(crate) fn shadow(&self) -> Option<&Shadow> {
        self.shadow.get().map(|s| &**s)
    }

    /// Whether calls make a generator, coroutine or async generator.
    pub fn is_generator_like(&self) -> bool {
        self.code.is_generator_like()
    }

    /// Whether the code has these flag bits.
    pub fn has(&self, bits: u32) -> bool {
        self.code.flags & bits != 0
    }

    /// The line of an instruction. A module starts at line 0, before its first line.
    pub(crate) fn line_at(&self, pc: u32) -> Option<u32> {
        self.known_line(pc, self.code.position(pc).line)
    }

    /// The line of an instruction to which the table gives `line`, 0 for none.
    fn known_line(&self, pc: u32, line: u32) -> Option<u32> {
        let starts = || self.code.insns.get(pc as usize).and_then(|insn| insn.op()) == Some(Opcode::Resume);
        (line != 0 || starts()).then_some(line)
    }

    /// As [`CodeObject::param_names`], if they were made.
    #[inline(always)]
    pub(crate) fn known_param_names(&self) -> Option<&[Name]> {
        self.param_names.get().map(|names| &**names)
    }

    /// The names of the parameters that arguments can bind to, in order.
    pub(crate) fn param_names(&self) -> &[Name] {
        self.param_names.get_or_init(|| {
            let n = (self.code.arg_count + self.code.kwonly_arg_count) as usize;
            self.code.locals[..n].iter().map(|l| Name::new(&l.name)).collect()
        })
    }

    /// `co_flags`.
    pub(super) fn shown_flags(&self) -> u32 {
        self.shown.as_ref().map_or(self.code.flags, |s| s.flags)
    }

    /// `co_code`.
    pub(super) fn shown_code(&self) -> Box<[u8]> {
        match &self.shown {
            Some(s) => s.code.clone(),
            None => self.code.insns.iter().flat_map(|i| i.0.to_le_bytes()).collect(),
        }
    }

    /// `co_exceptiontable`.
    pub(super) fn shown_exceptions(&self) -> Box<[u8]> {
        match &self.shown {
            Some(s) => s.exceptions.clone(),
            None => self.code.exceptions.encode().into(),
        }
    }

    pub(crate) fn local_name(&self, n: u32) -> &str {
        &self.code.locals[n as usize].name
    }
}

fn names_tuple<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> Obj {
    tuple::new(names.map(|n| Name::new(n).obj()).collect())
}

#[pymethods]
impl CodeObject {
    #[pynew(
        sig = "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, codestring, constants, names, \
varnames, filename, name, qualname, firstlineno, linetable, exceptiontable, freevars=(), cellvars=(), /)"
    )]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if args.has_keywords() {
            return Err(cx.type_error("code() takes no keyword arguments"));
        }
        let given = args.pos();
        if !(16..=PARAMETERS.len()).contains(&given.len()) {
            let text = format!("code expected at least 16 and at most 18 arguments, got {}", given.len());
            return Err(cx.type_error(text));
        }
        let mut fields = Fields::empty();
        for (name, v) in PARAMETERS.iter().zip(given) {
            fields.set(cx, name, v)?;
        }
        audited(cx, fields.build(cx, None)?)
    }

    fn __repr__(_cx: &Ctx, this: This<'_, CodeObject>) -> PyResult {
        Ok(Obj::from(
            format!(
                "<code object {} at {:#x}, file \"{}\", line {}>",
                this.code.name,
                this.obj().id(),
                str::as_utf8_lossy(&this.filename.borrow()),
                this.code.first_line
            )
            .as_str(),
        ))
    }

    fn __hash__(cx: &Ctx, this: This<'_, CodeObject>) -> PyResult<i64> {
        use std::hash::{Hash, Hasher};
        let c = &this.code;
        let mut h = rustc_hash::FxHasher::default();
        this.name.obj().hash(cx)?.hash(&mut h);
        (c.first_line, c.flags, c.arg_count, c.posonly_arg_count, c.kwonly_arg_count).hash(&mut h);
        (&c.insns, this.shown.as_deref()).hash(&mut h);
        let h = h.finish() as i64;
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, CodeObject>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<CodeObject>() else { return Ok(Obj::not_implemented()) };
        let wanted = match op {
            CmpOp::Eq => true,
            CmpOp::Ne => false,
            _ => return Ok(Obj::not_implemented()),
        };
        let mut same = this.code == o.code && this.shown == o.shown;
        // Constants that no source text stands for are in the objects alone.
        for (a, b) in this.consts.iter().zip(&o.consts) {
            same = same && (a.is(b) || !a.type_of().is(b.type_of()) || a.eq(cx, b)?);
        }
        Ok(Obj::from_bool(same == wanted))
    }

    #[pygetter(member)]
    fn co_name(this: This<'_, CodeObject>) -> Obj {
        this.name.obj()
    }

    #[pygetter(member)]
    fn co_qualname(this: This<'_, CodeObject>) -> Obj {
        this.qualname.clone()
    }

    #[pygetter(member)]
    fn co_filename(this: This<'_, CodeObject>) -> Obj {
        this.filename.borrow().clone()
    }

    #[pygetter(member)]
    fn co_firstlineno(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.code.first_line)
    }

    #[pygetter(member)]
    fn co_flags(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.shown_flags())
    }

    #[pygetter(member)]
    fn co_argcount(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.code.arg_count)
    }

    #[pygetter(member)]
    fn co_posonlyargcount(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.code.posonly_arg_count)
    }

    #[pygetter(member)]
    fn co_kwonlyargcount(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.code.kwonly_arg_count)
    }

    #[pygetter]
    fn co_nlocals(this: This<'_, CodeObject>) -> usize {
        this.code.varnames().count()
    }

    #[pygetter(member)]
    fn co_stacksize(this: This<'_, CodeObject>) -> i64 {
        i64::from(this.code.temps)
    }

    #[pygetter]
    fn co_varnames(this: This<'_, CodeObject>) -> Obj {
        names_tuple(this.code.varnames())
    }

    #[pygetter]
    fn co_cellvars(this: This<'_, CodeObject>) -> Obj {
        names_tuple(this.code.cellvars())
    }

    #[pygetter]
    fn co_freevars(this: This<'_, CodeObject>) -> Obj {
        names_tuple(this.code.freevars())
    }

    #[pygetter(member)]
    fn co_names(this: This<'_, CodeObject>) -> Obj {
        names_tuple(this.code.names.iter())
    }

    #[pygetter(member)]
    fn co_consts(this: This<'_, CodeObject>) -> Obj {
        tuple::new(this.consts.to_vec())
    }

    #[pygetter]
    fn co_code(this: This<'_, CodeObject>) -> Obj {
        bytes::new(&this.shown_code())
    }

    #[pygetter(member)]
    fn co_linetable(this: This<'_, CodeObject>) -> Obj {
        bytes::new(this.code.lines.as_bytes())
    }

    #[pygetter(member)]
    fn co_exceptiontable(this: This<'_, CodeObject>) -> Obj {
        bytes::new(&this.shown_exceptions())
    }

    /// Pairs of offset increments and line increments, which Python 3.12 deprecated in favour of co_lines().
    #[pygetter]
    fn co_lnotab(cx: &Ctx, this: This<'_, CodeObject>) -> PyResult {
        let text = "co_lnotab is deprecated, use co_lines instead.";
        (cx.host().warn)(cx, exc::DeprecationWarning(), text, 1)?;
        let mut out = Vec::new();
        let (mut at, mut line) = (0, i64::from(this.code.first_line));
        for (start, _, new) in this.code.lines.line_ranges(this.code.first_line).into_iter().filter(|r| r.2 != 0) {
            let (mut bytes, mut lines) = (i64::from(start - at) * 2, i64::from(new) - line);
            if lines == 0 {
                continue;
            }
            while bytes > 255 {
                out.extend([255, 0]);
                bytes -= 255;
            }
            while !(-128..=127).contains(&lines) {
                let step = lines.clamp(-128, 127);
                out.extend([bytes as u8, step as u8]);
                (bytes, lines) = (0, lines - step);
            }
            out.extend([bytes as u8, lines as u8]);
            (at, line) = (start, i64::from(new));
        }
        Ok(bytes::new(&out))
    }

    /// Iterates over (start, end, line) of the code's ranges, in bytes of two per instruction.
    #[pymethod]
    fn co_lines(cx: &Ctx, this: This<'_, CodeObject>) -> PyResult {
        let mut out = Vec::new();
        for (start, end, line) in this.code.lines.line_ranges(this.code.first_line) {
            let line = this.known_line(start, line).map_or_else(Obj::none, |line| Obj::from(i64::from(line)));
            out.push(tuple::new(vec![Obj::from(i64::from(start) * 2), Obj::from(i64::from(end) * 2), line]));
        }
        cinder_pyobj::types::list::new(out).iter(cx)
    }

    /// Iterates over (from, next, other) of each instruction that may go two ways, in bytes of two per instruction.
    #[pymethod]
    fn co_branches(cx: &Ctx, this: This<'_, CodeObject>) -> PyResult {
        let mut out = Vec::new();
        for (from, left, right) in observe::branches(&this.code) {
            let offset = |pc: u32| Obj::from(i64::from(pc) * 2);
            out.push(tuple::new(vec![offset(from), offset(left), offset(right)]));
        }
        cinder_pyobj::types::list::new(out).iter(cx)
    }

    /// Iterates over (line, end line, column, end column) of each instruction.
    #[pymethod]
    fn co_positions(cx: &Ctx, this: This<'_, CodeObject>) -> PyResult {
        let mut out = Vec::new();
        let col = |c: u32| Some(c).filter(|c| *c != u32::MAX);
        let num = |n: Option<u32>| n.map_or_else(Obj::none, |n| Obj::from(i64::from(n)));
        let columns = !Thread::of(cx).runtime.config.no_debug_ranges;
        for (start, end, p) in this.code.lines.iter(this.code.first_line) {
            for pc in start..end {
                let line = this.known_line(pc, p.line);
                out.push(tuple::new(if columns {
                    vec![num(line), num(line.map(|_| p.end_line)), num(col(p.column)), num(col(p.end_column))]
                } else {
                    vec![num(line), num(line), Obj::none(), Obj::none()]
                }));
            }
        }
        cinder_pyobj::types::list::new(out).iter(cx)
    }

    /// A copy of the code, in which the given fields have the given values.
    #[pymethod(sig = "($self, /, **changes)")]
    fn replace(cx: &Ctx, this: This<'_, CodeObject>, changes: cinder_pyobj::native::Kwargs<'_>) -> PyResult {
        replace(cx, &this, &changes)
    }

    #[pymethod(name = "__replace__", sig = "($self, /, **changes)")]
    fn dunder_replace(cx: &Ctx, this: This<'_, CodeObject>, changes: cinder_pyobj::native::Kwargs<'_>) -> PyResult {
        replace(cx, &this, &changes)
    }
}

/// A copy with other fields.
fn replace(cx: &Ctx, this: &CodeObject, changes: &cinder_pyobj::native::Kwargs<'_>) -> PyResult {
    let mut fields = Fields::of(this);
    for (name, v) in changes.iter() {
        fields.set(cx, &str::as_utf8_lossy(name), v)?;
    }
    audited(cx, fields.build(cx, Some(this))?)
}

/// A code object that the program made itself, once the audit hooks have seen it.
fn audited(cx: &Ctx, code: Obj) -> PyResult {
    let field = |name: &str| match code.get_attr(cx, Name::new(name)) {
        Ok(v) => v,
        Err(r) => {
            drop(cx.take(r));
            Obj::none()
        }
    };
    cx.audit("code.__new__", || {
        [
            "co_code",
            "co_filename",
            "co_name",
            "co_argcount",
            "co_posonlyargcount",
            "co_kwonlyargcount",
            "co_nlocals",
            "co_stacksize",
            "co_flags",
        ]
        .map(field)
    })?;
    Ok(code)
}
