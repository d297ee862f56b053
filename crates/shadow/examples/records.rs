//! Another interpreter over the same objects, with these inline caches: it adds up attributes of records.
//!
//! Its programs are a few instructions over eight registers. It knows two of Cinder's instructions and one dispatch
//! `match`; what the caches add is a [`Shadow`] beside the code, one hook, and two calls in the attribute load. At the end it
//! shows what its sites saw and how they fared.

use std::process::ExitCode;

use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{self, dict, tuple, type_type};
use cinder_pyobj::{Ctx, Host, Obj, PyResult};
use cinder_shadow::{Shadow, ShadowOp};

static HOST: Host = Host::bare();

/// Code with its caches.
struct Program {
    names: Vec<Name>,
    shadow: Box<Shadow>,
}

impl Program {
    fn new(code: &[Insn], names: &[&str]) -> Program {
        Program { names: names.iter().map(|n| Name::new(n)).collect(), shadow: Shadow::new(code) }
    }

    /// Runs the code with `argument` in register 1.
    fn run(&self, cx: &Ctx, argument: &Obj) -> PyResult {
        let mut registers: Vec<Obj> = (0..8).map(|_| Obj::none()).collect();
        registers[1] = argument.clone();
        for at in 0..self.shadow.len() {
            // What runs may be a specialised form; what it stands for is always known.
            let insn = self.shadow.generic(at);
            let (a, b, c) = (insn.a() as usize, insn.b() as usize, insn.c() as usize);
            match insn.op() {
                Some(Opcode::LoadAttr) => {
                    let x = registers[b].clone();
                    registers[a] = match self.shadow.load(at, &x) {
                        Some(v) => v,
                        None => {
                            self.shadow.observe_load(at, &x, self.names[c]);
                            x.get_attr(cx, self.names[c])?
                        }
                    };
                }
                Some(Opcode::Add) => {
                    registers[a] = cinder_pyobj::protocol::number::add(cx, &registers[b], &registers[c])?;
                }
                _ => return Ok(registers[a].clone()),
            }
        }
        Ok(Obj::none())
    }

    fn report(&self) {
        for site in self.shadow.sites() {
            let now = ShadowOp::from_number(self.shadow.insn(site.at() as usize).op_number());
            let name = now.map_or("", |op| op.info().name);
            let saw = site.more().map_or(0, |m| m.len.get());
            println!("{}: {name}, shapes {saw}, misses {}, forgot {}", site.at(), site.misses(), site.forgotten());
        }
    }
}

fn class(cx: &Ctx, name: &str) -> PyResult {
    type_type().as_obj().call_pos(cx, &[Obj::from(name), tuple::empty(), dict::new()])
}

fn record(cx: &Ctx, class: &Obj, width: i64, height: i64) -> PyResult {
    let o = class.call0(cx)?;
    o.set_attr(cx, Name::new("width"), &Obj::from(width))?;
    o.set_attr(cx, Name::new("height"), &Obj::from(height))?;
    Ok(o)
}

fn demonstrate(cx: &Ctx) -> PyResult<()> {
    // r2 = r1.width; r3 = r1.height; r0 = r2 + r3; return r0
    let code = [
        Insn::abc(Opcode::LoadAttr, 2, 1, 0),
        Insn::abc(Opcode::LoadAttr, 3, 1, 1),
        Insn::abc(Opcode::Add, 0, 2, 3),
        Insn::abc(Opcode::Return, 0, 0, 0),
    ];
    let program = Program::new(&code, &["width", "height"]);
    let (boxes, doors) = (class(cx, "Box")?, class(cx, "Door")?);
    let mut total = 0;
    for i in 0..100 {
        let kind = if i % 10 == 9 { &doors } else { &boxes };
        total += program.run(cx, &record(cx, kind, i, 1)?)?.as_int().unwrap_or_default();
    }
    println!("total {total}");
    program.report();
    boxes.set_attr(cx, Name::new("height"), &Obj::from(5))?;
    println!("the class changed");
    program.report();
    Ok(())
}

fn main() -> ExitCode {
    let cx = Ctx::new(&HOST, 1 << 20);
    // SAFETY: this is the only thread, and the context outlives its use.
    unsafe { cx.make_current() };
    types::init();
    cinder_pyobj::shape::memory::set_forget_hook(cinder_shadow::forget_hook);
    match demonstrate(&cx) {
        Ok(()) => ExitCode::SUCCESS,
        Err(r) => {
            eprintln!("{}", cx.take(r).type_of().name());
            ExitCode::FAILURE
        }
    }
}
