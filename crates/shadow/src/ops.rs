//! The table of specialised instructions.

use cinder_bytecode::op::Opcode;

/// Calls the macro `$m` with every row of the table of specialised instructions.
///
/// A row is `#[doc = "…"] Name = Generic family;`, or `… family [keeps];`: the instruction specialises `Generic`, has its operands (field
/// `c`, or `bx`, holds the number of the [`Site`](crate::Site) instead of what the generic one has there, unless the row
/// ends in `[keeps]`), and may fall back to it at any time. Several generic instructions may share a row; it names the
/// one that says where the number of the site goes. Enum, dispatch and disassembly expand it.
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

            /// Observes a subscript and specialises it.
            GetItemLook = GetItem subscript;
            /// An exact list and an int in a word.
            GetItemList = GetItem subscript [keeps];
            /// An exact tuple and an int in a word.
            GetItemTuple = GetItem subscript [keeps];
            /// An exact str and an int in a word.
            GetItemStr = GetItem subscript [keeps];
            /// An exact dict, of whose entries one has the very key.
            GetItemDict = GetItem subscript;
            /// An exact dict and a constant key: the entry is where it was the last time.
            GetItemConst = GetItem subscript;
            /// A container of another native type: asks the native function.
            GetItemNative = GetItem subscript;
            /// A class whose `__getitem__` is a Python function: runs it in a frame.
            GetItemClass = GetItem subscript;
            /// Observes a store to an item and specialises it.
            SetItemLook = SetItem subscript;
            /// An exact list and an int in a word.
            SetItemList = SetItem subscript [keeps];
            /// An exact dict.
            SetItemDict = SetItem subscript;
            /// An exact dict and a constant key: the entry is where it was the last time.
            SetItemConst = SetItem subscript;
            /// A container of another native type: asks the native function.
            SetItemNative = SetItem subscript;
            /// A class whose `__setitem__` is a Python function: runs it in a frame.
            SetItemClass = SetItem subscript;
            /// Observes the deletion of an item and specialises it.
            DelItemLook = DelItem subscript;
            /// A container of a native type: asks the native function.
            DelItemNative = DelItem subscript;
            /// A class whose `__delitem__` is a Python function: runs it in a frame.
            DelItemClass = DelItem subscript;
            /// Observes a slice and specialises it.
            GetSliceLook = GetSlice subscript;
            /// A slice of an exact list, tuple or str: no slice object is made.
            GetSlicePlain = GetSlice subscript [keeps];
            /// A class whose `__getitem__` is a Python function: runs it in a frame.
            GetSliceClass = GetSlice subscript;
            /// Observes a store to a slice and specialises it.
            SetSliceLook = SetSlice subscript;
            /// A slice of an exact list: no slice object is made.
            SetSliceList = SetSlice subscript [keeps];
            /// A class whose `__setitem__` is a Python function: runs it in a frame.
            SetSliceClass = SetSlice subscript;

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

            /// An iterator whose `__next__` is a Python function: runs it in a frame.
            ForIterClass = ForIter for_iter;

            /// Observes what an iterator is made of and specialises that.
            GetIterLook = GetIter get_iter;
            /// A value of a native type: asks the native function.
            GetIterNative = GetIter get_iter;
            /// A class whose `__iter__` is a Python function: runs it in a frame.
            GetIterClass = GetIter get_iter;

            /// An empty list with as much room as the last ones made here came to need.
            BuildListSized = BuildList build;
            /// An empty dict with as much room as the last ones made here came to need.
            BuildMapSized = BuildMap build;

            /// Observes what is formatted without a specification and specialises that.
            FormatLook = FormatSimple format;
            /// An exact str: it is the result.
            FormatStr = FormatSimple format [keeps];
            /// An int in a word.
            FormatInt = FormatSimple format [keeps];
            /// A float in a word.
            FormatFloat = FormatSimple format [keeps];

            /// Observes what is unpacked and specialises that.
            UnpackSequenceLook = UnpackSequence unpack;
            /// An exact tuple or list of the right length, whose items go to locals at once.
            UnpackSequenceLocals = UnpackSequence unpack;
            /// An exact tuple or list of the right length.
            UnpackSequencePlain = UnpackSequence unpack;

            /// Observes an operation of two values and specialises it.
            BinaryLook = Add binary;
            /// `+` of ints in words.
            AddInt = Add binary [keeps];
            /// `+` of floats in words.
            AddFloat = Add binary [keeps];
            /// `+` of ints and floats in words, in any mixture.
            AddNumber = Add binary [keeps];
            /// `-` of ints in words.
            SubInt = Sub binary [keeps];
            /// `-` of floats in words.
            SubFloat = Sub binary [keeps];
            /// `-` of ints and floats in words, in any mixture.
            SubNumber = Sub binary [keeps];
            /// `*` of ints in words.
            MulInt = Mul binary [keeps];
            /// `*` of floats in words.
            MulFloat = Mul binary [keeps];
            /// `*` of ints and floats in words, in any mixture.
            MulNumber = Mul binary [keeps];
            /// `/` of ints in words.
            TrueDivInt = TrueDiv binary [keeps];
            /// `/` of floats in words.
            TrueDivFloat = TrueDiv binary [keeps];
            /// `/` of ints and floats in words, in any mixture.
            TrueDivNumber = TrueDiv binary [keeps];
            /// `//` of ints in words.
            FloorDivInt = FloorDiv binary [keeps];
            /// `%` of ints in words.
            ModInt = Mod binary [keeps];
            /// `<<` of ints in words.
            LShiftInt = LShift binary [keeps];
            /// `>>` of ints in words.
            RShiftInt = RShift binary [keeps];
            /// `&` of ints in words.
            AndInt = And binary [keeps];
            /// `|` of ints in words.
            OrInt = Or binary [keeps];
            /// `^` of ints in words.
            XorInt = Xor binary [keeps];
            /// `+` of exact strs.
            AddStr = Add binary [keeps];
            /// Values of two native types: asks the native function.
            BinaryNative = Add binary;
            /// The left operand's method, a Python function: runs it in a frame.
            BinaryLeft = Add binary;
            /// The right operand's reflected method, a Python function: runs it in a frame.
            BinaryRight = Add binary;
            /// One of up to four pairs of shapes.
            BinaryPoly = Add binary;

            /// Observes a comparison and specialises it.
            CompareLook = Lt compare;
            /// `<` of ints in words.
            LtInt = Lt compare [keeps];
            /// `<` of floats in words.
            LtFloat = Lt compare [keeps];
            /// `<` of ints and floats in words, in any mixture.
            LtNumber = Lt compare [keeps];
            /// `<=` of ints in words.
            LeInt = Le compare [keeps];
            /// `<=` of floats in words.
            LeFloat = Le compare [keeps];
            /// `<=` of ints and floats in words, in any mixture.
            LeNumber = Le compare [keeps];
            /// `==` of ints in words.
            EqInt = Eq compare [keeps];
            /// `==` of floats in words.
            EqFloat = Eq compare [keeps];
            /// `==` of ints and floats in words, in any mixture.
            EqNumber = Eq compare [keeps];
            /// `!=` of ints in words.
            NeInt = Ne compare [keeps];
            /// `!=` of floats in words.
            NeFloat = Ne compare [keeps];
            /// `!=` of ints and floats in words, in any mixture.
            NeNumber = Ne compare [keeps];
            /// `>` of ints in words.
            GtInt = Gt compare [keeps];
            /// `>` of floats in words.
            GtFloat = Gt compare [keeps];
            /// `>` of ints and floats in words, in any mixture.
            GtNumber = Gt compare [keeps];
            /// `>=` of ints in words.
            GeInt = Ge compare [keeps];
            /// `>=` of floats in words.
            GeFloat = Ge compare [keeps];
            /// `>=` of ints and floats in words, in any mixture.
            GeNumber = Ge compare [keeps];
            /// Values of two native types: asks the native function.
            CompareNative = Lt compare;
            /// The left operand's method, a Python function: runs it in a frame.
            CompareLeft = Lt compare;
            /// The right operand's reflected method, a Python function: runs it in a frame.
            CompareRight = Lt compare;
            /// One of up to four pairs of shapes.
            ComparePoly = Lt compare;

            /// Observes a comparison that branches and specialises it.
            BrCompareLook = BrLt compare;
            /// `<` of ints in words.
            BrLtInt = BrLt compare [keeps];
            /// `<` of floats in words.
            BrLtFloat = BrLt compare [keeps];
            /// `<` of ints and floats in words, in any mixture.
            BrLtNumber = BrLt compare [keeps];
            /// `<=` of ints in words.
            BrLeInt = BrLe compare [keeps];
            /// `<=` of floats in words.
            BrLeFloat = BrLe compare [keeps];
            /// `<=` of ints and floats in words, in any mixture.
            BrLeNumber = BrLe compare [keeps];
            /// `==` of ints in words.
            BrEqInt = BrEq compare [keeps];
            /// `==` of floats in words.
            BrEqFloat = BrEq compare [keeps];
            /// `==` of ints and floats in words, in any mixture.
            BrEqNumber = BrEq compare [keeps];
            /// `!=` of ints in words.
            BrNeInt = BrNe compare [keeps];
            /// `!=` of floats in words.
            BrNeFloat = BrNe compare [keeps];
            /// `!=` of ints and floats in words, in any mixture.
            BrNeNumber = BrNe compare [keeps];
            /// `>` of ints in words.
            BrGtInt = BrGt compare [keeps];
            /// `>` of floats in words.
            BrGtFloat = BrGt compare [keeps];
            /// `>` of ints and floats in words, in any mixture.
            BrGtNumber = BrGt compare [keeps];
            /// `>=` of ints in words.
            BrGeInt = BrGe compare [keeps];
            /// `>=` of floats in words.
            BrGeFloat = BrGe compare [keeps];
            /// `>=` of ints and floats in words, in any mixture.
            BrGeNumber = BrGe compare [keeps];
            /// Values of two native types: asks the native function.
            BrCompareNative = BrLt compare;
            /// The left operand's method, a Python function: runs it in a frame.
            BrCompareLeft = BrLt compare;
            /// The right operand's reflected method, a Python function: runs it in a frame.
            BrCompareRight = BrLt compare;
            /// One of up to four pairs of shapes.
            BrComparePoly = BrLt compare;

            /// Observes an operation of one value and specialises it.
            UnaryLook = UnaryNeg unary;
            /// The negative of an int in a word.
            NegInt = UnaryNeg unary [keeps];
            /// The negative of a float in a word.
            NegFloat = UnaryNeg unary [keeps];
            /// The operand's method, a Python function: runs it in a frame.
            UnaryClass = UnaryNeg unary;

            /// Observes a truth test that jumps and specialises it.
            TruthLook = JumpIfTrue truth;
            /// `True` or `False`.
            JumpIfTrueBool = JumpIfTrue truth [keeps];
            /// A value of a native type that tells its truth without a call.
            JumpIfTrueNative = JumpIfTrue truth [keeps];
            /// `True` or `False`.
            JumpIfFalseBool = JumpIfFalse truth [keeps];
            /// A value of a native type that tells its truth without a call.
            JumpIfFalseNative = JumpIfFalse truth [keeps];
            /// `True` or `False`.
            JumpIfTrueOrDropBool = JumpIfTrueOrDrop truth [keeps];
            /// A value of a native type that tells its truth without a call.
            JumpIfTrueOrDropNative = JumpIfTrueOrDrop truth [keeps];
            /// `True` or `False`.
            JumpIfFalseOrDropBool = JumpIfFalseOrDrop truth [keeps];
            /// A value of a native type that tells its truth without a call.
            JumpIfFalseOrDropNative = JumpIfFalseOrDrop truth [keeps];
            /// An instance whose class has neither `__bool__` nor `__len__`.
            TruthAlways = JumpIfTrue truth;
            /// The `__bool__` or `__len__` of a class, a Python function: runs it in a frame.
            TruthClass = JumpIfTrue truth;
            /// Observes a negation and specialises it.
            NotLook = UnaryNot truth;
            /// A value of a native type that tells its truth without a call.
            NotNative = UnaryNot truth [keeps];
            /// The `__bool__` or `__len__` of a class, a Python function: runs it in a frame.
            NotClass = UnaryNot truth;

            /// Observes a test of membership and specialises it.
            ContainsLook = In contains;
            /// A container of a native type: asks the native function.
            ContainsNative = In contains;
            /// An exact list, tuple or dict, whose words may tell.
            ContainsItems = In contains;
            /// A class whose `__contains__` is a Python function: runs it in a frame.
            ContainsClass = In contains;
            /// Observes a test of membership that branches and specialises it.
            BrContainsLook = BrIn contains;
            /// A container of a native type: asks the native function.
            BrContainsNative = BrIn contains;
            /// An exact list, tuple or dict, whose words may tell.
            BrContainsItems = BrIn contains;
            /// A class whose `__contains__` is a Python function: runs it in a frame.
            BrContainsClass = BrIn contains;
        }
    };
}

macro_rules! define {
    ($($(#[doc = $doc:literal])+ $name:ident = $generic:ident $family:ident $([$keeps:ident])?;)*) => {
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
                keeps_operands: !concat!($(stringify!($keeps))?).is_empty(),
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
    /// Whether it keeps all operands of the generic instruction.
    pub keeps_operands: bool,
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

    /// Whether the instruction keeps all operands of the generic one. Its site is then found by the place of the
    /// instruction, which takes longer: such instructions need no site on their fast paths.
    pub fn keeps_operands(self) -> bool {
        self.info().keeps_operands
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
            Opcode::DelItem => ShadowOp::DelItemLook,
            Opcode::GetSlice => ShadowOp::GetSliceLook,
            Opcode::SetSlice => ShadowOp::SetSliceLook,
            Opcode::ForIter => ShadowOp::ForIterLook,
            Opcode::GetIter => ShadowOp::GetIterLook,
            Opcode::BuildList => ShadowOp::BuildListSized,
            Opcode::BuildMap => ShadowOp::BuildMapSized,
            Opcode::FormatSimple => ShadowOp::FormatLook,
            Opcode::UnpackSequence => ShadowOp::UnpackSequenceLook,
            Opcode::Add
            | Opcode::Sub
            | Opcode::Mul
            | Opcode::MatMul
            | Opcode::TrueDiv
            | Opcode::FloorDiv
            | Opcode::Mod
            | Opcode::LShift
            | Opcode::RShift
            | Opcode::And
            | Opcode::Or
            | Opcode::Xor
            | Opcode::InplaceAdd
            | Opcode::InplaceSub
            | Opcode::InplaceMul
            | Opcode::InplaceMatMul
            | Opcode::InplaceTrueDiv
            | Opcode::InplaceFloorDiv
            | Opcode::InplaceMod
            | Opcode::InplaceLShift
            | Opcode::InplaceRShift
            | Opcode::InplaceAnd
            | Opcode::InplaceOr
            | Opcode::InplaceXor => ShadowOp::BinaryLook,
            Opcode::Lt | Opcode::Le | Opcode::Eq | Opcode::Ne | Opcode::Gt | Opcode::Ge => ShadowOp::CompareLook,
            Opcode::BrLt | Opcode::BrLe | Opcode::BrEq | Opcode::BrNe | Opcode::BrGt | Opcode::BrGe => {
                ShadowOp::BrCompareLook
            }
            Opcode::UnaryNeg | Opcode::UnaryPos | Opcode::UnaryInvert => ShadowOp::UnaryLook,
            Opcode::JumpIfTrue | Opcode::JumpIfFalse | Opcode::JumpIfTrueOrDrop | Opcode::JumpIfFalseOrDrop => {
                ShadowOp::TruthLook
            }
            Opcode::UnaryNot => ShadowOp::NotLook,
            Opcode::In | Opcode::NotIn => ShadowOp::ContainsLook,
            Opcode::BrIn => ShadowOp::BrContainsLook,
            _ => return None,
        })
    }
}
