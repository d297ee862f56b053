"""XML by events, as trees, as property lists."""

import plistlib
import xml.etree.ElementTree as ET
from xml.dom import minidom
from xml.parsers import expat
from xml.sax import make_parser
from xml.sax.handler import ContentHandler


def events(data, pieces=None, **options):
    p = expat.ParserCreate(**options)
    seen = []
    names = [n for n in dir(p) if n.endswith("Handler") and n not in ("DefaultHandler", "NotStandaloneHandler")]
    for n in names:
        setattr(p, n, lambda *a, n=n: (seen.append((n.removesuffix("Handler"), *a)), True)[1])
    if pieces is None:
        p.Parse(data, True)
    else:
        for i in range(0, len(data), pieces):
            p.Parse(data[i : i + pieces])
        p.Parse(b"", True)
    return seen


def error(data):
    try:
        expat.ParserCreate().Parse(data, True)
    except expat.ExpatError as e:
        return str(e), e.code, e.lineno, e.offset
    raise AssertionError("no error")


assert events(b'<a x="1&lt;2">t&amp;u<b/></a>') == [
    ("StartElement", "a", {"x": "1<2"}),
    ("CharacterData", "t"),
    ("CharacterData", "&"),
    ("CharacterData", "u"),
    ("StartElement", "b", {}),
    ("EndElement", "b"),
    ("EndElement", "a"),
]
document = (
    '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<!DOCTYPE a [<!ENTITY e "v&#65;<b/>">'
    '<!ATTLIST a x CDATA "d"><!ELEMENT a (b|c?)*><!NOTATION n SYSTEM "s">]>\n'
    "<a><!--c--><?pi data?>&e;<![CDATA[<x>]]>é\r\n</a>"
).encode()
whole = events(document)
assert ("XmlDecl", "1.0", "utf-8", 1) in whole
assert ("EntityDecl", "e", 0, "vA<b/>", None, None, None, None) in whole
assert ("ElementDecl", "a", (5, 2, None, ((4, 0, "b", ()), (4, 1, "c", ())))) in whole
assert ("StartElement", "a", {"x": "d"}) in whole and ("StartElement", "b", {}) in whole


def joined(seen):
    out = []
    for e in seen:
        if e[0] == "DefaultHandlerExpand":
            continue
        if e[0] == "CharacterData" and out and out[-1][0] == "CharacterData":
            out[-1] = ("CharacterData", out[-1][1] + e[1])
        elif e[0] != "DefaultExpand":
            out.append(e)
    return out


for n in (1, 2, 3, 7, 50):
    assert joined(events(document, n)) == joined(whole), n
namespaces = events(b'<a xmlns="u" xmlns:p="v" p:x="1" y="2"><p:b/></a>', namespace_separator="}")
assert ("StartNamespaceDecl", "p", "v") in namespaces
assert ("StartElement", "u}a", {"v}x": "1", "y": "2"}) in namespaces and ("StartElement", "v}b", {}) in namespaces

assert error(b"") == ("no element found: line 1, column 0", 3, 1, 0)
assert error(b"<a></b>") == ("mismatched tag: line 1, column 5", 7, 1, 5)
assert error(b"<a/>x") == ("junk after document element: line 1, column 4", 9, 1, 4)
assert error(b"<a>\n&foo;</a>") == ("undefined entity: line 2, column 0", 11, 2, 0)
assert error(b'<a b="1" b="2"/>') == ("duplicate attribute: line 1, column 9", 8, 1, 9)
assert error(b"<a b=1/>") == ("not well-formed (invalid token): line 1, column 5", 4, 1, 5)
assert error(b"<a") == ("unclosed token: line 1, column 0", 5, 1, 0)
laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol" * 10}">' for i in range(12))
assert error(f"<!DOCTYPE a [{laughs}]><a>&l11;</a>".encode())[1] == 43

for encoding in ("utf-16", "iso-8859-1", "cp1252"):
    assert ET.fromstring(f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'.encode(encoding)).text == "é"

tree = ET.fromstring('<r xmlns:n="u"><i k="1">a<j/>b</i><n:i/></r>')
assert [e.tag for e in tree.iter()] == ["r", "i", "j", "{u}i"] and tree.find("i/j").tail == "b"
assert ET.tostring(tree.find("i")) == b'<i k="1">a<j />b</i>'
try:
    ET.fromstring("<a><b></a>")
except ET.ParseError as e:
    assert e.position == (1, 8)
dom = minidom.parseString('<a b="c">t<!--x--></a>')
assert dom.documentElement.getAttribute("b") == "c" and dom.toxml() == '<?xml version="1.0" ?><a b="c">t<!--x--></a>'


class Names(ContentHandler):
    def __init__(self):
        self.names = []

    def startElement(self, name, attrs):
        self.names.append((name, dict(attrs)))


import io

handler = Names()
parser = make_parser()
parser.setContentHandler(handler)
parser.parse(io.BytesIO(b'<a><b c="d"/></a>'))
assert handler.names == [("a", {}), ("b", {"c": "d"})]

value = {"a": [1, 2.5, True, b"data"], "text": "é & <"}
assert plistlib.loads(plistlib.dumps(value)) == value
