//! Calls.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{Args, FixedShape, class_type};
use cinder_pyobj::protocol::shows_its_class;
use cinder_pyobj::shape::ShapeId;
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::types::{call_type, dict, object, tuple, type_type};
use cinder_pyobj::{Obj, PyResult, Type, Value, heap, intern};
use cinder_shadow::{ShadowOp, Site, WAYS};

use super::attrs::site;
use super::{builtins, fast, fast_op, op};
use crate::call::collect::{self, Consumer};
use crate::call::{FrameSpec, Given, bind_arguments, bind_quick, bound_count, eager, fill_defaults, push_frame};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M, is_temp};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::generator;

/// A call's window: the callee, the first argument register (self included, if there is one) and how many.
#[derive(Clone, Copy)]
struct Window {
    callee: *mut Value,
    first: *mut Value,
    count: usize,
}

impl Window {
    fn args<'a>(self) -> &'a [Obj] {
        // SAFETY: the window's registers hold values.
        unsafe { Obj::slice_from(self.first, self.count) }
    }

    fn callee<'a>(self) -> &'a Obj {
        // SAFETY: the window holds the callee.
        unsafe { Obj::borrow_from(self.callee) }
    }

    /// Drops the arguments, then the callee.
    fn drop_all(self) {
        // SAFETY: the instruction owns the window.
        unsafe {
            for i in 0..self.count {
                (*self.first.add(i)).decref();
            }
            (*self.callee).decref();
        }
    }
}

/// Pushes a frame for a Python function whose arguments stand in the window. Calls from a generator's frame
/// move them to the register stack first.
#[inline(always)]
fn push_python(m: M, w: Window, f: &Function, names: &[Obj], advance: u8) -> PyResult<Flow> {
    let cx = m.cx();
    let th = m.th();
    let fr = m.frame();
    let Some(code) = f.code_ref() else { return Err(cx.system_error("function without code")) };
    let Some(c) = code.downcast::<CodeObject>() else { return Err(cx.system_error("function without code")) };
    let mut params = w.first;
    let mut count = w.count as u32;
    let heap_frame = fr.is_generator;
    // SAFETY: the window is owned by the instruction; frames' tops lie above all live registers.
    unsafe {
        if names.is_empty() && (count == c.simple_args || c.simple_args != u32::MAX && count < c.simple_args) {
            if heap_frame || (fr.reg_end as usize - params as usize) / 8 < (c.near + c.above) as usize {
                let (to, end) = (fr.top, fr.reg_end);
                if (end as usize - to as usize) / 8 < (c.near + c.above) as usize {
                    return push_bound(m, w, f, names, advance, c);
                }
                std::ptr::copy_nonoverlapping(params, to, count as usize);
                params = to;
            }
            if count < c.simple_args {
                if !fill_defaults(f, params, count, c.simple_args) {
                    if params != w.first {
                        std::ptr::copy_nonoverlapping(params, w.first, count as usize);
                    }
                    return push_bound(m, w, f, names, advance, c);
                }
                count = c.simple_args;
            }
            if !c.runs
                && let Some(g) = generator::make_of_call(th, *w.callee, f, c, params, count)
            {
                m.set(m.a(), g);
                return Ok(Flow::jump(m.pc.add(advance as usize)));
            }
        } else if !heap_frame
            && !names.is_empty()
            && (fr.reg_end as usize - params as usize) / 8 >= (c.near + c.above) as usize
            && bind_in_place(f, c, w, names)
        {
            count = c.code.arg_count + c.code.kwonly_arg_count;
        } else {
            return push_bound(m, w, f, names, advance, c);
        }
        push_frame(th, c, params, count, fr.reg_end, FrameSpec::call(*w.callee, f, FrameKind::Call, advance))?;
        Ok(Flow::SWITCH)
    }
}

/// Binds positional and keyword arguments in the window itself, for functions without `*args` and `**kwargs`. False,
/// with nothing changed, if that does not work out.
///
/// # Safety
/// The window must have room for all parameters.
unsafe fn bind_in_place(f: &Function, c: &CodeObject, w: Window, names: &[Obj]) -> bool {
    let code = &c.code;
    let total = (code.arg_count + code.kwonly_arg_count) as usize;
    let positional = w.count - names.len();
    if !c.fixed_params || positional > code.arg_count as usize || total > 32 {
        return false;
    }
    let params = c.param_names();
    // SAFETY: the window's words are owned and stay so until they are all placed.
    unsafe {
        let mut room = [const { MaybeUninit::<Value>::uninit() }; 32];
        for slot in &mut room[..total] {
            slot.write(Value::UNBOUND);
        }
        let slots = std::slice::from_raw_parts_mut(room.as_mut_ptr() as *mut Value, total);
        for (i, slot) in slots.iter_mut().enumerate().take(positional) {
            *slot = *w.first.add(i);
        }
        for (i, n) in names.iter().enumerate() {
            let skip = code.posonly_arg_count as usize;
            let Some(at) = params.iter().skip(skip).position(|p| p.value() == n.value()) else { return false };
            let slot = &mut slots[skip + at];
            if *slot != Value::UNBOUND {
                return false;
            }
            *slot = *w.first.add(positional + i);
        }
        // Defaults are borrowed until nothing can fail any more.
        let mut from_defaults = 0u64;
        let n = code.arg_count as usize;
        let defaults = f.defaults.get();
        let items = defaults.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
        for (i, slot) in slots.iter_mut().enumerate().take(n) {
            if *slot == Value::UNBOUND {
                let Some(v) = (i + items.len()).checked_sub(n).and_then(|k| items.get(k)) else { return false };
                *slot = v.value();
                from_defaults |= 1 << i;
            }
        }
        let kwdefaults = f.kwdefaults.get();
        for i in n..total {
            if slots[i] == Value::UNBOUND {
                let Some(d) = kwdefaults.as_ref().and_then(dict::as_dict) else { return false };
                let Some(v) = d.get_name(params[i]) else { return false };
                slots[i] = v.value();
                from_defaults |= 1 << i;
                // The dict keeps the value alive until it is counted below.
                drop(v);
            }
        }
        for (i, v) in slots.iter().enumerate().take(total) {
            if from_defaults >> i & 1 != 0 {
                v.incref();
            }
            *w.first.add(i) = *v;
        }
    }
    true
}

/// The general case: binds arguments, drops the window's own, and pushes at the frame's top.
#[cold]
#[inline(never)]
fn push_bound(m: M, w: Window, f: &Function, names: &[Obj], advance: u8, c: &CodeObject) -> PyResult<Flow> {
    let cx = m.cx();
    let (pos, kw) = w.args().split_at(w.count - names.len());
    let fr = m.frame();
    let th = m.th();
    let n = bound_count(c);
    let need = n + (c.near + c.above) as usize;
    // SAFETY: the new registers lie above all live ones; the window is the instruction's.
    unsafe {
        let (mut to, mut end) = (fr.top, fr.reg_end);
        let fresh = (end as usize - to as usize) / 8 < need;
        if fresh {
            match th.new_chunk(need) {
                Ok((s, e)) => (to, end) = (s, e),
                Err(r) => {
                    w.drop_all();
                    return Err(r);
                }
            }
        }
        if !bind_quick(cx, f, c, Given { head: None, pos, names, values: kw }, to) {
            match bind_arguments(cx, f, c, pos, &mut names.iter().cloned().zip(kw.iter().cloned())) {
                Ok(bound) => {
                    for (i, v) in bound.into_iter().enumerate() {
                        *to.add(i) = v.into_value();
                    }
                }
                Err(r) => {
                    if fresh {
                        th.release_chunk(to, end);
                    }
                    w.drop_all();
                    return Err(r);
                }
            }
        }
        for i in 0..w.count {
            (*w.first.add(i)).decref();
        }
        match push_frame(th, c, to, n as u32, end, FrameSpec::call(*w.callee, f, FrameKind::Call, advance)) {
            Ok(p) => {
                (*p).own_chunk |= fresh;
                Ok(Flow::SWITCH)
            }
            Err(r) => {
                if fresh {
                    th.release_chunk(to, end);
                }
                Err(r)
            }
        }
    }
}

/// Does pending work: signals, thread switches, collections.
#[inline(always)]
fn poll(m: M) -> PyResult<()> {
    if m.cx().poll.load(Ordering::Relaxed) != 0 { (m.cx().host().poll)(m.cx()) } else { Ok(()) }
}

/// Calls whatever the window holds.
fn call(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let callee = w.callee();
    if let Some(f) = callee.fixed::<Function>(FixedShape::Function) {
        // Recursion need not pass a loop, so calls look for pending work, too.
        if let Err(r) = poll(m) {
            w.drop_all();
            return Err(r);
        }
        return push_python(m, w, f, names, size as u8);
    }
    if let Some(flow) = construct(m, w, names, size as u8)? {
        return Ok(flow);
    }
    if callee.type_of().is_heap_type()
        // SAFETY: arguments follow the callee and its self in one window of registers.
        && w.first == unsafe { w.callee.add(2) }
        && let Some(f) = callee.type_of().lookup(intern!("__call__"))
        && let Some(function) = f.fixed::<Function>(FixedShape::Function)
    {
        // The callee becomes the first argument, and the function takes its place.
        // SAFETY: the instruction owns the window, whose second register is free.
        let w = unsafe {
            *w.callee.add(1) = std::mem::replace(&mut *w.callee, f.clone().into_value());
            Window { callee: w.callee, first: w.callee.add(1), count: w.count + 1 }
        };
        return push_python(m, w, function, names, size as u8);
    }
    call_native(m, w, names, size)
}

fn call_native(m: M, w: Window, names: &[Obj], size: isize) -> PyResult<Flow> {
    let cx = m.cx();
    let callee = w.callee();
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
    } else if let Some(f) = callee.downcast::<Function>() {
        // A function with attributes of its own has a shape of its own.
        return push_python(m, w, f, names, size as u8);
    } else {
        callee.call(cx, args)
    };
    finish_native(m, w, r, size)
}

/// Ends a native call: drops the window and stores the result.
#[inline(always)]
fn finish_native(m: M, w: Window, r: PyResult, size: isize) -> PyResult<Flow> {
    w.drop_all();
    let v = r?;
    // A signal that arrived during the call is served before what comes next.
    poll(m)?;
    m.set(m.a(), v);
    if m.frame().pc != m.pc {
        // The call turned tracing on: the frame goes on in another copy of its code.
        // SAFETY: the frame stands at this instruction there.
        return Ok(Flow::jump(unsafe { m.frame().pc.offset(size) }));
    }
    // SAFETY: instructions with an `Extra` word are followed by it.
    Ok(if size == 1 { Flow::NEXT } else { Flow::jump(unsafe { m.pc.offset(size) } as *const Insn) })
}

/// The window of `Call`: unpacks a bound method into callee and self.
fn plain_window(m: M, n: usize) -> Window {
    let callee = m.reg(m.b());
    let w = Window { callee, first: m.reg(m.b() + 2), count: n };
    let o = w.callee();
    if o.is_exact(FixedShape::BoundMethod)
        && let Some(b) = o.downcast::<BoundMethod>()
    {
        let (f, this) = (b.function().clone(), b.receiver().clone());
        // SAFETY: the scratch register is dead; the callee's reference is replaced.
        unsafe {
            *callee.add(1) = this.into_value();
            std::mem::replace(&mut *callee, f.into_value()).decref();
        }
        return Window { callee, first: m.reg(m.b() + 1), count: n + 1 };
    }
    w
}

/// The window of `CallMethod`.
fn method_window(m: M, n: usize) -> Window {
    let has_self = m.peek(m.b() + 1) != Value::UNBOUND;
    let callee = m.reg(m.b());
    if has_self { Window { callee, first: m.reg(m.b() + 1), count: n + 1 } } else { plain_window(m, n) }
}

fn kw_names<'a>(m: M) -> &'a [Obj] {
    tuple::items_if_tuple(m.constant(m.extra())).unwrap_or(&[])
}

/// Enters a Python function whose arguments stand in the window and need no binding; its code has a shadow.
#[inline(always)]
pub(super) fn enter_python(m: M, callee: Value, first: *mut Value, count: u32) -> Fast {
    // SAFETY: the callee is exactly a function; the window is owned by the instruction, and the registers above
    // it are free up to the chunk's end.
    unsafe {
        let f = &*(Function::payload_of(callee));
        let c = &*fast!(f.code_ptr());
        if c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        if c.quick_args != count {
            fast!(quick_defaults(m, f, c, first, count));
        }
        enter_frame(m, callee, f, c, first, c.quick_args, FrameKind::Call, Value::UNBOUND)
    }
}

/// Fills the last parameters from the defaults, if that is all that is missing.
///
/// # Safety
/// `can_enter` must hold, and `count` arguments must stand at `first`.
#[inline(always)]
unsafe fn quick_defaults(m: M, f: &Function, c: &CodeObject, first: *mut Value, count: u32) -> Option<()> {
    // The window of a generator's frame has no room for more than the arguments.
    if c.quick_args == u32::MAX || count > c.quick_args || m.frame().is_generator {
        return None;
    }
    let d = f.defaults.peek()?;
    // SAFETY: the function keeps its defaults alive; the frame has room for all parameters.
    unsafe {
        let items = Obj::borrow_from(&d).fixed::<tuple::Tuple>(FixedShape::Tuple)?.values();
        let missing = (c.quick_args - count) as usize;
        let skip = items.len().checked_sub(missing)?;
        let mut i = 0;
        while i < missing {
            let v = *items.as_ptr().add(skip + i);
            v.incref();
            *first.add(count as usize + i) = v;
            i += 1;
        }
    }
    Some(())
}

/// The distance from a call that is awaited at once to the `Send` of the await.
const TO_SEND: usize = 3;

/// Decides how to call a Python function whose arguments begin at register `first`: like any function, as one that
/// makes a generator or coroutine, or as a coroutine function that is awaited at once (`ops`, in this order).
fn look_function(m: M, s: &Site, callee: &Obj, first: i16, ops: [ShadowOp; 3]) {
    let op = if s.would_look() { function_op(m, callee, first, ops) } else { None };
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), 0, 0) };
}

/// As [`look_function`] decides; nothing where the site does already what fits.
fn function_op(m: M, callee: &Obj, first: i16, ops: [ShadowOp; 3]) -> Option<ShadowOp> {
    let code = callee.downcast::<Function>()?.code_ref()?;
    let c = code.downcast::<CodeObject>()?;
    let op = match () {
        () if c.runs => ops[0],
        () if c.eager_args != u32::MAX && is_awaited(m, first) => ops[2],
        () => ops[1],
    };
    // SAFETY: the instruction lies in shadow code, which has valid opcode numbers.
    let now = ShadowOp::from_number(unsafe { *m.pc }.op_number());
    let changes = now != Some(op) && (op != ops[0] || now == Some(ops[1]) || now == Some(ops[2]));
    changes.then_some(op)
}

/// Whether the result of this call, whose arguments begin at register `first`, is awaited at once.
fn is_awaited(m: M, first: i16) -> bool {
    let f = m.frame();
    let at = f.lasti() as usize;
    let Some([call, get, none, send]) = f.plain().insns.get(at..=at + TO_SEND) else { return false };
    get.op() == Some(Opcode::GetAwaitable)
        && get.b() == call.a()
        && none.op() == Some(Opcode::Move)
        && send.op() == Some(Opcode::Send)
        && (send.a(), send.b()) == (none.a(), get.a())
        && m.peek(none.b() as i16) == crate::ops::flow::none_word()
        && is_temp(call.a() as i16)
        && is_temp(send.b() as i16)
        && (send.b() as i16) < first
}

/// Makes the generator or coroutine of a call; nothing, with nothing changed, if the callee is something else or the
/// call is not plain.
fn call_generator(m: M, first: *mut Value, count: u32) -> Option<Flow> {
    let callee = m.peek(m.b());
    if !Function::is(callee) {
        return None;
    }
    // SAFETY: the callee is a function; the instruction owns the window.
    unsafe {
        let f = &*Function::payload_of(callee);
        let c = &*f.code_ptr()?;
        if c.runs || c.simple_args != count {
            return None;
        }
        let g = generator::make_of_call(m.th(), callee, f, c, first, count)?;
        m.set(m.a(), g);
    }
    Some(Flow::NEXT)
}

/// Enters a coroutine function whose call is awaited at once.
#[inline(always)]
fn enter_awaited(m: M, callee: Value, first: *mut Value, count: u32) -> Fast {
    // SAFETY: as in `enter_python`; the site saw that the await follows.
    unsafe {
        let f = &*(Function::payload_of(callee));
        let c = &*fast!(f.code_ptr());
        if c.eager_args != count || c.sites().is_null() || !can_enter(m, c, first) || !eager::allowed(m.th()) {
            return Fast::Slow;
        }
        eager::begin(m.th());
        let m = eager::wait_at(m, m.ahead(TO_SEND), crate::ops::flow::none_word());
        enter_frame(m, callee, f, c, first, count, FrameKind::Await, Value::UNBOUND)
    }
}

/// Whether a frame of `c` can be pushed without ado with its parameters at `first`.
#[inline(always)]
pub(super) fn can_enter(m: M, c: &CodeObject, first: *mut Value) -> bool {
    let th = m.th();
    let fr = m.frame();
    let params = if fr.is_generator { fr.top } else { first };
    let need = (c.near + c.above) as usize * 8;
    (fr.reg_end as usize).wrapping_sub(params as usize) >= need
        && params <= fr.reg_end
        && th.depth.get() < th.recursion_limit.get()
        && c.far == 0
        && th.has_frame_room()
        && th.cx.poll.load(Ordering::Relaxed) == 0
}

/// Pushes a frame for parameters that stand at `first`. Calls from a generator's frame move them to the register
/// stack first.
///
/// # Safety
/// [`can_enter`] must hold; `count` owned words must stand at `first`; `callee` must be `f`, owned.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "all of it becomes part of the frame")]
pub(super) unsafe fn enter_frame(
    m: M,
    callee: Value,
    f: &Function,
    c: &CodeObject,
    first: *mut Value,
    count: u32,
    kind: FrameKind,
    extra: Value,
) -> Fast {
    // SAFETY: by the caller's promise; what is written lies in the chunk.
    unsafe {
        let th = m.th();
        let fr = m.frame();
        let params = if fr.is_generator { fr.top } else { first };
        let new = th.take_frame();
        th.depth.set(th.depth.get() + 1);
        if params != first {
            let mut i = 0;
            while i < count as usize {
                *params.add(i) = *first.add(i);
                i += 1;
            }
        }
        let base = params.add(c.near as usize);
        let mut p = params.add(count as usize);
        while p < base {
            *p = Value::UNBOUND;
            p = p.add(1);
        }
        let pc = c.entry();
        fr.pc = m.pc;
        new.write(Frame {
            pc,
            base,
            consts: c.consts.as_ptr() as *const Value,
            sites: c.sites(),
            code: c,
            prev: m.fr,
            top: base.add(c.above as usize),
            reg_end: fr.reg_end,
            function: callee,
            globals: f.globals.value(),
            builtins: f.builtins.value(),
            namespace: Value::UNBOUND,
            frame_obj: Value::UNBOUND,
            extra,
            kind,
            is_generator: false,
            finished: false,
            own_chunk: false,
            owns_names: false,
            chunk_first: false,
            advance: 1,
            consumer: 0,
        });
        th.current.set(new);
        Fast::Enter(pc, base, new)
    }
}

/// The number of arguments of a specialised call, whose field `c` names the site.
#[inline(always)]
fn arg_count(s: &Site) -> u32 {
    u32::from(s.original().c())
}

/// A call that its site does not know: decides what to expect the next time, then calls.
fn call_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let n = arg_count(s) as usize;
    let callee = m.peek_obj(m.b());
    if callee.is_exact(FixedShape::Function) {
        look_function(m, s, callee, m.b() + 2, [ShadowOp::CallLook, ShadowOp::CallGenerator, ShadowOp::CallAwait]);
    } else if callee.value().bits() != s.entry.word() {
        let consumer =
            if n == 1 && collect::is_fresh(m.peek_obj(m.b() + 2)) { Consumer::of(callee) } else { Consumer::None };
        let (op, target, dep) = match consumer {
            Consumer::None => expect(callee, n),
            consumer => (Some(ShadowOp::CallCollect), consumer as usize, 0),
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), target, dep) };
    }
    let w = plain_window(m, n);
    call(m, w, &[], 1)
}

/// How to specialise a call of this callee: the operation, what the site keeps, and what that depends on.
fn expect(callee: &Obj, n: usize) -> (Option<ShadowOp>, usize, usize) {
    let none = (None, 0, 0);
    if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction) {
        if !f.is_plain() {
            return none;
        }
        let op = builtins::operation(f, n);
        // The definition is static: it stays what it is even if the function dies.
        return (Some(op), std::ptr::from_ref(f.def()) as usize, 0);
    }
    let Some(ty) = callee.fixed::<Type>(FixedShape::Type) else { return none };
    if ty.is(type_type()) {
        return if n == 1 { (Some(ShadowOp::CallTypeOf), 0, 0) } else { none };
    }
    let dep = if ty.flags().immutable {
        0
    } else {
        ty.mark_cached();
        std::ptr::from_ref(ty) as usize
    };
    if !is_plain_class(ty) {
        return (Some(ShadowOp::CallClass), std::ptr::from_ref(ty) as usize, dep);
    }
    match ty.lookup_cell(intern!("__init__")) {
        Some((_, cell)) if cell.get().is_some_and(|f| f.is_exact(FixedShape::Function)) => {
            (Some(ShadowOp::CallInit), std::ptr::from_ref(cell) as usize, dep)
        }
        Some((owner, _)) if n == 0 && owner.is(class_type::<object::Object>()) => (Some(ShadowOp::CallPlain), 0, dep),
        _ => (Some(ShadowOp::CallClass), std::ptr::from_ref(ty) as usize, dep),
    }
}

/// Calls the Python function in the window, if it is one; else nothing.
#[inline(always)]
fn quick_python(m: M, n: u32) -> Fast {
    let callee = m.peek(m.b());
    if Function::is(callee) {
        return enter_python(m, callee, m.reg(m.b() + 2), n);
    }
    quick_bound(m, callee, n)
}

/// Calls the Python function of the bound method in the window, if it is one.
#[inline(always)]
fn quick_bound(m: M, callee: Value, n: u32) -> Fast {
    let b = fast!(m.peek_obj(m.b()).fixed::<BoundMethod>(FixedShape::BoundMethod));
    let (f, this) = (b.function().value(), b.receiver().value());
    if !Function::is(f) {
        return Fast::Slow;
    }
    // SAFETY: the bound method keeps function and receiver alive; the instruction owns the window, whose second
    // register is free.
    unsafe {
        let function = &*(Function::payload_of(f));
        let c = &*fast!(function.code_ptr());
        let first = m.reg(m.b() + 1);
        if c.quick_args != n + 1 || c.sites().is_null() || !can_enter(m, c, first) || callee.header().is_unique() {
            return Fast::Slow;
        }
        f.incref();
        this.incref();
        *first = this;
        callee.header().release();
        enter_frame(m, f, function, c, first, n + 1, FrameKind::Call, Value::UNBOUND)
    }
}

/// Whether an instance of the shape is one of the class with the word `cls`, if the site knows.
#[inline(always)]
fn known_instance(s: &Site, shape: u32, cls: Value) -> Option<bool> {
    // A class may have died and another one stand in its place: what is known holds for all whose class is `type`.
    // SAFETY: the operand is alive.
    if !cls.is_ptr() || unsafe { cls.header() }.shape_id() != ShapeId::fixed(FixedShape::Type) {
        return None;
    }
    let more = s.more()?;
    let n = more.len.get() as usize;
    let mut i = 0;
    while i < n && i < WAYS {
        let e = &more.entries[i];
        if e.guard.get() == shape && e.target.get() as u64 == cls.bits() {
            return Some(e.arg.get() != 0);
        }
        i += 1;
    }
    None
}

/// Ends a native call with one argument whose result needs no count.
#[inline(always)]
fn finish_word(m: M, r: Value) -> Fast {
    let (callee, x) = (m.peek(m.b()), m.peek(m.b() + 2));
    // SAFETY: the instruction owns the window. The callee is a builtin, which the builtins module holds too, or
    // the slow path takes over.
    unsafe {
        if callee.header().is_unique() {
            return Fast::Slow;
        }
        callee.header().release();
    }
    m.store_drop(m.a(), r, m.b() + 2, x)
}

fast_op! {
    CallLook |m| fast { quick_python(m, arg_count(site(m))) } slow { call_look(m) }

    CallAny |m| fast { quick_python(m, arg_count(site(m))) } slow { call_look(m) }

    CallInit |m| fast {
        let callee = m.peek(m.b());
        let s = site(m);
        if callee.bits() != s.entry.word() {
            return Fast::Slow;
        }
        let n = arg_count(s);
        // SAFETY: the guard holds: the callee is a plain class, whose `__init__` the cell holds.
        unsafe {
            let init = (*(s.entry.target.get() as *const AttrCell)).value();
            if !Function::is(init) {
                return Fast::Slow;
            }
            let f = &*(Function::payload_of(init));
            let c = &*fast!(f.code_ptr());
            let first = m.reg(m.b() + 1);
            if c.simple_args != n + 1 || !c.runs || c.sites().is_null() || !can_enter(m, c, first) {
                return Fast::Slow;
            }
            let ty = &*((callee.bits() + 8) as *const Type);
            // The window's reference to the class becomes the instance's.
            let instance = fast!(heap::quick_instance(ty));
            init.incref();
            *first = instance;
            enter_frame(m, init, f, c, first, n + 1, FrameKind::Init, instance)
        }
    } slow {
        call_look(m)
    }

    CallAwait |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        enter_awaited(m, callee, m.reg(m.b() + 2), arg_count(site(m)))
    } slow { call_look(m) }

    CallPlain |m| fast {
        let callee = m.peek(m.b());
        if callee.bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        // SAFETY: the guard holds: the callee is a plain class. Its reference in the window becomes the instance's.
        let instance = unsafe {
            let v = fast!(heap::quick_instance(&*((callee.bits() + 8) as *const Type)));
            // It starts with two references.
            v.header().release();
            v
        };
        m.store(m.a(), instance)
    } slow {
        call_look(m)
    }

    CallClass |m| fast { Fast::Slow } slow {
        let s = site(m);
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        if w.callee().value().bits() != s.entry.word() {
            return call_look(m);
        }
        let Some(ty) = w.callee().fixed::<Type>(FixedShape::Type) else { return call_look(m) };
        let r = call_type(m.cx(), ty, Args::positional(w.args()));
        finish_native(m, w, r, 1)
    }

    CallTypeOf |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let t = m.peek_obj(m.b() + 2).type_of().as_value();
        // SAFETY: the argument keeps its class alive.
        unsafe { t.incref() };
        finish_word(m, t)
    } slow { call_look(m) }

    CallGenerator |m| fast { Fast::Slow } slow {
        match call_generator(m, m.reg(m.b() + 2), arg_count(site(m))) {
            Some(flow) => Ok(flow),
            None => call_look(m),
        }
    }

    CallCollect |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b()).bits() == s.entry.word()
            && collect::is_fresh(m.peek_obj(m.b() + 2))
            && let Some(flow) = collect::begin(m, Consumer::from_u8(s.entry.target.get() as u8))
        {
            return Ok(flow);
        }
        call_look(m)
    }

    CallLen |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let v = m.peek(m.b() + 2);
        finish_word(m, Value::from_small_int(fast!(builtins::quick_len(v)) as i64))
    } slow { call_known(m) }

    CallIsinstance |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let (x, cls) = (m.peek_obj(m.b() + 2), m.peek(m.b() + 3));
        // Of exactly this class, or what an instance of that shape was found to be before.
        let answer = x.type_of().as_value() == cls || fast!(known_instance(s, x.shape_id().as_u32(), cls));
        // SAFETY: the instruction owns the window; somebody else holds the class, too.
        unsafe {
            if m.peek(m.b()).header().is_unique() || cls.header().is_unique() {
                return Fast::Slow;
            }
            cls.header().release();
        }
        finish_word(m, crate::ops::compare::bool_word(answer))
    } slow {
        let s = site(m);
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: 2 };
        let known = w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction);
        if known.is_none_or(|f| std::ptr::from_ref(f.def()) as usize != s.entry.target.get()) {
            return call_look(m);
        }
        let args = w.args();
        let r = args[0].is_instance(m.cx(), &args[1]);
        let ty = args[0].type_of();
        if let Ok(answer) = r
            && let Some(class) = args[1].fixed::<Type>(FixedShape::Type)
            && (ty.is_subtype(class) || shows_its_class(ty))
        {
            let cls = args[1].value().bits();
            cinder_shadow::look_instance(s, args[0].shape_id().as_u32(), ty, cls, answer);
        }
        finish_native(m, w, r.map(Obj::from_bool), 1)
    }

    CallOrd |m| fast {
        if m.peek(m.b()).bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        let c = fast!(builtins::quick_ord(m.peek(m.b() + 2)));
        finish_word(m, Value::from_small_int(i64::from(c)))
    } slow { call_known(m) }

    CallAbs |m| fast {
        if m.peek(m.b()).bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        finish_word(m, fast!(builtins::quick_abs(m.peek(m.b() + 2))))
    } slow { call_known(m) }

    CallMin |m| fast { min_max(m, true) } slow { call_known(m) }

    CallMax |m| fast { min_max(m, false) } slow { call_known(m) }

    CallNative |m| fast { Fast::Slow } slow { call_known(m) }
}

/// `min` or `max` of two numbers of one kind in words. Equal ones give the first.
#[inline(always)]
fn min_max(m: M, least: bool) -> Fast {
    if m.peek(m.b()).bits() != site(m).entry.word() {
        return Fast::Slow;
    }
    let (x, y) = (m.peek(m.b() + 2), m.peek(m.b() + 3));
    let second = if least { builtins::second_is_less(x, y) } else { builtins::second_is_less(y, x) };
    finish_word(m, if fast!(second) { y } else { x })
}

/// Calls a native function that the site knows.
fn call_known(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
    let Some(f) = w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction) else { return call_look(m) };
    // The same function bound to another receiver will do.
    if !f.is_plain() || std::ptr::from_ref(f.def()) as usize != s.entry.target.get() {
        return call_look(m);
    }
    let r = (f.def().call)(m.cx(), f.receiver(), Args::positional(w.args()));
    finish_native(m, w, r, 1)
}

/// Makes an instance of a plain Python class and pushes its `__init__`; nothing, with nothing changed, if the class is
/// not plain or the window has no room for the instance.
fn construct(m: M, w: Window, names: &[Obj], advance: u8) -> PyResult<Option<Flow>> {
    // SAFETY: the word after the callee is the window's.
    if w.first != unsafe { w.callee.add(2) } {
        return Ok(None);
    }
    let Some(ty) = w.callee().fixed::<Type>(FixedShape::Type) else { return Ok(None) };
    if !is_plain_class(ty) {
        return Ok(None);
    }
    let Some(init) = ty.lookup(intern!("__init__")).filter(|f| f.is_exact(FixedShape::Function)) else {
        return Ok(None);
    };
    let Some(f) = init.downcast::<Function>() else { return Ok(None) };
    let runs = f.code_ref().is_some_and(|c| c.downcast::<CodeObject>().is_some_and(|c| c.runs));
    if !runs {
        return Ok(None);
    }
    let instance = object::new_plain(ty);
    // SAFETY: the instruction owns the window: the class's reference goes, `__init__` takes its place.
    unsafe {
        let class = std::mem::replace(&mut *w.callee, init.clone().into_value());
        class.decref();
        *w.callee.add(1) = instance.clone().into_value();
        let w = Window { callee: w.callee, first: w.callee.add(1), count: w.count + 1 };
        push_python(m, w, f, names, advance)?;
        let fr = &mut *m.th().current.get();
        fr.kind = FrameKind::Init;
        fr.extra = instance.into_value();
    }
    Ok(Some(Flow::SWITCH))
}

/// Whether instances of a class are made by `object.__new__` and hold nothing but attributes.
pub(super) fn is_plain_class(ty: &Type) -> bool {
    let flags = ty.flags();
    flags.heap && !flags.is_abstract && object::is_plain_new(ty) && ty.layout().payload.size == 0
}

/// Pushes the frame of a Python function with these arguments above the current frame's registers; nothing if they
/// need binding or do not fit.
pub(super) fn push_values<const N: usize>(m: M, f: &Obj, args: [&Obj; N], kind: FrameKind) -> PyResult<Option<Flow>> {
    let Some(function) = f.fixed::<Function>(FixedShape::Function) else { return Ok(None) };
    let Some(code) = function.code_ptr() else { return Ok(None) };
    // SAFETY: the function keeps its code alive.
    let c = unsafe { &*code };
    let fr = m.frame();
    let need = (c.near + c.above) as usize;
    if c.simple_args != N as u32 || !c.runs || (fr.reg_end as usize - fr.top as usize) / 8 < need {
        return Ok(None);
    }
    // SAFETY: the registers above the frame are free and there are enough of them.
    unsafe {
        for (i, a) in args.into_iter().enumerate() {
            *fr.top.add(i) = a.clone().into_value();
        }
        let spec = FrameSpec::call(f.clone().into_value(), function, kind, 1);
        push_frame(m.th(), c, fr.top, N as u32, fr.reg_end, spec)?;
    }
    Ok(Some(Flow::SWITCH))
}

fast_op! {
    Call |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        enter_python(m, callee, m.reg(m.b() + 2), m.c() as u16 as u32)
    } slow {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }

    CallMethod |m| fast {
        quick_method(m, m.c() as u16 as u32)
    } slow {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, &[], 1)
    }

    CallMethodLook |m| fast { quick_method(m, arg_count(site(m))) } slow { call_method_look(m) }

    CallMethodAwait |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) || m.peek(m.b() + 1) == Value::UNBOUND {
            return Fast::Slow;
        }
        enter_awaited(m, callee, m.reg(m.b() + 1), arg_count(site(m)) + 1)
    } slow { call_method_look(m) }

    CallMethodGenerator |m| fast { Fast::Slow } slow {
        let own = u32::from(m.peek(m.b() + 1) != Value::UNBOUND);
        match call_generator(m, m.reg(m.b() + 2 - own as i16), arg_count(site(m)) + own) {
            Some(flow) => Ok(flow),
            None => call_method_look(m),
        }
    }

    CallMethodAppend |m| fast {
        let s = site(m);
        let callee = m.peek(m.b());
        if callee.bits() != s.entry.word() {
            return Fast::Slow;
        }
        let this = m.peek(m.b() + 1);
        if this == Value::UNBOUND {
            return Fast::Slow;
        }
        let l = fast!(m.peek_obj(m.b() + 1).fixed::<List>(FixedShape::List));
        if !l.has_room() {
            return Fast::Slow;
        }
        // The argument moves into the list. The callee is a method of a native type, which is immortal.
        l.quick_push(m.peek(m.b() + 2));
        m.store_drop(m.a(), crate::ops::flow::none_word(), m.b() + 1, this)
    } slow { call_method_native(m) }

    CallMethodNative |m| fast { Fast::Slow } slow { call_method_native(m) }

    CallMethodFunction |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return call_method_look(m);
        }
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        match w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction) {
            Some(f) if f.is_plain() && std::ptr::from_ref(f.def()) as usize == s.entry.target.get() => {
                let r = (f.def().call)(m.cx(), f.receiver(), Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            _ => call_method_look(m),
        }
    }

    CallMethodClass |m| fast { Fast::Slow } slow {
        let Some(w) = known_without_receiver(m) else { return call_method_look(m) };
        match w.callee().fixed::<Type>(FixedShape::Type) {
            Some(ty) => {
                let r = call_type(m.cx(), ty, Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            None => call_method_look(m),
        }
    }
}

/// Calls the Python function in the window of a method call, if it is one.
#[inline(always)]
fn quick_method(m: M, n: u32) -> Fast {
    let callee = m.peek(m.b());
    let has_self = m.peek(m.b() + 1) != Value::UNBOUND;
    if !Function::is(callee) {
        return if has_self { Fast::Slow } else { quick_bound(m, callee, n) };
    }
    let skip = if has_self { 1 } else { 2 };
    enter_python(m, callee, m.reg(m.b() + skip), n + u32::from(has_self))
}

/// A method call that its site does not know.
fn call_method_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let n = arg_count(s) as usize;
    let callee = m.peek_obj(m.b());
    if let Some(d) = callee.fixed::<MethodDescriptor>(FixedShape::NativeMethod)
        && callee.is_immortal()
        && m.peek(m.b() + 1) != Value::UNBOUND
    {
        let append = d.def().name == "append" && n == 1 && d.owner().is(cinder_pyobj::native::class_type::<List>());
        let op = if append { ShadowOp::CallMethodAppend } else { ShadowOp::CallMethodNative };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, Some(op), callee.value().bits(), 0, 0) };
    }
    if callee.is_exact(FixedShape::Function) {
        let ops = [ShadowOp::CallMethodLook, ShadowOp::CallMethodGenerator, ShadowOp::CallMethodAwait];
        look_function(m, s, callee, m.b() + 1, ops);
    } else if m.peek(m.b() + 1) == Value::UNBOUND && s.would_look() {
        let (op, target, dep) = expect(callee, n);
        let op = match op {
            Some(ShadowOp::CallClass | ShadowOp::CallPlain) => Some(ShadowOp::CallMethodClass),
            Some(_) if callee.is_exact(FixedShape::NativeFunction) => Some(ShadowOp::CallMethodFunction),
            _ => None,
        };
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_call(m.pc, s, op, callee.value().bits(), target, dep) };
    }
    let w = method_window(m, n);
    call(m, w, &[], 1)
}

/// The window of a method call whose callee the site knows and that has no receiver.
fn known_without_receiver(m: M) -> Option<Window> {
    let s = site(m);
    if m.peek(m.b()).bits() != s.entry.word() || m.peek(m.b() + 1) != Value::UNBOUND {
        return None;
    }
    Some(Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize })
}

/// Calls the native method that the site knows.
fn call_method_native(m: M) -> PyResult<Flow> {
    let s = site(m);
    let callee = m.peek(m.b());
    if callee.bits() != s.entry.word() || m.peek(m.b() + 1) == Value::UNBOUND {
        return call_method_look(m);
    }
    let n = arg_count(s) as usize;
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 1), count: n + 1 };
    let args = w.args();
    let Some(d) = w.callee().fixed::<MethodDescriptor>(FixedShape::NativeMethod) else { return call_method_look(m) };
    if !args[0].type_of().is_subtype(d.owner()) {
        return call_method_look(m);
    }
    let r = (d.def().call)(m.cx(), &args[0], Args::positional(&args[1..]));
    finish_native(m, w, r, 1)
}

op! {
    CallKw |m| {
        let w = plain_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }

    CallMethodKw |m| {
        let w = method_window(m, m.c() as u16 as usize);
        call(m, w, kw_names(m), 2)
    }
}
