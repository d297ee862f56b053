"""Caches are made when code becomes warm: functions that ran, but not often, have none and take no memory for it."""
import gc
import os
import sys

COUNT = 20_000
BODY = '''
def f{0}(o, n=1):
    total = n
    for x in o.items:
        if x.value > o.limit:
            total += x.measure(n, key=o.key)
    return o.join(total, o.name)
'''


class Item:
    def __init__(self, value):
        self.value = value

    def measure(self, n, key):
        return self.value * n


class Owner:
    limit = 0
    key = None
    name = 'owner'

    def __init__(self):
        self.items = [Item(1)]

    def join(self, total, name):
        return total


def resident():
    gc.collect()
    with open('/proc/self/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def sites():
    return sum(row[0] for row in cinder.shadow.totals().values())


def make(count):
    ns = {}
    for i in range(count):
        exec(BODY.format(i), ns)
    return [ns[f'f{i}'] for i in range(count)]


if sys.implementation.name == 'cinder':
    import cinder.shadow

    owner = Owner()
    [f(owner) for f in make(200)]
    functions = make(COUNT)
    [f(owner) for f in functions[:100]]
    known = sites()
    before = resident()
    for f in functions:
        assert f(owner) == 2
    # Only what all of them share has become warm meanwhile: this module's own few functions.
    assert sites() - known < 100, (known, sites())
    assert not any(cinder.shadow.stats(f)['warm'] for f in functions)
    if sys.platform == 'linux' and 'frame-state' not in sys._xoptions:
        assert resident() - before < 64 * COUNT, (resident() - before) / COUNT

    # A function that becomes warm gets its caches, which end with its code.
    if sys._xoptions.get('shadow') != 'off':
        for _ in range(20):
            functions[0](owner)
        assert cinder.shadow.stats(functions[0])['warm']
        with_caches = sites()
        del functions, f
        gc.collect()
        assert sites() < with_caches, (with_caches, sites())
