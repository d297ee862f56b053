//! Exception groups (PEP 654).

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, This, pyclass, pymethods};
use crate::types::str::as_utf8_lossy;
use crate::types::{Type, list, tuple};
use crate::value::Obj;

use super::base::BaseException;
use super::table::{self, ExceptionMarker};

/// `BaseExceptionGroup`.
#[pyclass(
    name = "BaseExceptionGroup",
    base = BaseException,
    flags(basetype),
    doc = "Several exceptions raised together, among them some that are no Exception."
)]
#[derive(Traverse)]
#[repr(C)]
pub struct GroupData {
    base: BaseException,
    message: Obj,
    exceptions: Obj,
    /// How the sequence that was given looked, unless it was a list or tuple.
    shown: Option<Obj>,
}

/// `ExceptionGroup`: a group that holds no other kinds than `Exception`.
///
/// Its MRO has `Exception` as well, which `install_bases` adds when the type is made.
#[pyclass(name = "ExceptionGroup", base = GroupData, flags(basetype), payload = "inherit")]
pub struct ExceptionGroupMarker;

#[pymethods]
impl ExceptionGroupMarker {
    #[pyinit]
    fn add_second_base(ty: &Type) {
        crate::types::create::add_native_base(ty, <ExceptionMarker as crate::native::PyClass>::class().type_object());
    }
}

/// A condition of `split` and `subgroup`.
enum Condition<'a> {
    Types(&'a Obj),
    Callable(&'a Obj),
}

impl Condition<'_> {
    fn holds(&self, cx: &Ctx, e: &Obj) -> PyResult<bool> {
        match self {
            Condition::Types(t) => e.is_instance(cx, t),
            Condition::Callable(f) => f.call1(cx, e)?.truthy(cx),
        }
    }
}

fn condition<'a>(cx: &Ctx, c: &'a Obj) -> PyResult<Condition<'a>> {
    let is_exc = |o: &Obj| o.as_type().is_some_and(|t| t.is_subtype(table::BaseException()));
    if is_exc(c) || tuple::items_if_tuple(c).is_some_and(|v| v.iter().all(is_exc)) {
        return Ok(Condition::Types(c));
    }
    if c.is_callable() && c.as_type().is_none() {
        return Ok(Condition::Callable(c));
    }
    Err(cx.type_error("expected an exception type, a tuple of exception types, or a callable (other than a class)"))
}

/// The parts of `group` that match a type (or tuple) and that do not, as `except*` needs them.
pub fn split_by(cx: &Ctx, group: &Obj, types: &Obj) -> PyResult<(Option<Obj>, Option<Obj>)> {
    split(cx, group, &Condition::Types(types), true)
}

fn split(cx: &Ctx, e: &Obj, c: &Condition<'_>, want_rest: bool) -> PyResult<(Option<Obj>, Option<Obj>)> {
    cx.check_stack(" in exception group split")?;
    if c.holds(cx, e)? {
        return Ok((Some(e.clone()), None));
    }
    let Some(g) = e.downcast::<GroupData>() else { return Ok((None, Some(e.clone()))) };
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for x in tuple::items_if_tuple(&g.exceptions).unwrap_or(&[]) {
        let (a, b) = split(cx, x, c, want_rest)?;
        yes.extend(a);
        if want_rest {
            no.extend(b);
        }
    }
    let rest = if want_rest { derive_with(cx, e, no)? } else { None };
    Ok((derive_with(cx, e, yes)?, rest))
}

/// `e.derive(list)` with traceback, context, cause and notes copied; nothing for an empty list.
fn derive_with(cx: &Ctx, e: &Obj, list: Vec<Obj>) -> PyResult<Option<Obj>> {
    if list.is_empty() {
        return Ok(None);
    }
    let new = e.call_method(cx, intern!("derive"), &[list::new(list)])?;
    if new.downcast::<GroupData>().is_none() {
        return Err(cx.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    super::set_traceback(&new, super::traceback(e));
    super::set_context(&new, super::context(e));
    if let (Some(a), Some(b)) = (new.downcast::<BaseException>(), e.downcast::<BaseException>()) {
        a.cause.set(b.cause.get());
        a.suppress_context.set(b.suppress_context.get());
    }
    if let Some(notes) = e.get_attr_opt(cx, intern!("__notes__"))?
        && notes.downcast::<list::List>().is_some()
    {
        new.set_attr(cx, intern!("__notes__"), &list::new(notes.collect(cx)?))?;
    }
    Ok(Some(new))
}

fn pair(a: Option<Obj>, b: Option<Obj>) -> Obj {
    tuple::new(vec![a.unwrap_or_else(Obj::none), b.unwrap_or_else(Obj::none)])
}

#[pymethods]
impl GroupData {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let mut ty = ty;
        let a = args.pos();
        if a.len() != 2 || args.has_keywords() {
            return Err(
                cx.type_error(format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", a.len()))
            );
        }
        if !a[0].type_of().is_str_subtype() {
            return Err(cx.type_error(format!("argument 1 must be str, not {}", a[0].type_of().name())));
        }
        let list = a[1].downcast::<list::List>().is_some() || tuple::items_if_tuple(&a[1]).is_some();
        if !list && a[1].type_of().slots.getitem.get().is_none() {
            return Err(cx.type_error("second argument (exceptions) must be a sequence"));
        }
        let items = a[1].collect(cx)?;
        if items.is_empty() {
            return Err(cx.value_error("second argument (exceptions) must be a non-empty sequence"));
        }
        let plain = a[1].downcast::<list::List>().is_some() || tuple::items_if_tuple(&a[1]).is_some();
        let shown = if plain { None } else { Some(a[1].repr(cx)?) };
        let mut all_exceptions = true;
        for (i, x) in items.iter().enumerate() {
            if x.downcast::<BaseException>().is_none() {
                return Err(cx.value_error(format!("Item {i} of second argument (exceptions) is not an exception")));
            }
            all_exceptions &= x.type_of().is_subtype(table::Exception());
        }
        if ty.is(table::BaseExceptionGroup()) {
            if all_exceptions {
                ty = table::ExceptionGroup();
            }
        } else if !all_exceptions && ty.is_subtype(table::Exception()) {
            return Err(cx.type_error(if ty.is(table::ExceptionGroup()) {
                "Cannot nest BaseExceptions in an ExceptionGroup".to_string()
            } else {
                format!("Cannot nest BaseExceptions in '{}'", ty.name())
            }));
        }
        Ok(heap::new_instance(
            ty,
            GroupData { base: BaseException::new(a), message: a[0].clone(), exceptions: tuple::new(items), shown },
        ))
    }

    fn __str__(cx: &Ctx, this: This<'_, GroupData>) -> PyResult {
        let n = this.exceptions.len(cx)?;
        let m = this.message.str(cx)?;
        let text = format!("{} ({n} sub-exception{})", as_utf8_lossy(&m), if n == 1 { "" } else { "s" });
        Ok(Obj::from(text.as_str()))
    }

    fn __repr__(cx: &Ctx, this: This<'_, GroupData>) -> PyResult {
        let m = this.message.repr(cx)?;
        let args = this.base.args();
        let was_list =
            tuple::items_if_tuple(&args).and_then(|a| a.get(1)).is_some_and(|l| l.downcast::<list::List>().is_some());
        let shown = match &this.shown {
            Some(shown) => shown.clone(),
            None if was_list => list::new(this.exceptions.collect(cx)?).repr(cx)?,
            None => this.exceptions.repr(cx)?,
        };
        let name = this.obj().type_of().short_name().to_string();
        Ok(Obj::from(format!("{name}({}, {})", as_utf8_lossy(&m), as_utf8_lossy(&shown)).as_str()))
    }

    /// exception message
    #[pygetter]
    fn message(this: This<'_, GroupData>) -> Obj {
        this.message.clone()
    }

    /// nested exceptions
    #[pygetter]
    fn exceptions(this: This<'_, GroupData>) -> Obj {
        this.exceptions.clone()
    }

    /// Make a group of the same kind around other exceptions.
    #[pymethod(sig = "($self, excs, /)")]
    fn derive(cx: &Ctx, this: This<'_, GroupData>, excs: &Obj) -> PyResult {
        table::BaseExceptionGroup().as_obj().call_pos(cx, &[this.message.clone(), excs.clone()])
    }

    /// The matching and the other exceptions, each as a group or None.
    #[pymethod(sig = "($self, matcher_value, /)")]
    fn split(cx: &Ctx, this: This<'_, GroupData>, matcher_value: &Obj) -> PyResult {
        let c = condition(cx, matcher_value)?;
        let (a, b) = split(cx, this.obj(), &c, true)?;
        Ok(pair(a, b))
    }

    /// The matching exceptions as a group, or None.
    #[pymethod(sig = "($self, matcher_value, /)")]
    fn subgroup(cx: &Ctx, this: This<'_, GroupData>, matcher_value: &Obj) -> PyResult {
        let c = condition(cx, matcher_value)?;
        Ok(split(cx, this.obj(), &c, false)?.0.unwrap_or_else(Obj::none))
    }

    /// Generic alias.
    #[pyclassmethod(sig = "(object, /)")]
    fn __class_getitem__(cx: &Ctx, cls: &Obj, object: &Obj) -> PyResult {
        crate::types::generic_alias::new(cx, cls, object)
    }
}
