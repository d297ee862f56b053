"""Decimal numbers: arithmetic, rounding, signals, contexts, texts, conversions, pickles."""

import contextvars
import copy
import decimal
import fractions
import math
import operator
import pickle
import threading
from decimal import (
    ROUND_05UP, ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP,
    Clamped, Context, Decimal, DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow, Rounded,
    Subnormal, Underflow, getcontext, localcontext, setcontext,
)

import _decimal

assert decimal.Decimal is _decimal.Decimal
D = Decimal


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"{kind} was not raised")


# Texts are kept as they are, in every notation.
for t, s in [
    ("1", "1"), ("-0", "-0"), ("1.50", "1.50"), ("1e3", "1E+3"), ("123e-8", "0.00000123"), ("1e-7", "1E-7"),
    ("0e-7", "0E-7"), ("inf", "Infinity"), ("-Infinity", "-Infinity"), ("nan012", "NaN12"), ("sNaN", "sNaN"),
    (" 1_000.5\n", "1000.5"), ("\u0661\u0662.\u0663", "12.3"), ("9" * 60, "9" * 60), ("." + "1" * 45, "0." + "1" * 45),
]:
    assert str(D(t)) == s, t
    assert repr(D(t)) == f"Decimal('{s}')"
for t in ["", "x", "1..2", "1e", "--1", "1 2", "nan1.0", "1\ud800"]:
    e = raises(InvalidOperation, D, t)
    assert e.args == ([decimal.ConversionSyntax],), t
assert D("7e5").to_eng_string() == "700E+3" and D("0e-7").to_eng_string() == "0.0E-6"

# Numbers become decimals exactly.
assert D(10**50) == 10**50 and D(-(2**70)) == -(2**70) and D(True) == 1
assert str(D(0.1)) == "0.1000000000000000055511151231257827021181583404541015625"
assert D(5e-324).as_integer_ratio() == (5e-324).as_integer_ratio()
assert str(D((1, (1, 2, 3), -2))) == "-1.23" and str(D([0, [0, 7], 1])) == "7E+1"
assert str(D((0, (1, 2), "n"))) == "NaN12" and D((1, (), "F")) == D("-inf")
for bad in [(2, (1,), 0), (0, (10,), 0), (0, 1, 0), (0, (1,)), (0, (1,), "x"), (0, (1,), 1.5)]:
    raises(ValueError, D, bad)
raises(TypeError, D, None)
raises(TypeError, D, 1j)
raises(InvalidOperation, D, "1e1000000000000000000")
assert D("-1.50").as_tuple() == decimal.DecimalTuple(1, (1, 5, 0), -2)
assert D("-inf").as_tuple().exponent == "F" and D("nan").as_tuple() == (0, (), "n")

# Arithmetic within and beyond what fits a machine word, and beyond 38 digits.
assert str(D("1.1") + D("2.22")) == "3.32" and str(D("1.10") - D("1.1")) == "0.00"
assert str(D("1.20") * D("3")) == "3.60" and str(D(7) / 2) == "3.5" and str(D(1) / 3) == "0." + "3" * 28
assert str(D(100) / D("1e2")) == "1.00" and str(D("2.400") / D("2.0")) == "1.20" and str(1 / D(8)) == "0.125"
assert D(-7) // 2 == -3 and D(-7) % 2 == -1 and divmod(D(7), D("0.5")) == (14, 0)
assert str(D("9" * 28) + 1) == "1.000000000000000000000000000E+28"
assert str(D("1" * 25) * D("9" * 25)) == "1.111111111111111111111110889E+49"
assert str(D(1) + D("1e-40")) == "1.000000000000000000000000000"
with localcontext(prec=60):
    assert str(D(1) / 7) == "0." + ("142857" * 10)
    assert str(D(2).sqrt()) == "1.41421356237309504880168872420969807856967187537694807317668"
    assert str(D(1).exp()) == "2.71828182845904523536028747135266249775724709369995957496697"
    assert str(D(10).ln()) == "2.30258509299404568401799145468436420760110148862877297603333"
    assert str(D("9" * 40) * D("9" * 40)) == "9." + "9" * 38 + "8" + "0" * 20 + "E+79"
assert str(D("1.1") ** 20) == "6.72749994932560009201" and str(D(2) ** 100) == "1.267650600228229401496703205E+30"
assert str(D(4) ** D("0.5")) == "2.000000000000000000000000000" and str(D(10) ** -2) == "0.01"
assert pow(D(3), 200, 1000) == pow(3, 200, 1000) and D("1e3") ** 2 == 10**6
assert D(100).log10() == 2 and D(2).log10().quantize(D("1e-9")) == D("0.301029996")
assert D(0).exp() == 1 and D(1).ln() == 0 and D(0).ln() == D("-inf") and D("2.25").sqrt() == D("1.5")
assert str(D(9).fma(D("1e-10"), 7)) == "7.0000000009" and D(10).remainder_near(6) == -2
assert D("123").shift(2) == 12300 and D("123").rotate(-1) == D("3e27") + 12 and D(1000).logb() == 3
assert D("1011").logical_xor(D("110")) == 1101 and D(5).scaleb(3) == 5000 and D("1.2e3").normalize() == D("1.2E+3")
assert D(1).next_plus() > 1 > D(1).next_minus() and D("-0.0").number_class() == "-Zero"
assert D("12.0").compare_total(D(12)) == -1 and D("nan").max(3) == 3 and D(-5).max_mag(4) == -5

# The eight roundings.
expected = {
    ROUND_UP: "3 3 2 -2 -3 -3", ROUND_DOWN: "2 2 1 -1 -2 -2", ROUND_CEILING: "3 3 2 -1 -2 -2",
    ROUND_FLOOR: "2 2 1 -2 -3 -3", ROUND_HALF_UP: "3 3 1 -1 -3 -3", ROUND_HALF_DOWN: "2 3 1 -1 -2 -3",
    ROUND_HALF_EVEN: "2 3 1 -1 -2 -3", ROUND_05UP: "2 2 1 -1 -2 -2",
}
for mode, want in expected.items():
    got = [str(D(t).quantize(D(1), rounding=mode)) for t in ("2.5", "2.6", "1.1", "-1.1", "-2.5", "-2.6")]
    assert " ".join(got) == want, (mode, got)
assert D("0.5").quantize(D(1), ROUND_05UP) == 1 and D("5.1").to_integral_value(ROUND_05UP) == 6
raises(TypeError, D(1).quantize, D(1), "ROUND_SOMEHOW")
raises(InvalidOperation, D("1e27").quantize, D("0.1"))

# Signals set flags, and raise where they are trapped.
with localcontext() as c:
    c.clear_flags()
    c.traps = dict.fromkeys(c.traps, False)
    assert D(1) / 0 == D("inf") and c.flags[DivisionByZero]
    assert (D(0) / 0).is_nan() and c.flags[InvalidOperation]
    assert D("nan") != D("nan") and not D(1) < D("nan")
    D(1) / 3
    assert c.flags[Inexact] and c.flags[Rounded] and not c.flags[Overflow]
    assert D("1e999999") * 10 == D("inf") and c.flags[Overflow]
    c.clear_flags()
    assert str(D("1e-1000020") * 1) == "1E-1000020" and c.flags[Subnormal] and not c.flags[Underflow]
    assert str(D("1e-999999") / D("1e99")) == "0E-1000026" and c.flags[Underflow] and c.flags[Clamped]
    c.clear_flags()
    assert D(1) == 1.0 and c.flags[FloatOperation]
    c.traps[Inexact] = True
    raises(Inexact, operator.truediv, D(1), 3)
    c.traps[FloatOperation] = True
    raises(FloatOperation, D, 0.5)
    raises(FloatOperation, operator.lt, D(1), 1.5)
    assert D("0.5") == 0.5
assert raises(DivisionByZero, operator.truediv, D(1), 0).args == ([DivisionByZero],)
assert raises(InvalidOperation, operator.truediv, D(0), 0).args == ([decimal.DivisionUndefined],)
assert raises(InvalidOperation, operator.floordiv, D("1e50"), 3).args == ([decimal.DivisionImpossible],)
raises(InvalidOperation, operator.eq, D("snan"), 1)
raises(InvalidOperation, operator.lt, D("nan"), 1)
assert issubclass(Underflow, (Inexact, Rounded)) and issubclass(FloatOperation, TypeError)

# Contexts.
c = Context(prec=5, rounding=ROUND_DOWN, Emin=-9, Emax=9, capitals=0, clamp=1, flags=[], traps=[Inexact])
assert repr(c) == (
    "Context(prec=5, rounding=ROUND_DOWN, Emin=-9, Emax=9, capitals=0, clamp=1, flags=[], traps=[Inexact])"
)
assert (c.Etiny(), c.Etop()) == (-13, 5) and c.to_sci_string(D("1e7")) == "1e+7"
assert c.flags is c.flags and len(c.traps) == 9 and c.traps == {**c.traps} and c.flags != c.traps
assert str(c.create_decimal("1e9")) == "1.0000E+9" and c.flags[Clamped]
raises(Inexact, c.create_decimal, "123456")
raises(InvalidOperation, Context().create_decimal, " 1")
copied = pickle.loads(pickle.dumps(c))
assert repr(copied) == repr(c) and repr(copy.copy(c)) == repr(c)
raises(ValueError, Context, prec=0)
raises(TypeError, Context, rounding="up")
raises(KeyError, Context, traps=[ValueError])
raises(AttributeError, delattr, c, "prec")
raises(AttributeError, setattr, c, "precision", 3)
raises(TypeError, setattr, c, "flags", [])
raises(ValueError, operator.delitem, c.flags, Inexact)
raises(KeyError, operator.getitem, c.flags, ValueError)
assert decimal.IEEEContext(64).prec == 16 and decimal.IEEEContext(128).Emax == 6144
before = getcontext()
with localcontext(prec=3) as inner:
    assert getcontext() is inner and str(D(1) / 3) == "0.333"
    seen = []
    thread = threading.Thread(target=lambda: seen.append(getcontext().prec))
    thread.start()
    thread.join()
    assert seen == [28]
    assert contextvars.copy_context().run(lambda: getcontext().prec) == 3
assert getcontext() is before
raises(TypeError, setcontext, 3)
raises(TypeError, localcontext, wrong=3)
setcontext(decimal.ExtendedContext)
assert getcontext() is not decimal.ExtendedContext and getcontext().prec == 9
setcontext(before)

# Comparisons, hashes and conversions agree with those of other numbers.
for x in [0, 1, -1, 7, 10**40, 2**61 - 1, 0.5, -2.75, 1e300, 5e-324, fractions.Fraction(3, 8)]:
    d = D(x.numerator) / x.denominator if isinstance(x, fractions.Fraction) else D(x)
    assert d == x and x == d and hash(d) == hash(x) and not d < x and d >= x, x
assert hash(D("1e1000")) == hash(10**1000) and hash(D("inf")) == hash(math.inf)
assert D(1) == 1 + 0j and D(1) != 1 + 1j and D("0.1") != 0.1 and D(1) < fractions.Fraction(3, 2)
raises(TypeError, hash, D("snan"))
raises(TypeError, operator.lt, D(1), "1")
raises(TypeError, operator.add, D(1), 1.5)
assert int(D("-2.9")) == -2 and math.floor(D("-2.1")) == -3 and math.ceil(D("2.1")) == 3 and round(D("2.5")) == 2
assert round(D("2.675"), 2) == D("2.68") and float(D("1e-400")) == 0.0 and complex(D("1.5")) == 1.5
assert D("-2.50").as_integer_ratio() == (-5, 2) and D("1e3").as_integer_ratio() == (1000, 1)
raises(OverflowError, int, D("inf"))
raises(ValueError, int, D("nan"))

# Formats.
for n, spec, want in [
    ("1234567.891", ",.2f", "1,234,567.89"), ("1234567.891", "_.1f", "1_234_567.9"), ("0.5", ".0%", "50%"),
    ("1e10", "f", "10000000000"), ("1.5", "010", "00000001.5"), ("-1.5", "=+8", "-    1.5"), ("1.5", "*^9", "***1.5***"),
    ("123456", ".3g", "1.23e+5"), ("123456", ".2e", "1.23e+5"), ("0", ".2e", "0.00e+2"), ("-0.001", "z.1f", "0.0"),
    ("nan", "08", "     NaN"), ("inf", "<9", "Infinity "), ("12345", "020,", "0,000,000,000,012,345"),
    ("1.25", " .1f", " 1.2"), ("7", "#.0f", "7."), ("1e-10", "", "1E-10"),
]:
    assert format(D(n), spec) == want, (n, spec, format(D(n), spec))
raises(ValueError, format, D(1), "x")
raises(ValueError, format, D(1), "<010")
assert D("1234.5").__format__("n", {"decimal_point": ",", "thousands_sep": ".", "grouping": "\3"}) == "1.234,5"


# Subclasses, copies, pickles.
class Money(D):
    def __str__(self):
        return "$" + super().__str__()


m = Money("1.50")
assert type(m) is Money and str(m) == "$1.50" and type(m + 1) is D and type(Money.from_float(0.5)) is Money
m.note = "a"
assert m.note == "a" and Money(D(3)) == 3
assert pickle.loads(pickle.dumps(D("-1.50"))).as_tuple() == D("-1.50").as_tuple()
assert copy.deepcopy(D(3)) == 3 and copy.copy(D(1)) == 1 and D(D(1)) == 1
assert sum([D("0.1")] * 10) == 1 and max(D(1), D(2)) == 2 and sorted([D(3), D(1)])[0] == 1

# What is far too large is refused, not tried.
with localcontext(decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)):
    assert D(4) / 2 == 2 and D(4).sqrt() == 2 and D(400) ** -1 == D("0.0025") and D(10**19).logb() == 19
    raises(MemoryError, operator.truediv, D(1), 3)
    raises(MemoryError, D(1).next_plus)
raises(MemoryError, int, D("1e999999999999"))
raises(MemoryError, format, D("1e999999999999"), "f")

print("decimals: ok")
