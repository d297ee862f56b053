//! Native modules of Cinder's standard library and the packed pure-Python library.

pub mod modules;
pub mod names;
mod os;
pub mod packed;
