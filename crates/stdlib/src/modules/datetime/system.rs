//! The system's clock and local time.

use cinder_pyobj::types::{float, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::calendar;
use crate::os::{sys, zeroed};

/// A local or UTC time of the system.
pub(super) struct Broken {
    pub date: (i64, i64, i64),
    pub clock: [i64; 3],
    /// Seconds east of UTC.
    pub offset: i64,
    pub zone: String,
}

#[cold]
fn out_of_range(cx: &Ctx) -> Raised {
    cx.overflow_error("timestamp out of range for platform time_t")
}

/// Takes a moment apart.
pub(super) fn broken(cx: &Ctx, seconds: i64, utc: bool) -> PyResult<Broken> {
    let mut tm = zeroed!(libc::tm);
    let t = seconds as libc::time_t;
    let p = if utc { sys!(libc::gmtime_r(&t, &mut tm)) } else { sys!(libc::localtime_r(&t, &mut tm)) };
    if p.is_null() {
        return Err(cx.os_error(crate::os::errno()));
    }
    let zone = if tm.tm_zone.is_null() {
        String::new()
    } else {
        sys!(std::ffi::CStr::from_ptr(tm.tm_zone)).to_string_lossy().into_owned()
    };
    Ok(Broken {
        date: (i64::from(tm.tm_year) + 1900, i64::from(tm.tm_mon) + 1, i64::from(tm.tm_mday)),
        // Leap seconds are not counted.
        clock: [i64::from(tm.tm_hour), i64::from(tm.tm_min), i64::from(tm.tm_sec.min(59))],
        offset: tm.tm_gmtoff as i64,
        zone,
    })
}

/// Seconds and microseconds of a timestamp argument.
pub(super) fn timestamp(cx: &Ctx, o: &Obj) -> PyResult<(i64, i64)> {
    if let Some(f) = float::as_f64(o) {
        if f.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        let mut whole = f.floor();
        let mut us = round_half_even((f - whole) * 1e6);
        if us >= 1e6 {
            us -= 1e6;
            whole += 1.0;
        }
        if !(-9.3e18..9.2e18).contains(&whole) {
            return Err(out_of_range(cx));
        }
        return Ok((whole as i64, us as i64));
    }
    if !int::is_int(o) && o.type_of().slots.index.get().is_none() {
        return Err(cx.type_error(format!("argument must be int or float, not {}", o.type_of().name())));
    }
    match int::as_i64(&o.index(cx)?) {
        Some(n) => Ok((n, 0)),
        None => Err(out_of_range(cx)),
    }
}

fn round_half_even(f: f64) -> f64 {
    let r = f.round();
    if (f - r).abs() == 0.5 { 2.0 * (f / 2.0).round() } else { r }
}

/// Now: seconds and microseconds.
pub(super) fn now() -> (i64, i64) {
    let mut t = zeroed!(libc::timespec);
    sys!(libc::clock_gettime(libc::CLOCK_REALTIME, &mut t));
    (t.tv_sec as i64, t.tv_nsec as i64 / 1000)
}

const EPOCH: i64 = 719_163 * 86_400;

/// A date and time as seconds from 1 January 1970, taken as UTC.
pub(super) fn utc_seconds(date: (i32, i32, i32), clock: [i32; 3]) -> i64 {
    let [h, m, s] = clock.map(i64::from);
    calendar::to_ordinal(date.0, date.1, date.2) * 86_400 + h * 3600 + m * 60 + s - EPOCH
}

/// The local time of a moment, written as if it were UTC.
fn local(cx: &Ctx, u: i64) -> PyResult<i64> {
    let b = broken(cx, u, false)?;
    let year = b.date.0;
    if !(0..=10_000).contains(&year) {
        return Err(cx.value_error(format!("year {year} is out of range")));
    }
    let days = calendar::to_ordinal(year as i32, b.date.1 as i32, b.date.2 as i32);
    Ok(days * 86_400 + b.clock[0] * 3600 + b.clock[1] * 60 + b.clock[2] - EPOCH)
}

/// The longest fold or gap that is looked for.
const MAX_FOLD: i64 = 86_400;

/// The moment of a local date and time.
pub(super) fn local_seconds(cx: &Ctx, date: (i32, i32, i32), clock: [i32; 3], fold: u8) -> PyResult<i64> {
    let t = utc_seconds(date, clock);
    let a = local(cx, t)? - t;
    let u1 = t - a;
    let t1 = local(cx, u1)?;
    let b;
    if t1 == t {
        // One solution; there may be another one, on the other side of a fold.
        let u2 = if fold == 1 { u1 + MAX_FOLD } else { u1 - MAX_FOLD };
        b = local(cx, u2)? - u2;
        if a == b {
            return Ok(u1);
        }
    } else {
        b = t1 - u1;
    }
    let u2 = t - b;
    let t2 = local(cx, u2)?;
    if t2 == t {
        return Ok(u2);
    }
    if t1 == t {
        return Ok(u1);
    }
    // A time within a gap.
    Ok(if fold == 1 { u1.min(u2) } else { u1.max(u2) })
}

/// Whether a local time is the second of two with the same name.
pub(super) fn is_fold(cx: &Ctx, seconds: i64, date: (i32, i32, i32), clock: [i32; 3]) -> PyResult<bool> {
    let shown = utc_seconds(date, clock);
    if seconds - MAX_FOLD < -62_135_596_800 {
        return Ok(false);
    }
    let probe = local(cx, seconds - MAX_FOLD)?;
    let transition = shown - probe - MAX_FOLD;
    if transition >= 0 {
        return Ok(false);
    }
    Ok(local(cx, seconds + transition)? == shown)
}
