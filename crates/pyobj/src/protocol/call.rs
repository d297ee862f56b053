//! Calls.

use crate::ctx::{Ctx, PyResult};
use crate::native::Args;
use crate::protocol::attr::{Method, get_method};
use crate::types::str::Name;
use crate::value::Obj;

/// Runs `f` with `this` and then the arguments, which are borrowed as they are.
#[inline]
pub fn with_receiver<R>(this: &Obj, args: &[Obj], f: impl FnOnce(&[Obj]) -> R) -> R {
    const FEW: usize = 7;
    if args.len() <= FEW {
        let mut words = [this.value(); FEW + 1];
        let mut i = 0;
        while i < args.len() {
            words[i + 1] = args[i].value();
            i += 1;
        }
        // SAFETY: the words are borrowed from handles that outlive the call.
        return f(unsafe { Obj::slice_from(words.as_ptr(), args.len() + 1) });
    }
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(this.clone());
    all.extend_from_slice(args);
    f(&all)
}

impl Obj {
    /// `x(*args, **kwargs)`.
    #[inline]
    pub fn call(&self, cx: &Ctx, args: Args<'_>) -> PyResult {
        match self.type_of().slots.call.get() {
            Some(f) => f(cx, self, args),
            None => Err(self.not_callable(cx)),
        }
    }

    #[cold]
    fn not_callable(&self, cx: &Ctx) -> crate::Raised {
        cx.type_error(format!("'{}' object is not callable", self.type_of().name()))
    }

    /// `x()`.
    pub fn call0(&self, cx: &Ctx) -> PyResult {
        self.call(cx, Args::none())
    }

    /// `x(a)`.
    pub fn call1(&self, cx: &Ctx, a: &Obj) -> PyResult {
        self.call(cx, Args::positional(std::slice::from_ref(a)))
    }

    /// `x(*args)`.
    pub fn call_pos(&self, cx: &Ctx, args: &[Obj]) -> PyResult {
        self.call(cx, Args::positional(args))
    }

    /// `x.name(*args)`.
    pub fn call_method(&self, cx: &Ctx, name: Name, args: &[Obj]) -> PyResult {
        match get_method(cx, self, name)? {
            Method::Unbound(f) => {
                let mut all: smallvec::SmallVec<[Obj; 6]> = smallvec::smallvec![self.clone()];
                all.extend(args.iter().cloned());
                f.call_pos(cx, &all)
            }
            Method::Bound(f) => f.call_pos(cx, args),
        }
    }

    /// `callable(x)`.
    pub fn is_callable(&self) -> bool {
        self.type_of().slots.call.get().is_some()
    }
}
