//! Functions over iterables and sequences.

use cinder_pyobj::native::pymodule;

#[pymodule(part, name = "builtins")]
pub(crate) mod iterate {
    use cinder_pyobj::intern;
    use cinder_pyobj::native::{Args, FixedShape};
    use cinder_pyobj::protocol::number;
    use cinder_pyobj::types::str::as_utf8_lossy;
    use cinder_pyobj::types::{CmpOp, complex, exc, float, int, list};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    /// Whether no item is false; so it is for an iterable without items.
    #[pyfunction(sig = "(iterable, /)")]
    fn all(cx: &Ctx, iterable: &Obj) -> PyResult<bool> {
        let it = iterable.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            if !x.truthy(cx)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether some item is true; none is in an iterable without items.
    #[pyfunction(sig = "(iterable, /)")]
    fn any(cx: &Ctx, iterable: &Obj) -> PyResult<bool> {
        let it = iterable.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            if x.truthy(cx)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many items a container has.
    #[pyfunction(sig = "(obj, /)")]
    fn len(cx: &Ctx, obj: &Obj) -> PyResult<usize> {
        obj.len(cx)
    }

    /// iter(iterable) -> iterator
    /// iter(callable, sentinel) -> iterator
    ///
    /// An iterator over the items of an iterable or a sequence; or one which calls the callable for each item, until
    /// that returns something equal to the sentinel.
    #[pyfunction(sig = "")]
    fn iter(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "iter", 1, 2)?;
        match a.get(1) {
            None => a[0].iter(cx),
            Some(s) => {
                if !a[0].is_callable() {
                    return Err(cx.type_error("iter(v, w): v must be callable"));
                }
                Ok(cinder_pyobj::types::iterators::callable_iter(&a[0], s))
            }
        }
    }

    /// next(iterator[, default])
    ///
    /// Takes one more item from an iterator. Where none is left, the default is the result, and without a default
    /// StopIteration is raised.
    #[pyfunction(sig = "")]
    fn next(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "next", 1, 2)?;
        if a.len() == 1 && cinder_pyobj::types::slot_wrappers::is_python_next(a[0].type_of()) {
            return a[0].call_method(cx, intern!("__next__"), &[]);
        }
        match (a[0].next_or_stop(cx), a.get(1)) {
            (Ok(Some(v)), _) => Ok(v),
            (Ok(None), Some(d)) => Ok(d.clone()),
            (Ok(None), None) => Err(cx.stop_iteration(None)),
            (Err(r), Some(d)) => {
                cx.swallow(r, exc::StopIteration())?;
                Ok(d.clone())
            }
            (Err(r), None) => Err(r),
        }
    }

    /// The asynchronous iterator of an asynchronous iterable, from its __aiter__.
    #[pyfunction(sig = "(async_iterable, /)")]
    fn aiter(cx: &Ctx, async_iterable: &Obj) -> PyResult {
        let Some(f) = async_iterable.type_of().slots.aiter.get() else {
            return Err(cx.type_error(format!("'{}' object is not an async iterable", async_iterable.type_of().name())));
        };
        let it = f(cx, async_iterable)?;
        if it.type_of().slots.anext.get().is_none() {
            return Err(
                cx.type_error(format!("aiter() returned not an async iterator of type '{}'", it.type_of().name()))
            );
        }
        Ok(it)
    }

    /// An awaitable for one more item of an asynchronous iterator.
    ///
    /// Where none is left, awaiting it gives the default, or raises StopAsyncIteration if there is none.
    #[pyfunction(sig = "")]
    fn anext(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "anext", 1, 2)?;
        let Some(f) = a[0].type_of().slots.anext.get() else {
            return Err(cx.type_error(format!("'{}' object is not an async iterator", a[0].type_of().name())));
        };
        let w = f(cx, &a[0])?;
        match a.get(1) {
            None => Ok(w),
            Some(d) => Ok(crate::objects::anext::with_default(w, d.clone())),
        }
    }

    fn extreme(cx: &Ctx, args: Args<'_>, name: &str, op: CmpOp) -> PyResult {
        let (mut key, mut default) = (None, None);
        for (k, v) in args.keywords() {
            match &*as_utf8_lossy(k) {
                "key" => key = Some(v.clone()).and_then(Obj::non_none),
                "default" => default = Some(v.clone()),
                k => return Err(cinder_pyobj::suggest::unexpected_keyword(cx, name, k, &["key", "default"])),
            }
        }
        let pos = args.pos();
        if pos.is_empty() {
            return Err(cx.type_error(format!("{name} expected at least 1 argument, got 0")));
        }
        if pos.len() > 1 && default.is_some() {
            return Err(
                cx.type_error(format!("Cannot specify a default for {name}() with multiple positional arguments"))
            );
        }
        let mut best: Option<(Obj, Obj)> = None;
        let mut consider = |x: Obj| -> PyResult<()> {
            let k = match &key {
                Some(f) => f.call1(cx, &x)?,
                None => x.clone(),
            };
            let better = match &best {
                None => true,
                Some((_, bk)) => k.rich_cmp_bool(cx, bk, op)?,
            };
            if better {
                best = Some((x, k));
            }
            Ok(())
        };
        if pos.len() == 1 {
            let it = pos[0].iter(cx)?;
            while let Some(x) = it.next(cx)? {
                consider(x)?;
            }
        } else {
            for x in pos {
                consider(x.clone())?;
            }
        }
        match (best, default) {
            (Some((x, _)), _) => Ok(x),
            (None, Some(d)) => Ok(d),
            (None, None) => Err(cx.value_error(format!("{name}() iterable argument is empty"))),
        }
    }

    /// max(iterable, *[, default=obj, key=func]) -> value
    /// max(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// The greatest item of an iterable, or the greatest of several arguments; key computes what is compared. The
    /// default is for an iterable without items, which is an error otherwise.
    #[pyfunction(sig = "")]
    fn max(cx: &Ctx, args: Args<'_>) -> PyResult {
        extreme(cx, args, "max", CmpOp::Gt)
    }

    /// min(iterable, *[, default=obj, key=func]) -> value
    /// min(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// The least item of an iterable, or the least of several arguments; key computes what is compared. The default is
    /// for an iterable without items, which is an error otherwise.
    #[pyfunction(sig = "")]
    fn min(cx: &Ctx, args: Args<'_>) -> PyResult {
        extreme(cx, args, "min", CmpOp::Lt)
    }

    /// A new list of all items, the smallest first.
    ///
    /// key computes from an item what is compared; reverse puts the greatest first. Equal items keep their order.
    #[pyfunction(sig = "(iterable, /, *, key=None, reverse=False)")]
    fn sorted(cx: &Ctx, args: Args<'_>) -> PyResult {
        if args.pos().len() != 1 {
            return Err(cx.type_error(format!("sorted expected 1 argument, got {}", args.pos().len())));
        }
        let l = list::new(args.pos()[0].collect(cx)?);
        let sort = l.get_attr(cx, intern!("sort"))?;
        sort.call(cx, Args::new(args.kw_values(), args.names()))?;
        Ok(l)
    }

    /// start and all items of an iterable, added up from the left.
    ///
    /// Meant for numbers; texts are refused, since joining them does it better.
    #[pyfunction(sig = "(iterable, /, start=0)")]
    fn sum(cx: &Ctx, iterable: &Obj, start: Option<&Obj>) -> PyResult {
        let total = start.cloned().unwrap_or_else(|| Obj::from(0i64));
        if total.type_of().is_str_subtype() {
            return Err(cx.type_error("sum() can't sum strings [use ''.join(seq) instead]"));
        }
        if total.is_exact(FixedShape::Bytes) {
            return Err(cx.type_error("sum() can't sum bytes [use b''.join(seq) instead]"));
        }
        if total.is_exact(FixedShape::ByteArray) {
            return Err(cx.type_error("sum() can't sum bytearray [use b''.join(seq) instead]"));
        }
        sum_items(cx, total, &iterable.iter(cx)?)
    }

    /// Adds the items of an iterator to a total.
    pub(crate) fn sum_items(cx: &Ctx, total: Obj, it: &Obj) -> PyResult {
        let mut total = total;
        // Each kind of number is summed in its own way as long as only its kind comes.
        if total.is_exact(FixedShape::Int) {
            loop {
                let Some(x) = it.next(cx)? else { return Ok(total) };
                total = number::add(cx, &total, &x)?;
                if !x.is_exact(FixedShape::Int) && !x.is_exact(FixedShape::Bool) {
                    break;
                }
            }
        }
        if total.is_exact(FixedShape::Float) {
            let mut sum = Compensated::from(float::as_f64(&total).unwrap_or(0.0));
            loop {
                let Some(x) = it.next(cx)? else { return Ok(Obj::from(sum.total())) };
                if x.is_exact(FixedShape::Float) {
                    sum.add(float::as_f64(&x).unwrap_or(0.0));
                } else if let Some(n) = int::as_i64(&x) {
                    sum.add(n as f64);
                } else {
                    total = number::add(cx, &Obj::from(sum.total()), &x)?;
                    break;
                }
            }
        }
        if let Some(c) = exact_complex(&total) {
            let (mut re, mut im) = (Compensated::from(c.re), Compensated::from(c.im));
            loop {
                let current =
                    |re: &Compensated, im: &Compensated| complex::new(complex::Complex::new(re.total(), im.total()));
                let Some(x) = it.next(cx)? else { return Ok(current(&re, &im)) };
                if let Some(c) = exact_complex(&x) {
                    re.add(c.re);
                    im.add(c.im);
                } else if let Some(n) = int::as_i64(&x) {
                    re.add(n as f64);
                } else if let Some(f) = float::as_f64(&x) {
                    re.add(f);
                } else {
                    total = number::add(cx, &current(&re, &im), &x)?;
                    break;
                }
            }
        }
        while let Some(x) = it.next(cx)? {
            total = number::add(cx, &total, &x)?;
        }
        Ok(total)
    }

    fn exact_complex(o: &Obj) -> Option<complex::Complex> {
        if o.is_exact(FixedShape::Complex) { complex::as_complex(o) } else { None }
    }

    /// A sum of floats with the rounding errors so far (Neumaier's method).
    struct Compensated {
        high: f64,
        low: f64,
    }

    impl From<f64> for Compensated {
        fn from(f: f64) -> Compensated {
            Compensated { high: f, low: 0.0 }
        }
    }

    impl Compensated {
        fn add(&mut self, x: f64) {
            let t = self.high + x;
            self.low += if self.high.abs() >= x.abs() { (self.high - t) + x } else { (x - t) + self.high };
            self.high = t;
        }

        fn total(&self) -> f64 {
            if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
        }
    }
}
