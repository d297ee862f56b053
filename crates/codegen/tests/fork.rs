//! Forked processes and shared code memory. Alone in its file: forks of other tests would count.

#![cfg(target_arch = "x86_64")]

use cinder_codegen::memory::{Block, CodeMemory, MemoryLimits, Protection};

/// `mov eax, imm32; ret`
fn returning(n: u32) -> Vec<u8> {
    let mut code = vec![0xb8];
    code.extend(n.to_le_bytes());
    code.push(0xc3);
    code
}

fn call(block: &Block) -> u32 {
    // SAFETY: the block holds the function that `returning` made.
    let f: extern "C" fn() -> u32 = unsafe { std::mem::transmute(block.address) };
    f()
}

#[test]
fn forks_do_not_see_each_other() {
    let memory = CodeMemory::new(Protection::DualMapping, MemoryLimits { code: 1 << 20, data: 1 << 16 }).unwrap();
    let (a, a_cells) = memory.allocate(6, 0).unwrap();
    memory.write(&a, &returning(1)).unwrap();
    // SAFETY: the child touches only code memory and leaves with `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let ok = call(&a) == 1
            && memory.allocate(6, 1).is_ok_and(|(b, _)| {
                memory.write(&b, &returning(2)).is_ok() && b.address != a.address && call(&b) == 2 && call(&a) == 1
            });
        // SAFETY: ends the child without running the test harness's exit code.
        unsafe { libc::_exit(if ok { 0 } else { 1 }) };
    }
    memory.free(&a, &a_cells);
    let (b, _) = memory.allocate(6, 0).unwrap();
    memory.write(&b, &returning(3)).unwrap();
    assert_ne!(a.address, b.address, "a child may still run the freed block");
    assert_eq!(memory.used().shared_with_forks, a.len);
    let mut status = 0;
    // SAFETY: waits for the child just started.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "the child's code was disturbed");
}
