//! `groupby`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::iterator;

/// Yields consecutive keys and groups from the iterable.
///
/// The key function computes the key of each item; without one, items are their own keys.
#[pyclass(name = "groupby", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct GroupBy {
    it: Obj,
    key_function: Option<Obj>,
    /// The key of the group that was handed out last.
    target: ObjCell,
    current_key: ObjCell,
    current: ObjCell,
    /// The group that may still take items.
    group: ObjCell,
}

iterator!(GroupBy);

impl GroupBy {
    /// Fetches the next item; false at the end.
    fn step(&self, cx: &Ctx) -> PyResult<bool> {
        let Some(x) = self.it.next(cx)? else { return Ok(false) };
        let key = match &self.key_function {
            Some(f) => f.call1(cx, &x)?,
            None => x.clone(),
        };
        self.current.set(Some(x));
        self.current_key.set(Some(key));
        Ok(true)
    }
}

#[pymethods(parts("iterator"))]
impl GroupBy {
    #[pynew(sig = "(iterable, key=None)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, key: Option<&Obj>) -> PyResult {
        let it = iterable.iter(cx)?;
        Ok(new_instance(
            ty,
            GroupBy {
                it,
                key_function: key.cloned(),
                target: ObjCell::new(None),
                current_key: ObjCell::new(None),
                current: ObjCell::new(None),
                group: ObjCell::new(None),
            },
        ))
    }

    fn __next__(cx: &Ctx, this: This<'_, GroupBy>) -> PyResult<Option<Obj>> {
        this.group.set(None);
        // Skips what is left of the last group.
        loop {
            match (this.current_key.get(), this.target.get()) {
                (None, _) => {}
                (Some(_), None) => break,
                (Some(k), Some(t)) => {
                    if !t.eq(cx, &k)? {
                        break;
                    }
                }
            }
            if !this.step(cx)? {
                return Ok(None);
            }
        }
        let Some(key) = this.current_key.get() else { return Ok(None) };
        this.target.set(Some(key.clone()));
        let group = new_instance(Grouper::type_object(), Grouper { parent: this.obj().clone(), target: key.clone() });
        this.group.set(Some(group.clone()));
        Ok(Some(tuple::pair(key, group)))
    }
}

/// The items of one group.
#[pyclass(name = "_grouper", module = "itertools", sig = "(parent, tgtkey, /)")]
#[derive(Traverse)]
pub struct Grouper {
    parent: Obj,
    target: Obj,
}

iterator!(Grouper);

#[pymethods(parts("iterator"))]
impl Grouper {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let [parent, target] = args.check_arity(cx, "_grouper", 2, 2)? else {
            return Err(cx.type_error("_grouper expected 2 arguments"));
        };
        let Some(p) = parent.downcast::<GroupBy>() else {
            return Err(cx.type_error(format!(
                "_grouper() argument 1 must be itertools.groupby, not {}",
                parent.type_of().name()
            )));
        };
        let group = new_instance(ty, Grouper { parent: parent.clone(), target: target.clone() });
        p.group.set(Some(group.clone()));
        Ok(group)
    }

    fn __next__(cx: &Ctx, this: This<'_, Grouper>) -> PyResult<Option<Obj>> {
        let Some(p) = this.parent.downcast::<GroupBy>() else { return Ok(None) };
        if !p.group.get().is_some_and(|g| g.is(this.obj())) {
            return Ok(None);
        }
        if p.current.is_empty() && !p.step(cx)? {
            return Ok(None);
        }
        let Some(key) = p.current_key.get() else { return Ok(None) };
        if !this.target.eq(cx, &key)? {
            return Ok(None);
        }
        Ok(p.current.take())
    }
}
