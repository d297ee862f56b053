//! The first pass over expressions.

use super::build::{Builder, R};
use super::{Comprehension as Kind, Name, Role, ScopeKind, def, key, known};
use cinder_syntax::ast::*;

impl<'a> Builder<'_> {
    pub fn exprs(&mut self, exprs: &'a [&'a Expr<'a>]) -> R {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    pub fn opt(&mut self, expr: Option<&'a Expr<'a>>) -> R {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    pub fn keywords(&mut self, keywords: &'a [Keyword<'a>]) -> R {
        for keyword in keywords {
            if let Some(arg) = keyword.arg {
                self.check_name(arg, keyword.span, ExprContext::Store)?;
            }
        }
        keywords.iter().try_for_each(|keyword| self.expr(keyword.value))
    }

    pub fn expr(&mut self, expr: &'a Expr<'a>) -> R {
        match expr.kind {
            ExprKind::NamedExpr { target, value } => {
                self.forbid_in_annotation("named expression", expr)?;
                if self.cur().comp_iter_expr > 0 {
                    let msg = "assignment expression cannot be used in a comprehension iterable expression";
                    return self.error(expr.span, msg);
                }
                self.cur_mut().has_walrus = true;
                if self.cur().comprehension != Kind::None {
                    self.extend_walrus(target)?;
                }
                self.expr(value)?;
                self.expr(target)
            }
            ExprKind::BoolOp { values, .. } => self.exprs(values),
            ExprKind::BinOp { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.expr(operand),
            ExprKind::Lambda { args, body } => {
                self.defaults(args)?;
                self.enter(known::LAMBDA, ScopeKind::Function, Some((key(expr), Role::Body)), expr.span)?;
                self.parameters(args)?;
                self.expr(body)?;
                self.exit();
                Ok(())
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test)?;
                self.expr(body)?;
                self.expr(orelse)
            }
            ExprKind::Dict { keys, values } => {
                keys.iter().try_for_each(|key| self.opt(*key))?;
                self.exprs(values)
            }
            ExprKind::ListComp { elt, generators } => {
                self.comprehension(expr, known::LISTCOMP, Kind::List, generators, elt, None)
            }
            ExprKind::SetComp { elt, generators } => {
                self.comprehension(expr, known::SETCOMP, Kind::Set, generators, elt, None)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(expr, known::DICTCOMP, Kind::Dict, generators, key, Some(value))
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(expr, known::GENEXPR, Kind::Generator, generators, elt, None)
            }
            ExprKind::Await { value } => {
                self.forbid_in_annotation("await expression", expr)?;
                if !self.awaits_at_top_level() {
                    if !self.cur().is_function_like() {
                        return self.error(expr.span, "'await' outside function");
                    }
                    if !self.cur().coroutine && self.cur().comprehension == Kind::None {
                        return self.error(expr.span, "'await' outside async function");
                    }
                }
                self.expr(value)?;
                self.cur_mut().coroutine = true;
                Ok(())
            }
            ExprKind::Yield { value } => {
                self.forbid_in_annotation("yield expression", expr)?;
                self.opt(value)?;
                self.yields(expr)
            }
            ExprKind::YieldFrom { value } => {
                self.forbid_in_annotation("yield expression", expr)?;
                self.expr(value)?;
                self.yields(expr)
            }
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left)?;
                self.exprs(comparators)
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func)?;
                self.exprs(args)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.expr(value)?;
                self.opt(format_spec)
            }
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Attribute { value, attr, ctx } => {
                self.check_name(attr, expr.span, ctx)?;
                self.expr(value)
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value)?;
                self.expr(slice)
            }
            ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Slice { lower, upper, step } => {
                self.opt(lower)?;
                self.opt(upper)?;
                self.opt(step)
            }
            ExprKind::Name { id, ctx } => self.name(id, ctx, expr.span),
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts),
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => self.exprs(values),
        }
    }

    fn name(&mut self, id: &str, ctx: ExprContext, span: Span) -> R {
        if self.cur().in_unevaluated_annotation {
            return Ok(());
        }
        match ctx {
            ExprContext::Load => {
                self.add(id, def::USE, span)?;
                if id == "super" && self.cur().is_function_like() {
                    self.add_def(known::CLASS, def::USE, span)?;
                }
            }
            ExprContext::Store => self.add(id, def::LOCAL, span)?,
            ExprContext::Del => {
                self.check_name(id, span, ctx)?;
                self.add(id, def::LOCAL, span)?;
                let name = self.mangle(id);
                self.cur_mut().deleted.insert(name);
            }
        }
        Ok(())
    }

    fn yields(&mut self, expr: &Expr) -> R {
        let place = match self.cur().comprehension {
            Kind::None => {
                self.cur_mut().generator = true;
                return Ok(());
            }
            Kind::List => "list comprehension",
            Kind::Set => "set comprehension",
            Kind::Dict => "dict comprehension",
            Kind::Generator => "generator expression",
        };
        self.error(expr.span, format!("'yield' inside {place}"))
    }

    /// Some expressions may not stand where code is evaluated lazily.
    fn forbid_in_annotation(&mut self, what: &str, expr: &Expr) -> R {
        let place = match self.cur().kind {
            ScopeKind::Annotation => "an annotation",
            ScopeKind::TypeVariable => self.cur().variable_info,
            ScopeKind::TypeAlias => "a type alias",
            ScopeKind::TypeParameters => "the definition of a generic",
            _ => return Ok(()),
        };
        self.error(expr.span, format!("{what} cannot be used within {place}"))
    }

    /// Binds the target of an assignment expression inside a comprehension where it belongs: in the scope around.
    fn extend_walrus(&mut self, target: &Expr) -> R {
        let ExprKind::Name { id, .. } = target.kind else { return Ok(()) };
        let name = self.mangle(id);
        let span = target.span;
        for at in (0..self.stack.len()).rev() {
            let id_at = self.stack[at];
            let scope = &mut self.scopes[id_at.0 as usize];
            scope.has_walrus = true;
            let flags = scope.symbols.get(&name).map_or(0, |symbol| symbol.flags);
            if scope.comprehension != Kind::None {
                if flags & def::COMP_ITER != 0 && flags & (def::LOCAL | def::GLOBAL) != 0 {
                    let msg = format!("assignment expression cannot rebind comprehension iteration variable '{id}'");
                    return self.error(span, msg);
                }
                continue;
            }
            let place = match scope.kind {
                ScopeKind::Function => {
                    let flag = if flags & def::GLOBAL != 0 { def::GLOBAL } else { def::NONLOCAL };
                    return self.bind_walrus(name, flag, id_at, def::LOCAL, span);
                }
                ScopeKind::Module => return self.bind_walrus(name, def::GLOBAL, id_at, def::GLOBAL, span),
                ScopeKind::Class => "in a class body",
                ScopeKind::TypeParameters => "within the definition of a generic",
                ScopeKind::TypeAlias => "in a type alias",
                ScopeKind::TypeVariable => "in a TypeVar bound",
                ScopeKind::Annotation => "within an annotation",
            };
            let msg = format!("assignment expression within a comprehension cannot be used {place}");
            return self.error(span, msg);
        }
        Ok(())
    }

    fn bind_walrus(&mut self, name: Name, flag: u16, outer: super::ScopeId, outer_flag: u16, span: Span) -> R {
        self.add_def(name, flag, span)?;
        self.cur_mut().directives.push((name, span));
        self.add_def_in(outer, name, outer_flag, span)
    }

    fn comprehension(
        &mut self,
        expr: &'a Expr<'a>,
        name: Name,
        kind: Kind,
        generators: &'a [Comprehension<'a>],
        elt: &'a Expr<'a>,
        value: Option<&'a Expr<'a>>,
    ) -> R {
        let Some((first, rest)) = generators.split_first() else { return Ok(()) };
        self.cur_mut().comp_iter_expr += 1;
        self.expr(first.iter)?;
        self.cur_mut().comp_iter_expr -= 1;
        let unevaluated = self.cur().in_unevaluated_annotation;
        self.enter(name, ScopeKind::Function, Some((key(expr), Role::Body)), expr.span)?;
        let scope = self.cur_mut();
        scope.comprehension = kind;
        scope.coroutine = first.is_async;
        scope.in_unevaluated_annotation = unevaluated;
        self.add_def(known::DOT_ZERO, def::PARAM, expr.span)?;
        self.comp_target(first)?;
        self.exprs(first.ifs)?;
        for generator in rest {
            self.comp_target(generator)?;
            self.cur_mut().comp_iter_expr += 1;
            self.expr(generator.iter)?;
            self.cur_mut().comp_iter_expr -= 1;
            self.exprs(generator.ifs)?;
            if generator.is_async {
                self.cur_mut().coroutine = true;
            }
        }
        self.opt(value)?;
        self.expr(elt)?;
        self.cur_mut().generator = kind == Kind::Generator;
        let is_async = self.cur().coroutine && kind != Kind::Generator;
        self.exit();
        if is_async {
            let allowed = self.cur().coroutine || self.cur().comprehension != Kind::None || self.awaits_at_top_level();
            if !allowed {
                return self.error(expr.span, "asynchronous comprehension outside of an asynchronous function");
            }
            self.cur_mut().coroutine = true;
        }
        Ok(())
    }

    fn comp_target(&mut self, generator: &'a Comprehension<'a>) -> R {
        self.cur_mut().comp_iter_target = true;
        self.expr(generator.target)?;
        self.cur_mut().comp_iter_target = false;
        Ok(())
    }
}
