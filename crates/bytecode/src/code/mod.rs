//! Code objects as plain data.

mod constant;
mod exceptions;
mod lines;

pub use constant::Const;
pub use exceptions::{ExceptionEntry, ExceptionTable};
pub use lines::{LineTable, LineTableBuilder, Position};

use crate::flow::Liveness;
use crate::op::{Insn, MAX_NEAR_LOCALS, Opcode};
use std::sync::{Arc, OnceLock};

/// Bits of [`Code::flags`], with CPython's values.
pub mod flags {
    /// Locals live in registers.
    pub const OPTIMIZED: u32 = 0x1;
    /// A call makes a new namespace.
    pub const NEWLOCALS: u32 = 0x2;
    /// Has a `*args` parameter.
    pub const VARARGS: u32 = 0x4;
    /// Has a `**kwargs` parameter.
    pub const VARKEYWORDS: u32 = 0x8;
    /// Is nested in a function.
    pub const NESTED: u32 = 0x10;
    /// Is a generator function.
    pub const GENERATOR: u32 = 0x20;
    /// Is a coroutine function.
    pub const COROUTINE: u32 = 0x80;
    /// Is a generator usable as a coroutine (`types.coroutine`).
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// Is an async generator function.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// `from __future__ import division`.
    pub const FUTURE_DIVISION: u32 = 0x2_0000;
    /// `from __future__ import absolute_import`.
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x4_0000;
    /// `from __future__ import with_statement`.
    pub const FUTURE_WITH_STATEMENT: u32 = 0x8_0000;
    /// `from __future__ import print_function`.
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x10_0000;
    /// `from __future__ import unicode_literals`.
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x20_0000;
    /// `from __future__ import barry_as_FLUFL`.
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x40_0000;
    /// `from __future__ import generator_stop`.
    pub const FUTURE_GENERATOR_STOP: u32 = 0x80_0000;
    /// `from __future__ import annotations`.
    pub const FUTURE_ANNOTATIONS: u32 = 0x100_0000;
    /// All future flags.
    pub const FUTURE_MASK: u32 = 0x1fe_0000;
    /// `co_consts[0]` is the docstring.
    pub const HAS_DOCSTRING: u32 = 0x400_0000;
    /// Is a function defined in a class body.
    pub const METHOD: u32 = 0x800_0000;
}

/// Kind bits of a local, with CPython's values.
pub mod local_kind {
    /// Deleted from the namespace when an inlined comprehension ends; not shown by `locals()` outside it.
    pub const HIDDEN: u8 = 0x10;
    /// A plain local (listed in `co_varnames`).
    pub const LOCAL: u8 = 0x20;
    /// Captured by an inner scope (listed in `co_cellvars`); the register holds a cell once `MakeCell` ran.
    pub const CELL: u8 = 0x40;
    /// Captured from an outer scope (listed in `co_freevars`); the register holds a cell once `CopyFreeVars` ran.
    pub const FREE: u8 = 0x80;
}

/// A local variable: its number is its index in [`Code::locals`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The (mangled) name.
    pub name: Arc<str>,
    /// Bits of [`local_kind`]; at least one.
    pub kind: u8,
}

/// A compiled function, class body, comprehension, annotation scope or module: immutable plain data.
#[derive(Debug)]
pub struct Code {
    /// `co_name`.
    pub name: Arc<str>,
    /// `co_qualname`.
    pub qualname: Arc<str>,
    /// `co_filename`.
    pub filename: Arc<str>,
    /// `co_firstlineno`.
    pub first_line: u32,
    /// Bits of [`flags`].
    pub flags: u32,
    /// Positional parameters, positional-only ones included.
    pub arg_count: u32,
    /// Positional-only parameters.
    pub posonly_arg_count: u32,
    /// Keyword-only parameters.
    pub kwonly_arg_count: u32,
    /// All locals: positional parameters, keyword-only ones, `*args`, `**kwargs`, other locals, cells that are not
    /// parameters or locals, free variables last.
    pub locals: Box<[Local]>,
    /// Temporaries of the frame.
    pub temps: u32,
    /// Raw 64-bit words of the frame.
    pub raw_words: u32,
    /// `co_names`: names of globals, attributes and imports.
    pub names: Box<[Arc<str>]>,
    /// `co_consts`, in order.
    pub consts: Box<[Const]>,
    /// The instructions.
    pub insns: Box<[Insn]>,
    /// Where exceptions go.
    pub exceptions: ExceptionTable,
    /// Positions of all instructions.
    pub lines: LineTable,
    /// Lines of loads and stores that instructions absorbed, by instruction index (ascending): a tracer sees them
    /// before the line of that instruction itself.
    pub line_events: Box<[(u32, u32)]>,
    /// Computed on first use by [`Code::liveness`].
    pub(crate) liveness: OnceLock<Liveness>,
}

impl Code {
    /// Code without instructions, for callers that fill in the fields themselves; it has to pass the verifier then.
    pub fn empty() -> Code {
        Code {
            name: "".into(),
            qualname: "".into(),
            filename: "".into(),
            first_line: 0,
            flags: 0,
            arg_count: 0,
            posonly_arg_count: 0,
            kwonly_arg_count: 0,
            locals: Box::default(),
            temps: 0,
            raw_words: 0,
            names: Box::default(),
            consts: Box::default(),
            insns: Box::default(),
            exceptions: ExceptionTable::default(),
            lines: LineTable::default(),
            line_events: Box::default(),
            liveness: OnceLock::new(),
        }
    }

    /// Locals reachable as operands; the remaining ones are far. Also the distance from the first parameter to the
    /// frame's base pointer.
    #[inline]
    pub fn near_locals(&self) -> u32 {
        (self.locals.len() as u32).min(MAX_NEAR_LOCALS)
    }

    /// Locals reached by `LoadFar` and its like.
    #[inline]
    pub fn far_locals(&self) -> u32 {
        self.locals.len() as u32 - self.near_locals()
    }

    /// Registers and raw words of a frame, in 8-byte words.
    #[inline]
    pub fn frame_size(&self) -> usize {
        self.locals.len() + self.temps as usize + self.raw_words as usize
    }

    /// The position of local `number` as an offset in words from the frame's base pointer.
    #[inline]
    pub fn local_offset(&self, number: u32) -> i32 {
        let near = self.near_locals();
        if number < near { number as i32 - near as i32 } else { (self.temps + self.raw_words + (number - near)) as i32 }
    }

    /// Parameters of all kinds: the locals that a call fills.
    #[inline]
    pub fn param_count(&self) -> u32 {
        let extra = |flag| u32::from(self.flags & flag != 0);
        self.arg_count + self.kwonly_arg_count + extra(flags::VARARGS) + extra(flags::VARKEYWORDS)
    }

    /// Whether calling a function of this code makes a generator, coroutine or async generator.
    #[inline]
    pub fn is_generator_like(&self) -> bool {
        self.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0
    }

    fn names_of(&self, kind: u8) -> impl Iterator<Item = &Arc<str>> {
        self.locals.iter().filter(move |local| local.kind & kind != 0).map(|local| &local.name)
    }

    /// `co_varnames`.
    pub fn varnames(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(local_kind::LOCAL)
    }

    /// `co_cellvars`.
    pub fn cellvars(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(local_kind::CELL)
    }

    /// `co_freevars`, in the order of the closure tuple.
    pub fn freevars(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(local_kind::FREE)
    }

    /// The number of free variables: the length that a closure for this code must have.
    pub fn free_count(&self) -> usize {
        self.freevars().count()
    }

    /// The docstring, if the code has one.
    pub fn docstring(&self) -> Option<&Const> {
        if self.flags & flags::HAS_DOCSTRING != 0 { self.consts.first() } else { None }
    }

    /// The position of instruction `pc`.
    pub fn position(&self, pc: u32) -> Position {
        self.lines.position(pc, self.first_line)
    }

    /// What is live at each instruction; computed once.
    ///
    /// Code that the verifier rejects gets a map in which nothing is live.
    #[inline]
    pub fn liveness(&self) -> &Liveness {
        self.liveness.get_or_init(|| Liveness::of(self))
    }

    /// Whether `pc` is the `Extra` word of the instruction before it.
    pub fn is_extra(&self, pc: u32) -> bool {
        self.insns.get(pc as usize).and_then(|insn| insn.op()) == Some(Opcode::Extra)
    }

    /// The nested code objects, in the order of the constants.
    pub fn children(&self) -> impl Iterator<Item = &Arc<Code>> {
        self.consts.iter().filter_map(|constant| match constant {
            Const::Code(code) => Some(code),
            _ => None,
        })
    }
}

/// Equality of what the code does: neither the name of its file nor the cached liveness map is compared.
impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.name == other.name
            && self.qualname == other.qualname
            && self.first_line == other.first_line
            && self.flags == other.flags
            && self.arg_count == other.arg_count
            && self.posonly_arg_count == other.posonly_arg_count
            && self.kwonly_arg_count == other.kwonly_arg_count
            && self.locals == other.locals
            && self.temps == other.temps
            && self.raw_words == other.raw_words
            && self.names == other.names
            && self.consts == other.consts
            && self.insns == other.insns
            && self.exceptions == other.exceptions
            && self.lines == other.lines
            && self.line_events == other.line_events
    }
}

impl Clone for Code {
    fn clone(&self) -> Code {
        Code {
            name: self.name.clone(),
            qualname: self.qualname.clone(),
            filename: self.filename.clone(),
            first_line: self.first_line,
            flags: self.flags,
            arg_count: self.arg_count,
            posonly_arg_count: self.posonly_arg_count,
            kwonly_arg_count: self.kwonly_arg_count,
            locals: self.locals.clone(),
            temps: self.temps,
            raw_words: self.raw_words,
            names: self.names.clone(),
            consts: self.consts.clone(),
            insns: self.insns.clone(),
            exceptions: self.exceptions.clone(),
            lines: self.lines.clone(),
            line_events: self.line_events.clone(),
            liveness: OnceLock::new(),
        }
    }
}
