//! Every operation of the assemblers in every form, as a disassembler reads it.
//!
//! `tests/encoders/*.txt` hold what is expected: one line for each operation, then its instructions. They were read
//! by people; `BLESS=1` writes them anew after a change, to be read again.

use capstone::prelude::*;
use cinder_codegen::masm::aarch64::Aarch64Masm;
use cinder_codegen::masm::x64::{Features, X64Masm};
use cinder_codegen::masm::{
    AluOp, Base, DivKind, Extend, FloatOp, FloatUnaryOp, Fpr, FprMem, FrameShape, Gpr, GprMem, Masm, Mem, Rhs, ShiftOp,
    Target, UnaryOp,
};
use cinder_codegen::reloc::Ref;
use cinder_lir::{FloatCC, IntCC, Type};
use std::fmt::Write;

const INTS: [Type; 2] = [Type::I32, Type::I64];
const NARROW: [Type; 4] = [Type::I8, Type::I16, Type::I32, Type::I64];
const FLOATS: [Type; 2] = [Type::F32, Type::F64];

/// Collects operations: a description and the code of each.
struct Book<M> {
    lines: Vec<(String, Vec<u8>)>,
    new: fn() -> M,
    /// Results take the place of their first operand, and operands may be in memory.
    x64: bool,
}

impl<M: Masm> Book<M> {
    fn add(&mut self, what: String, emit: impl FnOnce(&mut M)) {
        let mut m = (self.new)();
        emit(&mut m);
        let (assembled, _) = m.finish(&[]);
        self.lines.push((what, assembled.code[..assembled.code_len as usize].to_vec()));
    }

    /// The destination of an operation on `a`.
    fn dst(&self, a: Gpr) -> Gpr {
        if self.x64 { a } else { Gpr(9) }
    }

    fn fdst(&self, a: Fpr) -> Fpr {
        if self.x64 { a } else { Fpr(9) }
    }

    fn operands(&self) -> Vec<Rhs> {
        let mut out = vec![Rhs::Reg(Gpr(8)), Rhs::Imm(5), Rhs::Imm(-7), Rhs::Imm(0x1000), Rhs::Imm(0x1234_5678)];
        if self.x64 {
            out.push(Rhs::Mem(Mem::at(Gpr(5), -24)));
        }
        out
    }

    fn all(&mut self) {
        self.moves();
        self.integers();
        self.floats();
        self.comparisons();
        self.memory();
        self.flow();
    }

    fn moves(&mut self) {
        self.add("mov r3, r12".into(), |m| m.mov(Gpr(3), Gpr(12)));
        for value in [
            0,
            1,
            0xffff,
            0x1_0000,
            0x1234_5678,
            0xffff_ffff,
            0x1234_5678_9abc_def0,
            u64::MAX,
            -5i64 as u64,
            0x00ff_00ff_00ff_00ff,
        ] {
            self.add(format!("mov_imm r10, {value:#x}"), |m| m.mov_imm(Gpr(10), value));
        }
        self.add("fmov f1, f14".into(), |m| m.fmov(Fpr(1), Fpr(14)));
        for (ty, bits) in
            [(Type::F64, 0), (Type::F64, 1.5f64.to_bits()), (Type::F32, 0), (Type::F32, u64::from(2.5f32.to_bits()))]
        {
            self.add(format!("fconst.{ty} f9, {bits:#x}"), |m| m.fconst(ty, Fpr(9), bits));
        }
        self.add("sym_addr r9".into(), |m| m.sym_addr(Gpr(9), Ref::Symbol(0)));
        for ty in FLOATS {
            self.add(format!("bits_of.{ty} r9, f3"), |m| m.bits_of(ty, Gpr(9), Fpr(3)));
            self.add(format!("from_bits.{ty} f3, r9"), |m| m.float_of(ty, Fpr(3), Gpr(9)));
        }
    }

    fn integers(&mut self) {
        let a = Gpr(3);
        let dst = self.dst(a);
        for ty in INTS {
            for op in [AluOp::Add, AluOp::Sub, AluOp::And, AluOp::Or, AluOp::Xor] {
                for b in self.operands() {
                    self.add(format!("{op:?}.{ty} {dst:?}, {a:?}, {b:?}"), |m| m.alu(op, ty, dst, a, b));
                }
                if matches!(op, AluOp::Add | AluOp::Sub) {
                    for b in self.operands() {
                        self.add(format!("{op:?}_overflow.{ty} {dst:?}, {a:?}, {b:?}"), |m| {
                            m.alu_overflow(op, ty, dst, a, b);
                        });
                    }
                }
            }
            for b in self.operands() {
                let dst = if matches!(b, Rhs::Imm(_)) { Gpr(9) } else { dst };
                self.add(format!("mul.{ty} {dst:?}, {a:?}, {b:?}"), |m| m.mul(ty, dst, GprMem::Reg(a), b));
                self.add(format!("mul_overflow.{ty} {dst:?}, {a:?}, {b:?}"), |m| {
                    m.mul_overflow(ty, dst, GprMem::Reg(a), b);
                });
            }
            for op in [ShiftOp::Shl, ShiftOp::Shr, ShiftOp::Sar, ShiftOp::Rotl, ShiftOp::Rotr] {
                for count in [Rhs::Imm(3), Rhs::Imm(31), Rhs::Reg(Gpr(1))] {
                    self.add(format!("{op:?}.{ty} {dst:?}, {a:?}, {count:?}"), |m| m.shift(op, ty, dst, a, count));
                }
            }
            for op in [UnaryOp::Neg, UnaryOp::Not, UnaryOp::Clz, UnaryOp::Ctz, UnaryOp::Popcnt, UnaryOp::Bswap] {
                let dst = if matches!(op, UnaryOp::Clz | UnaryOp::Ctz | UnaryOp::Popcnt) { Gpr(9) } else { dst };
                self.add(format!("{op:?}.{ty} {dst:?}, {a:?}"), |m| m.unary(op, ty, dst, a));
            }
            for signed in [true, false] {
                let (a, dst) = if self.x64 { (Gpr(0), Gpr(2)) } else { (a, dst) };
                self.add(format!("mul_high.{ty} signed={signed} {dst:?}, {a:?}, r8"), |m| {
                    m.mul_high(signed, ty, dst, a, GprMem::Reg(Gpr(8)));
                });
            }
            for kind in [DivKind::Sdiv, DivKind::Udiv, DivKind::Srem, DivKind::Urem] {
                let remainder = matches!(kind, DivKind::Srem | DivKind::Urem);
                let (a, dst) = if self.x64 { (Gpr(0), Gpr(if remainder { 2 } else { 0 })) } else { (a, dst) };
                self.add(format!("{kind:?}.{ty} {dst:?}, {a:?}, r8"), |m| {
                    let (zero, overflow) = (m.label(), m.label());
                    m.div(kind, ty, dst, a, GprMem::Reg(Gpr(8)), zero, overflow);
                    m.bind(zero);
                    m.bind(overflow);
                });
            }
            for from in NARROW.into_iter().filter(|f| f.bits() < ty.bits()) {
                for signed in [true, false] {
                    self.add(format!("extend.{ty} from {from} signed={signed} r9, r6"), |m| {
                        m.extend(signed, ty, from, Gpr(9), GprMem::Reg(Gpr(6)));
                    });
                }
            }
        }
    }

    fn floats(&mut self) {
        let (a, b) = (Fpr(2), Fpr(12));
        let dst = self.fdst(a);
        for ty in FLOATS {
            for op in [FloatOp::Add, FloatOp::Sub, FloatOp::Mul, FloatOp::Div] {
                self.add(format!("f{op:?}.{ty} {dst:?}, {a:?}, {b:?}"), |m| m.fbin(op, ty, dst, a, FprMem::Reg(b)));
                if self.x64 {
                    let slot = Mem::at(Gpr(5), -40);
                    self.add(format!("f{op:?}.{ty} {dst:?}, slot"), |m| m.fbin(op, ty, dst, a, FprMem::Mem(slot)));
                }
            }
            for op in [FloatUnaryOp::Neg, FloatUnaryOp::Abs] {
                self.add(format!("{op:?}.{ty} {dst:?}, {a:?}"), |m| m.funary(op, ty, dst, a));
            }
            for op in [
                FloatUnaryOp::Sqrt,
                FloatUnaryOp::Floor,
                FloatUnaryOp::Ceil,
                FloatUnaryOp::Trunc,
                FloatUnaryOp::Nearest,
            ] {
                self.add(format!("{op:?}.{ty} f9, {a:?}"), |m| m.funary(op, ty, Fpr(9), a));
            }
            for int in INTS {
                self.add(format!("int_to_float.{ty} from {int} f9, r8"), |m| m.int_to_float(ty, int, Fpr(9), Gpr(8)));
                self.add(format!("float_to_int.{int} from {ty} r8, f9"), |m| m.float_to_int(int, ty, Gpr(8), Fpr(9)));
            }
            let other = if ty == Type::F32 { Type::F64 } else { Type::F32 };
            self.add(format!("fcvt.{ty} from {other} f9, f1"), |m| m.fcvt(ty, other, Fpr(9), Fpr(1)));
        }
    }

    fn comparisons(&mut self) {
        for cc in IntCC::ALL {
            self.add(format!("cmp.i64 {} r3, r8; set r9", cc.name()), |m| {
                let cond = m.cmp(cc, Type::I64, Gpr(3), Rhs::Reg(Gpr(8)));
                m.set(cond, Gpr(9));
            });
        }
        for ty in INTS {
            for b in self.operands() {
                for cc in [IntCC::Slt, IntCC::Tz] {
                    self.add(format!("cmp.{ty} {} r3, {b:?}", cc.name()), |m| {
                        m.cmp(cc, ty, Gpr(3), b);
                    });
                }
            }
            self.add(format!("cmp.{ty} eq r3, 0"), |m| {
                m.cmp(IntCC::Eq, ty, Gpr(3), Rhs::Imm(0));
            });
        }
        for ty in NARROW {
            for b in [Rhs::Reg(Gpr(8)), Rhs::Imm(1), Rhs::Imm(100), Rhs::Imm(-3)] {
                for cc in [IntCC::Ult, IntCC::Sge, IntCC::Tnz] {
                    self.add(format!("cmp_mem.{ty} {} [r3 + 16], {b:?}", cc.name()), |m| {
                        m.cmp_mem(cc, ty, Mem::at(Gpr(3), 16), b);
                    });
                }
            }
        }
        for cc in FloatCC::ALL {
            self.add(format!("fcmp.f64 {} f2, f12; set r9", cc.name()), |m| {
                let cond = m.fcmp(cc, Type::F64, Fpr(2), FprMem::Reg(Fpr(12)));
                m.set(cond, Gpr(9));
            });
            self.add(format!("fcmp.f32 {} f2, f12; jump_if, branch", cc.name()), |m| {
                let (yes, no) = (m.label(), m.label());
                let cond = m.fcmp(cc, Type::F32, Fpr(2), FprMem::Reg(Fpr(12)));
                m.jump_if(cond, yes);
                m.branch(M::negate(cond), yes, no);
                m.bind(no);
                m.bind(yes);
            });
        }
        for cc in [FloatCC::Eq, FloatCC::Ne, FloatCC::Lt] {
            let (no, fno) = (Gpr(6), Fpr(6));
            let (dst, fdst) = (self.dst(no), self.fdst(fno));
            self.add(format!("select {} {dst:?}, r8, {no:?}", cc.name()), |m| {
                let cond = m.fcmp(cc, Type::F64, Fpr(2), FprMem::Reg(Fpr(12)));
                m.select(cond, dst, GprMem::Reg(Gpr(8)), no);
            });
            for ty in FLOATS {
                self.add(format!("fselect.{ty} {} {fdst:?}, f8, {fno:?}", cc.name()), |m| {
                    let cond = m.fcmp(cc, Type::F64, Fpr(2), FprMem::Reg(Fpr(12)));
                    m.fselect(cond, ty, fdst, FprMem::Reg(Fpr(8)), fno);
                });
            }
        }
        for cc in IntCC::ALL {
            let dst = self.dst(Gpr(6));
            self.add(format!("select {} {dst:?}, r8, r6; jump_if", cc.name()), |m| {
                let out = m.label();
                let cond = m.cmp(cc, Type::I32, Gpr(3), Rhs::Imm(9));
                m.select(cond, dst, GprMem::Reg(Gpr(8)), Gpr(6));
                m.jump_if(cond, out);
                m.bind(out);
            });
        }
    }

    fn memory(&mut self) {
        let mut places = vec![
            Mem::at(Gpr(3), 0),
            Mem::at(Gpr(12), 8),
            Mem::at(Gpr(13), -16),
            Mem::at(Gpr(5), 4096),
            Mem::at(Gpr(4), 8),
            Mem { base: Base::Reg(Gpr(3)), index: Some((Gpr(10), 0)), disp: 0 },
            Mem::symbol(Ref::Cell(0)),
        ];
        self.add("cmp.i64 scratch, [r3 + 8]".into(), |m| {
            m.cmp(IntCC::Ult, Type::I64, M::scratch(), Rhs::Mem(Mem::at(Gpr(3), 8)));
        });
        let frame = Gpr(if self.x64 { 5 } else { 29 });
        for (reg, disp) in [(0, -8), (7, -128), (8, -136), (15, 120), (12, 128)] {
            let mem = Mem::at(frame, disp);
            self.add(format!("load.i64 r{reg}, [frame + {disp}]"), |m| m.load(Type::I64, Extend::None, Gpr(reg), mem));
            self.add(format!("store.i64 r{reg}, [frame + {disp}]"), |m| m.store(Type::I64, Gpr(reg), mem));
        }
        if !self.x64 {
            places.push(Mem::at(Gpr(31), 8));
            places.push(Mem::at(Gpr(29), -4000));
            places.push(Mem { base: Base::Reg(Gpr(3)), index: Some((Gpr(10), 3)), disp: 40 });
        }
        for mem in places {
            for ty in NARROW {
                for extend in [Extend::None, Extend::Zero, Extend::Sign] {
                    self.add(format!("load.{ty} {extend:?} r9, {mem:?}"), |m| m.load(ty, extend, Gpr(9), mem));
                }
                self.add(format!("store.{ty} r6, {mem:?}"), |m| m.store(ty, Gpr(6), mem));
                self.add(format!("store_imm.{ty} 0, {mem:?}"), |m| m.store_imm(ty, 0, mem));
                self.add(format!("store_imm.{ty} -3, {mem:?}"), |m| m.store_imm(ty, -3, mem));
            }
            for ty in FLOATS {
                self.add(format!("fload.{ty} f9, {mem:?}"), |m| m.fload(ty, Fpr(9), mem));
                self.add(format!("fstore.{ty} f9, {mem:?}"), |m| m.fstore(ty, Fpr(9), mem));
            }
            self.add(format!("lea r9, {mem:?}"), |m| m.lea(Gpr(9), mem));
        }
        for scale in 1..4u8 {
            let mem =
                Mem { base: Base::Reg(Gpr(3)), index: Some((Gpr(10), scale)), disp: if self.x64 { 24 } else { 0 } };
            let ty = NARROW[usize::from(scale)];
            self.add(format!("load.{ty} r9, scaled by {}", 1 << scale), |m| m.load(ty, Extend::None, Gpr(9), mem));
        }
        for ty in NARROW {
            for value in [Rhs::Reg(Gpr(8)), Rhs::Imm(1), Rhs::Imm(100)] {
                self.add(format!("mem_add.{ty} [r3 + 8], {value:?}"), |m| m.mem_add(ty, Mem::at(Gpr(3), 8), value));
            }
        }
        for ty in INTS {
            for value in [Rhs::Reg(Gpr(8)), Rhs::Imm(1), Rhs::Imm(1000)] {
                self.add(format!("atomic_add.{ty} [r3 + 8], {value:?}"), |m| {
                    m.atomic_add(ty, Mem::at(Gpr(3), 8), value, Some(Gpr(12)));
                });
            }
            let dst = self.dst(Gpr(8));
            self.add(format!("atomic_fetch_add.{ty} {dst:?}, r8, [r3 + 8]"), |m| {
                m.atomic_fetch_add(ty, dst, Gpr(8), Mem::at(Gpr(3), 8), Some(Gpr(12)));
            });
            let (dst, expected) = if self.x64 { (Gpr(0), Gpr(0)) } else { (Gpr(9), Gpr(6)) };
            self.add(format!("atomic_cas.{ty} {dst:?}, {expected:?}, r8, [r3 + 8]"), |m| {
                m.atomic_cas(ty, dst, expected, Gpr(8), Mem::at(Gpr(3), 8));
            });
        }
        self.add("count_down".into(), |m| {
            m.count_down(0x1234_5678_9000);
        });
    }

    fn flow(&mut self) {
        self.add("jump back".into(), |m| {
            let top = m.label();
            m.bind(top);
            m.mov(Gpr(3), Gpr(6));
            m.jump(top);
        });
        self.add("switch.i32 r3, tmp r6, 3 targets".into(), |m| {
            let targets = [m.label(), m.label(), m.label()];
            let default = m.label();
            m.switch(Type::I32, Gpr(3), Gpr(6), &targets, default);
            for label in targets.into_iter().chain([default]) {
                m.bind(label);
            }
        });
        for target in [
            Target::Symbol(Ref::Symbol(0)),
            Target::Reg(Gpr(10)),
            Target::Mem(Mem::symbol(Ref::Cell(0))),
            Target::Mem(Mem::at(Gpr(3), 8)),
        ] {
            self.add(format!("call {target:?}"), |m| m.call(target));
            self.add(format!("jump_out {target:?}"), |m| m.jump_out(target));
        }
        self.add("ret".into(), |m| m.ret());
        self.add("trap 7".into(), |m| m.trap(7));
        let saved = if self.x64 { vec![Gpr(3), Gpr(12)] } else { vec![Gpr(19), Gpr(20)] };
        let saved_fprs = if self.x64 { vec![] } else { vec![Fpr(8)] };
        for (gprs, fprs, locals) in [
            (vec![], vec![], 0),
            (vec![], vec![], 64),
            (saved.clone(), saved_fprs.clone(), 0),
            (saved, saved_fprs, 5000),
        ] {
            let shape = FrameShape { saved_gprs: gprs, saved_fprs: fprs, locals };
            self.add(format!("prologue, epilogue {shape:?}"), |m| {
                m.prologue(&shape);
                m.epilogue(&shape);
                m.ret();
                m.after_epilogue();
            });
        }
        for id in [1, 300, 70_000] {
            self.add(format!("exit_stub {id}"), |m| {
                let tail = m.label();
                m.exit_stub(id, tail);
                m.bind(tail);
                m.exit_tail(&FrameShape::default());
            });
        }
        let thread = if self.x64 { Gpr(15) } else { Gpr(28) };
        self.add("common_exit".into(), |m| m.common_exit(thread, 0x1234_5678_9abc));
    }
}

fn check(name: &str, cs: &Capstone, lines: &[(String, Vec<u8>)]) {
    let mut text = String::new();
    for (what, code) in lines {
        writeln!(text, "{what}").unwrap();
        let insns = cs.disasm_all(code, 0x1000).unwrap();
        let mut read = 0;
        for i in insns.iter() {
            read += i.bytes().len();
            writeln!(text, "    {} {}", i.mnemonic().unwrap_or("?"), i.op_str().unwrap_or("?")).unwrap();
        }
        if read != code.len() {
            // Only jump tables may be unreadable.
            assert!(what.starts_with("switch"), "{what}: {} bytes of {} are instructions", read, code.len());
            writeln!(text, "    and {} bytes of table", code.len() - read).unwrap();
        }
    }
    let path = format!("{}/tests/encoders/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (n, (have, want)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(have, want, "{path}:{}", n + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{path}");
}

#[test]
fn x64_forms() {
    let cs = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).build().unwrap();
    for (name, bit_counts) in [("x64", true), ("x64-v2", false)] {
        let new = if bit_counts {
            || X64Masm::with_features(Features { bit_counts: true })
        } else {
            || X64Masm::with_features(Features { bit_counts: false })
        };
        let mut book = Book { lines: Vec::new(), new, x64: true };
        if bit_counts {
            book.all();
        } else {
            book.integers();
            book.lines.retain(|(what, _)| what.starts_with("Clz") || what.starts_with("Ctz"));
        }
        check(name, &cs, &book.lines);
    }
}

#[test]
fn aarch64_forms() {
    let cs = Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build().unwrap();
    let mut book = Book { lines: Vec::new(), new: Aarch64Masm::new, x64: false };
    book.all();
    check("aarch64", &cs, &book.lines);
}

/// Whole functions for AArch64: every word is an instruction, and what the tables say lies on instructions.
#[test]
fn aarch64_functions_decode() {
    use cinder_codegen::compiler::Compiler;
    use cinder_lir::alloc::{AllocOptions, Target, Tier};
    let cs = Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build().unwrap();
    let mut decoded = 0;
    for seed in 0..40 {
        for tier in [Tier::Quick, Tier::Optimising] {
            for clobber_every in [None, Some(3)] {
                let mut func = cinder_lir::fuzzing::function(seed, &cinder_lir::fuzzing::Config::default());
                let mut compiler = Compiler::new(Target::aarch64());
                compiler.alloc_options = AllocOptions { check: true, clobber_every, ..AllocOptions::default() };
                let (alloc, lowered) = compiler.lower(&mut func, tier).unwrap();
                let code = &lowered.assembled.code[..lowered.assembled.code_len as usize];
                let insns = cs.disasm_all(code, 0).unwrap();
                let read: usize = insns.iter().map(|i| i.bytes().len()).sum();
                let has_table = func.insts().iter().any(|i| i.op == cinder_lir::Op::Switch);
                assert!(read == code.len() || has_table, "seed {seed}: undecodable at {read:#x}");
                decoded += insns.len();
                let target = |at: u32| insns.iter().find(|i| i.address() == u64::from(at));
                for call in lowered.calls.iter().filter(|c| (c.return_offset as usize) < read) {
                    let before = target(call.return_offset - 4).expect("aligned");
                    assert!(before.mnemonic().unwrap().starts_with("bl"), "seed {seed}: {before}");
                }
                for exit in lowered.exits.iter().filter(|e| (e.offset as usize) < read) {
                    assert!(target(exit.offset).unwrap().op_str().unwrap().contains("16, #"), "seed {seed}");
                }
                for reloc in &lowered.assembled.relocs {
                    assert_eq!(reloc.offset % 4, 0);
                    assert!(reloc.offset < lowered.assembled.code_len);
                }
                assert!(alloc.deopt_points().len() >= lowered.exits.len());
            }
        }
    }
    assert!(decoded > 10_000);
}
