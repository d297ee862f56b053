//! `itemgetter`, `attrgetter` and `methodcaller`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Name, StrBuilder, as_utf8_lossy};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// The one positional argument of a call without keywords.
fn single<'a>(cx: &Ctx, args: Args<'a>, what: &str) -> PyResult<&'a Obj> {
    args.no_keywords(cx, what)?;
    match args.pos() {
        [x] => Ok(x),
        a => Err(cx.type_error(format!("{what} expected 1 argument, got {}", a.len()))),
    }
}

fn repr(cx: &Ctx, this: &Obj, parts: &[Obj]) -> PyResult {
    let ty = this.type_of();
    let r = this.guard_repr(cx, || {
        let mut b = StrBuilder::new();
        b.push_str(&format!("{}(", ty.name()));
        for (i, p) in parts.iter().enumerate() {
            if i > 0 {
                b.push_str(", ");
            }
            b.push_obj(&p.repr(cx)?);
        }
        b.push_str(")");
        Ok(b.finish())
    })?;
    Ok(r.unwrap_or_else(|| Obj::from(format!("{}(...)", ty.name()).as_str())))
}

/// A function that gives the items of its argument under these keys: itemgetter(2)(r) is r[2], and itemgetter(2, 5)(r)
/// is the tuple (r[2], r[5]).
#[pyclass(name = "itemgetter", module = "operator", flags(basetype), sig = "(item, /, *items)")]
#[derive(Traverse)]
pub struct ItemGetter {
    items: Box<[Obj]>,
}

#[pymethods]
impl ItemGetter {
    /// How the object itself is called.
    #[pygetter(name = "__text_signature__")]
    fn text_signature(_this: &Obj) -> &'static str {
        "(obj, /)"
    }

    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if ty.is(ItemGetter::type_object()) {
            args.no_keywords(cx, "itemgetter")?;
        }
        if args.pos().is_empty() {
            return Err(cx.type_error("itemgetter expected at least 1 argument, got 0"));
        }
        Ok(new_instance(ty, ItemGetter { items: args.pos().into() }))
    }

    fn __call__(cx: &Ctx, this: This<'_, ItemGetter>, args: Args<'_>) -> PyResult {
        let o = single(cx, args, "itemgetter")?;
        if let [key] = &this.items[..] {
            return o.get_item(cx, key);
        }
        let mut out = Vec::with_capacity(this.items.len());
        for k in &this.items {
            out.push(o.get_item(cx, k)?);
        }
        Ok(tuple::new(out))
    }

    fn __repr__(cx: &Ctx, this: This<'_, ItemGetter>) -> PyResult {
        repr(cx, this.obj(), &this.items)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, ItemGetter>) -> Obj {
        tuple::pair(this.obj().type_of().as_obj(), tuple::from_slice(&this.items))
    }
}

/// A function that gives the attributes of its argument with these names: attrgetter('a')(r) is r.a, and several names
/// make a tuple.
///
/// Dots in a name go on to attributes of attributes.
#[pyclass(name = "attrgetter", module = "operator", flags(basetype), sig = "(attr, /, *attrs)")]
#[derive(Traverse)]
pub struct AttrGetter {
    names: Box<[Obj]>,
    /// The dotted names split up.
    #[traverse(skip)]
    paths: Box<[Box<[Name]>]>,
}

impl AttrGetter {
    fn fetch(cx: &Ctx, o: &Obj, path: &[Name]) -> PyResult {
        let mut o = o.clone();
        for name in path {
            o = o.get_attr(cx, *name)?;
        }
        Ok(o)
    }
}

#[pymethods]
impl AttrGetter {
    /// How the object itself is called.
    #[pygetter(name = "__text_signature__")]
    fn text_signature(_this: &Obj) -> &'static str {
        "(obj, /)"
    }

    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if ty.is(AttrGetter::type_object()) {
            args.no_keywords(cx, "attrgetter")?;
        }
        if args.pos().is_empty() {
            return Err(cx.type_error("attrgetter expected at least 1 argument, got 0"));
        }
        let mut paths = Vec::new();
        for n in args.pos() {
            if !n.type_of().is_str_subtype() {
                return Err(cx.type_error("attribute name must be a string"));
            }
            paths.push(as_utf8_lossy(n).split('.').map(Name::new).collect());
        }
        Ok(new_instance(ty, AttrGetter { names: args.pos().into(), paths: paths.into() }))
    }

    fn __call__(cx: &Ctx, this: This<'_, AttrGetter>, args: Args<'_>) -> PyResult {
        let o = single(cx, args, "attrgetter")?;
        if let [path] = &this.paths[..] {
            return AttrGetter::fetch(cx, o, path);
        }
        let mut out = Vec::with_capacity(this.paths.len());
        for p in &this.paths {
            out.push(AttrGetter::fetch(cx, o, p)?);
        }
        Ok(tuple::new(out))
    }

    fn __repr__(cx: &Ctx, this: This<'_, AttrGetter>) -> PyResult {
        repr(cx, this.obj(), &this.names)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, AttrGetter>) -> Obj {
        tuple::pair(this.obj().type_of().as_obj(), tuple::from_slice(&this.names))
    }
}

/// Returns a callable that calls the given method on its operand.
///
/// After f = methodcaller('name', 'date', foo=1), the call f(r) returns r.name('date', foo=1).
#[pyclass(name = "methodcaller", module = "operator", flags(basetype), sig = "(name, /, *args, **kwargs)")]
#[derive(Traverse)]
pub struct MethodCaller {
    name: Obj,
    /// Positional values, then keyword values.
    args: Box<[Obj]>,
    keywords: Box<[Obj]>,
}

#[pymethods]
impl MethodCaller {
    /// How the object itself is called.
    #[pygetter(name = "__text_signature__")]
    fn text_signature(_this: &Obj) -> &'static str {
        "(obj, /)"
    }

    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let [name, ..] = args.pos() else {
            return Err(cx.type_error("methodcaller needs at least one argument, the method name"));
        };
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error("method name must be a string"));
        }
        let name = Name::from_obj(name).map_or_else(|| name.clone(), |n| n.obj());
        let rest = args.without_first();
        Ok(new_instance(ty, MethodCaller { name, args: rest.all().into(), keywords: rest.names().into() }))
    }

    fn __call__(cx: &Ctx, this: This<'_, MethodCaller>, args: Args<'_>) -> PyResult {
        let o = single(cx, args, "methodcaller")?;
        if this.keywords.is_empty()
            && let Some(n) = Name::from_obj(&this.name)
        {
            return o.call_method(cx, n, &this.args);
        }
        o.get_attr_obj(cx, &this.name)?.call(cx, Args::new(&this.args, &this.keywords))
    }

    fn __repr__(cx: &Ctx, this: This<'_, MethodCaller>) -> PyResult {
        let mut b = StrBuilder::new();
        b.push_str("operator.methodcaller(");
        b.push_obj(&this.name.repr(cx)?);
        let args = Args::new(&this.args, &this.keywords);
        let r = this.obj().guard_repr(cx, || {
            for a in args.pos() {
                b.push_str(", ");
                b.push_obj(&a.repr(cx)?);
            }
            for (k, v) in args.keywords() {
                b.push_str(", ");
                b.push_obj(k);
                b.push_str("=");
                b.push_obj(&v.repr(cx)?);
            }
            b.push_str(")");
            Ok(b.finish())
        })?;
        Ok(r.unwrap_or_else(|| Obj::from("operator.methodcaller(...)")))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, MethodCaller>) -> PyResult {
        let args = Args::new(&this.args, &this.keywords);
        let mut all = vec![this.name.clone()];
        let ty = this.obj().type_of().as_obj();
        if args.has_keywords() {
            // Keywords travel in a partial of the class.
            let partial = (cx.host().import)(cx, "functools")?.get_attr(cx, intern!("partial"))?;
            let mut values = vec![ty, this.name.clone()];
            values.extend_from_slice(args.kw_values());
            let constructor = partial.call(cx, Args::new(&values, args.names()))?;
            return Ok(tuple::pair(constructor, tuple::from_slice(args.pos())));
        }
        all.extend_from_slice(args.pos());
        Ok(tuple::pair(ty, tuple::new(all)))
    }
}
