//! What a tree must obey beyond the types of its fields, before it can be compiled.

use cinder_pyobj::{Ctx, PyResult};
use cinder_syntax::ast::*;

use super::patterns::Patterns;

/// Checks a whole tree.
pub(super) fn module(cx: &Ctx, tree: Mod<'_>) -> PyResult<()> {
    let v = Validator { cx };
    match tree {
        Mod::Module { body, .. } | Mod::Interactive { body } => v.stmts(body),
        Mod::Expression { body } => v.load(body),
        Mod::FunctionType { argtypes, returns } => {
            v.exprs(argtypes, ExprContext::Load)?;
            v.load(returns)
        }
    }
}

pub(super) struct Validator<'c> {
    pub cx: &'c Ctx,
}

fn context_name(context: ExprContext) -> &'static str {
    NodeRef::ExprContext(context).class_name()
}

impl Validator<'_> {
    pub(super) fn value_error<T>(&self, message: impl AsRef<str>) -> PyResult<T> {
        Err(self.cx.value_error(message))
    }

    fn type_error<T>(&self, message: &str) -> PyResult<T> {
        Err(self.cx.type_error(message))
    }

    pub(super) fn name(&self, name: &str) -> PyResult<()> {
        if matches!(name, "None" | "True" | "False") {
            return self.value_error(format!("identifier field can't represent '{name}' constant"));
        }
        Ok(())
    }

    pub(super) fn load(&self, expr: &Expr<'_>) -> PyResult<()> {
        self.expr(expr, ExprContext::Load)
    }

    fn opt_load(&self, expr: Option<&Expr<'_>>) -> PyResult<()> {
        expr.map_or(Ok(()), |expr| self.load(expr))
    }

    fn exprs(&self, exprs: &[&Expr<'_>], context: ExprContext) -> PyResult<()> {
        exprs.iter().try_for_each(|expr| self.expr(expr, context))
    }

    fn opt_exprs(&self, exprs: &[Option<&Expr<'_>>]) -> PyResult<()> {
        exprs.iter().flatten().try_for_each(|expr| self.load(expr))
    }

    fn expr(&self, expr: &Expr<'_>, context: ExprContext) -> PyResult<()> {
        self.cx.check_stack(" during compilation")?;
        let own = match expr.kind {
            ExprKind::Attribute { ctx, .. }
            | ExprKind::Subscript { ctx, .. }
            | ExprKind::Starred { ctx, .. }
            | ExprKind::List { ctx, .. }
            | ExprKind::Tuple { ctx, .. } => Some(ctx),
            ExprKind::Name { id, ctx } => {
                self.name(id)?;
                Some(ctx)
            }
            _ => None,
        };
        match own {
            None if context != ExprContext::Load => {
                let wanted = context_name(context);
                return self.value_error(format!("expression which can't be assigned to in {wanted} context"));
            }
            Some(own) if own != context => {
                let (wanted, own) = (context_name(context), context_name(own));
                return self.value_error(format!("expression must have {wanted} context but has {own} instead"));
            }
            _ => {}
        }
        match expr.kind {
            ExprKind::BoolOp { values, .. } => {
                if values.len() < 2 {
                    return self.value_error("BoolOp with less than 2 values");
                }
                self.exprs(values, ExprContext::Load)
            }
            ExprKind::NamedExpr { target, value } => {
                if !matches!(target.kind, ExprKind::Name { .. }) {
                    return self.type_error("NamedExpr target must be a Name");
                }
                self.load(value)
            }
            ExprKind::BinOp { left, right, .. } => {
                self.load(left)?;
                self.load(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.load(operand),
            ExprKind::Lambda { args, body } => {
                self.arguments(args)?;
                self.load(body)
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.load(test)?;
                self.load(body)?;
                self.load(orelse)
            }
            ExprKind::Dict { keys, values } => {
                if keys.len() != values.len() {
                    return self.value_error("Dict doesn't have the same number of keys as values");
                }
                self.opt_exprs(keys)?;
                self.exprs(values, ExprContext::Load)
            }
            ExprKind::Set { elts } => self.exprs(elts, ExprContext::Load),
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.generators(generators)?;
                self.load(elt)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.generators(generators)?;
                self.load(key)?;
                self.load(value)
            }
            ExprKind::Yield { value } => self.opt_load(value),
            ExprKind::Await { value } | ExprKind::YieldFrom { value } => self.load(value),
            ExprKind::Compare { left, ops, comparators } => {
                if comparators.is_empty() {
                    return self.value_error("Compare with no comparators");
                }
                if comparators.len() != ops.len() {
                    return self.value_error("Compare has a different number of comparators and operands");
                }
                self.exprs(comparators, ExprContext::Load)?;
                self.load(left)
            }
            ExprKind::Call { func, args, keywords } => {
                self.load(func)?;
                self.exprs(args, ExprContext::Load)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.load(value)?;
                self.opt_load(format_spec)
            }
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => self.exprs(values, ExprContext::Load),
            ExprKind::Attribute { value, .. } => self.load(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.load(slice)?;
                self.load(value)
            }
            ExprKind::Starred { value, .. } => self.expr(value, context),
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts, context),
            ExprKind::Slice { lower, upper, step } => {
                [lower, upper, step].into_iter().try_for_each(|part| self.opt_load(part))
            }
            ExprKind::Constant { .. } | ExprKind::Name { .. } => Ok(()),
        }
    }

    fn generators(&self, generators: &[Comprehension<'_>]) -> PyResult<()> {
        if generators.is_empty() {
            return self.value_error("comprehension with no generators");
        }
        generators.iter().try_for_each(|generator| {
            self.expr(generator.target, ExprContext::Store)?;
            self.load(generator.iter)?;
            self.exprs(generator.ifs, ExprContext::Load)
        })
    }

    fn keywords(&self, keywords: &[Keyword<'_>]) -> PyResult<()> {
        keywords.iter().try_for_each(|keyword| self.load(keyword.value))
    }

    fn arguments(&self, args: &Arguments<'_>) -> PyResult<()> {
        let all = args.posonlyargs.iter().chain(args.args).chain(args.vararg).chain(args.kwonlyargs).chain(args.kwarg);
        for arg in all {
            self.opt_load(arg.annotation)?;
        }
        if args.defaults.len() > args.posonlyargs.len() + args.args.len() {
            return self.value_error("more positional defaults than args on arguments");
        }
        if args.kw_defaults.len() != args.kwonlyargs.len() {
            return self.value_error("length of kwonlyargs is not the same as kw_defaults on arguments");
        }
        self.exprs(args.defaults, ExprContext::Load)?;
        self.opt_exprs(args.kw_defaults)
    }

    fn filled<T>(&self, items: &[T], what: &str, owner: &str) -> PyResult<()> {
        if items.is_empty() { self.value_error(format!("empty {what} on {owner}")) } else { Ok(()) }
    }

    fn body(&self, body: &[&Stmt<'_>], owner: &str) -> PyResult<()> {
        self.filled(body, "body", owner)?;
        self.stmts(body)
    }

    fn stmts(&self, stmts: &[&Stmt<'_>]) -> PyResult<()> {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn type_params(&self, params: &[TypeParam<'_>]) -> PyResult<()> {
        for param in params {
            let (name, bound, default_value) = match param.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => (name, bound, default_value),
                TypeParamKind::ParamSpec { name, default_value }
                | TypeParamKind::TypeVarTuple { name, default_value } => (name, None, default_value),
            };
            self.name(name)?;
            self.opt_load(bound)?;
            self.opt_load(default_value)?;
        }
        Ok(())
    }

    fn stmt(&self, stmt: &Stmt<'_>) -> PyResult<()> {
        self.cx.check_stack(" during compilation")?;
        let owner = NodeRef::Stmt(stmt).class_name();
        match stmt.kind {
            StmtKind::FunctionDef(function) | StmtKind::AsyncFunctionDef(function) => {
                self.body(function.body, owner)?;
                self.type_params(function.type_params)?;
                self.arguments(function.args)?;
                self.exprs(function.decorator_list, ExprContext::Load)?;
                self.opt_load(function.returns)
            }
            StmtKind::ClassDef(class) => {
                self.body(class.body, owner)?;
                self.type_params(class.type_params)?;
                self.exprs(class.bases, ExprContext::Load)?;
                self.keywords(class.keywords)?;
                self.exprs(class.decorator_list, ExprContext::Load)
            }
            StmtKind::Return { value } => self.opt_load(value),
            StmtKind::Delete { targets } => {
                self.filled(targets, "targets", owner)?;
                self.exprs(targets, ExprContext::Del)
            }
            StmtKind::Assign { targets, value, .. } => {
                self.filled(targets, "targets", owner)?;
                self.exprs(targets, ExprContext::Store)?;
                self.load(value)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target, ExprContext::Store)?;
                self.load(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                if simple && !matches!(target.kind, ExprKind::Name { .. }) {
                    return self.type_error("AnnAssign with simple non-Name target");
                }
                self.expr(target, ExprContext::Store)?;
                self.opt_load(value)?;
                self.load(annotation)
            }
            StmtKind::TypeAlias { name, type_params, value } => {
                if !matches!(name.kind, ExprKind::Name { .. }) {
                    return self.type_error("TypeAlias with non-Name name");
                }
                self.expr(name, ExprContext::Store)?;
                self.type_params(type_params)?;
                self.load(value)
            }
            StmtKind::For(each) | StmtKind::AsyncFor(each) => {
                self.expr(each.target, ExprContext::Store)?;
                self.load(each.iter)?;
                self.body(each.body, owner)?;
                self.stmts(each.orelse)
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.load(test)?;
                self.body(body, owner)?;
                self.stmts(orelse)
            }
            StmtKind::With(with) | StmtKind::AsyncWith(with) => {
                self.filled(with.items, "items", owner)?;
                for item in with.items {
                    self.load(item.context_expr)?;
                    item.optional_vars.map_or(Ok(()), |target| self.expr(target, ExprContext::Store))?;
                }
                self.body(with.body, owner)
            }
            StmtKind::Match { subject, cases } => {
                self.filled(cases, "cases", owner)?;
                self.load(subject)?;
                for case in cases {
                    self.pattern(case.pattern, false)?;
                    self.opt_load(case.guard)?;
                    self.body(case.body, "match_case")?;
                }
                Ok(())
            }
            StmtKind::Raise { exc, cause } => {
                if exc.is_none() && cause.is_some() {
                    return self.value_error("Raise with cause but no exception");
                }
                self.opt_load(exc)?;
                self.opt_load(cause)
            }
            StmtKind::Try(tried) | StmtKind::TryStar(tried) => {
                self.body(tried.body, owner)?;
                if tried.handlers.is_empty() && tried.finalbody.is_empty() {
                    return self.value_error(format!("{owner} has neither except handlers nor finalbody"));
                }
                if tried.handlers.is_empty() && !tried.orelse.is_empty() {
                    return self.value_error(format!("{owner} has orelse but no except handlers"));
                }
                for handler in tried.handlers {
                    self.opt_load(handler.typ)?;
                    self.body(handler.body, "ExceptHandler")?;
                }
                self.stmts(tried.finalbody)?;
                self.stmts(tried.orelse)
            }
            StmtKind::Assert { test, msg } => {
                self.load(test)?;
                self.opt_load(msg)
            }
            StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => self.filled(names, "names", owner),
            StmtKind::Global { names } | StmtKind::Nonlocal { names } => self.filled(names, "names", owner),
            StmtKind::Expr { value } => self.load(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
        }
    }
}
