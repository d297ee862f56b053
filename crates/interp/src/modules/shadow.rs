//! `cinder.shadow`: what warm code remembers.

use cinder_pyobj::native::pymodule;

/// Inline caches of functions that run often.
#[pymodule(name = "cinder.shadow")]
pub(crate) mod module {
    use cinder_bytecode::op::Opcode;
    use cinder_pyobj::cell::CellState;
    use cinder_pyobj::native::FixedShape;
    use cinder_pyobj::shape::ShapeId;
    use cinder_pyobj::shape::fact::Seen;
    use cinder_pyobj::types::{dict, list, method, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};
    use cinder_shadow::{Family, Kind, Shadow, ShadowOp, Site};

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
        let family = now.or(ShadowOp::observing(generic)).map_or("", |o| o.info().family);
        put("family", Obj::from(family))?;
        put("executions", Obj::from(site.executions() as i64))?;
        put("hits", Obj::from(site.hits() as i64))?;
        put("misses", Obj::from(i64::from(site.misses())))?;
        put("invalidations", Obj::from(i64::from(site.forgotten())))?;
        put("failures", Obj::from(i64::from(site.failures())))?;
        let by_name = [Opcode::LoadAttr, Opcode::StoreAttr, Opcode::DelAttr, Opcode::LoadMethod].contains(&generic);
        if by_name {
            let name = code.names[usize::from(site.original().c())];
            put("name", name.obj())?;
        }
        put("seen", seen(cx, site, now, generic)?)?;
        Ok(d)
    }

    /// What a site met: tuples of a class (two classes for operators), how that was dealt with and a count.
    fn seen(cx: &Ctx, site: &Site, now: Option<ShadowOp>, generic: Opcode) -> PyResult {
        let seen = list::empty();
        let family = ShadowOp::observing(generic).map_or("", |o| o.info().family);
        let pairs = matches!(family, "binary" | "compare");
        // Entries of calls, names and unpackings hold no shapes.
        let by_shape = pairs
            || matches!(
                family,
                "load_attr"
                    | "store_attr"
                    | "del_attr"
                    | "load_method"
                    | "load_special"
                    | "truth"
                    | "contains"
                    | "subscript"
                    | "unary"
                    | "format"
                    | "get_iter"
                    | "for_iter"
            );
        if !by_shape {
            return Ok(seen);
        }
        // A pinned entry holds a receiver, which may be gone, and no shape.
        let class = |shape: u32, kind: Kind| match kind.is_pinned() {
            true => Obj::none(),
            // SAFETY: entries are cleared before their type dies, so the shape's type is alive.
            false => unsafe { ShapeId::from_u32(shape) }.get().ty().as_obj(),
        };
        let add = |guard: u32, arg: u32, kind: Kind, count: u32| -> PyResult<()> {
            if guard == 0 {
                return Ok(());
            }
            let mut item = vec![class(guard, kind)];
            if pairs {
                item.push(class(arg, kind));
            }
            item.push(Obj::from(format!("{kind:?}").as_str()));
            item.push(Obj::from(i64::from(count)));
            list::as_list(&seen).map_or(Ok(()), |l| l.append(cx, tuple::new(item)))
        };
        match site.more().filter(|m| m.len.get() > 0) {
            Some(m) => {
                for i in 0..m.len.get() as usize {
                    let e = &m.entries[i];
                    add(e.guard.get(), e.arg.get(), m.kinds[i].get(), m.counts[i].get())?;
                }
            }
            None => {
                let kind = match now.map_or(Kind::None, cinder_shadow::kind_of_entry) {
                    Kind::None => site.kind(),
                    kind => kind,
                };
                add(site.entry.guard.get(), site.entry.arg.get(), kind, 0)?;
            }
        }
        Ok(seen)
    }

    /// What the sites of a function remember and how they fared: a dict with "warm" and "sites".
    ///
    /// Each site is a dict. Executions and hits, those that looked nothing up, are counted under -X shadow-stats or
    /// after count(); misses, invalidations and failures always, since they are slow anyway.
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

    /// Counts the executions of all sites from now on, or no more; returns whether they were counted before.
    ///
    /// Code that is counted runs more slowly.
    #[pyfunction(sig = "(on=True, /)")]
    fn count(cx: &Ctx, on: Option<&Obj>) -> PyResult<bool> {
        let before = cinder_shadow::stats::counting();
        let on = match on {
            Some(on) => on.truthy(cx)?,
            None => true,
        };
        cinder_shadow::stats::count_executions(on);
        Ok(before)
    }

    /// The families of instructions with sites: a dict of the names of their specialised instructions.
    #[pyfunction]
    fn families(cx: &Ctx) -> PyResult {
        let d = dict::new();
        for family in Family::all() {
            let names = family.ops.iter().map(|op| Obj::from(op.info().name)).collect();
            d.set_item(cx, &Obj::from(family.name), &list::new(names))?;
        }
        Ok(d)
    }

    /// What has been seen of the attributes in an object's slots: a dict of (constant, class).
    ///
    /// An attribute is constant if no object of that layout got another value for it; the class of all values so
    /// far is the name of a core class or the number that stands for another one, or None where they were of several.
    #[pyfunction(sig = "(obj, /)")]
    fn slots(cx: &Ctx, obj: &Obj) -> PyResult {
        let d = dict::new();
        let shape = obj.shape_id().get();
        for (i, name) in shape.keys().into_iter().enumerate() {
            let fact = shape.fact_of(i as u32);
            d.set_item(cx, name.as_obj(), &shown(fact.is_constant(), fact.seen()))?;
        }
        Ok(d)
    }

    /// As slots(), for the attributes of a class: (constant, class) of one name, or None if there is none.
    #[pyfunction(sig = "(cls, name, /)")]
    fn cell(cx: &Ctx, cls: &Obj, name: &Obj) -> PyResult {
        let Some(ty) = cls.as_type() else { return Err(cx.type_error("a class is required")) };
        let name = cinder_pyobj::types::str::Name::lookup_obj(name);
        let cell = name.and_then(|n| ty.lookup_cell(n));
        Ok(cell.map_or(Obj::none(), |(_, c)| shown(c.state() == CellState::Constant, c.seen())))
    }

    fn shown(constant: bool, seen: Seen) -> Obj {
        let class = match seen {
            // Core classes never end; others may be gone.
            Seen::Class(id) if id.as_u32() < FixedShape::COUNT as u32 => {
                Obj::from(id.get().ty().short_name().to_string().as_str())
            }
            Seen::Class(id) => Obj::from(i64::from(id.as_u32())),
            Seen::Nothing | Seen::Anything => Obj::none(),
        };
        tuple::pair(Obj::from_bool(constant), class)
    }

    /// The figures of all families: a dict of (sites, executions, hits, misses, invalidations,
    /// failures).
    #[pyfunction]
    fn totals(cx: &Ctx) -> PyResult {
        let d = dict::new();
        for (family, t) in cinder_shadow::stats::totals() {
            let figures = [t.sites, t.executions, t.hits, t.misses, t.forgotten, t.failures];
            let row = tuple::new(figures.iter().map(|n| Obj::from(*n as i64)).collect());
            d.set_item(cx, &Obj::from(family), &row)?;
        }
        Ok(d)
    }
}
