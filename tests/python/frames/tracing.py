"""sys.settrace and sys.setprofile: which events a function fires, on which lines, and jumps."""

import sys
import threading
import warnings


def record(func, *args, code=None):
    code = code or func.__code__
    events = []

    def tracer(frame, event, arg):
        if frame.f_code is not code:
            return None
        assert frame.f_lineno is not None
        events.append((frame.f_lineno - code.co_firstlineno, event))
        return tracer

    sys.settrace(tracer)
    try:
        func(*args)
    except ZeroDivisionError:
        pass
    finally:
        sys.settrace(None)
    return events


def straight():
    a = 1
    b = a + 1
    return b


assert record(straight) == [(0, "call"), (1, "line"), (2, "line"), (3, "line"), (3, "return")]


def loop():
    for i in range(2):
        pass


assert record(loop) == [
    (0, "call"), (1, "line"), (2, "line"), (1, "line"), (2, "line"), (1, "line"), (1, "return")]


def tight():
    i = 0
    while i < 3: i += 1


assert record(tight) == [(0, "call"), (1, "line"), (2, "line"), (2, "line"), (2, "line"), (2, "line"), (2, "return")]


def raising():
    try:
        1 / 0
    except ZeroDivisionError:
        x = 1
    return x


assert record(raising) == [
    (0, "call"), (1, "line"), (2, "line"), (2, "exception"), (3, "line"), (4, "line"), (5, "line"), (5, "return")]


def escaping():
    1 / 0


assert record(escaping) == [(0, "call"), (1, "line"), (1, "exception"), (1, "return")]


def spread(a, b):
    return (a
            + b)


assert record(spread, 1, 2) == [(0, "call"), (1, "line"), (2, "line"), (1, "line"), (1, "return")]


def numbers():
    yield 1
    yield 2


assert record(lambda: list(numbers()), code=numbers.__code__) == [
    (0, "call"), (1, "line"), (1, "return"), (1, "call"), (2, "line"), (2, "return"), (2, "call"), (2, "return")]


# A trace function that raises is removed, and its exception goes on.
def bad(frame, event, arg):
    raise KeyError(event)


sys.settrace(bad)
try:
    straight()
except KeyError as e:
    assert e.args == ("call",)
else:
    raise AssertionError("no error")
assert sys.gettrace() is None


# Arguments: return values, exceptions.
def arguments():
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code is escaping.__code__ or frame.f_code is straight.__code__:
            seen.append((event, arg))
            return tracer

    sys.settrace(tracer)
    straight()
    try:
        escaping()
    except ZeroDivisionError:
        pass
    sys.settrace(None)
    return seen


seen = arguments()
assert ("return", 2) in seen and ("return", None) in seen
exc = [arg for event, arg in seen if event == "exception"]
assert len(exc) == 1 and exc[0][0] is ZeroDivisionError and isinstance(exc[0][1], ZeroDivisionError), exc
assert exc[0][2].tb_frame.f_code is escaping.__code__


# Lines can be switched off by frame, opcodes on.
def switches(lines, opcodes):
    kinds = set()

    def tracer(frame, event, arg):
        if frame.f_code is not straight.__code__:
            return None
        frame.f_trace_lines = lines
        frame.f_trace_opcodes = opcodes
        kinds.add(event)
        return tracer

    sys.settrace(tracer)
    straight()
    sys.settrace(None)
    return kinds


assert switches(True, False) == {"call", "line", "return"}
assert switches(False, False) == {"call", "return"}
assert switches(False, True) - {"opcode"} == {"call", "return"}


# Jumps.
def jumping(out):
    out.append(1)
    out.append(2)
    out.append(3)


def jump(func, start, target, expected):
    first = func.__code__.co_firstlineno
    done = []

    def tracer(frame, event, arg):
        if frame.f_code is func.__code__ and event == "line" and frame.f_lineno == first + start and not done:
            done.append(1)
            frame.f_lineno = first + target
        return tracer

    out = []
    sys.settrace(tracer)
    try:
        func(out)
    finally:
        sys.settrace(None)
    assert out == expected, out


jump(jumping, 2, 3, [1, 3])
jump(jumping, 3, 1, [1, 2, 1, 2, 3])


def out_of_loop(out):
    for i in 1, 2, 3:
        out.append(i)
    out.append("end")


jump(out_of_loop, 2, 3, ["end"])
for start, target, text in (3, 2, "for loop"), (1, 40, "after"), (1, -3, "before"):
    try:
        jump(out_of_loop, start, target, None)
    except ValueError as e:
        assert text in str(e), e
    else:
        raise AssertionError((start, target))

try:
    sys._getframe().f_lineno = 1
except ValueError as e:
    assert "trace function" in str(e)


def skips_binding(out):
    x = 1
    out.append(x)


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    jump(skips_binding, 1, 2, [None])
assert "assigning None to 1 unbound local" in str(caught[0].message)


# Profiles see native calls.
def profile(func):
    events = []

    def profiler(frame, event, arg):
        if event.startswith("c_"):
            events.append((event, arg.__name__))
        elif frame.f_code is func.__code__:
            events.append((event, arg))

    sys.setprofile(profiler)
    try:
        func()
    except TypeError:
        pass
    sys.setprofile(None)
    return [e for e in events if e[1] != "setprofile"]


def native():
    len([])
    [].append(1)
    return 5


def native_error():
    len(3)


assert profile(native) == [
    ("call", None), ("c_call", "len"), ("c_return", "len"), ("c_call", "append"), ("c_return", "append"),
    ("return", 5)]
assert profile(native_error) == [
    ("call", None), ("c_call", "len"), ("c_exception", "len"), ("return", None)]

# Threads have trace functions of their own.
calls = []
threading.settrace(lambda frame, event, arg: calls.append((frame.f_code.co_name, event)))
t = threading.Thread(target=straight)
t.start()
t.join()
threading.settrace(None)
assert ("straight", "call") in calls and sys.gettrace() is None
