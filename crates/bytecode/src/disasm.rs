//! The text form of code objects.

use crate::code::{Code, Const, flags, local_kind};
use crate::flow::{TempKind, extra_of};
use crate::op::{
    AwaitSite, CommonConst, Conversion, Field, FunctionAttr, Insn, OpFlags, Opcode, Operand, OperandKind, SpecialMethod,
};
use std::fmt::{self, Display, Write};

/// Shows one code object, without those nested in it.
///
/// Each line has the instruction's index (after `>` if something jumps there), its line if it differs from the one
/// before, the opcode, and its operands: locals by name, temporaries as `t0`, constants as literals, jumps as `-> index`.
impl Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Dump { code: self, liveness: false }.fmt(f)
    }
}

impl Code {
    /// As `Display`, and the kinds of the live temporaries before each instruction, one letter each.
    pub fn with_liveness(&self) -> impl Display + '_ {
        Dump { code: self, liveness: true }
    }
}

struct Dump<'c> {
    code: &'c Code,
    liveness: bool,
}

impl Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code;
        self.header(f)?;
        let mut is_target = vec![false; code.insns.len() + 1];
        let mut mark = |pc: u32| {
            if let Some(slot) = is_target.get_mut(pc as usize) {
                *slot = true;
            }
        };
        for (pc, insn) in code.insns.iter().enumerate() {
            if let Some(op) = insn.op()
                && (op.is(OpFlags::JUMP) || op.is(OpFlags::BRANCH))
            {
                mark((pc as u32 + 1).wrapping_add_signed(insn.sbx()));
            }
        }
        code.exceptions.entries().iter().for_each(|entry| mark(entry.handler));
        let mut line = 0;
        let mut events = code.line_events.iter().peekable();
        let positions: Vec<u32> = code
            .lines
            .iter(code.first_line)
            .flat_map(|(start, end, position)| (start..end).map(move |_| position.line))
            .collect();
        for (pc, &insn) in code.insns.iter().enumerate() {
            let here = positions.get(pc).copied().unwrap_or(0);
            let shown = if here == line { String::new() } else { here.to_string() };
            line = here;
            let arrow = if is_target[pc] { '>' } else { ' ' };
            write!(f, "{shown:>5} {arrow}{pc:>4}  ")?;
            let mut text = String::new();
            self.instruction(pc as u32, insn, &mut text)?;
            if self.liveness {
                let live: String = code.liveness().live_before(pc as u32).iter().map(|kind| kind.letter()).collect();
                write!(text, "{:pad$}; {live}", "", pad = 44usize.saturating_sub(text.chars().count()))?;
            }
            f.write_str(text.trim_end())?;
            while let Some((_, event)) = events.next_if(|(at, _)| *at as usize <= pc) {
                write!(f, "  ; line {event} first")?;
            }
            f.write_char('\n')?;
        }
        for entry in code.exceptions.entries() {
            writeln!(f, "  {}..{} -> {} with t{}", entry.start, entry.end, entry.handler, entry.temp)?;
        }
        Ok(())
    }
}

impl Dump<'_> {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code;
        write!(f, "code {} at line {}", code.qualname, code.first_line)?;
        if code.param_count() > 0 {
            write!(f, ", args {}/{}/{}", code.posonly_arg_count, code.arg_count, code.kwonly_arg_count)?;
        }
        write!(f, ", temps {}", code.temps)?;
        const NAMES: [(u32, &str); 9] = [
            (flags::VARARGS, "varargs"),
            (flags::VARKEYWORDS, "varkeywords"),
            (flags::NESTED, "nested"),
            (flags::GENERATOR, "generator"),
            (flags::COROUTINE, "coroutine"),
            (flags::ASYNC_GENERATOR, "async_generator"),
            (flags::HAS_DOCSTRING, "docstring"),
            (flags::METHOD, "method"),
            (flags::FUTURE_ANNOTATIONS, "annotations"),
        ];
        for (flag, name) in NAMES {
            if code.flags & flag != 0 {
                write!(f, ", {name}")?;
            }
        }
        f.write_char('\n')?;
        if !code.locals.is_empty() {
            f.write_str("locals")?;
            for local in &code.locals {
                let marks = [(local_kind::HIDDEN, "~"), (local_kind::CELL, "&"), (local_kind::FREE, "^")];
                f.write_char(' ')?;
                for (kind, mark) in marks {
                    if local.kind & kind != 0 {
                        f.write_str(mark)?;
                    }
                }
                f.write_str(&local.name)?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }

    fn instruction(&self, pc: u32, insn: Insn, out: &mut String) -> fmt::Result {
        let Some(op) = insn.op() else { return write!(out, "? {:#018x}", insn.0) };
        if op == Opcode::Extra {
            return write!(out, "{:<18} {}", op, insn.bx());
        }
        write!(out, "{op:<18}")?;
        for (index, &(field, kind)) in op.info().operands.iter().enumerate() {
            out.push_str(if index == 0 { " " } else { ", " });
            self.operand(pc, insn, op, field, kind, out)?;
        }
        let extra = extra_of(self.code, pc);
        match op {
            Opcode::CallKw | Opcode::CallMethodKw => {
                out.push_str(", ");
                self.constant(extra, out)
            }
            Opcode::ImportName | Opcode::ImportFrom => write!(out, ", {}", self.name(extra)),
            _ => Ok(()),
        }
    }

    fn name(&self, index: u32) -> &str {
        self.code.names.get(index as usize).map_or("?", |name| name)
    }

    fn constant(&self, index: u32, out: &mut String) -> fmt::Result {
        match self.code.consts.get(index as usize) {
            Some(constant) => write!(out, "{constant}"),
            None => write!(out, "k{index}?"),
        }
    }

    fn operand(
        &self,
        pc: u32,
        insn: Insn,
        op: Opcode,
        field: Field,
        kind: OperandKind,
        out: &mut String,
    ) -> fmt::Result {
        use OperandKind as K;
        let value = insn.field(field);
        match kind {
            K::Dst | K::DstTmp | K::Use | K::Peek | K::Tmp | K::Keep | K::InOut | K::Local | K::Cell | K::Win => {
                match Operand::decode(value as u16, self.code.near_locals()) {
                    Some(Operand::Local(local)) => match self.code.locals.get(local as usize) {
                        Some(local) => out.push_str(&local.name),
                        None => write!(out, "local{local}?")?,
                    },
                    Some(Operand::Temp(temp)) => write!(out, "t{temp}")?,
                    Some(Operand::Const(index)) => self.constant(index as u32, out)?,
                    None => write!(out, "{value:#x}?")?,
                }
            }
            K::Name16 | K::Name32 => out.push_str(self.name(value)),
            K::Const32 => self.constant(value, out)?,
            K::Far32 => match self.code.locals.get(value as usize) {
                Some(local) => out.push_str(&local.name),
                None => write!(out, "far{value}?")?,
            },
            K::Jump32 => write!(out, "-> {}", (pc + 1).wrapping_add_signed(insn.sbx()))?,
            K::Skip => write!(out, "-> {}", pc + 1 + value)?,
            K::Imm => {
                let number = value as u16;
                let text = match op {
                    Opcode::LoadCommonConst => CommonConst::from_u16(number).map(CommonConst::text),
                    Opcode::LoadSpecial => SpecialMethod::from_u16(number).map(SpecialMethod::text),
                    Opcode::SetFunctionAttr => FunctionAttr::from_u16(number).map(FunctionAttr::text),
                    Opcode::ConvertValue => Conversion::from_u16(number).map(Conversion::text),
                    Opcode::GetAwaitable => AwaitSite::from_u16(number).map(AwaitSite::text),
                    _ => None,
                };
                match text {
                    Some(text) => out.push_str(text),
                    None => write!(out, "{number}")?,
                }
            }
            K::Count | K::Imm32 => write!(out, "{value}")?,
        }
        Ok(())
    }
}

/// Shows a constant much as `repr` does; ints past 64 bits in hexadecimal, code objects by name.
impl Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Const]| {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                item.fmt(f)?;
            }
            Ok(())
        };
        match self {
            Const::None => f.write_str("None"),
            Const::True => f.write_str("True"),
            Const::False => f.write_str("False"),
            Const::Ellipsis => f.write_str("..."),
            Const::Int(value) => write!(f, "{value}"),
            Const::BigInt(negative, limbs) => {
                f.write_str(if *negative { "-0x" } else { "0x" })?;
                for (index, limb) in limbs.iter().rev().enumerate() {
                    if index == 0 { write!(f, "{limb:x}")? } else { write!(f, "{limb:016x}")? }
                }
                Ok(())
            }
            Const::Float(value) => write!(f, "{value:?}"),
            Const::Complex(real, imag) => write!(f, "({real:?}+{imag:?}j)"),
            Const::Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => write!(f, "{text:?}"),
                Err(_) => write!(f, "wtf8\"{}\"", bytes.escape_ascii()),
            },
            Const::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
            Const::Tuple(items) => {
                f.write_char('(')?;
                list(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Const::FrozenSet(items) => {
                f.write_str("frozenset{")?;
                list(f, items)?;
                f.write_char('}')
            }
            Const::Slice(items) => {
                f.write_str("slice(")?;
                list(f, &items[..])?;
                f.write_char(')')
            }
            Const::Code(code) => write!(f, "<code {}>", code.qualname),
        }
    }
}

impl Display for TempKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TempKind::Dead => "dead",
            TempKind::Value => "value",
            TempKind::Str => "str",
            TempKind::List => "list",
            TempKind::Set => "set",
            TempKind::Dict => "dict",
            TempKind::Function => "function",
            TempKind::Iter => "iterator",
            TempKind::Exception => "exception",
            TempKind::SavedException => "saved exception",
            TempKind::SelfOrUnbound => "self",
            TempKind::Taken => "taken local",
            TempKind::TakenCell => "taken cell",
        })
    }
}
