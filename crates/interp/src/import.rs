//! The `import` statement. Finding and loading is importlib's work, which runs from the packed library.

use std::sync::Arc;

use cinder_pyobj::intern;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc, module, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::objects::{code, traceback};
use crate::thread::Thread;

/// Runs an `import` statement: by `builtins.__import__` if the program replaced it.
pub(crate) fn import_name(
    cx: &Ctx,
    builtins: &Obj,
    name: Name,
    globals: &Obj,
    locals: &Obj,
    from: &Obj,
    level: &Obj,
) -> PyResult {
    let rt = Thread::of(cx).runtime;
    let Some(f) = crate::ops::names::mapping_get(cx, builtins, intern!("__import__"))? else {
        return Err(cx.import_error("__import__ not found"));
    };
    if rt.import_func.get().is_some_and(|own| own.is(&f)) {
        return import_module_level(cx, name.as_obj(), globals, from, level.to_i64(cx)?);
    }
    f.call_pos(cx, &[name.obj(), globals.clone(), locals.clone(), from.clone(), level.clone()])
}

/// `__import__(name, globals, …, fromlist, level)`.
pub(crate) fn import_module_level(cx: &Ctx, name: &Obj, globals: &Obj, from: &Obj, level: i64) -> PyResult {
    if level < 0 {
        return Err(cx.value_error("level must be >= 0"));
    }
    let lib = importlib(cx)?;
    let absolute = if level > 0 {
        relative_name(cx, &lib, name, globals, level).map_err(|r| {
            // The statement is at fault: frames of the import system say nothing.
            let e = cx.take(r);
            exc::set_traceback(&e, None);
            if e.type_of().is(exc::KeyError()) {
                return cx.key_error(&Obj::from("'__name__' not in globals"));
            }
            cx.set_pending(e)
        })?
    } else {
        if name.len(cx)? == 0 {
            return Err(cx.value_error("Empty module name"));
        }
        name.clone()
    };
    let m = import_absolute(cx, &absolute)?;
    if !from.is_none() && from.truthy(cx)? {
        if m.get_attr_opt(cx, intern!("__path__"))?.is_some() {
            let import = lib.get_attr(cx, intern!("_gcd_import"))?;
            return trimmed(cx, lib.call_method(cx, intern!("_handle_fromlist"), &[m, from.clone(), import]));
        }
        return Ok(m);
    }
    let text = as_utf8_lossy(name).into_owned();
    let Some((front, _)) = text.split_once('.') else { return Ok(m) };
    if level == 0 {
        return import_absolute(cx, &Obj::from(front));
    }
    // `import a.b` relative to a package gives the package that `a` names.
    let abs = as_utf8_lossy(&absolute).into_owned();
    let cut = abs.len() - (text.len() - front.len());
    let top = Obj::from(&abs[..cut]);
    match dict_get_module(cx, &top)? {
        Some(m) => Ok(m),
        None => {
            let text = format!("{} not in sys.modules as expected", as_utf8_lossy(&top.repr(cx)?));
            Err(cx.key_error(&Obj::from(text.as_str())))
        }
    }
}

/// The absolute name of a relative import.
fn relative_name(cx: &Ctx, lib: &Obj, name: &Obj, globals: &Obj, level: i64) -> PyResult {
    let package = lib.call_method(cx, intern!("_calc___package__"), std::slice::from_ref(globals))?;
    if !package.type_of().is_str_subtype() {
        return Err(cx.type_error("package must be a string"));
    }
    lib.call_method(cx, intern!("_sanity_check"), &[name.clone(), package.clone(), Obj::from(level)])?;
    lib.call_method(cx, intern!("_resolve_name"), &[name.clone(), package, Obj::from(level)])
}

fn dict_get_module(cx: &Ctx, name: &Obj) -> PyResult<Option<Obj>> {
    let modules = Thread::of(cx).runtime.modules(cx)?;
    if dict::Dict::is_exact(&modules) {
        return Ok(dict::get(cx, &modules, name)?.and_then(Obj::non_none));
    }
    match modules.get_item(cx, name) {
        Ok(v) => Ok(v.non_none()),
        Err(r) => cx.swallow(r, exc::KeyError()).map(|()| None),
    }
}

/// The module of an absolute name, loaded if need be.
pub(crate) fn import_absolute(cx: &Ctx, name: &Obj) -> PyResult {
    let lib = importlib(cx)?;
    let mut found = dict_get_module(cx, name)?;
    if let Some(m) = &found {
        // A module that another thread is still loading is waited for; if that fails, it is gone.
        let spec = m.get_attr_opt(cx, intern!("__spec__"))?;
        if let Some(s) = spec
            && !s.is_none()
            && let Some(i) = s.get_attr_opt(cx, intern!("_initializing"))?
            && i.truthy(cx)?
        {
            lib.call_method(cx, intern!("_lock_unlock_module"), std::slice::from_ref(name))?;
            found = dict_get_module(cx, name)?;
        }
    }
    if let Some(m) = found {
        if Thread::of(cx).runtime.config.import_time > 1 {
            let rt = Thread::of(cx).runtime;
            let indent = 2 * rt.import_depth.get();
            note(&format!("import time: cached    | cached     | {:indent$}{}", "", shown_name(name)));
        }
        return Ok(m);
    }
    cx.audit("import", || {
        let [path, finders, hooks] = ["path", "meta_path", "path_hooks"]
            .map(|n| crate::host::sys_attr(cx, n).ok().flatten().unwrap_or_else(Obj::none));
        [name.clone(), Obj::none(), path, finders, hooks]
    })?;
    let import = lib.get_attr(cx, intern!("_gcd_import"))?;
    let load = || lib.call_method(cx, intern!("_find_and_load"), &[name.clone(), import]);
    let result = if Thread::of(cx).runtime.config.import_time > 0 { timed(cx, name, load) } else { load() };
    trimmed(cx, result)
}

/// The result of an import, an exception without the import system's own frames.
fn trimmed(cx: &Ctx, result: PyResult) -> PyResult {
    result.map_err(|r| {
        let e = cx.take(r);
        trim_traceback(&e);
        cx.set_pending(e)
    })
}

/// Writes a line to standard error, if that still takes one.
fn note(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A module name for diagnostics: lone surrogates are escaped.
fn shown_name(name: &Obj) -> String {
    match name.downcast::<cinder_pyobj::types::str::Str>() {
        Some(s) => {
            s.code_points().map(|c| char::from_u32(c).map_or_else(|| format!("\\u{c:04x}"), String::from)).collect()
        }
        None => String::new(),
    }
}

/// Loads a module and says how long that took, alone and with what it imported: `-X importtime`.
fn timed(cx: &Ctx, name: &Obj, load: impl FnOnce() -> PyResult) -> PyResult {
    let rt = Thread::of(cx).runtime;
    let depth = rt.import_depth.get();
    if !rt.import_header.replace(true) {
        note("import time: self [us] | cumulative | imported package");
    }
    rt.import_depth.set(depth + 1);
    let before = rt.import_inner.replace(0);
    let start = std::time::Instant::now();
    let result = load();
    let whole = start.elapsed().as_nanos() as u64;
    let inner = rt.import_inner.replace(before + whole);
    rt.import_depth.set(depth);
    let us = |n: u64| n.div_ceil(1000);
    note(&format!(
        "import time: {:9} | {:10} | {:indent$}{}",
        us(whole.saturating_sub(inner)),
        us(whole),
        "",
        shown_name(name),
        indent = 2 * depth
    ));
    result
}

/// Takes the import system's own frames out of an exception's traceback: all of them if an import failed, else those
/// that do nothing but call the module's code.
fn trim_traceback(e: &Obj) {
    let all = e.type_of().is_subtype(exc::ImportError());
    let mut entries = Vec::new();
    let mut at = exc::traceback(e);
    while let Some(t) = at {
        at = traceback::next(&t);
        entries.push(t);
    }
    let mut kept = Vec::with_capacity(entries.len());
    let mut chunk: Vec<Obj> = Vec::new();
    for t in entries.iter() {
        let Some((file, name)) = traceback::place(t) else { return };
        let own = file.contains("importlib")
            && (file.ends_with("_bootstrap.py")
                || file.ends_with("_bootstrap_external.py")
                || file.starts_with("<frozen importlib._bootstrap"));
        if !own {
            kept.append(&mut chunk);
            kept.push(t.clone());
            continue;
        }
        chunk.push(t.clone());
        if all || name == "_call_with_frames_removed" {
            chunk.clear();
        }
    }
    kept.append(&mut chunk);
    if kept.len() == entries.len() {
        return;
    }
    for pair in kept.windows(2) {
        traceback::set_next(&pair[0], Some(pair[1].clone()));
    }
    if let Some(last) = kept.last() {
        traceback::set_next(last, None);
    }
    exc::set_traceback(e, kept.into_iter().next());
}

fn importlib(cx: &Ctx) -> PyResult {
    Thread::of(cx).runtime.importlib.get().ok_or_else(|| cx.import_error("the import system is not ready"))
}

/// `from module import name`.
pub(crate) fn import_from(cx: &Ctx, m: &Obj, name: Name) -> PyResult {
    if let Some(v) = m.get_attr_opt(cx, name)? {
        return Ok(v);
    }
    // Perhaps a submodule that is not bound yet, because of a circular import.
    let shown = m.get_attr_opt(cx, intern!("__name__"))?;
    let module_name = shown.as_ref().filter(|n| n.type_of().is_str_subtype()).map(|n| as_utf8_lossy(n).into_owned());
    if let Some(n) = &module_name {
        let full = Obj::from(format!("{n}.{}", name.as_str()).as_str());
        if let Some(sub) = dict_get_module(cx, &full)? {
            return Ok(sub);
        }
    }
    let display = module_name.clone().unwrap_or_else(|| "<unknown module name>".to_string());
    let spec = m.get_attr_opt(cx, intern!("__spec__"))?.and_then(Obj::non_none);
    let known = shown.filter(|n| n.type_of().is_str_subtype()).unwrap_or_else(|| Obj::from(display.as_str()));
    let found = module::Origin::find(cx, spec.as_ref(), &known)?;
    let mut origin = found.file.clone();
    if origin.is_none() && module::namespace(m).is_some() {
        origin = m.get_attr_opt(cx, intern!("__file__"))?.filter(|f| f.type_of().is_str_subtype());
    }
    let place = origin.as_ref().map_or_else(|| "unknown location".to_string(), |o| as_utf8_lossy(o).into_owned());
    let message = if found.shadows_library {
        format!("cannot import name '{}' from '{display}' ({})", name.as_str(), found.library_advice(&display))
    } else if module::is_initializing(cx, spec.as_ref())? {
        if found.may_shadow {
            format!("cannot import name '{}' from '{display}' ({})", name.as_str(), found.advice())
        } else {
            format!(
                "cannot import name '{}' from partially initialized module '{display}' (most likely due to a circular \
                 import) ({place})",
                name.as_str()
            )
        }
    } else {
        format!("cannot import name '{}' from '{display}' ({place})", name.as_str())
    };
    let r = exc::raise_import_error(cx, exc::ImportError(), &message, Some(Obj::from(display.as_str())), origin);
    let e = cx.take(r);
    e.set_attr(cx, Name::new("name_from"), name.as_obj())?;
    Err(cx.set_pending(e))
}

/// Whether a module's file, or the folder of a package, lies where `sys.path` began.
pub(crate) fn is_beside_program(cx: &Ctx, file: &str) -> bool {
    use std::path::Path;
    let rt = Thread::of(cx).runtime;
    if rt.config.flags.safe_path {
        return false;
    }
    let first = rt.first_path.borrow();
    let Some(first) = first.as_deref() else { return false };
    let file = Path::new(file);
    let mut folder = file.parent();
    if file.file_name().is_some_and(|n| n == "__init__.py") {
        folder = folder.and_then(Path::parent);
    }
    match folder {
        Some(f) if first.is_empty() => std::env::current_dir().is_ok_and(|here| here == f),
        Some(f) => f == Path::new(first),
        None => false,
    }
}

/// The code object of a packed module.
pub(crate) fn packed_code(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
    let Some(p) = Thread::of(cx).runtime.packed(name) else { return Ok(None) };
    let read = cinder_bytecode::format::deserialize(p.code);
    (Thread::of(cx).runtime.config.release_packed)();
    match read {
        Ok(c) => code::new(cx, Arc::new(c)).map(Some),
        Err(e) => Err(cx.import_error(format!("packed module '{name}' is damaged: {e}"))),
    }
}

/// A native module by name, made but not yet in `sys.modules`.
pub(crate) fn create_native(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
    match Thread::of(cx).runtime.find_native(name) {
        Some(d) => module::from_def(cx, d).map(Some),
        None => Ok(None),
    }
}

/// Sets up `_frozen_importlib` and `_frozen_importlib_external`.
pub(crate) fn boot(cx: &Ctx) -> PyResult<()> {
    let rt = Thread::of(cx).runtime;
    let modules = rt.modules(cx)?;
    let m = module::new(cx, "_frozen_importlib")?;
    let ns = module::namespace(&m).ok_or_else(|| cx.system_error("module without namespace"))?;
    let Some(c) = packed_code(cx, "importlib._bootstrap")? else {
        return Err(cx.import_error("the packed library lacks importlib._bootstrap"));
    };
    let builtins = rt.builtins_module.get().unwrap_or_else(Obj::none);
    dict::set(cx, &ns, intern!("__builtins__").as_obj(), &builtins)?;
    // `_fix_up_module` tells by this name where a frozen module comes from.
    dict::set(cx, &ns, intern!("__origname__").as_obj(), &Obj::from("importlib._bootstrap"))?;
    modules.set_item(cx, &Obj::from("_frozen_importlib"), &m)?;
    crate::call::run_code(cx, &c, &ns, Some(&ns), None)?;
    rt.importlib.set(Some(m.clone()));
    let Some(imp) = create_native(cx, "_imp")? else { return Err(cx.import_error("no module _imp")) };
    modules.set_item(cx, &Obj::from("_imp"), &imp)?;
    let sys = rt.sys.get().unwrap_or_else(Obj::none);
    m.call_method(cx, intern!("_install"), &[sys, imp])?;
    if rt.find_native("_io").is_some() {
        m.call_method(cx, intern!("_install_external_importers"), &[])?;
        // Archives come after the packed library and before folders.
        if let Some(hooks) = crate::host::sys_attr(cx, "path_hooks")? {
            let zip = import_absolute(cx, &Obj::from("zipimport"))?.get_attr(cx, intern!("zipimporter"))?;
            hooks.call_method(cx, intern!("insert"), &[Obj::from(1i64), zip])?;
        }
    }
    Ok(())
}

const _: fn(&Obj) -> Option<&[Obj]> = tuple::items_if_tuple;
