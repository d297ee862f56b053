"""Procedures written in Python."""

import math
import operator
from fractions import Fraction
from itertools import pairwise

from .data import NIL, Builtin, Pair, Symbol, make_list
from .errors import LispError, Raised
from .printer import display
from .reader import simplify

TABLE = {}


def builtin(*names):
    def register(function):
        for name in names:
            TABLE[Symbol(name)] = Builtin(name, function)
        return function

    return register


def numbers(*values):
    for v in values:
        if isinstance(v, bool) or not isinstance(v, (int, float, Fraction)):
            raise LispError(f"not a number: {display(v)}")


@builtin("+")
def add(*values):
    numbers(*values)
    return simplify(sum(values))


@builtin("*")
def multiply(*values):
    numbers(*values)
    return simplify(math.prod(values))


@builtin("-")
def subtract(first, *values):
    numbers(first, *values)
    return simplify(first - sum(values)) if values else -first


@builtin("/")
def divide(first, *values):
    numbers(first, *values)
    if not values:
        first, values = 1, (first,)
    for v in values:
        if v == 0:
            raise LispError("division by zero")
        exact = isinstance(first, (int, Fraction)) and isinstance(v, (int, Fraction))
        first = Fraction(first) / v if exact else first / v
    return simplify(first)


for _name, _op in {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "=": operator.eq}.items():

    def _compare(*values, op=_op):
        numbers(*values)
        return all(op(a, b) for a, b in pairwise(values))

    builtin(_name)(_compare)

for _name, _function in {"quotient": operator.floordiv, "modulo": operator.mod, "expt": operator.pow}.items():

    def _arithmetic(a, b, function=_function):
        numbers(a, b)
        try:
            return simplify(function(a, b))
        except ZeroDivisionError:
            raise LispError("division by zero") from None

    builtin(_name)(_arithmetic)

builtin("sqrt")(lambda x: math.isqrt(x) if isinstance(x, int) and math.isqrt(x) ** 2 == x else math.sqrt(x))
builtin("gcd")(math.gcd)
builtin("cons")(Pair)
builtin("list")(lambda *items: make_list(items))
builtin("null?")(lambda x: x is NIL)
builtin("pair?")(lambda x: isinstance(x, Pair))
builtin("symbol?")(lambda x: isinstance(x, Symbol))
builtin("number?")(lambda x: isinstance(x, (int, float, Fraction)) and not isinstance(x, bool))
builtin("string?")(lambda x: isinstance(x, str) and not isinstance(x, Symbol))
builtin("not")(lambda x: x is False)
builtin("eq?")(lambda a, b: a is b or (not isinstance(a, Pair) and type(a) is type(b) and a == b))
builtin("string-append")(lambda *parts: "".join(parts))
builtin("string-length")(len)
builtin("symbol->string")(str)
builtin("number->string")(lambda n: str(n))
builtin("string-upcase")(str.upper)


@builtin("car")
def car(pair):
    if not isinstance(pair, Pair):
        raise LispError(f"car of {display(pair)}")
    return pair.first


@builtin("cdr")
def cdr(pair):
    if not isinstance(pair, Pair):
        raise LispError(f"cdr of {display(pair)}")
    return pair.rest


@builtin("equal?")
def equal(a, b):
    while isinstance(a, Pair) and isinstance(b, Pair):
        if not equal(a.first, b.first):
            return False
        a, b = a.rest, b.rest
    return type(a) is type(b) and a == b if not isinstance(a, Pair) else False


@builtin("length")
def length(items):
    return len(items)


@builtin("append")
def append(*lists):
    result = lists[-1] if lists else NIL
    for items in reversed(lists[:-1]):
        result = make_list(items, result)
    return result


@builtin("reverse")
def reverse(items):
    result = NIL
    for item in items:
        result = Pair(item, result)
    return result


@builtin("display")
def show(*values):
    print(*(display(v) for v in values), sep="", end="")


@builtin("print")
def show_line(*values):
    print(*(display(v) for v in values))


@builtin("newline")
def newline():
    print()


@builtin("error")
def error(*values):
    raise Raised(" ".join(display(v) for v in values))
