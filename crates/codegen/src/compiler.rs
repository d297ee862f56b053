//! Everything between LIR and installed code in one call.

use crate::lower::{self, LowerOptions, Lowered};
use crate::masm::Masm;
use crate::masm::aarch64::Aarch64Masm;
use crate::masm::x64::X64Masm;
use crate::space::{CodeSpace, CompiledCode, InstallError, Unit};
use cinder_lir::alloc::{AllocError, AllocOptions, Allocated, Allocator, Arch, Target, Tier};
use cinder_lir::ir::{Function, Symbol};
use cinder_lir::passes::{Level, PassError, Pipeline};
use std::sync::Arc;

/// Why a function could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A pass rejected the function.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// Registers could not be allocated.
    #[error(transparent)]
    Alloc(#[from] AllocError),
    /// The code could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
}

/// Compiles functions one after the other with the same memory. One per thread.
pub struct Compiler {
    target: Target,
    pipeline: Pipeline,
    allocator: Allocator,
    /// For tests: options of allocation besides the tier.
    pub alloc_options: AllocOptions,
    /// What lowering records.
    pub lower_options: LowerOptions,
    allocated: Allocated,
}

impl Compiler {
    /// A compiler for a machine.
    pub fn new(target: Target) -> Compiler {
        Compiler {
            target,
            pipeline: Pipeline::default(),
            allocator: Allocator::default(),
            alloc_options: AllocOptions::default(),
            lower_options: LowerOptions::default(),
            allocated: Allocated::default(),
        }
    }

    /// A compiler for the machine this program runs on, recording what `space` wants for its debuggers.
    pub fn host(space: &CodeSpace) -> Compiler {
        let mut compiler = Compiler::new(Target::host());
        compiler.lower_options.debug_points = space.wants_debug_points();
        compiler
    }

    /// The machine.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Runs passes and allocation and emits code. The function is made legal in place.
    pub fn lower(&mut self, func: &mut Function, tier: Tier) -> Result<(Allocated, Lowered), CompileError> {
        let mut allocated = Allocated::default();
        let lowered = self.lower_into(func, tier, &mut allocated)?;
        Ok((allocated, lowered))
    }

    fn lower_into(&mut self, func: &mut Function, tier: Tier, out: &mut Allocated) -> Result<Lowered, CompileError> {
        if !func.is_legal() {
            let level = if tier == Tier::Quick { Level::Quick } else { Level::Optimise };
            self.pipeline.run(func, &self.target, level)?;
        }
        let options = AllocOptions { tier, ..self.alloc_options };
        self.allocator.run_into(func, &self.target, &options, out)?;
        Ok(match self.target.arch {
            Arch::X64 => emit::<X64Masm>(func, out, &self.target, self.lower_options),
            Arch::Aarch64 => emit::<Aarch64Masm>(func, out, &self.target, self.lower_options),
        })
    }

    /// Compiles and installs a function. `resolve` gives the addresses of symbols that are not its own entries.
    pub fn install(
        &mut self,
        space: &CodeSpace,
        func: &mut Function,
        tier: Tier,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
    ) -> Result<Arc<CompiledCode>, CompileError> {
        let mut allocated = std::mem::take(&mut self.allocated);
        let result = self
            .lower_into(func, tier, &mut allocated)
            .and_then(|lowered| space.install(func, &allocated, lowered, resolve).map_err(CompileError::from));
        self.allocated = allocated;
        result
    }

    /// Compiles and installs functions that refer to each other by the names of their entries.
    pub fn install_group(
        &mut self,
        space: &CodeSpace,
        funcs: &mut [Function],
        tier: Tier,
        resolve: &dyn Fn(&Symbol) -> Option<u64>,
    ) -> Result<Vec<Arc<CompiledCode>>, CompileError> {
        let mut parts = Vec::with_capacity(funcs.len());
        for func in funcs.iter_mut() {
            parts.push(self.lower(func, tier)?);
        }
        let units = funcs
            .iter()
            .zip(&mut parts)
            .map(|(func, (alloc, lowered))| Unit { func, alloc, lowered: std::mem::take(lowered) })
            .collect();
        Ok(space.install_group(units, resolve)?)
    }
}

fn emit<M: Masm>(func: &Function, alloc: &Allocated, target: &Target, options: LowerOptions) -> Lowered {
    lower::lower::<M>(func, alloc, target, options)
}
