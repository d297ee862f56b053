//! `_queue`: `SimpleQueue`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::{Type, exc, generic_alias};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// A queue without limit from which the oldest item comes first. put() never waits and may be called from destructors
/// and signal handlers.
#[pyclass(name = "SimpleQueue", module = "_queue", flags(basetype, weakref))]
#[derive(Traverse)]
pub struct SimpleQueue {
    items: RefCell<VecDeque<Obj>>,
}

/// Raised where an item is wanted at once and the queue has none.
#[pyclass(name = "Empty", module = "_queue", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Empty;

fn empty(cx: &Ctx) -> Raised {
    cx.raise_args(Empty::class().type_object(), &[])
}

impl SimpleQueue {
    fn take(&self) -> Option<Obj> {
        self.items.borrow_mut().pop_front()
    }

    /// Waits for an item, letting other threads run meanwhile.
    fn wait(&self, cx: &Ctx, deadline: Option<Instant>) -> PyResult {
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(x) = self.take() {
                return Ok(x);
            }
            let now = Instant::now();
            let left = match deadline {
                Some(d) if now >= d => return Err(empty(cx)),
                Some(d) => d - now,
                None => Duration::MAX,
            };
            let nap = pause.min(left);
            cx.without_lock(|| std::thread::sleep(nap));
            (cx.host().poll)(cx)?;
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
}

#[pymethods]
impl SimpleQueue {
    #[pynew(sig = "()")]
    fn __new__(_cx: &Ctx, ty: &Type) -> PyResult {
        Ok(new_instance(ty, SimpleQueue { items: RefCell::new(VecDeque::new()) }))
    }

    /// Puts an item on the queue. It never blocks; block and timeout are there for compatibility.
    #[pymethod(sig = "($self, item, block=True, timeout=None)")]
    fn put(_cx: &Ctx, this: This<'_, SimpleQueue>, item: &Obj, block: Option<&Obj>, timeout: Option<&Obj>) {
        let _ = (block, timeout);
        this.items.borrow_mut().push_back(item.clone());
    }

    /// Puts an item on the queue without blocking.
    #[pymethod(sig = "($self, item)")]
    fn put_nowait(_cx: &Ctx, this: This<'_, SimpleQueue>, item: &Obj) {
        this.items.borrow_mut().push_back(item.clone());
    }

    /// Removes and returns an item; if block is true, waits for one, at most timeout seconds.
    #[pymethod(sig = "($self, block=True, timeout=None)")]
    fn get(cx: &Ctx, this: This<'_, SimpleQueue>, block: bool, timeout: Option<f64>) -> PyResult {
        if !block {
            return this.take().ok_or_else(|| empty(cx));
        }
        let deadline = match timeout {
            None => None,
            Some(t) if t >= 0.0 => Duration::try_from_secs_f64(t).ok().and_then(|d| Instant::now().checked_add(d)),
            Some(_) => return Err(cx.value_error("'timeout' must be a non-negative number")),
        };
        this.wait(cx, deadline)
    }

    /// Removes and returns an item without blocking.
    #[pymethod]
    fn get_nowait(cx: &Ctx, this: This<'_, SimpleQueue>) -> PyResult {
        this.take().ok_or_else(|| empty(cx))
    }

    /// Returns true if the queue is empty.
    #[pymethod(name = "empty")]
    fn is_empty(_cx: &Ctx, this: This<'_, SimpleQueue>) -> bool {
        this.items.borrow().is_empty()
    }

    /// Returns the approximate size of the queue.
    #[pymethod]
    fn qsize(_cx: &Ctx, this: This<'_, SimpleQueue>) -> usize {
        this.items.borrow().len()
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}

/// Native implementation of the queue module's simple queue.
#[pymodule(name = "_queue", classes(super::SimpleQueue, super::Empty))]
pub(crate) mod queue {}
