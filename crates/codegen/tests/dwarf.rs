//! Everything written for debuggers is read back, and call frame information is checked at every instruction.

#![cfg(target_arch = "x86_64")]

use capstone::prelude::*;
use cinder_codegen::compiler::Compiler;
use cinder_codegen::debug::{DebugOptions, gdb};
use cinder_codegen::lower::LowerOptions;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode};
use cinder_lir::alloc::{AllocOptions, Tier};
use cinder_lir::fuzzing::{Config, function, hosts};
use cinder_lir::{Builder, Function, Signature, Symbol, Type};
use gimli::{AttributeValue, EndianSlice, LittleEndian, UnwindSection};
use object::{Object, ObjectSection, ObjectSymbol};
use std::collections::HashMap;
use std::sync::Arc;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

fn debugged() -> CodeSpace {
    let debug = DebugOptions { gdb: true, eh_frame: true, source_dir: "/src".into(), ..Default::default() };
    CodeSpace::host(CodeSpaceConfig { debug, ..Default::default() }).unwrap()
}

fn install(space: &CodeSpace, func: &mut Function, tier: Tier) -> Arc<CompiledCode> {
    let resolve = |symbol: &Symbol| match symbol {
        Symbol::User(id) => hosts().iter().find(|h| h.id == *id).map(|h| h.address as u64),
        _ => None,
    };
    let mut compiler = Compiler::host(space);
    compiler.alloc_options = AllocOptions { check: true, ..AllocOptions::default() };
    compiler.lower_options = LowerOptions { debug_points: true, ..LowerOptions::default() };
    compiler.install(space, func, tier, &resolve).unwrap()
}

fn load<'a>(file: &'a object::File<'a>) -> gimli::Dwarf<Slice<'a>> {
    gimli::Dwarf::load(|id| {
        let data = file.section_by_name(id.name()).map_or(&[][..], |s| s.data().unwrap_or(&[]));
        Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
    })
    .unwrap()
}

/// The addresses of a DIE: `low_pc`/`high_pc` or `ranges`.
fn ranges_of<'a>(
    dwarf: &gimli::Dwarf<Slice<'a>>,
    unit: &gimli::Unit<Slice<'a>>,
    die: &gimli::DebuggingInformationEntry<Slice<'a>>,
) -> Vec<(u64, u64)> {
    let mut iter = dwarf.die_ranges(unit, die).unwrap();
    let mut out = Vec::new();
    while let Some(r) = iter.next().unwrap() {
        out.push((r.begin, r.end));
    }
    out
}

#[derive(Default)]
struct Found {
    lines: usize,
    variables: usize,
    locations: usize,
    inlined: usize,
}

/// Reads the object file of a function and checks that every part is consistent.
fn check_object(code: &CompiledCode, func: &Function) -> Found {
    let bytes = code.debug().and_then(|d| d.object()).expect("registered with the debugger");
    let file = object::File::parse(bytes).unwrap();
    let text = file.section_by_name(".text").unwrap();
    let (start, end) = (code.address() as u64, code.address() as u64 + text.size());
    assert_eq!(text.address(), start, "the section lies where the code is");
    assert!(text.size() >= code.code_len() as u64);
    let symbol = file.symbols().find(|s| s.name() == Ok(&func.name)).expect("a symbol for the function");
    assert_eq!((symbol.address(), symbol.size()), (0, text.size()));

    let mut found = Found::default();
    let dwarf = load(&file);
    let mut units = dwarf.units();
    let header = units.next().unwrap().expect("a unit");
    assert!(units.next().unwrap().is_none());
    let unit = dwarf.unit(header).unwrap();

    assert_eq!(unit.line_program.is_some(), func.locs().iter().any(|l| l.line != 0), "lines if there are any");
    let mut rows = unit.line_program.clone().map(|p| p.rows());
    let mut last = start;
    while let Some((header, row)) = rows.as_mut().and_then(|r| r.next_row().unwrap()) {
        assert!(row.address() >= last && row.address() <= end, "rows are in order and inside the code");
        last = row.address();
        if row.end_sequence() {
            assert_eq!(last, end);
            continue;
        }
        let Some(line) = row.line() else { continue };
        let file = row.file(header).expect("a file");
        let name = dwarf.attr_string(&unit, file.path_name()).unwrap();
        let name = name.to_string_lossy().to_string();
        assert!(func.files().contains(&name), "{name}");
        assert!(func.locs().iter().any(|l| u64::from(l.line) == line.get()), "line {line} is of the function");
        // The table by address says the same.
        let by_address = code.location(row.address() as usize).map(|l| u64::from(l.line));
        assert_eq!(by_address, Some(line.get()));
        found.lines += 1;
    }

    let mut stack: Vec<(isize, Vec<(u64, u64)>)> = Vec::new();
    let mut entries = unit.entries();
    while let Some(die) = entries.next_dfs().unwrap() {
        let at = die.depth();
        stack.retain(|(d, _)| *d < at);
        match die.tag() {
            gimli::DW_TAG_subprogram | gimli::DW_TAG_inlined_subroutine => {
                let own = ranges_of(&dwarf, &unit, die);
                if die.tag() == gimli::DW_TAG_inlined_subroutine {
                    found.inlined += 1;
                    assert!(!own.is_empty());
                    let Some(AttributeValue::UnitRef(origin)) = die.attr_value(gimli::DW_AT_abstract_origin) else {
                        panic!("an inlined function has an abstract origin");
                    };
                    let origin = unit.entry(origin).unwrap();
                    assert_eq!(origin.tag(), gimli::DW_TAG_subprogram);
                    assert!(origin.attr(gimli::DW_AT_inline).is_some());
                    let outer = &stack.last().expect("nested").1;
                    for (a, b) in &own {
                        assert!(outer.iter().any(|(x, y)| x <= a && b <= y), "inlined code lies in its caller's");
                    }
                }
                for (a, b) in &own {
                    assert!(start <= *a && a < b && *b <= end);
                }
                stack.push((at, own));
            }
            gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => {
                found.variables += 1;
                let name = dwarf.attr_string(&unit, die.attr_value(gimli::DW_AT_name).unwrap()).unwrap();
                let name = name.to_string_lossy().to_string();
                assert!(func.vars().iter().any(|v| v.name == name), "{name}");
                let Some(AttributeValue::UnitRef(ty)) = die.attr_value(gimli::DW_AT_type) else { panic!("a type") };
                assert_eq!(unit.entry(ty).unwrap().tag(), gimli::DW_TAG_base_type);
                let Some(value) = die.attr_value(gimli::DW_AT_location) else { continue };
                let mut list = dwarf.attr_locations(&unit, value).unwrap().expect("a location list");
                let mut covered = Vec::new();
                while let Some(entry) = list.next().unwrap() {
                    found.locations += 1;
                    assert!(
                        start <= entry.range.begin && entry.range.begin < entry.range.end && entry.range.end <= end
                    );
                    assert!(
                        covered.iter().all(|(a, b)| entry.range.end <= *a || *b <= entry.range.begin),
                        "a variable is in one place at a time: {name}"
                    );
                    covered.push((entry.range.begin, entry.range.end));
                    let mut operations = entry.data.operations(unit.encoding());
                    assert!(operations.next().unwrap().is_some());
                }
            }
            _ => {}
        }
    }
    found
}

/// What an instruction leaves: where the canonical frame address is, and where callee-saved registers are.
#[derive(Clone, PartialEq, Debug)]
struct Frame {
    /// Distance from the stack pointer, if known.
    from_sp: Option<i64>,
    /// Distance from the frame pointer, once it is set up.
    from_fp: Option<i64>,
    /// DWARF register and its distance from the canonical frame address.
    saved: HashMap<u16, i64>,
}

/// Follows the stack through prologues and epilogues and compares with the rows at every instruction.
fn check_frames(code: &CompiledCode) {
    const RBP: u16 = 6;
    const RSP: u16 = 7;
    let bytes = code.debug().unwrap().object().unwrap();
    let file = object::File::parse(bytes).unwrap();
    let section = file.section_by_name(".debug_frame").unwrap();
    let mut frames = gimli::DebugFrame::new(section.data().unwrap(), LittleEndian);
    frames.set_address_size(8);
    let bases = gimli::BaseAddresses::default();
    let mut context = gimli::UnwindContext::new();
    let fde = frames
        .fde_for_address(&bases, code.address() as u64, gimli::DebugFrame::cie_from_offset)
        .expect("an entry for the function");
    let cs = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).detail(true).build().unwrap();
    let insns = cs.disasm_all(code.code(), code.address() as u64).unwrap();
    let entries: Vec<u64> = (0..).map_while(|n| code.entry_at(n)).map(|a| a as u64).collect();
    let number = |name: &str| -> Option<u16> {
        let names = [
            "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
            "r15",
        ];
        names.iter().position(|n| *n == name).map(|n| n as u16)
    };
    let fresh = Frame { from_sp: Some(8), from_fp: None, saved: HashMap::new() };
    let mut state = fresh.clone();
    let mut body = None;
    let mut in_prologue = true;
    let mut checked = 0;
    for insn in insns.iter() {
        let pc = insn.address();
        if entries.contains(&pc) {
            state = fresh.clone();
            in_prologue = true;
        }
        let row = fde.unwind_info_for_address(&frames, &bases, &mut context, pc).unwrap();
        let gimli::CfaRule::RegisterAndOffset { register, offset } = row.cfa() else { panic!("a plain rule") };
        let known = match register.0 {
            RSP => state.from_sp,
            RBP => state.from_fp,
            other => panic!("the frame address depends on register {other}"),
        };
        let text = format!("{} {}", insn.mnemonic().unwrap(), insn.op_str().unwrap());
        assert_eq!(known, Some(*offset), "{} at {pc:#x}: {text}", code.name());
        for reg in [3u16, RBP, 12, 13, 14, 15] {
            let rule = row.register(gimli::Register(reg));
            match state.saved.get(&reg) {
                Some(at) => {
                    assert_eq!(rule, Some(gimli::RegisterRule::Offset(*at)), "register {reg} at {pc:#x}: {text}")
                }
                None => assert_eq!(rule, None, "register {reg} at {pc:#x}: {text}"),
            }
        }
        checked += 1;
        let (mnemonic, operands) = (insn.mnemonic().unwrap(), insn.op_str().unwrap());
        let first = operands.split(',').next().unwrap_or("").trim();
        if mnemonic == "jmp" && state.from_fp.is_some() && number(first).is_some() {
            // A table follows, which is no code: what comes behind it cannot be told apart by going on.
            break;
        }
        match mnemonic {
            "push" => {
                state.from_sp = state.from_sp.map(|n| n + 8);
                if let (Some(reg), true, Some(at)) = (number(first), in_prologue, state.from_sp) {
                    state.saved.insert(reg, -at);
                }
            }
            "pop" => {
                if body.is_none() {
                    body = Some(state.clone());
                }
                state.from_sp = state.from_sp.map(|n| n - 8);
                if let Some(reg) = number(first) {
                    state.saved.remove(&reg);
                    if reg == RBP {
                        state.from_fp = None;
                    }
                }
            }
            "mov" if operands == "rbp, rsp" => state.from_fp = state.from_sp,
            "mov" if operands == "rsp, rbp" => state.from_sp = state.from_fp,
            "sub" if first == "rsp" => {
                let n = operands.split(',').nth(1).unwrap().trim();
                let n =
                    n.strip_prefix("0x").map_or_else(|| n.parse().unwrap(), |h| i64::from_str_radix(h, 16).unwrap());
                state.from_sp = state.from_sp.map(|s| s + n);
            }
            "lea" if operands.starts_with("rsp, [rbp - ") => {
                let n = operands.trim_start_matches("rsp, [rbp - ").trim_end_matches(']');
                let n =
                    n.strip_prefix("0x").map_or_else(|| n.parse().unwrap(), |h| i64::from_str_radix(h, 16).unwrap());
                state.from_sp = state.from_fp.map(|s| s + n);
            }
            _ => {}
        }
        let prologue_part = matches!(mnemonic, "push" | "sub") || operands == "rbp, rsp";
        in_prologue &= prologue_part;
        // Behind a way out the rules are those of the body again; the frame pointer tells all that is needed.
        let leaves = mnemonic == "ret" || (mnemonic == "jmp" && state.from_fp.is_none());
        if leaves {
            let mut again = body.take().unwrap_or_else(|| fresh.clone());
            if again.from_fp.is_none() {
                again.from_fp = Some(16);
            }
            state = again;
        }
    }
    assert!(checked > 3);
}

#[test]
fn random_functions_read_back() {
    let space = debugged();
    let mut total = Found::default();
    for seed in 0..25 {
        for tier in [Tier::Quick, Tier::Optimising] {
            let mut func = function(seed, &Config { size: 60, ..Config::default() });
            let code = install(&space, &mut func, tier);
            let found = check_object(&code, &func);
            total.lines += found.lines;
            total.variables += found.variables;
            total.locations += found.locations;
            total.inlined += found.inlined;
            check_frames(&code);
        }
    }
    assert!(total.lines > 100 && total.variables > 20 && total.locations > 20 && total.inlined > 0);
}

#[test]
fn unregistered_when_dropped() {
    let space = debugged();
    let mut func = function(3, &Config::default());
    let code = install(&space, &mut func, Tier::Quick);
    let address = code.address();
    assert!(gdb::registered() > 0);
    assert!(space.find(address).is_some());
    drop(code);
    assert!(space.find(address).is_none());
}

#[test]
fn backtraces_walk_through_compiled_frames() {
    extern "C" fn look() -> i64 {
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        i64::from(trace.contains("backtraces_walk_through_compiled_frames"))
    }
    let run = |eh_frame: bool| {
        let debug = DebugOptions { eh_frame, ..Default::default() };
        let space = CodeSpace::host(CodeSpaceConfig { debug, ..Default::default() }).unwrap();
        let mut func = Function::new("caller");
        let mut b = Builder::new(&mut func);
        let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
        let none = b.signature(Signature::host(&[], &[Type::I64]));
        let target = b.symbol(Symbol::Addr(look as *const () as u64));
        let args = b.entry("caller", sig);
        let seen = b.call(none, target, &[], None).one();
        let r = b.add(seen, args[0]);
        b.ret(&[r]);
        b.finish().unwrap();
        let code = install(&space, &mut func, Tier::Optimising);
        // SAFETY: takes an integer and returns one.
        let f: extern "C" fn(i64) -> i64 = unsafe { std::mem::transmute(code.entry()) };
        std::hint::black_box(f(10))
    };
    assert_eq!(run(true), 11, "the backtrace reaches the caller of compiled code");
    assert_eq!(run(false), 10, "without registration it stops at the compiled frame");
}
