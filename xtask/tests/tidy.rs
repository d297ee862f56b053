//! Holds what every file of the project must look like.

use xtask::workspace;

const TEXT: &[&str] = &["rs", "py", "md", "toml", "txt", "lalrpop", "sh", "hir", "lir", "yml"];

/// Tables, which are longer than code may be. Each row gives its reason by its name.
const TABLES: &[&str] = &[];

fn texts() -> impl Iterator<Item = (String, String)> {
    workspace::files().into_iter().filter_map(|path| {
        let ext = path.rsplit_once('.').map_or("", |(_, e)| e);
        let ours = !path.starts_with("licenses/") && (TEXT.contains(&ext) || path.starts_with(".ci/"));
        ours.then(|| std::fs::read_to_string(workspace::root().join(&path)).ok().map(|t| (path, t))).flatten()
    })
}

#[test]
fn files_are_of_readable_size() {
    for (path, text) in texts().filter(|(p, _)| p.ends_with(".rs")) {
        let lines = text.lines().count();
        assert!(lines <= 1500 || TABLES.contains(&path.as_str()), "{path} has {lines} lines");
    }
}

#[test]
fn no_machine_paths() {
    // Spelled in pieces so that this file passes its own test.
    let bad: Vec<String> =
        [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/user"), ("crates", "-io.proxy"), ("/Us", "ers/")]
            .iter()
            .map(|(a, b)| format!("{a}{b}"))
            .collect();
    for (path, text) in texts() {
        for (n, line) in text.lines().enumerate() {
            if let Some(b) = bad.iter().find(|b| line.contains(b.as_str())) {
                panic!("{path}:{}: names a path of a machine: {b}", n + 1);
            }
        }
    }
}

#[test]
fn lines_end_cleanly() {
    for (path, text) in texts().filter(|(p, _)| p.ends_with(".rs") || p.ends_with(".md") || p.ends_with(".toml")) {
        assert!(text.is_empty() || text.ends_with('\n'), "{path}: no newline at the end");
        for (n, line) in text.lines().enumerate() {
            assert!(!line.ends_with([' ', '\t', '\r']), "{path}:{}: space at the end of the line", n + 1);
        }
    }
}

#[test]
fn modules_say_what_they_are() {
    for (path, text) in texts().filter(|(p, _)| p.ends_with(".rs") && p.contains("/src/") && !p.ends_with("/tests.rs"))
    {
        assert!(
            text.starts_with("//!")
                || text.starts_with("#!")
                || text.starts_with("// @generated")
                || text.trim().is_empty(),
            "{path} begins without a doc line"
        );
    }
}
