//! Weak proxies: objects that pass every operation on to an object that they do not keep alive.

use crate::native::{pyclass, pymethods};

use super::reference::{describe, reusable, side_for};
use super::{Link, as_link};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::intern;
use crate::native::{Args, PyClass};
use crate::protocol::number;
use crate::types::{CmpOp, exc};
use crate::value::Obj;

/// `weakref.proxy(object, callback)`.
pub fn new_proxy(cx: &Ctx, object: &Obj, callback: Option<&Obj>) -> PyResult {
    let callback = callback.filter(|c| !c.is_none());
    let (side, p) = side_for(cx, object)?;
    let callable = object.is_callable();
    let ty = if callable { CallableProxy::type_object() } else { Proxy::type_object() };
    if callback.is_none()
        && let Some(o) = reusable(side, ty)
    {
        return Ok(o);
    }
    let link = Link::new(p, callback.cloned());
    let o =
        if callable { heap::new_instance(ty, CallableProxy { link }) } else { heap::new_instance(ty, Proxy { link }) };
    if let Some(l) = as_link(&o) {
        l.insert(side, false);
    }
    Ok(o)
}

fn target(cx: &Ctx, proxy: &Obj) -> PyResult {
    match as_link(proxy).and_then(Link::get) {
        Some(o) => Ok(o),
        None => Err(cx.raise(exc::ReferenceError(), "weakly-referenced object no longer exists")),
    }
}

/// The object behind a proxy; other objects stand for themselves.
fn unwrap(cx: &Ctx, o: &Obj) -> PyResult {
    if o.downcast::<Proxy>().is_some() || o.downcast::<CallableProxy>().is_some() {
        target(cx, o)
    } else {
        Ok(o.clone())
    }
}

macro_rules! proxies {
    ($($ty:ident $name:tt $doc:tt)*) => {$(
        #[doc = $doc]
        #[pyclass(name = $name, module = "weakref", flags(no_new))]
        #[repr(C)]
        pub struct $ty {
            pub(super) link: Link,
        }

        impl Traverse for $ty {
            fn traverse(&self, visit: &mut Visitor<'_>) {
                self.link.traverse(visit);
            }

            fn clear(&self) {
                self.link.clear();
            }
        }
    )*};
}

proxies! {
    Proxy "ProxyType" "A proxy of an object."
    CallableProxy "CallableProxyType" "A proxy of a callable object."
}

macro_rules! operations {
    ($($ty:ident)*; binary $($slot:ident $op:ident)*; inplace $($islot:ident $iop:ident)*; unary $($uslot:ident $uop:ident)*) => {
        operations!(@each [$($ty)*] [$($slot $op)*] [$($islot $iop)*] [$($uslot $uop)*]);
    };
    (@each [$($ty:ident)*] $b:tt $i:tt $u:tt) => {
        $(operations!(@one $ty $b $i $u);)*
    };
    (@one $ty:ident [$($slot:ident $op:ident)*] [$($islot:ident $iop:ident)*] [$($uslot:ident $uop:ident)*]) => {
        #[pymethods(part = "operators")]
        impl $ty {
            $(fn $slot(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                number::$op(cx, &unwrap(cx, a)?, &unwrap(cx, b)?)
            })*
            $(fn $islot(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                number::$iop(cx, &unwrap(cx, a)?, &unwrap(cx, b)?)
            })*
            $(fn $uslot(cx: &Ctx, a: &Obj) -> PyResult {
                number::$uop(cx, &unwrap(cx, a)?)
            })*

            fn nb_pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
                let m = modulus.map(|m| unwrap(cx, m)).transpose()?;
                number::pow(cx, &unwrap(cx, a)?, &unwrap(cx, b)?, m.as_ref())
            }

            fn __int__(cx: &Ctx, a: &Obj) -> PyResult {
                let o = target(cx, a)?;
                match o.lookup_special(cx, intern!("__int__"))? {
                    Some(m) => m.call0(cx),
                    None => o.index(cx),
                }
            }

            fn __float__(cx: &Ctx, a: &Obj) -> PyResult<f64> {
                number::to_f64(cx, &target(cx, a)?)
            }

            fn __index__(cx: &Ctx, a: &Obj) -> PyResult {
                target(cx, a)?.index(cx)
            }
        }

        #[pymethods(part = "object")]
        impl $ty {
            fn __repr__(cx: &Ctx, this: &Obj) -> PyResult<String> {
                match as_link(this) {
                    Some(l) => describe(cx, l, "weakproxy", this),
                    None => Ok(String::new()),
                }
            }

            fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
                target(cx, this)?.str(cx)
            }

            fn __bool__(cx: &Ctx, this: &Obj) -> PyResult<bool> {
                target(cx, this)?.truthy(cx)
            }

            fn __richcmp__(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
                unwrap(cx, this)?.rich_cmp(cx, &unwrap(cx, other)?, op)
            }

            fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
                target(cx, this)?.get_attr_obj(cx, name)
            }

            fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
                target(cx, this)?.store_attr(cx, name, value)
            }

            fn __len__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
                target(cx, this)?.len(cx)
            }

            fn __getitem__(cx: &Ctx, this: &Obj, key: &Obj) -> PyResult {
                target(cx, this)?.get_item(cx, &unwrap(cx, key)?)
            }

            fn __setitem__(cx: &Ctx, this: &Obj, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
                let o = target(cx, this)?;
                match value {
                    Some(v) => o.set_item(cx, key, v),
                    None => o.del_item(cx, key),
                }
            }

            fn __contains__(cx: &Ctx, this: &Obj, item: &Obj) -> PyResult<bool> {
                target(cx, this)?.contains(cx, &unwrap(cx, item)?)
            }

            fn __iter__(cx: &Ctx, this: &Obj) -> PyResult {
                target(cx, this)?.iter(cx)
            }

            fn __next__(cx: &Ctx, this: &Obj) -> PyResult<Option<Obj>> {
                let o = target(cx, this)?;
                if o.type_of().slots.next.get().is_none() {
                    return Err(cx.type_error(format!(
                        "Weakref proxy referenced a non-iterator '{}' object",
                        o.type_of().name()
                    )));
                }
                o.next(cx)
            }

            #[pymethod(name = "__bytes__")]
            fn bytes(cx: &Ctx, this: &Obj) -> PyResult {
                target(cx, this)?.call_method(cx, intern!("__bytes__"), &[])
            }

            #[pymethod(name = "__reversed__")]
            fn reversed(cx: &Ctx, this: &Obj) -> PyResult {
                target(cx, this)?.call_method(cx, intern!("__reversed__"), &[])
            }
        }
    };
}

operations! {
    Proxy CallableProxy;
    binary nb_add add nb_sub sub nb_mul mul nb_matmul matmul nb_truediv truediv nb_floordiv floordiv nb_mod mod_
        nb_divmod divmod nb_lshift lshift nb_rshift rshift nb_and and nb_or or nb_xor xor;
    inplace nb_iadd inplace_add nb_isub inplace_sub nb_imul inplace_mul nb_imatmul inplace_matmul
        nb_itruediv inplace_truediv nb_ifloordiv inplace_floordiv nb_imod inplace_mod nb_ipow inplace_pow
        nb_ilshift inplace_lshift nb_irshift inplace_rshift nb_iand inplace_and nb_ior inplace_or
        nb_ixor inplace_xor;
    unary __neg__ neg __pos__ pos __abs__ abs __invert__ invert
}

#[pymethods(parts("operators", "object"))]
impl Proxy {}

#[pymethods(parts("operators", "object"))]
impl CallableProxy {
    fn __call__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
        target(cx, this)?.call(cx, args)
    }
}
