# struct, json, csv, binascii, zlib, hashes, unicodedata.
import binascii, csv, hashlib, io, json, struct, unicodedata, zlib


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError("nothing raised")


assert struct.pack("<bHiqd2s3p?", -1, 65535, -2, 1 << 40, 1.5, b"xyz", b"abc", 1).hex() == (
    "fffffffeffffff0000000000010000000000000000f83f7879026162" + "01"
)
assert struct.calcsize("bi") == 8 and struct.calcsize("<bi") == 5 and struct.calcsize("ci0q") == 8
assert struct.unpack(">h", b"\xff\xfe") == (-2,) and struct.unpack("<e", struct.pack("<e", 0.5)) == (0.5,)
assert list(struct.iter_unpack("<H", b"\1\0\2\0")) == [(1,), (2,)]
b = bytearray(6)
struct.pack_into("<H", b, 2, 0x1234)
assert b == b"\0\0\x34\x12\0\0" and struct.unpack_from("<H", b, 2) == (0x1234,)
raises(struct.error, "'b' format requires -128 <= number <= 127", struct.pack, "b", 200)
raises(struct.error, "unpack requires a buffer of 4 bytes", struct.unpack, "i", b"a")
raises(struct.error, "bad char in struct format", struct.calcsize, "z")

value = {"a": [1, 2.5, None, True, "é\n\"😀"], "b": {}, "c": [], "1": -0.0}
assert json.loads(json.dumps(value)) == value and json.loads(json.dumps(value, indent=2)) == value
assert json.dumps(value["a"][4]) == '"\\u00e9\\n\\"\\ud83d\\ude00"'
assert json.dumps({2: 1, None: 2, True: 3, 1.5: 4}) == '{"2": 1, "null": 2, "true": 3, "1.5": 4}'
assert json.dumps({"b": 1, "a": [1, 2]}, sort_keys=True, indent=1) == '{\n "a": [\n  1,\n  2\n ],\n "b": 1\n}'
assert json.dumps("é", ensure_ascii=False) == '"é"' and json.dumps((1, 2)) == "[1, 2]"
assert json.loads('{"x": {"y": 1}}', object_pairs_hook=lambda p: p) == [("x", [("y", 1)])]
assert json.loads("[1e3, -1, NaN]", parse_constant=lambda c: c) == [1000.0, -1, "NaN"]
raises(json.JSONDecodeError, "Expecting value: line 1 column 5 (char 4)", json.loads, "[1, ]"[:4])
raises(json.JSONDecodeError, "Illegal trailing comma before end of array: line 1 column 3 (char 2)", json.loads, "[1,]")
raises(json.JSONDecodeError, "Expecting ',' delimiter: line 1 column 4 (char 3)", json.loads, "[1 2]")
raises(TypeError, "Object of type object is not JSON serializable", json.dumps, object())
loop = []
loop.append(loop)
raises(ValueError, "Circular reference detected", json.dumps, loop)

rows = [["a", 'b"c', "d,e"], ["1", "", "x\ny"]]
out = io.StringIO(newline="")
csv.writer(out).writerows(rows)
assert out.getvalue() == 'a,"b""c","d,e"\r\n1,,"x\ny"\r\n'
assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == rows
assert list(csv.DictReader(["k;v", "1;2"], delimiter=";")) == [{"k": "1", "v": "2"}]
assert list(csv.reader(["1,'a'"], quotechar="'", quoting=csv.QUOTE_NONNUMERIC)) == [[1.0, "a"]]

assert binascii.b2a_base64(b"hello", newline=False) == b"aGVsbG8=" and binascii.a2b_base64("aGVsbG8=") == b"hello"
assert binascii.hexlify(b"\x01\xff", "-") == b"01-ff" and binascii.crc32(b"hello") == 0x3610A686
raises(binascii.Error, "Incorrect padding", binascii.a2b_base64, "aGVsbG8")
assert binascii.a2b_qp(b"a=3Db=\nc") == b"a=bc" and binascii.b2a_uu(b"abc") == b"#86)C\n"

data = b"some data " * 1000
for wbits in (15, -15, 31):
    c = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = c.compress(data[:5000]) + c.compress(data[5000:]) + c.flush()
    assert zlib.decompress(packed, wbits) == data and len(packed) < 200
    d = zlib.decompressobj(wbits)
    got = d.decompress(packed + b"tail", 100)
    assert len(got) == 100 and d.unconsumed_tail
    while not d.eof:
        got += d.decompress(d.unconsumed_tail, 1000)
    assert got == data and d.unused_data == b"tail"
assert zlib.adler32(b"hello") == 0x062C0215 and zlib.crc32(b"hello") == 0x3610A686
raises(zlib.error, "Error -5 while decompressing data: incomplete or truncated stream", zlib.decompress, zlib.compress(data)[:-3])

for name, digest in (
    ("md5", "900150983cd24fb0d6963f7d28e17f72"),
    ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("sha3_256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
):
    h = hashlib.new(name, b"a")
    k = h.copy()
    h.update(b"bc")
    assert h.hexdigest() == digest and k.digest() == hashlib.new(name, b"a").digest() and h.name == name
assert hashlib.blake2s(b"abc").hexdigest()[:16] == "508c5e8c327c14e2"
assert hashlib.shake_128(b"abc").hexdigest(8) == "5881092dd818bf5c"

assert unicodedata.name("é") == "LATIN SMALL LETTER E WITH ACUTE" and unicodedata.lookup("SNOWMAN") == "☃"
assert unicodedata.normalize("NFD", "é") == "e\u0301" and unicodedata.normalize("NFKC", "ﬁ①") == "fi1"
assert unicodedata.category("A") == "Lu" and unicodedata.decimal("٣") == 3 and unicodedata.numeric("½") == 0.5
assert "\N{GREEK SMALL LETTER ALPHA}" == "α" and unicodedata.east_asian_width("日") == "W"
raises(ValueError, "no such name", unicodedata.name, "\0")
raises(KeyError, "\"undefined character name 'NOPE'\"", unicodedata.lookup, "NOPE")
print("ok")
