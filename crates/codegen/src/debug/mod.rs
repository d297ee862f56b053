//! What debuggers and profilers are told about installed code.
//!
//! [`dwarf`] describes a function, [`elf`] packs the description as an object file in memory, [`gdb`] registers it
//! with the debugger's JIT interface, [`eh_frame`] with the unwinder of the process, [`perf`] writes the files that
//! the profiler reads. All of it is optional and decided per [`CodeSpace`](crate::space::CodeSpace).

pub mod dwarf;
pub mod eh_frame;
pub mod elf;
pub mod gdb;
pub mod perf;

mod describe;

pub use describe::{FunctionDebug, InlinedScope, LineEntry, Place, VarDebug, VarRange};

use crate::masm::Assembled;
use crate::space::Unit;
use cinder_lir::alloc::Arch;
use std::path::PathBuf;
use std::sync::Mutex;

/// What to tell whom.
#[derive(Clone, Debug, Default)]
pub struct DebugOptions {
    /// Register every function with gdb: symbol, lines, variables, inlined functions, frames.
    pub gdb: bool,
    /// Register call frame information with the unwinder of the process, so that backtraces walk through.
    pub eh_frame: bool,
    /// Append every function to the map that `perf report` reads for this process.
    pub perf_map: bool,
    /// Write a jitdump for `perf inject --jit` into this folder.
    pub jitdump: Option<PathBuf>,
    /// The DWARF language of the source; `DW_LANG_C` if nothing else is said, which every debugger can print.
    pub language: Option<gimli::DwLang>,
    /// The folder that relative file names start from.
    pub source_dir: String,
}

/// Options as text: `gdb`, `eh-frame`, `perf-map` and `jitdump=DIR`, separated by commas.
///
/// ```
/// let debug: cinder_codegen::debug::DebugOptions = "gdb,jitdump=/tmp".parse()?;
/// assert!(debug.gdb && !debug.perf_map && debug.jitdump.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl std::str::FromStr for DebugOptions {
    type Err = UnknownOption;

    fn from_str(text: &str) -> Result<DebugOptions, UnknownOption> {
        let mut options = DebugOptions::default();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match (word, word.strip_prefix("jitdump=")) {
                ("gdb", _) => options.gdb = true,
                ("eh-frame", _) => options.eh_frame = true,
                ("perf-map", _) => options.perf_map = true,
                (_, Some(dir)) => options.jitdump = Some(dir.into()),
                _ => return Err(UnknownOption(word.to_owned())),
            }
        }
        Ok(options)
    }
}

/// A word that is no debug option.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is none of gdb, eh-frame, perf-map and jitdump=DIR")]
pub struct UnknownOption(String);

/// Why debug information could not be produced or registered.
#[derive(Debug, thiserror::Error)]
pub enum DebugError {
    /// DWARF could not be written.
    #[error("writing DWARF: {0}")]
    Dwarf(#[from] gimli::write::Error),
    /// The object file could not be written.
    #[error("writing the object file: {0}")]
    Object(#[from] object::write::Error),
    /// A profiler's file could not be written.
    #[error("writing {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Registrations of one function, undone when dropped.
#[derive(Debug, Default)]
pub struct DebugHandle {
    gdb: Option<gdb::Registration>,
    frames: Option<eh_frame::Registration>,
}

impl DebugHandle {
    /// The object file that the debugger sees, if there is one.
    pub fn object(&self) -> Option<&[u8]> {
        self.gdb.as_ref().map(gdb::Registration::object)
    }

    /// Whether anything is registered.
    pub fn is_registered(&self) -> bool {
        self.gdb.is_some() || self.frames.is_some()
    }
}

/// The debuggers and profilers of a code space.
pub(crate) struct Debuggers {
    arch: Arch,
    options: DebugOptions,
    jitdump: Option<perf::JitDump>,
    perf_map: Option<perf::PerfMap>,
    stubs: Mutex<Vec<DebugHandle>>,
}

impl Debuggers {
    pub(crate) fn new(arch: Arch, options: DebugOptions) -> Result<Debuggers, DebugError> {
        let jitdump = options.jitdump.as_deref().map(|dir| perf::JitDump::create(dir, arch)).transpose()?;
        let perf_map = options.perf_map.then(perf::PerfMap::open).transpose()?;
        Ok(Debuggers { arch, options, jitdump, perf_map, stubs: Mutex::default() })
    }

    pub(crate) fn wants_variables(&self) -> bool {
        self.options.gdb
    }

    /// Tells everyone about a function.
    pub(crate) fn function(&self, unit: &Unit<'_>, address: u64) -> Result<DebugHandle, DebugError> {
        if !self.options.gdb && !self.options.eh_frame && self.jitdump.is_none() && self.perf_map.is_none() {
            return Ok(DebugHandle::default());
        }
        let info = FunctionDebug::of_unit(self.arch, unit, address);
        self.register(&info, &unit.lowered.assembled.code)
    }

    /// Tells everyone about a stub that has no LIR, for as long as the code space lives.
    pub(crate) fn stub(&self, name: &str, address: u64, code: &Assembled) -> Result<(), DebugError> {
        let info = FunctionDebug::of_stub(self.arch, name, address, code);
        let handle = self.register(&info, &code.code)?;
        if handle.is_registered() {
            self.stubs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(handle);
        }
        Ok(())
    }

    fn register(&self, info: &FunctionDebug, code: &[u8]) -> Result<DebugHandle, DebugError> {
        let mut handle = DebugHandle::default();
        if self.options.gdb {
            let object = elf::build(info, self.options.language, &self.options.source_dir)?;
            handle.gdb = Some(gdb::Registration::new(object));
        }
        if self.options.eh_frame {
            handle.frames = Some(eh_frame::Registration::new(dwarf::eh_frame(info)?));
        }
        if let Some(map) = &self.perf_map {
            map.add(info)?;
        }
        if let Some(dump) = &self.jitdump {
            dump.add(info, code, &self.options.source_dir)?;
        }
        Ok(handle)
    }
}
