//! The whole standard library: every file compiles to code that the verifier accepts and that survives the disk.

use cinder_bytecode::format::{deserialize, serialize};
use cinder_bytecode::{CompileOptions, asm, compile, verify};
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, parse};
use std::path::{Path, PathBuf};

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

#[test]
fn standard_library() {
    let mut files = Vec::new();
    python_files(Path::new(rustpython_pylib::LIB_PATH), &mut files);
    assert!(files.len() > 300, "the library has {} files", files.len());
    let mut compiled_files = 0;
    for path in files {
        let name = path.to_string_lossy();
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        let arena = Arena::new();
        let Ok(parsed) = parse(&source, &ParseOptions::default(), &arena) else { continue };
        let compiled = match compile(&parsed.module, &parsed.lines, &CompileOptions::new(&name)) {
            Ok(compiled) => compiled,
            Err(error) => panic!("{name}: {error}"),
        };
        verify(&compiled.code).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = deserialize(&serialize(&compiled.code)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, *compiled.code, "{name} changes when written and read");
        assert_eq!(again.filename, compiled.code.filename);
        let printed = asm::print(&compiled.code);
        let reread = asm::parse(&printed).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(reread, *compiled.code, "{name} changes when printed and parsed");
        compiled_files += 1;
    }
    assert!(compiled_files > 300, "only {compiled_files} files were compiled");
}
