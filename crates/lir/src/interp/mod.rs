//! An interpreter: the definition of what LIR means, against which compiled code is compared.
//!
//! ```
//! use cinder_lir::{Function, interp::{Interp, Outcome}};
//!
//! let f: Function = r#"
//!     function "add1" {
//!       sig0 = host (i64) -> (i64)
//!       entry0 = "add1" block0 sig0
//!     block0:
//!       v0 = args sig0
//!       v1 = add.i64 v0, 1
//!       ret v1
//!     }
//! "#.parse()?;
//! let mut interp = Interp::default();
//! assert_eq!(interp.run(&f, 0, &[41])?, Outcome::Return(vec![42]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod exec;
mod memory;

use std::collections::HashMap;
use std::rc::Rc;

pub use memory::{Fault, Memory};

use crate::eval::TrapCode;
use crate::ir::{Function, InstId, Symbol};
use crate::types::Type;

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// The function returned these values; bits above their types are zero.
    Return(Vec<u64>),
    /// The function exited and no handler took over.
    Exit(ExitInfo),
}

/// An exit with its frame state.
#[derive(Clone, PartialEq, Debug)]
pub struct ExitInfo {
    /// Name of the function.
    pub func: String,
    /// The instruction.
    pub inst: InstId,
    /// The word of the frame state.
    pub user: u64,
    /// The values of the frame state; `None` for dead ones.
    pub values: Vec<Option<(Type, u64)>>,
}

/// Why a run could not go on.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum InterpError {
    /// The program trapped.
    #[error(transparent)]
    Trap(#[from] TrapCode),
    /// An access outside of memory.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An atomic operation at an address that is not a multiple of its width.
    #[error("an atomic operation on {bytes} bytes at {addr:#x}, which is not aligned")]
    Misaligned {
        /// The address.
        addr: u64,
        /// How many bytes.
        bytes: u32,
    },
    /// The budget of instructions is used up.
    #[error("out of fuel")]
    OutOfFuel,
    /// Calls are nested too deeply.
    #[error("calls are nested too deeply")]
    TooDeep,
    /// A call of something that is neither registered as a function nor as a host function.
    #[error("nothing is registered for {0}")]
    UnknownSymbol(String),
    /// The function is not well formed.
    #[error("malformed function: {0}")]
    Malformed(String),
}

/// A function of the host: gets memory and arguments, gives results.
pub type HostFn = Rc<dyn Fn(&mut Memory, &[u64]) -> Vec<u64>>;

/// Takes over after an exit: its values are returned from the function that exited.
pub type ExitHandler = Rc<dyn Fn(&mut Memory, &ExitInfo) -> Vec<u64>>;

/// The interpreter's state: memory, callable things and budgets.
pub struct Interp {
    /// Memory that loads and stores see.
    pub memory: Memory,
    /// Content of the thread register.
    pub thread: u64,
    /// How many more instructions may run.
    pub fuel: u64,
    /// For tests: the exit of the n-th guard to be executed (from 0) is taken whatever its condition.
    pub force_exit_at: Option<u64>,
    /// How many guards were executed.
    pub guards_run: u64,
    /// Called at exits.
    pub on_exit: Option<ExitHandler>,
    hosts: HashMap<Symbol, HostFn>,
    functions: HashMap<Symbol, (Rc<Function>, usize)>,
    addresses: HashMap<u64, Symbol>,
    cells: HashMap<*const Function, u64>,
    stack_pointer: u64,
    depth: u32,
}

/// Where the interpreter's own stack, symbols and cells lie.
const STACK_BASE: u64 = 0x7000_0000_0000;
const STACK_BYTES: usize = 1 << 18;
const SYMBOL_BASE: u64 = 0x6000_0000_0000;
const CELL_BASE: u64 = 0x6800_0000_0000;
const MAX_DEPTH: u32 = 200;

impl Default for Interp {
    fn default() -> Interp {
        let mut memory = Memory::default();
        memory.add(STACK_BASE, vec![0; STACK_BYTES]);
        Interp {
            memory,
            thread: 0,
            fuel: 1 << 32,
            force_exit_at: None,
            guards_run: 0,
            on_exit: None,
            hosts: HashMap::new(),
            functions: HashMap::new(),
            addresses: HashMap::new(),
            cells: HashMap::new(),
            stack_pointer: STACK_BASE + STACK_BYTES as u64,
            depth: 0,
        }
    }
}

impl Interp {
    /// Registers a function of the host.
    pub fn host(&mut self, symbol: Symbol, f: impl Fn(&mut Memory, &[u64]) -> Vec<u64> + 'static) {
        self.hosts.insert(symbol, Rc::new(f));
    }

    /// Registers an entry of an LIR function.
    pub fn function(&mut self, symbol: Symbol, f: Rc<Function>, entry: usize) {
        self.functions.insert(symbol, (f, entry));
    }

    /// The address that `sym_addr` gives for a symbol.
    pub fn address(&mut self, symbol: &Symbol) -> u64 {
        let addr = match symbol {
            Symbol::Addr(a) => *a,
            other => match self.addresses.iter().find(|(_, s)| *s == other) {
                Some((&a, _)) => return a,
                None => SYMBOL_BASE + 16 * self.addresses.len() as u64,
            },
        };
        self.addresses.insert(addr, symbol.clone());
        addr
    }

    /// Runs an entry of a function.
    ///
    /// # Errors
    /// When the program traps, faults, runs out of fuel or is malformed.
    pub fn run(&mut self, func: &Function, entry: usize, args: &[u64]) -> Result<Outcome, InterpError> {
        let Some(e) = func.entries().get(entry) else {
            return Err(InterpError::Malformed(format!("no entry {entry}")));
        };
        if self.depth >= MAX_DEPTH {
            return Err(InterpError::TooDeep);
        }
        let saved = self.stack_pointer;
        self.depth += 1;
        self.stack_pointer = (saved - u64::from(func.stack_size()) - 16) & !15;
        if self.stack_pointer < STACK_BASE + 4096 {
            self.stack_pointer = saved;
            self.depth -= 1;
            return Err(InterpError::TooDeep);
        }
        let cells = self.cells_of(func);
        let out = exec::Frame::new(self, func, args, cells, saved).run(e.block);
        self.stack_pointer = saved;
        self.depth -= 1;
        let out = out?;
        match (&out, self.on_exit.clone()) {
            (Outcome::Exit(info), Some(handler)) => Ok(Outcome::Return(handler(&mut self.memory, info))),
            _ => Ok(out),
        }
    }

    /// The data cells of a function, made at its first run. They are found again by the function's address.
    fn cells_of(&mut self, func: &Function) -> u64 {
        let next = CELL_BASE + 0x1_0000 * self.cells.len() as u64;
        let base = *self.cells.entry(std::ptr::from_ref(func)).or_insert(next);
        if base == next && !func.cells().is_empty() {
            let bytes = func.cells().iter().flat_map(|c| c.init.to_le_bytes()).collect();
            self.memory.add(base, bytes);
        }
        base
    }

    fn call(&mut self, symbol: &Symbol, args: &[u64]) -> Result<Outcome, InterpError> {
        if let Some((f, entry)) = self.functions.get(symbol).cloned() {
            return self.run(&f, entry, args);
        }
        match self.hosts.get(symbol).cloned() {
            Some(host) => Ok(Outcome::Return(host(&mut self.memory, args))),
            None => Err(InterpError::UnknownSymbol(format!("{symbol:?}"))),
        }
    }
}
