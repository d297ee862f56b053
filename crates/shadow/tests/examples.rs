//! The example interpreter prints what it is said to print.

use std::process::Command;

const EXPECTED: &str = "\
total 5050
0: LoadAttrPoly, shapes 2, misses 1, forgot 0
1: LoadAttrPoly, shapes 2, misses 1, forgot 0
2: BinaryLook, shapes 0, misses 0, forgot 0
the class changed
0: LoadAttrLook, shapes 0, misses 1, forgot 1
1: LoadAttrLook, shapes 0, misses 1, forgot 1
2: BinaryLook, shapes 0, misses 0, forgot 0
";

#[test]
fn records_use_the_caches() {
    let mut at = std::env::current_exe().expect("the test's own path");
    at.pop();
    at.pop();
    let out = Command::new(at.join("examples").join("records")).output().expect("the example is built with the tests");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stdout), EXPECTED);
}
