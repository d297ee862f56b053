from __future__ import annotations

from functools import total_ordering

from .errors import LedgerError


@total_ordering
class Amount:
    """An exact amount of a currency, kept in hundredths."""

    __slots__ = ("cents", "currency")
    __match_args__ = ("cents", "currency")

    def __init__(self, cents: int, currency: str = "EUR"):
        self.cents = cents
        self.currency = currency

    @classmethod
    def parse(cls, text: str) -> Amount:
        number, _, currency = text.strip().partition(" ")
        sign = -1 if number.startswith("-") else 1
        whole, _, part = number.lstrip("+-").replace(",", "").partition(".")
        if not whole.isdigit() or not (part or "0").isdigit() or len(part) > 2 or not (currency or "EUR").isalpha():
            raise LedgerError(f"not an amount: {text!r}")
        return cls(sign * (int(whole) * 100 + int(part.ljust(2, "0"))), currency or "EUR")

    def _check(self, other: object):
        if not isinstance(other, Amount):
            return NotImplemented
        if other.currency != self.currency:
            raise LedgerError(f"{self.currency} and {other.currency} do not mix")
        return other

    def __add__(self, other):
        if self._check(other) is NotImplemented:
            return NotImplemented
        return Amount(self.cents + other.cents, self.currency)

    def __radd__(self, other):
        return self if other == 0 else NotImplemented

    def __neg__(self):
        return Amount(-self.cents, self.currency)

    def __sub__(self, other):
        return self + -other

    def __mul__(self, factor):
        if not isinstance(factor, int):
            return NotImplemented
        return Amount(self.cents * factor, self.currency)

    __rmul__ = __mul__

    def __eq__(self, other):
        match other:
            case Amount(cents, currency):
                return (cents, currency) == (self.cents, self.currency)
        return NotImplemented

    def __lt__(self, other):
        if self._check(other) is NotImplemented:
            return NotImplemented
        return self.cents < other.cents

    def __hash__(self):
        return hash((self.cents, self.currency))

    def __bool__(self):
        return self.cents != 0

    def __str__(self):
        return f"{self.cents / 100:,.2f} {self.currency}"

    def __repr__(self):
        return f"Amount({self.cents}, {self.currency!r})"

    def __format__(self, spec):
        return format(str(self), spec)
