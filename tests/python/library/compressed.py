"""Streams of zlib and bzip2, and hashes by name."""

import bz2
import copy
import hashlib
import hmac
import zlib

data = bytes(range(256)) * 300
for wbits in (15, -15, 31):
    c = zlib.compressobj(wbits=wbits)
    packed = c.compress(data[:1000])
    d = c.copy()
    assert packed + c.compress(data[1000:]) + c.flush() == packed + d.compress(data[1000:]) + d.flush()
    whole = zlib.compress(data, wbits=wbits)
    assert zlib.decompress(whole, wbits) == data
    d = zlib.decompressobj(wbits)
    got = d.decompress(whole + b"behind", 100)
    assert len(got) == 100 and not d.eof
    other = copy.copy(d)
    while d.unconsumed_tail:
        got += d.decompress(d.unconsumed_tail, 1000)
    got += d.flush()
    assert got == data and d.eof and d.unused_data == b"behind"
    assert got[:100] + other.decompress(other.unconsumed_tail) + other.flush() == data
c = zlib.compressobj(zdict=b"dictionary")
packed = c.compress(b"dictionary") + c.flush()
d = zlib.decompressobj(zdict=b"dictionary")
assert d.decompress(packed) == b"dictionary"
for bad in (b"abc", zlib.compress(data)[:-4]):
    try:
        zlib.decompress(bad)
    except zlib.error as e:
        assert "while decompressing data" in str(e)
    else:
        raise AssertionError("broken data was accepted")

assert hashlib.new("sha256", b"abc").hexdigest().startswith("ba7816bf")
assert hashlib.new("SHA512_256", b"").digest_size == 32
assert hashlib.shake_128(b"").hexdigest(4) == "7f9c2ba4"
assert hmac.new(b"key", b"message", "sha1").hexdigest() == "2088df74d5f2146b48146caf4965377e9d0be3a4"
assert hmac.digest(b"key", b"message", "md5").hex() == "4e4748e62b463521f6775fbf921234b5"
assert hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 2).hex() == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
for name in hashlib.algorithms_guaranteed:
    h = hashlib.new(name, b"a")
    k = h.copy()
    h.update(b"b" * 5000)
    n = (8,) if name.startswith("shake") else ()
    assert h.digest(*n) == hashlib.new(name, b"a" + b"b" * 5000).digest(*n)
    assert k.digest(*n) == hashlib.new(name, b"a").digest(*n)
    try:
        type(h)()
    except TypeError:
        pass

# Objects with a native part that Python code cannot make.
kind = type(hashlib.new("md5"))
for make in (lambda: kind.__new__(kind), lambda: object.__new__(kind)):
    try:
        make()
    except TypeError:
        pass
    else:
        raise AssertionError("an empty hash object was made")

c = bz2.BZ2Compressor(5)
packed = c.compress(data[:70]) + c.compress(data[70:]) + c.flush()
assert bz2.decompress(packed) == data and bz2.decompress(packed + packed) == data * 2
d = bz2.BZ2Decompressor()
got = d.decompress(packed + b"behind", 100)
assert len(got) == 100 and not d.eof and not d.needs_input
while not d.eof:
    got += d.decompress(b"", 1000)
assert got == data and d.unused_data == b"behind"
d = bz2.BZ2Decompressor()
assert b"".join(d.decompress(packed[i : i + 1]) for i in range(len(packed))) == data
for wrong, error in ((b"abcd" * 9, OSError), (packed[:-4], ValueError)):
    try:
        bz2.decompress(wrong)
    except error:
        pass
    else:
        assert False, wrong

# Flushing a decompressor gives everything that is left, however much it is.
import zlib

text = b"".join(b"%d some text to compress %d\n" % (i * i, i) for i in range(6000))
for most in (1, 10, 1000):
    d = zlib.decompressobj()
    assert d.decompress(zlib.compress(text, 1), most) + d.flush() == text and d.eof

# A decompressor that met bad data is of no use any more.
d = bz2.BZ2Decompressor()
for attempt, error in (b"no stream", OSError), (bz2.compress(b"text"), ValueError), (b"", ValueError):
    try:
        d.decompress(attempt)
    except error:
        assert not d.needs_input and not d.eof
    else:
        raise AssertionError("the decompressor goes on")
