//! DWARF of one function: lines, scopes, variables, frames.

use super::DebugError;
use super::describe::{FunctionDebug, InlinedScope, Place, dwarf_register};
use crate::reloc::CfiOp;
use cinder_lir::Type;
use cinder_lir::alloc::Arch;
use gimli::write::{
    Address, AttributeValue, CallFrameInstruction, CommonInformationEntry, DebugFrame, DwarfUnit, EhFrame, EndianVec,
    Expression, FrameDescriptionEntry, FrameTable, LineProgram, LineString, Location, LocationList, Range, RangeList,
    Sections, UnitEntryId,
};
use gimli::{DwLang, Encoding, Format, LineEncoding, LittleEndian, Register};
use rustc_hash::FxHashMap;

/// Sections by name.
pub type NamedSections = Vec<(&'static str, Vec<u8>)>;

const PRODUCER: &str = concat!("cinder-codegen ", env!("CARGO_PKG_VERSION"));

/// Writes `.debug_info` and its companions for a function.
pub fn debug_sections(
    info: &FunctionDebug,
    language: Option<DwLang>,
    source_dir: &str,
) -> Result<NamedSections, DebugError> {
    let encoding = Encoding { format: Format::Dwarf32, version: 5, address_size: 8 };
    let mut dwarf = DwarfUnit::new(encoding);
    let files = Unit::lines(&mut dwarf, info, source_dir, encoding);
    let mut unit = Unit { dwarf, info, files, types: FxHashMap::default(), origins: FxHashMap::default() };
    unit.compile_unit(language, source_dir);
    unit.function();
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    unit.dwarf.write(&mut sections)?;
    let mut out = Vec::new();
    sections.for_each(|id, data| {
        if !data.slice().is_empty() {
            out.push((id.name(), data.slice().to_vec()));
        }
        Ok::<(), gimli::write::Error>(())
    })?;
    Ok(out)
}

fn frames(info: &FunctionDebug, version: u16) -> FrameTable {
    let encoding = Encoding { format: Format::Dwarf32, version, address_size: 8 };
    let mut table = FrameTable::default();
    // On entry the canonical frame address is the stack pointer above the return address.
    let mut cie = match info.arch {
        Arch::X64 => {
            let mut cie = CommonInformationEntry::new(encoding, 1, -8, Register(16));
            cie.add_instruction(CallFrameInstruction::Cfa(Register(7), 8));
            cie.add_instruction(CallFrameInstruction::Offset(Register(16), -8));
            cie
        }
        Arch::Aarch64 => {
            let mut cie = CommonInformationEntry::new(encoding, 4, -8, Register(30));
            cie.add_instruction(CallFrameInstruction::Cfa(Register(31), 0));
            cie
        }
    };
    cie.fde_address_encoding = gimli::DW_EH_PE_absptr;
    let id = table.add_cie(cie);
    let mut fde = FrameDescriptionEntry::new(Address::Constant(info.address), info.len);
    for row in &info.cfi {
        let instruction = match row.op {
            CfiOp::DefCfa(reg, offset) => CallFrameInstruction::Cfa(Register(reg), offset),
            CfiOp::CfaOffset(offset) => CallFrameInstruction::CfaOffset(offset),
            CfiOp::CfaRegister(reg) => CallFrameInstruction::CfaRegister(Register(reg)),
            CfiOp::Saved(reg, offset) => CallFrameInstruction::Offset(Register(reg), offset),
            CfiOp::Restore(reg) => CallFrameInstruction::Restore(Register(reg)),
            CfiOp::Remember => CallFrameInstruction::RememberState,
            CfiOp::RestoreState => CallFrameInstruction::RestoreState,
        };
        fde.add_instruction(row.offset, instruction);
    }
    table.add_fde(id, fde);
    table
}

/// Call frame information for debuggers.
pub fn debug_frame(info: &FunctionDebug) -> Result<Vec<u8>, DebugError> {
    let mut section = DebugFrame(EndianVec::new(LittleEndian));
    frames(info, 4).write_debug_frame(&mut section)?;
    Ok(section.0.into_vec())
}

/// Call frame information for the unwinder of the process, with its terminator.
pub fn eh_frame(info: &FunctionDebug) -> Result<Vec<u8>, DebugError> {
    let mut section = EhFrame(EndianVec::new(LittleEndian));
    frames(info, 1).write_eh_frame(&mut section)?;
    let mut bytes = section.0.into_vec();
    bytes.extend_from_slice(&[0; 4]);
    Ok(bytes)
}

struct Unit<'a> {
    dwarf: DwarfUnit,
    info: &'a FunctionDebug,
    files: Vec<gimli::write::FileId>,
    types: FxHashMap<Type, UnitEntryId>,
    /// Abstract instances of inlined functions, by name and definition.
    origins: FxHashMap<(String, u32, u32), UnitEntryId>,
}

impl Unit<'_> {
    /// Writes the line program and answers the ids of the files.
    fn lines(dwarf: &mut DwarfUnit, info: &FunctionDebug, dir: &str, encoding: Encoding) -> Vec<gimli::write::FileId> {
        if !info.has_lines() {
            return Vec::new();
        }
        let text = |s: &str| LineString::String(s.replace('\0', "").into_bytes());
        let dir = if dir.is_empty() { "." } else { dir };
        let mut program =
            LineProgram::new(encoding, LineEncoding::default(), text(dir), None, text(&info.files[0]), None);
        let root = program.default_directory();
        let files: Vec<_> = info.files.iter().map(|f| program.add_file(text(f), root, None)).collect();
        program.begin_sequence(Some(Address::Constant(info.address)));
        for line in &info.lines {
            let row = program.row();
            row.address_offset = u64::from(line.offset);
            row.file = files.get(line.file as usize).copied().unwrap_or(files[0]);
            row.line = u64::from(line.line);
            row.column = u64::from(line.column);
            row.is_statement = true;
            row.prologue_end = line.prologue_end;
            program.generate_row();
        }
        program.end_sequence(u64::from(info.len));
        dwarf.unit.line_program = program;
        files
    }

    fn set(&mut self, entry: UnitEntryId, name: gimli::DwAt, value: AttributeValue) {
        self.dwarf.unit.get_mut(entry).set(name, value);
    }

    fn string(&mut self, entry: UnitEntryId, name: gimli::DwAt, value: &str) {
        let id = self.dwarf.strings.add(value.replace('\0', ""));
        self.set(entry, name, AttributeValue::StringRef(id));
    }

    fn code_range(&mut self, entry: UnitEntryId, start: u32, end: u32) {
        let low = Address::Constant(self.info.address + u64::from(start));
        self.set(entry, gimli::DW_AT_low_pc, AttributeValue::Address(low));
        self.set(entry, gimli::DW_AT_high_pc, AttributeValue::Udata(u64::from(end - start)));
    }

    fn declared(&mut self, entry: UnitEntryId, file: u32, line: u32) {
        if let Some(file) = self.files.get(file as usize).copied() {
            self.set(entry, gimli::DW_AT_decl_file, AttributeValue::FileIndex(Some(file)));
            self.set(entry, gimli::DW_AT_decl_line, AttributeValue::Udata(u64::from(line)));
        }
    }

    fn compile_unit(&mut self, language: Option<DwLang>, source_dir: &str) {
        let root = self.dwarf.unit.root();
        let name = self.info.files.first().cloned().unwrap_or_else(|| self.info.name.clone());
        self.string(root, gimli::DW_AT_name, &name);
        self.string(root, gimli::DW_AT_comp_dir, if source_dir.is_empty() { "." } else { source_dir });
        self.string(root, gimli::DW_AT_producer, PRODUCER);
        self.set(root, gimli::DW_AT_language, AttributeValue::Language(language.unwrap_or(gimli::DW_LANG_C99)));
        self.code_range(root, 0, self.info.len);
        if self.info.has_lines() {
            self.set(root, gimli::DW_AT_stmt_list, AttributeValue::LineProgramRef);
        }
    }

    fn base_type(&mut self, ty: Type) -> UnitEntryId {
        if let Some(id) = self.types.get(&ty) {
            return *id;
        }
        let root = self.dwarf.unit.root();
        let id = self.dwarf.unit.add(root, gimli::DW_TAG_base_type);
        let (name, encoding) = match ty {
            Type::I8 => ("int8", gimli::DW_ATE_signed),
            Type::I16 => ("int16", gimli::DW_ATE_signed),
            Type::I32 => ("int32", gimli::DW_ATE_signed),
            Type::I64 => ("int64", gimli::DW_ATE_signed),
            Type::F32 => ("float32", gimli::DW_ATE_float),
            Type::F64 => ("float64", gimli::DW_ATE_float),
        };
        self.string(id, gimli::DW_AT_name, name);
        self.set(id, gimli::DW_AT_encoding, AttributeValue::Encoding(encoding));
        self.set(id, gimli::DW_AT_byte_size, AttributeValue::Udata(u64::from(ty.bytes())));
        self.types.insert(ty, id);
        id
    }

    fn function(&mut self) {
        let root = self.dwarf.unit.root();
        // Abstract instances come first, so that readers meet them before the concrete ones.
        for scope in self.info.scopes.iter().skip(1) {
            self.origin(scope);
        }
        let id = self.dwarf.unit.add(root, gimli::DW_TAG_subprogram);
        self.string(id, gimli::DW_AT_name, &self.info.name);
        if let Some(scope) = self.info.scopes.first() {
            self.declared(id, scope.file, scope.line);
        }
        self.set(id, gimli::DW_AT_external, AttributeValue::Flag(true));
        self.code_range(id, 0, self.info.len);
        let mut base = Expression::new();
        base.op(gimli::DW_OP_call_frame_cfa);
        self.set(id, gimli::DW_AT_frame_base, AttributeValue::Exprloc(base));
        let mut entries: Vec<Option<UnitEntryId>> = vec![None; self.info.scopes.len()];
        if let Some(first) = entries.first_mut() {
            *first = Some(id);
        }
        for n in 1..self.info.scopes.len() {
            self.inlined(n, &mut entries);
        }
        for (name, offset) in &self.info.entries {
            let label = self.dwarf.unit.add(id, gimli::DW_TAG_label);
            self.string(label, gimli::DW_AT_name, name);
            let at = Address::Constant(self.info.address + u64::from(*offset));
            self.set(label, gimli::DW_AT_low_pc, AttributeValue::Address(at));
        }
        for n in 0..self.info.vars.len() {
            let scope = self.info.vars[n].scope;
            if let Some(parent) = entries.get(scope).copied().flatten() {
                self.variable(parent, n);
            }
        }
    }

    fn origin(&mut self, scope: &InlinedScope) -> UnitEntryId {
        let key = (scope.name.clone(), scope.file, scope.line);
        if let Some(id) = self.origins.get(&key) {
            return *id;
        }
        let root = self.dwarf.unit.root();
        let id = self.dwarf.unit.add(root, gimli::DW_TAG_subprogram);
        self.string(id, gimli::DW_AT_name, &scope.name);
        self.declared(id, scope.file, scope.line);
        self.set(id, gimli::DW_AT_inline, AttributeValue::Inline(gimli::DW_INL_inlined));
        self.origins.insert(key, id);
        id
    }

    /// Adds an inlined scope under the scope of its call.
    fn inlined(&mut self, n: usize, entries: &mut [Option<UnitEntryId>]) {
        let info = self.info;
        let scope = &info.scopes[n];
        let (Some((parent, file, line, column)), false) = (scope.call, scope.ranges.is_empty()) else { return };
        if parent >= entries.len() || parent == n {
            return;
        }
        // Scopes are numbered outside in as a rule, but nothing demands it.
        if entries[parent].is_none() && parent > n {
            self.inlined(parent, entries);
        }
        let (Some(above), None) = (entries[parent], entries[n]) else { return };
        let origin = self.origin(scope);
        let id = self.dwarf.unit.add(above, gimli::DW_TAG_inlined_subroutine);
        self.set(id, gimli::DW_AT_abstract_origin, AttributeValue::UnitRef(origin));
        match scope.ranges.as_slice() {
            [(start, end)] => self.code_range(id, *start, *end),
            ranges => {
                let list = ranges
                    .iter()
                    .map(|(start, end)| Range::StartEnd {
                        begin: Address::Constant(info.address + u64::from(*start)),
                        end: Address::Constant(info.address + u64::from(*end)),
                    })
                    .collect();
                let list = self.dwarf.unit.ranges.add(RangeList(list));
                self.set(id, gimli::DW_AT_ranges, AttributeValue::RangeListRef(list));
            }
        }
        if let Some(file) = self.files.get(file as usize).copied() {
            self.set(id, gimli::DW_AT_call_file, AttributeValue::FileIndex(Some(file)));
            self.set(id, gimli::DW_AT_call_line, AttributeValue::Udata(u64::from(line)));
            if column != 0 {
                self.set(id, gimli::DW_AT_call_column, AttributeValue::Udata(u64::from(column)));
            }
        }
        entries[n] = Some(id);
    }

    fn variable(&mut self, parent: UnitEntryId, n: usize) {
        let info = self.info;
        let var = &info.vars[n];
        let tag = if var.is_param { gimli::DW_TAG_formal_parameter } else { gimli::DW_TAG_variable };
        let ty = self.base_type(var.ty);
        let id = self.dwarf.unit.add(parent, tag);
        self.string(id, gimli::DW_AT_name, &var.name);
        self.set(id, gimli::DW_AT_type, AttributeValue::UnitRef(ty));
        if var.ranges.is_empty() {
            return;
        }
        let fp = Register(dwarf_register(info.arch, false, if info.arch == Arch::X64 { 5 } else { 29 }));
        let list = var
            .ranges
            .iter()
            .map(|range| {
                let mut data = Expression::new();
                match range.place {
                    Place::Register(reg) => data.op_reg(Register(reg)),
                    Place::Frame(offset) => data.op_breg(fp, i64::from(offset)),
                    Place::Constant(bits) => {
                        data.op_implicit_value(bits.to_le_bytes()[..var.ty.bytes() as usize].into());
                    }
                }
                Location::StartEnd {
                    begin: Address::Constant(info.address + u64::from(range.start)),
                    end: Address::Constant(info.address + u64::from(range.end)),
                    data,
                }
            })
            .collect();
        let list = self.dwarf.unit.locations.add(LocationList(list));
        self.set(id, gimli::DW_AT_location, AttributeValue::LocationListRef(list));
    }
}
