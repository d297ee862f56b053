//! Holds rules about what source code may contain, by its tokens (so that comments and texts do not count).

use proc_macro2::{TokenStream, TokenTree};
use xtask::workspace;

/// The Rust files under `crates/<name>/src` with their crate.
fn sources() -> Vec<(String, String, TokenStream)> {
    let mut out = Vec::new();
    for path in workspace::files() {
        let parts: Vec<&str> = path.split('/').collect();
        if let ["crates", name, "src", ..] = parts[..]
            && path.ends_with(".rs")
        {
            let text = std::fs::read_to_string(workspace::root().join(&path)).unwrap();
            let tokens = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
            out.push((name.to_owned(), path.clone(), tokens));
        }
    }
    assert!(out.len() > 20, "the sources were not found");
    out
}

/// All identifiers and punctuation in order, groups flattened.
fn flat(tokens: TokenStream, out: &mut Vec<String>) {
    for t in tokens {
        match t {
            TokenTree::Group(g) => flat(g.stream(), out),
            TokenTree::Ident(i) => out.push(i.to_string()),
            TokenTree::Punct(p) => out.push(p.to_string()),
            TokenTree::Literal(_) => {}
        }
    }
}

#[test]
fn unsafe_stays_where_it_may() {
    const MAY: &[&str] = &["pyobj", "shadow", "codegen", "interp", "jit", "stdlib"];
    for (name, path, tokens) in sources() {
        if MAY.contains(&name.as_str()) {
            continue;
        }
        let mut words = Vec::new();
        flat(tokens, &mut words);
        assert!(!words.iter().any(|w| w == "unsafe"), "{path}: no unsafe code in {name}");
    }
}

#[test]
fn only_the_command_touches_the_process() {
    const FORBIDDEN: &[[&str; 4]] = &[
        ["env", ":", ":", "args"],
        ["env", ":", ":", "args_os"],
        ["env", ":", ":", "var"],
        ["env", ":", ":", "var_os"],
        ["env", ":", ":", "vars"],
        ["env", ":", ":", "vars_os"],
        ["process", ":", ":", "exit"],
        ["process", ":", ":", "abort"],
        ["panic", ":", ":", "set_hook"],
    ];
    /// What Python code or the embedder asks for by name, with the reason.
    const ALLOWED: &[(&str, &str)] = &[
        // `os._exit` and `os.abort`.
        ("crates/stdlib/src/posix", "process"),
        // A child of the fuzzer's sandbox ends itself.
        ("crates/lir/src/fuzzing", "process"),
        ("crates/lir/src/fuzzing", "env"),
        // Compiled code left through an exit that no embedder gave a meaning: there is nothing to return to.
        ("crates/codegen/src/space/exit.rs", "process"),
        // `faulthandler` and fatal errors end the process as they must.
        ("crates/stdlib/src/faulthandler", "process"),
    ];
    for (name, path, tokens) in sources() {
        if name == "cli" {
            continue;
        }
        let mut words = Vec::new();
        flat(tokens, &mut words);
        for w in words.windows(4) {
            if FORBIDDEN.iter().any(|f| w == f) && !ALLOWED.iter().any(|(p, m)| path.starts_with(p) && *m == w[0]) {
                panic!("{path}: {} belongs to the command", w.concat());
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    for (_, path, tokens) in sources() {
        let mut words = Vec::new();
        flat(tokens, &mut words);
        for w in words.windows(2) {
            assert!(!(w[1] == "!" && (w[0] == "todo" || w[0] == "unimplemented")), "{path}: {}!", w[0]);
        }
    }
}
