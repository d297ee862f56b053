//! The `run` filetests of `cinder-lir` as compiled code: both tiers give what is expected of the interpreter.

#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, Exit, ExitId, SavedRegisters};
use cinder_lir::alloc::Tier;
use cinder_lir::{Function, Type};
use std::cell::RefCell;
use std::path::Path;

thread_local! {
    static SPACE: RefCell<Option<CodeSpace>> = const { RefCell::new(None) };
    static EXIT: RefCell<Option<String>> = const { RefCell::new(None) };
}

unsafe extern "C" fn on_exit(_: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, id: ExitId) {
    let space = SPACE.with(|s| s.borrow().clone().expect("set"));
    // SAFETY: this is what the stub passed.
    let exit = unsafe { Exit::new(&space, frame, registers, id) }.expect("installed");
    let types = exit.code.point_values(exit.point).iter().map(|v| v.ty);
    let values: Vec<_> = exit.values().zip(types).map(|(v, ty)| v.map(|v| (ty.sign_extend(v), ty))).collect();
    EXIT.with(|e| *e.borrow_mut() = Some(format!("exit {} {values:?}", exit.user())));
}

/// Calls an entry with up to four integers and four floats, which go by registers of their own.
fn call(code: &CompiledCode, func: &Function, args: &[u64]) -> String {
    let sig = func.sig(func.entries()[0].sig);
    let (mut ints, mut floats) = ([0u64; 4], [0f64; 4]);
    let (mut i, mut f) = (0, 0);
    for (ty, arg) in sig.params.iter().zip(args) {
        if ty.is_float() {
            floats[f] = f64::from_bits(*arg);
            f += 1;
        } else {
            ints[i] = *arg;
            i += 1;
        }
    }
    #[repr(C)]
    struct Two(i64, i64);
    type Entry = extern "C" fn(u64, u64, u64, u64, f64, f64, f64, f64) -> Two;
    // SAFETY: entries take integers and floats by the C convention; two results come back in the registers of a
    // structure of two words, and the second is not looked at when there is one.
    let entry: Entry = unsafe { std::mem::transmute(code.entry()) };
    let ([a, b, c, d], [w, x, y, z]) = (ints, floats);
    let Two(first, second) = entry(a, b, c, d, w, x, y, z);
    if let Some(exit) = EXIT.with(|e| e.borrow_mut().take()) {
        return exit;
    }
    assert!(sig.returns.iter().all(|ty| *ty == Type::I64), "results are words");
    format!("return {:?}", &[first, second][..sig.returns.len()])
}

#[test]
fn compiled_code_gives_what_files_expect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lir/filetests/run");
    let space = CodeSpace::host(CodeSpaceConfig { exit_handler: Some(on_exit), ..Default::default() }).expect("memory");
    SPACE.with(|s| *s.borrow_mut() = Some(space.clone()));
    let mut runs = 0;
    for file in std::fs::read_dir(root).expect("filetests") {
        let path = file.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let (input, want) = text.split_once(";; expect\n").expect("an expectation");
        let func: Function = input.parse().expect("reads");
        for tier in [Tier::Quick, Tier::Optimising] {
            let mut compiled = func.clone();
            let code = Compiler::host(&space).install(&space, &mut compiled, tier, &|_| None).expect("compiles");
            for line in want.lines() {
                let (args, result) = line.split_once(": ").expect("arguments and a result");
                let args: Vec<u64> = args
                    .split_whitespace()
                    .map(|a| {
                        a.parse::<i64>().map_or_else(|_| a.parse::<f64>().expect("a number").to_bits(), |k| k as u64)
                    })
                    .collect();
                // Traps would end this process.
                if result.starts_with("return") || result.starts_with("exit") {
                    assert_eq!(call(&code, &func, &args), result, "{} {tier:?}: {line}", path.display());
                    runs += 1;
                }
            }
        }
    }
    assert!(runs > 30);
}
