//! Namespaces: dicts whose values live in cells that outlive deletion.

use super::table::NoMemory;
use super::{Dict, Form, cell_of, strkey};
use crate::cell::AttrCell;
use crate::ctx::{Ctx, PyResult};
use crate::heap::Header;
use crate::shape::memory::{self, Forget};
use crate::types::str::Name;
use crate::value::{Obj, Value};

fn word_of(cell: Box<AttrCell>) -> Value {
    Value::from_ptr(Box::into_raw(cell) as *const Header)
}

impl Dict {
    /// Turns a compact dict or a view into a namespace. Entry numbers stay, so caches of them must not be
    /// used for namespaces (they are not: `cached_value` refuses).
    pub fn make_namespace(&self) {
        if self.form() == Form::View {
            self.leave_view();
        }
        if self.form.replace(Form::Namespace) == Form::Namespace {
            return;
        }
        let t = self.table_mut();
        for i in 0..t.end() {
            if let Some(e) = t.entry_mut(i)
                && e.key.is_some()
            {
                // SAFETY: the entry owned the value, which moves into the cell.
                e.value = word_of(Box::new(AttrCell::new(unsafe { Obj::from_owned(e.value) })));
            }
        }
    }

    /// Whether values live in cells.
    pub fn is_namespace(&self) -> bool {
        self.form() == Form::Namespace
    }

    /// The cell of a name, made unbound if the name is new; nothing if this is no namespace. The cell lives as
    /// long as the dict. Binding an unbound cell goes through [`Dict::set_name`], which keeps the order of keys.
    pub fn cell(&self, name: Name) -> Option<&AttrCell> {
        if self.form() != Form::Namespace {
            return None;
        }
        let i = match self.index_of_name(name) {
            Some(i) => i,
            None => {
                let word = word_of(Box::new(AttrCell::unbound()));
                let t = self.table_mut();
                match t.insert_new(strkey::hash(name.value()), name.value(), word) {
                    Ok(i) => i,
                    Err(NoMemory) => {
                        // SAFETY: the cell was just made and nobody else has it.
                        drop(unsafe { Box::from_raw(word.bits() as *mut AttrCell) });
                        return None;
                    }
                }
            }
        };
        self.table().entry(i).map(|e| cell_of(e.value))
    }

    /// Says that a cache remembers cells of this namespace, and names the key under which it hears of its end.
    pub fn mark_cached(&self) -> usize {
        self.cached.set(true);
        self as *const Dict as usize
    }

    /// Has caches that remember cells of this namespace forget them.
    pub(crate) fn forget_caches(&self) {
        if self.cached.get() {
            memory::forget(Forget::Namespace(self as *const Dict as usize));
        }
    }

    pub(super) fn bound_cells(&self) -> usize {
        self.table().entries().iter().filter(|e| e.key.is_some() && cell_of(e.value).value() != Value::UNBOUND).count()
    }

    /// Removes an entry. That of an exact str stays, unbound, because its cell may be cached.
    pub(super) fn unbind_at(&self, i: usize) -> Option<(Obj, Obj)> {
        let e = *self.table().entry(i)?;
        let key = e.key?;
        let old = cell_of(e.value).replace(None)?;
        if strkey::is_exact(key) {
            // SAFETY: the entry keeps its key.
            return Some((unsafe { Obj::from_borrowed(key) }, old));
        }
        let (key, word) = self.table_mut().remove(i)?;
        // SAFETY: the table owned the key and the cell; only cells of str keys are ever handed out.
        unsafe {
            drop(Box::from_raw(word.bits() as *mut AttrCell));
            Some((Obj::from_owned(key), old))
        }
    }

    /// Binds a key that is absent or unbound; it becomes the last one. `found` is its unbound entry if known.
    pub(super) fn bind_new(&self, cx: &Ctx, hash: i64, key: Obj, value: Obj, found: Option<usize>) -> PyResult<()> {
        let unbound = found.or_else(|| self.unbound_entry(key.value(), hash));
        let (k, word) = match unbound.and_then(|i| self.table_mut().remove(i)) {
            Some((k, word)) => (k, word),
            None => (key.into_value(), word_of(Box::new(AttrCell::unbound()))),
        };
        match self.table_mut().insert_new(hash, k, word) {
            Ok(_) => {
                drop(cell_of(word).replace(Some(value)));
                Ok(())
            }
            Err(NoMemory) => {
                // The cell may be cached, so it is left to leak instead of being freed.
                // SAFETY: the key's reference is ours.
                unsafe { k.decref() };
                Err(cx.no_memory())
            }
        }
    }

    /// The unbound entry of a str key. Only exact strs have unbound entries.
    fn unbound_entry(&self, key: Value, hash: i64) -> Option<usize> {
        let t = self.table();
        let mut p = t.probe(hash);
        while let Some(i) = t.next_match(&mut p, hash) {
            let e = t.entry(i)?;
            let k = e.key?;
            let same = k == key || (strkey::is_exact(k) && strkey::is_exact(key) && strkey::exact_eq(k, key));
            if same && cell_of(e.value).value() == Value::UNBOUND {
                return Some(i);
            }
        }
        None
    }

    pub(super) fn unbind_all(&self) {
        let mut i = self.table().end();
        while i > 0 {
            i -= 1;
            drop(self.remove_at(i));
        }
    }
}
