//! The rule for times behind the last transition: a TZ string such as `CET-1CEST,M3.5.0,M10.5.0/3`.

use super::calendar;

/// When daylight saving time begins or ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    /// The w-th weekday (Sunday is 0) of a month; 5 is the last one.
    Calendar { month: i32, week: i32, day: i32 },
    /// Day of the year from 0 on, or from 1 on without counting 29 February.
    Year { day: i32, julian: bool },
}

/// A day and the local time of the change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    day: Day,
    seconds: i64,
}

/// A parsed TZ string: abbreviations and offsets east of UTC.
pub(super) struct Rule {
    pub std: (String, i64),
    pub dst: Option<(String, i64, Edge, Edge)>,
}

const EPOCH: i64 = 719_163;

impl Edge {
    /// The change of a year in seconds since 1970, in local time.
    pub(super) fn in_year(self, year: i32) -> i64 {
        let first = calendar::to_ordinal(year, 1, 1) - EPOCH;
        let day = match self.day {
            Day::Year { day, julian } => {
                let mut d = i64::from(day);
                if julian && !(day >= 60 && calendar::is_leap(year)) {
                    d -= 1;
                }
                first + d
            }
            Day::Calendar { month, week, day } => {
                // Weekdays of the calendar count from Monday.
                let start = (calendar::weekday(year, month, 1) + 1) % 7;
                let mut d = (day - start).rem_euclid(7) + 1 + (week - 1) * 7;
                if d > calendar::days_in_month(year, month) {
                    d -= 7;
                }
                calendar::to_ordinal(year, month, d) - EPOCH
            }
        };
        day * 86_400 + self.seconds
    }
}

struct Text<'a> {
    b: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn peek(&self) -> Option<u8> {
        self.b.get(self.at).copied()
    }

    fn eat(&mut self, c: u8) -> bool {
        let yes = self.peek() == Some(c);
        self.at += usize::from(yes);
        yes
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let n = self.b[self.at..].iter().take(most).take_while(|c| c.is_ascii_digit()).count();
        if n < least {
            return None;
        }
        let v = self.b[self.at..self.at + n].iter().fold(0, |v, c| v * 10 + i64::from(c - b'0'));
        self.at += n;
        Some(v)
    }

    fn name(&mut self) -> Option<String> {
        let quoted = self.eat(b'<');
        let fits = |c: &u8| c.is_ascii_alphabetic() || (quoted && (c.is_ascii_digit() || matches!(c, b'+' | b'-')));
        let n = self.b[self.at..].iter().take_while(|c| fits(c)).count();
        let name = String::from_utf8_lossy(&self.b[self.at..self.at + n]).into_owned();
        self.at += n;
        (n > 0 && (!quoted || self.eat(b'>'))).then_some(name)
    }

    /// `[+-]h[:mm[:ss]]` in seconds.
    fn time(&mut self, most_hours: i64) -> Option<i64> {
        let negative = self.eat(b'-');
        if !negative {
            self.eat(b'+');
        }
        let h = self.number(1, 3)?;
        let (mut m, mut s) = (0, 0);
        if self.eat(b':') {
            m = self.number(2, 2)?;
            if self.eat(b':') {
                s = self.number(2, 2)?;
            }
        }
        if h > most_hours {
            return None;
        }
        let t = h * 3600 + m * 60 + s;
        Some(if negative { -t } else { t })
    }

    fn edge(&mut self) -> Option<Edge> {
        let day = if self.eat(b'M') {
            let month = self.number(1, 2)? as i32;
            if !self.eat(b'.') {
                return None;
            }
            let week = self.number(1, 1)? as i32;
            if !self.eat(b'.') {
                return None;
            }
            let day = self.number(1, 1)? as i32;
            if !(1..=12).contains(&month) || !(1..=5).contains(&week) || day > 6 {
                return None;
            }
            Day::Calendar { month, week, day }
        } else {
            let julian = self.eat(b'J');
            let day = self.number(1, 3)? as i32;
            if day > 365 || (julian && day == 0) {
                return None;
            }
            Day::Year { day, julian }
        };
        let seconds = if self.eat(b'/') { self.time(167)? } else { 7200 };
        Some(Edge { day, seconds })
    }
}

/// Reads a TZ string.
pub(super) fn parse(b: &[u8]) -> Option<Rule> {
    let mut t = Text { b, at: 0 };
    let name = t.name()?;
    // Positive means west here.
    let offset = -t.time(24)?;
    if t.at == b.len() {
        return Some(Rule { std: (name, offset), dst: None });
    }
    let dst_name = t.name()?;
    let dst_offset = match t.peek()? {
        b',' => offset + 3600,
        _ => -t.time(24)?,
    };
    if !t.eat(b',') {
        return None;
    }
    let start = t.edge()?;
    if !t.eat(b',') {
        return None;
    }
    let end = t.edge()?;
    (t.at == b.len()).then_some(Rule { std: (name, offset), dst: Some((dst_name, dst_offset, start, end)) })
}
