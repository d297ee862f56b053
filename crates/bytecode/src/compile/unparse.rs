//! Expressions back to text: what `from __future__ import annotations` stores.

use cinder_syntax::ast::*;

/// The text of an expression, with as few parentheses as its meaning needs.
pub(super) fn unparse(expr: &Expr<'_>) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new() };
    writer.expr(expr, level::TEST);
    writer.out
}

/// Binding strengths, loosest first.
mod level {
    pub const NAMED: u8 = 0;
    pub const TUPLE: u8 = 1;
    pub const TEST: u8 = 2;
    pub const OR: u8 = 3;
    pub const AND: u8 = 4;
    pub const NOT: u8 = 5;
    pub const CMP: u8 = 6;
    pub const EXPR: u8 = 7;
    pub const BOR: u8 = EXPR;
    pub const BXOR: u8 = 8;
    pub const BAND: u8 = 9;
    pub const SHIFT: u8 = 10;
    pub const ARITH: u8 = 11;
    pub const TERM: u8 = 12;
    pub const FACTOR: u8 = 13;
    pub const POWER: u8 = 14;
    pub const AWAIT: u8 = 15;
    pub const ATOM: u8 = 16;
}

struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn open(&mut self, parenthesize: bool) {
        if parenthesize {
            self.text("(");
        }
    }

    fn close(&mut self, parenthesize: bool) {
        if parenthesize {
            self.text(")");
        }
    }

    fn list(&mut self, exprs: &[&Expr<'_>], at: u8) {
        for (index, expr) in exprs.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            self.expr(expr, at);
        }
    }

    fn expr(&mut self, expr: &Expr<'_>, at: u8) {
        match expr.kind {
            ExprKind::BoolOp { op, values } => {
                let (word, own) = match op {
                    BoolOp::And => (" and ", level::AND),
                    BoolOp::Or => (" or ", level::OR),
                };
                self.open(at > own);
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.text(word);
                    }
                    self.expr(value, own + 1);
                }
                self.close(at > own);
            }
            ExprKind::NamedExpr { target, value } => {
                self.open(at > level::NAMED);
                self.expr(target, level::ATOM);
                self.text(" := ");
                self.expr(value, level::ATOM);
                self.close(at > level::NAMED);
            }
            ExprKind::BinOp { left, op, right } => self.binary(left, op, right, at),
            ExprKind::UnaryOp { op, operand } => {
                let (word, own) = match op {
                    UnaryOp::Invert => ("~", level::FACTOR),
                    UnaryOp::Not => ("not ", level::NOT),
                    UnaryOp::UAdd => ("+", level::FACTOR),
                    UnaryOp::USub => ("-", level::FACTOR),
                };
                self.open(at > own);
                self.text(word);
                self.expr(operand, own);
                self.close(at > own);
            }
            ExprKind::Lambda { args, body } => {
                self.open(at > level::TEST);
                let bare = args.posonlyargs.is_empty()
                    && args.args.is_empty()
                    && args.kwonlyargs.is_empty()
                    && args.vararg.is_none()
                    && args.kwarg.is_none();
                self.text(if bare { "lambda" } else { "lambda " });
                self.arguments(args);
                self.text(": ");
                self.expr(body, level::TEST);
                self.close(at > level::TEST);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.open(at > level::TEST);
                self.expr(body, level::TEST + 1);
                self.text(" if ");
                self.expr(test, level::TEST + 1);
                self.text(" else ");
                self.expr(orelse, level::TEST);
                self.close(at > level::TEST);
            }
            ExprKind::Dict { keys, values } => {
                self.text("{");
                for (index, (key, value)) in keys.iter().zip(values).enumerate() {
                    if index > 0 {
                        self.text(", ");
                    }
                    match key {
                        Some(key) => {
                            self.expr(key, level::TEST);
                            self.text(": ");
                            self.expr(value, level::TEST);
                        }
                        None => {
                            self.text("**");
                            self.expr(value, level::EXPR);
                        }
                    }
                }
                self.text("}");
            }
            ExprKind::Set { elts } => {
                self.text("{");
                self.list(elts, level::TEST);
                self.text("}");
            }
            ExprKind::ListComp { elt, generators } => self.comprehension("[", elt, None, generators, "]"),
            ExprKind::SetComp { elt, generators } => self.comprehension("{", elt, None, generators, "}"),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension("{", key, Some(value), generators, "}");
            }
            ExprKind::GeneratorExp { elt, generators } => self.comprehension("(", elt, None, generators, ")"),
            ExprKind::Await { value } => {
                self.open(at > level::AWAIT);
                self.text("await ");
                self.expr(value, level::ATOM);
                self.close(at > level::AWAIT);
            }
            ExprKind::Yield { value } => {
                self.text("(yield");
                if let Some(value) = value {
                    self.text(" ");
                    self.expr(value, level::TEST);
                }
                self.text(")");
            }
            ExprKind::YieldFrom { value } => {
                self.text("(yield from ");
                self.expr(value, level::TEST);
                self.text(")");
            }
            ExprKind::Compare { left, ops, comparators } => {
                self.open(at > level::CMP);
                self.expr(left, level::CMP + 1);
                for (op, comparator) in ops.iter().zip(comparators) {
                    self.text(compare_text(*op));
                    self.expr(comparator, level::CMP + 1);
                }
                self.close(at > level::CMP);
            }
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords),
            ExprKind::FormattedValue { .. } | ExprKind::JoinedStr { .. } => self.formatted(expr, "f"),
            ExprKind::Interpolation { .. } | ExprKind::TemplateStr { .. } => self.formatted(expr, "t"),
            ExprKind::Constant { value, kind } => {
                if let Some(kind) = kind {
                    self.text(kind);
                }
                self.constant(&value);
            }
            ExprKind::Attribute { value, attr, .. } => {
                self.expr(value, level::ATOM);
                // A dot after a bare int would make it a float.
                let int = matches!(value.kind, ExprKind::Constant { value: Constant::Int(_), .. });
                self.text(if int { " ." } else { "." });
                self.text(attr);
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value, level::ATOM);
                self.text("[");
                self.expr(slice, level::TUPLE);
                self.text("]");
            }
            ExprKind::Starred { value, .. } => {
                self.text("*");
                self.expr(value, level::EXPR);
            }
            ExprKind::Name { id, .. } => self.text(id),
            ExprKind::List { elts, .. } => {
                self.text("[");
                self.list(elts, level::TEST);
                self.text("]");
            }
            ExprKind::Tuple { elts, .. } => {
                let parentheses = elts.is_empty() || at > level::TUPLE;
                self.open(parentheses);
                self.list(elts, level::TEST);
                if elts.len() == 1 {
                    self.text(",");
                }
                self.close(parentheses);
            }
            ExprKind::Slice { lower, upper, step } => {
                if let Some(lower) = lower {
                    self.expr(lower, level::TEST);
                }
                self.text(":");
                if let Some(upper) = upper {
                    self.expr(upper, level::TEST);
                }
                if let Some(step) = step {
                    self.text(":");
                    self.expr(step, level::TEST);
                }
            }
        }
    }

    fn binary(&mut self, left: &Expr<'_>, op: Operator, right: &Expr<'_>, at: u8) {
        let (word, own) = match op {
            Operator::Add => (" + ", level::ARITH),
            Operator::Sub => (" - ", level::ARITH),
            Operator::Mult => (" * ", level::TERM),
            Operator::MatMult => (" @ ", level::TERM),
            Operator::Div => (" / ", level::TERM),
            Operator::Mod => (" % ", level::TERM),
            Operator::LShift => (" << ", level::SHIFT),
            Operator::RShift => (" >> ", level::SHIFT),
            Operator::BitOr => (" | ", level::BOR),
            Operator::BitXor => (" ^ ", level::BXOR),
            Operator::BitAnd => (" & ", level::BAND),
            Operator::FloorDiv => (" // ", level::TERM),
            Operator::Pow => (" ** ", level::POWER),
        };
        // The power operator groups to the right, all others to the left.
        let power = u8::from(op == Operator::Pow);
        self.open(at > own);
        self.expr(left, own + power);
        self.text(word);
        self.expr(right, own + (1 - power));
        self.close(at > own);
    }

    fn call(&mut self, func: &Expr<'_>, args: &[&Expr<'_>], keywords: &[Keyword<'_>]) {
        self.expr(func, level::ATOM);
        if let ([Expr { kind: ExprKind::GeneratorExp { .. }, .. }], []) = (args, keywords) {
            return self.expr(args[0], level::TEST);
        }
        self.text("(");
        self.list(args, level::TEST);
        for (index, keyword) in keywords.iter().enumerate() {
            if index > 0 || !args.is_empty() {
                self.text(", ");
            }
            match keyword.arg {
                Some(arg) => {
                    self.text(arg);
                    self.text("=");
                }
                None => self.text("**"),
            }
            self.expr(keyword.value, level::TEST);
        }
        self.text(")");
    }

    fn arguments(&mut self, args: &Arguments<'_>) {
        let positional = args.posonlyargs.len() + args.args.len();
        let first_default = positional - args.defaults.len().min(positional);
        let mut first = true;
        let mut separate = |this: &mut Self| {
            if !std::mem::take(&mut first) {
                this.text(", ");
            }
        };
        for (index, arg) in args.posonlyargs.iter().chain(args.args).enumerate() {
            separate(self);
            self.text(arg.arg);
            if index >= first_default {
                self.text("=");
                self.expr(args.defaults[index - first_default], level::TEST);
            }
            if index + 1 == args.posonlyargs.len() {
                self.text(", /");
            }
        }
        if args.vararg.is_some() || !args.kwonlyargs.is_empty() {
            separate(self);
            self.text("*");
            if let Some(arg) = args.vararg {
                self.text(arg.arg);
            }
        }
        for (arg, default) in args.kwonlyargs.iter().zip(args.kw_defaults) {
            separate(self);
            self.text(arg.arg);
            if let Some(default) = default {
                self.text("=");
                self.expr(default, level::TEST);
            }
        }
        if let Some(arg) = args.kwarg {
            separate(self);
            self.text("**");
            self.text(arg.arg);
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        elt: &Expr<'_>,
        value: Option<&Expr<'_>>,
        generators: &[Comprehension<'_>],
        close: &str,
    ) {
        self.text(open);
        self.expr(elt, level::TEST);
        if let Some(value) = value {
            self.text(": ");
            self.expr(value, level::TEST);
        }
        for generator in generators {
            self.text(if generator.is_async { " async for " } else { " for " });
            self.expr(generator.target, level::TUPLE);
            self.text(" in ");
            self.expr(generator.iter, level::TEST + 1);
            for condition in generator.ifs {
                self.text(" if ");
                self.expr(condition, level::TEST + 1);
            }
        }
        self.text(close);
    }

    /// A formatted or template string as one literal.
    fn formatted(&mut self, expr: &Expr<'_>, prefix: &str) {
        let mut body = Writer { out: Vec::new() };
        body.pieces(expr);
        self.text(prefix);
        self.string(&body.out);
    }

    fn pieces(&mut self, expr: &Expr<'_>) {
        match expr.kind {
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => {
                values.iter().for_each(|value| self.pieces(value));
            }
            ExprKind::Constant { value: Constant::Str(text), .. } => {
                for &byte in text.as_bytes() {
                    if matches!(byte, b'{' | b'}') {
                        self.out.push(byte);
                    }
                    self.out.push(byte);
                }
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.field(|this| this.inner(value), conversion, format_spec);
            }
            ExprKind::Interpolation { value, str, conversion, format_spec } => {
                let source = if let Constant::Str(text) = *str { Some(text) } else { None };
                self.field(
                    |this| match source {
                        Some(text) => this.out.extend_from_slice(text.as_bytes()),
                        None => this.inner(value),
                    },
                    conversion,
                    format_spec,
                );
            }
            _ => self.expr(expr, level::TEST),
        }
    }

    fn inner(&mut self, value: &Expr<'_>) {
        let mut inner = Writer { out: Vec::new() };
        inner.expr(value, level::TEST + 1);
        if inner.out.first() == Some(&b'{') {
            self.text(" ");
        }
        self.out.extend(inner.out);
    }

    fn field(&mut self, value: impl FnOnce(&mut Self), conversion: i32, format_spec: Option<&Expr<'_>>) {
        self.text("{");
        value(self);
        if let Ok(conversion @ (b'a' | b'r' | b's')) = u8::try_from(conversion) {
            self.out.extend([b'!', conversion]);
        }
        if let Some(spec) = format_spec {
            self.text(":");
            self.pieces(spec);
        }
        self.text("}");
    }

    fn constant(&mut self, value: &Constant<'_>) {
        match *value {
            Constant::None => self.text("None"),
            Constant::Bool(true) => self.text("True"),
            Constant::Bool(false) => self.text("False"),
            Constant::Ellipsis => self.text("..."),
            Constant::Int(int) => {
                let text = int.to_decimal();
                self.text(&text);
            }
            Constant::Float(float) => self.float(float),
            Constant::Complex { real, imag } => {
                if real != 0.0 {
                    self.text("(");
                    self.float(real);
                    if imag >= 0.0 {
                        self.text("+");
                    }
                }
                self.imaginary(imag);
                if real != 0.0 {
                    self.text(")");
                }
            }
            Constant::Str(text) => self.string(text.as_bytes()),
            Constant::Bytes(bytes) => self.bytes(bytes),
            Constant::Tuple(items) => {
                self.text("(");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.text(", ");
                    }
                    self.constant(item);
                }
                self.text(if items.len() == 1 { ",)" } else { ")" });
            }
            Constant::FrozenSet(items) => {
                self.text("frozenset({");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.text(", ");
                    }
                    self.constant(item);
                }
                self.text("})");
            }
        }
    }

    /// Infinities are written as a literal that overflows.
    fn float(&mut self, value: f64) {
        if value.is_infinite() {
            self.text(if value < 0.0 { "-1e309" } else { "1e309" });
        } else {
            let text = float_repr(value);
            self.text(&text);
        }
    }

    /// An imaginary part, written without the trailing zero of a float.
    fn imaginary(&mut self, value: f64) {
        let start = self.out.len();
        self.float(value);
        if self.out[start..].ends_with(b".0") {
            self.out.truncate(self.out.len() - 2);
        }
        self.text("j");
    }

    fn string(&mut self, text: &[u8]) {
        let quote = if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' };
        self.out.push(quote);
        let mut at = 0;
        while at < text.len() {
            let byte = text[at];
            match byte {
                b'\n' => self.text("\\n"),
                b'\r' => self.text("\\r"),
                b'\t' => self.text("\\t"),
                b'\\' => self.text("\\\\"),
                _ if byte == quote => self.out.extend([b'\\', byte]),
                0..=0x1f | 0x7f => self.text(&format!("\\x{byte:02x}")),
                // A lone surrogate.
                0xed if matches!(text.get(at + 1), Some(0xa0..=0xbf)) => {
                    let low = text.get(at + 2).copied().unwrap_or(0x80);
                    let code = 0xd000 | u32::from(text[at + 1] & 0x3f) << 6 | u32::from(low & 0x3f);
                    self.text(&format!("\\u{code:04x}"));
                    at += 2;
                }
                _ => self.out.push(byte),
            }
            at += 1;
        }
        self.out.push(quote);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
        self.out.extend([b'b', quote]);
        for &byte in bytes {
            match byte {
                b'\n' => self.text("\\n"),
                b'\r' => self.text("\\r"),
                b'\t' => self.text("\\t"),
                b'\\' => self.text("\\\\"),
                _ if byte == quote => self.out.extend([b'\\', byte]),
                b' '..=b'~' => self.out.push(byte),
                _ => self.text(&format!("\\x{byte:02x}")),
            }
        }
        self.out.push(quote);
    }
}

fn compare_text(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}
