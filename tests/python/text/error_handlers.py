# Codecs, error handlers and the registry.
import codecs


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError("nothing raised")


e = raises(UnicodeEncodeError, "aé日b".encode, "ascii")
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("ascii", "aé日b", 1, 3, "ordinal not in range(128)")
assert str(e) == "'ascii' codec can't encode characters in position 1-2: ordinal not in range(128)"
e = raises(UnicodeDecodeError, b"a\xff".decode)
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("utf-8", b"a\xff", 1, 2, "invalid start byte")

# Registered handlers: replacements as text and as bytes, new positions, new input.
codecs.register_error("t.text", lambda e: ("<%d>" % len(e.object[e.start:e.end]), e.end))
codecs.register_error("t.bytes", lambda e: (b"\xff" * (e.end - e.start), e.end))
codecs.register_error("t.skip", lambda e: ("", e.end + 1))
codecs.register_error("t.bad", lambda e: 5)


def reread(e):
    e.object = b"xyz"
    return ("!", 1)


codecs.register_error("t.reread", reread)
assert "aé日b".encode("ascii", "t.text") == b"a<2>b"
assert "aé日b".encode("latin-1", "t.bytes") == b"a\xe9\xffb"
assert "aéxb".encode("ascii", "t.skip") == b"ab"
assert b"a\xffb".decode("ascii", "t.reread") == "a!yz"
assert str(raises(TypeError, "é".encode, "ascii", "t.bad")) == "encoding error handler must return (str/bytes, int) tuple"
assert str(raises(LookupError, "é".encode, "ascii", "t.none")) == "unknown error handler name 't.none'"
assert codecs.lookup_error("t.text")(raises(UnicodeEncodeError, "é".encode, "ascii")) == ("<1>", 1)
assert codecs.ignore_errors(UnicodeEncodeError("x", "abc", 1, 2, "r")) == ("", 2)
assert codecs.backslashreplace_errors(UnicodeDecodeError("x", b"a\xffb", 1, 2, "r")) == ("\\xff", 2)
raises(UnicodeDecodeError, codecs.strict_errors, UnicodeDecodeError("x", b"a\xffb", 1, 2, "r"))

# Incremental decoders keep what is incomplete.
d = codecs.getincrementaldecoder("utf-8")()
assert [d.decode(bytes([c])) for c in "é日😀".encode()] == ["", "é", "", "", "日", "", "", "", "😀"]
d = codecs.getincrementaldecoder("utf-16")()
assert "".join(d.decode(bytes([c])) for c in "a😀".encode("utf-16")) == "a😀"
d = codecs.getincrementaldecoder("utf-7")()
assert "".join(d.decode(bytes([c])) for c in "aé日+".encode("utf-7")) == "aé日+"
raises(UnicodeDecodeError, codecs.getincrementaldecoder("utf-8")().decode, b"\xe2\x82", True)

for name in ("utf-8", "utf-7", "utf-16", "utf-16-be", "utf-32", "utf-32-le", "unicode_escape", "raw_unicode_escape"):
    for s in ("", "abc", "é\n\t\\", "日本\u2028", "😀\x00\x7f"):
        assert s.encode(name).decode(name) == s, (name, s)
for name, byte, char in (("cp1252", b"\x80", "€"), ("koi8-r", b"\xc1", "а"), ("cp437", b"\x9b", "¢"), ("iso8859-15", b"\xa4", "€")):
    assert byte.decode(name) == char and char.encode(name) == byte
    raises(UnicodeEncodeError, "日".encode, name)
assert b"\x81".decode("cp1252", "replace") == "\ufffd"
assert "bücher.example".encode("idna") == b"xn--bcher-kva.example"
assert "é".encode("punycode") == b"9ca"
assert codecs.encode("abc", "rot13") == "nop" and codecs.encode(b"ab", "hex") == b"6162"
assert codecs.decode(b"YWI=\n", "base64") == b"ab"
assert "is not a text encoding" in str(raises(LookupError, "a".encode, "rot13"))
assert codecs.lookup("UTF8").name == "utf-8" and codecs.lookup("latin1").name == "iso8859-1"

# A codec of one's own.
def search(name):
    if name == "t_upper":
        return codecs.CodecInfo(
            lambda s, errors="strict": (s.upper().encode(), len(s)),
            lambda b, errors="strict": (bytes(b).decode().lower(), len(b)),
            name=name,
        )


codecs.register(search)
assert "abc".encode("t_upper") == b"ABC" and b"ABC".decode("t-upper".replace("-", "_")) == "abc"
codecs.unregister(search)
raises(LookupError, "abc".encode, "t_upper")
print("ok")
