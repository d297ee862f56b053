//! The pure-Python standard library, embedded in the binary.
//!
//! Sources are compressed one by one; code is stored as it is, to be used where it lies. Nothing is read
//! from the file system and nothing is unpacked before it is asked for.

static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));

/// The platform as it stands in file names, such as `x86_64-linux-gnu`; `sys.implementation._multiarch`.
pub const MULTIARCH: &str = env!("CINDER_MULTIARCH");

/// What stands before a module's path in the file name of its code; also the library's entry in `sys.path`, and
/// `sys._stdlib_dir`.
pub const PREFIX: &str = "/<cinder>/lib/python3.14";

const MAGIC: u32 = 0x314c_4943;
const HEAD: usize = 3;
const MODULE_ROW: usize = 8;
const FILE_ROW: usize = 5;
const PACKAGE: u32 = 1;

/// A module of the library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module {
    row: usize,
}

/// Word `i` of the file.
fn word(i: usize) -> u32 {
    match LIBRARY.get(4 * i..4 * i + 4) {
        Some(b) => b.iter().rev().fold(0, |w, b| w << 8 | u32::from(*b)),
        None => 0,
    }
}

fn bytes(offset: u32, len: u32) -> &'static [u8] {
    let start = offset as usize;
    LIBRARY.get(start..start + len as usize).unwrap_or(&[])
}

fn text(offset: u32, len: u32) -> &'static str {
    std::str::from_utf8(bytes(offset, len)).unwrap_or("")
}

fn unpack(packed: &[u8], len: u32) -> Vec<u8> {
    miniz_oxide::inflate::decompress_to_vec_with_limit(packed, len as usize).unwrap_or_default()
}

fn module_count() -> usize {
    if word(0) == MAGIC { word(1) as usize } else { 0 }
}

impl Module {
    fn field(self, i: usize) -> u32 {
        word(HEAD + MODULE_ROW * self.row + i)
    }

    /// The full name.
    pub fn name(self) -> &'static str {
        text(self.field(0), self.field(1))
    }

    /// Whether it is a package.
    pub fn is_package(self) -> bool {
        self.field(2) & PACKAGE != 0
    }

    /// The path within the library, such as `json/decoder.py`.
    pub fn path(self) -> String {
        let stem = self.name().replace('.', "/");
        if self.is_package() { format!("{stem}/__init__.py") } else { format!("{stem}.py") }
    }

    /// `co_filename` of the module's code.
    pub fn filename(self) -> String {
        format!("{PREFIX}/{}", self.path())
    }

    /// The source text.
    pub fn source(self) -> Vec<u8> {
        unpack(bytes(self.field(3), self.field(4)), self.field(5))
    }

    /// The compiled code in the on-disk format of `cinder-bytecode`, if the library was packed with it.
    pub fn code(self) -> Option<&'static [u8]> {
        match self.field(7) {
            0 => None,
            len => Some(bytes(self.field(6), len)),
        }
    }
}

/// Lets the system take back the pages of code that were read: objects hold copies, and reading a module's code again
/// brings its pages back.
pub fn release_code() {
    let count = module_count();
    let Some(last) = count.checked_sub(1).map(|row| Module { row }) else { return };
    // Code stands in the order of the modules.
    let (start, end) = (Module { row: 0 }.field(6), last.field(6) + last.field(7));
    release(bytes(start, end.saturating_sub(start)));
}

/// Lets the system take back the whole pages of a part of the library.
#[cfg(target_os = "linux")]
fn release(part: &'static [u8]) {
    // SAFETY: no argument is a pointer.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(1) as usize;
    let start = (part.as_ptr() as usize).next_multiple_of(page);
    let end = (part.as_ptr() as usize + part.len()) / page * page;
    if start < end {
        // SAFETY: the pages hold nothing but constants of the executable file, which no relocation changes, so that they
        // are the same when they are read again.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
}

#[cfg(not(target_os = "linux"))]
fn release(_: &'static [u8]) {}

/// Finds a module by its full name.
pub fn find(name: &str) -> Option<Module> {
    let i = lower_bound(module_count(), |row| Module { row }.name() < name);
    let m = Module { row: i };
    (i < module_count() && m.name() == name).then_some(m)
}

/// All modules, sorted by name.
pub fn modules() -> impl Iterator<Item = Module> {
    (0..module_count()).map(|row| Module { row })
}

/// The modules directly inside a package; of the empty name, the top-level ones.
pub fn children(package: &str) -> impl Iterator<Item = Module> + '_ {
    modules().filter(move |m| match m.name().rsplit_once('.') {
        Some((parent, _)) => parent == package,
        None => package.is_empty(),
    })
}

/// The contents of a file of the library by its path (with forward slashes): a source file or package data.
pub fn file(path: &str) -> Option<Vec<u8>> {
    if let Some(stem) = path.strip_suffix(".py") {
        let (stem, package) = match stem.strip_suffix("/__init__") {
            Some(s) => (s, true),
            None => (stem, false),
        };
        return find(&stem.replace('/', ".")).filter(|m| m.is_package() == package).map(Module::source);
    }
    let row = |i: usize| HEAD + MODULE_ROW * module_count() + FILE_ROW * i;
    let path_of = |i: usize| text(word(row(i)), word(row(i) + 1));
    let count = if word(0) == MAGIC { word(2) as usize } else { 0 };
    let i = lower_bound(count, |i| path_of(i) < path);
    if i >= count || path_of(i) != path {
        return None;
    }
    let at = row(i) + 2;
    Some(unpack(bytes(word(at), word(at + 1)), word(at + 2)))
}

/// The paths of all files, source files first.
fn paths() -> impl Iterator<Item = String> {
    let count = if word(0) == MAGIC { word(2) as usize } else { 0 };
    let row = |i: usize| HEAD + MODULE_ROW * module_count() + FILE_ROW * i;
    modules().map(Module::path).chain((0..count).map(move |i| text(word(row(i)), word(row(i) + 1)).to_owned()))
}

/// The sorted names of the files and folders in a folder (the empty name is the top); none if there is no such
/// folder.
pub fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = paths()
        .filter_map(|p| {
            let rest = if folder.is_empty() { &*p } else { p.strip_prefix(folder)?.strip_prefix('/')? };
            Some(rest.split('/').next().unwrap_or(rest).to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The licence of the packed library.
pub fn licence() -> String {
    String::from_utf8(file("PSF-LICENSE").unwrap_or_default()).unwrap_or_default()
}

/// The first index below `n` for which `before` is false.
fn lower_bound(n: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut lo, mut hi) = (0, n);
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        if before(mid) { lo = mid + 1 } else { hi = mid }
    }
    lo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_packages_are_found() {
        let json = find("json").unwrap();
        assert!(json.is_package() && json.path() == "json/__init__.py");
        let decoder = find("json.decoder").unwrap();
        assert!(!decoder.is_package() && decoder.path() == "json/decoder.py");
        assert!(decoder.source().starts_with(b"\"\"\"Implementation of JSONDecoder"));
        assert_eq!(file("json/decoder.py").unwrap(), decoder.source());
        for absent in ["", "jso", "json.", "json.decoder.x", "idlelib", "zzz", "_opcode_metadata_"] {
            assert!(find(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn every_module_unpacks_and_is_found_by_its_name() {
        let mut last = "";
        for m in modules() {
            assert!(last < m.name(), "sorted");
            last = m.name();
            assert_eq!(find(m.name()), Some(m));
            assert_eq!(m.source().len(), m.field(5) as usize, "{}", m.name());
        }
        assert!(modules().count() > 500);
    }

    #[test]
    fn every_module_carries_its_code() {
        for m in modules() {
            let bytes = m.code().unwrap_or_else(|| panic!("{} has no code", m.name()));
            let code = cinder_bytecode::format::deserialize(bytes).unwrap_or_else(|e| panic!("{}: {e}", m.name()));
            assert_eq!((&*code.name, &*code.filename), ("<module>", &*m.filename()));
            let mut left = vec![std::sync::Arc::new(code)];
            while let Some(code) = left.pop() {
                if let Err(e) = cinder_bytecode::verify(&code) {
                    panic!("{} in {}: {e}", code.qualname, m.name());
                }
                left.extend(code.children().cloned());
            }
        }
    }

    #[test]
    fn code_that_was_given_back_reads_the_same() {
        let sum =
            || modules().filter_map(Module::code).flatten().fold(0u64, |sum, b| sum * 31 % 0xffff_fffb + u64::from(*b));
        let before = sum();
        release_code();
        assert!(before != 0 && sum() == before);
    }

    #[test]
    fn the_library_is_cinders_own_version() {
        let source = |n: &str| String::from_utf8(find(n).unwrap().source()).unwrap();
        assert!(source("platform").contains("name = 'Cinder'"));
        assert!(source("site").contains("/lib/python{version[0]}.{version[1]}"));
        assert!(source("io").contains("\nRawIOBase.register(FileIO)\n"));
        assert!(find(&format!("_sysconfigdata__linux_{MULTIARCH}")).is_some() || !cfg!(target_os = "linux"));
        assert!(find("collections.abc").is_some());
    }

    #[test]
    fn package_data_and_licence_are_there() {
        assert!(licence().contains("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2"));
        let wheel = children("ensurepip").count();
        assert!(wheel > 0 && file("ensurepip/none.whl").is_none());
        assert!(file("pydoc_data/_pydoc.css").is_some());
    }

    #[test]
    fn folders_list_files_and_folders() {
        assert_eq!(
            names("wsgiref"),
            ["__init__.py", "handlers.py", "headers.py", "simple_server.py", "types.py", "util.py", "validate.py"]
        );
        assert!(names("").iter().any(|n| n == "PSF-LICENSE") && names("").iter().any(|n| n == "email"));
        assert_eq!(names("ensurepip/_bundled").len(), 1);
        assert!(names("os.py").is_empty() && names("nothing").is_empty());
    }

    #[test]
    fn children_are_direct() {
        let c: Vec<_> = children("email").map(Module::name).collect();
        assert!(c.contains(&"email.mime") && !c.contains(&"email.mime.text") && !c.contains(&"email"));
        assert!(children("").any(|m| m.name() == "os"));
    }
}
