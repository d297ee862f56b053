"""The instruction set of Cinder's register code, as tables.

`opmap` and `opname` translate between numbers and names; the `has…` lists hold the opcodes that have an operand of a
kind. What each operand is stands in `operands`.
"""

from _opcode_metadata import doc, flags, numbered, operands, opmap

__all__ = ["cmp_op", "stack_effect", "hascompare", "opname", "opmap", "HAVE_ARGUMENT", "EXTENDED_ARG", "hasarg",
           "hasconst", "hasname", "hasjump", "hasjrel", "hasjabs", "hasfree", "haslocal", "hasexc"]

opname = list(opmap)
cmp_op = ("<", "<=", "==", "!=", ">", ">=")

# There are no such limits here: operands have fields of their own.
HAVE_ARGUMENT = -1
EXTENDED_ARG = -1


def _having(*kinds):
    return [op for op, fields in enumerate(operands) if any(kind in kinds for _, kind in fields)]


hasarg = [op for op, fields in enumerate(operands) if fields]
hasconst = _having("Const32", "Use", "Peek")
hasname = _having("Name16", "Name32")
hasjump = hasjrel = _having("Jump32", "Skip")
hasjabs = []
hasfree = _having("Cell")
haslocal = _having("Local", "Dst", "Use", "Peek", "Far32")
hasexc = []
hascompare = [opmap[name] for name in ("LT", "LE", "EQ", "NE", "GT", "GE")]


def stack_effect(opcode, oparg=None, /, *, jump=None):
    """How an instruction changes the height of the operand stack: not at all, since registers have taken its place."""
    if not isinstance(opcode, int) or not 0 <= opcode < len(opname):
        raise ValueError("invalid opcode or oparg")
    return 0
