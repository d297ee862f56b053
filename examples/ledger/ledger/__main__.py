"""`python -m ledger FILE`: shows the balances of a ledger."""

import sys

from .storage import load


def main(arguments):
    for name in arguments:
        book = load(name)
        print(f"{name}: {len(book)} transactions")
        for line in book.report():
            print(" ", line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
