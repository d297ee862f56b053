//! `tzinfo` and `timezone`, and how time zones are asked.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{CmpOp, Type, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::delta::{DAY_US, Delta, delta};
use super::stamp::{self, DateTime};

/// The base of time zones; subclasses have to provide all methods.
#[pyclass(name = "tzinfo", module = "datetime", flags(basetype))]
#[derive(Traverse)]
pub struct TzInfo {}

/// A `tzinfo` argument: None or an instance.
pub(super) fn check(cx: &Ctx, o: &Obj) -> PyResult<()> {
    if o.is_none() || o.type_of().is_subtype(TzInfo::class().type_object()) {
        return Ok(());
    }
    Err(cx
        .type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{}'", o.type_of().name())))
}

/// What a time zone's `utcoffset` or `dst` gives, in microseconds.
pub(super) fn ask(cx: &Ctx, zone: Option<&Obj>, method: &'static str, arg: &Obj) -> PyResult<Option<i128>> {
    let Some(z) = zone else { return Ok(None) };
    if let Some(fixed) = z.downcast::<TimeZone>().filter(|_| z.type_of().is(TimeZone::class().type_object())) {
        return Ok(if method == "utcoffset" { delta(&fixed.offset).map(Delta::total) } else { None });
    }
    let r = z.call_method(cx, cinder_pyobj::types::str::Name::new(method), std::slice::from_ref(arg))?;
    if r.is_none() {
        return Ok(None);
    }
    let Some(d) = delta(&r) else {
        return Err(
            cx.type_error(format!("tzinfo.{method}() must return None or a timedelta, not '{}'", r.type_of().name()))
        );
    };
    let us = d.total();
    if us <= -DAY_US || us >= DAY_US {
        return Err(
            cx.value_error("offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24).")
        );
    }
    Ok(Some(us))
}

/// As [`ask`], as Python shows it.
pub(super) fn ask_object(cx: &Ctx, zone: Option<&Obj>, method: &'static str, arg: &Obj) -> PyResult {
    match ask(cx, zone, method, arg)? {
        Some(us) => Delta::new(cx, us),
        None => Ok(Obj::none()),
    }
}

/// What a time zone's `tzname` gives.
pub(super) fn name(cx: &Ctx, zone: Option<&Obj>, arg: &Obj) -> PyResult {
    let Some(z) = zone else { return Ok(Obj::none()) };
    let r = z.call_method(cx, intern!("tzname"), std::slice::from_ref(arg))?;
    if r.is_none() || r.downcast::<Str>().is_some() {
        return Ok(r);
    }
    Err(cx.type_error(format!("tzinfo.tzname() must return None or a string, not '{}'", r.type_of().name())))
}

/// `+05:30` with seconds and microseconds where there are any.
pub(super) fn offset_text(us: i128, separator: &str) -> String {
    let sign = if us < 0 { '-' } else { '+' };
    let us = us.unsigned_abs();
    let (s, us) = (us / 1_000_000, us % 1_000_000);
    let mut out = format!("{sign}{:02}{separator}{:02}", s / 3600, s / 60 % 60);
    if s % 60 != 0 || us != 0 {
        out += &format!("{separator}{:02}", s % 60);
    }
    if us != 0 {
        out += &format!(".{us:06}");
    }
    out
}

#[pymethods]
impl TzInfo {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, TzInfo {}))
    }

    /// The name of the zone at a date and time.
    #[pymethod(sig = "($self, object, /)")]
    fn tzname(cx: &Ctx, this: &Obj, object: &Obj) -> PyResult {
        let _ = (this, object);
        Err(cx.not_implemented("a tzinfo subclass must implement tzname()"))
    }

    /// How far the zone is ahead of UTC at a date and time; negative in the west.
    #[pymethod(sig = "($self, object, /)")]
    fn utcoffset(cx: &Ctx, this: &Obj, object: &Obj) -> PyResult {
        let _ = (this, object);
        Err(cx.not_implemented("a tzinfo subclass must implement utcoffset()"))
    }

    /// How much of the offset is summer time at a date and time.
    #[pymethod(sig = "($self, object, /)")]
    fn dst(cx: &Ctx, this: &Obj, object: &Obj) -> PyResult {
        let _ = (this, object);
        Err(cx.not_implemented("a tzinfo subclass must implement dst()"))
    }

    /// The local time for a date and time in UTC, whose zone is this one.
    #[pymethod(sig = "($self, object, /)")]
    fn fromutc(cx: &Ctx, this: &Obj, object: &Obj) -> PyResult {
        let Some(dt) = object.downcast::<DateTime>() else {
            return Err(cx.type_error("fromutc: argument must be a datetime"));
        };
        if !dt.zone().is_some_and(|z| z.is(this)) {
            return Err(cx.value_error("fromutc: dt.tzinfo is not self"));
        }
        let Some(offset) = ask(cx, Some(this), "utcoffset", object)? else {
            return Err(cx.value_error("fromutc: non-None utcoffset() result required"));
        };
        let Some(dst) = ask(cx, Some(this), "dst", object)? else {
            return Err(cx.value_error("fromutc: non-None dst() result required"));
        };
        let moved = stamp::shifted(cx, object, dt, offset - dst)?;
        let Some(dst) = ask(cx, Some(this), "dst", &moved)? else {
            return Err(cx.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"));
        };
        match moved.downcast::<DateTime>() {
            Some(m) if dst != 0 => stamp::shifted(cx, &moved, m, dst),
            _ => Ok(moved),
        }
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: &Obj) -> PyResult {
        let args = match this.get_attr_opt(cx, intern!("__getinitargs__"))? {
            Some(m) => m.call0(cx)?,
            None => tuple::empty(),
        };
        let state = this.call_method(cx, intern!("__getstate__"), &[])?;
        Ok(tuple::new(vec![this.type_of().as_obj(), args, state]))
    }
}

/// A zone with the same offset from UTC at all times.
#[pyclass(name = "timezone", module = "datetime", base = TzInfo)]
#[derive(Traverse)]
pub struct TimeZone {
    pub(super) offset: Obj,
    name: Option<Obj>,
}

/// UTC, as made by the module.
pub(super) fn utc(cx: &Ctx) -> PyResult {
    TimeZone::class().type_object().as_obj().get_attr(cx, intern!("utc"))
}

impl TimeZone {
    pub(super) fn make(offset: Obj, name: Option<Obj>) -> Obj {
        new_instance(TimeZone::class().type_object(), TimeZone { offset, name })
    }

    /// The zone of an offset; UTC itself for none.
    pub(super) fn of(cx: &Ctx, us: i128) -> PyResult {
        if us == 0 {
            return utc(cx);
        }
        let offset = Delta::new(cx, us)?;
        check_offset(cx, &offset)?;
        Ok(TimeZone::make(offset, None))
    }

    fn text(&self, cx: &Ctx) -> PyResult {
        if let Some(n) = &self.name {
            return Ok(n.clone());
        }
        let _ = cx;
        let us = delta(&self.offset).map_or(0, Delta::total);
        Ok(Obj::from(if us == 0 { "UTC".to_owned() } else { format!("UTC{}", offset_text(us, ":")) }.as_str()))
    }
}

fn check_offset(cx: &Ctx, offset: &Obj) -> PyResult<()> {
    let us = delta(offset).map_or(0, Delta::total);
    if us > -DAY_US && us < DAY_US {
        return Ok(());
    }
    Err(cx.value_error(format!(
        "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {}",
        as_utf8_lossy(&offset.repr(cx)?)
    )))
}

fn check_instance(cx: &Ctx, o: &Obj, function: &str) -> PyResult<()> {
    if o.is_none() || o.downcast::<DateTime>().is_some() {
        return Ok(());
    }
    Err(cx
        .type_error(format!("{function}(dt) argument must be a datetime instance or None, not {}", o.type_of().name())))
}

#[pymethods]
impl TimeZone {
    #[pynew(sig = "(offset, name=<unrepresentable>)")]
    fn __new__(cx: &Ctx, _ty: &Type, offset: &Obj, name: Option<&Obj>) -> PyResult {
        let Some(d) = delta(offset) else {
            return Err(cx.type_error(format!(
                "timezone() argument 1 must be datetime.timedelta, not {}",
                offset.type_of().name()
            )));
        };
        if let Some(n) = name
            && n.downcast::<Str>().is_none()
        {
            return Err(cx.type_error(format!("timezone() argument 2 must be str, not {}", n.type_of().name())));
        }
        if name.is_none() && d.total() == 0 {
            return utc(cx);
        }
        check_offset(cx, offset)?;
        Ok(TimeZone::make(offset.clone(), name.cloned()))
    }

    fn __repr__(cx: &Ctx, this: This<'_, TimeZone>) -> PyResult<String> {
        if utc(cx)?.is(this.obj()) {
            return Ok("datetime.timezone.utc".to_owned());
        }
        let offset = this.offset.repr(cx)?;
        let mut out = format!("{}({}", super::shown_name(this.obj().type_of()), as_utf8_lossy(&offset));
        if let Some(n) = &this.payload().name {
            out += &format!(", {}", as_utf8_lossy(&n.repr(cx)?));
        }
        Ok(out + ")")
    }

    fn __str__(cx: &Ctx, this: This<'_, TimeZone>) -> PyResult {
        this.text(cx)
    }

    fn __hash__(cx: &Ctx, this: This<'_, TimeZone>) -> PyResult<i64> {
        this.offset.hash(cx)
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, TimeZone>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<TimeZone>() else { return Ok(Obj::not_implemented()) };
        let same = delta(&this.offset).map(Delta::total) == delta(&o.offset).map(Delta::total);
        Ok(match op {
            CmpOp::Eq => Obj::from_bool(same),
            CmpOp::Ne => Obj::from_bool(!same),
            _ => Obj::not_implemented(),
        })
    }

    /// The name given at creation, or else one like UTC+02:00.
    #[pymethod(sig = "($self, object, /)")]
    fn tzname(cx: &Ctx, this: This<'_, TimeZone>, object: &Obj) -> PyResult {
        check_instance(cx, object, "tzname")?;
        this.text(cx)
    }

    /// Return fixed offset.
    #[pymethod(sig = "($self, object, /)")]
    fn utcoffset(cx: &Ctx, this: This<'_, TimeZone>, object: &Obj) -> PyResult {
        check_instance(cx, object, "utcoffset")?;
        Ok(this.offset.clone())
    }

    /// Return None.
    #[pymethod(sig = "($self, object, /)")]
    fn dst(cx: &Ctx, this: This<'_, TimeZone>, object: &Obj) -> PyResult {
        let _ = this;
        check_instance(cx, object, "dst")?;
        Ok(Obj::none())
    }

    /// The local time for a date and time in UTC, whose zone is this one.
    #[pymethod(sig = "($self, object, /)")]
    fn fromutc(cx: &Ctx, this: This<'_, TimeZone>, object: &Obj) -> PyResult {
        let Some(dt) = object.downcast::<DateTime>() else {
            return Err(cx.type_error("fromutc: argument must be a datetime"));
        };
        if !dt.zone().is_some_and(|z| z.is(this.obj())) {
            return Err(cx.value_error("fromutc: dt.tzinfo is not self"));
        }
        stamp::shifted(cx, object, dt, delta(&this.offset).map_or(0, Delta::total))
    }

    /// pickle support
    #[pymethod(name = "__getinitargs__")]
    fn init_args(_cx: &Ctx, this: This<'_, TimeZone>) -> Obj {
        let mut v = vec![this.offset.clone()];
        v.extend(this.payload().name.clone());
        tuple::new(v)
    }
}
