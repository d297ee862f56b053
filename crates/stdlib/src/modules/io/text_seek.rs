//! `TextIOWrapper`: positions.
//!
//! A position is an opaque number: the byte offset of a place where the decoder's state is small, and behind
//! it that state, how many bytes to decode from there, and how many of the characters to skip.

use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::types::{bytes, exc, int, str as text};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use num_bigint::BigInt;

use super::coder::Decoder;
use super::text::{Snapshot, TextIoWrapper};
use super::unsupported;

#[derive(Default)]
struct Cookie {
    start: u64,
    flags: i32,
    feed: u32,
    skip: u32,
    need_eof: bool,
}

impl Cookie {
    fn pack(&self) -> Obj {
        if self.flags == 0 && self.feed == 0 && self.skip == 0 && !self.need_eof {
            return Obj::from(self.start);
        }
        let mut n = BigInt::from(u8::from(self.need_eof));
        n = n << 32 | BigInt::from(self.skip);
        n = n << 32 | BigInt::from(self.feed);
        n = n << 32 | BigInt::from(self.flags as u32);
        n = n << 64 | BigInt::from(self.start);
        int::from_bigint(n)
    }

    fn unpack(cx: &Ctx, o: &Obj) -> PyResult<Cookie> {
        let Some(n) = int::to_bigint(o) else { return Err(cx.type_error("an integer is required")) };
        let digits = n.to_u64_digits().1;
        let low = digits.first().copied().unwrap_or(0);
        let a = digits.get(1).copied().unwrap_or(0);
        let b = digits.get(2).copied().unwrap_or(0);
        if digits.len() > 3 {
            return Err(cx.overflow_error("int too big to convert"));
        }
        Ok(Cookie {
            start: low,
            flags: a as u32 as i32,
            feed: (a >> 32) as u32,
            skip: b as u32,
            need_eof: b >> 32 & 0xff != 0,
        })
    }
}

/// Decodes a piece with decoder and newline state; the number of characters.
fn feed(cx: &Ctx, this: &TextIoWrapper, d: &Decoder, input: &[u8], last: bool) -> PyResult {
    let t = d.decode(cx, input, last)?;
    Ok(match this.newlines.borrow().clone() {
        Some(n) => n.feed(t, last),
        None => t,
    })
}

/// The joined state of decoder and newlines.
fn state(cx: &Ctx, this: &TextIoWrapper, d: &Decoder) -> PyResult<(Vec<u8>, i64)> {
    let (held, flags) = d.state(cx)?;
    Ok(match &*this.newlines.borrow() {
        Some(n) => (held, flags << 1 | i64::from(n.pending_cr.get())),
        None => (held, flags),
    })
}

fn set_state(cx: &Ctx, this: &TextIoWrapper, d: &Decoder, held: &[u8], flags: i64) -> PyResult<()> {
    let flags = match &*this.newlines.borrow() {
        Some(n) => {
            n.pending_cr.set(flags & 1 != 0);
            flags >> 1
        }
        None => flags,
    };
    d.set_state(cx, held, flags)
}

/// Finds the place of the character `skip` characters behind the start of a snapshot at `start`.
fn locate(cx: &Ctx, this: &TextIoWrapper, d: &Decoder, snap: &Snapshot, start: u64, skip: usize) -> PyResult<Cookie> {
    let mut c = Cookie { start, flags: snap.flags as i32, ..Cookie::default() };
    let (mut skip, mut fed, mut chars) = (skip, 0u32, 0usize);
    // As many ASCII bytes as characters are a shortcut, if no newline changes the count.
    if let Decoder::Native(..) = d
        && snap.flags == 0
        && let Some(head) = snap.input.get(..skip)
        && head.is_ascii()
        && (this.newlines.borrow().is_none() || memchr::memchr(b'\r', head).is_none())
    {
        c.start += skip as u64;
        return Ok(c);
    }
    set_state(cx, this, d, &[], snap.flags)?;
    for b in &snap.input {
        chars += feed(cx, this, d, std::slice::from_ref(b), false)?.len(cx)?;
        fed += 1;
        let (held, flags) = state(cx, this, d)?;
        if held.is_empty() && chars <= skip {
            // A place to start from, with nothing but flags.
            c.start += u64::from(fed);
            skip -= chars;
            c.flags = flags as i32;
            (fed, chars) = (0, 0);
        }
        if chars >= skip {
            c.feed = fed;
            c.skip = skip as u32;
            return Ok(c);
        }
    }
    chars += feed(cx, this, d, &[], true)?.len(cx)?;
    c.need_eof = true;
    if chars < skip {
        return Err(cx.raise(exc::OSError(), "can't reconstruct logical file position"));
    }
    c.feed = fed;
    c.skip = skip as u32;
    Ok(c)
}

#[pymethods(part = "seeking")]
impl TextIoWrapper {
    /// Returns the stream position as an opaque number.
    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, TextIoWrapper>) -> PyResult {
        this.check_open(cx)?;
        let buffer = this.buffer(cx)?;
        if !this.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        if !this.telling.get() {
            return Err(cx.raise(exc::OSError(), "telling position disabled by next() call"));
        }
        this.write_pending(cx)?;
        this.obj().call_method(cx, intern!("flush"), &[])?;
        let at = buffer.call_method(cx, intern!("tell"), &[])?;
        let Some(d) = this.decoder.borrow().clone() else { return Ok(at) };
        let Some(snap) = this.snapshot.borrow().clone() else { return Ok(at) };
        let Ok(start) = u64::try_from(at.to_i64(cx)? - snap.input.len() as i64) else {
            return Err(cx.raise(exc::OSError(), "can't reconstruct logical file position"));
        };
        let skip = this.used.get();
        if skip == 0 || this.decoded.is_empty() {
            return Ok(Cookie { start, flags: snap.flags as i32, ..Cookie::default() }.pack());
        }
        let saved = state(cx, &this, &d)?;
        let r = locate(cx, &this, &d, &snap, start, skip);
        set_state(cx, &this, &d, &saved.0, saved.1)?;
        Ok(r?.pack())
    }

    /// Sets the stream position: to a number that tell() gave, or the start (0), or with whence 2 the end.
    #[pymethod(sig = "($self, cookie, whence=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, TextIoWrapper>, cookie: &Obj, whence: i32) -> PyResult {
        this.check_open(cx)?;
        let buffer = this.buffer(cx)?;
        if !this.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        let mut cookie = cookie.clone();
        let is_zero = |c: &Obj| c.eq(cx, &Obj::from(0i64));
        match whence {
            0 => {}
            1 => {
                if !is_zero(&cookie)? {
                    return Err(unsupported(cx, "can't do nonzero cur-relative seeks"));
                }
                cookie = this.obj().call_method(cx, intern!("tell"), &[])?;
            }
            2 => {
                if !is_zero(&cookie)? {
                    return Err(unsupported(cx, "can't do nonzero end-relative seeks"));
                }
                this.obj().call_method(cx, intern!("flush"), &[])?;
                this.forget_decoded();
                let d = this.decoder.borrow().clone();
                if let Some(d) = d {
                    d.reset(cx)?;
                    if let Some(n) = &*this.newlines.borrow() {
                        n.pending_cr.set(false);
                    }
                }
                let at = buffer.call_method(cx, intern!("seek"), &[Obj::from(0i64), Obj::from(2i64)])?;
                if let Some(e) = this.encoder() {
                    e.reset(cx, is_zero(&at)?)?;
                }
                return Ok(at);
            }
            w => return Err(cx.value_error(format!("invalid whence ({w}, should be 0, 1 or 2)"))),
        }
        let cookie = cookie.index(cx)?;
        if int::is_negative(&cookie) {
            let shown = cookie.repr(cx)?;
            return Err(cx.value_error(format!("negative seek position {}", text::as_utf8_lossy(&shown))));
        }
        this.obj().call_method(cx, intern!("flush"), &[])?;
        let c = Cookie::unpack(cx, &cookie)?;
        buffer.call_method(cx, intern!("seek"), &[Obj::from(c.start)])?;
        this.forget_decoded();
        let decoder = this.decoder.borrow().clone();
        if let Some(d) = &decoder {
            if c.start == 0 && c.flags == 0 {
                d.reset(cx)?;
                if let Some(n) = &*this.newlines.borrow() {
                    n.pending_cr.set(false);
                }
            } else {
                set_state(cx, &this, d, &[], i64::from(c.flags))?;
            }
            if c.skip > 0 {
                let input = buffer.call_method(cx, intern!("read"), &[Obj::from(c.feed)])?;
                let Some(b) = bytes::as_bytes(&input) else {
                    return Err(cx.type_error(format!(
                        "underlying read() should have returned a bytes object, not '{}'",
                        input.type_of().name()
                    )));
                };
                let t = feed(cx, &this, d, b, c.need_eof)?;
                let n = t.len(cx)?;
                *this.snapshot.borrow_mut() = Some(Snapshot { flags: i64::from(c.flags), input: b.to_vec() });
                this.decoded.set(Some(t));
                if n < c.skip as usize {
                    return Err(cx.raise(exc::OSError(), "can't restore logical file position"));
                }
                this.used.set(c.skip as usize);
            } else {
                *this.snapshot.borrow_mut() = Some(Snapshot { flags: i64::from(c.flags), input: Vec::new() });
            }
        }
        if let Some(e) = this.encoder() {
            e.reset(cx, c.start == 0 && c.flags == 0)?;
        }
        Ok(cookie)
    }

    /// Truncates the file to at most pos bytes; by default to the current position.
    #[pymethod(sig = "($self, pos=None, /)")]
    fn truncate(cx: &Ctx, this: This<'_, TextIoWrapper>, pos: Option<&Obj>) -> PyResult {
        let buffer = this.buffer(cx)?;
        this.obj().call_method(cx, intern!("flush"), &[])?;
        buffer.call_method(cx, intern!("truncate"), &[pos.cloned().unwrap_or_else(Obj::none)])
    }
}
