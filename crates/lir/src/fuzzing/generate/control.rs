//! Branches, loops and switches.

use super::{Generator, LIMIT_OFFSET};
use crate::ir::{Addr, BlockId, VReg};
use crate::types::{FloatCC, IntCC, Type};

impl Generator<'_, '_> {
    pub(super) fn passed_types(&mut self) -> Vec<Type> {
        let n = self.rng.below(4);
        (0..n).map(|_| self.any_type()).collect()
    }

    pub(super) fn passed(&mut self, types: &[Type]) -> Vec<VReg> {
        types.iter().map(|&ty| self.value(ty)).collect()
    }

    /// Ends the block with a two-way branch.
    pub(super) fn branch(&mut self, yes: BlockId, no: BlockId) {
        let (yes, no) = ((yes, &[][..]), (no, &[][..]));
        match self.rng.below(6) {
            0 => {
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let v = self.value(ty);
                self.b.br(v, yes, no);
            }
            1 if self.config.floats => {
                let cc = *self.rng.pick(&FloatCC::ALL);
                let ty = *self.rng.pick(&[Type::F32, Type::F64]);
                let (a, b) = (self.value(ty), self.value(ty));
                self.b.br_fcmp(cc, a, b, yes, no);
            }
            2 => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (rhs, addr) = (self.rhs(ty), self.address(ty.bytes()));
                self.b.br_icmp_mem(cc, ty, addr, rhs, yes, no);
            }
            3 => {
                let ty = *self.rng.pick(&[Type::I32, Type::I64]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                let result = match self.rng.below(3) {
                    0 => self.b.add_flags(a, rhs),
                    1 => self.b.sub_flags(a, rhs),
                    _ => self.b.mul_flags(a, rhs),
                };
                self.b.br_of(yes, no);
                self.values.push(result);
            }
            4 => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                let cond = self.b.icmp(cc, a, rhs);
                self.b.br(cond, yes, no);
            }
            _ => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                self.b.br_icmp(cc, a, rhs, yes, no);
            }
        }
    }

    pub(super) fn new_block(&mut self, types: &[Type]) -> (BlockId, Vec<VReg>) {
        if self.rng.one_in(5) { self.b.cold_block(types) } else { self.b.block(types) }
    }

    pub(super) fn diamond(&mut self, depth: u32) {
        let types = self.passed_types();
        let (yes, _) = self.new_block(&[]);
        let (no, _) = self.new_block(&[]);
        let (join, params) = self.b.block(&types);
        self.branch(yes, no);
        let mark = self.values.len();
        for side in [yes, no] {
            self.b.open(side);
            if self.rng.one_in(12) && side == no {
                self.leave();
            } else {
                self.region(depth);
                let args = self.passed(&types);
                self.b.jump((join, &args));
            }
            self.values.truncate(mark);
        }
        self.b.open(join);
        self.values.extend(params);
    }

    /// Ends the block by leaving the function.
    pub(super) fn leave(&mut self) {
        if self.config.exits && self.rng.one_in(2) {
            let frame = self.frame(None);
            self.b.exit(frame);
        } else {
            let v = self.value(Type::I64);
            self.b.ret(&[v]);
        }
    }

    /// A loop of a few turns that carries values.
    pub(super) fn repeat(&mut self, depth: u32) {
        let mut types = vec![Type::I64];
        types.extend(self.passed_types());
        let turns = self.rng.below(5) as i64;
        let mut first = vec![self.b.iconst(Type::I64, turns)];
        first.extend(self.passed(&types[1..]));
        let (head, params) = self.b.block(&types);
        let (body, _) = self.b.block(&[]);
        let (done, _) = self.b.block(&[]);
        self.b.jump((head, &first));
        self.b.open(head);
        self.values.extend_from_slice(&params[1..]);
        self.b.br_icmp(IntCC::Sgt, params[0], 0, (body, &[]), (done, &[]));
        let mark = self.values.len();
        self.b.open(body);
        if self.config.exits && self.rng.one_in(2) {
            let (frame, addr) = (self.frame(None), Addr::thread(LIMIT_OFFSET));
            self.b.poll(Type::I32, addr, frame);
        }
        self.region(depth);
        let mut next = vec![self.b.sub(params[0], 1)];
        next.extend(self.passed(&types[1..]));
        self.b.jump((head, &next));
        self.values.truncate(mark);
        self.b.open(done);
    }

    pub(super) fn multiway(&mut self, depth: u32) {
        let types = self.passed_types();
        let n = 1 + self.rng.below(4);
        let (join, params) = self.b.block(&types);
        let cases: Vec<BlockId> = (0..n).map(|_| self.new_block(&[]).0).collect();
        let ty = *self.rng.pick(&Type::ALL[..4]);
        let v = self.value(ty);
        let v = if self.rng.one_in(4) { v } else { self.b.and(v, 7) };
        let direct = self.passed(&types);
        // The default goes straight to the join: a critical edge.
        let targets: Vec<(BlockId, &[VReg])> = cases.iter().map(|&c| (c, &[][..])).collect();
        self.b.switch(v, &targets, (join, &direct));
        let mark = self.values.len();
        for case in cases {
            self.b.open(case);
            self.region(depth.min(1));
            let args = self.passed(&types);
            self.b.jump((join, &args));
            self.values.truncate(mark);
        }
        self.b.open(join);
        self.values.extend(params);
    }
}
