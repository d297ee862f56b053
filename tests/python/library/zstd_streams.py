"""Zstandard: frames, parameters, dictionaries, incremental use, errors."""

import io
from compression import zstd

import _zstd

data = b"".join(b"line %d of a text that repeats\n" % i for i in range(3000))


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"{kind} was not raised")


# Levels and parameters.
P = zstd.CompressionParameter
for level in (None, -5, 1, 10, 22):
    packed = zstd.compress(data, level)
    assert len(packed) < len(data) // 2 and zstd.decompress(packed) == data
options = {P.compression_level: 5, P.checksum_flag: 1, P.window_log: 15, P.strategy: zstd.Strategy.greedy}
packed = zstd.compress(data, options=options)
assert zstd.decompress(packed, options={zstd.DecompressionParameter.window_log_max: 20}) == data
assert P.window_log.bounds() == (10, 31) and zstd.zstd_version_info[0] >= 1
assert zstd.get_frame_info(packed).decompressed_size == len(data) and zstd.get_frame_size(packed + b"x") == len(packed)
raises(TypeError, zstd.ZstdCompressor, 1, {})
raises(ValueError, zstd.ZstdCompressor, 100)
raises(ValueError, zstd.ZstdCompressor, options={P.window_log: 99})
raises(ValueError, zstd.ZstdCompressor, options={12345: 1})
raises(TypeError, zstd.ZstdCompressor, options={zstd.DecompressionParameter.window_log_max: 20})

# Compressing piece by piece.
c = zstd.ZstdCompressor()
assert c.last_mode == c.FLUSH_FRAME
parts = [c.compress(b"one "), c.compress(b"two", c.FLUSH_BLOCK)]
assert parts[1] and c.last_mode == c.FLUSH_BLOCK
parts.append(c.flush())
assert zstd.decompress(b"".join(parts)) == b"one two"
c.set_pledged_input_size(3)
frame = c.compress(b"abc", c.FLUSH_FRAME)
assert zstd.get_frame_info(frame).decompressed_size == 3
c.compress(b"x")
raises(ValueError, c.set_pledged_input_size, 1)
raises(ValueError, c.compress, b"", 7)
raises(ValueError, c.flush, c.CONTINUE)

# Decompressing piece by piece.
packed = zstd.compress(data)
d = zstd.ZstdDecompressor()
out = b""
for i in range(0, len(packed), 11):
    out += d.decompress(packed[i:i + 11])
assert out == data and d.eof and not d.needs_input
raises(EOFError, d.decompress, b"")
d = zstd.ZstdDecompressor()
out = d.decompress(packed + b"rest", 100)
assert len(out) == 100 and not d.needs_input
while not d.eof:
    out += d.decompress(b"", 1000)
assert out == data and d.unused_data == b"rest"
assert zstd.decompress(zstd.compress(b"a") + zstd.compress(b"b")) == b"ab"
raises(zstd.ZstdError, zstd.decompress, b"no frame at all")
raises(zstd.ZstdError, zstd.decompress, packed[:-1])

# Dictionaries.
samples = [b"%d sample text %d" % (i, i * 7) for i in range(3000)]
trained = zstd.train_dict(samples, 3000)
assert trained.dict_id and len(trained) <= 3000 and repr(trained).startswith("<ZstdDict dict_id=")
for use in (trained, trained.as_digested_dict, trained.as_undigested_dict, trained.as_prefix):
    packed = zstd.compress(samples[12], zstd_dict=use)
    assert zstd.decompress(packed, use) == samples[12]
packed = zstd.compress(samples[12], zstd_dict=trained)
assert zstd.get_frame_info(packed).dictionary_id == trained.dict_id
raises(zstd.ZstdError, zstd.decompress, packed)
raw = zstd.ZstdDict(b"a" * 100, is_raw=True)
assert raw.dict_id == 0 and zstd.decompress(zstd.compress(b"a" * 90, zstd_dict=raw), raw) == b"a" * 90
assert zstd.finalize_dict(raw, samples, 2000, 3).dict_id
raises(ValueError, zstd.ZstdDict, b"short")
raises(ValueError, zstd.ZstdDict, b"no dictionary")
raises(TypeError, zstd.compress, b"", zstd_dict=b"a" * 10)
raises(ValueError, _zstd.train_dict, b"abc", (2,), 100)

# Files.
buffer = io.BytesIO()
with zstd.open(buffer, "wt", encoding="utf-8") as f:
    f.write("one\ntwo\n")
buffer.seek(0)
with zstd.open(buffer, "rt", encoding="utf-8") as f:
    assert f.readlines() == ["one\n", "two\n"]

print("zstd: ok")
