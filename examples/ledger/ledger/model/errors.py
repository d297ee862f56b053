class LedgerError(Exception):
    """Base of all errors of the package."""


class Unbalanced(LedgerError):
    """The postings of a transaction do not add up to nothing."""

    def __init__(self, rest):
        self.rest = tuple(rest)
        super().__init__(f"off by {', '.join(map(str, self.rest))}")
