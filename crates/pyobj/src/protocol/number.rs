//! Arithmetic with CPython's dispatch: the right operand first where its class derives from the left one's
//! and has another slot; sequence concatenation and repetition as the last resort.

use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::types::Slots;
use crate::types::slots::{BinaryFn, RepeatFn};
use crate::value::Obj;

/// Tries both operands' slots; nothing if none knows the pair.
#[inline]
pub(super) fn dispatch(cx: &Ctx, a: &Obj, b: &Obj, slot: impl Fn(&Slots) -> Option<BinaryFn>) -> PyResult<Option<Obj>> {
    let (ta, tb) = (a.type_of(), b.type_of());
    let fa = slot(&ta.slots);
    let mut fb = if ta.is(tb) { None } else { slot(&tb.slots) };
    if let (Some(x), Some(y)) = (fa, fb)
        && std::ptr::fn_addr_eq(x, y)
    {
        // A shared native slot handles both orders itself; Python classes share one trampoline that looks
        // at both operands too.
        fb = None;
    }
    if let Some(f) = fa {
        if let Some(g) = fb
            && tb.is_subtype(ta)
        {
            let r = g(cx, a, b)?;
            if !r.is_not_implemented() {
                return Ok(Some(r));
            }
            fb = None;
        }
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(Some(r));
        }
    }
    if let Some(g) = fb {
        let r = g(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(Some(r));
        }
    }
    Ok(None)
}

#[cold]
pub(super) fn unsupported(cx: &Ctx, a: &Obj, b: &Obj, symbol: &str) -> crate::Raised {
    let hint = if symbol == ">>"
        && a.downcast::<crate::types::function::NativeFunction>().is_some_and(|f| f.name() == "print")
    {
        ". Did you mean \"print(<message>, file=<output_stream>)\"?"
    } else {
        ""
    };
    cx.type_error(format!(
        "unsupported operand type(s) for {symbol}: '{}' and '{}'{hint}",
        a.type_of().name(),
        b.type_of().name()
    ))
}

macro_rules! binary {
    ($($f:ident $slot:ident $inplace:ident $islot:ident $symbol:literal $isymbol:literal;)*) => {$(
        #[doc = concat!("`a ", $symbol, " b`.")]
        pub fn $f(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
            match dispatch(cx, a, b, |s| s.$slot.get())? {
                Some(r) => Ok(r),
                None => Err(unsupported(cx, a, b, $symbol)),
            }
        }

        #[doc = concat!("`a ", $isymbol, " b`.")]
        pub fn $inplace(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
            if let Some(f) = a.type_of().slots.$islot.get() {
                let r = f(cx, a, b)?;
                if !r.is_not_implemented() {
                    return Ok(r);
                }
            }
            match dispatch(cx, a, b, |s| s.$slot.get())? {
                Some(r) => Ok(r),
                None => Err(unsupported(cx, a, b, $isymbol)),
            }
        }
    )*};
}

binary! {
    sub sub inplace_sub isub "-" "-=";
    matmul matmul inplace_matmul imatmul "@" "@=";
    truediv truediv inplace_truediv itruediv "/" "/=";
    floordiv floordiv inplace_floordiv ifloordiv "//" "//=";
    mod_ mod_ inplace_mod imod "%" "%=";
    lshift lshift inplace_lshift ilshift "<<" "<<=";
    rshift rshift inplace_rshift irshift ">>" ">>=";
    and and inplace_and iand "&" "&=";
    or or inplace_or ior "|" "|=";
    xor xor inplace_xor ixor "^" "^=";
}

/// `divmod(a, b)`.
pub fn divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    match dispatch(cx, a, b, |s| s.divmod.get())? {
        Some(r) => Ok(r),
        None => Err(unsupported(cx, a, b, "divmod()")),
    }
}

/// `a + b`.
pub fn add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Ok(Obj::from(x + y));
    }
    if let Some(r) = dispatch(cx, a, b, |s| s.add.get())? {
        return Ok(r);
    }
    match a.type_of().slots.concat.get() {
        Some(f) => f(cx, a, b),
        None => Err(unsupported(cx, a, b, "+")),
    }
}

/// `a += b`.
pub fn inplace_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let slots = &a.type_of().slots;
    if let Some(f) = slots.iadd.get() {
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if let Some(r) = dispatch(cx, a, b, |s| s.add.get())? {
        return Ok(r);
    }
    match slots.inplace_concat.get().or(slots.concat.get()) {
        Some(f) => f(cx, a, b),
        None => Err(unsupported(cx, a, b, "+=")),
    }
}

pub(super) fn repeat(cx: &Ctx, seq: &Obj, n: &Obj, f: RepeatFn) -> PyResult {
    if n.type_of().slots.index.get().is_none() {
        return Err(cx.type_error(format!("can't multiply sequence by non-int of type '{}'", n.type_of().name())));
    }
    let i = n.index(cx)?;
    match crate::types::int::as_i64(&i) {
        Some(k) => f(cx, seq, k as isize),
        None => Err(cx.overflow_error(format!("cannot fit '{}' into an index-sized integer", n.type_of().name()))),
    }
}

/// `a * b`.
pub fn mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if let Some(r) = dispatch(cx, a, b, |s| s.mul.get())? {
        return Ok(r);
    }
    if let Some(f) = a.type_of().slots.repeat.get() {
        return repeat(cx, a, b, f);
    }
    if let Some(f) = b.type_of().slots.repeat.get() {
        return repeat(cx, b, a, f);
    }
    Err(unsupported(cx, a, b, "*"))
}

/// `a *= b`.
pub fn inplace_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let slots = &a.type_of().slots;
    if let Some(f) = slots.imul.get() {
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    if let Some(r) = dispatch(cx, a, b, |s| s.mul.get())? {
        return Ok(r);
    }
    if let Some(f) = slots.inplace_repeat.get().or(slots.repeat.get()) {
        return repeat(cx, a, b, f);
    }
    if let Some(f) = b.type_of().slots.repeat.get() {
        return repeat(cx, b, a, f);
    }
    Err(unsupported(cx, a, b, "*="))
}

/// `pow(a, b, modulus)`; with nothing for the modulus `a ** b`.
pub fn pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
    if let Some(r) = ternary(cx, a, b, modulus)? {
        return Ok(r);
    }
    Err(match modulus {
        None => unsupported(cx, a, b, "** or pow()"),
        Some(m) => cx.type_error(format!(
            "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
            a.type_of().name(),
            b.type_of().name(),
            m.type_of().name()
        )),
    })
}

fn ternary(cx: &Ctx, a: &Obj, b: &Obj, m: Option<&Obj>) -> PyResult<Option<Obj>> {
    let (ta, tb) = (a.type_of(), b.type_of());
    let fa = ta.slots.pow.get();
    let mut fb = if ta.is(tb) { None } else { tb.slots.pow.get() };
    if let (Some(x), Some(y)) = (fa, fb)
        && std::ptr::fn_addr_eq(x, y)
    {
        fb = None;
    }
    let mut order = [fa, fb];
    if fb.is_some() && fa.is_some() && tb.is_subtype(ta) {
        order = [fb, fa];
    }
    for f in order.into_iter().flatten() {
        let r = f(cx, a, b, m)?;
        if !r.is_not_implemented() {
            return Ok(Some(r));
        }
    }
    if let Some(m) = m
        && let Some(f) = m.type_of().slots.pow.get()
        && !order.into_iter().flatten().any(|g| std::ptr::fn_addr_eq(f, g))
    {
        let r = f(cx, a, b, Some(m))?;
        if !r.is_not_implemented() {
            return Ok(Some(r));
        }
    }
    Ok(None)
}

/// `a **= b`.
pub fn inplace_pow(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if let Some(f) = a.type_of().slots.ipow.get() {
        let r = f(cx, a, b)?;
        if !r.is_not_implemented() {
            return Ok(r);
        }
    }
    match ternary(cx, a, b, None)? {
        Some(r) => Ok(r),
        None => Err(unsupported(cx, a, b, "**=")),
    }
}

macro_rules! unary {
    ($($f:ident $what:literal;)*) => {$(
        #[doc = concat!("`", $what, "`.")]
        pub fn $f(cx: &Ctx, a: &Obj) -> PyResult {
            match a.type_of().slots.$f.get() {
                Some(f) => f(cx, a),
                None => Err(cx.type_error(format!(
                    concat!("bad operand type for ", $what, ": '{}'"),
                    a.type_of().name()
                ))),
            }
        }
    )*};
}

unary! {
    neg "unary -";
    pos "unary +";
    abs "abs()";
    invert "unary ~";
}

/// `float(x)` for number arguments: `__float__`, else `__index__`.
pub fn to_f64(cx: &Ctx, a: &Obj) -> PyResult<f64> {
    if let Some(f) = crate::types::float::as_f64(a) {
        return Ok(f);
    }
    let ty = a.type_of();
    if let Some(f) = ty.slots.float.get() {
        let r = f(cx, a)?;
        if let Some(x) = crate::types::float::as_f64(&r) {
            if !r.is_exact(FixedShape::Float) {
                (cx.host().warn)(
                    cx,
                    crate::types::exc::DeprecationWarning(),
                    &format!(
                        "{}.__float__ returned non-float (type {}).  The ability to return an instance of a \
                         strict subclass of float is deprecated, and may not be supported in a future version \
                         of Python.",
                        ty.name(),
                        r.type_of().name()
                    ),
                    1,
                )?;
            }
            return Ok(x);
        }
        return Err(cx.type_error(format!("{}.__float__ returned non-float (type {})", ty.name(), r.type_of().name())));
    }
    if ty.slots.index.get().is_some() {
        let i = a.index(cx)?;
        return crate::types::int::as_f64(cx, &i);
    }
    Err(cx.type_error(format!("must be real number, not {}", ty.name())))
}
