//! Writing what reduce functions return.

use cinder_pyobj::native::Args;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::pickler::Pickler;
use super::save::{item_note, note};
use super::{full_name, imported, op, pickling_error, shown};

/// The items of a reduce tuple that are not None.
fn part(items: &[Obj], i: usize) -> Option<&Obj> {
    items.get(i).filter(|o| !o.is_none())
}

impl Pickler {
    /// Writes an object from the tuple that its reduce function returned.
    pub(super) fn save_reduce(&self, cx: &Ctx, items: &[Obj], obj: Option<&Obj>) -> PyResult<()> {
        if !(2..=6).contains(&items.len()) {
            return Err(pickling_error(cx, "tuple returned by __reduce__ must contain 2 through 6 elements"));
        }
        let name = |o: &Obj| full_name(cx, o.type_of());
        let f = &items[0];
        if !f.is_callable() {
            let text = format!("first item of the tuple returned by __reduce__ must be callable, not {}", name(f)?);
            return Err(pickling_error(cx, text));
        }
        let Some(args) = tuple::items_if_tuple(&items[1]) else {
            let text =
                format!("second item of the tuple returned by __reduce__ must be a tuple, not {}", name(&items[1])?);
            return Err(pickling_error(cx, text));
        };
        let (state, list_items, dict_items, setter) = (part(items, 2), part(items, 3), part(items, 4), part(items, 5));
        for (o, which) in [(list_items, "fourth"), (dict_items, "fifth")] {
            if let Some(o) = o
                && o.type_of().slots.next.get().is_none()
            {
                let text =
                    format!("{which} item of the tuple returned by __reduce__ must be an iterator, not {}", name(o)?);
                return Err(pickling_error(cx, text));
            }
        }
        if let Some(s) = setter
            && !s.is_callable()
        {
            let text = format!("sixth item of the tuple returned by __reduce__ must be callable, not {}", name(s)?);
            return Err(pickling_error(cx, text));
        }
        self.save_construction(cx, f, args, &items[1], obj)?;
        if let Some(o) = obj {
            match self.memo_get(o) {
                // The object was written while its parts were: take the new one away and refer to it.
                Some(n) => {
                    self.put(&[op::POP]);
                    self.put_get(n);
                }
                None => self.memoize(cx, o)?,
            }
        }
        // Notes are about the object, or about what makes it if it is not known.
        let what = obj.unwrap_or(f);
        if let Some(l) = list_items {
            self.append_all(cx, l, what)?;
        }
        if let Some(d) = dict_items {
            self.set_all(cx, d, what)?;
        }
        let Some(state) = state else { return Ok(()) };
        let Some(setter) = setter else {
            self.save(cx, state, true).map_err(|r| item_note(cx, r, what, "state"))?;
            self.put(&[op::BUILD]);
            return Ok(());
        };
        self.save(cx, setter, true).map_err(|r| item_note(cx, r, what, "state setter"))?;
        if let Some(o) = obj {
            self.save(cx, o, true)?;
        }
        self.save(cx, state, true).map_err(|r| item_note(cx, r, what, "state"))?;
        self.put(&[op::TUPLE2, op::REDUCE, op::POP]);
        Ok(())
    }

    /// Writes what makes the object: a class and the arguments of its `__new__`, or a function and its arguments.
    fn save_construction(&self, cx: &Ctx, f: &Obj, args: &[Obj], all: &Obj, obj: Option<&Obj>) -> PyResult<()> {
        let what = obj.unwrap_or(f);
        let mut special = String::new();
        if self.proto.get() >= 2
            && let Some(n) = f.get_attr_opt(cx, intern!("__name__"))?
            && n.type_of().is_str_subtype()
        {
            special = as_utf8_lossy(&n).into_owned();
        }
        match special.as_str() {
            "__newobj_ex__" => {
                let [cls, new_args, kwargs] = args else {
                    return Err(pickling_error(cx, format!("__newobj_ex__ expected 3 arguments, got {}", args.len())));
                };
                self.check_class(cx, cls, obj, "__newobj_ex__")?;
                let Some(positional) = tuple::items_if_tuple(new_args) else {
                    let text = format!(
                        "second argument to __newobj_ex__() must be a tuple, not {}",
                        full_name(cx, new_args.type_of())?
                    );
                    return Err(pickling_error(cx, text));
                };
                let Some(named) = dict::as_dict(kwargs) else {
                    let text = format!(
                        "third argument to __newobj_ex__() must be a dict, not {}",
                        full_name(cx, kwargs.type_of())?
                    );
                    return Err(pickling_error(cx, text));
                };
                if self.proto.get() >= 4 {
                    self.save(cx, cls, true).map_err(|r| item_note(cx, r, what, "class"))?;
                    self.save(cx, new_args, true)
                        .and_then(|()| self.save(cx, kwargs, true))
                        .map_err(|r| item_note(cx, r, what, "__new__ arguments"))?;
                    self.put(&[op::NEWOBJ_EX]);
                    return Ok(());
                }
                // Older protocols call a partial of `__new__`.
                let mut values = vec![cls.get_attr(cx, intern!("__new__"))?, cls.clone()];
                values.extend_from_slice(positional);
                let mut names = Vec::new();
                for (k, v) in named.snapshot() {
                    names.push(k);
                    values.push(v);
                }
                let call = imported(cx, "functools", "partial")?.call(cx, Args::new(&values, &names))?;
                self.save(cx, &call, true).map_err(|r| item_note(cx, r, what, "reconstructor"))?;
                self.save(cx, &tuple::empty(), true)?;
                self.put(&[op::REDUCE]);
            }
            "__newobj__" => {
                let Some((cls, rest)) = args.split_first() else {
                    return Err(pickling_error(cx, "__newobj__ expected at least 1 argument, got 0"));
                };
                self.check_class(cx, cls, obj, "__newobj__")?;
                self.save(cx, cls, true).map_err(|r| item_note(cx, r, what, "class"))?;
                self.save(cx, &tuple::from_slice(rest), true)
                    .map_err(|r| item_note(cx, r, what, "__new__ arguments"))?;
                self.put(&[op::NEWOBJ]);
            }
            _ => {
                self.save(cx, f, true).map_err(|r| item_note(cx, r, what, "reconstructor"))?;
                self.save(cx, all, true).map_err(|r| item_note(cx, r, what, "reconstructor arguments"))?;
                self.put(&[op::REDUCE]);
            }
        }
        Ok(())
    }

    fn check_class(&self, cx: &Ctx, cls: &Obj, obj: Option<&Obj>, function: &str) -> PyResult<()> {
        if cls.as_type().is_none() {
            let text = format!("first argument to {function}() must be a class, not {}", full_name(cx, cls.type_of())?);
            return Err(pickling_error(cx, text));
        }
        if let Some(o) = obj {
            let own = o.get_attr(cx, intern!("__class__"))?;
            if !own.is(cls) {
                let text =
                    format!("first argument to {function}() must be {}, not {}", shown(cx, &own)?, shown(cx, cls)?);
                return Err(pickling_error(cx, text));
            }
        }
        Ok(())
    }

    /// Writes the items of an iterator, to be appended to the object just written.
    fn append_all(&self, cx: &Ctx, items: &Obj, what: &Obj) -> PyResult<()> {
        let mut i = 0;
        let mut save = |x: &Obj| {
            let r = self.save(cx, x, true).map_err(|r| item_note(cx, r, what, format_args!("item {i}")));
            i += 1;
            r
        };
        if !self.bin() {
            while let Some(x) = items.next(cx)? {
                save(&x)?;
                self.put(&[op::APPEND]);
            }
            return Ok(());
        }
        loop {
            let Some(first) = items.next(cx)? else { return Ok(()) };
            let Some(second) = items.next(cx)? else {
                save(&first)?;
                self.put(&[op::APPEND]);
                return Ok(());
            };
            self.put(&[op::MARK]);
            save(&first)?;
            save(&second)?;
            let mut n = 2;
            while n < op::BATCH
                && let Some(x) = items.next(cx)?
            {
                save(&x)?;
                n += 1;
            }
            self.put(&[op::APPENDS]);
            if n < op::BATCH {
                return Ok(());
            }
        }
    }

    /// Writes the pairs of an iterator, to be set as items of the object just written.
    fn set_all(&self, cx: &Ctx, items: &Obj, what: &Obj) -> PyResult<()> {
        let save = |pair: &Obj| -> PyResult<()> {
            let Some([k, v]) = tuple::items_if_tuple(pair) else {
                return Err(cx.type_error("dict items iterator must return 2-tuples"));
            };
            self.save(cx, k, true)?;
            self.save(cx, v, true).map_err(|r| {
                note(cx, r, || {
                    Ok(format!("when serializing {} item {}", full_name(cx, what.type_of())?, shown(cx, k)?))
                })
            })
        };
        if !self.bin() {
            while let Some(x) = items.next(cx)? {
                save(&x)?;
                self.put(&[op::SETITEM]);
            }
            return Ok(());
        }
        loop {
            let Some(first) = items.next(cx)? else { return Ok(()) };
            let Some(second) = items.next(cx)? else {
                save(&first)?;
                self.put(&[op::SETITEM]);
                return Ok(());
            };
            self.put(&[op::MARK]);
            save(&first)?;
            save(&second)?;
            let mut n = 2;
            while n < op::BATCH
                && let Some(x) = items.next(cx)?
            {
                save(&x)?;
                n += 1;
            }
            self.put(&[op::SETITEMS]);
            if n < op::BATCH {
                return Ok(());
            }
        }
    }
}
