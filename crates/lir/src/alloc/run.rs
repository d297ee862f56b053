//! Running the allocator.

use regalloc2::{Algorithm, Ctx, RegClass, RegallocOptions};

use super::allocated::{Allocated, DeoptLoc, DeoptPoint, DeoptValue};
use super::constraints::IN_SLOT;
use super::target::Target;
use super::view::{Buffers, View};
use super::{debug, target::ArgLoc};
use crate::ir::{CallConv, FrameValue, Function, InstId};
use crate::op::{Op, OpFlags, Shape};
use crate::types::Type;

/// Which allocator runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Tier {
    /// One pass per block: several times quicker to run, code that spills more.
    Quick,
    /// Backtracking with live-range splitting.
    #[default]
    Optimising,
}

/// How to allocate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocOptions {
    /// The algorithm.
    pub tier: Tier,
    /// Whether regalloc2's checker proves every result. On by default in builds with debug assertions.
    pub check: bool,
    /// For tests: makes every n-th instruction change all registers where that is possible.
    pub clobber_every: Option<u32>,
}

impl Default for AllocOptions {
    fn default() -> AllocOptions {
        AllocOptions { tier: Tier::Optimising, check: cfg!(debug_assertions), clobber_every: None }
    }
}

impl AllocOptions {
    /// The defaults for a tier.
    pub fn tier(tier: Tier) -> AllocOptions {
        AllocOptions { tier, ..AllocOptions::default() }
    }
}

/// Why a function cannot be allocated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AllocError {
    /// The function did not go through the passes.
    #[error("function {0} is not legal: run the passes first")]
    NotLegal(String),
    /// A signature returns more than the convention has registers for.
    #[error("a signature of function {0} returns more values than there are registers")]
    TooManyReturns(String),
    /// A tail call passes arguments on the stack.
    #[error("a tail call of function {0} needs more arguments than there are registers")]
    TailCallStack(String),
    /// regalloc2 rejects the function.
    #[error("function {func}: {error}")]
    RegAlloc {
        /// The function.
        func: String,
        /// regalloc2's words.
        error: String,
    },
    /// The checker found the result wrong: a bug in the allocator or in the constraints.
    #[error("function {func}: wrong allocation: {error}")]
    Checker {
        /// The function.
        func: String,
        /// The checker's words.
        error: String,
    },
}

/// Allocates functions one after the other with the same memory.
///
/// ```
/// use cinder_lir::alloc::{AllocOptions, Allocator, Target, Tier};
/// use cinder_lir::{passes, Builder, Function, Signature, Type};
///
/// let mut f = Function::new("double");
/// let mut b = Builder::new(&mut f);
/// let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
/// let args = b.entry("double", sig);
/// let twice = b.add(args[0], args[0]);
/// b.ret(&[twice]);
/// b.finish()?;
///
/// let target = Target::x64();
/// passes::run(&mut f, &target, passes::Level::Optimise)?;
/// let out = Allocator::default().run(&f, &target, &AllocOptions::tier(Tier::Quick))?;
/// assert_eq!(out.num_slots(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Allocator {
    ctx: Ctx,
    buf: Buffers,
}

impl Allocator {
    /// Allocates a function.
    ///
    /// # Errors
    /// When the function is not legal or asks for the impossible; see [`AllocError`].
    pub fn run(&mut self, func: &Function, target: &Target, opts: &AllocOptions) -> Result<Allocated, AllocError> {
        let mut out = Allocated::default();
        self.run_into(func, target, opts, &mut out)?;
        Ok(out)
    }

    /// As [`Allocator::run`], reusing the memory of an earlier result.
    ///
    /// # Errors
    /// As [`Allocator::run`].
    pub fn run_into(
        &mut self,
        func: &Function,
        target: &Target,
        opts: &AllocOptions,
        out: &mut Allocated,
    ) -> Result<(), AllocError> {
        check_signatures(func, target)?;
        check_tail_calls(func, target)?;
        self.buf.fill(func, target, opts.tier);
        let ranges = debug::request(func, opts.tier == Tier::Quick, &mut self.buf.labels);
        std::mem::swap(&mut out.shapes, &mut self.buf.counts);
        let view = View { func, target, buf: &self.buf, clobber_every: opts.clobber_every };
        let options = RegallocOptions {
            verbose_log: false,
            validate_ssa: cfg!(debug_assertions),
            algorithm: match opts.tier {
                Tier::Quick => Algorithm::Fastalloc,
                Tier::Optimising => Algorithm::Ion,
            },
        };
        std::mem::swap(&mut self.ctx.output, &mut out.output);
        // The quick allocator prefers no register over another and keeps nothing in registers between blocks:
        // callee-saved ones would only make prologues longer.
        let env = match opts.tier {
            Tier::Quick => &target.quick_env,
            Tier::Optimising => &target.env,
        };
        regalloc2::run_with_ctx(&view, env, &options, &mut self.ctx)
            .map_err(|e| AllocError::RegAlloc { func: func.name.clone(), error: e.to_string() })?;
        std::mem::swap(&mut self.ctx.output, &mut out.output);
        if opts.check {
            let mut checker = regalloc2::checker::Checker::new(&view, env);
            checker.prepare(&out.output);
            checker.run().map_err(|e| AllocError::Checker { func: func.name.clone(), error: format!("{e:?}") })?;
        }
        let changeable = regalloc2::PRegSet::from(env) & target.callee_saved;
        out.callee_saved = if changeable.is_empty(RegClass::Int) && changeable.is_empty(RegClass::Float) {
            regalloc2::PRegSet::empty()
        } else {
            changed(&out.output) & target.callee_saved
        };
        summarise(func, target, &mut self.buf, out);
        debug::locations(&ranges, out);
        Ok(())
    }
}

fn check_signatures(func: &Function, target: &Target) -> Result<(), AllocError> {
    if !func.is_legal() {
        return Err(AllocError::NotLegal(func.name.clone()));
    }
    for sig in func.sigs() {
        if target.abi(sig.conv).rets(&sig.returns).any(|r| r.is_none()) {
            return Err(AllocError::TooManyReturns(func.name.clone()));
        }
    }
    Ok(())
}

/// All registers that instructions and moves name.
fn changed(output: &regalloc2::Output) -> regalloc2::PRegSet {
    let mut used = regalloc2::PRegSet::empty();
    for a in &output.allocs {
        if let Some(r) = a.as_reg() {
            used.add(r);
        }
    }
    for (_, regalloc2::Edit::Move { to, .. }) in &output.edits {
        if let Some(r) = to.as_reg() {
            used.add(r);
        }
    }
    used
}

/// Fills in what follows from the allocations: deopt map, stack for outgoing arguments.
fn summarise(func: &Function, target: &Target, buf: &mut Buffers, out: &mut Allocated) {
    out.points.clear();
    out.values.clear();
    out.outgoing_bytes = 0;
    out.has_calls = false;
    // Operands are numbered as regalloc2 numbers their allocations: in the order of instructions.
    buf.slot_of.clear();
    buf.slot_of.resize(if buf.slots.is_empty() { 0 } else { func.num_vregs() }, DeoptLoc::Dead);
    for &(v, operand) in &buf.slots {
        let loc = deopt_loc(out.output.allocs.get(operand as usize));
        let known = std::mem::replace(&mut buf.slot_of[v.index()], loc);
        debug_assert!(known == DeoptLoc::Dead || known == loc, "{v} has two slots");
    }
    let mut sources = buf.sources.iter();
    for (i, inst) in func.insts().iter().enumerate() {
        if inst.op.shape() != Shape::Args && inst.op.has(OpFlags::CALL) && !inst.op.has(OpFlags::RET) {
            let sig = func.sig(inst.sig());
            out.has_calls = true;
            out.outgoing_bytes = out.outgoing_bytes.max(target.abi(sig.conv).stack_bytes(&sig.params));
        }
        let Some(frame) = inst.frame() else { continue };
        let start = out.values.len() as u32;
        for value in func.frame_values(frame) {
            let (ty, loc) = match *value {
                FrameValue::Const(ty, bits) => (ty, DeoptLoc::Const(bits)),
                FrameValue::Dead => (Type::I64, DeoptLoc::Dead),
                FrameValue::Result(k) => result_place(func, target, inst, k),
                FrameValue::Reg(v) => {
                    let loc = match sources.next() {
                        Some(source) if source & IN_SLOT != 0 => buf.slot_of[v.index()],
                        Some(&source) => deopt_loc(out.output.allocs.get(source as usize)),
                        None => DeoptLoc::Dead,
                    };
                    (func.vreg_type(v), loc)
                }
            };
            out.values.push(DeoptValue { ty, loc });
        }
        let len = out.values.len() as u32 - start;
        out.points.push(DeoptPoint { inst: InstId::new(i), frame, user: func.frame(frame).user, start, len });
    }
}

fn deopt_loc(place: Option<&regalloc2::Allocation>) -> DeoptLoc {
    match place.map(|p| (p.as_reg(), p.as_stack())) {
        Some((Some(r), _)) => DeoptLoc::Reg(r),
        Some((None, Some(s))) => DeoptLoc::Slot(s.index() as u32),
        _ => DeoptLoc::Dead,
    }
}

fn result_place(func: &Function, target: &Target, inst: &crate::ir::Inst, k: u8) -> (Type, DeoptLoc) {
    let sig = func.sig(inst.sig());
    let ty = sig.returns.get(k as usize).copied().unwrap_or(Type::I64);
    let reg = target.abi(sig.conv).rets(&sig.returns).nth(k as usize).flatten();
    (ty, reg.map_or(DeoptLoc::Dead, DeoptLoc::Reg))
}

/// Whether a tail call with this signature fits the machine's argument registers.
pub(crate) fn tail_call_fits(target: &Target, conv: CallConv, params: &[Type]) -> bool {
    target.abi(conv).args(params).all(|a| matches!(a, ArgLoc::Reg(_)))
}

/// Finds a tail call that the machine cannot make.
pub(crate) fn check_tail_calls(func: &Function, target: &Target) -> Result<(), AllocError> {
    for inst in func.insts() {
        if matches!(inst.op, Op::TailCall | Op::TailCallInd | Op::TailCallCell) {
            let sig = func.sig(inst.sig());
            if !tail_call_fits(target, sig.conv, &sig.params) {
                return Err(AllocError::TailCallStack(func.name.clone()));
            }
        }
    }
    Ok(())
}
