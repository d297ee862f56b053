//! How native types and modules are declared and called.
//!
//! The structures here are plain data that the attribute macros of `cinder-macros` emit:
//! `#[pyclass]`/`#[pymethods]` make a [`ClassDef`], `#[pymodule]` makes a [`ModuleDef`].

mod args;
mod bind;
mod convert;
mod from_obj;
mod signature;

pub use args::Args;
pub use bind::*;
pub use cinder_macros::{pyclass, pymethods, pymodule};
pub use convert::{IntoResult, This};
pub use from_obj::FromObj;
pub use signature::{Kwargs, Signature};

use crate::ctx::{Ctx, PyResult};
use crate::heap::{PageKind, Traverse, Visitor};
use crate::types::{Slots, Type, TypeCell};
use crate::value::Obj;

/// A native function: the receiver (instance, class or module), then the arguments. It borrows them.
pub type NativeCall = fn(&Ctx, &Obj, Args<'_>) -> PyResult;

/// How a native function binds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FnKind {
    /// A module-level function; the receiver is the module.
    Function,
    /// An instance method; the receiver is the instance.
    Method,
    /// A class method; the receiver is the class.
    ClassMethod,
    /// A static method; the receiver is meaningless.
    StaticMethod,
}

/// A native function or method.
#[derive(Clone, Copy)]
pub struct NativeFn {
    /// `__name__`.
    pub name: &'static str,
    /// `__doc__`, empty for none.
    pub doc: &'static str,
    /// `__text_signature__`, empty for none.
    pub sig: &'static str,
    /// How it binds.
    pub kind: FnKind,
    /// Least and most positional arguments if it takes positional arguments only (`u16::MAX`: no limit);
    /// the call itself checks.
    pub arity: (u16, u16),
    /// The code.
    pub call: NativeCall,
}

/// A computed attribute of a native type.
#[derive(Clone, Copy)]
pub struct GetSetDef {
    /// The attribute's name.
    pub name: &'static str,
    /// `__doc__`, empty for none.
    pub doc: &'static str,
    /// Shown as a `member_descriptor` instead of a `getset_descriptor`.
    pub is_member: bool,
    /// Reads it.
    pub get: fn(&Ctx, &Obj) -> PyResult,
    /// Writes it, or (with nothing) deletes it. Nothing: read-only.
    pub set: Option<fn(&Ctx, &Obj, Option<&Obj>) -> PyResult<()>>,
}

/// Flags of native types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClassFlags {
    /// Python classes may derive from it.
    pub basetype: bool,
    /// Instances may have weak references.
    pub weakref: bool,
    /// Instances have a `__dict__`.
    pub dict: bool,
    /// `type(x)()` is refused: instances come from elsewhere.
    pub no_new: bool,
    /// Matches sequence patterns (PEP 634).
    pub sequence: bool,
    /// Matches mapping patterns (PEP 634).
    pub mapping: bool,
    /// Class attributes can be set from Python (heap types in CPython).
    pub mutable: bool,
    /// A single positional class pattern matches the subject itself (PEP 634).
    pub match_self: bool,
    /// Binding an instance of the type only prepends the receiver.
    pub method_like: bool,
}

impl ClassFlags {
    /// No flag.
    pub const NONE: ClassFlags = ClassFlags {
        basetype: false,
        weakref: false,
        dict: false,
        no_new: false,
        sequence: false,
        mapping: false,
        mutable: false,
        match_self: false,
        method_like: false,
    };
}

/// Reserved ids of the root shapes of core types, so that exact-type checks are compares with a constant.
#[expect(missing_docs, reason = "each names its type")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum FixedShape {
    None = 0,
    Type,
    Object,
    NoneType,
    NotImplementedType,
    Ellipsis,
    Bool,
    Int,
    Float,
    Complex,
    Str,
    Bytes,
    ByteArray,
    MemoryView,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    Slice,
    Range,
    Function,
    NativeFunction,
    NativeMethod,
    BoundMethod,
    Module,
    Cell,
    Code,
    Frame,
    Generator,
    Coroutine,
    AsyncGenerator,
    ListIterator,
    ListReverseIterator,
    TupleIterator,
    RangeIterator,
    DictKeys,
    DictValues,
    DictItems,
    DictKeyIterator,
    DictValueIterator,
    DictItemIterator,
    SetIterator,
    StrIterator,
    BytesIterator,
    Property,
    StaticMethod,
    ClassMethod,
    GetSetDescriptor,
    MemberDescriptor,
    WrapperDescriptor,
    MethodWrapper,
    Super,
    MappingProxy,
    Traceback,
    WeakRef,
    Enumerate,
    Zip,
    Map,
    Filter,
    Reversed,
    SeqIterator,
    /// One past the last reserved id.
    COUNT,
}

/// The native layout of a family of types.
pub struct PayloadDef {
    /// For diagnostics.
    pub name: &'static str,
    /// Bytes of the fixed part.
    pub size: usize,
    /// Whether instances have a part of variable size at the end; subclasses then keep their extension word
    /// and slots before the payload.
    pub var_sized: bool,
    /// Container if `traverse` can visit anything. Subclasses made in Python are always containers.
    pub page_kind: PageKind,
    /// Drops the payload in place.
    pub drop: unsafe fn(*mut u8),
    /// Visits the references of a payload.
    pub traverse: unsafe fn(*const u8, &mut Visitor<'_>),
    /// Drops the references of a payload through which cycles run.
    pub clear: unsafe fn(*const u8),
    /// The layout this one begins with (`#[repr(C)]`, first field), as OSError's begins with BaseException's.
    pub parent: Option<&'static PayloadDef>,
}

/// A Rust type that is the native part of Python objects. Made by `#[pyclass]`.
pub trait Payload: PyClass + Traverse + Sized {
    /// The layout.
    const DEF: &'static PayloadDef;
}

/// A payload of size zero: the layout of `object` and of types that only add behaviour to it.
pub static NO_PAYLOAD: PayloadDef = PayloadDef {
    name: "object",
    size: 0,
    var_sized: false,
    page_kind: PageKind::Container,
    drop: drop_nothing,
    traverse: visit_nothing,
    clear: clear_nothing,
    parent: None,
};

unsafe fn drop_nothing(_: *mut u8) {}
unsafe fn visit_nothing(_: *const u8, _: &mut Visitor<'_>) {}
unsafe fn clear_nothing(_: *const u8) {}

impl PayloadDef {
    /// The layout that a payload of a class with this base layout begins with.
    pub const fn parent_for(base: &'static PayloadDef) -> Option<&'static PayloadDef> {
        if base.size == 0 { None } else { Some(base) }
    }

    /// The layout of payload `T`, not of variable size.
    pub const fn of<T: Traverse>(name: &'static str, parent: Option<&'static PayloadDef>) -> PayloadDef {
        assert!(align_of::<T>() <= 8, "payloads are aligned to 8 bytes");
        PayloadDef {
            name,
            size: size_of::<T>().next_multiple_of(8),
            var_sized: false,
            page_kind: if T::HOLDS_REFERENCES { PageKind::Container } else { PageKind::Leaf },
            drop: drop_payload::<T>,
            traverse: traverse_payload::<T>,
            clear: clear_payload::<T>,
            parent,
        }
    }
}

unsafe fn drop_payload<T>(p: *mut u8) {
    // SAFETY: called once, on a payload of type `T`.
    unsafe { std::ptr::drop_in_place(p as *mut T) }
}

unsafe fn traverse_payload<T: Traverse>(p: *const u8, visit: &mut Visitor<'_>) {
    // SAFETY: called on a live payload of type `T`.
    unsafe { (*(p as *const T)).traverse(visit) }
}

unsafe fn clear_payload<T: Traverse>(p: *const u8) {
    // SAFETY: called on a live payload of type `T`.
    unsafe { (*(p as *const T)).clear() }
}

/// A native type.
pub struct ClassDef {
    /// `__name__`.
    pub name: &'static str,
    /// `__module__`.
    pub module: &'static str,
    /// `__doc__`, empty for none.
    pub doc: &'static str,
    /// `__text_signature__`, empty for none.
    pub sig: &'static str,
    /// The base; `object` if nothing (and nothing for `object` itself).
    pub base: Option<fn() -> &'static ClassDef>,
    /// The layout.
    pub payload: &'static PayloadDef,
    /// Flags.
    pub flags: ClassFlags,
    /// The reserved root shape, for core types.
    pub fixed_shape: FixedShape,
    /// Fills the slots that the type defines itself; the others are inherited.
    pub slots: fn(&Slots),
    /// Methods, class methods and static methods.
    pub methods: &'static [NativeFn],
    /// Computed attributes.
    pub getset: &'static [GetSetDef],
    /// Adds further class attributes once the type stands (constants, `__hash__ = None`, aliases).
    pub init: Option<fn(&Type)>,
    /// Where the type object is kept.
    pub cell: TypeCell,
}

impl ClassDef {
    /// The type object, made on first use.
    #[inline(always)]
    pub fn type_object(&'static self) -> &'static Type {
        match self.cell.get() {
            Some(t) => t,
            None => crate::types::create_native(self),
        }
    }
}

/// A native module.
pub struct ModuleDef {
    /// The module's name.
    pub name: &'static str,
    /// `__doc__`, empty for none.
    pub doc: &'static str,
    /// Its functions.
    pub functions: &'static [NativeFn],
    /// Its classes, added under their own names.
    pub classes: &'static [fn() -> &'static ClassDef],
    /// Runs when the module is first imported (constants, state).
    pub init: Option<fn(&Ctx, &Obj) -> PyResult<()>>,
}
