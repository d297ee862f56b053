//! `unicodedata`: the Unicode character database.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::{self as text, Name, Str};
use cinder_pyobj::{Ctx, Obj, PyResult};
use rustpython_unicode::{LookupResult, NormalizeForm, Ucd};
use rustpython_wtf8::{CodePoint, Wtf8Buf};

const MODERN: Ucd = Ucd::new(true);
const OLD: Ucd = Ucd::new(false);

/// One character given as a str of length one.
fn character(cx: &Ctx, o: &Obj, function: &str) -> PyResult<CodePoint> {
    let Some(s) = o.downcast::<Str>() else {
        return Err(
            cx.type_error(format!("{function}() argument 1 must be a unicode character, not {}", o.type_of().name()))
        );
    };
    match (s.len(), s.get(0).and_then(CodePoint::from_u32)) {
        (1, Some(c)) => Ok(c),
        (n, _) => Err(
            cx.type_error(format!("{function}(): argument 1 must be a unicode character, not a string of length {n}"))
        ),
    }
}

fn not_found(cx: &Ctx, default: Option<&Obj>, message: &str) -> PyResult {
    match default {
        Some(d) => Ok(d.clone()),
        None => Err(cx.value_error(message)),
    }
}

fn wtf8(s: &Str) -> Wtf8Buf {
    s.code_points().filter_map(CodePoint::from_u32).collect()
}

fn form(cx: &Ctx, name: &str) -> PyResult<NormalizeForm> {
    Ok(match name {
        "NFC" => NormalizeForm::Nfc,
        "NFKC" => NormalizeForm::Nfkc,
        "NFD" => NormalizeForm::Nfd,
        "NFKD" => NormalizeForm::Nfkd,
        _ => return Err(cx.value_error("invalid normalization form")),
    })
}

fn str_payload<'a>(cx: &Ctx, o: &'a Obj, function: &str) -> PyResult<&'a Str> {
    text::expect(cx, o, |t| format!("{function}() argument 2 must be str, not {t}"))
}

fn do_normalize(cx: &Ctx, name: &str, o: &Obj) -> PyResult {
    let s = str_payload(cx, o, "normalize")?;
    let f = form(cx, name)?;
    if s.is_ascii() {
        return Ok(if text::is_exact(o) { o.clone() } else { text::to_exact(s) });
    }
    let n = rustpython_unicode::normalize(f, &wtf8(s));
    let codes: Vec<u32> = n.code_points().map(|c| c.to_u32()).collect();
    Ok(text::from_code_points(&codes))
}

fn do_is_normalized(cx: &Ctx, name: &str, o: &Obj) -> PyResult<bool> {
    let s = str_payload(cx, o, "is_normalized")?;
    let f = form(cx, name)?;
    Ok(s.is_ascii() || rustpython_unicode::is_normalized(f, &wtf8(s)))
}

fn do_name(cx: &Ctx, db: Ucd, chr: &Obj, default: Option<&Obj>) -> PyResult {
    let c = character(cx, chr, "name")?.to_char().filter(|c| db.membership(*c));
    match c.and_then(rustpython_unicode::character_name) {
        Some(n) => Ok(text::new(&n)),
        None => not_found(cx, default, "no such name"),
    }
}

fn do_lookup(cx: &Ctx, db: Ucd, name: &Obj) -> PyResult {
    let s = text::expect(cx, name, |t| format!("lookup() argument must be str, not {t}"))?;
    let shown = s.as_str_lossy();
    let found = if s.is_ascii() { db.lookup(shown) } else { None };
    match found {
        Some(LookupResult::Character(c)) => Ok(text::from_char(c as u32)),
        Some(LookupResult::Sequence(s)) => Ok(text::new(s)),
        None => Err(cx.key_error(&text::new(&format!("undefined character name '{shown}'")))),
    }
}

fn do_decimal(cx: &Ctx, db: Ucd, chr: &Obj, default: Option<&Obj>) -> PyResult {
    match db.decimal(character(cx, chr, "decimal")?) {
        Some(n) => Ok(Obj::from(n)),
        None => not_found(cx, default, "not a decimal"),
    }
}

fn do_digit(cx: &Ctx, db: Ucd, chr: &Obj, default: Option<&Obj>) -> PyResult {
    match db.digit(character(cx, chr, "digit")?) {
        Some(n) => Ok(Obj::from(n)),
        None => not_found(cx, default, "not a digit"),
    }
}

fn do_numeric(cx: &Ctx, db: Ucd, chr: &Obj, default: Option<&Obj>) -> PyResult {
    match db.numeric(character(cx, chr, "numeric")?) {
        Some(n) => Ok(Obj::from(n)),
        None => not_found(cx, default, "not a numeric character"),
    }
}

/// Characters that are not assigned have no class.
fn do_bidirectional(db: Ucd, c: CodePoint) -> &'static str {
    if db.category(c) == "Cn" { "" } else { db.bidirectional(c) }
}

/// Hangul syllables come apart entirely, into two or three letters.
fn do_decomposition(db: Ucd, c: CodePoint) -> String {
    let Some(n) = c.to_u32().checked_sub(0xac00).filter(|n| *n < 11_172) else { return db.decomposition(c) };
    let (first, vowel, last) = (0x1100 + n / 588, 0x1161 + n % 588 / 28, 0x11a7 + n % 28);
    if last == 0x11a7 { format!("{first:04X} {vowel:04X}") } else { format!("{first:04X} {vowel:04X} {last:04X}") }
}

/// A Unicode database of another version.
#[derive(Traverse)]
#[pyclass(name = "UCD", module = "unicodedata", flags(no_new))]
pub(crate) struct OldDatabase {
    #[traverse(skip)]
    db: Ucd,
}

#[pymethods]
impl OldDatabase {
    /// The general category of a character.
    #[pymethod(sig = "($self, chr, /)")]
    fn category(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<&'static str> {
        Ok(this.db.category(character(cx, chr, "category")?))
    }

    /// The bidirectional class of a character.
    #[pymethod(sig = "($self, chr, /)")]
    fn bidirectional(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<&'static str> {
        Ok(do_bidirectional(this.db, character(cx, chr, "bidirectional")?))
    }

    /// The East Asian width of a character.
    #[pymethod(sig = "($self, chr, /)")]
    fn east_asian_width(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<&'static str> {
        Ok(this.db.east_asian_width(character(cx, chr, "east_asian_width")?))
    }

    /// Whether a character is mirrored in bidirectional text.
    #[pymethod(sig = "($self, chr, /)")]
    fn mirrored(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<i32> {
        Ok(this.db.mirrored(character(cx, chr, "mirrored")?))
    }

    /// The canonical combining class of a character.
    #[pymethod(sig = "($self, chr, /)")]
    fn combining(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<u8> {
        Ok(this.db.combining(character(cx, chr, "combining")?))
    }

    /// The decomposition mapping of a character.
    #[pymethod(sig = "($self, chr, /)")]
    fn decomposition(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj) -> PyResult<String> {
        Ok(do_decomposition(this.db, character(cx, chr, "decomposition")?))
    }

    /// The value of a decimal digit.
    #[pymethod(sig = "($self, chr, default=<unrepresentable>, /)")]
    fn decimal(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_decimal(cx, this.db, chr, default)
    }

    /// The value of a digit.
    #[pymethod(sig = "($self, chr, default=<unrepresentable>, /)")]
    fn digit(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_digit(cx, this.db, chr, default)
    }

    /// The value of a numeric character.
    #[pymethod(sig = "($self, chr, default=<unrepresentable>, /)")]
    fn numeric(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_numeric(cx, this.db, chr, default)
    }

    /// The name of a character.
    #[pymethod(sig = "($self, chr, default=<unrepresentable>, /)")]
    fn name(cx: &Ctx, this: This<'_, OldDatabase>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_name(cx, this.db, chr, default)
    }

    /// The character of a name.
    #[pymethod(sig = "($self, name, /)")]
    fn lookup(cx: &Ctx, this: This<'_, OldDatabase>, name: &Obj) -> PyResult {
        do_lookup(cx, this.db, name)
    }

    /// The normal form of a string.
    #[pymethod(sig = "($self, form, unistr, /)")]
    fn normalize(cx: &Ctx, this: This<'_, OldDatabase>, form: &str, unistr: &Obj) -> PyResult {
        let _ = this;
        do_normalize(cx, form, unistr)
    }

    /// Whether a string is in a normal form.
    #[pymethod(sig = "($self, form, unistr, /)")]
    fn is_normalized(cx: &Ctx, this: This<'_, OldDatabase>, form: &str, unistr: &Obj) -> PyResult<bool> {
        let _ = this;
        do_is_normalized(cx, form, unistr)
    }

    /// The version of the database.
    #[pygetter(member)]
    fn unidata_version(&self) -> String {
        self.db.unidata_version()
    }
}

/// The Unicode character database.
#[pymodule(name = "unicodedata", classes(super::OldDatabase))]
pub(crate) mod module {
    use super::*;

    /// The general category of a character.
    #[pyfunction(sig = "(chr, /)")]
    fn category(cx: &Ctx, chr: &Obj) -> PyResult<&'static str> {
        Ok(MODERN.category(character(cx, chr, "category")?))
    }

    /// The bidirectional class of a character.
    #[pyfunction(sig = "(chr, /)")]
    fn bidirectional(cx: &Ctx, chr: &Obj) -> PyResult<&'static str> {
        Ok(do_bidirectional(MODERN, character(cx, chr, "bidirectional")?))
    }

    /// The East Asian width of a character.
    #[pyfunction(sig = "(chr, /)")]
    fn east_asian_width(cx: &Ctx, chr: &Obj) -> PyResult<&'static str> {
        Ok(MODERN.east_asian_width(character(cx, chr, "east_asian_width")?))
    }

    /// Whether a character is mirrored in bidirectional text.
    #[pyfunction(sig = "(chr, /)")]
    fn mirrored(cx: &Ctx, chr: &Obj) -> PyResult<i32> {
        Ok(MODERN.mirrored(character(cx, chr, "mirrored")?))
    }

    /// The canonical combining class of a character.
    #[pyfunction(sig = "(chr, /)")]
    fn combining(cx: &Ctx, chr: &Obj) -> PyResult<u8> {
        Ok(MODERN.combining(character(cx, chr, "combining")?))
    }

    /// The decomposition mapping of a character.
    #[pyfunction(sig = "(chr, /)")]
    fn decomposition(cx: &Ctx, chr: &Obj) -> PyResult<String> {
        Ok(do_decomposition(MODERN, character(cx, chr, "decomposition")?))
    }

    /// The value of a decimal digit.
    #[pyfunction(sig = "(chr, default=<unrepresentable>, /)")]
    fn decimal(cx: &Ctx, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_decimal(cx, MODERN, chr, default)
    }

    /// The value of a digit.
    #[pyfunction(sig = "(chr, default=<unrepresentable>, /)")]
    fn digit(cx: &Ctx, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_digit(cx, MODERN, chr, default)
    }

    /// The value of a numeric character.
    #[pyfunction(sig = "(chr, default=<unrepresentable>, /)")]
    fn numeric(cx: &Ctx, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_numeric(cx, MODERN, chr, default)
    }

    /// The name of a character.
    #[pyfunction(sig = "(chr, default=<unrepresentable>, /)")]
    fn name(cx: &Ctx, chr: &Obj, default: Option<&Obj>) -> PyResult {
        do_name(cx, MODERN, chr, default)
    }

    /// The character of a name.
    #[pyfunction(sig = "(name, /)")]
    fn lookup(cx: &Ctx, name: &Obj) -> PyResult {
        do_lookup(cx, MODERN, name)
    }

    /// The normal form of a string.
    #[pyfunction(sig = "(form, unistr, /)")]
    fn normalize(cx: &Ctx, form: &str, unistr: &Obj) -> PyResult {
        do_normalize(cx, form, unistr)
    }

    /// Whether a string is in a normal form.
    #[pyfunction(sig = "(form, unistr, /)")]
    fn is_normalized(cx: &Ctx, form: &str, unistr: &Obj) -> PyResult<bool> {
        do_is_normalized(cx, form, unistr)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, Name::new("unidata_version"), &text::new(&MODERN.unidata_version()))?;
        let old = new_instance(OldDatabase::type_object(), OldDatabase { db: OLD });
        module.set_attr(cx, Name::new("ucd_3_2_0"), &old)
    }
}
