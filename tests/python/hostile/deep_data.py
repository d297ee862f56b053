"""Deep data and deep recursion through native code raise exceptions; they never end the process."""

import ast
import collections
import copy
import functools
import itertools
import json
import marshal
import operator
import pickle
import sys
import types

DEPTH = 8_000
EXPECTED = (RecursionError, MemoryError, ValueError, TypeError, SyntaxError)


def attempt(function, *args):
    try:
        function(*args)
    except EXPECTED:
        pass


def nested(make):
    value = make(None)
    for _ in range(DEPTH):
        value = make(value)
    return value


makers = [
    lambda x: [x],
    lambda x: (x,),
    lambda x: {"a": x},
    lambda x: frozenset([x]),
    lambda x: collections.deque([x]),
    lambda x: types.SimpleNamespace(a=x),
    lambda x: functools.partial(print, x),
]
operations = [
    repr, ascii, hash, copy.deepcopy, pickle.dumps, marshal.dumps, json.dumps, "{}".format, lambda x: "%r" % (x,),
]
for make in makers:
    one, two = nested(make), nested(make)
    for operation in operations:
        attempt(operation, one)
    for compare in (operator.eq, operator.lt, operator.contains):
        attempt(compare, one, two)
    attempt(sorted, [one, two])
    attempt(isinstance, 1, one)
    attempt(issubclass, int, one)

for text in (
    "(" * DEPTH, "[" * DEPTH + "]" * DEPTH, "-" * DEPTH + "1", "not " * DEPTH + "1", "f" + "()" * DEPTH,
    "f" + ".a" * DEPTH, "**".join(["1"] * DEPTH), "lambda:" * DEPTH + "1", "1 if 1 else " * DEPTH + "1", "{" * DEPTH,
):
    attempt(eval, text)
    attempt(ast.literal_eval, text)
attempt(exec, "if 0: pass\n" + "elif 0: pass\n" * DEPTH)
attempt(exec, "match x:\n case " + "[" * DEPTH + "a" + "]" * DEPTH + ": pass")
for text in ("[" * DEPTH, '{"a":' * DEPTH, "[" * DEPTH + "]" * DEPTH):
    attempt(json.loads, text)

tree = ast.Name("x", ast.Load())
for _ in range(DEPTH):
    tree = ast.UnaryOp(ast.Not(), tree)
for operation in (ast.dump, ast.unparse, copy.deepcopy, lambda t: compile(ast.Expression(t), "x", "eval")):
    attempt(operation, tree)

for wrap in (
    lambda i: map(int, i), itertools.chain, zip, lambda i: filter(None, i), enumerate, itertools.accumulate, iter,
    lambda i: itertools.islice(i, 1),
):
    chain = iter([1])
    for _ in range(DEPTH):
        chain = wrap(chain)
    attempt(next, chain)
    del chain


class Recursive:
    __repr__ = lambda self: repr([self])
    __eq__ = lambda self, other: other == self
    __hash__ = lambda self: hash(self)
    __bool__ = lambda self: not self
    __len__ = lambda self: len(self)
    __iter__ = lambda self: iter(self)
    __index__ = lambda self: operator.index(self)
    __contains__ = lambda self, x: x in self
    __format__ = lambda self, spec: format(self, spec)
    __getattr__ = lambda self, name: getattr(self, name + "x")
    __call__ = lambda self: self()
    __instancecheck__ = lambda self, x: isinstance(x, self)
    __reduce__ = lambda self: (Recursive, (Recursive(),))


value = Recursive()
for operation in (
    repr, hash, bool, len, list, operator.index, format, lambda v: 1 in v, lambda v: v == Recursive(),
    lambda v: v.name, lambda v: v(), lambda v: isinstance(1, v), pickle.dumps, copy.deepcopy,
):
    attempt(operation, value)

# Deep structures also end without deep recursion.
for make in makers:
    nested(make)
link = None
for _ in range(DEPTH * 5):
    link = Exception(link)
del link
sys.setrecursionlimit(10**6)


def through_native():
    return sorted([1], key=lambda x: through_native())


attempt(through_native)
