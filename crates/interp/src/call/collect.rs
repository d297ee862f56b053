//! Builtins that take all of a fresh generator, such as `set(x for x in y)`, without leaving the run loop.
//!
//! The generator's frame is entered by the call instruction as one of kind `Collect`. Its yields hand the item to the
//! consumer and go on; its return gives the call its result. What the consumer has so far stands in the register of the
//! call's window where the callee was, and the generator in that of the argument.
//!
//! Where the consumer has to run Python code (an item's `__hash__`, `__bool__` or `__add__`), the generator is suspended
//! meanwhile, as it is between two items that native code asks for.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::set::{self, Set};
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::modules::builtins::iterate::iterate::sum_items;
use crate::objects::generator::{self, Generator, State};
use crate::ops::{none_word, quick_truth};
use crate::thread::Thread;
use crate::unwind;

/// Who takes the items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Consumer {
    None = 0,
    List,
    Tuple,
    Set,
    Any,
    All,
    Sum,
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
                _ => Consumer::None,
            };
        }
        let Some(t) = callee.fixed::<Type>(FixedShape::Type) else { return Consumer::None };
        let is = |class: &'static Type| t.is(class);
        match () {
            () if is(cinder_pyobj::native::class_type::<List>()) => Consumer::List,
            () if is(cinder_pyobj::native::class_type::<Tuple>()) => Consumer::Tuple,
            () if is(cinder_pyobj::native::class_type::<Set>()) => Consumer::Set,
            () => Consumer::None,
        }
    }

    /// What it has before the first item.
    fn begin(self) -> Obj {
        match self {
            Consumer::List | Consumer::Tuple => list::empty(),
            Consumer::Set => set::new(),
            Consumer::Sum => Obj::from(0i64),
            Consumer::Any | Consumer::All | Consumer::None => Obj::none(),
        }
    }

    /// Takes an item, if that runs no Python code.
    fn take_plain(self, cx: &Ctx, so_far: &mut Obj, item: &Obj) -> PyResult<Option<Step>> {
        Ok(match self {
            Consumer::List | Consumer::Tuple => {
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
            Consumer::Any | Consumer::All | Consumer::None => None,
        })
    }

    /// Takes an item of a suspended generator in general.
    fn take(self, cx: &Ctx, so_far: &mut Obj, item: &Obj, generator: &Obj) -> PyResult<Step> {
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
            Consumer::Any if item.truthy(cx)? => return Ok(Step::Done(Obj::from_bool(true))),
            Consumer::All if !item.truthy(cx)? => return Ok(Step::Done(Obj::from_bool(false))),
            _ => {}
        }
        Ok(Step::More)
    }

    /// The result once there are no more items.
    fn finish(self, so_far: Obj) -> Obj {
        match self {
            Consumer::Any => Obj::from_bool(false),
            Consumer::All => Obj::from_bool(true),
            Consumer::Tuple => match so_far.fixed::<List>(FixedShape::List) {
                // SAFETY: the list keeps its items alive while they are copied.
                Some(l) => unsafe { cinder_pyobj::types::tuple::from_values(l.words()) },
                None => so_far,
            },
            _ => so_far,
        }
    }

    pub(crate) fn from_u8(n: u8) -> Consumer {
        [Consumer::None, Consumer::List, Consumer::Tuple, Consumer::Set, Consumer::Any, Consumer::All, Consumer::Sum]
            .get(n as usize)
            .copied()
            .unwrap_or(Consumer::None)
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
    m.put(m.b(), consumer.begin());
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
        if consumer == Consumer::List as u8 || consumer == Consumer::Tuple as u8 {
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
        Ok(None) => consumer.take(m.cx(), &mut so_far, &item, call.peek_obj(call.b() + 2)),
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

/// Takes the rest of a suspended generator the way native code does.
fn take_rest(call: M, consumer: Consumer) -> Flow {
    let mut so_far = call.take(call.b());
    let g = call.peek_obj(call.b() + 2).clone();
    let mut rest = || -> PyResult<Option<Obj>> {
        while let Some(item) = g.next(call.cx())? {
            if let Step::Done(result) = consumer.take(call.cx(), &mut so_far, &item, &g)? {
                return Ok(Some(result));
            }
        }
        Ok(None)
    };
    match rest() {
        Ok(Some(result)) => end(call, so_far, Ok(result)),
        Ok(None) => end(call, Obj::none(), Ok(consumer.finish(so_far))),
        Err(r) => end(call, so_far, Err(r)),
    }
}

/// Ends the call, whose frame is current: drops what is left of its window, then gives it its result.
fn end(call: M, so_far: Obj, result: PyResult) -> Flow {
    let g = call.take(call.b() + 2);
    match result {
        Ok(v) => {
            drop(so_far);
            drop(g);
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
            drop(g);
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
    end(call, Obj::none(), Ok(consumer.finish(so_far)))
}

/// The generator raised; its caller is current again and drops what its call holds.
pub(crate) fn raised(th: &Thread) {
    // SAFETY: the frame below stands at its call, which owns its window.
    let call = unsafe { waiting(th, th.current.get()) };
    drop(call.take(call.b()));
    drop(call.take(call.b() + 2));
}
