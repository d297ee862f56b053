"""Reading and writing books; the format goes by the file's suffix."""

from importlib import import_module
from pathlib import PurePath

from ..model.errors import LedgerError

_FORMATS = {".json": "json_format", ".ledger": "text_format"}


def _module(name):
    suffix = PurePath(name).suffix
    if suffix not in _FORMATS:
        raise LedgerError(f"no format for {suffix or 'files without suffix'}")
    return import_module(f".{_FORMATS[suffix]}", __package__)


def load(name):
    with open(name, encoding="utf-8") as file:
        return _module(name).read(file)


def save(book, name):
    module = _module(name)
    with open(name, "w", encoding="utf-8") as file:
        module.write(book, file)
