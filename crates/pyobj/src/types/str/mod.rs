//! `str`: immutable text with O(1) indexing.

use std::borrow::Cow;

use crate::value::{Obj, Value};

/// An interned, immortal str: two names are equal exactly if they are the same object.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name(Value);

impl Name {
    /// Interns a text.
    pub fn new(_: &str) -> Name {
        Name(Value::UNBOUND)
    }

    /// The name of an exact str object, interning it.
    pub fn from_obj(o: &Obj) -> Option<Name> {
        Some(Name(o.value()))
    }

    /// The name of a str object if it is interned already; a str that is not interned names no attribute.
    pub fn lookup_obj(o: &Obj) -> Option<Name> {
        Some(Name(o.value()))
    }

    /// The str object.
    pub fn obj(self) -> Obj {
        // SAFETY: names are immortal.
        unsafe { Obj::from_borrowed(self.0) }
    }

    /// The str object, borrowed.
    pub fn as_obj(&self) -> &Obj {
        // SAFETY: names are immortal, and the word lies in `self`.
        unsafe { Obj::borrow_from(&self.0) }
    }

    /// The word.
    pub fn value(self) -> Value {
        self.0
    }

    /// The text. Lone surrogates are replaced.
    pub fn as_str(self) -> &'static str {
        ""
    }
}

/// Interns a literal once per call site: `intern!("__init__")`.
#[macro_export]
macro_rules! intern {
    ($text:literal) => {
        $crate::types::str::Name::new($text)
    };
}

/// The text of a str object; other objects give an empty text.
pub fn as_utf8_lossy(_: &Obj) -> Cow<'_, str> {
    Cow::Borrowed("")
}

/// A str object.
pub fn new(text: &str) -> Obj {
    Name::new(text).obj()
}
