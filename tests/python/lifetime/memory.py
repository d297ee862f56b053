"""Objects cost no more memory than they are said to.

Resident memory of the process, as the system counts it, before and after many objects were made: what allocators and
page rounding add counts as well.
"""

import sys

if not sys.platform.startswith("linux"):
    sys.exit(0)

PAGE = 4096
MB = 1 << 20


def resident():
    with open("/proc/self/statm", "rb", 0) as f:
        return int(f.read().split()[1]) * PAGE


def growth(make):
    """The bytes that what `make` returns occupies."""
    before = resident()
    kept = make()
    grown = resident() - before
    del kept
    return grown


class Point:
    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z


def within(name, grown, budget):
    assert grown <= budget + MB, f"{name}: {grown} bytes, the budget is {budget}"


def points(n):
    return [Point(i, i, i) for i in range(n)]


# What loading and warming up the code needs is not counted.
points(1000)

n = 10_000_000
within("list of ints", growth(lambda: list(range(n))), 8 * n)
within("list of floats", growth(lambda: [0.5] * n), 8 * n)
n = 5_000_000
# A list that grows item by item keeps an eighth of it as room.
within("list of ints that grew", growth(lambda: [i for i in range(n)]), 9 * n)
within("list of floats that grew", growth(lambda: [i * 0.5 for i in range(n)]), 9 * n)

n = 200_000
within("instances with three attributes", growth(lambda: points(n)), (48 + 9) * n)
