//! Call arguments as natives see them.

use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

/// Borrowed arguments: positional values first, then one value for each keyword name.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    all: &'a [Obj],
    names: &'a [Obj],
}

impl<'a> Args<'a> {
    /// Positional arguments only.
    #[inline(always)]
    pub fn positional(all: &'a [Obj]) -> Args<'a> {
        Args { all, names: &[] }
    }

    /// `all` holds the positional values, then the values of the keywords `names` (str objects).
    #[inline(always)]
    pub fn new(all: &'a [Obj], names: &'a [Obj]) -> Args<'a> {
        debug_assert!(names.len() <= all.len());
        Args { all, names }
    }

    /// No arguments.
    pub fn none() -> Args<'static> {
        Args { all: &[], names: &[] }
    }

    /// The positional values.
    #[inline(always)]
    pub fn pos(&self) -> &'a [Obj] {
        &self.all[..self.all.len() - self.names.len()]
    }

    /// The keyword names.
    #[inline(always)]
    pub fn names(&self) -> &'a [Obj] {
        self.names
    }

    /// The values of the keywords, in the order of [`Args::names`].
    #[inline(always)]
    pub fn kw_values(&self) -> &'a [Obj] {
        &self.all[self.all.len() - self.names.len()..]
    }

    /// The keyword arguments.
    pub fn keywords(&self) -> impl Iterator<Item = (&'a Obj, &'a Obj)> + use<'a> {
        self.names.iter().zip(self.kw_values())
    }

    /// Positional values, then keyword values.
    #[inline(always)]
    pub fn all(&self) -> &'a [Obj] {
        self.all
    }

    /// Whether keywords were given.
    #[inline(always)]
    pub fn has_keywords(&self) -> bool {
        !self.names.is_empty()
    }

    /// The same call without its first positional argument.
    pub fn without_first(&self) -> Args<'a> {
        debug_assert!(!self.pos().is_empty());
        Args { all: &self.all[1..], names: self.names }
    }

    /// Refuses keywords: `f() takes no keyword arguments`.
    pub fn no_keywords(&self, cx: &Ctx, function: &str) -> PyResult<()> {
        if self.has_keywords() {
            return Err(cx.type_error(format!("{function}() takes no keyword arguments")));
        }
        Ok(())
    }

    /// Checks the number of positional arguments and refuses keywords, with CPython's messages.
    pub fn check_arity(&self, cx: &Ctx, function: &str, min: usize, max: usize) -> PyResult<&'a [Obj]> {
        self.no_keywords(cx, function)?;
        let n = self.all.len();
        if n >= min && n <= max {
            return Ok(self.all);
        }
        let s = |n: usize| if n == 1 { "" } else { "s" };
        Err(cx.type_error(if min == max {
            match min {
                0 => format!("{function}() takes no arguments ({n} given)"),
                1 => format!("{function}() takes exactly one argument ({n} given)"),
                _ => format!("{function} expected {min} argument{}, got {n}", s(min)),
            }
        } else if n < min {
            format!("{function} expected at least {min} argument{}, got {n}", s(min))
        } else {
            format!("{function} expected at most {max} argument{}, got {n}", s(max))
        }))
    }

    /// Matches the arguments to the parameters of a signature. The result has one entry for each
    /// parameter (nothing: not given). Messages are those of CPython's argument clinic.
    pub fn bind<const N: usize>(&self, cx: &Ctx, sig: &Signature) -> PyResult<[Option<&'a Obj>; N]> {
        let mut out: [Option<&'a Obj>; N] = [None; N];
        bind_into(cx, sig, self, &mut out)?;
        Ok(out)
    }
}

/// The parameters of a native function without `*args`/`**kwargs`.
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
}

fn bind_into<'a>(cx: &Ctx, sig: &Signature, a: &Args<'a>, out: &mut [Option<&'a Obj>]) -> PyResult<()> {
    let f = sig.function;
    let pos = a.pos();
    let s = |n: usize| if n == 1 { "" } else { "s" };
    if pos.len() > sig.positional {
        let given = pos.len();
        let n = sig.positional;
        if !a.has_keywords() && sig.pos_only == sig.params.len() {
            a.check_arity(cx, f, sig.required, n)?;
        }
        return Err(cx.type_error(if n == 0 {
            format!("{f}() takes no positional arguments")
        } else if sig.required == n {
            format!("{f}() takes exactly {n} positional argument{} ({given} given)", s(n))
        } else {
            format!("{f}() takes at most {n} {}argument{} ({given} given)",
                if sig.params.len() > n { "positional " } else { "" }, s(n))
        }));
    }
    for (slot, v) in out.iter_mut().zip(pos) {
        *slot = Some(v);
    }
    if sig.pos_only == sig.params.len() && a.has_keywords() {
        return Err(cx.type_error(format!("{f}() takes no keyword arguments")));
    }
    for (name, value) in a.keywords() {
        let text = crate::types::str::as_utf8_lossy(name);
        match sig.params.iter().skip(sig.pos_only).position(|p| *p == text) {
            Some(i) => {
                let slot = &mut out[sig.pos_only + i];
                if slot.is_some() {
                    return Err(cx.type_error(format!(
                        "argument for {f}() given by name ('{text}') and position ({})",
                        sig.pos_only + i + 1
                    )));
                }
                *slot = Some(value);
            }
            None => {
                return Err(cx.type_error(format!("{f}() got an unexpected keyword argument '{text}'")));
            }
        }
    }
    for i in 0..sig.required {
        if out[i].is_none() {
            if i < sig.pos_only {
                let min = sig.required;
                return Err(cx.type_error(if sig.pos_only == sig.params.len() {
                    if min == sig.positional && min == 1 {
                        format!("{f}() takes exactly one argument ({} given)", pos.len())
                    } else if min == sig.positional {
                        format!("{f} expected {min} argument{}, got {}", s(min), pos.len())
                    } else {
                        format!("{f} expected at least {min} argument{}, got {}", s(min), pos.len())
                    }
                } else {
                    let most = min == sig.positional;
                    format!("{f}() takes {} {min} positional argument{} ({} given)",
                        if most { "exactly" } else { "at least" }, s(min), pos.len())
                }));
            }
            return Err(cx.type_error(format!("{f}() missing required argument '{}' (pos {})", sig.params[i], i + 1)));
        }
    }
    for &i in sig.required_kw {
        if out[i].is_none() {
            return Err(cx.type_error(format!("{f}() missing required argument '{}' (pos {})", sig.params[i], i + 1)));
        }
    }
    Ok(())
}
