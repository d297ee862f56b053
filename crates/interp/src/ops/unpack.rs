//! Unpacking in shadow code.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::ShadowOp;

use super::attrs::site;
use super::build::unpack_into;
use super::{fast, fast_op};
use crate::machine::{Fast, Flow, M, is_temp};

/// The items of an exact tuple or list.
#[inline(always)]
pub(super) fn plain_items(x: &Obj) -> Option<&[Value]> {
    if let Some(t) = x.fixed::<Tuple>(FixedShape::Tuple) {
        return Some(t.values());
    }
    Some(x.fixed::<List>(FixedShape::List)?.words())
}

/// Unpacks what the site does not know, and decides what to expect the next time.
fn look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let n = usize::from(s.original().c());
    let x = m.peek_obj(m.a());
    let plain = plain_items(x).is_some_and(|items| items.len() == n);
    let op = if plain && stores_locals(m, n) {
        Some(ShadowOp::UnpackSequenceLocals)
    } else {
        plain.then_some(ShadowOp::UnpackSequencePlain)
    };
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_shape(m.pc, s, x, op, n as u32, 0) };
    unpack_into(m, n)
}

/// Whether the next `n` instructions move the items into locals, in order.
fn stores_locals(m: M, n: usize) -> bool {
    let f = m.frame();
    let at = f.lasti() as usize;
    let insns = &f.plain().insns;
    let first = insns[at].b();
    let following = insns.get(at + 1..at + 1 + n).unwrap_or(&[]);
    n > 0
        && following.len() == n
        && following
            .iter()
            .enumerate()
            .all(|(i, w)| w.op() == Some(Opcode::Move) && w.b() == first + i as u16 && (w.a() as i16) < 0)
}

fast_op! {
    UnpackSequenceLook |m| fast { Fast::Slow } slow { look(m) }

    UnpackSequencePlain |m| fast {
        let n = usize::from(site(m).original().c());
        let items = fast!(plain_items(m.peek_obj(m.a())));
        if items.len() != n {
            return Fast::Slow;
        }
        let v = m.peek(m.a());
        fill(m.reg(m.b()), items);
        m.consumed(m.a(), v, m.ahead(1))
    } slow { look(m) }

    UnpackSequenceLocals |m| fast {
        let n = usize::from(site(m).original().c());
        let v = m.peek(m.a());
        let items = fast!(plain_items(m.peek_obj(m.a())));
        if items.len() != n {
            return Fast::Slow;
        }
        // SAFETY: the site saw that the next `n` instructions move the items into locals; the sequence lives until the
        // end of the fast path, for whatever drops its last reference comes after.
        unsafe {
            let mut i = 0;
            while i < n {
                let x = *items.get_unchecked(i);
                x.incref();
                i += 1;
                let p = m.reg((*m.pc.add(i)).a() as i16);
                let old = std::mem::replace(&mut *p, x);
                if old.is_ptr() && old.header().release() {
                    // The old value goes before the next item is stored: the moves do the rest.
                    fill(m.reg(m.b()).add(i), items.get_unchecked(i..));
                    m.save_pc();
                    let to = m.ahead(1 + i);
                    if is_temp(m.a()) && v.header().release() {
                        m.th().parked.set(Some(old));
                        return Fast::Drop2(v, to, m.base, m.fr);
                    }
                    return Fast::Drop(old, to, m.base, m.fr);
                }
            }
        }
        m.consumed(m.a(), v, m.ahead(1 + n))
    } slow { look(m) }
}

/// Puts new references to the items into dead registers.
#[inline(always)]
pub(super) fn fill(to: *mut Value, items: &[Value]) {
    let mut i = 0;
    while i < items.len() {
        // SAFETY: the sequence keeps its items alive; the window has room for them.
        unsafe {
            items[i].incref();
            *to.add(i) = items[i];
        }
        i += 1;
    }
}
