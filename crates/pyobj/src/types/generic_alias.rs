//! `types.GenericAlias`: `list[int]`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::protocol;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{CmpOp, Type, list, tuple};
use crate::value::{Obj, ObjCell};

/// A generic class with its arguments (PEP 585).
///
/// Of `list[int]` the `__origin__` is list and `__args__` are `(int,)`.
#[pyclass(name = "GenericAlias", module = "types", flags(basetype, weakref), sig = "(origin, args, /)")]
#[derive(Traverse)]
pub struct GenericAlias {
    origin: Obj,
    args: Obj,
    params: ObjCell,
    #[traverse(skip)]
    starred: bool,
}

/// `origin[args]`; a tuple stands for several arguments.
pub fn new(_cx: &Ctx, origin: &Obj, args: &Obj) -> PyResult {
    Ok(make(GenericAlias::class().type_object(), origin, args, false))
}

fn make(ty: &Type, origin: &Obj, args: &Obj, starred: bool) -> Obj {
    let args = match tuple::items_if_tuple(args) {
        Some(_) => args.clone(),
        None => tuple::new(vec![args.clone()]),
    };
    heap::new_instance(ty, GenericAlias { origin: origin.clone(), args, params: ObjCell::new(None), starred })
}

/// Names that are looked up on the alias itself, not on its origin.
const OWN: [&str; 12] = [
    "__class__",
    "__bases__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
    "__copy__",
    "__deepcopy__",
];

/// Those of [`OWN`] that an alias does not have.
const BLOCKED: [&str; 3] = ["__bases__", "__copy__", "__deepcopy__"];

/// The text of one argument, as in `list[int]`.
pub(crate) fn type_repr(cx: &Ctx, o: &Obj) -> PyResult<String> {
    if o.is(&Obj::ellipsis()) {
        return Ok("...".into());
    }
    let has = |n: Name| o.get_attr_opt(cx, n).map(|v| v.is_some());
    if has(intern!("__origin__"))? && has(intern!("__args__"))? {
        return Ok(as_utf8_lossy(&o.repr(cx)?).into_owned());
    }
    if let (Some(q), Some(m)) =
        (o.get_attr_opt(cx, intern!("__qualname__"))?, o.get_attr_opt(cx, intern!("__module__"))?)
        && q.type_of().is_str_subtype()
        && !m.is_none()
    {
        let (q, m) = (as_utf8_lossy(&q).into_owned(), as_utf8_lossy(&m).into_owned());
        return Ok(if m == "builtins" { q } else { format!("{m}.{q}") });
    }
    Ok(as_utf8_lossy(&o.repr(cx)?).into_owned())
}

fn arg_repr(cx: &Ctx, o: &Obj) -> PyResult<String> {
    if let Some(l) = o.downcast::<list::List>() {
        // The text of an item may change the list.
        let mut parts = Vec::new();
        for i in 0..l.len() {
            let item = l.get(i).ok_or_else(|| cx.index_error("list index out of range"))?;
            parts.push(type_repr(cx, &item)?);
        }
        return Ok(format!("[{}]", parts.join(", ")));
    }
    type_repr(cx, o)
}

/// The type parameters that occur in arguments.
pub(crate) fn collect_parameters(cx: &Ctx, args: &[Obj]) -> PyResult<Vec<Obj>> {
    cx.check_stack(" in generic alias")?;
    let mut out: Vec<Obj> = Vec::new();
    let push = |out: &mut Vec<Obj>, o: &Obj| {
        if !out.iter().any(|p| p.is(o)) {
            out.push(o.clone());
        }
    };
    for a in args {
        if a.as_type().is_some() {
            continue;
        }
        if a.get_attr_opt(cx, intern!("__typing_subst__"))?.is_some() {
            push(&mut out, a);
            continue;
        }
        let nested = match tuple::items_if_tuple(a) {
            Some(t) => Some(collect_parameters(cx, t)?),
            None => match a.downcast::<list::List>() {
                Some(l) => Some(collect_parameters(cx, &l.snapshot())?),
                None => match a.get_attr_opt(cx, intern!("__parameters__"))? {
                    Some(p) => tuple::items_if_tuple(&p).map(<[Obj]>::to_vec),
                    None => None,
                },
            },
        };
        for p in nested.unwrap_or_default() {
            push(&mut out, &p);
        }
    }
    Ok(out)
}

/// `alias[item]`: substitutes the parameters of `args`.
pub(crate) fn substitute(cx: &Ctx, this: &Obj, args: &[Obj], params: &[Obj], item: &Obj) -> PyResult<Vec<Obj>> {
    let shown = || -> PyResult<String> { Ok(as_utf8_lossy(&this.repr(cx)?).into_owned()) };
    if params.is_empty() {
        return Err(cx.type_error(format!("{} is not a generic class", shown()?)));
    }
    let mut item = unpack_args(cx, item)?;
    for p in params {
        if let Some(f) = p.get_attr_opt(cx, intern!("__typing_prepare_subst__"))? {
            item = f.call_pos(cx, &[this.clone(), item])?;
        }
    }
    let given: Vec<Obj> = match tuple::items_if_tuple(&item) {
        Some(t) => t.to_vec(),
        None => vec![item.clone()],
    };
    if given.len() != params.len() {
        return Err(cx.type_error(format!(
            "Too {} arguments for {}; actual {}, expected {}",
            if given.len() > params.len() { "many" } else { "few" },
            shown()?,
            given.len(),
            params.len()
        )));
    }
    substitute_all(cx, args, params, &given)
}

/// Substitutes in each of `args`, and in those of lists and tuples.
fn substitute_all(cx: &Ctx, args: &[Obj], params: &[Obj], given: &[Obj]) -> PyResult<Vec<Obj>> {
    cx.check_stack(" in generic alias")?;
    let mut out = Vec::new();
    for a in args {
        if a.as_type().is_some() {
            out.push(a.clone());
            continue;
        }
        if let Some(t) = tuple::items_if_tuple(a) {
            out.push(tuple::new(substitute_all(cx, t, params, given)?));
            continue;
        }
        if let Some(l) = a.downcast::<list::List>() {
            out.push(list::new(substitute_all(cx, &l.snapshot(), params, given)?));
            continue;
        }
        let unpack = is_unpacked_type_var_tuple(cx, a)?;
        let new = substitute_one(cx, a, params, given)?;
        match (unpack, tuple::items_if_tuple(&new)) {
            (true, Some(t)) => out.extend(t.iter().cloned()),
            (true, None) => {
                return Err(cx.type_error(format!(
                    "expected __typing_subst__ of {} objects to return a tuple, not {}",
                    a.type_of().full_name(),
                    new.type_of().full_name()
                )));
            }
            _ => out.push(new),
        }
    }
    Ok(out)
}

fn substitute_one(cx: &Ctx, a: &Obj, params: &[Obj], given: &[Obj]) -> PyResult {
    if a.as_type().is_some() {
        return Ok(a.clone());
    }
    if let Some(f) = a.get_attr_opt(cx, intern!("__typing_subst__"))? {
        return match params.iter().position(|p| p.is(a)) {
            Some(i) => f.call1(cx, &given[i]),
            None => {
                let shown = a.repr(cx)?;
                Err(cx.type_error(format!(
                    "argument {} with __typing_subst__ was not found in __parameters__",
                    as_utf8_lossy(&shown)
                )))
            }
        };
    }
    let Some(sub) = a.get_attr_opt(cx, intern!("__parameters__"))? else { return Ok(a.clone()) };
    let Some(sub) = tuple::items_if_tuple(&sub).filter(|s| !s.is_empty()) else { return Ok(a.clone()) };
    let mut values = Vec::new();
    for p in sub {
        match params.iter().position(|q| q.is(p)) {
            Some(i) => {
                let is_tuple = p.type_of().slots.iter.get().is_some();
                match tuple::items_if_tuple(&given[i]) {
                    Some(t) if is_tuple => values.extend(t.iter().cloned()),
                    _ => values.push(given[i].clone()),
                }
            }
            None => values.push(p.clone()),
        }
    }
    a.get_item(cx, &tuple::new(values))
}

fn is_unpacked_type_var_tuple(cx: &Ctx, a: &Obj) -> PyResult<bool> {
    match a.get_attr_opt(cx, intern!("__typing_is_unpacked_typevartuple__"))? {
        Some(v) => v.truthy(cx),
        None => Ok(false),
    }
}

/// Spreads `*tuple[int, str]` arguments.
fn unpack_args(cx: &Ctx, item: &Obj) -> PyResult {
    let items: Vec<Obj> = match tuple::items_if_tuple(item) {
        Some(t) => t.to_vec(),
        None => vec![item.clone()],
    };
    let mut out = Vec::new();
    for x in &items {
        if x.as_type().is_none()
            && let Some(sub) = x.get_attr_opt(cx, intern!("__typing_unpacked_tuple_args__"))?
            && let Some(t) = tuple::items_if_tuple(&sub)
        {
            let open = t.last().is_some_and(|l| l.is(&Obj::ellipsis()));
            if !open {
                out.extend(t.iter().cloned());
                continue;
            }
        }
        out.push(x.clone());
    }
    Ok(tuple::new(out))
}

impl GenericAlias {
    fn parameters(&self, cx: &Ctx) -> PyResult {
        if let Some(p) = self.params.get() {
            return Ok(p);
        }
        let p = tuple::new(collect_parameters(cx, tuple::items_if_tuple(&self.args).unwrap_or(&[]))?);
        self.params.set(Some(p.clone()));
        Ok(p)
    }
}

#[pymethods]
impl GenericAlias {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "GenericAlias", 2, 2)?;
        Ok(make(ty, &a[0], &a[1], false))
    }

    fn __repr__(cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult {
        let origin = type_repr(cx, &this.origin)?;
        let args = tuple::items_if_tuple(&this.args).unwrap_or(&[]);
        let parts: PyResult<Vec<String>> = args.iter().map(|a| arg_repr(cx, a)).collect();
        let parts = parts?;
        let inner = if parts.is_empty() { "()".to_string() } else { parts.join(", ") };
        let star = if this.starred { "*" } else { "" };
        Ok(Obj::from(format!("{star}{origin}[{inner}]").as_str()))
    }

    fn __hash__(cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult<i64> {
        let h = this.origin.hash(cx)? ^ this.args.hash(cx)?;
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, GenericAlias>, other: &Obj, op: CmpOp) -> PyResult {
        let (Some(o), CmpOp::Eq | CmpOp::Ne) = (other.downcast::<GenericAlias>(), op) else {
            return Ok(Obj::not_implemented());
        };
        let same = this.starred == o.starred && this.origin.eq(cx, &o.origin)? && this.args.eq(cx, &o.args)?;
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    fn __call__(cx: &Ctx, this: This<'_, GenericAlias>, args: Args<'_>) -> PyResult {
        let r = this.origin.call(cx, args)?;
        if let Err(e) = r.set_attr(cx, intern!("__orig_class__"), this.obj()) {
            let ae = cx.pending_is(crate::types::exc::AttributeError());
            let te = cx.pending_is(crate::types::exc::TypeError());
            if !ae && !te {
                return Err(e);
            }
            drop(cx.take(e));
        }
        Ok(r)
    }

    fn __getitem__(cx: &Ctx, this: This<'_, GenericAlias>, item: &Obj) -> PyResult {
        let params = this.parameters(cx)?;
        let args = tuple::items_if_tuple(&this.args).unwrap_or(&[]);
        let new = substitute(cx, this.obj(), args, tuple::items_if_tuple(&params).unwrap_or(&[]), item)?;
        Ok(make(this.obj().type_of(), &this.origin, &tuple::new(new), this.starred))
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        if let Some(g) = this.downcast::<GenericAlias>()
            && name.type_of().is_str_subtype()
            && !OWN.contains(&&*as_utf8_lossy(name))
        {
            return g.origin.get_attr_obj(cx, name);
        }
        protocol::generic_get_attr(cx, this, name)
    }

    fn __iter__(_cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult {
        let it = AliasIterator { alias: ObjCell::new(Some(this.obj().clone())) };
        Ok(heap::new_instance(AliasIterator::class().type_object(), it))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        super::union::or(cx, a, b)
    }

    #[pygetter(member)]
    fn __origin__(this: This<'_, GenericAlias>) -> Obj {
        this.origin.clone()
    }

    #[pygetter(member)]
    fn __args__(this: This<'_, GenericAlias>) -> Obj {
        this.args.clone()
    }

    #[pygetter(member)]
    fn __unpacked__(this: This<'_, GenericAlias>) -> bool {
        this.starred
    }

    /// The type variables still open in the alias, in the order of their first use.
    #[pygetter]
    fn __parameters__(cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult {
        this.parameters(cx)
    }

    #[pygetter]
    fn __typing_unpacked_tuple_args__(this: This<'_, GenericAlias>) -> Option<Obj> {
        let is_tuple = this
            .origin
            .as_type()
            .is_some_and(|t| t.is(crate::shape::ShapeId::fixed(crate::native::FixedShape::Tuple).get().ty()));
        if this.starred && is_tuple { Some(this.args.clone()) } else { None }
    }

    #[pymethod(sig = "($self, bases, /)")]
    fn __mro_entries__(this: This<'_, GenericAlias>, _bases: &Obj) -> Obj {
        tuple::new(vec![this.origin.clone()])
    }

    #[pymethod(sig = "($self, instance, /)")]
    fn __instancecheck__(cx: &Ctx, _this: &Obj, _instance: &Obj) -> PyResult {
        Err(cx.type_error("isinstance() argument 2 cannot be a parameterized generic"))
    }

    #[pymethod(sig = "($self, cls, /)")]
    fn __subclasscheck__(cx: &Ctx, _this: &Obj, _cls: &Obj) -> PyResult {
        Err(cx.type_error("issubclass() argument 2 cannot be a parameterized generic"))
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult {
        if this.starred {
            let plain = make(this.obj().type_of(), &this.origin, &this.args, false);
            let builtins = (cx.host().builtins)(cx).ok_or_else(|| cx.runtime_error("no builtins"))?;
            let next = builtins.get_item(cx, intern!("next").as_obj())?;
            return Ok(tuple::new(vec![next, tuple::new(vec![plain.iter(cx)?])]));
        }
        Ok(tuple::new(vec![this.obj().type_of().as_obj(), tuple::new(vec![this.origin.clone(), this.args.clone()])]))
    }

    #[pymethod]
    fn __dir__(cx: &Ctx, this: This<'_, GenericAlias>) -> PyResult {
        let Some(builtins) = (cx.host().builtins)(cx) else { return Ok(list::new(Vec::new())) };
        let names = builtins.get_item(cx, intern!("dir").as_obj())?.call1(cx, &this.origin)?;
        if let Some(l) = names.downcast::<list::List>() {
            for n in OWN.iter().filter(|n| !BLOCKED.contains(n)) {
                let o = Obj::from(*n);
                if !names.contains(cx, &o)? {
                    l.push(o);
                }
            }
        }
        Ok(names)
    }
}

/// Gives the unpacked form of an alias, once: what `*tuple[int]` iterates over.
#[pyclass(name = "generic_alias_iterator", flags(no_new))]
#[derive(Traverse)]
pub struct AliasIterator {
    /// Nothing once exhausted.
    alias: ObjCell,
}

#[pymethods]
impl AliasIterator {
    fn __iter__(this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(_cx: &Ctx, this: This<'_, AliasIterator>) -> PyResult<Option<Obj>> {
        let alias = this.alias.take();
        Ok(alias
            .as_ref()
            .and_then(|a| a.downcast::<GenericAlias>().map(|g| (a, g)))
            .map(|(a, g)| make(a.type_of(), &g.origin, &g.args, true)))
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, AliasIterator>) -> PyResult {
        let builtins = (cx.host().builtins)(cx).ok_or_else(|| cx.runtime_error("no builtins"))?;
        let iter = builtins.get_item(cx, intern!("iter").as_obj())?;
        let what = this.alias.get().unwrap_or_else(|| tuple::new(Vec::new()));
        Ok(tuple::pair(iter, tuple::new(vec![what])))
    }
}
