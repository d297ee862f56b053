"""cProfile: counts of calls, callers, recursion."""

import cProfile
import pstats


def leaf():
    return len("abc")


def twice():
    leaf()
    leaf()


def down(n):
    return n and down(n - 1)


p = cProfile.Profile()
p.enable()
twice()
down(3)
p.disable()
stats = {(e.code.co_name if hasattr(e.code, "co_name") else e.code): e for e in p.getstats()}
assert stats["leaf"].callcount == 2 and stats["twice"].callcount == 1
assert stats["<built-in method builtins.len>"].callcount == 2
assert stats["down"].callcount == 4 and stats["down"].reccallcount == 3
assert [c.code.co_name for c in stats["twice"].calls] == ["leaf"] and stats["twice"].calls[0].callcount == 2
assert stats["twice"].totaltime >= stats["twice"].inlinetime >= 0
result = pstats.Stats(p)
assert any(key[2] == "leaf" for key in result.stats)

first, second = cProfile.Profile(), cProfile.Profile()
first.enable()
try:
    second.enable()
except ValueError as e:
    assert "already in use" in str(e)
else:
    raise AssertionError("two profilers at once")
finally:
    first.disable()
