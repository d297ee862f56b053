def raises(kind, text, f, *args):
    try:
        f(*args)
    except kind as e:
        assert str(e) == text, (str(e), text)
    else:
        raise AssertionError(f"{kind} expected")

assert list(range(5)) == [0, 1, 2, 3, 4] and list(range(5, 0, -2)) == [5, 3, 1] and list(range(0)) == [] and len(range(1, 10, 4)) == 3
big = range(2**70, 2**70 + 10, 3)
assert list(big) == [2**70, 2**70 + 3, 2**70 + 6, 2**70 + 9] and len(big) == 4 and big[-1] == 2**70 + 9
assert list(reversed(big)) == list(big)[::-1] and 2**70 + 3 in big and 2**70 + 4 not in big and big.index(2**70 + 6) == 2
edge = range(2**62 - 2, 2**62 + 2)
assert list(edge) == [2**62 - 2, 2**62 - 1, 2**62, 2**62 + 1] and list(reversed(edge)) == list(edge)[::-1]
top = range(2**63 - 3, 2**63 + 1)
assert list(top) == [2**63 - 3, 2**63 - 2, 2**63 - 1, 2**63] and sum(1 for _ in top) == 4

r = range(10, 100, 7)
assert r[2:5] == range(24, 45, 7) and r[::-1] == range(94, 3, -7) and r[-3:] == range(80, 101, 7) and r[5:2] == range(45, 24, 7)
assert r.count(17) == 1 and r.count(17.0) == 1 and 17.0 in r and "x" not in r and r.index(24) == 2 and True in range(2)
assert range(0) == range(5, 5) and range(3, 4, 9) == range(3, 4) and hash(range(3, 4, 9)) == hash(range(3, 4)) and range(3) != [0, 1, 2]
assert repr(range(3)) == "range(0, 3)" and repr(range(1, 5, 2)) == "range(1, 5, 2)" and bool(range(0)) is False
assert (r.start, r.stop, r.step) == (10, 100, 7) and range(True).stop == 1 and type(range(True).stop) is int
raises(ValueError, "range() arg 3 must not be zero", range, 1, 2, 0)
raises(TypeError, "'float' object cannot be interpreted as an integer", range, 1.5)
raises(TypeError, "range expected at least 1 argument, got 0", range)
raises(IndexError, "range object index out of range", lambda: range(5)[7])
raises(TypeError, "range indices must be integers or slices, not str", lambda: range(5)["a"])
raises(ValueError, "range.index(x): x not in range", range(5).index, 9)

it = iter(range(10))
next(it)
assert it.__length_hint__() == 9 and it.__reduce__()[1] == (range(1, 10),)
it.__setstate__(3)
assert list(it) == [4, 5, 6, 7, 8, 9] and list(it) == []

# Slices.
s = slice(1, 10, 2)
assert s.indices(5) == (1, 5, 2) and slice(None, None, -1).indices(4) == (3, -1, -1) and slice(-100, 2**80).indices(2**70) == (2**70 - 100, 2**70, 1)
assert slice(None).indices(3) == (0, 3, 1) and slice(5).indices(2**70) == (0, 5, 1) and repr(s) == "slice(1, 10, 2)"
assert slice(1, 2) == slice(1, 2) and slice(1) < slice(2) and slice(1, 2) != (1, 2) and hash(slice(1, 2, 3)) == -2340833382717974474
raises(ValueError, "slice step cannot be zero", slice(1, 2, 0).indices, 5)
raises(ValueError, "length should not be negative", slice(1).indices, -1)
raises(TypeError, "slice indices must be integers or None or have an __index__ method", slice("a").indices, 5)

# Singletons.
assert type(None)() is None and type(...)() is ... and type(NotImplemented)() is NotImplemented
assert repr(...) == "Ellipsis" and repr(NotImplemented) == "NotImplemented" and not None and hash(None) == 0xFCA86420
raises(TypeError, "NotImplemented should not be used in a boolean context", bool, NotImplemented)
raises(TypeError, "NoneType takes no arguments", type(None), 1)
