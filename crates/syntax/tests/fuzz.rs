//! Damaged and random sources: the lexer and the parser answer with tokens, a tree or an error, in time, and never
//! panic. `SYNTAX_SEED` is the first seed, `SYNTAX_COUNT` the number of them.

use std::time::{Duration, Instant};

use cinder_syntax::ast::{Arena, Field, Mod, NodeRef, Span, dump};
use cinder_syntax::{Mode, ParseOptions, parse, tokenize};

/// A generator of pseudo-random numbers (xorshift64*), so that failures repeat.
struct Random(u64);

impl Random {
    fn of_seed(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    let first = number("SYNTAX_SEED").unwrap_or(0);
    first..first + number("SYNTAX_COUNT").unwrap_or(usual)
}

const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "=",
    ":=",
    "*",
    "**",
    ".",
    "\n",
    "\n    ",
    "\t",
    "\\",
    "\\\n",
    "'",
    "\"\"\"",
    "f'",
    "t\"",
    "{{",
    "}}",
    "!",
    "#",
    "\0",
    "\r",
    "\u{feff}",
    "é",
    "\u{10ffff}",
    "0x",
    "1e",
    "if ",
    "else",
    "match ",
    "case ",
    "type ",
    "lambda",
    "async ",
    "await ",
    "for ",
    "in ",
    "with ",
    "as ",
    "yield ",
    "<>",
    "->",
    "...",
    "# type: int",
    ";",
    "@",
    "print ",
    "not ",
    "except* ",
    "\\N{",
    "\u{c}",
];

/// What no source of the data files has much of: words and signs in any order.
const WORDS: &[&str] = &[
    "a",
    "b",
    "_",
    "match",
    "case",
    "type",
    "print",
    "def",
    "class",
    "return",
    "if",
    "elif",
    "else",
    "while",
    "for",
    "in",
    "is",
    "not",
    "and",
    "or",
    "lambda",
    "try",
    "except",
    "finally",
    "with",
    "as",
    "async",
    "await",
    "yield",
    "from",
    "import",
    "global",
    "nonlocal",
    "del",
    "assert",
    "raise",
    "pass",
    "break",
    "continue",
    "True",
    "None",
    "0",
    "1_0",
    "0x1f",
    "1e5",
    "2j",
    "'s'",
    "b'b'",
    "r'\\'",
    "f'{",
    "}'",
    "f'''{a!r:>{b}}'''",
    "t'{a}'",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    ":=",
    "=",
    "==",
    "!=",
    "+=",
    "->",
    "*",
    "**",
    "/",
    "//",
    "%",
    "@",
    "~",
    "-",
    "<<",
    "...",
    ".",
    ";",
    "\\\n",
    "\n",
    "\n    ",
    "\n        ",
    "\n\t",
    "# type: ignore\n",
];

/// The sources of the data files.
fn corpus() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut sources = Vec::new();
    for part in ["ast", "errors", "tokens"] {
        for entry in std::fs::read_dir(folder.join(part)).expect("the folder is there") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
            for case in text.split("=== ").skip(1) {
                let source = case.split_once('\n').and_then(|(_, rest)| rest.split_once("\n--- expected\n"));
                sources.extend(source.map(|(source, _)| source.to_string()));
            }
        }
    }
    sources.sort();
    assert!(sources.len() > 100, "the data files were not found");
    sources
}

/// Pieces removed, doubled, swapped and inserted; or words in any order.
fn source(corpus: &[String], random: &mut Random) -> String {
    if random.below(4) == 0 {
        return (0..random.below(60)).map(|_| format!("{}{}", random.pick(WORDS), random.pick(&["", " "]))).collect();
    }
    let mut chars: Vec<char> = random.pick(corpus).chars().collect();
    for _ in 0..1 + random.below(4) {
        let at = random.below(chars.len() + 1);
        match random.below(5) {
            0 => drop(chars.drain(at..(at + random.below(4)).min(chars.len()))),
            1 => drop(chars.splice(at..at, random.pick(PIECES).chars())),
            2 => chars.truncate(at),
            3 => {
                let donor: Vec<char> = random.pick(corpus).chars().collect();
                let from = random.below(donor.len() + 1);
                let to = (from + random.below(80)).min(donor.len());
                drop(chars.splice(at..at, donor[from..to].iter().copied()));
            }
            _ => {
                let other = random.below(chars.len() + 1);
                let piece: Vec<char> = chars[at.min(other)..at.max(other)].to_vec();
                drop(chars.splice(at..at, piece));
            }
        }
        chars.truncate(4_000);
    }
    chars.into_iter().collect()
}

/// Every node lies within the source, on borders of characters.
fn check_spans(module: Mod<'_>, source: &str) {
    let within = |s: Span| {
        let (a, b) = (s.start as usize, s.end as usize);
        a <= b && b <= source.len() && source.is_char_boundary(a) && source.is_char_boundary(b)
    };
    let mut work = vec![NodeRef::Mod(module)];
    while let Some(node) = work.pop() {
        if let Some(span) = node.span() {
            assert!(within(span), "{} at {span:?} in {source:?}", node.class_name());
        }
        for (_, field) in node.fields() {
            match field {
                Field::Node(n) => work.push(n),
                Field::OptionalNode(n) => work.extend(n),
                Field::Nodes(nodes) => work.extend(nodes.into_iter().flatten()),
                _ => {}
            }
        }
    }
}

fn in_time<R>(source: &str, f: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let r = f();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for {source:?}", start.elapsed());
    r
}

#[test]
fn lexer() {
    let corpus = corpus();
    for seed in seeds(2_000) {
        let mut random = Random::of_seed(seed);
        let source = source(&corpus, &mut random);
        let tokens = in_time(&source, || tokenize(&source, seed % 2 == 0));
        let mut before = (1, 0);
        for t in &tokens.tokens {
            if t.start.column == cinder_syntax::NO_COLUMN {
                continue;
            }
            let (start, end) = ((t.start.line, t.start.column), (t.end.line, t.end.column));
            assert!(before <= start && start <= end, "seed {seed}: {t:?} after {before:?} in {source:?}");
            before = start;
        }
    }
}

#[test]
fn parser() {
    let corpus = corpus();
    let modes = [Mode::Eval, Mode::Single, Mode::FuncType];
    let mut parsed_at_all = 0;
    let all = seeds(3_000);
    let enough = (all.end - all.start) / 50;
    for seed in all {
        let mut random = Random::of_seed(seed);
        let source = source(&corpus, &mut random);
        let options = ParseOptions {
            mode: *modes.get(random.below(9)).unwrap_or(&Mode::Exec),
            type_comments: random.below(2) == 0,
            allow_incomplete_input: random.below(2) == 0,
            dont_imply_dedent: random.below(4) == 0,
            flufl: random.below(8) == 0,
            ..ParseOptions::default()
        };
        let arena = Arena::new();
        match in_time(&source, || parse(&source, &options, &arena)) {
            Ok(parsed) => {
                parsed_at_all += 1;
                check_spans(parsed.module, parsed.source);
                dump(parsed.module, Some(&parsed.lines));
            }
            Err(error) => {
                let lines = source.replace("\r\n", "\n").replace('\r', "\n").split('\n').count() as i32;
                assert!(error.lineno <= lines + 1, "seed {seed}: {error:?} in {source:?}");
                assert!(error.offset >= -1 && !error.msg.is_empty(), "seed {seed}: {error:?} in {source:?}");
            }
        }
    }
    assert!(parsed_at_all > enough, "only {parsed_at_all} sources parse: the test tests little");
}
