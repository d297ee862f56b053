//! `StringIO`.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder};
use cinder_pyobj::types::{Type, dict, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern, with_units};

use super::base::{TextIoBase, finalize};
use super::newline::Newlines;
use super::text_read::find_line_end;
use super::{size_arg, unsupported};

/// A text stream whose text is in memory; getvalue() gives all of it.
///
/// It begins with initial_value. newline means the same as that of TextIOWrapper, but '\n' is what it is by itself.
#[pyclass(name = "StringIO", module = "_io", base = TextIoBase, flags(basetype), sig = "(initial_value='', newline='\\n')")]
pub(crate) struct StringIo {
    buf: RefCell<StrBuilder>,
    at: Cell<usize>,
    closed: Cell<bool>,
    newline: RefCell<Option<String>>,
    state: RefCell<Option<Newlines>>,
}

impl Traverse for StringIo {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl StringIo {
    fn check(&self, cx: &Ctx) -> PyResult<()> {
        if self.closed.get() { Err(super::closed(cx)) } else { Ok(()) }
    }

    fn part(&self, from: usize, to: usize) -> Obj {
        let b = self.buf.borrow();
        match b.data() {
            text::StrData::Latin1(u) => text::from_latin1(&u[from..to]),
            d => with_units!(d, u => text::from_units(&u[from..to])),
        }
    }

    fn take(&self, n: Option<usize>) -> Obj {
        let len = self.buf.borrow().len();
        let at = self.at.get();
        if at >= len {
            return text::empty();
        }
        let end = n.map_or(len, |n| at + n.min(len - at));
        self.at.set(end);
        self.part(at, end)
    }

    fn line(&self, limit: Option<usize>) -> Obj {
        let len = self.buf.borrow().len();
        let at = self.at.get();
        if at >= len {
            return text::empty();
        }
        let n = {
            let end = match self.newline.borrow().as_deref() {
                None | Some("\n") => Some("\n"),
                Some("\r") => Some("\r"),
                Some("\r\n") => Some("\r\n"),
                _ => None,
            };
            let b = self.buf.borrow();
            match b.data() {
                text::StrData::Latin1(u) if end == Some("\n") => {
                    memchr::memchr(b'\n', &u[at..]).map_or(len - at, |i| i + 1)
                }
                d => with_units!(d, u => find_line_end(&u[at..], end).unwrap_or(len - at)),
            }
        };
        self.take(Some(limit.map_or(n, |l| n.min(l))))
    }

    /// Writes behind the position, over what is there.
    fn put(&self, cx: &Ctx, o: &Obj) -> PyResult<()> {
        let mut o = o.clone();
        if let Some(n) = &*self.state.borrow() {
            o = n.feed(o, true);
        }
        let replaced = match self.newline.borrow().as_deref() {
            Some(n @ ("\r" | "\r\n")) => Some(n.to_owned()),
            _ => None,
        };
        if let Some(n) = replaced {
            o = o.call_method(cx, intern!("replace"), &[Obj::from("\n"), Obj::from(n)])?;
        }
        let Some(s) = o.downcast::<Str>() else { return Ok(()) };
        let n = s.len();
        let at = self.at.get();
        let Some(end) = at.checked_add(n).filter(|e| *e <= text::MAX_LEN) else {
            return Err(cx.overflow_error("new position too large"));
        };
        if n == 0 {
            return Ok(());
        }
        let mut b = self.buf.borrow_mut();
        let len = b.len();
        if at >= len {
            b.push_repeat(0, at - len);
            b.push_payload(s);
        } else {
            let mut new = StrBuilder::new();
            with_units!(b.data(), u => new.push_units(&u[..at]));
            new.push_payload(s);
            if end < len {
                with_units!(b.data(), u => new.push_units(&u[end..]));
            }
            *b = new;
        }
        drop(b);
        self.at.set(end);
        Ok(())
    }

    fn set_newline(&self, cx: &Ctx, newline: Option<&Obj>) -> PyResult<()> {
        let n = match newline.filter(|n| !n.is_none()) {
            None => None,
            Some(n) => {
                text::expect(cx, n, |t| format!("StringIO() argument 'newline' must be str or None, not {t}"))?;
                let s = text::as_utf8_lossy(n).into_owned();
                if !matches!(&*s, "" | "\n" | "\r" | "\r\n") {
                    let shown = n.repr(cx)?;
                    return Err(cx.value_error(format!("illegal newline value: {}", text::as_utf8_lossy(&shown))));
                }
                Some(s)
            }
        };
        let universal = n.as_deref().is_none_or(str::is_empty);
        *self.state.borrow_mut() = if universal { Some(Newlines::new(n.is_none())) } else { None };
        *self.newline.borrow_mut() = n;
        Ok(())
    }
}

#[pymethods]
impl StringIo {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(
            ty,
            StringIo {
                buf: RefCell::default(),
                at: Cell::new(0),
                closed: Cell::new(false),
                newline: RefCell::new(Some("\n".into())),
                state: RefCell::default(),
            },
        ))
    }

    #[pymethod(sig = "($self, initial_value='', newline='\\n')")]
    fn __init__(cx: &Ctx, this: This<'_, StringIo>, args: Args<'_>) -> PyResult<()> {
        let (mut value, mut newline) = (args.pos().first(), args.pos().get(1).cloned());
        if args.pos().len() > 2 {
            return Err(cx.type_error(format!("StringIO() takes at most 2 arguments ({} given)", args.all().len())));
        }
        for (k, v) in args.keywords() {
            match &*text::as_utf8_lossy(k) {
                "initial_value" if value.is_none() => value = Some(v),
                "newline" if newline.is_none() => newline = Some(v.clone()),
                k => return Err(cx.type_error(format!("StringIO() got an unexpected keyword argument '{k}'"))),
            }
        }
        this.closed.set(false);
        this.at.set(0);
        *this.buf.borrow_mut() = StrBuilder::new();
        this.set_newline(cx, Some(&newline.unwrap_or_else(|| Obj::from("\n"))))?;
        if let Some(v) = value.filter(|v| !v.is_none()) {
            text::expect(cx, v, |t| format!("initial_value must be str or None, not {t}"))?;
            this.put(cx, v)?;
            this.at.set(0);
        }
        Ok(())
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, StringIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        Ok(this.take(size_arg(cx, size)?))
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn readline(cx: &Ctx, this: This<'_, StringIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        Ok(this.line(size_arg(cx, size)?))
    }

    /// Writes a string; returns the number of its characters.
    #[pymethod(sig = "($self, s, /)")]
    fn write(cx: &Ctx, this: This<'_, StringIo>, s: &Obj) -> PyResult<usize> {
        let t = text::expect(cx, s, |t| format!("string argument expected, got '{t}'"))?;
        this.check(cx)?;
        this.put(cx, s)?;
        Ok(t.len())
    }

    /// All of the text, wherever the position is.
    #[pymethod]
    fn getvalue(cx: &Ctx, this: This<'_, StringIo>) -> PyResult {
        this.check(cx)?;
        let n = this.buf.borrow().len();
        Ok(this.part(0, n))
    }

    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.at.get())
    }

    #[pymethod(sig = "($self, pos, whence=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, StringIo>, pos: isize, whence: i32) -> PyResult<usize> {
        this.check(cx)?;
        match whence {
            0 if pos < 0 => return Err(cx.value_error(format!("Negative seek position {pos}"))),
            0 => this.at.set(pos as usize),
            1 | 2 if pos != 0 => {
                return Err(cx.raise(exc::OSError(), "Can't do nonzero cur-relative seeks"));
            }
            1 => {}
            2 => this.at.set(this.buf.borrow().len()),
            w => return Err(cx.value_error(format!("Invalid whence ({w}, should be 0, 1 or 2)"))),
        }
        Ok(this.at.get())
    }

    #[pymethod(sig = "($self, pos=None, /)")]
    fn truncate(cx: &Ctx, this: This<'_, StringIo>, pos: Option<&Obj>) -> PyResult<usize> {
        this.check(cx)?;
        let n = match pos {
            Some(p) if !p.is_none() => match p.to_isize(cx)? {
                n @ 0.. => n as usize,
                n => return Err(cx.value_error(format!("Negative size value {n}"))),
            },
            _ => this.at.get(),
        };
        this.buf.borrow_mut().truncate(n);
        Ok(n)
    }

    #[pymethod]
    fn close(_cx: &Ctx, this: This<'_, StringIo>) {
        this.closed.set(true);
        *this.buf.borrow_mut() = StrBuilder::new();
    }

    #[pymethod]
    fn readable(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pymethod]
    fn writable(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pymethod]
    fn seekable(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pymethod]
    fn detach(cx: &Ctx, _this: This<'_, StringIo>) -> PyResult {
        Err(unsupported(cx, "detach"))
    }

    #[pygetter]
    fn closed(_cx: &Ctx, this: This<'_, StringIo>) -> bool {
        this.closed.get()
    }

    #[pygetter]
    fn line_buffering(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(false)
    }

    #[pygetter]
    fn newlines(cx: &Ctx, this: This<'_, StringIo>) -> PyResult {
        this.check(cx)?;
        Ok(this.state.borrow().as_ref().map_or_else(Obj::none, Newlines::seen))
    }

    #[pymethod(name = "__getstate__")]
    fn getstate(cx: &Ctx, this: This<'_, StringIo>) -> PyResult {
        this.check(cx)?;
        let n = this.buf.borrow().len();
        let newline = this.newline.borrow().as_deref().map_or_else(Obj::none, Obj::from);
        let d = match dict::instance_dict(cx, this.obj())? {
            Some(d) => d.call_method(cx, intern!("copy"), &[])?,
            None => Obj::none(),
        };
        Ok(tuple::new(vec![this.part(0, n), newline, Obj::from(this.at.get()), d]))
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, StringIo>, state: &Obj) -> PyResult<()> {
        let Some([value, newline, at, d]) = tuple::items_if_tuple(state) else {
            return Err(cx.type_error(format!(
                "{}.__setstate__ argument should be 4-tuple, got {}",
                this.obj().type_of().name(),
                state.type_of().name()
            )));
        };
        this.check(cx)?;
        if !cinder_pyobj::types::int::is_int(at) {
            return Err(cx.type_error(format!("third item of state must be an integer, got {}", at.type_of().name())));
        }
        if !d.is_none() && dict::as_dict(d).is_none() {
            return Err(cx.type_error(format!("fourth item of state should be a dict, got a {}", d.type_of().name())));
        }
        this.set_newline(cx, Some(newline))?;
        let mut b = StrBuilder::new();
        b.push_obj(value);
        *this.buf.borrow_mut() = b;
        match at.to_isize(cx)? {
            n @ 0.. => this.at.set(n as usize),
            _ => return Err(cx.value_error("position value cannot be negative")),
        }
        if !d.is_none()
            && let (Some(own), Some(items)) = (dict::instance_dict(cx, this.obj())?, dict::items_if_dict(d))
        {
            for (k, v) in items {
                own.set_item(cx, &k, &v)?;
            }
        }
        Ok(())
    }

    fn __next__(cx: &Ctx, this: This<'_, StringIo>) -> PyResult<Option<Obj>> {
        this.check(cx)?;
        let line = if this.obj().type_of().is(StringIo::class().type_object()) {
            this.line(None)
        } else {
            this.obj().call_method(cx, intern!("readline"), &[])?
        };
        Ok(if line.len(cx)? == 0 { None } else { Some(line) })
    }

    fn __del__(cx: &Ctx, this: &Obj) -> PyResult<()> {
        if this.type_of().is_heap_type() { finalize(cx, this) } else { Ok(()) }
    }
}
