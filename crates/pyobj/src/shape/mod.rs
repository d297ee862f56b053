//! Shapes (hidden classes): class identity plus attribute layout behind one 32-bit id.
//!
//! Shape records live in one static table, so the id in an object's header leads to the type with one
//! shift and one load, and a single compare of the id guards class and layout together. Ids are never
//! reused. A class whose objects grow too many different layouts falls back to dictionary mode.

pub mod fact;
pub mod instance;
pub mod memory;

use std::cell::Cell;

use rustc_hash::FxHashMap;

use self::fact::Fact;
use crate::heap::Gil;
use crate::native::FixedShape;
use crate::types::Type;
use crate::types::str::Name;

/// The id of a shape. Zero means "no object here".
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ShapeId(u32);

/// How many shapes the table holds. At 64 bytes each it reserves 64 MiB of address space; pages that hold
/// no shape take no memory.
const MAX_SHAPES: usize = 1 << 20;
/// Attributes beyond this number put an object in dictionary mode.
pub const MAX_SHAPED_ATTRS: u32 = 128;
/// Layouts per class beyond this number put its new layouts in dictionary mode.
const MAX_SHAPES_PER_CLASS: u32 = 2048;
/// Up to here a look-up walks the parents instead of building a hash table.
const CHAIN_LIMIT: u32 = 8;

/// One layout of one class.
#[repr(C, align(64))]
pub struct Shape {
    ty: Cell<*const Type>,
    id: Cell<u32>,
    flags: Cell<u32>,
    count: Cell<u32>,
    parent: Cell<u32>,
    key: Cell<Option<Name>>,
    children: Cell<Option<&'static Children>>,
    table: Cell<Option<&'static FxHashMap<Name, u32>>>,
    /// The id of the class's root shape.
    class: Cell<u32>,
    /// What has been seen of the attribute that this layout adds to its parent's, in all layouts that have it.
    fact: Fact,
}

const _: () = assert!(size_of::<Shape>() == 64);

struct Children {
    map: Gil<std::cell::RefCell<FxHashMap<Name, ShapeId>>>,
}

/// The object keeps its attributes in a plain dict in its side record.
const DICT_MODE: u32 = 1;

struct ShapeTable {
    shapes: [Shape; MAX_SHAPES],
    next: Cell<u32>,
}

static SHAPES: Gil<ShapeTable> = Gil::new(ShapeTable {
    shapes: [const {
        Shape {
            ty: Cell::new(std::ptr::null()),
            id: Cell::new(0),
            flags: Cell::new(0),
            count: Cell::new(0),
            parent: Cell::new(0),
            key: Cell::new(None),
            children: Cell::new(None),
            table: Cell::new(None),
            class: Cell::new(0),
            fact: Fact::new(),
        }
    }; MAX_SHAPES],
    next: Cell::new(0),
});

impl ShapeId {
    /// The id of no shape: a free cell.
    pub const NONE: ShapeId = ShapeId(0);

    /// The id of the root shape that a core type has in every process.
    #[inline(always)]
    pub const fn fixed(s: FixedShape) -> ShapeId {
        ShapeId(s as u32)
    }

    /// The id of a number that [`ShapeId::as_u32`] gave.
    ///
    /// # Safety
    /// The number must be that of a shape.
    #[inline(always)]
    pub const unsafe fn from_u32(n: u32) -> ShapeId {
        ShapeId(n)
    }

    /// The number.
    #[inline(always)]
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The shape.
    #[inline(always)]
    pub fn get(self) -> &'static Shape {
        debug_assert!((self.0 as usize) < MAX_SHAPES);
        // SAFETY: ids are made by `Shape::allocate` only, which stays below MAX_SHAPES.
        unsafe { SHAPES.get().shapes.get_unchecked(self.0 as usize) }
    }
}

impl Shape {
    /// A root shape for `ty`; `fixed` names the reserved id of a core type. Nothing when the table is full.
    pub(crate) fn new_root(ty: *const Type, fixed: FixedShape, dict_mode: bool) -> Option<&'static Shape> {
        let s = match fixed {
            FixedShape::None => Shape::allocate()?,
            f => {
                let s = ShapeId(f as u32).get();
                s.id.set(f as u32);
                s
            }
        };
        s.ty.set(ty);
        s.class.set(s.id.get());
        s.flags.set(if dict_mode { DICT_MODE } else { 0 });
        Some(s)
    }

    fn allocate() -> Option<&'static Shape> {
        let t = SHAPES.get();
        let id = t.next.get().max(FixedShape::COUNT as u32);
        if id as usize >= MAX_SHAPES {
            return None;
        }
        t.next.set(id + 1);
        let s = ShapeId(id).get();
        s.id.set(id);
        Some(s)
    }

    /// The shape's id.
    #[inline(always)]
    pub fn id(&self) -> ShapeId {
        ShapeId(self.id.get())
    }

    /// The class.
    #[inline(always)]
    pub fn ty(&self) -> &'static Type {
        debug_assert!(!self.ty.get().is_null());
        // SAFETY: objects hold a reference to their (heap) type, and the shape is reached through an object
        // or through the type itself.
        unsafe { &*self.ty.get() }
    }

    /// Whether objects of the shape keep their attributes in a dict.
    #[inline(always)]
    pub fn is_dict_mode(&self) -> bool {
        self.flags.get() & DICT_MODE != 0
    }

    /// How many attributes the layout holds.
    #[inline(always)]
    pub fn attr_count(&self) -> u32 {
        self.count.get()
    }

    /// The id of the class's root shape.
    #[inline(always)]
    pub fn class(&self) -> u32 {
        self.class.get()
    }

    /// What has been seen of the attribute that this layout adds to its parent's.
    #[inline(always)]
    pub fn last_fact(&'static self) -> &'static Fact {
        &self.fact
    }

    /// What has been seen of attribute `i`, in all layouts that begin with the same ones.
    pub fn fact_of(&'static self, i: u32) -> &'static Fact {
        let mut s = self;
        while s.count.get() > i + 1
            && let Some(parent) = s.parent()
        {
            s = parent;
        }
        &s.fact
    }

    /// The layout without its last attribute.
    pub fn parent(&self) -> Option<&'static Shape> {
        if self.parent.get() == 0 { None } else { Some(ShapeId(self.parent.get()).get()) }
    }

    /// The attribute that this layout adds to its parent's.
    pub fn last_key(&self) -> Option<Name> {
        self.key.get()
    }

    /// The attribute names in slot order.
    pub fn keys(&self) -> Vec<Name> {
        let mut keys = Vec::with_capacity(self.count.get() as usize);
        let mut s = Some(self);
        while let Some(shape) = s {
            keys.extend(shape.key.get());
            s = shape.parent();
        }
        keys.reverse();
        keys
    }

    /// The slot index of an attribute.
    #[inline]
    pub fn lookup(&self, name: Name) -> Option<u32> {
        if self.count.get() > CHAIN_LIMIT {
            return self.table().get(&name).copied();
        }
        let mut s = self;
        loop {
            match s.key.get() {
                Some(k) if k == name => return Some(s.count.get() - 1),
                _ => match s.parent() {
                    Some(p) => s = p,
                    None => return None,
                },
            }
        }
    }

    fn table(&self) -> &'static FxHashMap<Name, u32> {
        if let Some(t) = self.table.get() {
            return t;
        }
        let map = self.keys().into_iter().enumerate().map(|(i, k)| (k, i as u32)).collect();
        let t: &'static _ = Box::leak(Box::new(map));
        self.table.set(Some(t));
        t
    }

    /// The layout with `name` appended, or nothing where objects must go to dictionary mode instead.
    pub fn with_attr(&self, name: Name) -> Option<&'static Shape> {
        if self.is_dict_mode() || self.count.get() >= MAX_SHAPED_ATTRS {
            return None;
        }
        let children = match self.children.get() {
            Some(c) => c,
            None => {
                let c: &'static Children = Box::leak(Box::new(Children { map: Gil::new(Default::default()) }));
                self.children.set(Some(c));
                c
            }
        };
        if let Some(id) = children.map.get().borrow().get(&name) {
            return Some(id.get());
        }
        let ty = self.ty();
        ty.saw_attrs(self.count.get() + 1);
        if ty.count_new_shape() > MAX_SHAPES_PER_CLASS {
            return None;
        }
        let s = Shape::allocate()?;
        s.ty.set(self.ty.get());
        s.class.set(self.class.get());
        s.count.set(self.count.get() + 1);
        s.parent.set(self.id.get());
        s.key.set(Some(name));
        children.map.get().borrow_mut().insert(name, s.id());
        Some(s)
    }
}
