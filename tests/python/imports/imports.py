"""The import system: packages, archives, caches, hooks, messages."""

import importlib
import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

folder = Path(tempfile.mkdtemp()).resolve()
sys.path.insert(0, str(folder))
sys.dont_write_bytecode = False
tag = sys.implementation.cache_tag


def write(name, text=""):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    importlib.invalidate_caches()
    return path


def message(text, kind=ImportError):
    try:
        exec(text, {"__name__": "somewhere", "__package__": ""})
    except kind as error:
        return str(error)
    raise AssertionError(f"{text} does not fail")


# Packages, relative imports, namespace packages.
write("pkg/__init__.py", "from . import a\nfrom .sub.b import y\n__all__ = ['lazy']")
write("pkg/a.py", "from .sub import b\nx = b.y + 1")
write("pkg/lazy.py", "z = 9")
write("pkg/sub/__init__.py")
write("pkg/sub/b.py", "y = 1\nfrom ..lazy import z")
import pkg.sub.b

assert (pkg.a.x, pkg.y, pkg.sub.b.z) == (2, 1, 9)
space = {}
exec("from pkg import *", space)
assert space["lazy"].z == 9
write("one/space/left.py", "side = 'left'")
write("two/space/right.py", "side = 'right'")
sys.path[:0] = [str(folder / "one"), str(folder / "two")]
import space.left
import space.right

assert (space.left.side, space.right.side, len(space.__path__)) == ("left", "right", 2)
assert space.__file__ is None if hasattr(space, "__file__") else True
del sys.path[:2]

# Messages.
write("circle.py", "import circle_b\nhere = 1")
write("circle_b.py", "from circle import here")
text = message("import circle")
assert "partially initialized module 'circle' (most likely due to a circular import)" in text or "consider renaming" in text, text
assert message("from pkg import nothing") == f"cannot import name 'nothing' from 'pkg' ({folder}/pkg/__init__.py)"
assert message("import pkg.nothing", ModuleNotFoundError) == "No module named 'pkg.nothing'"
assert message("import pkg.a.b", ModuleNotFoundError) == "No module named 'pkg.a.b'; 'pkg.a' is not a package"
assert message("from . import x") == "attempted relative import with no known parent package"
write("broken.py", "x =")
assert message("import broken", SyntaxError).startswith("invalid syntax")

# Compiled files.
source = write("cached.py", "value = 1")
import cached

pyc = Path(importlib.util.cache_from_source(str(source)))
assert pyc.name == f"cached.{tag}.pyc" and pyc.exists() and cached.__cached__ == str(pyc)
data = pyc.read_bytes()
assert data[:4] == importlib.util.MAGIC_NUMBER and len(data) > 16
for damaged in (b"", data[:3], data[:10], data[:20], data[:-5], b"\0" * len(data), data[:16] + b"\xff" * 40):
    pyc.write_bytes(damaged)
    sys.modules.pop("cached", None)
    try:
        import cached
    except (EOFError, ImportError, TypeError, ValueError):
        continue
    assert cached.value == 1
pyc.unlink()
sys.modules.pop("cached", None)
import py_compile

for mode in py_compile.PycInvalidationMode:
    py_compile.compile(str(source), cfile=str(pyc), doraise=True, invalidation_mode=mode)
    sys.modules.pop("cached", None)
    import cached

    assert cached.value == 1
py_compile.compile(str(source), cfile=str(pyc), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
source.write_text("value = 2")
importlib.reload(cached)
assert cached.value == 1
py_compile.compile(str(source), cfile=str(pyc), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
source.write_text("value = 3")
importlib.reload(cached)
assert cached.value == 3
# Without a source beside it, a compiled file is a module of its own.
shutil.move(pyc, folder / "sourceless.pyc")
import sourceless

assert sourceless.value == 3 and sourceless.__file__.endswith(".pyc")
code = "import cached, sys; print(cached.__cached__)"
env = os.environ | {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(folder / "prefix")}
env.pop("PYTHONDONTWRITEBYTECODE", None)
shown = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout.strip()
assert shown.startswith(str(folder / "prefix")) and Path(shown).exists(), shown
code_object = compile("x = 1", "f", "exec")
assert marshal.loads(marshal.dumps(code_object)) == code_object

# Archives.
archive = folder / "bundle.zip"
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("zipped/__init__.py", "from .inner import deep")
    z.writestr("zipped/inner.py", "deep = 'in the zip'\ndef f(): return deep")
    z.writestr("zipped/data.txt", "text")
sys.path.append(str(archive))
import zipped

assert zipped.deep == "in the zip" and zipped.__file__ == f"{archive}/zipped/__init__.py"
assert type(zipped.__loader__).__name__ == "zipimporter"
import importlib.resources
import inspect

assert importlib.resources.files("zipped").joinpath("data.txt").read_text() == "text"
assert inspect.getsource(zipped.inner.f).strip() == "def f(): return deep"


# Hooks.
class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name.startswith("invented"):
            return importlib.util.spec_from_loader(name, Finder, is_package=name == "invented")

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        module.made = module.__spec__.name


sys.meta_path.append(Finder)
import invented.part

assert invented.part.made == "invented.part"
sys.meta_path.remove(Finder)
sys.modules["blocked"] = None
assert message("import blocked", ModuleNotFoundError) == "import of blocked halted; None in sys.modules"

# Modules of a class of their own, and modules that are loaded when they are used.
class Special(type(sys)):
    @property
    def double(self):
        return self.value * 2


special = Special("special")
special.value = 4
assert special.double == 8 and special.__dict__["value"] == 4 and object.__getattribute__(special, "value") == 4
write("sleepy.py", "awake = 'yes'")
spec = importlib.util.find_spec("sleepy")
spec.loader = importlib.util.LazyLoader(spec.loader)
sleepy = importlib.util.module_from_spec(spec)
sys.modules["sleepy"] = sleepy
spec.loader.exec_module(sleepy)
assert type(sleepy) is not type(sys)
assert sleepy.awake == "yes" and type(sleepy) is type(sys)

# The library: sources, resources, metadata.
import json.decoder

assert "class JSONDecoder" in inspect.getsource(json.decoder)
assert inspect.getsource(json.decoder.JSONDecoder.decode).lstrip().startswith("def decode")
with importlib.resources.as_file(importlib.resources.files("json") / "decoder.py") as path:
    # The file has the resource's own name: ensurepip gives it to pip, which reads a version in it.
    assert path.name == "decoder.py" and "class JSONDecoder" in path.read_text()
# A copy goes; a file of the library itself stays.
assert path.exists() == (str(path) == json.decoder.__file__)
with importlib.resources.as_file(importlib.resources.files("json")) as path:
    assert path.name == "json" and (path / "tool.py").is_file()
import pkgutil

assert {"decoder", "encoder"} <= {m.name for m in pkgutil.iter_modules(json.__path__)}
assert "abc" in sys.stdlib_module_names and isinstance(sys.stdlib_module_names, frozenset)
info = folder / "thing-1.5.dist-info"
info.mkdir()
(info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.5\n")
(info / "entry_points.txt").write_text("[console_scripts]\nthing = cached:value\n")
import importlib.metadata

importlib.invalidate_caches()
assert importlib.metadata.version("thing") == "1.5"
assert [e.load() for e in importlib.metadata.entry_points(group="console_scripts") if e.name == "thing"] == [3]

# Site folders and .pth files.
site = folder / "site"
site.mkdir()
(site / "added.pth").write_text(f"# comment\n{folder / 'one'}\nimport sys; sys.pth_ran = True\n")
import site as site_module

site_module.addsitedir(str(site))
assert str(folder / "one") in sys.path and sys.pth_ran
shutil.rmtree(folder)

# What is wrong with a relative import is said of the statement alone.
for given, expected in [({}, KeyError("'__name__' not in globals")),
                        ({"__package__": 3}, TypeError("package must be a string")),
                        ({"__package__": "", "__name__": "x"},
                         ImportError("attempted relative import with no known parent package"))]:
    try:
        __import__("a", given, level=1)
    except Exception as e:
        assert (type(e), str(e)) == (type(expected), str(expected)), e
        assert e.__traceback__.tb_next is None
    else:
        raise AssertionError(given)
star = type(sys)("star")
sys.modules["star"], star.__all__ = star, 3
try:
    exec("from star import *")
except TypeError as e:
    assert str(e) == "'int' object does not support indexing", e
# The names of the library's modules are those of every system, and its sources are found.
assert {"sys", "readline", "winreg", "idlelib", "_thread"} <= sys.stdlib_module_names
import abc, collections.abc, inspect, linecache, os.path
for thing in (abc, abc.ABCMeta, collections.abc.Mapping, os.path.join, inspect):
    assert len(inspect.getsource(thing)) > 100, thing
assert linecache.getline(inspect.__file__, 1)

# The library's own files are resources, too.
import importlib.resources

text = importlib.resources.read_text("json", "tool.py", encoding="utf-8")
assert "def main" in text and importlib.resources.files("json").joinpath("tool.py").read_text(encoding="utf-8") == text
assert importlib.resources.read_binary("json", "tool.py").decode() == text
with importlib.resources.open_text("json", "tool.py", encoding="utf-8", errors="replace") as stream:
    assert stream.readline() == text.splitlines(True)[0]
assert importlib.resources.is_resource("json", "tool.py") and not importlib.resources.is_resource("json", "nowhere")
