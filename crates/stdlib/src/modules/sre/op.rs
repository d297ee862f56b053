//! The numbers of the compiled code, as the library's `re._constants` defines them.

/// The version of the code.
pub(super) const MAGIC: i64 = 20230612;
/// The largest repeat count, which means "any number".
pub(super) const MAXREPEAT: u32 = u32::MAX;
/// The largest number of groups.
pub(super) const MAXGROUPS: i64 = 1_073_741_823;

macro_rules! ops {
    ($($name:ident)*) => { ops!(@ 0u32; $($name)*); };
    (@ $n:expr; $name:ident $($rest:ident)*) => {
        #[allow(dead_code, reason = "the numbering has codes that only the parser uses")]
        pub(super) const $name: u32 = $n;
        ops!(@ $n + 1; $($rest)*);
    };
    (@ $n:expr;) => { pub(super) const COUNT: u32 = $n; };
}

ops! {
    FAILURE SUCCESS ANY ANY_ALL ASSERT ASSERT_NOT AT BRANCH CATEGORY CHARSET BIGCHARSET GROUPREF GROUPREF_EXISTS IN
    INFO JUMP LITERAL MARK MAX_UNTIL MIN_UNTIL NOT_LITERAL NEGATE RANGE REPEAT REPEAT_ONE SUBPATTERN MIN_REPEAT_ONE
    ATOMIC_GROUP POSSESSIVE_REPEAT POSSESSIVE_REPEAT_ONE GROUPREF_IGNORE IN_IGNORE LITERAL_IGNORE NOT_LITERAL_IGNORE
    GROUPREF_LOC_IGNORE IN_LOC_IGNORE LITERAL_LOC_IGNORE NOT_LITERAL_LOC_IGNORE GROUPREF_UNI_IGNORE IN_UNI_IGNORE
    LITERAL_UNI_IGNORE NOT_LITERAL_UNI_IGNORE RANGE_UNI_IGNORE
}

/// Case folding of an opcode family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    None,
    Ascii,
    Unicode,
}
