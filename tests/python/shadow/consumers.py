"""Builtins that take all of a generator, entered by their call: results, errors and what is left of the generator."""
import collections
import gc
import weakref


def repeat(f, *args, n=40):
    for _ in range(n):
        r = f(*args)
    return r


def error(f, *args):
    try:
        f(*args)
    except Exception as e:
        return type(e).__name__, str(e), getattr(e, '__notes__', [])
    return None


class Key:
    """Compared and hashed by Python code."""
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        return self.n < other.n

    def __gt__(self, other):
        return self.n > other.n

    def __eq__(self, other):
        return self.n == other.n

    def __hash__(self):
        return hash(self.n)


def in_order(items):
    return sorted(x for x in items)


def least(items):
    return min(x for x in items)


def most(items):
    return max(x for x in items)


def joined(items):
    return ', '.join(x for x in items)


def mapped(items):
    return dict(x for x in items)


assert repeat(in_order, [3, 1, 2]) == [1, 2, 3]
assert repeat(in_order, ['b', 'a']) == ['a', 'b']
assert [k.n for k in repeat(in_order, [Key(2), Key(1)])] == [1, 2]
assert repeat(in_order, []) == []
assert repeat(least, [3, 1, 2]) == 1 and repeat(most, [3, 1, 2]) == 3
assert repeat(least, [2.5, 0.5]) == 0.5 and repeat(most, [2.5, 0.5]) == 2.5
assert repeat(least, [2, 1.5, 3]) == 1.5 and repeat(most, [2, 'a'][:1]) == 2
assert repeat(least, ['b', 'a', 'c']) == 'a' and repeat(most, ['b', 'a', 'c']) == 'c'
assert repeat(most, [Key(1), Key(5), Key(3)]).n == 5
assert repeat(most, [1 << 70, 3]) == 1 << 70 and repeat(least, [1 << 70, 3]) == 3
assert repeat(most, [True, 3, False]) == 3 and repeat(least, [None]) is None
assert repeat(most, [max]) is max and repeat(least, [min]) is min
nan = float('nan')
assert repeat(most, [nan, 1.0]) is nan and repeat(most, [1.0, nan]) == 1.0
# The first of equal ones counts.
one = 1.0
assert type(repeat(least, [1, one])) is int and type(repeat(most, [one, 1])) is float
assert repeat(joined, ['a', 'bc', 'd']) == 'a, bc, d'
assert repeat(joined, []) == '' and repeat(joined, ['x']) == 'x'
assert repeat(mapped, [('a', 1), ('b', 2), ('a', 3)]) == {'a': 3, 'b': 2}
assert repeat(mapped, [(1, 1), (2.0, 2), (True, 3)]) == {1: 3, 2.0: 2}
assert repeat(mapped, ['ab', ['c', 'd'], (Key(1), 2), (Key(1), 3)])[Key(1)] == 3
assert repeat(mapped, []) == {}

for f in least, most:
    kind, text, _ = repeat(error, f, [])
    assert kind == 'ValueError' and text == f'{"min" if f is least else "max"}() iterable argument is empty', text
    assert repeat(error, f, [1, 'a'])[0] == 'TypeError'
    assert repeat(error, f, [None, None])[0] == 'TypeError'
assert repeat(error, in_order, [1, 'a'])[0] == 'TypeError'
assert repeat(error, joined, ['a', 1])[:2] == ('TypeError', 'sequence item 1: expected str instance, int found')
for items in [('a', 1), 5], [('a', 1), (1, 2, 3)], ['abc'], [([], 1)], [('a', 1), ('b', 1), ()]:
    assert repeat(error, mapped, items) == error(lambda: dict(iter(items))), items


# Generators that raise, and that run other code between.
def raising(f):
    def items():
        yield 'a'
        raise KeyError('mine')
    return f(x for x in items())


for f in sorted, min, max, ''.join, dict, list:
    kind, text, _ = repeat(error, raising, f)
    assert (kind, text) == ('KeyError', "'mine'") or f is dict and kind == 'ValueError', (f, kind, text)


def nested(n):
    return max(sum(1 for _ in range(k)) for k in range(n)), ','.join(str(min(x for x in (k, 5))) for k in range(n))


assert repeat(nested, 4) == (3, '0,1,2,3')


# What a consumer holds ends with an error; the rest of a generator is closed.
class Held:
    pass


def dies(consumer):
    held = Held()
    seen = weakref.ref(held)

    def items(held):
        yield 'a'
        yield held
    try:
        consumer(x for x in items(held))
    except TypeError:
        pass
    del held, items
    return seen


for consumer in sorted, ''.join, max:
    for _ in range(40):
        seen = dies(consumer)
        gc.collect()
        assert seen() is None, consumer

# All of a deque at once.
d = collections.deque('abc', maxlen=3)
d.append('d')


class Own(collections.deque):
    def __iter__(self):
        return iter('own')


assert repeat(lambda: (''.join(d), list(d), sorted(d))) == ('bcd', ['b', 'c', 'd'], ['b', 'c', 'd'])
assert repeat(lambda: ''.join(Own('xyz'))) == 'own'
