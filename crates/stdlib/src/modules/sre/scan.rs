//! Scanners and the iterator of `finditer`.

use std::cell::Cell;

use cinder_pyobj::heap::Traverse;
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::Buffer;
use cinder_pyobj::types::bytes;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::matching::Match;
use super::pattern::{Mode, Pattern};

/// Goes through the matches in a string.
#[derive(Traverse)]
#[pyclass(name = "SRE_Scanner", module = "_sre", flags(no_new))]
pub(super) struct Scanner {
    pattern: Obj,
    string: Obj,
    /// Keeps the memory of a subject that is not a str where it is while the scanner is in use.
    #[traverse(skip)]
    _lent: Option<Buffer>,
    #[traverse(skip)]
    span: (usize, usize),
    #[traverse(skip)]
    at: Cell<Option<usize>>,
    #[traverse(skip)]
    must_advance: Cell<bool>,
}

impl Scanner {
    /// A scanner of a part of a subject.
    ///
    /// # Errors
    /// What the subject raises when it is to lend its memory.
    pub(super) fn new(cx: &Ctx, pattern: &Obj, string: &Obj, span: (usize, usize)) -> PyResult<Scanner> {
        let fixed = string.type_of().is_str_subtype() || bytes::as_bytes(string).is_some();
        Ok(Scanner {
            pattern: pattern.clone(),
            string: string.clone(),
            _lent: if fixed { None } else { Some(Buffer::simple(cx, string)?) },
            span,
            at: Cell::new(Some(span.0)),
            must_advance: Cell::new(false),
        })
    }

    fn next_match(&self, cx: &Ctx, mode: Mode) -> PyResult<Option<Obj>> {
        let Some(p) = self.pattern.downcast::<Pattern>() else { return Ok(None) };
        let Some(at) = self.at.get().filter(|at| *at <= self.span.1) else { return Ok(None) };
        match p.find(cx, &self.string, (at, self.span.1), mode, self.must_advance.get())? {
            Some(f) => {
                let (a, b) = f.whole();
                self.must_advance.set(a == b);
                self.at.set(Some(b));
                Ok(Some(Match::make(&self.pattern, &self.string, self.span, f)))
            }
            None => {
                self.at.set(None);
                Ok(None)
            }
        }
    }
}

#[pymethods]
impl Scanner {
    /// Matches where the last match ended.
    #[pymethod]
    fn r#match(cx: &Ctx, this: This<'_, Scanner>) -> PyResult<Option<Obj>> {
        this.next_match(cx, Mode::Match)
    }

    /// Finds the next match.
    #[pymethod]
    fn search(cx: &Ctx, this: This<'_, Scanner>) -> PyResult<Option<Obj>> {
        this.next_match(cx, Mode::Search)
    }

    /// The pattern.
    #[pygetter(member)]
    fn pattern(&self) -> Obj {
        self.pattern.clone()
    }
}

/// The iterator that `finditer` returns.
#[derive(Traverse)]
#[pyclass(name = "callable_iterator", module = "_sre", flags(no_new))]
pub(super) struct MatchIterator {
    scanner: Scanner,
}

impl MatchIterator {
    /// An iterator over the matches in a part of a subject.
    ///
    /// # Errors
    /// As of [`Scanner::new`].
    pub(super) fn new(cx: &Ctx, pattern: &Obj, string: &Obj, span: (usize, usize)) -> PyResult<MatchIterator> {
        Ok(MatchIterator { scanner: Scanner::new(cx, pattern, string, span)? })
    }
}

#[pymethods]
impl MatchIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, MatchIterator>) -> PyResult<Option<Obj>> {
        this.scanner.next_match(cx, Mode::Search)
    }
}
