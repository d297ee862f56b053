//! `method`: a callable bound to a receiver.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::protocol;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{CmpOp, Type};
use crate::value::Obj;

/// A function together with the object on which it was looked up, which becomes its first argument.
#[pyclass(name = "method", fixed = BoundMethod, flags(weakref), sig = "(function, instance, /)")]
#[derive(Traverse)]
pub struct BoundMethod {
    function: Obj,
    this: Obj,
}

/// `function` bound to `this`.
pub fn new(function: Obj, this: Obj) -> Obj {
    heap::new_instance(BoundMethod::class().type_object(), BoundMethod { function, this })
}

impl BoundMethod {
    /// `__func__`.
    #[inline(always)]
    pub fn function(&self) -> &Obj {
        &self.function
    }

    /// `__self__`.
    #[inline(always)]
    pub fn receiver(&self) -> &Obj {
        &self.this
    }
}

#[pymethods]
impl BoundMethod {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "method", 2, 2)?;
        if !a[0].is_callable() {
            return Err(cx.type_error("first argument must be callable"));
        }
        if a[1].is_none() {
            return Err(cx.type_error("instance must not be None"));
        }
        Ok(new(a[0].clone(), a[1].clone()))
    }

    fn __call__(cx: &Ctx, this: This<'_, BoundMethod>, args: Args<'_>) -> PyResult {
        // The call may drop the method itself.
        let (f, receiver) = (this.function.clone(), this.this.clone());
        protocol::with_receiver(&receiver, args.all(), |all| f.call(cx, Args::new(all, args.names())))
    }

    fn __get__(_cx: &Ctx, this: This<'_, BoundMethod>, _i: Option<&Obj>, _o: Option<&Obj>) -> PyResult {
        Ok(this.obj().clone())
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        if Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n)).is_some() {
            return protocol::generic_get_attr(cx, this, name);
        }
        match This::<BoundMethod>::from_obj(this) {
            Some(m) => m.function.get_attr_obj(cx, name),
            None => protocol::generic_get_attr(cx, this, name),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, BoundMethod>) -> PyResult {
        let name = match this.function.get_attr_opt(cx, intern!("__qualname__"))? {
            Some(q) => Some(q),
            None => this.function.get_attr_opt(cx, intern!("__name__"))?,
        };
        let name = match &name {
            Some(n) if n.type_of().is_str_subtype() => as_utf8_lossy(n).into_owned(),
            _ => "?".to_string(),
        };
        let r = this.this.repr(cx)?;
        Ok(Obj::from(format!("<bound method {name} of {}>", as_utf8_lossy(&r)).as_str()))
    }

    fn __hash__(cx: &Ctx, this: This<'_, BoundMethod>) -> PyResult<i64> {
        let h = super::object::identity_hash(&this.this) ^ this.function.hash(cx)?;
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, BoundMethod>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<BoundMethod>() else { return Ok(Obj::not_implemented()) };
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        let same = this.this.is(&o.this) && this.function.eq(cx, &o.function)?;
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    /// what is called
    #[pygetter(member)]
    fn __func__(this: This<'_, BoundMethod>) -> Obj {
        this.function.clone()
    }

    /// what becomes the first argument
    #[pygetter(member)]
    fn __self__(this: This<'_, BoundMethod>) -> Obj {
        this.this.clone()
    }

    #[pygetter]
    fn __doc__(cx: &Ctx, this: This<'_, BoundMethod>) -> PyResult {
        this.function.get_attr(cx, intern!("__doc__"))
    }

    /// Helper for pickle.
    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, BoundMethod>) -> PyResult {
        let name = this.function.get_attr(cx, intern!("__name__"))?;
        super::descriptor::reduce_by_getattr(cx, &this.this, &as_utf8_lossy(&name))
    }
}
