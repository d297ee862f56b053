//! The table of specialised instructions.

use cinder_bytecode::op::Opcode;

/// Calls the macro `$m` with every row of the table of specialised instructions.
///
/// A row is `#[doc = "…"] Name = Generic family;`: the instruction specialises `Generic`, has its operands (field
/// `c`, or `bx`, holds the number of the [`Site`](crate::Site) instead where the generic one has a name or a count
/// there), and may fall back to it at any time. Enum, dispatch and disassembly expand it.
#[macro_export]
macro_rules! for_each_shadow_op {
    ($m:ident) => {
        $m! {
            /// Jumps backward without counting: the code is warm.
            JumpBackwardHot = JumpBackward flow;

            /// Observes an attribute load and specialises it.
            LoadAttrLook = LoadAttr load_attr;
            /// The attribute in an inline slot of an instance of the shape.
            LoadAttrSlot = LoadAttr load_attr;
            /// The attribute in an overflow slot.
            LoadAttrOver = LoadAttr load_attr;
            /// The attribute of the class, which is no descriptor.
            LoadAttrClass = LoadAttr load_attr;
            /// The attribute of this very module or class.
            LoadAttrPinned = LoadAttr load_attr;
            /// A property whose getter is a Python function: runs it in a frame.
            LoadAttrProperty = LoadAttr load_attr;
            /// A descriptor of the class: asks it.
            LoadAttrDescr = LoadAttr load_attr;
            /// A name that only the class's `__getattr__`, a Python function, knows: runs it in a frame.
            LoadAttrHook = LoadAttr load_attr;
            /// A name that the object does not have: raises AttributeError without a look-up.
            LoadAttrAbsent = LoadAttr load_attr;
            /// A descriptor of this very class: asks it.
            LoadAttrPinnedDescr = LoadAttr load_attr;
            /// One of up to four shapes.
            LoadAttrPoly = LoadAttr load_attr;
            /// Many shapes: asks the global cache.
            LoadAttrMega = LoadAttr load_attr;

            /// Observes an attribute store and specialises it.
            StoreAttrLook = StoreAttr store_attr;
            /// Stores into an inline slot.
            StoreAttrSlot = StoreAttr store_attr;
            /// Adds an attribute in an inline slot: the object moves to the next shape.
            StoreAttrGrow = StoreAttr store_attr;
            /// Adds an attribute in an overflow slot that is there already.
            StoreAttrGrowOver = StoreAttr store_attr;
            /// Stores into an overflow slot.
            StoreAttrOver = StoreAttr store_attr;
            /// A property whose setter is a Python function: runs it in a frame.
            StoreAttrProperty = StoreAttr store_attr;
            /// A descriptor of the class: tells it.
            StoreAttrDescr = StoreAttr store_attr;
            /// One of up to four shapes.
            StoreAttrPoly = StoreAttr store_attr;
            /// Many shapes: asks the global cache.
            StoreAttrMega = StoreAttr store_attr;

            /// Observes the deletion of an attribute and specialises it.
            DelAttrLook = DelAttr del_attr;
            /// The attribute that was added last, in an inline slot: the object moves back to the shape before.
            DelAttrShrink = DelAttr del_attr;
            /// As `DelAttrShrink`, in an overflow slot.
            DelAttrShrinkOver = DelAttr del_attr;
            /// A descriptor of the class: tells it; a property's deleter runs in a frame.
            DelAttrDescr = DelAttr del_attr;

            /// Observes the look-up of a method for a call and specialises it.
            LoadMethodLook = LoadMethod load_method;
            /// A function of the class: no bound method is made.
            LoadMethodClass = LoadMethod load_method;
            /// The attribute of this very module or class.
            LoadMethodPinned = LoadMethod load_method;
            /// A class method, of an instance's class.
            LoadMethodOfClass = LoadMethod load_method;
            /// A static method, of an instance's class.
            LoadMethodStatic = LoadMethod load_method;
            /// A class method of this very class.
            LoadMethodPinnedOfClass = LoadMethod load_method;
            /// A static method of this very class.
            LoadMethodPinnedStatic = LoadMethod load_method;
            /// A callable in a slot of the receiver.
            LoadMethodSlot = LoadMethod load_method;
            /// One of up to four shapes.
            LoadMethodPoly = LoadMethod load_method;
            /// Many shapes: asks the global cache.
            LoadMethodMega = LoadMethod load_method;

            /// Observes the look-up of a method through `super()` and specialises it.
            LoadSuperLook = LoadSuperMethod load_super;
            /// A function of a later class in the method resolution order.
            LoadSuperClass = LoadSuperMethod load_super;
            /// What a later class gives to this very class.
            LoadSuperPinned = LoadSuperMethod load_super;
            /// As `LoadSuperLook`, where `super` is given its arguments.
            LoadSuper2Look = LoadSuperMethod2 load_super;
            /// As `LoadSuperClass`.
            LoadSuper2Class = LoadSuperMethod2 load_super;
            /// As `LoadSuperPinned`.
            LoadSuper2Pinned = LoadSuperMethod2 load_super;

            /// Observes the look-up of a context manager's method and specialises it.
            LoadSpecialLook = LoadSpecial load_special;
            /// A function of the class: no bound method is made.
            LoadSpecialClass = LoadSpecial load_special;

            /// Observes the load of a global and specialises it.
            LoadGlobalLook = LoadGlobal load_global;
            /// A global in its cell.
            LoadGlobalCell = LoadGlobal load_global;
            /// A global in a dict that is no module's.
            LoadGlobalDict = LoadGlobal load_global;
            /// A builtin in its cell, while the global's cell is unbound.
            LoadGlobalBuiltin = LoadGlobal load_global;

            /// Observes the making of a function and specialises it.
            MakeFunctionLook = MakeFunction make_function;
            /// A function whose globals have their builtins and their name in known cells.
            MakeFunctionCells = MakeFunction make_function;

            /// Observes a call and specialises it.
            CallLook = Call call;
            /// A function of this code object, or a bound method of one.
            CallPython = Call call;
            /// Functions of up to four code objects.
            CallPythonPoly = Call call;
            /// Functions of any code.
            CallAny = Call call;
            /// Makes an instance of a Python class and enters its `__init__`.
            CallInit = Call call;
            /// As `CallInit` for a class whose `__new__` is native, such as an exception's.
            CallNewInit = Call call;
            /// A class whose `__new__` is written in Python: runs it in a frame.
            CallNew = Call call;
            /// Makes an instance of a plain Python class that has no `__init__`.
            CallPlain = Call call;
            /// A class that is made natively.
            CallClass = Call call;
            /// `str` of one argument.
            CallStr = Call call;
            /// An instance whose class has a `__call__` written in Python.
            CallObject = Call call;
            /// A native object that passes its calls on, such as a `functools.partial`.
            CallForward = Call call;
            /// Another native object that can be called, such as a `functools.lru_cache`.
            CallNativeObject = Call call;
            /// `type` of one argument.
            CallTypeOf = Call call;
            /// The builtin `len`.
            CallLen = Call call;
            /// The builtin `isinstance`.
            CallIsinstance = Call call;
            /// The builtin `hasattr`: asks the global cache.
            CallHasattr = Call call;
            /// The builtin `getattr`: asks the global cache.
            CallGetattr = Call call;
            /// The builtin `ord`.
            CallOrd = Call call;
            /// The builtin `abs`.
            CallAbs = Call call;
            /// The builtin `min` of two values.
            CallMin = Call call;
            /// The builtin `max` of two values.
            CallMax = Call call;
            /// A native function.
            CallNative = Call call;
            /// Calls a coroutine function and awaits it: the coroutine runs at once.
            CallAwait = Call call;
            /// Calls a generator function, or a coroutine function that is not awaited at once: no frame is pushed.
            CallGenerator = Call call;
            /// A builtin that takes all items of the fresh generator it is given.
            CallCollect = Call call;

            /// Observes a method call and specialises it.
            CallMethodLook = CallMethod call_method;
            /// A function of this code object.
            CallMethodPython = CallMethod call_method;
            /// Functions of up to four code objects.
            CallMethodPythonPoly = CallMethod call_method;
            /// Functions of any code.
            CallMethodAny = CallMethod call_method;
            /// As `CallInit`.
            CallMethodInit = CallMethod call_method;
            /// As `CallNewInit`.
            CallMethodNewInit = CallMethod call_method;
            /// As `CallNew`.
            CallMethodNew = CallMethod call_method;
            /// As `CallPlain`.
            CallMethodPlain = CallMethod call_method;
            /// As `CallObject`.
            CallMethodObject = CallMethod call_method;
            /// As `CallForward`.
            CallMethodForward = CallMethod call_method;
            /// As `CallNativeObject`.
            CallMethodNativeObject = CallMethod call_method;
            /// Calls a coroutine method and awaits it: the coroutine runs at once.
            CallMethodAwait = CallMethod call_method;
            /// Calls a generator method, or a coroutine method that is not awaited at once: no frame is pushed.
            CallMethodGenerator = CallMethod call_method;
            /// `join` of a str with a fresh generator.
            CallMethodCollect = CallMethod call_method;
            /// `append` of an exact list.
            CallMethodAppend = CallMethod call_method;
            /// A method of a native type.
            CallMethodNative = CallMethod call_method;
            /// A native function that takes no receiver.
            CallMethodFunction = CallMethod call_method;
            /// A class that is made natively.
            CallMethodClass = CallMethod call_method;

            /// Observes a call with keywords and specialises it.
            CallKwLook = CallKw call_kw;
            /// A function of this code object: arguments go to its parameters by a plan.
            CallKwPython = CallKw call_kw;
            /// Makes an instance of a Python class and enters its `__init__` by a plan.
            CallKwInit = CallKw call_kw;
            /// A native function or class.
            CallKwNative = CallKw call_kw;

            /// Observes a method call with keywords and specialises it.
            CallMethodKwLook = CallMethodKw call_kw;
            /// As `CallKwPython`.
            CallMethodKwPython = CallMethodKw call_kw;
            /// As `CallKwInit`.
            CallMethodKwInit = CallMethodKw call_kw;
            /// As `CallKwNative`.
            CallMethodKwNative = CallMethodKw call_kw;

            /// Observes a subscript; where no class written in Python is met, it becomes a plain instruction again.
            GetItemLook = GetItem subscript;
            /// A class whose `__getitem__` is a Python function: runs it in a frame.
            GetItemClass = GetItem subscript;
            /// An exact dict, of whose entries one has the very key.
            GetItemDict = GetItem subscript;
            /// As `GetItemLook`.
            SetItemLook = SetItem subscript;
            /// A class whose `__setitem__` is a Python function: runs it in a frame.
            SetItemClass = SetItem subscript;

            /// Makes a slice that the next instruction subscripts with: exact lists, tuples and strs need no slice object.
            BuildSliceGet = BuildSlice subscript;

            /// Observes what a loop walks and specialises that.
            ForIterLook = ForIter for_iter;
            /// A range of ints that fit in words.
            ForIterRange = ForIter for_iter;
            /// An exact list.
            ForIterList = ForIter for_iter;
            /// An exact tuple.
            ForIterTuple = ForIter for_iter;
            /// A generator, which runs in the loop's own run loop.
            ForIterGenerator = ForIter for_iter;
            /// The keys of an exact dict.
            ForIterKeys = ForIter for_iter;
            /// The values of an exact dict.
            ForIterValues = ForIter for_iter;
            /// The items of an exact dict, unpacked at once: no tuple is made.
            ForIterItems = ForIter for_iter;
            /// `enumerate` or `zip` of two, unpacked at once: no tuple is made.
            ForIterPair = ForIter for_iter;
            /// An exact list, from its end.
            ForIterReversed = ForIter for_iter;
            /// The characters of an exact str.
            ForIterStr = ForIter for_iter;
            /// An iterator of a native type: asks its slot.
            ForIterNative = ForIter for_iter;

            /// Observes what is unpacked and specialises that.
            UnpackSequenceLook = UnpackSequence unpack;
            /// An exact tuple or list of the right length, whose items go to locals at once.
            UnpackSequenceLocals = UnpackSequence unpack;
            /// An exact tuple or list of the right length.
            UnpackSequencePlain = UnpackSequence unpack;
        }
    };
}

macro_rules! define {
    ($($(#[doc = $doc:literal])+ $name:ident = $generic:ident $family:ident;)*) => {
        /// The operation of a specialised instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum ShadowOp {
            $($(#[doc = $doc])+ $name,)*
        }

        static TABLE: &[ShadowInfo] = &[
            $(ShadowInfo {
                op: ShadowOp::$name,
                name: stringify!($name),
                generic: Opcode::$generic,
                family: stringify!($family),
                doc: concat!($($doc),+),
            },)*
        ];
    };
}
for_each_shadow_op!(define);

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ShadowInfo {
    /// The operation.
    pub op: ShadowOp,
    /// Its name, as disassembly shows it.
    pub name: &'static str,
    /// What it specialises.
    pub generic: Opcode,
    /// The family, for statistics.
    pub family: &'static str,
    /// What it does, in words.
    pub doc: &'static str,
}

/// Instructions that specialise the same kind of generic instruction and are counted together.
#[derive(Clone, Debug)]
pub struct Family {
    /// The name, as statistics show it.
    pub name: &'static str,
    /// The operations, in numeric order. That with which sites begin, where there are sites, comes first.
    pub ops: Vec<ShadowOp>,
}

impl Family {
    /// All families, in the order of the table.
    pub fn all() -> Vec<Family> {
        let mut all: Vec<Family> = Vec::new();
        for info in TABLE {
            match all.iter_mut().find(|f| f.name == info.family) {
                Some(f) => f.ops.push(info.op),
                None => all.push(Family { name: info.family, ops: vec![info.op] }),
            }
        }
        all
    }
}

/// How many specialised instructions there are. Their numbers follow those of the opcodes.
pub const SHADOW_OPS: usize = TABLE.len();

impl ShadowOp {
    /// The number in an instruction word.
    #[inline]
    pub const fn number(self) -> u16 {
        Opcode::COUNT as u16 + self as u16
    }

    /// The operation of a number in an instruction word, if it is a specialised one, counted or not.
    pub fn from_number(n: u16) -> Option<ShadowOp> {
        let n = (n as usize).checked_sub(Opcode::COUNT)?;
        TABLE.get(n).or_else(|| TABLE.get(n.checked_sub(SHADOW_OPS)?)).map(|i| i.op)
    }

    /// The table row.
    pub fn info(self) -> &'static ShadowInfo {
        &TABLE[self as usize]
    }

    /// All rows, in numeric order.
    pub fn table() -> &'static [ShadowInfo] {
        TABLE
    }

    /// The observing operation with which instructions of this kind begin, if they have caches.
    pub fn observing(op: Opcode) -> Option<ShadowOp> {
        Some(match op {
            Opcode::LoadAttr => ShadowOp::LoadAttrLook,
            Opcode::StoreAttr => ShadowOp::StoreAttrLook,
            Opcode::DelAttr => ShadowOp::DelAttrLook,
            Opcode::LoadMethod => ShadowOp::LoadMethodLook,
            Opcode::LoadSpecial => ShadowOp::LoadSpecialLook,
            Opcode::LoadGlobal => ShadowOp::LoadGlobalLook,
            Opcode::LoadSuperMethod => ShadowOp::LoadSuperLook,
            Opcode::LoadSuperMethod2 => ShadowOp::LoadSuper2Look,
            Opcode::MakeFunction => ShadowOp::MakeFunctionLook,
            Opcode::Call => ShadowOp::CallLook,
            Opcode::CallMethod => ShadowOp::CallMethodLook,
            Opcode::CallKw => ShadowOp::CallKwLook,
            Opcode::CallMethodKw => ShadowOp::CallMethodKwLook,
            Opcode::GetItem => ShadowOp::GetItemLook,
            Opcode::SetItem => ShadowOp::SetItemLook,
            Opcode::ForIter => ShadowOp::ForIterLook,
            Opcode::UnpackSequence => ShadowOp::UnpackSequenceLook,
            _ => return None,
        })
    }
}
