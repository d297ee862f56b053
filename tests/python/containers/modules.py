"""collections, functools, operator, heapq, bisect, random, array."""

import array
import bisect
import collections
import copy
import functools
import heapq
import operator
import pickle
import random

def raises(exc, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        return str(e)
    raise AssertionError(f"{exc.__name__} not raised")

# deque
d = collections.deque([1, 2, 3], maxlen=3)
d.append(4)
d.appendleft(0)
assert list(d) == [0, 2, 3] and repr(d) == "deque([0, 2, 3], maxlen=3)"
d.rotate(1)
assert list(d) == [3, 0, 2]
d.rotate(-4)
assert list(d) == [0, 2, 3] and d[-1] == 3 and d.index(2) == 1
d.extendleft("ab")
assert list(d) == ["b", "a", 0] and d.maxlen == 3
assert raises(IndexError, d.insert, 0, 1) == "deque already at its maximum size"
assert raises(IndexError, collections.deque().pop) == "pop from an empty deque"
it = iter(d)
d.pop()
assert raises(RuntimeError, next, it) == "deque mutated during iteration"
e = collections.deque(range(5))
del e[1]
e.remove(3)
e.insert(1, "x")
e.reverse()
assert list(e) == [4, 2, "x", 0] and list(reversed(e)) == [0, "x", 2, 4]
assert e + collections.deque([1]) == collections.deque([4, 2, "x", 0, 1]) and (e * 2).count(4) == 2
assert collections.deque([1, 2]) < collections.deque([1, 3]) and copy.copy(e) == e
assert pickle.loads(pickle.dumps(d)).maxlen == 3

# defaultdict, Counter, OrderedDict, namedtuple
dd = collections.defaultdict(list)
dd["a"].append(1)
assert dd == {"a": [1]} and repr(dd) == "defaultdict(<class 'list'>, {'a': [1]})"
assert type(dd | {"b": 0}) is collections.defaultdict and dd.copy().default_factory is list
assert raises(KeyError, lambda: collections.defaultdict()["x"]) == "'x'"
c = collections.Counter("abracadabra")
assert c.most_common(2) == [("a", 5), ("b", 2)] and c["zz"] == 0 and (c - collections.Counter("aaaaa"))["a"] == 0
od = collections.OrderedDict(a=1, b=2, c=3)
od.move_to_end("a")
assert list(od) == ["b", "c", "a"] and od.popitem(last=False) == ("b", 2) and od != collections.OrderedDict(a=1, c=3)
P = collections.namedtuple("P", "x y", defaults=[5])
p = P(1)
assert p == (1, 5) and p.x == 1 and p._replace(x=9) == P(9, 5) and repr(p) == "P(x=1, y=5)"
assert raises(AttributeError, setattr, p, "x", 2) == "can't set attribute"

# functools
assert functools.reduce(operator.add, [1, 2, 3], 10) == 16
assert raises(TypeError, functools.reduce, operator.add, []) == "reduce() of empty iterable with no initial value"
f = functools.partial(int, base=2)
assert f("101") == 5 and f.keywords == {"base": 2}
g = functools.partial(pow, functools.Placeholder, 2)
assert g(5) == 25 and "Placeholder" in repr(g)
assert raises(TypeError, functools.partial, pow, functools.Placeholder) == "trailing Placeholders are not allowed"
assert functools.partial(functools.partial(max, 1), 2).args == (1, 2)
assert sorted("bCa", key=functools.cmp_to_key(lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))) == list("abC")
calls = []
@functools.lru_cache(maxsize=2)
def square(n):
    calls.append(n)
    return n * n
assert [square(n) for n in (1, 2, 1, 3, 2, 1)] == [1, 4, 1, 9, 4, 1] and calls == [1, 2, 3, 2, 1]
assert square.cache_info() == (1, 5, 2, 2)
square.cache_clear()
assert square.cache_info() == (0, 0, 2, 0) and square.__wrapped__(3) == 9
@functools.cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
assert fib(90) == 2880067194370816120
class Meth:
    @functools.lru_cache
    def get(self, n):
        return self, n
m = Meth()
assert m.get(1) == (m, 1)
@functools.lru_cache(typed=True)
def typed(x):
    return type(x)
assert typed(1) is int and typed(1.0) is float

# operator
assert operator.itemgetter(1, 0)("ab") == ("b", "a") and operator.attrgetter("real.imag", "real")(5) == (0, 5)
assert operator.methodcaller("split", sep=",")("a,b") == ["a", "b"]
assert operator.length_hint(iter([1, 2])) == 2 and operator.countOf([1, 2, 1], 1) == 2 and operator.indexOf("abc", "c") == 2
assert pickle.loads(pickle.dumps(operator.itemgetter(1)))("xy") == "y"
assert raises(ValueError, operator.indexOf, [], 1) == "sequence.index(x): x not in sequence"

# heapq, bisect
random.seed(5)
data = [random.randrange(1000) for _ in range(500)]
h = data[:]
heapq.heapify(h)
assert [heapq.heappop(h) for _ in range(500)] == sorted(data)
for n in data:
    heapq.heappush(h, n)
assert heapq.heappushpop(h, -1) == -1 and heapq.heapreplace(h, 2000) == min(data)
heapq.heapify_max(h)
assert heapq.heappop_max(h) == 2000 and heapq.nsmallest(3, data) == sorted(data)[:3] and heapq.nlargest(2, data) == sorted(data)[-2:][::-1]
assert raises(IndexError, heapq.heappop, []) == "index out of range"
assert list(heapq.merge([1, 4], [2, 3])) == [1, 2, 3, 4]
assert bisect.bisect([1, 2, 2, 3], 2) == 3 and bisect.bisect_left([1, 2, 2, 3], 2) == 1
assert bisect.bisect_left(["a", "bb", "cccc"], 3, key=len) == 2
l = [1, 3]
bisect.insort(l, 2)
assert l == [1, 2, 3]

# random: the sequences of CPython
random.seed(42)
assert [random.random() for _ in range(2)] == [0.6394267984578837, 0.025010755222666936]
assert random.getrandbits(100) == 176140902141063639299770569303
assert random.randrange(10**30) == 925123444424254823561077285033
state = random.getstate()
x = random.random()
random.setstate(state)
assert random.random() == x
random.seed("text")
assert random.randint(1, 10**6) == random.Random("text").randint(1, 10**6)
l = list(range(10))
random.seed(1)
random.shuffle(l)
assert l == [6, 8, 9, 7, 5, 3, 0, 4, 1, 2]

# array
a = array.array("i", [1, 2, 3])
a.append(4)
a.extend(array.array("i", [5]))
assert a.tolist() == [1, 2, 3, 4, 5] and a[1:4:2] == array.array("i", [2, 4]) and a.itemsize == 4
a[1:3] = array.array("i", [9])
del a[0]
assert repr(a) == "array('i', [9, 4, 5])" and a.pop() == 5 and 4 in a
assert memoryview(a).format == "i" and bytes(array.array("H", [258])) == b"\x02\x01"
assert raises(OverflowError, array.array, "b", [200]) == "signed char is greater than maximum"
m = memoryview(a)
assert raises(BufferError, a.append, 1) == "cannot resize an array that is exporting buffers"
m.release()
b = array.array("d", [1.5, 2.5])
b.byteswap()
b.byteswap()
assert b == array.array("d", [1.5, 2.5]) and pickle.loads(pickle.dumps(b)) == b
assert array.array("w", "héllo").tounicode() == "héllo" and array.array("f", [1]) < array.array("f", [2])
