"""Special methods that change what is being worked on: an exception or any result, never a crash."""

import collections
import gc
import weakref


def attempt(function, *args):
    try:
        function(*args)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, BufferError):
        pass


class Clears:
    def __init__(self, owner):
        self.owner = owner

    def __eq__(self, other):
        self.owner.clear()
        gc.collect()
        return False

    def __hash__(self):
        return 1

    def __lt__(self, other):
        self.owner.append(self)
        self.owner.clear()
        return True


def of_list(operation):
    owner = []
    owner.extend(Clears(owner) for _ in range(10))
    attempt(operation, owner)


for operation in (
    lambda x: 5 in x, lambda x: x.index(5), lambda x: x.count(5), lambda x: x.remove(5), lambda x: x == list(x) + [1],
    lambda x: x < list(x), lambda x: x.sort(), lambda x: x.sort(key=lambda i: x.clear()), lambda x: 5 in tuple(x),
    lambda x: collections.deque(x).index(5), set, dict.fromkeys,
):
    of_list(operation)


class Grows:
    def __init__(self, owner):
        self.owner = owner

    def __hash__(self):
        return 1

    def __eq__(self, other):
        for i in range(1000, 1100):
            self.owner[i] = i
        return False


table = {}
for operation in (
    lambda k: table.__setitem__(k, 1), table.get, lambda k: table.pop(k, None), lambda k: table.setdefault(k, 1),
    lambda k: table.__delitem__(k), lambda k: k in table, lambda k: table.update({k: 1}),
):
    table[Grows(table)] = 0
    attempt(operation, Grows(table))


class Index:
    def __init__(self, change):
        self.change = change

    def __index__(self):
        self.change()
        return 5


def of_sequence(make, operation):
    sequence = make()
    attempt(operation, sequence, Index(sequence.clear))


for make in (lambda: list(range(10)), lambda: bytearray(10)):
    for operation in (
        lambda s, i: s[i], lambda s, i: s.__setitem__(i, 1), lambda s, i: s.__delitem__(i), lambda s, i: s.insert(i, 1),
        lambda s, i: s.pop(i), lambda s, i: s[i:i], lambda s, i: s.__setitem__(slice(i, None), s), lambda s, i: s * i,
        lambda s, i: s.__setitem__(slice(0, 5), [i, i]), lambda s, i: s.extend([i, i]),
    ):
        of_sequence(make, operation)

data = bytearray(100)
view = memoryview(data)
attempt(view.__setitem__, Index(view.release), Index(lambda: None))


class Finalised:
    def __init__(self, function):
        self.function = function

    def __del__(self):
        self.function()


owner = []
owner.extend(Finalised(owner.clear) for _ in range(50))
attempt(owner.__setitem__, slice(10, 20), [])
attempt(owner.pop)
owner *= 0
names = {}
for i in range(50):
    names[i] = Finalised(lambda: names.update({j: 0 for j in range(100, 200)}))
names.clear()
kept = []
for _ in range(50):
    item = Finalised(lambda: None)
    item.function = lambda item=item: kept.append(item)
    del item
gc.collect()
kept.clear()
gc.collect()


class Plain:
    pass


objects = [Plain() for _ in range(50)]
references = []


def gone(reference):
    objects.clear()
    references.clear()
    gc.collect()


references.extend(weakref.ref(o, gone) for o in objects)
del objects[5]

for container, change in (
    ({1: 1}, lambda c, i: c.__setitem__(i + 10, 1)), (set(range(9)), lambda c, i: c.add(i + 10)),
    (collections.deque(range(9)), lambda c, i: c.append(1)), (list(range(9)), lambda c, i: c.clear()),
    (collections.OrderedDict.fromkeys(range(9)), lambda c, i: c.popitem()),
):

    def run():
        for i, _ in zip(range(1000), container):
            change(container, i)

    attempt(run)


class Descriptor:
    def __get__(self, instance, owner):
        del owner.value
        return 5


class Owner:
    pass


for _ in range(5):
    Owner.value = Descriptor()
    assert Owner().value == 5
attempt(exec, "def f():\n globals().clear()\n return x\nx = 1\ntry: f()\nexcept NameError: pass", {})
