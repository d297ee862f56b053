//! The second pass: resolves every name of every scope.

use super::build::R;
use super::{Comprehension, Name, ScopeId, ScopeKind, Storage, Symbol, SymbolTable, def, known};
use crate::error::error_at;
use cinder_syntax::ast::{LineIndex, Span};
use rustc_hash::{FxHashMap, FxHashSet};

/// Resolves the names of all scopes.
pub(super) fn analyze(table: &mut SymbolTable, lines: &LineIndex) -> R {
    let mut analyzer =
        Analyzer { table, lines, bound: Trail::default(), global: Trail::default(), type_params: Trail::default() };
    analyzer.block(ScopeId(0), false, None)?;
    Ok(())
}

/// A set whose changes can be taken back, so that inner scopes need no copies of the sets of outer ones.
#[derive(Default)]
struct Trail {
    set: FxHashSet<Name>,
    log: Vec<Name>,
}

impl Trail {
    fn add(&mut self, name: Name) {
        if self.set.insert(name) {
            self.log.push(name);
        }
    }

    fn discard(&mut self, name: Name) {
        if self.set.remove(&name) {
            self.log.push(name);
        }
    }

    fn contains(&self, name: Name) -> bool {
        self.set.contains(&name)
    }

    /// Takes back all changes since the log had length `mark`; each logged name has toggled.
    fn undo(&mut self, mark: usize) {
        while self.log.len() > mark {
            if let Some(name) = self.log.pop()
                && !self.set.remove(&name)
            {
                self.set.insert(name);
            }
        }
    }
}

struct Analyzer<'t> {
    table: &'t mut SymbolTable,
    lines: &'t LineIndex,
    bound: Trail,
    global: Trail,
    type_params: Trail,
}

type NameSet = FxHashSet<Name>;

impl Analyzer<'_> {
    fn scope(&mut self, id: ScopeId) -> &mut super::Scope {
        &mut self.table.scopes[id.0 as usize]
    }

    /// Resolves a scope and those inside it; returns the names that are free in it. `has_bound` is false for the module's
    /// own scope only.
    fn block(&mut self, id: ScopeId, has_bound: bool, class_entry: Option<ScopeId>) -> R<NameSet> {
        let marks = (self.bound.log.len(), self.global.log.len(), self.type_params.log.len());
        let kind = self.scope(id).kind;
        let is_class = kind == ScopeKind::Class;
        let function_like = self.scope(id).is_function_like();
        let mut local = Vec::new();
        let names: Vec<(Name, u16)> =
            self.scope(id).symbols.iter().map(|(&name, symbol)| (name, symbol.flags)).collect();
        let mut scopes: FxHashMap<Name, Storage> = FxHashMap::default();
        scopes.reserve(names.len());
        for &(name, flags) in &names {
            let storage = self.name(id, name, flags, has_bound, class_entry, &mut local)?;
            scopes.insert(name, storage);
        }
        let free = |(&name, &storage): (&Name, &Storage)| (storage == Storage::Free).then_some(name);
        let own_free: NameSet = scopes.iter().filter_map(free).collect();
        if is_class {
            self.bound.undo(marks.0);
            self.global.undo(marks.1);
            self.bound.add(known::CLASS);
            self.bound.add(known::CLASSDICT);
            if self.scope(id).has_conditional_annotations {
                self.bound.add(known::CONDITIONAL_ANNOTATIONS);
            }
        } else if function_like {
            for name in local {
                self.bound.add(name);
            }
        }

        let mut new_free = NameSet::default();
        let mut inlined_cells = NameSet::default();
        let children = self.scope(id).children.clone();
        let mut spliced = Vec::with_capacity(children.len());
        for child in children {
            let child_scope = self.scope(child);
            let sees_class = child_scope.can_see_class_scope;
            let comprehension = child_scope.comprehension;
            let generator = child_scope.generator;
            let entry = match (sees_class, is_class) {
                (false, _) => None,
                (true, true) => Some(id),
                (true, false) => class_entry,
            };
            let inline = comprehension != Comprehension::None && !generator && !self.scope(id).can_see_class_scope;
            let mut child_free = self.block(child, true, entry)?;
            if inline {
                self.inline(id, child, &mut scopes, &mut child_free, &mut inlined_cells);
                self.scope(child).inlined = true;
                let inner = self.scope(child).children.clone();
                spliced.extend(inner);
            } else {
                spliced.push(child);
            }
            new_free.extend(child_free);
            let child_scope = self.scope(child);
            if child_scope.has_free || child_scope.child_free {
                self.scope(id).child_free = true;
            }
        }
        self.scope(id).children = spliced;

        if function_like {
            for (name, storage) in &mut scopes {
                if *storage == Storage::Local && (new_free.contains(name) || inlined_cells.contains(name)) {
                    *storage = Storage::Cell;
                    new_free.remove(name);
                }
            }
        } else if is_class {
            let scope = self.scope(id);
            scope.needs_class_closure |= new_free.remove(&known::CLASS);
            scope.needs_classdict |= new_free.remove(&known::CLASSDICT);
            scope.has_conditional_annotations |= new_free.remove(&known::CONDITIONAL_ANNOTATIONS);
        }
        self.bound.undo(marks.0);
        self.global.undo(marks.1);
        self.type_params.undo(marks.2);
        self.update(id, &scopes, has_bound, &new_free, &inlined_cells);
        let own = names.iter().map(|&(name, _)| name).filter(|name| own_free.contains(name));
        new_free.extend(own);
        Ok(new_free)
    }

    fn name(
        &mut self,
        id: ScopeId,
        name: Name,
        flags: u16,
        has_bound: bool,
        class_entry: Option<ScopeId>,
        local: &mut Vec<Name>,
    ) -> R<Storage> {
        if flags & def::GLOBAL != 0 {
            if flags & def::NONLOCAL != 0 {
                return self.directive_error(id, name, |text| format!("name '{text}' is nonlocal and global"));
            }
            self.global.add(name);
            self.bound.discard(name);
            return Ok(Storage::GlobalExplicit);
        }
        if flags & def::NONLOCAL != 0 {
            if !has_bound {
                let msg = |_: &str| "nonlocal declaration not allowed at module level".to_owned();
                return self.directive_error(id, name, msg);
            }
            if !self.bound.contains(name) {
                return self.directive_error(id, name, |text| format!("no binding for nonlocal '{text}' found"));
            }
            if self.type_params.contains(name) {
                let msg = |text: &str| format!("nonlocal binding not allowed for type parameter '{text}'");
                return self.directive_error(id, name, msg);
            }
            self.scope(id).has_free = true;
            return Ok(Storage::Free);
        }
        if flags & def::BOUND != 0 {
            local.push(name);
            self.global.discard(name);
            if flags & def::TYPE_PARAM != 0 {
                self.type_params.add(name);
            } else {
                self.type_params.discard(name);
            }
            return Ok(Storage::Local);
        }
        // A name bound both by the class around an annotation scope and by a function outside that is looked up in the
        // class's namespace, then in globals: never in the function.
        if let Some(class) = class_entry
            && name != known::CLASSDICT
            && let Some(symbol) = self.scope(class).symbols.get(&name)
        {
            if symbol.flags & def::GLOBAL != 0 {
                return Ok(Storage::GlobalExplicit);
            }
            if symbol.flags & def::BOUND != 0 && symbol.flags & def::NONLOCAL == 0 {
                return Ok(Storage::GlobalImplicit);
            }
        }
        if has_bound && self.bound.contains(name) {
            self.scope(id).has_free = true;
            return Ok(Storage::Free);
        }
        Ok(Storage::GlobalImplicit)
    }

    fn directive_error<T>(&mut self, id: ScopeId, name: Name, msg: impl Fn(&str) -> String) -> R<T> {
        let text = msg(self.table.names.text(name));
        let found = self.scope(id).directives.iter().find(|(at, _)| *at == name).map(|&(_, span)| span);
        Err(error_at(self.lines, found.unwrap_or_else(Span::default), text))
    }

    /// Merges the names of an inlined comprehension into the scope around it.
    fn inline(
        &mut self,
        id: ScopeId,
        comp: ScopeId,
        scopes: &mut FxHashMap<Name, Storage>,
        comp_free: &mut NameSet,
        inlined_cells: &mut NameSet,
    ) {
        let symbols: Vec<(Name, Symbol)> = self.scope(comp).symbols.iter().map(|(&n, &s)| (n, s)).collect();
        let in_class = self.scope(id).kind == ScopeKind::Class;
        for (name, symbol) in symbols {
            if symbol.flags & def::PARAM != 0 {
                continue;
            }
            // The comprehension sets its variables aside and puts them back: a loop around it unbinds them in its body.
            if symbol.flags & def::LOCAL != 0 {
                self.scope(id).deleted.insert(name);
            }
            let mut storage = symbol.storage;
            if storage == Storage::Cell || symbol.flags & def::COMP_CELL != 0 {
                inlined_cells.insert(name);
            }
            let cells = [known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS];
            if storage == Storage::Free && in_class && cells.contains(&name) {
                // The class's own cells are not for the comprehension itself, only for functions in it.
                storage = Storage::GlobalImplicit;
                if !self.free_in_child(comp, name) {
                    comp_free.remove(&name);
                }
                if name == known::CLASS
                    && let Some(symbol) = self.scope(comp).symbols.get_mut(&name)
                {
                    symbol.storage = storage;
                }
            }
            match self.scope(id).symbols.get(&name).copied() {
                None => {
                    self.scope(id).symbols.insert(name, Symbol { flags: symbol.flags, storage });
                    scopes.insert(name, storage);
                }
                Some(existing) => {
                    let bound = symbol.flags & def::BOUND != 0;
                    if !bound
                        && !in_class
                        && symbol.flags & def::USE != 0
                        && let Some(outer) = self.scope(id).symbols.get_mut(&name)
                    {
                        outer.flags |= def::USE;
                    }
                    let local = existing.flags & def::BOUND != 0 && !in_class;
                    if local && !self.free_in_child(comp, name) {
                        comp_free.remove(&name);
                    }
                }
            }
        }
        let inner = self.scope(comp).deleted.clone();
        self.scope(id).deleted.extend(inner);
        self.scope(comp).has_free = !comp_free.is_empty();
    }

    fn free_in_child(&mut self, comp: ScopeId, name: Name) -> bool {
        let children = self.scope(comp).children.clone();
        children.into_iter().any(|child| self.scope(child).storage(name) == Storage::Free)
    }

    fn update(
        &mut self,
        id: ScopeId,
        scopes: &FxHashMap<Name, Storage>,
        has_bound: bool,
        free: &NameSet,
        inlined_cells: &NameSet,
    ) {
        let mut sorted: Vec<Name> = free.iter().copied().collect();
        sorted.sort_unstable();
        let outer_bound = |name: Name, bound: &Trail| !has_bound || bound.contains(name);
        let missing: Vec<Name> = sorted.iter().copied().filter(|&name| outer_bound(name, &self.bound)).collect();
        let scope = &mut self.table.scopes[id.0 as usize];
        let class_like = scope.kind == ScopeKind::Class || scope.can_see_class_scope;
        for (name, symbol) in &mut scope.symbols {
            if let Some(&storage) = scopes.get(name) {
                symbol.storage = storage;
            }
            if inlined_cells.contains(name) {
                symbol.flags |= def::COMP_CELL;
            }
        }
        for name in sorted {
            if let Some(symbol) = scope.symbols.get_mut(&name) {
                // A free variable of a method with the name of a class variable passes through the class.
                if class_like {
                    symbol.flags |= def::FREE_CLASS;
                }
            }
        }
        for name in missing {
            scope.symbols.entry(name).or_insert(Symbol { flags: 0, storage: Storage::Free });
        }
    }
}
