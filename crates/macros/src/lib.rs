//! Attribute macros that declare Cinder's built-in types and native modules.
