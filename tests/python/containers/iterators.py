"""enumerate, zip, map, filter, reversed, iter, and itertools."""

import itertools as it
import operator

def raises(exc, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        return str(e)
    raise AssertionError(f"{exc.__name__} not raised")

assert list(enumerate("ab", 5)) == [(5, "a"), (6, "b")]
big = 2**62 - 1
assert [i for i, _ in enumerate("abc", big)] == [big, big + 1, big + 2]
assert list(zip("abc", [1, 2])) == [("a", 1), ("b", 2)] and list(zip()) == []
assert raises(ValueError, list, zip("ab", "a", strict=True)) == "zip() argument 2 is shorter than argument 1"
assert raises(ValueError, list, zip("a", "a", "ab", strict=True)) == "zip() argument 3 is longer than arguments 1-2"
assert list(map(operator.add, [1, 2, 3], [10, 20])) == [11, 22]
assert raises(ValueError, list, map(max, [1], [1, 2], strict=True)) == "map() argument 2 is longer than argument 1"
assert raises(TypeError, map, len) == "map() must have at least two arguments."
assert list(filter(None, [0, 1, "", "x"])) == [1, "x"] and list(filter(lambda n: n % 2, range(6))) == [1, 3, 5]
assert list(reversed(range(3))) == [2, 1, 0] and raises(TypeError, reversed, {1}) == "'set' object is not reversible"

class Seq:
    def __getitem__(self, i):
        if i >= 3:
            raise IndexError
        return i * i
    def __len__(self):
        return 3
assert list(Seq()) == [0, 1, 4] and list(reversed(Seq())) == [4, 1, 0] and 4 in Seq()
n = iter([3, 2, 1, 0, 5]).__next__
assert list(iter(n, 0)) == [3, 2, 1]

take = lambda n, i: list(it.islice(i, n))
assert list(it.accumulate([1, 2, 3])) == [1, 3, 6]
assert list(it.accumulate([1, 2, 3], operator.mul, initial=10)) == [10, 10, 20, 60]
assert list(it.batched("abcde", 2)) == [("a", "b"), ("c", "d"), ("e",)]
assert raises(ValueError, list, it.batched("abc", 2, strict=True)) == "batched(): incomplete batch"
assert list(it.chain("ab", [1])) == ["a", "b", 1] and list(it.chain.from_iterable(["x", "yz"])) == ["x", "y", "z"]
assert list(it.combinations("abcd", 2)) == [tuple(p) for p in ("ab", "ac", "ad", "bc", "bd", "cd")]
assert list(it.combinations_with_replacement("ab", 2)) == [("a", "a"), ("a", "b"), ("b", "b")]
assert list(it.permutations([1, 2, 3], 2)) == [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]
assert len(list(it.permutations(range(5)))) == 120 and list(it.permutations([], 0)) == [()]
assert list(it.product("ab", [1, 2])) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
assert list(it.product([0, 1], repeat=2)) == [(0, 0), (0, 1), (1, 0), (1, 1)] and list(it.product()) == [()]
assert list(it.compress("abcd", [1, 0, 1])) == ["a", "c"]
assert take(3, it.count(2.5, 0.5)) == [2.5, 3.0, 3.5] and repr(it.count(3, 2)) == "count(3, 2)"
assert take(5, it.cycle("ab")) == list("ababa") and list(it.cycle([])) == []
assert list(it.dropwhile(lambda x: x < 2, [1, 2, 1])) == [2, 1]
assert list(it.takewhile(lambda x: x < 2, [1, 2, 1])) == [1]
assert list(it.filterfalse(None, [0, 1, 2])) == [0]
assert [(k, list(g)) for k, g in it.groupby("aabca")] == [("a", ["a", "a"]), ("b", ["b"]), ("c", ["c"]), ("a", ["a"])]
assert [k for k, _ in it.groupby([1, 3, 2, 4, 5], key=lambda n: n % 2)] == [1, 0, 1]
assert list(it.islice(range(10), 2, 9, 3)) == [2, 5, 8] and list(it.islice(range(3), None)) == [0, 1, 2]
assert raises(ValueError, it.islice, [], -1).startswith("Stop argument for islice()")
assert list(it.pairwise([1, 2, 3])) == [(1, 2), (2, 3)] and list(it.pairwise([1])) == []
assert list(it.repeat("x", 3)) == ["x"] * 3 and repr(it.repeat(1, 2)) == "repeat(1, 2)"
assert list(it.starmap(pow, [(2, 3), (3, 2)])) == [8, 9]
a, b, c = it.tee(iter(range(200)), 3)
assert list(a) == list(range(200)) and take(5, b) == list(range(5)) and list(c) == list(range(200))
assert list(it.tee(b, 1)[0]) == list(range(5, 200))
assert list(it.zip_longest("ab", [1], fillvalue=0)) == [("a", 1), ("b", 0)]
tees = it.tee(iter(range(300000)))
for _ in tees[0]:
    pass
del tees
