//! Operators in shadow code: those of native types, and special methods of Python classes, which run in frames.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::protocol::operator::{Asked, compare_on};
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::types::slots::{BinaryFn, CmpFn};
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{Entry, Kind, ShadowOp, Site, WAYS};

use super::arith::add_strs;
use super::attrs::{guarded, site};
use super::calls::{enter_above, has_room};
use super::compare::{bool_word, branch_pc, quick_str};
use super::{fast, fast_op, op};
use crate::call::operand::{NOT, consumer, distances};
use crate::dispatch::run_plain;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::function::Function;

/// The site of the instruction, whether it names that or not.
pub(super) fn site_here<'a>(m: M) -> PyResult<&'a Site> {
    let found = m.frame().code().shadow().and_then(|s| s.site_of(m.pc));
    found.ok_or_else(|| m.cx().system_error("specialised code without a site"))
}

/// Whether the word is that of NotImplemented.
#[inline(always)]
pub(crate) fn is_not_implemented(v: Value) -> bool {
    let o = std::mem::ManuallyDrop::new(Obj::not_implemented());
    v == o.value()
}

/// The shape of an operand.
#[inline(always)]
fn shape(m: M, x: i16) -> u32 {
    m.peek_obj(x).shape_id().as_u32()
}

/// Whether operands have the pair of shapes that an entry is for.
#[inline(always)]
fn is_pair(m: M, e: &Entry, x: i16, y: i16) -> bool {
    shape(m, x) == e.guard.get() && shape(m, y) == e.arg.get()
}

/// The registers of both operands of a plain instruction.
fn operands(plain: M) -> (i16, i16) {
    match plain.opcode() {
        Opcode::BrLt | Opcode::BrLe | Opcode::BrEq | Opcode::BrNe | Opcode::BrGt | Opcode::BrGe => {
            (plain.a(), plain.b())
        }
        _ => (plain.b(), plain.c()),
    }
}

/// An operation on two values that the site does not know, or that its fast path cannot do.
pub(super) fn look_pair(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    let (x, y) = operands(plain);
    let many = s.more().filter(|p| p.len.get() > 0);
    let known = match many {
        // All pairs of a site where some are for Python functions are known for good.
        Some(p) => {
            let n = p.len.get() as usize;
            p.kinds[..n].iter().any(|k| k.get().is_python()) && p.entries[..n].iter().any(|e| is_pair(plain, e, x, y))
        }
        None => s.kind().is_python() && is_pair(plain, &s.entry, x, y),
    };
    if !known {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_pair(m.pc, s, plain.peek_obj(x), plain.peek_obj(y)) };
    }
    Ok(run_plain(plain))
}

fn look_unary(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    let x = plain.peek_obj(plain.b());
    if s.entry.dep.get() == 0 || !guarded(x.value(), &s.entry) {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_unary(m.pc, s, x) };
    }
    Ok(run_plain(plain))
}

/// The Python function in the cell at `target`, if a call of it with `n` arguments needs no binding and there is room
/// for its frame with parameters at `params`.
///
/// # Safety
/// The cell must be alive.
#[inline(always)]
pub(super) unsafe fn ready<'a>(m: M, target: usize, n: u32, params: *mut Value) -> Option<(Value, &'a Function)> {
    // SAFETY: by the caller's promise.
    unsafe {
        let f = (*(target as *const AttrCell)).value();
        if !Function::is(f) {
            return None;
        }
        let function = &*Function::payload_of(f);
        let c = &*function.code_ptr()?;
        if c.quick_args != n || c.sites().is_null() || !has_room(m, c, params) {
            return None;
        }
        Some((f, function))
    }
}

/// Enters the Python function in the cell at `target` with these operands, which the instruction consumes. If `keeps`,
/// the first one stays alive below the frame as well. The guard of the entry that names the cell must hold.
#[inline(always)]
pub(super) fn enter_method<const N: usize>(
    m: M,
    target: usize,
    operands: [i16; N],
    keeps: bool,
    kind: (FrameKind, u8),
    extra: Value,
) -> Fast {
    // SAFETY: the guard holds, so the cell is alive; the registers above the frame are free, and there are enough.
    unsafe {
        let top = m.frame().top;
        let params = top.add(usize::from(keeps));
        let (f, function) = fast!(ready(m, target, N as u32, params));
        let c = &*fast!(function.code_ptr());
        f.incref();
        let mut i = 0;
        while i < N {
            *params.add(i) = m.owned(operands[i]);
            i += 1;
        }
        if keeps {
            (*params).incref();
            *top = *params;
        }
        enter_above(m, f, function, c, params, N as u32, (kind.0, kind.1, 1), extra)
    }
}

/// Enters the Python function in the cell at `target` for the operands `x` and `y`, which stay alive below its frame.
/// The guard of the entry that names the cell must hold.
#[inline(always)]
fn enter_pair(m: M, target: usize, x: i16, y: i16, reflected: bool, kind: (FrameKind, u8), extra: Value) -> Fast {
    // SAFETY: as in `enter_method`.
    unsafe {
        let top = m.frame().top;
        let params = top.add(2);
        let (f, function) = fast!(ready(m, target, 2, params));
        let c = &*fast!(function.code_ptr());
        let (left, right) = (m.owned(x), m.owned(y));
        *top = left;
        *top.add(1) = right;
        left.incref();
        right.incref();
        f.incref();
        let (this, other) = if reflected { (right, left) } else { (left, right) };
        *params = this;
        *params.add(1) = other;
        enter_above(m, f, function, c, params, 2, (kind.0, kind.1, 1), extra)
    }
}

/// Who is asked by an operation of this kind.
#[inline(always)]
fn asks(kind: Kind) -> Asked {
    match kind {
        Kind::Inplace => Asked::Inplace,
        Kind::Right | Kind::RightNot => Asked::Right,
        _ => Asked::Left,
    }
}

/// Enters the method that an entry is for; the result goes to the destination.
#[inline(always)]
fn enter_value(m: M, e: &Entry, kind: Kind, x: i16, y: i16) -> Fast {
    let asked = asks(kind);
    let how = if matches!(kind, Kind::LeftNot | Kind::RightNot) {
        (FrameKind::Bool, consumer(asked, NOT, 2))
    } else {
        (FrameKind::Operator, consumer(asked, 0, 2))
    };
    enter_pair(m, e.target.get(), x, y, matches!(asked, Asked::Right), how, Value::UNBOUND)
}

/// Enters the method that an entry is for; the truth of the result decides where to go on.
#[inline(always)]
fn enter_branch(m: M, e: &Entry, kind: Kind, x: i16, y: i16, if_true: bool) -> Fast {
    let asked = asks(kind);
    let negated = matches!(kind, Kind::LeftNot | Kind::RightNot);
    let far = m.distance_to(m.next_target_pc());
    let both = if if_true != negated { distances(far, 2) } else { distances(2, far) };
    let flags = if negated { NOT } else { 0 };
    let how = (FrameKind::Branch, consumer(asked, flags, 2));
    enter_pair(m, e.target.get(), x, y, matches!(asked, Asked::Right), how, both)
}

/// An operation by the native function that the site knows.
fn native_binary(m: M) -> PyResult<Flow> {
    let s = site(m);
    let plain = M { w: s.original().0, ..m };
    if !is_pair(plain, &s.entry, plain.b(), plain.c()) {
        return look_pair(m);
    }
    let Some((op, inplace)) = ShadowOp::arithmetic(plain.opcode()) else { return look_pair(m) };
    // SAFETY: sites of this instruction keep the address of such a function.
    let f = unsafe { std::mem::transmute::<usize, BinaryFn>(s.entry.target.get()) };
    let (x, y) = (plain.arg(plain.b()), plain.arg(plain.c()));
    let cx = m.cx();
    let mut r = f(cx, &x, &y)?;
    if r.is_not_implemented() && s.kind() == Kind::Native {
        let in_place = inplace && op.inplace_slot(&x.type_of().slots).is_some();
        r = op.go_on(cx, &x, &y, inplace, if in_place { Asked::Inplace } else { Asked::Left })?;
    }
    drop((x, y));
    m.set(m.a(), r);
    Ok(Flow::NEXT)
}

/// What the native function that the site knows says of a comparison; nothing if the site does not know the operands.
fn native_compare(m: M, plain: M, (x, y): (i16, i16)) -> PyResult<Option<Obj>> {
    let s = site(m);
    let Some(op) = ShadowOp::comparison(plain.opcode()).filter(|_| is_pair(plain, &s.entry, x, y)) else {
        return Ok(None);
    };
    // SAFETY: sites of this instruction keep the address of such a function.
    let f = unsafe { std::mem::transmute::<usize, CmpFn>(s.entry.target.get()) };
    let cx = m.cx();
    let (x, y) = (plain.arg(x), plain.arg(y));
    cx.check_stack(" in comparison")?;
    let r = f(cx, &x, &y, op)?;
    Ok(Some(if r.is_not_implemented() { compare_on(cx, &x, &y, op, Asked::Left)? } else { r }))
}

/// The comparison that the site's instruction makes, if it is one of equality.
#[inline(always)]
fn equality(s: &Site) -> Option<CmpOp> {
    let op = s.original().0 as u16;
    if op == Opcode::Eq as u16 || op == Opcode::BrEq as u16 {
        Some(CmpOp::Eq)
    } else if op == Opcode::Ne as u16 || op == Opcode::BrNe as u16 {
        Some(CmpOp::Ne)
    } else {
        None
    }
}

op! {
    AddStr |m| {
        if add_strs(m)? {
            return Ok(Flow::NEXT);
        }
        look_pair(m)
    }

    BinaryNative |m| { native_binary(m) }
}

macro_rules! in_frames {
    ($($look:ident $left:ident $right:ident $poly:ident;)*) => {
        fast_op! {$(
            $look |m| fast { Fast::Slow } slow { look_pair(m) }

            $left |m| fast {
                let s = site(m);
                let c = s.original().c() as i16;
                if !is_pair(m, &s.entry, m.b(), c) {
                    return Fast::Slow;
                }
                enter_value(m, &s.entry, s.kind(), m.b(), c)
            } slow { look_pair(m) }

            $right |m| fast {
                let s = site(m);
                let c = s.original().c() as i16;
                if !is_pair(m, &s.entry, m.b(), c) {
                    return Fast::Slow;
                }
                enter_value(m, &s.entry, s.kind(), m.b(), c)
            } slow { look_pair(m) }

            $poly |m| fast {
                let s = site(m);
                let c = s.original().c() as i16;
                let more = fast!(s.more());
                let n = more.len.get() as usize;
                let mut i = 0;
                while i < n && i < WAYS {
                    let e = &more.entries[i];
                    if is_pair(m, e, m.b(), c) {
                        more.counts[i].set(more.counts[i].get().wrapping_add(1));
                        let kind = more.kinds[i].get();
                        return if kind.is_python() { enter_value(m, e, kind, m.b(), c) } else { Fast::Slow };
                    }
                    i += 1;
                }
                Fast::Slow
            } slow { look_pair(m) }
        )*}
    };
}

in_frames! {
    BinaryLook BinaryLeft BinaryRight BinaryPoly;
    CompareLook CompareLeft CompareRight ComparePoly;
}

fast_op! {
    CompareNative |m| fast {
        let s = site(m);
        let (r, x, word) = fast!(quick_str(m, m.b(), s.original().c() as i16, fast!(equality(s))));
        m.store_drop(m.a(), bool_word(r), x, word)
    } slow {
        let plain = M { w: site(m).original().0, ..m };
        match native_compare(m, plain, (plain.b(), plain.c()))? {
            Some(r) => {
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
            None => look_pair(m),
        }
    }

    BrCompareLook |m| fast { Fast::Slow } slow { look_pair(m) }

    BrCompareNative |m| fast {
        let s = site(m);
        let (r, x, word) = fast!(quick_str(m, m.a(), m.b(), fast!(equality(s))));
        m.consumed(x, word, branch_pc(M { w: s.original().0, ..m }, r))
    } slow {
        let plain = M { w: site(m).original().0, ..m };
        match native_compare(m, plain, (plain.a(), plain.b()))? {
            Some(r) => Ok(Flow::jump(branch_pc(plain, r.truthy(m.cx())?))),
            None => look_pair(m),
        }
    }

    BrCompareLeft |m| fast {
        let s = site(m);
        if !is_pair(m, &s.entry, m.a(), m.b()) {
            return Fast::Slow;
        }
        enter_branch(m, &s.entry, s.kind(), m.a(), m.b(), s.original().c() != 0)
    } slow { look_pair(m) }

    BrCompareRight |m| fast {
        let s = site(m);
        if !is_pair(m, &s.entry, m.a(), m.b()) {
            return Fast::Slow;
        }
        enter_branch(m, &s.entry, s.kind(), m.a(), m.b(), s.original().c() != 0)
    } slow { look_pair(m) }

    BrComparePoly |m| fast {
        let s = site(m);
        let more = fast!(s.more());
        let n = more.len.get() as usize;
        let mut i = 0;
        while i < n && i < WAYS {
            let e = &more.entries[i];
            if is_pair(m, e, m.a(), m.b()) {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                let kind = more.kinds[i].get();
                let if_true = s.original().c() != 0;
                return if kind.is_python() { enter_branch(m, e, kind, m.a(), m.b(), if_true) } else { Fast::Slow };
            }
            i += 1;
        }
        Fast::Slow
    } slow { look_pair(m) }

    UnaryLook |m| fast { Fast::Slow } slow { look_unary(m) }

    UnaryClass |m| fast {
        let e = &site(m).entry;
        if !guarded(m.peek(m.b()), e) {
            return Fast::Slow;
        }
        enter_method(m, e.target.get(), [m.b()], false, (FrameKind::Call, 0), Value::UNBOUND)
    } slow { look_unary(m) }

    NegInt |m| fast {
        let n = fast!(m.peek(m.b()).as_int());
        m.store(m.a(), fast!(Value::from_i64(-n)))
    } slow { look_unary(m) }

    NegFloat |m| fast {
        let x = fast!(m.peek(m.b()).as_float());
        m.store(m.a(), fast!(Value::from_f64(-x)))
    } slow { look_unary(m) }
}
