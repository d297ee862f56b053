//! `_suggestions`: the closest of some names, as the `traceback` module asks for it.

use cinder_pyobj::native::pymodule;

#[pymodule(name = "_suggestions")]
pub(crate) mod module {
    use cinder_pyobj::types::list::List;
    use cinder_pyobj::types::str::as_utf8_lossy;
    use cinder_pyobj::{Ctx, Obj, PyResult};

    /// The one of several candidates that an item was probably meant to be, or None.
    #[pyfunction(sig = "(candidates, item, /)")]
    fn _generate_suggestions(cx: &Ctx, candidates: &Obj, item: &str) -> PyResult {
        let Some(list) = candidates.downcast::<List>() else {
            return Err(cx.type_error("candidates must be a list"));
        };
        let items = list.snapshot();
        if !items.iter().all(|name| name.type_of().is_str_subtype()) {
            return Err(cx.type_error("all elements in 'candidates' must be strings"));
        }
        let names: Vec<_> = items.iter().map(as_utf8_lossy).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        Ok(cinder_pyobj::suggest::closest(item, &names).map_or_else(Obj::none, Obj::from))
    }
}
