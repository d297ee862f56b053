//! The abstract grammar of Python 3.14 as data: what the node classes are made from.

/// Which position attributes the nodes of a type have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    /// None.
    No,
    /// All four; the end may be missing.
    OptionalEnd,
    /// All four, the end included.
    Full,
}
use Attributes::{Full, No, OptionalEnd};

/// A type of the grammar: a sum of constructors, or a product if its only constructor has its name.
pub(super) struct TypeDef {
    pub name: &'static str,
    pub attributes: Attributes,
    pub constructors: &'static [&'static str],
}

/// The type of a field's values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldDef {
    /// `identifier`, `string`, `int`, `constant` or a type of the grammar.
    pub ty: &'static str,
    pub name: &'static str,
    pub optional: bool,
    pub list: bool,
}

const fn sum(name: &'static str, attributes: Attributes, constructors: &'static [&'static str]) -> TypeDef {
    TypeDef { name, attributes, constructors }
}

/// All types, in the order of the grammar.
pub(super) static TYPES: &[TypeDef] = &[
    sum(
        "mod",
        No,
        &[
            "Module(stmt* body, type_ignore* type_ignores)",
            "Interactive(stmt* body)",
            "Expression(expr body)",
            "FunctionType(expr* argtypes, expr returns)",
        ],
    ),
    sum(
        "stmt",
        OptionalEnd,
        &[
            "FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, \
             string? type_comment, type_param* type_params)",
            "AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, \
             string? type_comment, type_param* type_params)",
            "ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, \
             type_param* type_params)",
            "Return(expr? value)",
            "Delete(expr* targets)",
            "Assign(expr* targets, expr value, string? type_comment)",
            "TypeAlias(expr name, type_param* type_params, expr value)",
            "AugAssign(expr target, operator op, expr value)",
            "AnnAssign(expr target, expr annotation, expr? value, int simple)",
            "For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "While(expr test, stmt* body, stmt* orelse)",
            "If(expr test, stmt* body, stmt* orelse)",
            "With(withitem* items, stmt* body, string? type_comment)",
            "AsyncWith(withitem* items, stmt* body, string? type_comment)",
            "Match(expr subject, match_case* cases)",
            "Raise(expr? exc, expr? cause)",
            "Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "Assert(expr test, expr? msg)",
            "Import(alias* names)",
            "ImportFrom(identifier? module, alias* names, int? level)",
            "Global(identifier* names)",
            "Nonlocal(identifier* names)",
            "Expr(expr value)",
            "Pass",
            "Break",
            "Continue",
        ],
    ),
    sum(
        "expr",
        OptionalEnd,
        &[
            "BoolOp(boolop op, expr* values)",
            "NamedExpr(expr target, expr value)",
            "BinOp(expr left, operator op, expr right)",
            "UnaryOp(unaryop op, expr operand)",
            "Lambda(arguments args, expr body)",
            "IfExp(expr test, expr body, expr orelse)",
            "Dict(expr?* keys, expr* values)",
            "Set(expr* elts)",
            "ListComp(expr elt, comprehension* generators)",
            "SetComp(expr elt, comprehension* generators)",
            "DictComp(expr key, expr value, comprehension* generators)",
            "GeneratorExp(expr elt, comprehension* generators)",
            "Await(expr value)",
            "Yield(expr? value)",
            "YieldFrom(expr value)",
            "Compare(expr left, cmpop* ops, expr* comparators)",
            "Call(expr func, expr* args, keyword* keywords)",
            "FormattedValue(expr value, int conversion, expr? format_spec)",
            "Interpolation(expr value, constant str, int conversion, expr? format_spec)",
            "JoinedStr(expr* values)",
            "TemplateStr(expr* values)",
            "Constant(constant value, string? kind)",
            "Attribute(expr value, identifier attr, expr_context ctx)",
            "Subscript(expr value, expr slice, expr_context ctx)",
            "Starred(expr value, expr_context ctx)",
            "Name(identifier id, expr_context ctx)",
            "List(expr* elts, expr_context ctx)",
            "Tuple(expr* elts, expr_context ctx)",
            "Slice(expr? lower, expr? upper, expr? step)",
        ],
    ),
    sum("expr_context", No, &["Load", "Store", "Del"]),
    sum("boolop", No, &["And", "Or"]),
    sum(
        "operator",
        No,
        &[
            "Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift", "BitOr", "BitXor", "BitAnd",
            "FloorDiv",
        ],
    ),
    sum("unaryop", No, &["Invert", "Not", "UAdd", "USub"]),
    sum("cmpop", No, &["Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"]),
    sum("comprehension", No, &["comprehension(expr target, expr iter, expr* ifs, int is_async)"]),
    sum("excepthandler", OptionalEnd, &["ExceptHandler(expr? type, identifier? name, stmt* body)"]),
    sum(
        "arguments",
        No,
        &["arguments(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, \
           expr* defaults)"],
    ),
    sum("arg", OptionalEnd, &["arg(identifier arg, expr? annotation, string? type_comment)"]),
    sum("keyword", OptionalEnd, &["keyword(identifier? arg, expr value)"]),
    sum("alias", OptionalEnd, &["alias(identifier name, identifier? asname)"]),
    sum("withitem", No, &["withitem(expr context_expr, expr? optional_vars)"]),
    sum("match_case", No, &["match_case(pattern pattern, expr? guard, stmt* body)"]),
    sum(
        "pattern",
        Full,
        &[
            "MatchValue(expr value)",
            "MatchSingleton(constant value)",
            "MatchSequence(pattern* patterns)",
            "MatchMapping(expr* keys, pattern* patterns, identifier? rest)",
            "MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)",
            "MatchStar(identifier? name)",
            "MatchAs(pattern? pattern, identifier? name)",
            "MatchOr(pattern* patterns)",
        ],
    ),
    sum("type_ignore", No, &["TypeIgnore(int lineno, string tag)"]),
    sum(
        "type_param",
        Full,
        &[
            "TypeVar(identifier name, expr? bound, expr? default_value)",
            "ParamSpec(identifier name, expr? default_value)",
            "TypeVarTuple(identifier name, expr? default_value)",
        ],
    ),
];

impl TypeDef {
    /// Whether the type has one nameless constructor only.
    pub(super) fn is_product(&self) -> bool {
        matches!(self.constructors, [only] if split(only).0 == self.name)
    }

    /// The definition as the grammar writes it.
    pub(super) fn text(&self) -> String {
        if self.is_product() {
            return self.constructors.concat();
        }
        let bar = format!("\n{}| ", " ".repeat(self.name.len() + 1));
        format!("{} = {}", self.name, self.constructors.join(&bar))
    }
}

/// The name of a constructor and the text of its fields.
pub(super) fn split(constructor: &'static str) -> (&'static str, &'static str) {
    let (name, fields) = constructor.split_once('(').unwrap_or((constructor, ")"));
    (name, fields.trim_end_matches(')'))
}

/// The fields of a constructor.
pub(super) fn fields(constructor: &'static str) -> Vec<FieldDef> {
    let each = split(constructor).1.split(", ").filter(|field| !field.is_empty());
    each.filter_map(|field| {
        let (ty, name) = field.split_once(' ')?;
        Some(FieldDef {
            ty: ty.trim_end_matches(['?', '*']),
            name,
            optional: ty.ends_with('?'),
            list: ty.ends_with('*'),
        })
    })
    .collect()
}
