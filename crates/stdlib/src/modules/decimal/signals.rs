//! `SignalDict`: the flags and traps of a context as a mapping.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, Type, dict};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::state;

/// A mapping from signals to whether they are set.
#[pyclass(name = "SignalDictMixin", module = "decimal", flags(basetype))]
pub struct SignalDict {
    /// The context's, as long as that lives.
    bits: Weak<Cell<u32>>,
}

impl Traverse for SignalDict {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl SignalDict {
    /// A view of bits.
    pub(super) fn of(cx: &Ctx, bits: &Rc<Cell<u32>>) -> PyResult {
        match state::get(cx)?.signal_dict.as_type() {
            Some(t) => Ok(new_instance(t, SignalDict { bits: Rc::downgrade(bits) })),
            None => Err(cx.system_error("SignalDict is no class")),
        }
    }
}

impl SignalDict {
    /// The bits, or ValueError if the context is no more.
    fn shared(&self, cx: &Ctx) -> PyResult<Rc<Cell<u32>>> {
        self.bits.upgrade().ok_or_else(|| cx.value_error("invalid signal dict"))
    }
}

/// The bits that a dict of signals stands for.
fn dict_bits(cx: &Ctx, o: &Obj) -> PyResult<u32> {
    let s = state::get(cx)?;
    let invalid = || cx.raise(cinder_pyobj::types::exc::KeyError(), "invalid signal dict");
    let items = dict::items_if_dict(o).unwrap_or_default();
    if items.len() != s.signals.len() {
        return Err(invalid());
    }
    let mut bits = 0;
    for (signal, value) in &items {
        let Some((b, _)) = s.signals.iter().find(|(_, e)| e.is(signal)) else { return Err(invalid()) };
        if value.truthy(cx)? {
            bits |= b;
        }
    }
    Ok(bits)
}

/// The bits that an argument stands for: a mapping of signals, or where `lists` allows it a list of them.
pub(super) fn bits_of_argument(cx: &Ctx, o: &Obj, lists: bool) -> PyResult<u32> {
    if let Some(d) = o.downcast::<SignalDict>() {
        return Ok(d.shared(cx)?.get());
    }
    if dict::as_dict(o).is_some() {
        return dict_bits(cx, o);
    }
    match cinder_pyobj::types::list::as_list(o) {
        Some(l) if lists => {
            let mut bits = 0;
            for signal in l.snapshot() {
                bits |= state::bits_of(cx, &signal)?;
            }
            Ok(bits)
        }
        _ => Err(cx.type_error("argument must be a signal dict")),
    }
}

#[pymethods]
impl SignalDict {
    #[pynew(sig = "()")]
    fn __new__(_cx: &Ctx, ty: &Type) -> Obj {
        new_instance(ty, SignalDict { bits: Weak::new() })
    }

    fn __len__(cx: &Ctx, this: This<'_, SignalDict>) -> PyResult<usize> {
        this.shared(cx)?;
        Ok(state::get(cx)?.signals.len())
    }

    fn __iter__(cx: &Ctx, this: This<'_, SignalDict>) -> PyResult {
        this.shared(cx)?;
        state::signals_in(cx, u32::MAX)?.iter(cx)
    }

    fn __getitem__(cx: &Ctx, this: This<'_, SignalDict>, key: &Obj) -> PyResult<bool> {
        Ok(this.shared(cx)?.get() & state::bits_of(cx, key)? != 0)
    }

    fn __setitem__(cx: &Ctx, this: This<'_, SignalDict>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let Some(value) = value else { return Err(cx.value_error("signal keys cannot be deleted")) };
        let bits = state::bits_of(cx, key)?;
        let set = value.truthy(cx)?;
        let shared = this.shared(cx)?;
        shared.set(if set { shared.get() | bits } else { shared.get() & !bits });
        Ok(())
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, SignalDict>, other: &Obj, op: CmpOp) -> PyResult {
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        let own = this.shared(cx)?.get();
        let same = if let Some(d) = other.downcast::<SignalDict>() {
            d.shared(cx)?.get() == own
        } else if dict::as_dict(other).is_some() {
            match dict_bits(cx, other) {
                Ok(bits) => {
                    // Several bits may stand for one signal.
                    let shown = |bits: u32| -> PyResult<Vec<bool>> {
                        Ok(state::get(cx)?.signals.iter().map(|(b, _)| b & bits != 0).collect())
                    };
                    shown(bits)? == shown(own)?
                }
                Err(r) => {
                    cx.swallow(r, cinder_pyobj::types::exc::KeyError())?;
                    return Ok(Obj::not_implemented());
                }
            }
        } else {
            return Ok(Obj::not_implemented());
        };
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    fn __repr__(cx: &Ctx, this: This<'_, SignalDict>) -> PyResult<String> {
        let own = this.shared(cx)?.get();
        let mut parts = Vec::new();
        for (bits, e) in &state::get(cx)?.signals {
            let set = if own & bits != 0 { "True" } else { "False" };
            parts.push(format!("{}:{set}", as_utf8_lossy(&e.repr(cx)?)));
        }
        Ok(format!("{{{}}}", parts.join(", ")))
    }

    /// A dict with the same content.
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, SignalDict>) -> PyResult {
        let own = this.shared(cx)?.get();
        let pairs: Vec<(Obj, Obj)> =
            state::get(cx)?.signals.iter().map(|(bits, e)| (e.clone(), Obj::from_bool(own & bits != 0))).collect();
        dict::from_pairs(cx, &pairs)
    }
}
