"""The collector finds cycles of young containers in pages of old ones, and old cycles when they become garbage."""

import gc
import weakref


class Node:
    pass


def ring(n):
    nodes = [Node() for _ in range(n)]
    for a, b in zip(nodes, nodes[1:] + nodes[:1]):
        a.next = b
    return nodes


gc.collect()
old = [ring(3) for _ in range(2000)]
for generation in (0, 1, 2):
    gc.collect(generation)

# Young rings take the cells that single old objects gave up.
holes = [Node() for _ in range(4000)]
gc.collect()
del holes[::2]
gc.disable()
young = [weakref.ref(ring(2)[0]) for _ in range(2000)]
assert gc.collect(0) > 0
assert not any(r() for r in young)
gc.enable()

# What survived young collections is found by an older one.
kept = ring(2)
watch = weakref.ref(kept[0])
gc.collect(0)
gc.collect(1)
del kept
gc.collect(0)
gc.collect(2)
assert watch() is None

# An old object that is changed to close a ring with a young one.
survivor = Node()
gc.collect()
young_one = Node()
survivor.other, young_one.other = young_one, survivor
watch = weakref.ref(young_one)
del survivor, young_one
gc.collect(0)
assert watch() is not None, "an old object keeps it"
gc.collect()
assert watch() is None
assert len(old) == 2000 and all(r[0].next.next.next is r[0] for r in old)
