//! Per-thread interpreter state: the frame chain, the register stack and the handled exceptions.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap;
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use crate::frame::Frame;
use crate::runtime::Runtime;

/// Words in the first register chunk; later chunks double up to `MAX_CHUNK`.
const FIRST_CHUNK: usize = 32 * 1024;
const MAX_CHUNK: usize = 1024 * 1024;
/// Frame records in a chunk.
const FRAME_CHUNK: usize = 512;

/// The handled exception of one execution stack: the thread itself or a generator.
pub(crate) struct ExcState {
    pub exc: Cell<Option<Obj>>,
    pub prev: Cell<*const ExcState>,
}

impl ExcState {
    pub(crate) fn new() -> ExcState {
        ExcState { exc: Cell::new(None), prev: Cell::new(std::ptr::null()) }
    }

    /// A new reference to the exception.
    pub(crate) fn get(&self) -> Option<Obj> {
        let e = self.exc.take();
        let copy = e.clone();
        self.exc.set(e);
        copy
    }
}

/// A thread that runs Python code. Its context is the first field, so `&Thread` and `&Ctx` convert.
#[repr(C)]
pub(crate) struct Thread {
    pub cx: Ctx,
    pub current: Cell<*mut Frame>,
    /// The innermost handled-exception holder.
    pub exc: Cell<*const ExcState>,
    pub root_exc: ExcState,
    pub depth: Cell<u32>,
    pub recursion_limit: Cell<u32>,
    pub runtime: &'static Runtime,
    frame_top: Cell<*mut Frame>,
    frame_end: Cell<*mut Frame>,
    chunks: RefCell<Vec<Box<[Value]>>>,
    frame_chunks: RefCell<Vec<Box<[std::mem::MaybeUninit<Frame>]>>>,
    /// Chunks that the stack grew out of and shrank back from, for reuse.
    spare: RefCell<Vec<(*mut Value, *mut Value)>>,
    spare_frames: RefCell<Vec<(*mut Frame, *mut Frame)>>,
    /// The ends of the full chunks of records below the current one.
    full_frames: RefCell<Vec<*mut Frame>>,
    /// How long the iterable of the last `GetIter` was, if that was easy to tell; else 0.
    pub last_iterable: Cell<usize>,
    /// A second value, owned, that a fast path leaves to be dropped.
    pub parked: Cell<Option<Value>>,
    /// What the last entry frame returned.
    pub result: Cell<Option<Obj>>,
    pub asyncgen_firstiter: cinder_pyobj::value::ObjCell,
    pub asyncgen_finalizer: cinder_pyobj::value::ObjCell,
    /// How many callers a new coroutine remembers as its origin.
    pub coroutine_origin_depth: Cell<u32>,
    /// Thread-local data of `_thread._local`, by object.
    pub locals: cinder_pyobj::value::ObjCell,
    /// The current context of `contextvars`.
    pub context: cinder_pyobj::value::ObjCell,
    /// An exception sent by another thread.
    pub async_exc: cinder_pyobj::value::ObjCell,
    pub ident: u64,
    /// The functions of `sys.settrace` and `sys.setprofile`.
    pub trace_fn: cinder_pyobj::value::ObjCell,
    pub profile_fn: cinder_pyobj::value::ObjCell,
    /// How many callbacks of tools are running: their own code fires no events.
    pub tracing: Cell<u32>,
    /// The event whose callback runs, plus 1; 0 for none.
    pub what_event: Cell<u8>,
}

impl Thread {
    pub(crate) fn new(runtime: &'static Runtime, cx: Ctx, ident: u64) -> Box<Thread> {
        let t = Box::new(Thread {
            cx,
            current: Cell::new(std::ptr::null_mut()),
            exc: Cell::new(std::ptr::null()),
            root_exc: ExcState::new(),
            depth: Cell::new(0),
            recursion_limit: Cell::new(runtime.recursion_limit.get()),
            runtime,
            frame_top: Cell::new(std::ptr::null_mut()),
            frame_end: Cell::new(std::ptr::null_mut()),
            chunks: RefCell::new(Vec::new()),
            frame_chunks: RefCell::new(Vec::new()),
            spare: RefCell::new(Vec::new()),
            spare_frames: RefCell::new(Vec::new()),
            full_frames: RefCell::new(Vec::new()),
            last_iterable: Cell::new(0),
            parked: Cell::new(None),
            result: Cell::new(None),
            asyncgen_firstiter: Default::default(),
            asyncgen_finalizer: Default::default(),
            coroutine_origin_depth: Cell::new(0),
            locals: Default::default(),
            context: Default::default(),
            async_exc: Default::default(),
            ident,
            trace_fn: Default::default(),
            profile_fn: Default::default(),
            tracing: Cell::new(0),
            what_event: Cell::new(0),
        });

        t.exc.set(&t.root_exc);
        t.cx.interp.set(&*t as *const Thread as *mut ());
        t
    }

    /// Adds the thread to those that run Python code.
    pub(crate) fn register(&self) {
        self.runtime.threads.borrow_mut().push(self);
    }

    /// Takes the thread off the list and gives up what it holds. The interpreter lock is still held.
    pub(crate) fn retire(&self) {
        crate::observe::legacy::thread_ends(self);
        let cells = [&self.locals, &self.asyncgen_firstiter, &self.asyncgen_finalizer, &self.context, &self.async_exc];
        for c in cells {
            c.set(None);
        }
        drop(self.result.take());
        drop(self.root_exc.exc.take());
        drop(self.cx.take_pending());
        let me: *const Thread = self;
        self.runtime.threads.borrow_mut().retain(|t| *t != me);
    }

    /// The thread of a context.
    #[inline(always)]
    pub(crate) fn of(cx: &Ctx) -> &Thread {
        debug_assert!(!cx.interp.get().is_null());
        // SAFETY: every context that runs under this crate is the first field of a `Thread`.
        unsafe { &*(cx.interp.get() as *const Thread) }
    }

    /// The running frame.
    #[inline(always)]
    pub(crate) fn frame(&self) -> Option<&Frame> {
        // SAFETY: frames in the chain are alive.
        unsafe { self.current.get().as_ref() }
    }

    /// Where the registers of a new frame may start, and the end of that chunk.
    #[inline]
    pub(crate) fn register_top(&self) -> (*mut Value, *mut Value) {
        match self.frame() {
            Some(f) => (f.top, f.reg_end),
            None => self.first_chunk(),
        }
    }

    #[cold]
    fn first_chunk(&self) -> (*mut Value, *mut Value) {
        let mut chunks = self.chunks.borrow_mut();
        if chunks.is_empty() {
            chunks.push(vec![Value::UNBOUND; FIRST_CHUNK].into_boxed_slice());
        }
        let c = &mut chunks[0];
        let start = c.as_mut_ptr();
        // SAFETY: one past the end of the chunk.
        (start, unsafe { start.add(c.len()) })
    }

    /// A chunk with room for `words` registers, apart from those in use. MemoryError if there is none.
    #[cold]
    pub(crate) fn new_chunk(&self, words: usize) -> PyResult<(*mut Value, *mut Value)> {
        let mut spare = self.spare.borrow_mut();
        if let Some(i) = spare.iter().position(|(s, e)| (*e as usize - *s as usize) / 8 >= words) {
            return Ok(spare.swap_remove(i));
        }
        let mut chunks = self.chunks.borrow_mut();
        let len = (FIRST_CHUNK << chunks.len().min(8)).min(MAX_CHUNK).max(words);
        let mut v: Vec<Value> = Vec::new();
        if v.try_reserve_exact(len).is_err() {
            return Err(self.cx.no_memory());
        }
        v.resize(len, Value::UNBOUND);
        let mut b = v.into_boxed_slice();
        let start = b.as_mut_ptr();
        chunks.push(b);
        // SAFETY: one past the end of the chunk.
        Ok((start, unsafe { start.add(len) }))
    }

    /// Gives a chunk back once no frame has registers in it.
    #[cold]
    pub(crate) fn release_chunk(&self, start: *mut Value, end: *mut Value) {
        if heap::is_memory_short() {
            // Those that were given back before; the first one is in use for good.
            let mut chunks = self.chunks.borrow_mut();
            for (old, _) in self.spare.borrow_mut().drain(..) {
                if let Some(i) = chunks.iter().rposition(|c| std::ptr::eq(c.as_ptr(), old))
                    && i > 0
                {
                    drop(chunks.swap_remove(i));
                }
            }
        }
        self.spare.borrow_mut().push((start, end));
    }

    /// Room for one frame record, and whether it is the first of its chunk.
    #[inline(always)]
    pub(crate) fn alloc_frame(&self) -> (*mut Frame, bool) {
        let p = self.frame_top.get();
        if p == self.frame_end.get() {
            return (self.alloc_frame_slow(), true);
        }
        // SAFETY: `p` is below the end of its chunk.
        self.frame_top.set(unsafe { p.add(1) });
        (p, false)
    }

    /// Whether the current chunk of records has room.
    #[inline(always)]
    pub(crate) fn has_frame_room(&self) -> bool {
        self.frame_top.get() != self.frame_end.get()
    }

    /// Whether the current chunk of records has room for two.
    #[inline(always)]
    pub(crate) fn has_room_for_two(&self) -> bool {
        self.frame_end.get() as usize - self.frame_top.get() as usize >= 2 * size_of::<Frame>()
    }

    /// As [`Thread::alloc_frame`], where [`Thread::has_frame_room`].
    #[inline(always)]
    pub(crate) fn take_frame(&self) -> *mut Frame {
        let p = self.frame_top.get();
        // SAFETY: `p` is below the end of its chunk.
        self.frame_top.set(unsafe { p.add(1) });
        p
    }

    #[cold]
    #[inline(never)]
    fn alloc_frame_slow(&self) -> *mut Frame {
        let (start, end) = match self.spare_frames.borrow_mut().pop() {
            Some(c) => c,
            None => {
                let mut b: Box<[std::mem::MaybeUninit<Frame>]> = Box::new_uninit_slice(FRAME_CHUNK);
                let start = b.as_mut_ptr() as *mut Frame;
                self.frame_chunks.borrow_mut().push(b);
                // SAFETY: one past the end of the chunk.
                (start, unsafe { start.add(FRAME_CHUNK) })
            }
        };
        self.full_frames.borrow_mut().push(self.frame_end.get());
        self.frame_end.set(end);
        // SAFETY: the chunk is not empty.
        self.frame_top.set(unsafe { start.add(1) });
        start
    }

    /// Gives back the record of the innermost frame, which is not the first of its chunk.
    #[inline(always)]
    pub(crate) fn free_frame_quick(&self, f: *mut Frame) {
        self.frame_top.set(f);
    }

    /// Gives back the record of the innermost frame.
    #[inline(always)]
    pub(crate) fn free_frame(&self, f: *mut Frame) {
        // SAFETY: the record is the last one allocated and not yet given back.
        if unsafe { (*f).chunk_first } {
            return self.leave_frame_chunk(f);
        }
        self.frame_top.set(f);
    }

    #[cold]
    fn leave_frame_chunk(&self, start: *mut Frame) {
        let before = self.full_frames.borrow_mut().pop().unwrap_or(std::ptr::null_mut());
        if heap::is_memory_short() {
            let mut chunks = self.frame_chunks.borrow_mut();
            for (old, _) in self.spare_frames.borrow_mut().drain(..) {
                if let Some(i) = chunks.iter().rposition(|c| std::ptr::eq(c.as_ptr().cast(), old)) {
                    drop(chunks.swap_remove(i));
                }
            }
        }
        self.spare_frames.borrow_mut().push((start, self.frame_end.get()));
        // The chunk before is full up to its end.
        self.frame_top.set(before);
        self.frame_end.set(before);
    }

    /// Whether the entry frame that just ended left a result.
    pub(crate) fn has_result(&self) -> bool {
        let r = self.result.take();
        let some = r.is_some();
        self.result.set(r);
        some
    }

    /// The exception being handled, innermost first.
    pub(crate) fn handled(&self) -> Option<Obj> {
        let mut s = self.exc.get();
        while !s.is_null() {
            // SAFETY: states in the chain belong to the thread or to generators that are running.
            let state = unsafe { &*s };
            if let Some(e) = state.get() {
                return Some(e);
            }
            s = state.prev.get();
        }
        None
    }

    /// The innermost holder.
    #[inline(always)]
    pub(crate) fn exc_state(&self) -> &ExcState {
        // SAFETY: as in `handled`.
        unsafe { &*self.exc.get() }
    }

    /// Counts a Python call; RecursionError past the limit.
    #[inline(always)]
    pub(crate) fn enter_call(&self) -> PyResult<()> {
        let d = self.depth.get() + 1;
        if d > self.recursion_limit.get() {
            return Err(self.recursion_error());
        }
        self.depth.set(d);
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn leave_call(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    #[cold]
    fn recursion_error(&self) -> cinder_pyobj::Raised {
        // Room for making the exception and for handlers that clean up.
        let limit = self.recursion_limit.get();
        self.recursion_limit.set(limit.saturating_add(50));
        let r = self.cx.raise(exc::RecursionError(), "maximum recursion depth exceeded");
        self.recursion_limit.set(limit);
        r
    }
}
