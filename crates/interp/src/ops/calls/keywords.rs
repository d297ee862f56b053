//! Calls with keyword arguments.
//!
//! A site remembers the code that it calls, by its serial number, and a plan: which argument of the window goes to which
//! parameter. Arguments then move straight into the registers of the new frame; no name is compared.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::{call_type, tuple};
use cinder_pyobj::{Obj, PyResult, Type, Value, heap};
use cinder_shadow::{ShadowOp, Site};

use super::class::{class_dependency, construct_with, init_cell, is_plain_class, plain_class};
use super::push::push_python;
use super::python::{can_enter, enter_frame_of};
use super::{Window, arg_count, call, finish_native, kw_names, method_window, plain_window, poll};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::ops::attrs::site;
use crate::ops::{fast, fast_op};

/// The argument of a parameter that is filled from the defaults.
const DEFAULT: u64 = 15;
/// How many parameters a plan describes: a nibble each.
const PARAMS: usize = 16;

/// How the arguments of a call get to the parameters.
struct Plan {
    /// For each parameter a nibble: the argument of the window that it gets, or [`DEFAULT`].
    sources: u64,
    /// How many parameters there are.
    total: u32,
    /// How many of them can be given by position.
    positional: u32,
    /// The first parameter that is filled from the defaults; `positional` if there is none.
    first_default: u32,
    /// Keyword-only parameters are filled from the defaults.
    own_defaults: bool,
}

impl Plan {
    /// The plan for a call of code with `count` arguments, of which the last have these names. Nothing if the call is
    /// wrong, or collects arguments, or has too many of them.
    fn new(c: &CodeObject, count: usize, names: &[Obj]) -> Option<Plan> {
        let n = c.code.arg_count as usize;
        let total = n + c.code.kwonly_arg_count as usize;
        let positional = count.checked_sub(names.len())?;
        if !c.fixed_params || c.far != 0 || !c.runs || total > PARAMS || count >= DEFAULT as usize || positional > n {
            return None;
        }
        let mut sources = [DEFAULT; PARAMS];
        for (i, s) in sources.iter_mut().enumerate().take(positional) {
            *s = i as u64;
        }
        let skip = c.code.posonly_arg_count as usize;
        for (i, name) in names.iter().enumerate() {
            let at = skip + c.param_names()[skip..].iter().position(|p| p.value() == name.value())?;
            if sources[at] != DEFAULT {
                return None;
            }
            sources[at] = (positional + i) as u64;
        }
        Some(Plan {
            total: total as u32,
            positional: n as u32,
            first_default: sources[..n].iter().position(|s| *s == DEFAULT).unwrap_or(n) as u32,
            own_defaults: sources[n..total].contains(&DEFAULT),
            sources: sources.iter().rev().fold(0, |word, s| word << 4 | s),
        })
    }

    /// Everything but the sources in 32 bits.
    fn packed(&self) -> u32 {
        self.total | self.positional << 8 | self.first_default << 16 | u32::from(self.own_defaults) << 24
    }

    #[inline(always)]
    fn unpacked(sources: u64, packed: u32) -> Plan {
        Plan {
            sources,
            total: packed & 0xff,
            positional: packed >> 8 & 0xff,
            first_default: packed >> 16 & 0xff,
            own_defaults: packed >> 24 != 0,
        }
    }
}

/// Enters a function by the plan of the site, which it must be the one for; its arguments begin at `first`. The callee's
/// reference and the arguments move to the frame.
///
/// # Safety
/// The arguments must be owned by the instruction, and `callee` be an owned word for which [`Function::is`] holds.
#[inline(always)]
unsafe fn enter_planned(m: M, callee: Value, first: *mut Value, count: u32, kind: FrameKind, extra: Value) -> Fast {
    // SAFETY: by the caller's promise; the function keeps code and defaults alive.
    unsafe {
        let (f, c) = fast!(planned(m, callee, count));
        let e = &fast!(site(m).more()).entries[0];
        let plan = Plan::unpacked(e.target.get() as u64, e.arg.get());
        let defaults = fast!(defaults(f, c, &plan));
        let to = m.frame().top;
        let mut i = 0;
        while i < plan.total as usize {
            let source = plan.sources >> (4 * i) & 15;
            let v = if source == DEFAULT {
                let v = match i < plan.positional as usize {
                    true => *defaults.wrapping_add(i),
                    false => fast!(own_default(f, c, i)),
                };
                v.incref();
                v
            } else {
                *first.add(source as usize)
            };
            *to.add(i) = v;
            i += 1;
        }
        enter_frame_of(m, callee, f, c, to, plan.total, kind, extra, 2)
    }
}

/// Where the defaults stand, as if there were one for each positional parameter; nothing if some that the plan asks for are
/// missing. Null if it asks for none.
#[inline(always)]
fn defaults(f: &Function, c: &CodeObject, plan: &Plan) -> Option<*const Value> {
    if plan.own_defaults {
        let mut i = plan.positional as usize;
        while i < plan.total as usize {
            if plan.sources >> (4 * i) & 15 == DEFAULT {
                own_default(f, c, i)?;
            }
            i += 1;
        }
    }
    if plan.first_default == plan.positional {
        return Some(std::ptr::null());
    }
    let d = f.defaults.peek()?;
    // SAFETY: the function keeps its defaults alive.
    let items = unsafe { Obj::borrow_from(&d) }.fixed::<tuple::Tuple>(FixedShape::Tuple)?.values();
    if items.len() as u32 + plan.first_default < plan.positional {
        return None;
    }
    Some(items.as_ptr().wrapping_add(items.len()).wrapping_sub(plan.positional as usize))
}

/// The default of the keyword-only parameter `i`, borrowed, if it is easy to find.
#[inline(always)]
fn own_default(f: &Function, c: &CodeObject, i: usize) -> Option<Value> {
    let d = f.kwdefaults.peek()?;
    // SAFETY: the function keeps its defaults alive.
    let d = unsafe { Obj::borrow_from(&d) }.fixed::<Dict>(FixedShape::Dict)?;
    d.quick_get(c.known_param_names()?.get(i)?.value())
}

/// The function and its code, if the site's plan is for it, and a frame can be pushed.
///
/// # Safety
/// [`Function::is`] must hold for `callee`.
#[inline(always)]
unsafe fn planned<'a>(m: M, callee: Value, count: u32) -> Option<(&'a Function, &'a CodeObject)> {
    // SAFETY: by the caller's promise.
    unsafe {
        let f = &*Function::payload_of(callee);
        let c = &*f.code_ptr()?;
        let more = site(m).more()?;
        let e = &more.entries[0];
        if more.entries[1].word() != c.serial || e.guard.get() != count {
            return None;
        }
        (!c.sites().is_null() && can_enter(m, c, m.frame().top)).then_some((f, c))
    }
}

fast_op! {
    CallKwLook |m| fast { Fast::Slow } slow { call_kw_look(m) }

    CallKwPython |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        // SAFETY: the instruction owns the window.
        unsafe {
            enter_planned(m, callee, m.reg(m.b() + 2), arg_count(site(m)), FrameKind::Call, Value::UNBOUND)
        }
    } slow { call_kw_python(m) }

    CallKwInit |m| fast { enter_init(m) } slow { call_kw_init(m) }

    CallKwNative |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return call_kw_look(m);
        }
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        call_kw_native(m, w)
    }

    CallMethodKwLook |m| fast { Fast::Slow } slow { call_kw_look(m) }

    CallMethodKwPython |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        let own = u32::from(m.peek(m.b() + 1) != Value::UNBOUND);
        let first = m.reg(m.b() + 2 - own as i16);
        // SAFETY: the instruction owns the window.
        unsafe { enter_planned(m, callee, first, arg_count(site(m)) + own, FrameKind::Call, Value::UNBOUND) }
    } slow { call_kw_python(m) }

    CallMethodKwInit |m| fast {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return Fast::Slow;
        }
        enter_init(m)
    } slow { call_kw_init(m) }

    CallMethodKwNative |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return call_kw_look(m);
        }
        let own = i16::from(m.peek(m.b() + 1) != Value::UNBOUND);
        let count = arg_count(s) as usize + own as usize;
        call_kw_native(m, Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2 - own), count })
    }
}

/// Makes an instance of the class that the site knows and enters its `__init__`.
#[inline(always)]
fn enter_init(m: M) -> Fast {
    let callee = m.peek(m.b());
    let s = site(m);
    if callee.bits() != s.entry.word() {
        return Fast::Slow;
    }
    // SAFETY: the guard holds: the callee is a plain class, whose `__init__` the cell holds.
    unsafe {
        let init = (*(s.entry.target.get() as *const AttrCell)).value();
        if !Function::is(init) {
            return Fast::Slow;
        }
        let count = arg_count(s) + 1;
        // The instance is made last of all that can fail.
        let (f, c) = fast!(planned(m, init, count));
        let e = &fast!(s.more()).entries[0];
        fast!(defaults(f, c, &Plan::unpacked(e.target.get() as u64, e.arg.get())));
        // The window's reference to the class becomes the instance's.
        let instance = fast!(heap::quick_instance(&*((callee.bits() + 8) as *const Type)));
        init.incref();
        let first = m.reg(m.b() + 1);
        *first = instance;
        enter_planned(m, init, first, count, FrameKind::Init, instance)
    }
}

/// As [`enter_init`], where the fast path does not do.
fn call_kw_init(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
    if w.callee().value().bits() == s.entry.word()
        && (!is_method_call(s) || m.peek(m.b() + 1) == Value::UNBOUND)
        && let Some(ty) = plain_class(w.callee())
        && let Some(init) = init_cell(ty).and_then(AttrCell::get)
        && let Some(flow) = construct_with(m, w, kw_names(m), 2, ty, init)?
    {
        return Ok(flow);
    }
    call_kw_look(m)
}

/// Calls a native function, method or class that the site knows.
fn call_kw_native(m: M, w: Window) -> PyResult<Flow> {
    let cx = m.cx();
    let (callee, names) = (w.callee(), kw_names(m));
    let args = Args::new(w.args(), names);
    let r = if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction)
        && f.is_plain()
    {
        (f.def().call)(cx, f.receiver(), args)
    } else if let Some(d) = callee.fixed::<MethodDescriptor>(FixedShape::NativeMethod)
        && let Some(this) = args.pos().first()
        && this.type_of().is_subtype(d.owner())
    {
        (d.def().call)(cx, this, args.without_first())
    } else if let Some(ty) = callee.fixed::<Type>(FixedShape::Type) {
        call_type(cx, ty, args)
    } else {
        callee.call(cx, args)
    };
    finish_native(m, w, r, 2)
}

/// The window of a call with keywords; a bound method is unpacked.
fn window(m: M, s: &Site) -> Window {
    let n = arg_count(s) as usize;
    if is_method_call(s) { method_window(m, n) } else { plain_window(m, n) }
}

fn is_method_call(s: &Site) -> bool {
    s.original().op() == Some(cinder_bytecode::op::Opcode::CallMethodKw)
}

/// A call of a function for which the fast path does not do.
fn call_kw_python(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = window(m, s);
    if let Some(f) = w.callee().fixed::<Function>(FixedShape::Function)
        && let Some(more) = s.more()
        && let Some(code) = f.code_ptr()
        // SAFETY: the function keeps its code alive.
        && more.entries[1].word() == unsafe { &*code }.serial
    {
        if let Err(r) = poll(m) {
            w.drop_all();
            return Err(r);
        }
        return push_python(m, w, f, kw_names(m), 2);
    }
    learn(m, s, w);
    call(m, w, kw_names(m), 2)
}

/// A call that its site does not know.
fn call_kw_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = window(m, s);
    learn(m, s, w);
    call(m, w, kw_names(m), 2)
}

/// Decides what the site is to expect the next time.
fn learn(m: M, s: &Site, w: Window) {
    if !s.would_look() {
        // SAFETY: the instruction lies in shadow code.
        return unsafe { cinder_shadow::look_call(m.pc, s, None, 0, 0, 0) };
    }
    let method = is_method_call(s);
    let callee = w.callee();
    let names = kw_names(m);
    let word = callee.value().bits();
    let native = if method { ShadowOp::CallMethodKwNative } else { ShadowOp::CallKwNative };
    let (mut op, mut target, mut dep, mut plan) = (None, 0, 0, None);
    if let Some(f) = callee.fixed::<Function>(FixedShape::Function) {
        let code = f.code_ref();
        if let Some(c) = code.as_ref().and_then(|c| c.downcast::<CodeObject>())
            && let Some(p) = Plan::new(c, w.count, names)
        {
            op = Some(if method { ShadowOp::CallMethodKwPython } else { ShadowOp::CallKwPython });
            plan = Some((p, w.count, c.serial));
        }
    } else if let Some(ty) = plain_class(callee).filter(|ty| is_plain_class(ty))
        && let Some(cell) = init_cell(ty)
        // SAFETY: the window's words lie behind the callee.
        && w.first == unsafe { w.callee.add(2) }
    {
        let init = cell.get();
        let function = init.as_ref().and_then(|f| f.fixed::<Function>(FixedShape::Function));
        let code = function.and_then(Function::code_ref);
        if let Some(c) = code.as_ref().and_then(|c| c.downcast::<CodeObject>())
            && let Some(p) = Plan::new(c, w.count + 1, names)
        {
            op = Some(if method { ShadowOp::CallMethodKwInit } else { ShadowOp::CallKwInit });
            (target, dep) = (std::ptr::from_ref(cell) as usize, class_dependency(ty));
            plan = Some((p, w.count + 1, c.serial));
        }
    } else if callee.is_exact(FixedShape::NativeFunction)
        || callee.is_exact(FixedShape::NativeMethod)
        || callee.fixed::<Type>(FixedShape::Type).is_some_and(|t| t.flags().immutable)
    {
        op = Some(native);
    }
    // SAFETY: the instruction lies in shadow code.
    unsafe {
        if let (Some((p, count, serial)), Some(_)) = (plan, op) {
            cinder_shadow::look_plan(s, p.sources, p.packed(), count as u32, serial);
        }
        cinder_shadow::look_call(m.pc, s, op, word, target, dep);
    }
}
