# Functions with more parameters and variables than operands can name directly.
import marshal

count = 40_000
names = [f"v{i}" for i in range(count)]
space = {}
exec(f"def f({', '.join(names)}): return v0, v{count - 1}, v32767, v32768", space)
f = space["f"]
assert f(*range(count)) == (0, count - 1, 32767, 32768)
assert f(*range(count - 3), **dict(zip(names[-3:], "abc"))) == (0, "c", 32767, 32768)
assert marshal.loads(marshal.dumps(f.__code__)) == f.__code__
exec(f"def g({', '.join(names)}):\n yield v{count - 1}\n yield v32768", space)
assert list(space["g"](*range(count))) == [count - 1, 32768]
exec(f"def h({', '.join(names[:-3])}, *, {', '.join(names[-3:])}, **rest): v40 = v{count - 2}; return v40, rest", space)
assert space["h"](*range(count - 3), **dict(zip(names[-3:], "abc")), other=6) == ("b", {"other": 6})


class Alive:
    living = 0

    def __init__(self):
        Alive.living += 1

    def __del__(self):
        Alive.living -= 1


f(*[Alive() for _ in range(count)])
assert Alive.living == 0

print("many locals: ok")
