//! `strftime`: the directives that the C library does not know, or writes differently.

use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::calendar;
use super::tz;

/// What is formatted.
pub(super) struct Source {
    pub zone: Option<Obj>,
    /// What the zone's methods are asked with.
    pub zone_arg: Obj,
    pub date: (i32, i32, i32),
    pub us: i32,
    pub tuple: Obj,
}

/// Formats by `time.strftime`.
pub(super) fn strftime(cx: &Ctx, s: &Source, format: &Obj) -> PyResult {
    let Some(f) = format.downcast::<Str>() else {
        return Err(cx.type_error(format!("strftime() argument 1 must be str, not {}", format.type_of().name())));
    };
    let chars: Vec<u32> = f.code_points().collect();
    let mut out: Vec<u32> = Vec::with_capacity(chars.len());
    let mut i = 0;
    let push = |out: &mut Vec<u32>, t: &str| out.extend(t.chars().map(|c| c as u32));
    while i < chars.len() {
        if chars[i] != '%' as u32 || i + 1 >= chars.len() {
            out.push(chars[i]);
            i += 1;
            continue;
        }
        let c = char::from_u32(chars[i + 1]).unwrap_or('\u{fffd}');
        let colon = c == ':' && chars.get(i + 2) == Some(&('z' as u32));
        let (y, m, d) = s.date;
        match c {
            'z' => {
                if let Some(us) = tz::ask(cx, s.zone.as_ref(), "utcoffset", &s.zone_arg)? {
                    push(&mut out, &tz::offset_text(us, ""));
                }
            }
            ':' if colon => {
                if let Some(us) = tz::ask(cx, s.zone.as_ref(), "utcoffset", &s.zone_arg)? {
                    push(&mut out, &tz::offset_text(us, ":"));
                }
                i += 1;
            }
            'Z' => {
                let n = tz::name(cx, s.zone.as_ref(), &s.zone_arg)?;
                if !n.is_none() {
                    let text = n.call_method(cx, intern!("replace"), &[Obj::from("%"), Obj::from("%%")])?;
                    let Some(text) = text.downcast::<Str>() else {
                        return Err(cx.type_error("tzname.replace() did not return a string"));
                    };
                    out.extend(text.code_points());
                }
            }
            'f' => push(&mut out, &format!("{:06}", s.us)),
            // The C library writes years without leading zeros.
            'Y' if y < 1000 => push(&mut out, &format!("{y:04}")),
            'G' if y < 1001 => push(&mut out, &format!("{:04}", calendar::to_iso(y, m, d).0)),
            'C' if y < 1000 => push(&mut out, &format!("{:02}", y / 100)),
            'F' if y < 1000 => push(&mut out, &format!("{y:04}-%m-%d")),
            _ => out.extend([chars[i], chars[i + 1]]),
        }
        i += 2;
    }
    let text = cinder_pyobj::types::str::from_code_points(&out);
    (cx.host().import)(cx, "time")?.call_method(cx, intern!("strftime"), &[text, s.tuple.clone()])
}

/// A `time.struct_time`.
pub(super) fn time_tuple(cx: &Ctx, date: (i32, i32, i32), clock: [i32; 3], dst: i32) -> PyResult {
    let (y, m, d) = date;
    let yday = calendar::days_before_month(y, m) + d;
    let v = [y, m, d, clock[0], clock[1], clock[2], calendar::weekday(y, m, d), yday, dst];
    let parts = tuple::new(v.map(|n| Obj::from(i64::from(n))).to_vec());
    (cx.host().import)(cx, "time")?.call_method(cx, intern!("struct_time"), &[parts])
}

/// `Mon Jan  1 00:00:00 2024`.
pub(super) fn ctime(date: (i32, i32, i32), clock: [i32; 3]) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (y, m, d) = date;
    let w = calendar::weekday(y, m, d) as usize;
    let month = MONTHS[m as usize - 1];
    format!("{} {month} {d:2} {:02}:{:02}:{:02} {y:04}", DAYS[w], clock[0], clock[1], clock[2])
}
