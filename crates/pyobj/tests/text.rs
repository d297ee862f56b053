//! The methods of str, bytes and bytearray over a table of calls and their results.
//!
//! A line of the table holds, separated by tabs: the method, the receiver, the arguments, and what comes out
//! (`= ` and the ascii form of the result, or `! ` and the exception). Values are written with a letter for
//! their type: `s` text with escapes, `b` bytes and `y` bytearray in hexadecimal, `i` int, `d` float, `N` None,
//! `T` and `F`; `(..)` a tuple, `[..]` a slice.

use cinder_pyobj::codecs::{errors::Errors, escape};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{bytes, slice, tuple};
use cinder_pyobj::{Ctx, Host, Obj};

static HOST: Host = Host::bare();

fn hex(s: &str) -> Vec<u8> {
    s.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn value(cx: &Ctx, s: &str) -> Obj {
    let (kind, rest) = s.split_at(1);
    let items = || -> Vec<Obj> {
        let inner = &rest[..rest.len() - 1];
        if inner.is_empty() { Vec::new() } else { inner.split(',').map(|i| value(cx, i)).collect() }
    };
    match kind {
        "s" => escape::decode_unicode(cx, rest.as_bytes(), &Errors::new("strict"), true).ok().unwrap().text,
        "b" => bytes::new(&hex(rest)),
        "y" => bytes::new_bytearray(hex(rest)),
        "i" => cinder_pyobj::types::int::from_bigint(rest.parse().unwrap()),
        "d" => Obj::from(rest.parse::<f64>().unwrap()),
        "N" => Obj::none(),
        "T" | "F" => Obj::from_bool(kind == "T"),
        "(" => tuple::new(items()),
        "[" => {
            let mut i = items().into_iter();
            slice::new(i.next().unwrap(), i.next().unwrap(), i.next().unwrap())
        }
        _ => panic!("unknown value {s:?}"),
    }
}

fn outcome(cx: &Ctx, line: &str) -> (String, String) {
    let mut parts: Vec<&str> = line.split('\t').collect();
    let expected = parts.pop().unwrap().to_owned();
    let method = Name::new(parts[0]);
    let receiver = value(cx, parts[1]);
    let args: Vec<Obj> = parts[2..].iter().map(|a| value(cx, a)).collect();
    let text = |o: Obj| as_utf8_lossy(&o).into_owned();
    let got = match receiver.call_method(cx, method, &args) {
        Ok(v) => format!("= {}", text(v.ascii(cx).ok().unwrap())),
        Err(r) => {
            let e = cx.take(r);
            let message = e.str(cx).ok().unwrap();
            let shown = text(message.ascii(cx).ok().unwrap());
            format!("! {}: {}", e.type_of().name(), &shown[1..shown.len() - 1])
        }
    };
    (got, expected)
}

#[test]
fn methods_give_what_the_table_says() {
    let cx = Ctx::new(&HOST, 1024 * 1024);
    // SAFETY: this is the only test of the process that uses the heap, and `cx` outlives its use.
    unsafe { cx.make_current() };
    cinder_pyobj::types::init();
    let (mut failed, mut total) = (Vec::new(), 0);
    for line in include_str!("data/text_methods.txt").lines() {
        total += 1;
        let (got, expected) = outcome(&cx, line);
        if got != expected {
            failed.push(format!("{line}\n    got {got}"));
        }
    }
    assert!(failed.is_empty(), "{} of {total} differ:\n{}", failed.len(), failed.join("\n"));
}
