"""The cycle collector and weak references."""

import gc
import weakref

gc.collect()

class Node:
    pass

def pair():
    a, b = Node(), Node()
    a.other, b.other = b, a
    return weakref.ref(a), weakref.ref(b)

r, s = pair()
assert r() is not None
assert gc.collect() >= 2
assert r() is None and s() is None

# Every kind of container takes part.
for make in (lambda x: [x], lambda x: (x,), lambda x: {1: x}, lambda x: {x: 1}, lambda x: {x}, lambda x: frozenset([x]),
             lambda x: lambda: x, lambda x: iter([x]), lambda x: (y for y in [x]), lambda x: x.method,
             lambda x: type("T", (), {"x": x})):
    class Owner:
        def method(self):
            pass
    o = Owner()
    o.held = make(o)
    w = weakref.ref(o)
    del o
    gc.collect()
    assert w() is None, make

# Finalisers run once, resurrection works, callbacks see dead references.
log = []
saved = []
class Phoenix:
    def __del__(self):
        log.append("del")
        saved.append(self)
p = Phoenix()
p.me = p
del p
gc.collect()
assert log == ["del"] and len(saved) == 1 and saved[0].me is saved[0] and gc.is_finalized(saved[0])
saved.clear()
gc.collect()
assert log == ["del"]

log.clear()
class Plain:
    def __del__(self):
        log.append("gone")
x = Plain()
w = weakref.ref(x, lambda ref: log.append(ref() is None))
del x
assert log == ["gone", True]

log.clear()
x = Plain()
x.cycle = x
w = weakref.ref(x, lambda ref: log.append(("callback", ref() is None)))
del x
gc.collect()
assert sorted(map(str, log)) == ["('callback', True)", "gone"]

# References: identity, equality, hashes.
class Value:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return self.n == other.n
    def __hash__(self):
        return hash(self.n)
a, b = Value(1), Value(1)
ra, rb = weakref.ref(a), weakref.ref(b)
assert ra == rb and hash(ra) == hash(a) and weakref.ref(a) is ra and weakref.getweakrefcount(a) == 1
assert weakref.ref(a, print) is not ra and "Value" in repr(ra)
del a
assert ra() is None and ra != rb and hash(ra) == hash(rb) and "dead" in repr(ra)
try:
    weakref.ref(5)
except TypeError as e:
    assert str(e) == "cannot create weak reference to 'int' object"
else:
    raise AssertionError

# Proxies.
class Number:
    def __init__(self, n):
        self.n = n
    def __add__(self, other):
        return self.n + other
    def __radd__(self, other):
        return other + self.n
    def __len__(self):
        return 3
    def __getitem__(self, i):
        return i * self.n
    def __iter__(self):
        return iter([self.n])
    def __bool__(self):
        return False
    def __call__(self, *args, **kw):
        return args, kw
n = Number(4)
q = weakref.proxy(n)
assert q + 1 == 5 and 1 + q == 5 and len(q) == 3 and q[2] == 8 and list(q) == [4] and not q and q(1, k=2) == ((1,), {"k": 2})
q.n = 7
assert n.n == 7 and type(q) is weakref.CallableProxyType
del n
try:
    q.n
except ReferenceError as e:
    assert str(e) == "weakly-referenced object no longer exists"
else:
    raise AssertionError

d = weakref.WeakValueDictionary()
k = weakref.WeakKeyDictionary()
st = weakref.WeakSet()
v = Value(9)
d["v"] = v
k[v] = 1
st.add(v)
assert len(d) == len(k) == len(st) == 1
del v
assert len(d) == len(k) == len(st) == 0
done = []
v = Value(3)
weakref.finalize(v, done.append, 1)
del v
assert done == [1]

# A __dict__ in use keeps the attributes of its object, also when they refer to the object.
class Bag:
    pass
bag = Bag()
bag.me, bag.n = bag, 5
attrs = bag.__dict__
del bag
gc.collect()
assert attrs["n"] == 5 and attrs["me"].n == 5
bag, other = Bag(), Bag()
other.__dict__ = bag.__dict__
other.ref = [bag]
del bag
gc.collect()
assert type(other.ref[0]) is Bag and other.ref[0].ref is other.ref
del attrs, other

# The module's own view.
probe = [1]
holder = {"p": probe}
assert holder in gc.get_referrers(probe) and probe in gc.get_referents(holder)
assert gc.is_tracked([]) and not gc.is_tracked(1) and not gc.is_tracked("s") and not gc.is_tracked(())
events = []
def note(phase, info):
    events.append((phase, info["generation"]))
gc.callbacks.append(note)
gc.collect(1)
gc.callbacks.remove(note)
assert events == [("start", 1), ("stop", 1)]
assert gc.get_threshold() == (2000, 10, 10) and len(gc.get_count()) == 3 and len(gc.get_stats()) == 3
try:
    gc.collect(3)
except ValueError as e:
    assert str(e) == "invalid generation"

# Automatic collection keeps garbage bounded.
class Counted:
    alive = 0
    def __init__(self):
        Counted.alive += 1
        self.me = self
    def __del__(self):
        Counted.alive -= 1
gc.enable()
for _ in range(100000):
    Counted()
assert Counted.alive < 60000, Counted.alive
gc.collect()
assert Counted.alive == 0

# Deep structures end without exhausting the stack.
deep = None
for i in range(300000):
    deep = [deep] if i % 2 else (deep,)
del deep
node = None
for i in range(300000):
    fresh = Node()
    fresh.next = node
    node = fresh
del node, fresh
