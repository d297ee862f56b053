//! `lru_cache`'s wrapper.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, FixedShape, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, dict, method, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// No entry.
const NIL: usize = usize::MAX;

struct Entry {
    key: Obj,
    /// The key's hash: it is asked for once in each call.
    hash: i64,
    result: Obj,
    /// Towards the least recently used.
    older: usize,
    newer: usize,
}

/// The entries in order of use.
struct Order {
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    oldest: usize,
    newest: usize,
}

impl Order {
    const fn new() -> Order {
        Order { entries: Vec::new(), free: Vec::new(), oldest: NIL, newest: NIL }
    }

    fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    fn set_newer(&mut self, i: usize, to: usize) {
        match self.entries.get_mut(i) {
            Some(Some(e)) => e.newer = to,
            _ => self.oldest = to,
        }
    }

    fn set_older(&mut self, i: usize, to: usize) {
        match self.entries.get_mut(i) {
            Some(Some(e)) => e.older = to,
            _ => self.newest = to,
        }
    }

    fn unlink(&mut self, i: usize) {
        let Some(Some(e)) = self.entries.get(i) else { return };
        let (older, newer) = (e.older, e.newer);
        self.set_newer(older, newer);
        self.set_older(newer, older);
    }

    fn link_newest(&mut self, i: usize) {
        let last = self.newest;
        if let Some(Some(e)) = self.entries.get_mut(i) {
            e.older = last;
            e.newer = NIL;
        }
        self.set_newer(last, i);
        self.newest = i;
    }

    /// The result of entry `i`, which becomes the most recently used.
    fn touch(&mut self, i: usize) -> Option<Obj> {
        let r = self.entries.get(i)?.as_ref()?.result.clone();
        self.unlink(i);
        self.link_newest(i);
        Some(r)
    }

    fn add(&mut self, key: Obj, hash: i64, result: Obj) -> usize {
        let e = Some(Entry { key, hash, result, older: NIL, newer: NIL });
        let i = match self.free.pop() {
            Some(i) => {
                self.entries[i] = e;
                i
            }
            None => {
                self.entries.push(e);
                self.entries.len() - 1
            }
        };
        self.link_newest(i);
        i
    }

    fn remove(&mut self, i: usize) -> Option<Entry> {
        self.unlink(i);
        let e = self.entries.get_mut(i)?.take()?;
        self.free.push(i);
        Some(e)
    }
}

/// Creates a cached callable that wraps another function.
#[pyclass(
    name = "_lru_cache_wrapper",
    module = "functools",
    flags(basetype, dict, weakref),
    sig = "(user_function, maxsize, typed, cache_info_type)"
)]
pub struct LruCache {
    function: Obj,
    /// Nothing: unbounded.
    max: Option<usize>,
    typed: bool,
    info_type: Obj,
    /// Separates positional from keyword arguments in keys.
    mark: Obj,
    /// From keys to results, or to numbers of entries where the size is bounded.
    cache: Obj,
    order: RefCell<Order>,
    hits: Cell<u64>,
    misses: Cell<u64>,
}

impl Traverse for LruCache {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for o in [&self.function, &self.info_type, &self.mark, &self.cache] {
            o.traverse(visit);
        }
        if let Ok(order) = self.order.try_borrow() {
            for e in order.entries.iter().flatten() {
                e.key.traverse(visit);
                e.result.traverse(visit);
            }
        }
    }

    fn clear(&self) {
        self.empty();
    }
}

impl LruCache {
    fn empty(&self) {
        let old = self.order.replace(Order::new());
        if let Some(d) = dict::as_dict(&self.cache) {
            d.clear_all();
        }
        drop(old.entries);
    }

    fn key(&self, args: Args<'_>) -> Obj {
        if !self.typed
            && !args.has_keywords()
            && let [x] = args.pos()
            && (x.is_exact(FixedShape::Int) || x.is_exact(FixedShape::Str))
        {
            return x.clone();
        }
        let mut parts = args.pos().to_vec();
        if args.has_keywords() {
            parts.push(self.mark.clone());
            for (k, v) in args.keywords() {
                parts.push(k.clone());
                parts.push(v.clone());
            }
        }
        if self.typed {
            parts.extend(args.pos().iter().map(|x| x.type_of().as_obj()));
            parts.extend(args.kw_values().iter().map(|x| x.type_of().as_obj()));
        }
        tuple::new(parts)
    }

    fn table(&self, cx: &Ctx) -> PyResult<&dict::Dict> {
        dict::as_dict(&self.cache).ok_or_else(|| cx.system_error("the cache is no dict"))
    }

    fn unbounded(&self, cx: &Ctx, args: Args<'_>) -> PyResult {
        let key = self.key(args);
        let (hash, cache) = (key.hash(cx)?, self.table(cx)?);
        if let Some(r) = cache.get_hashed(cx, &key, hash)? {
            self.hits.set(self.hits.get() + 1);
            return Ok(r);
        }
        self.misses.set(self.misses.get() + 1);
        let r = self.function.call(cx, args)?;
        cache.set_hashed(cx, &key, hash, &r)?;
        Ok(r)
    }

    fn bounded(&self, cx: &Ctx, args: Args<'_>, max: usize) -> PyResult {
        let key = self.key(args);
        let (hash, cache) = (key.hash(cx)?, self.table(cx)?);
        if let Some(i) = cache.get_hashed(cx, &key, hash)?
            && let Some(r) = self.order.borrow_mut().touch(i.as_int().unwrap_or(-1) as usize)
        {
            self.hits.set(self.hits.get() + 1);
            return Ok(r);
        }
        self.misses.set(self.misses.get() + 1);
        let r = self.function.call(cx, args)?;
        // The call may have filled the entry itself.
        if cache.get_hashed(cx, &key, hash)?.is_some() {
            return Ok(r);
        }
        let full = self.order.borrow().len() >= max;
        if full {
            let oldest = self.order.borrow().oldest;
            let evicted = self.order.borrow_mut().remove(oldest);
            if let Some(e) = evicted {
                let gone = cache.remove_hashed(cx, &e.key, e.hash);
                drop(e);
                gone?;
            }
        }
        let i = self.order.borrow_mut().add(key.clone(), hash, r.clone());
        if let Err(raised) = cache.set_hashed(cx, &key, hash, &Obj::from(i)) {
            let e = self.order.borrow_mut().remove(i);
            drop(e);
            return Err(raised);
        }
        Ok(r)
    }
}

#[pymethods]
impl LruCache {
    #[pynew(sig = "(user_function, maxsize, typed, cache_info_type)")]
    fn __new__(
        cx: &Ctx,
        ty: &Type,
        user_function: &Obj,
        maxsize: &Obj,
        typed: &Obj,
        cache_info_type: &Obj,
    ) -> PyResult {
        if !user_function.is_callable() {
            return Err(cx.type_error("the first argument must be callable"));
        }
        let max = if maxsize.is_none() {
            None
        } else if maxsize.type_of().slots.index.get().is_some() {
            Some(maxsize.to_isize(cx)?.max(0) as usize)
        } else {
            return Err(cx.type_error("maxsize should be integer or None"));
        };
        Ok(new_instance(
            ty,
            LruCache {
                function: user_function.clone(),
                max,
                typed: typed.truthy(cx)?,
                info_type: cache_info_type.clone(),
                mark: super::partial::new_mark(),
                cache: dict::new(),
                order: RefCell::new(Order::new()),
                hits: Cell::new(0),
                misses: Cell::new(0),
            },
        ))
    }

    fn __call__(cx: &Ctx, this: This<'_, LruCache>, args: Args<'_>) -> PyResult {
        cx.check_stack("")?;
        match this.max {
            None => this.unbounded(cx, args),
            Some(0) => {
                this.misses.set(this.misses.get() + 1);
                this.function.call(cx, args)
            }
            Some(max) => this.bounded(cx, args, max),
        }
    }

    fn __get__(_cx: &Ctx, this: &Obj, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        Ok(match instance {
            Some(i) if !i.is_none() => method::new(this.clone(), i.clone()),
            _ => this.clone(),
        })
    }

    /// Reports cache statistics.
    #[pymethod]
    fn cache_info(cx: &Ctx, this: This<'_, LruCache>) -> PyResult {
        let size = match this.max {
            None => dict::as_dict(&this.cache).map_or(0, |d| d.len()),
            Some(_) => this.order.borrow().len(),
        };
        let max = this.max.map_or_else(Obj::none, Obj::from);
        let args = [Obj::from(this.hits.get()), Obj::from(this.misses.get()), max, Obj::from(size)];
        this.info_type.call_pos(cx, &args)
    }

    /// Clears the cache and its statistics.
    #[pymethod]
    fn cache_clear(_cx: &Ctx, this: This<'_, LruCache>) {
        this.hits.set(0);
        this.misses.set(0);
        this.empty();
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: &Obj) -> PyResult {
        this.get_attr(cx, intern!("__qualname__"))
    }

    #[pymethod(name = "__copy__")]
    fn copy(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    #[pymethod(name = "__deepcopy__", sig = "($self, memo, /)")]
    fn deepcopy(_cx: &Ctx, this: &Obj, _memo: &Obj) -> Obj {
        this.clone()
    }
}
