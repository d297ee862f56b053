//! Python sources and the code they compile to: `filetests/*.py` beside `*.txt`. `CINDER_BLESS=1` writes what comes out.

use cinder_bytecode::format::{deserialize, serialize};
use cinder_bytecode::{Code, CompileOptions, asm, compile, verify};
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, parse};
use std::fmt::Write;
use std::path::Path;

fn dump(code: &Code, out: &mut String) {
    let _ = writeln!(out, "{}", code.with_liveness());
    code.children().for_each(|child| dump(child, out));
}

#[test]
fn filetests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut sources: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of filetests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    sources.sort();
    assert!(sources.len() > 10);
    let mut wrong = Vec::new();
    for path in sources {
        let source = std::fs::read_to_string(&path).expect("a readable test");
        let arena = Arena::new();
        let parsed = parse(&source, &ParseOptions::default(), &arena).expect("a test that parses");
        let name = path.file_name().expect("a file name").to_string_lossy().into_owned();
        let compiled =
            compile(&parsed.module, &parsed.lines, &CompileOptions::new(&name)).expect("a test that compiles");
        verify(&compiled.code).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = deserialize(&serialize(&compiled.code)).expect("code that can be read back");
        assert_eq!(again, *compiled.code, "{name} changes when written and read");
        assert_eq!(again.filename, compiled.code.filename);
        let printed = asm::print(&compiled.code);
        let reread = asm::parse(&printed).unwrap_or_else(|error| panic!("{name}: {error}\n{printed}"));
        assert_eq!(reread, *compiled.code, "{name} changes when printed and parsed");
        let mut text = String::new();
        dump(&compiled.code, &mut text);
        let expected = path.with_extension("txt");
        if std::env::var_os("CINDER_BLESS").is_some() {
            std::fs::write(&expected, &text).expect("a writable folder");
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{name}:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "other code than expected (CINDER_BLESS=1 accepts it):\n{}", wrong.join("\n"));
}
