//! A function of any size that looks like a dynamic language's.

use crate::builder::Builder;
use crate::ir::{Addr, FrameValue, Function, Signature, Symbol, VReg};
use crate::types::{IntCC, Type};

/// A loop over `groups` groups of ten instructions of the kind a dynamic language compiles to: a shape guard on a
/// load, untagging, checked arithmetic, tagging and a store, both exits with a frame state of six live values; a
/// rare slow path in every fourth group. For measuring compile time. It takes the address of 256 bytes and three
/// integers and calls [host](super::hosts) 0.
pub fn chain(f: &mut Function, groups: usize) {
    f.clear();
    f.name.push_str("chain");
    let mut b = Builder::new(f);
    let sig = b.signature(Signature::host(&[Type::I64, Type::I64, Type::I64, Type::I64], &[Type::I64]));
    let helper = b.symbol(Symbol::User(0));
    let helper_sig = b.signature(Signature::host(&[Type::I64, Type::I64], &[Type::I64]));
    let args = b.entry("chain", sig);
    let (head, p) = b.block(&[Type::I64, Type::I64, Type::I64]);
    let (body, _) = b.block(&[]);
    let (done, _) = b.block(&[]);
    b.jump((head, &[args[1], args[2], args[3]]));
    b.open(head);
    b.br_icmp(IntCC::Sgt, p[0], 0, (body, &[]), (done, &[]));
    b.open(body);
    let (mut x, mut y) = (p[1], p[2]);
    for n in 0..groups {
        let live: Vec<FrameValue> =
            [args[0], p[0], p[1], p[2], x, y].map(FrameValue::Reg).into_iter().chain([FrameValue::Dead]).collect();
        let frame = b.frame_state(n as u64, &live);
        let disp = (n % 16 * 8) as i32;
        let shape = b.load(Type::I32, Addr::base(args[0], disp));
        b.guard_icmp(IntCC::Ne, shape, 77, frame);
        let field = b.load(Type::I64, Addr::base(args[0], disp + 8));
        let untagged = b.sar(field, 1);
        let k = b.iconst(Type::I64, 2 * n as i64 + 2);
        let sum = b.add_ovf(x, k, frame);
        let mixed: VReg = b.xor(sum, untagged);
        let tagged = b.shl(mixed, 1);
        let tagged = b.or(tagged, 1);
        b.store(Type::I64, tagged, Addr::base(args[0], disp + 128));
        (y, x) = (sum, mixed);
        if n % 4 == 3 {
            let (slow, _) = b.cold_block(&[]);
            let (join, j) = b.block(&[Type::I64]);
            b.br_icmp(IntCC::Slt, x, -1000, (slow, &[]), (join, &[x]));
            b.open(slow);
            let called = b.call(helper_sig, helper, &[x, y], Some(frame)).one();
            b.jump((join, &[called]));
            b.open(join);
            x = j[0];
        }
    }
    let next = b.sub(p[0], 1);
    b.jump((head, &[next, x, y]));
    b.open(done);
    b.ret(&[p[1]]);
    if let Err(e) = b.finish() {
        unreachable!("the generator misuses the builder: {e}");
    }
}
