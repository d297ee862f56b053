"""sys.monitoring: tools, events in all code and in one code object, disabling and restarting."""

import sys

m = sys.monitoring
E = m.events
TOOL = 3


def watch(func, *events, local=True, before=None):
    seen = []
    m.use_tool_id(TOOL, "test")
    try:
        mask = 0
        for name in events:
            event = getattr(E, name)
            mask |= event
            m.register_callback(
                TOOL, event, lambda code, *args, name=name: code is func.__code__ and seen.append((name, *args)))
        if local:
            m.set_local_events(TOOL, func.__code__, mask)
        else:
            m.set_events(TOOL, mask)
        try:
            func()
        except ZeroDivisionError:
            pass
    finally:
        m.free_tool_id(TOOL)
    return seen


def lines(func):
    return [line - func.__code__.co_firstlineno for _, line in watch(func, "LINE")]


def body():
    a = 1
    if a:
        b = 2
    return b


assert lines(body) == [1, 2, 3, 4]
assert [e[0] for e in watch(body, "PY_START", "PY_RETURN")] == ["PY_START", "PY_RETURN"]
assert watch(body, "PY_RETURN")[0][2] == 2


def two_ways():
    for i in range(2):
        pass


branches = watch(two_ways, "BRANCH_LEFT", "BRANCH_RIGHT")
assert [e[0] for e in branches] == ["BRANCH_LEFT", "BRANCH_LEFT", "BRANCH_RIGHT"]
lefts = {(a, b) for a, b, c in two_ways.__code__.co_branches()}
rights = {(a, c) for a, b, c in two_ways.__code__.co_branches()}
assert branches[0][1:] in lefts and branches[2][1:] in rights
assert [e[0] for e in watch(two_ways, "JUMP")] == ["JUMP", "JUMP"]


def calls():
    len("abc")
    "abc".upper()
    body()


found = watch(calls, "CALL")
assert [(f.__name__, a) for _, _, f, a in found] == [("len", "abc"), ("upper", "abc"), ("body", m.MISSING)], found


def failing():
    try:
        1 / 0
    except ZeroDivisionError:
        raise


assert [e[0] for e in watch(failing, "RAISE", "EXCEPTION_HANDLED", "RERAISE", "PY_UNWIND", local=False)] in (
    ["RAISE", "EXCEPTION_HANDLED", "RERAISE", "PY_UNWIND"],
    ["RAISE", "EXCEPTION_HANDLED", "RERAISE", "EXCEPTION_HANDLED", "RERAISE", "PY_UNWIND"])


def generator():
    yield 1
    yield 2


def run_generator():
    seen = []
    m.use_tool_id(TOOL, "test")
    for name in "PY_START", "PY_YIELD", "PY_RESUME", "PY_RETURN":
        m.register_callback(TOOL, getattr(E, name), lambda code, *args, name=name: seen.append(name))
    m.set_local_events(TOOL, generator.__code__, E.PY_START | E.PY_YIELD | E.PY_RESUME | E.PY_RETURN)
    assert list(generator()) == [1, 2]
    m.free_tool_id(TOOL)
    return seen


assert run_generator() == [
    "PY_START", "PY_YIELD", "PY_RESUME", "PY_YIELD", "PY_RESUME", "PY_RETURN"]


# Events switched on take effect in the running function at once, and off again.
def at_once():
    seen = []
    m.use_tool_id(TOOL, "test")
    m.register_callback(TOOL, E.LINE, lambda code, line: seen.append(line - code.co_firstlineno))
    m.set_events(TOOL, E.LINE)
    a = 1
    m.set_events(TOOL, 0)
    b = 2
    m.free_tool_id(TOOL)
    return seen


assert at_once() == [5, 6], at_once()


# DISABLE holds for one place until events are restarted.
def disabling():
    seen = []

    def once(code, line):
        seen.append(line)
        return m.DISABLE

    m.use_tool_id(TOOL, "test")
    m.register_callback(TOOL, E.LINE, once)
    m.set_local_events(TOOL, two_ways.__code__, E.LINE)
    two_ways()
    first = len(seen)
    two_ways()
    assert len(seen) == first
    m.restart_events()
    two_ways()
    assert len(seen) == 2 * first
    m.free_tool_id(TOOL)
    return first


assert disabling() in (2, 3)


def forbidden():
    m.use_tool_id(TOOL, "test")
    m.register_callback(TOOL, E.RAISE, lambda *args: m.DISABLE)
    m.set_events(TOOL, E.RAISE)
    try:
        1 / 0
    except ValueError as e:
        assert "Cannot disable RAISE" in str(e)
    finally:
        m.free_tool_id(TOOL)


forbidden()


# An error in a callback takes its way like any other.
def erring():
    m.use_tool_id(TOOL, "test")

    def callback(code, offset, *rest):
        raise KeyError("callback")

    for event in E.CALL, E.PY_RETURN, E.BRANCH_LEFT, E.INSTRUCTION, E.LINE, E.PY_START:
        m.register_callback(TOOL, event, callback)
        for func in calls, two_ways, body:
            m.set_local_events(TOOL, func.__code__, event)
            try:
                func()
            except KeyError as e:
                assert e.args == ("callback",)
            m.set_local_events(TOOL, func.__code__, 0)
        m.register_callback(TOOL, event, None)
    m.free_tool_id(TOOL)


erring()

for call in (lambda: m.use_tool_id(6, "x"), lambda: m.set_events(1, 1), lambda: m.get_tool(-1)):
    try:
        call()
    except ValueError:
        pass
    else:
        raise AssertionError("no ValueError")
assert m.get_tool(TOOL) is None and m._all_events() == {}


# The start of a function stands for all of its line: a function written in one has no line events of its own.
def one(): return 1


def two():
    return 2


lines = []
m.use_tool_id(4, "lines")
m.register_callback(4, m.events.LINE, lambda code, line: lines.append((code.co_name, line - code.co_firstlineno)))
for f in (one, two):
    m.set_local_events(4, f.__code__, m.events.LINE)
one(), two()
assert lines == [("two", 1)], lines
for f in (one, two):
    m.set_local_events(4, f.__code__, 0)
m.free_tool_id(4)

# Loops hear of the end of a generator, and of what a `__next__` raises.
ends = []
m.use_tool_id(4, "ends")
for event in ("STOP_ITERATION", "RAISE"):
    def note(code, offset, e, event=event):
        ends.append((event, code.co_name, repr(e)))
    m.register_callback(4, getattr(m.events, event), note)


def plain():
    yield 1


def valued():
    yield 1
    return 5


class Raising:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(3)


def loop(it):
    for _ in it:
        pass


m.set_events(4, m.events.STOP_ITERATION | m.events.RAISE)
loop(plain())
loop(valued())
loop(Raising())
loop([1])
m.set_events(4, 0)
m.free_tool_id(4)
assert ends == [("STOP_ITERATION", "loop", "StopIteration()"), ("STOP_ITERATION", "loop", "StopIteration(5)"),
                ("RAISE", "__next__", "StopIteration(3)"), ("RAISE", "loop", "StopIteration(3)")], ends
