//! Developer commands: `cargo xtask <command>`.

mod ast_diff;
mod backend;
mod cjk_tables;
mod compile_bench;
mod fuzz;
mod link_order;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <command>

  ast-diff PYTHON [PATH…]  compare syntax trees with those of an installed CPython 3.14
  cjk-tables PYTHON        write the character sets of East Asia from what an installed CPython 3.14 knows
  compile-bench PYTHON [BINARY]
                           time to compile CPython's library from source, ours (default: target/release/cinder) and theirs
  licenses                 check that every dependency's licence is permissive
  conformance [options]    run CPython's own tests with Cinder and hold the floor of tests/cpython/floor.txt
      --binary PATH        the Cinder to run (default: target/fast/cinder)
      --python PATH        the CPython 3.14 whose test package is used (default: python3.14)
      --update             write the results as the new floor
      MODULE...            only these test modules
  fuzz TARGET [options]    random inputs until the time is over or one fails; without TARGET lists what there is
      --seconds N          for how long (default: 60)
      --seed N             the first seed (default: the time of day)
  backend-bench [PROFILE]  compile time of the back end, and its kernels against cranelift's
  link-order [BINARY]      find the functions that a start runs (default: of target/release/cinder) and write the linker
                           script that places them together; needs valgrind and nm
  help                     this text
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_else(|| "help".into());
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "licenses" | "licences" => {
            xtask::licences::check().map(|n| println!("{n} packages, all permissively licensed"))
        }
        "ast-diff" => ast_diff::run(&rest).map_err(|e| e.to_string()),
        "backend-bench" => backend::bench(&rest),
        "cjk-tables" => cjk_tables::run(&rest).map_err(|e| e.to_string()),
        "compile-bench" => compile_bench::run(&rest),
        "conformance" => xtask::conformance::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "link-order" => link_order::run(&rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command `{other}`\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
