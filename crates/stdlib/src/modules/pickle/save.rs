//! Writing objects: the built-in types, and which way others are written.

use cinder_pyobj::codecs;
use cinder_pyobj::native::{FixedShape, PyClass};
use cinder_pyobj::types::bytes::{self, args::BytesLike};
use cinder_pyobj::types::int;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{dict, exc, list, set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::buffer::PickleBuffer;
use super::pickler::{FRAME_TARGET, Pickler};
use super::{full_name, imported, op, pickling_error, shown};

/// Adds a note to the pending exception.
#[cold]
pub(super) fn note(cx: &Ctx, r: Raised, text: impl FnOnce() -> PyResult<String>) -> Raised {
    let e = cx.take(r);
    let noted = text().and_then(|t| e.call_method(cx, intern!("add_note"), &[Obj::from(t.as_str())]));
    match noted {
        Ok(_) => cx.set_pending(e),
        Err(r) => r,
    }
}

/// The note about a part of a container.
pub(super) fn item_note(cx: &Ctx, r: Raised, container: &Obj, which: impl std::fmt::Display) -> Raised {
    note(cx, r, || Ok(format!("when serializing {} {which}", full_name(cx, container.type_of())?)))
}

/// An int in the fewest bytes of two's complement, lowest first.
pub(super) fn two_complement(o: &Obj) -> Vec<u8> {
    if let Some(n) = int::as_i64(o) {
        if n == 0 {
            return Vec::new();
        }
        let b = n.to_le_bytes();
        let mut len = 8;
        while len > 1 {
            let (top, next) = (b[len - 1], b[len - 2]);
            if (top == 0 && next & 0x80 == 0) || (top == 0xff && next & 0x80 != 0) {
                len -= 1;
            } else {
                break;
            }
        }
        return b[..len].to_vec();
    }
    int::to_bigint(o).map(|b| b.to_signed_bytes_le()).unwrap_or_default()
}

impl Pickler {
    /// Writes an object.
    pub(super) fn save(&self, cx: &Ctx, obj: &Obj, persistent: bool) -> PyResult<()> {
        self.boundary(cx)?;
        if persistent && let Some(f) = self.persistent_id.get() {
            let id = f.call1(cx, obj)?;
            if !id.is_none() {
                return self.save_persistent(cx, &id);
            }
        }
        if obj.is_none() {
            self.put(&[op::NONE]);
            return Ok(());
        }
        if obj.is_exact(FixedShape::Bool) {
            let yes = obj.truthy(cx)?;
            match (self.proto.get() >= 2, yes) {
                (true, true) => self.put(&[op::NEWTRUE]),
                (true, false) => self.put(&[op::NEWFALSE]),
                (false, true) => self.put(b"I01\n"),
                (false, false) => self.put(b"I00\n"),
            }
            return Ok(());
        }
        if int::is_exact_int(obj) {
            return self.save_int(cx, obj);
        }
        if let Some(f) = obj.as_f64_exact() {
            if self.bin() {
                let mut b = [op::BINFLOAT; 9];
                b[1..].copy_from_slice(&f.to_be_bytes());
                self.put(&b);
            } else {
                self.put(format!("F{}\n", shown(cx, obj)?).as_bytes());
            }
            return Ok(());
        }
        if let Some(n) = self.memo_get(obj) {
            self.put_get(n);
            return Ok(());
        }
        if obj.is_exact(FixedShape::Str) {
            return self.save_str(cx, obj);
        }
        if obj.is_exact(FixedShape::Bytes) {
            return self.save_bytes(cx, obj);
        }
        cx.check_stack(" while pickling an object")?;
        if obj.is_exact(FixedShape::Dict) {
            return self.cyclic(cx, obj, |p| p.save_dict(cx, obj));
        }
        if obj.is_exact(FixedShape::List) {
            return self.cyclic(cx, obj, |p| p.save_list(cx, obj));
        }
        if obj.is_exact(FixedShape::Tuple) {
            return self.save_tuple(cx, obj);
        }
        if obj.is_exact(FixedShape::Set) {
            return self.save_set(cx, obj);
        }
        if obj.is_exact(FixedShape::FrozenSet) {
            return self.save_frozenset(cx, obj);
        }
        if obj.is_exact(FixedShape::ByteArray) {
            return self.save_bytearray(cx, obj);
        }
        if std::ptr::eq(obj.type_of(), PickleBuffer::class().type_object()) {
            return self.save_buffer(cx, obj);
        }
        self.save_other(cx, obj)
    }

    /// In fast mode nothing is remembered, so a container within itself must be noticed.
    fn cyclic(&self, cx: &Ctx, obj: &Obj, f: impl FnOnce(&Pickler) -> PyResult<()>) -> PyResult<()> {
        if self.fast.get() == 0 {
            return f(self);
        }
        let seen = self.fast_stack.borrow().contains(&obj.id());
        if seen {
            return Err(cx.value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {} at {:#x}",
                obj.type_of().name(),
                obj.id()
            )));
        }
        self.fast_stack.borrow_mut().push(obj.id());
        let r = f(self);
        self.fast_stack.borrow_mut().pop();
        r
    }

    /// An object that is written by its reduce function, as a global or as a class.
    fn save_other(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let ty = obj.type_of();
        if let Some(f) = self.reducer_override.get() {
            let rv = f.call1(cx, obj)?;
            if !rv.is_not_implemented() {
                return self.save_reduced(cx, obj, &rv);
            }
        }
        if obj.is_exact(FixedShape::Type) {
            return self.save_type(cx, obj);
        }
        if obj.is_exact(FixedShape::Function) {
            return self.save_global(cx, obj, None);
        }
        let key = ty.as_obj();
        let found = match self.dispatch_table.get() {
            None => dict::get(cx, &imported(cx, "copyreg", "dispatch_table")?, &key)?,
            Some(t) => match t.get_item(cx, &key) {
                Ok(f) => Some(f),
                Err(r) => {
                    cx.swallow(r, exc::LookupError())?;
                    None
                }
            },
        };
        let rv = match found {
            Some(f) => f.call1(cx, obj)?,
            None if ty.is_subtype(cinder_pyobj::types::type_type()) => return self.save_global(cx, obj, None),
            None => {
                if let Some(f) = obj.get_attr_opt(cx, intern!("__reduce_ex__"))? {
                    f.call1(cx, &Obj::from(i64::from(self.proto.get())))?
                } else if let Some(f) = obj.get_attr_opt(cx, intern!("__reduce__"))? {
                    f.call0(cx)?
                } else {
                    return Err(pickling_error(cx, format!("Can't pickle {} object", full_name(cx, ty)?)));
                }
            }
        };
        self.save_reduced(cx, obj, &rv)
    }

    /// What a reduce function gave.
    fn save_reduced(&self, cx: &Ctx, obj: &Obj, rv: &Obj) -> PyResult<()> {
        if rv.type_of().is_str_subtype() {
            return self.save_global(cx, obj, Some(rv));
        }
        let r = match tuple::items_if_tuple(rv) {
            Some(items) => self.save_reduce(cx, items, Some(obj)),
            None => Err(pickling_error(
                cx,
                format!("__reduce__ must return a string or tuple, not {}", full_name(cx, rv.type_of())?),
            )),
        };
        r.map_err(|r| item_note(cx, r, obj, "object"))
    }

    fn save_persistent(&self, cx: &Ctx, id: &Obj) -> PyResult<()> {
        if self.bin() {
            self.save(cx, id, false)?;
            self.put(&[op::BINPERSID]);
            return Ok(());
        }
        let text = id.str(cx)?;
        match text.downcast::<Str>() {
            Some(s) if s.is_ascii() => {
                self.put(format!("P{}\n", s.as_str_lossy()).as_bytes());
                Ok(())
            }
            _ => Err(pickling_error(cx, "persistent IDs in protocol 0 must be ASCII strings")),
        }
    }

    fn save_int(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let small = int::as_i64(obj).and_then(|n| i32::try_from(n).ok());
        match small {
            Some(n) if self.bin() => {
                match n {
                    0..=0xff => self.put(&[op::BININT1, n as u8]),
                    0x100..=0xffff => self.put(&[op::BININT2, n as u8, (n >> 8) as u8]),
                    _ => {
                        let b = n.to_le_bytes();
                        self.put(&[op::BININT, b[0], b[1], b[2], b[3]]);
                    }
                }
                return Ok(());
            }
            Some(n) => {
                self.put(format!("I{n}\n").as_bytes());
                return Ok(());
            }
            None => {}
        }
        if self.proto.get() < 2 {
            self.put(format!("L{}L\n", shown(cx, obj)?).as_bytes());
            return Ok(());
        }
        let b = two_complement(obj);
        if b.len() < 256 {
            self.put(&[&[op::LONG1, b.len() as u8], &b[..]].concat());
            return Ok(());
        }
        let Ok(n) = i32::try_from(b.len()) else { return Err(cx.overflow_error("int too large to pickle")) };
        self.put(&[&[op::LONG4], &n.to_le_bytes()[..], &b[..]].concat());
        Ok(())
    }

    fn save_str(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let Some(s) = obj.downcast::<Str>() else { return Ok(()) };
        if !self.bin() {
            let mut b = vec![op::UNICODE];
            for c in s.code_points() {
                match c {
                    0x5c | 0 | 0x0a | 0x0d | 0x1a | 0x100..=0xffff => b.extend(format!("\\u{c:04x}").bytes()),
                    0..=0xff => b.push(c as u8),
                    _ => b.extend(format!("\\U{c:08x}").bytes()),
                }
            }
            b.push(b'\n');
            self.put(&b);
            return self.memoize(cx, obj);
        }
        match s.as_str() {
            Some(t) => self.put_text(cx, t.as_bytes(), None)?,
            None => {
                let e = codecs::encode(cx, obj, "utf-8", "surrogatepass")?;
                self.put_text(cx, bytes::as_bytes(&e).unwrap_or_default(), Some(&e))?;
            }
        }
        self.memoize(cx, obj)
    }

    fn put_text(&self, cx: &Ctx, b: &[u8], object: Option<&Obj>) -> PyResult<()> {
        let n = b.len();
        if n <= 0xff && self.proto.get() >= 4 {
            self.put(&[op::SHORT_BINUNICODE, n as u8]);
            self.put(b);
            Ok(())
        } else if let Ok(n) = u32::try_from(n) {
            self.put_large(cx, &[&[op::BINUNICODE], &n.to_le_bytes()[..]].concat(), b, object)
        } else if self.proto.get() >= 4 {
            self.put_large(cx, &[&[op::BINUNICODE8], &(n as u64).to_le_bytes()[..]].concat(), b, object)
        } else {
            Err(cx.overflow_error("serializing a string larger than 4 GiB requires pickle protocol 4 or higher"))
        }
    }

    /// Bytes without a number.
    fn put_bytes(&self, cx: &Ctx, b: &[u8], object: Option<&Obj>) -> PyResult<()> {
        let n = b.len();
        if n <= 0xff {
            self.put(&[op::SHORT_BINBYTES, n as u8]);
            self.put(b);
            Ok(())
        } else if let Ok(n) = u32::try_from(n) {
            self.put_large(cx, &[&[op::BINBYTES], &n.to_le_bytes()[..]].concat(), b, object)
        } else if self.proto.get() >= 4 {
            self.put_large(cx, &[&[op::BINBYTES8], &(n as u64).to_le_bytes()[..]].concat(), b, object)
        } else {
            Err(cx.overflow_error("serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher"))
        }
    }

    fn put_bytearray(&self, cx: &Ctx, b: &[u8], object: Option<&Obj>) -> PyResult<()> {
        self.put_large(cx, &[&[op::BYTEARRAY8], &(b.len() as u64).to_le_bytes()[..]].concat(), b, object)
    }

    fn save_bytes(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let b = bytes::as_bytes(obj).unwrap_or_default();
        if self.proto.get() < 3 {
            let parts = if b.is_empty() {
                [obj.type_of().as_obj(), tuple::empty()]
            } else {
                let text = cinder_pyobj::types::str::from_latin1(b);
                [imported(cx, "codecs", "encode")?, tuple::pair(text, Obj::from("latin1"))]
            };
            return self.save_reduce(cx, &parts, Some(obj));
        }
        self.put_bytes(cx, b, Some(obj))?;
        self.memoize(cx, obj)
    }

    fn save_bytearray(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let b = BytesLike::new(cx, obj)?.to_vec();
        if self.proto.get() < 5 {
            let args = if b.is_empty() { tuple::empty() } else { tuple::new(vec![bytes::new(&b)]) };
            return self.save_reduce(cx, &[obj.type_of().as_obj(), args], Some(obj));
        }
        self.put_bytearray(cx, &b, Some(obj).filter(|_| b.len() >= FRAME_TARGET))?;
        self.memoize(cx, obj)
    }

    fn save_buffer(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        use cinder_pyobj::protocol::buffer::Contiguity;
        if self.proto.get() < 5 {
            return Err(pickling_error(cx, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let Some(b) = obj.downcast::<PickleBuffer>() else { return Ok(()) };
        let memory = b.memory(cx)?;
        if !memory.geometry().is_contiguous(Contiguity::Any) {
            return Err(pickling_error(cx, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer"));
        }
        let in_band = match self.buffer_callback.get() {
            Some(f) => f.call1(cx, obj)?.truthy(cx)?,
            None => true,
        };
        if in_band {
            let data = memory.to_vec();
            if memory.readonly() {
                self.put_bytes(cx, &data, None)?;
            } else {
                self.put_bytearray(cx, &data, None)?;
            }
            return self.memoize(cx, obj);
        }
        self.put(&[op::NEXT_BUFFER]);
        if memory.readonly() {
            self.put(&[op::READONLY_BUFFER]);
        }
        Ok(())
    }

    fn save_tuple(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let items = tuple::items_if_tuple(obj).unwrap_or_default();
        let n = items.len();
        if n == 0 {
            if self.bin() {
                self.put(&[op::EMPTY_TUPLE]);
            } else {
                self.put(&[op::MARK, op::TUPLE]);
            }
            return Ok(());
        }
        let short = n <= 3 && self.proto.get() >= 2;
        if !short {
            self.put(&[op::MARK]);
        }
        for (i, x) in items.iter().enumerate() {
            self.save(cx, x, true).map_err(|r| item_note(cx, r, obj, format_args!("item {i}")))?;
        }
        if let Some(at) = self.memo_get(obj) {
            // Writing the items wrote the tuple itself: take them away and refer to it.
            if short {
                self.put(&[op::POP; 3][..n]);
            } else if self.bin() {
                self.put(&[op::POP_MARK]);
            } else {
                self.put(&vec![op::POP; n + 1]);
            }
            self.put_get(at);
            return Ok(());
        }
        self.put(&[if short { [op::TUPLE1, op::TUPLE2, op::TUPLE3][n - 1] } else { op::TUPLE }]);
        self.memoize(cx, obj)
    }

    fn save_list(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        if self.bin() {
            self.put(&[op::EMPTY_LIST]);
        } else {
            self.put(&[op::MARK, op::LIST]);
        }
        self.memoize(cx, obj)?;
        let Some(l) = list::as_list(obj) else { return Ok(()) };
        let mut i = 0;
        let save =
            |i: usize, x: &Obj| self.save(cx, x, true).map_err(|r| item_note(cx, r, obj, format_args!("item {i}")));
        if !self.bin() || l.len() == 1 {
            while let Some(x) = l.get(i) {
                save(i, &x)?;
                self.put(&[op::APPEND]);
                i += 1;
            }
            return Ok(());
        }
        while i < l.len() {
            self.put(&[op::MARK]);
            let end = i + op::BATCH;
            while i < end
                && let Some(x) = l.get(i)
            {
                save(i, &x)?;
                i += 1;
            }
            self.put(&[op::APPENDS]);
        }
        Ok(())
    }

    fn save_dict(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        if self.bin() {
            self.put(&[op::EMPTY_DICT]);
        } else {
            self.put(&[op::MARK, op::DICT]);
        }
        self.memoize(cx, obj)?;
        let Some(d) = dict::as_dict(obj) else { return Ok(()) };
        let n = d.len();
        let pair = |k: &Obj, v: &Obj| -> PyResult<()> {
            self.save(cx, k, true)?;
            self.save(cx, v, true).map_err(|r| {
                note(cx, r, || Ok(format!("when serializing {} item {}", full_name(cx, obj.type_of())?, shown(cx, k)?)))
            })
        };
        let single = !self.bin() || n == 1;
        let (mut pos, mut in_batch) = (0, 0);
        while let Some((k, v)) = d.next_entry(&mut pos) {
            if single {
                pair(&k, &v)?;
                self.put(&[op::SETITEM]);
            } else {
                if in_batch == 0 {
                    self.put(&[op::MARK]);
                }
                pair(&k, &v)?;
                in_batch += 1;
                if in_batch == op::BATCH {
                    self.put(&[op::SETITEMS]);
                    in_batch = 0;
                }
            }
            if d.len() != n {
                return Err(cx.runtime_error("dictionary changed size during iteration"));
            }
        }
        if in_batch > 0 {
            self.put(&[op::SETITEMS]);
        }
        Ok(())
    }

    fn save_set(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let Some(s) = set::as_set(obj) else { return Ok(()) };
        if self.proto.get() < 4 {
            let args = tuple::new(vec![list::new(s.snapshot())]);
            return self.save_reduce(cx, &[obj.type_of().as_obj(), args], Some(obj));
        }
        self.put(&[op::EMPTY_SET]);
        self.memoize(cx, obj)?;
        let n = s.len();
        let (mut pos, mut in_batch) = (0, 0);
        while let Some((_, x)) = s.next_element(&mut pos) {
            if in_batch == 0 {
                self.put(&[op::MARK]);
            }
            self.save(cx, &x, true).map_err(|r| item_note(cx, r, obj, "element"))?;
            in_batch += 1;
            if in_batch == op::BATCH {
                self.put(&[op::ADDITEMS]);
                in_batch = 0;
            }
            if s.len() != n {
                return Err(cx.runtime_error("set changed size during iteration"));
            }
        }
        if in_batch > 0 {
            self.put(&[op::ADDITEMS]);
        }
        Ok(())
    }

    fn save_frozenset(&self, cx: &Ctx, obj: &Obj) -> PyResult<()> {
        let items = obj.collect(cx)?;
        if self.proto.get() < 4 {
            let args = tuple::new(vec![list::new(items)]);
            return self.save_reduce(cx, &[obj.type_of().as_obj(), args], Some(obj));
        }
        self.put(&[op::MARK]);
        for x in &items {
            self.save(cx, x, true).map_err(|r| item_note(cx, r, obj, "element"))?;
        }
        if let Some(at) = self.memo_get(obj) {
            self.put(&[op::POP_MARK]);
            self.put_get(at);
            return Ok(());
        }
        self.put(&[op::FROZENSET]);
        self.memoize(cx, obj)
    }
}
