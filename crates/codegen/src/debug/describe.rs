//! A function as debuggers see it, with final code offsets: what DWARF and the profilers' files are written from.

use crate::masm::Assembled;
use crate::reloc::CfiRow;
use crate::space::Unit;
use cinder_lir::Type;
use cinder_lir::alloc::{Arch, DebugPlace, Loc, RegClass};
use cinder_lir::ir::LocId;

/// From `offset` on, code belongs to a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineEntry {
    /// Code offset.
    pub offset: u32,
    /// Index into [`FunctionDebug::files`].
    pub file: u32,
    /// Line, from 1; 0 if the code belongs to no line.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
    /// Whether this is where the prologue ends.
    pub prologue_end: bool,
}

/// Where a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the register with this DWARF number.
    Register(u16),
    /// In memory, at this distance from the frame pointer.
    Frame(i32),
    /// It is this constant; floats as bits.
    Constant(u64),
}

/// A range of code offsets in which a variable is somewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VarRange {
    /// First offset.
    pub start: u32,
    /// Offset behind the last.
    pub end: u32,
    /// Where it is.
    pub place: Place,
}

/// A source variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VarDebug {
    /// Its name.
    pub name: String,
    /// How its bits are to be read.
    pub ty: Type,
    /// The scope it belongs to: an index into [`FunctionDebug::scopes`].
    pub scope: usize,
    /// Whether it is a parameter.
    pub is_param: bool,
    /// Where it is when.
    pub ranges: Vec<VarRange>,
}

/// The function itself (scope 0) or a function inlined into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InlinedScope {
    /// Name of the function.
    pub name: String,
    /// File of its definition.
    pub file: u32,
    /// Line of its definition.
    pub line: u32,
    /// The scope it was inlined into, with file, line and column of the call; `None` for scope 0.
    pub call: Option<(usize, u32, u32, u32)>,
    /// The code that belongs to it and to what is inlined into it: start and end offsets.
    pub ranges: Vec<(u32, u32)>,
}

/// A function as debuggers see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionDebug {
    /// The machine.
    pub arch: Arch,
    /// Name.
    pub name: String,
    /// Address of the code.
    pub address: u64,
    /// Bytes of code, constants included.
    pub len: u32,
    /// Entries besides the first: name and offset.
    pub entries: Vec<(String, u32)>,
    /// Source files.
    pub files: Vec<String>,
    /// Lines, by offset.
    pub lines: Vec<LineEntry>,
    /// Scopes; the first is the function.
    pub scopes: Vec<InlinedScope>,
    /// Variables.
    pub vars: Vec<VarDebug>,
    /// Call frame information.
    pub cfi: Vec<CfiRow>,
}

/// The DWARF number of a register of a machine.
pub(crate) fn dwarf_register(arch: Arch, float: bool, number: u8) -> u16 {
    use crate::masm::{Fpr, Gpr, x64};
    match (arch, float) {
        (Arch::X64, false) => x64::dwarf_gpr(Gpr(number)),
        (Arch::X64, true) => x64::dwarf_fpr(Fpr(number)),
        (Arch::Aarch64, false) => u16::from(number),
        (Arch::Aarch64, true) => 64 + u16::from(number),
    }
}

impl FunctionDebug {
    /// The description of a stub: a name and its frames.
    pub(crate) fn of_stub(arch: Arch, name: &str, address: u64, code: &Assembled) -> FunctionDebug {
        FunctionDebug {
            arch,
            name: name.into(),
            address,
            len: code.code.len() as u32,
            entries: Vec::new(),
            files: Vec::new(),
            lines: Vec::new(),
            scopes: Vec::new(),
            vars: Vec::new(),
            cfi: code.cfi.clone(),
        }
    }

    /// The description of a lowered function at an address.
    pub(crate) fn of_unit(arch: Arch, unit: &Unit<'_>, address: u64) -> FunctionDebug {
        let Unit { func, lowered, .. } = unit;
        let len = lowered.assembled.code.len() as u32;
        let mut lines: Vec<LineEntry> = Vec::with_capacity(lowered.lines.len() + 1);
        // The scopes of the code from each row on, for the ranges below.
        let mut owners: Vec<(u32, Option<usize>)> = Vec::with_capacity(lowered.lines.len() + 1);
        for row in &lowered.lines {
            let entry = match func.loc(LocId::new(row.loc as usize)) {
                Some(loc) => {
                    owners.push((row.offset, Some(loc.scope.index())));
                    LineEntry {
                        offset: row.offset,
                        file: loc.file.index() as u32,
                        line: loc.line,
                        column: loc.column,
                        prologue_end: false,
                    }
                }
                None => {
                    owners.push((row.offset, None));
                    LineEntry { offset: row.offset, file: 0, line: 0, column: 0, prologue_end: false }
                }
            };
            if lines.last().is_some_and(|l| l.offset == entry.offset) {
                lines.pop();
            }
            lines.push(entry);
        }
        mark_prologue_end(&mut lines, lowered.prologue_end);
        let mut scopes: Vec<InlinedScope> = func
            .scopes()
            .iter()
            .map(|s| InlinedScope {
                name: s.name.clone(),
                file: s.file.index() as u32,
                line: s.line,
                call: s
                    .call_site
                    .and_then(|l| func.loc(l))
                    .map(|l| (l.scope.index(), l.file.index() as u32, l.line, l.column)),
                ranges: Vec::new(),
            })
            .collect();
        for (i, (start, scope)) in owners.iter().enumerate() {
            let end = owners.get(i + 1).map_or(lowered.assembled.code_len, |o| o.0);
            let mut next = *scope;
            // Call chains are acyclic, but a bound costs nothing.
            for _ in 0..scopes.len() {
                let Some(s) = next.and_then(|n| scopes.get_mut(n)) else { break };
                match s.ranges.last_mut() {
                    Some(last) if last.1 == *start => last.1 = end,
                    _ if *start < end => s.ranges.push((*start, end)),
                    _ => {}
                }
                next = s.call.map(|c| c.0);
            }
        }
        FunctionDebug {
            arch,
            name: func.name.clone(),
            address,
            len,
            entries: func.entries().iter().zip(&lowered.entries).skip(1).map(|(e, o)| (e.name.clone(), *o)).collect(),
            files: func.files().to_vec(),
            lines,
            scopes,
            vars: variables(arch, unit),
            cfi: lowered.assembled.cfi.clone(),
        }
    }

    /// Whether there are source positions.
    pub fn has_lines(&self) -> bool {
        self.lines.iter().any(|l| l.line != 0) && !self.files.is_empty()
    }
}

/// Marks the row at the end of the prologue, making one if the prologue ends within a row.
fn mark_prologue_end(lines: &mut Vec<LineEntry>, end: u32) {
    let at = lines.partition_point(|l| l.offset <= end);
    let Some(before) = at.checked_sub(1) else { return };
    if lines[before].offset == end {
        lines[before].prologue_end = true;
    } else {
        let row = LineEntry { offset: end, prologue_end: true, ..lines[before] };
        lines.insert(at, row);
    }
}

fn variables(arch: Arch, unit: &Unit<'_>) -> Vec<VarDebug> {
    let Unit { func, alloc, lowered } = unit;
    let mut vars: Vec<VarDebug> = func
        .vars()
        .iter()
        .map(|v| VarDebug {
            name: v.name.clone(),
            ty: v.ty,
            scope: v.scope.index(),
            is_param: v.is_param,
            ranges: Vec::new(),
        })
        .collect();
    // Points are half-instructions: before the instruction, and after it. A range ends behind the last instruction
    // in it, which the next one in the numbering need not follow in the code.
    let offset = |inst: u32, after: bool| -> u32 {
        lowered.points.get(inst as usize).map_or(lowered.assembled.code_len, |p| p[usize::from(after)])
    };
    for location in alloc.debug_locations() {
        let start = offset(location.start / 2, location.start % 2 == 1);
        let end = match location.end {
            0 => 0,
            end if end % 2 == 1 => offset(end / 2, true),
            end => offset(end / 2 - 1, true),
        };
        let Some(var) = vars.get_mut(location.var.index()) else { continue };
        if start >= end || lowered.points.is_empty() {
            continue;
        }
        let place = match location.place {
            DebugPlace::Const(bits) => Place::Constant(bits),
            DebugPlace::Loc(Loc::Slot(s)) => Place::Frame(lowered.frame.slot_offset(s)),
            DebugPlace::Loc(Loc::Reg(r)) => {
                Place::Register(dwarf_register(arch, r.class() != RegClass::Int, r.hw_enc() as u8))
            }
        };
        var.ranges.push(VarRange { start, end, place });
    }
    for var in &mut vars {
        var.ranges = disjoint(std::mem::take(&mut var.ranges));
    }
    vars
}

/// Sorts ranges, joins neighbours in one place and cuts what overlaps: the later value is the one that counts.
fn disjoint(mut ranges: Vec<VarRange>) -> Vec<VarRange> {
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut out: Vec<VarRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.place == range.place && last.end >= range.start => last.end = last.end.max(range.end),
            Some(last) if last.end > range.start => {
                last.end = range.start;
                out.push(range);
            }
            _ => out.push(range),
        }
    }
    out.retain(|r| r.start < r.end);
    out
}
