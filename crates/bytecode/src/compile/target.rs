//! Assignment, augmented and annotated assignment, deletion.

use super::expr::inplace_opcode;
use super::unit::{Opnd, Unit, UnitKind};
use super::{Compiler, R};
use crate::code::Const;
use crate::op::Opcode;
use crate::symtable::known;
use cinder_syntax::ast::*;

use super::name::Place;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn assign(&mut self, targets: &'a [&'a Expr<'a>], value: &'a Expr<'a>) -> R {
        let depth = self.u.depth;
        if let [target] = targets {
            if let ExprKind::Name { id, .. } = target.kind {
                let name = self.mangle(id);
                if let Place::Fast(var) = self.place_early(name)
                    && Unit::is_near(Opnd::Local(var))
                {
                    self.expr_to(value, Opnd::Local(var))?;
                    self.u.order.insert(var);
                    self.u.set_bound(var);
                    self.u.absorb(target.span);
                    return Ok(());
                }
            }
            // `a, b = b, a` needs no tuple.
            if let (
                ExprKind::Tuple { elts: to, .. } | ExprKind::List { elts: to, .. },
                ExprKind::Tuple { elts: from, .. },
            ) = (target.kind, value.kind)
                && to.len() == from.len()
                && (2..=8).contains(&to.len())
                && !to.iter().chain(from).any(|elt| matches!(elt.kind, ExprKind::Starred { .. }))
            {
                for elt in from {
                    self.expr_temp(elt)?;
                }
                for (at, elt) in to.iter().enumerate() {
                    self.store_to(elt, Opnd::Temp(depth + at as u32))?;
                }
                self.u.depth = depth;
                return Ok(());
            }
        }
        let operand = self.operand(value, targets)?;
        let (Some((last, first)), span) = (targets.split_last(), value.span) else { return Ok(()) };
        for target in first {
            let top = self.u.depth;
            let copy = match operand {
                Opnd::Temp(_) => {
                    let copy = Opnd::Temp(self.u.push());
                    self.u.emit2(Opcode::Copy, copy, operand, span);
                    copy
                }
                other => other,
            };
            self.store_to(target, copy)?;
            self.u.depth = top;
        }
        self.store_to(last, operand)?;
        self.u.depth = depth;
        Ok(())
    }

    /// Assigns `value`, consuming it if it is a temporary; other temporaries used are above the current depth.
    pub(super) fn store_to(&mut self, target: &'a Expr<'a>, value: Opnd) -> R {
        let depth = self.u.depth;
        let span = target.span;
        match target.kind {
            ExprKind::Name { id, .. } => self.store_name(id, value, span)?,
            ExprKind::Attribute { value: object, attr, .. } => {
                let object = self.expr(object)?;
                self.store_attr(target, object, value, attr);
            }
            ExprKind::Subscript { value: object, slice, .. } => match slice.kind {
                ExprKind::Slice { lower, upper, step: None } if super::fold::const_slice(slice).is_none() => {
                    let later: Vec<&'a Expr<'a>> = lower.into_iter().chain(upper).collect();
                    let object = self.operand(object, &later)?;
                    let window = self.slice_window(lower, upper)?;
                    self.u.emit(Opcode::SetSlice, object, window, value, span);
                }
                _ => {
                    let object = self.operand(object, &[slice])?;
                    let key = self.expr(slice)?;
                    self.u.emit(Opcode::SetItem, object, key, value, span);
                }
            },
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => self.unpack(elts, value, span)?,
            ExprKind::Starred { .. } => {
                return self.error(span, "starred assignment target must be in a list or tuple");
            }
            _ => return self.error(span, "cannot assign to this expression"),
        }
        self.u.depth = depth;
        Ok(())
    }

    fn store_attr(&mut self, target: &'a Expr<'a>, object: Opnd, value: Opnd, attr: &'a str) {
        let span = self.attr_span(target, attr);
        self.note_static_attribute(target, attr);
        match self.attr_name(attr) {
            Opnd::Imm(index) if index > 0xffff => {
                let text = self.mangle(attr);
                let text = self.u.konst(Const::str(self.table.names.text(text)));
                let text = self.near(text, span);
                self.u.emit(Opcode::StoreAttrDyn, object, value, text, span);
            }
            name => self.u.emit(Opcode::StoreAttr, object, value, name, span),
        }
    }

    /// `self.attr = …` in a method: the class lists the attribute in `__static_attributes__`.
    fn note_static_attribute(&mut self, target: &Expr<'_>, attr: &str) {
        let ExprKind::Attribute { value, .. } = target.kind else { return };
        if !matches!(value.kind, ExprKind::Name { id: "self", .. }) {
            return;
        }
        let name = self.table.names.intern(attr);
        if let Some(class) = self.outer.iter_mut().rev().find(|unit| unit.kind == UnitKind::Class) {
            class.static_attributes.insert(name);
        }
    }

    fn unpack(&mut self, elts: &'a [&'a Expr<'a>], value: Opnd, span: Span) -> R {
        /// Temporaries that one unpacking may take.
        const MOST: usize = 0x2000;
        let mut star = None;
        for (at, elt) in elts.iter().enumerate() {
            if matches!(elt.kind, ExprKind::Starred { .. }) {
                if star.is_some() {
                    return self.error(span, "multiple starred expressions in assignment");
                }
                star = Some(at);
            }
        }
        if elts.len() > MOST {
            return self.error(span, "too many expressions in star-unpacking assignment");
        }
        let value = self.near(value, span);
        let window = self.u.depth;
        self.u.set_depth(window + elts.len() as u32);
        match star {
            None => {
                let count = Opnd::Imm(elts.len() as u32);
                self.u.emit(Opcode::UnpackSequence, value, Opnd::Temp(window), count, span);
            }
            Some(at) => {
                if at >= 256 {
                    return self.error(span, "too many expressions in star-unpacking assignment");
                }
                self.u.emit(Opcode::UnpackEx, value, Opnd::Temp(window), Opnd::Imm(at as u32), span);
                let after = Opnd::Imm((elts.len() - at - 1) as u32);
                self.u.emit2(Opcode::Extra, Opnd::No, after, span);
            }
        }
        for (at, elt) in elts.iter().enumerate() {
            let target = if let ExprKind::Starred { value, .. } = elt.kind { value } else { *elt };
            self.store_to(target, Opnd::Temp(window + at as u32))?;
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn aug_assign(
        &mut self,
        stmt: &'a Stmt<'a>,
        target: &'a Expr<'a>,
        op: Operator,
        value: &'a Expr<'a>,
    ) -> R {
        let depth = self.u.depth;
        let opcode = inplace_opcode(op);
        match target.kind {
            ExprKind::Name { id, .. } => {
                let old = self.operand(target, &[value])?;
                let right = self.expr(value)?;
                let name = self.mangle(id);
                if let Place::Fast(var) = self.place(name)
                    && Unit::is_near(Opnd::Local(var))
                {
                    self.u.emit(opcode, Opnd::Local(var), old, right, stmt.span);
                    self.u.set_bound(var);
                } else {
                    let result = self.target(depth, None);
                    self.u.emit(opcode, result, old, right, stmt.span);
                    self.store_name(id, result, target.span)?;
                }
            }
            ExprKind::Attribute { value: object, attr, .. } => {
                let object = self.operand(object, &[value])?;
                let span = self.attr_span(target, attr);
                let from = self.twin(object, span);
                let old = match from {
                    Opnd::Temp(_) => from,
                    _ => Opnd::Temp(self.u.push()),
                };
                match self.attr_name(attr) {
                    Opnd::Imm(index) if index > 0xffff => {
                        let text = self.mangle(attr);
                        let text = self.u.konst(Const::str(self.table.names.text(text)));
                        let text = self.near(text, span);
                        self.u.emit(Opcode::LoadAttrDyn, old, from, text, span);
                    }
                    name => self.u.emit(Opcode::LoadAttr, old, from, name, span),
                }
                let right = self.expr(value)?;
                self.u.emit(opcode, old, old, right, stmt.span);
                self.store_attr(target, object, old, attr);
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                let object = self.operand(object, &[slice, value])?;
                let key = self.operand(slice, &[value])?;
                let (from, at) = (self.twin(object, target.span), self.twin(key, target.span));
                let old = match (from, at) {
                    (Opnd::Temp(_), _) => from,
                    (_, Opnd::Temp(_)) => at,
                    _ => Opnd::Temp(self.u.push()),
                };
                self.u.emit(Opcode::GetItem, old, from, at, target.span);
                if let Opnd::Temp(temp) = old {
                    self.u.depth = temp + 1;
                }
                let right = self.expr(value)?;
                self.u.emit(opcode, old, old, right, stmt.span);
                self.u.emit(Opcode::SetItem, object, key, old, target.span);
            }
            _ => return self.error(target.span, "illegal target for augmented assignment"),
        }
        self.u.depth = depth;
        Ok(())
    }

    /// An operand for a first use that leaves `value` for a second one.
    fn twin(&mut self, value: Opnd, span: Span) -> Opnd {
        match value {
            Opnd::Temp(_) => {
                let copy = Opnd::Temp(self.u.push());
                self.u.emit2(Opcode::Copy, copy, value, span);
                copy
            }
            other => other,
        }
    }

    #[inline(never)]
    pub(super) fn ann_assign(
        &mut self,
        stmt: &'a Stmt<'a>,
        target: &'a Expr<'a>,
        annotation: &'a Expr<'a>,
        value: Option<&'a Expr<'a>>,
        simple: bool,
    ) -> R {
        let evaluates = matches!(self.u.kind, UnitKind::Module | UnitKind::Class);
        let depth = self.u.depth;
        if value.is_some() {
            let targets = std::slice::from_ref(match &stmt.kind {
                StmtKind::AnnAssign { target, .. } => target,
                _ => return Ok(()),
            });
            if let Some(value) = value {
                self.assign(targets, value)?;
            }
        }
        match target.kind {
            ExprKind::Name { id, .. } if simple && evaluates => self.variable_annotation(stmt, id, annotation)?,
            ExprKind::Attribute { value: object, .. } if value.is_none() => {
                let object = self.expr(object)?;
                self.discard(object, target.span);
            }
            ExprKind::Subscript { value: object, slice, .. } if value.is_none() => {
                let object = self.expr(object)?;
                self.discard(object, target.span);
                self.u.depth = depth;
                self.check_annotated_subscript(slice)?;
            }
            _ => {}
        }
        self.u.depth = depth;
        Ok(())
    }

    /// Evaluates the parts of a subscript that is annotated but not assigned.
    fn check_annotated_subscript(&mut self, slice: &'a Expr<'a>) -> R {
        let depth = self.u.depth;
        let parts: Vec<&'a Expr<'a>> = match slice.kind {
            ExprKind::Slice { lower, upper, step } => lower.into_iter().chain(upper).chain(step).collect(),
            ExprKind::Tuple { elts, .. } => return elts.iter().try_for_each(|elt| self.check_annotated_subscript(elt)),
            _ => vec![slice],
        };
        for part in parts {
            let value = self.expr(part)?;
            self.discard(value, part.span);
            self.u.depth = depth;
        }
        Ok(())
    }

    /// Records the annotation of a name of a module or class.
    fn variable_annotation(&mut self, stmt: &'a Stmt<'a>, id: &'a str, annotation: &'a Expr<'a>) -> R {
        let depth = self.u.depth;
        if self.future.flags & crate::code::flags::FUTURE_ANNOTATIONS != 0 {
            let text = super::unparse::unparse(annotation);
            let text = self.u.konst(Const::Str(text.into()));
            let text = self.near(text, annotation.span);
            let dict = self.load(known::ANNOTATIONS, stmt.span, None)?;
            let key = self.mangle(id);
            let key = self.u.konst(Const::str(self.table.names.text(key)));
            let key = self.near(key, stmt.span);
            self.u.emit(Opcode::SetItem, dict, key, text, stmt.span);
            self.u.depth = depth;
            return Ok(());
        }
        let conditional = self.u.kind == UnitKind::Module || self.u.in_conditional;
        let index = conditional.then_some(self.u.next_conditional);
        self.u.deferred.push(super::unit::Deferred { stmt, conditional: index });
        if let Some(index) = index {
            self.u.next_conditional += 1;
            let slot = Opnd::Temp(self.u.push());
            self.load_conditional_set(slot, stmt.span)?;
            let set = Opnd::Temp(self.u.push());
            // The set is a plain value to the verifier: update it through its in-place union.
            let index = self.u.konst(Const::Int(index as i64));
            let index = self.near(index, stmt.span);
            self.u.emit(Opcode::BuildSet, set, set, Opnd::Imm(0), stmt.span);
            self.u.emit2(Opcode::SetAdd, set, index, stmt.span);
            self.u.emit(Opcode::InplaceOr, slot, slot, set, stmt.span);
            self.u.emit1(Opcode::Drop, slot, stmt.span);
        }
        self.u.depth = depth;
        Ok(())
    }

    /// Loads the set of the indices of conditional annotations that were executed.
    pub(super) fn load_conditional_set(&mut self, slot: Opnd, span: Span) -> R {
        let name = known::CONDITIONAL_ANNOTATIONS;
        let cell = self.u.cells.get_index_of(&name).map(|at| Opnd::Cell(at as u32));
        let cell = cell.or_else(|| self.u.frees.get_index_of(&name).map(|at| Opnd::Free(at as u32)));
        if let Some(cell) = cell {
            self.u.emit2(Opcode::LoadDeref, slot, cell, span);
            return Ok(());
        }
        let index = self.u.name_index(name);
        let op = if self.u.kind == UnitKind::Module { Opcode::LoadName } else { Opcode::LoadGlobal };
        self.u.emit2(op, slot, index, span);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn delete(&mut self, target: &'a Expr<'a>) -> R {
        let depth = self.u.depth;
        let span = target.span;
        match target.kind {
            ExprKind::Name { id, .. } => self.delete_name(id, span)?,
            ExprKind::Attribute { value, attr, .. } => {
                let object = self.expr(value)?;
                let span = self.attr_span(target, attr);
                match self.attr_name(attr) {
                    Opnd::Imm(index) if index > 0xffff => {
                        let text = self.mangle(attr);
                        let text = self.u.konst(Const::str(self.table.names.text(text)));
                        let text = self.near(text, span);
                        self.u.emit2(Opcode::DelAttrDyn, object, text, span);
                    }
                    name => self.u.emit(Opcode::DelAttr, object, Opnd::No, name, span),
                }
            }
            ExprKind::Subscript { value, slice, .. } => {
                let object = self.operand(value, &[slice])?;
                let key = self.expr(slice)?;
                self.u.emit2(Opcode::DelItem, object, key, span);
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                elts.iter().try_for_each(|elt| self.delete(elt))?;
            }
            _ => return self.error(span, "cannot delete this expression"),
        }
        self.u.depth = depth;
        Ok(())
    }
}
