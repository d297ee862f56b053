"""Audit hooks see what programs do, with CPython's names and arguments. Hooks stay, so this program is on its own."""
import gc
import marshal
import mmap
import os
import signal
import socket
import sys
import tempfile
import threading
import time

seen = []
watching = False


def hook(event, args):
    if watching:
        seen.append((event, args))


sys.addaudithook(hook)


def events(action, *names):
    """The events of these names (all, if there are none) that an action raises."""
    global watching
    seen.clear()
    watching = True
    try:
        action()
    except (OSError, ValueError, EOFError, TypeError):
        pass
    finally:
        watching = False
    return [e for e in seen if not names or e[0] in names]


def function(a=1):
    return a


class Plain:
    pass


class Other:
    pass


with tempfile.TemporaryDirectory() as folder:
    a, b, c = (os.path.join(folder, n) for n in "abc")
    [(name, args)] = events(lambda: open(a, "w").close())
    assert name == "open" and args[:2] == (a, "w") and args[2] & os.O_CLOEXEC, args
    [(name, args)] = events(lambda: os.close(os.open(a, os.O_RDONLY)))
    assert (name, args) == ("open", (a, None, os.O_RDONLY | os.O_CLOEXEC)), args
    assert events(lambda: os.rename(a, b)) == [("os.rename", (a, b, -1, -1))]
    assert events(lambda: os.link(b, c)) == [("os.link", (b, c, -1, -1))]
    assert events(lambda: os.symlink("b", a)) == [("os.symlink", ("b", a, -1))]
    assert events(lambda: os.chmod(b, 0o600)) == [("os.chmod", (b, 0o600, -1))]
    assert events(lambda: os.utime(b)) == [("os.utime", (b, None, None, -1))]
    assert events(lambda: os.truncate(b, 3)) == [("os.truncate", (b, 3))]
    assert events(lambda: os.remove(c)) == [("os.remove", (c, -1))]
    assert events(lambda: os.mkdir(c)) == [("os.mkdir", (c, 0o777, -1))]
    assert events(lambda: os.listdir(c)) == [("os.listdir", (c,))]
    assert events(lambda: os.rmdir(c)) == [("os.rmdir", (c, -1))]
    assert events(lambda: os.chdir(os.getcwd()))[0][0] == "os.chdir"
    assert events(lambda: os.execv("/nowhere/at/all", ["x"])) == [("os.exec", ("/nowhere/at/all", ["x"], None))]
    assert [e[0] for e in events(lambda: os.listxattr(b))] == ["os.listxattr"]

assert events(lambda: os.putenv("A", "b")) == [("os.putenv", (b"A", b"b"))]
assert events(lambda: os.unsetenv("A")) == [("os.unsetenv", (b"A",))]
assert events(lambda: os.system("true")) == [("os.system", (b"true",))]
assert events(lambda: os.kill(os.getpid(), 0)) == [("os.kill", (os.getpid(), 0))]
assert events(lambda: signal.pthread_kill(threading.get_ident(), 0))[0][0] == "signal.pthread_kill"
assert events(lambda: time.sleep(0)) == [("time.sleep", (0,))]
assert events(lambda: time.sleep(-1)) == [("time.sleep", (-1,))]

assert events(lambda: compile("1", "x", "eval")) == [("compile", (b"1", "x"))]
assert [e[0] for e in events(lambda: exec("1"))] == ["compile", "exec"]
assert [e[0] for e in events(lambda: eval("1"))] == ["compile", "exec"]
[(name, (code,))] = events(lambda: exec(function.__code__), "exec")
assert code is function.__code__
assert [e[0] for e in events(lambda: marshal.loads(marshal.dumps(1)))] == ["marshal.dumps", "marshal.loads"]
assert events(lambda: id(events)) == [("builtins.id", (id(events),))]
assert events(sys._getframe) and seen[0][0] == "sys._getframe"
assert events(lambda: sys._getframemodulename(0)) == [("sys._getframemodulename", (0,))]

sys.modules.pop("this_is_nowhere", None)


def missing():
    try:
        import this_is_nowhere
    except ImportError:
        pass


[(name, args)] = events(missing, "import")
assert args[:2] == ("this_is_nowhere", None) and args[2] == sys.path, args
assert args[3] == sys.meta_path and args[4] == sys.path_hooks


def change_class():
    Plain().__class__ = Other


[(name, args)] = events(change_class)
assert name == "object.__setattr__" and args[1:] == ("__class__", Other), args
assert [(e, a[1]) for e, a in events(lambda: setattr(function, "__defaults__", ()))] == \
    [("object.__setattr__", "__defaults__")]
assert [(e, a[1]) for e, a in events(lambda: function.__code__)] == [("object.__getattr__", "__code__")]
[(name, args)] = events(lambda: function.__code__.replace(co_name="q"), "code.__new__")
assert args[1:4] == (__file__, "q", 1), args

assert events(lambda: gc.get_objects(0)) == [("gc.get_objects", (0,))]
assert events(lambda: gc.get_referents(Plain)) == [("gc.get_referents", ((Plain,),))]
assert events(lambda: mmap.mmap(-1, 10).close()) == [("mmap.__new__", (-1, 10, 0, 0))]

with socket.socket() as s:
    [(name, args)] = events(lambda: s.bind(("127.0.0.1", 0)))
    assert (name, args) == ("socket.bind", (s, ("127.0.0.1", 0)))
[(name, args)] = events(lambda: socket.socket().close(), "socket.__new__")
assert args[1:] == (socket.AF_INET, socket.SOCK_STREAM, 0), args
[(name, args)] = events(lambda: socket.gethostbyname("127.0.0.1"), "socket.gethostbyname")
assert args == ("127.0.0.1",), args


def start_thread():
    t = threading.Thread(target=list)
    t.start()
    t.join()


[(name, args)] = events(start_thread, "_thread.start_joinable_thread")
assert args[1] == 0 and args[2] is not None, args


class Careless:
    def __del__(self):
        raise ValueError("lost")


unraisable = []
sys.unraisablehook = unraisable.append
[(name, args)] = events(Careless, "sys.unraisablehook")
assert args[0] == unraisable.append and args[1].exc_type is ValueError
sys.unraisablehook = sys.__unraisablehook__

# A hook that raises stops what it was told of.
stop = False


def strict(event, args):
    if stop and event in ("open", "os.mkdir"):
        raise PermissionError(event)


sys.addaudithook(strict)
stop = True
for action in (lambda: open("/nowhere"), lambda: os.mkdir("/nowhere/new")):
    try:
        action()
    except PermissionError as e:
        assert e.args[0] in ("open", "os.mkdir")
    else:
        raise AssertionError("the hook was passed over")
stop = False


# Hooks are not traced, unless they ask for that.
class Counted:
    def __call__(self, event, args):
        pass


counted = Counted()
sys.addaudithook(counted)
calls = []
trace = sys.gettrace()
sys.settrace(lambda frame, event, arg: calls.append(event) if frame.f_code is Counted.__call__.__code__ else None)
eval("1")
counted.__cantrace__ = True
eval("2")
sys.settrace(trace)
assert calls in (["call"] * 2, ["call"] * 3), calls
