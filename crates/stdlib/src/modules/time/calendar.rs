//! Calendar times: `struct_time`, formatting and time zones.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::{decode_fs, encode_fs};
use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::convert::to_time_t;
use crate::os::{last_error, sys, zeroed};

unsafe extern "C" {
    fn tzset();
}

pub(super) static STRUCT_TIME: StructSeq = StructSeq {
    name: "struct_time",
    module: "time",
    doc: "A calendar time, as gmtime(), localtime() and strptime() give it.",
    fields: &[
        ("tm_year", "the year with all its digits"),
        ("tm_mon", "month, 1 to 12"),
        ("tm_mday", "day of the month, 1 to 31"),
        ("tm_hour", "hour, 0 to 23"),
        ("tm_min", "minute, 0 to 59"),
        ("tm_sec", "second, 0 to 61"),
        ("tm_wday", "day of the week, 0 for Monday to 6"),
        ("tm_yday", "day of the year, 1 to 366"),
        ("tm_isdst", "whether summer time is in effect: 1, 0, or -1 where that is not known"),
        ("tm_zone", "short name of the zone"),
        ("tm_gmtoff", "seconds ahead of UTC"),
    ],
    visible: 9,
    cell: TypeCell::new(),
};

fn zone_name(cx: &Ctx, t: &libc::tm) -> PyResult {
    if t.tm_zone.is_null() {
        return Ok(Obj::none());
    }
    decode_fs(cx, sys!(CStr::from_ptr(t.tm_zone)).to_bytes())
}

fn result(cx: &Ctx, t: &libc::tm) -> PyResult {
    let fields = [
        i64::from(t.tm_year) + 1900,
        i64::from(t.tm_mon) + 1,
        t.tm_mday.into(),
        t.tm_hour.into(),
        t.tm_min.into(),
        t.tm_sec.into(),
        // C's week begins on Sunday, Python's on Monday.
        i64::from((t.tm_wday + 6) % 7),
        i64::from(t.tm_yday) + 1,
        t.tm_isdst.into(),
    ];
    let mut v: Vec<Obj> = fields.into_iter().map(Obj::from).collect();
    v.push(zone_name(cx, t)?);
    v.push(Obj::from(t.tm_gmtoff));
    Ok(STRUCT_TIME.make(v))
}

fn now() -> i64 {
    sys!(libc::time(std::ptr::null_mut()))
}

fn local(cx: &Ctx, t: i64) -> PyResult<libc::tm> {
    let mut tm = zeroed!(libc::tm);
    if sys!(libc::localtime_r(&t, &mut tm)).is_null() { Err(last_error(cx)) } else { Ok(tm) }
}

fn utc(cx: &Ctx, t: i64) -> PyResult<libc::tm> {
    let mut tm = zeroed!(libc::tm);
    if sys!(libc::gmtime_r(&t, &mut tm)).is_null() {
        return Err(last_error(cx));
    }
    Ok(tm)
}

/// Sets timezone, altzone, daylight and tzname from the zone's state in January and July.
pub(super) fn set_zone(cx: &Ctx, module: &Obj) -> PyResult<()> {
    sys!(tzset());
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let january = now() / YEAR * YEAR;
    let (a, b) = (local(cx, january)?, local(cx, january + YEAR / 2)?);
    // South of the equator January has summer time.
    let (standard, summer) = if -a.tm_gmtoff < -b.tm_gmtoff { (b, a) } else { (a, b) };
    module.set_attr(cx, intern!("timezone"), &Obj::from(-standard.tm_gmtoff))?;
    module.set_attr(cx, intern!("altzone"), &Obj::from(-summer.tm_gmtoff))?;
    let daylight = i64::from(standard.tm_gmtoff != summer.tm_gmtoff);
    module.set_attr(cx, intern!("daylight"), &Obj::from(daylight))?;
    let names = tuple::new(vec![zone_name(cx, &standard)?, zone_name(cx, &summer)?]);
    module.set_attr(cx, intern!("tzname"), &names)
}

/// A C calendar time from a tuple or struct_time, and the name of its zone, which it points to.
fn from_tuple(cx: &Ctx, o: &Obj, function: &str) -> PyResult<(libc::tm, Option<CString>)> {
    let Some(items) = tuple::items_if_tuple(o) else {
        return Err(cx.type_error("Tuple or struct_time argument required"));
    };
    let illegal = || cx.type_error(format!("{function}(): illegal time tuple argument"));
    if items.len() != 9 {
        return Err(illegal());
    }
    let mut f = [0i32; 9];
    for (slot, item) in f.iter_mut().zip(items) {
        let i = item.index(cx)?;
        match int::as_i64(&i).map(i32::try_from) {
            Some(Ok(n)) => *slot = n,
            _ if int::is_negative(&i) => return Err(cx.overflow_error("signed integer is less than minimum")),
            _ => return Err(cx.overflow_error("signed integer is greater than maximum")),
        }
    }
    let mut t = zeroed!(libc::tm);
    t.tm_year = f[0].checked_sub(1900).ok_or_else(|| cx.overflow_error("year out of range"))?;
    t.tm_mon = f[1].saturating_sub(1);
    (t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec) = (f[2], f[3], f[4], f[5]);
    t.tm_wday = f[6].saturating_add(1) % 7;
    t.tm_yday = f[7].saturating_sub(1);
    t.tm_isdst = f[8];
    let mut zone = None;
    if o.type_of().is(STRUCT_TIME.type_object()) {
        let z = o.get_attr(cx, intern!("tm_zone"))?;
        if z.type_of().is_str_subtype() {
            zone = CString::new(encode_fs(cx, &z)?).ok();
        }
        let offset = o.get_attr(cx, intern!("tm_gmtoff"))?;
        if int::is_int(&offset) {
            t.tm_gmtoff = offset.to_i64(cx)?;
        }
    }
    t.tm_zone = zone.as_ref().map_or(std::ptr::null(), |z| z.as_ptr());
    Ok((t, zone))
}

/// Checks the fields that the C library would use as indices; zeros of month, day and day of year stand for
/// the first one.
fn check_fields(cx: &Ctx, t: &mut libc::tm) -> PyResult<()> {
    let bad = |what: &str| Err(cx.value_error(format!("{what} out of range")));
    match t.tm_mon {
        -1 => t.tm_mon = 0,
        0..=11 => {}
        _ => return bad("month"),
    }
    match t.tm_mday {
        0 => t.tm_mday = 1,
        1..=31 => {}
        _ => return bad("day of month"),
    }
    if !(0..=23).contains(&t.tm_hour) {
        return bad("hour");
    }
    if !(0..=59).contains(&t.tm_min) {
        return bad("minute");
    }
    if !(0..=61).contains(&t.tm_sec) {
        return bad("seconds");
    }
    if t.tm_wday < 0 {
        return bad("day of week");
    }
    match t.tm_yday {
        -1 => t.tm_yday = 0,
        0..=365 => {}
        _ => return bad("day of year"),
    }
    Ok(())
}

fn ascii_time(t: &libc::tm) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS[t.tm_wday.rem_euclid(7) as usize],
        MONTHS[t.tm_mon.rem_euclid(12) as usize],
        t.tm_mday,
        t.tm_hour,
        t.tm_min,
        t.tm_sec,
        i64::from(t.tm_year) + 1900
    )
}

/// Formats one stretch of text without NUL.
fn format_part(cx: &Ctx, format: &[u8], t: &libc::tm, out: &mut Vec<u8>) -> PyResult<()> {
    if format.is_empty() {
        return Ok(());
    }
    let Ok(f) = CString::new(format) else { return Ok(()) };
    let mut size = 1024;
    loop {
        let mut v = vec![0u8; size];
        let n = sys!(libc::strftime(v.as_mut_ptr().cast(), size, f.as_ptr(), t));
        // Zero may say "too small" or be the true length, as of "%p" in some locales.
        if n > 0 || size >= 256 * format.len() {
            out.extend_from_slice(&v[..n]);
            return Ok(());
        }
        size *= 2;
        if size > 1 << 28 {
            return Err(cx.no_memory());
        }
    }
}

#[pymodule(part, name = "time")]
pub(crate) mod calendar {
    use super::*;

    fn seconds(cx: &Ctx, o: Option<&Obj>) -> PyResult<i64> {
        o.map_or_else(|| Ok(now()), |o| to_time_t(cx, o))
    }

    /// Seconds since the epoch as a calendar time in UTC; by default the current time.
    #[pyfunction(sig = "(seconds=None, /)")]
    fn gmtime(cx: &Ctx, seconds: Option<&Obj>) -> PyResult {
        let t = self::seconds(cx, seconds)?;
        result(cx, &utc(cx, t)?)
    }

    /// Seconds since the epoch as a calendar time in the local zone; by default the current time.
    #[pyfunction(sig = "(seconds=None, /)")]
    fn localtime(cx: &Ctx, seconds: Option<&Obj>) -> PyResult {
        let t = self::seconds(cx, seconds)?;
        result(cx, &local(cx, t)?)
    }

    /// Seconds since the epoch as text; by default the current time.
    #[pyfunction(sig = "(seconds=None, /)")]
    fn ctime(cx: &Ctx, seconds: Option<&Obj>) -> PyResult<String> {
        let t = self::seconds(cx, seconds)?;
        Ok(ascii_time(&local(cx, t)?))
    }

    /// A calendar time as text; by default the current one.
    #[pyfunction(sig = "")]
    fn asctime(cx: &Ctx, args: Args<'_>) -> PyResult<String> {
        let mut t = match args.check_arity(cx, "asctime", 0, 1)? {
            [tuple] => from_tuple(cx, tuple, "asctime")?.0,
            _ => local(cx, now())?,
        };
        check_fields(cx, &mut t)?;
        Ok(ascii_time(&t))
    }

    /// A calendar time in the local zone as seconds since the epoch.
    #[pyfunction(sig = "(time_tuple, /)")]
    fn mktime(cx: &Ctx, time_tuple: &Obj) -> PyResult<f64> {
        let (mut t, _zone) = from_tuple(cx, time_tuple, "mktime")?;
        // A day of the week that mktime never gives tells success from failure.
        t.tm_wday = -1;
        let r = sys!(libc::mktime(&mut t));
        if r == -1 && t.tm_wday == -1 {
            return Err(cx.overflow_error("mktime argument out of range"));
        }
        Ok(r as f64)
    }

    /// A calendar time (by default the current one) as text in a format with %-directives.
    #[pyfunction(sig = "")]
    fn strftime(cx: &Ctx, args: Args<'_>) -> PyResult {
        let args = args.check_arity(cx, "strftime", 1, 2)?;
        let format = &args[0];
        if !format.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("strftime() argument 1 must be str, not {}", format.type_of().name())));
        }
        let (mut t, _zone) = match args.get(1) {
            Some(tuple) => from_tuple(cx, tuple, "strftime")?,
            None => (local(cx, now())?, None),
        };
        check_fields(cx, &mut t)?;
        t.tm_isdst = t.tm_isdst.clamp(-1, 1);
        let format = cinder_pyobj::codecs::encode(cx, format, "utf-8", "surrogatepass")?;
        let format = cinder_pyobj::types::bytes::as_bytes(&format).unwrap_or(&[]).to_vec();
        let mut out = Vec::new();
        for (i, part) in format.split(|b| *b == 0).enumerate() {
            if i > 0 {
                out.push(0);
            }
            format_part(cx, part, &t, &mut out)?;
        }
        cinder_pyobj::codecs::decode(cx, &cinder_pyobj::types::bytes::new(&out), "utf-8", "surrogatepass")
    }

    /// Parses text by a format with %-directives.
    #[pyfunction(sig = "(*args)")]
    fn strptime(cx: &Ctx, args: &[Obj]) -> PyResult {
        let module = (cx.host().import)(cx, "_strptime")?;
        module.get_attr(cx, intern!("_strptime_time"))?.call_pos(cx, args)
    }

    /// Reads the local time zone anew from the environment.
    #[pyfunction(name = "tzset")]
    fn py_tzset(cx: &Ctx, module: &Obj) -> PyResult<()> {
        set_zone(cx, module)
    }
}
