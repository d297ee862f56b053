"""Byte arrays and views while arguments are converted: what is lent keeps its size."""

import array


def raises(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind.__name__} was not raised")


class Index:
    def __init__(self, action, value=4):
        self.action, self.value = action, value

    def __index__(self):
        self.action()
        return self.value


for name in ("find", "rfind", "index", "rindex", "count"):
    ba = bytearray(b"A")
    raises(BufferError, getattr(ba, name), Index(ba.clear, 65))
ba = bytearray(b"A")
raises(TypeError, lambda: Index(ba.clear, 65) in ba)


class Shrinker:
    def __repr__(self):
        template.clear()
        return "E"


template = bytearray(b"%a end")
raises(BufferError, template.__mod__, Shrinker())


class Separator(bytes):
    def __len__(self):
        ba.clear()
        return 1


ba = bytearray(b"\xaa")
raises(BufferError, ba.hex, Separator(b":"))


class Lender:
    def __init__(self, action):
        self.action = action

    def __buffer__(self, flags):
        self.action()
        return memoryview(b"ABCD")


b = bytearray(b"x" * 10)
b.extend(Lender(lambda: b.extend(b"y" * 5)))
assert b == b"x" * 10 + b"ABCD" + b"y" * 5
b = bytearray(b"x" * 10)
b.extend(Lender(b.clear))
assert b == b"ABCD"

for bad in ([256], (-1,), [0] * 50 + [1000]):
    b = bytearray(b"abc")
    raises(ValueError, b.__init__, bad)
    assert b == b""

items = [b"a", Lender(lambda: items.clear()), b"c"]
assert raises(RuntimeError, b"".join, items) == "sequence changed size during iteration"

# A slice of a view that is released while its bounds are computed.
m = memoryview(bytearray(b"\xff" * 16))
assert list(m[: Index(m.release)]) == [255] * 4
m = memoryview(bytearray(16))
raises(ValueError, lambda: m[Index(m.release)])


class Hasher(array.array):
    def __hash__(self):
        view.release()
        return 1


view = memoryview(Hasher("B", b"A" * 64)).toreadonly()
raises(BufferError, hash, view)

for op in ("__lt__", "__gt__"):
    assert getattr(b"abc", op)(memoryview(b"abc")) is NotImplemented
assert b"abc" == memoryview(b"abc") and raises(TypeError, lambda: b"a" < memoryview(b"b"))

# What `__release_buffer__` is given is good for the call only.
kept = []


class Guarded(bytearray):
    def __release_buffer__(self, buffer):
        raises(ValueError, memoryview, buffer)
        raises(ValueError, buffer.cast, "b")
        raises(ValueError, lambda: buffer[:1])
        kept.append(buffer)
        assert buffer.tobytes() == b"hello"
        super().__release_buffer__(buffer)


g = Guarded(b"hello")
with memoryview(g) as view:
    assert view.tobytes() == b"hello"
g.clear()
raises(ValueError, kept[0].tobytes)


class Inexact:
    def __bytes__(self):
        return b"from __bytes__"

    def __buffer__(self, flags):
        return memoryview(b"from the buffer")


assert b"%b" % Inexact() == b"from __bytes__" and bytearray(b"%s") % Inexact() == b"from __bytes__"
raises(OverflowError, lambda: "%.*d" % (2**63 - 1, 1))
