"""What the instruction set's table says of an opcode, under the names of CPython's private module.

Registers have taken the place of the operand stack, so no instruction changes its height.
"""

from _opcode_metadata import numbered, operands


def _kinds(opcode):
    if not isinstance(opcode, int):
        raise TypeError(f"'{type(opcode).__name__}' object cannot be interpreted as an integer")
    return {kind for _, kind in operands[opcode]} if is_valid(opcode) else set()


def is_valid(opcode):
    """Return True if opcode is a number of the instruction set."""
    return 0 <= opcode < len(operands)


def has_arg(opcode):
    """Return True if the opcode has operands."""
    return bool(_kinds(opcode))


def has_const(opcode):
    """Return True if an operand of the opcode can be a constant."""
    return not _kinds(opcode).isdisjoint({"Const32", "Use", "Peek"})


def has_name(opcode):
    """Return True if an operand of the opcode is a name."""
    return not _kinds(opcode).isdisjoint({"Name16", "Name32"})


def has_jump(opcode):
    """Return True if the opcode can jump."""
    return not _kinds(opcode).isdisjoint({"Jump32", "Skip"})


def has_free(opcode):
    """Return True if an operand of the opcode is a cell."""
    return "Cell" in _kinds(opcode)


def has_local(opcode):
    """Return True if an operand of the opcode can be a local variable."""
    return not _kinds(opcode).isdisjoint({"Local", "Dst", "Use", "Peek", "Far32"})


def has_exc(opcode):
    """Return True if the opcode sets up a handler: none does, handlers stand in a table."""
    _kinds(opcode)
    return False


def stack_effect(opcode, oparg=None, /, *, jump=None):
    """Return how the opcode changes the height of the operand stack: not at all."""
    if jump not in (None, True, False):
        raise ValueError("stack_effect: jump must be False, True or None")
    if not is_valid(opcode):
        raise ValueError("invalid opcode or oparg")
    return 0


def get_executor(code, offset):
    """Return the second-tier trace of a code object at an offset; there are none."""
    raise RuntimeError("Executors are not available in this build")


def get_specialization_stats():
    """Return None: specialisation is counted by cinder.shadow."""
    return None


def get_nb_ops():
    """Return pairs (name, symbol) of the binary operations."""
    symbols = {"ADD": "+", "AND": "&", "FLOOR_DIV": "//", "L_SHIFT": "<<", "MAT_MUL": "@", "MUL": "*", "MOD": "%",
               "OR": "|", "POW": "**", "R_SHIFT": ">>", "SUB": "-", "TRUE_DIV": "/", "XOR": "^"}
    plain = [(f"NB_{name}", symbol) for name, symbol in symbols.items()]
    return plain + [(f"NB_INPLACE_{name[3:]}", symbol + "=") for name, symbol in plain]


def get_intrinsic1_descs():
    """Return the names of one-operand intrinsics: the instruction set has none."""
    return []


def get_intrinsic2_descs():
    """Return the names of two-operand intrinsics: the instruction set has none."""
    return []


def get_special_method_names():
    """Return the names of the special methods that LOAD_SPECIAL can load."""
    return list(numbered.get("LOAD_SPECIAL", ()))

# Nothing here specialises as the tests of these names expect.
ENABLE_SPECIALIZATION = False
ENABLE_SPECIALIZATION_FT = False
