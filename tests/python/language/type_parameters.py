"""Type parameters, generic aliases and unions."""

import copy
import pickle
import types
import typing
from typing import Generic, ParamSpec, TypeVar, TypeVarTuple, Union

T, U = TypeVar("T"), TypeVar("U", default=int)
P, Ts = ParamSpec("P"), TypeVarTuple("Ts")


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind.__name__} was not raised")


# Substitution, through lists and tuples of arguments.
assert typing.List[T][int] == typing.List[int] and dict[str, T][int] == dict[str, int]
assert typing.Callable[P, T][[int, str], bool] == typing.Callable[[int, str], bool]
assert tuple[T, *Ts][int, str, bool] == tuple[int, str, bool]
alias = types.GenericAlias(dict, ((str, [T], int), float))
assert alias[bytes].__args__ == ((str, [bytes], int), float)
assert raises(TypeError, lambda: dict[T, TypeVar("V")][int]).endswith("actual 1, expected at least 2")


class G(Generic[T, U]):
    pass


assert G[str].__args__ == (str, int)
assert T.__typing_prepare_subst__(G, [int]) == [int]

# Constructors.
assert raises(TypeError, TypeVar, "T", int) == "A single constraint is not allowed"
assert raises(TypeError, TypeVar, "T", name="T") == "argument for typevar() given by name ('name') and position (1)"
assert raises(TypeError, ParamSpec, "P", int) == "paramspec() takes exactly 1 positional argument (2 given)"
assert raises(TypeError, TypeVarTuple, "Ts", bound=1) == "typevartuple() got an unexpected keyword argument 'bound'"
assert type(typing.NoDefault)() is typing.NoDefault is T.__default__ and U.has_default() and not T.has_default()
assert T.evaluate_default(1) is typing.NoDefault
assert TypeVar.__module__ == "typing" and T.__module__ == __name__
assert raises(AttributeError, getattr, T, "x") == "'typing.TypeVar' object has no attribute 'x'"
assert "non-default type parameter" in raises(TypeError, typing.TypeAliasType, "Y", 1, type_params=(U, T))

# An alias looks like its origin, but for a few names.
a = list[int]
assert a.append is list.append and a.__getitem__([5], 0) == 5
for name in ("__bases__", "__copy__", "__deepcopy__"):
    assert "types.GenericAlias" in raises(AttributeError, getattr, a, name)
for c in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
    assert c == a and c is not a
it = iter(a)
star = next(it)
assert repr(star) == "*list[int]" and next(it, None) is None
assert pickle.loads(pickle.dumps(star)) == star and type(it).__name__ == "generic_alias_iterator"
assert raises(TypeError, issubclass, a, object) == "issubclass() arg 1 must be a class"
assert repr(staticmethod[int]) == "staticmethod[int]" and repr(classmethod[int]) == "classmethod[int]"


class Shrinking:
    def __repr__(self):
        arguments.clear()
        return "x"


arguments = [Shrinking(), 5]
assert raises(IndexError, repr, types.GenericAlias(list, (arguments,))) == "list index out of range"

# Unions.
assert Union is types.UnionType is type(int | str) and repr(Union) == "<class 'typing.Union'>"
assert (int | str) | "x" == int | str | typing.ForwardRef("x") and repr((int | str) | 1) == "int | str | 1"
assert "unsupported operand type(s) for |" in raises(TypeError, lambda: int | "x")
assert isinstance(1, int | list[int]) and not isinstance("", int | bytes)
assert "parameterized generic" in raises(TypeError, isinstance, "", int | list[int])
assert raises(TypeError, issubclass, 1, int | str) == "issubclass() arg 1 must be a class"
assert pickle.loads(pickle.dumps(int | None)) == int | None == None | int
assert Union[[1], [1], 2].__args__ == ([1], 2)
assert "object is not callable" in raises(TypeError, lambda: (int | str)())

# What is subscripted is not iterated over.
assert raises(TypeError, iter, int | str) == "'typing.Union' object is not iterable"


class Changing:
    hashable = False

    def __hash__(self):
        if Changing.hashable:
            return 1
        raise TypeError("not yet")


changing = Union[int, Changing()]
Changing.hashable = True
assert raises(TypeError, hash, changing) == "union contains 1 unhashable elements"


class Bases(tuple):
    pass


assert type(type("FromTuple", Bases((int, object)), {}).__bases__) is Bases


class Pickled(Generic[T]):
    def __init__(self, x):
        self.x = x


# Old protocols find the base that is made in C.
assert [pickle.loads(pickle.dumps(X, p)).x for p in range(4) for X in (Pickled[int](3),)] == [3] * 4
assert "arg 6" in raises(TypeError, types.FunctionType, (lambda: 0).__code__, {}, None, None, None, 1)
