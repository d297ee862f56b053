def f(a, w):
    x = f"a{a}b{a!r:>{w}}{a=}"
    t = t"hello {a!s:x} {w}"
    return "a" "b" + "c", f"{a}", 1 + 2 * 3, -1, (1, 2)[0], "abc"[1], [1, 2, 3], {1, 2, 3}, a[1:2], a[w:], a[::w]

def percent(a, b):
    return '%s: %r%%' % (a, b), '%d' % (a,), '%s' % a
