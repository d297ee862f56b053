"""Module."""
from __future__ import division
import a.b.c
import a.b as ab
from . import x
from ..m import y as z
from m import *
assert a, "msg"
del a, b.c, d[0]
a.b += 1
a[i] |= 2
a = b, *c = d
x, (y, *z), w = v
raise E from None
