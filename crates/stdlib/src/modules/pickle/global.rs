//! Writing classes and functions by name.

use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{bytes, dict, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, codecs, intern};

use super::pickler::Pickler;
use super::{dotted, imported, instead, op, pickling_error, shown};

/// The module in which an object is found under a name.
fn module_of(cx: &Ctx, obj: &Obj, name: &str) -> PyResult {
    let mut module_name = obj.get_attr_opt(cx, intern!("__module__"))?.and_then(Obj::non_none);
    if name.split('.').any(|p| p == "<locals>") {
        return Err(pickling_error(cx, format!("Can't pickle local object {}", shown(cx, obj)?)));
    }
    if module_name.is_none() {
        let modules = imported(cx, "sys", "modules")?.call_method(cx, intern!("copy"), &[])?;
        for (k, m) in dict::items_if_dict(&modules).unwrap_or_default() {
            let skip = k.type_of().is_str_subtype() && matches!(&*as_utf8_lossy(&k), "__main__" | "__mp_main__");
            if skip || m.is_none() {
                continue;
            }
            match dotted(cx, &m, name) {
                Ok(o) if o.is(obj) => return Ok(k),
                Ok(_) => {}
                Err(r) => cx.swallow(r, exc::AttributeError())?,
            }
        }
        module_name = Some(Obj::from("__main__"));
    }
    let module_name = module_name.unwrap_or_else(Obj::none);
    if !module_name.type_of().is_str_subtype() {
        // What is no name is left to fail as a module.
        return Err(pickling_error(cx, format!("Can't pickle {}: {}", shown(cx, obj)?, shown(cx, &module_name)?)));
    }
    let module = match (cx.host().import)(cx, &as_utf8_lossy(&module_name)) {
        Ok(m) => m,
        Err(r) => {
            let expected = [exc::ImportError(), exc::ValueError(), exc::KeyError()];
            if !expected.iter().any(|t| cx.pending_is(t)) {
                return Err(r);
            }
            let e = cx.take(r);
            let reason = as_utf8_lossy(&e.str(cx)?).into_owned();
            let r = cx.set_pending(e);
            return Err(instead(cx, r, pickling_type(), || Ok(format!("Can't pickle {}: {reason}", shown(cx, obj)?))));
        }
    };
    let shown_name = as_utf8_lossy(&module_name).into_owned();
    match dotted(cx, &module, name) {
        Ok(o) if o.is(obj) => Ok(module_name),
        Ok(_) => Err(pickling_error(
            cx,
            format!("Can't pickle {}: it's not the same object as {shown_name}.{name}", shown(cx, obj)?),
        )),
        Err(r) if cx.pending_is(exc::AttributeError()) => Err(instead(cx, r, pickling_type(), || {
            Ok(format!("Can't pickle {}: it's not found as {shown_name}.{name}", shown(cx, obj)?))
        })),
        Err(r) => Err(r),
    }
}

fn pickling_type() -> &'static cinder_pyobj::Type {
    use cinder_pyobj::native::PyClass;
    super::PicklingError::class().type_object()
}

impl Pickler {
    /// Writes a class; the types of singletons by `type`.
    pub(super) fn save_type(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        for single in [Obj::none(), Obj::not_implemented(), Obj::ellipsis()] {
            if obj.is(&single.type_of().as_obj()) {
                let parts = [cinder_pyobj::types::type_type().as_obj(), tuple::new(vec![single])];
                return self.save_reduce(cx, &parts, Some(obj));
            }
        }
        self.save_global(cx, obj, None)
    }

    /// Writes the name under which an object is found, given or its own.
    pub(super) fn save_global(&self, cx: &Ctx, obj: &Obj, name: Option<&Obj>) -> PyResult<()> {
        let name = match name {
            Some(n) => n.clone(),
            None => match obj.get_attr_opt(cx, intern!("__qualname__"))?.and_then(Obj::non_none) {
                Some(n) => n,
                None => obj.get_attr(cx, intern!("__name__"))?,
            },
        };
        let text = as_utf8_lossy(&name).into_owned();
        let module = module_of(cx, obj, &text)?;
        if self.proto.get() >= 2 {
            let registry = imported(cx, "copyreg", "_extension_registry")?;
            if let Some(code) = dict::get(cx, &registry, &tuple::pair(module.clone(), name.clone()))? {
                let code = code.to_i64(cx)?;
                match code {
                    1..=0xff => self.put(&[op::EXT1, code as u8]),
                    0x100..=0xffff => self.put(&[op::EXT2, code as u8, (code >> 8) as u8]),
                    0x1_0000..=0x7fff_ffff => {
                        let b = (code as u32).to_le_bytes();
                        self.put(&[op::EXT4, b[0], b[1], b[2], b[3]]);
                    }
                    _ => return Err(cx.runtime_error(format!("extension code {code} is out of range"))),
                }
                return Ok(());
            }
        }
        if self.proto.get() >= 4 {
            self.save(cx, &module, true)?;
            self.save(cx, &name, true)?;
            self.put(&[op::STACK_GLOBAL]);
        } else if let Some((first, rest)) = text.split_once('.') {
            // Older protocols reach nested names by calls of `getattr`.
            let getattr = imported(cx, "builtins", "getattr")?;
            let old = self.proto.get() < 2;
            for _ in rest.split('.') {
                self.save(cx, &getattr, true)?;
                if old {
                    self.put(&[op::MARK]);
                }
            }
            self.save_top_level(cx, &module, &Obj::from(first))?;
            for part in rest.split('.') {
                self.save(cx, &Obj::from(part), true)?;
                self.put(&[if old { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
            }
        } else {
            self.save_top_level(cx, &module, &name)?;
        }
        self.memoize(cx, obj)
    }

    /// Writes a module and a name in it, in Python 2's terms where that is asked for.
    fn save_top_level(&self, cx: &Ctx, module: &Obj, name: &Obj) -> PyResult<()> {
        let (mut module, mut name) = (module.clone(), name.clone());
        if self.fix_imports.get() {
            let names = imported(cx, "_compat_pickle", "REVERSE_NAME_MAPPING")?;
            if let Some(pair) = dict::get(cx, &names, &tuple::pair(module.clone(), name.clone()))? {
                let Some([m, n]) = tuple::items_if_tuple(&pair) else {
                    return Err(cx.runtime_error(format!(
                        "_compat_pickle.REVERSE_NAME_MAPPING values should be 2-tuples, not {}",
                        pair.type_of().name()
                    )));
                };
                (module, name) = (m.clone(), n.clone());
            } else {
                let modules = imported(cx, "_compat_pickle", "REVERSE_IMPORT_MAPPING")?;
                if let Some(m) = dict::get(cx, &modules, &module)? {
                    module = m;
                }
            }
        }
        let proto = self.proto.get();
        let encoded = |o: &Obj, what: &str| -> PyResult<Vec<u8>> {
            if o.downcast::<Str>().is_none() {
                return Err(cx.type_error(format!("expected str, got {}", o.type_of().name())));
            }
            let encoding = if proto >= 3 { "utf-8" } else { "ascii" };
            match codecs::encode(cx, o, encoding, "strict") {
                Ok(b) => Ok(bytes::as_bytes(&b).unwrap_or_default().to_vec()),
                Err(r) if cx.pending_is(exc::UnicodeEncodeError()) => Err(instead(cx, r, pickling_type(), || {
                    Ok(format!("can't pickle {what} identifier {} using pickle protocol {proto}", shown(cx, o)?))
                })),
                Err(r) => Err(r),
            }
        };
        let (m, n) = (encoded(&module, "module")?, encoded(&name, "global")?);
        self.put(&[&[op::GLOBAL], &m[..], b"\n", &n[..], b"\n"].concat());
        Ok(())
    }
}
