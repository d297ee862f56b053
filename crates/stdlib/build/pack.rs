//! The file format of the packed library; `src/packed` reads it.
//!
//! Little-endian 32-bit words, offsets from the start of the file:
//! `magic, modules, files`, then one row of 8 words for each module, sorted by name
//! (`name offset, name length, flags, source offset, packed length, length, code offset, code length`),
//! then one row of 5 words for each other file, sorted by path (`path offset, path length, offset, packed
//! length, length`), then the bytes: names and paths, code, sources, other files, so that looking for a name or running
//! code touches no page that holds anything else. Code starts at a multiple of 8 and is not compressed, so that it can
//! be read where it lies.

use std::collections::BTreeMap;

use crate::compile;

const MAGIC: u32 = 0x314c_4943;
const PACKAGE: u32 = 1;
const COMPRESSION: u8 = 8;

struct Blob {
    bytes: Vec<u8>,
}

impl Blob {
    fn add(&mut self, data: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(data);
        at
    }

    fn add_aligned(&mut self, data: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.add(data)
    }
}

/// A module of the library: its name, whether it is a package, its source.
pub type Module<'a> = (String, bool, &'a [u8]);

/// The path of a module within the library.
pub fn path_of(name: &str, package: bool) -> String {
    let stem = name.replace('.', "/");
    if package { format!("{stem}/__init__.py") } else { format!("{stem}.py") }
}

/// The module that a path holds, and whether it is a package.
fn module_of(path: &str) -> Option<(String, bool)> {
    let stem = path.strip_suffix(".py")?;
    let (stem, package) = match stem.strip_suffix("/__init__") {
        Some(s) => (s, true),
        None => (stem, false),
    };
    let parts: Vec<&str> = stem.split('/').collect();
    let is_name = |p: &&str| p.chars().all(|c| c.is_alphanumeric() || c == '_') && !p.is_empty();
    // `_sysconfigdata__linux_x86_64-linux-gnu` is imported by that very name.
    let ok = parts.iter().all(is_name) || stem.starts_with("_sysconfigdata");
    ok.then(|| (parts.join("."), package))
}

/// Packs files (by path) into one.
pub fn pack(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut modules: Vec<Module<'_>> = Vec::new();
    let mut others: Vec<(&str, &[u8])> = Vec::new();
    for (path, data) in files {
        match module_of(path) {
            Some((name, package)) => modules.push((name, package, data)),
            None => others.push((path, data)),
        }
    }
    modules.sort();
    let head = 3 + 8 * modules.len() + 5 * others.len();
    let mut blob = Blob { bytes: vec![0; 4 * head] };
    let mut words = vec![MAGIC, modules.len() as u32, others.len() as u32];
    let codes = compile::all(&modules);
    let names: Vec<u32> = modules.iter().map(|(name, ..)| blob.add(name.as_bytes())).collect();
    let paths: Vec<u32> = others.iter().map(|(path, _)| blob.add(path.as_bytes())).collect();
    let code_at: Vec<u32> = codes.iter().map(|code| if code.is_empty() { 0 } else { blob.add_aligned(code) }).collect();
    for (i, (name, package, source)) in modules.iter().enumerate() {
        let packed = miniz_oxide::deflate::compress_to_vec(source, COMPRESSION);
        let row = [
            names[i],
            name.len() as u32,
            if *package { PACKAGE } else { 0 },
            blob.add(&packed),
            packed.len() as u32,
            source.len() as u32,
            code_at[i],
            codes[i].len() as u32,
        ];
        words.extend(row);
    }
    for (i, (path, data)) in others.iter().enumerate() {
        let packed = miniz_oxide::deflate::compress_to_vec(data, COMPRESSION);
        let row = [paths[i], path.len() as u32, blob.add(&packed), packed.len() as u32, data.len() as u32];
        words.extend(row);
    }
    for (i, w) in words.iter().enumerate() {
        blob.bytes[4 * i..4 * i + 4].copy_from_slice(&w.to_le_bytes());
    }
    blob.bytes
}
