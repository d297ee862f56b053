//! `_posixsubprocess`: fork and exec in one step, for `subprocess`.

use std::ffi::CString;

use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::types::{exc, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::asyncio::is_finalizing;
use super::posix::{pointers, run_fork_hooks, set_cloexec, user_id, warn_of_threads};
use crate::os::args::c_string;
use crate::os::{errno, sys};

/// Everything that the child needs, converted before the fork: afterwards it only makes system calls.
struct Plan {
    executables: Vec<CString>,
    argv: Option<Vec<CString>>,
    env: Option<Vec<CString>>,
    cwd: Option<CString>,
    close_fds: bool,
    keep: Vec<i32>,
    p2cread: i32,
    p2cwrite: i32,
    c2pread: i32,
    c2pwrite: i32,
    errread: i32,
    errwrite: i32,
    errpipe_read: i32,
    errpipe_write: i32,
    restore_signals: bool,
    setsid: bool,
    pgid: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
    preexec: Option<Obj>,
}

/// Which step of the child failed.
enum Failure {
    /// Before exec, with this error number.
    Setup(i32),
    /// Changing the folder.
    Chdir(i32),
    /// The exec call itself.
    Exec(i32),
    /// `preexec_fn` raised.
    Preexec,
}

fn texts(cx: &Ctx, o: &Obj) -> PyResult<Vec<CString>> {
    o.collect(cx)?.iter().map(|s| c_string(cx, s)).collect()
}

fn optional<T>(o: &Obj, f: impl FnOnce(&Obj) -> PyResult<T>) -> PyResult<Option<T>> {
    if o.is_none() { Ok(None) } else { f(o).map(Some) }
}

impl Plan {
    fn new(cx: &Ctx, a: &[Obj]) -> PyResult<Plan> {
        let fd = |i: usize| -> PyResult<i32> {
            i32::try_from(a[i].to_i64(cx)?).map_err(|_| cx.overflow_error("Python int too large to convert to C int"))
        };
        let bad_keep = || cx.value_error("bad value(s) in fds_to_keep");
        let mut keep = Vec::new();
        for f in tuple::items_if_tuple(&a[3]).ok_or_else(bad_keep)? {
            match int::as_i64(f).and_then(|n| i32::try_from(n).ok()) {
                Some(n) if n >= 0 && keep.last().is_none_or(|l| *l < n) => keep.push(n),
                _ => return Err(bad_keep()),
            }
        }
        let p = Plan {
            argv: optional(&a[0], |o| texts(cx, o))?,
            executables: texts(cx, &a[1])?,
            close_fds: a[2].truthy(cx)?,
            keep,
            cwd: optional(&a[4], |o| c_string(cx, o))?,
            env: optional(&a[5], |o| texts(cx, o))?,
            p2cread: fd(6)?,
            p2cwrite: fd(7)?,
            c2pread: fd(8)?,
            c2pwrite: fd(9)?,
            errread: fd(10)?,
            errwrite: fd(11)?,
            errpipe_read: fd(12)?,
            errpipe_write: fd(13)?,
            restore_signals: a[14].truthy(cx)?,
            setsid: a[15].truthy(cx)?,
            pgid: fd(16)?,
            gid: optional(&a[17], |o| user_id(cx, o, "gid"))?,
            groups: optional(&a[18], |o| o.collect(cx)?.iter().map(|g| group(cx, g)).collect())?,
            uid: optional(&a[19], |o| user_id(cx, o, "uid"))?,
            umask: fd(20)?,
            preexec: optional(&a[21], |o| Ok(o.clone()))?,
        };
        if p.close_fds && p.errpipe_write < 3 {
            return Err(cx.value_error("errpipe_write must be >= 3"));
        }
        Ok(p)
    }

    /// The child's part; it returns only if it fails.
    fn run_child(
        &self,
        cx: &Ctx,
        argv: Option<&[*const libc::c_char]>,
        env: Option<&[*const libc::c_char]>,
    ) -> Failure {
        match self.prepare() {
            Ok(()) => {}
            Err(f) => return f,
        }
        if let Some(f) = &self.preexec
            && let Err(r) = f.call0(cx)
        {
            drop(cx.take(r));
            return Failure::Preexec;
        }
        if self.close_fds {
            self.close_others();
        }
        let mut saved = 0;
        let empty = [std::ptr::null()];
        let argv = argv.unwrap_or(&empty).as_ptr();
        for e in &self.executables {
            match env {
                Some(env) => sys!(libc::execve(e.as_ptr(), argv, env.as_ptr())),
                None => sys!(libc::execv(e.as_ptr(), argv)),
            };
            let e = errno();
            if e != libc::ENOENT && e != libc::ENOTDIR && saved == 0 {
                saved = e;
            }
        }
        Failure::Exec(if saved != 0 { saved } else { errno() })
    }

    fn prepare(&self) -> Result<(), Failure> {
        let ok = |r: i32| if r < 0 { Err(Failure::Setup(errno())) } else { Ok(r) };
        for fd in &self.keep {
            if *fd != self.errpipe_write {
                set_cloexec(*fd, false).map_err(Failure::Setup)?;
            }
        }
        for fd in [self.p2cwrite, self.c2pread, self.errread, self.errpipe_read] {
            if fd >= 0 {
                ok(sys!(libc::close(fd)))?;
            }
        }
        // The standard descriptors must not be overwritten before they have been copied.
        let c2pwrite = if self.c2pwrite == 0 { ok(sys!(libc::dup(0)))? } else { self.c2pwrite };
        let mut errwrite = self.errwrite;
        while errwrite == 0 || errwrite == 1 {
            errwrite = ok(sys!(libc::dup(errwrite)))?;
        }
        for (from, to) in [(self.p2cread, 0), (c2pwrite, 1), (errwrite, 2)] {
            if from == to {
                set_cloexec(from, false).map_err(Failure::Setup)?;
            } else if from >= 0 {
                ok(sys!(libc::dup2(from, to)))?;
            }
        }
        if let Some(d) = &self.cwd
            && sys!(libc::chdir(d.as_ptr())) < 0
        {
            return Err(Failure::Chdir(errno()));
        }
        if self.umask >= 0 {
            sys!(libc::umask(self.umask as libc::mode_t));
        }
        if self.restore_signals {
            for s in [libc::SIGPIPE, libc::SIGXFSZ] {
                sys!(libc::signal(s, libc::SIG_DFL));
            }
        }
        if self.setsid {
            ok(sys!(libc::setsid()))?;
        }
        if self.pgid >= 0 {
            ok(sys!(libc::setpgid(0, self.pgid)))?;
        }
        if let Some(g) = &self.groups {
            ok(sys!(libc::setgroups(g.len(), g.as_ptr())))?;
        }
        if let Some(g) = self.gid {
            ok(sys!(libc::setregid(g, g)))?;
        }
        if let Some(u) = self.uid {
            ok(sys!(libc::setreuid(u, u)))?;
        }
        Ok(())
    }

    /// Closes all descriptors from 3 on that are not to be kept.
    fn close_others(&self) {
        let close = |low: u32, high: u32| {
            if low <= high && sys!(libc::syscall(libc::SYS_close_range, low, high, 0u32)) != 0 {
                for fd in low..=high.min(65_536) {
                    sys!(libc::close(fd as i32));
                }
            }
        };
        let mut start = 3u32;
        for &fd in self.keep.iter().filter(|f| **f >= 3) {
            if fd as u32 > start {
                close(start, fd as u32 - 1);
            }
            start = fd as u32 + 1;
        }
        close(start, u32::MAX);
    }
}

/// One of the supplementary groups.
fn group(cx: &Ctx, o: &Obj) -> PyResult<u32> {
    user_id(cx, o, "gid").map_err(|r| {
        drop(cx.take(r));
        cx.value_error("invalid group id")
    })
}

/// Fork and exec for subprocess.
#[pymodule(name = "_posixsubprocess")]
pub(crate) mod posixsubprocess {
    use super::*;

    /// Forks, sets the child up and runs a program in it; returns the child's id. If the child fails, it
    /// writes the reason to errpipe_write.
    #[pyfunction(
        sig = "(args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /)"
    )]
    fn fork_exec(cx: &Ctx, args: Args<'_>) -> PyResult<i32> {
        let a = args.check_arity(cx, "fork_exec", 22, 22)?;
        let plan = Plan::new(cx, a)?;
        cx.audit("_posixsubprocess.fork_exec", || [a[1].clone(), a[0].clone(), a[5].clone()])?;
        let argv = plan.argv.as_deref().map(pointers);
        let env = plan.env.as_deref().map(pointers);
        let hooks = plan.preexec.is_some();
        if hooks && is_finalizing(cx) {
            return Err(cx.raise(exc::PythonFinalizationError(), "preexec_fn not supported at interpreter shutdown"));
        }
        if hooks {
            run_fork_hooks(cx, intern!("_before_fork"), true);
        }
        let mut e = 0;
        let mut fork = || {
            let pid = sys!(libc::fork());
            e = errno();
            pid
        };
        // A child that only makes system calls needs no interpreter.
        let pid = if hooks { (cx.host().fork)(cx, &mut fork) } else { fork() };
        if pid == 0 {
            if hooks {
                run_fork_hooks(cx, intern!("_after_fork_in_child"), false);
            }
            let report = match plan.run_child(cx, argv.as_deref(), env.as_deref()) {
                Failure::Setup(e) => format!("OSError:{e:X}:noexec"),
                Failure::Chdir(e) => format!("OSError:{e:X}:noexec:chdir"),
                Failure::Exec(e) => format!("OSError:{e:X}:"),
                Failure::Preexec => "SubprocessError:0:Exception occurred in preexec_fn.".to_owned(),
            };
            sys!(libc::write(plan.errpipe_write, report.as_ptr().cast(), report.len()));
            sys!(libc::_exit(255));
        }
        if hooks {
            run_fork_hooks(cx, intern!("_after_fork_in_parent"), false);
        }
        if pid < 0 {
            return Err(cx.os_error(e));
        }
        if hooks {
            warn_of_threads(cx, "fork")?;
        }
        Ok(pid)
    }
}
