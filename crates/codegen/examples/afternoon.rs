//! The program of `docs/guide-jit.md`: a stack machine with an interpreter and a compiler. A test holds every piece
//! of code in the guide against this file.

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, Exit, ExitId, SavedRegisters};
use cinder_lir::alloc::Tier;
use cinder_lir::{Addr, BlockId, Builder, FrameValue, Function, IntCC, Signature, Type, VReg};
use std::sync::Arc;

/// An instruction of the stack machine.
#[derive(Clone, Copy, Debug)]
enum Bytecode {
    Int(i64),
    Load(usize),
    Store(usize),
    Add,
    Sub,
    Mul,
    Less,
    JumpIfNot(usize),
    Jump(usize),
    Return,
}
use Bytecode::*;

/// Integers become floats when they no longer fit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Int(i64),
    Float(f64),
}

impl Value {
    fn float(self) -> f64 {
        match self {
            Value::Int(k) => k as f64,
            Value::Float(x) => x,
        }
    }
}

fn arithmetic(op: Bytecode, a: Value, b: Value) -> Value {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        let exact = match op {
            Add => a.checked_add(b),
            Sub => a.checked_sub(b),
            Mul => a.checked_mul(b),
            _ => Some(i64::from(a < b)),
        };
        if let Some(k) = exact {
            return Value::Int(k);
        }
    }
    let (a, b) = (a.float(), b.float());
    match op {
        Add => Value::Float(a + b),
        Sub => Value::Float(a - b),
        Mul => Value::Float(a * b),
        _ => Value::Int(i64::from(a < b)),
    }
}

/// A program and everything that runs it.
struct Machine {
    program: Vec<Bytecode>,
    locals: usize,
    space: CodeSpace,
    code: Option<Arc<CompiledCode>>,
    /// Turns of loops until the program is compiled.
    hot: u32,
    /// How often compiled code gave up.
    exits: u32,
    /// What the interpreter computed after compiled code gave up.
    result: Option<Value>,
}

impl Machine {
    fn new(program: Vec<Bytecode>, locals: usize) -> Result<Machine, Box<dyn std::error::Error>> {
        let config = CodeSpaceConfig { exit_handler: Some(on_exit), ..CodeSpaceConfig::default() };
        let space = CodeSpace::host(config)?;
        Ok(Machine { program, locals, space, code: None, hot: 100, exits: 0, result: None })
    }

    fn interpret(&mut self, mut pc: usize, mut locals: Vec<Value>, mut stack: Vec<Value>) -> Value {
        let mut turns = 0;
        loop {
            let op = self.program[pc];
            pc += 1;
            match op {
                Int(k) => stack.push(Value::Int(k)),
                Load(n) => stack.push(locals[n]),
                Store(n) => locals[n] = stack.pop().expect("a value"),
                Add | Sub | Mul | Less => {
                    let b = stack.pop().expect("a value");
                    let a = stack.pop().expect("a value");
                    stack.push(arithmetic(op, a, b));
                }
                JumpIfNot(to) => {
                    if stack.pop() == Some(Value::Int(0)) {
                        pc = to;
                    }
                }
                Jump(to) => {
                    turns += u32::from(to < pc);
                    pc = to;
                    if turns > self.hot
                        && let Some(result) = self.enter(&format!("loop{pc}"), &locals)
                    {
                        return result;
                    }
                }
                Return => return stack.pop().expect("a value"),
            }
        }
    }

    fn run(&mut self, args: &[Value]) -> Value {
        let mut locals = args.to_vec();
        locals.resize(self.locals, Value::Int(0));
        if self.code.is_some()
            && let Some(result) = self.enter("main", &locals)
        {
            return result;
        }
        self.interpret(0, locals, Vec::new())
    }

    /// Runs compiled code from one of its entries, if all locals are integers.
    fn enter(&mut self, entry: &str, locals: &[Value]) -> Option<Value> {
        let ints: Option<Vec<i64>> =
            locals.iter().map(|v| if let Value::Int(k) = v { Some(*k) } else { None }).collect();
        let ints = ints?;
        if self.code.is_none() {
            self.code = Some(compile(&self.program, self.locals, &self.space).ok()?);
        }
        let address = self.code.as_ref()?.entry_named(entry)?;
        // SAFETY: `compile` gives every entry this signature; the code lives as long as `self.code`.
        let f: extern "C" fn(*mut Machine, *const i64) -> i64 = unsafe { std::mem::transmute(address) };
        let int = f(self, ints.as_ptr());
        Some(self.result.take().unwrap_or(Value::Int(int)))
    }
}

fn compile(
    program: &[Bytecode],
    num_locals: usize,
    space: &CodeSpace,
) -> Result<Arc<CompiledCode>, Box<dyn std::error::Error>> {
    let mut func = Function::new("main");
    let mut b = Builder::new(&mut func);
    let types = vec![Type::I64; num_locals];

    // A block for every place that something jumps to, with the locals as parameters.
    let mut blocks: Vec<Option<(BlockId, Vec<VReg>)>> = vec![None; program.len() + 1];
    blocks[0] = Some(b.block(&types));
    let mut loops = Vec::new();
    for (pc, op) in program.iter().enumerate() {
        if let Jump(to) | JumpIfNot(to) = *op {
            if blocks[to].is_none() {
                blocks[to] = Some(b.block(&types));
            }
            if to <= pc {
                loops.push(to);
            }
        }
    }

    // The entries: the start, and every loop. Each gets the machine and the locals.
    let sig = b.signature(Signature::host(&[Type::I64, Type::I64], &[Type::I64]));
    let starts = std::iter::once(("main".to_owned(), 0)).chain(loops.iter().map(|&pc| (format!("loop{pc}"), pc)));
    for (name, pc) in starts {
        let args = b.entry(&name, sig);
        b.set_thread(args[0]);
        let locals: Vec<VReg> = (0..num_locals).map(|n| b.load(Type::I64, Addr::base(args[1], 8 * n as i32))).collect();
        let block = blocks[pc].as_ref().expect("a block").0;
        b.jump((block, &locals));
    }

    // One pass over the program; the stack of the machine exists only here.
    let (mut locals, mut stack) = (Vec::new(), Vec::new());
    for (pc, &op) in program.iter().enumerate() {
        if let Some((block, params)) = &blocks[pc] {
            if b.current().is_some() {
                b.jump((*block, &locals));
            }
            b.open(*block);
            locals.clone_from(params);
        }
        if b.current().is_none() {
            continue;
        }
        match op {
            Int(k) => stack.push(b.iconst(Type::I64, k)),
            Load(n) => stack.push(locals[n]),
            Store(n) => locals[n] = stack.pop().ok_or("empty stack")?,
            Add | Sub | Mul | Less => {
                let live: Vec<FrameValue> = locals.iter().chain(&stack).map(|&v| FrameValue::Reg(v)).collect();
                let state = b.frame_state(pc as u64, &live);
                let y = stack.pop().ok_or("empty stack")?;
                let x = stack.pop().ok_or("empty stack")?;
                stack.push(match op {
                    Add => b.add_ovf(x, y, state),
                    Sub => b.sub_ovf(x, y, state),
                    Mul => b.mul_ovf(x, y, state),
                    _ => {
                        let less = b.icmp(IntCC::Slt, x, y);
                        b.zext(Type::I64, less)
                    }
                });
            }
            JumpIfNot(to) => {
                let cond = stack.pop().ok_or("empty stack")?;
                let (next, params) = b.block(&types);
                let target = blocks[to].as_ref().expect("a block").0;
                b.br(cond, (next, &locals), (target, &locals));
                b.open(next);
                locals = params;
            }
            Jump(to) => {
                let target = blocks[to].as_ref().expect("a block").0;
                b.jump((target, &locals));
            }
            Return => {
                let value = stack.pop().ok_or("empty stack")?;
                b.ret(&[value]);
            }
        }
    }
    b.finish()?;

    let mut compiler = Compiler::host(space);
    Ok(compiler.install(space, &mut func, Tier::Optimising, &|_| None)?)
}

/// Called by compiled code when arithmetic overflowed: the interpreter goes on where compiled code stopped.
unsafe extern "C" fn on_exit(thread: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    // SAFETY: the thread register holds the machine, which `enter` lent to the compiled code.
    let machine = unsafe { &mut *thread.cast::<Machine>() };
    let space = machine.space.clone();
    // SAFETY: this is what the stub passed.
    let Some(mut exit) = (unsafe { Exit::new(&space, frame, registers, exit) }) else { return };
    let mut values: Vec<Value> = exit.values().map(|v| Value::Int(v.unwrap_or(0) as i64)).collect();
    let stack = values.split_off(machine.locals);
    machine.exits += 1;
    let result = machine.interpret(exit.user() as usize, values, stack);
    machine.result = Some(result);
    exit.set_result(0);
}

/// `fn f(x, n) { let r = start; while 0 < n { r = r op local; n = n - 1 } r }`
fn accumulate(start: i64, op: Bytecode, local: usize) -> Vec<Bytecode> {
    vec![
        Int(start),
        Store(2),
        // 2: the loop
        Int(0),
        Load(1),
        Less,
        JumpIfNot(15),
        Load(2),
        Load(local),
        op,
        Store(2),
        Load(1),
        Int(1),
        Sub,
        Store(1),
        Jump(2),
        // 15: the end
        Load(2),
        Return,
    ]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // x to the power of n.
    let mut machine = Machine::new(accumulate(1, Mul, 0), 3)?;
    let small = machine.run(&[Value::Int(3), Value::Int(13)]);
    println!("3^13 = {small:?}, compiled: {}", machine.code.is_some());
    assert_eq!((small, machine.code.is_some()), (Value::Int(1_594_323), false));

    // Hot: after a hundred turns the loop is entered in compiled code.
    let ones = machine.run(&[Value::Int(1), Value::Int(100_000)]);
    println!("1^100000 = {ones:?}, compiled: {}", machine.code.is_some());
    assert_eq!((ones, machine.code.is_some()), (Value::Int(1), true));

    // Overflows in the middle of compiled code.
    let large = machine.run(&[Value::Int(3), Value::Int(50)]);
    println!("3^50 = {large:?}, exits: {}", machine.exits);
    assert_eq!((large, machine.exits), (Value::Float(3f64.powi(50)), 1));

    // The sum of 1 to n.
    let mut machine = Machine::new(accumulate(0, Add, 1), 3)?;
    let sum = machine.run(&[Value::Int(0), Value::Int(1_000_000)]);
    println!("1 + ... + 1000000 = {sum:?}");
    assert_eq!(sum, Value::Int(500_000_500_000));
    Ok(())
}
