//! `_decimal`: decimal arithmetic by the General Decimal Arithmetic Specification.
//!
//! - [`wide`], [`coeff`]: coefficients, up to 38 digits in place, beyond them as large integers
//! - [`number`], [`round`]: numbers as plain data and their rounding; [`arith`], [`functions`], [`transcend`]: the
//!   operations; [`text`]: numbers as text. Nothing of this knows Python objects.
//! - [`object`], [`methods`], [`convert`], [`format`]: the class Decimal
//! - [`context`], [`context_ops`], [`signals`]: the class Context and its mappings of signals
//! - [`state`]: exceptions, the context variable, the template contexts

mod arith;
mod coeff;
mod context;
mod context_ops;
mod convert;
mod format;
mod functions;
mod methods;
mod number;
mod object;
mod round;
mod signals;
mod state;
mod text;
mod transcend;
mod wide;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{int, str::Name};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use context::Context;
use object::Decimal;

/// What `localcontext` returns: makes a context the current one for the time of a with statement.
#[pyclass(name = "ContextManager", module = "decimal", flags(no_new))]
#[derive(Traverse)]
pub struct Manager {
    local: Obj,
    before: ObjCell,
}

#[pymethods]
impl Manager {
    #[pymethod(name = "__enter__")]
    fn enter(cx: &Ctx, this: This<'_, Manager>) -> PyResult {
        this.before.set(Some(state::current(cx)?));
        set_current(cx, &this.local)?;
        Ok(this.local.clone())
    }

    #[pymethod(name = "__exit__", sig = "($self, *args)")]
    fn exit(cx: &Ctx, this: This<'_, Manager>, args: &[Obj]) -> PyResult<bool> {
        let _ = args;
        if let Some(c) = this.before.get() {
            set_current(cx, &c)?;
        }
        Ok(false)
    }
}

/// Makes a context the current one; a template is copied first, so that it stays as it is.
fn set_current(cx: &Ctx, context: &Obj) -> PyResult<()> {
    let s = state::get(cx)?;
    let c = context::payload(cx, context)?;
    let template = [&s.default, &s.basic, &s.extended].iter().any(|t| t.is(context));
    let own = if template { c.copied(true) } else { context.clone() };
    (cx.host().set_context_value)(cx, &s.variable, &own)
}

/// Decimal arithmetic with correct rounding.
#[pymodule(name = "_decimal", classes(super::Decimal, super::Context))]
pub(crate) mod decimal {
    use super::*;

    /// The current context.
    #[pyfunction(sig = "()")]
    fn getcontext(cx: &Ctx) -> PyResult {
        state::current(cx)
    }

    /// Makes a context the current one.
    #[pyfunction(sig = "(context, /)")]
    fn setcontext(cx: &Ctx, context: &Obj) -> PyResult<()> {
        set_current(cx, context)
    }

    /// A context manager that makes a copy of a context (by default of the current one) current in a with statement.
    ///
    /// Keywords set fields of the copy.
    #[pyfunction(sig = "(ctx=None, **kwargs)")]
    fn localcontext(cx: &Ctx, args: Args<'_>) -> PyResult {
        let mut given = args.pos().first();
        if args.pos().len() > 1 {
            let n = args.pos().len();
            return Err(cx.type_error(format!("localcontext() takes at most 1 positional argument ({n} given)")));
        }
        let mut fields = Vec::new();
        let names: Vec<_> = args.keywords().map(|(k, v)| (as_utf8_lossy(k), v)).collect();
        for (k, v) in &names {
            match &**k {
                "ctx" if given.is_none() => given = Some(v),
                k => fields.push((k, *v)),
            }
        }
        let context = context::optional(cx, given)?;
        let local = context::payload(cx, &context)?.copied(false);
        context::set_by_keywords(cx, context::payload(cx, &local)?, &fields)?;
        Ok(new_instance(Manager::class().type_object(), Manager { local, before: ObjCell::new(None) }))
    }

    /// The context of the IEEE 754 interchange format of so many bits, a multiple of 32.
    #[pyfunction(sig = "(bits, /)")]
    fn IEEEContext(cx: &Ctx, bits: &Obj) -> PyResult {
        if !int::is_int(bits) {
            return Err(cx.type_error("an integer is required"));
        }
        match int::as_i64(bits) {
            Some(n) if (32..=512).contains(&n) && n % 32 == 0 => Ok(Context::ieee(n)),
            _ => Err(cx.value_error("argument must be a multiple of 32, with a maximum of 512")),
        }
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let s = state::init(cx)?;
        let set = |name: &str, value: &Obj| module.set_attr(cx, Name::new(name), value);
        for (name, e) in &s.exceptions {
            set(name, e)?;
        }
        set("DecimalTuple", &s.tuple)?;
        set("DefaultContext", &s.default)?;
        set("BasicContext", &s.basic)?;
        set("ExtendedContext", &s.extended)?;
        for (_, name) in round::Rounding::ALL {
            set(name, &Name::new(name).obj())?;
        }
        for (name, n) in [
            ("MAX_PREC", round::MAX_PREC),
            ("MAX_EMAX", round::MAX_EMAX),
            ("MIN_EMIN", round::MIN_EMIN),
            ("MIN_ETINY", round::MIN_ETINY),
            ("IEEE_CONTEXT_MAX_BITS", 512),
        ] {
            set(name, &Obj::from(n))?;
        }
        set("HAVE_THREADS", &Obj::from_bool(true))?;
        set("HAVE_CONTEXTVAR", &Obj::from_bool(true))?;
        set("__version__", &Obj::from("1.70"))?;
        set("__libmpdec_version__", &Obj::from("2.5.1"))
    }
}
