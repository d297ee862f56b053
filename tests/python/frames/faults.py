"""faulthandler: tracebacks by request, on fatal signals and after a time."""

import faulthandler
import os
import subprocess
import sys
import tempfile


def dump(**options):
    with tempfile.TemporaryFile() as f:
        faulthandler.dump_traceback(f, **options)
        f.seek(0)
        return f.read().decode()


text = dump(all_threads=False)
assert text.startswith("Stack (most recent call first):\n"), text
assert f'line {dump.__code__.co_firstlineno + 2} in dump\n' in text and " in <module>\n" in text
assert dump().startswith("Current thread 0x")

code = "import faulthandler\nfaulthandler.enable()\ndef f():\n    faulthandler._sigsegv()\nf()\n"
r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
assert r.returncode == -11, r
assert r.stderr.startswith("Fatal Python error: Segmentation fault\n\nCurrent thread 0x"), r.stderr
assert '  File "<string>", line 4 in f\n  File "<string>", line 5 in <module>\n' in r.stderr, r.stderr

code = "import faulthandler, time\nfaulthandler.dump_traceback_later(0.1)\ntime.sleep(0.4)\n"
r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
assert r.returncode == 0 and r.stderr.startswith("Timeout (0:00:00.100000)!\nThread 0x"), r
assert '  File "<string>", line 3 in <module>\n' in r.stderr

code = "import faulthandler, os, signal\nfaulthandler.register(signal.SIGUSR1)\nos.kill(os.getpid(), signal.SIGUSR1)\n"
r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
assert r.returncode == 0 and '  File "<string>", line 3 in <module>\n' in r.stderr, r

assert not faulthandler.is_enabled()
for call in (lambda: faulthandler.dump_traceback_later(0), lambda: faulthandler.register(1000)):
    try:
        call()
    except ValueError:
        pass
    else:
        raise AssertionError("no ValueError")
assert os.getpid()
