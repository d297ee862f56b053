//! Holds that dependencies are permissively licensed and that our own texts are in place.

#[test]
fn dependencies_are_permissively_licensed() {
    if let Err(e) = xtask::licences::check() {
        panic!("{e}");
    }
}

#[test]
fn the_deny_list_agrees() {
    let deny = std::fs::read_to_string(xtask::workspace::root().join("deny.toml")).unwrap();
    for l in xtask::licences::ALLOWED {
        assert!(deny.contains(&format!("\"{l}\"")), "deny.toml misses {l}");
    }
}

#[test]
fn licence_texts_are_shipped() {
    for (file, text) in [
        ("LICENSE-MIT", "MIT License"),
        ("LICENSE-APACHE", "Apache License"),
        ("licenses/PSF-LICENSE", "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2"),
    ] {
        let found = std::fs::read_to_string(xtask::workspace::root().join(file)).unwrap();
        assert!(found.contains(text), "{file}");
    }
}
