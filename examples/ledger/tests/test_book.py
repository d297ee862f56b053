import unittest
from datetime import date

from ledger import Account, AccountKind, Amount, Book, LedgerError, Posting, Transaction, Unbalanced


class TransactionTest(unittest.TestCase):
    def test_balance_is_checked(self):
        postings = (Posting(Account("asset:cash"), Amount(500)), Posting(Account("income:gift"), Amount(-400)))
        with self.assertRaises(Unbalanced) as caught:
            Transaction(day=date(2026, 1, 1), text="gift", postings=postings)
        self.assertEqual(caught.exception.rest, (Amount(100),))
        self.assertEqual(str(caught.exception), "off by 1.00 EUR")

    def test_frozen(self):
        t = Transaction.move(date(2026, 1, 1), "x", "asset:bank", "asset:cash", Amount(1))
        with self.assertRaises(AttributeError):
            t.text = "y"

    def test_accounts(self):
        self.assertIs(Account("expense:food").kind, AccountKind.EXPENSE)
        self.assertEqual(list(Account("asset:bank:giro").parents()), ["asset:bank", "asset"])
        with self.assertRaisesRegex(LedgerError, "unknown kind of account: 'wishes'") as caught:
            Account("wishes")
        self.assertIsNone(caught.exception.__cause__)
        self.assertTrue(caught.exception.__suppress_context__)


class BookTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.days = [date(2026, 3, d) for d in (9, 1, 5, 20)]

    def setUp(self):
        self.book = Book(
            Transaction.move(day, f"day {day.day}", "asset:bank", "expense:food", Amount(100 * day.day))
            for day in self.days
        )

    def test_order(self):
        self.assertEqual([t.day.day for t in self.book], [1, 5, 9, 20])
        self.book.add(Transaction.move(date(2026, 3, 6), "late", "asset:bank", "asset:cash", Amount(1)))
        self.assertEqual([t.day.day for t in self.book], [1, 5, 6, 9, 20])
        self.assertEqual([t.day.day for t in reversed(self.book)], [20, 9, 6, 5, 1])

    def test_slices(self):
        self.assertEqual(len(self.book.between(date(2026, 3, 5), date(2026, 3, 19))), 2)
        self.assertIsInstance(self.book[1:], Book)
        self.assertEqual(repr(self.book[:2]), "<Book of 2 transactions>")

    def test_balances(self):
        balances = self.book.balances(roll_up=True)
        self.assertEqual(balances["expense"]["EUR"], Amount(3500))
        self.assertEqual(list(balances), ["asset", "asset:bank", "expense", "expense:food"])

    @unittest.skip("budgets are not written yet")
    def test_budget(self):
        self.fail("never runs")

    @unittest.expectedFailure
    def test_known_gap(self):
        self.assertEqual(self.book.balances(), {})
