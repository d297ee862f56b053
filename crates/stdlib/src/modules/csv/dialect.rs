//! Dialects: how records are written.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::int;
use cinder_pyobj::types::str::{self as text, Name, Str};
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use super::{QUOTE_MINIMAL, QUOTE_NONE, QUOTE_NOTNULL};

/// A dialect of CSV.
#[derive(Traverse, Clone)]
#[pyclass(name = "Dialect", module = "_csv", flags(basetype))]
pub(crate) struct Dialect {
    #[traverse(skip)]
    pub(super) delimiter: u32,
    #[traverse(skip)]
    pub(super) quotechar: Option<u32>,
    #[traverse(skip)]
    pub(super) escapechar: Option<u32>,
    pub(super) lineterminator: Obj,
    #[traverse(skip)]
    pub(super) quoting: i64,
    #[traverse(skip)]
    pub(super) doublequote: bool,
    #[traverse(skip)]
    pub(super) skipinitialspace: bool,
    #[traverse(skip)]
    pub(super) strict: bool,
}

const PARAMETERS: [&str; 8] =
    ["delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"];

fn one_char(cx: &Ctx, name: &str, o: &Obj, or_none: &str) -> PyResult<u32> {
    let Some(s) = o.downcast::<Str>() else {
        return Err(
            cx.type_error(format!("\"{name}\" must be a unicode character{or_none}, not {}", o.type_of().name()))
        );
    };
    match (s.len(), s.get(0)) {
        (1, Some(c)) => Ok(c),
        (n, _) => {
            Err(cx.type_error(format!("\"{name}\" must be a unicode character{or_none}, not a string of length {n}")))
        }
    }
}

fn optional_char(cx: &Ctx, name: &str, o: Option<&Obj>, default: Option<u32>) -> PyResult<Option<u32>> {
    match o {
        None => Ok(default),
        Some(o) if o.is_none() => Ok(None),
        Some(o) => one_char(cx, name, o, " or None").map(Some),
    }
}

impl Dialect {
    /// The dialect of a registered name or of an object with the parameters as attributes; keyword
    /// arguments override.
    pub(super) fn make(cx: &Ctx, dialect: Option<&Obj>, keywords: &[(Obj, Obj)]) -> PyResult {
        let mut base = dialect.cloned().filter(|d| !d.is_none());
        if let Some(d) = &base
            && d.downcast::<Str>().is_some()
        {
            base = Some(super::registered(cx, d)?);
        }
        if let Some(d) = &base
            && keywords.is_empty()
            && d.downcast::<Dialect>().is_some()
        {
            return Ok(d.clone());
        }
        Dialect::new_of(cx, Dialect::type_object(), base.as_ref(), keywords)
    }

    fn new_of(cx: &Ctx, ty: &Type, base: Option<&Obj>, keywords: &[(Obj, Obj)]) -> PyResult {
        let mut values: [Option<Obj>; 8] = Default::default();
        for (name, value) in keywords {
            let name = text::as_utf8_lossy(name);
            match PARAMETERS.iter().position(|p| *p == name) {
                Some(i) => values[i] = Some(value.clone()),
                None => {
                    return Err(cx.type_error(format!("this function got an unexpected keyword argument '{name}'")));
                }
            }
        }
        if let Some(b) = base {
            for (slot, name) in values.iter_mut().zip(PARAMETERS) {
                if slot.is_none() {
                    *slot = b.get_attr_opt(cx, Name::new(name))?;
                }
            }
        }
        let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skipinitialspace, strict] = values;
        let flag = |o: Option<Obj>, default: bool| o.map_or(Ok(default), |o| o.truthy(cx));
        let d = Dialect {
            delimiter: delimiter.map_or(Ok(',' as u32), |d| one_char(cx, "delimiter", &d, ""))?,
            doublequote: flag(doublequote, true)?,
            escapechar: optional_char(cx, "escapechar", escapechar.as_ref(), None)?,
            lineterminator: match lineterminator {
                None => text::new("\r\n"),
                Some(t) => {
                    text::expect(cx, &t, |n| format!("\"lineterminator\" must be a string, not {n}"))?;
                    t
                }
            },
            quotechar: optional_char(cx, "quotechar", quotechar.as_ref(), Some('"' as u32))?,
            quoting: match &quoting {
                None if quotechar.as_ref().is_some_and(Obj::is_none) => QUOTE_NONE,
                None => QUOTE_MINIMAL,
                Some(q) => match int::as_i64(q) {
                    Some(n @ QUOTE_MINIMAL..=QUOTE_NOTNULL) => n,
                    Some(_) => return Err(cx.type_error("bad \"quoting\" value")),
                    None => {
                        return Err(
                            cx.type_error(format!("\"quoting\" must be an integer, not {}", q.type_of().name()))
                        );
                    }
                },
            },
            skipinitialspace: flag(skipinitialspace, false)?,
            strict: flag(strict, false)?,
        };
        d.check(cx)?;
        Ok(new_instance(ty, d))
    }

    fn check(&self, cx: &Ctx) -> PyResult<()> {
        if self.quoting != QUOTE_NONE && self.quotechar.is_none() {
            return Err(cx.type_error("quotechar must be set if quoting enabled"));
        }
        let terminator = self.lineterminator.downcast::<Str>();
        let chars =
            [("delimiter", Some(self.delimiter)), ("escapechar", self.escapechar), ("quotechar", self.quotechar)];
        for (name, c) in chars {
            let Some(c) = c else { continue };
            let blank = c == ' ' as u32 && self.skipinitialspace && name != "delimiter";
            if c == 10 || c == 13 || blank {
                return Err(cx.value_error(format!("bad {name} value")));
            }
            if terminator.is_some_and(|t| t.find_char(c, 0).is_some()) {
                return Err(cx.value_error(format!("bad {name} or lineterminator value")));
            }
        }
        for (i, (a, x)) in chars.iter().enumerate() {
            for (b, y) in &chars[i + 1..] {
                if x.is_some() && x == y {
                    return Err(cx.value_error(format!("bad {a} or {b} value")));
                }
            }
        }
        Ok(())
    }
}

fn shown(c: Option<u32>) -> Obj {
    c.map_or_else(Obj::none, text::from_char)
}

#[pymethods]
impl Dialect {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let mut keywords: Vec<(Obj, Obj)> = args.keywords().map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut base = args.pos().first().cloned();
        if let Some(i) = keywords.iter().position(|(k, _)| text::as_utf8_lossy(k) == "dialect") {
            base = Some(keywords.remove(i).1);
        }
        if let Some(b) = &base
            && b.downcast::<Str>().is_some()
        {
            base = Some(super::registered(cx, b)?);
        }
        Dialect::new_of(cx, ty, base.filter(|b| !b.is_none()).as_ref(), &keywords)
    }

    /// The character between fields.
    #[pygetter(member)]
    fn delimiter(&self) -> Obj {
        text::from_char(self.delimiter)
    }

    /// Whether quotes inside of fields are doubled.
    #[pygetter(member)]
    fn doublequote(&self) -> bool {
        self.doublequote
    }

    /// The character that takes the meaning of the next one.
    #[pygetter]
    fn escapechar(&self) -> Obj {
        shown(self.escapechar)
    }

    /// What ends records.
    #[pygetter]
    fn lineterminator(&self) -> Obj {
        self.lineterminator.clone()
    }

    /// The character around fields.
    #[pygetter]
    fn quotechar(&self) -> Obj {
        shown(self.quotechar)
    }

    /// When fields are quoted.
    #[pygetter]
    fn quoting(&self) -> i64 {
        self.quoting
    }

    /// Whether blanks after the delimiter are skipped.
    #[pygetter(member)]
    fn skipinitialspace(&self) -> bool {
        self.skipinitialspace
    }

    /// Whether bad input is an error.
    #[pygetter(member)]
    fn strict(&self) -> bool {
        self.strict
    }

    /// Dialects cannot be pickled.
    #[pymethod(sig = "($self, proto, /)")]
    fn __reduce_ex__(cx: &Ctx, this: This<'_, Dialect>, proto: &Obj) -> PyResult {
        let _ = proto;
        Err(cx.type_error(format!("cannot pickle '{}' instances", this.obj().type_of().name())))
    }
}
