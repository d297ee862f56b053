//! `_weakref`.

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::weakref::{CallableProxy, Proxy, WeakRef, new_proxy, references_to};
use cinder_pyobj::types::{dict, list};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Native parts of the module weakref.
#[pymodule(name = "_weakref")]
pub(crate) mod weakref {
    use super::*;

    /// How many weak references to an object there are.
    #[pyfunction(sig = "(object, /)")]
    fn getweakrefcount(object: &Obj) -> usize {
        references_to(object).len()
    }

    /// All weak references to an object, as a list.
    #[pyfunction(sig = "(object, /)")]
    fn getweakrefs(object: &Obj) -> Obj {
        list::new(references_to(object))
    }

    /// An object that behaves like another without keeping it alive.
    ///
    /// callback is called with the proxy when the object is about to go.
    #[pyfunction(sig = "(object, callback=None, /)")]
    fn proxy(cx: &Ctx, object: &Obj, callback: Option<&Obj>) -> PyResult {
        new_proxy(cx, object, callback)
    }

    /// Removes a key from a dict if its value is a dead weak reference.
    #[pyfunction(name = "_remove_dead_weakref", sig = "(dct, key, /)")]
    fn _remove_dead_weakref(cx: &Ctx, dct: &Obj, key: &Obj) -> PyResult<()> {
        let Some(value) = dict::get(cx, dct, key)? else { return Ok(()) };
        if value.downcast::<WeakRef>().is_none() {
            return Err(cx.type_error("not a weakref"));
        }
        if value.call0(cx)?.is_none() {
            dict::remove(cx, dct, key)?;
        }
        Ok(())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, intern!("ref"), &WeakRef::type_object().as_obj())?;
        module.set_attr(cx, intern!("ReferenceType"), &WeakRef::type_object().as_obj())?;
        module.set_attr(cx, intern!("ProxyType"), &Proxy::type_object().as_obj())?;
        module.set_attr(cx, intern!("CallableProxyType"), &CallableProxy::type_object().as_obj())
    }
}
