//! What both machines do with cranelift's buffer of instructions.

use super::Label;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::SourceLoc;
use cranelift_codegen::{FinalizedRelocTarget, MachBuffer, MachLabel, VCodeConstants, VCodeInst};

/// The buffer's number of a label.
pub(super) fn mach(label: Label) -> MachLabel {
    MachLabel::from_u32(label.0)
}

/// Resolves all labels: the bytes and the offsets of these labels.
pub(super) fn finish_buffer<I: VCodeInst>(
    mut buf: MachBuffer<I>,
    control: &mut ControlPlane,
    labels: &[Label],
) -> (Vec<u8>, Vec<u32>) {
    // A relocation against a label comes out of `finish` as an offset: the only way to learn where it ended.
    for label in labels {
        buf.add_reloc_at_offset(0, Reloc::Abs8, &mach(*label), 0);
    }
    let finished = buf.finish(&VCodeConstants::default(), control).apply_base_srcloc(SourceLoc::default());
    let offset = |target: &FinalizedRelocTarget| match target {
        FinalizedRelocTarget::Func(offset) => Some(*offset),
        _ => None,
    };
    (finished.data().to_vec(), finished.relocs().iter().filter_map(|r| offset(&r.target)).collect())
}
