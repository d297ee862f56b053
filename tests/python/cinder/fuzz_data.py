# timeout: 240
"""Damaged dumps and code: `marshal.loads` and `pickle.loads` refuse them or make something, damaged code is refused or runs.

`FUZZ_SEED` is the first seed, `FUZZ_COUNT` the number of them. What a damaged program does is nobody's business, so
each batch has a process of its own, in which no code reaches files, and which a signal ends where it would not.
"""

import marshal
import os
import pickle
import random
import signal
import sys
import types

first = int(os.environ.get("FUZZ_SEED", 0))
count = int(os.environ.get("FUZZ_COUNT", 300))
BATCH = 50

SOURCE = '''
def f(a, b=1, *args, k=2, **kw):
    try:
        with a as x:
            return [y + b for y in x if y]
    except (ValueError, TypeError) as e:
        return str(e), a, kw
    finally:
        b = f"{a!r:>{b}}"
def g(n):
    for i in range(n):
        x = yield i
        if x is not None:
            n -= x
    return n
class C:
    z: int = 3
    def m(self, *a):
        def inner():
            nonlocal a
            a = a[1:]
            return super().__repr__()
        return inner() + self.m(*a) if a else self
async def h(c):
    async with c as d:
        return [i async for i in d if await i]
def match_(v):
    match v:
        case [1, *rest] if rest:
            return rest
        case {"k": k, **other}:
            return k, other
        case C(z=3) | None:
            return {**{1: 2}, "t": (v, [*[v]])}
    while v:
        v = v[1:]
        del v[0]
'''
data = [1, -2**70, 1.5, 2j, "text", "\u1234", b"bytes", (1, (2, 3)), [1, [2]], {"k": None, 3: True}, {4, 5}, frozenset([6]), ...]
data.append(data[8])
code = compile(SOURCE, "f.py", "exec")


def damaged(good, r):
    b = bytearray(good)
    for _ in range(r.choice((1, 1, 2, 5))):
        at = r.randrange(len(b)) if b else 0
        match r.randrange(6):
            case 0 | 1:
                b[at:at + 1] = bytes([r.randrange(256)])
            case 2:
                b[at:at + 1] = bytes([b[at] ^ 1 << r.randrange(8)]) if b else b""
            case 3:
                del b[at:at + r.randrange(1, 9)]
            case 4:
                other = r.randrange(len(b) + 1)
                b[at:at] = b[other:other + r.randrange(1, 30)]
            case _:
                b[at:at + 4] = r.choice((b"\xff\xff\xff\x7f", b"\xff" * 4, bytes(4), b"\0\0\0\x80"))
    return bytes(b)


class Context:
    def __enter__(self):
        return [1, 0, 2]

    def __exit__(self, *exc):
        return False


def use(value):
    """Does with a value what Python code could do first."""
    repr(value)
    value == value
    if isinstance(value, types.CodeType):
        run(value, 0)


def run(code, depth):
    list(code.co_positions())
    list(code.co_lines())
    names = {"__builtins__": {"range": range, "str": str, "super": super, "ValueError": ValueError,
                              "TypeError": TypeError, "__build_class__": __build_class__, "print": repr}, "__name__": "m"}
    arguments = [Context(), [1, 2, 3], {"k": 1}, None, 3]
    try:
        cells = tuple(types.CellType(1) for _ in code.co_freevars)
        f = types.FunctionType(code, names, "f", (1,), cells)
        for n in range(4):
            try:
                result = f(*arguments[:n])
                if hasattr(result, "send"):
                    result.send(None)
                    result.close()
            except Exception:
                pass
    finally:
        if depth < 3:
            for constant in code.co_consts:
                if isinstance(constant, types.CodeType):
                    run(constant, depth + 1)


def damaged_code(code, r):
    """The code object with one field changed, or one of those in it."""
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    if inner and r.random() < 0.8:
        victim = r.choice(inner)
        bad = damaged_code(victim, r)
        return code.replace(co_consts=tuple(bad if c is victim else c for c in code.co_consts)) if r.random() < 0.3 else bad
    match r.randrange(8):
        case 0:
            return code.replace(co_consts=tuple(r.sample(code.co_consts, len(code.co_consts))))
        case 1:
            return code.replace(co_names=tuple(r.sample(code.co_names, len(code.co_names))))
        case 2:
            return code.replace(co_exceptiontable=damaged(code.co_exceptiontable or b"\0", r))
        case 3:
            return code.replace(co_linetable=damaged(code.co_linetable, r))
        case 4:
            return code.replace(co_flags=code.co_flags ^ 1 << r.randrange(12))
        case 5:
            return code.replace(co_stacksize=max(0, code.co_stacksize + r.randrange(-3, 4)))
    b = bytearray(code.co_code)
    for _ in range(r.choice((1, 1, 1, 2, 4))):
        at = r.randrange(len(b) // 8) * 8
        match r.randrange(3):
            case 0:
                b[at + r.randrange(8)] ^= 1 << r.randrange(8)
            case 1:
                b[at + r.randrange(8)] = r.randrange(256)
            case _:
                other = r.randrange(len(b) // 8) * 8
                b[at:at + 8] = b[other:other + 8]
    return code.replace(co_code=bytes(b))


class Names(pickle.Unpickler):
    """Finds nothing but what does no harm."""

    def find_class(self, module, name):
        return {"list": list, "set": set, "complex": complex, "bytearray": bytearray}.get(name, dict)


def one(seed):
    import io
    r = random.Random(seed)
    kind = seed % 4
    try:
        if kind == 0:
            use(marshal.loads(damaged(marshal.dumps(data, r.randrange(5)), r)))
        elif kind == 1:
            use(marshal.loads(damaged(marshal.dumps(code), r)))
        elif kind == 2:
            use(Names(io.BytesIO(damaged(pickle.dumps(data, r.randrange(6)), r))).load())
        else:
            run(damaged_code(code, r), 0)
    except Exception:
        return False
    return True


class Endless(BaseException):
    pass


def on_alarm(*_):
    raise Endless


passed = endless = 0
for start in range(first, first + count, BATCH):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.unraisablehook = lambda u: None
        signal.signal(signal.SIGALRM, on_alarm)
        sys.setrecursionlimit(300)
        for seed in range(start, min(start + BATCH, first + count)):
            os.write(write, b"%d\n" % seed)
            signal.setitimer(signal.ITIMER_REAL, 1, 1)
            try:
                if one(seed):
                    os.write(write, b"+")
            except BaseException:
                os.write(write, b"!")
            signal.setitimer(signal.ITIMER_REAL, 0)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as f:
        log = f.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"seed {log.split()[-1].decode().strip('+!')}: exit code {status}"
    passed += log.count(b"+")
    endless += log.count(b"!")
assert passed > count // 20, f"only {passed} of {count} were accepted: the test tests little"
assert endless < max(3, count // 10), endless
