//! The node classes: heap types made from the grammar.

use cinder_pyobj::native::PyClass;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, generic_alias, list, str, tuple, type_type, union};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};
use rustc_hash::FxHashMap;

use super::grammar::{Attributes, FieldDef, TYPES, fields, split};
use super::node::Ast;
use crate::thread::Thread;

/// A field of a class.
pub(crate) struct Field {
    pub name: Name,
    pub def: FieldDef,
}

/// A class of nodes that has instances.
pub(crate) struct Class {
    pub name: &'static str,
    /// The type of the grammar that it belongs to.
    pub sum: &'static str,
    pub ty: Obj,
    pub fields: Vec<Field>,
    /// The instance that trees share, if the class has no fields and no position.
    pub singleton: Option<Obj>,
}

/// All node classes of the process.
pub(crate) struct Types {
    /// Abstract classes by name.
    pub sums: Vec<(&'static str, Obj)>,
    pub classes: Vec<Class>,
    by_name: FxHashMap<&'static str, usize>,
    by_type: FxHashMap<u64, usize>,
}

impl Types {
    /// The classes, made on first use.
    pub(crate) fn get(cx: &Ctx) -> PyResult<&'static Types> {
        let cell = &Thread::of(cx).runtime.ast_types;
        if cell.get().is_none() {
            // Making classes may run a collection, and with it Python code that comes here first.
            let made = Types::new(cx)?;
            let _ = cell.set(made);
        }
        cell.get().ok_or_else(|| cx.system_error("the node classes could not be made"))
    }

    /// The class of a name.
    pub(crate) fn class(&self, cx: &Ctx, name: &str) -> PyResult<&Class> {
        let found = self.by_name.get(name).and_then(|at| self.classes.get(*at));
        found.ok_or_else(|| cx.system_error(format!("there is no node class {name}")))
    }

    /// The class of type `sum` that an object is an instance of.
    pub(crate) fn class_of(&self, o: &Obj, sum: &str) -> Option<&Class> {
        let ty = o.type_of();
        if let Some(class) = self.by_type.get(&ty.as_obj().id()).and_then(|at| self.classes.get(*at))
            && class.sum == sum
        {
            return Some(class);
        }
        let is_base = |class: &&Class| class.ty.as_type().is_some_and(|base| ty.is_subtype(base));
        self.classes.iter().filter(|class| class.sum == sum).find(is_base)
    }

    fn new(cx: &Ctx) -> PyResult<Types> {
        let mut types = Types {
            sums: Vec::new(),
            classes: Vec::new(),
            by_name: FxHashMap::default(),
            by_type: FxHashMap::default(),
        };
        let root = Ast::class().type_object().as_obj();
        for def in TYPES {
            let text = def.text();
            let mut base = root.clone();
            if !def.is_product() {
                base = make_class(cx, def.name, &root, &[], &text)?;
                set_attributes(cx, &base, def.attributes)?;
                types.sums.push((def.name, base.clone()));
            }
            for constructor in def.constructors {
                let name = split(constructor).0;
                let fields: Vec<Field> =
                    fields(constructor).into_iter().map(|def| Field { name: Name::new(def.name), def }).collect();
                let ty = make_class(cx, name, &base, &fields, constructor)?;
                if def.is_product() {
                    set_attributes(cx, &ty, def.attributes)?;
                }
                for field in fields.iter().filter(|field| field.def.optional) {
                    ty.set_attr(cx, field.name, &Obj::none())?;
                }
                let is_shared = fields.is_empty() && def.attributes == Attributes::No;
                let singleton = match ty.as_type() {
                    Some(class) if is_shared => Some(super::node::instance(class)),
                    _ => None,
                };
                types.by_name.insert(name, types.classes.len());
                types.by_type.insert(ty.id(), types.classes.len());
                types.classes.push(Class { name, sum: def.name, ty, fields, singleton });
            }
        }
        for class in &types.classes {
            let annotations = dict::new();
            for field in &class.fields {
                dict::set(cx, &annotations, field.name.as_obj(), &types.field_type(cx, &field.def)?)?;
            }
            class.ty.set_attr(cx, intern!("_field_types"), &annotations)?;
            class.ty.set_attr(cx, intern!("__annotations_cache__"), &annotations)?;
        }
        Ok(types)
    }

    /// The type of a field's values as an annotation.
    fn field_type(&self, cx: &Ctx, def: &FieldDef) -> PyResult {
        let builtin = |ty: &'static Type| ty.as_obj();
        let ty = match def.ty {
            "identifier" | "string" => builtin(str::Str::class().type_object()),
            "int" => builtin(cinder_pyobj::types::int::Int::class().type_object()),
            "constant" => object_type(),
            name => match self.sums.iter().find(|(sum, _)| *sum == name) {
                Some((_, sum)) => sum.clone(),
                None => self.class(cx, name)?.ty.clone(),
            },
        };
        if def.list {
            return generic_alias::new(cx, &builtin(list::List::class().type_object()), &ty);
        }
        if def.optional { union::make(cx, &[ty, Obj::none()]) } else { Ok(ty) }
    }
}

fn object_type() -> Obj {
    let base = Ast::class().type_object().base();
    base.map_or_else(Obj::none, Type::as_obj)
}

/// `type(name, (base,), {…})`.
fn make_class(cx: &Ctx, name: &'static str, base: &Obj, fields: &[Field], doc: &str) -> PyResult {
    let names = tuple::new(fields.iter().map(|field| field.name.obj()).collect());
    let body = dict::new();
    let entries = [
        (intern!("_fields"), names.clone()),
        (intern!("__match_args__"), names),
        (intern!("__module__"), Obj::from("ast")),
        (intern!("__doc__"), Obj::from(doc)),
    ];
    for (key, value) in entries {
        dict::set(cx, &body, key.as_obj(), &value)?;
    }
    type_type().as_obj().call_pos(cx, &[Obj::from(name), tuple::new(vec![base.clone()]), body])
}

/// `_attributes`, and None as the value of the optional ones.
fn set_attributes(cx: &Ctx, ty: &Obj, attributes: Attributes) -> PyResult<()> {
    let names = ["lineno", "col_offset", "end_lineno", "end_col_offset"].map(Name::new);
    let list = if attributes == Attributes::No { tuple::empty() } else { tuple::new(names.map(Name::obj).to_vec()) };
    ty.set_attr(cx, intern!("_attributes"), &list)?;
    if attributes == Attributes::OptionalEnd {
        let [_, _, end_line, end_column] = names;
        ty.set_attr(cx, end_line, &Obj::none())?;
        ty.set_attr(cx, end_column, &Obj::none())?;
    }
    Ok(())
}
