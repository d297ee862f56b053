//! Developer commands: `cargo xtask <command>`.

mod ast_diff;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((command, rest)) if command == "ast-diff" => ast_diff::run(rest),
        _ => Err("commands:\n  ast-diff PYTHON [PATH…]  compare syntax trees with an installed CPython 3.14".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
