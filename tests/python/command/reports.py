"""What is said of exceptions that nobody catches: on the way out, in finalisers and hooks, and at the plain prompt."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def run(program, *options, stdin=None, name="p.py", env=None):
    full = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | (env or {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(program if isinstance(program, bytes) else program.encode())
        p = subprocess.run([sys.executable, *options, str(path)], input=stdin, capture_output=True, text=True, env=full,
                           timeout=60)
        return p.returncode, p.stdout, p.stderr.replace(str(path), name)


def errors(program, *options, code=0, **kwargs):
    returned, _, text = run(program, *options, **kwargs)
    assert returned == code, (returned, text)
    return text


def lines(text):
    """Without what differs from run to run."""
    return [line.split(" at 0x")[0].rstrip() for line in text.splitlines()]


# An exception in a finaliser: no carets, no causes, at most three equal entries.
text = errors('''
class A:
    def __del__(self):
        deep(9)
def deep(n):
    if n: deep(n - 1)
    raise ValueError("first\\nsecond") from KeyError(1)
A()
class B:
    def __del__(self): raise LookupError
B()
''')
assert lines(text) == [
    "Exception ignored while calling deallocator <function A.__del__",
    "Traceback (most recent call last):",
    '  File "p.py", line 4, in __del__',
    "    deep(9)",
    *['  File "p.py", line 6, in deep', "    if n: deep(n - 1)"] * 3,
    "  [Previous line repeated 6 more times]",
    '  File "p.py", line 7, in deep',
    '    raise ValueError("first\\nsecond") from KeyError(1)',
    "ValueError: first",
    "second",
    "Exception ignored while calling deallocator <function B.__del__",
    "Traceback (most recent call last):",
    '  File "p.py", line 10, in __del__',
    "    def __del__(self): raise LookupError",
    "LookupError:",
], text

text = errors('''
import weakref
class C: pass
c = C()
r = weakref.ref(c, lambda r: 1/0)
del c
''')
assert lines(text)[0] == "Exception ignored while calling weakref callback <function <lambda>", text

# What goes wrong in the hook is reported instead; without a hook the default one reports.
text = errors('''
import sys
class A:
    def __del__(self): raise ValueError("x")
def hook(args): raise KeyError("in hook")
sys.unraisablehook = hook
A()
sys.unraisablehook = None
A()
del sys.unraisablehook
A()
''')
assert text.count("Exception ignored in sys.unraisablehook: <function hook") == 1, text
assert text.count("KeyError: 'in hook'") == 1 and text.count("ValueError: x") == 2, text

# Warnings that became errors.
text = errors("import socket\nsocket.socket()\nopen(__file__)\n", "-W", "error")
assert "Exception ignored while finalizing socket <socket.socket" in text, text
assert "Exception ignored while finalizing file <_io.FileIO" in text, text
assert text.count("ResourceWarning: unclosed") == 2, text
text = errors("open(__file__)\n", "-W", "default")
assert text.splitlines()[1:] == ["  open(__file__)",
                                 "ResourceWarning: Enable tracemalloc to get the object allocation traceback"], text
text = errors("def f(): return open(__file__)\nf()\n", "-W", "default", "-X", "tracemalloc=3")
assert text.splitlines()[2:] == ["Object allocated at (most recent call last):", '  File "p.py", lineno 2', "    f()",
                                 '  File "p.py", lineno 1', "    def f(): return open(__file__)"], text
# Lines of the library are shown, too.
text = errors("import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
              "p.stdin.close()\ndel p\n", "-W", "default")
assert '  _warn("subprocess %s is still running" % self.pid,\n' in text, text

# SystemExit with codes of all kinds.
assert errors("class X(SystemExit): code = property(lambda s: 1/0)\nraise X", code=1) == "\n"
assert errors("class S:\n  def __str__(s): 1/0\nraise SystemExit(S())", code=1) == "\n"
assert errors("import sys\ndel sys.stderr\n1/0", code=1).endswith("lost sys.stderr\n")
# Where there is no room for the `traceback` module, a plain report is made.
text = errors("import sys\nsys.setrecursionlimit(30)\ndef f(): f()\nf()", code=1)
assert text.count('File "p.py", line 3, in f') == 3 and "more times]\nRecursionError: " in text, text
text = errors("import sys\nsys.tracebacklimit = 'many'\n1/0", code=1)
assert "ZeroDivisionError: division by zero" in text and 'File "p.py", line 3, in <module>' in text, text

# Sources that cannot be decoded.
text = errors(b'x = 1\n\ny = "\xe9"\n', code=1)
assert "SyntaxError: Non-UTF-8 code starting with '\\xe9' in file p.py on line " in text, text
text = errors(b'# coding: utf-8\nx = "abc\xff"\n', code=1)
assert text == '  File "p.py", line 2\n    x = "abc\N{REPLACEMENT CHARACTER}"\n' \
    "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in position 8: invalid start byte\n", text
text = errors(b'# coding: ascii\nx = "abc\xc3\xa9"\n', code=1)
assert text.endswith("'ascii' codec can't decode byte 0xc3 in position 9: ordinal not in range(128)\n"), text

# Names that may be meant, of builtins and modules.
for program, hint in [
    ('int("3", bas=2)', "int() got an unexpected keyword argument 'bas'. Did you mean 'base'?"),
    ('print(1, ende="")', "print() got an unexpected keyword argument 'ende'. Did you mean 'end'?"),
    ("sorted([1], revers=True)", "sort() got an unexpected keyword argument 'revers'. Did you mean 'reverse'?"),
    ("max([1], defalt=0)", "max() got an unexpected keyword argument 'defalt'. Did you mean 'default'?"),
    ("sys.path", "name 'sys' is not defined. Did you forget to import 'sys'?"),
]:
    text = errors(program, code=1)
    assert text.splitlines()[-1].endswith(hint), text

# Imports: the import system's own frames say nothing.
text = errors("from .a import b", code=1)
assert text.splitlines()[1:] == ['  File "p.py", line 1, in <module>', "    from .a import b",
                                 "ImportError: attempted relative import with no known parent package"], text
text = errors(b"junk that is no code at all", code=1, name="p.pyc")
assert text == "RuntimeError: Bad magic number in .pyc file\n", text

# The plain prompt tells an error as soon as no line can mend it.
_, output, text = run("", "-i", "-q", stdin="x y\nprint('after')\nif 1:\nx\nprint('then')\n")
assert output == "after\nthen\n" and text.count("SyntaxError: invalid syntax") == 1, (output, text)
assert text.count("IndentationError: expected an indented block after 'if' statement on line 1") == 1, text
_, output, text = run("", "-i", "-q", stdin="await 1\ndef f(): return 1/0\n\nf()\nf.__code__.co_filename\n")
assert "    await 1\n    ^^^^^^^\nSyntaxError: 'await' outside function\n" in text, text
assert "'<stdin-1>'" in output and '  File "<stdin>", line 1, in f\n    def f(): return 1/0\n' in text, (output, text)

# Modules that are frozen in CPython show no source in tracebacks; `inspect` finds it all the same.
text = errors("import runpy\nrunpy.run_module('this_is_nowhere.at_all')", code=1)
shown = text.splitlines()
places = [i for i, line in enumerate(shown) if "runpy" in line and line.startswith("  File")]
assert places and all(shown[i + 1].startswith(("  File", "ImportError", "ModuleNotFound")) for i in places), text
assert errors("import inspect, runpy\nassert 'def ' in inspect.getsource(runpy.run_module)") == ""

# The profiler of the command counts the program's calls only.
_, output, text = run("def f(n):\n    return n and f(n - 1)\nf(3)\n", "-m", "cProfile")
assert "6 function calls (3 primitive calls)" in output or "7 function calls (4 primitive calls)" in output, output
assert "cProfile" not in output, output

# Output that a stream of the program's own passes on is not lost at the end.
returned, output, text = run("""import sys
class Stream:
    def write(self, s): sys.__stdout__.write("<" + s)
    def flush(self): sys.__stdout__.write(";")
sys.stdout = Stream()
print("x")
""")
assert (returned, output.rstrip(";")) == (0, "<x<\n"), (returned, output)
# Functions that are registered while the exit functions run are not called.
returned, output, _ = run("""import atexit
atexit.register(lambda: (print("first"), atexit.register(print, "late")))
""")
assert output == "first\n", output
text = errors("""class C:
    def __buffer__(self, flags): return memoryview(b"abc")
    def __release_buffer__(self, view): raise ValueError("lost")
memoryview(C()).release()
""")
assert text.startswith("Exception ignored in __release_buffer__ of C:\n"), text
# A generator that never ran stands at no part of its line.
text = errors("def g():\n    yield\ng().throw(KeyError(1))\n", code=1)
assert text.splitlines()[-3:] == ['  File "p.py", line 1, in g', "    def g():", "KeyError: 1"], text
