def bound(x, y):
    z = x + y * 2
    return z - x

def maybe(c):
    if c:
        v = 1
    return v + c

def walrus(x):
    return x + (x := 5)

def both(c):
    if c:
        v = 1
    else:
        v = 2
    return v

def swap(a, b):
    a, b = b, a
    return a < b < 10, not a is b

def deleted(x):
    del x
    return x
