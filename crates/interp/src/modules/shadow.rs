//! `cinder.shadow`: what warm code remembers.

use cinder_pyobj::native::pymodule;

/// Inline caches of functions that run often.
#[pymodule(name = "cinder.shadow")]
pub(crate) mod module {
    use cinder_bytecode::op::Opcode;
    use cinder_pyobj::shape::ShapeId;
    use cinder_pyobj::types::{dict, list, method, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};
    use cinder_shadow::{Shadow, ShadowOp, Site};

    use crate::objects::code::CodeObject;
    use crate::objects::function::Function;

    /// The code object of a function, method or code object.
    fn code_of(cx: &Ctx, f: &Obj) -> PyResult {
        if f.downcast::<CodeObject>().is_some() {
            return Ok(f.clone());
        }
        if let Some(m) = f.downcast::<method::BoundMethod>() {
            return code_of(cx, &m.function().clone());
        }
        match f.downcast::<Function>().and_then(Function::code_ref) {
            Some(c) => Ok(c),
            None => Err(cx.type_error(format!("expected a function or code object, not '{}'", f.type_of().name()))),
        }
    }

    fn describe(cx: &Ctx, code: &CodeObject, shadow: &Shadow, site: &Site) -> PyResult {
        let d = dict::new();
        let put = |k: &str, v: Obj| d.set_item(cx, &Obj::from(k), &v);
        let now = ShadowOp::from_number(shadow.insn(site.at() as usize).op_number());
        let generic = site.original().op().unwrap_or(Opcode::Nop);
        put("index", Obj::from(i64::from(site.at())))?;
        put("opcode", Obj::from(now.map_or(generic.info().name, |o| o.info().name)))?;
        put("generic", Obj::from(generic.info().name))?;
        put("family", Obj::from(now.map_or("", |o| o.info().family)))?;
        put("executions", Obj::from(site.executions() as i64))?;
        put("misses", Obj::from(i64::from(site.misses())))?;
        put("invalidations", Obj::from(i64::from(site.forgotten())))?;
        put("failures", Obj::from(i64::from(site.failures())))?;
        if matches!(generic, Opcode::LoadAttr | Opcode::StoreAttr | Opcode::LoadMethod) {
            let name = code.names[usize::from(site.original().c())];
            put("name", name.obj())?;
        }
        // Pinned entries hold a receiver, not a shape.
        let pinned = now.is_some_and(|o| o.info().name.ends_with("Pinned"));
        let seen = list::empty();
        let by_shape = matches!(generic, Opcode::LoadAttr | Opcode::StoreAttr | Opcode::LoadMethod) && !pinned;
        if let Some(l) = list::as_list(&seen).filter(|_| by_shape) {
            let add = |guard: u32, kind: String, count: u32| -> PyResult<()> {
                if guard != 0 {
                    // SAFETY: entries are cleared before their type dies, so the shape's type is alive.
                    let ty = unsafe { ShapeId::from_u32(guard) }.get().ty();
                    let item = tuple::new(vec![ty.as_obj(), Obj::from(kind.as_str()), Obj::from(i64::from(count))]);
                    l.append(cx, item)?;
                }
                Ok(())
            };
            match site.more().filter(|m| m.len.get() > 0) {
                Some(m) => {
                    for i in 0..m.len.get() as usize {
                        add(m.entries[i].guard.get(), format!("{:?}", m.kinds[i].get()), m.counts[i].get())?;
                    }
                }
                None => add(site.entry.guard.get(), String::new(), 0)?,
            }
        }
        put("seen", seen)?;
        Ok(d)
    }

    /// What the sites of a function remember and how they fared: a dict with "warm" and "sites".
    ///
    /// Executions are counted only under -X shadow-stats.
    #[pyfunction(sig = "(function, /)")]
    fn stats(cx: &Ctx, function: &Obj) -> PyResult {
        let co = code_of(cx, function)?;
        let Some(code) = co.downcast::<CodeObject>() else { return Err(cx.type_error("a code object is required")) };
        let d = dict::new();
        let sites = list::empty();
        if let (Some(s), Some(l)) = (code.shadow(), list::as_list(&sites)) {
            for site in s.sites() {
                l.append(cx, describe(cx, code, s, site)?)?;
            }
        }
        d.set_item(cx, &Obj::from("warm"), &Obj::from_bool(code.shadow().is_some()))?;
        d.set_item(cx, &Obj::from("sites"), &sites)?;
        Ok(d)
    }

    /// The instruction names of a function as they are now, in order.
    #[pyfunction(sig = "(function, /)")]
    fn opcodes(cx: &Ctx, function: &Obj) -> PyResult {
        let co = code_of(cx, function)?;
        let Some(code) = co.downcast::<CodeObject>() else { return Err(cx.type_error("a code object is required")) };
        let name = |n: u16| match ShadowOp::from_number(n) {
            Some(o) => o.info().name,
            None => Opcode::from_u16(n).map_or("", |o| o.info().name),
        };
        let names = match code.shadow() {
            Some(s) => (0..s.len()).map(|i| Obj::from(name(s.insn(i).op_number()))).collect(),
            None => code.code.insns.iter().map(|i| Obj::from(name(i.op_number()))).collect(),
        };
        Ok(list::new(names))
    }

    /// Makes a function forget all it remembers.
    #[pyfunction(sig = "(function, /)")]
    fn clear(cx: &Ctx, function: &Obj) -> PyResult<()> {
        let co = code_of(cx, function)?;
        if let Some(s) = co.downcast::<CodeObject>().and_then(CodeObject::shadow) {
            s.clear();
        }
        Ok(())
    }

    /// Makes all functions forget all they remember.
    #[pyfunction]
    fn clear_all() {
        cinder_shadow::clear_all();
    }

    /// The figures of all families: a dict of (sites, executions, misses, invalidations, failures).
    #[pyfunction]
    fn totals(cx: &Ctx) -> PyResult {
        let d = dict::new();
        for (family, t) in cinder_shadow::stats::totals() {
            let figures = [t.sites, t.executions, t.misses, t.forgotten, t.failures];
            let row = tuple::new(figures.iter().map(|n| Obj::from(*n as i64)).collect());
            d.set_item(cx, &Obj::from(family), &row)?;
        }
        Ok(d)
    }
}
