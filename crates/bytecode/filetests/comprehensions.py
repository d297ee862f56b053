def f(xs, n):
    a = [x * n for x in xs if x]
    b = {x: y for x in xs for y in [x + 1]}
    c = (lambda: x for x in xs)
    return [lambda: i for i in a], {n for n in xs}

ys = [x for x in z]

class K:
    ys = [x + y for x in range(3)]
