//! The profiler's files, read back.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use cinder_codegen::compiler::Compiler;
use cinder_codegen::debug::DebugOptions;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig};
use cinder_lir::Function;
use cinder_lir::alloc::Tier;
use cinder_lir::fuzzing::{Config, function};

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn without_calls(seed: u64) -> Function {
    function(seed, &Config { calls: false, size: 40, ..Config::default() })
}

#[test]
fn jitdump_and_map_hold_what_was_installed() {
    let dir = std::env::temp_dir().join(format!("cinder-profilers-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let debug =
        DebugOptions { jitdump: Some(dir.clone()), perf_map: true, source_dir: "/src".into(), ..Default::default() };
    let space = CodeSpace::host(CodeSpaceConfig { debug, ..Default::default() }).unwrap();
    let mut compiler = Compiler::host(&space);
    // Functions of generated tests refer to host functions even when they do not call them.
    let resolve = |_: &cinder_lir::Symbol| Some(0x1000);
    let codes: Vec<_> = (0..3)
        .map(|seed| {
            let mut func = without_calls(seed);
            let code = compiler.install(&space, &mut func, Tier::Quick, &resolve).unwrap();
            (code, func)
        })
        .collect();

    let dump = std::fs::read(dir.join(format!("jit-{}.dump", std::process::id()))).unwrap();
    assert_eq!(u32_at(&dump, 0), 0x4a69_5444, "the magic word");
    assert_eq!((u32_at(&dump, 4), u32_at(&dump, 8), u32_at(&dump, 12)), (1, 40, 62));
    assert_eq!(u32_at(&dump, 20), std::process::id());
    let (mut at, mut last_time, mut loads, mut lines) = (40, 0, Vec::new(), 0);
    while at < dump.len() {
        let (id, size, time) = (u32_at(&dump, at), u32_at(&dump, at + 4) as usize, u64_at(&dump, at + 8));
        assert!(time >= last_time, "records are in order of time");
        last_time = time;
        match id {
            0 => {
                let (address, len) = (u64_at(&dump, at + 24), u64_at(&dump, at + 40) as usize);
                assert_eq!(u64_at(&dump, at + 48), loads.len() as u64, "code is numbered");
                let name: Vec<u8> = dump[at + 56..].iter().copied().take_while(|b| *b != 0).collect();
                assert_eq!(size, 56 + name.len() + 1 + len);
                let code = &dump[at + size - len..at + size];
                loads.push((String::from_utf8(name).unwrap(), address, code.to_vec()));
            }
            2 => {
                // The number of entries and their sizes fill the record exactly.
                let (count, mut entry) = (u64_at(&dump, at + 24), at + 32);
                for _ in 0..count {
                    assert!(u32_at(&dump, entry + 8) > 0, "a line");
                    let name: Vec<u8> = dump[entry + 16..].iter().copied().take_while(|b| *b != 0).collect();
                    assert!(name.starts_with(b"/src/"));
                    entry += 16 + name.len() + 1;
                    lines += 1;
                }
                assert_eq!(entry, at + size);
            }
            other => panic!("record {other}"),
        }
        at += size;
    }
    assert_eq!(at, dump.len());
    assert!(lines > 0);
    let map_path = format!("/tmp/perf-{}.map", std::process::id());
    let map = std::fs::read_to_string(&map_path).unwrap();
    for (code, func) in &codes {
        let load = loads.iter().find(|l| l.0 == func.name).expect("a record");
        assert_eq!(load.1, code.address() as u64);
        assert_eq!(&load.2[..code.code_len()], code.code(), "relocated");
        let line = map.lines().find(|l| l.ends_with(&func.name)).expect("a line of the map");
        assert!(line.starts_with(&format!("{:x} ", code.address())));
    }
    assert_eq!(loads[0].0, "exit_stub", "the common stub has a name too");
    let _ = std::fs::remove_file(map_path);
    let _ = std::fs::remove_dir_all(dir);
}
