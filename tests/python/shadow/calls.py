"""Call sites of all kinds: what they call may change between two calls, and calls may fail in the middle."""
import functools
import gc
import types
import weakref


def repeat(f, *args, n=40):
    for _ in range(n):
        r = f(*args)
    return r


def error(f, *args):
    try:
        f(*args)
    except Exception as e:
        return type(e).__name__, str(e)
    return None


# ---- keywords ------------------------------------------------------------------------------------------------------
def target(a, /, b, c=3, *, d=4, e):
    return a, b, c, d, e


def by_keywords(f):
    return f(1, e=5, b=2)


def wrong_keywords(f):
    return f(1, b=2, a=3, e=5)


def given_twice(f):
    return f(1, 2, b=2, e=5)


assert repeat(by_keywords, target) == (1, 2, 3, 4, 5)
target.__kwdefaults__ = {'d': 40}
assert by_keywords(target) == (1, 2, 3, 40, 5)
target.__kwdefaults__ = None
assert error(by_keywords, target) == ('TypeError', "target() missing 1 required keyword-only argument: 'd'")
target.__kwdefaults__ = {'d': 4}
target.__defaults__ = ()
assert error(by_keywords, target)[0] == 'TypeError'
target.__defaults__ = (20, 30)
assert by_keywords(target) == (1, 2, 30, 4, 5)
assert repeat(error, wrong_keywords, target)[0] == 'TypeError'
assert 'multiple values' in repeat(error, given_twice, target)[1]
target.__code__ = (lambda a, b, e, **more: (a, b, e, more)).__code__
assert by_keywords(target) == (1, 2, 5, {})
target.__code__ = (lambda a, *, b, e: (b, a, e)).__code__
assert repeat(by_keywords, target) == (2, 1, 5)

# More parameters and arguments than a plan holds.
names = [f'p{i}' for i in range(20)]
space = {}
exec(f"def long({', '.join(n + '=0' for n in names)}): return ({', '.join(names)})", space)
exec(f"def call_long(f): return f({', '.join(f'{n}={i}' for i, n in enumerate(reversed(names)))})", space)
assert repeat(space['call_long'], space['long']) == tuple(reversed(range(20)))


def in_generator(f):
    yield f(1, b=2)
    yield f(b=1, a=2)
    yield f(1)
    yield f(1, 2, 3)


def flexible(a, b=5, *args, **kwargs):
    return a, b, args, kwargs


assert repeat(lambda: list(in_generator(flexible))) == [(1, 2, (), {}), (2, 1, (), {}), (1, 5, (), {}), (1, 2, (3,), {})]


def keeps_kwargs(**kwargs):
    return kwargs


assert len({id(d) for d in [keeps_kwargs() for _ in range(50)]}) == 50
assert all(d == {} for d in [keeps_kwargs() for _ in range(50)])


# ---- classes -------------------------------------------------------------------------------------------------------
class Instance:
    def __init__(self, x, y=2, *, z=3):
        self.all = x, y, z


def make(C):
    return C(1).all


def make_kw(C):
    return C(y=5, x=1).all


assert repeat(make, Instance) == (1, 2, 3) and repeat(make_kw, Instance) == (1, 5, 3)
Instance.__init__.__defaults__ = (20,)
Instance.__init__.__kwdefaults__ = {'z': 30}
assert make(Instance) == (1, 20, 30) and make_kw(Instance) == (1, 5, 30)
Instance.__init__ = lambda self, x, y=0: setattr(self, 'all', (y, x))
assert make(Instance) == (0, 1) and make_kw(Instance) == (5, 1)
Instance.__init__ = lambda self, *args, **kwargs: setattr(self, 'all', (args, kwargs))
assert repeat(make, Instance) == ((1,), {}) and repeat(make_kw, Instance) == ((), {'y': 5, 'x': 1})
Instance.__init__ = lambda self, x, y=0: 1
assert error(make, Instance) == ('TypeError', "__init__() should return None, not 'int'")
assert error(make_kw, Instance) == ('TypeError', "__init__() should return None, not 'int'")


class Meta(type):
    pass


class OfMeta(metaclass=Meta):
    def __init__(self, x=1):
        self.all = x


assert repeat(make, OfMeta) == 1
Meta.__call__ = lambda cls, *args: types.SimpleNamespace(all=('called', args))
assert make(OfMeta) == ('called', (1,))
del Meta.__call__
assert repeat(make, OfMeta) == 1


# ---- classes with a __new__ written in Python ------------------------------------------------------------------------
log = []


class Base:
    def __new__(cls, x, *rest, **kwargs):
        log.append(('new', cls.__name__, x, rest, kwargs))
        return object.__new__(cls)


class Inits(Base):
    def __init__(self, x, *rest, **kwargs):
        log.append(('init', x, rest, kwargs))


class Derived(Inits):
    def __init__(self, x, *rest, **kwargs):
        log.append(('derived', x))


def new(C):
    return C(1)


def new_kw(C):
    return C(1, 2, k=3)


def entries(f, *args):
    log.clear()
    r = f(*args)
    return type(r).__name__, list(log)


assert repeat(entries, new, Base) == ('Base', [('new', 'Base', 1, (), {})])
assert repeat(entries, new_kw, Base) == ('Base', [('new', 'Base', 1, (2,), {'k': 3})])
assert repeat(entries, new, Inits) == ('Inits', [('new', 'Inits', 1, (), {}), ('init', 1, (), {})])
assert repeat(entries, new_kw, Inits) == ('Inits', [('new', 'Inits', 1, (2,), {'k': 3}), ('init', 1, (2,), {'k': 3})])
# An instance of a derived class is initialised by its own __init__, another object by none.
Base.__new__ = lambda cls, x, *rest, **kwargs: object.__new__(Derived)
assert repeat(entries, new, Base) == ('Derived', [('derived', 1)])
assert repeat(entries, new_kw, Inits) == ('Derived', [('derived', 1)])
Base.__new__ = lambda cls, x, *rest, **kwargs: 'other'
assert repeat(entries, new, Inits) == ('str', [])
Base.__new__ = staticmethod(lambda cls: object.__new__(cls))
assert repeat(error, new, Base)[0] == 'TypeError'


def raises(cls, x, *rest, **kwargs):
    raise KeyError(x)


Base.__new__ = raises
assert repeat(error, new, Inits) == ('KeyError', '1') and repeat(error, new_kw, Inits) == ('KeyError', '1')


def yields(cls, x, *rest, **kwargs):
    yield cls


Base.__new__ = yields
assert type(repeat(new, Inits)).__name__ == 'generator'
Base.__new__ = lambda cls, x, *rest, **kwargs: object.__new__(cls)
Inits.__init__ = lambda self, x, *rest, **kwargs: raises(None, x)
assert repeat(error, new, Inits) == ('KeyError', '1') and repeat(error, new_kw, Inits) == ('KeyError', '1')
Inits.__init__ = lambda self, x, *rest, **kwargs: 5
assert repeat(error, new, Inits)[0] == 'TypeError'


class Argument:
    pass


def leaves_nothing(C):
    a = Argument()
    seen = weakref.ref(a)
    try:
        C(a)
    except (KeyError, TypeError):
        pass
    del a
    return seen


for __new__ in raises, (lambda cls, x: 1), (lambda cls, x: object.__new__(cls)):
    Base.__new__ = __new__
    for C in Base, Inits:
        for _ in range(30):
            seen = leaves_nothing(C)
            gc.collect(0)
            assert seen() is None, (__new__, C)


class Text(str):
    def __new__(cls, value, extra=None):
        s = super().__new__(cls, value)
        s.extra = extra
        return s


assert repeat(lambda: (Text('a', 1), Text('a', extra=2).extra, Text('b').extra)) == ('a', 2, None)


# ---- super() in class methods, in __new__ and in metaclasses ------------------------------------------------------------
class Root(type):
    def create(cls):
        return 'root', cls.__name__


class Branch(Root):
    def create(cls):
        return 'branch', super().create()


class First:
    @classmethod
    def of(cls):
        return 'first', cls.__name__

    @staticmethod
    def plain():
        return 'plain'

    def method(self):
        return 'method', type(self).__name__


class Second(First, metaclass=Branch):
    def __new__(cls):
        return super().__new__(cls)

    @classmethod
    def of(cls):
        return super().of(), super(Second, cls).of()

    @classmethod
    def both(cls):
        return super().plain(), super().method(cls())


class Third(Second):
    pass


def through_super(C):
    return C.of(), C.both(), C.create(), type(C()).__name__


for C in Second, Third, Second:
    name = C.__name__
    want = ((('first', name), ('first', name)), ('plain', ('method', name)), ('branch', ('root', name)), name)
    assert repeat(through_super, C) == want
First.of = classmethod(lambda cls: 'new')
assert repeat(through_super, Third)[0] == ('new', 'new')
First.of = lambda *args: args
assert repeat(through_super, Second)[0] == ((), ())
First.plain = 5
assert repeat(error, through_super, Second)[0] == 'TypeError'
First.plain = len
assert repeat(error, through_super, Second)[0] == 'TypeError'
First.plain = lambda: 'function'
assert repeat(through_super, Third)[1][0] == 'function'
Root.create = lambda cls: 'changed'
assert repeat(through_super, Third)[2] == ('branch', 'changed')
del Root.create
assert repeat(error, through_super, Third)[0] == 'AttributeError'


# ---- exceptions with an __init__ ------------------------------------------------------------------------------------
class Error(Exception):
    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def raised(*args, **kwargs):
    try:
        raise Error(*args, **kwargs)
    except Error as e:
        return e.args, e.code


def raised_plain():
    try:
        raise Error('text')
    except Error as e:
        return e.args, e.code


assert repeat(raised_plain) == (('text',), 1) and repeat(lambda: raised('text', code=3)) == (('text',), 3)
Error.__init__.__defaults__ = (9,)
assert raised_plain() == (('text',), 9)


# ---- instances that can be called, and partials ------------------------------------------------------------------------
class Callable:
    def __call__(self, x=1):
        return 'call', x


def call(f):
    return f()


def call_one(f):
    return f(5)


c = Callable()
assert repeat(call, c) == ('call', 1) and repeat(call_one, c) == ('call', 5)
Callable.__call__ = lambda self, *args: args
assert call(c) == () and call_one(c) == (5,)
Callable.__call__ = len
assert error(call, c)[0] == 'TypeError'
del Callable.__call__
assert error(call, c) == ('TypeError', "'Callable' object is not callable")
c.__call__ = lambda: 1
assert error(call, c) == ('TypeError', "'Callable' object is not callable")

p = functools.partial(lambda *args, **kwargs: (args, kwargs), 1, k=2)
assert repeat(call, p) == ((1,), {'k': 2}) and repeat(call_one, p) == ((1, 5), {'k': 2})
assert repeat(lambda: p(k=3, j=4)) == ((1,), {'k': 3, 'j': 4})
assert repeat(lambda: p(**{'k' + 'ey': 1, ''.join('k'): 7})) == ((1,), {'k': 7, 'key': 1})
p.__setstate__((lambda x, **k: x, (), {}, {}))
assert call_one(p) == 5


class Partial(functools.partial):
    def __call__(self, *args):
        return 'own', args


assert repeat(call_one, Partial(len)) == ('own', (5,))
holes = functools.partial(lambda *args: args, functools.Placeholder, 2)
assert repeat(call_one, holes) == (5, 2)
assert repeat(error, call, holes)[0] == 'TypeError'


# ---- globals of functions made by exec --------------------------------------------------------------------------------
space = {'value': 1}
exec('def f(): return value\ndef g(): return len(value)', space)
assert repeat(space['f']) == 1
space['value'] = (1, 2)
assert space['f']() == (1, 2) and repeat(space['g']) == 2
space['len'] = lambda x: 'own'
assert space['g']() == 'own'
del space['value']
assert error(space['f']) == ('NameError', "name 'value' is not defined")

# ---- looking for what is not there -------------------------------------------------------------------------------------
class Nothing:
    pass


class Empty(Nothing):
    pass


def look(x):
    try:
        return x.name
    except AttributeError:
        return hasattr(x, 'name'), getattr(x, 'name', 'default')


empty = Empty()
assert repeat(look, empty) == (False, 'default')
empty.name = 1
assert look(empty) == 1
del empty.name
Empty.name = 2
assert look(empty) == 2
del Empty.name
assert repeat(look, empty) == (False, 'default')
Empty.__bases__ = (type('Late', (), {'name': 3}),)
assert look(empty) == 3
Empty.__bases__ = (type('Hooked', (), {'__getattr__': lambda self, n: n}),)
assert look(empty) == 'name'
assert repeat(look, Empty) == (False, 'default')
Empty.name = 4
assert look(Empty) == 4
module = types.ModuleType('module')
assert repeat(look, module) == (False, 'default')
module.name = 5
assert look(module) == 5
del module.name
module.__getattr__ = lambda name: 'hook'
assert look(module) == 'hook'
assert repeat(look, 5) == (False, 'default') and repeat(look, 'text') == (False, 'default')


# ---- recursion through calls of all kinds ends with an error ----------------------------------------------------------
class RecursiveNew:
    def __new__(cls, x=1, *, k=2):
        return RecursiveNew(x, k=k)


class RecursiveInit:
    def __init__(self, *args, **kwargs):
        RecursiveInit(*args, **kwargs)


class RecursiveCall:
    def __call__(self, *args):
        return self(*args)


def recursive_keywords(a, *, k=1):
    return recursive_keywords(a=a, k=k)


def recursive_any(*args, **kwargs):
    return recursive_any()


recursive_partial = functools.partial(lambda *args, **kwargs: recursive_partial(1, k=2))
for f in (RecursiveNew, RecursiveInit, RecursiveCall(), lambda: recursive_keywords(1), recursive_any, recursive_partial):
    for _ in range(10):
        try:
            f()
        except RecursionError:
            pass
        else:
            assert False, f
