//! Modes and options of the compiler, sizes past the limits of operand fields, and the tables beside the code.

use cinder_bytecode::code::{LineTableBuilder, Position, flags};
use cinder_bytecode::flow::TempKind;
use cinder_bytecode::op::Opcode;
use cinder_bytecode::symtable::{ScopeKind, Storage, build};
use cinder_bytecode::{Code, CompileOptions, Const, compile, verify};
use cinder_syntax::ast::Arena;
use cinder_syntax::{Mode, ParseOptions, parse};
use std::sync::Arc;

fn compile_with(source: &str, mode: Mode, options: &CompileOptions) -> Arc<Code> {
    let arena = Arena::new();
    let parsed = parse(source, &ParseOptions { mode, ..ParseOptions::default() }, &arena).expect("it parses");
    let code = compile(&parsed.module, &parsed.lines, options).expect("it compiles").code;
    verify(&code).expect("it is sound");
    code
}

fn compile_file(source: &str) -> Arc<Code> {
    compile_with(source, Mode::Exec, &CompileOptions::new("test.py"))
}

fn count(code: &Code, op: Opcode) -> usize {
    code.insns.iter().filter(|insn| insn.op() == Some(op)).count()
}

#[test]
fn modes() {
    let options = CompileOptions::new("test.py");
    let single = compile_with("x + 1\n", Mode::Single, &options);
    assert_eq!(count(&single, Opcode::PrintExpr), 1);
    let eval = compile_with("x + 1", Mode::Eval, &options);
    // The word that code begins with, and `x`, `1` and the sum returned.
    assert_eq!((count(&eval, Opcode::PrintExpr), eval.insns.len()), (0, 4));
    let waiting = CompileOptions { top_level_await: true, ..options };
    let code = compile_with("async for x in y: await x\n", Mode::Exec, &waiting);
    assert_ne!(code.flags & flags::COROUTINE, 0);
    let first = code.insns.iter().find(|insn| insn.op() != Some(Opcode::Resume));
    assert_eq!(first.and_then(|insn| insn.op()), Some(Opcode::ReturnGenerator));
}

#[test]
fn optimisation_levels() {
    let source = "def f(x):\n    'doc'\n    assert x\n    if __debug__: g()\n";
    let function = |optimize| {
        let options = CompileOptions { optimize, ..CompileOptions::new("test.py") };
        let module = compile_with(source, Mode::Exec, &options);
        let function = module.children().next().expect("a function").clone();
        (function.docstring().is_some(), count(&function, Opcode::Raise), count(&function, Opcode::Call))
    };
    assert_eq!(function(0), (true, 1, 1));
    assert_eq!(function(1), (true, 0, 0));
    assert_eq!(function(2), (false, 0, 0));
}

#[test]
fn many_locals_and_constants() {
    let mut source = String::from("def f():\n");
    for at in 0..40_000 {
        source.push_str(&format!("    v{at} = {at}\n"));
    }
    source.push_str("    v39999 += v1\n    del v39998\n    return v39999\n");
    let module = compile_file(&source);
    let function = module.children().next().expect("a function");
    assert_eq!(function.far_locals(), 40_000 - 0x8000);
    assert!(count(function, Opcode::StoreFar) > 0 && count(function, Opcode::LoadFar) > 0);
    assert_eq!(count(function, Opcode::DeleteFar), 1);
    let near = function.near_locals();
    assert_eq!(function.local_offset(0), -(near as i32));
    assert_eq!(function.local_offset(near), function.temps as i32);
}

#[test]
fn deep_expressions() {
    let source = format!("x = {}y\nz = {}1\n", "-".repeat(4000), "w + ".repeat(4000));
    let code = compile_file(&source);
    assert_eq!(count(&code, Opcode::UnaryNeg), 4000);
    assert_eq!(count(&code, Opcode::Add), 4000);
}

#[test]
fn liveness_of_a_call_window() {
    let code = compile_file("f(a, g(b))\n");
    let inner = code.insns.iter().position(|insn| insn.op() == Some(Opcode::Call)).expect("a call") as u32;
    use TempKind::{Dead, Value};
    assert_eq!(code.liveness().live_before(inner), [Value, Dead, Value, Value, Dead, Value]);
    let mut during = Vec::new();
    code.liveness().live_during(&code, inner, &mut |temp, kind| during.push((temp, kind)));
    assert_eq!(during, [(0, Value), (2, Value)]);
}

#[test]
fn folding() {
    let code = compile_file("x = (1 + 2 * 3, -4, 'a' * 3, 1 << 70, 7 // -2, 7 % -2)\n");
    let Some(Const::Tuple(items)) = code.consts.first() else { panic!("{code}") };
    assert_eq!(items[..3], [Const::Int(7), Const::Int(-4), Const::str("aaa")]);
    assert_eq!(items[3], Const::BigInt(false, [0, 64].into()));
    assert_eq!(items[4..], [Const::Int(-4), Const::Int(-1)]);
}

#[test]
fn line_tables_keep_positions() {
    let mut builder = LineTableBuilder::new(10);
    let mut positions = Vec::new();
    for at in 0..2000_u32 {
        let line = (30 + at * 7 % 90).saturating_sub(at % 13);
        positions.push(match at % 9 {
            0 => Position::NONE,
            1 => Position::line(line),
            n => Position { line, end_line: line + at % 3, column: at * n % 300, end_column: at * n % 300 + n },
        });
    }
    positions.iter().for_each(|&position| builder.push(position));
    let table = builder.finish();
    let read: Vec<Position> =
        table.iter(10).flat_map(|(start, end, position)| (start..end).map(move |_| position)).collect();
    assert!(read == positions);
}

#[test]
fn symbol_tables() {
    let source =
        "def f(a):\n    def g():\n        nonlocal a\n        a = b\n    return [x for x in a]\nclass C[T]: pass\n";
    let arena = Arena::new();
    let parsed = parse(source, &ParseOptions::default(), &arena).expect("it parses");
    let table = build(&parsed.module, &parsed.lines, false, false).expect("it has scopes");
    let name = |text: &str| {
        let mut names = table.scopes.iter().flat_map(|scope| scope.symbols.keys().copied());
        names.find(|&name| table.names.text(name) == text).expect("a known name")
    };
    let kinds: Vec<ScopeKind> = table.top().children.iter().map(|&child| table.scope(child).kind).collect();
    assert_eq!(kinds, [ScopeKind::Annotation, ScopeKind::Function, ScopeKind::TypeParameters]);
    let f = table.scope(table.top().children[1]);
    assert_eq!(f.symbols[&name("a")].storage, Storage::Cell);
    assert_eq!(f.symbols[&name("x")].storage, Storage::Local);
    let g = f.children.iter().map(|&child| table.scope(child)).find(|scope| table.names.text(scope.name) == "g");
    assert_eq!(g.expect("the inner function").symbols[&name("a")].storage, Storage::Free);
}
