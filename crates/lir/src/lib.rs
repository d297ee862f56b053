//! A machine-level IR of no particular language, with register allocation by regalloc2.
