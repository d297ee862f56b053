"""Dates and times: arithmetic, time zones, texts, pickles."""

import copy
import io
import pickle
import zoneinfo
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo


def raises(kind, call, text=""):
    try:
        call()
    except kind as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"{kind.__name__} was not raised")


# timedelta
d = timedelta(days=1, seconds=2, microseconds=3)
assert repr(d) == "datetime.timedelta(days=1, seconds=2, microseconds=3)"
assert str(timedelta(-1)) == "-1 day, 0:00:00" and str(timedelta(2, 3, 4)) == "2 days, 0:00:03.000004"
assert timedelta(weeks=1, hours=1.5) == timedelta(7, 5400)
assert timedelta(microseconds=0.5) == timedelta(0) and timedelta(microseconds=1.5) == timedelta(microseconds=2)
assert d * 2 == d + d and d / 2 * 2 in (d, d + timedelta.resolution, d - timedelta.resolution)
assert timedelta(hours=7) // timedelta(hours=2) == 3 and timedelta(hours=7) % timedelta(hours=2) == timedelta(hours=1)
assert divmod(timedelta(hours=-7), timedelta(hours=2)) == (-4, timedelta(hours=1))
assert timedelta(1) / timedelta(hours=1) == 24.0 and timedelta(1) * 0.5 == timedelta(hours=12)
assert d.total_seconds() == 86402.000003 and not timedelta() and abs(-d) == d == +d
assert hash(timedelta(1, 2, 3)) == hash((1, 2, 3))
raises(OverflowError, lambda: timedelta.max + timedelta(1), "must have magnitude <= 999999999")
raises(ZeroDivisionError, lambda: timedelta(1) / 0)
raises(TypeError, lambda: timedelta("1"), "unsupported type for timedelta days component: str")

# date
x = date(2024, 2, 29)
assert x + timedelta(1) == date(2024, 3, 1) and x - date(2023, 2, 28) == timedelta(366)
assert x.isocalendar() == (2024, 9, 4) and x.isocalendar().week == 9
assert date.fromisocalendar(2024, 9, 4) == x and date.fromordinal(x.toordinal()) == x
assert x.weekday() == 3 and x.isoweekday() == 4 and x.timetuple().tm_yday == 60
assert x.replace(year=2020) == date(2020, 2, 29) and copy.replace(x, day=1).day == 1
assert str(x) == "2024-02-29" == x.isoformat() and x.ctime() == "Thu Feb 29 00:00:00 2024"
assert f"{x:%d.%m.%Y}" == "29.02.2024" and date(5, 1, 1).strftime("%Y %F") == "0005 0005-01-01"
for text in ("2024-02-29", "20240229", "2024-W09-4", "2024W094"):
    assert date.fromisoformat(text) == x
for n in (1, 59, 60, 365, 366, 146097, 719163, 3652059):
    assert date.fromordinal(n).toordinal() == n
raises(ValueError, lambda: date(2023, 2, 29), "day 29 must be in range 1..28 for month 2 in year 2023")
raises(ValueError, lambda: date(MAXYEAR + 1, 1, 1), "year must be in 1..9999, not 10000")
raises(OverflowError, lambda: date.max + timedelta(1), "date value out of range")
raises(ValueError, lambda: date.fromisoformat("2024-2-29"), "Invalid isoformat string: '2024-2-29'")

# time
t = time(1, 2, 3, 4, fold=1)
assert repr(t) == "datetime.time(1, 2, 3, 4, fold=1)" and str(t) == "01:02:03.000004"
assert t.isoformat("milliseconds") == "01:02:03.000" and t.replace(hour=5).hour == 5
assert time.fromisoformat("T12:30:15,5+05:30").utcoffset() == timedelta(hours=5, minutes=30)
assert time(1) < time(2) and time(12, tzinfo=UTC) == time(14, tzinfo=timezone(timedelta(hours=2)))
raises(TypeError, lambda: time(1) < time(1, tzinfo=UTC), "can't compare offset-naive and offset-aware times")
raises(ValueError, lambda: time(24), "hour must be in 0..23, not 24")

# datetime and time zones
east = timezone(timedelta(hours=5, minutes=30), "EAST")
a = datetime(2020, 1, 1, 12, tzinfo=UTC)
b = a.astimezone(east)
assert b.hour == 17 and b.minute == 30 and a == b and hash(a) == hash(b) and a - b == timedelta(0)
assert str(b) == "2020-01-01 17:30:00+05:30" and b.tzname() == "EAST" and b.strftime("%z %:z %Z") == "+0530 +05:30 EAST"
assert repr(a) == "datetime.datetime(2020, 1, 1, 12, 0, tzinfo=datetime.timezone.utc)"
assert a.timestamp() == 1577880000.0 and datetime.fromtimestamp(1577880000.25, UTC).microsecond == 250000
assert datetime.fromisoformat("2020-01-01T24:00") == datetime(2020, 1, 2)
assert datetime.fromisoformat("2020W01112") == datetime(2019, 12, 30, 12)
assert datetime.combine(x, t) == datetime(2024, 2, 29, 1, 2, 3, 4) and datetime.strptime("7/1/2021", "%d/%m/%Y").day == 7
assert timezone(timedelta(0)) is UTC and str(timezone(-timedelta(hours=5, seconds=1))) == "UTC-05:00:01"
assert (datetime(2020, 1, 1) == date(2020, 1, 1)) is False
assert datetime.fromtimestamp(datetime(2021, 5, 6, 7, 8, 9).timestamp()) == datetime(2021, 5, 6, 7, 8, 9)
raises(TypeError, lambda: datetime(2020, 1, 1) < a, "can't compare offset-naive and offset-aware datetimes")
raises(ValueError, lambda: timezone(timedelta(1)), "offset must be a timedelta strictly between")


class Fixed(tzinfo):
    def __init__(self, hours=1):
        self.offset = timedelta(hours=hours)

    def utcoffset(self, dt):
        return self.offset

    def dst(self, dt):
        return timedelta(0)

    def tzname(self, dt):
        return "Fixed"

    def __getinitargs__(self):
        return (self.offset // timedelta(hours=1),)


assert a.astimezone(Fixed(3)).hour == 15 and a.astimezone(Fixed(3)).utctimetuple().tm_hour == 12


class Stamp(datetime):
    def __new__(cls, *args, extra=0, **kwargs):
        self = super().__new__(cls, *args, **kwargs)
        self.extra = extra
        return self


s = Stamp(2020, 1, 1, extra=7)
assert s.extra == 7 and type(s + timedelta(1)) is Stamp and type(Stamp.fromisoformat("2020-01-01")) is Stamp

for value in (d, x, t, a, b, east, UTC, datetime(2020, 1, 1, fold=1, tzinfo=Fixed(2))):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert type(again) is type(value) and str(again) == str(value)
        if protocol > 3 and hasattr(value, "fold"):
            assert again.fold == value.fold

# A mark of a fraction wants digits, also before an offset.
for kind, texts in (
    (datetime, ["2009-04-19T12:30:45.+05:00", "2009-04-19T12:30:45,-05:00", "2009-04-19T12:30:45.Z"]),
    (time, ["12:30:45.+05:00", "12:30:45.Z", "12:30:45,", "12.+05:00", "12:30,Z"]),
):
    for text in texts:
        try:
            kind.fromisoformat(text)
        except ValueError:
            pass
        else:
            raise AssertionError(text)

# A float's own as_integer_ratio is asked for the factor.
class Odd(float):
    def as_integer_ratio(self):
        return self.ratio


for ratio, error in ((1 << 1000, TypeError), ((), ValueError), ((1, 2, 3), ValueError)):
    factor = Odd()
    factor.ratio = ratio
    for use in (lambda: timedelta(1) * factor, lambda: timedelta(1) / factor):
        try:
            use()
        except error:
            pass
        else:
            raise AssertionError(ratio)
half = Odd()
half.ratio = (1, 2)
assert timedelta(1) * half == timedelta(hours=12)


# Zones that a rule alone describes.
def zone(rule):
    head = b"TZif3" + b" " * 15 + bytes(24)
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(head + head + b"\n" + rule + b"\n"))


# Summer all year: one summer ends when the next one begins.
always = zone(b"EST5EDT,0/0,J365/25")
for stamp in (datetime(2019, 1, 1), datetime(2020, 1, 1), datetime(2019, 6, 1), datetime(2019, 12, 31, 23, 59)):
    local = stamp.replace(tzinfo=always)
    assert local.tzname() == "EDT" and local.utcoffset() == timedelta(hours=-4), local
    back = local.astimezone(UTC).astimezone(always)
    assert back == local and back.replace(tzinfo=None) == stamp and back.fold == 0

# A summer that lasts over New Year.
for rule, at, name in (
    (b"AAA-10BBB,M10.1.0,M4.1.0/3", datetime(2020, 1, 5), "BBB"),
    (b"AAA-10BBB,M10.1.0,M4.1.0/3", datetime(2020, 7, 5), "AAA"),
):
    local = at.replace(tzinfo=zone(rule))
    assert local.tzname() == name, (rule, at, local.tzname())
    assert local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == at

# Folds and gaps, with summer ahead of standard time and behind it.
for rule, twice, never in (
    (b"AAA0BBB,M3.5.0/2,M10.5.0/2", datetime(2020, 10, 25, 1, 30), datetime(2020, 3, 29, 2, 30)),
    (b"AAA0BBB1,M3.5.0/2,M10.5.0/2", datetime(2020, 3, 29, 1, 30), datetime(2020, 10, 25, 2, 30)),
):
    z = zone(rule)
    first, second = twice.replace(tzinfo=z), twice.replace(tzinfo=z, fold=1)
    assert first.utcoffset() - second.utcoffset() == timedelta(hours=1)
    assert [x.astimezone(UTC).astimezone(z).fold for x in (first, second)] == [0, 1]
    early, late = never.replace(tzinfo=z), never.replace(tzinfo=z, fold=1)
    assert late.utcoffset() - early.utcoffset() == timedelta(hours=1)

for rule in (b"PST8PDT", "ABÀC3".encode()):
    try:
        zone(rule)
    except ValueError as e:
        assert repr(rule) in str(e)
    else:
        raise AssertionError(rule)
try:
    zoneinfo.ZoneInfo("America/New\ud800York")
except zoneinfo.ZoneInfoNotFoundError:
    pass
else:
    raise AssertionError("a zone with a surrogate in its name")
