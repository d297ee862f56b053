//! The JIT interface of gdb (and lldb): a linked list of object files and a function with a breakpoint on it.

use std::ptr;
use std::sync::{Mutex, PoisonError};

#[repr(C)]
struct Entry {
    next: *mut Entry,
    prev: *mut Entry,
    object: *const u8,
    size: u64,
}

#[repr(C)]
struct Descriptor {
    version: u32,
    action: u32,
    relevant: *mut Entry,
    first: *mut Entry,
}

const REGISTER: u32 = 1;
const UNREGISTER: u32 = 2;

/// The list that the debugger reads; its name and layout are the interface.
#[unsafe(no_mangle)]
#[used]
static mut __jit_debug_descriptor: Descriptor =
    Descriptor { version: 1, action: 0, relevant: ptr::null_mut(), first: ptr::null_mut() };

/// The debugger puts a breakpoint here and then looks at the descriptor; its name is the interface.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __jit_debug_register_code() {
    // SAFETY: emits nothing; keeps calls to this function from being optimised away.
    unsafe { std::arch::asm!("", options(nomem, nostack, preserves_flags)) };
}

static LIST: Mutex<()> = Mutex::new(());

/// An object file that the debugger knows, until dropped.
#[derive(Debug)]
pub struct Registration {
    entry: *mut Entry,
    object: Box<[u8]>,
}

// SAFETY: the entry is touched only under the list's lock.
unsafe impl Send for Registration {}
// SAFETY: shared references read only the object's bytes.
unsafe impl Sync for Registration {}

impl Registration {
    /// Tells the debugger about an object file.
    pub fn new(object: Vec<u8>) -> Registration {
        let object = object.into_boxed_slice();
        let entry = Box::into_raw(Box::new(Entry {
            next: ptr::null_mut(),
            prev: ptr::null_mut(),
            object: object.as_ptr(),
            size: object.len() as u64,
        }));
        let _lock = LIST.lock().unwrap_or_else(PoisonError::into_inner);
        let descriptor = &raw mut __jit_debug_descriptor;
        // SAFETY: the lock makes this thread the only one that touches the list; all entries in it are live.
        unsafe {
            (*entry).next = (*descriptor).first;
            if !(*entry).next.is_null() {
                (*(*entry).next).prev = entry;
            }
            (*descriptor).first = entry;
            (*descriptor).relevant = entry;
            (*descriptor).action = REGISTER;
        }
        __jit_debug_register_code();
        Registration { entry, object }
    }

    /// The object file.
    pub fn object(&self) -> &[u8] {
        &self.object
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _lock = LIST.lock().unwrap_or_else(PoisonError::into_inner);
        let descriptor = &raw mut __jit_debug_descriptor;
        // SAFETY: as in `new`; the entry is in the list and leaves it before it is freed.
        unsafe {
            let (next, prev) = ((*self.entry).next, (*self.entry).prev);
            if !next.is_null() {
                (*next).prev = prev;
            }
            if prev.is_null() {
                (*descriptor).first = next;
            } else {
                (*prev).next = next;
            }
            (*descriptor).relevant = self.entry;
            (*descriptor).action = UNREGISTER;
        }
        __jit_debug_register_code();
        // SAFETY: made by `Box::into_raw` in `new` and no longer in the list.
        drop(unsafe { Box::from_raw(self.entry) });
    }
}

/// Number of object files that the debugger knows.
pub fn registered() -> usize {
    let _lock = LIST.lock().unwrap_or_else(PoisonError::into_inner);
    let mut count = 0;
    // SAFETY: the lock keeps the list still.
    unsafe {
        let descriptor = &raw const __jit_debug_descriptor;
        let mut next = (*descriptor).first;
        while !next.is_null() {
            count += 1;
            next = (*next).next;
        }
    }
    count
}
