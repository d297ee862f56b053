//! Code memory: bounded, reclaimed, never writable and executable through one mapping.
//!
//! A [`CodeMemory`] hands out blocks of code and groups of data cells that lie within reach of each other. There
//! are two ways to keep memory from being writable and executable at once:
//! - [`Protection::DualMapping`] (the default): the same shared anonymous pages are mapped twice, writable at an
//!   address that only this module knows and executable where the code runs. Installing costs a copy.
//! - [`Protection::Flip`]: private pages that are writable until the code is in them and executable ever after.
//!   Every block has pages of its own. Debuggers can set breakpoints only in such memory.
//!
//! Pages shared between mappings are also shared with forked children. Therefore a child never writes to the pages
//! it inherited, and a parent never reuses blocks that a child may be running.

mod fork;
mod free_list;
mod map;

use free_list::FreeList;
use map::Mapping;
use std::sync::Arc;

/// How code memory is kept from being writable and executable at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protection {
    /// Two mappings of the same pages.
    #[default]
    DualMapping,
    /// One private mapping whose pages change from writable to executable.
    Flip,
}

/// Limits of code memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryLimits {
    /// Most bytes of code.
    pub code: usize,
    /// Most bytes of data cells.
    pub data: usize,
}

impl Default for MemoryLimits {
    fn default() -> MemoryLimits {
        MemoryLimits { code: 64 << 20, data: 16 << 20 }
    }
}

/// Why code memory could not be had.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The operating system refused a mapping.
    #[error("cannot {what}: {source}")]
    Map {
        /// What was tried.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The limit on code or data is reached.
    #[error("no room for {bytes} more bytes of code or cells")]
    Full {
        /// The bytes asked for.
        bytes: usize,
    },
}

/// Occupancy, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUse {
    /// Code in use.
    pub code: usize,
    /// Cells in use.
    pub data: usize,
    /// Code that cannot be reused because a forked process may run it.
    pub shared_with_forks: usize,
}

struct Arena {
    map: Mapping,
    code: FreeList,
    data: FreeList,
    process: u32,
}

struct State {
    arena: Option<Arc<fork::ForkCell<Arena>>>,
    used: MemoryUse,
}

/// A supply of code memory, shared by threads.
pub struct CodeMemory {
    protection: Protection,
    limits: MemoryLimits,
    state: fork::ForkCell<State>,
}

/// A piece of code memory: executable where it runs, writable only through [`CodeMemory::write`].
#[derive(Debug)]
pub struct Block {
    /// Address where the code runs.
    pub address: usize,
    /// Its size in bytes.
    pub len: usize,
    offset: usize,
    forks: u32,
    process: u32,
}

/// Data cells near the code: zeroed, eight bytes each, readable and writable.
#[derive(Debug)]
pub struct Cells {
    /// Address of the first cell.
    pub address: usize,
    /// Number of cells.
    pub count: usize,
    offset: usize,
    process: u32,
}

const ALIGN: usize = 32;

impl CodeMemory {
    /// Reserves address space. Nothing is committed before code comes.
    pub fn new(protection: Protection, limits: MemoryLimits) -> Result<CodeMemory, MemoryError> {
        fork::watch();
        let page = map::page_size();
        let limits = MemoryLimits {
            code: limits.code.max(page).next_multiple_of(page),
            data: limits.data.max(page).next_multiple_of(page),
        };
        let arena = CodeMemory::arena(protection, limits)?;
        let state = State { arena: Some(Arc::new(fork::ForkCell::new(arena))), used: MemoryUse::default() };
        Ok(CodeMemory { protection, limits, state: fork::ForkCell::new(state) })
    }

    fn arena(protection: Protection, limits: MemoryLimits) -> Result<Arena, MemoryError> {
        let map = Mapping::new(protection, limits.code, limits.data)?;
        Ok(Arena {
            map,
            code: FreeList::new(limits.code),
            data: FreeList::new(limits.data),
            process: std::process::id(),
        })
    }

    /// How this memory is protected.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// What is in use.
    pub fn used(&self) -> MemoryUse {
        self.state.with(|s| s.used)
    }

    /// The arena of this process: a forked child starts its own.
    fn current(&self, state: &mut State) -> Result<Arc<fork::ForkCell<Arena>>, MemoryError> {
        if let Some(arena) = &state.arena
            && arena.with(|a| a.process) == std::process::id()
        {
            return Ok(arena.clone());
        }
        // The inherited arena stays mapped: its code goes on running here, unchanged.
        if let Some(inherited) = state.arena.take() {
            std::mem::forget(inherited);
        }
        let arena = Arc::new(fork::ForkCell::new(CodeMemory::arena(self.protection, self.limits)?));
        state.arena = Some(arena.clone());
        state.used = MemoryUse::default();
        Ok(arena)
    }

    /// Allocates room for `len` bytes of code and `cells` data cells.
    pub fn allocate(&self, len: usize, cells: usize) -> Result<(Block, Cells), MemoryError> {
        let align = match self.protection {
            Protection::DualMapping => ALIGN,
            Protection::Flip => map::page_size(),
        };
        self.state.with(|state| {
            let arena = self.current(state)?;
            arena.with(|arena| {
                let size = len.max(1).checked_next_multiple_of(align).ok_or(MemoryError::Full { bytes: len })?;
                let bytes = cells.checked_mul(8).ok_or(MemoryError::Full { bytes: len })?;
                let room = bytes.next_multiple_of(16);
                let offset = arena.code.take(size).ok_or(MemoryError::Full { bytes: len })?;
                let data = match room {
                    0 => 0,
                    _ => match arena.data.take(room) {
                        Some(at) => at,
                        None => {
                            arena.code.give(offset, size);
                            return Err(MemoryError::Full { bytes });
                        }
                    },
                };
                state.used.code += size;
                state.used.data += room;
                let process = arena.process;
                let block =
                    Block { address: arena.map.code() + offset, len: size, offset, forks: fork::count(), process };
                let cells = Cells { address: arena.map.data() + data, count: cells, offset: data, process };
                arena.map.clear_cells(data, room);
                Ok((block, cells))
            })
        })
    }

    /// Writes code into a fresh block and makes it executable. Must be called once, before the code runs.
    pub fn write(&self, block: &Block, code: &[u8]) -> Result<(), MemoryError> {
        let arena = self.state.with(|state| self.current(state))?;
        // Blocks are disjoint, so threads may write theirs at the same time.
        let map = arena.with(|a| if a.process == block.process { Some(a.map.handle()) } else { None });
        let Some(map) = map else { return Err(MemoryError::Full { bytes: code.len() }) };
        let len = code.len().min(block.len);
        map.write(block.offset, block.len, &code[..len])?;
        map::publish(block.address, block.len);
        Ok(())
    }

    /// Gives a block and its cells back. The caller makes sure that nobody runs the code or will return to it.
    pub fn free(&self, block: &Block, cells: &Cells) {
        self.state.with(|state| {
            let Some(arena) = state.arena.clone() else { return };
            arena.with(|arena| {
                if arena.process != block.process || arena.process != std::process::id() {
                    return;
                }
                state.used.code = state.used.code.saturating_sub(block.len);
                if block.forks == fork::count() || self.protection == Protection::Flip {
                    arena.map.discard(block.offset, block.len);
                    arena.code.give(block.offset, block.len);
                } else {
                    state.used.shared_with_forks += block.len;
                }
                let room = (cells.count * 8).next_multiple_of(16);
                if room != 0 && cells.process == arena.process {
                    state.used.data = state.used.data.saturating_sub(room);
                    arena.data.give(cells.offset, room);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests;
