//! Namespaces, conversions and representations.

use cinder_pyobj::native::pymodule;

#[pymodule(part, name = "builtins")]
pub(crate) mod namespace {
    use cinder_pyobj::intern;
    use cinder_pyobj::native::Args;
    use cinder_pyobj::types::str::as_utf8_lossy;
    use cinder_pyobj::types::{dict, int, list, str};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::objects::frame_obj::{self, FrameObject};
    use crate::thread::Thread;

    /// The locals of the running Python frame.
    pub(crate) fn current_locals(cx: &Ctx) -> PyResult {
        let th = Thread::of(cx);
        let fr = th.current.get();
        if fr.is_null() {
            return Err(cx.system_error("no current frame"));
        }
        let fo = frame_obj::of(th, fr);
        match fo.downcast::<FrameObject>() {
            Some(f) => f.locals_snapshot(cx),
            None => Err(cx.system_error("no current frame")),
        }
    }

    /// Return the dictionary containing the current scope's global variables.
    ///
    /// NOTE: Updates to this dictionary *will* affect name lookups in the current
    /// global scope and vice-versa.
    #[pyfunction]
    fn globals(cx: &Ctx) -> PyResult {
        (cx.host().globals)(cx).ok_or_else(|| cx.system_error("no current frame"))
    }

    /// Return a dictionary containing the current scope's local variables.
    ///
    /// NOTE: Whether or not updates to this dictionary will affect name lookups in
    /// the local scope and vice-versa is *implementation dependent* and not
    /// covered by any backwards compatibility guarantees.
    #[pyfunction]
    fn locals(cx: &Ctx) -> PyResult {
        current_locals(cx)
    }

    /// vars([object]) -> dictionary
    ///
    /// Without arguments, equivalent to locals().
    /// With an argument, equivalent to object.__dict__.
    #[pyfunction(sig = "")]
    fn vars(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "vars", 0, 1)?;
        match a.first() {
            None => current_locals(cx),
            Some(o) => match o.get_attr_opt(cx, intern!("__dict__"))? {
                Some(d) => Ok(d),
                None => Err(cx.type_error("vars() argument must have __dict__ attribute")),
            },
        }
    }

    /// dir([object]) -> list of strings
    ///
    /// If called without an argument, return the names in the current scope.
    /// Else, return an alphabetized list of names comprising (some of) the attributes
    /// of the given object, and of attributes reachable from it.
    #[pyfunction(sig = "")]
    fn dir(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "dir", 0, 1)?;
        let names = match a.first() {
            None => current_locals(cx)?.call_method(cx, intern!("keys"), &[])?,
            Some(o) => match o.lookup_special(cx, intern!("__dir__"))? {
                Some(f) => f.call0(cx)?,
                None => return Err(cx.type_error("object does not provide __dir__")),
            },
        };
        let l = list::new(names.collect(cx)?);
        l.call_method(cx, intern!("sort"), &[])?;
        Ok(l)
    }

    /// Return the canonical string representation of the object.
    ///
    /// For many object types, including most builtins, eval(repr(obj)) == obj.
    #[pyfunction(sig = "(obj, /)")]
    fn repr(cx: &Ctx, obj: &Obj) -> PyResult {
        obj.repr(cx)
    }

    /// Return an ASCII-only representation of an object.
    ///
    /// As repr(), return a string containing a printable representation of an
    /// object, but escape the non-ASCII characters.
    #[pyfunction(sig = "(obj, /)")]
    fn ascii(cx: &Ctx, obj: &Obj) -> PyResult {
        obj.ascii(cx)
    }

    /// Return type(value).__format__(value, format_spec)
    ///
    /// Many built-in types implement format_spec according to the
    /// Format Specification Mini-language. See help('FORMATTING').
    #[pyfunction(sig = "(value, format_spec='', /)")]
    fn format(cx: &Ctx, value: &Obj, format_spec: Option<&Obj>) -> PyResult {
        let empty = Obj::from("");
        let spec = format_spec.unwrap_or(&empty);
        if !spec.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("format() argument 2 must be str, not {}", spec.type_of().name())));
        }
        value.format(cx, spec)
    }

    /// Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.
    #[pyfunction(sig = "(i, /)")]
    fn chr(cx: &Ctx, i: &Obj) -> PyResult {
        let n = i.index(cx)?;
        match int::as_i64(&n) {
            Some(c) if (0..=0x10ffff).contains(&c) => Ok(str::from_char(c as u32)),
            _ => Err(cx.value_error("chr() arg not in range(0x110000)")),
        }
    }

    /// Return the ordinal value of a character.
    ///
    /// If the argument is a one-character string, return the Unicode code
    /// point of that character.
    #[pyfunction(sig = "(character, /)")]
    fn ord(cx: &Ctx, character: &Obj) -> PyResult<i64> {
        let c = character;
        if c.type_of().is_str_subtype() {
            let n = c.len(cx)?;
            if n == 1 {
                return Ok(i64::from(str::code_point_at(c, 0).unwrap_or(0)));
            }
            return Err(cx.type_error(format!("ord() expected a character, but string of length {n} found")));
        }
        if c.type_of().slots.buffer.get().is_some() && c.type_of().slots.len.get().is_some() {
            let n = c.len(cx)?;
            if n == 1 {
                return c.get_item(cx, &Obj::from(0i64))?.to_i64(cx);
            }
            return Err(cx.type_error(format!("ord() expected a character, but string of length {n} found")));
        }
        Err(cx.type_error(format!("ord() expected string of length 1, but {} found", c.type_of().name())))
    }

    /// The text of an int in a base; a subclass's `__format__` has no part in it.
    fn radix(cx: &Ctx, n: &Obj, base: u32) -> PyResult {
        Ok(Obj::from(cinder_pyobj::types::int::text::to_prefixed_string(&n.index(cx)?, base).as_str()))
    }

    /// Return the binary representation of an integer.
    ///
    /// >>> bin(10)
    /// '0b1010'
    /// >>> bin(-3)
    /// '-0b11'
    #[pyfunction(sig = "(number, /)")]
    fn bin(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 2)
    }

    /// Return the octal representation of an integer.
    ///
    /// >>> oct(64)
    /// '0o100'
    #[pyfunction(sig = "(number, /)")]
    fn oct(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 8)
    }

    /// Return the hexadecimal representation of an integer.
    ///
    /// >>> hex(255)
    /// '0xff'
    /// >>> hex(-16)
    /// '-0x10'
    #[pyfunction(sig = "(number, /)")]
    fn hex(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 16)
    }

    /// Round a number to a given precision in decimal digits.
    ///
    /// The return value is an integer if ndigits is omitted or None.  Otherwise
    /// the return value has the same type as the number.  ndigits may be negative.
    #[pyfunction(sig = "(number, ndigits=None)")]
    fn round(cx: &Ctx, number: &Obj, ndigits: Option<&Obj>) -> PyResult {
        let Some(f) = number.lookup_special(cx, intern!("__round__"))? else {
            return Err(cx.type_error(format!("type {} doesn't define __round__ method", number.type_of().name())));
        };
        match ndigits {
            Some(n) => f.call1(cx, n),
            None => f.call0(cx),
        }
    }

    /// Import a module.
    ///
    /// Because this function is meant for use by the Python
    /// interpreter and not for general use, it is better to use
    /// importlib.import_module() to programmatically import a module.
    #[pyfunction(sig = "(name, globals=None, locals=None, fromlist=(), level=0)")]
    fn __import__(
        cx: &Ctx,
        name: &Obj,
        globals: Option<&Obj>,
        locals: Option<&Obj>,
        fromlist: Option<&Obj>,
        level: i64,
    ) -> PyResult {
        let _ = locals;
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("module name must be a string")));
        }
        let g = globals.cloned().unwrap_or_else(dict::new);
        let from = fromlist.cloned().unwrap_or_else(Obj::none);
        crate::import::import_module_level(cx, name, &g, &from, level)
    }

    const _: fn(&Obj) -> std::borrow::Cow<'_, std::primitive::str> = as_utf8_lossy;
}
