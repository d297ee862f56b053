"""Handlers leave nothing on the native stack: loops over sites of many kinds, long enough to use it up otherwise."""
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


for f in (subscripts, walks, generators, coroutines):
    f()
for f in (slots, class_attributes, methods, properties, natives, calls, texts):
    f()
# Enough of it is left.
assert sorted([3, 1, 2], key=lambda x: sorted([x, -x], key=abs)[0]) == [1, 2, 3]
