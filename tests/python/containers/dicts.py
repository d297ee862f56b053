"""Dicts: order, views, mutation while probing and iterating, instance dicts, namespaces."""

def raises(exc, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        return str(e)
    raise AssertionError(f"{exc.__name__} not raised")

d = {}
for i in range(1000):
    d[str(i)] = i
for i in range(0, 1000, 3):
    del d[str(i)]
d["0"] = "again"
assert list(d)[-1] == "0" and len(d) == 667
assert list(reversed(d))[0] == "0" and d.popitem() == ("0", "again")
assert list(d) == [str(i) for i in range(1000) if i % 3]
assert 1 in {1.0: 0} and {1: "a", True: "b", 1.0: "c"} == {1: "c"}
assert list({1: "a", True: "b"}) == [1]

assert raises(KeyError, lambda: {}["k"]) == "'k'"
assert raises(TypeError, lambda: {}[[]]) == "cannot use 'list' as a dict key (unhashable type: 'list')"
assert raises(KeyError, {}.popitem) == "'popitem(): dictionary is empty'"
assert raises(ValueError, dict, [(1, 2, 3)]) == \
    "dictionary update sequence element #0 has length 3; 2 is required"
assert raises(TypeError, dict, 1) == "'int' object is not iterable"
assert raises(TypeError, dict, {}, {}) == "dict expected at most 1 argument, got 2"

assert dict(a=1, **{"b": 2}) == dict([("a", 1), ("b", 2)]) == dict({"a": 1}, b=2)
assert {"a": 1} | {"a": 2, "b": 3} == {"a": 2, "b": 3}
x = {"a": 1}
x |= [("b", 2)]
assert x == {"a": 1, "b": 2}
assert raises(TypeError, lambda: {} | []) == "unsupported operand type(s) for |: 'dict' and 'list'"
assert dict.fromkeys("ab", 0) == {"a": 0, "b": 0}
assert x.setdefault("a", 5) == 1 and x.setdefault("c") is None and x.pop("c", 1) is None
assert x.get("zz") is None and x.get("zz", 3) == 3 and x.pop("zz", 4) == 4
assert repr({1: {2: 3}, "a": ()}) == "{1: {2: 3}, 'a': ()}"
x["self"] = x
assert repr(x) == "{'a': 1, 'b': 2, 'self': {...}}"

# Views.
a, b = {"x": 1, "y": 2}, {"y": 2, "z": 3}
assert a.keys() & b.keys() == {"y"} and a.keys() | b == {"x", "y", "z"}
assert a.items() - b.items() == {("x", 1)} and a.keys() ^ b.keys() == {"x", "z"}
assert a.keys().isdisjoint(["q"]) and not a.keys().isdisjoint("x")
assert ("x", 1) in a.items() and ("x", 2) not in a.items() and 2 in a.values()
assert a.keys() == {"x", "y"} and a.keys() >= {"x"} and not a.keys() < {"x"}
assert repr(a.keys()) == "dict_keys(['x', 'y'])" and repr(a.items()) == "dict_items([('x', 1), ('y', 2)])"
assert list(reversed(a.items())) == [("y", 2), ("x", 1)]
assert raises(TypeError, hash, a.keys()) == "unhashable type: 'dict_keys'"
assert a.keys().mapping["x"] == 1

# Changes while iterating.
def grow():
    for k in d2:
        d2[k + "'"] = 0
d2 = {"k": 1}
assert raises(RuntimeError, grow) == "dictionary changed size during iteration"
def swap():
    for k in d3:
        del d3[k]
        d3[k + 1] = 0
d3 = {0: 0}
assert raises(RuntimeError, swap) == "dictionary keys changed during iteration"
it = iter({1: 1, 2: 2})
assert it.__length_hint__() == 2 and next(it) == 1 and it.__length_hint__() == 1
f, args = it.__reduce__()
assert f is iter and args == ([2],) and list(it) == [2]

# Keys whose comparison changes the dict that is being probed.
class Evil:
    action = None
    def __hash__(self):
        return 7
    def __eq__(self, other):
        act, Evil.action = Evil.action, None
        if act:
            act()
        return self is other
for size in (1, 6, 40):
    for act in ("clear", "grow", "shrink"):
        target = {Evil(): i for i in range(size)}
        def go():
            if act == "clear":
                target.clear()
            elif act == "grow":
                for i in range(100):
                    target[i] = i
            else:
                target.popitem()
        Evil.action = go
        key = Evil()
        target[key] = "new"
        assert target[key] == "new"
        Evil.action = go
        target.get(Evil())
        Evil.action = None

class M(dict):
    def __missing__(self, key):
        return key * 2
assert M()[4] == 8 and M({4: 1})[4] == 1 and raises(KeyError, dict.__getitem__, {}, 4) == "4"

# Attributes and __dict__ are one and the same.
class C:
    pass
o = C()
o.a, o.b, o.c = 1, 2, 3
v = o.__dict__
assert v is o.__dict__ and v == {"a": 1, "b": 2, "c": 3} and list(v) == ["a", "b", "c"]
v["d"] = 4
assert o.d == 4
del o.b
assert list(v) == ["a", "c", "d"] and not hasattr(o, "b")
o.b = 5
assert list(v.items()) == [("a", 1), ("c", 3), ("d", 4), ("b", 5)]
v[1] = "one"
o.e = 6
assert v == {"a": 1, "c": 3, "d": 4, "b": 5, 1: "one", "e": 6}
p = C()
p.x = 1
w = p.__dict__
del p
assert w == {"x": 1}
q, r = C(), C()
q.__dict__ = r.__dict__
q.shared = True
assert r.shared and vars(q) is vars(r)
assert raises(TypeError, setattr, q, "__dict__", 3) == "__dict__ must be set to a dictionary, not a 'int'"
many = C()
for i in range(300):
    setattr(many, f"attr{i}", i)
assert list(vars(many).values()) == list(range(300))
for i in range(0, 300, 2):
    delattr(many, f"attr{i}")
assert len(vars(many)) == 150 and many.attr299 == 299
one = C()
one.__dict__.update(p=1, q=2)
assert (one.p, one.q) == (1, 2)
one.__dict__.clear()
assert not vars(one) and not hasattr(one, "p")

# Globals.
g = globals()
g["made"] = 1
assert made == 1
del g["made"]
assert raises(NameError, lambda: made) == "name 'made' is not defined"
made = 2
assert list(g)[-1] == "made" and g["made"] == 2
exec("inner = made + 1", g)
assert inner == 3
