//! `time`.

mod calendar;
mod clocks;
mod convert;

pub(crate) use convert::{Round, seconds_to_ns};

use cinder_pyobj::native::pymodule;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::{add_ints, c_ints};

/// Clocks and calendar times.
#[pymodule(name = "time", parts(super::clocks::clocks, super::calendar::calendar))]
pub(crate) mod time {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let clocks = c_ints![
            CLOCK_REALTIME CLOCK_MONOTONIC CLOCK_MONOTONIC_RAW CLOCK_BOOTTIME CLOCK_TAI CLOCK_PROCESS_CPUTIME_ID
            CLOCK_THREAD_CPUTIME_ID
        ];
        add_ints(cx, module, clocks)?;
        add_ints(cx, module, &[("_STRUCT_TM_ITEMS", 11)])?;
        module.set_attr(cx, intern!("struct_time"), &calendar::STRUCT_TIME.type_object().as_obj())?;
        calendar::set_zone(cx, module)
    }
}
