//! Helpers shared by the macros.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, Result, Type};

/// The path that all generated code starts from.
pub fn pyobj() -> TokenStream {
    quote!(::cinder_pyobj)
}

/// As [`pyobj`], with the span that errors about the path's use point at.
pub fn pyobj_at(span: Span) -> TokenStream {
    quote_spanned!(span=> ::cinder_pyobj)
}

/// The doc comment as one text, with the common leading space of its lines removed.
pub fn doc_of(attrs: &[Attribute]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for a in attrs {
        if let Meta::NameValue(nv) = &a.meta
            && nv.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(s), .. }) = &nv.value
        {
            let text = s.value();
            lines.extend(text.split('\n').map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end().to_owned()));
        }
    }
    while lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    lines.join("\n")
}

/// The Python name of a Rust function: the identifier as it is written.
pub fn function_name(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// A parameter or function name as Python writes it: `r#in`, `in_` and `_in` all stand for `in`.
pub fn plain_name(name: &str) -> &str {
    let n = name.strip_prefix("r#").unwrap_or(name);
    if n.starts_with("__") && n.ends_with("__") {
        return n;
    }
    n.trim_matches('_')
}

/// The last segment of a path type, through references.
pub fn last_ident(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(p) => p.path.segments.last().map(|s| &s.ident),
        Type::Reference(r) => last_ident(&r.elem),
        Type::Paren(p) => last_ident(&p.elem),
        Type::Group(g) => last_ident(&g.elem),
        _ => None,
    }
}

pub fn is_named(ty: &Type, name: &str) -> bool {
    last_ident(ty).is_some_and(|i| i == name)
}

pub fn is_ref(ty: &Type) -> bool {
    matches!(ty, Type::Reference(_))
}

/// Removes and returns the first attribute with one of the names, together with the name.
pub fn take_attr(attrs: &mut Vec<Attribute>, names: &[&str]) -> Result<Option<(String, Attribute)>> {
    let mut found: Option<(String, Attribute)> = None;
    let mut rest = Vec::new();
    for a in attrs.drain(..) {
        let name = a.path().segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        if names.contains(&name.as_str()) {
            if let Some((first, _)) = &found {
                return Err(Error::new_spanned(a, format!("`{name}` conflicts with `{first}`")));
            }
            found = Some((name, a));
        } else {
            rest.push(a);
        }
    }
    *attrs = rest;
    Ok(found)
}

/// The arguments of a method or function attribute.
#[derive(Default)]
pub struct FnOptions {
    pub name: Option<LitStr>,
    pub sig: Option<LitStr>,
    pub member: bool,
}

impl FnOptions {
    pub fn parse(attr: &Attribute) -> Result<FnOptions> {
        let mut o = FnOptions::default();
        if matches!(attr.meta, Meta::Path(_)) {
            return Ok(o);
        }
        attr.parse_nested_meta(|m| {
            if m.path.is_ident("name") {
                o.name = Some(m.value()?.parse()?);
            } else if m.path.is_ident("sig") {
                o.sig = Some(m.value()?.parse()?);
            } else if m.path.is_ident("member") {
                o.member = true;
            } else {
                return Err(m.error("expected `name = \"..\"`, `sig = \"..\"` or `member`"));
            }
            Ok(())
        })?;
        Ok(o)
    }
}

pub fn str_lit(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}
