//! JSON strings.

use cinder_pyobj::types::str::{self as text, Str, StrBuilder};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

/// Raises `json.decoder.JSONDecodeError`.
#[cold]
pub(super) fn decode_error(cx: &Ctx, message: &str, doc: &Obj, at: usize) -> Raised {
    let class = match (cx.host().import)(cx, "json.decoder").and_then(|m| m.get_attr(cx, intern!("JSONDecodeError"))) {
        Ok(c) => c,
        Err(r) => return r,
    };
    match class.call_pos(cx, &[text::new(message), doc.clone(), Obj::from(at)]) {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// Decodes a string whose opening quote stands before `start`: the text and where it ends.
pub(super) fn scan(cx: &Ctx, doc: &Obj, s: &Str, start: usize, strict: bool) -> PyResult<(Obj, usize)> {
    let n = s.len();
    let data = s.data();
    let begin = start.wrapping_sub(1);
    if start > n {
        return Err(cx.value_error("end is out of bounds"));
    }
    let mut out = StrBuilder::new();
    let mut at = start;
    let mut run = start;
    loop {
        if at >= n {
            return Err(decode_error(cx, "Unterminated string starting at", doc, begin));
        }
        let c = data.at(at);
        if c == '"' as u32 {
            if out.is_empty() {
                let whole = cinder_pyobj::with_units!(data, u => text::from_units(&u[run..at]));
                return Ok((whole, at + 1));
            }
            out.push_range(s, run, at);
            return Ok((out.finish(), at + 1));
        }
        if c < 0x20 && strict {
            return Err(decode_error(cx, "Invalid control character at", doc, at));
        }
        if c != '\\' as u32 {
            at += 1;
            continue;
        }
        out.push_range(s, run, at);
        let Some(e) = s.get(at + 1) else {
            return Err(decode_error(cx, "Unterminated string starting at", doc, begin));
        };
        let simple = match char::from_u32(e) {
            Some(c @ ('"' | '\\' | '/')) => Some(c as u32),
            Some('b') => Some(8),
            Some('f') => Some(12),
            Some('n') => Some(10),
            Some('r') => Some(13),
            Some('t') => Some(9),
            Some('u') => None,
            _ => return Err(decode_error(cx, "Invalid \\escape", doc, at)),
        };
        at += 2;
        match simple {
            Some(c) => out.push(c),
            None => {
                let Some(mut c) = hex4(s, at) else {
                    return Err(decode_error(cx, "Invalid \\uXXXX escape", doc, at - 1));
                };
                at += 4;
                if (0xd800..0xdc00).contains(&c)
                    && s.get(at) == Some('\\' as u32)
                    && s.get(at + 1) == Some('u' as u32)
                    && let Some(low @ 0xdc00..0xe000) = hex4(s, at + 2)
                {
                    c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
                    at += 6;
                }
                out.push(c);
            }
        }
        run = at;
    }
}

fn hex4(s: &Str, at: usize) -> Option<u32> {
    (0..4).try_fold(0, |v, k| Some(v << 4 | char::from_u32(s.get(at + k)?)?.to_digit(16)?))
}

/// Writes a string with its quotes; with `ascii` everything else is escaped.
pub(super) fn push_quoted(out: &mut StrBuilder, s: &Str, ascii: bool) {
    out.push('"' as u32);
    let plain = |c: u32| c >= 0x20 && c != '"' as u32 && c != '\\' as u32 && (!ascii || c < 0x7f);
    let mut run = 0;
    for (i, c) in s.code_points().enumerate() {
        if plain(c) {
            continue;
        }
        out.push_range(s, run, i);
        run = i + 1;
        match c {
            0x22 => out.push_str("\\\""),
            0x5c => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            9 => out.push_str("\\t"),
            10 => out.push_str("\\n"),
            12 => out.push_str("\\f"),
            13 => out.push_str("\\r"),
            0x1_0000.. => {
                let c = c - 0x1_0000;
                out.push_str(&format!("\\u{:04x}\\u{:04x}", 0xd800 | c >> 10, 0xdc00 | (c & 0x3ff)));
            }
            _ => out.push_str(&format!("\\u{c:04x}")),
        }
    }
    out.push_range(s, run, s.len());
    out.push('"' as u32);
}
