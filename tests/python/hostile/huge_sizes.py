"""Sizes that no machine has memory for raise MemoryError, OverflowError or ValueError."""

import array
import io
import math
import resource
import sys

# Systems may promise any size; the limit makes them say no.
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
M = sys.maxsize
block = "x" * 10**6


def expect_error(function):
    try:
        function()
    except (MemoryError, OverflowError, ValueError, IndexError):
        return
    raise AssertionError("no error")


for function in (
    lambda: "a" * M, lambda: b"a" * M, lambda: [1] * M, lambda: (1,) * M, lambda: bytearray(M), lambda: bytes(M),
    lambda: [0] * (1 << 50), lambda: 1 << (1 << 40), lambda: 1 << M, lambda: "x".zfill(M), lambda: "x".ljust(M),
    lambda: "x".center(1 << 45), lambda: "%*d" % (M, 1), lambda: format(1, "%d" % (1 << 40)),
    lambda: ",".join([block] * 10**7), lambda: b",".join([block.encode()] * 10**7), lambda: list(range(M)),
    lambda: array.array("d", [1]) * (M // 8), lambda: "\t\t".expandtabs(M), lambda: math.factorial(1 << 64),
    lambda: (1).to_bytes(1 << 45), lambda: io.BytesIO().write(b"x" * M), lambda: "%s" * M,
    lambda: block.replace("x", block), lambda: block.replace("", block), lambda: block.encode().replace(b"x", block.encode()),
):
    expect_error(function)
