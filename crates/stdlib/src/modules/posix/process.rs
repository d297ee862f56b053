//! Processes: fork, exec, wait, signals, priorities.

use std::ffi::CString;

use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, pymodule};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, exc, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::env::environment_block;
use crate::os::args::{PathArg, PathKind, Target, c_string};
use crate::os::{call, check, errno, last_error, sys, zeroed};

pub(crate) static TIMES_RESULT: StructSeq = StructSeq {
    name: "times_result",
    module: "posix",
    doc: "Times that a process and its children took, in seconds.",
    fields: &[
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "time that waited-for children ran in user mode"),
        ("children_system", "time that the system worked for waited-for children"),
        ("elapsed", "real time since some fixed moment"),
    ],
    visible: 5,
    cell: TypeCell::new(),
};

pub(crate) static UNAME_RESULT: StructSeq = StructSeq {
    name: "uname_result",
    module: "posix",
    doc: "What the system is.",
    fields: &[
        ("sysname", "what the system is called"),
        ("nodename", "what this machine is called among others"),
        ("release", "which release the system is of"),
        ("version", "which version of that release it is"),
        ("machine", "hardware identifier"),
    ],
    visible: 5,
    cell: TypeCell::new(),
};

pub(crate) static WAITID_RESULT: StructSeq = StructSeq {
    name: "waitid_result",
    module: "posix",
    doc: "What waitid() found.",
    fields: &[("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")],
    visible: 5,
    cell: TypeCell::new(),
};

/// The pointers of a list of texts, with the null that ends it.
pub(crate) fn pointers(v: &[CString]) -> Vec<*const libc::c_char> {
    v.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// The argument list of an exec call.
fn argument_list(cx: &Ctx, f: &str, argv: &Obj) -> PyResult<Vec<CString>> {
    if list::as_list(argv).is_none() && tuple::items_if_tuple(argv).is_none() {
        return Err(cx.type_error(format!("{f}: argv must be a tuple or list")));
    }
    let items = argv.collect(cx)?;
    if items.is_empty() {
        return Err(cx.value_error(format!("{f}: argv must not be empty")));
    }
    let v = items.iter().map(|a| c_string(cx, a)).collect::<PyResult<Vec<CString>>>()?;
    if v[0].is_empty() {
        return Err(cx.value_error(format!("{f}: argv first element cannot be empty")));
    }
    Ok(v)
}

/// Runs the functions that `register_at_fork` recorded for a moment; what they raise is reported only.
pub(crate) fn run_fork_hooks(cx: &Ctx, which: Name, reversed: bool) {
    let run = || -> PyResult<()> {
        let module = (cx.host().import)(cx, "posix")?;
        let Some(hooks) = module.get_attr_opt(cx, which)? else { return Ok(()) };
        let mut hooks = hooks.collect(cx)?;
        if reversed {
            hooks.reverse();
        }
        for h in hooks {
            if let Err(r) = h.call0(cx) {
                let _ = cx.set_pending(cx.take(r));
                (cx.host().unraisable)(cx, None, Some(&h));
            }
        }
        Ok(())
    };
    if let Err(r) = run() {
        drop(cx.take(r));
    }
}

/// Warns that a process with several threads was forked.
pub(crate) fn warn_of_threads(cx: &Ctx, call: &str) -> PyResult<()> {
    // The text after the command's name in parentheses; the number of threads is its 18th word.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let words = stat.rsplit(") ").next().unwrap_or("").split(' ');
    let threads: u32 = words.skip(17).next().and_then(|n| n.parse().ok()).unwrap_or(1);
    if threads < 2 {
        return Ok(());
    }
    let pid = std::process::id();
    let text =
        format!("This process (pid={pid}) is multi-threaded, use of {call}() may lead to deadlocks in the child.");
    (cx.host().warn)(cx, exc::DeprecationWarning(), &text, 1)
}

fn fork_with(cx: &Ctx, name: &str, f: impl FnOnce() -> i32) -> PyResult<i32> {
    let sys = (cx.host().import)(cx, "sys")?;
    if sys.call_method(cx, intern!("is_finalizing"), &[])?.truthy(cx)? {
        return Err(cx.raise(exc::PythonFinalizationError(), "can't fork at interpreter shutdown"));
    }
    run_fork_hooks(cx, intern!("_before_fork"), true);
    let mut f = Some(f);
    let mut e = 0;
    let pid = (cx.host().fork)(cx, &mut || {
        let pid = f.take().map_or(-1, |f| f());
        e = errno();
        pid
    });
    if pid == 0 {
        run_fork_hooks(cx, intern!("_after_fork_in_child"), false);
    } else {
        run_fork_hooks(cx, intern!("_after_fork_in_parent"), false);
        if pid > 0 {
            warn_of_threads(cx, name)?;
        }
    }
    if pid < 0 { Err(cx.os_error(e)) } else { Ok(pid) }
}

fn pid_status(pid: i32, status: i32) -> Obj {
    tuple::new(vec![Obj::from(pid), Obj::from(status)])
}

/// A `sched_param` argument's priority.
fn priority_of(cx: &Ctx, o: &Obj) -> PyResult<libc::sched_param> {
    if !o.type_of().is(super::misc::SCHED_PARAM.type_object()) {
        return Err(cx.type_error("must have a sched_param object"));
    }
    let p = o.get_attr(cx, intern!("sched_priority"))?;
    let mut s = zeroed!(libc::sched_param);
    s.sched_priority = <i32 as cinder_pyobj::native::FromObj>::from_obj(cx, &p)?;
    Ok(s)
}

#[pymodule(part, name = "posix")]
pub(crate) mod process {
    use super::*;

    /// Makes a copy of the process; returns 0 in it, and its id in the original.
    #[pyfunction]
    fn fork(cx: &Ctx) -> PyResult<i32> {
        (cx.host().audit)(cx, "os.fork", &[])?;
        fork_with(cx, "fork", || sys!(libc::fork()))
    }

    /// Makes a copy of the process with a pseudo-terminal as its controlling terminal: (id, descriptor).
    #[pyfunction]
    fn forkpty(cx: &Ctx) -> PyResult {
        cx.audit("os.forkpty", || [])?;
        let mut fd = -1;
        let null = std::ptr::null_mut();
        let pid = fork_with(cx, "forkpty", || {
            sys!(libc::forkpty(&mut fd, null, std::ptr::null_mut(), std::ptr::null_mut()))
        })?;
        Ok(tuple::new(vec![Obj::from(pid), Obj::from(fd)]))
    }

    /// Registers functions to be called around fork().
    #[pyfunction(
        sig = "(*, before=<unrepresentable>, after_in_child=<unrepresentable>, after_in_parent=<unrepresentable>)"
    )]
    fn register_at_fork(
        cx: &Ctx,
        module: &Obj,
        before: Option<&Obj>,
        after_in_child: Option<&Obj>,
        after_in_parent: Option<&Obj>,
    ) -> PyResult<()> {
        if before.is_none() && after_in_child.is_none() && after_in_parent.is_none() {
            return Err(cx.type_error("At least one argument is required."));
        }
        for (what, f, name) in [
            ("before", before, intern!("_before_fork")),
            ("after_in_child", after_in_child, intern!("_after_fork_in_child")),
            ("after_in_parent", after_in_parent, intern!("_after_fork_in_parent")),
        ] {
            let Some(f) = f else { continue };
            if f.type_of().slots.call.get().is_none() {
                return Err(cx.type_error(format!("'{what}' must be callable, not {}", f.type_of().name())));
            }
            match module.get_attr_opt(cx, name)? {
                Some(l) => drop(l.call_method(cx, intern!("append"), std::slice::from_ref(f))?),
                None => module.set_attr(cx, name, &list::new(vec![f.clone()]))?,
            }
        }
        Ok(())
    }

    /// Ends the process at once: no clean-up handlers, no flushing.
    #[pyfunction(sig = "(status)")]
    fn _exit(status: i32) {
        sys!(libc::_exit(status));
    }

    /// Ends the process by the signal SIGABRT.
    #[pyfunction]
    fn abort() {
        sys!(libc::abort());
    }

    fn exec_failed(cx: &Ctx, t: &Target) -> PyResult<()> {
        Err(t.error(cx, errno()))
    }

    /// Replaces the program of the process.
    #[pyfunction(sig = "(path, argv, /)")]
    fn execv(cx: &Ctx, path: &Obj, argv: &Obj) -> PyResult<()> {
        let p = PathArg::new(cx, path, PathKind::path("execv"))?;
        let given = argv;
        let argv = argument_list(cx, "execv", argv)?;
        let a = pointers(&argv);
        cx.audit("os.exec", || [path.clone(), given.clone(), Obj::none()])?;
        sys!(libc::execv(p.ptr(), a.as_ptr()));
        exec_failed(cx, &Target::Path(p))
    }

    /// Replaces the program of the process, with another environment.
    #[pyfunction(sig = "(path, argv, env)")]
    fn execve(cx: &Ctx, path: &Obj, argv: &Obj, env: &Obj) -> PyResult<()> {
        let t = Target::new(cx, path, PathKind::path_or_fd("execve"))?;
        let event = || [path.clone(), argv.clone(), env.clone()];
        let list = argument_list(cx, "execve", argv)?;
        let block = environment_block(cx, env)?;
        cx.audit("os.exec", event)?;
        let (a, e) = (pointers(&list), pointers(&block));
        match &t {
            Target::Path(p) => sys!(libc::execve(p.ptr(), a.as_ptr(), e.as_ptr())),
            Target::Fd(fd) => sys!(libc::fexecve(*fd, a.as_ptr(), e.as_ptr())),
        };
        exec_failed(cx, &t)
    }

    /// Waits for a child process: (id, status).
    #[pyfunction]
    fn wait(cx: &Ctx) -> PyResult {
        waitpid(cx, -1, 0)
    }

    /// Waits for a given child process: (id, status).
    #[pyfunction(sig = "(pid, options, /)")]
    fn waitpid(cx: &Ctx, pid: i32, options: i32) -> PyResult {
        let mut status = 0;
        let r = call(cx, || sys!(libc::waitpid(pid, &mut status, options)))?;
        Ok(pid_status(r, status))
    }

    fn wait_usage(cx: &Ctx, pid: i32, options: i32) -> PyResult {
        let mut status = 0;
        let mut usage = zeroed!(libc::rusage);
        let r = call(cx, || sys!(libc::wait4(pid, &mut status, options, &mut usage)))?;
        let usage = crate::modules::resource::usage_result(&usage);
        Ok(tuple::new(vec![Obj::from(r), Obj::from(status), usage]))
    }

    /// Waits for a child process: (id, status, resource usage).
    #[pyfunction(sig = "(options)")]
    fn wait3(cx: &Ctx, options: i32) -> PyResult {
        wait_usage(cx, -1, options)
    }

    /// Waits for a given child process: (id, status, resource usage).
    #[pyfunction(sig = "(pid, options)")]
    fn wait4(cx: &Ctx, pid: i32, options: i32) -> PyResult {
        wait_usage(cx, pid, options)
    }

    /// Waits for the state of child processes to change; None if nothing did.
    #[pyfunction(sig = "(idtype, id, options, /)")]
    fn waitid(cx: &Ctx, idtype: u32, id: u32, options: i32) -> PyResult {
        let mut info = zeroed!(libc::siginfo_t);
        call(cx, || sys!(libc::waitid(idtype, id, &mut info, options)))?;
        let (pid, uid, status) = (sys!(info.si_pid()), sys!(info.si_uid()), sys!(info.si_status()));
        if pid == 0 {
            return Ok(Obj::none());
        }
        Ok(WAITID_RESULT.make(vec![
            Obj::from(pid),
            Obj::from(uid),
            Obj::from(info.si_signo),
            Obj::from(status),
            Obj::from(info.si_code),
        ]))
    }

    /// The exit code that a wait status stands for: negative for death by a signal.
    #[pyfunction(sig = "(status)")]
    fn waitstatus_to_exitcode(cx: &Ctx, status: i32) -> PyResult<i32> {
        if libc::WIFEXITED(status) {
            return Ok(libc::WEXITSTATUS(status));
        }
        if libc::WIFSIGNALED(status) {
            return Ok(-libc::WTERMSIG(status));
        }
        if libc::WIFSTOPPED(status) {
            let sig = libc::WSTOPSIG(status);
            return Err(cx.value_error(format!("process stopped by delivery of signal {sig}")));
        }
        Err(cx.value_error(format!("invalid wait status: {status}")))
    }

    /// Whether the process left a core dump.
    #[pyfunction(sig = "(status, /)")]
    fn WCOREDUMP(status: i32) -> bool {
        libc::WCOREDUMP(status)
    }

    /// Whether the process was continued.
    #[pyfunction(sig = "(status)")]
    fn WIFCONTINUED(status: i32) -> bool {
        libc::WIFCONTINUED(status)
    }

    /// Whether the process is stopped.
    #[pyfunction(sig = "(status)")]
    fn WIFSTOPPED(status: i32) -> bool {
        libc::WIFSTOPPED(status)
    }

    /// Whether a signal ended the process.
    #[pyfunction(sig = "(status)")]
    fn WIFSIGNALED(status: i32) -> bool {
        libc::WIFSIGNALED(status)
    }

    /// Whether the process exited.
    #[pyfunction(sig = "(status)")]
    fn WIFEXITED(status: i32) -> bool {
        libc::WIFEXITED(status)
    }

    /// The exit status of a process that exited.
    #[pyfunction(sig = "(status)")]
    fn WEXITSTATUS(status: i32) -> i32 {
        libc::WEXITSTATUS(status)
    }

    /// The signal that ended a process.
    #[pyfunction(sig = "(status)")]
    fn WTERMSIG(status: i32) -> i32 {
        libc::WTERMSIG(status)
    }

    /// The signal that stopped a process.
    #[pyfunction(sig = "(status)")]
    fn WSTOPSIG(status: i32) -> i32 {
        libc::WSTOPSIG(status)
    }

    /// Runs a command in a shell and returns its wait status.
    #[pyfunction(sig = "(command)")]
    fn system(cx: &Ctx, command: &Obj) -> PyResult<i32> {
        let c = c_string(cx, command)?;
        cx.audit("os.system", || [cinder_pyobj::types::bytes::new(c.as_bytes())])?;
        Ok(cx.without_lock(|| sys!(libc::system(c.as_ptr()))))
    }

    /// Sends a signal to a process.
    #[pyfunction(sig = "(pid, signal, /)")]
    fn kill(cx: &Ctx, pid: i32, signal: i32) -> PyResult<()> {
        cx.audit("os.kill", || [Obj::from(pid), Obj::from(signal)])?;
        check(cx, sys!(libc::kill(pid, signal)))?;
        (cx.host().poll)(cx)
    }

    /// Sends a signal to a process group.
    #[pyfunction(sig = "(pgid, signal, /)")]
    fn killpg(cx: &Ctx, pgid: i32, signal: i32) -> PyResult<()> {
        cx.audit("os.killpg", || [Obj::from(pgid), Obj::from(signal)])?;
        check(cx, sys!(libc::killpg(pgid, signal)))?;
        (cx.host().poll)(cx)
    }

    /// The process's id.
    #[pyfunction]
    fn getpid() -> i32 {
        sys!(libc::getpid())
    }

    /// The id of the parent process.
    #[pyfunction]
    fn getppid() -> i32 {
        sys!(libc::getppid())
    }

    /// The process group of a process.
    #[pyfunction(sig = "(pid)")]
    fn getpgid(cx: &Ctx, pid: i32) -> PyResult<i32> {
        check(cx, sys!(libc::getpgid(pid)))
    }

    /// The process group of this process.
    #[pyfunction]
    fn getpgrp() -> i32 {
        sys!(libc::getpgrp())
    }

    /// Puts a process into a process group.
    #[pyfunction(sig = "(pid, pgrp, /)")]
    fn setpgid(cx: &Ctx, pid: i32, pgrp: i32) -> PyResult<()> {
        check(cx, sys!(libc::setpgid(pid, pgrp))).map(|_| ())
    }

    /// Makes this process the leader of a process group.
    #[pyfunction]
    fn setpgrp(cx: &Ctx) -> PyResult<()> {
        check(cx, sys!(libc::setpgid(0, 0))).map(|_| ())
    }

    /// The session of a process.
    #[pyfunction(sig = "(pid, /)")]
    fn getsid(cx: &Ctx, pid: i32) -> PyResult<i32> {
        check(cx, sys!(libc::getsid(pid)))
    }

    /// Begins a new session.
    #[pyfunction]
    fn setsid(cx: &Ctx) -> PyResult<()> {
        check(cx, sys!(libc::setsid())).map(|_| ())
    }

    /// Adds to the nice value of the process and returns the new one.
    #[pyfunction(sig = "(increment, /)")]
    fn nice(cx: &Ctx, increment: i32) -> PyResult<i32> {
        sys!(*libc::__errno_location() = 0);
        let r = sys!(libc::nice(increment));
        if r == -1 && errno() != 0 { Err(last_error(cx)) } else { Ok(r) }
    }

    /// The scheduling priority of processes.
    #[pyfunction(sig = "(which, who)")]
    fn getpriority(cx: &Ctx, which: i32, who: u32) -> PyResult<i32> {
        sys!(*libc::__errno_location() = 0);
        let r = sys!(libc::getpriority(which as _, who));
        if r == -1 && errno() != 0 { Err(last_error(cx)) } else { Ok(r) }
    }

    /// Sets the scheduling priority of processes.
    #[pyfunction(sig = "(which, who, priority)")]
    fn setpriority(cx: &Ctx, which: i32, who: u32, priority: i32) -> PyResult<()> {
        check(cx, sys!(libc::setpriority(which as _, who, priority))).map(|_| ())
    }

    /// The CPUs that a process may run on.
    #[pyfunction(sig = "(pid, /)")]
    fn sched_getaffinity(cx: &Ctx, pid: i32) -> PyResult {
        let mut set = zeroed!(libc::cpu_set_t);
        check(cx, sys!(libc::sched_getaffinity(pid, size_of::<libc::cpu_set_t>(), &mut set)))?;
        let cpus = (0..libc::CPU_SETSIZE as usize).filter(|c| sys!(libc::CPU_ISSET(*c, &set)));
        let items = list::new(cpus.map(|c| Obj::from(c as i64)).collect());
        let set_type = <cinder_pyobj::types::set::Set as PyClass>::type_object().as_obj();
        set_type.call1(cx, &items)
    }

    /// Chooses the CPUs that a process may run on.
    #[pyfunction(sig = "(pid, mask, /)")]
    fn sched_setaffinity(cx: &Ctx, pid: i32, mask: &Obj) -> PyResult<()> {
        let mut set = zeroed!(libc::cpu_set_t);
        for c in mask.collect(cx)? {
            let n = c.to_i64(cx)?;
            if n < 0 {
                return Err(cx.value_error("negative CPU number"));
            }
            if n >= i64::from(libc::CPU_SETSIZE) {
                return Err(cx.overflow_error("CPU number too large"));
            }
            sys!(libc::CPU_SET(n as usize, &mut set));
        }
        check(cx, sys!(libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), &set))).map(|_| ())
    }

    /// Lets other processes run.
    #[pyfunction]
    fn sched_yield(cx: &Ctx) -> PyResult<()> {
        check(cx, cx.without_lock(|| sys!(libc::sched_yield()))).map(|_| ())
    }

    /// The greatest priority of a scheduling policy.
    #[pyfunction(sig = "(policy)")]
    fn sched_get_priority_max(cx: &Ctx, policy: i32) -> PyResult<i32> {
        check(cx, sys!(libc::sched_get_priority_max(policy)))
    }

    /// The least priority of a scheduling policy.
    #[pyfunction(sig = "(policy)")]
    fn sched_get_priority_min(cx: &Ctx, policy: i32) -> PyResult<i32> {
        check(cx, sys!(libc::sched_get_priority_min(policy)))
    }

    /// The scheduling policy of a process.
    #[pyfunction(sig = "(pid, /)")]
    fn sched_getscheduler(cx: &Ctx, pid: i32) -> PyResult<i32> {
        check(cx, sys!(libc::sched_getscheduler(pid)))
    }

    /// Sets the scheduling policy of a process.
    #[pyfunction(sig = "(pid, policy, param, /)")]
    fn sched_setscheduler(cx: &Ctx, pid: i32, policy: i32, param: &Obj) -> PyResult<()> {
        let p = priority_of(cx, param)?;
        check(cx, sys!(libc::sched_setscheduler(pid, policy, &p))).map(|_| ())
    }

    /// The scheduling parameters of a process.
    #[pyfunction(sig = "(pid, /)")]
    fn sched_getparam(cx: &Ctx, pid: i32) -> PyResult {
        let mut p = zeroed!(libc::sched_param);
        check(cx, sys!(libc::sched_getparam(pid, &mut p)))?;
        Ok(crate::modules::posix::misc::SCHED_PARAM.make(vec![Obj::from(p.sched_priority)]))
    }

    /// Sets the scheduling parameters of a process.
    #[pyfunction(sig = "(pid, param, /)")]
    fn sched_setparam(cx: &Ctx, pid: i32, param: &Obj) -> PyResult<()> {
        let p = priority_of(cx, param)?;
        check(cx, sys!(libc::sched_setparam(pid, &p))).map(|_| ())
    }

    /// The time slice of a process in seconds.
    #[pyfunction(sig = "(pid, /)")]
    fn sched_rr_get_interval(cx: &Ctx, pid: i32) -> PyResult<f64> {
        let mut t = zeroed!(libc::timespec);
        check(cx, sys!(libc::sched_rr_get_interval(pid, &mut t)))?;
        Ok(t.tv_sec as f64 + 1e-9 * t.tv_nsec as f64)
    }

    /// A file descriptor that refers to a process.
    #[pyfunction(sig = "(pid, flags=0)")]
    fn pidfd_open(cx: &Ctx, pid: i32, flags: u32) -> PyResult<i32> {
        check(cx, sys!(libc::syscall(libc::SYS_pidfd_open, pid, flags))).map(|fd| fd as i32)
    }

    /// Moves the process into a namespace.
    #[pyfunction(sig = "(fd, nstype=0)")]
    fn setns(cx: &Ctx, fd: &Obj, nstype: i32) -> PyResult<()> {
        let fd = crate::os::args::file_descriptor(cx, fd)?;
        check(cx, cx.without_lock(|| sys!(libc::setns(fd, nstype)))).map(|_| ())
    }

    /// Moves the process into namespaces of its own.
    #[pyfunction(sig = "(flags)")]
    fn unshare(cx: &Ctx, flags: i32) -> PyResult<()> {
        check(cx, cx.without_lock(|| sys!(libc::unshare(flags)))).map(|_| ())
    }

    /// Times that the process and its children took.
    #[pyfunction]
    fn times(cx: &Ctx) -> PyResult {
        let mut t = zeroed!(libc::tms);
        let elapsed = check(cx, sys!(libc::times(&mut t)))?;
        let ticks = sys!(libc::sysconf(libc::_SC_CLK_TCK)) as f64;
        let fields = [t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime, elapsed];
        Ok(TIMES_RESULT.make(fields.map(|t| Obj::from(t as f64 / ticks)).to_vec()))
    }

    /// What the system is.
    #[pyfunction]
    fn uname(cx: &Ctx) -> PyResult {
        let mut u = zeroed!(libc::utsname);
        check(cx, sys!(libc::uname(&mut u)))?;
        let text = |f: &[libc::c_char]| {
            let b: Vec<u8> = f.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
            cinder_pyobj::codecs::decode_fs(cx, &b)
        };
        let fields =
            vec![text(&u.sysname)?, text(&u.nodename)?, text(&u.release)?, text(&u.version)?, text(&u.machine)?];
        Ok(UNAME_RESULT.make(fields))
    }

    /// Average numbers of processes in the run queue over the last 1, 5 and 15 minutes.
    #[pyfunction]
    fn getloadavg(cx: &Ctx) -> PyResult {
        let mut l = [0f64; 3];
        if sys!(libc::getloadavg(l.as_mut_ptr(), 3)) != 3 {
            return Err(cx.raise(cinder_pyobj::types::exc::OSError(), "Load averages are unobtainable"));
        }
        Ok(tuple::new(l.map(Obj::from).to_vec()))
    }

    /// The number of CPUs, None if that is not known.
    #[pyfunction]
    fn cpu_count(cx: &Ctx) -> PyResult<Option<i64>> {
        // An option or a variable of the environment may say another number.
        let sys = (cx.host().import)(cx, "sys")?;
        if let Some(f) = sys.get_attr_opt(cx, intern!("_get_cpu_count_config"))? {
            let n = f.call0(cx)?.to_i64(cx)?;
            if n > 0 {
                return Ok(Some(n));
            }
        }
        let n = sys!(libc::sysconf(libc::_SC_NPROCESSORS_ONLN));
        Ok((n > 0).then_some(n))
    }

    /// Runs a program in a new process.
    #[pyfunction(sig = "")]
    fn posix_spawn(cx: &Ctx, args: Args<'_>) -> PyResult<i32> {
        crate::modules::posix::spawn::spawn(cx, args, "posix_spawn", false)
    }

    /// Runs a program, looked up along PATH, in a new process.
    #[pyfunction(sig = "")]
    fn posix_spawnp(cx: &Ctx, args: Args<'_>) -> PyResult<i32> {
        crate::modules::posix::spawn::spawn(cx, args, "posix_spawnp", true)
    }
}
