"""In which order operands are evaluated, and when an unbound name is noticed."""

log = []


def say(x):
    log.append(x)
    return x


def check(expected, function, *args):
    log.clear()
    function(*args)
    assert log == expected, (function.__name__, log, expected)


def binary():
    say(1) + say(2) * say(3)


def call():
    say(print_nothing)(say("a"), *say(["b"]), k=say("c"), **say({"d": 1}))


def print_nothing(*args, **kwargs):
    log.append(("called", args, tuple(kwargs)))


def subscript():
    d = {}
    d[say("key")] = say("value")


def subscript_target():
    say({})[say("key")] = say("value")


def chained():
    assert say(1) < say(2) < say(3)
    assert not (say(4) < say(0) < say(9))


def dictionary():
    {say("k1"): say("v1"), say("k2"): say("v2")}


def augmented():
    class Box:
        def __getitem__(self, i):
            log.append(("get", i))
            return 1

        def __setitem__(self, i, v):
            log.append(("set", i, v))

    box = Box()
    box[say("i")] += say(5)


def conditional():
    say("yes") if say(True) else say("no")
    say(0) and say("never")
    say(0) or say("other")


def assignment():
    class T:
        def __setattr__(self, name, value):
            log.append(("set", name, value))

    t = T()
    t.a = t.b = say(1)
    t.x, (t.y, *t.z) = say((1, (2, 3, 4)))


def annotations():
    class C:
        x: say("annotation never runs") = say("value")

    def f(a=say("default"), *, b: say("nor this") = say("kwdefault")):
        pass


def decorators():
    @say
    @(say(lambda f: f))
    def f(a=say("default")):
        pass


check([1, 2, 3], binary)
check([print_nothing, "a", ["b"], "c", {"d": 1}, ("called", ("a", "b"), ("k", "d"))], call)
check(["value", "key"], subscript)
check(["value", {"key": "value"}, "key"], subscript_target)
check([1, 2, 3, 4, 0], chained)
check(["k1", "v1", "k2", "v2"], dictionary)
check(["i", ("get", "i"), 5, ("set", "i", 6)], augmented)
check([True, "yes", 0, 0, "other"], conditional)
check([1, ("set", "a", 1), ("set", "b", 1), (1, (2, 3, 4)), ("set", "x", 1), ("set", "y", 2), ("set", "z", [3, 4])],
      assignment)
check(["value", "default", "kwdefault"], annotations)


# An operand is read where it stands, whatever is assigned later in the expression.
def walrus():
    x = 1
    assert x + (x := 5) == 6
    assert x == 5
    x = 2
    assert (x, x := 3, x) == (2, 3, 3)
    y = [x, *(x := i for i in (7, 8)), x]
    assert y == [3, 7, 8, 8]
    a = 1
    assert a + (lambda: 10)() + (a := 100) == 111


walrus()


def rebinding_inside_call():
    x = 1

    def side():
        nonlocal x
        x = 50
        return 1

    assert x + side() == 2
    assert x == 50


rebinding_inside_call()


# An unbound name raises before what follows it is evaluated.
def unbound_first():
    log.clear()
    try:
        y + say("side")
    except UnboundLocalError as e:
        assert log == []
        assert str(e) == "cannot access local variable 'y' where it is not associated with a value", str(e)
    else:
        raise AssertionError
    if False:
        y = 1
    for z in ():
        pass
    try:
        z
    except UnboundLocalError:
        pass
    else:
        raise AssertionError


unbound_first()


def deleted():
    x = 1
    del x
    try:
        print(x)
    except UnboundLocalError:
        pass
    else:
        raise AssertionError
    try:
        del x
    except UnboundLocalError as e:
        assert "'x'" in str(e)
    else:
        raise AssertionError


deleted()


def free_unbound():
    def inner():
        return later

    try:
        inner()
    except NameError as e:
        assert str(e) == "cannot access free variable 'later' where it is not associated with a value in enclosing scope"
    else:
        raise AssertionError
    later = 1
    assert inner() == 1
    del later
    try:
        inner()
    except NameError:
        pass
    else:
        raise AssertionError


free_unbound()

try:
    no_such_global
except NameError as e:
    assert str(e) == "name 'no_such_global' is not defined" and e.name == "no_such_global"


# Del statements, loops and finally.
def finally_order():
    log.clear()

    def f():
        try:
            return say("returned")
        finally:
            say("finally")

    assert f() == "returned"
    for i in range(3):
        try:
            if i == 1:
                continue
            if i == 2:
                break
        finally:
            say(i)
    else:
        say("else")
    assert log == ["returned", "finally", 0, 1, 2]


finally_order()


def loop_else():
    for _ in ():
        pass
    else:
        x = "else"
    n = 3
    while n:
        n -= 1
    else:
        x += " else"
    return x


assert loop_else() == "else else"
