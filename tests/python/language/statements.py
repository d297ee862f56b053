"""Unpacking, loops, del, assert, augmented assignment, comprehension shapes, imports inside functions."""

a, (b, *c), *d = 1, (2, 3, 4), 5, 6
assert (a, b, c, d) == (1, 2, [3, 4], [5, 6])
[p, q] = "xy"
*only, = range(3)
assert (p, q, only) == ("x", "y", [0, 1, 2])
x = y = z = []
assert x is y is z
for bad, message in (
    ("a, b = 1,", "not enough values to unpack (expected 2, got 1)"),
    ("a, b = 1, 2, 3", "too many values to unpack (expected 2, got 3)"),
    ("a, b = iter(range(5))", "too many values to unpack (expected 2)"),
    ("a, *b, c = 1,", "not enough values to unpack (expected at least 2, got 1)"),
):
    try:
        exec(bad)
    except ValueError as e:
        assert str(e) == message, (bad, str(e))
    else:
        raise AssertionError(bad)
try:
    a, b = 5
except TypeError as e:
    assert str(e) == "cannot unpack non-iterable int object"

# Swaps and chains keep their order.
i, arr = 0, [10, 20]
i, arr[i] = 1, "at zero"
assert arr == [10, "at zero"]
a, b, c = 1, 2, 3
a, b, c = c, a, b
assert (a, b, c) == (3, 1, 2)

# Slices.
s = list(range(10))
s[2:4] = "abc"
assert s == [0, 1, "a", "b", "c", 4, 5, 6, 7, 8, 9]
s[::2] = [None] * 6
del s[1::2], s[0]
assert s == [None] * 5
try:
    s[::2] = [1]
except ValueError as e:
    assert str(e) == "attempt to assign sequence of size 1 to extended slice of size 3"


class Sub:
    def __getitem__(self, key):
        return key


g = Sub()
assert g[1:2] == slice(1, 2, None) and g[1:2, ::3, ...] == (slice(1, 2), slice(None, None, 3), ...) and g[*range(2), 5] == (0, 1, 5)

# Augmented assignment to every kind of target.
class Box:
    n = 1


box, d, lst, t = Box(), {"k": 1}, [1], ([1],)
box.n += 5
d["k"] *= 7
lst += "ab"
lst *= 2
assert (box.n, Box.n, d, lst) == (6, 1, {"k": 7}, [1, "a", "b", 1, "a", "b"])
try:
    t[0] += [2]
except TypeError:
    assert t == ([1, 2],)
n = 7
n //= 2; n **= 3; n %= 10; n <<= 2; n |= 1; n ^= 0xF; n &= 0xFE; n >>= 1; n -= 1
assert n == 8, n

# Comparisons chain and stop early.
assert 1 < 2 <= 2 != 3 > 2 and not 1 < 0 < 1 / 0
assert 1 in [1] in [[1]] and "a" not in "bc" and None is None is not 5

# Displays with unpacking.
assert [*range(2), *"ab"] == [0, 1, "a", "b"] and {**{"a": 1}, "b": 2, **{"a": 3}} == {"a": 3, "b": 2}
assert (*[1], 2) == (1, 2) and {*[1, 1], 2} == {1, 2}
assert {k: v for k, v in zip("ab", (1, 2)) if v > 1} == {"b": 2}
assert [[j for j in range(i)] for i in range(3)] == [[], [0], [0, 1]]
assert [(i, j) for i in range(3) if i for j in range(i)] == [(1, 0), (2, 0), (2, 1)]

# Loops with changing subjects.
items = [1, 2, 3]
for v in items:
    if v < 3:
        items.append(v + 10)
assert items == [1, 2, 3, 11, 12]
try:
    for k in (d := {1: 1}):
        d[k + 1] = 1
except RuntimeError as e:
    assert str(e) == "dictionary changed size during iteration"
try:
    for k in (st := {1}):
        st.add(2)
except RuntimeError as e:
    assert str(e) == "Set changed size during iteration"


class OldStyle:
    def __getitem__(self, i):
        if i == 3:
            raise IndexError
        return i * i


assert list(OldStyle()) == [0, 1, 4] and 4 in OldStyle()
try:
    for _ in 5:
        pass
except TypeError as e:
    assert str(e) == "'int' object is not iterable"
assert list(iter(iter([1, 2, 0, 3]).__next__, 0)) == [1, 2]

# Truth.
class Falsy:
    def __bool__(self):
        return False


class Empty:
    def __len__(self):
        return 0


class BadBool:
    def __bool__(self):
        return 1


assert not Falsy() and not Empty() and (Falsy() or "x") == "x"
try:
    bool(BadBool())
except TypeError as e:
    assert str(e) == "__bool__ should return bool, returned int"


# Imports.
def local_import():
    import os.path as p
    from collections import OrderedDict, deque as dq
    import xml.dom

    return p.basename("a/b"), dq([1]).pop(), xml.dom.__name__


assert local_import() == ("b", 1, "xml.dom")
try:
    from os import no_such_name
except ImportError as e:
    assert "cannot import name 'no_such_name' from 'os'" in str(e) and e.name == "os"
try:
    import no_such_module.sub
except ModuleNotFoundError as e:
    assert str(e) == "No module named 'no_such_module'" and e.name == "no_such_module"
try:
    import os.no_such
except ModuleNotFoundError as e:
    assert str(e) == "No module named 'os.no_such'; 'os' is not a package"

# Syntax errors come as exceptions.
for source, message in (
    ("x = ", "invalid syntax"),
    ("def f(:\n  pass", "invalid syntax"),
    ("return 1", "'return' outside function"),
    ("break", "'break' outside loop"),
    ("f() = 1", "cannot assign to function call here. Maybe you meant '==' instead of '='?"),
    ("(1", "'(' was never closed"),
    ("if 1:\npass", "expected an indented block after 'if' statement on line 1"),
    ("nonlocal x", "nonlocal declaration not allowed at module level"),
    ("def f():\n x = 1\n global x", "name 'x' is assigned to before global declaration"),
    ("f(a=1, 2)", "positional argument follows keyword argument"),
    ("'abc", "unterminated string literal (detected at line 1)"),
    ("1 = x", "cannot assign to literal here. Maybe you meant '==' instead of '='?"),
    ("a b", "invalid syntax"),
    ("await x", "'await' outside function"),
):
    try:
        compile(source, "<test>", "exec")
    except SyntaxError as e:
        assert e.msg == message, (source, e.msg)
    else:
        raise AssertionError(source)
