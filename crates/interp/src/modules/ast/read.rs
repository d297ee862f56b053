//! From `ast` objects to a syntax tree.

mod expressions;
mod patterns;
mod statements;

use std::cell::RefCell;

use cinder_pyobj::types::str::{Name, Str, as_utf8_lossy};
use cinder_pyobj::types::{bytes, complex, float, int, list, set, str, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};
use cinder_syntax::ast::{Arena, Constant, Expr, IntValue, LineIndex, Location, Mod, Pattern, Span, Stmt};

use super::types::{Class, Types};

/// Reads trees into an arena; positions become entries of a line index without a source.
pub(super) struct Reader<'a, 'c> {
    pub cx: &'c Ctx,
    pub arena: &'a Arena<'a>,
    pub types: &'static Types,
    pub lines: RefCell<LineIndex>,
}

/// Names and strings that a field may lack.
type Text<'a> = Option<&'a str>;

impl<'a, 'c> Reader<'a, 'c> {
    pub(super) fn new(cx: &'c Ctx, arena: &'a Arena<'a>) -> PyResult<Self> {
        Ok(Reader { cx, arena, types: Types::get(cx)?, lines: RefCell::new(LineIndex::synthetic()) })
    }

    /// A whole tree.
    pub(super) fn module(&self, o: &Obj) -> PyResult<Mod<'a>> {
        let class = self.class(o, "mod")?;
        Ok(match class.name {
            "Module" => Mod::Module {
                body: self.stmts(o, class, "body")?,
                type_ignores: {
                    let each = |reader: &Self, item: &Obj| reader.type_ignore(item);
                    self.arena.slice(self.list(o, class.name, "type_ignores", each)?)
                },
            },
            "Interactive" => Mod::Interactive { body: self.stmts(o, class, "body")? },
            "Expression" => Mod::Expression { body: self.expr(o, class, "body")? },
            _ => Mod::FunctionType {
                argtypes: self.exprs(o, class, "argtypes")?,
                returns: self.expr(o, class, "returns")?,
            },
        })
    }

    /// The class of type `sum` that an object belongs to.
    fn class(&self, o: &Obj, sum: &str) -> PyResult<&'static Class> {
        match self.types.class_of(o, sum) {
            Some(class) => Ok(class),
            None => {
                let text = o.repr(self.cx)?;
                let text = as_utf8_lossy(&text);
                Err(self.cx.type_error(format!("expected some sort of {sum}, but got {text}")))
            }
        }
    }

    fn check_stack(&self, sum: &str) -> PyResult<()> {
        self.cx.check_stack(&format!(" while traversing '{sum}' node"))
    }

    /// A field's value; nothing if it is missing.
    fn get(&self, o: &Obj, name: &str) -> PyResult<Option<Obj>> {
        o.get_attr_opt(self.cx, Name::new(name))
    }

    /// A field's value; nothing if it is missing or None.
    fn get_some(&self, o: &Obj, name: &str) -> PyResult<Option<Obj>> {
        Ok(self.get(o, name)?.and_then(Obj::non_none))
    }

    fn require(&self, o: &Obj, class: &str, name: &str) -> PyResult {
        match self.get(o, name)? {
            Some(value) => Ok(value),
            None => Err(self.cx.type_error(format!("required field \"{name}\" missing from {class}"))),
        }
    }

    /// The value of a field that holds None where it must not.
    fn present<T>(&self, value: Option<T>, class: &str, name: &str) -> PyResult<T> {
        value.ok_or_else(|| self.cx.value_error(format!("field '{name}' is required for {class}")))
    }

    fn list<T>(
        &self,
        o: &Obj,
        class: &str,
        name: &str,
        mut each: impl FnMut(&Self, &Obj) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        let Some(value) = self.get(o, name)? else { return Ok(Vec::new()) };
        let Some(items) = value.downcast::<list::List>() else {
            let ty = value.type_of().name().to_string();
            return Err(self.cx.type_error(format!("{class} field \"{name}\" must be a list, not a {ty}")));
        };
        let mut out = Vec::new();
        let snapshot = items.snapshot();
        for item in &snapshot {
            out.push(each(self, item)?);
            if items.len() != snapshot.len() {
                return Err(self.cx.runtime_error(format!("{class} field \"{name}\" changed size during iteration")));
            }
        }
        Ok(out)
    }

    fn int_value(&self, value: &Obj) -> PyResult<i32> {
        if !int::is_int(value) {
            let text = value.repr(self.cx)?;
            return Err(self.cx.value_error(format!("invalid integer value: {}", as_utf8_lossy(&text))));
        }
        match int::as_i64(value).map(i32::try_from) {
            Some(Ok(value)) => Ok(value),
            _ => Err(self.cx.overflow_error("Python int too large to convert to C int")),
        }
    }

    fn int(&self, o: &Obj, class: &str, name: &str) -> PyResult<i32> {
        self.int_value(&self.require(o, class, name)?)
    }

    fn opt_int(&self, o: &Obj, name: &str) -> PyResult<Option<i32>> {
        self.get_some(o, name)?.map(|value| self.int_value(&value)).transpose()
    }

    fn identifier_value(&self, value: &Obj) -> PyResult<&'a str> {
        if !str::is_exact(value) {
            return Err(self.cx.type_error("AST identifier must be of type str"));
        }
        Ok(self.arena.identifier(&as_utf8_lossy(value)))
    }

    fn identifier(&self, o: &Obj, class: &str, name: &str) -> PyResult<&'a str> {
        let value = self.require(o, class, name)?.non_none();
        self.present(value.map(|value| self.identifier_value(&value)).transpose()?, class, name)
    }

    fn opt_identifier(&self, o: &Obj, name: &str) -> PyResult<Text<'a>> {
        self.get_some(o, name)?.map(|value| self.identifier_value(&value)).transpose()
    }

    fn identifiers(&self, o: &Obj, class: &str, name: &str) -> PyResult<&'a [&'a str]> {
        Ok(self.arena.slice(self.list(o, class, name, |reader, item| reader.identifier_value(item))?))
    }

    fn opt_string(&self, o: &Obj, name: &str) -> PyResult<Text<'a>> {
        let Some(value) = self.get_some(o, name)? else { return Ok(None) };
        if !str::is_exact(&value) && bytes::as_bytes(&value).is_none() {
            return Err(self.cx.type_error("AST string must be of type str"));
        }
        Ok(Some(self.arena.text(&as_utf8_lossy(&value))))
    }

    fn expr_value(&self, o: &Obj) -> PyResult<Option<&'a Expr<'a>>> {
        if o.is_none() { Ok(None) } else { self.read_expr(o).map(Some) }
    }

    fn expr(&self, o: &Obj, class: &Class, name: &str) -> PyResult<&'a Expr<'a>> {
        let value = self.require(o, class.name, name)?;
        self.present(self.expr_value(&value)?, class.name, name)
    }

    fn opt_expr(&self, o: &Obj, name: &str) -> PyResult<Option<&'a Expr<'a>>> {
        self.get_some(o, name)?.map(|value| self.read_expr(&value)).transpose()
    }

    fn exprs(&self, o: &Obj, class: &Class, name: &str) -> PyResult<&'a [&'a Expr<'a>]> {
        let each = |reader: &Self, item: &Obj| match reader.expr_value(item)? {
            Some(expr) => Ok(expr),
            None => Err(reader.cx.value_error("None disallowed in expression list")),
        };
        Ok(self.arena.slice(self.list(o, class.name, name, each)?))
    }

    fn opt_exprs(&self, o: &Obj, class: &Class, name: &str) -> PyResult<&'a [Option<&'a Expr<'a>>]> {
        Ok(self.arena.slice(self.list(o, class.name, name, |reader, item| reader.expr_value(item))?))
    }

    fn stmts(&self, o: &Obj, class: &Class, name: &str) -> PyResult<&'a [&'a Stmt<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            if item.is_none() {
                return Err(reader.cx.value_error("None disallowed in statement list"));
            }
            reader.read_stmt(item)
        };
        Ok(self.arena.slice(self.list(o, class.name, name, each)?))
    }

    fn patterns(&self, o: &Obj, class: &Class, name: &str) -> PyResult<&'a [&'a Pattern<'a>]> {
        Ok(self.arena.slice(self.list(o, class.name, name, |reader, item| reader.read_pattern(item))?))
    }

    /// The position of a node, checked. `full` is whether the end must be given.
    fn span(&self, o: &Obj, sum: &str, full: bool) -> PyResult<Span> {
        let (line, column) = (self.int(o, sum, "lineno")?, self.int(o, sum, "col_offset")?);
        let (end_line, end_column) = if full {
            (self.int(o, sum, "end_lineno")?, self.int(o, sum, "end_col_offset")?)
        } else {
            (self.opt_int(o, "end_lineno")?.unwrap_or(line), self.opt_int(o, "end_col_offset")?.unwrap_or(column))
        };
        if line > end_line {
            return Err(self.cx.value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
        }
        if (line < 0 && end_line != line) || (column < 0 && column != end_column) {
            return Err(self.cx.value_error(format!(
                "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
            )));
        }
        if line == end_line && column > end_column {
            return Err(self.cx.value_error(format!("line {line}, column {column}-{end_column} is not a valid range")));
        }
        let place = |line: i32, column: i32| Location { line: line.max(0) as u32, column: column.max(0) as u32 };
        let mut lines = self.lines.borrow_mut();
        let start = lines.record(place(line, column));
        Ok(Span { start, end: lines.record(place(end_line, end_column)) })
    }

    /// The span of an attribute over several lines, such that the name at its end has a place of its own, as in the
    /// index of a text.
    fn span_with_name(&self, span: Span, length: u32) -> Span {
        let mut lines = self.lines.borrow_mut();
        let end = lines.location(span.end);
        if lines.location(span.start).line == end.line || end.column < length {
            return span;
        }
        for back in (1..=length).rev() {
            lines.record(Location { column: end.column - back, ..end });
        }
        Span { start: span.start, end: lines.record(end) }
    }

    /// A value that may stand in the tree as a constant.
    fn constant(&self, value: &Obj) -> PyResult<Constant<'a>> {
        self.check_stack("Constant")?;
        let arena = self.arena;
        let name = value.type_of().name().to_string();
        let ty = value.type_of();
        if ty.is_heap_type() {
            return Err(self.cx.type_error(format!("got an invalid type in Constant: {name}")));
        }
        if value.is_none() {
            return Ok(Constant::None);
        }
        if value.is(&Obj::ellipsis()) {
            return Ok(Constant::Ellipsis);
        }
        for flag in [false, true] {
            if value.is(&Obj::from_bool(flag)) {
                return Ok(Constant::Bool(flag));
            }
        }
        if let Some(text) = value.downcast::<Str>() {
            return Ok(Constant::Str(match text.as_str() {
                Some(text) => arena.string(text.as_bytes()),
                None => arena.string(&wtf8(text)),
            }));
        }
        if let Some(data) = bytes::as_bytes(value).filter(|_| &*name == "bytes") {
            return Ok(Constant::Bytes(arena.bytes(data)));
        }
        if let Some(items) = tuple::items_if_exact_tuple(value) {
            let items: PyResult<Vec<_>> = items.iter().map(|item| self.constant(item)).collect();
            return Ok(Constant::Tuple(arena.slice(items?)));
        }
        if let Some(elements) = set::as_set(value).filter(|_| &*name == "frozenset") {
            let items: PyResult<Vec<_>> = elements.snapshot().iter().map(|item| self.constant(item)).collect();
            return Ok(Constant::FrozenSet(arena.slice(items?)));
        }
        if int::is_int(value)
            && let Some(value) = int::to_bigint(value)
        {
            let (sign, limbs) = value.to_u64_digits();
            let negative = sign == num_bigint::Sign::Minus;
            return Ok(Constant::Int(match *limbs.as_slice() {
                [] => IntValue::Small(0),
                [one] if !negative => IntValue::Small(one),
                _ => IntValue::Big { negative, limbs: arena.slice(limbs) },
            }));
        }
        if let Some(value) = float::as_f64_exact(value) {
            return Ok(Constant::Float(value));
        }
        if let Some(value) = complex::as_complex(value) {
            return Ok(Constant::Complex { real: value.re, imag: value.im });
        }
        Err(self.cx.type_error(format!("got an invalid type in Constant: {name}")))
    }
}

/// The text in UTF-8 with lone surrogates as three bytes each.
pub(crate) fn wtf8(text: &Str) -> Vec<u8> {
    let mut out = Vec::new();
    for code in text.code_points() {
        match char::from_u32(code) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8])
            }
        }
    }
    out
}
