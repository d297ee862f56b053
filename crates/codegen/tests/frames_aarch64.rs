//! Call frame information of AArch64 functions, followed instruction by instruction through their disassembly.

use capstone::prelude::*;
use cinder_codegen::compiler::Compiler;
use cinder_codegen::debug::{FunctionDebug, dwarf};
use cinder_codegen::lower::Lowered;
use cinder_lir::Op;
use cinder_lir::alloc::{AllocOptions, Arch, Target, Tier};
use cinder_lir::fuzzing::{Config, function};
use gimli::{LittleEndian, UnwindSection};
use std::collections::BTreeMap;

const FP: u16 = 29;
const SP: u16 = 31;

/// Where the canonical frame address and the saved registers (by DWARF numbers) are.
#[derive(Clone)]
struct Frame {
    from_sp: Option<i64>,
    from_fp: Option<i64>,
    saved: BTreeMap<u16, i64>,
}

fn described(lowered: &Lowered) -> FunctionDebug {
    FunctionDebug {
        arch: Arch::Aarch64,
        name: "f".into(),
        address: 0,
        len: lowered.assembled.code.len() as u32,
        entries: Vec::new(),
        files: Vec::new(),
        lines: Vec::new(),
        scopes: Vec::new(),
        vars: Vec::new(),
        cfi: lowered.assembled.cfi.clone(),
    }
}

/// A callee-saved register by its name: its DWARF number.
fn callee_saved(name: &str) -> Option<u16> {
    let number: u16 = name.get(1..)?.parse().ok()?;
    match name.as_bytes()[0] {
        b'x' if (19..29).contains(&number) => Some(number),
        b'd' if (8..16).contains(&number) => Some(64 + number),
        _ => None,
    }
}

fn immediate(text: &str) -> i64 {
    let (text, shift) = match text.split_once(", lsl #") {
        Some((t, s)) => (t, s.parse::<u32>().unwrap()),
        None => (text, 0),
    };
    let text = text.trim_start_matches('#');
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    let value = text.strip_prefix("0x").map_or_else(|| text.parse().unwrap(), |h| i64::from_str_radix(h, 16).unwrap());
    (sign * value) << shift
}

/// `[x29, #-8]` as -8.
fn frame_offset(text: &str) -> Option<i64> {
    text.strip_prefix("[x29, ")?.strip_suffix(']').filter(|t| t.starts_with('#')).map(immediate)
}

fn check(lowered: &Lowered, cs: &Capstone) -> usize {
    let section = dwarf::debug_frame(&described(lowered)).unwrap();
    let mut frames = gimli::DebugFrame::new(&section, LittleEndian);
    frames.set_address_size(8);
    let bases = gimli::BaseAddresses::default();
    let mut context = gimli::UnwindContext::new();
    let fde = frames.fde_for_address(&bases, 0, gimli::DebugFrame::cie_from_offset).unwrap();
    let code = &lowered.assembled.code[..lowered.assembled.code_len as usize];
    let insns = cs.disasm_all(code, 0).unwrap();
    let text: Vec<(String, String)> =
        insns.iter().map(|i| (i.mnemonic().unwrap().to_string(), i.op_str().unwrap().to_string())).collect();
    // Where registers are restored: the loads just before the frame is taken down.
    let saves = lowered.frame.shape.saved_slots() as usize;
    let mut restores = vec![false; text.len()];
    for (i, (mnemonic, operands)) in text.iter().enumerate() {
        if mnemonic == "mov" && operands == "sp, x29" {
            restores[i - saves..i].fill(true);
        }
    }
    let fresh = Frame { from_sp: Some(0), from_fp: None, saved: BTreeMap::new() };
    let (mut state, mut body, mut in_prologue) = (fresh.clone(), None::<Frame>, true);
    for (i, insn) in insns.iter().enumerate() {
        let (pc, (mnemonic, operands)) = (insn.address(), &text[i]);
        if lowered.entries.contains(&(pc as u32)) {
            (state, in_prologue) = (fresh.clone(), true);
        }
        let row = fde.unwind_info_for_address(&frames, &bases, &mut context, pc).unwrap();
        let gimli::CfaRule::RegisterAndOffset { register, offset } = row.cfa() else { panic!("a plain rule") };
        let known = match register.0 {
            SP => state.from_sp,
            FP => state.from_fp,
            other => panic!("the frame address depends on register {other}"),
        };
        assert_eq!(known, Some(*offset), "{pc:#x}: {mnemonic} {operands}");
        for reg in (19..31).chain(72..80) {
            let want = state.saved.get(&reg).map(|at| gimli::RegisterRule::Offset(*at));
            assert_eq!(row.register(gimli::Register(reg)), want, "register {reg} at {pc:#x}: {mnemonic} {operands}");
        }
        let (first, rest) = operands.split_once(", ").unwrap_or((operands, ""));
        let mut prologue_part = true;
        match mnemonic.as_str() {
            "stp" if operands == "x29, x30, [sp, #-0x10]!" => {
                state.from_sp = state.from_sp.map(|n| n + 16);
                state.saved.extend([(FP, -16), (30, -8)]);
            }
            "mov" if operands == "x29, sp" => state.from_fp = state.from_sp,
            "sub" if first == "sp" => {
                let n = immediate(rest.strip_prefix("sp, ").unwrap());
                state.from_sp = state.from_sp.map(|s| s + n);
            }
            "stur" | "str" if in_prologue && callee_saved(first).is_some() && frame_offset(rest).is_some() => {
                let (reg, at) = (callee_saved(first).unwrap(), frame_offset(rest).unwrap());
                state.saved.insert(reg, at - 16);
            }
            "ldur" | "ldr" if restores[i] => {
                body.get_or_insert_with(|| state.clone());
                state.saved.remove(&callee_saved(first).expect("restores"));
            }
            "mov" if operands == "sp, x29" => {
                body.get_or_insert_with(|| state.clone());
                state.from_sp = state.from_fp;
            }
            "ldp" if operands == "x29, x30, [sp], #0x10" => {
                state.from_sp = Some(0);
                state.from_fp = None;
                state.saved.remove(&FP);
                state.saved.remove(&30);
            }
            "ret" | "b" | "br" if state.from_fp.is_none() => state = body.take().expect("a body"),
            _ => prologue_part = false,
        }
        in_prologue &= prologue_part;
    }
    insns.len()
}

#[test]
fn aarch64_frames_are_described_exactly() {
    let cs = Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build().unwrap();
    let mut checked = 0;
    for seed in 0..30 {
        for (tier, clobber_every) in [(Tier::Quick, None), (Tier::Optimising, None), (Tier::Optimising, Some(3))] {
            let mut func = function(seed, &Config::default());
            // Tables of jumps are no code: the disassembly cannot go on behind them.
            if func.insts().iter().any(|i| i.op == Op::Switch) {
                continue;
            }
            let mut compiler = Compiler::new(Target::aarch64());
            compiler.alloc_options = AllocOptions { check: true, clobber_every, ..AllocOptions::default() };
            let (_, lowered) = compiler.lower(&mut func, tier).unwrap();
            checked += check(&lowered, &cs);
        }
    }
    assert!(checked > 1000);
}
