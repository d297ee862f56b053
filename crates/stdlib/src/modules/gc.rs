//! `gc`.

use cinder_pyobj::heap::gc as collector;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Gives access to the cycle collector.
#[pymodule(name = "gc")]
pub(crate) mod gc {
    use super::*;

    /// Turns automatic collection on.
    #[pyfunction]
    fn enable() {
        collector::set_enabled(true);
    }

    /// Turns automatic collection off.
    #[pyfunction]
    fn disable() {
        collector::set_enabled(false);
    }

    /// Returns true if automatic collection is on.
    #[pyfunction]
    fn isenabled() -> bool {
        collector::is_enabled()
    }

    /// Collects a generation and all younger ones; by default everything.
    ///
    /// Returns the number of unreachable objects.
    #[pyfunction(sig = "(generation=2)")]
    fn collect(cx: &Ctx, generation: Option<&Obj>) -> PyResult<usize> {
        let g = generation.map_or(Ok(2), |g| g.to_i64(cx))?;
        if !(0..collector::GENERATIONS as i64).contains(&g) {
            return Err(cx.value_error("invalid generation"));
        }
        Ok(collector::collect(cx, g as usize))
    }

    /// Sets the debug flags.
    #[pyfunction(sig = "(flags, /)")]
    fn set_debug(cx: &Ctx, flags: &Obj) -> PyResult<()> {
        collector::set_debug(flags.to_i64(cx)?);
        Ok(())
    }

    /// Returns the debug flags.
    #[pyfunction]
    fn get_debug() -> i64 {
        collector::debug()
    }

    /// Sets the collection thresholds. A first threshold of zero turns collection off.
    #[pyfunction(sig = "(threshold0, threshold1=10, threshold2=10, /)")]
    fn set_threshold(cx: &Ctx, threshold0: &Obj, threshold1: Option<&Obj>, threshold2: Option<&Obj>) -> PyResult<()> {
        let t0 = threshold0.to_i64(cx)?;
        let t1 = threshold1.map(|t| t.to_i64(cx)).transpose()?;
        let t2 = threshold2.map(|t| t.to_i64(cx)).transpose()?;
        collector::set_thresholds([Some(t0), t1, t2]);
        Ok(())
    }

    /// After how many new objects, and how many collections of each generation, the next one is due.
    #[pyfunction]
    fn get_threshold() -> Obj {
        tuple::new(collector::thresholds().iter().map(|n| Obj::from(*n)).collect())
    }

    /// Returns the current counts: young containers, and collections since the last of each generation.
    #[pyfunction]
    fn get_count() -> Obj {
        tuple::new(collector::counts().iter().map(|n| Obj::from(*n)).collect())
    }

    /// Returns a list of dictionaries with statistics of each generation.
    #[pyfunction]
    fn get_stats(cx: &Ctx) -> PyResult {
        let mut all = Vec::new();
        for s in collector::stats() {
            let d = dict::new();
            for (k, n) in
                [("collections", s.collections), ("collected", s.collected), ("uncollectable", s.uncollectable)]
            {
                dict::set(cx, &d, &Name::new(k).obj(), &Obj::from(n))?;
            }
            all.push(d);
        }
        Ok(list::new(all))
    }

    /// Returns the objects that the collector tracks, of one generation if given.
    #[pyfunction(sig = "(generation=None)")]
    fn get_objects(cx: &Ctx, generation: Option<&Obj>) -> PyResult {
        cx.audit("gc.get_objects", || [generation.cloned().and_then(Obj::non_none).unwrap_or_else(|| Obj::from(-1))])?;
        let g = match generation {
            None => None,
            Some(g) => {
                let g = g.index(cx)?.to_i64(cx)?;
                if g < 0 {
                    return Err(cx.value_error("generation parameter cannot be negative"));
                }
                if g >= collector::GENERATIONS as i64 {
                    return Err(cx.value_error(format!(
                        "generation parameter must be less than the number of available generations ({})",
                        collector::GENERATIONS
                    )));
                }
                Some(g as u8)
            }
        };
        Ok(list::new(collector::objects(g)))
    }

    /// Returns the containers that refer directly to any of the objects.
    #[pyfunction(sig = "(*objs)")]
    fn get_referrers(cx: &Ctx, objs: &[Obj]) -> PyResult {
        cx.audit("gc.get_referrers", || [cinder_pyobj::types::tuple::new(objs.to_vec())])?;
        Ok(list::new(collector::referrers(objs)))
    }

    /// Returns the objects that the given ones refer to directly.
    #[pyfunction(sig = "(*objs)")]
    fn get_referents(cx: &Ctx, objs: &[Obj]) -> PyResult {
        cx.audit("gc.get_referents", || [cinder_pyobj::types::tuple::new(objs.to_vec())])?;
        Ok(list::new(collector::referents(objs)))
    }

    /// Returns true if the collector tracks the object.
    #[pyfunction(sig = "(obj, /)")]
    fn is_tracked(obj: &Obj) -> bool {
        collector::is_tracked(obj)
    }

    /// Returns true if the collector has run the object's finaliser.
    #[pyfunction(sig = "(obj, /)")]
    fn is_finalized(obj: &Obj) -> bool {
        collector::is_finalized(obj)
    }

    /// Exempts all current objects from collection.
    #[pyfunction]
    fn freeze() {
        collector::freeze();
    }

    /// Makes the exempt objects collectable again, in the oldest generation.
    #[pyfunction]
    fn unfreeze() {
        collector::unfreeze();
    }

    /// Returns the number of exempt objects.
    #[pyfunction]
    fn get_freeze_count() -> usize {
        collector::frozen_count()
    }

    /// Collects, then makes everything that is alive immortal: before a fork, so that the children share its memory.
    /// Returns the number of objects.
    #[pyfunction]
    fn immortalize_heap(cx: &Ctx) -> usize {
        collector::immortalize_heap(cx)
    }

    /// Returns true if the object is not reference counted.
    #[pyfunction(sig = "(obj, /)")]
    fn is_immortal(obj: &Obj) -> bool {
        collector::is_immortal(obj)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let flags = [
            ("DEBUG_STATS", collector::DEBUG_STATS),
            ("DEBUG_COLLECTABLE", collector::DEBUG_COLLECTABLE),
            ("DEBUG_UNCOLLECTABLE", collector::DEBUG_UNCOLLECTABLE),
            ("DEBUG_SAVEALL", collector::DEBUG_SAVEALL),
            ("DEBUG_LEAK", collector::DEBUG_COLLECTABLE | collector::DEBUG_UNCOLLECTABLE | collector::DEBUG_SAVEALL),
        ];
        for (name, n) in flags {
            module.set_attr(cx, Name::new(name), &Obj::from(n))?;
        }
        module.set_attr(cx, intern!("garbage"), &collector::garbage())?;
        module.set_attr(cx, intern!("callbacks"), &collector::callbacks())
    }
}
