"""Warnings: filters, registries, stack levels, skipped files, errors."""

import sys
import warnings
import _warnings

assert warnings.warn is _warnings.warn and warnings.filters is _warnings.filters


def caught(action, *calls, **kwargs):
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter(action, **kwargs)
        for call in calls:
            call()
    return log


def one():
    warnings.warn("text")


def other():
    warnings.warn("text")


log = caught("always", one, one)
assert len(log) == 2 and log[0].category is UserWarning and log[0].filename == __file__
assert log[0].lineno == one.__code__.co_firstlineno + 1 and str(log[0].message) == "text"
assert len(caught("default", one, one, other)) == 2
assert len(caught("module", one, one, other)) == 1
assert len(caught("once", one, one, other)) == 1
assert caught("ignore", one) == []
try:
    caught("error", one)
except UserWarning as e:
    assert e.args == ("text",)
else:
    raise AssertionError("no error")


def deep():
    warnings.warn("deep", DeprecationWarning, stacklevel=2)


log = caught("always", lambda: deep())
assert log[0].lineno == sys._getframe().f_lineno - 1 and log[0].category is DeprecationWarning
log = caught("always", lambda: warnings.warn("skipped", skip_file_prefixes=(__file__,)))
assert log[0].filename != __file__

# Filters by message and module.
with warnings.catch_warnings(record=True) as log:
    warnings.resetwarnings()
    warnings.filterwarnings("ignore", message="te.t")
    warnings.filterwarnings("error", module="nowhere")
    one()
    warnings.warn_explicit("shown", UserWarning, "file.py", 7)
    try:
        warnings.warn_explicit("shown", UserWarning, "nowhere.py", 7)
    except UserWarning:
        pass
    else:
        raise AssertionError("no error")
assert [(w.filename, w.lineno, str(w.message)) for w in log] == [("file.py", 7, "shown")]

# The registry of the module is emptied when filters change.
registry = {}
with warnings.catch_warnings(record=True) as log:
    warnings.simplefilter("default")
    for _ in range(2):
        warnings.warn_explicit("again", UserWarning, "f", 1, registry=registry)
    assert len(log) == 1 and ("again", UserWarning, 1) in registry
    warnings.simplefilter("always")
    warnings.warn_explicit("again", UserWarning, "f", 1, registry=registry)
    assert len(log) == 2

for call, error in (
    (lambda: warnings.warn("x", int), TypeError),
    (lambda: warnings.warn("x", skip_file_prefixes=[]), TypeError),
    (lambda: warnings.warn("x", skip_file_prefixes=(1,)), TypeError),
    (lambda: warnings.warn_explicit("x", UserWarning, "f", 1, registry=3), TypeError),
):
    try:
        call()
    except error:
        pass
    else:
        raise AssertionError(error)
