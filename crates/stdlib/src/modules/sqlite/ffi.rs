//! SQLite's C interface behind safe types. All unsafe code of the module is here and in [`super::callbacks`].
//!
//! A [`Database`] is closed with `sqlite3_close_v2`, so statements and blobs that outlive it stay valid until they are
//! finalised themselves.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int, c_void};
use std::rc::Rc;

use cinder_pyobj::Ctx;
use libsqlite3_sys as sys;

use crate::os::running;

unsafe extern "C" {
    /// Closes a handle; one that statements still use lives on until the last of them is finalised. The bindings lack
    /// it, the library has it.
    fn sqlite3_close_v2(db: *mut sys::sqlite3) -> c_int;
}

/// A text of SQLite's that stays valid while it is copied.
unsafe fn text(p: *const std::ffi::c_char) -> Option<String> {
    if p.is_null() {
        return None;
    }
    // SAFETY: by the caller's promise the text ends with NUL.
    Some(unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned())
}

/// The library's version.
pub(super) fn version() -> String {
    // SAFETY: a static text.
    unsafe { text(sys::sqlite3_libversion()) }.unwrap_or_default()
}

/// What a result code means.
pub(super) fn error_text(code: c_int) -> String {
    // SAFETY: a static text.
    unsafe { text(sys::sqlite3_errstr(code)) }.unwrap_or_default()
}

/// Whether a text ends with a complete statement.
pub(super) fn is_complete(sql: &CStr) -> bool {
    // SAFETY: the text ends with NUL.
    unsafe { sys::sqlite3_complete(sql.as_ptr()) != 0 }
}

/// A connection's handle.
pub(super) struct Database {
    ptr: Cell<*mut sys::sqlite3>,
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}

/// What preparing a statement came to.
pub(super) struct Prepared {
    /// Nothing if the text holds no statement.
    pub(super) statement: Option<Statement>,
    /// How many bytes of the text were read.
    pub(super) used: usize,
}

impl Database {
    /// Opens a database. The handle exists even where opening failed, to tell why.
    pub(super) fn open(cx: &Ctx, name: &CStr, uri: bool, busy_ms: c_int) -> (Database, c_int) {
        let flags = sys::SQLITE_OPEN_READWRITE
            | sys::SQLITE_OPEN_CREATE
            | sys::SQLITE_OPEN_FULLMUTEX
            | if uri { sys::SQLITE_OPEN_URI } else { 0 };
        let mut ptr = std::ptr::null_mut();
        // SAFETY: the name ends with NUL; the handle is closed by `Drop`.
        let rc = running::unlocked(cx, || unsafe {
            let rc = sys::sqlite3_open_v2(name.as_ptr(), &raw mut ptr, flags, std::ptr::null());
            if rc == sys::SQLITE_OK {
                sys::sqlite3_busy_timeout(ptr, busy_ms);
                sys::sqlite3_extended_result_codes(ptr, 1);
            }
            rc
        });
        let db = Database { ptr: Cell::new(ptr) };
        if rc == sys::SQLITE_OK {
            // The library is built with foreign keys on; Python's default is SQLite's own.
            db.set_config(sys::SQLITE_DBCONFIG_ENABLE_FKEY, false);
        }
        (db, rc)
    }

    pub(super) fn raw(&self) -> *mut sys::sqlite3 {
        self.ptr.get()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.ptr.get().is_null()
    }

    pub(super) fn close(&self) -> c_int {
        // SAFETY: the pointer is taken out, so it is closed once.
        unsafe { sqlite3_close_v2(self.ptr.replace(std::ptr::null_mut())) }
    }

    /// Result code with detail, and message of the last failure.
    pub(super) fn last_error(&self) -> (c_int, String) {
        // SAFETY: the functions take null for "no memory".
        unsafe {
            let p = self.ptr.get();
            (sys::sqlite3_extended_errcode(p), text(sys::sqlite3_errmsg(p)).unwrap_or_default())
        }
    }

    /// Whether no transaction is open.
    pub(super) fn autocommits(&self) -> bool {
        // SAFETY: the handle is open; null counts as "no transaction".
        self.ptr.get().is_null() || unsafe { sys::sqlite3_get_autocommit(self.ptr.get()) != 0 }
    }

    pub(super) fn changes(&self) -> i64 {
        // SAFETY: an open handle or null.
        if self.is_open() { unsafe { sys::sqlite3_changes64(self.ptr.get()) } } else { 0 }
    }

    pub(super) fn total_changes(&self) -> i64 {
        // SAFETY: an open handle or null.
        if self.is_open() { unsafe { sys::sqlite3_total_changes64(self.ptr.get()) } } else { 0 }
    }

    pub(super) fn last_row_id(&self) -> i64 {
        // SAFETY: an open handle or null.
        if self.is_open() { unsafe { sys::sqlite3_last_insert_rowid(self.ptr.get()) } } else { 0 }
    }

    pub(super) fn interrupt(&self) {
        if self.is_open() {
            // SAFETY: the handle is open.
            unsafe { sys::sqlite3_interrupt(self.ptr.get()) }
        }
    }

    /// The value of a limit before the call; a negative one leaves it.
    pub(super) fn limit(&self, category: c_int, value: c_int) -> c_int {
        // SAFETY: an open handle or null.
        if self.is_open() { unsafe { sys::sqlite3_limit(self.ptr.get(), category, value) } } else { -1 }
    }

    /// Sets a switch; the state after the call, or nothing.
    pub(super) fn set_config(&self, op: c_int, on: bool) -> Option<bool> {
        self.config(op, c_int::from(on))
    }

    /// Reads a switch.
    pub(super) fn get_config(&self, op: c_int) -> Option<bool> {
        self.config(op, -1)
    }

    fn config(&self, op: c_int, value: c_int) -> Option<bool> {
        let mut now: c_int = 0;
        // SAFETY: all switches take an int and a pointer to an int.
        let rc = unsafe { sys::sqlite3_db_config(self.ptr.get(), op, value, &raw mut now) };
        (rc == sys::SQLITE_OK).then_some(now != 0)
    }

    /// Prepares the first statement of a text.
    pub(super) fn prepare(self: &Rc<Database>, cx: &Ctx, sql: &str) -> Result<Prepared, c_int> {
        let mut ptr = std::ptr::null_mut();
        let mut tail = std::ptr::null();
        let Ok(len) = c_int::try_from(sql.len()) else { return Err(sys::SQLITE_TOOBIG) };
        let db = self.ptr.get();
        // SAFETY: the text has `len` bytes; the statement is finalised by `Statement`.
        let rc = running::unlocked(cx, || unsafe {
            sys::sqlite3_prepare_v2(db, sql.as_ptr().cast(), len, &raw mut ptr, &raw mut tail)
        });
        if rc != sys::SQLITE_OK {
            return Err(rc);
        }
        let used = if tail.is_null() { sql.len() } else { tail as usize - sql.as_ptr() as usize };
        let statement = (!ptr.is_null()).then(|| Statement { ptr, _db: self.clone() });
        Ok(Prepared { statement, used })
    }

    /// The database's bytes.
    pub(super) fn serialize(&self, cx: &Ctx, name: &CStr) -> Option<Vec<u8>> {
        let mut size: i64 = 0;
        let db = self.ptr.get();
        // SAFETY: the result is a block of `size` bytes of SQLite's that is freed here.
        unsafe {
            let p = running::unlocked(cx, || sys::sqlite3_serialize(db, name.as_ptr(), &raw mut size, 0));
            if p.is_null() {
                return None;
            }
            let v = std::slice::from_raw_parts(p, size as usize).to_vec();
            sys::sqlite3_free(p.cast());
            Some(v)
        }
    }

    /// Makes a database of bytes.
    pub(super) fn deserialize(&self, cx: &Ctx, name: &CStr, data: &[u8]) -> c_int {
        let db = self.ptr.get();
        // SAFETY: the block is SQLite's own, which frees it.
        unsafe {
            let p = sys::sqlite3_malloc64(data.len().max(1) as u64) as *mut u8;
            if p.is_null() {
                return sys::SQLITE_NOMEM;
            }
            std::ptr::copy_nonoverlapping(data.as_ptr(), p, data.len());
            let flags = sys::SQLITE_DESERIALIZE_FREEONCLOSE | sys::SQLITE_DESERIALIZE_RESIZEABLE;
            let n = data.len() as i64;
            running::unlocked(cx, || sys::sqlite3_deserialize(db, name.as_ptr(), p, n, n, flags as u32))
        }
    }

    pub(super) fn enable_load_extension(&self, on: bool) -> c_int {
        // SAFETY: the handle is open or null, which is refused.
        unsafe { sys::sqlite3_enable_load_extension(self.ptr.get(), c_int::from(on)) }
    }

    /// Loads a shared library; the message if that failed.
    pub(super) fn load_extension(&self, name: &CStr, entry: Option<&CStr>) -> Result<(), String> {
        let mut message = std::ptr::null_mut();
        // SAFETY: the texts end with NUL; the message is SQLite's and freed here.
        unsafe {
            let entry = entry.map_or(std::ptr::null(), CStr::as_ptr);
            let rc = sys::sqlite3_load_extension(self.ptr.get(), name.as_ptr(), entry, &raw mut message);
            if rc == sys::SQLITE_OK {
                return Ok(());
            }
            let t = text(message).unwrap_or_default();
            sys::sqlite3_free(message.cast());
            Err(t)
        }
    }

    /// Opens a value for reading and writing in parts.
    pub(super) fn open_blob(
        self: &Rc<Database>,
        cx: &Ctx,
        place: [&CStr; 3],
        row: i64,
        write: bool,
    ) -> Result<BlobHandle, c_int> {
        let mut ptr = std::ptr::null_mut();
        let db = self.ptr.get();
        let [name, table, column] = place;
        // SAFETY: the texts end with NUL; the handle is closed by `BlobHandle`.
        let rc = running::unlocked(cx, || unsafe {
            sys::sqlite3_blob_open(
                db,
                name.as_ptr(),
                table.as_ptr(),
                column.as_ptr(),
                row,
                c_int::from(write),
                &raw mut ptr,
            )
        });
        if rc == sys::SQLITE_OK { Ok(BlobHandle { ptr: Cell::new(ptr), _db: self.clone() }) } else { Err(rc) }
    }
}

/// A prepared statement.
pub(super) struct Statement {
    ptr: *mut sys::sqlite3_stmt,
    _db: Rc<Database>,
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is finalised once.
        unsafe { sys::sqlite3_finalize(self.ptr) };
    }
}

/// A value of a row.
pub(super) enum Column {
    Null,
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// Bytes of a value; empty where SQLite has none to show.
unsafe fn bytes(p: *const c_void, n: c_int) -> Vec<u8> {
    if p.is_null() || n <= 0 {
        return Vec::new();
    }
    // SAFETY: by the caller's promise `p` shows `n` bytes.
    unsafe { std::slice::from_raw_parts(p as *const u8, n as usize) }.to_vec()
}

impl Statement {
    pub(super) fn step(&self, cx: &Ctx) -> c_int {
        // SAFETY: the statement is live.
        running::unlocked(cx, || unsafe { sys::sqlite3_step(self.ptr) })
    }

    pub(super) fn reset(&self, cx: &Ctx) -> c_int {
        // SAFETY: the statement is live.
        running::unlocked(cx, || unsafe { sys::sqlite3_reset(self.ptr) })
    }

    pub(super) fn is_busy(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { sys::sqlite3_stmt_busy(self.ptr) != 0 }
    }

    pub(super) fn is_read_only(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { sys::sqlite3_stmt_readonly(self.ptr) != 0 }
    }

    pub(super) fn column_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { sys::sqlite3_column_count(self.ptr) as usize }
    }

    /// How many columns the row at hand has; none if there is no row.
    pub(super) fn data_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { sys::sqlite3_data_count(self.ptr) as usize }
    }

    pub(super) fn column_name(&self, i: usize) -> Option<String> {
        // SAFETY: the text is copied before the next call.
        unsafe { text(sys::sqlite3_column_name(self.ptr, i as c_int)) }
    }

    pub(super) fn declared_type(&self, i: usize) -> Option<String> {
        // SAFETY: the text is copied before the next call.
        unsafe { text(sys::sqlite3_column_decltype(self.ptr, i as c_int)) }
    }

    pub(super) fn column(&self, i: usize) -> Column {
        let i = i as c_int;
        // SAFETY: the value is copied before the next call.
        unsafe {
            match sys::sqlite3_column_type(self.ptr, i) {
                sys::SQLITE_NULL => Column::Null,
                sys::SQLITE_INTEGER => Column::Int(sys::sqlite3_column_int64(self.ptr, i)),
                sys::SQLITE_FLOAT => Column::Float(sys::sqlite3_column_double(self.ptr, i)),
                sys::SQLITE_TEXT => {
                    let p = sys::sqlite3_column_text(self.ptr, i);
                    Column::Text(bytes(p.cast(), sys::sqlite3_column_bytes(self.ptr, i)))
                }
                _ => Column::Blob(self.column_blob(i)),
            }
        }
    }

    /// A value as bytes, for converters; nothing for NULL.
    pub(super) fn column_as_bytes(&self, i: usize) -> Option<Vec<u8>> {
        // SAFETY: the statement is live and the value is copied.
        unsafe {
            // An empty blob has no address and counts as nothing.
            if sys::sqlite3_column_blob(self.ptr, i as c_int).is_null() {
                return None;
            }
            Some(self.column_blob(i as c_int))
        }
    }

    fn column_blob(&self, i: c_int) -> Vec<u8> {
        // SAFETY: the value is copied before the next call.
        unsafe {
            let p = sys::sqlite3_column_blob(self.ptr, i);
            bytes(p, sys::sqlite3_column_bytes(self.ptr, i))
        }
    }

    pub(super) fn parameter_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { sys::sqlite3_bind_parameter_count(self.ptr) as usize }
    }

    /// The name of a parameter, counted from 1, with the sign before it.
    pub(super) fn parameter_name(&self, i: usize) -> Option<String> {
        // SAFETY: the text is copied before the next call.
        unsafe { text(sys::sqlite3_bind_parameter_name(self.ptr, i as c_int)) }
    }

    pub(super) fn bind(&self, i: usize, v: &Column) -> c_int {
        let i = i as c_int;
        let copy = sys::SQLITE_TRANSIENT();
        // SAFETY: SQLite copies texts and blobs.
        unsafe {
            match v {
                Column::Null => sys::sqlite3_bind_null(self.ptr, i),
                Column::Int(n) => sys::sqlite3_bind_int64(self.ptr, i, *n),
                Column::Float(f) => sys::sqlite3_bind_double(self.ptr, i, *f),
                Column::Text(t) => {
                    let utf8 = sys::SQLITE_UTF8 as u8;
                    sys::sqlite3_bind_text64(self.ptr, i, t.as_ptr().cast(), t.len() as u64, copy, utf8)
                }
                Column::Blob(b) if b.is_empty() => sys::sqlite3_bind_zeroblob(self.ptr, i, 0),
                Column::Blob(b) => sys::sqlite3_bind_blob64(self.ptr, i, b.as_ptr().cast(), b.len() as u64, copy),
            }
        }
    }
}

/// A value open for reading and writing in parts.
pub(super) struct BlobHandle {
    ptr: Cell<*mut sys::sqlite3_blob>,
    _db: Rc<Database>,
}

impl Drop for BlobHandle {
    fn drop(&mut self) {
        self.close();
    }
}

impl BlobHandle {
    pub(super) fn is_open(&self) -> bool {
        !self.ptr.get().is_null()
    }

    pub(super) fn close(&self) {
        // SAFETY: the pointer is taken out, so it is closed once; null is allowed.
        unsafe { sys::sqlite3_blob_close(self.ptr.replace(std::ptr::null_mut())) };
    }

    pub(super) fn len(&self) -> usize {
        // SAFETY: null has length zero.
        unsafe { sys::sqlite3_blob_bytes(self.ptr.get()) as usize }
    }

    pub(super) fn read(&self, cx: &Ctx, at: usize, n: usize) -> Result<Vec<u8>, c_int> {
        let mut out = vec![0u8; n];
        let p = self.ptr.get();
        // SAFETY: SQLite checks the range and writes `n` bytes.
        let rc = running::unlocked(cx, || unsafe {
            sys::sqlite3_blob_read(p, out.as_mut_ptr().cast(), n as c_int, at as c_int)
        });
        if rc == sys::SQLITE_OK { Ok(out) } else { Err(rc) }
    }

    pub(super) fn write(&self, cx: &Ctx, at: usize, data: &[u8]) -> c_int {
        let p = self.ptr.get();
        // SAFETY: SQLite checks the range and reads the slice.
        running::unlocked(cx, || unsafe {
            sys::sqlite3_blob_write(p, data.as_ptr().cast(), data.len() as c_int, at as c_int)
        })
    }
}

/// A copy of a database in progress.
pub(super) struct Backup<'a> {
    ptr: *mut sys::sqlite3_backup,
    _both: std::marker::PhantomData<&'a Database>,
}

impl<'a> Backup<'a> {
    pub(super) fn start(target: &'a Database, source: &'a Database, name: &CStr) -> Option<Backup<'a>> {
        // SAFETY: both handles are open; the texts end with NUL.
        let ptr = unsafe { sys::sqlite3_backup_init(target.raw(), c"main".as_ptr(), source.raw(), name.as_ptr()) };
        (!ptr.is_null()).then_some(Backup { ptr, _both: std::marker::PhantomData })
    }

    pub(super) fn step(&self, cx: &Ctx, pages: c_int) -> c_int {
        // SAFETY: the backup is live.
        running::unlocked(cx, || unsafe { sys::sqlite3_backup_step(self.ptr, pages) })
    }

    /// Pages left, and pages at all.
    pub(super) fn progress(&self) -> (c_int, c_int) {
        // SAFETY: the backup is live.
        unsafe { (sys::sqlite3_backup_remaining(self.ptr), sys::sqlite3_backup_pagecount(self.ptr)) }
    }

    pub(super) fn finish(self, cx: &Ctx) -> c_int {
        let ptr = self.ptr;
        std::mem::forget(self);
        // SAFETY: finished once.
        running::unlocked(cx, || unsafe { sys::sqlite3_backup_finish(ptr) })
    }
}

impl Drop for Backup<'_> {
    fn drop(&mut self) {
        // SAFETY: finished once.
        unsafe { sys::sqlite3_backup_finish(self.ptr) };
    }
}

/// Waits, without the lock.
pub(super) fn sleep(cx: &Ctx, ms: c_int) {
    // SAFETY: no pointers.
    running::unlocked(cx, || unsafe { sys::sqlite3_sleep(ms) });
}

/// A text for SQLite.
pub(super) fn c_text(s: &str) -> Option<CString> {
    CString::new(s).ok()
}

/// The calling thread.
pub(super) fn thread_id() -> u64 {
    // SAFETY: no arguments, no failure.
    unsafe { libc::pthread_self() as u64 }
}
