//! `ast.AST`: what all nodes have in common.

use cinder_pyobj::native::{Args, PyClass, pyclass, pymethods};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc, generic_alias, list, object, set_class_constant, tuple, union};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use super::types::Types;
use crate::modules::warnings::warn;

/// A node of an abstract syntax tree.
#[pyclass(name = "AST", module = "ast", base = object::Object, flags(basetype, dict, mutable), payload = "inherit")]
pub struct Ast;

/// A node without attributes.
pub(super) fn instance(ty: &Type) -> Obj {
    object::new_plain(ty)
}

/// Whether an object is a node.
pub(super) fn is_node(o: &Obj) -> bool {
    o.type_of().is_subtype(Ast::class().type_object())
}

/// The names in a tuple attribute of a node's class, such as `_fields`; nothing if there is none.
fn names(cx: &Ctx, node: &Obj, attribute: Name) -> PyResult<Option<Vec<Obj>>> {
    match node.type_of().as_obj().get_attr_opt(cx, attribute)? {
        Some(names) => names.collect(cx).map(Some),
        None => Ok(None),
    }
}

fn position(cx: &Ctx, names: &[Obj], name: &Obj) -> PyResult<Option<usize>> {
    for (at, known) in names.iter().enumerate() {
        if known.eq(cx, name)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn deprecated(cx: &Ctx, message: String) -> PyResult<()> {
    warn(cx, exc::DeprecationWarning(), &message, 1)
}

fn repr_text(cx: &Ctx, o: &Obj) -> PyResult<String> {
    Ok(as_utf8_lossy(&o.repr(cx)?).into_owned())
}

/// A copy of the instance's `__dict__`.
fn attributes(cx: &Ctx, node: &Obj) -> PyResult<Option<Obj>> {
    match node.get_attr_opt(cx, intern!("__dict__"))? {
        Some(d) => match dict::as_dict(&d) {
            Some(d) => d.copy(cx).map(Some),
            None => Ok(None),
        },
        None => Ok(None),
    }
}

#[pymethods]
impl Ast {
    #[pyinit]
    fn add_class_attributes(ty: &Type) {
        for name in [intern!("_fields"), intern!("__match_args__"), intern!("_attributes")] {
            set_class_constant(ty, name, tuple::empty());
        }
    }

    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(instance(ty))
    }

    fn __init__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
        let class = this.type_of().short_name().to_string();
        let fields = names(cx, this, intern!("_fields"))?.unwrap_or_default();
        if args.pos().len() > fields.len() {
            let s = if fields.len() == 1 { "" } else { "s" };
            return Err(
                cx.type_error(format!("{class} constructor takes at most {} positional argument{s}", fields.len()))
            );
        }
        let mut missing = vec![true; fields.len()];
        for ((name, value), missing) in fields.iter().zip(args.pos()).zip(&mut missing) {
            this.store_attr(cx, name, Some(value))?;
            *missing = false;
        }
        let mut positions = None;
        for (name, value) in args.keywords() {
            match position(cx, &fields, name)? {
                Some(at) => {
                    let missing = missing.get_mut(at).map(std::mem::take);
                    if missing == Some(false) {
                        let name = repr_text(cx, name)?;
                        return Err(cx.type_error(format!("{class} got multiple values for argument {name}")));
                    }
                }
                None => {
                    if positions.is_none() {
                        positions = Some(names(cx, this, intern!("_attributes"))?.unwrap_or_default());
                    }
                    if position(cx, positions.as_deref().unwrap_or_default(), name)?.is_none() {
                        let name = repr_text(cx, name)?;
                        deprecated(
                            cx,
                            format!(
                                "{class}.__init__ got an unexpected keyword argument {name}. Support for arbitrary \
                                 keyword arguments is deprecated and will be removed in Python 3.15."
                            ),
                        )?;
                    }
                }
            }
            this.store_attr(cx, name, Some(value))?;
        }
        if !missing.contains(&true) {
            return Ok(());
        }
        let Some(types) = this.type_of().as_obj().get_attr_opt(cx, intern!("_field_types"))? else { return Ok(()) };
        for (name, _) in fields.iter().zip(missing).filter(|(_, missing)| *missing) {
            fill_missing(cx, this, &class, name, &types)?;
        }
        Ok(())
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this.type_of().as_obj();
        let Some(state) = attributes(cx, this)? else { return Ok(tuple::new(vec![ty, tuple::empty()])) };
        // Given positionally, present fields raise no warning about missing ones; their values come with the state.
        let mut present = Vec::new();
        for name in names(cx, this, intern!("_fields"))?.unwrap_or_default() {
            if dict::get(cx, &state, &name)?.is_none() {
                break;
            }
            present.push(Obj::none());
        }
        Ok(tuple::new(vec![ty, tuple::new(present), state]))
    }

    /// A copy of this node, in which the given fields have the given values.
    #[pymethod(sig = "($self, /, **fields)")]
    fn __replace__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
        if !args.pos().is_empty() {
            return Err(cx.type_error("__replace__() takes no positional arguments"));
        }
        let class = this.type_of().short_name().to_string();
        let fields = names(cx, this, intern!("_fields"))?.unwrap_or_default();
        let positions = names(cx, this, intern!("_attributes"))?.unwrap_or_default();
        let state = attributes(cx, this)?.unwrap_or_else(dict::new);
        let known: Vec<Obj> = fields.iter().chain(&positions).cloned().collect();
        for (name, _) in args.keywords() {
            if position(cx, &known, name)?.is_none() {
                let name = repr_text(cx, name)?;
                return Err(cx.type_error(format!("{class}.__replace__ got an unexpected keyword argument {name}.")));
            }
        }
        let types = this.type_of().as_obj().get_attr_opt(cx, intern!("_field_types"))?;
        let mut missing = Vec::new();
        for name in &fields {
            if dict::get(cx, &state, name)?.is_some() || position(cx, args.names(), name)?.is_some() {
                continue;
            }
            let is_optional = match &types {
                Some(types) => types.contains(cx, name)? && is_union(&types.get_item(cx, name)?),
                None => false,
            };
            if !is_optional {
                missing.push(repr_text(cx, name)?);
            }
        }
        if !missing.is_empty() {
            missing.sort();
            let s = if missing.len() == 1 { "" } else { "s" };
            return Err(cx.type_error(format!(
                "{class}.__replace__ missing {} keyword argument{s}: {}.",
                missing.len(),
                missing.join(", ")
            )));
        }
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for name in known {
            let value = match position(cx, args.names(), &name)? {
                Some(at) => args.kw_values().get(at).cloned(),
                None => dict::get(cx, &state, &name)?,
            };
            if let Some(value) = value {
                keys.push(name);
                values.push(value);
            }
        }
        this.type_of().as_obj().call(cx, Args::new(&values, &keys))
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(Obj::from(repr_node(cx, this, 3)?))
    }
}

fn is_union(ty: &Obj) -> bool {
    ty.downcast::<union::Union>().is_some()
}

/// Gives a field that the constructor got no value for its default, or warns that there is none.
fn fill_missing(cx: &Ctx, node: &Obj, class: &str, name: &Obj, types: &Obj) -> PyResult<()> {
    let ty = if types.contains(cx, name)? { Some(types.get_item(cx, name)?) } else { None };
    let Some(ty) = ty else {
        let name = repr_text(cx, name)?;
        return deprecated(
            cx,
            format!("Field {name} is missing from {class}._field_types. This will become an error in Python 3.15."),
        );
    };
    if is_union(&ty) {
        // The class attribute None is the value.
        return Ok(());
    }
    if ty.downcast::<generic_alias::GenericAlias>().is_some() {
        return node.store_attr(cx, name, Some(&list::new(Vec::new())));
    }
    let known = Types::get(cx)?;
    if known.sums.iter().any(|(sum, class)| *sum == "expr_context" && class.is(&ty)) {
        return node.store_attr(cx, name, known.class(cx, "Load")?.singleton.as_ref());
    }
    let name = repr_text(cx, name)?;
    deprecated(
        cx,
        format!(
            "{class}.__init__ missing 1 required positional argument: {name}. This will become an error in Python \
             3.15."
        ),
    )
}

/// The text of a node, of nodes at most `depth` deep.
fn repr_node(cx: &Ctx, node: &Obj, depth: u32) -> PyResult<String> {
    cx.check_stack(" during ast repr")?;
    let ty = node.type_of();
    let name = if ty.is(Ast::class().type_object()) { "ast.AST".into() } else { ty.short_name().to_string() };
    if depth == 0 {
        return Ok(format!("{name}(...)"));
    }
    let mut parts = Vec::new();
    for field in names(cx, node, intern!("_fields"))?.unwrap_or_default() {
        let value = node.get_attr_obj(cx, &field)?;
        let text = match (list_items(&value), tuple::items_if_tuple(&value)) {
            (Some(items), _) => format!("[{}]", repr_items(cx, &items, depth)?),
            (None, Some(items)) => {
                let items = items.to_vec();
                let comma = if items.len() == 1 { "," } else { "" };
                format!("({}{comma})", repr_items(cx, &items, depth)?)
            }
            _ => repr_value(cx, &value, depth)?,
        };
        parts.push(format!("{}={text}", as_utf8_lossy(&field)));
    }
    Ok(format!("{name}({})", parts.join(", ")))
}

fn list_items(o: &Obj) -> Option<Vec<Obj>> {
    o.downcast::<list::List>().map(list::List::snapshot)
}

fn repr_value(cx: &Ctx, value: &Obj, depth: u32) -> PyResult<String> {
    if is_node(value) { repr_node(cx, value, depth - 1) } else { repr_text(cx, value) }
}

/// The first and the last item; what is between them shows as an ellipsis.
fn repr_items(cx: &Ctx, items: &[Obj], depth: u32) -> PyResult<String> {
    let mut parts = Vec::new();
    if let Some(first) = items.first() {
        parts.push(repr_value(cx, first, depth)?);
    }
    if items.len() > 2 {
        parts.push("...".into());
    }
    if let [_, .., last] = items {
        parts.push(repr_value(cx, last, depth)?);
    }
    Ok(parts.join(", "))
}
