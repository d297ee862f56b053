class PackedLoader:
    """Loads a module of the library that is packed into the program."""

    def __init__(self, fullname, path, packed_name):
        self.name = fullname
        self.path = path
        self._packed_name = packed_name

    def __eq__(self, other):
        return self.__class__ == other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)

    def create_module(self, spec):
        """Leaves the making of the module to the import system."""

    def exec_module(self, module):
        """Runs the module's code."""
        _bootstrap._call_with_frames_removed(exec, self.get_code(module.__name__), module.__dict__)

    def load_module(self, fullname):
        """Loads the module by its name. Deprecated: use exec_module()."""
        return _bootstrap._load_module_shim(self, fullname)

    def is_package(self, fullname):
        """Whether the module is a package."""
        return bool(_packed.find(self._packed_name))

    def get_code(self, fullname):
        """The code that was packed, or the source compiled."""
        if _packed.has_code(self._packed_name):
            return _imp.get_frozen_object(self._packed_name)
        return compile(self.get_data(self.path), self.path, 'exec', dont_inherit=True)

    def get_source(self, fullname):
        """The source text."""
        try:
            return decode_source(self.get_data(self.get_filename(fullname)))
        except OSError as error:
            raise ImportError('the library has no such module', name=fullname) from error

    def get_filename(self, fullname):
        """The path, which is that of the code's positions too."""
        return self.path

    def get_data(self, path):
        """The contents of a file of the library."""
        path = _os.fspath(path) if not isinstance(path, str) else path
        data = _packed.read(path[len(_packed.PREFIX) + 1:]) if path.startswith(_packed.PREFIX + '/') else None
        if data is None:
            raise OSError(2, 'No such file in the packed library', path)
        return data

    def get_resource_reader(self, fullname):
        """The data files of a package."""
        if not self.is_package(fullname):
            return None
        from importlib._packed import PackedResources
        return PackedResources(self._packed_name)


class PackedFinder:
    """Finds modules below a folder of the packed library; the hook of its entry in sys.path."""

    def __init__(self, path):
        if path != _packed.PREFIX and not path.startswith(_packed.PREFIX + '/'):
            raise ImportError('not in the packed library', path=path)
        self.path = path
        self._package = path[len(_packed.PREFIX) + 1:].replace('/', '.')

    def find_spec(self, fullname, target=None):
        """The spec of a module in this folder, if it is there."""
        tail = fullname.rpartition('.')[2]
        packed_name = f'{self._package}.{tail}' if self._package else tail
        is_package = _packed.find(packed_name)
        if is_package is None:
            return None
        folder = f'{self.path}/{tail}'
        path = f'{folder}/__init__.py' if is_package else f'{folder}.py'
        return spec_from_file_location(fullname, path, loader=PackedLoader(fullname, path, packed_name),
                                       submodule_search_locations=[folder] if is_package else None)

    def iter_modules(self, prefix=''):
        """For pkgutil: the modules in this folder."""
        for name, is_package in _packed.modules(self._package):
            yield prefix + name, is_package

    def invalidate_caches(self):
        """Does nothing: the library does not change."""

    def __repr__(self):
        return f'PackedFinder({self.path!r})'


