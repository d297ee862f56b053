//! `select.poll` objects.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{Deadline, wait};
use crate::os::args::file_descriptor;

/// Waits for the events of registered file descriptors.
#[pyclass(name = "poll", module = "select", flags(no_new))]
pub struct Poll {
    /// Descriptors and events in order of registration.
    fds: RefCell<Vec<(i32, u16)>>,
    running: Cell<bool>,
}

impl Traverse for Poll {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Poll {
    pub(super) fn create() -> Obj {
        let p = Poll { fds: RefCell::new(Vec::new()), running: Cell::new(false) };
        new_instance(Poll::type_object(), p)
    }
}

fn event_mask(cx: &Ctx, o: Option<&Obj>) -> PyResult<u16> {
    let Some(o) = o else { return Ok((libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16) };
    let i = o.index(cx)?;
    match int::as_i64(&i).map(u16::try_from) {
        Some(Ok(m)) => Ok(m),
        _ if int::is_negative(&i) => Err(cx.value_error("can't convert negative value to unsigned short")),
        _ => Err(cx.overflow_error("Python int too large for C unsigned short")),
    }
}

#[pymethods]
impl Poll {
    /// Registers a file descriptor, or changes the events that it waits for.
    #[pymethod(sig = "($self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)")]
    fn register(cx: &Ctx, this: This<'_, Poll>, fd: &Obj, eventmask: Option<&Obj>) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        let mask = event_mask(cx, eventmask)?;
        let mut fds = this.fds.borrow_mut();
        match fds.iter_mut().find(|(f, _)| *f == fd) {
            Some(e) => e.1 = mask,
            None => fds.push((fd, mask)),
        }
        Ok(())
    }

    /// Changes the events that a registered file descriptor waits for.
    #[pymethod(sig = "($self, fd, eventmask, /)")]
    fn modify(cx: &Ctx, this: This<'_, Poll>, fd: &Obj, eventmask: &Obj) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        let mask = event_mask(cx, Some(eventmask))?;
        match this.fds.borrow_mut().iter_mut().find(|(f, _)| *f == fd) {
            Some(e) => {
                e.1 = mask;
                Ok(())
            }
            None => Err(cx.os_error(libc::ENOENT)),
        }
    }

    /// Removes a file descriptor.
    #[pymethod(sig = "($self, fd, /)")]
    fn unregister(cx: &Ctx, this: This<'_, Poll>, fd: &Obj) -> PyResult<()> {
        let n = file_descriptor(cx, fd)?;
        let mut fds = this.fds.borrow_mut();
        match fds.iter().position(|(f, _)| *f == n) {
            Some(i) => {
                fds.remove(i);
                Ok(())
            }
            None => {
                drop(fds);
                Err(cx.key_error(&Obj::from(n)))
            }
        }
    }

    /// Waits; the result lists pairs (descriptor, events). timeout is in milliseconds; None waits for ever.
    #[pymethod(sig = "($self, timeout=None, /)")]
    fn poll(cx: &Ctx, this: This<'_, Poll>, timeout: Option<&Obj>) -> PyResult {
        let ns = match timeout {
            Some(t) => {
                let ms = match cinder_pyobj::types::float::as_f64(t) {
                    Some(f) if f.is_nan() => return Err(cx.value_error("Invalid value NaN (not a number)")),
                    Some(f) => f * 1e6,
                    None if t.is_int() || t.type_of().slots.index.get().is_some() => t.to_i64(cx)? as f64 * 1e6,
                    None => return Err(cx.type_error("timeout must be an integer or None")),
                };
                if ms > i32::MAX as f64 * 1e6 {
                    return Err(cx.overflow_error("timeout is too large"));
                }
                if ms < 0.0 { None } else { Some(ms.ceil() as i128) }
            }
            None => None,
        };
        if this.running.get() {
            return Err(cx.runtime_error("concurrent poll() invocation"));
        }
        let mut fds: Vec<libc::pollfd> =
            this.fds.borrow().iter().map(|(fd, e)| libc::pollfd { fd: *fd, events: *e as i16, revents: 0 }).collect();
        this.running.set(true);
        let r = wait(cx, &mut fds, Deadline::after(ns));
        this.running.set(false);
        r?;
        let hits = fds.iter().filter(|f| f.revents != 0);
        Ok(list::new(hits.map(|f| tuple::new(vec![Obj::from(f.fd), Obj::from(i64::from(f.revents as u16))])).collect()))
    }
}
