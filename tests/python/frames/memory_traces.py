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

# What lists, dicts, sets and bytearrays hold outside of themselves counts for the place where they were made.
tracemalloc.start()


def grown(make_one, fill):
    before, _ = tracemalloc.get_traced_memory()
    one = make_one()
    fill(one)
    now, _ = tracemalloc.get_traced_memory()
    return now - before, one


size, many = grown(list, lambda l: [l.append(None) for _ in range(100_000)] and None)
assert 800_000 <= size < 1_100_000, size
size, table = grown(dict, lambda d: d.update(dict.fromkeys(range(50_000))))
assert size > 800_000, size
size, members = grown(set, lambda s: s.update(range(50_000)))
assert size > 400_000, size
size, buffer = grown(bytearray, lambda b: b.extend(bytes(300_000)))
assert 300_000 <= size < 700_000, size
by_line = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)]).statistics("lineno")
assert by_line[0].size > 2_000_000, by_line[0]
before, _ = tracemalloc.get_traced_memory()
many.clear()
table.clear()
assert before - tracemalloc.get_traced_memory()[0] > 1_500_000
tracemalloc.stop()
