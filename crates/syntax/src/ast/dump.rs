//! The text form of trees, as Python's `ast.dump` writes it.

use super::*;
use std::borrow::Cow;
use std::fmt::Write;

/// What is still to be written.
enum Work<'a> {
    Node(NodeRef<'a>),
    Text(Cow<'static, str>),
    Attributes(Span),
}

/// The text that `ast.dump(tree)` gives for a tree, with positions if `lines` (the index of the tree's source)
/// is given. The walk keeps its own stack: trees of any depth can be written.
pub fn dump(module: Mod<'_>, lines: Option<&LineIndex>) -> String {
    let mut out = String::new();
    let mut cursor = lines.map(LineIndex::cursor);
    let mut work = vec![Work::Node(NodeRef::Mod(module))];
    while let Some(item) = work.pop() {
        match item {
            Work::Text(text) => out.push_str(&text),
            Work::Attributes(span) => {
                if let Some(cursor) = &mut cursor {
                    let separator = if out.ends_with('(') { "" } else { ", " };
                    let Position { start, end } = cursor.position(span);
                    let _ = write!(
                        out,
                        "{separator}lineno={}, col_offset={}, end_lineno={}, end_col_offset={}",
                        start.line, start.column, end.line, end.column
                    );
                }
            }
            Work::Node(node) => {
                let _ = write!(out, "{}(", node.class_name());
                let mut later = Vec::new();
                for (name, value) in node.fields().into_iter().filter(|(_, value)| is_shown(value)) {
                    let separator = if later.is_empty() { "" } else { ", " };
                    later.push(Work::Text(format!("{separator}{name}=").into()));
                    push_value(&mut later, value);
                }
                if let Some(span) = node.span() {
                    later.push(Work::Attributes(span));
                }
                later.push(Work::Text(")".into()));
                work.extend(later.into_iter().rev());
            }
        }
    }
    out
}

/// Missing optional values and empty lists are left out.
fn is_shown(value: &Field) -> bool {
    match value {
        Field::Text(None) | Field::Int(None) | Field::OptionalNode(None) => false,
        Field::Texts(items) => !items.is_empty(),
        Field::Nodes(items) => !items.is_empty(),
        _ => true,
    }
}

fn push_value<'a>(later: &mut Vec<Work<'a>>, value: Field<'a>) {
    let node = |node: Option<NodeRef<'a>>| node.map_or(Work::Text("None".into()), Work::Node);
    match value {
        Field::Text(text) => later.push(Work::Text(match text {
            Some(text) => str_repr(StrValue::Utf8(text)).into(),
            None => "None".into(),
        })),
        Field::Int(value) => later.push(Work::Text(value.map_or("None".into(), |value| value.to_string().into()))),
        Field::Constant(value) => later.push(Work::Text(constant_repr(&value).into())),
        Field::Node(value) => later.push(Work::Node(value)),
        Field::OptionalNode(value) => later.push(node(value)),
        Field::Texts(items) => {
            let items: Vec<_> = items.iter().map(|item| str_repr(StrValue::Utf8(item))).collect();
            later.push(Work::Text(format!("[{}]", items.join(", ")).into()));
        }
        Field::Nodes(items) => {
            for (at, item) in items.into_iter().enumerate() {
                later.push(Work::Text(if at == 0 { "[" } else { ", " }.into()));
                later.push(node(item));
            }
            later.push(Work::Text("]".into()));
        }
    }
}

/// Python's `repr` of a constant.
fn constant_repr(value: &Constant) -> String {
    match value {
        Constant::None => "None".into(),
        Constant::Bool(true) => "True".into(),
        Constant::Bool(false) => "False".into(),
        Constant::Ellipsis => "Ellipsis".into(),
        Constant::Int(value) => value.to_decimal(),
        Constant::Float(value) => float_repr(*value),
        Constant::Complex { real, imag } => complex_repr(*real, *imag),
        Constant::Str(value) => str_repr(*value),
        Constant::Bytes(value) => bytes_repr(value),
        Constant::Tuple(items) => match items {
            [one] => format!("({},)", constant_repr(one)),
            _ => format!("({})", items.iter().map(constant_repr).collect::<Vec<_>>().join(", ")),
        },
        Constant::FrozenSet([]) => "frozenset()".into(),
        Constant::FrozenSet(items) => {
            format!("frozenset({{{}}})", items.iter().map(constant_repr).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Python's `repr` of a float: the shortest digits that read back as the same value.
pub fn float_repr(value: f64) -> String {
    let text = shortest(value);
    if value.is_finite() && !text.contains(['.', 'e']) { text + ".0" } else { text }
}

fn complex_repr(real: f64, imag: f64) -> String {
    if real == 0.0 && real.is_sign_positive() {
        return shortest(imag) + "j";
    }
    let sign = if imag.is_sign_negative() && !imag.is_nan() { "" } else { "+" };
    format!("({}{sign}{}j)", shortest(real), shortest(imag))
}

/// The shortest digits, in scientific notation for exponents below -4 and from 16 up.
fn shortest(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{value}");
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Single quotes, unless only they occur in the text.
fn quote(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

/// Python's `repr` of a string.
pub fn str_repr(value: StrValue) -> String {
    let bytes = value.as_bytes();
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(quote);
    for code in value.code_points() {
        match char::from_u32(code) {
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\\') => out.push_str("\\\\"),
            Some(c) if c == quote => out.extend(['\\', c]),
            Some(c) if crate::unicode::is_printable(c) => out.push(c),
            _ => {
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            _ if char::from(byte) == quote => out.extend(['\\', quote]),
            0x20..0x7f => out.push(byte.into()),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}
