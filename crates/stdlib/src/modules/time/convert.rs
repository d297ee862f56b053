//! Conversion of time arguments.

use cinder_pyobj::types::{float, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

/// How fractions of a nanosecond are rounded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Down.
    Floor,
    /// Up, away from zero for positive times: timeouts never end early.
    Ceiling,
}

const SECOND: i128 = 1_000_000_000;

/// Seconds, an int or float, as nanoseconds.
pub(crate) fn seconds_to_ns(cx: &Ctx, o: &Obj, round: Round) -> PyResult<i128> {
    let too_large = || cx.overflow_error("timestamp too large to convert to C PyTime_t");
    if let Some(f) = float::as_f64(o) {
        if f.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        let ns = f * 1e9;
        let ns = if round == Round::Floor { ns.floor() } else { ns.ceil() };
        if !(ns.abs() < 1.7e38) {
            return Err(too_large());
        }
        return Ok(ns as i128);
    }
    if !int::is_int(o) && o.type_of().slots.index.get().is_none() {
        let got = o.type_of().name();
        return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer or float")));
    }
    match int::as_i64(&o.index(cx)?) {
        Some(s) => Ok(i128::from(s) * SECOND),
        None => Err(too_large()),
    }
}

/// Whole seconds since the epoch, rounded down.
pub(super) fn to_time_t(cx: &Ctx, o: &Obj) -> PyResult<i64> {
    let out_of_range = || cx.overflow_error("timestamp out of range for platform time_t");
    if let Some(f) = float::as_f64(o) {
        if f.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        let f = f.floor();
        return if (-9.223372036854775e18..9.223372036854775e18).contains(&f) {
            Ok(f as i64)
        } else {
            Err(out_of_range())
        };
    }
    int::as_i64(&o.index(cx)?).ok_or_else(out_of_range)
}

/// A C timespec as nanoseconds.
pub(super) fn from_timespec(t: &libc::timespec) -> i128 {
    i128::from(t.tv_sec) * SECOND + i128::from(t.tv_nsec)
}

/// Nanoseconds as a C timespec.
pub(super) fn to_timespec(cx: &Ctx, ns: i128) -> PyResult<libc::timespec> {
    match i64::try_from(ns.div_euclid(SECOND)) {
        Ok(s) => Ok(libc::timespec { tv_sec: s, tv_nsec: ns.rem_euclid(SECOND) as i64 }),
        Err(_) => Err(cx.overflow_error("timestamp out of range for platform time_t")),
    }
}

/// Nanoseconds as seconds.
pub(super) fn to_seconds(ns: i128) -> f64 {
    if ns % SECOND == 0 { (ns / SECOND) as f64 } else { ns as f64 / 1e9 }
}
