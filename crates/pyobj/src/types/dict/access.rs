//! Looking up, storing and removing keys.

use super::table::NoMemory;
use super::{Dict, Form, cell_of, strkey};
use crate::ctx::{Ctx, PyResult, Raised};
use crate::types::str::Name;
use crate::types::{CmpOp, exc};
use crate::value::{Obj, Value};

impl Dict {
    /// The entry of a key.
    pub(crate) fn find(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<usize>> {
        let word = key.value();
        let is_str = strkey::is_exact(word);
        'restart: loop {
            if self.form() == Form::View {
                if is_str {
                    return Ok(Name::lookup_obj(key).and_then(|n| self.view_find(n)));
                }
                self.leave_view();
            }
            if is_str && self.table().all_str() {
                return Ok(self.table().find_str(word, hash));
            }
            let generation = self.table().generation();
            let mut probe = self.table().probe(hash);
            loop {
                let t = self.table();
                let Some(i) = t.next_match(&mut probe, hash) else { return Ok(None) };
                let Some(k) = t.entry(i).and_then(|e| e.key) else { continue };
                if k == word {
                    return Ok(Some(i));
                }
                if k.is_int() && word.is_int() {
                    continue;
                }
                if is_str && strkey::is_exact(k) {
                    if strkey::exact_eq(k, word) {
                        return Ok(Some(i));
                    }
                    continue;
                }
                // SAFETY: the table keeps the key alive until it is cloned.
                let other = unsafe { Obj::from_borrowed(k) };
                let equal = other.rich_cmp_bool(cx, key, CmpOp::Eq)?;
                // The comparison may have done anything to this dict.
                let t = self.table();
                if self.form() == Form::View
                    || t.generation() != generation
                    || t.entry(i).and_then(|e| e.key) != Some(k)
                {
                    continue 'restart;
                }
                if equal {
                    return Ok(Some(i));
                }
            }
        }
    }

    /// `d[key]` without `__missing__`.
    #[inline]
    pub fn get(&self, cx: &Ctx, key: &Obj) -> PyResult<Option<Obj>> {
        let hash = key_hash(cx, key)?;
        self.get_hashed(cx, key, hash)
    }

    /// As [`Dict::get`] with the key's hash.
    pub fn get_hashed(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        let Some(i) = self.find(cx, key, hash)? else { return Ok(None) };
        // SAFETY: nothing ran since the entry was found, and the dict keeps its value alive.
        Ok(self.entry_at(i).map(|(_, _, v)| unsafe { Obj::from_borrowed(v) }))
    }

    /// `key in d`.
    pub fn has(&self, cx: &Ctx, key: &Obj) -> PyResult<bool> {
        let hash = key_hash(cx, key)?;
        let i = self.find(cx, key, hash)?;
        Ok(i.is_some_and(|i| self.entry_at(i).is_some()))
    }

    /// `d[key] = value`.
    #[inline]
    pub fn set(&self, cx: &Ctx, key: &Obj, value: &Obj) -> PyResult<()> {
        let hash = key_hash(cx, key)?;
        self.set_hashed(cx, key, hash, value)
    }

    /// As [`Dict::set`] with the key's hash.
    pub fn set_hashed(&self, cx: &Ctx, key: &Obj, hash: i64, value: &Obj) -> PyResult<()> {
        match self.find(cx, key, hash)? {
            Some(i) if self.entry_at(i).is_some() => {
                drop(self.replace_at(i, value.clone()));
                Ok(())
            }
            Some(i) => self.bind_new(cx, hash, key.clone(), value.clone(), Some(i)),
            None => self.insert_absent(cx, hash, key.clone(), value.clone()),
        }
    }

    /// Stores a value in a bound entry; the old one is handed back.
    pub(crate) fn replace_at(&self, i: usize, value: Obj) -> Option<Obj> {
        match self.form() {
            Form::View => self.view_replace(i, value),
            Form::Namespace => {
                let word = self.table().entry(i)?.value;
                cell_of(word).replace(Some(value))
            }
            Form::Compact => {
                let e = self.table_mut().entry_mut(i)?;
                let old = std::mem::replace(&mut e.value, value.into_value());
                // SAFETY: the table owned the old value.
                Some(unsafe { Obj::from_owned(old) })
            }
        }
    }

    /// Adds a key that is known to be absent (or unbound). Runs no Python code before the dict is consistent.
    pub(crate) fn insert_absent(&self, cx: &Ctx, hash: i64, key: Obj, value: Obj) -> PyResult<()> {
        let value = match self.form() {
            Form::View => match self.view_insert(&key, value) {
                Ok(()) => return Ok(()),
                Err(value) => value,
            },
            _ => value,
        };
        if self.form() == Form::Namespace {
            return self.bind_new(cx, hash, key, value, None);
        }
        let (k, v) = (key.value(), value.value());
        match self.table_mut().insert_new(hash, k, v) {
            Ok(_) => {
                // The table took both references over.
                key.into_value();
                value.into_value();
                Ok(())
            }
            Err(NoMemory) => Err(cx.no_memory()),
        }
    }

    /// Removes a key; its value is handed back.
    pub fn remove(&self, cx: &Ctx, key: &Obj) -> PyResult<Option<Obj>> {
        let hash = key_hash(cx, key)?;
        self.remove_hashed(cx, key, hash)
    }

    /// As [`Dict::remove`] with the key's hash.
    pub fn remove_hashed(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        let Some(i) = self.find(cx, key, hash)? else { return Ok(None) };
        Ok(self.remove_at(i).map(|(_, v)| v))
    }

    /// Removes a key of a dict object; false if there is none.
    pub fn del(&self, cx: &Ctx, key: &Obj) -> PyResult<bool> {
        Ok(self.remove(cx, key)?.is_some())
    }

    /// Removes entry `i`; key and value are handed back so that they end after the update.
    pub(crate) fn remove_at(&self, i: usize) -> Option<(Obj, Obj)> {
        match self.form() {
            Form::View => self.view_remove(i),
            Form::Namespace => self.unbind_at(i),
            Form::Compact => {
                let (k, v) = self.table_mut().remove(i)?;
                // SAFETY: the table owned both.
                Some(unsafe { (Obj::from_owned(k), Obj::from_owned(v)) })
            }
        }
    }

    /// Removes and returns the last entry.
    pub(crate) fn pop_last(&self) -> Option<(Obj, Obj)> {
        let mut i = self.end();
        while i > 0 {
            i -= 1;
            if self.entry_at(i).is_some() {
                let removed = self.remove_at(i);
                if self.form() == Form::Compact {
                    self.table_mut().trim();
                }
                return removed;
            }
        }
        None
    }

    /// The value of a name, borrowed from the dict.
    #[inline]
    pub fn value_of_name(&self, name: Name) -> Option<Value> {
        if self.form() == Form::View {
            let i = self.view_find(name)?;
            return self.view_entry(i).map(|(_, _, v)| v);
        }
        let i = self.index_of_name(name)?;
        self.entry_at(i).map(|(_, _, v)| v)
    }

    /// The entry number of a name in a compact dict or namespace, for inline caches.
    #[inline]
    pub fn index_of_name(&self, name: Name) -> Option<usize> {
        if self.form() == Form::View {
            return None;
        }
        let t = self.table();
        let hash = strkey::hash(name.value());
        if t.all_str() { t.find_str(name.value(), hash) } else { t.find_str_among(name.value(), hash) }
    }

    /// The value in entry `i` of a compact dict if the entry still is that of `name`, borrowed.
    #[inline(always)]
    pub fn cached_value(&self, i: usize, name: Name) -> Option<Value> {
        if self.form() != Form::Compact {
            return None;
        }
        match self.table().entry(i) {
            Some(e) if e.key == Some(name.value()) => Some(e.value),
            _ => None,
        }
    }

    /// Replaces the value in entry `i` of a compact dict if the entry still is that of `name`; otherwise the
    /// value is handed back as an error.
    #[inline(always)]
    pub fn cached_store(&self, i: usize, name: Name, value: Obj) -> Result<Obj, Obj> {
        if self.form() != Form::Compact {
            return Err(value);
        }
        match self.table_mut().entry_mut(i) {
            Some(e) if e.key == Some(name.value()) => {
                let old = std::mem::replace(&mut e.value, value.into_value());
                // SAFETY: the table owned the old value.
                Ok(unsafe { Obj::from_owned(old) })
            }
            _ => Err(value),
        }
    }

    /// `d[name] = value`. A failure to get memory drops the value.
    pub fn set_name(&self, name: Name, value: Obj) {
        let hash = strkey::hash(name.value());
        let found = match self.form() {
            Form::View => self.view_find(name),
            _ => self.index_of_name(name),
        };
        let old = match found {
            Some(i) if self.entry_at(i).is_some() => self.replace_at(i, value),
            _ => {
                // Only memory can run out here, and then there is nobody to tell.
                if let Err(r) = self.insert_absent(Ctx::current(), hash, name.obj(), value) {
                    drop(Ctx::current().take(r));
                }
                None
            }
        };
        drop(old);
    }

    /// Removes a name.
    pub fn remove_name(&self, name: Name) -> Option<Obj> {
        let i = match self.form() {
            Form::View => self.view_find(name),
            _ => self.index_of_name(name),
        }?;
        self.remove_at(i).map(|(_, v)| v)
    }

    /// The value of `key`, or `default` after storing it there.
    pub fn get_or_insert(&self, cx: &Ctx, key: &Obj, default: &Obj) -> PyResult {
        let hash = key_hash(cx, key)?;
        if let Some(i) = self.find(cx, key, hash)?
            && let Some((_, _, v)) = self.entry_at(i)
        {
            // SAFETY: nothing ran since the entry was found.
            return Ok(unsafe { Obj::from_borrowed(v) });
        }
        self.insert_absent(cx, hash, key.clone(), default.clone())?;
        Ok(default.clone())
    }
}

/// The hash of a dict key; exact strs have it cached. Unhashable keys say what they are needed for.
#[inline]
pub(crate) fn key_hash(cx: &Ctx, key: &Obj) -> PyResult<i64> {
    if strkey::is_exact(key.value()) {
        return Ok(strkey::hash(key.value()));
    }
    key.hash(cx).map_err(|r| unusable(cx, r, key, "a dict key"))
}

/// Turns the TypeError of an unhashable key into one that says what it was to be used as.
#[cold]
pub(crate) fn unusable(cx: &Ctx, r: Raised, key: &Obj, what: &str) -> Raised {
    let e = cx.take(r);
    if !e.type_of().is(exc::TypeError()) {
        return cx.set_pending(e);
    }
    match e.str(cx) {
        Ok(text) => {
            let text = crate::types::str::as_utf8_lossy(&text).into_owned();
            cx.type_error(format!("cannot use '{}' as {what} ({text})", key.type_of().name()))
        }
        Err(r) => r,
    }
}
