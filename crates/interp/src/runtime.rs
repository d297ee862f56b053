//! State shared by all threads of an interpreter.

use std::cell::{Cell, RefCell};

use cinder_pyobj::native::ModuleDef;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// How the packed standard library is reached: by module name.
pub struct PackedModule {
    /// Serialised code in the on-disk format of `cinder-bytecode`.
    pub code: &'static [u8],
    /// Whether it is a package.
    pub is_package: bool,
}

/// What an embedder configures.
#[derive(Clone)]
pub struct Config {
    /// `sys.argv`.
    pub argv: Vec<String>,
    /// `sys.orig_argv`.
    pub orig_argv: Vec<String>,
    /// `sys.executable`.
    pub executable: String,
    /// Entries that come first in `sys.path`.
    pub path: Vec<String>,
    /// `-X` options.
    pub xoptions: Vec<(String, Option<String>)>,
    /// `sys.warnoptions`.
    pub warnoptions: Vec<String>,
    /// `sys.flags` in CPython's order, by name.
    pub flags: Flags,
    /// The environment as the embedder shows it.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// Finds a module of the packed library.
    pub find_packed: fn(&str) -> Option<PackedModule>,
    /// The `sys.path` entry of the packed library; `sys._stdlib_dir`.
    pub stdlib_dir: Option<&'static str>,
    /// Names for `sys.stdlib_module_names`.
    pub stdlib_names: fn() -> Vec<&'static str>,
    /// `sys.implementation._multiarch`.
    pub multiarch: &'static str,
    /// Native modules beyond the interpreter's own.
    pub natives: &'static [&'static ModuleDef],
    /// Whether to install handlers for signals.
    pub signals: bool,
}

/// `sys.flags`.
#[allow(missing_docs, reason = "named after the fields of sys.flags")]
#[derive(Clone, Copy, Default, Debug)]
pub struct Flags {
    pub debug: u8,
    pub inspect: u8,
    pub interactive: u8,
    pub optimize: u8,
    pub dont_write_bytecode: bool,
    pub no_user_site: bool,
    pub no_site: bool,
    pub ignore_environment: bool,
    pub verbose: u8,
    pub bytes_warning: u8,
    pub quiet: bool,
    pub isolated: bool,
    pub dev_mode: bool,
    pub utf8_mode: bool,
    pub safe_path: bool,
    pub unbuffered: bool,
    pub int_max_str_digits: i64,
    pub hash_seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            argv: vec![String::new()],
            orig_argv: Vec::new(),
            executable: String::new(),
            path: Vec::new(),
            xoptions: Vec::new(),
            warnoptions: Vec::new(),
            flags: Flags { int_max_str_digits: 4300, utf8_mode: true, ..Flags::default() },
            env: Vec::new(),
            find_packed: |_| None,
            stdlib_dir: None,
            stdlib_names: Vec::new,
            multiarch: "x86_64-linux-gnu",
            natives: &[],
            signals: false,
        }
    }
}

/// The interpreter's shared state. The interpreter lock guards it.
pub struct Runtime {
    /// What the embedder asked for.
    pub config: Config,
    pub(crate) recursion_limit: Cell<u32>,
    pub(crate) modules: ObjCell,
    pub(crate) builtins: ObjCell,
    pub(crate) builtins_module: ObjCell,
    pub(crate) sys: ObjCell,
    pub(crate) importlib: ObjCell,
    pub(crate) import_func: ObjCell,
    pub(crate) audit_hooks: RefCell<Vec<Obj>>,
    pub(crate) finalizing: Cell<bool>,
    pub(crate) signal_handlers: RefCell<Vec<Option<Obj>>>,
    pub(crate) ast_types: std::cell::OnceCell<crate::modules::ast::Types>,
}

// SAFETY: the interpreter lock guards every access.
unsafe impl Sync for Runtime {}
// SAFETY: as above.
unsafe impl Send for Runtime {}

impl Runtime {
    pub(crate) fn new(config: Config) -> &'static Runtime {
        Box::leak(Box::new(Runtime {
            config,
            recursion_limit: Cell::new(1000),
            modules: ObjCell::new(None),
            builtins: ObjCell::new(None),
            builtins_module: ObjCell::new(None),
            sys: ObjCell::new(None),
            importlib: ObjCell::new(None),
            import_func: ObjCell::new(None),
            audit_hooks: RefCell::new(Vec::new()),
            finalizing: Cell::new(false),
            signal_handlers: RefCell::new(Vec::new()),
            ast_types: std::cell::OnceCell::new(),
        }))
    }

    /// `sys.modules`.
    pub fn modules(&self, cx: &Ctx) -> PyResult {
        self.modules.get().ok_or_else(|| cx.runtime_error("the interpreter is not initialised"))
    }

    /// A module of the packed library, also by the names that the import system's own two modules have there.
    pub(crate) fn packed(&self, name: &str) -> Option<PackedModule> {
        (self.config.find_packed)(match name {
            "_frozen_importlib" => "importlib._bootstrap",
            "_frozen_importlib_external" => "importlib._bootstrap_external",
            n => n,
        })
    }

    /// The definition of a native module.
    pub fn find_native(&self, name: &str) -> Option<&'static ModuleDef> {
        crate::modules::OWN.iter().chain(self.config.natives).find(|d| d.name == name).copied()
    }
}
