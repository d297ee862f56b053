//! Struct sequences: tuples whose items also have names, such as `os.stat_result`.
//!
//! A type has *visible* fields, which are the items of the tuple, and *hidden* ones, which are attributes
//! only. An instance is a tuple of the visible values with one word more behind them: a tuple of the hidden
//! ones. A visible field may lack a name.

use std::cell::RefCell;

use super::tuple::{self, TUPLE_DEF, Tuple};
use super::{Slots, Type, create, dict};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Gil, PageKind, Visitor};
use crate::intern;
use crate::native::{
    Args, ClassDef, ClassFlags, FixedShape, FnKind, GetSetDef, NativeFn, PayloadDef, PyClass, Signature,
};
use crate::types::TypeCell;
use crate::types::str::{Name, as_utf8_lossy};
use crate::value::{Obj, Value};

/// The definition of a struct sequence type; a static of the module that owns it.
pub struct StructSeq {
    /// `__name__`.
    pub name: &'static str,
    /// `__module__`.
    pub module: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// Names and docs of the fields, visible ones first; an empty name is an unnamed field.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many fields are items of the tuple.
    pub visible: usize,
    /// Where the type is kept: `TypeCell::new()`.
    pub cell: TypeCell,
}

/// The most fields that a type can have.
const MAX_FIELDS: usize = 32;

static REGISTRY: Gil<RefCell<Vec<(&'static Type, &'static StructSeq)>>> = Gil::new(RefCell::new(Vec::new()));

/// The layout: that of tuples with one word more.
static PAYLOAD: PayloadDef = PayloadDef {
    name: "struct sequence",
    size: size_of::<Tuple>(),
    var_sized: true,
    page_kind: PageKind::Container,
    drop: drop_items,
    traverse: traverse_items,
    clear: |_| {},
    parent: Some(&TUPLE_DEF),
};

/// The tuple and the address of the word behind its items.
unsafe fn parts<'a>(p: *const u8) -> (&'a Tuple, *const Value) {
    // SAFETY: `make` lays instances out as a tuple with one more word.
    unsafe {
        let t = &*(p as *const Tuple);
        (t, t.values().as_ptr().add(t.len()))
    }
}

unsafe fn drop_items(p: *mut u8) {
    // SAFETY: called once on a dead instance, which owns its items and the hidden tuple.
    unsafe {
        let (t, hidden) = parts(p);
        let hidden = *hidden;
        for v in t.values() {
            v.decref();
        }
        hidden.decref();
    }
}

unsafe fn traverse_items(p: *const u8, visit: &mut Visitor<'_>) {
    // SAFETY: called on a live instance.
    unsafe {
        let (t, hidden) = parts(p);
        for v in t.values() {
            visit(*v);
        }
        visit(*hidden);
    }
}

fn hidden_of(o: &Obj) -> Option<Obj> {
    if !std::ptr::eq(o.type_of().layout().payload, &PAYLOAD) {
        return None;
    }
    let off = o.type_of().layout().payload_off as usize;
    // SAFETY: the layout was checked, and the object owns the hidden tuple.
    unsafe { Some(Obj::from_borrowed(*parts((o.value().bits() as usize + off) as *const u8).1)) }
}

fn get_field<const I: usize>(cx: &Ctx, this: &Obj) -> PyResult {
    let missing = || cx.type_error("descriptor requires a struct sequence");
    let items = tuple::items_if_tuple(this).ok_or_else(missing)?;
    if let Some(v) = items.get(I) {
        return Ok(v.clone());
    }
    let hidden = hidden_of(this).ok_or_else(missing)?;
    let rest = tuple::items_if_tuple(&hidden).unwrap_or(&[]);
    rest.get(I - items.len()).cloned().ok_or_else(missing)
}

type Getter = fn(&Ctx, &Obj) -> PyResult;

macro_rules! getters {
    ($($i:literal)*) => { [$(get_field::<$i>),*] };
}
static GETTERS: [Getter; MAX_FIELDS] =
    getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

static METHODS: [NativeFn; 2] = [
    NativeFn { name: "__reduce__", doc: "", sig: "($self, /)", kind: FnKind::Method, arity: (0, 0), call: reduce },
    NativeFn {
        name: "__replace__",
        doc: "A copy with other values for the fields that are given.",
        sig: "($self, /, **changes)",
        kind: FnKind::Method,
        arity: (0, u16::MAX),
        call: replace,
    },
];

fn fill_slots(s: &Slots) {
    s.new.set(Some(new));
    s.repr.set(Some(repr));
}

fn tuple_class() -> &'static ClassDef {
    <Tuple as PyClass>::class()
}

impl StructSeq {
    /// The type object, made on first use.
    pub fn type_object(&'static self) -> &'static Type {
        match self.cell.get() {
            Some(t) => t,
            None => self.create(),
        }
    }

    #[cold]
    fn create(&'static self) -> &'static Type {
        debug_assert!(self.fields.len() <= MAX_FIELDS);
        let getset: Vec<GetSetDef> = self
            .fields
            .iter()
            .zip(GETTERS)
            .filter(|((name, _), _)| !name.is_empty())
            .map(|((name, doc), get)| GetSetDef { name, doc, is_member: true, get, set: None })
            .collect();
        let def: &'static ClassDef = Box::leak(Box::new(ClassDef {
            name: self.name,
            module: self.module,
            doc: self.doc,
            sig: "(sequence, dict={})",
            base: Some(tuple_class),
            payload: &PAYLOAD,
            // Those of `sys` are static in CPython, the others are not.
            flags: ClassFlags { mutable: self.module != "sys", ..ClassFlags::NONE },
            fixed_shape: FixedShape::None,
            slots: fill_slots,
            methods: &METHODS,
            getset: Box::leak(getset.into_boxed_slice()),
            init: None,
            cell: TypeCell::new(),
        }));
        let ty = def.type_object();
        let count = |n: usize| Obj::from(n as i64);
        create::set_attr(ty, intern!("n_sequence_fields"), count(self.visible));
        create::set_attr(ty, intern!("n_fields"), count(self.fields.len()));
        create::set_attr(ty, intern!("n_unnamed_fields"), count(self.unnamed()));
        let names = self.fields[..self.visible].iter().filter(|f| !f.0.is_empty()).map(|f| Name::new(f.0).obj());
        create::set_attr(ty, intern!("__match_args__"), tuple::new(names.collect()));
        self.cell.set(ty);
        REGISTRY.get().borrow_mut().push((ty, self));
        ty
    }

    fn unnamed(&self) -> usize {
        self.fields.iter().filter(|f| f.0.is_empty()).count()
    }

    fn full_name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    /// An instance of these values, one for each field; missing ones are None.
    pub fn make(&'static self, mut values: Vec<Obj>) -> Obj {
        let ty = self.type_object();
        values.resize_with(self.fields.len(), Obj::none);
        let hidden = tuple::new(values.split_off(self.visible));
        let n = values.len();
        // SAFETY: the cell has room for the tuple's head, its items and one word; all is written before
        // publishing.
        unsafe {
            let p = heap::alloc_object(ty, (n + 1) * size_of::<Value>());
            let at = (p as *mut u8).add(ty.layout().payload_off as usize);
            tuple::write_head(at, n);
            let items = at.add(size_of::<Tuple>()) as *mut Value;
            for (i, v) in values.into_iter().enumerate() {
                items.add(i).write(v.into_value());
            }
            items.add(n).write(hidden.into_value());
            heap::publish(p, ty.root_shape())
        }
    }
}

fn definition(cx: &Ctx, ty: &Type) -> PyResult<&'static StructSeq> {
    let found = REGISTRY.get().borrow().iter().find(|(t, _)| t.is(ty)).map(|(_, d)| *d);
    found.ok_or_else(|| cx.type_error(format!("{} is no struct sequence type", ty.name())))
}

/// All values of an instance, visible ones first.
fn values(o: &Obj) -> Vec<Obj> {
    let mut all = tuple::items_if_tuple(o).unwrap_or(&[]).to_vec();
    if let Some(h) = hidden_of(o) {
        all.extend_from_slice(tuple::items_if_tuple(&h).unwrap_or(&[]));
    }
    all
}

fn new(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
    let d = definition(cx, ty)?;
    if matches!((d.module, d.name), ("sys", "flags" | "version_info")) {
        // They describe the one interpreter that there is.
        return Err(cx.type_error(format!("cannot create '{}' instances", d.full_name())));
    }
    if let [(field, _)] = d.fields {
        return single(cx, d, field, args);
    }
    let sig = Signature {
        function: d.name,
        params: &["sequence", "dict"],
        pos_only: 0,
        positional: 2,
        required: 1,
        required_kw: &[],
        var_positional: false,
        var_keyword: false,
    };
    let [sequence, given] = args.bind::<2>(cx, &sig)?;
    let Some(sequence) = sequence else {
        return Err(cx.type_error(format!("{}() missing required argument 'sequence' (pos 1)", d.name)));
    };
    if sequence.type_of().slots.iter.get().is_none() && sequence.type_of().slots.getitem.get().is_none() {
        return Err(cx.type_error("constructor requires a sequence"));
    }
    let given = match given {
        Some(g) if g.downcast::<dict::Dict>().is_some() => Some(g),
        Some(_) => return Err(cx.type_error(format!("{}() takes a dict as second arg, if any", d.full_name()))),
        None => None,
    };
    let mut all = sequence.collect(cx)?;
    let (n, least, most) = (all.len(), d.visible, d.fields.len());
    let wrong = |how: &str, want: usize| {
        Err(cx.type_error(format!("{}() takes {how} {want}-sequence ({n}-sequence given)", d.full_name())))
    };
    if least == most && n != least {
        return wrong("a", least);
    }
    if n < least {
        return wrong("an at least", least);
    }
    if n > most {
        return wrong("an at most", most);
    }
    if let Some(g) = given {
        let mut used = 0;
        for (name, _) in &d.fields[n..] {
            let v = dict::get(cx, g, &Obj::from(*name))?;
            used += usize::from(v.is_some());
            all.push(v.unwrap_or_else(Obj::none));
        }
        if g.len(cx)? > used {
            return Err(cx.type_error(format!("{}() got duplicate or unexpected field name(s)", d.full_name())));
        }
    }
    Ok(d.make(all))
}

/// An instance of a type with one field, which is made of that field's value.
fn single(cx: &Ctx, d: &'static StructSeq, field: &str, args: Args<'_>) -> PyResult {
    let named = args.keywords().find(|(k, _)| &*as_utf8_lossy(k) == field).map(|(_, v)| v);
    match (args.all().len(), args.pos().first().or(named)) {
        (1, Some(v)) => Ok(d.make(vec![v.clone()])),
        (0, _) => Err(cx.type_error(format!("{}() missing required argument '{field}' (pos 1)", d.name))),
        (n, Some(_)) => Err(cx.type_error(format!("{}() takes at most 1 argument ({n} given)", d.name))),
        _ => Err(cx.type_error(format!("{}() got an unexpected keyword argument", d.name))),
    }
}

fn repr(cx: &Ctx, this: &Obj) -> PyResult {
    let d = definition(cx, this.type_of())?;
    // As many names as there are items: an unnamed field shows the name of a later one.
    let names = d.fields.iter().filter(|f| !f.0.is_empty());
    let mut out = format!("{}(", d.full_name());
    for (i, (item, (name, _))) in tuple::items_if_tuple(this).unwrap_or(&[]).iter().zip(names).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(name);
        out.push('=');
        out.push_str(&as_utf8_lossy(&item.repr(cx)?));
    }
    out.push(')');
    Ok(Obj::from(out.as_str()))
}

fn reduce(cx: &Ctx, this: &Obj, _: Args<'_>) -> PyResult {
    let d = definition(cx, this.type_of())?;
    let all = values(this);
    if d.fields.len() == 1 {
        return Ok(tuple::pair(this.type_of().as_obj(), tuple::new(all)));
    }
    let hidden = dict::new();
    for ((name, _), v) in d.fields.iter().zip(&all).skip(d.visible) {
        dict::set(cx, &hidden, &Obj::from(*name), v)?;
    }
    let visible = tuple::from_slice(&all[..d.visible.min(all.len())]);
    Ok(tuple::new(vec![this.type_of().as_obj(), tuple::new(vec![visible, hidden])]))
}

fn replace(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
    let d = definition(cx, this.type_of())?;
    if !args.pos().is_empty() {
        return Err(cx.type_error("__replace__() takes no positional arguments"));
    }
    if d.unnamed() > 0 {
        return Err(cx.type_error(format!(
            "__replace__() is not supported for {} because it has unnamed field(s)",
            d.full_name()
        )));
    }
    let mut all = values(this);
    let mut unknown = Vec::new();
    for (name, value) in args.keywords() {
        let text = as_utf8_lossy(name);
        match d.fields.iter().position(|(f, _)| *f == text) {
            Some(i) => all[i] = value.clone(),
            None => unknown.push(name.clone()),
        }
    }
    if !unknown.is_empty() {
        let names = super::list::new(unknown).repr(cx)?;
        return Err(cx.type_error(format!("Got unexpected field name(s): {}", as_utf8_lossy(&names))));
    }
    Ok(d.make(all))
}
