//! The numbered arguments of opcodes.

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $number,)*
        }

        impl $name {
            /// The argument of this number, if there is one.
            #[inline]
            pub const fn from_u16(number: u16) -> Option<$name> {
                match number {
                    $($number => Some($name::$variant),)*
                    _ => None,
                }
            }

            /// How disassembly shows it.
            pub const fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }
        }
    };
}

numbered! {
    /// Objects that code needs whatever the program did to the builtins.
    CommonConst {
        /// The class AssertionError.
        AssertionError = 0 "AssertionError",
        /// The class NotImplementedError.
        NotImplementedError = 1 "NotImplementedError",
        /// The class tuple.
        Tuple = 2 "tuple",
        /// The built-in function all.
        All = 3 "all",
        /// The built-in function any.
        Any = 4 "any",
    }
}

numbered! {
    /// Special methods of `LoadSpecial`. The missing-method error is TypeError "'X' object does not support the context
    /// manager protocol (missed __enter__ method)", with "asynchronous context manager" for the last two.
    SpecialMethod {
        /// `__enter__`.
        Enter = 0 "__enter__",
        /// `__exit__`.
        Exit = 1 "__exit__",
        /// `__aenter__`.
        AEnter = 2 "__aenter__",
        /// `__aexit__`.
        AExit = 3 "__aexit__",
    }
}

numbered! {
    /// What `SetFunctionAttr` sets.
    FunctionAttr {
        /// `__defaults__`, a tuple.
        Defaults = 0 "defaults",
        /// `__kwdefaults__`, a dict.
        KwDefaults = 1 "kwdefaults",
        /// `__annotations__`, a tuple of alternating names and values (`from __future__ import annotations`).
        Annotations = 2 "annotations",
        /// `__closure__`, a tuple of cells, one for each free variable.
        Closure = 3 "closure",
        /// `__annotate__`, a function.
        Annotate = 4 "annotate",
        /// `__type_params__`, a tuple.
        TypeParams = 5 "type_params",
    }
}

numbered! {
    /// The conversion of a replacement field.
    Conversion {
        /// None.
        None = 0 "",
        /// `!s`.
        Str = 1 "str",
        /// `!r`.
        Repr = 2 "repr",
        /// `!a`.
        Ascii = 3 "ascii",
    }
}

numbered! {
    /// What is awaited; words the TypeError for objects that cannot be.
    AwaitSite {
        /// An `await` expression, or the awaitable of an async iterator: "object X can't be used in 'await' expression".
        Await = 0 "await",
        /// `__aenter__()`: "'async with' received an object from __aenter__ that does not implement __await__: X".
        AEnter = 1 "aenter",
        /// `__aexit__()`: likewise.
        AExit = 2 "aexit",
    }
}
