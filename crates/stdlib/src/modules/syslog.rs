//! `syslog`: messages to the system log.

use std::ffi::CString;
use std::sync::Mutex;

use cinder_pyobj::codecs::encode_fs;
use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::types::list;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::{add_ints, c_ints, sys};

/// What `openlog` was given: the C library keeps the pointer. Nothing while the log is not open.
static IDENT: Mutex<Option<(bool, Option<CString>)>> = Mutex::new(None);

fn ident_state() -> std::sync::MutexGuard<'static, Option<(bool, Option<CString>)>> {
    IDENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The script's name without its folders, which marks messages by default.
fn script_name(cx: &Ctx) -> PyResult<Option<CString>> {
    let argv = (cx.host().import)(cx, "sys")?.get_attr_opt(cx, intern!("argv"))?;
    let first = argv.as_ref().and_then(list::as_list).and_then(|l| l.get(0));
    let Some(first) = first.filter(|f| f.type_of().is_str_subtype()) else { return Ok(None) };
    let raw = encode_fs(cx, &first)?;
    let base = raw.rsplit(|b| *b == b'/').next().unwrap_or(&raw).to_vec();
    Ok(if base.is_empty() { None } else { CString::new(base).ok() })
}

fn open(cx: &Ctx, ident: Option<CString>, option: i64, facility: i64) -> PyResult<()> {
    let name = match ident {
        Some(i) => Some(i),
        None => script_name(cx)?,
    };
    (cx.host().audit)(
        cx,
        "syslog.openlog",
        &[
            name.as_ref().map_or_else(Obj::none, |n| Obj::from(&*n.to_string_lossy())),
            Obj::from(option),
            Obj::from(facility),
        ],
    )?;
    let mut state = ident_state();
    let p = name.as_ref().map_or(std::ptr::null(), |n| n.as_ptr());
    sys!(libc::openlog(p, option as i32, facility as i32));
    // The old text is dropped only now that the C library has let go of it.
    *state = Some((true, name));
    Ok(())
}

fn level(cx: &Ctx, o: &Obj) -> PyResult<i64> {
    o.to_i64(cx)
}

/// The system log.
#[pymodule(name = "syslog")]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        add_ints(
            cx,
            module,
            c_ints![
                LOG_EMERG LOG_ALERT LOG_CRIT LOG_ERR LOG_WARNING LOG_NOTICE LOG_INFO LOG_DEBUG LOG_PID LOG_CONS LOG_NDELAY
                LOG_ODELAY LOG_NOWAIT LOG_PERROR LOG_KERN LOG_USER LOG_MAIL LOG_DAEMON LOG_AUTH LOG_LPR LOG_LOCAL0 LOG_LOCAL1
                LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 LOG_LOCAL7 LOG_SYSLOG LOG_CRON LOG_UUCP LOG_NEWS
                LOG_AUTHPRIV LOG_FTP
            ],
        )
    }

    /// Sets the name, the options and the facility of messages to come.
    #[pyfunction(sig = "(ident=<unrepresentable>, logoption=0, facility=8)", name = "openlog")]
    fn py_openlog(cx: &Ctx, ident: Option<&Obj>, logoption: i64, facility: i64) -> PyResult<()> {
        let ident = match ident {
            Some(o) if o.type_of().is_str_subtype() => {
                Some(CString::new(encode_fs(cx, o)?).map_err(|_| cx.value_error("embedded null character"))?)
            }
            Some(o) => {
                return Err(
                    cx.type_error(format!("openlog() argument 'ident' must be str, not {}", o.type_of().name()))
                );
            }
            None => None,
        };
        open(cx, ident, logoption, facility)
    }

    /// Sends a message to the system's log, with a priority in front of it or LOG_INFO.
    #[pyfunction(name = "syslog")]
    fn py_syslog(cx: &Ctx, args: Args<'_>) -> PyResult<()> {
        args.no_keywords(cx, "syslog")?;
        let (priority, message) = match args.pos() {
            [m] => (i64::from(libc::LOG_INFO), m),
            [p, m] => (level(cx, p)?, m),
            _ => return Err(cx.type_error("syslog.syslog requires 1 to 2 arguments")),
        };
        if !message.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("argument must be str, not {}", message.type_of().name())));
        }
        let text = CString::new(encode_fs(cx, message)?).map_err(|_| cx.value_error("embedded null character"))?;
        (cx.host().audit)(cx, "syslog.syslog", &[Obj::from(priority), message.clone()])?;
        let opened = ident_state().is_some();
        if !opened {
            open(cx, None, 0, i64::from(libc::LOG_USER))?;
        }
        cx.without_lock(|| sys!(libc::syslog(priority as i32, c"%s".as_ptr(), text.as_ptr())));
        Ok(())
    }

    /// Closes the log and goes back to the options of the start.
    #[pyfunction(sig = "()", name = "closelog")]
    fn py_closelog(cx: &Ctx) -> PyResult<()> {
        (cx.host().audit)(cx, "syslog.closelog", &[])?;
        let mut state = ident_state();
        if state.is_some() {
            sys!(libc::closelog());
            *state = None;
        }
        Ok(())
    }

    /// Says which priorities are logged, a sum of LOG_MASK(); the result is what was said before.
    #[pyfunction(sig = "(maskpri, /)", name = "setlogmask")]
    fn py_setlogmask(cx: &Ctx, maskpri: i64) -> PyResult<i64> {
        (cx.host().audit)(cx, "syslog.setlogmask", &[Obj::from(maskpri)])?;
        Ok(i64::from(sys!(libc::setlogmask(maskpri as i32))))
    }

    /// The bit of one priority for setlogmask().
    #[pyfunction(name = "LOG_MASK", sig = "(pri, /)")]
    fn log_mask(pri: i64) -> i64 {
        1i64.checked_shl(pri as u32).unwrap_or(0)
    }

    /// The bits of all priorities down to this one for setlogmask().
    #[pyfunction(name = "LOG_UPTO", sig = "(pri, /)")]
    fn log_upto(pri: i64) -> i64 {
        1i64.checked_shl(pri as u32 + 1).unwrap_or(0) - 1
    }
}
