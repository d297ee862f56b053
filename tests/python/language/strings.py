"""f-strings, t-strings, implicit concatenation, escapes."""

from string.templatelib import Interpolation, Template

x, width, name = 3.14159, 10, "world"
assert f"{x:.2f}|{x:{width}.3}|{name!r:>{width}}|{{}}" == "3.14|      3.14|   'world'|{}"
assert f"{x=}" == "x=3.14159" and f"{ x = :.1f}" == " x = 3.1" and f"{name=!s}" == "name=world"
assert f"{f'{f"{name}"}'}" == "world" and f"{'a' 'b'}" f"c" "d" == "abcd"
assert f"{(lambda v: v * 2)(4)}" == "8" and f"{ {1: 2}[1] }" == "2" and f"{[i for i in range(2)]}" == "[0, 1]"
assert f'''{
    name  # a comment
    + "!"
}''' == "world!"
assert f"{'\n'.join(['a', 'b'])}" == "a\nb" and rf"\n{name}\d" == r"\nworld\d" and f"\N{SNOWMAN}{1}" == "☃1"
assert f"{x!s:^{width}}" == " 3.14159  " and f"{1_000_000:_}" == "1_000_000" and f"{255:#06x}" == "0x00ff"
assert f"{None}{...}{True}" == "NoneEllipsisTrue"


class F:
    def __format__(self, spec):
        return f"<{spec}>"

    def __repr__(self):
        return "repr ☃"


assert f"{F():any {'thing'} %d}" == "<any thing %d>" and f"{F()!r}{F()!a}" == "repr ☃repr \\u2603"
assert f"{F()}" == "<>"
try:
    f"{5:y}"
except ValueError as e:
    assert str(e) == "Unknown format code 'y' for object of type 'int'", e

t = t"hello {name!r:>{width}} and {x + 1:.2f}{name}"
assert isinstance(t, Template) and t.strings == ("hello ", " and ", "", "")
first, second, third = t.interpolations
assert isinstance(first, Interpolation)
assert (first.value, first.expression, first.conversion, first.format_spec) == ("world", "name", "r", ">10")
assert second.expression == "x + 1" and second.format_spec == ".2f" and t.values == ("world", x + 1, "world")
assert [type(p).__name__ for p in t] == ["str", "Interpolation", "str", "Interpolation", "Interpolation"]
assert (t"a{1}" + t"b{2}").strings == ("a", "b", "")

assert "\x41\u00e9\U0001f600\101\
" == "Aé😀A"
assert b"\x00\xff\n" == bytes([0, 255, 10]) and rb"\x" == b"\\x" and len("""a
b""") == 3
assert "%s %r %5.1f %-4d| %%" % ("a", "b", 2.25, 7) == "a 'b'   2.2 7   | %"
assert "{0[k]} {1.real} {name!r:>5}".format({"k": 1}, 2, name="n") == "1 2   'n'"
