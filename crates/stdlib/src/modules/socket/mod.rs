//! `_socket`.
//!
//! - [`object`], [`transfer`]: the class `socket`
//! - [`address`]: addresses; [`resolve`]: names; [`numbers`]: byte orders and texts of addresses

mod address;
mod constants;
mod numbers;
pub(crate) mod object;
mod resolve;
mod transfer;

use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::add_ints;

/// A name could not be resolved.
#[pyclass(name = "gaierror", module = "socket", base = exc::OSErrorData, flags(basetype, mutable), payload = "inherit")]
pub struct GaiError;

/// A host could not be found by the older functions.
#[pyclass(name = "herror", module = "socket", base = exc::OSErrorData, flags(basetype, mutable), payload = "inherit")]
pub struct HError;

/// Network connections. Use the module socket instead.
#[pymodule(name = "_socket", parts(super::resolve::resolve, super::numbers::numbers))]
pub(crate) mod socket {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        add_ints(cx, module, constants::CONSTANTS)?;
        module.set_attr(cx, intern!("has_ipv6"), &Obj::from_bool(true))?;
        let class = object::Socket::type_object().as_obj();
        module.set_attr(cx, intern!("socket"), &class)?;
        module.set_attr(cx, intern!("SocketType"), &class)?;
        module.set_attr(cx, intern!("error"), &exc::OSError().as_obj())?;
        module.set_attr(cx, intern!("timeout"), &exc::TimeoutError().as_obj())?;
        module.set_attr(cx, intern!("gaierror"), &GaiError::type_object().as_obj())?;
        module.set_attr(cx, intern!("herror"), &HError::type_object().as_obj())
    }

    /// The timeout of new sockets in seconds, None for none.
    #[pyfunction]
    fn getdefaulttimeout() -> Option<f64> {
        object::seconds(object::default_timeout())
    }

    /// Sets the timeout of new sockets in seconds, None for none.
    #[pyfunction(sig = "(timeout, /)")]
    fn setdefaulttimeout(cx: &Ctx, timeout: &Obj) -> PyResult<()> {
        let t = object::timeout_argument(cx, timeout)?;
        object::set_default_timeout(t);
        Ok(())
    }
}
