//! Wrapper descriptors: `int.__add__`, and their bound form `(1).__add__`.

use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::heap::Traverse;
use crate::intern;
use crate::native::{Args, FixedShape, PyClass};
use crate::native::{This, pyclass, pymethods};
use crate::types::slots::*;
use crate::types::{Type, exc};
use crate::value::Obj;

use super::WrapperCall;

/// A special method that a native slot stands for.
pub struct SlotDef {
    pub(crate) name: &'static str,
    pub(crate) field: usize,
    pub(crate) nth: usize,
    pub(crate) call: WrapperCall,
}

impl SlotDef {
    fn doc(&self) -> String {
        match self.name {
            "__repr__" => "Return repr(self).".into(),
            "__str__" => "Return str(self).".into(),
            "__hash__" => "Return hash(self).".into(),
            "__len__" => "Return len(self).".into(),
            "__call__" => "What calling the object does.".into(),
            "__init__" => "Prepares a new instance; the class tells which arguments it takes.".into(),
            "__iter__" => "What iter(self) gives.".into(),
            // CPython's tests ask for this text.
            "__next__" => "Implement next(self).".into(),
            "__getitem__" => "Return self[key].".into(),
            "__setitem__" => "self[key] = value.".into(),
            "__delitem__" => "Delete self[key].".into(),
            "__contains__" => "Whether key is in self.".into(),
            "__getattribute__" => "What self.name gives, before __getattr__ is tried.".into(),
            "__setattr__" => "self.name = value.".into(),
            "__delattr__" => "del self.name.".into(),
            "__bool__" => "Whether self counts as true.".into(),
            n => format!("Special method {n}."),
        }
    }

    fn signature(&self) -> &'static str {
        match self.name {
            "__call__" | "__init__" => "($self, /, *args, **kwargs)",
            "__repr__" | "__str__" | "__hash__" | "__len__" | "__iter__" | "__next__" | "__bool__" | "__int__"
            | "__float__" | "__index__" | "__neg__" | "__pos__" | "__abs__" | "__invert__" | "__await__"
            | "__aiter__" | "__anext__" | "__del__" => "($self, /)",
            "__getattribute__" | "__delattr__" => "($self, name, /)",
            "__setattr__" => "($self, name, value, /)",
            "__setitem__" => "($self, key, value, /)",
            "__getitem__" | "__delitem__" | "__contains__" => "($self, key, /)",
            "__get__" => "($self, instance, owner=None, /)",
            "__set__" => "($self, instance, value, /)",
            "__delete__" => "($self, instance, /)",
            "__buffer__" => "($self, flags, /)",
            "__release_buffer__" => "($self, buffer, /)",
            "__pow__" | "__rpow__" => "($self, value, mod=None, /)",
            _ => "($self, value, /)",
        }
    }
}

fn none(r: PyResult<()>) -> PyResult {
    r.map(|()| Obj::none())
}

fn repeat_count(cx: &Ctx, n: &Obj) -> PyResult<isize> {
    n.to_index(cx)
}

/// Refuses `object.__setattr__(some_class, …)`: a base's setattr must not bypass that of the native type. Modules only
/// keep their attributes in another place, where `generic_set_attr` stores them too.
fn check_setattr(cx: &Ctx, this: &Obj, f: SetFn, name: &str) -> PyResult<()> {
    let mut t = Some(this.type_of());
    while let Some(ty) = t {
        if !ty.is_heap_type() {
            if ty.is(crate::types::module::Module::type_object()) {
                return Ok(());
            }
            if let Some(own) = ty.slots.setattr.get()
                && !std::ptr::fn_addr_eq(own, f)
            {
                return Err(cx.type_error(format!("can't apply this {name} to {} object", this.type_of().name())));
            }
            return Ok(());
        }
        t = ty.base();
    }
    Ok(())
}

macro_rules! body {
    (unary, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        $f($cx, $this)
    }};
    (iter, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        $f($cx, $this)
    }};
    (binary, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        if $d.nth == 0 { $f($cx, $this, &a[0]) } else { $f($cx, &a[0], $this) }
    }};
    (inplace, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        $f($cx, $this, &a[0])
    }};
    (concat, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        $f($cx, $this, &a[0])
    }};
    (getitem, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        $f($cx, $this, &a[0])
    }};
    (getattr, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        $f($cx, $this, &a[0])
    }};
    (repeat, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        let n = repeat_count($cx, &a[0])?;
        $f($cx, $this, n)
    }};
    (ternary, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.no_keywords($cx, $d.name)?;
        let a = $a.pos();
        if !(1..=2).contains(&a.len()) {
            return Err($cx.type_error(format!("expected 1 or 2 arguments, got {}", a.len())));
        }
        let m = a.get(1).filter(|m| !m.is_none());
        if $d.nth == 0 { $f($cx, $this, &a[0], m) } else { $f($cx, &a[0], $this, m) }
    }};
    (hash, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        Ok(Obj::from($f($cx, $this)?))
    }};
    (len, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        Ok(Obj::from($f($cx, $this)?))
    }};
    (bool, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        Ok(Obj::from_bool($f($cx, $this)?))
    }};
    (contains, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        Ok(Obj::from_bool($f($cx, $this, &a[0])?))
    }};
    (cmp, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        let op = [CmpOp::Lt, CmpOp::Le, CmpOp::Eq, CmpOp::Ne, CmpOp::Gt, CmpOp::Ge][$d.nth];
        $f($cx, $this, &a[0], op)
    }};
    (set, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        if $d.name.ends_with("attr__") {
            check_setattr($cx, $this, $f, $d.name)?;
        }
        if $d.nth == 0 {
            let a = $a.check_arity($cx, $d.name, 2, 2)?;
            none($f($cx, $this, &a[0], Some(&a[1])))
        } else {
            let a = $a.check_arity($cx, $d.name, 1, 1)?;
            none($f($cx, $this, &a[0], None))
        }
    }};
    (descr_get, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 2)?;
        let instance = a.first().filter(|x| !x.is_none());
        let owner = a.get(1).filter(|x| !x.is_none());
        if instance.is_none() && owner.is_none() {
            return Err($cx.type_error("__get__(None, None) is invalid"));
        }
        $f($cx, $this, instance, owner)
    }};
    (call, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{ $f($cx, $this, $a) }};
    (init, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{ none($f($cx, $this, $a)) }};
    (finalize, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        none($f($cx, $this))
    }};
    (buffer, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        let a = $a.check_arity($cx, $d.name, 1, 1)?;
        crate::types::memoryview::python::call_slot($cx, $this, $f, $d.nth, &a[0])
    }};
    (next, $f:ident, $cx:ident, $this:ident, $a:ident, $d:ident) => {{
        $a.check_arity($cx, $d.name, 0, 0)?;
        match $f($cx, $this)? {
            Some(v) => Ok(v),
            None => Err($cx.stop_iteration(None)),
        }
    }};
}

macro_rules! shown {
    (new, [$($n:literal),*]) => { &[] as &[&str] };
    (internal, [$($n:literal),*]) => { &[] as &[&str] };
    (getattr, [$first:literal, $($n:literal),*]) => { &[$first] as &[&str] };
    ($kind:ident, [$($n:literal),*]) => { &[$($n),*] as &[&str] };
}

macro_rules! caller {
    (new, $field:ident) => {
        |_, _, _, _, _| Ok(Obj::none())
    };
    (internal, $field:ident) => {
        |_, _, _, _, _| Ok(Obj::none())
    };
    ($kind:ident, $field:ident) => {
        |cx, this, args, d, owner| {
            let Some(f) = owner.slots.$field.get() else {
                return Err(cx.system_error(format!("slot of {} is empty", d.name)));
            };
            body!($kind, f, cx, this, args, d)
        }
    };
}

const fn make_defs<const N: usize>(names: &[&'static str], field: usize, call: WrapperCall) -> [SlotDef; N] {
    let mut out = [const { SlotDef { name: "", field: 0, nth: 0, call: |_, _, _, _, _| Ok(Obj::none()) } }; N];
    let mut i = 0;
    while i < N {
        out[i] = SlotDef { name: names[i], field, nth: i, call };
        i += 1;
    }
    out
}

macro_rules! defs {
    ($($field:ident: $ty:ty, $kind:ident, [$($name:literal),*];)*) => {
        #[expect(non_camel_case_types, reason = "named after the fields")]
        #[derive(Clone, Copy)]
        enum Field { $($field),* }
        /// The visible special methods of each field, in the order of the table.
        pub(crate) static DEFS: &[&[SlotDef]] = &[$({
            const NAMES: &[&str] = shown!($kind, [$($name),*]);
            static D: [SlotDef; NAMES.len()] = make_defs(NAMES, Field::$field as usize, caller!($kind, $field));
            &D
        }),*];
    };
}
crate::for_each_slot!(defs);

/// `wrapper_descriptor`.
#[pyclass(name = "wrapper_descriptor", module = "builtins", fixed = WrapperDescriptor, flags(no_new, method_like))]
#[derive(Traverse)]
pub struct WrapperDescriptor {
    #[traverse(skip)]
    def: &'static SlotDef,
    #[traverse(skip)]
    owner: &'static Type,
}

pub(crate) fn new(owner: &'static Type, def: &'static SlotDef) -> Obj {
    heap::new_instance(crate::native::class_type::<WrapperDescriptor>(), WrapperDescriptor { def, owner })
}

impl WrapperDescriptor {
    pub(crate) fn field(&self) -> usize {
        self.def.field
    }

    /// The type whose slot is shown.
    pub(crate) fn owner(&self) -> &'static Type {
        self.owner
    }

    fn invoke(&self, cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
        (self.def.call)(cx, this, args, self.def, self.owner)
    }

    fn check(&self, cx: &Ctx, this: &Obj) -> PyResult<()> {
        if this.type_of().is_subtype(self.owner) {
            return Ok(());
        }
        Err(cx.type_error(format!(
            "descriptor '{}' requires a '{}' object but received a '{}'",
            self.def.name,
            self.owner.name(),
            this.type_of().name()
        )))
    }
}

#[pymethods]
impl WrapperDescriptor {
    fn __call__(cx: &Ctx, this: This<'_, WrapperDescriptor>, args: Args<'_>) -> PyResult {
        let Some(first) = args.pos().first() else {
            return Err(cx.type_error(format!(
                "descriptor '{}' of '{}' object needs an argument",
                this.def.name,
                this.owner.name()
            )));
        };
        this.check(cx, first)?;
        this.invoke(cx, first, args.without_first())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, WrapperDescriptor>) -> PyResult {
        Ok(Obj::from(format!("<slot wrapper '{}' of '{}' objects>", this.def.name, this.owner.name()).as_str()))
    }

    fn __get__(cx: &Ctx, this: This<'_, WrapperDescriptor>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(i) = instance else { return Ok(this.obj().clone()) };
        this.check(cx, i)?;
        Ok(heap::new_instance(
            crate::native::class_type::<MethodWrapper>(),
            MethodWrapper { descr: this.obj().clone(), this: i.clone() },
        ))
    }

    #[pygetter]
    fn __name__(this: This<'_, WrapperDescriptor>) -> &'static str {
        this.def.name
    }

    #[pygetter]
    fn __qualname__(this: This<'_, WrapperDescriptor>) -> String {
        format!("{}.{}", this.owner.name(), this.def.name)
    }

    #[pygetter]
    fn __objclass__(this: This<'_, WrapperDescriptor>) -> Obj {
        this.owner.as_obj()
    }

    #[pygetter]
    fn __doc__(this: This<'_, WrapperDescriptor>) -> String {
        this.def.doc()
    }

    #[pygetter]
    fn __text_signature__(this: This<'_, WrapperDescriptor>) -> &'static str {
        this.def.signature()
    }

    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: This<'_, WrapperDescriptor>) -> PyResult {
        crate::types::descriptor::reduce_by_getattr(cx, &this.owner.as_obj(), this.def.name)
    }
}

/// `method-wrapper`: a wrapper descriptor bound to an object.
#[pyclass(name = "method-wrapper", module = "builtins", fixed = MethodWrapper, flags(no_new))]
#[derive(Traverse)]
pub struct MethodWrapper {
    descr: Obj,
    this: Obj,
}

impl MethodWrapper {
    fn wrapper(&self, cx: &Ctx) -> PyResult<&WrapperDescriptor> {
        self.descr.downcast::<WrapperDescriptor>().ok_or_else(|| cx.system_error("bad method-wrapper"))
    }
}

#[pymethods]
impl MethodWrapper {
    fn __call__(cx: &Ctx, this: This<'_, MethodWrapper>, args: Args<'_>) -> PyResult {
        this.wrapper(cx)?.invoke(cx, &this.this, args)
    }

    fn __repr__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult {
        let w = this.wrapper(cx)?;
        let text = format!(
            "<method-wrapper '{}' of {} object at {:#x}>",
            w.def.name,
            this.this.type_of().name(),
            this.this.id()
        );
        Ok(Obj::from(text.as_str()))
    }

    fn __hash__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult<i64> {
        let w = this.wrapper(cx)?;
        Ok((this.this.id() as i64 >> 4) ^ (std::ptr::from_ref(w.def) as i64))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, MethodWrapper>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<MethodWrapper>() else { return Ok(Obj::not_implemented()) };
        let same = this.descr.is(&o.descr) && this.this.is(&o.this);
        match op {
            CmpOp::Eq => Ok(Obj::from_bool(same)),
            CmpOp::Ne => Ok(Obj::from_bool(!same)),
            _ => {
                let _ = cx;
                Ok(Obj::not_implemented())
            }
        }
    }

    #[pygetter]
    fn __self__(this: This<'_, MethodWrapper>) -> Obj {
        this.this.clone()
    }

    #[pygetter]
    fn __name__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult<&'static str> {
        Ok(this.wrapper(cx)?.def.name)
    }

    #[pygetter]
    fn __qualname__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult {
        this.descr.get_attr(cx, intern!("__qualname__"))
    }

    #[pygetter]
    fn __objclass__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult {
        Ok(this.wrapper(cx)?.owner.as_obj())
    }

    #[pygetter]
    fn __doc__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult<String> {
        Ok(this.wrapper(cx)?.def.doc())
    }

    #[pygetter]
    fn __text_signature__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult<&'static str> {
        Ok(this.wrapper(cx)?.def.signature())
    }

    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: This<'_, MethodWrapper>) -> PyResult {
        crate::types::descriptor::reduce_by_getattr(cx, &this.this, this.wrapper(cx)?.def.name)
    }
}

const _: FixedShape = FixedShape::MethodWrapper;
const _: fn() -> &'static Type = exc::TypeError;
