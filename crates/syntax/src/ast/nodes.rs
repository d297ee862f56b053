//! The node types, in the order of Python's abstract grammar.

use super::{Constant, Identifier, Span};

/// The root of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Mod<'a> {
    /// A whole file (`exec`).
    Module {
        /// The statements.
        body: &'a [&'a Stmt<'a>],
        /// The `# type: ignore` comments, collected only when type comments are asked for.
        type_ignores: &'a [TypeIgnore<'a>],
    },
    /// One statement typed at a prompt (`single`).
    Interactive {
        /// The statements of the one line or of the one compound statement.
        body: &'a [&'a Stmt<'a>],
    },
    /// One expression (`eval`).
    Expression {
        /// The expression.
        body: &'a Expr<'a>,
    },
    /// A signature type comment (`func_type`).
    FunctionType {
        /// The types of the arguments.
        argtypes: &'a [&'a Expr<'a>],
        /// The type of the result.
        returns: &'a Expr<'a>,
    },
}

/// A statement.
#[derive(Debug)]
pub struct Stmt<'a> {
    /// What the statement is.
    pub kind: StmtKind<'a>,
    /// Where it stands.
    pub span: Span,
    pub(super) depth: u32,
}

impl Stmt<'_> {
    /// The height of the tree below and including this node (a leaf has 1).
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

/// The kinds of statements.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub enum StmtKind<'a> {
    FunctionDef(&'a FunctionDef<'a>),
    AsyncFunctionDef(&'a FunctionDef<'a>),
    ClassDef(&'a ClassDef<'a>),
    Return { value: Option<&'a Expr<'a>> },
    Delete { targets: &'a [&'a Expr<'a>] },
    Assign { targets: &'a [&'a Expr<'a>], value: &'a Expr<'a>, type_comment: Option<&'a str> },
    TypeAlias { name: &'a Expr<'a>, type_params: &'a [TypeParam<'a>], value: &'a Expr<'a> },
    AugAssign { target: &'a Expr<'a>, op: Operator, value: &'a Expr<'a> },
    AnnAssign { target: &'a Expr<'a>, annotation: &'a Expr<'a>, value: Option<&'a Expr<'a>>, simple: bool },
    For(&'a For<'a>),
    AsyncFor(&'a For<'a>),
    While { test: &'a Expr<'a>, body: &'a [&'a Stmt<'a>], orelse: &'a [&'a Stmt<'a>] },
    If { test: &'a Expr<'a>, body: &'a [&'a Stmt<'a>], orelse: &'a [&'a Stmt<'a>] },
    With(&'a With<'a>),
    AsyncWith(&'a With<'a>),
    Match { subject: &'a Expr<'a>, cases: &'a [MatchCase<'a>] },
    Raise { exc: Option<&'a Expr<'a>>, cause: Option<&'a Expr<'a>> },
    Try(&'a Try<'a>),
    TryStar(&'a Try<'a>),
    Assert { test: &'a Expr<'a>, msg: Option<&'a Expr<'a>> },
    Import { names: &'a [Alias<'a>] },
    ImportFrom { module: Option<Identifier<'a>>, names: &'a [Alias<'a>], level: Option<u32> },
    Global { names: &'a [Identifier<'a>] },
    Nonlocal { names: &'a [Identifier<'a>] },
    Expr { value: &'a Expr<'a> },
    Pass,
    Break,
    Continue,
}

/// The fields of `FunctionDef` and `AsyncFunctionDef`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct FunctionDef<'a> {
    pub name: Identifier<'a>,
    pub args: &'a Arguments<'a>,
    pub body: &'a [&'a Stmt<'a>],
    pub decorator_list: &'a [&'a Expr<'a>],
    pub returns: Option<&'a Expr<'a>>,
    pub type_comment: Option<&'a str>,
    pub type_params: &'a [TypeParam<'a>],
}

/// The fields of `ClassDef`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct ClassDef<'a> {
    pub name: Identifier<'a>,
    pub bases: &'a [&'a Expr<'a>],
    pub keywords: &'a [Keyword<'a>],
    pub body: &'a [&'a Stmt<'a>],
    pub decorator_list: &'a [&'a Expr<'a>],
    pub type_params: &'a [TypeParam<'a>],
}

/// The fields of `For` and `AsyncFor`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct For<'a> {
    pub target: &'a Expr<'a>,
    pub iter: &'a Expr<'a>,
    pub body: &'a [&'a Stmt<'a>],
    pub orelse: &'a [&'a Stmt<'a>],
    pub type_comment: Option<&'a str>,
}

/// The fields of `With` and `AsyncWith`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct With<'a> {
    pub items: &'a [WithItem<'a>],
    pub body: &'a [&'a Stmt<'a>],
    pub type_comment: Option<&'a str>,
}

/// The fields of `Try` and `TryStar`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Try<'a> {
    pub body: &'a [&'a Stmt<'a>],
    pub handlers: &'a [ExceptHandler<'a>],
    pub orelse: &'a [&'a Stmt<'a>],
    pub finalbody: &'a [&'a Stmt<'a>],
}

/// An expression.
#[derive(Debug)]
pub struct Expr<'a> {
    /// What the expression is.
    pub kind: ExprKind<'a>,
    /// Where it stands, without enclosing parentheses (those of a tuple belong to it).
    pub span: Span,
    pub(super) depth: u32,
}

impl Expr<'_> {
    /// The height of the tree below and including this node (a leaf has 1).
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

/// The kinds of expressions.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub enum ExprKind<'a> {
    BoolOp {
        op: BoolOp,
        values: &'a [&'a Expr<'a>],
    },
    NamedExpr {
        target: &'a Expr<'a>,
        value: &'a Expr<'a>,
    },
    BinOp {
        left: &'a Expr<'a>,
        op: Operator,
        right: &'a Expr<'a>,
    },
    UnaryOp {
        op: UnaryOp,
        operand: &'a Expr<'a>,
    },
    Lambda {
        args: &'a Arguments<'a>,
        body: &'a Expr<'a>,
    },
    IfExp {
        test: &'a Expr<'a>,
        body: &'a Expr<'a>,
        orelse: &'a Expr<'a>,
    },
    /// A key of `None` stands for `**value`.
    Dict {
        keys: &'a [Option<&'a Expr<'a>>],
        values: &'a [&'a Expr<'a>],
    },
    Set {
        elts: &'a [&'a Expr<'a>],
    },
    ListComp {
        elt: &'a Expr<'a>,
        generators: &'a [Comprehension<'a>],
    },
    SetComp {
        elt: &'a Expr<'a>,
        generators: &'a [Comprehension<'a>],
    },
    DictComp {
        key: &'a Expr<'a>,
        value: &'a Expr<'a>,
        generators: &'a [Comprehension<'a>],
    },
    GeneratorExp {
        elt: &'a Expr<'a>,
        generators: &'a [Comprehension<'a>],
    },
    Await {
        value: &'a Expr<'a>,
    },
    Yield {
        value: Option<&'a Expr<'a>>,
    },
    YieldFrom {
        value: &'a Expr<'a>,
    },
    Compare {
        left: &'a Expr<'a>,
        ops: &'a [CmpOp],
        comparators: &'a [&'a Expr<'a>],
    },
    Call {
        func: &'a Expr<'a>,
        args: &'a [&'a Expr<'a>],
        keywords: &'a [Keyword<'a>],
    },
    /// `conversion` is -1, or the code of `s`, `r` or `a`.
    FormattedValue {
        value: &'a Expr<'a>,
        conversion: i32,
        format_spec: Option<&'a Expr<'a>>,
    },
    /// `str` is the source text of the value.
    Interpolation {
        value: &'a Expr<'a>,
        str: &'a Constant<'a>,
        conversion: i32,
        format_spec: Option<&'a Expr<'a>>,
    },
    JoinedStr {
        values: &'a [&'a Expr<'a>],
    },
    TemplateStr {
        values: &'a [&'a Expr<'a>],
    },
    /// `kind` is `u` for string literals with that prefix.
    Constant {
        value: Constant<'a>,
        kind: Option<&'a str>,
    },
    Attribute {
        value: &'a Expr<'a>,
        attr: Identifier<'a>,
        ctx: ExprContext,
    },
    Subscript {
        value: &'a Expr<'a>,
        slice: &'a Expr<'a>,
        ctx: ExprContext,
    },
    Starred {
        value: &'a Expr<'a>,
        ctx: ExprContext,
    },
    Name {
        id: Identifier<'a>,
        ctx: ExprContext,
    },
    List {
        elts: &'a [&'a Expr<'a>],
        ctx: ExprContext,
    },
    Tuple {
        elts: &'a [&'a Expr<'a>],
        ctx: ExprContext,
    },
    Slice {
        lower: Option<&'a Expr<'a>>,
        upper: Option<&'a Expr<'a>>,
        step: Option<&'a Expr<'a>>,
    },
}

/// What is done with the value an expression denotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExprContext {
    /// It is read.
    Load,
    /// It is assigned to.
    Store,
    /// It is deleted.
    Del,
}

/// `and`, `or`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in Python's abstract grammar")]
pub enum BoolOp {
    And,
    Or,
}

/// The binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in Python's abstract grammar")]
pub enum Operator {
    Add,
    Sub,
    Mult,
    MatMult,
    Div,
    Mod,
    Pow,
    LShift,
    RShift,
    BitOr,
    BitXor,
    BitAnd,
    FloorDiv,
}

/// The unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in Python's abstract grammar")]
pub enum UnaryOp {
    Invert,
    Not,
    UAdd,
    USub,
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in Python's abstract grammar")]
pub enum CmpOp {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}

/// One `for … in … if …` of a comprehension.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Comprehension<'a> {
    pub target: &'a Expr<'a>,
    pub iter: &'a Expr<'a>,
    pub ifs: &'a [&'a Expr<'a>],
    pub is_async: bool,
}

/// An `except` clause.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct ExceptHandler<'a> {
    pub typ: Option<&'a Expr<'a>>,
    pub name: Option<Identifier<'a>>,
    pub body: &'a [&'a Stmt<'a>],
    pub span: Span,
}

/// The parameters of a function or lambda.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Arguments<'a> {
    pub posonlyargs: &'a [Arg<'a>],
    pub args: &'a [Arg<'a>],
    pub vararg: Option<&'a Arg<'a>>,
    pub kwonlyargs: &'a [Arg<'a>],
    /// As long as `kwonlyargs`; `None` where there is no default.
    pub kw_defaults: &'a [Option<&'a Expr<'a>>],
    pub kwarg: Option<&'a Arg<'a>>,
    /// The defaults of the last of `posonlyargs + args`.
    pub defaults: &'a [&'a Expr<'a>],
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Arg<'a> {
    pub arg: Identifier<'a>,
    pub annotation: Option<&'a Expr<'a>>,
    pub type_comment: Option<&'a str>,
    pub span: Span,
}

/// A keyword argument; `arg` is `None` for `**value`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Keyword<'a> {
    pub arg: Option<Identifier<'a>>,
    pub value: &'a Expr<'a>,
    pub span: Span,
}

/// One name of an import statement; `name` is dotted or `*`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct Alias<'a> {
    pub name: Identifier<'a>,
    pub asname: Option<Identifier<'a>>,
    pub span: Span,
}

/// One item of a `with` statement.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct WithItem<'a> {
    pub context_expr: &'a Expr<'a>,
    pub optional_vars: Option<&'a Expr<'a>>,
}

/// A `case` clause.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct MatchCase<'a> {
    pub pattern: &'a Pattern<'a>,
    pub guard: Option<&'a Expr<'a>>,
    pub body: &'a [&'a Stmt<'a>],
}

/// A pattern of a `case` clause.
#[derive(Debug)]
pub struct Pattern<'a> {
    /// What the pattern is.
    pub kind: PatternKind<'a>,
    /// Where it stands.
    pub span: Span,
    pub(super) depth: u32,
}

impl Pattern<'_> {
    /// The height of the tree below and including this node (a leaf has 1).
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

/// The kinds of patterns.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub enum PatternKind<'a> {
    MatchValue {
        value: &'a Expr<'a>,
    },
    MatchSingleton {
        value: Constant<'a>,
    },
    MatchSequence {
        patterns: &'a [&'a Pattern<'a>],
    },
    MatchMapping {
        keys: &'a [&'a Expr<'a>],
        patterns: &'a [&'a Pattern<'a>],
        rest: Option<Identifier<'a>>,
    },
    MatchClass {
        cls: &'a Expr<'a>,
        patterns: &'a [&'a Pattern<'a>],
        kwd_attrs: &'a [Identifier<'a>],
        kwd_patterns: &'a [&'a Pattern<'a>],
    },
    MatchStar {
        name: Option<Identifier<'a>>,
    },
    MatchAs {
        pattern: Option<&'a Pattern<'a>>,
        name: Option<Identifier<'a>>,
    },
    MatchOr {
        patterns: &'a [&'a Pattern<'a>],
    },
}

/// A `# type: ignore` comment.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub struct TypeIgnore<'a> {
    pub lineno: u32,
    pub tag: &'a str,
}

/// A type parameter of a generic function, class or type alias.
#[derive(Clone, Copy, Debug)]
pub struct TypeParam<'a> {
    /// What the parameter is.
    pub kind: TypeParamKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of type parameters.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "names and meaning of the fields are those of Python's abstract grammar")]
pub enum TypeParamKind<'a> {
    TypeVar { name: Identifier<'a>, bound: Option<&'a Expr<'a>>, default_value: Option<&'a Expr<'a>> },
    ParamSpec { name: Identifier<'a>, default_value: Option<&'a Expr<'a>> },
    TypeVarTuple { name: Identifier<'a>, default_value: Option<&'a Expr<'a>> },
}
