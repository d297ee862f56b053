//! Damaged code: reading and verifying it never panics, and what the verifier accepts has a liveness map.

use cinder_bytecode::format::{deserialize, serialize};
use cinder_bytecode::op::{Insn, Opcode};
use cinder_bytecode::{Code, CompileOptions, asm, compile, verify};
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, parse};

const SOURCE: &str = r#"
def f(a, b=1, *args, k=2, **kw):
    try:
        with a as x:
            return [y + b for y in x if y]
    except (ValueError, TypeError) as e:
        return a.method(e, *args, **kw)
    finally:
        print(f"{a!r:>{b}}")
async def g(c):
    async for i in c:
        yield await i(1, key=2)
class C:
    def m(self):
        return super().m(lambda: self)
"#;

fn code() -> Code {
    let arena = Arena::new();
    let parsed = parse(SOURCE, &ParseOptions::default(), &arena).expect("the source parses");
    let compiled = compile(&parsed.module, &parsed.lines, &CompileOptions::new("f.py")).expect("the source compiles");
    verify(&compiled.code).expect("compiled code is sound");
    (*compiled.code).clone()
}

/// A generator of pseudo-random numbers (xorshift64*), so that failures repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

#[test]
fn damaged_bytes() {
    let bytes = serialize(&code());
    let mut random = Random(42);
    let mut read = 0;
    for _ in 0..8_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.below(3) {
            let at = 4 + random.below(damaged.len() - 4);
            damaged[at] = random.below(256) as u8;
        }
        if random.below(10) == 0 {
            damaged.truncate(random.below(bytes.len()));
        }
        if let Ok(code) = deserialize(&damaged) {
            read += 1;
            let sound = verify(&code).is_ok();
            for pc in 0..code.insns.len() as u32 {
                let live = code.liveness().live_before(pc);
                assert!(!sound || live.len() <= code.temps as usize);
            }
            let _ = code.to_string();
            let printed = asm::print(&code);
            let reread = asm::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
            let again = asm::print(&reread);
            let changed = again.lines().zip(printed.lines()).find(|(a, b)| a != b);
            assert_eq!(changed, None, "printed, parsed and printed again, a line changes");
            let _ = code.position(3);
        }
    }
    assert!(read > 400, "only {read} damaged copies could be read: the test tests little");
}

#[test]
fn damaged_instructions() {
    let sound = code();
    let nested: Vec<Code> = sound.children().map(|child| (**child).clone()).collect();
    let mut random = Random(7);
    let (mut refused, mut accepted) = (0, 0);
    for round in 0..20_000 {
        let mut damaged = nested[round % nested.len()].clone();
        let at = random.below(damaged.insns.len());
        damaged.insns[at] = match random.below(4) {
            0 => Insn(damaged.insns[at].0 ^ 1 << random.below(64)),
            1 => damaged.insns[random.below(damaged.insns.len())],
            2 => Insn::abc(Opcode::Nop, 0, 0, 0),
            _ => Insn(random.below(1 << 31) as u64 * random.below(1 << 31) as u64),
        };
        match verify(&damaged) {
            Ok(()) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    // Most damage leaves a temporary live or dead that must not be; some only changes which operator runs.
    assert!(refused > accepted && accepted > 100, "{refused} refused, {accepted} accepted");
}

#[test]
fn damaged_assembly() {
    const NOISE: &[u8] = b"0123456789abcdeflktn>@{}()\"\\ \n";
    let text = asm::print(&code()).into_bytes();
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..10_000 {
        let mut damaged = text.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(damaged.len());
            damaged[at] = NOISE[random.below(NOISE.len())];
        }
        let damaged = String::from_utf8_lossy(&damaged);
        if let Ok(code) = asm::parse(&damaged) {
            read += 1;
            let _ = verify(&code);
        }
    }
    assert!(read > 400, "only {read} damaged texts could be read: the test tests little");
}
