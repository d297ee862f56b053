//! The class `bytes`.

use super::args::{self, BytesLike};
use super::build::{self, Target};
use super::helpers::{
    changed, codec_name, found, join, latin1_of, maketrans, padded, parted, pieces, separator, stripped, tailmatch,
    translation_table,
};
use super::storage::{self, ByteString, Bytes};
use super::{ascii, hex, iter, ops, room};
use crate::ctx::{Ctx, PyResult};
use crate::native::{PyClass, This, pymethods};
use crate::protocol::buffer::{Buffer, BufferFlags, Geometry};
use crate::types::str::search::Needle;
use crate::types::str::slicing::{self, Index};
use crate::types::str::{StrData, percent};
use crate::types::{CmpOp, Type, exc, tuple};
use crate::value::Obj;

super::shared::shared_methods!(Bytes);

#[pymethods(parts("shared"))]
impl Bytes {
    #[pynew(sig = "(source=b'', encoding='utf-8', errors='strict')")]
    fn __new__(cx: &Ctx, ty: &Type, source: Option<&Obj>, encoding: Option<&Obj>, errors: Option<&Obj>) -> PyResult {
        let exact = ty.is(Bytes::type_object());
        if let (Some(s), None, None, true) = (source, encoding, errors, exact)
            && s.is_exact(crate::native::FixedShape::Bytes)
        {
            return Ok(s.clone());
        }
        if let (Some(s), None, None, true) = (source, encoding, errors, exact)
            && let Some(f) = s.lookup_special(cx, crate::intern!("__bytes__"))?
        {
            // The result is handed on as it is, a subclass instance too.
            let r = f.call0(cx)?;
            if r.downcast::<Bytes>().is_some() {
                return Ok(r);
            }
            return Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.type_of().name())));
        }
        let b = build::from_args(cx, Target::Bytes, source, encoding, errors)?;
        Ok(if exact { storage::new(&b) } else { storage::new_subclass(ty, &b) })
    }

    fn __repr__(&self) -> Obj {
        hex::repr(self.as_slice(), false).finish()
    }

    fn __str__(&self, cx: &Ctx) -> PyResult {
        args::warn_of_str(cx, "bytes")?;
        Ok(hex::repr(self.as_slice(), false).finish())
    }

    fn __hash__(&self) -> PyResult<i64> {
        Ok(self.hash())
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        iter::new(this.clone())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Bytes>, key: &Obj) -> PyResult {
        let b = this.payload().as_slice();
        match slicing::resolve(cx, key, b.len(), "byte")? {
            Index::At(i) => Ok(Obj::from(b[i] as i64)),
            Index::Slice { start: 0, step: 1, count } if count == b.len() => Ok(this.payload().same(this.obj())),
            Index::Slice { start, step: 1, count } => Ok(storage::new(&b[start as usize..start as usize + count])),
            Index::Slice { start, step, count } => {
                let picked: Vec<u8> = slicing::stepped(start, step, count).map(|i| b[i]).collect();
                Ok(storage::new(&picked))
            }
        }
    }

    fn __buffer__(cx: &Ctx, this: This<'_, Bytes>, flags: BufferFlags) -> PyResult<Buffer> {
        if flags.writable {
            return Err(cx.buffer_error("Object is not writable."));
        }
        let b = this.payload().as_slice();
        // SAFETY: the bytes live in the exporter and never change; the buffer is read-only.
        Ok(unsafe { Buffer::new(this.obj().clone(), b.as_ptr() as *mut u8, true, Geometry::bytes(b.len()), None) })
    }

    /// Returns the object itself, or a plain bytes object of a subclass instance.
    #[pymethod]
    fn __bytes__(_cx: &Ctx, this: This<'_, Bytes>) -> Obj {
        this.payload().same(this.obj())
    }

    /// The arguments that pickling gives to `__new__`.
    #[pymethod]
    fn __getnewargs__(&self) -> Obj {
        tuple::new(vec![storage::new(self.as_slice())])
    }

    /// How many bytes the object takes, its contents included.
    #[pymethod]
    fn __sizeof__(&self) -> usize {
        size_of::<crate::heap::Header>() + size_of::<Bytes>() + self.len()
    }
}
