"""LZMA: containers, filters, incremental decompression, errors."""

import io
import lzma

import _lzma

data = b"".join(b"line %d of a text that repeats\n" % i for i in range(2000))


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"{kind} was not raised")


# Containers, presets and checks come back as they were.
for kwargs in [
    {}, {"preset": 0}, {"preset": 9 | lzma.PRESET_EXTREME}, {"check": lzma.CHECK_SHA256}, {"check": lzma.CHECK_NONE},
    {"format": lzma.FORMAT_ALONE}, {"format": lzma.FORMAT_ALONE, "preset": 1},
    {"filters": [{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 3, "lc": 2, "lp": 2}]},
    {"filters": [{"id": lzma.FILTER_X86, "start_offset": 4096}, {"id": lzma.FILTER_LZMA2}]},
]:
    packed = lzma.compress(data, **kwargs)
    assert len(packed) < len(data) // 4 and lzma.decompress(packed) == data, kwargs
chain = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC4, "nice_len": 64}]
raw = lzma.compress(data, lzma.FORMAT_RAW, filters=chain)
assert lzma.decompress(raw, lzma.FORMAT_RAW, filters=chain) == data
assert lzma.decompress(lzma.compress(b"")) == b"" and lzma.decompress(lzma.compress(b"a") + lzma.compress(b"b")) == b"ab"

# A decompressor takes input in pieces and gives output in pieces.
packed = lzma.compress(data)
d = lzma.LZMADecompressor()
assert d.check == lzma.CHECK_UNKNOWN and d.needs_input and not d.eof
out = b""
for i in range(0, len(packed), 7):
    out += d.decompress(packed[i:i + 7])
assert out == data and d.eof and d.check == lzma.CHECK_CRC64 and not d.needs_input
raises(EOFError, d.decompress, b"")
d = lzma.LZMADecompressor()
out = d.decompress(packed + b"rest", max_length=100)
assert len(out) == 100 and not d.needs_input
while not d.eof:
    part = d.decompress(b"", max_length=1000)
    assert len(part) <= 1000
    out += part
assert out == data and d.unused_data == b"rest"

# Errors.
raises(lzma.LZMAError, lzma.decompress, b"nothing of the kind")
raises(lzma.LZMAError, lzma.decompress, packed[:-1])
raises(lzma.LZMAError, lzma.LZMADecompressor(memlimit=1024).decompress, packed)
raises(lzma.LZMAError, lzma.compress, b"", preset=20)
raises(ValueError, lzma.LZMACompressor, preset=1, filters=chain)
raises(ValueError, lzma.LZMACompressor, lzma.FORMAT_ALONE, check=lzma.CHECK_CRC64)
raises(ValueError, lzma.LZMACompressor, lzma.FORMAT_RAW)
raises(ValueError, lzma.LZMACompressor, filters=[{"id": lzma.FILTER_DELTA, "distance": 1}])
raises(ValueError, lzma.LZMACompressor, filters=[{"dist": 1}])
raises(TypeError, lzma.LZMACompressor, filters=[b"x"])
c = lzma.LZMACompressor()
c.compress(b"x")
c.flush()
raises(ValueError, c.flush)
raises(ValueError, c.compress, b"x")

# Properties of filters.
assert _lzma._encode_filter_properties({"id": lzma.FILTER_LZMA1, "dict_size": 65536}) == b"\x5d\0\0\1\0"
assert _lzma._encode_filter_properties({"id": lzma.FILTER_DELTA, "dist": 9}) == b"\x08"
assert _lzma._decode_filter_properties(lzma.FILTER_LZMA2, b"\x16") == {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 23}
assert _lzma._decode_filter_properties(lzma.FILTER_X86, b"") == {"id": lzma.FILTER_X86}
assert lzma.is_check_supported(lzma.CHECK_SHA256) and not lzma.is_check_supported(7)

# Files.
buffer = io.BytesIO()
with lzma.open(buffer, "wt", encoding="utf-8") as f:
    f.write("one\ntwo\n")
buffer.seek(0)
with lzma.open(buffer, "rt", encoding="utf-8") as f:
    assert f.readlines() == ["one\n", "two\n"]

print("lzma: ok")
