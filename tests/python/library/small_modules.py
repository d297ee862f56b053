"""Details of small modules: queues, timers, scheduling parameters, JSON of lists that change."""

import csv
import copy
import json
import os
import pickle
import queue
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

print("small modules: ok")
