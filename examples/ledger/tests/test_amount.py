import copy
import pickle
import unittest

from ledger import Amount, LedgerError


class ParseTest(unittest.TestCase):
    def test_forms(self):
        for text, cents in {"1": 100, "-1.5": -150, "1,234.56": 123456, "+0.05": 5, "7 USD": 700}.items():
            with self.subTest(text=text):
                self.assertEqual(Amount.parse(text).cents, cents)

    def test_refused(self):
        for text in ("", "x", "1.234", "--1x", "1. 5x"):
            with self.subTest(text=text), self.assertRaisesRegex(LedgerError, "not an amount"):
                Amount.parse(text)


class ArithmeticTest(unittest.TestCase):
    def test_exact(self):
        self.assertEqual(sum([Amount(10), Amount(20)]), Amount(30))
        self.assertEqual(3 * Amount(5) - Amount(1), Amount(14))
        self.assertLess(Amount(1), Amount(2))
        self.assertGreaterEqual(Amount(2), Amount(2))

    def test_mixing(self):
        with self.assertRaises(LedgerError):
            Amount(1) + Amount(1, "USD")
        with self.assertRaises(TypeError):
            Amount(1) + 1
        with self.assertRaises(TypeError):
            Amount(1) * 1.5
        self.assertNotEqual(Amount(1), Amount(1, "USD"))
        self.assertNotEqual(Amount(1), "1")

    def test_value_semantics(self):
        a = Amount(1234567, "USD")
        self.assertEqual({a: 1}[Amount(1234567, "USD")], 1)
        self.assertEqual(copy.deepcopy(a), a)
        self.assertEqual(pickle.loads(pickle.dumps(a)), a)
        self.assertEqual(f"{a:>16}", "   12,345.67 USD")
        self.assertEqual(repr(a), "Amount(1234567, 'USD')")
        with self.assertRaises(AttributeError):
            a.note = "no room"
