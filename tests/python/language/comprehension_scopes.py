"""The scopes of comprehensions, wherever they stand."""

import sys
import symtable

x = "global"


def two_in_a_row():
    [x for x in [1]]
    return [x for _ in [1]]


assert two_in_a_row() == ["global"]

# The variables of a comprehension are its locals, and only as long as it runs.
assert [sorted(locals()) for i in [1]] == [["i"]] and "i" not in globals()
assert [sys._getframe().f_locals["i"] for i in [5]] == [5]
assert "i" not in [sys._getframe().f_locals for i in [5]][0]


class InClass:
    seen = [(locals()["i"], eval("i"), dir()) for i in [3]]


assert InClass.seen == [(3, 3, ["i"])]

for body in ("[__class__ for _ in [1]]", "__class__ = 2; [__class__ for _ in [1]]"):
    try:
        exec(f"class C: {body}")
        assert False
    except NameError as e:
        assert type(e) is NameError and str(e) == "name '__class__' is not defined"


# What is read in a comprehension counts as read in the function around it.
for comprehension, is_read in (("[k for _ in xs]", True), ("[k for k in xs]", False)):
    module = symtable.symtable(f"def f(k, xs):\n return {comprehension}", "<test>", "exec")
    (table,) = [child for child in module.get_children() if child.get_name() == "f"]
    assert table.lookup("k").is_referenced() == is_read
module = symtable.symtable("class C:\n k = 1\n [k for _ in 'x']", "<test>", "exec")
assert not module.get_children()[0].lookup("k").is_referenced()

# Private names among type parameters and bases of a class are not mangled, in inner scopes neither.


def base(value):
    return type("Base", (), {"value": value})


class __X:
    pass


class Y[T: __X](base(lambda: __X), base([__X for _ in (1,)])):
    pass


assert Y.__type_params__[0].__bound__ is __X
assert Y.__mro__[1].value() is __X and Y.__mro__[2].value == [__X]


# Equality that a class has switched off is an error, from both sides.
class Equal:
    def __eq__(self, other):
        return True


class Off:
    __eq__ = None


assert Equal() == Off()
try:
    Off() == Equal()
    assert False
except TypeError as e:
    assert str(e) == "'NoneType' object is not callable"


def set_aside_in_a_loop(y):
    # The variable of an inner comprehension is a local of the loop around it.
    seen = []
    for i in range(2):
        seen.append((y, [y for y in range(i)]))
    return seen, [(y, [y for y in "ab"]) for _ in range(2)]


assert set_aside_in_a_loop(7) == ([(7, []), (7, [0])], [(7, ["a", "b"]), (7, ["a", "b"])])
