//! Machine code from register-allocated LIR.
#![deny(missing_docs)]

pub mod compiler;
pub mod debug;
pub mod lower;
pub mod masm;
pub mod memory;
pub mod reloc;
pub mod space;

/// The assembler of the machine this program runs on.
pub type HostMasm = masm::x64::X64Masm;
