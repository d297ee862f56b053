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


for f in (slots, class_attributes, methods, properties, natives, calls, texts):
    f()
# Enough of it is left.
assert sorted([3, 1, 2], key=lambda x: sorted([x, -x], key=abs)[0]) == [1, 2, 3]
