//! Printing.

use std::fmt::{self, Display, Formatter, Write};

use crate::ir::{Addr, AddrKind, BlockId, CallConv, DebugValue, FrameValue, Function, Inst, Symbol, VReg};
use crate::op::{OpFlags, Shape, TypeRule};
use crate::types::Type;

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "function {:?} {{", self.name)?;
        self.print_tables(f)?;
        // Legal functions are printed by number, so that reading them back gives the same numbers.
        let mut order = self.layout().to_vec();
        if self.is_legal() {
            order.sort_unstable();
        }
        for b in order {
            writeln!(f)?;
            write!(f, "{b}")?;
            let params = self.block_params(b);
            if !params.is_empty() {
                f.write_char('(')?;
                for (n, &p) in params.iter().enumerate() {
                    let comma = if n > 0 { ", " } else { "" };
                    write!(f, "{comma}{p}: {}", self.vreg_type(p))?;
                }
                f.write_char(')')?;
            }
            if self.block(b).cold {
                f.write_str(" cold")?;
            }
            f.write_str(":\n")?;
            for id in self.block_insts(b) {
                writeln!(f, "  {}", Printed { func: self, inst: self.inst(id), block: Some(b) })?;
            }
        }
        f.write_str("}\n")
    }
}

impl Function {
    fn print_tables(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, s) in self.sigs().iter().enumerate() {
            let conv = match s.conv {
                CallConv::Host => "host",
                CallConv::Internal => "internal",
            };
            writeln!(f, "  sig{n} = {conv} ({}) -> ({})", Types(&s.params), Types(&s.returns))?;
        }
        for (n, s) in self.symbols().iter().enumerate() {
            match s {
                Symbol::Name(name) => writeln!(f, "  sym{n} = name {name:?}")?,
                Symbol::User(id) => writeln!(f, "  sym{n} = user {id}")?,
                Symbol::Addr(a) => writeln!(f, "  sym{n} = addr {a:#x}")?,
            }
        }
        for (n, c) in self.cells().iter().enumerate() {
            writeln!(f, "  cell{n} = {:#x}", c.init)?;
        }
        if self.stack_size() > 0 {
            writeln!(f, "  stack {}", self.stack_size())?;
        }
        for (n, file) in self.files().iter().enumerate() {
            writeln!(f, "  file{n} = {file:?}")?;
        }
        for (n, s) in self.scopes().iter().enumerate() {
            write!(f, "  scope{n} = {:?} {} {}", s.name, s.file, s.line)?;
            if let Some(site) = s.call_site {
                write!(f, " at {site}")?;
            }
            writeln!(f)?;
        }
        for (n, l) in self.locs().iter().enumerate() {
            writeln!(f, "  loc{} = {} {} {} {}", n + 1, l.file, l.line, l.column, l.scope)?;
        }
        for (n, v) in self.vars().iter().enumerate() {
            let param = if v.is_param { " param" } else { "" };
            writeln!(f, "  var{n} = {:?} {} {}{param}", v.name, v.ty, v.scope)?;
        }
        for (n, e) in self.entries().iter().enumerate() {
            writeln!(f, "  entry{n} = {:?} {} {}", e.name, e.block, e.sig)?;
        }
        if self.is_legal() && !self.layout().is_sorted() {
            f.write_str("  layout ")?;
            list(f, self.layout())?;
            writeln!(f)?;
        }
        if self.narrow_is_wide() {
            writeln!(f, "  {}", if self.is_legal() { "legal" } else { "widened" })?;
        }
        Ok(())
    }
}

struct Types<'a>(&'a [Type]);

impl Display for Types<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        list(f, self.0)
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// One instruction in the text form; targets of a terminator are shown if its block is given.
pub fn inst_to_string(func: &Function, inst: &Inst, block: Option<BlockId>) -> String {
    Printed { func, inst, block }.to_string()
}

struct Printed<'a> {
    func: &'a Function,
    inst: &'a Inst,
    block: Option<BlockId>,
}

/// Prints operands with commas between them.
struct Operands<'a, 'f> {
    f: &'a mut Formatter<'f>,
    any: bool,
}

impl Operands<'_, '_> {
    fn add(&mut self, item: impl Display) -> fmt::Result {
        self.f.write_str(if self.any { ", " } else { " " })?;
        self.any = true;
        write!(self.f, "{item}")
    }

    fn regs(&mut self, regs: &[VReg]) -> fmt::Result {
        regs.iter().try_for_each(|r| self.add(r))
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (func, inst) = (self.func, self.inst);
        let info = inst.op.info();
        let defs = func.defs(inst);
        if !defs.is_empty() {
            list(f, defs)?;
            f.write_str(" = ")?;
        }
        f.write_str(info.name)?;
        match info.shape {
            Shape::Icmp
            | Shape::SelectIcmp
            | Shape::GuardIcmp
            | Shape::GuardIcmpMem
            | Shape::BrIcmp
            | Shape::BrIcmpMem => write!(f, ".{}", inst.int_cc().name())?,
            Shape::Fcmp | Shape::GuardFcmp | Shape::BrFcmp => write!(f, ".{}", inst.float_cc().name())?,
            _ => {}
        }
        if info.ty != TypeRule::None {
            write!(f, ".{}", inst.ty)?;
        }
        self.operands(f)?;
        if let Some(frame) = inst.frame() {
            write!(f, " frame {} [", func.frame(frame).user)?;
            list(f, func.frame_values(frame).iter().map(FrameText))?;
            f.write_char(']')?;
        }
        if func.loc(inst.loc).is_some() {
            write!(f, " !{}", inst.loc)?;
        }
        Ok(())
    }
}

impl Printed<'_> {
    fn operands(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (func, inst) = (self.func, self.inst);
        let uses = func.uses(inst);
        let mut out = Operands { f, any: false };
        match inst.op.shape() {
            Shape::Const => return out.add(inst.imm),
            Shape::Fconst => return out.add(Float(inst.ty, inst.imm as u64)),
            Shape::Symbol => return out.add(inst.symbol()),
            Shape::Trap => return out.add(inst.imm),
            Shape::GuardStack => {
                out.add(inst.disp())?;
                return out.add(inst.imm);
            }
            Shape::Args => return out.add(inst.sig()),
            Shape::Call | Shape::CallInd | Shape::CallCell => return self.call(out.f),
            Shape::DebugValue => {
                let Some((var, value)) = func.debug_value(inst) else { return Ok(()) };
                out.add(var)?;
                return match value {
                    DebugValue::Reg(v) => out.add(v),
                    DebugValue::Const(bits) => out.add(bits as i64),
                    DebugValue::None => out.add("none"),
                };
            }
            _ => {}
        }
        let regs = if inst.op.has(OpFlags::MEM) { inst.mode.addr_regs() } else { 0 };
        // The verifier prints what it refuses: there may be fewer operands than belong here.
        let values = uses.len().saturating_sub(regs);
        let mem_first = matches!(inst.op.shape(), Shape::GuardIcmpMem | Shape::BrIcmpMem);
        let addr = func.addr(inst);
        if let (Some(addr), true) = (&addr, mem_first) {
            out.add(AddrText(addr))?;
        }
        match (crate::passes::rhs_index(inst.op.shape()), inst.imm_rhs()) {
            (Some(at), Some(imm)) => {
                let at = at.min(values);
                out.regs(&uses[..at])?;
                out.add(imm)?;
                out.regs(&uses[at..values])?;
            }
            _ => out.regs(&uses[..values])?,
        }
        if let (Some(addr), false) = (&addr, mem_first) {
            out.add(AddrText(addr))?;
        }
        let Some(block) = self.block.filter(|_| inst.op.has(OpFlags::BRANCH)) else { return Ok(()) };
        let edges = func.block_edges(block);
        let target = |e: &crate::ir::Edge| Target { func, edge: *e };
        if inst.op.shape() == Shape::Switch {
            let (last, cases) = edges.split_last().map_or((None, edges), |(l, c)| (Some(l), c));
            out.f.write_str(", [")?;
            list(out.f, cases.iter().map(target))?;
            out.f.write_char(']')?;
            return last.map_or(Ok(()), |l| out.add(target(l)));
        }
        edges.iter().try_for_each(|e| out.add(target(e)))
    }

    fn call(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (func, inst) = (self.func, self.inst);
        let mut args = func.uses(inst);
        write!(f, " {} ", inst.sig())?;
        match inst.op.shape() {
            Shape::Call => write!(f, "{}", inst.symbol())?,
            Shape::CallCell => write!(f, "{}", inst.call_cell())?,
            _ => {
                if let Some((callee, rest)) = args.split_first() {
                    write!(f, "{callee}")?;
                    args = rest;
                }
            }
        }
        f.write_char('(')?;
        list(f, args)?;
        f.write_char(')')
    }
}

struct Target<'a> {
    func: &'a Function,
    edge: crate::ir::Edge,
}

impl Display for Target<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.edge.to)?;
        let args = self.func.edge_args(&self.edge);
        if !args.is_empty() {
            f.write_char('(')?;
            list(f, args)?;
            f.write_char(')')?;
        }
        Ok(())
    }
}

struct AddrText<'a>(&'a Addr);

impl Display for AddrText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let a = self.0;
        f.write_char('[')?;
        match (a.kind, a.base, a.cell_id()) {
            (AddrKind::Base, Some(base), _) => write!(f, "{base}")?,
            (AddrKind::Cell, _, Some(cell)) => return write!(f, "{cell}]"),
            (AddrKind::Thread, ..) => f.write_str("thread")?,
            (AddrKind::Frame, ..) => f.write_str("frame")?,
            _ => f.write_str("stack")?,
        }
        if let Some(index) = a.index {
            write!(f, " + {index}*{}", 1 << a.scale)?;
        }
        if a.disp > 0 {
            write!(f, " + {}", a.disp)?;
        } else if a.disp < 0 {
            write!(f, " - {}", a.disp.unsigned_abs())?;
        }
        f.write_char(']')
    }
}

/// A float that reads back to the same bits: a decimal, or the bits of what has no exact decimal.
struct Float(Type, u64);

impl Display for Float {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == Type::F64 {
            let x = f64::from_bits(self.1);
            if x.is_finite() { write!(f, "{x:?}") } else { write!(f, "{:#x}", self.1) }
        } else {
            let x = f32::from_bits(self.1 as u32);
            if x.is_finite() { write!(f, "{x:?}") } else { write!(f, "{:#x}", self.1 as u32) }
        }
    }
}

struct FrameText<'a>(&'a FrameValue);

impl Display for FrameText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self.0 {
            FrameValue::Reg(v) => write!(f, "{v}"),
            FrameValue::Const(ty, bits) if ty.is_float() => write!(f, "{}:{ty}", Float(ty, bits)),
            FrameValue::Const(ty, bits) => write!(f, "{}:{ty}", ty.sign_extend(bits)),
            FrameValue::Result(n) => write!(f, "res{n}"),
            FrameValue::Dead => f.write_str("dead"),
        }
    }
}
