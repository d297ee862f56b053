"""Queues between interpreters, by id. What is not shareable as it is goes through a queue pickled."""

import pickle
from _thread import allocate_lock

from _interpreters import NotShareableError, is_shareable


class QueueError(RuntimeError):
    """An operation on a queue failed."""

    __module__ = "concurrent.interpreters"


class QueueNotFoundError(QueueError):
    """A queue was not found."""

    __module__ = "concurrent.interpreters"


class _Queue:
    def __init__(self, maxsize, unbound, fallback):
        self.maxsize = maxsize
        self.unbound = unbound
        self.fallback = fallback
        self.items = []
        self.references = 0


_lock = allocate_lock()
_queues = {}
_next_id = 1
_queue_class = None
_empty = _full = QueueError

_UNBOUND_OPS = (1, 2, 3)
# 1 asks for shareable objects only; everything else falls back on pickles.
_SHAREABLE_ONLY = 0


def _register_heap_types(queue, empty, full):
    """Tells the classes that the Python side uses."""
    global _queue_class, _empty, _full
    _queue_class, _empty, _full = queue, empty, full


def _find(qid):
    if not hasattr(type(qid), "__index__"):
        raise TypeError(f"queue ID must be an int, got {type(qid).__name__}")
    try:
        return _queues[qid.__index__()]
    except KeyError:
        raise QueueNotFoundError(f"queue {qid} not found") from None


def _check_unbound(op):
    if op not in _UNBOUND_OPS:
        raise ValueError(f"unsupported unboundop {op}")
    return op


def create(maxsize, unboundop=-1, fallback=-1):
    """Makes a queue and returns its id. A size of zero or less is no limit."""
    global _next_id
    maxsize = maxsize.__index__()
    unboundop = 3 if unboundop == -1 else _check_unbound(unboundop)
    fallback = 1 if fallback == -1 else fallback
    with _lock:
        qid = _next_id
        _next_id += 1
        _queues[qid] = _Queue(maxsize, unboundop, fallback)
    return qid


def destroy(qid):
    """Destroys a queue with everything in it."""
    with _lock:
        _find(qid)
        del _queues[qid.__index__()]


def list_all():
    """Ids of all queues, with the defaults of each."""
    with _lock:
        return [(qid, q.unbound, q.fallback) for qid, q in _queues.items()]


def put(qid, obj, unboundop=-1, fallback=-1):
    """Adds an object at the end."""
    if unboundop != -1:
        _check_unbound(unboundop)
    with _lock:
        q = _find(qid)
        how = q.fallback if fallback == -1 else fallback
    if is_shareable(obj) or (_queue_class is not None and type(obj) is _queue_class):
        item = (False, obj)
    elif how == _SHAREABLE_ONLY:
        raise NotShareableError(f"{obj!r} does not support cross-interpreter data")
    else:
        try:
            item = (True, pickle.dumps(obj))
        except Exception as e:
            raise NotShareableError("object could not be pickled") from e
    with _lock:
        q = _find(qid)
        if 0 < q.maxsize <= len(q.items):
            raise _full(f"queue {qid} is full")
        q.items.append(item)


def get(qid):
    """Removes the first object; the second result says what an object means whose interpreter is gone."""
    with _lock:
        q = _find(qid)
        if not q.items:
            raise _empty(f"queue {qid} is empty")
        pickled, obj = q.items.pop(0)
    return (pickle.loads(obj) if pickled else obj, None)


def bind(qid):
    """Counts a user of a queue."""
    with _lock:
        _find(qid).references += 1


def _make_release(lock, queues):
    # Queues are released by finalisers, also when the names of this module are gone already.
    error, not_found = QueueError, QueueNotFoundError

    def release(qid):
        """Gives back what `bind` counted; a queue without users is destroyed."""
        with lock:
            q = queues.get(qid)
            if q is None:
                raise not_found(f"queue {qid} not found")
            if q.references == 0:
                raise error(f"queue {qid} not bound")
            q.references -= 1
            if q.references == 0:
                del queues[qid]

    return release


release = _make_release(_lock, _queues)


def get_maxsize(qid):
    """The most objects that a queue holds."""
    with _lock:
        return _find(qid).maxsize


def get_queue_defaults(qid):
    """What a queue does with objects whose interpreter is gone, and with those that are not shareable."""
    with _lock:
        q = _find(qid)
        return (q.unbound, q.fallback)


def is_full(qid):
    """Whether a queue holds as many objects as it may."""
    with _lock:
        q = _find(qid)
        return 0 < q.maxsize <= len(q.items)


def get_count(qid):
    """How many objects a queue holds."""
    with _lock:
        return len(_find(qid).items)
