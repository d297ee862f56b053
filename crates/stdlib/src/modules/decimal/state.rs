//! What the module keeps: the exceptions of the conditions, the context variable and the template contexts.

use std::cell::OnceCell;

use cinder_pyobj::heap::Gil;
use cinder_pyobj::native::{Args, PyClass};
use cinder_pyobj::types::{dict, exc, list, tuple, type_type};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::context::Context;
use super::number::flag;
use super::signals::SignalDict;

/// The module's objects.
pub(super) struct State {
    /// The exceptions of conditions that count as the signal InvalidOperation, with their bits.
    conditions: Vec<(u32, Obj)>,
    /// The exceptions of the signals, with their bits, in the order in which contexts show them.
    pub(super) signals: Vec<(u32, Obj)>,
    /// All exceptions by name.
    pub(super) exceptions: Vec<(&'static str, Obj)>,
    pub(super) variable: Obj,
    pub(super) tuple: Obj,
    pub(super) signal_dict: Obj,
    pub(super) rational: Obj,
    pub(super) default: Obj,
    pub(super) basic: Obj,
    pub(super) extended: Obj,
}

static STATE: Gil<OnceCell<State>> = Gil::new(OnceCell::new());

/// The module's state. It is made when the module is first imported, before any class of it can be reached.
#[inline]
pub(super) fn get(cx: &Ctx) -> PyResult<&'static State> {
    STATE.get().get().ok_or_else(|| cx.system_error("_decimal is not initialised"))
}

/// The exceptions: name, bases, and the bits of a condition or signal.
const EXCEPTIONS: [(&str, &[&str], u32); 14] = [
    ("DecimalException", &["ArithmeticError"], 0),
    ("InvalidOperation", &["DecimalException"], flag::INVALID),
    ("FloatOperation", &["DecimalException", "TypeError"], flag::FLOAT_OPERATION),
    ("DivisionByZero", &["DecimalException", "ZeroDivisionError"], flag::DIVISION_BY_ZERO),
    ("Inexact", &["DecimalException"], flag::INEXACT),
    ("Rounded", &["DecimalException"], flag::ROUNDED),
    ("Subnormal", &["DecimalException"], flag::SUBNORMAL),
    ("Overflow", &["Inexact", "Rounded"], flag::OVERFLOW),
    ("Underflow", &["Inexact", "Rounded", "Subnormal"], flag::UNDERFLOW),
    ("Clamped", &["DecimalException"], flag::CLAMPED),
    ("ConversionSyntax", &["InvalidOperation"], flag::CONVERSION_SYNTAX),
    ("DivisionImpossible", &["InvalidOperation"], flag::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", &["InvalidOperation", "ZeroDivisionError"], flag::DIVISION_UNDEFINED),
    ("InvalidContext", &["InvalidOperation"], flag::INVALID_CONTEXT),
];

/// The signals in the order of a context's mappings.
const SIGNALS: [&str; 9] = [
    "InvalidOperation",
    "FloatOperation",
    "DivisionByZero",
    "Overflow",
    "Underflow",
    "Subnormal",
    "Inexact",
    "Rounded",
    "Clamped",
];

/// Makes a class by calling `type`.
fn make_class(cx: &Ctx, name: &str, bases: Vec<Obj>, module: &str) -> PyResult {
    let namespace = dict::new();
    dict::set(cx, &namespace, &Obj::from("__module__"), &Obj::from(module))?;
    type_type().as_obj().call_pos(cx, &[Obj::from(name), tuple::new(bases), namespace])
}

/// Makes the state, once in a process.
pub(super) fn init(cx: &Ctx) -> PyResult<&'static State> {
    if let Some(s) = STATE.get().get() {
        return Ok(s);
    }
    let mut exceptions: Vec<(&'static str, Obj)> = Vec::new();
    for (name, bases, _) in EXCEPTIONS {
        let base = |n: &&str| match *n {
            "ArithmeticError" => exc::ArithmeticError().as_obj(),
            "ZeroDivisionError" => exc::ZeroDivisionError().as_obj(),
            "TypeError" => exc::TypeError().as_obj(),
            n => exceptions.iter().find(|(m, _)| *m == n).map_or_else(Obj::none, |(_, e)| e.clone()),
        };
        let bases = bases.iter().map(base).collect();
        exceptions.push((name, make_class(cx, name, bases, "decimal")?));
    }
    let find = |name: &str| {
        let bits = EXCEPTIONS.iter().find(|(n, _, _)| *n == name).map_or(0, |(_, _, b)| *b);
        (bits, exceptions.iter().find(|(n, _)| *n == name).map_or_else(Obj::none, |(_, e)| e.clone()))
    };
    let mut conditions: Vec<(u32, Obj)> = vec![(flag::INVALID_OPERATION, find("InvalidOperation").1)];
    conditions.extend(
        ["ConversionSyntax", "DivisionImpossible", "DivisionUndefined", "InvalidContext"].iter().map(|n| find(n)),
    );
    let import = |module: &str| (cx.host().import)(cx, module);
    let numbers = import("numbers")?;
    numbers.get_attr(cx, intern!("Number"))?.call_method(
        cx,
        intern!("register"),
        &[super::object::Decimal::type_object().as_obj()],
    )?;
    let mapping = import("collections.abc")?.get_attr(cx, intern!("MutableMapping"))?;
    let abc_meta = mapping.type_of().as_obj();
    let namespace = dict::new();
    dict::set(cx, &namespace, &Obj::from("__module__"), &Obj::from("decimal"))?;
    let bases = tuple::pair(SignalDict::type_object().as_obj(), mapping);
    let signal_dict = abc_meta.call_pos(cx, &[Obj::from("SignalDict"), bases, namespace])?;
    let args = [Obj::from("DecimalTuple"), Obj::from("sign digits exponent"), Obj::from("decimal")];
    let named = import("collections")?.get_attr(cx, intern!("namedtuple"))?;
    let tuple = named.call(cx, Args::new(&args, &[Obj::from("module")]))?;
    let variable = import("_contextvars")?.get_attr(cx, intern!("ContextVar"))?;
    let state = State {
        conditions,
        signals: SIGNALS.iter().map(|n| find(n)).collect(),
        variable: variable.call1(cx, &Obj::from("decimal_context"))?,
        tuple,
        signal_dict,
        rational: numbers.get_attr(cx, intern!("Rational"))?,
        default: Context::default_template(),
        basic: Context::basic_template(),
        extended: Context::extended_template(),
        exceptions,
    };
    Ok(STATE.get().get_or_init(|| state))
}

/// The current context, made from the default one if there is none yet.
#[inline]
pub(super) fn current(cx: &Ctx) -> PyResult {
    let s = get(cx)?;
    match (cx.host().context_value)(cx, &s.variable) {
        Some(c) => Ok(c),
        None => first_context(cx, s),
    }
}

#[cold]
fn first_context(cx: &Ctx, s: &State) -> PyResult {
    let c = match s.default.downcast::<Context>() {
        Some(d) => d.copied(true),
        None => return Err(cx.system_error("the default context is none")),
    };
    (cx.host().set_context_value)(cx, &s.variable, &c)?;
    Ok(c)
}

/// The exception of conditions of which at least one is trapped.
#[cold]
pub(super) fn raise(cx: &Ctx, trapped: u32) -> Raised {
    if trapped & flag::NO_MEMORY != 0 {
        return cx.no_memory();
    }
    let s = match get(cx) {
        Ok(s) => s,
        Err(r) => return r,
    };
    let Some((_, class)) = s.signals.iter().find(|(bits, _)| bits & trapped != 0) else {
        return cx.system_error("no signal for a condition");
    };
    let all = s.conditions.iter().chain(&s.signals[1..]).filter(|(bits, _)| bits & trapped != 0);
    let names = list::new(all.map(|(_, e)| e.clone()).collect());
    match class.as_type() {
        Some(t) => cx.raise_args(t, &[names]),
        None => cx.system_error("a signal is no class"),
    }
}

/// The bits of a signal, given its exception.
pub(super) fn bits_of(cx: &Ctx, signal: &Obj) -> PyResult<u32> {
    match get(cx)?.signals.iter().find(|(_, e)| e.is(signal)) {
        Some((bits, _)) => Ok(*bits),
        None => Err(cx.raise(
            exc::KeyError(),
            "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, \
             Underflow, Subnormal, Inexact, Rounded,\n   Clamped]",
        )),
    }
}

/// The signals among bits, as a list of exceptions.
pub(super) fn signals_in(cx: &Ctx, bits: u32) -> PyResult {
    let found = get(cx)?.signals.iter().filter(|(b, _)| b & bits != 0);
    Ok(list::new(found.map(|(_, e)| e.clone()).collect()))
}
