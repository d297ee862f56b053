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
    Exception(BaseData) "The base of exceptions that programs handle; those outside end the program or a generator.";
    GeneratorExit(BaseData) "Raised inside of a generator or coroutine to end it.";
    KeyboardInterrupt(BaseData) "Somebody pressed the interrupt key.";
    ArithmeticError(Exception) "A computation has no result.";
    FloatingPointError(ArithmeticError) "A float computation failed; nothing raises it by itself.";
    OverflowError(ArithmeticError) "A number is too large for what was asked.";
    ZeroDivisionError(ArithmeticError) "Division by zero, or a remainder of one.";
    AssertionError(Exception) "Assertion failed.";
    BufferError(Exception) "Buffer error.";
    EOFError(Exception) "The input ended before anything was read.";
    ModuleNotFoundError(ImportErrorData) "Module not found.";
    LookupError(Exception) "A container has nothing under that key or index.";
    IndexError(LookupError) "A sequence has no such index.";
    MemoryError(Exception) "Out of memory.";
    UnboundLocalError(NameErrorData) "A local variable is read before it has a value.";
    BlockingIOError(OSErrorData) "A call would have to wait, but was told not to.";
    ChildProcessError(OSErrorData) "Child process error.";
    ConnectionError(OSErrorData) "Connection error.";
    BrokenPipeError(ConnectionError) "Broken pipe.";
    ConnectionAbortedError(ConnectionError) "Connection aborted.";
    ConnectionRefusedError(ConnectionError) "Connection refused.";
    ConnectionResetError(ConnectionError) "Connection reset.";
    FileExistsError(OSErrorData) "File already exists.";
    FileNotFoundError(OSErrorData) "File not found.";
    InterruptedError(OSErrorData) "A signal cut a system call short.";
    IsADirectoryError(OSErrorData) "A folder stands where a file was expected.";
    NotADirectoryError(OSErrorData) "A folder was expected.";
    PermissionError(OSErrorData) "The user may not do that.";
    ProcessLookupError(OSErrorData) "Process not found.";
    TimeoutError(OSErrorData) "Timeout expired.";
    ReferenceError(Exception) "A weak proxy outlived its object.";
    RuntimeError(Exception) "An error of no more special kind.";
    NotImplementedError(RuntimeError) "A method that a subclass has to provide.";
    PythonFinalizationError(RuntimeError) "Too late: the interpreter is shutting down.";
    RecursionError(RuntimeError) "Calls are nested too deep.";
    StopAsyncIteration(Exception) "An asynchronous iterator has no more items.";
    IndentationError(SyntaxErrorData) "Lines are indented in a way that makes no blocks.";
    TabError(IndentationError) "Indentation depends on how wide a tab is.";
    _IncompleteInputError(SyntaxErrorData) "incomplete input.";
    SystemError(Exception) "The interpreter found itself in a state that it should never be in: a bug to be reported, with the version and the traceback.";
    TypeError(Exception) "The operation is not for values of that type.";
    ValueError(Exception) "The type is right, but not the value.";
    Warning(Exception) "The base of all categories of warnings.";
    BytesWarning(Warning) "bytes were compared with text or turned into one without decoding.";
    DeprecationWarning(Warning) "A feature will go away; for those who use it in their code.";
    EncodingWarning(Warning) "A file was opened without saying its encoding.";
    FutureWarning(Warning) "Code will mean something else one day.";
    ImportWarning(Warning) "An import statement may not do what it seems to.";
    PendingDeprecationWarning(Warning) "A feature may be deprecated some day.";
    ResourceWarning(Warning) "A file, socket or the like was not closed.";
    RuntimeWarning(Warning) "Code does something that is allowed but probably wrong.";
    SyntaxWarning(Warning) "Syntax that is allowed but probably wrong.";
    UnicodeWarning(Warning) "Something doubtful about Unicode.";
    UserWarning(Warning) "The category of warnings that name none.";
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
