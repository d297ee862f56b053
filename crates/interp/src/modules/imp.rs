//! `_imp`: what importlib needs of the interpreter. The packed library appears as frozen modules.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use cinder_pyobj::native::pymodule;
use cinder_pyobj::{Ctx, PyResult};

use crate::lock::{self, RawLock};
use crate::thread::Thread;

/// The packed modules that are found as frozen ones: what starts the import system or comes before it has a path.
const FROZEN: &[&str] = &[
    "__hello__",
    "__phello__",
    "__phello__.ham",
    "__phello__.ham.eggs",
    "__phello__.spam",
    "_collections_abc",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "_sitebuiltins",
    "abc",
    "codecs",
    "genericpath",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "importlib.machinery",
    "importlib.util",
    "io",
    "ntpath",
    "os",
    "posixpath",
    "runpy",
    "site",
    "stat",
    "zipimport",
];

/// Those that are frozen whatever the options say.
const ALWAYS_FROZEN: &[&str] =
    &["_frozen_importlib", "_frozen_importlib_external", "importlib._bootstrap", "importlib._bootstrap_external"];

/// The import lock: reentrant, and kept over forks.
pub(crate) struct ImportLock {
    raw: RawLock,
    owner: AtomicU64,
    depth: AtomicU32,
}

pub(crate) static IMPORT_LOCK: ImportLock =
    ImportLock { raw: RawLock::new(), owner: AtomicU64::new(0), depth: AtomicU32::new(0) };

impl ImportLock {
    pub(crate) fn acquire(&self, cx: &Ctx) -> PyResult<()> {
        let me = Thread::of(cx).ident;
        if self.owner.load(Ordering::Relaxed) != me {
            while !lock::acquire(cx, &self.raw, None)? {}
            self.owner.store(me, Ordering::Relaxed);
        }
        self.depth.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn release(&self, cx: &Ctx) -> bool {
        if self.owner.load(Ordering::Relaxed) != Thread::of(cx).ident {
            return false;
        }
        if self.depth.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.owner.store(0, Ordering::Relaxed);
            self.raw.release();
        }
        true
    }

    fn held(&self) -> bool {
        self.owner.load(Ordering::Relaxed) != 0
    }
}

/// What importlib needs from the interpreter; nothing that programs should use.
#[pymodule(name = "_imp")]
pub(crate) mod imp {
    use cinder_pyobj::types::str::{Name, as_utf8_lossy};
    use cinder_pyobj::types::{bytes, dict, exc, list, module, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::import;
    use crate::thread::Thread;

    /// A frozen module by name.
    fn packed(cx: &Ctx, name: &Obj) -> Option<crate::runtime::PackedModule> {
        if !name.type_of().is_str_subtype() {
            return None;
        }
        let n = as_utf8_lossy(name);
        let list = if uses_frozen(cx) { super::FROZEN } else { super::ALWAYS_FROZEN };
        if list.contains(&&*n) { Thread::of(cx).runtime.packed(&n) } else { None }
    }

    /// Whether packed modules may be loaded as frozen ones.
    fn uses_frozen(cx: &Ctx) -> bool {
        let rt = Thread::of(cx).runtime;
        match rt.frozen_override.get() {
            0 => rt.config.frozen_modules,
            n => n > 0,
        }
    }

    /// The endings of file names that mark extension modules.
    #[pyfunction]
    fn extension_suffixes() -> Obj {
        list::new(Vec::new())
    }

    /// Takes the lock that keeps imports of other threads out.
    #[pyfunction]
    fn acquire_lock(cx: &Ctx) -> PyResult<()> {
        super::IMPORT_LOCK.acquire(cx)
    }

    /// Gives up the lock that acquire_lock() took.
    #[pyfunction]
    fn release_lock(cx: &Ctx) -> PyResult<()> {
        if super::IMPORT_LOCK.release(cx) { Ok(()) } else { Err(cx.runtime_error("not holding the import lock")) }
    }

    /// Whether some thread holds the lock of imports.
    #[pyfunction]
    fn lock_held() -> bool {
        super::IMPORT_LOCK.held()
    }

    /// Returns 0 if there is no such built-in module, 1 if there is.
    #[pyfunction(sig = "(name, /)")]
    fn is_builtin(cx: &Ctx, name: &Obj) -> i64 {
        let n = as_utf8_lossy(name);
        i64::from(&*n == "builtins" || &*n == "sys" || Thread::of(cx).runtime.find_native(&n).is_some())
    }

    /// Whether a module of that name is among the frozen ones.
    #[pyfunction(sig = "(name, /)")]
    fn is_frozen(cx: &Ctx, name: &Obj) -> bool {
        packed(cx, name).is_some()
    }

    /// Whether the frozen module of that name is a package.
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

    /// What is known of a frozen module, or None if there is no such module.
    ///
    /// The result is a tuple of its code as marshalled bytes (None unless withdata is true), of whether it is a
    /// package, and of the name under which it was frozen.
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

    /// The code object of a frozen module.
    #[pyfunction(sig = "(name, data=None, /)")]
    fn get_frozen_object(cx: &Ctx, name: &Obj, data: Option<&Obj>) -> PyResult {
        if let Some(data) = data.filter(|d| !d.is_none()) {
            let data = bytes::from_buffer(cx, data)?;
            return match cinder_bytecode::format::deserialize(bytes::as_bytes(&data).unwrap_or(&[])) {
                Ok(c) if cinder_bytecode::verify(&c).is_ok() => crate::objects::code::new(cx, std::sync::Arc::new(c)),
                _ => {
                    let text = format!("Frozen object named '{}' is invalid", as_utf8_lossy(name));
                    Err(exc::raise_import_error(cx, exc::ImportError(), &text, Some(name.clone()), None))
                }
            };
        }
        match import::packed_code(cx, &as_utf8_lossy(name))? {
            Some(c) => Ok(c),
            None => Err(no_frozen(cx, name)),
        }
    }

    /// Imports a frozen module, and gives it or None.
    #[pyfunction(sig = "(name, /)")]
    fn init_frozen(cx: &Ctx, name: &Obj) -> PyResult {
        if packed(cx, name).is_none() {
            return Ok(Obj::none());
        }
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

    /// Makes the module object that a spec describes.
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

    /// Runs the initialisation of a built-in module.
    #[pyfunction(sig = "(mod, /)")]
    fn exec_builtin(mod_: &Obj) -> i64 {
        let _ = mod_;
        0
    }

    /// Makes the module object that a spec describes.
    #[pyfunction(sig = "(spec, file=None, /)")]
    fn create_dynamic(cx: &Ctx, spec: &Obj, file: Option<&Obj>) -> PyResult {
        let _ = file;
        let name = spec.get_attr(cx, cinder_pyobj::intern!("name"))?;
        let origin = spec.get_attr(cx, cinder_pyobj::intern!("origin"))?;
        if [&name, &origin].iter().any(|t| t.type_of().is_str_subtype() && as_utf8_lossy(t).contains('\0')) {
            return Err(cx.value_error("embedded null character"));
        }
        Err(exc::raise_import_error(
            cx,
            exc::ImportError(),
            "Cinder does not load extension modules written for CPython",
            Some(name),
            None,
        ))
    }

    /// Runs the initialisation of an extension module.
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
        let b = bytes::from_buffer(cx, source)?;
        let hash = cinder_pyobj::types::str::keyed_hash(key as u64, bytes::as_bytes(&b).unwrap_or(&[]));
        Ok(bytes::new(&hash.to_le_bytes()))
    }

    /// The code and the text of the command that `-c` runs, or None.
    #[pyfunction]
    fn _command(cx: &Ctx) -> Option<Obj> {
        Thread::of(cx).runtime.command.get()
    }

    /// For tests: 1 turns frozen modules on, -1 off, 0 leaves that to the options.
    #[pyfunction(sig = "(override, /)")]
    fn _override_frozen_modules_for_tests(cx: &Ctx, override_: i64) {
        Thread::of(cx).runtime.frozen_override.set(override_.signum() as i8);
    }

    #[pyfunction]
    fn _frozen_module_names() -> Obj {
        list::new(super::FROZEN.iter().map(|n| Obj::from(*n)).collect())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        let checked = Thread::of(cx).runtime.config.check_hash_pycs.as_str();
        dict::set(cx, &d, Name::new("check_hash_based_pycs").as_obj(), &Obj::from(checked))?;
        dict::set(
            cx,
            &d,
            Name::new("pyc_magic_number_token").as_obj(),
            &Obj::from(cinder_bytecode::format::pyc_magic()),
        )
    }
}
