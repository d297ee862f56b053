//! `cinder`: what this implementation offers beyond the language.

use cinder_pyobj::native::pymodule;

/// Services of the Cinder runtime.
#[pymodule(name = "cinder")]
pub(crate) mod module {
    use cinder_pyobj::heap::gc;
    use cinder_pyobj::types::str::Name;
    use cinder_pyobj::types::{dict, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    /// Whether an object is never counted and never freed.
    #[pyfunction(sig = "(obj, /)")]
    fn is_immortal(obj: &Obj) -> bool {
        gc::is_immortal(obj)
    }

    /// Collect garbage, then make every object that is alive immortal. Returns how many became immortal.
    ///
    /// A process that forks workers calls this before: objects that are never counted are never written to
    /// by merely using them, so parent and children keep sharing their memory.
    #[pyfunction]
    fn immortalize_heap(cx: &Ctx) -> usize {
        gc::immortalize_heap(cx)
    }

    /// Have requests for memory fail, for tests: of those made from now on, the ones from start up to stop.
    ///
    /// A request that fails is served from the reserve, and MemoryError is raised soon after; large ones are refused at
    /// once. Requests are counted whether any fails or not.
    #[pyfunction(sig = "(start, stop, /)")]
    fn _fail_allocations(start: usize, stop: usize) {
        cinder_pyobj::heap::fail_allocations(start, stop);
    }

    /// Let requests for memory succeed again. Returns how many were made since they were to fail.
    #[pyfunction]
    fn _stop_failing_allocations() -> usize {
        cinder_pyobj::heap::stop_failing_allocations()
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(names) = cinder_pyobj::types::module::namespace(module) else {
            return Err(cx.system_error("module without namespace"));
        };
        let version = env!("CARGO_PKG_VERSION");
        let parts = version.split(['.', '-', '+']).map_while(|part| part.parse::<i64>().ok());
        let entries =
            [("__version__", Obj::from(version)), ("version_info", tuple::new(parts.map(Obj::from).collect()))];
        for (name, value) in entries {
            dict::set(cx, &names, Name::new(name).as_obj(), &value)?;
        }
        let shadow = cinder_pyobj::types::module::from_def(cx, &crate::modules::shadow::module::MODULE)?;
        dict::set(cx, &names, Name::new("shadow").as_obj(), &shadow)?;
        let modules = crate::thread::Thread::of(cx).runtime.modules(cx)?;
        modules.set_item(cx, &Obj::from("cinder.shadow"), &shadow)?;
        Ok(())
    }
}
