//! `_tracemalloc`: where the objects that are alive were allocated.
//!
//! Every cell of the heap is traced from `start` on. What built-in containers hold outside of their cells (the items of
//! a list, the table of a dict) is measured when somebody asks, and counts for the place where the container was made;
//! a peak of it between two questions is not seen.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use cinder_bytecode::code::Code;
use cinder_pyobj::heap::{Header, Tracer, outside, trace_allocations};
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::thread::Thread;

/// A place in the code: a file and a line.
type Place = (Arc<str>, u32);

struct Stack {
    places: Box<[Place]>,
    /// How many frames there were, those beyond the limit included.
    total: usize,
    /// Keeps the code alive whose addresses are in the key.
    _codes: Vec<Arc<Code>>,
}

#[derive(Default)]
struct Traces {
    stacks: HashMap<Vec<(usize, u32)>, u32>,
    by_number: Vec<Stack>,
    /// By address: size and number of the stack.
    cells: HashMap<usize, (usize, u32)>,
}

/// State of the process: so is the heap. The interpreter lock guards it.
struct State {
    limit: Cell<usize>,
    on: Cell<bool>,
    /// Set while the tracer itself works.
    busy: Cell<bool>,
    now: Cell<usize>,
    peak: Cell<usize>,
    traces: RefCell<Traces>,
}

struct Guarded(State);
// SAFETY: the interpreter lock guards every access.
unsafe impl Sync for Guarded {}

static STATE: std::sync::LazyLock<Guarded> = std::sync::LazyLock::new(|| {
    Guarded(State {
        limit: Cell::new(1),
        on: Cell::new(false),
        busy: Cell::new(false),
        now: Cell::new(0),
        peak: Cell::new(0),
        traces: RefCell::default(),
    })
});

fn state() -> &'static State {
    &STATE.0
}

fn allocated(p: *const Header, size: usize) {
    let s = state();
    if s.busy.replace(true) {
        return;
    }
    let number = stack(s);
    if let Ok(mut t) = s.traces.try_borrow_mut() {
        let old = t.cells.insert(p as usize, (size, number));
        let now = s.now.get() + size - old.map_or(0, |(size, _)| size);
        s.now.set(now);
        s.peak.set(s.peak.get().max(now));
    }
    s.busy.set(false);
}

fn freed(p: *const Header) {
    let s = state();
    if let Ok(mut t) = s.traces.try_borrow_mut()
        && let Some((size, _)) = t.cells.remove(&(p as usize))
    {
        s.now.set(s.now.get() - size);
    }
}

/// The number of the stack of the running thread.
fn stack(s: &State) -> u32 {
    let mut key = Vec::new();
    let mut total = 0;
    let mut fr = if Ctx::has_current() { Thread::of(Ctx::current()).current.get() } else { std::ptr::null_mut() };
    let limit = s.limit.get();
    let mut codes = Vec::new();
    while !fr.is_null() {
        // SAFETY: frames in the chain are alive.
        let f = unsafe { &*fr };
        if total < limit {
            let code = &f.code().code;
            key.push((Arc::as_ptr(code) as usize, f.lasti()));
            codes.push(code.clone());
        }
        total += 1;
        fr = f.prev;
    }
    let Ok(mut t) = s.traces.try_borrow_mut() else { return 0 };
    if let Some(n) = t.stacks.get(&key) {
        return *n;
    }
    let mut places: Vec<Place> =
        codes.iter().zip(&key).map(|(c, (_, pc))| (c.filename.clone(), c.position(*pc).line)).collect();
    if places.is_empty() {
        places.push((Arc::from("<unknown>"), 0));
        total = 1;
    }
    let n = t.by_number.len() as u32;
    t.by_number.push(Stack { places: places.into(), total, _codes: codes });
    t.stacks.insert(key, n);
    n
}

fn clear() {
    let s = state();
    let old = s.traces.take();
    s.now.set(0);
    s.peak.set(0);
    drop(old);
}

/// Starts tracing with so many frames in each trace.
pub(crate) fn start(limit: usize) {
    let s = state();
    s.limit.set(limit);
    if !s.on.replace(true) {
        clear();
        trace_allocations(Some(Tracer { allocated, freed }));
    }
}

/// What the traced objects hold outside of their cells, in bytes.
fn all_outside() -> usize {
    let t = state().traces.borrow();
    // SAFETY: traced cells are allocated, and measuring runs nothing.
    t.cells.keys().map(|p| unsafe { outside(*p as *const Header) }).sum()
}

fn quiet<R>(f: impl FnOnce() -> R) -> R {
    let before = state().busy.replace(true);
    let r = f();
    state().busy.set(before);
    r
}

fn frames(s: &[(String, u32)]) -> Obj {
    tuple::new(
        s.iter().map(|(file, line)| tuple::new(vec![Obj::from(file.as_str()), Obj::from(i64::from(*line))])).collect(),
    )
}

fn copy(stack: &Stack) -> Vec<(String, u32)> {
    stack.places.iter().map(|(f, l)| (f.to_string(), *l)).collect()
}

/// Where in the program the objects that are alive were made.
#[pymodule(name = "_tracemalloc")]
pub(crate) mod module {
    use super::*;

    /// Whether objects are traced now.
    #[pyfunction]
    fn is_tracing() -> bool {
        state().on.get()
    }

    /// Forgets all traces; tracing goes on.
    #[pyfunction]
    fn clear_traces() {
        if state().on.get() {
            clear();
        }
    }

    /// A list of traces, one for each object: domain, size, traceback and the number of frames before it was cut.
    #[pyfunction]
    fn _get_traces() -> Obj {
        if !state().on.get() {
            return list::new(Vec::new());
        }
        quiet(|| {
            let rows: Vec<(usize, Vec<(String, u32)>, usize)> = {
                let t = state().traces.borrow();
                let of = |(p, (size, n)): (&usize, &(usize, u32))| {
                    let stack = t.by_number.get(*n as usize)?;
                    // SAFETY: traced cells are allocated, and measuring runs nothing.
                    let size = *size + unsafe { outside(*p as *const Header) };
                    Some((size, copy(stack), stack.total))
                };
                t.cells.iter().filter_map(of).collect()
            };
            list::new(
                rows.into_iter()
                    .map(|(size, places, total)| {
                        tuple::new(vec![Obj::from(0i64), Obj::from(size), frames(&places), Obj::from(total)])
                    })
                    .collect(),
            )
        })
    }

    /// The frames that made an object, the newest first, or None if it is not traced.
    #[pyfunction(sig = "(obj, /)")]
    fn _get_object_traceback(obj: &Obj) -> Option<Obj> {
        let address = obj.value().as_ptr()? as usize;
        let places = {
            let t = state().traces.borrow();
            let (_, n) = t.cells.get(&address)?;
            copy(t.by_number.get(*n as usize)?)
        };
        Some(quiet(|| frames(&places)))
    }

    /// Begins to trace, keeping at most nframe frames for each object.
    #[pyfunction(name = "start", sig = "(nframe=1, /)")]
    fn start_tracing(cx: &Ctx, nframe: i64) -> PyResult<()> {
        if !(1..=65535).contains(&nframe) {
            return Err(cx.value_error("the number of frames must be in range [1; 65535]"));
        }
        start(nframe as usize);
        Ok(())
    }

    /// Ends tracing and forgets all traces.
    #[pyfunction]
    fn stop() {
        if state().on.replace(false) {
            trace_allocations(None);
            clear();
        }
    }

    /// How many frames a trace has at most.
    #[pyfunction]
    fn get_traceback_limit() -> usize {
        state().limit.get()
    }

    /// How many bytes the traces themselves take.
    #[pyfunction]
    fn get_tracemalloc_memory() -> usize {
        let t = state().traces.borrow();
        let stacks: usize = t.by_number.iter().map(|s| s.places.len() * size_of::<Place>()).sum();
        t.cells.capacity() * 24 + t.stacks.capacity() * 48 + stacks
    }

    /// The bytes that traced objects take now, and the most they took at any time.
    #[pyfunction]
    fn get_traced_memory() -> Obj {
        let s = state();
        if !s.on.get() {
            return tuple::new(vec![Obj::from(0i64), Obj::from(0i64)]);
        }
        let now = s.now.get() + all_outside();
        let peak = s.peak.get().max(now);
        s.peak.set(peak);
        tuple::new(vec![Obj::from(now), Obj::from(peak)])
    }

    /// Lets the peak begin anew at the present size.
    #[pyfunction]
    fn reset_peak() {
        let s = state();
        s.peak.set(s.now.get() + all_outside());
    }
}
