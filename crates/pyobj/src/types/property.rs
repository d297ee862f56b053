//! `property`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{This, pyclass, pymethods};
use crate::types::Type;
use crate::types::str::as_utf8_lossy;
use crate::value::{Obj, ObjCell};

/// An attribute that is computed: fget is called when it is read, fset when it is assigned, fdel when it is deleted.
///
/// doc becomes __doc__, by default that of fget. Mostly used as a decorator, with x.setter and x.deleter for the other
/// functions.
#[pyclass(
    name = "property",
    fixed = Property,
    flags(basetype),
    sig = "(fget=None, fset=None, fdel=None, doc=None)"
)]
#[derive(Traverse)]
pub struct Property {
    get: ObjCell,
    set: ObjCell,
    del: ObjCell,
    doc: ObjCell,
    name: ObjCell,
    /// The docstring was taken from the getter, so copies take theirs from their own getter.
    #[traverse(skip)]
    getter_doc: std::cell::Cell<bool>,
}

impl Property {
    /// `fget`.
    pub fn getter_fn(&self) -> Option<Obj> {
        self.get.get()
    }

    /// `fget` as a borrowed word.
    #[inline(always)]
    pub fn getter_word(&self) -> Option<crate::value::Value> {
        self.get.peek()
    }

    /// `fset`.
    pub fn setter_fn(&self) -> Option<Obj> {
        self.set.get()
    }

    /// `fdel`.
    pub fn deleter_fn(&self) -> Option<Obj> {
        self.del.get()
    }

    fn shown_name(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        if let Some(n) = self.name.get() {
            return Ok(Some(n));
        }
        match self.get.get() {
            Some(g) => g.get_attr_opt(cx, intern!("__name__")),
            None => Ok(None),
        }
    }

    #[cold]
    fn missing(&self, cx: &Ctx, instance: &Obj, what: &str) -> PyResult<crate::Raised> {
        let name = self.shown_name(cx)?;
        let q = crate::protocol::qualified_name(cx, instance.type_of())?;
        let text = match &name {
            Some(n) => {
                let r = n.repr(cx)?;
                format!("property {} of '{q}' object has no {what}", as_utf8_lossy(&r))
            }
            None => format!("property of '{q}' object has no {what}"),
        };
        Ok(cx.raise(crate::types::exc::AttributeError(), text))
    }

    fn copy(&self, cx: &Ctx, this: &Obj, get: Option<&Obj>, set: Option<&Obj>, del: Option<&Obj>) -> PyResult {
        let pick = |new: Option<&Obj>, old: &ObjCell| match new {
            Some(n) if !n.is_none() => n.clone(),
            _ => old.get().unwrap_or_else(Obj::none),
        };
        let get = pick(get, &self.get);
        let doc = if self.getter_doc.get() && !get.is_none() {
            Obj::none()
        } else {
            self.doc.get().unwrap_or_else(Obj::none)
        };
        let new = this.type_of().as_obj().call_pos(cx, &[get, pick(set, &self.set), pick(del, &self.del), doc])?;
        if let Some(p) = new.downcast::<Property>() {
            p.name.set(self.name.get());
        }
        Ok(new)
    }
}

#[pymethods]
impl Property {
    fn __new__(_cx: &Ctx, ty: &Type, _args: crate::native::Args<'_>) -> PyResult {
        let none = || ObjCell::new(None);
        Ok(heap::new_instance(
            ty,
            Property {
                get: none(),
                set: none(),
                del: none(),
                doc: none(),
                name: none(),
                getter_doc: Default::default(),
            },
        ))
    }

    #[pymethod(sig = "($self, fget=None, fset=None, fdel=None, doc=None)")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, Property>,
        fget: Option<Obj>,
        fset: Option<Obj>,
        fdel: Option<Obj>,
        doc: Option<Obj>,
    ) -> PyResult<()> {
        this.get.set(fget.clone());
        this.set.set(fset);
        this.del.set(fdel);
        this.getter_doc.set(false);
        let mut doc = doc;
        if doc.is_none()
            && let Some(g) = &fget
            && let Some(d) = g.get_attr_opt(cx, intern!("__doc__"))?
            && !d.is_none()
        {
            this.getter_doc.set(true);
            doc = Some(d);
        }
        if this.obj().is_exact(crate::native::FixedShape::Property) {
            this.doc.set(doc);
            return Ok(());
        }
        // The class attribute of a subclass hides the property's own, so its instances hold the docstring. One
        // that was asked for is dropped silently where there is no room for it.
        let doc = doc.unwrap_or_else(Obj::none);
        if let Err(r) = this.obj().set_attr(cx, intern!("__doc__"), &doc) {
            if this.getter_doc.get() {
                return Err(r);
            }
            cx.swallow(r, crate::types::exc::AttributeError())?;
        }
        Ok(())
    }

    fn __get__(cx: &Ctx, this: This<'_, Property>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(i) = instance else { return Ok(this.obj().clone()) };
        match this.get.get() {
            Some(f) => f.call1(cx, i),
            None => Err(this.missing(cx, i, "getter")?),
        }
    }

    fn __set__(cx: &Ctx, this: This<'_, Property>, instance: &Obj, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => match this.set.get() {
                Some(f) => f.call_pos(cx, &[instance.clone(), v.clone()]).map(drop),
                None => Err(this.missing(cx, instance, "setter")?),
            },
            None => match this.del.get() {
                Some(f) => f.call1(cx, instance).map(drop),
                None => Err(this.missing(cx, instance, "deleter")?),
            },
        }
    }

    #[pygetter(member)]
    fn fget(this: This<'_, Property>) -> Option<Obj> {
        this.get.get()
    }

    #[pygetter(member)]
    fn fset(this: This<'_, Property>) -> Option<Obj> {
        this.set.get()
    }

    #[pygetter(member)]
    fn fdel(this: This<'_, Property>) -> Option<Obj> {
        this.del.get()
    }

    #[pygetter]
    fn __doc__(this: This<'_, Property>) -> Option<Obj> {
        this.doc.get()
    }

    #[pysetter(name = "__doc__")]
    fn set_doc(this: This<'_, Property>, value: Option<&Obj>) -> PyResult<()> {
        this.doc.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __name__(cx: &Ctx, this: This<'_, Property>) -> PyResult {
        match this.shown_name(cx)? {
            Some(n) => Ok(n),
            None => Err(cx.attribute_error(
                "'property' object has no attribute '__name__'",
                this.obj(),
                intern!("__name__").as_obj(),
            )),
        }
    }

    #[pysetter(name = "__name__")]
    fn set_name(this: This<'_, Property>, value: Option<&Obj>) -> PyResult<()> {
        this.name.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __isabstractmethod__(cx: &Ctx, this: This<'_, Property>) -> PyResult<bool> {
        for c in [&this.get, &this.set, &this.del] {
            if super::static_method::is_abstract(cx, c.get().as_ref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A property that differs from this in the function for reading.
    #[pymethod(sig = "($self, object, /)")]
    fn getter(cx: &Ctx, this: This<'_, Property>, object: &Obj) -> PyResult {
        this.copy(cx, this.obj(), Some(object), None, None)
    }

    /// A property that differs from this in the function for assigning.
    #[pymethod(sig = "($self, object, /)")]
    fn setter(cx: &Ctx, this: This<'_, Property>, object: &Obj) -> PyResult {
        this.copy(cx, this.obj(), None, Some(object), None)
    }

    /// A property that differs from this in the function for deleting.
    #[pymethod(sig = "($self, object, /)")]
    fn deleter(cx: &Ctx, this: This<'_, Property>, object: &Obj) -> PyResult {
        this.copy(cx, this.obj(), None, None, Some(object))
    }

    /// Tells the property under which name a class has it.
    #[pymethod(sig = "($self, owner, name, /)")]
    fn __set_name__(cx: &Ctx, this: This<'_, Property>, args: crate::native::Args<'_>) -> PyResult<()> {
        let [_, name] = args.pos() else {
            return Err(cx.type_error(format!(
                "__set_name__() takes 2 positional arguments but {} were given",
                args.pos().len()
            )));
        };
        this.name.set(Some(name.clone()));
        Ok(())
    }
}
