"""How the command is called: options, exit codes, messages, what becomes of the arguments."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*args, stdin=None, env=None, cwd=None):
    full = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | (env or {})
    return subprocess.run([sys.executable, *args], input=stdin, capture_output=True, env=full, cwd=cwd, timeout=60)


def out(*args, **kwargs):
    p = run(*args, **kwargs)
    assert p.returncode == 0, (args, p.returncode, p.stderr.decode())
    return p.stdout.decode("utf-8", "surrogateescape").strip()


def fails(code, *args, **kwargs):
    p = run(*args, **kwargs)
    assert p.returncode == code, (args, p.returncode, p.stderr.decode())
    return p.stderr.decode()


def flag(name, *args, **kwargs):
    return out(*args, "-c", f"import sys; print(sys.flags.{name})", **kwargs)


# Options and what sys.flags makes of them.
assert out("-V").startswith("Python 3.14.") and out("--version") == out("-V")
assert flag("optimize", "-OO") == "2" and flag("optimize", env={"PYTHONOPTIMIZE": "x"}) == "1"
assert flag("bytes_warning", "-bb") == "2" and flag("verbose", "-S") == "0"
assert flag("isolated", "-I") == "1" == flag("no_user_site", "-I") == flag("ignore_environment", "-I")
assert flag("safe_path", "-IP") == "True" and flag("safe_path", env={"PYTHONSAFEPATH": "1"}) == "True"
assert flag("dont_write_bytecode", "-E", env={"PYTHONDONTWRITEBYTECODE": "1"}) == "0"
assert flag("hash_randomization", env={"PYTHONHASHSEED": "0"}) == "0"
assert flag("utf8_mode", "-Xutf8") == "1" and flag("dev_mode", "-X", "dev") == "True"
assert flag("int_max_str_digits", "-Xint_max_str_digits=0") == "0"
seeds = {out("-c", "print(hash('spam'))", env={"PYTHONHASHSEED": "7"}) for _ in range(2)}
assert len(seeds) == 1
assert out("-Xa", "-X", "b=c,d=e", "-c", "import sys; print(sys._xoptions)") == "{'a': True, 'b': 'c,d=e'}"
warn = out("-W", "error", "-Wignore", "-bb", "-c", "import sys; print(sys.warnoptions)", env={"PYTHONWARNINGS": "default,once"})
assert warn == "['default', 'once', 'error', 'ignore', 'error::BytesWarning']", warn

# What is run, and with which arguments.
show = "import sys; print(sys.argv, sys.orig_argv[1:])"
assert out("-c", show, "-x", "--y") == f"['-c', '-x', '--y'] ['-c', {show!r}, '-x', '--y']"
assert out("-", "a", stdin=b"import sys; print(sys.argv, __file__)") == "['-', 'a'] <stdin>"
assert out(stdin=b"print(__name__)") == "__main__"
assert out("-c", "\n    if 1:\n        print('dedented')\n") == "dedented"
assert out("-c", "import sys; print(ascii(sys.argv[1]))", b"\xff\xe9".decode("utf-8", "surrogateescape")) == r"'\udcff\udce9'"
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder).resolve()
    (folder / "script.py").write_text("import sys; print(sys.argv, __file__, sys.path[0], __loader__.__class__.__name__)")
    assert out("script.py", "a", cwd=folder) == f"['script.py', 'a'] {folder}/script.py {folder} SourceFileLoader"
    assert out("./script.py", cwd=folder) == f"['./script.py'] {folder}/./script.py {folder} SourceFileLoader"
    assert out("-P", "-c", "import sys; print('' in sys.path)") == "False"
    (folder / "link.py").symlink_to(folder / "script.py")
    assert f" {folder} " in out(str(folder / "link.py"), cwd="/")
    # -x skips a line that is no Python.
    (folder / "odd.py").write_text("@echo off\nprint('second line')")
    assert out("-x", str(folder / "odd.py")) == "second line"
    # Folders and archives.
    (folder / "app").mkdir()
    (folder / "app" / "__main__.py").write_text("import helper, sys; print(helper.x, sys.argv, sys.path[0])")
    (folder / "app" / "helper.py").write_text("x = 42")
    assert out(str(folder / "app"), "b") == f"42 [{str(folder / 'app')!r}, 'b'] {folder / 'app'}"
    import zipfile

    with zipfile.ZipFile(folder / "app.zip", "w") as z:
        z.write(folder / "app" / "__main__.py", "__main__.py")
        z.writestr("helper.py", "x = 43; import os; name = os.path.basename(__file__)")
    assert out(str(folder / "app.zip")).startswith("43 ")
    # Packages and modules by -m.
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").write_text("print('init')")
    (folder / "pkg" / "__main__.py").write_text("import sys; print(__name__, __package__, __spec__.name, sys.argv[1:])")
    assert out("-m", "pkg", "-c", cwd=folder) == "init\n__main__ pkg pkg.__main__ ['-c']"
    # A compiled file runs as well.
    import py_compile

    py_compile.compile(folder / "app" / "helper.py", cfile=folder / "compiled.pyc", doraise=True)
    assert out(str(folder / "compiled.pyc")) == ""
    # A module of the program's that is called like one of the library's start.
    (folder / "encodings.py").write_text("print('not that one')")
    (folder / "plain.py").write_text("print('plain')")
    assert out(str(folder / "plain.py"), cwd=folder) == "plain"
    (folder / "empty").mkdir()
    error = fails(1, str(folder / "empty"))
    assert error.endswith(f"can't find '__main__' module in '{folder / 'empty'}'\n"), error

# Mistakes.
assert "Unknown option: -z\nusage: " in fails(2, "-z") and "Unknown option: --foo\n" in fails(2, "--foo")
assert "Argument expected for the -c option\nusage: " in fails(2, "-c")
error = fails(2, "/no/such/file.py")
assert error.endswith(": can't open file '/no/such/file.py': [Errno 2] No such file or directory\n"), error
assert fails(1, "-m", "no_such_module").endswith(": No module named no_such_module\n")
assert "Fatal Python error" in fails(1, "-Xint_max_str_digits=5", "-c", "")
assert "PYTHONHASHSEED must be" in fails(1, "-c", "", env={"PYTHONHASHSEED": "x"})

# Exit codes.
assert fails(3, "-c", "raise SystemExit(3)") == "" and fails(255, "-c", "raise SystemExit(-1)") == ""
assert fails(1, "-c", "import sys; sys.exit('bye')") == "bye\n" and out("-c", "raise SystemExit(None)") == ""
error = fails(1, "-c", "def f():\n  raise ValueError('x')\nf()")
assert error.startswith("Traceback (most recent call last):\n") and "raise ValueError('x')" in error
assert "SyntaxError" in fails(1, "-c", "'") and "SyntaxError" in fails(1, stdin=b"(1+2+3")
assert run("-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)").returncode == -signal.SIGTERM
interrupted = run("-c", "raise KeyboardInterrupt")
assert interrupted.returncode == -signal.SIGINT and interrupted.stderr.endswith(b"KeyboardInterrupt\n")
error = fails(120, "-c", "import os, sys; sys.stdout.write('x'); os.close(1)")
assert error.startswith("Exception ignored while flushing sys.stdout:\nOSError: "), error
assert run("-c", "import sys; sys.stdout.close()").returncode == 0

# Streams.
assert out("-c", "import sys; print(sys.stdout.write_through, sys.stdout.line_buffering, sys.stderr.line_buffering)") == "False False True"
assert out("-u", "-c", "import os, sys; sys.stdout.write('x'); os._exit(0)") == "x"
assert out("-c", "import sys; print(sys.stdout.encoding, sys.stdin.errors)", env={"PYTHONIOENCODING": "latin-1:replace"}).endswith(" replace")
closed = subprocess.run([sys.executable, "-c", "import sys, os; os._exit(40 + (sys.stdin is None) + (sys.stdout is None))"],
                        preexec_fn=lambda: (os.close(0), os.close(1)), timeout=60)
assert closed.returncode == 42, closed.returncode

# The end: threads, exit functions, modules.
order = out("-c", """
import atexit, threading, time
class Last:
    def __del__(self): print('del')
keep = Last()
atexit.register(print, 'first registered')
atexit.register(print, 'then')
threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print('end')
""")
assert order.split("\n") == ["end", "thread", "then", "first registered", "del"], order
failing = run("-c", "import atexit; atexit.register(lambda: 1/0); atexit.register(print, 'ran')")
assert failing.returncode == 0 and failing.stdout == b"ran\n" and b"ZeroDivisionError" in failing.stderr

# The plain prompt.
session = b"x = 6\nx * 7\n_ + 1\nif x:\n  print('yes')\n\n1/0\nexit(5)\n"
prompt = run("-i", "-q", stdin=session)
assert prompt.returncode == 5, prompt
assert prompt.stdout == b"42\n43\nyes\n" and b"ZeroDivisionError" in prompt.stderr and prompt.stderr.startswith(b">>> "), prompt
after = run("-i", "-c", "value = 'kept'", stdin=b"value\n")
assert after.stdout == b"'kept'\n", after
with tempfile.NamedTemporaryFile("w", suffix=".py") as startup:
    startup.write("started = 'yes'")
    startup.flush()
    p = run("-i", stdin=b"started\n", env={"PYTHONSTARTUP": startup.name})
    assert p.stdout == b"'yes'\n", p

# A program that is not UTF-8 is named in the message.
with tempfile.TemporaryDirectory() as d:
    script = Path(d, "latin.py")
    script.write_bytes(b'x = 1\n\ny = "\x89"\n')
    said = fails(1, str(script))
    assert f"SyntaxError: Non-UTF-8 code starting with '\\x89' in file {script} on line 3, but" in said, said
