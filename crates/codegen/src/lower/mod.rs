//! From register-allocated LIR to machine code.
//!
//! One pass over the blocks in layout order. Exits become stubs behind the function's last block; what the
//! debugger, the exit handler and frame walkers need to know is collected as tables of code offsets.

mod call;
mod inst;

use crate::masm::{Assembled, Fpr, FrameShape, Gpr, Label, Masm, Mem};
use cinder_lir::alloc::{Abi, Allocated, Allocation, Loc, PReg, RegClass, Step, Target};
use cinder_lir::ir::{BlockId, Function, InstId};
use cinder_lir::op::OpFlags;
use cinder_lir::{Op, Type};

/// Codes of the traps that lowering itself inserts; `trap` instructions have codes of their own.
pub mod trap_code {
    /// A division by zero that has no exit.
    pub const DIVISION_BY_ZERO: u32 = u32::MAX;
    /// A signed quotient that overflows and has no exit.
    pub const DIVISION_OVERFLOW: u32 = u32::MAX - 1;
}

/// A call that returns to the function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallSite {
    /// Offset of the instruction after the call.
    pub return_offset: u32,
    /// The call.
    pub inst: InstId,
    /// Its deopt point, if it carries a frame state: an index into [`Allocated::deopt_points`].
    pub point: Option<u32>,
    /// Offset of the stub that a rewritten return address goes to, if there is a deopt point.
    pub stub: Option<u32>,
}

/// A guard's way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitStub {
    /// Offset of the stub.
    pub offset: u32,
    /// The deopt point: an index into [`Allocated::deopt_points`]; also the number that the exit handler gets.
    pub point: u32,
}

/// From this offset on, code belongs to a source location.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRow {
    /// Code offset.
    pub offset: u32,
    /// The location, by its index in the function's table; 0 is unknown.
    pub loc: u32,
}

/// How frames of a function look.
#[derive(Clone, Debug, Default)]
pub struct FrameInfo {
    /// What the prologue saves.
    pub shape: FrameShape,
    /// Bytes from the frame pointer down to the stack pointer.
    pub size: u32,
    /// Distance of spill slot 0 below the frame pointer; slot n is 8 * n below that.
    pub slots: u32,
}

impl FrameInfo {
    /// Offset of a spill slot from the frame pointer.
    pub fn slot_offset(&self, slot: u32) -> i32 {
        -(self.slots as i32) - 8 * slot as i32
    }
}

/// Machine code of a function, without addresses.
#[derive(Debug, Default)]
pub struct Lowered {
    /// Bytes, relocations, call frame information, traps.
    pub assembled: Assembled,
    /// Offset of each entry, in the order of [`Function::entries`].
    pub entries: Vec<u32>,
    /// Calls, in order of return offsets.
    pub calls: Vec<CallSite>,
    /// Stubs of guards and other exits.
    pub exits: Vec<ExitStub>,
    /// Safepoints: code offset and deopt point.
    pub safepoints: Vec<(u32, u32)>,
    /// Source positions, in order of offsets.
    pub lines: Vec<LineRow>,
    /// Code offsets before and after each instruction (for debug locations); empty unless asked for.
    pub points: Vec<[u32; 2]>,
    /// Offset just behind the prologue of the first entry.
    pub prologue_end: u32,
    /// The frame.
    pub frame: FrameInfo,
}

/// What to record besides code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LowerOptions {
    /// Record where every instruction's code begins and ends, for variable locations.
    pub debug_points: bool,
    /// For tests: the address of a 64-bit counter. Every guard takes one from it, and the guard that makes it zero
    /// leaves the function whatever its condition says.
    pub force_exit: Option<u64>,
}

/// Turns a function into machine code.
///
/// `func` must be what `alloc` was computed from, for `target`, whose machine must be `M`'s.
pub fn lower<M: Masm>(func: &Function, alloc: &Allocated, target: &Target, options: LowerOptions) -> Lowered {
    let mut lower = Lower::<M>::new(func, alloc, target, options);
    lower.body();
    lower.finish()
}

/// A stub still to be emitted.
struct PendingExit {
    label: Label,
    point: u32,
    /// The call site whose return address may be rewritten to this stub.
    call: Option<u32>,
    loc: u32,
}

struct Lower<'a, M: Masm> {
    m: M,
    func: &'a Function,
    alloc: &'a Allocated,
    target: &'a Target,
    frame: FrameInfo,
    /// Distance of the stack area below the frame pointer.
    area: i32,
    labels: Vec<Label>,
    pending: Vec<PendingExit>,
    traps: Vec<(Label, u32)>,
    entry_labels: Vec<(BlockId, Label)>,
    /// The overflow condition that the instruction before left for `br_of`.
    overflow: Option<M::Cond>,
    next_point: u32,
    /// Places of the current instruction's results, uses and temporaries.
    defs: &'a [Allocation],
    uses: &'a [Allocation],
    temps: &'a [Allocation],
    out: Lowered,
    options: LowerOptions,
}

impl<'a, M: Masm> Lower<'a, M> {
    fn new(func: &'a Function, alloc: &'a Allocated, target: &'a Target, options: LowerOptions) -> Self {
        let mut m = M::new();
        let mut shape = FrameShape::default();
        for reg in &alloc.callee_saved() {
            match reg.class() {
                RegClass::Int => shape.saved_gprs.push(Gpr(reg.hw_enc() as u8)),
                _ => shape.saved_fprs.push(Fpr(reg.hw_enc() as u8)),
            }
        }
        // Calls preserve the thread register; whoever sets it must put the caller's value back.
        if func.insts().iter().any(|i| i.op == Op::SetThread) {
            shape.saved_gprs.push(Gpr(target.thread.hw_enc() as u8));
        }
        let saved = 8 * shape.saved_slots();
        let spilled = (saved + 8 * alloc.num_slots()).next_multiple_of(16);
        let area = spilled + func.stack_size().next_multiple_of(16);
        let size = area + alloc.outgoing_bytes().next_multiple_of(16);
        shape.locals = size - saved;
        let labels = (0..func.num_blocks()).map(|_| m.label()).collect();
        Lower {
            m,
            func,
            alloc,
            target,
            frame: FrameInfo { shape, size, slots: saved + 8 },
            area: -(area as i32),
            labels,
            pending: Vec::with_capacity(alloc.deopt_points().len()),
            traps: Vec::new(),
            entry_labels: Vec::new(),
            overflow: None,
            next_point: 0,
            defs: &[],
            uses: &[],
            temps: &[],
            out: Lowered { exits: Vec::with_capacity(alloc.deopt_points().len()), ..Lowered::default() },
            options,
        }
    }

    fn body(&mut self) {
        let mut loc = u32::MAX;
        if self.options.debug_points {
            self.out.points.resize(self.func.insts().len(), [0, 0]);
        }
        for &block in self.func.layout() {
            // Deopt points are numbered as instructions are, which need not be the order of emission.
            if let Some(first) = self.func.block_insts(block).next() {
                self.next_point = self.alloc.deopt_index(first) as u32;
            }
            // The longest instructions expand to well under 128 bytes; tables of switches have a bound of their own.
            let count = self.func.block_insts(block).len() as u32;
            let cases = self.func.block_edges(block).len() as u32;
            self.m.checkpoint(count * 64 + cases * 4 + 256);
            let label = self.labels[block.index()];
            self.m.bind(label);
            let (func, alloc) = (self.func, self.alloc);
            for step in alloc.steps(func, block) {
                match step {
                    Step::Move { from, to } => self.move_(from, to),
                    Step::Inst(id) => {
                        let inst = func.inst(id);
                        let operands = alloc.operands(id);
                        if let Some((defs, rest)) = operands.split_at_checked(inst.num_defs())
                            && let Some((uses, rest)) = rest.split_at_checked(inst.num_uses())
                        {
                            (self.defs, self.uses, self.temps) = (defs, uses, rest);
                        }
                        let here = inst.loc.index() as u32;
                        if here != loc {
                            loc = here;
                            self.line(here);
                        }
                        if let Some(counter) = self.options.force_exit
                            && inst.op.has(OpFlags::EXIT)
                            && inst.op != Op::Exit
                        {
                            self.forced_exit(id, counter);
                        }
                        if self.options.debug_points {
                            self.out.points[id.index()][0] = self.m.offset();
                            self.inst(block, id, inst);
                            self.out.points[id.index()][1] = self.m.offset();
                        } else {
                            self.inst(block, id, inst);
                        }
                    }
                }
            }
        }
    }

    fn line(&mut self, loc: u32) {
        let offset = self.m.offset();
        // Folded branches may have taken back bytes that earlier rows spoke of.
        while self.out.lines.last().is_some_and(|last| last.offset >= offset) {
            self.out.lines.pop();
        }
        self.out.lines.push(LineRow { offset, loc });
    }

    fn finish(mut self) -> Lowered {
        let mut loc = u32::MAX;
        for (label, code) in std::mem::take(&mut self.traps) {
            self.m.bind(label);
            self.m.trap(code);
        }
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            // What all exits share stands before them, so that their jumps to it are short and need no fixups. It
            // belongs to none of their lines.
            let tail = self.m.label();
            self.m.checkpoint(16 * 64 + 256);
            self.line(0);
            self.m.bind(tail);
            self.m.exit_tail(&self.frame.shape);
            let mut behind = 0;
            for exit in &pending {
                // Exit stubs are conditional branches' targets; veneers are needed only where those are short.
                if behind == 0 {
                    self.m.checkpoint(16 * 64 + 256);
                    behind = 64;
                }
                behind -= 1;
                if exit.loc != loc {
                    loc = exit.loc;
                    self.line(loc);
                }
                self.m.bind(exit.label);
                let offset = self.m.offset();
                self.m.exit_stub(exit.point, tail);
                match exit.call {
                    Some(call) => self.out.calls[call as usize].stub = Some(offset),
                    None => self.out.exits.push(ExitStub { offset, point: exit.point }),
                }
            }
        }
        let blocks: Vec<Label> = self
            .func
            .entries()
            .iter()
            .map(|e| {
                self.entry_labels.iter().find(|(b, _)| *b == e.block).map_or(self.labels[e.block.index()], |x| x.1)
            })
            .collect();
        let (assembled, entries) = self.m.finish(&blocks);
        self.out.assembled = assembled;
        self.out.entries = entries;
        self.out.frame = self.frame;
        self.out
    }

    /// The next deopt point; points come in instruction order, as instructions do.
    fn point(&mut self, id: InstId) -> u32 {
        let point = self.next_point;
        debug_assert_eq!(self.alloc.deopt_points().get(point as usize).map(|p| p.inst), Some(id));
        self.next_point += 1;
        point
    }

    /// The label of the exit of an instruction.
    fn exit(&mut self, id: InstId) -> Label {
        let point = self.point(id);
        let label = self.m.label();
        let loc = self.func.inst(id).loc.index() as u32;
        self.pending.push(PendingExit { label, point, call: None, loc });
        label
    }

    /// An exit taken when the counter runs out; it shows the same deopt point as the instruction's own.
    fn forced_exit(&mut self, id: InstId, counter: u64) {
        let label = self.m.label();
        let loc = self.func.inst(id).loc.index() as u32;
        self.pending.push(PendingExit { label, point: self.next_point, call: None, loc });
        let cond = self.m.count_down(counter);
        self.m.jump_if(cond, label);
    }

    /// A label that traps with this code.
    fn trap_label(&mut self, code: u32) -> Label {
        if let Some((label, _)) = self.traps.iter().find(|t| t.1 == code) {
            return *label;
        }
        let label = self.m.label();
        self.traps.push((label, code));
        label
    }

    #[inline]
    fn move_(&mut self, from: Loc, to: Loc) {
        match (from, to) {
            (Loc::Reg(a), Loc::Reg(b)) if a.class() == RegClass::Int => self.m.mov(gpr(b), gpr(a)),
            (Loc::Reg(a), Loc::Reg(b)) => self.m.fmov(fpr(b), fpr(a)),
            (Loc::Reg(a), Loc::Slot(s)) if a.class() == RegClass::Int => {
                self.m.store(Type::I64, gpr(a), self.frame_slot(s));
            }
            (Loc::Reg(a), Loc::Slot(s)) => self.m.fstore(Type::F64, fpr(a), self.frame_slot(s)),
            (Loc::Slot(s), Loc::Reg(b)) if b.class() == RegClass::Int => {
                self.m.load(Type::I64, crate::masm::Extend::None, gpr(b), self.frame_slot(s));
            }
            (Loc::Slot(s), Loc::Reg(b)) => self.m.fload(Type::F64, fpr(b), self.frame_slot(s)),
            (Loc::Slot(a), Loc::Slot(b)) => {
                self.m.load(Type::I64, crate::masm::Extend::None, M::scratch(), self.frame_slot(a));
                self.m.store(Type::I64, M::scratch(), self.frame_slot(b));
            }
        }
    }

    #[inline]
    fn frame_slot(&self, slot: u32) -> Mem {
        Mem::at(M::frame_pointer(), self.frame.slot_offset(slot))
    }

    fn abi(&self, inst: &cinder_lir::ir::Inst) -> (&'a Abi, &'a [Type]) {
        let sig = self.func.sig(inst.sig());
        (self.target.abi(sig.conv), &sig.params)
    }
}

#[inline]
fn gpr(reg: PReg) -> Gpr {
    Gpr(reg.hw_enc() as u8)
}

#[inline]
fn fpr(reg: PReg) -> Fpr {
    Fpr(reg.hw_enc() as u8)
}

/// The register of an operand that must have one.
#[inline]
fn reg_of(a: Allocation) -> PReg {
    debug_assert!(a.is_reg(), "operand without a register");
    a.as_reg().unwrap_or(PReg::new(0, RegClass::Int))
}
