//! `_lsprof`: the profiler behind `cProfile`.
//!
//! It listens to `sys.monitoring` as tool 2 and keeps, for each function, how often it ran, how long, and the same
//! for each of its callers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Instant;

use cinder_pyobj::heap::{self, Traverse, Visitor};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, list};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use crate::observe::{Event, EventSet, legacy};
use crate::thread::Thread;

/// The tool id of profilers.
const TOOL: usize = 2;

static ENTRY: StructSeq = StructSeq {
    name: "profiler_entry",
    module: "_lsprof",
    doc: "",
    fields: &[
        ("code", "the code object, or the name of a native function"),
        ("callcount", "number of calls"),
        ("reccallcount", "number of calls from within another call of itself"),
        ("totaltime", "time spent here and in what was called from here"),
        ("inlinetime", "time spent here alone"),
        ("calls", "a list with an entry for each callee, or None"),
    ],
    visible: 6,
    cell: TypeCell::new(),
};

static SUBENTRY: StructSeq = StructSeq {
    name: "profiler_subentry",
    module: "_lsprof",
    doc: "",
    fields: &[
        ("code", "the callee's code object, or the name of a native function"),
        ("callcount", "number of calls from this caller"),
        ("reccallcount", "number of calls from within another call of the callee"),
        ("totaltime", "time spent in these calls and in what they called"),
        ("inlinetime", "time spent in the callee alone"),
    ],
    visible: 5,
    cell: TypeCell::new(),
};

#[derive(Default, Clone, Copy)]
struct Times {
    total: i64,
    inline: i64,
    calls: i64,
    recursive: i64,
    depth: i64,
}

impl Times {
    fn leave(&mut self, total: i64, inline: i64) {
        self.depth -= 1;
        if self.depth == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.inline += inline;
        self.calls += 1;
    }
}

struct Entry {
    /// A code object, or the name of a native function.
    what: Obj,
    times: Times,
    /// By the key of the callee.
    callees: Vec<(u64, Times)>,
}

struct Running {
    key: u64,
    start: i64,
    /// Time spent in calls from it.
    inner: i64,
}

/// A profiler, which measures the calls of Python functions and natives.
///
/// timer is a function without arguments that gives the time, of which one unit is timeunit seconds; without it a clock
/// of the system is used.
#[pyclass(name = "Profiler", module = "_lsprof", flags(basetype))]
pub struct Profiler {
    timer: ObjCell,
    unit: Cell<f64>,
    subcalls: Cell<bool>,
    builtins: Cell<bool>,
    enabled: Cell<bool>,
    start: Cell<Option<Instant>>,
    entries: RefCell<HashMap<u64, Entry>>,
    order: RefCell<Vec<u64>>,
    stack: RefCell<Vec<Running>>,
}

impl Traverse for Profiler {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.timer.traverse(visit);
        if let Ok(entries) = self.entries.try_borrow() {
            for e in entries.values() {
                visit(e.what.value());
            }
        }
    }

    fn clear(&self) {
        self.timer.set(None);
    }

    fn take_references(&mut self, _: &mut heap::Dropped) {}
}

impl Profiler {
    fn now(&self, cx: &Ctx) -> i64 {
        let Some(timer) = self.timer.get() else {
            let start = self.start.get().unwrap_or_else(|| {
                let now = Instant::now();
                self.start.set(Some(now));
                now
            });
            return start.elapsed().as_nanos() as i64;
        };
        let th = Thread::of(cx);
        th.tracing.set(th.tracing.get() + 1);
        let r = timer.call0(cx);
        th.tracing.set(th.tracing.get() - 1);
        let unit = self.unit.get();
        let n = r.and_then(|t| {
            if unit > 0.0 {
                t.to_i64(cx)
            } else {
                cinder_pyobj::protocol::number::to_f64(cx, &t).map(|f| (f * 1e9) as i64)
            }
        });
        match n {
            Ok(n) => n,
            Err(_) => {
                (cx.host().unraisable)(cx, None, Some(&timer));
                0
            }
        }
    }

    fn factor(&self) -> f64 {
        if self.timer.is_empty() || self.unit.get() <= 0.0 { 1e-9 } else { self.unit.get() }
    }

    fn enter(&self, cx: &Ctx, key: u64, what: impl FnOnce() -> Obj) {
        let start = self.now(cx);
        {
            let mut entries = self.entries.borrow_mut();
            let e = entries.entry(key).or_insert_with(|| {
                self.order.borrow_mut().push(key);
                Entry { what: what(), times: Times::default(), callees: Vec::new() }
            });
            e.times.depth += 1;
            if self.subcalls.get()
                && let Some(caller) = self.stack.borrow().last()
                && let Some(c) = entries.get_mut(&caller.key)
            {
                sub(c, key).depth += 1;
            }
        }
        self.stack.borrow_mut().push(Running { key, start, inner: 0 });
    }

    fn leave(&self, cx: &Ctx) {
        let Some(r) = self.stack.borrow_mut().pop() else { return };
        let total = self.now(cx) - r.start;
        let inline = total - r.inner;
        let mut entries = self.entries.borrow_mut();
        if let Some(e) = entries.get_mut(&r.key) {
            e.times.leave(total, inline);
        }
        if let Some(caller) = self.stack.borrow_mut().last_mut() {
            caller.inner += total;
            if self.subcalls.get()
                && let Some(c) = entries.get_mut(&caller.key)
            {
                sub(c, r.key).leave(total, inline);
            }
        }
    }

    fn native(&self, cx: &Ctx, f: &Obj, first: &Obj) -> PyResult<Option<Obj>> {
        if self.builtins.get() { legacy::native(Thread::of(cx), f, first) } else { Ok(None) }
    }
}

fn sub(e: &mut Entry, key: u64) -> &mut Times {
    let at = e.callees.iter().position(|(k, _)| *k == key).unwrap_or_else(|| {
        e.callees.push((key, Times::default()));
        e.callees.len() - 1
    });
    &mut e.callees[at].1
}

/// The name under which a native function is listed.
fn native_name(cx: &Ctx, f: &Obj) -> PyResult {
    let Some(n) = f.downcast::<NativeFunction>() else { return f.repr(cx) };
    let name = n.name();
    let this = n.receiver();
    let module = this.downcast::<cinder_pyobj::types::module::Module>().is_some();
    if this.is_none() || module {
        let m = f.get_attr_opt(cx, intern!("__module__"))?.filter(|m| m.type_of().is_str_subtype());
        return Ok(Obj::from(
            match m {
                Some(m) if &*as_utf8_lossy(&m) != "builtins" => {
                    format!("<built-in method {}.{name}>", as_utf8_lossy(&m))
                }
                Some(_) => format!("<built-in method builtins.{name}>"),
                None => format!("<built-in method {name}>"),
            }
            .as_str(),
        ));
    }
    let class = this.type_of().as_obj();
    if let Some(m) = class.get_attr_opt(cx, Name::new(name))? {
        return m.repr(cx);
    }
    Ok(Obj::from(format!("<built-in method {name}>").as_str()))
}

/// The key of a native function: what defines it.
fn native_key(f: &Obj) -> u64 {
    match f.downcast::<NativeFunction>() {
        Some(n) => std::ptr::from_ref(n.def()) as u64,
        None => f.id(),
    }
}

const EVENTS: &[(Event, &str, bool)] = &[
    (Event::PyStart, "_pystart_callback", false),
    (Event::PyResume, "_pystart_callback", false),
    (Event::PyThrow, "_pythrow_callback", false),
    (Event::PyReturn, "_pyreturn_callback", false),
    (Event::PyYield, "_pyreturn_callback", false),
    (Event::PyUnwind, "_pyreturn_callback", false),
    (Event::Call, "_ccall_callback", true),
    (Event::CReturn, "_creturn_callback", true),
    (Event::CRaise, "_creturn_callback", true),
];

#[pymethods]
impl Profiler {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let _ = args;
        Ok(heap::new_instance(
            ty,
            Profiler {
                timer: ObjCell::new(None),
                unit: Cell::new(0.0),
                subcalls: Cell::new(true),
                builtins: Cell::new(true),
                enabled: Cell::new(false),
                start: Cell::new(None),
                entries: RefCell::default(),
                order: RefCell::default(),
                stack: RefCell::default(),
            },
        ))
    }

    #[pymethod(sig = "($self, timer=None, timeunit=0.0, subcalls=True, builtins=True)")]
    fn __init__(
        _cx: &Ctx,
        this: This<'_, Profiler>,
        timer: Option<&Obj>,
        timeunit: f64,
        subcalls: bool,
        builtins: bool,
    ) -> PyResult<()> {
        this.timer.set(timer.cloned().and_then(Obj::non_none));
        this.unit.set(timeunit);
        this.subcalls.set(subcalls);
        this.builtins.set(builtins);
        Ok(())
    }

    /// Begins or resumes measuring.
    #[pymethod(sig = "($self, /, subcalls=True, builtins=True)")]
    fn enable(cx: &Ctx, this: This<'_, Profiler>, subcalls: bool, builtins: bool) -> PyResult<()> {
        this.subcalls.set(subcalls);
        this.builtins.set(builtins);
        if this.enabled.get() {
            return Ok(());
        }
        let m = &Thread::of(cx).runtime.monitoring;
        if !m.names[TOOL].is_empty() {
            return Err(cx.value_error(format!("tool {TOOL} is already in use")));
        }
        m.names[TOOL].set(Some(Obj::from("cProfile")));
        let mut events = Vec::new();
        for (event, name, native) in EVENTS {
            if *native && !builtins {
                continue;
            }
            let f = this.obj().get_attr(cx, Name::new(name))?;
            drop(m.set_callback(TOOL, *event, Some(f)));
            events.push(*event);
        }
        this.enabled.set(true);
        let set = EventSet(EventSet::of(&events).0 & !EventSet::C_EVENTS);
        m.set_global(cx, TOOL, set);
        Ok(())
    }

    /// Ends measuring; what was measured is kept.
    #[pymethod]
    fn disable(cx: &Ctx, this: This<'_, Profiler>) -> PyResult<()> {
        if this.enabled.replace(false) {
            let m = &Thread::of(cx).runtime.monitoring;
            m.clear_tool(cx, TOOL);
            m.names[TOOL].set(None);
            while !this.stack.borrow().is_empty() {
                this.leave(cx);
            }
        }
        Ok(())
    }

    /// Forgets what was measured.
    #[pymethod]
    fn clear(this: This<'_, Profiler>) {
        let old = std::mem::take(&mut *this.entries.borrow_mut());
        this.order.borrow_mut().clear();
        this.stack.borrow_mut().clear();
        drop(old);
    }

    /// What was measured, a list with a profiler_entry for each function.
    #[pymethod]
    fn getstats(cx: &Ctx, this: This<'_, Profiler>) -> PyResult {
        let factor = this.factor();
        let time = |t: i64| Obj::from(t as f64 * factor);
        let mut out = Vec::new();
        let order = this.order.borrow().clone();
        for key in order {
            let (what, times, callees) = {
                let entries = this.entries.borrow();
                let Some(e) = entries.get(&key) else { continue };
                let callees: Vec<(Obj, Times)> = e
                    .callees
                    .iter()
                    .filter(|(_, t)| t.calls != 0)
                    .filter_map(|(k, t)| entries.get(k).map(|e| (e.what.clone(), *t)))
                    .collect();
                (e.what.clone(), e.times, callees)
            };
            if times.calls == 0 {
                continue;
            }
            let calls = if callees.is_empty() {
                Obj::none()
            } else {
                list::new(
                    callees
                        .into_iter()
                        .map(|(w, t)| {
                            SUBENTRY.make(vec![
                                w,
                                Obj::from(t.calls),
                                Obj::from(t.recursive),
                                time(t.total),
                                time(t.inline),
                            ])
                        })
                        .collect(),
                )
            };
            out.push(ENTRY.make(vec![
                what,
                Obj::from(times.calls),
                Obj::from(times.recursive),
                time(times.total),
                time(times.inline),
                calls,
            ]));
        }
        let _ = cx;
        Ok(list::new(out))
    }

    #[pymethod(sig = "($self, code, instruction_offset, /)")]
    fn _pystart_callback(cx: &Ctx, this: This<'_, Profiler>, code: &Obj, instruction_offset: &Obj) {
        let _ = instruction_offset;
        this.enter(cx, code.id(), || code.clone());
    }

    #[pymethod(sig = "($self, code, instruction_offset, exception, /)")]
    fn _pythrow_callback(cx: &Ctx, this: This<'_, Profiler>, code: &Obj, instruction_offset: &Obj, exception: &Obj) {
        let _ = (instruction_offset, exception);
        this.enter(cx, code.id(), || code.clone());
    }

    #[pymethod(sig = "($self, code, instruction_offset, retval, /)")]
    fn _pyreturn_callback(cx: &Ctx, this: This<'_, Profiler>, code: &Obj, instruction_offset: &Obj, retval: &Obj) {
        let _ = (code, instruction_offset, retval);
        this.leave(cx);
    }

    #[pymethod(sig = "($self, code, instruction_offset, callable, self_arg, /)")]
    fn _ccall_callback(
        cx: &Ctx,
        this: This<'_, Profiler>,
        code: &Obj,
        instruction_offset: &Obj,
        callable: &Obj,
        self_arg: &Obj,
    ) -> PyResult<()> {
        let _ = (code, instruction_offset);
        if let Some(f) = this.native(cx, callable, self_arg)? {
            let name = native_name(cx, &f)?;
            this.enter(cx, native_key(&f), || name);
        }
        Ok(())
    }

    #[pymethod(sig = "($self, code, instruction_offset, callable, self_arg, /)")]
    fn _creturn_callback(
        cx: &Ctx,
        this: This<'_, Profiler>,
        code: &Obj,
        instruction_offset: &Obj,
        callable: &Obj,
        self_arg: &Obj,
    ) -> PyResult<()> {
        let _ = (code, instruction_offset);
        if this.native(cx, callable, self_arg)?.is_some() {
            this.leave(cx);
        }
        Ok(())
    }
}

/// Fast profiler
#[pymodule(name = "_lsprof")]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = cinder_pyobj::types::module::namespace(module) else { return Ok(()) };
        let put = |n: &str, v: Obj| cinder_pyobj::types::dict::set(cx, &d, Name::new(n).as_obj(), &v);
        put("Profiler", Profiler::class().type_object().as_obj())?;
        put("profiler_entry", ENTRY.type_object().as_obj())?;
        put("profiler_subentry", SUBENTRY.type_object().as_obj())
    }
}
