//! Where trees live.

use super::*;
use rustc_hash::FxHashSet;
use std::cell::RefCell;

/// The owner of all nodes of one or more trees.
///
/// Nodes are made through the methods here, which also keep the depths. `let arena = Arena::new();` and a
/// `&arena` is all a caller needs; everything is freed with it, in time proportional to the number of chunks.
#[derive(Default)]
pub struct Arena<'a> {
    exprs: typed_arena::Arena<Expr<'a>>,
    stmts: typed_arena::Arena<Stmt<'a>>,
    patterns: typed_arena::Arena<Pattern<'a>>,
    expr_lists: typed_arena::Arena<&'a Expr<'a>>,
    optional_expr_lists: typed_arena::Arena<Option<&'a Expr<'a>>>,
    stmt_lists: typed_arena::Arena<&'a Stmt<'a>>,
    pattern_lists: typed_arena::Arena<&'a Pattern<'a>>,
    functions: typed_arena::Arena<FunctionDef<'a>>,
    classes: typed_arena::Arena<ClassDef<'a>>,
    fors: typed_arena::Arena<For<'a>>,
    withs: typed_arena::Arena<With<'a>>,
    tries: typed_arena::Arena<Try<'a>>,
    arguments: typed_arena::Arena<Arguments<'a>>,
    args: typed_arena::Arena<Arg<'a>>,
    keywords: typed_arena::Arena<Keyword<'a>>,
    aliases: typed_arena::Arena<Alias<'a>>,
    with_items: typed_arena::Arena<WithItem<'a>>,
    handlers: typed_arena::Arena<ExceptHandler<'a>>,
    comprehensions: typed_arena::Arena<Comprehension<'a>>,
    cases: typed_arena::Arena<MatchCase<'a>>,
    type_params: typed_arena::Arena<TypeParam<'a>>,
    type_ignores: typed_arena::Arena<TypeIgnore<'a>>,
    cmp_ops: typed_arena::Arena<CmpOp>,
    constants: typed_arena::Arena<Constant<'a>>,
    identifier_lists: typed_arena::Arena<Identifier<'a>>,
    mods: typed_arena::Arena<Mod<'a>>,
    limbs: typed_arena::Arena<u64>,
    bytes: typed_arena::Arena<u8>,
    names: RefCell<FxHashSet<&'a str>>,
}

/// The types of which an [`Arena`] makes slices.
pub(crate) mod slices {
    /// A type whose values can stand in arena slices.
    pub trait InSlices<'a>: Sized + Copy + 'a {
        /// The sub-arena of the type.
        fn home(arena: &'a super::Arena<'a>) -> &'a typed_arena::Arena<Self>;
    }
}
use slices::InSlices;

macro_rules! in_slices {
    ($($field:ident: $ty:ty,)*) => {
        $(impl<'a> InSlices<'a> for $ty {
            fn home(arena: &'a Arena<'a>) -> &'a typed_arena::Arena<Self> {
                &arena.$field
            }
        })*
    };
}

in_slices! {
    expr_lists: &'a Expr<'a>,
    optional_expr_lists: Option<&'a Expr<'a>>,
    stmt_lists: &'a Stmt<'a>,
    pattern_lists: &'a Pattern<'a>,
    functions: FunctionDef<'a>,
    classes: ClassDef<'a>,
    fors: For<'a>,
    withs: With<'a>,
    tries: Try<'a>,
    arguments: Arguments<'a>,
    args: Arg<'a>,
    keywords: Keyword<'a>,
    aliases: Alias<'a>,
    with_items: WithItem<'a>,
    handlers: ExceptHandler<'a>,
    comprehensions: Comprehension<'a>,
    cases: MatchCase<'a>,
    type_params: TypeParam<'a>,
    type_ignores: TypeIgnore<'a>,
    cmp_ops: CmpOp,
    constants: Constant<'a>,
    identifier_lists: Identifier<'a>,
    mods: Mod<'a>,
    limbs: u64,
}

impl<'a> Arena<'a> {
    /// An empty arena.
    pub fn new() -> Self {
        Arena::default()
    }

    /// A new expression.
    pub fn expr(&'a self, kind: ExprKind<'a>, span: Span) -> &'a Expr<'a> {
        let depth = 1 + expr_depth(&kind);
        self.exprs.alloc(Expr { kind, span, depth })
    }

    /// A new statement.
    pub fn stmt(&'a self, kind: StmtKind<'a>, span: Span) -> &'a Stmt<'a> {
        let depth = 1 + stmt_depth(&kind);
        self.stmts.alloc(Stmt { kind, span, depth })
    }

    /// A new pattern.
    pub fn pattern(&'a self, kind: PatternKind<'a>, span: Span) -> &'a Pattern<'a> {
        let depth = 1 + pattern_depth(&kind);
        self.patterns.alloc(Pattern { kind, span, depth })
    }

    /// One value of a plain node type, such as [`Arguments`] or [`FunctionDef`].
    pub fn alloc<T: InSlices<'a>>(&'a self, value: T) -> &'a T {
        T::home(self).alloc(value)
    }

    /// A slice of node references or plain nodes.
    pub fn slice<T: InSlices<'a>>(&'a self, items: impl IntoIterator<Item = T>) -> &'a [T] {
        T::home(self).alloc_extend(items)
    }

    /// A copy of a text.
    pub fn text(&'a self, text: &str) -> &'a str {
        if text.is_empty() { "" } else { self.bytes.alloc_str(text) }
    }

    /// A copy of some bytes.
    pub fn bytes(&'a self, bytes: &[u8]) -> &'a [u8] {
        self.bytes.alloc_extend(bytes.iter().copied())
    }

    /// The string value of text in generalised UTF-8 (each lone surrogate as three bytes).
    pub fn string(&'a self, wtf8: &[u8]) -> StrValue<'a> {
        match std::str::from_utf8(wtf8) {
            Ok(text) => StrValue::Utf8(self.text(text)),
            Err(_) => StrValue::Wtf8(self.bytes(wtf8)),
        }
    }

    /// The interned copy of a name: equal names of one arena have equal addresses.
    pub fn identifier(&'a self, name: &str) -> Identifier<'a> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return known;
        }
        let copy = self.text(name);
        names.insert(copy);
        copy
    }

    /// The interned form of a text that already lives as long as the arena.
    pub(crate) fn identifier_in_place(&'a self, name: &'a str) -> Identifier<'a> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return known;
        }
        names.insert(name);
        name
    }
}

fn deepest<'a>(exprs: &[&'a Expr<'a>]) -> u32 {
    exprs.iter().map(|expr| expr.depth).max().unwrap_or(0)
}

fn opt(expr: Option<&Expr>) -> u32 {
    expr.map_or(0, |expr| expr.depth)
}

fn block(body: &[&Stmt]) -> u32 {
    body.iter().map(|stmt| stmt.depth).max().unwrap_or(0)
}

fn keywords_depth(keywords: &[Keyword]) -> u32 {
    keywords.iter().map(|keyword| keyword.value.depth).max().unwrap_or(0)
}

fn comprehension_depth(generators: &[Comprehension]) -> u32 {
    let one = |g: &Comprehension| g.target.depth.max(g.iter.depth).max(deepest(g.ifs));
    generators.iter().map(one).max().unwrap_or(0)
}

fn arguments_depth(args: &Arguments) -> u32 {
    let named = args.posonlyargs.iter().chain(args.args).chain(args.kwonlyargs).chain(args.vararg).chain(args.kwarg);
    let annotations = named.map(|arg| opt(arg.annotation)).max().unwrap_or(0);
    let keyword_defaults = args.kw_defaults.iter().map(|default| opt(*default)).max().unwrap_or(0);
    annotations.max(keyword_defaults).max(deepest(args.defaults))
}

fn type_params_depth(params: &[TypeParam]) -> u32 {
    let one = |param: &TypeParam| match param.kind {
        TypeParamKind::TypeVar { bound, default_value, .. } => opt(bound).max(opt(default_value)),
        TypeParamKind::ParamSpec { default_value, .. } | TypeParamKind::TypeVarTuple { default_value, .. } => {
            opt(default_value)
        }
    };
    params.iter().map(one).max().unwrap_or(0)
}

/// The depth of the deepest child of an expression.
fn expr_depth(kind: &ExprKind) -> u32 {
    match *kind {
        ExprKind::Constant { .. } | ExprKind::Name { .. } => 0,
        ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => {
            deepest(values)
        }
        ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => deepest(elts),
        ExprKind::NamedExpr { target, value } => target.depth.max(value.depth),
        ExprKind::BinOp { left, right, .. } => left.depth.max(right.depth),
        ExprKind::UnaryOp { operand, .. } => operand.depth,
        ExprKind::Lambda { args, body } => body.depth.max(arguments_depth(args)),
        ExprKind::IfExp { test, body, orelse } => test.depth.max(body.depth).max(orelse.depth),
        ExprKind::Dict { keys, values } => deepest(values).max(keys.iter().map(|key| opt(*key)).max().unwrap_or(0)),
        ExprKind::ListComp { elt, generators }
        | ExprKind::SetComp { elt, generators }
        | ExprKind::GeneratorExp { elt, generators } => elt.depth.max(comprehension_depth(generators)),
        ExprKind::DictComp { key, value, generators } => {
            key.depth.max(value.depth).max(comprehension_depth(generators))
        }
        ExprKind::Await { value }
        | ExprKind::YieldFrom { value }
        | ExprKind::Attribute { value, .. }
        | ExprKind::Starred { value, .. } => value.depth,
        ExprKind::Yield { value } => opt(value),
        ExprKind::Compare { left, comparators, .. } => left.depth.max(deepest(comparators)),
        ExprKind::Call { func, args, keywords } => func.depth.max(deepest(args)).max(keywords_depth(keywords)),
        ExprKind::FormattedValue { value, format_spec, .. } | ExprKind::Interpolation { value, format_spec, .. } => {
            value.depth.max(opt(format_spec))
        }
        ExprKind::Subscript { value, slice, .. } => value.depth.max(slice.depth),
        ExprKind::Slice { lower, upper, step } => opt(lower).max(opt(upper)).max(opt(step)),
    }
}

/// The depth of the deepest child of a statement.
fn stmt_depth(kind: &StmtKind) -> u32 {
    match *kind {
        StmtKind::FunctionDef(f) | StmtKind::AsyncFunctionDef(f) => block(f.body)
            .max(arguments_depth(f.args))
            .max(deepest(f.decorator_list))
            .max(opt(f.returns))
            .max(type_params_depth(f.type_params)),
        StmtKind::ClassDef(c) => block(c.body)
            .max(deepest(c.bases))
            .max(keywords_depth(c.keywords))
            .max(deepest(c.decorator_list))
            .max(type_params_depth(c.type_params)),
        StmtKind::Return { value } => opt(value),
        StmtKind::Delete { targets } => deepest(targets),
        StmtKind::Assign { targets, value, .. } => deepest(targets).max(value.depth),
        StmtKind::TypeAlias { name, type_params, value } => {
            name.depth.max(value.depth).max(type_params_depth(type_params))
        }
        StmtKind::AugAssign { target, value, .. } => target.depth.max(value.depth),
        StmtKind::AnnAssign { target, annotation, value, .. } => target.depth.max(annotation.depth).max(opt(value)),
        StmtKind::For(f) | StmtKind::AsyncFor(f) => {
            f.target.depth.max(f.iter.depth).max(block(f.body)).max(block(f.orelse))
        }
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            test.depth.max(block(body)).max(block(orelse))
        }
        StmtKind::With(w) | StmtKind::AsyncWith(w) => {
            let one = |item: &WithItem| item.context_expr.depth.max(opt(item.optional_vars));
            w.items.iter().map(one).max().unwrap_or(0).max(block(w.body))
        }
        StmtKind::Match { subject, cases } => {
            let one = |case: &MatchCase| case.pattern.depth.max(opt(case.guard)).max(block(case.body));
            cases.iter().map(one).max().unwrap_or(0).max(subject.depth)
        }
        StmtKind::Raise { exc, cause } => opt(exc).max(opt(cause)),
        StmtKind::Try(t) | StmtKind::TryStar(t) => {
            let one = |handler: &ExceptHandler| opt(handler.typ).max(block(handler.body));
            let handlers = t.handlers.iter().map(one).max().unwrap_or(0);
            handlers.max(block(t.body)).max(block(t.orelse)).max(block(t.finalbody))
        }
        StmtKind::Assert { test, msg } => test.depth.max(opt(msg)),
        StmtKind::Expr { value } => value.depth,
        StmtKind::Import { .. }
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global { .. }
        | StmtKind::Nonlocal { .. }
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => 0,
    }
}

/// The depth of the deepest child of a pattern.
fn pattern_depth(kind: &PatternKind) -> u32 {
    let all = |patterns: &[&Pattern]| patterns.iter().map(|pattern| pattern.depth).max().unwrap_or(0);
    match *kind {
        PatternKind::MatchValue { value } => value.depth,
        PatternKind::MatchSingleton { .. } | PatternKind::MatchStar { .. } => 0,
        PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => all(patterns),
        PatternKind::MatchMapping { keys, patterns, .. } => deepest(keys).max(all(patterns)),
        PatternKind::MatchClass { cls, patterns, kwd_patterns, .. } => {
            cls.depth.max(all(patterns)).max(all(kwd_patterns))
        }
        PatternKind::MatchAs { pattern, .. } => pattern.map_or(0, |pattern| pattern.depth),
    }
}
