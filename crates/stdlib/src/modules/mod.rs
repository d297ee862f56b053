//! The native modules: one file or folder for each.

mod cmath;
mod codecs;
mod errno;
mod math;
mod posix;
mod resource;
mod sre;
mod stat_;
mod string;
pub(crate) mod time;

use cinder_pyobj::native::ModuleDef;

/// All native modules of this crate.
pub static ALL: &[&ModuleDef] = &[
    &cmath::cmath::MODULE,
    &codecs::module::MODULE,
    &errno::errno::MODULE,
    &math::math::MODULE,
    &posix::posix::MODULE,
    &resource::resource::MODULE,
    &sre::sre::MODULE,
    &stat_::stat::MODULE,
    &string::module::MODULE,
    &time::time::MODULE,
];
