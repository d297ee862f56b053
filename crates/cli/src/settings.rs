//! What options and environment variables make of the interpreter's configuration.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use cinder_interp::{Config, Encodings, Flags, HashSeed, locale};

use crate::args::{Line, Options};
use crate::paths::Layout;

/// A setting that the program cannot start with.
#[derive(Debug)]
pub(crate) struct BadSetting(pub String);

/// The environment, unless it is to be ignored. Empty variables count as unset.
struct Environment {
    used: bool,
}

impl Environment {
    fn get(&self, name: &str) -> Option<OsString> {
        if !self.used {
            return None;
        }
        std::env::var_os(name).filter(|v| !v.is_empty())
    }

    /// A counter: what is no number counts as 1.
    fn count(&self, name: &str) -> u8 {
        match self.get(name) {
            None => 0,
            Some(v) => v
                .to_str()
                .and_then(|v| v.trim().parse::<i64>().ok())
                .filter(|n| *n >= 0)
                .map_or(1, |n| n.min(255) as u8),
        }
    }

    fn set(&self, name: &str) -> bool {
        self.count(name) > 0
    }
}

/// The `-X` options as pairs; the last one of a name counts.
struct XOptions(Vec<(OsString, Option<OsString>)>);

impl XOptions {
    fn new(given: &[OsString]) -> XOptions {
        let split = |o: &OsString| {
            let bytes = o.as_bytes();
            match bytes.iter().position(|b| *b == b'=') {
                Some(i) => (os(&bytes[..i]), Some(os(&bytes[i + 1..]))),
                None => (o.clone(), None),
            }
        };
        XOptions(given.iter().map(split).collect())
    }

    fn get(&self, name: &str) -> Option<Option<&OsStr>> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_deref())
    }

    fn given(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn bad<T>(text: impl Into<String>) -> Result<T, BadSetting> {
    Err(BadSetting(text.into()))
}

fn number<T: std::str::FromStr>(v: &OsStr) -> Option<T> {
    v.to_str().and_then(|v| v.parse().ok())
}

/// The configuration of a run.
pub(crate) fn configure(line: &Line, orig_argv: Vec<OsString>) -> Result<Config, BadSetting> {
    let o = &line.options;
    let env = Environment { used: !(o.ignore_environment || o.isolated) };
    let x = XOptions::new(&o.xoptions);
    let (utf8_mode, encodings) = encodings(&env, &x)?;
    let dev_mode = x.given("dev") || env.set("PYTHONDEVMODE");
    let flags = Flags {
        debug: o.debug.max(env.count("PYTHONDEBUG")).min(1),
        inspect: o.inspect.max(env.count("PYTHONINSPECT")).min(1),
        interactive: o.inspect.min(1),
        optimize: o.optimize.max(env.count("PYTHONOPTIMIZE")),
        dont_write_bytecode: o.no_bytecode || env.set("PYTHONDONTWRITEBYTECODE"),
        no_user_site: o.no_user_site || o.isolated || env.set("PYTHONNOUSERSITE"),
        no_site: o.no_site,
        ignore_environment: !env.used,
        verbose: o.verbose.max(env.count("PYTHONVERBOSE")),
        bytes_warning: o.bytes_warning,
        quiet: o.quiet,
        isolated: o.isolated,
        dev_mode,
        utf8_mode,
        warn_default_encoding: x.given("warn_default_encoding") || env.set("PYTHONWARNDEFAULTENCODING"),
        safe_path: o.safe_path || o.isolated || env.get("PYTHONSAFEPATH").is_some(),
        unbuffered: o.unbuffered || env.set("PYTHONUNBUFFERED"),
        int_max_str_digits: int_max_str_digits(&env, &x)?,
        thread_inherit_context: switch(&env, &x, "thread_inherit_context", "PYTHON_THREAD_INHERIT_CONTEXT")?,
        context_aware_warnings: switch(&env, &x, "context_aware_warnings", "PYTHON_CONTEXT_AWARE_WARNINGS")?,
        hash_seed: hash_seed(&env, o)?,
    };
    check_gil(&env, &x)?;
    check_allocator(&env)?;
    let home = env.get("PYTHONHOME");
    let layout = Layout::find(orig_argv.first().map(OsString::as_os_str), home.as_deref());
    let path = env.get("PYTHONPATH").map(|p| p.as_bytes().split(|b| *b == b':').map(os).collect());
    let pycache_prefix = match x.get("pycache_prefix") {
        Some(v) => v.filter(|v| !v.is_empty()).map(OsStr::to_owned),
        None => env.get("PYTHONPYCACHEPREFIX"),
    };
    Ok(Config {
        argv: line.argv.clone(),
        orig_argv,
        executable: layout.executable,
        base_executable: layout.base_executable,
        prefix: layout.prefix,
        base_prefix: layout.base_prefix,
        platlibdir: env.get("PYTHONPLATLIBDIR").unwrap_or_else(|| "lib".into()),
        path: path.unwrap_or_default(),
        warnoptions: warnoptions(&env, o, dev_mode),
        pycache_prefix,
        check_hash_pycs: o.check_hash_pycs.as_ref().map_or_else(|| "default".into(), |v| v.to_string_lossy().into()),
        flags,
        encodings,
        cpu_count: cpu_count(&env, &x)?,
        import_time: import_time(&env, &x)?,
        frozen_modules: frozen_modules(&env, &x)?,
        no_debug_ranges: x.given("no_debug_ranges") || env.get("PYTHONNODEBUGRANGES").is_some(),
        faulthandler: dev_mode || x.given("faulthandler") || env.set("PYTHONFAULTHANDLER"),
        tracemalloc: tracemalloc(&env, &x)?,
        xoptions: x.0,
        signals: true,
        ..Config::default()
    })
}

/// Sets the locale, replaces a C locale by a UTF-8 one, and decides on UTF-8 mode.
fn encodings(env: &Environment, x: &XOptions) -> Result<(bool, Encodings), BadSetting> {
    let ctype = locale::use_environment();
    let legacy = ctype == "C" || ctype == "POSIX";
    let utf8_mode = match x.get("utf8") {
        Some(v) => match v.map(OsStr::as_bytes) {
            None | Some(b"1") => true,
            Some(b"0") => false,
            Some(_) => return bad("invalid -X utf8 option value"),
        },
        None => match env.get("PYTHONUTF8").as_deref().map(OsStr::as_bytes) {
            Some(b"1") => true,
            Some(b"0") => false,
            Some(_) => return bad("invalid PYTHONUTF8 environment variable value"),
            None => legacy,
        },
    };
    let coerce = env.get("PYTHONCOERCECLOCALE");
    let mut coerced = false;
    if ctype == "C"
        && coerce.as_deref() != Some(OsStr::new("0"))
        && std::env::var_os("LC_ALL").is_none_or(|v| v.is_empty())
    {
        let target = locale::coerce();
        coerced = target.is_some();
        if let Some(target) = target
            && coerce.as_deref() == Some(OsStr::new("warn"))
        {
            crate::say(&format!(
                "Python detected LC_CTYPE=C: LC_CTYPE coerced to {target} (set another locale or \
                 PYTHONCOERCECLOCALE=0 to disable this locale coercion behavior)."
            ));
        }
    } else if ctype == "C" && coerce.as_deref() == Some(OsStr::new("warn")) {
        crate::say(
            "Python runtime initialized with LC_CTYPE=C (a locale with default ASCII encoding), which may cause \
             Unicode compatibility problems. Using C.UTF-8, C.utf8, or UTF-8 (if available) as alternative \
             Unicode-compatible locales is recommended.",
        );
    }
    let native = if utf8_mode { "utf-8".to_owned() } else { codec_name(&locale::encoding()) };
    let lenient = utf8_mode || legacy || coerced || ["C.UTF-8", "C.utf8", "UTF-8"].contains(&ctype.as_str());
    let mut e = Encodings {
        filesystem: native.clone(),
        filesystem_errors: "surrogateescape".to_owned(),
        stdio: native,
        stdio_errors: if lenient { "surrogateescape" } else { "strict" }.to_owned(),
    };
    if let Some(io) = env.get("PYTHONIOENCODING") {
        let io = io.to_string_lossy().into_owned();
        let (encoding, errors) = match io.split_once(':') {
            Some((encoding, errors)) => (encoding, Some(errors).filter(|e| !e.is_empty())),
            None => (io.as_str(), None),
        };
        if !encoding.is_empty() {
            e.stdio = encoding.to_owned();
            e.stdio_errors = "strict".to_owned();
        }
        if let Some(errors) = errors {
            e.stdio_errors = errors.to_owned();
        }
    }
    Ok((utf8_mode, e))
}

/// The Python name of the codec that the system calls so.
fn codec_name(system: &str) -> String {
    match system.to_ascii_uppercase().as_str() {
        "" | "UTF-8" | "UTF8" => "utf-8".to_owned(),
        "ANSI_X3.4-1968" | "US-ASCII" | "ASCII" | "646" => "ascii".to_owned(),
        s => match s.strip_prefix("ISO-8859-") {
            Some(part) => format!("iso8859-{part}"),
            None => s.to_ascii_lowercase(),
        },
    }
}

fn warnoptions(env: &Environment, o: &Options, dev_mode: bool) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    if dev_mode {
        all.push("default".into());
    }
    if let Some(w) = env.get("PYTHONWARNINGS") {
        all.extend(w.as_bytes().split(|b| *b == b',').filter(|w| !w.is_empty()).map(os));
    }
    all.extend(o.warnings.iter().cloned());
    match o.bytes_warning {
        0 => {}
        1 => all.push("default::BytesWarning".into()),
        _ => all.push("error::BytesWarning".into()),
    }
    all
}

fn int_max_str_digits(env: &Environment, x: &XOptions) -> Result<i64, BadSetting> {
    let valid = |v: &OsStr| number::<i64>(v).filter(|n| *n == 0 || (640..=i64::from(i32::MAX)).contains(n));
    let limit = "invalid limit; must be >= 640 or 0 for unlimited.";
    if let Some(v) = x.get("int_max_str_digits") {
        return match v.and_then(valid) {
            Some(n) => Ok(n),
            None => bad(format!("-X int_max_str_digits: {limit}")),
        };
    }
    match env.get("PYTHONINTMAXSTRDIGITS") {
        None => Ok(4300),
        Some(v) => match valid(&v) {
            Some(n) => Ok(n),
            None => bad(format!("PYTHONINTMAXSTRDIGITS: {limit}")),
        },
    }
}

/// An option that takes 0 or 1.
fn switch(env: &Environment, x: &XOptions, option: &str, variable: &str) -> Result<bool, BadSetting> {
    if let Some(v) = x.get(option) {
        return match v.and_then(number::<u8>) {
            Some(n @ (0 | 1)) => Ok(n == 1),
            _ => bad(format!("-X {option}=n: n is missing or invalid")),
        };
    }
    match env.get(variable) {
        None => Ok(false),
        Some(v) => match number::<u8>(&v) {
            Some(n @ (0 | 1)) => Ok(n == 1),
            _ => bad(format!("{variable}=N: N is missing or invalid")),
        },
    }
}

fn check_gil(env: &Environment, x: &XOptions) -> Result<(), BadSetting> {
    let value = match x.get("gil") {
        Some(v) => v.map(OsStr::to_owned).unwrap_or_default(),
        None => match env.get("PYTHON_GIL") {
            Some(v) => v,
            None => return Ok(()),
        },
    };
    match value.as_bytes() {
        b"1" => Ok(()),
        b"0" => bad("Disabling the GIL is not supported by this build"),
        _ => bad("PYTHON_GIL / -X gil must be \"0\" or \"1\""),
    }
}

/// The names of CPython's allocators are accepted; there is one allocator, whichever is asked for.
fn check_allocator(env: &Environment) -> Result<(), BadSetting> {
    const KNOWN: &[&str] =
        &["default", "debug", "malloc", "malloc_debug", "pymalloc", "pymalloc_debug", "mimalloc", "mimalloc_debug"];
    match env.get("PYTHONMALLOC") {
        Some(name) if !name.to_str().is_some_and(|n| KNOWN.contains(&n)) => bad("PYTHONMALLOC: unknown allocator"),
        _ => Ok(()),
    }
}

fn hash_seed(env: &Environment, o: &Options) -> Result<HashSeed, BadSetting> {
    match env.get("PYTHONHASHSEED") {
        Some(v) if v != "random" && !o.random_hashes => match number::<u32>(&v) {
            Some(n) => Ok(HashSeed::Fixed(n)),
            None => bad("PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]"),
        },
        _ => Ok(HashSeed::Random),
    }
}

fn cpu_count(env: &Environment, x: &XOptions) -> Result<Option<u32>, BadSetting> {
    let value = match x.get("cpu_count") {
        Some(v) => v.map(OsStr::to_owned).unwrap_or_default(),
        None => match env.get("PYTHON_CPU_COUNT") {
            Some(v) => v,
            None => return Ok(None),
        },
    };
    if value == "default" {
        return Ok(None);
    }
    match number::<u32>(&value).filter(|n| *n > 0) {
        Some(n) => Ok(Some(n)),
        None => bad("-X cpu_count=n option: n is missing or an invalid number, n must be greater than 0"),
    }
}

fn import_time(env: &Environment, x: &XOptions) -> Result<u8, BadSetting> {
    let reserved = "values other than 1 and 2 are reserved for future use.";
    let level = |v: &OsStr| match number::<i64>(v) {
        None => Some(1),
        Some(0) => Some(0),
        Some(1) => Some(1),
        Some(2) => Some(2),
        Some(_) => None,
    };
    let option = match x.get("importtime") {
        None => 0,
        Some(v) => match level(v.unwrap_or_default()) {
            Some(n) => n,
            None => return bad(format!("-X importtime: {reserved}")),
        },
    };
    match env.get("PYTHONPROFILEIMPORTTIME") {
        None => Ok(option),
        Some(v) => match level(&v) {
            Some(n) => Ok(n.max(option)),
            None => bad(format!("PYTHONPROFILEIMPORTTIME: {reserved}")),
        },
    }
}

fn frozen_modules(env: &Environment, x: &XOptions) -> Result<bool, BadSetting> {
    match x.get("frozen_modules") {
        Some(v) => match v.map(OsStr::as_bytes) {
            None | Some(b"" | b"on") => Ok(true),
            Some(b"off") => Ok(false),
            Some(_) => bad("bad value for option -X frozen_modules (expected \"on\" or \"off\")"),
        },
        None => match env.get("PYTHON_FROZEN_MODULES").as_deref().map(OsStr::as_bytes) {
            Some(b"off") => Ok(false),
            None | Some(b"on") => Ok(true),
            Some(_) => bad("bad value for PYTHON_FROZEN_MODULES environment variable (expected \"on\" or \"off\")"),
        },
    }
}

fn tracemalloc(env: &Environment, x: &XOptions) -> Result<u32, BadSetting> {
    let frames = |v: &OsStr| number::<u32>(v).filter(|n| *n <= 65535);
    match x.get("tracemalloc") {
        Some(None) => Ok(1),
        Some(Some(v)) => match frames(v) {
            Some(n) => Ok(n),
            None => bad("-X tracemalloc=NFRAME: invalid number of frames"),
        },
        None => match env.get("PYTHONTRACEMALLOC") {
            None => Ok(0),
            Some(v) => match frames(&v) {
                Some(n) => Ok(n),
                None => bad("PYTHONTRACEMALLOC: invalid number of frames"),
            },
        },
    }
}
