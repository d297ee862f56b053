//! Type parameters, generic functions and classes, type aliases.

use super::function::Defaults;
use super::unit::{Opnd, UnitKind};
use super::{Compiler, R};
use crate::code::{Code, Const};
use crate::op::{FunctionAttr, Opcode};
use crate::symtable::{Role, ScopeId, known};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    /// The function, made inside a scope of its type parameters, in the next temporary.
    pub(super) fn generic_function(
        &mut self,
        f: &'a FunctionDef<'a>,
        stmt: &'a Stmt<'a>,
        is_async: bool,
        start: u32,
    ) -> R {
        let span = stmt.span;
        let depth = self.u.depth;
        // The defaults are evaluated outside and passed to the scope, whose call window they stand in.
        self.u.set_depth(depth + 2);
        let defaults = self.defaults(f.args, span)?;
        let count = u32::from(defaults.positional.is_some()) + u32::from(defaults.keyword.is_some());
        self.enter_type_params(f, f.name, start, stmt)?;
        self.u.arg_count = count;
        self.prologue();
        let params = self.type_params(f.type_params, span)?;
        let mut inner = Defaults::default();
        for (outer, slot, name) in [
            (defaults.positional, &mut inner.positional, known::DOT_DEFAULTS),
            (defaults.keyword, &mut inner.keyword, known::DOT_KWDEFAULTS),
        ] {
            if outer.is_some() {
                let temp = Opnd::Temp(self.u.depth);
                *slot = Some(self.load(name, span, Some(temp))?);
            }
        }
        let function = self.function_object(f, stmt, is_async, start, inner)?;
        // An attribute is set on a fresh function only: the function is the value that was made last.
        self.u.emit(Opcode::SetFunctionAttr, function, params, Opnd::Imm(FunctionAttr::TypeParams as u32), span);
        self.u.emit1(Opcode::Return, function, span);
        let code = self.finish()?;
        self.call_scope(depth, code, count, span)
    }

    pub(super) fn generic_class(&mut self, class: &'a ClassDef<'a>, stmt: &'a Stmt<'a>, start: u32) -> R {
        let span = stmt.span;
        let depth = self.u.depth;
        self.u.set_depth(depth + 2);
        self.enter_type_params(class, class.name, start, stmt)?;
        let private = self.table.names.intern(class.name);
        self.u.private = Some(private);
        self.prologue();
        let params = self.type_params(class.type_params, span)?;
        self.store(known::DOT_TYPE_PARAMS, params, span)?;
        self.u.depth = 0;
        let code = self.class_body(class, stmt, start)?;
        let result = self.build_class(class, code, true, span)?;
        self.u.emit1(Opcode::Return, result, span);
        let code = self.finish()?;
        self.call_scope(depth, code, 0, span)
    }

    #[inline(never)]
    pub(super) fn type_alias(
        &mut self,
        stmt: &'a Stmt<'a>,
        name: &'a Expr<'a>,
        type_params: &'a [TypeParam<'a>],
        value: &'a Expr<'a>,
    ) -> R {
        let span = stmt.span;
        let ExprKind::Name { id, .. } = name.kind else { return self.error(name.span, "type alias needs a name") };
        let depth = self.u.depth;
        let result = if type_params.is_empty() {
            self.alias_object(stmt, id, None, value)?
        } else {
            self.u.set_depth(depth + 2);
            self.enter_type_params(stmt, id, span.start, stmt)?;
            self.prologue();
            let alias = self.alias_object(stmt, id, Some(type_params), value)?;
            self.u.emit1(Opcode::Return, alias, span);
            let code = self.finish()?;
            self.call_scope(depth, code, 0, span)?;
            Opnd::Temp(depth)
        };
        self.store_name(id, result, span)?;
        self.u.depth = depth;
        Ok(())
    }

    fn alias_object(
        &mut self,
        stmt: &'a Stmt<'a>,
        id: &'a str,
        type_params: Option<&'a [TypeParam<'a>]>,
        value: &'a Expr<'a>,
    ) -> R<Opnd> {
        let span = stmt.span;
        let window = self.u.depth;
        let name = self.u.konst(Const::str(id));
        let slot = Opnd::Temp(self.u.push());
        self.copy(slot, name, span);
        match type_params {
            Some(params) => {
                self.type_params(params, span)?;
            }
            None => {
                let none = self.u.konst(Const::None);
                let slot = Opnd::Temp(self.u.push());
                self.copy(slot, none, span);
            }
        }
        let Some(scope) = self.table.of(stmt, Role::Body) else { return self.error(span, "no scope") };
        self.lazy_value(scope, id, value, false, span)?;
        let alias = self.target(window, None);
        self.u.emit2(Opcode::MakeTypeAlias, alias, Opnd::Temp(window), span);
        Ok(alias)
    }

    fn enter_type_params<T>(&mut self, node: &T, name: &str, start: u32, stmt: &Stmt<'_>) -> R {
        let Some(scope) = self.table.of(node, Role::TypeParams) else { return self.error(stmt.span, "no scope") };
        self.enter(UnitKind::TypeParams, scope, &format!("<generic parameters of {name}>"), start);
        Ok(())
    }

    /// Calls the scope of type parameters: its function goes to temporary `depth`, `count` arguments are in place.
    fn call_scope(&mut self, depth: u32, code: Code, count: u32, span: Span) -> R {
        let window = Opnd::Temp(depth);
        let function = self.closure(code, Defaults::default(), None, span)?;
        self.u.emit2(Opcode::Move, window, function, span);
        self.emit_call(depth, count, &[], false, span, None);
        Ok(())
    }

    /// Makes the type parameters, binds their names, and leaves their tuple in the next temporary.
    fn type_params(&mut self, params: &'a [TypeParam<'a>], span: Span) -> R<Opnd> {
        let window = self.u.depth;
        let mut seen_default = false;
        for param in params {
            let (id, bound, default) = match param.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => (name, bound, default_value),
                TypeParamKind::ParamSpec { name, default_value }
                | TypeParamKind::TypeVarTuple { name, default_value } => (name, None, default_value),
            };
            let slot = Opnd::Temp(self.u.push());
            let depth = self.u.depth;
            let name = self.u.konst(Const::str(id));
            let name = self.near(name, param.span);
            let op = match param.kind {
                TypeParamKind::TypeVar { .. } => Opcode::MakeTypeVar,
                TypeParamKind::ParamSpec { .. } => Opcode::MakeParamSpec,
                TypeParamKind::TypeVarTuple { .. } => Opcode::MakeTypeVarTuple,
            };
            match bound {
                Some(bound) => {
                    let Some(scope) = self.table.of(param, Role::Bound) else {
                        return self.error(param.span, "no scope");
                    };
                    let value = self.lazy_value(scope, id, bound, false, bound.span)?;
                    let op = match bound.kind {
                        ExprKind::Tuple { .. } => Opcode::MakeTypeVarWithConstraints,
                        _ => Opcode::MakeTypeVarWithBound,
                    };
                    self.u.emit(op, slot, name, value, param.span);
                }
                None => self.u.emit2(op, slot, name, param.span),
            }
            self.u.depth = depth;
            match default {
                Some(default) => {
                    seen_default = true;
                    let Some(scope) = self.table.of(param, Role::Default) else {
                        return self.error(param.span, "no scope");
                    };
                    let starred = matches!(param.kind, TypeParamKind::TypeVarTuple { .. });
                    let value = self.lazy_value(scope, id, default, starred, default.span)?;
                    self.u.emit(Opcode::SetTypeParamDefault, slot, slot, value, param.span);
                }
                None if seen_default => {
                    let msg = format!("non-default type parameter '{id}' follows default type parameter");
                    return self.error(param.span, msg);
                }
                None => {}
            }
            self.u.depth = depth;
            self.store_copy(id, slot, param.span)?;
        }
        let tuple = self.target(window, None);
        self.u.emit(Opcode::BuildTuple, tuple, Opnd::Temp(window), Opnd::Imm(params.len() as u32), span);
        Ok(tuple)
    }

    /// A function that evaluates `value` when asked, in the next temporary.
    fn lazy_value(&mut self, scope: ScopeId, id: &str, value: &'a Expr<'a>, starred: bool, span: Span) -> R<Opnd> {
        let defaults = self.u.konst(Const::Tuple([Const::Int(1)].into()));
        let slot = Opnd::Temp(self.u.push());
        self.copy(slot, defaults, span);
        let name = self.table.names.intern(id);
        self.enter_annotations(scope, name, span)?;
        let result = match value.kind {
            ExprKind::Starred { value: inner, .. } if starred => self.starred_value(inner, value.span)?,
            _ => self.expr(value)?,
        };
        let result = self.near(result, span);
        self.u.emit1(Opcode::Return, result, value.span);
        let code = self.finish()?;
        self.closure(code, Defaults { positional: Some(slot), keyword: None }, None, span)
    }
}
