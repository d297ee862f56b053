"""frame.f_locals of functions: a view that writes through, shared by all who ask for it."""

import sys


def writes():
    x = 1
    sys._getframe().f_locals["x"] = 2
    sys._getframe().f_locals["new"] = 3
    assert x == 2
    assert locals()["new"] == 3
    assert sys._getframe().f_locals["new"] == 3
    return sys._getframe().f_locals


proxy = writes()
assert proxy["x"] == 2 and proxy["new"] == 3
assert list(proxy) == ["x", "new"] and reversed(proxy) == ["new", "x"]
assert proxy == {"x": 2, "new": 3} and len(proxy) == 2
assert proxy.pop("new") == 3 and "new" not in proxy
for action in (lambda: proxy.pop("x"), lambda: proxy.__delitem__("x")):
    try:
        action()
    except ValueError as e:
        assert "cannot remove local variables" in str(e)
    else:
        raise AssertionError("removed a local")


def closure():
    x = 1

    def inner():
        sys._getframe(1).f_locals["x"] = "changed"
        d = sys._getframe().f_locals
        assert d["x"] == "changed"
        d["x"] = x + "!"

    inner()
    return x


assert closure() == "changed!"


class Key(str):
    pass


def keys():
    value = 1
    d = sys._getframe().f_locals
    d[Key("value")] = 2
    d[7] = 8
    assert value == 2 and d[7] == 8
    d.update({"value": 3, "other": 4})
    assert value == 3 and d["other"] == 4
    assert (d | {"z": 1})["z"] == 1
    d |= {"value": 5}
    return value


assert keys() == 5


def outer():
    kept = object()
    return inner_frame(kept)


def inner_frame(argument):
    f = sys._getframe()
    f.f_back.f_locals["kept"] = None
    return argument is not None


assert outer()


class Body:
    sys._getframe().f_locals["made"] = 1


assert Body.made == 1


def finished():
    a, b = 1, [2]
    return sys._getframe()


f = finished()
assert f.f_locals == {"a": 1, "b": [2]}
f.clear()
assert f.f_locals == {}
