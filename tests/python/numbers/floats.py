import math

def raises(kind, text, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind as e:
        assert str(e) == text, (str(e), text)
    else:
        raise AssertionError(f"{kind} expected")

inf, nan = float("inf"), float("nan")

# The shortest digits, and Python's choice of notation.
for f, s in [(0.1, "0.1"), (1e16, "1e+16"), (1e15, "1000000000000000.0"), (1e-5, "1e-05"), (0.0001, "0.0001"), (-0.0, "-0.0"),
             (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (inf, "inf"), (-inf, "-inf"), (nan, "nan"),
             (123456789.125, "123456789.125"), (2.0**-255, repr(2.0**-255)), (2.0**300, repr(2.0**300))]:
    assert repr(f) == str(f) == s, (f, s)
    assert f != f or float(s) == f

# Parsing.
assert float(" 1_0.2_5e-1\n") == 1.025 and float("-.5") == -0.5 and float("+inF") == inf and float("\u0661.5") == 1.5
assert float(b"2.5") == 2.5 and math.isnan(float("-NaN")) and math.copysign(1, float("-nan")) == -1.0 and float("1e400") == inf
for bad in ("", ".", "1e", "1__0", "_1", "1_.5", "1 2", "0x1", "infinit"):
    raises(ValueError, f"could not convert string to float: {bad!r}", float, bad)
raises(TypeError, "float() argument must be a string or a real number, not 'NoneType'", float, None)
raises(TypeError, "float expected at most 1 argument, got 2", float, 1, 2)
raises(TypeError, "float() takes no keyword arguments", float, x=1)

# Signs of zeros, floor division and modulo.
assert repr(-7.5 // 2) == "-4.0" and -7.5 % 2 == 0.5 and 7.5 % -2 == -0.5 and repr(0.0 // -5) == "-0.0" and repr(4.0 % -2) == "-0.0"
assert divmod(-1e-20, 1.0) == (-1.0, 1.0) and 5.0 % inf == 5.0 and -5.0 % inf == inf and divmod(5.5, 2) == (2.0, 1.5)
for f in (lambda: 1.0 / 0, lambda: 1.0 // 0, lambda: 1.0 % 0.0, lambda: divmod(1.0, 0)):
    raises(ZeroDivisionError, "division by zero", f)

# Powers.
assert 2.0**-1 == 0.5 and nan**0 == 1.0 and 1.0**nan == 1.0 and (-1.0) ** inf == 1.0 and 0.0**inf == 0.0 and (-inf) ** 3 == -inf
assert (-inf) ** -3 == 0.0 and math.copysign(1, (-inf) ** -3) == -1.0 and (-2.0) ** 3 == -8.0 and 4 ** 0.5 == 2.0
assert isinstance((-8.0) ** 0.5, complex)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0.0 ** -1)
raises(OverflowError, "(34, 'Numerical result out of range')", lambda: 2.0**10000)
raises(TypeError, "pow() 3rd argument not allowed unless all arguments are integers", pow, 2.0, 3, 1)

# Rounding.
assert round(2.5) == 2 and round(3.5) == 4 and type(round(1.5)) is int and round(2.675, 2) == 2.67 and round(0.5, 0) == 0.0
assert round(1e22, -21) == 1e22 and round(15.0, -1) == 20.0 and round(25.0, -1) == 20.0 and round(5.0, -1) == 0.0 and round(5.1, -1) == 10.0
assert round(1e308, -308) == 1e308 and round(4.9e307, -308) == 0.0 and round(1.5, 1000) == 1.5 and repr(round(-0.4)) == "0"
raises(OverflowError, "rounded value too large to represent", round, 1.7976931348623157e308, -308)
raises(ValueError, "cannot convert float NaN to integer", round, nan)
raises(OverflowError, "cannot convert float infinity to integer", int, inf)
assert int(1e300) == 10**300 or int(1e300) % 2**900 == 0 and int(-2.9) == -2 and math.floor(-2.1) == -3 and math.ceil(-2.9) == -2

# Exact conversions.
assert (0.1).as_integer_ratio() == (3602879701896397, 36028797018963968) and (5e-324).as_integer_ratio() == (1, 2**1074)
assert (-2.5).as_integer_ratio() == (-5, 2) and (0.0).as_integer_ratio() == (0, 1) and (1e300).as_integer_ratio()[1] == 1
raises(ValueError, "cannot convert NaN to integer ratio", nan.as_integer_ratio)
for f in (1.5, -0.1, 5e-324, 1e308, 0.0, 2.2250738585072014e-308):
    assert float.fromhex(f.hex()) == f
assert (1.5).hex() == "0x1.8000000000000p+0" and float.fromhex(" -0x.8p1 ") == -1.0 and float.fromhex("inf") == inf
assert float.fromhex("0x1.00000000000008p0") == 1.0 and float.fromhex("0x1.000000000000080000001p0") == 1.0 + 2**-52
raises(ValueError, "invalid hexadecimal floating-point string", float.fromhex, "0x")
raises(OverflowError, "hexadecimal value too large to represent as a float", float.fromhex, "0x1p5000")

# Hashes and comparisons agree with ints.
for n in (0, 1, -1, 2**53, 2**70, -(2**90), 10**15):
    assert hash(float(n)) == hash(n) and float(n) == n
assert hash(0.5) == 2**60 and hash(inf) == 314159 and hash(-inf) == -314159 and hash(-1.0) == -2 and hash(2.0**-1074) == hash(5e-324)
assert nan != nan and not nan < 1 and not nan == 1 and not 1 <= nan and inf > 10**400 and -inf < -(10**400)
big = 2**53 + 1
assert not big == float(2**53) and big > float(2**53) and float(2**53) < big

# Formatting.
for f, spec, s in [(1234.5678, ".2f", "1234.57"), (1e10, ",", "10,000,000,000.0"), (0.5, "%", "50.000000%"), (1e-7, "g", "1e-07"),
                   (1234567.0, ".3g", "1.23e+06"), (1.0, "", "1.0"), (1e16, "", "1e+16"), (3.0, ".3", "3.0"), (123.0, ".2", "1.2e+02"),
                   (0.00001, "#.3g", "1.00e-05"), (-1.5, "08.2f", "-0001.50"), (inf, "F", "INF"), (nan, "010", "0000000nan"),
                   (-0.001, "z.1f", "0.0"), (1.123456789, ".9_f", "1.123_456_789"), (2.5, ".0f", "2"), (1e22, "f", "10000000000000000000000.000000"),
                   (1.5, "+e", "+1.500000e+00"), (12345.678, "012,.1f", "00,012,345.7"), (1.0, "n", "1"), (100.0, "#.0f", "100.")]:
    assert format(f, spec) == s, (f, spec, format(f, spec), s)
raises(ValueError, "Unknown format code 'd' for object of type 'float'", format, 1.0, "d")

class F(float):
    pass

assert type(F(1.5) + 1) is float and type(F.fromhex("0x1p1")) is F and F("2.5") == 2.5 and repr(F(2)) == "2.0"
assert F(nan) != F(nan) and type(F.from_number(3)) is F
raises(TypeError, "must be real number, not str", float.from_number, "1")

# Complex numbers.
assert repr(1j) == repr(-0.0 + 1j) == "1j"
assert repr(complex(-0.0, 1)) == "(-0+1j)" and repr(complex(1.5, -0.0)) == "(1.5-0j)" and complex("1e3-j") == 1000 - 1j
assert complex(" ( 1+2j ) ") == 1 + 2j and (1 + 2j) * (3 - 1j) == 5 + 5j and (1 + 2j) / (1 + 2j) == 1 and abs(3 + 4j) == 5.0
assert (1 + 2j) ** 2 == -3 + 4j and (2j) ** -1 == -0.5j and hash(complex(3)) == hash(3) and hash(1j) == 1000003 and 1 + 0j == 1
assert repr(2 - 0j) == "(2-0j)"
assert complex(inf, 0) * 1 == complex(inf, 0) and repr(complex(inf, 0) * 1) == "(inf+0j)"
assert f"{1 + 2j:.2f}" == "1.00+2.00j" and f"{1 + 2j}" == "(1+2j)" and f"{3.5j:>8}" == "    3.5j"
raises(ZeroDivisionError, "division by zero", lambda: 1j / 0)
raises(ZeroDivisionError, "zero to a negative or complex power", lambda: 0j ** -1)
raises(ValueError, "complex() arg is a malformed string", complex, "1+")
raises(ValueError, "Zero padding is not allowed in complex format specifier", format, 1j, "05")
raises(TypeError, "complex() argument must be a string or a number, not NoneType", complex, None)

# Of two shortest texts that are equally near, the one with the even digit.
for f, s in [(1810784756525758.25, "1810784756525758.2"), (984094405551323.25, "984094405551323.2"), (2.0**-25, "2.9802322387695312e-08"),
             (34989216677391.3125, "34989216677391.312"), (984094405551323.75, "984094405551323.8"), (5e-324, "5e-324"), (2.0**63, "9.223372036854776e+18")]:
    assert repr(f) == s and repr(-f) == "-" + s and float(s) == f, (repr(f), s)
