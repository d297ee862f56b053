//! Compiled functions run and do what they say, in both tiers.

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, Exit, ExitId, SavedRegisters};
use cinder_lir::alloc::Tier;
use cinder_lir::{Addr, Builder, FloatCC, FrameValue, Function, IntCC, Signature, Symbol, Type};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

const TIERS: [Tier; 2] = [Tier::Quick, Tier::Optimising];

thread_local! {
    static SPACE: RefCell<Option<CodeSpace>> = const { RefCell::new(None) };
    static EXIT: RefCell<(u64, Vec<Option<u64>>)> = const { RefCell::new((0, Vec::new())) };
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// Records what the exit shows and makes the function return 1000 plus the frame state's word.
unsafe extern "C" fn on_exit(thread: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    let space = SPACE.with(|s| s.borrow().clone().unwrap());
    // SAFETY: this is what the stub passed.
    let mut exit = unsafe { Exit::new(&space, frame, registers, exit) }.unwrap();
    EXIT.with(|e| *e.borrow_mut() = (exit.user(), exit.values().collect()));
    THREAD.with(|t| t.set(thread as usize));
    exit.set_result(1000 + exit.user());
}

fn space() -> CodeSpace {
    let space = CodeSpace::host(CodeSpaceConfig { exit_handler: Some(on_exit), ..Default::default() }).unwrap();
    SPACE.with(|s| *s.borrow_mut() = Some(space.clone()));
    space
}

fn compile(tier: Tier, build: impl FnOnce(&mut Builder<'_>)) -> Arc<CompiledCode> {
    let space = SPACE.with(|s| s.borrow().clone()).unwrap_or_else(space);
    let mut func = Function::new("f");
    let mut b = Builder::new(&mut func);
    build(&mut b);
    b.finish().unwrap();
    Compiler::host(&space).install(&space, &mut func, tier, &|_| None).unwrap()
}

/// The entry as a function of up to four integers.
fn call(code: &CompiledCode, args: &[i64]) -> i64 {
    let get = |n: usize| args.get(n).copied().unwrap_or(0);
    // SAFETY: every test function takes at most four integers by the C convention and returns one.
    let f: extern "C" fn(i64, i64, i64, i64) -> i64 = unsafe { std::mem::transmute(code.entry()) };
    f(get(0), get(1), get(2), get(3))
}

const I: Type = Type::I64;

#[test]
fn loops_and_branches() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let args = b.entry("f", sig);
            let zero = b.iconst(I, 0);
            let (head, p) = b.block(&[I, I]);
            let (body, _) = b.block(&[]);
            let (done, _) = b.block(&[]);
            b.jump((head, &[args[0], zero]));
            b.open(head);
            b.br_icmp(IntCC::Sgt, p[0], 0, (body, &[]), (done, &[]));
            b.open(body);
            let s = b.add(p[1], p[0]);
            let n = b.sub(p[0], 1);
            b.jump((head, &[n, s]));
            b.open(done);
            b.ret(&[p[1]]);
        });
        assert_eq!(call(&code, &[1000]), 500_500, "{tier:?}");
        assert_eq!(call(&code, &[-5]), 0);
    }
}

#[test]
fn recursion_and_calls_to_rust() {
    extern "C" fn weigh(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64) -> i64 {
        a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h
    }
    for tier in TIERS {
        let fib = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let me = b.symbol(Symbol::Name("f".into()));
            let args = b.entry("f", sig);
            let (small, _) = b.block(&[]);
            let (large, _) = b.block(&[]);
            b.br_icmp(IntCC::Slt, args[0], 2, (small, &[]), (large, &[]));
            b.open(small);
            b.ret(&[args[0]]);
            b.open(large);
            let n1 = b.sub(args[0], 1);
            let a = b.call(sig, me, &[n1], None).one();
            let n2 = b.sub(args[0], 2);
            let c = b.call(sig, me, &[n2], None).one();
            let sum = b.add(a, c);
            b.ret(&[sum]);
        });
        assert_eq!(call(&fib, &[20]), 6765, "{tier:?}");
        let calls = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I, I], &[I]));
            let eight = b.signature(Signature::host(&[I; 8], &[I]));
            let target = b.symbol(Symbol::Addr(weigh as *const () as u64));
            let args = b.entry("f", sig);
            let mut values = vec![args[0], args[1]];
            for n in 0..6 {
                values.push(b.add(args[0], n + 10));
            }
            let r = b.call(eight, target, &values, None).one();
            let r = b.add(r, args[1]);
            b.ret(&[r]);
        });
        let expected = weigh(5, 7, 15, 16, 17, 18, 19, 20) + 7;
        assert_eq!(call(&calls, &[5, 7]), expected, "{tier:?}");
    }
}

#[test]
fn exits_find_their_values() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I, I], &[I]));
            let args = b.entry("f", sig);
            let x = b.xor(args[0], args[1]);
            let frame = b.frame_state(
                7,
                &[
                    FrameValue::Reg(args[0]),
                    FrameValue::Const(I, 42),
                    FrameValue::Reg(x),
                    FrameValue::Dead,
                    FrameValue::Reg(args[1]),
                ],
            );
            let sum = b.add_ovf(args[0], args[1], frame);
            let frame = b.frame_state(8, &[FrameValue::Reg(sum), FrameValue::Reg(x)]);
            b.guard_icmp(IntCC::Ne, sum, 100, frame);
            b.ret(&[sum]);
        });
        assert_eq!(call(&code, &[3, 4]), 7, "{tier:?}");
        assert_eq!(call(&code, &[i64::MAX, 5]), 1007);
        let x = (i64::MAX ^ 5) as u64;
        let seen = EXIT.with(|e| e.borrow().clone());
        assert_eq!(seen, (7, vec![Some(i64::MAX as u64), Some(42), Some(x), None, Some(5)]), "{tier:?}");
        assert_eq!(call(&code, &[60, 40]), 1008);
        assert_eq!(EXIT.with(|e| e.borrow().clone()), (8, vec![Some(100), Some(60 ^ 40)]));
    }
}

#[test]
fn thread_register_cells_and_stack_guard() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let cell = b.cell(5);
            let args = b.entry("f", sig);
            b.set_thread(args[0]);
            let frame = b.frame_state(3, &[FrameValue::Reg(args[0])]);
            b.guard_stack(8, 4096, frame);
            b.mem_add(I, 2, Addr::cell(cell));
            let a = b.load(I, Addr::thread(0));
            let c = b.load(I, Addr::cell(cell));
            let sum = b.add(a, c);
            b.ret(&[sum]);
        });
        let block = [Cell::new(100i64), Cell::new(0)];
        let at = block.as_ptr() as i64;
        assert_eq!(call(&code, &[at]), 107, "{tier:?}");
        assert_eq!(call(&code, &[at]), 109);
        assert_eq!(code.cell(0).unwrap().load(std::sync::atomic::Ordering::Relaxed), 9);
        block[1].set(-1);
        assert_eq!(call(&code, &[at]), 1003, "no stack left");
        assert_eq!(THREAD.with(Cell::get), at as usize);
    }
}

#[test]
fn floats_and_switch() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I, I], &[I]));
            let args = b.entry("f", sig);
            let x = b.int_to_float(Type::F64, args[1]);
            let (plus, _) = b.block(&[]);
            let (times, _) = b.block(&[]);
            let (root, _) = b.block(&[]);
            let (other, _) = b.block(&[]);
            let (done, p) = b.block(&[Type::F64]);
            b.switch(args[0], &[(plus, &[]), (times, &[]), (root, &[])], (other, &[]));
            b.open(plus);
            let half = b.f64(0.5);
            let v = b.fadd(x, half);
            b.jump((done, &[v]));
            b.open(times);
            let v = b.fmul(x, x);
            b.jump((done, &[v]));
            b.open(root);
            let v = b.fsqrt(x);
            b.jump((done, &[v]));
            b.open(other);
            let v = b.fneg(x);
            b.jump((done, &[v]));
            b.open(done);
            let scaled = b.f64(100.0);
            let v = b.fmul(p[0], scaled);
            let big = b.fcmp(FloatCC::Gt, v, scaled);
            let big = b.zext(I, big);
            let v = b.float_to_int(I, v);
            let v = b.add(v, big);
            b.ret(&[v]);
        });
        assert_eq!(call(&code, &[0, 3]), 351, "{tier:?}");
        assert_eq!(call(&code, &[1, 3]), 901);
        assert_eq!(call(&code, &[2, 16]), 401);
        assert_eq!(call(&code, &[3, 9]), -900);
        assert_eq!(call(&code, &[-1, 9]), -900);
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn calls_return_to_their_deopt_stub_when_redirected() {
    /// Redirects the caller's return address; the argument is the caller's frame pointer.
    extern "C" fn invalidate(frame: usize) -> i64 {
        let space = SPACE.with(|s| s.borrow().clone()).unwrap();
        let code = CODE.with(|c| c.borrow().clone()).unwrap();
        let slot = CodeSpace::return_slot(&code, frame);
        // SAFETY: the caller is the function that passed its own frame pointer.
        let mut frames: Vec<_> = unsafe { space.walk(frame, slot) }.collect();
        assert_eq!(frames.len(), 2, "the function and its caller");
        let outer = &frames[1];
        let point = outer.call_site().and_then(|c| c.point).unwrap();
        // SAFETY: both activations are live.
        let registers = unsafe { outer.registers() };
        let read = |v| {
            // SAFETY: as above; the inner frame of the same function saved what the outer one keeps in registers.
            unsafe { outer.code.read_value(v, outer.frame as *const u8, &registers) }
        };
        let values: Vec<_> = outer.code.point_values(point)[1..].iter().map(read).collect();
        assert_eq!(values, [Some(21), Some(7)], "values of an outer frame while its call runs");
        // SAFETY: both activations are on this thread's stack.
        assert!(unsafe { frames[1].redirect() });
        assert!(frames[1].is_redirected());
        55
    }
    thread_local! {
        static CODE: RefCell<Option<Arc<CompiledCode>>> = const { RefCell::new(None) };
    }
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I, I], &[I]));
            let one = b.signature(Signature::host(&[I], &[I]));
            let me = b.symbol(Symbol::Name("f".into()));
            let out = b.symbol(Symbol::Addr(invalidate as *const () as u64));
            let args = b.entry("f", sig);
            let keep = b.mul(args[1], 3);
            let (leaf, _) = b.block(&[]);
            let (inner, _) = b.block(&[]);
            b.br_icmp(IntCC::Eq, args[0], 0, (leaf, &[]), (inner, &[]));
            b.open(leaf);
            let fp = b.frame_ptr();
            let r = b.call(one, out, &[fp], None).one();
            b.ret(&[r]);
            b.open(inner);
            let zero = b.iconst(I, 0);
            let frame = b.frame_state(21, &[FrameValue::Result(0), FrameValue::Reg(keep), FrameValue::Reg(args[1])]);
            let r = b.call(sig, me, &[zero, keep], Some(frame)).one();
            let r = b.add(r, keep);
            b.ret(&[r]);
        });
        CODE.with(|c| *c.borrow_mut() = Some(code.clone()));
        assert_eq!(call(&code, &[1, 7]), 1021, "{tier:?}");
        assert_eq!(EXIT.with(|e| e.borrow().clone()), (21, vec![Some(55), Some(21), Some(7)]));
    }
}

#[test]
fn several_entries_and_tail_calls() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let resume = b.symbol(Symbol::Name("resume".into()));
            let (join, p) = b.block(&[I]);
            let args = b.entry("f", sig);
            let (direct, _) = b.block(&[]);
            let (tail, _) = b.block(&[]);
            b.br_icmp(IntCC::Slt, args[0], 10, (direct, &[]), (tail, &[]));
            b.open(direct);
            b.jump((join, &[args[0]]));
            b.open(tail);
            let v = b.mul(args[0], 2);
            b.tail_call(sig, resume, &[v], None);
            let args = b.entry("resume", sig);
            let v = b.add(args[0], 100);
            b.jump((join, &[v]));
            b.open(join);
            let v = b.mul(p[0], 10);
            b.ret(&[v]);
        });
        assert_eq!(call(&code, &[4]), 40, "{tier:?}");
        assert_eq!(call(&code, &[20]), 1400);
        // SAFETY: the entry takes one integer and returns one.
        let resume: extern "C" fn(i64) -> i64 = unsafe { std::mem::transmute(code.entry_named("resume").unwrap()) };
        assert_eq!(resume(1), 1010);
    }
}

#[test]
fn undefined_symbols_are_errors() {
    let space = space();
    let mut func = Function::new("f");
    let mut b = Builder::new(&mut func);
    let sig = b.signature(Signature::host(&[], &[]));
    let missing = b.symbol(Symbol::Name("missing".into()));
    b.entry("f", sig);
    b.call(sig, missing, &[], None);
    b.ret(&[]);
    b.finish().unwrap();
    let before = space.used().code;
    let error = Compiler::host(&space).install(&space, &mut func, Tier::Quick, &|_| None).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(space.used().code, before, "memory of failed installations is given back");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn calls_reach_far_functions() {
    // SAFETY: a fresh private mapping far from everything, with a function written into it before it becomes
    // executable: lea rax, [rdi + 1]; ret.
    let far = unsafe {
        let at = libc::mmap(
            0x1000_0000_0000usize as *mut _,
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        );
        assert_ne!(at, libc::MAP_FAILED);
        std::ptr::copy_nonoverlapping([0x48u8, 0x8d, 0x47, 0x01, 0xc3].as_ptr(), at.cast(), 5);
        assert_eq!(libc::mprotect(at, 4096, libc::PROT_READ | libc::PROT_EXEC), 0);
        at as u64
    };
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let target = b.symbol(Symbol::Addr(far));
            let args = b.entry("f", sig);
            let once = b.call(sig, target, &[args[0]], None).one();
            let twice = b.call(sig, target, &[once], None).one();
            b.ret(&[twice]);
        });
        assert!((code.entry() as u64).abs_diff(far) > 1 << 32);
        assert_eq!(call(&code, &[40]), 42, "{tier:?}");
    }
}

#[test]
fn traps_have_codes() {
    let code = compile(Tier::Quick, |b| {
        let sig = b.signature(Signature::host(&[I, I], &[I]));
        let args = b.entry("f", sig);
        let (bad, _) = b.block(&[]);
        let (good, _) = b.block(&[]);
        b.br_icmp(IntCC::Eq, args[0], 7, (bad, &[]), (good, &[]));
        b.open(bad);
        b.trap(99);
        b.open(good);
        let q = b.sdiv(args[0], args[1]);
        b.ret(&[q]);
    });
    assert_eq!(call(&code, &[42, -6]), -7);
    let codes: Vec<u32> = (code.address()..code.address() + code.code_len()).filter_map(|pc| code.trap(pc)).collect();
    use cinder_codegen::lower::trap_code::{DIVISION_BY_ZERO, DIVISION_OVERFLOW};
    assert_eq!(codes, [99, DIVISION_BY_ZERO, DIVISION_OVERFLOW]);
}

#[test]
fn large_frames_touch_every_page() {
    for tier in TIERS {
        let code = compile(tier, |b| {
            let sig = b.signature(Signature::host(&[I], &[I]));
            let slot = b.stack_slot(100_000);
            let args = b.entry("f", sig);
            b.store(I, args[0], Addr::stack(slot));
            let v = b.load(I, Addr::stack(slot));
            b.ret(&[v]);
        });
        assert_eq!(call(&code, &[5]), 5, "{tier:?}");
        if cfg!(target_arch = "x86_64") {
            let touches = code.code().windows(3).filter(|w| w == b"\x80\xbc\x24").count();
            assert_eq!(touches, 100_000 / 4096, "{tier:?}: one touch for each page");
        }
    }
}

#[test]
fn threads_share_a_code_space() {
    use cinder_codegen::debug::DebugOptions;
    let debug = DebugOptions { gdb: true, eh_frame: true, ..Default::default() };
    let space = CodeSpace::host(CodeSpaceConfig { exit_handler: Some(on_exit), debug, ..Default::default() }).unwrap();
    std::thread::scope(|scope| {
        for t in 0..4i64 {
            let space = &space;
            scope.spawn(move || {
                let mut compiler = Compiler::host(space);
                let mut kept = Vec::new();
                for n in 0..60i64 {
                    let mut func = Function::new("f");
                    let mut b = Builder::new(&mut func);
                    let sig = b.signature(Signature::host(&[I], &[I]));
                    let args = b.entry("f", sig);
                    let v = b.add(args[0], t * 1000 + n);
                    b.ret(&[v]);
                    b.finish().unwrap();
                    let code = compiler.install(space, &mut func, TIERS[n as usize & 1], &|_| None).unwrap();
                    assert_eq!(space.find(code.entry()).unwrap().id(), code.id());
                    kept.push((t * 1000 + n, code));
                    if n % 3 == 2 {
                        kept.swap_remove(n as usize % kept.len());
                    }
                    kept.iter().for_each(|(add, code)| assert_eq!(call(code, &[1]), add + 1));
                }
            });
        }
    });
    assert!(space.used().code <= 1024, "everything was given back");
}
