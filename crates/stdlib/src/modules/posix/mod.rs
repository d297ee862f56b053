//! `posix`: the system calls behind `os`.
//!
//! - [`stat`], [`files`], [`dirs`], [`scandir`]: files
//! - [`process`], [`spawn`], [`users`]: processes
//! - [`env`], [`config`], [`constants`], [`misc`]: the rest

mod config;
mod constants;
mod dirs;
mod env;
mod files;
mod misc;
mod process;
mod scandir;
mod spawn;
pub(crate) mod stat;
mod users;

pub(crate) use files::set_cloexec;
pub(crate) use process::{pointers, run_fork_hooks, warn_of_threads};
pub(crate) use users::id as user_id;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{exc, list};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::add_ints;

/// What `os` looks for to tell which functions take `dir_fd`, descriptors and so on.
const HAVE: &[&str] = &[
    "HAVE_EVENTFD",
    "HAVE_TIMERFD_CREATE",
    "HAVE_FACCESSAT",
    "HAVE_FCHDIR",
    "HAVE_FCHMOD",
    "HAVE_FCHMODAT",
    "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",
    "HAVE_FEXECVE",
    "HAVE_FDOPENDIR",
    "HAVE_FPATHCONF",
    "HAVE_FSTATAT",
    "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE",
    "HAVE_FUTIMENS",
    "HAVE_FUTIMES",
    "HAVE_FUTIMESAT",
    "HAVE_LINKAT",
    "HAVE_LCHOWN",
    "HAVE_LSTAT",
    "HAVE_LUTIMES",
    "HAVE_MEMFD_CREATE",
    "HAVE_MKDIRAT",
    "HAVE_MKFIFOAT",
    "HAVE_MKNODAT",
    "HAVE_OPENAT",
    "HAVE_READLINKAT",
    "HAVE_RENAMEAT",
    "HAVE_SYMLINKAT",
    "HAVE_UNLINKAT",
    "HAVE_UTIMENSAT",
    "HAVE_PTSNAME_R",
];

/// System calls of POSIX. Use the module os instead, which is the same on all systems.
#[pymodule(
    name = "posix",
    classes(super::scandir::DirEntry),
    parts(
        super::stat::stat_part,
        super::files::files,
        super::dirs::dirs,
        super::process::process,
        super::users::users,
        super::env::env,
        super::config::config,
        super::misc::misc
    )
)]
pub(crate) mod posix {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        add_ints(cx, module, constants::NAMED)?;
        add_ints(cx, module, constants::NUMBERED)?;
        config::add_names(cx, module)?;
        module.set_attr(cx, intern!("environ"), &env::current(cx)?)?;
        module.set_attr(cx, intern!("error"), &exc::OSError().as_obj())?;
        let have = list::new(HAVE.iter().map(|n| Obj::from(*n)).collect());
        module.set_attr(cx, intern!("_have_functions"), &have)?;
        let types: [(cinder_pyobj::types::str::Name, &'static StructSeq); 7] = [
            (intern!("stat_result"), &stat::STAT_RESULT),
            (intern!("statvfs_result"), &stat::STATVFS_RESULT),
            (intern!("terminal_size"), &files::TERMINAL_SIZE),
            (intern!("times_result"), &process::TIMES_RESULT),
            (intern!("uname_result"), &process::UNAME_RESULT),
            (intern!("waitid_result"), &process::WAITID_RESULT),
            (intern!("sched_param"), &misc::SCHED_PARAM),
        ];
        for (name, t) in types {
            module.set_attr(cx, name, &t.type_object().as_obj())?;
        }
        Ok(())
    }
}
