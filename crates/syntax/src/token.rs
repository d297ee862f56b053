//! Tokens.

use logos::Logos;

/// A token: its kind and the bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Tok,
    /// The offset of its first byte.
    pub start: u32,
    /// The offset behind its last byte.
    pub end: u32,
}

/// The kinds of tokens.
///
/// The names are those of Python's `token` module. Keywords are kinds of their own; soft keywords are [`Tok::Name`]
/// until the token pass in front of the parser finds them to be keywords.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(skip r"[ \t\x0c]+")]
#[logos(utf8 = true)]
#[expect(missing_docs, reason = "keywords and operators are named by their text")]
pub enum Tok {
    /// The end of the source.
    EndMarker,
    /// The end of a logical line.
    Newline,
    /// The start of a deeper block.
    Indent,
    /// The end of a block.
    Dedent,
    /// An identifier.
    #[regex(r"[a-zA-Z_\u{80}-\u{10ffff}][a-zA-Z0-9_\u{80}-\u{10ffff}]*", priority = 2)]
    Name,
    /// A number.
    #[regex(r"0[xX](_?[0-9a-fA-F])+")]
    #[regex(r"0[oO](_?[0-7])+")]
    #[regex(r"0[bB](_?[01])+")]
    #[regex(r"[0-9](_?[0-9])*(\.([0-9](_?[0-9])*)?)?([eE][+-]?[0-9](_?[0-9])*)?[jJ]?")]
    #[regex(r"\.[0-9](_?[0-9])*([eE][+-]?[0-9](_?[0-9])*)?[jJ]?")]
    Number,
    /// A string or bytes literal with prefix and quotes.
    String,
    /// The prefix and the opening quotes of an f-string or t-string.
    FStringStart,
    /// Text inside an f-string or t-string.
    FStringMiddle,
    /// The closing quotes of an f-string or t-string.
    FStringEnd,
    /// A comment; only in the stream for `tokenize`.
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Comment,
    /// A line end that ends no logical line; only in the stream for `tokenize`.
    #[token("\n")]
    Nl,
    /// A place where the tokeniser gave up.
    Error,

    /// The optional prefix and the opening quote of any string, before the scan for its end.
    #[regex(r#"([bB][rR]?|[rR][bBfFtT]?|[uU]|[fF][rR]?|[tT][rR]?)?['"]"#, priority = 10)]
    StringOpen,
    /// A backslash, before the look at what follows it.
    #[token("\\")]
    Backslash,

    /// First token of a stream to be parsed as a file.
    StartExec,
    /// First token of a stream to be parsed as an expression.
    StartEval,
    /// First token of a stream to be parsed as one statement.
    StartSingle,
    /// First token of a stream to be parsed as a signature type comment.
    StartFuncType,
    /// A `(` around several items of a `with` statement.
    WithLPar,
    /// `case` as a keyword.
    Case,
    /// `match` as a keyword.
    Match,
    /// `type` as a keyword.
    Type,

    #[token("False")]
    False,
    #[token("None")]
    None,
    #[token("True")]
    True,
    #[token("and")]
    And,
    #[token("as")]
    As,
    #[token("assert")]
    Assert,
    #[token("async")]
    Async,
    #[token("await")]
    Await,
    #[token("break")]
    Break,
    #[token("class")]
    Class,
    #[token("continue")]
    Continue,
    #[token("def")]
    Def,
    #[token("del")]
    Del,
    #[token("elif")]
    Elif,
    #[token("else")]
    Else,
    #[token("except")]
    Except,
    #[token("finally")]
    Finally,
    #[token("for")]
    For,
    #[token("from")]
    From,
    #[token("global")]
    Global,
    #[token("if")]
    If,
    #[token("import")]
    Import,
    #[token("in")]
    In,
    #[token("is")]
    Is,
    #[token("lambda")]
    Lambda,
    #[token("nonlocal")]
    Nonlocal,
    #[token("not")]
    Not,
    #[token("or")]
    Or,
    #[token("pass")]
    Pass,
    #[token("raise")]
    Raise,
    #[token("return")]
    Return,
    #[token("try")]
    Try,
    #[token("while")]
    While,
    #[token("with")]
    With,
    #[token("yield")]
    Yield,

    #[token("(")]
    LPar,
    #[token(")")]
    RPar,
    #[token("[")]
    LSqb,
    #[token("]")]
    RSqb,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[token(";")]
    Semi,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("|")]
    VBar,
    #[token("&")]
    Amper,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token("=")]
    Equal,
    #[token(".")]
    Dot,
    #[token("%")]
    Percent,
    #[token("==")]
    EqEqual,
    #[token("!=")]
    #[token("<>")]
    NotEqual,
    #[token("<=")]
    LessEqual,
    #[token(">=")]
    GreaterEqual,
    #[token("~")]
    Tilde,
    #[token("^")]
    Circumflex,
    #[token("<<")]
    LeftShift,
    #[token(">>")]
    RightShift,
    #[token("**")]
    DoubleStar,
    #[token("+=")]
    PlusEqual,
    #[token("-=")]
    MinEqual,
    #[token("*=")]
    StarEqual,
    #[token("/=")]
    SlashEqual,
    #[token("%=")]
    PercentEqual,
    #[token("&=")]
    AmperEqual,
    #[token("|=")]
    VBarEqual,
    #[token("^=")]
    CircumflexEqual,
    #[token("<<=")]
    LeftShiftEqual,
    #[token(">>=")]
    RightShiftEqual,
    #[token("**=")]
    DoubleStarEqual,
    #[token("//")]
    DoubleSlash,
    #[token("//=")]
    DoubleSlashEqual,
    #[token("@")]
    At,
    #[token("@=")]
    AtEqual,
    #[token("->")]
    RArrow,
    #[token("...")]
    Ellipsis,
    #[token(":=")]
    ColonEqual,
    #[token("!")]
    Exclamation,
}

impl Tok {
    /// Whether the kind is one of Python's (hard) keywords.
    pub fn is_keyword(self) -> bool {
        (Tok::False as u8..=Tok::Yield as u8).contains(&(self as u8))
    }

    /// Whether the kind stands in front of a stream to choose what is parsed.
    pub(crate) fn is_start(self) -> bool {
        matches!(self, Tok::StartExec | Tok::StartEval | Tok::StartSingle | Tok::StartFuncType)
    }

    /// Whether the kind is layout: no text of a statement ends in it.
    pub(crate) fn is_layout(self) -> bool {
        matches!(self, Tok::Newline | Tok::Indent | Tok::Dedent | Tok::EndMarker)
    }
}
