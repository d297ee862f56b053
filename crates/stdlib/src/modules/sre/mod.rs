//! `_sre`: regular expressions. The library's `re` compiles patterns to the code that [`engine`] runs.

mod chars;
mod engine;
mod matching;
mod op;
mod pattern;
mod program;
mod scan;
mod template;
#[cfg(test)]
mod tests;

use cinder_pyobj::heap::new_instance;
use cinder_pyobj::native::{PyClass, pymodule};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{bytes, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

use matching::Match;
use pattern::{Pattern, SubjectKind};
use scan::{MatchIterator, Scanner};
use template::Template;

/// The engine of regular expressions.
#[pymodule(name = "_sre", classes(super::Pattern, super::Match, super::Scanner, super::MatchIterator, super::Template))]
pub(crate) mod sre {
    use super::*;

    /// Makes a pattern from compiled code.
    #[pyfunction(sig = "(pattern, flags, code, groups, groupindex, indexgroup)")]
    fn compile(
        cx: &Ctx,
        pattern: &Obj,
        flags: i64,
        code: &Obj,
        groups: i64,
        groupindex: &Obj,
        indexgroup: &Obj,
    ) -> PyResult {
        let mut words = Vec::new();
        code.for_each(cx, |w| match int::as_i64(&w).and_then(|w| u32::try_from(w).ok()) {
            Some(w) => {
                words.push(w);
                Ok(())
            }
            None => Err(cx.overflow_error("regular expression code size limit exceeded")),
        })?;
        let kind = if pattern.is_none() {
            SubjectKind::Any
        } else if pattern.downcast::<Str>().is_some() {
            SubjectKind::Text
        } else {
            bytes::BytesLike::new(cx, pattern)?;
            SubjectKind::Bytes
        };
        let groups = usize::try_from(groups).unwrap_or(0);
        if words.last() != Some(&op::SUCCESS) || groups > op::MAXGROUPS as usize {
            return Err(cx.runtime_error("invalid SRE code"));
        }
        let p = Pattern::new(pattern.clone(), flags, words, groups, groupindex.clone(), indexgroup.clone(), kind);
        Ok(new_instance(Pattern::type_object(), p))
    }

    /// Makes a template from literals and group numbers that alternate.
    #[pyfunction(sig = "(pattern, template, /)")]
    fn template(cx: &Ctx, pattern: &Obj, template: &Obj) -> PyResult {
        Template::build(cx, pattern, template)
    }

    /// The size of a code word in bytes.
    #[pyfunction]
    fn getcodesize() -> i64 {
        4
    }

    /// Whether an ASCII character has another case.
    #[pyfunction(sig = "(character, /)")]
    fn ascii_iscased(character: i64) -> bool {
        u8::try_from(character).is_ok_and(|c| c.is_ascii_alphabetic())
    }

    /// The lower case of an ASCII character.
    #[pyfunction(sig = "(character, /)")]
    fn ascii_tolower(character: i64) -> i64 {
        u32::try_from(character).map_or(character, |c| chars::lower_ascii(c) as i64)
    }

    /// Whether a character has another case.
    #[pyfunction(sig = "(character, /)")]
    fn unicode_iscased(character: i64) -> bool {
        // A ligature has an upper case of several letters only, and still another ligature of the same case.
        let several = |c: u32| char::from_u32(c).is_some_and(|c| c.to_uppercase().next() != Some(c));
        u32::try_from(character)
            .is_ok_and(|c| chars::lower_unicode(c) != c || chars::upper_unicode(c) != c || several(c))
    }

    /// The lower case of a character.
    #[pyfunction(sig = "(character, /)")]
    fn unicode_tolower(character: i64) -> i64 {
        u32::try_from(character).map_or(character, |c| chars::lower_unicode(c) as i64)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        for (name, value) in
            [("MAGIC", op::MAGIC), ("CODESIZE", 4), ("MAXREPEAT", op::MAXREPEAT as i64), ("MAXGROUPS", op::MAXGROUPS)]
        {
            module.set_attr(cx, Name::new(name), &Obj::from(value))?;
        }
        debug_assert_eq!(op::COUNT, 43);
        Ok(())
    }
}
