//! Parsing.

use std::str::FromStr;

use super::lex::{Token, tokens};
use crate::ir::{
    Addr, AddrKind, Block, BlockId, CallConv, Cell, CellId, Edge, Entry, FileId, FrameId, FrameState, FrameValue,
    Function, Inst, LocId, Mode, Scope, ScopeId, SigId, Signature, SourceLoc, Symbol, SymbolId, VReg, Var,
};
use crate::op::{Op, OpFlags, ResultRule, Shape, TypeRule};
use crate::types::{FloatCC, IntCC, Type};

/// Why a text is not a function.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// What was expected or found.
    pub message: String,
}

type Parsed<T> = Result<T, ParseError>;

impl FromStr for Function {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Function> {
        let mut functions = parse_functions(text)?;
        match (functions.pop(), functions.is_empty()) {
            (Some(f), true) => Ok(f),
            _ => Err(ParseError { line: 1, message: "expected one function".to_owned() }),
        }
    }
}

/// Reads all functions of a text. The result is not verified.
///
/// # Errors
/// When the text is not in the text form.
pub fn parse_functions(text: &str) -> Parsed<Vec<Function>> {
    let tokens = tokens(text).map_err(|(line, message)| ParseError { line, message })?;
    let mut parser = Parser { tokens, at: 0, func: Function::default(), chosen: Vec::new(), listed: Vec::new() };
    let mut out = Vec::new();
    while parser.at < parser.tokens.len() {
        out.push(parser.function()?);
    }
    Ok(out)
}

/// No function names this many things of one kind: keeps a stray number from reserving memory.
const MAX_ID: usize = 1 << 24;

struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    func: Function,
    /// The order of emission, where it is not that of the text.
    listed: Vec<BlockId>,
    /// Results whose type is that of another register.
    chosen: Vec<(VReg, VReg)>,
}

impl Parser {
    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(1, |t| t.1);
        Err(ParseError { line, message: message.into() })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        match self.peek() {
            Some(t) => self.error(format!("expected {what}, found {t}")),
            None => self.error(format!("expected {what}, found the end")),
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(&Token::Punct(c));
        self.at += usize::from(found);
        found
    }

    fn punct(&mut self, c: char) -> Parsed<()> {
        if self.eat(c) { Ok(()) } else { self.expected(&format!("`{c}`")) }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, what: &str) -> Parsed<String> {
        match self.peek() {
            Some(Token::Word(w)) => {
                let w = w.clone();
                self.at += 1;
                Ok(w)
            }
            _ => self.expected(what),
        }
    }

    fn string(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Str(s)) => {
                let s = s.clone();
                self.at += 1;
                Ok(s)
            }
            _ => self.expected("a string"),
        }
    }

    fn int(&mut self) -> Parsed<i64> {
        match self.peek() {
            Some(&Token::Int(k)) => {
                self.at += 1;
                Ok(k)
            }
            _ => self.expected("an integer"),
        }
    }

    fn u32(&mut self) -> Parsed<u32> {
        let k = self.int()?;
        u32::try_from(k).or_else(|_| self.error(format!("{k} is out of range")))
    }

    /// A word made of a prefix and a number, if it is one.
    fn peek_id(&self, prefix: &str) -> Option<usize> {
        let Some(Token::Word(w)) = self.peek() else { return None };
        w.strip_prefix(prefix)?.parse().ok().filter(|&n: &usize| n < MAX_ID)
    }

    fn id(&mut self, prefix: &str) -> Parsed<usize> {
        match self.peek_id(prefix) {
            Some(n) => {
                self.at += 1;
                Ok(n)
            }
            None => self.expected(&format!("{prefix} and a number")),
        }
    }

    fn ty(&mut self) -> Parsed<Type> {
        let word = self.word("a type")?;
        Type::from_name(&word).map_or_else(|| self.error(format!("`{word}` is no type")), Ok)
    }

    fn vreg(&mut self) -> Parsed<VReg> {
        let n = self.id("v")?;
        if self.func.vregs.len() <= n {
            self.func.vregs.resize(n + 1, Type::I64);
        }
        Ok(VReg::new(n))
    }

    /// A list up to and including `close`.
    fn list<T>(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut out = Vec::new();
        if self.eat(close) {
            return Ok(out);
        }
        loop {
            out.push(item(self)?);
            if self.eat(close) {
                return Ok(out);
            }
            self.punct(',')?;
        }
    }

    fn function(&mut self) -> Parsed<Function> {
        if !self.eat_word("function") {
            return self.expected("`function`");
        }
        self.func = Function::new(self.string()?);
        self.chosen.clear();
        self.listed.clear();
        self.punct('{')?;
        while self.peek_id("block").is_none() && self.peek() != Some(&Token::Punct('}')) {
            self.table_row()?;
        }
        while !self.eat('}') {
            self.block()?;
        }
        let mut func = std::mem::take(&mut self.func);
        // A chain of selects takes as many rounds as it is long in the worst order of blocks.
        for _ in 0..=self.chosen.len() {
            let mut changed = false;
            for &(def, like) in &self.chosen {
                let ty = func.vregs[like.index()];
                changed |= std::mem::replace(&mut func.vregs[def.index()], ty) != ty;
            }
            if !changed {
                break;
            }
        }
        if !self.listed.is_empty() {
            func.layout = std::mem::take(&mut self.listed);
        }
        let sig = func.entries.first().map_or(0, |e| e.sig.index() as u32);
        for inst in func.insts.iter_mut().filter(|i| i.op == Op::Ret) {
            inst.aux = sig;
        }
        Ok(func)
    }

    /// Checks that rows of a table come in order.
    fn row(&mut self, prefix: &str, len: usize) -> Parsed<bool> {
        let Some(n) = self.peek_id(prefix) else { return Ok(false) };
        if n != len {
            return self.error(format!("expected {prefix}{len}"));
        }
        self.at += 1;
        self.punct('=')?;
        Ok(true)
    }

    fn table_row(&mut self) -> Parsed<()> {
        if self.row("sig", self.func.sigs.len())? {
            let conv = match self.word("a calling convention")?.as_str() {
                "host" => CallConv::Host,
                "internal" => CallConv::Internal,
                other => return self.error(format!("`{other}` is no calling convention")),
            };
            self.punct('(')?;
            let params = self.list(')', Self::ty)?;
            self.punct('>')?;
            self.punct('(')?;
            let returns = self.list(')', Self::ty)?;
            self.func.sigs.push(Signature { conv, params, returns });
        } else if self.row("sym", self.func.symbols.len())? {
            let symbol = match self.word("a kind of symbol")?.as_str() {
                "name" => Symbol::Name(self.string()?),
                "user" => Symbol::User(self.u32()?),
                "addr" => Symbol::Addr(self.int()? as u64),
                other => return self.error(format!("`{other}` is no kind of symbol")),
            };
            self.func.symbols.push(symbol);
        } else if self.row("cell", self.func.cells.len())? {
            let init = self.int()? as u64;
            self.func.cells.push(Cell { init });
        } else if self.eat_word("stack") {
            self.func.stack_size = self.u32()?;
        } else if self.row("file", self.func.files.len())? {
            let name = self.string()?;
            self.func.files.push(name);
        } else if self.row("scope", self.func.scopes.len())? {
            let name = self.string()?;
            let file = FileId::new(self.id("file")?);
            let line = self.u32()?;
            let call_site = if self.eat_word("at") { Some(LocId::new(self.id("loc")?)) } else { None };
            self.func.scopes.push(Scope { name, file, line, call_site });
        } else if self.row("loc", self.func.locs.len() + 1)? {
            let file = FileId::new(self.id("file")?);
            let (line, column) = (self.u32()?, self.u32()?);
            let scope = ScopeId::new(self.id("scope")?);
            self.func.locs.push(SourceLoc { file, line, column, scope });
        } else if self.row("var", self.func.vars.len())? {
            let name = self.string()?;
            let ty = self.ty()?;
            let scope = ScopeId::new(self.id("scope")?);
            let is_param = self.eat_word("param");
            self.func.vars.push(Var { name, ty, scope, is_param });
        } else if self.row("entry", self.func.entries.len())? {
            let name = self.string()?;
            let block = BlockId::new(self.id("block")?);
            let sig = SigId::new(self.id("sig")?);
            self.func.entries.push(Entry { name, block, sig });
        } else if self.eat_word("layout") {
            loop {
                let block = BlockId::new(self.id("block")?);
                self.listed.push(block);
                if !self.eat(',') {
                    break;
                }
            }
        } else if self.eat_word("legal") {
            self.func.legal = true;
            self.func.widened = true;
        } else if self.eat_word("widened") {
            self.func.widened = true;
        } else {
            return self.expected("a table row or a block");
        }
        Ok(())
    }

    fn block(&mut self) -> Parsed<()> {
        let id = self.id("block")?;
        if self.func.blocks.len() <= id {
            self.func.blocks.resize(id + 1, Block::default());
        }
        if self.func.blocks[id].filled {
            return self.error(format!("block{id} comes twice"));
        }
        let mut params = Vec::new();
        if self.eat('(') {
            params = self.list(')', |p| {
                let v = p.vreg()?;
                p.punct(':')?;
                let ty = p.ty()?;
                p.func.vregs[v.index()] = ty;
                Ok(v)
            })?;
        }
        let cold = self.eat_word("cold");
        self.punct(':')?;
        let at = self.func.pool.len() as u32;
        let num_params = params.len() as u32;
        self.func.pool.extend(params);
        let start = self.func.insts.len() as u32;
        self.func.blocks[id] =
            Block { start, end: start, params: at, num_params, cold, filled: true, ..Block::default() };
        self.func.layout.push(BlockId::new(id));
        while self.peek_id("block").is_none() && self.peek() != Some(&Token::Punct('}')) {
            self.inst(id)?;
        }
        self.func.blocks[id].end = self.func.insts.len() as u32;
        Ok(())
    }

    fn inst(&mut self, block: usize) -> Parsed<()> {
        let mut defs = Vec::new();
        if self.peek_id("v").is_some() {
            loop {
                defs.push(self.vreg()?);
                if !self.eat(',') {
                    break;
                }
            }
            self.punct('=')?;
        }
        let mut inst = self.mnemonic()?;
        let mut uses = Vec::new();
        let mut targets: Vec<(BlockId, Vec<VReg>)> = Vec::new();
        self.operands(&mut inst, &mut uses, &mut targets)?;
        if self.eat_word("frame") {
            let frame = self.frame()?;
            inst.set_frame(Some(frame));
        }
        if self.eat('!') {
            inst.loc = LocId::new(self.id("loc")?);
        }
        self.define(&inst, &defs, &uses)?;
        inst.operands = self.func.pool.len() as u32;
        inst.defs = defs.len() as u16;
        inst.uses = uses.len() as u16;
        self.func.pool.extend(defs);
        self.func.pool.extend(uses);
        if !targets.is_empty() {
            let edges = self.func.edges.len() as u32;
            self.func.blocks[block].edges = edges;
            self.func.blocks[block].num_edges = targets.len() as u32;
            for (to, args) in targets {
                let at = self.func.pool.len() as u32;
                let len = args.len() as u32;
                self.func.pool.extend(args);
                self.func.edges.push(Edge { to, args: at, len });
            }
        }
        self.func.insts.push(inst);
        Ok(())
    }

    fn mnemonic(&mut self) -> Parsed<Inst> {
        let word = self.word("an operation")?;
        let mut parts = word.split('.');
        let name = parts.next().unwrap_or_default();
        let Some(op) = Op::from_name(name) else { return self.error(format!("`{name}` is no operation")) };
        let mut inst = Inst::new(op, Type::I64);
        let int_cc = |name: &str| IntCC::ALL.iter().position(|c| c.name() == name);
        let float_cc = |name: &str| FloatCC::ALL.iter().position(|c| c.name() == name);
        let cc = match op.shape() {
            Shape::Icmp
            | Shape::SelectIcmp
            | Shape::GuardIcmp
            | Shape::GuardIcmpMem
            | Shape::BrIcmp
            | Shape::BrIcmpMem => Some(parts.next().and_then(int_cc)),
            Shape::Fcmp | Shape::GuardFcmp | Shape::BrFcmp => Some(parts.next().and_then(float_cc)),
            _ => None,
        };
        match cc {
            Some(Some(cc)) => inst.cc = cc as u8,
            Some(None) => return self.error(format!("`{word}` has no condition")),
            None => {}
        }
        if op.info().ty != TypeRule::None {
            match parts.next().and_then(Type::from_name) {
                Some(ty) => inst.ty = ty,
                None => return self.error(format!("`{word}` has no type")),
            }
        }
        if parts.next().is_some() {
            return self.error(format!("`{word}` has too many parts"));
        }
        Ok(inst)
    }

    fn define(&mut self, inst: &Inst, defs: &[VReg], uses: &[VReg]) -> Parsed<()> {
        let types: Vec<Type> = match inst.op.info().result {
            ResultRule::None => vec![],
            ResultRule::Ty => vec![inst.ty],
            ResultRule::I32 => vec![Type::I32],
            ResultRule::I64 => vec![Type::I64],
            ResultRule::Chosen => {
                if let (&[def], Some(&like)) = (defs, uses.last()) {
                    self.chosen.push((def, like));
                }
                vec![Type::I64]
            }
            ResultRule::Sig => match self.func.sigs.get(inst.sig().index()) {
                Some(sig) if inst.op == Op::Args => sig.params.clone(),
                Some(sig) => sig.returns.clone(),
                None => return self.error(format!("{} does not exist", inst.sig())),
            },
        };
        if types.len() != defs.len() {
            return self.error(format!("{} has {} results", inst.op, types.len()));
        }
        for (d, ty) in defs.iter().zip(types) {
            self.func.vregs[d.index()] = ty;
        }
        Ok(())
    }

    fn operands(
        &mut self,
        inst: &mut Inst,
        uses: &mut Vec<VReg>,
        targets: &mut Vec<(BlockId, Vec<VReg>)>,
    ) -> Parsed<()> {
        match inst.op.shape() {
            Shape::Const | Shape::Trap => inst.imm = self.int()?,
            Shape::Fconst => inst.imm = self.float_bits(inst.ty)? as i64,
            Shape::Symbol => inst.imm = self.id("sym")? as i64,
            Shape::GuardStack => {
                inst.aux = self.int()? as u32;
                self.punct(',')?;
                inst.imm = self.int()?;
            }
            Shape::Args => inst.aux = self.id("sig")? as u32,
            Shape::Call | Shape::CallInd | Shape::CallCell => self.call(inst, uses)?,
            Shape::DebugValue => {
                inst.aux = self.id("var")? as u32;
                self.punct(',')?;
                if self.peek_id("v").is_some() {
                    uses.push(self.vreg()?);
                } else if !self.eat_word("none") {
                    inst.imm = self.int()?;
                    inst.mode = inst.mode.with_imm(true);
                }
            }
            _ => self.plain_operands(inst, uses, targets)?,
        }
        Ok(())
    }

    fn call(&mut self, inst: &mut Inst, uses: &mut Vec<VReg>) -> Parsed<()> {
        inst.aux = self.id("sig")? as u32;
        match inst.op.shape() {
            Shape::Call => inst.imm = SymbolId::new(self.id("sym")?).index() as i64,
            Shape::CallCell => inst.imm = CellId::new(self.id("cell")?).index() as i64,
            _ => uses.push(self.vreg()?),
        }
        self.punct('(')?;
        uses.extend(self.list(')', Self::vreg)?);
        Ok(())
    }

    /// Registers, at most one immediate, an address and targets, with commas between them.
    fn plain_operands(
        &mut self,
        inst: &mut Inst,
        uses: &mut Vec<VReg>,
        targets: &mut Vec<(BlockId, Vec<VReg>)>,
    ) -> Parsed<()> {
        let mut addr = None;
        let mut first = true;
        loop {
            match self.peek() {
                Some(Token::Int(_)) if !inst.mode.is_imm() && inst.op.has(OpFlags::IMM) => {
                    inst.imm = self.int()?;
                    inst.mode = inst.mode.with_imm(true);
                }
                Some(Token::Punct('[')) if inst.op.has(OpFlags::MEM) && addr.is_none() => {
                    addr = Some(self.address()?);
                }
                Some(Token::Punct('[')) if inst.op == Op::Switch => {
                    self.at += 1;
                    targets.extend(self.list(']', Self::target)?);
                }
                // At the end of a block without operands the next word may be the next block's label.
                Some(Token::Word(_)) if self.peek_id("block").is_some() && inst.op.has(OpFlags::BRANCH) => {
                    targets.push(self.target()?);
                }
                Some(Token::Word(_)) if self.peek_id("v").is_some() && !(first && self.starts_result()) => {
                    uses.push(self.vreg()?);
                }
                _ if first => break,
                _ => return self.expected("an operand"),
            }
            first = false;
            if !self.eat(',') {
                break;
            }
        }
        if let Some(addr) = addr {
            inst.mode = Mode::of_addr(&addr).with_imm(inst.mode.is_imm());
            inst.aux = addr.disp as u32;
            uses.extend(addr.base);
            uses.extend(addr.index);
        } else if inst.op.has(OpFlags::MEM) {
            return self.expected("an address");
        }
        Ok(())
    }

    /// Whether the register at hand is the result of the next instruction: an operation without operands precedes.
    fn starts_result(&self) -> bool {
        let mut at = self.at + 1;
        while let Some((Token::Punct(','), _)) = self.tokens.get(at) {
            at += 2;
        }
        matches!(self.tokens.get(at), Some((Token::Punct('='), _)))
    }

    fn target(&mut self) -> Parsed<(BlockId, Vec<VReg>)> {
        let to = BlockId::new(self.id("block")?);
        if self.func.blocks.len() <= to.index() {
            self.func.blocks.resize(to.index() + 1, Block::default());
        }
        let args = if self.eat('(') { self.list(')', Self::vreg)? } else { Vec::new() };
        Ok((to, args))
    }

    fn address(&mut self) -> Parsed<Addr> {
        self.punct('[')?;
        let mut addr = if self.eat_word("thread") {
            Addr::thread(0)
        } else if self.eat_word("frame") {
            Addr::frame(0)
        } else if self.eat_word("stack") {
            Addr::stack(0)
        } else if self.peek_id("cell").is_some() {
            Addr::cell(CellId::new(self.id("cell")?))
        } else {
            Addr::base(self.vreg()?, 0)
        };
        while !self.eat(']') {
            let negative = self.eat('-');
            if !negative {
                self.punct('+')?;
            }
            if self.peek_id("v").is_some() {
                if negative || addr.index.is_some() || addr.kind != AddrKind::Base {
                    return self.error("an index where none belongs");
                }
                addr.index = Some(self.vreg()?);
                self.punct('*')?;
                addr.scale = match self.int()? {
                    1 => 0,
                    2 => 1,
                    4 => 2,
                    8 => 3,
                    other => return self.error(format!("a scale of {other}")),
                };
            } else {
                let k = self.int()?;
                let k = if negative { k.wrapping_neg() } else { k };
                match i32::try_from(k) {
                    Ok(k) if addr.kind != AddrKind::Cell => addr.disp = k,
                    _ => return self.error(format!("a displacement of {k}")),
                }
            }
        }
        Ok(addr)
    }

    fn frame(&mut self) -> Parsed<FrameId> {
        let user = self.int()? as u64;
        self.punct('[')?;
        let values = self.list(']', |p| {
            if p.eat_word("dead") {
                Ok(FrameValue::Dead)
            } else if p.peek_id("res").is_some() {
                let n = p.id("res")?;
                u8::try_from(n).map(FrameValue::Result).or_else(|_| p.error("no such result"))
            } else if p.peek_id("v").is_some() {
                p.vreg().map(FrameValue::Reg)
            } else {
                // The type decides how the number before it reads.
                let at = p.at;
                p.at += 1;
                p.punct(':')?;
                let ty = p.ty()?;
                let end = std::mem::replace(&mut p.at, at);
                let bits = if ty.is_float() { p.float_bits(ty)? } else { p.int()? as u64 & ty.mask() };
                p.at = end;
                Ok(FrameValue::Const(ty, bits))
            }
        })?;
        let start = self.func.frame_values.len() as u32;
        let len = values.len() as u32;
        self.func.frame_values.extend(values);
        self.func.frames.push(FrameState { user, start, len });
        Ok(FrameId::new(self.func.frames.len() - 1))
    }

    /// A decimal number, or the bits as an integer.
    fn float_bits(&mut self, ty: Type) -> Parsed<u64> {
        match self.peek().cloned() {
            Some(Token::Int(bits)) => {
                self.at += 1;
                Ok(bits as u64)
            }
            Some(Token::Float(text)) => {
                self.at += 1;
                let bits = if ty == Type::F64 {
                    text.parse::<f64>().map(f64::to_bits)
                } else {
                    text.parse::<f32>().map(|x| u64::from(x.to_bits()))
                };
                bits.or_else(|_| self.error(format!("bad number `{text}`")))
            }
            _ => self.expected("a number"),
        }
    }
}
