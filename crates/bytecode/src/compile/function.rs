//! Functions and lambdas.

use super::unit::{Opnd, UnitKind};
use super::{Compiler, R};
use crate::code::{Code, Const, flags};
use crate::future::docstring;
use crate::op::{FunctionAttr, Opcode};
use crate::symtable::{Role, known};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn function(&mut self, f: &'a FunctionDef<'a>, stmt: &'a Stmt<'a>, is_async: bool) -> R {
        let span = stmt.span;
        let depth = self.u.depth;
        // Each decorator opens a call window whose argument is the next window, or the function at last.
        for decorator in f.decorator_list {
            self.expr_temp(decorator)?;
            self.u.push();
        }
        let first_span = f.decorator_list.first().map_or(span, |decorator| decorator.span);
        let start = first_span.start;
        let slot = self.u.depth;
        if f.type_params.is_empty() {
            let defaults = self.defaults(f.args, span)?;
            self.function_object(f, stmt, is_async, start, defaults)?;
        } else {
            self.generic_function(f, stmt, is_async, start)?;
        }
        let result = self.decorate(slot, f.decorator_list);
        self.store_name(f.name, result, span)?;
        self.u.depth = depth;
        Ok(())
    }

    /// Calls decorators, the last one first, on the function or class in temporary `slot`.
    pub(super) fn decorate(&mut self, slot: u32, decorators: &'a [&'a Expr<'a>]) -> Opnd {
        let mut result = slot;
        for decorator in decorators.iter().rev() {
            let window = result - 2;
            self.emit_call(window, 1, &[], false, decorator.span, None);
            result = window;
        }
        Opnd::Temp(result)
    }

    /// Evaluates the defaults of parameters into temporaries: a tuple and a dict, where there are any.
    pub(super) fn defaults(&mut self, args: &'a Arguments<'a>, span: Span) -> R<Defaults> {
        let mut defaults = Defaults::default();
        if !args.defaults.is_empty() {
            let slot = Opnd::Temp(self.u.depth);
            match super::fold::const_items(args.defaults) {
                Some(items) => {
                    let value = self.u.konst(Const::Tuple(items.into()));
                    self.u.push();
                    self.copy(slot, value, span);
                }
                None => {
                    self.collect(span, args.defaults, &[], super::display::Display::Tuple, Some(slot))?;
                }
            }
            defaults.positional = Some(slot);
        }
        let base = self.u.depth;
        let mut count = 0;
        for (arg, default) in args.kwonlyargs.iter().zip(args.kw_defaults) {
            if let Some(default) = default {
                let name = self.mangle(arg.arg);
                let key = self.u.konst(Const::str(self.table.names.text(name)));
                let slot = Opnd::Temp(self.u.push());
                self.copy(slot, key, span);
                self.expr_temp(default)?;
                count += 1;
            }
        }
        if count > 0 {
            let dict = Opnd::Temp(base);
            self.u.set_depth(base + 1);
            self.u.emit(Opcode::BuildMap, dict, dict, Opnd::Imm(count), span);
            defaults.keyword = Some(dict);
        }
        Ok(defaults)
    }

    /// Makes the function in the register where the first of `defaults` is (or the next one).
    pub(super) fn function_object(
        &mut self,
        f: &'a FunctionDef<'a>,
        stmt: &'a Stmt<'a>,
        is_async: bool,
        start: u32,
        defaults: Defaults,
    ) -> R<Opnd> {
        let annotations = self.function_annotations(f, stmt)?;
        let kind = if is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let Some(scope) = self.table.of(f, Role::Body) else { return self.error(stmt.span, "no scope") };
        self.enter(kind, scope, f.name, start);
        self.set_params(f.args);
        self.prologue();
        let mut body = f.body;
        if let Some(text) = docstring(body)
            && let Some((first, rest)) = body.split_first()
        {
            body = rest;
            if self.options.optimize < 2 {
                self.docstring_const(text);
                self.u.has_docstring = true;
            }
            let _ = first;
        }
        self.stmts(body)?;
        let code = self.finish()?;
        self.closure(code, defaults, annotations, stmt.span)
    }

    pub(super) fn set_params(&mut self, args: &Arguments<'_>) {
        self.u.posonly_arg_count = args.posonlyargs.len() as u32;
        self.u.arg_count = (args.posonlyargs.len() + args.args.len()) as u32;
        self.u.kwonly_arg_count = args.kwonlyargs.len() as u32;
    }

    /// The function object of `code` with its attributes, moved to the register of the first attribute.
    pub(super) fn closure(
        &mut self,
        code: Code,
        defaults: Defaults,
        annotations: Option<(Opnd, FunctionAttr)>,
        span: Span,
    ) -> R<Opnd> {
        let attrs = [
            (defaults.positional, FunctionAttr::Defaults),
            (defaults.keyword, FunctionAttr::KwDefaults),
            (annotations.map(|it| it.0), annotations.map_or(FunctionAttr::Annotate, |it| it.1)),
        ];
        let function = self.make_function(code, span)?;
        let mut lowest = function;
        for (value, attr) in attrs.into_iter().rev() {
            if let Some(value) = value {
                self.set_function_attr(function, value, attr, span);
                lowest = value;
            }
        }
        if lowest != function {
            self.u.emit2(Opcode::Move, lowest, function, span);
        }
        if let Opnd::Temp(temp) = lowest {
            self.u.depth = temp + 1;
        }
        Ok(lowest)
    }

    #[inline(never)]
    pub(super) fn lambda(
        &mut self,
        expr: &'a Expr<'a>,
        args: &'a Arguments<'a>,
        body: &'a Expr<'a>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        let defaults = self.defaults(args, expr.span)?;
        let Some(scope) = self.table.of(expr, Role::Body) else { return self.error(expr.span, "no scope") };
        let name = self.table.names.text(known::LAMBDA).to_owned();
        self.enter(UnitKind::Lambda, scope, &name, expr.span.start);
        self.set_params(args);
        self.prologue();
        let value = self.expr(body)?;
        let value = self.near(value, body.span);
        self.u.emit1(Opcode::Return, value, body.span);
        let code = self.finish()?;
        self.closure(code, defaults, None, expr.span)?;
        Ok(self.hand_over(depth, dst, expr.span))
    }

    /// The annotations of a function as the value and kind of a function attribute.
    fn function_annotations(&mut self, f: &'a FunctionDef<'a>, stmt: &'a Stmt<'a>) -> R<Option<(Opnd, FunctionAttr)>> {
        let a = f.args;
        let mut annotated: Vec<(&'a str, &'a Expr<'a>, bool)> = Vec::new();
        let of = |arg: &'a Arg<'a>, star| arg.annotation.map(|annotation| (arg.arg, annotation, star));
        annotated.extend(a.args.iter().chain(a.posonlyargs).filter_map(|arg| of(arg, false)));
        annotated.extend(a.vararg.and_then(|arg| of(arg, true)));
        annotated.extend(a.kwonlyargs.iter().chain(a.kwarg).filter_map(|arg| of(arg, false)));
        annotated.extend(f.returns.map(|returns| ("return", returns, false)));
        if annotated.is_empty() {
            return Ok(None);
        }
        let span = stmt.span;
        let as_text = self.future.flags & flags::FUTURE_ANNOTATIONS != 0;
        let Some(scope) = self.table.of(f, Role::Annotations) else { return self.error(span, "no scope") };
        self.enter_annotations(scope, known::ANNOTATE, span)?;
        self.u.qualname = format!("{}.{}", self.qualname_as(UnitKind::Function, f.name), self.u.name);
        let result = Opnd::Temp(self.u.push());
        self.u.emit(Opcode::BuildMap, result, result, Opnd::Imm(0), span);
        let depth = self.u.depth;
        for (name, annotation, star) in annotated {
            let name = self.mangle(name);
            let key = self.u.konst(Const::str(self.table.names.text(name)));
            let key = self.near(key, span);
            if as_text {
                self.u.absorb(annotation.span);
            }
            let value = match annotation.kind {
                _ if as_text => self.u.konst(Const::Str(super::unparse::unparse(annotation).into())),
                ExprKind::Starred { value, .. } if star => self.starred_value(value, annotation.span)?,
                _ => self.expr(annotation)?,
            };
            let value = self.near(value, annotation.span);
            self.u.emit(Opcode::MapAdd, result, key, value, span);
            self.u.depth = depth;
        }
        self.u.emit1(Opcode::Return, result, span);
        let code = self.finish()?;
        let function = self.closure(code, Defaults::default(), None, span)?;
        Ok(Some((function, FunctionAttr::Annotate)))
    }

    /// The one item that `*value` must unpack to, as in `*args: *Ts`.
    pub(super) fn starred_value(&mut self, value: &'a Expr<'a>, span: Span) -> R<Opnd> {
        let depth = self.u.depth;
        let value = self.expr(value)?;
        let value = self.near(value, span);
        let item = self.target(depth, None);
        self.u.emit(Opcode::UnpackSequence, value, item, Opnd::Imm(1), span);
        Ok(item)
    }
}

/// Temporaries that hold the defaults of a function's parameters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub positional: Option<Opnd>,
    pub keyword: Option<Opnd>,
}
