//! An object file in memory that describes code which is already in place.

use super::describe::FunctionDebug;
use super::{DebugError, dwarf};
use cinder_lir::alloc::Arch;
use gimli::DwLang;
use object::write::{Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf,
};

/// Packs symbols, DWARF and frames of a function.
pub fn build(info: &FunctionDebug, language: Option<DwLang>, source_dir: &str) -> Result<Vec<u8>, DebugError> {
    let arch = match info.arch {
        Arch::X64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
    };
    let mut object = Object::new(BinaryFormat::Elf, arch, Endianness::Little);
    // The code is not in the file: the section only names its place.
    let text = object.add_section(Vec::new(), b".text".to_vec(), SectionKind::UninitializedData);
    object.section_mut(text).flags =
        SectionFlags::Elf { sh_type: elf::SHT_NOBITS, sh_flags: elf::SHF_ALLOC | elf::SHF_EXECINSTR };
    object.append_section_bss(text, u64::from(info.len), 16);
    let entries = info.entries.iter().map(|(name, offset)| (name.as_str(), *offset, 0));
    for (name, offset, size) in std::iter::once((info.name.as_str(), 0, u64::from(info.len))).chain(entries) {
        object.add_symbol(Symbol {
            name: name.replace('\0', "").into_bytes(),
            value: u64::from(offset),
            size,
            kind: SymbolKind::Text,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Section(text),
            flags: SymbolFlags::None,
        });
    }
    for (name, data) in dwarf::debug_sections(info, language, source_dir)? {
        add_debug(&mut object, name, data);
    }
    add_debug(&mut object, ".debug_frame", dwarf::debug_frame(info)?);
    let mut bytes = object.write()?;
    place_text(&mut bytes, info.address);
    Ok(bytes)
}

fn add_debug(object: &mut Object<'_>, name: &str, data: Vec<u8>) {
    let section = object.add_section(Vec::new(), name.as_bytes().to_vec(), SectionKind::Debug);
    object.set_section_data(section, data, 1);
}

/// Writes the code's address into the section header of `.text`: writers of relocatable files leave it zero, and
/// debuggers take what they find.
fn place_text(bytes: &mut [u8], address: u64) {
    const HEADER_SIZE: usize = 64;
    const SH_TYPE: usize = 4;
    const SH_ADDR: usize = 16;
    let field = |bytes: &[u8], at: usize, len: usize| -> usize {
        let mut word = [0u8; 8];
        if let Some(found) = bytes.get(at..at + len) {
            word[..len].copy_from_slice(found);
        }
        u64::from_le_bytes(word) as usize
    };
    let table = field(bytes, 0x28, 8);
    let count = field(bytes, 0x3c, 2);
    for n in 0..count {
        let header = table + n * HEADER_SIZE;
        if field(bytes, header + SH_TYPE, 4) == elf::SHT_NOBITS.0 as usize
            && let Some(addr) = bytes.get_mut(header + SH_ADDR..header + SH_ADDR + 8)
        {
            addr.copy_from_slice(&address.to_le_bytes());
            return;
        }
    }
}
