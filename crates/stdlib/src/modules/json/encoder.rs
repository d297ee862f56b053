//! The encoder.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder};
use cinder_pyobj::types::tuple::{self, Tuple};
use cinder_pyobj::types::{exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use super::strings::push_quoted;

/// How strings are written.
#[derive(Clone, Copy, PartialEq)]
enum Quoting {
    Ascii,
    Plain,
    /// By a callable.
    Custom,
}

/// Encodes objects, as a JSONEncoder tells.
#[derive(Traverse)]
#[pyclass(name = "Encoder", module = "_json", flags(basetype))]
pub(crate) struct Encoder {
    #[traverse(skip)]
    check_circular: bool,
    default: Obj,
    encoder: Obj,
    #[traverse(skip)]
    quoting: Quoting,
    indent: Option<Obj>,
    key_separator: Obj,
    item_separator: Obj,
    #[traverse(skip)]
    sort_keys: bool,
    #[traverse(skip)]
    skipkeys: bool,
    #[traverse(skip)]
    allow_nan: bool,
}

struct Encoding<'a> {
    cx: &'a Ctx,
    e: &'a Encoder,
    out: StrBuilder,
    /// The containers being written, by identity.
    open: Vec<u64>,
}

fn quoting(cx: &Ctx, encoder: &Obj) -> PyResult<Quoting> {
    let named = |name| -> PyResult<String> {
        let v = encoder.get_attr_opt(cx, name)?;
        Ok(v.map_or(String::new(), |v| text::as_utf8_lossy(&v).into_owned()))
    };
    if encoder.type_of().is_heap_type() || named(intern!("__module__"))? != "_json" {
        return Ok(Quoting::Custom);
    }
    Ok(match &*named(intern!("__name__"))? {
        "encode_basestring_ascii" => Quoting::Ascii,
        "encode_basestring" => Quoting::Plain,
        _ => Quoting::Custom,
    })
}

#[pymethods]
impl Encoder {
    #[pynew(sig = "(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)")]
    fn __new__(
        cx: &Ctx,
        ty: &Type,
        markers: &Obj,
        default: &Obj,
        encoder: &Obj,
        indent: &Obj,
        key_separator: &Obj,
        item_separator: &Obj,
        sort_keys: bool,
        skipkeys: bool,
        allow_nan: bool,
    ) -> PyResult {
        if !markers.is_none() && markers.downcast::<Dict>().is_none() {
            return Err(cx.type_error(format!(
                "make_encoder() argument 1 must be dict or None, not {}",
                markers.type_of().name()
            )));
        }
        for (n, o) in [(5, key_separator), (6, item_separator)] {
            text::expect(cx, o, |t| format!("make_encoder() argument {n} must be str, not {t}"))?;
        }
        let e = Encoder {
            check_circular: !markers.is_none(),
            default: default.clone(),
            encoder: encoder.clone(),
            quoting: quoting(cx, encoder)?,
            indent: if indent.is_none() { None } else { Some(indent.clone()) },
            key_separator: key_separator.clone(),
            item_separator: item_separator.clone(),
            sort_keys,
            skipkeys,
            allow_nan,
        };
        Ok(new_instance(ty, e))
    }

    /// Encodes an object: a tuple of pieces of text.
    #[pymethod(sig = "($self, obj, _current_indent_level)")]
    fn __call__(cx: &Ctx, this: This<'_, Encoder>, obj: &Obj, _current_indent_level: isize) -> PyResult {
        let mut w = Encoding { cx, e: this.payload(), out: StrBuilder::new(), open: Vec::new() };
        w.value(obj, _current_indent_level.max(0) as usize)?;
        Ok(tuple::new(vec![w.out.finish()]))
    }
}

impl Encoding<'_> {
    fn value(&mut self, v: &Obj, level: usize) -> PyResult<()> {
        if v.is_none() {
            self.out.push_str("null");
        } else if v.is(&Obj::from_bool(true)) {
            self.out.push_str("true");
        } else if v.is(&Obj::from_bool(false)) {
            self.out.push_str("false");
        } else if let Some(s) = v.downcast::<Str>() {
            self.string(v, s)?;
        } else if let Some(t) = self.number(v)? {
            self.out.push_obj(&t);
        } else if let Some(t) = v.downcast::<Tuple>() {
            self.container(v, |w| w.sequence(v, |i| t.as_slice().get(i).cloned(), level))?;
        } else if let Some(l) = v.downcast::<List>() {
            // Item by item, since encoding one may change the list.
            self.container(v, |w| w.sequence(v, |i| l.get(i), level))?;
        } else if v.downcast::<Dict>().is_some() {
            self.container(v, |w| w.mapping(v, level))?;
        } else {
            self.container(v, |w| {
                let replaced = w.e.default.call1(w.cx, v)?;
                w.cx.check_stack(" while encoding a JSON object")?;
                w.value(&replaced, level)
                    .map_err(|r| w.note(r, format!("when serializing {} object", v.type_of().full_name())))
            })?;
        }
        Ok(())
    }

    /// The text of an int or float.
    fn number(&self, v: &Obj) -> PyResult<Option<Obj>> {
        let cx = self.cx;
        if v.is_int() {
            return v.repr(cx).map(Some);
        }
        if let Some(f) = v.as_float() {
            return self.float(v, f).map(Some);
        }
        if let Some(n) = int::to_bigint(v) {
            return int::from_bigint(n).repr(cx).map(Some);
        }
        if v.type_of().is_subtype(<cinder_pyobj::types::float::Float as cinder_pyobj::native::PyClass>::type_object()) {
            let f = cinder_pyobj::protocol::number::to_f64(cx, v)?;
            return self.float(v, f).map(Some);
        }
        Ok(None)
    }

    fn float(&self, v: &Obj, f: f64) -> PyResult {
        let cx = self.cx;
        if f.is_finite() {
            return Obj::from(f).repr(cx);
        }
        if !self.e.allow_nan {
            let shown = v.repr(cx)?;
            return Err(cx.value_error(format!(
                "Out of range float values are not JSON compliant: {}",
                text::as_utf8_lossy(&shown)
            )));
        }
        Ok(text::new(if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }))
    }

    fn string(&mut self, v: &Obj, s: &Str) -> PyResult<()> {
        match self.e.quoting {
            Quoting::Ascii => push_quoted(&mut self.out, s, true),
            Quoting::Plain => push_quoted(&mut self.out, s, false),
            Quoting::Custom => {
                let r = self.e.encoder.call1(self.cx, v)?;
                text::expect(self.cx, &r, |t| format!("encoder() must return a string, not {t}"))?;
                self.out.push_obj(&r);
            }
        }
        Ok(())
    }

    /// Writes a container, refusing to enter it again inside of itself.
    fn container(&mut self, v: &Obj, f: impl FnOnce(&mut Self) -> PyResult<()>) -> PyResult<()> {
        self.cx.check_stack(" while encoding a JSON object")?;
        if self.e.check_circular {
            if self.open.contains(&v.id()) {
                return Err(self.cx.value_error("Circular reference detected"));
            }
            self.open.push(v.id());
        }
        f(self)?;
        if self.e.check_circular {
            self.open.pop();
        }
        Ok(())
    }

    fn newline(&mut self, level: usize) {
        if let Some(indent) = &self.e.indent {
            self.out.push('\n' as u32);
            for _ in 0..level {
                self.out.push_obj(indent);
            }
        }
    }

    fn note(&self, r: cinder_pyobj::Raised, note: String) -> cinder_pyobj::Raised {
        let e = self.cx.take(r);
        match e.call_method(self.cx, intern!("add_note"), &[text::new(&note)]) {
            Ok(_) => self.cx.set_pending(e),
            Err(r) => r,
        }
    }

    fn sequence(&mut self, v: &Obj, at: impl Fn(usize) -> Option<Obj>, level: usize) -> PyResult<()> {
        let Some(mut item) = at(0) else {
            self.out.push_str("[]");
            return Ok(());
        };
        self.out.push('[' as u32);
        self.newline(level + 1);
        for i in 0.. {
            self.value(&item, level + 1)
                .map_err(|r| self.note(r, format!("when serializing {} item {i}", v.type_of().full_name())))?;
            let Some(next) = at(i + 1) else { break };
            item = next;
            self.out.push_obj(&self.e.item_separator);
            self.newline(level + 1);
        }
        self.newline(level);
        self.out.push(']' as u32);
        Ok(())
    }

    fn mapping(&mut self, v: &Obj, level: usize) -> PyResult<()> {
        let cx = self.cx;
        if v.len(cx)? == 0 {
            self.out.push_str("{}");
            return Ok(());
        }
        let mut items = list::new(v.call_method(cx, intern!("items"), &[])?.collect(cx)?);
        if self.e.sort_keys {
            items.call_method(cx, intern!("sort"), &[])?;
        }
        self.out.push('{' as u32);
        let mut first = true;
        for pair in std::mem::replace(&mut items, Obj::none()).collect(cx)? {
            let Some([key, value]) = pair.downcast::<Tuple>().map(Tuple::as_slice) else {
                return Err(cx.value_error("items must return 2-tuples"));
            };
            let Some(name) = self.key(key)? else { continue };
            if !first {
                self.out.push_obj(&self.e.item_separator);
            }
            self.newline(level + 1);
            first = false;
            if let Some(s) = name.downcast::<Str>() {
                self.string(&name, s)?;
            }
            self.out.push_obj(&self.e.key_separator);
            if let Err(r) = self.value(value, level + 1) {
                let e = cx.take(r);
                let shown = key.repr(cx)?;
                let r = cx.set_pending(e);
                let note = format!("when serializing {} item {}", v.type_of().full_name(), text::as_utf8_lossy(&shown));
                return Err(self.note(r, note));
            }
        }
        if !first {
            self.newline(level);
        }
        self.out.push('}' as u32);
        Ok(())
    }

    /// The key as a str; nothing if it is to be skipped.
    fn key(&self, key: &Obj) -> PyResult<Option<Obj>> {
        let cx = self.cx;
        if key.downcast::<Str>().is_some() {
            return Ok(Some(key.clone()));
        }
        if key.is_none() {
            return Ok(Some(text::new("null")));
        }
        for (b, t) in [(true, "true"), (false, "false")] {
            if key.is(&Obj::from_bool(b)) {
                return Ok(Some(text::new(t)));
            }
        }
        if let Some(t) = self.number(key)? {
            return Ok(Some(t));
        }
        if self.e.skipkeys {
            return Ok(None);
        }
        Err(cx.raise(
            exc::TypeError(),
            format!("keys must be str, int, float, bool or None, not {}", key.type_of().name()),
        ))
    }
}
