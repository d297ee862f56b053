//! `SSLSession`: what two ends agreed on, to be resumed by another connection.

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{CmpOp, bytes};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::context::SslContext;
use super::ffi::{self, Owned, Session};
use crate::os::sys;

/// A session of a TLS connection.
#[pyclass(name = "SSLSession", module = "_ssl", flags(no_new))]
#[derive(cinder_pyobj::heap::Traverse)]
pub(crate) struct SslSession {
    session: Kept,
    /// The context of the connection: only connections of the same one may resume it.
    context: Obj,
}

struct Kept(Owned<Session>);

impl Traverse for Kept {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

pub(super) fn new(session: Owned<Session>, context: Obj) -> Obj {
    new_instance(SslSession::type_object(), SslSession { session: Kept(session), context })
}

/// A copy of a session; nothing if memory ended.
pub(super) fn copy(session: *const Session) -> Option<Owned<Session>> {
    Owned::new(sys!(ffi::SSL_SESSION_dup(session)))
}

impl SslSession {
    fn ptr(&self) -> *mut Session {
        self.session.0.ptr()
    }

    /// Whether the session was made with a context.
    pub(super) fn is_of(&self, context: This<'_, SslContext>) -> bool {
        self.context.downcast::<SslContext>().is_some_and(|c| c.is_same_as(context.payload()))
    }

    /// The session for another connection: a copy, since a connection changes the one that it resumes.
    pub(super) fn copied(&self) -> Option<Owned<Session>> {
        copy(self.ptr())
    }

    fn id_bytes(&self) -> &[u8] {
        let mut n = 0;
        let p = sys!(ffi::SSL_SESSION_get_id(self.ptr(), &mut n));
        if p.is_null() { &[] } else { sys!(std::slice::from_raw_parts(p, n as usize)) }
    }
}

#[pymethods]
impl SslSession {
    fn __richcmp__(_cx: &Ctx, this: This<'_, SslSession>, other: &Obj, op: CmpOp) -> Obj {
        let Some(other) = other.downcast::<SslSession>() else { return Obj::not_implemented() };
        let same = this.id_bytes() == other.id_bytes();
        match op {
            CmpOp::Eq => Obj::from_bool(same),
            CmpOp::Ne => Obj::from_bool(!same),
            _ => Obj::not_implemented(),
        }
    }

    /// Whether the session can be resumed by a ticket.
    #[pygetter]
    fn has_ticket(_cx: &Ctx, this: This<'_, SslSession>) -> bool {
        sys!(ffi::SSL_SESSION_has_ticket(this.ptr())) != 0
    }

    /// The session's identifier.
    #[pygetter]
    fn id(_cx: &Ctx, this: This<'_, SslSession>) -> Obj {
        bytes::new(this.id_bytes())
    }

    /// For how many seconds the server means to keep the ticket.
    #[pygetter]
    fn ticket_lifetime_hint(_cx: &Ctx, this: This<'_, SslSession>) -> u64 {
        sys!(ffi::SSL_SESSION_get_ticket_lifetime_hint(this.ptr()))
    }

    /// When the session was made, in seconds of Unix time.
    #[pygetter]
    fn time(_cx: &Ctx, this: This<'_, SslSession>) -> i64 {
        sys!(ffi::SSL_SESSION_get_time_ex(this.ptr()))
    }

    /// For how many seconds the session can be used.
    #[pygetter]
    fn timeout(_cx: &Ctx, this: This<'_, SslSession>) -> i64 {
        sys!(ffi::SSL_SESSION_get_timeout(this.ptr()))
    }
}

/// A session argument: the object, TypeError if it is another kind.
pub(super) fn argument<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<This<'a, SslSession>> {
    This::from_obj(o).ok_or_else(|| cx.type_error("Value is not a SSLSession."))
}
