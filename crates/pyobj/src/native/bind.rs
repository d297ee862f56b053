//! What the code emitted by the attribute macros calls: receivers, argument counts and conversions, with
//! CPython's messages on failure.

use std::mem::MaybeUninit;

use super::{ClassDef, FixedShape, GetSetDef, NativeFn, Payload, PayloadDef, Signature, This};
use crate::ctx::{Ctx, PyResult, Raised};
use crate::native::Args;
use crate::types::{Slots, Type};
use crate::value::Obj;

/// A Rust type that stands for a Python class. Made by `#[pyclass]`.
pub trait PyClass: 'static {
    /// `__name__`.
    const NAME: &'static str;
    /// The layout of instances.
    const PAYLOAD: &'static PayloadDef;
    /// The reserved root shape, so that checks for the exact type compare with a constant.
    const FIXED: FixedShape;
    /// The definition.
    fn class() -> &'static ClassDef;
    /// The type object.
    #[inline(always)]
    fn type_object() -> &'static Type {
        Self::class().type_object()
    }
}

/// Fills in for what a class without `#[pymethods]` (or without `#[pyinit]`, `__new__`) does not declare:
/// the macros emit inherent constants of the same names, which take precedence.
#[doc(hidden)]
pub trait NoMethods {
    const CINDER_METHODS: &'static [NativeFn] = &[];
    const CINDER_GETSET: &'static [GetSetDef] = &[];
    const CINDER_SLOTS: fn(&Slots) = no_slots;
    const CINDER_INIT: Option<fn(&Type)> = None;
    const CINDER_NEW_SIG: &'static str = "";
}

impl<T: ?Sized> NoMethods for T {}

fn no_slots(_: &Slots) {}

/// The sum of the lengths.
#[doc(hidden)]
pub const fn total<T>(parts: &[&[T]]) -> usize {
    let mut n = 0;
    let mut i = 0;
    while i < parts.len() {
        n += parts[i].len();
        i += 1;
    }
    n
}

/// Joins the parts; `N` is their [`total`].
#[doc(hidden)]
pub const fn concat<T: Copy, const N: usize>(parts: &[&[T]]) -> [T; N] {
    let mut out = [const { MaybeUninit::<T>::uninit() }; N];
    let (mut i, mut at) = (0, 0);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].len() {
            out[at] = MaybeUninit::new(parts[i][j]);
            at += 1;
            j += 1;
        }
        i += 1;
    }
    assert!(at == N);
    // SAFETY: all `N` elements have been written, and both arrays have the same layout.
    unsafe { std::mem::transmute_copy::<[MaybeUninit<T>; N], [T; N]>(&out) }
}

/// A function's name for messages about its arguments.
pub struct FnName {
    /// The class or module; empty for builtins.
    pub owner: &'static str,
    /// The name.
    pub name: &'static str,
    /// A constructor or initialiser, named by its class.
    pub constructor: bool,
}

/// Where an argument stands, for messages about its type.
pub struct ArgPos {
    /// The function's name.
    pub function: &'static str,
    /// Its position, from 1; zero for the only argument.
    pub index: u16,
    /// Its name if it can be given by keyword, else empty.
    pub name: &'static str,
}

impl ArgPos {
    /// Raises `f() argument 2 must be int, not str`.
    #[cold]
    pub fn bad(&self, cx: &Ctx, expected: &str, got: &Obj) -> Raised {
        let f = self.function;
        let got = if got.is_none() { "None".to_owned() } else { got.type_of().name().to_string() };
        cx.type_error(if !self.name.is_empty() {
            format!("{f}() argument '{}' must be {expected}, not {got}", self.name)
        } else if self.index > 0 {
            format!("{f}() argument {} must be {expected}, not {got}", self.index)
        } else {
            format!("{f}() argument must be {expected}, not {got}")
        })
    }
}

/// The name of a native class as messages show it: with its module unless that is builtins.
pub(crate) fn display_name(def: &ClassDef) -> String {
    if def.module == "builtins" || def.module.is_empty() {
        def.name.to_owned()
    } else {
        format!("{}.{}", def.module, def.name)
    }
}

/// The type object of a native class.
#[inline(always)]
pub fn class_type<T: PyClass>() -> &'static Type {
    T::type_object()
}

/// Whether an argument is `None`.
#[doc(hidden)]
#[inline(always)]
pub fn is_none(o: &Obj) -> bool {
    o.is_none()
}

/// The receiver of a method.
#[doc(hidden)]
#[inline(always)]
pub fn receiver<'a, T: Payload>(cx: &Ctx, recv: &'a Obj, name: &'static str) -> PyResult<This<'a, T>> {
    match This::from_obj(recv) {
        Some(t) => Ok(t),
        None => Err(wrong_receiver(cx, T::class(), recv, name)),
    }
}

#[cold]
#[inline(never)]
fn wrong_receiver(cx: &Ctx, class: &ClassDef, recv: &Obj, name: &str) -> Raised {
    cx.type_error(format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        display_name(class),
        recv.type_of().name()
    ))
}

/// The receiver of a slot.
#[doc(hidden)]
#[inline(always)]
pub fn slot_receiver<'a, T: Payload>(cx: &Ctx, recv: &'a Obj, name: &'static str) -> PyResult<This<'a, T>> {
    match This::from_obj(recv) {
        Some(t) => Ok(t),
        None => Err(wrong_slot_receiver(cx, T::class(), recv, name)),
    }
}

#[cold]
#[inline(never)]
fn wrong_slot_receiver(cx: &Ctx, class: &ClassDef, recv: &Obj, name: &str) -> Raised {
    cx.type_error(format!(
        "descriptor '{name}' requires a '{}' object but received a '{}'",
        display_name(class),
        recv.type_of().name()
    ))
}

/// The receiver of a class method.
#[doc(hidden)]
#[inline(always)]
pub fn class_receiver<'a>(cx: &Ctx, recv: &'a Obj) -> PyResult<&'a Type> {
    match recv.as_type() {
        Some(t) => Ok(t),
        None => {
            Err(cx
                .type_error(format!("descriptor requires a type but received a '{}' instance", recv.type_of().name())))
        }
    }
}

/// The arguments of a `__new__` that takes no keywords: those given to a subclass with an `__init__` of its own
/// are meant for that.
#[doc(hidden)]
#[inline(always)]
pub fn own_arguments<'a, T: PyClass>(ty: &Type, args: Args<'a>) -> Args<'a> {
    if !args.has_keywords() || same_init(ty, T::type_object()) {
        return args;
    }
    Args::positional(args.pos())
}

/// Whether a class has the `__init__` of another one.
pub(crate) fn same_init(a: &Type, b: &Type) -> bool {
    match (a.slots.init.get(), b.slots.init.get()) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Whether a class has the `__new__` of another one.
pub(crate) fn same_new(a: &Type, b: &Type) -> bool {
    match (a.slots.new.get(), b.slots.new.get()) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Checks the number of positional arguments and refuses keywords.
#[doc(hidden)]
#[inline(always)]
pub fn positional<'a>(cx: &Ctx, args: Args<'a>, f: &FnName, min: usize, max: usize) -> PyResult<&'a [Obj]> {
    let all = args.all();
    if !args.has_keywords() && all.len() >= min && all.len() <= max {
        return Ok(all);
    }
    Err(wrong_count(cx, args, f, min, max))
}

#[cold]
#[inline(never)]
fn wrong_count(cx: &Ctx, args: Args<'_>, f: &FnName, min: usize, max: usize) -> Raised {
    let name = f.name;
    let full = if f.owner.is_empty() { name.to_owned() } else { format!("{}.{name}", f.owner) };
    if args.has_keywords() {
        return cx.type_error(format!("{full}() takes no keyword arguments"));
    }
    let n = args.all().len();
    let s = |n: usize| if n == 1 { "" } else { "s" };
    cx.type_error(match (min, max) {
        (0, 0) if f.constructor => format!("{name}() takes no arguments"),
        (0, 0) => format!("{full}() takes no arguments ({n} given)"),
        (1, 1) if !f.constructor => format!("{full}() takes exactly one argument ({n} given)"),
        _ if min == max => format!("{name} expected {min} argument{}, got {n}", s(min)),
        _ if n < min => format!("{name} expected at least {min} argument{}, got {n}", s(min)),
        _ => format!("{name} expected at most {max} argument{}, got {n}", s(max)),
    })
}

/// A required argument that [`Args::bind`] has found to be there.
#[doc(hidden)]
#[inline(always)]
pub fn required<'a>(cx: &Ctx, given: Option<&'a Obj>, sig: &Signature, i: usize) -> PyResult<&'a Obj> {
    match given {
        Some(v) => Ok(v),
        None => Err(sig.missing(cx, i)),
    }
}
