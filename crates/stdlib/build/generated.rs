//! Files of the library that depend on the target or on the instruction set.

use std::collections::BTreeMap;
use std::fmt::Write;

use cinder_bytecode::op::{AwaitSite, CommonConst, Conversion, FunctionAttr, OpFlags, Opcode, SpecialMethod};

/// The target in the form that Python uses in file names, such as `x86_64-linux-gnu`.
pub fn multiarch() -> String {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let arch = var("CARGO_CFG_TARGET_ARCH");
    match var("CARGO_CFG_TARGET_OS").as_str() {
        "linux" => {
            let env = var("CARGO_CFG_TARGET_ENV");
            format!("{arch}-linux-{}", if env.is_empty() { "gnu" } else { &env })
        }
        "macos" => "darwin".into(),
        os => format!("{arch}-{os}"),
    }
}

fn platform() -> &'static str {
    match std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default().as_str() {
        "macos" => "darwin",
        "freebsd" => "freebsd",
        _ => "linux",
    }
}

pub fn add(files: &mut BTreeMap<String, Vec<u8>>) {
    let name = format!("_sysconfigdata__{}_{}.py", platform(), multiarch());
    files.insert(name, sysconfigdata().into_bytes());
    files.insert("_opcode_metadata.py".into(), opcode_metadata().into_bytes());
}

/// The opcode table as Python data: for each opcode its number (`opmap`, by name), operands as pairs (field,
/// kind), flags, description, and the meanings of numbered operands.
fn opcode_metadata() -> String {
    const FLAGS: &[(OpFlags, &str)] = &[
        (OpFlags::RAISES, "raises"),
        (OpFlags::PY, "py"),
        (OpFlags::JUMP, "jump"),
        (OpFlags::BRANCH, "branch"),
        (OpFlags::SKIPS, "skips"),
        (OpFlags::ENDS, "ends"),
        (OpFlags::EXTRA, "extra"),
        (OpFlags::SUSPENDS, "suspends"),
        (OpFlags::CALLS, "calls"),
        (OpFlags::BACK, "back"),
    ];
    let table = Opcode::table();
    let mut s = String::from("# The instruction set, generated from its table.\n\nopmap = {\n");
    for (i, row) in table.iter().enumerate() {
        let _ = writeln!(s, "    {:?}: {i},", python_name(row.name));
    }
    s += "}\n\noperands = [\n";
    for row in table {
        let fields: Vec<String> = row.operands.iter().map(|(f, k)| format!("(\"{f:?}\", \"{k:?}\")")).collect();
        let comma = if fields.len() == 1 { "," } else { "" };
        let _ = writeln!(s, "    ({}{comma}),", fields.join(", "));
    }
    s += "]\n\nflags = [\n";
    for row in table {
        let set: Vec<String> =
            FLAGS.iter().filter(|(f, _)| row.flags.contains(*f)).map(|(_, n)| format!("\"{n}\"")).collect();
        let comma = if set.len() == 1 { "," } else { "" };
        let _ = writeln!(s, "    ({}{comma}),", set.join(", "));
    }
    s += "]\n\ndoc = [\n";
    for row in table {
        let _ = writeln!(s, "    {:?},", row.doc.trim());
    }
    s += "]\n\nnumbered = {\n";
    let mut numbered = |op: Opcode, text: &dyn Fn(u16) -> Option<&'static str>| {
        let all: Vec<&str> = (0..).map_while(text).collect();
        let _ = writeln!(s, "    {:?}: {all:?},", python_name(op.info().name));
    };
    numbered(Opcode::LoadCommonConst, &|n| CommonConst::from_u16(n).map(CommonConst::text));
    numbered(Opcode::LoadSpecial, &|n| SpecialMethod::from_u16(n).map(SpecialMethod::text));
    numbered(Opcode::SetFunctionAttr, &|n| FunctionAttr::from_u16(n).map(FunctionAttr::text));
    numbered(Opcode::ConvertValue, &|n| Conversion::from_u16(n).map(Conversion::text));
    numbered(Opcode::GetAwaitable, &|n| AwaitSite::from_u16(n).map(AwaitSite::text));
    s + "}\n"
}

/// `LoadGlobal` as Python's modules write it: `LOAD_GLOBAL`.
fn python_name(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// What `sysconfig.get_config_vars()` takes from the build. There are no headers and no shared library, so
/// the variables that name them are empty.
fn sysconfigdata() -> String {
    let multiarch = multiarch();
    let text = |k: &str, v: &str| format!("    {k:?}: {v:?},\n");
    let number = |k: &str, v: u32| format!("    {k:?}: {v},\n");
    let soabi = format!("cinder-314-{multiarch}");
    let mut s = String::from("# The settings of this build, for sysconfig.\nbuild_time_vars = {\n");
    for (k, v) in [
        ("ABIFLAGS", ""),
        ("AR", "ar"),
        ("ARFLAGS", "rcs"),
        ("BLDSHARED", "cc -shared"),
        ("CC", "cc"),
        ("CCSHARED", "-fPIC"),
        ("CFLAGS", "-fno-strict-overflow -DNDEBUG -O3 -Wall"),
        ("CONFIG_ARGS", ""),
        ("CONFINCLUDEPY", ""),
        ("CXX", "c++"),
        ("EXE", ""),
        ("EXT_SUFFIX", &format!(".{soabi}.so")),
        ("HOST_GNU_TYPE", &multiarch),
        ("INCLUDEPY", ""),
        ("LDCXXSHARED", "c++ -shared"),
        ("LDFLAGS", ""),
        ("LDLIBRARY", ""),
        ("LDSHARED", "cc -shared"),
        ("LDVERSION", "3.14"),
        ("LIBDIR", ""),
        ("LIBRARY", ""),
        ("LIBS", ""),
        ("MACHDEP", platform()),
        ("MULTIARCH", &multiarch),
        ("OPT", "-DNDEBUG -O3 -Wall"),
        ("RANLIB", "ranlib"),
        ("SHELL", "/bin/sh"),
        ("SHLIB_SUFFIX", ".so"),
        ("SO", &format!(".{soabi}.so")),
        ("SOABI", &soabi),
        ("TZPATH", "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"),
        ("VERSION", "3.14"),
    ] {
        s += &text(k, v);
    }
    for (k, v) in [
        ("HAVE_FORK", 1),
        ("HAVE_GETRANDOM", 1),
        ("HAVE_SYSTEM", 1),
        ("Py_DEBUG", 0),
        ("Py_ENABLE_SHARED", 0),
        ("Py_GIL_DISABLED", 0),
        ("Py_REMOTE_DEBUG", 0),
        ("Py_TRACE_REFS", 0),
        ("SIZEOF_SIZE_T", (usize::BITS / 8)),
        ("WITH_DOC_STRINGS", 1),
        ("WITH_PYMALLOC", 0),
    ] {
        s += &number(k, v);
    }
    s + "}\n"
}
