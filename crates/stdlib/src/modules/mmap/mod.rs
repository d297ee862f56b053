//! `mmap`: files in memory.

mod map;
mod methods;

pub(crate) use map::Mmap;

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::{add_ints, c_ints, sys};

/// Memory-mapped files.
#[pymodule(name = "mmap")]
pub(crate) mod mmap {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let named = c_ints![
            PROT_READ PROT_WRITE PROT_EXEC MAP_SHARED MAP_PRIVATE MAP_ANON MAP_ANONYMOUS MAP_DENYWRITE MAP_EXECUTABLE
            MAP_POPULATE MAP_STACK MAP_NORESERVE MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED
            MADV_REMOVE MADV_DONTFORK MADV_DOFORK MADV_HWPOISON MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE
            MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP MADV_FREE
        ];
        add_ints(cx, module, named)?;
        let page = sys!(libc::sysconf(libc::_SC_PAGESIZE));
        add_ints(
            cx,
            module,
            &[
                ("ACCESS_DEFAULT", 0),
                ("ACCESS_READ", 1),
                ("ACCESS_WRITE", 2),
                ("ACCESS_COPY", 3),
                ("MAP_32BIT", 0x40),
                ("PAGESIZE", page),
                ("ALLOCATIONGRANULARITY", page),
            ],
        )?;
        module.set_attr(cx, intern!("mmap"), &Mmap::type_object().as_obj())?;
        module.set_attr(cx, intern!("error"), &exc::OSError().as_obj())
    }
}
