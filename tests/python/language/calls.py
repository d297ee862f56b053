"""Binding of arguments, with the messages for calls that do not fit."""


def raises(message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except TypeError as e:
        assert str(e) == message, f"{str(e)!r} is not {message!r}"
    else:
        raise AssertionError(message)


def f(a, b, /, c, d=4, *args, e, f=6, **kw):
    return a, b, c, d, args, e, f, kw


assert f(1, 2, 3, e=5) == (1, 2, 3, 4, (), 5, 6, {})
assert f(1, 2, 3, 40, 41, 42, e=5, z=9) == (1, 2, 3, 40, (41, 42), 5, 6, {"z": 9})
assert f(1, 2, c=3, e=5, a=10, b=11) == (1, 2, 3, 4, (), 5, 6, {"a": 10, "b": 11})
assert f(*(1, 2), **{"c": 3}, **{"e": 5}) == (1, 2, 3, 4, (), 5, 6, {})
assert f(*[1], *(2, 3), *range(4, 6), e=0) == (1, 2, 3, 4, (5,), 0, 6, {})

raises("f() missing 3 required positional arguments: 'a', 'b', and 'c'", f)
raises("f() missing 1 required positional argument: 'c'", f, 1, 2)
raises("f() missing 1 required keyword-only argument: 'e'", f, 1, 2, 3)
raises("f() got multiple values for argument 'c'", f, 1, 2, 3, c=4, e=5)


def g(a, b=2):
    return a, b


raises("g() takes from 1 to 2 positional arguments but 3 were given", g, 1, 2, 3)
raises("g() got an unexpected keyword argument 'q'", g, 1, q=1)


def h(a, /):
    return a


raises("h() got some positional-only arguments passed as keyword arguments: 'a'", h, a=1)


def none():
    pass


raises("none() takes 0 positional arguments but 1 was given", none, 1)


def only(*, k):
    return k


raises("only() takes 0 positional arguments but 1 positional argument (and 1 keyword-only argument) were given",
       only, 1, k=2)


class C:
    def method(self, x):
        return self, x

    @classmethod
    def cls(cls, x=0):
        return cls, x

    @staticmethod
    def static(x):
        return x


c = C()
assert c.method(1) == (c, 1) and C.method(c, 2) == (c, 2)
assert C.cls() == (C, 0) and c.cls(3) == (C, 3)
assert C.static(4) == c.static(4) == 4
raises("C.method() missing 1 required positional argument: 'x'", c.method)
raises("C.method() takes 2 positional arguments but 3 were given", c.method, 1, 2)
raises("C() takes no arguments", C, 1)
raises("'int' object is not callable", lambda: (5)())
raises("__main__.g() argument after * must be an iterable, not int", lambda: g(*5))
raises("__main__.g() argument after ** must be a mapping, not int", lambda: g(**5))
raises("keywords must be strings", lambda: g(**{1: 2}))
raises("__main__.g() got multiple values for keyword argument 'a'", lambda: g(**{"a": 1}, **{"a": 2}))

# Defaults are evaluated once and can be replaced.
def remember(x, seen=[]):
    seen.append(x)
    return seen


assert remember(1) is remember(2) and remember(3) == [1, 2, 3]
assert g.__defaults__ == (2,)
g.__defaults__ = (7, 8)
assert g() == (7, 8)
g.__defaults__ = None
raises("g() missing 1 required positional argument: 'b'", g, 1)
only.__kwdefaults__ = {"k": "default"}
assert only() == "default"


# Functions have code that can be replaced, and names.
def one():
    return 1


def two():
    return 2


one.__code__ = two.__code__
assert one() == 2 and one.__name__ == "one" and one.__qualname__ == "one"
one.__name__ = "renamed"
raises("one() takes 0 positional arguments but 1 was given", one, 1)
assert (lambda: 0).__qualname__ == "<lambda>"
assert C.method.__qualname__ == "C.method"


def outer():
    def inner():
        pass

    return inner


assert outer().__qualname__ == "outer.<locals>.inner"


# Many arguments, and unpacking in every place.
def many(*args, **kwargs):
    return len(args), len(kwargs)


assert many(*range(1000), **{f"k{i}": i for i in range(500)}) == (1000, 500)
big = eval("lambda " + ", ".join(f"a{i}" for i in range(300)) + ": a0 + a299")
assert big(*range(300)) == 299


# Keyword order is kept; `self` is an ordinary name.
class D:
    def __init__(*args, **kwargs):
        args[0].got = list(kwargs)


assert D(b=1, a=2, self=3).got == ["b", "a", "self"]


# Deep recursion in Python is an exception, and ends as one.
def recurse(n):
    return recurse(n + 1)


try:
    recurse(0)
except RecursionError as e:
    assert str(e).startswith("maximum recursion depth exceeded")
else:
    raise AssertionError

import sys

limit = sys.getrecursionlimit()
sys.setrecursionlimit(50_000)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


assert depth(40_000) == 40_000
sys.setrecursionlimit(limit)
