//! `sys.monitoring`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::dict;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::objects::code::CodeObject;
use crate::objects::namespace;
use crate::observe::{Event, EventSet, Monitoring, check_tool};
use crate::thread::Thread;

fn state(cx: &Ctx) -> &Monitoring {
    &Thread::of(cx).runtime.monitoring
}

/// A tool id that is in use.
fn used(cx: &Ctx, tool: i64) -> PyResult<usize> {
    let t = check_tool(cx, tool)?;
    if state(cx).names[t].is_empty() {
        return Err(cx.value_error(format!("tool {tool} is not in use")));
    }
    Ok(t)
}

/// Checks a set of events: the old branch event means both, C events come only with calls.
fn checked(cx: &Ctx, set: i64, limit: u32, what: &str) -> PyResult<EventSet> {
    let mut set = set as u32;
    if set & EventSet::BRANCH != 0 {
        set = set & !EventSet::BRANCH | EventSet::of(&[Event::BranchLeft, Event::BranchRight]).0;
    }
    if set & EventSet::C_EVENTS != 0 && set < 1 << 19 {
        let c = EventSet::C_EVENTS | Event::Call.bit().0;
        if set & c != c {
            return Err(cx.value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        set &= !EventSet::C_EVENTS;
    }
    if set >= limit {
        return Err(cx.value_error(format!("invalid {what} 0x{set:x}")));
    }
    Ok(EventSet(set))
}

fn code<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a CodeObject> {
    o.downcast::<CodeObject>().ok_or_else(|| cx.type_error("code must be a code object"))
}

/// Tools that observe running code.
#[pymodule(name = "sys.monitoring")]
pub(crate) mod module {
    use super::*;

    #[pyfunction(sig = "(tool_id, name, /)")]
    fn use_tool_id(cx: &Ctx, tool_id: i64, name: &Obj) -> PyResult<()> {
        let t = check_tool(cx, tool_id)?;
        if !name.type_of().is_str_subtype() {
            return Err(cx.value_error("tool name must be a str"));
        }
        let slot = &state(cx).names[t];
        if !slot.is_empty() {
            return Err(cx.value_error(format!("tool {tool_id} is already in use")));
        }
        slot.set(Some(name.clone()));
        Ok(())
    }

    #[pyfunction(sig = "(tool_id, /)")]
    fn clear_tool_id(cx: &Ctx, tool_id: i64) -> PyResult<()> {
        let t = check_tool(cx, tool_id)?;
        if !state(cx).names[t].is_empty() {
            state(cx).clear_tool(cx, t);
        }
        Ok(())
    }

    #[pyfunction(sig = "(tool_id, /)")]
    fn free_tool_id(cx: &Ctx, tool_id: i64) -> PyResult<()> {
        clear_tool_id(cx, tool_id)?;
        state(cx).names[check_tool(cx, tool_id)?].set(None);
        Ok(())
    }

    #[pyfunction(sig = "(tool_id, /)")]
    fn get_tool(cx: &Ctx, tool_id: i64) -> PyResult<Option<Obj>> {
        Ok(state(cx).names[check_tool(cx, tool_id)?].get())
    }

    #[pyfunction(sig = "(tool_id, event, func, /)")]
    fn register_callback(cx: &Ctx, tool_id: i64, event: i64, func: &Obj) -> PyResult<Option<Obj>> {
        let t = check_tool(cx, tool_id)?;
        let set = event as u32;
        if set == 0 || !set.is_power_of_two() {
            return Err(cx.value_error("The callback can only be set for one event at a time"));
        }
        if set > EventSet::BRANCH {
            return Err(cx.value_error(format!("invalid event {event}")));
        }
        (cx.host().audit)(cx, "sys.monitoring.register_callback", std::slice::from_ref(func))?;
        let f = func.clone().non_none();
        if set == EventSet::BRANCH {
            let old = state(cx).set_callback(t, Event::BranchLeft, f.clone());
            drop(state(cx).set_callback(t, Event::BranchRight, f));
            return Ok(old);
        }
        let e = Event::ALL[set.trailing_zeros() as usize];
        Ok(state(cx).set_callback(t, e, f))
    }

    #[pyfunction(sig = "(tool_id, /)")]
    fn get_events(cx: &Ctx, tool_id: i64) -> PyResult<i64> {
        Ok(i64::from(state(cx).global(check_tool(cx, tool_id)?).0))
    }

    #[pyfunction(sig = "(tool_id, event_set, /)")]
    fn set_events(cx: &Ctx, tool_id: i64, event_set: i64) -> PyResult<()> {
        let t = check_tool(cx, tool_id)?;
        let set = checked(cx, event_set, 1 << 16, "event set")?;
        used(cx, tool_id)?;
        state(cx).set_global(cx, t, set);
        Ok(())
    }

    #[pyfunction(sig = "(tool_id, code, /)")]
    fn get_local_events(cx: &Ctx, tool_id: i64, code: &Obj) -> PyResult<i64> {
        let c = super::code(cx, code)?;
        let t = check_tool(cx, tool_id)?;
        Ok(c.monitor.get().map_or(0, |m| i64::from(m.local[t].get().0)))
    }

    #[pyfunction(sig = "(tool_id, code, event_set, /)")]
    fn set_local_events(cx: &Ctx, tool_id: i64, code: &Obj, event_set: i64) -> PyResult<()> {
        let c = super::code(cx, code)?;
        let t = check_tool(cx, tool_id)?;
        let set = checked(cx, event_set, 1 << 11, "local event set")?;
        used(cx, tool_id)?;
        state(cx).set_local(cx, t, c, set);
        Ok(())
    }

    #[pyfunction]
    fn restart_events(cx: &Ctx) {
        state(cx).restart();
    }

    #[pyfunction]
    fn _all_events(cx: &Ctx) -> PyResult {
        let d = dict::new();
        let m = state(cx);
        for e in Event::ALL {
            let tools = m.global_tools(e);
            if tools != 0 {
                d.set_item(cx, &Obj::from(e.name()), &Obj::from(i64::from(tools)))?;
            }
        }
        Ok(d)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = cinder_pyobj::types::module::namespace(module) else { return Ok(()) };
        let put = |n: &str, v: &Obj| dict::set(cx, &d, Name::new(n).as_obj(), v);
        put("__doc__", &Obj::none())?;
        put("DISABLE", state(cx).disable())?;
        put("MISSING", state(cx).missing())?;
        for (n, id) in [("DEBUGGER_ID", 0i64), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
            put(n, &Obj::from(id))?;
        }
        let events = namespace::new();
        for e in Event::ALL {
            events.set_attr(cx, Name::new(e.name()), &Obj::from(i64::from(e.bit().0)))?;
        }
        events.set_attr(cx, Name::new("BRANCH"), &Obj::from(i64::from(EventSet::BRANCH)))?;
        events.set_attr(cx, Name::new("NO_EVENTS"), &Obj::from(0i64))?;
        put("events", &events)
    }
}
