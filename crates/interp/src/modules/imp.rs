//! `_imp`: what importlib needs of the interpreter. The packed library appears as frozen modules.

use cinder_pyobj::native::pymodule;

/// (Extremely) low-level import machinery bits as used by importlib.
#[pymodule(name = "_imp")]
pub(crate) mod imp {
    use cinder_pyobj::types::str::{Name, as_utf8_lossy};
    use cinder_pyobj::types::{bytes, dict, exc, list, module, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::import;
    use crate::thread::Thread;

    fn packed(cx: &Ctx, name: &Obj) -> Option<crate::runtime::PackedModule> {
        Thread::of(cx).runtime.packed(&as_utf8_lossy(name))
    }

    /// Returns the list of file suffixes used to identify extension modules.
    #[pyfunction]
    fn extension_suffixes() -> Obj {
        list::new(Vec::new())
    }

    /// Acquires the interpreter's import lock for the current thread.
    #[pyfunction]
    fn acquire_lock() {}

    /// Release the interpreter's import lock.
    #[pyfunction]
    fn release_lock() {}

    /// Return True if the import lock is currently held, else False.
    #[pyfunction]
    fn lock_held() -> bool {
        false
    }

    /// Returns 0 if there is no such built-in module, 1 if there is.
    #[pyfunction(sig = "(name, /)")]
    fn is_builtin(cx: &Ctx, name: &Obj) -> i64 {
        let n = as_utf8_lossy(name);
        i64::from(&*n == "builtins" || &*n == "sys" || Thread::of(cx).runtime.find_native(&n).is_some())
    }

    /// Returns True if the module name corresponds to a frozen module.
    #[pyfunction(sig = "(name, /)")]
    fn is_frozen(cx: &Ctx, name: &Obj) -> bool {
        packed(cx, name).is_some()
    }

    /// Returns True if the module name is of a frozen package.
    #[pyfunction(sig = "(name, /)")]
    fn is_frozen_package(cx: &Ctx, name: &Obj) -> PyResult<bool> {
        match packed(cx, name) {
            Some(p) => Ok(p.is_package),
            None => Err(no_frozen(cx, name)),
        }
    }

    fn no_frozen(cx: &Ctx, name: &Obj) -> cinder_pyobj::Raised {
        let text = format!("No such frozen object named {}", as_utf8_lossy(name));
        exc::raise_import_error(cx, exc::ImportError(), &text, Some(name.clone()), None)
    }

    /// Return info about the corresponding frozen module (if there is one) or None.
    ///
    /// The returned info (a 3-tuple):
    ///
    ///  * data         the raw marshalled bytes
    ///  * is_package   whether or not it is a package
    ///  * origname     the originally frozen module's name, or None if not
    ///                 a stdlib module (this will usually be the same as
    ///                 the module's current name)
    #[pyfunction(sig = "(name, /, *, withdata=False)")]
    fn find_frozen(cx: &Ctx, name: &Obj, withdata: bool) -> Obj {
        match packed(cx, name) {
            Some(p) => {
                let data = if withdata { bytes::new(p.code) } else { Obj::none() };
                tuple::new(vec![data, Obj::from_bool(p.is_package), name.clone()])
            }
            None => Obj::none(),
        }
    }

    /// Create a code object for a frozen module.
    #[pyfunction(sig = "(name, data=None, /)")]
    fn get_frozen_object(cx: &Ctx, name: &Obj, data: Option<&Obj>) -> PyResult {
        let _ = data;
        match import::packed_code(cx, &as_utf8_lossy(name))? {
            Some(c) => Ok(c),
            None => Err(no_frozen(cx, name)),
        }
    }

    /// Initializes a frozen module.
    #[pyfunction(sig = "(name, /)")]
    fn init_frozen(cx: &Ctx, name: &Obj) -> PyResult {
        match import::packed_code(cx, &as_utf8_lossy(name))? {
            None => Ok(Obj::none()),
            Some(c) => {
                let m = module::new(cx, &as_utf8_lossy(name))?;
                let ns = module::namespace(&m).ok_or_else(|| cx.system_error("module without namespace"))?;
                Thread::of(cx).runtime.modules(cx)?.set_item(cx, name, &m)?;
                crate::call::run_code(cx, &c, &ns, Some(&ns), None)?;
                Ok(m)
            }
        }
    }

    /// Create an extension module.
    #[pyfunction(sig = "(spec, /)")]
    fn create_builtin(cx: &Ctx, spec: &Obj) -> PyResult {
        let name = spec.get_attr(cx, cinder_pyobj::intern!("name"))?;
        let text = as_utf8_lossy(&name).into_owned();
        let rt = Thread::of(cx).runtime;
        if let Some(m) = dict::get(cx, &rt.modules(cx)?, &name)? {
            return Ok(m);
        }
        match import::create_native(cx, &text)? {
            Some(m) => Ok(m),
            None => Ok(Obj::none()),
        }
    }

    /// Initialize a built-in module.
    #[pyfunction(sig = "(mod, /)")]
    fn exec_builtin(mod_: &Obj) -> i64 {
        let _ = mod_;
        0
    }

    /// Create an extension module.
    #[pyfunction(sig = "(spec, file=None, /)")]
    fn create_dynamic(cx: &Ctx, spec: &Obj, file: Option<&Obj>) -> PyResult {
        let _ = file;
        let name = spec.get_attr(cx, cinder_pyobj::intern!("name"))?;
        Err(exc::raise_import_error(
            cx,
            exc::ImportError(),
            "Cinder does not load extension modules written for CPython",
            Some(name),
            None,
        ))
    }

    /// Initialize an extension module.
    #[pyfunction(sig = "(mod, /)")]
    fn exec_dynamic(mod_: &Obj) -> i64 {
        let _ = mod_;
        0
    }

    #[pyfunction(sig = "(code, path, /)")]
    fn _fix_co_filename(code: &Obj, path: &Obj) {
        crate::objects::code::set_filename(code, path);
    }

    #[pyfunction(sig = "(key, source)")]
    fn source_hash(cx: &Ctx, key: i64, source: &Obj) -> PyResult {
        use std::hash::Hasher;
        let b = bytes::from_buffer(cx, source)?;
        let mut h = rustc_hash::FxHasher::default();
        h.write_i64(key);
        h.write(bytes::as_bytes(&b).unwrap_or(&[]));
        Ok(bytes::new(&h.finish().to_le_bytes()))
    }

    #[pyfunction(sig = "(override, /)")]
    fn _override_frozen_modules_for_tests(override_: i64) {
        let _ = override_;
    }

    #[pyfunction]
    fn _frozen_module_names() -> Obj {
        list::new(Vec::new())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        dict::set(cx, &d, Name::new("check_hash_based_pycs").as_obj(), &Obj::from("default"))?;
        dict::set(cx, &d, Name::new("pyc_magic_number_token").as_obj(), &Obj::from(0x0a0d_6312i64))
    }
}
