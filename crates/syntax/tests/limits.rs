//! Sources that are long, deep or broken at random: time stays linear, nothing overflows, nothing panics.

use cinder_syntax::ast::{Arena, Mod, NodeRef, dump};
use cinder_syntax::{ParseOptions, SyntaxErrorKind, parse};
use std::time::{Duration, Instant};

fn parse_time(source: &str) -> Duration {
    let arena = Arena::new();
    let start = Instant::now();
    parse(source, &ParseOptions::default(), &arena).unwrap_or_else(|error| panic!("{error}"));
    start.elapsed()
}

/// Doubling the size may double the time, with room for noise, but not square it.
fn assert_linear(make: impl Fn(usize) -> String, size: usize) {
    let (small, large) = (make(size), make(8 * size));
    let best = |source: &str| (0..3).map(|_| parse_time(source)).min().unwrap_or_default();
    let (one, eight) = (best(&small), best(&large));
    assert!(eight < one * 32 + Duration::from_millis(50), "{one:?} for {size}, {eight:?} for eight times that");
}

#[test]
fn hundred_thousand_lines() {
    assert_linear(|lines| "a = b.c(d, 'e') + 1\n".repeat(lines), 12_500);
}

#[test]
fn thirty_thousand_functions() {
    let make = |count| (0..count).map(|n| format!("def f{n}(a, b=1):\n    return a + b\n\n")).collect::<String>();
    assert_linear(make, 4_000);
}

#[test]
fn long_displays_and_lines() {
    assert_linear(|count| format!("x = [{}]\n", "1, 'two', ".repeat(count)), 5_000);
    assert_linear(|count| format!("x = {}\n", "'a' ".repeat(count)), 5_000);
}

/// The kind of the error that a source gives, if any.
fn error_kind(source: &str) -> Option<SyntaxErrorKind> {
    let arena = Arena::new();
    let result = parse(source, &ParseOptions::default(), &arena);
    match result {
        Ok(parsed) => {
            dump(parsed.module, Some(&parsed.lines));
            None
        }
        Err(error) => Some(error.kind),
    }
}

#[test]
fn depth_is_bounded_and_known() {
    let arena = Arena::new();
    let source = format!("x = {}1", "1 + ".repeat(4_000));
    let parsed = parse(&source, &ParseOptions::default(), &arena).expect("4000 terms are fine");
    assert!(NodeRef::Mod(parsed.module).depth() > 4_000);
    let shallow = ParseOptions { max_depth: 100, ..ParseOptions::default() };
    let error = parse(&source, &shallow, &arena).expect_err("deeper than allowed");
    assert_eq!(error.kind, SyntaxErrorKind::TooDeep);
}

#[test]
fn deep_sources_do_not_overflow() {
    let many = 100_000;
    for unit in ["-", "not ", "lambda: ", "a if b else ", "await ", "1 + ", "a.", "a ** "] {
        let source = format!("{}a\n", unit.repeat(many));
        let kind = error_kind(&source);
        assert!(kind.is_some(), "{unit}");
        // The same with an error at its end, which the recogniser must find or give up on.
        assert!(error_kind(&format!("{})\n", unit.repeat(many))).is_some(), "{unit}");
        assert!(error_kind(&format!("{}a b\n", unit.repeat(many))).is_some(), "{unit}");
    }
    let trailers = format!("a{}\n", "[0]".repeat(many));
    assert_eq!(error_kind(&trailers), Some(SyntaxErrorKind::TooDeep));
    let elifs = format!("if a: pass\n{}", "elif b: pass\n".repeat(many));
    assert_eq!(error_kind(&elifs), Some(SyntaxErrorKind::TooDeep));
    assert_eq!(error_kind(&format!("if a: pass\n{}", "elif b: pass\n".repeat(3_000))), None);
}

#[test]
fn nesting_limits() {
    let parens = |depth| format!("{}{}\n", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(error_kind(&parens(200)), None);
    assert_eq!(error_kind(&parens(201)), Some(SyntaxErrorKind::Syntax));
    let blocks = |depth: usize| {
        let lines: String = (0..depth).map(|level| format!("{}if a:\n", " ".repeat(level))).collect();
        format!("{lines}{}pass\n", " ".repeat(depth))
    };
    assert_eq!(error_kind(&blocks(99)), None);
    assert_eq!(error_kind(&blocks(100)), Some(SyntaxErrorKind::Indentation));
    let broken = format!("{}a b{}\n", "[".repeat(150), "]".repeat(150));
    assert_eq!(error_kind(&broken), Some(SyntaxErrorKind::Syntax));
}

#[test]
fn errors_in_long_sources_are_found_in_linear_time() {
    let start = Instant::now();
    let body = "    a = b.c(d, 'e') + 1\n".repeat(20_000);
    assert_eq!(error_kind(&format!("def f():\n{body}    x y\n")), Some(SyntaxErrorKind::Syntax));
    assert_eq!(error_kind(&format!("x = {{\n{}1 2}}\n", "'a': 1,\n".repeat(20_000))), Some(SyntaxErrorKind::Syntax));
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn trees_can_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Mod<'static>>();
}

#[test]
fn newer_syntax_is_refused() {
    let cases = [
        ("(a := 1)\n", 7, "Assignment expressions are only supported in Python 3.8 and greater", (1, 8)),
        ("def f(a, /): pass\n", 7, "Positional-only parameters are only supported in Python 3.8 and greater", (1, 11)),
        ("a: int\n", 5, "Variable annotation syntax is only supported in Python 3.6 and greater", (1, 7)),
        ("t'a'\n", 13, "t-strings are only supported in Python 3.14 and greater", (1, 5)),
        ("1_0\n", 5, "Underscores in numeric literals are only supported in Python 3.6 and greater", (1, 1)),
        ("def f[T](): pass\n", 11, "Type parameter lists are only supported in Python 3.12 and greater", (1, 8)),
    ];
    for (source, version, msg, place) in cases {
        let arena = Arena::new();
        let options = ParseOptions { feature_version: version, ..ParseOptions::default() };
        let error = parse(source, &options, &arena).expect_err(source);
        assert_eq!((error.msg.as_str(), (error.lineno, error.offset)), (msg, place));
        let newer = ParseOptions { feature_version: version + 1, ..ParseOptions::default() };
        assert!(parse(source, &newer, &arena).is_ok(), "{source}");
    }
}

#[test]
fn warnings_know_their_place() {
    let arena = Arena::new();
    let source = "x = 1if y else '\\d'\nb'''\n\\e''' f'\\{z}'\n".replace("''' f", "'''; f");
    let parsed = parse(&source, &ParseOptions::default(), &arena).expect("only warnings");
    let places: Vec<_> = parsed
        .warnings
        .iter()
        .map(|warning| {
            let error = warning.clone().into_error(parsed.source, &parsed.lines);
            (error.msg.get(..12).unwrap_or_default().to_string(), error.lineno, error.offset, error.end_offset)
        })
        .collect();
    let expected = [
        ("invalid deci", 1, 5, 5),
        ("\"\\d\" is an in", 1, 17, 19),
        ("\"\\e\" is an in", 3, 1, 3),
        ("\"\\{\" is an in", 3, 11, 11),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(msg, line, from, to)| (msg.get(..12).unwrap_or_default().to_string(), line, from, to))
        .collect();
    assert_eq!(places, expected);
}
