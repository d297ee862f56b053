"""Specialised instructions in all their forms, and the places where they end."""
import gc
import sys
import types
import weakref


def repeat(f, *args, n=40):
    for _ in range(n):
        r = f(*args)
    return r


# ---- modules that die before their namespaces, and others that come to lie where they lay -------------------------------
def name_of(module):
    return module.__name__


namespaces = []
for i in range(200):
    module = types.ModuleType(f'module{i}')
    namespaces.append(module.__dict__)
    assert name_of(module) == f'module{i}'
    if i % 2:
        # This one ends as part of a cycle.
        module.me = module
        del module
        gc.collect(0)
    else:
        del module


# ---- attributes by shape: inline, overflow, class, deleted, unset --------------------------------------------------
class Many:
    pass


def fill(o):
    o.a0 = 0; o.a1 = 1; o.a2 = 2; o.a3 = 3; o.a4 = 4; o.a5 = 5; o.a6 = 6; o.a7 = 7; o.a8 = 8; o.a9 = 9
    return o


def read(o):
    return (o.a0, o.a1, o.a2, o.a3, o.a4, o.a5, o.a6, o.a7, o.a8, o.a9)


assert repeat(lambda: read(fill(Many()))) == tuple(range(10))
m = fill(Many())
del m.a9
try:
    read(m)
except AttributeError as e:
    assert e.name == 'a9'
else:
    assert False
del m.a3
m.a9 = 90
m.a3 = 30
assert read(m) == (0, 1, 2, 30, 4, 5, 6, 7, 8, 90)
assert list(m.__dict__) == ['a0', 'a1', 'a2', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'a3']


class Point:
    def __init__(self, x, y, z=0):
        self.x = x
        self.y = y
        self.z = z

    def norm(self):
        return self.x + self.y + self.z

    @property
    def double(self):
        return self.x * 2


def points(n):
    return [Point(i, i + 1) for i in range(n)]


assert sum(p.norm() for p in points(100)) == 10000
assert sum(p.double for p in points(100)) == 9900
assert [Point(1, 2, z=3).norm() for _ in range(40)] == [6] * 40

# The number of inline slots is settled after some instances; later ones may have more or fewer attributes.
later = points(20)
for i, p in enumerate(later):
    for k in range(i):
        setattr(p, f'extra{k}', k)
assert [len(p.__dict__) for p in later] == [3 + i for i in range(20)]
assert [getattr(p, f'extra{i - 1}') for i, p in enumerate(later) if i] == list(range(19))


# ---- polymorphic and megamorphic sites -----------------------------------------------------------------------------
def classes(n):
    out = []
    for i in range(n):
        def f(self, i=i):
            return i
        out.append(type(f'C{i}', (), {'f': f, 'k': i}))
    return out


def poly(objs):
    return [(o.f(), o.k, o.v) for o in objs]


for n in (2, 4, 5, 30):
    objs = []
    for i, c in enumerate(classes(n)):
        o = c()
        for j in range(i % 7):
            setattr(o, f'p{j}', j)
        o.v = i * 10
        objs.append(o)
    for _ in range(20):
        assert poly(objs) == [(i, i, i * 10) for i in range(n)]


# ---- constructors --------------------------------------------------------------------------------------------------
class Bad:
    def __init__(self):
        return 1


def make_bad():
    try:
        Bad()
    except TypeError as e:
        return str(e)


assert repeat(make_bad) == "__init__() should return None, not 'int'"


class Gen:
    def __init__(self):
        yield


def make_gen():
    try:
        Gen()
    except TypeError as e:
        return str(e)


assert repeat(make_gen) == "__init__() should return None, not 'generator'"


class Fails:
    made = []

    def __init__(self, x):
        Fails.made.append(weakref.ref(self))
        self.x = x
        1 / x


def try_fails(x):
    try:
        return Fails(x).x
    except ZeroDivisionError:
        return None


repeat(try_fails, 2)
assert repeat(try_fails, 0) is None
assert all(r() is None for r in Fails.made)


def arity():
    try:
        Point(1)
    except TypeError as e:
        return str(e)


assert repeat(arity) == "Point.__init__() missing 1 required positional argument: 'y'"


class Del:
    log = []

    def __init__(self, n):
        self.n = n

    def __del__(self):
        Del.log.append(self.n)


def drops():
    Del(1)
    Del(2)
    x = Del(3)
    x = Del(4)
    return x.n


Del.log.clear()
assert drops() == 4 and Del.log == [1, 2, 3, 4]
for _ in range(30):
    Del.log.clear()
    assert drops() == 4 and Del.log == [1, 2, 3, 4], Del.log


# ---- arguments die when their function drops them ------------------------------------------------------------------
def early(x, log):
    x = None
    log.append('after')


def run_early():
    log = []

    class R:
        def __del__(self):
            log.append('del')
    early(R(), log)
    return log


assert repeat(run_early) == ['del', 'after']


# ---- recursion and the depth limit in warm code --------------------------------------------------------------------
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


assert repeat(deep, 20) == 20
limit = sys.getrecursionlimit()
try:
    sys.setrecursionlimit(5000)
    assert deep(4000) == 4000
    sys.setrecursionlimit(200)
    try:
        deep(1000)
    except RecursionError:
        pass
    else:
        assert False
    assert deep(20) == 20
finally:
    sys.setrecursionlimit(limit)


# ---- calls from generators, with keywords, of functions with attributes --------------------------------------------
def add(a, b=10, *, c=100):
    return a + b + c


add.mark = 1


def calls():
    yield add(1)
    yield add(1, 2)
    yield add(1, c=3)
    yield add(b=1, a=2)
    yield add(1, 2, c=3)
    yield Point(1, 2).norm()
    yield [1, 2, 3].index(3)


assert repeat(lambda: list(calls())) == [111, 103, 14, 103, 6, 3, 2]


def bad_calls():
    out = []
    for kw in ({}, {'a': 1, 'q': 2}, {'b': 1}):
        try:
            add(**kw)
        except TypeError as e:
            out.append(str(e))
    try:
        add(1, a=2)
    except TypeError as e:
        out.append(str(e))
    return out


assert repeat(bad_calls) == [
    "add() missing 1 required positional argument: 'a'",
    "add() got an unexpected keyword argument 'q'",
    "add() missing 1 required positional argument: 'a'",
    "add() got multiple values for argument 'a'",
]


# ---- lists: append, items, iteration under change ------------------------------------------------------------------
def lists():
    out = []
    for i in range(50):
        out.append(i)
    out[0] = 'first'
    out[-1] = 'last'
    total = []
    for x in out:
        total.append(x)
        if len(out) > 40:
            out.pop()
    return total[0], len(total), out[3], out[-2]


assert repeat(lists) == ('first', 40, 3, 38)


def errors():
    out = []
    for f in (lambda: [1][5], lambda: (1,)[-2], lambda: [][0], lambda: {}['k']):
        try:
            f()
        except (IndexError, KeyError) as e:
            out.append(str(e))
    return out


assert repeat(errors) == ['list index out of range', 'tuple index out of range', 'list index out of range', "'k'"]


# ---- caches keep nothing alive -------------------------------------------------------------------------------------
def touch(C):
    o = C()
    o.x = 1
    return o.x, o.m(), C.k


def fresh():
    class Temp:
        k = 5

        def __init__(self):
            self.y = 2

        def m(self):
            return self.y
    repeat(touch, Temp)
    return weakref.ref(Temp)


refs = [fresh() for _ in range(5)]
gc.collect()
assert all(r() is None for r in refs)

import types


def attr(m):
    return m.value


def fresh_module():
    m = types.ModuleType('temp')
    m.value = object()
    repeat(attr, m)
    return weakref.ref(m)


assert fresh_module()() is None
n = types.ModuleType('temp')
n.value = 3
assert attr(n) == 3


# ---- a function whose code is replaced while it runs ---------------------------------------------------------------
def swap(n):
    if n:
        swap.__code__ = other.__code__
        gc.collect()
    local = [n, n + 1]
    return local


def other(n):
    return 'other'


original = swap.__code__
for _ in range(30):
    swap.__code__ = original
    del original
    assert swap(0) == [0, 1]
    original = swap.__code__
assert swap(1) == [1, 2]
assert swap(1) == 'other'


# ---- generators and coroutines resumed within the run loop -----------------------------------------------------------
def count(n):
    got = None
    for i in range(n):
        got = yield i
        assert got is None
    return 'done'


def inner(n):
    r = yield from count(n)
    yield r


def loops():
    total = 0
    for i in count(10):
        total += i
        if i == 7:
            break
    out = [x for x in inner(3)]
    for a in count(3):
        for b in count(a):
            total += b
    return total, out


assert repeat(loops) == (29, [0, 1, 2, 'done'])


def failing(n):
    for i in range(n):
        yield i
    raise ValueError(n)


def catch():
    seen = []
    g = failing(3)
    try:
        for i in g:
            seen.append(i)
    except ValueError as e:
        tb = e.__traceback__
        names = []
        while tb:
            names.append(tb.tb_frame.f_code.co_name)
            tb = tb.tb_next
        return seen, names, list(g), e.args


assert repeat(catch) == ([0, 1, 2], ['catch', 'failing'], [], (3,))


def stops():
    yield 1
    raise StopIteration('x')


def stop():
    try:
        for i in stops():
            pass
    except RuntimeError as e:
        return str(e), type(e.__cause__).__name__


assert repeat(stop) == ('generator raised StopIteration', 'StopIteration')


def handled():
    out = []

    def g():
        try:
            raise KeyError(1)
        except KeyError:
            yield sys.exception().args
            yield sys.exception().args
        yield sys.exception()
    try:
        raise ValueError(2)
    except ValueError:
        for x in g():
            out.append((x, sys.exception().args))
    return out


assert [(x if isinstance(x, tuple) else type(x).__name__, y) for x, y in repeat(handled)] == [
    ((1,), (2,)), ((1,), (2,)), ('ValueError', (2,))]


def self_loop():
    def g():
        try:
            for x in it:
                yield x
        except ValueError as e:
            yield str(e)
    it = g()
    return list(it)


assert repeat(self_loop) == ['generator already executing']


async def leaf(n):
    return n


async def middle(n):
    a = await leaf(n)
    return a + await leaf(1)


class Pause:
    def __await__(self):
        r = yield 'paused'
        return r


async def top(log):
    log.append(await middle(1))
    log.append(await Pause())
    try:
        await Pause()
    except ValueError:
        log.append('thrown')
    return 'end'


def run_top():
    log = []
    c = top(log)
    assert c.send(None) == 'paused'
    assert c.cr_await is not None
    assert c.send(5) == 'paused'
    try:
        c.throw(ValueError)
    except StopIteration as e:
        return log, e.value


assert repeat(run_top) == ([2, 5, 'thrown'], 'end')


def tree(d):
    if d:
        yield from tree(d - 1)
        yield d
        yield from tree(d - 1)


assert sum(repeat(lambda: list(tree(6)))) == 120


def frames():
    def g():
        f = sys._getframe()
        yield f.f_back.f_code.co_name
        yield f.f_back.f_code.co_name
    return [x for x in g()], next(g())


assert repeat(frames) == (['frames', 'frames'], 'frames')


# ---- generators that end while they are suspended --------------------------------------------------------------------
def closing():
    log = []

    def plain(x):
        for i in x:
            yield i

    def guarded():
        try:
            yield 1
        finally:
            log.append('finally')

    def outer():
        yield from guarded()

    assert any(i == 1 for i in plain([0, 1, 2]))
    for make in (lambda: plain(Log(log)), guarded, outer):
        g = make()
        next(g)
        g.close()
        assert next(g, 'end') == 'end'
        g = make()
        next(g)
        del g
    return log


class Log:
    def __init__(self, log):
        self.log = log

    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def __del__(self):
        self.log.append('del')


assert repeat(closing) == ['del', 'del', 'finally', 'finally', 'finally', 'finally']


# ---- slices ------------------------------------------------------------------------------------------------------------
def slices(x):
    return [x[:], x[1:], x[:-1], x[1:2], x[-2:], x[2:1], x[:10], x[-10:], x[True:]]


for _ in range(30):
    assert slices([1, 2, 3]) == [[1, 2, 3], [2, 3], [1, 2], [2], [2, 3], [], [1, 2, 3], [1, 2, 3], [2, 3]]
    assert slices((1, 2, 3)) == [(1, 2, 3), (2, 3), (1, 2), (2,), (2, 3), (), (1, 2, 3), (1, 2, 3), (2, 3)]
    assert slices('abc') == ['abc', 'bc', 'ab', 'b', 'bc', '', 'abc', 'abc', 'bc']


# ---- truth of instances --------------------------------------------------------------------------------------------------
def truth(x):
    return 'yes' if x else 'no'


class Plain:
    pass


class Sized:
    def __len__(self):
        return 0


assert [repeat(truth, x) for x in (Plain(), Sized(), 'a', '', {}, {1: 2}, [], [0], 0.0, -1.5, None, len)] == [
    'yes', 'no', 'yes', 'no', 'no', 'yes', 'no', 'yes', 'no', 'yes', 'no', 'yes']
Plain.__bool__ = lambda self: False
assert truth(Plain()) == 'no'
