"""Resources of the packed library, for importlib.resources."""

import contextlib
import io

import _packed
from importlib.resources import as_file
from importlib.resources.abc import Traversable, TraversableResources


class PackedPath(Traversable):
    """A file or folder of the packed library."""

    def __init__(self, path):
        self._path = path

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def iterdir(self):
        if not self.is_dir():
            raise NotADirectoryError(str(self))
        for name in _packed.names(self._path):
            yield PackedPath(f"{self._path}/{name}" if self._path else name)

    def is_dir(self):
        return bool(_packed.names(self._path))

    def is_file(self):
        return _packed.read(self._path) is not None

    def joinpath(self, *descendants):
        path = self._path
        for part in "/".join(descendants).split("/"):
            if part == "..":
                path = path.rpartition("/")[0]
            elif part not in ("", "."):
                path = f"{path}/{part}" if path else part
        return PackedPath(path)

    __truediv__ = joinpath

    def read_bytes(self):
        data = _packed.read(self._path)
        if data is None:
            raise FileNotFoundError(str(self))
        return data

    def read_text(self, encoding=None, errors=None):
        with self.open(encoding=encoding, errors=errors) as stream:
            return stream.read()

    def open(self, mode="r", *args, **kwargs):
        if mode not in ("r", "rb"):
            raise ValueError(f"invalid mode {mode!r}: the library cannot be written")
        stream = io.BytesIO(self.read_bytes())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **kwargs)

    def __str__(self):
        return f"{_packed.PREFIX}/{self._path}"

    def __repr__(self):
        return f"{type(self).__name__}({self._path!r})"


class PackedResources(TraversableResources):
    """The resources of one package."""

    def __init__(self, package):
        self._package = package

    def files(self):
        return PackedPath(self._package.replace(".", "/"))


def _write(path, target):
    if path.is_dir():
        target.mkdir()
        for child in path.iterdir():
            _write(child, target / child.name)
    else:
        target.write_bytes(path.read_bytes())


@as_file.register(PackedPath)
@contextlib.contextmanager
def _(path):
    """A resource as a file or folder under its own name, which may say what it is, as that of a wheel does."""
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, path.name)
        _write(path, target)
        yield target
