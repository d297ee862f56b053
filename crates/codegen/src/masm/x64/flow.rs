//! Jumps, branches, tables, calls.

use super::regs::R11;
use super::{Cond, Gpr, IntCC, Label, LabelUse, MachLabel, Mem, Reloc, RelocKind, Rhs, Target, Type, X64Masm, asm};
use super::{cc, emit, emit_plain, mach};

impl X64Masm {
    /// `jcc` outside the reach of branch folding.
    pub(super) fn side_exit(&mut self, cond: Cond, label: MachLabel) {
        match cond {
            Cond::Flag(code) => self.jcc(code, label),
            Cond::UnorderedNotEqual => {
                self.jcc(cc::P, label);
                self.jcc(cc::NE, label);
            }
            Cond::OrderedEqual => {
                let skip = self.buf.get_label();
                self.jcc(cc::P, skip);
                self.jcc(cc::E, label);
                self.bind_mach(skip);
            }
        }
    }

    fn jcc(&mut self, code: u8, label: MachLabel) {
        let start = self.buf.cur_offset();
        self.buf.use_label_at_offset(start + 2, label, LabelUse::JmpRel32);
        self.buf.put_data(&[0x0f, 0x80 | code, 0, 0, 0, 0]);
    }

    /// A jump inside a sequence, not folded.
    pub(super) fn jump_near(&mut self, label: MachLabel) {
        let start = self.buf.cur_offset();
        self.buf.use_label_at_offset(start + 1, label, LabelUse::JmpRel32);
        emit_plain!(self, jmp_d32(0));
    }

    pub(super) fn jump_label(&mut self, label: MachLabel) {
        let start = self.buf.cur_offset();
        self.buf.use_label_at_offset(start + 1, label, LabelUse::JmpRel32);
        self.buf.add_uncond_branch(start, start + 5, label);
        emit_plain!(self, jmp_d32(0));
    }

    pub(super) fn branch_labels(&mut self, cond: Cond, yes: MachLabel, no: MachLabel) {
        match cond {
            Cond::Flag(code) => {
                let start = self.buf.cur_offset();
                self.buf.use_label_at_offset(start + 2, yes, LabelUse::JmpRel32);
                let inverted = [0x0f, 0x80 | (code ^ 1), 0, 0, 0, 0];
                self.buf.add_cond_branch(start, start + 6, yes, &inverted);
                self.buf.put_data(&[0x0f, 0x80 | code, 0, 0, 0, 0]);
                self.jump_label(no);
            }
            Cond::UnorderedNotEqual => {
                self.jcc(cc::P, yes);
                self.branch_labels(Cond::Flag(cc::NE), yes, no);
            }
            Cond::OrderedEqual => {
                self.jcc(cc::P, no);
                self.branch_labels(Cond::Flag(cc::E), yes, no);
            }
        }
    }

    /// A table of distances from the table itself.
    pub(super) fn jump_table(&mut self, ty: Type, index: Gpr, tmp: Gpr, targets: &[Label], default: Label) {
        if targets.is_empty() {
            return self.jump_label(mach(default));
        }
        let index = match ty {
            Type::I8 | Type::I16 | Type::I32 => {
                self.extend_int(false, Type::I64, ty, R11, super::GprMem::Reg(index));
                R11
            }
            _ => index,
        };
        let cond = self.compare(IntCC::Uge, Type::I64, index, Rhs::Imm(targets.len() as i64));
        self.side_exit(cond, mach(default));
        let table = self.buf.get_label();
        let mode: asm::Amode<u8> =
            asm::Amode::RipRelative { target: asm::DeferredTarget::Label(asm::Label(table.as_u32())) };
        emit!(self, leaq_rm(tmp.0, mode));
        let entry = Mem { base: super::Base::Reg(tmp), index: Some((index, 2)), disp: 0 };
        let (mode, _) = self.amode(entry);
        emit!(self, movslq_rm(R11.0, mode));
        emit!(self, addq_rm(tmp.0, R11.0));
        emit!(self, jmpq_m(tmp.0));
        self.bind_mach(table);
        let start = self.buf.cur_offset();
        for target in targets {
            let at = self.buf.cur_offset();
            self.buf.use_label_at_offset(at, mach(*target), LabelUse::PCRel32);
            // The fixup measures from the entry; the addend makes it measure from the table.
            self.buf.put4(at - start);
        }
    }

    /// A call, or a jump that does not come back.
    pub(super) fn leave(&mut self, target: Target, call: bool) {
        match target {
            Target::Symbol(symbol) => {
                match call {
                    true => emit_plain!(self, callq_d(0)),
                    false => emit_plain!(self, jmp_d32(0)),
                }
                let offset = self.buf.cur_offset() - 4;
                self.relocs.push(Reloc { offset, kind: RelocKind::X64Call, symbol, addend: -4 });
            }
            Target::Reg(r) => match call {
                true => emit!(self, callq_m(r.0)),
                false => emit!(self, jmpq_m(r.0)),
            },
            Target::Mem(mem) => {
                let (mode, symbol) = self.amode(mem);
                match call {
                    true => emit!(self, callq_m(mode)),
                    false => emit!(self, jmpq_m(mode)),
                }
                self.data_reloc(symbol, mem.disp, 0);
            }
        }
    }
}
