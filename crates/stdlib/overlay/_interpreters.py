"""Interpreters of the process. There is one, the main interpreter: further ones cannot be created."""

from types import SimpleNamespace

WHENCE_UNKNOWN = 0
WHENCE_RUNTIME = 1
WHENCE_LEGACY_CAPI = 2
WHENCE_CAPI = 3
WHENCE_XI = 4
WHENCE_STDLIB = 5


class InterpreterError(Exception):
    """A cross-interpreter operation failed."""

    __module__ = "concurrent.interpreters"


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found."""

    __module__ = "concurrent.interpreters"


class NotShareableError(TypeError):
    """An object cannot be sent to another interpreter."""

    __module__ = "concurrent.interpreters"


_MAIN = 0
_SHAREABLE = (type(None), bool, int, float, str, bytes, memoryview)

_FIELDS = (
    "use_main_obmalloc", "allow_fork", "allow_exec", "allow_threads", "allow_daemon_threads",
    "check_multi_interp_extensions", "gil",
)
_CONFIGS = {
    "isolated": (False, False, False, True, False, True, "own"),
    "legacy": (True, True, True, True, True, False, "shared"),
    "empty": (False, False, False, False, False, False, "default"),
}
_CONFIGS["default"] = _CONFIGS["isolated"]
_GILS = ("default", "shared", "own")


def is_shareable(obj):
    """Whether an object can be sent to another interpreter without being pickled."""
    if type(obj) is tuple:
        return all(map(is_shareable, obj))
    if type(obj) is int:
        return True
    return type(obj) in _SHAREABLE or type(obj) in _registered


_registered = set()


def _find(id, restrict=False, doing=None):
    """Refuses ids that are not the main interpreter's, and with `restrict` that one too: it was not made here."""
    if not hasattr(type(id), "__index__"):
        raise TypeError(f"interpreter ID must be an int, got {type(id).__name__}")
    n = id.__index__()
    if n < 0:
        raise ValueError(f"interpreter ID must be a non-negative int, got {id!r}")
    if n != _MAIN:
        raise InterpreterNotFoundError(f"unrecognized interpreter ID {n}")
    if restrict:
        raise InterpreterError(f"cannot {doing} unrecognized interpreter {n}")


def new_config(name="isolated", /, **overrides):
    """A configuration of a new interpreter, by name, with some fields set otherwise."""
    if name not in _CONFIGS:
        raise ValueError(f"unsupported config name {name!r}")
    fields = dict(zip(_FIELDS, _CONFIGS[name]))
    for key in _FIELDS:
        if key in overrides:
            value = overrides.pop(key)
            if key != "gil":
                value = bool(value)
            elif value not in _GILS:
                raise ValueError(f"unsupported interpreter config .gil value {value!r}")
            fields[key] = value
    if overrides:
        n = len(overrides)
        raise ValueError(f"config dict has {n} extra item{'s' if n > 1 else ''} ({overrides!r})")
    return SimpleNamespace(**fields)


def create(config="isolated", *, reqrefs=False):
    """Would create an interpreter; the process can have but one."""
    if isinstance(config, str):
        new_config(config)
    elif config is not None and not hasattr(config, "__dict__"):
        raise TypeError(f"bad config {config!r}")
    raise InterpreterError("interpreter creation failed: Cinder has one interpreter in a process")


def destroy(id, *, restrict=False):
    """Destroys an interpreter that is not running."""
    _find(id, restrict, "destroy")
    raise InterpreterError("cannot destroy the current interpreter")


def list_all(*, require_ready=False):
    """Ids of all interpreters, and where each comes from."""
    return [(_MAIN, WHENCE_RUNTIME)]


def get_current():
    """The running interpreter: id, and where it comes from."""
    return (_MAIN, WHENCE_RUNTIME)


def get_main():
    """The main interpreter: id, and where it comes from."""
    return (_MAIN, WHENCE_RUNTIME)


def whence(id):
    """Where an interpreter comes from."""
    _find(id)
    return WHENCE_RUNTIME


def is_running(id, *, restrict=False):
    """Whether an interpreter's main thread runs code of its `__main__`."""
    _find(id, restrict, "check if running for")
    return True


def get_config(id, *, restrict=False):
    """The configuration of an interpreter."""
    _find(id, restrict, "get the config of")
    return new_config("legacy", gil="own")


def _refuse(id, restrict, doing):
    _find(id, restrict, doing)
    raise InterpreterError("interpreter already running")


def set___main___attrs(id, updates, *, restrict=False):
    """Binds names in an interpreter's `__main__`."""
    _refuse(id, restrict, "update __main__ for")


def exec(id, code, shared=None, *, restrict=False):
    """Runs code in an interpreter that is not running."""
    _refuse(id, restrict, "exec code for")


def run_string(id, script, shared=None, *, restrict=False):
    """Runs a script in an interpreter that is not running."""
    _refuse(id, restrict, "run a string for")


def run_func(id, func, shared=None, *, restrict=False):
    """Runs the body of a function in an interpreter that is not running."""
    _refuse(id, restrict, "run a function for")


def call(id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False):
    """Calls something in an interpreter that is not running."""
    _refuse(id, restrict, "make a call in")


def incref(id, *, implieslink=False, restrict=False):
    """Counts a reference to an interpreter."""
    _find(id, restrict, "incref")


def decref(id, *, restrict=False):
    """Gives back a reference to an interpreter."""
    _find(id, restrict, "decref")


def capture_exception(exc=None):
    """What is left of an exception outside of its interpreter."""
    if exc is None:
        import sys
        exc = sys.exception()
        if exc is None:
            raise RuntimeError("No active exception to capture")
    elif not isinstance(exc, BaseException):
        raise TypeError(f"expected exception, got {exc!r}")
    import traceback
    kind = type(exc)
    message = str(exc)
    return SimpleNamespace(
        type=SimpleNamespace(__name__=kind.__name__, __qualname__=kind.__qualname__, __module__=kind.__module__),
        msg=message,
        formatted=f"{kind.__name__}: {message}",
        errdisplay="".join(traceback.format_exception(exc)).rstrip("\n"),
    )
