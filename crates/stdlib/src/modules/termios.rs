//! `termios`: control of terminals.

use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::{bytes, exc, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use crate::os::args::file_descriptor;
use crate::os::{add_ints, errno, sys, zeroed};

/// The numbers are those of Linux.
#[rustfmt::skip]
const CONSTANTS: &[(&str, i64)] = &[
    ("B0", 0), ("B1000000", 1000000), ("B110", 110), ("B115200", 115200), ("B1152000", 1152000), ("B1200", 1200),
    ("B134", 134), ("B14400", 14400), ("B150", 150), ("B1500000", 1500000), ("B1800", 1800), ("B19200", 19200),
    ("B200", 200), ("B2000000", 2000000), ("B230400", 230400), ("B2400", 2400), ("B2500000", 2500000),
    ("B28800", 28800), ("B300", 300), ("B3000000", 3000000), ("B3500000", 3500000), ("B38400", 38400),
    ("B4000000", 4000000), ("B460800", 460800), ("B4800", 4800), ("B50", 50), ("B500000", 500000),
    ("B57600", 57600), ("B576000", 576000), ("B600", 600), ("B7200", 7200), ("B75", 75), ("B76800", 76800),
    ("B921600", 921600), ("B9600", 9600), ("BRKINT", 2), ("BS0", 0), ("BS1", 8192), ("BSDLY", 8192),
    ("CBAUD", 4111), ("CBAUDEX", 4096), ("CDSUSP", 25), ("CEOF", 4), ("CEOL", 0), ("CEOT", 4), ("CERASE", 127),
    ("CFLUSH", 15), ("CIBAUD", 269418496), ("CINTR", 3), ("CKILL", 21), ("CLNEXT", 22), ("CLOCAL", 2048),
    ("CQUIT", 28), ("CR0", 0), ("CR1", 512), ("CR2", 1024), ("CR3", 1536), ("CRDLY", 1536), ("CREAD", 128),
    ("CRPRNT", 18), ("CRTSCTS", 2147483648), ("CS5", 0), ("CS6", 16), ("CS7", 32), ("CS8", 48), ("CSIZE", 48),
    ("CSTART", 17), ("CSTOP", 19), ("CSTOPB", 64), ("CSUSP", 26), ("CWERASE", 23), ("ECHO", 8), ("ECHOCTL", 512),
    ("ECHOE", 16), ("ECHOK", 32), ("ECHOKE", 2048), ("ECHONL", 64), ("ECHOPRT", 1024), ("EXTA", 19200),
    ("EXTB", 38400), ("EXTPROC", 65536), ("FF0", 0), ("FF1", 32768), ("FFDLY", 32768), ("FIOASYNC", 21586),
    ("FIOCLEX", 21585), ("FIONBIO", 21537), ("FIONCLEX", 21584), ("FIONREAD", 21531), ("FLUSHO", 4096),
    ("HUPCL", 1024), ("IBSHIFT", 16), ("ICANON", 2), ("ICRNL", 256), ("IEXTEN", 32768), ("IGNBRK", 1),
    ("IGNCR", 128), ("IGNPAR", 4), ("IMAXBEL", 8192), ("INLCR", 64), ("INPCK", 16), ("IOCSIZE_MASK", 1073676288),
    ("IOCSIZE_SHIFT", 16), ("ISIG", 1), ("ISTRIP", 32), ("IUCLC", 512), ("IUTF8", 16384), ("IXANY", 2048),
    ("IXOFF", 4096), ("IXON", 1024), ("NCCS", 32), ("NL0", 0), ("NL1", 256), ("NLDLY", 256), ("NOFLSH", 128),
    ("N_MOUSE", 2), ("N_PPP", 3), ("N_SLIP", 1), ("N_STRIP", 4), ("N_TTY", 0), ("OCRNL", 8), ("OFDEL", 128),
    ("OFILL", 64), ("OLCUC", 2), ("ONLCR", 4), ("ONLRET", 32), ("ONOCR", 16), ("OPOST", 1), ("PARENB", 256),
    ("PARMRK", 8), ("PARODD", 512), ("PENDIN", 16384), ("TAB0", 0), ("TAB1", 2048), ("TAB2", 4096), ("TAB3", 6144),
    ("TABDLY", 6144), ("TCFLSH", 21515), ("TCGETS", 21505), ("TCIFLUSH", 0), ("TCIOFF", 2), ("TCIOFLUSH", 2),
    ("TCION", 3), ("TCOFLUSH", 1), ("TCOOFF", 0), ("TCOON", 1), ("TCSADRAIN", 1), ("TCSAFLUSH", 2), ("TCSANOW", 0),
    ("TCSBRK", 21513), ("TCSBRKP", 21541), ("TCSETS", 21506), ("TCSETSF", 21508), ("TCSETSW", 21507),
    ("TCXONC", 21514), ("TIOCCONS", 21533), ("TIOCEXCL", 21516), ("TIOCGETD", 21540), ("TIOCGICOUNT", 21597),
    ("TIOCGLCKTRMIOS", 21590), ("TIOCGPGRP", 21519), ("TIOCGSERIAL", 21534), ("TIOCGSOFTCAR", 21529),
    ("TIOCGWINSZ", 21523), ("TIOCINQ", 21531), ("TIOCLINUX", 21532), ("TIOCMBIC", 21527), ("TIOCMBIS", 21526),
    ("TIOCMGET", 21525), ("TIOCMIWAIT", 21596), ("TIOCMSET", 21528), ("TIOCM_CAR", 64), ("TIOCM_CD", 64),
    ("TIOCM_CTS", 32), ("TIOCM_DSR", 256), ("TIOCM_DTR", 2), ("TIOCM_LE", 1), ("TIOCM_RI", 128), ("TIOCM_RNG", 128),
    ("TIOCM_RTS", 4), ("TIOCM_SR", 16), ("TIOCM_ST", 8), ("TIOCNOTTY", 21538), ("TIOCNXCL", 21517),
    ("TIOCOUTQ", 21521), ("TIOCPKT", 21536), ("TIOCPKT_DATA", 0), ("TIOCPKT_DOSTOP", 32), ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_FLUSHWRITE", 2), ("TIOCPKT_NOSTOP", 16), ("TIOCPKT_START", 8), ("TIOCPKT_STOP", 4),
    ("TIOCSCTTY", 21518), ("TIOCSERCONFIG", 21587), ("TIOCSERGETLSR", 21593), ("TIOCSERGETMULTI", 21594),
    ("TIOCSERGSTRUCT", 21592), ("TIOCSERGWILD", 21588), ("TIOCSERSETMULTI", 21595), ("TIOCSERSWILD", 21589),
    ("TIOCSER_TEMT", 1), ("TIOCSETD", 21539), ("TIOCSLCKTRMIOS", 21591), ("TIOCSPGRP", 21520),
    ("TIOCSSERIAL", 21535), ("TIOCSSOFTCAR", 21530), ("TIOCSTI", 21522), ("TIOCSWINSZ", 21524), ("TOSTOP", 256),
    ("VDISCARD", 13), ("VEOF", 4), ("VEOL", 11), ("VEOL2", 16), ("VERASE", 2), ("VINTR", 0), ("VKILL", 3),
    ("VLNEXT", 15), ("VMIN", 6), ("VQUIT", 1), ("VREPRINT", 12), ("VSTART", 8), ("VSTOP", 9), ("VSUSP", 10),
    ("VSWTC", 7), ("VSWTCH", 7), ("VT0", 0), ("VT1", 16384), ("VTDLY", 16384), ("VTIME", 5), ("VWERASE", 14),
    ("XCASE", 4), ("XTABS", 6144), ("_POSIX_VDISABLE", 0),
];

/// A terminal refused an operation.
#[pyclass(name = "error", module = "termios", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub struct TermiosError;

fn fail(cx: &Ctx) -> Raised {
    let e = errno();
    cx.raise_args(TermiosError::type_object(), &[Obj::from(e), Obj::from(exc::strerror(e))])
}

fn done(cx: &Ctx, r: i32) -> PyResult<()> {
    if r < 0 { Err(fail(cx)) } else { Ok(()) }
}

/// Runs a call without the lock; the error number survives.
fn unlocked(cx: &Ctx, f: impl FnOnce() -> i32) -> PyResult<()> {
    let (r, e) = cx.without_lock(|| (f(), errno()));
    if r < 0 {
        return Err(cx.raise_args(TermiosError::type_object(), &[Obj::from(e), Obj::from(exc::strerror(e))]));
    }
    Ok(())
}

fn flag(cx: &Ctx, o: &Obj) -> PyResult<u32> {
    match int::as_i64(&o.index(cx)?) {
        Some(n) => Ok(n as u32),
        None => Err(cx.overflow_error("Python int too large to convert to C long")),
    }
}

/// Control of terminals: settings, modes and sizes.
#[pymodule(name = "termios")]
pub(crate) mod termios {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        add_ints(cx, module, CONSTANTS)?;
        module.set_attr(cx, intern!("error"), &TermiosError::type_object().as_obj())
    }

    /// The settings of a terminal: [iflag, oflag, cflag, lflag, ispeed, ospeed, control characters].
    #[pyfunction(sig = "(fd, /)")]
    fn tcgetattr(cx: &Ctx, fd: &Obj) -> PyResult {
        let fd = file_descriptor(cx, fd)?;
        let mut t = zeroed!(libc::termios);
        done(cx, sys!(libc::tcgetattr(fd, &mut t)))?;
        let raw = t.c_lflag & libc::ICANON == 0;
        let chars = t.c_cc.iter().enumerate().map(|(i, c)| {
            // Without line editing these two are numbers, not characters.
            if raw && (i == libc::VMIN || i == libc::VTIME) { Obj::from(i64::from(*c)) } else { bytes::new(&[*c]) }
        });
        let chars = list::new(chars.collect());
        let (ispeed, ospeed) = (sys!(libc::cfgetispeed(&t)), sys!(libc::cfgetospeed(&t)));
        let mut v: Vec<Obj> = [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, ispeed, ospeed].map(Obj::from).to_vec();
        v.push(chars);
        Ok(list::new(v))
    }

    /// Sets the settings of a terminal, in the form that tcgetattr() gives.
    #[pyfunction(sig = "(fd, when, attributes, /)")]
    fn tcsetattr(cx: &Ctx, fd: &Obj, when: i32, attributes: &Obj) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        let wrong = || cx.type_error("tcsetattr, arg 3: must be 7 element list");
        if list::as_list(attributes).is_none() {
            return Err(wrong());
        }
        let items = attributes.collect(cx)?;
        let [iflag, oflag, cflag, lflag, ispeed, ospeed, chars] = &items[..] else { return Err(wrong()) };
        let mut t = zeroed!(libc::termios);
        done(cx, sys!(libc::tcgetattr(fd, &mut t)))?;
        t.c_iflag = flag(cx, iflag)?;
        t.c_oflag = flag(cx, oflag)?;
        t.c_cflag = flag(cx, cflag)?;
        t.c_lflag = flag(cx, lflag)?;
        let (ispeed, ospeed) = (flag(cx, ispeed)?, flag(cx, ospeed)?);
        let chars = if list::as_list(chars).is_some() { chars.collect(cx)? } else { Vec::new() };
        if chars.len() != t.c_cc.len() {
            return Err(cx.type_error(format!("tcsetattr: attributes[6] must be {} element list", t.c_cc.len())));
        }
        for (slot, c) in t.c_cc.iter_mut().zip(&chars) {
            *slot = match (bytes::as_bytes(c), int::as_i64(c)) {
                (Some([b]), _) => *b,
                (None, Some(n)) => n as u8,
                _ => {
                    return Err(cx.type_error(
                        "tcsetattr: elements of attributes must be bytes objects of length 1 or integers",
                    ));
                }
            };
        }
        done(cx, sys!(libc::cfsetispeed(&mut t, ispeed)))?;
        done(cx, sys!(libc::cfsetospeed(&mut t, ospeed)))?;
        unlocked(cx, || sys!(libc::tcsetattr(fd, when, &t)))
    }

    /// Sends a break.
    #[pyfunction(sig = "(fd, duration, /)")]
    fn tcsendbreak(cx: &Ctx, fd: &Obj, duration: i32) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        unlocked(cx, || sys!(libc::tcsendbreak(fd, duration)))
    }

    /// Waits until all output has been sent.
    #[pyfunction(sig = "(fd, /)")]
    fn tcdrain(cx: &Ctx, fd: &Obj) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        unlocked(cx, || sys!(libc::tcdrain(fd)))
    }

    /// Discards data that waits.
    #[pyfunction(sig = "(fd, queue, /)")]
    fn tcflush(cx: &Ctx, fd: &Obj, queue: i32) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        unlocked(cx, || sys!(libc::tcflush(fd, queue)))
    }

    /// Stops or continues input or output.
    #[pyfunction(sig = "(fd, action, /)")]
    fn tcflow(cx: &Ctx, fd: &Obj, action: i32) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        unlocked(cx, || sys!(libc::tcflow(fd, action)))
    }

    /// The size of a terminal window: (rows, columns).
    #[pyfunction(sig = "(fd, /)")]
    fn tcgetwinsize(cx: &Ctx, fd: &Obj) -> PyResult {
        let fd = file_descriptor(cx, fd)?;
        let mut w = zeroed!(libc::winsize);
        done(cx, sys!(libc::ioctl(fd, libc::TIOCGWINSZ, &mut w)))?;
        Ok(tuple::new(vec![Obj::from(i64::from(w.ws_row)), Obj::from(i64::from(w.ws_col))]))
    }

    /// Sets the size of a terminal window: (rows, columns).
    #[pyfunction(sig = "(fd, winsize, /)")]
    fn tcsetwinsize(cx: &Ctx, fd: &Obj, winsize: &Obj) -> PyResult<()> {
        let fd = file_descriptor(cx, fd)?;
        let items = winsize.collect(cx)?;
        let [rows, columns] = &items[..] else {
            return Err(cx.type_error("tcsetwinsize, arg 2: must be a two-item sequence"));
        };
        let size = |o: &Obj| -> PyResult<u16> {
            u16::try_from(o.to_i64(cx)?).map_err(|_| cx.overflow_error("winsize value(s) out of range."))
        };
        let (rows, columns) = (size(rows)?, size(columns)?);
        let mut w = zeroed!(libc::winsize);
        done(cx, sys!(libc::ioctl(fd, libc::TIOCGWINSZ, &mut w)))?;
        (w.ws_row, w.ws_col) = (rows, columns);
        done(cx, sys!(libc::ioctl(fd, libc::TIOCSWINSZ, &w)))
    }
}
