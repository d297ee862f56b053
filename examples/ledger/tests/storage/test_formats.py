import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from ledger import Amount, LedgerError
from ledger.storage import load, save, text_format

TEXT = """\
; two transactions
2026-03-01 Rent
    expense:rent      800.00 EUR
    asset:bank

2026-02-27 Salary ; early
    asset:bank        2,500.00
    income:salary    -2,500.00
"""


class TextTest(unittest.TestCase):
    def test_read(self):
        book = text_format.read(io.StringIO(TEXT))
        self.assertEqual([t.text for t in book], ["Salary", "Rent"])
        self.assertEqual(book[1].postings[1].amount, Amount(-80000))

    def test_errors(self):
        cases = {
            "nonsense": "line 1: 'nonsense' is neither",
            "2026-01-01 x\n    asset:a\n    asset:b\n": "x: more than one posting",
            "2026-01-01 x\n    asset:a  1.00\n": "at least two postings",
        }
        for text, message in cases.items():
            with self.subTest(message), self.assertRaisesRegex(LedgerError, message):
                text_format.read(io.StringIO(text))


class FileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_round_trips(self):
        source = self.folder / "a.ledger"
        source.write_text(TEXT, encoding="utf-8")
        book = load(source)
        for name in ("b.json", "c.ledger"):
            with self.subTest(name):
                save(book, self.folder / name)
                self.assertEqual(list(load(self.folder / name)), list(book))

    def test_unknown_suffix(self):
        with self.assertRaisesRegex(LedgerError, "no format for .xls"):
            save([], self.folder / "book.xls")
        self.assertFalse((self.folder / "book.xls").exists())

    def test_the_command(self):
        from ledger.__main__ import main

        (self.folder / "a.ledger").write_text(TEXT, encoding="utf-8")
        with mock.patch("sys.stdout", new_callable=io.StringIO) as out:
            self.assertEqual(main([str(self.folder / "a.ledger")]), 0)
        self.assertIn("2 transactions", out.getvalue())
        self.assertIn("1,700.00 EUR", out.getvalue())
