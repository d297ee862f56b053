//! Types and the built-in data types.

pub mod annotations;
pub mod bool_;
pub mod cell;
mod class_assign;
pub mod class_method;
pub(crate) mod create;
pub mod descriptor;
mod dir;
pub mod exc;
pub mod function;
pub mod generic_alias;
pub mod heap_type;
mod instance_dict_attr;
pub mod int;
pub mod mapping_proxy;
pub mod method;
mod method_cache;
pub mod module;
mod mro;
pub mod none;
pub mod object;
mod pickle;
pub mod property;
pub mod slot_wrappers;
pub mod slots;
pub mod static_method;
pub mod str;
pub mod super_;
mod type_;
mod type_object;
pub mod union;

pub(crate) use create::create_native;
pub use slots::{CmpOp, SendResult, Slots};
pub use type_::{call_type, type_type};
pub use type_object::{Layout, Type, TypeCell, TypeFlags};
