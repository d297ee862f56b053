//! Loads, stores and atomics.

use super::regs::{R11, RAX, RBP};
use super::{Base, Extend, Gpr, GprMem, Masm, Mem, Rhs, Type, X64Masm};
use super::{emit, sized};

/// The distance from the frame pointer, if that is all there is to an address.
fn in_frame(mem: &Mem) -> Option<i32> {
    (mem.base == Base::Reg(RBP) && mem.index.is_none()).then_some(mem.disp)
}

impl X64Masm {
    /// `mov` between a register and eight bytes of the frame. Much of what the quick tier emits are spills and
    /// reloads, and the assembler's way over a general address takes five times as long.
    #[inline(never)]
    fn frame_move(&mut self, opcode: u8, reg: Gpr, disp: i32) {
        let modrm = 5 | (reg.0 & 7) << 3;
        self.buf.put1(0x48 | (reg.0 & 8) >> 1);
        self.buf.put1(opcode);
        if let Ok(short) = i8::try_from(disp) {
            self.buf.put1(0x40 | modrm);
            self.buf.put1(short as u8);
        } else {
            self.buf.put1(0x80 | modrm);
            disp.to_le_bytes().into_iter().for_each(|b| self.buf.put1(b));
        }
    }

    pub(super) fn load_int(&mut self, ty: Type, extend: Extend, dst: Gpr, mem: Mem) {
        if ty == Type::I64
            && let Some(disp) = in_frame(&mem)
        {
            self.frame_move(0x8b, dst, disp);
        } else if ty == Type::I64 {
            let (mode, symbol) = self.amode(mem);
            emit!(self, movq_rm(dst.0, mode));
            self.data_reloc(symbol, mem.disp, 0);
        } else {
            // Loads of bytes and words zero-extend anyway: a partial register would carry a dependency.
            self.extend_int(extend == Extend::Sign, Type::I64, ty, dst, GprMem::Mem(mem));
        }
    }

    pub(super) fn store_int(&mut self, ty: Type, src: Gpr, mem: Mem) {
        if ty == Type::I64
            && let Some(disp) = in_frame(&mem)
        {
            return self.frame_move(0x89, src, disp);
        }
        let (mode, symbol) = self.amode(mem);
        sized!(self, ty, (movb_mr, movw_mr, movl_mr, movq_mr), mode, src.0);
        self.data_reloc(symbol, mem.disp, 0);
    }

    pub(super) fn store_constant(&mut self, ty: Type, value: i64, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        match ty {
            Type::I8 => emit!(self, movb_mi(mode, value as u8)),
            Type::I16 => emit!(self, movw_mi(mode, value as u16)),
            Type::I64 => match i32::try_from(value) {
                Ok(v) => emit!(self, movq_mi_sxl(mode, v)),
                Err(_) => {
                    self.mov_imm(R11, value as u64);
                    return self.store_int(ty, R11, mem);
                }
            },
            _ => emit!(self, movl_mi(mode, value as u32)),
        }
        self.data_reloc(symbol, mem.disp, ty.bytes().min(4));
    }

    /// An operand of an instruction whose other operand is in memory: a register or an immediate that fits.
    pub(super) fn beside_memory(&mut self, ty: Type, operand: Rhs) -> Rhs {
        match operand {
            Rhs::Mem(m) => {
                self.load_int(ty, Extend::None, R11, m);
                Rhs::Reg(R11)
            }
            Rhs::Imm(v) if ty == Type::I64 && i32::try_from(v).is_err() => {
                self.mov_imm(R11, v as u64);
                Rhs::Reg(R11)
            }
            other => other,
        }
    }

    pub(super) fn add_to_memory(&mut self, ty: Type, mem: Mem, value: Rhs, atomic: bool) {
        let value = self.beside_memory(ty, value);
        let (mode, symbol) = self.amode(mem);
        let mut after = 0;
        match value {
            Rhs::Imm(v) => {
                let v = ty.sign_extend(v as u64);
                let short = i8::try_from(v).ok();
                after = match (ty, short) {
                    (Type::I8, _) => 1,
                    (Type::I16, _) => 2,
                    (_, Some(_)) => 1,
                    _ => 4,
                };
                match (ty, short, atomic) {
                    (Type::I8, _, false) => emit!(self, addb_mi(mode, v as u8)),
                    (Type::I16, _, false) => emit!(self, addw_mi(mode, v as u16)),
                    (Type::I64, Some(s), false) => emit!(self, addq_mi_sxb(mode, s)),
                    (Type::I64, None, false) => emit!(self, addq_mi_sxl(mode, v as i32)),
                    (_, Some(s), false) => emit!(self, addl_mi_sxb(mode, s)),
                    (_, None, false) => emit!(self, addl_mi(mode, v as u32)),
                    (Type::I8, _, true) => emit!(self, lock_addb_mi(mode, v as u8)),
                    (Type::I16, _, true) => emit!(self, lock_addw_mi(mode, v as u16)),
                    (Type::I64, Some(s), true) => emit!(self, lock_addq_mi_sxb(mode, s)),
                    (Type::I64, None, true) => emit!(self, lock_addq_mi_sxl(mode, v as i32)),
                    (_, Some(s), true) => emit!(self, lock_addl_mi_sxb(mode, s)),
                    (_, None, true) => emit!(self, lock_addl_mi(mode, v as u32)),
                }
            }
            Rhs::Reg(r) if atomic => {
                sized!(self, ty, (lock_addb_mr, lock_addw_mr, lock_addl_mr, lock_addq_mr), mode, r.0)
            }
            Rhs::Reg(r) => sized!(self, ty, (addb_mr, addw_mr, addl_mr, addq_mr), mode, r.0),
            Rhs::Mem(_) => {}
        }
        self.data_reloc(symbol, mem.disp, after);
    }

    pub(super) fn exchange_add(&mut self, ty: Type, value: Gpr, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        sized!(self, ty, (lock_xaddb_mr, lock_xaddw_mr, lock_xaddl_mr, lock_xaddq_mr), mode, value.0);
        self.data_reloc(symbol, mem.disp, 0);
    }

    pub(super) fn compare_exchange(&mut self, ty: Type, new: Gpr, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        sized!(self, ty, (lock_cmpxchgb_mr, lock_cmpxchgw_mr, lock_cmpxchgl_mr, lock_cmpxchgq_mr), mode, new.0, RAX.0);
        self.data_reloc(symbol, mem.disp, 0);
    }
}
