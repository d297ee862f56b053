"""tracemalloc: where objects that are alive were allocated."""

import tracemalloc

assert not tracemalloc.is_tracing() and tracemalloc.get_traced_memory() == (0, 0)
tracemalloc.start(3)
assert tracemalloc.is_tracing() and tracemalloc.get_traceback_limit() == 3
before, _ = tracemalloc.get_traced_memory()


def make():
    return bytes(100_000)


data = make()
now, peak = tracemalloc.get_traced_memory()
assert now - before >= 100_000 and peak >= now
where = tracemalloc.get_object_traceback(data)
assert where[-1].lineno == make.__code__.co_firstlineno + 1 and where[-1].filename == __file__
snapshot = tracemalloc.take_snapshot()
biggest = snapshot.statistics("lineno")[0]
assert biggest.size >= 100_000 and biggest.traceback[0].lineno == make.__code__.co_firstlineno + 1
del snapshot, biggest, where
now, _ = tracemalloc.get_traced_memory()
del data
after, _ = tracemalloc.get_traced_memory()
assert now - after >= 100_000
tracemalloc.reset_peak()
assert tracemalloc.get_traced_memory()[1] < peak
tracemalloc.stop()
assert not tracemalloc.is_tracing() and tracemalloc.get_object_traceback(make) is None
kept = [object() for _ in range(1000)]
del kept
