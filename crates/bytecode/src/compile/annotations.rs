//! Lazily evaluated scopes: annotations of modules and classes.

use super::function::Defaults;
use super::unit::{Opnd, UnitKind};
use super::{Compiler, NO_SPAN, R};
use crate::code::{Code, Const};
use crate::op::{CommonConst, Opcode};
use crate::symtable::{Name, ScopeId, known};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    /// Starts an annotation scope: a function of one positional-only parameter, the format, that supports only values.
    pub(super) fn enter_annotations(&mut self, scope: ScopeId, name: Name, span: Span) -> R {
        /// `annotationlib.Format.VALUE_WITH_FAKE_GLOBALS`.
        const MOST: i64 = 2;
        let text = self.table.names.text(name).to_owned();
        self.enter(UnitKind::Annotations, scope, &text, span.start);
        self.u.arg_count = 1;
        self.u.posonly_arg_count = 1;
        self.prologue();
        let format = Opnd::Local(self.u.var(known::DOT_FORMAT, false));
        let most = self.u.konst(Const::Int(MOST));
        let supported = self.u.label();
        self.u.branch(Opcode::BrGt, format, most, false, supported, span);
        let error = Opnd::Temp(self.u.push());
        let number = Opnd::Imm(CommonConst::NotImplementedError as u32);
        self.u.emit2(Opcode::LoadCommonConst, error, number, span);
        self.u.emit1(Opcode::Raise, error, span);
        self.u.depth = 0;
        self.u.bind(supported);
        Ok(())
    }

    /// The annotate function of the annotations that the current module or class has deferred, or `None` if there are
    /// none.
    fn deferred_annotations(&mut self, start: Span) -> R<Option<(Code, Span)>> {
        let deferred = std::mem::take(&mut self.u.deferred);
        let Some(scope) = self.table.scope(self.u.scope).annotations.filter(|_| !deferred.is_empty()) else {
            return Ok(None);
        };
        let span = match self.u.kind {
            UnitKind::Module => start,
            _ => self.u.start,
        };
        self.enter_annotations(scope, known::ANNOTATE, span)?;
        let result = Opnd::Temp(self.u.push());
        self.u.emit(Opcode::BuildMap, result, result, Opnd::Imm(0), span);
        let depth = self.u.depth;
        for item in &deferred {
            let StmtKind::AnnAssign { target, annotation, .. } = item.stmt.kind else { continue };
            let ExprKind::Name { id, .. } = target.kind else { continue };
            let span = item.stmt.span;
            let skip = self.u.label();
            if let Some(index) = item.conditional {
                let index = self.u.konst(Const::Int(index as i64));
                let index = self.near(index, span);
                let set = Opnd::Temp(self.u.push());
                self.load_conditional_set(set, span)?;
                self.u.branch(Opcode::BrIn, index, set, false, skip, span);
                self.u.depth = depth;
            }
            let name = self.mangle(id);
            let key = self.u.konst(Const::str(self.table.names.text(name)));
            let key = self.near(key, span);
            let value = self.expr(annotation)?;
            self.u.emit(Opcode::MapAdd, result, key, value, span);
            self.u.depth = depth;
            self.u.bind(skip);
        }
        self.u.emit1(Opcode::Return, result, span);
        Ok(Some((self.finish()?, span)))
    }

    /// Fills the two placeholders at `at` with the making of the module's `__annotate__`.
    pub(super) fn module_annotate(&mut self, at: usize, span: Span) -> R {
        let Some((code, _)) = self.deferred_annotations(span)? else { return Ok(()) };
        let constant = self.u.konst(Const::Code(std::sync::Arc::new(code)));
        let name = self.u.name_index(known::ANNOTATE);
        let temp = Opnd::Temp(0);
        self.u.max_depth = self.u.max_depth.max(1);
        let slots = [(Opcode::MakeFunction, temp, constant), (Opcode::StoreName, temp, name)];
        for (slot, (op, a, b)) in slots.into_iter().enumerate() {
            if let Some(ins) = self.u.ins.get_mut(at + slot) {
                (ins.op, ins.a, ins.b, ins.span) = (op, a, b, span);
            }
        }
        Ok(())
    }

    /// Stores the annotate function at the end of a class body.
    pub(super) fn class_annotate(&mut self) -> R {
        let Some((code, span)) = self.deferred_annotations(NO_SPAN)? else { return Ok(()) };
        let depth = self.u.depth;
        let function = self.closure(code, Defaults::default(), None, span)?;
        self.store_known(known::ANNOTATE_FUNC, function, NO_SPAN)?;
        self.u.depth = depth;
        Ok(())
    }
}
