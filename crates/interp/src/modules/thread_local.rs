//! `_thread._local`: attributes that each thread has for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{Args, pyclass, pymethods};
use cinder_pyobj::protocol;
use cinder_pyobj::types::dict;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use crate::thread::Thread;

/// Thread-local data.
#[pyclass(name = "_local", module = "_thread", flags(basetype, weakref))]
#[derive(Traverse)]
pub struct Local {
    args: ObjCell,
    /// Names this object in the threads' tables. Unlike an address it is never used again.
    #[traverse(skip)]
    key: u64,
}

static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

fn is_dict_name(name: &Obj) -> bool {
    name.type_of().is_str_subtype() && as_utf8_lossy(name) == "__dict__"
}

impl Local {
    /// This thread's attributes, made (and initialised by `__init__`) on first use.
    fn dict(cx: &Ctx, this: &Obj) -> PyResult {
        let th = Thread::of(cx);
        let all = match th.locals.get() {
            Some(d) => d,
            None => {
                let d = dict::new();
                th.locals.set(Some(d.clone()));
                d
            }
        };
        let Some(local) = this.downcast::<Local>() else { return Err(cx.type_error("not thread-local data")) };
        let key = Obj::from(local.key as i64);
        if let Some(d) = dict::get(cx, &all, &key)? {
            return Ok(d);
        }
        let d = dict::new();
        dict::set(cx, &all, &key, &d)?;
        if let Some(init) = this.type_of().slots.init.get()
            && let Some(a) = local.args.get()
        {
            let parts = a.collect(cx)?;
            let mut all = parts[0].collect(cx)?;
            let mut names = Vec::new();
            for (k, v) in dict::items_if_dict(&parts[1]).unwrap_or_default() {
                names.push(k);
                all.push(v);
            }
            if let Err(r) = init(cx, this, Args::new(&all, &names)) {
                // The next use tries again.
                if let Some(all) = th.locals.get() {
                    let e = cx.take(r);
                    dict::remove(cx, &all, &key)?;
                    return Err(cx.set_pending(e));
                }
                return Err(r);
            }
        }
        Ok(d)
    }
}

impl Drop for Local {
    /// Every thread forgets its attributes.
    fn drop(&mut self) {
        let cx = Ctx::current();
        let key = Obj::from(self.key as i64);
        for table in Thread::of(cx).runtime.thread_tables() {
            if let Err(r) = dict::remove(cx, &table, &key) {
                drop(cx.take(r));
            }
        }
    }
}

#[pymethods]
impl Local {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let object_init = cinder_pyobj::native::class_type::<cinder_pyobj::types::object::Object>().slots.init.get();
        let own = match (ty.slots.init.get(), object_init) {
            (Some(a), Some(b)) => !std::ptr::fn_addr_eq(a, b),
            _ => false,
        };
        if !args.all().is_empty() && !own {
            return Err(cx.type_error("Initialization arguments are not supported"));
        }
        let kw = dict::new();
        for (k, v) in args.keywords() {
            kw.set_item(cx, k, v)?;
        }
        let kept = cinder_pyobj::types::tuple::new(vec![cinder_pyobj::types::tuple::new(args.pos().to_vec()), kw]);
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        let o = heap::new_instance(ty, Local { args: ObjCell::new(Some(kept)), key });
        // `__init__` runs after `__new__` for this thread: mark its dict as made.
        let th = Thread::of(cx);
        let all = th.locals.get().unwrap_or_else(dict::new);
        th.locals.set(Some(all.clone()));
        dict::set(cx, &all, &Obj::from(key as i64), &dict::new())?;
        Ok(o)
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        let d = Local::dict(cx, this)?;
        if is_dict_name(name) {
            return Ok(d);
        }
        let found = cinder_pyobj::types::str::Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n));
        let is_data = found.as_ref().is_some_and(|f| f.type_of().slots.descr_set.get().is_some());
        if !is_data && let Some(v) = dict::get(cx, &d, name)? {
            return Ok(v);
        }
        protocol::generic_get_attr(cx, this, name)
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if is_dict_name(name) {
            return Err(cx.attribute_error(
                format!("'{}' object attribute '__dict__' is read-only", this.type_of().name()),
                this,
                name,
            ));
        }
        let d = Local::dict(cx, this)?;
        if let Some(f) = cinder_pyobj::types::str::Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n))
            && let Some(set) = f.type_of().slots.descr_set.get()
        {
            return set(cx, &f, this, value);
        }
        match value {
            Some(v) => dict::set(cx, &d, name, v),
            None if dict::remove(cx, &d, name)? => Ok(()),
            None => Err(cx.attribute_error(
                format!("'{}' object has no attribute '{}'", this.type_of().name(), as_utf8_lossy(name)),
                this,
                name,
            )),
        }
    }
}
