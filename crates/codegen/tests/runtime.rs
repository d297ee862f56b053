//! What the runtime of a dynamic language asks of compiled code besides computing: failures as second results, calls
//! through cells that change, flags that end loops, states at safepoints.

#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, ExitId, SavedRegisters};
use cinder_lir::alloc::Tier;
use cinder_lir::{Addr, Builder, FrameValue, Function, IntCC, Signature, Type, VReg};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const TIERS: [Tier; 2] = [Tier::Quick, Tier::Optimising];
const I: Type = Type::I64;

/// Makes the function that exits return the number of its exit.
unsafe extern "C" fn on_exit(_: *mut u8, _: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    // SAFETY: this is what the stub passed.
    unsafe { &mut *registers }.set_int_result(0, 1000 + u64::from(exit.point()));
}

fn compile(space: &CodeSpace, tier: Tier, build: impl FnOnce(&mut Builder<'_>)) -> Arc<CompiledCode> {
    let mut func = Function::new("f");
    let mut b = Builder::new(&mut func);
    build(&mut b);
    b.finish().unwrap();
    Compiler::host(space).install(space, &mut func, tier, &|_| None).unwrap()
}

fn space() -> CodeSpace {
    CodeSpace::host(CodeSpaceConfig { exit_handler: Some(on_exit), ..Default::default() }).unwrap()
}

/// What the thread register points to.
#[repr(C)]
#[derive(Default)]
struct Thread {
    /// Not zero: loops are to stop.
    flag: AtomicI64,
    /// The exception that is being raised.
    pending: AtomicI64,
    /// How often loops went round.
    rounds: AtomicI64,
}

const FLAG: Addr = Addr { kind: cinder_lir::AddrKind::Thread, base: None, index: None, scale: 0, disp: 0 };
const PENDING: Addr = Addr { disp: 8, ..FLAG };
const ROUNDS: Addr = Addr { disp: 16, ..FLAG };

/// A compiled function that calls another one through a cell; the other's second result says that it raised.
#[test]
fn failures_are_results_and_calls_go_where_their_cell_says() {
    let parameters = [I; 8];
    let space = space();
    for tier in TIERS {
        let divide = compile(&space, tier, |b| {
            let sig = b.signature(Signature::internal(&parameters, &[I, I]));
            let args = b.entry("divide", sig);
            let (raise, _) = b.cold_block(&[]);
            let (go, _) = b.block(&[]);
            b.br_icmp(IntCC::Eq, args[7], 0, (raise, &[]), (go, &[]));
            b.open(raise);
            let exception = b.add(args[1], 40);
            b.store(I, exception, PENDING);
            let (nothing, failed) = (b.iconst(I, 0), b.iconst(I, 1));
            b.ret(&[nothing, failed]);
            b.open(go);
            let quotient = b.sdiv(args[0], args[7]);
            let fine = b.iconst(I, 0);
            b.ret(&[quotient, fine]);
        });
        let last = compile(&space, tier, |b| {
            let sig = b.signature(Signature::internal(&parameters, &[I, I]));
            let args = b.entry("last", sig);
            let sum = args[1..].iter().fold(args[0], |sum: VReg, x| b.add(sum, *x));
            let fine = b.iconst(I, 0);
            b.ret(&[sum, fine]);
        });
        let caller = compile(&space, tier, |b| {
            let callee = b.signature(Signature::internal(&parameters, &[I, I]));
            let sig = b.signature(Signature::host(&[I, I, I], &[I]));
            let target = b.cell(0);
            let args = b.entry("caller", sig);
            b.set_thread(args[0]);
            let seen = b.frame_state(0, &[FrameValue::Result(0), FrameValue::Reg(args[1])]);
            let mut all = vec![args[1]];
            all.extend((1..7).map(|n| b.iconst(I, n)));
            all.push(args[2]);
            let results = b.call_cell(callee, target, &all, Some(seen));
            let (value, failed) = (results.one(), results.get(1).unwrap());
            let (unwind, _) = b.cold_block(&[]);
            let (go, _) = b.block(&[]);
            b.br_icmp(IntCC::Ne, failed, 0, (unwind, &[]), (go, &[]));
            b.open(unwind);
            let exception = b.load(I, PENDING);
            let exception = b.neg(exception);
            b.ret(&[exception]);
            b.open(go);
            b.ret(&[value]);
        });
        let thread = Thread::default();
        // SAFETY: the entry takes the thread and two integers.
        let call: extern "C" fn(&Thread, i64, i64) -> i64 = unsafe { std::mem::transmute(caller.entry()) };
        let target = caller.cell(0).unwrap();
        target.store(divide.entry() as u64, Ordering::Release);
        assert_eq!(call(&thread, 84, 2), 42, "{tier:?}");
        assert_eq!(call(&thread, 84, 0), -41, "{tier:?}: raised");
        target.store(last.entry() as u64, Ordering::Release);
        assert_eq!(call(&thread, 100, 0), 121, "{tier:?}: other code at once");
    }
}

/// Another thread swaps the target of a call and at last sets the flag that the loop polls.
#[test]
fn other_threads_redirect_and_stop_a_running_loop() {
    let space = space();
    for tier in TIERS {
        let [one, two] = [1, 2].map(|n| {
            compile(&space, tier, |b| {
                let sig = b.signature(Signature::internal(&[I], &[I]));
                let args = b.entry("step", sig);
                let sum = b.add(args[0], n);
                b.ret(&[sum]);
            })
        });
        let running = compile(&space, tier, |b| {
            let step = b.signature(Signature::internal(&[I], &[I]));
            let sig = b.signature(Signature::host(&[I], &[I]));
            let target = b.cell(one.entry() as u64);
            let args = b.entry("loop", sig);
            b.set_thread(args[0]);
            let zero = b.iconst(I, 0);
            let (head, p) = b.block(&[I]);
            b.jump((head, &[zero]));
            b.open(head);
            let state = b.frame_state(0, &[FrameValue::Reg(p[0])]);
            b.poll(I, FLAG, state);
            let next = b.call_cell(step, target, &p, Some(state)).one();
            b.mem_add(I, 1, ROUNDS);
            b.jump((head, &[next]));
        });
        let thread = Thread::default();
        // SAFETY: the entry takes the thread.
        let call: extern "C" fn(&Thread) -> i64 = unsafe { std::mem::transmute(running.entry()) };
        let poll = running.exits()[0].point;
        std::thread::scope(|scope| {
            let handle = scope.spawn(|| call(&thread));
            let target: &AtomicU64 = running.cell(0).unwrap();
            for round in 0..20 {
                let code = if round % 2 == 0 { &two } else { &one };
                target.store(code.entry() as u64, Ordering::Release);
                let seen = thread.rounds.load(Ordering::Relaxed);
                while thread.rounds.load(Ordering::Relaxed) < seen + 100 {
                    std::thread::yield_now();
                }
            }
            thread.flag.store(1, Ordering::Release);
            assert_eq!(handle.join().unwrap(), 1000 + i64::from(poll), "{tier:?}: left by the poll");
        });
    }
}

/// A signal stops a thread at a safepoint: its frame state is in the registers and the frame of that moment.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_stopped_thread_shows_the_state_of_its_safepoint() {
    use std::sync::OnceLock;
    static CODE: OnceLock<[Arc<CompiledCode>; 2]> = OnceLock::new();

    /// Ends the process: with 0 if the state is what the test expects.
    extern "C" fn on_trap(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        const ORDER: [i32; 16] = [
            libc::REG_RAX,
            libc::REG_RCX,
            libc::REG_RDX,
            libc::REG_RBX,
            libc::REG_RSP,
            libc::REG_RBP,
            libc::REG_RSI,
            libc::REG_RDI,
            libc::REG_R8,
            libc::REG_R9,
            libc::REG_R10,
            libc::REG_R11,
            libc::REG_R12,
            libc::REG_R13,
            libc::REG_R14,
            libc::REG_R15,
        ];
        // SAFETY: the kernel passes the context of the signal.
        let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
        let mut registers = SavedRegisters::default();
        for (n, name) in ORDER.iter().enumerate() {
            registers.gprs[n] = machine.gregs[*name as usize] as u64;
        }
        for n in 0..16 {
            // SAFETY: the kernel saved these registers.
            let [low, high, ..] = unsafe { (*machine.fpregs)._xmm[n].element };
            registers.fprs[n] = u64::from(high) << 32 | u64::from(low);
        }
        let pc = machine.gregs[libc::REG_RIP as usize] as usize;
        let frame = registers.gprs[5] as *const u8;
        let code = CODE.get().and_then(|codes| codes.iter().find(|c| c.contains(pc)));
        let Some((code, point)) = code.and_then(|c| Some((c, c.safepoint(pc)?))) else { std::process::abort() };
        let mut values = [None; 5];
        for (value, place) in values.iter_mut().zip(code.point_values(point)) {
            // SAFETY: the activation stopped at this point with these registers.
            *value = unsafe { code.read_value(place, frame, &registers) };
        }
        let expected = [Some(6), Some(5), Some(2.5f64.to_bits()), Some(33), None];
        // SAFETY: ends the forked process without running anything of the test harness.
        unsafe { libc::_exit(i32::from(values != expected || code.point(point).map(|p| p.user) != Some(77))) }
    }

    let space = space();
    let codes = TIERS.map(|tier| {
        compile(&space, tier, |b| {
            let sig = b.signature(Signature::host(&[I, I], &[]));
            let args = b.entry("stop", sig);
            let x = b.xor(args[0], args[1]);
            let float = b.int_to_float(Type::F64, args[0]);
            let half = b.f64(-3.5);
            let float = b.fadd(float, half);
            let constant = b.iconst(I, 33);
            let values = [args[0], x, float, constant].map(FrameValue::Reg);
            let state = b.frame_state(77, &[&values[..], &[FrameValue::Dead]].concat());
            b.safepoint(state);
            b.trap(0);
        })
    });
    for code in CODE.get_or_init(|| codes) {
        // SAFETY: the child runs only compiled code and the handler, which allocate nothing and take no locks.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_trap as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut());
                let stop: extern "C" fn(i64, i64) = std::mem::transmute(code.entry());
                stop(6, 3);
                libc::_exit(2);
            }
            let mut status = 0;
            libc::waitpid(child, &mut status, 0);
            status
        };
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status:#x}");
    }
}
