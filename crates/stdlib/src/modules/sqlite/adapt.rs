//! Adapters, which make objects values that SQLite knows, and converters, which make objects of values.

use std::cell::{Cell, OnceCell};

use cinder_pyobj::heap::Gil;
use cinder_pyobj::native::{PyClass, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, ByteArray};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, float, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use super::callbacks;
use super::errors;

/// The protocol to which parameters are adapted.
#[pyclass(name = "PrepareProtocol", module = "sqlite3")]
#[derive(cinder_pyobj::heap::Traverse)]
pub(crate) struct PrepareProtocol {}

#[pymethods]
impl PrepareProtocol {
    #[pynew(sig = "()")]
    fn __new__(_cx: &Ctx, ty: &Type) -> Obj {
        cinder_pyobj::heap::new_instance(ty, PrepareProtocol {})
    }
}

struct Registry {
    adapters: Obj,
    converters: Obj,
}

static REGISTRY: Gil<OnceCell<Registry>> = Gil::new(OnceCell::new());
/// Whether an adapter for one of the basic types was registered.
static BASIC: Gil<Cell<bool>> = Gil::new(Cell::new(false));

fn registry() -> &'static Registry {
    REGISTRY.get().get_or_init(|| Registry { adapters: dict::new(), converters: dict::new() })
}

/// The dict of adapters, by type and protocol.
pub(super) fn adapters() -> Obj {
    registry().adapters.clone()
}

/// The dict of converters, by the name of a declared type in capitals.
pub(super) fn converters() -> Obj {
    registry().converters.clone()
}

pub(super) fn basic_types_adapted() -> bool {
    BASIC.get().get()
}

/// The class of the protocol.
pub(super) fn protocol() -> Obj {
    PrepareProtocol::type_object().as_obj()
}

fn key(ty: &Obj, proto: &Obj) -> Obj {
    tuple::pair(ty.clone(), proto.clone())
}

/// Registers an adapter of a type.
pub(super) fn register_adapter(cx: &Ctx, ty: &Obj, adapter: &Obj) -> PyResult<()> {
    let basic = [
        int::Int::type_object(),
        float::Float::type_object(),
        cinder_pyobj::types::str::Str::type_object(),
        ByteArray::type_object(),
    ];
    if ty.as_type().is_some_and(|t| basic.iter().any(|b| b.is(t))) {
        BASIC.get().set(true);
    }
    dict::set(cx, &registry().adapters, &key(ty, &protocol()), adapter)
}

/// Registers a converter by the name of a type.
pub(super) fn register_converter(cx: &Ctx, name: &Obj, converter: &Obj) -> PyResult<()> {
    let name = Obj::from(as_utf8_lossy(name).to_uppercase());
    dict::set(cx, &registry().converters, &name, converter)
}

/// The converter of a type's name.
pub(super) fn converter(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
    dict::get(cx, &registry().converters, &Obj::from(name.to_uppercase()))
}

/// An object adapted to a protocol: by a registered adapter, by the protocol's `__adapt__`, or by its own
/// `__conform__`. `alternative` is the result where nothing adapts it.
pub(super) fn adapt(cx: &Ctx, o: &Obj, proto: Obj, alternative: Option<&Obj>) -> PyResult {
    if let Some(f) = dict::get(cx, &registry().adapters, &key(&o.type_of().as_obj(), &proto))? {
        return f.call1(cx, o);
    }
    let by = |owner: &Obj, name, arg: &Obj| -> PyResult<Option<Obj>> {
        let Some(f) = owner.get_attr_opt(cx, name)? else { return Ok(None) };
        match f.call1(cx, arg) {
            Ok(v) => Ok(v.non_none()),
            Err(r) => cx.swallow(r, exc::TypeError()).map(|()| None),
        }
    };
    if let Some(v) = by(&proto, intern!("__adapt__"), o)? {
        return Ok(v);
    }
    if let Some(v) = by(o, callbacks::conform(), &proto)? {
        return Ok(v);
    }
    match alternative {
        Some(a) => Ok(a.clone()),
        None => Err(errors::misuse(cx, "can't adapt")),
    }
}

/// The bytes of a value for a converter.
pub(super) fn convert(cx: &Ctx, converter: &Obj, value: Option<Vec<u8>>) -> PyResult {
    match value {
        Some(b) => converter.call1(cx, &bytes::new(&b)),
        None => Ok(Obj::none()),
    }
}
