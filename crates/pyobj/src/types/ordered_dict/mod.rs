//! `collections.OrderedDict`: a dict with an order of its own, which can be changed.

mod order;
mod views;

use std::cell::RefCell;

use self::order::{NONE, NodeId, Order};
use self::views::{Kind, OrderedDictItems, OrderedDictKeys, OrderedDictValues, iterate};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::dict::{self, Dict, as_dict, key_hash};
use crate::types::str::StrBuilder;
use crate::types::{CmpOp, Type, exc, tuple};
use crate::value::Obj;

/// A dict in which order matters: for equality and for moving items to either end.
#[pyclass(name = "OrderedDict", module = "collections", base = Dict, flags(basetype, dict, weakref))]
#[repr(C)]
pub struct OrderedDict {
    dict: Dict,
    /// Never borrowed while Python code can run.
    order: RefCell<Order>,
}

impl Traverse for OrderedDict {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.dict.traverse(visit);
        if let Ok(o) = self.order.try_borrow() {
            o.traverse(visit);
        }
    }

    fn clear(&self) {
        self.clear_all();
    }
}

impl OrderedDict {
    fn clear_all(&self) {
        self.dict.clear_all();
        let keys = self.order.borrow_mut().take_all();
        drop(keys);
    }

    fn set(&self, cx: &Ctx, key: &Obj, value: &Obj) -> PyResult<()> {
        let hash = key_hash(cx, key)?;
        let found = self.dict.find(cx, key, hash)?;
        self.order.borrow_mut().reserve(cx)?;
        match found.and_then(|i| Some((i, self.dict.entry_at(i)?.1))) {
            Some((i, held)) => {
                // SAFETY: the dict keeps its key alive until it is cloned here.
                let held = unsafe { Obj::from_borrowed(held) };
                // It may have come past this class, as by `dict.__setitem__`.
                self.order.borrow_mut().push(held, hash);
                drop(self.dict.replace_at(i, value.clone()));
            }
            None => {
                self.dict.insert_absent(cx, hash, key.clone(), value.clone())?;
                self.order.borrow_mut().push(key.clone(), hash);
            }
        }
        Ok(())
    }

    /// The dict's own object of a key.
    fn held_key(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        let i = self.dict.find(cx, key, hash)?;
        // SAFETY: the dict keeps its key alive until it is cloned here.
        Ok(i.and_then(|i| self.dict.entry_at(i)).map(|(_, k, _)| unsafe { Obj::from_borrowed(k) }))
    }

    fn node(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<NodeId>> {
        if self.order.borrow().end(true) == NONE {
            return Ok(None);
        }
        let held = self.held_key(cx, key, hash)?;
        Ok(held.and_then(|k| self.order.borrow().find(&k)))
    }

    fn forget(&self, id: NodeId) {
        let key = self.order.borrow_mut().remove(id);
        drop(key);
    }

    /// Removes a key; its value is handed back.
    fn remove(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        let id = self.node(cx, key, hash)?;
        if let Some(id) = id {
            self.forget(id);
        }
        self.dict.remove_hashed(cx, key, hash)
    }

    /// Calls `f` for each key in order; RuntimeError if the order changes meanwhile.
    fn for_each_key(&self, cx: &Ctx, mut f: impl FnMut(&Obj) -> PyResult<()>) -> PyResult<()> {
        let state = self.order.borrow().state();
        let mut at = self.order.borrow().end(false);
        while let Some((key, _)) = { self.order.borrow().key(at) } {
            f(&key)?;
            if self.order.borrow().state() != state {
                return Err(cx.runtime_error("OrderedDict mutated during iteration"));
            }
            at = self.order.borrow().after(at, false);
        }
        Ok(())
    }

    fn keys_equal(&self, cx: &Ctx, other: &OrderedDict) -> PyResult<bool> {
        let states = || (self.order.borrow().state(), other.order.borrow().state());
        let before = states();
        let (mut a, mut b) = (self.order.borrow().end(false), other.order.borrow().end(false));
        loop {
            let (x, y) = match (self.order.borrow().key(a), other.order.borrow().key(b)) {
                (Some(x), Some(y)) => (x.0, y.0),
                (None, None) => return Ok(true),
                _ => return Ok(false),
            };
            let same = x.eq(cx, &y)?;
            if states() != before {
                return Err(cx.runtime_error("OrderedDict mutated during iteration"));
            }
            if !same {
                return Ok(false);
            }
            (a, b) = (self.order.borrow().after(a, false), other.order.borrow().after(b, false));
        }
    }
}

fn is_exact(o: &Obj) -> bool {
    o.type_of().is(OrderedDict::type_object())
}

/// Adds what `update` is given, through the item assignment of the class.
fn update(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    match args.pos() {
        [] => {}
        [other] => update_from(cx, this, other)?,
        more => {
            let m = format!("update expected at most 1 positional argument, got {}", more.len());
            return Err(cx.type_error(m));
        }
    }
    for (k, v) in args.keywords() {
        this.set_item(cx, k, v)?;
    }
    Ok(())
}

fn update_from(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<()> {
    if Dict::is_exact(other) {
        let items = dict::items_if_dict(other).unwrap_or_default();
        for (k, v) in items {
            this.set_item(cx, &k, &v)?;
        }
        return Ok(());
    }
    if let Some(keys) = other.get_attr_opt(cx, intern!("keys"))? {
        return keys.call0(cx)?.for_each(cx, |k| this.set_item(cx, &k, &other.get_item(cx, &k)?));
    }
    if let Some(items) = other.get_attr_opt(cx, intern!("items"))? {
        return add_pairs(cx, this, &items.call0(cx)?);
    }
    add_pairs(cx, this, other)
}

fn add_pairs(cx: &Ctx, this: &Obj, pairs: &Obj) -> PyResult<()> {
    pairs.for_each(cx, |pair| {
        let it = pair.iter(cx)?;
        let needs = |n: usize| {
            let s = if n == 1 { "" } else { "s" };
            cx.value_error(format!("need more than {n} value{s} to unpack"))
        };
        let k = it.next(cx)?.ok_or_else(|| needs(0))?;
        let v = it.next(cx)?.ok_or_else(|| needs(1))?;
        if it.next(cx)?.is_some() {
            return Err(cx.value_error("too many values to unpack (expected 2)"));
        }
        this.set_item(cx, &k, &v)
    })
}

#[pymethods]
impl OrderedDict {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, OrderedDict { dict: Dict::empty(), order: RefCell::new(Order::new()) }))
    }

    fn __init__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
        if args.pos().len() > 1 {
            let m = format!("expected at most 1 arguments, got {}", args.pos().len());
            return Err(cx.type_error(m));
        }
        update(cx, this, args)
    }

    fn __setitem__(cx: &Ctx, this: This<'_, OrderedDict>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => this.payload().set(cx, key, v),
            None => {
                let hash = key_hash(cx, key)?;
                match this.payload().remove(cx, key, hash)? {
                    Some(_) => Ok(()),
                    None => Err(cx.key_error(key)),
                }
            }
        }
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(iterate(this, Kind::Keys, false))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, OrderedDict>, other: &Obj, op: CmpOp) -> PyResult {
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) || as_dict(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        let Some(compare) = Dict::type_object().slots.richcmp.get() else { return Ok(Obj::not_implemented()) };
        let mut same = compare(cx, this.obj(), other, CmpOp::Eq)?.truthy(cx)?;
        if same && let Some(o) = other.downcast::<OrderedDict>() {
            same = this.payload().keys_equal(cx, o)?;
        }
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    fn __repr__(cx: &Ctx, this: This<'_, OrderedDict>) -> PyResult {
        let name = this.obj().type_of().short_name().to_string();
        if this.payload().dict.is_empty() {
            return Ok(Obj::from(format!("{name}()").as_str()));
        }
        let shown = this.obj().guard_repr(cx, || {
            let plain = dict::new();
            if let Some(d) = as_dict(&plain) {
                dict::merge(cx, d, this.obj(), true)?;
            }
            let mut out = StrBuilder::new();
            out.push_str(&name);
            out.push_str("(");
            out.push_obj(&plain.repr(cx)?);
            out.push_str(")");
            Ok(out.finish())
        })?;
        Ok(shown.unwrap_or_else(|| Obj::from("...")))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let (ty, other) = match a.downcast::<OrderedDict>() {
            Some(_) => (a.type_of(), b),
            None => (b.type_of(), a),
        };
        if as_dict(other).is_none() {
            return Ok(Obj::not_implemented());
        }
        let new = ty.as_obj().call1(cx, a)?;
        update_from(cx, &new, b)?;
        Ok(new)
    }

    fn nb_ior(cx: &Ctx, this: This<'_, OrderedDict>, other: &Obj) -> PyResult {
        update_from(cx, this.obj(), other)?;
        Ok(this.obj().clone())
    }

    /// A new one with these keys, all with the same value.
    #[pyclassmethod(sig = "($type, /, iterable, value=None)")]
    fn fromkeys(cx: &Ctx, ty: &Type, iterable: &Obj, value: Option<&Obj>) -> PyResult {
        let value = value.cloned().unwrap_or_else(Obj::none);
        let new = ty.as_obj().call0(cx)?;
        iterable.for_each(cx, |k| new.set_item(cx, &k, &value))?;
        Ok(new)
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, OrderedDict>) -> usize {
        let o = this.payload();
        let basic = this.obj().type_of().layout().basic_size as usize;
        basic + o.dict.byte_size() + o.order.borrow().byte_size()
    }

    /// What copy and pickle need to make the iterator again.
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: &Obj) -> PyResult {
        let state = this.call_method(cx, intern!("__getstate__"), &[])?;
        let items = this.call_method(cx, intern!("items"), &[])?.iter(cx)?;
        Ok(tuple::new(vec![this.type_of().as_obj(), tuple::new(Vec::new()), state, Obj::none(), items]))
    }

    /// The value of a key, which becomes default first where the key is missing.
    #[pymethod(sig = "($self, /, key, default=None)")]
    fn setdefault(cx: &Ctx, this: This<'_, OrderedDict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let default = default.cloned().unwrap_or_else(Obj::none);
        if is_exact(this.obj()) {
            if let Some(v) = this.payload().dict.get(cx, key)? {
                return Ok(v);
            }
            this.payload().set(cx, key, &default)?;
            return Ok(default);
        }
        if this.obj().contains(cx, key)? {
            return this.obj().get_item(cx, key);
        }
        this.obj().set_item(cx, key, &default)?;
        Ok(default)
    }

    /// od.pop(key[,default]) -> v
    ///
    /// Takes a key out and gives its value. Where there is none, the default is the result, and without a default
    /// KeyError is raised.
    #[pymethod(sig = "($self, /, key, default=<unrepresentable>)")]
    fn pop(cx: &Ctx, this: This<'_, OrderedDict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let hash = key_hash(cx, key)?;
        match (this.payload().remove(cx, key, hash)?, default) {
            (Some(v), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(cx.key_error(key)),
        }
    }

    /// Takes out the newest item, or the oldest if last is false, and gives the pair of its key and value.
    #[pymethod(sig = "($self, /, last=True)")]
    fn popitem(cx: &Ctx, this: This<'_, OrderedDict>, last: Option<&Obj>) -> PyResult {
        let last = last.map_or(Ok(true), |l| l.truthy(cx))?;
        let o = this.payload();
        let id = o.order.borrow().end(last);
        let Some((key, hash)) = ({ o.order.borrow().key(id) }) else {
            return Err(cx.raise(exc::KeyError(), "dictionary is empty"));
        };
        o.forget(id);
        match o.dict.remove_hashed(cx, &key, hash)? {
            Some(v) => Ok(tuple::pair(key, v)),
            None => Err(cx.key_error(&key)),
        }
    }

    /// D.keys() -> a set-like object providing a view on D's keys
    #[pymethod]
    fn keys(this: &Obj) -> Obj {
        OrderedDictKeys::of(this)
    }

    /// D.values() -> an object providing a view on D's values
    #[pymethod]
    fn values(this: &Obj) -> Obj {
        OrderedDictValues::of(this)
    }

    /// D.items() -> a set-like object providing a view on D's items
    #[pymethod]
    fn items(this: &Obj) -> Obj {
        OrderedDictItems::of(this)
    }

    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    #[pymethod(name = "update")]
    fn py_update(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
        update(cx, this, args)
    }

    /// Takes all items out.
    #[pymethod(name = "clear")]
    fn py_clear(_cx: &Ctx, this: This<'_, OrderedDict>) {
        this.payload().clear_all();
    }

    /// A new one with the same keys, values and order.
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, OrderedDict>) -> PyResult {
        let o = this.payload();
        let exact = is_exact(this.obj());
        let new = this.obj().type_of().as_obj().call0(cx)?;
        o.for_each_key(cx, |key| {
            if !exact {
                return new.set_item(cx, key, &this.obj().get_item(cx, key)?);
            }
            let v = o.dict.get(cx, key)?.ok_or_else(|| cx.key_error(key))?;
            match new.downcast::<OrderedDict>() {
                Some(n) => n.set(cx, key, &v),
                None => new.set_item(cx, key, &v),
            }
        })?;
        if exact
            && let Some(attributes) = dict::instance_dict(cx, this.obj())?
            && attributes.len(cx)? > 0
        {
            new.get_attr(cx, intern!("__dict__"))?.call_method(cx, intern!("update"), &[attributes])?;
        }
        Ok(new)
    }

    /// Return a reverse iterator over the keys.
    #[pymethod(name = "__reversed__")]
    fn reversed(this: &Obj) -> Obj {
        iterate(this, Kind::Keys, true)
    }

    /// Moves a key to the end, or to the front if last is false; KeyError if there is no such key.
    #[pymethod(sig = "($self, /, key, last=True)")]
    fn move_to_end(cx: &Ctx, this: This<'_, OrderedDict>, key: &Obj, last: Option<&Obj>) -> PyResult<()> {
        let last = last.map_or(Ok(true), |l| l.truthy(cx))?;
        let hash = key_hash(cx, key)?;
        match this.payload().node(cx, key, hash)? {
            Some(id) => {
                this.payload().order.borrow_mut().move_to_end(id, last);
                Ok(())
            }
            None => Err(cx.key_error(key)),
        }
    }
}
