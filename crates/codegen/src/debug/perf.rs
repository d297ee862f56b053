//! The files that the `perf` profiler reads: its map of symbols, and the jitdump.

use super::DebugError;
use super::describe::FunctionDebug;
use cinder_lir::alloc::Arch;
use std::fs::{File, OpenOptions};
use std::io::{Error, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

fn lock(file: &Mutex<Output>) -> MutexGuard<'_, Output> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Output {
    file: File,
    path: PathBuf,
    index: u64,
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DebugError> {
        self.file.write_all(bytes).map_err(|source| DebugError::File { path: self.path.clone(), source })
    }
}

/// `/tmp/perf-PID.map`: one line of address, size and name for each function.
pub struct PerfMap(Mutex<Output>);

impl PerfMap {
    /// Opens the map of this process, where the profiler looks for it.
    pub fn open() -> Result<PerfMap, DebugError> {
        PerfMap::open_at(&PathBuf::from(format!("/tmp/perf-{}.map", std::process::id())))
    }

    /// Opens a map elsewhere.
    pub fn open_at(path: &Path) -> Result<PerfMap, DebugError> {
        let path = path.to_path_buf();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| DebugError::File { path: path.clone(), source })?;
        Ok(PerfMap(Mutex::new(Output { file, path, index: 0 })))
    }

    /// Appends a function.
    pub fn add(&self, info: &FunctionDebug) -> Result<(), DebugError> {
        let name: String = info.name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        // One write for each line: lines of several threads do not mix.
        lock(&self.0).write(format!("{:x} {:x} {name}\n", info.address, info.len).as_bytes())
    }
}

const MAGIC: u32 = 0x4a69_5444;
const CODE_LOAD: u32 = 0;
const CODE_DEBUG_INFO: u32 = 2;

/// The jitdump: code and line tables with time stamps, from which `perf inject --jit` makes object files.
///
/// Record with `perf record -k CLOCK_MONOTONIC`.
pub struct JitDump {
    output: Mutex<Output>,
    /// The mapping by which the profiler learns of the file.
    marker: Marker,
}

struct Marker(*mut libc::c_void, usize);

// SAFETY: the mapping is never accessed, only unmapped.
unsafe impl Send for Marker {}
// SAFETY: as above.
unsafe impl Sync for Marker {}

impl Drop for Marker {
    fn drop(&mut self) {
        // SAFETY: a mapping of our own that nobody reads.
        unsafe { libc::munmap(self.0, self.1) };
    }
}

/// Nanoseconds on the clock that the profiler is told to use.
fn timestamp() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the struct given.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn thread_id() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

impl JitDump {
    /// Creates `jit-PID.dump` in a folder.
    pub fn create(dir: &Path, arch: Arch) -> Result<JitDump, DebugError> {
        let path = dir.join(format!("jit-{}.dump", std::process::id()));
        let fail = |source: Error| DebugError::File { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path).map_err(fail)?;
        let machine: u32 = match arch {
            Arch::X64 => u32::from(object::elf::EM_X86_64.0),
            Arch::Aarch64 => u32::from(object::elf::EM_AARCH64.0),
        };
        let mut header = Vec::with_capacity(40);
        for word in [MAGIC, 1, 40, machine, 0, std::process::id()] {
            header.extend_from_slice(&word.to_le_bytes());
        }
        header.extend_from_slice(&timestamp().to_le_bytes());
        header.extend_from_slice(&0u64.to_le_bytes());
        let mut output = Output { file, path: path.clone(), index: 0 };
        output.write(&header)?;
        let len = 4096;
        // SAFETY: maps the file just written; the profiler notices executable mappings of files.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_EXEC,
                libc::MAP_PRIVATE,
                output.file.as_raw_fd(),
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(fail(Error::last_os_error()));
        }
        Ok(JitDump { output: Mutex::new(output), marker: Marker(at, len) })
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        lock(&self.output).path.clone()
    }

    /// Appends a function with its code and lines.
    pub fn add(&self, info: &FunctionDebug, code: &[u8], source_dir: &str) -> Result<(), DebugError> {
        let _ = &self.marker;
        let mut out = lock(&self.output);
        let mut record = Vec::with_capacity(code.len() + 256);
        if info.has_lines() {
            line_record(&mut record, info, source_dir);
        }
        let name: Vec<u8> = info.name.bytes().filter(|b| *b != 0).chain([0]).collect();
        let size = 16 + 40 + name.len() + code.len();
        header(&mut record, CODE_LOAD, size);
        for word in [std::process::id(), thread_id()] {
            record.extend_from_slice(&word.to_le_bytes());
        }
        for word in [info.address, info.address, code.len() as u64, out.index] {
            record.extend_from_slice(&word.to_le_bytes());
        }
        record.extend_from_slice(&name);
        record.extend_from_slice(code);
        out.index += 1;
        out.write(&record)
    }
}

fn header(record: &mut Vec<u8>, id: u32, size: usize) {
    record.extend_from_slice(&id.to_le_bytes());
    record.extend_from_slice(&(size as u32).to_le_bytes());
    record.extend_from_slice(&timestamp().to_le_bytes());
}

/// The lines of a function, to precede its code. Every entry has the whole file name: readers of the short form for
/// "same as before" exist that print garbage.
fn line_record(record: &mut Vec<u8>, info: &FunctionDebug, source_dir: &str) {
    let mut body = Vec::new();
    let mut count: u64 = 0;
    for line in info.lines.iter().filter(|l| l.line != 0) {
        let file = info.files.get(line.file as usize).map_or("", String::as_str);
        body.extend_from_slice(&(info.address + u64::from(line.offset)).to_le_bytes());
        body.extend_from_slice(&line.line.to_le_bytes());
        body.extend_from_slice(&0u32.to_le_bytes());
        if !source_dir.is_empty() && !file.starts_with('/') {
            body.extend(source_dir.bytes().filter(|b| *b != 0));
            body.push(b'/');
        }
        body.extend(file.bytes().filter(|b| *b != 0));
        body.push(0);
        count += 1;
    }
    header(record, CODE_DEBUG_INFO, 16 + 16 + body.len());
    record.extend_from_slice(&info.address.to_le_bytes());
    record.extend_from_slice(&count.to_le_bytes());
    record.extend_from_slice(&body);
}
