//! The methods and slots of `array`.

use cinder_pyobj::native::{Args, PyClass, This, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::protocol::unpack_index;
use cinder_pyobj::types::bytes::{self, BytesLike, is_bytes_like};
use cinder_pyobj::types::slice::{Slice, adjust};
use cinder_pyobj::types::str::{Str, from_code_points};
use cinder_pyobj::types::{CmpOp, Type, exc, generic_alias, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::code::Code;
use super::iter::ArrayIterator;
use super::{Array, make, pickle};

pub(super) fn to_list(cx: &Ctx, this: This<'_, Array>) -> PyResult {
    let mut v = Vec::with_capacity(this.len());
    while let Some(x) = this.get(cx, v.len())? {
        v.push(x);
    }
    Ok(list::new(v))
}

#[cold]
fn bad_code(cx: &Ctx) -> Raised {
    cx.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)")
}

/// An index or slice resolved against the length.
enum Place {
    At(usize),
    /// First position, step and number of positions.
    Slice(isize, isize, usize),
}

fn place(cx: &Ctx, this: &Array, key: &Obj, message: &str) -> PyResult<Place> {
    if let Some(s) = key.downcast::<Slice>() {
        let (start, stop, step) = s.unpack(cx)?;
        let (start, _, n) = adjust(this.len(), start, stop, step);
        return Ok(Place::Slice(start, step, n));
    }
    if key.type_of().slots.index.get().is_none() {
        return Err(cx.type_error("array indices must be integers"));
    }
    match unpack_index(key.to_index(cx)?, this.len()) {
        Some(i) => Ok(Place::At(i)),
        None => Err(cx.index_error(message)),
    }
}

fn extend(cx: &Ctx, this: This<'_, Array>, iterable: &Obj) -> PyResult<()> {
    if let Some(other) = iterable.downcast::<Array>() {
        if other.code != this.code {
            return Err(cx.type_error("can only extend with array of same kind"));
        }
        let more = other.store.to_vec();
        return this.append_bytes(cx, &more);
    }
    let it = iterable.iter(cx)?;
    while let Some(x) = it.next(cx)? {
        this.push(cx, &x)?;
    }
    Ok(())
}

fn append_raw(cx: &Ctx, this: &Array, raw: &[u8]) -> PyResult<()> {
    if !raw.len().is_multiple_of(this.code.size()) {
        return Err(cx.value_error("bytes length not a multiple of item size"));
    }
    this.append_bytes(cx, raw)
}

fn append_text(cx: &Ctx, this: &Array, s: &Str) -> PyResult<()> {
    let raw: Vec<u8> = (0..s.len()).filter_map(|i| s.get(i)).flat_map(u32::to_le_bytes).collect();
    this.append_bytes(cx, &raw)
}

fn same_code<'a>(cx: &Ctx, this: &Array, other: &'a Obj) -> PyResult<&'a Array> {
    match other.downcast::<Array>() {
        Some(a) if a.code == this.code => Ok(a),
        Some(_) => Err(cx.type_error("bad argument type for built-in operation")),
        None => Err(cx.type_error(format!("can only append array (not \"{}\") to array", other.type_of().name()))),
    }
}

fn find(cx: &Ctx, this: &Array, x: &Obj, from: usize, to: usize) -> PyResult<Option<usize>> {
    let mut i = from;
    while i < to.min(this.len()) {
        let Some(y) = this.get(cx, i)? else { break };
        if y.eq(cx, x)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

#[pymethods]
impl Array {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if ty.is(Array::type_object()) {
            args.no_keywords(cx, "array.array")?;
        }
        let (letter, initial) = match args.pos() {
            [] => return Err(cx.type_error("array() takes at least 1 argument (0 given)")),
            [c] => (c, None),
            [c, i] => (c, Some(i)),
            p => return Err(cx.type_error(format!("array() takes at most 2 arguments ({} given)", p.len()))),
        };
        let c = match letter.downcast::<Str>() {
            Some(s) if s.len() == 1 => s.get(0).and_then(char::from_u32),
            Some(s) => {
                return Err(cx.type_error(format!(
                    "array() argument 1 must be a unicode character, not a string of length {}",
                    s.len()
                )));
            }
            None => {
                return Err(cx.type_error(format!(
                    "array() argument 1 must be a unicode character, not {}",
                    letter.type_of().name()
                )));
            }
        };
        cx.audit("array.__new__", || [letter.clone(), initial.cloned().unwrap_or_else(Obj::none)])?;
        let code = c.and_then(Code::new).ok_or_else(|| bad_code(cx))?;
        if code.letter() == 'u' {
            (cx.host().warn)(
                cx,
                exc::DeprecationWarning(),
                "The 'u' type code is deprecated and will be removed in Python 3.16",
                1,
            )?;
        }
        let a = make(ty, code, Vec::new());
        let Some(this) = This::<Array>::from_obj(&a) else { return Ok(a) };
        let Some(init) = initial else { return Ok(a) };
        if let Some(s) = init.downcast::<Str>() {
            if !code.is_char() {
                return Err(
                    cx.type_error(format!("cannot use a str to initialize an array with typecode '{}'", code.letter()))
                );
            }
            append_text(cx, this.payload(), s)?;
        } else if let Some(other) = init.downcast::<Array>() {
            if other.code.is_char() && !code.is_char() {
                return Err(cx.type_error(format!(
                    "cannot use a unicode array to initialize an array with typecode '{}'",
                    code.letter()
                )));
            }
            if other.code == code {
                this.append_bytes(cx, &other.store.to_vec())?;
            } else {
                let mut i = 0;
                while let Some(x) = other.get(cx, i)? {
                    this.push(cx, &x)?;
                    i += 1;
                }
            }
        } else if bytes::as_bytes(init).is_some() || init.downcast::<bytes::ByteArray>().is_some() {
            append_raw(cx, this.payload(), &BytesLike::new(cx, init)?.to_vec())?;
        } else {
            extend(cx, this, init)?;
        }
        Ok(a)
    }

    fn __len__(_cx: &Ctx, this: This<'_, Array>) -> PyResult<usize> {
        Ok(this.len())
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Array>) -> PyResult {
        Ok(ArrayIterator::over(this.obj()))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Array>, key: &Obj) -> PyResult {
        if let Some(v) = key.as_int().and_then(|i| this.quick_get(i)) {
            return Ok(v);
        }
        match place(cx, this.payload(), key, "array index out of range")? {
            Place::At(i) => this.get(cx, i)?.ok_or_else(|| cx.index_error("array index out of range")),
            Place::Slice(start, step, n) => {
                let size = this.code.size();
                let bytes = this.store.with(|b| {
                    let mut v = Vec::with_capacity(n * size);
                    for k in 0..n {
                        let at = (start + k as isize * step) as usize * size;
                        v.extend_from_slice(&b[at..at + size]);
                    }
                    v
                });
                Ok(make(Array::type_object(), this.code, bytes))
            }
        }
    }

    fn __setitem__(cx: &Ctx, this: This<'_, Array>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if let (Some(i), Some(x)) = (key.as_int(), value)
            && this.quick_set(i, x)
        {
            return Ok(());
        }
        let size = this.code.size();
        match (place(cx, this.payload(), key, "array assignment index out of range")?, value) {
            (Place::At(i), Some(x)) => {
                let raw = this.code.write(cx, x)?;
                let done = this.store.with_mut(|b| match b.get_mut(i * size..(i + 1) * size) {
                    Some(s) => {
                        s.copy_from_slice(&raw[..size]);
                        true
                    }
                    None => false,
                });
                if done { Ok(()) } else { Err(cx.index_error("array assignment index out of range")) }
            }
            (Place::At(i), None) => this.resize(cx, |v| drop(v.drain(i * size..(i + 1) * size))),
            (Place::Slice(start, step, n), None) => {
                let (start, step) =
                    if step < 0 && n > 0 { (start + (n as isize - 1) * step, -step) } else { (start, step) };
                if n == 0 {
                    return Ok(());
                }
                this.resize(cx, |v| {
                    let old = std::mem::take(v);
                    for (i, item) in old.chunks(size).enumerate() {
                        let off = i as isize - start;
                        let gone = off >= 0 && off % step == 0 && ((off / step) as usize) < n;
                        if !gone {
                            v.extend_from_slice(item);
                        }
                    }
                })
            }
            (Place::Slice(start, step, n), Some(x)) => {
                let Some(other) = x.downcast::<Array>() else {
                    return Err(
                        cx.type_error(format!("can only assign array (not \"{}\") to array slice", x.type_of().name()))
                    );
                };
                let other = same_code(cx, this.payload(), x).map(|_| other.store.to_vec())?;
                let given = other.len() / size;
                if step == 1 {
                    let at = start as usize * size;
                    if given == n {
                        this.store.with_mut(|b| b[at..at + n * size].copy_from_slice(&other));
                        return Ok(());
                    }
                    return this.resize(cx, |v| drop(v.splice(at..at + n * size, other)));
                }
                if given != n {
                    return Err(cx.value_error(format!(
                        "attempt to assign array of size {given} to extended slice of size {n}"
                    )));
                }
                this.store.with_mut(|b| {
                    for (k, item) in other.chunks(size).enumerate() {
                        let at = (start + k as isize * step) as usize * size;
                        b[at..at + size].copy_from_slice(item);
                    }
                });
                Ok(())
            }
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, Array>, item: &Obj) -> PyResult<bool> {
        Ok(find(cx, this.payload(), item, 0, usize::MAX)?.is_some())
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Array>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(b) = other.downcast::<Array>() else { return Ok(Obj::not_implemented()) };
        if matches!(op, CmpOp::Eq | CmpOp::Ne) && this.len() != b.len() {
            return Ok(Obj::from_bool(op == CmpOp::Ne));
        }
        let mut i = 0;
        while let (Some(x), Some(y)) = (this.get(cx, i)?, b.get(cx, i)?) {
            if !x.rich_cmp_bool(cx, &y, CmpOp::Eq)? {
                return match op {
                    CmpOp::Eq => Ok(Obj::from_bool(false)),
                    CmpOp::Ne => Ok(Obj::from_bool(true)),
                    _ => x.rich_cmp(cx, &y, op),
                };
            }
            i += 1;
        }
        Ok(Obj::from_bool(op.holds(this.len().cmp(&b.len()))))
    }

    fn __repr__(cx: &Ctx, this: This<'_, Array>) -> PyResult<String> {
        let (name, c) = (this.obj().type_of().short_name().to_string(), this.code.letter());
        if this.len() == 0 {
            return Ok(format!("{name}('{c}')"));
        }
        let items = if this.code.is_char() { text(cx, this)? } else { to_list(cx, this)? };
        let items = items.repr(cx)?;
        Ok(format!("{name}('{c}', {})", cinder_pyobj::types::str::as_utf8_lossy(&items)))
    }

    fn sq_concat(cx: &Ctx, this: This<'_, Array>, other: &Obj) -> PyResult {
        let b = same_code(cx, this.payload(), other)?;
        let mut v = this.store.to_vec();
        v.extend(b.store.to_vec());
        Ok(make(Array::type_object(), this.code, v))
    }

    fn sq_inplace_concat(cx: &Ctx, this: This<'_, Array>, other: &Obj) -> PyResult {
        if other.downcast::<Array>().is_none() {
            return Err(cx.type_error(format!("can only extend with array (not \"{}\")", other.type_of().name())));
        }
        extend(cx, this, other)?;
        Ok(this.obj().clone())
    }

    fn sq_repeat(cx: &Ctx, this: This<'_, Array>, n: isize) -> PyResult {
        Ok(make(Array::type_object(), this.code, repeated(cx, this.payload(), n)?))
    }

    fn sq_inplace_repeat(cx: &Ctx, this: This<'_, Array>, n: isize) -> PyResult {
        let v = repeated(cx, this.payload(), n)?;
        if v.len() != this.store.len() {
            this.resize(cx, |b| *b = v)?;
        }
        Ok(this.obj().clone())
    }

    fn __buffer__(cx: &Ctx, this: This<'_, Array>, flags: BufferFlags) -> PyResult<Buffer> {
        Buffer::lend(cx, this, flags, false, this.code.format(), this.code.size())
    }

    /// Appends a value to the end.
    #[pymethod(sig = "($self, v, /)")]
    fn append(cx: &Ctx, this: This<'_, Array>, v: &Obj) -> PyResult<()> {
        this.push(cx, v)
    }

    /// Appends the items of an iterable; an array must have the same type code.
    #[pymethod(name = "extend", sig = "($self, bb, /)")]
    fn py_extend(cx: &Ctx, this: This<'_, Array>, bb: &Obj) -> PyResult<()> {
        extend(cx, this, bb)
    }

    /// Inserts a value before a position.
    #[pymethod(sig = "($self, i, v, /)")]
    fn insert(cx: &Ctx, this: This<'_, Array>, i: &Obj, v: &Obj) -> PyResult<()> {
        let i = i.to_isize(cx)?;
        let raw = this.code.write(cx, v)?;
        let n = this.len();
        let i = if i < 0 { i.saturating_add(n as isize).max(0) as usize } else { (i as usize).min(n) };
        let size = this.code.size();
        this.resize(cx, |b| drop(b.splice(i * size..i * size, raw[..size].iter().copied())))
    }

    /// Removes and returns the item at a position, the last one by default.
    #[pymethod(sig = "($self, i=-1, /)")]
    fn pop(cx: &Ctx, this: This<'_, Array>, i: Option<&Obj>) -> PyResult {
        let i = i.map_or(Ok(-1), |i| i.to_isize(cx))?;
        if this.len() == 0 {
            return Err(cx.index_error("pop from empty array"));
        }
        let at = unpack_index(i, this.len()).ok_or_else(|| cx.index_error("pop index out of range"))?;
        let x = this.get(cx, at)?.ok_or_else(|| cx.index_error("pop index out of range"))?;
        let size = this.code.size();
        this.resize(cx, |b| drop(b.drain(at * size..(at + 1) * size)))?;
        Ok(x)
    }

    /// Removes the first occurrence of a value.
    #[pymethod(sig = "($self, v, /)")]
    fn remove(cx: &Ctx, this: This<'_, Array>, v: &Obj) -> PyResult<()> {
        let Some(i) = find(cx, this.payload(), v, 0, usize::MAX)? else {
            return Err(cx.value_error("array.remove(x): x not in array"));
        };
        let size = this.code.size();
        this.resize(cx, |b| drop(b.drain(i * size..(i + 1) * size)))
    }

    /// Removes all items.
    #[pymethod(name = "clear")]
    fn py_clear(cx: &Ctx, this: This<'_, Array>) -> PyResult<()> {
        this.resize(cx, Vec::clear)
    }

    /// Returns how often a value occurs.
    #[pymethod(sig = "($self, v, /)")]
    fn count(cx: &Ctx, this: This<'_, Array>, v: &Obj) -> PyResult<usize> {
        let (mut n, mut from) = (0, 0);
        while let Some(i) = find(cx, this.payload(), v, from, usize::MAX)? {
            n += 1;
            from = i + 1;
        }
        Ok(n)
    }

    /// Returns the first position of a value; raises ValueError if there is none.
    #[pymethod(sig = "($self, v, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &Ctx, this: This<'_, Array>, v: &Obj, start: Option<&Obj>, stop: Option<&Obj>) -> PyResult<usize> {
        let n = this.len() as isize;
        let clamp = |i: isize| if i < 0 { i.saturating_add(n).max(0) as usize } else { i as usize };
        let from = start.map_or(Ok(0), |x| x.to_isize_clamped(cx))?;
        let to = stop.map_or(Ok(isize::MAX), |x| x.to_isize_clamped(cx))?;
        match find(cx, this.payload(), v, clamp(from), clamp(to))? {
            Some(i) => Ok(i),
            None => Err(cx.value_error("array.index(x): x not in array")),
        }
    }

    /// Reverses the order of the items in place.
    #[pymethod]
    fn reverse(_cx: &Ctx, this: This<'_, Array>) {
        let size = this.code.size();
        this.store.with_mut(|b| {
            b.reverse();
            b.chunks_mut(size).for_each(<[u8]>::reverse);
        });
    }

    /// Swaps the bytes of all items.
    #[pymethod]
    fn byteswap(_cx: &Ctx, this: This<'_, Array>) {
        let size = this.code.size();
        this.store.with_mut(|b| b.chunks_mut(size).for_each(<[u8]>::reverse));
    }

    /// Returns the address and the number of items of the memory.
    #[pymethod]
    fn buffer_info(_cx: &Ctx, this: This<'_, Array>) -> Obj {
        let at = this.store.with(|b| b.as_ptr() as usize);
        tuple::pair(Obj::from(at), Obj::from(this.len()))
    }

    /// Converts the array to a list.
    #[pymethod]
    fn tolist(cx: &Ctx, this: This<'_, Array>) -> PyResult {
        to_list(cx, this)
    }

    /// Appends the items of a list.
    #[pymethod(sig = "($self, list, /)")]
    fn fromlist(cx: &Ctx, this: This<'_, Array>, list: &Obj) -> PyResult<()> {
        let Some(l) = list::as_list(list) else { return Err(cx.type_error("arg must be list")) };
        let mut raw = Vec::new();
        for x in l.snapshot() {
            raw.extend_from_slice(&this.code.write(cx, &x)?[..this.code.size()]);
        }
        this.append_bytes(cx, &raw)
    }

    /// The items as the bytes that they take in memory.
    #[pymethod]
    fn tobytes(_cx: &Ctx, this: This<'_, Array>) -> Obj {
        bytes::new(&this.store.to_vec())
    }

    /// Appends items from a bytes-like object, taken as machine values.
    #[pymethod(sig = "($self, buffer, /)")]
    fn frombytes(cx: &Ctx, this: This<'_, Array>, buffer: &Obj) -> PyResult<()> {
        if !is_bytes_like(buffer) {
            return Err(cx.type_error(format!("a bytes-like object is required, not '{}'", buffer.type_of().name())));
        }
        append_raw(cx, this.payload(), &BytesLike::new(cx, buffer)?.to_vec())
    }

    /// Converts an array of characters to a str.
    #[pymethod]
    fn tounicode(cx: &Ctx, this: This<'_, Array>) -> PyResult {
        text(cx, this)
    }

    /// Appends the characters of a str to an array of characters.
    #[pymethod(sig = "($self, ustr, /)")]
    fn fromunicode(cx: &Ctx, this: This<'_, Array>, ustr: This<'_, Str>) -> PyResult<()> {
        if !this.code.is_char() {
            return Err(cx.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
        }
        append_text(cx, this.payload(), ustr.payload())
    }

    /// Writes the items to a binary file, as tobytes() gives them.
    #[pymethod(sig = "($self, f, /)")]
    fn tofile(cx: &Ctx, this: This<'_, Array>, f: &Obj) -> PyResult<()> {
        for block in this.store.to_vec().chunks(64 * 1024) {
            f.call_method(cx, intern!("write"), &[bytes::new(block)])?;
        }
        Ok(())
    }

    /// Reads n items from a file object and appends them.
    #[pymethod(sig = "($self, f, n, /)")]
    fn fromfile(cx: &Ctx, this: This<'_, Array>, f: &Obj, n: &Obj) -> PyResult<()> {
        let n = n.to_isize(cx)?;
        if n < 0 {
            return Err(cx.value_error("negative count"));
        }
        let Some(want) = (n as usize).checked_mul(this.code.size()) else { return Err(cx.no_memory()) };
        let read = f.call_method(cx, intern!("read"), &[Obj::from(want)])?;
        let Some(b) = bytes::as_bytes(&read) else {
            return Err(cx.type_error("read() didn't return bytes"));
        };
        append_raw(cx, this.payload(), b)?;
        if b.len() != want {
            return Err(cx.raise(exc::EOFError(), "read() didn't return enough bytes"));
        }
        Ok(())
    }

    #[pymethod(name = "__copy__")]
    fn copy(_cx: &Ctx, this: This<'_, Array>) -> Obj {
        make(Array::type_object(), this.code, this.store.to_vec())
    }

    #[pymethod(name = "__deepcopy__", sig = "($self, unused, /)")]
    fn deepcopy(_cx: &Ctx, this: This<'_, Array>, unused: &Obj) -> Obj {
        let _ = unused;
        make(Array::type_object(), this.code, this.store.to_vec())
    }

    #[pymethod(name = "__reduce_ex__", sig = "($self, value, /)")]
    fn reduce_ex(cx: &Ctx, this: This<'_, Array>, value: &Obj) -> PyResult {
        pickle::reduce_ex(cx, this, value)
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, Array>) -> usize {
        this.obj().type_of().layout().basic_size as usize + this.store.capacity()
    }

    /// The type code that was used to create the array.
    #[pygetter]
    fn typecode(_cx: &Ctx, this: This<'_, Array>) -> String {
        this.code.letter().to_string()
    }

    /// how many bytes an item takes
    #[pygetter]
    fn itemsize(_cx: &Ctx, this: This<'_, Array>) -> usize {
        this.code.size()
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}

fn text(cx: &Ctx, this: This<'_, Array>) -> PyResult {
    if !this.code.is_char() {
        return Err(cx.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let points: Vec<u32> = this
        .store
        .with(|b| b.chunks(4).map(|c| u32::from_le_bytes(<[u8; 4]>::try_from(c).unwrap_or_default())).collect());
    if let Some(c) = points.iter().find(|c| **c > 0x10ffff) {
        return Err(cx.value_error(format!("character U+{c:x} is not in range [U+0000; U+10ffff]")));
    }
    Ok(from_code_points(&points))
}

fn repeated(cx: &Ctx, this: &Array, n: isize) -> PyResult<Vec<u8>> {
    let total = this.store.len().checked_mul(n.max(0) as usize).filter(|t| *t <= isize::MAX as usize / 2);
    let Some(total) = total else { return Err(cx.no_memory()) };
    let mut v = Vec::new();
    v.try_reserve_exact(total).map_err(|_| cx.no_memory())?;
    this.store.with(|b| {
        while v.len() < total {
            v.extend_from_slice(b);
        }
    });
    Ok(v)
}
