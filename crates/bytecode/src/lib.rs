//! AST to symbol tables to register bytecode: code objects as plain data, verifier, disassembler, on-disk format.
