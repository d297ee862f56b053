//! The abstract syntax tree.
//!
//! The nodes mirror the abstract grammar (ASDL) of Python 3.14 one to one: the same node kinds and the same
//! field names in the same order. All nodes are immutable, `Copy`-cheap to refer to (`&'a Expr<'a>`), and live in
//! an [`Arena`]; nothing in a tree owns heap memory, so dropping the arena frees the tree without recursion.
//!
//! Every node that has a position in Python has a [`Span`] of byte offsets here; a [`LineIndex`] turns offsets
//! into `(lineno, col_offset)`.
//!
//! # Depth
//!
//! Expressions, statements and patterns know how deep the tree below them is ([`Expr::depth`], …). The parser
//! refuses sources whose tree would be deeper than `ParseOptions::max_depth`, so a recursive walk needs a
//! native stack in proportion to that bound only. Long chains such as `a + b + c + …` or `elif` cascades are
//! deep: walkers that want to use little stack look at the depth first and move to a thread with a larger stack.

mod arena;
mod constant;
mod dump;
mod fold_int;
mod location;
mod nodes;
mod reflect;

pub use arena::Arena;
pub(crate) use constant::push_code_point;
pub use constant::{Constant, IntValue, StrValue};
pub use dump::{dump, float_repr, str_repr};
pub(crate) use fold_int::parse_int;
pub use location::{LineCursor, LineIndex, Location, Position, Span};
pub use nodes::*;
pub use reflect::{Field, NodeRef};

/// A name: NFKC-normalised, interned in the arena of its tree.
pub type Identifier<'a> = &'a str;
