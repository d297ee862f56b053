//! The buffer protocol.

/// What a consumer of a buffer asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct BufferFlags {
    /// The consumer writes.
    pub writable: bool,
}

/// An exported buffer.
pub struct Buffer {
    /// The exporter.
    pub exporter: crate::Obj,
}
