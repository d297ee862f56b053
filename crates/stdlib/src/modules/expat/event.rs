//! What the scanner reports, and its errors.

use cinder_pyobj::{PyResult, Raised};

/// Why scanning stopped.
pub(super) enum Fail {
    /// An error of the document, by expat's number.
    Code(i32),
    /// A handler raised.
    Raised(Raised),
}

impl From<Raised> for Fail {
    fn from(r: Raised) -> Fail {
        Fail::Raised(r)
    }
}

pub(super) type Scan<T = ()> = Result<T, Fail>;

macro_rules! codes {
    ($($name:ident $number:literal $text:literal;)*) => {
        $(#[allow(dead_code, reason = "the table is complete")]
        pub(super) const $name: i32 = $number;)*
        /// Names, numbers and texts of the errors.
        pub(super) const ERRORS: &[(&str, i32, &str)] = &[$((concat!("XML_ERROR_", stringify!($name)), $number, $text)),*];
    };
}

codes! {
    NO_MEMORY 1 "out of memory";
    SYNTAX 2 "syntax error";
    NO_ELEMENTS 3 "no element found";
    INVALID_TOKEN 4 "not well-formed (invalid token)";
    UNCLOSED_TOKEN 5 "unclosed token";
    PARTIAL_CHAR 6 "partial character";
    TAG_MISMATCH 7 "mismatched tag";
    DUPLICATE_ATTRIBUTE 8 "duplicate attribute";
    JUNK_AFTER_DOC_ELEMENT 9 "junk after document element";
    PARAM_ENTITY_REF 10 "illegal parameter entity reference";
    UNDEFINED_ENTITY 11 "undefined entity";
    RECURSIVE_ENTITY_REF 12 "recursive entity reference";
    ASYNC_ENTITY 13 "asynchronous entity";
    BAD_CHAR_REF 14 "reference to invalid character number";
    BINARY_ENTITY_REF 15 "reference to binary entity";
    ATTRIBUTE_EXTERNAL_ENTITY_REF 16 "reference to external entity in attribute";
    MISPLACED_XML_PI 17 "XML or text declaration not at start of entity";
    UNKNOWN_ENCODING 18 "unknown encoding";
    INCORRECT_ENCODING 19 "encoding specified in XML declaration is incorrect";
    UNCLOSED_CDATA_SECTION 20 "unclosed CDATA section";
    EXTERNAL_ENTITY_HANDLING 21 "error in processing external entity reference";
    NOT_STANDALONE 22 "document is not standalone";
    UNEXPECTED_STATE 23 "unexpected parser state - please send a bug report";
    ENTITY_DECLARED_IN_PE 24 "entity declared in parameter entity";
    FEATURE_REQUIRES_XML_DTD 25 "requested feature requires XML_DTD support in Expat";
    CANT_CHANGE_FEATURE_ONCE_PARSING 26 "cannot change setting once parsing has begun";
    UNBOUND_PREFIX 27 "unbound prefix";
    UNDECLARING_PREFIX 28 "must not undeclare prefix";
    INCOMPLETE_PE 29 "incomplete markup in parameter entity";
    XML_DECL 30 "XML declaration not well-formed";
    TEXT_DECL 31 "text declaration not well-formed";
    PUBLICID 32 "illegal character(s) in public id";
    SUSPENDED 33 "parser suspended";
    NOT_SUSPENDED 34 "parser not suspended";
    ABORTED 35 "parsing aborted";
    FINISHED 36 "parsing finished";
    SUSPEND_PE 37 "cannot suspend in external parameter entity";
    RESERVED_PREFIX_XML 38 "reserved prefix (xml) must not be undeclared or bound to another namespace name";
    RESERVED_PREFIX_XMLNS 39 "reserved prefix (xmlns) must not be declared or undeclared";
    RESERVED_NAMESPACE_URI 40 "prefix must not be bound to one of the reserved namespace names";
    INVALID_ARGUMENT 41 "invalid argument";
    NO_BUFFER 42 "a successful prior call to function XML_GetBuffer is required";
    AMPLIFICATION_LIMIT_BREACH 43 "limit on input amplification factor (from DTD and entities) breached";
    NOT_STARTED 44 "parser not started";
}

/// A content model: kind, quantifier, name and parts, in expat's numbers.
#[derive(Default)]
pub(super) struct Model {
    pub kind: i64,
    pub quantifier: i64,
    pub name: Option<String>,
    pub parts: Vec<Model>,
}

/// An entity's declaration.
#[derive(Clone, Default)]
pub(super) struct Entity {
    pub text: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
    pub notation: Option<String>,
}

/// A part of the document. What nobody handles goes to the default handler as it stands in the text.
pub(super) enum Event<'a> {
    XmlDecl {
        version: Option<&'a str>,
        encoding: Option<&'a str>,
        standalone: i64,
    },
    StartDoctype {
        name: &'a str,
        system: Option<&'a str>,
        public: Option<&'a str>,
        internal: bool,
    },
    EndDoctype,
    EntityDecl {
        name: &'a str,
        parameter: bool,
        entity: &'a Entity,
    },
    NotationDecl {
        name: &'a str,
        system: Option<&'a str>,
        public: Option<&'a str>,
    },
    ElementDecl {
        name: &'a str,
        model: &'a Model,
    },
    AttlistDecl {
        element: &'a str,
        name: &'a str,
        kind: &'a str,
        default: Option<&'a str>,
        required: bool,
    },
    NotStandalone,
    StartElement {
        name: &'a str,
        attributes: &'a [(String, String)],
        specified: usize,
    },
    EndElement {
        name: &'a str,
    },
    StartNamespace {
        prefix: Option<&'a str>,
        uri: Option<&'a str>,
    },
    EndNamespace {
        prefix: Option<&'a str>,
    },
    Text(&'a str),
    Comment(&'a str),
    Instruction {
        target: &'a str,
        data: &'a str,
    },
    StartCdata,
    EndCdata,
    ExternalEntity {
        context: Option<&'a str>,
        system: Option<&'a str>,
        public: Option<&'a str>,
    },
    SkippedEntity {
        name: &'a str,
        parameter: bool,
    },
    /// Text that only the default handler sees.
    Other,
}

/// Where events go.
pub(super) trait Sink {
    /// Takes an event with its source text; the result answers those that ask something.
    fn event(&mut self, e: Event<'_>, raw: &str, at: &Place) -> PyResult<bool>;
    /// Takes what the scanner of an external entity, about to be reported, needs.
    fn offer(&mut self, seed: super::scan::Seed);
    /// Whether references to internal entities are left to the default handler.
    fn keeps_references(&self) -> bool;
    /// The characters of the bytes of an encoding that the scanner does not know; nothing if it has several
    /// bytes for one.
    fn byte_table(&mut self, encoding: &str) -> PyResult<Option<Vec<char>>>;
    /// Whether an external subset or parameter entity is to be read: 0 never, 1 unless standalone, 2 always.
    fn parameter_entities(&self) -> i64;
}

/// A place in the document.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub index: i64,
    pub line: i64,
    pub column: i64,
}
