//! `_zoneinfo`: time zones of the system's database.

use std::cell::{Cell, OnceCell};

use cinder_pyobj::heap::{Gil, Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{Type, bytes, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::calendar;
use super::delta::Delta;
use super::rule::{self, Edge};
use super::stamp::{self, DateTime};
use super::tz::TzInfo;

/// What holds between two transitions.
#[derive(Clone)]
struct Info {
    offset: i64,
    dst_offset: i64,
    utcoff: Obj,
    dst: Obj,
    name: Obj,
}

impl Info {
    fn new(cx: &Ctx, offset: i64, dst_offset: i64, name: Obj) -> PyResult<Info> {
        let delta = |s: i64| Delta::new(cx, i128::from(s) * 1_000_000);
        Ok(Info { offset, dst_offset, utcoff: delta(offset)?, dst: delta(dst_offset)?, name })
    }

    fn same(&self, other: &Info) -> bool {
        (self.offset, self.dst_offset) == (other.offset, other.dst_offset)
            && as_utf8_lossy(&self.name) == as_utf8_lossy(&other.name)
    }
}

/// What holds behind the last transition.
enum After {
    Fixed(Info),
    Rule { std: Info, dst: Info, start: Edge, end: Edge },
}

/// A time zone of the system's database.
#[pyclass(name = "ZoneInfo", module = "zoneinfo", base = TzInfo, flags(basetype, weakref, mutable))]
pub struct ZoneInfo {
    key: Obj,
    file: Obj,
    from_cache: Cell<bool>,
    fixed: bool,
    infos: Vec<Info>,
    /// The info that each transition begins, as an index.
    index: Vec<usize>,
    /// Transitions in seconds since 1970, in UTC and in local time without and with the fold.
    utc: Vec<i64>,
    local: [Vec<i64>; 2],
    before: Option<usize>,
    after: After,
}

impl Traverse for ZoneInfo {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.key.traverse(visit);
        self.file.traverse(visit);
        let mut see = |i: &Info| [&i.utcoff, &i.dst, &i.name].into_iter().for_each(|o| o.traverse(visit));
        self.infos.iter().for_each(&mut see);
        match &self.after {
            After::Fixed(i) => see(i),
            After::Rule { std, dst, .. } => {
                see(std);
                see(dst);
            }
        }
    }
}

fn numbers(cx: &Ctx, o: &Obj) -> PyResult<Vec<i64>> {
    o.collect(cx)?.iter().map(|n| n.to_i64(cx)).collect()
}

/// The part of offsets that is daylight saving time: files hold only whether there is some.
fn dst_offsets(index: &[usize], offsets: &[i64], is_dst: &[bool]) -> Vec<i64> {
    let n = offsets.len();
    let mut out = vec![0; n];
    let wanted = is_dst.iter().filter(|d| **d).count();
    let mut found = 0;
    let mut complete = false;
    for i in 1..index.len() {
        if found == wanted {
            complete = true;
            break;
        }
        let at = index[i];
        if !is_dst[at] || out[at] != 0 {
            continue;
        }
        let before = index[i - 1];
        let mut dst = if is_dst[before] { 0 } else { offsets[at] - offsets[before] };
        if dst == 0 && at + 1 < n && i + 1 < index.len() {
            let behind = index[i + 1];
            if is_dst[behind] {
                continue;
            }
            dst = offsets[at] - offsets[behind];
        }
        if dst != 0 {
            found += 1;
            out[at] = dst;
        }
    }
    if !complete {
        // An hour is the best guess.
        for (slot, dst) in out.iter_mut().zip(is_dst) {
            if *dst && *slot == 0 {
                *slot = 3600;
            }
        }
    }
    out
}

fn local_times(index: &[usize], utc: &[i64], offsets: &[i64]) -> [Vec<i64>; 2] {
    let mut out = [utc.to_vec(), utc.to_vec()];
    for i in 0..utc.len() {
        let old = if i == 0 { offsets[0] } else { offsets[index[i - 1]] };
        let new = if i == 0 && offsets.len() < 2 { offsets[0] } else { offsets[index[i]] };
        out[0][i] += old.max(new);
        out[1][i] += old.min(new);
    }
    out
}

impl ZoneInfo {
    /// Reads a zone from an open file.
    fn load(cx: &Ctx, ty: &Type, file: &Obj, key: Obj, shown: Obj) -> PyResult {
        let common = (cx.host().import)(cx, "zoneinfo._common")?;
        let data = common.call_method(cx, intern!("load_data"), std::slice::from_ref(file))?;
        let Some([index, utc, offsets, is_dst, names, rule]) = tuple::items_if_tuple(&data) else {
            return Err(cx.type_error("load_data() must return a tuple of six items"));
        };
        let index: Vec<usize> = numbers(cx, index)?.into_iter().map(|n| n as usize).collect();
        let (utc, offsets) = (numbers(cx, utc)?, numbers(cx, offsets)?);
        let is_dst: Vec<bool> = numbers(cx, is_dst)?.into_iter().map(|n| n != 0).collect();
        let names = names.collect(cx)?;
        let count = offsets.len().min(is_dst.len()).min(names.len());
        if utc.len() != index.len() || index.iter().any(|i| *i >= count) {
            return Err(cx.value_error("Invalid transition index found while reading TZif"));
        }
        let dst = dst_offsets(&index, &offsets, &is_dst);
        let infos =
            (0..count).map(|i| Info::new(cx, offsets[i], dst[i], names[i].clone())).collect::<PyResult<Vec<Info>>>()?;
        let before = is_dst.iter().position(|d| !d).or(index.first().copied());
        let text = bytes::as_bytes(rule).unwrap_or_default();
        let after = if text.is_empty() {
            let last = index.last().map(|i| &infos[*i]).or(infos.last());
            match last {
                Some(i) => After::Fixed(i.clone()),
                None => return Err(cx.value_error("No time zone information found.")),
            }
        } else {
            let Some(r) = rule::parse(text) else {
                let shown = rule.repr(cx)?;
                return Err(cx.value_error(format!("{} is not a valid TZ string", as_utf8_lossy(&shown))));
            };
            let std = Info::new(cx, r.std.1, 0, Obj::from(r.std.0.as_str()))?;
            match r.dst {
                None => After::Fixed(std),
                Some((name, offset, start, end)) => {
                    let dst = Info::new(cx, offset, offset - r.std.1, Obj::from(name.as_str()))?;
                    After::Rule { std, dst, start, end }
                }
            }
        };
        let fixed = match &after {
            After::Fixed(a) => infos.len() <= 1 && infos.first().is_none_or(|i| i.same(a)),
            After::Rule { .. } => false,
        };
        let local = local_times(&index, &utc, &offsets);
        let zone =
            ZoneInfo { key, file: shown, from_cache: Cell::new(false), fixed, infos, index, utc, local, before, after };
        Ok(new_instance(ty, zone))
    }

    /// A new zone by its key.
    fn by_key(cx: &Ctx, ty: &Type, key: &Obj) -> PyResult {
        let path = (cx.host().import)(cx, "zoneinfo._tzpath")?.call_method(
            cx,
            intern!("find_tzfile"),
            std::slice::from_ref(key),
        )?;
        let file = if path.is_none() {
            let common = (cx.host().import)(cx, "zoneinfo._common")?;
            common.call_method(cx, intern!("load_tzdata"), std::slice::from_ref(key))?
        } else {
            (cx.host().import)(cx, "io")?.call_method(cx, intern!("open"), &[path, Obj::from("rb")])?
        };
        let r = ZoneInfo::load(cx, ty, &file, key.clone(), Obj::none());
        let r = r.map_err(|r| cx.take(r));
        file.call_method(cx, intern!("close"), &[])?;
        r.map_err(|e| cx.set_pending(e))
    }

    fn rule_info(&self, seconds: i64, year: i32, fold: bool) -> &Info {
        match &self.after {
            After::Fixed(i) => i,
            After::Rule { std, dst, start, end } => {
                let summers = Summers::new((std, *start), (dst, *end), year);
                let (is_std, is_dst) = (!summers.have(seconds - std.offset), summers.have(seconds - dst.offset));
                let larger_std = std.offset > dst.offset;
                let use_std = match (is_std, is_dst) {
                    (true, false) => true,
                    (false, true) => false,
                    // A time there twice is first that of the larger offset; one there never goes by what held before,
                    // the smaller offset. The fold asks for the other one.
                    (twice, _) => (twice != fold) == larger_std,
                };
                if use_std { std } else { dst }
            }
        }
    }

    /// What holds at a local time; nothing for a time of day in a zone that changes.
    fn find(&self, cx: &Ctx, dt: &Obj) -> PyResult<Option<&Info>> {
        if dt.is_none() {
            return Ok(match &self.after {
                After::Fixed(i) if self.fixed => Some(i),
                _ => None,
            });
        }
        let (seconds, year, fold) = local_seconds(cx, dt)?;
        let times = &self.local[usize::from(fold)];
        let at = times.partition_point(|t| *t <= seconds);
        if at == 0 && !times.is_empty() {
            return Ok(self.before.map(|i| &self.infos[i]));
        }
        if times.last().is_none_or(|t| seconds > *t) {
            return Ok(Some(self.rule_info(seconds, year, fold)));
        }
        Ok(self.index.get(at - 1).map(|i| &self.infos[*i]))
    }
}

/// The spans of daylight saving time around a year, in seconds since 1970, UTC. Neighbouring years count: a span may
/// reach over New Year, and one that ends when the next one begins has no end.
struct Summers([(i64, i64); 3]);

impl Summers {
    /// The spans of a rule, from what holds before the start and before the end.
    fn new((std, start): (&Info, Edge), (dst, end): (&Info, Edge), year: i32) -> Summers {
        let last = |y: i32| end.in_year(y) - dst.offset;
        Summers([year - 1, year, year + 1].map(|y| {
            let from = start.in_year(y) - std.offset;
            let to = last(y);
            (from, if from < to { to } else { last(y + 1) })
        }))
    }

    fn have(&self, t: i64) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&t))
    }
}

/// A datetime's seconds since 1970 as if it were UTC, its year and its fold.
fn local_seconds(cx: &Ctx, dt: &Obj) -> PyResult<(i64, i32, bool)> {
    const EPOCH: i64 = 719_163;
    if let Some(t) = dt.downcast::<DateTime>() {
        let ((y, m, d), [h, min, s, _]) = t.fields();
        let day = calendar::to_ordinal(y, m, d) - EPOCH;
        let clock = i64::from(h) * 3600 + i64::from(min) * 60 + i64::from(s);
        return Ok((day * 86_400 + clock, y, t.fold.get() == 1));
    }
    let day = dt.call_method(cx, intern!("toordinal"), &[])?.to_i64(cx)? - EPOCH;
    let part = |name: Name| -> PyResult<i64> { dt.get_attr(cx, name)?.to_i64(cx) };
    let clock = part(intern!("hour"))? * 3600 + part(intern!("minute"))? * 60 + part(intern!("second"))?;
    Ok((day * 86_400 + clock, part(intern!("year"))? as i32, part(intern!("fold"))? != 0))
}

/// The caches of the class itself: a mapping of the zones that are in use, and a list of those kept longer. Subclasses
/// have their mapping as an attribute.
static CACHES: Gil<OnceCell<(Obj, Obj)>> = Gil::new(OnceCell::new());

fn own_caches(cx: &Ctx) -> PyResult<&'static (Obj, Obj)> {
    let caches = CACHES.get();
    if caches.get().is_none() {
        let new = (new_weak_cache(cx)?, list::empty());
        // The import that this takes may have come here itself.
        drop(caches.set(new));
    }
    caches.get().ok_or_else(|| cx.system_error("no caches of zones"))
}

/// The cache of a class's zones that are in use.
fn weak_cache(cx: &Ctx, ty: &Type) -> PyResult {
    if ty.is(ZoneInfo::class().type_object()) {
        return Ok(own_caches(cx)?.0.clone());
    }
    ty.as_obj().get_attr(cx, intern!("_weak_cache"))
}

/// How many zones are kept although nobody uses them.
const KEPT: usize = 8;

/// The most recently used zones of the class itself, as pairs of key and zone, newest first.
fn kept_zones(cx: &Ctx) -> PyResult {
    Ok(own_caches(cx)?.1.clone())
}

fn keep(cx: &Ctx, key: &Obj, zone: &Obj) -> PyResult<()> {
    let all = kept_zones(cx)?;
    let Some(l) = list::as_list(&all) else { return Ok(()) };
    forget(cx, key)?;
    l.insert_at(cx, 0, tuple::pair(key.clone(), zone.clone()))?;
    while l.len() > KEPT {
        drop(l.pop_last());
    }
    Ok(())
}

fn kept(cx: &Ctx, key: &Obj) -> PyResult<Option<Obj>> {
    for pair in kept_zones(cx)?.collect(cx)? {
        if let Some([k, z]) = tuple::items_if_tuple(&pair)
            && k.eq(cx, key)?
        {
            return Ok(Some(z.clone()));
        }
    }
    Ok(None)
}

fn forget(cx: &Ctx, key: &Obj) -> PyResult<()> {
    let all = kept_zones(cx)?;
    for pair in all.collect(cx)? {
        if let Some([k, _]) = tuple::items_if_tuple(&pair)
            && k.eq(cx, key)?
            && let Some(l) = list::as_list(&all)
            && let Some(i) = l.snapshot().iter().position(|p| p.is(&pair))
        {
            drop(l.remove_at(i));
        }
    }
    Ok(())
}

fn part(cx: &Ctx, this: This<'_, ZoneInfo>, dt: &Obj, f: impl FnOnce(&Info) -> Obj) -> PyResult {
    Ok(this.payload().find(cx, dt)?.map_or_else(Obj::none, f))
}

#[pymethods]
impl ZoneInfo {
    #[pynew(sig = "(key)")]
    fn __new__(cx: &Ctx, ty: &Type, key: &Obj) -> PyResult {
        let own = ty.is(ZoneInfo::class().type_object());
        if own && let Some(z) = kept(cx, key)? {
            keep(cx, key, &z)?;
            return Ok(z);
        }
        let cache = weak_cache(cx, ty)?;
        let mut zone = cache.call_method(cx, intern!("get"), &[key.clone(), Obj::none()])?;
        if zone.is_none() {
            let new = ZoneInfo::by_key(cx, ty, key)?;
            if let Some(z) = new.downcast::<ZoneInfo>() {
                z.from_cache.set(true);
            }
            zone = cache.call_method(cx, intern!("setdefault"), &[key.clone(), new])?;
        }
        if !zone.type_of().is_subtype(ZoneInfo::class().type_object()) {
            return Err(cx.runtime_error(format!(
                "Unexpected instance of {} in {} weak cache for key {}",
                zone.type_of().name(),
                ty.name(),
                as_utf8_lossy(&key.repr(cx)?)
            )));
        }
        if own {
            keep(cx, key, &zone)?;
        }
        Ok(zone)
    }

    fn __repr__(cx: &Ctx, this: This<'_, ZoneInfo>) -> PyResult<String> {
        let ty = this.obj().type_of();
        let module = ty.as_obj().get_attr(cx, intern!("__module__"))?;
        let name = format!("{}.{}", as_utf8_lossy(&module), ty.short_name());
        if this.key.is_none() {
            return Ok(format!("{name}.from_file({})", as_utf8_lossy(&this.file)));
        }
        Ok(format!("{name}(key={})", as_utf8_lossy(&this.key.repr(cx)?)))
    }

    fn __str__(cx: &Ctx, this: This<'_, ZoneInfo>) -> PyResult {
        if this.key.is_none() { this.obj().repr(cx) } else { this.key.str(cx) }
    }

    /// Forgets the zones made so far, or only those named.
    #[pyclassmethod(sig = "($type, /, *, only_keys=None)")]
    fn clear_cache(cx: &Ctx, ty: &Type, only_keys: Option<&Obj>) -> PyResult<()> {
        let cache = weak_cache(cx, ty)?;
        let own = ty.is(ZoneInfo::class().type_object());
        match only_keys {
            None => {
                cache.call_method(cx, intern!("clear"), &[])?;
                if own {
                    kept_zones(cx)?.call_method(cx, intern!("clear"), &[])?;
                }
            }
            Some(keys) => {
                for k in keys.collect(cx)? {
                    if own {
                        forget(cx, &k)?;
                    }
                    cache.call_method(cx, intern!("pop"), &[k, Obj::none()])?;
                }
            }
        }
        Ok(())
    }

    /// A zone of its own, which is not shared with other users of the key.
    #[pyclassmethod(sig = "($type, key)")]
    fn no_cache(cx: &Ctx, ty: &Type, key: &Obj) -> PyResult {
        ZoneInfo::by_key(cx, ty, key)
    }

    /// A zone from a binary file in the format TZif; key is its name.
    #[pyclassmethod(sig = "($type, file_obj, /, key=None)")]
    fn from_file(cx: &Ctx, ty: &Type, file_obj: &Obj, key: Obj) -> PyResult {
        let shown = file_obj.repr(cx)?;
        ZoneInfo::load(cx, ty, file_obj, key, shown)
    }

    /// How far the zone is ahead of UTC at a date and time.
    #[pymethod(sig = "($self, dt, /)")]
    fn utcoffset(cx: &Ctx, this: This<'_, ZoneInfo>, dt: &Obj) -> PyResult {
        part(cx, this, dt, |i| i.utcoff.clone())
    }

    /// How much of the offset is summer time at a date and time, as far as is known.
    #[pymethod(sig = "($self, dt, /)")]
    fn dst(cx: &Ctx, this: This<'_, ZoneInfo>, dt: &Obj) -> PyResult {
        part(cx, this, dt, |i| i.dst.clone())
    }

    /// What clocks in the zone call themselves at a date and time, such as CET.
    #[pymethod(sig = "($self, dt, /)")]
    fn tzname(cx: &Ctx, this: This<'_, ZoneInfo>, dt: &Obj) -> PyResult {
        part(cx, this, dt, |i| i.name.clone())
    }

    /// The time that clocks in the zone show at a date and time in UTC.
    #[pymethod(sig = "($self, object, /)")]
    fn fromutc(cx: &Ctx, this: This<'_, ZoneInfo>, object: &Obj) -> PyResult {
        let Some(dt) = object.downcast::<DateTime>() else {
            return Err(cx.type_error("fromutc: argument must be a datetime"));
        };
        if !dt.zone().is_some_and(|z| z.is(this.obj())) {
            return Err(cx.value_error("fromutc: dt.tzinfo is not self"));
        }
        let (seconds, year, _) = local_seconds(cx, object)?;
        let z = this.payload();
        let at = z.utc.partition_point(|t| *t <= seconds);
        let info_at = |i: usize| &z.infos[z.index[i]];
        let before = z.before.map(|i| &z.infos[i]);
        let mut fold = false;
        let info = if at == 0 && !z.utc.is_empty() {
            before
        } else if z.utc.last().is_none_or(|t| seconds > *t) {
            match &z.after {
                After::Rule { std, dst, start, end } => {
                    let summers = Summers::new((std, *start), (dst, *end), year);
                    let summer = summers.have(seconds);
                    let (new, old) = if summer { (dst, std) } else { (std, dst) };
                    // The same local time may have been there before, by the other offset.
                    let before = seconds + new.offset - old.offset;
                    fold = before < seconds && summers.have(before) != summer;
                    Some(new)
                }
                After::Fixed(i) => {
                    if !z.utc.is_empty() {
                        let n = z.utc.len();
                        let old = if n > 1 { Some(info_at(n - 2)) } else { before };
                        let new = info_at(n - 1);
                        let shift = old.map_or(0, |o| o.offset) - new.offset;
                        fold = shift > seconds - z.utc[n - 1];
                    }
                    Some(i)
                }
            }
        } else {
            let new = info_at(at - 1);
            let old = if at > 1 { Some(info_at(at - 2)) } else { before };
            let shift = old.map_or(0, |o| o.offset - new.offset);
            fold = shift > seconds - z.utc[at - 1];
            Some(new)
        };
        let us = info.map_or(0, |i| i128::from(i.offset) * 1_000_000);
        let moved = stamp::shifted(cx, object, dt, us)?;
        if !fold {
            return Ok(moved);
        }
        match moved.downcast::<DateTime>() {
            Some(m) if moved.type_of().is(DateTime::class().type_object()) => {
                let (d, c) = m.fields();
                Ok(DateTime::make(moved.type_of(), d, c, 1, m.zone()))
            }
            _ => {
                let replace = moved.get_attr(cx, intern!("replace"))?;
                replace.call(cx, Args::new(&[Obj::from(1)], std::slice::from_ref(intern!("fold").as_obj())))
            }
        }
    }

    /// What pickle needs to make the zone again: its key.
    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, ZoneInfo>) -> PyResult {
        if !this.file.is_none() {
            let class = (cx.host().import)(cx, "pickle")?.get_attr(cx, intern!("PicklingError"))?;
            let e = class.call1(cx, &Obj::from("Cannot pickle a ZoneInfo file from a file stream."))?;
            return Err(cx.raise_obj(e));
        }
        let f = this.obj().type_of().as_obj().get_attr(cx, intern!("_unpickle"))?;
        let cached = Obj::from(i64::from(this.from_cache.get()));
        Ok(tuple::pair(f, tuple::pair(this.key.clone(), cached)))
    }

    /// Makes the zone of a pickle again.
    #[pyclassmethod(name = "_unpickle", sig = "($type, key, from_cache, /)")]
    fn unpickle(cx: &Ctx, ty: &Type, key: &Obj, from_cache: bool) -> PyResult {
        if from_cache { ty.as_obj().call1(cx, key) } else { ZoneInfo::by_key(cx, ty, key) }
    }

    /// Gives a subclass a cache of its own.
    #[pyclassmethod(name = "__init_subclass__", sig = "($type, /, *args, **kwargs)")]
    fn init_subclass(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult<()> {
        let _ = args;
        let cache = new_weak_cache(cx)?;
        ty.as_obj().set_attr(cx, intern!("_weak_cache"), &cache)
    }

    #[pygetter(member, name = "key")]
    fn py_key(_cx: &Ctx, this: This<'_, ZoneInfo>) -> Obj {
        this.payload().key.clone()
    }
}

fn new_weak_cache(cx: &Ctx) -> PyResult {
    (cx.host().import)(cx, "weakref")?.call_method(cx, intern!("WeakValueDictionary"), &[])
}

/// Native parts of the module zoneinfo.
#[pymodule(name = "_zoneinfo", classes(super::ZoneInfo))]
pub(crate) mod zoneinfo {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let _ = module;
        // The classes of the module datetime stand before zones are made.
        (cx.host().import)(cx, "_datetime")?;
        Ok(())
    }
}
