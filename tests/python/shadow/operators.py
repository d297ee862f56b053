"""Warm operators, comparisons, truth tests, subscripts, tests of membership and loops see every change of what they use.

Functions that ran often are compared with fresh copies of themselves, which have no caches, while a random program
changes special methods, bases, classes of instances and metaclasses between the runs.
"""
import random
import re
import sys
import types

SOURCE = '''
def add(a, b): return a + b
def sub(a, b): return a - b
def mul(a, b): return a * b
def matmul(a, b): return a @ b
def truediv(a, b): return a / b
def floordiv(a, b): return a // b
def mod(a, b): return a % b
def conjunction(a, b): return a & b
def disjunction(a, b): return a | b
def xor(a, b): return a ^ b
def iadd(a, b):
    a += b
    return a
def imul(a, b):
    a *= b
    return a
def isub(a, b):
    c = a
    c -= b
    return (a, c)
def idisjunction(a, b):
    a |= b
    return a
def chain(a, b): return (a + b) + (b + a)
def eq(a, b): return a == b
def ne(a, b): return a != b
def lt(a, b): return a < b
def le(a, b): return a <= b
def gt(a, b): return a > b
def ge(a, b): return a >= b
def br_eq(a, b): return 'y' if a == b else 'n'
def br_ne(a, b): return 'y' if a != b else 'n'
def br_lt(a, b): return 'y' if a < b else 'n'
def br_not_ge(a, b): return 'y' if not a >= b else 'n'
def ordered(a, b): return a < b < a
def neg(a, b): return -a
def pos(a, b): return +a
def invert(a, b): return ~a
def truth(a, b): return 'y' if a else 'n'
def untruth(a, b): return 'y' if not a else 'n'
def negation(a, b): return not a
def both(a, b): return a and b
def either(a, b): return a or b
def turns(a, b):
    n = 0
    while a:
        n += 1
        if n > 2:
            break
    return n
def contains(a, b): return b in a
def lacks(a, b): return b not in a
def br_contains(a, b): return 'y' if b in a else 'n'
def br_lacks(a, b): return 'y' if b not in a else 'n'
def among(a, b): return a in (1, 'k', b)
def get(a, b): return a[b]
def get_name(a, b): return a['k']
def get_first(a, b): return a[0]
def get_slice(a, b): return a[0:1]
def get_stepped(a, b): return a[0:2:1]
def put(a, b):
    a[0] = b
    return a
def put_name(a, b):
    a['k'] = b
    return a
def put_slice(a, b):
    a[0:1] = b
    return a
def remove(a, b):
    del a[0]
    return a
def remove_name(a, b):
    del a['k']
    return a
def walk(a, b):
    out = []
    for x in a:
        out.append(x)
        if len(out) > 4:
            break
    return out
def listed(a, b): return [x for x in a if x]
def mapped(a, b): return {repr(x): x for x in a}
def shown(a, b): return f'{a}|{b}'
def length(a, b): return len(a)
def called(a, b): return a(b)
def looked_up(a, b): return {a: 1}.get(b)
def yielded(a, b):
    def items():
        yield a + b
        yield a == b
        yield 'y' if a else 'n'
    return list(items())
'''
NAMES = [line.split('(')[0][4:] for line in SOURCE.splitlines() if line.startswith('def ')]
BINARY = ['add', 'sub', 'mul', 'matmul', 'truediv', 'floordiv', 'mod', 'and', 'or', 'xor']
COMPARE = ['eq', 'ne', 'lt', 'le', 'gt', 'ge']


def stopping(self):
    raise StopIteration


def counting(self):
    n = self.__dict__.get('n', 0) if hasattr(self, '__dict__') else 9
    if n > 2:
        raise StopIteration('done')
    self.n = n + 1
    return n


class Callable:
    """A special method that is no function."""

    def __init__(self, k):
        self.k = k

    def __call__(self, *args):
        return ('callable', self.k, len(args))


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.warm = types.ModuleType('warm').__dict__
        exec(SOURCE, self.warm)
        self.fresh_classes()

    def fresh_classes(self):
        class Meta(type):
            pass

        class Base(metaclass=Meta):
            def __init__(self, v=1):
                self.v = v

            def __add__(self, o):
                return ('add', self.v, tell(o))

            def __radd__(self, o):
                return ('radd', self.v, tell(o))

            def __iadd__(self, o):
                return ('iadd', self.v)

            def __mul__(self, o):
                return NotImplemented

            def __rmul__(self, o):
                return ('rmul', self.v, tell(o))

            def __eq__(self, o):
                return self.v == o.v if isinstance(o, Base) else NotImplemented

            def __lt__(self, o):
                return self.v < o.v if isinstance(o, Base) else NotImplemented

            def __hash__(self):
                return 5

            def __neg__(self):
                return ('neg', self.v)

            def __bool__(self):
                return self.v > 0

            def __contains__(self, x):
                return x == self.v

            def __getitem__(self, k):
                return ('item', tell(k))

            def __setitem__(self, k, v):
                self.set = (tell(k), tell(v))

            def __delitem__(self, k):
                self.deleted = tell(k)

            def __len__(self):
                return 2

            def __iter__(self):
                return iter((self.v, 'i'))

            def __call__(self, x):
                return ('called', self.v)

        class Mid(Base):
            pass

        class Leaf(Mid):
            def __radd__(self, o):
                return ('leaf radd', tell(o))

            def __gt__(self, o):
                return ('leaf gt', tell(o))

        class Other:
            v = 7

            def __add__(self, o):
                return NotImplemented

            def __rmul__(self, o):
                return NotImplemented

            def __len__(self):
                return 0

        class Plain:
            v = 3

        class Text(str):
            v = 2

        class Number(int):
            v = 4

        class Real(float):
            v = 4

        class Items(list):
            v = 5

        class Names(dict):
            v = 6

        self.Meta = Meta
        self.plain = [Base, Mid, Leaf, Other, Plain]
        self.classes = self.plain + [Text, Number, Real, Items, Names]
        self.makers = [lambda: Base(2), lambda: Base(0), lambda: Mid(1), lambda: Leaf(1), Other, Plain,
                       lambda: Text('ab'), lambda: Number(3), lambda: Real(1.5), lambda: Items([1, 2]),
                       lambda: Names(k=1), lambda: 1, lambda: 2.5, lambda: 'k', lambda: 'text', lambda: b'ab',
                       lambda: [1, 'k'], lambda: (1, 2), lambda: {'k': 1, 0: 2}, lambda: {1, 'k'}, lambda: None,
                       lambda: True, lambda: 1 << 70, lambda: Base, lambda: range(3), lambda: 0]
        self.converted = {}

    # ---- mutations ----------------------------------------------------------------------------------------------
    def function(self):
        k = self.random.randrange(100)
        return self.random.choice([
            lambda self, *a: ('fn', k, len(a)),
            lambda self, *a: NotImplemented,
            lambda self: ('unary', k),
            lambda self, o: ('binary', k, tell(o)),
            lambda self, o: NotImplemented,
            lambda self, o: o == o,
            lambda self, o: k,
            lambda self, a, b=3: ('default', k, b),
            lambda self: k % 2 == 0,
            lambda self: k,
            lambda self: -1,
            lambda self, o: 1 // 0,
            lambda self: [][1],
            lambda self, k, v: None,
            lambda self: iter([k]),
            lambda self: self,
            stopping,
            counting,
            None,
            k,
            staticmethod(lambda *a: ('static', k, len(a))),
            classmethod(lambda cls, *a: ('class', k, len(a))),
            property(lambda self: lambda *a: ('property', k, len(a))),
            Callable(k),
        ])

    def name(self):
        r = self.random
        kind = r.randrange(4)
        if kind == 0:
            return f'__{r.choice(["", "r", "i"])}{r.choice(BINARY)}__'
        if kind == 1:
            return f'__{r.choice(COMPARE)}__'
        return r.choice(['__neg__', '__pos__', '__invert__', '__bool__', '__len__', '__contains__', '__getitem__',
                         '__setitem__', '__delitem__', '__iter__', '__next__', '__call__', '__hash__', '__format__',
                         '__str__', '__missing__', '__index__'])

    def assign(self, c):
        try:
            setattr(c, self.name(), self.function())
        except AttributeError:
            # The metaclass has a property of that name.
            pass

    def set_method(self):
        self.assign(self.random.choice(self.classes))

    def set_base_method(self):
        self.assign(self.plain[0])

    def del_method(self):
        c = self.random.choice(self.classes)
        special = [n for n in c.__dict__ if n.startswith('__') and callable(getattr(c, n, None))
                   and n not in ('__init__', '__new__', '__class__', '__doc__')]
        if special:
            try:
                delattr(c, self.random.choice(special))
            except AttributeError:
                pass

    def set_class(self):
        self.converted[self.random.randrange(6)] = self.random.choice(self.plain)

    def set_bases(self):
        base, mid, leaf, other, plain = self.plain
        try:
            if self.random.random() < 0.5:
                mid.__bases__ = self.random.choice([(base,), (base, other), (base, plain)])
            else:
                leaf.__bases__ = self.random.choice([(mid,), (base,)])
        except TypeError:
            pass

    def set_meta(self):
        name = self.name()
        # Classes are keys of dicts all over the place.
        if name not in ('__hash__', '__eq__', '__call__', '__bool__', '__len__', '__ne__'):
            setattr(self.Meta, name, self.function())

    def del_meta(self):
        for n in list(self.Meta.__dict__):
            if n.startswith('__') and n not in ('__module__', '__doc__', '__dict__', '__qualname__') \
                    and not n.startswith(('__static', '__first')):
                delattr(self.Meta, n)

    # ---- comparison ---------------------------------------------------------------------------------------------
    def make(self, i):
        x = self.makers[i]()
        if i in self.converted:
            try:
                x.__class__ = self.converted[i]
            except TypeError:
                pass
        return x

    def outcome(self, f, i, j):
        x = self.make(i)
        y = x if i == j else self.make(j)
        try:
            return tell(f(x, y), x, y)
        except RecursionError:
            return 'recursion'
        except Exception as e:
            return type(e).__name__, tell(str(e))

    def compare(self, pairs):
        code = compile(SOURCE, '<cold>', 'exec')
        for c in code.co_consts:
            if not isinstance(c, types.CodeType):
                continue
            cold = types.FunctionType(c, self.warm)
            warm = self.warm[c.co_name]
            for i, j in pairs:
                got = self.outcome(warm, i, j)
                want = self.outcome(cold, i, j)
                assert got == want, (c.co_name, i, j, got, want)

    def pairs(self):
        n = len(self.makers)
        some = [(self.random.randrange(n), self.random.randrange(n)) for _ in range(3)]
        some += [(self.random.randrange(6), self.random.randrange(6)) for _ in range(3)]
        i = self.random.randrange(n)
        return some + [(i, i)]

    def run(self, steps):
        mutations = [getattr(self, n) for n in dir(self) if n.startswith(('set_', 'del_'))]
        mutations += [self.set_method] * 3
        for step in range(steps):
            if step % 8 == 0:
                self.fresh_classes()
            pairs = self.pairs()
            for _ in range(3):
                self.compare(pairs)
            for _ in range(4):
                for _ in range(self.random.randrange(1, 4)):
                    self.random.choice(mutations)()
                self.compare(pairs)


def tell(r, *known):
    for n, x in enumerate(known):
        if r is x:
            return ('operand', n, tell(r.__dict__) if hasattr(r, '__dict__') and not isinstance(r, type) else tell(r))
    t = type(r)
    if t in (tuple, list):
        return t.__name__, [tell(x, *known) for x in r]
    if t is dict:
        return 'dict', [(tell(k, *known), tell(v, *known)) for k, v in r.items()]
    if t is str:
        return re.sub(' at 0x[0-9a-f]+', '', r)
    if t in (int, float, bool, bytes, type(None)):
        return r
    return t.__name__


if __name__ == '__main__':
    seeds = [int(a) for a in sys.argv[1:]] or [1, 2, 3]
    for seed in seeds:
        World(seed).run(16)
