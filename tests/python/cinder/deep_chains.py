# timeout: 240
"""Native objects nested 20,000 deep: using and ending them raises or works. Several of these end CPython's process."""

import collections
import contextlib
import copy
import functools
import gc
import io
import itertools
import json
import operator
import pickle
import sys
import traceback
import types
import warnings
import weakref

DEPTH = 20_000
warnings.simplefilter("ignore")


def attempt(function, *args):
    try:
        return function(*args)
    except (RecursionError, MemoryError, ValueError, TypeError, AttributeError, StopIteration, OverflowError,
            pickle.PickleError):
        return None


def nest(wrap, start):
    for _ in range(DEPTH):
        start = wrap(start)
    return start


for wrap in (
    lambda i: map(int, i), lambda i: map(lambda x: x, i), itertools.chain, zip, lambda i: filter(None, i), enumerate,
    itertools.accumulate, iter, lambda i: itertools.islice(i, 1), itertools.chain.from_iterable, itertools.pairwise,
    lambda i: itertools.compress(i, itertools.repeat(1)), lambda i: itertools.takewhile(bool, i), itertools.cycle,
    lambda i: itertools.starmap(max, i), lambda i: itertools.batched(i, 1), lambda i: itertools.tee(i)[0],
    lambda i: (x for x in i), lambda i: itertools.zip_longest(i, i), itertools.groupby,
):
    chain = attempt(nest, wrap, iter([1]))
    if chain is not None:
        attempt(next, chain)
        attempt(lambda: list(itertools.islice(chain, 3)))
        attempt(copy.copy, chain)
        attempt(operator.length_hint, chain)
    del chain


def delegating(inner):
    yield from inner


def looping(inner):
    for x in inner:
        yield x


for make in (delegating, looping):
    chain = nest(make, iter([1]))
    attempt(next, chain)
    attempt(chain.throw, ValueError)
    attempt(chain.close)
    del chain


async def awaiting(inner):
    return await inner


async def leaf():
    return 5


chain = nest(awaiting, leaf())
attempt(chain.send, None)
chain.close()
del chain

for wrap in (
    lambda f: functools.partial(f, 1), functools.cache, staticmethod, classmethod,
    lambda f: functools.wraps(f)(lambda *a: f(*a)), lambda f: property(f),
    contextlib.nullcontext,
):
    f = attempt(nest, wrap, abs)
    if f is None:
        continue
    for operation in (lambda: f(), lambda: repr(f), lambda: hash(f), lambda: f.__wrapped__, lambda: f.__doc__,
                      lambda: f.__isabstractmethod__, lambda: copy.deepcopy(f), lambda: pickle.dumps(f), lambda: f == f,
                      lambda: f.__get__(1)):
        attempt(operation)
    del f

# Each of these passes on one argument more.
f = len
for _ in range(3000):
    f = types.MethodType(f, 1)
attempt(f)
attempt(repr, f)
attempt(hash, f)
del f

nested = nest(lambda x: (x,), int)
attempt(isinstance, 1.5, nested)
attempt(issubclass, float, nested)
attempt(lambda: "".startswith(nested))
attempt(lambda: hash(nested))
try:
    try:
        raise KeyError
    except nested:
        pass
except BaseException:
    pass
error = None
for i in range(DEPTH):
    new = ValueError(i)
    new.__cause__ = error
    new.__context__ = error
    error = new
with contextlib.redirect_stderr(io.StringIO()):
    attempt(sys.excepthook, type(error), error, None)
    attempt(traceback.print_exception, error)
attempt(repr, error)
attempt(traceback.TracebackException.from_exception, error)
try:
    raise error
except ValueError:
    try:
        raise KeyError
    except KeyError as e:
        assert e.__context__ is error
del error, new
group = ValueError(1)
for _ in range(DEPTH):
    group = attempt(ExceptionGroup, "g", [group]) or group
for operation in (repr, str, lambda g: g.split(KeyError), lambda g: g.subgroup(lambda e: True), lambda g: g.derive([g])):
    attempt(operation, group)
with contextlib.redirect_stderr(io.StringIO()):
    attempt(sys.excepthook, type(group), group, None)
del group

# Links that only collections end.
links = []
for _ in range(DEPTH):
    links = [links, None]
    links[1] = links
del links
node = None
for _ in range(DEPTH):
    class_like = types.SimpleNamespace(next=node)
    node = class_like
del node, class_like
gc.collect()


class Calls:
    def __init__(self, inner):
        self.inner = inner

    def __del__(self):
        self.inner = None


last = nest(Calls, None)
del last
count = 0


def gone(reference):
    global count, chain
    count += 1
    chain.pop()


class Target:
    pass


chain = []
for _ in range(3000):
    t = Target()
    t.reference = weakref.ref(chain[-1], gone) if chain else None
    chain.append(t)
del t
chain.clear()
