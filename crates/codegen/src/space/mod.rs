//! Installing code: addresses for everything that lowering left open, and the table of what is installed.

mod code;
mod exit;
mod walk;

pub use code::{CompiledCode, PointInfo};
pub use exit::{Exit, ExitHandler, ExitId, SavedRegisters};
pub(crate) use exit::{FPRS_OFFSET, SAVED_SIZE};
pub use walk::{Activation, Walk};

use crate::debug::{DebugOptions, Debuggers};
use crate::lower::Lowered;
use crate::masm::Masm;
use crate::memory::{Block, Cells, CodeMemory, MemoryError, MemoryLimits, MemoryUse, Protection};
use crate::reloc::{OutOfReach, Ref, Reloc};
use cinder_lir::alloc::{Allocated, Target};
use cinder_lir::ir::{Function, Symbol};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// How a [`CodeSpace`] is set up.
#[derive(Clone, Debug, Default)]
pub struct CodeSpaceConfig {
    /// How code memory is protected. Debuggers need [`Protection::Flip`] for breakpoints.
    pub protection: Protection,
    /// Bounds of code memory.
    pub limits: MemoryLimits,
    /// Where exits go. Without a handler, taking an exit ends the process.
    pub exit_handler: Option<ExitHandler>,
    /// What debuggers and profilers are told.
    pub debug: DebugOptions,
}

impl CodeSpaceConfig {
    /// A configuration for these debuggers and profilers: with gdb, code memory in which breakpoints work.
    pub fn debuggable(debug: DebugOptions) -> CodeSpaceConfig {
        let protection = if debug.gdb { Protection::Flip } else { Protection::default() };
        CodeSpaceConfig { protection, debug, ..CodeSpaceConfig::default() }
    }
}

/// Why code could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A symbol that nobody knows.
    #[error("{function} refers to {symbol}, which is not defined")]
    Undefined {
        /// The function that refers to it.
        function: String,
        /// The symbol as text.
        symbol: String,
    },
    /// The processor lacks instructions that the assembler takes for granted.
    #[error("this processor lacks {0}")]
    Processor(&'static str),
    /// A data symbol too far away.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// Debug information could not be produced or registered.
    #[error("debug information for {function}: {reason}")]
    Debug {
        /// The function.
        function: String,
        /// What went wrong.
        reason: String,
    },
}

/// A function ready for installation.
pub struct Unit<'a> {
    /// The LIR, for symbols, cells, entries and debug information.
    pub func: &'a Function,
    /// Its allocation, for deopt maps and variable locations.
    pub alloc: &'a Allocated,
    /// Its code.
    pub lowered: Lowered,
}

pub(crate) struct Shared {
    pub(crate) memory: CodeMemory,
    /// Installed functions by the address of their code.
    by_address: RwLock<BTreeMap<usize, Weak<CompiledCode>>>,
    by_id: RwLock<FxHashMap<u32, Weak<CompiledCode>>>,
    next_id: AtomicU32,
    exit: (Block, Cells),
    pub(crate) debuggers: Debuggers,
}

/// A place for compiled code: memory, the table of installed functions, debugger and profiler support.
///
/// Handles to it are cheap; the memory lives until the last handle and the last [`CompiledCode`] are gone.
#[derive(Clone)]
pub struct CodeSpace(pub(crate) Arc<Shared>);

impl CodeSpace {
    /// Reserves memory and installs the common exit stub.
    pub fn new<M: Masm>(target: &Target, config: CodeSpaceConfig) -> Result<CodeSpace, InstallError> {
        let memory = CodeMemory::new(config.protection, config.limits)?;
        let handler = config.exit_handler.unwrap_or(exit::no_handler);
        let mut masm = M::new();
        masm.common_exit(crate::masm::Gpr(target.thread.hw_enc() as u8), handler as usize as u64);
        let (stub, _) = masm.finish(&[]);
        let exit = memory.allocate(stub.code.len(), 0)?;
        memory.write(&exit.0, &stub.code)?;
        let debuggers = Debuggers::new(target.arch, config.debug)
            .map_err(|e| InstallError::Debug { function: "<exit stub>".into(), reason: e.to_string() })?;
        debuggers
            .stub("exit_stub", exit.0.address as u64, &stub)
            .map_err(|e| InstallError::Debug { function: "<exit stub>".into(), reason: e.to_string() })?;
        Ok(CodeSpace(Arc::new(Shared {
            memory,
            by_address: RwLock::default(),
            by_id: RwLock::default(),
            next_id: AtomicU32::new(0),
            exit,
            debuggers,
        })))
    }

    /// A code space for the machine this program runs on.
    pub fn host(config: CodeSpaceConfig) -> Result<CodeSpace, InstallError> {
        #[cfg(target_arch = "x86_64")]
        if !std::arch::is_x86_feature_detected!("sse4.1") || !std::arch::is_x86_feature_detected!("popcnt") {
            return Err(InstallError::Processor("SSE4.1 or POPCNT"));
        }
        CodeSpace::new::<crate::HostMasm>(&Target::host(), config)
    }

    /// Whether lowering should record what debug information needs ([`crate::lower::LowerOptions`]).
    pub fn wants_debug_points(&self) -> bool {
        self.0.debuggers.wants_variables()
    }

    /// What memory is in use.
    pub fn used(&self) -> MemoryUse {
        self.0.memory.used()
    }

    /// Installs one function.
    ///
    /// `resolve` gives addresses of symbols other than the function's own entries (which need not be asked for).
    pub fn install(
        &self,
        func: &Function,
        alloc: &Allocated,
        lowered: Lowered,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
    ) -> Result<Arc<CompiledCode>, InstallError> {
        let mut codes = self.install_group(vec![Unit { func, alloc, lowered }], resolve)?;
        codes.pop().ok_or(InstallError::Undefined { function: func.name.clone(), symbol: "itself".into() })
    }

    /// Installs functions that refer to each other by the names of their entries.
    pub fn install_group(
        &self,
        units: Vec<Unit<'_>>,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
    ) -> Result<Vec<Arc<CompiledCode>>, InstallError> {
        let shared = &self.0;
        let mut placed: Vec<Placed<'_>> = Vec::with_capacity(units.len());
        for unit in units {
            match self.place(unit, resolve) {
                Ok(p) => placed.push(p),
                Err(e) => {
                    for p in &placed {
                        shared.memory.free(&p.block, &p.cells);
                    }
                    return Err(e);
                }
            }
        }
        let mut names: FxHashMap<&str, u64> = FxHashMap::default();
        let by_name = |p: &Placed<'_>| p.unit.func.symbols().iter().any(|s| matches!(s, Symbol::Name(_)));
        // Most functions name no others.
        let named = if placed.iter().any(by_name) { &placed[..] } else { &[] };
        for p in named {
            for (entry, offset) in p.unit.func.entries().iter().zip(&p.unit.lowered.entries) {
                names.insert(&entry.name, p.block.address as u64 + u64::from(*offset));
            }
        }
        let result = placed.iter_mut().try_for_each(|p| p.write(shared, &names, resolve));
        if let Err(e) = result {
            for p in &placed {
                shared.memory.free(&p.block, &p.cells);
            }
            return Err(e);
        }
        drop(names);
        let mut codes = Vec::with_capacity(placed.len());
        let mut error = None;
        for p in placed {
            if error.is_some() {
                shared.memory.free(&p.block, &p.cells);
                continue;
            }
            match self.publish(p) {
                Ok(code) => codes.push(code),
                Err(e) => error = Some(e),
            }
        }
        error.map_or(Ok(codes), Err)
    }

    /// Finds memory: code, one far stub for each distinct call target that may be out of reach, cells.
    fn place<'a>(&self, unit: Unit<'a>, resolve: &dyn Fn(&Symbol) -> Option<u64>) -> Result<Placed<'a>, InstallError> {
        let mut targets: Vec<Ref> = Vec::new();
        for reloc in unit.lowered.assembled.relocs.iter().filter(|r| r.kind.is_call()) {
            // Targets inside code memory are always near; only those of the resolver may be far.
            let Ref::Symbol(n) = reloc.symbol else { continue };
            let outside = unit
                .func
                .symbols()
                .get(n as usize)
                .is_some_and(|s| !matches!(s, Symbol::Name(_)) || resolve(s).is_some());
            if outside && !targets.contains(&reloc.symbol) {
                targets.push(reloc.symbol);
            }
        }
        let stubs = unit.lowered.assembled.code.len().next_multiple_of(16);
        let len = if targets.is_empty() { stubs } else { stubs + 16 * targets.len() };
        let (block, cells) = self.0.memory.allocate(len, unit.func.cells().len())?;
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        Ok(Placed { unit, block, cells, far: targets, stubs, id })
    }

    /// Makes a written function known.
    fn publish(&self, placed: Placed<'_>) -> Result<Arc<CompiledCode>, InstallError> {
        let Placed { unit, block, cells, id, .. } = placed;
        let shared = &self.0;
        let address = block.address;
        let debug = shared.debuggers.function(&unit, address as u64);
        let (debug, error) = match debug {
            Ok(handle) => (Some(handle), None),
            Err(e) => (None, Some(e.to_string())),
        };
        let code = Arc::new(CompiledCode::new(id, unit, block, cells, Arc::downgrade(shared), debug));
        // Dropping the code on the error path gives its memory back.
        if let Some(reason) = error {
            return Err(InstallError::Debug { function: code.name().into(), reason });
        }
        write(&shared.by_id).insert(id, Arc::downgrade(&code));
        write(&shared.by_address).insert(address, Arc::downgrade(&code));
        Ok(code)
    }

    /// The function whose code contains an address.
    pub fn find(&self, pc: usize) -> Option<Arc<CompiledCode>> {
        let table = read(&self.0.by_address);
        let (_, code) = table.range(..=pc).next_back()?;
        code.upgrade().filter(|c| c.contains(pc))
    }

    /// The function with this number.
    pub fn function(&self, id: u32) -> Option<Arc<CompiledCode>> {
        read(&self.0.by_id).get(&id)?.upgrade()
    }

    /// Whether an address lies in the common exit stub.
    pub fn is_exit_stub(&self, pc: usize) -> bool {
        (self.0.exit.0.address..self.0.exit.0.address + self.0.exit.0.len).contains(&pc)
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Takes a function out of the tables and frees its memory; called when its last handle goes.
    pub(crate) fn forget(&self, id: u32, block: &Block, cells: &Cells) {
        write(&self.by_id).remove(&id);
        let mut table = write(&self.by_address);
        // Another function may already have the address if this one was never published.
        if table.get(&block.address).is_some_and(|c| c.strong_count() == 0) {
            table.remove(&block.address);
        }
        drop(table);
        self.memory.free(block, cells);
    }
}

/// A function with its addresses.
struct Placed<'a> {
    unit: Unit<'a>,
    block: Block,
    cells: Cells,
    /// Symbols that have a far stub, in order.
    far: Vec<Ref>,
    stubs: usize,
    id: u32,
}

impl Placed<'_> {
    /// Fills in addresses and copies the code to where it runs.
    fn write(
        &mut self,
        shared: &Shared,
        names: &FxHashMap<&str, u64>,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
    ) -> Result<(), InstallError> {
        let base = self.block.address as u64;
        let mut code = std::mem::take(&mut self.unit.lowered.assembled.code);
        let len = code.len();
        if !self.far.is_empty() {
            code.resize(self.stubs + 16 * self.far.len(), 0);
        }
        let mut known: Vec<Option<u64>> = vec![None; self.unit.func.symbols().len()];
        for reloc in &self.unit.lowered.assembled.relocs {
            let target = self.address(shared, reloc, names, resolve, &mut known)?;
            let written = reloc.apply(&mut code, base, target);
            let Err(error) = written else { continue };
            let Some(stub) = self.far.iter().position(|f| *f == reloc.symbol).filter(|_| reloc.kind.is_call()) else {
                return Err(error.into());
            };
            let at = self.stubs + 16 * stub;
            code[at..at + 16].copy_from_slice(&Reloc::far_stub(reloc.kind, target));
            reloc.apply(&mut code, base, base + at as u64)?;
        }
        for (i, cell) in self.unit.func.cells().iter().enumerate() {
            let at = (self.cells.address + 8 * i) as *const std::sync::atomic::AtomicU64;
            // SAFETY: the cells were just allocated for this function, eight bytes each, and nobody knows them yet.
            unsafe { &*at }.store(cell.init, Ordering::Relaxed);
        }
        shared.memory.write(&self.block, &code)?;
        // What profilers are shown is the function as it runs, without the stubs behind it.
        code.truncate(len);
        self.unit.lowered.assembled.code = code;
        Ok(())
    }

    fn address(
        &self,
        shared: &Shared,
        reloc: &Reloc,
        names: &FxHashMap<&str, u64>,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
        known: &mut [Option<u64>],
    ) -> Result<u64, InstallError> {
        let n = match reloc.symbol {
            Ref::Cell(n) => return Ok(self.cells.address as u64 + 8 * u64::from(n)),
            Ref::Exit => return Ok(shared.exit.0.address as u64),
            Ref::Function => return Ok(u64::from(self.id)),
            Ref::Symbol(n) => n as usize,
        };
        if let Some(Some(address)) = known.get(n) {
            return Ok(*address);
        }
        let symbol = self.unit.func.symbols().get(n);
        let address = match symbol {
            Some(Symbol::Addr(a)) => Some(*a),
            Some(s @ Symbol::Name(name)) => names.get(name.as_str()).copied().or_else(|| resolve(s)),
            Some(s @ Symbol::User(_)) => resolve(s),
            None => None,
        };
        let address = address.ok_or_else(|| InstallError::Undefined {
            function: self.unit.func.name.clone(),
            symbol: symbol.map_or_else(|| format!("symbol {n}"), |s| format!("{s:?}")),
        })?;
        known[n] = Some(address);
        Ok(address)
    }
}
