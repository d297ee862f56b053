//! Weak references and proxies.
//!
//! The weak references to an object form a doubly linked list that starts in its side record and owns
//! nothing. Every node is the payload of a `ReferenceType` or proxy object, which unlinks itself when it dies.
//! A plain reference without callback comes first, so that it can be reused.

mod proxy;
mod reference;

use std::cell::Cell;

use crate::ctx::Ctx;
use crate::heap::{Header, Traverse, Visitor};
use crate::shape::instance::{self, Side};
use crate::value::{Obj, ObjCell, Value};

pub use proxy::{CallableProxy, Proxy, new_proxy};
pub use reference::{WeakRef, new_ref};

/// A node of the list of weak references to one object.
#[repr(C)]
pub struct Link {
    /// The object, null once it is gone. Not owned.
    referent: Cell<*const Header>,
    prev: Cell<Option<Value>>,
    next: Cell<Option<Value>>,
    callback: ObjCell,
}

impl Traverse for Link {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.callback.traverse(visit);
    }

    fn clear(&self) {
        // Once a reference is trash, its callback will not be called.
        self.unlink();
        self.callback.clear();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// The callback of a weak reference or proxy object whose referent lives.
pub fn callback(o: &Obj) -> Option<Obj> {
    as_link(o).filter(|l| l.get().is_some()).and_then(|l| l.callback.get())
}

/// The node in a weak reference or proxy object, given as a word of a list.
fn link_of<'a>(word: Value) -> &'a Link {
    // SAFETY: lists hold live reference objects, whose payload is a `Link` right after the header.
    unsafe { &*((word.bits() as usize + size_of::<Header>()) as *const Link) }
}

/// The node of a reference or proxy object.
fn as_link(o: &Obj) -> Option<&Link> {
    if let Some(r) = o.downcast::<WeakRef>() {
        return Some(&r.link);
    }
    if let Some(p) = o.downcast::<Proxy>() {
        return Some(&p.link);
    }
    o.downcast::<CallableProxy>().map(|p| &p.link)
}

impl Link {
    fn new(referent: *const Header, callback: Option<Obj>) -> Link {
        Link {
            referent: Cell::new(referent),
            prev: Cell::new(None),
            next: Cell::new(None),
            callback: ObjCell::new(callback),
        }
    }

    /// The word of the object that this is the payload of.
    fn word(&self) -> Value {
        Value::from_ptr((self as *const Link as usize - size_of::<Header>()) as *const Header)
    }

    /// The object, unless it is gone or going.
    pub fn get(&self) -> Option<Obj> {
        let p = self.referent.get();
        if p.is_null() {
            return None;
        }
        // SAFETY: the pointer is cleared before the object's cell is freed.
        unsafe { if (*p).ref_count() == 0 { None } else { Some(Obj::from_borrowed(Value::from_ptr(p))) } }
    }

    /// Takes the node out of its list.
    fn unlink(&self) {
        let p = self.referent.replace(std::ptr::null());
        if p.is_null() {
            return;
        }
        let (prev, next) = (self.prev.take(), self.next.take());
        match prev {
            Some(n) => link_of(n).next.set(next),
            None => {
                // SAFETY: the referent is intact as long as nodes point at it.
                if let Some(side) = unsafe { instance::side(p, (*p).shape()) } {
                    side.weakrefs.set(next);
                }
            }
        }
        if let Some(n) = next {
            link_of(n).prev.set(prev);
        }
    }

    /// Puts a fresh node into the list of its referent: first, or behind the reusable ones.
    fn insert(&self, side: &Side, first: bool) {
        let mut after = None;
        if !first {
            let mut at = side.weakrefs.get();
            while let Some(n) = at {
                if !is_reusable(n) {
                    break;
                }
                after = at;
                at = link_of(n).next.get();
            }
        }
        let me = Some(self.word());
        let next = match after {
            Some(n) => link_of(n).next.replace(me),
            None => side.weakrefs.replace(me),
        };
        self.prev.set(after);
        self.next.set(next);
        if let Some(n) = next {
            link_of(n).prev.set(me);
        }
    }
}

/// Whether a node is an exact reference or proxy without callback.
fn is_reusable(word: Value) -> bool {
    if !link_of(word).callback.is_empty() {
        return false;
    }
    // SAFETY: lists hold live reference objects.
    let ty = unsafe { word.header() }.shape().ty();
    !ty.is_heap_type()
}

fn side_of<'a>(p: *const Header) -> Option<&'a Side> {
    // SAFETY: callers hold a live or dying, intact object.
    unsafe { instance::side(p, (*p).shape()) }
}

fn each_link(p: *const Header, mut f: impl FnMut(Value)) {
    let mut at = side_of(p).and_then(|s| s.weakrefs.get());
    while let Some(n) = at {
        at = link_of(n).next.get();
        f(n);
    }
}

/// An owned handle of a node's object, unless it is about to end.
fn handle(word: Value) -> Option<Obj> {
    // SAFETY: lists hold reference objects that are live or about to end.
    unsafe { if word.header().ref_count() == 0 { None } else { Some(Obj::from_borrowed(word)) } }
}

/// All live weak references and proxies to an object.
pub fn references_to(o: &Obj) -> Vec<Obj> {
    let mut v = Vec::new();
    if let Some(p) = o.as_ptr() {
        each_link(p, |n| v.extend(handle(n)));
    }
    v
}

/// The first weak reference in the object's list, as `__weakref__` shows it.
pub fn first_ref(o: &Obj) -> Option<Obj> {
    references_to(o).into_iter().next()
}

/// Whether weak references to the object are possible.
pub fn is_weakly_referenceable(o: &Obj) -> bool {
    o.is_ptr() && o.type_of().layout().has_weakrefs
}

/// A callback that is due, with its reference.
pub(crate) struct Due {
    reference: Obj,
    callback: Obj,
}

/// Whether any weak reference to the object has a callback.
pub(crate) unsafe fn has_callbacks(p: *const Header) -> bool {
    let mut any = false;
    each_link(p, |n| any |= !link_of(n).callback.is_empty());
    any
}

/// Clears those references with a callback that satisfy `pred`, and adds their calls to `due`.
pub(crate) unsafe fn take_callbacks(p: *const Header, pred: impl Fn(&Obj) -> bool, due: &mut Vec<Due>) {
    each_link(p, |n| {
        let l = link_of(n);
        if !l.callback.is_empty()
            && let Some(reference) = handle(n)
            && pred(&reference)
        {
            l.unlink();
            if let Some(callback) = l.callback.take() {
                due.push(Due { reference, callback });
            }
        }
    });
}

/// Clears all references to an object without calling anything.
pub(crate) unsafe fn clear_silently(p: *const Header) {
    let mut dropped = Vec::new();
    each_link(p, |n| {
        let l = link_of(n);
        l.unlink();
        dropped.push(l.callback.take());
    });
}

/// Calls callbacks; what they raise is reported and ignored.
pub(crate) fn run_callbacks(cx: &Ctx, due: Vec<Due>) {
    if due.is_empty() {
        return;
    }
    let saved = cx.take_pending();
    for Due { reference, callback } in due {
        if callback.call1(cx, &reference).is_err() {
            cx.report_unraisable("Exception ignored while calling weakref callback", &callback);
        }
    }
    if let Some(e) = saved {
        let _ = cx.set_pending(e);
    }
}

/// Ends the side record of a dying object: weak references are cleared and their callbacks run, a `__dict__`
/// that others still use is detached.
///
/// # Safety
/// `p` must be the dead but intact object that `side` belongs to.
pub(crate) unsafe fn release_side(p: *const Header, side: &Side) {
    let mut due = Vec::new();
    while let Some(n) = side.weakrefs.get() {
        let l = link_of(n);
        let reference = handle(n);
        l.unlink();
        if let (Some(callback), Some(reference)) = (l.callback.take(), reference) {
            due.push(Due { reference, callback });
        }
    }
    if !due.is_empty() {
        run_callbacks(Ctx::current(), due);
    }
    if let Some(d) = side.dict.take() {
        // SAFETY: by the caller's promise.
        unsafe { super::dict::detach(p, &d) };
    }
}
