//! Invalidation inside every call of random functions: the return address of the n-th call is rewritten while the
//! call runs, and the exit must show the same frame state and leave the same memory however registers were allocated.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::memory::Protection;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, ExitId, SavedRegisters};
use cinder_lir::alloc::{AllocOptions, Target, Tier};
use cinder_lir::fuzzing::{BUFFER_BYTES, Config, arguments, buffer, canonical, function, hosts};
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::{Function, Symbol, Type};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The functions that calls really go to, by the numbers of their wrappers.
static REAL: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

/// What an exit showed: the frame state's word and its values.
type Seen = (u64, Vec<Option<(Type, u64)>>);

thread_local! {
    static SPACE: RefCell<Option<CodeSpace>> = const { RefCell::new(None) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
    /// Calls until one is redirected.
    static COUNTDOWN: Cell<u32> = const { Cell::new(0) };
    static REDIRECTED: Cell<bool> = const { Cell::new(false) };
}

/// Called in the middle of every call: redirects the call whose turn it is.
extern "C" fn visit(frame: usize, slot: usize) {
    let left = COUNTDOWN.get();
    COUNTDOWN.set(left.wrapping_sub(1));
    if left != 0 {
        return;
    }
    let space = SPACE.with(|s| s.borrow().clone()).expect("a space");
    // SAFETY: the wrapper passes the caller's frame pointer and where its return address lies.
    let caller = unsafe { space.walk(frame, slot) }.next();
    // SAFETY: the caller is in the call that we are in.
    REDIRECTED.set(caller.is_some_and(|mut c| unsafe { c.redirect() }));
}

/// A function that visits, then jumps to the real one with all arguments as they were.
macro_rules! wrapper {
    ($name:ident, $n:literal) => {
        #[unsafe(naked)]
        extern "C" fn $name() {
            core::arch::naked_asm!(
                "push rdi; push rsi; push rdx; push rcx; push r8; push r9; sub rsp, 24",
                "movsd [rsp], xmm0; movsd [rsp + 8], xmm1",
                "mov rdi, rbp; lea rsi, [rsp + 72]; call {visit}",
                "movsd xmm0, [rsp]; movsd xmm1, [rsp + 8]",
                "add rsp, 24; pop r9; pop r8; pop rcx; pop rdx; pop rsi; pop rdi",
                "lea rax, [rip + {real}]; jmp [rax + 8 * {n}]",
                visit = sym visit,
                real = sym REAL,
                n = const $n,
            )
        }
    };
}
wrapper!(wrapper0, 0);
wrapper!(wrapper1, 1);
wrapper!(wrapper2, 2);
wrapper!(wrapper3, 3);

unsafe extern "C" fn on_exit(_: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    // SAFETY: the common stub passes its own block of registers.
    let registers = unsafe { &mut *registers };
    let code = SPACE.with(|s| s.borrow().as_ref().unwrap().function(exit.function()).unwrap());
    let values = code
        .point_values(exit.point())
        .iter()
        // SAFETY: the activation stopped at this point with these registers.
        .map(|v| unsafe { code.read_value(v, frame, registers) }.map(|bits| (v.ty, bits)))
        .map(|v| v.map(|(ty, bits)| (ty, canonical(ty, bits))))
        .collect();
    SEEN.with(|s| *s.borrow_mut() = Some((code.point(exit.point()).unwrap().user, values)));
}

/// How a run ended: value, exit, memory, and whether a call was redirected.
type Ended = (u64, Option<Seen>, Vec<u8>, bool);

fn run(code: &CompiledCode, nth: u32, memory: *mut u8) -> Ended {
    let (args, start) = (arguments(7), buffer(7));
    code.cell(0).into_iter().for_each(|c| c.store(0, Ordering::SeqCst));
    // SAFETY: the mapping is larger than the buffer.
    unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), memory, BUFFER_BYTES) };
    SEEN.with(|s| *s.borrow_mut() = None);
    REDIRECTED.set(false);
    COUNTDOWN.set(nth);
    // SAFETY: generated functions have this signature.
    let f: extern "C" fn(*mut u8, u64, u64, u32, f64, f64) -> u64 = unsafe { std::mem::transmute(code.entry()) };
    let value = f(memory, args[0], args[1], args[2] as u32, f64::from_bits(args[3]), f64::from_bits(args[4]));
    let seen = SEEN.with(|s| s.borrow_mut().take());
    // SAFETY: as above.
    let after = unsafe { std::slice::from_raw_parts(memory, BUFFER_BYTES) }.to_vec();
    (if seen.is_none() { value } else { 0 }, seen, after, REDIRECTED.get())
}

fn compile(space: &CodeSpace, source: &Function, tier: Tier, clobber_every: Option<u32>) -> Arc<CompiledCode> {
    let wrappers = [wrapper0 as *const (), wrapper1 as *const (), wrapper2 as *const (), wrapper3 as *const ()];
    let resolve = |symbol: &Symbol| match symbol {
        Symbol::User(id) => wrappers.get(*id as usize).map(|w| *w as u64),
        _ => None,
    };
    let mut func = source.clone();
    let mut compiler = Compiler::new(Target::host());
    compiler.alloc_options = AllocOptions { check: true, clobber_every, ..AllocOptions::default() };
    compiler.install(space, &mut func, tier, &resolve).unwrap()
}

#[test]
fn redirected_calls_show_one_state_whatever_the_allocation() {
    for host in hosts() {
        REAL[host.id as usize].store(host.address, Ordering::SeqCst);
    }
    let memory = common::map_buffer();
    let (mut redirected, mut exits) = (0, 0);
    for protection in [Protection::DualMapping, Protection::Flip] {
        let config = CodeSpaceConfig { protection, exit_handler: Some(on_exit), ..Default::default() };
        let space = CodeSpace::host(config).unwrap();
        SPACE.with(|s| *s.borrow_mut() = Some(space.clone()));
        for seed in 0..if protection == Protection::Flip { 4 } else { 25 } {
            let source = function(seed, &Config { entries: false, ..Config::default() });
            // The same passes for both tiers: the frame states must be those of one function.
            let mut legal = source.clone();
            Pipeline::default().run(&mut legal, &Target::host(), Level::Quick).unwrap();
            let variants =
                [(Tier::Optimising, None), (Tier::Optimising, Some(2)), (Tier::Quick, None), (Tier::Quick, Some(3))];
            let codes = variants.map(|(tier, clobber_every)| compile(&space, &legal, tier, clobber_every));
            for nth in 0..6 {
                let [want, others @ ..] = codes.each_ref().map(|code| run(code, nth, memory));
                for (have, variant) in others.iter().zip(&variants[1..]) {
                    assert_eq!(have, &want, "seed {seed} call {nth} {variant:?}\n{legal}");
                }
                redirected += u32::from(want.3);
                exits += u32::from(want.3 && want.1.is_some());
            }
        }
    }
    assert!(redirected > 10, "{redirected} calls were redirected");
    assert_eq!(redirected, exits, "every redirected call leaves through its exit");
}
