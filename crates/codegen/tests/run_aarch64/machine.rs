//! The program that runs the code: compiled by a cross compiler, run by qemu.

use crate::image::{Image, Placed};
use cinder_codegen::space::SavedRegisters;
use cinder_lir::alloc::{DeoptLoc, DeoptValue, RegClass, Target};
use cinder_lir::fuzzing::{BUFFER_ADDR, BUFFER_BYTES, canonical};
use object::{Object, ObjectSymbol};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The word from which guards count down to a forced exit.
pub const COUNTER_ADDR: u64 = BUFFER_ADDR + (8 << 20);

/// One call.
pub struct Job {
    /// The function, by its number in the image.
    pub function: usize,
    pub entry: usize,
    /// What x0 to x3, d0 and d1 hold.
    pub args: [u64; 6],
    /// What the word at [`COUNTER_ADDR`] holds at the start.
    pub counter: u64,
    /// What the buffer holds at the start.
    pub buffer: Vec<u8>,
}

/// How a call ended: values as [`canonical`] ones.
#[derive(Clone, PartialEq, Debug)]
pub enum Ended {
    Return(u64),
    /// The word and the values of a frame state.
    Exit(u64, Vec<Option<u64>>),
}

pub struct Machine {
    pub image: Image,
    qemu: &'static str,
    folder: PathBuf,
}

/// Whether a program starts; says so if it does not.
fn starts(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
}

impl Machine {
    /// `None` where the tools are missing.
    pub fn start(name: &str) -> Option<Machine> {
        const GCC: &str = "aarch64-linux-gnu-gcc";
        let Some(qemu) = ["qemu-aarch64", "qemu-aarch64-static"].into_iter().find(|q| starts(q)) else {
            eprintln!("skipped: qemu-aarch64 is not installed");
            return None;
        };
        if !starts(GCC) {
            eprintln!("skipped: {GCC} is not installed");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("cinder-aarch64-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let driver = folder.join("driver");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run_aarch64/driver.c");
        let out = Command::new(GCC)
            .args(["-static", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", source, "-o"])
            .arg(&driver)
            .output()
            .expect("the compiler starts");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Some(Machine { image: Image::new(&Target::aarch64(), symbols(&driver)), qemu, folder })
    }

    /// Makes the calls one after the other: how each ended and the buffer after it.
    pub fn run(&self, jobs: &[Job]) -> Vec<(Ended, Vec<u8>)> {
        let path = |name: &str| self.folder.join(name);
        std::fs::write(path("image"), &self.image.bytes).expect("writable");
        let mut bytes = Vec::new();
        for job in jobs {
            let placed = &self.image.functions[job.function];
            let mut words = vec![placed.entry(job.entry)];
            words.extend(job.args);
            words.extend([job.counter, placed.cell(), u64::from(placed.lowered.frame.size)]);
            bytes.extend(words.into_iter().flat_map(u64::to_le_bytes));
            bytes.extend(&job.buffer);
        }
        std::fs::write(path("jobs"), bytes).expect("writable");
        let out = Command::new(self.qemu)
            .args(["driver", "image", "jobs", "results"].map(path))
            .output()
            .expect("qemu starts");
        let bytes = std::fs::read(path("results")).unwrap_or_default();
        let mut rest = &bytes[..];
        let results: Vec<_> = jobs.iter().map_while(|job| self.read(job, &mut rest)).collect();
        if !out.status.success() {
            let next = jobs.get(results.len()).map(|j| self.image.functions[j.function].func.to_string());
            let said = String::from_utf8_lossy(&out.stderr);
            panic!("{} after {} calls: {said}\n{}", out.status, results.len(), next.unwrap_or_default());
        }
        results
    }

    fn read(&self, job: &Job, bytes: &mut &[u8]) -> Option<(Ended, Vec<u8>)> {
        let (broken, exited, value) = (word(bytes)?, word(bytes)?, word(bytes)?);
        let name = &self.image.functions[job.function].func.name;
        assert_eq!(broken, 0, "{name} does not preserve the registers and the stack of its caller");
        let buffer = bytes.split_off(..BUFFER_BYTES)?.to_vec();
        if exited == 0 {
            return Some((Ended::Return(value), buffer));
        }
        let id = word(bytes)?;
        let mut registers = SavedRegisters::default();
        for register in registers.gprs.iter_mut().chain(&mut registers.fprs) {
            *register = word(bytes)?;
        }
        let placed = &self.image.functions[(id >> 32) as usize];
        assert_eq!((id >> 32) as usize, job.function, "the exit of another function");
        let frame = bytes.split_off(..placed.lowered.frame.size as usize)?;
        let point = &placed.alloc.deopt_points()[id as u32 as usize];
        let values = placed.alloc.deopt_values(point).iter().map(|v| read_value(placed, v, frame, &registers));
        Some((Ended::Exit(point.user, values.collect()), buffer))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The next word.
fn word(bytes: &mut &[u8]) -> Option<u64> {
    bytes.split_off(..8)?.try_into().ok().map(u64::from_le_bytes)
}

/// A value of a frame state; `frame` is what lies between the stack pointer and the frame pointer.
fn read_value(placed: &Placed, value: &DeoptValue, frame: &[u8], registers: &SavedRegisters) -> Option<u64> {
    let bits = match value.loc {
        DeoptLoc::Const(bits) => bits,
        DeoptLoc::Dead => return None,
        DeoptLoc::Reg(r) if r.class() == RegClass::Int => registers.gprs[r.hw_enc()],
        DeoptLoc::Reg(r) => registers.fprs[r.hw_enc()],
        DeoptLoc::Slot(slot) => {
            let offset = placed.lowered.frame.slot_offset(slot).unsigned_abs() as usize;
            word(&mut &frame[frame.len() - offset..])?
        }
    };
    Some(canonical(value.ty, bits))
}

/// The functions of the driver.
fn symbols(driver: &Path) -> BTreeMap<String, u64> {
    let bytes = std::fs::read(driver).expect("compiled");
    let file = object::File::parse(&*bytes).expect("an object file");
    file.symbols().filter_map(|s| Some((s.name().ok()?.to_owned(), s.address()))).collect()
}
