//! Calls of the builtins that look attributes up: `hasattr` and `getattr`.
//!
//! They ask the cache that all sites share, which also knows of names that objects do not have.

use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, Value};
use cinder_shadow::{Found, Kind};

use super::{Window, arg_count, call_known, finish_native, finish_word};
use crate::machine::{Fast, M};
use crate::ops::attrs::{cell_word, loaded, site};
use crate::ops::compare::bool_word;
use crate::ops::{fast, fast_op};

fast_op! {
    CallHasattr |m| fast {
        if m.peek(m.b()).bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        let (f, x) = fast!(found(m));
        // Interned names are immortal, so only the object is to be dropped.
        finish_word(m, bool_word(fast!(has(x, f))))
    } slow {
        let Some(f) = found_slowly(m) else { return call_known(m) };
        let w = window(m);
        match has(w.args()[0].value(), &f) {
            Some(answer) => finish_native(m, w, Ok(Obj::from_bool(answer)), 1),
            None => call_known(m),
        }
    }

    CallGetattr |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let (f, x) = fast!(found(m));
        let with_default = arg_count(s) == 3;
        if with_default && f.kind() == Kind::Absent {
            return finish_word(m, m.peek(m.b() + 4));
        }
        // SAFETY: the shape matched; slot or cell keep the value alive.
        unsafe {
            let v = fast!(loaded(x, f.kind(), f.arg, f.target));
            if m.peek(m.b()).header().is_unique() {
                return Fast::Slow;
            }
            if with_default {
                let default = m.peek(m.b() + 4);
                if default.is_ptr() {
                    if default.header().is_unique() {
                        return Fast::Slow;
                    }
                    default.header().release();
                }
            }
            v.incref();
            finish_word(m, v)
        }
    } slow {
        let Some(f) = found_slowly(m) else { return call_known(m) };
        let w = window(m);
        let args = w.args();
        let value = match f.kind() {
            Kind::Absent | Kind::PinnedAbsent => args.get(2).cloned(),
            // SAFETY: the receiver is the one; the cell keeps the value alive.
            Kind::Pinned => unsafe { word_object(cell_word(f.target)) },
            // SAFETY: the shape matched; slot or cell keep the value alive.
            kind => unsafe { loaded(args[0].value(), kind, f.arg, f.target).and_then(|w| word_object(w)) },
        };
        match value {
            Some(v) => finish_native(m, w, Ok(v), 1),
            None => call_known(m),
        }
    }
}

fn window(m: M) -> Window {
    Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(site(m)) as usize }
}

/// A borrowed word as an object; nothing if it is unbound.
///
/// # Safety
/// Whoever keeps the word must be alive.
unsafe fn word_object(w: Value) -> Option<Obj> {
    // SAFETY: by the caller's promise.
    if w == Value::UNBOUND { None } else { Some(unsafe { Obj::from_borrowed(w) }) }
}

/// What the shared cache knows of the name, the second argument, for the shape of the first one, whose word is given.
#[inline(always)]
fn found(m: M) -> Option<(&'static Found, Value)> {
    let (x, name) = (m.peek(m.b() + 2), m.peek(m.b() + 3));
    if !x.is_ptr() {
        return None;
    }
    // SAFETY: the operand is alive.
    let shape = unsafe { x.header() }.shape_id().as_u32();
    Some((cinder_shadow::global_known_word(shape, name)?, x))
}

/// As [`found`], looking it up if need be, for classes too.
fn found_slowly(m: M) -> Option<Found> {
    if m.peek(m.b()).bits() != site(m).entry.word() {
        return None;
    }
    let name = Name::lookup_obj(m.peek_obj(m.b() + 3))?;
    cinder_shadow::global_load(m.peek_obj(m.b() + 2), name)
}

/// Whether a look-up that ends this way gives something; nothing if it has to be tried.
#[inline(always)]
fn has(x: Value, f: &Found) -> Option<bool> {
    // SAFETY: the shape matched, or the receiver is the one.
    unsafe {
        match f.kind() {
            Kind::Absent | Kind::PinnedAbsent => Some(false),
            Kind::Slot | Kind::Over => loaded(x, f.kind(), f.arg, f.target).map(|_| true),
            Kind::Class
            | Kind::Method
            | Kind::ClassMethod
            | Kind::StaticMethod
            | Kind::Pinned
            | Kind::PinnedClassMethod
            | Kind::PinnedStaticMethod
                if cell_word(f.target) != Value::UNBOUND =>
            {
                Some(true)
            }
            _ => None,
        }
    }
}
