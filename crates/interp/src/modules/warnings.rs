//! `_warnings`: issuing warnings, filters, registries.

use std::cell::Cell;

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc, int, list, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use crate::frame::Frame;
use crate::host;
use crate::modules::contextvars::ContextVar;
use crate::modules::thread::RLock;
use crate::objects::frame_obj::{self, FrameObject};
use crate::thread::Thread;

/// What `_warnings` keeps for the interpreter.
#[derive(Default)]
pub(crate) struct Warnings {
    filters: ObjCell,
    once: ObjCell,
    default_action: ObjCell,
    context: ObjCell,
    lock: ObjCell,
    /// Changes with the filters; registries of an older version are stale.
    version: Cell<i64>,
}

fn state(cx: &Ctx) -> &Warnings {
    let s = &Thread::of(cx).runtime.warnings;
    if s.filters.is_empty() {
        let filter = |action: &str, category: &Type, module: Obj| {
            tuple::new(vec![Obj::from(action), Obj::none(), category.as_obj(), module, Obj::from(0i64)])
        };
        s.filters.set(Some(list::new(vec![
            filter("default", exc::DeprecationWarning(), Obj::from("__main__")),
            filter("ignore", exc::DeprecationWarning(), Obj::none()),
            filter("ignore", exc::PendingDeprecationWarning(), Obj::none()),
            filter("ignore", exc::ImportWarning(), Obj::none()),
            filter("ignore", exc::ResourceWarning(), Obj::none()),
        ])));
        s.once.set(Some(dict::new()));
        s.default_action.set(Some(Obj::from("default")));
        s.version.set(1);
    }
    s
}

/// An attribute of the `warnings` module, if that is imported (or, where `import` says so, can be).
fn module_attr(cx: &Ctx, name: Name, import: bool) -> PyResult<Option<Obj>> {
    let rt = Thread::of(cx).runtime;
    let Some(modules) = rt.modules.get() else { return Ok(None) };
    let m = match dict::get(cx, &modules, intern!("warnings").as_obj())? {
        Some(m) => m,
        None if import && rt.importlib.get().is_some() && !rt.finalizing.get() => {
            match (cx.host().import)(cx, "warnings") {
                Ok(m) => m,
                Err(r) => {
                    cx.swallow(r, exc::ImportError())?;
                    return Ok(None);
                }
            }
        }
        None => return Ok(None),
    };
    m.get_attr_opt(cx, name)
}

/// Whether a part of a filter matches: None always does, a str by equality, else by its `match` method.
fn matches(cx: &Ctx, pattern: &Obj, text: &Obj) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.is_exact(cinder_pyobj::native::FixedShape::Str) {
        return pattern.eq(cx, text);
    }
    pattern.call_method(cx, intern!("match"), std::slice::from_ref(text))?.truthy(cx)
}

/// Looks for the first filter that applies: its action and itself.
fn search(
    cx: &Ctx,
    filters: &Obj,
    name: &str,
    category: &Obj,
    text: &Obj,
    line: i64,
    module: &Obj,
) -> PyResult<Option<(Obj, Obj)>> {
    let Some(l) = filters.downcast::<list::List>() else {
        return Err(cx.value_error(format!("_warnings.{name} must be a list")));
    };
    let mut i = 0;
    while let Some(item) = l.get(i) {
        let Some([action, message, cat, mod_, ln]) = tuple::items_if_tuple(&item) else {
            return Err(cx.value_error(format!("_warnings.{name} item {i} isn't a 5-tuple")));
        };
        if !action.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("action must be a string, not '{}'", action.type_of().name())));
        }
        if matches(cx, message, text)?
            && category.is_subclass(cx, cat)?
            && matches(cx, mod_, module)?
            && matches!(ln.to_i64(cx)?, n if n == 0 || n == line)
        {
            return Ok(Some((action.clone(), item.clone())));
        }
        i += 1;
    }
    Ok(None)
}

/// The filters of the current context, where warnings depend on it and it has some.
fn context_filters(cx: &Ctx) -> PyResult<Option<Obj>> {
    if !Thread::of(cx).runtime.config.flags.context_aware_warnings {
        return Ok(None);
    }
    let Some(var) = state(cx).context.get() else { return Ok(None) };
    let context = var.call_method(cx, intern!("get"), &[Obj::none()])?;
    if context.is_none() {
        return Ok(None);
    }
    context.get_attr(cx, intern!("_filters")).map(Some)
}

/// The action for a warning, with the filter that asks for it.
fn action(cx: &Ctx, category: &Obj, text: &Obj, line: i64, module: &Obj) -> PyResult<(Obj, Obj)> {
    let found = match context_filters(cx)? {
        Some(f) => search(cx, &f, "_filters", category, text, line, module)?,
        None => {
            let own = || state(cx).filters.get().unwrap_or_else(Obj::none);
            let f = module_attr(cx, intern!("filters"), false)?.unwrap_or_else(own);
            search(cx, &f, "filters", category, text, line, module)?
        }
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let default = match module_attr(cx, intern!("defaultaction"), false)? {
        Some(a) if a.type_of().is_str_subtype() => a,
        Some(a) => {
            return Err(
                cx.type_error(format!("_warnings.defaultaction must be a string, not '{}'", a.type_of().name()))
            );
        }
        None => state(cx).default_action.get().unwrap_or_else(Obj::none),
    };
    Ok((default, Obj::none()))
}

/// Whether a registry has `key`; notes it if `note` says so. A registry of older filters is emptied.
fn already_warned(cx: &Ctx, registry: &Obj, key: &Obj, note: bool) -> PyResult<bool> {
    let version = Obj::from(state(cx).version.get());
    let name = intern!("version");
    let same = match dict::get(cx, registry, name.as_obj())? {
        Some(v) => v.type_of().is_int_subtype() && int::as_i64(&v) == Some(state(cx).version.get()),
        None => false,
    };
    if same {
        if let Some(v) = dict::get(cx, registry, key)?
            && v.truthy(cx)?
        {
            return Ok(true);
        }
    } else {
        registry.call_method(cx, intern!("clear"), &[])?;
        dict::set(cx, registry, name.as_obj(), &version)?;
    }
    if note {
        dict::set(cx, registry, key, &Obj::from_bool(true))?;
    }
    Ok(false)
}

/// The name of the module in a file, where nothing better is known.
fn module_of(filename: &Obj) -> Obj {
    let text = as_utf8_lossy(filename).into_owned();
    if text.is_empty() {
        return Obj::from("<unknown>");
    }
    match text.strip_suffix(".py") {
        Some(base) => Obj::from(base),
        None => filename.clone(),
    }
}

/// Where a warning is from.
struct Place<'a> {
    filename: &'a Obj,
    line: i64,
    module: Option<Obj>,
    registry: Option<Obj>,
    source: Option<Obj>,
}

fn explicit(cx: &Ctx, category: &Obj, message: &Obj, place: Place<'_>) -> PyResult<()> {
    // While the interpreter shuts down there may be nothing left to show warnings with.
    if let Some(r) = &place.registry
        && dict::items_if_dict(r).is_none()
    {
        return Err(cx.type_error("'registry' must be a dict or None"));
    }
    let module = place.module.unwrap_or_else(|| module_of(place.filename));
    let is_warning = message.type_of().is_subtype(exc::Warning());
    let (text, category, message) = if is_warning {
        (message.str(cx)?, message.type_of().as_obj(), message.clone())
    } else {
        (message.clone(), category.clone(), category.call1(cx, message)?)
    };
    let line = place.line;
    let key = tuple::new(vec![text.clone(), category.clone(), Obj::from(line)]);
    if let Some(r) = &place.registry
        && already_warned(cx, r, &key, false)?
    {
        return Ok(());
    }
    let (action, item) = action(cx, &category, &text, line, &module)?;
    let action_text = as_utf8_lossy(&action).into_owned();
    match &*action_text {
        "error" => return Err(cx.raise_obj(message)),
        "ignore" => return Ok(()),
        _ => {}
    }
    let mut seen = false;
    if !matches!(&*action_text, "always" | "all") {
        if let Some(r) = &place.registry {
            dict::set(cx, r, &key, &Obj::from_bool(true))?;
        }
        let wide = || tuple::new(vec![text.clone(), category.clone()]);
        match &*action_text {
            "once" => {
                let own = || state(cx).once.get().unwrap_or_else(Obj::none);
                // A registry of the place's own is as good as that of all places.
                let once = match &place.registry {
                    Some(r) => r.clone(),
                    None => module_attr(cx, intern!("onceregistry"), false)?.unwrap_or_else(own),
                };
                if dict::items_if_dict(&once).is_none() {
                    return Err(cx.type_error(format!(
                        "_warnings.onceregistry must be a dict, not '{}'",
                        once.type_of().name()
                    )));
                }
                seen = already_warned(cx, &once, &wide(), true)?;
            }
            "module" => {
                if let Some(r) = &place.registry {
                    seen = already_warned(cx, r, &wide(), true)?;
                }
            }
            "default" => {}
            _ => {
                let shown = as_utf8_lossy(&action.repr(cx)?).into_owned();
                let item = as_utf8_lossy(&item.repr(cx)?).into_owned();
                return Err(cx.runtime_error(format!("Unrecognized action ({shown}) in warnings.filters:\n {item}")));
            }
        }
    }
    if seen {
        return Ok(());
    }
    let place = Place { module: None, registry: None, ..place };
    show(cx, &category, &text, &message, place)
}

/// Shows a warning by the `warnings` module, or plainly where that is not imported.
fn show(cx: &Ctx, category: &Obj, text: &Obj, message: &Obj, place: Place<'_>) -> PyResult<()> {
    let Some(f) = module_attr(cx, intern!("_showwarnmsg"), place.source.is_some())? else {
        return show_plainly(cx, category, text, &place);
    };
    if !f.is_callable() {
        return Err(cx.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = module_attr(cx, intern!("WarningMessage"), false)? else {
        return Err(cx.runtime_error("unable to get warnings.WarningMessage"));
    };
    let m = class.call_pos(
        cx,
        &[
            message.clone(),
            category.clone(),
            place.filename.clone(),
            Obj::from(place.line),
            Obj::none(),
            Obj::none(),
            place.source.clone().unwrap_or_else(Obj::none),
        ],
    )?;
    f.call1(cx, &m).map(drop)
}

fn show_plainly(cx: &Ctx, category: &Obj, text: &Obj, place: &Place<'_>) -> PyResult<()> {
    let Some(err) = host::sys_attr(cx, "stderr")?.and_then(Obj::non_none) else { return Ok(()) };
    let name = category.get_attr(cx, intern!("__name__"))?;
    let file = as_utf8_lossy(place.filename).into_owned();
    let mut out = format!("{file}:{}: {}: {}\n", place.line, as_utf8_lossy(&name), as_utf8_lossy(text));
    let line = std::fs::read(&file).ok().and_then(|bytes| {
        let n = usize::try_from(place.line).ok()?.checked_sub(1)?;
        bytes.split(|b| *b == b'\n').nth(n).map(|l| String::from_utf8_lossy(l).into_owned())
    });
    if let Some(l) = line.as_deref().map(str::trim).filter(|l| !l.is_empty()) {
        out.push_str("  ");
        out.push_str(l);
        out.push('\n');
    }
    err.call_method(cx, intern!("write"), &[Obj::from(out.as_str())]).map(drop)
}

fn is_internal(filename: &str) -> bool {
    filename.contains("importlib") && filename.contains("_bootstrap")
}

/// The frame that a warning of this stack level is about. Frames of the import system, and of files with the given
/// prefixes, do not count.
fn frame_at(th: &Thread, level: i64, skip: &[Obj]) -> Option<*mut Frame> {
    let name = |f: *mut Frame| {
        // SAFETY: frames in the chain are alive.
        let c = unsafe { (*f).code() };
        as_utf8_lossy(&c.filename.borrow()).into_owned()
    };
    // SAFETY: as above.
    let back = |f: *mut Frame| Some(unsafe { (*f).prev }).filter(|f| !f.is_null());
    let mut at = Some(th.current.get()).filter(|f| !f.is_null());
    let mut level = level;
    let plain = level <= 0 || at.is_none_or(|f| is_internal(&name(f)));
    while level > 1
        && let Some(f) = at
    {
        level -= 1;
        at = back(f);
        while !plain && let Some(f) = at {
            let file = name(f);
            if !is_internal(&file) && !skip.iter().any(|p| file.starts_with(&*as_utf8_lossy(p))) {
                break;
            }
            at = back(f);
        }
    }
    at
}

fn issue(cx: &Ctx, category: &Obj, message: &Obj, level: i64, source: Option<Obj>, skip: &[Obj]) -> PyResult<()> {
    let th = Thread::of(cx);
    let _ = state(cx);
    let frame = frame_at(th, level, skip);
    let (globals, filename, line) = match frame {
        Some(f) => {
            let fo = frame_obj::of(th, f);
            let line = fo.downcast::<FrameObject>().and_then(FrameObject::current_line).unwrap_or(0);
            // SAFETY: the frame is alive.
            let (code, globals) = unsafe { ((*f).code(), Frame::object((*f).globals)) };
            let filename = code.filename.borrow().clone();
            (globals.unwrap_or_else(Obj::none), filename, i64::from(line))
        }
        None => {
            let sys = th.runtime.sys.get().as_ref().and_then(cinder_pyobj::types::module::namespace);
            (sys.unwrap_or_else(dict::new), Obj::from("<sys>"), 0)
        }
    };
    let key = intern!("__warningregistry__");
    let registry = match dict::get(cx, &globals, key.as_obj())? {
        Some(r) => r,
        None => {
            let r = dict::new();
            dict::set(cx, &globals, key.as_obj(), &r)?;
            r
        }
    };
    let module = match dict::get(cx, &globals, intern!("__name__").as_obj())? {
        Some(m) if m.is_none() || m.type_of().is_str_subtype() => m,
        _ => Obj::from("<string>"),
    };
    explicit(
        cx,
        category,
        message,
        Place { filename: &filename, line, module: Some(module), registry: registry.non_none(), source },
    )
}

/// Issues a warning at a stack level.
pub(crate) fn warn(cx: &Ctx, category: &Type, message: &str, level: i32) -> PyResult<()> {
    if Thread::of(cx).runtime.importlib.get().is_none() {
        return Ok(());
    }
    issue(cx, &category.as_obj(), &Obj::from(message), i64::from(level), None, &[])
}

/// Issues a warning about an object, at the running frame.
pub(crate) fn warn_about(cx: &Ctx, category: &Type, message: &str, source: &Obj) -> PyResult<()> {
    if Thread::of(cx).runtime.importlib.get().is_none() {
        return Ok(());
    }
    issue(cx, &category.as_obj(), &Obj::from(message), 1, Some(source.clone()), &[])
}

/// Issues a warning about a place in a source file.
pub(crate) fn warn_explicit(cx: &Ctx, category: &Type, message: &str, filename: &Obj, line: u32) -> PyResult<()> {
    if Thread::of(cx).runtime.importlib.get().is_none() {
        return Ok(());
    }
    let _ = state(cx);
    let place = Place { filename, line: i64::from(line), module: None, registry: None, source: None };
    explicit(cx, &category.as_obj(), &Obj::from(message), place)
}

/// The category of a warning: the message's class if that is a warning, UserWarning where none is given.
fn category_of(cx: &Ctx, message: &Obj, category: Option<&Obj>) -> PyResult {
    if message.type_of().is_subtype(exc::Warning()) {
        return Ok(message.type_of().as_obj());
    }
    match category {
        None => Ok(exc::UserWarning().as_obj()),
        Some(c) if c.is_none() => Ok(exc::UserWarning().as_obj()),
        Some(c) if c.as_type().is_some_and(|t| t.is_subtype(exc::Warning())) => Ok(c.clone()),
        Some(c) => Err(cx.type_error(format!("category must be a Warning subclass, not '{}'", c.type_of().name()))),
    }
}

/// Lets `linecache` find the lines of a module that may have no file, by its loader.
fn prime_lines(cx: &Ctx, filename: &Obj, globals: &Obj) -> PyResult<()> {
    let external = (cx.host().import)(cx, "_frozen_importlib_external")?;
    external.call_method(cx, intern!("_bless_my_loader"), std::slice::from_ref(globals))?;
    let lines = (cx.host().import)(cx, "linecache")
        .and_then(|m| m.call_method(cx, intern!("getlines"), &[filename.clone(), globals.clone()]));
    match lines {
        Ok(_) => Ok(()),
        Err(r) => cx.swallow(r, exc::Exception()),
    }
}

/// Native parts of the module warnings: the functions that warn, and the filters they consult.
#[pymodule(name = "_warnings")]
pub(crate) mod warnings {
    use super::*;

    /// Shows a warning, drops it or raises it, as the filters say.
    #[pyfunction(sig = "(message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())")]
    fn warn(
        cx: &Ctx,
        message: &Obj,
        category: Option<&Obj>,
        stacklevel: i64,
        source: Option<&Obj>,
        skip_file_prefixes: Option<&Obj>,
    ) -> PyResult<()> {
        let c = category_of(cx, message, category)?;
        let skip = match skip_file_prefixes {
            Some(s) => match tuple::items_if_tuple(s) {
                Some(t) => t,
                None => {
                    return Err(cx.type_error(format!(
                        "warn() argument 'skip_file_prefixes' must be tuple, not {}",
                        s.type_of().name()
                    )));
                }
            },
            None => &[],
        };
        for p in skip {
            if !p.type_of().is_str_subtype() {
                return Err(cx.type_error(format!("Found non-str '{}' in skip_file_prefixes.", p.type_of().name())));
            }
        }
        let level = if skip.is_empty() { stacklevel } else { stacklevel.max(2) };
        let source = source.cloned().and_then(Obj::non_none);
        issue(cx, &c, message, level, source, skip)
    }

    /// Shows a warning, drops it or raises it, as the filters say.
    #[pyfunction(
        sig = "(message, category, filename, lineno, module=<unset>, registry=None, module_globals=None, source=None)"
    )]
    fn warn_explicit(
        cx: &Ctx,
        message: &Obj,
        category: &Obj,
        filename: &Obj,
        lineno: i64,
        module: Option<&Obj>,
        registry: Option<&Obj>,
        module_globals: Option<&Obj>,
        source: Option<&Obj>,
    ) -> PyResult<()> {
        if !filename.type_of().is_str_subtype() {
            return Err(cx.type_error(format!(
                "warn_explicit() argument 'filename' must be str, not {}",
                filename.type_of().name()
            )));
        }
        let c = category_of(cx, message, Some(category))?;
        let _ = state(cx);
        if let Some(g) = module_globals.filter(|g| !g.is_none()) {
            if dict::items_if_dict(g).is_none() {
                return Err(cx.type_error(format!("module_globals must be a dict, not '{}'", g.type_of().name())));
            }
            prime_lines(cx, filename, g)?;
        }
        let place = Place {
            filename,
            line: lineno,
            module: module.cloned().and_then(Obj::non_none),
            registry: registry.cloned().and_then(Obj::non_none),
            source: source.cloned().and_then(Obj::non_none),
        };
        explicit(cx, &c, message, place)
    }

    /// Invalidates what registries remember, since filters changed.
    #[pyfunction]
    fn _filters_mutated_lock_held(cx: &Ctx) {
        let s = state(cx);
        s.version.set(s.version.get() + 1);
    }

    #[pyfunction]
    fn _acquire_lock(cx: &Ctx) -> PyResult<()> {
        match state(cx).lock.get() {
            Some(l) => l.call_method(cx, intern!("acquire"), &[]).map(drop),
            None => Ok(()),
        }
    }

    #[pyfunction]
    fn _release_lock(cx: &Ctx) -> PyResult<()> {
        match state(cx).lock.get() {
            Some(l) => l.call_method(cx, intern!("release"), &[]).map(drop),
            None => Ok(()),
        }
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = cinder_pyobj::types::module::namespace(module) else { return Ok(()) };
        let s = state(cx);
        if s.context.is_empty() {
            // The import system needs this module before it can import others.
            let var = ContextVar::class().type_object().as_obj();
            s.context.set(Some(var.call1(cx, &Obj::from("_warnings_context"))?));
            s.lock.set(Some(RLock::class().type_object().as_obj().call0(cx)?));
        }
        for (name, cell) in [
            ("filters", &s.filters),
            ("_onceregistry", &s.once),
            ("_defaultaction", &s.default_action),
            ("_warnings_context", &s.context),
        ] {
            dict::set(cx, &d, Name::new(name).as_obj(), &cell.get().unwrap_or_else(Obj::none))?;
        }
        Ok(())
    }
}
