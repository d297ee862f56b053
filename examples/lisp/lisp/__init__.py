"""A Lisp with tail calls, closures, macros and continuations that escape."""

from .errors import LispError
from .evaluate import Interpreter
from .printer import to_text
from .reader import read_all

__all__ = ["Interpreter", "LispError", "read_all", "to_text"]
