"""`compile`: what is refused and where, warnings, encodings, and code that depends on its scopes."""

import __future__
import ast
import sys
import traceback
import warnings


def error(source, mode="exec", flags=0, filename="<test>"):
    try:
        compile(source, filename, mode, flags)
    except SyntaxError as e:
        return e
    raise AssertionError(f"no error: {source!r}")


# Patterns.
for source, message in (
    ("match x:\n case f'': pass", "patterns may only match literals and attribute lookups"),
    ("match x:\n case (_ as y) | [y]: pass", "wildcard makes remaining patterns unreachable"),
    ("match x:\n case (None | _) | _: pass", "wildcard makes remaining patterns unreachable"),
    ("match x:\n case {0: _, 0j: _}: pass", "mapping pattern checks duplicate key (0j)"),
):
    assert error(source).msg == message, error(source).msg

# Assignment expressions in what a comprehension iterates over, however deep.
for source in ("[i for i in (lambda: (j := 1))()]", "{i for i in [j for j in x if (j := 1)]}", "[i for i in [(j := 1) for k in x]]"):
    assert error(source).msg == "assignment expression cannot be used in a comprehension iterable expression"

# Await at the top level is for modules only.
flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
compile("[await x for x in y]", "<test>", "exec", flags)
for source in ("lambda: [await x for x in y]", "type T = [await x for x in y]", "class C:\n def f(x=[await y for y in z]): pass"):
    assert error(source, flags=flags).msg == "asynchronous comprehension outside of an asynchronous function"

# Future statements: all flags are known, and late ones on the first line too.
for name in __future__.all_feature_names:
    compile("1", "<test>", "exec", getattr(__future__, name).compiler_flag)
for source in ("'a'\n'b'\nfrom __future__ import annotations", "import sys\nfrom __future__ import annotations"):
    assert error(source).msg == "from __future__ imports must occur at the beginning of the file"
compile("'doc'\nfrom __future__ import annotations; from __future__ import division", "<test>", "exec")
e = error("from __future__ import nested_scopes; import sys; from __future__ import nested_scopes")
assert (e.msg, e.offset) == ("from __future__ imports must occur at the beginning of the file", 51)
assert eval(compile("x: 1j", "<test>", "exec", __future__.annotations.compiler_flag), d := {}) is None
assert d["__annotations__"] == {"x": "1j"}

# Integers too long to read.
limit = sys.get_int_max_str_digits()
sys.set_int_max_str_digits(1000)
assert "Consider hexadecimal" in error("1" * 1001).msg
sys.set_int_max_str_digits(limit)

# Meaningless escapes: a warning, once, also before an error; an error where warnings are errors.
with warnings.catch_warnings(record=True) as shown:
    warnings.simplefilter("always")
    compile(r"x = '\z'", "<test>", "exec")
    compile(r"f'\{{'", "<test>", "eval")
    error(r"'\e' 1")
assert len(shown) == 3 and all(w.category is SyntaxWarning for w in shown)
assert str(shown[0].message) == (
    r'"\z" is an invalid escape sequence. Such sequences will not work in the future. Did you mean "\\z"? A raw '
    "string is also an option."
)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    e = error("'''\n\\z'''", "eval")
assert e.msg == r'"\z" is an invalid escape sequence. Did you mean "\\z"? A raw string is also an option.'
assert (e.lineno, e.offset) == (2, 1)

# Encodings.
for source, message, line, offset in (
    (b"#coding: ascii \xe4\n", "'ascii' codec can't decode byte 0xe4 in position 15: ordinal not in range(128)", 0, -1),
    (b"#coding: nonsense\n", "unknown encoding: nonsense", 0, -1),
    (b"\xef\xbb\xbf#coding: koi8-r\n", "encoding problem: koi8-r with BOM", 1, 0),
    (
        b"x\ny = '\xe4'",
        "Non-UTF-8 code starting with '\\xe4' on line 2, but no encoding declared; see "
        "https://peps.python.org/pep-0263/ for details",
        2,
        6,
    ),
):
    e = error(source)
    assert (e.msg, e.lineno, e.offset) == (message, line, offset), e.args
assert eval(b"#coding: koi8-r\n'\xc1'") == "\N{CYRILLIC SMALL LETTER A}"


# Misspelt keywords are looked for behind the last complete compound statement.
def shown_message(source):
    return "".join(traceback.format_exception_only(error(source))).splitlines()[-1]


for source, place, keyword in (
    ("whille True:\n  pass\n", (0, 0), "while"),
    ("x = 1\nfor a in b:\n  pass\nelso:\n  pass\n", (2, 0), "else"),
    ("@d\nclass C: pass\nimpor math\n", (2, 0), "import"),
    ("@d\ndef f(): pass\nimpor math\n", (0, 0), "import"),
):
    assert error(source)._metadata == (*place, source)
    assert shown_message(source) == f"SyntaxError: invalid syntax. Did you mean '{keyword}'?", shown_message(source)

# Code is equal whatever file it comes from, and however it was made.
source = "def f(a):\n return [a for _ in 'x']\n"
assert compile(source, "a", "exec") == compile(ast.parse(source), "b", "exec") != compile(source + "\n1", "a", "exec")

source = "(a.\n  b\n  .c)\n"
assert compile(source, "a", "exec") == compile(ast.parse(source), "b", "exec")

try:
    compile("", "<test>", 1)
    assert False
except TypeError as e:
    assert str(e) == "compile() argument 'mode' must be str, not int", e

# At a prompt all expression statements of the module show their values.
seen = []
sys.displayhook = seen.append
exec(compile("if 1:\n  2\n  def f(): 4\n  f()\n", "<test>", "single"))
assert seen == [2, None], seen

# Operands of `and` and `or` are tested once.


class Test:
    def __init__(self, truth):
        self.truth, self.count = truth, 0

    def __bool__(self):
        self.count += 1
        return self.truth


for bits in range(16):
    a, b, c, d = tests = [Test(bool(bits >> n & 1)) for n in range(4)]
    r = a and b or c and d
    assert r is (b if a.truth and b.truth else c if not c.truth else d)
    s = (a or b) and (c or d)
    assert s is ((c if c.truth else d) if a.truth or b.truth else b)
    assert all(t.count <= 2 for t in tests)

# Names of annotate functions.


def annotated() -> None:
    def nested(x: int):
        pass

    return nested


class Annotated:
    x: int

    def method(self, x: int):
        pass


assert annotated.__annotate__.__qualname__ == "annotated.__annotate__"
assert annotated().__annotate__.__qualname__ == "annotated.<locals>.nested.__annotate__"
assert Annotated.method.__annotate__.__qualname__ == "Annotated.method.__annotate__"
assert Annotated.__annotate__.__qualname__ == "Annotated.__annotate__"


class OwnAnnotate:
    x: int

    def __annotate__(format):
        return {"own": format}


assert OwnAnnotate.__annotate__(1) == {"own": 1} == OwnAnnotate.__annotations__
annotated.__annotate__ = lambda format: format
try:
    annotated.__annotations__
    assert False
except TypeError as e:
    assert str(e) == "__annotate__ returned non-dict of type 'int'", e


class Odd:
    __classdict__: int


assert Odd.__annotations__ == {"__classdict__": int}


# Globals that are an instance of a subclass of dict.
class Names(dict):
    def __missing__(self, key):
        return f"missing {key}"


def uses_global():
    return unknown_name


assert type(uses_global)(uses_global.__code__, Names())() == "missing unknown_name"

# Optimised trees.


def optimized(source, level=1):
    return ast.dump(ast.parse(source, optimize=level).body[0])


assert optimized("__debug__") == "Expr(value=Constant(value=False))"
assert optimized("__debug__", -1) == "Expr(value=Name(id='__debug__', ctx=Load()))"
assert optimized("'<%5s%%%-3.2r>' % (a, b)") == (
    "Expr(value=JoinedStr(values=[Constant(value='<'), FormattedValue(value=Name(id='a', ctx=Load()), conversion=115, "
    "format_spec=Constant(value='>5')), Constant(value='%'), FormattedValue(value=Name(id='b', "
    "ctx=Load()), conversion=114, format_spec=Constant(value='3.2')), Constant(value='>')]))"
)
for source in ("'%s' % a", "'%d' % (a,)", "'%s %s' % (a,)", "'%s' % (*a,)", "'%' % (a,)", "'%1000s' % (a,)"):
    assert optimized(source) == optimized(source, -1)
assert "MatchValue(value=Constant(value=(1-2j)))" in optimized("match x:\n case 1 - 2j: pass")
assert "keys=[Constant(value=-1)]" in optimized("match x:\n case {-1: y}: pass")
assert "Constant(value='doc')" in optimized("def f():\n 'doc'\n return", 1)
assert "'doc'" not in optimized("def f():\n 'doc'\n return", 2)
assert optimized("def f(): 'doc'", 2) == optimized("def f(): pass", 2)
