//! `_pickle`: serialisation of objects.
//!
//! - [`pickler`][]: the class `Pickler` and its output; [`save`], [`reduce`], [`global`]: how objects are written
//! - [`unpickler`][]: the class `Unpickler` and its input; [`load`]: the machine that reads
//! - [`buffer`][]: `PickleBuffer`

mod buffer;
mod global;
mod load;
mod op;
mod pickler;
mod reduce;
mod save;
mod unpickler;

use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::bytes;
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type, intern};

use buffer::PickleBuffer;
use pickler::Pickler;
use unpickler::Unpickler;

/// A common base class for the other pickling exceptions.
#[pyclass(name = "PickleError", module = "_pickle", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub struct PickleError;

/// An object cannot be pickled.
#[pyclass(name = "PicklingError", module = "_pickle", base = PickleError, flags(basetype, mutable), payload = "inherit")]
pub struct PicklingError;

/// A pickle cannot be read.
#[pyclass(name = "UnpicklingError", module = "_pickle", base = PickleError, flags(basetype, mutable), payload = "inherit")]
pub struct UnpicklingError;

#[cold]
fn pickling_error(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(PicklingError::class().type_object(), message)
}

#[cold]
fn unpickling_error(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(UnpicklingError::class().type_object(), message)
}

/// An attribute of a module that is imported by name.
fn imported(cx: &Ctx, module: &str, name: &str) -> PyResult {
    (cx.host().import)(cx, module)?.get_attr(cx, Name::new(name))
}

/// The name of a type as messages show it: with its module unless that is `builtins` or `__main__`.
fn full_name(cx: &Ctx, ty: &Type) -> PyResult<String> {
    let o = ty.as_obj();
    let name = as_utf8_lossy(&o.get_attr(cx, intern!("__qualname__"))?).into_owned();
    let module = o.get_attr(cx, intern!("__module__"))?;
    if !module.type_of().is_str_subtype() {
        return Ok(name);
    }
    Ok(match &*as_utf8_lossy(&module) {
        "builtins" | "__main__" => name,
        m => format!("{m}.{name}"),
    })
}

fn shown(cx: &Ctx, o: &Obj) -> PyResult<String> {
    Ok(as_utf8_lossy(&o.repr(cx)?).into_owned())
}

/// `a.b.c` from an object.
fn dotted(cx: &Ctx, o: &Obj, path: &str) -> PyResult {
    path.split('.').try_fold(o.clone(), |at, part| at.get_attr(cx, Name::new(part)))
}

/// Raises an exception instead of the pending one, which becomes its context.
#[cold]
fn instead(cx: &Ctx, r: Raised, ty: &Type, message: impl FnOnce() -> PyResult<String>) -> Raised {
    let old = cx.take(r);
    match message() {
        Ok(text) => {
            let new = exc::new(cx, ty, &text);
            exc::set_context(&new, Some(old));
            cx.set_pending(new)
        }
        Err(r) => r,
    }
}

/// The machine of the module pickle.
#[pymodule(
    name = "_pickle",
    classes(
        super::PickleBuffer,
        super::Pickler,
        super::Unpickler,
        super::PickleError,
        super::PicklingError,
        super::UnpicklingError
    )
)]
pub(crate) mod module {
    use super::*;

    /// Writes an object into a binary file.
    ///
    /// Like Pickler(file, protocol).dump(obj), without making a pickler.
    #[pyfunction(sig = "(obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    fn dump(
        cx: &Ctx,
        obj: &Obj,
        file: &Obj,
        protocol: Option<&Obj>,
        fix_imports: bool,
        buffer_callback: Option<&Obj>,
    ) -> PyResult<()> {
        let p = Pickler::empty();
        p.set_up(cx, protocol, fix_imports, buffer_callback)?;
        p.set_file(cx, file)?;
        p.run(cx, None, obj)?;
        p.flush(cx)
    }

    /// An object as bytes.
    #[pyfunction(sig = "(obj, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    fn dumps(
        cx: &Ctx,
        obj: &Obj,
        protocol: Option<&Obj>,
        fix_imports: bool,
        buffer_callback: Option<&Obj>,
    ) -> PyResult {
        let p = Pickler::empty();
        p.set_up(cx, protocol, fix_imports, buffer_callback)?;
        p.run(cx, None, obj)?;
        Ok(bytes::new(&p.take_output()))
    }

    /// Reads an object from a binary file.
    ///
    /// Like Unpickler(file).load(), without making an unpickler. Only for data of a trusted source: it can run any
    /// code.
    #[pyfunction(sig = "(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    fn load(cx: &Ctx, file: &Obj, fix_imports: bool, encoding: &str, errors: &str, buffers: Option<&Obj>) -> PyResult {
        let u = Unpickler::empty();
        u.set_up(cx, fix_imports, encoding, errors, buffers)?;
        u.set_file(cx, file)?;
        u.run(cx, None)
    }

    /// The object that bytes stand for.
    ///
    /// Only for data of a trusted source: it can run any code.
    #[pyfunction(sig = "(data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    fn loads(cx: &Ctx, data: &Obj, fix_imports: bool, encoding: &str, errors: &str, buffers: Option<&Obj>) -> PyResult {
        let u = Unpickler::empty();
        u.set_up(cx, fix_imports, encoding, errors, buffers)?;
        u.set_data(bytes::args::BytesLike::new(cx, data)?.to_vec());
        u.run(cx, None)
    }
}
