//! The texts of `--help` and its kin.

use std::fmt::Write;

use crate::args::Page;

/// The line that every mistake on the command line shows.
pub(crate) fn usage_line(name: &str) -> String {
    format!("usage: {name} [option] ... [-c cmd | -m mod | file | -] [arg] ...\n")
}

/// The reference of a page.
pub(crate) fn page(page: Page, name: &str) -> String {
    let mut s = String::new();
    if matches!(page, Page::Usage | Page::All) {
        s += &usage_line(name);
        s += "Options; in brackets the environment variable that does the same:\n";
        rows(&mut s, OPTIONS, 7);
        s += "What is run:\n";
        rows(&mut s, PROGRAMS, 7);
        if page == Page::Usage {
            s += "--help-env lists the environment variables, --help-xoptions the -X options, --help-all everything.\n";
        }
    }
    if matches!(page, Page::Environment | Page::All) {
        if page == Page::All {
            s += "\n";
        }
        s += "Environment variables that change how programs run:\n";
        rows(&mut s, VARIABLES, 20);
        s += "These variables have equivalent options, which win over them:\n";
        rows(&mut s, VARIABLES_WITH_OPTIONS, 20);
    }
    if matches!(page, Page::XOptions | Page::All) {
        if page == Page::All {
            s += "\n";
        }
        s += "Options of the implementation:\n";
        rows(&mut s, XOPTIONS, 26);
    }
    s
}

fn rows(out: &mut String, rows: &[(&str, &str)], width: usize) {
    for (name, text) in rows {
        let _ = writeln!(out, "{name:width$}: {text}");
    }
}

const OPTIONS: &[(&str, &str)] = &[
    ("-b", "warn where bytes are taken as text or compared with it; -bb makes it an error"),
    ("-B", "write no .pyc files [PYTHONDONTWRITEBYTECODE=x]"),
    ("-d", "set sys.flags.debug [PYTHONDEBUG=x]"),
    ("-E", "look at no PYTHON* environment variable"),
    ("-h", "show this help; also -? and --help"),
    ("-i", "go on interactively after the program [PYTHONINSPECT=x]"),
    ("-I", "isolate from environment and user: implies -E, -P and -s"),
    ("-O", "leave out assert statements and code under __debug__ [PYTHONOPTIMIZE=x]"),
    ("-OO", "as -O, and leave out docstrings"),
    ("-P", "put no folder of the program before sys.path [PYTHONSAFEPATH=x]"),
    ("-q", "show no version and copyright when interactive"),
    ("-R", "make hashes of texts unpredictable even if PYTHONHASHSEED=0 is set"),
    ("-s", "leave the user's site folder out of sys.path [PYTHONNOUSERSITE=x]"),
    ("-S", "do not import site at the start"),
    ("-u", "do not buffer standard output and standard error [PYTHONUNBUFFERED=x]"),
    ("-v", "say on standard error what is imported; -vv says more [PYTHONVERBOSE=x]"),
    ("-V", "show the version; also --version, and -VV for more"),
    ("-W arg", "a warning filter, action:message:category:module:line [PYTHONWARNINGS=arg]"),
    ("-x", "skip the first line of the source"),
    ("-X opt", "an option of the implementation"),
    ("--check-hash-based-pycs default|always|never", "which hash-based .pyc files are compared with their source"),
];

const PROGRAMS: &[(&str, &str)] = &[
    ("-c cmd", "the text of a program; ends the options"),
    ("-m mod", "a module, as a script; ends the options"),
    ("file", "a script, or a folder or zip archive with a __main__.py"),
    ("-", "standard input (the default; interactive on a terminal)"),
    ("arg ...", "arguments of the program, in sys.argv[1:]"),
];

const VARIABLES: &[(&str, &str)] = &[
    ("PYTHONASYNCIODEBUG", "turns on the debug mode of asyncio"),
    ("PYTHON_BASIC_REPL", "the plain prompt instead of the one with editing and colour"),
    ("PYTHONBREAKPOINT", "what breakpoint() calls: a dotted name, or 0 for nothing"),
    ("PYTHONCOERCECLOCALE", "0 keeps a C locale; warn says when it is replaced by a UTF-8 one"),
    ("PYTHON_COLORS", "1 colours tracebacks and prompts, 0 does not"),
    ("PYTHONEXECUTABLE", "not used on this platform"),
    ("PYTHONHASHSEED", "the seed of the hashes of texts: a number, or random"),
    ("PYTHON_HISTORY", "the history file of the interactive prompt"),
    ("PYTHONHOME", "sets sys.prefix; the library is inside the program"),
    ("PYTHONIOENCODING", "encoding[:errors] of the standard streams"),
    ("PYTHONPATH", "folders that come first in sys.path, separated by colons"),
    ("PYTHONPLATLIBDIR", "sys.platlibdir"),
    ("PYTHONSTARTUP", "a file that is run before the first prompt"),
    ("PYTHONUSERBASE", "the folder of the user's site-packages"),
];

const VARIABLES_WITH_OPTIONS: &[(&str, &str)] = &[
    ("PYTHON_CONTEXT_AWARE_WARNINGS", "-X context_aware_warnings"),
    ("PYTHON_CPU_COUNT", "-X cpu_count"),
    ("PYTHONDEBUG", "-d"),
    ("PYTHONDEVMODE", "-X dev"),
    ("PYTHONDONTWRITEBYTECODE", "-B"),
    ("PYTHONFAULTHANDLER", "-X faulthandler"),
    ("PYTHON_FROZEN_MODULES", "-X frozen_modules"),
    ("PYTHONINSPECT", "-i"),
    ("PYTHONINTMAXSTRDIGITS", "-X int_max_str_digits"),
    ("PYTHONNODEBUGRANGES", "-X no_debug_ranges"),
    ("PYTHONNOUSERSITE", "-s"),
    ("PYTHONOPTIMIZE", "-O"),
    ("PYTHONPROFILEIMPORTTIME", "-X importtime"),
    ("PYTHONPYCACHEPREFIX", "-X pycache_prefix"),
    ("PYTHONSAFEPATH", "-P"),
    ("PYTHON_THREAD_INHERIT_CONTEXT", "-X thread_inherit_context"),
    ("PYTHONTRACEMALLOC", "-X tracemalloc"),
    ("PYTHONUNBUFFERED", "-u"),
    ("PYTHONUTF8", "-X utf8"),
    ("PYTHONVERBOSE", "-v"),
    ("PYTHONWARNDEFAULTENCODING", "-X warn_default_encoding"),
    ("PYTHONWARNINGS", "-W"),
];

const XOPTIONS: &[(&str, &str)] = &[
    ("-X context_aware_warnings=[0|1]", "whether warnings.catch_warnings() keeps to one context"),
    ("-X cpu_count=N", "what os.cpu_count() says; default for the truth"),
    ("-X dev", "checks that are too dear for every day"),
    ("-X faulthandler", "tracebacks on standard error where a fatal signal ends the program"),
    ("-X frozen_modules=[on|off]", "whether the start uses the packed modules without a path"),
    ("-X importtime[=2]", "how long imports take; 2 also shows what was loaded already"),
    ("-X int_max_str_digits=N", "the longest decimal text of an int, 0 for any length"),
    ("-X no_debug_ranges", "tracebacks without carets"),
    ("-X pycache_prefix=PATH", "the folder of .pyc files"),
    ("-X showrefcount", "kept for programs; shows nothing"),
    ("-X shadow=off", "no inline caches"),
    ("-X shadow-stats", "count what inline caches do and print it at the end"),
    ("-X thread_inherit_context=[0|1]", "whether threads start with the context of their creator"),
    ("-X tracemalloc[=N]", "trace allocations, with N frames each"),
    ("-X utf8[=0|1]", "UTF-8 everywhere, whatever the locale says"),
    ("-X warn_default_encoding", "warn where text files are opened without an encoding"),
];
