//! Types and the built-in data types.

pub mod exc;
pub mod slots;
pub mod str;
mod type_object;

pub use slots::{CmpOp, SendResult, Slots};
pub use type_object::{Layout, Type, TypeCell, TypeFlags};
pub(crate) use type_object::{create_native, release_side};
