"""Text to data."""

import re
from fractions import Fraction

from .data import Pair, Symbol, make_list
from .errors import SyntaxFault

TOKEN = re.compile(
    r"""
      (?P<space>\s+ | ;[^\n]*)
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<quote>,@ | ['`,])
    | (?P<string>"(?:\\.|[^"\\])*")
    | (?P<hash>\#[tf]\b)
    | (?P<number>[+-]?(?:\d+/\d+|\d+\.\d*(?:e[+-]?\d+)?|\d+)(?=[\s()\[\]";]|$))
    | (?P<symbol>[^\s()\[\]"';`,]+)
    """,
    re.VERBOSE,
)
QUOTES = {"'": "quote", "`": "quasiquote", ",": "unquote", ",@": "unquote-splicing"}
ESCAPES = {"n": "\n", "t": "\t"}
CLOSER = {"(": ")", "[": "]"}


def tokens(text, source):
    position, line = 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise SyntaxFault(f"unexpected {text[position]!r}", source, line)
        if match.lastgroup != "space":
            yield match.lastgroup, match.group(), line
        line += match.group().count("\n")
        position = match.end()


def read_all(text, source="<text>"):
    """All expressions of a text."""
    stack = [(None, [], 1, [])]
    for kind, token, line in tokens(text, source):
        match kind:
            case "open":
                stack.append((token, [], line, []))
                continue
            case "close":
                opener, items, opened, prefixes = stack.pop()
                if opener is None:
                    raise SyntaxFault(f"{token!r} without an opener", source, line)
                if CLOSER[opener] != token:
                    raise SyntaxFault(f"{opener!r} of line {opened} closed by {token!r}", source, line)
                if prefixes:
                    raise SyntaxFault("nothing to quote", source, line)
                value = finish(items, source, line)
            case "quote":
                stack[-1][3].append(QUOTES[token])
                continue
            case "string":
                value = re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), token[1:-1], flags=re.DOTALL)
            case "hash":
                value = token == "#t"
            case "number" if "/" in token:
                value = simplify(Fraction(token))
            case "number":
                value = float(token) if "." in token else int(token)
            case _:
                value = Symbol(token)
        _, items, _, prefixes = stack[-1]
        while prefixes:
            value = make_list([Symbol(prefixes.pop()), value])
        items.append(value)
    opener, items, opened, _ = stack[-1]
    if opener is not None:
        raise SyntaxFault(f"{opener!r} is never closed", source, opened)
    return items


def finish(items, source, line):
    """A list; `(a . b)` gives a pair."""
    if len(items) >= 3 and items[-2] == Symbol(".") and isinstance(items[-2], Symbol):
        *front, _, last = items
        return make_list(front, last)
    if any(isinstance(i, Symbol) and i == "." for i in items):
        raise SyntaxFault("misplaced dot", source, line)
    return make_list(items)


def simplify(value):
    """A fraction with denominator 1 is an int."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return value.numerator
    return value


__all__ = ["read_all", "simplify", "Pair"]
