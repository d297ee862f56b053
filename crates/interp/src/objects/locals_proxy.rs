//! `FrameLocalsProxy`: `frame.f_locals` of functions, a write-through view (PEP 667).

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, FixedShape, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{CmpOp, dict, list};
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use super::code::CodeObject;
use super::frame_obj::FrameObject;

/// A view of a frame's local variables.
#[pyclass(name = "FrameLocalsProxy", flags(mapping))]
#[derive(Traverse)]
pub struct FrameLocalsProxy {
    frame: Obj,
}

/// The view of a frame object.
pub(crate) fn new(_cx: &Ctx, frame: &Obj) -> PyResult {
    Ok(heap::new_instance(FrameLocalsProxy::class().type_object(), FrameLocalsProxy { frame: frame.clone() }))
}

impl FrameLocalsProxy {
    fn frame(&self, cx: &Ctx) -> PyResult<&FrameObject> {
        self.frame.downcast::<FrameObject>().ok_or_else(|| cx.system_error("no frame"))
    }

    /// The dict of names that are no variables of the function.
    fn extra(&self, cx: &Ctx) -> PyResult {
        Ok(self.frame(cx)?.extra_locals())
    }

    /// The number of the visible local that a key equals.
    fn index(&self, cx: &Ctx, key: &Obj) -> PyResult<Option<u32>> {
        let exact = key.is_exact(FixedShape::Str);
        let hash = if exact { 0 } else { key.hash(cx)? };
        let code = self.frame.get_attr(cx, intern!("f_code"))?;
        let Some(c) = code.downcast::<CodeObject>() else { return Ok(None) };
        if exact {
            let text = as_utf8_lossy(key);
            return Ok(c.code.locals.iter().position(|l| *l.name == *text).map(|i| i as u32));
        }
        for (i, l) in c.code.locals.iter().enumerate() {
            let name = Name::new(&l.name).obj();
            if name.hash(cx)? == hash && name.eq(cx, key)? {
                return Ok(Some(i as u32));
            }
        }
        Ok(None)
    }

    /// A dict with all entries.
    fn to_dict(&self, cx: &Ctx) -> PyResult {
        self.frame(cx)?.locals_snapshot(cx)
    }

    fn get_opt(&self, cx: &Ctx, key: &Obj) -> PyResult<Option<Obj>> {
        if let Some(i) = self.index(cx, key)?
            && let Some((_, _, v)) = self.frame(cx)?.visible().into_iter().find(|(_, n, _)| *n == i)
        {
            return Ok(Some(v));
        }
        match self.frame(cx)?.extra_if_any() {
            Some(e) => dict::get(cx, &e, key),
            None => Ok(None),
        }
    }
}

#[pymethods]
impl FrameLocalsProxy {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if args.has_keywords() {
            return Err(cx.type_error("FrameLocalsProxy takes no keyword arguments"));
        }
        let a = args.check_arity(cx, "FrameLocalsProxy", 1, 1)?;
        if a[0].downcast::<FrameObject>().is_none() {
            return Err(cx.type_error(format!("expect frame, not {}", a[0].type_of().name())));
        }
        new(cx, &a[0])
    }

    fn __getitem__(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj) -> PyResult {
        match this.get_opt(cx, key)? {
            Some(v) => Ok(v),
            None => {
                let text = key.repr(cx)?;
                let _ = text;
                Err(cx.key_error(key))
            }
        }
    }

    fn __setitem__(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        match (this.index(cx, key)?, value) {
            (Some(i), Some(v)) => {
                this.frame(cx)?.set_local(i, Some(v.clone()));
                Ok(())
            }
            (Some(_), None) => Err(cx.value_error("cannot remove local variables from FrameLocalsProxy")),
            (None, Some(v)) => this.extra(cx)?.set_item(cx, key, v),
            (None, None) => match this.frame(cx)?.extra_if_any() {
                Some(e) if dict::get(cx, &e, key)?.is_some() => e.del_item(cx, key),
                _ => Err(cx.key_error(key)),
            },
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj) -> PyResult<bool> {
        Ok(this.get_opt(cx, key)?.is_some())
    }

    fn __len__(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult<usize> {
        this.to_dict(cx)?.len(cx)
    }

    fn __iter__(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        list::new(this.to_dict(cx)?.collect(cx)?).iter(cx)
    }

    fn __repr__(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        match this.obj().guard_repr(cx, || this.to_dict(cx)?.repr(cx))? {
            Some(r) => Ok(r),
            None => Ok(Obj::from("{...}")),
        }
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, FrameLocalsProxy>, other: &Obj, op: CmpOp) -> PyResult {
        let (CmpOp::Eq | CmpOp::Ne) = op else { return Ok(Obj::not_implemented()) };
        let o = match other.downcast::<FrameLocalsProxy>() {
            Some(p) => Obj::from_bool(p.frame.is(&this.frame)),
            None => return this.to_dict(cx)?.rich_cmp(cx, other, op),
        };
        let same = o.truthy(cx)?;
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let unwrap = |o: &Obj| match o.downcast::<FrameLocalsProxy>() {
            Some(p) => p.to_dict(cx),
            None => Ok(o.clone()),
        };
        let (a, b) = (unwrap(a)?, unwrap(b)?);
        if dict::items_if_dict(&a).is_none() || dict::items_if_dict(&b).is_none() {
            return Ok(Obj::not_implemented());
        }
        cinder_pyobj::protocol::number::or(cx, &a, &b)
    }

    fn nb_ior(cx: &Ctx, this: This<'_, FrameLocalsProxy>, other: &Obj) -> PyResult {
        let fits = dict::items_if_dict(other).is_some() || other.downcast::<FrameLocalsProxy>().is_some();
        if !fits {
            return Ok(Obj::not_implemented());
        }
        FrameLocalsProxy::update_from(cx, this, other)?;
        Ok(this.obj().clone())
    }

    /// The value of a name, or a default.
    #[pymethod(sig = "($self, key, default=None, /)")]
    fn get(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj, default: Option<&Obj>) -> PyResult {
        Ok(this.get_opt(cx, key)?.unwrap_or_else(|| default.cloned().unwrap_or_else(Obj::none)))
    }

    /// The names.
    #[pymethod]
    fn keys(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        Ok(list::new(this.to_dict(cx)?.collect(cx)?))
    }

    /// The values.
    #[pymethod]
    fn values(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        let d = this.to_dict(cx)?;
        Ok(list::new(d.call_method(cx, intern!("values"), &[])?.collect(cx)?))
    }

    /// Pairs of name and value.
    #[pymethod]
    fn items(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        let d = this.to_dict(cx)?;
        Ok(list::new(d.call_method(cx, intern!("items"), &[])?.collect(cx)?))
    }

    /// A dict with the same entries.
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        this.to_dict(cx)
    }

    /// Sets names from a mapping.
    #[pymethod(sig = "($self, other, /)")]
    fn update(cx: &Ctx, this: This<'_, FrameLocalsProxy>, other: &Obj) -> PyResult<()> {
        FrameLocalsProxy::update_from(cx, this, other)
    }

    /// The value of a name, set to a default first if it has none.
    #[pymethod(sig = "($self, key, default=None, /)")]
    fn setdefault(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj, default: Option<&Obj>) -> PyResult {
        if let Some(v) = this.get_opt(cx, key)? {
            return Ok(v);
        }
        let d = default.cloned().unwrap_or_else(Obj::none);
        this.obj().set_item(cx, key, &d)?;
        Ok(d)
    }

    /// Removes a name that is no local variable and returns its value.
    #[pymethod(sig = "($self, key, default=<missing>, /)")]
    fn pop(cx: &Ctx, this: This<'_, FrameLocalsProxy>, key: &Obj, default: Option<&Obj>) -> PyResult {
        if this.index(cx, key)?.is_some() {
            return Err(cx.value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        if let Some(e) = this.frame(cx)?.extra_if_any()
            && let Some(v) = dict::get(cx, &e, key)?
        {
            e.del_item(cx, key)?;
            return Ok(v);
        }
        match default {
            Some(d) => Ok(d.clone()),
            None => Err(cx.key_error(key)),
        }
    }

    #[pymethod]
    fn __reversed__(cx: &Ctx, this: This<'_, FrameLocalsProxy>) -> PyResult {
        let mut keys = this.to_dict(cx)?.collect(cx)?;
        keys.reverse();
        Ok(list::new(keys))
    }
}

impl FrameLocalsProxy {
    fn update_from(cx: &Ctx, this: This<'_, FrameLocalsProxy>, other: &Obj) -> PyResult<()> {
        let d = match other.downcast::<FrameLocalsProxy>() {
            Some(p) => p.to_dict(cx)?,
            None if dict::items_if_dict(other).is_some() => other.clone(),
            None => return Err(cx.type_error("update() argument must be dict or another FrameLocalsProxy")),
        };
        for (k, v) in dict::items_if_dict(&d).unwrap_or_default() {
            this.obj().set_item(cx, &k, &v)?;
        }
        Ok(())
    }
}

const _: fn(&str) -> Name = Name::new;
