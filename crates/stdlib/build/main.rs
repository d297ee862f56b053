//! Packs the pure-Python standard library into one file that the binary embeds.
//!
//! The library is CPython 3.14's (PSF licence), taken as data from the `rustpython-pylib` package. Files that
//! package changed for its own runtime are changed back ([`edits`]), files of ours replace or join the others
//! (`overlay/`), and what depends on the build is generated ([`generated`]).

mod compile;
mod edits;
mod generated;
mod pack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders and files that are of no use here: the IDE and demos need Tk, the others belong to another runtime.
const LEFT_OUT: &[&str] = &[
    "idlelib",
    "turtledemo",
    "README.md",
    "_dummy_os.py",
    "_dummy_thread.py",
    "dummy_threading.py",
    "_pycodecs.py",
    "_opcode_metadata.py",
    "opcode.py",
    "dis.py",
    "encodings/_win_cp_codecs.py",
];

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=overlay");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut files = BTreeMap::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), "", &mut files);
    files.retain(|path, _| !LEFT_OUT.iter().any(|l| path == l || path.starts_with(&format!("{l}/"))));
    edits::apply(&mut files);
    collect(Path::new("overlay"), "", &mut files);
    generated::add(&mut files);
    let packed = pack::pack(&files);
    std::fs::write(out.join("library.bin"), packed).expect("OUT_DIR is writable");
    println!("cargo::rustc-env=CINDER_MULTIARCH={}", generated::multiarch());
}

/// Reads a folder into `files`, by path with forward slashes.
fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("cannot read {}: {e}", dir.display()));
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "__pycache__" || name.ends_with(".pyc") {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            let data = std::fs::read(entry.path()).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
            files.insert(path, data);
        }
    }
}
