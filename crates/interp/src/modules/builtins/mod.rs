//! `builtins`.

mod class;
mod eval;
mod io;
pub(crate) mod iterate;
mod namespace;

use cinder_pyobj::native::pymodule;

/// The names that all Python code can use without importing them: functions, types, exceptions and constants.
///
/// A program that gives such a name another meaning finds the original here, for instance builtins.len.
#[pymodule(
    name = "builtins",
    parts(super::class::class, super::eval::eval, super::io::io, super::iterate::iterate, super::namespace::namespace)
)]
pub(crate) mod builtins {
    use cinder_pyobj::native::FixedShape as F;
    use cinder_pyobj::shape::ShapeId;
    use cinder_pyobj::types::{dict, exc, module, str::Name};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    /// The distance of a number from zero.
    #[pyfunction(sig = "(x, /)")]
    fn abs(cx: &Ctx, x: &Obj) -> PyResult {
        cinder_pyobj::protocol::number::abs(cx, x)
    }

    /// Quotient and remainder of a division, the pair (x//y, x%y).
    #[pyfunction(sig = "(x, y, /)")]
    fn divmod(cx: &Ctx, x: &Obj, y: &Obj) -> PyResult {
        cinder_pyobj::protocol::number::divmod(cx, x, y)
    }

    /// base**exp, or base**exp % mod where mod is given, without computing the whole power in the case of ints.
    #[pyfunction(sig = "(base, exp, mod=None)")]
    fn pow(cx: &Ctx, base: &Obj, exp: &Obj, mod_: Option<&Obj>) -> PyResult {
        cinder_pyobj::protocol::number::pow(cx, base, exp, mod_)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        let put = |n: &str, v: Obj| dict::set(cx, &d, Name::new(n).as_obj(), &v);
        for f in [
            F::Object,
            F::Bool,
            F::Int,
            F::Float,
            F::Complex,
            F::Str,
            F::Bytes,
            F::ByteArray,
            F::MemoryView,
            F::Tuple,
            F::List,
            F::Dict,
            F::Set,
            F::FrozenSet,
            F::Slice,
            F::Range,
            F::Type,
            F::Property,
            F::StaticMethod,
            F::ClassMethod,
            F::Super,
            F::Enumerate,
            F::Zip,
            F::Map,
            F::Filter,
            F::Reversed,
        ] {
            let t = ShapeId::fixed(f).get().ty();
            let n = t.short_name().to_string();
            put(&n, t.as_obj())?;
        }
        for t in exc::all() {
            let n = t.short_name().to_string();
            put(&n, t.as_obj())?;
        }
        // The builtins are there as long as the interpreter: calls of them need not count.
        if let Some(d) = dict::as_dict(&d) {
            for (_, v) in d.snapshot() {
                if v.is_exact(F::NativeFunction) {
                    v.immortalize();
                }
            }
        }
        put("EnvironmentError", exc::OSError().as_obj())?;
        put("IOError", exc::OSError().as_obj())?;
        put("None", Obj::none())?;
        put("True", Obj::from_bool(true))?;
        put("False", Obj::from_bool(false))?;
        put("NotImplemented", Obj::not_implemented())?;
        put("Ellipsis", Obj::ellipsis())?;
        put("__debug__", Obj::from_bool(crate::thread::Thread::of(cx).runtime.config.flags.optimize == 0))
    }
}
