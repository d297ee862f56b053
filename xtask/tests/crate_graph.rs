//! Holds the arrows between crates.

use std::collections::BTreeMap;

use xtask::workspace;

/// What each crate may depend on (for building and running; tests may use more).
const ARROWS: &[(&str, &[&str])] = &[
    ("cinder-syntax", &[]),
    ("cinder-bytecode", &["cinder-syntax"]),
    ("cinder-macros", &[]),
    ("cinder-pyobj", &["cinder-macros"]),
    ("cinder-shadow", &["cinder-bytecode", "cinder-pyobj"]),
    ("cinder-interp", &["cinder-syntax", "cinder-bytecode", "cinder-macros", "cinder-pyobj", "cinder-shadow"]),
    (
        "cinder-stdlib",
        &["cinder-syntax", "cinder-bytecode", "cinder-macros", "cinder-pyobj", "cinder-shadow", "cinder-interp"],
    ),
    ("cinder-hir", &["cinder-bytecode"]),
    ("cinder-lir", &[]),
    ("cinder-codegen", &["cinder-lir"]),
    (
        "cinder-jit",
        &[
            "cinder-bytecode",
            "cinder-pyobj",
            "cinder-shadow",
            "cinder-interp",
            "cinder-hir",
            "cinder-lir",
            "cinder-codegen",
        ],
    ),
    ("cinder-strict", &["cinder-syntax", "cinder-bytecode"]),
    ("cinder-static", &["cinder-syntax", "cinder-bytecode"]),
];

/// Normal and build dependencies within the workspace, by crate.
fn graph() -> BTreeMap<String, Vec<String>> {
    let meta = workspace::metadata(false).unwrap();
    let mut graph = BTreeMap::new();
    for p in meta["packages"].as_array().unwrap() {
        let deps = p["dependencies"].as_array().unwrap();
        let own = deps
            .iter()
            .filter(|d| d["kind"].as_str() != Some("dev") && d["path"].is_string())
            .map(|d| d["name"].as_str().unwrap().to_owned())
            .collect();
        graph.insert(p["name"].as_str().unwrap().to_owned(), own);
    }
    graph
}

#[test]
fn dependencies_follow_the_arrows() {
    for (name, deps) in graph() {
        if name == "cinder" || name == "xtask" {
            continue;
        }
        let (_, may) = ARROWS
            .iter()
            .find(|(n, _)| *n == name)
            .unwrap_or_else(|| panic!("{name} has no row in the table of arrows"));
        for d in deps {
            assert!(may.contains(&d.as_str()), "{name} must not depend on {d}");
        }
    }
}

#[test]
fn the_command_is_on_top() {
    for (name, deps) in graph() {
        assert!(!deps.iter().any(|d| d == "cinder" || d == "xtask"), "{name} depends on a program");
    }
}

#[test]
fn published_names_carry_the_prefix() {
    for name in graph().keys() {
        assert!(name.starts_with("cinder") || name == "xtask", "{name}");
    }
}
