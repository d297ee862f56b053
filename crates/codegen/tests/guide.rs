//! Every piece of code in `docs/guide-jit.md` stands in the example that it explains.

#[test]
fn the_guide_shows_the_example() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let read = |path: &str| std::fs::read_to_string(format!("{root}{path}")).expect("readable");
    let (guide, example) = (read("../../docs/guide-jit.md"), read("examples/afternoon.rs"));
    let pieces: Vec<&str> = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(pieces.len() > 10);
    for piece in pieces {
        assert!(example.contains(piece), "not in the example:\n{piece}");
    }
}
