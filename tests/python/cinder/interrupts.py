# timeout: 240
"""A signal is served within about a second whatever native code runs: endless iterations, huge numbers, waits.

CPython cannot be interrupted in most of the iterations.
"""

import collections
import functools
import heapq
import itertools
import math
import operator
import os
import queue
import random
import re
import select
import signal
import sys
import threading
import time

sys.set_int_max_str_digits(0)


class Stop(Exception):
    pass


def on_alarm(number, frame):
    raise Stop


signal.signal(signal.SIGALRM, on_alarm)


def interrupted(function, *args):
    """Seconds that it took from the signal to the exception of its handler."""
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        function(*args)
    except Stop:
        return time.monotonic() - start - 0.03
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    raise AssertionError("it ended before the signal")


def condition():
    c = threading.Condition()
    with c:
        c.wait(30)


def held_lock(timeout=-1):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=timeout)


repeat, count = itertools.repeat, itertools.count
none = filter(None, repeat(0))
read_end, write_end = os.pipe()
values = [random.random() for _ in range(3 * 10**6)]
huge = 3**1500000
ENDLESS = {
    "sum": lambda: sum(repeat(1)),
    "sum of floats": lambda: sum(repeat(1.0)),
    "fsum": lambda: math.fsum(repeat(1.0)),
    "prod": lambda: math.prod(repeat(1)),
    "sumprod": lambda: math.sumprod(repeat(1), repeat(1)),
    "list": lambda: list(none),
    "tuple": lambda: tuple(none),
    "set": lambda: set(repeat(1)),
    "frozenset": lambda: frozenset(repeat(1)),
    "dict": lambda: dict(repeat((1, 2))),
    "fromkeys": lambda: dict.fromkeys(repeat(1)),
    "bytes": lambda: bytes(none),
    "bytearray": lambda: bytearray(none),
    "deque": lambda: collections.deque(count(), 0),
    "Counter": lambda: collections.Counter(repeat("a")),
    "in": lambda: -1 in count(),
    "max": lambda: max(count()),
    "min": lambda: min(repeat(1)),
    "any": lambda: any(repeat(0)),
    "all": lambda: all(repeat(1)),
    "any of a range": lambda: any(map(int, repeat(0))),
    "sum of a range": lambda: sum(range(10**13)),
    "str.join": lambda: "".join(none),
    "bytes.join": lambda: b"".join(none),
    "next": lambda: next(none),
    "dropwhile": lambda: next(itertools.dropwhile(bool, repeat(1))),
    "takewhile": lambda: sum(itertools.takewhile(bool, repeat(1))),
    "compress": lambda: next(itertools.compress(repeat(1), repeat(0))),
    "filterfalse": lambda: next(itertools.filterfalse(None, repeat(1))),
    "islice": lambda: next(itertools.islice(count(), 10**15, None)),
    "starmap": lambda: sum(itertools.starmap(max, repeat((1, 2)))),
    "chain": lambda: next(itertools.chain.from_iterable(repeat(()))),
    "groupby": lambda: collections.deque(itertools.groupby(repeat(1)), 0),
    "zip": lambda: max(zip(repeat(1))),
    "accumulate": lambda: max(itertools.accumulate(repeat(0))),
    "batched": lambda: max(itertools.batched(repeat(0), 3)),
    "cycle": lambda: min(itertools.cycle([1])),
    "product": lambda: max(itertools.product(range(100), repeat=6)),
    "permutations": lambda: max(itertools.permutations(range(15))),
    "combinations": lambda: max(itertools.combinations(range(60), 9)),
    "star arguments": lambda: max(*none),
    "star in a list": lambda: [*none],
    "extend": lambda: [].extend(none),
    "slice assignment": lambda: [].__setitem__(slice(0), none),
    "set.update": lambda: set().update(repeat(0)),
    "set.difference": lambda: {1}.difference(repeat(0)),
    "set.isdisjoint": lambda: {1}.isdisjoint(repeat(0)),
    "countOf": lambda: operator.countOf(repeat(0), 1),
    "indexOf": lambda: operator.indexOf(repeat(0), 1),
    "reduce": lambda: functools.reduce(max, repeat(0)),
    "nlargest": lambda: heapq.nlargest(2, repeat(0)),
    "unpacking": lambda: exec("a, *b = none"),
    "for": lambda: exec("for _ in repeat(0): pass"),
    "while": lambda: exec("while 1: pass"),
    "regular expression": lambda: re.match("(a+)+$", "a" * 40 + "b"),
    "regular expression, two ways": lambda: re.match("(?:a|a)*$", "a" * 40 + "b"),
    "pow": lambda: pow(3, 10**8),
    "pow with a modulus": lambda: pow(3, huge, huge + 2),
    "factorial": lambda: math.factorial(3 * 10**6),
    "comb": lambda: math.comb(10**8, 10**7),
    "perm": lambda: math.perm(10**7),
    "gcd": lambda: math.gcd(huge * 7**10, 5**1000000),
    "lcm": lambda: math.lcm(*range(1, 200000)),
    "multiplication": lambda: (huge << 40000000) * (huge << 39000000 | 1),
    "division": lambda: (huge << 40000000) // (huge << 20000000 | 1),
    "str of an int": lambda: str(huge << 20000000),
    "int formatting": lambda: f"{huge << 20000000:,}",
    "int of a str": lambda: int("9" * 2 * 10**7),
    "int in base 3": lambda: int("1" * 5 * 10**7, 3),
    "sort": lambda: [sorted(values) for _ in range(3)],
    "sort of tuples": lambda: sorted(zip(values, values)),
    "sleep": lambda: time.sleep(30),
    "lock": held_lock,
    "lock with a timeout": lambda: held_lock(30),
    "condition": condition,
    "event": lambda: threading.Event().wait(30),
    "SimpleQueue": lambda: queue.SimpleQueue().get(),
    "Queue": lambda: queue.Queue().get(),
    "select": lambda: select.select([read_end], [], [], 30),
    "read": lambda: os.read(read_end, 1),
    "buffered read": lambda: open(read_end, "rb", closefd=False).read(),
    "text read": lambda: open(read_end, closefd=False).readline(),
}

slow = {}
for name, function in ENDLESS.items():
    late = interrupted(function)
    # A busy machine has pauses of its own.
    if late > 1.5:
        late = interrupted(function)
    if late > 1.5:
        slow[name] = late
assert not slow, slow

# What a handler does not raise on goes on.
signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
ticks = []
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
assert sum(itertools.islice(repeat(1), 3 * 10**6)) == 3 * 10**6
assert sorted(values)[0] == min(values) and pow(3, 10**5) % 10**5 == pow(3, 10**5, 10**5)
signal.setitimer(signal.ITIMER_REAL, 0)
assert ticks

# Short native calls are not interrupted in the middle: what they walk over cannot change under them.
shared = dict.fromkeys(range(1000))
signal.signal(signal.SIGALRM, lambda *_: shared.__setitem__(len(shared), 1))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for _ in range(3000):
    list(shared.items())
    sorted(shared)
signal.setitimer(signal.ITIMER_REAL, 0)
