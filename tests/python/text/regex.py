# re over the native matcher.
import re

assert re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world") == "world hello"
assert re.sub(r"(?P<a>x)(y)?", r"[\g<a>\2]", "xy x") == "[xy] [x]"
assert re.sub("a*", "-", "baac") == "-b--c-"
assert re.subn("x", lambda m: m.group().upper() + str(m.start()), "axbx", count=1) == ("aX1bx", 1)
assert re.split(r"(,)\s*", "a, b,c") == ["a", ",", "b", ",", "c"]
assert re.split("x*", "axbc") == ["", "a", "", "b", "c", ""]
assert re.split(r"\d", "a1b2c", maxsplit=1) == ["a", "b2c"]
assert re.findall(r"(\w)(\d)?", "a1b") == [("a", "1"), ("b", "")]
assert [m.span() for m in re.finditer("", "ab")] == [(0, 0), (1, 1), (2, 2)]
assert re.fullmatch("a|ab", "ab").group() == "ab" and re.match("a|ab", "ab").group() == "a"

m = re.match(r"(?P<y>\d{4})-(?P<m>\d\d)(-(?P<d>\d\d))?", "2026-11 rest")
assert m.groups() == ("2026", "11", None, None) and m.groupdict("?") == {"y": "2026", "m": "11", "d": "?"}
assert m.lastindex == 2 and m.lastgroup == "m" and m["y"] == "2026" and m.span("m") == (5, 7) and m.start(4) == -1
assert m.regs == ((0, 7), (0, 4), (5, 7), (-1, -1), (-1, -1)) and m.expand(r"\g<m>/\1") == "11/2026"
assert repr(m) == "<re.Match object; span=(0, 7), match='2026-11'>"
try:
    m.group(9)
except IndexError as e:
    assert str(e) == "no such group"

p = re.compile(r"b(.)", re.I | re.X)
assert p.flags == 98 and p.groups == 1 and repr(p) == "re.compile('b(.)', re.IGNORECASE|re.VERBOSE)"
assert p.search("aBc", 1).pos == 1 and p.search("abc", 2) is None and p.match("abc", 1).group(1) == "c"
assert p.search("ab", 0, 2) is None and p == re.compile(r"b(.)", re.I | re.X) and p != re.compile("b(.)")

# Bytes, buffers and mixtures.
assert re.findall(rb"\w+", b"ab \xe9 cd") == [b"ab", b"cd"] and re.sub(b"a", b"bb", bytearray(b"xa")) == b"xbb"
assert re.search(b"c", memoryview(b"abc")).start() == 2
for pattern, text in (("a", b"a"), (b"a", "a")):
    try:
        re.match(pattern, text)
    except TypeError as e:
        assert "cannot use a" in str(e)
    else:
        raise AssertionError

# Backtracking deep and wide does not use the native stack.
assert re.match(r"(?:a|b)*c", "ab" * 100000 + "c").end() == 200001
assert re.match(r"(a?)*b", "a" * 50000 + "b")
assert re.match(r"((?:x|y)+?z?)*$", "xyxyz" * 2000)
assert re.search(r"(\d+)\s+\1", "12 13 13").group() == "13 13"
assert re.sub(r"(?i)straße", "road", "STRAßE straße") == "road road"
assert re.findall(r"[^\W\d_]+", "日本2語_é") == ["日本", "語", "é"]
assert re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "camelCaseText") == "camel_Case_Text"
assert re.fullmatch(r"(?>a+)ab", "aaab") is None and re.fullmatch("a++b", "aab") and not re.fullmatch("a++ab", "aab")
assert re.escape("a.b*") == r"a\.b\*" and re.compile("(?m)^x$").findall("x\nx\ny") == ["x", "x"]
s = re.compile("a|b").scanner("abc")
assert s.match().group() == "a" and s.search().group() == "b" and s.match() is None
import copy
assert copy.copy(p) is p and copy.deepcopy(m) is m and re.Pattern[str] and isinstance(p, re.Pattern)
print("ok")

# An iterator of matches holds the memory of the text it reads.
b = bytearray(b"xax")
found = re.finditer(b"a", b)
try:
    b.extend(b"y" * 400)
except BufferError:
    pass
else:
    raise AssertionError("the text was resized under its reader")
assert next(found).span() == (1, 2)
del found
b.extend(b"y")

# Either case of a character counts, also for sets that are negated, even in the middle.
both = re.LOCALE | re.IGNORECASE
for pattern, text, fits in (
    (rb"[bc]", b"B", True),
    (rb"[^bc]", b"B", False),
    (rb"[^b-c]", b"C", False),
    (rb"[^bc]", b"a", True),
    (rb"[^\wq]", b"Q", False),
    (rb"[^ace]", b"C", False),
    (rb"[^ace]", b"b", True),
    (rb"(?:a|[^bc])", b"B", False),
    (rb"(?:a|[^bc])", b"A", True),
):
    assert bool(re.fullmatch(pattern, text, both)) == fits, (pattern, text)
