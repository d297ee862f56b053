# timeout: 240
"""Any request for memory may fail: what runs then succeeds or raises MemoryError, and the runtime goes on.

Each program of a small corpus runs once to count its requests, and then with some of them failing: one by one in
strides, and a few with all that follow. `STRIDE=1` in the environment fails every one of them.
"""

import os
import sys

import cinder


def containers():
    d = {}
    for i in range(200):
        d[i] = [i] * 3
        d.setdefault(str(i), set()).add((i, i + 1))
    d = {k: v for k, v in d.items() if k != 7}
    s = {1, 2, 3} | set(range(50)) ^ frozenset(range(10, 20))
    t = [*range(20), *s]
    t[3:5] = t
    del t[::2]
    return len(d), len(s), sum(t), tuple(t)[:5], list(reversed(t))[:3], dict.fromkeys("abc", 1)


def classes():
    class Base:
        registry = []

        def __init_subclass__(cls, **kw):
            cls.registry.append(cls.__name__)

        def __getattr__(self, name):
            return name.upper()

    class Child(Base):
        __slots__ = ("a", "b")

        def __init__(self, a):
            self.a = a

        @property
        def double(self):
            return self.a * 2

        @classmethod
        def make(cls, *args, **kwargs):
            return cls(*args, **kwargs)

    many = [Child.make(i) for i in range(20)]
    for i, c in enumerate(many):
        setattr(c, f"x{i}", i)
    return [c.double for c in many][:3], many[0].missing, Base.registry, sorted(many[5].__dict__)


def exceptions():
    def fail(n):
        try:
            if n == 0:
                raise KeyError("deep")
            fail(n - 1)
        except KeyError as e:
            raise ValueError(n) from e
        finally:
            [n] * 4

    seen = []
    for n in range(4):
        try:
            fail(n)
        except (ValueError, KeyError) as e:
            while e:
                seen.append(repr(e))
                e = e.__cause__
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError as g:
        seen.append(str(g))
    except* TypeError:
        pass
    return seen


def generators():
    def numbers(n):
        for i in range(n):
            yield i
            yield from [i, i]

    def echo():
        got = None
        while True:
            got = yield got

    e = echo()
    next(e)
    out = [e.send(i) for i in range(5)]
    e.close()
    return sum(numbers(30)), out, list(zip(numbers(3), map(str, numbers(3)))), {x: y for x, y in enumerate(numbers(4))}


def imports():
    for name in ("colorsys", "this_is_no_module", "bisect", "heapq"):
        sys.modules.pop(name, None)
        try:
            __import__(name)
        except ImportError as e:
            assert e.name == name
    import colorsys
    return colorsys.rgb_to_hsv(0.1, 0.2, 0.3)


def json_():
    import json
    data = {"a": [1, 2.5, None, True, "x\u1234\n"], "b": {"c": "d" * 100, "e": list(range(50))}}
    text = json.dumps(data, indent=1, sort_keys=True)
    assert json.loads(text) == data
    try:
        json.loads("[1, 2")
    except ValueError as e:
        return text, str(e)


def regular_expressions():
    import re
    re.purge()
    words = re.findall(r"(\w+)-(\d+)", "a-1 bc-22 def-333 " * 5)
    text = re.sub(r"(?P<x>[a-c]+)(?:d|e)*?", lambda m: m["x"].upper() * 2, "abcde" * 10)
    return words[:3], text, re.split(r"\s*,\s*", "a , b,c ,d" * 3), re.compile("(a|b)*c").fullmatch("abababc").groups()


def pickles():
    import pickle
    data = [1, 2**70, 1.5, "text" * 10, b"bytes", (1, 2), {"k": [None, True]}, {3, 4}, frozenset([5]), range(3), int]
    data.append(data[6])
    out = []
    for protocol in range(6):
        out.append(pickle.loads(pickle.dumps(data, protocol)) == data)
    return out


def formatting():
    x, y = 12345, "text"
    out = [f"{x:>20,}|{y!r:*^20}|{x:#x}|{3.14159:.3e}|{x=}", "%s %5d %r %-8s|" % (y, x, y, 1.5), "{0} {a[0]} {b.real}".format(x, a=[1], b=2)]
    out.append(f"{', '.join(f'{i:03}' for i in range(30))}")
    return out


def sorting():
    words = [str(i * 7919 % 1009) for i in range(300)]
    return (sorted(words)[:5], sorted(words, key=int, reverse=True)[:5], sorted([(len(w), w) for w in words])[:3],
            sorted([1.5, 2, -1, 2**80, 0]), max(words, key=len))


def big_ints():
    n = 3**2000
    return (str(n)[:10], int("9" * 500) % 10**9, pow(7, n, 10**30 + 57), n >> 3000, divmod(n, 2**900 + 1)[1] % 1000003,
            int.from_bytes(n.to_bytes(400), "little") % 97, f"{n:x}"[:8])


def strings():
    s = "Straße Ǆ text " * 40
    t = s.upper().casefold().title().replace("a", "bcd").translate({ord("b"): "ÿÿ"})
    return (t.split()[:4], s.encode("utf-16").decode("utf-16") == s, s.partition("x"), " ".join(s.splitlines()).strip()[:9],
            s.encode("ascii", "backslashreplace")[:12], "a,b".rsplit(","), s.center(700)[:3], s * 3 == s + s + s)


def byte_strings():
    b = bytearray(b"abc" * 50)
    b += b"def"
    b[3:6] = b"XYZ" * 10
    m = memoryview(b)[::2]
    return bytes(m)[:10], b.hex()[:12], b.split(b"c")[:3], bytes(b).replace(b"a", b"--")[:12], m.tolist()[:4], b.find(b"def")


def streams():
    import io
    out = io.StringIO()
    print("a", 1, [2], file=out, sep="|")
    raw = io.BytesIO()
    with io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", write_through=True) as text:
        for i in range(30):
            text.write("line %d \u1234\n" % i)
        text.flush()
        data = raw.getvalue()
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").readlines()
    with open(__file__, encoding="utf-8") as f:
        first = f.readline()
    return out.getvalue(), len(data), lines[3], first


def async_functions():
    async def add(a, b):
        return a + b

    async def main():
        out = []
        for i in range(10):
            out.append(await add(i, 1))
        return out

    c = main()
    try:
        c.send(None)
    except StopIteration as e:
        return e.value


def compiling():
    import ast
    source = "def f(a, *b, c=1, **d):\n    return [x + c for x in b if x] or {a: lambda: d}\nclass C[T]: x: T = f(1, 2)\n"
    tree = ast.parse(source)
    names = {}
    exec(compile(tree, "s.py", "exec"), names)
    try:
        compile("a = (1 +", "s.py", "exec")
    except SyntaxError as e:
        return names["f"](1, 2, 3), ast.unparse(tree), e.msg


def library():
    import collections
    import copy
    import functools
    import itertools
    import struct
    c = collections.Counter("abracadabra").most_common(2)
    dq = collections.deque(range(10), 5)
    dq.rotate(2)
    od = collections.OrderedDict((str(i), i) for i in range(9))
    od.move_to_end("3")
    point = collections.namedtuple("point", "x y")(1, 2)
    cached = functools.lru_cache(4)(lambda n: n * 2)
    return (c, list(dq), list(od)[-2:], point, [cached(n % 6) for n in range(12)], copy.deepcopy({"a": [od]})["a"][0] == od,
            list(itertools.islice(itertools.chain(itertools.permutations(range(4)), itertools.product("ab", repeat=3)), 20))[-1],
            struct.unpack("<iqd", struct.pack("<iqd", 1, 2, 3.0)), functools.reduce(lambda a, b: a + b, map(str, range(30))))


PROGRAMS = [containers, classes, exceptions, generators, imports, json_, regular_expressions, pickles, formatting, sorting,
            big_ints, strings, byte_strings, streams, async_functions, compiling, library]
stride = int(os.environ.get("STRIDE", 0))
ran = raised = 0


stop = cinder._stop_failing_allocations


def run(program, start, end):
    """What the program gives, or None if it ran out of memory."""
    try:
        cinder._fail_allocations(start, end)
        result = program()
        # The error of a request near the end comes here.
        for _ in range(2):
            pass
    except MemoryError:
        return None
    finally:
        try:
            stop()
        except MemoryError:
            pass
    return result


# What goes wrong where nobody can be told is reported here, and is a MemoryError.
unraisable = []
sys.unraisablehook = lambda u: unraisable.append(u.exc_type)

for program in PROGRAMS:
    expected = program()
    cinder._fail_allocations(0, 0)
    program()
    count = stop()
    assert count > 5, (program.__name__, count)
    for n in range(0, count, stride or max(1, count // 150)):
        got = run(program, n, n + 1)
        ran += 1
        raised += got is None
        assert got is None or got == expected, (program.__name__, n, got)
    for n in range(0, count, max(1, count // 10)):
        got = run(program, n, n + 40)
        assert got is None or got == expected, (program.__name__, n, got)
    assert program() == expected, program.__name__

assert raised > ran // 2, (ran, raised)
assert set(unraisable) <= {MemoryError}, set(unraisable)
