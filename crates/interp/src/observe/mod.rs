//! Observation of running code: `sys.monitoring`, and on top of it `sys.settrace` and `sys.setprofile`.
//!
//! Code that is observed runs in an instrumented copy of the same layout, in which the opcode of each instruction
//! that may fire an event is replaced by [`INSTRUMENTED`]; its handler fires the events and runs the original
//! instruction. Code that nobody observes runs as if this module did not exist.
//!
//! | file | what |
//! |---|---|
//! | `event` | the events and their sets |
//! | `tools` | tools, their callbacks and events; which code is instrumented |
//! | `map` | which events each instruction of a code object may fire |
//! | `code` | what is observed in one code object, and its instrumented copy |
//! | `step` | the handler of instrumented instructions |
//! | `fire` | calling tools |
//! | `legacy` | trace and profile functions |
//! | `jump` | assignments to `f_lineno` |
//! | `state` | frames as plain data, and back |

pub(crate) mod code;
mod event;
mod fire;
pub(crate) mod jump;
pub(crate) mod legacy;
mod map;
mod state;
mod step;
mod tools;

pub(crate) use event::{Event, EventSet};
pub(crate) use fire::{exception_event, resumed, thrown};
pub(crate) use map::{body_start, branches};
pub(crate) use step::{enter, instrumented};
pub(crate) use tools::{Monitoring, TOOLS, TRACE, check_tool, code_dies, code_made};

use cinder_bytecode::op::{Insn, Opcode};

/// The opcode number of an instruction that may fire events.
pub(crate) const INSTRUMENTED: u16 = (Opcode::COUNT + 2 * cinder_shadow::SHADOW_OPS) as u16;
/// The opcode number of the stub that new frames of code enter by whose instrumented copy is still to be made.
pub(crate) const ENTER: u16 = INSTRUMENTED + 1;
/// How many opcode numbers there are with these, and with those of shadow code, which come before.
pub(crate) const OPCODES: usize = ENTER as usize + 1;

static ENTRY: [Insn; 1] = [Insn(ENTER as u64)];

/// The entry of code that is to be instrumented when it is first run.
pub(crate) fn entry_stub() -> *const Insn {
    ENTRY.as_ptr()
}
