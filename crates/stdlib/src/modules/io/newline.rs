//! Universal newlines: the state, and `IncrementalNewlineDecoder`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder, Unit};
use cinder_pyobj::types::{Type, bytes, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern, with_units};

const LF: u8 = 1;
const CR: u8 = 2;
const CRLF: u8 = 4;

/// Recognises line endings across pieces of text, and translates them if asked to.
#[derive(Default)]
pub(crate) struct Newlines {
    pub translate: Cell<bool>,
    /// A carriage return at the end of the last piece is held back: a line feed may follow.
    pub pending_cr: Cell<bool>,
    seen: Cell<u8>,
}

fn scan<U: Unit>(u: &[U], translate: bool, out: &mut StrBuilder) -> u8 {
    let (mut seen, mut i, mut start) = (0, 0, 0);
    while i < u.len() {
        match u[i].code() {
            10 => seen |= LF,
            13 => {
                let pair = u.get(i + 1).is_some_and(|c| c.code() == 10);
                seen |= if pair { CRLF } else { CR };
                if translate {
                    out.push_units(&u[start..i]);
                    out.push(10);
                }
                i += usize::from(pair);
                start = i + 1;
            }
            _ => {}
        }
        i += 1;
    }
    if translate && start <= u.len() {
        out.push_units(&u[start..]);
    }
    seen
}

impl Newlines {
    pub fn new(translate: bool) -> Newlines {
        let n = Newlines::default();
        n.translate.set(translate);
        n
    }

    /// Takes a piece of text and returns it translated.
    pub fn feed(&self, piece: Obj, last: bool) -> Obj {
        let mut piece = piece;
        let Some(s) = piece.downcast::<Str>() else { return piece };
        let holds = self.pending_cr.get() && (last || s.len() > 0);
        let ends = !last && s.len() > 0 && s.get(s.len() - 1) == Some(13);
        if holds || ends {
            let mut b = StrBuilder::new();
            if holds {
                b.push(13);
            }
            b.push_range(s, 0, s.len() - usize::from(ends));
            self.pending_cr.set(ends);
            piece = b.finish();
        }
        let Some(s) = piece.downcast::<Str>() else { return piece };
        let translate = self.translate.get();
        let mut out = StrBuilder::new();
        let plain = match s.data() {
            text::StrData::Latin1(u) => memchr::memchr(13, u).is_none(),
            _ => false,
        };
        if plain {
            if self.seen.get() & LF == 0
                && let text::StrData::Latin1(u) = s.data()
                && memchr::memchr(10, u).is_some()
            {
                self.seen.set(self.seen.get() | LF);
            }
            return piece;
        }
        let seen = with_units!(s.data(), u => scan(u, translate, &mut out));
        self.seen.set(self.seen.get() | seen);
        if translate && seen & (CR | CRLF) != 0 { out.finish() } else { piece }
    }

    pub fn reset(&self) {
        self.pending_cr.set(false);
        self.seen.set(0);
    }

    /// `newlines`: the kinds of line endings seen.
    pub fn seen(&self) -> Obj {
        let kinds: Vec<Obj> = [(CR, "\r"), (LF, "\n"), (CRLF, "\r\n")]
            .iter()
            .filter(|(bit, _)| self.seen.get() & bit != 0)
            .map(|(_, s)| Obj::from(*s))
            .collect();
        match kinds.as_slice() {
            [] => Obj::none(),
            [one] => one.clone(),
            _ => tuple::new(kinds),
        }
    }
}

/// Finds the line ends \n, \r\n and \r in the output of another decoder, or in texts if decoder is None.
///
/// newlines tells which of them occurred. With translate they all become \n; in any case \r\n is never cut in two.
#[pyclass(
    name = "IncrementalNewlineDecoder",
    module = "_io",
    flags(basetype),
    sig = "(decoder, translate, errors='strict')"
)]
#[derive(Traverse)]
pub(crate) struct IncrementalNewlineDecoder {
    decoder: ObjCell,
    errors: ObjCell,
    #[traverse(skip)]
    state: Newlines,
}

#[pymethods]
impl IncrementalNewlineDecoder {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(
            ty,
            IncrementalNewlineDecoder {
                decoder: ObjCell::new(None),
                errors: ObjCell::new(None),
                state: Newlines::default(),
            },
        ))
    }

    #[pymethod(sig = "($self, decoder, translate, errors='strict')")]
    fn __init__(
        _cx: &Ctx,
        this: This<'_, IncrementalNewlineDecoder>,
        decoder: &Obj,
        translate: bool,
        errors: Option<&Obj>,
    ) -> PyResult<()> {
        this.decoder.set(decoder.clone().non_none());
        this.errors.set(Some(errors.cloned().unwrap_or_else(|| Obj::from("strict"))));
        this.state.translate.set(translate);
        this.state.reset();
        Ok(())
    }

    #[pymethod(sig = "($self, input, final=False)")]
    fn decode(cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>, input: &Obj, r#final: bool) -> PyResult {
        let out = match this.decoder.get() {
            Some(d) => d.call_method(cx, intern!("decode"), &[input.clone(), Obj::from_bool(r#final)])?,
            None => input.clone(),
        };
        if out.downcast::<Str>().is_none() {
            return Err(cx.type_error(format!("decoder should return a string result, not '{}'", out.type_of().name())));
        }
        Ok(this.state.feed(out, r#final))
    }

    #[pymethod]
    fn getstate(cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>) -> PyResult {
        let (buffer, flags) = match this.decoder.get() {
            Some(d) => {
                let s = d.call_method(cx, intern!("getstate"), &[])?;
                match tuple::items_if_tuple(&s) {
                    Some([b, f]) => (b.clone(), f.to_i64(cx)?),
                    _ => return Err(cx.type_error("illegal decoder state")),
                }
            }
            None => (bytes::new(b""), 0),
        };
        Ok(tuple::pair(buffer, Obj::from(flags << 1 | i64::from(this.state.pending_cr.get()))))
    }

    #[pymethod(sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>, state: &Obj) -> PyResult<()> {
        let Some([b, f]) = tuple::items_if_tuple(state) else {
            return Err(cx.type_error("state argument must be a tuple"));
        };
        let flags = f.to_i64(cx)?;
        this.state.pending_cr.set(flags & 1 != 0);
        match this.decoder.get() {
            Some(d) => {
                let inner = tuple::pair(b.clone(), Obj::from(flags >> 1));
                d.call_method(cx, intern!("setstate"), &[inner]).map(drop)
            }
            None => Ok(()),
        }
    }

    #[pymethod]
    fn reset(cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>) -> PyResult<()> {
        this.state.reset();
        match this.decoder.get() {
            Some(d) => d.call_method(cx, intern!("reset"), &[]).map(drop),
            None => Ok(()),
        }
    }

    #[pygetter]
    fn newlines(_cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>) -> Obj {
        this.state.seen()
    }

    #[pygetter]
    fn errors(_cx: &Ctx, this: This<'_, IncrementalNewlineDecoder>) -> Obj {
        this.errors.get().unwrap_or_else(Obj::none)
    }
}
