//! The proleptic Gregorian calendar: day 1 is 1 January of year 1.

pub(super) const MAX_YEAR: i32 = 9999;
pub(super) const MAX_ORDINAL: i64 = 3_652_059;

const BEFORE: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

pub(super) fn is_leap(y: i32) -> bool {
    y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)
}

pub(super) fn days_in_month(y: i32, m: i32) -> i32 {
    match m {
        2 => 28 + i32::from(is_leap(y)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the year before a month.
pub(super) fn days_before_month(y: i32, m: i32) -> i32 {
    BEFORE[m as usize] + i32::from(m > 2 && is_leap(y))
}

fn days_before_year(y: i32) -> i64 {
    let p = i64::from(y) - 1;
    p * 365 + p / 4 - p / 100 + p / 400
}

pub(super) fn to_ordinal(y: i32, m: i32, d: i32) -> i64 {
    days_before_year(y) + i64::from(days_before_month(y, m)) + i64::from(d)
}

/// Year, month and day of a day from 1 on.
pub(super) fn from_ordinal(n: i64) -> (i32, i32, i32) {
    let n = n - 1;
    let (n400, r) = (n / 146_097, n % 146_097);
    let (n100, r) = (r / 36_524, r % 36_524);
    let (n4, r) = (r / 1461, r % 1461);
    let (n1, r) = (r / 365, r % 365);
    let y = (n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1) as i32;
    // The last day of a leap year, or of four centuries, divides into one year too many.
    if n1 == 4 || n100 == 4 {
        return (y - 1, 12, 31);
    }
    let day = r as i32;
    let mut m = (day + 50) >> 5;
    if days_before_month(y, m) > day {
        m -= 1;
    }
    (y, m, day - days_before_month(y, m) + 1)
}

/// Monday is 0.
pub(super) fn weekday(y: i32, m: i32, d: i32) -> i32 {
    ((to_ordinal(y, m, d) + 6) % 7) as i32
}

/// The Monday of a year's first ISO week.
pub(super) fn iso_week1(y: i32) -> i64 {
    let first = to_ordinal(y, 1, 1);
    let day = (first + 6) % 7;
    let monday = first - day;
    if day > 3 { monday + 7 } else { monday }
}

/// Year, week and day (Monday is 1) in ISO terms.
pub(super) fn to_iso(y: i32, m: i32, d: i32) -> (i32, i32, i32) {
    let day = to_ordinal(y, m, d);
    let mut year = y;
    let mut start = iso_week1(year);
    if day < start {
        year -= 1;
        start = iso_week1(year);
    } else if day >= iso_week1(year + 1) {
        year += 1;
        start = iso_week1(year);
    }
    (year, ((day - start) / 7 + 1) as i32, ((day - start) % 7 + 1) as i32)
}

/// Why an ISO date does not exist.
pub(super) enum BadIso {
    Year,
    Week,
    Day,
}

/// The day of an ISO date.
pub(super) fn from_iso(y: i64, week: i64, day: i64) -> Result<i64, BadIso> {
    if !(1..=i64::from(MAX_YEAR)).contains(&y) {
        return Err(BadIso::Year);
    }
    if !(1..=52).contains(&week) {
        let first = weekday(y as i32, 1, 1);
        let long = first == 3 || (first == 2 && is_leap(y as i32));
        if week != 53 || !long {
            return Err(BadIso::Week);
        }
    }
    if !(1..=7).contains(&day) {
        return Err(BadIso::Day);
    }
    Ok(iso_week1(y as i32) + (week - 1) * 7 + day - 1)
}
