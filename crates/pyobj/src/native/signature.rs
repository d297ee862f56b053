//! Matching of arguments to the parameters of a signature, with the messages of CPython's argument clinic.

use smallvec::SmallVec;

use super::Args;
use crate::ctx::{Ctx, PyResult, Raised};
use crate::types::str::as_utf8_lossy;
use crate::value::Obj;

impl<'a> Args<'a> {
    /// Matches the arguments to the parameters of a signature. The result has one entry for each
    /// parameter (nothing: not given). Messages are those of CPython's argument clinic.
    #[inline]
    pub fn bind<const N: usize>(&self, cx: &Ctx, sig: &Signature) -> PyResult<[Option<&'a Obj>; N]> {
        let mut out: [Option<&'a Obj>; N] = [None; N];
        bind_into(cx, sig, self, &mut out, None)?;
        Ok(out)
    }

    /// As [`Args::bind`] for a signature with `*args` or `**kwargs`: also gives the arguments that no
    /// parameter took.
    pub fn bind_var<const N: usize>(
        &self,
        cx: &Ctx,
        sig: &Signature,
    ) -> PyResult<([Option<&'a Obj>; N], &'a [Obj], Kwargs<'a>)> {
        let mut out: [Option<&'a Obj>; N] = [None; N];
        let mut kwargs = Kwargs(SmallVec::new());
        bind_into(cx, sig, self, &mut out, Some(&mut kwargs))?;
        let rest = self.pos().get(sig.positional..).unwrap_or(&[]);
        Ok((out, rest, kwargs))
    }
}

/// The keyword arguments that no parameter took: what `**kwargs` collects.
pub struct Kwargs<'a>(SmallVec<[(&'a Obj, &'a Obj); 4]>);

impl<'a> Kwargs<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, in the order of the call.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Obj, &'a Obj)> + '_ {
        self.0.iter().copied()
    }

    /// The value given for a name.
    pub fn get(&self, name: &str) -> Option<&'a Obj> {
        self.0.iter().find(|(n, _)| as_utf8_lossy(n) == name).map(|(_, v)| *v)
    }
}

/// The parameters of a native function, without `*args` and `**kwargs` themselves.
pub struct Signature {
    /// The function's name for messages.
    pub function: &'static str,
    /// Parameter names in order (positional-only ones too).
    pub params: &'static [&'static str],
    /// How many are positional-only.
    pub pos_only: usize,
    /// How many can be passed by position (the rest are keyword-only).
    pub positional: usize,
    /// How many are required among the positional ones.
    pub required: usize,
    /// Which keyword-only parameters are required, by index.
    pub required_kw: &'static [usize],
    /// There is a `*args`.
    pub var_positional: bool,
    /// There is a `**kwargs`.
    pub var_keyword: bool,
}

impl Signature {
    #[cold]
    pub(super) fn missing(&self, cx: &Ctx, i: usize) -> Raised {
        cx.type_error(format!("{}() missing required argument '{}' (pos {})", self.function, self.params[i], i + 1))
    }
}

fn bind_into<'a>(
    cx: &Ctx,
    sig: &Signature,
    a: &Args<'a>,
    out: &mut [Option<&'a Obj>],
    mut extra: Option<&mut Kwargs<'a>>,
) -> PyResult<()> {
    let pos = a.pos();
    let too_many = !sig.var_positional && pos.len() > sig.positional;
    let overfull = !sig.var_positional && !sig.var_keyword && a.all().len() > sig.params.len();
    if too_many || overfull {
        return Err(too_many_arguments(cx, sig, a));
    }
    let given = pos.len().min(sig.positional);
    let mut i = 0;
    while i < given {
        out[i] = Some(&pos[i]);
        i += 1;
    }
    if !a.has_keywords() && pos.len() >= sig.required && sig.required_kw.is_empty() {
        return Ok(());
    }
    let mut unexpected = None;
    for (name, value) in a.keywords() {
        let text = as_utf8_lossy(name);
        match sig.params[sig.pos_only..].iter().position(|p| *p == text) {
            Some(i) => {
                let slot = &mut out[sig.pos_only + i];
                if slot.is_some() {
                    return Err(cx.type_error(format!(
                        "argument for {}() given by name ('{text}') and position ({})",
                        sig.function,
                        sig.pos_only + i + 1
                    )));
                }
                *slot = Some(value);
            }
            None => match &mut extra {
                Some(kw) if sig.var_keyword => kw.0.push((name, value)),
                _ => {
                    unexpected.get_or_insert(name);
                }
            },
        }
    }
    if let Some(i) = out.iter().take(sig.required).position(Option::is_none) {
        return Err(if i < sig.pos_only { too_few_positional(cx, sig, pos.len()) } else { sig.missing(cx, i) });
    }
    if let Some(&i) = sig.required_kw.iter().find(|&&i| out[i].is_none()) {
        return Err(sig.missing(cx, i));
    }
    // A missing argument is reported rather than one that is not known.
    match unexpected {
        Some(name) => {
            let named = &sig.params[sig.pos_only..];
            Err(crate::suggest::unexpected_keyword(cx, sig.function, &as_utf8_lossy(name), named))
        }
        None => Ok(()),
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cold]
fn too_many_arguments(cx: &Ctx, sig: &Signature, a: &Args<'_>) -> Raised {
    let f = sig.function;
    let (given, total) = (a.all().len(), sig.params.len());
    if !sig.var_positional && !sig.var_keyword && given > total {
        let kind = if a.pos().is_empty() { "keyword " } else { "" };
        return cx.type_error(format!("{f}() takes at most {total} {kind}argument{} ({given} given)", plural(total)));
    }
    let max = sig.positional;
    if max == 0 {
        return cx.type_error(format!("{f}() takes no positional arguments"));
    }
    let most = if sig.required < max { "at most" } else { "exactly" };
    cx.type_error(format!("{f}() takes {most} {max} positional argument{} ({} given)", plural(max), a.pos().len()))
}

#[cold]
fn too_few_positional(cx: &Ctx, sig: &Signature, given: usize) -> Raised {
    let min = sig.required.min(sig.pos_only);
    let least = if min < sig.positional { "at least" } else { "exactly" };
    cx.type_error(format!("{}() takes {least} {min} positional argument{} ({given} given)", sig.function, plural(min)))
}
