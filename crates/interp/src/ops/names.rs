//! Names: globals, builtins, namespace mappings.

use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};

use super::{fast_op, op};
use crate::machine::{Flow, M};
use crate::objects::code::GlobalCells;

#[cold]
fn not_defined(cx: &Ctx, name: Name) -> Raised {
    exc::raise_name_error(cx, exc::NameError(), &format!("name '{}' is not defined", name.as_str()), name.as_obj())
}

/// The word of a global, or else builtin, through the cells that the code object remembers.
#[inline(always)]
fn cached(m: M) -> Option<Value> {
    let c = m.frame().code();
    if c.globals_word.get() != m.frame().globals.bits() {
        return None;
    }
    // SAFETY: the cells live in dicts that the code object and the frame keep alive, and `global_cells` is
    // not borrowed while instructions run.
    unsafe {
        let cells = &*c.global_cells.as_ptr();
        let g = cells.get(m.bx() as usize)?.get()?;
        let v = (*g.global).value();
        if v != Value::UNBOUND {
            return Some(v);
        }
        if g.builtin.is_null() {
            return None;
        }
        let v = (*g.builtin).value();
        if v != Value::UNBOUND { Some(v) } else { None }
    }
}

/// Looks a name up in globals, then builtins; fills the cells where both are namespace dicts.
fn load_global(m: M, name: Name) -> PyResult<Option<Obj>> {
    let cx = m.cx();
    let (g, b) = (m.globals(), m.builtins());
    let c = m.frame().code();
    let plain =
        |d: &Obj| if dict::Dict::is_exact(d) { dict::as_dict(d)?.cell(name).map(std::ptr::from_ref) } else { None };
    if let Some(gc) = plain(g) {
        let bc = plain(b);
        if c.globals_word.get() == 0 {
            c.globals.set(Some(g.clone()));
            c.globals_word.set(g.value().bits());
        }
        if c.globals_word.get() == g.value().bits()
            && let Some(slot) = c.global_cells.borrow().get(m.bx() as usize)
        {
            slot.set(Some(GlobalCells { global: gc, builtin: bc.unwrap_or(std::ptr::null()) }));
        }
        // SAFETY: the cell lives in the dict, which the frame keeps alive.
        if let Some(v) = unsafe { (*gc).get() } {
            return Ok(Some(v));
        }
    } else if let Some(v) = mapping_get(cx, g, name)? {
        return Ok(Some(v));
    }
    mapping_get(cx, b, name)
}

/// The frame's namespace mapping.
fn namespace<'a>(m: M) -> PyResult<&'a Obj> {
    let v = &m.frame().namespace;
    if v.is_sentinel() {
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
    LoadGlobal |m| fast {
        let v = cached(m)?;
        // SAFETY: the cell keeps the value alive.
        unsafe { v.incref() };
        m.set_word(m.a(), v);
        Some(Flow::NEXT)
    } slow {
        let name = m.name(m.bx());
        match load_global(m, name)? {
            Some(v) => {
                m.set(m.a(), v);
                Ok(Flow::NEXT)
            }
            None => Err(not_defined(m.cx(), name)),
        }
    }
}

op! {
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
