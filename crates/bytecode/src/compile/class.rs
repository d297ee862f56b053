//! Classes.

use super::function::Defaults;
use super::unit::{NO_SPAN, Opnd, UnitKind};
use super::{Compiler, R};
use crate::code::{Code, Const};
use crate::op::Opcode;
use crate::symtable::{Role, known};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn class(&mut self, class: &'a ClassDef<'a>, stmt: &'a Stmt<'a>) -> R {
        let span = stmt.span;
        let depth = self.u.depth;
        for decorator in class.decorator_list {
            self.expr_temp(decorator)?;
            self.u.push();
        }
        let first_span = class.decorator_list.first().map_or(span, |decorator| decorator.span);
        let start = first_span.start;
        let slot = self.u.depth;
        if class.type_params.is_empty() {
            let code = self.class_body(class, stmt, start)?;
            self.build_class(class, code, false, span)?;
        } else {
            self.generic_class(class, stmt, start)?;
        }
        let result = self.decorate(slot, class.decorator_list);
        self.store_name(class.name, result, span)?;
        self.u.depth = depth;
        Ok(())
    }

    /// Calls `__build_class__` in a new window.
    pub(super) fn build_class(&mut self, class: &'a ClassDef<'a>, code: Code, generic: bool, span: Span) -> R<Opnd> {
        self.check_keywords(class.keywords)?;
        let depth = self.u.depth;
        let callee = Opnd::Temp(self.u.push());
        self.u.emit1(Opcode::LoadBuildClass, callee, span);
        self.u.push();
        self.closure(code, Defaults::default(), None, span)?;
        let name = self.u.konst(Const::str(class.name));
        let slot = Opnd::Temp(self.u.push());
        self.copy(slot, name, span);
        let mut extra = Vec::new();
        if generic {
            let params = self.load(known::DOT_TYPE_PARAMS, span, None)?;
            let base = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::SubscriptGeneric, base, params, span);
            self.store(known::DOT_GENERIC_BASE, base, span)?;
            self.u.depth = depth + 4;
            extra.push(known::DOT_GENERIC_BASE);
        }
        self.call_prefixed(depth, 2, class.bases, &extra, class.keywords, span, None)
    }

    pub(super) fn class_body(&mut self, class: &'a ClassDef<'a>, stmt: &'a Stmt<'a>, start: u32) -> R<Code> {
        let Some(scope) = self.table.of(class, Role::Body) else { return self.error(stmt.span, "no scope") };
        self.enter(UnitKind::Class, scope, class.name, start);
        let private = self.table.names.intern(class.name);
        self.u.private = Some(private);
        self.prologue();
        let start = self.u.start;

        let temp = Opnd::Temp(self.u.push());
        let name = self.u.name_index(known::NAME);
        self.u.emit2(Opcode::LoadName, temp, name, start);
        self.store_known(known::MODULE, temp, start)?;
        let qualname = self.u.konst(Const::str(&self.u.qualname.clone()));
        self.store_known(known::QUALNAME, qualname, start)?;
        let line = self.u.konst(Const::Int(self.u.first_line as i64));
        self.store_known(known::FIRSTLINENO, line, start)?;
        self.u.depth = 0;
        if !class.type_params.is_empty() {
            let params = self.load(known::DOT_TYPE_PARAMS, start, None)?;
            self.store_known(known::TYPE_PARAMS, params, start)?;
            self.u.depth = 0;
        }
        let table = self.table.scope(scope);
        let (needs_dict, needs_class) = (table.needs_classdict, table.needs_class_closure);
        let conditional = table.has_conditional_annotations;
        let cell = |this: &Self, name| this.u.cells.get_index_of(&name).map(|at| Opnd::Cell(at as u32));
        let temp = Opnd::Temp(0);
        self.u.set_depth(1);
        if needs_dict && let Some(cell) = cell(self, known::CLASSDICT) {
            self.u.emit1(Opcode::LoadLocals, temp, start);
            self.u.emit2(Opcode::StoreDeref, cell, temp, start);
        }
        if conditional && let Some(cell) = cell(self, known::CONDITIONAL_ANNOTATIONS) {
            self.u.emit(Opcode::BuildSet, temp, temp, Opnd::Imm(0), start);
            self.u.emit2(Opcode::StoreDeref, cell, temp, start);
        }
        self.u.depth = 0;
        self.body(class.body, false)?;
        if self.future.flags & crate::code::flags::FUTURE_ANNOTATIONS == 0 {
            self.class_annotate()?;
        }
        let mut attributes: Vec<String> =
            self.u.static_attributes.iter().map(|&name| self.table.names.text(name).to_owned()).collect();
        attributes.sort_unstable();
        let attributes = attributes.iter().map(|text| Const::str(text)).collect();
        let attributes = self.u.konst(Const::Tuple(attributes));
        self.store_known(known::STATIC_ATTRIBUTES, attributes, NO_SPAN)?;
        self.u.depth = 0;
        self.u.set_depth(2);
        if needs_dict && let Some(cell) = cell(self, known::CLASSDICT) {
            self.u.emit2(Opcode::LoadClosure, temp, cell, NO_SPAN);
            self.store_known(known::CLASSDICTCELL, temp, NO_SPAN)?;
        }
        if needs_class && let Some(cell) = cell(self, known::CLASS) {
            self.u.emit2(Opcode::LoadClosure, temp, cell, NO_SPAN);
            let copy = Opnd::Temp(1);
            self.u.emit2(Opcode::Copy, copy, temp, NO_SPAN);
            self.store_known(known::CLASSCELL, copy, NO_SPAN)?;
            self.u.emit1(Opcode::Return, temp, NO_SPAN);
        }
        self.finish()
    }
}
