"""Warm code must see every change at its next execution.

Functions that ran often are compared with fresh copies of themselves, which have no caches, while a random
program changes classes, bases, instances, modules, builtins, functions, defaults and metaclasses between the runs.
"""
import builtins
import functools
import random
import sys
import types

SOURCE = '''
def load(o): return o.x
def load_two(o): return (o.x, o.y)
def store(o, v):
    o.x = v
    return o.x
def store_new(o, v):
    o.fresh = v
    return o.fresh
def method(o): return o.m()
def method_one(o): return o.n(3)
def call(f): return f(1)
def call_two(f): return f(1, 2)
def call_kw(f): return f(1, b=5)
def make(C): return C(7).x
def prop(o): return o.p
def static(o): return o.s(4)
def on_class(C): return C.x
def class_method(C): return C.c()
def class_static(C): return C.s(5)
def instance_class_method(o): return o.c()
def hook(o): return o.unknown
def hook_x(o): return o.x, o.unknown
def bound_method(o): return (o.m, 0)[1]
def store_prop(o, v):
    o.p = v
    return o.p
def type_of(o): return type(o)
def show_class(o): return o.__class__
def call_star(f): return f(*(1,))
def call_star_two(f): return f(*(1, 2))
def call_star_kw(f): return f(*(1,), **{'b': 4})
def make_star(C): return C(*(8,)).x
def make_plain(C): return type(C())
def make_native(_): return str(12), int('3'), tuple([1]), list((2,)), dict(a=1)
def glob(_): return GLOBAL
def built(_): return len((1, 2, 3))
def mod(m): return m.attr
def mod_call(m): return m.func(2)
def isinst(o): return isinstance(o, list), isinstance(o, Base)
def length(o): return len(o)
def call_kw_only(f): return f(a=1, c=7)
def call_kw_swapped(f): return f(b=3, a=1)
def call_one_kw(f): return f(1, c=2)
def make_kw(C): return C(x=6).x
def make_two_kw(C): return C(x=6, z=1).x
def make_none(C): return C().x
def call_partial(p): return p(2)
def call_partial_kw(p): return p(2, c=3)
def call_object(o): return o()
def call_object_one(o): return o(1)
def call_object_kw(o): return o(k=1)
def method_kw(o): return o.n(k=3)
def method_default(o): return o.d(), o.d(1), o.d(j=2)
def method_star(o): return o.v(), o.v(1, 2), o.v(1, z=2)
def has(o): return hasattr(o, 'x'), hasattr(o, 'unknown'), hasattr(o, 'q'), hasattr(o, 'm')
def get_default(o): return getattr(o, 'x', 0), getattr(o, 'unknown', 1), getattr(o, 'q', 2)
def get_dynamic(o): return getattr(o, 'x'), getattr(o, 'p')
def get_absent(o):
    try:
        return o.absent
    except AttributeError as e:
        return str(e), e.name
def call_absent(o):
    try:
        return o.absent(1)
    except AttributeError as e:
        return str(e), e.name
def class_absent(C):
    try:
        return C.absent, C.__name__, C.__mro__
    except AttributeError as e:
        return str(e), hasattr(C, 'absent'), getattr(C, 'absent', 3), C.__name__
def store_delete(o, v):
    o.tmp = v
    del o.tmp
    return hasattr(o, 'tmp')
def delete(o):
    del o.y
    return o.y
def delete_prop(o):
    del o.p
    return o.p
def raise_own(E):
    try:
        raise E('text')
    except E as e:
        return e.args, e.more
def show(o): return o.show()
def show_kw(o): return o.show_kw(z=1)
def on_meta(C): return C.m1(), C.x
def loop(o):
    total = 0
    for i in range(3):
        total += o.y
    return total
'''
NAMES = [line.split('(')[0][4:] for line in SOURCE.splitlines() if line.startswith('def ')]


class World:
    """Everything that the functions look at."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.module = types.ModuleType('m')
        self.module.attr = 1
        self.module.func = lambda x: x + 1
        self.globals = {'__builtins__': builtins, 'GLOBAL': 0, 'Base': None}
        self.warm_ns = types.ModuleType('warm').__dict__
        self.warm_ns.update(self.globals)
        exec(SOURCE, self.warm_ns)
        self.fresh_classes()
        self.func = self.make_function(0)
        self.partial = functools.partial(self.func, 1)

    def make_function(self, k):
        ns = {}
        exec(f'def f(a, b={k}, *, c={k}): return (a, b, c, {k})', ns)
        return ns['f']

    def fresh_classes(self):
        class Meta(type):
            def m1(cls):
                return ('m1', cls.__name__)

        class Base(metaclass=Meta):
            x = 'base x'
            y = 2

            def __init__(self, x=1):
                self.x = x

            def m(self):
                return ('m', self.y)

            def n(self, k):
                return ('n', k)

            def d(self, i=5, *, j=6):
                return ('d', i, j)

            def v(self, *args, **kwargs):
                return ('v', args, sorted(kwargs.items()))

            def show(self):
                return ('show', self.y)

            def show_kw(self, *, z):
                return ('show_kw', z)

            @property
            def p(self):
                return ('p', self.y)

            @staticmethod
            def s(k):
                return ('s', k)

            @classmethod
            def c(cls):
                return ('c', cls.__name__)

        class Other:
            x = 'other x'
            y = 20

            def m(self):
                return ('other m', self.y)

            def __call__(self, k=1):
                return ('other call', k)

            n = len
            p = 'no property'

        class Mid(Base):
            pass

        class Leaf(Mid):
            y = 3

            def show(self):
                return ('leaf', super().show(), super(Leaf, self).show())

            def show_kw(self, *, z):
                return ('leaf', super().show_kw(z=z))

        class Slotted:
            __slots__ = ('x', 'y')
            m = Base.m

        self.Meta, self.Base, self.Other, self.Mid, self.Leaf, self.Slotted = Meta, Base, Other, Mid, Leaf, Slotted
        class Error(ValueError):
            def __init__(self, text):
                self.more = text + '!'

        class Plain(Error):
            pass

        self.Error, self.Plain = Error, Plain
        self.warm_ns['Base'] = Base
        self.objects = [Base(), Leaf(), Mid(5), Leaf('v')]
        for i, o in enumerate(self.objects):
            if i % 2:
                o.y = i
        s = Slotted()
        s.x, s.y = 1, 2
        self.objects.append(s)
        self.objects += [[1, 2], (3,), 'text', {'k': 1}]

    # ---- mutations ----------------------------------------------------------------------------------------------
    def any_class(self):
        return self.random.choice([self.Base, self.Mid, self.Leaf, self.Other])

    def value(self):
        k = self.random.randrange(1000)
        return self.random.choice([
            lambda: k,
            lambda: float(k),
            lambda: (lambda *a, **kw: ('fn', k, len(a))),
            lambda: property(lambda self: ('prop', k)),
            lambda: property(lambda self: ('prop', k, self.__dict__.get('q')),
                             lambda self, v: isinstance(self, type) or self.__dict__.update(q=v)),
            lambda: staticmethod(lambda *a: ('static', k, a)),
            lambda: classmethod(lambda cls, *a: ('class', k, a)),
            lambda: len,
            lambda: Descriptor(k),
            lambda: DataDescriptor(k),
            lambda: f'text {k}',
        ])()

    def set_class_attr(self):
        setattr(self.any_class(), self.random.choice('xympnsc'), self.value())

    def del_class_attr(self):
        try:
            delattr(self.any_class(), self.random.choice('xympnsc'))
        except AttributeError:
            pass

    def set_meta_attr(self):
        setattr(self.Meta, self.random.choice('xyc'), self.value())

    def del_meta_attr(self):
        try:
            delattr(self.Meta, self.random.choice('xyc'))
        except AttributeError:
            pass

    def set_instance_attr(self):
        o = self.random.choice(self.objects[:5])
        try:
            setattr(o, self.random.choice('xympn'), self.random.choice([1, 2.5, 'i', len, lambda *a: ('own', a)]))
        except (AttributeError, TypeError):
            pass

    def del_instance_attr(self):
        try:
            delattr(self.random.choice(self.objects[:5]), self.random.choice('xympn'))
        except (AttributeError, TypeError):
            pass

    def set_instance_dict(self):
        o = self.random.choice(self.objects[:4])
        object.__setattr__(o, '__dict__', {'x': self.random.randrange(100), 'y': 1})

    def set_class(self):
        o = self.random.choice(self.objects[:4])
        try:
            o.__class__ = self.any_class()
        except TypeError:
            pass

    def set_bases(self):
        try:
            self.Mid.__bases__ = self.random.choice([(self.Base,), (self.Base, self.Other)])
        except TypeError:
            pass

    def set_special(self):
        k = self.random.randrange(100)
        name, value = self.random.choice([
            ('__getattr__', lambda self, n: ('getattr', n, k)),
            ('__getattribute__', lambda self, n: ('getattribute', n, k)),
            ('__setattr__', lambda self, n, v: object.__setattr__(self, n, ('set', v))),
            ('__init__', lambda self, *a: object.__setattr__(self, 'x', ('init', k, a))),
            ('__new__', staticmethod(lambda cls, *a, **kw: object.__new__(cls))),
            ('__delattr__', lambda self, n: None),
            ('__len__', lambda self: k),
        ])
        setattr(self.random.choice([self.Base, self.Leaf]), name, value)

    def del_special(self):
        for c in (self.Base, self.Leaf):
            for n in ('__getattr__', '__getattribute__', '__setattr__', '__delattr__', '__new__', '__len__'):
                if n in c.__dict__ and self.random.random() < 0.7:
                    delattr(c, n)

    def toggle_descriptor(self):
        # A class becomes a class of descriptors after its instances were seen as plain values.
        if '__get__' in Late.__dict__:
            del Late.__get__
        else:
            Late.__get__ = lambda self, o, t=None: ('late', o is None)
        if self.random.random() < 0.5:
            self.any_class().x = Late()

    def set_module_attr(self):
        try:
            setattr(self.module, self.random.choice(['attr', 'func']),
                    self.random.choice([1, 'a', lambda x: ('module', x), len]))
        except AttributeError:
            pass

    def del_module_attr(self):
        try:
            delattr(self.module, self.random.choice(['attr', 'func']))
        except AttributeError:
            pass

    def new_module(self):
        self.module = types.ModuleType('m')
        self.module.attr = self.random.randrange(100)
        self.module.func = lambda x: -x

    def set_module_class(self):
        class Sub(types.ModuleType):
            # CPython 3.14's own caches miss a data descriptor that appears in a module's new class.
            if sys.implementation.name == 'cinder':
                attr = property(lambda self: 'sub')

            def __getattr__(self, name):
                return ('sub', name)
        self.module.__class__ = Sub

    def set_global(self):
        ns = self.warm_ns
        r = self.random.random()
        if r < 0.4:
            ns['GLOBAL'] = self.random.randrange(100)
        elif r < 0.6:
            ns.pop('GLOBAL', None)
        elif r < 0.8:
            ns['len'] = lambda x: ('shadowed', self.random.random() * 0)
        else:
            ns.pop('len', None)

    def set_builtin(self):
        if hasattr(builtins, 'GLOBAL'):
            del builtins.GLOBAL
        else:
            builtins.GLOBAL = 'builtin'

    def set_code(self):
        self.func.__code__ = self.make_function(self.random.randrange(100)).__code__

    def set_defaults(self):
        self.func.__defaults__ = self.random.choice([None, (1,), (1, 2), (0, 1)])

    def set_kwdefaults(self):
        self.func.__kwdefaults__ = self.random.choice([None, {'c': 9}, {}])

    def set_method_code(self):
        name = self.random.choice(['n', 'd', 'v', 'show', 'show_kw'])
        f = self.Base.__dict__.get(name)
        if isinstance(f, types.FunctionType):
            k = self.random.randrange(100)
            parameters = self.random.choice(['self, k=1, *, z=2, j=3', 'self, *a, **k', 'self, j=1, k=2, z=3', 'self'])
            ns = {}
            exec(f'def {name}({parameters}): return ({k}, sorted((n, v) for n, v in locals().items() if n != "self"))', ns)
            try:
                f.__code__ = ns[name].__code__
            except ValueError:
                pass

    def set_method_defaults(self):
        f = self.Base.__dict__.get('d')
        if isinstance(f, types.FunctionType):
            f.__defaults__ = self.random.choice([None, (1,), (7, 8, 9)])
            f.__kwdefaults__ = self.random.choice([None, {'j': 4}, {'k': 1}, {}])

    def set_init(self):
        k = self.random.randrange(100)
        c = self.random.choice([self.Base, self.Leaf, self.Error, self.Plain])
        c.__init__ = self.random.choice([
            lambda self, x=k: object.__setattr__(self, 'x', ('init', x)),
            lambda self, x=1, *, z=k: object.__setattr__(self, 'more', ('init', x, z)),
            lambda self, *a, **kw: object.__setattr__(self, 'x', ('init', len(a), sorted(kw.items()))),
            lambda self, z=2, x=3: None,
            lambda self: None,
            lambda self, x=1: k,
        ])

    def del_init(self):
        for c in (self.Leaf, self.Plain, self.Error):
            if '__init__' in c.__dict__:
                del c.__init__

    def set_init_code(self):
        f = self.random.choice([self.Base, self.Error]).__dict__.get('__init__')
        if isinstance(f, types.FunctionType):
            k = self.random.randrange(100)
            ns = {}
            exec(f'def f(self, x={k}, z=5): self.x = self.more = ({k}, x, z)', ns)
            f.__defaults__ = ns['f'].__defaults__
            try:
                f.__code__ = ns['f'].__code__
            except ValueError:
                pass

    def set_new(self):
        k = self.random.randrange(100)
        c = self.random.choice([self.Base, self.Leaf])
        other = self.objects[0]
        c.__new__ = self.random.choice([
            lambda cls, *a, **kw: object.__new__(cls),
            lambda cls, x=1, z=2: object.__new__(cls),
            lambda cls, *a, **kw: other,
            lambda cls, *a, **kw: k,
        ])

    def set_call(self):
        k = self.random.randrange(100)
        self.any_class().__call__ = self.random.choice([
            lambda self: ('call', k),
            lambda self, k=k: ('call one', k),
            lambda self, *a, **kw: ('call any', a, len(kw)),
            len,
        ])

    def del_call(self):
        for c in (self.Base, self.Mid, self.Leaf, self.Other):
            if '__call__' in c.__dict__ and self.random.random() < 0.5:
                del c.__call__

    def set_meta_call(self):
        k = self.random.randrange(100)
        self.Meta.__call__ = lambda cls, *a, **kw: types.SimpleNamespace(x=('meta call', k, len(a), len(kw)))

    def del_meta_call(self):
        if '__call__' in self.Meta.__dict__:
            del self.Meta.__call__

    def set_absent(self):
        k = self.random.randrange(100)
        name = self.random.choice(['absent', 'unknown', 'q', 'show'])
        where = self.random.choice([self.Base, self.Mid, self.Leaf, self.Other, self.Meta] + self.objects[:4])
        setattr(where, name, self.random.choice([k, property(lambda self: k), lambda *a: ('found', k)]))

    def del_absent(self):
        for where in [self.Base, self.Mid, self.Leaf, self.Other, self.Meta] + self.objects[:4]:
            for name in ('absent', 'unknown', 'q'):
                if name in vars(where) and self.random.random() < 0.6:
                    delattr(where, name)

    def set_property_deleter(self):
        k = self.random.randrange(100)
        self.any_class().p = property(lambda self: ('p', k), None, lambda self: self.__dict__.update(gone=k))

    def new_partial(self):
        target = self.random.choice([self.func, self.Base, len, self.make_function(3)])
        self.partial = functools.partial(target, *self.random.choice([(), (1,)]), **self.random.choice([{}, {'c': 4}]))

    def set_partial_state(self):
        self.partial.__setstate__((self.make_function(self.random.randrange(100)), (5,), {}, None))

    def new_function(self):
        self.func = self.make_function(self.random.randrange(100))

    def set_func_attr(self):
        self.func.mark = 1

    # ---- comparison ---------------------------------------------------------------------------------------------
    def arguments(self, name):
        if name in ('call_partial', 'call_partial_kw'):
            return [(self.partial,), (self.func,)]
        if name in ('call_object', 'call_object_one', 'call_object_kw', 'call_absent'):
            return [(o,) for o in self.objects]
        if name in ('make_kw', 'make_two_kw', 'make_none', 'class_absent', 'on_meta'):
            return [(self.Base,), (self.Leaf,), (self.Mid,), (self.Other,)]
        if name in ('delete', 'delete_prop'):
            return [(o,) for o in self.objects[:4]]
        if name == 'raise_own':
            return [(self.Error,), (self.Plain,)]
        if name.startswith('call'):
            return [(self.func,), (len,), (self.Other,), (self.Leaf,)]
        if name == 'make_plain':
            return [(self.Base,), (self.Other,), (self.Leaf,), (list,), (E,)]
        if name in ('make', 'make_star', 'on_class', 'class_method', 'class_static'):
            return [(self.Base,), (self.Leaf,), (self.Mid,)]
        if name in ('mod', 'mod_call'):
            return [(self.module,)]
        if name in ('store', 'store_new', 'store_prop', 'store_delete'):
            return [(o, self.random.randrange(10)) for o in self.objects]
        return [(o,) for o in self.objects]

    def outcome(self, f, args):
        try:
            r = f(*args)
        except RecursionError:
            return 'recursion'
        except Exception as e:
            return type(e).__name__, str(e)
        return describe(r)

    def compare(self):
        # The globals are the same dict, so only the code is fresh.
        cold = {}
        code = compile(SOURCE, '<cold>', 'exec')
        funcs = {c.co_name: c for c in code.co_consts if isinstance(c, types.CodeType)}
        for name in NAMES:
            cold[name] = types.FunctionType(funcs[name], self.warm_ns)
        for name in NAMES:
            for args in self.arguments(name):
                state = snapshot(args[0])
                got = self.outcome(self.warm_ns[name], args)
                restore(args[0], state)
                want = self.outcome(cold[name], args)
                restore(args[0], state)
                assert got == want, (name, args, got, want)

    def run(self, steps):
        mutations = [getattr(self, n) for n in dir(self) if n.startswith(('set_', 'del_', 'toggle_', 'new_'))]
        for _ in range(12):
            self.compare()
        for step in range(steps):
            if step % 60 == 59:
                self.fresh_classes()
            for _ in range(self.random.randrange(1, 3)):
                self.random.choice(mutations)()
            for _ in range(2):
                self.compare()


class Descriptor:
    def __init__(self, k):
        self.k = k

    def __get__(self, o, t=None):
        return ('descriptor', self.k, o is None)


class DataDescriptor(Descriptor):
    def __set__(self, o, v):
        raise AttributeError('read-only')


class Late:
    pass


class E(Exception):
    pass


def snapshot(o):
    try:
        return dict(object.__getattribute__(o, '__dict__'))
    except (AttributeError, TypeError):
        return None


def restore(o, state):
    if state is None or isinstance(o, (type, types.ModuleType, types.FunctionType)):
        return
    d = object.__getattribute__(o, '__dict__')
    for k in list(d):
        if k not in state:
            del d[k]
    for k, v in state.items():
        if k not in d or d[k] is not v:
            d[k] = v


def describe(r):
    if isinstance(r, (tuple, list)):
        return [describe(x) for x in r]
    if isinstance(r, (int, float, str, bool, type(None))):
        return r
    return type(r).__name__


seeds = [int(a) for a in sys.argv[1:]] or [1, 2, 3]
for seed in seeds:
    World(seed).run(40)
if hasattr(builtins, 'GLOBAL'):
    del builtins.GLOBAL
