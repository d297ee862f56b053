"""OrderedDict: an order of its own, and what happens when it changes at bad moments."""

import copy
import pickle
from collections import OrderedDict


def raises(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind.__name__} was not raised")


od = OrderedDict([("a", 1), ("b", 2), ("c", 3)])
od.move_to_end("a")
assert list(od) == ["b", "c", "a"] and list(dict(od)) == ["b", "c", "a"]
od.move_to_end("a", last=False)
assert list(od.items()) == [("a", 1), ("b", 2), ("c", 3)]
assert list(reversed(od)) == ["c", "b", "a"] and list(reversed(od.values())) == [3, 2, 1]
assert raises(KeyError, od.move_to_end, "x") == "'x'"
assert repr(od) == "OrderedDict({'a': 1, 'b': 2, 'c': 3})" and repr(OrderedDict()) == "OrderedDict()"
assert repr(od.keys()) == "odict_keys(['a', 'b', 'c'])" and isinstance(od.keys(), type({}.keys()))
assert od.keys() & {"a", "z"} == {"a"}
assert od.popitem() == ("c", 3) and od.popitem(last=False) == ("a", 1) and len(od) == 1
assert od.pop("b") == 2 and od.pop("b", 5) == 5 and raises(KeyError, od.pop, "b") == "'b'"
assert raises(KeyError, od.popitem) == "'dictionary is empty'"

# Order counts between ordered dicts only.
x, y = OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)
assert x != y and x == {"b": 2, "a": 1} and {"b": 2, "a": 1} == x
assert (x | {"c": 3}) == OrderedDict(a=1, b=2, c=3) and type({"z": 0} | x) is OrderedDict
x |= [("q", 9)]
assert list(x) == ["a", "b", "q"]

# A class namespace keeps the order.
x.move_to_end("a")
assert [k for k in type("C", (), x).__dict__ if k in x] == ["b", "q", "a"]


class Attributes(OrderedDict):
    def __init__(self, *args, extra=None):
        super().__init__(*args)
        self.extra = extra


s = Attributes([(1, 2), (0, 1)], extra="e")
for t in (copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s)), s.copy()):
    assert type(t) is Attributes and t == s
assert pickle.loads(pickle.dumps(s)).extra == "e"
assert list(pickle.loads(pickle.dumps(iter(OrderedDict(a=1, b=2).items())))) == [("a", 1), ("b", 2)]


def while_iterating(change):
    d = OrderedDict.fromkeys("abcd")
    for k in d:
        change(d, k)


assert raises(RuntimeError, while_iterating, lambda d, k: d.move_to_end(k)) == "OrderedDict mutated during iteration"
assert raises(RuntimeError, while_iterating, lambda d, k: d.pop("d")) == "OrderedDict mutated during iteration"
assert (
    raises(RuntimeError, while_iterating, lambda d, k: dict.pop(d, "d")) == "OrderedDict changed size during iteration"
)

# What goes past the class is noticed when it matters.
d = OrderedDict(a=1, b=2)
dict.__delitem__(d, "a")
raises(KeyError, repr, d)
raises(KeyError, lambda: list(d.items()))
raises(KeyError, d.copy)


class Evil:
    def __init__(self, action):
        self.action = action

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.action()
        return True


one = OrderedDict({0: None, Evil(lambda: one.clear()): None})
two = OrderedDict({0: None, Evil(lambda: None): None})
for _ in range(3):
    try:
        one == two
    except RuntimeError:
        pass

many = OrderedDict()
for i in range(5000):
    many[i] = i
    if i // 2 in many:
        many.move_to_end(i // 2)
    if i % 3 == 0:
        many.popitem(last=False)
assert sorted(many) == sorted(many.values()) and len(many) == len(list(many))
