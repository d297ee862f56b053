//! `_tokenize`: the tokeniser as an iterator.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{bytes, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type, intern};
use cinder_syntax::{SyntaxError, SyntaxErrorKind, TokenInfo};

use crate::compile::raise_syntax_error;

/// Iterates over the tokens of the lines that a function gives.
///
/// All lines are read when the first token is asked for.
#[pyclass(name = "TokenizerIter", module = "_tokenize")]
#[derive(Traverse)]
pub struct TokenizerIter {
    readline: ObjCell,
    encoding: Option<Obj>,
    #[traverse(skip)]
    extra_tokens: bool,
    /// The tokens yet to be given, the next one last.
    tokens: RefCell<Vec<Obj>>,
    /// The error behind the last token.
    #[traverse(skip)]
    error: Cell<Option<Box<SyntaxError>>>,
}

impl TokenizerIter {
    /// The text of all lines.
    fn read(&self, cx: &Ctx, readline: &Obj) -> PyResult<String> {
        let mut text = String::new();
        let mut data = Vec::new();
        loop {
            let line = match readline.call0(cx) {
                Ok(line) => line,
                Err(raised) => {
                    cx.swallow(raised, exc::StopIteration())?;
                    break;
                }
            };
            let is_empty = if self.encoding.is_some() {
                let Some(line) = bytes::as_bytes(&line) else {
                    return Err(cx.type_error("readline() returned a non-bytes object"));
                };
                data.extend_from_slice(line);
                line.is_empty()
            } else {
                if !line.type_of().is_str_subtype() {
                    return Err(cx.type_error("readline() returned a non-string object"));
                }
                let line = as_utf8_lossy(&line);
                text.push_str(&line);
                line.is_empty()
            };
            if is_empty {
                break;
            }
        }
        if let Some(encoding) = &self.encoding {
            let decoded = bytes::new(&data).call_method(cx, intern!("decode"), std::slice::from_ref(encoding))?;
            text = as_utf8_lossy(&decoded).into_owned();
        }
        Ok(text)
    }

    fn fill(&self, cx: &Ctx, readline: &Obj) -> PyResult<()> {
        let text = self.read(cx, readline)?;
        let found = cinder_syntax::tokenize(&text, self.extra_tokens);
        // Tokens of one line share its text.
        let mut line = ("", Obj::from(""));
        let mut tokens = Vec::with_capacity(found.tokens.len());
        for token in &found.tokens {
            if !std::ptr::eq(line.0, token.line) {
                line = (token.line, Obj::from(token.line));
            }
            tokens.push(token_tuple(token, &line.1));
        }
        tokens.reverse();
        self.error.set(found.error.map(Box::new));
        let old = self.tokens.replace(tokens);
        drop(old);
        Ok(())
    }
}

/// `(type, string, (line, column), (line, column), text)`
fn token_tuple(token: &TokenInfo<'_>, line: &Obj) -> Obj {
    let column = |at: u32| if at == cinder_syntax::NO_COLUMN { -1 } else { i64::from(at) };
    let place = |at: cinder_syntax::ast::Location| tuple::pair(Obj::from(at.line), Obj::from(column(at.column)));
    tuple::new(vec![
        Obj::from(i64::from(token.kind)),
        Obj::from(token.text),
        place(token.start),
        place(token.end),
        line.clone(),
    ])
}

/// Raises an error of the tokeniser. Those about the layout name a point only.
fn raise_error(cx: &Ctx, error: &SyntaxError) -> Raised {
    let ty = match error.kind {
        SyntaxErrorKind::Indentation => exc::IndentationError(),
        SyntaxErrorKind::Tab => exc::TabError(),
        _ => return raise_syntax_error(cx, error, &Obj::from("<string>")),
    };
    let text = error.text.as_deref().map_or_else(Obj::none, |text| Obj::from(text.trim_end_matches('\n')));
    let (line, offset) = (Obj::from(i64::from(error.lineno)), Obj::from(i64::from(error.offset)));
    let info = tuple::new(vec![Obj::from("<string>"), line, offset, text, Obj::none(), Obj::none()]);
    cx.raise_args(ty, &[Obj::from(error.msg.as_str()), info])
}

#[pymethods]
impl TokenizerIter {
    #[pynew(sig = "(readline, /, *, encoding=None, extra_tokens)")]
    fn __new__(_cx: &Ctx, ty: &Type, readline: &Obj, encoding: Option<&Obj>, extra_tokens: bool) -> PyResult {
        Ok(heap::new_instance(
            ty,
            TokenizerIter {
                readline: ObjCell::new(Some(readline.clone())),
                encoding: encoding.cloned(),
                extra_tokens,
                tokens: RefCell::new(Vec::new()),
                error: Cell::new(None),
            },
        ))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, TokenizerIter>) -> PyResult<Option<Obj>> {
        if let Some(readline) = this.readline.take() {
            this.fill(cx, &readline)?;
        }
        let next = this.tokens.borrow_mut().pop();
        match (next, this.error.take()) {
            (Some(token), error) => {
                this.error.set(error);
                Ok(Some(token))
            }
            (None, Some(error)) => Err(raise_error(cx, &error)),
            (None, None) => Ok(None),
        }
    }
}

#[pymodule(name = "_tokenize", classes(super::TokenizerIter))]
pub(crate) mod module {}
