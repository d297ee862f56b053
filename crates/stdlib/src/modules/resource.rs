//! `resource`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, exc, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::{add_ints, c_ints, check, errno, last_error, sys, zeroed};

static USAGE: StructSeq = StructSeq {
    name: "struct_rusage",
    module: "resource",
    doc: "Resources that a process or its children used.",
    fields: &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "most memory held at any time, in kilobytes"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults served from memory"),
        ("ru_majflt", "page faults served from a disk"),
        ("ru_nswap", "times the whole process was moved to a disk"),
        ("ru_inblock", "times something was read from a disk"),
        ("ru_oublock", "times something was written to a disk"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "messages that were received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "times it gave the processor up to wait"),
        ("ru_nivcsw", "times the processor was taken from it"),
    ],
    visible: 16,
    cell: TypeCell::new(),
};

/// A `struct_rusage`.
pub(crate) fn usage_result(u: &libc::rusage) -> Obj {
    let time = |t: libc::timeval| Obj::from(t.tv_sec as f64 + t.tv_usec as f64 * 1e-6);
    let mut v = vec![time(u.ru_utime), time(u.ru_stime)];
    v.extend(
        [
            u.ru_maxrss,
            u.ru_ixrss,
            u.ru_idrss,
            u.ru_isrss,
            u.ru_minflt,
            u.ru_majflt,
            u.ru_nswap,
            u.ru_inblock,
            u.ru_oublock,
            u.ru_msgsnd,
            u.ru_msgrcv,
            u.ru_nsignals,
            u.ru_nvcsw,
            u.ru_nivcsw,
        ]
        .map(Obj::from),
    );
    USAGE.make(v)
}

/// A limit from Python, where -1 is none.
fn limit(cx: &Ctx, o: &Obj) -> PyResult<libc::rlim_t> {
    let i = o.index(cx)?;
    match int::as_u64(&i) {
        Some(n) => Ok(n),
        None if int::as_i64(&i) == Some(-1) => Ok(libc::RLIM_INFINITY),
        None if int::is_negative(&i) => Err(cx.value_error("Cannot convert negative int")),
        None => Err(cx.overflow_error("Python int too large to convert to C rlim_t")),
    }
}

/// A limit for Python.
fn shown(limit: libc::rlim_t) -> Obj {
    if limit == libc::RLIM_INFINITY { Obj::from(-1i64) } else { Obj::from(limit) }
}

fn pair(l: &libc::rlimit) -> Obj {
    tuple::pair(shown(l.rlim_cur), shown(l.rlim_max))
}

fn new_limits(cx: &Ctx, limits: &Obj) -> PyResult<libc::rlimit> {
    let items = limits.collect(cx)?;
    let [soft, hard] = &items[..] else {
        return Err(cx.value_error("expected a tuple of 2 integers"));
    };
    Ok(libc::rlimit { rlim_cur: limit(cx, soft)?, rlim_max: limit(cx, hard)? })
}

fn check_resource(cx: &Ctx, r: i32) -> PyResult<u32> {
    if (0..16).contains(&r) { Ok(r as u32) } else { Err(cx.value_error("invalid resource specified")) }
}

fn refused(cx: &Ctx) -> cinder_pyobj::Raised {
    match errno() {
        libc::EINVAL => cx.value_error("current limit exceeds maximum limit"),
        libc::EPERM => cx.value_error("not allowed to raise maximum limit"),
        _ => last_error(cx),
    }
}

/// Limits and use of system resources.
#[pymodule(name = "resource")]
pub(crate) mod resource {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let constants = c_ints![
            RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_NOFILE RLIMIT_AS RLIMIT_RSS
            RLIMIT_NPROC RLIMIT_MEMLOCK RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING
            RUSAGE_SELF RUSAGE_CHILDREN RUSAGE_THREAD
        ];
        add_ints(cx, module, constants)?;
        add_ints(cx, module, &[("RLIMIT_OFILE", libc::RLIMIT_NOFILE as i64), ("RLIM_INFINITY", -1)])?;
        module.set_attr(cx, intern!("struct_rusage"), &USAGE.type_object().as_obj())?;
        module.set_attr(cx, intern!("error"), &exc::OSError().as_obj())
    }

    /// What the process (RUSAGE_SELF), its thread or its children used.
    #[pyfunction(sig = "(who, /)")]
    fn getrusage(cx: &Ctx, who: i32) -> PyResult {
        let mut u = zeroed!(libc::rusage);
        if sys!(libc::getrusage(who, &mut u)) < 0 {
            return Err(match errno() {
                libc::EINVAL => cx.value_error("invalid who parameter"),
                _ => last_error(cx),
            });
        }
        Ok(usage_result(&u))
    }

    /// The (soft, hard) limits of a resource.
    #[pyfunction(sig = "(resource, /)")]
    fn getrlimit(cx: &Ctx, resource: i32) -> PyResult {
        let r = check_resource(cx, resource)?;
        let mut l = zeroed!(libc::rlimit);
        check(cx, sys!(libc::getrlimit(r, &mut l)))?;
        Ok(pair(&l))
    }

    /// Sets the (soft, hard) limits of a resource.
    #[pyfunction(sig = "(resource, limits, /)")]
    fn setrlimit(cx: &Ctx, resource: i32, limits: &Obj) -> PyResult<()> {
        cx.audit("resource.setrlimit", || [Obj::from(resource), limits.clone()])?;
        let r = check_resource(cx, resource)?;
        let l = new_limits(cx, limits)?;
        if sys!(libc::setrlimit(r, &l)) < 0 { Err(refused(cx)) } else { Ok(()) }
    }

    /// Sets the limits of a resource of a process, if given, and returns the old ones.
    #[pyfunction(sig = "(pid, resource, limits=None, /)")]
    fn prlimit(cx: &Ctx, pid: i32, resource: i32, limits: Option<&Obj>) -> PyResult {
        cx.audit("resource.prlimit", || {
            [Obj::from(pid), Obj::from(resource), limits.cloned().unwrap_or_else(Obj::none)]
        })?;
        let r = check_resource(cx, resource)?;
        let new = limits.map(|l| new_limits(cx, l)).transpose()?;
        let mut old = zeroed!(libc::rlimit);
        let p = new.as_ref().map_or(std::ptr::null(), |l| l as *const libc::rlimit);
        if sys!(libc::prlimit(pid, r, p, &mut old)) < 0 {
            return Err(if errno() == libc::EINVAL { refused(cx) } else { last_error(cx) });
        }
        Ok(pair(&old))
    }

    /// The size of a memory page in bytes.
    #[pyfunction]
    fn getpagesize() -> i64 {
        sys!(libc::sysconf(libc::_SC_PAGESIZE))
    }
}
