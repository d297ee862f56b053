//! Changes to single files of the library.
//!
//! Each edit must find its text exactly once, so that a new version of the library that no longer needs an
//! edit, or needs another one, fails the build instead of silently keeping a wrong file.

use std::collections::BTreeMap;

struct Edit {
    file: &'static str,
    /// The first line of the text that goes.
    from: &'static str,
    /// The last line of it; empty if it is one line.
    through: &'static str,
    to: &'static str,
}

const EDITS: &[Edit] = &[
    // Paths of site-packages are those of every Python 3.14.
    Edit {
        file: "sysconfig/__init__.py",
        from: "    return 'RustPython'  # XXX: RUSTPYTHON; For site-packages",
        through: "",
        to: "    return 'Python'",
    },
    Edit {
        file: "site.py",
        from: "    return 'RustPython' # XXX: RUSTPYTHON; for site-packages",
        through: "",
        to: "    return 'Python'",
    },
    Edit {
        file: "site.py",
        from: "    # XXX: RUSTPYTHON",
        through: "    return f'{userbase}/lib/rustpython{version[0]}.{version[1]}{abi_thread}/site-packages'",
        to: "    return f'{userbase}/lib/python{version[0]}.{version[1]}{abi_thread}/site-packages'",
    },
    Edit {
        file: "platform.py",
        from: "        # XXX: RUSTPYTHON support",
        through: "            name = 'CPython'",
        to: "        name = 'Cinder'",
    },
    // Register code loads the attributes of methods with an opcode of their own.
    Edit {
        file: "inspect.py",
        from: "        if opname == \"LOAD_ATTR\":",
        through: "",
        to: "        if opname in (\"LOAD_ATTR\", \"LOAD_METHOD\"):",
    },
    // The library's files are no files of the system; their lines are found all the same. Tracebacks, which give no
    // namespace, show none of the modules that are frozen, as those of CPython do.
    Edit {
        file: "linecache.py",
        from: "        # Realise a lazy loader based lookup if there is one",
        through: "",
        to: concat!(
            "        import _imp, _packed\n",
            "        if fullname.startswith(_packed.PREFIX + '/'):\n",
            "            path = fullname[len(_packed.PREFIX) + 1:]\n",
            "            name = path.removesuffix('.py').removesuffix('/__init__').replace('/', '.')\n",
            "            data = _packed.read(path)\n",
            "            if data is not None and (module_globals is not None or not _imp.is_frozen(name)):\n",
            "                lines = [line + '\\n' for line in data.decode('utf-8', 'replace').splitlines()]\n",
            "                cache[filename] = (len(data), None, lines, fullname)\n",
            "                return lines\n",
            "\n",
            "        # Realise a lazy loader based lookup if there is one",
        ),
    },
    // Its preparations come after the instruction that stands for the start of a function, not before.
    Edit {
        file: "pdb.py",
        from: "        if prev is not None and prev.opname == 'RESUME':",
        through: "",
        to: "        if instr.opname not in ('RESUME', 'MAKE_CELL', 'COPY_FREE_VARS', 'RETURN_GENERATOR'):",
    },
    // The library is an entry of `sys.path` with a finder of its own, so that modules beside a program come
    // before those of the library, as they do where the library is a folder.
    Edit {
        file: "importlib/_bootstrap_external.py",
        from: "def _install(_bootstrap_module):",
        through: "    _set_bootstrap_module(_bootstrap_module)",
        to: concat!(
            include_str!("importer.py"),
            "def _install(_bootstrap_module):\n",
            "    \"\"\"Install the path-based import components.\"\"\"\n",
            "    global _packed\n",
            "    _set_bootstrap_module(_bootstrap_module)\n",
            "    _packed = _bootstrap._builtin_from_name('_packed')\n",
            "    sys.path_hooks.append(PackedFinder)",
        ),
    },
    // Tracebacks show the lines of the text that `-c` runs; it is registered once somebody looks at lines.
    Edit {
        file: "linecache.py",
        from: "        _interactive_cache[key] = entry",
        through: "",
        to: concat!(
            "        _interactive_cache[key] = entry\n",
            "\n\n",
            "def _register_command():\n",
            "    import _imp\n",
            "    command = _imp._command()\n",
            "    if command is not None:\n",
            "        _register_code(*command, '<string>')\n",
            "\n\n",
            "_register_command()\n",
        ),
    },
    // The scripts of a virtual environment lie inside the program.
    Edit {
        file: "venv/__init__.py",
        from: "        path = os.path.join(path, 'scripts')",
        through: "        self.install_scripts(context, path)",
        to: concat!(
            "        from importlib.resources import as_file, files\n",
            "        with as_file(files('venv') / 'scripts') as path:\n",
            "            self.install_scripts(context, str(path))",
        ),
    },
    // Helpers that belong to another runtime.
    Edit {
        file: "json/decoder.py",
        from: "    # RUSTPYTHON SPECIFIC",
        through: "        return cls(msg, doc, pos)",
        to: "",
    },
    Edit {
        file: "io.py",
        from: "# XXX: RUSTPYTHON; FileIO needs host_env, optional without it",
        through: "    FileIO = None",
        to: "from _io import FileIO",
    },
    Edit {
        file: "io.py",
        from: "if FileIO is not None:  # XXX: RUSTPYTHON; see the try/except above",
        through: "    RawIOBase.register(FileIO)",
        to: "RawIOBase.register(FileIO)",
    },
    Edit { file: "unittest/__init__.py", from: "# XXX: RUSTPYTHON", through: "    return test_item", to: "" },
    Edit {
        file: "_compat_pickle.py",
        from: "# NOTE: RUSTPYTHON exceptions",
        through: "    PYTHON2_EXCEPTIONS += (\"JitError\",)",
        to: "",
    },
];

/// Applies the edits and checks that no marker of the other runtime is left.
pub fn apply(files: &mut BTreeMap<String, Vec<u8>>) {
    for e in EDITS {
        let data = files.get_mut(e.file).unwrap_or_else(|| panic!("the library has no {}", e.file));
        let text = std::str::from_utf8(data).unwrap_or_else(|_| panic!("{} is not UTF-8", e.file));
        *data = edited(text, e).into_bytes();
    }
    for (path, data) in files.iter().filter(|(p, _)| p.ends_with(".py") && !p.starts_with("pydoc_data/")) {
        let text = String::from_utf8_lossy(data).to_lowercase();
        assert!(!text.contains("rustpython"), "{path} holds an edit of another runtime that is not taken back");
    }
}

fn edited(text: &str, e: &Edit) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let start = lines
        .iter()
        .position(|l| *l == e.from)
        .unwrap_or_else(|| panic!("{}: the text of an edit is gone: {:?}", e.file, e.from));
    let end = if e.through.is_empty() {
        start
    } else {
        let n = lines[start..].iter().position(|l| *l == e.through);
        start + n.unwrap_or_else(|| panic!("{}: the end of an edit is gone: {:?}", e.file, e.through))
    };
    let mut out: Vec<&str> = lines[..start].to_vec();
    if !e.to.is_empty() {
        out.push(e.to);
    }
    out.extend(&lines[end + 1..]);
    out.join("\n")
}
