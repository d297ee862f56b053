import json
from datetime import date

from ..model import Account, Amount, Book, Posting, Transaction


def _decode(raw):
    return Transaction(
        day=date.fromisoformat(raw["day"]),
        text=raw["text"],
        postings=tuple(Posting(Account(name), Amount(**amount)) for name, amount in raw["postings"]),
    )


def _encode(transaction):
    return {
        "day": transaction.day.isoformat(),
        "text": transaction.text,
        "postings": [
            [account.name, {"cents": amount.cents, "currency": amount.currency}]
            for account, amount in transaction.postings
        ],
    }


def read(file):
    return Book(map(_decode, json.load(file)))


def write(book, file):
    json.dump([_encode(t) for t in book], file, indent=1)
