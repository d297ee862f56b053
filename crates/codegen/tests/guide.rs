//! What the documentation says about the examples.

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("readable")
}

/// Every piece of code in `docs/guide-jit.md` stands in the example that it explains.
#[test]
fn the_guide_shows_the_example() {
    let (guide, example) = (read("../../docs/guide-jit.md"), read("examples/afternoon.rs"));
    let pieces: Vec<&str> = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(pieces.len() > 10);
    for piece in pieces {
        assert!(example.contains(piece), "not in the example:\n{piece}");
    }
}

/// A language with everything that these crates offer takes less than 400 lines.
#[test]
fn the_example_language_is_small() {
    let files = ["lang.rs", "compile.rs", "main.rs"].map(|f| read(&format!("examples/tally/{f}")));
    let lines: usize = files.iter().map(|text| text.lines().count()).sum();
    assert!(lines < 400, "{lines} lines");
    assert!(files.iter().flat_map(|text| text.lines()).all(|line| line.len() <= 120), "without cheating");
}
