//! "Did you mean": the closest of some names.

use crate::{Ctx, Raised};

const MAX_NAMES: usize = 750;
const MAX_LENGTH: usize = 40;
const MOVE: usize = 2;
const CASE: usize = 1;

fn cost(a: char, b: char) -> usize {
    if a == b {
        0
    } else if a.to_lowercase().eq(b.to_lowercase()) {
        CASE
    } else {
        MOVE
    }
}

/// The edit distance, with changes of case at half price; nothing if it exceeds `max`.
fn distance(a: &[char], b: &[char], max: usize) -> Option<usize> {
    let mut row: Vec<usize> = (0..=b.len()).map(|j| j * MOVE).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (i + 1) * MOVE;
        let mut least = row[0];
        for (j, y) in b.iter().enumerate() {
            let best = (diagonal + cost(*x, *y)).min(row[j] + MOVE).min(row[j + 1] + MOVE);
            diagonal = std::mem::replace(&mut row[j + 1], best);
            least = least.min(best);
        }
        if least > max {
            return None;
        }
    }
    row.last().copied().filter(|d| *d <= max)
}

/// The candidate closest to `name`, if one is close enough.
pub fn closest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().collect();
    if candidates.len() >= MAX_NAMES || wanted.len() > MAX_LENGTH {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for c in candidates {
        if *c == name {
            continue;
        }
        let chars: Vec<char> = c.chars().collect();
        if chars.len() > MAX_LENGTH {
            continue;
        }
        let mut max = (wanted.len() + chars.len() + 3) * MOVE / 6;
        if let Some((d, _)) = best {
            max = max.min(d.saturating_sub(1));
        }
        if let Some(d) = distance(&wanted, &chars, max)
            && best.is_none_or(|(b, _)| d < b)
        {
            best = Some((d, c));
        }
    }
    best.map(|(_, c)| c)
}

/// The TypeError for a keyword argument that a function does not take, with the parameter that may be meant.
#[cold]
pub fn unexpected_keyword<'a>(cx: &Ctx, function: &str, name: &str, candidates: &[&'a str]) -> Raised {
    let hint = closest(name, candidates).map_or_else(String::new, |s| format!(". Did you mean '{s}'?"));
    cx.type_error(format!("{function}() got an unexpected keyword argument '{name}'{hint}"))
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_close_names_only() {
        assert_eq!(closest("lenght", &["length", "width"]), Some("length"));
        assert_eq!(closest("Name", &["name"]), Some("name"));
        assert_eq!(closest("x", &["completely", "different"]), None);
    }
}
