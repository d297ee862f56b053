//! The attribute macros: what they declare, and how declared functions treat their arguments.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, Kwargs, NativeFn, Payload, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::{Ctx, Host, Obj, PyResult, Type};

/// A stack of objects.
///
/// With a limit.
#[pyclass(name = "Stack", module = "demo", flags(basetype, weakref, sequence))]
#[derive(Traverse)]
struct Stack {
    items: RefCell<Vec<Obj>>,
    limit: usize,
    label: Cell<Option<Obj>>,
}

#[pymethods(parts("more"))]
impl Stack {
    #[pynew(sig = "(iterable=(), *, limit=100, label='none')")]
    fn __new__(ty: &Type, iterable: Option<&Obj>, limit: usize, label: String) -> PyResult {
        let items = RefCell::new(iterable.cloned().into_iter().collect());
        Ok(new_instance(ty, Stack { items, limit, label: Cell::new(Some(Obj::from(label.as_str()))) }))
    }

    /// Puts an object on top.
    #[pymethod(sig = "($self, x, /)")]
    fn push(cx: &Ctx, this: This<'_, Stack>, x: Obj) -> PyResult<()> {
        if this.items.borrow().len() >= this.limit {
            return Err(cx.index_error("full"));
        }
        this.items.borrow_mut().push(x);
        Ok(())
    }

    #[pymethod]
    fn pop(cx: &Ctx, this: This<'_, Stack>) -> PyResult {
        this.items.borrow_mut().pop().ok_or_else(|| cx.index_error("empty"))
    }

    #[pymethod(sig = "(i, x=0, /)")]
    fn weigh(&self, i: i64, x: f64) -> f64 {
        i as f64 + x + self.limit as f64
    }

    #[pymethod(name = "__copy__")]
    fn copy(this: &Obj) -> Obj {
        this.clone()
    }

    #[pyclassmethod(sig = "($type, iterable, /)")]
    fn of(ty: &Type, iterable: &Obj) -> PyResult {
        Stack::__new__(ty, Some(iterable), 1, "of".into())
    }

    #[pystaticmethod(sig = "(a, b=None)")]
    fn choose(a: i64, b: Option<i64>) -> i64 {
        b.unwrap_or(a)
    }

    fn __len__(this: This<'_, Stack>) -> PyResult<usize> {
        Ok(this.items.borrow().len())
    }

    fn __richcmp__(&self, other: &Obj, op: CmpOp) -> PyResult {
        match other.downcast::<Stack>() {
            Some(o) => Ok(Obj::from_bool(op.holds(self.limit.cmp(&o.limit)))),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn nb_add(a: &Obj, _b: &Obj) -> PyResult {
        Ok(a.clone())
    }

    /// The limit.
    #[pygetter]
    fn limit(this: This<'_, Stack>) -> usize {
        this.limit
    }

    #[pygetter(member)]
    fn get_label(this: This<'_, Stack>) -> Option<Obj> {
        let label = this.label.take();
        this.label.set(label.clone());
        label
    }

    #[pysetter]
    fn set_label(this: This<'_, Stack>, value: Option<&Obj>) -> PyResult<()> {
        this.label.set(value.cloned());
        Ok(())
    }
}

#[pymethods(part = "more")]
impl Stack {
    #[pymethod]
    fn raw(this: This<'_, Stack>, args: Args<'_>) -> usize {
        args.all().len() + this.limit
    }
}

#[pyclass(name = "Sub", module = "demo", base = Stack, payload = "inherit")]
struct Sub;

#[pyclass(base = Stack)]
#[derive(Traverse)]
#[repr(C)]
struct Extended {
    base: Stack,
    #[traverse(skip)]
    _hook: fn(),
}

#[derive(Traverse)]
#[expect(dead_code, reason = "the skipped field is only there to be skipped")]
enum Leafless {
    Empty,
    Pair(Obj, #[traverse(skip)] fn()),
    Named { items: Vec<Obj>, count: u32 },
}

#[derive(Traverse)]
struct Leaf(u32, String);

/// Demonstrates.
#[pymodule(name = "demo", classes(super::Stack, super::Sub), parts(super::part))]
mod demo {
    use super::*;

    /// The cosine.
    #[pyfunction(sig = "(x, /)")]
    fn cos(x: f64) -> f64 {
        x.cos()
    }

    #[pyfunction(sig = "(*args, sep=' ', **kwargs)")]
    fn show(args: &[Obj], sep: Option<&Obj>, kwargs: Kwargs<'_>) -> usize {
        args.len() * 100 + usize::from(sep.is_some()) * 10 + kwargs.len()
    }

    #[pyfunction(sig = "(a, b, /, c, d=5, *, e=True)")]
    fn mixed(a: i64, b: i64, c: This<'_, Stack>, d: i64, e: bool) -> i64 {
        if e { a + b + d + c.limit as i64 } else { -1 }
    }

    #[pyfunction(sig = "(text, /, count=2)")]
    fn repeat(text: &str, count: u8) -> String {
        text.repeat(count.into())
    }
}

#[pymodule(name = "demo", part)]
mod part {
    #[pyfunction(sig = "(in_, /)")]
    fn second(r#in: i64) -> i64 {
        r#in
    }
}

static HOST: Host = Host::bare();

fn with_cx(f: impl FnOnce(&Ctx)) {
    // Objects and types are per process and need one thread at a time.
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = LOCK.lock().unwrap_or_else(|e| e.into_inner());
    let cx = Ctx::new(&HOST, 1 << 20);
    // SAFETY: the lock is held, and the context outlives its use.
    unsafe { cx.make_current() };
    cinder_pyobj::types::init();
    f(&cx);
}

/// The repr of a call's result, or the exception's class and text.
fn call(cx: &Ctx, f: &NativeFn, recv: &Obj, pos: &[Obj], kw: &[(&str, Obj)]) -> String {
    let names: Vec<Obj> = kw.iter().map(|k| Obj::from(k.0)).collect();
    let all: Vec<Obj> = pos.iter().cloned().chain(kw.iter().map(|k| k.1.clone())).collect();
    let shown = |o: &Obj| o.str(cx).map(|s| cinder_pyobj::types::str::as_utf8_lossy(&s).into_owned());
    match (f.call)(cx, recv, Args::new(&all, &names)) {
        Ok(v) => shown(&v).unwrap_or_default(),
        Err(r) => {
            let e = cx.take(r);
            let text = shown(&e).unwrap_or_default();
            format!("{}: {text}", e.type_of().name())
        }
    }
}

fn find<'a>(all: &'a [NativeFn], name: &str) -> &'a NativeFn {
    all.iter().find(|m| m.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn stack(cx: &Ctx) -> Obj {
    let new = Stack::type_object().slots.new.get().unwrap();
    new(cx, Stack::type_object(), Args::none()).unwrap()
}

#[test]
fn classes_are_declared() {
    let c = Stack::class();
    assert_eq!((c.name, c.module), ("Stack", "demo"));
    assert_eq!(c.sig, "(iterable=(), *, limit=100, label='none')");
    assert_eq!(c.doc, "A stack of objects.\n\nWith a limit.");
    let names: Vec<_> = c.methods.iter().map(|m| m.name).collect();
    assert_eq!(names, ["push", "pop", "weigh", "__copy__", "of", "choose", "raw"]);
    let sig = |n: &str| find(c.methods, n).sig;
    assert_eq!((sig("push"), sig("pop"), sig("raw")), ("($self, x, /)", "($self, /)", ""));
    assert_eq!((sig("of"), sig("choose")), ("($type, iterable, /)", "(a, b=None)"));
    assert_eq!(find(c.methods, "weigh").arity, (1, 2));
    assert!(c.getset[0].set.is_none() && !c.getset[0].is_member && c.getset[0].doc == "The limit.");
    assert!(c.getset[1].set.is_some() && c.getset[1].is_member && c.getset[1].name == "label");
    assert!(std::ptr::eq(Sub::class().payload, Stack::DEF));
    assert!(std::ptr::eq(Extended::DEF.parent.unwrap(), Stack::DEF));
    assert_eq!(demo::MODULE.classes.len(), 2);
    assert_eq!(demo::MODULE.doc, "Demonstrates.");
    assert_eq!(find(demo::MODULE.functions, "cos").sig, "($module, x, /)");
}

#[test]
fn slots_are_filled() {
    with_cx(|cx| {
        let s = &Stack::type_object().slots;
        assert!(s.len.get().is_some() && s.add.get().is_some() && s.richcmp.get().is_some());
        assert!(s.getitem.get().is_none());
        let one = stack(cx);
        assert!(matches!(s.len.get().unwrap()(cx, &one), Ok(0)));
        let r = s.len.get().unwrap()(cx, &Obj::from(1i64));
        let e = cx.take(r.unwrap_err());
        let text = e.str(cx).unwrap();
        assert_eq!(
            cinder_pyobj::types::str::as_utf8_lossy(&text),
            "descriptor '__len__' requires a 'demo.Stack' object but received a 'int'"
        );
    });
}

#[test]
fn arguments_are_bound_and_converted() {
    with_cx(|cx| {
        let s = &stack(cx);
        let i = |n: i64| Obj::from(n);
        let m = |n: &str, pos: &[Obj], kw: &[(&str, Obj)]| call(cx, find(Stack::class().methods, n), s, pos, kw);
        let f = |n: &str, pos: &[Obj], kw: &[(&str, Obj)]| call(cx, find(demo::MODULE.functions, n), s, pos, kw);
        let text = Obj::from("s");
        assert_eq!(m("push", &[], &[]), "TypeError: Stack.push() takes exactly one argument (0 given)");
        assert_eq!(m("pop", &[i(1)], &[]), "TypeError: Stack.pop() takes no arguments (1 given)");
        assert_eq!(m("push", &[], &[("x", i(1))]), "TypeError: Stack.push() takes no keyword arguments");
        assert_eq!(m("push", &[i(1)], &[]), "None");
        assert_eq!(m("pop", &[], &[]), "1");
        assert_eq!(m("weigh", &[], &[]), "TypeError: weigh expected at least 1 argument, got 0");
        assert_eq!(m("weigh", &[i(1)], &[]), "101.0");
        assert_eq!(m("weigh", &[i(1), Obj::from(2.5)], &[]), "103.5");
        assert_eq!(
            m("weigh", std::slice::from_ref(&text), &[]),
            "TypeError: 'str' object cannot be interpreted as an integer"
        );
        assert_eq!(m("weigh", &[i(1), text.clone()], &[]), "TypeError: must be real number, not str");
        assert_eq!(m("choose", &[i(1)], &[("b", Obj::none())]), "1");
        assert_eq!(m("choose", &[i(1)], &[("b", i(7))]), "7");
        assert_eq!(
            m("choose", &[i(1)], &[("a", i(7))]),
            "TypeError: argument for choose() given by name ('a') and position (1)"
        );
        assert_eq!(m("raw", &[i(1), i(2)], &[("k", i(3))]), "103");
        assert_eq!(f("cos", &[i(1), i(2)], &[]), "TypeError: demo.cos() takes exactly one argument (2 given)");
        assert_eq!(f("show", &[i(1), i(2)], &[("sep", i(1)), ("k", i(2))]), "211");
        assert_eq!(f("second", &[i(7)], &[]), "7");
        assert_eq!(f("mixed", &[i(1), i(2), s.clone()], &[]), "108");
        assert_eq!(f("mixed", &[i(1), i(2), s.clone()], &[("e", Obj::from_bool(false))]), "-1");
        assert_eq!(f("mixed", &[i(1)], &[]), "TypeError: mixed() takes at least 2 positional arguments (1 given)");
        assert_eq!(f("mixed", &[i(1), i(2)], &[]), "TypeError: mixed() missing required argument 'c' (pos 3)");
        assert_eq!(f("mixed", &[i(1), i(2), i(3)], &[]), "TypeError: mixed() argument 'c' must be demo.Stack, not int");
        assert_eq!(
            f("mixed", &[i(1), i(2)], &[("q", i(1))]),
            "TypeError: mixed() missing required argument 'c' (pos 3)"
        );
        assert_eq!(
            f("mixed", &[i(1), i(2), s.clone()], &[("q", i(1))]),
            "TypeError: mixed() got an unexpected keyword argument 'q'"
        );
        let five: Vec<Obj> = (0..5).map(i).collect();
        assert_eq!(f("mixed", &five, &[]), "TypeError: mixed() takes at most 4 positional arguments (5 given)");
        assert_eq!(f("repeat", std::slice::from_ref(&text), &[]), "ss");
        assert_eq!(f("repeat", &[i(1)], &[]), "TypeError: repeat() argument 1 must be str, not int");
        assert_eq!(
            f("repeat", &[text.clone(), i(300)], &[]),
            "OverflowError: unsigned byte integer is greater than maximum"
        );
        assert_eq!(f("repeat", &[text, i(-1)], &[]), "OverflowError: unsigned byte integer is less than minimum");
    });
}

#[test]
fn fields_are_traversed() {
    const {
        assert!(!Leaf::HOLDS_REFERENCES && Leafless::HOLDS_REFERENCES && Stack::HOLDS_REFERENCES);
    }
    let seen = |t: &dyn Fn(&mut dyn FnMut(cinder_pyobj::Value))| {
        let mut n = Vec::new();
        t(&mut |v| n.extend(v.as_int()));
        n
    };
    let i = |n: i64| Obj::from(n);
    assert_eq!(seen(&|v| Leafless::Pair(i(1), || ()).traverse(v)), [1]);
    assert_eq!(seen(&|v| Leafless::Named { items: vec![i(2), i(3)], count: 0 }.traverse(v)), [2, 3]);
    assert_eq!(seen(&|v| Leafless::Empty.traverse(v)), []);
    let s = Stack { items: RefCell::new(vec![i(4)]), limit: 9, label: Cell::new(Some(i(5))) };
    assert_eq!(seen(&|v| s.traverse(v)), [4, 5]);
    s.clear();
    assert_eq!(seen(&|v| s.traverse(v)), []);
    assert!(matches!(Leafless::Named { items: vec![], count: 3 }, Leafless::Named { count: 3, .. }));
    assert_eq!(Leaf(1, "x".into()).0, 1);
}
