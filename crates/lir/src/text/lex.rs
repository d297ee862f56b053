//! Tokens of the text form.

use std::fmt;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A word: letters, digits, underscores and dots, not starting with a digit.
    Word(String),
    /// An integer, modulo 2^64.
    Int(i64),
    /// A number with a fraction or an exponent.
    Float(String),
    /// A quoted string.
    Str(String),
    /// Anything else, one character (`->` is the character `>`).
    Punct(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(w) => write!(f, "`{w}`"),
            Token::Int(k) => write!(f, "`{k}`"),
            Token::Float(x) => write!(f, "`{x}`"),
            Token::Str(s) => write!(f, "{s:?}"),
            Token::Punct(c) => write!(f, "`{c}`"),
        }
    }
}

/// The tokens of a text with their lines; `;` starts a comment.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, u32)>, (u32, String)> {
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let number = n as u32 + 1;
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if c.is_whitespace() {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            if c == ';' {
                break;
            }
            let (token, len) = token(rest, c).map_err(|m| (number, m))?;
            out.push((token, number));
            rest = &rest[len..];
        }
    }
    Ok(out)
}

fn token(rest: &str, c: char) -> Result<(Token, usize), String> {
    let word = |x: char| x.is_ascii_alphanumeric() || x == '_' || x == '.';
    if c.is_ascii_alphabetic() || c == '_' {
        let len = rest.find(|x| !word(x)).unwrap_or(rest.len());
        return Ok((Token::Word(rest[..len].to_owned()), len));
    }
    if rest.starts_with("->") {
        return Ok((Token::Punct('>'), 2));
    }
    let digit_next = rest[c.len_utf8()..].starts_with(|x: char| x.is_ascii_digit());
    if c.is_ascii_digit() || (c == '-' && digit_next) {
        return number(rest);
    }
    if c == '"' {
        return string(rest);
    }
    Ok((Token::Punct(c), c.len_utf8()))
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let bytes = rest.as_bytes();
    let mut len = 1;
    while let Some(&b) = bytes.get(len) {
        let exponent_sign = (b == b'-' || b == b'+') && bytes[len - 1] == b'e' && !rest.starts_with("0x");
        if !(b.is_ascii_alphanumeric() || b == b'.' || exponent_sign) {
            break;
        }
        len += 1;
    }
    let text = &rest[..len];
    if let Some(hex) = text.strip_prefix("0x") {
        let value = u64::from_str_radix(hex, 16).map_err(|_| format!("bad number `{text}`"))?;
        return Ok((Token::Int(value as i64), len));
    }
    if text.contains(['.', 'e']) {
        return Ok((Token::Float(text.to_owned()), len));
    }
    let value: i128 = text.parse().map_err(|_| format!("bad number `{text}`"))?;
    if value < i128::from(i64::MIN) || value > i128::from(u64::MAX) {
        return Err(format!("number `{text}` is too large"));
    }
    Ok((Token::Int(value as i64), len))
}

fn string(rest: &str) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Str(out), at + 1)),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some('u') => {
                    let hex: String = chars.by_ref().map(|(_, c)| c).skip(1).take_while(|&c| c != '}').collect();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    out.push(code.ok_or_else(|| format!("bad escape in {rest}"))?);
                }
                Some(c) => out.push(c),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err(format!("string without end: {rest}"))
}
