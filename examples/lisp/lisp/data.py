"""The data types: symbols, pairs, procedures. Numbers, booleans and strings are Python's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator


class Symbol(str):
    """An interned name."""

    __slots__ = ()
    _table: dict[str, Symbol] = {}

    def __new__(cls, name: str) -> Symbol:
        found = cls._table.get(name)
        if found is None:
            found = cls._table[name] = super().__new__(cls, name)
        return found

    def __repr__(self) -> str:
        return str(self)


class Nil:
    """The empty list."""

    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


NIL = Nil()


@dataclass(slots=True, eq=False)
class Pair:
    """A cons cell."""

    first: Any
    rest: Any = NIL

    def __iter__(self) -> Iterator[Any]:
        cell = self
        while isinstance(cell, Pair):
            yield cell.first
            cell = cell.rest
        if cell is not NIL:
            raise TypeError("improper list")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def make_list(items, tail=NIL):
    """A Lisp list of the items of any Python iterable."""
    result = tail
    for item in reversed(list(items)):
        result = Pair(item, result)
    return result


@dataclass(slots=True)
class Procedure:
    """A closure."""

    params: tuple[Symbol, ...]
    rest: Symbol | None
    body: tuple[Any, ...]
    env: Any = field(repr=False)
    name: str = "lambda"


@dataclass(slots=True)
class Macro:
    """A procedure that rewrites calls."""

    procedure: Procedure


@dataclass(slots=True)
class Builtin:
    """A procedure written in Python."""

    name: str
    function: Any = field(repr=False)
