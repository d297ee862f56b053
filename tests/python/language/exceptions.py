"""Raising, catching, chaining, groups, tracebacks."""

import sys
import traceback


def f(x):
    try:
        if x:
            raise ValueError(x)
        return "plain"
    except ValueError as e:
        return e.args
    else:
        return "else"
    finally:
        global ran
        ran = True


ran = False
assert f(0) == "plain" and ran and f(5) == (5,)


def override():
    try:
        raise KeyError
    finally:
        return "finally wins"


assert override() == "finally wins"

# The name of a handler is unbound afterwards.
try:
    raise ValueError("x")
except ValueError as err:
    pass
assert "err" not in globals()


# Chaining.
def chain():
    try:
        try:
            1 / 0
        except ZeroDivisionError as first:
            try:
                raise KeyError("second") from first
            finally:
                pass
    except KeyError as e:
        return e


e = chain()
assert type(e.__cause__) is ZeroDivisionError and e.__context__ is e.__cause__ and e.__suppress_context__
try:
    try:
        [][1]
    except IndexError:
        {}["k"]
except KeyError as e:
    assert type(e.__context__) is IndexError and e.__cause__ is None and not e.__suppress_context__
try:
    try:
        [][1]
    except IndexError:
        raise TypeError from None
except TypeError as e:
    assert e.__suppress_context__ and type(e.__context__) is IndexError

# Raising in every form.
for thing, kind, text in (
    (ValueError, ValueError, ""),
    (ValueError("m"), ValueError, "m"),
    (5, TypeError, "exceptions must derive from BaseException"),
    (int, TypeError, "exceptions must derive from BaseException"),
):
    try:
        raise thing
    except BaseException as e:
        assert type(e) is kind and str(e) == text, (thing, e)
try:
    raise
except RuntimeError as e:
    assert str(e) == "No active exception to reraise"
try:
    raise ValueError from 5
except TypeError as e:
    assert str(e) == "exception causes must derive from BaseException"
try:
    try:
        raise ValueError
    except 5:
        pass
except TypeError as e:
    assert str(e) == "catching classes that do not inherit from BaseException is not allowed"

# sys.exception() follows the handlers, also through generators.
assert sys.exception() is None
try:
    raise KeyError("outer")
except KeyError as outer:

    def gen():
        assert sys.exception() is outer
        try:
            raise ValueError("inner")
        except ValueError:
            yield sys.exception()
        yield sys.exception()

    g = gen()
    assert type(next(g)) is ValueError
    assert sys.exception() is outer
    assert next(g) is outer
assert sys.exception() is None and sys.exc_info() == (None, None, None)


# Arguments and text.
assert str(KeyError("k")) == "'k'" and str(ValueError(1, 2)) == "(1, 2)" and repr(ValueError("a", 1)) == "ValueError('a', 1)"
e = OSError(2, "No such file or directory", "name")
assert type(e) is FileNotFoundError and e.errno == 2 and str(e) == "[Errno 2] No such file or directory: 'name'"
e = StopIteration(5)
assert e.value == 5
e = SystemExit(3)
assert e.code == 3
try:
    int("x")
except ValueError as e:
    e.add_note("a note")
    e.add_note("another")
    assert e.__notes__ == ["a note", "another"]
e = UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "invalid start byte")
assert str(e) == "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"

# Tracebacks.
def level1():
    level2()


def level2():
    raise RuntimeError("deep")


try:
    level1()
except RuntimeError as e:
    tb = e.__traceback__
    names, lines = [], []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        lines.append(tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno)
        tb = tb.tb_next
    assert names == ["<module>", "level1", "level2"] and lines[1:] == [1, 1], (names, lines)
    text = traceback.format_exception(e)
    assert text[0] == "Traceback (most recent call last):\n" and text[-1] == "RuntimeError: deep\n"
    assert '    level2()\n    ~~~~~~^^\n' in text[2], text[2]
    with_tb = e.with_traceback(None)
    assert with_tb is e and e.__traceback__ is None

# Groups.
group = ExceptionGroup("g", [ValueError(1), ExceptionGroup("nested", [TypeError(2), ValueError(3)]), OSError(4)])
match, rest = group.split(ValueError)
assert [type(x).__name__ for x in match.exceptions] == ["ValueError", "ExceptionGroup"]
assert [type(x).__name__ for x in rest.exceptions] == ["ExceptionGroup", "OSError"]
assert str(group) == "g (3 sub-exceptions)" and repr(ExceptionGroup("r", [KeyError()])) == "ExceptionGroup('r', [KeyError()])"
assert type(BaseExceptionGroup("b", [ValueError()])) is ExceptionGroup
assert type(BaseExceptionGroup("b", [KeyboardInterrupt()])) is BaseExceptionGroup

caught = []
try:
    try:
        raise group
    except* ValueError as eg:
        caught.append(("V", len(eg.exceptions)))
    except* TypeError as eg:
        caught.append(("T", eg.exceptions[0].exceptions[0].args))
except* OSError as eg:
    caught.append(("O", eg.exceptions[0].args))
assert caught == [("V", 2), ("T", (2,)), ("O", (4,))], caught
try:
    try:
        raise ValueError("naked")
    except* ValueError as eg:
        assert type(eg) is ExceptionGroup and eg.message == ""
        raise KeyError("new")
except KeyError as e:
    assert e.args == ("new",) and type(e.__context__) is ExceptionGroup
else:
    raise AssertionError


class MyGroup(ExceptionGroup):
    def derive(self, excs):
        return MyGroup(self.message + "!", excs)


m, r = MyGroup("mine", [ValueError(), KeyError()]).split(KeyError)
assert type(m) is MyGroup and m.message == "mine!"


# with statements: order, suppression, failures while entering.
log = []


class CM:
    def __init__(self, name, suppress=False, fail=False):
        self.name, self.suppress, self.fail = name, suppress, fail

    def __enter__(self):
        log.append(f"enter {self.name}")
        if self.fail:
            raise OSError(self.name)
        return self.name

    def __exit__(self, kind, value, tb):
        log.append(f"exit {self.name} {kind.__name__ if kind else None}")
        return self.suppress


with CM("a", suppress=True) as a, CM("b") as b:
    assert (a, b) == ("a", "b")
    raise ValueError
with (
    CM("c", suppress=True),
    CM("d", fail=True),
):
    raise AssertionError
assert log == ["enter a", "enter b", "exit b ValueError", "exit a ValueError", "enter c", "enter d", "exit c OSError"]


def leave():
    for i in range(3):
        with CM(i):
            if i == 0:
                continue
            return i


log.clear()
assert leave() == 1 and log == ["enter 0", "exit 0 None", "enter 1", "exit 1 None"]
try:
    with 5:
        pass
except TypeError as e:
    assert str(e) == "'int' object does not support the context manager protocol (missed __exit__ method)", str(e)

# Assertions.
try:
    assert 1 == 2, "message"
except AssertionError as e:
    assert e.args == ("message",)


# The exception a handler holds goes when the handler ends.
class Tracked:
    alive = 0

    def __init__(self):
        Tracked.alive += 1

    def __del__(self):
        Tracked.alive -= 1


def raiser():
    t = Tracked()
    raise ValueError


try:
    raiser()
except ValueError:
    assert Tracked.alive == 1
assert Tracked.alive == 0


# A frame that a `with` statement let an exception out of stands at the line that raised.
class Passing:
    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass


def raising():
    with Passing():
        1 / 0
        pass


try:
    raising()
except ZeroDivisionError as e:
    entry = e.__traceback__.tb_next
    assert entry.tb_frame.f_lineno == entry.tb_lineno == raising.__code__.co_firstlineno + 2, entry.tb_frame.f_lineno
else:
    raise AssertionError("nothing was raised")
