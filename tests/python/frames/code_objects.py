"""Code objects: their fields, copies with other fields, positions and lines."""

import copy
import dis
import sys
import types
import warnings


def expect(exception, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exception as e:
        return str(e)
    raise AssertionError(f"{exception.__name__} not raised")


def add(x, y):
    return x + y


def multiply(x, y):
    return x * y


# Other instructions, names and constants.
changed = add.__code__.replace(co_code=multiply.__code__.co_code)
assert types.FunctionType(changed, {})(6, 7) == 42
assert changed != add.__code__ and hash(changed) != hash(add.__code__)
assert add.__code__.replace() == add.__code__
assert hash(add.__code__.replace()) == hash(add.__code__)
named = copy.replace(add.__code__, co_name="plus", co_qualname="m.plus", co_filename="plus.py", co_firstlineno=7)
assert (named.co_name, named.co_qualname, named.co_filename) == ("plus", "m.plus", "plus.py")
assert named.co_firstlineno == 7
renamed = add.__code__.replace(co_varnames=("a", "b"))
assert types.FunctionType(renamed, {})(a=1, b=2) == 3


def constant():
    return "short text"


marker = object()
other = constant.__code__.replace(co_consts=tuple(marker if c == "short text" else c for c in constant.__code__.co_consts))
assert types.FunctionType(other, {})() is marker

# The constructor takes every field.
code = add.__code__
fields = [
    code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize,
    code.co_flags, code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_filename, code.co_name,
    code.co_qualname, code.co_firstlineno, code.co_linetable, code.co_exceptiontable, code.co_freevars,
    code.co_cellvars,
]
made = types.CodeType(*fields)
assert made == code and types.FunctionType(made, {})(2, 3) == 5
expect(TypeError, types.CodeType, *fields[:5])
expect(ValueError, code.replace, co_nlocals=code.co_nlocals + 1)
expect(ValueError, code.replace, co_varnames=())
expect(TypeError, code.replace, co_name=5)
expect(TypeError, code.replace, co_nothing=5)

# What cannot run is shown as it was given, and raises.
for change in (
    {"co_code": b"\xff" * 16},
    {"co_code": b"abc"},
    {"co_code": b""},
    {"co_flags": code.co_flags | 0x20},
    {"co_exceptiontable": b"\x80\x01\x00\x00"},
    {"co_stacksize": 0, "co_code": constant.__code__.co_code * 2},
):
    broken = code.replace(**change)
    for name, value in change.items():
        assert getattr(broken, name) == value or name == "co_stacksize", name
    list(broken.co_lines()), list(broken.co_positions())
    if not broken.co_flags & 0x20:
        try:
            types.FunctionType(broken, {})(1, 2)
        except (SystemError, UnboundLocalError, IndexError):
            pass

# Code that refers to cells and constants that are not there.
for n in range(0, len(code.co_code), 2):
    for byte in (0, 0x40, 0x7F, 0x80, 0xFF):
        data = bytearray(code.co_code)
        data[n] = byte
        try:
            types.FunctionType(code.replace(co_code=bytes(data)), {})(1, 2)
        except Exception:
            pass

# Lines: a frame starts at the line of its definition, a module before its first line.
assert next(code.co_lines())[2] == code.co_firstlineno
assert [line for _, _, line in compile("\n\nx = 1", "m", "exec").co_lines()] == [0, 3]
assert next(code.co_positions())[0] == code.co_firstlineno
assert list(code.replace(co_linetable=b"").co_lines()) == []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    code.co_lnotab
assert [w.category for w in caught] == [DeprecationWarning]


def branches(a, b):
    if a:
        if b:
            return 1
        x = 2
    elif b:
        x = 3


class Body:
    if 3 < 9:
        a = 1
    else:
        a = 2


def lines_of(function, *args):
    lines = []

    def trace(frame, event, arg):
        if frame.f_code is function.__code__:
            lines.append((event, frame.f_lineno - function.__code__.co_firstlineno))
        return trace

    sys.settrace(trace)
    try:
        function(*args)
    finally:
        sys.settrace(None)
    return lines


# A function that ends behind a branch ends in the line of that branch.
assert lines_of(branches, 0, 0) == [("call", 0), ("line", 1), ("line", 5), ("return", 5)]
assert lines_of(branches, 1, 0) == [("call", 0), ("line", 1), ("line", 2), ("line", 4), ("return", 4)]
assert lines_of(branches, 0, 1) == [("call", 0), ("line", 1), ("line", 5), ("line", 6), ("return", 6)]


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


def leaves():
    with Manager():
        return


assert lines_of(leaves) == [("call", 0), ("line", 1), ("line", 2), ("line", 1), ("return", 1)]


def finishes():
    try:
        1 / 0
    finally:
        x = 1


def caught_outside():
    try:
        finishes()
    except ZeroDivisionError:
        pass


events = []


def trace(frame, event, arg):
    if frame.f_code is finishes.__code__:
        events.append((event, frame.f_lineno - finishes.__code__.co_firstlineno))
    return trace


sys.settrace(trace)
caught_outside()
sys.settrace(None)
assert events[-1] == ("return", 4), events

# Code of a module as a function: its names are the globals.
space = {}
types.FunctionType(compile("a = 1\nb = a + 1", "m", "exec"), space)()
assert (space["a"], space["b"]) == (1, 2)

# Nothing breaks when the instructions are shown.
for f in (add, branches, leaves):
    assert "RESUME" in dis.Bytecode(f).dis()
