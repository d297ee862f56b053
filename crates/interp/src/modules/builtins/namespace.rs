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

    /// The global variables of the running code as a dict; changing it changes the variables.
    #[pyfunction]
    fn globals(cx: &Ctx) -> PyResult {
        (cx.host().globals)(cx).ok_or_else(|| cx.system_error("no current frame"))
    }

    /// The variables of the running scope as a dict.
    ///
    /// In a function it is a new dict each time, which later assignments leave alone; elsewhere it is the namespace
    /// itself.
    #[pyfunction]
    fn locals(cx: &Ctx) -> PyResult {
        current_locals(cx)
    }

    /// vars([object]) -> dictionary
    ///
    /// The __dict__ of an object; the same as locals() where none is given.
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
    /// The names of attributes that an object has or gets from its class, sorted; without an argument those of the
    /// running scope. It may leave out some, and objects with __dir__ decide themselves.
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

    /// A text that shows an object to a programmer; of many built-in types, eval() makes an equal object of it.
    #[pyfunction(sig = "(obj, /)")]
    fn repr(cx: &Ctx, obj: &Obj) -> PyResult {
        obj.repr(cx)
    }

    /// Like repr(), but with escapes for all characters that are not ASCII.
    #[pyfunction(sig = "(obj, /)")]
    fn ascii(cx: &Ctx, obj: &Obj) -> PyResult {
        obj.ascii(cx)
    }

    /// value as a text in the way that format_spec says, which the value's __format__ interprets.
    ///
    /// See help('FORMATTING') for what most built-in types understand.
    #[pyfunction(sig = "(value, format_spec='', /)")]
    fn format(cx: &Ctx, value: &Obj, format_spec: Option<&Obj>) -> PyResult {
        let empty = Obj::from("");
        let spec = format_spec.unwrap_or(&empty);
        if !spec.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("format() argument 2 must be str, not {}", spec.type_of().name())));
        }
        value.format(cx, spec)
    }

    /// The character whose code point is i, a number from 0 to 0x10ffff.
    #[pyfunction(sig = "(i, /)")]
    fn chr(cx: &Ctx, i: &Obj) -> PyResult {
        let n = i.index(cx)?;
        match int::as_i64(&n) {
            Some(c) if (0..=0x10ffff).contains(&c) => Ok(str::from_char(c as u32)),
            _ => Err(cx.value_error("chr() arg not in range(0x110000)")),
        }
    }

    /// The code point of a character, or the value of a single byte.
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

    /// An int in base two, as Python code would write it.
    ///
    /// >>> bin(6)
    /// '0b110'
    /// >>> bin(-1)
    /// '-0b1'
    #[pyfunction(sig = "(number, /)")]
    fn bin(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 2)
    }

    /// An int in base eight, as Python code would write it.
    ///
    /// >>> oct(8)
    /// '0o10'
    #[pyfunction(sig = "(number, /)")]
    fn oct(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 8)
    }

    /// An int in base sixteen, as Python code would write it.
    ///
    /// >>> hex(4096)
    /// '0x1000'
    /// >>> hex(-11)
    /// '-0xb'
    #[pyfunction(sig = "(number, /)")]
    fn hex(cx: &Ctx, number: &Obj) -> PyResult {
        radix(cx, number, 16)
    }

    /// The nearest number with ndigits digits behind the point; ties go to the even digit.
    ///
    /// Without ndigits the result is an int, else it is of the number's type. Negative ndigits round to tens, hundreds
    /// and so on.
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

    /// What import statements call.
    ///
    /// Programs that compute a module's name are better off with importlib.import_module().
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
