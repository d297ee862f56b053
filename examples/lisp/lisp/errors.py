"""What can go wrong."""


class LispError(Exception):
    """Any failure of a Lisp program."""


class SyntaxFault(LispError):
    """The text is not a program."""

    def __init__(self, message: str, source: str, line: int):
        super().__init__(f"{source}:{line}: {message}")
        self.line = line


class Unbound(LispError):
    """A name without a value."""

    def __init__(self, name: str):
        super().__init__(f"unbound variable: {name}")
        self.name = name


class Raised(LispError):
    """Raised by the program itself."""

    def __init__(self, payload):
        from .printer import to_text

        super().__init__(to_text(payload))
        self.payload = payload
