//! A uniform view of all nodes: class name, fields in order, position.
//!
//! The dump and the conversion to Python's `ast` objects are loops over this view; they name no node kind.

use super::*;

/// Any node, operators and contexts included.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "one variant per type of the abstract grammar")]
pub enum NodeRef<'a> {
    Mod(Mod<'a>),
    Stmt(&'a Stmt<'a>),
    Expr(&'a Expr<'a>),
    ExprContext(ExprContext),
    BoolOp(BoolOp),
    Operator(Operator),
    UnaryOp(UnaryOp),
    CmpOp(CmpOp),
    Comprehension(&'a Comprehension<'a>),
    ExceptHandler(&'a ExceptHandler<'a>),
    Arguments(&'a Arguments<'a>),
    Arg(&'a Arg<'a>),
    Keyword(&'a Keyword<'a>),
    Alias(&'a Alias<'a>),
    WithItem(&'a WithItem<'a>),
    MatchCase(&'a MatchCase<'a>),
    Pattern(&'a Pattern<'a>),
    TypeIgnore(&'a TypeIgnore<'a>),
    TypeParam(&'a TypeParam<'a>),
}

/// The value of a field.
#[derive(Clone, Debug)]
pub enum Field<'a> {
    /// An identifier or string; `None` where an optional one is missing.
    Text(Option<&'a str>),
    /// A list of identifiers.
    Texts(&'a [Identifier<'a>]),
    /// An `int`; `None` where an optional one is missing.
    Int(Option<i64>),
    /// A constant.
    Constant(Constant<'a>),
    /// A node that is always there.
    Node(NodeRef<'a>),
    /// A node that may be missing.
    OptionalNode(Option<NodeRef<'a>>),
    /// A list of nodes (`None` items occur in `Dict.keys` and `arguments.kw_defaults`).
    Nodes(Vec<Option<NodeRef<'a>>>),
}

type Fields<'a> = Vec<(&'static str, Field<'a>)>;

fn expr<'a>(node: &'a Expr<'a>) -> Field<'a> {
    Field::Node(NodeRef::Expr(node))
}
fn opt_expr<'a>(node: Option<&'a Expr<'a>>) -> Field<'a> {
    Field::OptionalNode(node.map(NodeRef::Expr))
}
fn exprs<'a>(nodes: &'a [&'a Expr<'a>]) -> Field<'a> {
    Field::Nodes(nodes.iter().map(|node| Some(NodeRef::Expr(node))).collect())
}
fn opt_exprs<'a>(nodes: &'a [Option<&'a Expr<'a>>]) -> Field<'a> {
    Field::Nodes(nodes.iter().map(|node| node.map(NodeRef::Expr)).collect())
}
fn stmts<'a>(nodes: &'a [&'a Stmt<'a>]) -> Field<'a> {
    Field::Nodes(nodes.iter().map(|node| Some(NodeRef::Stmt(node))).collect())
}
fn patterns<'a>(nodes: &'a [&'a Pattern<'a>]) -> Field<'a> {
    Field::Nodes(nodes.iter().map(|node| Some(NodeRef::Pattern(node))).collect())
}
fn list<'a, T>(nodes: &'a [T], wrap: fn(&'a T) -> NodeRef<'a>) -> Field<'a> {
    Field::Nodes(nodes.iter().map(|node| Some(wrap(node))).collect())
}
fn text(text: &str) -> Field<'_> {
    Field::Text(Some(text))
}
fn ctx<'a>(context: ExprContext) -> Field<'a> {
    Field::Node(NodeRef::ExprContext(context))
}

macro_rules! unit_names {
    ($value:expr, $ty:ident: $($name:ident)*) => { match $value { $($ty::$name => stringify!($name),)* } };
}

impl<'a> NodeRef<'a> {
    /// The name of the node's class in Python's `ast` module.
    pub fn class_name(self) -> &'static str {
        match self {
            NodeRef::Mod(node) => match node {
                Mod::Module { .. } => "Module",
                Mod::Interactive { .. } => "Interactive",
                Mod::Expression { .. } => "Expression",
                Mod::FunctionType { .. } => "FunctionType",
            },
            NodeRef::Stmt(node) => stmt_name(&node.kind),
            NodeRef::Expr(node) => expr_name(&node.kind),
            NodeRef::ExprContext(value) => unit_names!(value, ExprContext: Load Store Del),
            NodeRef::BoolOp(value) => unit_names!(value, BoolOp: And Or),
            NodeRef::Operator(value) => unit_names!(value, Operator: Add Sub Mult MatMult Div Mod Pow LShift RShift
                BitOr BitXor BitAnd FloorDiv),
            NodeRef::UnaryOp(value) => unit_names!(value, UnaryOp: Invert Not UAdd USub),
            NodeRef::CmpOp(value) => unit_names!(value, CmpOp: Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn),
            NodeRef::Comprehension(_) => "comprehension",
            NodeRef::ExceptHandler(_) => "ExceptHandler",
            NodeRef::Arguments(_) => "arguments",
            NodeRef::Arg(_) => "arg",
            NodeRef::Keyword(_) => "keyword",
            NodeRef::Alias(_) => "alias",
            NodeRef::WithItem(_) => "withitem",
            NodeRef::MatchCase(_) => "match_case",
            NodeRef::Pattern(node) => pattern_name(&node.kind),
            NodeRef::TypeIgnore(_) => "TypeIgnore",
            NodeRef::TypeParam(node) => match node.kind {
                TypeParamKind::TypeVar { .. } => "TypeVar",
                TypeParamKind::ParamSpec { .. } => "ParamSpec",
                TypeParamKind::TypeVarTuple { .. } => "TypeVarTuple",
            },
        }
    }

    /// The position, for the nodes that have `lineno` and its companions.
    pub fn span(self) -> Option<Span> {
        match self {
            NodeRef::Stmt(node) => Some(node.span),
            NodeRef::Expr(node) => Some(node.span),
            NodeRef::ExceptHandler(node) => Some(node.span),
            NodeRef::Arg(node) => Some(node.span),
            NodeRef::Keyword(node) => Some(node.span),
            NodeRef::Alias(node) => Some(node.span),
            NodeRef::Pattern(node) => Some(node.span),
            NodeRef::TypeParam(node) => Some(node.span),
            _ => None,
        }
    }

    /// The height of the tree below and including this node, at least.
    pub fn depth(self) -> u32 {
        let most = |depths: &mut dyn Iterator<Item = u32>| depths.max().unwrap_or(0);
        match self {
            NodeRef::Stmt(node) => node.depth,
            NodeRef::Expr(node) => node.depth,
            NodeRef::Pattern(node) => node.depth,
            NodeRef::Mod(Mod::Module { body, .. } | Mod::Interactive { body }) => {
                1 + most(&mut body.iter().map(|node| node.depth))
            }
            NodeRef::Mod(Mod::Expression { body }) => 1 + body.depth,
            NodeRef::Mod(Mod::FunctionType { argtypes, returns }) => {
                1 + returns.depth.max(most(&mut argtypes.iter().map(|node| node.depth)))
            }
            _ => 1,
        }
    }

    /// The fields with their names, in the order of the abstract grammar.
    pub fn fields(self) -> Fields<'a> {
        match self {
            NodeRef::Mod(node) => match node {
                Mod::Module { body, type_ignores } => {
                    vec![("body", stmts(body)), ("type_ignores", list(type_ignores, NodeRef::TypeIgnore))]
                }
                Mod::Interactive { body } => vec![("body", stmts(body))],
                Mod::Expression { body } => vec![("body", expr(body))],
                Mod::FunctionType { argtypes, returns } => {
                    vec![("argtypes", exprs(argtypes)), ("returns", expr(returns))]
                }
            },
            NodeRef::Stmt(node) => stmt_fields(&node.kind),
            NodeRef::Expr(node) => expr_fields(&node.kind),
            NodeRef::ExprContext(_)
            | NodeRef::BoolOp(_)
            | NodeRef::Operator(_)
            | NodeRef::UnaryOp(_)
            | NodeRef::CmpOp(_) => Vec::new(),
            NodeRef::Comprehension(node) => vec![
                ("target", expr(node.target)),
                ("iter", expr(node.iter)),
                ("ifs", exprs(node.ifs)),
                ("is_async", Field::Int(Some(node.is_async.into()))),
            ],
            NodeRef::ExceptHandler(node) => {
                vec![("type", opt_expr(node.typ)), ("name", Field::Text(node.name)), ("body", stmts(node.body))]
            }
            NodeRef::Arguments(node) => vec![
                ("posonlyargs", list(node.posonlyargs, NodeRef::Arg)),
                ("args", list(node.args, NodeRef::Arg)),
                ("vararg", Field::OptionalNode(node.vararg.map(NodeRef::Arg))),
                ("kwonlyargs", list(node.kwonlyargs, NodeRef::Arg)),
                ("kw_defaults", opt_exprs(node.kw_defaults)),
                ("kwarg", Field::OptionalNode(node.kwarg.map(NodeRef::Arg))),
                ("defaults", exprs(node.defaults)),
            ],
            NodeRef::Arg(node) => vec![
                ("arg", text(node.arg)),
                ("annotation", opt_expr(node.annotation)),
                ("type_comment", Field::Text(node.type_comment)),
            ],
            NodeRef::Keyword(node) => vec![("arg", Field::Text(node.arg)), ("value", expr(node.value))],
            NodeRef::Alias(node) => vec![("name", text(node.name)), ("asname", Field::Text(node.asname))],
            NodeRef::WithItem(node) => {
                vec![("context_expr", expr(node.context_expr)), ("optional_vars", opt_expr(node.optional_vars))]
            }
            NodeRef::MatchCase(node) => vec![
                ("pattern", Field::Node(NodeRef::Pattern(node.pattern))),
                ("guard", opt_expr(node.guard)),
                ("body", stmts(node.body)),
            ],
            NodeRef::Pattern(node) => pattern_fields(&node.kind),
            NodeRef::TypeIgnore(node) => {
                vec![("lineno", Field::Int(Some(node.lineno.into()))), ("tag", text(node.tag))]
            }
            NodeRef::TypeParam(node) => match node.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => {
                    vec![("name", text(name)), ("bound", opt_expr(bound)), ("default_value", opt_expr(default_value))]
                }
                TypeParamKind::ParamSpec { name, default_value }
                | TypeParamKind::TypeVarTuple { name, default_value } => {
                    vec![("name", text(name)), ("default_value", opt_expr(default_value))]
                }
            },
        }
    }
}

fn stmt_name(kind: &StmtKind) -> &'static str {
    macro_rules! names {
        (tuple: $($t:ident)*; fields: $($f:ident)*; unit: $($u:ident)*) => {
            match kind {
                $(StmtKind::$t(_) => stringify!($t),)*
                $(StmtKind::$f { .. } => stringify!($f),)*
                $(StmtKind::$u => stringify!($u),)*
            }
        };
    }
    names!(tuple: FunctionDef AsyncFunctionDef ClassDef For AsyncFor With AsyncWith Try TryStar;
        fields: Return Delete Assign TypeAlias AugAssign AnnAssign While If Match Raise Assert Import ImportFrom
            Global Nonlocal Expr;
        unit: Pass Break Continue)
}

fn expr_name(kind: &ExprKind) -> &'static str {
    macro_rules! names {
        ($($f:ident)*) => { match kind { $(ExprKind::$f { .. } => stringify!($f),)* } };
    }
    names!(BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Await Yield
        YieldFrom Compare Call FormattedValue Interpolation JoinedStr TemplateStr Constant Attribute Subscript Starred
        Name List Tuple Slice)
}

fn pattern_name(kind: &PatternKind) -> &'static str {
    macro_rules! names {
        ($($f:ident)*) => { match kind { $(PatternKind::$f { .. } => stringify!($f),)* } };
    }
    names!(MatchValue MatchSingleton MatchSequence MatchMapping MatchClass MatchStar MatchAs MatchOr)
}

fn stmt_fields<'a>(kind: &StmtKind<'a>) -> Fields<'a> {
    match *kind {
        StmtKind::FunctionDef(f) | StmtKind::AsyncFunctionDef(f) => vec![
            ("name", text(f.name)),
            ("args", Field::Node(NodeRef::Arguments(f.args))),
            ("body", stmts(f.body)),
            ("decorator_list", exprs(f.decorator_list)),
            ("returns", opt_expr(f.returns)),
            ("type_comment", Field::Text(f.type_comment)),
            ("type_params", list(f.type_params, NodeRef::TypeParam)),
        ],
        StmtKind::ClassDef(c) => vec![
            ("name", text(c.name)),
            ("bases", exprs(c.bases)),
            ("keywords", list(c.keywords, NodeRef::Keyword)),
            ("body", stmts(c.body)),
            ("decorator_list", exprs(c.decorator_list)),
            ("type_params", list(c.type_params, NodeRef::TypeParam)),
        ],
        StmtKind::Return { value } => vec![("value", opt_expr(value))],
        StmtKind::Delete { targets } => vec![("targets", exprs(targets))],
        StmtKind::Assign { targets, value, type_comment } => {
            vec![("targets", exprs(targets)), ("value", expr(value)), ("type_comment", Field::Text(type_comment))]
        }
        StmtKind::TypeAlias { name, type_params, value } => {
            vec![("name", expr(name)), ("type_params", list(type_params, NodeRef::TypeParam)), ("value", expr(value))]
        }
        StmtKind::AugAssign { target, op, value } => {
            vec![("target", expr(target)), ("op", Field::Node(NodeRef::Operator(op))), ("value", expr(value))]
        }
        StmtKind::AnnAssign { target, annotation, value, simple } => vec![
            ("target", expr(target)),
            ("annotation", expr(annotation)),
            ("value", opt_expr(value)),
            ("simple", Field::Int(Some(simple.into()))),
        ],
        StmtKind::For(f) | StmtKind::AsyncFor(f) => vec![
            ("target", expr(f.target)),
            ("iter", expr(f.iter)),
            ("body", stmts(f.body)),
            ("orelse", stmts(f.orelse)),
            ("type_comment", Field::Text(f.type_comment)),
        ],
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            vec![("test", expr(test)), ("body", stmts(body)), ("orelse", stmts(orelse))]
        }
        StmtKind::With(w) | StmtKind::AsyncWith(w) => vec![
            ("items", list(w.items, NodeRef::WithItem)),
            ("body", stmts(w.body)),
            ("type_comment", Field::Text(w.type_comment)),
        ],
        StmtKind::Match { subject, cases } => {
            vec![("subject", expr(subject)), ("cases", list(cases, NodeRef::MatchCase))]
        }
        StmtKind::Raise { exc, cause } => vec![("exc", opt_expr(exc)), ("cause", opt_expr(cause))],
        StmtKind::Try(t) | StmtKind::TryStar(t) => vec![
            ("body", stmts(t.body)),
            ("handlers", list(t.handlers, NodeRef::ExceptHandler)),
            ("orelse", stmts(t.orelse)),
            ("finalbody", stmts(t.finalbody)),
        ],
        StmtKind::Assert { test, msg } => vec![("test", expr(test)), ("msg", opt_expr(msg))],
        StmtKind::Import { names } => vec![("names", list(names, NodeRef::Alias))],
        StmtKind::ImportFrom { module, names, level } => vec![
            ("module", Field::Text(module)),
            ("names", list(names, NodeRef::Alias)),
            ("level", Field::Int(level.map(i64::from))),
        ],
        StmtKind::Global { names } | StmtKind::Nonlocal { names } => vec![("names", Field::Texts(names))],
        StmtKind::Expr { value } => vec![("value", expr(value))],
        StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Vec::new(),
    }
}

fn expr_fields<'a>(kind: &ExprKind<'a>) -> Fields<'a> {
    let generators_of = |generators: &'a [Comprehension<'a>]| list(generators, NodeRef::Comprehension);
    match *kind {
        ExprKind::BoolOp { op, values } => {
            vec![("op", Field::Node(NodeRef::BoolOp(op))), ("values", exprs(values))]
        }
        ExprKind::NamedExpr { target, value } => vec![("target", expr(target)), ("value", expr(value))],
        ExprKind::BinOp { left, op, right } => {
            vec![("left", expr(left)), ("op", Field::Node(NodeRef::Operator(op))), ("right", expr(right))]
        }
        ExprKind::UnaryOp { op, operand } => {
            vec![("op", Field::Node(NodeRef::UnaryOp(op))), ("operand", expr(operand))]
        }
        ExprKind::Lambda { args, body } => {
            vec![("args", Field::Node(NodeRef::Arguments(args))), ("body", expr(body))]
        }
        ExprKind::IfExp { test, body, orelse } => {
            vec![("test", expr(test)), ("body", expr(body)), ("orelse", expr(orelse))]
        }
        ExprKind::Dict { keys, values } => vec![("keys", opt_exprs(keys)), ("values", exprs(values))],
        ExprKind::Set { elts } => vec![("elts", exprs(elts))],
        ExprKind::ListComp { elt, generators }
        | ExprKind::SetComp { elt, generators }
        | ExprKind::GeneratorExp { elt, generators } => {
            vec![("elt", expr(elt)), ("generators", generators_of(generators))]
        }
        ExprKind::DictComp { key, value, generators } => {
            vec![("key", expr(key)), ("value", expr(value)), ("generators", generators_of(generators))]
        }
        ExprKind::Await { value } | ExprKind::YieldFrom { value } => vec![("value", expr(value))],
        ExprKind::Yield { value } => vec![("value", opt_expr(value))],
        ExprKind::Compare { left, ops, comparators } => vec![
            ("left", expr(left)),
            ("ops", Field::Nodes(ops.iter().map(|op| Some(NodeRef::CmpOp(*op))).collect())),
            ("comparators", exprs(comparators)),
        ],
        ExprKind::Call { func, args, keywords } => {
            vec![("func", expr(func)), ("args", exprs(args)), ("keywords", list(keywords, NodeRef::Keyword))]
        }
        ExprKind::FormattedValue { value, conversion, format_spec } => vec![
            ("value", expr(value)),
            ("conversion", Field::Int(Some(conversion.into()))),
            ("format_spec", opt_expr(format_spec)),
        ],
        ExprKind::Interpolation { value, str, conversion, format_spec } => vec![
            ("value", expr(value)),
            ("str", Field::Constant(*str)),
            ("conversion", Field::Int(Some(conversion.into()))),
            ("format_spec", opt_expr(format_spec)),
        ],
        ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => vec![("values", exprs(values))],
        ExprKind::Constant { value, kind } => {
            vec![("value", Field::Constant(value)), ("kind", Field::Text(kind))]
        }
        ExprKind::Attribute { value, attr, ctx: context } => {
            vec![("value", expr(value)), ("attr", text(attr)), ("ctx", ctx(context))]
        }
        ExprKind::Subscript { value, slice, ctx: context } => {
            vec![("value", expr(value)), ("slice", expr(slice)), ("ctx", ctx(context))]
        }
        ExprKind::Starred { value, ctx: context } => vec![("value", expr(value)), ("ctx", ctx(context))],
        ExprKind::Name { id, ctx: context } => vec![("id", text(id)), ("ctx", ctx(context))],
        ExprKind::List { elts, ctx: context } | ExprKind::Tuple { elts, ctx: context } => {
            vec![("elts", exprs(elts)), ("ctx", ctx(context))]
        }
        ExprKind::Slice { lower, upper, step } => {
            vec![("lower", opt_expr(lower)), ("upper", opt_expr(upper)), ("step", opt_expr(step))]
        }
    }
}

fn pattern_fields<'a>(kind: &PatternKind<'a>) -> Fields<'a> {
    match *kind {
        PatternKind::MatchValue { value } => vec![("value", expr(value))],
        PatternKind::MatchSingleton { value } => vec![("value", Field::Constant(value))],
        PatternKind::MatchSequence { patterns: items } | PatternKind::MatchOr { patterns: items } => {
            vec![("patterns", patterns(items))]
        }
        PatternKind::MatchMapping { keys, patterns: items, rest } => {
            vec![("keys", exprs(keys)), ("patterns", patterns(items)), ("rest", Field::Text(rest))]
        }
        PatternKind::MatchClass { cls, patterns: items, kwd_attrs, kwd_patterns } => vec![
            ("cls", expr(cls)),
            ("patterns", patterns(items)),
            ("kwd_attrs", Field::Texts(kwd_attrs)),
            ("kwd_patterns", patterns(kwd_patterns)),
        ],
        PatternKind::MatchStar { name } => vec![("name", Field::Text(name))],
        PatternKind::MatchAs { pattern, name } => {
            vec![("pattern", Field::OptionalNode(pattern.map(NodeRef::Pattern))), ("name", Field::Text(name))]
        }
    }
}
