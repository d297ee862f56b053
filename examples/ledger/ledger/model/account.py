import enum
from dataclasses import dataclass, field

from .errors import LedgerError


class AccountKind(enum.Enum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    EQUITY = "equity"

    @property
    def sign(self) -> int:
        """1 where debits increase the account, else -1."""
        return 1 if self in (AccountKind.ASSET, AccountKind.EXPENSE) else -1


class Flag(enum.Flag):
    CLOSED = enum.auto()
    HIDDEN = enum.auto()


@dataclass(frozen=True, order=True)
class Account:
    """An account; its name is a path such as `asset:bank:giro`."""

    name: str
    flags: Flag = field(default=Flag(0), compare=False)

    def __post_init__(self):
        try:
            AccountKind(self.name.split(":")[0])
        except ValueError:
            raise LedgerError(f"unknown kind of account: {self.name!r}") from None

    @property
    def kind(self) -> AccountKind:
        return AccountKind(self.name.split(":")[0])

    def parents(self):
        """The names of the accounts above this one, the nearest first."""
        parts = self.name.split(":")
        while len(parts) > 1:
            parts.pop()
            yield ":".join(parts)
