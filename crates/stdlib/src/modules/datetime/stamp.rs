//! `datetime`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, Signature, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, StrBuilder, as_utf8_lossy};
use cinder_pyobj::types::{CmpOp, Type, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::clock::{self, Time, clock_text, not_iso, reduced, zone_argument};
use super::date::{Date, formatted, from_days, given};
use super::delta::{DAY_US, Delta, delta};
use super::format::{self, Source};
use super::tz::{self, TimeZone};
use super::{bad_iso, calendar, check_date, check_time, iso, iso_bytes, pickle_state, shown_name, system};

/// A day and a time of day together.
///
/// year, month and day are required; tzinfo is None or says to which zone it belongs; fold is 1 for the second of two
/// equal times when clocks are set back.
#[pyclass(name = "datetime", module = "datetime", base = Date, flags(basetype))]
#[repr(C)]
pub struct DateTime {
    date: Date,
    clock: [i32; 4],
    pub(super) fold: Cell<u8>,
    zone: ObjCell,
}

impl Traverse for DateTime {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.zone.traverse(visit);
    }

    fn clear(&self) {
        self.zone.clear();
    }
}

type Day = (i32, i32, i32);

impl DateTime {
    pub(super) fn make(ty: &Type, d: Day, clock: [i32; 4], fold: u8, zone: Option<Obj>) -> Obj {
        new_instance(ty, DateTime { date: Date::of(d), clock, fold: Cell::new(fold), zone: ObjCell::new(zone) })
    }

    pub(super) fn zone(&self) -> Option<Obj> {
        self.zone.get()
    }

    fn hms(&self) -> [i32; 3] {
        [self.clock[0], self.clock[1], self.clock[2]]
    }

    /// Microseconds since the day before 1 January 1.
    fn total(&self) -> i128 {
        let [h, m, s, us] = self.clock.map(i128::from);
        i128::from(self.date.ordinal()) * DAY_US + ((h * 60 + m) * 60 + s) * 1_000_000 + us
    }

    fn state(&self, fold: bool) -> [u8; 10] {
        let [a, b, mut c, d] = self.date.state();
        if fold && self.fold.get() == 1 {
            c |= 0x80;
        }
        let [h, m, s, us] = self.clock;
        [a, b, c, d, h as u8, m as u8, s as u8, (us >> 16) as u8, (us >> 8) as u8, us as u8]
    }

    pub(super) fn fields(&self) -> (Day, [i32; 4]) {
        (self.date.parts(), self.clock)
    }

    /// A datetime of a class; subclasses are called.
    pub(super) fn build(cx: &Ctx, ty: &Type, d: Day, c: [i32; 4], fold: u8, zone: Option<Obj>) -> PyResult {
        if ty.is(DateTime::class().type_object()) {
            return Ok(DateTime::make(ty, d, c, fold, zone));
        }
        let mut args: Vec<Obj> = [d.0, d.1, d.2, c[0], c[1], c[2], c[3]].map(|n| Obj::from(i64::from(n))).to_vec();
        args.push(zone.unwrap_or_else(Obj::none));
        let o = ty.as_obj().call_pos(cx, &args)?;
        if let Some(t) = o.downcast::<DateTime>() {
            t.fold.set(fold);
        }
        Ok(o)
    }

    fn offset(&self, cx: &Ctx, this: &Obj) -> PyResult<Option<i128>> {
        tz::ask(cx, self.zone().as_ref(), "utcoffset", this)
    }

    /// Whether the offset depends on the fold.
    fn fold_matters(&self, cx: &Ctx, offset: Option<i128>) -> PyResult<bool> {
        let (d, c) = self.fields();
        let other = DateTime::make(DateTime::class().type_object(), d, c, 1 - self.fold.get(), self.zone());
        Ok(tz::ask(cx, self.zone().as_ref(), "utcoffset", &other)? != offset)
    }
}

/// Date and clock of so many microseconds since the day before 1 January 1.
fn split(cx: &Ctx, us: i128) -> PyResult<(Day, [i32; 4])> {
    let days = us.div_euclid(DAY_US);
    let rest = us.rem_euclid(DAY_US);
    let day = from_days(cx, i64::try_from(days).unwrap_or(0))?;
    let s = (rest / 1_000_000) as i32;
    Ok((day, [s / 3600, s / 60 % 60, s % 60, (rest % 1_000_000) as i32]))
}

/// `this + us`, of the same class.
pub(super) fn shifted(cx: &Ctx, this: &Obj, dt: &DateTime, us: i128) -> PyResult {
    let (d, c) = split(cx, dt.total() + us)?;
    DateTime::build(cx, this.type_of(), d, c, 0, dt.zone())
}

/// A datetime of a class at a moment, local or UTC, with a zone as it is.
fn of_moment(cx: &Ctx, ty: &Type, seconds: i64, us: i64, utc: bool, zone: Option<&Obj>) -> PyResult {
    let b = system::broken(cx, seconds, utc)?;
    let (y, m, d) = b.date;
    let day = check_date(cx, y, m, d)?;
    let hms = b.clock.map(|n| n as i32);
    let fold = zone.is_none() && !utc && system::is_fold(cx, seconds, day, hms)?;
    DateTime::build(cx, ty, day, [hms[0], hms[1], hms[2], us as i32], u8::from(fold), zone.cloned())
}

/// A datetime of a class at a moment, in a zone or in local time.
fn at(cx: &Ctx, ty: &Type, (seconds, us): (i64, i64), zone: Option<&Obj>) -> PyResult {
    let o = of_moment(cx, ty, seconds, us, zone.is_some(), zone)?;
    match zone {
        Some(z) => z.call_method(cx, intern!("fromutc"), &[o]),
        None => Ok(o),
    }
}

const NEW: Signature = Signature {
    function: "function",
    params: &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    pos_only: 0,
    positional: 8,
    required: 3,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

fn replaced(cx: &Ctx, this: This<'_, DateTime>, new: [Option<&Obj>; 9]) -> PyResult {
    let (d, c) = this.fields();
    let old = [d.0, d.1, d.2, c[0], c[1], c[2], c[3]].map(i64::from);
    let mut p = [0; 7];
    for (i, slot) in p.iter_mut().enumerate() {
        *slot = given(cx, new[i], old[i])?;
    }
    let zone = match new[7] {
        Some(z) => zone_argument(cx, Some(z))?,
        None => this.zone(),
    };
    let fold = given(cx, new[8], this.fold.get().into())?;
    let ty = this.obj().type_of();
    if ty.is(DateTime::class().type_object()) {
        let day = check_date(cx, p[0], p[1], p[2])?;
        let (c, fold) = check_time(cx, [p[3], p[4], p[5], p[6]], fold)?;
        return Ok(DateTime::make(ty, day, c, fold, zone));
    }
    check_time(cx, [0; 4], fold)?;
    let mut args: Vec<Obj> = p.map(Obj::from).to_vec();
    args.push(zone.unwrap_or_else(Obj::none));
    let o = ty.as_obj().call_pos(cx, &args)?;
    if let Some(t) = o.downcast::<DateTime>() {
        t.fold.set(fold as u8);
    }
    Ok(o)
}

/// The system's time zone at a moment.
fn local_zone(cx: &Ctx, seconds: i64) -> PyResult {
    let b = system::broken(cx, seconds, false)?;
    let offset = Delta::new(cx, i128::from(b.offset) * 1_000_000)?;
    Ok(TimeZone::make(offset, Some(Obj::from(b.zone.as_str()))))
}

fn expect<T: cinder_pyobj::native::Payload>(cx: &Ctx, o: &Obj, i: usize, name: &str) -> PyResult<()> {
    if o.downcast::<T>().is_some() {
        return Ok(());
    }
    Err(cx.type_error(format!("combine() argument {i} must be datetime.{name}, not {}", o.type_of().name())))
}

#[pymethods]
impl DateTime {
    #[pynew]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if let [state, rest @ ..] = args.pos()
            && rest.len() < 2
            && let Some(b) = pickle_state(cx, state, 10, "datetime")?
            && (1..=12).contains(&(b[2] & 0x7f))
        {
            let zone = rest.first().or(args.kw_values().first());
            if zone.is_some_and(|z| tz::check(cx, z).map_err(|r| drop(cx.take(r))).is_err()) {
                return Err(cx.type_error("bad tzinfo state arg"));
            }
            let b: Vec<i32> = b.into_iter().map(i32::from).collect();
            let day = (b[0] << 8 | b[1], b[2] & 0x7f, b[3]);
            let c = [b[4], b[5], b[6], b[7] << 16 | b[8] << 8 | b[9]];
            let fold = (b[2] >> 7) as u8;
            return Ok(DateTime::make(ty, day, c, fold, zone.cloned().and_then(Obj::non_none)));
        }
        let a = args.bind::<9>(cx, &NEW)?;
        let mut p = [0; 7];
        for (i, slot) in p.iter_mut().enumerate() {
            *slot = given(cx, a[i], 0)?;
        }
        let day = check_date(cx, p[0], p[1], p[2])?;
        let (c, fold) = check_time(cx, [p[3], p[4], p[5], p[6]], given(cx, a[8], 0)?)?;
        let zone = zone_argument(cx, a[7])?;
        Ok(DateTime::make(ty, day, c, fold, zone))
    }

    fn __repr__(cx: &Ctx, this: This<'_, DateTime>) -> PyResult<String> {
        let ((y, mo, d), [h, m, s, us]) = this.fields();
        let mut out = format!("{}({y}, {mo}, {d}, {h}, {m}", shown_name(this.obj().type_of()));
        if s != 0 || us != 0 {
            out += &format!(", {s}");
        }
        if us != 0 {
            out += &format!(", {us}");
        }
        if this.fold.get() == 1 {
            out += ", fold=1";
        }
        if let Some(z) = this.zone() {
            out += &format!(", tzinfo={}", as_utf8_lossy(&z.repr(cx)?));
        }
        Ok(out + ")")
    }

    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        this.call_method(cx, intern!("isoformat"), &[Obj::from(" ")])
    }

    fn __hash__(cx: &Ctx, this: This<'_, DateTime>) -> PyResult<i64> {
        let offset = if this.fold.get() == 1 {
            // The offset is asked without the fold.
            let (d, c) = this.fields();
            let plain = DateTime::make(DateTime::class().type_object(), d, c, 0, this.zone());
            tz::ask(cx, this.zone().as_ref(), "utcoffset", &plain)?
        } else {
            this.offset(cx, this.obj())?
        };
        match offset {
            None => Ok(cinder_pyobj::types::str::hash_bytes(&this.state(false))),
            Some(us) => Delta::new(cx, this.total() - us)?.hash(cx),
        }
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, DateTime>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<DateTime>() else { return Ok(Obj::not_implemented()) };
        let plain = this.total().cmp(&o.total());
        let same = match (this.zone(), o.zone()) {
            (None, None) => true,
            (Some(a), Some(b)) => a.is(&b),
            _ => false,
        };
        if same {
            return Ok(Obj::from_bool(op.holds(plain)));
        }
        let equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
        let (a, b) = (this.offset(cx, this.obj())?, o.offset(cx, other)?);
        let order = match (a, b) {
            _ if a == b => plain,
            (Some(x), Some(y)) => (this.total() - x).cmp(&(o.total() - y)),
            _ if equality => return Ok(Obj::from_bool(op == CmpOp::Ne)),
            _ => return Err(cx.type_error("can't compare offset-naive and offset-aware datetimes")),
        };
        // Times whose offset depends on the fold equal nothing in other zones.
        if equality && order.is_eq() && (this.fold_matters(cx, a)? || o.fold_matters(cx, b)?) {
            return Ok(Obj::from_bool(op == CmpOp::Ne));
        }
        Ok(Obj::from_bool(op.holds(order)))
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        match (a.downcast::<DateTime>(), delta(b), delta(a), b.downcast::<DateTime>()) {
            (Some(t), Some(d), _, _) => shifted(cx, a, t, d.total()),
            (_, _, Some(d), Some(t)) => shifted(cx, b, t, d.total()),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some(t) = a.downcast::<DateTime>() else { return Ok(Obj::not_implemented()) };
        if let Some(d) = delta(b) {
            return shifted(cx, a, t, -d.total());
        }
        let Some(u) = b.downcast::<DateTime>() else { return Ok(Obj::not_implemented()) };
        let same = match (t.zone(), u.zone()) {
            (None, None) => true,
            (Some(x), Some(y)) => x.is(&y),
            _ => false,
        };
        let mut us = t.total() - u.total();
        if !same {
            match (t.offset(cx, a)?, u.offset(cx, b)?) {
                (Some(x), Some(y)) => us += y - x,
                (None, None) => {}
                _ => return Err(cx.type_error("can't subtract offset-naive and offset-aware datetimes")),
            }
        }
        Delta::new(cx, us)
    }

    /// The present in the zone tz, or local time without a zone if that is None.
    #[pyclassmethod(sig = "($type, tz=None)")]
    fn now(cx: &Ctx, ty: &Type, tz: Option<&Obj>) -> PyResult {
        let zone = zone_argument(cx, tz)?;
        at(cx, ty, system::now(), zone.as_ref())
    }

    /// The present in UTC, without a zone; now(timezone.utc) has one.
    #[pyclassmethod]
    fn utcnow(cx: &Ctx, ty: &Type) -> PyResult {
        (cx.host().warn)(
            cx,
            exc::DeprecationWarning(),
            "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use \
             timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC).",
            1,
        )?;
        let (s, us) = system::now();
        of_moment(cx, ty, s, us, true, None)
    }

    /// The time in the zone tz, or local time, at a point in time given in seconds since 1970.
    #[pyclassmethod(sig = "($type, timestamp, tz=None)")]
    fn fromtimestamp(cx: &Ctx, ty: &Type, timestamp: &Obj, tz: Option<&Obj>) -> PyResult {
        let zone = zone_argument(cx, tz)?;
        at(cx, ty, system::timestamp(cx, timestamp)?, zone.as_ref())
    }

    /// The time in UTC, without a zone, at a point in time given in seconds since 1970.
    #[pyclassmethod(sig = "($type, timestamp, /)")]
    fn utcfromtimestamp(cx: &Ctx, ty: &Type, timestamp: &Obj) -> PyResult {
        (cx.host().warn)(
            cx,
            exc::DeprecationWarning(),
            "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal in a future version. Use \
             timezone-aware objects to represent datetimes in UTC: datetime.datetime.fromtimestamp(timestamp, \
             datetime.UTC).",
            1,
        )?;
        let (s, us) = system::timestamp(cx, timestamp)?;
        of_moment(cx, ty, s, us, true, None)
    }

    /// The date and time that a text shows in a format of time.strptime().
    #[pyclassmethod(sig = "($type, string, format, /)")]
    fn strptime(cx: &Ctx, ty: &Type, string: &Obj, format: &Obj) -> PyResult {
        clock::parse(cx, ty, string, format, "_strptime_datetime_datetime")
    }

    /// A date and a time put together; the zone is that of the time unless another is given.
    #[pyclassmethod(sig = "($type, date, time, tzinfo=<unrepresentable>)")]
    fn combine(cx: &Ctx, ty: &Type, date: &Obj, time: &Obj, tzinfo: Option<&Obj>) -> PyResult {
        expect::<Date>(cx, date, 1, "date")?;
        expect::<Time>(cx, time, 2, "time")?;
        let (Some(d), Some(t)) = (date.downcast::<Date>(), time.downcast::<Time>()) else {
            return Ok(Obj::none());
        };
        let zone = match tzinfo {
            Some(z) => zone_argument(cx, Some(z))?,
            None => t.zone.clone(),
        };
        DateTime::build(cx, ty, d.parts(), t.parts, t.fold.get(), zone)
    }

    /// The date and time that a text shows in any of the common forms of ISO 8601.
    #[pyclassmethod(sig = "($type, object, /)")]
    fn fromisoformat(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        let b = iso_bytes(cx, object)?;
        let end = if b.len() < 7 { None } else { iso::date_end(&b) };
        let Some(end) = end.filter(|e| *e <= b.len()) else { return Err(bad_iso(cx, object)) };
        let Some((y, m, d)) = iso::date(&b[..end]) else { return Err(bad_iso(cx, object)) };
        let mut clock = iso::Clock::default();
        if end < b.len() {
            clock = iso::clock(&b[end + 1..]).map_err(|e| not_iso(cx, object, e))?;
        }
        check_date(cx, y, m, d)?;
        let (mut y, mut m, mut d) = (y, m, d);
        if clock.parts[0] == 24 {
            clock.parts[0] = 0;
            d += 1;
            let last = i64::from(calendar::days_in_month(y as i32, m as i32));
            if d > last {
                (m, d) = (m + 1, 1);
                if m > 12 {
                    (y, m) = (y + 1, 1);
                }
            }
        }
        let zone = match clock.offset {
            Some(us) => Some(TimeZone::of(cx, us)?),
            None => None,
        };
        let day = check_date(cx, y, m, d)?;
        let (c, _) = check_time(cx, clock.parts, 0)?;
        DateTime::build(cx, ty, day, c, 0, zone)
    }

    /// The day alone.
    #[pymethod(name = "date")]
    fn py_date(_cx: &Ctx, this: This<'_, DateTime>) -> Obj {
        Date::make(Date::class().type_object(), this.fields().0)
    }

    /// The time of day alone, without a zone.
    #[pymethod]
    fn time(_cx: &Ctx, this: This<'_, DateTime>) -> Obj {
        Time::make(Time::class().type_object(), this.fields().1, this.fold.get(), None)
    }

    /// The time of day with its zone.
    #[pymethod]
    fn timetz(_cx: &Ctx, this: This<'_, DateTime>) -> Obj {
        Time::make(Time::class().type_object(), this.fields().1, this.fold.get(), this.zone())
    }

    /// A text like 'Mon Jan  5 09:00:00 2026', as the C function of that name makes.
    #[pymethod]
    fn ctime(_cx: &Ctx, this: This<'_, DateTime>) -> String {
        format::ctime(this.fields().0, this.hms())
    }

    /// The fields as a time.struct_time of local time.
    #[pymethod]
    fn timetuple(cx: &Ctx, this: This<'_, DateTime>) -> PyResult {
        let dst = match tz::ask(cx, this.zone().as_ref(), "dst", this.obj())? {
            None => -1,
            Some(us) => i32::from(us != 0),
        };
        format::time_tuple(cx, this.fields().0, this.hms(), dst)
    }

    /// The fields as a time.struct_time of UTC.
    #[pymethod]
    fn utctimetuple(cx: &Ctx, this: This<'_, DateTime>) -> PyResult {
        let us = this.offset(cx, this.obj())?.unwrap_or(0);
        let (d, c) = split(cx, this.total() - us)?;
        format::time_tuple(cx, d, [c[0], c[1], c[2]], 0)
    }

    /// The point in time in seconds since 1970, as a float; without a zone it counts as local time.
    #[pymethod]
    fn timestamp(cx: &Ctx, this: This<'_, DateTime>) -> PyResult<f64> {
        let (d, c) = this.fields();
        if this.zone().is_some() {
            const EPOCH: i128 = 719_163 * DAY_US;
            let us = this.offset(cx, this.obj())?.unwrap_or(0);
            let total = this.total() - us - EPOCH;
            return cinder_pyobj::types::int::true_div(
                cx,
                &cinder_pyobj::types::int::from_i128(total),
                &Obj::from(1_000_000),
            );
        }
        let s = system::local_seconds(cx, d, this.hms(), this.fold.get())?;
        Ok(s as f64 + f64::from(c[3]) / 1e6)
    }

    /// The date and time as YYYY-MM-DDTHH:MM:SS.ffffff and the offset from UTC, as far as it has these.
    ///
    /// sep replaces the T; timespec names the last part to write, such as 'minutes'.
    #[pymethod(sig = "($self, sep='T', timespec='auto')")]
    fn isoformat(cx: &Ctx, this: This<'_, DateTime>, sep: Option<&Obj>, timespec: Option<&str>) -> PyResult {
        let sep = match sep {
            None => 'T' as u32,
            Some(o) => match o.downcast::<Str>() {
                Some(s) if s.len() == 1 => s.get(0).unwrap_or(0),
                Some(s) => {
                    return Err(cx.type_error(format!(
                        "isoformat() argument 1 must be a unicode character, not a string of length {}",
                        s.len()
                    )));
                }
                None => {
                    return Err(cx.type_error(format!(
                        "isoformat() argument 1 must be a unicode character, not {}",
                        o.type_of().name()
                    )));
                }
            },
        };
        let mut out = StrBuilder::new();
        out.push_str(&this.date.iso());
        out.push(sep);
        out.push_str(&clock_text(cx, this.clock, timespec)?);
        if let Some(us) = this.offset(cx, this.obj())? {
            out.push_str(&tz::offset_text(us, ":"));
        }
        Ok(out.finish())
    }

    /// Format using strftime().
    #[pymethod(sig = "($self, format)")]
    fn strftime(cx: &Ctx, this: This<'_, DateTime>, format: &Obj) -> PyResult {
        let tuple = this.obj().call_method(cx, intern!("timetuple"), &[])?;
        let (date, clock) = this.fields();
        let s = Source { zone: this.zone(), zone_arg: this.obj().clone(), date, us: clock[3], tuple };
        format::strftime(cx, &s, format)
    }

    /// What strftime() gives for a format; the text of str() for ''.
    #[pymethod(name = "__format__", sig = "($self, format, /)")]
    fn dunder_format(cx: &Ctx, this: &Obj, format: &Obj) -> PyResult {
        formatted(cx, this, format)
    }

    /// The offset from UTC that the zone gives, or None.
    #[pymethod]
    fn utcoffset(cx: &Ctx, this: This<'_, DateTime>) -> PyResult {
        tz::ask_object(cx, this.zone().as_ref(), "utcoffset", this.obj())
    }

    /// The name that the zone gives, or None.
    #[pymethod]
    fn tzname(cx: &Ctx, this: This<'_, DateTime>) -> PyResult {
        tz::name(cx, this.zone().as_ref(), this.obj())
    }

    /// The summer time that the zone gives, or None.
    #[pymethod]
    fn dst(cx: &Ctx, this: This<'_, DateTime>) -> PyResult {
        tz::ask_object(cx, this.zone().as_ref(), "dst", this.obj())
    }

    /// A date and time that differ in the given fields.
    #[pymethod(
        sig = "($self, /, year=<unrepresentable>, month=<unrepresentable>, day=<unrepresentable>, hour=<unrepresentable>, minute=<unrepresentable>, second=<unrepresentable>, microsecond=<unrepresentable>, tzinfo=<unrepresentable>, *, fold=<unrepresentable>)"
    )]
    fn replace(
        cx: &Ctx,
        this: This<'_, DateTime>,
        year: Option<&Obj>,
        month: Option<&Obj>,
        day: Option<&Obj>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        replaced(cx, this, [year, month, day, hour, minute, second, microsecond, tzinfo, fold])
    }

    /// What copy.replace() calls; see replace().
    #[pymethod(
        name = "__replace__",
        sig = "($self, /, year=<unrepresentable>, month=<unrepresentable>, day=<unrepresentable>, hour=<unrepresentable>, minute=<unrepresentable>, second=<unrepresentable>, microsecond=<unrepresentable>, tzinfo=<unrepresentable>, *, fold=<unrepresentable>)"
    )]
    fn dunder_replace(
        cx: &Ctx,
        this: This<'_, DateTime>,
        year: Option<&Obj>,
        month: Option<&Obj>,
        day: Option<&Obj>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        replaced(cx, this, [year, month, day, hour, minute, second, microsecond, tzinfo, fold])
    }

    /// The same point in time in the zone tz, or in the local zone.
    #[pymethod(sig = "($self, tz=None)")]
    fn astimezone(cx: &Ctx, this: This<'_, DateTime>, tz: Option<&Obj>) -> PyResult {
        let target = zone_argument(cx, tz)?;
        if let (Some(own), Some(t)) = (this.zone(), &target)
            && own.is(t)
        {
            return Ok(this.obj().clone());
        }
        let (d, _) = this.fields();
        let naive = |cx: &Ctx| -> PyResult<i128> {
            let fold = this.fold.get();
            let s = system::local_seconds(cx, d, this.hms(), fold)?;
            let other = system::local_seconds(cx, d, this.hms(), 1 - fold)?;
            // Within a gap, the offset is that of the other side.
            let in_gap = other != s && (other > s) == (fold == 1);
            let s = if in_gap { other } else { s };
            Ok(i128::from(system::broken(cx, s, false)?.offset) * 1_000_000)
        };
        let offset = match this.zone() {
            None => naive(cx)?,
            Some(_) => match this.offset(cx, this.obj())? {
                Some(us) => us,
                None => naive(cx)?,
            },
        };
        let (day, c) = split(cx, this.total() - offset)?;
        let target = match target {
            Some(t) => t,
            None => local_zone(cx, system::utc_seconds(day, [c[0], c[1], c[2]]))?,
        };
        let ty = DateTime::class().type_object();
        let utc = DateTime::make(ty, day, c, 0, Some(target.clone()));
        target.call_method(cx, intern!("fromutc"), &[utc])
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, DateTime>) -> Obj {
        reduced(this.obj(), &this.state(false), this.zone().as_ref())
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce_ex__", sig = "($self, proto, /)")]
    fn reduce_ex(_cx: &Ctx, this: This<'_, DateTime>, proto: i64) -> Obj {
        reduced(this.obj(), &this.state(proto > 3), this.zone().as_ref())
    }

    #[pygetter]
    fn hour(&self) -> i64 {
        i64::from(self.clock[0])
    }

    #[pygetter]
    fn minute(&self) -> i64 {
        i64::from(self.clock[1])
    }

    #[pygetter]
    fn second(&self) -> i64 {
        i64::from(self.clock[2])
    }

    #[pygetter]
    fn microsecond(&self) -> i64 {
        i64::from(self.clock[3])
    }

    #[pygetter]
    fn tzinfo(_cx: &Ctx, this: This<'_, DateTime>) -> Option<Obj> {
        this.zone()
    }

    #[pygetter(name = "fold")]
    fn py_fold(&self) -> i64 {
        i64::from(self.fold.get())
    }
}
