//! One builder method per row of the instruction table.

use super::{Builder, Results, Rhs, Target};
use crate::for_each_lir_op;
use crate::ir::{Addr, CellId, DebugValue, FrameId, Inst, Mode, SigId, SymbolId, VReg, VarId};
use crate::op::Op;
use crate::types::{FloatCC, IntCC, Type};

/// The few uses of an instruction with a fixed shape.
#[derive(Default)]
struct Uses {
    len: usize,
    regs: [Option<VReg>; 6],
}

impl Uses {
    fn of(regs: &[VReg]) -> Uses {
        let mut uses = Uses::default();
        for &r in regs {
            uses.push(r);
        }
        uses
    }

    fn push(&mut self, v: VReg) {
        self.regs[self.len] = Some(v);
        self.len += 1;
    }

    fn with<R>(&self, f: impl FnOnce(&[VReg]) -> R) -> R {
        let mut out = [VReg::new(0); 6];
        for (o, r) in out.iter_mut().zip(self.regs) {
            *o = r.unwrap_or(VReg::new(0));
        }
        f(&out[..self.len])
    }
}

impl Builder<'_> {
    fn rhs(inst: &mut Inst, uses: &mut Uses, rhs: Rhs) {
        match rhs {
            Rhs::Reg(v) => uses.push(v),
            Rhs::Imm(k) => {
                inst.imm = k;
                inst.mode = inst.mode.with_imm(true);
            }
        }
    }

    fn addr(inst: &mut Inst, uses: &mut Uses, addr: Addr) {
        let imm = inst.mode.is_imm();
        inst.mode = Mode::of_addr(&addr).with_imm(imm);
        inst.aux = addr.disp as u32;
        if let Some(base) = addr.base {
            uses.push(base);
        }
        if let Some(index) = addr.index {
            uses.push(index);
        }
    }
}

macro_rules! builder_methods {
    ($(($variant:ident, $name:ident, $shape:ident, $ty:ident, $res:ident, $eff:ident, [$($flag:ident)*], $cons:ident, $doc:literal))*) => {
        impl Builder<'_> {
            $(builder_methods!(@ $shape $variant $name $doc);)*
        }
    };
    (@ Const $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, ty: Type, value: i64) -> VReg {
            let mut inst = Inst::new(Op::$v, ty);
            inst.imm = value;
            self.push(inst, &[]).one()
        }
    };
    (@ Fconst $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, ty: Type, bits: u64) -> VReg {
            let mut inst = Inst::new(Op::$v, ty);
            inst.imm = bits as i64;
            self.push(inst, &[]).one()
        }
    };
    (@ Symbol $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, symbol: SymbolId) -> VReg {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.imm = symbol.index() as i64;
            self.push(inst, &[]).one()
        }
    };
    (@ Unary $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, a: VReg) -> VReg {
            let inst = Inst::new(Op::$v, self.ty(a));
            self.push(inst, &[a]).one()
        }
    };
    (@ Convert $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        #[doc = "\n\n`ty` is the type of the result."]
        pub fn $n(&mut self, ty: Type, a: VReg) -> VReg {
            self.push(Inst::new(Op::$v, ty), &[a]).one()
        }
    };
    (@ Binary $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, a: VReg, b: impl Into<Rhs>) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Checked $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, a: VReg, b: impl Into<Rhs>, frame: FrameId) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            inst.set_frame(Some(frame));
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Icmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: IntCC, a: VReg, b: impl Into<Rhs>) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            inst.cc = cc as u8;
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Fcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: FloatCC, a: VReg, b: VReg) -> VReg {
            let mut inst = Inst::new(Op::$v, self.ty(a));
            inst.cc = cc as u8;
            self.push(inst, &[a, b]).one()
        }
    };
    (@ Select $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cond: VReg, a: VReg, b: VReg) -> VReg {
            let inst = Inst::new(Op::$v, self.ty(a));
            self.push(inst, &[cond, a, b]).one()
        }
    };
    (@ SelectIcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: IntCC, a: VReg, b: impl Into<Rhs>, yes: VReg, no: VReg) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            inst.cc = cc as u8;
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.push(yes);
            uses.push(no);
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Load $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        #[doc = "\n\n`ty` is the type in memory."]
        pub fn $n(&mut self, ty: Type, addr: Addr) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, ty), Uses::default());
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Store $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        #[doc = "\n\n`ty` is the type in memory."]
        pub fn $n(&mut self, ty: Type, value: impl Into<Rhs>, addr: Addr) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, ty), Uses::default());
            Self::rhs(&mut inst, &mut uses, value.into());
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u));
        }
    };
    (@ Lea $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, addr: Addr) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, Type::I64), Uses::default());
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Rmw $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, value: VReg, addr: Addr) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(value)), Uses::of(&[value]));
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ Cas $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, expected: VReg, new: VReg, addr: Addr) -> VReg {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(expected)), Uses::of(&[expected, new]));
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u)).one()
        }
    };
    (@ ReadReg $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self) -> VReg {
            self.push(Inst::new(Op::$v, Type::I64), &[]).one()
        }
    };
    (@ WriteReg $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, value: VReg) {
            self.push(Inst::new(Op::$v, Type::I64), &[value]);
        }
    };
    (@ Call $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, sig: SigId, callee: SymbolId, args: &[VReg], frame: Option<FrameId>) -> Results {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.aux = sig.index() as u32;
            inst.imm = callee.index() as i64;
            inst.set_frame(frame);
            self.push(inst, args)
        }
    };
    (@ CallInd $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, sig: SigId, callee: VReg, args: &[VReg], frame: Option<FrameId>) -> Results {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.aux = sig.index() as u32;
            inst.set_frame(frame);
            let mut uses = Vec::with_capacity(args.len() + 1);
            uses.push(callee);
            uses.extend_from_slice(args);
            self.push(inst, &uses)
        }
    };
    (@ CallCell $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, sig: SigId, cell: CellId, args: &[VReg], frame: Option<FrameId>) -> Results {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.aux = sig.index() as u32;
            inst.imm = cell.index() as i64;
            inst.set_frame(frame);
            self.push(inst, args)
        }
    };
    (@ Guard $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, value: VReg, frame: FrameId) {
            let mut inst = Inst::new(Op::$v, self.ty(value));
            inst.set_frame(Some(frame));
            self.push(inst, &[value]);
        }
    };
    (@ GuardIcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: IntCC, a: VReg, b: impl Into<Rhs>, frame: FrameId) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            inst.cc = cc as u8;
            inst.set_frame(Some(frame));
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.with(|u| self.push(inst, u));
        }
    };
    (@ GuardFcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: FloatCC, a: VReg, b: VReg, frame: FrameId) {
            let mut inst = Inst::new(Op::$v, self.ty(a));
            inst.cc = cc as u8;
            inst.set_frame(Some(frame));
            self.push(inst, &[a, b]);
        }
    };
    (@ GuardIcmpMem $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: IntCC, ty: Type, addr: Addr, b: impl Into<Rhs>, frame: FrameId) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, ty), Uses::default());
            inst.cc = cc as u8;
            inst.set_frame(Some(frame));
            Self::rhs(&mut inst, &mut uses, b.into());
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u));
        }
    };
    (@ GuardStack $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, limit_offset: i32, bytes: u32, frame: FrameId) {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.aux = limit_offset as u32;
            inst.imm = bytes.into();
            inst.set_frame(Some(frame));
            self.push(inst, &[]);
        }
    };
    (@ Poll $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, ty: Type, addr: Addr, frame: FrameId) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, ty), Uses::default());
            inst.set_frame(Some(frame));
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.push(inst, u));
        }
    };
    (@ Safepoint $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, frame: FrameId) {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.set_frame(Some(frame));
            self.push(inst, &[]);
        }
    };
    (@ Exit $v:ident $n:ident $doc:literal) => { builder_methods!(@ Safepoint $v $n $doc); };
    (@ Jump $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, to: Target<'_>) {
            self.terminate(Inst::new(Op::$v, Type::I64), &[], &[to]);
        }
    };
    (@ Br $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cond: VReg, yes: Target<'_>, no: Target<'_>) {
            let inst = Inst::new(Op::$v, self.ty(cond));
            self.terminate(inst, &[cond], &[yes, no]);
        }
    };
    (@ BrIcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: IntCC, a: VReg, b: impl Into<Rhs>, yes: Target<'_>, no: Target<'_>) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, self.ty(a)), Uses::of(&[a]));
            inst.cc = cc as u8;
            Self::rhs(&mut inst, &mut uses, b.into());
            uses.with(|u| self.terminate(inst, u, &[yes, no]));
        }
    };
    (@ BrFcmp $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, cc: FloatCC, a: VReg, b: VReg, yes: Target<'_>, no: Target<'_>) {
            let mut inst = Inst::new(Op::$v, self.ty(a));
            inst.cc = cc as u8;
            self.terminate(inst, &[a, b], &[yes, no]);
        }
    };
    (@ BrIcmpMem $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(
            &mut self,
            cc: IntCC,
            ty: Type,
            addr: Addr,
            b: impl Into<Rhs>,
            yes: Target<'_>,
            no: Target<'_>,
        ) {
            let (mut inst, mut uses) = (Inst::new(Op::$v, ty), Uses::default());
            inst.cc = cc as u8;
            Self::rhs(&mut inst, &mut uses, b.into());
            Self::addr(&mut inst, &mut uses, addr);
            uses.with(|u| self.terminate(inst, u, &[yes, no]));
        }
    };
    (@ BrOf $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, yes: Target<'_>, no: Target<'_>) {
            self.terminate(Inst::new(Op::$v, Type::I64), &[], &[yes, no]);
        }
    };
    (@ Switch $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, value: VReg, cases: &[Target<'_>], default: Target<'_>) {
            let inst = Inst::new(Op::$v, self.ty(value));
            let mut all = cases.to_vec();
            all.push(default);
            self.terminate(inst, &[value], &all);
        }
    };
    (@ Ret $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, values: &[VReg]) {
            self.push(Inst::new(Op::$v, Type::I64), values);
        }
    };
    (@ Trap $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, code: u32) {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.imm = code.into();
            self.push(inst, &[]);
        }
    };
    // Made by `finish` and `entry`.
    (@ Entries $v:ident $n:ident $doc:literal) => {};
    (@ Args $v:ident $n:ident $doc:literal) => {};
    (@ DebugValue $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self, var: VarId, value: DebugValue) {
            let mut inst = Inst::new(Op::$v, Type::I64);
            inst.aux = var.index() as u32;
            match value {
                DebugValue::Reg(v) => {
                    self.push(inst, &[v]);
                }
                DebugValue::Const(bits) => {
                    inst.imm = bits as i64;
                    inst.mode = inst.mode.with_imm(true);
                    self.push(inst, &[]);
                }
                DebugValue::None => {
                    self.push(inst, &[]);
                }
            }
        }
    };
    (@ Nop $v:ident $n:ident $doc:literal) => {
        #[doc = $doc]
        pub fn $n(&mut self) {
            self.push(Inst::new(Op::$v, Type::I64), &[]);
        }
    };
}
for_each_lir_op!(builder_methods);
