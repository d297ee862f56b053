def outer(p):
    n = 1
    def inner():
        nonlocal n
        global g
        n += p
        g = n
        return inner
    del n
    return inner
