//! Attribute macros that declare Cinder's built-in types and native modules.
//!
//! Four macros, re-exported by `cinder_pyobj::native` (the derive by `cinder_pyobj::heap`):
//! [`macro@pyclass`] on the struct, [`macro@pymethods`] on its `impl`, [`derive@Traverse`] for the cycle
//! collector, [`macro@pymodule`] on a module of functions. They emit the plain data of
//! `cinder_pyobj::native` (`ClassDef`, `NativeFn`, `GetSetDef`, `ModuleDef`).
//!
//! # A complete example
//!
//! ```ignore
//! use cinder_pyobj::heap::{Traverse, new_instance};
//! use cinder_pyobj::native::{Args, Kwargs, This, pyclass, pymethods, pymodule};
//! use cinder_pyobj::types::CmpOp;
//! use cinder_pyobj::{Ctx, Obj, PyResult, Type};
//!
//! /// A stack of objects with a name.          (this text is `__doc__`)
//! #[pyclass(name = "Stack", module = "demo", flags(basetype, weakref, sequence))]
//! #[derive(Traverse)]
//! pub struct Stack {
//!     items: RefCell<Vec<Obj>>,
//!     limit: usize,
//! }
//!
//! #[pymethods]
//! impl Stack {
//!     // The signature is `__text_signature__` of the class, and the source of parameter kinds.
//!     #[pynew(sig = "(iterable=(), *, limit=100)")]
//!     fn __new__(cx: &Ctx, ty: &Type, iterable: Option<&Obj>, limit: usize) -> PyResult {
//!         let items = ..;
//!         Ok(new_instance(ty, Stack { items, limit }))
//!     }
//!
//!     /// Puts an object on top.
//!     #[pymethod(sig = "($self, x, /)")]
//!     fn push(cx: &Ctx, this: This<'_, Stack>, x: Obj) -> PyResult<()> { .. }
//!
//!     /// Removes the top object.
//!     #[pymethod]                                   // no parameters: no signature needed
//!     fn pop(cx: &Ctx, this: This<'_, Stack>) -> PyResult { .. }
//!
//!     #[pymethod(name = "__reduce__")]              // special methods that are not slots are methods
//!     fn reduce(cx: &Ctx, this: &Obj) -> PyResult { .. }
//!
//!     #[pyclassmethod(sig = "($type, iterable, /)")]
//!     fn of(cx: &Ctx, ty: &Type, iterable: &Obj) -> PyResult { .. }
//!
//!     // Slots are recognised by name.
//!     fn __len__(_cx: &Ctx, this: This<'_, Stack>) -> PyResult<usize> { Ok(this.items.borrow().len()) }
//!     fn __getitem__(cx: &Ctx, this: This<'_, Stack>, key: &Obj) -> PyResult { .. }
//!     fn __setitem__(cx: &Ctx, this: This<'_, Stack>, key: &Obj, value: Option<&Obj>) -> PyResult<()> { .. }
//!     fn __richcmp__(cx: &Ctx, this: This<'_, Stack>, other: &Obj, op: CmpOp) -> PyResult { .. }
//!     fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult { .. }   // either may be the instance
//!
//!     /// The greatest length.
//!     #[pygetter]
//!     fn limit(_cx: &Ctx, this: This<'_, Stack>) -> usize { this.limit }
//!
//!     /// The name.
//!     #[pygetter]
//!     fn name(cx: &Ctx, this: This<'_, Stack>) -> PyResult { .. }
//!     #[pysetter]
//!     fn set_name(cx: &Ctx, this: This<'_, Stack>, value: Option<&Obj>) -> PyResult<()> { .. }
//!
//!     #[pyinit]                                     // runs once, when the type is made
//!     fn add_constants(ty: &Type) { .. }
//!
//!     fn helper(&self) -> usize { .. }              // anything else stays plain Rust
//! }
//!
//! /// Demonstrates modules.
//! #[pymodule(name = "demo", classes(super::Stack))]
//! pub(crate) mod demo {
//!     use super::*;
//!
//!     /// The cosine.
//!     #[pyfunction(sig = "(x, /)")]
//!     fn cos(x: f64) -> f64 { x.cos() }
//!
//!     #[pyfunction(sig = "(*args, sep=' ', **kwargs)")]
//!     fn show(cx: &Ctx, args: &[Obj], sep: Option<&Obj>, kwargs: Kwargs<'_>) -> PyResult<()> { .. }
//!
//!     #[pyfunction]                                 // everything raw
//!     fn raw(cx: &Ctx, args: Args<'_>) -> PyResult { .. }
//!
//!     #[pyinit]
//!     fn init(cx: &Ctx, module: &Obj) -> PyResult<()> { .. }
//! }
//! // demo::MODULE is the `ModuleDef`.
//! ```
//!
//! # Parameters
//!
//! `cx: &Ctx` comes first and may be left out. Then the receiver: `this: This<'_, T>`, `this: &Obj` or `&self`
//! (before `cx`) of methods; `ty: &Type` or `ty: &Obj` of class methods; optionally `module: &Obj` of module
//! functions; nothing for static methods. The rest correspond in order to the parameters of the text
//! signature; names must agree (`in_`, `_in` and `r#in` all stand for `in`). Each converts with `FromObj`.
//!
//! | in the signature | Rust parameter |
//! |---|---|
//! | `x` | any `FromObj` type; `Option<T>` takes None as nothing |
//! | `x=None` | `Option<T>`: nothing when absent or None; or `Obj`: None when absent |
//! | `x=<anything else>` | `Option<T>`: nothing when absent (None is converted) |
//! | `x=5`, `x=1.5`, `x='s'`, `x=True`, `x=sys.maxsize` | that Rust type (or `Obj`): the literal when absent |
//! | `*args` | `&[Obj]` |
//! | `**kwargs` | `Kwargs<'_>` |
//! | (no signature) | a single `Args<'_>` takes everything raw |
//!
//! A function whose parameters are all positional-only compiles to a length check and the conversions.
//! `#[pymethod]` without `sig` and without parameters is `($self, /)`. With a single `Args<'_>`, `sig` is only
//! the text shown to Python (and may be left out).
//!
//! Results go through `IntoResult`: `PyResult<T>` or `T` of `Obj`, `()`, `bool`, numbers, `String`, `&str`,
//! `Option<T>` (nothing is None). Slots with other types (`__len__`, `__hash__`, `__next__`, …) return those
//! exactly.
//!
//! # Slots
//!
//! `__new__`, `__init__`, `__call__` take `args: Args<'_>`, or typed parameters with `#[pynew(sig = "..")]` /
//! `#[pymethod(sig = "..")]`. Others, after the receiver: `__repr__`, `__str__`, `__hash__ -> i64`, `__len__ ->
//! usize`, `__bool__ -> bool`, `__iter__`, `__next__ -> Option<Obj>`, `__getitem__(key)`,
//! `__setitem__(key, Option<value>)`, `__contains__(item) -> bool`, `__richcmp__(other, CmpOp)`,
//! `__getattribute__(name)`, `__setattr__(name, Option<value>)`, `__get__(Option<instance>, Option<owner>)`,
//! `__set__(instance, Option<value>)`, `__del__`, `__await__`, `__aiter__`, `__anext__`,
//! `am_send(value) -> SendResult`, `__buffer__(BufferFlags) -> Buffer`, `__int__`, `__float__`, `__index__`,
//! `__neg__`, `__pos__`, `__abs__`, `__invert__`; `sq_concat(other)`, `sq_repeat(isize)`, `sq_inplace_concat`,
//! `sq_inplace_repeat`; and in the form where either operand may be the instance `nb_add nb_sub nb_mul
//! nb_matmul nb_truediv nb_floordiv nb_mod nb_divmod nb_pow(a, b, Option<modulus>) nb_lshift nb_rshift nb_and
//! nb_or nb_xor`, and `nb_iadd …` for the in-place forms. `#[pyslot(name = "__iter__")]` gives a function
//! with another Rust name the slot.
//!
//! # Classes
//!
//! `#[pyclass(name = "..", module = "..", base = Path, flags(..), fixed = List, sig = "..", doc = "..", payload = "..")]`.
//! `payload = "own"` (the default): the struct is the native part of instances; if the base has a payload, the
//! struct is `#[repr(C)]` and begins with it. `payload = "inherit"`: the struct is empty and names a class
//! that lays its instances out as its base does. `payload = "var"` with `payload_def = PATH`: the layout is a
//! hand-written `static PayloadDef`. `T::class()` and `T::type_object()` come from `PyClass`, `T::DEF` and
//! `This<'_, T>` need `Payload` (not for "inherit").
//!
//! # Large classes and modules
//!
//! Methods may be spread over files: `#[pymethods(part = "search")] impl Str { .. }` in the others, and
//! `#[pymethods(parts("search", "case"))] impl Str { .. }` in the main file. Likewise `#[pymodule(part, name =
//! "posix")] pub(crate) mod files { .. }` and `#[pymodule(name = "posix", parts(super::files::files))]`.

mod function;
mod pyclass;
mod pymethods;
mod pymodule;
mod sig;
mod slots;
mod traverse;
mod util;

use proc_macro::TokenStream;

fn finish(r: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    r.unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Declares a struct to be a Python class. See the crate's page.
#[proc_macro_attribute]
pub fn pyclass(args: TokenStream, item: TokenStream) -> TokenStream {
    finish(pyclass::expand(args.into(), item.into()))
}

/// Declares the methods, slots and computed attributes of a class. See the crate's page.
#[proc_macro_attribute]
pub fn pymethods(args: TokenStream, item: TokenStream) -> TokenStream {
    finish(pymethods::expand(args.into(), item.into()))
}

/// Declares a native module. See the crate's page.
#[proc_macro_attribute]
pub fn pymodule(args: TokenStream, item: TokenStream) -> TokenStream {
    finish(pymodule::expand(args.into(), item.into()))
}

/// Shows the references in a struct's or enum's fields to the cycle collector. `#[traverse(skip)]` leaves a
/// field out, which is right only for fields that can hold no reference.
#[proc_macro_derive(Traverse, attributes(traverse))]
pub fn traverse(item: TokenStream) -> TokenStream {
    finish(syn::parse(item).and_then(traverse::expand))
}
