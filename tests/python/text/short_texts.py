"""Searching, cutting, joining and formatting at the borders between the ways they are done: short and long texts, one
and more characters, ASCII and wider text, small and large ints."""


def slow_find(text, part, start=0):
    for i in range(start, len(text) - len(part) + 1):
        if text[i : i + len(part)] == part:
            return i
    return -1


for n in (0, 1, 2, 5, 63, 198, 199, 200, 201, 202, 300):
    for unit in "ab", "aab", "aé", "a日":
        text = (unit * n)[:n]
        for part in ("a", "b", "ab", "ba", "aa", "aab", "é", "日", "zz", text[-2:] or "q", text + "x"):
            assert text.find(part) == slow_find(text, part), (text, part)
            assert (part in text) == (slow_find(text, part) >= 0)
            assert text.find(part, 3) == slow_find(text, part, 3) or n < 3
            pieces, at = [], 0
            while (i := slow_find(text, part, at)) >= 0:
                pieces.append(text[at:i])
                at = i + len(part)
            pieces.append(text[at:])
            assert text.split(part) == pieces, (text, part)
            assert text.replace(part, "<>") == "<>".join(pieces)
            assert text.count(part) == len(pieces) - 1

# Case of ASCII text of every length, and of text that is not.
for text in ("", "A", "a", "É", "Ab", "aB", "ÀB", "STRASSE", "straße", "x" * 300 + "Y"):
    assert text.lower() == "".join(c.lower() for c in text)
    assert text.swapcase().swapcase() == text or "ß" in text
assert "straße".upper() == "STRASSE" and "a".upper() == "A" and "".upper() == ""

# Joining: what has no, one or two characters altogether, and mixed widths.
assert "".join([]) == "" and "".join([""]) == "" and "".join(["", ""]) == "" and ",".join(["", ""]) == ","
assert "".join(["a", ""]) == "a" and "-".join("abc") == "a-b-c" and "é".join(["a", "b"]) == "aéb"
assert "".join(["aé", "日"]) == "aé日" and "日".join("ab") == "a日b" and hash("".join(["a", "b"])) == hash("ab")
assert "".join(["é", "b"]).encode() == "éb".encode() and "".join(["x", "y"]).isascii()
assert not "".join(["x", "é"]).isascii()

# Ints as text and back.
for n in (0, 1, 9, 10, 99, 100, 2**31, 2**62 - 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**18 - 1, 10**18, 10**19, 10**40):
    for k in (n, -n):
        text = str(k)
        assert text == repr(k) == f"{k}" == "%d" % k == "%s" % k == "{}".format(k)
        assert int(text) == k and int(" " + text + "\n") == k and int(text.replace("-", "- ")[:1] + "0" * 30 + "7", 10)
        assert "%5d|" % k == text.rjust(5) + "|" and "%-5d|" % k == text.ljust(5) + "|"
        assert "%+d" % k == (text if k < 0 else "+" + text)
        assert "%x" % abs(k) == hex(abs(k))[2:] and "%o" % abs(k) == oct(abs(k))[2:] and "%#x" % abs(k) == hex(abs(k))
        assert "%x" % k == ("-" if k < 0 else "") + hex(abs(k))[2:]
assert int("00012") == 12 and int("+7") == 7 and int("-0") == 0 and int("1_000") == 1000
for bad in ("", " ", "-", "+", "1_", "_1", "1__0", "0x1", "١a", "1 2", "--1"):
    try:
        int(bad)
    except ValueError:
        pass
    else:
        raise AssertionError(bad)
assert "%s %d%%" % ("a", True) == "a 1%" and "%s" % ("日",) == "日" and "%(k)s-%(k)d" % {"k": 5} == "5-5"
assert "%s" % [1] == "[1]" and "%r %a" % ("é", "é") == "'é' '\\xe9'" and "%.2s|" % "abc" == "ab|"

# Slices of wide text come out narrow.
assert ("日" + "ab")[1:] == "ab" and ("日" + "ab")[1:].isascii() and {"日ab"[1:]: 1}["ab"] == 1
