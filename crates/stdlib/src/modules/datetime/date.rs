//! `date`, and what `isocalendar` returns.

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{CmpOp, Type, bytes, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::calendar::{self, BadIso};
use super::delta::{Delta, delta};
use super::format::{self, Source};
use super::stamp::DateTime;
use super::{bad_iso, check_date, field, iso, iso_bytes, out_of_range, pickle_state, shown_name, system};

/// A day of the Gregorian calendar, also before its introduction.
#[pyclass(name = "date", module = "datetime", flags(basetype))]
#[repr(C)]
pub struct Date {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Traverse for Date {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Date {
    pub(super) fn of(d: (i32, i32, i32)) -> Date {
        Date { year: d.0, month: d.1 as u8, day: d.2 as u8 }
    }

    pub(super) fn parts(&self) -> (i32, i32, i32) {
        (self.year, i32::from(self.month), i32::from(self.day))
    }

    pub(super) fn ordinal(&self) -> i64 {
        let (y, m, d) = self.parts();
        calendar::to_ordinal(y, m, d)
    }

    pub(super) fn make(ty: &Type, d: (i32, i32, i32)) -> Obj {
        new_instance(ty, Date::of(d))
    }

    /// A date of a class; subclasses are called.
    pub(super) fn build(cx: &Ctx, ty: &Type, d: (i32, i32, i32)) -> PyResult {
        if ty.is(Date::class().type_object()) {
            return Ok(Date::make(ty, d));
        }
        ty.as_obj().call_pos(cx, &[d.0, d.1, d.2].map(|n| Obj::from(i64::from(n))))
    }

    pub(super) fn state(&self) -> [u8; 4] {
        [(self.year >> 8) as u8, self.year as u8, self.month, self.day]
    }

    pub(super) fn iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A date that is no datetime.
fn plain(o: &Obj) -> Option<&Date> {
    if o.downcast::<DateTime>().is_some() { None } else { o.downcast::<Date>() }
}

/// A day of a class by its number.
pub(super) fn from_days(cx: &Ctx, n: i64) -> PyResult<(i32, i32, i32)> {
    if !(1..=calendar::MAX_ORDINAL).contains(&n) {
        return Err(cx.overflow_error("date value out of range"));
    }
    Ok(calendar::from_ordinal(n))
}

fn moved(cx: &Ctx, o: &Obj, d: &Date, days: i64) -> PyResult {
    Date::build(cx, o.type_of(), from_days(cx, d.ordinal() + days)?)
}

/// The arguments of a `replace`: each one given, or the old value.
pub(super) fn given(cx: &Ctx, o: Option<&Obj>, old: i64) -> PyResult<i64> {
    o.map_or(Ok(old), |o| field(cx, o))
}

fn replaced(cx: &Ctx, this: This<'_, Date>, y: Option<&Obj>, m: Option<&Obj>, d: Option<&Obj>) -> PyResult {
    let (oy, om, od) = this.parts();
    let parts = (given(cx, y, oy.into())?, given(cx, m, om.into())?, given(cx, d, od.into())?);
    let ty = this.obj().type_of();
    if ty.is(Date::class().type_object()) {
        return Ok(Date::make(ty, check_date(cx, parts.0, parts.1, parts.2)?));
    }
    ty.as_obj().call_pos(cx, &[parts.0, parts.1, parts.2].map(Obj::from))
}

/// A class method of datetime and date that is given a moment.
fn of_timestamp(cx: &Ctx, ty: &Type, seconds: i64) -> PyResult {
    let b = system::broken(cx, seconds, false)?;
    let (y, m, d) = b.date;
    if ty.is(Date::class().type_object()) {
        return Ok(Date::make(ty, check_date(cx, y, m, d)?));
    }
    ty.as_obj().call_pos(cx, &[y, m, d].map(Obj::from))
}

#[pymethods]
impl Date {
    #[pynew]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if let [state] = args.pos()
            && !args.has_keywords()
            && let Some(b) = pickle_state(cx, state, 4, "date")?
            && (1..=12).contains(&b[2])
        {
            let year = i32::from(b[0]) << 8 | i32::from(b[1]);
            return Ok(Date::make(ty, (year, i32::from(b[2]), i32::from(b[3]))));
        }
        let mut v: [Option<&Obj>; 3] = [None; 3];
        const NAMES: [&str; 3] = ["year", "month", "day"];
        if args.pos().len() > 3 {
            return Err(cx.type_error(format!("function takes at most 3 arguments ({} given)", args.all().len())));
        }
        v.iter_mut().zip(args.pos()).for_each(|(s, o)| *s = Some(o));
        for (k, o) in args.keywords() {
            let k = as_utf8_lossy(k);
            match NAMES.iter().position(|n| *n == k) {
                Some(i) if v[i].is_none() => v[i] = Some(o),
                Some(i) => {
                    return Err(
                        cx.type_error(format!("argument for function given by name ('{k}') and position ({})", i + 1))
                    );
                }
                None => return Err(cx.type_error(format!("this function got an unexpected keyword argument '{k}'"))),
            }
        }
        let mut n = [0; 3];
        for (i, o) in v.into_iter().enumerate() {
            match o {
                Some(o) => n[i] = field(cx, o)?,
                None => {
                    return Err(cx.type_error(format!(
                        "function missing required argument '{}' (pos {})",
                        NAMES[i],
                        i + 1
                    )));
                }
            }
        }
        Ok(Date::make(ty, check_date(cx, n[0], n[1], n[2])?))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Date>) -> String {
        format!("{}({}, {}, {})", shown_name(this.obj().type_of()), this.year, this.month, this.day)
    }

    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        this.call_method(cx, intern!("isoformat"), &[])
    }

    fn __hash__(_cx: &Ctx, this: This<'_, Date>) -> PyResult<i64> {
        Ok(cinder_pyobj::types::str::hash_bytes(&this.state()))
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Date>, other: &Obj, op: CmpOp) -> PyResult {
        match (plain(this.obj()), plain(other)) {
            (Some(a), Some(b)) => Ok(Obj::from_bool(op.holds(a.parts().cmp(&b.parts())))),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        match (a.downcast::<Date>(), delta(b), delta(a), b.downcast::<Date>()) {
            (Some(d), Some(t), _, _) => moved(cx, a, d, t.days.into()),
            (_, _, Some(t), Some(d)) => moved(cx, b, d, t.days.into()),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some(d) = a.downcast::<Date>() else { return Ok(Obj::not_implemented()) };
        if let Some(e) = b.downcast::<Date>() {
            return Delta::new(cx, i128::from(d.ordinal() - e.ordinal()) * super::delta::DAY_US);
        }
        match delta(b) {
            Some(t) => moved(cx, a, d, -i64::from(t.days)),
            None => Ok(Obj::not_implemented()),
        }
    }

    /// The local day at a point in time, given in seconds since 1970.
    #[pyclassmethod(sig = "($type, timestamp, /)")]
    fn fromtimestamp(cx: &Ctx, ty: &Type, timestamp: &Obj) -> PyResult {
        let seconds = match cinder_pyobj::types::float::as_f64(timestamp) {
            Some(f) if f.is_nan() => return Err(cx.value_error("Invalid value NaN (not a number)")),
            Some(f) if !(-9.3e18..9.2e18).contains(&f) => {
                return Err(cx.overflow_error("timestamp out of range for platform time_t"));
            }
            Some(f) => f.floor() as i64,
            None => system::timestamp(cx, timestamp)?.0,
        };
        of_timestamp(cx, ty, seconds)
    }

    /// The local day now; a subclass gets what its fromtimestamp() makes of the present time.
    #[pyclassmethod]
    fn today(cx: &Ctx, ty: &Type) -> PyResult {
        if ty.is(Date::class().type_object()) {
            return of_timestamp(cx, ty, system::now().0);
        }
        let now = (cx.host().import)(cx, "time")?.call_method(cx, intern!("time"), &[])?;
        ty.as_obj().call_method(cx, intern!("fromtimestamp"), &[now])
    }

    /// The day with that number, where 1 is the first of January in year 1.
    #[pyclassmethod(sig = "($type, ordinal, /)")]
    fn fromordinal(cx: &Ctx, ty: &Type, ordinal: &Obj) -> PyResult {
        let n = field(cx, ordinal)?;
        if n < 1 {
            return Err(cx.value_error("ordinal must be >= 1"));
        }
        if n > calendar::MAX_ORDINAL {
            return Err(out_of_range(cx, "year", "1..9999", calendar::from_ordinal(n).0.into()));
        }
        Date::build(cx, ty, calendar::from_ordinal(n))
    }

    /// The day that a text shows in any of the common forms of ISO 8601.
    #[pyclassmethod(sig = "($type, object, /)")]
    fn fromisoformat(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        let b = iso_bytes(cx, object)?;
        let Some((y, m, d)) = Some(&b).filter(|b| matches!(b.len(), 7 | 8 | 10)).and_then(|b| iso::date(b)) else {
            return Err(bad_iso(cx, object));
        };
        Date::build(cx, ty, check_date(cx, y, m, d)?)
    }

    /// The day of a week in a year of the ISO calendar, as isocalendar() gives them.
    #[pyclassmethod(sig = "($type, year, week, day)")]
    fn fromisocalendar(cx: &Ctx, ty: &Type, year: &Obj, week: &Obj, day: &Obj) -> PyResult {
        let part = |o: &Obj, what: &str| -> PyResult<i64> {
            let n = o.index(cx)?;
            match cinder_pyobj::types::int::as_i64(&n).filter(|n| i32::try_from(*n).is_ok()) {
                Some(n) => Ok(n),
                None => Err(cx.value_error(format!("ISO calendar component out of range ({what})"))),
            }
        };
        let (y, w, d) = (part(year, "year")?, part(week, "week")?, part(day, "day")?);
        match calendar::from_iso(y, w, d) {
            Ok(n) if (1..=calendar::MAX_ORDINAL).contains(&n) => Date::build(cx, ty, calendar::from_ordinal(n)),
            Ok(n) => Err(out_of_range(cx, "year", "1..9999", if n < 1 { 0 } else { 10_000 })),
            Err(BadIso::Year) => Err(out_of_range(cx, "year", "1..9999", y)),
            Err(BadIso::Week) => Err(cx.value_error(format!("Invalid week: {w}"))),
            Err(BadIso::Day) => Err(cx.value_error(format!("Invalid weekday: {d} (range is [1, 7])"))),
        }
    }

    /// The day that a text shows in a format of time.strptime().
    #[pyclassmethod(sig = "($type, string, format, /)")]
    fn strptime(cx: &Ctx, ty: &Type, string: &Obj, format: &Obj) -> PyResult {
        super::clock::parse(cx, ty, string, format, "_strptime_datetime_date")
    }

    /// A text like 'Mon Jan  5 09:00:00 2026', as the C function of that name makes.
    #[pymethod]
    fn ctime(_cx: &Ctx, this: This<'_, Date>) -> String {
        format::ctime(this.parts(), [0; 3])
    }

    /// Format using strftime().
    #[pymethod(sig = "($self, format)")]
    fn strftime(cx: &Ctx, this: This<'_, Date>, format: &Obj) -> PyResult {
        let tuple = this.obj().call_method(cx, intern!("timetuple"), &[])?;
        let s = Source { zone: None, zone_arg: Obj::none(), date: this.parts(), us: 0, tuple };
        format::strftime(cx, &s, format)
    }

    /// What strftime() gives for a format; the text of str() for ''.
    #[pymethod(name = "__format__", sig = "($self, format, /)")]
    fn dunder_format(cx: &Ctx, this: &Obj, format: &Obj) -> PyResult {
        formatted(cx, this, format)
    }

    /// The fields as a time.struct_time of local time.
    #[pymethod]
    fn timetuple(cx: &Ctx, this: This<'_, Date>) -> PyResult {
        format::time_tuple(cx, this.parts(), [0; 3], -1)
    }

    /// Year, week and weekday of the ISO calendar, whose weeks begin on Monday and belong to the year of their
    /// Thursday.
    #[pymethod]
    fn isocalendar(_cx: &Ctx, this: This<'_, Date>) -> Obj {
        let (y, m, d) = this.parts();
        let (y, w, d) = calendar::to_iso(y, m, d);
        let parts = [y, w, d].map(|n| Obj::from(i64::from(n)));
        tuple::new_of(IsoCalendarDate::type_object(), parts.to_vec())
    }

    /// The day as YYYY-MM-DD.
    #[pymethod]
    fn isoformat(_cx: &Ctx, this: This<'_, Date>) -> String {
        this.iso()
    }

    /// The day of the week from 1 for Monday to 7 for Sunday.
    #[pymethod]
    fn isoweekday(&self) -> i64 {
        let (y, m, d) = self.parts();
        i64::from(calendar::weekday(y, m, d)) + 1
    }

    /// The number of the day, where 1 is the first of January in year 1.
    #[pymethod]
    fn toordinal(&self) -> i64 {
        self.ordinal()
    }

    /// The day of the week from 0 for Monday to 6 for Sunday.
    #[pymethod]
    fn weekday(&self) -> i64 {
        let (y, m, d) = self.parts();
        i64::from(calendar::weekday(y, m, d))
    }

    /// A day that differs in the given fields.
    #[pymethod(sig = "($self, /, year=<unrepresentable>, month=<unrepresentable>, day=<unrepresentable>)")]
    fn replace(cx: &Ctx, this: This<'_, Date>, year: Option<&Obj>, month: Option<&Obj>, day: Option<&Obj>) -> PyResult {
        replaced(cx, this, year, month, day)
    }

    /// What copy.replace() calls; see replace().
    #[pymethod(
        name = "__replace__",
        sig = "($self, /, year=<unrepresentable>, month=<unrepresentable>, day=<unrepresentable>)"
    )]
    fn dunder_replace(
        cx: &Ctx,
        this: This<'_, Date>,
        year: Option<&Obj>,
        month: Option<&Obj>,
        day: Option<&Obj>,
    ) -> PyResult {
        replaced(cx, this, year, month, day)
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Date>) -> Obj {
        tuple::pair(this.obj().type_of().as_obj(), tuple::new(vec![bytes::new(&this.state())]))
    }

    #[pygetter(name = "year")]
    fn py_year(&self) -> i64 {
        i64::from(self.year)
    }

    #[pygetter(name = "month")]
    fn py_month(&self) -> i64 {
        i64::from(self.month)
    }

    #[pygetter(name = "day")]
    fn py_day(&self) -> i64 {
        i64::from(self.day)
    }
}

/// `format(x, spec)`: `str(x)` for an empty specification.
pub(super) fn formatted(cx: &Ctx, this: &Obj, format: &Obj) -> PyResult {
    let Some(f) = format.downcast::<Str>() else {
        return Err(cx.type_error(format!("__format__() argument 1 must be str, not {}", format.type_of().name())));
    };
    if f.is_empty() {
        return this.str(cx);
    }
    this.call_method(cx, intern!("strftime"), std::slice::from_ref(format))
}

/// The result of date.isocalendar() or datetime.isocalendar()
///
/// This object may be accessed either as a tuple of ((year, week, weekday)) or via the object attributes.
#[pyclass(name = "IsoCalendarDate", module = "datetime", base = cinder_pyobj::types::tuple::Tuple, payload = "inherit")]
pub struct IsoCalendarDate;

fn item(o: &Obj, i: usize) -> Obj {
    tuple::items_if_tuple(o).and_then(|t| t.get(i).cloned()).unwrap_or_else(Obj::none)
}

#[pymethods]
impl IsoCalendarDate {
    fn __repr__(_cx: &Ctx, this: &Obj) -> String {
        let n = [0, 1, 2].map(|i| item(this, i).as_int().unwrap_or(0));
        format!("datetime.IsoCalendarDate(year={}, week={}, weekday={})", n[0], n[1], n[2])
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: &Obj) -> Obj {
        let plain = tuple::new([0, 1, 2].map(|i| item(this, i)).to_vec());
        tuple::pair(cinder_pyobj::types::tuple::Tuple::type_object().as_obj(), tuple::new(vec![plain]))
    }

    #[pygetter]
    fn year(_cx: &Ctx, this: &Obj) -> Obj {
        item(this, 0)
    }

    #[pygetter]
    fn week(_cx: &Ctx, this: &Obj) -> Obj {
        item(this, 1)
    }

    #[pygetter]
    fn weekday(_cx: &Ctx, this: &Obj) -> Obj {
        item(this, 2)
    }
}
