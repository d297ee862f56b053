"""Sizes that no memory can back are MemoryErrors, whatever they are asked for by."""

import array
import collections

HUGE = 1 << 40


def refused(f, *kinds):
    try:
        f()
    except (MemoryError, *kinds):
        return
    raise AssertionError("a tebibyte was allocated")


refused(lambda: bytearray(HUGE))
refused(lambda: bytes(HUGE))
refused(lambda: [None] * HUGE)
refused(lambda: (None,) * HUGE)
refused(lambda: "a" * HUGE)
refused(lambda: "a".center(HUGE))
refused(lambda: b"a".ljust(HUGE))
refused(lambda: "%*d" % (HUGE, 1))
refused(lambda: 1 << (HUGE * 8))
refused(lambda: (1).to_bytes(HUGE))
refused(lambda: array.array("i", [1]) * HUGE)
refused(lambda: bytearray(b"a") * HUGE)
refused(lambda: "\t".expandtabs(HUGE), OverflowError)
b = bytearray(b"abc")
refused(lambda: b.resize(HUGE))
assert b == b"abc"
big = bytearray(100 << 20)
big.extend(b"x")
assert len(big) == (100 << 20) + 1 and big[-1] == 120
del big[1000:]
assert len(big) == 1000
