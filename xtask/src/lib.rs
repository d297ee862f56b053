//! Developer commands of the Cinder workspace, as a library so that tests can call them.

pub mod conformance;
pub mod licences;
pub mod workspace;
