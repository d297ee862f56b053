# Arithmetic across the borders of the representations.
edge = [0, 1, -1, 2**31, 2**61, 2**62 - 1, 2**62, -2**62, -2**62 - 1, 2**63, 2**64 - 1, 2**64, -2**64, 2**127, 10**40, -3**90]
for a in edge:
    assert int(str(a)) == a and int(repr(a)) == a
    assert int(hex(a), 16) == a and int(bin(a), 0) == a and int(oct(a), 8) == a
    assert ~a == -a - 1 and -(-a) == a and +a == a
    assert a.bit_length() == len(bin(abs(a))) - 2 if a else a.bit_length() == 0
    assert a.bit_count() == bin(a).count("1")
    assert hash(a) == (-1 if a < 0 else 1) * (abs(a) % (2**61 - 1)) or (hash(a) == -2 and abs(a) % (2**61 - 1) == 1)
    for b in edge:
        assert (a + b) - b == a and a - b == -(b - a)
        assert (a * b) == (b * a) and (b == 0 or (a * b) // b == a)
        assert a & b == ~(~a | ~b) and a ^ b == (a | b) & ~(a & b)
        assert (a < b) == (b > a) and (a <= b) == (not a > b) and (a == b) == (not a != b)
        if b:
            q, r = divmod(a, b)
            assert q * b + r == a and (r == 0 or (r < 0) == (b < 0)) and abs(r) < abs(b)
            assert a // b == q and a % b == r
    for n in (0, 1, 3, 63, 64, 65, 200):
        assert a << n == a * 2**n and a >> n == a // 2**n
        assert (a << n) >> n == a

def raises(kind, text, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind as e:
        assert str(e) == text, (str(e), text)
    else:
        raise AssertionError(f"{kind} expected")

for f in (lambda: 1 // 0, lambda: 1 % 0, lambda: divmod(1, 0), lambda: 1 / 0, lambda: 2**70 // 0, lambda: 2**70 % 0):
    raises(ZeroDivisionError, "division by zero", f)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0 ** -1)
raises(ValueError, "negative shift count", lambda: 1 << -1)
raises(ValueError, "negative shift count", lambda: 1 >> -(2**70))
raises(OverflowError, "too many digits in integer", lambda: 1 << (1 << 64))
raises(MemoryError, "", lambda: 1 << (1 << 40))
assert 0 << (1 << 70) == 0 and 5 >> (1 << 70) == 0 and -5 >> (1 << 70) == -1

# Parsing.
assert int("  -1_000\n") == -1000 and int("0x_ff", 16) == 255 and int("0b1", 0) == 1 and int("z", 36) == 35
assert int("\u0661\u0662") == 12 and int("\u20035") == 5 and int(b" 12 ") == 12 and int(bytearray(b"7")) == 7
assert int("00", 0) == 0 and int("0_0", 0) == 0
for bad in ("", "_1", "1_", "1__0", "010", "0x", "1 2", "-", "+-1", "\x1c5"):
    raises(ValueError, f"invalid literal for int() with base 0: {bad!r}", int, bad, 0)
raises(ValueError, "int() base must be >= 2 and <= 36, or 0", int, "1", 37)
raises(TypeError, "int() can't convert non-string with explicit base", int, 1, 2)
raises(TypeError, "int() missing string argument", int, base=2)
raises(TypeError, "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'", int, None)
raises(ValueError, "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; "
       "use sys.set_int_max_str_digits() to increase the limit", int, "1" * 5000)
raises(ValueError, "Exceeds the limit (4300 digits) for integer string conversion; "
       "use sys.set_int_max_str_digits() to increase the limit", str, 10**5000)
assert int("1" * 4300) % 10 == 1 and len(hex(10**5000)) > 4000

# Powers.
assert pow(3, 100, 7) == 3**100 % 7 and pow(2, -1, 7) == 4 and pow(3, 5, -7) == 3**5 % -7
assert pow(2**70, 2**70, 10**20 + 39) == pow(pow(2**70, 2**35, 10**20 + 39), 2**35, 10**20 + 39)
assert 2 ** -1 == 0.5 and (-1) ** (2**70 + 1) == -1 and 0**0 == 1
raises(ValueError, "pow() 3rd argument cannot be 0", pow, 2, 3, 0)
raises(ValueError, "base is not invertible for the given modulus", pow, 2, -1, 4)

# True division is rounded once.
assert (2**53 + 1) / 1 == 2.0**53 and (3 * 2**1074) / 2**1075 == 1.5 and 10**400 / 10**399 == 10.0
assert 1 / 3 == 0.3333333333333333 and (2**2000 + 1) / 2**2000 == 1.0 and str(-7 / 2**1080) == '-0.0'
raises(OverflowError, "integer division result too large for a float", lambda: 10**400 / 3)
raises(OverflowError, "int too large to convert to float", float, 10**400)
assert float(2**1024 - 2**970 - 1) == 1.7976931348623157e308
assert 2**53 + 1 != 2.0**53 and 2**53 + 1 > 2.0**53 and 2**1030 > 1e308 and -(2**1030) < float("-1e308")

# Bytes.
assert (258).to_bytes(2) == b"\x01\x02" and (-2).to_bytes(2, "little", signed=True) == b"\xfe\xff"
assert (2**80).to_bytes(11, "big") == b"\x01" + bytes(10) and (0).to_bytes(0) == b""
assert (-128).to_bytes(1, signed=True) == b"\x80"
for n in edge:
    assert int.from_bytes(n.to_bytes(20, "little", signed=True), "little", signed=True) == n
raises(OverflowError, "int too big to convert", (256).to_bytes, 1)
raises(OverflowError, "int too big to convert", (128).to_bytes, 1, signed=True)
raises(OverflowError, "can't convert negative int to unsigned", (-1).to_bytes, 1)
raises(ValueError, "length argument must be non-negative", (1).to_bytes, -1)
assert int.from_bytes([1, 2], "big") == 258

# Rounding and formatting.
assert round(25, -1) == 20 and round(35, -1) == 40 and round(-25, -1) == -20 and round(5, -3) == 0 and round(7, 2) == 7
assert round(10**40 + 5, -1) == 10**40 and round(123, -100) == 0
assert f"{1234567:,}" == "1,234,567" and f"{1234:08,}" == "0,001,234" and f"{-255:#x}" == "-0xff" and f"{255:#06X}" == "0X00FF"
assert f"{2**70:_b}".count("_") == 17 and f"{65:c}" == "A" and f"{5:+d}" == "+5" and f"{5: }" == " 5" and f"{42:*^8}" == "***42***"
assert f"{10**20:e}" == "1.000000e+20" and f"{3:%}" == "300.000000%" and f"{7:.2f}" == "7.00"
raises(ValueError, "Precision not allowed in integer format specifier", format, 1, ".2d")
raises(ValueError, "Cannot specify ',' with 'x'.", format, 1, ",x")
raises(ValueError, "Unknown format code 'y' for object of type 'int'", format, 1, "y")

# Subclasses keep nothing of themselves in results.
class I(int):
    pass

x = I(2**70)
assert type(x + 0) is int and x == 2**70 and type(int(x)) is int and type(I.from_bytes(b"\x05")) is I
assert I("ff", 16) == 255 and hash(I(5)) == 5 and str(I(5)) == "5" and isinstance(+I(3), int) and type(+I(3)) is int

class Index:
    def __index__(self):
        return 7

assert int(Index()) == 7 and hex(Index()) == "0x7" and round(12345, Index()) == 12345

# Bools.
assert True + True == 2 and type(True & False) is bool and type(True & 1) is int and (True ^ True) is False
assert repr(True) == "True" and str(False) == "False" and int(True) == 1 and bool("x") is True and hash(True) == 1
assert f"{True}" == "True" and f"{True:d}" == "1"
raises(TypeError, "bool() takes no keyword arguments", bool, x=1)
