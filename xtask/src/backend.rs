//! `cargo xtask backend-bench`: the compiler back end's benchmarks.

use std::process::Command;

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

/// Compile time for each LIR instruction, and the Tally kernels against cranelift.
pub fn bench() -> Result<(), String> {
    for name in ["compile_time", "kernels"] {
        succeed(cargo().args([
            "bench",
            "--quiet",
            "--package",
            "cinder-codegen",
            "--profile",
            "fast",
            "--bench",
            name,
        ]))?;
    }
    Ok(())
}
