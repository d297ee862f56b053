from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Self

from .account import Account
from .amount import Amount
from .errors import LedgerError, Unbalanced


class Posting(NamedTuple):
    account: Account
    amount: Amount


@dataclass(frozen=True, kw_only=True)
class Transaction:
    day: date
    text: str
    postings: tuple[Posting, ...]

    def __post_init__(self):
        if len(self.postings) < 2:
            raise LedgerError("a transaction has at least two postings")
        rest = Counter()
        for posting in self.postings:
            rest[posting.amount.currency] += posting.amount.cents
        if any(rest.values()):
            raise Unbalanced(Amount(cents, currency) for currency, cents in sorted(rest.items()) if cents)

    @classmethod
    def move(cls, day: date, text: str, source: str, target: str, amount: Amount) -> Self:
        return cls(day=day, text=text, postings=(Posting(Account(target), amount), Posting(Account(source), -amount)))
