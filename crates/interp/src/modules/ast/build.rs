//! From a syntax tree to `ast` objects.

use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{bytes, complex, int, list, set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use cinder_syntax::ast::{Constant, Field, IntValue, LineCursor, LineIndex, Mod, NodeRef};

use super::types::{self, Types};
use crate::objects::code::from_wtf8;

/// The `ast` object of a tree.
pub(super) fn module(cx: &Ctx, tree: Mod<'_>, lines: &LineIndex) -> PyResult {
    let mut builder = Builder { cx, types: Types::get(cx)?, cursor: lines.cursor() };
    builder.node(NodeRef::Mod(tree))
}

struct Builder<'l> {
    cx: &'l Ctx,
    types: &'static Types,
    cursor: LineCursor<'l>,
}

impl Builder<'_> {
    fn node(&mut self, node: NodeRef<'_>) -> PyResult {
        let cx = self.cx;
        cx.check_stack(" during ast construction")?;
        let class = self.types.class(cx, node.class_name())?;
        if let Some(shared) = &class.singleton {
            return Ok(shared.clone());
        }
        let Some(ty) = class.ty.as_type() else { return Err(cx.system_error("a node class is no class")) };
        let object = super::node::instance(ty);
        for ((_, value), field) in node.fields().into_iter().zip(&class.fields) {
            let value = self.value(value, field)?;
            object.set_attr(cx, field.name, &value)?;
        }
        if let Some(span) = node.span() {
            let position = self.cursor.position(span);
            object.set_attr(cx, intern!("lineno"), &Obj::from(position.start.line))?;
            object.set_attr(cx, intern!("col_offset"), &Obj::from(position.start.column))?;
            object.set_attr(cx, intern!("end_lineno"), &Obj::from(position.end.line))?;
            object.set_attr(cx, intern!("end_col_offset"), &Obj::from(position.end.column))?;
        }
        Ok(object)
    }

    fn optional(&mut self, node: Option<NodeRef<'_>>) -> PyResult {
        match node {
            Some(node) => self.node(node),
            None => Ok(Obj::none()),
        }
    }

    fn value(&mut self, value: Field<'_>, field: &types::Field) -> PyResult {
        Ok(match value {
            Field::Text(None) | Field::Int(None) => Obj::none(),
            Field::Text(Some(text)) if field.def.ty == "identifier" => Name::new(text).obj(),
            Field::Text(Some(text)) => Obj::from(text),
            Field::Texts(texts) => list::new(texts.iter().map(|text| Name::new(text).obj()).collect()),
            Field::Int(Some(value)) => Obj::from(value),
            Field::Constant(value) => constant(self.cx, &value)?,
            Field::Node(node) => self.node(node)?,
            Field::OptionalNode(node) => self.optional(node)?,
            Field::Nodes(nodes) => {
                let items: PyResult<Vec<Obj>> = nodes.into_iter().map(|node| self.optional(node)).collect();
                list::new(items?)
            }
        })
    }
}

/// The object of a constant.
fn constant(cx: &Ctx, value: &Constant<'_>) -> PyResult {
    let all = |items: &[Constant<'_>]| items.iter().map(|item| constant(cx, item)).collect::<PyResult<Vec<Obj>>>();
    Ok(match value {
        Constant::None => Obj::none(),
        Constant::Bool(value) => Obj::from_bool(*value),
        Constant::Ellipsis => Obj::ellipsis(),
        Constant::Int(IntValue::Small(value)) => Obj::from(*value),
        Constant::Int(IntValue::Big { negative, limbs }) => {
            use num_bigint::{BigInt, Sign};
            let magnitude: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
            int::from_bigint(BigInt::from_bytes_le(if *negative { Sign::Minus } else { Sign::Plus }, &magnitude))
        }
        Constant::Float(value) => Obj::from(*value),
        Constant::Complex { real, imag } => complex::new(complex::Complex { re: *real, im: *imag }),
        Constant::Str(text) => from_wtf8(text.as_bytes()),
        Constant::Bytes(data) => bytes::new(data),
        Constant::Tuple(items) => tuple::new(all(items)?),
        Constant::FrozenSet(items) => set::frozen_from_iterable(cx, &tuple::new(all(items)?))?,
    })
}
