//! Writing the assembly form.

use std::fmt::Write;

use crate::code::{Code, Const, Position};
use crate::op::{Field, Insn, Operand, OperandKind};

/// The assembly form of `code` and all code nested in it.
pub fn print(code: &Code) -> String {
    let mut out = String::new();
    print_code(code, 0, &mut out);
    out.push('\n');
    out
}

fn print_code(code: &Code, depth: usize, out: &mut String) {
    let pad = "    ".repeat(depth + 1);
    let text = |s: &str| quoted("", s.as_bytes());
    let _ = write!(
        out,
        "code {} as {} in {} line {} flags {:#x} args {} {} {} temps {} raw {} {{\n",
        text(&code.name),
        text(&code.qualname),
        text(&code.filename),
        code.first_line,
        code.flags,
        code.posonly_arg_count,
        code.arg_count,
        code.kwonly_arg_count,
        code.temps,
        code.raw_words,
    );
    for local in &code.locals {
        let _ = writeln!(out, "{pad}local {} {:#x}", text(&local.name), local.kind);
    }
    for name in &code.names {
        let _ = writeln!(out, "{pad}name {}", text(name));
    }
    for constant in &code.consts {
        let _ = write!(out, "{pad}const ");
        print_const(constant, depth, out);
        out.push('\n');
    }
    let positions: Vec<Position> = code
        .lines
        .iter(code.first_line)
        .flat_map(|(start, end, position)| (start..end).map(move |_| position))
        .take(code.insns.len())
        .collect();
    let mut last = position(Position::NONE);
    for (pc, &insn) in code.insns.iter().enumerate() {
        let line = instruction(code, pc as u32, insn).unwrap_or_else(|| format!("word {:#x}", insn.0));
        let _ = write!(out, "{pad}{line}");
        let here = position(positions.get(pc).copied().unwrap_or(Position::NONE));
        if here != last {
            let width = 40usize.saturating_sub(line.len());
            let _ = write!(out, "{:width$} {here}", "");
            last = here;
        }
        out.push('\n');
    }
    for e in code.exceptions.entries() {
        let _ = writeln!(out, "{pad}except {} {} {} {}", e.start, e.end, e.handler, e.temp);
    }
    for (pc, line) in &code.line_events {
        let _ = writeln!(out, "{pad}event {pc} {line}");
    }
    out.push_str(&"    ".repeat(depth));
    out.push('}');
}

fn position(p: Position) -> String {
    if p.line == 0 {
        "@-".into()
    } else if p.column == u32::MAX || p.end_column == u32::MAX {
        format!("@{}", p.line)
    } else {
        format!("@{}:{}-{}:{}", p.line, p.column, p.end_line, p.end_column)
    }
}

/// The text of an instruction, or nothing if it would read back as another word.
fn instruction(code: &Code, pc: u32, insn: Insn) -> Option<String> {
    let op = insn.op()?;
    let mut text = op.to_string();
    let mut again = Insn::abc(op, 0, 0, 0);
    for &(field, kind) in op.info().operands {
        let value = insn.field(field);
        text.push(' ');
        text += &operand(code, pc, insn, kind, value)?;
        again.0 |= match field {
            Field::a => u64::from(value) << 16,
            Field::b => u64::from(value) << 32,
            Field::c => u64::from(value) << 48,
            Field::bx => u64::from(value) << 32,
        };
    }
    (again == insn).then_some(text)
}

fn operand(code: &Code, pc: u32, insn: Insn, kind: OperandKind, value: u32) -> Option<String> {
    use OperandKind as K;
    Some(match kind {
        K::Dst | K::DstTmp | K::Use | K::Peek | K::Tmp | K::Keep | K::InOut | K::Local | K::Cell | K::Win => {
            match Operand::decode(value as u16, code.near_locals())? {
                Operand::Local(i) => format!("l{i}"),
                Operand::Temp(i) => format!("t{i}"),
                Operand::Const(i) => format!("k{i}"),
            }
        }
        K::Far32 => format!("l{value}"),
        K::Const32 => format!("k{value}"),
        K::Name16 | K::Name32 => format!("n{value}"),
        K::Jump32 => format!(">{}", (pc + 1).checked_add_signed(insn.sbx())?),
        K::Skip => format!(">{}", pc + 1 + value),
        K::Count | K::Imm | K::Imm32 => value.to_string(),
    })
}

fn print_const(constant: &Const, depth: usize, out: &mut String) {
    let list = |open: &str, items: &[Const], out: &mut String| {
        out.push_str(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            print_const(item, depth + 1, out);
        }
        out.push(')');
    };
    match constant {
        Const::None => out.push_str("None"),
        Const::True => out.push_str("True"),
        Const::False => out.push_str("False"),
        Const::Ellipsis => out.push_str("..."),
        Const::Int(n) => out.push_str(&n.to_string()),
        Const::BigInt(negative, limbs) => {
            out.push_str(if *negative { "-0x" } else { "0x" });
            for (i, limb) in limbs.iter().rev().enumerate() {
                let _ = if i == 0 { write!(out, "{limb:x}") } else { write!(out, "{limb:016x}") };
            }
        }
        Const::Float(x) => out.push_str(&float(*x)),
        Const::Complex(re, im) => {
            let _ = write!(out, "complex({} {})", float(*re), float(*im));
        }
        Const::Str(bytes) => {
            out.push_str(&quoted(if std::str::from_utf8(bytes).is_ok() { "" } else { "w" }, bytes));
        }
        Const::Bytes(bytes) => out.push_str(&quoted("b", bytes)),
        Const::Tuple(items) => list("(", items, out),
        Const::FrozenSet(items) => list("frozenset(", items, out),
        Const::Slice(items) => list("slice(", &items[..], out),
        Const::Code(code) => print_code(code, depth + 1, out),
    }
}

fn float(x: f64) -> String {
    if x.is_nan() { format!("nan:{:x}", x.to_bits()) } else { format!("{x:?}") }
}

/// A string in quotes: text as it is where it is UTF-8 (`prefix` empty), escaped bytes otherwise.
fn quoted(prefix: &str, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if prefix.is_empty() => {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    c if c.is_control() => {
                        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                    }
                    c => out.push(c),
                }
            }
            out.push('"');
            out
        }
        _ => format!("{prefix}\"{}\"", bytes.escape_ascii()),
    }
}
