# argv: one two
# stdin: first\nsecond\n
# exit: 3
# stderr: said on stderr
"""The comments above reach the program."""
import sys

assert sys.argv[1:] == ["one", "two"], sys.argv
assert sys.stdin.read() == "first\nsecond\n"
print("said on stderr", file=sys.stderr)
sys.exit(3)
