//! SHA-3 and SHAKE.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};
use sha3::Digest;
use sha3::digest::{ExtendableOutput, Update, XofReader};

use super::{hex, initial, input};

macro_rules! sha3_class {
    ($T:ident, $name:literal, $algorithm:ty, $rate:literal) => {
        /// A hash being computed.
        #[pyclass(name = $name, module = "_sha3")]
        pub(crate) struct $T {
            state: RefCell<$algorithm>,
        }

        impl Traverse for $T {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut Visitor<'_>) {}
        }

        impl $T {
            fn result(&self) -> Vec<u8> {
                self.state.borrow().clone().finalize().to_vec()
            }
        }

        #[pymethods]
        impl $T {
            #[pynew(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
            fn __new__(
                cx: &Ctx,
                ty: &Type,
                data: Option<&Obj>,
                usedforsecurity: bool,
                string: Option<&Obj>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let mut state = <$algorithm>::default();
                Update::update(&mut state, &initial(cx, data, string)?);
                Ok(new_instance(ty, $T { state: RefCell::new(state) }))
            }

            /// Adds data.
            #[pymethod(sig = "($self, data, /)")]
            fn update(&self, cx: &Ctx, data: &Obj) -> PyResult<()> {
                let data = input(cx, data)?;
                Update::update(&mut *self.state.borrow_mut(), &data);
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
                new_instance($T::type_object(), $T { state: RefCell::new(self.state.borrow().clone()) })
            }

            /// Bytes of the digest.
            #[pygetter]
            fn digest_size(&self) -> usize {
                <$algorithm as Digest>::output_size()
            }

            /// Bytes that the algorithm takes at once.
            #[pygetter]
            fn block_size(&self) -> i64 {
                $rate
            }

            /// The algorithm's name.
            #[pygetter]
            fn name(&self) -> &'static str {
                $name
            }

            /// Bits of the sponge that input never touches.
            #[pygetter]
            fn _capacity_bits(&self) -> i64 {
                1600 - 8 * $rate
            }

            /// Bits that the sponge takes at once.
            #[pygetter]
            fn _rate_bits(&self) -> i64 {
                8 * $rate
            }

            /// The padding byte.
            #[pygetter]
            fn _suffix(&self) -> Obj {
                bytes::new(&[6])
            }
        }
    };
}

sha3_class!(Sha3_224, "sha3_224", sha3::Sha3_224, 144);
sha3_class!(Sha3_256, "sha3_256", sha3::Sha3_256, 136);
sha3_class!(Sha3_384, "sha3_384", sha3::Sha3_384, 104);
sha3_class!(Sha3_512, "sha3_512", sha3::Sha3_512, 72);

macro_rules! shake_class {
    ($T:ident, $name:literal, $algorithm:ty, $rate:literal) => {
        /// A hash of any length being computed.
        #[pyclass(name = $name, module = "_sha3")]
        pub(crate) struct $T {
            state: RefCell<$algorithm>,
        }

        impl Traverse for $T {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut Visitor<'_>) {}
        }

        impl $T {
            fn result(&self, cx: &Ctx, length: i64) -> PyResult<Vec<u8>> {
                let n = match usize::try_from(length) {
                    Ok(n) if n < 1 << 29 => n,
                    Ok(_) => return Err(cx.value_error("length is too large")),
                    Err(_) => return Err(cx.value_error("value must be positive")),
                };
                let mut out = vec![0; n];
                self.state.borrow().clone().finalize_xof().read(&mut out);
                Ok(out)
            }
        }

        #[pymethods]
        impl $T {
            #[pynew(sig = "(data=<unrepresentable>, *, usedforsecurity=True, string=<unrepresentable>)")]
            fn __new__(
                cx: &Ctx,
                ty: &Type,
                data: Option<&Obj>,
                usedforsecurity: bool,
                string: Option<&Obj>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let mut state = <$algorithm>::default();
                state.update(&initial(cx, data, string)?);
                Ok(new_instance(ty, $T { state: RefCell::new(state) }))
            }

            /// Adds data.
            #[pymethod(sig = "($self, data, /)")]
            fn update(&self, cx: &Ctx, data: &Obj) -> PyResult<()> {
                let data = input(cx, data)?;
                self.state.borrow_mut().update(&data);
                Ok(())
            }

            /// `length` bytes of digest of the data so far.
            #[pymethod(sig = "($self, length)")]
            fn digest(&self, cx: &Ctx, length: i64) -> PyResult {
                Ok(bytes::new(&self.result(cx, length)?))
            }

            /// The digest as hexadecimal digits.
            #[pymethod(sig = "($self, length)")]
            fn hexdigest(&self, cx: &Ctx, length: i64) -> PyResult<String> {
                Ok(hex(&self.result(cx, length)?))
            }

            /// A copy that goes on independently.
            #[pymethod]
            fn copy(&self) -> Obj {
                new_instance($T::type_object(), $T { state: RefCell::new(self.state.borrow().clone()) })
            }

            /// Zero: the digest has any length.
            #[pygetter]
            fn digest_size(&self) -> i64 {
                0
            }

            /// Bytes that the algorithm takes at once.
            #[pygetter]
            fn block_size(&self) -> i64 {
                $rate
            }

            /// The algorithm's name.
            #[pygetter]
            fn name(&self) -> &'static str {
                $name
            }

            /// Bits of the sponge that input never touches.
            #[pygetter]
            fn _capacity_bits(&self) -> i64 {
                1600 - 8 * $rate
            }

            /// Bits that the sponge takes at once.
            #[pygetter]
            fn _rate_bits(&self) -> i64 {
                8 * $rate
            }

            /// The padding byte.
            #[pygetter]
            fn _suffix(&self) -> Obj {
                bytes::new(&[0x1f])
            }
        }
    };
}

shake_class!(Shake128, "shake_128", sha3::Shake128, 168);
shake_class!(Shake256, "shake_256", sha3::Shake256, 136);

/// The SHA-3 hash functions.
#[pymodule(
    name = "_sha3",
    classes(super::Sha3_224, super::Sha3_256, super::Sha3_384, super::Sha3_512, super::Shake128, super::Shake256)
)]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("implementation"), &Obj::from("sha3"))?;
        module.set_attr(cx, cinder_pyobj::intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}
