# Files, buffers, text streams and streams in memory.
import _io as io
import posix
from _io import open

p = f"cinder-io-test-{posix.getpid()}.tmp"
try:
    with open(p, "w", encoding="utf-8") as f:
        assert f.write("a\nbé\nc€𝄞\n") == 9
    with open(p, "rb") as f:
        assert f.read() == "a\nbé\nc€𝄞\n".encode()
    with open(p, encoding="utf-8") as f:
        assert f.readline() == "a\n"
        assert f.tell() == 2
        assert f.readline() == "bé\n"
        at = f.tell()
        assert at == 6
        rest = f.read()
        f.seek(at)
        assert f.read() == rest
        f.seek(0)
        assert list(f) == ["a\n", "bé\n", "c€𝄞\n"]

    with open(p, "wb") as f:
        f.write(b"x\r\ny\rz\n")
    for newline, lines in [
        (None, ["x\n", "y\n", "z\n"]),
        ("", ["x\r\n", "y\r", "z\n"]),
        ("\r", ["x\r", "\ny\r", "z\n"]),
        ("\r\n", ["x\r\n", "y\rz\n"]),
    ]:
        with open(p, newline=newline) as f:
            assert f.readlines() == lines, newline
    with open(p) as f:
        f.read()
        assert f.newlines == ("\r", "\n", "\r\n")

    with open(p, "r+b") as f:
        f.seek(2)
        f.write(b"QQ")
        f.seek(0)
        assert f.read() == b"x\rQQ\rz\n"
        f.seek(1)
        assert f.read(1) == b"\r"
        f.write(b"!")
        f.seek(0)
        assert f.read() == b"x\r!Q\rz\n"
        f.truncate(3)
        f.seek(0)
        assert f.read() == b"x\r!"
finally:
    posix.unlink(p)

try:
    open(p)
    assert False
except FileNotFoundError as e:
    assert str(e) == f"[Errno 2] No such file or directory: {p!r}"

b = io.BytesIO(b"one\ntwo\n")
assert b.readline() == b"one\n" and list(b) == [b"two\n"]
view = b.getbuffer()
view[0] = ord("O")
try:
    b.write(b"more")
    assert False
except BufferError as e:
    assert str(e) == "Existing exports of data: object cannot be re-sized"
view.release()
assert b.getvalue() == b"One\ntwo\n"

s = io.StringIO(newline=None)
s.write("a\r\nb")
assert s.getvalue() == "a\nb"

w = io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="ascii")
try:
    w.read()
    assert False
except UnicodeDecodeError as e:
    assert e.start == 0 and e.end == 1


class Raw(io._RawIOBase):
    def __init__(self):
        self.data = [b"ab\nc", b"d\n"]

    def readable(self):
        return True

    def readinto(self, into):
        piece = self.data.pop(0) if self.data else b""
        into[: len(piece)] = piece
        return len(piece)


assert io.BufferedReader(Raw()).readlines() == [b"ab\n", b"cd\n"]
assert io.TextIOWrapper(io.BufferedReader(Raw()), encoding="utf-8").read() == "ab\ncd\n"

# readinto1() takes what lies ahead and reads at most once.
import io


class Pieces(io.RawIOBase):
    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def readinto(self, b):
        piece = self.pieces.pop(0) if self.pieces else b""
        b[:len(piece)] = piece
        return len(piece)


reader = io.BufferedReader(Pieces(b"abc", b"de", b"fgh", b"jkl"), 10)
target = bytearray(2)
assert reader.peek() == b"abc" and reader.readinto1(target) == 2 and reader.readinto1(target) == 1
assert reader.readinto1(target) == 2 and target == b"de" and reader.peek() == b"fgh"
target = bytearray(20)
assert reader.readinto1(target) == 6 and target[:6] == b"fghjkl"
