//! Operators: what their sites learn of pairs of operands.
//!
//! A site remembers the pair of shapes it met and how such a pair is dealt with: by an instruction for numbers in words,
//! by a native function, or by a special method that is a Python function. Sites that meet more pairs keep up to four of
//! them. Those whose pairs no specialisation fits become plain again, and keep what they saw.

use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::native::{FixedShape, class_type};
use cinder_pyobj::protocol::operator::BinaryOp;
use cinder_pyobj::types::slots::{CmpFn, ContainsFn};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{CmpOp, object};
use cinder_pyobj::{Obj, Type, intern};

use crate::code::{restore, specialise};
use crate::ops::ShadowOp;
use crate::resolve::{Kind, address, dependency};
use crate::site::{Entry, Site, WAYS};

/// How often a site that knows its pair may miss all the same (ints that do not fit in words) before it stays plain.
const PATIENCE: u32 = 16;

/// How an operation on operands of certain shapes is done.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub kind: Kind,
    pub target: usize,
}

impl Found {
    pub(crate) fn native(f: usize) -> Found {
        Found { kind: Kind::Native, target: f }
    }

    /// A Python function in the cell `target`.
    pub(crate) fn method(kind: Kind, target: usize) -> Found {
        Found { kind, target }
    }

    const NONE: Found = Found { kind: Kind::None, target: 0 };

    /// Fills the entry of a pair. It depends on both classes in any case: shapes must not outlive them.
    fn fill(&self, e: &Entry, x: &Obj, y: &Obj) {
        e.guard.set(x.shape_id().as_u32());
        e.arg.set(y.shape_id().as_u32());
        e.target.set(self.target);
        e.dep.set(dependency(x.type_of()));
        e.dep2.set(dependency(y.type_of()));
    }
}

/// A special method as a class has it.
pub(crate) enum Method {
    /// A Python function in the cell at this address.
    Function(usize),
    /// That of `object`.
    Default,
    /// Something else.
    Other,
    Missing,
}

pub(crate) fn method(ty: &Type, name: Name) -> Method {
    let Some((owner, cell)) = ty.lookup_cell(name) else { return Method::Missing };
    match cell.get() {
        Some(f) if f.is_exact(FixedShape::Function) => Method::Function(address(cell)),
        _ if owner.is(class_type::<object::Object>()) => Method::Default,
        _ => Method::Other,
    }
}

fn arithmetic(op: Opcode) -> Option<(BinaryOp, bool)> {
    Some(match op {
        Opcode::Add => (BinaryOp::Add, false),
        Opcode::Sub => (BinaryOp::Sub, false),
        Opcode::Mul => (BinaryOp::Mul, false),
        Opcode::MatMul => (BinaryOp::MatMul, false),
        Opcode::TrueDiv => (BinaryOp::TrueDiv, false),
        Opcode::FloorDiv => (BinaryOp::FloorDiv, false),
        Opcode::Mod => (BinaryOp::Mod, false),
        Opcode::LShift => (BinaryOp::LShift, false),
        Opcode::RShift => (BinaryOp::RShift, false),
        Opcode::And => (BinaryOp::And, false),
        Opcode::Or => (BinaryOp::Or, false),
        Opcode::Xor => (BinaryOp::Xor, false),
        Opcode::InplaceAdd => (BinaryOp::Add, true),
        Opcode::InplaceSub => (BinaryOp::Sub, true),
        Opcode::InplaceMul => (BinaryOp::Mul, true),
        Opcode::InplaceMatMul => (BinaryOp::MatMul, true),
        Opcode::InplaceTrueDiv => (BinaryOp::TrueDiv, true),
        Opcode::InplaceFloorDiv => (BinaryOp::FloorDiv, true),
        Opcode::InplaceMod => (BinaryOp::Mod, true),
        Opcode::InplaceLShift => (BinaryOp::LShift, true),
        Opcode::InplaceRShift => (BinaryOp::RShift, true),
        Opcode::InplaceAnd => (BinaryOp::And, true),
        Opcode::InplaceOr => (BinaryOp::Or, true),
        Opcode::InplaceXor => (BinaryOp::Xor, true),
        _ => return None,
    })
}

fn comparison(op: Opcode) -> Option<CmpOp> {
    Some(match op {
        Opcode::Lt | Opcode::BrLt => CmpOp::Lt,
        Opcode::Le | Opcode::BrLe => CmpOp::Le,
        Opcode::Eq | Opcode::BrEq => CmpOp::Eq,
        Opcode::Ne | Opcode::BrNe => CmpOp::Ne,
        Opcode::Gt | Opcode::BrGt => CmpOp::Gt,
        Opcode::Ge | Opcode::BrGe => CmpOp::Ge,
        _ => return None,
    })
}

impl ShadowOp {
    /// The arithmetic operation of a plain instruction, and whether it works in place.
    pub fn arithmetic(op: Opcode) -> Option<(BinaryOp, bool)> {
        arithmetic(op)
    }

    /// The comparison of a plain instruction, whether it branches or not.
    pub fn comparison(op: Opcode) -> Option<CmpOp> {
        comparison(op)
    }
}

/// The instruction for numbers in words. The pairs seen tell whether all are ints, all floats, or neither.
fn for_numbers(op: Opcode, ints: bool, floats: bool) -> Option<ShadowOp> {
    macro_rules! pick {
        ($int:ident) => {
            if ints { Some(ShadowOp::$int) } else { None }
        };
        ($int:ident $float:ident $number:ident) => {
            Some(if ints {
                ShadowOp::$int
            } else if floats {
                ShadowOp::$float
            } else {
                ShadowOp::$number
            })
        };
    }
    match op {
        Opcode::Add | Opcode::InplaceAdd => pick!(AddInt AddFloat AddNumber),
        Opcode::Sub | Opcode::InplaceSub => pick!(SubInt SubFloat SubNumber),
        Opcode::Mul | Opcode::InplaceMul => pick!(MulInt MulFloat MulNumber),
        Opcode::TrueDiv | Opcode::InplaceTrueDiv => pick!(TrueDivInt TrueDivFloat TrueDivNumber),
        Opcode::FloorDiv | Opcode::InplaceFloorDiv => pick!(FloorDivInt),
        Opcode::Mod | Opcode::InplaceMod => pick!(ModInt),
        Opcode::LShift | Opcode::InplaceLShift => pick!(LShiftInt),
        Opcode::RShift | Opcode::InplaceRShift => pick!(RShiftInt),
        Opcode::And | Opcode::InplaceAnd => pick!(AndInt),
        Opcode::Or | Opcode::InplaceOr => pick!(OrInt),
        Opcode::Xor | Opcode::InplaceXor => pick!(XorInt),
        Opcode::Lt => pick!(LtInt LtFloat LtNumber),
        Opcode::Le => pick!(LeInt LeFloat LeNumber),
        Opcode::Eq => pick!(EqInt EqFloat EqNumber),
        Opcode::Ne => pick!(NeInt NeFloat NeNumber),
        Opcode::Gt => pick!(GtInt GtFloat GtNumber),
        Opcode::Ge => pick!(GeInt GeFloat GeNumber),
        Opcode::BrLt => pick!(BrLtInt BrLtFloat BrLtNumber),
        Opcode::BrLe => pick!(BrLeInt BrLeFloat BrLeNumber),
        Opcode::BrEq => pick!(BrEqInt BrEqFloat BrEqNumber),
        Opcode::BrNe => pick!(BrNeInt BrNeFloat BrNeNumber),
        Opcode::BrGt => pick!(BrGtInt BrGtFloat BrGtNumber),
        Opcode::BrGe => pick!(BrGeInt BrGeFloat BrGeNumber),
        _ => None,
    }
}

/// The instruction for one pair that is dealt with in this way.
fn single(op: Opcode, kind: Kind, x: &Obj, y: &Obj) -> Option<ShadowOp> {
    let branches =
        matches!(op, Opcode::BrLt | Opcode::BrLe | Opcode::BrEq | Opcode::BrNe | Opcode::BrGt | Opcode::BrGe);
    let compares = comparison(op).is_some();
    let pick = |binary, compare, branch| {
        Some(if branches {
            branch
        } else if compares {
            compare
        } else {
            binary
        })
    };
    let str = |o: &Obj| o.is_exact(FixedShape::Str);
    match kind {
        Kind::Number => for_numbers(op, x.as_int().is_some() && y.as_int().is_some(), both_floats(x, y)),
        Kind::Concat if str(x) && str(y) => Some(ShadowOp::AddStr),
        // Numbers that do not fit in words come and go.
        Kind::Native if is_plain_number(x) && is_plain_number(y) => None,
        Kind::Native | Kind::Concat => pick(ShadowOp::BinaryNative, ShadowOp::CompareNative, ShadowOp::BrCompareNative),
        Kind::Left | Kind::LeftNot | Kind::Inplace => {
            pick(ShadowOp::BinaryLeft, ShadowOp::CompareLeft, ShadowOp::BrCompareLeft)
        }
        Kind::Right | Kind::RightNot => pick(ShadowOp::BinaryRight, ShadowOp::CompareRight, ShadowOp::BrCompareRight),
        _ => None,
    }
}

fn both_floats(x: &Obj, y: &Obj) -> bool {
    x.value().is_float() && y.value().is_float()
}

fn in_words(x: &Obj, y: &Obj) -> bool {
    !x.value().is_ptr() && !y.value().is_ptr()
}

/// Whether arithmetic of the type with a value of a foreign class does nothing but answer NotImplemented.
fn is_plain_number(x: &Obj) -> bool {
    [FixedShape::Int, FixedShape::Float, FixedShape::Bool, FixedShape::Complex].into_iter().any(|s| x.is_exact(s))
}

fn resolve_arithmetic(op: BinaryOp, inplace: bool, x: &Obj, y: &Obj) -> Option<Found> {
    let (tx, ty) = (x.type_of(), y.type_of());
    if in_words(x, y) {
        return Some(Found { kind: Kind::Number, target: 0 });
    }
    let same = tx.is(ty);
    if inplace && tx.is_heap_type() {
        match method(tx, op.inplace_method()) {
            Method::Function(cell) => return Some(Found::method(Kind::Inplace, cell)),
            Method::Missing => {}
            _ => return None,
        }
    }
    if !same && ty.is_subtype(tx) {
        if !ty.is_heap_type() {
            return None;
        }
        let name = op.reflected();
        let inherited = match (tx.lookup(name), ty.lookup(name)) {
            (Some(f), Some(g)) => f.is(&g),
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if !inherited {
            return match method(ty, name) {
                Method::Function(cell) => Some(Found::method(Kind::Right, cell)),
                _ => None,
            };
        }
    }
    let has_slot = op.slot(&tx.slots).is_some();
    if tx.is_heap_type() {
        match method(tx, op.method()) {
            Method::Function(cell) => return Some(Found::method(Kind::Left, cell)),
            Method::Missing if !has_slot && !inplace_slot(op, inplace, tx) => {}
            _ => return None,
        }
    }
    if !same && ty.is_heap_type() && (tx.is_heap_type() || is_plain_number(x)) {
        return match method(ty, op.reflected()) {
            Method::Function(cell) => Some(Found::method(Kind::Right, cell)),
            _ => None,
        };
    }
    if tx.is_heap_type() || ty.is_heap_type() {
        return None;
    }
    if inplace && let Some(f) = op.inplace_slot(&tx.slots) {
        return Some(Found::native(f as usize));
    }
    if let Some(f) = op.slot(&tx.slots) {
        return Some(Found::native(f as usize));
    }
    if op != BinaryOp::Add || op.slot(&ty.slots).is_some() {
        return None;
    }
    let s = &tx.slots;
    let f = if inplace { s.inplace_concat.get().or(s.concat.get()) } else { s.concat.get() };
    f.map(|f| Found { kind: Kind::Concat, ..Found::native(f as usize) })
}

fn inplace_slot(op: BinaryOp, inplace: bool, t: &Type) -> bool {
    inplace && op.inplace_slot(&t.slots).is_some()
}

fn resolve_comparison(op: CmpOp, x: &Obj, y: &Obj) -> Option<Found> {
    let (tx, ty) = (x.type_of(), y.type_of());
    if in_words(x, y) {
        return Some(Found { kind: Kind::Number, target: 0 });
    }
    let native = |f: CmpFn| Found::native(f as usize);
    let (first, op, kinds) = if !tx.is(ty) && ty.is_subtype(tx) {
        (ty, op.swapped(), [Kind::Right, Kind::RightNot])
    } else {
        (tx, op, [Kind::Left, Kind::LeftNot])
    };
    if first.is_heap_type() {
        match method(first, Name::new(op.dunder())) {
            Method::Function(cell) => return Some(Found::method(kinds[0], cell)),
            Method::Default if op == CmpOp::Ne => match method(first, intern!("__eq__")) {
                Method::Function(cell) => return Some(Found::method(kinds[1], cell)),
                Method::Default => {}
                _ => return None,
            },
            Method::Default => {}
            _ => return None,
        }
    }
    if kinds[0] == Kind::Right {
        return None;
    }
    tx.slots.richcmp.get().map(native)
}

/// Observes a binary operation or comparison, which the site does not know, and remembers the pair. To be called before
/// the operation is done the general way.
///
/// # Safety
/// `pc` must be the address of the site's instruction in live shadow code.
#[cold]
pub unsafe fn look_pair(pc: *const Insn, site: &Site, x: &Obj, y: &Obj) {
    if !site.is_due() {
        return;
    }
    let Some(op) = site.original().op() else { return };
    let found = match (arithmetic(op), comparison(op)) {
        (Some((op, inplace)), _) => resolve_arithmetic(op, inplace, x, y),
        (None, Some(op)) => resolve_comparison(op, x, y),
        _ => None,
    };
    let known = site.entry.guard.get() != 0;
    let (sx, sy) = (x.shape_id().as_u32(), y.shape_id().as_u32());
    let same = |e: &Entry| e.guard.get() == sx && e.arg.get() == sy;
    if known {
        let m = site.more_or_new();
        m.misses.set(m.misses.get().saturating_add(1));
    }
    // SAFETY: passed on from the caller.
    unsafe {
        if known && !(same(&site.entry) && site.more().is_none_or(|m| m.len.get() == 0)) {
            return add_pair(pc, site, op, found, (x, y), (sx, sy));
        }
        let Some(f) = found else {
            Found::NONE.fill(&site.entry, x, y);
            return give_up(pc, site);
        };
        f.fill(&site.entry, x, y);
        site.kind.set(f.kind);
        match single(op, f.kind, x, y) {
            Some(op) if !(known && site.misses() > PATIENCE) => specialise(pc, site, op),
            _ => give_up(pc, site),
        }
    }
}

/// The site's instruction becomes plain: that serves best. What the site saw stays.
///
/// # Safety
/// As [`look_pair`].
unsafe fn give_up(pc: *const Insn, site: &Site) {
    site.failures.set(site.failures.get().saturating_add(1));
    // SAFETY: passed on from the caller.
    unsafe { restore(pc, site) }
}

/// Remembers another pair beside those that the site knows.
///
/// # Safety
/// As [`look_pair`].
unsafe fn add_pair(
    pc: *const Insn,
    site: &Site,
    op: Opcode,
    found: Option<Found>,
    (x, y): (&Obj, &Obj),
    (sx, sy): (u32, u32),
) {
    let m = site.more_or_new();
    if m.len.get() == 0 {
        m.entries[0].copy_from(&site.entry);
        m.kinds[0].set(site.kind.get());
        m.len.set(1);
    }
    let n = m.len.get() as usize;
    let entries = &m.entries[..n];
    let place = entries.iter().position(|e| e.guard.get() == sx && e.arg.get() == sy);
    let found = found.unwrap_or(Found::NONE);
    let at = match place {
        Some(at) => at,
        None if n < WAYS => {
            m.len.set(n as u32 + 1);
            n
        }
        // SAFETY: passed on from the caller.
        None => return unsafe { give_up(pc, site) },
    };
    found.fill(&m.entries[at], x, y);
    m.kinds[at].set(found.kind);
    m.counts[at].set(m.counts[at].get().saturating_add(1));
    let kinds = &m.kinds[..m.len.get() as usize];
    let next = if kinds.iter().all(|k| k.get() == Kind::Number) {
        for_numbers(op, false, false)
    } else if kinds.iter().any(|k| k.get().is_python()) {
        match single(op, Kind::Left, x, y) {
            Some(ShadowOp::CompareLeft) => Some(ShadowOp::ComparePoly),
            Some(ShadowOp::BrCompareLeft) => Some(ShadowOp::BrComparePoly),
            _ => Some(ShadowOp::BinaryPoly),
        }
    } else {
        None
    };
    // SAFETY: passed on from the caller.
    unsafe {
        match next {
            Some(op) if place.is_none() || m.misses.get() < 4 * PATIENCE => specialise(pc, site, op),
            _ => give_up(pc, site),
        }
    }
}

/// As [`look_pair`], for an operation of one value.
///
/// # Safety
/// As [`look_pair`].
#[cold]
pub unsafe fn look_unary(pc: *const Insn, site: &Site, x: &Obj) {
    if !site.is_due() {
        return;
    }
    let name = match site.original().op() {
        Some(Opcode::UnaryNeg) => intern!("__neg__"),
        Some(Opcode::UnaryPos) => intern!("__pos__"),
        _ => intern!("__invert__"),
    };
    let negates = site.original().op() == Some(Opcode::UnaryNeg);
    let ty = x.type_of();
    let (op, found) = match method(ty, name) {
        Method::Function(cell) if ty.is_heap_type() => (Some(ShadowOp::UnaryClass), Found::method(Kind::Left, cell)),
        _ => {
            let op = match x.value() {
                v if negates && v.is_int() => Some(ShadowOp::NegInt),
                v if negates && v.is_float() => Some(ShadowOp::NegFloat),
                _ => None,
            };
            (op, Found { kind: Kind::Number, target: 0 })
        }
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, op, found, x, 0) }
}

/// Remembers what one operand's shape leads to. A site that has met several of them becomes plain before long.
///
/// # Safety
/// As [`look_pair`].
pub(crate) unsafe fn settle(pc: *const Insn, site: &Site, op: Option<ShadowOp>, found: Found, x: &Obj, arg: u32) {
    if site.entry.guard.get() != 0 {
        let m = site.more_or_new();
        m.misses.set(m.misses.get().saturating_add(1));
    }
    found.fill(&site.entry, x, x);
    site.entry.arg.set(arg);
    site.kind.set(found.kind);
    // SAFETY: passed on from the caller.
    unsafe {
        match op {
            Some(op) if site.misses() <= PATIENCE => specialise(pc, site, op),
            _ => give_up(pc, site),
        }
    }
}

/// As [`look_pair`], for a truth test.
///
/// # Safety
/// As [`look_pair`].
#[cold]
pub unsafe fn look_truth(pc: *const Insn, site: &Site, x: &Obj) {
    if !site.is_due() {
        return;
    }
    let Some(op) = site.original().op() else { return };
    let ty = x.type_of();
    let negates = op == Opcode::UnaryNot;
    let plain = Found::native(0);
    let (kind, next) = if ty.is_heap_type() {
        let in_frame = if negates { ShadowOp::NotClass } else { ShadowOp::TruthClass };
        let always = if negates { None } else { Some(ShadowOp::TruthAlways) };
        match (method(ty, intern!("__bool__")), method(ty, intern!("__len__"))) {
            (Method::Function(cell), _) => (Found::method(Kind::Truth, cell), Some(in_frame)),
            (Method::Missing, Method::Function(cell)) => (Found::method(Kind::Length, cell), Some(in_frame)),
            (Method::Missing, Method::Missing) => (Found { kind: Kind::Always, target: 0 }, always),
            _ => (plain, None),
        }
    } else {
        (plain, for_truth(op, x.is_exact(FixedShape::Bool)))
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, next, kind, x, 0) }
}

fn for_truth(op: Opcode, is_bool: bool) -> Option<ShadowOp> {
    Some(match (op, is_bool) {
        (Opcode::JumpIfTrue, true) => ShadowOp::JumpIfTrueBool,
        (Opcode::JumpIfFalse, true) => ShadowOp::JumpIfFalseBool,
        (Opcode::JumpIfTrueOrDrop, true) => ShadowOp::JumpIfTrueOrDropBool,
        (Opcode::JumpIfFalseOrDrop, true) => ShadowOp::JumpIfFalseOrDropBool,
        (Opcode::JumpIfTrue, false) => ShadowOp::JumpIfTrueNative,
        (Opcode::JumpIfFalse, false) => ShadowOp::JumpIfFalseNative,
        (Opcode::JumpIfTrueOrDrop, false) => ShadowOp::JumpIfTrueOrDropNative,
        (Opcode::JumpIfFalseOrDrop, false) => ShadowOp::JumpIfFalseOrDropNative,
        (Opcode::UnaryNot, _) => ShadowOp::NotNative,
        _ => return None,
    })
}

/// As [`look_pair`], for a test of membership in `x`.
///
/// # Safety
/// As [`look_pair`].
#[cold]
pub unsafe fn look_contains(pc: *const Insn, site: &Site, x: &Obj) {
    if !site.is_due() {
        return;
    }
    let branches = site.original().op() == Some(Opcode::BrIn);
    let ty = x.type_of();
    let items = [FixedShape::List, FixedShape::Tuple, FixedShape::Dict].into_iter().any(|s| x.is_exact(s));
    let (native, class) = match (branches, items) {
        (true, true) => (ShadowOp::BrContainsItems, ShadowOp::BrContainsClass),
        (true, false) => (ShadowOp::BrContainsNative, ShadowOp::BrContainsClass),
        (false, true) => (ShadowOp::ContainsItems, ShadowOp::ContainsClass),
        (false, false) => (ShadowOp::ContainsNative, ShadowOp::ContainsClass),
    };
    let (found, op) = match (ty.is_heap_type(), method(ty, intern!("__contains__")), ty.slots.contains.get()) {
        (true, Method::Function(cell), _) => (Found::method(Kind::Left, cell), Some(class)),
        (false, _, Some(f)) => (Found::native(f as ContainsFn as usize), Some(native)),
        _ => (Found::NONE, None),
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, op, found, x, 0) }
}
