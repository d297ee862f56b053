//! The format specification mini-language: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.

use super::{Str, StrBuilder, case, exact_of};
use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

/// Where the text stands in a wider field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: the fill goes between sign and digits.
    AfterSign,
}

/// When numbers show a sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// Always (`+`).
    Plus,
    /// Negative ones only (`-`).
    Minus,
    /// A blank for the others (`' '`).
    Space,
}

/// The separator between groups of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// `,` every three digits.
    Comma,
    /// `_` every three digits.
    Underscore,
    /// `_` every four digits (types `b`, `o`, `x`, `X`).
    UnderscoreFour,
}

impl Grouping {
    /// The separator.
    pub fn separator(self) -> char {
        if self == Grouping::Comma { ',' } else { '_' }
    }

    /// Digits in a group.
    pub fn size(self) -> usize {
        if self == Grouping::UnderscoreFour { 4 } else { 3 }
    }
}

/// A parsed format specification.
#[derive(Clone, Debug)]
pub struct FormatSpec {
    /// The fill code point.
    pub fill: u32,
    /// The alignment, or the type's default.
    pub align: Align,
    /// Whether the specification names an alignment.
    pub align_given: bool,
    /// The sign option, if given.
    pub sign: Option<Sign>,
    /// `z`: negative zero after rounding shows as zero.
    pub no_negative_zero: bool,
    /// `#`
    pub alternate: bool,
    /// The least width.
    pub width: Option<usize>,
    /// Grouping of the integer part.
    pub grouping: Option<Grouping>,
    /// Grouping of the fractional part.
    pub fraction_grouping: Option<Grouping>,
    /// The precision.
    pub precision: Option<usize>,
    /// The presentation type, or the default that the caller gave (0 for none).
    pub kind: u32,
}

/// Parses a specification.
///
/// `type_name` stands in messages; `default_kind` (0 for none) and `default_align` hold where none is given.
///
/// # Errors
/// ValueError, in CPython's words.
pub fn parse(cx: &Ctx, spec: &Str, type_name: &str, default_kind: char, default_align: Align) -> PyResult<FormatSpec> {
    let default_kind = if default_kind == '\0' { 0 } else { default_kind as u32 };
    let mut p = Parser { spec, at: 0 };
    let mut f = FormatSpec {
        fill: ' ' as u32,
        align: default_align,
        align_given: false,
        sign: None,
        no_negative_zero: false,
        alternate: false,
        width: None,
        grouping: None,
        fraction_grouping: None,
        precision: None,
        kind: default_kind,
    };
    let mut fill_given = false;
    if let Some(a) = spec.get(1).and_then(align_of) {
        f.align = a;
        f.fill = spec.get(0).unwrap_or(' ' as u32);
        (f.align_given, fill_given) = (true, true);
        p.at = 2;
    } else if let Some(a) = spec.get(0).and_then(align_of) {
        f.align = a;
        f.align_given = true;
        p.at = 1;
    }
    f.sign = match p.peek() {
        Some('+') => Some(Sign::Plus),
        Some('-') => Some(Sign::Minus),
        Some(' ') => Some(Sign::Space),
        _ => None,
    };
    p.at += usize::from(f.sign.is_some());
    f.no_negative_zero = p.accept('z');
    f.alternate = p.accept('#');
    if !fill_given && p.accept('0') {
        f.fill = '0' as u32;
        if !f.align_given && default_align == Align::Right {
            f.align = Align::AfterSign;
        }
    }
    f.width = p.number(cx)?;
    f.grouping = p.grouping(cx)?;
    if p.accept('.') {
        f.precision = p.number(cx)?;
        f.fraction_grouping = p.grouping(cx)?;
        if f.precision.is_none() && f.fraction_grouping.is_none() {
            return Err(cx.value_error("Format specifier missing precision"));
        }
    }
    match spec.len() - p.at {
        0 => {}
        1 => f.kind = spec.get(p.at).unwrap_or(0),
        _ => {
            return Err(cx.value_error(format!(
                "Invalid format specifier '{}' for object of type '{type_name}'",
                spec.as_str_lossy()
            )));
        }
    }
    check_grouping(cx, &mut f)?;
    Ok(f)
}

fn check_grouping(cx: &Ctx, f: &mut FormatSpec) -> PyResult<()> {
    let kind = char::from_u32(f.kind).unwrap_or('\0');
    let decimal = matches!(kind, 'd' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F' | '\0');
    if let Some(g) = f.grouping
        && !decimal
    {
        if matches!(kind, 'b' | 'o' | 'x' | 'X') && g == Grouping::Underscore {
            f.grouping = Some(Grouping::UnderscoreFour);
        } else {
            return Err(grouping_error(cx, g, f.kind));
        }
    }
    if let Some(g) = f.fraction_grouping
        && (!decimal || kind == 'd')
    {
        return Err(grouping_error(cx, g, f.kind));
    }
    Ok(())
}

fn grouping_error(cx: &Ctx, g: Grouping, kind: u32) -> crate::Raised {
    let with = if (33..128).contains(&kind) {
        char::from_u32(kind).unwrap_or(' ').to_string()
    } else {
        format!("\\x{kind:x}")
    };
    cx.value_error(format!("Cannot specify '{}' with '{with}'.", g.separator()))
}

fn align_of(c: u32) -> Option<Align> {
    match char::from_u32(c)? {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

struct Parser<'a> {
    spec: &'a Str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.spec.get(self.at).and_then(char::from_u32)
    }

    fn accept(&mut self, c: char) -> bool {
        let yes = self.peek() == Some(c);
        self.at += usize::from(yes);
        yes
    }

    fn number(&mut self, cx: &Ctx) -> PyResult<Option<usize>> {
        let mut n: Option<usize> = None;
        while let Some(d) = self.spec.get(self.at).and_then(case::decimal_digit) {
            let next = n.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(d as usize));
            match next.filter(|n| *n <= isize::MAX as usize) {
                Some(v) => n = Some(v),
                None => return Err(cx.value_error("Too many decimal digits in format string")),
            }
            self.at += 1;
        }
        Ok(n)
    }

    fn grouping(&mut self, cx: &Ctx) -> PyResult<Option<Grouping>> {
        let mut g = None;
        if self.accept(',') {
            g = Some(Grouping::Comma);
        }
        if self.accept('_') {
            if g.is_some() {
                return Err(both(cx));
            }
            g = Some(Grouping::Underscore);
        }
        if g == Some(Grouping::Underscore) && self.peek() == Some(',') {
            return Err(both(cx));
        }
        Ok(g)
    }
}

fn both(cx: &Ctx) -> crate::Raised {
    cx.value_error("Cannot specify both ',' and '_'.")
}

/// Raises ValueError for a presentation type that objects of the type do not know.
pub fn unknown_kind(cx: &Ctx, kind: u32, type_name: &str) -> crate::Raised {
    let shown = if (33..128).contains(&kind) {
        char::from_u32(kind).unwrap_or(' ').to_string()
    } else {
        format!("\\x{kind:x}")
    };
    cx.value_error(format!("Unknown format code '{shown}' for object of type '{type_name}'"))
}

impl FormatSpec {
    /// The fill code points to put left and right of `len` code points. [`Align::AfterSign`] counts as right.
    pub fn padding(&self, len: usize) -> (usize, usize) {
        let missing = self.width.unwrap_or(0).saturating_sub(len);
        match self.align {
            Align::Left => (0, missing),
            Align::Center => (missing / 2, missing - missing / 2),
            Align::Right | Align::AfterSign => (missing, 0),
        }
    }

    /// A str of `text` padded to the width.
    ///
    /// # Errors
    /// MemoryError.
    pub fn pad(&self, cx: &Ctx, text: &str) -> PyResult {
        let len = text.chars().count();
        let (left, right) = self.padding(len);
        let max = text.chars().map(|c| c as u32).max().unwrap_or(0).max(self.fill);
        let mut out = StrBuilder::with_capacity(cx, left.saturating_add(len).saturating_add(right), max)?;
        out.push_repeat(self.fill, left);
        out.push_str(text);
        out.push_repeat(self.fill, right);
        Ok(out.finish())
    }
}

/// `format(text, spec)` for a str; `spec` is not empty.
pub fn format_str(cx: &Ctx, o: &Obj, s: &Str, spec: &Str) -> PyResult {
    let f = parse(cx, spec, &o.type_of().name(), 's', Align::Left)?;
    if f.kind != 's' as u32 {
        return Err(unknown_kind(cx, f.kind, &o.type_of().name()));
    }
    match f.sign {
        Some(Sign::Space) => return Err(cx.value_error("Space not allowed in string format specifier")),
        Some(_) => return Err(cx.value_error("Sign not allowed in string format specifier")),
        None => {}
    }
    if f.no_negative_zero {
        return Err(cx.value_error("Negative zero coercion (z) not allowed in string format specifier"));
    }
    if f.alternate {
        return Err(cx.value_error("Alternate form (#) not allowed in string format specifier"));
    }
    if f.align == Align::AfterSign {
        return Err(cx.value_error("'=' alignment not allowed in string format specifier"));
    }
    let n = f.precision.map_or(s.len(), |p| p.min(s.len()));
    let (left, right) = f.padding(n);
    if n == s.len() && left == 0 && right == 0 {
        return Ok(exact_of(o, s));
    }
    let max = if left + right > 0 { s.max_char().max(f.fill) } else { s.max_char() };
    let mut out = StrBuilder::with_capacity(cx, left.saturating_add(n).saturating_add(right), max)?;
    out.push_repeat(f.fill, left);
    out.push_range(s, 0, n);
    out.push_repeat(f.fill, right);
    Ok(out.finish())
}
