//! Descriptions of machines as data: registers, calling conventions, immediates.

use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

use crate::ir::{Addr, AddrKind, CallConv};
use crate::op::{Constraint, Op};
use crate::types::Type;

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arch {
    /// x86-64 with SSE4.1, LZCNT, TZCNT and POPCNT optional.
    X64,
    /// AArch64 (ARMv8.0, atomics by exclusive loads and stores).
    Aarch64,
}

/// A calling convention: which registers carry what.
#[derive(Clone, Debug)]
pub struct Abi {
    /// Integer arguments, in order.
    pub int_args: Vec<PReg>,
    /// Floating-point arguments, in order.
    pub float_args: Vec<PReg>,
    /// Integer results, in order.
    pub int_rets: Vec<PReg>,
    /// Floating-point results, in order.
    pub float_rets: Vec<PReg>,
    /// Registers that a call may change.
    pub clobbers: PRegSet,
}

/// Where an argument is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgLoc {
    /// In a register.
    Reg(PReg),
    /// On the stack, at this many bytes above the stack pointer at the call instruction; every argument takes
    /// eight bytes.
    Stack(u32),
}

impl Abi {
    /// Where each argument of these types is passed.
    pub fn args<'a>(&'a self, types: &'a [Type]) -> impl Iterator<Item = ArgLoc> + 'a {
        let (mut ints, mut floats, mut stack) = (0, 0, 0);
        types.iter().map(move |ty| {
            let (next, regs) = if ty.is_int() { (&mut ints, &self.int_args) } else { (&mut floats, &self.float_args) };
            match regs.get(*next) {
                Some(&reg) => {
                    *next += 1;
                    ArgLoc::Reg(reg)
                }
                None => {
                    stack += 8;
                    ArgLoc::Stack(stack - 8)
                }
            }
        })
    }

    /// The registers of results of these types; `None` for results past the convention's registers.
    pub fn rets<'a>(&'a self, types: &'a [Type]) -> impl Iterator<Item = Option<PReg>> + 'a {
        let (mut ints, mut floats) = (0, 0);
        types.iter().map(move |ty| {
            let (next, regs) = if ty.is_int() { (&mut ints, &self.int_rets) } else { (&mut floats, &self.float_rets) };
            let reg = regs.get(*next).copied();
            *next += 1;
            reg
        })
    }

    /// Bytes of stack that arguments of these types take, rounded up to 16.
    pub fn stack_bytes(&self, types: &[Type]) -> u32 {
        let on_stack = self.args(types).filter(|a| matches!(a, ArgLoc::Stack(_))).count() as u32;
        (on_stack * 8).next_multiple_of(16)
    }
}

/// A machine, as much of it as passes and allocation need.
///
/// Register numbers are hardware encodings. The registers in no allocatable set are the stack pointer, the frame
/// pointer, the thread register and the scratch registers, which the allocator uses only between instructions and
/// the emitter only within one.
#[derive(Clone, Debug)]
pub struct Target {
    /// The instruction set.
    pub arch: Arch,
    /// Allocatable registers, as regalloc2 takes them.
    pub env: MachineEnv,
    /// The registers that the quick allocator uses: those of `env` that calls may change.
    pub quick_env: MachineEnv,
    /// [`CallConv::Host`].
    pub host: Abi,
    /// [`CallConv::Internal`].
    pub internal: Abi,
    /// Registers that every function preserves for its caller.
    pub callee_saved: PRegSet,
    /// Holds the thread; preserved by calls.
    pub thread: PReg,
    /// The frame pointer.
    pub frame_pointer: PReg,
    /// The stack pointer's encoding.
    pub stack_pointer: PReg,
    /// Integer scratch registers of the emitter; the first is also the allocator's.
    pub scratch: Vec<PReg>,
    /// Floating-point scratch register.
    pub float_scratch: PReg,
    /// Holds the target of `tail_call_ind`: neither an argument register nor callee-saved nor scratch.
    pub tail_call: PReg,
    /// Whether results overwrite their first operand.
    pub two_address: bool,
    /// Whether operands may be spill slots.
    pub memory_operands: bool,
    /// Variable shift counts, if they need a certain register.
    pub shift_count: Option<PReg>,
    /// Quotient and low product, remainder and high product, if they need certain registers.
    pub mul_div: Option<(PReg, PReg)>,
}

const fn int(n: usize) -> PReg {
    PReg::new(n, RegClass::Int)
}

const fn float(n: usize) -> PReg {
    PReg::new(n, RegClass::Float)
}

fn set(regs: impl IntoIterator<Item = PReg>) -> PRegSet {
    let mut out = PRegSet::empty();
    for r in regs {
        out.add(r);
    }
    out
}

fn preferred_only(env: &MachineEnv) -> MachineEnv {
    MachineEnv { non_preferred_regs_by_class: [PRegSet::empty(); 3], ..env.clone() }
}

impl Target {
    /// x86-64, System V convention. Thread in r15, scratch r11 and xmm15.
    pub fn x64() -> Target {
        let [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi] = [0, 1, 2, 3, 4, 5, 6, 7].map(int);
        let caller = [rax, rcx, rdx, rsi, rdi, int(8), int(9), int(10)];
        let callee = [rbx, int(12), int(13), int(14)];
        let clobbers = set(caller.into_iter().chain([int(11)]).chain((0..16).map(float)));
        let host = Abi {
            int_args: vec![rdi, rsi, rdx, rcx, int(8), int(9)],
            float_args: (0..8).map(float).collect(),
            int_rets: vec![rax, rdx],
            float_rets: vec![float(0), float(1)],
            clobbers,
        };
        let mut internal = host.clone();
        internal.int_args.push(int(10));
        let env = MachineEnv {
            preferred_regs_by_class: [set(caller), set((0..15).map(float)), PRegSet::empty()],
            non_preferred_regs_by_class: [set(callee), PRegSet::empty(), PRegSet::empty()],
            scratch_by_class: [Some(int(11)), Some(float(15)), None],
            fixed_stack_slots: Vec::new(),
        };
        Target {
            arch: Arch::X64,
            quick_env: preferred_only(&env),
            env,
            host,
            internal,
            callee_saved: set(callee),
            thread: int(15),
            frame_pointer: rbp,
            stack_pointer: rsp,
            scratch: vec![int(11)],
            float_scratch: float(15),
            tail_call: rax,
            two_address: true,
            memory_operands: true,
            shift_count: Some(rcx),
            mul_div: Some((rax, rdx)),
        }
    }

    /// AArch64, AAPCS64 convention. Thread in x28, scratch x16, x17 and v31; x18 is left to the platform.
    pub fn aarch64() -> Target {
        let caller = (0..16).map(int);
        let callee = (19..28).map(int);
        let clobbers = set((0..18).map(int).chain((0..8).map(float)).chain((16..32).map(float)));
        let host = Abi {
            int_args: (0..8).map(int).collect(),
            float_args: (0..8).map(float).collect(),
            int_rets: vec![int(0), int(1)],
            float_rets: vec![float(0), float(1)],
            clobbers,
        };
        let env = MachineEnv {
            preferred_regs_by_class: [set(caller), set((0..8).map(float).chain((16..31).map(float))), PRegSet::empty()],
            non_preferred_regs_by_class: [set(callee.clone()), set((8..16).map(float)), PRegSet::empty()],
            scratch_by_class: [Some(int(16)), Some(float(31)), None],
            fixed_stack_slots: Vec::new(),
        };
        Target {
            arch: Arch::Aarch64,
            quick_env: preferred_only(&env),
            env,
            internal: host.clone(),
            host,
            callee_saved: set(callee.chain((8..16).map(float))),
            thread: int(28),
            frame_pointer: int(29),
            stack_pointer: int(31),
            scratch: vec![int(16), int(17)],
            float_scratch: float(31),
            tail_call: int(9),
            two_address: false,
            memory_operands: false,
            shift_count: None,
            mul_div: None,
        }
    }

    /// The machine this program runs on; x86-64 where it is neither of both.
    pub fn host() -> Target {
        if cfg!(target_arch = "aarch64") { Target::aarch64() } else { Target::x64() }
    }

    /// The convention's registers.
    pub fn abi(&self, conv: CallConv) -> &Abi {
        match conv {
            CallConv::Host => &self.host,
            CallConv::Internal => &self.internal,
        }
    }

    /// The integer operand of `op` may be this immediate.
    pub fn imm_fits(&self, op: Op, ty: Type, imm: i64) -> bool {
        let shift = matches!(op.info().constraint, Constraint::Shift);
        match self.arch {
            Arch::X64 => shift || ty.bits() <= 32 || i32::try_from(imm).is_ok(),
            Arch::Aarch64 => {
                shift
                    || match op {
                        Op::Add | Op::Sub | Op::AddOvf | Op::SubOvf | Op::AddFlags | Op::SubFlags => arith_imm(imm),
                        Op::And | Op::Or | Op::Xor => logical_imm(ty, imm),
                        Op::Icmp | Op::SelectIcmp | Op::GuardIcmp | Op::BrIcmp => arith_imm(imm),
                        Op::Store => imm == 0,
                        _ => false,
                    }
            }
        }
    }

    /// As [`Target::imm_fits`] for the comparison with condition `Tz` or `Tnz`.
    pub fn test_imm_fits(&self, ty: Type, imm: i64) -> bool {
        match self.arch {
            Arch::X64 => self.imm_fits(Op::And, ty, imm),
            Arch::Aarch64 => logical_imm(ty, imm),
        }
    }

    /// The operation, accessing a value of type `ty`, may use this address as it is.
    pub fn addr_fits(&self, op: Op, ty: Type, addr: &Addr) -> bool {
        let bytes = ty.bytes();
        match self.arch {
            Arch::X64 => true,
            Arch::Aarch64 if matches!(op, Op::AtomicAdd | Op::AtomicFetchAdd | Op::AtomicCas) => {
                addr.kind == AddrKind::Base && addr.index.is_none() && addr.disp == 0
            }
            Arch::Aarch64 if op == Op::Lea => match addr.kind {
                AddrKind::Cell | AddrKind::Stack | AddrKind::Frame => true,
                AddrKind::Base if addr.index.is_some() => addr.disp == 0,
                AddrKind::Base | AddrKind::Thread => arith_imm(addr.disp.into()),
            },
            Arch::Aarch64 => match addr.kind {
                AddrKind::Cell | AddrKind::Stack | AddrKind::Frame => true,
                AddrKind::Base if addr.index.is_some() => {
                    addr.disp == 0 && (addr.scale == 0 || 1 << addr.scale == bytes)
                }
                AddrKind::Base | AddrKind::Thread => {
                    let (d, b) = (addr.disp, bytes as i32);
                    (-256..256).contains(&d) || (d >= 0 && d % b == 0 && d / b < 4096)
                }
            },
        }
    }

    /// The same machine with at most this many allocatable registers of each class, but always those which fixed
    /// constraints name: for tests that must spill.
    pub fn restricted(mut self, regs: usize) -> Target {
        let fixed = {
            // Compiled code calls and is called by the host: its argument registers stay.
            let host = [&self.host.int_args, &self.host.float_args, &self.host.int_rets, &self.host.float_rets];
            let mut s = set(host.into_iter().flatten().copied());
            for r in self.shift_count.into_iter().chain(self.mul_div.into_iter().flat_map(|(a, b)| [a, b])) {
                s.add(r);
            }
            s.add(self.tail_call);
            s
        };
        for class in 0..2 {
            let mut keep = PRegSet::empty();
            let mut n = 0;
            for r in &self.env.preferred_regs_by_class[class] {
                if n < regs || fixed.contains(r) {
                    keep.add(r);
                    n += 1;
                }
            }
            self.env.preferred_regs_by_class[class] = keep;
            self.env.non_preferred_regs_by_class[class] = PRegSet::empty();
        }
        self.quick_env = self.env.clone();
        self.internal.int_args.retain(|r| self.env.preferred_regs_by_class[r.class() as usize].contains(*r));
        self
    }
}

/// Whether an A64 add, subtract or compare takes this immediate (or its negation, by exchanging add and subtract).
fn arith_imm(imm: i64) -> bool {
    let k = imm.unsigned_abs();
    k < 1 << 12 || (k & 0xfff == 0 && k < 1 << 24)
}

/// Whether an A64 logical instruction takes this immediate: a rotated run of ones, repeated.
fn logical_imm(ty: Type, imm: i64) -> bool {
    let bits = if ty.bits() == 64 {
        imm as u64
    } else {
        let low = imm as u64 & 0xffff_ffff;
        low | low << 32
    };
    if bits == 0 || bits == u64::MAX {
        return false;
    }
    let mut width = 64;
    while width > 2 && bits == bits.rotate_right(width / 2) {
        width /= 2;
    }
    let mask = u64::MAX >> (64 - width);
    let element = bits & mask;
    let rotated = |r: u32| ((element >> r) | (element << ((width - r) % width))) & mask;
    (0..width).any(|r| {
        let e = rotated(r);
        e & (e + 1) == 0
    })
}
