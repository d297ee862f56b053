//! What `cargo metadata` and the file system say about the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The output of `cargo metadata`; without dependencies only the workspace's own packages.
///
/// # Errors
/// If cargo fails or writes something else than JSON.
pub fn metadata(with_dependencies: bool) -> Result<Value, String> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let mut c = Command::new(cargo);
    c.current_dir(root()).args(["metadata", "--format-version", "1"]);
    if !with_dependencies {
        c.args(["--no-deps", "--offline"]);
    }
    let out = c.output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !out.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    serde_json::from_slice(&out.stdout).map_err(|e| format!("cargo metadata is not JSON: {e}"))
}

/// All files of the project (not of `target` and hidden folders other than `.ci` and `.cargo`), relative to
/// the root, with forward slashes.
pub fn files() -> Vec<String> {
    let mut out = Vec::new();
    walk(&root(), "", &mut out);
    out.sort();
    out
}

fn walk(dir: &Path, prefix: &str, out: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for e in entries.flatten() {
        let name = e.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && name != ".ci" && name != ".cargo";
        if hidden || name == "target" || name == "__pycache__" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if e.path().is_dir() {
            walk(&e.path(), &format!("{path}/"), out);
        } else {
            out.push(path);
        }
    }
}
