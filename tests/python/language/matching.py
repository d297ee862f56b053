"""The match statement."""

import dataclasses
import enum


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Base:
    __match_args__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


def what(v):
    match v:
        case 0 | -1 | 1.5 | 2 + 3j:
            return "number literal"
        case True:
            return "true"
        case None:
            return "none"
        case "a" "b":
            return "text"
        case b"bytes":
            return "bytes"
        case Color.RED:
            return "value pattern"
        case []:
            return "empty sequence"
        case [x]:
            return "one", x
        case [1, *rest, 9]:
            return "star", rest
        case (int() as a, str(b)) if a > 5:
            return "guard", a, b
        case [[a, b], {"k": c}]:
            return "nested", a, b, c
        case {"type": "circle", "r": r, **rest}:
            return "mapping", r, rest
        case {"empty": {}}:
            return "inner"
        case Point(x=0, y=y):
            return "on the axis", y
        case Point(x, 5):
            return "positional", x
        case Base(1, b=Base(a)):
            return "nested class", a
        case str(s) | bytes(s):
            return "class", s
        case int(n) | float(n):
            return "number", n
        case dict():
            return "dict"
        case _:
            return "other"


for value, expected in (
    (0, "number literal"), (-1, "number literal"), (False, "number literal"), (1.5, "number literal"),
    (2 + 3j, "number literal"), (True, "true"), (None, "none"), ("ab", "text"), (b"bytes", "bytes"),
    (Color.RED, "value pattern"), ([], "empty sequence"), ((), "empty sequence"), ((7,), ("one", 7)),
    ([1, 2, 3, 9], ("star", [2, 3])), ((1, 9), ("star", [])), ((6, "s"), ("guard", 6, "s")), ((5, "s"), "other"),
    ([(1, 2), {"k": 3, "z": 4}], ("nested", 1, 2, 3)),
    ({"type": "circle", "r": 2, "z": 1}, ("mapping", 2, {"z": 1})), ({"empty": {1: 2}}, "inner"),
    (Point(0, 3), ("on the axis", 3)), (Point(4, 5), ("positional", 4)), (Point(4, 6), "other"),
    (Base(1, Base("in", 0)), ("nested class", "in")), ("plain", ("class", "plain")), (b"x", ("class", b"x")),
    (12, ("number", 12)), (2.5, ("number", 2.5)), ({}, "dict"), (range(1), ("one", 0)), ({1, 2}, "other"),
):
    assert what(value) == expected, (value, what(value))

# Strings, bytes and iterators are no sequences.
for thing in ("xy", b"xy", bytearray(b"xy"), iter([1, 2])):
    match thing:
        case [_, _]:
            raise AssertionError(thing)


def errors(v, kind, message):
    try:
        match v:
            case Base(1, 2, 3):
                pass
    except kind as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError


errors(Base(1, 2), TypeError, "Base() accepts 2 positional sub-patterns (3 given)")
match 5:
    case bound if False:
        pass
    case _:
        pass
assert bound == 5


class Counting:
    """The subject's length is asked before its items."""

    def __init__(self):
        self.log = []

    def __len__(self):
        self.log.append("len")
        return 2

    def __getitem__(self, i):
        self.log.append(i)
        if i >= 2:
            raise IndexError
        return i


import collections.abc

collections.abc.Sequence.register(Counting)
c = Counting()
match c:
    case [a, b, c2]:
        raise AssertionError
    case [0, 1]:
        pass
    case _:
        raise AssertionError
assert c.log[0] == "len" and 0 in c.log

match = case = type = _ = 1
match, case = case, match
assert match == case == 1
match (match, case):
    case (1, case):
        assert case == 1


# Of two bases that want different patterns the first decides, whatever base gives the layout.
import collections


class MappingFirst(collections.UserDict, list):
    pass


class SequenceFirst(collections.UserList, dict):
    pass


def kind(x):
    match x:
        case [*_]:
            return "sequence"
        case {}:
            return "mapping"


assert kind(MappingFirst()) == "mapping" and kind(SequenceFirst()) == "sequence"
