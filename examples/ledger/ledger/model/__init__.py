"""What a ledger consists of."""

from .account import Account, AccountKind
from .amount import Amount
from .book import Book
from .errors import LedgerError, Unbalanced
from .transaction import Posting, Transaction

__all__ = ["Account", "AccountKind", "Amount", "Book", "LedgerError", "Posting", "Transaction", "Unbalanced"]
