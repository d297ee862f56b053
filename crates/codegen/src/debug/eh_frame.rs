//! Registration of call frame information with the unwinder of the process.

unsafe extern "C" {
    fn __register_frame(begin: *const u8);
    fn __deregister_frame(begin: *const u8);
}

/// Call frame information that the unwinder knows, until dropped.
#[derive(Debug)]
pub struct Registration(Box<[u8]>);

impl Registration {
    /// Registers the bytes of an `.eh_frame` section with its terminator.
    pub fn new(section: Vec<u8>) -> Registration {
        let section = section.into_boxed_slice();
        // SAFETY: the section is well formed, ends with a terminator and stays where it is until deregistered.
        unsafe { __register_frame(section.as_ptr()) };
        Registration(section)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: registered by `new`, with the same address.
        unsafe { __deregister_frame(self.0.as_ptr()) };
    }
}
