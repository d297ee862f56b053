//! The exception classes. Each has a function of its name that gives the type.

use super::base::BaseException as BaseData;
use super::fields::*;
use super::group::{ExceptionGroupMarker, GroupData};
use super::os_error::OSErrorData;
use crate::native::{PyClass, pyclass};
use crate::types::Type;

/// Accessors of classes whose payload is a struct of another name.
macro_rules! data {
    ($($name:ident $data:ty, $doc:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`: ", $doc)]
        #[inline]
        pub fn $name() -> &'static Type {
            <$data as PyClass>::class().type_object()
        }
    )*};
}

data! {
    BaseException BaseData, "the root.";
    BaseExceptionGroup GroupData, "a group of exceptions.";
    StopIteration StopIterationData, "signals the end of an iterator.";
    SystemExit SystemExitData, "asks the interpreter to exit.";
    OSError OSErrorData, "an operating system error.";
    ImportError ImportErrorData, "an import failed.";
    SyntaxError SyntaxErrorData, "source text is not Python.";
    AttributeError AttributeErrorData, "an attribute is missing.";
    NameError NameErrorData, "a name is unbound.";
    KeyError KeyErrorMarker, "a mapping has no such key.";
    UnicodeError UnicodeErrorData, "text conversion failed.";
    UnicodeEncodeError UnicodeEncodeMarker, "encoding failed.";
    UnicodeDecodeError UnicodeDecodeMarker, "decoding failed.";
    UnicodeTranslateError UnicodeTranslateMarker, "translating failed.";
    ExceptionGroup ExceptionGroupMarker, "a group of `Exception`s.";
}

/// Classes that only have a name, a base and a docstring.
macro_rules! simple {
    ($($name:ident($base:path) $doc:literal;)*) => {
        /// The classes as bases of native classes.
        pub mod markers {
            #![expect(missing_docs, reason = "each names its class")]
            use super::*;
            $(
                #[pyclass(base = $base, flags(basetype), payload = "inherit", doc = $doc)]
                pub struct $name;
            )*
        }
        $(
            #[doc = concat!("`", stringify!($name), "`: ", $doc)]
            #[inline]
            pub fn $name() -> &'static Type {
                markers::$name::class().type_object()
            }
        )*

        /// The plain classes, in order.
        static SIMPLE: &[fn() -> &'static Type] = &[$($name),*];
    };
}

simple! {
    Exception(BaseData) "Common base class for all non-exit exceptions.";
    GeneratorExit(BaseData) "Request that a generator exit.";
    KeyboardInterrupt(BaseData) "Program interrupted by user.";
    ArithmeticError(Exception) "Base class for arithmetic errors.";
    FloatingPointError(ArithmeticError) "Floating-point operation failed.";
    OverflowError(ArithmeticError) "Result too large to be represented.";
    ZeroDivisionError(ArithmeticError) "Second argument to a division or modulo operation was zero.";
    AssertionError(Exception) "Assertion failed.";
    BufferError(Exception) "Buffer error.";
    EOFError(Exception) "Read beyond end of file.";
    ModuleNotFoundError(ImportErrorData) "Module not found.";
    LookupError(Exception) "Base class for lookup errors.";
    IndexError(LookupError) "Sequence index out of range.";
    MemoryError(Exception) "Out of memory.";
    UnboundLocalError(NameErrorData) "Local name referenced but not bound to a value.";
    BlockingIOError(OSErrorData) "I/O operation would block.";
    ChildProcessError(OSErrorData) "Child process error.";
    ConnectionError(OSErrorData) "Connection error.";
    BrokenPipeError(ConnectionError) "Broken pipe.";
    ConnectionAbortedError(ConnectionError) "Connection aborted.";
    ConnectionRefusedError(ConnectionError) "Connection refused.";
    ConnectionResetError(ConnectionError) "Connection reset.";
    FileExistsError(OSErrorData) "File already exists.";
    FileNotFoundError(OSErrorData) "File not found.";
    InterruptedError(OSErrorData) "Interrupted by signal.";
    IsADirectoryError(OSErrorData) "Operation doesn't work on directories.";
    NotADirectoryError(OSErrorData) "Operation only works on directories.";
    PermissionError(OSErrorData) "Not enough permissions.";
    ProcessLookupError(OSErrorData) "Process not found.";
    TimeoutError(OSErrorData) "Timeout expired.";
    ReferenceError(Exception) "Weak ref proxy used after referent went away.";
    RuntimeError(Exception) "Unspecified run-time error.";
    NotImplementedError(RuntimeError) "Method or function hasn't been implemented yet.";
    PythonFinalizationError(RuntimeError) "Operation blocked during Python finalization.";
    RecursionError(RuntimeError) "Recursion limit exceeded.";
    StopAsyncIteration(Exception) "Signal the end from iterator.__anext__().";
    IndentationError(SyntaxErrorData) "Improper indentation.";
    TabError(IndentationError) "Improper mixture of spaces and tabs.";
    _IncompleteInputError(SyntaxErrorData) "incomplete input.";
    SystemError(Exception) "Internal error in the Cinder interpreter.\n\nPlease report this to the Cinder maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version.";
    TypeError(Exception) "Inappropriate argument type.";
    ValueError(Exception) "Inappropriate argument value (of correct type).";
    Warning(Exception) "Base class for warning categories.";
    BytesWarning(Warning) "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str.";
    DeprecationWarning(Warning) "Base class for warnings about deprecated features.";
    EncodingWarning(Warning) "Base class for warnings about encodings.";
    FutureWarning(Warning) "Base class for warnings about constructs that will change semantically\nin the future.";
    ImportWarning(Warning) "Base class for warnings about probable mistakes in module imports";
    PendingDeprecationWarning(Warning) "Base class for warnings about features which will be deprecated\nin the future.";
    ResourceWarning(Warning) "Base class for warnings about resource usage.";
    RuntimeWarning(Warning) "Base class for warnings about dubious runtime behavior.";
    SyntaxWarning(Warning) "Base class for warnings about dubious syntax.";
    UnicodeWarning(Warning) "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems.";
    UserWarning(Warning) "Base class for warnings generated by user code.";
}

pub(super) use markers::Exception as ExceptionMarker;
pub(super) use markers::LookupError as LookupErrorMarker;
pub(super) use markers::ValueError as ValueErrorMarker;

/// Every exception class that `builtins` shows.
pub fn all() -> Vec<&'static Type> {
    let named: [fn() -> &'static Type; 15] = [
        BaseException,
        BaseExceptionGroup,
        ExceptionGroup,
        StopIteration,
        SystemExit,
        OSError,
        ImportError,
        SyntaxError,
        AttributeError,
        NameError,
        KeyError,
        UnicodeError,
        UnicodeEncodeError,
        UnicodeDecodeError,
        UnicodeTranslateError,
    ];
    named.iter().chain(SIMPLE).map(|f| f()).collect()
}
