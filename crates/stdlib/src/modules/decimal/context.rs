//! `Context`: precision, exponent limits, rounding, and the flags and traps of signals.

use std::cell::Cell;
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::{generic_get_attr, generic_set_attr};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{exc, int, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type, intern};

use super::number::flag;
use super::round::{Env, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding};
use super::signals::{SignalDict, bits_of_argument};
use super::state;

/// The context affects almost all operations and controls rounding, over- and underflow, and which signals raise.
///
/// A fresh context starts with the fields of DefaultContext where none are given.
#[pyclass(
    name = "Context",
    module = "decimal",
    flags(basetype),
    sig = "(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)"
)]
pub struct Context {
    env: Cell<Env>,
    pub(super) capitals: Cell<bool>,
    status: Rc<Cell<u32>>,
    traps: Rc<Cell<u32>>,
    flags_view: ObjCell,
    traps_view: ObjCell,
}

impl Traverse for Context {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.flags_view.traverse(visit);
        self.traps_view.traverse(visit);
    }

    fn clear(&self) {
        self.flags_view.clear();
        self.traps_view.clear();
    }
}

const IEEE_TRAPS: u32 = flag::INVALID | flag::DIVISION_BY_ZERO | flag::OVERFLOW;

impl Context {
    fn with(env: Env, traps: u32) -> Context {
        Context {
            env: Cell::new(env),
            capitals: Cell::new(true),
            status: Rc::new(Cell::new(0)),
            traps: Rc::new(Cell::new(traps)),
            flags_view: ObjCell::new(None),
            traps_view: ObjCell::new(None),
        }
    }

    fn new_object(env: Env, traps: u32) -> Obj {
        new_instance(Context::class().type_object(), Context::with(env, traps))
    }

    fn limits(prec: i64, rounding: Rounding) -> Env {
        Env { prec, emax: 999_999, emin: -999_999, rounding, clamp: false }
    }

    pub(super) fn default_template() -> Obj {
        Context::new_object(Context::limits(28, Rounding::HalfEven), IEEE_TRAPS)
    }

    pub(super) fn basic_template() -> Obj {
        Context::new_object(Context::limits(9, Rounding::HalfUp), IEEE_TRAPS | flag::UNDERFLOW | flag::CLAMPED)
    }

    pub(super) fn extended_template() -> Obj {
        Context::new_object(Context::limits(9, Rounding::HalfEven), 0)
    }

    /// The context of an interchange format of the standard IEEE 754, of so many bits.
    pub(super) fn ieee(bits: i64) -> Obj {
        let emax = 3 * (1 << (bits / 16 + 3));
        let env = Env { prec: 9 * (bits / 32) - 2, emax, emin: 1 - emax, rounding: Rounding::HalfEven, clamp: true };
        Context::new_object(env, 0)
    }

    /// What operations need to know.
    #[inline(always)]
    pub(super) fn env(&self) -> Env {
        self.env.get()
    }

    pub(super) fn style(&self, engineering: bool) -> super::text::Style {
        super::text::Style { engineering, capitals: self.capitals.get() }
    }

    /// Records conditions, and raises if one of them is trapped.
    #[inline(always)]
    pub(super) fn settle(&self, cx: &Ctx, status: u32) -> PyResult<()> {
        if status == 0 {
            return Ok(());
        }
        self.status.set(self.status.get() | status & !flag::NO_MEMORY);
        let trapped = status & (self.traps.get() | flag::NO_MEMORY);
        if trapped != 0 { Err(state::raise(cx, trapped)) } else { Ok(()) }
    }

    /// Records conditions that never raise.
    pub(super) fn note(&self, status: u32) {
        self.status.set(self.status.get() | status);
    }

    /// A copy, without the flags if `fresh`.
    pub(super) fn copied(&self, fresh: bool) -> Obj {
        let c = Context::with(self.env(), self.traps.get());
        c.capitals.set(self.capitals.get());
        if !fresh {
            c.status.set(self.status.get());
        }
        new_instance(Context::class().type_object(), c)
    }

    fn same_settings_as(&self, env: Env) {
        self.env.set(env);
    }

    /// Sets a field by its name.
    pub(super) fn set_field(&self, cx: &Ctx, name: &str, value: &Obj) -> PyResult<()> {
        let mut env = self.env();
        match name {
            "prec" => env.prec = number_in(cx, value, 1, MAX_PREC, "valid range for prec is [1, MAX_PREC]")?,
            "Emax" => env.emax = number_in(cx, value, 0, MAX_EMAX, "valid range for Emax is [0, MAX_EMAX]")?,
            "Emin" => env.emin = number_in(cx, value, MIN_EMIN, 0, "valid range for Emin is [MIN_EMIN, 0]")?,
            "rounding" => env.rounding = rounding_of(cx, value)?,
            "clamp" => env.clamp = number_in(cx, value, 0, 1, "valid values for clamp are 0 or 1")? == 1,
            "capitals" => {
                let n = number_in(cx, value, 0, 1, "valid values for capitals are 0 or 1")?;
                self.capitals.set(n == 1);
            }
            "flags" => self.status.set(bits_of_argument(cx, value, false)?),
            _ => self.traps.set(bits_of_argument(cx, value, false)?),
        }
        self.same_settings_as(env);
        Ok(())
    }
}

fn number_in(cx: &Ctx, o: &Obj, low: i64, high: i64, message: &str) -> PyResult<i64> {
    if !int::is_int(o) {
        return Err(cx.type_error("an integer is required"));
    }
    match o.to_isize(cx)? as i64 {
        n if (low..=high).contains(&n) => Ok(n),
        _ => Err(cx.value_error(message)),
    }
}

/// The rounding that an argument names.
pub(super) fn rounding_of(cx: &Ctx, o: &Obj) -> PyResult<Rounding> {
    if o.type_of().is_str_subtype()
        && let Some(r) = Rounding::by_name(&as_utf8_lossy(o))
    {
        return Ok(r);
    }
    Err(cx.type_error(
        "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, \
         ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
    ))
}

/// The context that an optional argument gives: the current one where it is absent or None.
#[inline]
pub(super) fn optional(cx: &Ctx, o: Option<&Obj>) -> PyResult {
    match o.filter(|o| !o.is_none()) {
        None => state::current(cx),
        Some(o) if o.downcast::<Context>().is_some() => Ok(o.clone()),
        Some(_) => Err(cx.type_error("optional argument must be a context")),
    }
}

/// The payload of an object known to be a context.
#[inline(always)]
pub(super) fn payload<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a Context> {
    o.downcast::<Context>().ok_or_else(|| no_context(cx))
}

#[cold]
fn no_context(cx: &Ctx) -> Raised {
    cx.type_error("argument must be a context")
}

const FIELDS: [&str; 8] = ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];

/// Sets fields from arguments that are not None; flags and traps may be lists here.
fn set_fields(cx: &Ctx, c: &Context, fields: &[(&str, &Obj)]) -> PyResult<()> {
    for (name, value) in fields.iter().filter(|(_, v)| !v.is_none()) {
        match *name {
            "flags" => c.status.set(bits_of_argument(cx, value, true)?),
            "traps" => c.traps.set(bits_of_argument(cx, value, true)?),
            name => c.set_field(cx, name, value)?,
        }
    }
    Ok(())
}

/// Sets the fields that keyword arguments name, as `localcontext` does.
pub(super) fn set_by_keywords(cx: &Ctx, c: &Context, fields: &[(&str, &Obj)]) -> PyResult<()> {
    for (name, _) in fields {
        if !FIELDS.contains(name) {
            return Err(cx.type_error(format!("this function got an unexpected keyword argument '{name}'")));
        }
    }
    set_fields(cx, c, fields)
}

#[pymethods(parts("unary", "binary", "other"))]
impl Context {
    fn __new__(cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        let c = Context::with(Context::limits(28, Rounding::HalfEven), IEEE_TRAPS);
        if let Some(d) = state::get(cx)?.default.downcast::<Context>() {
            c.env.set(d.env());
            c.capitals.set(d.capitals.get());
            c.traps.set(d.traps.get());
        }
        Ok(new_instance(ty, c))
    }

    fn __init__(cx: &Ctx, this: This<'_, Context>, args: Args<'_>) -> PyResult<()> {
        if args.pos().len() > FIELDS.len() {
            let n = args.all().len();
            return Err(cx.type_error(format!("Context() takes at most 8 arguments ({n} given)")));
        }
        let mut fields: Vec<(&str, &Obj)> = FIELDS.into_iter().zip(args.pos()).collect();
        for (k, v) in args.keywords() {
            let k = as_utf8_lossy(k);
            let Some(name) = FIELDS.into_iter().find(|n| *n == k) else {
                return Err(cx.type_error(format!("Context() got an unexpected keyword argument '{k}'")));
            };
            if fields.iter().any(|(n, _)| *n == name) {
                let at = FIELDS.iter().position(|n| *n == name).unwrap_or(0) + 1;
                return Err(
                    cx.type_error(format!("argument for Context() given by name ('{name}') and position ({at})"))
                );
            }
            fields.push((name, v));
        }
        // In the order of the parameters, so that the first wrong one is reported.
        fields.sort_by_key(|(n, _)| FIELDS.iter().position(|f| f == n));
        set_fields(cx, &this, &fields)
    }

    fn __getattribute__(cx: &Ctx, this: This<'_, Context>, name: &Obj) -> PyResult {
        let view = |cell: &ObjCell, bits: &Rc<Cell<u32>>| -> PyResult {
            if cell.is_empty() {
                cell.set(Some(SignalDict::of(cx, bits)?));
            }
            Ok(cell.get().unwrap_or_else(Obj::none))
        };
        match &*as_utf8_lossy(name) {
            "flags" => view(&this.flags_view, &this.status),
            "traps" => view(&this.traps_view, &this.traps),
            _ => generic_get_attr(cx, this.obj(), name),
        }
    }

    fn __setattr__(cx: &Ctx, this: This<'_, Context>, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let field = as_utf8_lossy(name);
        let Some(value) = value else {
            return Err(cx.raise(exc::AttributeError(), "context attributes cannot be deleted"));
        };
        if FIELDS.contains(&&*field) {
            return this.set_field(cx, &field, value);
        }
        match generic_set_attr(cx, this.obj(), name, Some(value)) {
            Err(r) if cx.pending_is(exc::AttributeError()) && this.obj().type_of().is(Context::type_object()) => {
                drop(cx.take(r));
                let message = format!("'decimal.Context' object has no attribute '{field}'");
                Err(cx.attribute_error(message, this.obj(), name))
            }
            r => r,
        }
    }

    /// The precision: an int from 1 to MAX_PREC.
    #[pygetter]
    fn prec(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        this.env().prec
    }

    /// The rounding mode, by its name.
    #[pygetter]
    fn rounding(_cx: &Ctx, this: This<'_, Context>) -> Obj {
        Name::new(this.env().rounding.name()).obj()
    }

    /// The greatest exponent of a first digit.
    #[pygetter]
    fn Emax(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        this.env().emax
    }

    /// The least exponent of a first digit of normal numbers.
    #[pygetter]
    fn Emin(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        this.env().emin
    }

    /// 1 if exponents are marked by E, 0 if by e.
    #[pygetter(name = "capitals")]
    fn get_capitals(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        i64::from(this.payload().capitals.get())
    }

    /// 1 if exponents are brought down so that the coefficient fills the precision.
    #[pygetter]
    fn clamp(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        i64::from(this.env().clamp)
    }

    /// The least exponent of subnormal numbers: Emin - prec + 1.
    #[pymethod]
    fn Etiny(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        this.env().etiny()
    }

    /// The greatest exponent of numbers whose coefficient fills the precision: Emax - prec + 1.
    #[pymethod]
    fn Etop(_cx: &Ctx, this: This<'_, Context>) -> i64 {
        this.env().etop()
    }

    /// Sets all flags to False.
    #[pymethod]
    fn clear_flags(_cx: &Ctx, this: This<'_, Context>) {
        this.status.set(0);
    }

    /// Sets all traps to False.
    #[pymethod]
    fn clear_traps(_cx: &Ctx, this: This<'_, Context>) {
        this.traps.set(0);
    }

    /// A copy of the context, flags included.
    #[pymethod(name = "copy")]
    fn copy_method(_cx: &Ctx, this: This<'_, Context>) -> Obj {
        this.copied(false)
    }

    #[pymethod(name = "__copy__")]
    fn copy_special(_cx: &Ctx, this: This<'_, Context>) -> Obj {
        this.copied(false)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, Context>) -> PyResult {
        let env = this.env();
        let args = tuple::new(vec![
            Obj::from(env.prec),
            Obj::from(env.rounding.name()),
            Obj::from(env.emin),
            Obj::from(env.emax),
            Obj::from(i64::from(this.payload().capitals.get())),
            Obj::from(i64::from(env.clamp)),
            state::signals_in(cx, this.status.get())?,
            state::signals_in(cx, this.traps.get())?,
        ]);
        Ok(tuple::pair(this.obj().type_of().as_obj(), args))
    }

    fn __repr__(cx: &Ctx, this: This<'_, Context>) -> PyResult<String> {
        let env = this.env();
        // Representations have the order of the bits, in which InvalidOperation comes second.
        let mut signals: Vec<&(u32, Obj)> = state::get(cx)?.signals.iter().collect();
        signals.sort_by_key(|(bits, _)| bits.trailing_zeros());
        let names = |bits: u32| -> PyResult<String> {
            let mut out = Vec::new();
            for (_, e) in signals.iter().filter(|(b, _)| b & bits != 0) {
                out.push(as_utf8_lossy(&e.get_attr(cx, intern!("__name__"))?).into_owned());
            }
            Ok(out.join(", "))
        };
        Ok(format!(
            "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags=[{}], traps=[{}])",
            env.prec,
            env.rounding.name(),
            env.emin,
            env.emax,
            u8::from(this.payload().capitals.get()),
            u8::from(env.clamp),
            names(this.status.get())?,
            names(this.traps.get())?
        ))
    }
}
