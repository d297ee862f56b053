//! `_typing`: type parameters and type aliases (PEP 695, PEP 696).

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, generic_alias, tuple, union};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use crate::machine::M;

/// A value computed on first use by calling an evaluator with format VALUE.
#[derive(Traverse, Default)]
struct Lazy {
    value: ObjCell,
    evaluate: ObjCell,
}

impl Lazy {
    fn known(v: Obj) -> Lazy {
        Lazy { value: ObjCell::new(Some(v)), evaluate: ObjCell::new(None) }
    }

    fn of(f: &Obj) -> Lazy {
        Lazy { value: ObjCell::new(None), evaluate: ObjCell::new(Some(f.clone())) }
    }

    fn get(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        if let Some(v) = self.value.get() {
            return Ok(Some(v));
        }
        let Some(f) = self.evaluate.get() else { return Ok(None) };
        let v = f.call1(cx, &Obj::from(1i64))?;
        self.value.set(Some(v.clone()));
        Ok(Some(v))
    }

    /// Whether there is a default, without computing it.
    fn is_given(&self) -> bool {
        match self.value.get() {
            Some(v) => !v.is(&no_default()),
            None => !self.evaluate.is_empty(),
        }
    }

    /// The evaluator; one that returns the known value if there is no other.
    fn evaluator(&self) -> Obj {
        match (self.evaluate.get(), self.value.get()) {
            (Some(f), _) => f,
            (None, Some(v)) => const_evaluator(v),
            (None, None) => Obj::none(),
        }
    }
}

/// A callable that gives a constant in every annotation format.
#[pyclass(name = "_ConstEvaluator", module = "_typing", flags(no_new))]
#[derive(Traverse)]
pub struct ConstEvaluator {
    value: Obj,
}

fn const_evaluator(value: Obj) -> Obj {
    heap::new_instance(ConstEvaluator::class().type_object(), ConstEvaluator { value })
}

#[pymethods]
impl ConstEvaluator {
    fn __call__(cx: &Ctx, this: This<'_, ConstEvaluator>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "constevaluator.__call__", 1, 1)?;
        // Format 4 asks for source text.
        if a[0].to_i64(cx)? == 4 {
            if let Some(items) = tuple::items_if_tuple(&this.value) {
                let mut parts = Vec::new();
                for i in items {
                    parts.push(text_of(cx, i)?);
                }
                return Ok(Obj::from(format!("({})", parts.join(", ")).as_str()));
            }
            return Ok(Obj::from(text_of(cx, &this.value)?.as_str()));
        }
        Ok(this.value.clone())
    }

    fn __repr__(cx: &Ctx, this: This<'_, ConstEvaluator>) -> PyResult {
        let r = this.value.repr(cx)?;
        Ok(Obj::from(format!("<constevaluator {}>", as_utf8_lossy(&r)).as_str()))
    }
}

fn text_of(cx: &Ctx, o: &Obj) -> PyResult<String> {
    let lib = (cx.host().import)(cx, "annotationlib")?;
    let t = lib.call_method(cx, intern!("type_repr"), std::slice::from_ref(o))?;
    Ok(as_utf8_lossy(&t).into_owned())
}

fn typing(cx: &Ctx, function: cinder_pyobj::types::str::Name, args: &[Obj]) -> PyResult {
    (cx.host().import)(cx, "typing")?.call_method(cx, function, args)
}

fn caller_module(cx: &Ctx) -> Obj {
    let name = (cx.host().globals)(cx)
        .and_then(|g| cinder_pyobj::types::dict::get(cx, &g, intern!("__name__").as_obj()).ok().flatten());
    name.unwrap_or_else(Obj::none)
}

/// The type of the NoDefault singleton.
#[pyclass(name = "NoDefaultType", module = "typing")]
#[derive(Traverse)]
pub struct NoDefault {}

#[pymethods]
impl NoDefault {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if !args.all().is_empty() {
            return Err(cx.type_error("NoDefaultType takes no arguments"));
        }
        Ok(no_default())
    }

    fn __repr__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(Obj::from("typing.NoDefault"))
    }

    #[pymethod]
    fn __reduce__(_this: &Obj) -> Obj {
        Obj::from("NoDefault")
    }
}

fn no_default() -> Obj {
    struct Holder(std::cell::OnceCell<Obj>);
    // SAFETY: used under the interpreter lock only.
    unsafe impl Sync for Holder {}
    static NO_DEFAULT: Holder = Holder(std::cell::OnceCell::new());
    NO_DEFAULT
        .0
        .get_or_init(|| {
            let o = heap::new_instance(NoDefault::class().type_object(), NoDefault {});
            o.immortalize();
            o
        })
        .clone()
}

macro_rules! param {
    ($(#[$doc:meta])* $t:ident, $name:literal { $($field:ident),* }) => {
        $(#[$doc])*
        #[pyclass(name = $name, module = "typing", flags(dict, weakref))]
        #[derive(Traverse)]
        pub struct $t {
            name: Obj,
            module: ObjCell,
            $($field: Lazy,)*
            default: Lazy,
            #[traverse(skip)]
            infer_variance: bool,
            #[traverse(skip)]
            covariant: bool,
            #[traverse(skip)]
            contravariant: bool,
        }
    };
}

param! {
    /// Type variable.
    TypeVar, "TypeVar" { bound, constraints }
}
param! {
    /// Parameter specification variable: it stands for the parameters of a callable.
    ///
    /// >>> P = ParamSpec('P')
    /// >>> P
    /// ~P
    /// >>> Callable[P, int]
    /// typing.Callable[~P, int]
    ParamSpec, "ParamSpec" { bound }
}
param! {
    /// Type variable tuple.
    TypeVarTuple, "TypeVarTuple" {}
}

/// The TypeVar of a type parameter list.
pub(crate) fn type_var(m: M, name: &Obj, bound: Option<&Obj>, constraints: Option<&Obj>) -> Obj {
    heap::new_instance(
        TypeVar::class().type_object(),
        TypeVar {
            name: name.clone(),
            module: ObjCell::new(Some(caller_module(m.cx()))),
            bound: bound.map(Lazy::of).unwrap_or_default(),
            constraints: constraints.map(Lazy::of).unwrap_or_default(),
            default: Lazy::default(),
            infer_variance: true,
            covariant: false,
            contravariant: false,
        },
    )
}

/// The ParamSpec of a type parameter list.
pub(crate) fn param_spec(m: M, name: &Obj) -> Obj {
    heap::new_instance(
        ParamSpec::class().type_object(),
        ParamSpec {
            name: name.clone(),
            module: ObjCell::new(Some(caller_module(m.cx()))),
            bound: Lazy::default(),
            default: Lazy::default(),
            infer_variance: true,
            covariant: false,
            contravariant: false,
        },
    )
}

/// The TypeVarTuple of a type parameter list.
pub(crate) fn type_var_tuple(m: M, name: &Obj) -> Obj {
    heap::new_instance(
        TypeVarTuple::class().type_object(),
        TypeVarTuple {
            name: name.clone(),
            module: ObjCell::new(Some(caller_module(m.cx()))),
            default: Lazy::default(),
            infer_variance: false,
            covariant: false,
            contravariant: false,
        },
    )
}

/// Sets the lazily evaluated default of a type parameter.
pub(crate) fn set_default(cx: &Ctx, p: &Obj, f: &Obj) -> PyResult<()> {
    let lazy = if let Some(t) = p.downcast::<TypeVar>() {
        &t.default
    } else if let Some(t) = p.downcast::<ParamSpec>() {
        &t.default
    } else if let Some(t) = p.downcast::<TypeVarTuple>() {
        &t.default
    } else {
        return Err(cx.type_error(format!("Expected a type param, got {}", p.type_of().name())));
    };
    lazy.evaluate.set(Some(f.clone()));
    Ok(())
}

/// The arguments of a type parameter's constructor.
#[derive(Default)]
struct ParamArgs {
    name: Option<Obj>,
    constraints: Vec<Obj>,
    bound: Option<Obj>,
    default: Lazy,
    covariant: bool,
    contravariant: bool,
    infer: bool,
}

impl ParamArgs {
    /// Parses the arguments of `what`: the name, `constraints` (whether any may follow), then those of `keys`.
    fn parse(cx: &Ctx, what: &str, args: &Args<'_>, constraints: bool, keys: &[&str]) -> PyResult<ParamArgs> {
        let mut p = ParamArgs { default: Lazy::known(no_default()), ..ParamArgs::default() };
        let pos = args.pos();
        if pos.len() > 1 && !constraints {
            return Err(cx.type_error(format!("{what}() takes exactly 1 positional argument ({} given)", pos.len())));
        }
        p.name = pos.first().cloned();
        p.constraints = pos.get(1..).unwrap_or(&[]).to_vec();
        for (k, x) in args.keywords() {
            match &*as_utf8_lossy(k) {
                "name" if p.name.is_some() => {
                    let m = format!("argument for {what}() given by name ('name') and position (1)");
                    return Err(cx.type_error(m));
                }
                "name" => p.name = Some(x.clone()),
                "default" => p.default = Lazy::known(x.clone()),
                k if !keys.contains(&k) => {
                    return Err(cx.type_error(format!("{what}() got an unexpected keyword argument '{k}'")));
                }
                "bound" => p.bound = x.clone().non_none(),
                "covariant" => p.covariant = x.truthy(cx)?,
                "contravariant" => p.contravariant = x.truthy(cx)?,
                _ => p.infer = x.truthy(cx)?,
            }
        }
        match &p.name {
            Some(n) if n.type_of().is_str_subtype() => {}
            Some(n) => {
                let got = if n.is_none() { "None".to_owned() } else { n.type_of().name().to_string() };
                return Err(cx.type_error(format!("{what}() argument 'name' must be str, not {got}")));
            }
            None => return Err(cx.type_error(format!("{what}() missing required argument 'name' (pos 1)"))),
        }
        if p.covariant && p.contravariant {
            return Err(cx.value_error("Bivariant types are not supported."));
        }
        if p.infer && (p.covariant || p.contravariant) {
            return Err(cx.value_error("Variance cannot be specified with infer_variance."));
        }
        Ok(p)
    }

    fn name(&self) -> Obj {
        self.name.clone().unwrap_or_else(Obj::none)
    }
}

const TYPE_VAR_KEYS: [&str; 4] = ["bound", "covariant", "contravariant", "infer_variance"];

fn check_type(cx: &Ctx, arg: &Obj, message: &str) -> PyResult {
    if arg.is_none() {
        return Ok(Obj::none().type_of().as_obj());
    }
    typing(cx, intern!("_type_check"), &[arg.clone(), Obj::from(message)])
}

fn shown(name: &Obj, infer: bool, co: bool, contra: bool) -> Obj {
    let n = as_utf8_lossy(name);
    let sign = if infer {
        ""
    } else if co {
        "+"
    } else if contra {
        "-"
    } else {
        "~"
    };
    Obj::from(format!("{sign}{n}").as_str())
}

#[pymethods]
impl TypeVar {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let p = ParamArgs::parse(cx, "typevar", &args, true, &TYPE_VAR_KEYS)?;
        if p.constraints.len() == 1 {
            return Err(cx.type_error("A single constraint is not allowed"));
        }
        if !p.constraints.is_empty() && p.bound.is_some() {
            return Err(cx.type_error("Constraints cannot be combined with bound=..."));
        }
        let bound = match &p.bound {
            Some(b) => Lazy::known(check_type(cx, b, "Bound must be a type.")?),
            None => Lazy::default(),
        };
        let constraints =
            if p.constraints.is_empty() { Lazy::default() } else { Lazy::known(tuple::new(p.constraints.clone())) };
        Ok(heap::new_instance(
            TypeVar::class().type_object(),
            TypeVar {
                name: p.name(),
                module: ObjCell::new(Some(caller_module(cx))),
                bound,
                constraints,
                default: p.default,
                infer_variance: p.infer,
                covariant: p.covariant,
                contravariant: p.contravariant,
            },
        ))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, TypeVar>) -> PyResult {
        Ok(shown(&this.name, this.infer_variance, this.covariant, this.contravariant))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        union::make(cx, &[a.clone(), b.clone()])
    }

    #[pygetter(member)]
    fn __name__(this: This<'_, TypeVar>) -> Obj {
        this.name.clone()
    }

    #[pygetter]
    fn __module__(this: This<'_, TypeVar>) -> Option<Obj> {
        this.module.get()
    }

    #[pysetter]
    fn set___module__(this: This<'_, TypeVar>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __bound__(cx: &Ctx, this: This<'_, TypeVar>) -> PyResult<Option<Obj>> {
        this.bound.get(cx)
    }

    #[pygetter]
    fn __constraints__(cx: &Ctx, this: This<'_, TypeVar>) -> PyResult {
        Ok(this.constraints.get(cx)?.unwrap_or_else(|| tuple::new(Vec::new())))
    }

    #[pygetter]
    fn __default__(cx: &Ctx, this: This<'_, TypeVar>) -> PyResult {
        Ok(this.default.get(cx)?.unwrap_or_else(no_default))
    }

    #[pygetter]
    fn evaluate_bound(this: This<'_, TypeVar>) -> Obj {
        this.bound.evaluator()
    }

    #[pygetter]
    fn evaluate_constraints(this: This<'_, TypeVar>) -> Obj {
        this.constraints.evaluator()
    }

    #[pygetter]
    fn evaluate_default(this: This<'_, TypeVar>) -> Obj {
        this.default.evaluator()
    }

    #[pygetter(member)]
    fn __covariant__(this: This<'_, TypeVar>) -> bool {
        this.covariant
    }

    #[pygetter(member)]
    fn __contravariant__(this: This<'_, TypeVar>) -> bool {
        this.contravariant
    }

    #[pygetter(member)]
    fn __infer_variance__(this: This<'_, TypeVar>) -> bool {
        this.infer_variance
    }

    #[pymethod]
    fn has_default(this: This<'_, TypeVar>) -> bool {
        this.default.is_given()
    }

    #[pymethod(sig = "($self, arg, /)")]
    fn __typing_subst__(cx: &Ctx, this: &Obj, arg: &Obj) -> PyResult {
        typing(cx, intern!("_typevar_subst"), &[this.clone(), arg.clone()])
    }

    #[pymethod(sig = "($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &Ctx, this: This<'_, TypeVar>, alias: &Obj, args: &Obj) -> PyResult {
        let params = alias.get_attr(cx, intern!("__parameters__"))?.collect(cx)?;
        // The arguments are a tuple, or the list that `typing` makes.
        let n = args.len(cx)?;
        let Some(index) = params.iter().position(|x| x.is(this.obj())) else {
            return Err(cx.value_error("sequence.index(x): x not in sequence"));
        };
        if index < n {
            return Ok(args.clone());
        }
        if index == n
            && let Some(d) = this.default.get(cx)?
            && !d.is(&no_default())
        {
            let mut v = args.collect(cx)?;
            v.push(d);
            return Ok(tuple::new(v));
        }
        Err(cx.type_error(format!(
            "Too few arguments for {}; actual {n}, expected at least {}",
            as_utf8_lossy(&alias.str(cx)?),
            index + 1
        )))
    }

    #[pymethod(sig = "($self, bases, /)")]
    fn __mro_entries__(cx: &Ctx, _this: &Obj, bases: &Obj) -> PyResult {
        let _ = bases;
        Err(cx.type_error("Cannot subclass an instance of TypeVar"))
    }

    #[pymethod]
    fn __reduce__(this: This<'_, TypeVar>) -> Obj {
        this.name.clone()
    }
}

#[pymethods]
impl ParamSpec {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let p = ParamArgs::parse(cx, "paramspec", &args, false, &TYPE_VAR_KEYS)?;
        Ok(heap::new_instance(
            ParamSpec::class().type_object(),
            ParamSpec {
                name: p.name(),
                module: ObjCell::new(Some(caller_module(cx))),
                bound: p.bound.map(Lazy::known).unwrap_or_default(),
                default: p.default,
                infer_variance: p.infer,
                covariant: p.covariant,
                contravariant: p.contravariant,
            },
        ))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, ParamSpec>) -> PyResult {
        Ok(shown(&this.name, this.infer_variance, this.covariant, this.contravariant))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        union::make(cx, &[a.clone(), b.clone()])
    }

    #[pygetter(member)]
    fn __name__(this: This<'_, ParamSpec>) -> Obj {
        this.name.clone()
    }

    #[pygetter]
    fn __module__(this: This<'_, ParamSpec>) -> Option<Obj> {
        this.module.get()
    }

    #[pysetter]
    fn set___module__(this: This<'_, ParamSpec>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __bound__(cx: &Ctx, this: This<'_, ParamSpec>) -> PyResult<Option<Obj>> {
        this.bound.get(cx)
    }

    #[pygetter]
    fn __default__(cx: &Ctx, this: This<'_, ParamSpec>) -> PyResult {
        Ok(this.default.get(cx)?.unwrap_or_else(no_default))
    }

    #[pygetter]
    fn evaluate_default(this: This<'_, ParamSpec>) -> Obj {
        this.default.evaluator()
    }

    #[pygetter(member)]
    fn __covariant__(this: This<'_, ParamSpec>) -> bool {
        this.covariant
    }

    #[pygetter(member)]
    fn __contravariant__(this: This<'_, ParamSpec>) -> bool {
        this.contravariant
    }

    #[pygetter(member)]
    fn __infer_variance__(this: This<'_, ParamSpec>) -> bool {
        this.infer_variance
    }

    /// The positional arguments that a ParamSpec stands for, for an annotation of *args.
    #[pygetter]
    fn args(this: This<'_, ParamSpec>) -> Obj {
        heap::new_instance(ParamSpecArgs::class().type_object(), ParamSpecArgs { origin: this.obj().clone() })
    }

    /// The keyword arguments that a ParamSpec stands for, for an annotation of **kwargs.
    #[pygetter]
    fn kwargs(this: This<'_, ParamSpec>) -> Obj {
        heap::new_instance(ParamSpecKwargs::class().type_object(), ParamSpecKwargs { origin: this.obj().clone() })
    }

    #[pymethod]
    fn has_default(this: This<'_, ParamSpec>) -> bool {
        this.default.is_given()
    }

    #[pymethod(sig = "($self, arg, /)")]
    fn __typing_subst__(cx: &Ctx, this: &Obj, arg: &Obj) -> PyResult {
        typing(cx, intern!("_paramspec_subst"), &[this.clone(), arg.clone()])
    }

    #[pymethod(sig = "($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &Ctx, this: &Obj, alias: &Obj, args: &Obj) -> PyResult {
        typing(cx, intern!("_paramspec_prepare_subst"), &[this.clone(), alias.clone(), args.clone()])
    }

    #[pymethod(sig = "($self, bases, /)")]
    fn __mro_entries__(cx: &Ctx, _this: &Obj, bases: &Obj) -> PyResult {
        let _ = bases;
        Err(cx.type_error("Cannot subclass an instance of ParamSpec"))
    }

    #[pymethod]
    fn __reduce__(this: This<'_, ParamSpec>) -> Obj {
        this.name.clone()
    }
}

macro_rules! param_spec_part {
    ($(#[$doc:meta])* $t:ident, $name:literal, $attr:literal) => {
        $(#[$doc])*
        #[pyclass(name = $name, module = "typing", flags(weakref))]
        #[derive(Traverse)]
        pub struct $t {
            origin: Obj,
        }

        #[pymethods]
        impl $t {
            #[pynew(sig = "(origin)")]
            fn __new__(_cx: &Ctx, _ty: &Type, origin: &Obj) -> PyResult {
                Ok(heap::new_instance($t::class().type_object(), $t { origin: origin.clone() }))
            }

            fn __repr__(cx: &Ctx, this: This<'_, $t>) -> PyResult {
                let shown = match this.origin.downcast::<ParamSpec>() {
                    Some(p) => as_utf8_lossy(&p.name).into_owned(),
                    None => as_utf8_lossy(&this.origin.repr(cx)?).into_owned(),
                };
                Ok(Obj::from(format!(concat!("{}.", $attr), shown).as_str()))
            }

            fn __richcmp__(cx: &Ctx, this: This<'_, $t>, other: &Obj, op: CmpOp) -> PyResult {
                let (Some(o), CmpOp::Eq | CmpOp::Ne) = (other.downcast::<$t>(), op) else {
                    return Ok(Obj::not_implemented());
                };
                let same = this.origin.eq(cx, &o.origin)?;
                Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
            }

            #[pygetter(member)]
            fn __origin__(this: This<'_, $t>) -> Obj {
                this.origin.clone()
            }

            #[pymethod(sig = "($self, bases, /)")]
            fn __mro_entries__(cx: &Ctx, _this: &Obj, bases: &Obj) -> PyResult {
                let _ = bases;
                Err(cx.type_error(concat!("Cannot subclass an instance of ", $name)))
            }
        }
    };
}

param_spec_part! {
    /// The args for a ParamSpec object: what *args of a function is annotated with.
    ///
    /// >>> P = ParamSpec('P')
    /// >>> P.args
    /// P.args
    /// >>> P.args.__origin__ is P
    /// True
    ParamSpecArgs, "ParamSpecArgs", "args"
}
param_spec_part! {
    /// The kwargs for a ParamSpec object: what **kwargs of a function is annotated with.
    ///
    /// >>> P = ParamSpec('P')
    /// >>> P.kwargs
    /// P.kwargs
    /// >>> P.kwargs.__origin__ is P
    /// True
    ParamSpecKwargs, "ParamSpecKwargs", "kwargs"
}

#[pymethods]
impl TypeVarTuple {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let p = ParamArgs::parse(cx, "typevartuple", &args, false, &[])?;
        Ok(heap::new_instance(
            TypeVarTuple::class().type_object(),
            TypeVarTuple {
                name: p.name(),
                module: ObjCell::new(Some(caller_module(cx))),
                default: p.default,
                infer_variance: false,
                covariant: false,
                contravariant: false,
            },
        ))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, TypeVarTuple>) -> PyResult {
        let _ = (this.infer_variance, this.covariant, this.contravariant);
        Ok(this.name.clone())
    }

    fn __iter__(cx: &Ctx, this: &Obj) -> PyResult {
        let t = (cx.host().import)(cx, "typing")?;
        let unpack = t.get_attr(cx, intern!("Unpack"))?.get_item(cx, this)?;
        tuple::new(vec![unpack]).iter(cx)
    }

    #[pygetter(member)]
    fn __name__(this: This<'_, TypeVarTuple>) -> Obj {
        this.name.clone()
    }

    #[pygetter]
    fn __module__(this: This<'_, TypeVarTuple>) -> Option<Obj> {
        this.module.get()
    }

    #[pysetter]
    fn set___module__(this: This<'_, TypeVarTuple>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __default__(cx: &Ctx, this: This<'_, TypeVarTuple>) -> PyResult {
        Ok(this.default.get(cx)?.unwrap_or_else(no_default))
    }

    #[pygetter]
    fn evaluate_default(this: This<'_, TypeVarTuple>) -> Obj {
        this.default.evaluator()
    }

    #[pymethod]
    fn has_default(this: This<'_, TypeVarTuple>) -> bool {
        this.default.is_given()
    }

    #[pymethod(sig = "($self, arg, /)")]
    fn __typing_subst__(cx: &Ctx, _this: &Obj, arg: &Obj) -> PyResult {
        let _ = arg;
        Err(cx.type_error("Substitution of bare TypeVarTuple is not supported"))
    }

    #[pymethod(sig = "($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &Ctx, this: &Obj, alias: &Obj, args: &Obj) -> PyResult {
        typing(cx, intern!("_typevartuple_prepare_subst"), &[this.clone(), alias.clone(), args.clone()])
    }

    #[pymethod(sig = "($self, bases, /)")]
    fn __mro_entries__(cx: &Ctx, _this: &Obj, bases: &Obj) -> PyResult {
        let _ = bases;
        Err(cx.type_error("Cannot subclass an instance of TypeVarTuple"))
    }

    #[pymethod]
    fn __reduce__(this: This<'_, TypeVarTuple>) -> Obj {
        this.name.clone()
    }
}

/// Type alias.
#[pyclass(name = "TypeAliasType", module = "typing", flags(weakref))]
#[derive(Traverse)]
pub struct TypeAlias {
    name: Obj,
    module: ObjCell,
    params: Obj,
    value: Lazy,
}

/// The alias of a `type` statement: name, type parameters or None, evaluator.
pub(crate) fn type_alias(m: M, items: &[Obj]) -> Obj {
    let params = items[1].clone().non_none().unwrap_or_else(|| tuple::new(Vec::new()));
    heap::new_instance(
        TypeAlias::class().type_object(),
        TypeAlias {
            name: items[0].clone(),
            module: ObjCell::new(Some(caller_module(m.cx()))),
            params,
            value: Lazy::of(&items[2]),
        },
    )
}

#[pymethods]
impl TypeAlias {
    #[pynew(sig = "(name, value, *, type_params=())")]
    fn __new__(cx: &Ctx, _ty: &Type, name: &Obj, value: &Obj, type_params: Option<&Obj>) -> PyResult {
        if !name.type_of().is_str_subtype() {
            return Err(
                cx.type_error(format!("typealias() argument 'name' must be str, not {}", name.type_of().name()))
            );
        }
        let params = match type_params {
            None => tuple::new(Vec::new()),
            Some(t) if tuple::items_if_tuple(t).is_some() => {
                check_type_params(cx, t)?;
                t.clone()
            }
            Some(_) => return Err(cx.type_error("type_params must be a tuple")),
        };
        Ok(heap::new_instance(
            TypeAlias::class().type_object(),
            TypeAlias {
                name: name.clone(),
                module: ObjCell::new(Some(caller_module(cx))),
                params,
                value: Lazy::known(value.clone()),
            },
        ))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, TypeAlias>) -> PyResult {
        Ok(this.name.clone())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, TypeAlias>, item: &Obj) -> PyResult {
        if tuple::items_if_tuple(&this.params).is_none_or(<[Obj]>::is_empty) {
            return Err(cx.type_error("Only generic type aliases are subscriptable"));
        }
        generic_alias::new(cx, this.obj(), &unpack_params(cx, item)?)
    }

    fn __iter__(cx: &Ctx, this: &Obj) -> PyResult {
        let t = (cx.host().import)(cx, "typing")?;
        let unpack = t.get_attr(cx, intern!("Unpack"))?.get_item(cx, this)?;
        tuple::new(vec![unpack]).iter(cx)
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        union::or(cx, a, b)
    }

    #[pygetter(member)]
    fn __name__(this: This<'_, TypeAlias>) -> Obj {
        this.name.clone()
    }

    #[pygetter]
    fn __module__(this: This<'_, TypeAlias>) -> Option<Obj> {
        this.module.get()
    }

    #[pygetter]
    fn __value__(cx: &Ctx, this: This<'_, TypeAlias>) -> PyResult<Option<Obj>> {
        this.value.get(cx)
    }

    #[pygetter]
    fn evaluate_value(this: This<'_, TypeAlias>) -> Obj {
        this.value.evaluator()
    }

    #[pygetter]
    fn __type_params__(this: This<'_, TypeAlias>) -> Obj {
        this.params.clone()
    }

    #[pygetter]
    fn __parameters__(cx: &Ctx, this: This<'_, TypeAlias>) -> PyResult {
        unpack_params(cx, &this.params)
    }

    #[pymethod]
    fn __reduce__(this: This<'_, TypeAlias>) -> Obj {
        this.name.clone()
    }
}

/// Refuses what is no type parameter, and a parameter without default after one that has a default.
fn check_type_params(cx: &Ctx, params: &Obj) -> PyResult<()> {
    let mut has_default = false;
    for p in tuple::items_if_tuple(params).unwrap_or(&[]) {
        let default = if let Some(t) = p.downcast::<TypeVar>() {
            &t.default
        } else if let Some(t) = p.downcast::<ParamSpec>() {
            &t.default
        } else if let Some(t) = p.downcast::<TypeVarTuple>() {
            &t.default
        } else {
            let shown = p.repr(cx)?;
            return Err(cx.type_error(format!("Expected a type param, got {}", as_utf8_lossy(&shown))));
        };
        if !default.is_given() && has_default {
            let shown = p.repr(cx)?;
            return Err(cx.type_error(format!(
                "non-default type parameter '{}' follows default type parameter",
                as_utf8_lossy(&shown)
            )));
        }
        has_default |= default.is_given();
    }
    Ok(())
}

/// Type parameters with each TypeVarTuple unpacked.
pub(crate) fn unpack_params(cx: &Ctx, params: &Obj) -> PyResult {
    let Some(items) = tuple::items_if_tuple(params) else { return Ok(params.clone()) };
    if items.iter().all(|p| p.downcast::<TypeVarTuple>().is_none()) {
        return Ok(params.clone());
    }
    let mut out = Vec::new();
    for p in items {
        match p.downcast::<TypeVarTuple>() {
            Some(_) => out.extend(p.collect(cx)?),
            None => out.push(p.clone()),
        }
    }
    Ok(tuple::new(out))
}

/// A base for classes with type parameters.
///
/// Classes that declare them in brackets behind their name have it without saying so.
#[pyclass(name = "Generic", module = "typing", flags(basetype, mutable), payload = "inherit", base = cinder_pyobj::types::object::Object)]
pub struct Generic;

#[pymethods]
impl Generic {
    /// The alias of a generic class for these arguments or type variables.
    #[pyclassmethod(sig = "($type, /, *args, **kwargs)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, args: Args<'_>) -> PyResult {
        let mut all = vec![ty.clone()];
        all.extend(args.all().iter().cloned());
        let t = (cx.host().import)(cx, "typing")?;
        t.get_attr(cx, intern!("_generic_class_getitem"))?.call(cx, Args::new(&all, args.names()))
    }

    /// Initializes a subclass of a generic class.
    #[pyclassmethod(sig = "($type, /, *args, **kwargs)")]
    fn __init_subclass__(cx: &Ctx, ty: &Obj, args: Args<'_>) -> PyResult {
        let mut all = vec![ty.clone()];
        all.extend(args.all().iter().cloned());
        let t = (cx.host().import)(cx, "typing")?;
        t.get_attr(cx, intern!("_generic_init_subclass"))?.call(cx, Args::new(&all, args.names()))
    }
}

/// The class Generic.
pub(crate) fn generic_class() -> Obj {
    Generic::class().type_object().as_obj()
}

/// Native parts of the module typing.
#[pymodule(
    name = "_typing",
    classes(
        super::TypeVar,
        super::ParamSpec,
        super::TypeVarTuple,
        super::ParamSpecArgs,
        super::ParamSpecKwargs,
        super::TypeAlias,
        super::Generic
    )
)]
pub(crate) mod module {
    use super::*;
    use cinder_pyobj::types::str::Name;
    use cinder_pyobj::types::{dict, module};

    #[pyfunction(sig = "(x, /)")]
    fn _idfunc(x: &Obj) -> Obj {
        x.clone()
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        dict::set(cx, &d, Name::new("NoDefault").as_obj(), &no_default())?;
        dict::set(cx, &d, Name::new("Union").as_obj(), &union::Union::class().type_object().as_obj())
    }
}
