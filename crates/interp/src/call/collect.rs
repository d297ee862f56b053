//! Builtins that take all of a fresh generator, such as `set(x for x in y)`, without leaving the run loop.
//!
//! The generator's frame is entered by the call instruction as one of kind `Collect`. Its yields hand the item to the
//! consumer and go on; its return gives the call its result. What the consumer has so far stands in the register of the
//! call's window where the callee was, and the generator in that of the argument.
//!
//! Where the consumer has to run Python code (an item's `__hash__`, `__bool__` or `__add__`), the generator is suspended
//! meanwhile, as it is between two items that native code asks for.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::dict::{self, Dict};
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::set::{self, Set};
use cinder_pyobj::types::slots::CmpOp;
use cinder_pyobj::types::str as text;
use cinder_pyobj::types::tuple::{self, Tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::modules::builtins::iterate::iterate::sum_items;
use crate::objects::generator::{self, Generator, State};
use crate::ops::{none_word, quick_truth, second_is_less};
use crate::thread::Thread;
use crate::unwind;

/// Who takes the items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Consumer {
    None = 0,
    // Those up to `Join` take what they are given into a list.
    List,
    Tuple,
    Sorted,
    /// `join` of an exact str, which stands where receivers do.
    Join,
    Set,
    Any,
    All,
    Sum,
    /// How many items it got stands behind what it has so far.
    Dict,
    Min,
    Max,
}

/// Set beside the consumer when tools watch the generator: items are taken the way native code does then.
pub(crate) const WATCHED: u8 = 0x80;

/// What a step of a consumer means.
enum Step {
    /// It wants the next item.
    More,
    /// It knows its result.
    Done(Obj),
}

impl Consumer {
    /// The consumer that an immortal callable is.
    pub(crate) fn of(callee: &Obj) -> Consumer {
        if !callee.is_immortal() {
            return Consumer::None;
        }
        if let Some(f) = callee.fixed::<NativeFunction>(FixedShape::NativeFunction) {
            return match f.name() {
                _ if !f.module_is_builtins() => Consumer::None,
                "any" => Consumer::Any,
                "all" => Consumer::All,
                "sum" => Consumer::Sum,
                "sorted" => Consumer::Sorted,
                "min" => Consumer::Min,
                "max" => Consumer::Max,
                _ => Consumer::None,
            };
        }
        let Some(t) = callee.fixed::<Type>(FixedShape::Type) else { return Consumer::None };
        let is = |class: &'static Type| t.is(class);
        match () {
            () if is(cinder_pyobj::native::class_type::<List>()) => Consumer::List,
            () if is(cinder_pyobj::native::class_type::<Tuple>()) => Consumer::Tuple,
            () if is(cinder_pyobj::native::class_type::<Set>()) => Consumer::Set,
            () if is(cinder_pyobj::native::class_type::<Dict>()) => Consumer::Dict,
            () => Consumer::None,
        }
    }

    /// What it has before the first item; `callee` is what was called.
    fn begin(self, callee: &Obj) -> Obj {
        match self {
            Consumer::List | Consumer::Tuple | Consumer::Sorted | Consumer::Join => list::empty(),
            Consumer::Dict => dict::new(),
            // The builtin itself stands for "nothing yet".
            Consumer::Min | Consumer::Max => callee.clone(),
            Consumer::Set => set::new(),
            Consumer::Sum => Obj::from(0i64),
            Consumer::Any | Consumer::All | Consumer::None => Obj::none(),
        }
    }

    /// Takes an item, if that runs no Python code.
    fn take_plain(self, cx: &Ctx, so_far: &mut Obj, item: &Obj) -> PyResult<Option<Step>> {
        Ok(match self {
            Consumer::List | Consumer::Tuple | Consumer::Sorted | Consumer::Join => {
                if let Some(l) = so_far.fixed::<List>(FixedShape::List) {
                    l.append(cx, item.clone())?;
                }
                Some(Step::More)
            }
            Consumer::Set => set::as_set(so_far).and_then(|s| s.quick_add(item)).map(|()| Step::More),
            Consumer::Sum => match (so_far.as_int(), item.as_int()) {
                (Some(a), Some(b)) => {
                    *so_far = Obj::from(a + b);
                    Some(Step::More)
                }
                _ => None,
            },
            // Keys of these kinds are compared with each other without Python code.
            Consumer::Dict => match (dict::as_dict(so_far), tuple::items_if_exact_tuple(item)) {
                (Some(d), Some([k, v])) if k.is_exact(FixedShape::Str) || k.as_int().is_some() => {
                    d.set(cx, k, v)?;
                    Some(Step::More)
                }
                _ => None,
            },
            Consumer::Min | Consumer::Max => {
                let (old, new) = (so_far.value(), item.value());
                let first = old.is_ptr() && !new.is_ptr();
                let better = match self {
                    _ if first => Some(true),
                    Consumer::Min => second_is_less(old, new),
                    _ => second_is_less(new, old),
                };
                if better == Some(true) {
                    *so_far = item.clone();
                }
                better.map(|_| Step::More)
            }
            Consumer::Any | Consumer::All | Consumer::None => None,
        })
    }

    /// Takes an item, which is none of the first `count`, of a suspended generator in general.
    fn take(self, cx: &Ctx, so_far: &mut Obj, item: &Obj, generator: &Obj, count: usize) -> PyResult<Step> {
        if let Some(step) = self.take_plain(cx, so_far, item)? {
            return Ok(step);
        }
        match self {
            Consumer::Set => {
                if let Some(s) = set::as_set(so_far) {
                    s.add(cx, item)?;
                }
            }
            // What is no small int is summed up as native code does, to the end.
            Consumer::Sum => {
                let total = number::add(cx, so_far, item)?;
                return sum_items(cx, total, generator).map(Step::Done);
            }
            Consumer::Dict => {
                if let Some(d) = dict::as_dict(so_far) {
                    dict::set_pair(cx, d, count, item)?;
                }
            }
            // What is no number in a word is compared as native code does, to the end.
            Consumer::Min | Consumer::Max => {
                let op = if self == Consumer::Min { CmpOp::Lt } else { CmpOp::Gt };
                let mut best = if self.has_nothing(so_far) { None } else { Some(so_far.clone()) };
                let mut item = item.clone();
                loop {
                    let better = match &best {
                        None => true,
                        Some(old) => item.rich_cmp_bool(cx, old, op)?,
                    };
                    if better {
                        best = Some(item);
                    }
                    match (generator.next(cx)?, best.as_ref()) {
                        (Some(next), _) => item = next,
                        (None, Some(best)) => return Ok(Step::Done(best.clone())),
                        (None, None) => return Ok(Step::More),
                    }
                }
            }
            Consumer::Any if item.truthy(cx)? => return Ok(Step::Done(Obj::from_bool(true))),
            Consumer::All if !item.truthy(cx)? => return Ok(Step::Done(Obj::from_bool(false))),
            _ => {}
        }
        Ok(Step::More)
    }

    /// Whether a `min` or `max` got no item yet.
    fn has_nothing(self, so_far: &Obj) -> bool {
        so_far.is_exact(FixedShape::NativeFunction) && Consumer::of(so_far) == self
    }

    /// The result of the call `m` once there are no more items.
    fn finish(self, m: M, so_far: Obj) -> PyResult {
        Ok(match self {
            Consumer::Sorted => {
                if let Some(l) = so_far.fixed::<List>(FixedShape::List) {
                    l.sort(m.cx(), None, false)?;
                }
                so_far
            }
            Consumer::Join => return text::join_exact(m.cx(), m.peek_obj(m.b() + 1), &so_far),
            Consumer::Min | Consumer::Max if self.has_nothing(&so_far) => {
                let name = if self == Consumer::Min { "min" } else { "max" };
                return Err(m.cx().value_error(format!("{name}() iterable argument is empty")));
            }
            Consumer::Any => Obj::from_bool(false),
            Consumer::All => Obj::from_bool(true),
            Consumer::Tuple => match so_far.fixed::<List>(FixedShape::List) {
                // SAFETY: the list keeps its items alive while they are copied.
                Some(l) => unsafe { tuple::from_values(l.words()) },
                None => so_far,
            },
            _ => so_far,
        })
    }

    pub(crate) fn from_u8(n: u8) -> Consumer {
        use Consumer::{All, Any, Dict, Join, List, Max, Min, Set, Sorted, Sum, Tuple};
        let all = [Consumer::None, List, Tuple, Sorted, Join, Set, Any, All, Sum, Dict, Min, Max];
        all.get(n as usize).copied().unwrap_or(Consumer::None)
    }
}

/// Whether an argument is a generator that nobody else holds and that has not begun.
#[inline(always)]
pub(crate) fn is_fresh(arg: &Obj) -> bool {
    // SAFETY: the register holds a value.
    arg.fixed::<Generator>(FixedShape::Generator).is_some_and(|g| g.state() == State::Created)
        && unsafe { arg.value().header() }.is_unique()
}

/// Begins a call of a consumer with a fresh generator as its argument. Nothing, with nothing changed, where the
/// generator can't be entered.
pub(crate) fn begin(m: M, consumer: Consumer) -> Option<Flow> {
    let g = m.peek_obj(m.b() + 2).fixed::<Generator>(FixedShape::Generator)?;
    let Fast::Enter(pc, _, f) = g.enter_quick(m, FrameKind::Collect, none_word()) else { return None };
    // SAFETY: the generator's frame is current now.
    unsafe {
        (*f).consumer = consumer as u8;
        (*f).pc = pc;
    }
    let callee = m.take(m.b());
    m.put(m.b(), consumer.begin(&callee));
    if consumer == Consumer::Dict {
        m.put_word(m.b() + 1, Value::from_small_int(0));
    }
    drop(callee);
    Some(Flow::SWITCH)
}

/// The call instruction that waits for a generator's frame of kind `Collect`.
///
/// # Safety
/// The frame must be the current one.
unsafe fn waiting(th: *const Thread, caller: *mut Frame) -> M {
    // SAFETY: the frame below stands at its call.
    unsafe { M { pc: (*caller).pc, base: (*caller).base, fr: caller, th, w: (*(*caller).pc).0 } }
}

/// Hands the item that the current frame yields to its consumer, where that takes no call.
#[inline(always)]
pub(crate) fn yield_quick(m: M) -> Fast {
    let v = m.peek(m.b());
    // SAFETY: the frame is one of kind `Collect`; the frame below stands at its call, whose window holds what the
    // consumer has so far.
    unsafe {
        let f = m.frame();
        let consumer = f.consumer;
        if consumer >= Consumer::List as u8 && consumer <= Consumer::Join as u8 {
            let caller = f.prev;
            let so_far = (*caller).base.offset((*(*caller).pc).b() as i16 as isize);
            let Some(l) = Obj::borrow_from(so_far).fixed::<List>(FixedShape::List) else { return Fast::Slow };
            if !l.has_room() {
                return Fast::Slow;
            }
            l.quick_push(m.owned(m.b()));
            return m.store(m.a(), none_word());
        }
        if consumer == Consumer::Sum as u8 {
            let caller = f.prev;
            let so_far = (*caller).base.offset((*(*caller).pc).b() as i16 as isize);
            let (Some(a), Some(b)) = ((*so_far).as_int(), v.as_int()) else { return Fast::Slow };
            let Some(total) = Value::from_i64(a + b) else { return Fast::Slow };
            *so_far = total;
            return m.store(m.a(), none_word());
        }
        let ends_at = if consumer == Consumer::Any as u8 {
            true
        } else if consumer == Consumer::All as u8 {
            false
        } else {
            return Fast::Slow;
        };
        match quick_truth(v) {
            Some(truth) if truth != ends_at => m.store_drop(m.a(), none_word(), m.b(), v),
            _ => Fast::Slow,
        }
    }
}

/// As [`yield_quick`], in general.
pub(crate) fn yield_slow(m: M, item: Obj) -> PyResult<Flow> {
    let th = m.th();
    let watched = m.frame().consumer & WATCHED != 0;
    let consumer = Consumer::from_u8(m.frame().consumer & !WATCHED);
    // SAFETY: as in `yield_quick`.
    let call = unsafe { waiting(m.th, m.frame().prev) };
    let mut so_far = call.take(call.b());
    let count = if consumer == Consumer::Dict { count_item(call) } else { 0 };
    let plain = consumer.take_plain(m.cx(), &mut so_far, &item);
    if let Ok(Some(Step::More)) = plain
        && !watched
    {
        call.put(call.b(), so_far);
        drop(item);
        m.set(m.a(), Obj::none());
        return Ok(Flow::NEXT);
    }
    generator::suspend(th, m.fr);
    // SAFETY: the generator is suspended, so its frame is nobody's.
    unsafe { (*m.fr).kind = FrameKind::Entry };
    let step = match plain {
        Ok(Some(step)) => Ok(step),
        Ok(None) => consumer.take(m.cx(), &mut so_far, &item, call.peek_obj(call.b() + 2), count),
        Err(r) => Err(r),
    };
    drop(item);
    match step {
        Ok(Step::More) => {
            call.put(call.b(), so_far);
            if watched {
                return Ok(take_rest(call, consumer));
            }
            let g = call.peek_obj(call.b() + 2);
            if let Some(g) = g.fixed::<Generator>(FixedShape::Generator) {
                match g.enter_quick(call, FrameKind::Collect, none_word()) {
                    Fast::Enter(pc, _, f) => {
                        // SAFETY: the generator's frame is current again.
                        unsafe { (*f).pc = pc };
                        return Ok(Flow::SWITCH);
                    }
                    Fast::Drop(old, pc, _, f) => {
                        // SAFETY: as above; the last reference was found in a register.
                        unsafe {
                            (*f).pc = pc;
                            old.decref();
                        }
                        return Ok(Flow::SWITCH);
                    }
                    _ => {}
                }
            }
            Ok(take_rest(call, consumer))
        }
        Ok(Step::Done(result)) => Ok(end(call, so_far, Ok(result))),
        Err(r) => Ok(end(call, so_far, Err(r))),
    }
}

/// How many items the consumer of this call got before; counts one more.
fn count_item(call: M) -> usize {
    let n = call.peek(call.b() + 1).as_int().unwrap_or_default();
    call.put_word(call.b() + 1, Value::from_small_int(n + 1));
    n as usize
}

/// The receiver of the call, if it has one.
fn take_receiver(call: M) -> Option<Obj> {
    (call.frame().plain_insn().op() == Some(Opcode::CallMethod)).then(|| call.take(call.b() + 1))
}

/// Takes the rest of a suspended generator the way native code does.
fn take_rest(call: M, consumer: Consumer) -> Flow {
    let mut so_far = call.take(call.b());
    let g = call.peek_obj(call.b() + 2).clone();
    let mut rest = || -> PyResult<Option<Obj>> {
        while let Some(item) = g.next(call.cx())? {
            let count = if consumer == Consumer::Dict { count_item(call) } else { 0 };
            if let Step::Done(result) = consumer.take(call.cx(), &mut so_far, &item, &g, count)? {
                return Ok(Some(result));
            }
        }
        Ok(None)
    };
    match rest() {
        Ok(Some(result)) => end(call, so_far, Ok(result)),
        Ok(None) => end(call, Obj::none(), consumer.finish(call, so_far)),
        Err(r) => end(call, so_far, Err(r)),
    }
}

/// Ends the call, whose frame is current: drops what is left of its window, then gives it its result.
fn end(call: M, so_far: Obj, result: PyResult) -> Flow {
    let g = call.take(call.b() + 2);
    let receiver = take_receiver(call);
    match result {
        Ok(v) => {
            drop(so_far);
            drop((receiver, g));
            call.set(call.a(), v);
            let f = call.frame();
            // The frame may go on in another copy of its code than the one that made the call.
            // SAFETY: it stands at the call there, too.
            f.pc = unsafe { f.pc.add(1) };
            Flow::SWITCH
        }
        Err(_) => {
            let pending = call.cx().take_pending();
            drop(so_far);
            drop((receiver, g));
            if let Some(e) = pending {
                let _ = call.cx().set_pending(e);
            }
            unwind::unwind(call.th(), true)
        }
    }
}

/// The generator returned; its caller is current again.
pub(crate) fn returned(th: &Thread, consumer: u8) -> Flow {
    let consumer = Consumer::from_u8(consumer & !WATCHED);
    // SAFETY: the frame below stands at its call.
    let call = unsafe { waiting(th, th.current.get()) };
    let so_far = call.take(call.b());
    end(call, Obj::none(), consumer.finish(call, so_far))
}

/// The generator raised; its caller is current again and drops what its call holds.
pub(crate) fn raised(th: &Thread) {
    // SAFETY: the frame below stands at its call, which owns its window.
    let call = unsafe { waiting(th, th.current.get()) };
    drop(call.take(call.b()));
    drop(take_receiver(call));
    drop(call.take(call.b() + 2));
}
