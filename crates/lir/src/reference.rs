//! The reference of the IR, generated from the instruction table.

use std::fmt::Write as _;

use crate::op::{Constraint, Effect, Op, OpFlags, OpInfo, ResultRule, Shape, TypeRule};
use crate::passes;
use crate::types::{FloatCC, IntCC, Type};

/// The reference as Markdown: `docs/lir.md` is this text, and a test compares them.
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut text = |s: &str| out.push_str(s);
    text("\n## Types\n\n");
    for ty in Type::ALL {
        let kind = if ty.is_int() { "integer" } else { "IEEE 754 float" };
        text(&format!("- `{ty}`: {}-bit {kind}\n", ty.bits()));
    }
    text("\n## Conditions\n\nIntegers: ");
    text(&IntCC::ALL.map(|c| format!("`{}`", c.name())).join(" "));
    text(". `tz` and `tnz` compare the bitwise *and* of both operands with zero.\n\nFloats: ");
    text(&FloatCC::ALL.map(|c| format!("`{}`", c.name())).join(" "));
    text(". With a NaN on either side only `ne`, `uno` and the conditions that start with `n` hold.\n");
    text("\n## Instructions\n");
    let mut group = "";
    for info in Op::table() {
        let next = group_of(info);
        if next != group {
            group = next;
            text(&format!("\n### {group}\n\n| form | effect | meaning |\n|---|---|---|\n"));
        }
        text(&format!("| `{}` | {} | {} |\n", form(info), effect(info), info.doc));
    }
    text("\n## Passes\n\nIn the order in which they run.\n\n| pass | from level | what it does |\n|---|---|---|\n");
    for p in passes::table() {
        text(&format!("| `{}` | {:?} | {} |\n", p.name, p.level, p.doc));
    }
    out
}

const INTRODUCTION: &str = "\
# LIR reference

LIR is machine-level code of no particular language: functions of basic blocks in SSA form, where blocks take
parameters instead of phi functions. This page is generated from the instruction table in `crates/lir/src/op.rs`.

## Text form

```
function \"sum\" {
  sig0 = host (i64) -> (i64)
  entry0 = \"sum\" block0 sig0

block0:
  v0 = args sig0
  v1 = iconst.i64 0
  jump block1(v0, v1)

block1(v2: i64, v3: i64):
  br_icmp.sgt.i64 v2, 0, block2, block3

block2:
  v4 = add.i64 v3, v2
  v5 = sub.i64 v2, 1
  jump block1(v5, v4)

block3:
  ret v3
}
```

Tables come first: signatures (`sigN`, with the calling convention `host` or `internal`), symbols (`symN = name \"s\"`,
`user 3` or `addr 0x1000`), data cells (`cellN = 0x0`, eight bytes beside the code), `stack` (bytes of the function's own
stack area), source files, scopes, locations and variables, and entries. Entry 0 is the function; further entries (loop
entries from an interpreter, resumption of a generator) are blocks that start with `args` too. A function with several
entries begins with a pseudo block that ends in `entries` and emits nothing.

In the forms below, *a*, *b*... are registers; *rhs* is a register or an integer; *mem* is an address; *frame* is a frame
state; *block* a block with its arguments in parentheses; `T` a type and `cc` a condition. An operation works at the type
after its name. Bits of a register above its type are undefined.

Addresses: `[v0 + v1*8 + 16]` (index and displacement optional), `[thread + 8]` (from the thread register), `[frame - 8]`
(from the frame pointer), `[stack + 8]` (the stack area), `[cell3]`.

A frame state, `frame 7 [v1, 5:i64, 1.5:f64, res0, dead]`, lists what an exit needs to rebuild the source program's frame:
registers in whatever place they live, constants (which take no register), results of the call that carries it, and
values that are not needed. The number belongs to the language. An exit leaves the function for good: the handler that
takes over decides what the caller gets. A call's frame state holds at its return address.

Every instruction may end in `!locN`, its source location.
";

fn group_of(info: &OpInfo) -> &'static str {
    match info.shape {
        Shape::Const | Shape::Fconst | Shape::Symbol => "Constants",
        Shape::Convert => "Conversions",
        Shape::Unary | Shape::Binary | Shape::Checked => match (info.ty, info.effect) {
            (TypeRule::Float, _) => "Floating point",
            (_, Effect::Flags | Effect::Exit) => "Overflow",
            (TypeRule::Any, _) => "Constants",
            _ => "Integer arithmetic",
        },
        Shape::Icmp | Shape::Fcmp | Shape::Select | Shape::SelectIcmp => "Comparison and choice",
        Shape::Load | Shape::Store | Shape::Lea | Shape::Rmw | Shape::Cas => "Memory",
        Shape::ReadReg | Shape::WriteReg => "Machine registers",
        Shape::Call | Shape::CallInd | Shape::CallCell => "Calls",
        Shape::Guard
        | Shape::GuardIcmp
        | Shape::GuardFcmp
        | Shape::GuardIcmpMem
        | Shape::GuardStack
        | Shape::Poll
        | Shape::Safepoint
        | Shape::Exit => "Guards and safepoints",
        Shape::Args | Shape::DebugValue | Shape::Nop => "Pseudo instructions",
        _ => "Control flow",
    }
}

fn form(info: &OpInfo) -> String {
    let mut out = String::new();
    out.push_str(match info.result {
        ResultRule::None => "",
        ResultRule::Sig => "r, ... = ",
        _ => "r = ",
    });
    out.push_str(info.name);
    if matches!(
        info.shape,
        Shape::Icmp
            | Shape::Fcmp
            | Shape::SelectIcmp
            | Shape::GuardIcmp
            | Shape::GuardFcmp
            | Shape::GuardIcmpMem
            | Shape::BrIcmp
            | Shape::BrFcmp
            | Shape::BrIcmpMem
    ) {
        out.push_str(".cc");
    }
    if info.ty != TypeRule::None {
        out.push_str(".T");
    }
    let rhs = if info.flags.has(OpFlags::IMM) { "rhs" } else { "b" };
    let operands = match info.shape {
        Shape::Const => "integer".to_owned(),
        Shape::Fconst => "number".to_owned(),
        Shape::Symbol => "sym".to_owned(),
        Shape::Unary | Shape::Convert | Shape::WriteReg => "a".to_owned(),
        Shape::Binary | Shape::Icmp | Shape::Fcmp => format!("a, {rhs}"),
        Shape::Checked => format!("a, {rhs} frame"),
        Shape::Select => "a, b, c".to_owned(),
        Shape::SelectIcmp => format!("a, {rhs}, c, d"),
        Shape::Load | Shape::Lea => "mem".to_owned(),
        Shape::Store => format!("{rhs}, mem"),
        Shape::Rmw => "a, mem".to_owned(),
        Shape::Cas => "a, b, mem".to_owned(),
        Shape::Call => "sig sym(a, ...)".to_owned(),
        Shape::CallInd => "sig a(b, ...)".to_owned(),
        Shape::CallCell => "sig cell(a, ...)".to_owned(),
        Shape::Guard => "a frame".to_owned(),
        Shape::GuardIcmp | Shape::GuardFcmp => format!("a, {rhs} frame"),
        Shape::GuardIcmpMem => format!("mem, {rhs} frame"),
        Shape::GuardStack => "offset, bytes frame".to_owned(),
        Shape::Poll => "mem frame".to_owned(),
        Shape::Safepoint | Shape::Exit => "frame".to_owned(),
        Shape::Jump => "block".to_owned(),
        Shape::Br => "a, block, block".to_owned(),
        Shape::BrIcmp | Shape::BrFcmp => format!("a, {rhs}, block, block"),
        Shape::BrIcmpMem => format!("mem, {rhs}, block, block"),
        Shape::BrOf => "block, block".to_owned(),
        Shape::Switch => "a, [block, ...], block".to_owned(),
        Shape::Ret => "a, ...".to_owned(),
        Shape::Trap => "code".to_owned(),
        Shape::Entries => "block, ...".to_owned(),
        Shape::Args => "sig".to_owned(),
        Shape::DebugValue => "var, a".to_owned(),
        Shape::ReadReg | Shape::Nop => String::new(),
    };
    if !operands.is_empty() {
        out.push(' ');
        out.push_str(&operands);
    }
    if info.flags.has(OpFlags::FRAME) && info.shape != Shape::Safepoint {
        out.push_str(" [frame]");
    }
    out
}

fn effect(info: &OpInfo) -> String {
    let mut out = match info.effect {
        Effect::Pure => "none",
        Effect::Read => "reads memory",
        Effect::Write => "writes",
        Effect::Trap => "may trap",
        Effect::Exit if info.op == Op::Safepoint => "metadata",
        Effect::Exit => "may exit",
        Effect::Flags => "sets the overflow flag",
        Effect::Call => "call",
        Effect::Control => "control",
        Effect::Debug => "metadata",
    }
    .to_owned();
    let types = match info.ty {
        TypeRule::None => "",
        TypeRule::Int => "T: integers",
        TypeRule::Wide => "T: `i32`, `i64`",
        TypeRule::Float => "T: floats",
        TypeRule::Any => "T: any",
    };
    if !types.is_empty() {
        let _ = write!(out, "; {types}");
    }
    if info.flags.has(OpFlags::COMMUTES) {
        out.push_str("; commutes");
    }
    if info.constraint == Constraint::Alias {
        out.push_str("; free");
    }
    out
}
