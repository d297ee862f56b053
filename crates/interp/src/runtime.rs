//! State shared by all threads of an interpreter.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;

use cinder_pyobj::native::ModuleDef;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Strictness};

use crate::observe::Monitoring;
use crate::thread::Thread;

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
    pub argv: Vec<OsString>,
    /// `sys.orig_argv`.
    pub orig_argv: Vec<OsString>,
    /// `sys.executable`.
    pub executable: OsString,
    /// `sys._base_executable`: the same outside of a virtual environment.
    pub base_executable: OsString,
    /// `sys.prefix`.
    pub prefix: OsString,
    /// `sys.base_prefix`.
    pub base_prefix: OsString,
    /// `sys.platlibdir`.
    pub platlibdir: OsString,
    /// Entries of `sys.path` that come before the packed library.
    pub path: Vec<OsString>,
    /// `-X` options.
    pub xoptions: Vec<(OsString, Option<OsString>)>,
    /// `sys.warnoptions`.
    pub warnoptions: Vec<OsString>,
    /// `sys.pycache_prefix`.
    pub pycache_prefix: Option<OsString>,
    /// `_imp.check_hash_based_pycs`.
    pub check_hash_pycs: String,
    /// `sys.flags` in CPython's order, by name.
    pub flags: Flags,
    /// How texts become bytes for the system and for the standard streams.
    pub encodings: Encodings,
    /// The CPUs that `os.cpu_count()` shows, if not the real ones.
    pub cpu_count: Option<u32>,
    /// `-X importtime`: 0 for off, 2 to show cached modules too.
    pub import_time: u8,
    /// Whether the import system may load what is packed as frozen modules.
    pub frozen_modules: bool,
    /// Whether tracebacks go without carets.
    pub no_debug_ranges: bool,
    /// Whether `faulthandler` is on from the start.
    pub faulthandler: bool,
    /// The frames that `tracemalloc` records from the start; 0 for off.
    pub tracemalloc: u32,
    /// Finds a module of the packed library.
    pub find_packed: fn(&str) -> Option<PackedModule>,
    /// Lets the system take back the memory of packed code that was read; called after each packed module was read.
    pub release_packed: fn(),
    /// The `sys.path` entry of the packed library; `sys._stdlib_dir`.
    pub stdlib_dir: Option<&'static str>,
    /// The contents of a file of the packed library by its path below `stdlib_dir`.
    pub packed_file: fn(&str) -> Option<Vec<u8>>,
    /// Names for `sys.stdlib_module_names`.
    pub stdlib_names: &'static [&'static str],
    /// `sys.implementation._multiarch`.
    pub multiarch: &'static str,
    /// Native modules beyond the interpreter's own.
    pub natives: &'static [&'static ModuleDef],
    /// Whether to install handlers for signals.
    pub signals: bool,
}

/// Names of codecs and of error handlers.
#[derive(Clone, Debug)]
pub struct Encodings {
    /// `sys.getfilesystemencoding()`.
    pub filesystem: String,
    /// `sys.getfilesystemencodeerrors()`.
    pub filesystem_errors: String,
    /// The encoding of the standard streams.
    pub stdio: String,
    /// The error handler of standard input and standard output.
    pub stdio_errors: String,
}

impl Default for Encodings {
    fn default() -> Encodings {
        Encodings {
            filesystem: "utf-8".to_owned(),
            filesystem_errors: "surrogateescape".to_owned(),
            stdio: "utf-8".to_owned(),
            stdio_errors: "strict".to_owned(),
        }
    }
}

/// `sys.flags`.
#[expect(missing_docs, reason = "named after the fields of sys.flags")]
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
    pub warn_default_encoding: bool,
    pub safe_path: bool,
    pub unbuffered: bool,
    pub int_max_str_digits: i64,
    pub thread_inherit_context: bool,
    pub context_aware_warnings: bool,
    pub hash_seed: HashSeed,
}

/// Where the hashes of texts start from.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum HashSeed {
    /// A new key in every process.
    #[default]
    Random,
    /// A key derived from a number; zero turns randomisation off.
    Fixed(u32),
}

impl Default for Config {
    fn default() -> Config {
        Config {
            argv: vec![OsString::new()],
            orig_argv: Vec::new(),
            executable: OsString::new(),
            base_executable: OsString::new(),
            prefix: OsString::new(),
            base_prefix: OsString::new(),
            platlibdir: OsString::from("lib"),
            path: Vec::new(),
            xoptions: Vec::new(),
            warnoptions: Vec::new(),
            pycache_prefix: None,
            check_hash_pycs: "default".to_owned(),
            flags: Flags { int_max_str_digits: 4300, utf8_mode: true, ..Flags::default() },
            encodings: Encodings::default(),
            cpu_count: None,
            import_time: 0,
            frozen_modules: true,
            no_debug_ranges: false,
            faulthandler: false,
            tracemalloc: 0,
            find_packed: |_| None,
            release_packed: || (),
            stdlib_dir: None,
            packed_file: |_| None,
            stdlib_names: &[],
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
    /// The code and text of `-c`, whose lines tracebacks show.
    pub(crate) command: ObjCell,
    /// What `sys.path` began with when the program started; empty for the current folder.
    pub(crate) first_path: RefCell<Option<OsString>>,
    /// The future features that statements at the prompt turned on.
    pub(crate) interactive_future: Cell<i64>,
    /// `_imp._override_frozen_modules_for_tests`.
    pub(crate) frozen_override: Cell<i8>,
    /// For `-X importtime`: how deep imports are nested, the time that inner ones took in nanoseconds, and
    /// whether the heading was printed.
    pub(crate) import_depth: Cell<usize>,
    pub(crate) import_inner: Cell<u64>,
    pub(crate) import_header: Cell<bool>,
    /// The threads that run Python code.
    pub(crate) threads: RefCell<Vec<*const crate::thread::Thread>>,
    pub(crate) ast_types: std::cell::OnceCell<crate::modules::ast::Types>,
    pub(crate) monitoring: Monitoring,
    pub(crate) warnings: crate::modules::warnings::Warnings,
    /// Files whose descriptors `faulthandler` writes to.
    pub(crate) fault_files: RefCell<std::collections::BTreeMap<String, Obj>>,
}

// SAFETY: the interpreter lock guards every access.
unsafe impl Sync for Runtime {}
// SAFETY: as above.
unsafe impl Send for Runtime {}

impl Runtime {
    pub(crate) fn new(config: Config) -> &'static Runtime {
        Strictness::set(config.flags.bytes_warning > 0, config.flags.dev_mode);
        let frame_state = config.xoptions.iter().find(|(name, _)| name == "frame-state");
        let frame_state = frame_state
            .map_or(0, |(_, n)| n.as_ref().and_then(|n| n.to_str()).and_then(|n| n.parse().ok()).unwrap_or(1));
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
            command: ObjCell::new(None),
            first_path: RefCell::new(None),
            interactive_future: Cell::new(0),
            frozen_override: Cell::new(0),
            import_depth: Cell::new(0),
            import_inner: Cell::new(0),
            import_header: Cell::new(false),
            threads: RefCell::new(Vec::new()),
            ast_types: std::cell::OnceCell::new(),
            monitoring: Monitoring::new(frame_state),
            warnings: Default::default(),
            fault_files: RefCell::default(),
        }))
    }

    /// The tables of thread-local data of all threads.
    pub(crate) fn thread_tables(&self) -> Vec<Obj> {
        // SAFETY: a thread is on the list while it lives.
        self.threads.borrow().iter().filter_map(|t| unsafe { (**t).locals.get() }).collect()
    }

    /// Calls `f` with every thread, the newest first, unless the list is just being changed. For signal handlers.
    pub(crate) fn try_each_thread(&self, f: &mut dyn FnMut(&Thread)) {
        let Ok(threads) = self.threads.try_borrow() else { return };
        for t in threads.iter().rev() {
            // SAFETY: threads take themselves out before they go.
            f(unsafe { &**t });
        }
    }

    /// Calls `f` with every thread. The interpreter lock is held, so no other thread runs Python code.
    pub(crate) fn each_thread(&self, mut f: impl FnMut(&Thread)) {
        let threads = self.threads.borrow().clone();
        for t in threads {
            // SAFETY: threads take themselves out under the interpreter lock before they go.
            f(unsafe { &*t });
        }
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
