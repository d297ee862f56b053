//! `_multiprocessing`: the semaphore behind the locks of multiprocessing.

use std::cell::{Cell, RefCell};
use std::ffi::CString;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::{Type, dict};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::args::c_string;
use crate::os::{call, check, errno, last_error, retry, sys};

const RECURSIVE_MUTEX: i64 = 0;
const SEMAPHORE: i64 = 1;
const SEM_VALUE_MAX: i64 = i32::MAX as i64;

/// Semaphore/Mutex type
#[pyclass(name = "SemLock", module = "_multiprocessing", flags(basetype, mutable))]
pub struct SemLock {
    /// The address of the `sem_t`.
    handle: Cell<usize>,
    kind: i64,
    maxvalue: i64,
    name: RefCell<Option<CString>>,
    /// The thread that acquired it last.
    owner: Cell<usize>,
    count: Cell<i64>,
}

impl Traverse for SemLock {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Drop for SemLock {
    fn drop(&mut self) {
        if self.handle.get() != 0 {
            sys!(libc::sem_close(self.sem()));
        }
    }
}

fn this_thread() -> usize {
    sys!(libc::pthread_self()) as usize
}

impl SemLock {
    fn sem(&self) -> *mut libc::sem_t {
        self.handle.get() as *mut libc::sem_t
    }

    fn mine(&self) -> bool {
        self.count.get() > 0 && self.owner.get() == this_thread()
    }

    fn value(&self, cx: &Ctx) -> PyResult<i64> {
        let mut v: libc::c_int = 0;
        check(cx, sys!(libc::sem_getvalue(self.sem(), &mut v)))?;
        Ok(i64::from(v.max(0)))
    }

    fn grab(&self, cx: &Ctx, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        if self.kind == RECURSIVE_MUTEX && self.mine() {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let sem = self.handle.get();
        let at = || sem as *mut libc::sem_t;
        // The common case takes no lock hand-over.
        let mut taken = sys!(libc::sem_trywait(at())) == 0;
        if !taken {
            match errno() {
                libc::EAGAIN | libc::EINTR => {}
                e => return Err(cx.os_error(e)),
            }
            if block {
                taken = match timeout {
                    None => {
                        call(cx, || sys!(libc::sem_wait(at())))?;
                        true
                    }
                    Some(t) => {
                        let end = deadline(cx, t)?;
                        match retry(cx, || sys!(libc::sem_timedwait(at(), &end)))? {
                            Ok(_) => true,
                            Err(libc::ETIMEDOUT) => false,
                            Err(e) => return Err(cx.os_error(e)),
                        }
                    }
                };
            }
        }
        if taken {
            self.count.set(self.count.get() + 1);
            self.owner.set(this_thread());
        }
        Ok(taken)
    }
}

/// The wall-clock time `seconds` from now; negative times are now.
fn deadline(cx: &Ctx, seconds: f64) -> PyResult<libc::timespec> {
    let mut now = crate::os::zeroed!(libc::timespec);
    check(cx, sys!(libc::clock_gettime(libc::CLOCK_REALTIME, &mut now)))?;
    let s = if seconds.is_finite() { seconds.clamp(0.0, 1e9) } else { 1e9 };
    let ns = now.tv_nsec + (s.fract() * 1e9) as i64;
    now.tv_sec += s.trunc() as i64 + ns / 1_000_000_000;
    now.tv_nsec = ns % 1_000_000_000;
    Ok(now)
}

fn check_kind(cx: &Ctx, kind: i64) -> PyResult<()> {
    if kind == RECURSIVE_MUTEX || kind == SEMAPHORE { Ok(()) } else { Err(cx.value_error("unrecognized kind")) }
}

fn make(ty: &Type, sem: *mut libc::sem_t, kind: i64, maxvalue: i64, name: Option<CString>) -> Obj {
    new_instance(
        ty,
        SemLock {
            handle: Cell::new(sem as usize),
            kind,
            maxvalue,
            name: RefCell::new(name),
            owner: Cell::new(0),
            count: Cell::new(0),
        },
    )
}

#[pymethods]
impl SemLock {
    #[pynew(sig = "(kind, value, maxvalue, name, unlink)")]
    fn __new__(cx: &Ctx, ty: &Type, kind: i64, value: i64, maxvalue: i64, name: &Obj, unlink: bool) -> PyResult {
        check_kind(cx, kind)?;
        let text = c_string(cx, name)?;
        let sem = sys!(libc::sem_open(
            text.as_ptr(),
            libc::O_CREAT | libc::O_EXCL,
            0o600 as libc::c_uint,
            value as libc::c_uint
        ));
        if sem == libc::SEM_FAILED {
            return Err(last_error(cx));
        }
        if unlink && sys!(libc::sem_unlink(text.as_ptr())) < 0 {
            let r = last_error(cx);
            sys!(libc::sem_close(sem));
            return Err(r);
        }
        Ok(make(ty, sem, kind, maxvalue, (!unlink).then_some(text)))
    }

    #[pyclassmethod(name = "_rebuild", sig = "($type, handle, kind, maxvalue, name, /)")]
    fn rebuild(cx: &Ctx, ty: &Type, handle: i64, kind: i64, maxvalue: i64, name: &Obj) -> PyResult {
        check_kind(cx, kind)?;
        if name.is_none() {
            return Ok(make(ty, handle as usize as *mut libc::sem_t, kind, maxvalue, None));
        }
        let text = c_string(cx, name)?;
        let sem = sys!(libc::sem_open(text.as_ptr(), 0));
        if sem == libc::SEM_FAILED {
            return Err(last_error(cx));
        }
        Ok(make(ty, sem, kind, maxvalue, Some(text)))
    }

    /// Takes the semaphore, and tells whether it did.
    ///
    /// With block it waits, at most timeout seconds if one is given.
    #[pymethod(sig = "($self, /, block=True, timeout=None)")]
    fn acquire(cx: &Ctx, this: This<'_, SemLock>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        this.grab(cx, block, timeout)
    }

    /// Gives the semaphore up.
    #[pymethod]
    fn release(cx: &Ctx, this: This<'_, SemLock>) -> PyResult<()> {
        if this.kind == RECURSIVE_MUTEX {
            if !this.mine() {
                return Err(cx.raise(
                    cinder_pyobj::types::exc::AssertionError(),
                    "attempt to release recursive lock not owned by thread",
                ));
            }
            if this.count.get() > 1 {
                this.count.set(this.count.get() - 1);
                return Ok(());
            }
        } else if this.value(cx)? >= this.maxvalue {
            return Err(cx.value_error("semaphore or lock released too many times"));
        }
        check(cx, sys!(libc::sem_post(this.sem())))?;
        this.count.set(this.count.get() - 1);
        Ok(())
    }

    /// Takes the semaphore, waiting for it.
    #[pymethod(name = "__enter__")]
    fn enter(cx: &Ctx, this: This<'_, SemLock>) -> PyResult<bool> {
        this.grab(cx, true, None)
    }

    /// Gives the semaphore up; exceptions go on.
    #[pymethod(name = "__exit__", sig = "($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn exit(
        cx: &Ctx,
        this: This<'_, SemLock>,
        exc_type: Option<&Obj>,
        exc_value: Option<&Obj>,
        exc_tb: Option<&Obj>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, exc_tb);
        Self::release(cx, this)
    }

    /// How often this process took it more than it gave it up.
    #[pymethod(name = "_count")]
    fn py_count(&self) -> i64 {
        self.count.get()
    }

    /// Whether the running thread holds it.
    #[pymethod(name = "_is_mine")]
    fn is_mine(&self) -> bool {
        self.mine()
    }

    /// How many could take it now without waiting.
    #[pymethod(name = "_get_value")]
    fn get_value(cx: &Ctx, this: This<'_, SemLock>) -> PyResult<i64> {
        this.value(cx)
    }

    /// Whether it cannot be taken now without waiting.
    #[pymethod(name = "_is_zero")]
    fn is_zero(cx: &Ctx, this: This<'_, SemLock>) -> PyResult<bool> {
        Ok(this.value(cx)? == 0)
    }

    /// Says in a forked child that it holds nothing.
    #[pymethod(name = "_after_fork")]
    fn after_fork(&self) {
        self.count.set(0);
    }

    #[pygetter(member, name = "handle")]
    fn py_handle(&self) -> i64 {
        self.handle.get() as i64
    }

    #[pygetter(member, name = "kind")]
    fn py_kind(&self) -> i64 {
        self.kind
    }

    #[pygetter(member, name = "maxvalue")]
    fn py_maxvalue(&self) -> i64 {
        self.maxvalue
    }

    #[pygetter(member, name = "name")]
    fn py_name(&self) -> Option<String> {
        self.name.borrow().as_ref().map(|n| n.to_string_lossy().into_owned())
    }

    #[pyinit]
    fn add_constants(ty: &Type) {
        cinder_pyobj::types::set_class_constant(ty, intern!("SEM_VALUE_MAX"), Obj::from(SEM_VALUE_MAX));
    }
}

/// Support for multiprocessing.
#[pymodule(name = "_multiprocessing", classes(super::SemLock))]
pub(crate) mod multiprocessing {
    use super::*;

    /// Removes a named semaphore.
    #[pyfunction(sig = "(name, /)", name = "sem_unlink")]
    fn py_sem_unlink(cx: &Ctx, name: &Obj) -> PyResult<()> {
        let text = c_string(cx, name)?;
        check(cx, sys!(libc::sem_unlink(text.as_ptr())))?;
        Ok(())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let flags = dict::new();
        for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
            dict::set(cx, &flags, &Obj::from(name), &Obj::from(1i64))?;
        }
        module.set_attr(cx, intern!("flags"), &flags)
    }
}
