"""Data to text."""

from functools import singledispatch

from .data import Builtin, Macro, Nil, Pair, Procedure, Symbol


@singledispatch
def to_text(value) -> str:
    """How the value is written in a program."""
    return str(value)


@to_text.register
def _(value: bool) -> str:
    return "#t" if value else "#f"


@to_text.register
def _(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@to_text.register
def _(value: Symbol) -> str:
    return str(value)


@to_text.register
def _(value: Nil) -> str:
    return "()"


@to_text.register
def _(value: Pair) -> str:
    parts = []
    while isinstance(value, Pair):
        parts.append(to_text(value.first))
        value = value.rest
    if not isinstance(value, Nil):
        parts += [".", to_text(value)]
    return f"({' '.join(parts)})"


@to_text.register(Procedure)
@to_text.register(Builtin)
def _(value) -> str:
    return f"#<procedure {value.name}>"


@to_text.register
def _(value: Macro) -> str:
    return f"#<macro {value.procedure.name}>"


@to_text.register
def _(value: None) -> str:
    return ""


def display(value) -> str:
    """As [`to_text`], but strings show their contents."""
    return str(value) if isinstance(value, str) else to_text(value)
