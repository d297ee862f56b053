//! `posix_spawn`.

use std::ffi::CString;

use cinder_pyobj::native::{Args, Signature};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::env::environment_block;
use super::process::pointers;
use crate::os::args::{PathArg, PathKind, c_string, fd_index};
use crate::os::{sys, zeroed};

const PARAMS: &[&str] =
    &["path", "argv", "env", "file_actions", "setpgroup", "resetids", "setsid", "setsigmask", "setsigdef", "scheduler"];

/// The C objects of a call, destroyed at its end.
struct Setup {
    actions: libc::posix_spawn_file_actions_t,
    attributes: libc::posix_spawnattr_t,
    /// The paths that the actions refer to.
    paths: Vec<CString>,
}

impl Setup {
    fn new() -> Setup {
        let mut s = Setup {
            actions: zeroed!(libc::posix_spawn_file_actions_t),
            attributes: zeroed!(libc::posix_spawnattr_t),
            paths: Vec::new(),
        };
        sys!(libc::posix_spawn_file_actions_init(&mut s.actions));
        sys!(libc::posix_spawnattr_init(&mut s.attributes));
        s
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        sys!(libc::posix_spawn_file_actions_destroy(&mut self.actions));
        sys!(libc::posix_spawnattr_destroy(&mut self.attributes));
    }
}

fn signal_set(cx: &Ctx, signals: &Obj) -> PyResult<libc::sigset_t> {
    let mut set = zeroed!(libc::sigset_t);
    sys!(libc::sigemptyset(&mut set));
    for s in signals.collect(cx)? {
        let n = s.to_i64(cx)?;
        if n <= 0 || n > 64 {
            return Err(cx.value_error("signal number out of range [1; 64]"));
        }
        // Signals that the C library keeps for itself are passed over.
        sys!(libc::sigaddset(&mut set, n as i32));
    }
    Ok(set)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn posix_spawn_file_actions_addclosefrom_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        from: libc::c_int,
    ) -> libc::c_int;
}

fn add_actions(cx: &Ctx, s: &mut Setup, actions: &Obj) -> PyResult<()> {
    for action in actions.collect(cx)? {
        let bad = || cx.type_error("Each file_actions element must be a non-empty tuple");
        let Some(items) = tuple::items_if_tuple(&action) else { return Err(bad()) };
        let Some((kind, rest)) = items.split_first() else { return Err(bad()) };
        let wrong = || cx.type_error("A file_actions element has the wrong number of items");
        let r = match (kind.to_i64(cx)?, rest) {
            (0, [fd, path, flags, mode]) => {
                let (fd, flags, mode) = (fd_index(cx, fd)?, flags.to_i64(cx)? as i32, mode.to_i64(cx)? as u32);
                s.paths.push(c_string(cx, path)?);
                let p = s.paths.last().map_or(std::ptr::null(), |p| p.as_ptr());
                sys!(libc::posix_spawn_file_actions_addopen(&mut s.actions, fd, p, flags, mode))
            }
            (1, [fd]) => sys!(libc::posix_spawn_file_actions_addclose(&mut s.actions, fd_index(cx, fd)?)),
            (2, [fd, fd2]) => {
                let (a, b) = (fd_index(cx, fd)?, fd_index(cx, fd2)?);
                sys!(libc::posix_spawn_file_actions_adddup2(&mut s.actions, a, b))
            }
            #[cfg(all(target_os = "linux", target_env = "gnu"))]
            (3, [fd]) => {
                let fd = fd_index(cx, fd)?;
                sys!(posix_spawn_file_actions_addclosefrom_np(&mut s.actions, fd))
            }
            (0..=3, _) => return Err(wrong()),
            _ => return Err(cx.type_error("Unknown file_actions identifier")),
        };
        if r != 0 {
            return Err(cx.os_error(r));
        }
    }
    Ok(())
}

/// Runs a program; `search` looks it up along PATH.
pub(super) fn spawn(cx: &Ctx, args: Args<'_>, function: &'static str, search: bool) -> PyResult<i32> {
    let sig = Signature {
        function,
        params: PARAMS,
        pos_only: 3,
        positional: 3,
        required: 3,
        required_kw: &[],
        var_positional: false,
        var_keyword: false,
    };
    let [path, argv, env, actions, group, resetids, setsid, mask, default, scheduler] = args.bind::<10>(cx, &sig)?;
    let (Some(path), Some(argv), Some(env)) = (path, argv, env) else {
        return Err(cx.type_error(format!("{function} expected 3 arguments, got {}", args.pos().len())));
    };
    let p = PathArg::new(cx, path, PathKind::path(function))?;
    cx.audit("os.posix_spawn", || [path.clone(), argv.clone(), env.clone()])?;
    let argv = argv.collect(cx)?.iter().map(|a| c_string(cx, a)).collect::<PyResult<Vec<CString>>>()?;
    if argv.is_empty() {
        return Err(cx.value_error(format!("{function}: argv must not be empty")));
    }
    if argv[0].is_empty() {
        return Err(cx.value_error(format!("{function}: argv first element cannot be empty")));
    }
    let env =
        if env.is_none() { environment_block(cx, &super::env::current(cx)?)? } else { environment_block(cx, env)? };
    let mut s = Setup::new();
    if let Some(a) = actions.filter(|a| !a.is_none()) {
        add_actions(cx, &mut s, a)?;
    }
    let mut flags = 0;
    if let Some(g) = group.filter(|g| !g.is_none()) {
        sys!(libc::posix_spawnattr_setpgroup(&mut s.attributes, g.to_i64(cx)? as i32));
        flags |= libc::POSIX_SPAWN_SETPGROUP;
    }
    if let Some(r) = resetids
        && r.truthy(cx)?
    {
        flags |= libc::POSIX_SPAWN_RESETIDS;
    }
    if let Some(r) = setsid
        && r.truthy(cx)?
    {
        flags |= libc::POSIX_SPAWN_SETSID as i32;
    }
    if let Some(m) = mask {
        let set = signal_set(cx, m)?;
        sys!(libc::posix_spawnattr_setsigmask(&mut s.attributes, &set));
        flags |= libc::POSIX_SPAWN_SETSIGMASK;
    }
    if let Some(m) = default {
        let set = signal_set(cx, m)?;
        sys!(libc::posix_spawnattr_setsigdefault(&mut s.attributes, &set));
        flags |= libc::POSIX_SPAWN_SETSIGDEF;
    }
    if let Some(sc) = scheduler.filter(|s| !s.is_none()) {
        let Some(items) = tuple::items_if_tuple(sc) else {
            return Err(cx.type_error("scheduler must be a tuple or None"));
        };
        let [policy, param] = items else {
            return Err(cx.type_error("A scheduler tuple must have two elements"));
        };
        if !policy.is_none() {
            sys!(libc::posix_spawnattr_setschedpolicy(&mut s.attributes, policy.to_i64(cx)? as i32));
            flags |= libc::POSIX_SPAWN_SETSCHEDULER;
        }
        let priority = param.get_attr(cx, cinder_pyobj::intern!("sched_priority"))?.to_i64(cx)?;
        let mut p = zeroed!(libc::sched_param);
        p.sched_priority = priority as i32;
        sys!(libc::posix_spawnattr_setschedparam(&mut s.attributes, &p));
        flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
    }
    sys!(libc::posix_spawnattr_setflags(&mut s.attributes, flags as _));
    let (a, e) = (pointers(&argv), pointers(&env));
    let mut pid = 0;
    let (a, e) = (a.as_ptr() as *const *mut libc::c_char, e.as_ptr() as *const *mut libc::c_char);
    let r = if search {
        sys!(libc::posix_spawnp(&mut pid, p.ptr(), &s.actions, &s.attributes, a, e))
    } else {
        sys!(libc::posix_spawn(&mut pid, p.ptr(), &s.actions, &s.attributes, a, e))
    };
    if r != 0 { Err(p.error(cx, r)) } else { Ok(pid) }
}
