//! `cargo xtask backend-bench`: the compiler back end's benchmarks.

use std::process::Command;

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

/// Compile time for each LIR instruction, and the Tally kernels against cranelift, in the profile that users run or
/// another one.
pub fn bench(args: &[String]) -> Result<(), String> {
    let profile = args.first().map_or("release", String::as_str);
    for name in ["compile_time", "kernels"] {
        let options = ["bench", "--quiet", "--package", "cinder-codegen", "--profile", profile, "--bench", name];
        succeed(cargo().args(options))?;
    }
    Ok(())
}
