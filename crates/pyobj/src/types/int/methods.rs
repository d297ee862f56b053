//! The class `int`: slots, methods and attributes.

use super::{
    Int, Operand, add, and, arith, cmp, divmod, from_parts, hash, invert, is_int, is_negative, is_zero, limbs, lshift,
    mod_, mul_in_steps, neg, or, pow, pow_mod, rshift, small, sub, text, to_exact, xor,
};
use crate::ctx::{Ctx, PyResult};
use crate::heap::PageKind;
use crate::native::{Args, PayloadDef, PyClass, pymethods};
use crate::types::{CmpOp, Type, float, tuple};
use crate::value::Obj;

/// The layout of ints.
pub(super) static PAYLOAD: PayloadDef = PayloadDef {
    name: "int",
    size: size_of::<Int>(),
    var_sized: true,
    page_kind: PageKind::Leaf,
    drop: |_| {},
    traverse: |_, _| {},
    clear: |_| {},
    parent: None,
};

fn exact(cx: &Ctx, this: &Obj) -> PyResult {
    to_exact(this).ok_or_else(|| cx.type_error(format!("an int is required, not '{}'", this.type_of().name())))
}

#[inline(always)]
fn both(a: &Obj, b: &Obj) -> bool {
    is_int(a) && is_int(b)
}

#[pymethods(parts("bytes", "rounding"))]
impl Int {
    #[pynew(sig = "(x=0, /, base=10)")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        super::new::new(cx, ty, args)
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        text::decimal_str(cx, this)
    }

    fn __hash__(_cx: &Ctx, this: &Obj) -> PyResult<i64> {
        Ok(hash(this))
    }

    fn __richcmp__(_cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
        if !both(this, other) {
            return Ok(Obj::not_implemented());
        }
        Ok(Obj::from_bool(op.holds(cmp(this, other))))
    }

    fn __bool__(_cx: &Ctx, this: &Obj) -> PyResult<bool> {
        Ok(!is_zero(this))
    }

    fn __int__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    fn __index__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    fn __float__(cx: &Ctx, this: &Obj) -> PyResult<f64> {
        super::as_f64(cx, this)
    }

    fn __neg__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::room_for(cx, this, this)?;
        Ok(neg(this))
    }

    fn __pos__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    fn __abs__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::room_for(cx, this, this)?;
        Ok(arith::abs(this))
    }

    fn __invert__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::room_for(cx, this, this)?;
        Ok(invert(this))
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        arith::room_for(cx, a, b)?;
        Ok(add(a, b))
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        arith::room_for(cx, a, b)?;
        Ok(sub(a, b))
    }

    fn nb_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if both(a, b) { mul_in_steps(cx, a, b) } else { Ok(Obj::not_implemented()) }
    }

    fn nb_truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        super::true_div(cx, a, b).map(Obj::from)
    }

    fn nb_floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if both(a, b) { super::floordiv(cx, a, b) } else { Ok(Obj::not_implemented()) }
    }

    fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if both(a, b) { mod_(cx, a, b) } else { Ok(Obj::not_implemented()) }
    }

    fn nb_divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        let (q, r) = divmod(cx, a, b)?;
        Ok(tuple::new(vec![q, r]))
    }

    fn nb_pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
        let modulus = modulus.filter(|m| !m.is_none());
        if !both(a, b) || modulus.is_some_and(|m| !is_int(m)) {
            return Ok(Obj::not_implemented());
        }
        match modulus {
            Some(m) => pow_mod(cx, a, b, m),
            None if is_negative(b) => float::pow(cx, super::as_f64(cx, a)?, super::as_f64(cx, b)?),
            None => pow(cx, a, b),
        }
    }

    fn nb_lshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if both(a, b) { lshift(cx, a, b) } else { Ok(Obj::not_implemented()) }
    }

    fn nb_rshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if both(a, b) { rshift(cx, a, b) } else { Ok(Obj::not_implemented()) }
    }

    fn nb_and(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        arith::room_for(cx, a, b)?;
        Ok(and(a, b))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        arith::room_for(cx, a, b)?;
        Ok(or(a, b))
    }

    fn nb_xor(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if !both(a, b) {
            return Ok(Obj::not_implemented());
        }
        arith::room_for(cx, a, b)?;
        Ok(xor(a, b))
    }

    /// The number itself, as an exact int.
    #[pymethod]
    fn conjugate(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// The number of binary digits of the absolute value, zero for zero.
    ///
    /// >>> (1000).bit_length()
    /// 10
    /// >>> (0).bit_length()
    /// 0
    #[pymethod]
    fn bit_length(_cx: &Ctx, this: &Obj) -> u64 {
        Operand::of(this).map_or(0, |v| limbs::bit_len(v.mag()))
    }

    /// The number of ones among the binary digits of the absolute value.
    ///
    /// >>> (255).bit_count()
    /// 8
    /// >>> (-6).bit_count()
    /// 2
    #[pymethod]
    fn bit_count(_cx: &Ctx, this: &Obj) -> u64 {
        Operand::of(this).map_or(0, |v| v.mag().iter().map(|l| u64::from(l.count_ones())).sum())
    }

    /// The pair (number, 1).
    ///
    /// >>> (12).as_integer_ratio()
    /// (12, 1)
    #[pymethod]
    fn as_integer_ratio(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(tuple::new(vec![exact(cx, this)?, small(1)]))
    }

    /// True: an int has no fractional part.
    #[pymethod]
    fn is_integer(_cx: &Ctx, _this: &Obj) -> bool {
        true
    }

    #[pymethod]
    fn __getnewargs__(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(tuple::new(vec![exact(cx, this)?]))
    }

    /// The number of bytes that the object takes in memory.
    #[pymethod]
    fn __sizeof__(_cx: &Ctx, this: &Obj) -> usize {
        // One digit at least, as if every int were an object.
        let digits = this.downcast::<Int>().map_or(1, |i| i.magnitude().len().max(1));
        16 + 8 * digits
    }

    /// The number itself, as an exact int.
    #[pygetter]
    fn real(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// Zero.
    #[pygetter]
    fn imag(_cx: &Ctx, _this: &Obj) -> i64 {
        0
    }

    /// The number itself, as an exact int.
    #[pygetter]
    fn numerator(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// One.
    #[pygetter]
    fn denominator(_cx: &Ctx, _this: &Obj) -> i64 {
        1
    }
}

#[pymethods(part = "rounding")]
impl Int {
    /// The number itself, as an exact int.
    #[pymethod]
    fn __trunc__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// The number itself, as an exact int.
    #[pymethod]
    fn __floor__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// The number itself, as an exact int.
    #[pymethod]
    fn __ceil__(cx: &Ctx, this: &Obj) -> PyResult {
        exact(cx, this)
    }

    /// The multiple of 10 ** -ndigits that is nearest, the even one of two.
    #[pymethod(sig = "($self, ndigits=None, /)")]
    fn __round__(cx: &Ctx, this: &Obj, ndigits: Option<&Obj>) -> PyResult {
        let Some(n) = ndigits else { return exact(cx, this) };
        let n = n.index(cx)?;
        if !is_negative(&n) {
            return exact(cx, this);
        }
        let digits = super::as_i64(&n).map_or(u64::MAX, i64::unsigned_abs);
        super::round_to_power_of_ten(cx, &exact(cx, this)?, digits)
    }

    /// The number as text in the form that the format specification asks for.
    #[pymethod(sig = "($self, format_spec, /)")]
    fn __format__(cx: &Ctx, this: &Obj, format_spec: &Obj) -> PyResult {
        super::format::format(cx, this, format_spec)
    }
}

#[pymethods(part = "bytes")]
impl Int {
    /// The number in base 256, in as many bytes as `length` says.
    ///
    /// `byteorder` is 'big' (most significant byte first) or 'little'. `signed` chooses two's complement;
    /// without it negative numbers are refused. OverflowError if the number needs more bytes.
    #[pymethod(sig = "($self, length=1, byteorder='big', *, signed=False)")]
    fn to_bytes(cx: &Ctx, this: &Obj, length: i64, byteorder: &str, signed: bool) -> PyResult {
        let big = is_big_endian(cx, byteorder)?;
        let Ok(n) = usize::try_from(length) else {
            return Err(cx.value_error("length argument must be non-negative"));
        };
        let Some(v) = Operand::of(this) else { return exact(cx, this) };
        if v.neg && !signed {
            return Err(cx.overflow_error("can't convert negative int to unsigned"));
        }
        let bits = limbs::bit_len(v.mag());
        // -2^k needs as many bits as 2^k - 1, and all others one more for the sign.
        let power = v.neg && limbs::trailing_zeros(v.mag()) + 1 == bits;
        let need = bits + u64::from(signed && !power);
        if bits > 0 && need > (n as u64).saturating_mul(8) {
            return Err(cx.overflow_error("int too big to convert"));
        }
        let mut out = Vec::new();
        if out.try_reserve_exact(n).is_err() {
            return Err(cx.no_memory());
        }
        let fill = if v.neg { 0xff } else { 0 };
        let mut carry = v.neg;
        for limb in v.mag() {
            let mut limb = *limb;
            if v.neg {
                (limb, carry) = (!limb).overflowing_add(u64::from(carry));
            }
            let room = n - out.len();
            out.extend(limb.to_le_bytes().into_iter().take(room));
        }
        out.resize(n, fill);
        if big {
            out.reverse();
        }
        Ok(crate::types::bytes::new(&out))
    }

    /// The number that bytes in base 256 denote.
    ///
    /// `byteorder` is 'big' (most significant byte first) or 'little'. `signed` says that the bytes are in
    /// two's complement.
    #[pyclassmethod(sig = "($type, bytes, byteorder='big', *, signed=False)")]
    fn from_bytes(cx: &Ctx, ty: &Type, bytes: &Obj, byteorder: &str, signed: bool) -> PyResult {
        let big = is_big_endian(cx, byteorder)?;
        let mut data = crate::types::numeric_input::to_byte_vec(cx, bytes)?;
        if big {
            data.reverse();
        }
        let neg = signed && data.last().is_some_and(|b| b & 0x80 != 0);
        let mut mag: limbs::Buf = data
            .chunks(8)
            .map(|c| {
                let mut limb = [if neg { 0xff } else { 0 }; 8];
                limb[..c.len()].copy_from_slice(c);
                u64::from_le_bytes(limb)
            })
            .collect();
        if neg {
            let mut carry = true;
            for limb in &mut mag {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
            if carry {
                mag.push(1);
            }
        }
        let n = from_parts(neg, &mag);
        if ty.is(Int::type_object()) { Ok(n) } else { ty.as_obj().call1(cx, &n) }
    }
}

fn is_big_endian(cx: &Ctx, byteorder: &str) -> PyResult<bool> {
    match byteorder {
        "big" => Ok(true),
        "little" => Ok(false),
        _ => Err(cx.value_error("byteorder must be either 'little' or 'big'")),
    }
}
