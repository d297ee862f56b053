"""Sets and frozensets."""

def raises(exc, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        return str(e)
    raise AssertionError(f"{exc.__name__} not raised")

import itertools

universe = range(6)
subsets = [set(c) for n in range(4) for c in itertools.combinations(universe, n)]
for a in subsets:
    for b in subsets[::3]:
        fb = frozenset(b)
        assert a & b == {x for x in universe if x in a and x in b} == a.intersection(fb)
        assert a | b == {x for x in universe if x in a or x in b} == a.union(list(b))
        assert a - b == {x for x in a if x not in b} == a.difference(iter(b))
        assert a ^ b == (a | b) - (a & b) == a.symmetric_difference(fb)
        assert (a <= b) == all(x in b for x in a) == a.issubset(b)
        assert (a < b) == (a <= b and a != b)
        assert a.isdisjoint(b) == (not a & b)
        for op, want in (("__ior__", a | b), ("__iand__", a & b), ("__isub__", a - b), ("__ixor__", a ^ b)):
            c = set(a)
            assert getattr(c, op)(b) is c and c == want
        assert hash(fb) == hash(frozenset(list(b)[::-1])) and fb == b
        assert type(fb | a) is frozenset and type(a | fb) is set

s = {1, 2, 3}
assert repr(s) == "{1, 2, 3}" and repr(set()) == "set()" and repr(frozenset("a")) == "frozenset({'a'})"
assert raises(KeyError, s.remove, 9) == "9"
assert raises(KeyError, set().pop) == "'pop from an empty set'"
assert raises(TypeError, s.add, []) == "cannot use 'list' as a set element (unhashable type: 'list')"
assert raises(TypeError, lambda: s | [1]) == "unsupported operand type(s) for |: 'set' and 'list'"
assert raises(TypeError, hash, s) == "unhashable type: 'set'"
assert raises(TypeError, set, 1, 2) == "set expected at most 1 argument, got 2"
nested = {frozenset({1})}
assert {1} in nested
nested.discard({1})
assert not nested
s.discard(77)
s.update([4], (5,), {6})
assert s == {1, 2, 3, 4, 5, 6}
s.intersection_update({1, 2}, [2, 3])
assert s == {2}
assert frozenset(f := frozenset([1])) is f and f.copy() is f

def grow():
    for x in t:
        t.add(x + 100)
t = {1, 2}
assert raises(RuntimeError, grow) == "Set changed size during iteration"
it = iter({1, 2})
assert it.__length_hint__() == 2 and next(it) == 1 and it.__length_hint__() == 1

# Ints come out in the order of CPython.
assert list({3, 1, 2, 0}) == [0, 1, 2, 3]
assert list(set(range(100, 0, -1))) == list(range(1, 101))

class Evil:
    target = None
    def __hash__(self):
        return 1
    def __eq__(self, other):
        if Evil.target is not None:
            Evil.target.clear()
        return self is other
target = {Evil(), Evil()} | {Evil()}
Evil.target = target
target.add(Evil())
Evil.target = None

class S(set):
    def __init__(self, items, tag=None):
        super().__init__(items)
        self.tag = tag
k = S([1, 2], tag="t")
assert k == {1, 2} and k.tag == "t" and type(k | {3}) is set and k.__reduce__()[2] == {"tag": "t"}
assert dict.fromkeys({1: 0}.keys() & {1, 2}) == {1: None}
