//! Functions at fixed addresses in one block of memory, linked as installation links them.

use cinder_codegen::lower::Lowered;
use cinder_codegen::masm::aarch64::Aarch64Masm;
use cinder_codegen::masm::{Gpr, Masm};
use cinder_codegen::reloc::{Ref, Reloc};
use cinder_lir::alloc::{Allocated, Target};
use cinder_lir::{Function, Symbol};
use std::collections::BTreeMap;

/// Where the driver maps the image: out of reach of calls to the driver's functions, so that those go by stubs.
const BASE: u64 = 0x2000_0000;

/// A function in the image.
pub struct Placed {
    pub func: Function,
    pub alloc: Allocated,
    pub lowered: Lowered,
    pub address: u64,
    stubs: u64,
    cells: u64,
}

impl Placed {
    /// The address of the n-th entry.
    pub fn entry(&self, n: usize) -> u64 {
        self.address + u64::from(self.lowered.entries[n])
    }

    /// The address of its first data cell, or 0.
    pub fn cell(&self) -> u64 {
        if self.func.cells().is_empty() { 0 } else { self.cells }
    }
}

/// The block of memory, and the names known in it. It begins with the stub behind all exits.
pub struct Image {
    pub bytes: Vec<u8>,
    pub functions: Vec<Placed>,
    names: BTreeMap<String, u64>,
}

impl Image {
    /// An image in which exits end up in the function `on_exit_taken` among these symbols.
    pub fn new(target: &Target, symbols: BTreeMap<String, u64>) -> Image {
        let mut masm = Aarch64Masm::new();
        masm.common_exit(Gpr(target.thread.hw_enc() as u8), symbols["on_exit_taken"]);
        let (stub, _) = masm.finish(&[]);
        assert!(stub.relocs.is_empty(), "the stub has the handler's address in it");
        Image { bytes: stub.code, functions: Vec::new(), names: symbols }
    }

    /// Appends bytes at an aligned address.
    fn append(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
        let at = BASE + self.bytes.len() as u64;
        self.bytes.extend(bytes);
        at
    }

    /// Places functions that may name each other's entries.
    pub fn place(&mut self, group: Vec<(Function, Allocated, Lowered)>) {
        let first = self.functions.len();
        for (func, alloc, lowered) in group {
            let address = self.append(&lowered.assembled.code);
            let relocs = lowered.assembled.relocs.len();
            let stubs = self.append(&vec![0; 16 * relocs]);
            let cells: Vec<u8> = func.cells().iter().flat_map(|c| c.init.to_le_bytes()).collect();
            let cells = self.append(&cells);
            for (entry, offset) in func.entries().iter().zip(&lowered.entries) {
                self.names.insert(entry.name.clone(), address + u64::from(*offset));
            }
            self.functions.push(Placed { func, alloc, lowered, address, stubs, cells });
        }
        for n in first..self.functions.len() {
            self.link(n);
        }
    }

    fn link(&mut self, n: usize) {
        let Image { bytes, functions, names } = self;
        let placed = &functions[n];
        let code = &mut bytes[(placed.address - BASE) as usize..];
        for (i, reloc) in placed.lowered.assembled.relocs.iter().enumerate() {
            let target = match reloc.symbol {
                Ref::Exit => BASE,
                Ref::Function => n as u64,
                Ref::Cell(k) => placed.cells + 8 * u64::from(k),
                Ref::Symbol(s) => match &placed.func.symbols()[s as usize] {
                    Symbol::Addr(address) => *address,
                    Symbol::Name(name) => names[name],
                    Symbol::User(id) => names[&format!("host{id}")],
                },
            };
            if let Err(error) = reloc.apply(code, placed.address, target) {
                assert!(reloc.kind.is_call(), "{error}");
                let stub = placed.stubs + 16 * i as u64;
                let at = (stub - placed.address) as usize;
                code[at..at + 16].copy_from_slice(&Reloc::far_stub(reloc.kind, target));
                reloc.apply(code, placed.address, stub).expect("stubs are near");
            }
        }
    }
}
