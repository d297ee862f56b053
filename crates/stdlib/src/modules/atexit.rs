//! `atexit`: functions to call when the program ends.

use cinder_pyobj::heap::Gil;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::tuple;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// The list of (function, arguments, names of the last of them). Copies of the module share it.
static CALLBACKS: Gil<ObjCell> = Gil::new(ObjCell::new(None));

fn callbacks<R>(cx: &Ctx, f: impl FnOnce(&List) -> PyResult<R>) -> PyResult<R> {
    let cell = CALLBACKS.get();
    let l = match cell.get() {
        Some(l) => l,
        None => {
            let l = list::empty();
            cell.set(Some(l.clone()));
            l
        }
    };
    match list::as_list(&l) {
        Some(l) => f(l),
        None => Err(cx.system_error("the list of exit functions is gone")),
    }
}

/// Allows programmers to define multiple exit functions to be executed upon normal program termination.
#[pymodule(name = "atexit")]
pub(crate) mod module {
    use super::*;
    use cinder_pyobj::native::Args;

    /// Registers a function to be executed upon normal program termination, with the arguments given here.
    #[pyfunction(sig = "(func, /, *args, **kwargs)")]
    fn register(cx: &Ctx, args: Args<'_>) -> PyResult {
        let Some(f) = args.pos().first() else {
            return Err(cx.type_error("register() takes at least 1 argument (0 given)"));
        };
        if !f.is_callable() {
            return Err(cx.type_error("the first argument must be callable"));
        }
        let entry =
            tuple::new(vec![f.clone(), tuple::new(args.all()[1..].to_vec()), tuple::new(args.names().to_vec())]);
        callbacks(cx, |l| l.append(cx, entry))?;
        Ok(f.clone())
    }

    /// Forgets a function that was registered, all of its registrations.
    #[pyfunction(sig = "(func, /)")]
    fn unregister(cx: &Ctx, func: &Obj) -> PyResult<()> {
        callbacks(cx, |l| {
            for entry in l.snapshot() {
                let Some([f, ..]) = tuple::items_if_tuple(&entry) else { continue };
                if f.eq(cx, func)? {
                    let at = l.snapshot().iter().position(|e| e.is(&entry));
                    if let Some(i) = at {
                        drop(l.remove_at(i));
                    }
                }
            }
            Ok(())
        })
    }

    /// Clears the list of exit functions previously registered.
    #[pyfunction(name = "_clear", sig = "()")]
    fn clear(cx: &Ctx) -> PyResult<()> {
        callbacks(cx, |l| {
            drop(l.take_all());
            Ok(())
        })
    }

    /// How many functions will be called at exit.
    #[pyfunction(name = "_ncallbacks", sig = "()")]
    fn count(cx: &Ctx) -> PyResult<usize> {
        callbacks(cx, |l| Ok(l.len()))
    }

    /// Runs all registered exit functions, the last one first.
    #[pyfunction(name = "_run_exitfuncs", sig = "()")]
    fn run(cx: &Ctx) -> PyResult<()> {
        callbacks(cx, |l| {
            // What is registered meanwhile is not called.
            for entry in l.take_all().into_iter().rev() {
                let Some([f, args, names]) = tuple::items_if_tuple(&entry) else { continue };
                let (Some(a), Some(n)) = (tuple::items_if_tuple(args), tuple::items_if_tuple(names)) else { continue };
                if f.call(cx, Args::new(a, n)).is_err() {
                    cx.report_unraisable("Exception ignored in atexit callback", f);
                }
            }
            drop(l.take_all());
            Ok(())
        })
    }
}
