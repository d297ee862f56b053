def f(s):
    match s:
        case 1 | "a":
            return 1
        case [x, y, *rest] if x:
            return rest
        case [_, *_, last]:
            return last
        case {"k": v, **kw}:
            return v, kw
        case Point(x=0) | Point(0, 0):
            return 0
        case str() as text:
            return text
        case (a, 1) | (1, a):
            return a
        case None:
            return None
        case _:
            return s
