//! Names: globals, builtins, namespace mappings.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};
use cinder_shadow::{ShadowOp, Site};

use super::{fast, fast_op, op};
use crate::machine::{Fast, Flow, M};

#[cold]
fn not_defined(cx: &Ctx, name: Name) -> Raised {
    exc::raise_name_error(cx, exc::NameError(), &format!("name '{}' is not defined", name.as_str()), name.as_obj())
}

/// Looks a name up in globals, then builtins.
fn load_global(m: M, name: Name) -> PyResult<Option<Obj>> {
    let cx = m.cx();
    let (g, b) = (m.globals(), m.builtins());
    if let Some(v) = mapping_get(cx, g, name)? {
        return Ok(Some(v));
    }
    mapping_get(cx, b, name)
}

fn global_generic(m: M, name: Name) -> PyResult<Flow> {
    match load_global(m, name)? {
        Some(v) => {
            m.set(m.a(), v);
            Ok(Flow::NEXT)
        }
        None => Err(not_defined(m.cx(), name)),
    }
}

/// The site of an instruction that keeps its number in `bx`.
#[inline(always)]
pub(super) fn site<'a>(m: M) -> &'a Site {
    // SAFETY: specialised instructions run in shadow code only, where the frame knows the sites.
    unsafe { &*m.frame().sites.add(m.bx() as usize) }
}

/// A global that the site does not know: remembers its cell, or that of the builtin of this name.
fn global_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let name = m.name(s.original().bx());
    let (g, b) = (m.globals(), m.builtins());
    if let Some(d) = dict::as_dict(g)
        && let Some(gc) = d.cell(name)
    {
        let own = m.th().runtime.builtins.get().is_some_and(|o| o.is(b));
        let bc = if own { dict::as_dict(b).and_then(|d| d.cell(name)) } else { None };
        let found = match (gc.value() != Value::UNBOUND, bc) {
            (true, _) => Some(None),
            (false, Some(c)) if c.value() != Value::UNBOUND => Some(Some((c, b.value().bits()))),
            _ => None,
        };
        if let Some(builtin) = found {
            // SAFETY: the instruction lies in shadow code; the interpreter's builtins live as long as it.
            unsafe { cinder_shadow::look_global(m.pc, s, g.value().bits(), gc, builtin, d.mark_cached()) };
        }
    } else if let Some(d) = g.fixed::<dict::Dict>(FixedShape::Dict)
        && d.quick_get(name.value()).is_some()
    {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, Some(ShadowOp::LoadGlobalDict), 0, 0, 0) };
    }
    global_generic(m, name)
}

#[inline(always)]
fn cell_word(target: usize) -> Value {
    // SAFETY: the site forgets the cell before it dies.
    unsafe { (*(target as *const AttrCell)).value() }
}

/// The frame's namespace mapping.
fn namespace<'a>(m: M) -> PyResult<&'a Obj> {
    let v = &m.frame().namespace;
    if v.is_sentinel() {
        // A function made of a module's code has the globals as its names.
        if m.frame().function != Value::UNBOUND {
            return Ok(m.globals());
        }
        return Err(m.cx().system_error("no locals found"));
    }
    // SAFETY: the frame keeps its namespace alive.
    Ok(unsafe { Obj::borrow_from(v) })
}

/// `mapping[name]`, where a missing key is nothing.
pub(crate) fn mapping_get(cx: &Ctx, mapping: &Obj, name: Name) -> PyResult<Option<Obj>> {
    if dict::Dict::is_exact(mapping) {
        return dict::get(cx, mapping, name.as_obj());
    }
    match mapping.get_item(cx, name.as_obj()) {
        Ok(v) => Ok(Some(v)),
        Err(r) => cx.swallow(r, exc::KeyError()).map(|()| None),
    }
}

fn global_or_error(m: M, name: Name) -> PyResult {
    let cx = m.cx();
    if let Some(v) = mapping_get(cx, m.globals(), name)? {
        return Ok(v);
    }
    match mapping_get(cx, m.builtins(), name)? {
        Some(v) => Ok(v),
        None => Err(not_defined(cx, name)),
    }
}

fast_op! {
    LoadGlobalLook |m| fast { Fast::Slow } slow { global_look(m) }

    LoadGlobalCell |m| fast {
        let e = &site(m).entry;
        if m.globals().value().bits() != e.word() {
            return Fast::Slow;
        }
        let v = cell_word(e.target.get());
        if v == Value::UNBOUND {
            return Fast::Slow;
        }
        // SAFETY: the cell keeps the value alive.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow { global_look(m) }

    LoadGlobalDict |m| fast {
        let d = fast!(m.globals().fixed::<dict::Dict>(FixedShape::Dict));
        let name = fast!(m.frame().code().names.get(site(m).original().bx() as usize)).value();
        let v = fast!(d.quick_get(name));
        // SAFETY: the dict keeps the value alive.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow { global_look(m) }

    LoadGlobalBuiltin |m| fast {
        let s = site(m);
        let b = &fast!(s.more()).entries[0];
        if m.globals().value().bits() != s.entry.word()
            || m.builtins().value().bits() != b.word()
            || cell_word(s.entry.target.get()) != Value::UNBOUND
        {
            return Fast::Slow;
        }
        let v = cell_word(b.target.get());
        if v == Value::UNBOUND {
            return Fast::Slow;
        }
        // SAFETY: the cell keeps the value alive.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow { global_look(m) }
}

op! {
    LoadGlobal |m| { global_generic(m, m.name(m.bx())) }

    StoreGlobal |m| {
        let v = m.arg(m.a());
        dict::set(m.cx(), m.globals(), m.name(m.bx()).as_obj(), &v)?;
        Ok(Flow::NEXT)
    }

    DeleteGlobal |m| {
        let name = m.name(m.bx());
        if !dict::remove(m.cx(), m.globals(), name.as_obj())? {
            return Err(not_defined(m.cx(), name));
        }
        Ok(Flow::NEXT)
    }

    LoadName |m| {
        let name = m.name(m.bx());
        let ns = namespace(m)?;
        let v = match mapping_get(m.cx(), ns, name)? {
            Some(v) => v,
            None => global_or_error(m, name)?,
        };
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    StoreName |m| {
        let v = m.arg(m.a());
        let ns = namespace(m)?;
        if dict::Dict::is_exact(ns) {
            dict::set(m.cx(), ns, m.name(m.bx()).as_obj(), &v)?;
        } else {
            ns.set_item(m.cx(), m.name(m.bx()).as_obj(), &v)?;
        }
        Ok(Flow::NEXT)
    }

    DeleteName |m| {
        let name = m.name(m.bx());
        let ns = namespace(m)?;
        match ns.del_item(m.cx(), name.as_obj()) {
            Ok(()) => Ok(Flow::NEXT),
            Err(r) => {
                m.cx().swallow(r, exc::KeyError())?;
                Err(not_defined(m.cx(), name))
            }
        }
    }

    LoadFromDictOrGlobals |m| {
        let name = m.name(m.c() as u16 as u32);
        let d = m.arg(m.b());
        let v = match mapping_get(m.cx(), &d, name)? {
            Some(v) => v,
            None => global_or_error(m, name)?,
        };
        drop(d);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadLocals |m| {
        let ns = namespace(m)?.clone();
        m.set(m.a(), ns);
        Ok(Flow::NEXT)
    }

    SetupAnnotations |m| {
        let ns = namespace(m)?;
        let name = Name::new("__annotations__");
        if mapping_get(m.cx(), ns, name)?.is_none() {
            ns.set_item(m.cx(), name.as_obj(), &dict::new())?;
        }
        Ok(Flow::NEXT)
    }

    LoadBuildClass |m| {
        let name = Name::new("__build_class__");
        match mapping_get(m.cx(), m.builtins(), name)? {
            Some(v) => m.set(m.a(), v),
            None => {
                return Err(exc::raise_name_error(
                    m.cx(),
                    exc::NameError(),
                    "__build_class__ not found",
                    name.as_obj(),
                ));
            }
        }
        Ok(Flow::NEXT)
    }

    LoadCommonConst |m| {
        let v = match m.b() {
            0 => exc::AssertionError().as_obj(),
            1 => exc::NotImplementedError().as_obj(),
            2 => cinder_pyobj::types::tuple::new(Vec::new()).type_of().as_obj(),
            n => {
                let name = Name::new(if n == 3 { "all" } else { "any" });
                let b = (m.cx().host().builtins)(m.cx());
                match b.map(|b| dict::get(m.cx(), &b, name.as_obj())).transpose()?.flatten() {
                    Some(v) => v,
                    None => return Err(not_defined(m.cx(), name)),
                }
            }
        };
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }
}
