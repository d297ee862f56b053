"""A coroutine function that is called and awaited at once may run without a coroutine object: nobody can tell.

Everything runs often enough for the calls to be specialised.
"""
import asyncio
import contextvars
import gc
import inspect
import sys
import traceback
import types
import warnings
import weakref

WARM = 40


@types.coroutine
def pause(v=None):
    return (yield v)


def run(coroutine, *sent):
    """Drives a coroutine to its end: what it yielded and returned."""
    out = []
    values = iter(sent)
    try:
        out.append(coroutine.send(None))
        while True:
            out.append(coroutine.send(next(values, None)))
    except StopIteration as e:
        return out, e.value


# ---- results, suspension, arguments ---------------------------------------------------------------------------------
async def leaf(a, b=2, *, c=3):
    return a, b, c


async def pausing(a):
    got = await pause(a)
    return a, got


async def outer(n):
    x = await leaf(n)
    y = await pausing(n)
    z = await leaf(n, 5, c=6)
    return x, y, z


for i in range(WARM):
    assert run(outer(i), 'sent') == ([i], ((i, 2, 3), (i, 'sent'), (i, 5, 6)))


class Thing:
    async def method(self, k):
        cell = k

        def closure():
            return cell, self

        if k % 2:
            await pause(k)
        return closure()

    async def call(self, k):
        return await self.method(k)


for i in range(WARM):
    t = Thing()
    assert run(t.call(i)) == ([i] if i % 2 else [], (i, t))


# ---- nested suspension: who awaits whom ------------------------------------------------------------------------------
async def deep(n):
    if n:
        return 1 + await deep(n - 1)
    return await pause('bottom')


for i in range(WARM):
    c = deep(5)
    assert c.send(None) == 'bottom'
    depth, at = 0, c
    while isinstance(at, types.CoroutineType):
        assert inspect.getcoroutinestate(at) == 'CORO_SUSPENDED'
        assert at.cr_frame.f_generator is at and at.cr_frame.f_locals == {'n': 5 - depth}
        assert at.cr_frame.f_back is None
        depth += 1
        at = at.cr_await
    assert depth == 6 and at.__name__ == 'pause'
    try:
        c.send(10)
    except StopIteration as e:
        assert e.value == 15
    assert c.cr_await is None and c.cr_frame is None


# ---- the coroutine of a frame that runs ------------------------------------------------------------------------------
async def looks_at_itself(suspend):
    g = sys._getframe().f_generator
    assert type(g) is types.CoroutineType and g.__qualname__ == 'looks_at_itself'
    assert g is sys._getframe().f_generator and g.cr_frame is sys._getframe()
    assert g.cr_running and g.cr_await is None and inspect.getcoroutinestate(g) == 'CORO_RUNNING'
    try:
        g.send(None)
    except ValueError as e:
        assert str(e) == 'coroutine already executing'
    else:
        assert False
    if suspend:
        await pause(g)
        assert g.cr_frame is sys._getframe() and g.cr_running
    return g


async def awaits_it(suspend):
    return await looks_at_itself(suspend)


for i in range(WARM):
    yielded, g = run(awaits_it(i % 3 == 0))
    assert yielded == ([g] if i % 3 == 0 else [])
    assert inspect.getcoroutinestate(g) == 'CORO_CLOSED' and g.cr_frame is None and not g.cr_running
    try:
        g.send(None)
    except RuntimeError as e:
        assert str(e) == 'cannot reuse already awaited coroutine'
    else:
        assert False


# ---- exceptions: tracebacks, contexts, handled exceptions ------------------------------------------------------------
async def raises(late):
    if late:
        await pause()
    raise ValueError('no')


async def chain(late):
    return await raises(late)


for i in range(WARM):
    try:
        run(chain(i % 2))
    except ValueError as e:
        names = [f.name for f in traceback.extract_tb(e.__traceback__)]
        assert names == ['<module>', 'run', 'chain', 'raises'], names
        last = traceback.extract_tb(e.__traceback__)[2]
        assert last.line == 'return await raises(late)' and last.colno == 11 and last.end_colno == 29, last
    else:
        assert False


async def handles(late):
    assert sys.exception().args == ('outer',)
    try:
        await raises(late)
    except ValueError as e:
        assert e.__context__.args == ('outer',)
        await pause(sys.exception())
        assert sys.exception() is e
        try:
            raise
        except ValueError as again:
            assert again is e
    assert sys.exception().args == ('outer',)
    return 'handled'


async def within_handler(late):
    try:
        raise KeyError('outer')
    except KeyError as e:
        r = await handles(late)
        assert sys.exception() is e
    assert sys.exception() is None
    return r


for i in range(WARM):
    assert sys.exception() is None
    yielded, r = run(within_handler(i % 2))
    assert r == 'handled' and [type(y) for y in yielded] == [type(None)] * (i % 2) + [ValueError]
    assert sys.exception() is None


async def stops():
    raise StopIteration('x')


async def awaits_stop():
    await stops()


for i in range(WARM):
    try:
        run(awaits_stop())
    except RuntimeError as e:
        assert str(e) == 'coroutine raised StopIteration' and isinstance(e.__cause__, StopIteration)
    else:
        assert False


# ---- throw and close into what suspended ---------------------------------------------------------------------------
log = []


async def cleans_up():
    try:
        await pause('waiting')
    finally:
        log.append(type(sys.exception()))


async def around():
    try:
        await cleans_up()
    except KeyError as e:
        return e.args


for i in range(WARM):
    c = around()
    assert c.send(None) == 'waiting'
    try:
        c.throw(KeyError('thrown'))
    except StopIteration as e:
        assert e.value == ('thrown',)
    c = around()
    c.send(None)
    c.close()
    assert log == [KeyError, GeneratorExit]
    log.clear()


# ---- coroutines that are not awaited, or not at once -----------------------------------------------------------------
async def never():
    leaf(1)


async def later():
    c = leaf(1)
    assert inspect.getcoroutinestate(c) == 'CORO_CREATED'
    r = await c
    try:
        await c
    except RuntimeError as e:
        assert str(e) == 'cannot reuse already awaited coroutine'
    return r


for i in range(WARM):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        run(never())
        assert [str(w.message) for w in caught] == ["coroutine 'leaf' was never awaited"], caught
    assert run(later())[1] == (1, 2, 3)


async def not_a_coroutine(f):
    return await f(1)


for i in range(WARM):
    assert run(not_a_coroutine(leaf))[1] == (1, 2, 3)
for f in (lambda x: x, len, lambda x: pausing(x)):
    try:
        r = run(not_a_coroutine(f))
    except TypeError as e:
        assert "can't be awaited" in str(e) or 'no len' in str(e), e
    else:
        assert r == ([1], (1, None))


# ---- lifetime ------------------------------------------------------------------------------------------------------
class Held:
    pass


async def holds(o, late):
    ref = weakref.ref(o)
    if late:
        await pause()
    del o
    return ref()


async def gives(late):
    return await holds(Held(), late)


for i in range(WARM):
    assert run(gives(i % 2))[1] is None


async def suspended_holder(o):
    await pause()


async def above(o):
    await suspended_holder(o)


for i in range(WARM):
    o = Held()
    r = weakref.ref(o)
    c = above(o)
    c.send(None)
    o.me = c
    del o, c
    gc.collect()
    assert r() is None


# ---- frames ------------------------------------------------------------------------------------------------------------
async def frames():
    f = sys._getframe()
    return [f.f_code.co_name, f.f_back.f_code.co_name, f.f_back.f_lineno - f.f_back.f_code.co_firstlineno], f


async def calls_frames():
    return await frames()


for i in range(WARM):
    _, (names, f) = run(calls_frames())
    assert names == ['frames', 'calls_frames', 1]
    assert f.f_locals == {'f': f} and f.f_generator is None
    f.clear()


async def keeps_frame():
    f = sys._getframe()
    await pause(f)
    return f


async def awaits_keeper():
    return await keeps_frame()


for i in range(WARM):
    c = awaits_keeper()
    f = c.send(None)
    assert f.f_locals == {'f': f} and f.f_generator is c.cr_await and f.f_back is None
    try:
        c.send(None)
    except StopIteration as e:
        assert e.value is f
    f.clear()


async def recursive(n):
    return await recursive(n + 1)


for i in range(3):
    try:
        run(recursive(0))
    except RecursionError:
        pass
    else:
        assert False


# ---- tracing that begins within -----------------------------------------------------------------------------------------
events = []


def tracer(frame, event, arg):
    # Whether the end of an awaited coroutine counts as a StopIteration depends on how it is resumed.
    if frame.f_code.co_name in ('traced', 'awaits_traced') and event != 'exception':
        events.append((frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno))
    return tracer


async def traced(on, late):
    if on:
        sys.settrace(tracer)
        sys._getframe().f_trace = tracer
        sys._getframe().f_back.f_trace = tracer
    if late:
        await pause()
    return 5


async def awaits_traced(on, late):
    x = await traced(on, late)
    return x


for i in range(WARM):
    run(awaits_traced(False, False))
run(awaits_traced(True, False))
sys.settrace(None)
assert events == [
    ('traced', 'line', 4), ('traced', 'line', 5), ('traced', 'line', 7), ('traced', 'return', 7),
    ('awaits_traced', 'line', 2), ('awaits_traced', 'return', 2)], events
events.clear()
run(awaits_traced(True, True))
sys.settrace(None)
want = [
    ('traced', 'line', 4), ('traced', 'line', 5), ('traced', 'line', 6), ('traced', 'return', 6), ('awaits_traced', 'return', 1),
    ('awaits_traced', 'call', 1), ('traced', 'call', 6), ('traced', 'line', 7), ('traced', 'return', 7),
    ('awaits_traced', 'line', 2), ('awaits_traced', 'return', 2)]
assert events == want, events
events.clear()


# ---- async with, asyncio -----------------------------------------------------------------------------------------------
class Manager:
    def __init__(self, late):
        self.late = late

    async def __aenter__(self):
        if self.late:
            await asyncio.sleep(0)
        return var.get()

    async def __aexit__(self, kind, e, tb):
        if self.late:
            await asyncio.sleep(0)
        return kind is KeyError


var = contextvars.ContextVar('var')


async def manages(n):
    var.set(n)
    async with Manager(n % 2) as got:
        assert got == n
        raise KeyError
    return got


async def main():
    assert await asyncio.gather(*(manages(i) for i in range(WARM))) == list(range(WARM))
    task = asyncio.create_task(sleeps())
    await asyncio.sleep(0)
    frames = task.get_stack()
    assert [f.f_code.co_name for f in frames] == ['sleeps']
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert log == ['cancelled']
    graph = await graph_of()
    assert graph[:2] == ['current_graph', 'graph_of'], graph


async def sleeps():
    for _ in range(WARM):
        await short()
    try:
        await sleeps_long()
    except asyncio.CancelledError:
        log.append('cancelled')
        raise


async def short():
    return 1


async def sleeps_long():
    await asyncio.sleep(100)


async def graph_of():
    for _ in range(WARM):
        r = await current_graph()
    return r


async def current_graph():
    stack = asyncio.capture_call_graph().call_stack
    return [e.frame.f_code.co_name for e in stack]


log.clear()
asyncio.run(main())
