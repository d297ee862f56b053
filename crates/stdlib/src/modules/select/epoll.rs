//! `select.epoll`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::{Type, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::Deadline;
use crate::modules::time::{Round, seconds_to_ns};
use crate::os::args::file_descriptor;
use crate::os::{check, errno, sys, zeroed};

/// Waits for the events of registered file descriptors, whose number does not matter for the speed.
#[pyclass(name = "epoll", module = "select")]
pub struct Epoll {
    /// -1 once closed.
    fd: Cell<i32>,
}

impl Traverse for Epoll {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Drop for Epoll {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            sys!(libc::close(self.fd.get()));
        }
    }
}

impl Epoll {
    fn open_fd(&self, cx: &Ctx) -> PyResult<i32> {
        match self.fd.get() {
            -1 => Err(cx.value_error("I/O operation on closed epoll object")),
            fd => Ok(fd),
        }
    }

    fn control(&self, cx: &Ctx, op: i32, fd: &Obj, events: u32) -> PyResult<()> {
        let ep = self.open_fd(cx)?;
        let fd = file_descriptor(cx, fd)?;
        let mut e = libc::epoll_event { events, u64: fd as u64 };
        check(cx, sys!(libc::epoll_ctl(ep, op, fd, &mut e))).map(|_| ())
    }
}

#[pymethods]
impl Epoll {
    #[pynew(sig = "(sizehint=-1, flags=0)")]
    fn __new__(cx: &Ctx, ty: &Type, sizehint: i32, flags: i32) -> PyResult {
        if sizehint != -1 && sizehint <= 0 {
            return Err(cx.value_error("sizehint must be positive or -1"));
        }
        if flags & !libc::EPOLL_CLOEXEC != 0 {
            return Err(cx.os_error(libc::EINVAL));
        }
        let fd = check(cx, sys!(libc::epoll_create1(libc::EPOLL_CLOEXEC)))?;
        Ok(new_instance(ty, Epoll { fd: Cell::new(fd) }))
    }

    /// Closes the object's own file descriptor.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Epoll>) -> PyResult<()> {
        let fd = this.fd.replace(-1);
        if fd >= 0 && sys!(libc::close(fd)) < 0 { Err(cx.os_error(errno())) } else { Ok(()) }
    }

    /// Whether the object is closed.
    #[pygetter]
    fn closed(_cx: &Ctx, this: This<'_, Epoll>) -> bool {
        this.fd.get() < 0
    }

    /// The object's own file descriptor.
    #[pymethod]
    fn fileno(cx: &Ctx, this: This<'_, Epoll>) -> PyResult<i32> {
        this.open_fd(cx)
    }

    /// An epoll object of an existing descriptor.
    #[pyclassmethod(sig = "($type, fd, /)")]
    fn fromfd(_cx: &Ctx, ty: &Type, fd: i32) -> Obj {
        new_instance(ty, Epoll { fd: Cell::new(fd) })
    }

    /// Registers a file descriptor.
    #[pymethod(sig = "($self, fd, eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)")]
    fn register(cx: &Ctx, this: This<'_, Epoll>, fd: &Obj, eventmask: Option<u32>) -> PyResult<()> {
        let default = (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32;
        this.control(cx, libc::EPOLL_CTL_ADD, fd, eventmask.unwrap_or(default))
    }

    /// Changes the events of a registered file descriptor.
    #[pymethod(sig = "($self, fd, eventmask)")]
    fn modify(cx: &Ctx, this: This<'_, Epoll>, fd: &Obj, eventmask: u32) -> PyResult<()> {
        this.control(cx, libc::EPOLL_CTL_MOD, fd, eventmask)
    }

    /// Removes a file descriptor.
    #[pymethod(sig = "($self, fd)")]
    fn unregister(cx: &Ctx, this: This<'_, Epoll>, fd: &Obj) -> PyResult<()> {
        this.control(cx, libc::EPOLL_CTL_DEL, fd, 0)
    }

    /// Waits; the result lists pairs (descriptor, events). timeout is in seconds; None or a negative number
    /// waits for ever.
    #[pymethod(sig = "($self, timeout=None, maxevents=-1)")]
    fn poll(cx: &Ctx, this: This<'_, Epoll>, timeout: Option<&Obj>, maxevents: i32) -> PyResult {
        let ep = this.open_fd(cx)?;
        let ns = match timeout {
            Some(t) => {
                if cinder_pyobj::types::float::as_f64(t).is_none()
                    && !t.is_int()
                    && t.type_of().slots.index.get().is_none()
                {
                    return Err(cx.type_error("timeout must be an integer or None"));
                }
                Some(seconds_to_ns(cx, t, Round::Ceiling)?).filter(|n| *n >= 0)
            }
            None => None,
        };
        if ns.is_some_and(|n| n.div_euclid(1_000_000) > i128::from(i32::MAX)) {
            return Err(cx.overflow_error("timeout is too large"));
        }
        let max = match maxevents {
            -1 => libc::FD_SETSIZE as i32 - 1,
            n if n < 1 => return Err(cx.value_error(format!("maxevents must be greater than 0, got {n}"))),
            n => n,
        };
        let mut events = vec![zeroed!(libc::epoll_event); max as usize];
        let deadline = Deadline::after(ns);
        let n = loop {
            let r = cx.without_lock(|| {
                let r = sys!(libc::epoll_wait(ep, events.as_mut_ptr(), max, deadline.millis()));
                if r < 0 { Err(errno()) } else { Ok(r) }
            });
            match r {
                Err(libc::EINTR) => (cx.host().poll)(cx)?,
                Err(e) => return Err(cx.os_error(e)),
                Ok(n) => break n as usize,
            }
        };
        let pairs = events[..n].iter().map(|e| {
            let (fd, mask) = (e.u64 as i32, e.events);
            tuple::new(vec![Obj::from(fd), Obj::from(mask)])
        });
        Ok(list::new(pairs.collect()))
    }

    #[pymethod]
    fn __enter__(cx: &Ctx, this: This<'_, Epoll>) -> PyResult {
        this.open_fd(cx)?;
        Ok(this.obj().clone())
    }

    #[pymethod(sig = "($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn __exit__(
        cx: &Ctx,
        this: This<'_, Epoll>,
        exc_type: Option<&Obj>,
        exc_value: Option<&Obj>,
        exc_tb: Option<&Obj>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, exc_tb);
        Epoll::close(cx, this)
    }
}
