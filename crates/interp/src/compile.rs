//! From source objects to code objects, and running them.

use cinder_bytecode::code::flags as cf;
use cinder_bytecode::{CompileOptions, verify};
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{bytes, exc, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use cinder_syntax::ast::{Arena, LineIndex, Mod};
use cinder_syntax::{Encoding, EncodingError, ParseOptions, SyntaxError, SyntaxErrorKind, WarningKind};

use crate::objects::code;
use crate::thread::Thread;

pub(crate) use cinder_syntax::Mode;

/// Flags of `compile()`.
pub(crate) const DONT_IMPLY_DEDENT: i64 = 0x200;
pub(crate) const ONLY_AST: i64 = 0x400;
pub(crate) const TYPE_COMMENTS: i64 = 0x1000;
pub(crate) const TOP_LEVEL_AWAIT: i64 = 0x2000;
pub(crate) const ALLOW_INCOMPLETE: i64 = 0x4000;
/// Future features that have become part of the language.
const MANDATORY: i64 = 0x10 | 0xbe_0000;
pub(crate) const OPTIMIZED_AST: i64 = 0x8000 | ONLY_AST;

/// How to compile a text.
#[derive(Clone)]
pub(crate) struct Settings {
    pub filename: Obj,
    pub mode: Mode,
    pub flags: i64,
    pub optimize: u8,
    /// The minor version of the language.
    pub feature_version: u8,
    /// The text is that of the program's own file, whose errors show the file's lines as they stand there.
    pub program: bool,
}

impl Settings {
    pub(crate) fn new(cx: &Ctx, filename: &str, mode: Mode) -> Settings {
        let optimize = Thread::of(cx).runtime.config.flags.optimize;
        Settings {
            filename: Obj::from(filename),
            mode,
            flags: 0,
            optimize,
            feature_version: ParseOptions::default().feature_version,
            program: false,
        }
    }
}

/// Raises a front-end error as the exception it stands for.
pub(crate) fn raise_syntax_error(cx: &Ctx, e: &SyntaxError, filename: &Obj) -> Raised {
    let ty = match e.kind {
        SyntaxErrorKind::Syntax => exc::SyntaxError(),
        SyntaxErrorKind::Indentation => exc::IndentationError(),
        SyntaxErrorKind::Tab => exc::TabError(),
        SyntaxErrorKind::IncompleteInput => exc::_IncompleteInputError(),
        SyntaxErrorKind::TooDeep => return cx.raise(exc::MemoryError(), &e.msg),
    };
    if e.lineno == 0 && e.text.is_none() && e.offset == 0 {
        return cx.raise(ty, &e.msg);
    }
    let num = |n: i32| Obj::from(i64::from(n));
    let text = e.text.as_deref().map_or_else(Obj::none, Obj::from);
    let mut info = vec![filename.clone(), num(e.lineno), num(e.offset), text];
    if e.lineno > 0 || e.end_lineno > 0 {
        info.extend([num(e.end_lineno), num(e.end_offset)]);
    }
    cx.raise_args(ty, &[Obj::from(e.msg.as_str()), tuple::new(info)])
}

/// Raises an error of the compiler. Compilers know trees, not texts: the line comes from the file, if there is one.
pub(crate) fn raise_compiler_error(cx: &Ctx, mut e: SyntaxError, filename: &Obj) -> Raised {
    if e.text.is_none() && e.lineno > 0 {
        e.text = line_of_file(&as_utf8_lossy(filename), e.lineno as usize);
    }
    raise_syntax_error(cx, &e, filename)
}

fn line_of_file(filename: &str, number: usize) -> Option<String> {
    let data = std::fs::read(filename).ok()?;
    let is_latin1 = matches!(cinder_syntax::detect_encoding(&data), Ok(Encoding::Latin1));
    let body = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&data);
    let line = body.split_inclusive(|b| *b == b'\n').nth(number - 1)?;
    if is_latin1 { Some(line.iter().map(|b| *b as char).collect()) } else { String::from_utf8(line.to_vec()).ok() }
}

/// Raises an error of the parser about a text. The exception knows where the last complete statement is, so that
/// misspelt keywords can be looked for from there.
fn raise_parser_error(cx: &Ctx, e: &SyntaxError, text: &str, s: &Settings) -> Raised {
    let lines = LineIndex::new(text);
    if let Err(r) = show_warnings(cx, &e.warnings, Some(text), &lines, s) {
        return r;
    }
    let raised = match s.program {
        true => raise_syntax_error(cx, &of_program(e, text), &s.filename),
        false => raise_syntax_error(cx, e, &s.filename),
    };
    if let Some(last) = e.last_statement {
        let exception = cx.take(raised);
        let mut source = Obj::from(text);
        if s.mode == Mode::Exec && !text.ends_with('\n') {
            source = Obj::from(format!("{text}\n"));
        }
        let metadata = tuple::new(vec![Obj::from(last.line), Obj::from(last.column), source]);
        if let Err(r) = exception.set_attr(cx, intern!("_metadata"), &metadata) {
            return r;
        }
        return cx.set_pending(exception);
    }
    raised
}

/// An error of the program's own file. There, what is missing at the end of the file has no column.
fn of_program(e: &SyntaxError, text: &str) -> SyntaxError {
    let mut e = e.clone();
    let number = usize::try_from(e.lineno).ok().and_then(|n| n.checked_sub(1));
    let Some(line) = number.and_then(|n| text.split_inclusive('\n').nth(n)) else { return e };
    let length = line.trim_end_matches(['\n', '\r']).chars().count() as i32;
    e.text = e.text.map(|_| line.to_owned());
    if e.end_offset == -1 && e.offset == length + 1 {
        // The tokeniser knows where it stopped, once there was a token.
        if e.msg != "unexpected EOF while parsing" || text.trim() == "\\" {
            e.offset = 0;
        }
    } else if !line.ends_with('\n') && e.offset == length + 1 && e.end_offset > e.offset {
        e.end_offset = e.offset;
    }
    e
}

/// The text of source bytes, by BOM or coding cookie. Messages name the file if the bytes are the program's.
pub(crate) fn decode_source(cx: &Ctx, data: &[u8], filename: &Obj, program: bool) -> PyResult<String> {
    let at_line = |msg: String, line: &[u8], lineno: i32, offset: i32, end_offset: i32| {
        let mut e = SyntaxError::without_position(msg);
        (e.lineno, e.offset, e.end_lineno, e.end_offset) = (lineno, offset, lineno, end_offset);
        e.text = Some(String::from_utf8_lossy(line).into_owned());
        raise_syntax_error(cx, &e, filename)
    };
    if data.contains(&0) {
        return Err(raise_syntax_error(cx, &SyntaxError::null_bytes(), filename));
    }
    let body = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    match cinder_syntax::detect_encoding(data) {
        Ok(Encoding::Utf8 { .. }) => match std::str::from_utf8(body) {
            Ok(s) => Ok(s.to_string()),
            Err(e) => {
                let at = e.valid_up_to();
                let start = body[..at].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
                let line = body[start..].split(|b| *b == b'\n').next().unwrap_or_default();
                let lineno = body[..at].iter().filter(|b| **b == b'\n').count() as i32 + 1;
                if program && cinder_syntax::declared_encoding(body).is_some() {
                    // The lines of a file that says that it is UTF-8 are decoded one by one.
                    let (column, byte) = (at - start, body[at]);
                    let reason = if e.error_len().is_none() && line.len() < 4 + column && at + 1 == body.len() {
                        "unexpected end of data"
                    } else if matches!(byte, 0xc2..=0xf4) {
                        "invalid continuation byte"
                    } else {
                        "invalid start byte"
                    };
                    let msg = format!(
                        "(unicode error) 'utf-8' codec can't decode byte {byte:#04x} in position {column}: {reason}"
                    );
                    return Err(at_line(msg, line, lineno, 0, 0));
                }
                let offset = String::from_utf8_lossy(&body[start..at]).chars().count() as i32 + 1;
                let file = if program { format!(" in file {}", as_utf8_lossy(filename)) } else { String::new() };
                let msg = format!(
                    "Non-UTF-8 code starting with '\\x{:02x}'{file} on line {lineno}, but no encoding declared; see \
                     https://peps.python.org/pep-0263/ for details",
                    body[at]
                );
                Err(at_line(msg, line, lineno, offset, offset))
            }
        },
        Ok(Encoding::Latin1) => Ok(data.iter().map(|b| *b as char).collect()),
        Ok(Encoding::Other(name)) => match (cx.host().decode)(cx, &bytes::new(body), &name, "strict") {
            Ok(text) => Ok(as_utf8_lossy(&text).into_owned()),
            Err(mut r) => {
                if program && cx.pending_is(exc::UnicodeError()) {
                    // A file is decoded from the end of the line with its declaration on; messages count from there.
                    let line = cinder_syntax::declared_encoding(body).map_or(0, |(_, line)| line as usize);
                    let head: usize = body.split_inclusive(|b| *b == b'\n').take(line).map(<[u8]>::len).sum();
                    let rest = bytes::new(&body[head.saturating_sub(1)..]);
                    let whole = cx.take(r);
                    r = match (cx.host().decode)(cx, &rest, &name, "strict") {
                        Err(again) => again,
                        Ok(_) => cx.raise_obj(whole),
                    };
                }
                if !cx.pending_is(exc::LookupError()) && !cx.pending_is(exc::UnicodeError()) {
                    return Err(r);
                }
                let shown = cx.take(r).str(cx)?;
                let mut e = SyntaxError::without_position(as_utf8_lossy(&shown).into_owned());
                e.offset = -1;
                Err(raise_syntax_error(cx, &e, filename))
            }
        },
        Err(e) => {
            let EncodingError::Bom { line, .. } = e;
            let text = body.split(|b| *b == b'\n').nth(line as usize - 1).unwrap_or_default();
            let end = text.len() as i32 + line as i32 - 1;
            Err(at_line(e.to_string(), text, line as i32, 0, end))
        }
    }
}

/// The text of a source object: str, bytes or another buffer.
pub(crate) fn source_text(cx: &Ctx, source: &Obj, function: &str, filename: &Obj) -> PyResult<String> {
    if let Some(s) = source.downcast::<Str>() {
        return match s.as_str() {
            Some(t) => Ok(t.to_string()),
            None => {
                (cx.host().encode)(cx, source, "utf-8", "strict")?;
                Err(cx.value_error("source code string cannot contain surrogates"))
            }
        };
    }
    if source.type_of().slots.buffer.get().is_some() {
        let b = bytes::from_buffer(cx, source)?;
        return decode_source(cx, bytes::as_bytes(&b).unwrap_or(&[]), filename, false);
    }
    let kinds = if function == "compile" { "string, bytes or AST" } else { "string, bytes or code" };
    let article = if function == "compile" { "compile() arg 1 must be a" } else { "" };
    Err(cx.type_error(if function == "compile" {
        format!("{article} {kinds} object")
    } else {
        format!("{function}() arg 1 must be a {kinds} object")
    }))
}

/// Parses a text with the options that the settings ask for.
pub(crate) fn parse_text<'a>(
    cx: &Ctx,
    text: &str,
    s: &Settings,
    arena: &'a Arena<'a>,
) -> PyResult<cinder_syntax::Parsed<'a>> {
    let options = ParseOptions {
        mode: s.mode,
        feature_version: s.feature_version,
        type_comments: s.flags & TYPE_COMMENTS != 0,
        allow_incomplete_input: s.flags & ALLOW_INCOMPLETE != 0,
        dont_imply_dedent: s.flags & DONT_IMPLY_DEDENT != 0,
        flufl: s.flags & i64::from(cf::FUTURE_BARRY_AS_BDFL) != 0,
        int_max_str_digits: u32::try_from(int::text::max_str_digits()).unwrap_or(0),
        ..ParseOptions::default()
    };
    cinder_syntax::parse(text, &options, arena).map_err(|e| raise_parser_error(cx, &e, text, s))
}

/// Issues the warnings of the front end about a source, if it is known. One that is turned into an error becomes the
/// SyntaxError at its place.
pub(crate) fn show_warnings(
    cx: &Ctx,
    warnings: &[cinder_syntax::Warning],
    source: Option<&str>,
    lines: &LineIndex,
    s: &Settings,
) -> PyResult<()> {
    for w in warnings {
        let category = match w.kind {
            WarningKind::Syntax => exc::SyntaxWarning(),
            WarningKind::Deprecation => exc::DeprecationWarning(),
        };
        if let Err(r) = crate::modules::warnings::warn_explicit(cx, category, &w.msg, &s.filename, w.lineno) {
            if !cx.pending_is(category) {
                return Err(r);
            }
            drop(cx.take(r));
            let mut e = w.clone().into_error(source.unwrap_or_default(), lines);
            e.text = e.text.filter(|_| source.is_some());
            return Err(raise_syntax_error(cx, &e, &s.filename));
        }
    }
    Ok(())
}

/// Compiles a text.
pub(crate) fn compile_text(cx: &Ctx, text: &str, s: &Settings) -> PyResult {
    let arena = Arena::default();
    let parsed = parse_text(cx, text, s, &arena)?;
    compile_tree(cx, &parsed.module, &parsed.lines, Some(parsed.source), &parsed.warnings, s)
}

/// Compiles a tree; `source` is the text it was parsed from, if any, and `warnings` those of the parser.
pub(crate) fn compile_tree(
    cx: &Ctx,
    tree: &Mod<'_>,
    lines: &LineIndex,
    source: Option<&str>,
    warnings: &[cinder_syntax::Warning],
    s: &Settings,
) -> PyResult {
    let filename = as_utf8_lossy(&s.filename).into_owned();
    let options = CompileOptions {
        filename: filename.into(),
        optimize: s.optimize,
        future: (s.flags as u32) & cf::FUTURE_MASK,
        top_level_await: s.flags & TOP_LEVEL_AWAIT != 0,
    };
    let compiled =
        cinder_bytecode::compile(tree, lines, &options).map_err(|e| raise_compiler_error(cx, e, &s.filename))?;
    show_warnings(cx, warnings, source, lines, s)?;
    show_warnings(cx, &compiled.warnings, source, lines, s)?;
    debug_assert!(verify(&compiled.code).is_ok(), "{:?}", verify(&compiled.code).err());
    code::new(cx, compiled.code)
}

/// A source object compiled with the future features of the calling code.
pub(crate) fn source_to_code(cx: &Ctx, source: &Obj, filename: &str, mode: Mode, function: &str) -> PyResult {
    let mut s = Settings::new(cx, filename, mode);
    s.flags = inherited_flags(cx);
    let mut text = source_text(cx, source, function, &s.filename)?;
    audit_compilation(cx, Some(&text), &s.filename)?;
    if mode == Mode::Eval {
        text = text.trim_start_matches([' ', '\t']).to_string();
    }
    compile_text(cx, &text, &s)
}

/// The future features of the running code.
fn inherited_flags(cx: &Ctx) -> i64 {
    Thread::of(cx).frame().map_or(0, |f| i64::from(f.plain().flags & cf::FUTURE_MASK))
}

/// Tells audit hooks of a compilation: of the text, if it is not a tree that is compiled.
fn audit_compilation(cx: &Ctx, text: Option<&str>, filename: &Obj) -> PyResult<()> {
    let source = || text.map_or_else(Obj::none, |t| cinder_pyobj::types::bytes::new(t.as_bytes()));
    cx.audit("compile", || [source(), filename.clone()])
}

/// The built-in `compile`.
pub(crate) fn builtin_compile(
    cx: &Ctx,
    source: &Obj,
    filename: &Obj,
    mode: &str,
    flags: i64,
    dont_inherit: bool,
    optimize: i64,
    feature_version: i64,
) -> PyResult {
    let known = i64::from(cf::FUTURE_MASK)
        | DONT_IMPLY_DEDENT
        | ONLY_AST
        | OPTIMIZED_AST
        | TYPE_COMMENTS
        | TOP_LEVEL_AWAIT
        | ALLOW_INCOMPLETE
        | MANDATORY;
    if flags & !known != 0 {
        return Err(cx.value_error("compile(): unrecognised flags"));
    }
    if !(-1..=2).contains(&optimize) {
        return Err(cx.value_error("compile(): invalid optimize value"));
    }
    let os = (cx.host().import)(cx, "os")?;
    let filename = os.call_method(cx, cinder_pyobj::intern!("fsdecode"), std::slice::from_ref(filename))?;
    let m = match mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" => {
            if flags & ONLY_AST == 0 {
                return Err(cx.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
            }
            Mode::FuncType
        }
        _ => {
            return Err(cx.value_error(if flags & ONLY_AST != 0 {
                "compile() mode must be 'exec', 'eval', 'single' or 'func_type'"
            } else {
                "compile() mode must be 'exec', 'eval' or 'single'"
            }));
        }
    };
    let mut s = Settings::new(cx, "", m);
    s.filename = filename;
    s.flags = flags | if dont_inherit { 0 } else { inherited_flags(cx) };
    if flags & ONLY_AST != 0
        && let Ok(version) = u8::try_from(feature_version)
    {
        s.feature_version = version.min(s.feature_version);
    }
    if optimize >= 0 {
        s.optimize = optimize as u8;
    }
    let is_text = source.type_of().is_str_subtype() || cinder_pyobj::types::bytes::is_bytes_like(source);
    if !is_text {
        audit_compilation(cx, None, &s.filename)?;
    }
    if let Some(c) = crate::modules::ast::ast_bridge(cx, source, &s)? {
        return Ok(c);
    }
    let mut text = source_text(cx, source, "compile", &s.filename)?;
    audit_compilation(cx, Some(&text), &s.filename)?;
    if m == Mode::Eval {
        text = text.trim_start_matches([' ', '\t']).to_string();
    }
    if flags & ONLY_AST != 0 {
        return crate::modules::ast::parse_to_ast(cx, &text, &s);
    }
    compile_text(cx, &text, &s)
}

/// Runs code in a namespace, with cells for its free variables.
pub(crate) fn run_with_closure(cx: &Ctx, code: &Obj, globals: &Obj, locals: &Obj, closure: Option<&Obj>) -> PyResult {
    match closure {
        None => {
            // Code of a function without parameters may be run too; it keeps its locals in registers.
            crate::call::run_code(cx, code, globals, Some(locals), None)
        }
        Some(c) => {
            let f = crate::objects::function::new(cx, code, globals)?;
            if let Some(p) = f.downcast::<crate::objects::function::Function>() {
                p.closure.set(Some(c.clone()));
            }
            crate::call::run_code(cx, code, globals, Some(locals), Some(&f))
        }
    }
}
