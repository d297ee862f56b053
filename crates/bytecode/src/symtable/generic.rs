//! The first pass over type parameters and type aliases.

use super::build::{Builder, R};
use super::{Name, Role, ScopeKind, def, key, known};
use cinder_syntax::ast::*;

impl<'a> Builder<'_> {
    pub fn type_alias(
        &mut self,
        stmt: &'a Stmt<'a>,
        name: &'a Expr<'a>,
        type_params: &'a [TypeParam<'a>],
        value: &'a Expr<'a>,
    ) -> R {
        self.expr(name)?;
        let text = if let ExprKind::Name { id, .. } = name.kind { id } else { "" };
        let alias = self.names.intern(text);
        let generic = !type_params.is_empty();
        let is_in_class = self.cur().kind == ScopeKind::Class;
        if generic {
            self.type_param_block(alias, key(stmt), false, false, false, stmt.span)?;
            self.type_params(type_params)?;
        }
        self.enter(alias, ScopeKind::TypeAlias, Some((key(stmt), Role::Body)), stmt.span)?;
        if is_in_class {
            self.see_class(value.span)?;
        }
        self.expr(value)?;
        self.exit();
        if generic {
            self.exit();
        }
        Ok(())
    }

    pub fn type_param_block(
        &mut self,
        name: Name,
        node: usize,
        has_defaults: bool,
        has_kwdefaults: bool,
        is_class: bool,
        span: Span,
    ) -> R {
        let in_class = self.cur().kind == ScopeKind::Class;
        self.enter(name, ScopeKind::TypeParameters, Some((node, Role::TypeParams)), span)?;
        if in_class {
            self.see_class(span)?;
        }
        if is_class {
            self.add_def(known::DOT_TYPE_PARAMS, def::LOCAL | def::USE, span)?;
            self.add_def(known::DOT_GENERIC_BASE, def::LOCAL | def::USE, span)?;
        }
        if has_defaults {
            self.add_def(known::DOT_DEFAULTS, def::PARAM, span)?;
        }
        if has_kwdefaults {
            self.add_def(known::DOT_KWDEFAULTS, def::PARAM, span)?;
        }
        Ok(())
    }

    pub fn type_params(&mut self, params: &'a [TypeParam<'a>]) -> R {
        for param in params {
            let (name, bound, default, info) = match param.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => {
                    (name, bound, default_value, "a TypeVar default")
                }
                TypeParamKind::ParamSpec { name, default_value } => (name, None, default_value, "a ParamSpec default"),
                TypeParamKind::TypeVarTuple { name, default_value } => {
                    (name, None, default_value, "a TypeVarTuple default")
                }
            };
            if name == "__classdict__" {
                let msg = format!("reserved name '{name}' cannot be used for type parameter");
                return self.error(param.span, msg);
            }
            self.add(name, def::TYPE_PARAM | def::LOCAL, param.span)?;
            if let Some(bound) = bound {
                let tuple = matches!(bound.kind, ExprKind::Tuple { .. });
                let info = if tuple { "a TypeVar constraint" } else { "a TypeVar bound" };
                self.type_variable(name, bound, (key(param), Role::Bound), info)?;
            }
            if let Some(default) = default {
                self.type_variable(name, default, (key(param), Role::Default), info)?;
            }
        }
        Ok(())
    }

    pub fn type_variable(&mut self, name: &str, value: &'a Expr<'a>, node: (usize, Role), info: &'static str) -> R {
        let in_class = self.cur().can_see_class_scope;
        let name = self.names.intern(name);
        let id = self.enter(name, ScopeKind::TypeVariable, Some(node), value.span)?;
        self.scopes[id.0 as usize].variable_info = info;
        if in_class {
            self.see_class(value.span)?;
        }
        self.expr(value)?;
        self.exit();
        Ok(())
    }
}
