//! Jumps, branches, tables, calls.

use super::{
    Aarch64Masm, Cond, Extend, Gpr, GprMem, IntCC, Label, LabelUse, MachLabel, Masm, OperandSize, Reloc, RelocKind,
    Rhs, Target, Type, X16, mach,
};

impl Aarch64Masm {
    fn branch19(&mut self, word: u32, label: MachLabel) {
        let offset = self.buf.cur_offset();
        self.buf.use_label_at_offset(offset, label, LabelUse::Branch19);
        self.word(word);
    }

    /// `b.cond` outside the reach of branch folding.
    pub(super) fn side_exit(&mut self, cond: Cond, label: MachLabel) {
        self.branch19(0x5400_0000 | cond.bits(), label);
    }

    /// `cbz`.
    pub(super) fn branch_zero(&mut self, size: OperandSize, reg: Gpr, label: MachLabel) {
        self.branch19(0x3400_0000 | size.sf_bit() << 31 | u32::from(reg.0), label);
    }

    /// `cbnz`.
    pub(super) fn branch_nonzero(&mut self, size: OperandSize, reg: Gpr, label: MachLabel) {
        self.branch19(0x3500_0000 | size.sf_bit() << 31 | u32::from(reg.0), label);
    }

    /// A table of distances from the table itself, right behind the jump.
    pub(super) fn jump_table(&mut self, ty: Type, index: Gpr, tmp: Gpr, targets: &[Label], default: Label) {
        if targets.is_empty() {
            return self.jump(default);
        }
        let index = if ty.bits() < 64 {
            self.extend(false, Type::I64, ty, X16, GprMem::Reg(index));
            X16
        } else {
            index
        };
        let count = targets.len() as i64;
        if count < 4096 {
            self.compare(IntCC::Uge, Type::I64, index, Rhs::Imm(count));
        } else {
            self.mov_imm(tmp, count as u64);
            self.compare(IntCC::Uge, Type::I64, index, Rhs::Reg(tmp));
        }
        self.side_exit(Cond::Hs, mach(default));
        let (rd, rn) = (u32::from(tmp.0), u32::from(index.0));
        // adr tmp, table; ldrsw x16, [tmp, index, lsl #2]; add tmp, tmp, x16; br tmp
        self.word(0x1000_0000 | 4 << 5 | rd);
        self.word(0xb8a0_7800 | rn << 16 | rd << 5 | u32::from(X16.0));
        self.word(0x8b00_0000 | u32::from(X16.0) << 16 | rd << 5 | rd);
        self.word(0xd61f_0000 | rd << 5);
        let start = self.buf.cur_offset();
        for target in targets {
            let at = self.buf.cur_offset();
            self.buf.use_label_at_offset(at, mach(*target), LabelUse::PCRel32);
            // The fixup measures from the entry; the addend makes it measure from the table.
            self.word(at - start);
        }
    }

    /// A call, or a jump that does not come back.
    pub(super) fn leave(&mut self, target: Target, call: bool) {
        match target {
            Target::Symbol(symbol) => {
                let offset = self.buf.cur_offset();
                self.relocs.push(Reloc { offset, kind: RelocKind::Arm64Call, symbol, addend: 0 });
                self.word(if call { 0x9400_0000 } else { 0x1400_0000 });
            }
            Target::Reg(r) => {
                let rn = u32::from(r.0) << 5;
                self.word(if call { 0xd63f_0000 } else { 0xd61f_0000 } | rn);
            }
            Target::Mem(m) => {
                self.load_int(Type::I64, Extend::None, X16, m);
                self.leave(Target::Reg(X16), call);
            }
        }
    }
}
