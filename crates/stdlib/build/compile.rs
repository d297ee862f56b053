//! Compiles the modules of the library.
//!
//! `CINDER_PRECOMPILE=0` leaves it out, for builds that are not run: modules are compiled when imported, then.

use std::sync::atomic::{AtomicUsize, Ordering};

use cinder_bytecode::compile::{CompileOptions, compile};
use cinder_bytecode::format::serialize;
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, parse};

use crate::pack::{Module, path_of};

/// What stands before the path in `co_filename`; `packed::PREFIX` says the same.
const PREFIX: &str = "/<cinder>/lib/python3.14";

/// The code of each module in the on-disk format; empty where there is none.
pub fn all(modules: &[Module<'_>]) -> Vec<Vec<u8>> {
    println!("cargo::rerun-if-env-changed=CINDER_PRECOMPILE");
    if std::env::var("CINDER_PRECOMPILE").is_ok_and(|v| v == "0") {
        return vec![Vec::new(); modules.len()];
    }
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<(usize, Vec<u8>)> = std::thread::scope(|s| {
        let worker = || {
            let mut mine = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(m) = modules.get(i) else { return mine };
                mine.push((i, one(m)));
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| s.spawn(worker)).collect();
        handles.into_iter().flat_map(|h| h.join().expect("the compiler does not panic")).collect()
    });
    results.sort_by_key(|r| r.0);
    results.into_iter().map(|r| r.1).collect()
}

fn one((name, package, source): &Module<'_>) -> Vec<u8> {
    let path = path_of(name, *package);
    let Ok(text) = std::str::from_utf8(source) else {
        println!("cargo::warning={path} is not UTF-8; it is compiled when imported");
        return Vec::new();
    };
    let arena = Arena::default();
    let parsed = match parse(text.trim_start_matches('\u{feff}'), &ParseOptions::default(), &arena) {
        Ok(p) => p,
        Err(e) => {
            println!("cargo::warning={path} does not parse: {e:?}");
            return Vec::new();
        }
    };
    match compile(&parsed.module, &parsed.lines, &CompileOptions::new(&format!("{PREFIX}/{path}"))) {
        Ok(c) => serialize(&c.code),
        Err(e) => {
            println!("cargo::warning={path} does not compile: {e:?}");
            Vec::new()
        }
    }
}
