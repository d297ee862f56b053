"""Threads: taking turns, waiting, local data, what happens at the end, forks."""

import _thread
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref

# A thread that only computes gives way.
counts = {"a": 0, "b": 0}
stop = False


def spin(name):
    while not stop:
        counts[name] += 1


threads = [threading.Thread(target=spin, args=(n,)) for n in counts]
for t in threads:
    t.start()
start = time.monotonic()
while not all(counts.values()) and time.monotonic() < start + 20:
    time.sleep(0.001)
stop = True
for t in threads:
    t.join()
assert all(counts.values())

# Locks: timeouts, misuse, reentrancy.
lock = _thread.allocate_lock()
assert lock.acquire() and not lock.acquire(False)
start = time.monotonic()
assert not lock.acquire(timeout=0.05)
assert 0.04 < time.monotonic() - start < 5
lock.release()
for bad in (lambda: lock.release(), lambda: lock.acquire(False, 1), lambda: lock.acquire(timeout=-2), lambda: lock.acquire(timeout=1e100)):
    try:
        bad()
    except (RuntimeError, ValueError, OverflowError):
        pass
    else:
        assert False, bad
rlock = threading.RLock()
with rlock, rlock:
    assert rlock._is_owned() and rlock._recursion_count() == 2
    result = []
    t = threading.Thread(target=lambda: result.append(rlock.acquire(blocking=False)))
    t.start()
    t.join()
    assert result == [False]
assert not rlock.locked()

# Handles.
handle = _thread.start_joinable_thread(lambda: time.sleep(0.02))
assert handle.ident and not handle.is_done()
handle.join()
assert handle.is_done()
handle.join()
for bad in (_thread._ThreadHandle().join, lambda: threading.current_thread().join()):
    try:
        bad()
    except RuntimeError:
        pass
    else:
        assert False

# Thread-local data ends with the object and with the thread.
class Payload:
    pass


local = threading.local()
refs = []


def use():
    local.value = Payload()
    refs.append(weakref.ref(local.value))


t = threading.Thread(target=use)
t.start()
t.join()
gc.collect()
assert refs[0]() is None and not hasattr(local, "value")
local.value = Payload()
ref = weakref.ref(local.value)
del local
gc.collect()
assert ref() is None


class Initialised(threading.local):
    def __init__(self, x):
        self.x = [x]


shared = Initialised(3)
seen = []
t = threading.Thread(target=lambda: (shared.x.append(4), seen.append(shared.x)))
t.start()
t.join()
assert shared.x == [3] and seen == [[3, 4]]

# Frames and exceptions of all threads.
event = threading.Event()
ready = threading.Event()


def waiting_here():
    try:
        raise KeyError("kept")
    except KeyError:
        ready.set()
        event.wait()


t = threading.Thread(target=waiting_here)
t.start()
ready.wait()
frame = sys._current_frames()[t.ident]
names = []
while frame:
    names.append(frame.f_code.co_name)
    frame = frame.f_back
assert "waiting_here" in names, names
assert isinstance(sys._current_exceptions()[t.ident], KeyError)
event.set()
t.join()

# Uncaught exceptions.
reports = []
old, threading.excepthook = threading.excepthook, reports.append
t = threading.Thread(target=lambda: 1 / 0)
t.start()
t.join()
threading.excepthook = old
assert reports[0].exc_type is ZeroDivisionError and reports[0].thread is t
unraised = []
old, sys.unraisablehook = sys.unraisablehook, unraised.append
done = _thread.allocate_lock()
done.acquire()


def task():
    try:
        raise ValueError("lost")
    finally:
        done.release()


_thread.start_new_thread(task, ())
done.acquire()
for _ in range(1000):
    if unraised:
        break
    time.sleep(0.005)
sys.unraisablehook = old
assert unraised[0].err_msg == f"Exception ignored in thread started by {task!r}", unraised
unraised.clear()

# Signals reach the main thread, wherever it is.
def on_alarm(number, frame):
    raise InterruptedError("handler")


signal.signal(signal.SIGALRM, on_alarm)
for wait in (lambda: time.sleep(10), lambda: _thread.allocate_lock().acquire() and lock.acquire() and lock.acquire(), lambda: signal.pause()):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    start = time.monotonic()
    try:
        wait()
    except InterruptedError:
        assert time.monotonic() - start < 5
    else:
        assert False
    if lock.locked():
        lock.release()
signal.signal(signal.SIGALRM, signal.SIG_DFL)
# Whoever started the program in the background may have had the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    _thread.interrupt_main()
    time.sleep(1)
except KeyboardInterrupt:
    pass
else:
    assert False
read, write = os.pipe()
os.set_blocking(write, False)
old = signal.set_wakeup_fd(write)
signal.signal(signal.SIGUSR1, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR1)
assert os.read(read, 1) == bytes([signal.SIGUSR1])
signal.set_wakeup_fd(old)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
assert signal.sigpending() >= {signal.SIGUSR2}
assert signal.sigtimedwait([signal.SIGUSR2], 5).si_signo == signal.SIGUSR2
assert signal.sigtimedwait([signal.SIGUSR2], 0) is None
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])

# Forks: the child has one thread, the calling one.
release = threading.Event()
helper = threading.Thread(target=release.wait)
helper.start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pid = os.fork()
    if pid == 0:
        ok = threading.enumerate() == [threading.current_thread()] and not helper.is_alive()
        t = threading.Thread(target=lambda: None)
        t.start()
        t.join()
        os._exit(0 if ok and threading.main_thread() is threading.current_thread() else 1)
assert [w.category for w in caught] == [DeprecationWarning] and "multi-threaded" in str(caught[0].message)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
calls = []
os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("parent"), after_in_child=lambda: calls.append("child"))


def fork_here():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        os._exit(0 if calls == ["before", "child"] and threading.main_thread() is threading.current_thread() else 1)
    calls.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


t = threading.Thread(target=fork_here)
t.start()
t.join()
assert calls == ["before", "parent", 0], calls
release.set()
helper.join()

# Daemon threads do not keep the process, whatever they do.
code = """
import threading, time
def busy():
    while True:
        [x for x in range(100)]
for f in (busy, busy, lambda: time.sleep(100), threading.Event().wait):
    threading.Thread(target=f, daemon=True).start()
time.sleep(0.05)
print("done")
"""
for _ in range(3):
    p = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert (p.returncode, p.stdout, p.stderr) == (0, b"done\n", b""), p


def interrupted_search():
    """A search that would take forever ends by a signal."""
    import re
    import signal

    class Alarm(Exception):
        pass

    def ring(number, frame):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        re.match(r"(?:a|aa)+$", "a" * 200 + "b")
    except Alarm:
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    raise AssertionError("the search ended by itself")


interrupted_search()

# Times and signals that the system has no use for.
import signal
for wrong, kind, message in [
    (lambda: threading.Lock().acquire(True, 1e20), OverflowError, "timestamp out of range for C PyTime_t"),
    (lambda: threading.Lock().acquire(True, float("nan")), ValueError, "Invalid value NaN (not a number)"),
    (lambda: signal.setitimer(signal.ITIMER_REAL, -1), signal.ItimerError, "[Errno 22] Invalid argument"),
    (lambda: signal.sigwait([99]), ValueError, "signal number 99 out of range [1; 64]"),
]:
    try:
        wrong()
    except kind as e:
        assert str(e) == message, e
    else:
        raise AssertionError(message)
assert signal.ItimerError.__name__ == "ItimerError"

# Thread-local data in a cycle with what it holds is alive when the program ends, and goes with the thread.
program = "import threading\nclass X: pass\nx = X()\nx.local = threading.local()\nx.local.x = x\ndel x\n"
assert subprocess.run([sys.executable, "-c", program]).returncode == 0
