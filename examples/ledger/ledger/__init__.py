"""Double-entry book-keeping."""

from .model import Account, AccountKind, Amount, Book, LedgerError, Posting, Transaction, Unbalanced

__version__ = "1.2.0"
__all__ = ["Account", "AccountKind", "Amount", "Book", "LedgerError", "Posting", "Transaction", "Unbalanced"]
