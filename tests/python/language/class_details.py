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
assert property.__doc__ and types.FunctionType.__module__ == "builtins"
assert isinstance(type(lambda: 0).__doc__, str) and (lambda: 0).__doc__ is None


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


# Module subclasses keep their attributes where modules do.
class M(types.ModuleType):
    extra = 1


m = M("m")
m.b, m.a = 2, 1
assert {"a", "b"} <= set(dir(m)) and vars(m)["b"] == 2
plain = types.ModuleType("plain")
plain.__class__ = M
assert plain.extra == 1
plain.__class__ = types.ModuleType


# Classes whose slots have different bases are different, whatever their number.
class H:
    __slots__ = ["b", "a"]


class I:
    __slots__ = ["a", "b"]


class L(H):
    __slots__ = ["e"]


class N(I):
    __slots__ = ["e"]


h = H()
h.__class__ = I
assert type(h) is I
assert "object layout differs" in raises(TypeError, setattr, L(), "__class__", N)


# A constructor of another layout makes no broken object (whether it refuses the class is an open question).
class Wrong:
    __new__ = list.__new__


class WrongToo(list):
    __new__ = object.__new__


for cls in (Wrong, WrongToo):
    try:
        assert type(cls()) is cls
    except TypeError:
        pass


# An MRO that cannot be made leaves everything as it was; cycles are found while MROs are made.
class Meta(type):
    active = False

    def mro(cls):
        if Meta.active and cls.__name__ == "E2":
            raise RuntimeError("bozo")
        return type.mro(cls)


class B0(metaclass=Meta):
    pass


class B1(metaclass=Meta):
    pass


class D0(B0):
    pass


class E1(D0):
    pass


class E2(D0):
    pass


before = D0.__mro__, E1.__mro__, E2.__mro__
Meta.active = True
assert raises(RuntimeError, setattr, D0, "__bases__", (B1,)) == "bozo"
assert (D0.__mro__, E1.__mro__, E2.__mro__) == before and D0.__bases__ == (B0,)
Meta.active = False


class Reentrant(type):
    ready = False

    def mro(cls):
        if Reentrant.ready:
            if cls.__name__ == "R1":
                R2.__bases__ = (R1,)
            elif cls.__name__ == "R2":
                R1.__bases__ = (R2,)
        return type.mro(cls)


class R0(metaclass=Reentrant):
    pass


class R1(R0):
    pass


class R2(R0):
    pass


Reentrant.ready = True
raises(TypeError, setattr, R1, "__bases__", R1.__bases__ + ())
Reentrant.ready = False


class Odd(type):
    def mro(cls):
        return (B0,)


raises(TypeError, Odd, "Odd", (), {})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    type("Keys", (), {1: 2})
assert [str(w.message) for w in caught] == ["non-string key in the __dict__ of class Keys"]


class WithAnnotations:
    @classmethod
    def c(cls) -> int: ...

    @staticmethod
    def s() -> str: ...


for name, result in (("c", int), ("s", str)):
    wrapper = vars(WithAnnotations)[name]
    assert "__annotations__" not in wrapper.__dict__ and wrapper.__annotations__ == {"return": result}
    wrapper.__annotations__ = {"x": 1}
    assert wrapper.__annotations__ == {"x": 1} and wrapper.__wrapped__.__annotations__ == {"return": result}
    del wrapper.__annotations__
    assert wrapper.__annotations__ == {"return": result}
assert type.__type_params__ == ()

import copy
import functools
import operator
import pickle

p = functools.partial(int, "101", base=2)
p.note = ["n"]
for q in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
    assert q.note == ["n"] and q() == 5
assert type(functools.Placeholder)() is functools.Placeholder
assert raises(TypeError, delattr, p, "__dict__") == "cannot delete __dict__"
assert str(inspect.signature(operator.itemgetter(1))) == "(obj, /)"


class Key:
    hashes = 0

    def __hash__(self):
        Key.hashes += 1
        return 1


@functools.lru_cache
def cached(key):
    return key


cached(Key())
assert Key.hashes == 1
assert raises(TypeError, int().__pow__) == "expected 1 or 2 arguments, got 0"


class NoComparison:
    @property
    def __eq__(self):
        raise AttributeError("not to be had")


assert (NoComparison() == NoComparison()) is False


class BadComparison:
    @property
    def __eq__(self):
        raise KeyError("propagates")


raises(KeyError, lambda: BadComparison() == BadComparison())


class Plain:
    pass


class PlainModule(Plain, types.ModuleType):
    pass


class PlainType(Plain, type):
    pass


assert PlainModule("name").__dict__["__name__"] == "name"
assert PlainType("T", (), {"x": 1}).__dict__["x"] == 1


class Once:
    hashes = 0

    def __hash__(self):
        Once.hashes += 1
        return 1


@functools.lru_cache(maxsize=1)
def bounded(x, y):
    return y


once = Once()
bounded(once, 1), bounded(once, 1), bounded(2, 2)
assert Once.hashes == 2


# Bases that `mro()` assigns stay, also where it raises afterwards.
class Restless(type):
    armed = False

    def mro(cls):
        if Restless.armed and cls.__name__ == "Moving":
            if cls.__bases__ == (Second,):
                Restless.armed = False
            else:
                cls.__bases__ = (Second,)
                raise LookupError
        return type.mro(cls)


class Root(metaclass=Restless):
    pass


class First(Root):
    pass


class Second(Root):
    pass


class Moving(Root):
    pass


Restless.armed = True
raises(LookupError, setattr, Moving, "__bases__", (First,))
assert Moving.__bases__ == (Second,) and Moving.__mro__ == (Moving, Second, Root, object), Moving.__mro__
assert (First.__subclasses__(), Second.__subclasses__()) == ([], [Moving])
First.__bases__ = (Moving,)
assert First.__mro__ == (First, Moving, Second, Root, object)
