//! `str`: immutable text with O(1) indexing.
