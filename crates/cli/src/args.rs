//! The command line: options up to what is to be run, and what is left for the program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What the program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `-c text`
    Code(OsString),
    /// `-m module`
    Module(OsString),
    /// A file, folder or archive.
    File(OsString),
    /// The standard input.
    Stdin,
}

/// A text to show instead of running anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Usage,
    Environment,
    XOptions,
    All,
}

/// The options that were given; the counts say how often.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub bytes_warning: u8,
    pub debug: u8,
    pub ignore_environment: bool,
    pub inspect: u8,
    pub isolated: bool,
    pub no_bytecode: bool,
    pub no_site: bool,
    pub no_user_site: bool,
    pub optimize: u8,
    pub quiet: bool,
    pub random_hashes: bool,
    pub safe_path: bool,
    pub skip_first_line: bool,
    pub unbuffered: bool,
    pub verbose: u8,
    pub version: u8,
    pub xoptions: Vec<OsString>,
    pub warnings: Vec<OsString>,
    pub check_hash_pycs: Option<OsString>,
}

/// A command line, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub options: Options,
    pub program: Program,
    /// `sys.argv`
    pub argv: Vec<OsString>,
}

/// Why a command line does not run a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Show(Page),
    /// A mistake; the message goes before the usage line.
    Mistake(String),
}

/// Reads the arguments after the command's own name.
pub(crate) fn read(args: &[OsString]) -> Result<Line, Stop> {
    let mut o = Options::default();
    let mut at = 0;
    while let Some(arg) = args.get(at).map(|a| a.as_bytes()) {
        if arg == b"-" || arg.first() != Some(&b'-') {
            break;
        }
        at += 1;
        if arg == b"--" {
            break;
        }
        if let Some(name) = arg.strip_prefix(b"--") {
            long(&mut o, name, args, &mut at)?;
            continue;
        }
        let mut letters = &arg[1..];
        while let Some((letter, rest)) = letters.split_first() {
            letters = rest;
            if b"cmWX".contains(letter) {
                let value = if rest.is_empty() {
                    let value = args.get(at).cloned();
                    at += 1;
                    value.ok_or_else(|| {
                        Stop::Mistake(format!("Argument expected for the -{} option", *letter as char))
                    })?
                } else {
                    OsString::from_vec(rest.to_vec())
                };
                match letter {
                    b'W' => o.warnings.push(value),
                    b'X' => o.xoptions.push(value),
                    b'c' => return Ok(program(o, Program::Code(value), "-c", &args[at..])),
                    _ => return Ok(program(o, Program::Module(value), "-m", &args[at..])),
                }
                break;
            }
            short(&mut o, *letter)?;
        }
    }
    let rest = &args[at.min(args.len())..];
    Ok(match rest.split_first() {
        None => program(o, Program::Stdin, "", &[]),
        Some((dash, rest)) if dash == "-" => program(o, Program::Stdin, "-", rest),
        Some((file, rest)) => program(o, Program::File(file.clone()), file, rest),
    })
}

fn program(options: Options, program: Program, name: impl AsRef<OsStr>, rest: &[OsString]) -> Line {
    let argv = std::iter::once(name.as_ref().to_owned()).chain(rest.iter().cloned()).collect();
    Line { options, program, argv }
}

fn long(o: &mut Options, name: &[u8], args: &[OsString], at: &mut usize) -> Result<(), Stop> {
    match name {
        b"help" => Err(Stop::Show(Page::Usage)),
        b"help-all" => Err(Stop::Show(Page::All)),
        b"help-env" => Err(Stop::Show(Page::Environment)),
        b"help-xoptions" => Err(Stop::Show(Page::XOptions)),
        b"version" => {
            o.version = o.version.saturating_add(1);
            Ok(())
        }
        b"check-hash-based-pycs" => {
            let value = args
                .get(*at)
                .ok_or_else(|| Stop::Mistake("Argument expected for the --check-hash-based-pycs option".to_owned()))?;
            *at += 1;
            if ![b"always".as_slice(), b"never", b"default"].contains(&value.as_bytes()) {
                let text = "--check-hash-based-pycs must be one of 'default', 'always', or 'never'";
                return Err(Stop::Mistake(text.to_owned()));
            }
            o.check_hash_pycs = Some(value.clone());
            Ok(())
        }
        _ => Err(Stop::Mistake(format!("Unknown option: --{}", String::from_utf8_lossy(name)))),
    }
}

fn short(o: &mut Options, letter: u8) -> Result<(), Stop> {
    let more = |count: &mut u8| *count = count.saturating_add(1);
    match letter {
        b'b' => more(&mut o.bytes_warning),
        b'B' => o.no_bytecode = true,
        b'd' => more(&mut o.debug),
        b'E' => o.ignore_environment = true,
        b'i' => more(&mut o.inspect),
        b'I' => o.isolated = true,
        b'O' => more(&mut o.optimize),
        b'P' => o.safe_path = true,
        b'q' => o.quiet = true,
        b'R' => o.random_hashes = true,
        b's' => o.no_user_site = true,
        b'S' => o.no_site = true,
        b't' => {}
        b'u' => o.unbuffered = true,
        b'v' => more(&mut o.verbose),
        b'V' => more(&mut o.version),
        b'x' => o.skip_first_line = true,
        b'h' | b'?' => return Err(Stop::Show(Page::Usage)),
        _ => return Err(Stop::Mistake(format!("Unknown option: -{}", letter as char))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[&str]) -> Result<Line, Stop> {
        read(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn letters_combine_and_the_program_ends_the_options() {
        let l = line(&["-bbB", "-Wd", "-X", "a=b", "-ic", "pass", "-x", "y"]).unwrap();
        assert_eq!((l.options.bytes_warning, l.options.no_bytecode, l.options.inspect), (2, true, 1));
        assert_eq!((l.options.warnings, l.options.xoptions), (vec!["d".into()], vec!["a=b".into()]));
        assert_eq!(l.program, Program::Code("pass".into()));
        assert_eq!(l.argv, ["-c", "-x", "y"]);
        assert_eq!(line(&["-mjson", "-V"]).unwrap().argv, ["-m", "-V"]);
        let file = line(&["-O", "./a.py", "-c"]).unwrap();
        assert_eq!((file.program, file.argv), (Program::File("./a.py".into()), vec!["./a.py".into(), "-c".into()]));
    }

    #[test]
    fn the_standard_input_is_a_program() {
        assert_eq!(line(&[]).unwrap().argv, [""]);
        assert_eq!(line(&["-", "a"]).unwrap().argv, ["-", "a"]);
        assert_eq!(line(&["--", "-x.py"]).unwrap().program, Program::File("-x.py".into()));
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |args: &[&str]| match line(args) {
            Err(Stop::Mistake(m)) => m,
            other => panic!("{other:?}"),
        };
        assert_eq!(mistake(&["-z"]), "Unknown option: -z");
        assert_eq!(mistake(&["-V", "--foo"]), "Unknown option: --foo");
        assert_eq!(mistake(&["-c"]), "Argument expected for the -c option");
        assert_eq!(line(&["-O", "-h"]), Err(Stop::Show(Page::Usage)));
    }
}
