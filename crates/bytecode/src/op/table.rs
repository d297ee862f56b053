//! The opcode table: the single source of truth of the instruction set.

/// Calls the macro `$m` with every row of the opcode table.
///
/// A row is `#[doc = "…"] Name (field: Kind, …) [flag …];` where a field is `a`, `b` or `c` (16 bits) or `bx` (32
/// bits in the place of `b` and `c`), a kind is a variant of [`OperandKind`](crate::op::OperandKind) and a flag one
/// of the lower-case names of [`OpFlags`](crate::op::OpFlags). The enum, the encoder's checks, the verifier, the
/// disassembler and the interpreter's dispatch table all expand it.
#[macro_export]
macro_rules! for_each_opcode {
    ($m:ident) => {
        $m! {
            // ---- Data words and padding -------------------------------------------------------------------------
            /// Does nothing; carries a position so that tracing sees its line.
            Nop () [];
            /// Stands where a frame starts: the first word of compiled code, with the line of the definition. Frames begin
            /// behind it, so it costs nothing; run all the same, it does nothing.
            Resume () [];
            /// Raises SystemError: stands in code objects that were given instructions which cannot run.
            Invalid () [raises ends];
            /// A data word read by the instruction before it; never executed and never a jump target.
            Extra (bx: Imm32) [];

            // ---- Registers --------------------------------------------------------------------------------------
            /// `a = b`: a new reference to a local or constant, or a temporary moved.
            Move (a: Dst, b: Use) [];
            /// `a = b` without consuming `b`, also when it is a temporary.
            Copy (a: Dst, b: Peek) [];
            /// `a = consts[bx]`: for constants whose index does not fit an operand.
            LoadConst (a: Dst, bx: Const32) [];
            /// Drops temporary `a`.
            Drop (a: Tmp) [];
            /// Raises UnboundLocalError if local `a` is unbound.
            CheckLocal (a: Local) [raises];
            /// Unbinds local `a`; UnboundLocalError if it is unbound already.
            DeleteLocal (a: Local) [raises];
            /// Unbinds local `a`, bound or not.
            ClearLocal (a: Local) [];
            /// Moves local `b`, bound or not, to temporary `a` and unbinds the local.
            TakeLocal (a: DstTmp, b: Local) [];
            /// Moves temporary `b`, made by `TakeLocal`, back to local `a` and drops the local's old content.
            RestoreLocal (a: Local, b: Tmp) [];
            /// Moves the cell in local `b` to temporary `a` and unbinds the local.
            TakeCell (a: DstTmp, b: Cell) [];
            /// Moves the cell in temporary `b`, made by `TakeCell`, back to local `a` and drops its old content.
            RestoreCell (a: Local, b: Tmp) [];
            /// `a = far local bx`; UnboundLocalError if it is unbound.
            LoadFar (a: Dst, bx: Far32) [raises];
            /// `far local bx = a`.
            StoreFar (a: Use, bx: Far32) [];
            /// Unbinds far local `bx`; UnboundLocalError if it is unbound already.
            DeleteFar (bx: Far32) [raises];
            /// Unbinds far local `bx`, bound or not.
            ClearFar (bx: Far32) [];
            /// `TakeLocal` for far local `bx`.
            TakeFar (a: DstTmp, bx: Far32) [];
            /// `RestoreLocal` for far local `bx`.
            RestoreFar (a: Tmp, bx: Far32) [];

            // ---- Cells ------------------------------------------------------------------------------------------
            /// Replaces the content of local `a` (a value or unbound) by a new cell that holds it.
            MakeCell (a: Local) [];
            /// Fills the last `a` locals with the cells of the running function's closure, in order.
            CopyFreeVars (a: Count) [];
            /// `a =` content of the cell in local `b`; UnboundLocalError (cell variable) or NameError (free) if empty.
            LoadDeref (a: Dst, b: Cell) [raises];
            /// Content of the cell in local `a` `= b`.
            StoreDeref (a: Cell, b: Use) [];
            /// Empties the cell in local `a`; the error of `LoadDeref` if it is empty already.
            DeleteDeref (a: Cell) [raises];
            /// `a =` the cell object in local `b` (for closure tuples).
            LoadClosure (a: Dst, b: Cell) [];
            /// `a =` mapping `b`'s entry for the name of cell `c`, else the cell's content (class scopes).
            LoadFromDictOrDeref (a: Dst, b: Use, c: Cell) [py];

            // ---- Names ------------------------------------------------------------------------------------------
            /// `a =` the name looked up in the frame's namespace mapping, then globals, then builtins.
            LoadName (a: Dst, bx: Name32) [py];
            /// Stores `a` under the name in the frame's namespace mapping.
            StoreName (a: Use, bx: Name32) [py];
            /// Deletes the name from the frame's namespace mapping; NameError if it is missing.
            DeleteName (bx: Name32) [py];
            /// `a =` the name looked up in globals, then builtins; NameError if missing.
            LoadGlobal (a: Dst, bx: Name32) [py];
            /// Stores `a` under the name in globals.
            StoreGlobal (a: Use, bx: Name32) [py];
            /// Deletes the name from globals; NameError if it is missing.
            DeleteGlobal (bx: Name32) [py];
            /// `a =` mapping `b`'s entry for name `c`, else globals, else builtins (class scopes).
            LoadFromDictOrGlobals (a: Dst, b: Use, c: Name16) [py];
            /// `a =` the frame's namespace mapping; SystemError if the frame has none.
            LoadLocals (a: Dst) [raises];
            /// Creates an empty `__annotations__` dict in the frame's namespace mapping if it has none.
            SetupAnnotations () [py];
            /// `a =` builtins' `__build_class__`; NameError if missing.
            LoadBuildClass (a: Dst) [py];
            /// `a =` the object numbered `b` of [`CommonConst`](crate::op::CommonConst).
            LoadCommonConst (a: Dst, b: Imm) [];

            // ---- Unary ------------------------------------------------------------------------------------------
            /// `a = not b`.
            UnaryNot (a: Dst, b: Use) [py];
            /// `a = -b`.
            UnaryNeg (a: Dst, b: Use) [py];
            /// `a = +b`.
            UnaryPos (a: Dst, b: Use) [py];
            /// `a = ~b`.
            UnaryInvert (a: Dst, b: Use) [py];

            // ---- Binary -----------------------------------------------------------------------------------------
            /// `a = b + c`.
            Add (a: Dst, b: Use, c: Use) [py];
            /// `a = b - c`.
            Sub (a: Dst, b: Use, c: Use) [py];
            /// `a = b * c`.
            Mul (a: Dst, b: Use, c: Use) [py];
            /// `a = b @ c`.
            MatMul (a: Dst, b: Use, c: Use) [py];
            /// `a = b / c`.
            TrueDiv (a: Dst, b: Use, c: Use) [py];
            /// `a = b // c`.
            FloorDiv (a: Dst, b: Use, c: Use) [py];
            /// `a = b % c`.
            Mod (a: Dst, b: Use, c: Use) [py];
            /// `a = b ** c`.
            Pow (a: Dst, b: Use, c: Use) [py];
            /// `a = b << c`.
            LShift (a: Dst, b: Use, c: Use) [py];
            /// `a = b >> c`.
            RShift (a: Dst, b: Use, c: Use) [py];
            /// `a = b & c`.
            And (a: Dst, b: Use, c: Use) [py];
            /// `a = b | c`.
            Or (a: Dst, b: Use, c: Use) [py];
            /// `a = b ^ c`.
            Xor (a: Dst, b: Use, c: Use) [py];
            /// `a = b += c`: in place where `b`'s type can, as are the next twelve.
            InplaceAdd (a: Dst, b: Use, c: Use) [py];
            /// `a = b -= c`.
            InplaceSub (a: Dst, b: Use, c: Use) [py];
            /// `a = b *= c`.
            InplaceMul (a: Dst, b: Use, c: Use) [py];
            /// `a = b @= c`.
            InplaceMatMul (a: Dst, b: Use, c: Use) [py];
            /// `a = b /= c`.
            InplaceTrueDiv (a: Dst, b: Use, c: Use) [py];
            /// `a = b //= c`.
            InplaceFloorDiv (a: Dst, b: Use, c: Use) [py];
            /// `a = b %= c`.
            InplaceMod (a: Dst, b: Use, c: Use) [py];
            /// `a = b **= c`.
            InplacePow (a: Dst, b: Use, c: Use) [py];
            /// `a = b <<= c`.
            InplaceLShift (a: Dst, b: Use, c: Use) [py];
            /// `a = b >>= c`.
            InplaceRShift (a: Dst, b: Use, c: Use) [py];
            /// `a = b &= c`.
            InplaceAnd (a: Dst, b: Use, c: Use) [py];
            /// `a = b |= c`.
            InplaceOr (a: Dst, b: Use, c: Use) [py];
            /// `a = b ^= c`.
            InplaceXor (a: Dst, b: Use, c: Use) [py];

            // ---- Comparison -------------------------------------------------------------------------------------
            /// `a = b < c`, whatever object the comparison gives.
            Lt (a: Dst, b: Use, c: Use) [py];
            /// `a = b <= c`.
            Le (a: Dst, b: Use, c: Use) [py];
            /// `a = b == c`.
            Eq (a: Dst, b: Use, c: Use) [py];
            /// `a = b != c`.
            Ne (a: Dst, b: Use, c: Use) [py];
            /// `a = b > c`.
            Gt (a: Dst, b: Use, c: Use) [py];
            /// `a = b >= c`.
            Ge (a: Dst, b: Use, c: Use) [py];
            /// `a = b is c`.
            Is (a: Dst, b: Use, c: Use) [];
            /// `a = b is not c`.
            IsNot (a: Dst, b: Use, c: Use) [];
            /// `a = b in c`, a bool.
            In (a: Dst, b: Use, c: Use) [py];
            /// `a = b not in c`, a bool.
            NotIn (a: Dst, b: Use, c: Use) [py];

            // ---- Control flow -----------------------------------------------------------------------------------
            /// Goes forward to `bx`.
            Jump (bx: Jump32) [jump];
            /// Goes back to `bx`, polling for signals, thread switches and collection, and counting the loop.
            JumpBackward (bx: Jump32) [jump back py];
            /// Goes back to `bx` without polling: the loop around `Send`.
            JumpBackwardNoPoll (bx: Jump32) [jump back];
            /// Goes forward to `bx` if `a` is true.
            JumpIfTrue (a: Use, bx: Jump32) [branch py];
            /// Goes forward to `bx` if `a` is false.
            JumpIfFalse (a: Use, bx: Jump32) [branch py];
            /// Goes forward to `bx` if `a` is None.
            JumpIfNone (a: Use, bx: Jump32) [branch];
            /// Goes forward to `bx` if `a` is not None.
            JumpIfNotNone (a: Use, bx: Jump32) [branch];
            /// If `a` is true goes forward to `bx` with `a` kept; else drops `a`. Consumed if its truth test raises.
            JumpIfTrueOrDrop (a: Tmp, bx: Jump32) [branch py];
            /// If `a` is false goes forward to `bx` with `a` kept; else drops `a`. Consumed if its truth test raises.
            JumpIfFalseOrDrop (a: Tmp, bx: Jump32) [branch py];
            /// Runs the next instruction, a `Jump`, if the truth of `a < b` is `c` (0 or 1); else skips it.
            BrLt (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a <= b`.
            BrLe (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a == b`.
            BrEq (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a != b`.
            BrNe (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a > b`.
            BrGt (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a >= b`.
            BrGe (a: Use, b: Use, c: Imm) [skips py];
            /// As `BrLt` for `a is b`.
            BrIs (a: Use, b: Use, c: Imm) [skips];
            /// As `BrLt` for `a in b`.
            BrIn (a: Use, b: Use, c: Imm) [skips py];

            // ---- Iteration --------------------------------------------------------------------------------------
            /// `a = iter(b)`.
            GetIter (a: Dst, b: Use) [py];
            /// `a =` next item of iterator `b`, skipping the next instruction; when exhausted drops `b` and runs the
            /// next instruction, a `Jump`. An exception leaves `b` live; TypeError if `b` is no iterator.
            ForIter (a: Dst, b: Keep) [skips py];
            /// `a = len(b)` as an int, without consuming `b`.
            GetLen (a: Dst, b: Peek) [py];
            /// `a =` iterator for `yield from b`: `b` itself if it is a generator or (in a coroutine) a coroutine.
            GetYieldFromIter (a: Dst, b: Use) [py];

            // ---- Subscripts and attributes ----------------------------------------------------------------------
            /// `a = b[c]`.
            GetItem (a: Dst, b: Use, c: Use) [py];
            /// `a[b] = c`; drops c, a, b.
            SetItem (a: Use, b: Use, c: Use) [py];
            /// `del a[b]`.
            DelItem (a: Use, b: Use) [py];
            /// `a = b[c : c+1]`: the window `c` holds start and stop.
            GetSlice (a: Dst, b: Use, c: Win) [py];
            /// `a[b : b+1] = c`: the window `b` holds start and stop.
            SetSlice (a: Use, b: Win, c: Use) [py];
            /// `a = slice(b, b+1[, b+2])` from a window of `c` (2 or 3) registers.
            BuildSlice (a: Dst, b: Win, c: Count) [raises];
            /// `a = b.name`.
            LoadAttr (a: Dst, b: Use, c: Name16) [py];
            /// `a.name = b`; drops b, then a.
            StoreAttr (a: Use, b: Use, c: Name16) [py];
            /// `del a.name`.
            DelAttr (a: Use, c: Name16) [py];
            /// `a = getattr(b, c)` with the name as a str operand: for name indices past 16 bits.
            LoadAttrDyn (a: Dst, b: Use, c: Use) [py];
            /// `setattr(a, c, b)` likewise.
            StoreAttrDyn (a: Use, b: Use, c: Use) [py];
            /// `delattr(a, b)` likewise.
            DelAttrDyn (a: Use, b: Use) [py];
            /// Window `a` = [callee, self or unbound] for the call `b.name(…)`: an unbound method with `b` as self where
            /// the attribute is a plain function or method descriptor of the class, else the attribute and unbound.
            LoadMethod (a: Win, b: Use, c: Name16) [py];
            /// Window `a` = [callee, self or unbound] for special method `c`
            /// ([`SpecialMethod`](crate::op::SpecialMethod)) of `b`'s type; TypeError naming the protocol if missing.
            LoadSpecial (a: Win, b: Use, c: Imm) [py];
            /// `a = super().name`; window `b` = [the global `super`, class, self].
            LoadSuperAttr (a: Dst, b: Win, c: Name16) [py];
            /// Window `a` = [callee, self or unbound] for `super().name(…)`; window `b` as in `LoadSuperAttr`.
            LoadSuperMethod (a: Win, b: Win, c: Name16) [py];
            /// `LoadSuperAttr` written with two arguments; differs only when `super` is not the built-in.
            LoadSuperAttr2 (a: Dst, b: Win, c: Name16) [py];
            /// `LoadSuperMethod` written with two arguments.
            LoadSuperMethod2 (a: Win, b: Win, c: Name16) [py];

            // ---- Calls ------------------------------------------------------------------------------------------
            /// `a =` call; window `b` = [callee, scratch, `c` arguments].
            Call (a: Dst, b: Win, c: Count) [py calls];
            /// `a =` call; window `b` = [callee, self or unbound, `c` arguments].
            CallMethod (a: Dst, b: Win, c: Count) [py calls];
            /// `Call` whose last arguments are named by the tuple constant in the next word; `c` counts all of them.
            CallKw (a: Dst, b: Win, c: Count) [py calls extra];
            /// `CallMethod` with keywords, as `CallKw`.
            CallMethodKw (a: Dst, b: Win, c: Count) [py calls extra];
            /// `a =` call; window `b` = [callee, scratch, iterable of positionals] and, if `c` is 1, a dict of keywords.
            CallEx (a: Dst, b: Win, c: Imm) [py calls];

            // ---- Containers and strings -------------------------------------------------------------------------
            /// `a =` tuple of the `c` registers of window `b`.
            BuildTuple (a: Dst, b: Win, c: Count) [raises];
            /// `a =` list of the `c` registers of window `b`.
            BuildList (a: Dst, b: Win, c: Count) [raises];
            /// `a =` set of the `c` registers of window `b`.
            BuildSet (a: Dst, b: Win, c: Count) [py];
            /// `a =` dict of `c` pairs (key, value) in window `b`.
            BuildMap (a: Dst, b: Win, c: Count) [py];
            /// Appends `b` to list `a`.
            ListAppend (a: Keep, b: Use) [raises];
            /// Extends list `a` by iterable `b`; "Value after * must be an iterable, not X" if it is none.
            ListExtend (a: Keep, b: Use) [py];
            /// Adds `b` to set `a`.
            SetAdd (a: Keep, b: Use) [py];
            /// Adds all of iterable `b` to set `a`.
            SetUpdate (a: Keep, b: Use) [py];
            /// `a[b] = c` for dict `a`.
            MapAdd (a: Keep, b: Use, c: Use) [py];
            /// `a.update(b)` for dict `a`; "'X' object is not a mapping" if `b` is none.
            DictUpdate (a: Keep, b: Use) [py];
            /// `DictUpdate` for call keywords: an error if a key repeats; callee `c` is named in messages.
            DictMerge (a: Keep, b: Use, c: Keep) [py];
            /// `a =` tuple of list `b`'s items.
            ListToTuple (a: Dst, b: Tmp) [raises];
            /// Unpacks iterable `a` into exactly `c` registers of window `b`.
            UnpackSequence (a: Use, b: Win, c: Count) [py];
            /// Unpacks iterable `a` into window `b`: `c` items, a list of the rest, and as many items as the next word
            /// says.
            UnpackEx (a: Use, b: Win, c: Count) [py extra];
            /// `a =` the concatenation of the `c` str registers of window `b`.
            BuildString (a: Dst, b: Win, c: Count) [raises];
            /// `a = format(b)`; `b` itself if it is exactly a str.
            FormatSimple (a: Dst, b: Use) [py];
            /// `a = format(b, c)`.
            FormatWithSpec (a: Dst, b: Use, c: Use) [py];
            /// `a =` `b` converted by [`Conversion`](crate::op::Conversion) `c`.
            ConvertValue (a: Dst, b: Use, c: Imm) [py];
            /// `a =` Interpolation of window `b` = [value, source text, (format spec)]; `c` = conversion * 2 + has spec.
            BuildInterpolation (a: Dst, b: Win, c: Imm) [py];
            /// `a =` Template of tuples `b` (strings) and `c` (interpolations).
            BuildTemplate (a: Dst, b: Use, c: Use) [raises];

            // ---- Functions, classes, type parameters ------------------------------------------------------------
            /// `a =` function of code constant `bx` with the frame's globals.
            MakeFunction (a: Dst, bx: Const32) [raises];
            /// Sets attribute `c` ([`FunctionAttr`](crate::op::FunctionAttr)) of the fresh function `a` to `b`.
            SetFunctionAttr (a: Keep, b: Use, c: Imm) [raises];
            /// `a =` TypeVar named `b`.
            MakeTypeVar (a: Dst, b: Use) [raises];
            /// `a =` TypeVar named `b` with lazily evaluated bound `c`.
            MakeTypeVarWithBound (a: Dst, b: Use, c: Use) [raises];
            /// `a =` TypeVar named `b` with lazily evaluated constraints `c`.
            MakeTypeVarWithConstraints (a: Dst, b: Use, c: Use) [raises];
            /// `a =` ParamSpec named `b`.
            MakeParamSpec (a: Dst, b: Use) [raises];
            /// `a =` TypeVarTuple named `b`.
            MakeTypeVarTuple (a: Dst, b: Use) [raises];
            /// Sets the lazily evaluated default of type parameter `b` to `c`; `a = b`.
            SetTypeParamDefault (a: Dst, b: Use, c: Use) [raises];
            /// `a =` TypeAliasType of window `b` = [name, type parameters or None, evaluator].
            MakeTypeAlias (a: Dst, b: Win) [raises];
            /// `a = typing.Generic[b]` for the tuple of type parameters `b`.
            SubscriptGeneric (a: Dst, b: Use) [py];

            // ---- Import and top level ---------------------------------------------------------------------------
            /// `a =` module of import name (next word) with fromlist `b` and level `c`.
            ImportName (a: Dst, b: Use, c: Use) [py calls extra];
            /// `a =` attribute (name in the next word) of module `b`, or its submodule; ImportError if neither.
            ImportFrom (a: Dst, b: Peek) [py extra];
            /// Binds every public name of module `a` in the frame's namespace mapping.
            ImportStar (a: Use) [py];
            /// Passes `a` to `sys.displayhook`.
            PrintExpr (a: Use) [py];

            // ---- Leaving ----------------------------------------------------------------------------------------
            /// Returns `a`.
            Return (a: Use) [ends];
            /// Raises the exception being handled; RuntimeError if there is none.
            RaiseAgain () [raises ends];
            /// Raises `a`, an exception or its class.
            Raise (a: Use) [py ends];
            /// Raises `a` with cause `b`.
            RaiseFrom (a: Use, b: Use) [py ends];
            /// Raises exception `a` as it stands: no new traceback entry, no new context. With `b` = 1 the frame goes on
            /// standing at the instruction that raised it first.
            Reraise (a: Tmp, b: Imm) [raises ends];

            // ---- Handlers ---------------------------------------------------------------------------------------
            /// At a handler's start: moves the exception in `a` to `a+1`, makes it the handled exception and leaves the
            /// one handled before (or None) in `a`.
            PushExcInfo (a: Win) [];
            /// Makes the saved exception `a` the handled exception again.
            PopExcept (a: Tmp) [];
            /// Runs the next instruction, a `Jump`, if "exception `a` matches `b`" is `c` (0 or 1); else skips it.
            /// TypeError if `b` is neither an exception class nor a tuple of them.
            BrExcMatch (a: Keep, b: Use, c: Imm) [skips py];
            /// Splits `a` by `b` as `except*` does: `c` = the matching part or None, `a` = the rest or None.
            CheckEgMatch (a: InOut, b: Use, c: DstTmp) [py];
            /// `a =` exception to raise after an `except*` statement, or None: `b` the original, `c` the list of
            /// exceptions raised or left over.
            PrepReraiseStar (a: DstTmp, b: Tmp, c: Tmp) [py];
            /// Window `a` (5) = [exit callee, its self, type, exception, traceback] from window `b` (2, kept) and the
            /// exception `c`; the `CallMethod` that follows calls `__exit__`.
            WithExceptArgs (a: Win, b: Win, c: Keep) [];
            /// Replaces the exception in `a` if it is a StopIteration (or, in an async generator, StopAsyncIteration)
            /// by the RuntimeError that generators raise for it.
            StopIterationError (a: InOut) [raises];

            // ---- Generators and coroutines ----------------------------------------------------------------------
            /// Makes the generator object that the code's flags ask for of this frame and returns it; the first resume
            /// goes on at the next instruction.
            ReturnGenerator () [raises];
            /// Suspends with value `b`; resumed, `a` = the value sent.
            Yield (a: Dst, b: Use) [suspends py];
            /// Suspends with value `a` on behalf of the iterator in `b` (`gi_yieldfrom`, `cr_await`); resumed, `a` = the
            /// value sent.
            YieldDelegate (a: InOut, b: Keep) [suspends py];
            /// Sends `a` to iterator `b`: `a =` what it yields, and the next instruction; or, when it returns, `a =` its
            /// result, and `c` instructions are skipped.
            Send (a: InOut, b: Keep, c: Skip) [py calls];
            /// `a =` result `c`, dropping the finished iterator `b`.
            EndSend (a: Dst, b: Tmp, c: Tmp) [];
            /// After an exception thrown into `YieldDelegate`: if `c` is a StopIteration, `a =` its value and `b` and
            /// `c` are dropped; else raises `c` again.
            CleanupThrow (a: Dst, b: Tmp, c: Tmp) [raises];
            /// `a =` iterator to await `b` by; `c` ([`AwaitSite`](crate::op::AwaitSite)) words the TypeError.
            GetAwaitable (a: Dst, b: Use, c: Imm) [py];
            /// `a = aiter(b)`.
            GetAIter (a: Dst, b: Use) [py];
            /// `a =` iterator to await the next item of async iterator `b` by; TypeError if `b` is none.
            GetANext (a: Dst, b: Keep) [py];
            /// After an exception `b` in an async for loop's next: if it is StopAsyncIteration drops `a` and `b`; else
            /// raises `b` again.
            EndAsyncFor (a: Tmp, b: Tmp) [raises];
            /// `a =` `b` wrapped as an async generator's own yielded value.
            AsyncGenWrap (a: Dst, b: Use) [raises];

            // ---- Match ------------------------------------------------------------------------------------------
            /// `a =` whether `b`'s type is a mapping for `match`.
            MatchMapping (a: Dst, b: Peek) [];
            /// `a =` whether `b`'s type is a sequence for `match`.
            MatchSequence (a: Dst, b: Peek) [];
            /// `a =` tuple of mapping `b`'s values for the tuple of keys `c`, or None; `c` stays live if a temporary.
            MatchKeys (a: Dst, b: Peek, c: Peek) [py];
            /// `a =` copy of mapping `b` as a dict without the tuple of keys `c`.
            MatchRest (a: Dst, b: Peek, c: Use) [py];
            /// `a =` tuple of attributes or None; window `b` = [subject, class, tuple of keyword names], `c` positionals.
            MatchClass (a: Dst, b: Win, c: Count) [py];
        }
    };
}
