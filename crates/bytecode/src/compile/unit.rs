//! One code object under construction: instructions, registers, labels, pools.

use crate::code::Const;
use crate::op::{Field, MAX_NEAR_CONSTS, MAX_NEAR_LOCALS, OpFlags, Opcode};
use crate::symtable::{Name, ScopeId, Symbol};
use cinder_syntax::ast::{Span, Stmt};
use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// An operand before encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opnd {
    /// The field is unused.
    No,
    /// A local by its index in [`Unit::vars`].
    Local(u32),
    /// A cell variable by its index in [`Unit::cells`].
    Cell(u32),
    /// A free variable by its index in [`Unit::frees`].
    Free(u32),
    /// A temporary.
    Temp(u32),
    /// A constant by its index in [`Unit::consts`].
    Const(u32),
    /// A plain number, or the index of a name.
    Imm(u32),
    /// A jump target.
    Label(Label),
}

/// A place in the code, before or after it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label(pub u32);

/// An instruction before encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ins {
    pub op: Opcode,
    pub a: Opnd,
    pub b: Opnd,
    pub c: Opnd,
    /// The source; `NO_SPAN` takes the line of what runs before.
    pub span: Span,
    pub region: u32,
}

/// The span of instructions without source.
pub(super) const NO_SPAN: Span = Span { start: u32::MAX, end: u32::MAX };
/// No line at all.
pub(super) const NO_LINE: Span = Span { start: u32::MAX, end: 0 };

/// What is known about a label.
#[derive(Debug)]
pub(super) struct LabelState {
    /// Index of the instruction it stands before.
    pub at: Option<u32>,
    /// Length of the trail when it was made: what was bound then is bound at it.
    mark: usize,
    /// Locals bound on every jump to it, besides those; `None` while nothing jumps to it.
    bound: Option<Vec<u32>>,
}

impl LabelState {
    /// A label that stands before instruction `at`.
    pub fn placed(at: u32) -> LabelState {
        LabelState { at: Some(at), mark: 0, bound: None }
    }
}

/// A protected region: where its exceptions go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub handler: Label,
    pub temp: u32,
}

/// A construct that `return`, `break` and `continue` must leave properly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub kind: BlockKind<'a>,
    /// Region outside the construct.
    pub region: u32,
}

/// The kinds of [`Block`].
#[derive(Clone, Copy, Debug)]
pub(super) enum BlockKind<'a> {
    /// A while loop: where `continue` and `break` go.
    While { head: Label, exit: Label },
    /// A for loop, with its iterator's temporary.
    For { head: Label, exit: Label, iter: u32 },
    /// An async for loop.
    AsyncFor { head: Label, exit: Label, iter: u32 },
    /// The body of `try … except`.
    Try,
    /// The body of `try … finally`.
    FinallyTry { body: &'a [&'a Stmt<'a>] },
    /// A finally block that runs because of an exception: saved exception in `temp`, exception in `temp + 1`.
    FinallyEnd { temp: u32 },
    /// A with block: exit function in `temp`, its self in `temp + 1`.
    With { temp: u32, span: Span, is_async: bool },
    /// An except clause: the saved exception, and the name to unbind.
    Handler { temp: u32, name: Option<&'a str> },
    /// An `except*` clause, which cannot be left by jumps.
    StarHandler,
    /// The body of a generator.
    Generator,
}

/// An annotation of a module or class, to be compiled into its `__annotate__`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred<'a> {
    pub stmt: &'a Stmt<'a>,
    pub conditional: Option<u32>,
}

/// A handler that is emitted behind the rest of the code.
#[derive(Clone, Debug)]
pub(super) enum Cold {
    /// Of a delegation: an exception thrown into the generator came back out of the iterator.
    Delegation { thrown: Label, end: Label, result: Opnd, iter: Opnd, value: Opnd, span: Span, region: u32 },
    /// Of an inlined comprehension: its variables must be restored.
    Comprehension {
        raised: Label,
        container: Option<Opnd>,
        saved: Vec<super::comprehension::Saved>,
        exc: Opnd,
        span: Span,
        region: u32,
    },
}

/// What is being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    TypeParams,
    Annotations,
}

type Set<T> = IndexSet<T, FxBuildHasher>;

/// See the module.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub kind: UnitKind,
    pub scope: ScopeId,
    pub name: String,
    pub qualname: String,
    /// Whether the values of expression statements are shown, as at a prompt.
    pub interactive: bool,
    pub private: Option<Name>,
    pub first_line: u32,
    /// A point on the first line, for instructions that set the frame up.
    pub start: Span,
    pub arg_count: u32,
    pub posonly_arg_count: u32,
    pub kwonly_arg_count: u32,

    pub ins: Vec<Ins>,
    pub labels: Vec<LabelState>,
    pub regions: Vec<Region>,
    pub region: u32,
    pub blocks: Vec<Block<'a>>,
    /// Whether control can come to the next instruction.
    pub reachable: bool,
    /// Source offsets of loads and stores absorbed since the last instruction.
    pub pending: Vec<u32>,
    /// (index of instruction, source offset of an absorbed load or store before it).
    pub events: Vec<(u32, u32)>,

    /// Plain locals; the value is whether it is hidden (a comprehension's, in a class or module).
    pub vars: IndexMap<Name, bool, FxBuildHasher>,
    /// Indices of `vars` in the order of `co_varnames`: the target of an assignment comes after what its value names.
    pub order: Set<u32>,
    pub cells: Set<Name>,
    pub frees: Set<Name>,
    /// Cells whose register holds a cell here.
    pub made_cells: FxHashSet<u32>,
    pub names: Set<Name>,
    pub consts: Set<Const>,
    bound: Vec<bool>,
    trail: Vec<u32>,
    /// Locals that something unbinds: not known to be bound at loop heads and handlers.
    pub deleted: Vec<Name>,
    pub depth: u32,
    pub max_depth: u32,

    /// Symbols of the inlined comprehensions around the current expression, innermost last.
    pub overlays: Vec<FxHashMap<Name, Symbol>>,
    /// Whether an expression may rebind a local while a name of it waits as an operand.
    pub hazards: bool,
    pub has_docstring: bool,
    pub deferred: Vec<Deferred<'a>>,
    pub next_conditional: u32,
    pub in_conditional: bool,
    pub static_attributes: Set<Name>,
    pub cold: Vec<Cold>,
    /// For each loop (false) and finally block (true) around, innermost last.
    pub finally: Vec<bool>,
    /// Blocks and region set aside while a jump leaves them.
    pub left: Vec<(Vec<Block<'a>>, u32)>,
}

impl<'a> Unit<'a> {
    pub fn new(kind: UnitKind, scope: ScopeId, name: String, first_line: u32) -> Unit<'a> {
        Unit {
            kind,
            scope,
            name,
            qualname: String::new(),
            interactive: false,
            private: None,
            first_line,
            start: Span { start: 0, end: 0 },
            arg_count: 0,
            posonly_arg_count: 0,
            kwonly_arg_count: 0,
            ins: Vec::new(),
            labels: Vec::new(),
            regions: vec![Region { handler: Label(u32::MAX), temp: 0 }],
            region: 0,
            blocks: Vec::new(),
            reachable: true,
            pending: Vec::new(),
            events: Vec::new(),
            vars: IndexMap::default(),
            order: Set::default(),
            cells: Set::default(),
            frees: Set::default(),
            made_cells: FxHashSet::default(),
            names: Set::default(),
            consts: Set::default(),
            bound: Vec::new(),
            trail: Vec::new(),
            deleted: Vec::new(),
            depth: 0,
            max_depth: 0,
            overlays: Vec::new(),
            hazards: false,
            has_docstring: false,
            deferred: Vec::new(),
            next_conditional: 0,
            in_conditional: false,
            static_attributes: Set::default(),
            cold: Vec::new(),
            finally: Vec::new(),
            left: Vec::new(),
        }
    }

    // ---- Registers and pools --------------------------------------------------------------------------------------

    /// Reserves the next temporary.
    pub fn push(&mut self) -> u32 {
        let temp = self.depth;
        self.set_depth(temp + 1);
        temp
    }

    pub fn set_depth(&mut self, depth: u32) {
        self.depth = depth;
        self.max_depth = self.max_depth.max(depth);
    }

    /// The index of a local, which takes the next place in `co_varnames` if it is new.
    pub fn var(&mut self, name: Name, hidden: bool) -> u32 {
        let index = self.var_early(name, hidden);
        self.order.insert(index);
        index
    }

    /// The index of a local that is about to be assigned; `var` gives it its place afterwards.
    pub fn var_early(&mut self, name: Name, hidden: bool) -> u32 {
        let entry = self.vars.entry(name);
        let index = entry.index() as u32;
        entry.or_insert(hidden);
        if self.bound.len() <= index as usize {
            self.bound.resize(index as usize + 1, false);
        }
        index
    }

    pub fn konst(&mut self, value: Const) -> Opnd {
        Opnd::Const(self.consts.insert_full(value).0 as u32)
    }

    pub fn name_index(&mut self, name: Name) -> Opnd {
        Opnd::Imm(self.names.insert_full(name).0 as u32)
    }

    /// Whether `opnd` can be an operand field as it is.
    pub fn is_near(opnd: Opnd) -> bool {
        match opnd {
            Opnd::Local(index) => index < MAX_NEAR_LOCALS,
            Opnd::Const(index) => index < MAX_NEAR_CONSTS,
            _ => true,
        }
    }

    // ---- Instructions ---------------------------------------------------------------------------------------------

    /// Notes that the next instruction does a load or store of the source at `span` on the way.
    pub fn absorb(&mut self, span: Span) {
        if self.reachable {
            self.pending.push(span.start);
        }
    }

    /// Appends an instruction, unless control cannot come here.
    pub fn emit(&mut self, op: Opcode, a: Opnd, b: Opnd, c: Opnd, span: Span) {
        if !self.reachable {
            return;
        }
        let far = |opnd: Opnd| matches!(opnd, Opnd::Const(index) if index >= MAX_NEAR_CONSTS);
        let (mut a, mut b, mut c) = (a, b, c);
        if (far(a) || far(b) || far(c)) && !op.info().operands.iter().any(|&(field, _)| field == Field::bx) {
            // Scratch registers above everything that the instruction may touch.
            let top = |opnd: Opnd| if let Opnd::Temp(temp) = opnd { temp + 3 } else { 0 };
            let mut scratch = self.depth.max(top(a)).max(top(b)).max(top(c));
            for opnd in [&mut a, &mut b, &mut c] {
                if far(*opnd) {
                    let temp = Opnd::Temp(scratch);
                    scratch += 1;
                    self.emit2(Opcode::LoadConst, temp, *opnd, span);
                    *opnd = temp;
                }
            }
            self.max_depth = self.max_depth.max(scratch);
        }
        if !self.pending.is_empty() {
            let at = self.ins.len() as u32;
            self.events.extend(self.pending.drain(..).map(|offset| (at, offset)));
        }
        self.ins.push(Ins { op, a, b, c, span, region: self.region });
        let flags = op.flags();
        if flags.contains(OpFlags::ENDS) || flags.contains(OpFlags::JUMP) {
            self.reachable = false;
        }
    }

    /// Takes back the instructions from number `first` on if they are exactly moves of `count` constants to the
    /// temporaries from `temp` on.
    pub fn take_constants(&mut self, first: usize, temp: u32, count: usize) -> Option<Vec<Const>> {
        let tail = self.ins.get(first..).filter(|tail| tail.len() == count && count > 0)?;
        let mut items = Vec::with_capacity(count);
        for (at, ins) in tail.iter().enumerate() {
            match (ins.op, ins.a, ins.b) {
                (Opcode::Move, Opnd::Temp(dst), Opnd::Const(index)) if dst == temp + at as u32 => {
                    items.push(self.consts[index as usize].clone());
                }
                _ => return None,
            }
        }
        self.ins.truncate(first);
        while self.events.pop_if(|&mut (at, _)| at as usize >= first).is_some() {}
        Some(items)
    }

    pub fn emit2(&mut self, op: Opcode, a: Opnd, b: Opnd, span: Span) {
        self.emit(op, a, b, Opnd::No, span);
    }

    pub fn emit1(&mut self, op: Opcode, a: Opnd, span: Span) {
        self.emit(op, a, Opnd::No, Opnd::No, span);
    }

    /// Raises `exc` again; `stays` keeps the frame at the instruction that raised first.
    pub fn reraise(&mut self, exc: Opnd, stays: bool, span: Span) {
        self.emit(Opcode::Reraise, exc, Opnd::Imm(stays as u32), Opnd::No, span);
    }

    // ---- Labels ---------------------------------------------------------------------------------------------------

    pub fn label(&mut self) -> Label {
        self.labels.push(LabelState { at: None, mark: self.trail.len(), bound: None });
        Label(self.labels.len() as u32 - 1)
    }

    /// Notes that control comes to `label` from here.
    fn edge(&mut self, label: Label) {
        /// Past this many locals a label forgets some: boundness may always be forgotten.
        const MOST: usize = 1 << 12;
        if !self.reachable {
            return;
        }
        let state = &mut self.labels[label.0 as usize];
        match &mut state.bound {
            Some(locals) => locals.retain(|&local| self.bound[local as usize]),
            None => {
                let added = self.trail.get(state.mark..).unwrap_or(&[]).iter().take(MOST);
                state.bound = Some(added.copied().filter(|&local| self.bound[local as usize]).collect());
            }
        }
    }

    /// Emits a jump (or branch on `a`) to `label`.
    pub fn jump(&mut self, op: Opcode, a: Opnd, label: Label, span: Span) {
        self.edge(label);
        self.emit2(op, a, Opnd::Label(label), span);
    }

    /// Emits a test instruction and the jump that it runs or skips.
    pub fn branch(&mut self, op: Opcode, a: Opnd, b: Opnd, sense: bool, label: Label, span: Span) {
        self.edge(label);
        self.emit(op, a, b, Opnd::Imm(sense as u32), span);
        let reachable = self.reachable;
        self.emit2(Opcode::Jump, Opnd::No, Opnd::Label(label), span);
        self.reachable = reachable;
    }

    /// Puts a label that is jumped to from before (or only by falling in) here.
    pub fn bind(&mut self, label: Label) {
        let at = self.ins.len() as u32;
        let state = &mut self.labels[label.0 as usize];
        state.at = Some(at);
        let mark = state.mark.min(self.trail.len());
        let Some(mut locals) = state.bound.take() else { return };
        if self.reachable {
            locals.retain(|&local| self.bound[local as usize]);
        }
        self.rewind(mark);
        for local in locals {
            self.set_bound(local);
        }
        self.reachable = true;
    }

    /// Puts the label of a loop's head here: what the loop may unbind is not known to be bound.
    pub fn bind_head(&mut self, label: Label) {
        self.labels[label.0 as usize].at = Some(self.ins.len() as u32);
        self.forget_deleted();
    }

    /// Puts a handler here: known to be bound is what was when its label was made. Control comes here if it came to
    /// the protected code.
    pub fn bind_handler(&mut self, label: Label, reachable: bool) {
        let state = &mut self.labels[label.0 as usize];
        state.at = Some(self.ins.len() as u32);
        let mark = state.mark.min(self.trail.len());
        self.rewind(mark);
        self.forget_deleted();
        self.reachable = reachable;
        self.pending.clear();
    }

    // ---- Definite assignment --------------------------------------------------------------------------------------

    pub fn is_bound(&self, local: u32) -> bool {
        self.bound.get(local as usize).copied().unwrap_or(false)
    }

    pub fn set_bound(&mut self, local: u32) {
        let slot = local as usize;
        if self.bound.len() <= slot {
            self.bound.resize(slot + 1, false);
        }
        if !self.bound[slot] {
            self.bound[slot] = true;
            self.trail.push(local);
        }
    }

    pub fn set_unbound(&mut self, local: u32) {
        if let Some(slot) = self.bound.get_mut(local as usize) {
            *slot = false;
        }
    }

    fn rewind(&mut self, mark: usize) {
        for local in self.trail.drain(mark..) {
            self.bound[local as usize] = false;
        }
    }

    fn forget_deleted(&mut self) {
        for name in &self.deleted {
            if let Some(index) = self.vars.get_index_of(name)
                && let Some(slot) = self.bound.get_mut(index)
            {
                *slot = false;
            }
        }
    }

    // ---- Regions --------------------------------------------------------------------------------------------------

    /// Starts a protected region whose exceptions go to `handler` with the exception in `temp`; returns the region
    /// around it, to be restored.
    pub fn protect(&mut self, handler: Label, temp: u32) -> u32 {
        self.regions.push(Region { handler, temp });
        // The exception register is written by the unwinder even where no instruction names it.
        self.max_depth = self.max_depth.max(temp + 1);
        std::mem::replace(&mut self.region, self.regions.len() as u32 - 1)
    }
}
