"""Generators, coroutines and asynchronous generators without an event loop."""

import inspect
import types


def gen():
    try:
        x = yield 1
        while True:
            x = yield x
    except ValueError as e:
        yield f"caught {e}"
    finally:
        trace.append("finally")
    return "result"


trace = []
g = gen()
assert inspect.getgeneratorstate(g) == "GEN_CREATED"
assert next(g) == 1 and g.send(5) == 5 and next(g) is None and g.throw(ValueError("v")) == "caught v"
assert inspect.getgeneratorstate(g) == "GEN_SUSPENDED" and g.gi_frame is not None
try:
    next(g)
except StopIteration as e:
    assert e.value == "result"
assert trace == ["finally"] and g.gi_frame is None and next(g, "done") == "done"

g = gen()
try:
    g.send(1)
except TypeError as e:
    assert str(e) == "can't send non-None value to a just-started generator"
next(g)
g.close()
assert trace == ["finally"] * 2 and inspect.getgeneratorstate(g) == "GEN_CLOSED"


def closing():
    try:
        yield
    except GeneratorExit:
        return "value of close"


g = closing()
next(g)
assert g.close() == "value of close" and g.close() is None


def stubborn():
    while True:
        try:
            yield
        except GeneratorExit:
            pass


g = stubborn()
next(g)
try:
    g.close()
except RuntimeError as e:
    assert str(e) == "generator ignored GeneratorExit"
else:
    raise AssertionError


# A generator cannot run itself, and StopIteration does not leak out of it.
def reentrant():
    next(me)
    yield


me = reentrant()
try:
    next(me)
except ValueError as e:
    assert str(e) == "generator already executing"


def leaks():
    yield 1
    raise StopIteration("x")


try:
    list(leaks())
except RuntimeError as e:
    assert str(e) == "generator raised StopIteration" and isinstance(e.__cause__, StopIteration)


# Delegation.
def inner():
    try:
        got = yield "i1"
        assert got == "sent"
        yield "i2"
    except KeyError:
        yield "inner caught"
    return "inner result"


def outer():
    result = yield from inner()
    yield result
    yield from "xy"
    return (yield from (i for i in ()))


g = outer()
assert next(g) == "i1" and g.gi_yieldfrom is not None and g.send("sent") == "i2"
assert g.throw(KeyError) == "inner caught" and list(g) == ["inner result", "x", "y"]


class Custom:
    """An iterator with send, throw and close of its own."""

    def __init__(self):
        self.log = []

    def __iter__(self):
        return self

    def __next__(self):
        self.log.append("next")
        return len(self.log)

    def send(self, v):
        self.log.append(("send", v))
        return len(self.log)

    def throw(self, e):
        self.log.append(("throw", type(e).__name__))
        raise e

    def close(self):
        self.log.append("close")


def delegate(c):
    yield from c


c = Custom()
g = delegate(c)
next(g), g.send("v"), next(g)
g.close()
assert c.log == ["next", ("send", "v"), "next", "close"]
c = Custom()
g = delegate(c)
next(g)
try:
    g.throw(IndexError())
except IndexError:
    pass
assert c.log == ["next", ("throw", "IndexError")]


# Expressions.
squares = (x * x for x in range(4))
assert isinstance(squares, types.GeneratorType) and list(squares) == [0, 1, 4, 9]
try:
    (x for x in 5)
except TypeError as e:
    assert "'int' object is not iterable" in str(e)
else:
    raise AssertionError
assert [(yield_ := i) for i in range(3)] == [0, 1, 2] and yield_ == 2
assert sum(i * j for i in range(3) for j in range(i) if j) == 2


# Coroutines by hand.
class Awaitable:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        got = yield self.value
        return got


async def co(x):
    first = await Awaitable(x)
    second = await other(first)
    return first, second


async def other(x):
    return (await Awaitable("other")), x


c = co("start")
assert c.send(None) == "start" and c.cr_await is not None and c.send("a") == "other"
try:
    c.send("b")
except StopIteration as e:
    assert e.value == ("a", ("b", "a"))
try:
    c.send(None)
except RuntimeError as e:
    assert str(e) == "cannot reuse already awaited coroutine"


async def bad():
    await 5


try:
    bad().send(None)
except TypeError as e:
    assert str(e) == "'int' object can't be awaited", str(e)


@types.coroutine
def old_style():
    return (yield "old")


async def uses_old():
    return await old_style()


c = uses_old()
assert c.send(None) == "old"
try:
    c.send(9)
except StopIteration as e:
    assert e.value == 9


def drive(coroutine):
    """Runs a coroutine, answering what it yields with None."""
    seen = []
    while True:
        try:
            seen.append(coroutine.send(None))
        except StopIteration as e:
            return e.value, seen


async def agen(n):
    try:
        for i in range(n):
            await Awaitable(("tick", i))
            got = yield i
            if got:
                yield f"got {got}"
    finally:
        await Awaitable("cleanup")


async def consume():
    values = [v async for v in agen(3)]
    pairs = {k: v async for k in agen(2) async for v in agen(1) if k}
    it = agen(5)
    first = await anext(it)
    sent = await it.asend("hello")
    try:
        await it.athrow(KeyError("k"))
    except KeyError as e:
        thrown = e.args
    assert await anext(it, "default") == "default"
    it2 = agen(2)
    await anext(it2)
    await it2.aclose()
    async for v in agen(1):
        pass
    else:
        v = "else"
    return values, pairs, first, sent, thrown, v


value, seen = drive(consume())
assert value == ([0, 1, 2], {1: 0}, 0, "got hello", ("k",), "else"), value
assert seen.count("cleanup") == 7, seen


class ACM:
    async def __aenter__(self):
        await Awaitable("enter")
        return self

    async def __aexit__(self, kind, value, tb):
        await Awaitable("exit")
        return kind is ValueError


async def with_acm():
    async with ACM() as a, ACM():
        raise ValueError
    return isinstance(a, ACM)


assert drive(with_acm()) == (True, ["enter", "enter", "exit", "exit"])
async def missing():
    async with 5:
        pass


try:
    drive(missing())
except TypeError as e:
    assert str(e) == "'int' object does not support the asynchronous context manager protocol (missed __aexit__ method)", e


# A coroutine that is never awaited says so.
import gc
import warnings

with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter("always")
    other(1)
    gc.collect()
assert str(w[0].message) == "coroutine 'other' was never awaited" and w[0].category is RuntimeWarning


# Generators keep their locals, and a thousand of them nest.
def nest(n):
    if n:
        yield from nest(n - 1)
    yield n


assert sum(nest(200)) == 20100


def fib():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


import itertools

assert list(itertools.islice(fib(), 10)) == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
