//! Native modules of Cinder's standard library and the packed pure-Python library.

pub mod modules;
mod os;
pub mod packed;
