use super::*;

fn memory(protection: Protection) -> CodeMemory {
    CodeMemory::new(protection, MemoryLimits { code: 1 << 20, data: 1 << 16 }).unwrap()
}

/// `mov eax, imm32; ret`
#[cfg(target_arch = "x86_64")]
fn returning(n: u32) -> Vec<u8> {
    let mut code = vec![0xb8];
    code.extend(n.to_le_bytes());
    code.push(0xc3);
    code
}

#[cfg(target_arch = "x86_64")]
fn call(block: &Block) -> u32 {
    // SAFETY: the block holds the function that `returning` made.
    let f: extern "C" fn() -> u32 = unsafe { std::mem::transmute(block.address) };
    f()
}

/// The protection of the mapping that contains an address, as the system tells it.
fn permissions(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let start = usize::from_str_radix(start, 16).unwrap();
        let end = usize::from_str_radix(end, 16).unwrap();
        if (start..end).contains(&address) {
            return rest[..4].to_string();
        }
    }
    String::new()
}

#[test]
#[cfg(target_arch = "x86_64")]
fn code_runs_in_both_modes_and_is_never_writable() {
    for protection in [Protection::DualMapping, Protection::Flip] {
        let memory = memory(protection);
        let (a, cells) = memory.allocate(6, 3).unwrap();
        memory.write(&a, &returning(7)).unwrap();
        assert_eq!(call(&a), 7);
        assert!(permissions(a.address).starts_with("r-x"), "{protection:?}");
        assert_eq!(cells.count, 3);
        assert!(permissions(cells.address).starts_with("rw-"));
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.lines().any(|l| l.contains("rwx")), "a mapping is writable and executable");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn freed_blocks_are_reused_and_the_limit_holds() {
    let memory = memory(Protection::DualMapping);
    let mut blocks = Vec::new();
    let error = loop {
        match memory.allocate(5000, 1) {
            Ok(b) => blocks.push(b),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, MemoryError::Full { bytes: 5000 }));
    assert!(memory.used().code <= 1 << 20);
    let first = blocks[3].0.address;
    let (block, cells) = blocks.remove(3);
    memory.free(&block, &cells);
    let (again, _) = memory.allocate(5000, 1).unwrap();
    assert_eq!(again.address, first);
    memory.write(&again, &returning(9)).unwrap();
    assert_eq!(call(&again), 9);
    for (block, cells) in blocks {
        memory.free(&block, &cells);
    }
    assert_eq!(memory.used().code, again.len);
}

#[test]
fn guard_pages_surround_code_and_cells() {
    for protection in [Protection::DualMapping, Protection::Flip] {
        let memory = memory(protection);
        let (block, cells) = memory.allocate(64, 1).unwrap();
        assert!(permissions(block.address - 1).starts_with("---"));
        assert!(permissions(cells.address - 1).starts_with("---"));
        assert!(permissions(cells.address + (1 << 16)).starts_with("---"));
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn threads_install_and_run_at_once() {
    for protection in [Protection::DualMapping, Protection::Flip] {
        let memory = CodeMemory::new(protection, MemoryLimits { code: 8 << 20, data: 1 << 16 }).unwrap();
        std::thread::scope(|scope| {
            for t in 0..4u32 {
                let memory = &memory;
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for i in 0..200u32 {
                        let n = t * 1000 + i;
                        let (block, cells) = memory.allocate(6 + (i as usize % 90), 2).unwrap();
                        memory.write(&block, &returning(n)).unwrap();
                        assert_eq!(call(&block), n);
                        kept.push((n, block, cells));
                        if i % 3 == 0 {
                            let (n, block, cells) = kept.swap_remove(kept.len() / 2);
                            assert_eq!(call(&block), n);
                            memory.free(&block, &cells);
                        }
                    }
                    for (n, block, _) in &kept {
                        assert_eq!(call(block), *n);
                    }
                });
            }
        });
    }
}

#[test]
fn free_ranges_merge() {
    let mut list = FreeList::new(100);
    let a = list.take(10).unwrap();
    let b = list.take(20).unwrap();
    let c = list.take(30).unwrap();
    list.give(a, 10);
    list.give(c, 30);
    assert_eq!(list.ranges(), [(0, 10), (30, 70)]);
    list.give(b, 20);
    assert_eq!(list.ranges(), [(0, 100)]);
}
