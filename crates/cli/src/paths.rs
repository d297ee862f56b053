//! Where the command stands: its own path, prefixes, virtual environments.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// `sys.executable` and the prefixes.
pub(crate) struct Layout {
    pub executable: OsString,
    pub base_executable: OsString,
    pub prefix: OsString,
    pub base_prefix: OsString,
}

impl Layout {
    /// Finds out by which path the command was called and whether that is a virtual environment's.
    pub(crate) fn find(called: Option<&OsStr>, home: Option<&OsStr>) -> Layout {
        let executable = executable(called);
        let real = std::fs::canonicalize(&executable).unwrap_or_else(|_| executable.clone());
        if let Some(home) = home {
            // `prefix:exec_prefix` is understood, though there is nothing that depends on the machine.
            let text = home.to_string_lossy();
            let prefix: OsString = text.split(':').next().unwrap_or("").into();
            return Layout {
                base_executable: executable.clone().into(),
                executable: executable.into(),
                prefix: prefix.clone(),
                base_prefix: prefix,
            };
        }
        if let Some(environment) = Environment::of(&executable) {
            let name = real.file_name().unwrap_or_default();
            let base = environment.executable.clone().unwrap_or_else(|| environment.home.join(name));
            return Layout {
                prefix: environment.root.into(),
                base_prefix: environment.home.parent().unwrap_or(Path::new("/")).into(),
                base_executable: base.into(),
                executable: executable.into(),
            };
        }
        let prefix = prefix_of(&real);
        Layout {
            base_executable: executable.clone().into(),
            executable: executable.into(),
            prefix: prefix.clone().into(),
            base_prefix: prefix.into(),
        }
    }
}

/// The folder that holds the folder of the command.
fn prefix_of(executable: &Path) -> PathBuf {
    executable.parent().and_then(Path::parent).map_or_else(|| PathBuf::from("/usr/local"), Path::to_path_buf)
}

/// The path by which the command was called, as far as possible without following links: a virtual environment
/// is known by it.
fn executable(called: Option<&OsStr>) -> PathBuf {
    let own = || std::env::current_exe().unwrap_or_default();
    let Some(called) = called.filter(|c| !c.is_empty()) else { return own() };
    let path = Path::new(called);
    if path.components().count() > 1 || path.is_absolute() {
        let full = std::env::current_dir().unwrap_or_default().join(path);
        // The text is cleaned of `.` only: `..` may lead elsewhere through a link.
        let clean: PathBuf = full.components().collect();
        return if is_executable(&clean) { clean } else { own() };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|d| d.join(path)).find(|p| is_executable(p));
    match found {
        Some(p) if p.is_absolute() => p,
        Some(p) => std::env::current_dir().unwrap_or_default().join(p),
        None => own(),
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// A virtual environment, known by its `pyvenv.cfg`.
struct Environment {
    root: PathBuf,
    home: PathBuf,
    executable: Option<PathBuf>,
}

impl Environment {
    fn of(executable: &Path) -> Option<Environment> {
        let folder = executable.parent()?;
        let places = [Some(folder), folder.parent()];
        let (root, text) = places
            .into_iter()
            .flatten()
            .find_map(|p| Some((p, std::fs::read_to_string(p.join("pyvenv.cfg")).ok()?)))?;
        let value = |key: &str| {
            text.lines()
                .filter_map(|l| l.split_once('='))
                .find_map(|(k, v)| k.trim().eq_ignore_ascii_case(key).then(|| PathBuf::from(v.trim())))
        };
        Some(Environment { root: root.to_path_buf(), home: value("home")?, executable: value("executable") })
    }
}
