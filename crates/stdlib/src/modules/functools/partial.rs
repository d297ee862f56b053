//! `partial` and `Placeholder`.

use cinder_pyobj::heap::{Singleton, Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::slots::Forward;
use cinder_pyobj::types::str::StrBuilder;
use cinder_pyobj::types::{Type, dict, generic_alias, method, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// The type of the Placeholder singleton: it marks a place for a positional argument in a partial.
#[pyclass(name = "_PlaceholderType", module = "functools", sig = "")]
#[derive(Traverse)]
pub struct PlaceholderType {}

/// An object that is equal to no other.
pub(super) fn new_mark() -> Obj {
    new_instance(PlaceholderType::type_object(), PlaceholderType {})
}

/// The singleton.
pub(super) fn placeholder(cx: &Ctx) -> Obj {
    static PLACEHOLDER: Singleton = Singleton::new();
    PLACEHOLDER.get_or_init(cx, new_mark)
}

#[pymethods]
impl PlaceholderType {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if !args.all().is_empty() {
            return Err(cx.type_error("PlaceholderType takes no arguments"));
        }
        Ok(placeholder(cx))
    }

    fn __repr__(_cx: &Ctx, _this: &Obj) -> &'static str {
        "Placeholder"
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, _this: &Obj) -> &'static str {
        "Placeholder"
    }
}

/// Creates a new function with partial application of the given arguments and keywords.
///
/// Positional arguments that are Placeholder are left open, to be filled by the first positional arguments of
/// calls.
#[pyclass(name = "partial", module = "functools", flags(basetype, dict, weakref), sig = "(func, /, *args, **keywords)")]
#[derive(Traverse)]
pub struct Partial {
    func: ObjCell,
    args: ObjCell,
    /// A dict.
    keywords: ObjCell,
}

impl Partial {
    fn parts(&self) -> (Obj, Obj, Obj) {
        let get = |c: &ObjCell| c.get().unwrap_or_else(Obj::none);
        (get(&self.func), get(&self.args), get(&self.keywords))
    }
}

/// Lets calls of partials be made as calls of what they hold.
pub(super) fn pass_calls_on() {
    Partial::type_object().slots.forward.set(Some(forward));
}

/// What a call of a partial without open places amounts to.
fn forward(this: &Obj) -> Option<Forward> {
    let (function, args, keywords) = this.downcast::<Partial>()?.parts();
    if items(&args).iter().any(is_placeholder) {
        return None;
    }
    Some(Forward { function, args, keywords })
}

/// The instance dict, or None where it is empty.
fn attributes(cx: &Ctx, o: &Obj) -> PyResult {
    let d = dict::instance_dict(cx, o)?;
    Ok(d.filter(|d| dict::as_dict(d).is_some_and(|d| !d.is_empty())).unwrap_or_else(Obj::none))
}

/// Whether instances of a class are called as partials are: it may be a subclass that leaves `__call__` alone.
fn calls_as_partial(ty: &Type) -> bool {
    let partial = Partial::type_object();
    let call = |t: &Type| t.lookup(intern!("__call__"));
    ty.is(partial) || matches!((call(ty), call(partial)), (Some(a), Some(b)) if a.is(&b))
}

fn is_placeholder(o: &Obj) -> bool {
    o.downcast::<PlaceholderType>().is_some()
}

fn items(args: &Obj) -> &[Obj] {
    tuple::items_if_tuple(args).unwrap_or(&[])
}

/// Fills the open places of `stored` with `given`, then appends the rest of `given`. Nothing if there are fewer
/// values than places.
fn fill(stored: &[Obj], given: &[Obj], must_fill: bool) -> Result<Vec<Obj>, usize> {
    let open = stored.iter().filter(|a| is_placeholder(a)).count();
    if must_fill && given.len() < open {
        return Err(open);
    }
    let mut given = given.iter();
    let mut all = Vec::with_capacity(stored.len() + given.len());
    for a in stored {
        all.push(if is_placeholder(a) { given.next().unwrap_or(a).clone() } else { a.clone() });
    }
    all.extend(given.cloned());
    Ok(all)
}

fn merge_keywords(cx: &Ctx, base: Option<&Obj>, args: Args<'_>) -> PyResult {
    let d = dict::new();
    if let (Some(to), Some(b)) = (dict::as_dict(&d), base) {
        dict::merge(cx, to, b, true)?;
    }
    for (k, v) in args.keywords() {
        if is_placeholder(v) {
            return Err(cx.type_error("Placeholder cannot be passed as a keyword argument"));
        }
        dict::set(cx, &d, k, v)?;
    }
    Ok(d)
}

#[pymethods]
impl Partial {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let [func, given @ ..] = args.pos() else {
            return Err(cx.type_error("type 'partial' takes at least one argument"));
        };
        if !func.is_callable() {
            return Err(cx.type_error("the first argument must be callable"));
        }
        if given.last().is_some_and(is_placeholder) {
            return Err(cx.type_error("trailing Placeholders are not allowed"));
        }
        // Partials of partials are flattened, unless the inner one carries attributes of its own.
        let inner = func
            .downcast::<Partial>()
            .filter(|_| calls_as_partial(func.type_of()) && attributes(cx, func).is_ok_and(|d| d.is_none()));
        let (func, all, keywords) = match inner {
            Some(p) => {
                let (f, stored, kw) = p.parts();
                let all = fill(items(&stored), given, false).unwrap_or_default();
                (f, all, merge_keywords(cx, Some(&kw), args)?)
            }
            None => (func.clone(), given.to_vec(), merge_keywords(cx, None, args)?),
        };
        Ok(new_instance(
            ty,
            Partial {
                func: ObjCell::new(Some(func)),
                args: ObjCell::new(Some(tuple::new(all))),
                keywords: ObjCell::new(Some(keywords)),
            },
        ))
    }

    fn __call__(cx: &Ctx, this: This<'_, Partial>, args: Args<'_>) -> PyResult {
        let (func, stored, keywords) = this.parts();
        let mut all = match fill(items(&stored), args.pos(), true) {
            Ok(all) => all,
            Err(open) => {
                return Err(cx.type_error(format!(
                    "missing positional arguments in 'partial' call; expected at least {open}, got {}",
                    args.pos().len()
                )));
            }
        };
        let stored = match dict::as_dict(&keywords) {
            Some(d) if !d.is_empty() => d.snapshot(),
            _ => Vec::new(),
        };
        if stored.is_empty() {
            all.extend_from_slice(args.kw_values());
            return func.call(cx, Args::new(&all, args.names()));
        }
        // Keywords of the call replace stored ones in place.
        let merged = dict::from_pairs(cx, &stored)?;
        for (k, v) in args.keywords() {
            dict::set(cx, &merged, k, v)?;
        }
        let mut names = Vec::new();
        for (k, v) in dict::items_if_dict(&merged).unwrap_or_default() {
            names.push(k);
            all.push(v);
        }
        func.call(cx, Args::new(&all, &names))
    }

    fn __get__(_cx: &Ctx, this: &Obj, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        Ok(match instance {
            Some(i) if !i.is_none() => method::new(this.clone(), i.clone()),
            _ => this.clone(),
        })
    }

    fn __repr__(cx: &Ctx, this: This<'_, Partial>) -> PyResult {
        let ty = this.obj().type_of();
        let name = if ty.is(Partial::type_object()) {
            "functools.partial".to_owned()
        } else {
            let m = ty.as_obj().get_attr(cx, intern!("__module__"))?;
            let q = ty.as_obj().get_attr(cx, intern!("__qualname__"))?;
            format!("{}.{}", cinder_pyobj::types::str::as_utf8_lossy(&m), cinder_pyobj::types::str::as_utf8_lossy(&q))
        };
        let r = this.obj().guard_repr(cx, || {
            let (func, args, keywords) = this.parts();
            let mut b = StrBuilder::new();
            b.push_str(&name);
            b.push_str("(");
            b.push_obj(&func.repr(cx)?);
            for a in items(&args) {
                b.push_str(", ");
                b.push_obj(&a.repr(cx)?);
            }
            for (k, v) in dict::items_if_dict(&keywords).unwrap_or_default() {
                b.push_str(", ");
                b.push_obj(&k.str(cx)?);
                b.push_str("=");
                b.push_obj(&v.repr(cx)?);
            }
            b.push_str(")");
            Ok(b.finish())
        })?;
        Ok(r.unwrap_or_else(|| Obj::from("...")))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, Partial>) -> PyResult {
        let (func, args, keywords) = this.parts();
        let attrs = attributes(cx, this.obj())?;
        Ok(tuple::new(vec![
            this.obj().type_of().as_obj(),
            tuple::new(vec![func.clone()]),
            tuple::new(vec![func, args, keywords, attrs]),
        ]))
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, Partial>, state: &Obj) -> PyResult<()> {
        let invalid = || cx.type_error("invalid partial state");
        let Some([func, args, keywords, attrs]) = tuple::items_if_tuple(state) else { return Err(invalid()) };
        let Some(given) = tuple::items_if_tuple(args) else { return Err(invalid()) };
        if !func.is_callable() || !(keywords.is_none() || dict::as_dict(keywords).is_some()) {
            return Err(invalid());
        }
        if given.last().is_some_and(is_placeholder) {
            return Err(cx.type_error("trailing Placeholders are not allowed"));
        }
        let keywords = match dict::as_dict(keywords) {
            Some(_) if dict::Dict::is_exact(keywords) => keywords.clone(),
            Some(d) => d.copy(cx)?,
            None => dict::new(),
        };
        this.func.set(Some(func.clone()));
        let args = if tuple::items_if_exact_tuple(args).is_some() { args.clone() } else { tuple::from_slice(given) };
        this.args.set(Some(args));
        this.keywords.set(Some(keywords));
        if attrs.is_none() {
            if let Some(d) = dict::instance_dict_if_any(this.obj()).as_ref().and_then(dict::as_dict) {
                d.clear_all();
            }
            return Ok(());
        }
        dict::set_instance_dict(cx, this.obj(), attrs)
    }

    /// What is called.
    #[pygetter(member)]
    fn func(_cx: &Ctx, this: This<'_, Partial>) -> Obj {
        this.parts().0
    }

    /// The arguments that come first.
    #[pygetter(member)]
    fn args(_cx: &Ctx, this: This<'_, Partial>) -> Obj {
        this.parts().1
    }

    /// The keyword arguments that are given unless a call overrides them.
    #[pygetter(member)]
    fn keywords(_cx: &Ctx, this: This<'_, Partial>) -> Obj {
        this.parts().2
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
