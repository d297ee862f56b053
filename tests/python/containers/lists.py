"""Lists: slices, growth, comparison, sorting."""

import operator

def raises(exc, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        return str(e)
    raise AssertionError(f"{exc.__name__} not raised")

# Every slice of every small list agrees with the definition by positions.
marks = [None, -7, -3, -1, 0, 1, 2, 5, 9]
for n in range(6):
    base = list(range(n))
    for start in marks:
        for stop in marks:
            for step in (None, -3, -2, -1, 1, 2, 4):
                s = slice(start, stop, step)
                picked = [base[i] for i in range(*s.indices(n))]
                assert base[s] == picked
                assert tuple(base)[s] == tuple(picked)
                copy = base[:]
                del copy[s]
                assert copy == [x for x in base if x not in picked]
                copy = base[:]
                if step in (None, 1):
                    copy[s] = "ab"
                    i, j, _ = s.indices(n)
                    assert copy == base[:i] + ["a", "b"] + base[max(i, j):]
                else:
                    copy[s] = [-x for x in picked]
                    assert [abs(x) for x in copy] == base

assert raises(ValueError, [1, 2, 3].__setitem__, slice(0, 3, 2), [1]) == \
    "attempt to assign sequence of size 1 to extended slice of size 2"
assert raises(TypeError, operator.getitem, [1], "x") == "list indices must be integers or slices, not str"
assert raises(IndexError, lambda: [1][1]) == "list index out of range"
assert raises(IndexError, [].pop) == "pop from empty list"
assert raises(ValueError, [1].remove, 2) == "list.remove(x): x not in list"
assert raises(TypeError, lambda: [1] + (2,)) == 'can only concatenate list (not "tuple") to list'
assert raises(MemoryError, lambda: [0] * (1 << 62)) == ""
assert raises(MemoryError, lambda: (0, 1) * (1 << 61)) == ""

a = [1, 2]
a += a
a *= 2
assert a == [1, 2] * 4
a[2:4] = a
assert len(a) == 14
a.extend(x for x in range(3))
assert a[-3:] == [0, 1, 2]
a *= -1
assert a == []

# Changing a list while it is walked is well defined.
a = [0, 1, 2, 3]
seen = []
for x in a:
    seen.append(x)
    if x == 1:
        a.remove(1)
assert seen == [0, 1, 3]

class Sneaky:
    """An item whose comparison empties the list that holds it."""
    def __init__(self, target):
        self.target = target
    def __eq__(self, other):
        self.target.clear()
        return False

for probe in (lambda l: 5 in l, lambda l: l.count(5), lambda l: l == [1, 2, 3, 4]):
    l = []
    l.extend([Sneaky(l), Sneaky(l), 1, 5])
    probe(l)

nested = []
nested.append(nested)
assert repr(nested) == "[[...]]"
assert repr((nested,)) == "([[...]],)"

# Sorting: stable, with keys, reversed, mixed numbers, partial failures.
words = "the quick brown fox jumps over the lazy dog".split()
assert sorted(words, key=len) == ["the", "fox", "the", "dog", "over", "lazy", "quick", "brown", "jumps"]
assert sorted(words, key=len, reverse=True) == ["quick", "brown", "jumps", "over", "lazy", "the", "fox", "the", "dog"]
assert sorted([3, 1.5, True, -2, 10**30, float("-inf")]) == [float("-inf"), -2, True, 1.5, 3, 10**30]
assert sorted([(2, "b"), (1, "z"), (2, "a")]) == [(1, "z"), (2, "a"), (2, "b")]

class K:
    limit = None
    def __init__(self, n):
        self.n = n
    def __lt__(self, other):
        if K.limit is not None:
            K.limit -= 1
            if K.limit < 0:
                raise ZeroDivisionError
        return self.n < other.n

def noise(n):
    x = 12345
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        yield x % 97

for n in (0, 1, 2, 20, 63, 64, 65, 200, 1000):
    ints = list(noise(n))
    boxed = sorted(map(K, ints))
    assert [k.n for k in boxed] == sorted(ints)
    assert sorted(ints, reverse=True) == sorted(ints)[::-1]
    pairs = sorted(enumerate(ints), key=lambda p: p[1], reverse=True)
    assert pairs == sorted(sorted(enumerate(ints)), key=lambda p: -p[1])

items = [K(n) for n in noise(300)]
for limit in (0, 1, 5, 50, 300, 900, 1500):
    work = items[:]
    K.limit = limit
    try:
        work.sort()
    except ZeroDivisionError:
        pass
    K.limit = None
    assert sorted(map(id, work)) == sorted(map(id, items))

def meddle(x):
    victim.append(x)
    return x
victim = [3, 2, 1]
assert raises(ValueError, victim.sort, key=meddle) == "list modified during sort"
assert victim == [1, 2, 3]
assert raises(TypeError, [1, "a"].sort) == "'<' not supported between instances of 'str' and 'int'"

# Iterators.
it = iter([1, 2, 3])
assert it.__length_hint__() == 3 and next(it) == 1 and it.__length_hint__() == 2
f, args, state = it.__reduce__()
assert f is iter and args == ([1, 2, 3],) and state == 1
it.__setstate__(0)
assert list(it) == [1, 2, 3] and list(it) == []
assert it.__reduce__() == (iter, ([],))
r = reversed([1, 2, 3])
assert r.__length_hint__() == 3 and list(r) == [3, 2, 1] and r.__length_hint__() == 0

class L(list):
    pass
assert type(L([1]) + [2]) is list and type(L([1])[:]) is list and L([1]) == [1]
assert list[int].__origin__ is list
