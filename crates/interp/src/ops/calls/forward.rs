//! Calls of native objects that hold a callable and pass their calls on to it, such as `functools.partial`.

use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{dict, tuple};
use cinder_pyobj::{Obj, PyResult};
use smallvec::SmallVec;

use super::{Window, arg_count, finish_native, look_again};
use crate::call::Given;
use crate::machine::{Fast, Flow, M};
use crate::ops::attrs::site;
use crate::ops::{fast_op, spread};

fast_op! {
    CallForward |m| fast { Fast::Slow } slow {
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(site(m)) as usize };
        match forward(m, w, &[], 1)? {
            Some(flow) => Ok(flow),
            None => look_again(m),
        }
    }

    CallMethodForward |m| fast { Fast::Slow } slow {
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(site(m)) as usize };
        if m.peek(m.b() + 1) == cinder_pyobj::Value::UNBOUND
            && let Some(flow) = forward(m, w, &[], 1)?
        {
            return Ok(flow);
        }
        look_again(m)
    }
}

/// Calls what the callee passes its calls on to; nothing, with nothing changed, if it does not.
pub(super) fn forward(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Option<Flow>> {
    let callee = w.callee();
    let ty = callee.type_of();
    // A class written in Python may have a `__call__` of its own.
    let Some(forward) = ty.slots.forward.get().filter(|_| !ty.is_heap_type()) else { return Ok(None) };
    let Some(to) = forward(callee) else { return Ok(None) };
    let (pos, values) = w.args().split_at(w.count - names.len());
    let mut all: SmallVec<[Obj; 8]> = tuple::items_if_tuple(&to.args).unwrap_or(&[]).iter().cloned().collect();
    all.extend(pos.iter().cloned());
    let count = all.len();
    let mut keys: SmallVec<[Obj; 8]> = SmallVec::new();
    if let Some(d) = dict::as_dict(&to.keywords) {
        let mut at = 0;
        while let Some((k, v)) = d.next_entry(&mut at) {
            // Keywords of the call replace stored ones in place.
            let own = names.iter().position(|n| n.value() == k.value());
            all.push(own.map_or(v, |i| values[i].clone()));
            keys.push(k);
        }
    }
    let stored = keys.len();
    // Interned names are equal only if they are the same object.
    let interned = |k: &Obj| k.fixed::<Str>(FixedShape::Str).is_some_and(Str::is_interned);
    if stored > 0 && !(keys.iter().all(interned) && names.iter().all(interned)) {
        return Ok(None);
    }
    for (n, v) in names.iter().zip(values) {
        if !keys[..stored].iter().any(|k| k.value() == n.value()) {
            keys.push(n.clone());
            all.push(v.clone());
        }
    }
    let given = Given { head: None, pos: &all[..count], names: &keys, values: &all[count..] };
    if let Some(flow) = spread::enter(m, &to.function, given, size as u8)? {
        w.drop_all();
        return Ok(Some(flow));
    }
    let r = to.function.call(m.cx(), Args::new(&all, &keys));
    finish_native(m, w, r, size).map(Some)
}
