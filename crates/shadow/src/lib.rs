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
//! Another interpreter over the same objects needs a [`Shadow`] for its code and two calls per attribute load. (The
//! example `records` is a whole one.)
//! ```
//! use cinder_bytecode::op::{Insn, Opcode};
//! use cinder_pyobj::types::{self, dict, str::Name, tuple, type_type};
//! use cinder_pyobj::{Ctx, Host, Obj, PyResult, Value};
//! use cinder_shadow::{Shadow, ShadowOp};
//!
//! static HOST: Host = Host::bare();
//!
//! # fn main() {
//! let cx = Ctx::new(&HOST, 1 << 20);
//! // SAFETY: this is the only thread, and the context outlives its use.
//! unsafe { cx.make_current() };
//! types::init();
//! cinder_pyobj::shape::memory::set_forget_hook(cinder_shadow::forget_hook);
//!
//! // Code in the instruction set of Cinder: `r0 = r1.x`, then a return.
//! let code = [Insn::abc(Opcode::LoadAttr, 0, 1, 0), Insn::abc(Opcode::Return, 0, 0, 0)];
//! let shadow = Shadow::new(&code);
//! let x = Name::new("x");
//! let load = |o: &Obj| -> PyResult {
//!     if let Some(v) = shadow.load(0, o) {
//!         return Ok(v); // remembered: no look-up
//!     }
//!     shadow.observe_load(0, o, x);
//!     o.get_attr(&cx, x)
//! };
//! let now = || ShadowOp::from_number(shadow.insn(0).op_number());
//!
//! let run = || -> PyResult<()> {
//!     let class = type_type().as_obj().call_pos(&cx, &[Obj::from("C"), tuple::empty(), dict::new()])?;
//!     let o = class.call0(&cx)?;
//!     o.set_attr(&cx, x, &Obj::from(7))?;
//!     assert_eq!(now(), Some(ShadowOp::LoadAttrLook));
//!     assert_eq!(load(&o)?.as_int(), Some(7));
//!     // The site remembers the slot of `x` in objects of that shape.
//!     assert_eq!(now(), Some(ShadowOp::LoadAttrSlot));
//!     assert_eq!(load(&o)?.as_int(), Some(7));
//!     // A new class attribute could be a data descriptor of that name: whoever depends on the class forgets.
//!     class.set_attr(&cx, Name::new("other"), &Obj::from(1))?;
//!     assert_eq!(now(), Some(ShadowOp::LoadAttrLook));
//!     assert_eq!(shadow.site(0).forgotten(), 1);
//!     // The generic instruction is never lost.
//!     assert_eq!(shadow.generic(0), code[0]);
//!     Ok(())
//! };
//! assert!(run().is_ok());
//! # }
//! ```

mod calls;
mod code;
mod global;
mod install;
mod operators;
mod ops;
mod resolve;
mod simple;
mod site;
pub mod stats;
mod subscripts;

pub use calls::{look_call, look_instance, look_object, look_plan, look_shape, look_target};
pub use code::{Shadow, clear_all, forget_hook};
pub use global::{Found, global_known, global_known_store, global_known_word, global_load, global_store};
pub use install::{
    kind_of_entry, look_delete, look_function, look_global, look_load, look_method, look_special, look_store,
    look_super, look_super_pinned,
};
pub use operators::{look_contains, look_pair, look_truth, look_unary};
pub use ops::{Family, SHADOW_OPS, ShadowInfo, ShadowOp};
pub use resolve::Kind;
pub use site::{Entry, More, Site, WAYS};
pub use subscripts::{look_format, look_iterator, look_subscript};
