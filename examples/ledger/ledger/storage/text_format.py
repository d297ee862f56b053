"""Lines such as

    2026-03-01 Rent
        expense:rent   800.00 EUR
        asset:bank
"""

import re
from datetime import date

from ..model import Account, Amount, Book, LedgerError, Posting, Transaction

HEADER = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)\s+(?P<text>.*\S)\s*\Z")
POSTING = re.compile(r"\s+(?P<account>[\w:]+)(?:\s{2,}(?P<amount>[-+\d.,]+(?: [A-Z]{3})?))?\s*\Z")


def read(file):
    book, header, postings = Book(), None, []

    def finish():
        if header is None:
            return
        open_ones = [account for account, amount in postings if amount is None]
        if len(open_ones) > 1:
            raise LedgerError(f"{header['text']}: more than one posting without an amount")
        known = [amount for _, amount in postings if amount is not None]
        filled = tuple(Posting(a, -sum(known) if m is None else m) for a, m in postings)
        book.add(Transaction(day=date.fromisoformat(header["day"]), text=header["text"], postings=filled))

    for number, line in enumerate(file, 1):
        line = line.partition(";")[0].rstrip()
        if not line:
            continue
        if found := HEADER.match(line):
            finish()
            header, postings = found, []
        elif header and (found := POSTING.match(line)):
            amount = found["amount"]
            postings.append((Account(found["account"]), amount and Amount.parse(amount)))
        else:
            raise LedgerError(f"line {number}: {line.strip()!r} is neither a transaction nor a posting")
    finish()
    return book


def write(book, file):
    for transaction in book:
        print(transaction.day, transaction.text, file=file)
        for account, amount in transaction.postings:
            print(f"    {account.name:<30}  {amount.cents / 100:.2f} {amount.currency}", file=file)
