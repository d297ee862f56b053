//! Python functions that SQLite calls: functions and aggregates in SQL, collations, and the hooks of a connection.
//!
//! A [`Callback`] is given to SQLite as a pointer; the connection keeps it alive until something else was registered in
//! its place or the database is closed.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use cinder_pyobj::types::bytes::BytesLike;
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::{bytes, exc, float, int, str};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use libsqlite3_sys as sys;

use super::ffi::Database;
use crate::os::running;

/// Whether exceptions of callbacks are shown.
pub(super) static TRACEBACKS: AtomicBool = AtomicBool::new(false);

/// A callable that SQLite knows.
pub(super) struct Callback {
    pub(super) callable: Obj,
}

/// Drops the exception of a callback, or shows it if that was asked for.
fn dispose(cx: &Ctx, r: Raised, callable: &Obj) {
    if TRACEBACKS.load(Ordering::Relaxed) {
        let e = cx.take(r);
        let _ = cx.set_pending(e);
        let shown = format!("Exception ignored on sqlite3 callback {}", shown(cx, callable));
        (cx.host().unraisable)(cx, Some(&shown), None);
    } else {
        drop(cx.take(r));
    }
}

fn shown(cx: &Ctx, callable: &Obj) -> String {
    let pending = cx.take_pending();
    let text = match callable.repr(cx) {
        Ok(r) => str::as_utf8_lossy(&r).into_owned(),
        Err(r) => {
            drop(cx.take(r));
            "?".to_owned()
        }
    };
    if let Some(e) = pending {
        let _ = cx.set_pending(e);
    }
    text
}

/// The arguments of a function as objects.
unsafe fn arguments(cx: &Ctx, n: c_int, values: *mut *mut sys::sqlite3_value) -> PyResult<Vec<Obj>> {
    let mut out = Vec::with_capacity(n as usize);
    for i in 0..n as usize {
        // SAFETY: SQLite passes `n` values, which are valid during the call.
        let v = unsafe {
            let v = *values.add(i);
            let block = |p: *const c_void| -> &[u8] {
                let len = sys::sqlite3_value_bytes(v);
                if p.is_null() || len <= 0 { &[] } else { std::slice::from_raw_parts(p as *const u8, len as usize) }
            };
            match sys::sqlite3_value_type(v) {
                sys::SQLITE_INTEGER => Obj::from(sys::sqlite3_value_int64(v)),
                sys::SQLITE_FLOAT => Obj::from(sys::sqlite3_value_double(v)),
                sys::SQLITE_TEXT => decode(cx, block(sys::sqlite3_value_text(v).cast()))?,
                sys::SQLITE_BLOB => bytes::new(block(sys::sqlite3_value_blob(v))),
                _ => Obj::none(),
            }
        };
        out.push(v);
    }
    Ok(out)
}

/// UTF-8 as a str.
pub(super) fn decode(cx: &Ctx, b: &[u8]) -> PyResult {
    match std::str::from_utf8(b) {
        Ok(s) => Ok(Obj::from(s)),
        Err(_) => cinder_pyobj::codecs::decode(cx, &bytes::new(b), "utf-8", "strict"),
    }
}

/// Gives a function's result to SQLite.
unsafe fn set_result(cx: &Ctx, ctx: *mut sys::sqlite3_context, v: &Obj) -> PyResult<()> {
    let copy = sys::SQLITE_TRANSIENT();
    // SAFETY: the context is valid during the call, and SQLite copies texts and blobs.
    unsafe {
        if v.is_none() {
            sys::sqlite3_result_null(ctx);
        } else if int::is_int(v) {
            match int::as_i64(v) {
                Some(n) => sys::sqlite3_result_int64(ctx, n),
                None => return Err(cx.overflow_error("Python int too large to convert to SQLite INTEGER")),
            }
        } else if let Some(f) = float::as_f64(v) {
            sys::sqlite3_result_double(ctx, f);
        } else if v.downcast::<Str>().is_some() {
            let t = <&str as cinder_pyobj::native::FromObj>::from_obj(cx, v)?;
            sys::sqlite3_result_text64(ctx, t.as_ptr().cast(), t.len() as u64, copy, sys::SQLITE_UTF8 as u8);
        } else if cinder_pyobj::protocol::buffer::Buffer::is_exporter(v) {
            let b = BytesLike::new(cx, v)?.to_vec();
            sys::sqlite3_result_blob64(ctx, b.as_ptr().cast(), b.len() as u64, copy);
        } else {
            return Err(cx.type_error("the result of a function is of an unsupported type"));
        }
    }
    Ok(())
}

/// Reports that Python code failed.
unsafe fn fail(cx: &Ctx, ctx: *mut sys::sqlite3_context, r: Raised, message: &str, callable: &Obj) {
    // SAFETY: the context is valid during the call, and SQLite copies the message.
    unsafe {
        if cx.pending_is(exc::MemoryError()) {
            sys::sqlite3_result_error_nomem(ctx);
        } else if cx.pending_is(exc::OverflowError()) {
            sys::sqlite3_result_error_toobig(ctx);
        } else {
            sys::sqlite3_result_error(ctx, message.as_ptr().cast(), message.len() as c_int);
        }
    }
    dispose(cx, r, callable);
}

/// The callback behind a pointer that was registered.
unsafe fn callable(p: *mut c_void) -> Obj {
    // SAFETY: the connection keeps what it registered alive.
    unsafe { (*(p as *const Callback)).callable.clone() }
}

unsafe extern "C" fn call_function(ctx: *mut sys::sqlite3_context, n: c_int, values: *mut *mut sys::sqlite3_value) {
    running::locked(|cx| {
        // SAFETY: SQLite calls with valid arguments.
        unsafe {
            let f = callable(sys::sqlite3_user_data(ctx));
            let r = arguments(cx, n, values).and_then(|a| f.call_pos(cx, &a)).and_then(|v| set_result(cx, ctx, &v));
            if let Err(r) = r {
                fail(cx, ctx, r, "user-defined function raised exception", &f);
            }
        }
    });
}

/// The place of an aggregate's instance; null if there is none and `make` is false.
unsafe fn instance(ctx: *mut sys::sqlite3_context, make: bool) -> *mut *mut Obj {
    let size = if make { size_of::<*mut Obj>() as c_int } else { 0 };
    // SAFETY: SQLite zeroes the block, and returns null for none.
    unsafe { sys::sqlite3_aggregate_context(ctx, size) as *mut *mut Obj }
}

/// Calls a method of an aggregate's instance. Without one, nothing happens.
unsafe fn call_method(ctx: *mut sys::sqlite3_context, name: &str, args: Option<(c_int, *mut *mut sys::sqlite3_value)>) {
    running::locked(|cx| {
        // SAFETY: SQLite calls with valid arguments; the block holds null or a boxed object.
        unsafe {
            let class = callable(sys::sqlite3_user_data(ctx));
            let place = instance(ctx, args.is_some());
            if place.is_null() {
                return;
            }
            if (*place).is_null() {
                if args.is_none() {
                    return;
                }
                match class.call0(cx) {
                    Ok(o) => *place = Box::into_raw(Box::new(o)),
                    Err(r) => {
                        return fail(cx, ctx, r, "user-defined aggregate's '__init__' method raised error", &class);
                    }
                }
            }
            let this = (**place).clone();
            let method = match this.get_attr(cx, Name::new(name)) {
                Ok(m) => m,
                Err(r) => {
                    let message = format!("user-defined aggregate's '{name}' method not defined");
                    return fail(cx, ctx, r, &message, &class);
                }
            };
            let r = match args {
                Some((n, values)) => arguments(cx, n, values).and_then(|a| method.call_pos(cx, &a)).map(drop),
                None => method.call0(cx).and_then(|v| set_result(cx, ctx, &v)),
            };
            if let Err(r) = r {
                fail(cx, ctx, r, &format!("user-defined aggregate's '{name}' method raised error"), &method);
            }
        }
    });
}

unsafe extern "C" fn step(ctx: *mut sys::sqlite3_context, n: c_int, values: *mut *mut sys::sqlite3_value) {
    // SAFETY: SQLite calls with valid arguments.
    unsafe { call_method(ctx, "step", Some((n, values))) }
}

unsafe extern "C" fn inverse(ctx: *mut sys::sqlite3_context, n: c_int, values: *mut *mut sys::sqlite3_value) {
    // SAFETY: SQLite calls with valid arguments.
    unsafe { call_method(ctx, "inverse", Some((n, values))) }
}

unsafe extern "C" fn value(ctx: *mut sys::sqlite3_context) {
    // SAFETY: SQLite calls with valid arguments.
    unsafe { call_method(ctx, "value", None) }
}

unsafe extern "C" fn finish(ctx: *mut sys::sqlite3_context) {
    // SAFETY: SQLite calls with valid arguments, once for each aggregate; the instance is dropped under the lock.
    unsafe {
        call_method(ctx, "finalize", None);
        let place = instance(ctx, false);
        if !place.is_null() && !(*place).is_null() {
            let o = Box::from_raw(std::mem::replace(&mut *place, std::ptr::null_mut()));
            running::locked(|_| drop(o));
        }
    }
}

/// What [`register`] makes of a callable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function { deterministic: bool },
    Aggregate,
    Window,
}

/// Registers a function of SQL, or removes it.
pub(super) fn register(db: &Database, name: &CStr, args: c_int, kind: Kind, f: Option<&Callback>) -> c_int {
    let data = f.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c) as *mut c_void);
    let on = f.is_some();
    let utf8 = sys::SQLITE_UTF8;
    // SAFETY: the callback is kept alive by the connection while it is registered.
    unsafe {
        match kind {
            Kind::Function { deterministic } => {
                let flags = utf8 | if deterministic { sys::SQLITE_DETERMINISTIC } else { 0 };
                let call = on.then_some(call_function as unsafe extern "C" fn(_, _, _));
                sys::sqlite3_create_function_v2(db.raw(), name.as_ptr(), args, flags, data, call, None, None, None)
            }
            Kind::Aggregate => {
                let step = on.then_some(step as unsafe extern "C" fn(_, _, _));
                let finish = on.then_some(finish as unsafe extern "C" fn(_));
                sys::sqlite3_create_function_v2(db.raw(), name.as_ptr(), args, utf8, data, None, step, finish, None)
            }
            Kind::Window => {
                let step = on.then_some(step as unsafe extern "C" fn(_, _, _));
                let finish = on.then_some(finish as unsafe extern "C" fn(_));
                let value = on.then_some(value as unsafe extern "C" fn(_));
                let inverse = on.then_some(inverse as unsafe extern "C" fn(_, _, _));
                sys::sqlite3_create_window_function(
                    db.raw(),
                    name.as_ptr(),
                    args,
                    utf8,
                    data,
                    step,
                    finish,
                    value,
                    inverse,
                    None,
                )
            }
        }
    }
}

unsafe extern "C" fn collate(data: *mut c_void, n1: c_int, t1: *const c_void, n2: c_int, t2: *const c_void) -> c_int {
    running::locked(|cx| {
        // SAFETY: SQLite calls with two texts of these lengths.
        let (f, a, b) = unsafe {
            let block = |p: *const c_void, n: c_int| -> &[u8] {
                if p.is_null() || n <= 0 { &[] } else { std::slice::from_raw_parts(p as *const u8, n as usize) }
            };
            (callable(data), block(t1, n1), block(t2, n2))
        };
        let r = decode(cx, a).and_then(|a| Ok((a, decode(cx, b)?))).and_then(|(a, b)| f.call_pos(cx, &[a, b]));
        match r.and_then(|v| v.to_i64(cx)) {
            Ok(n) => n.signum() as c_int,
            Err(r) => {
                dispose(cx, r, &f);
                0
            }
        }
    })
    .unwrap_or(0)
}

/// Registers a collation, or removes it.
pub(super) fn register_collation(db: &Database, name: &CStr, f: Option<&Callback>) -> c_int {
    let data = f.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c) as *mut c_void);
    let compare = f.map(|_| collate as unsafe extern "C" fn(_, _, _, _, _) -> _);
    // SAFETY: the callback is kept alive by the connection while it is registered.
    unsafe { sys::sqlite3_create_collation_v2(db.raw(), name.as_ptr(), sys::SQLITE_UTF8, data, compare, None) }
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    a: *const c_char,
    b: *const c_char,
    database: *const c_char,
    source: *const c_char,
) -> c_int {
    running::locked(|cx| {
        // SAFETY: SQLite calls with texts or null.
        let (f, texts) = unsafe {
            let text = |p: *const c_char| match p.is_null() {
                true => Ok(Obj::none()),
                false => decode(cx, CStr::from_ptr(p).to_bytes()),
            };
            (callable(data), [text(a), text(b), text(database), text(source)])
        };
        let mut args = vec![Obj::from(action)];
        let mut failed = None;
        for t in texts {
            match t {
                Ok(t) => args.push(t),
                Err(r) => failed = Some(r),
            }
        }
        let r = match failed {
            Some(r) => Err(r),
            None => f.call_pos(cx, &args),
        };
        let too_large = || cx.overflow_error("Python int too large to convert to C int");
        let answer = r.and_then(|v| match int::is_int(&v) {
            true => int::as_i64(&v).and_then(|n| c_int::try_from(n).ok()).ok_or_else(too_large),
            false => Ok(sys::SQLITE_DENY),
        });
        match answer {
            Ok(n) => n,
            Err(r) => {
                dispose(cx, r, &f);
                sys::SQLITE_DENY
            }
        }
    })
    .unwrap_or(sys::SQLITE_DENY)
}

/// Sets or removes the authorizer.
pub(super) fn set_authorizer(db: &Database, f: Option<&Callback>) -> c_int {
    let data = f.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c) as *mut c_void);
    let call = f.map(|_| authorize as unsafe extern "C" fn(_, _, _, _, _, _) -> _);
    // SAFETY: the callback is kept alive by the connection while it is registered.
    unsafe { sys::sqlite3_set_authorizer(db.raw(), call, data) }
}

unsafe extern "C" fn progress(data: *mut c_void) -> c_int {
    running::locked(|cx| {
        // SAFETY: the connection keeps what it registered alive.
        let f = unsafe { callable(data) };
        match f.call0(cx).and_then(|v| v.truthy(cx)) {
            Ok(stop) => c_int::from(stop),
            Err(r) => {
                dispose(cx, r, &f);
                1
            }
        }
    })
    .unwrap_or(0)
}

/// Sets or removes what is called every `n` instructions of SQLite.
pub(super) fn set_progress_handler(db: &Database, n: c_int, f: Option<&Callback>) {
    let data = f.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c) as *mut c_void);
    let call = f.map(|_| progress as unsafe extern "C" fn(_) -> _);
    // SAFETY: the callback is kept alive by the connection while it is registered.
    unsafe { sys::sqlite3_progress_handler(db.raw(), n, call, data) }
}

unsafe extern "C" fn trace(_: c_uint, data: *mut c_void, statement: *mut c_void, sql: *mut c_void) -> c_int {
    running::locked(|cx| {
        // SAFETY: for this event SQLite passes the statement and its text.
        let (f, text) = unsafe {
            let f = callable(data);
            let expanded = sys::sqlite3_expanded_sql(statement as *mut sys::sqlite3_stmt);
            let text = if expanded.is_null() {
                let r = super::errors::data(cx, "Expanded SQL string exceeds the maximum string length");
                dispose(cx, r, &f);
                decode(cx, CStr::from_ptr(sql as *const c_char).to_bytes())
            } else {
                let t = decode(cx, CStr::from_ptr(expanded).to_bytes());
                sys::sqlite3_free(expanded.cast());
                t
            };
            (f, text)
        };
        if let Err(r) = text.and_then(|t| f.call1(cx, &t)) {
            dispose(cx, r, &f);
        }
    });
    0
}

/// Sets or removes what is called with each statement that runs.
pub(super) fn set_trace(db: &Database, f: Option<&Callback>) -> c_int {
    let data = f.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c) as *mut c_void);
    let mask = if f.is_some() { sys::SQLITE_TRACE_STMT as c_uint } else { 0 };
    let call = f.map(|_| trace as unsafe extern "C" fn(_, _, _, _) -> _);
    // SAFETY: the callback is kept alive by the connection while it is registered.
    unsafe { sys::sqlite3_trace_v2(db.raw(), mask, call, data) }
}

/// Whether an object can be called; TypeError otherwise.
pub(super) fn expect_callable(cx: &Ctx, o: &Obj) -> PyResult<()> {
    if o.is_callable() { Ok(()) } else { Err(cx.type_error("parameter must be callable")) }
}

/// The attribute by which objects adapt themselves.
pub(super) fn conform() -> Name {
    intern!("__conform__")
}
