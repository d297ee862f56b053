//! Tally to LIR. A statement begins where the stack is empty; compiled code leaves for the interpreter at its start.

use super::lang::{FILE, Func, Operator, Program, Word, operator, ty};
use cinder_lir::ir::SigId;
use cinder_lir::{Addr, BlockId, Builder, Function, Local, Signature, Symbol, Type, VReg};

struct Compile<'a, 'f> {
    p: &'a Program,
    b: Builder<'f>,
    locals: Vec<Local>,
    labels: Vec<BlockId>,
    stack: Vec<VReg>,
    /// For exits: the function's number and the position of the statement.
    place: u64,
    /// The arguments of the function being inlined.
    inlined: Option<Vec<VReg>>,
}

/// Compiles a function. Entries: `name` with its parameters, and `name@pc` with a pointer to its variables for every
/// position that the interpreter or a generator's caller may enter at. Results are words, floats as bits.
pub fn compile(p: &Program, index: usize) -> Function {
    let f = &p.0[index];
    let mut out = Function::new(&f.name);
    let mut b = Builder::new(&mut out);
    b.source(FILE, f.line);
    let vars = f.vars.iter().enumerate();
    let locals = vars.map(|(n, v)| b.named_local(&v.replace('.', ""), ty(v), n < f.params)).collect();
    let labels = f.code.iter().map(|_| b.label()).collect();
    let mut c = Compile { p, b, locals, labels, stack: Vec::new(), place: 0, inlined: None };
    let sig = c.signature(f);
    for (arg, local) in c.b.entry(&f.name, sig).into_iter().zip(&c.locals) {
        c.b.set(*local, arg);
    }
    let mut entries = vec![0];
    for (pc, (line, word)) in f.code.iter().enumerate() {
        c.b.set_line(*line);
        if c.stack.is_empty() {
            c.b.bind(c.labels[pc]);
            c.place = (index << 32 | pc) as u64;
        }
        match word {
            Word::Loop(to) => entries.push(*to),
            Word::Yield => entries.push(pc + 1),
            _ => {}
        }
        c.word(f, pc, word);
    }
    let sig = c.b.signature(Signature::host(&[Type::I64], &[Type::I64]));
    for pc in entries {
        let vars = c.b.entry(&format!("{}@{pc}", f.name), sig)[0];
        c.b.load_locals(vars);
        if f.kind == "gen" {
            c.b.set(c.locals[1], vars);
        }
        c.b.goto(c.labels[pc]);
    }
    c.b.finish().expect("well-formed code");
    out
}

impl Compile<'_, '_> {
    fn signature(&mut self, f: &Func) -> SigId {
        let params: Vec<Type> = f.vars[..f.params].iter().map(|v| ty(v)).collect();
        self.b.signature(Signature::host(&params, &[Type::I64]))
    }

    fn word(&mut self, f: &Func, pc: usize, word: &Word) {
        let (b, stack) = (&mut self.b, &mut self.stack);
        let mut pop = || stack.pop().expect("a value");
        let result = match word {
            Word::Int(n) => b.iconst(Type::I64, *n),
            Word::Float(x) => b.f64(*x),
            Word::Get(var) => self.inlined.as_ref().map_or_else(|| b.get(self.locals[*var]), |args| args[*var]),
            Word::Set(var) => return b.set(self.locals[*var], pop()),
            Word::Store => {
                let (index, array) = (pop(), pop());
                return b.store(Type::I64, pop(), Addr::indexed(array, index, 3, 0));
            }
            Word::Call(name) => match operator(name) {
                Some(Operator::Unary(_, emit)) => emit(b, pop()),
                Some(Operator::Binary(_, emit) | Operator::Float(_, emit)) => emit(b, pop(), pop()),
                Some(Operator::Checked(_, emit)) => {
                    let exit = b.locals_state(self.place);
                    emit(b, pop(), pop(), exit)
                }
                None => self.call(self.p.func(name)),
            },
            Word::Unless(to) => return b.branch(pop(), self.labels[pc + 1], self.labels[*to]),
            Word::Loop(to) => return b.goto(self.labels[*to]),
            Word::Return | Word::Yield => {
                if f.kind == "gen" {
                    let next = b.iconst(Type::I64, if let Word::Yield = word { pc as i64 + 1 } else { -1 });
                    b.set(self.locals[0], next);
                    b.store_locals(b.get(self.locals[1]));
                }
                let value = pop();
                let word = if b.ty(value).is_float() { b.bitcast(Type::I64, value) } else { value };
                return b.ret(&[word]);
            }
        };
        let truth = self.b.ty(result) == Type::I32;
        self.stack.push(if truth { self.b.zext(Type::I64, result) } else { result });
    }

    fn call(&mut self, callee: &Func) -> VReg {
        let args = self.stack.split_off(self.stack.len() - callee.params);
        if callee.kind != "inline" {
            let (sig, symbol) = (self.signature(callee), self.b.symbol(Symbol::Name(callee.name.clone())));
            let word = self.b.call(sig, symbol, &args, None).one();
            return if ty(&callee.name).is_float() { self.b.bitcast(Type::F64, word) } else { word };
        }
        let named = callee.vars.iter().map(|v| v.trim_end_matches('.')).zip(args.iter().copied());
        self.b.enter_inlined(&callee.name, FILE, callee.line, named);
        let outer = self.inlined.replace(args);
        for (pc, (line, word)) in callee.code[..callee.code.len() - 1].iter().enumerate() {
            self.b.set_line(*line);
            self.word(callee, pc, word);
        }
        self.inlined = outer;
        self.b.leave_inlined();
        self.stack.pop().expect("a value")
    }
}
