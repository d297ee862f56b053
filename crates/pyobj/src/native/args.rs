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
    #[inline(always)]
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
}
