"""What happens to exceptions, frames and names while generators and coroutines delegate, and after they are gone."""

import gc
import sys
import types
import warnings


def names(frame):
    found = []
    while frame is not None and frame.f_code.co_name != "<module>":
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


# A delegate sees the generators above it on the stack, also while an exception is thrown into it.
seen = []


def inner():
    try:
        yield names(sys._getframe())
    except ValueError:
        seen.append(names(sys._getframe()))
        yield


def middle():
    yield from inner()


def outer():
    yield from middle()


g = outer()
assert next(g) == ["inner", "middle", "outer"]
g.throw(ValueError)
assert seen == [["inner", "middle", "outer"]]


class Delegate:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def throw(self, *args):
        seen.append((args, names(sys._getframe())))
        return 2


def to_custom():
    yield from Delegate()


g = to_custom()
next(g)
assert g.throw(KeyError) == 2
# The arguments are passed on as they were given.
assert seen[-1] == ((KeyError,), ["throw", "to_custom"])


# A broken delegate: what looking up throw() raises propagates, what looking up close() raises is reported.
class Broken:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def __getattr__(self, name):
        1 / 0


def to_broken():
    yield from Broken()


g = to_broken()
next(g)
try:
    g.throw(AttributeError)
    assert False
except ZeroDivisionError:
    pass
reported = []
sys.unraisablehook = lambda args: reported.append((args.exc_type, args.err_msg))
del g
reported.clear()
g = to_broken()
next(g)
g.close()
assert [kind for kind, _ in reported] == [ZeroDivisionError]
assert reported[0][1].startswith("Exception ignored while closing generator <")


# An exception class that makes no exception: the complaint is thrown instead.
class NoException(Exception):
    def __new__(cls):
        return cls


def catching():
    try:
        yield
    except TypeError as e:
        yield str(e)


g = catching()
next(g)
assert g.throw(NoException).endswith("should have returned an instance of BaseException, not type")

# Lambdas may be generators with a value.
g = (lambda: (yield 1))()
next(g)
try:
    g.send(7)
    assert False
except StopIteration as e:
    assert e.value == 7


# A generator's value ends iteration like any other end.
def returning():
    yield 1
    return 5


for iterated in (list(returning()), [*returning()], [x for x in returning()], sorted(returning()), [sum(returning())]):
    assert iterated == [1]
(item,) = returning()
g = returning()
next(g)
try:
    next(g)
    assert False
except StopIteration as e:
    assert e.value == 5
assert next(g, "default") == "default"


# Frames have no caller once their generator stands still or is over, and outlive it.
def plain():
    kept = "kept"
    yield


g = plain()
frame = g.gi_frame
next(g)
assert frame.f_back is None and frame.f_locals == {"kept": "kept"}
next(g, None)
assert frame.f_back is None


async def nothing(argument=1):
    pass


with warnings.catch_warnings(record=True) as shown:
    warnings.simplefilter("always")
    frame = nothing().cr_frame
    assert [w.category for w in shown] == [RuntimeWarning]
assert frame.f_locals == {"argument": 1}
frame.clear()
c = nothing()
with warnings.catch_warnings(record=True) as shown:
    warnings.simplefilter("always")
    c.cr_frame.clear()
    assert [w.category for w in shown] == [RuntimeWarning]
c.close()

# Coroutines are awaited once, however that is asked.
c = nothing()
wrapper = c.__await__()
try:
    wrapper.send(None)
except StopIteration:
    pass
for again in (lambda: next(wrapper), lambda: wrapper.throw(KeyError), lambda: c.send(None), lambda: c.throw(KeyError)):
    try:
        again()
        assert False
    except RuntimeError as e:
        assert str(e) == "cannot reuse already awaited coroutine"
wrapper.close()
c.close()


async def awaits(what):
    await what


for what, name in ((1, "int"), ([], "list"), (Delegate(), "Delegate")):
    try:
        awaits(what).send(None)
        assert False
    except TypeError as e:
        assert str(e) == f"'{name}' object can't be awaited", e


@types.coroutine
def marked():
    return (yield "from marked")


c = awaits(marked())
assert c.send(None) == "from marked"
c.close()

# The origin of coroutines, innermost caller first.
assert sys.get_coroutine_origin_tracking_depth() == 0
c = nothing()
assert c.cr_origin is None
c.close()


def makes():
    return nothing()


sys.set_coroutine_origin_tracking_depth(2)
c = makes()
assert [entry[2] for entry in c.cr_origin] == ["makes", "<module>"]
assert c.cr_origin[0][:2] == (__file__, makes.__code__.co_firstlineno + 1)
c.close()
sys.set_coroutine_origin_tracking_depth(0)
try:
    sys.set_coroutine_origin_tracking_depth(-1)
    assert False
except ValueError:
    pass


# A warning that cannot be shown is reported as an exception that nobody can catch.
reported.clear()
with warnings.catch_warnings():
    warnings.simplefilter("error")
    c = nothing()
    shown = repr(c)
    del c
    gc.collect()
assert reported == [(RuntimeWarning, f"Exception ignored while finalizing coroutine {shown}")]


# Methods of asynchronous generators want to be awaited too.
async def agen():
    yield 1


for method, args in (("asend", (None,)), ("athrow", (ValueError,)), ("aclose", ())):
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        a = agen()
        getattr(a, method)(*args)
        gc.collect()
    assert [str(w.message) for w in shown] == [f"coroutine method '{method}' of 'agen' was never awaited"]
a = agen().aclose()
a.close()
a.close()
a = agen()
a.__name__ = a.__qualname__ = "renamed"
assert (a.__name__, a.__qualname__) == ("renamed", "renamed") and "renamed" in repr(a)

# Objects that are no context managers, and those that are of the other kind.


class Manager:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


class AsyncManager:
    async def __aenter__(self):
        pass

    async def __aexit__(self, *_):
        pass


async def async_with(x):
    async with x:
        pass


def sync_with(x):
    with x:
        pass


for use, x, message in (
    (sync_with, 1, "'int' object does not support the context manager protocol (missed __exit__ method)"),
    (
        sync_with,
        AsyncManager(),
        "'AsyncManager' object does not support the context manager protocol (missed __exit__ method) but it supports "
        "the asynchronous context manager protocol. Did you mean to use 'async with'?",
    ),
    (
        lambda x: async_with(x).send(None),
        Manager(),
        "'Manager' object does not support the asynchronous context manager protocol (missed __aexit__ method) but it "
        "supports the context manager protocol. Did you mean to use 'with'?",
    ),
):
    try:
        use(x)
        assert False
    except TypeError as e:
        assert str(e) == message, e
