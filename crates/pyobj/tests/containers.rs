//! The containers, the collector and weak references without an interpreter.

use std::sync::{Mutex, MutexGuard};

use cinder_pyobj::heap::gc;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, list, set, tuple, type_type, weakref};
use cinder_pyobj::{Ctx, Host, Obj};

static LOCK: Mutex<()> = Mutex::new(());
static HOST: Host = Host::bare();

/// The object heap is process-wide, so the tests take turns.
fn with_context(f: impl FnOnce(&Ctx)) {
    let _turn: MutexGuard<'_, ()> = LOCK.lock().unwrap_or_else(|e| e.into_inner());
    let cx = Ctx::new(&HOST, 512 * 1024);
    // SAFETY: the lock above stands for the interpreter lock, and `cx` outlives its use.
    unsafe { cx.make_current() };
    cinder_pyobj::types::init();
    f(&cx);
}

fn int(n: i64) -> Obj {
    Obj::from(n)
}

fn text(cx: &Ctx, o: &Obj) -> String {
    cinder_pyobj::types::str::as_utf8_lossy(&o.repr(cx).expect("repr works")).into_owned()
}

#[test]
fn lists_sort_and_show_themselves() {
    with_context(|cx| {
        gc::collect(cx, 2);
        let l = list::new([5, 3, 9, 1].map(int).to_vec());
        l.call_method(cx, Name::new("sort"), &[]).expect("ints compare");
        assert_eq!(text(cx, &l), "[1, 3, 5, 9]");
        list::as_list(&l).expect("a list").push(l.clone());
        assert_eq!(text(cx, &l), "[1, 3, 5, 9, [...]]");
        drop(l);
        assert_eq!(gc::collect(cx, 2), 1);
    });
}

#[test]
fn dicts_keep_order_and_find_equal_keys() {
    with_context(|cx| {
        let d = dict::new();
        for n in 0..1000 {
            dict::set(cx, &d, &int(n), &int(n * n)).expect("ints hash");
        }
        for n in (0..1000).step_by(2) {
            assert!(dict::remove(cx, &d, &int(n)).expect("ints hash"));
        }
        dict::set(cx, &d, &Obj::from(7.0), &Obj::from("seven")).expect("floats hash");
        let items = dict::items_if_dict(&d).expect("a dict");
        assert_eq!(items.len(), 500);
        assert_eq!(text(cx, &items[3].0), "7");
        assert_eq!(text(cx, &items[3].1), "'seven'");
        let e = d.call_method(cx, Name::new("copy"), &[]).expect("copies");
        assert!(d.eq(cx, &e).expect("compares"));
    });
}

#[test]
fn namespace_cells_outlive_deletion() {
    with_context(|cx| {
        let d = dict::new_namespace();
        let ns = dict::as_dict(&d).expect("a dict");
        let (a, b) = (Name::new("alpha"), Name::new("beta"));
        let cell = ns.cell(a).expect("a namespace") as *const _;
        assert_eq!(ns.len(), 0);
        ns.set_name(a, int(1));
        ns.set_name(b, int(2));
        assert!(std::ptr::eq(cell, ns.cell(a).expect("a namespace")));
        assert_eq!(text(cx, &d), "{'alpha': 1, 'beta': 2}");
        assert!(dict::remove(cx, &d, &a.obj()).expect("str hashes"));
        ns.set_name(a, int(3));
        assert!(std::ptr::eq(cell, ns.cell(a).expect("a namespace")));
        assert_eq!(text(cx, &d), "{'beta': 2, 'alpha': 3}");
        for n in 0..100 {
            dict::set(cx, &d, &int(n), &int(n)).expect("ints hash");
        }
        assert!(std::ptr::eq(cell, ns.cell(a).expect("a namespace")));
        ns.clear_all();
        assert_eq!((ns.len(), ns.get_name(a).is_none()), (0, true));
    });
}

fn make_class(cx: &Ctx, name: &str) -> Obj {
    let ns = dict::new();
    let module = Name::new("__module__").obj();
    dict::set(cx, &ns, &module, &Obj::from("test")).expect("stores");
    type_type().as_obj().call_pos(cx, &[Obj::from(name), tuple::empty(), ns]).expect("a class")
}

#[test]
fn instance_dicts_show_shapes() {
    with_context(|cx| {
        let c = make_class(cx, "C");
        let o = c.call0(cx).expect("an instance");
        for (i, n) in ["x", "y", "z"].iter().enumerate() {
            o.set_attr(cx, Name::new(n), &int(i as i64)).expect("stores");
        }
        let d = dict::instance_dict(cx, &o).expect("made").expect("has one");
        assert_eq!(text(cx, &d), "{'x': 0, 'y': 1, 'z': 2}");
        dict::set(cx, &d, &Obj::from("w"), &int(9)).expect("stores");
        assert_eq!(text(cx, &o.get_attr(cx, Name::new("w")).expect("there")), "9");
        assert!(dict::remove(cx, &d, &Obj::from("w")).expect("removes"));
        assert!(dict::remove(cx, &d, &Obj::from("x")).expect("removes"));
        o.set_attr(cx, Name::new("x"), &int(5)).expect("stores");
        assert_eq!(text(cx, &d), "{'y': 1, 'z': 2, 'x': 5}");
        dict::set(cx, &d, &int(1), &int(1)).expect("stores");
        assert_eq!(text(cx, &d), "{'y': 1, 'z': 2, 'x': 5, 1: 1}");
        // A dict that outlives its object keeps the attributes.
        let p = c.call0(cx).expect("an instance");
        p.set_attr(cx, Name::new("only"), &int(4)).expect("stores");
        let d = dict::instance_dict(cx, &p).expect("made").expect("has one");
        drop(p);
        assert_eq!(text(cx, &d), "{'only': 4}");
    });
}

#[test]
fn cycles_of_instances_are_collected_and_weak_references_end() {
    with_context(|cx| {
        let c = make_class(cx, "Node");
        gc::collect(cx, 2);
        let (a, b) = (c.call0(cx).expect("made"), c.call0(cx).expect("made"));
        a.set_attr(cx, Name::new("other"), &b).expect("stores");
        b.set_attr(cx, Name::new("other"), &a).expect("stores");
        let calls = list::empty();
        let append = calls.get_attr(cx, Name::new("append")).expect("a method");
        let r = weakref::new_ref(cx, &a, Some(&append)).expect("weakly referenceable");
        let plain = weakref::new_ref(cx, &b, None).expect("weakly referenceable");
        assert!(plain.is(&weakref::new_ref(cx, &b, None).expect("reused")));
        assert!(r.call0(cx).expect("alive").is(&a));
        drop((a, b));
        assert!(!r.call0(cx).expect("alive").is_none());
        assert_eq!(gc::collect(cx, 2), 2);
        assert!(r.call0(cx).expect("dead").is_none() && plain.call0(cx).expect("dead").is_none());
        assert_eq!(list::as_list(&calls).expect("a list").len(), 1);
    });
}

#[test]
fn a_class_and_its_instances_are_collected_together() {
    with_context(|cx| {
        gc::collect(cx, 2);
        let c = make_class(cx, "Loop");
        let o = c.call0(cx).expect("made");
        c.set_attr(cx, Name::new("instance"), &o).expect("stores");
        let r = weakref::new_ref(cx, &c, None).expect("weakly referenceable");
        drop((c, o));
        assert!(gc::collect(cx, 2) >= 2);
        assert!(r.call0(cx).expect("dead").is_none());
    });
}

#[test]
fn deep_nests_end_without_recursion() {
    with_context(|cx| {
        let mut nest = list::empty();
        for i in 0..1_000_000 {
            nest = match i % 3 {
                0 => tuple::new(vec![nest]),
                1 => list::new(vec![nest]),
                _ => {
                    let d = dict::new();
                    dict::set(cx, &d, &int(1), &nest).expect("stores");
                    d
                }
            };
        }
        drop(nest);
    });
}

#[test]
fn ten_million_numbers_take_eighty_megabytes() {
    with_context(|cx| {
        let n = 10_000_000;
        let items = (0..n).map(|n| if n % 2 == 0 { int(n) } else { Obj::from(n as f64) }).collect();
        let l = list::new(items);
        let size = l.call_method(cx, Name::new("__sizeof__"), &[]).expect("has a size").to_i64(cx).expect("an int");
        assert!((8 * n..8 * n + 64).contains(&size), "{size}");
        assert!(list::as_list(&l).expect("a list").snapshot().iter().all(|o| !o.is_ptr()));
    });
}

#[test]
fn set_algebra_agrees_with_membership() {
    with_context(|cx| {
        let of = |items: &[i64]| {
            let l = list::new(items.iter().map(|n| int(*n)).collect());
            set::from_iterable(cx, &l).expect("ints hash")
        };
        let (a, b) = (of(&[1, 2, 3, 4]), of(&[3, 4, 5]));
        use cinder_pyobj::protocol::number::{and, or, sub, xor};
        assert_eq!(text(cx, &and(cx, &a, &b).expect("sets")), "{3, 4}");
        assert_eq!(text(cx, &or(cx, &a, &b).expect("sets")), "{1, 2, 3, 4, 5}");
        assert_eq!(text(cx, &sub(cx, &a, &b).expect("sets")), "{1, 2}");
        assert_eq!(text(cx, &xor(cx, &a, &b).expect("sets")), "{1, 2, 5}");
    });
}
