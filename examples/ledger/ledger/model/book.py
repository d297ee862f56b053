import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from operator import attrgetter

from .account import AccountKind
from .amount import Amount
from .transaction import Transaction


class Book(Sequence):
    """Transactions in the order of their days."""

    def __init__(self, transactions: Iterable[Transaction] = ()):
        self._items: list[Transaction] = sorted(transactions, key=attrgetter("day"))

    def __len__(self):
        return len(self._items)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Book(self._items[index])
        return self._items[index]

    def add(self, transaction: Transaction) -> None:
        bisect.insort(self._items, transaction, key=attrgetter("day"))

    def between(self, first: date, last: date) -> "Book":
        key = attrgetter("day")
        return self[bisect.bisect_left(self._items, first, key=key):bisect.bisect_right(self._items, last, key=key)]

    def balances(self, *, roll_up: bool = False) -> dict[str, dict[str, Amount]]:
        """The balance of each account by currency; rolled up, parents hold the sum of their children."""
        totals: dict[str, dict[str, Amount]] = defaultdict(dict)
        for transaction in self:
            for account, amount in transaction.postings:
                for name in (account.name, *(account.parents() if roll_up else ())):
                    known = totals[name].get(amount.currency, Amount(0, amount.currency))
                    totals[name][amount.currency] = known + amount
        return dict(sorted(totals.items()))

    def report(self) -> Iterator[str]:
        balances = self.balances(roll_up=True)
        width = max((len(n) for n in balances), default=0)
        for name, amounts in balances.items():
            depth = name.count(":")
            sign = AccountKind(name.split(":")[0]).sign
            label = "  " * depth + name.rsplit(":", 1)[-1]
            for amount in amounts.values():
                if amount or depth == 0:
                    yield f"{label:<{width}} {amount * sign:>18}"
                    label = ""

    def __repr__(self):
        return f"<Book of {len(self)} transactions>"
