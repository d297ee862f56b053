//! The first pass over statements: enters scopes and records how each uses its names.

use super::{Name, Names, Role, Scope, ScopeId, ScopeKind, SymbolTable, def, key, known};
use crate::compile::with_stack_for;
use crate::error::error_at;
use crate::future::docstring;
use cinder_syntax::SyntaxError;
use cinder_syntax::ast::*;
use rustc_hash::FxHashMap;

pub(super) type R<T = ()> = Result<T, SyntaxError>;

/// Builds the symbol table of a tree.
///
/// `future_annotations` is whether annotations are kept as text; `top_level_await` whether `await` may stand outside
/// functions.
///
/// # Errors
/// The SyntaxErrors of scoping, with CPython's messages and positions.
pub fn build(
    module: &Mod<'_>,
    lines: &LineIndex,
    future_annotations: bool,
    top_level_await: bool,
) -> Result<SymbolTable, SyntaxError> {
    with_stack_for(module, || build_here(module, lines, future_annotations, top_level_await))
}

/// [`build`] on the present native stack.
pub(crate) fn build_here(
    module: &Mod<'_>,
    lines: &LineIndex,
    future_annotations: bool,
    top_level_await: bool,
) -> Result<SymbolTable, SyntaxError> {
    let mut top = Scope::new(known::TOP, ScopeKind::Module, 0);
    top.has_docstring = matches!(module, Mod::Module { body, .. } if docstring(body).is_some());
    let mut builder = Builder {
        names: Names::new(),
        scopes: vec![top],
        by_node: FxHashMap::default(),
        stack: vec![ScopeId(0)],
        private: None,
        lines,
        future_annotations,
        top_level_await,
    };
    match *module {
        Mod::Module { body, .. } | Mod::Interactive { body } => builder.block(body)?,
        Mod::Expression { body } => builder.expr(body)?,
        Mod::FunctionType { .. } => {
            return Err(error_at(lines, Span::default(), "this compiler does not handle FunctionTypes"));
        }
    }
    let mut table = SymbolTable { names: builder.names, scopes: builder.scopes, by_node: builder.by_node };
    super::analyze::analyze(&mut table, lines)?;
    Ok(table)
}

pub(super) struct Builder<'l> {
    pub names: Names,
    pub scopes: Vec<Scope>,
    pub by_node: FxHashMap<(usize, Role), ScopeId>,
    pub stack: Vec<ScopeId>,
    pub private: Option<Name>,
    pub lines: &'l LineIndex,
    pub future_annotations: bool,
    pub top_level_await: bool,
}

impl<'a> Builder<'_> {
    pub fn error<T>(&self, span: Span, msg: impl Into<String>) -> R<T> {
        Err(error_at(self.lines, span, msg))
    }

    pub fn cur_id(&self) -> ScopeId {
        self.stack[self.stack.len() - 1]
    }

    pub fn cur(&self) -> &Scope {
        &self.scopes[self.cur_id().0 as usize]
    }

    /// Whether the current scope is a module's in which `await` may stand.
    pub fn awaits_at_top_level(&self) -> bool {
        self.top_level_await && self.cur().kind == ScopeKind::Module
    }

    /// An asynchronous statement of a module makes that a coroutine where this is allowed.
    fn top_level_async(&mut self, is_async: bool) {
        if is_async && self.awaits_at_top_level() {
            self.cur_mut().coroutine = true;
        }
    }

    pub fn cur_mut(&mut self) -> &mut Scope {
        let id = self.cur_id();
        &mut self.scopes[id.0 as usize]
    }

    /// Opens a new scope inside the current one.
    pub fn enter(&mut self, name: Name, kind: ScopeKind, node: Option<(usize, Role)>, span: Span) -> R<ScopeId> {
        let id = ScopeId(self.scopes.len() as u32);
        let parent = self.cur();
        let mut scope = Scope::new(name, kind, self.lines.location(span.start).line);
        scope.nested = parent.nested || parent.is_function_like();
        scope.method = kind == ScopeKind::Function && parent.kind == ScopeKind::Class;
        scope.comp_iter_expr = parent.comp_iter_expr;
        if kind != ScopeKind::Class {
            // What is not mangled among the type parameters of a class is not mangled further inside either.
            scope.mangled.clone_from(&parent.mangled);
        }
        self.scopes.push(scope);
        if let Some(node) = node {
            self.by_node.insert(node, id);
        }
        self.push_scope(id);
        if matches!(kind, ScopeKind::Annotation | ScopeKind::TypeVariable | ScopeKind::TypeAlias) {
            self.add_def(known::DOT_FORMAT, def::PARAM, span)?;
            self.add_def(known::DOT_FORMAT, def::USE, span)?;
        }
        Ok(id)
    }

    /// Goes on in a scope of the current one that was opened before.
    pub fn reenter(&mut self, id: ScopeId) {
        self.stack.push(id);
    }

    fn push_scope(&mut self, id: ScopeId) {
        // Annotations that stay text have no effect on other scopes.
        let hidden = self.scopes[id.0 as usize].kind == ScopeKind::Annotation && self.future_annotations;
        if !hidden {
            self.cur_mut().children.push(id);
        }
        self.stack.push(id);
    }

    pub fn exit(&mut self) {
        self.stack.pop();
    }

    pub fn mangle(&mut self, text: &str) -> Name {
        if let Some(mangled) = &self.cur().mangled {
            let plain = mangled.iter().any(|&name| self.names.text(name) == text);
            if !plain {
                return self.names.intern(text);
            }
        }
        self.names.mangle(self.private, text)
    }

    /// Records that the current scope uses `text` as `flags` say.
    pub fn add(&mut self, text: &str, flags: u16, span: Span) -> R {
        if flags & (def::PARAM | def::LOCAL | def::IMPORT) != 0 {
            self.check_name(text, span, ExprContext::Store)?;
        }
        if flags & def::TYPE_PARAM != 0 && self.cur().mangled.is_some() {
            let name = self.names.intern(text);
            if let Some(mangled) = &mut self.cur_mut().mangled {
                mangled.push(name);
            }
        }
        let name = self.mangle(text);
        self.add_def(name, flags, span)
    }

    pub fn add_def(&mut self, name: Name, flags: u16, span: Span) -> R {
        self.add_def_in(self.cur_id(), name, flags, span)
    }

    pub fn add_def_in(&mut self, id: ScopeId, name: Name, flags: u16, span: Span) -> R {
        let scope = &mut self.scopes[id.0 as usize];
        let symbol = scope.symbols.entry(name).or_default();
        if flags & symbol.flags & def::PARAM != 0 {
            let msg = format!("duplicate argument '{}' in function definition", self.names.text(name));
            return self.error(span, msg);
        }
        if flags & symbol.flags & def::TYPE_PARAM != 0 {
            let msg = format!("duplicate type parameter '{}'", self.names.text(name));
            return self.error(span, msg);
        }
        symbol.flags |= flags;
        if scope.comp_iter_target {
            if symbol.flags & (def::GLOBAL | def::NONLOCAL) != 0 {
                let msg = format!(
                    "comprehension inner loop cannot rebind assignment expression target '{}'",
                    self.names.text(name)
                );
                return self.error(span, msg);
            }
            symbol.flags |= def::COMP_ITER;
        }
        if flags & def::PARAM != 0 {
            scope.params.push(name);
        } else if flags & def::GLOBAL != 0 && id != ScopeId(0) {
            // A name that any function declares global is a name of the module too.
            self.scopes[0].symbols.entry(name).or_default().flags |= flags;
        }
        Ok(())
    }

    pub fn check_name(&self, text: &str, span: Span, ctx: ExprContext) -> R {
        match (text, ctx) {
            ("__debug__", ExprContext::Store) => self.error(span, "cannot assign to __debug__"),
            ("__debug__", ExprContext::Del) => self.error(span, "cannot delete __debug__"),
            _ => Ok(()),
        }
    }

    pub fn flags_of(&self, name: Name) -> u16 {
        self.cur().symbols.get(&name).map_or(0, |symbol| symbol.flags)
    }

    pub fn block(&mut self, body: &'a [&'a Stmt<'a>]) -> R {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn conditional(&mut self, body: &'a [&'a Stmt<'a>]) -> R {
        let saved = std::mem::replace(&mut self.cur_mut().in_conditional_block, true);
        self.block(body)?;
        self.cur_mut().in_conditional_block = saved;
        Ok(())
    }

    fn stmt(&mut self, stmt: &'a Stmt<'a>) -> R {
        match stmt.kind {
            StmtKind::FunctionDef(f) => self.function(f, stmt, false),
            StmtKind::AsyncFunctionDef(f) => self.function(f, stmt, true),
            StmtKind::ClassDef(class) => self.class(class, stmt),
            StmtKind::TypeAlias { name, type_params, value } => self.type_alias(stmt, name, type_params, value),
            StmtKind::Return { value } => self.opt(value),
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets)?;
                self.expr(value)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target)?;
                self.expr(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(stmt, target, annotation, value, simple)
            }
            StmtKind::For(f) | StmtKind::AsyncFor(f) => {
                self.top_level_async(matches!(stmt.kind, StmtKind::AsyncFor(_)));
                self.expr(f.target)?;
                self.expr(f.iter)?;
                self.conditional(f.body)?;
                self.conditional(f.orelse)
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.expr(test)?;
                self.conditional(body)?;
                self.conditional(orelse)
            }
            StmtKind::With(w) | StmtKind::AsyncWith(w) => {
                self.top_level_async(matches!(stmt.kind, StmtKind::AsyncWith(_)));
                for item in w.items {
                    self.expr(item.context_expr)?;
                    self.opt(item.optional_vars)?;
                }
                self.conditional(w.body)
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject)?;
                for case in cases {
                    self.pattern(case.pattern)?;
                    self.opt(case.guard)?;
                    self.conditional(case.body)?;
                }
                Ok(())
            }
            StmtKind::Raise { exc, cause } => {
                self.opt(exc)?;
                self.opt(cause)
            }
            StmtKind::Try(t) | StmtKind::TryStar(t) => {
                self.conditional(t.body)?;
                for handler in t.handlers {
                    self.opt(handler.typ)?;
                    if let Some(name) = handler.name {
                        self.add(name, def::LOCAL, handler.span)?;
                        let name = self.mangle(name);
                        self.cur_mut().deleted.insert(name);
                    }
                    self.conditional(handler.body)?;
                }
                self.conditional(t.orelse)?;
                self.conditional(t.finalbody)
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test)?;
                self.opt(msg)
            }
            StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
                names.iter().try_for_each(|alias| self.alias(alias))
            }
            StmtKind::Global { names } => self.directive(stmt, names, def::GLOBAL, "global"),
            StmtKind::Nonlocal { names } => self.directive(stmt, names, def::NONLOCAL, "nonlocal"),
            StmtKind::Expr { value } => self.expr(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
        }
    }

    fn function(&mut self, f: &'a FunctionDef<'a>, stmt: &'a Stmt<'a>, is_async: bool) -> R {
        self.add(f.name, def::LOCAL, stmt.span)?;
        self.defaults(f.args)?;
        self.exprs(f.decorator_list)?;
        let generic = !f.type_params.is_empty();
        let name = self.names.intern(f.name);
        if generic {
            let has_kwdefaults = f.args.kw_defaults.iter().any(Option::is_some);
            self.type_param_block(name, key(f), !f.args.defaults.is_empty(), has_kwdefaults, false, stmt.span)?;
            self.type_params(f.type_params)?;
        }
        self.function_annotations(f, stmt.span)?;
        let id = self.enter(name, ScopeKind::Function, Some((key(f), Role::Body)), stmt.span)?;
        let scope = &mut self.scopes[id.0 as usize];
        scope.coroutine = is_async;
        scope.has_docstring = docstring(f.body).is_some();
        self.parameters(f.args)?;
        self.block(f.body)?;
        self.exit();
        if generic {
            self.exit();
        }
        Ok(())
    }

    fn function_annotations(&mut self, f: &'a FunctionDef<'a>, span: Span) -> R {
        let in_class = self.cur().can_see_class_scope || self.cur().kind == ScopeKind::Class;
        let node = Some((key(f), Role::Annotations));
        self.enter(known::ANNOTATE, ScopeKind::Annotation, node, span)?;
        if in_class {
            self.see_class(span)?;
        }
        let a = f.args;
        let positional = a.posonlyargs.iter().chain(a.args);
        for arg in positional.chain(a.vararg).chain(a.kwarg).chain(a.kwonlyargs) {
            self.opt(arg.annotation)?;
        }
        self.opt(f.returns)?;
        self.exit();
        Ok(())
    }

    pub fn see_class(&mut self, span: Span) -> R {
        self.cur_mut().can_see_class_scope = true;
        self.add_def(known::CLASSDICT, def::USE, span)
    }

    pub fn defaults(&mut self, args: &'a Arguments<'a>) -> R {
        self.exprs(args.defaults)?;
        args.kw_defaults.iter().try_for_each(|default| self.opt(*default))
    }

    pub fn parameters(&mut self, args: &'a Arguments<'a>) -> R {
        for arg in args.posonlyargs.iter().chain(args.args).chain(args.kwonlyargs) {
            self.add(arg.arg, def::PARAM, arg.span)?;
        }
        if let Some(arg) = args.vararg {
            self.add(arg.arg, def::PARAM, arg.span)?;
            self.cur_mut().varargs = true;
        }
        if let Some(arg) = args.kwarg {
            self.add(arg.arg, def::PARAM, arg.span)?;
            self.cur_mut().varkeywords = true;
        }
        Ok(())
    }

    fn class(&mut self, class: &'a ClassDef<'a>, stmt: &'a Stmt<'a>) -> R {
        self.add(class.name, def::LOCAL, stmt.span)?;
        self.exprs(class.decorator_list)?;
        let generic = !class.type_params.is_empty();
        let name = self.names.intern(class.name);
        let saved = self.private;
        if generic {
            self.type_param_block(name, key(class), false, false, true, stmt.span)?;
            self.private = Some(name);
            self.cur_mut().mangled = Some(Vec::new());
            self.type_params(class.type_params)?;
        }
        self.exprs(class.bases)?;
        self.keywords(class.keywords)?;
        let id = self.enter(name, ScopeKind::Class, Some((key(class), Role::Body)), stmt.span)?;
        self.scopes[id.0 as usize].has_docstring = docstring(class.body).is_some();
        self.private = Some(name);
        if generic {
            self.add_def(known::TYPE_PARAMS, def::LOCAL, stmt.span)?;
            self.add_def(known::DOT_TYPE_PARAMS, def::USE, stmt.span)?;
        }
        self.block(class.body)?;
        self.exit();
        if generic {
            self.exit();
        }
        self.private = saved;
        Ok(())
    }

    fn ann_assign(
        &mut self,
        stmt: &'a Stmt<'a>,
        target: &'a Expr<'a>,
        annotation: &'a Expr<'a>,
        value: Option<&'a Expr<'a>>,
        simple: bool,
    ) -> R {
        if let ExprKind::Name { id, .. } = target.kind {
            let name = self.mangle(id);
            let flags = self.flags_of(name);
            if flags & (def::GLOBAL | def::NONLOCAL) != 0 && self.cur_id() != ScopeId(0) && simple {
                let kind = if flags & def::GLOBAL != 0 { "global" } else { "nonlocal" };
                return self.error(stmt.span, format!("annotated name '{id}' can't be {kind}"));
            }
            if simple {
                self.add(id, def::ANNOT | def::LOCAL, target.span)?;
            } else if value.is_some() {
                self.add(id, def::LOCAL, target.span)?;
            }
        } else {
            self.expr(target)?;
        }
        self.annotation(annotation)?;
        self.opt(value)
    }

    fn annotation(&mut self, annotation: &'a Expr<'a>) -> R {
        let span = annotation.span;
        let scope = self.cur();
        let conditional =
            scope.kind == ScopeKind::Module || scope.kind == ScopeKind::Class && scope.in_conditional_block;
        if conditional && !scope.has_conditional_annotations {
            self.cur_mut().has_conditional_annotations = true;
            self.add_def(known::CONDITIONAL_ANNOTATIONS, def::USE, span)?;
        }
        let parent = self.cur_id();
        let kind = self.cur().kind;
        match self.cur().annotations {
            Some(id) => self.reenter(id),
            None => {
                let id = self.enter(known::ANNOTATE, ScopeKind::Annotation, None, span)?;
                self.scopes[parent.0 as usize].annotations = Some(id);
                if kind == ScopeKind::Class {
                    self.see_class(span)?;
                }
            }
        }
        if kind == ScopeKind::Class && conditional {
            self.add_def(known::CONDITIONAL_ANNOTATIONS, def::USE, span)?;
        }
        let local = kind == ScopeKind::Function;
        let saved = std::mem::replace(&mut self.cur_mut().in_unevaluated_annotation, local);
        self.expr(annotation)?;
        self.cur_mut().in_unevaluated_annotation = saved;
        self.exit();
        Ok(())
    }

    fn alias(&mut self, alias: &'a Alias<'a>) -> R {
        let name = match alias.asname {
            Some(name) => name,
            None => alias.name.split('.').next().unwrap_or(alias.name),
        };
        if name != "*" {
            return self.add(name, def::IMPORT, alias.span);
        }
        if self.cur().kind != ScopeKind::Module {
            return self.error(alias.span, "import * only allowed at module level");
        }
        Ok(())
    }

    fn directive(&mut self, stmt: &'a Stmt<'a>, names: &'a [Identifier<'a>], flag: u16, word: &str) -> R {
        for text in names {
            let name = self.mangle(text);
            let flags = self.flags_of(name);
            if flags & (def::PARAM | def::LOCAL | def::USE | def::ANNOT) != 0 {
                let msg = if flags & def::PARAM != 0 {
                    format!("name '{text}' is parameter and {word}")
                } else if flags & def::USE != 0 {
                    format!("name '{text}' is used prior to {word} declaration")
                } else if flags & def::ANNOT != 0 {
                    format!("annotated name '{text}' can't be {word}")
                } else {
                    format!("name '{text}' is assigned to before {word} declaration")
                };
                return self.error(stmt.span, msg);
            }
            self.add(text, flag, stmt.span)?;
            self.cur_mut().directives.push((name, stmt.span));
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &'a Pattern<'a>) -> R {
        let patterns = |this: &mut Self, list: &'a [&'a Pattern<'a>]| list.iter().try_for_each(|p| this.pattern(p));
        match pattern.kind {
            PatternKind::MatchValue { value } => self.expr(value),
            PatternKind::MatchSingleton { .. } => Ok(()),
            PatternKind::MatchSequence { patterns: list } | PatternKind::MatchOr { patterns: list } => {
                patterns(self, list)
            }
            PatternKind::MatchMapping { keys, patterns: list, rest } => {
                self.exprs(keys)?;
                patterns(self, list)?;
                rest.map_or(Ok(()), |name| self.add(name, def::LOCAL, pattern.span))
            }
            PatternKind::MatchClass { cls, patterns: list, kwd_attrs, kwd_patterns } => {
                self.expr(cls)?;
                patterns(self, list)?;
                for (attr, pattern) in kwd_attrs.iter().zip(kwd_patterns) {
                    self.check_name(attr, pattern.span, ExprContext::Store)?;
                }
                patterns(self, kwd_patterns)
            }
            PatternKind::MatchStar { name } => name.map_or(Ok(()), |name| self.add(name, def::LOCAL, pattern.span)),
            PatternKind::MatchAs { pattern: inner, name } => {
                if let Some(inner) = inner {
                    self.pattern(inner)?;
                }
                name.map_or(Ok(()), |name| self.add(name, def::LOCAL, pattern.span))
            }
        }
    }
}
