def f(a, b):
    if a:
        b(
            a,
            a +
            b)
    x = (
        a
    )
    while a:
        pass

def g(x):
    if x:
        return [
            x,
            1]
