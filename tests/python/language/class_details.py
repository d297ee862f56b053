"""Details of classes, properties, functions and native types that tools rely on."""

import collections
import enum
import gc
import inspect
import itertools
import sys
import types
import warnings
import weakref


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind.__name__} was not raised")


# Messages name native types with their module.
d = collections.deque()
assert raises(TypeError, hash, d) == "unhashable type: 'collections.deque'"
assert raises(AttributeError, getattr, d, "x") == "'collections.deque' object has no attribute 'x'"
assert raises(TypeError, collections.deque.append, 1, 2) == (
    "descriptor 'append' for 'collections.deque' objects doesn't apply to a 'int' object"
)
assert raises(TypeError, len, itertools.chain()) == "object of type 'itertools.chain' has no len()"
assert collections.deque.__name__ == "deque" and repr(d) == "deque([])"
assert "to 'collections.deque' at" in repr(weakref.ref(d))


class Local:
    pass


assert raises(TypeError, lambda: "%c" % Local()).endswith("not Local")

# Properties of classes that their instances compute as well.
assert property.__doc__.startswith("Property") and types.FunctionType.__module__ == "builtins"
assert type(lambda: 0).__doc__.startswith("Create a function")


class Documented(property):
    """class text"""


assert Documented(lambda self: 0, doc="text").__doc__ == "text" and Documented(lambda self: 0).__doc__ is None


class Slotted(property):
    __slots__ = ()


def documented(self):
    """getter text"""


assert Slotted(lambda self: 0, doc="dropped").__doc__ is None
raises(AttributeError, Slotted, documented)
assert raises(TypeError, property().__set_name__) == "__set_name__() takes 2 positional arguments but 0 were given"


# A class attribute wins over the descriptors that a class would get.
class OwnDict:
    __dict__ = property(lambda self: {"a": 2})


assert vars(OwnDict()) == {"a": 2}


class Broken(types.ModuleType):
    __dict__ = 8


assert raises(TypeError, dir, Broken("broken")) == "<module>.__dict__ is not a dictionary"


def f():
    pass


def g():
    yield


assert raises(TypeError, delattr, f, "__dict__") == "cannot delete __dict__"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    f.__code__ = g.__code__
assert [w.category for w in caught] == [DeprecationWarning]

raises(UnicodeEncodeError, type, "A\udcdc", (), {})
raises(UnicodeEncodeError, type, "A", (), {"__doc__": "x\udcdc"})
C = type("C", (), {"__firstlineno__": 42})
C.__module__ = "elsewhere"
assert "__firstlineno__" not in vars(C) and C.__name__ is C.__name__


class A:
    def meth(self):
        super()


cell = (lambda x: lambda: x)(1).__closure__[0]
raises(TypeError, A.meth, cell)


# Keywords that a constructor does not know are for the other half of the construction.
class WithInit(float):
    def __init__(self, arg, extra=None):
        self.extra = extra


class WithNew(list):
    def __new__(cls, arg, extra=None):
        self = super().__new__(cls, arg)
        self.extra = extra
        return self


assert WithInit(2.5, extra=3).extra == 3 and WithNew([1], extra=3).extra == 3
raises(TypeError, float, x=1)
raises(TypeError, list, sequence=())
assert raises(TypeError, memoryview, a=1) == "memoryview() missing required argument 'object' (pos 1)"

assert sys._getframemodulename(0) == __name__
assert collections.namedtuple("N", "a").__module__ == __name__


class Hidden(int):
    def __format__(self, spec):
        raise AssertionError("hex has no part in formatting")


assert hex(Hidden(255)) == "0xff" and oct(Hidden(-8)) == "-0o10" and bin(Hidden(2)) == "0b10"


class Color(enum.Enum):
    RED = 1


assert "__name__" in [a.name for a in inspect.classify_class_attrs(Color)]


# Builtins may be any mapping, and globals with `__missing__` compute names.
class Computed(dict):
    def __missing__(self, key):
        return key.upper()


assert eval("(lambda: abc)()", Computed()) == "ABC"
ns = {"__builtins__": types.MappingProxyType({"name": 1})}
assert eval("name", ns) == 1 and raises(NameError, eval, "other", ns) == "name 'other' is not defined"
assert raises(ImportError, exec, "import x", ns) == "__import__ not found"

# A collection that was asked for is not repeated where it would surprise.
gc.collect()
l = []
t = (l,)
l.append(t)
del l, t
assert gc.collect() == 2
w = set()
assert weakref.ref(w)() is w


# Hashes that are known are not asked for again.
class Counting(int):
    hashes = 0

    def __hash__(self):
        Counting.hashes += 1
        return int(self) % 7


source = dict.fromkeys(map(Counting, range(10)))
before = Counting.hashes
dict.fromkeys(source), dict.fromkeys(set(source)), set(source), frozenset(source)
assert Counting.hashes == before

inf, nan = float("inf"), float("nan")
assert (1 + 1j) / complex(inf, nan) == 0 and 0.0**-inf == inf and repr(sum([complex(0.1, -0.1)] * 10)) == "(1-1j)"
assert sum([0.1] * 10) == 1.0 and sum([True, 2]) == 3 and type(sum([1, 2.5])) is float
raises(ZeroDivisionError, lambda: 0.0**-1)
