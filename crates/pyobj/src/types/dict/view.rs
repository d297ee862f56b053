//! Views: the dict of an instance, read and written through the instance's shape.

use super::table::Table;
use super::{Dict, Form, as_dict, strkey};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header};
use crate::native::PyClass;
use crate::shape::Shape;
use crate::shape::instance::{self, SetAttr, Side, get_slot, replace_slot};
use crate::types::str::Name;
use crate::value::{Obj, Value};

/// `obj.__dict__`, made on first use; nothing if objects of the class have none.
pub fn instance_dict(cx: &Ctx, obj: &Obj) -> PyResult<Option<Obj>> {
    let _ = cx;
    let Some(p) = obj.as_ptr() else { return Ok(None) };
    // SAFETY: `obj` keeps the object and its side record alive.
    unsafe {
        let shape = (*p).shape();
        if !shape.ty().layout().has_dict {
            return Ok(None);
        }
        let Some(side) = instance::side_or_new(p, shape) else { return Ok(None) };
        if let Some(d) = dict_of(side) {
            return Ok(Some(d));
        }
        let payload = Dict::empty();
        if !shape.is_dict_mode() {
            payload.form.set(Form::View);
            payload.owner.set(p);
        }
        let d = heap::new_instance(Dict::type_object(), payload);
        side.dict.set(Some(d.clone()));
        Ok(Some(d))
    }
}

/// `obj.__dict__` if it was made already. In dictionary mode it always was.
pub fn instance_dict_if_any(obj: &Obj) -> Option<Obj> {
    let p = obj.as_ptr()?;
    // SAFETY: as in `instance_dict`.
    unsafe { instance::side(p, (*p).shape()).and_then(dict_of) }
}

fn dict_of(side: &Side) -> Option<Obj> {
    // SAFETY: the shared view of the cell ends with the clone.
    unsafe { (*side.dict.as_ptr()).clone() }
}

/// Puts an object into dictionary mode: its attributes move from slots into its `__dict__`.
pub fn enter_dict_mode(cx: &Ctx, obj: &Obj) -> PyResult<()> {
    if let Some(d) = instance_dict(cx, obj)?
        && let Some(d) = as_dict(&d)
        && d.form() == Form::View
    {
        d.leave_view();
    }
    Ok(())
}

/// `obj.__dict__ = new`. The object goes to dictionary mode.
pub fn set_instance_dict(cx: &Ctx, obj: &Obj, new: &Obj) -> PyResult<()> {
    if as_dict(new).is_none() {
        return Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", new.type_of().name())));
    }
    let Some(old) = instance_dict(cx, obj)? else {
        return Err(cx.attribute_error("This object has no __dict__", obj, &Obj::from("__dict__")));
    };
    if let Some(d) = as_dict(&old)
        && d.form() == Form::View
    {
        d.leave_view();
    }
    // The values of a view live in its owner; shared, they must live in the dict.
    if let Some(d) = as_dict(new) {
        d.leave_view();
    }
    if let Some(p) = obj.as_ptr() {
        // SAFETY: `obj` keeps the side record alive.
        if let Some(side) = unsafe { instance::side_or_new(p, (*p).shape()) } {
            drop(side.dict.replace(Some(new.clone())));
        }
    }
    drop(old);
    Ok(())
}

/// The owner of a view, given the dict object. While a view is alive, its owner must not be collected, because
/// the values are in the owner's slots.
///
/// # Safety
/// `p` must be a live object.
pub(crate) unsafe fn owner_of_view(p: *const Header) -> Option<Value> {
    use crate::native::FixedShape;
    use crate::shape::ShapeId;
    // SAFETY: views are exact dicts, whose payload follows the header.
    unsafe {
        if (*p).shape_id() != ShapeId::fixed(FixedShape::Dict) {
            return None;
        }
        let d = &*((p as usize + size_of::<Header>()) as *const Dict);
        if d.form() != Form::View || d.owner.get().is_null() {
            return None;
        }
        Some(Value::from_ptr(d.owner.get()))
    }
}

/// Cuts the tie between a dying object and its `__dict__` (already taken out of the side record): a view that
/// others still use takes the attributes over.
///
/// # Safety
/// `p` must be the dead but intact object.
pub(crate) unsafe fn detach(p: *const Header, dict: &Obj) {
    let Some(d) = as_dict(dict) else { return };
    if d.form() != Form::View || d.owner.get() != p {
        return;
    }
    if dict.ref_count() == 1 {
        d.owner.set(std::ptr::null());
        d.form.set(Form::Compact);
    } else {
        d.absorb_slots();
    }
}

/// The attribute in slot `i` of a shape.
fn key_at(shape: &'static Shape, i: usize) -> Option<Name> {
    let mut s = Some(shape);
    while let Some(shape) = s {
        if shape.attr_count() as usize == i + 1 {
            return shape.last_key();
        }
        s = shape.parent();
    }
    None
}

impl Dict {
    #[inline(always)]
    fn owner_shape(&self) -> (*const Header, &'static Shape) {
        let p = self.owner.get();
        debug_assert!(!p.is_null());
        // SAFETY: a view is detached before its owner dies.
        (p, unsafe { (*p).shape() })
    }

    pub(super) fn view_end(&self) -> usize {
        self.owner_shape().1.attr_count() as usize
    }

    pub(super) fn view_len(&self) -> usize {
        let (p, shape) = self.owner_shape();
        // SAFETY: the owner lives, and slots below the count exist or read as unbound.
        (0..shape.attr_count()).filter(|&i| unsafe { get_slot(p, shape, i) } != Value::UNBOUND).count()
    }

    pub(super) fn view_find(&self, name: Name) -> Option<usize> {
        let (p, shape) = self.owner_shape();
        let i = shape.lookup(name)?;
        // SAFETY: the owner lives and has this shape.
        if unsafe { get_slot(p, shape, i) } == Value::UNBOUND { None } else { Some(i as usize) }
    }

    pub(super) fn view_entry(&self, i: usize) -> Option<(i64, Value, Value)> {
        let (p, shape) = self.owner_shape();
        if i >= shape.attr_count() as usize {
            return None;
        }
        // SAFETY: the owner lives and has this shape.
        let v = unsafe { get_slot(p, shape, i as u32) };
        if v == Value::UNBOUND {
            return None;
        }
        let key = key_at(shape, i)?.value();
        Some((strkey::hash(key), key, v))
    }

    pub(super) fn view_replace(&self, i: usize, value: Obj) -> Option<Obj> {
        let (p, shape) = self.owner_shape();
        if i >= shape.attr_count() as usize {
            return None;
        }
        // SAFETY: the owner lives and has this shape; the old word is ours now.
        unsafe {
            let word = value.into_value();
            let old = replace_slot(p, shape, i as u32, word);
            instance::note(shape, i as u32, word, old);
            if old == Value::UNBOUND { None } else { Some(Obj::from_owned(old)) }
        }
    }

    /// Stores under a new key; gives the value back if the dict is no view any more.
    pub(super) fn view_insert(&self, key: &Obj, value: Obj) -> Result<(), Obj> {
        let name = if strkey::is_exact(key.value()) { Name::from_obj(key) } else { None };
        let Some(name) = name else {
            self.leave_view();
            return Err(value);
        };
        // SAFETY: the owner lives and is not in dictionary mode, or this were no view.
        match unsafe { instance::set_attr(self.owner.get(), name, value) } {
            SetAttr::Done(old) => {
                drop(old);
                Ok(())
            }
            SetAttr::NeedsDict(value) => {
                self.leave_view();
                Err(value)
            }
        }
    }

    /// Removes an attribute. Only the last one can go without leaving the view.
    pub(super) fn view_remove(&self, i: usize) -> Option<(Obj, Obj)> {
        let (p, shape) = self.owner_shape();
        let name = key_at(shape, i)?;
        if i + 1 == shape.attr_count() as usize
            && let Some(parent) = shape.parent()
        {
            // SAFETY: the owner lives and has this shape; the old word is ours now.
            unsafe {
                let old = replace_slot(p, shape, i as u32, Value::UNBOUND);
                shape.fact_of(i as u32).removed();
                (*p).set_shape(parent.id());
                return if old == Value::UNBOUND { None } else { Some((name.obj(), Obj::from_owned(old))) };
            }
        }
        self.leave_view();
        let i = self.index_of_name(name)?;
        self.remove_at(i)
    }

    /// Makes this dict the plain store of its owner, which goes to dictionary mode.
    pub(crate) fn leave_view(&self) {
        let p = self.owner.get();
        if self.form() != Form::View || p.is_null() {
            return;
        }
        self.absorb_slots();
        // SAFETY: the owner lives, and its slots are unset, as dictionary mode wants them.
        unsafe {
            let ty = (*p).shape().ty();
            (*p).set_shape(ty.dict_shape.get().unwrap_or(ty.root_shape()).id());
        }
    }

    /// Moves the attributes out of the owner's slots into a table of this dict.
    fn absorb_slots(&self) {
        let (p, shape) = self.owner_shape();
        let keys = shape.keys();
        let mut table = Table::with_capacity(keys.len()).unwrap_or_default();
        for (i, name) in keys.into_iter().enumerate() {
            // SAFETY: the owner lives and has this shape; its reference moves into the table.
            let v = unsafe { replace_slot(p, shape, i as u32, Value::UNBOUND) };
            if v != Value::UNBOUND && table.insert_new(strkey::hash(name.value()), name.value(), v).is_err() {
                // SAFETY: the reference is ours and has nowhere to go.
                unsafe { v.decref() };
            }
        }
        *self.table_mut() = table;
        self.owner.set(std::ptr::null());
        self.form.set(Form::Compact);
    }
}
