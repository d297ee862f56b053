"""Special methods of warm operators run in frames of their own: operands, results, exceptions and ends are as ever."""
import gc
import sys
import weakref


def repeat(f, *args, n=60):
    for _ in range(n):
        r = f(*args)
    return r


log = []


class Noisy:
    def __init__(self, name, answer=None):
        self.name = name
        self.answer = answer

    def __del__(self):
        log.append(self.name)

    def __add__(self, o):
        self = o = None
        log.append('add')
        return 1

    def __sub__(self, o):
        return NotImplemented

    def __rsub__(self, o):
        log.append(('rsub', o.name, self.name))
        return NotImplemented

    def __eq__(self, o):
        log.append('eq')
        return self.answer

    def __mul__(self, o):
        return self

    def __bool__(self):
        log.append('bool')
        return True

    def __contains__(self, x):
        log.append('contains')
        return 0


# ---- temporaries live as long as the operation ------------------------------------------------------------------------
def sums():
    log.append('before')
    r = Noisy('a') + Noisy('b')
    log.append('after')
    return r


for _ in range(60):
    log.clear()
    assert sums() == 1
    assert log[0] == 'before' and log[-1] == 'after' and log[1] == 'add', log
    assert sorted(log[2:4]) == ['a', 'b']


def operand_is_result():
    x = Noisy('x') * Noisy('y')
    log.append(x.name)
    return x


for _ in range(60):
    log.clear()
    operand_is_result()
    assert log == ['y', 'x', 'x'], log


def refused():
    try:
        Noisy('a') - Noisy('b')
    except TypeError as e:
        return str(e)


for _ in range(60):
    assert refused() == "unsupported operand type(s) for -: 'Noisy' and 'Noisy'"


def tested():
    if Noisy('t'):
        log.append('true')
    if Noisy('c') in [1]:
        log.append('no')
    if 1 in Noisy('d'):
        log.append('no')
    return Noisy('k') and 5


for _ in range(60):
    log.clear()
    assert tested() == 5
    assert 'no' not in log and log.count('bool') == 2, log
    assert [x for x in log if x in ('t', 'c', 'd', 'k')] == ['t', 'c', 'd', 'k'], log


# ---- results that have to be looked at ---------------------------------------------------------------------------------
class Answer:
    def __init__(self, truth):
        self.truth = truth

    def __bool__(self):
        if self.truth is None:
            raise KeyError('truth')
        return self.truth


def branch(a, b):
    if a == b:
        return 'equal'
    return 'different'


def unequal(a, b):
    return (a != b, 'y' if a != b else 'n')


class Asked:
    def __init__(self, answer):
        self.answer = answer

    def __eq__(self, o):
        return self.answer


for answer, want in [(True, 'equal'), (False, 'different'), (1, 'equal'), ([], 'different'), (Answer(True), 'equal'),
                     (Answer(False), 'different'), (NotImplemented, 'different')]:
    assert repeat(branch, Asked(answer), Asked(answer)) == want, answer
    assert repeat(unequal, Asked(answer), Asked(answer)) == ((want != 'equal'), 'n' if want == 'equal' else 'y')
    branch(Asked(True), 3)
same = Asked(NotImplemented)
assert repeat(branch, same, same) == 'equal'
for f in (branch, unequal):
    try:
        repeat(f, Asked(Answer(None)), Asked(1))
    except KeyError as e:
        assert e.args == ('truth',)
    else:
        assert False


class Sized:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n


def size(x):
    return ('y' if x else 'n', not x, x and 1, x or 2)


s = Sized(0)
assert repeat(size, s) == ('n', True, s, 2)
t = Sized(1 << 40)
assert repeat(size, t) == ('y', False, 1, t)
for bad, error in [(-1, ValueError), ('x', TypeError), (1 << 70, OverflowError), (None, TypeError)]:
    for _ in range(3):
        try:
            size(Sized(bad))
        except error:
            pass
        else:
            assert False, bad
assert size(Sized(True))[:3] == ('y', False, 1)


class Truth:
    def __init__(self, answer):
        self.answer = answer

    def __bool__(self):
        return self.answer


assert repeat(size, Truth(False))[:2] == ('n', True)
try:
    size(Truth(1))
except TypeError as e:
    assert str(e) == '__bool__ should return bool, returned int', e
else:
    assert False


# ---- exceptions ----------------------------------------------------------------------------------------------------------
class Raising:
    def __add__(self, o):
        raise ValueError(o)

    def __lt__(self, o):
        raise ValueError(o)

    def __bool__(self):
        raise ValueError('bool')

    def __contains__(self, o):
        raise ValueError(o)

    def __getitem__(self, k):
        raise ValueError(k)

    __neg__ = __bool__

    def __next__(self):
        raise ValueError('next')

    def __iter__(self):
        return self


def raising(x, how):
    try:
        if how == 0:
            return x + 1
        if how == 1:
            return 'y' if x < 1 else 'n'
        if how == 2:
            return 'y' if x else 'n'
        if how == 3:
            return 1 in x
        if how == 4:
            return -x
        if how == 5:
            return x[1]
        for y in x:
            return y
    except ValueError as e:
        return e


for how in range(7):
    ref = None
    for _ in range(60):
        x = Raising()
        ref = weakref.ref(x)
        e = raising(x, how)
        assert type(e) is ValueError
        tb = e.__traceback__
        names = []
        while tb:
            names.append(tb.tb_frame.f_code.co_name)
            tb = tb.tb_next
        assert names[0] == 'raising' and len(names) == 2, names
        del e, tb, x
    gc.collect()
    assert ref() is None, how


# ---- iterators written in Python --------------------------------------------------------------------------------------
class Count:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if not self.n:
            raise StopIteration('end')
        self.n -= 1
        return self.n


def walk(it):
    out = []
    for x in it:
        out.append(x)
    else:
        out.append('else')
    return out


assert repeat(lambda: walk(Count(3))) == [2, 1, 0, 'else']
assert walk([1]) == [1, 'else']
assert repeat(lambda: walk(Count(1))) == [0, 'else']


class Sub(StopIteration):
    pass


def nested(inner):
    # A StopIteration of a frame further up is no end of the loop.
    def step(self):
        return next(inner)
    return type('Nested', (), {'__iter__': lambda self: self, '__next__': step})()


assert repeat(lambda: walk(nested(iter([1, 2])))) == [1, 2, 'else']


class Ends:
    def __iter__(self):
        return self

    def __next__(self):
        raise Sub


assert repeat(lambda: walk(Ends())) == ['else']
assert sys.exc_info() == (None, None, None)


class NoIterator:
    def __iter__(self):
        return 5


def not_iterable(x):
    try:
        walk(x)
    except TypeError as e:
        return str(e)


assert repeat(not_iterable, NoIterator()) == "iter() returned non-iterator of type 'int'"
NoIterator.__iter__ = lambda self: True
assert not_iterable(NoIterator()) == "iter() returned non-iterator of type 'bool'"


# ---- operators in generators, and operands that are rebound meanwhile --------------------------------------------------
class Frames:
    def __init__(self, v):
        self.v = v

    def __add__(self, o):
        f = sys._getframe(1)
        return (self.v + o.v, f.f_code.co_name, f.f_lineno > 0)

    def __radd__(self, o):
        return ('radd', o)

    def __eq__(self, o):
        return True


def generated(a, b):
    for _ in range(3):
        yield a + b
        yield 'y' if a == b else 'n'
        yield 3 + a


for _ in range(60):
    got = list(generated(Frames(1), Frames(2)))
assert got == [(3, 'generated', True), 'y', ('radd', 3)] * 3, got


class Rebinding:
    def __add__(self, o):
        sys._getframe(1).f_locals['a'] = 'rebound'
        return NotImplemented

    def __radd__(self, o):
        return ('radd', type(o).__name__)

    def __lt__(self, o):
        sys._getframe(1).f_locals['b'] = None
        return NotImplemented


class Right:
    def __radd__(self, o):
        return ('right', type(o).__name__)

    def __gt__(self, o):
        return ('gt', type(o).__name__)


def rebinding(a, b):
    return a + b, a


def rebinding_compare(a, b):
    return a < b, b


for _ in range(60):
    assert rebinding(Rebinding(), Right()) == (('right', 'Rebinding'), 'rebound')
    assert rebinding_compare(Rebinding(), Right()) == (('gt', 'Rebinding'), None)


# ---- recursion through operators ---------------------------------------------------------------------------------------
class Deep:
    def __init__(self, n):
        self.n = n

    def __add__(self, o):
        return Deep(self.n - 1) + o if self.n else o

    def __bool__(self):
        return True if not self.n else bool(not Deep(self.n - 1)) is False

    def __getitem__(self, k):
        return Deep(self.n - 1)[k] if self.n else k

    def __eq__(self, o):
        return NotImplemented if not self.n else Deep(self.n - 1) == o


for _ in range(20):
    assert Deep(100) + 5 == 5
    assert Deep(100)[6] == 6
    assert (Deep(100) == 7) is False
    assert not Deep(50) is False


class Endless:
    def __add__(self, o):
        return self + o

    def __eq__(self, o):
        return 'y' if self == o else 'n'

    def __bool__(self):
        return not self

    def __getitem__(self, k):
        return self[k]


def endless(how):
    e = Endless()
    try:
        if how == 0:
            e + 1
        elif how == 1:
            e == 1
        elif how == 2:
            not e
        else:
            e[1]
    except RecursionError:
        return True


for how in range(4):
    assert repeat(endless, how, n=4)


# ---- caches keep nothing alive ------------------------------------------------------------------------------------------
def use(a, b):
    return (a + b, a == b, 'y' if a < b else 'n', -a, not a, 1 in a, a[1], len(a))


for _ in range(3):
    class Short:
        def __add__(self, o):
            return 1

        def __eq__(self, o):
            return True

        def __lt__(self, o):
            return False

        def __neg__(self):
            return 2

        def __bool__(self):
            return True

        def __contains__(self, x):
            return False

        def __getitem__(self, k):
            return 3

        def __len__(self):
            return 4

    assert repeat(use, Short(), Short()) == (1, True, 'n', 2, False, False, 3, 4)
    ref = weakref.ref(Short)
    del Short
    gc.collect()
    assert ref() is None


# ---- dicts by constant keys ----------------------------------------------------------------------------------------------
def by_name(d):
    return d['one'], d['two']


def set_name(d, v):
    d['one'] = v
    return d


assert repeat(by_name, {'one': 1, 'two': 2}) == (1, 2)
assert by_name({'two': 2, 'one': 1}) == (1, 2)
d = {'zero': 0, 'one': 1, 'two': 2}
assert repeat(by_name, d) == (1, 2)
del d['zero']
assert by_name(d) == (1, 2)
d['one'] = 11
assert by_name(d) == (11, 2)
del d['one']
try:
    by_name(d)
except KeyError as e:
    assert e.args == ('one',)
else:
    assert False
assert repeat(set_name, {'one': 1}, 5) == {'one': 5}
assert set_name({}, 6) == {'one': 6}
assert list(set_name({'a': 0, 'one': 1, 'b': 2}, 7).items()) == [('a', 0), ('one', 7), ('b', 2)]


class Holder:
    pass


h = Holder()
h.one, h.two = 1, 2
assert repeat(by_name, h.__dict__) == (1, 2)
set_name(h.__dict__, 9)
assert h.one == 9
assert by_name(h.__dict__) == (9, 2)
set_name(globals(), 'global')
assert one == 'global'


class Missing(dict):
    def __missing__(self, k):
        return ('missing', k)


assert by_name(Missing()) == (('missing', 'one'), ('missing', 'two'))
assert by_name({'one': 1, 'two': 2}) == (1, 2)


# ---- containers of learned size are as ever --------------------------------------------------------------------------
def squares(n):
    return [i for i in range(n)], {i: i for i in range(n)}


for n in [3, 100, 5, 0, 1000, 2, 2, 2, 2]:
    for _ in range(20):
        assert squares(n) == (list(range(n)), dict(zip(range(n), range(n))))


# ---- what sites saw is there to be read -----------------------------------------------------------------------------------
if sys.implementation.name == 'cinder':
    import cinder.shadow

    def families(f):
        return {s['family'] for s in cinder.shadow.stats(f)['sites']}

    def everything(a, b):
        c = a + b
        d = -a
        e = a == b
        if a < b:
            c += 1
        f = not c
        g = 1 in (a, b)
        h = [a, b][0]
        return f'{c}{d}{e}{f}{g}{h}'

    repeat(everything, 1, 2, n=100)
    stats = cinder.shadow.stats(everything)
    # Frames that are exported at every instruction run plain code.
    if stats['warm'] and 'frame-state' not in sys._xoptions:
        assert families(everything) >= {'binary', 'unary', 'compare', 'truth', 'contains', 'subscript', 'format'}, \
            families(everything)
        seen = [s['seen'] for s in stats['sites'] if s['opcode'] == 'AddInt']
        assert seen and seen[0][0][0] is int and seen[0][0][1] is int, seen
        repeat(everything, 1.5, 2, n=100)
        stats = cinder.shadow.stats(everything)
        add = [s for s in stats['sites'] if s['generic'] == 'Add'][0]
        assert add['opcode'] == 'AddNumber', add
        assert {(x[0], x[1]) for x in add['seen']} == {(int, int), (float, int)}, add
