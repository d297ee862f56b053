# Trees as objects: classes, constructors, copies, and the way back to code.
import ast
import copy
import pickle
import warnings


def error(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    return None


def warned(f, *args, **kwargs):
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        f(*args, **kwargs)
    return [str(w.message) for w in log]


# Classes.
assert ast.For._fields == ("target", "iter", "body", "orelse", "type_comment")
assert ast.For.__match_args__ == ast.For._fields
assert ast.For._attributes == ("lineno", "col_offset", "end_lineno", "end_col_offset")
assert ast.For.__mro__ == (ast.For, ast.stmt, ast.AST, object)
assert ast.Return.value is None and ast.expr.end_lineno is None
assert not hasattr(ast.pattern, "end_lineno")
assert ast.Return._field_types == {"value": ast.expr | None}
assert ast.Module.__annotations__["body"] == list[ast.stmt]
assert ast.Constant._field_types == {"value": object, "kind": str | None}
assert ast.alias.__doc__ == "alias(identifier name, identifier? asname)"
assert ast.boolop.__doc__ == "boolop = And | Or" or ast.boolop.__doc__ == "boolop = And\n       | Or"
assert ast.AST.__module__ == "ast" and ast.Name.__module__ == "ast"

# Constructors.
n = ast.Name("a")
assert isinstance(n.ctx, ast.Load)
assert ast.List().elts == [] and ast.List().elts is not ast.List().elts
assert ast.arg("x").annotation is None
assert warned(ast.Name) == [
    "Name.__init__ missing 1 required positional argument: 'id'. This will become an error in Python 3.15."
]
assert warned(ast.Name, "a", foo=1) == [
    "Name.__init__ got an unexpected keyword argument 'foo'. Support for arbitrary keyword arguments is deprecated "
    "and will be removed in Python 3.15."
]
assert error(ast.Name, "a", id=2) == "TypeError: Name got multiple values for argument 'id'"
assert error(ast.Name, 1, 2, 3) == "TypeError: Name constructor takes at most 2 positional arguments"
assert warned(ast.Name, "a", lineno=3, col_offset=0) == []


class Custom(ast.AST):
    _fields = ("q",)
    _field_types = {"r": int}


assert warned(Custom) == [
    "Field 'q' is missing from Custom._field_types. This will become an error in Python 3.15."
]

# Copies.
tree = ast.parse("def f(a, *b):\n    return a + g(b, k=3)\n")
for protocol in range(2, 6):
    again = pickle.loads(pickle.dumps(tree, protocol))
    assert ast.dump(again, include_attributes=True) == ast.dump(tree, include_attributes=True)
assert ast.dump(copy.deepcopy(tree)) == ast.dump(tree)
n = ast.Name("a", ast.Load(), lineno=1, col_offset=2)
m = copy.replace(n, id="b")
assert (m.id, m.lineno, m.col_offset, n.id) == ("b", 1, 2, "a")
assert error(n.__replace__, q=1) == "TypeError: Name.__replace__ got an unexpected keyword argument 'q'."
assert (
    error(ast.BinOp.__new__(ast.BinOp).__replace__)
    == "TypeError: BinOp.__replace__ missing 3 keyword arguments: 'left', 'op', 'right'."
)

# Text.
assert repr(ast.Tuple([ast.Constant(i) for i in range(3)])) == (
    "Tuple(elts=[Constant(value=0, kind=None), ..., Constant(value=2, kind=None)], ctx=Load())"
)
assert repr(ast.parse("a.b").body[0]) == (
    "Expr(value=Attribute(value=Name(id='a', ctx=Load(...)), attr='b', ctx=Load()))"
)
assert ast.dump(ast.parse("x: int = 1")) == (
    "Module(body=[AnnAssign(target=Name(id='x', ctx=Store()), annotation=Name(id='int', ctx=Load()), "
    "value=Constant(value=1), simple=1)])"
)

# Positions count bytes.
call = ast.parse("'é' + f(x)").body[0].value.right
assert (call.lineno, call.col_offset, call.end_col_offset) == (1, 7, 11)

# Parsing options.
assert error(ast.parse, "a := 1; match x:\n case 1: pass", feature_version=(3, 9)).startswith("SyntaxError")
typed = ast.parse("x = 1 # type: int", type_comments=True)
assert typed.body[0].type_comment == "int"
assert isinstance(ast.parse("(int) -> str", mode="func_type"), ast.FunctionType)
assert ast.literal_eval("{'a': [1, -2.5, (3j, b'x')], None: {1}}") == {"a": [1, -2.5, (3j, b"x")], None: {1}}

# Back to code.
source = """
import os.path as p, sys
from math import (sqrt, pi as PI)
@(lambda f: f)
def f(a, /, b=2, *c, d, e=5, **g) -> int:
    'doc'
    global X
    X = [i * 2 for i in c if i]
    try:
        for x in range(3):
            if x == 1: continue
            elif x > 1: break
        else:
            pass
        with open('/dev/null') as h, open('/dev/null'):
            pass
    except (ValueError, OSError) as err:
        raise RuntimeError from err
    finally:
        X.append(d)
    assert a is not None, 'm'
    return sum(X) + b + e
class C[T](metaclass=type):
    y: int = 3
    def m(self):
        nonlocal_ = 1
        def inner():
            nonlocal nonlocal_
            nonlocal_ += 1
            return nonlocal_
        return inner()
type A[K: int = bool] = dict[K, list]
def g():
    x = yield 1
    yield from (z async for z in ()) if False else ()
    return {**{'a': 1}, 'b': (y := 3)}, {1, 2}, {k: v for k, v in ()}
def m(v):
    match v:
        case {'k': 1, **rest}: return rest
        case [1, *others] | (2, others): return others
        case C(y=3) as c: return c
        case -1 | 2+3j | None | 'x': return 's'
        case _ if v: return f'{v!r:>{4}}'
t = t'{f}' if sys else 0
result = f(1, 2, 3, d=4), C().m(), m({'k': 1, 'z': 2}), m([1, 2, 3]), m(None), m(7), not -1 < 2 <= 3
try:
    raise ExceptionGroup('g', [ValueError()])
except* ValueError as eg:
    caught = eg.message
a, *b = 1, 2, 3
big, text, neg = 123456789012345678901234567890, '\\ud800é', b'\\xff'
"""
direct, bridged = {"__name__": "m"}, {"__name__": "m"}
exec(compile(source, "s", "exec"), direct)
tree = ast.parse(source)
code = compile(tree, "s", "exec")
exec(code, bridged)
for name in ("result", "caught", "a", "b", "big", "text", "neg", "PI"):
    assert direct[name] == bridged[name], name
assert bridged["f"].__code__.co_firstlineno == direct["f"].__code__.co_firstlineno
assert list(bridged["f"].__code__.co_positions()) == list(direct["f"].__code__.co_positions())
assert ast.dump(ast.parse(ast.unparse(tree))) == ast.dump(tree)


class Double(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.copy_location(ast.BinOp(node, ast.Add(), node), node)


assert eval(compile(Double().visit(ast.parse("1 + 2", mode="eval")), "", "eval")) == 6
assert eval(compile(ast.Expression(ast.Constant((1, frozenset({2}), -3), lineno=1, col_offset=0)), "", "eval")) == (
    1,
    frozenset({2}),
    -3,
)

# What is refused.
at = {"lineno": 1, "col_offset": 0}
N = ast.Name("a", ast.Load(), **at)


def refused(node, mode="eval"):
    return error(compile, ast.Expression(node) if mode == "eval" else ast.Module([node], []), "f", mode)


def without(node, *names):
    for name in names:
        delattr(node, name)
    return node


assert refused(without(ast.Name("a", **at), "ctx")) == 'TypeError: required field "ctx" missing from Name'
assert refused(ast.Name("a", 3, **at)) == "TypeError: expected some sort of expr_context, but got 3"
assert refused(ast.Name("a")) == 'TypeError: required field "lineno" missing from expr'
assert refused(ast.Name("a", lineno="q", col_offset=0)) == "ValueError: invalid integer value: 'q'"
assert refused(ast.Name(3, **at)) == "TypeError: AST identifier must be of type str"
assert refused(None) == "ValueError: field 'body' is required for Expression"
assert refused(3, "exec") == 'TypeError: required field "lineno" missing from stmt'
assert error(compile, ast.Module(3, []), "f", "exec") == 'TypeError: Module field "body" must be a list, not a int'
assert error(compile, ast.parse("a"), "f", "eval") == "TypeError: expected Expression node, got Module"
assert refused(ast.Constant([], **at)) == "TypeError: got an invalid type in Constant: list"
assert refused(ast.NamedExpr(ast.Constant(1, **at), N, **at)) == "TypeError: NamedExpr target must be a Name"
assert refused(ast.BoolOp(ast.And(), [N], **at)) == "ValueError: BoolOp with less than 2 values"
assert refused(ast.List([N], ast.Store(), **at)) == "ValueError: expression must have Load context but has Store instead"
assert refused(ast.Name("a", lineno=2, col_offset=0, end_lineno=1)) == (
    "ValueError: AST node line range (2, 1) is not valid"
)
assert refused(ast.Name("a", lineno=2, col_offset=4, end_lineno=2, end_col_offset=1)) == (
    "ValueError: line 2, column 4-1 is not a valid range"
)
assert refused(ast.Name("True", **at)) == "ValueError: identifier field can't represent 'True' constant"
assert refused(ast.If(N, [], [], **at), "exec") == "ValueError: empty body on If"
assert refused(ast.Assign([], N, **at), "exec") == "ValueError: empty targets on Assign"
assert refused(ast.Assign([N], N, **at), "exec") == (
    "ValueError: expression must have Store context but has Load instead"
)
assert refused(ast.Assign([ast.Constant(1, **at)], N, **at), "exec") == (
    "ValueError: expression which can't be assigned to in Store context"
)
assert refused(ast.Try([ast.Pass(**at)], [], [], [], **at), "exec") == (
    "ValueError: Try has neither except handlers nor finalbody"
)
assert refused(ast.Compare(N, [ast.Lt()], [], **at)) == "ValueError: Compare with no comparators"
assert refused(ast.Dict([N], [], **at)) == "ValueError: Dict doesn't have the same number of keys as values"
assert refused(ast.Expr(None, **at), "exec") == "ValueError: field 'value' is required for Expr"

# Depth.
deep = N
for _ in range(100_000):
    deep = ast.UnaryOp(ast.Not(), deep, **at)
outcome = refused(deep)
assert outcome is None or outcome.startswith(("RecursionError", "MemoryError")), outcome
print("ok")
