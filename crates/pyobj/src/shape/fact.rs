//! What has been seen of the values in a place: an attribute slot of a layout, or a cell.
//!
//! Facts only ever weaken, so whoever relies on one has to be told once. They are feedback for a compiler: after a load
//! from a slot that was "always int" it need not test the value. Keeping them takes a compare on each store.

use std::cell::Cell;

use super::ShapeId;
use crate::native::FixedShape;
use crate::value::Value;

/// The class of the values in a place, as far as it is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// No value yet.
    Nothing,
    /// Values of one class, `int` and `float` among them. The id is that of its root shape, which names the class for
    /// good, even after its end.
    Class(ShapeId),
    /// Values of several classes.
    Anything,
}

/// What has been seen of a place.
#[repr(transparent)]
#[derive(Debug)]
pub struct Fact(Cell<u32>);

/// A value was replaced or taken away.
const CHANGING: u32 = 1 << 31;
/// Values of several classes.
const ANYTHING: u32 = CHANGING - 1;

/// The id of the root shape of a value's class.
#[inline(always)]
fn class_of(v: Value) -> u32 {
    if v.is_ptr() {
        // SAFETY: the word is a live value.
        unsafe { v.header() }.shape_id().get().class()
    } else if v.is_int() {
        FixedShape::Int as u32
    } else {
        FixedShape::Float as u32
    }
}

impl Fact {
    /// Nothing seen.
    pub const fn new() -> Fact {
        Fact(Cell::new(0))
    }

    /// Changing values of any class: what is never told more.
    pub const fn untold() -> Fact {
        Fact(Cell::new(ANYTHING | CHANGING))
    }

    /// The first value of a place was stored (one place of many, where the fact is that of a layout).
    #[inline(always)]
    pub fn stored(&self, v: Value) {
        self.note(v, 0);
    }

    /// A value was stored over another one.
    #[inline(always)]
    pub fn replaced(&self, v: Value) {
        self.note(v, CHANGING);
    }

    /// Whether storing `v` over another value tells nothing new.
    #[inline(always)]
    pub fn tells_replacing(&self, v: Value) -> bool {
        let f = self.0.get();
        f == ANYTHING | CHANGING || f == class_of(v) | CHANGING
    }

    /// A value was taken away.
    #[inline(always)]
    pub fn removed(&self) {
        self.0.set(self.0.get() | CHANGING);
    }

    #[inline(always)]
    fn note(&self, v: Value, replaces: u32) {
        let old = self.0.get();
        if old == ANYTHING | CHANGING {
            return;
        }
        let tag = class_of(v);
        let class = old & ANYTHING;
        let class = if class == 0 || class == tag { tag } else { ANYTHING };
        let new = class | old & CHANGING | replaces;
        if new != old {
            self.0.set(new);
        }
    }

    /// Whether each place kept its first value so far.
    #[inline(always)]
    pub fn is_constant(&self) -> bool {
        self.0.get() & CHANGING == 0
    }

    /// The class of all values so far.
    #[inline(always)]
    pub fn seen(&self) -> Seen {
        match self.0.get() & ANYTHING {
            0 => Seen::Nothing,
            ANYTHING => Seen::Anything,
            // SAFETY: the number came from a shape's id.
            id => Seen::Class(unsafe { ShapeId::from_u32(id) }),
        }
    }
}

impl Default for Fact {
    fn default() -> Fact {
        Fact::new()
    }
}
