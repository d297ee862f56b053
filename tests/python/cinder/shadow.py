"""`cinder.shadow` shows what warm code remembers; `dis` shows its instructions."""
import cinder
import cinder.shadow
import dis
import io


class Point:
    kind = 'point'

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x


def work(p):
    p.x = 1
    return p.x, p.get(), p.kind, len([p])


assert cinder.shadow.stats(work) == {'warm': False, 'sites': []}
points = [Point(i) for i in range(3)]
for _ in range(40):
    for p in points:
        assert work(p) == (1, 1, 'point', 1)


def by_generic(f):
    out = {}
    for s in cinder.shadow.stats(f)['sites']:
        out.setdefault(s['generic'], []).append(s)
    return out


import sys
sites = by_generic(work)
assert bool(sites) == (sys._xoptions.get('shadow') != 'off')
# Rebuilt frames go on in plain code, so no site becomes specialised in that mode.
if sites and 'frame-state' not in sys._xoptions:
    assert [s['opcode'] for s in sites['StoreAttr']] == ['StoreAttrSlot']
    assert [s['opcode'] for s in sites['LoadAttr']] == ['LoadAttrSlot', 'LoadAttrClass']
    assert [s['name'] for s in sites['LoadAttr']] == ['x', 'kind']
    assert sites['LoadAttr'][0]['seen'] == [(Point, 'Slot', 0)]
    assert sites['LoadMethod'][0]['opcode'] == 'LoadMethodClass'
    assert sites['LoadGlobal'][0]['opcode'] == 'LoadGlobalBuiltin'
    assert 'CallLen' in [s['opcode'] for s in sites['Call']]

    # A change of the class is seen and counted; then the sites learn anew.
    Point.other = 1
    again = by_generic(work)
    assert [s['opcode'] for s in again['LoadAttr']] == ['LoadAttrLook', 'LoadAttrLook']
    assert all(s['invalidations'] == 1 for s in again['LoadAttr'])
    assert work(points[0]) == (1, 1, 'point', 1)
    assert [s['opcode'] for s in by_generic(work)['LoadAttr']] == ['LoadAttrSlot', 'LoadAttrClass']

    # Rebinding a class attribute forgets nothing, and is seen.
    Point.kind = 'other'
    assert by_generic(work)['LoadAttr'][1]['opcode'] == 'LoadAttrClass'
    assert work(points[0])[2] == 'other'

    # Several shapes.
    class Sub(Point):
        pass

    class Third:
        kind = 3
        x = None
        get = Point.get

    for _ in range(20):
        work(points[0])
        work(Sub(1))
        work(Third())
    loads = by_generic(work)['LoadAttr']
    assert loads[0]['opcode'] == 'LoadAttrPoly', loads[0]
    assert {t for t, _, _ in loads[0]['seen']} >= {Point, Sub, Third}
    assert sum(n for _, _, n in loads[0]['seen']) > 20

    cinder.shadow.clear(work)
    assert all(s['opcode'].endswith('Look') for s in cinder.shadow.stats(work)['sites'])
    work(points[0])
    cinder.shadow.clear_all()
    assert all(s['opcode'].endswith('Look') for s in cinder.shadow.stats(work)['sites'])
    work(points[0])

    out = io.StringIO()
    dis.dis(work, file=out, adaptive=True)
    assert 'LOAD_ATTR_SLOT' in out.getvalue() and 'CALL_LEN' in out.getvalue(), out.getvalue()
    out = io.StringIO()
    dis.dis(work, file=out)
    assert 'LOAD_ATTR_SLOT' not in out.getvalue() and 'LOAD_ATTR' in out.getvalue()

    totals = cinder.shadow.totals()
    assert set(totals) >= {'load_attr', 'store_attr', 'load_method', 'load_global', 'call', 'load_super'}
    assert all(len(row) == 6 for row in totals.values())

    # Hits are counted where that is asked for, for code that is warm already too, and nowhere else.
    def counted(p):
        return p.x, p.get()

    for _ in range(40):
        counted(points[0])
    assert all(s['executions'] == s['hits'] == 0 for s in cinder.shadow.stats(counted)['sites'])
    assert cinder.shadow.count() is False
    for _ in range(10):
        counted(points[0])
    assert cinder.shadow.count(False) is True
    for _ in range(10):
        counted(points[0])
    for s in cinder.shadow.stats(counted)['sites']:
        assert (s['executions'], s['hits'], s['misses']) == (10, 10, 0), s
    cinder.shadow.count()
    Point.more = 1
    for _ in range(10):
        counted(points[0])
    cinder.shadow.count(False)
    for s in cinder.shadow.stats(counted)['sites']:
        if s['family'].startswith('load'):
            assert (s['executions'], s['hits'], s['invalidations']) == (20, 19, 1), s
    names = dis.Bytecode(counted, adaptive=True)
    assert 'LOAD_ATTR_SLOT' in [i.opname for i in names]

    families = cinder.shadow.families()
    assert 'LoadAttrPoly' in families['load_attr'] and 'CallKwPython' in families['call_kw']
    assert set(families) == set(totals)

    # What slots and class attributes held so far.
    class Facts:
        level = 1

        def __init__(self, n):
            self.constant = n
            self.changing = n
            self.number = n
            self.text = 'a'

    def change(o):
        o.changing = o.changing + 1

    made = [Facts(i) for i in range(40)]
    for o in made:
        change(o)
    want = {'constant': (True, 'int'), 'changing': (False, 'int'), 'number': (True, 'int'), 'text': (True, 'str')}
    assert cinder.shadow.slots(made[0]) == want, cinder.shadow.slots(made[0])
    made[3].number = 1.5
    setattr(made[4], 'text', None)
    made[5].__dict__['constant'] = 5
    want = {'constant': (False, 'int'), 'changing': (False, 'int'), 'number': (False, None), 'text': (False, None)}
    assert cinder.shadow.slots(made[0]) == want, cinder.shadow.slots(made[0])
    made[6].own = Facts(0)
    made[7].own = Facts(1)
    constant, number = cinder.shadow.slots(made[6])['own']
    assert constant and type(number) is int
    del made[7].own
    assert cinder.shadow.slots(made[6])['own'] == (False, number)
    assert cinder.shadow.cell(Facts, 'level') == (True, 'int')
    Facts.level = 2
    assert cinder.shadow.cell(Facts, 'level') == (False, 'int')
    Facts.level = 'high'
    assert cinder.shadow.cell(Facts, 'level') == (False, None)
    assert cinder.shadow.cell(Facts, 'none') is None

    # Several targets of one call, with counts, and then any.
    def caller(f):
        return f()

    targets = [eval(f'lambda: {i}') for i in range(6)]
    for n, opcode in (1, 'CallPython'), (3, 'CallPythonPoly'), (6, 'CallAny'):
        for _ in range(40):
            for i, f in enumerate(targets[:n]):
                assert caller(f) == i
        assert [s['opcode'] for s in cinder.shadow.stats(caller)['sites']] == [opcode]

for bad in (1, len, Point):
    try:
        cinder.shadow.stats(bad)
    except TypeError:
        pass
    else:
        assert False
