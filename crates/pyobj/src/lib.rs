//! Python's object model: tagged values, heap, reference counts, shapes, types and the built-in data types.
//!
//! A value is one tagged word ([`value::Value`]; owned: [`Obj`]). Ints of 63 bits and most floats live in the
//! word; everything else is a reference-counted heap object with an 8-byte header ([`heap::Header`]) whose
//! [`shape`] names class and layout. Types ([`types::Type`]) carry slots: function pointers with Rust
//! signatures. Whatever can raise returns [`PyResult`] and leaves the exception in the thread context
//! ([`Ctx`]), which every native receives first.
//!
//! # Rules for native code
//! - `&Obj` is a borrowed reference, `Obj` an owned one. Arguments are borrowed.
//! - Anything that may run Python code (calls, comparisons, hashing, `repr`, iteration, *dropping* an object
//!   of unknown type) may change every mutable object and must not happen under a `RefCell` borrow.
//! - Payload fields that change use `Cell`/`RefCell`; the lock makes objects single-threaded.
//! - Native recursion through objects calls [`Ctx::check_stack`] first.
//! - Sizes that a program can choose are checked and try-reserved; a failure is MemoryError/OverflowError.

extern crate self as cinder_pyobj;

pub mod cell;
pub mod codecs;
pub mod ctx;
pub mod heap;
pub mod native;
pub mod protocol;
pub mod shape;
pub mod suggest;
pub mod types;
pub mod value;

pub use ctx::{Ctx, Host, PyResult, Raised, Strictness};
pub use types::Type;
pub use value::{Obj, Value};
