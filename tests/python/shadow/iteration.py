"""Warm loops, unpackings, `with` statements and awaits: each does what a fresh copy of it does.

Functions that ran often meet containers, iterators, context managers and coroutine functions of changing kinds, while
a random program changes their classes and code between the runs.
"""
import random
import sys
import types

SOURCE = '''
def walk(o):
    out = []
    for i in o:
        out.append(i)
    return out
def pairs(o):
    out = []
    for k, v in o:
        out.append((k, v))
    return out
def pairs_elsewhere(o):
    out = {}
    box = [None, None]
    for box[0], box[1] in o:
        out[repr(box[0])] = box[1]
    return out
def squares(o): return [k for k in o if k]
def swapped(o): return {repr(v): k for k, v in o}
def unpack(o):
    a, b = o
    return (a, b)
def unpack_over(o):
    a = b = object()
    a, b = o
    return (a, b)
def unpack_itself(o):
    a = o
    a, b = a
    return (a, b)
def unpack_far(o):
    (a, b), c = o, 3
    return (a, b, c)
def sliced(o):
    i, n = 1, None
    return (o[i:], o[:-i], o[i:n:2], o[::-1], o[i::-i], o[-5:i:i], o[i:n:n])
def sliced_store(o):
    i, copy = 1, o[:]
    copy[i:] = o[i:]
    copy[:i] = copy
    copy[i::-1] = (7, 8)
    return copy
def subscript(o): return (o[0], o['k'], o[1])
def managed(o):
    with o as q:
        return ('in', q)
def managed_raising(o):
    with o as q:
        raise KeyError(q)
    return 'swallowed'
async def awaited(o): return await o.co(1)
async def awaited_twice(o): return (await o.co(1), await o.co(2))
async def awaited_function(f): return await f(1)
async def awaited_in_handler(f):
    try:
        raise KeyError('outer')
    except KeyError:
        return await f(1)
async def managed_async(o):
    async with o as q:
        return ('async in', q)
'''
NAMES = [line.split('(')[0].split()[-1] for line in SOURCE.splitlines() if 'def ' in line]


@types.coroutine
def pause(v):
    return (yield v)


def drive(coroutine):
    """Runs a coroutine to its end: what it yielded, and what it returned or raised."""
    out = []
    try:
        sent = None
        while True:
            out.append(coroutine.send(sent))
            sent = len(out)
    except StopIteration as e:
        out.append(('returned', e.value))
    except Exception as e:
        out.append((type(e).__name__, str(e), type(e.__context__).__name__))
    return out


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.warm_ns = {'__builtins__': __builtins__}
        exec(SOURCE, self.warm_ns)
        self.fresh_classes()

    def fresh_classes(self):
        class Manager:
            def __enter__(self):
                return 'entered'

            def __exit__(self, *args):
                return args[0] is KeyError

            async def __aenter__(self):
                return 'entered later'

            async def __aexit__(self, *args):
                return False

            async def co(self, k):
                return ('plain', k)

        class Derived(Manager):
            pass

        class Items:
            def __init__(self):
                self.left = 3

            def __iter__(self):
                return self

            def __next__(self):
                if not self.left:
                    self.left = 3
                    raise StopIteration
                self.left -= 1
                return (self.left, 'item')

        async def function(k):
            return ('function', k)

        self.Manager, self.Derived, self.Items, self.function = Manager, Derived, Items, function

    # ---- what the functions get ---------------------------------------------------------------------------------
    def containers(self):
        two = [(1, 2), (3, 4)]
        d = {1: 2, 'k': 'v'}
        return [
            lambda: two, lambda: tuple(two), lambda: d, lambda: d.items(), lambda: d.keys(), lambda: d.values(),
            lambda: iter(two), lambda: range(3), lambda: range(2**70, 2**70 + 2), lambda: enumerate('ab'),
            lambda: enumerate([5, 6], 2**62 - 1), lambda: zip('ab', [1, 2]), lambda: zip('ab', [1]),
            lambda: zip([1], [2], [3]), lambda: zip('a', 'bc', strict=True), lambda: map(divmod, [7, 8], [2, 3]),
            lambda: {(1, 2)}, lambda: 'ab', lambda: b'ab', lambda: (x for x in two), lambda: (x for x in [1, 2]),
            lambda: self.Items(), lambda: reversed(two), lambda: [1.5, None], lambda: (1,), lambda: [1, 2, 3],
            lambda: [1, [2], 3, 'x', None, 6.5], lambda: 'text as long as that', lambda: 'Ω is wide',
            lambda: {0: 1, 'k': [2], 1: 3}, lambda: {True: 1, 'k': 2, 0.0: 3}, lambda: bytearray(b'abc'),
            lambda: 5, lambda: filter(None, two), lambda: {1: 2, 3: 4}.__reversed__(), lambda: types.MappingProxyType(d),
        ]

    def arguments(self, name):
        if name.startswith('managed'):
            return [self.Manager, self.Derived, object]
        if name == 'awaited_function':
            return [lambda: self.function, lambda: len, lambda: (lambda k: pause(k))]
        if name == 'awaited_in_handler':
            return [lambda: self.function]
        if name.startswith('awaited'):
            return [self.Manager, self.Derived]
        return self.random.sample(self.containers(), 8)

    # ---- mutations ----------------------------------------------------------------------------------------------
    def coroutine(self):
        n = self.random.randrange(100)

        async def plain(*args):
            return ('plain', n, len(args))

        async def pausing(*args):
            return ('pausing', n, await pause(n))

        async def nested(*args):
            return ('nested', await pausing(), await plain())

        async def raising(*args):
            raise ValueError(n)

        async def raising_late(*args):
            await pause(n)
            raise ValueError(n)

        async def stopping(*args):
            raise StopIteration(n)

        async def handling(*args):
            try:
                await raising()
            except ValueError as e:
                await pause('handling')
                return ('handled', str(e), type(sys.exception()).__name__)

        async def bare(*args):
            raise

        async def with_default(self, k=n):
            return ('default', k)

        async def captured(*args):
            return [lambda: args, n][1]

        def no_coroutine(*args):
            return n

        return self.random.choice([plain, pausing, nested, raising, raising_late, stopping, handling, bare,
                                   with_default, captured, no_coroutine])

    def set_method(self):
        c = self.random.choice([self.Manager, self.Derived])
        c.co = self.random.choice([self.coroutine, lambda: staticmethod(self.coroutine())])()

    def del_method(self):
        if 'co' in self.Derived.__dict__:
            del self.Derived.co

    def set_function(self):
        self.function = self.coroutine()

    def set_code(self):
        f = self.coroutine()
        if not f.__code__.co_freevars and not self.function.__code__.co_freevars:
            self.function.__code__ = f.__code__

    def set_manager(self):
        c = self.random.choice([self.Manager, self.Derived])
        k = self.random.randrange(100)
        name, value = self.random.choice([
            ('__enter__', lambda self: ('enter', k)),
            ('__exit__', lambda self, *a: k % 2),
            ('__enter__', staticmethod(lambda: ('static', k))),
            ('__exit__', property(lambda self: lambda *a: True)),
            ('__aenter__', self.coroutine()),
            ('__aexit__', self.coroutine()),
        ])
        setattr(c, name, value)

    def del_manager(self):
        name = self.random.choice(['__enter__', '__exit__', '__aenter__', '__aexit__'])
        if name in self.Derived.__dict__:
            delattr(self.Derived, name)

    def set_next(self):
        k = self.random.randrange(100)

        def __next__(self):
            self.left -= 1
            if self.left < 0:
                self.left = 3
                raise StopIteration
            return (k, self.left)

        self.Items.__next__ = __next__

    def set_iter(self):
        k = self.random.randrange(100)
        self.Items.__iter__ = self.random.choice([
            lambda self: iter([(k, k)]), lambda self: (x for x in [(k, 1), (k, 2)]), lambda self: 5])

    # ---- comparison ---------------------------------------------------------------------------------------------
    def outcome(self, f, x):
        try:
            r = f(x)
        except Exception as e:
            return type(e).__name__, str(e)
        return drive(r) if isinstance(r, types.CoroutineType) else r

    def compare(self):
        code = compile(SOURCE, '<cold>', 'exec')
        cold = {c.co_name: types.FunctionType(c, self.warm_ns) for c in code.co_consts
                if isinstance(c, types.CodeType)}
        for name in NAMES:
            for make in self.arguments(name):
                got = self.outcome(self.warm_ns[name], make())
                want = self.outcome(cold[name], make())
                assert repr(got) == repr(want), (name, got, want)

    def run(self, steps):
        mutations = [getattr(self, n) for n in dir(self) if n.startswith(('set_', 'del_'))]
        for _ in range(20):
            self.compare()
        for step in range(steps):
            if step % 40 == 39:
                self.fresh_classes()
            self.random.choice(mutations)()
            for _ in range(2):
                self.compare()


for seed in [int(a) for a in sys.argv[1:]] or [1, 2, 3]:
    World(seed).run(60)


# ---- containers that change under a warm loop --------------------------------------------------------------------
def grow(d):
    for k, v in d.items():
        d[object()] = 1


def exchange(d):
    for k in d:
        del d[k]
        d[object()] = 1


for _ in range(30):
    for f, message in ((grow, 'changed size'), (exchange, 'changed')):
        try:
            f({1: 2, 3: 4})
        except RuntimeError as e:
            assert message in str(e), e
        else:
            assert False


def appended(l):
    out = []
    for x in l:
        out.append(x)
        if len(l) < 5:
            l.append(x)
    return out


for _ in range(30):
    assert appended([1, 2]) == [1, 2, 1, 2, 1]


# ---- values that end while they are replaced -----------------------------------------------------------------------
class Ends:
    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Ends.log.append((self.name, sorted(k for k in sys._getframe(1).f_locals if k in 'ab')))


def replaced(o):
    a, b = Ends('a'), Ends('b')
    a, b = o
    return (a, b)


def replaced_in_loop(o):
    for a, b in o:
        pass
    a = b = None


for _ in range(30):
    assert replaced((1, 2)) == (1, 2) and replaced([3, 4]) == (3, 4)
    assert Ends.log == [('a', ['a', 'b']), ('b', ['a', 'b'])] * 2, Ends.log
    Ends.log.clear()
    replaced_in_loop({Ends('k'): Ends('v')}.items())
    replaced_in_loop(enumerate([Ends('x'), Ends('y')]))
    replaced_in_loop(zip([Ends('p')], [Ends('q')]))
    assert sorted(e[0] for e in Ends.log) == ['k', 'p', 'q', 'v', 'x', 'y'], Ends.log
    Ends.log.clear()


# ---- generators that delegate through several levels ---------------------------------------------------------------
def bottom(n):
    x = Ends('first')
    x = yield ('yielded', n)
    y = x
    x = yield ('got', y)
    return ('returned', x)


def between(n, levels):
    if levels:
        r = yield from between(n, levels - 1)
    else:
        r = yield from bottom(n)
    return (levels, r)


def loops(n):
    for v in between(n, 3):
        yield v


for n in range(40):
    g = between(n, 5)
    assert next(g) == ('yielded', n) and not Ends.log
    assert g.send('a') == ('got', 'a') and [e[0] for e in Ends.log] == ['first']
    Ends.log.clear()
    inner, depth = g, 0
    while inner.gi_yieldfrom is not None:
        inner, depth = inner.gi_yieldfrom, depth + 1
        assert inner.gi_suspended and inner.gi_frame.f_back is None
    assert depth == 6
    if n % 3 == 0:
        # The innermost one goes on without the others.
        try:
            inner.send('b')
        except StopIteration as e:
            assert e.value == ('returned', 'b')
        try:
            g.send('c')
        except StopIteration as e:
            assert e.value == (5, (4, (3, (2, (1, (0, None))))))
        else:
            assert False
    elif n % 3 == 1:
        try:
            g.send('b')
        except StopIteration as e:
            assert e.value == (5, (4, (3, (2, (1, (0, ('returned', 'b')))))))
        else:
            assert False
    else:
        try:
            g.throw(KeyError(n))
        except KeyError as e:
            assert e.args == (n,)
        assert g.gi_frame is None and inner.gi_frame is None
    assert [v for v in loops(n)] == [('yielded', n), ('got', None)]
    Ends.log.clear()


def endless(n):
    yield n
    yield from endless(n + 1)


limit = sys.getrecursionlimit()
sys.setrecursionlimit(200)
try:
    for n in endless(0):
        pass
except RecursionError:
    assert n > 50, n
else:
    assert False
finally:
    sys.setrecursionlimit(limit)


def walks_itself(box):
    yield 1
    yield from box[0]


for _ in range(40):
    box = []
    box.append(walks_itself(box))
    assert next(box[0]) == 1
    try:
        next(box[0])
    except ValueError as e:
        assert str(e) == 'generator already executing'
    else:
        assert False


# ---- sorting tuples --------------------------------------------------------------------------------------------------
rows = [(i % 2 == 0, -i % 7, str(i % 5), i * 1.5, None) for i in range(30)]
assert [tuple(r) for r in sorted([list(r[:4]) for r in rows])] == sorted(r[:4] for r in rows)
nan = float('nan')
assert sorted([(nan, 2), (nan, 1)]) == [(nan, 1), (nan, 2)]
assert sorted([(1, 2), (1,), (0, 5), (True, 1)]) == [(0, 5), (1,), (True, 1), (1, 2)]
assert sorted([(0.0, 2), (-0.0, 1), (0, 0)]) == [(0, 0), (-0.0, 1), (0.0, 2)]
try:
    sorted([(1, 'a'), (1, 2)])
except TypeError:
    pass
else:
    assert False


# ---- builtins that take all of a generator --------------------------------------------------------------------------
class Odd:
    """An item whose hash, truth and sum run Python code."""
    seen = []

    def __init__(self, n):
        self.n = n

    def look(self, what):
        f = sys._getframe(2)
        Odd.seen.append((what, f.f_code.co_name))
        if self.n < 0:
            raise LookupError(self.n)

    def __hash__(self):
        self.look('hash')
        return self.n

    def __eq__(self, other):
        self.look('eq')
        return self.n == other

    def __bool__(self):
        self.look('bool')
        return self.n % 2 == 1

    def __radd__(self, other):
        self.look('add')
        return other + self.n


def collected(f, items):
    ended = []

    def source():
        try:
            for x in items:
                yield x
        finally:
            ended.append(1)

    def plain():
        return f(x for x in items)

    def full():
        return f(source())

    def delegated():
        def outer():
            yield from source()
        return f(outer())

    out = []
    for call in (plain, full, delegated):
        try:
            out.append(call())
        except Exception as e:
            tb = [t.name for t in traceback.extract_tb(e.__traceback__)][1:]
            out.append((type(e).__name__, str(e), tb))
    assert ended == [1, 1], ended
    return out


def collect_list(items): return collected(list, items)
def collect_tuple(items): return collected(tuple, items)
def collect_set(items): return collected(set, items)
def collect_any(items): return collected(any, items)
def collect_all(items): return collected(all, items)
def collect_sum(items): return collected(sum, items)


import traceback

rounds = [
    [], [1, 2, 3], [0, '', None], [0, 0.0, 2], [True, 1, 'x'], [1, 2.5, 1e100, -1e100, 0.1], [2**62, 2**62, 5],
    ['a', 'b', 'a'], [[1]], [1, 'a'], [-1, -2, -1], [Odd(1), Odd(2)], [1, Odd(1), Odd(3), 3], [Odd(4), Odd(-1), 7],
    [(1, 2), (1, 2)], range(100), [float('nan')] * 2, [1j, 2], [b'x', b'x'],
]
for collect in (collect_list, collect_tuple, collect_set, collect_any, collect_all, collect_sum):
    kind = {'list': list, 'tuple': tuple, 'set': set, 'any': any, 'all': all, 'sum': sum}[collect.__name__[8:]]
    for _ in range(4):
        for items in rounds:
            got = collect(items)
            try:
                want = kind(items)
            except Exception as e:
                for error, message, tb in got:
                    assert (error, message) == (type(e).__name__, str(e)), (collect, items, got, e)
                    assert tb[0] in ('plain', 'full', 'delegated') and 'source' not in tb, tb
            else:
                assert all(repr(g) == repr(want) for g in got), (collect, items, got, want)
assert {name for _, name in Odd.seen} <= {'plain', 'full', 'delegated', '<module>', 'collected'}, Odd.seen


def raises_within():
    def source():
        yield 1
        raise KeyError('within')
    return list(source())


def counts_itself(out):
    def source():
        g = sys._getframe().f_generator
        out.append((g.gi_running, sys._getframe(1).f_code.co_name))
        for i in range(3):
            try:
                g.send(None)
            except ValueError as e:
                out.append(str(e))
            yield i
        out.append(g)
    return tuple(source())


for _ in range(40):
    try:
        raises_within()
    except KeyError as e:
        assert [t.name for t in traceback.extract_tb(e.__traceback__)] == ['<module>', 'raises_within', 'source']
    else:
        assert False
    out = []
    assert counts_itself(out) == (0, 1, 2)
    assert out[:2] == [(True, 'counts_itself'), 'generator already executing']
    assert out[-1].gi_frame is None and not out[-1].gi_running


def traced_within(on):
    events = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name == '<genexpr>':
            events.append(event)
        return tracer

    def begin(x):
        if on and x == 1:
            sys.settrace(tracer)
            sys._getframe(1).f_trace = tracer
        return x

    r = list(begin(x) for x in range(4))
    sys.settrace(None)
    return r, events


for _ in range(40):
    assert traced_within(False) == ([0, 1, 2, 3], [])
r, events = traced_within(True)
assert r == [0, 1, 2, 3] and events.count('call') == 3 and events.count('return') == 4, events
