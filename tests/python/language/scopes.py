"""Names: closures, global, nonlocal, comprehensions, class cells, exec and locals()."""

counter = 0


def make():
    n = 0

    def bump():
        nonlocal n
        global counter
        n += 1
        counter += 1
        return n

    def read():
        return n

    return bump, read


bump, read = make()
bump(), bump()
assert read() == 2 and counter == 2
assert read.__closure__[0].cell_contents == 2 and read.__code__.co_freevars == ("n",)
assert make.__code__.co_cellvars == ("n",)
bump.__closure__[0].cell_contents = 10
assert read() == 10


# Loop variables are shared by the closures made in a loop.
assert [f() for f in [lambda: i for i in range(3)]] == [2, 2, 2]
assert [f() for f in [lambda i=i: i for i in range(3)]] == [0, 1, 2]

# A comprehension has its own variables but sees those around it.
i = "outside"
assert [i for i in range(3)] == [0, 1, 2] and i == "outside"


def comprehension():
    y = 5
    i = "kept"
    r = [(i, y, [i * y for y in range(2)]) for i in range(2)]
    assert i == "kept" and y == 5
    return r


assert comprehension() == [(0, 5, [0, 0]), (1, 5, [0, 1])]
assert [x for x in range(5) if (last := x) % 2] == [1, 3] and last == 4


def locals_function():
    a = 1

    def inner():
        return a

    snapshot = locals()
    assert snapshot == {"a": 1, "inner": inner}
    snapshot["a"] = 100
    assert a == 1
    b = 2
    assert "b" not in snapshot
    assert [locals()["a"] for _ in range(1)] == [1]
    return locals()


assert set(locals_function()) == {"a", "b", "inner", "snapshot"}

import sys


def frame_locals():
    x = 1
    frame = sys._getframe()
    frame.f_locals["x"] = 50
    frame.f_locals["extra"] = 7
    assert x == 50 and frame.f_locals["extra"] == 7 and "extra" in frame.f_locals
    return frame.f_locals["x"]


assert frame_locals() == 50


class K:
    a = 1
    names = sorted(locals())
    b = a
    locals()["made"] = "in the body"

    def get():
        return __class__


assert K.names == ["__firstlineno__", "__module__", "__qualname__", "a"] and K.made == "in the body" and K.get() is K

# exec and eval.
space = {}
exec("x = 1\ndef f():\n    return x\n", space)
assert space["f"]() == 1 and "__builtins__" in space
exec("y = 2", space, local := {})
assert local == {"y": 2} and "y" not in space
assert eval("x + 1", space) == 2 and eval("[x for _ in (1,)]", space) == [1]
assert eval("a + b", {"a": 1}, {"b": 2}) == 3


class Namespace(dict):
    def __missing__(self, key):
        return key.upper()


assert eval("hello + world", {"__builtins__": {}}, Namespace()) == "HELLOWORLD"


def exec_in_function():
    z = 1
    exec("z = 2")
    assert z == 1
    exec("z = 3", globals(), d := {})
    return d


assert exec_in_function() == {"z": 3}
try:
    eval("no_name", {})
except NameError as e:
    assert str(e) == "name 'no_name' is not defined"


# Builtins can be replaced for one namespace.
assert eval("len('abc')", {"__builtins__": {"len": lambda s: "mine"}}) == "mine"

# global in a class and in nested functions.
def nested_global():
    class G:
        global made_by_class
        made_by_class = 1

    def f():
        global made_by_function

        def made_by_function():
            return "g"

    f()


nested_global()
assert made_by_class == 1 and made_by_function() == "g"

# Private names.
class Mangled:
    __secret = 1

    def get(self):
        return self.__secret

    def set(self):
        self.__other = 2
        return [k for k in vars(self)]


assert Mangled().get() == 1 and Mangled._Mangled__secret == 1 and Mangled().set() == ["_Mangled__other"]

# del of a global, and of a builtin's shadow.
len = 5
assert len == 5
del len
assert len("abc") == 3
try:
    del no_such
except NameError as e:
    assert str(e) == "name 'no_such' is not defined"


# Type parameters have a scope of their own.
class Box[T]:
    type Items = list[T]

    def get[U: (int, str)](self, x: T, y: U) -> T:
        return T, U


t, u = Box().get(1, 2)
assert Box.__type_params__ == (t,) and u.__constraints__ == (int, str) and t.__name__ == "T"
assert Box.Items.__value__ == list[t] and Box[int].__origin__ is Box
type Tree[N] = N | list[Tree[N]]
assert Tree.__type_params__[0].__name__ == "N" and Tree.__value__.__args__[1].__origin__ is list


def default[T = int](x: T) -> T: ...


assert default.__type_params__[0].__default__ is int
assert default.__annotations__ == {"x": default.__type_params__[0], "return": default.__type_params__[0]}


# Annotations are evaluated when asked for.
def later(x: NotYet, y: "text" = 1) -> NotYet | None: ...


try:
    later.__annotations__
except NameError:
    pass
else:
    raise AssertionError
NotYet = int
assert later.__annotations__ == {"x": int, "y": "text", "return": int | None}


class Annotated:
    a: Later
    b: int = 5
    if False:
        c: str


Later = str
assert Annotated.__annotations__ == {"a": str, "b": int}
import annotationlib


class Unresolved:
    a: Nowhere | int


assert annotationlib.get_annotations(Unresolved, format=annotationlib.Format.STRING) == {"a": "Nowhere | int"}
assert annotationlib.get_annotations(Unresolved, format=annotationlib.Format.FORWARDREF)["a"].__forward_arg__

# Code of a function that `exec` runs has names of its own, not those of the mapping.
import types


def enclosing():
    shared = None

    def body():
        nonlocal shared
        inner = 5
        shared["names"] = locals()

    return body.__code__


box = {}
exec(enclosing(), {"__builtins__": __builtins__}, {"other": 1}, closure=(types.CellType(box),))
assert box["names"]["inner"] == 5 and box["names"]["shared"] is box and "other" not in box["names"]
try:
    exec((lambda a: a).__code__, {})
except TypeError as e:
    assert "missing 1 required positional argument: 'a'" in str(e), e
else:
    raise AssertionError("a parameter had no value")
