//! `import` statements and the REPL's display.

use cinder_pyobj::intern;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc, module};
use cinder_pyobj::{Obj, PyResult};

use super::op;
use crate::import;
use crate::machine::{Flow, M};
use crate::thread::Thread;

fn namespace<'a>(m: M) -> PyResult<&'a Obj> {
    let v = &m.frame().namespace;
    if v.is_sentinel() {
        return Err(m.cx().system_error("no locals found during 'import *'"));
    }
    // SAFETY: the frame keeps its namespace alive.
    Ok(unsafe { Obj::borrow_from(v) })
}

/// `from module import *` into a namespace mapping.
fn import_star(m: M, module: &Obj, ns: &Obj) -> PyResult<()> {
    let cx = m.cx();
    let all = module.get_attr_opt(cx, intern!("__all__"))?;
    let skip_private = all.is_none();
    let names = match all {
        Some(a) if a.type_of().slots.iter.get().is_some() || a.type_of().lookup(intern!("__getitem__")).is_some() => {
            a.collect(cx)?
        }
        Some(a) => {
            return Err(cx.type_error(format!("'{}' object does not support indexing", a.type_of().name())));
        }
        None => match module.get_attr_opt(cx, intern!("__dict__"))? {
            Some(d) => d.call_method(cx, intern!("keys"), &[])?.collect(cx)?,
            None => return Err(cx.import_error("from-import-* object has no __dict__ and no __all__")),
        },
    };
    for n in names {
        if !n.type_of().is_str_subtype() {
            let module_name = module.get_attr_opt(cx, intern!("__name__"))?;
            let shown = module_name.map(|n| as_utf8_lossy(&n).into_owned()).unwrap_or_default();
            return Err(cx.type_error(format!(
                "{} in {shown}.{} must be str, not {}",
                if skip_private { "Key" } else { "Item" },
                if skip_private { "__dict__" } else { "__all__" },
                n.type_of().name()
            )));
        }
        if skip_private && as_utf8_lossy(&n).starts_with('_') {
            continue;
        }
        let v = module.get_attr_obj(cx, &n)?;
        ns.set_item(cx, &n, &v)?;
    }
    Ok(())
}

op! {
    ImportName |m| {
        let name = m.name(m.extra());
        let (from, level) = (m.arg(m.b()), m.arg(m.c()));
        let ns = m.frame().namespace;
        let locals = if ns.is_sentinel() {
            Obj::none()
        } else {
            // SAFETY: the frame keeps its namespace alive.
            unsafe { Obj::from_borrowed(ns) }
        };
        let r = import::import_name(m.cx(), m.builtins(), name, m.globals(), &locals, &from, &level)?;
        drop((from, level));
        m.set(m.a(), r);
        Ok(Flow::SKIP)
    }

    ImportFrom |m| {
        let name = m.name(m.extra());
        let v = import::import_from(m.cx(), m.peek_obj(m.b()), name)?;
        m.set(m.a(), v);
        Ok(Flow::SKIP)
    }

    ImportStar |m| {
        let x = m.arg(m.a());
        import_star(m, &x, namespace(m)?)?;
        drop(x);
        Ok(Flow::NEXT)
    }

    PrintExpr |m| {
        let cx = m.cx();
        let x = m.arg(m.a());
        let sys = Thread::of(cx).runtime.sys.get();
        let hook = match sys.as_ref().and_then(module::namespace) {
            Some(d) => dict::get(cx, &d, Name::new("displayhook").as_obj())?,
            None => None,
        };
        match hook {
            Some(h) => drop(h.call1(cx, &x)?),
            None => return Err(cx.raise(exc::RuntimeError(), "lost sys.displayhook")),
        }
        drop(x);
        Ok(Flow::NEXT)
    }
}
