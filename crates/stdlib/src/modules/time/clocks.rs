//! Clocks and sleeping.

use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::types::int;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::convert::{Round, from_timespec, seconds_to_ns, to_seconds, to_timespec};
use crate::os::{check, sys, zeroed};

fn read(cx: &Ctx, clock: i32) -> PyResult<i128> {
    let mut t = zeroed!(libc::timespec);
    check(cx, sys!(libc::clock_gettime(clock, &mut t)))?;
    Ok(from_timespec(&t))
}

fn ns(cx: &Ctx, clock: i32) -> PyResult {
    read(cx, clock).map(int::from_i128)
}

fn seconds(cx: &Ctx, clock: i32) -> PyResult<f64> {
    read(cx, clock).map(to_seconds)
}

#[pymodule(part, name = "time")]
pub(crate) mod clocks {
    use super::*;

    /// Seconds since the epoch.
    #[pyfunction]
    fn time(cx: &Ctx) -> PyResult<f64> {
        seconds(cx, libc::CLOCK_REALTIME)
    }

    /// Nanoseconds since the epoch.
    #[pyfunction]
    fn time_ns(cx: &Ctx) -> PyResult {
        ns(cx, libc::CLOCK_REALTIME)
    }

    /// Seconds on a clock that never goes backwards.
    #[pyfunction]
    fn monotonic(cx: &Ctx) -> PyResult<f64> {
        seconds(cx, libc::CLOCK_MONOTONIC)
    }

    /// Nanoseconds on a clock that never goes backwards.
    #[pyfunction]
    fn monotonic_ns(cx: &Ctx) -> PyResult {
        ns(cx, libc::CLOCK_MONOTONIC)
    }

    /// Seconds on the most precise clock for short durations.
    #[pyfunction]
    fn perf_counter(cx: &Ctx) -> PyResult<f64> {
        seconds(cx, libc::CLOCK_MONOTONIC)
    }

    /// Nanoseconds on the most precise clock for short durations.
    #[pyfunction]
    fn perf_counter_ns(cx: &Ctx) -> PyResult {
        ns(cx, libc::CLOCK_MONOTONIC)
    }

    /// Seconds of processor time that the process took.
    #[pyfunction]
    fn process_time(cx: &Ctx) -> PyResult<f64> {
        seconds(cx, libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    /// Nanoseconds of processor time that the process took.
    #[pyfunction]
    fn process_time_ns(cx: &Ctx) -> PyResult {
        ns(cx, libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    /// Seconds of processor time that the thread took.
    #[pyfunction]
    fn thread_time(cx: &Ctx) -> PyResult<f64> {
        seconds(cx, libc::CLOCK_THREAD_CPUTIME_ID)
    }

    /// Nanoseconds of processor time that the thread took.
    #[pyfunction]
    fn thread_time_ns(cx: &Ctx) -> PyResult {
        ns(cx, libc::CLOCK_THREAD_CPUTIME_ID)
    }

    /// Seconds on a clock of the system.
    #[pyfunction(sig = "(clk_id, /)")]
    fn clock_gettime(cx: &Ctx, clk_id: i32) -> PyResult<f64> {
        seconds(cx, clk_id)
    }

    /// Nanoseconds on a clock of the system.
    #[pyfunction(sig = "(clk_id, /)")]
    fn clock_gettime_ns(cx: &Ctx, clk_id: i32) -> PyResult {
        ns(cx, clk_id)
    }

    /// The resolution of a clock in seconds.
    #[pyfunction(sig = "(clk_id, /)")]
    fn clock_getres(cx: &Ctx, clk_id: i32) -> PyResult<f64> {
        let mut t = zeroed!(libc::timespec);
        check(cx, sys!(libc::clock_getres(clk_id, &mut t)))?;
        Ok(to_seconds(from_timespec(&t)))
    }

    fn set(cx: &Ctx, clock: i32, ns: i128) -> PyResult<()> {
        let t = to_timespec(cx, ns)?;
        check(cx, sys!(libc::clock_settime(clock, &t))).map(|_| ())
    }

    /// Sets a clock, in seconds.
    #[pyfunction(sig = "(clk_id, time, /)")]
    fn clock_settime(cx: &Ctx, clk_id: i32, time: &Obj) -> PyResult<()> {
        set(cx, clk_id, seconds_to_ns(cx, time, Round::Floor)?)
    }

    /// Sets a clock, in nanoseconds.
    #[pyfunction(sig = "(clk_id, time, /)")]
    fn clock_settime_ns(cx: &Ctx, clk_id: i32, time: &Obj) -> PyResult<()> {
        set(cx, clk_id, time.to_i64(cx)?.into())
    }

    /// The processor clock of a thread, given by its id.
    #[pyfunction(sig = "(thread_id, /)")]
    fn pthread_getcpuclockid(cx: &Ctx, thread_id: u64) -> PyResult<i32> {
        let mut clock = 0;
        match sys!(libc::pthread_getcpuclockid(thread_id as libc::pthread_t, &mut clock)) {
            0 => Ok(clock),
            e => Err(cx.os_error(e)),
        }
    }

    /// What is known of a clock: a namespace with implementation, monotonic, adjustable and resolution.
    #[pyfunction(sig = "(name, /)")]
    fn get_clock_info(cx: &Ctx, name: &str) -> PyResult {
        let (clock, constant, adjustable) = match name {
            "time" => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", true),
            "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", false),
            "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", false),
            "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", false),
            _ => return Err(cx.value_error("unknown clock")),
        };
        let namespace = (cx.host().import)(cx, "types")?.get_attr(cx, intern!("SimpleNamespace"))?;
        let values = [
            Obj::from(format!("clock_gettime({constant})")),
            Obj::from_bool(!adjustable),
            Obj::from_bool(adjustable),
            Obj::from(clock_getres(cx, clock)?),
        ];
        let names = ["implementation", "monotonic", "adjustable", "resolution"].map(Obj::from);
        namespace.call(cx, Args::new(&values, &names))
    }

    /// Waits for a number of seconds.
    #[pyfunction(sig = "(seconds, /)")]
    fn sleep(cx: &Ctx, seconds: &Obj) -> PyResult<()> {
        cx.audit("time.sleep", || [seconds.clone()])?;
        let wait = seconds_to_ns(cx, seconds, Round::Ceiling)?;
        if wait < 0 {
            return Err(cx.value_error("sleep length must be non-negative"));
        }
        if wait > i128::from(i64::MAX) {
            return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
        }
        // An absolute deadline makes up for the time that signal handlers take.
        let deadline = to_timespec(cx, read(cx, libc::CLOCK_MONOTONIC)? + wait)?;
        loop {
            let r = cx.without_lock(|| {
                sys!(libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &deadline, std::ptr::null_mut()))
            });
            match r {
                0 => return Ok(()),
                libc::EINTR => (cx.host().poll)(cx)?,
                e => return Err(cx.os_error(e)),
            }
        }
    }
}
