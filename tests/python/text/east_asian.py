"""The encodings of East Asia: whole tables by checksums of what CPython gives, faults, and coders that keep state."""

import codecs
import io
import zlib

# One call each: pairs of all bytes, alone and behind the shift to a third byte, and all characters of three planes.
PAIRS = b"\n".join(bytes((a, b)) for a in range(256) for b in range(256))
TRIPLES = b"\n".join(bytes((0x8F, a, b)) for a in range(0xA1, 256) for b in range(0xA1, 256))
FOURS = b"\n".join(
    bytes((a, 0x30 + b % 10, 0x81 + b // 2, 0x30 + a % 10)) for a in range(0x81, 256) for b in range(252)
)
TEXT = "".join(
    map(chr, [*range(0x80, 0xD800), *range(0xE000, 0x10000), *range(0x20000, 0x2B000), *range(0x1F000, 0x1F400)])
)


def checksums(encoding):
    decoded = [data.decode(encoding, "replace") for data in (PAIRS, TRIPLES, FOURS)]
    encoded = TEXT.encode(encoding, "xmlcharrefreplace")
    return [zlib.crc32(t.encode("utf-8", "surrogatepass")) for t in decoded] + [zlib.crc32(encoded)]


EXPECTED = {
    "gb2312": [0x4eeac0b9, 0xcfc18dbc, 0xc4e92ecf, 0x656941ef],
    "gbk": [0x86805c14, 0xa063351c, 0xc4e92ecf, 0x7a191935],
    "gb18030": [0x984a1ca7, 0xa063351c, 0xd9caacc6, 0xd16f197f],
    "hz": [0x561624e, 0x130cf916, 0xc4e92ecf, 0x9a70c7de],
    "big5hkscs": [0x848ca790, 0xc8d182f3, 0xc4e92ecf, 0x79056c43],
    "big5": [0xbbfb9e83, 0x2e2ab296, 0xc4e92ecf, 0xf0a8d382],
    "cp950": [0x85f1c3b5, 0x878bf215, 0xc4e92ecf, 0x99eb1079],
    "shift_jis": [0xdc584340, 0x91066a6, 0xe90991df, 0x79d37ac9],
    "cp932": [0xe3c68348, 0xd56df308, 0x4976ff3c, 0x7e18d810],
    "euc_jp": [0x6fba30a7, 0xa9a95520, 0xc4e92ecf, 0xc868a0b1],
    "shift_jis_2004": [0xc61511d4, 0x91066a6, 0xe90991df, 0x71fc2ef0],
    "euc_jis_2004": [0xf851322d, 0x6cf5fb2a, 0xc4e92ecf, 0x5d04246e],
    "euc_jisx0213": [0xb7f03ad6, 0x54a03c5d, 0xc4e92ecf, 0x2b2c2d07],
    "shift_jisx0213": [0xe97d4b77, 0x91066a6, 0xe90991df, 0x45173c9f],
    "euc_kr": [0xecb77518, 0x95e20f87, 0xc4e92ecf, 0xc57c8079],
    "cp949": [0x932f66a4, 0x2fd646ee, 0xc4e92ecf, 0xa59b439c],
    "johab": [0x8d6b4ead, 0x460d9466, 0x92645348, 0x46d25f5f],
    "iso2022_kr": [0xcf21e325, 0x130cf916, 0xc4e92ecf, 0xbd59e42],
    "iso2022_jp": [0xfd454976, 0x130cf916, 0xc4e92ecf, 0xbaaf15bb],
    "iso2022_jp_1": [0xfd454976, 0x130cf916, 0xc4e92ecf, 0x6d1e63a2],
    "iso2022_jp_2": [0xcad53303, 0x130cf916, 0xc4e92ecf, 0x31a3644f],
    "iso2022_jp_2004": [0xfd454976, 0x130cf916, 0xc4e92ecf, 0x30cfe57b],
    "iso2022_jp_3": [0xfd454976, 0x130cf916, 0xc4e92ecf, 0xacb7aae6],
    "iso2022_jp_ext": [0xfd454976, 0x130cf916, 0xc4e92ecf, 0x5a9669b5],
}


for encoding, expected in EXPECTED.items():
    assert checksums(encoding) == expected, (encoding, [hex(n) for n in checksums(encoding)])


def fault(f, *args):
    try:
        f(*args)
    except UnicodeError as e:
        return e.encoding, e.start, e.end, e.reason
    raise AssertionError("nothing was raised")


# Faults have places and reasons.
assert fault(b"abc\x80\x80def".decode, "gb18030") == ("gb18030", 3, 4, "illegal multibyte sequence")
assert fault(b"abc\x81".decode, "cp949") == ("cp949", 3, 4, "incomplete multibyte sequence")
assert fault("\u4e00\ud800x".encode, "euc_jp") == ("euc_jp", 1, 2, "illegal multibyte sequence")
assert fault("\u4e00\u20ac".encode, "iso2022_jp") == ("iso2022_jp", 1, 2, "illegal multibyte sequence")
assert "a\u20acb".encode("big5", "ignore") == b"ab" and "a\u20acb".encode("big5", "replace") == b"a?b"
codecs.register_error("east-asian.test", lambda e: ("<%d-%d>" % (e.start, e.end), e.end))
assert "\u20ac\u4e00".encode("euc_kr", "east-asian.test") == b"\xa2\xe6\xec\xe9"
assert "\ud800\u4e00".encode("euc_kr", "east-asian.test") == b"<0-1>\xec\xe9"
assert b"\xff\xb0\xa1".decode("euc_kr", "east-asian.test") == "<0-1>\uac00"

# Characters that combine with the next.
assert "\u304b\u309a".encode("shift_jis_2004") == b"\x82\xf5" and "\u304b".encode("shift_jis_2004") == b"\x82\xa9"
assert b"\x88\x62".decode("big5hkscs") == "\u00ca\u0304" and "\u00ca\u0304".encode("big5hkscs") == b"\x88\x62"
e = codecs.getincrementalencoder("big5hkscs")()
assert e.encode("\u00ca") == b"" and e.getstate() != 0 and e.encode("\u0304") == b"\x88\x62"
assert e.encode("\u00ca") + e.encode("", True) == b"\x88\x66"

# Shifted states, bytes that wait for the next.
text = "\u65e5\u672c\u8a9e abc \u4e2d\u6587"
for encoding in EXPECTED:
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        continue
    d, e = codecs.getincrementaldecoder(encoding)(), codecs.getincrementalencoder(encoding)()
    assert "".join(d.decode(data[i:i + 1]) for i in range(len(data))) + d.decode(b"", True) == text, encoding
    assert b"".join(e.encode(c) for c in text) + e.encode("", True) == data, encoding
    half = d.decode(data[:5])
    state = d.getstate()
    whole = half + d.decode(data[5:], True)
    d.reset()
    d.setstate(state)
    assert half + d.decode(data[5:], True) == whole == text, encoding
    reader = codecs.getreader(encoding)(io.BytesIO(data + b"\n" + data))
    assert reader.readline() == text + "\n" and reader.read() == text, encoding
    stream = io.BytesIO()
    writer = codecs.getwriter(encoding)(stream)
    writer.writelines([text[:3], text[3:]])
    writer.reset()
    assert stream.getvalue().decode(encoding) == text, encoding
    with io.TextIOWrapper(io.BytesIO(data), encoding) as f:
        assert f.read(4) == text[:4] and f.read() == text[4:], encoding

print("east asian encodings: ok")
