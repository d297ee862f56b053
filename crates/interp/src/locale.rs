//! The character type of the process's locale. Called at the start, before other threads exist.

use std::ffi::CStr;

/// The locales that a C locale is replaced by.
const TARGETS: &[&CStr] = &[c"C.UTF-8", c"C.utf8", c"UTF-8"];

/// Sets the character type from the environment and returns the locale's name.
pub fn use_environment() -> String {
    // SAFETY: constant texts; nothing else reads the locale while the process starts.
    unsafe {
        let p = libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
        if p.is_null() { "C".to_owned() } else { CStr::from_ptr(p).to_string_lossy().into_owned() }
    }
}

/// Replaces a C locale by a UTF-8 one, in the environment too so that children have it; its name if there is one.
pub fn coerce() -> Option<&'static str> {
    // SAFETY: as in `use_environment`.
    let target = TARGETS.iter().find(|t| unsafe { !libc::setlocale(libc::LC_CTYPE, t.as_ptr()).is_null() })?;
    // SAFETY: no other thread reads the environment while the process starts.
    unsafe { libc::setenv(c"LC_CTYPE".as_ptr(), target.as_ptr(), 1) };
    target.to_str().ok()
}

/// The locale's encoding, such as `UTF-8`.
pub fn encoding() -> String {
    // SAFETY: the result is a text that lives until the locale changes.
    unsafe {
        let p = libc::nl_langinfo(libc::CODESET);
        if p.is_null() { String::new() } else { CStr::from_ptr(p).to_string_lossy().into_owned() }
    }
}
