def f(xs):
    for i in range(10):
        if i in (1, 2):
            continue
        elif i == 5:
            break
    else:
        print("done")
    while xs and i is not None:
        i -= 1
    for a, b in xs:
        pass

def evens(n):
    i = 0
    while True:
        if i > n:
            return i
        i += 2
