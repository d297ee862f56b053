//! Reading ISO 8601 texts.

use super::calendar;

/// Why a text cannot be read.
pub(super) enum Bad {
    /// It has not the form.
    Form,
    /// It is an hour of 24 with something behind.
    Midnight,
}

/// A time of day as read, with its offset.
#[derive(Default)]
pub(super) struct Clock {
    pub parts: [i64; 4],
    /// Microseconds east of UTC.
    pub offset: Option<i128>,
}

fn digits(b: &[u8], at: usize, n: usize) -> Option<i64> {
    let part = b.get(at..at + n)?;
    if !part.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(part.iter().fold(0, |v, c| v * 10 + i64::from(c - b'0')))
}

/// Year, month and day, or year, week and day turned into such.
pub(super) fn date(b: &[u8]) -> Option<(i64, i64, i64)> {
    let year = digits(b, 0, 4)?;
    let dashes = b.get(4) == Some(&b'-');
    let mut at = 4 + usize::from(dashes);
    if b.get(at) == Some(&b'W') {
        let week = digits(b, at + 1, 2)?;
        at += 3;
        let mut day = 1;
        if at < b.len() {
            if dashes {
                if b[at] != b'-' {
                    return None;
                }
                at += 1;
            }
            day = digits(b, at, 1)?;
            at += 1;
        }
        if at != b.len() {
            return None;
        }
        let n = calendar::from_iso(year, week, day).ok()?;
        if !(1..=calendar::MAX_ORDINAL).contains(&n) {
            return None;
        }
        let (y, m, d) = calendar::from_ordinal(n);
        return Some((i64::from(y), i64::from(m), i64::from(d)));
    }
    let month = digits(b, at, 2)?;
    at += 2;
    if dashes {
        if b.get(at) != Some(&b'-') {
            return None;
        }
        at += 1;
    }
    let day = digits(b, at, 2)?;
    (at + 2 == b.len()).then_some((year, month, day))
}

/// Where the date of a date with time ends.
pub(super) fn date_end(b: &[u8]) -> Option<usize> {
    if b.len() == 7 {
        return Some(7);
    }
    if b.get(4) == Some(&b'-') {
        if b.get(5) != Some(&b'W') {
            return Some(10);
        }
        if b.len() < 8 {
            return None;
        }
        if b.len() > 8 && b[8] == b'-' {
            if b.len() == 9 {
                return None;
            }
            // A day of the week has one digit; more of them are an hour behind a dash.
            return Some(if b.len() > 10 && b[10].is_ascii_digit() { 8 } else { 10 });
        }
        return Some(8);
    }
    if b.get(4) != Some(&b'W') {
        return Some(8);
    }
    let end = b.iter().skip(7).position(|c| !c.is_ascii_digit()).map_or(b.len(), |n| n + 7);
    Some(if end < 9 {
        end
    } else if end % 2 == 0 {
        7
    } else {
        8
    })
}

/// Hours to microseconds; whether one more character stands behind them.
fn clock_parts(b: &[u8]) -> Option<([i64; 4], bool)> {
    let mut out = [0; 4];
    let mut at = 0;
    let mut separated = false;
    for (i, slot) in out.iter_mut().take(3).enumerate() {
        *slot = digits(b, at, 2)?;
        at += 2;
        let Some(&c) = b.get(at) else { return Some((out, false)) };
        at += 1;
        if i == 0 {
            separated = c == b':';
        }
        if at >= b.len() {
            // A mark of a fraction wants digits.
            return (!matches!(c, b'.' | b',')).then_some((out, true));
        }
        if separated && c == b':' {
            if i == 2 {
                return None;
            }
        } else if c == b'.' || c == b',' {
            if i < 2 {
                return None;
            }
            break;
        } else if !separated {
            at -= 1;
        } else {
            return None;
        }
        if i == 2 {
            return None;
        }
    }
    let n = (b.len() - at).min(6);
    let mut us = digits(b, at, n).filter(|_| n > 0)?;
    for _ in n..6 {
        us *= 10;
    }
    out[3] = us;
    at += n;
    while b.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    match b.len() - at {
        0 => Some((out, false)),
        1 => Some((out, true)),
        _ => None,
    }
}

/// A time of day with an optional offset.
pub(super) fn clock(b: &[u8]) -> Result<Clock, Bad> {
    let zone_at = b.iter().position(|c| matches!(c, b'+' | b'-' | b'Z'));
    let end = zone_at.unwrap_or(b.len());
    let (parts, rest) = clock_parts(&b[..end]).ok_or(Bad::Form)?;
    let mut out = Clock { parts, offset: None };
    match zone_at {
        None if rest => return Err(Bad::Form),
        None => {}
        Some(z) if b[z] == b'Z' => {
            if z + 1 != b.len() {
                return Err(Bad::Form);
            }
            out.offset = Some(0);
        }
        Some(z) => {
            let (p, rest) = clock_parts(&b[z + 1..]).ok_or(Bad::Form)?;
            if rest {
                return Err(Bad::Form);
            }
            let us = i128::from(p[0] * 3600 + p[1] * 60 + p[2]) * 1_000_000 + i128::from(p[3]);
            out.offset = Some(if b[z] == b'-' { -us } else { us });
        }
    }
    if out.parts[0] == 24 && out.parts[1..] != [0; 3] {
        return Err(Bad::Midnight);
    }
    Ok(out)
}
