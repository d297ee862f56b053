//! MD5, SHA-1 and SHA-2.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes;
use cinder_pyobj::{Ctx, Obj, PyResult};
use sha2::Digest;

use super::{hex, initial, input};

/// Declares a hash object over a digest algorithm.
macro_rules! hash_class {
    ($T:ident, $class:literal, $module:literal, $name:literal, $algorithm:ty, $block:literal) => {
        /// A hash being computed.
        #[pyclass(name = $class, module = $module, flags(no_new))]
        pub(crate) struct $T {
            state: RefCell<Box<$algorithm>>,
        }

        impl Traverse for $T {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut Visitor<'_>) {}
        }

        impl $T {
            fn make(data: &[u8]) -> Obj {
                let mut state = Box::new(<$algorithm>::new());
                Digest::update(&mut *state, data);
                new_instance($T::type_object(), $T { state: RefCell::new(state) })
            }

            fn result(&self) -> Vec<u8> {
                (**self.state.borrow()).clone().finalize().to_vec()
            }
        }

        #[pymethods]
        impl $T {
            /// Adds data.
            #[pymethod(sig = "($self, obj, /)")]
            fn update(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
                let data = input(cx, obj)?;
                Digest::update(&mut **self.state.borrow_mut(), &data);
                Ok(())
            }

            /// The digest of the data so far.
            #[pymethod]
            fn digest(&self) -> Obj {
                bytes::new(&self.result())
            }

            /// The digest as hexadecimal digits.
            #[pymethod]
            fn hexdigest(&self) -> String {
                hex(&self.result())
            }

            /// A copy that goes on independently.
            #[pymethod]
            fn copy(&self) -> Obj {
                let state = self.state.borrow().clone();
                new_instance($T::type_object(), $T { state: RefCell::new(state) })
            }

            /// Bytes of the digest.
            #[pygetter]
            fn digest_size(&self) -> usize {
                <$algorithm as Digest>::output_size()
            }

            /// Bytes that the algorithm takes at once.
            #[pygetter]
            fn block_size(&self) -> i64 {
                $block
            }

            /// The algorithm's name.
            #[pygetter]
            fn name(&self) -> &'static str {
                $name
            }
        }
    };
}

hash_class!(Md5Hash, "md5", "_md5", "md5", md5::Md5, 64);
hash_class!(Sha1Hash, "sha1", "_sha1", "sha1", sha1::Sha1, 64);
hash_class!(Sha224Hash, "SHA224Type", "_sha2", "sha224", sha2::Sha224, 64);
hash_class!(Sha256Hash, "SHA256Type", "_sha2", "sha256", sha2::Sha256, 64);
hash_class!(Sha384Hash, "SHA384Type", "_sha2", "sha384", sha2::Sha384, 128);
hash_class!(Sha512Hash, "SHA512Type", "_sha2", "sha512", sha2::Sha512, 128);

/// The MD5 hash function.
#[pymodule(name = "_md5")]
pub(crate) mod md5_module {
    use super::*;

    /// A new MD5 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn md5(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Md5Hash::make(&initial(cx, data, string)?))
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("MD5Type"), &Md5Hash::type_object().as_obj())?;
        module.set_attr(cx, cinder_pyobj::intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}

/// The SHA-1 hash function.
#[pymodule(name = "_sha1")]
pub(crate) mod sha1_module {
    use super::*;

    /// A new SHA-1 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn sha1(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Sha1Hash::make(&initial(cx, data, string)?))
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("SHA1Type"), &Sha1Hash::type_object().as_obj())?;
        module.set_attr(cx, cinder_pyobj::intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}

/// The SHA-2 hash functions.
#[pymodule(name = "_sha2", classes(super::Sha224Hash, super::Sha256Hash, super::Sha384Hash, super::Sha512Hash))]
pub(crate) mod sha2_module {
    use super::*;

    /// A new SHA-224 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn sha224(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Sha224Hash::make(&initial(cx, data, string)?))
    }

    /// A new SHA-256 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn sha256(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Sha256Hash::make(&initial(cx, data, string)?))
    }

    /// A new SHA-384 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn sha384(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Sha384Hash::make(&initial(cx, data, string)?))
    }

    /// A new SHA-512 hash object.
    #[pyfunction(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
    fn sha512(cx: &Ctx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        Ok(Sha512Hash::make(&initial(cx, data, string)?))
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}
