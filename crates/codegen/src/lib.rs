//! Machine code, code memory and DWARF for cinder-lir.
