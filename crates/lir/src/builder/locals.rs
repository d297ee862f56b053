//! Mutable variables, for compilers that do not build SSA form themselves.

use super::{Builder, Target};
use crate::ir::{Addr, BlockId, DebugValue, FrameId, FrameValue, VReg, Var, VarId};
use crate::types::Type;

/// A mutable variable of the function being built: see [`Builder::local`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Local(u32);

/// The variables of a builder and what they hold where it stands.
#[derive(Default)]
pub(super) struct Locals {
    types: Vec<Type>,
    vars: Vec<Option<VarId>>,
    now: Vec<Option<VReg>>,
    /// By block: whether it takes all variables as parameters.
    labels: Vec<bool>,
    /// The last frame state made of the values that they still have.
    state: Option<(u64, FrameId)>,
}

impl Locals {
    fn is_label(&self, block: BlockId) -> bool {
        self.labels.get(block.index()).copied().unwrap_or(false)
    }

    fn values(&self) -> Vec<VReg> {
        self.now.iter().flatten().copied().collect()
    }
}

/// # Mutable variables
///
/// Declare the variables, make a [label](Builder::label) for every place that something jumps to, and
/// [`get`](Builder::get) and [`set`](Builder::set) values between: a label is a block that takes the values of all
/// variables as parameters, and [`goto`](Builder::goto) and [`branch`](Builder::branch) pass them. The passes remove
/// the parameters that turn out not to be needed and join blocks, so there may be a label for every statement; labels
/// that are neither opened nor gone to are left out.
///
/// ```
/// use cinder_lir::{Builder, Function, IntCC, Signature, Type, interp::{Interp, Outcome}};
///
/// // fn sum(n) { let s = 0; while n > 0 { s += n; n -= 1 } s }
/// let mut f = Function::new("sum");
/// let mut b = Builder::new(&mut f);
/// let (n, s) = (b.local(Type::I64), b.local(Type::I64));
/// let (head, body, done) = (b.label(), b.label(), b.label());
/// let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
/// let arg = b.entry("sum", sig)[0];
/// b.set(n, arg);
/// b.goto(head); // `s` is zero
/// b.open(head);
/// let more = b.icmp(IntCC::Sgt, b.get(n), 0);
/// b.branch(more, body, done);
/// b.open(body);
/// let sum = b.add(b.get(s), b.get(n));
/// b.set(s, sum);
/// let less = b.sub(b.get(n), 1);
/// b.set(n, less);
/// b.goto(head);
/// b.open(done);
/// b.ret(&[b.get(s)]);
/// b.finish()?;
/// assert_eq!(Interp::default().run(&f, 0, &[4])?, Outcome::Return(vec![10]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Builder<'_> {
    /// Declares a variable; all must be declared before the first label and the first entry.
    pub fn local(&mut self, ty: Type) -> Local {
        self.locals.types.push(ty);
        self.locals.vars.push(None);
        self.locals.now.push(None);
        Local(self.locals.types.len() as u32 - 1)
    }

    /// Declares a variable of the [source function](Builder::source) that debuggers show.
    pub fn named_local(&mut self, name: &str, ty: Type, is_param: bool) -> Local {
        let (local, scope) = (self.local(ty), self.scope);
        let var = self.var(Var { name: name.to_owned(), ty, scope, is_param });
        self.locals.vars[local.0 as usize] = Some(var);
        local
    }

    /// What a variable holds.
    pub fn get(&self, local: Local) -> VReg {
        // Outside of blocks there are no values; `finish` reports the use.
        self.locals.now.get(local.0 as usize).copied().flatten().unwrap_or(VReg::new(0))
    }

    /// Gives a variable another value, of its type.
    pub fn set(&mut self, local: Local, value: VReg) {
        let n = local.0 as usize;
        self.locals.now[n] = Some(value);
        self.locals.state = None;
        if let Some(var) = self.locals.vars[n] {
            self.debug_value(var, DebugValue::Reg(value));
        }
    }

    /// Adds a block that takes the values of all variables.
    pub fn label(&mut self) -> BlockId {
        let types = std::mem::take(&mut self.locals.types);
        let (block, _) = self.block(&types);
        self.locals.types = types;
        self.locals.labels.resize(block.index() + 1, false);
        self.locals.labels[block.index()] = true;
        block
    }

    /// The variables hold the parameters of the label just opened, or, in an entry, zero.
    pub(super) fn reset_locals(&mut self, block: BlockId) {
        self.locals.state = None;
        if !self.locals.is_label(block) {
            return;
        }
        for n in 0..self.locals.types.len() {
            let param = self.func.block_params(block)[n];
            self.locals.now[n] = Some(param);
            if let Some(var) = self.locals.vars[n] {
                self.debug_value(var, DebugValue::Reg(param));
            }
        }
    }

    pub(super) fn zero_locals(&mut self) {
        for n in 0..self.locals.types.len() {
            let ty = self.locals.types[n];
            let zero = if ty.is_float() { self.fconst(ty, 0) } else { self.iconst(ty, 0) };
            self.locals.now[n] = Some(zero);
        }
        self.locals.state = None;
    }

    /// Opens a label; the block before, if it has not ended, goes on in it.
    pub fn bind(&mut self, label: BlockId) {
        if self.current().is_some() {
            self.goto(label);
        }
        self.open(label);
    }

    /// Goes on at a label, or in a block without parameters.
    pub fn goto(&mut self, to: BlockId) {
        let values = self.locals.values();
        let to = target(&self.locals, to, &values);
        self.jump(to);
    }

    /// Goes on at one of two labels or blocks without parameters.
    pub fn branch(&mut self, cond: VReg, yes: BlockId, no: BlockId) {
        let values = self.locals.values();
        let (yes, no) = (target(&self.locals, yes, &values), target(&self.locals, no, &values));
        self.br(cond, yes, no);
    }

    /// A frame state of the values of all variables, in the order of their declaration.
    pub fn locals_state(&mut self, user: u64) -> FrameId {
        match self.locals.state {
            Some((word, frame)) if word == user => frame,
            _ => {
                let values: Vec<FrameValue> = self.locals.now.iter().flatten().map(|v| FrameValue::Reg(*v)).collect();
                let frame = self.frame_state(user, &values);
                self.locals.state = Some((user, frame));
                frame
            }
        }
    }

    /// Gives all variables values from memory, eight bytes each.
    pub fn load_locals(&mut self, base: VReg) {
        for n in 0..self.locals.types.len() {
            let value = self.load(self.locals.types[n], Addr::base(base, 8 * n as i32));
            self.set(Local(n as u32), value);
        }
    }

    /// Writes the values of all variables to memory, eight bytes each.
    pub fn store_locals(&mut self, base: VReg) {
        for n in 0..self.locals.types.len() {
            let value = self.get(Local(n as u32));
            self.store(self.locals.types[n], value, Addr::base(base, 8 * n as i32));
        }
    }
}

fn target<'a>(locals: &Locals, to: BlockId, values: &'a [VReg]) -> Target<'a> {
    if locals.is_label(to) { (to, values) } else { (to, &[]) }
}
