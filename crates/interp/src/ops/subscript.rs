//! Subscripts of classes written in Python, in shadow code.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::{PyResult, Value, intern};
use cinder_shadow::ShadowOp;

use super::attrs::{guarded, site};
use super::calls::{can_enter, enter_frame};
use super::flow::none_word;
use super::items::{build_slice, get_item, quick_slice, set_item};
use super::{fast, fast_op, op};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M, is_temp};
use crate::objects::function::Function;

/// The instruction as plain code has it, for its operands.
#[inline(always)]
fn plain(m: M) -> M {
    M { w: site(m).original().0, ..m }
}

fn look_get(m: M) -> PyResult<Flow> {
    let s = site(m);
    let x = m.peek_obj(m.b());
    // SAFETY: the instruction lies in shadow code.
    unsafe {
        if x.is_exact(FixedShape::Dict) {
            if x.shape_id().as_u32() != s.entry.guard.get() {
                cinder_shadow::look_shape(m.pc, s, x, Some(ShadowOp::GetItemDict), 0, 0);
            }
        } else {
            cinder_shadow::look_item(m.pc, s, x, intern!("__getitem__"), ShadowOp::GetItemClass);
        }
    }
    get_item(plain(m))
}

fn look_set(m: M) -> PyResult<Flow> {
    let s = site(m);
    let x = m.peek_obj(m.a());
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_item(m.pc, s, x, intern!("__setitem__"), ShadowOp::SetItemClass) };
    set_item(plain(m))
}

/// Enters the Python function that the site knows for a receiver, with these operands.
#[inline(always)]
fn enter<const N: usize>(m: M, receiver: Value, operands: [i16; N], kind: FrameKind) -> Fast {
    let e = &site(m).entry;
    if !guarded(receiver, e) {
        return Fast::Slow;
    }
    // SAFETY: the guard holds, so the cell is alive; the registers above the frame are free, and there are enough.
    unsafe {
        let f = (*(e.target.get() as *const AttrCell)).value();
        if !Function::is(f) {
            return Fast::Slow;
        }
        let function = &*Function::payload_of(f);
        let c = &*fast!(function.code_ptr());
        let first = m.frame().top;
        if c.quick_args != N as u32 || c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        f.incref();
        let mut i = 0;
        while i < N {
            *first.add(i) = m.owned(operands[i]);
            i += 1;
        }
        enter_frame(m, f, function, c, first, N as u32, kind, Value::UNBOUND)
    }
}

/// Takes a slice of an exact list, tuple or str without a slice object, and skips the subscript that follows. Its key is
/// the slice by the word of the site's making; its other operands are those of the plain instruction in any case.
fn slice_at_once(m: M) -> PyResult<Flow> {
    // SAFETY: the next instruction is a subscript.
    let get = M { w: unsafe { (*m.ahead(1)).0 }, ..m };
    let step = if m.c() == 3 { m.peek(m.b() + 2) } else { none_word() };
    let Some(v) = quick_slice(m.peek_obj(get.b()), m.peek(m.b()), m.peek(m.b() + 1), step) else {
        return build_slice(m);
    };
    // Bounds are ints or None, which need no drop.
    drop(get.arg(get.b()));
    m.set(get.a(), v);
    Ok(Flow::jump(m.ahead(2)))
}

op! {
    BuildSliceGet |m| { slice_at_once(m) }
}

fast_op! {
    GetItemLook |m| fast { Fast::Slow } slow { look_get(m) }

    GetItemClass |m| fast {
        let key = site(m).original().c() as i16;
        enter(m, m.peek(m.b()), [m.b(), key], FrameKind::Call)
    } slow { look_get(m) }

    GetItemDict |m| fast {
        let x = m.peek(m.b());
        let c = site(m).original().c() as i16;
        let key = m.peek(c);
        let v = fast!(fast!(m.peek_obj(m.b()).fixed::<Dict>(FixedShape::Dict)).quick_get(key));
        let ends_key = is_temp(c) && key.is_ptr();
        if ends_key && is_temp(m.b()) {
            return Fast::Slow;
        }
        // SAFETY: the dict keeps the value alive.
        unsafe { v.incref() };
        if ends_key { m.store_drop(m.a(), v, c, key) } else { m.store_drop(m.a(), v, m.b(), x) }
    } slow { look_get(m) }

    SetItemLook |m| fast { Fast::Slow } slow { look_set(m) }

    SetItemClass |m| fast {
        let value = site(m).original().c() as i16;
        enter(m, m.peek(m.a()), [m.a(), m.b(), value], FrameKind::Discard)
    } slow { look_set(m) }
}
