//! `sys._jit`: whether code is compiled to machine code.

use cinder_pyobj::native::pymodule;

/// Utilities for observing just-in-time compilation.
#[pymodule(name = "sys._jit")]
pub(crate) mod jit {
    /// Return True if the current Python executable supports JIT compilation, and False otherwise.
    #[pyfunction(sig = "()")]
    fn is_available() -> bool {
        false
    }

    /// Return True if JIT compilation is enabled for the current Python process, and False otherwise.
    #[pyfunction(sig = "()")]
    fn is_enabled() -> bool {
        false
    }

    /// Return True if the topmost Python frame is currently executing JIT code, and False otherwise.
    #[pyfunction(sig = "()")]
    fn is_active() -> bool {
        false
    }
}
