//! The matcher over a table of compiled patterns, texts and results.
//!
//! `P` lines hold the number of groups, the code and the pattern; the `S` lines that follow hold a text (code
//! points), the spans of the groups for search, match and full match (`-`: no match; `.`: group unset; after
//! the slash the last group), and the spans of all matches.

use cinder_pyobj::types::str::Unit;

use super::engine::{Matcher, Outcome};
use super::program::Program;

fn spans<U: Unit>(m: &Matcher<'_, U>, outcome: Outcome, groups: usize) -> String {
    if outcome != Outcome::Match {
        return "-".into();
    }
    let whole = format!("{}:{}", m.start, m.end);
    let rest = (0..groups).map(|g| m.group(g).map_or(".".into(), |(a, b)| format!("{a}:{b}")));
    let all: Vec<String> = std::iter::once(whole).chain(rest).collect();
    format!("{}/{}", all.join(","), m.last_group)
}

fn results<U: Unit>(code: &[u32], groups: usize, text: &[U]) -> Vec<String> {
    let program = Program::new(code.to_vec());
    let new = || Matcher::new(&program, text, groups);
    let mut out = Vec::new();
    let mut m = new();
    let r = m.search(0);
    out.push(spans(&m, r, groups));
    let mut m = new();
    let r = m.match_at(0);
    out.push(spans(&m, r, groups));
    let mut m = new();
    m.match_all = true;
    let r = m.match_at(0);
    out.push(spans(&m, r, groups));
    let mut m = new();
    let (mut at, mut all) = (0, Vec::new());
    while m.search(at) == Outcome::Match {
        all.push(format!("{}:{}", m.start, m.end));
        m.must_advance = m.start == m.end;
        at = m.end;
    }
    out.push(all.join(" "));
    out
}

#[test]
fn patterns_match_as_the_table_says() {
    let (mut code, mut groups, mut pattern) = (Vec::new(), 0, String::new());
    let mut failed = Vec::new();
    for line in include_str!("matches.txt").lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        if parts[0] == "P" {
            groups = parts[1].parse().unwrap();
            code = parts[2].split(' ').map(|w| w.parse().unwrap()).collect();
            pattern = parts[3].to_owned();
            continue;
        }
        let text: Vec<u32> =
            parts[1].split(' ').filter(|c| !c.is_empty()).map(|c| u32::from_str_radix(c, 16).unwrap()).collect();
        let mut got = vec![results(&code, groups, &text)];
        if text.iter().all(|c| *c < 256) {
            got.push(results(&code, groups, &text.iter().map(|c| *c as u8).collect::<Vec<_>>()));
        }
        if text.iter().all(|c| *c < 65536) {
            got.push(results(&code, groups, &text.iter().map(|c| *c as u16).collect::<Vec<_>>()));
        }
        for g in got {
            if g != parts[2..] {
                failed.push(format!("{pattern} on {text:?}: {g:?}, expected {:?}", &parts[2..]));
                break;
            }
        }
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}
