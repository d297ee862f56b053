//! `time`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, Signature, This, pyclass, pymethods};
use cinder_pyobj::types::{CmpOp, Type, bytes, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::date::{formatted, given};
use super::format::{self, Source};
use super::iso::{self, Bad};
use super::tz::{self, TimeZone};
use super::{bad_iso, check_time, iso_bytes, pickle_state, shown_name};

/// A time of day, from midnight.
///
/// hour, minute, second and microsecond are ints, 0 where not given; tzinfo is None or says to which zone it belongs;
/// fold is 1 for the second of two equal times when clocks are set back.
#[pyclass(name = "time", module = "datetime", flags(basetype))]
#[derive(Traverse)]
pub struct Time {
    #[traverse(skip)]
    pub(super) parts: [i32; 4],
    #[traverse(skip)]
    pub(super) fold: Cell<u8>,
    pub(super) zone: Option<Obj>,
}

impl Time {
    pub(super) fn make(ty: &Type, parts: [i32; 4], fold: u8, zone: Option<Obj>) -> Obj {
        new_instance(ty, Time { parts, fold: Cell::new(fold), zone })
    }

    fn state(&self, fold: bool) -> [u8; 6] {
        let [h, m, s, us] = self.parts;
        let first = h as u8 | if fold && self.fold.get() == 1 { 0x80 } else { 0 };
        [first, m as u8, s as u8, (us >> 16) as u8, (us >> 8) as u8, us as u8]
    }

    /// Microseconds since midnight.
    fn total(&self) -> i128 {
        let [h, m, s, us] = self.parts.map(i128::from);
        ((h * 60 + m) * 60 + s) * 1_000_000 + us
    }
}

/// `HH:MM:SS.ffffff` as precise as asked for.
pub(super) fn clock_text(cx: &Ctx, p: [i32; 4], precision: Option<&str>) -> PyResult<String> {
    let [h, m, s, us] = p;
    Ok(match precision.unwrap_or("auto") {
        "auto" if us == 0 => format!("{h:02}:{m:02}:{s:02}"),
        "auto" | "microseconds" => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        "hours" => format!("{h:02}"),
        "minutes" => format!("{h:02}:{m:02}"),
        "seconds" => format!("{h:02}:{m:02}:{s:02}"),
        "milliseconds" => format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000),
        _ => return Err(cx.value_error("Unknown timespec value")),
    })
}

/// A time parsed by the module `_strptime`.
pub(super) fn parse(cx: &Ctx, ty: &Type, string: &Obj, format: &Obj, function: &str) -> PyResult {
    for (i, o) in [(1, string), (2, format)] {
        if o.downcast::<cinder_pyobj::types::str::Str>().is_none() {
            return Err(cx.type_error(format!("strptime() argument {i} must be str, not {}", o.type_of().name())));
        }
    }
    (cx.host().import)(cx, "_strptime")?.call_method(
        cx,
        cinder_pyobj::types::str::Name::new(function),
        &[ty.as_obj(), string.clone(), format.clone()],
    )
}

/// The `tzinfo` argument: nothing for None.
pub(super) fn zone_argument(cx: &Ctx, o: Option<&Obj>) -> PyResult<Option<Obj>> {
    match o {
        Some(z) => {
            tz::check(cx, z)?;
            Ok(z.clone().non_none())
        }
        None => Ok(None),
    }
}

/// The error of a text that is no ISO time.
pub(super) fn not_iso(cx: &Ctx, o: &Obj, b: Bad) -> cinder_pyobj::Raised {
    match b {
        Bad::Form => bad_iso(cx, o),
        Bad::Midnight => cx.value_error("minute, second, and microsecond must be 0 when hour is 24"),
    }
}

const NEW: Signature = Signature {
    function: "function",
    params: &["hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    pos_only: 0,
    positional: 5,
    required: 0,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

fn replaced(cx: &Ctx, this: This<'_, Time>, new: [Option<&Obj>; 6]) -> PyResult {
    let old = this.parts.map(i64::from);
    let mut p = [0; 4];
    for (i, slot) in p.iter_mut().enumerate() {
        *slot = given(cx, new[i], old[i])?;
    }
    let zone = match new[4] {
        Some(z) => zone_argument(cx, Some(z))?,
        None => this.zone.clone(),
    };
    let fold = given(cx, new[5], this.fold.get().into())?;
    let ty = this.obj().type_of();
    if ty.is(Time::class().type_object()) {
        let (p, fold) = check_time(cx, p, fold)?;
        return Ok(Time::make(ty, p, fold, zone));
    }
    check_time(cx, [0; 4], fold)?;
    let mut args: Vec<Obj> = p.map(Obj::from).to_vec();
    args.push(zone.unwrap_or_else(Obj::none));
    let o = ty.as_obj().call_pos(cx, &args)?;
    if let Some(t) = o.downcast::<Time>() {
        t.fold.set(fold as u8);
    }
    Ok(o)
}

#[pymethods]
impl Time {
    #[pynew]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if let [state, rest @ ..] = args.pos()
            && rest.len() < 2
            && let Some(b) = pickle_state(cx, state, 6, "time")?
            && b[0] & 0x7f < 24
        {
            let zone = rest.first().or(args.kw_values().first());
            if zone.is_some_and(|z| tz::check(cx, z).map_err(|r| drop(cx.take(r))).is_err()) {
                return Err(cx.type_error("bad tzinfo state arg"));
            }
            let us = i32::from(b[3]) << 16 | i32::from(b[4]) << 8 | i32::from(b[5]);
            let p = [i32::from(b[0] & 0x7f), b[1].into(), b[2].into(), us];
            return Ok(Time::make(ty, p, b[0] >> 7, zone.cloned().and_then(Obj::non_none)));
        }
        let a = args.bind::<6>(cx, &NEW)?;
        let mut p = [0; 4];
        for (i, slot) in p.iter_mut().enumerate() {
            *slot = given(cx, a[i], 0)?;
        }
        let fold = given(cx, a[5], 0)?;
        let (p, fold) = check_time(cx, p, fold)?;
        let zone = zone_argument(cx, a[4])?;
        Ok(Time::make(ty, p, fold, zone))
    }

    fn __repr__(cx: &Ctx, this: This<'_, Time>) -> PyResult<String> {
        let [h, m, s, us] = this.parts;
        let mut out = format!("{}({h}, {m}", shown_name(this.obj().type_of()));
        if s != 0 || us != 0 {
            out += &format!(", {s}");
        }
        if us != 0 {
            out += &format!(", {us}");
        }
        let zone = match &this.zone {
            Some(z) => format!(", tzinfo={}", cinder_pyobj::types::str::as_utf8_lossy(&z.repr(cx)?)),
            None => String::new(),
        };
        let fold = if this.fold.get() == 1 { ", fold=1" } else { "" };
        Ok(out + &zone + fold + ")")
    }

    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        this.call_method(cx, intern!("isoformat"), &[])
    }

    fn __hash__(cx: &Ctx, this: This<'_, Time>) -> PyResult<i64> {
        let none = Obj::none();
        // The offset is asked without the fold.
        let asked = this.fold.replace(0);
        let offset = tz::ask(cx, this.zone.as_ref(), "utcoffset", &none);
        this.fold.set(asked);
        match offset? {
            None => Ok(cinder_pyobj::types::str::hash_bytes(&this.state(false))),
            Some(us) => super::delta::Delta::new(cx, this.total() - us)?.hash(cx),
        }
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Time>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Time>() else { return Ok(Obj::not_implemented()) };
        let plain = op.holds(this.parts.cmp(&o.parts));
        let same = match (&this.zone, &o.zone) {
            (None, None) => true,
            (Some(a), Some(b)) => a.is(b),
            _ => false,
        };
        if same {
            return Ok(Obj::from_bool(plain));
        }
        let none = Obj::none();
        let a = tz::ask(cx, this.zone.as_ref(), "utcoffset", &none)?;
        let b = tz::ask(cx, o.zone.as_ref(), "utcoffset", &none)?;
        match (a, b) {
            _ if a == b => Ok(Obj::from_bool(plain)),
            (Some(a), Some(b)) => Ok(Obj::from_bool(op.holds((this.total() - a).cmp(&(o.total() - b))))),
            _ if op == CmpOp::Eq => Ok(Obj::from_bool(false)),
            _ if op == CmpOp::Ne => Ok(Obj::from_bool(true)),
            _ => Err(cx.type_error("can't compare offset-naive and offset-aware times")),
        }
    }

    /// The time that a text shows in a format of time.strptime().
    #[pyclassmethod(sig = "($type, string, format, /)")]
    fn strptime(cx: &Ctx, ty: &Type, string: &Obj, format: &Obj) -> PyResult {
        parse(cx, ty, string, format, "_strptime_datetime_time")
    }

    /// Construct a time from a string in ISO 8601 format.
    #[pyclassmethod(sig = "($type, object, /)")]
    fn fromisoformat(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        let b = iso_bytes(cx, object)?;
        let b = b.strip_prefix(b"T").unwrap_or(&b);
        let c = iso::clock(b).map_err(|e| not_iso(cx, object, e))?;
        let mut parts = c.parts;
        if parts[0] == 24 {
            parts[0] = 0;
        }
        let zone = match c.offset {
            Some(us) => Some(TimeZone::of(cx, us)?),
            None => None,
        };
        if ty.is(Time::class().type_object()) {
            let (p, _) = check_time(cx, parts, 0)?;
            return Ok(Time::make(ty, p, 0, zone));
        }
        let mut args: Vec<Obj> = parts.map(Obj::from).to_vec();
        args.push(zone.unwrap_or_else(Obj::none));
        ty.as_obj().call_pos(cx, &args)
    }

    /// The time as HH:MM:SS.ffffff and the offset from UTC, as far as it has these.
    ///
    /// timespec names the last part to write, such as 'minutes'; 'auto' leaves out only microseconds that are zero.
    #[pymethod(sig = "($self, timespec='auto')")]
    fn isoformat(cx: &Ctx, this: This<'_, Time>, timespec: Option<&str>) -> PyResult<String> {
        let mut out = clock_text(cx, this.parts, timespec)?;
        if let Some(us) = tz::ask(cx, this.zone.as_ref(), "utcoffset", &Obj::none())? {
            out += &tz::offset_text(us, ":");
        }
        Ok(out)
    }

    /// Format using strftime().
    ///
    /// The date part of the timestamp passed to underlying strftime should not be used.
    #[pymethod(sig = "($self, format)")]
    fn strftime(cx: &Ctx, this: This<'_, Time>, format: &Obj) -> PyResult {
        let [h, m, s, us] = this.parts;
        let tuple = format::time_tuple(cx, (1900, 1, 1), [h, m, s], -1)?;
        let source = Source { zone: this.zone.clone(), zone_arg: Obj::none(), date: (1900, 1, 1), us, tuple };
        format::strftime(cx, &source, format)
    }

    /// What strftime() gives for a format; the text of str() for ''.
    #[pymethod(name = "__format__", sig = "($self, format, /)")]
    fn dunder_format(cx: &Ctx, this: &Obj, format: &Obj) -> PyResult {
        formatted(cx, this, format)
    }

    /// The offset from UTC that the zone gives, or None.
    #[pymethod]
    fn utcoffset(cx: &Ctx, this: This<'_, Time>) -> PyResult {
        tz::ask_object(cx, this.zone.as_ref(), "utcoffset", &Obj::none())
    }

    /// The name that the zone gives, or None.
    #[pymethod]
    fn tzname(cx: &Ctx, this: This<'_, Time>) -> PyResult {
        tz::name(cx, this.zone.as_ref(), &Obj::none())
    }

    /// The summer time that the zone gives, or None.
    #[pymethod]
    fn dst(cx: &Ctx, this: This<'_, Time>) -> PyResult {
        tz::ask_object(cx, this.zone.as_ref(), "dst", &Obj::none())
    }

    /// A time that differs in the given fields.
    #[pymethod(
        sig = "($self, /, hour=<unrepresentable>, minute=<unrepresentable>, second=<unrepresentable>, microsecond=<unrepresentable>, tzinfo=<unrepresentable>, *, fold=<unrepresentable>)"
    )]
    fn replace(
        cx: &Ctx,
        this: This<'_, Time>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        replaced(cx, this, [hour, minute, second, microsecond, tzinfo, fold])
    }

    /// What copy.replace() calls; see replace().
    #[pymethod(
        name = "__replace__",
        sig = "($self, /, hour=<unrepresentable>, minute=<unrepresentable>, second=<unrepresentable>, microsecond=<unrepresentable>, tzinfo=<unrepresentable>, *, fold=<unrepresentable>)"
    )]
    fn dunder_replace(
        cx: &Ctx,
        this: This<'_, Time>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        replaced(cx, this, [hour, minute, second, microsecond, tzinfo, fold])
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Time>) -> Obj {
        reduced(this.obj(), &this.state(false), this.zone.as_ref())
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce_ex__", sig = "($self, proto, /)")]
    fn reduce_ex(_cx: &Ctx, this: This<'_, Time>, proto: i64) -> Obj {
        reduced(this.obj(), &this.state(proto > 3), this.zone.as_ref())
    }

    #[pygetter]
    fn hour(&self) -> i64 {
        i64::from(self.parts[0])
    }

    #[pygetter]
    fn minute(&self) -> i64 {
        i64::from(self.parts[1])
    }

    #[pygetter]
    fn second(&self) -> i64 {
        i64::from(self.parts[2])
    }

    #[pygetter]
    fn microsecond(&self) -> i64 {
        i64::from(self.parts[3])
    }

    #[pygetter]
    fn tzinfo(_cx: &Ctx, this: This<'_, Time>) -> Option<Obj> {
        this.zone.clone()
    }

    #[pygetter(name = "fold")]
    fn py_fold(&self) -> i64 {
        i64::from(self.fold.get())
    }
}

/// Class and state of a pickle.
pub(super) fn reduced(o: &Obj, state: &[u8], zone: Option<&Obj>) -> Obj {
    let mut v = vec![bytes::new(state)];
    v.extend(zone.cloned());
    tuple::pair(o.type_of().as_obj(), tuple::new(v))
}
