//! A safe face of zlib's streams.

use libz_rs_sys as z;

use crate::os::sys;

/// The end of the stream was reached.
pub(super) const STREAM_END: i32 = 1;
/// A preset dictionary is needed.
pub(super) const NEED_DICT: i32 = 2;
/// No progress was possible.
pub(super) const BUF_ERROR: i32 = -5;

pub(super) const FINISH: i32 = 4;
pub(super) const SYNC_FLUSH: i32 = 2;

/// A failed call: zlib's code, and what it says.
pub(super) struct Failed {
    pub code: i32,
    text: Option<String>,
}

impl Failed {
    pub(super) fn text(&self) -> &str {
        match (&self.text, self.code) {
            (Some(t), _) => t,
            (None, -5) => "incomplete or truncated stream",
            (None, -2) => "inconsistent stream state",
            (None, -3) => "invalid input data",
            (None, _) => "",
        }
    }

    fn named(code: i32) -> Failed {
        Failed { code, text: None }
    }
}

/// A stream that compresses or decompresses.
pub(super) struct Stream {
    z: Box<z::z_stream>,
    inflates: bool,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.inflates {
            sys!(z::inflateEnd(&mut *self.z));
        } else {
            sys!(z::deflateEnd(&mut *self.z));
        }
    }
}

/// What one run over input came to.
pub(super) struct Progress {
    /// The last code.
    pub code: i32,
    /// How much input was used.
    pub used: usize,
}

impl Stream {
    fn blank() -> Box<z::z_stream> {
        Box::new(z::z_stream::default())
    }

    /// A compressor.
    pub(super) fn deflate(level: i32, wbits: i32, mem_level: i32, strategy: i32) -> Result<Stream, i32> {
        let mut s = Self::blank();
        let size = size_of::<z::z_stream>() as i32;
        let r = sys!(z::deflateInit2_(&mut *s, level, 8, wbits, mem_level, strategy, z::zlibVersion(), size));
        if r == 0 { Ok(Stream { z: s, inflates: false }) } else { Err(r) }
    }

    /// A decompressor.
    pub(super) fn inflate(wbits: i32) -> Result<Stream, i32> {
        let mut s = Self::blank();
        let r = sys!(z::inflateInit2_(&mut *s, wbits, z::zlibVersion(), size_of::<z::z_stream>() as i32));
        if r == 0 { Ok(Stream { z: s, inflates: true }) } else { Err(r) }
    }

    /// A stream in the same state that goes on independently.
    pub(super) fn copy(&mut self) -> Result<Stream, i32> {
        let mut s = Self::blank();
        // zlib wants to see some output memory, though it writes none.
        self.z.next_out = std::ptr::NonNull::dangling().as_ptr();
        self.z.avail_out = 0;
        let r = if self.inflates {
            sys!(z::inflateCopy(&mut *s, &*self.z))
        } else {
            sys!(z::deflateCopy(&mut *s, &mut *self.z))
        };
        self.z.next_out = std::ptr::null_mut();
        s.next_out = std::ptr::null_mut();
        if r == 0 { Ok(Stream { z: s, inflates: self.inflates }) } else { Err(r) }
    }

    /// Gives the stream a preset dictionary.
    pub(super) fn set_dictionary(&mut self, d: &[u8]) -> Result<(), Failed> {
        let n = d.len() as u32;
        let r = if self.inflates {
            sys!(z::inflateSetDictionary(&mut *self.z, d.as_ptr(), n))
        } else {
            sys!(z::deflateSetDictionary(&mut *self.z, d.as_ptr(), n))
        };
        if r == 0 { Ok(()) } else { Err(self.failed(r)) }
    }

    /// zlib's own words for a code, where it has any.
    pub(super) fn failed(&self, code: i32) -> Failed {
        if code == BUF_ERROR || self.z.msg.is_null() {
            return Failed::named(code);
        }
        let text = sys!(std::ffi::CStr::from_ptr(self.z.msg)).to_string_lossy().into_owned();
        Failed { code, text: Some(text) }
    }

    /// Runs over `input` until it is used up, the stream ends, zlib needs something, or `out` holds `limit` bytes.
    /// Memory that cannot be had shows as zlib's code for it.
    pub(super) fn run(&mut self, input: &[u8], out: &mut Vec<u8>, limit: usize, flush: i32) -> Progress {
        let mut used = 0;
        loop {
            let left = &input[used..];
            let take = left.len().min(u32::MAX as usize);
            // Flushing is for the last piece only.
            let mode = if take == left.len() { flush } else { 0 };
            let step = (16 * 1024).max(out.len() / 2).min(limit.saturating_sub(out.len())).min(1 << 30);
            if step == 0 {
                return Progress { code: 0, used };
            }
            if out.try_reserve(step).is_err() {
                return Progress { code: -4, used };
            }
            let start = out.len();
            out.resize(start + step, 0);
            self.z.next_in = left.as_ptr().cast_mut();
            self.z.avail_in = take as u32;
            self.z.next_out = out[start..].as_mut_ptr();
            self.z.avail_out = step as u32;
            let code =
                if self.inflates { sys!(z::inflate(&mut *self.z, mode)) } else { sys!(z::deflate(&mut *self.z, mode)) };
            used += take - self.z.avail_in as usize;
            let room = self.z.avail_out as usize;
            out.truncate(start + step - room);
            self.z.next_in = std::ptr::null_mut();
            self.z.next_out = std::ptr::null_mut();
            self.z.avail_in = 0;
            // There is more to come only if the room was used up (which finishing calls an error of the buffer), or input
            // is left that was not offered.
            let more = match code {
                0 => room == 0 || (used < input.len() && mode != flush),
                BUF_ERROR => room == 0,
                _ => false,
            };
            if !more {
                return Progress { code, used };
            }
        }
    }
}
