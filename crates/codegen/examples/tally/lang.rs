//! Tally, a small language: its operators, its reader and its interpreter.
//!
//! Values are words of 64 bits. Names that end with a dot are floats, all others integers; a result that does not fit
//! is reduced modulo 2^61 - 1, and division by zero gives 0.

use Operator::{Binary, Checked, Float, Unary};
use cinder_lir::ir::FrameId;
use cinder_lir::{Addr, Builder, FloatCC, IntCC, Type, VReg};
use std::cell::RefCell;

/// What an operator computes, the operand on top of the stack first, and how it is compiled.
pub enum Operator {
    /// Compiled code leaves for the interpreter when the exact result does not fit.
    Checked(fn(i128, i128) -> i128, fn(&mut Builder<'_>, VReg, VReg, FrameId) -> VReg),
    Float(fn(f64, f64) -> f64, fn(&mut Builder<'_>, VReg, VReg) -> VReg),
    Binary(fn(u64, u64) -> u64, fn(&mut Builder<'_>, VReg, VReg) -> VReg),
    Unary(fn(u64) -> u64, fn(&mut Builder<'_>, VReg) -> VReg),
}

pub fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "+" => Checked(|y, x| x + y, |b, y, x, exit| b.add_ovf(x, y, exit)),
        "-" => Checked(|y, x| x - y, |b, y, x, exit| b.sub_ovf(x, y, exit)),
        "*" => Checked(|y, x| x * y, |b, y, x, exit| b.mul_ovf(x, y, exit)),
        "/" => Checked(|y, x| x.checked_div(y).unwrap_or(0), |b, y, x, exit| b.sdiv_exit(x, y, exit)),
        "%" => Checked(|y, x| x.checked_rem(y).unwrap_or(0), |b, y, x, exit| b.srem_exit(x, y, exit)),
        "+." => Float(|y, x| x + y, |b, y, x| b.fadd(x, y)),
        "-." => Float(|y, x| x - y, |b, y, x| b.fsub(x, y)),
        "*." => Float(|y, x| x * y, |b, y, x| b.fmul(x, y)),
        "/." => Float(|y, x| x / y, |b, y, x| b.fdiv(x, y)),
        "<" => Binary(|y, x| ((x as i64) < y as i64).into(), |b, y, x| b.icmp(IntCC::Slt, x, y)),
        "=" => Binary(|y, x| (x == y).into(), |b, y, x| b.icmp(IntCC::Eq, x, y)),
        "<." => Binary(|y, x| (f64::from_bits(x) < f64::from_bits(y)).into(), |b, y, x| b.fcmp(FloatCC::Lt, x, y)),
        // SAFETY: programs stay inside the arrays that their caller gives them, as in C.
        "load" => Binary(
            |i, a| unsafe { *(a as *const u64).add(i as usize) },
            |b, i, a| b.load(Type::I64, Addr::indexed(a, i, 3, 0)),
        ),
        "sqrt." => Unary(|x| f64::from_bits(x).sqrt().to_bits(), |b, x| b.fsqrt(x)),
        "float." => Unary(|x| (x as i64 as f64).to_bits(), |b, x| b.int_to_float(Type::F64, x)),
        _ => return None,
    })
}

/// Asked at the ends of loops: a result, if compiled code ran from there.
pub type Enter = fn(&Func, usize, &mut [u64]) -> Option<u64>;

/// Operands come from a stack, results go there; it is empty where jumps start and end. Numbers are variables and
/// positions in the code.
pub enum Word {
    Int(i64),
    Float(f64),
    Get(usize),
    Set(usize),
    /// Takes a value, an array and an index.
    Store,
    /// An operator or a function.
    Call(String),
    Unless(usize),
    Loop(usize),
    Return,
    Yield,
}

pub struct Func {
    pub name: String,
    /// `fn`; `inline` for a function without jumps that is compiled in place; `gen` for a generator, whose first two
    /// parameters are where to go on and the address of its frame: memory for all variables.
    pub kind: String,
    pub line: u32,
    pub params: usize,
    pub vars: Vec<String>,
    pub code: Vec<(u32, Word)>,
}

pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tally/demo.tally");

pub struct Program(pub Vec<Func>);

pub fn ty(name: &str) -> Type {
    if name.ends_with('.') { Type::F64 } else { Type::I64 }
}

impl Program {
    pub fn parse(text: &str) -> Program {
        let lines = (1..).zip(text.lines().map(|line| line.split(';').next().unwrap_or("")));
        let mut words = lines.flat_map(|(n, line)| line.split_whitespace().map(move |word| (n, word)));
        let mut functions: Vec<Func> = Vec::new();
        // For each open `while` and `if` where it begins, if it is a loop, and its test.
        let mut open: Vec<Option<usize>> = Vec::new();
        while let Some((line, word)) = words.next() {
            if let "fn" | "gen" | "inline" = word {
                let mut names = words.by_ref().map(|w| w.1.to_string()).take_while(|name| name != ":");
                let (kind, name) = (word.to_string(), names.next().expect("a name"));
                let vars: Vec<String> = names.collect();
                functions.push(Func { kind, name, line, params: vars.len(), vars, code: Vec::new() });
                continue;
            }
            let f = functions.last_mut().expect("a function");
            let here = f.code.len();
            let word = match (word, word.parse(), word.parse()) {
                (_, Ok(n), _) => Word::Int(n),
                (_, _, Ok(x)) => Word::Float(x),
                ("store", ..) => Word::Store,
                ("return", ..) => Word::Return,
                ("yield", ..) => Word::Yield,
                ("->", ..) => {
                    let name = words.next().expect("a name").1;
                    let var = f.vars.iter().position(|v| v == name);
                    f.vars.extend(var.is_none().then(|| name.to_string()));
                    Word::Set(var.unwrap_or(f.vars.len() - 1))
                }
                ("while" | "if", ..) => {
                    open.push((word == "while").then_some(here));
                    continue;
                }
                ("do", ..) => {
                    open.push(Some(here));
                    Word::Unless(0)
                }
                ("end", ..) => {
                    let (test, top) = (open.pop().flatten().expect("a test"), open.pop().flatten());
                    f.code.extend(top.map(|top| (line, Word::Loop(top))));
                    f.code[test].1 = Word::Unless(f.code.len());
                    continue;
                }
                _ => f.vars.iter().position(|v| v == word).map_or_else(|| Word::Call(word.into()), Word::Get),
            };
            f.code.push((line, word));
        }
        functions.iter_mut().for_each(|f| f.code.push((f.code[f.code.len() - 1].0, Word::Return)));
        Program(functions)
    }

    pub fn func(&self, name: &str) -> &Func {
        self.0.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no function {name}"))
    }

    /// Runs a function from the start of a statement on until it returns or yields.
    pub fn interpret(&self, f: &Func, mut pc: usize, vars: &mut [u64], enter: Enter) -> u64 {
        let stack = RefCell::new(Vec::new());
        let push = |value: u64| stack.borrow_mut().push(value);
        let pop = || stack.borrow_mut().pop().expect("a value");
        loop {
            let word = &f.code[pc].1;
            pc += 1;
            match word {
                Word::Int(n) => push(*n as u64),
                Word::Float(x) => push(x.to_bits()),
                Word::Get(var) => push(vars[*var]),
                Word::Set(var) => vars[*var] = pop(),
                Word::Store => {
                    let (index, array, value) = (pop(), pop(), pop());
                    // SAFETY: as for `load`.
                    unsafe { *(array as *mut u64).add(index as usize) = value };
                }
                Word::Call(name) => push(match operator(name) {
                    Some(Unary(op, _)) => op(pop()),
                    Some(Binary(op, _)) => op(pop(), pop()),
                    Some(Float(op, _)) => op(f64::from_bits(pop()), f64::from_bits(pop())).to_bits(),
                    Some(Checked(op, _)) => {
                        let exact = op((pop() as i64).into(), (pop() as i64).into());
                        i64::try_from(exact).unwrap_or((exact % ((1 << 61) - 1)) as i64) as u64
                    }
                    None => {
                        let callee = self.func(name);
                        let mut own: Vec<u64> = vec![0; callee.vars.len()];
                        own[..callee.params].iter_mut().rev().for_each(|arg| *arg = pop());
                        self.interpret(callee, 0, &mut own, enter)
                    }
                }),
                Word::Unless(to) => pc = if pop() == 0 { *to } else { pc },
                Word::Loop(to) => {
                    pc = *to;
                    if let Some(result) = enter(f, pc, vars) {
                        return result;
                    }
                }
                Word::Return | Word::Yield => {
                    if f.kind == "gen" {
                        vars[0] = if let Word::Yield = word { pc as u64 } else { u64::MAX };
                        // SAFETY: these are copies of the variables in the frame, whose address is one of them.
                        unsafe { (vars[1] as *mut u64).copy_from_nonoverlapping(vars.as_ptr(), vars.len()) };
                    }
                    return pop();
                }
            }
        }
    }
}
