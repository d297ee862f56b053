//! What each instruction does to temporaries.

use super::TempKind;
use crate::op::{Insn, Opcode, Operand, OperandKind};

/// What an instruction needs a temporary to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Any value.
    Value,
    /// Exactly this kind.
    Exactly(TempKind),
    /// Anything live.
    Live,
    /// Nothing: the temporary must be dead.
    Dead,
}

/// One thing an instruction does to a temporary; an instruction takes before it defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Consumes it.
    Take(u32, Want),
    /// Reads it; it stays live.
    Keep(u32, Want),
    /// Writes it.
    Def(u32, TempKind),
    /// Writes it with the kind that the other one had (before it was taken).
    DefLike(u32, u32),
}

fn temp(field: u16) -> Option<u32> {
    match Operand::decode(field, 0x8000) {
        Some(Operand::Temp(index)) => Some(index as u32),
        _ => None,
    }
}

/// Calls `visit` with the effects of `insn` in order; `extra` is the argument in the next word, where there is one, and
/// `is_str` tells whether a constant is a str.
pub(crate) fn effects(insn: Insn, op: Opcode, extra: u32, is_str: &dyn Fn(u32) -> bool, visit: &mut dyn FnMut(Effect)) {
    use Effect::{Def, DefLike, Keep, Take};
    use TempKind as K;
    let (a, b, c) = (insn.a() as u32, insn.b() as u32, insn.c() as u32);
    let exactly = Want::Exactly;
    let window = |first: u32, count: u32, want: Want, visit: &mut dyn FnMut(Effect)| {
        (first..first + count).for_each(|at| visit(Take(at, want)));
    };
    // Windows, and operands whose kind the operand column does not tell.
    match op {
        Opcode::Move | Opcode::Copy => {
            let want = |dst: Option<u32>| if dst.is_some() { Want::Live } else { Want::Value };
            let kind = match Operand::decode(insn.b(), 0x8000) {
                Some(Operand::Const(index)) if is_str(index as u32) => K::Str,
                _ => K::Value,
            };
            let dst = temp(insn.a());
            match (temp(insn.b()), op) {
                (Some(src), Opcode::Move) => {
                    visit(Take(src, want(dst)));
                    if let Some(dst) = dst {
                        visit(DefLike(dst, src));
                    }
                }
                (Some(src), _) => {
                    visit(Keep(src, Want::Value));
                    if let Some(dst) = dst {
                        visit(DefLike(dst, src));
                    }
                }
                (None, _) => {
                    if let Some(dst) = dst {
                        visit(Def(dst, kind));
                    }
                }
            }
            return;
        }
        Opcode::LoadConst => {
            let kind = if is_str(insn.bx()) { K::Str } else { K::Value };
            if let Some(dst) = temp(insn.a()) {
                visit(Def(dst, kind));
            }
            return;
        }
        Opcode::Drop => return visit(Take(a, Want::Live)),
        Opcode::TakeLocal | Opcode::TakeFar => return visit(Def(a, K::Taken)),
        Opcode::TakeCell => return visit(Def(a, K::TakenCell)),
        Opcode::RestoreLocal => return visit(Take(b, exactly(K::Taken))),
        Opcode::RestoreCell => return visit(Take(b, exactly(K::TakenCell))),
        Opcode::RestoreFar => return visit(Take(a, exactly(K::Taken))),
        Opcode::ForIter => {
            visit(Keep(b, Want::Value));
            if let Some(dst) = temp(insn.a()) {
                visit(Def(dst, K::Value));
            }
            return;
        }
        Opcode::ListAppend | Opcode::ListExtend => visit(Keep(a, exactly(K::List))),
        Opcode::SetAdd | Opcode::SetUpdate => visit(Keep(a, exactly(K::Set))),
        Opcode::MapAdd | Opcode::DictUpdate => visit(Keep(a, exactly(K::Dict))),
        Opcode::DictMerge => {
            visit(Keep(a, exactly(K::Dict)));
            visit(Keep(c, Want::Value));
        }
        Opcode::ListToTuple => visit(Take(b, exactly(K::List))),
        Opcode::SetFunctionAttr => visit(Keep(a, exactly(K::Function))),
        Opcode::PushExcInfo => {
            visit(Take(a, exactly(K::Exception)));
            visit(Def(a, K::SavedException));
            visit(Def(a + 1, K::Exception));
        }
        Opcode::PopExcept => visit(Take(a, exactly(K::SavedException))),
        Opcode::Reraise => visit(Take(a, exactly(K::Exception))),
        Opcode::BrExcMatch => visit(Keep(a, exactly(K::Exception))),
        Opcode::CheckEgMatch => {
            visit(Take(a, Want::Value));
            uses(insn, op, visit);
            visit(Def(a, K::Value));
            visit(Def(c, K::Value));
            return;
        }
        Opcode::PrepReraiseStar => {
            visit(Take(b, exactly(K::Exception)));
            visit(Take(c, exactly(K::List)));
            return visit(Def(a, K::Exception));
        }
        Opcode::WithExceptArgs => {
            visit(Keep(b, Want::Value));
            visit(Keep(b + 1, exactly(K::SelfOrUnbound)));
            visit(Keep(c, exactly(K::Exception)));
            visit(Def(a, K::Value));
            visit(Def(a + 1, K::SelfOrUnbound));
            return (2..5).for_each(|word| visit(Def(a + word, K::Value)));
        }
        Opcode::StopIterationError => {
            visit(Take(a, exactly(K::Exception)));
            return visit(Def(a, K::Exception));
        }
        Opcode::Send | Opcode::YieldDelegate => {
            visit(Take(a, Want::Value));
            visit(Keep(b, exactly(K::Iter)));
            return visit(Def(a, K::Value));
        }
        Opcode::EndSend => {
            visit(Take(b, exactly(K::Iter)));
            visit(Take(c, Want::Value));
        }
        Opcode::CleanupThrow => {
            visit(Take(b, exactly(K::Iter)));
            visit(Take(c, exactly(K::Exception)));
        }
        Opcode::GetANext => visit(Keep(b, Want::Value)),
        Opcode::EndAsyncFor => {
            visit(Take(a, Want::Value));
            visit(Take(b, exactly(K::Exception)));
        }
        Opcode::LoadMethod | Opcode::LoadSpecial => {
            uses(insn, op, visit);
            visit(Def(a, K::Value));
            return visit(Def(a + 1, K::SelfOrUnbound));
        }
        Opcode::LoadSuperMethod | Opcode::LoadSuperMethod2 => {
            window(b, 3, Want::Value, visit);
            visit(Def(a, K::Value));
            return visit(Def(a + 1, K::SelfOrUnbound));
        }
        Opcode::LoadSuperAttr | Opcode::LoadSuperAttr2 | Opcode::MakeTypeAlias | Opcode::MatchClass => {
            window(b, 3, Want::Value, visit);
        }
        Opcode::Call | Opcode::CallKw => {
            visit(Take(b, Want::Value));
            visit(Keep(b + 1, Want::Dead));
            window(b + 2, c, Want::Value, visit);
        }
        Opcode::CallMethod | Opcode::CallMethodKw => {
            visit(Take(b, Want::Value));
            visit(Take(b + 1, exactly(K::SelfOrUnbound)));
            window(b + 2, c, Want::Value, visit);
        }
        Opcode::CallEx => {
            visit(Take(b, Want::Value));
            visit(Keep(b + 1, Want::Dead));
            visit(Take(b + 2, Want::Value));
            if c != 0 {
                visit(Take(b + 3, exactly(K::Dict)));
            }
        }
        Opcode::BuildTuple | Opcode::BuildList | Opcode::BuildSet | Opcode::BuildSlice => {
            window(b, c, Want::Value, visit);
        }
        Opcode::BuildMap => window(b, c * 2, Want::Value, visit),
        Opcode::BuildString => window(b, c, exactly(K::Str), visit),
        Opcode::BuildInterpolation => window(b, 2 + (c & 1), Want::Value, visit),
        Opcode::GetSlice => {
            uses(insn, op, visit);
            window(c, 2, Want::Value, visit);
            if let Some(dst) = temp(insn.a()) {
                visit(Def(dst, K::Value));
            }
            return;
        }
        Opcode::SetSlice => window(b, 2, Want::Value, visit),
        Opcode::UnpackSequence | Opcode::UnpackEx => {
            uses(insn, op, visit);
            let count = if op == Opcode::UnpackEx { extra.saturating_add(c + 1) } else { c };
            let count = count.min(1 << 16);
            return (b..b + count).for_each(|at| visit(Def(at, K::Value)));
        }
        _ => {}
    }
    uses(insn, op, visit);
    for &(field, kind) in op.info().operands {
        if matches!(kind, OperandKind::Dst | OperandKind::DstTmp)
            && let Some(dst) = temp(insn.field(field) as u16)
        {
            visit(Def(dst, defined_kind(op)));
        }
    }
}

/// The operands of kind `Use` and `Peek` that are temporaries.
fn uses(insn: Insn, op: Opcode, visit: &mut dyn FnMut(Effect)) {
    for &(field, kind) in op.info().operands {
        let Some(temp) = temp(insn.field(field) as u16) else { continue };
        match kind {
            OperandKind::Use => visit(Effect::Take(temp, Want::Value)),
            OperandKind::Peek => visit(Effect::Keep(temp, Want::Value)),
            OperandKind::Tmp if takes_any_value(op) => visit(Effect::Take(temp, Want::Value)),
            _ => {}
        }
    }
}

fn takes_any_value(op: Opcode) -> bool {
    matches!(op, Opcode::JumpIfTrueOrDrop | Opcode::JumpIfFalseOrDrop)
}

fn defined_kind(op: Opcode) -> TempKind {
    match op {
        Opcode::GetIter | Opcode::GetYieldFromIter | Opcode::GetAwaitable | Opcode::GetAIter | Opcode::GetANext => {
            TempKind::Iter
        }
        Opcode::BuildList => TempKind::List,
        Opcode::BuildSet => TempKind::Set,
        Opcode::BuildMap => TempKind::Dict,
        Opcode::MakeFunction => TempKind::Function,
        Opcode::BuildString | Opcode::FormatSimple | Opcode::FormatWithSpec => TempKind::Str,
        _ => TempKind::Value,
    }
}
