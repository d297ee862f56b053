//! Types and the built-in data types.

pub mod annotations;
pub mod bool_;
pub mod bytes;
pub mod cell;
mod class_assign;
pub mod class_method;
pub mod complex;
pub mod create;
pub mod descriptor;
pub mod dict;
mod dir;
pub mod exc;
pub mod float;
pub mod function;
pub mod generic_alias;
pub mod heap_type;
mod instance_dict_attr;
pub mod int;
pub mod iterators;
pub mod list;
pub mod mapping_proxy;
pub mod memoryview;
pub mod method;
mod method_cache;
pub mod module;
mod mro;
pub mod none;
mod number_format;
mod numeric_input;
pub mod object;
pub mod ordered_dict;
mod pickle;
pub mod property;
pub mod range;
pub(crate) mod seqops;
pub mod set;
pub mod slice;
pub mod slot_wrappers;
pub mod slots;
pub mod static_method;
pub mod str;
pub mod structseq;
pub mod super_;
pub mod tuple;
mod type_;
mod type_object;
pub mod union;
pub mod weakref;

pub(crate) use create::create_native;
pub use create::set_attr as set_class_constant;
pub(crate) use method_cache::forget_type;
pub use slots::{CmpOp, SendResult, Slots};
pub use type_::{call_type, clear_storage_descriptors, type_type};
pub use type_object::{Layout, Type, TypeCell, TypeFlags};
pub(crate) use weakref::release_side;

/// Makes the core types. To be called under the interpreter lock before the first object is made; later calls
/// do nothing.
pub fn init() {
    create::create_core();
}
