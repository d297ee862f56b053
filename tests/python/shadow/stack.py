"""Handlers leave nothing on the native stack: loops over sites of many kinds, long enough to use it up otherwise."""
import functools
import math

TURNS = 20_000


class Property:
    @property
    def p(self):
        return 1


classes = [type(f'C{i}', (Property,), {'x': i, 'm': lambda self: 1, '__len__': lambda self: 3}) for i in range(12)]
objects = [c() for c in classes]
for i, o in enumerate(objects):
    setattr(o, f'own{i}', 1)
    o.y = i


def slots():
    for _ in range(TURNS):
        for o in objects:
            o.y


def class_attributes():
    for _ in range(TURNS):
        for o in objects:
            o.x


def methods():
    for _ in range(TURNS):
        for o in objects:
            o.m()


def properties():
    for _ in range(TURNS):
        for o in objects:
            o.p


def natives():
    for i in range(10 * TURNS):
        math.floor(1.5)
        abs(i)
        min(i, 3)
        ord('a')
        isinstance(i, str)
        type(i)
        str(i)


def defaults(a, b=1, c=2):
    return a


def calls():
    bound = objects[0].m
    for i in range(10 * TURNS):
        defaults(i)
        defaults(i, c=3)
        defaults(*(i,), **{'b': 1})
        bound()


class Many:
    """Called in many ways."""
    kind = 'many'

    def __init__(self, x, y=1, *, z=2):
        self.x = x
        self.y = y

    def __call__(self, x=1):
        return x

    def var(self, *args, **kwargs):
        return self

    def own(self, *, k=1):
        return k

    def __delattr__(self, name):
        pass


class Made:
    def __new__(cls, x):
        return object.__new__(cls)

    def __init__(self, x):
        pass


class Error(ValueError):
    def __init__(self, text):
        self.text = text


def many_calls():
    many, partial = Many(1), functools.partial(defaults, 1, c=2)
    for i in range(5 * TURNS):
        Many(i), Many(x=i), Many(i, z=1), Many(i, y=2, z=3), Made(i), Error(i), str(i)
        many(), many(i), many.var(), many.var(i, 2), many.var(k=1), many.own(), many.own(k=2), partial(), partial(b=2)
        int('3', base=10), 'a'.replace('a', 'b', count=1), dict(a=1)
        for f in defaults, lambda a, b=2: a, lambda *a: a, lambda **k: k, lambda a=1: a, lambda a=2: a:
            f(*[1] * (f.__code__.co_argcount > 0))


def many_attributes():
    o, classes, mixed = Point(), [Many, Made, Error], [Point(), Property(), Many(1), Error('')]
    for i in range(5 * TURNS):
        hasattr(o, 'x'), hasattr(o, 'none'), getattr(o, 'x', 1), getattr(o, 'none', 1), hasattr(Many, 'none')
        Many.__name__, Many.__mro__, Many.var, Many.kind
        o.tmp = i
        del o.tmp
        for c in classes:
            c.__name__
        for x in mixed:
            x.__class__, x.__doc__, hasattr(x, 'p')
        try:
            o.none
        except AttributeError:
            pass
        try:
            o.none()
        except (TypeError, AttributeError):
            pass
        exec_global()


class Point:
    x = 1


namespace = {'a': 1}
exec('def exec_global(): return a', namespace)
exec_global = namespace['exec_global']


def texts():
    s = ''
    for i in range(10 * TURNS):
        s += 'x'
    return s


class Container:
    def __init__(self):
        self.items = {0: 1, 'k': 2}

    def __getitem__(self, k):
        return self.items[k]

    def __setitem__(self, k, v):
        self.items[k] = v

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


def subscripts():
    c, d, l, t = Container(), {0: 1, 'k': 2}, [1, 2, 3, 4], 'text'
    for i in range(5 * TURNS):
        c[0] = c['k']
        d[0], d['k'], l[1:3], l[2::-1], t[1:], t[0]
        l[1:3] = l[:2]
        with c:
            pass


def walks():
    d, l = {i: i for i in range(50)}, list(range(50))
    for _ in range(TURNS // 10):
        for k in d: pass
        for v in d.values(): pass
        for k, v in d.items(): pass
        for i, x in enumerate(l): pass
        for x, y in zip(l, l): pass
        for x in reversed(l): pass
        for c in 'characters of a text': pass
        for x in (1, 2, 3): a, b, c = x, x, x
        for x, in [(1,), (2,)]: a, b = [x, x]


def generators():
    def inner():
        yield from range(50)

    def outer():
        yield from inner()
    for _ in range(TURNS // 10):
        for x in outer(): pass
        list(x for x in range(50)), tuple(x for x in range(50)), set(x for x in range(50)), sum(x for x in range(50))
        sorted(x for x in range(9)), min(x for x in range(9)), max(x for x in range(9)), dict((x, x) for x in range(9))
        ','.join(x for x in 'abc')
        any(x > 60 for x in range(50)), all(x < 60 for x in range(50))


async def awaited(n):
    return n


async def awaits():
    c = Awaited()
    for i in range(5 * TURNS):
        await awaited(i)
        await c.method(i)


class Awaited:
    async def method(self, i):
        return i


def coroutines():
    try:
        awaits().send(None)
    except StopIteration:
        pass


class Operand:
    def __add__(self, o):
        return self

    def __radd__(self, o):
        return NotImplemented

    def __eq__(self, o):
        return self is o

    def __lt__(self, o):
        return NotImplemented

    def __gt__(self, o):
        return True

    def __neg__(self):
        return self

    def __bool__(self):
        return True

    def __contains__(self, x):
        return False

    def __getitem__(self, k):
        return k

    __delitem__ = __getitem__

    def __len__(self):
        return 1


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if not self.n:
            raise StopIteration
        self.n -= 1


def operators():
    a, b, d, s = Operand(), Operand(), {'k': 1}, {1, 2}
    for i in range(4 * TURNS):
        a + b
        a == b
        a != b
        if a < b:
            -a
        if not a or i in a or i not in s:
            pass
        not a
        a[i]
        del a[i]
        d['k'] = d['k'] + 1.5 - i * 2 / 3
        i in (1, 2, 'k')
        'k' in d
        'bc'[1] in 'abc'
        f'{i}{a is b}x'
        (i + 1.5 > i, i < 3, 'a' < 'b', [1] + [i])
    for i in range(TURNS):
        for _ in Countdown(2):
            pass
        [x for x in Countdown(1)]


for f in (subscripts, walks, generators, coroutines, operators):
    f()
for f in (slots, class_attributes, methods, properties, natives, calls, many_calls, many_attributes, texts):
    f()
# Enough of it is left.
assert sorted([3, 1, 2], key=lambda x: sorted([x, -x], key=abs)[0]) == [1, 2, 3]
