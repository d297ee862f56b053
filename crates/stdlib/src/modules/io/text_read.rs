//! `TextIOWrapper`: reading.

use cinder_pyobj::native::{PyClass, This, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::{self as text, Str, StrBuilder, Unit};
use cinder_pyobj::{Ctx, Obj, PyResult, intern, with_units};

use super::text::{Snapshot, TextIoWrapper};
use super::{buffered, size_arg, unsupported};

/// Where the first line of `u` ends, behind its line ending. `end` is what ends lines; nothing: any of `\n`,
/// `\r`, `\r\n`. The error is how much of `u` need not be searched again when more text comes.
pub(crate) fn find_line_end<U: Unit>(u: &[U], end: Option<&str>) -> Result<usize, usize> {
    match end {
        Some("\r\n") => {
            let mut i = 0;
            while let Some(k) = u[i..].iter().position(|c| c.code() == 13) {
                match u.get(i + k + 1) {
                    Some(c) if c.code() == 10 => return Ok(i + k + 2),
                    None => return Err(i + k),
                    _ => i += k + 1,
                }
            }
            Err(u.len())
        }
        Some(end) => {
            let c = u32::from(end.as_bytes().first().copied().unwrap_or(b'\n'));
            u.iter().position(|x| x.code() == c).map_or(Err(u.len()), |i| Ok(i + 1))
        }
        None => match u.iter().position(|c| matches!(c.code(), 10 | 13)) {
            None => Err(u.len()),
            // A decoder with newline state never ends a piece with a lone carriage return.
            Some(i) if u[i].code() == 13 && u.get(i + 1).is_some_and(|c| c.code() == 10) => Ok(i + 2),
            Some(i) => Ok(i + 1),
        },
    }
}

/// `s[from..to]` as an exact str.
pub(crate) fn part(o: &Obj, s: &Str, from: usize, to: usize) -> Obj {
    if from == 0 && to == s.len() && text::is_exact(o) {
        return o.clone();
    }
    match s.data() {
        text::StrData::Latin1(u) => text::from_latin1(&u[from..to]),
        d => with_units!(d, u => text::from_units(&u[from..to])),
    }
}

impl TextIoWrapper {
    /// Decodes one more chunk. Whether anything was read.
    pub(super) fn read_chunk(&self, cx: &Ctx, hint: usize) -> PyResult<bool> {
        let Some(decoder) = self.decoder.borrow().clone() else { return Err(unsupported(cx, "not readable")) };
        let newlines = self.newlines.borrow().clone();
        let before = match self.telling.get() {
            true => {
                let (held, mut flags) = decoder.state(cx)?;
                if let Some(n) = &newlines {
                    flags = flags << 1 | i64::from(n.pending_cr.get());
                }
                Some((held, flags))
            }
            false => None,
        };
        let want = self.chunk.get().max(hint);
        let b = self.buffer(cx)?;
        let got;
        let input: Vec<u8> = match buffered::read_native(cx, &b, want) {
            Some(r) => r?,
            None => {
                let name = if self.has_read1.get() { intern!("read1") } else { intern!("read") };
                got = b.call_method(cx, name, &[Obj::from(want)])?;
                if !bytes::is_bytes_like(&got) {
                    let shown = if self.has_read1.get() { "read1" } else { "read" };
                    return Err(cx.type_error(format!(
                        "underlying {shown}() should have returned a bytes-like object, not '{}'",
                        got.type_of().name()
                    )));
                }
                BytesLike::new(cx, &got)?.to_vec()
            }
        };
        let eof = input.is_empty();
        let mut t = decoder.decode(cx, &input, eof)?;
        if let Some(n) = &newlines {
            t = n.feed(t, eof);
        }
        let empty = t.len(cx)? == 0;
        self.decoded.set(Some(t));
        self.used.set(0);
        if let Some((mut held, flags)) = before {
            held.extend_from_slice(&input);
            *self.snapshot.borrow_mut() = Some(Snapshot { flags, input: held });
        }
        Ok(!(eof && empty))
    }

    /// Takes up to `n` of the decoded characters.
    fn take(&self, n: usize) -> Obj {
        let Some(d) = self.decoded.get() else { return text::empty() };
        let Some(s) = d.downcast::<Str>() else { return text::empty() };
        let at = self.used.get().min(s.len());
        let to = at + n.min(s.len() - at);
        self.used.set(to);
        part(&d, s, at, to)
    }

    fn read_line(&self, cx: &Ctx, limit: Option<usize>) -> PyResult {
        self.check_open(cx)?;
        self.write_pending(cx)?;
        let end = self.line_end();
        let mut line: Option<StrBuilder> = None;
        loop {
            cx.step()?;
            let available =
                self.decoded.get().is_some_and(|d| d.downcast::<Str>().is_some_and(|s| s.len() > self.used.get()));
            if !available {
                let more = self.read_chunk(cx, 0)?;
                if !more {
                    self.forget_decoded();
                    return Ok(line.map_or_else(text::empty, StrBuilder::finish));
                }
                continue;
            }
            let Some(d) = self.decoded.get() else { continue };
            let Some(s) = d.downcast::<Str>() else { continue };
            let at = self.used.get();
            let so_far = line.as_ref().map_or(0, StrBuilder::len);
            // Half of a two-character line ending may have come with the last piece.
            let half = end == Some("\r\n")
                && so_far > 0
                && s.get(at) == Some(10)
                && line.as_ref().is_some_and(|l| l.at(so_far - 1) == 13);
            let found = if half {
                Ok(1)
            } else {
                match s.data() {
                    text::StrData::Latin1(u) if end == Some("\n") => {
                        memchr::memchr(b'\n', &u[at..]).map_or(Err(0), |i| Ok(i + 1))
                    }
                    data => with_units!(data, u => find_line_end(&u[at..], end)),
                }
            };
            let (mut take, mut done) = match found {
                Ok(n) => (n, true),
                Err(_) => (s.len() - at, false),
            };
            if let Some(n) = limit
                && so_far + take >= n
            {
                take = n - so_far;
                done = true;
            }
            if done && line.is_none() {
                return Ok(self.take(take));
            }
            self.used.set(at + take);
            let l = line.get_or_insert_default();
            l.push_range(s, at, at + take);
            if done {
                return Ok(line.map_or_else(text::empty, StrBuilder::finish));
            }
        }
    }

    fn read_all(&self, cx: &Ctx) -> PyResult {
        let Some(decoder) = self.decoder.borrow().clone() else { return Err(unsupported(cx, "not readable")) };
        let raw = self.buffer(cx)?.call_method(cx, intern!("read"), &[])?;
        if raw.is_none() {
            // The stream is not ready.
            let e = cx.raise(exc::BlockingIOError(), "Read returned None.");
            return Err(e);
        }
        let mut t = match bytes::as_bytes(&raw) {
            Some(b) => decoder.decode(cx, b, true)?,
            None => decoder.decode(cx, &BytesLike::new(cx, &raw)?.to_vec(), true)?,
        };
        if let Some(n) = self.newlines.borrow().clone() {
            t = n.feed(t, true);
        }
        let before = self.take(usize::MAX);
        let had_decoded = !self.decoded.is_empty();
        if had_decoded {
            self.decoded.set(None);
            self.used.set(0);
        }
        *self.snapshot.borrow_mut() = None;
        match (before.downcast::<Str>(), t.downcast::<Str>()) {
            (Some(a), Some(b)) if !a.is_empty() => text::concat(cx, a, b),
            _ => Ok(t),
        }
    }
}

#[pymethods(part = "reading")]
impl TextIoWrapper {
    /// Reads and returns at most size characters; everything if size is negative or left out.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, TextIoWrapper>, size: Option<&Obj>) -> PyResult {
        this.check_open(cx)?;
        if this.decoder.borrow().is_none() {
            return Err(unsupported(cx, "not readable"));
        }
        let limit = size_arg(cx, size)?;
        this.write_pending(cx)?;
        let Some(n) = limit else { return this.read_all(cx) };
        let first = this.take(n);
        let have = first.len(cx)?;
        if have == n {
            return Ok(first);
        }
        let mut out = StrBuilder::new();
        out.push_obj(&first);
        while out.len() < n {
            let left = n - out.len();
            if !this.read_chunk(cx, left)? {
                break;
            }
            out.push_obj(&this.take(left));
        }
        Ok(out.finish())
    }

    /// Reads until newline or end of file; at most size characters if size is given.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn readline(cx: &Ctx, this: This<'_, TextIoWrapper>, size: Option<&Obj>) -> PyResult {
        this.read_line(cx, size_arg(cx, size)?)
    }

    #[pyslot(name = "__next__")]
    fn next_line(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult<Option<Obj>> {
        this.buffer(cx)?;
        this.telling.set(false);
        let line = if this.obj().type_of().is(TextIoWrapper::class().type_object()) {
            this.read_line(cx, None)?
        } else {
            let line = this.obj().call_method(cx, intern!("readline"), &[])?;
            if line.downcast::<Str>().is_none() {
                return Err(cx.raise(
                    exc::OSError(),
                    format!("readline() should have returned a str object, not '{}'", line.type_of().name()),
                ));
            }
            line
        };
        if line.len(cx)? == 0 {
            *this.snapshot.borrow_mut() = None;
            this.telling.set(this.seekable.get());
            return Ok(None);
        }
        Ok(Some(line))
    }
}
