//! [`Obj`]: an owned reference.

use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::Value;

/// An owned value: cloning adds a reference, dropping gives one back. `&Obj` is the borrowed form.
///
/// The drop of a last reference ends the object at once, which may run Python code (`__del__`, weak
/// reference callbacks): hold no `RefCell` borrow while dropping an `Obj` of unknown type.
#[repr(transparent)]
pub struct Obj(Value, std::marker::PhantomData<*const ()>);

impl Obj {
    /// Takes over a reference that the caller owns.
    ///
    /// # Safety
    /// The caller must own one reference to `v` and give it up.
    #[inline(always)]
    pub unsafe fn from_owned(v: Value) -> Obj {
        Obj(v, std::marker::PhantomData)
    }

    /// Makes a new reference to a value that something else keeps alive.
    ///
    /// # Safety
    /// `v` must be live.
    #[inline(always)]
    pub unsafe fn from_borrowed(v: Value) -> Obj {
        // SAFETY: by the caller's promise.
        unsafe { v.incref() };
        Obj(v, std::marker::PhantomData)
    }

    /// Views a borrowed word as a borrowed handle.
    ///
    /// # Safety
    /// `v` must stay live and in place for `'a`.
    #[inline(always)]
    pub unsafe fn borrow_from<'a>(v: *const Value) -> &'a Obj {
        // SAFETY: `Obj` is a transparent wrapper of `Value`.
        unsafe { &*(v as *const Obj) }
    }

    /// Views consecutive words as borrowed handles.
    ///
    /// # Safety
    /// The words must be live values (no sentinels that safe code could see) and stay in place for `'a`.
    #[inline(always)]
    pub unsafe fn slice_from<'a>(v: *const Value, n: usize) -> &'a [Obj] {
        // SAFETY: `Obj` is a transparent wrapper of `Value`.
        unsafe { std::slice::from_raw_parts(v as *const Obj, n) }
    }

    /// The word, still owned by this handle.
    #[inline(always)]
    pub fn value(&self) -> Value {
        self.0
    }

    /// Gives up the handle and returns the owned word.
    #[inline(always)]
    pub fn into_value(self) -> Value {
        ManuallyDrop::new(self).0
    }

    /// Python's `is`.
    #[inline(always)]
    pub fn is(&self, other: &Obj) -> bool {
        self.0 == other.0
    }
}

impl Clone for Obj {
    #[inline(always)]
    fn clone(&self) -> Obj {
        // SAFETY: `self` keeps the value alive.
        unsafe { Obj::from_borrowed(self.0) }
    }
}

impl Drop for Obj {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the handle owns one reference.
        unsafe { self.0.decref() }
    }
}

/// Predicates of the word (`is_int`, `as_float`…) are callable on the handle.
impl Deref for Obj {
    type Target = Value;
    #[inline(always)]
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl std::fmt::Debug for Obj {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
