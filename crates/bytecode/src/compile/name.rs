//! Names: where they live, and the instructions that load, store and delete them.

use super::unit::{Opnd, UnitKind};
use super::{Compiler, R};
use crate::code::Const;
use crate::op::Opcode;
use crate::symtable::{Name, Storage, known};
use cinder_syntax::ast::Span;

/// Where a name lives, seen from the current unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A register.
    Fast(u32),
    /// A cell; an operand of kind `Cell` or `Free`.
    Deref(Opnd),
    /// Globals, then builtins; `true` if a `global` statement says so.
    Global(bool),
    /// The namespace mapping.
    Mapping,
}

impl<'a> Compiler<'a, '_> {
    pub(super) fn mangle(&mut self, text: &str) -> Name {
        let mangled = &self.table.scope(self.u.scope).mangled;
        if let Some(mangled) = mangled
            && !mangled.iter().any(|&name| self.table.names.text(name) == text)
        {
            return self.table.names.intern(text);
        }
        let private = self.u.private;
        self.table.names.mangle(private, text)
    }

    pub(super) fn place(&mut self, name: Name) -> Place {
        let place = self.place_early(name);
        if let Place::Fast(var) = place {
            self.u.order.insert(var);
        }
        place
    }

    /// The place of an assignment's target before its value has been evaluated.
    pub(super) fn place_early(&mut self, name: Name) -> Place {
        let scope = self.table.scope(self.u.scope);
        let function_like = scope.is_function_like();
        let mut storage = scope.storage(name);
        let mut hidden = false;
        for overlay in self.u.overlays.iter().rev() {
            if let Some(symbol) = overlay.get(&name) {
                storage = symbol.storage;
                hidden = !function_like;
                break;
            }
        }
        match storage {
            Storage::Local if function_like || hidden => Place::Fast(self.u.var_early(name, hidden)),
            Storage::Cell => match self.u.cells.get_index_of(&name) {
                Some(index) => Place::Deref(Opnd::Cell(index as u32)),
                None => Place::Mapping,
            },
            Storage::Free => match self.u.frees.get_index_of(&name) {
                Some(index) => Place::Deref(Opnd::Free(index as u32)),
                // A comprehension's free variable that is the class's own cell.
                None => self
                    .u
                    .cells
                    .get_index_of(&name)
                    .map_or(Place::Mapping, |index| Place::Deref(Opnd::Cell(index as u32))),
            },
            Storage::GlobalImplicit if function_like => Place::Global(false),
            Storage::GlobalExplicit => Place::Global(true),
            _ => Place::Mapping,
        }
    }

    /// The register that holds the cell of `name` for a closure made here.
    pub(super) fn closure_cell(&mut self, name: Name, span: Span) -> R<Opnd> {
        let class_cell = self.u.kind == UnitKind::Class
            && [known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS].contains(&name);
        if !class_cell && let Place::Deref(cell) = self.place(name) {
            return Ok(cell);
        }
        if let Some(index) = self.u.cells.get_index_of(&name) {
            return Ok(Opnd::Cell(index as u32));
        }
        // A name of a class that methods see through it is free in the class.
        if let Some(index) = self.u.frees.get_index_of(&name) {
            return Ok(Opnd::Free(index as u32));
        }
        let msg = format!("no cell for '{}'", self.table.names.text(name));
        self.error(span, msg)
    }

    /// `opnd` as something that can be an operand: far locals and constants go to a temporary.
    pub(super) fn near(&mut self, opnd: Opnd, span: Span) -> Opnd {
        if super::Unit::is_near(opnd) {
            return opnd;
        }
        let temp = Opnd::Temp(self.u.push());
        self.copy(temp, opnd, span);
        temp
    }

    /// Emits `dst = src` unless they are the same. `src` is consumed if it is a temporary.
    pub(super) fn copy(&mut self, dst: Opnd, src: Opnd, span: Span) {
        if dst == src {
            return;
        }
        if let (Opnd::Local(local), true) = (dst, !super::Unit::is_near(dst)) {
            let src = self.near(src, span);
            self.u.emit2(Opcode::StoreFar, src, Opnd::Local(local), span);
            return;
        }
        match src {
            Opnd::Const(_) if !super::Unit::is_near(src) => self.u.emit2(Opcode::LoadConst, dst, src, span),
            Opnd::Local(_) if !super::Unit::is_near(src) => self.u.emit2(Opcode::LoadFar, dst, src, span),
            _ => self.u.emit2(Opcode::Move, dst, src, span),
        }
    }

    /// The value of a name as an operand: a bound local itself, else a temporary (`dst` if it is given).
    pub(super) fn load_name(&mut self, text: &str, span: Span, dst: Option<Opnd>) -> R<Opnd> {
        if text == "__debug__" {
            let value = if self.options.optimize == 0 { Const::True } else { Const::False };
            let value = self.u.konst(value);
            return Ok(self.deliver(value, span, dst));
        }
        let name = self.mangle(text);
        self.load(name, span, dst)
    }

    pub(super) fn load(&mut self, name: Name, span: Span, dst: Option<Opnd>) -> R<Opnd> {
        match self.place(name) {
            Place::Fast(var) => {
                let local = Opnd::Local(var);
                if super::Unit::is_near(local) && !self.u.is_bound(var) {
                    self.u.emit1(Opcode::CheckLocal, local, span);
                    self.u.set_bound(var);
                }
                Ok(self.deliver(local, span, dst))
            }
            Place::Deref(cell) => {
                let scope = self.table.scope(self.u.scope);
                let sees = scope.can_see_class_scope;
                let class = self.u.kind == UnitKind::Class && self.u.overlays.is_empty();
                if class && !matches!(cell, Opnd::Cell(_)) {
                    let dict = Opnd::Temp(self.u.push());
                    self.u.emit1(Opcode::LoadLocals, dict, span);
                    return Ok(self.produce(Opcode::LoadFromDictOrDeref, dict, cell, span, dst));
                }
                if sees && name != known::CLASSDICT {
                    let dict = self.load_classdict(span)?;
                    return Ok(self.produce(Opcode::LoadFromDictOrDeref, dict, cell, span, dst));
                }
                let depth = self.u.depth;
                let dst = self.target(depth, dst);
                self.u.emit2(Opcode::LoadDeref, dst, cell, span);
                Ok(dst)
            }
            Place::Global(explicit) => {
                if !explicit && self.table.scope(self.u.scope).can_see_class_scope {
                    let dict = self.load_classdict(span)?;
                    let index = self.u.name_index(name);
                    return Ok(self.produce(Opcode::LoadFromDictOrGlobals, dict, index, span, dst));
                }
                Ok(self.load_named(Opcode::LoadGlobal, name, span, dst))
            }
            Place::Mapping => {
                let inlined = self.u.kind == UnitKind::Class && !self.u.overlays.is_empty();
                let op = if inlined { Opcode::LoadGlobal } else { Opcode::LoadName };
                Ok(self.load_named(op, name, span, dst))
            }
        }
    }

    fn load_classdict(&mut self, span: Span) -> R<Opnd> {
        let temp = Opnd::Temp(self.u.push());
        let Place::Deref(cell) = self.place(known::CLASSDICT) else {
            return self.error(span, "no class namespace to look names up in");
        };
        self.u.emit2(Opcode::LoadDeref, temp, cell, span);
        Ok(temp)
    }

    fn load_named(&mut self, op: Opcode, name: Name, span: Span, dst: Option<Opnd>) -> Opnd {
        let depth = self.u.depth;
        let index = self.u.name_index(name);
        let dst = self.target(depth, dst);
        self.u.emit2(op, dst, index, span);
        dst
    }

    /// Emits `op dst, dict, arg` where `dict` is the temporary on top.
    fn produce(&mut self, op: Opcode, dict: Opnd, arg: Opnd, span: Span, dst: Option<Opnd>) -> Opnd {
        let depth = self.u.depth - 1;
        let dst = self.target(depth, dst);
        self.u.emit(op, dst, dict, arg, span);
        dst
    }

    /// Binds a name to `value`, consuming it if it is a temporary.
    pub(super) fn store_name(&mut self, text: &str, value: Opnd, span: Span) -> R {
        let name = self.mangle(text);
        self.store(name, value, span)
    }

    pub(super) fn store(&mut self, name: Name, value: Opnd, span: Span) -> R {
        match self.place(name) {
            Place::Fast(var) => {
                self.copy(Opnd::Local(var), value, span);
                self.u.set_bound(var);
            }
            Place::Deref(cell) => {
                let value = self.near(value, span);
                self.u.emit2(Opcode::StoreDeref, cell, value, span);
            }
            Place::Global(_) => self.store_named(Opcode::StoreGlobal, name, value, span),
            Place::Mapping => self.store_named(Opcode::StoreName, name, value, span),
        }
        Ok(())
    }

    fn store_named(&mut self, op: Opcode, name: Name, value: Opnd, span: Span) {
        let value = self.near(value, span);
        let index = self.u.name_index(name);
        self.u.emit2(op, value, index, span);
    }

    /// `del name`.
    pub(super) fn delete_name(&mut self, text: &str, span: Span) -> R {
        let name = self.mangle(text);
        match self.place(name) {
            Place::Fast(var) => {
                let local = Opnd::Local(var);
                if super::Unit::is_near(local) {
                    self.u.emit1(Opcode::DeleteLocal, local, span);
                } else {
                    self.u.emit2(Opcode::DeleteFar, Opnd::No, local, span);
                }
                self.u.set_unbound(var);
            }
            Place::Deref(cell) => self.u.emit1(Opcode::DeleteDeref, cell, span),
            Place::Global(_) => {
                let index = self.u.name_index(name);
                self.u.emit2(Opcode::DeleteGlobal, Opnd::No, index, span);
            }
            Place::Mapping => {
                let index = self.u.name_index(name);
                self.u.emit2(Opcode::DeleteName, Opnd::No, index, span);
            }
        }
        Ok(())
    }

    /// Unbinds a name that may be unbound already: the end of an `except … as name` clause.
    pub(super) fn clear_name(&mut self, text: &str, span: Span) -> R {
        let name = self.mangle(text);
        if let Place::Fast(var) = self.place(name) {
            let local = Opnd::Local(var);
            if super::Unit::is_near(local) {
                self.u.emit1(Opcode::ClearLocal, local, span);
            } else {
                self.u.emit2(Opcode::ClearFar, Opnd::No, local, span);
            }
            self.u.set_unbound(var);
            return Ok(());
        }
        let none = self.u.konst(Const::None);
        self.store(name, none, span)?;
        self.delete_name(text, span)
    }
}
