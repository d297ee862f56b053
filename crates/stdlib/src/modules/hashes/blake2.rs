//! BLAKE2.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::int;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use super::{hex, initial, input};

/// An optional bytes argument of limited length.
fn limited(cx: &Ctx, o: Option<&Obj>, what: &str, max: usize) -> PyResult<Vec<u8>> {
    let b = o.map_or(Ok(Vec::new()), |o| Ok(BytesLike::new(cx, o)?.to_vec()))?;
    if b.len() > max {
        return Err(cx.value_error(format!("maximum {what} length is {max} bytes")));
    }
    Ok(b)
}

/// An int argument within bounds.
fn within(cx: &Ctx, v: i64, low: i64, high: i64, what: &str) -> PyResult<i64> {
    if (low..=high).contains(&v) {
        Ok(v)
    } else {
        Err(cx.value_error(format!("{what} must be between {low} and {high}")))
    }
}

macro_rules! blake2_class {
    ($T:ident, $name:literal, $krate:ident, $out:literal, $key:literal, $salt:literal, $person:literal, $block:literal, $max_offset:expr) => {
        /// A hash being computed.
        #[pyclass(name = $name, module = "_blake2", flags(basetype))]
        pub(crate) struct $T {
            state: RefCell<Box<$krate::State>>,
            size: usize,
        }

        impl Traverse for $T {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut Visitor<'_>) {}
        }

        #[pymethods]
        impl $T {
            #[pynew(
                sig = "(data=<unrepresentable>, *, digest_size=None, key=<unrepresentable>, salt=<unrepresentable>, person=<unrepresentable>, fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True, string=<unrepresentable>)"
            )]
            fn __new__(
                cx: &Ctx,
                ty: &Type,
                data: Option<&Obj>,
                digest_size: Option<i64>,
                key: Option<&Obj>,
                salt: Option<&Obj>,
                person: Option<&Obj>,
                fanout: i64,
                depth: i64,
                leaf_size: i64,
                node_offset: Obj,
                node_depth: i64,
                inner_size: i64,
                last_node: bool,
                usedforsecurity: bool,
                string: Option<&Obj>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let data = initial(cx, data, string)?;
                let size = digest_size.unwrap_or($out);
                if !(1..=$out).contains(&size) {
                    return Err(cx.value_error(format!(
                        "digest_size for {} must be between 1 and {} bytes, here it is {size}",
                        $name, $out
                    )));
                }
                let key = limited(cx, key, "key", $key)?;
                let salt = limited(cx, salt, "salt", $salt)?;
                let person = limited(cx, person, "person", $person)?;
                within(cx, fanout, 0, 255, "fanout")?;
                within(cx, depth, 1, 255, "depth")?;
                if leaf_size > i64::from(u32::MAX) {
                    return Err(cx.overflow_error("leaf_size is too large"));
                }
                if leaf_size < 0 {
                    return Err(cx.value_error("value must be positive"));
                }
                within(cx, node_depth, 0, 255, "node_depth")?;
                within(cx, inner_size, 0, $out, "inner_size")?;
                let offset = match int::as_i64(&node_offset) {
                    Some(n) if n < 0 => return Err(cx.value_error("value must be positive")),
                    _ => int::as_u64(&node_offset).filter(|n| *n <= $max_offset),
                };
                let Some(offset) = offset else { return Err(cx.overflow_error("node_offset is too large")) };
                let mut p = $krate::Params::new();
                p.hash_length(size as usize)
                    .key(&key)
                    .salt(&salt)
                    .personal(&person)
                    .fanout(fanout as u8)
                    .max_depth(depth as u8)
                    .max_leaf_length(leaf_size as u32)
                    .node_offset(offset)
                    .node_depth(node_depth as u8)
                    .inner_hash_length(inner_size as usize)
                    .last_node(last_node);
                let mut state = Box::new(p.to_state());
                state.update(&data);
                Ok(new_instance(ty, $T { state: RefCell::new(state), size: size as usize }))
            }

            /// Adds data.
            #[pymethod(sig = "($self, data, /)")]
            fn update(&self, cx: &Ctx, data: &Obj) -> PyResult<()> {
                let data = input(cx, data)?;
                self.state.borrow_mut().update(&data);
                Ok(())
            }

            /// The digest of the data so far.
            #[pymethod]
            fn digest(&self) -> Obj {
                bytes::new(self.state.borrow().finalize().as_bytes())
            }

            /// The digest as hexadecimal digits.
            #[pymethod]
            fn hexdigest(&self) -> String {
                hex(self.state.borrow().finalize().as_bytes())
            }

            /// A copy that goes on independently.
            #[pymethod]
            fn copy(&self) -> Obj {
                let state = self.state.borrow().clone();
                new_instance($T::type_object(), $T { state: RefCell::new(state), size: self.size })
            }

            /// Bytes of the digest.
            #[pygetter]
            fn digest_size(&self) -> usize {
                self.size
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

blake2_class!(Blake2b, "blake2b", blake2b_simd, 64, 64, 16, 16, 128, u64::MAX);
blake2_class!(Blake2s, "blake2s", blake2s_simd, 32, 32, 8, 8, 64, (1u64 << 48) - 1);

/// The BLAKE2 hash functions.
#[pymodule(name = "_blake2", classes(super::Blake2b, super::Blake2s))]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let limits: [(&Type, [i64; 4], &str); 2] = [
            (Blake2b::type_object(), [16, 16, 64, 64], "BLAKE2B"),
            (Blake2s::type_object(), [8, 8, 32, 32], "BLAKE2S"),
        ];
        for (ty, values, prefix) in limits {
            for (name, v) in ["SALT_SIZE", "PERSON_SIZE", "MAX_KEY_SIZE", "MAX_DIGEST_SIZE"].into_iter().zip(values) {
                cinder_pyobj::types::set_class_constant(ty, Name::new(name), Obj::from(v));
                let full = Name::new(&format!("{prefix}_{name}"));
                module.set_attr(cx, full, &Obj::from(v))?;
            }
        }
        module.set_attr(cx, cinder_pyobj::intern!("_GIL_MINSIZE"), &Obj::from(2048i64))
    }
}
