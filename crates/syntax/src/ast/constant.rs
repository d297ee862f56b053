//! Constants as plain data.

/// The value of a literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant<'a> {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `...`
    Ellipsis,
    /// A non-negative integer (negative ones only in trees that were not parsed).
    Int(IntValue<'a>),
    /// A float.
    Float(f64),
    /// A complex number; literals have a real part of zero.
    Complex {
        /// The real part.
        real: f64,
        /// The imaginary part.
        imag: f64,
    },
    /// A string.
    Str(StrValue<'a>),
    /// A bytes object.
    Bytes(&'a [u8]),
    /// A tuple; never made by the parser, but legal in trees that a program builds.
    Tuple(&'a [Constant<'a>]),
    /// A frozenset; never made by the parser, but legal in trees that a program builds.
    FrozenSet(&'a [Constant<'a>]),
}

/// The value of an integer literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntValue<'a> {
    /// Values below 2^64.
    Small(u64),
    /// Values from 2^64 up, or negative ones: sign and magnitude.
    Big {
        /// Whether the value is below zero.
        negative: bool,
        /// The magnitude in base 2^64, least significant limb first, without leading zero limbs.
        limbs: &'a [u64],
    },
}

/// The value of a string literal: Unicode code points, lone surrogates included.
///
/// The variant is canonical: `Wtf8` is used only where the text holds at least one lone surrogate, so equal
/// strings are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StrValue<'a> {
    /// Text without lone surrogates.
    Utf8(&'a str),
    /// Text with lone surrogates: generalised UTF-8, each surrogate as three bytes.
    Wtf8(&'a [u8]),
}

impl<'a> StrValue<'a> {
    /// The text, if it has no lone surrogates.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            StrValue::Utf8(text) => Some(text),
            StrValue::Wtf8(_) => None,
        }
    }

    /// The text in generalised UTF-8.
    pub fn as_bytes(self) -> &'a [u8] {
        match self {
            StrValue::Utf8(text) => text.as_bytes(),
            StrValue::Wtf8(bytes) => bytes,
        }
    }

    /// Whether the text is empty.
    pub fn is_empty(self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The code points in order.
    pub fn code_points(self) -> impl Iterator<Item = u32> + 'a {
        let bytes = self.as_bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            let lead = *bytes.get(at)?;
            let (length, initial) = match lead {
                0..=0x7f => (1, u32::from(lead)),
                0x80..=0xdf => (2, u32::from(lead & 0x1f)),
                0xe0..=0xef => (3, u32::from(lead & 0x0f)),
                _ => (4, u32::from(lead & 0x07)),
            };
            let tail = bytes.get(at + 1..at + length).unwrap_or_default();
            at += length;
            Some(tail.iter().fold(initial, |code, byte| code << 6 | u32::from(byte & 0x3f)))
        })
    }
}

/// Appends a code point (a lone surrogate too) in generalised UTF-8; codes above U+10FFFF are not written.
pub(crate) fn push_code_point(out: &mut Vec<u8>, code: u32) {
    if let Some(c) = char::from_u32(code) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else if code <= 0xffff {
        out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]);
    }
}
