"""The debugger of the library, driven as a person does: breakpoints, steps, frames, statements, the end of programs."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = '''\
import sys
def total(n):
    result = 0
    for i in range(n):
        result += i
    return result
def pairs(
    first,
):
    one = first
    yield one
    yield one + 1
def main():
    text = "local"
    def inner():
        return text
    print(total(3), inner())
    for p in pairs(1):
        print(p)
main()
'''


def session(*commands, program=PROGRAM, options=(), code=0):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.py")
        path.write_text(program)
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"HOME": folder}
        p = subprocess.run([sys.executable, *(options or ("-m", "pdb")), str(path)], input="\n".join(commands) + "\n",
                           capture_output=True, text=True, env=env, cwd=folder, timeout=60)
        assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
        return p.stdout.replace(str(path), "p.py")


def contains(text, *parts):
    at = 0
    for part in parts:
        at = text.find(part, at)
        assert at >= 0, (part, text)
        at += len(part)


# A breakpoint at a function stands at its first line, past its parameters and preparations.
contains(session("b total", "b pairs", "b main", "c", "c", "p n", "until", "r", "n", "q"),
         "Breakpoint 1 at p.py:3", "Breakpoint 2 at p.py:10", "Breakpoint 3 at p.py:14",
         "> p.py(14)main()", "> p.py(3)total()", "(Pdb) 3", "--Return--", "-> return result")
contains(session("tbreak 5", "c", "w", "u", "p text", "d", "a", "display result", "n", "c", "q"),
         "Breakpoint 1 at p.py:5", "Deleted breakpoint 1", "-> result += i", "p.py(17)main()", "'local'", "n = 3",
         "display result: 0")
contains(session("b 5, i == 2", "commands 1", "p (i, result)", "c", "end", "c", "q"), "(2, 1)")
contains(session("b total", "c", "j 6", "n", "q"), "-> return result", "--Return--")
contains(session("ll", "l 2,3", "b", "whatis main", "q"), "import sys")
# Statements of several lines, and names that inner code takes from the frame.
text = session("def f():", "  return 41", "", "f() + 1", "x = 5", "[x for _ in range(2)]", "b 17", "c",
               "(lambda: text * 2)()", "[text for _ in range(2)]", "q")
contains(text, "42", "[5, 5]", "'locallocal'", "['local', 'local']")
# Errors and the end.
contains(session("c", "q"), "3 local\n1\n2\n", "The program finished and will be restarted")
contains(session("c", "p bad", "u", "q", program="def f():\n    bad = 3\n    1/0\nf()\n"),
         "Uncaught exception. Entering post mortem debugging", "-> 1/0", "3")
contains(session("c", "c", "q", program="import sys\nsys.exit(3)\n"), "The program exited via sys.exit(). Exit status: 3")
contains(session("n", "n", "p a", "c", program="def f():\n    breakpoint()\n    a = 1\n    return a\nf()\nprint('end')\n",
                 options=("-X", "utf8")), "-> a = 1", "1\n", "end")
contains(session("p x", "v = await inner(9)", "p v", "c", options=("-X", "utf8"), program='''\
import asyncio, pdb
async def inner(x):
    await asyncio.sleep(0)
    return x * 2
async def main():
    x = 3
    await pdb.set_trace_async()
    print("done")
asyncio.run(main())
'''), "3", "18", "done")

# Stepping over the end of a generator goes on, as the program does.
text = session("b pairs", "c", "n", "n", "n", "n", "q")
contains(text, "-> one = first", "-> yield one", "1\n", "-> yield one + 1", "2\n", "The program finished")
assert "Internal StopIteration" not in text, text

# Another process cannot be attached to.
try:
    sys.remote_exec(2**31 - 1, __file__)
except (RuntimeError, OSError):
    pass
else:
    raise AssertionError("it ran in a process that does not exist")
