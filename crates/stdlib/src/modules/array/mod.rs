//! `array`: compact arrays of numbers and characters.

mod code;
mod iter;
mod methods;
mod pickle;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::protocol::buffer::{ByteStore, HasByteStore};
use cinder_pyobj::types::Type;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use code::Code;

/// array(typecode [, initializer]) -> array
///
/// A sequence of basic values of one type, given by its type code, stored compactly. The initializer may be a
/// list, a bytes-like object or an iterable over elements of the type.
#[pyclass(name = "array", module = "array", flags(basetype, weakref, sequence), sig = "")]
#[derive(Traverse)]
pub struct Array {
    store: ByteStore,
    #[traverse(skip)]
    code: Code,
}

impl HasByteStore for Array {
    fn byte_store(&self) -> &ByteStore {
        &self.store
    }
}

fn make(ty: &Type, code: Code, bytes: Vec<u8>) -> Obj {
    new_instance(ty, Array { store: ByteStore::new(bytes), code })
}

impl Array {
    fn len(&self) -> usize {
        self.store.len() / self.code.size()
    }

    /// Item `i` as an object.
    fn get(&self, cx: &Ctx, i: usize) -> PyResult<Option<Obj>> {
        let size = self.code.size();
        let mut raw = [0u8; 8];
        let found = self.store.with(|b| match b.get(i * size..(i + 1) * size) {
            Some(s) => {
                raw[..size].copy_from_slice(s);
                true
            }
            None => false,
        });
        if found { self.code.read(cx, &raw).map(Some) } else { Ok(None) }
    }

    /// Item `i` of an array of the frequent codes; nothing where the general way is to be taken.
    #[inline]
    fn quick_get(&self, i: i64) -> Option<Obj> {
        fn at<const N: usize>(b: &[u8], i: i64) -> Option<[u8; N]> {
            let i = usize::try_from(i).ok()?;
            b.get(i.checked_mul(N)?..)?.first_chunk::<N>().copied()
        }
        self.store.with(|b| {
            Some(match self.code.letter() {
                'd' => Obj::from(f64::from_le_bytes(at(b, i)?)),
                'l' | 'q' => Obj::from(i64::from_le_bytes(at(b, i)?)),
                'i' => Obj::from(i64::from(i32::from_le_bytes(at(b, i)?))),
                'I' => Obj::from(i64::from(u32::from_le_bytes(at(b, i)?))),
                'B' => Obj::from(i64::from(u8::from_le_bytes(at(b, i)?))),
                _ => return None,
            })
        })
    }

    /// Sets item `i` as [`Array::quick_get`] reads it; false where the general way is to be taken.
    #[inline]
    fn quick_set(&self, i: i64, x: &Obj) -> bool {
        fn put<const N: usize>(b: &mut [u8], i: i64, raw: [u8; N]) -> Option<()> {
            let i = usize::try_from(i).ok()?;
            *b.get_mut(i.checked_mul(N)?..)?.first_chunk_mut::<N>()? = raw;
            Some(())
        }
        let done = self.store.with_mut(|b| match self.code.letter() {
            'd' => put(b, i, x.as_float()?.to_le_bytes()),
            'l' | 'q' => put(b, i, x.as_int()?.to_le_bytes()),
            'i' => put(b, i, i32::try_from(x.as_int()?).ok()?.to_le_bytes()),
            'I' => put(b, i, u32::try_from(x.as_int()?).ok()?.to_le_bytes()),
            'B' => put(b, i, u8::try_from(x.as_int()?).ok()?.to_le_bytes()),
            _ => None,
        });
        done.is_some()
    }

    /// Changes the length or raises BufferError while the memory is lent.
    fn resize<R>(&self, cx: &Ctx, f: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        if self.store.exports() > 0 {
            return Err(cx.buffer_error("cannot resize an array that is exporting buffers"));
        }
        self.store.resize(cx, f)
    }

    fn push(&self, cx: &Ctx, x: &Obj) -> PyResult<()> {
        let raw = self.code.write(cx, x)?;
        self.append_bytes(cx, &raw[..self.code.size()])
    }

    fn append_bytes(&self, cx: &Ctx, bytes: &[u8]) -> PyResult<()> {
        self.resize(cx, |v| {
            v.try_reserve(bytes.len())?;
            v.extend_from_slice(bytes);
            Ok::<(), std::collections::TryReserveError>(())
        })?
        .map_err(|_| cx.no_memory())
    }
}

/// Efficient arrays of basic values: characters, integers and floating-point numbers.
#[pymodule(name = "array", classes(super::Array, super::iter::ArrayIterator))]
pub(crate) mod array {
    use super::*;

    /// Makes an array of bytes in a given format; what pickles of arrays call.
    #[pyfunction(name = "_array_reconstructor", sig = "(arraytype, typecode, mformat_code, items, /)")]
    fn _array_reconstructor(cx: &Ctx, arraytype: &Obj, typecode: &Obj, mformat_code: &Obj, items: &Obj) -> PyResult {
        pickle::reconstruct(cx, arraytype, typecode, mformat_code, items)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("ArrayType"), &Array::type_object().as_obj())?;
        let abc = (cx.host().import)(cx, "collections.abc")?;
        let mutable_sequence = abc.get_attr(cx, intern!("MutableSequence"))?;
        mutable_sequence.call_method(cx, intern!("register"), &[Array::type_object().as_obj()])?;
        module.set_attr(cx, intern!("typecodes"), &Obj::from(code::ALL))
    }
}
