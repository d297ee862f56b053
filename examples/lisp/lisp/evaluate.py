"""The evaluator. Tail calls run in the loop of `evaluate`, so that loops written as recursion do not grow the stack."""

from collections import ChainMap

from . import builtins
from .data import NIL, Builtin, Macro, Pair, Procedure, Symbol, make_list
from .errors import LispError, Raised, Unbound
from .printer import to_text
from .reader import read_all

PRELUDE = """
(define-macro (when test . body) `(if ,test (begin ,@body) #f))
(define-macro (unless test . body) `(if ,test #f (begin ,@body)))
(define-macro (while test . body)
  `(let loop () (when ,test ,@body (loop))))
(define (map f items)
  (let loop ((items items) (out '()))
    (if (null? items) (reverse out) (loop (cdr items) (cons (f (car items)) out)))))
(define (filter keep? items)
  (let loop ((items items) (out '()))
    (if (null? items) (reverse out)
        (loop (cdr items) (if (keep? (car items)) (cons (car items) out) out)))))
(define (fold f start items)
  (if (null? items) start (fold f (f start (car items)) (cdr items))))
(define (range from to)
  (let loop ((n (- to 1)) (out '())) (if (< n from) out (loop (- n 1) (cons n out)))))
(define (for-each f items) (unless (null? items) (f (car items)) (for-each f (cdr items))))
(define (compose . fs)
  (if (null? fs) (lambda (x) x) (lambda (x) ((car fs) ((apply compose (cdr fs)) x)))))
"""


class Escape(BaseException):
    """Carries a value out of `call/ec`."""

    def __init__(self, tag, value):
        self.tag = tag
        self.value = value


class TailCall:
    """What a special form returns to have an expression evaluated in its place."""

    __slots__ = ("expression", "env")

    def __init__(self, expression, env):
        self.expression = expression
        self.env = env


FORMS = {}


def form(name):
    def register(function):
        FORMS[Symbol(name)] = function
        return function

    return register


class Interpreter:
    """A global environment."""

    def __init__(self):
        self.globals = ChainMap({}, dict(builtins.TABLE))
        for name in ("apply", "call/ec", "eval", "macroexpand"):
            method = getattr(self, "do_" + name.replace("/", "_"))
            self.globals[Symbol(name)] = Builtin(name, method)
        self.run(PRELUDE, "<prelude>")

    def run(self, text, source="<text>"):
        """Evaluates a text; gives the last value."""
        result = None
        for number, expression in enumerate(read_all(text, source), 1):
            try:
                result = self.evaluate(expression, self.globals)
            except LispError as error:
                error.add_note(f"in expression {number} of {source}")
                raise
            except RecursionError:
                raise LispError("nested too deeply") from None
        return result

    def evaluate(self, x, env):
        while True:
            if isinstance(x, Symbol):
                try:
                    return env[x]
                except KeyError:
                    raise Unbound(x) from None
            if not isinstance(x, Pair):
                return x
            head = x.first
            if isinstance(head, Symbol) and head in FORMS and head not in env:
                result = FORMS[head](self, x.rest, env)
                if isinstance(result, TailCall):
                    x, env = result.expression, result.env
                    continue
                return result
            function = self.evaluate(head, env)
            if isinstance(function, Macro):
                x = self.apply(function.procedure, list(x.rest))
                continue
            args = [self.evaluate(a, env) for a in x.rest]
            if isinstance(function, Procedure):
                env = self.bind(function, args)
                *first, x = function.body
                for expression in first:
                    self.evaluate(expression, env)
                continue
            return self.apply(function, args)

    def bind(self, procedure, args):
        names, rest = procedure.params, procedure.rest
        if len(args) < len(names) or (len(args) > len(names) and rest is None):
            many = "at least " if rest is not None else ""
            raise LispError(f"{procedure.name} takes {many}{len(names)} arguments, {len(args)} given")
        frame = dict(zip(names, args))
        if rest is not None:
            frame[rest] = make_list(args[len(names):])
        return procedure.env.new_child(frame)

    def apply(self, function, args):
        match function:
            case Procedure():
                env = self.bind(function, args)
                result = None
                for expression in function.body:
                    result = self.evaluate(expression, env)
                return result
            case Builtin(name, native):
                try:
                    return native(*args)
                except (TypeError, ValueError, OverflowError) as error:
                    raise LispError(f"{name}: {error}") from error
            case _:
                raise LispError(f"not a procedure: {to_text(function)}")

    def do_apply(self, function, *args):
        *first, last = args
        return self.apply(function, [*first, *last])

    def do_call_ec(self, function):
        tag = object()

        def escape(value=None):
            raise Escape(tag, value)

        try:
            return self.apply(function, [Builtin("escape", escape)])
        except Escape as escaped:
            if escaped.tag is not tag:
                raise
            return escaped.value

    def do_eval(self, expression):
        return self.evaluate(expression, self.globals)

    def do_macroexpand(self, expression):
        while isinstance(expression, Pair) and isinstance(macro := self.globals.get(expression.first), Macro):
            expression = self.apply(macro.procedure, list(expression.rest))
        return expression


def procedure(params, body, env, name="lambda"):
    names = []
    while isinstance(params, Pair):
        names.append(params.first)
        params = params.rest
    return Procedure(tuple(names), params if params is not NIL else None, tuple(body) or (False,), env, name)


@form("quote")
def quote(lisp, args, env):
    return args.first


@form("if")
def if_(lisp, args, env):
    test, then, *otherwise = args
    if lisp.evaluate(test, env) is not False:
        return TailCall(then, env)
    return TailCall(otherwise[0], env) if otherwise else False


@form("define")
def define(lisp, args, env):
    target, *body = args
    if isinstance(target, Pair):
        env[target.first] = procedure(target.rest, body, env, target.first)
    else:
        env[target] = lisp.evaluate(body[0], env)
        if isinstance(env[target], Procedure) and env[target].name == "lambda":
            env[target].name = target


@form("define-macro")
def define_macro(lisp, args, env):
    target, *body = args
    env[target.first] = Macro(procedure(target.rest, body, env, target.first))


@form("set!")
def set_(lisp, args, env):
    name, value = args
    for frame in env.maps:
        if name in frame:
            frame[name] = lisp.evaluate(value, env)
            return None
    raise Unbound(name)


@form("lambda")
def lambda_(lisp, args, env):
    return procedure(args.first, args.rest, env)


@form("begin")
def begin(lisp, args, env):
    if args is NIL:
        return False
    *first, last = args
    for expression in first:
        lisp.evaluate(expression, env)
    return TailCall(last, env)


@form("let")
def let(lisp, args, env):
    bindings, *body = args
    if not isinstance(bindings, Symbol):
        frame = {name: lisp.evaluate(value, env) for name, value in bindings}
        return begin(lisp, make_list(body), env.new_child(frame))
    name, (bindings, *body) = bindings, body
    scope = env.new_child()
    loop = scope[name] = procedure(make_list(n for n, _ in bindings), body, scope, name)
    return begin(lisp, make_list(loop.body), lisp.bind(loop, [lisp.evaluate(v, env) for _, v in bindings]))


@form("cond")
def cond(lisp, args, env):
    for test, *body in args:
        value = True if test == "else" else lisp.evaluate(test, env)
        if value is not False:
            return begin(lisp, make_list(body), env) if body else value
    return False


@form("and")
def and_(lisp, args, env):
    value = True
    for expression in args:
        if (value := lisp.evaluate(expression, env)) is False:
            return False
    return value


@form("or")
def or_(lisp, args, env):
    return next((v for e in args if (v := lisp.evaluate(e, env)) is not False), False)


@form("try")
def try_(lisp, args, env):
    body, handler = args
    try:
        return lisp.evaluate(body, env)
    except LispError as error:
        payload = error.payload if isinstance(error, Raised) else str(error)
        return lisp.apply(lisp.evaluate(handler, env), [payload])


@form("quasiquote")
def quasiquote(lisp, args, env):
    def build(x):
        if not isinstance(x, Pair):
            return x
        if x.first == "unquote":
            return lisp.evaluate(x.rest.first, env)
        if isinstance(x.first, Pair) and x.first.first == "unquote-splicing":
            return make_list(lisp.evaluate(x.first.rest.first, env), build(x.rest))
        return Pair(build(x.first), build(x.rest))

    return build(args.first)
