//! Sandboxed memory: regions at addresses of the caller's choice.

/// An access outside of every region.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("access of {bytes} bytes at {addr:#x} is outside of memory")]
pub struct Fault {
    /// The address.
    pub addr: u64,
    /// How many bytes.
    pub bytes: u32,
}

/// Byte-addressed memory made of disjoint regions. To compare with compiled code, give a region the address of the
/// buffer that the compiled code gets.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    regions: Vec<(u64, Vec<u8>)>,
}

impl Memory {
    /// Adds a region; one that overlaps an earlier region is found only where the earlier one is not.
    pub fn add(&mut self, base: u64, bytes: Vec<u8>) {
        self.regions.push((base, bytes));
    }

    /// The content of the region that starts at `base`.
    pub fn region(&self, base: u64) -> Option<&[u8]> {
        self.regions.iter().find(|r| r.0 == base).map(|r| &r.1[..])
    }

    fn slice(&mut self, addr: u64, bytes: u32) -> Result<&mut [u8], Fault> {
        let len = bytes as usize;
        for (base, data) in &mut self.regions {
            let offset = addr.wrapping_sub(*base);
            if let Ok(offset) = usize::try_from(offset)
                && offset < data.len()
                && data.len() - offset >= len
            {
                return Ok(&mut data[offset..offset + len]);
            }
        }
        Err(Fault { addr, bytes })
    }

    /// Reads up to 8 bytes, little endian, zero-extended.
    ///
    /// # Errors
    /// When the access is not within one region.
    pub fn read(&mut self, addr: u64, bytes: u32) -> Result<u64, Fault> {
        let slice = self.slice(addr, bytes)?;
        let mut out = [0; 8];
        out[..slice.len().min(8)].copy_from_slice(&slice[..slice.len().min(8)]);
        Ok(u64::from_le_bytes(out))
    }

    /// Writes the low bytes of a value, little endian.
    ///
    /// # Errors
    /// When the access is not within one region.
    pub fn write(&mut self, addr: u64, bytes: u32, value: u64) -> Result<(), Fault> {
        let slice = self.slice(addr, bytes)?;
        let n = slice.len().min(8);
        slice[..n].copy_from_slice(&value.to_le_bytes()[..n]);
        Ok(())
    }
}
