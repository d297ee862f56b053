//! `_datetime`: dates, times and time zones.
//!
//! - [`calendar`]: days and weeks; [`iso`]: texts of ISO 8601; [`format`]: `strftime`; [`system`]: the system's clock
//! - [`zones`]: the module `_zoneinfo`; [`rule`]: rules of future transitions
//! - [`delta`], [`tz`], [`date`], [`clock`], [`stamp`]: the classes timedelta, tzinfo and timezone, date, time, datetime

mod calendar;
mod clock;
mod date;
mod delta;
mod format;
mod iso;
mod rule;
mod stamp;
mod system;
mod tz;
pub(crate) mod zones;

use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{bytes, set_class_constant};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type, intern};

use clock::Time;
use date::Date;
use delta::Delta;
use stamp::DateTime;
use tz::{TimeZone, TzInfo};

/// A class's name as representations show it.
fn shown_name(ty: &Type) -> String {
    match ty.def() {
        Some(d) => format!("datetime.{}", d.name),
        None => ty.name().to_string(),
    }
}

/// A field outside of its range.
#[cold]
fn out_of_range(cx: &Ctx, what: &str, range: &str, value: i64) -> Raised {
    cx.value_error(format!("{what} must be in {range}, not {value}"))
}

fn check_date(cx: &Ctx, y: i64, m: i64, d: i64) -> PyResult<(i32, i32, i32)> {
    if !(1..=i64::from(calendar::MAX_YEAR)).contains(&y) {
        return Err(out_of_range(cx, "year", "1..9999", y));
    }
    if !(1..=12).contains(&m) {
        return Err(out_of_range(cx, "month", "1..12", m));
    }
    let last = calendar::days_in_month(y as i32, m as i32);
    if !(1..=i64::from(last)).contains(&d) {
        return Err(cx.value_error(format!("day {d} must be in range 1..{last} for month {m} in year {y}")));
    }
    Ok((y as i32, m as i32, d as i32))
}

fn check_time(cx: &Ctx, p: [i64; 4], fold: i64) -> PyResult<([i32; 4], u8)> {
    let limits = [("hour", 23), ("minute", 59), ("second", 59), ("microsecond", 999_999)];
    for ((what, most), v) in limits.into_iter().zip(p) {
        if !(0..=most).contains(&v) {
            return Err(out_of_range(cx, what, &format!("0..{most}"), v));
        }
    }
    if fold != 0 && fold != 1 {
        return Err(cx.value_error(format!("fold must be either 0 or 1, not {fold}")));
    }
    Ok((p.map(|v| v as i32), fold as u8))
}

/// An int field of a constructor.
fn field(cx: &Ctx, o: &Obj) -> PyResult<i64> {
    let n = o.index(cx)?;
    match cinder_pyobj::types::int::as_i64(&n).filter(|n| i32::try_from(*n).is_ok()) {
        Some(n) => Ok(n),
        None => Err(cx.overflow_error("Python int too large to convert to C int")),
    }
}

/// The state with which a pickle makes an object: bytes, or a str of Python 2 read as Latin-1.
fn pickle_state(cx: &Ctx, o: &Obj, len: usize, what: &str) -> PyResult<Option<Vec<u8>>> {
    if let Some(b) = bytes::as_bytes(o) {
        return Ok(Some(b.to_vec()).filter(|b| b.len() == len));
    }
    let Some(s) = o.downcast::<cinder_pyobj::types::str::Str>().filter(|s| s.len() == len) else { return Ok(None) };
    let mut b = Vec::with_capacity(len);
    for c in s.code_points() {
        match u8::try_from(c) {
            Ok(c) => b.push(c),
            Err(_) => {
                return Err(cx.value_error(format!(
                    "Failed to encode latin1 string when unpickling a {what} object. pickle.load(data, \
                     encoding='latin1') is assumed."
                )));
            }
        }
    }
    Ok(Some(b))
}

/// The bytes of an ISO text; every other character stands as `?`.
fn iso_bytes(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    match o.downcast::<cinder_pyobj::types::str::Str>() {
        Some(s) => Ok(s.code_points().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect()),
        None => Err(cx.type_error("fromisoformat: argument must be str")),
    }
}

#[cold]
fn bad_iso(cx: &Ctx, o: &Obj) -> Raised {
    match o.repr(cx) {
        Ok(r) => {
            let mut b = cinder_pyobj::types::str::StrBuilder::new();
            b.push_str("Invalid isoformat string: ");
            b.push_obj(&r);
            cx.raise_args(cinder_pyobj::types::exc::ValueError(), &[b.finish()])
        }
        Err(r) => r,
    }
}

/// The types of the module datetime.
#[pymodule(
    name = "_datetime",
    classes(super::Date, super::DateTime, super::Time, super::Delta, super::TzInfo, super::TimeZone)
)]
pub(crate) mod datetime {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let set = |ty: &Type, name: &str, v: Obj| set_class_constant(ty, Name::new(name), v);
        let day = Delta::new(cx, delta::DAY_US)?;
        let us = Delta::new(cx, 1)?;
        let ty = Delta::class().type_object();
        let most = i128::from(999_999_999i64) * delta::DAY_US;
        set(ty, "min", Delta::new(cx, -most)?);
        set(ty, "max", Delta::new(cx, most + delta::DAY_US - 1)?);
        set(ty, "resolution", us.clone());
        let ty = Date::class().type_object();
        set(ty, "min", Date::make(ty, (1, 1, 1)));
        set(ty, "max", Date::make(ty, (9999, 12, 31)));
        set(ty, "resolution", day);
        let ty = Time::class().type_object();
        set(ty, "min", Time::make(ty, [0; 4], 0, None));
        set(ty, "max", Time::make(ty, [23, 59, 59, 999_999], 0, None));
        set(ty, "resolution", us.clone());
        let ty = DateTime::class().type_object();
        set(ty, "min", DateTime::make(ty, (1, 1, 1), [0; 4], 0, None));
        set(ty, "max", DateTime::make(ty, (9999, 12, 31), [23, 59, 59, 999_999], 0, None));
        set(ty, "resolution", us);
        let ty = TimeZone::class().type_object();
        let utc = TimeZone::make(Delta::new(cx, 0)?, None);
        set(ty, "utc", utc.clone());
        let edge = 86_340_000_000;
        set(ty, "min", TimeZone::make(Delta::new(cx, -edge)?, None));
        set(ty, "max", TimeZone::make(Delta::new(cx, edge)?, None));
        module.set_attr(cx, intern!("UTC"), &utc)?;
        module.set_attr(cx, intern!("MINYEAR"), &Obj::from(1))?;
        module.set_attr(cx, intern!("MAXYEAR"), &Obj::from(i64::from(calendar::MAX_YEAR)))
    }
}
