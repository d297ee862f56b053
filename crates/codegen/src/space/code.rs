//! An installed function and everything known about it by address.

use super::exit::SavedRegisters;
use super::{Shared, Unit};
use crate::debug::DebugHandle;
use crate::lower::{CallSite, ExitStub, FrameInfo, LineRow};
use crate::memory::{Block, Cells};
use cinder_lir::alloc::{DeoptLoc, DeoptValue, RegClass};
use cinder_lir::ir::{LocId, SourceLoc};
use std::sync::Weak;
use std::sync::atomic::AtomicU64;

/// A deopt point of an installed function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PointInfo {
    /// The language's word of the frame state.
    pub user: u64,
    start: u32,
    len: u32,
}

/// An installed function. Its memory is given back when the last handle is dropped: whoever calls the code keeps a
/// handle for as long as an activation of it may exist.
pub struct CompiledCode {
    id: u32,
    name: String,
    block: Block,
    cells: Cells,
    code_len: u32,
    entries: Vec<(String, u32)>,
    calls: Vec<CallSite>,
    exits: Vec<ExitStub>,
    safepoints: Vec<(u32, u32)>,
    points: Vec<PointInfo>,
    values: Vec<DeoptValue>,
    traps: Vec<(u32, u32)>,
    lines: Vec<LineRow>,
    locs: Vec<SourceLoc>,
    frame: FrameInfo,
    shared: Weak<Shared>,
    debug: Option<DebugHandle>,
}

impl CompiledCode {
    pub(super) fn new(
        id: u32,
        unit: Unit<'_>,
        block: Block,
        cells: Cells,
        shared: Weak<Shared>,
        debug: Option<DebugHandle>,
    ) -> CompiledCode {
        let Unit { func, alloc, lowered } = unit;
        let mut points = Vec::with_capacity(alloc.deopt_points().len());
        let mut start = 0;
        for point in alloc.deopt_points() {
            let len = alloc.deopt_values(point).len() as u32;
            points.push(PointInfo { user: point.user, start, len });
            start += len;
        }
        let entries = func.entries().iter().zip(&lowered.entries).map(|(e, o)| (e.name.clone(), *o)).collect();
        CompiledCode {
            id,
            name: func.name.clone(),
            block,
            cells,
            code_len: lowered.assembled.code_len,
            entries,
            calls: lowered.calls,
            exits: lowered.exits,
            safepoints: lowered.safepoints,
            points,
            values: alloc.all_deopt_values().to_vec(),
            traps: lowered.assembled.traps,
            lines: lowered.lines,
            locs: func.locs().to_vec(),
            frame: lowered.frame,
            shared,
            debug,
        }
    }

    /// The function's number: what exits name it by.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name of the function.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the code starts.
    pub fn address(&self) -> usize {
        self.block.address
    }

    /// Bytes of instructions.
    pub fn code_len(&self) -> usize {
        self.code_len as usize
    }

    /// The instructions, for disassemblers.
    pub fn code(&self) -> &[u8] {
        // SAFETY: the block is readable, initialised and unchanged while this handle lives.
        unsafe { std::slice::from_raw_parts(self.block.address as *const u8, self.code_len as usize) }
    }

    /// Whether an address lies in this function.
    pub fn contains(&self, pc: usize) -> bool {
        (self.block.address..self.block.address + self.block.len).contains(&pc)
    }

    /// The address of the main entry.
    pub fn entry(&self) -> usize {
        self.entry_at(0).unwrap_or(self.block.address)
    }

    /// The address of the n-th entry, in the order of the LIR function's entries.
    pub fn entry_at(&self, n: usize) -> Option<usize> {
        self.entries.get(n).map(|(_, offset)| self.block.address + *offset as usize)
    }

    /// The address of an entry by its name.
    pub fn entry_named(&self, name: &str) -> Option<usize> {
        self.entries.iter().find(|(n, _)| n == name).map(|(_, offset)| self.block.address + *offset as usize)
    }

    /// A data cell. Running code reads and writes it too.
    pub fn cell(&self, n: usize) -> Option<&AtomicU64> {
        let at = (self.cells.address + 8 * n) as *const AtomicU64;
        // SAFETY: cells are eight aligned bytes each, live as long as this handle and are accessed atomically here;
        // compiled code accesses them with single instructions.
        (n < self.cells.count).then(|| unsafe { &*at })
    }

    /// How frames of this function look.
    pub fn frame(&self) -> &FrameInfo {
        &self.frame
    }

    /// Calls that return to this function, by return offsets.
    pub fn calls(&self) -> &[CallSite] {
        &self.calls
    }

    /// Exit stubs.
    pub fn exits(&self) -> &[ExitStub] {
        &self.exits
    }

    /// The call site that returns to an address, which may be the original or the rewritten one.
    pub fn call_site(&self, pc: usize) -> Option<&CallSite> {
        let offset = u32::try_from(pc.checked_sub(self.block.address)?).ok()?;
        if let Ok(i) = self.calls.binary_search_by_key(&offset, |c| c.return_offset) {
            return Some(&self.calls[i]);
        }
        self.calls.iter().find(|c| c.stub == Some(offset))
    }

    /// The deopt point recorded at a safepoint's address.
    pub fn safepoint(&self, pc: usize) -> Option<u32> {
        let offset = u32::try_from(pc.checked_sub(self.block.address)?).ok()?;
        self.safepoints.iter().find(|s| s.0 == offset).map(|s| s.1)
    }

    /// Number of deopt points.
    pub fn num_points(&self) -> usize {
        self.points.len()
    }

    /// A deopt point.
    pub fn point(&self, n: u32) -> Option<&PointInfo> {
        self.points.get(n as usize)
    }

    /// Places of the values of a deopt point, in the order of its frame state.
    pub fn point_values(&self, n: u32) -> &[DeoptValue] {
        self.points.get(n as usize).map_or(&[], |p| &self.values[p.start as usize..][..p.len as usize])
    }

    /// Reads a value of a deopt point: bits above the type's width are cleared. `None` for dead values.
    ///
    /// # Safety
    /// `frame` must be the frame pointer of a live activation of this function that stopped at the point, and
    /// `registers` what its registers held then.
    pub unsafe fn read_value(&self, value: &DeoptValue, frame: *const u8, registers: &SavedRegisters) -> Option<u64> {
        let bits = match value.loc {
            DeoptLoc::Const(bits) => bits,
            DeoptLoc::Dead => return None,
            DeoptLoc::Reg(r) if r.class() == RegClass::Int => registers.gprs[r.hw_enc() & 31],
            DeoptLoc::Reg(r) => registers.fprs[r.hw_enc() & 31],
            DeoptLoc::Slot(slot) => {
                let at = frame.wrapping_offset(self.frame.slot_offset(slot) as isize).cast::<u64>();
                // SAFETY: spill slots of a live activation are inside its frame, as the caller promises.
                unsafe { at.read() }
            }
        };
        Some(bits & value.ty.mask())
    }

    /// What debuggers were told about it.
    pub fn debug(&self) -> Option<&DebugHandle> {
        self.debug.as_ref()
    }

    /// The code of the trap at an address.
    pub fn trap(&self, pc: usize) -> Option<u32> {
        let offset = u32::try_from(pc.checked_sub(self.block.address)?).ok()?;
        self.traps.iter().find(|t| t.0 == offset).map(|t| t.1)
    }

    /// The source location of the instruction at an address. For return addresses ask for the byte before.
    pub fn location(&self, pc: usize) -> Option<SourceLoc> {
        let offset = u32::try_from(pc.checked_sub(self.block.address)?).ok()?;
        let at = self.lines.partition_point(|l| l.offset <= offset).checked_sub(1)?;
        let loc = LocId::new(self.lines[at].loc as usize);
        self.locs.get(loc.index().checked_sub(1)?).copied()
    }
}

impl std::fmt::Debug for CompiledCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CompiledCode({} at {:#x}+{})", self.name, self.block.address, self.code_len)
    }
}

impl Drop for CompiledCode {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            // The debugger must not read about code whose memory may already be someone else's.
            drop(self.debug.take());
            shared.forget(self.id, &self.block, &self.cells);
        }
    }
}
