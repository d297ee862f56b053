//! Type codes: how one item is stored.

use cinder_pyobj::protocol::number;
use cinder_pyobj::types::int;
use cinder_pyobj::types::str::{self, Str};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// All type codes.
pub(super) const ALL: &str = "bBuwhHiIlLqQfd";

/// One type code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Code(u8);

/// What the bits of an item mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Signed,
    Unsigned,
    Float,
    Char,
}

impl Code {
    pub fn new(c: char) -> Option<Code> {
        if ALL.contains(c) { Some(Code(c as u8)) } else { None }
    }

    pub fn letter(self) -> char {
        self.0 as char
    }

    /// Bytes of an item.
    pub fn size(self) -> usize {
        match self.0 {
            b'b' | b'B' => 1,
            b'h' | b'H' => 2,
            b'u' | b'w' | b'i' | b'I' | b'f' => 4,
            _ => 8,
        }
    }

    pub fn kind(self) -> Kind {
        match self.0 {
            b'u' | b'w' => Kind::Char,
            b'f' | b'd' => Kind::Float,
            c if c.is_ascii_uppercase() => Kind::Unsigned,
            _ => Kind::Signed,
        }
    }

    pub fn is_char(self) -> bool {
        self.kind() == Kind::Char
    }

    /// The format in `struct` notation.
    pub fn format(self) -> &'static str {
        match self.0 {
            b'b' => "b",
            b'B' => "B",
            b'u' | b'w' => "w",
            b'h' => "h",
            b'H' => "H",
            b'i' => "i",
            b'I' => "I",
            b'l' => "l",
            b'L' => "L",
            b'q' => "q",
            b'Q' => "Q",
            b'f' => "f",
            _ => "d",
        }
    }

    /// The object of an item, given in the first bytes of `raw`.
    pub fn read(self, cx: &Ctx, raw: &[u8; 8]) -> PyResult {
        let n = u64::from_le_bytes(*raw);
        let bits = 8 * self.size() as u32;
        Ok(match self.kind() {
            Kind::Char => {
                if n > 0x10ffff {
                    return Err(cx.value_error(format!("character U+{n:x} is not in range [U+0000; U+10ffff]")));
                }
                str::from_char(n as u32)
            }
            Kind::Float if bits == 32 => Obj::from(f32::from_bits(n as u32) as f64),
            Kind::Float => Obj::from(f64::from_bits(n)),
            Kind::Unsigned => Obj::from(n),
            Kind::Signed => Obj::from((n << (64 - bits)) as i64 >> (64 - bits)),
        })
    }

    fn out_of_range(self, cx: &Ctx, negative: bool) -> Raised {
        let end = if negative { "less than minimum" } else { "greater than maximum" };
        let what = match self.0 {
            b'b' => "signed char",
            b'B' => "unsigned byte integer",
            b'h' => "signed short integer",
            b'H' => "unsigned short",
            b'i' => "signed integer",
            b'I' => "unsigned int",
            b'l' => return cx.overflow_error("Python int too large to convert to C long"),
            b'L' if !negative => return cx.overflow_error("Python int too large to convert to C unsigned long"),
            b'L' => return cx.overflow_error("can't convert negative value to unsigned int"),
            _ if negative && self.0 == b'Q' => return cx.overflow_error("can't convert negative int to unsigned"),
            _ => return cx.overflow_error("int too big to convert"),
        };
        if self.0 == b'I' && negative {
            return cx.overflow_error("can't convert negative value to unsigned int");
        }
        cx.overflow_error(format!("{what} is {end}"))
    }

    /// The bytes of an item for an object; as many as the size are meaningful.
    pub fn write(self, cx: &Ctx, x: &Obj) -> PyResult<[u8; 8]> {
        let bits = 8 * self.size() as u32;
        match self.kind() {
            Kind::Char => {
                let Some(s) = x.downcast::<Str>() else {
                    return Err(cx.type_error(format!(
                        "array item must be a unicode character, not {}",
                        x.type_of().full_name()
                    )));
                };
                match (s.len(), s.get(0)) {
                    (1, Some(c)) => Ok((c as u64).to_le_bytes()),
                    (n, _) => {
                        Err(cx
                            .type_error(format!("array item must be a unicode character, not a string of length {n}")))
                    }
                }
            }
            Kind::Float => {
                let f = number::to_f64(cx, x)?;
                Ok(if bits == 32 { ((f as f32).to_bits() as u64).to_le_bytes() } else { f.to_bits().to_le_bytes() })
            }
            Kind::Signed => {
                let i = x.index(cx)?;
                match int::as_i64(&i) {
                    Some(n) if (n << (64 - bits)) >> (64 - bits) == n => Ok(n.to_le_bytes()),
                    Some(n) => Err(self.out_of_range(cx, n < 0)),
                    None => Err(self.out_of_range(cx, int::is_negative(&i))),
                }
            }
            Kind::Unsigned => {
                let i = x.index(cx)?;
                match int::as_u64(&i) {
                    Some(n) if bits == 64 || n >> bits == 0 => Ok(n.to_le_bytes()),
                    _ => Err(self.out_of_range(cx, int::is_negative(&i))),
                }
            }
        }
    }
}
