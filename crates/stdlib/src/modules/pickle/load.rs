//! The machine that reads pickles.

use cinder_pyobj::native::{Args, FixedShape, PyClass};
use cinder_pyobj::types::str::{Name, Str, as_utf8_lossy};
use cinder_pyobj::types::{bytes, dict, exc, float, int, list, memoryview, set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, codecs, intern};

use super::unpickler::{Unpickler, find_class, no_persistent_load, truncated};
use super::{full_name, imported, op, unpickling_error};

/// One run over a pickle.
pub(super) struct Machine<'a> {
    u: &'a Unpickler,
    this: Option<&'a Obj>,
    stack: Vec<Obj>,
    /// Where the items behind each mark begin.
    marks: Vec<usize>,
    /// Nothing below may be popped: the innermost mark.
    fence: usize,
    /// Overrides of a subclass.
    find: Option<Obj>,
    persistent: Option<Obj>,
}

/// A small text: ASCII without a check of its own, else UTF-8 in which surrogates may stand.
fn text_of(cx: &Ctx, b: &[u8]) -> PyResult {
    match std::str::from_utf8(b) {
        Ok(s) => Ok(Obj::from(s)),
        Err(_) => codecs::decode(cx, &bytes::new(b), "utf-8", "surrogatepass"),
    }
}

fn decimal(cx: &Ctx, line: &[u8]) -> PyResult {
    int::text::parse(cx, line, 10).map_err(|e| {
        let mut shown = line.to_vec();
        shown.push(b'\n');
        e.raise(cx, 10, &cinder_pyobj::types::str::from_latin1(&shown))
    })
}

impl<'a> Machine<'a> {
    pub(super) fn new(u: &'a Unpickler, this: Option<&'a Obj>) -> Machine<'a> {
        Machine { u, this, stack: Vec::new(), marks: Vec::new(), fence: 0, find: None, persistent: None }
    }

    #[cold]
    fn underflow(&self, cx: &Ctx) -> Raised {
        let text = if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" };
        unpickling_error(cx, text)
    }

    fn pop(&mut self, cx: &Ctx) -> PyResult {
        if self.stack.len() > self.fence
            && let Some(o) = self.stack.pop()
        {
            return Ok(o);
        }
        Err(self.underflow(cx))
    }

    fn top(&self, cx: &Ctx) -> PyResult<&Obj> {
        if self.stack.len() > self.fence
            && let Some(o) = self.stack.last()
        {
            return Ok(o);
        }
        Err(self.underflow(cx))
    }

    fn push(&mut self, o: Obj) -> PyResult<()> {
        self.stack.push(o);
        Ok(())
    }

    /// Takes the items behind the last mark.
    fn pop_mark(&mut self, cx: &Ctx) -> PyResult<Vec<Obj>> {
        let Some(at) = self.marks.pop() else { return Err(unpickling_error(cx, "could not find MARK")) };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(self.stack.split_off(at.min(self.stack.len())))
    }

    pub(super) fn run(mut self, cx: &Ctx) -> PyResult {
        if let Some(t) = self.this {
            if !std::ptr::eq(t.type_of(), Unpickler::class().type_object()) {
                let f = t.get_attr(cx, intern!("find_class"))?;
                self.find = Some(f).filter(|f| *f.type_of().name() != *"builtin_function_or_method");
            }
            self.persistent = self.u.persistent_load(cx, self.this)?;
        }
        loop {
            cx.step()?;
            let code = self.u.opcode(cx)?;
            if code == op::STOP {
                return self.pop(cx);
            }
            self.step(cx, code)?;
        }
    }

    /// Reads a length of 8 bytes.
    fn length8(&self, cx: &Ctx, what: &str) -> PyResult<usize> {
        let n = u64::from_le_bytes(self.u.fixed::<8>(cx)?);
        usize::try_from(n)
            .ok()
            .filter(|n| *n <= isize::MAX as usize)
            .ok_or_else(|| cx.overflow_error(format!("{what} exceeds system's maximum size of {} bytes", isize::MAX)))
    }

    fn length4(&self, cx: &Ctx) -> PyResult<usize> {
        Ok(u32::from_le_bytes(self.u.fixed::<4>(cx)?) as usize)
    }

    fn step(&mut self, cx: &Ctx, code: u8) -> PyResult<()> {
        match code {
            op::NONE => self.push(Obj::none()),
            op::NEWTRUE => self.push(Obj::from_bool(true)),
            op::NEWFALSE => self.push(Obj::from_bool(false)),
            op::BININT => {
                let n = i32::from_le_bytes(self.u.fixed(cx)?);
                self.push(Obj::from(i64::from(n)))
            }
            op::BININT1 => {
                let n = self.u.byte(cx)?;
                self.push(Obj::from(i64::from(n)))
            }
            op::BININT2 => {
                let n = u16::from_le_bytes(self.u.fixed(cx)?);
                self.push(Obj::from(i64::from(n)))
            }
            op::INT => self.load_int(cx),
            op::LONG => {
                let mut l = self.u.line(cx)?;
                if l.last() == Some(&b'L') {
                    l.pop();
                }
                let n = decimal(cx, &l)?;
                self.push(n)
            }
            op::LONG1 | op::LONG4 => {
                let n =
                    if code == op::LONG1 { i32::from(self.u.byte(cx)?) } else { i32::from_le_bytes(self.u.fixed(cx)?) };
                let Ok(n) = usize::try_from(n) else {
                    return Err(unpickling_error(cx, "LONG pickle has negative byte count"));
                };
                let o = self.u.with(cx, n, |b| match <[u8; 8]>::try_from(b) {
                    Ok(b) => Obj::from(i64::from_le_bytes(b)),
                    Err(_) => int::from_bigint(num_bigint::BigInt::from_signed_bytes_le(b)),
                })?;
                self.push(o)
            }
            op::FLOAT => {
                let l = self.u.line(cx)?;
                match float::text::parse(&l) {
                    Some(f) => self.push(Obj::from(f)),
                    None => {
                        let shown = cinder_pyobj::types::str::from_latin1(&[&l[..], b"\n"].concat());
                        Err(cx.value_error(format!("could not convert string to float: {}", super::shown(cx, &shown)?)))
                    }
                }
            }
            op::BINFLOAT => {
                let f = f64::from_be_bytes(self.u.fixed(cx)?);
                self.push(Obj::from(f))
            }
            op::STRING => self.load_string(cx),
            op::BINSTRING => {
                let n = i32::from_le_bytes(self.u.fixed(cx)?);
                let Ok(n) = usize::try_from(n) else {
                    return Err(unpickling_error(cx, "BINSTRING pickle has negative byte count"));
                };
                self.old_string(cx, n)
            }
            op::SHORT_BINSTRING => {
                let n = self.u.byte(cx)? as usize;
                self.old_string(cx, n)
            }
            op::BINBYTES | op::BINBYTES8 | op::SHORT_BINBYTES => {
                let n = match code {
                    op::BINBYTES => self.length4(cx)?,
                    op::BINBYTES8 => self.length8(cx, "BINBYTES")?,
                    _ => self.u.byte(cx)? as usize,
                };
                let o = self.u.with(cx, n, bytes::new)?;
                self.push(o)
            }
            op::BYTEARRAY8 => {
                let n = self.length8(cx, "BYTEARRAY8")?;
                let o = self.u.with(cx, n, |b| bytes::new_bytearray(b.to_vec()))?;
                self.push(o)
            }
            op::UNICODE => {
                let l = self.u.line(cx)?;
                let o = codecs::decode(cx, &bytes::new(&l), "raw-unicode-escape", "strict")?;
                self.push(o)
            }
            op::BINUNICODE | op::BINUNICODE8 | op::SHORT_BINUNICODE => {
                let n = match code {
                    op::BINUNICODE => self.length4(cx)?,
                    op::BINUNICODE8 => self.length8(cx, "BINUNICODE")?,
                    _ => self.u.byte(cx)? as usize,
                };
                let o = self.u.with(cx, n, |b| text_of(cx, b))??;
                self.push(o)
            }
            op::NEXT_BUFFER => {
                let Some(buffers) = self.u.buffers.get() else {
                    return Err(unpickling_error(
                        cx,
                        "pickle stream refers to out-of-band data but no *buffers* argument was given",
                    ));
                };
                match buffers.next(cx)? {
                    Some(b) => self.push(b),
                    None => Err(unpickling_error(cx, "not enough out-of-band buffers")),
                }
            }
            op::READONLY_BUFFER => {
                let view = memoryview::new(cx, self.top(cx)?)?;
                if !view.get_attr(cx, intern!("readonly"))?.truthy(cx)? {
                    let o = view.call_method(cx, intern!("toreadonly"), &[])?;
                    drop(self.pop(cx)?);
                    self.push(o)?;
                }
                Ok(())
            }
            op::EMPTY_TUPLE => self.push(tuple::empty()),
            op::EMPTY_LIST => self.push(list::empty()),
            op::EMPTY_DICT => self.push(dict::new()),
            op::EMPTY_SET => self.push(set::new()),
            op::TUPLE => {
                let items = self.pop_mark(cx)?;
                self.push(tuple::new(items))
            }
            op::TUPLE1..=op::TUPLE3 => {
                let n = (code - op::TUPLE1) as usize + 1;
                if self.stack.len() < self.fence + n {
                    return Err(self.underflow(cx));
                }
                let items = self.stack.split_off(self.stack.len() - n);
                self.push(tuple::new(items))
            }
            op::LIST => {
                let items = self.pop_mark(cx)?;
                self.push(list::new(items))
            }
            op::DICT => {
                let items = self.pop_mark(cx)?;
                if items.len() % 2 != 0 {
                    return Err(unpickling_error(cx, "odd number of items for DICT"));
                }
                let d = dict::new();
                for kv in items.chunks_exact(2) {
                    dict::set(cx, &d, &kv[0], &kv[1])?;
                }
                self.push(d)
            }
            op::FROZENSET => {
                let items = self.pop_mark(cx)?;
                let o = set::frozen_from_iterable(cx, &list::new(items))?;
                self.push(o)
            }
            op::INST => {
                if self.marks.is_empty() {
                    return Err(unpickling_error(cx, "could not find MARK"));
                }
                let (m, n) = (self.ascii_line(cx)?, self.ascii_line(cx)?);
                let cls = self.find(cx, &m, &n)?;
                let args = self.pop_mark(cx)?;
                let o = instantiate(cx, &cls, &args)?;
                self.push(o)
            }
            op::OBJ => {
                let mut items = self.pop_mark(cx)?;
                if items.is_empty() {
                    return Err(self.underflow(cx));
                }
                let cls = items.remove(0);
                let o = instantiate(cx, &cls, &items)?;
                self.push(o)
            }
            op::NEWOBJ | op::NEWOBJ_EX => self.new_object(cx, code == op::NEWOBJ_EX),
            op::GLOBAL => {
                let (m, n) = (self.u.line(cx)?, self.u.line(cx)?);
                if m.is_empty() || n.is_empty() {
                    return Err(truncated(cx));
                }
                let (m, n) = (text_of(cx, &m)?, text_of(cx, &n)?);
                let o = self.find(cx, &m, &n)?;
                self.push(o)
            }
            op::STACK_GLOBAL => {
                let (n, m) = (self.pop(cx)?, self.pop(cx)?);
                if !n.is_exact(FixedShape::Str) || !m.is_exact(FixedShape::Str) {
                    return Err(unpickling_error(cx, "STACK_GLOBAL requires str"));
                }
                let o = self.find(cx, &m, &n)?;
                self.push(o)
            }
            op::EXT1 => {
                let c = i64::from(self.u.byte(cx)?);
                self.extension(cx, c)
            }
            op::EXT2 => {
                let c = i64::from(u16::from_le_bytes(self.u.fixed(cx)?));
                self.extension(cx, c)
            }
            op::EXT4 => {
                let c = i64::from(i32::from_le_bytes(self.u.fixed(cx)?));
                self.extension(cx, c)
            }
            op::REDUCE => {
                let args = self.pop(cx)?;
                let f = self.pop(cx)?;
                let Some(items) = tuple::items_if_tuple(&args) else {
                    return Err(cx.type_error("argument list must be a tuple"));
                };
                let o = f.call_pos(cx, items)?;
                self.push(o)
            }
            op::POP => {
                // A mark on top goes as a whole.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.pop_mark(cx).map(drop)
                } else {
                    self.pop(cx).map(drop)
                }
            }
            op::POP_MARK => self.pop_mark(cx).map(drop),
            op::DUP => {
                let o = self.top(cx)?.clone();
                self.push(o)
            }
            op::GET => {
                let l = self.u.line(cx)?;
                let n = decimal(cx, &l)?.to_i64(cx)?;
                self.get(cx, usize::try_from(n).unwrap_or(usize::MAX), n)
            }
            op::BINGET => {
                let n = self.u.byte(cx)?;
                self.get(cx, n as usize, i64::from(n))
            }
            op::LONG_BINGET => {
                let n = self.length4(cx)?;
                self.get(cx, n, n as i64)
            }
            op::PUT => {
                let l = self.u.line(cx)?;
                self.top(cx)?;
                let n = decimal(cx, &l)?.to_i64(cx)?;
                match usize::try_from(n) {
                    Ok(n) => self.put(cx, n),
                    Err(_) => Err(cx.value_error("negative PUT argument")),
                }
            }
            op::BINPUT => {
                let n = self.u.byte(cx)?;
                self.put(cx, n as usize)
            }
            op::LONG_BINPUT => {
                let n = self.length4(cx)?;
                self.put(cx, n)
            }
            op::MEMOIZE => self.put(cx, self.u.memo_len()),
            op::APPEND => {
                let v = self.pop(cx)?;
                let l = self.top(cx)?;
                if l.is_exact(FixedShape::List)
                    && let Some(l) = list::as_list(l)
                {
                    return l.append(cx, v);
                }
                let l = l.clone();
                l.call_method(cx, intern!("append"), &[v]).map(drop)
            }
            op::APPENDS => self.append_all(cx),
            op::SETITEM => {
                let v = self.pop(cx)?;
                let k = self.pop(cx)?;
                let d = self.top(cx)?.clone();
                d.set_item(cx, &k, &v)
            }
            op::SETITEMS => {
                let items = self.pop_mark(cx)?;
                let d = self.top(cx)?.clone();
                if items.len() % 2 != 0 {
                    return Err(unpickling_error(cx, "odd number of items for SETITEMS"));
                }
                for kv in items.chunks_exact(2) {
                    d.set_item(cx, &kv[0], &kv[1])?;
                }
                Ok(())
            }
            op::ADDITEMS => {
                let items = self.pop_mark(cx)?;
                let s = self.top(cx)?.clone();
                if set::as_set(&s).is_some() {
                    for x in &items {
                        set::add(cx, &s, x)?;
                    }
                    return Ok(());
                }
                let add = s.get_attr(cx, intern!("add"))?;
                for x in &items {
                    add.call1(cx, x)?;
                }
                Ok(())
            }
            op::BUILD => self.build(cx),
            op::MARK => {
                self.marks.push(self.stack.len());
                self.fence = self.stack.len();
                Ok(())
            }
            op::PROTO => {
                let p = self.u.byte(cx)?;
                if i32::from(p) > op::HIGHEST {
                    return Err(cx.value_error(format!("unsupported pickle protocol: {p}")));
                }
                self.u.proto.set(i32::from(p));
                Ok(())
            }
            op::FRAME => {
                let n = u64::from_le_bytes(self.u.fixed(cx)?);
                match usize::try_from(n).ok().filter(|n| *n <= isize::MAX as usize) {
                    Some(n) => self.u.frame(cx, n),
                    None => {
                        Err(cx.overflow_error(format!("FRAME length exceeds system's maximum of {} bytes", isize::MAX)))
                    }
                }
            }
            op::PERSID => {
                let l = self.u.line(cx)?;
                if !l.is_ascii() {
                    return Err(unpickling_error(cx, "persistent IDs in protocol 0 must be ASCII strings"));
                }
                let id = text_of(cx, &l)?;
                self.load_persistent(cx, &id)
            }
            op::BINPERSID => {
                let id = self.pop(cx)?;
                self.load_persistent(cx, &id)
            }
            _ => {
                let shown = match code {
                    b'\'' | b'\\' => format!("\\{}", code as char),
                    0x20..=0x7e => (code as char).to_string(),
                    _ => format!("\\x{code:02x}"),
                };
                Err(unpickling_error(cx, format!("invalid load key, '{shown}'.")))
            }
        }
    }

    fn load_persistent(&mut self, cx: &Ctx, id: &Obj) -> PyResult<()> {
        match &self.persistent {
            Some(f) => {
                let o = f.clone().call1(cx, id)?;
                self.push(o)
            }
            None => Err(no_persistent_load(cx)),
        }
    }

    fn ascii_line(&self, cx: &Ctx) -> PyResult {
        let l = self.u.line(cx)?;
        codecs::decode(cx, &bytes::new(&l), "ascii", "strict")
    }

    fn find(&self, cx: &Ctx, module: &Obj, name: &Obj) -> PyResult {
        match &self.find {
            Some(f) => f.call_pos(cx, &[module.clone(), name.clone()]),
            None => find_class(cx, self.u, module, name),
        }
    }

    fn get(&mut self, cx: &Ctx, n: usize, shown: i64) -> PyResult<()> {
        match self.u.memo_get(n) {
            Some(o) => self.push(o),
            None => Err(unpickling_error(cx, format!("Memo value not found at index {shown}"))),
        }
    }

    fn put(&mut self, cx: &Ctx, n: usize) -> PyResult<()> {
        let o = self.top(cx)?.clone();
        self.u.memo_put(n, o);
        Ok(())
    }

    fn load_int(&mut self, cx: &Ctx) -> PyResult<()> {
        let l = self.u.line(cx)?;
        let o = match &l[..] {
            b"00" => Obj::from_bool(false),
            b"01" => Obj::from_bool(true),
            l => match int::text::parse(cx, l, 10) {
                Ok(n) => n,
                Err(int::ParseError::Raised) => return Err(cx.raised()),
                Err(_) => return Err(cx.value_error("could not convert string to int")),
            },
        };
        self.push(o)
    }

    /// An 8-bit string of Python 2.
    fn decode_old(&self, cx: &Ctx, b: &[u8]) -> PyResult {
        let encoding = self.u.encoding.borrow().clone();
        if encoding == "bytes" {
            return Ok(bytes::new(b));
        }
        let errors = self.u.errors.borrow().clone();
        codecs::decode(cx, &bytes::new(b), &encoding, &errors)
    }

    fn old_string(&mut self, cx: &Ctx, n: usize) -> PyResult<()> {
        let b = self.u.with(cx, n, <[u8]>::to_vec)?;
        let o = self.decode_old(cx, &b)?;
        self.push(o)
    }

    fn load_string(&mut self, cx: &Ctx) -> PyResult<()> {
        let l = self.u.line(cx)?;
        let inner = match &l[..] {
            [a @ (b'"' | b'\''), inner @ .., b] if a == b => inner,
            _ => return Err(unpickling_error(cx, "the STRING opcode argument must be quoted")),
        };
        let b = codecs::escape::decode_bytes(cx, inner, "strict")?;
        let o = self.decode_old(cx, &b)?;
        self.push(o)
    }

    fn new_object(&mut self, cx: &Ctx, extended: bool) -> PyResult<()> {
        let what = if extended { "NEWOBJ_EX" } else { "NEWOBJ" };
        let kwargs = if extended { Some(self.pop(cx)?) } else { None };
        let args = self.pop(cx)?;
        let cls = self.pop(cx)?;
        let refuse = |role: &str, need: &str, o: &Obj| -> PyResult<Raised> {
            let text = format!("{what} {role} argument must be a {need}, not {}", full_name(cx, o.type_of())?);
            Ok(unpickling_error(cx, text))
        };
        let Some(ty) = cls.as_type() else { return Err(refuse("class", "type", &cls)?) };
        let Some(items) = tuple::items_if_tuple(&args) else { return Err(refuse("args", "tuple", &args)?) };
        let Some(new) = ty.slots.new.get() else {
            return Err(unpickling_error(cx, format!("{what} class argument '{}' doesn't have __new__", ty.name())));
        };
        let o = match &kwargs {
            None => new(cx, ty, Args::positional(items))?,
            Some(k) => {
                let Some(d) = dict::as_dict(k) else { return Err(refuse("kwargs", "dict", k)?) };
                let mut all = items.to_vec();
                let mut names = Vec::new();
                for (k, v) in d.snapshot() {
                    if !k.type_of().is_str_subtype() {
                        return Err(cx.type_error("keywords must be strings"));
                    }
                    names.push(k);
                    all.push(v);
                }
                new(cx, ty, Args::new(&all, &names))?
            }
        };
        self.push(o)
    }

    /// An object from the extension registry.
    fn extension(&mut self, cx: &Ctx, code: i64) -> PyResult<()> {
        if code <= 0 {
            return Err(unpickling_error(cx, "EXT specifies code <= 0"));
        }
        let key = Obj::from(code);
        let cache = imported(cx, "copyreg", "_extension_cache")?;
        if let Some(o) = dict::get(cx, &cache, &key)? {
            return self.push(o);
        }
        let Some(pair) = dict::get(cx, &imported(cx, "copyreg", "_inverted_registry")?, &key)? else {
            return Err(cx.value_error(format!("unregistered extension code {code}")));
        };
        let Some([m, n]) = tuple::items_if_tuple(&pair).filter(|p| p.iter().all(|o| o.downcast::<Str>().is_some()))
        else {
            return Err(cx.value_error(format!("_inverted_registry[{code}] isn't a 2-tuple of strings")));
        };
        let o = self.find(cx, m, n)?;
        dict::set(cx, &cache, &key, &o)?;
        self.push(o)
    }

    fn append_all(&mut self, cx: &Ctx) -> PyResult<()> {
        let items = self.pop_mark(cx)?;
        let l = self.top(cx)?.clone();
        if l.is_exact(FixedShape::List)
            && let Some(own) = list::as_list(&l)
        {
            for x in items {
                own.append(cx, x)?;
            }
            return Ok(());
        }
        if items.is_empty() {
            return Ok(());
        }
        if let Some(extend) = l.get_attr_opt(cx, intern!("extend"))? {
            return extend.call1(cx, &list::new(items)).map(drop);
        }
        let append = l.get_attr(cx, intern!("append"))?;
        for x in &items {
            append.call1(cx, x)?;
        }
        Ok(())
    }

    /// Gives an object its state.
    fn build(&mut self, cx: &Ctx) -> PyResult<()> {
        if self.stack.len() < self.fence + 2 {
            return Err(self.underflow(cx));
        }
        let mut state = self.pop(cx)?;
        let inst = self.top(cx)?.clone();
        if let Some(set) = inst.get_attr_opt(cx, intern!("__setstate__"))? {
            return set.call1(cx, &state).map(drop);
        }
        let mut slots = None;
        if let Some([a, b]) = tuple::items_if_tuple(&state) {
            (state, slots) = (a.clone(), Some(b.clone()));
        }
        if !state.is_none() {
            let Some(d) = dict::as_dict(&state) else {
                return Err(unpickling_error(cx, "state is not a dictionary"));
            };
            if d.len() > 0 {
                let own = inst.get_attr(cx, intern!("__dict__"))?;
                for (k, v) in d.snapshot() {
                    let k = if k.is_exact(FixedShape::Str) { Name::intern_obj(&k).obj() } else { k };
                    own.set_item(cx, &k, &v)?;
                }
            }
        }
        if let Some(s) = slots.filter(|s| !s.is_none()) {
            let Some(d) = dict::as_dict(&s) else {
                return Err(unpickling_error(cx, "slot state is not a dictionary"));
            };
            for (k, v) in d.snapshot() {
                inst.store_attr(cx, &k, Some(&v))?;
            }
        }
        Ok(())
    }
}

/// Makes an instance as Python 2 did: a class without arguments is not initialised.
fn instantiate(cx: &Ctx, cls: &Obj, args: &[Obj]) -> PyResult {
    if args.is_empty()
        && let Some(ty) = cls.as_type()
        && cls.get_attr_opt(cx, intern!("__getinitargs__"))?.is_none()
        && let Some(new) = ty.slots.new.get()
    {
        return new(cx, ty, Args::none());
    }
    match cls.call_pos(cx, args) {
        Ok(o) => Ok(o),
        Err(r) if cx.pending_is(exc::TypeError()) => {
            let e = cx.take(r);
            let name = match cls.get_attr_opt(cx, intern!("__name__"))? {
                Some(n) => as_utf8_lossy(&n.str(cx)?).into_owned(),
                None => super::shown(cx, cls)?,
            };
            let text = format!("in constructor for {name}: {}", as_utf8_lossy(&e.str(cx)?));
            Err(cx.type_error(text))
        }
        Err(r) => Err(r),
    }
}
