"""Finalisers run promptly, once, and in order."""

import sys
import weakref

log = []


class T:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(self.name)


def took(expected):
    assert log == expected, (log, expected)
    log.clear()


# The last reference ends the object at once.
T("temporary")
took(["temporary"])
x = T("first")
x = T("second")
took(["first"])
del x
took(["second"])


def parameter(x):
    x = None
    log.append("after rebinding")


parameter(T("argument"))
took(["argument", "after rebinding"])


def local_end():
    a = T("a")
    b = T("b")
    log.append("body")


local_end()
took(["body", "b", "a"])


# So it is wherever a frame ends: it may have been a generator's, been looked at, or been kept by a traceback.
def suspended():
    a = T("a")
    b = T("b")
    kept.append(sys._getframe())
    yield
    yield


kept = []
for end in (lambda g: list(g), lambda g: g.close(), lambda g: None):
    g = suspended()
    next(g)
    end(g)
    del g
    kept.clear()
    took(["b", "a"])


def looked_at():
    a = T("a")
    b = T("b")
    kept.append(sys._getframe())


looked_at()
took([])
kept.pop().clear()
took(["b", "a"])
looked_at()
kept.clear()
took(["b", "a"])


def failing():
    a = T("a")
    b = T("b")
    1 / 0


try:
    failing()
except ZeroDivisionError:
    took([])
took(["b", "a"])


def packed(a, *rest, k, **names):
    x = T("x")


packed(T("a"), T("r1"), T("r2"), k=T("k"), m=T("m"))
took(["x", "m", "r2", "r1", "k", "a"])


def returning():
    a = T("dropped")
    return 5


assert returning() == 5
took(["dropped"])


def discarded_result():
    return T("result")


discarded_result()
took(["result"])
[T("in a list"), T("second in a list")]
took(["second in a list", "in a list"])


def loop():
    for i in [T("i1"), T("i2")]:
        log.append("turn")
    log.append("after")
    del i
    log.append("end")


loop()
took(["turn", "turn", "i1", "after", "i2", "end"])


# Comparisons, subscripts, attribute access: temporaries go when they were used.
class Box(T):
    def __getitem__(self, i):
        return i

    def __eq__(self, other):
        log.append("compared")
        return True

    __hash__ = None


assert Box("left") == Box("right")
assert log[0] == "compared" and sorted(log[1:]) == ["left", "right"]
log.clear()
assert Box("subscripted")[3] == 3
took(["subscripted"])
assert Box("attribute").name == "attribute"
took(["attribute"])


# Exceptions keep frames alive, and let them go.
def fails():
    t = T("in the frame")
    raise ValueError


try:
    fails()
except ValueError as e:
    took([])
took(["in the frame"])


# Generators.
def gen():
    t = T("in the generator")
    try:
        yield 1
    finally:
        log.append("finally")


g = gen()
next(g)
took([])
del g
took(["finally", "in the generator"])


# Resurrection: the finaliser does not run twice.
class Phoenix:
    def __del__(self):
        log.append("del")
        saved.append(self)


saved = []
Phoenix()
took(["del"])
saved.clear()
took([])


# An exception in a finaliser is reported, not raised.
class Bad:
    def __del__(self):
        raise KeyError("in del")


reports = []
old, sys.unraisablehook = sys.unraisablehook, lambda u: reports.append((u.exc_type, u.err_msg, u.object))
Bad()
sys.unraisablehook = old
assert reports[0][0] is KeyError and "Bad.__del__" in reports[0][1] and reports[0][2] is None
reports.clear()


# A finaliser added or removed later counts.
class Late:
    pass


late = Late()
Late.__del__ = lambda self: log.append("late")
del late
took(["late"])
del Late.__del__
Late()
took([])


# Containers let go of what they hold, whatever the depth.
deep = None
for i in range(100_000):
    deep = [deep]
deep = (deep, T("at the top"))
del deep
took(["at the top"])


class Node:
    def __init__(self, next):
        self.next = next


chain = None
for i in range(50_000):
    chain = Node(chain)
del chain

d = {1: T("value"), T("k").name: 2}
log.clear()
d.clear()
took(["value"])
s = {1, 2}
l = [T("l0"), T("l1"), T("l2")]
del l[1]
took(["l1"])
l[:] = []
took(["l2", "l0"])
l.append(T("popped"))
l.pop()
took(["popped"])

# Weak references.
t = T("referent")
calls = []
r = weakref.ref(t, lambda r: calls.append(("callback", r() is None, log[:])))
same = weakref.ref(t)
assert same is weakref.ref(t) and r is not same and r() is t and hash(same) == hash(t) and same == weakref.ref(t)
p = weakref.proxy(t)
assert p.name == "referent"
f = weakref.finalize(t, calls.append, "finalize")
del t
assert r() is None and same() is None
assert calls == ["finalize", ("callback", True, ["referent"])], calls
took(["referent"])
try:
    p.name
except ReferenceError as e:
    assert str(e) == "weakly-referenced object no longer exists"
values, keys, ws = weakref.WeakValueDictionary(), weakref.WeakKeyDictionary(), weakref.WeakSet()
t = T("weak")
values["k"] = t
keys[t] = 1
ws.add(t)
assert len(values) == len(keys) == len(ws) == 1
del t
assert len(values) == len(keys) == len(ws) == 0
took(["weak"])
try:
    weakref.ref(5)
except TypeError as e:
    assert str(e) == "cannot create weak reference to 'int' object"

# Items of a list are dropped from the end on.
class Numbered:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        order.append(self.n)


order = []
items = [Numbered(i) for i in range(3)]
items.clear()
assert order == [2, 1, 0], order
items = [Numbered(i) for i in range(3)]
del order[:], items[:]
assert order == [2, 1, 0], order
