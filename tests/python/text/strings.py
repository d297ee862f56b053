# str: storage, identity, subclasses, errors that need an interpreter.


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError("nothing raised")


# Widths: operations widen and narrow the storage.
for s in ("abc", "é", "日本", "😀x", "\ud800"):
    assert (s + "😀")[:-1] == s
    assert (s + "🜀").replace("🜀", "") == s
    assert hash(s) == hash((s + "日")[:-1])
    assert s in "<" + s + ">"
    assert "".join(list(s)) == s
    assert eval(repr(s)) == s
    assert s.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass") == s

assert {"a": 1}["".join(["a"])] == 1
assert sorted(["é", "z", "a", "日", "Z"]) == ["Z", "a", "z", "é", "日"]
assert "a" < "b" < "é" < "日" < "😀"
assert len("a\U0010ffff") == 2 and "a\U0010ffff"[1] == "\U0010ffff"


class S(str):
    def __str__(self):
        return "shown"


s = S("text")
assert type(s.upper()) is str and type(s[:]) is str and type(s + "") is str
assert str(s) == "shown" and f"{s}" == "shown" and "%s" % s == "shown" and "{}".format(s) == "shown"
assert s == "text" and hash(s) == hash("text") and {s: 1}["text"] == 1
assert "".join([s]) == "text" and type("".join([s])) is str
s.attribute = 5
assert s.attribute == 5 and s.__getnewargs__() == ("text",)
assert isinstance(S(b"ab", "ascii"), S)

raises(TypeError, "can only concatenate str (not \"int\") to str", lambda: "a" + 1)
raises(TypeError, "'in <string>' requires string as left operand, not int", lambda: 1 in "a")
raises(TypeError, "sequence item 1: expected str instance, int found", ",".join, ["a", 1])
raises(TypeError, "can only join an iterable", ",".join, 5)
raises(TypeError, "decoding str is not supported", str, "a", "utf-8")
raises(TypeError, "decoding to str: need a bytes-like object, int found", str, 1, "utf-8")
raises(MemoryError if False else OverflowError, "repeated string is too long", lambda: "ab" * (1 << 62))
raises(LookupError, "unknown encoding: nope", "a".encode, "nope")

# Mappings and attributes in formats.
class Point:
    x, y = 1, [2, 3]

    def __format__(self, spec):
        return f"<{spec}>"


assert "{p.x} {p.y[1]} {p:abc} {0!r:>5}".format("q", p=Point()) == "1 3 <abc>   'q'"
assert "{a[k]}".format_map({"a": {"k": 5}}) == "5"
assert "%(a)s %(b)05d" % {"a": 1, "b": 2} == "1 00002"
raises(KeyError, "'zz'", "{zz}".format)
raises(TypeError, "format requires a mapping", lambda: "%(a)s" % 1)
raises(TypeError, "not all arguments converted during string formatting", lambda: "a" % 1)


class Missing(dict):
    def __missing__(self, key):
        return key + "!"


assert "{abc}".format_map(Missing()) == "abc!"

# Translation tables.
assert "abc".translate({97: "x", 98: None, 99: 0x65e5}) == "x日"
assert "hello".translate(str.maketrans("el", "ip", "o")) == "hipp"
assert "abc".translate(str.maketrans({"a": "1", 98: 50})) == "12c"
raises(ValueError, "string keys in translatetable must be of length 1", str.maketrans, {"ab": 1})

# Iterators.
it = iter("a日")
assert it.__length_hint__() == 2 and next(it) == "a" and list(it) == ["日"] and list(it) == []

# Line breaks are more than \n.
assert "a\x0bb\x0cc\x1cd\x85e\u2028f".splitlines() == list("abcdef")
assert "ΌΣΟΣ Σ".lower() == "όσος σ"
assert "ﬃ ǆ".title() == "Ffi ǅ" and "ß".upper() == "SS" and "İ".lower() == "i̇"
assert "\u0130".casefold() == "i̇"
print("ok")

# Texts of ASCII characters have an iterator type of their own.
ascii_iterator, wide_iterator = type(iter("abc")), type(iter("ab\xe9"))
assert ascii_iterator.__name__ == "str_ascii_iterator" and wide_iterator.__name__ == "str_iterator"
assert type(iter("\u65e5")) is wide_iterator and type(iter("")) is ascii_iterator
for text in ("abc", "ab\xe9", "\u65e5\u672c\u8a9e"):
    it = iter(text)
    assert next(it) == text[0] and it.__length_hint__() == 2
    assert it.__reduce__() == (iter, (text,), 1)
    it.__setstate__(2)
    assert list(it) == [text[2]] and list(it) == [] and it.__length_hint__() == 0
    assert it.__reduce__() == (iter, ("",))
