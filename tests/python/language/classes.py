"""Classes: bodies, inheritance, metaclasses, descriptors, slots."""


def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as e:
        assert message in str(e), str(e)
    else:
        raise AssertionError(message)


# MRO.
class O: pass
class A(O): pass
class B(O): pass
class C(A, B): pass


assert [k.__name__ for k in C.__mro__] == ["C", "A", "B", "O", "object"]
raises(TypeError, "Cannot create a consistent method resolution order (MRO) for bases", type, "X", (O, A), {})
raises(TypeError, "duplicate base class A", type, "X", (A, A), {})
raises(TypeError, "type 'bool' is not an acceptable base type", type, "X", (bool,), {})
raises(TypeError, "multiple bases have instance lay-out conflict", type, "X", (int, str), {})


# super, with and without arguments, cooperative.
class Base:
    def __init__(self, **kw):
        assert not kw
        self.trail = ["Base"]


class Left(Base):
    def __init__(self, left, **kw):
        super().__init__(**kw)
        self.trail.append(left)


class Right(Base):
    def __init__(self, right, **kw):
        super(Right, self).__init__(**kw)
        self.trail.append(right)


class Both(Left, Right):
    def __init__(self):
        super().__init__(left="L", right="R")

    def me(self):
        return [__class__ for _ in range(1)][0]


assert Both().trail == ["Base", "R", "L"]
assert Both().me() is Both
raises(RuntimeError, "super(): no arguments", lambda: super())
raises(TypeError, "obj (instance of int) is not an instance or subtype of type (Left)", lambda: super(Left, 5).x)
raises(AttributeError, "'super' object has no attribute 'nothing'", lambda: super(Both, Both()).nothing)


# Class bodies are scopes of their own.
x = "global"


class Scope:
    x = "class"
    y = x
    inner = [x for _ in range(1)]
    outer = (lambda: x)()

    def method(self):
        return x


assert Scope.y == "class" and Scope.inner == ["global"] and Scope.outer == "global" and Scope().method() == "global"


def closure():
    value = "enclosing"

    class K:
        got = value
        value = "own"

        def get(self):
            return value

    return K


raised = False
try:
    closure()
except NameError:
    raised = True
assert raised


# Metaclasses.
class Meta(type):
    def __prepare__(name, bases, **kw):
        return {"prepared": kw}

    def __new__(meta, name, bases, namespace, **kw):
        namespace["order"] = [k for k in namespace if not k.startswith("__")]
        return super().__new__(meta, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kw):
        super().__init__(name, bases, namespace)
        cls.keywords = kw

    def __call__(cls, *args):
        instance = super().__call__(*args)
        instance.made_by = "Meta"
        return instance

    def __getattr__(cls, name):
        if name.startswith("dyn_"):
            return name
        raise AttributeError(name)

    def __len__(cls):
        return 42

    def __instancecheck__(cls, other):
        return other == "fake" or super().__instancecheck__(other)


class M(metaclass=Meta, flag=1):
    b = 1
    a = 2


assert M.prepared == {"flag": 1} and M.order == ["prepared", "b", "a"] and M.keywords == {"flag": 1}
assert M().made_by == "Meta" and M.dyn_x == "dyn_x" and len(M) == 42
assert isinstance("fake", M) and not isinstance("other", M)
raises(AttributeError, "nope", lambda: M.nope)
OtherMeta = type("OtherMeta", (type,), {})
raises(TypeError, "metaclass conflict", lambda: type("X", (M, OtherMeta("Y", (), {})), {}))


class WithHooks:
    registry = []

    def __init_subclass__(cls, /, tag=None, **kw):
        super().__init_subclass__(**kw)
        cls.registry.append((cls.__name__, tag))

    def __class_getitem__(cls, item):
        return f"{cls.__name__}[{item}]"


class Sub(WithHooks, tag="t"):
    pass


assert WithHooks.registry == [("Sub", "t")] and Sub[3] == "Sub[3]"
raises(TypeError, "takes no keyword arguments", lambda: type("X", (), {}, extra=1))


class Named:
    def __set_name__(self, owner, name):
        self.where = owner.__name__, name

    def __get__(self, instance, owner):
        return self if instance is None else ("got", instance.__class__.__name__, owner.__name__)

    def __set__(self, instance, value):
        instance.__dict__["stored"] = value

    def __delete__(self, instance):
        instance.__dict__["deleted"] = True


class Owner:
    field = Named()


o = Owner()
assert Owner.field.where == ("Owner", "field")
o.field = 5
assert o.stored == 5 and o.field == ("got", "Owner", "Owner")
o.__dict__["field"] = "hidden by the data descriptor"
assert o.field == ("got", "Owner", "Owner")
del o.field
assert o.deleted


class NonData:
    def __get__(self, instance, owner):
        return "descriptor"


class N:
    attr = NonData()


n = N()
assert n.attr == "descriptor"
n.attr = "instance"
assert n.attr == "instance"
del n.attr
assert n.attr == "descriptor"


# Properties.
class P:
    def __init__(self):
        self._x = 1

    @property
    def x(self):
        """The x."""
        return self._x

    @x.setter
    def x(self, value):
        self._x = value

    @x.deleter
    def x(self):
        self._x = None

    @property
    def fixed(self):
        return 0


p = P()
p.x = 7
assert p.x == 7 and P.x.__doc__ == "The x."
del p.x
assert p.x is None
raises(AttributeError, "property 'fixed' of 'P' object has no setter", setattr, p, "fixed", 1)
raises(AttributeError, "property 'fixed' of 'P' object has no deleter", delattr, p, "fixed")


# Slots.
class S:
    __slots__ = ("a", "b", "__weakref__")


s = S()
s.a = 1
assert s.a == 1 and not hasattr(s, "b") and not hasattr(s, "__dict__")
raises(AttributeError, "'S' object has no attribute 'c' and no __dict__ for setting new attributes",
       setattr, s, "c", 1)
del s.a
raises(AttributeError, "a", delattr, s, "a")
assert S.a.__get__(None, S) is S.a and repr(S.a) == "<member 'a' of 'S' objects>"
raises(ValueError, "'x' in __slots__ conflicts with class variable", type, "X", (), {"__slots__": ("x",), "x": 1})


class T(S):
    __slots__ = ("c",)


t = T()
t.a = t.c = 3
assert (t.a, t.c) == (3, 3)


class WithDict(S):
    pass


w = WithDict()
w.anything = 1
assert w.__dict__ == {"anything": 1}


# Attribute access hooks.
class Hooks:
    def __getattr__(self, name):
        if name == "missing":
            return "found"
        raise AttributeError(f"no {name}")

    def __getattribute__(self, name):
        if name == "secret":
            return "intercepted"
        return super().__getattribute__(name)


h = Hooks()
h.secret = "stored"
assert h.secret == "intercepted" and h.missing == "found" and h.__dict__ == {"secret": "stored"}
raises(AttributeError, "no other", lambda: h.other)


# Instances change their class; classes change their bases.
class Old:
    def who(self):
        return "old"


class New:
    def who(self):
        return "new"


i = Old()
i.extra = 1
i.__class__ = New
assert i.who() == "new" and i.extra == 1
raises(TypeError, "object layout differs", setattr, i, "__class__", S)


class Child(Old):
    pass


child = Child()
assert child.who() == "old"
Child.__bases__ = (New,)
assert child.who() == "new" and Child.__mro__ == (Child, New, object) and Child not in Old.__subclasses__()


# Class attributes can be changed at any time.
Old.who = lambda self: "patched"
assert Old().who() == "patched"
del Old.who
raises(AttributeError, "'Old' object has no attribute 'who'", lambda: Old().who)
raises(TypeError, "cannot set 'x' attribute of immutable type 'int'", setattr, int, "x", 1)


# Special methods are looked up on the class.
class Callable:
    pass


c = Callable()
c.__call__ = lambda: "instance"
raises(TypeError, "'Callable' object is not callable", lambda: c())
Callable.__call__ = lambda self: "class"
assert c() == "class"

# `__dict__` of instances is live in both directions.
c.a = 1
d = c.__dict__
d["b"] = 2
assert c.b == 2
c.z = 3
assert d["z"] == 3 and list(d) == ["__call__", "a", "b", "z"]
c.__dict__ = {"fresh": 1}
assert c.fresh == 1 and not hasattr(c, "a") and d["a"] == 1
shared = {}
p, q = Callable(), Callable()
p.__dict__ = q.__dict__ = shared
p.borg = 1
assert q.borg == 1 and shared == {"borg": 1}


# Subclasses of built-in types.
class MyInt(int):
    def __new__(cls, value, note=""):
        self = super().__new__(cls, value)
        self.note = note
        return self

    def __add__(self, other):
        return MyInt(int(self) + other, "added")


m = MyInt(10**30, "big")
assert m == 10**30 and m.note == "big" and type(m + 1) is MyInt and (m + 1).note == "added" and type(m * 2) is int


class MyStr(str):
    __slots__ = ()


assert MyStr("a") == "a" and {MyStr("a"): 1}["a"] == 1 and type(MyStr("a").upper()) is str


class MyList(list):
    def __getitem__(self, i):
        return "item", super().__getitem__(i)


l = MyList([1, 2])
l.attr = 1
assert l[0] == ("item", 1) and list(l) == [1, 2] and l == [1, 2]


class MyDict(dict):
    def __missing__(self, key):
        return f"missing {key}"


assert MyDict(a=1)["b"] == "missing b" and MyDict(a=1).get("b") is None


# Comparison and hashing hooks.
class Eq:
    def __init__(self, v):
        self.v = v

    def __eq__(self, other):
        return NotImplemented if not isinstance(other, Eq) else self.v == other.v


raises(TypeError, "unhashable type: 'Eq'", hash, Eq(1))
assert Eq(1) == Eq(1) and Eq(1) != Eq(2) and Eq(1) != 1 and Eq.__hash__ is None
raises(TypeError, "'<' not supported between instances of 'Eq' and 'Eq'", lambda: Eq(1) < Eq(2))


class R:
    def __radd__(self, other):
        return "radd"

    def __iadd__(self, other):
        return "iadd"

    def __rsub__(self, other):
        return "rsub"


class RSub(int):
    def __rsub__(self, other):
        return "subclass first"


r = R()
assert 1 + r == "radd" and 1 - r == "rsub" and 5 - RSub(3) == "subclass first"
r += 1
assert r == "iadd"
raises(TypeError, "unsupported operand type(s) for -: 'R' and 'int'", lambda: R() - 1)
raises(TypeError, "unsupported operand type(s) for |=: 'R' and 'int'", lambda: exec("r |= 1", {"r": R()}))

assert repr(C).endswith(".C'>") and type.__repr__(int) == "<class 'int'>"
