"""Pickles of every protocol, their errors, and `marshal`."""

import copyreg
import io
import marshal
import pickle


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


class Slots:
    __slots__ = ("a",)


class WithState:
    def __getstate__(self):
        return {"v": 1}

    def __setstate__(self, state):
        self.v = state["v"] + 1


class Args(int):
    def __new__(cls, n, *, scale=1):
        self = super().__new__(cls, n * scale)
        self.scale = scale
        return self

    def __getnewargs_ex__(self):
        return (int(self) // self.scale,), {"scale": self.scale}


shared = ["shared"]
plain = [
    None, True, False, 0, 255, 256, 65535, 65536, -1, 2**31, -(2**31), 2**64, -(10**40), 1.5, -0.0, float("inf"), 3j,
    "", "text", "é\U0001f600\ud800", "x" * 70000, b"", b"bytes", b"y" * 70000, bytearray(b"array"), (), (1,), (1, 2, 3),
    (1, 2, 3, 4), [], list(range(2500)), {}, {"a": 1}, {i: str(i) for i in range(2500)}, set(), {1, 2}, frozenset({3}),
    [shared, shared], int, len, Point, type(None), type(...), NotImplemented, ..., range(3), slice(1, 2),
]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for x in plain:
        y = pickle.loads(pickle.dumps(x, protocol))
        assert type(y) is type(x) and repr(y) == repr(x), (protocol, x)
    a, b = pickle.loads(pickle.dumps([shared, shared], protocol))
    assert a is b
    loop = [1]
    loop.append(loop)
    copy = pickle.loads(pickle.dumps(loop, protocol))
    assert copy[1] is copy
    p = Point([1], {"k": 2})
    p.me = p
    q = pickle.loads(pickle.dumps(p, protocol))
    assert q.x == [1] and q.me is q
    assert pickle.loads(pickle.dumps(WithState(), protocol)).v == 2
    if protocol >= 2:
        s = Slots()
        s.a = 5
        assert pickle.loads(pickle.dumps(s, protocol)).a == 5
        assert pickle.loads(pickle.dumps(Args(3, scale=2), protocol)) == 6

out = io.BytesIO()
pickle.Pickler(out).dump([1, 2])
out.write(b"rest")
out.seek(0)
assert pickle.Unpickler(out).load() == [1, 2] and out.read() == b"rest"


class Persistent(pickle.Pickler):
    def persistent_id(self, obj):
        return "point" if isinstance(obj, Point) else None


class FromIds(pickle.Unpickler):
    def persistent_load(self, pid):
        return pid.upper()


for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    out = io.BytesIO()
    Persistent(out, protocol).dump([Point(1, 2)])
    assert FromIds(io.BytesIO(out.getvalue())).load() == ["POINT"]

buffers = []
data = pickle.dumps(pickle.PickleBuffer(bytearray(b"big")), 5, buffer_callback=buffers.append)
assert len(buffers) == 1 and bytes(pickle.loads(data, buffers=buffers)) == b"big"


def raises(kind, call, text=""):
    try:
        call()
    except kind as e:
        assert text in str(e), (text, str(e))
        return e
    raise AssertionError(f"{kind.__name__} was not raised")


raises(pickle.PicklingError, lambda: pickle.dumps(lambda: 0), "Can't pickle local object")
raises(pickle.UnpicklingError, lambda: pickle.loads(b"."), "unpickling stack underflow")
raises(pickle.UnpicklingError, lambda: pickle.loads(b"(."), "unexpected MARK found")
raises(pickle.UnpicklingError, lambda: pickle.loads(b"\xff."), r"invalid load key, '\xff'.")
raises(EOFError, lambda: pickle.loads(b""), "Ran out of input")
raises(ValueError, lambda: pickle.dumps(1, 9), "pickle protocol must be <= 5")
raises(AttributeError, lambda: pickle.loads(b"cmath\nno_such_name\n."))
e = raises(pickle.PicklingError, lambda: pickle.dumps([lambda: 0]))
assert e.__notes__ == ["when serializing list item 0"]

copyreg.pickle(complex, lambda c: (complex, (c.real, c.imag)))
assert pickle.loads(pickle.dumps(1 + 2j)) == 1 + 2j

# Marshalled data: shared objects stay shared, cycles are cycles.
for version in range(marshal.version + 1):
    for x in (None, True, 1, -(2**70), 1.5, 2j, "é\ud800", b"b", (1, (2,)), [1], {1: [2]}, {1, 2}, frozenset({3})):
        assert marshal.loads(marshal.dumps(x, version)) == x
loop = []
loop.append(loop)
assert (m := marshal.loads(marshal.dumps(loop)))[0] is m
raises(ValueError, lambda: marshal.dumps(loop, 2))
raises(ValueError, lambda: marshal.dumps(object()), "unmarshallable object")
raises(ValueError, lambda: marshal.loads(b"l\x02\x00\x00\x00\x01\x00\x00\x00"), "unnormalized")
raises(EOFError, lambda: marshal.loads(b"i\x00"))
assert len("\ud83d\udc4d") == 2
