"""The prompt on a terminal, as a person uses it: editing, several lines, history, completion, interrupts."""

import os
import pty
import re
import select
import signal
import sys
import tempfile
import termios
import time

history = tempfile.NamedTemporaryFile(delete=False).name
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[@A-Za-z]|[=>])|\x1b[()][A-Z0-9]")


class Session:
    def __init__(self, *args, **env):
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        variables |= {"TERM": "xterm", "PYTHON_HISTORY": history, "PYTHON_COLORS": "0", "LC_ALL": "C.UTF-8"} | env
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                # As in a terminal, whatever signals this program was started without.
                for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
                    signal.signal(number, signal.SIG_DFL)
                os.execve(sys.executable, [sys.executable, *args], variables)
            finally:
                os._exit(127)
        termios.tcsetwinsize(self.fd, (40, 100))
        self.text = ""

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r", "")
        return bool(data)

    def expect(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.text:
            if not self.read(max(0, end - time.monotonic())) and time.monotonic() > end:
                raise AssertionError(f"{text!r} does not come: {self.text!r}")
        self.text = self.text.partition(text)[2]

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        while self.read(10):
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return code


s = Session()
s.expect("Python 3.14")


def say(keys, answer):
    s.expect(">>> ")
    time.sleep(0.05)
    s.type(keys)
    s.expect(answer)


say("6 * 7\n", "\n42\n")
# The last value, and editing in the middle of a line.
say("_ + 8\n", "\n50\n")
say("print(13)", "print(13)")
for key in ("\x1bOD", "\x1bOD", "\x1bOD", "9", "\n"):
    s.type(key)
    time.sleep(0.05)
s.expect("\n913\n")
# Several lines, with automatic indentation.
say("def f(x):\n", "...")
s.type("return x * 2\n\n")
say("f('ab')\n", "'abab'\n")
# Completion.
say("import os\n", "\n")
say("os.getpgr\t", "p(")
s.read(0.3)
s.type("\n" if ")" in s.text else ")\n")
s.expect(f"\n{s.pid}\n")
# History.
say("value = 'first'\n", "\n")
say("2 + 2\n", "\n4\n")
say("\x1bOA\x1bOA", "value = 'first'")
s.type("\n")
say("value\n", "'first'\n")
# Errors, and an interrupt that throws the line away.
say("1 / 0\n", "ZeroDivisionError: division by zero\n")
say("unfinished(", "unfinished(")
s.type("\x03")
s.expect("KeyboardInterrupt\n")
say("import time; time.sleep(60)\n", "\n")
time.sleep(0.5)
s.type("\x03")
s.expect("KeyboardInterrupt\n")
say("'still here'\n", "'still here'\n")
say("exit(4)\n", "\n")
assert s.end() == 4

# The history is kept.
lines = open(history).read()
assert "f('ab')" in lines and "value = 'first'" in lines, lines
s = Session("-q", PYTHON_COLORS="1")
s.expect(">>> ")
s.type("\x1bOA")
s.expect("exit(4)")
s.type("\x03")
s.expect(">>> ")
s.type("\x04")
assert s.end() == 0

# The plain prompt, and one after a program.
s = Session("-q", PYTHON_BASIC_REPL="1")
s.expect(">>> ")
s.type("[i for i in range(3)]\n")
s.expect("[0, 1, 2]\n")
s.type("\x04")
assert s.end() == 0
s = Session("-i", "-c", "kept = 'from the program'")
s.expect(">>> ")
s.type("kept\n")
s.expect("'from the program'\n")
s.type("quit()\n")
assert s.end() == 0

# input() on a terminal.
s = Session("-c", "print('got', repr(input('name? ')))")
s.expect("name? ")
s.type("Zoë\n")
s.expect("got 'Zoë'\n")
assert s.end() == 0
# Ctrl-C ends a program by the signal.
s = Session("-c", "import time; print('ready', flush=True); time.sleep(60)")
s.expect("ready")
time.sleep(0.1)
s.type("\x03")
s.expect("KeyboardInterrupt")
assert s.end() == -signal.SIGINT
os.unlink(history)
