"""Appending to a text: in place where nobody else holds it, and nobody sees the difference."""


def build(pieces):
    s = ''
    for p in pieces:
        s += p
    return s


for piece in ('x', 'ab', 'é', 'ж', '\U0001f600', 'x' * 500):
    assert build([piece] * 300) == piece * 300
    assert len(build([piece] * 300)) == 300 * len(piece)

# Widths and ASCII change on the way.
mixed = build(['abc', 'é', 'ж', 'x', '\U0001f600', 'end'])
assert mixed == 'abcéжx\U0001f600end' and mixed.encode() == b'abc\xc3\xa9\xd0\xb6x\xf0\x9f\x98\x80end'
latin = build(['a' * 40, 'é'])
assert not latin.isascii() and latin.encode('latin-1') == b'a' * 40 + b'\xe9'


def shared(n):
    s = 'start of a text that is long enough to have room'
    kept = []
    for i in range(n):
        kept.append(s)
        s += str(i)
    return kept, s


kept, s = shared(50)
for i, k in enumerate(kept):
    assert k == 'start of a text that is long enough to have room' + ''.join(map(str, range(i)))


def hashed(n):
    s = 'key ' * 10
    d = {}
    for i in range(n):
        d[hash(s)] = i
        s += 'y'
        assert hash(s) == hash('key ' * 10 + 'y' * (i + 1))
    return d


assert len(hashed(100)) == 100


def encoded(n):
    s = 'é' * 40
    for i in range(n):
        assert s.encode() == b'\xc3\xa9' * (40 + i)
        s += 'é'
    return s


encoded(50)


def doubled():
    s = 'abc' * 20
    for _ in range(6):
        s += s
    return s


assert doubled() == 'abc' * 20 * 64


def sum_of_three(a, b, c):
    return a + b + c


for _ in range(50):
    assert sum_of_three('abcdef', 'g', 'h') == 'abcdefgh'
    assert sum_of_three('', 'g', '') == 'g'


def wrong():
    s = 'text ' * 10
    try:
        s += 1
    except TypeError as e:
        assert 'can only concatenate str (not "int") to str' in str(e), e
    return s


for _ in range(40):
    assert wrong() == 'text ' * 10


class Text(str):
    def __add__(self, other):
        return 'own'


t = Text('abc')
t += 'd'
assert t == 'own' and 'x' + Text('y') == 'xy'
closure = 'a' * 50


def in_cell():
    global closure
    closure += 'b'
    return closure


for i in range(40):
    assert in_cell() == 'a' * 50 + 'b' * (i + 1)
# Time in proportion to the length: a million pieces are no trouble.
assert len(build('y' for _ in range(1_000_000))) == 1_000_000
