//! Symbol tables: which scope every name of a program belongs to.
//!
//! Two passes, as the language reference describes scoping: the first walks the tree and records for each block how it
//! uses names; the second resolves each use to a local, a cell, a free variable or a global. Everything the `symtable`
//! module shows is here.

mod analyze;
pub(crate) mod build;
mod expr;
mod generic;
mod names;

pub use self::build::build;
pub(crate) use names::known;
pub use names::{Name, Names};

use cinder_syntax::ast::Span;
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Names to symbols, in the order of first appearance.
pub type SymbolMap = IndexMap<Name, Symbol, FxBuildHasher>;

/// The number of a scope in [`SymbolTable::scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId(pub u32);

/// How a scope uses a name: bits with CPython's values.
pub mod def {
    /// `global` statement.
    pub const GLOBAL: u16 = 1;
    /// Assigned.
    pub const LOCAL: u16 = 1 << 1;
    /// Parameter.
    pub const PARAM: u16 = 1 << 2;
    /// `nonlocal` statement.
    pub const NONLOCAL: u16 = 1 << 3;
    /// Read.
    pub const USE: u16 = 1 << 4;
    /// Free variable of a method that is also a name of the class body.
    pub const FREE_CLASS: u16 = 1 << 6;
    /// Bound by an import.
    pub const IMPORT: u16 = 1 << 7;
    /// Annotated.
    pub const ANNOT: u16 = 1 << 8;
    /// Target of a comprehension's `for`.
    pub const COMP_ITER: u16 = 1 << 9;
    /// Type parameter.
    pub const TYPE_PARAM: u16 = 1 << 10;
    /// Cell of an inlined comprehension.
    pub const COMP_CELL: u16 = 1 << 11;
    /// Bound in the scope.
    pub const BOUND: u16 = LOCAL | PARAM | IMPORT | TYPE_PARAM;
}

/// Where a name is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Storage {
    /// Not resolved yet.
    #[default]
    Unknown = 0,
    /// In the scope itself.
    Local = 1,
    /// Global by a `global` statement.
    GlobalExplicit = 2,
    /// Global (or built-in) because nothing else binds it.
    GlobalImplicit = 3,
    /// In an enclosing function's cell.
    Free = 4,
    /// In the scope itself, captured by an inner scope.
    Cell = 5,
}

/// A name in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Symbol {
    /// Bits of [`def`].
    pub flags: u16,
    /// Where it is found.
    pub storage: Storage,
}

/// The kinds of scopes; numbered as the `symtable` module numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ScopeKind {
    /// A function, lambda, comprehension or generator expression.
    Function = 0,
    /// A class body.
    Class = 1,
    /// A module.
    Module = 2,
    /// The annotations of a module, class or function.
    Annotation = 3,
    /// The value of a `type` statement.
    TypeAlias = 4,
    /// The type parameters of a generic function, class or alias.
    TypeParameters = 5,
    /// The bound or default of a type parameter.
    TypeVariable = 6,
}

/// The kinds of comprehensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Comprehension {
    /// Not a comprehension.
    #[default]
    None,
    /// `[…]`.
    List,
    /// `{…}`.
    Set,
    /// `{…: …}`.
    Dict,
    /// `(…)`.
    Generator,
}

/// One block of a program.
#[derive(Debug)]
pub struct Scope {
    /// Name of the function or class; `top` for a module.
    pub name: Name,
    /// What it is.
    pub kind: ScopeKind,
    /// Its names.
    pub symbols: SymbolMap,
    /// Its parameters in the order of the frame: positional, keyword-only, `*args`, `**kwargs`.
    pub params: Vec<Name>,
    /// The scopes inside it, those of inlined comprehensions in place of the comprehension.
    pub children: Vec<ScopeId>,
    /// The line it starts on.
    pub line: u32,
    /// What it is if it is a comprehension.
    pub comprehension: Comprehension,
    /// Inside a function, directly or not.
    pub nested: bool,
    /// Has `yield`, or is a generator expression.
    pub generator: bool,
    /// Is `async def` or awaits.
    pub coroutine: bool,
    /// Has a `*args` parameter.
    pub varargs: bool,
    /// Has a `**kwargs` parameter.
    pub varkeywords: bool,
    /// Has free variables.
    pub has_free: bool,
    /// A scope inside has free variables.
    pub child_free: bool,
    /// A class whose methods use `__class__`.
    pub needs_class_closure: bool,
    /// A class whose annotation scopes look into its namespace.
    pub needs_classdict: bool,
    /// An annotation scope that sees the class around it.
    pub can_see_class_scope: bool,
    /// A comprehension compiled into the code of its parent.
    pub inlined: bool,
    /// A function, class or module with a docstring.
    pub has_docstring: bool,
    /// A function right in a class.
    pub method: bool,
    /// A module or class with annotations that may not be executed.
    pub has_conditional_annotations: bool,
    /// Has assignment expressions, in itself or in a comprehension of it.
    pub has_walrus: bool,
    /// The scope of its annotations (modules and classes).
    pub annotations: Option<ScopeId>,
    pub(crate) directives: Vec<(Name, Span)>,
    pub(crate) mangled: Option<Vec<Name>>,
    pub(crate) deleted: rustc_hash::FxHashSet<Name>,
    pub(crate) in_unevaluated_annotation: bool,
    pub(crate) in_conditional_block: bool,
    pub(crate) comp_iter_target: bool,
    pub(crate) comp_iter_expr: u32,
    pub(crate) variable_info: &'static str,
}

impl Scope {
    pub(crate) fn new(name: Name, kind: ScopeKind, line: u32) -> Scope {
        Scope {
            name,
            kind,
            symbols: SymbolMap::default(),
            params: Vec::new(),
            children: Vec::new(),
            line,
            comprehension: Comprehension::None,
            nested: false,
            generator: false,
            coroutine: false,
            varargs: false,
            varkeywords: false,
            has_free: false,
            child_free: false,
            needs_class_closure: false,
            needs_classdict: false,
            can_see_class_scope: false,
            inlined: false,
            has_docstring: false,
            method: false,
            has_conditional_annotations: false,
            has_walrus: false,
            annotations: None,
            directives: Vec::new(),
            mangled: None,
            deleted: Default::default(),
            in_unevaluated_annotation: false,
            in_conditional_block: false,
            comp_iter_target: false,
            comp_iter_expr: 0,
            variable_info: "",
        }
    }

    /// Whether names live in registers and cells: every kind but classes and modules.
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Class | ScopeKind::Module)
    }

    pub(crate) fn storage(&self, name: Name) -> Storage {
        self.symbols.get(&name).map_or(Storage::Unknown, |symbol| symbol.storage)
    }
}

/// Which of the scopes that belong to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Body,
    Annotations,
    TypeParams,
    Bound,
    Default,
}

/// The address of a node, which identifies it while the tree lives.
pub(crate) fn key<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}

/// All scopes of a program.
#[derive(Debug)]
pub struct SymbolTable {
    /// The names in it.
    pub names: Names,
    /// The scopes; the first is the module's.
    pub scopes: Vec<Scope>,
    pub(crate) by_node: FxHashMap<(usize, Role), ScopeId>,
}

impl SymbolTable {
    /// The scope of this number.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// The module's scope.
    pub fn top(&self) -> &Scope {
        self.scope(ScopeId(0))
    }

    pub(crate) fn of<T>(&self, node: &T, role: Role) -> Option<ScopeId> {
        self.by_node.get(&(key(node), role)).copied()
    }
}
