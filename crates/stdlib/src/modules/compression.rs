//! What the decompressor objects of `bz2`, `lzma` and `compression.zstd` have in common: input that waits, the end of
//! the stream, and what follows it.

use std::cell::{Cell, RefCell};

use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// How much room to add to a result that is full.
pub(crate) fn more_room(have: usize) -> usize {
    (16 * 1024).max(have / 2)
}

/// What one call of a decompressing function came to.
pub(crate) struct Step {
    /// Bytes of input that were used.
    pub(crate) used: usize,
    /// Bytes of output that were made.
    pub(crate) made: usize,
    /// Whether the stream ended.
    pub(crate) ended: bool,
}

/// The input side of a decompressor.
pub(crate) struct Input {
    /// Input that was not used yet.
    tail: RefCell<Vec<u8>>,
    unused: RefCell<Vec<u8>>,
    eof: Cell<bool>,
    needs_input: Cell<bool>,
    failed: Cell<bool>,
    /// Whether output may be left inside when all input was used.
    holds_back: bool,
    /// The message of the EOFError after the end.
    at_end: &'static str,
}

impl Input {
    pub(crate) fn new(holds_back: bool, at_end: &'static str) -> Input {
        Input {
            tail: RefCell::default(),
            unused: RefCell::default(),
            eof: Cell::new(false),
            needs_input: Cell::new(true),
            failed: Cell::new(false),
            holds_back,
            at_end,
        }
    }

    /// Whether the end of the stream was seen.
    pub(crate) fn eof(&self) -> bool {
        self.eof.get()
    }

    /// Whether nothing more can be made of the input so far.
    pub(crate) fn needs_input(&self) -> bool {
        self.needs_input.get()
    }

    /// Makes the decompressor unusable: the library's state is undefined after bad data.
    pub(crate) fn fail(&self) {
        self.failed.set(true);
        self.needs_input.set(false);
    }

    /// What followed the end of the stream.
    pub(crate) fn unused(&self) -> Obj {
        bytes::new(&self.unused.borrow())
    }

    /// Decompresses the input that waits and `data`, to at most `max_length` bytes if that is not negative. `step`
    /// decompresses once, from a slice into another.
    ///
    /// # Errors
    /// EOFError after the end of the stream; ValueError after bad data; what `step` raises; MemoryError.
    pub(crate) fn decompress(
        &self,
        cx: &Ctx,
        data: &Obj,
        max_length: isize,
        mut step: impl FnMut(&[u8], &mut [u8]) -> PyResult<Step>,
    ) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        if self.eof.get() {
            return Err(cx.raise(exc::EOFError(), self.at_end));
        }
        if self.failed.get() {
            return Err(cx.value_error("Decompressor is unusable after a previous error"));
        }
        let mut input = self.tail.take();
        input.extend(data);
        let limit = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut out: Vec<u8> = Vec::new();
        let mut used = 0;
        let mut ended = false;
        // Whether the last step filled all the room that it was given.
        let mut full = true;
        let mut first = true;
        loop {
            let room = more_room(out.len()).min(limit - out.len());
            // Without any room a first step still reads headers, and sees the end of streams without content.
            if room == 0 && !first {
                break;
            }
            first = false;
            if out.try_reserve(room).is_err() {
                return Err(cx.no_memory());
            }
            let start = out.len();
            out.resize(start + room, 0);
            let s = step(&input[used..], &mut out[start..])?;
            used += s.used;
            out.truncate(start + s.made);
            full = s.made == room;
            if s.ended {
                ended = true;
                break;
            }
            // Room left over means that the input was not enough.
            if !full && (used == input.len() || s.used == 0) {
                break;
            }
        }
        let rest = input.split_off(used);
        if ended {
            self.eof.set(true);
            self.needs_input.set(false);
            *self.unused.borrow_mut() = rest;
        } else {
            self.needs_input.set(rest.is_empty() && !(self.holds_back && full));
            *self.tail.borrow_mut() = rest;
        }
        Ok(bytes::new(&out))
    }
}
