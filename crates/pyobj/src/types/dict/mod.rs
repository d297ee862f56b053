//! `dict`: insertion-ordered hash tables in three forms.
//!
//! - *compact*: entries in order with an index ([`table::Table`]); constant-name look-ups may cache entry numbers.
//! - *namespace*: as compact, but each value lives in an [`AttrCell`] of its own that outlives deletion, so
//!   global and builtin accesses cache the cell. A name that was asked for but never bound has an unbound cell.
//! - *view*: the attributes of one instance, read and written through its shape. It becomes compact when the
//!   object dies first or goes to dictionary mode.
//!
//! Probing compares keys, which can run Python code that changes the very same dict: no reference into a
//! table is held across a comparison, and a probe starts anew when the table was rebuilt under it.

mod access;
mod compare;
mod iter;
mod methods;
mod namespace;
pub(crate) mod strkey;
pub(crate) mod table;
mod update;
mod view;
mod views;

use std::cell::{Cell, UnsafeCell};

use crate::native::pyclass;

use crate::cell::AttrCell;
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header, Traverse, Visitor};
use crate::native::{FixedShape, PyClass};
use crate::shape::ShapeId;
use crate::types::str::{Name, Str};
use crate::value::{Obj, Value};

pub(crate) use access::{key_hash, unusable};
pub use iter::{
    DictItemIterator, DictKeyIterator, DictReverseItemIterator, DictReverseKeyIterator, DictReverseValueIterator,
    DictValueIterator,
};
pub use update::{merge, plain_iteration, set_pair, update_from_args};
pub(crate) use view::{detach, owner_of_view};
pub use view::{enter_dict_mode, instance_dict, instance_dict_if_any, set_instance_dict};
pub use views::{DictItems, DictKeys, DictValues};

use table::{NoMemory, Table};

/// How the values are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Form {
    /// In the table.
    Compact,
    /// In cells that the table points at.
    Namespace,
    /// In the slots of `owner`.
    View,
}

/// dict() -> new empty dictionary
/// dict(mapping) -> new dictionary with the pairs of a mapping object
/// dict(iterable) -> new dictionary with the key-value pairs that the iterable gives
/// dict(**kwargs) -> new dictionary with the name=value pairs of the keyword arguments
#[pyclass(name = "dict", fixed = Dict, flags(basetype, mapping, match_self), sig = "")]
pub struct Dict {
    table: UnsafeCell<Table>,
    form: Cell<Form>,
    /// The instance whose attributes a view shows; it is not owned.
    owner: Cell<*const Header>,
    /// Caches remember cells of this namespace.
    cached: Cell<bool>,
}

/// A new empty dict.
pub fn new() -> Obj {
    heap::new_instance(Dict::type_object(), Dict::empty())
}

/// As [`new`], if the heap has a cell at hand.
#[inline(always)]
pub fn quick_new() -> Option<Value> {
    // SAFETY: the cell is fresh and long enough for an exact dict, whose payload follows the header; it is initialised
    // before anybody sees it.
    unsafe {
        let p = heap::quick_container(size_of::<Header>() + size_of::<Dict>())?;
        ((p as *mut u8).add(size_of::<Header>()) as *mut Dict).write(const { Dict::empty() });
        (*p).init(1, ShapeId::fixed(FixedShape::Dict));
        Some(Value::from_ptr(p))
    }
}

/// A dict with these entries, in order. Later pairs replace earlier ones with an equal key.
pub fn from_pairs(cx: &Ctx, pairs: &[(Obj, Obj)]) -> PyResult {
    let d = with_capacity(cx, pairs.len())?;
    if let Some(p) = d.downcast::<Dict>() {
        for (k, v) in pairs {
            p.set(cx, k, v)?;
        }
    }
    Ok(d)
}

/// A dict of these keys and values, in turns, whose references it takes over. Later pairs replace earlier ones.
///
/// # Safety
/// The caller must own the references and give them up.
pub unsafe fn from_owned_words(cx: &Ctx, words: &[Value]) -> PyResult {
    let mut table = Table::new();
    let mut at = 0;
    let room = table.reserve(words.len() / 2).is_ok();
    while room && at < words.len() {
        let (k, v) = (words[at], words[at + 1]);
        if !strkey::is_exact(k) {
            break;
        }
        let hash = strkey::hash(k);
        // SAFETY: the caller's references move into the table; that of an equal key goes.
        unsafe {
            match table.find_str(k, hash).and_then(|i| table.entry_mut(i)) {
                Some(e) => {
                    std::mem::replace(&mut e.value, v).decref();
                    k.decref();
                }
                None => {
                    if table.insert_new(hash, k, v).is_err() {
                        break;
                    }
                }
            }
        }
        at += 2;
    }
    let d = heap::new_instance(Dict::type_object(), Dict::from_table(table));
    // SAFETY: the remaining words are owned handles.
    let rest: Vec<Obj> = words[at..].iter().map(|w| unsafe { Obj::from_owned(*w) }).collect();
    for pair in rest.chunks_exact(2) {
        set(cx, &d, &pair[0], &pair[1])?;
    }
    Ok(d)
}

/// An empty dict with room for `n` entries.
pub fn with_capacity(cx: &Ctx, n: usize) -> PyResult {
    let table = Table::with_capacity(n).map_err(|NoMemory| cx.no_memory())?;
    Ok(heap::new_instance(Dict::type_object(), Dict::from_table(table)))
}

/// An empty dict whose values live in cells: for module and builtin namespaces.
pub fn new_namespace() -> Obj {
    let d = Dict::empty();
    d.form.set(Form::Namespace);
    heap::new_instance(Dict::type_object(), d)
}

/// The payload, if the object is a dict.
#[inline]
pub fn as_dict(o: &Obj) -> Option<&Dict> {
    o.downcast::<Dict>()
}

/// `d[key]` of a dict object without `__missing__`; nothing if there is no such key.
pub fn get(cx: &Ctx, d: &Obj, key: &Obj) -> PyResult<Option<Obj>> {
    expect(cx, d)?.get(cx, key)
}

/// `d[key] = value` of a dict object.
pub fn set(cx: &Ctx, d: &Obj, key: &Obj, value: &Obj) -> PyResult<()> {
    expect(cx, d)?.set(cx, key, value)
}

/// `del d[key]` of a dict object; false if there is no such key.
pub fn remove(cx: &Ctx, d: &Obj, key: &Obj) -> PyResult<bool> {
    Ok(expect(cx, d)?.remove(cx, key)?.is_some())
}

fn expect<'a>(cx: &Ctx, d: &'a Obj) -> PyResult<&'a Dict> {
    as_dict(d).ok_or_else(|| cx.type_error(format!("expected a dict, not '{}'", d.type_of().name())))
}

impl Dict {
    /// An empty compact dict, for classes whose payload begins with one.
    pub const fn empty() -> Dict {
        Dict::from_table(Table::new())
    }

    pub(crate) const fn from_table(table: Table) -> Dict {
        Dict {
            table: UnsafeCell::new(table),
            form: Cell::new(Form::Compact),
            owner: Cell::new(std::ptr::null()),
            cached: Cell::new(false),
        }
    }

    /// The number of entries of a compact dict.
    #[inline(always)]
    pub fn quick_len(&self) -> Option<usize> {
        if self.form.get() == Form::Compact { Some(self.table().live()) } else { None }
    }

    /// Whether the object is exactly a dict.
    #[inline(always)]
    pub fn is_exact(o: &Obj) -> bool {
        o.is_exact(FixedShape::Dict)
    }

    /// The value of a small int, or of a str whose entry has this very object as its key, borrowed; nothing if there is
    /// none or it takes more to find it.
    #[inline(always)]
    pub fn quick_get(&self, key: Value) -> Option<Value> {
        self.quick_at(self.quick_find(key)?, key)
    }

    /// The number of the entry that [`Dict::quick_get`] reads.
    #[inline(always)]
    pub fn quick_find(&self, key: Value) -> Option<usize> {
        if self.form.get() != Form::Compact {
            return None;
        }
        let hash = if key.is_int() {
            // Small ints that are not negative are their own hashes.
            Some(key.as_int_unchecked()).filter(|n| (0..1 << 60).contains(n))?
        } else {
            // SAFETY: the caller's word is alive.
            unsafe { Obj::borrow_from(&key) }.fixed::<Str>(FixedShape::Str)?.known_hash()?
        };
        let t = self.table();
        t.next_match(&mut t.probe(hash), hash)
    }

    /// The value in entry `i` of a compact dict if the entry has this very word as its key, borrowed.
    #[inline(always)]
    pub fn quick_at(&self, i: usize, key: Value) -> Option<Value> {
        if self.form.get() != Form::Compact {
            return None;
        }
        let e = self.table().entry(i)?;
        if e.key == Some(key) { Some(e.value) } else { None }
    }

    /// Where the value of [`Dict::quick_at`] stands, to be replaced.
    #[inline(always)]
    pub fn quick_slot(&self, i: usize, key: Value) -> Option<*mut Value> {
        if self.form.get() != Form::Compact {
            return None;
        }
        let e = self.table_mut().entry_mut(i)?;
        if e.key == Some(key) { Some(&raw mut e.value) } else { None }
    }

    /// The table, for one short access that runs no Python code.
    #[inline(always)]
    pub(crate) fn table(&self) -> &Table {
        // SAFETY: the lock makes dicts single-threaded, and no exclusive reference lives longer than one
        // access without Python code.
        unsafe { &*self.table.get() }
    }

    /// As [`Dict::table`], for changing it.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the lock and short accesses keep references from overlapping")]
    pub(crate) fn table_mut(&self) -> &mut Table {
        // SAFETY: as in `table`.
        unsafe { &mut *self.table.get() }
    }

    #[inline(always)]
    pub(crate) fn form(&self) -> Form {
        self.form.get()
    }

    /// The number of keys.
    #[inline]
    pub fn len(&self) -> usize {
        match self.form.get() {
            Form::Compact => self.table().live(),
            Form::Namespace => self.bound_cells(),
            Form::View => self.view_len(),
        }
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries now, in order.
    pub fn snapshot(&self) -> Vec<(Obj, Obj)> {
        let mut v = Vec::with_capacity(self.len());
        let mut pos = 0;
        while let Some((k, x)) = self.next_entry(&mut pos) {
            v.push((k, x));
        }
        v
    }

    /// All keys now, in order.
    pub fn keys_snapshot(&self) -> Vec<Obj> {
        let mut v = Vec::with_capacity(self.len());
        let mut pos = 0;
        while let Some((k, _)) = self.next_entry(&mut pos) {
            v.push(k);
        }
        v
    }

    /// Walks the entries: start with `pos` 0 and call until nothing is left. Changes of the dict between
    /// calls are safe; what is then visited is as in iterating over Python's dict.
    #[inline]
    pub fn next_entry(&self, pos: &mut usize) -> Option<(Obj, Obj)> {
        while *pos < self.end() {
            let i = *pos;
            *pos += 1;
            if let Some((_, k, v)) = self.entry_at(i) {
                // SAFETY: the dict keeps its entries alive.
                return Some(unsafe { (Obj::from_borrowed(k), Obj::from_borrowed(v)) });
            }
        }
        None
    }

    /// Entries below this number are deleted.
    #[inline]
    pub(crate) fn first(&self) -> usize {
        match self.form.get() {
            Form::Compact => self.table().first(),
            _ => 0,
        }
    }

    /// Entry numbers are below this.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        match self.form.get() {
            Form::View => self.view_end(),
            _ => self.table().end(),
        }
    }

    /// Hash, key and value of an entry, borrowed; nothing for deleted and unbound ones.
    #[inline]
    pub(crate) fn entry_at(&self, i: usize) -> Option<(i64, Value, Value)> {
        if self.form.get() == Form::View {
            return self.view_entry(i);
        }
        let e = self.table().entry(i)?;
        let key = e.key?;
        let value = match self.form.get() {
            Form::Namespace => cell_of(e.value).value(),
            _ => e.value,
        };
        if value == Value::UNBOUND { None } else { Some((e.hash, key, value)) }
    }

    /// Removes everything.
    pub fn clear_all(&self) {
        match self.form.get() {
            Form::Compact => {
                let old = self.table_mut().take_all();
                for e in old {
                    if let Some(k) = e.key {
                        // SAFETY: the table owned both.
                        unsafe {
                            k.decref();
                            e.value.decref();
                        }
                    }
                }
            }
            Form::Namespace => self.unbind_all(),
            Form::View => {
                self.leave_view();
                self.clear_all();
            }
        }
    }

    /// A compact copy with references of its own.
    pub fn copy(&self, cx: &Ctx) -> PyResult {
        if self.form.get() == Form::Compact {
            let t = self.table().duplicate().map_err(|NoMemory| cx.no_memory())?;
            return Ok(heap::new_instance(Dict::type_object(), Dict::from_table(t)));
        }
        let d = with_capacity(cx, self.len())?;
        if let Some(to) = as_dict(&d) {
            let mut pos = 0;
            while pos < self.end() {
                if let Some((hash, k, v)) = self.entry_at(pos) {
                    // SAFETY: the dict keeps its entries alive.
                    let (k, v) = unsafe { (Obj::from_borrowed(k), Obj::from_borrowed(v)) };
                    to.insert_absent(cx, hash, k, v)?;
                }
                pos += 1;
            }
        }
        Ok(d)
    }

    /// Bytes outside the object.
    pub(crate) fn byte_size(&self) -> usize {
        let cells = if self.form.get() == Form::Namespace { self.table().live() * size_of::<AttrCell>() } else { 0 };
        self.table().byte_size() + cells
    }

    /// Reads a name; keys that are not exact strs are passed over.
    #[inline]
    pub fn get_name(&self, name: Name) -> Option<Obj> {
        // SAFETY: the dict keeps the value alive until it is cloned here.
        self.value_of_name(name).map(|v| unsafe { Obj::from_borrowed(v) })
    }
}

/// The cell behind a namespace entry's word.
#[inline(always)]
pub(crate) fn cell_of<'a>(word: Value) -> &'a AttrCell {
    // SAFETY: entries of namespaces hold the address of a boxed cell that lives as long as the dict.
    unsafe { &*(word.bits() as *const AttrCell) }
}

impl Drop for Dict {
    fn drop(&mut self) {
        if self.form.get() == Form::Compact && self.table().is_untouched() {
            return;
        }
        // A namespace dies with its cells; a view owns nothing.
        let namespace = self.form.get() == Form::Namespace;
        self.forget_caches();
        for e in self.table_mut().take_all() {
            let Some(k) = e.key else { continue };
            // SAFETY: the table owned key and value; cells were made by `Box::into_raw`.
            unsafe {
                if namespace {
                    drop(Box::from_raw(e.value.bits() as *mut AttrCell));
                } else {
                    e.value.decref();
                }
                k.decref();
            }
        }
    }
}

impl Traverse for Dict {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        let t = self.table();
        t.traverse_keys(visit);
        for e in t.entries() {
            if e.key.is_some() {
                visit(match self.form.get() {
                    Form::Namespace => cell_of(e.value).value(),
                    _ => e.value,
                });
            }
        }
    }

    fn clear(&self) {
        if self.form.get() != Form::View {
            self.clear_all();
        }
    }
}

/// Whether the object is exactly a dict, so that its entries may be accessed directly.
#[inline(always)]
pub fn items_if_dict_exact(o: &Obj) -> bool {
    Dict::is_exact(o)
}

/// The cell of a name in a namespace dict, made unbound if the name is new; nothing for other objects. It lives
/// as long as the dict.
pub fn cell(d: &Obj, name: Name) -> Option<*const AttrCell> {
    as_dict(d)?.cell(name).map(std::ptr::from_ref)
}

/// The entries of a dict object; nothing for other objects.
pub fn items_if_dict(o: &Obj) -> Option<Vec<(Obj, Obj)>> {
    as_dict(o).map(Dict::snapshot)
}
