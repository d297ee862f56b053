//! The verifier: refuses code that could break the memory of an interpreter that trusts it.

use crate::code::{Code, Const, flags, local_kind};
use crate::flow::{FlowError, Liveness, check_locals, extra_of};
use crate::op::{
    AwaitSite, CommonConst, Conversion, FunctionAttr, Insn, MAX_NEAR_LOCALS, MAX_TEMPS, OpFlags, Opcode, Operand,
    OperandKind, SpecialMethod,
};

/// Raw words a frame may have at most.
const MAX_RAW_WORDS: u32 = 1 << 16;

/// Checks `code` and every code object nested in it; what passes has the properties listed in the crate's
/// documentation.
///
/// # Errors
/// The first violation found: the name of the code object and the instruction (0 for what is wrong with the code as a
/// whole).
pub fn verify(code: &Code) -> Result<(), VerifyError> {
    // Nested code is visited from a list: hostile nesting costs no native stack.
    let mut pending = vec![code];
    while let Some(code) = pending.pop() {
        verify_one(code).map_err(|error| VerifyError { code: code.qualname.to_string(), error })?;
        for constant in &code.consts {
            collect(constant, &mut pending, 0)?;
        }
    }
    Ok(())
}

fn collect<'c>(constant: &'c Const, pending: &mut Vec<&'c Code>, depth: u32) -> Result<(), VerifyError> {
    /// Containers nested deeper are refused: loading would recurse as deep.
    const MOST: u32 = 200;
    if depth > MOST {
        let error = FlowError::new(0, "constants are nested too deeply");
        return Err(VerifyError { code: String::new(), error });
    }
    match constant {
        Const::Code(code) => pending.push(code),
        Const::Tuple(items) | Const::FrozenSet(items) => {
            items.iter().try_for_each(|item| collect(item, pending, depth + 1))?;
        }
        Const::Slice(items) => items.iter().try_for_each(|item| collect(item, pending, depth + 1))?,
        _ => {}
    }
    Ok(())
}

/// Why [`verify`] refuses code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad code object {code}: {error}")]
pub struct VerifyError {
    /// `co_qualname` of the code object at fault.
    pub code: String,
    /// What is wrong.
    pub error: FlowError,
}

fn verify_one(code: &Code) -> Result<(), FlowError> {
    Checker { code, near: code.near_locals(), count: code.insns.len() as u32 }.shape()?;
    let liveness = Liveness::checked(code)?;
    check_locals(code, &liveness)?;
    // The map the interpreter will read is the one that was checked.
    let _ = code.liveness.set(liveness);
    Ok(())
}

struct Checker<'c> {
    code: &'c Code,
    near: u32,
    count: u32,
}

fn fail<T>(pc: u32, what: impl Into<String>) -> Result<T, FlowError> {
    Err(FlowError::new(pc, what))
}

impl Checker<'_> {
    /// Everything that needs no dataflow.
    fn shape(&self) -> Result<(), FlowError> {
        let code = self.code;
        if code.insns.is_empty() || code.insns.len() > i32::MAX as usize {
            return fail(0, "no instructions, or too many");
        }
        if code.temps > MAX_TEMPS || code.raw_words > MAX_RAW_WORDS || code.locals.len() > 1 << 24 {
            return fail(0, "the frame is too large");
        }
        let total = code.arg_count.checked_add(code.kwonly_arg_count);
        let within = total.is_some_and(|total| total < 1 << 24) && code.param_count() as usize <= code.locals.len();
        if !within || code.posonly_arg_count > code.arg_count {
            return fail(0, "the parameters do not fit the locals");
        }
        let has_cells = code.locals.iter().any(|local| local.kind & (local_kind::CELL | local_kind::FREE) != 0);
        if has_cells && code.locals.len() > MAX_NEAR_LOCALS as usize {
            return fail(0, "a cell is a far local");
        }
        let first_free = code.locals.len() - code.free_count();
        let frees_last = code.locals[first_free..].iter().all(|local| local.kind & local_kind::FREE != 0);
        if !frees_last || code.locals.iter().any(|local| local.kind == 0) {
            return fail(0, "free variables must come last");
        }
        if code.flags & flags::HAS_DOCSTRING != 0 && !matches!(code.consts.first(), Some(Const::Str(_))) {
            return fail(0, "the docstring is not a str");
        }
        self.exceptions()?;
        let mut events = 0;
        for &(pc, _) in &code.line_events {
            if pc < events || pc >= self.count {
                return fail(pc, "line events are out of order");
            }
            events = pc;
        }
        self.prologue()?;
        let mut pc = 0;
        while pc < self.count {
            pc = self.instruction(pc)?;
        }
        Ok(())
    }

    fn insn(&self, pc: u32) -> Option<Insn> {
        self.code.insns.get(pc as usize).copied()
    }

    /// Whether control may come to `pc`: it is in range and no data word.
    fn is_target(&self, pc: u32) -> bool {
        self.insn(pc).and_then(Insn::op).is_some_and(|op| op != Opcode::Extra)
    }

    fn exceptions(&self) -> Result<(), FlowError> {
        let mut last = 0;
        for entry in self.code.exceptions.entries() {
            let ordered = last <= entry.start && entry.start < entry.end && entry.end <= self.count;
            if !ordered || !self.is_target(entry.handler) || entry.temp >= self.code.temps {
                return fail(entry.start, "a bad entry in the exception table");
            }
            last = entry.end;
        }
        Ok(())
    }

    /// A generator begins with `ReturnGenerator`, after at most the making of cells; no other code has it.
    fn prologue(&self) -> Result<(), FlowError> {
        let is = |insn: &Insn, op: Opcode| insn.op() == Some(op);
        let insns = &self.code.insns;
        let sets_up = [Opcode::Resume, Opcode::MakeCell, Opcode::CopyFreeVars];
        let setup = insns.iter().take_while(|insn| sets_up.iter().any(|op| is(insn, *op))).count();
        let at_start = insns.get(setup).is_some_and(|insn| is(insn, Opcode::ReturnGenerator));
        let total = insns.iter().filter(|insn| is(insn, Opcode::ReturnGenerator)).count();
        if at_start != self.code.is_generator_like() || total != usize::from(at_start) {
            return fail(setup as u32, "ReturnGenerator does not fit the flags");
        }
        for (pc, insn) in insns.iter().enumerate().skip(setup) {
            if is(insn, Opcode::CopyFreeVars) {
                return fail(pc as u32, "CopyFreeVars after the start");
            }
        }
        Ok(())
    }

    /// Checks the instruction at `pc` and returns where the next one begins.
    fn instruction(&self, pc: u32) -> Result<u32, FlowError> {
        let Some(insn) = self.insn(pc) else { return fail(pc, "no instruction") };
        let Some(op) = insn.op() else { return fail(pc, "no such opcode") };
        let has_extra = op.is(OpFlags::EXTRA);
        let next = pc + 1 + u32::from(has_extra);
        if op == Opcode::Extra || has_extra && self.insn(pc + 1).and_then(Insn::op) != Some(Opcode::Extra) {
            return fail(pc, "a data word is missing or stands alone");
        }
        if has_extra && self.code.exceptions.find(pc) != self.code.exceptions.find(pc + 1) {
            return fail(pc, "an exception entry splits an instruction");
        }
        for &(field, kind) in op.info().operands {
            self.operand(pc, insn.field(field), kind)?;
        }
        if op.is(OpFlags::JUMP) || op.is(OpFlags::BRANCH) {
            let target = next.wrapping_add_signed(insn.sbx());
            let backward = insn.sbx() < 0;
            if !self.is_target(target) || backward != op.is(OpFlags::BACK) || target > i32::MAX as u32 {
                return fail(pc, "a bad jump");
            }
        }
        let falls = !op.is(OpFlags::JUMP) && !op.is(OpFlags::ENDS);
        if falls && !self.is_target(next) {
            return fail(pc, "control leaves the code");
        }
        if op.is(OpFlags::SKIPS) {
            let jump = self.insn(next).and_then(Insn::op) == Some(Opcode::Jump);
            if !jump || !self.is_target(next + 1) {
                return fail(pc, "a test without its jump");
            }
        }
        self.arguments(pc, insn, op)?;
        Ok(next)
    }

    fn operand(&self, pc: u32, value: u32, kind: OperandKind) -> Result<(), FlowError> {
        use OperandKind as K;
        let register = Operand::decode(value as u16, self.near);
        let fits = match kind {
            K::Dst => match register {
                Some(Operand::Local(_)) => true,
                Some(Operand::Temp(temp)) => (temp as u32) < self.code.temps,
                _ => false,
            },
            K::Use | K::Peek => match register {
                Some(Operand::Local(_)) => true,
                Some(Operand::Temp(temp)) => (temp as u32) < self.code.temps,
                Some(Operand::Const(index)) => (index as usize) < self.code.consts.len(),
                None => false,
            },
            K::DstTmp | K::Tmp | K::Keep | K::InOut => match register {
                Some(Operand::Temp(temp)) => (temp as u32) < self.code.temps,
                _ => false,
            },
            // An empty window may begin at the end; the dataflow checks every register that one covers.
            K::Win => matches!(register, Some(Operand::Temp(temp)) if (temp as u32) <= self.code.temps),
            K::Local => matches!(register, Some(Operand::Local(_))),
            K::Cell => match register {
                Some(Operand::Local(local)) => {
                    self.code.locals[local as usize].kind & (local_kind::CELL | local_kind::FREE) != 0
                }
                _ => false,
            },
            K::Name16 | K::Name32 => (value as usize) < self.code.names.len(),
            K::Const32 => (value as usize) < self.code.consts.len(),
            K::Far32 => (value as usize) < self.code.locals.len() && value >= self.near,
            K::Count | K::Imm | K::Imm32 | K::Skip | K::Jump32 => true,
        };
        if fits { Ok(()) } else { fail(pc, format!("operand {value:#x} is no {kind:?}")) }
    }

    /// Numbers with a meaning of their own, and constants of a certain type.
    fn arguments(&self, pc: u32, insn: Insn, op: Opcode) -> Result<(), FlowError> {
        let code = self.code;
        let fits = match op {
            Opcode::LoadCommonConst => CommonConst::from_u16(insn.b()).is_some(),
            Opcode::LoadSpecial => SpecialMethod::from_u16(insn.c()).is_some(),
            Opcode::SetFunctionAttr => FunctionAttr::from_u16(insn.c()).is_some(),
            Opcode::ConvertValue => Conversion::from_u16(insn.c()).is_some(),
            Opcode::BuildInterpolation => Conversion::from_u16(insn.c() >> 1).is_some(),
            Opcode::GetAwaitable => AwaitSite::from_u16(insn.c()).is_some(),
            Opcode::BrLt
            | Opcode::BrLe
            | Opcode::BrEq
            | Opcode::BrNe
            | Opcode::BrGt
            | Opcode::BrGe
            | Opcode::BrIs
            | Opcode::BrIn
            | Opcode::BrExcMatch
            | Opcode::CallEx => insn.c() <= 1,
            Opcode::BuildSlice => matches!(insn.c(), 2 | 3),
            Opcode::Send => insn.c() > 0 && self.is_target(pc + 1 + insn.c() as u32),
            Opcode::CopyFreeVars => insn.a() as usize == code.free_count(),
            Opcode::MakeFunction => matches!(code.consts.get(insn.bx() as usize), Some(Const::Code(_))),
            Opcode::Yield | Opcode::YieldDelegate => code.is_generator_like(),
            Opcode::ImportName | Opcode::ImportFrom => (extra_of(code, pc) as usize) < code.names.len(),
            Opcode::UnpackEx => extra_of(code, pc) < MAX_TEMPS,
            Opcode::CallKw | Opcode::CallMethodKw => match code.consts.get(extra_of(code, pc) as usize) {
                Some(Const::Tuple(names)) => {
                    let all = names.iter().all(|name| matches!(name, Const::Str(_)));
                    all && !names.is_empty() && names.len() <= insn.c() as usize
                }
                _ => false,
            },
            _ => true,
        };
        if fits { Ok(()) } else { fail(pc, format!("a bad argument of {op}")) }
    }
}
