//! Calls: windows, keywords, unpacking, methods and `super()`.

use super::display::Display;
use super::unit::{Opnd, UnitKind};
use super::{Compiler, R};
use crate::code::Const;
use crate::op::Opcode;
use crate::symtable::{Name, Storage, known};
use cinder_syntax::ast::*;

/// Calls with more arguments pass them as a tuple and a dict.
const MOST_ARGS: usize = 100;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn call(
        &mut self,
        expr: &'a Expr<'a>,
        func: &'a Expr<'a>,
        args: &'a [&'a Expr<'a>],
        keywords: &'a [Keyword<'a>],
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        self.check_keywords(keywords)?;
        let depth = self.u.depth;
        let window = Opnd::Temp(depth);
        if let ExprKind::Attribute { value, attr, .. } = func.kind
            && !is_spread(args, keywords)
        {
            let attr_span = self.attr_span(func, attr);
            let name = self.attr_name(attr);
            if matches!(name, Opnd::Imm(index) if index <= 0xffff) {
                match self.super_call(value) {
                    Some(zero) => {
                        let from = self.super_window(value, zero)?;
                        let op = if zero { Opcode::LoadSuperMethod } else { Opcode::LoadSuperMethod2 };
                        self.u.set_depth(depth + 2);
                        self.u.emit(op, window, from, name, attr_span);
                    }
                    None => {
                        let object = self.expr(value)?;
                        self.u.set_depth(depth + 2);
                        self.u.emit(Opcode::LoadMethod, window, object, name, attr_span);
                    }
                }
                let count = self.window_args(args, keywords)?;
                let span = if attr_span == func.span { expr.span } else { Span::new(attr_span.start, expr.span.end) };
                return Ok(self.emit_call(depth, count, keywords, true, span, dst));
            }
        }
        self.check_caller(func);
        self.expr_to(func, window)?;
        self.u.push();
        self.call_window(depth, args, &[], keywords, expr.span, dst)
    }

    /// Finishes a call whose callee is in temporary `depth`, with the scratch register allocated: `args`, then `extra`
    /// names as positional arguments, then keywords.
    pub(super) fn call_window(
        &mut self,
        depth: u32,
        args: &'a [&'a Expr<'a>],
        extra: &[Name],
        keywords: &'a [Keyword<'a>],
        span: Span,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        self.call_prefixed(depth, 0, args, extra, keywords, span, dst)
    }

    /// As `call_window`, with `before` arguments in the window already.
    pub(super) fn call_prefixed(
        &mut self,
        depth: u32,
        before: u32,
        args: &'a [&'a Expr<'a>],
        extra: &[Name],
        keywords: &'a [Keyword<'a>],
        span: Span,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let window = Opnd::Temp(depth);
        if !is_spread(args, keywords) {
            let positional = args.len() + extra.len();
            for arg in args {
                self.expr_temp(arg)?;
            }
            for &name in extra {
                let slot = Opnd::Temp(self.u.depth);
                self.load(name, span, Some(slot))?;
            }
            for keyword in keywords {
                self.expr_temp(keyword.value)?;
            }
            let count = before + (positional + keywords.len()) as u32;
            return Ok(self.emit_call(depth, count, keywords, false, span, dst));
        }
        // The positional arguments: one iterable as it is, else a tuple of everything.
        let positionals = depth + 2;
        if before == 0
            && extra.is_empty()
            && let [only] = args
            && let ExprKind::Starred { value, .. } = only.kind
        {
            self.expr_temp(value)?;
        } else if before == 0 && args.is_empty() && extra.is_empty() {
            let empty = self.u.konst(Const::Tuple([].into()));
            let slot = Opnd::Temp(self.u.push());
            self.copy(slot, empty, span);
        } else if before == 0 {
            let slot = Opnd::Temp(positionals);
            self.collect(span, args, extra, Display::Tuple, Some(slot))?;
        } else {
            let list = Opnd::Temp(positionals);
            self.u.set_depth(positionals + 1);
            self.u.emit(Opcode::BuildList, list, list, Opnd::Imm(before), span);
            for arg in args {
                let (op, arg) = match arg.kind {
                    ExprKind::Starred { value, .. } => (Opcode::ListExtend, value),
                    _ => (Opcode::ListAppend, *arg),
                };
                let value = self.expr(arg)?;
                self.u.emit2(op, list, value, span);
                self.u.depth = positionals + 1;
            }
            for &name in extra {
                let value = self.load(name, span, None)?;
                self.u.emit2(Opcode::ListAppend, list, value, span);
                self.u.depth = positionals + 1;
            }
            self.u.emit2(Opcode::ListToTuple, list, list, span);
        }
        let has_keywords = !keywords.is_empty();
        if has_keywords {
            self.keyword_dict(window, keywords, span)?;
        }
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::CallEx, dst, window, Opnd::Imm(u32::from(has_keywords)), span);
        Ok(dst)
    }

    /// A dict of keyword arguments in the next temporary.
    fn keyword_dict(&mut self, callee: Opnd, keywords: &'a [Keyword<'a>], span: Span) -> R {
        /// Pairs built at once.
        const GROUP: usize = 15;
        let dict = self.u.depth;
        let result = Opnd::Temp(dict);
        let mut have = false;
        let mut at = 0;
        while at < keywords.len() {
            let base = if have { dict + 1 } else { dict };
            self.u.set_depth(base);
            if keywords[at].arg.is_none() {
                if !have {
                    self.u.push();
                    self.u.emit(Opcode::BuildMap, result, result, Opnd::Imm(0), span);
                    have = true;
                }
                let value = self.expr(keywords[at].value)?;
                self.u.emit(Opcode::DictMerge, result, value, callee, span);
                at += 1;
                continue;
            }
            let group: Vec<&Keyword<'a>> =
                keywords[at..].iter().take_while(|keyword| keyword.arg.is_some()).take(GROUP).collect();
            for keyword in &group {
                let key = self.u.konst(Const::str(keyword.arg.unwrap_or_default()));
                let slot = Opnd::Temp(self.u.push());
                self.copy(slot, key, span);
                self.expr_temp(keyword.value)?;
            }
            let built = Opnd::Temp(base);
            self.u.set_depth(base + 1);
            self.u.emit(Opcode::BuildMap, built, built, Opnd::Imm(group.len() as u32), span);
            if have {
                self.u.emit(Opcode::DictMerge, result, built, callee, span);
            }
            have = true;
            at += group.len();
        }
        self.u.set_depth(dict + 1);
        Ok(())
    }

    fn window_args(&mut self, args: &'a [&'a Expr<'a>], keywords: &'a [Keyword<'a>]) -> R<u32> {
        for arg in args {
            self.expr_temp(arg)?;
        }
        for keyword in keywords {
            self.expr_temp(keyword.value)?;
        }
        Ok((args.len() + keywords.len()) as u32)
    }

    pub(super) fn emit_call(
        &mut self,
        depth: u32,
        count: u32,
        keywords: &[Keyword<'a>],
        method: bool,
        span: Span,
        dst: Option<Opnd>,
    ) -> Opnd {
        let window = Opnd::Temp(depth);
        let dst = self.target(depth, dst);
        let op = match (method, keywords.is_empty()) {
            (false, true) => Opcode::Call,
            (true, true) => Opcode::CallMethod,
            (false, false) => Opcode::CallKw,
            (true, false) => Opcode::CallMethodKw,
        };
        self.u.emit(op, dst, window, Opnd::Imm(count), span);
        if !keywords.is_empty() {
            let names = keywords.iter().map(|keyword| Const::str(keyword.arg.unwrap_or_default()));
            let names = self.u.konst(Const::Tuple(names.collect()));
            self.u.emit2(Opcode::Extra, Opnd::No, names, span);
        }
        dst
    }

    pub(super) fn check_keywords(&mut self, keywords: &[Keyword<'a>]) -> R {
        if keywords.len() < 2 {
            return Ok(());
        }
        let mut seen = rustc_hash::FxHashSet::default();
        for keyword in keywords {
            if let Some(arg) = keyword.arg
                && !seen.insert(arg)
            {
                return self.error(keyword.span, format!("keyword argument repeated: {arg}"));
            }
        }
        Ok(())
    }

    /// Whether `expr` is a call of `super` that attribute access can be fused with: `Some(true)` for `super()`,
    /// `Some(false)` for `super(a, b)`.
    pub(super) fn super_call(&mut self, expr: &Expr<'a>) -> Option<bool> {
        let ExprKind::Call { func, args, keywords } = expr.kind else { return None };
        let ExprKind::Name { id: "super", .. } = func.kind else { return None };
        if !keywords.is_empty() || !self.table.scope(self.u.scope).is_function_like() {
            return None;
        }
        let scope = self.table.scope(self.u.scope);
        if scope.storage(known::SUPER) != Storage::GlobalImplicit || !self.u.overlays.is_empty() {
            return None;
        }
        if self.table.top().symbols.get(&known::SUPER).is_some_and(|s| s.flags & crate::symtable::def::BOUND != 0) {
            return None;
        }
        match args {
            [a, b] => {
                let plain = |e: &Expr<'_>| !matches!(e.kind, ExprKind::Starred { .. });
                (plain(a) && plain(b)).then_some(false)
            }
            [] => {
                let function = matches!(self.u.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda);
                let has_class = scope.storage(known::CLASS) == Storage::Free;
                (function && self.u.arg_count > 0 && has_class).then_some(true)
            }
            _ => None,
        }
    }

    /// The window [super, class, self] of a call that [`super_call`](Self::super_call) accepts.
    pub(super) fn super_window(&mut self, call: &'a Expr<'a>, zero: bool) -> R<Opnd> {
        let ExprKind::Call { func, args, .. } = call.kind else { return self.error(call.span, "not a call of super") };
        let window = Opnd::Temp(self.u.depth);
        self.expr_to(func, window)?;
        if zero {
            let slot = Opnd::Temp(self.u.depth);
            self.load(known::CLASS, call.span, Some(slot))?;
            let first = self.table.scope(self.u.scope).params.first().copied();
            let slot = Opnd::Temp(self.u.depth);
            if let Some(first) = first {
                self.load(first, call.span, Some(slot))?;
            }
        } else {
            for arg in args {
                self.expr_temp(arg)?;
            }
        }
        Ok(window)
    }
}

/// Whether arguments must be passed as a tuple and a dict.
fn is_spread(args: &[&Expr<'_>], keywords: &[Keyword<'_>]) -> bool {
    args.len() + keywords.len() > MOST_ARGS
        || args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred { .. }))
        || keywords.iter().any(|keyword| keyword.arg.is_none())
}
