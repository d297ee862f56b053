//! Calls of Python functions: argument binding and frames.

mod bind;
pub(crate) mod collect;
pub(crate) mod eager;
pub(crate) mod operand;
mod push;
mod quick;

pub(crate) use bind::fill_defaults;
pub(crate) use push::{FrameSpec, call_function, drop_locals, pop_frame, push_frame, run_code};
pub(crate) use quick::{Given, bind, bound_count};
