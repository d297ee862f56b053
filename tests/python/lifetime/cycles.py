"""The cycle collector."""

import gc
import weakref

gc.disable()
gc.collect()
log = []


class Node:
    def __init__(self, name=None):
        self.name = name

    def __del__(self):
        if self.name:
            log.append(self.name)


def collected(make):
    """Whether the cycle that `make` leaves behind goes at the next collection."""
    ref = make()
    assert ref() is not None, make.__name__
    gc.collect()
    assert ref() is None, make.__name__


def attributes():
    a, b = Node("a"), Node("b")
    a.other, b.other = b, a
    return weakref.ref(a)


def itself():
    n = Node()
    n.me = n
    return weakref.ref(n)


def through_list():
    n = Node()
    n.items = [n]
    return weakref.ref(n)


def through_dict():
    n = Node()
    n.d = {"k": n}
    return weakref.ref(n)


def through_dict_key():
    n = Node()
    n.d = {n: 1}
    return weakref.ref(n)


def through_set():
    n = Node()
    n.s = {n}
    n.f = frozenset([n])
    return weakref.ref(n)


def through_tuple():
    n = Node()
    n.t = (n, (n,))
    return weakref.ref(n)


def through_closure():
    n = Node()

    def f():
        return n

    n.f = f
    return weakref.ref(n)


def through_bound_method():
    n = Node()
    n.m = n.__init__
    return weakref.ref(n)


def through_generator():
    n = Node()

    def g():
        me = n
        yield me

    n.g = g()
    next(n.g)
    return weakref.ref(n)


def through_class():
    class C:
        pass

    C.me = C
    C.instance = C()
    return weakref.ref(C)


def through_exception():
    n = Node()
    try:
        raise ValueError
    except ValueError as e:
        n.e = e
    return weakref.ref(n)


def through_iterator():
    n = Node()
    n.i = iter([n])
    n.e = enumerate([n])
    n.z = zip([n], map(lambda x: x, [n]))
    return weakref.ref(n)


def through_property_and_partial():
    import functools

    n = Node()
    n.p = property(lambda self: n)
    n.q = functools.partial(print, n)
    n.mp = type(type.__dict__)({"n": n})
    return weakref.ref(n)


def through_deque():
    import collections

    n = Node()
    n.q = collections.deque([n])
    n.dd = collections.defaultdict(lambda: n)
    n.od = collections.OrderedDict(n=n)
    return weakref.ref(n)


for make in [v for k, v in list(globals().items()) if k.startswith("through_")] + [attributes, itself]:
    collected(make)
assert sorted(log) == ["a", "b"]
log.clear()

# What can still be reached stays.
keep = Node("kept")
keep.me = keep
outside = weakref.ref(keep)
gc.collect()
assert outside() is keep and log == []

# Finalisers in a cycle may resurrect it.
class Phoenix:
    def __del__(self):
        saved.append(self)


saved = []
p = Phoenix()
p.me = p
p.data = ["whole"]
del p
gc.collect()
assert saved[0].data == ["whole"] and saved[0].me is saved[0]
ref = weakref.ref(saved[0])
saved.clear()
gc.collect()
assert ref() is None and saved == []

# Weak reference callbacks of garbage do not run; those outside do.
calls = []
n = Node()
n.me = n
n.inner = weakref.ref(n, lambda r: calls.append("inside"))
r = weakref.ref(n, lambda r: calls.append("outside"))
del n
gc.collect()
assert calls == ["outside"]

# The module's functions.
assert gc.is_tracked([]) and gc.is_tracked(Node()) and not gc.is_tracked(5) and not gc.is_tracked("s")
x = []
holder = [x]
assert any(r is holder for r in gc.get_referrers(x)) and gc.get_referents(holder) == [x]
assert gc.isenabled() is False
gc.enable()
assert gc.isenabled() and len(gc.get_count()) == 3 and len(gc.get_threshold()) == 3
events = []
gc.callbacks.append(lambda phase, info: events.append((phase, info["generation"])))
gc.collect()
gc.callbacks.clear()
assert events == [("start", 2), ("stop", 2)], events
assert all(k in gc.get_stats()[0] for k in ("collections", "collected", "uncollectable")) and gc.garbage == []
made = Node()
assert any(o is made for o in gc.get_objects())
gc.freeze()
assert gc.get_freeze_count() > 0
gc.unfreeze()
assert gc.get_freeze_count() == 0

# Garbage goes by itself when enough of it is made.
seen = weakref.WeakSet()
for i in range(50_000):
    n = Node()
    n.me = n
    seen.add(n)
assert len(seen) < 50_000


# A dictionary that is its own attributes.
class Own(dict):
    def __init__(self):
        self.__dict__ = self


own = Own()
own.attr = 42
ref = weakref.ref(own)
del own
gc.collect()
assert ref() is None and not any(type(o) is Own for o in gc.get_objects())
