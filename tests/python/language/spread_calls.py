"""Calls with *args and **kwargs: what is bound to what, what raises, and what may be shared."""


def raises(kind, text, f, *args, **kwargs):
    for _ in range(30):
        try:
            f(*args, **kwargs)
        except kind as e:
            assert text in str(e), (text, str(e))
        else:
            raise AssertionError(text)


def plain(a, b=2, c=3):
    return a, b, c


def only(a, /, b, *, c=5, d):
    return a, b, c, d


def rest(*args, **kw):
    return args, kw


def some(a, *args, k=1, **kw):
    return a, args, k, kw


def none(*, k):
    return k


def head_only(*args):
    return args


class C:
    def __init__(self, a, *args, **kw):
        self.seen = a, args, kw

    def m(self, a, b=4, *args, **kw):
        return a, b, args, kw

    def all(*args):
        return args[0], args[1:]

    @classmethod
    def make(cls, *args, **kw):
        return cls(*args, **kw)

    @staticmethod
    def s(*args, **kw):
        return args, kw


def run():
    t, l, d = (1, 2), [1, 2], {'c': 7}
    assert plain(*t) == plain(*l) == (1, 2, 3) and plain(*t, **d) == (1, 2, 7)
    assert plain(*(x for x in t), **d) == (1, 2, 7) and plain(*'ab') == ('a', 'b', 3)
    assert plain(1, *[2], c=4) == (1, 2, 4) and plain(**{'a': 1, **d}) == (1, 2, 7)
    assert only(*t, **{'d': 9}) == (1, 2, 5, 9) and only(1, d=2, b=3) == (1, 3, 5, 2)
    assert rest() == ((), {}) and rest(*t, **d) == ((1, 2), {'c': 7}) and rest(x=1) == ((), {'x': 1})
    assert some(*(1, 2, 3), **{'k': 4, 'z': 5}) == (1, (2, 3), 4, {'z': 5}) and some(1) == (1, (), 1, {})
    assert none(**{'k': 3}) == 3
    c = C(*t, **d)
    assert c.seen == (1, (2,), {'c': 7}) and C.make(*t).seen == (1, (2,), {})
    assert c.m(*t) == (1, 2, (), {}) and c.m(*(1, 2, 3), **d) == (1, 2, (3,), {'c': 7})
    assert c.all(*t) == (c, (1, 2)) and c.all() == (c, ()) and C.s(*t, **d) == (t, d)
    m = c.m
    assert m(5) == m(*[5]) == (5, 4, (), {}) and m(5, b=6) == (5, 6, (), {})
    assert max(*t) == 2 and dict(**d) == d and dict(*[[(1, 2)]], **d) == {1: 2, 'c': 7} and str(*(5,)) == '5'
    # The callee's dict is its own, and the caller's is left alone.
    kw = rest(**d)[1]
    kw['more'] = 1
    assert d == {'c': 7}
    # Keys that are strs but were never interned.
    name = ''.join(['c'])
    assert plain(1, **{name: 8}) == (1, 2, 8) and rest(**{name + 'x': 8}) == ((), {'cx': 8})


for _ in range(40):
    run()

raises(TypeError, "plain() missing 1 required positional argument: 'a'", plain)
raises(TypeError, 'plain() takes from 1 to 3 positional arguments but 4 were given', plain, *range(4))
raises(TypeError, "plain() got multiple values for argument 'a'", plain, 1, **{'a': 2})
raises(TypeError, "plain() got an unexpected keyword argument 'zz'", plain, 1, zz=2)
raises(TypeError, "only() got some positional-only arguments passed as keyword arguments: 'a'", only, a=1, b=2, d=3)
raises(TypeError, "only() missing 1 required keyword-only argument: 'd'", only, 1, 2)
raises(TypeError, "none() takes 0 positional arguments but 1 was given", none, 1)
raises(TypeError, "keywords must be strings", lambda: rest(**{1: 2}))
raises(TypeError, "got multiple values for keyword argument 'c'", lambda: rest(**{'c': 1}, **{'c': 2}))
raises(TypeError, 'argument after * must be an iterable, not int', lambda: rest(*5))
raises(TypeError, 'argument after ** must be a mapping, not int', lambda: rest(**5))
raises(TypeError, "C.__init__() missing 1 required positional argument: 'a'", C, *())


class Name(str):
    def __hash__(self):
        return hash(str(self))


assert plain(1, **{Name('c'): 8}) == (1, 2, 8)


def changed(**kw):
    source['c'] = 'later'
    return kw


source = {'c': 1}
for _ in range(30):
    source['c'] = 1
    assert changed(**source) == {'c': 1}


def generator(*args, **kw):
    yield args
    yield kw


async def coroutine(*args):
    return args


for _ in range(30):
    assert list(generator(*(1, 2), **{'k': 3})) == [(1, 2), {'k': 3}]
    c = coroutine(*(1,))
    try:
        c.send(None)
    except StopIteration as e:
        assert e.value == (1,)


def deep(n, *args, **kw):
    return n if n == 0 else deep(*(n - 1,), *args, **kw)


assert deep(500, 1, k=2) == 0


# A function may be replaced while its default is in use, and a receiver may die with its method.
class D:
    def __del__(self):
        ended.append(1)

    def m(self, *args):
        return args


ended = []
for i in range(30):
    assert D().m(*(1, 2)) == (1, 2)
    assert len(ended) == i + 1
