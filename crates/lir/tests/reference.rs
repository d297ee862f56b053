//! `docs/lir.md` is the text generated from the instruction table. `CINDER_BLESS=1` rewrites it.

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lir.md");
    let want = cinder_lir::reference();
    if std::env::var_os("CINDER_BLESS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).expect("writable");
        std::fs::write(path, &want).expect("writable");
    }
    let have = std::fs::read_to_string(path).unwrap_or_default();
    assert!(have == want, "docs/lir.md is out of date: run this test with CINDER_BLESS=1");
}
