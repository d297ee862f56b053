"""Disassembler of Cinder's register code.

The functions are those of the documented module; what they show is register code: an instruction is one word of
eight bytes with up to three operands, each a local variable, a temporary (`t0`, `t1`, …), a constant, a name or a
number. Offsets are twice the index into `co_positions()`, as everywhere else in the library.
"""

import io
import struct
import sys
import types
from typing import NamedTuple

from opcode import *
from opcode import __all__ as _opcodes_all
from opcode import flags as _flags
from opcode import numbered as _numbered
from opcode import operands as _operands

__all__ = ["code_info", "dis", "disassemble", "distb", "disco", "findlinestarts", "findlabels", "show_code",
           "get_instructions", "Instruction", "Bytecode"] + _opcodes_all
del _opcodes_all

COMPILER_FLAG_NAMES = {
    1: "OPTIMIZED",
    2: "NEWLOCALS",
    4: "VARARGS",
    8: "VARKEYWORDS",
    16: "NESTED",
    32: "GENERATOR",
    64: "NOFREE",
    128: "COROUTINE",
    256: "ITERABLE_COROUTINE",
    512: "ASYNC_GENERATOR",
    0x4000000: "HAS_DOCSTRING",
    0x8000000: "METHOD",
}

_WORD = 8
_CONST_BASE = 0x4000
_FIELDS = {"a": 16, "b": 32, "c": 48, "bx": 32}
_REGISTERS = {"Dst", "DstTmp", "Use", "Peek", "Tmp", "Keep", "InOut", "Local", "Cell", "Win"}
_HAVE_CODE = (types.MethodType, types.FunctionType, types.CodeType, classmethod, staticmethod, type)


class _Unknown:
    def __repr__(self):
        return "<unknown>"


UNKNOWN = _Unknown()


class Positions(NamedTuple):
    lineno: int | None = None
    end_lineno: int | None = None
    col_offset: int | None = None
    end_col_offset: int | None = None


class Instruction(NamedTuple):
    """One instruction."""

    opname: str
    opcode: int
    arg: tuple | None
    argval: object
    argrepr: str
    offset: int
    start_offset: int
    starts_line: bool
    line_number: int | None
    label: int | None = None
    positions: Positions | None = None
    cache_info: list | None = None

    @property
    def oparg(self):
        return self.arg

    @property
    def baseopcode(self):
        return self.opcode

    @property
    def baseopname(self):
        return self.opname

    @property
    def cache_offset(self):
        return self.offset + 2

    @property
    def end_offset(self):
        return self.offset + (4 if "extra" in _flags[self.opcode] else 2)

    @property
    def jump_target(self):
        return self.argval if self.opcode in hasjump else None

    @property
    def is_jump_target(self):
        return self.label is not None

    def __str__(self):
        return f"{self.offset:>6}  {self.opname:<22} {self.argrepr}".rstrip()


def pretty_flags(flags):
    """The names of the flags that are set."""
    names = []
    for bit in range(32):
        if flags & (1 << bit):
            names.append(COMPILER_FLAG_NAMES.get(1 << bit, hex(1 << bit)))
            flags &= ~(1 << bit)
    if flags:
        names.append(hex(flags))
    return ", ".join(names) or "0x0"


def _get_code_object(x):
    """The code of a function, method, generator, class body, source text or code object."""
    x = getattr(x, "__func__", x)
    for name in ("__code__", "gi_code", "ag_code", "cr_code"):
        if hasattr(x, name):
            x = getattr(x, name)
            break
    if isinstance(x, str):
        x = _try_compile(x, "<disassembly>")
    if hasattr(x, "co_code"):
        return x
    raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def _try_compile(source, name):
    try:
        return compile(source, name, "eval")
    except SyntaxError:
        return compile(source, name, "exec")


def _words(code):
    return struct.unpack(f"<{len(code.co_code) // _WORD}Q", code.co_code)


def _local_names(code):
    """The names of the registers for locals, in their order: parameters, other locals, cells, free variables."""
    names = list(code.co_varnames)
    names += [name for name in code.co_cellvars if name not in names]
    return names + list(code.co_freevars)


class _Decoder:
    """Makes operands readable."""

    def __init__(self, code):
        self.code = code
        self.locals = _local_names(code)
        self.near = min(len(self.locals), 0x8000)

    def register(self, value):
        """The value and text of a register or constant operand."""
        signed = value - 0x10000 if value >= 0x8000 else value
        if signed < 0:
            name = self.local(self.near + signed)
            return name, name
        if signed < _CONST_BASE:
            return f"t{signed}", f"t{signed}"
        return self.constant(signed - _CONST_BASE)

    def local(self, number):
        return self.locals[number] if 0 <= number < len(self.locals) else f"local {number}"

    def constant(self, index):
        value = self.code.co_consts[index] if index < len(self.code.co_consts) else UNKNOWN
        return value, repr(value)

    def name(self, index):
        names = self.code.co_names
        name = names[index] if index < len(names) else UNKNOWN
        return name, str(name)

    def operand(self, op, field, kind, value, at):
        match kind:
            case "Name16" | "Name32":
                return self.name(value)
            case "Const32":
                return self.constant(value)
            case "Jump32" | "Skip":
                distance = value - (1 << 32) if kind == "Jump32" and value >= 1 << 31 else value
                target = 2 * (at + 1 + distance)
                return target, f"to {target}"
            case "Far32":
                name = self.local(value + self.near)
                return name, name
            case "Imm" if value < len(_numbered.get(op, ())):
                text = _numbered[op][value]
                return value, f"{value} ({text})" if text else str(value)
            case kind if kind in _REGISTERS:
                return self.register(value)
        return value, str(value)


# Which operand an instruction is "about", in the order of preference.
_TELLING = ("Name16", "Name32", "Jump32", "Skip", "Const32", "Far32", "Local", "Cell")


def _decode(code):
    """Tuples (index of the word, opcode, operand values, value that tells most, text)."""
    decoder = _Decoder(code)
    words = _words(code)
    at = 0
    while at < len(words):
        word = words[at]
        op = word & 0xFFFF
        if op >= len(_operands):
            raise ValueError(f"unknown opcode {op} at offset {2 * at}")
        size = 2 if "extra" in _flags[op] and at + 1 < len(words) else 1
        values, shown, telling = [], [], (len(_TELLING), UNKNOWN)
        for field, kind in _operands[op]:
            raw = word >> _FIELDS[field] & (0xFFFFFFFF if field == "bx" else 0xFFFF)
            value, text = decoder.operand(opname[op], field, kind, raw, at)
            values.append(raw)
            shown.append(text)
            rank = _TELLING.index(kind) if kind in _TELLING else len(_TELLING)
            if rank < telling[0] or telling[1] is UNKNOWN:
                telling = (rank, value)
        if size == 2:
            extra = words[at + 1] >> 32
            values.append(extra)
            if opname[op] in ("IMPORT_NAME", "IMPORT_FROM"):
                name, text = decoder.name(extra)
                shown.append(text)
                telling = (0, name)
            elif opname[op] in ("CALL_KW", "CALL_METHOD_KW"):
                shown.append(decoder.constant(extra)[1])
            else:
                shown.append(str(extra))
        yield at, op, tuple(values), (None if telling[1] is UNKNOWN else telling[1]), ", ".join(shown)
        at += size


def findlinestarts(code):
    """Pairs (offset, line) where a line begins."""
    last = False
    for start, _, line in code.co_lines():
        if line is not last:
            last = line
            yield start, line


def findlabels(code):
    """The offsets that are targets of jumps. `code` is a code object."""
    labels = []
    for _, op, _, value, _ in _decode(code):
        if op in hasjump and value not in labels:
            labels.append(value)
    return labels


def _handlers(code):
    entries = getattr(code, "_co_exceptions", None)
    return list(entries()) if entries is not None else []


def _adaptive_names(code):
    """The names of a code object's instructions as warm code has them now."""
    from cinder import shadow
    return ["".join("_" + c if c.isupper() and i else c for i, c in enumerate(name)).upper()
            for name in shadow.opcodes(code)]


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """The instructions of a function, method, class, source text or code object.

    With `adaptive`, specialised instructions go by their own names; their operands are those of the generic ones.
    """
    code = _get_code_object(x)
    now = _adaptive_names(code) if adaptive else None
    starts = dict(findlinestarts(code))
    shift = 0 if first_line is None else first_line - code.co_firstlineno
    targets = sorted(set(findlabels(code)))
    labels = {offset: number for number, offset in enumerate(targets, 1)}
    positions = [Positions(*p) for p in code.co_positions()]
    for at, op, values, value, text in _decode(code):
        offset = 2 * at
        where = positions[at] if at < len(positions) else Positions()
        if op in hasjump and value in labels:
            text = text.replace(f"to {value}", f"to L{labels[value]}")
        line = where.lineno
        starts_line = offset in starts
        yield Instruction(now[at] if adaptive else opname[op], op, values or None, value, text, offset, offset, starts_line,
                          None if line is None else line + shift, labels.get(offset), where, None)


def code_info(x):
    """What is known about a code object, as text of several lines."""
    return _format_code_info(_get_code_object(x))


def _format_code_info(code):
    lines = [
        f"Name:              {code.co_name}",
        f"Filename:          {code.co_filename}",
        f"Argument count:    {code.co_argcount}",
        f"Positional-only arguments: {code.co_posonlyargcount}",
        f"Kw-only arguments: {code.co_kwonlyargcount}",
        f"Number of locals:  {code.co_nlocals}",
        f"Stack size:        {code.co_stacksize}",
        f"Flags:             {pretty_flags(code.co_flags)}",
    ]
    for title, items, show in (("Constants", code.co_consts, repr), ("Names", code.co_names, str),
                               ("Variable names", code.co_varnames, str), ("Free variables", code.co_freevars, str),
                               ("Cell variables", code.co_cellvars, str)):
        if items:
            lines.append(f"{title}:")
            lines += [f"{i:4}: {show(item)}" for i, item in enumerate(items)]
    return "\n".join(lines)


def show_code(co, *, file=None):
    """Prints what is known about a code object."""
    print(code_info(co), file=file)


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassembles classes, methods, functions and whatever has code; without an argument, the last traceback."""
    options = {"file": file, "adaptive": adaptive, "show_offsets": show_offsets, "show_positions": show_positions}
    if x is None:
        distb(**options)
        return
    x = getattr(x, "__func__", x)
    for name in ("__code__", "gi_code", "ag_code", "cr_code"):
        if hasattr(x, name):
            x = getattr(x, name)
            break
    if isinstance(x, str):
        x = _try_compile(x, "<dis>")
    if hasattr(x, "co_code"):
        _disassemble_recursive(x, depth, options)
    elif hasattr(x, "__dict__"):
        for name, item in sorted(x.__dict__.items()):
            if isinstance(item, _HAVE_CODE):
                print(f"Disassembly of {name}:", file=file)
                try:
                    dis(item, depth=depth, **options)
                except TypeError as error:
                    print("Sorry:", error, file=file)
                print(file=file)
    elif isinstance(x, (bytes, bytearray)):
        raise TypeError("register code can't be shown without its code object")
    else:
        raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def distb(tb=None, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassembles the code where an exception came from; without an argument, the last one."""
    if tb is None:
        if hasattr(sys, "last_exc"):
            tb = sys.last_exc.__traceback__
        else:
            try:
                tb = sys.last_traceback
            except AttributeError:
                raise RuntimeError("no last traceback to disassemble") from None
    while tb.tb_next:
        tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file, adaptive=adaptive, show_offsets=show_offsets, show_positions=show_positions)


def _disassemble_recursive(code, depth, options):
    disassemble(code, **options)
    if depth is None or depth > 0:
        below = None if depth is None else depth - 1
        for constant in code.co_consts:
            if hasattr(constant, "co_code"):
                print(file=options["file"])
                print(f"Disassembly of {constant!r}:", file=options["file"])
                _disassemble_recursive(constant, below, options)


def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False, show_offsets=False,
                show_positions=False):
    """Prints the instructions of a code object, marking the one at `lasti`."""
    instructions = list(get_instructions(co, adaptive=adaptive))
    widest = max((len(str(i.line_number)) for i in instructions), default=1)
    label_width = max((len(f"L{i.label}:") for i in instructions if i.label), default=0)
    offset_width = len(str(2 * len(co.co_code) // _WORD))
    for i in instructions:
        if i.starts_line and i.offset:
            print(file=file)
        columns = []
        if show_positions:
            p = i.positions
            columns.append("-" if p.lineno is None else
                           f"{p.lineno}:{p.col_offset}-{p.end_lineno}:{p.end_col_offset}".ljust(2 * widest + 10))
        else:
            line = "--" if i.line_number is None else i.line_number
            columns.append(f"{line if i.starts_line else '':>{max(widest, 3)}}")
        columns.append(f"{f'L{i.label}:' if i.label else '':>{label_width}}")
        if show_offsets:
            columns.append(f"{i.offset:>{offset_width}}")
        columns.append("-->" if i.offset == lasti else "   ")
        columns.append(f"{i.opname:<22} {i.argrepr}")
        print(" ".join(columns).rstrip(), file=file)
    entries = _handlers(co)
    if entries:
        print("ExceptionTable:", file=file)
        labels = {i.offset: f"L{i.label}" for i in instructions if i.label}
        for start, end, target, temporary in entries:
            print(f"  {start} to {end - 2} -> {labels.get(target, target)} [t{temporary}]", file=file)


disco = disassemble


def _find_imports(co):
    """Triples (name, level, fromlist) of the import statements in a code object."""
    decoder = _Decoder(co)
    for _, op, values, name, _ in _decode(co):
        if opname[op] == "IMPORT_NAME":
            fromlist, level = (decoder.register(v)[0] for v in values[1:3])
            yield name, level if isinstance(level, int) else 0, fromlist if isinstance(fromlist, tuple) else None


def _find_store_names(co):
    """The names that a code object stores globally."""
    for _, op, _, name, _ in _decode(co):
        if opname[op] in ("STORE_NAME", "STORE_GLOBAL"):
            yield name


class Bytecode:
    """The instructions of something, to iterate over or to show."""

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False, adaptive=False,
                 show_offsets=False, show_positions=False):
        self.codeobj = _get_code_object(x)
        self.first_line = self.codeobj.co_firstlineno if first_line is None else first_line
        self._original_object = x
        self.current_offset = current_offset
        self.adaptive = adaptive
        self.show_offsets = show_offsets
        self.show_positions = show_positions

    def __iter__(self):
        return get_instructions(self.codeobj, first_line=self.first_line, adaptive=self.adaptive)

    def __repr__(self):
        return f"{type(self).__name__}({self._original_object!r})"

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """The code where an exception came from."""
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti)

    def info(self):
        """What is known about the code."""
        return _format_code_info(self.codeobj)

    def dis(self):
        """The instructions as text."""
        with io.StringIO() as out:
            disassemble(self.codeobj, -1 if self.current_offset is None else self.current_offset, file=out,
                        adaptive=self.adaptive, show_offsets=self.show_offsets, show_positions=self.show_positions)
            return out.getvalue()


def main(args=None):
    import argparse

    parser = argparse.ArgumentParser(color=True)
    parser.add_argument("-C", "--show-caches", action="store_true", help="has no effect: caches are not in the code")
    parser.add_argument("-O", "--show-offsets", action="store_true", help="show instruction offsets")
    parser.add_argument("-P", "--show-positions", action="store_true", help="show instruction positions")
    parser.add_argument("-S", "--specialized", action="store_true", help="has no effect: see cinder.shadow")
    parser.add_argument("infile", nargs="?", default="-")
    options = parser.parse_args(args=args)
    if options.infile == "-":
        name, source = "<stdin>", sys.stdin.buffer.read()
    else:
        name = options.infile
        with open(options.infile, "rb") as file:
            source = file.read()
    dis(compile(source, name, "exec"), show_offsets=options.show_offsets, show_positions=options.show_positions)


if __name__ == "__main__":
    main()
