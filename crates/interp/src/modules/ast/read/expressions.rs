//! Expressions, and what stands in them.

use cinder_pyobj::{Obj, PyResult};
use cinder_syntax::ast::*;

use super::Reader;
use crate::modules::ast::types::Class;

impl<'a> Reader<'a, '_> {
    pub(super) fn read_expr(&self, o: &Obj) -> PyResult<&'a Expr<'a>> {
        self.check_stack("expr")?;
        let mut span = self.span(o, "expr", false)?;
        let c = self.class(o, "expr")?;
        let kind = match c.name {
            "BoolOp" => {
                let op = self.require(o, c.name, "op")?;
                let op = if self.class(&op, "boolop")?.name == "And" { BoolOp::And } else { BoolOp::Or };
                ExprKind::BoolOp { op, values: self.exprs(o, c, "values")? }
            }
            "NamedExpr" => ExprKind::NamedExpr { target: self.expr(o, c, "target")?, value: self.expr(o, c, "value")? },
            "BinOp" => ExprKind::BinOp {
                left: self.expr(o, c, "left")?,
                op: self.operator(o, c)?,
                right: self.expr(o, c, "right")?,
            },
            "UnaryOp" => {
                let op = self.require(o, c.name, "op")?;
                let op = match self.class(&op, "unaryop")?.name {
                    "Invert" => UnaryOp::Invert,
                    "Not" => UnaryOp::Not,
                    "UAdd" => UnaryOp::UAdd,
                    _ => UnaryOp::USub,
                };
                ExprKind::UnaryOp { op, operand: self.expr(o, c, "operand")? }
            }
            "Lambda" => ExprKind::Lambda { args: self.arguments(o, c)?, body: self.expr(o, c, "body")? },
            "IfExp" => ExprKind::IfExp {
                test: self.expr(o, c, "test")?,
                body: self.expr(o, c, "body")?,
                orelse: self.expr(o, c, "orelse")?,
            },
            "Dict" => ExprKind::Dict { keys: self.opt_exprs(o, c, "keys")?, values: self.exprs(o, c, "values")? },
            "Set" => ExprKind::Set { elts: self.exprs(o, c, "elts")? },
            "ListComp" => ExprKind::ListComp { elt: self.expr(o, c, "elt")?, generators: self.generators(o, c)? },
            "SetComp" => ExprKind::SetComp { elt: self.expr(o, c, "elt")?, generators: self.generators(o, c)? },
            "GeneratorExp" => {
                ExprKind::GeneratorExp { elt: self.expr(o, c, "elt")?, generators: self.generators(o, c)? }
            }
            "DictComp" => ExprKind::DictComp {
                key: self.expr(o, c, "key")?,
                value: self.expr(o, c, "value")?,
                generators: self.generators(o, c)?,
            },
            "Await" => ExprKind::Await { value: self.expr(o, c, "value")? },
            "Yield" => ExprKind::Yield { value: self.opt_expr(o, "value")? },
            "YieldFrom" => ExprKind::YieldFrom { value: self.expr(o, c, "value")? },
            "Compare" => ExprKind::Compare {
                left: self.expr(o, c, "left")?,
                ops: self.arena.slice(self.list(o, c.name, "ops", |reader, item| reader.cmp_op(item))?),
                comparators: self.exprs(o, c, "comparators")?,
            },
            "Call" => ExprKind::Call {
                func: self.expr(o, c, "func")?,
                args: self.exprs(o, c, "args")?,
                keywords: self.keywords(o, c)?,
            },
            "FormattedValue" => ExprKind::FormattedValue {
                value: self.expr(o, c, "value")?,
                conversion: self.int(o, c.name, "conversion")?,
                format_spec: self.opt_expr(o, "format_spec")?,
            },
            "Interpolation" => ExprKind::Interpolation {
                value: self.expr(o, c, "value")?,
                str: self.arena.alloc(self.constant(&self.require(o, c.name, "str")?)?),
                conversion: self.int(o, c.name, "conversion")?,
                format_spec: self.opt_expr(o, "format_spec")?,
            },
            "JoinedStr" => ExprKind::JoinedStr { values: self.exprs(o, c, "values")? },
            "TemplateStr" => ExprKind::TemplateStr { values: self.exprs(o, c, "values")? },
            "Constant" => ExprKind::Constant {
                value: self.constant(&self.require(o, c.name, "value")?)?,
                kind: self.opt_string(o, "kind")?,
            },
            "Attribute" => ExprKind::Attribute {
                value: self.expr(o, c, "value")?,
                attr: self.identifier(o, c.name, "attr")?,
                ctx: self.context(o, c)?,
            },
            "Subscript" => ExprKind::Subscript {
                value: self.expr(o, c, "value")?,
                slice: self.expr(o, c, "slice")?,
                ctx: self.context(o, c)?,
            },
            "Starred" => ExprKind::Starred { value: self.expr(o, c, "value")?, ctx: self.context(o, c)? },
            "Name" => ExprKind::Name { id: self.identifier(o, c.name, "id")?, ctx: self.context(o, c)? },
            "List" => ExprKind::List { elts: self.exprs(o, c, "elts")?, ctx: self.context(o, c)? },
            "Tuple" => ExprKind::Tuple { elts: self.exprs(o, c, "elts")?, ctx: self.context(o, c)? },
            _ => ExprKind::Slice {
                lower: self.opt_expr(o, "lower")?,
                upper: self.opt_expr(o, "upper")?,
                step: self.opt_expr(o, "step")?,
            },
        };
        if let ExprKind::Attribute { attr, .. } = kind {
            span = self.span_with_name(span, attr.len() as u32);
        }
        Ok(self.arena.expr(kind, span))
    }

    fn context(&self, o: &Obj, class: &Class) -> PyResult<ExprContext> {
        let ctx = self.require(o, class.name, "ctx")?;
        Ok(match self.class(&ctx, "expr_context")?.name {
            "Load" => ExprContext::Load,
            "Store" => ExprContext::Store,
            _ => ExprContext::Del,
        })
    }

    pub(super) fn operator(&self, o: &Obj, class: &Class) -> PyResult<Operator> {
        let op = self.require(o, class.name, "op")?;
        Ok(match self.class(&op, "operator")?.name {
            "Add" => Operator::Add,
            "Sub" => Operator::Sub,
            "Mult" => Operator::Mult,
            "MatMult" => Operator::MatMult,
            "Div" => Operator::Div,
            "Mod" => Operator::Mod,
            "Pow" => Operator::Pow,
            "LShift" => Operator::LShift,
            "RShift" => Operator::RShift,
            "BitOr" => Operator::BitOr,
            "BitXor" => Operator::BitXor,
            "BitAnd" => Operator::BitAnd,
            _ => Operator::FloorDiv,
        })
    }

    fn cmp_op(&self, o: &Obj) -> PyResult<CmpOp> {
        Ok(match self.class(o, "cmpop")?.name {
            "Eq" => CmpOp::Eq,
            "NotEq" => CmpOp::NotEq,
            "Lt" => CmpOp::Lt,
            "LtE" => CmpOp::LtE,
            "Gt" => CmpOp::Gt,
            "GtE" => CmpOp::GtE,
            "Is" => CmpOp::Is,
            "IsNot" => CmpOp::IsNot,
            "In" => CmpOp::In,
            _ => CmpOp::NotIn,
        })
    }

    fn generators(&self, o: &Obj, class: &Class) -> PyResult<&'a [Comprehension<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            reader.check_stack("comprehension")?;
            let c = reader.class_of_product("comprehension")?;
            Ok(Comprehension {
                target: reader.expr(item, c, "target")?,
                iter: reader.expr(item, c, "iter")?,
                ifs: reader.exprs(item, c, "ifs")?,
                is_async: reader.int(item, c.name, "is_async")? != 0,
            })
        };
        Ok(self.arena.slice(self.list(o, class.name, "generators", each)?))
    }

    pub(super) fn keywords(&self, o: &Obj, class: &Class) -> PyResult<&'a [Keyword<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            let c = reader.class_of_product("keyword")?;
            Ok(Keyword {
                arg: reader.opt_identifier(item, "arg")?,
                value: reader.expr(item, c, "value")?,
                span: reader.span(item, c.name, false)?,
            })
        };
        Ok(self.arena.slice(self.list(o, class.name, "keywords", each)?))
    }

    pub(super) fn arguments(&self, o: &Obj, class: &Class) -> PyResult<&'a Arguments<'a>> {
        let args = self.require(o, class.name, "args")?;
        let c = self.class_of_product("arguments")?;
        let list = |name: &str| -> PyResult<&'a [Arg<'a>]> {
            Ok(self.arena.slice(self.list(&args, c.name, name, |reader, item| reader.arg(item))?))
        };
        let optional = |name: &str| -> PyResult<Option<&'a Arg<'a>>> {
            let Some(arg) = self.get_some(&args, name)? else { return Ok(None) };
            Ok(Some(self.arena.alloc(self.arg(&arg)?)))
        };
        let read = Arguments {
            posonlyargs: list("posonlyargs")?,
            args: list("args")?,
            vararg: optional("vararg")?,
            kwonlyargs: list("kwonlyargs")?,
            kw_defaults: self.opt_exprs(&args, c, "kw_defaults")?,
            kwarg: optional("kwarg")?,
            defaults: self.exprs(&args, c, "defaults")?,
        };
        Ok(self.arena.alloc(read))
    }

    fn arg(&self, o: &Obj) -> PyResult<Arg<'a>> {
        Ok(Arg {
            arg: self.identifier(o, "arg", "arg")?,
            annotation: self.opt_expr(o, "annotation")?,
            type_comment: self.opt_string(o, "type_comment")?,
            span: self.span(o, "arg", false)?,
        })
    }

    /// The class of a product type; instances are not checked, they only need the fields.
    pub(super) fn class_of_product(&self, name: &str) -> PyResult<&'static Class> {
        self.types.class(self.cx, name)
    }
}
