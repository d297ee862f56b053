//! The command line, read as CPython reads it.

use std::ffi::OsString;

use cinder_interp::Flags;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// `-c text`
    Code(String),
    /// `-m module`
    Module(String),
    /// A file or folder.
    Script(String),
    /// The standard input.
    Stdin,
}

/// The options of one run.
pub(crate) struct Options {
    pub command: Command,
    pub argv: Vec<String>,
    pub orig_argv: Vec<String>,
    pub executable: String,
    pub path: Vec<String>,
    pub xoptions: Vec<(String, Option<String>)>,
    pub warnoptions: Vec<String>,
    pub flags: Flags,
}

const USAGE: &str = "usage: cinder [option] ... [-c cmd | -m mod | file | -] [arg] ...";

impl Options {
    /// Reads the command line and the environment; a code to exit with where nothing is to be run.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Options, u8> {
        let all: Vec<String> = args.map(|a| a.to_string_lossy().into_owned()).collect();
        let mut o = Options {
            command: Command::Stdin,
            argv: vec![String::new()],
            orig_argv: all.clone(),
            executable: std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default(),
            path: Vec::new(),
            xoptions: Vec::new(),
            warnoptions: Vec::new(),
            flags: Flags { int_max_str_digits: 4300, utf8_mode: true, ..Flags::default() },
        };
        let mut at = 1;
        let mut first_path = None;
        'args: while let Some(arg) = all.get(at) {
            at += 1;
            if arg == "-" {
                o.argv = all[at - 1..].to_vec();
                first_path = Some(String::new());
                break;
            }
            if let Some(long) = arg.strip_prefix("--") {
                match long {
                    "version" => {
                        println!("{}", version());
                        return Err(0);
                    }
                    "help" => {
                        println!("{USAGE}");
                        return Err(0);
                    }
                    _ => {
                        eprintln!("unknown option --{long}\n{USAGE}\nTry `cinder -h' for more information.");
                        return Err(2);
                    }
                }
            }
            let Some(cluster) = arg.strip_prefix('-') else {
                o.command = Command::Script(arg.clone());
                o.argv = all[at - 1..].to_vec();
                let dir = std::fs::canonicalize(arg)
                    .ok()
                    .map(|p| if p.is_dir() { p.clone() } else { p.parent().map(Into::into).unwrap_or_default() });
                first_path = Some(dir.map(|d| d.to_string_lossy().into_owned()).unwrap_or_default());
                break;
            };
            let mut chars = cluster.char_indices();
            while let Some((i, c)) = chars.next() {
                let rest = &cluster[i + c.len_utf8()..];
                let value = |at: &mut usize| -> Result<String, u8> {
                    if !rest.is_empty() {
                        return Ok(rest.to_string());
                    }
                    match all.get(*at) {
                        Some(v) => {
                            *at += 1;
                            Ok(v.clone())
                        }
                        None => {
                            eprintln!(
                                "Argument expected for the -{c} option\n{USAGE}\nTry `cinder -h' for more information."
                            );
                            Err(2)
                        }
                    }
                };
                match c {
                    'c' => {
                        o.command = Command::Code(value(&mut at)?);
                        o.argv = std::iter::once("-c".to_string()).chain(all[at..].iter().cloned()).collect();
                        first_path = Some(String::new());
                        break 'args;
                    }
                    'm' => {
                        o.command = Command::Module(value(&mut at)?);
                        o.argv = std::iter::once("-m".to_string()).chain(all[at..].iter().cloned()).collect();
                        first_path = std::env::current_dir().ok().map(|d| d.to_string_lossy().into_owned());
                        break 'args;
                    }
                    'X' => {
                        let v = value(&mut at)?;
                        match v.split_once('=') {
                            Some((k, x)) => o.xoptions.push((k.to_string(), Some(x.to_string()))),
                            None => o.xoptions.push((v, None)),
                        }
                        continue 'args;
                    }
                    'W' => {
                        let v = value(&mut at)?;
                        o.warnoptions.push(v);
                        continue 'args;
                    }
                    'V' => {
                        println!("{}", version());
                        return Err(0);
                    }
                    'h' | '?' => {
                        println!("{USAGE}");
                        return Err(0);
                    }
                    'b' => o.flags.bytes_warning += 1,
                    'B' => o.flags.dont_write_bytecode = true,
                    'd' => o.flags.debug += 1,
                    'E' => o.flags.ignore_environment = true,
                    'i' => {
                        o.flags.inspect += 1;
                        o.flags.interactive += 1;
                    }
                    'I' => {
                        o.flags.isolated = true;
                        o.flags.ignore_environment = true;
                        o.flags.no_user_site = true;
                        o.flags.safe_path = true;
                    }
                    'O' => o.flags.optimize += 1,
                    'P' => o.flags.safe_path = true,
                    'q' => o.flags.quiet = true,
                    's' => o.flags.no_user_site = true,
                    'S' => o.flags.no_site = true,
                    'u' => o.flags.unbuffered = true,
                    'v' => o.flags.verbose += 1,
                    'x' | 'R' => {}
                    _ => {
                        eprintln!("Unknown option: -{c}\n{USAGE}\nTry `cinder -h' for more information.");
                        return Err(2);
                    }
                }
            }
        }
        if !o.flags.ignore_environment {
            o.read_environment();
        }
        if !o.flags.safe_path {
            let first = first_path.unwrap_or_default();
            o.path.insert(0, first);
        }
        Ok(o)
    }

    fn read_environment(&mut self) {
        let var = |n: &str| std::env::var(n).ok().filter(|v| !v.is_empty());
        if let Some(p) = var("PYTHONPATH") {
            self.path.extend(p.split(':').map(str::to_string));
        }
        if var("PYTHONDONTWRITEBYTECODE").is_some() {
            self.flags.dont_write_bytecode = true;
        }
        if var("PYTHONSAFEPATH").is_some() {
            self.flags.safe_path = true;
        }
        if var("PYTHONNOUSERSITE").is_some() {
            self.flags.no_user_site = true;
        }
        if var("PYTHONUNBUFFERED").is_some() {
            self.flags.unbuffered = true;
        }
        if let Some(n) = var("PYTHONOPTIMIZE") {
            self.flags.optimize = self.flags.optimize.max(n.parse().unwrap_or(1));
        }
        if let Some(s) = var("PYTHONHASHSEED") {
            self.flags.hash_seed = s.parse().ok();
        }
        if let Some(w) = var("PYTHONWARNINGS") {
            let mut all: Vec<String> = w.split(',').map(str::to_string).collect();
            all.append(&mut self.warnoptions);
            self.warnoptions = all;
        }
        if let Some(n) = var("PYTHONINTMAXSTRDIGITS").and_then(|n| n.parse().ok()) {
            self.flags.int_max_str_digits = n;
        }
    }
}

fn version() -> String {
    let (a, b, c) = cinder_interp::modules::sys::VERSION;
    format!("Python {a}.{b}.{c} (cinder {})", env!("CARGO_PKG_VERSION"))
}
