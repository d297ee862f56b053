"""Details of small modules: queues, timers, scheduling parameters, JSON of lists that change."""

import csv
import copy
import functools
import json
import marshal
import os
import pickle
import queue
import statistics
import sys

from concurrent import interpreters

# The exception of an empty queue is one class, however often the module is imported.
before = queue.Empty
for name in ("queue", "_queue"):
    del sys.modules[name]
import queue as again

q = again.SimpleQueue()
for get in (q.get_nowait, lambda: q.get(block=False), lambda: q.get(timeout=0.001)):
    try:
        get()
    except again.Empty:
        pass
    else:
        raise AssertionError("the queue is empty")
q.put(1)
assert q.get() == 1

# Encoding one item of a list may change the list.
items = [object()] * 10


def shrink(obj):
    del items[-1]


assert json.dumps(items, default=shrink) == "[null, null, null, null, null]"
assert json.dumps([[], (), [1, (2, [3])]]) == "[[], [], [1, [2, [3]]]]"
assert json.dumps([1, [2]], indent=1) == "[\n 1,\n [\n  2\n ]\n]"

# A scheduling parameter is made of its one field.
if hasattr(os, "sched_param"):
    p = os.sched_param(3)
    assert p.sched_priority == 3 and p == os.sched_param(sched_priority=3) and len(p) == 1
    assert pickle.loads(pickle.dumps(p)) == p and copy.replace(p, sched_priority=0).sched_priority == 0
    try:
        os.sched_param()
    except TypeError:
        pass
    else:
        raise AssertionError("the field is required")

# Descriptors of timers are not inherited, whatever flags are given.
if hasattr(os, "timerfd_create"):
    import time
    for flags in (0, os.TFD_NONBLOCK):
        fd = os.timerfd_create(time.CLOCK_MONOTONIC, flags=flags)
        assert not os.get_inheritable(fd)
        os.close(fd)

# Queues between interpreters.
q = interpreters.create_queue(2)
q.put("a")
q.put([1, 2])
assert q.full() and q.qsize() == 2 and q.get() == "a" and q.get() == [1, 2] and q.empty()
try:
    q.get_nowait()
except interpreters.QueueEmpty:
    pass
else:
    raise AssertionError("the queue is empty")
del q
assert interpreters.get_current() is interpreters.get_main()


# A reader of CSV whose lines come from an iterator that reads on itself.
class Reentrant:
    def __iter__(self):
        return self

    def __next__(self):
        if not self.inside:
            self.inside = True
            next(self.reader)
        return "a,b"


lines = Reentrant()
lines.inside, lines.reader = False, csv.reader(lines)
try:
    next(lines.reader)
except csv.Error as e:
    assert str(e) == "iterator has already advanced the reader"
else:
    raise AssertionError("the reader was advanced twice")

# The imports of a program, found without running it.
import modulefinder
import tempfile

with tempfile.TemporaryDirectory() as d:
    for name, text in {
        "main.py": "import first\nfrom pack import inner, value\nfrom missing import thing\n",
        "first.py": "kept = 1\n",
        "pack/__init__.py": "from . import second\nfrom .third import *\nvalue = 1\n",
        "pack/inner.py": "", "pack/second.py": "", "pack/third.py": "star = 1\n",
    }.items():
        os.makedirs(os.path.dirname(os.path.join(d, name)), exist_ok=True)
        with open(os.path.join(d, name), "w") as f:
            f.write(text)
    finder = modulefinder.ModuleFinder([d])
    finder.run_script(os.path.join(d, "main.py"))
found = ["__main__", "first", "pack", "pack.inner", "pack.second", "pack.third"]
assert sorted(finder.modules) == found and finder.any_missing() == ["missing"], finder.modules
assert "kept" in finder.modules["first"].globalnames

# Limits, ids and sizes that no C type or no mapping holds.
import grp
import mmap
import pwd
import resource


def raises(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e.args[0])
    raise AssertionError(f"{kind} was not raised")


old = resource.getrlimit(resource.RLIMIT_RSS)
if old == (resource.RLIM_INFINITY, resource.RLIM_INFINITY):
    for limit in 1 << 63, (1 << 64) - 2, -1:
        resource.setrlimit(resource.RLIMIT_RSS, (limit, -1))
        assert resource.getrlimit(resource.RLIMIT_RSS) == (limit, -1)
assert raises(ValueError, resource.setrlimit, resource.RLIMIT_RSS, (-2, -1)) == "Cannot convert negative int"
raises(OverflowError, resource.setrlimit, resource.RLIMIT_RSS, (1 << 64, -1))
assert raises(OverflowError, grp.getgrgid, 1 << 64) == "gid is greater than maximum"
assert raises(OverflowError, grp.getgrgid, -1 << 64) == "gid is less than minimum"
assert raises(KeyError, pwd.getpwuid, 1 << 64) == "getpwuid(): uid not found"
with mmap.mmap(-1, 8192) as m:
    assert raises(ValueError, m.resize, 16384) == "mmap: can't expand a shared anonymous mapping"

# Code that holds what no bytes stand for is refused rather than written without it.
for constant in (frozenset([int]), object()):
    code = shrink.__code__
    code = code.replace(co_consts=code.co_consts + (constant,))
    for outer in (code, (lambda: 0).__code__.replace(co_consts=(code,))):
        try:
            marshal.dumps(outer)
        except ValueError as e:
            assert "unmarshallable" in str(e)
        else:
            raise AssertionError(constant)

# A normal distribution of width 0 has all its mass at its mean.
assert statistics.NormalDist(100, 0).inv_cdf(0.5) == 100


# Partials of partials are one, also of a subclass; a copy shares the arguments.
class Part(functools.partial):
    pass


inner = Part(print, functools.Placeholder, 0)
assert Part(inner, functools.Placeholder, 1).args == (functools.Placeholder, 0, 1) and Part(inner).func is print
assert copy.copy(inner).args is inner.args

# Lone surrogates in paths stay as they are.
assert os.path.normpath("a/./b\ud800\udc80/") == "a/b\ud800\udc80"

print("small modules: ok")
