//! Local clean-ups and the steps that make a function ready for allocation.
//!
//! One pass, one file, one row of [`table`]. None of them looks further than definitions and use counts: global
//! optimisation belongs to the compiler that made the function.

mod address;
mod const_operands;
mod critical_edges;
mod dead_code;
mod divide;
mod fuse;
mod layout;
mod legalise;
mod merge;
mod params;
mod rewrite;
mod two_address;

use crate::alloc::Target;
use crate::ir::{BlockId, FrameValue, Function, Inst, VReg};
use crate::op::{Op, Shape};
use crate::verify::{VerifyError, verify};

/// How much work the passes do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// What allocation needs and clean-ups that pay for themselves at once.
    Quick,
    /// Everything.
    Optimise,
}

/// A row of the pass table.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name: that of its file, its filetest folder and its dump flag.
    pub name: &'static str,
    /// The lowest level at which it runs.
    pub level: Level,
    /// One sentence of documentation.
    pub doc: &'static str,
    run: fn(&mut Function, &mut Context<'_>),
}

static TABLE: &[Pass] = &[
    Pass {
        name: "params",
        level: Level::Quick,
        doc: "Replaces block parameters that always receive the same value, and drops unused ones.",
        run: params::run,
    },
    Pass {
        name: "merge",
        level: Level::Quick,
        doc: "Joins blocks with the only block that jumps to them.",
        run: merge::run,
    },
    Pass {
        name: "const_operands",
        level: Level::Quick,
        doc: "Makes constants immediates of their users and metadata of frame states; folds operations on them.",
        run: const_operands::run,
    },
    Pass {
        name: "divide",
        level: Level::Optimise,
        doc: "Turns divisions by constants into multiplications and shifts.",
        run: divide::run,
    },
    Pass {
        name: "address",
        level: Level::Optimise,
        doc: "Folds additions and shifts into addresses.",
        run: address::run,
    },
    Pass {
        name: "fuse",
        level: Level::Quick,
        doc: "Fuses comparisons with the branches, guards and selects that use them, and loads with comparisons.",
        run: fuse::run,
    },
    Pass {
        name: "dead_code",
        level: Level::Quick,
        doc: "Removes instructions without effect whose results are unused.",
        run: dead_code::run,
    },
    Pass {
        name: "two_address",
        level: Level::Optimise,
        doc: "Avoids copies of operands that two-address machines would overwrite.",
        run: two_address::run,
    },
    Pass {
        name: "legalise",
        level: Level::Quick,
        doc: "Widens narrow arithmetic and splits off immediates and addresses that the machine does not have.",
        run: legalise::run,
    },
    Pass {
        name: "critical_edges",
        level: Level::Quick,
        doc: "Puts a block on every edge from a branching block to a block with several predecessors.",
        run: critical_edges::run,
    },
    Pass {
        name: "layout",
        level: Level::Quick,
        doc: "Orders blocks: loops together, cold blocks last, unreachable ones gone; renumbers everything.",
        run: layout::run,
    },
];

/// All passes in the order in which they run.
pub fn table() -> &'static [Pass] {
    TABLE
}

/// What passes share.
pub(crate) struct Context<'a> {
    pub(crate) target: &'a Target,
    pub(crate) level: Level,
    pub(crate) scratch: &'a mut Scratch,
}

/// Memory and facts that passes share and keep up to date.
#[derive(Default)]
pub(crate) struct Scratch {
    /// The defining instruction of each register; [`NO_INST`] for block parameters. Valid until `legalise`.
    pub(crate) def: Vec<u32>,
    /// Uses of each register, frame states and edges included, `debug_value` not. Valid until `legalise`.
    pub(crate) uses: Vec<u32>,
    pub(crate) insts: Vec<Inst>,
    pub(crate) work: Vec<u32>,
    pub(crate) marks: Vec<u32>,
    pub(crate) layout: layout::Buffers,
}

pub(crate) const NO_INST: u32 = u32::MAX;

impl Scratch {
    fn analyse(&mut self, func: &Function) {
        self.def.clear();
        self.def.resize(func.num_vregs(), NO_INST);
        self.uses.clear();
        self.uses.resize(func.num_vregs(), 0);
        for (i, inst) in func.insts.iter().enumerate() {
            for d in func.defs(inst) {
                self.def[d.index()] = i as u32;
            }
            if inst.op.shape() == Shape::DebugValue {
                continue;
            }
            for u in func.uses(inst) {
                self.uses[u.index()] += 1;
            }
        }
        // A value counts once however many instructions share the frame state.
        for v in &func.frame_values {
            if let FrameValue::Reg(v) = v {
                self.uses[v.index()] += 1;
            }
        }
        for &block in &func.layout {
            for edge in func.block_edges(block) {
                for v in func.edge_args(edge) {
                    self.uses[v.index()] += 1;
                }
            }
        }
    }

    /// The instruction that defines a register.
    #[inline]
    pub(crate) fn def<'f>(&self, func: &'f Function, v: VReg) -> Option<&'f Inst> {
        func.insts.get(*self.def.get(v.index())? as usize)
    }

    /// The value of a register defined by `iconst`.
    #[inline]
    pub(crate) fn constant(&self, func: &Function, v: VReg) -> Option<i64> {
        self.def(func, v).filter(|i| i.op == Op::Iconst).map(|i| i.imm)
    }
}

/// A pass made a function that the verifier rejects, or the input was such a function.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{stage}: {error}")]
pub struct PassError {
    /// The pass, or `input`.
    pub stage: &'static str,
    /// What the verifier found.
    pub error: VerifyError,
}

/// Runs the passes on one function after the other with the same memory.
#[derive(Default)]
pub struct Pipeline {
    scratch: Scratch,
}

impl Pipeline {
    /// Makes a function legal for a machine.
    ///
    /// # Errors
    /// When the verifier, which runs in builds with debug assertions, rejects the input or the result of a pass.
    pub fn run(&mut self, func: &mut Function, target: &Target, level: Level) -> Result<(), PassError> {
        self.run_with(func, target, level, &mut |_, _| {})
    }

    /// As [`Pipeline::run`], showing the function after each pass.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_with(
        &mut self,
        func: &mut Function,
        target: &Target,
        level: Level,
        observe: &mut dyn FnMut(&'static str, &Function),
    ) -> Result<(), PassError> {
        if func.legal {
            return Ok(());
        }
        check(func, "input")?;
        self.scratch.analyse(func);
        for pass in TABLE.iter().filter(|p| p.level <= level) {
            (pass.run)(func, &mut Context { target, level, scratch: &mut self.scratch });
            check(func, pass.name)?;
            observe(pass.name, func);
        }
        Ok(())
    }

    /// Runs one pass alone, by name; `None` if there is no such pass. For tests and dumps.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_one(&mut self, func: &mut Function, target: &Target, name: &str) -> Option<Result<(), PassError>> {
        let pass = TABLE.iter().find(|p| p.name == name)?;
        self.scratch.analyse(func);
        (pass.run)(func, &mut Context { target, level: Level::Optimise, scratch: &mut self.scratch });
        Some(check(func, pass.name))
    }
}

/// Makes a function legal for a machine; see [`Pipeline`].
///
/// # Errors
/// As [`Pipeline::run`].
pub fn run(func: &mut Function, target: &Target, level: Level) -> Result<(), PassError> {
    Pipeline::default().run(func, target, level)
}

fn check(func: &Function, stage: &'static str) -> Result<(), PassError> {
    if cfg!(debug_assertions) { verify(func).map_err(|error| PassError { stage, error }) } else { Ok(()) }
}

/// Where the operand called rhs stands among an instruction's uses when it is not an immediate.
pub(crate) fn rhs_index(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Binary | Shape::Checked | Shape::Icmp | Shape::SelectIcmp | Shape::GuardIcmp | Shape::BrIcmp => Some(1),
        Shape::Store | Shape::GuardIcmpMem | Shape::BrIcmpMem => Some(0),
        _ => None,
    }
}

impl Function {
    /// Gives an instruction other uses.
    pub(crate) fn set_uses(&mut self, at: usize, uses: &[VReg]) {
        let (start, defs, len) = {
            let i = &self.insts[at];
            (i.operands as usize, i.defs as usize, i.uses as usize)
        };
        if uses.len() <= len {
            self.pool[start + defs..][..uses.len()].copy_from_slice(uses);
        } else {
            let new = self.pool.len();
            self.pool.extend_from_within(start..start + defs);
            self.pool.extend_from_slice(uses);
            self.insts[at].operands = new as u32;
        }
        self.insts[at].uses = uses.len() as u16;
    }

    /// Number of edges into each block of the layout.
    pub(crate) fn count_preds(&self, out: &mut Vec<u32>) {
        out.clear();
        out.resize(self.blocks.len(), 0);
        for &b in &self.layout {
            for e in self.block_edges(b) {
                out[e.to.index()] += 1;
            }
        }
    }

    pub(crate) fn edge_range(&self, b: BlockId) -> std::ops::Range<usize> {
        let block = &self.blocks[b.index()];
        block.edges as usize..(block.edges + block.num_edges) as usize
    }
}
