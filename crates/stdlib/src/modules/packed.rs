//! `_packed`: the packed library as the import system sees it.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{bytes, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

/// The library that is packed into the program.
#[pymodule(name = "_packed")]
pub(crate) mod module {
    use super::*;
    use crate::packed;
    use cinder_pyobj::types::str::Str;

    /// Whether a module is a package; None if the library does not have it.
    #[pyfunction(sig = "(name, /)")]
    fn find(name: &Obj) -> Option<bool> {
        packed::find(text(name)?).map(packed::Module::is_package)
    }

    /// A name that modules of the library can have: no lone surrogates.
    fn text(name: &Obj) -> Option<&str> {
        name.downcast::<Str>().and_then(Str::as_str)
    }

    /// Whether a module was packed with its code.
    #[pyfunction(sig = "(name, /)")]
    fn has_code(name: &Obj) -> bool {
        text(name).and_then(packed::find).is_some_and(|m| m.code().is_some())
    }

    /// The contents of a file by its path within the library, or None.
    #[pyfunction(sig = "(path, /)")]
    fn read(path: &str) -> Option<Obj> {
        packed::file(path).map(|data| bytes::new(&data))
    }

    /// Pairs (name, whether it is a package) of the modules directly inside a package ("" for the top level).
    #[pyfunction(sig = "(package, /)")]
    fn modules(package: &str) -> Obj {
        let pairs = packed::children(package).map(|m| {
            let name = m.name().rsplit('.').next().unwrap_or_default();
            tuple::new(vec![Obj::from(name), Obj::from_bool(m.is_package())])
        });
        list::new(pairs.collect())
    }

    /// The sorted names of the files and folders in a folder.
    #[pyfunction(sig = "(folder, /)")]
    fn names(folder: &str) -> Obj {
        list::new(packed::names(folder).iter().map(|n| Obj::from(n.as_str())).collect())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("PREFIX"), &Obj::from(packed::PREFIX))
    }
}
