//! Inline caches: what an interpreter remembers at each instruction, and how it forgets.
//!
//! A code object that runs often gets a [`Shadow`]: a private mutable copy of its instructions of identical layout.
//! In it, generic instructions are replaced by specialised ones (the rows of [`for_each_shadow_op!`]), each with a
//! [`Site`] beside it that holds what the instruction saw: shapes or receivers, and where the look-up ended. The
//! plain code never changes, and an instruction's index is the same in both.
//!
//! The crate owns records, specialisation, invalidation and statistics. Running the instructions is the
//! interpreter's part: a handler compares the site's guard with its operand, and on a mismatch calls
//! [`look_load`], [`look_store`] or [`look_method`], which find out anew what the site should remember.
//!
//! # Exactness
//! Guards are shapes (class and layout) or receivers. Whatever else a look-up depends on is a *dependency*: the
//! type or namespace that it went through is marked, and `cinder-pyobj` tells of changes before anyone can see
//! them ([`cinder_pyobj::shape::memory`]). All sites that depend on what changed then become unspecialised. Values
//! found in class attributes and namespaces are read from their cells each time, so rebinding costs nothing.
//! Sites own no references: the end of a type or namespace is a change like any other.
//!
//! # Example
//! ```
//! use cinder_bytecode::op::{Insn, Opcode};
//! use cinder_shadow::{Shadow, ShadowOp};
//!
//! // Another interpreter's code: `r0 = r1.names[0]`, then a return.
//! let code = [Insn::abc(Opcode::LoadAttr, 0, 1, 0), Insn::abc(Opcode::Return, 0, 0, 0)];
//! let shadow = Shadow::new(&code);
//! let word = shadow.insn(0);
//! // The load became an instruction that observes; field `c` names its cache record.
//! assert_eq!(ShadowOp::from_number(word.op_number()), Some(ShadowOp::LoadAttrLook));
//! assert_eq!(shadow.site(word.c().into()).original(), code[0]);
//! // Instructions without caches stay as they are, and the generic form is never lost.
//! assert_eq!(shadow.insn(1), code[1]);
//! assert_eq!(shadow.generic(0), code[0]);
//! ```

mod code;
mod global;
mod install;
mod ops;
mod resolve;
mod site;
pub mod stats;

pub use code::{Shadow, clear_all, forget_hook};
pub use global::{Found, global_known, global_load};
pub use install::{
    look_call, look_function, look_global, look_instance, look_item, look_load, look_method, look_shape, look_special,
    look_store, look_super,
};
pub use ops::{SHADOW_OPS, ShadowInfo, ShadowOp};
pub use resolve::Kind;
pub use site::{Entry, More, Site, WAYS};
