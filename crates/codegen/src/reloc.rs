//! What remains open in assembled code until it has an address: relocations, and the rows of call frame
//! information.

/// What assembled code refers to outside itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Ref {
    /// A symbol of the function's table, by number.
    Symbol(u32),
    /// A data cell of the function, by number.
    Cell(u32),
    /// The common stub behind all exits.
    Exit,
    /// Not an address: the number that installation gives the function.
    Function,
}

/// How a relocation is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RelocKind {
    /// 64-bit absolute address.
    Abs8,
    /// 32-bit absolute value.
    Abs4,
    /// aarch64: `movz` and `movk` that build a 32-bit value.
    Arm64Mov4,
    /// x86-64: 32-bit distance of a call or jump; a stub takes over when the target is too far.
    X64Call,
    /// x86-64: 32-bit distance to data.
    X64Rel4,
    /// aarch64: 26-bit word distance of `b` or `bl`; a stub takes over when the target is too far.
    Arm64Call,
    /// aarch64: `movz` and three `movk` that build a 64-bit address.
    Arm64MovWide,
    /// aarch64: `adrp` and the scaled 12-bit offset of the instruction after it, to data of eight bytes.
    Arm64Page,
}

impl RelocKind {
    /// Whether a target out of reach may be replaced by a stub that jumps on.
    pub fn is_call(self) -> bool {
        matches!(self, RelocKind::X64Call | RelocKind::Arm64Call)
    }
}

/// A place in the code that depends on an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloc {
    /// Offset of the patched field.
    pub offset: u32,
    /// How it is written.
    pub kind: RelocKind,
    /// Whose address.
    pub symbol: Ref,
    /// Added to the address.
    pub addend: i32,
}

/// A relocation target out of reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{symbol:?} at {target:#x} is out of reach of the code at {place:#x}")]
pub struct OutOfReach {
    /// What was referred to.
    pub symbol: Ref,
    /// Its address.
    pub target: u64,
    /// The address of the field.
    pub place: u64,
}

impl Reloc {
    /// Writes the relocation into `code`, which will run at `base`, with the symbol at `target`.
    pub fn apply(&self, code: &mut [u8], base: u64, target: u64) -> Result<(), OutOfReach> {
        let at = self.offset as usize;
        let place = base.wrapping_add(u64::from(self.offset));
        let value = target.wrapping_add(i64::from(self.addend) as u64);
        let error = OutOfReach { symbol: self.symbol, target, place };
        let mut put = |at: usize, word: u32| {
            if let Some(field) = code.get_mut(at..at + 4) {
                field.copy_from_slice(&word.to_le_bytes());
            }
        };
        match self.kind {
            RelocKind::Abs8 => {
                put(at, value as u32);
                put(at + 4, (value >> 32) as u32);
            }
            RelocKind::Abs4 => put(at, value as u32),
            RelocKind::Arm64Mov4 => mov_wide(code, at, value, 2),
            RelocKind::X64Call | RelocKind::X64Rel4 => {
                let distance = i32::try_from(value.wrapping_sub(place) as i64).map_err(|_| error)?;
                put(at, distance as u32);
            }
            RelocKind::Arm64Call => {
                let distance = value.wrapping_sub(place) as i64;
                if distance & 3 != 0 || !(-(1 << 27)..1 << 27).contains(&distance) {
                    return Err(error);
                }
                let word = read_word(code, at) & 0xfc00_0000 | (distance >> 2) as u32 & 0x03ff_ffff;
                code[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
            RelocKind::Arm64MovWide => mov_wide(code, at, value, 4),
            RelocKind::Arm64Page => {
                let pages = (value >> 12).wrapping_sub(place >> 12) as i64;
                let pages = if pages >= 1 << 51 { pages - (1 << 52) } else { pages };
                if !(-(1 << 20)..1 << 20).contains(&pages) {
                    return Err(error);
                }
                let adrp = read_word(code, at) & !((3 << 29) | (0x7ffff << 5))
                    | (pages as u32 & 3) << 29
                    | ((pages >> 2) as u32 & 0x7ffff) << 5;
                code[at..at + 4].copy_from_slice(&adrp.to_le_bytes());
                // An `add` takes the low twelve bits as they are, a 64-bit load or store scaled by eight.
                let next = read_word(code, at + 4);
                let low = (value & 0xfff) as u32;
                let field = if next >> 24 == 0x91 { low } else { low >> 3 };
                let word = next & !(0xfff << 10) | field << 10;
                code[at + 4..at + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
        Ok(())
    }

    /// The stub that takes over a call whose target is out of reach: a jump to the absolute address that follows.
    pub fn far_stub(kind: RelocKind, target: u64) -> [u8; 16] {
        let mut stub = [0u8; 16];
        match kind {
            // ldr x16, #8; br x16
            RelocKind::Arm64Call => {
                stub[..4].copy_from_slice(&0x5800_0050u32.to_le_bytes());
                stub[4..8].copy_from_slice(&0xd61f_0200u32.to_le_bytes());
            }
            // jmp *2(%rip); ud2
            _ => stub[..8].copy_from_slice(&[0xff, 0x25, 0x02, 0, 0, 0, 0x0f, 0x0b]),
        }
        stub[8..].copy_from_slice(&target.to_le_bytes());
        stub
    }
}

/// Writes the halves of a value into consecutive `movz` and `movk` instructions.
fn mov_wide(code: &mut [u8], at: usize, value: u64, count: usize) {
    for i in 0..count {
        let half = (value >> (16 * i)) as u32 & 0xffff;
        let word = read_word(code, at + 4 * i) & !(0xffff << 5) | half << 5;
        code[at + 4 * i..at + 4 * i + 4].copy_from_slice(&word.to_le_bytes());
    }
}

fn read_word(code: &[u8], at: usize) -> u32 {
    code.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// A change of the call frame information, effective from `offset` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CfiRow {
    /// Code offset.
    pub offset: u32,
    /// What changes.
    pub op: CfiOp,
}

/// Changes of call frame information; registers by their DWARF numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CfiOp {
    /// The canonical frame address is `register + offset`.
    DefCfa(u16, i32),
    /// The canonical frame address keeps its register and has this offset.
    CfaOffset(i32),
    /// The canonical frame address keeps its offset and has this register.
    CfaRegister(u16),
    /// The caller's register is saved at this offset from the canonical frame address.
    Saved(u16, i32),
    /// The register has the caller's value again.
    Restore(u16),
    /// Pushes all rules.
    Remember,
    /// Pops all rules.
    RestoreState,
}
