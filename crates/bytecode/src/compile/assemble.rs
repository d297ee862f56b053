//! From a finished unit to a code object: jump threading, dead padding, encoding, tables.

use super::unit::{Ins, Label, LabelState, NO_LINE, NO_SPAN, Opnd, Unit};
use crate::code::{Code, Const, ExceptionEntry, ExceptionTable, LineTableBuilder, Local, Position, flags, local_kind};
use crate::error::error_at;
use crate::op::{Field, Insn, MAX_NEAR_LOCALS, MAX_TEMPS, OpFlags, Opcode, Operand, OperandKind};
use crate::symtable::{Name, Names, known};
use cinder_syntax::SyntaxError;
use cinder_syntax::ast::{LineCursor, LineIndex, Span};
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::sync::{Arc, OnceLock};

/// What the code object needs besides the unit.
pub(super) struct Context<'c> {
    pub names: &'c Names,
    pub lines: &'c LineIndex,
    pub filename: &'c Arc<str>,
    pub flags: u32,
    /// The start of the unit's first line.
    pub start: Span,
    /// Whether this is an annotation scope.
    pub annotations: bool,
    /// Whether this is a module, which starts before its first line.
    pub module: bool,
}

/// Finishes `unit`.
///
/// # Errors
/// SyntaxError if a limit of the encoding is exceeded (more than 16,384 temporaries, or far cells).
pub(super) fn assemble(unit: Unit<'_>, context: &Context<'_>) -> Result<Code, SyntaxError> {
    let mut body = Body::new(unit.ins, unit.labels, context.lines);
    let handlers: Vec<Label> = unit.regions.iter().map(|region| region.handler).collect();
    body.thread_jumps(&handlers);
    body.inherit_spans(context, &handlers);
    let kept = body.mark_padding();
    Encoder { context, kept: &kept, body: &body }.encode(Parts {
        kind_flags: context.flags,
        max_depth: unit.max_depth,
        name: unit.name,
        qualname: unit.qualname,
        first_line: unit.first_line,
        arg_count: unit.arg_count,
        posonly_arg_count: unit.posonly_arg_count,
        kwonly_arg_count: unit.kwonly_arg_count,
        has_docstring: unit.has_docstring,
        order: if unit.vars.len() <= MAX_NEAR_LOCALS as usize { unit.order.into_iter().collect() } else { Vec::new() },
        vars: unit.vars,
        cells: unit.cells.into_iter().collect(),
        frees: unit.frees.into_iter().collect(),
        names: unit.names.into_iter().collect(),
        consts: unit.consts.into_iter().collect(),
        regions: unit.regions.iter().map(|region| (region.handler, region.temp)).collect(),
        events: unit.events,
    })
}

struct Body<'l> {
    ins: Vec<Ins>,
    positions: Vec<Position>,
    labels: Vec<LabelState>,
    cursor: LineCursor<'l>,
}

impl<'l> Body<'l> {
    fn new(ins: Vec<Ins>, labels: Vec<LabelState>, lines: &'l LineIndex) -> Body<'l> {
        Body { ins, positions: Vec::new(), labels, cursor: lines.cursor() }
    }

    fn target(&self, label: Label) -> Option<usize> {
        self.labels.get(label.0 as usize).and_then(|state| state.at).map(|at| at as usize)
    }

    fn line(&mut self, span: Span) -> u32 {
        if span == NO_SPAN || span == NO_LINE { 0 } else { self.cursor.location(span.start).line }
    }

    /// Whether instruction `at` is the `Jump` that the instruction before it runs or skips.
    fn is_partner(&self, at: usize) -> bool {
        at.checked_sub(1).and_then(|before| self.ins.get(before)).is_some_and(|ins| ins.op.is(OpFlags::SKIPS))
    }

    /// Lets jumps to jumps go to where those go. Code without source that leaves the unit or closes a loop is copied for
    /// each line that leads there, so that it has the line of what ran before it.
    fn thread_jumps(&mut self, handlers: &[Label]) {
        let mut joins = Vec::new();
        // The copies of such code, by where it starts and the line that leads there.
        let mut copies: FxHashMap<(usize, u32), Label> = FxHashMap::default();
        let mut originals: FxHashSet<usize> = FxHashSet::default();
        // What jumps become themselves comes first: copies are made of the result.
        let count = self.ins.len();
        for (at, copying) in (0..count).map(|at| (at, false)).chain((0..count).map(|at| (at, true))) {
            if copying && at == 0 {
                joins = self.joins(handlers);
            }
            let Opnd::Label(mut label) = self.ins[at].b else { continue };
            if self.ins[at].op.is(OpFlags::BACK) {
                continue;
            }
            // The Jump behind a fused test counts as part of the test.
            let partner = self.is_partner(at);
            let source = if partner { at - 1 } else { at };
            let span = if copying { self.span_at(source, &joins) } else { self.ins[source].span };
            while let Some(target) = self.target(label)
                && let Some(&next) = self.ins.get(target)
            {
                let same_line = next.span == NO_SPAN || self.line(next.span) == self.line(span);
                if next.op == Opcode::Jump && same_line {
                    let Opnd::Label(further) = next.b else { break };
                    label = further;
                    continue;
                }
                let Some(length) = self.ending(target) else { break };
                if length == 1 && self.ins[at].op == Opcode::Jump && !partner {
                    self.ins[at] = Ins { span: self.ins[at].span, ..next };
                } else if copying && span != NO_SPAN && span != NO_LINE {
                    let line = self.line(span);
                    if originals.insert(target) {
                        // The code itself is for what falls into it, or for the first line that leads there.
                        let first = if self.falls_into(target) { self.span_at(target - 1, &joins) } else { span };
                        let first = self.line(first);
                        copies.insert((target, first), label);
                    }
                    label = match copies.get(&(target, line)) {
                        Some(&copy) => copy,
                        None => {
                            let copy = self.copy_run_to_end(target, length, span);
                            copies.insert((target, line), copy);
                            copy
                        }
                    };
                }
                break;
            }
            if self.ins[at].op.is(OpFlags::JUMP) || self.ins[at].op.is(OpFlags::BRANCH) {
                let back = self.ins[at].op == Opcode::JumpBackward;
                if !back && matches!(self.ins[at].b, Opnd::Label(_)) {
                    self.ins[at].b = Opnd::Label(label);
                }
            }
        }
    }

    /// Where control may come from elsewhere than the instruction before.
    fn joins(&self, handlers: &[Label]) -> Vec<bool> {
        let mut joins = vec![false; self.ins.len() + 1];
        let jumps = self.ins.iter().filter_map(|ins| if let Opnd::Label(label) = ins.b { Some(label) } else { None });
        for target in jumps.chain(handlers.iter().copied()).filter_map(|label| self.target(label)) {
            joins[target] = true;
        }
        joins
    }

    /// The source of instruction `at`, or of what always runs before it if it has none; `joins` tells where control may
    /// come from elsewhere.
    fn span_at(&self, at: usize, joins: &[bool]) -> Span {
        let mut at = at;
        while self.ins[at].span == NO_SPAN && at > 0 && !joins[at] && self.falls_into(at) {
            at -= 1;
        }
        self.ins[at].span
    }

    /// Whether control comes to instruction `at` from the one before it.
    fn falls_into(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        let op = self.ins[before].op;
        !op.is(OpFlags::JUMP) && !op.is(OpFlags::ENDS) || self.is_partner(before)
    }

    /// One of two positions if they are of the same line.
    fn common(&mut self, a: Span, b: Span) -> Span {
        if a == b || self.line(a) == self.line(b) { a } else { NO_LINE }
    }

    /// The length of a short run of instructions without source that leaves the unit or closes a loop.
    fn ending(&self, from: usize) -> Option<usize> {
        for (at, ins) in self.ins.get(from..)?.iter().take(4).enumerate() {
            if ins.span != NO_SPAN {
                return None;
            }
            if ins.op == Opcode::Return || ins.op == Opcode::JumpBackward {
                return Some(at + 1);
            }
            if matches!(ins.b, Opnd::Label(_)) || ins.op.is(OpFlags::SKIPS) || ins.op.is(OpFlags::ENDS) {
                return None;
            }
        }
        None
    }

    /// Copies a run of instructions for code that leads to it from another line.
    fn copy_run_to_end(&mut self, from: usize, length: usize, span: Span) -> Label {
        let at = self.ins.len() as u32;
        for i in from..from + length {
            let ins = Ins { span, ..self.ins[i] };
            self.ins.push(ins);
        }
        self.labels.push(LabelState::placed(at));
        Label(self.labels.len() as u32 - 1)
    }

    /// Gives instructions without source the position of what runs before them. Where control comes from several
    /// lines, or from an exception, they have no line: tracers see nothing of them.
    fn inherit_spans(&mut self, context: &Context<'_>, handlers: &[Label]) {
        let mut entered_by_exception = vec![false; self.ins.len() + 1];
        for target in handlers.iter().filter_map(|&handler| self.target(handler)) {
            entered_by_exception[target] = true;
        }
        // Of the jumps to an instruction: the position they agree in.
        let mut jumper: Vec<Option<Span>> = vec![None; self.ins.len() + 1];
        let mut last = context.start;
        for at in 0..self.ins.len() {
            if self.ins[at].op == Opcode::Resume {
                self.ins[at].span = if context.module { NO_LINE } else { context.start };
                continue;
            }
            let falls = at == 0 || self.falls_into(at);
            if self.ins[at].span == NO_SPAN {
                self.ins[at].span = match jumper[at] {
                    _ if entered_by_exception[at] => NO_LINE,
                    Some(from) if falls => self.common(from, last),
                    Some(from) => from,
                    None => last,
                };
            }
            last = self.ins[at].span;
            if let Opnd::Label(label) = self.ins[at].b
                && let Some(target) = self.target(label)
            {
                jumper[target] = Some(match jumper[target] {
                    Some(other) => self.common(other, last),
                    None => last,
                });
            }
        }
        let mut cached = (NO_SPAN, Position::NONE);
        self.positions.reserve(self.ins.len());
        for at in 0..self.ins.len() {
            let span = self.ins[at].span;
            if span == NO_LINE {
                self.positions.push(Position::NONE);
                continue;
            }
            if cached.0 != span {
                let position = self.cursor.position(span);
                let position = Position {
                    line: position.start.line,
                    end_line: position.end.line,
                    column: position.start.column,
                    end_column: position.end.column,
                };
                cached = (span, position);
            }
            // A generator that never ran stands for no part of its line.
            let starts = match self.ins[at].op {
                Opcode::ReturnGenerator => true,
                Opcode::Resume => context.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0,
                _ => false,
            };
            self.positions.push(if starts { Position::line(cached.1.line) } else { cached.1 });
        }
    }

    /// Which instructions stay: jumps to the next instruction and padding that adds no line go.
    fn mark_padding(&mut self) -> Vec<bool> {
        let count = self.ins.len();
        let mut kept = vec![true; count];
        // next[at]: the first kept instruction from `at` on.
        let mut next = vec![count; count + 1];
        for at in (0..count).rev() {
            next[at] = at;
            let line = self.positions[at].line;
            let after = next[at + 1];
            let same_after = after < count && self.positions[after].line == line;
            let same_before = at > 0 && self.positions[at - 1].line == line && !self.ins[at - 1].op.is(OpFlags::ENDS);
            if self.ins[at].op == Opcode::Jump
                && !self.is_partner(at)
                && let Opnd::Label(label) = self.ins[at].b
                && self.target(label).is_some_and(|target| target > at && next[target] == after)
            {
                self.ins[at] = Ins { op: Opcode::Nop, a: Opnd::No, b: Opnd::No, c: Opnd::No, ..self.ins[at] };
            }
            if self.ins[at].op == Opcode::Nop && (same_after || same_before) && after < count && !self.is_partner(at) {
                kept[at] = false;
                next[at] = after;
            }
        }
        kept
    }
}

struct Parts {
    kind_flags: u32,
    max_depth: u32,
    name: String,
    qualname: String,
    first_line: u32,
    arg_count: u32,
    posonly_arg_count: u32,
    kwonly_arg_count: u32,
    has_docstring: bool,
    /// The places of the variables: a permutation, or empty if they keep theirs.
    order: Vec<u32>,
    vars: IndexMap<Name, bool, FxBuildHasher>,
    cells: Vec<Name>,
    frees: Vec<Name>,
    names: Vec<Name>,
    consts: Vec<Const>,
    regions: Vec<(Label, u32)>,
    events: Vec<(u32, u32)>,
}

struct Encoder<'e, 'l> {
    context: &'e Context<'e>,
    kept: &'e [bool],
    body: &'e Body<'l>,
}

/// Where cells and free variables are among the locals.
struct Layout {
    /// New index of each variable.
    vars: Vec<u32>,
    cells: Vec<u32>,
    first_free: u32,
    near: u32,
}

impl Encoder<'_, '_> {
    fn encode(self, parts: Parts) -> Result<Code, SyntaxError> {
        let mut locals: Vec<Local> = Vec::with_capacity(parts.vars.len() + parts.cells.len() + parts.frees.len());
        let names = self.context.names;
        let mut vars: Vec<u32> = (0..parts.vars.len() as u32).collect();
        let mut ordered: Vec<(&Name, &bool)> = parts.vars.iter().collect();
        if parts.order.len() == parts.vars.len() {
            ordered.clear();
            for (new, &old) in parts.order.iter().enumerate() {
                vars[old as usize] = new as u32;
                ordered.extend(parts.vars.get_index(old as usize));
            }
        }
        for (&name, &hidden) in ordered {
            let kind = local_kind::LOCAL | if hidden { local_kind::HIDDEN } else { 0 };
            // The compiler's own name of the parameter of annotation scopes cannot clash with others.
            let name = if name == known::DOT_FORMAT && self.context.annotations { known::FORMAT } else { name };
            locals.push(Local { name: names.shared(name).clone(), kind });
        }
        let mut cells = Vec::with_capacity(parts.cells.len());
        for &cell in &parts.cells {
            let shared = parts.vars.get_index_of(&cell).map(|old| vars[old] as usize);
            cells.push(shared.unwrap_or(locals.len()) as u32);
            match shared {
                Some(index) => locals[index].kind |= local_kind::CELL,
                None => locals.push(Local { name: names.shared(cell).clone(), kind: local_kind::CELL }),
            }
        }
        let first_free = locals.len() as u32;
        locals
            .extend(parts.frees.iter().map(|&name| Local { name: names.shared(name).clone(), kind: local_kind::FREE }));
        let far_cells = locals.len() as u32 > MAX_NEAR_LOCALS && !(parts.cells.is_empty() && parts.frees.is_empty());
        if far_cells || parts.max_depth > MAX_TEMPS {
            return Err(error_at(self.context.lines, Span::default(), "code is too complex to compile"));
        }
        let layout = Layout { vars, cells, first_free, near: (locals.len() as u32).min(MAX_NEAR_LOCALS) };

        let pc_of = self.program_counters();
        let (consts, const_map) = self.compact(parts.consts, parts.has_docstring);
        let insns = self.instructions(&layout, &pc_of, &const_map)?;
        let mut lines = LineTableBuilder::new(parts.first_line);
        for (position, _) in self.body.positions.iter().zip(self.kept).filter(|(_, kept)| **kept) {
            lines.push(*position);
        }
        let line_events = self.line_events(&parts.events, &pc_of);
        for &(_, line) in &line_events {
            lines.push(Position::line(line));
        }
        Ok(Code {
            name: parts.name.into(),
            qualname: parts.qualname.into(),
            filename: self.context.filename.clone(),
            first_line: parts.first_line,
            flags: parts.kind_flags | if parts.has_docstring { flags::HAS_DOCSTRING } else { 0 },
            arg_count: parts.arg_count,
            posonly_arg_count: parts.posonly_arg_count,
            kwonly_arg_count: parts.kwonly_arg_count,
            locals: locals.into(),
            temps: parts.max_depth,
            raw_words: 0,
            names: parts.names.iter().map(|&name| names.shared(name).clone()).collect(),
            consts: consts.into(),
            insns: insns.into(),
            exceptions: self.exceptions(&parts.regions, &pc_of),
            lines: lines.finish(),
            line_events: line_events.into(),
            liveness: OnceLock::new(),
        })
    }

    fn program_counters(&self) -> Vec<u32> {
        let mut pc = 0;
        let mut pc_of = Vec::with_capacity(self.kept.len() + 1);
        for &kept in self.kept {
            pc_of.push(pc);
            pc += u32::from(kept);
        }
        pc_of.push(pc);
        pc_of
    }

    /// Drops constants that no instruction uses (a docstring stays), keeping the order.
    fn compact(&self, consts: Vec<Const>, has_docstring: bool) -> (Vec<Const>, Vec<u32>) {
        let mut used = vec![false; consts.len()];
        if has_docstring && let Some(first) = used.first_mut() {
            *first = true;
        }
        for (ins, _) in self.body.ins.iter().zip(self.kept).filter(|(_, kept)| **kept) {
            for opnd in [ins.a, ins.b, ins.c] {
                if let Opnd::Const(index) = opnd {
                    used[index as usize] = true;
                }
            }
        }
        let mut map = Vec::with_capacity(consts.len());
        let mut left = Vec::with_capacity(consts.len());
        for (value, used) in consts.into_iter().zip(used) {
            map.push(left.len() as u32);
            if used {
                left.push(value);
            }
        }
        (left, map)
    }

    fn instructions(&self, layout: &Layout, pc_of: &[u32], const_map: &[u32]) -> Result<Vec<Insn>, SyntaxError> {
        let mut insns = Vec::with_capacity(self.kept.len());
        for (at, ins) in self.body.ins.iter().enumerate().filter(|&(at, _)| self.kept[at]) {
            let mut fields = [0u16; 3];
            let mut wide = None;
            for &(field, kind) in ins.op.info().operands {
                let opnd = match field {
                    Field::a => ins.a,
                    Field::b | Field::bx => ins.b,
                    Field::c => ins.c,
                };
                if field == Field::bx {
                    wide = Some(self.wide(opnd, pc_of, const_map, pc_of[at]));
                    continue;
                }
                let value = match opnd {
                    Opnd::No => 0,
                    Opnd::Local(index) => Operand::Local(layout.vars[index as usize] as u16).encode(layout.near),
                    Opnd::Cell(index) => Operand::Local(layout.cells[index as usize] as u16).encode(layout.near),
                    Opnd::Free(index) => Operand::Local((layout.first_free + index) as u16).encode(layout.near),
                    Opnd::Temp(index) => Operand::Temp(index as u16).encode(layout.near),
                    Opnd::Const(index) => Operand::Const(const_map[index as usize] as u16).encode(layout.near),
                    Opnd::Imm(number) => match u16::try_from(number) {
                        Ok(number) => number,
                        Err(_) => {
                            let what = if kind == OperandKind::Name16 { "names" } else { "items" };
                            let msg = format!("too many {what} in one code object");
                            return Err(error_at(self.context.lines, ins.span, msg));
                        }
                    },
                    Opnd::Label(_) => 0,
                };
                fields[field as usize] = value;
            }
            insns.push(match wide {
                Some(bx) => Insn::abx(ins.op, fields[0], bx),
                None => Insn::abc(ins.op, fields[0], fields[1], fields[2]),
            });
        }
        Ok(insns)
    }

    fn wide(&self, opnd: Opnd, pc_of: &[u32], const_map: &[u32], pc: u32) -> u32 {
        match opnd {
            Opnd::Label(label) => {
                let target = self.body.target(label).map_or(0, |at| pc_of[at]);
                target.wrapping_sub(pc + 1)
            }
            Opnd::Const(index) => const_map[index as usize],
            Opnd::Imm(number) | Opnd::Local(number) => number,
            _ => 0,
        }
    }

    fn exceptions(&self, regions: &[(Label, u32)], pc_of: &[u32]) -> ExceptionTable {
        let mut entries: Vec<ExceptionEntry> = Vec::new();
        let mut current = 0;
        for (at, ins) in self.body.ins.iter().enumerate().filter(|&(at, _)| self.kept[at]) {
            let pc = pc_of[at];
            if ins.region != 0 && ins.region == current && entries.last().is_some_and(|entry| entry.end == pc) {
                if let Some(entry) = entries.last_mut() {
                    entry.end = pc + 1;
                }
            } else if ins.region != 0 {
                let (handler, temp) = regions[ins.region as usize];
                if let Some(target) = self.body.target(handler) {
                    entries.push(ExceptionEntry { start: pc, end: pc + 1, handler: pc_of[target], temp });
                }
            }
            current = ins.region;
        }
        ExceptionTable::new(entries)
    }

    /// Source offsets of absorbed loads and stores to lines, without those that a tracer would not tell apart from the
    /// instructions around them.
    fn line_events(&self, events: &[(u32, u32)], pc_of: &[u32]) -> Vec<(u32, u32)> {
        let mut cursor = self.body.cursor.clone();
        let mut result: Vec<(u32, u32)> = Vec::new();
        let mut at = 0;
        while at < events.len() {
            let index = events[at].0;
            let mut last = match index.checked_sub(1) {
                Some(before) => self.body.positions[before as usize].line,
                None => 0,
            };
            let first = result.len();
            while at < events.len() && events[at].0 == index {
                let line = cursor.location(events[at].1).line;
                if line != last && events[at].1 != NO_SPAN.start {
                    result.push((pc_of[index as usize], line));
                    last = line;
                }
                at += 1;
            }
            let own = self.body.positions.get(index as usize).map_or(0, |position| position.line);
            if result.len() > first && result.last().is_some_and(|event| event.1 == own) {
                result.pop();
            }
        }
        result
    }
}
