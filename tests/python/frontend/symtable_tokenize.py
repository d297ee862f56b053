# The symbol tables and tokens that the front end shows to Python.
import io
import symtable
import tokenize

top = symtable.symtable(
    """
import os
x: int = 1
def outer(a, b=2, *args, key, **kw):
    global g
    g = a
    y = 0
    def inner():
        nonlocal y
        y += x + len(kw)
        return lambda q: q + y
    return [i for i in args]
class K[T](Base):
    attr = x
    def method(self): return __class__, self.__private
""",
    "f.py",
    "exec",
)
assert (top.get_type(), top.get_name(), top.get_lineno()) == ("module", "top", 0)
assert sorted(s.get_name() for s in top.get_symbols() if s.is_assigned()) >= ["K", "outer"]
assert top.lookup("os").is_imported() and top.lookup("x").is_annotated()
outer = next(c for c in top.get_children() if c.get_name() == "outer" and c.get_type() == "function")
assert outer.get_parameters() == ("a", "b", "key", "args", "kw"), outer.get_parameters()
assert outer.lookup("g").is_declared_global() and outer.lookup("y").is_local()
assert outer.is_optimized() and not outer.is_nested() and outer.has_children()
inner = next(c for c in outer.get_children() if c.get_name() == "inner")
assert inner.lookup("y").is_nonlocal() and inner.lookup("y").is_free()
assert inner.lookup("x").is_global() and inner.is_nested()
assert inner.get_frees() == ("kw", "y") or set(inner.get_frees()) == {"kw", "y"}
assert [c.get_name() for c in inner.get_children()] == ["lambda"]
params = next(c for c in top.get_children() if c.get_name() == "K")
assert str(params.get_type()) == "type parameters"
cls = params.get_children()[0]
assert cls.get_type() == "class"
assert "_K__private" not in cls.get_children()[0].get_identifiers()
try:
    symtable.symtable("a", "f", "x")
except ValueError as e:
    assert str(e) == "symtable() arg 3 must be 'exec' or 'eval' or 'single'"
else:
    raise AssertionError
try:
    symtable.symtable("def f(a, a): pass", "f", "exec")
except SyntaxError as e:
    assert e.msg == "duplicate argument 'a' in function definition" and e.filename == "f"
else:
    raise AssertionError

source = "if x:  # c\n    y = f'{a!r:>{w}}'\n\nz = (1,\n  'é')\n"
tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
assert [(tokenize.tok_name[t.type], t.string) for t in tokens[:6]] == [
    ("NAME", "if"),
    ("NAME", "x"),
    ("OP", ":"),
    ("COMMENT", "# c"),
    ("NEWLINE", "\n"),
    ("INDENT", "    "),
]
assert [t.string for t in tokens if tokenize.tok_name[t.type].startswith("FSTRING")] == ["f'", ">", "", "'"]
last = next(t for t in tokens if t.string == "'é'")
assert (last.start, last.end, last.line) == ((5, 2), (5, 5), "  'é')\n")
assert tokenize.untokenize(tokens) == source
by_bytes = list(tokenize.tokenize(io.BytesIO(source.encode()).readline))
assert by_bytes[0].type == tokenize.ENCODING and [t[:4] for t in by_bytes[1:]] == [t[:4] for t in tokens]
try:
    list(tokenize.generate_tokens(io.StringIO("x = (1,\n").readline))
except tokenize.TokenError as e:
    assert e.args == ("unexpected EOF in multi-line statement", (1, 0)), e.args
else:
    raise AssertionError
# Sources that are no Python are tokens all the same.
assert [t.string for t in tokenize.generate_tokens(io.StringIO("2sin(01) <> 3").readline)][:8] == [
    "2", "sin", "(", "01", ")", "<", ">", "3"
]
try:
    list(tokenize.generate_tokens(io.StringIO("if 1:\n    a\n  b\n").readline))
    assert False
except IndentationError as e:
    assert (e.lineno, e.end_lineno, e.end_offset, e.text) == (3, None, None, "  b")
print("ok")
