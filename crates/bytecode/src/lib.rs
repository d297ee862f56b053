//! AST to symbol tables to register bytecode: code objects as plain data, verifier, disassembler, on-disk format.
//!
//! ```
//! use cinder_bytecode::{compile, verify, CompileOptions};
//! use cinder_syntax::{ast::Arena, parse, ParseOptions};
//!
//! let arena = Arena::new();
//! let parsed = parse("x = [n * 2 for n in range(3)]\n", &ParseOptions::default(), &arena)?;
//! let compiled = compile(&parsed.module, &parsed.lines, &CompileOptions::new("example.py"))?;
//! verify(&compiled.code)?;
//! println!("{}", compiled.code);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The machine
//!
//! Code runs on a register machine. An instruction is one 64-bit word ([`Insn`](op::Insn)): a 16-bit opcode and either
//! three 16-bit fields `a b c` or a 16-bit field `a` and a 32-bit field `bx`. The opcode table
//! ([`for_each_opcode!`]) is the only description of the instruction set; the enum, the encoder, the verifier, the
//! disassembler and the interpreter's dispatch all come from it. A few instructions are followed by one `Extra` word
//! whose `bx` is a further argument; the program counter steps over both.
//!
//! ## Frame layout
//!
//! ```text
//!  first parameter                    base
//!  |                                  |
//!  [ near locals .................... | temporaries ... | raw words ... | far locals ... ]
//!   -near_locals                   -1   0     temps-1
//! ```
//!
//! * **Locals** come in the order of [`Code::locals`](code::Code::locals): parameters first (positional, keyword-only,
//!   `*args`, `**kwargs`), other locals, cells, free variables. A local holds a value, the unbound sentinel, or a cell.
//!   On entry a call has filled the parameters; every other local, far ones included, must be set to unbound.
//! * **Temporaries** need no initialisation: which are live is known statically.
//! * **Raw words** hold unboxed machine values of typed code; nothing traverses or counts them.
//! * **Far locals** are those past number 0x7fff; only `LoadFar`, `StoreFar`, `DeleteFar`, `TakeFar`, `RestoreFar`
//!   reach them. Cells and free variables are never far.
//!
//! The frame's base pointer stands between locals and temporaries, so a register operand is a signed 16-bit offset
//! from it (see [`Operand`](op::Operand)): negative is a local, `0..0x4000` a temporary, and `0x4000..` a constant (of a
//! `Use` or `Peek` operand only). One sign test tells a handler whether a destination has an old value to drop; one
//! range test tells whether a use is to be consumed.
//!
//! ## Ownership
//!
//! * A **local** or **constant** operand is borrowed: the instruction takes its own reference if it keeps the value.
//!   The compiler names a local directly only where it is certainly bound and nothing between its place in the source
//!   and the instruction can rebind it (the `Move` or `CheckLocal` it emits otherwise stands at the source position).
//! * A **temporary** operand of kind `Use`, `Tmp` or `InOut`, and a window that an instruction consumes, is owned by
//!   the instruction from its start, *whether it succeeds or raises*. `Keep` and `Peek` operands stay live.
//! * The order inside each instruction: read the operands; compute; on success drop the consumed temporaries in operand
//!   order (the table notes the exceptions), store the destination, drop the destination's old value. The program
//!   counter is saved before the first drop, since a finaliser may look at the frame. On failure: drop the consumed
//!   temporaries, leave the destination alone, unwind.
//! * A destination that is a temporary is dead before the instruction, or one that the same instruction consumes: it
//!   has no old value to drop. A local destination always has one (perhaps unbound, for which a drop does nothing).
//! * `Return`, and unwinding out of the frame, drop the live temporaries from the highest down, then the locals in order.
//!
//! ## Calls
//!
//! A call's callee and arguments stand in a *window* of consecutive temporaries:
//!
//! ```text
//!  w        w+1               w+2 ...          w+1+argc
//!  callee   self or scratch   arg 0            arg argc-1
//! ```
//!
//! `Call`, `CallKw` and `CallEx` find `w+1` dead and may use it as scratch: a bound method is unpacked into `w`, `w+1`.
//! `CallMethod` and `CallMethodKw` find there what `LoadMethod`, `LoadSuperMethod`, `LoadSpecial` or `WithExceptArgs`
//! left: self, or the unbound sentinel when the callee is complete. So the callee's parameters begin at `w+1` (with
//! self) or `w+2` (without), and an interpreted callee's frame overlaps the caller's window: its base is that address
//! plus its `near_locals`. The callee owns its parameter registers and drops them; the caller's frame keeps owning
//! `w` (the function) until the call is over. A native callee borrows the arguments as a slice; the caller's
//! instruction drops them afterwards. Temporaries above the window are all dead during a call.
//!
//! In `CallKw` and `CallMethodKw` the count covers all arguments; the `Extra` word that follows is the index of the
//! constant tuple naming the last ones. `CallEx`'s window is [callee, scratch, positionals (any iterable)] and, if `c`
//! is 1, a dict of keywords.
//!
//! The result goes to `a`, which may be a local; often it is `w` itself.
//!
//! ## Control flow
//!
//! Jump distances count from the instruction after the jump. Forward jumps never poll. Every loop closes with
//! `JumpBackward`, which polls, or, around a `Send`, with `JumpBackwardNoPoll`. The fused tests (`BrLt` …, `BrExcMatch`)
//! and `ForIter` are followed by a `Jump` that they run or skip: a handler may read the target from that word and go
//! there at once.
//!
//! ## Exceptions
//!
//! When the instruction at `pc` raises, [`ExceptionTable::find`](code::ExceptionTable::find) gives the entry that
//! protects it. The unwinder drops, from the highest down, the live temporaries numbered `entry.temp` and above (those
//! of [`Liveness::live_during`](flow::Liveness::live_during): what the instruction consumed is gone already), stores the
//! exception in temporary `entry.temp` and goes on at `entry.handler`. Without an entry it drops everything and the
//! frame is left. A traceback entry for the frame is added for every raise but `Reraise`, and a new context is chained
//! by `Raise`, `RaiseFrom` and implicit raises but not by `Reraise`.
//!
//! A handler starts with `PushExcInfo t`: the exception moves to `t+1`, becomes the handled exception
//! (`sys.exception()`), and the one handled before goes to `t`. `PopExcept t` ends it. Handler bodies are themselves
//! protected by an entry that restores the saved exception and raises again. In a generator the handled exception is
//! its own stack: what was handled when it was resumed is not saved in its registers.
//!
//! ## Generators and coroutines
//!
//! A generator function's code starts with `ReturnGenerator` (after `MakeCell`/`CopyFreeVars`): the frame with its filled
//! registers becomes a generator, coroutine or async generator object, which is returned to the caller; the first
//! resume continues after it, with no register written. `Yield a, b` suspends with value `b`; when resumed by
//! `send(v)`, `a = v`; when resumed by `throw`, the exception is raised at the `Yield`. The whole body is protected by an
//! entry that runs `StopIterationError` and `Reraise`.
//!
//! Delegation and awaiting use a fixed sequence (r = iterator temporary, v = the next one):
//!
//! ```text
//!    GetAwaitable r, x, site          (or GetYieldFromIter r, x)
//!    Move v, None
//! L: Send v, r, skip 2                ; yielded: next instruction; returned: skips to EndSend
//!    YieldDelegate v, r
//!    JumpBackwardNoPoll L
//!    EndSend dst, r, v
//! ```
//!
//! An exception thrown in at `YieldDelegate` goes first to the iterator `r` by its own `throw` or `close` (the generator
//! object's business, found by reading `r` from the suspended instruction); if it comes back out, the handler of that
//! instruction is `CleanupThrow dst, r, v`, followed by a jump past `EndSend`.
//!
//! A call that is awaited directly (`await f(…)`, and the calls of `__aenter__` and `__aexit__`) is always the
//! instruction (with its `Extra` word) right before the sequence, and `GetAwaitable`'s operand is the temporary that
//! it wrote. So when its callee turns out to be a coroutine function, a call handler can look at the next instruction
//! and run the callee eagerly, finishing at the instruction after `EndSend` with `EndSend`'s destination if it returns
//! without suspending.
//!
//! ## Class bodies, modules, annotations
//!
//! Module, class and `exec` code keeps names in a namespace mapping (`LoadName`, `StoreName`); functions keep them in
//! registers, and free variables in cells. A class body that needs it stores `__classcell__` and `__classdictcell__`
//! into its namespace. Annotations are functions (`__annotate__`), called when asked for.
//!
//! ## Tracing
//!
//! Every word has a position, `Extra` words that of their instruction. [`Code::line_events`](code::Code::line_events)
//! lists, per instruction, the lines of loads and stores it absorbed: a tracer reports those (skipping repeats of the
//! line it reported last) before the line of the instruction itself.
//!
//! ## What the verifier guarantees
//!
//! See [`verify`]: an interpreter may trust verified code for opcode numbers, register, constant and name indices,
//! jump targets, boundness of every borrowed local, liveness and kinds ([`TempKind`](flow::TempKind)) of every
//! temporary it touches, cells in `Cell` operands, and constants of the type that an instruction needs (`MakeFunction`:
//! code; keyword names: a tuple of str no longer than the count). It must check at run time that a closure tuple has
//! [`Code::free_count`](code::Code::free_count) cells (when `SetFunctionAttr` or Python code sets it).

#![forbid(unsafe_code)]

pub mod asm;
pub mod code;
pub mod compile;
mod disasm;
mod error;
pub mod flow;
pub mod format;
mod future;
pub mod op;
pub mod symtable;
mod verify;

pub use code::{Code, Const};
pub use compile::{CompileOptions, Compiled, compile};
pub use future::{Future, future_features};
pub use verify::{VerifyError, verify};
