//! repr, str, hash, truth, format.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::FixedShape;
use crate::types::tuple::Tuple;
use crate::value::Obj;

impl Obj {
    /// `repr(x)`.
    pub fn repr(&self, cx: &Ctx) -> PyResult {
        if let Some(n) = self.as_int() {
            return Ok(crate::types::int::small_to_str(n));
        }
        let r = self.raw_repr(cx)?;
        if !r.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("__repr__ returned non-string (type {})", r.type_of().name())));
        }
        Ok(r)
    }

    /// What `__repr__` gives, even if it is no str.
    pub(crate) fn raw_repr(&self, cx: &Ctx) -> PyResult {
        cx.check_stack(" while getting the repr of an object")?;
        let ty = self.type_of();
        match ty.slots.repr.get() {
            Some(f) => f(cx, self),
            None => Ok(Obj::from(format!("<{} object at {:#x}>", ty.name(), self.id()).as_str())),
        }
    }

    /// `str(x)`.
    pub fn str(&self, cx: &Ctx) -> PyResult {
        if self.is_exact(FixedShape::Str) {
            return Ok(self.clone());
        }
        if let Some(n) = self.as_int() {
            return Ok(crate::types::int::small_to_str(n));
        }
        cx.check_stack(" while getting the str of an object")?;
        let ty = self.type_of();
        let r = match ty.slots.str.get() {
            Some(f) => f(cx, self)?,
            None => self.raw_repr(cx)?,
        };
        if !r.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("__str__ returned non-string (type {})", r.type_of().name())));
        }
        Ok(r)
    }

    /// `hash(x)`.
    #[inline]
    pub fn hash(&self, cx: &Ctx) -> PyResult<i64> {
        if let Some(n) = self.as_int() {
            return Ok(crate::types::int::hash_i64(n));
        }
        if let Some(t) = self.fixed::<Tuple>(FixedShape::Tuple)
            && t.known_hash() != -1
        {
            return Ok(t.known_hash());
        }
        match self.type_of().slots.hash.get() {
            Some(f) => f(cx, self),
            None => Err(self.unhashable(cx)),
        }
    }

    #[cold]
    fn unhashable(&self, cx: &Ctx) -> crate::Raised {
        cx.type_error(format!("unhashable type: '{}'", self.type_of().name()))
    }

    /// Truth by `__bool__`, then `__len__`, else true.
    #[inline]
    pub fn truthy(&self, cx: &Ctx) -> PyResult<bool> {
        if let Some(n) = self.as_int() {
            return Ok(n != 0);
        }
        if self.is_exact(FixedShape::Bool) {
            return Ok(self.is(&Obj::from_bool(true)));
        }
        if self.is_none() {
            return Ok(false);
        }
        let slots = &self.type_of().slots;
        if let Some(f) = slots.bool.get() {
            return f(cx, self);
        }
        match slots.len.get() {
            Some(f) => Ok(f(cx, self)? != 0),
            None => Ok(true),
        }
    }

    /// `format(x, spec)`.
    pub fn format(&self, cx: &Ctx, spec: &Obj) -> PyResult {
        let Some(m) = self.lookup_special(cx, intern!("__format__"))? else {
            return Err(cx.type_error(format!("Type {} doesn't define __format__", self.type_of().name())));
        };
        let r = m.call1(cx, spec)?;
        if !r.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("__format__ must return a str, not {}", r.type_of().name())));
        }
        Ok(r)
    }

    /// `dir`-independent helper: the class name, for messages.
    pub fn type_name(&self) -> String {
        self.type_of().name().to_string()
    }

    /// Runs `f` unless a `repr` of this very object is in progress already; then nothing.
    /// Containers use it to show cycles as `[...]`.
    pub fn guard_repr(&self, cx: &Ctx, f: impl FnOnce() -> PyResult) -> PyResult<Option<Obj>> {
        if cx.repr_stack.borrow().contains(&self.value()) {
            return Ok(None);
        }
        cx.repr_stack.borrow_mut().push(self.value());
        let r = f();
        cx.repr_stack.borrow_mut().pop();
        r.map(Some)
    }
}
