//! Licences of dependencies.

use serde_json::Value;

use crate::workspace;

/// Licences that ask for no more than a notice. The same list stands in `deny.toml`.
pub const ALLOWED: &[&str] = &[
    "MIT",
    // Of the BSD kind, without copyleft.
    "bzip2-1.0.6",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "CC0-1.0",
    "BSL-1.0",
    "0BSD",
    "Unlicense",
    "PSF-2.0",
    "Python-2.0",
];

/// Packages without a licence expression whose licence file has been read.
const READ: &[(&str, &str)] = &[("rustpython-pylib", "PSF-2.0"), ("rustpython-doc", "PSF-2.0")];

/// Checks every package that the workspace may link; gives their number.
///
/// # Errors
/// Lists the packages whose licence is not allowed.
pub fn check() -> Result<usize, String> {
    let meta = workspace::metadata(true)?;
    let none = Vec::new();
    let packages = meta["packages"].as_array().unwrap_or(&none);
    let bad: Vec<String> = packages
        .iter()
        .filter(|p| !permissive(p))
        .map(|p| format!("{} {}: {}", p["name"], p["version"], p["license"]))
        .collect();
    if bad.is_empty() {
        return Ok(packages.len());
    }
    Err(format!("not permissively licensed:\n  {}", bad.join("\n  ")))
}

fn permissive(package: &Value) -> bool {
    let name = package["name"].as_str().unwrap_or("");
    match package["license"].as_str() {
        Some(expression) => allowed(expression),
        None => READ.iter().any(|(n, l)| *n == name && ALLOWED.contains(l)),
    }
}

/// Whether a licence expression (SPDX, or with slashes as older packages write it) can be met by allowed
/// licences.
pub fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let ok = any_of(&tokens, &mut at);
    ok && at == tokens.len()
}

fn any_of(t: &[&str], at: &mut usize) -> bool {
    let mut ok = all_of(t, at);
    while t.get(*at) == Some(&"OR") {
        *at += 1;
        ok |= all_of(t, at);
    }
    ok
}

fn all_of(t: &[&str], at: &mut usize) -> bool {
    let mut ok = one(t, at);
    while t.get(*at) == Some(&"AND") {
        *at += 1;
        ok &= one(t, at);
    }
    ok
}

fn one(t: &[&str], at: &mut usize) -> bool {
    if t.get(*at) == Some(&"(") {
        *at += 1;
        let ok = any_of(t, at);
        *at += 1;
        return ok;
    }
    let Some(id) = t.get(*at) else { return false };
    *at += 1;
    if t.get(*at) == Some(&"WITH") {
        let full = format!("{id} WITH {}", t.get(*at + 1).unwrap_or(&""));
        *at += 2;
        return ALLOWED.contains(&full.as_str());
    }
    ALLOWED.contains(id)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn expressions_are_understood() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "LGPL-3.0-only OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "(Apache-2.0 OR MIT) AND BSD-3-Clause",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in
            ["LGPL-3.0-only", "MIT AND GPL-2.0", "", "MPL-2.0", "(MIT", "Apache-2.0 WITH Classpath-exception-2.0"]
        {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
