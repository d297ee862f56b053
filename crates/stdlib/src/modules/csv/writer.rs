//! Writing records.

use cinder_pyobj::heap::Traverse;
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::{Str, StrBuilder};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::dialect::Dialect;
use super::{QUOTE_ALL, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS, raise};

/// Writes records.
#[derive(Traverse)]
#[pyclass(name = "writer", module = "_csv", flags(no_new))]
pub(crate) struct Writer {
    pub(super) write: Obj,
    pub(super) dialect: Obj,
}

fn is_number(o: &Obj) -> bool {
    let s = &o.type_of().slots;
    o.is_int() || o.is_float() || s.int.get().is_some() || s.float.get().is_some() || s.index.get().is_some()
}

impl Dialect {
    /// Adds a field; `text` is nothing for None.
    fn append(&self, cx: &Ctx, out: &mut StrBuilder, text: Option<&Str>, mut quoted: bool) -> PyResult<()> {
        let mut body = StrBuilder::new();
        let terminator = self.lineterminator.downcast::<Str>();
        for c in text.into_iter().flat_map(Str::code_points) {
            let is_quote = Some(c) == self.quotechar;
            let is_escape = Some(c) == self.escapechar;
            let special = c == self.delimiter
                || is_quote
                || is_escape
                || c == 10
                || c == 13
                || terminator.is_some_and(|t| t.find_char(c, 0).is_some());
            if special {
                let mut escape = self.quoting == QUOTE_NONE || is_escape;
                if self.quoting != QUOTE_NONE && is_quote {
                    if self.doublequote {
                        body.push(c);
                    } else {
                        escape = true;
                    }
                }
                if escape {
                    match self.escapechar {
                        Some(e) => body.push(e),
                        None => return Err(raise(cx, "need to escape, but no escapechar set")),
                    }
                } else {
                    quoted = true;
                }
            }
            body.push(c);
        }
        if body.is_empty() && self.delimiter == ' ' as u32 && self.skipinitialspace {
            let never = self.quoting == QUOTE_NONE
                || (text.is_none() && (self.quoting == QUOTE_STRINGS || self.quoting == QUOTE_NOTNULL));
            if never {
                return Err(raise(
                    cx,
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quoted = true;
        }
        let quote = if quoted { self.quotechar } else { None };
        quote.into_iter().for_each(|q| out.push(q));
        cinder_pyobj::with_units!(body.data(), u => out.push_units(u));
        quote.into_iter().for_each(|q| out.push(q));
        Ok(())
    }

    fn record(&self, cx: &Ctx, row: &Obj) -> PyResult {
        let mut out = StrBuilder::new();
        let (mut count, mut last_none) = (0, false);
        row.for_each(cx, |field| {
            if count > 0 {
                out.push(self.delimiter);
            }
            count += 1;
            last_none = field.is_none();
            let quoted = match self.quoting {
                QUOTE_NONNUMERIC => !is_number(&field),
                QUOTE_ALL => true,
                QUOTE_STRINGS => field.downcast::<Str>().is_some(),
                QUOTE_NOTNULL => !last_none,
                _ => false,
            };
            if last_none {
                return self.append(cx, &mut out, None, quoted);
            }
            let text = if field.downcast::<Str>().is_some() { field } else { field.str(cx)? };
            self.append(cx, &mut out, text.downcast::<Str>(), quoted)
        })?;
        if count == 1 && out.is_empty() {
            let never = self.quoting == QUOTE_NONE
                || (last_none && (self.quoting == QUOTE_STRINGS || self.quoting == QUOTE_NOTNULL));
            if never {
                return Err(raise(cx, "single empty field record must be quoted"));
            }
            self.append(cx, &mut out, None, true)?;
        }
        out.push_obj(&self.lineterminator);
        Ok(out.finish())
    }
}

fn write_row(cx: &Ctx, this: This<'_, Writer>, row: &Obj) -> PyResult {
    let Some(d) = this.dialect.downcast::<Dialect>() else { return Err(cx.system_error("writer without dialect")) };
    let it = match row.iter(cx) {
        Ok(it) => it,
        Err(r) => {
            cx.swallow(r, exc::TypeError())?;
            return Err(raise(cx, format!("iterable expected, not {}", row.type_of().name())));
        }
    };
    let record = d.record(cx, &it)?;
    this.write.call1(cx, &record)
}

#[pymethods]
impl Writer {
    /// Writes one record; returns what the file's write method returns.
    #[pymethod(sig = "($self, row, /)")]
    fn writerow(cx: &Ctx, this: This<'_, Writer>, row: &Obj) -> PyResult {
        write_row(cx, this, row)
    }

    /// Writes several records.
    #[pymethod(sig = "($self, rows, /)")]
    fn writerows(cx: &Ctx, this: This<'_, Writer>, rows: &Obj) -> PyResult<()> {
        rows.for_each(cx, |row| write_row(cx, this, &row).map(drop))
    }

    /// The dialect.
    #[pygetter(member)]
    fn dialect(&self) -> Obj {
        self.dialect.clone()
    }
}
