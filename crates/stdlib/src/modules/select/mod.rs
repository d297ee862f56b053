//! `select`: waiting for file descriptors.

mod epoll;
mod poll;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{exc, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::modules::time::{Round, seconds_to_ns};
use crate::os::args::file_descriptor;
use crate::os::{add_ints, c_ints, errno, sys};

/// When a wait that began now must end; nothing: never.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<std::time::Instant>);

impl Deadline {
    /// A deadline so many nanoseconds from now.
    pub fn after(ns: Option<i128>) -> Deadline {
        let d = ns.and_then(|n| u64::try_from(n).ok());
        Deadline(d.and_then(|n| std::time::Instant::now().checked_add(std::time::Duration::from_nanos(n))))
    }

    /// Milliseconds left, rounded up; -1 for ever.
    pub fn millis(self) -> i32 {
        match self.0 {
            Some(t) => {
                let left = t.saturating_duration_since(std::time::Instant::now()).as_nanos();
                left.div_ceil(1_000_000).min(i32::MAX as u128) as i32
            }
            None => -1,
        }
    }
}

/// Waits by `poll`, again after interruptions.
pub(super) fn wait(cx: &Ctx, fds: &mut [libc::pollfd], deadline: Deadline) -> PyResult<i32> {
    loop {
        let r = cx.without_lock(|| {
            let r = sys!(libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, deadline.millis()));
            if r < 0 { Err(errno()) } else { Ok(r) }
        });
        match r {
            Err(libc::EINTR) => (cx.host().poll)(cx)?,
            Err(e) => return Err(cx.os_error(e)),
            Ok(n) => return Ok(n),
        }
    }
}

/// Waiting until file descriptors are ready.
#[pymodule(name = "select", classes(super::epoll::Epoll))]
pub(crate) mod select {
    use super::*;
    use cinder_pyobj::native::PyClass;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let _ = super::poll::Poll::class;
        let named = c_ints![
            POLLIN POLLPRI POLLOUT POLLERR POLLHUP POLLNVAL POLLRDNORM POLLRDBAND POLLWRNORM POLLWRBAND EPOLLIN EPOLLOUT
            EPOLLPRI EPOLLERR EPOLLHUP EPOLLRDHUP EPOLLET EPOLLONESHOT EPOLLEXCLUSIVE EPOLLRDNORM EPOLLRDBAND
            EPOLLWRNORM EPOLLWRBAND EPOLLMSG EPOLLWAKEUP EPOLL_CLOEXEC PIPE_BUF
        ];
        let fixed: Vec<(&str, i64)> =
            named.iter().map(|(n, v)| (*n, if *n == "EPOLLET" { 1 << 31 } else { *v })).collect();
        add_ints(cx, module, &fixed)?;
        add_ints(cx, module, &[("POLLMSG", 0x400), ("POLLRDHUP", 0x2000)])?;
        module.set_attr(cx, intern!("error"), &exc::OSError().as_obj())
    }

    /// A new object that waits for registered file descriptors.
    #[pyfunction(name = "poll")]
    fn new_poll(_cx: &Ctx) -> Obj {
        super::poll::Poll::create()
    }

    /// Waits until file descriptors are ready to be read, written, or have an exceptional condition.
    ///
    /// The lists hold descriptors or objects with fileno(). timeout is in seconds; None waits for ever. The
    /// result is three lists of the objects that are ready.
    #[pyfunction(sig = "(rlist, wlist, xlist, timeout=None, /)")]
    fn select(cx: &Ctx, rlist: &Obj, wlist: &Obj, xlist: &Obj, timeout: Option<&Obj>) -> PyResult {
        let ns = match timeout {
            Some(t) => {
                if cinder_pyobj::types::float::as_f64(t).is_none()
                    && !t.is_int()
                    && t.type_of().slots.index.get().is_none()
                {
                    return Err(cx.type_error("timeout must be a float or None"));
                }
                let ns = seconds_to_ns(cx, t, Round::Ceiling)?;
                if ns < 0 {
                    return Err(cx.value_error("timeout must be non-negative"));
                }
                Some(ns)
            }
            None => None,
        };
        let mut sets = Vec::new();
        for l in [rlist, wlist, xlist] {
            if l.type_of().slots.iter.get().is_none() && l.type_of().slots.getitem.get().is_none() {
                return Err(cx.type_error("arguments 1-3 must be sequences"));
            }
            let mut set = Vec::new();
            // `fileno()` may change a list, whose length is looked at anew each time.
            let live = list::as_list(l);
            let fixed = if live.is_some() { Vec::new() } else { l.collect(cx)? };
            let item = |i: usize| live.map_or_else(|| fixed.get(i).cloned(), |l| l.get(i));
            while let Some(o) = item(set.len()) {
                let fd = file_descriptor(cx, &o)?;
                if fd as usize >= libc::FD_SETSIZE {
                    return Err(cx.value_error("filedescriptor out of range in select()"));
                }
                set.push((o, fd));
            }
            sets.push(set);
        }
        let mut fds: Vec<libc::pollfd> = Vec::new();
        let events = [libc::POLLIN, libc::POLLOUT, libc::POLLPRI];
        for (set, e) in sets.iter().zip(events) {
            fds.extend(set.iter().map(|(_, fd)| libc::pollfd { fd: *fd, events: e, revents: 0 }));
        }
        super::wait(cx, &mut fds, Deadline::after(ns))?;
        if fds.iter().any(|f| f.revents & libc::POLLNVAL != 0) {
            return Err(cx.os_error(libc::EBADF));
        }
        // What makes select() report a descriptor, in the terms of poll().
        let ready = [libc::POLLIN | libc::POLLHUP | libc::POLLERR, libc::POLLOUT | libc::POLLERR, libc::POLLPRI];
        let mut at = fds.iter();
        let mut out = Vec::new();
        for (set, mask) in sets.iter().zip(ready) {
            let hits = set.iter().filter(|_| at.next().is_some_and(|f| f.revents & mask != 0)).map(|(o, _)| o.clone());
            out.push(list::new(hits.collect()));
        }
        Ok(tuple::new(out))
    }
}
