//! Python text signatures: `($self, x, /, y=1, *args, key=None, **kwargs)`.

use proc_macro2::Span;
use syn::{Error, LitStr, Result};

/// How a parameter takes its argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    PosOnly,
    PosOrKw,
    KwOnly,
    VarPos,
    VarKw,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub kind: Kind,
    pub default: Option<String>,
}

/// A parsed signature.
#[derive(Debug)]
pub struct Sig {
    /// The receiver's name without its dollar sign.
    pub receiver: Option<String>,
    pub params: Vec<Param>,
    pub span: Span,
}

impl Sig {
    /// The signature of a function without parameters.
    pub fn empty(span: Span) -> Sig {
        Sig { receiver: None, params: Vec::new(), span }
    }

    pub fn parse(lit: &LitStr) -> Result<Sig> {
        let span = lit.span();
        let err = |m: String| Error::new(span, m);
        let text = lit.value();
        let inner = text
            .trim()
            .strip_prefix('(')
            .and_then(|t| t.strip_suffix(')'))
            .ok_or_else(|| err("a signature is written in parentheses, like \"(x, /, *, key=None)\"".into()))?;
        let mut sig = Sig::empty(span);
        let mut star = false;
        let mut slash = false;
        for (i, item) in split_top(inner).into_iter().enumerate() {
            let item = item.trim();
            if let Some(r) = item.strip_prefix('$') {
                if i != 0 {
                    return Err(err(format!("`${r}` must come first")));
                }
                sig.receiver = Some(r.to_owned());
            } else if item == "/" {
                if slash || star {
                    return Err(err("misplaced `/`".into()));
                }
                slash = true;
                for p in &mut sig.params {
                    p.kind = Kind::PosOnly;
                }
            } else if item == "*" {
                if star {
                    return Err(err("only one `*` is possible".into()));
                }
                star = true;
            } else if let Some(n) = item.strip_prefix("**") {
                sig.push(n, Kind::VarKw, None)?;
            } else if let Some(n) = item.strip_prefix('*') {
                if star {
                    return Err(err("only one `*` is possible".into()));
                }
                star = true;
                sig.push(n, Kind::VarPos, None)?;
            } else {
                let (n, d) = match item.split_once('=') {
                    Some((n, d)) => (n.trim(), Some(d.trim().to_owned())),
                    None => (item, None),
                };
                sig.push(n, if star { Kind::KwOnly } else { Kind::PosOrKw }, d)?;
            }
        }
        if sig.params.iter().rev().skip(1).any(|p| p.kind == Kind::VarKw) {
            return Err(err("`**` parameter must come last".into()));
        }
        let mut optional = false;
        for p in sig.params.iter().filter(|p| matches!(p.kind, Kind::PosOnly | Kind::PosOrKw)) {
            if p.default.is_none() && optional {
                return Err(err(format!("parameter `{}` without a default follows one with a default", p.name)));
            }
            optional |= p.default.is_some();
        }
        Ok(sig)
    }

    fn push(&mut self, name: &str, kind: Kind, default: Option<String>) -> Result<()> {
        let ok = !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if !ok {
            return Err(Error::new(self.span, format!("`{name}` is not a parameter name")));
        }
        self.params.push(Param { name: name.to_owned(), kind, default });
        Ok(())
    }

    /// Whether no argument can be given by keyword.
    pub fn positional_only(&self) -> bool {
        self.params.iter().all(|p| matches!(p.kind, Kind::PosOnly | Kind::VarPos))
    }

    pub fn count(&self, kind: impl Fn(&Param) -> bool) -> usize {
        self.params.iter().filter(|p| kind(p)).count()
    }

    /// The parameters that take one argument each.
    pub fn singles(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|p| !matches!(p.kind, Kind::VarPos | Kind::VarKw))
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.params.iter().any(|p| p.kind == kind)
    }

    /// The text for `__text_signature__`, with the receiver that CPython writes there.
    pub fn text(&self, receiver: Option<&str>) -> String {
        let mut items: Vec<String> = Vec::new();
        if let Some(r) = self.receiver.as_deref().or(receiver) {
            items.push(format!("${r}"));
        }
        let mut starred = false;
        for (i, p) in self.params.iter().enumerate() {
            if i > 0 && self.params[i - 1].kind == Kind::PosOnly && p.kind != Kind::PosOnly {
                items.push("/".into());
            }
            if p.kind == Kind::KwOnly && !starred {
                items.push("*".into());
                starred = true;
            }
            starred |= p.kind == Kind::VarPos;
            let stars = match p.kind {
                Kind::VarPos => "*",
                Kind::VarKw => "**",
                _ => "",
            };
            items.push(match &p.default {
                Some(d) => format!("{}={d}", p.name),
                None => format!("{stars}{}", p.name),
            });
        }
        let only_receiver = self.params.is_empty() && !items.is_empty();
        if self.params.last().is_some_and(|p| p.kind == Kind::PosOnly) || only_receiver {
            items.push("/".into());
        }
        format!("({})", items.join(", "))
    }
}

/// Splits at commas outside of brackets and quotes.
fn split_top(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0i32, None, 0);
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sig(text: &str) -> Result<Sig> {
        Sig::parse(&LitStr::new(text, Span::call_site()))
    }

    #[test]
    fn every_kind_of_parameter_is_found() {
        let s = sig("($self, a, b=(1, 2), /, c=',', *rest, d, e=None, **kw)").unwrap();
        assert_eq!(s.receiver.as_deref(), Some("self"));
        let kinds: Vec<Kind> = s.params.iter().map(|p| p.kind).collect();
        use Kind::*;
        assert_eq!(kinds, [PosOnly, PosOnly, PosOrKw, VarPos, KwOnly, KwOnly, VarKw]);
        assert_eq!(s.params[1].default.as_deref(), Some("(1, 2)"));
        assert_eq!(s.params[2].default.as_deref(), Some("','"));
        assert_eq!(s.text(None), "($self, a, b=(1, 2), /, c=',', *rest, d, e=None, **kw)");
    }

    #[test]
    fn the_text_is_normalised() {
        assert_eq!(sig("()").unwrap().text(Some("module")), "($module, /)");
        assert_eq!(sig("(x, /)").unwrap().text(Some("module")), "($module, x, /)");
        assert_eq!(sig("(x, *, key=None)").unwrap().text(Some("self")), "($self, x, *, key=None)");
        assert_eq!(sig("(iterable=(), /)").unwrap().text(None), "(iterable=(), /)");
    }

    #[test]
    fn mistakes_are_refused() {
        for bad in ["x", "(x=1, y)", "(x, $self)", "(*, *a)", "(**k, x)", "(*a, /)", "(1x)"] {
            assert!(sig(bad).is_err(), "{bad}");
        }
    }
}
