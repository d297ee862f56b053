//! The native modules.

mod codecs;
mod sre;
mod string;

use cinder_pyobj::native::ModuleDef;

/// All native modules of this crate.
pub static ALL: &[&ModuleDef] = &[
    &codecs::module::MODULE,
    &sre::sre::MODULE,
    &string::module::MODULE,
];
