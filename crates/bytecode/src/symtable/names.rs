//! Interned names and private-name mangling.

use rustc_hash::FxHashMap;
use std::sync::Arc;

/// An interned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub(crate) u32);

macro_rules! well_known {
    ($($ident:ident = $text:literal,)*) => {
        #[expect(non_camel_case_types, reason = "named after the words")]
        #[repr(u32)]
        enum Known { $($ident,)* }

        /// Names that the compiler itself uses.
        pub(crate) mod known {
            use super::{Known, Name};
            $(pub(crate) const $ident: Name = Name(Known::$ident as u32);)*
        }

        const WELL_KNOWN: &[&str] = &[$($text),*];
    };
}

well_known! {
    TOP = "top",
    CLASS = "__class__",
    CLASSDICT = "__classdict__",
    CLASSCELL = "__classcell__",
    CLASSDICTCELL = "__classdictcell__",
    CONDITIONAL_ANNOTATIONS = "__conditional_annotations__",
    ANNOTATE = "__annotate__",
    ANNOTATE_FUNC = "__annotate_func__",
    ANNOTATIONS = "__annotations__",
    DOC = "__doc__",
    MODULE = "__module__",
    NAME = "__name__",
    FORMAT = "format",
    QUALNAME = "__qualname__",
    FIRSTLINENO = "__firstlineno__",
    STATIC_ATTRIBUTES = "__static_attributes__",
    TYPE_PARAMS = "__type_params__",
    DOT_TYPE_PARAMS = ".type_params",
    DOT_GENERIC_BASE = ".generic_base",
    DOT_DEFAULTS = ".defaults",
    DOT_KWDEFAULTS = ".kwdefaults",
    DOT_FORMAT = ".format",
    DOT_ZERO = ".0",
    LAMBDA = "<lambda>",
    LISTCOMP = "<listcomp>",
    SETCOMP = "<setcomp>",
    DICTCOMP = "<dictcomp>",
    GENEXPR = "<genexpr>",
    SUPER = "super",
}

/// All names of a compilation.
#[derive(Debug)]
pub struct Names {
    by_text: FxHashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    pub(crate) fn new() -> Names {
        let mut names = Names { by_text: FxHashMap::default(), texts: Vec::new() };
        for text in WELL_KNOWN {
            names.intern(text);
        }
        names
    }

    /// The name of this text.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.by_text.get(text) {
            return name;
        }
        let name = Name(self.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.by_text.insert(text, name);
        name
    }

    /// The name of this text, if it has been seen.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(text).copied()
    }

    /// The text of `name`.
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }

    pub(crate) fn shared(&self, name: Name) -> &Arc<str> {
        &self.texts[name.0 as usize]
    }

    /// `text` as a name, mangled if it is private to `class`.
    pub(crate) fn mangle(&mut self, class: Option<Name>, text: &str) -> Name {
        let Some(class) = class else { return self.intern(text) };
        if !text.starts_with("__") || text.ends_with("__") || text.contains('.') {
            return self.intern(text);
        }
        let class = self.text(class).trim_start_matches('_');
        if class.is_empty() {
            return self.intern(text);
        }
        let mangled = format!("_{class}{text}");
        self.intern(&mangled)
    }
}
