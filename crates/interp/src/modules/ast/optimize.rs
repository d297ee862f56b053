//! What `PyCF_OPTIMIZED_AST` asks for: a tree as the compiler sees it, with the few foldings that trees show.

use cinder_pyobj::protocol::number;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::node;
use super::types::Types;

/// Optimises a fresh tree in place, for `-O` as often as `level` says.
pub(super) fn optimize(cx: &Ctx, tree: Obj, level: u8) -> PyResult {
    Optimizer { cx, types: Types::get(cx)?, level }.node(tree)
}

struct Optimizer<'c> {
    cx: &'c Ctx,
    types: &'static Types,
    level: u8,
}

/// A piece of a format string: text, or a conversion with its specification.
enum Piece {
    Text(String),
    Conversion(char, String),
}

impl Optimizer<'_> {
    fn is(&self, node: &Obj, class: &str) -> bool {
        self.types.class(self.cx, class).is_ok_and(|class| class.ty.is(&node.type_of().as_obj()))
    }

    fn attr(&self, node: &Obj, name: &str) -> PyResult {
        node.get_attr(self.cx, Name::new(name))
    }

    /// A node in the place of another.
    fn make(&self, class: &str, place: &Obj, fields: &[(&str, Obj)]) -> PyResult {
        let cx = self.cx;
        let Some(ty) = self.types.class(cx, class)?.ty.as_type() else {
            return Err(cx.system_error("a node class is no class"));
        };
        let made = node::instance(ty);
        for (name, value) in fields {
            made.set_attr(cx, Name::new(name), value)?;
        }
        for name in ["lineno", "col_offset", "end_lineno", "end_col_offset"] {
            made.set_attr(cx, Name::new(name), &self.attr(place, name)?)?;
        }
        Ok(made)
    }

    fn constant(&self, place: &Obj, value: Obj) -> PyResult {
        self.make("Constant", place, &[("value", value), ("kind", Obj::none())])
    }

    /// The value of a constant node.
    fn value_of(&self, node: &Obj) -> PyResult<Option<Obj>> {
        if self.is(node, "Constant") { self.attr(node, "value").map(Some) } else { Ok(None) }
    }

    /// The node that takes the place of `node`, itself with its parts optimised if no other.
    fn node(&self, node: Obj) -> PyResult {
        let cx = self.cx;
        cx.check_stack(" during ast optimization")?;
        if !node::is_node(&node) {
            return Ok(node);
        }
        let Ok(class) = self.types.class(cx, &node.type_of().name()) else { return Ok(node) };
        if class.singleton.is_some() {
            return Ok(node);
        }
        if self.level >= 2 && matches!(class.name, "Module" | "ClassDef" | "FunctionDef" | "AsyncFunctionDef") {
            self.drop_docstring(&node)?;
        }
        for field in &class.fields {
            let value = node.get_attr(cx, field.name)?;
            if let Some(items) = value.downcast::<List>().map(List::snapshot) {
                let items: PyResult<Vec<Obj>> = items.into_iter().map(|item| self.node(item)).collect();
                node.set_attr(cx, field.name, &list::new(items?))?;
            } else if node::is_node(&value) {
                node.set_attr(cx, field.name, &self.node(value)?)?;
            }
        }
        match class.name {
            "Name" if as_utf8_lossy(&self.attr(&node, "id")?) == "__debug__" => {
                self.constant(&node, Obj::from_bool(self.level == 0))
            }
            "BinOp" => Ok(self.formatted(&node)?.unwrap_or(node)),
            "MatchValue" => {
                let value = self.folded(self.attr(&node, "value")?)?;
                node.set_attr(cx, intern!("value"), &value)?;
                Ok(node)
            }
            "MatchMapping" => {
                let keys = self.attr(&node, "keys")?.collect(cx)?;
                let keys: PyResult<Vec<Obj>> = keys.into_iter().map(|key| self.folded(key)).collect();
                node.set_attr(cx, intern!("keys"), &list::new(keys?))?;
                Ok(node)
            }
            _ => Ok(node),
        }
    }

    fn drop_docstring(&self, node: &Obj) -> PyResult<()> {
        let body = self.attr(node, "body")?.collect(self.cx)?;
        let Some(first) = body.first().filter(|first| self.is(first, "Expr")) else { return Ok(()) };
        let is_text = self.value_of(&self.attr(first, "value")?)?.is_some_and(|value| value.type_of().is_str_subtype());
        if !is_text {
            return Ok(());
        }
        let rest = if body.len() > 1 { body[1..].to_vec() } else { vec![self.make("Pass", first, &[])?] };
        node.set_attr(self.cx, intern!("body"), &list::new(rest))
    }

    /// The constant that a number in a pattern stands for.
    fn folded(&self, node: Obj) -> PyResult {
        let cx = self.cx;
        if self.is(&node, "UnaryOp") && self.is(&self.attr(&node, "op")?, "USub") {
            let operand = self.attr(&node, "operand")?;
            return match self.value_of(&operand)? {
                Some(value) => self.constant(&node, number::neg(cx, &value)?),
                None => Ok(node),
            };
        }
        if self.is(&node, "BinOp") {
            let left = self.folded(self.attr(&node, "left")?)?;
            let right = self.attr(&node, "right")?;
            let op = self.attr(&node, "op")?;
            if let (Some(a), Some(b)) = (self.value_of(&left)?, self.value_of(&right)?) {
                if self.is(&op, "Add") {
                    return self.constant(&node, number::add(cx, &a, &b)?);
                }
                if self.is(&op, "Sub") {
                    return self.constant(&node, number::sub(cx, &a, &b)?);
                }
            }
        }
        Ok(node)
    }

    /// `'…%s…' % (a, …)` as an f-string, if it only converts.
    fn formatted(&self, node: &Obj) -> PyResult<Option<Obj>> {
        let cx = self.cx;
        let (left, right) = (self.attr(node, "left")?, self.attr(node, "right")?);
        let format = self.value_of(&left)?.filter(|value| value.type_of().is_str_subtype());
        let Some(format) = format.filter(|_| self.is(&right, "Tuple")) else { return Ok(None) };
        if !self.is(&self.attr(node, "op")?, "Mod") {
            return Ok(None);
        }
        let items = self.attr(&right, "elts")?.collect(cx)?;
        if items.iter().any(|item| self.is(item, "Starred")) {
            return Ok(None);
        }
        let Some(pieces) = pieces(&as_utf8_lossy(&format)) else { return Ok(None) };
        let conversions = pieces.iter().filter(|piece| matches!(piece, Piece::Conversion(..))).count();
        if conversions != items.len() {
            return Ok(None);
        }
        let mut items = items.into_iter();
        let mut values = Vec::with_capacity(pieces.len());
        for piece in pieces {
            values.push(match piece {
                Piece::Text(text) => self.constant(node, Obj::from(text))?,
                Piece::Conversion(conversion, spec) => {
                    let Some(item) = items.next() else { return Ok(None) };
                    let spec = if spec.is_empty() { Obj::none() } else { self.constant(&item, Obj::from(spec))? };
                    let conversion = Obj::from(u32::from(conversion));
                    let place = item.clone();
                    let fields = [("value", item), ("conversion", conversion), ("format_spec", spec)];
                    self.make("FormattedValue", &place, &fields)?
                }
            });
        }
        self.make("JoinedStr", node, &[("values", list::new(values))]).map(Some)
    }
}

/// The pieces of a format that has no other conversions than `%s`, `%r` and `%a`.
fn pieces(format: &str) -> Option<Vec<Piece>> {
    /// Numbers of more digits are left alone.
    const DIGITS: usize = 3;
    let mut found = Vec::new();
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        if rest.next_if_eq(&'%').is_some() {
            text.push('%');
            continue;
        }
        let mut left = false;
        while let Some(flag) = rest.next_if(|c| "-+ #0".contains(*c)) {
            left |= flag == '-';
        }
        let digits = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<String> {
            let mut number = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            (number.len() < DIGITS).then_some(number)
        };
        let width = digits(&mut rest)?;
        let mut spec = String::new();
        let number: u32 = width.parse().unwrap_or(0);
        if !left && number > 0 {
            spec.push('>');
        }
        if !width.is_empty() {
            spec.push_str(&number.to_string());
        }
        if rest.next_if_eq(&'.').is_some() {
            let precision: u32 = digits(&mut rest)?.parse().unwrap_or(0);
            spec.push_str(&format!(".{precision}"));
        }
        let conversion = rest.next().filter(|c| "sra".contains(*c))?;
        if !text.is_empty() {
            found.push(Piece::Text(std::mem::take(&mut text)));
        }
        found.push(Piece::Conversion(conversion, spec));
    }
    if !text.is_empty() {
        found.push(Piece::Text(text));
    }
    Some(found)
}
