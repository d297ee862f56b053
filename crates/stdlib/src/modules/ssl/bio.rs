//! `MemoryBIO`: bytes between a connection and whoever carries them.

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::PyClass;
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::types::Type;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::errors::SslError;
use super::transport::{SharedMemory, lock};

/// Bytes that one side writes and the other reads.
#[pyclass(name = "MemoryBIO", module = "_ssl")]
pub(crate) struct MemoryBio {
    pub(super) memory: SharedMemory,
}

impl Traverse for MemoryBio {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[pymethods]
impl MemoryBio {
    #[pynew(sig = "()")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if args.has_keywords() {
            return Err(cx.type_error("MemoryBIO() takes no keyword arguments"));
        }
        if !args.pos().is_empty() {
            return Err(cx.type_error("MemoryBIO() takes no positional arguments"));
        }
        Ok(new_instance(ty, MemoryBio { memory: SharedMemory::default() }))
    }

    /// Reads up to so many bytes, or all of them if the number is negative.
    ///
    /// An empty result means that nothing is there now; `eof` says whether more can come.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(_cx: &Ctx, this: This<'_, MemoryBio>, size: i32) -> Obj {
        let mut m = lock(&this.memory);
        let n = usize::try_from(size).map_or(m.data.len(), |n| n.min(m.data.len()));
        let taken: Vec<u8> = m.data.drain(..n).collect();
        drop(m);
        bytes::new(&taken)
    }

    /// Writes bytes and returns their number.
    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, this: This<'_, MemoryBio>, b: &Obj) -> PyResult<usize> {
        let data = BytesLike::new(cx, b)?.to_vec();
        let mut m = lock(&this.memory);
        if m.ended {
            drop(m);
            return Err(cx.raise(SslError::type_object(), "cannot write() after write_eof()"));
        }
        m.data.extend(&data);
        Ok(data.len())
    }

    /// Says that nothing more will be written.
    ///
    /// Once all bytes were read, `eof` is True.
    #[pymethod]
    fn write_eof(_cx: &Ctx, this: This<'_, MemoryBio>) {
        lock(&this.memory).ended = true;
    }

    /// How many bytes wait to be read.
    #[pygetter]
    fn pending(_cx: &Ctx, this: This<'_, MemoryBio>) -> usize {
        lock(&this.memory).data.len()
    }

    /// Whether all bytes were read and no more will come.
    #[pygetter]
    fn eof(_cx: &Ctx, this: This<'_, MemoryBio>) -> bool {
        let m = lock(&this.memory);
        m.ended && m.data.is_empty()
    }
}
