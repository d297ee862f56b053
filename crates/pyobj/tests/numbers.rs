//! Ints, floats and struct sequences as objects, without an interpreter.

use std::cmp::Ordering;
use std::sync::{Mutex, MutexGuard};

use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, float, int, range, tuple};
use cinder_pyobj::{Ctx, Host, Obj};
use num_bigint::BigInt;
use num_integer::Integer;

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

fn text(cx: &Ctx, o: &Obj) -> String {
    cinder_pyobj::types::str::as_utf8_lossy(&o.repr(cx).expect("repr works")).into_owned()
}

/// Numbers around every border of the representations.
fn edge_numbers() -> Vec<BigInt> {
    let mut v = Vec::new();
    for bits in [0u32, 1, 30, 31, 52, 53, 61, 62, 63, 64, 65, 127, 128, 129, 192, 2047] {
        for d in -2..=2 {
            let n: BigInt = (BigInt::from(1) << bits) + BigInt::from(d);
            v.push(-n.clone());
            v.push(n);
        }
    }
    v.sort();
    v.dedup();
    v
}

#[test]
fn int_objects_agree_with_num_bigint() {
    with_context(|cx| {
        let numbers = edge_numbers();
        for x in &numbers {
            let a = int::from_bigint(x.clone());
            assert_eq!(int::to_bigint(&a).as_ref(), Some(x));
            assert_eq!(text(cx, &a), x.to_string());
            assert_eq!(
                int::text::parse(cx, x.to_string().as_bytes(), 10).ok().as_ref().and_then(int::to_bigint),
                Some(x.clone())
            );
            assert_eq!(int::to_bigint(&int::invert(&a)), Some(-x - 1));
            assert_eq!(a.is_int(), i64::try_from(x).is_ok_and(|n| (-(1i64 << 62)..1 << 62).contains(&n)), "{x}");
            for y in &numbers {
                let b = int::from_bigint(y.clone());
                let is = |o: Obj, want: BigInt| assert_eq!(int::to_bigint(&o), Some(want), "{x} {y}");
                is(int::add(&a, &b), x + y);
                is(int::sub(&a, &b), x - y);
                is(int::mul(&a, &b), x * y);
                is(int::and(&a, &b), x & y);
                is(int::or(&a, &b), x | y);
                is(int::xor(&a, &b), x ^ y);
                is(int::gcd(cx, &a, &b).unwrap(), x.gcd(y));
                assert_eq!(int::cmp(&a, &b), x.cmp(y));
                if y != &BigInt::from(0) {
                    let (q, r) = int::divmod(cx, &a, &b).expect("the divisor is not zero");
                    is(q, x.div_floor(y));
                    is(r, x.mod_floor(y));
                    is(int::mod_(cx, &a, &b).expect("the divisor is not zero"), x.mod_floor(y));
                }
            }
            for n in [0u32, 1, 62, 63, 64, 130] {
                let b = Obj::from(n);
                assert_eq!(int::to_bigint(&int::lshift(cx, &a, &b).expect("it fits")), Some(x << n));
                assert_eq!(int::to_bigint(&int::rshift(cx, &a, &b).expect("it fits")), Some(x >> n));
            }
        }
    });
}

#[test]
fn ints_and_floats_compare_and_hash_as_equals() {
    with_context(|_| {
        for x in edge_numbers() {
            let a = int::from_bigint(x);
            let f = int::to_f64_lossy(&a);
            if !f.is_finite() {
                continue;
            }
            let exact = int::from_f64(f).expect("it is finite");
            assert_eq!(int::cmp_f64(&a, f), Some(int::cmp(&a, &exact)));
            assert_eq!(int::cmp_f64(&exact, f), Some(Ordering::Equal));
            assert_eq!(int::hash(&exact), float::hash(f));
        }
    });
}

#[test]
fn huge_shifts_and_powers_are_memory_errors() {
    with_context(|cx| {
        let two = Obj::from(2);
        assert!(int::lshift(cx, &two, &Obj::from(1i64 << 40)).is_err());
        assert_eq!(cx.take_pending().map(|e| e.type_of().name().to_string()).as_deref(), Some("MemoryError"));
        assert!(int::pow(cx, &two, &Obj::from(1i64 << 60)).is_err());
        assert_eq!(cx.take_pending().map(|e| e.type_of().name().to_string()).as_deref(), Some("MemoryError"));
    });
}

#[test]
fn ranges_know_their_length_in_any_size() {
    with_context(|cx| {
        let huge = int::from_bigint(BigInt::from(1) << 70);
        let r = range::new(cx, Obj::from(0), huge.clone(), Obj::from(3)).expect("the step is not zero");
        assert!(r.contains(cx, &Obj::from(3)).expect("ints compare"));
        assert!(!r.contains(cx, &Obj::from(4)).expect("ints compare"));
        let it = r.iter(cx).expect("ranges iterate");
        assert_eq!(it.next(cx).ok().flatten().and_then(|o| o.as_int()), Some(0));
        assert_eq!(it.next(cx).ok().flatten().and_then(|o| o.as_int()), Some(3));
    });
}

static POINT: StructSeq = StructSeq {
    name: "point",
    module: "test",
    doc: "A point.",
    fields: &[("x", ""), ("", ""), ("y", ""), ("z", "")],
    visible: 2,
    cell: TypeCell::new(),
};

#[test]
fn struct_sequences_are_tuples_with_hidden_fields() {
    with_context(|cx| {
        let p = POINT.make(vec![Obj::from(1), Obj::from(2), Obj::from(3)]);
        assert_eq!(tuple::items_if_tuple(&p).map(<[Obj]>::len), Some(2));
        let attr = |n: &str| text(cx, &p.get_attr(cx, cinder_pyobj::types::str::Name::new(n)).expect("a field"));
        assert_eq!((attr("x").as_str(), attr("y").as_str(), attr("z").as_str()), ("1", "3", "None"));
        assert_eq!(attr("n_fields"), "4");
        assert_eq!(text(cx, &p), "test.point(x=1, y=2)");
        assert!(p.eq(cx, &tuple::new(vec![Obj::from(1), Obj::from(2)])).expect("ints compare"));
        let fewer = POINT.type_object().as_obj().call1(cx, &tuple::new(vec![Obj::from(1)]));
        assert!(fewer.is_err());
        let e = cx.take_pending().expect("a TypeError");
        assert_eq!(
            cinder_pyobj::types::str::as_utf8_lossy(&e.str(cx).expect("it has a text")),
            "test.point() takes an at least 2-sequence (1-sequence given)"
        );
    });
}
