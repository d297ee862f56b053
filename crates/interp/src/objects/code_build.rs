//! Code objects from given fields: `code.replace()` and the constructor.
//!
//! Fields may say anything. What the verifier accepts runs; for other instructions the code object shows what it was
//! given, and raises SystemError when it is run.

use std::sync::Arc;

use cinder_bytecode::code::{Code, Const, ExceptionTable, LineTable, Local, flags, local_kind};
use cinder_bytecode::op::{Insn, Opcode};
use cinder_bytecode::verify;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{bytes, complex, float, int, set, slice, str, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::code::{self, CodeObject};
use crate::modules::ast::wtf8;

/// Fields of a code object that cannot run, as they were given.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Shown {
    pub flags: u32,
    pub code: Box<[u8]>,
    pub exceptions: Box<[u8]>,
}

/// The fields of a code object by their names.
pub(crate) struct Fields {
    arg_count: u32,
    posonly_arg_count: u32,
    kwonly_arg_count: u32,
    locals: Option<i64>,
    stack_size: u32,
    flags: u32,
    code: Box<[u8]>,
    exceptions: Box<[u8]>,
    lines: Box<[u8]>,
    first_line: u32,
    consts: Option<Vec<Obj>>,
    names: Vec<String>,
    varnames: Vec<String>,
    freevars: Vec<String>,
    cellvars: Vec<String>,
    filename: Obj,
    name: String,
    qualname: String,
}

/// The names of the constructor's parameters, in order.
pub(crate) const PARAMETERS: [&str; 18] = [
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_stacksize",
    "co_flags",
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_firstlineno",
    "co_linetable",
    "co_exceptiontable",
    "co_freevars",
    "co_cellvars",
];

impl Fields {
    /// No code, no names.
    pub(crate) fn empty() -> Fields {
        Fields {
            arg_count: 0,
            posonly_arg_count: 0,
            kwonly_arg_count: 0,
            locals: None,
            stack_size: 0,
            flags: 0,
            code: Box::default(),
            exceptions: Box::default(),
            lines: Box::default(),
            first_line: 0,
            consts: Some(Vec::new()),
            names: Vec::new(),
            varnames: Vec::new(),
            freevars: Vec::new(),
            cellvars: Vec::new(),
            filename: Obj::from(""),
            name: String::new(),
            qualname: String::new(),
        }
    }

    /// Those of a code object; its constants stay its own.
    pub(crate) fn of(c: &CodeObject) -> Fields {
        let code = &c.code;
        let texts = |names: &mut dyn Iterator<Item = &Arc<str>>| names.map(|n| n.to_string()).collect();
        Fields {
            arg_count: code.arg_count,
            posonly_arg_count: code.posonly_arg_count,
            kwonly_arg_count: code.kwonly_arg_count,
            locals: None,
            stack_size: code.temps,
            flags: c.shown_flags(),
            code: c.shown_code(),
            exceptions: c.shown_exceptions(),
            lines: code.lines.as_bytes().into(),
            first_line: code.first_line,
            consts: None,
            names: texts(&mut code.names.iter()),
            varnames: texts(&mut code.varnames()),
            freevars: texts(&mut code.freevars()),
            cellvars: texts(&mut code.cellvars()),
            filename: c.filename.borrow().clone(),
            name: code.name.to_string(),
            qualname: code.qualname.to_string(),
        }
    }

    /// Sets a field.
    ///
    /// # Errors
    /// TypeError for values of the wrong type and unknown fields, ValueError for counts that cannot be.
    pub(crate) fn set(&mut self, cx: &Ctx, field: &str, v: &Obj) -> PyResult<()> {
        let count = || match v.to_i64(cx)? {
            n @ 0..0x0100_0000 => Ok(n as u32),
            _ => Err(cx.value_error(format!("code: {field} is out of range"))),
        };
        let text = || match v.type_of().is_str_subtype() {
            true => Ok(as_utf8_lossy(v).into_owned()),
            false => Err(cx.type_error(format!("code: {field} must be str, not {}", v.type_of().name()))),
        };
        let data = || match v.downcast::<bytes::Bytes>() {
            Some(b) => Ok(b.as_slice().into()),
            None => Err(cx.type_error(format!("code: {field} must be bytes, not {}", v.type_of().name()))),
        };
        let items = || match tuple::items_if_tuple(v) {
            Some(items) => Ok(items),
            None => Err(cx.type_error(format!("code: {field} must be a tuple, not {}", v.type_of().name()))),
        };
        let names = || {
            let mut names = Vec::new();
            for n in items()? {
                if !n.type_of().is_str_subtype() {
                    let what = n.type_of().name();
                    return Err(cx.type_error(format!("name tuples must contain only strings, not '{what}'")));
                }
                names.push(as_utf8_lossy(n).into_owned());
            }
            Ok(names)
        };
        match field {
            "co_argcount" => self.arg_count = count()?,
            "co_posonlyargcount" => self.posonly_arg_count = count()?,
            "co_kwonlyargcount" => self.kwonly_arg_count = count()?,
            "co_nlocals" => self.locals = Some(v.to_i64(cx)?),
            "co_stacksize" => self.stack_size = count()?,
            "co_flags" => self.flags = v.to_i64(cx)? as u32,
            "co_code" => self.code = data()?,
            "co_consts" => self.consts = Some(items()?.to_vec()),
            "co_names" => self.names = names()?,
            "co_varnames" => self.varnames = names()?,
            "co_filename" => {
                text()?;
                self.filename = v.clone();
            }
            "co_name" => self.name = text()?,
            "co_qualname" => self.qualname = text()?,
            "co_firstlineno" => self.first_line = v.to_i64(cx)?.clamp(0, i64::from(i32::MAX)) as u32,
            "co_linetable" => self.lines = data()?,
            "co_exceptiontable" => self.exceptions = data()?,
            "co_freevars" => self.freevars = names()?,
            "co_cellvars" => self.cellvars = names()?,
            _ => return Err(cx.type_error(format!("replace() got an unexpected keyword argument '{field}'"))),
        }
        Ok(())
    }

    /// The code object. Constants that the fields do not set are those of `base`, as are the variables where names and
    /// numbers are the same.
    ///
    /// # Errors
    /// ValueError where names and numbers contradict each other.
    pub(crate) fn build(self, cx: &Ctx, base: Option<&CodeObject>) -> PyResult {
        if self.locals.is_some_and(|n| n != self.varnames.len() as i64) {
            return Err(cx.value_error("code: co_nlocals != len(co_varnames)"));
        }
        let extra = |flag| u32::from(self.flags & flag != 0);
        let params = self.arg_count + self.kwonly_arg_count + extra(flags::VARARGS) + extra(flags::VARKEYWORDS);
        if params as usize > self.varnames.len() {
            return Err(cx.value_error("code: varnames is too small"));
        }
        if self.posonly_arg_count > self.arg_count {
            return Err(cx.value_error("code: co_posonlyargcount > co_argcount"));
        }
        let locals = self.locals(base);
        let (consts, objects) = match (&self.consts, base) {
            (Some(items), _) => {
                // What is no constant for the compiler is one for the interpreter alone.
                let consts = items.iter().map(|o| constant_of(o).unwrap_or(Const::None)).collect();
                (consts, items.clone().into_boxed_slice())
            }
            (None, Some(c)) => (c.code.consts.clone(), c.consts.clone()),
            (None, None) => (Box::default(), Box::default()),
        };
        let docstring = matches!(consts.first(), Some(Const::Str(_)));
        let insns: Option<Box<[Insn]>> = (self.code.len() % 8 == 0).then(|| {
            let words = self.code.as_chunks::<8>().0;
            words.iter().map(|w| Insn(u64::from_le_bytes(*w))).collect()
        });
        let same_code = base.is_some_and(|c| insns.as_deref() == Some(&*c.code.insns));
        let same_lines = base.is_some_and(|c| c.code.lines.as_bytes() == &*self.lines);
        let mut result = Code::empty();
        result.name = self.name.as_str().into();
        result.qualname = self.qualname.as_str().into();
        result.filename = as_utf8_lossy(&self.filename).into_owned().into();
        result.first_line = self.first_line;
        result.flags = if docstring { self.flags } else { self.flags & !flags::HAS_DOCSTRING };
        result.arg_count = self.arg_count;
        result.posonly_arg_count = self.posonly_arg_count;
        result.kwonly_arg_count = self.kwonly_arg_count;
        result.locals = locals;
        result.temps = self.stack_size;
        result.raw_words = base.map_or(0, |c| c.code.raw_words);
        result.names = self.names.iter().map(|n| Arc::from(n.as_str())).collect();
        result.consts = consts;
        result.insns = insns.unwrap_or_default();
        result.exceptions = ExceptionTable::decode(&self.exceptions).unwrap_or_default();
        result.lines = LineTable::from_bytes(self.lines.clone());
        if let Some(c) = base.filter(|_| same_code && same_lines) {
            result.line_events = c.code.line_events.clone();
        }
        let mut shown = None;
        if result.exceptions.encode() != *self.exceptions || verify(&result).is_err() {
            shown = Some(Box::new(Shown { flags: self.flags, code: self.code, exceptions: self.exceptions }));
            result.flags &= !(flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR);
            result.insns = [Insn::abc(Opcode::Invalid, 0, 0, 0)].into();
            result.exceptions = ExceptionTable::default();
            result.line_events = Box::default();
            if let Err(e) = verify(&result) {
                return Err(cx.value_error(format!("code: {e}")));
            }
        }
        code::with_constants(cx, Arc::new(result), objects, shown)
    }

    fn locals(&self, base: Option<&CodeObject>) -> Box<[Local]> {
        if let Some(c) = base {
            let same =
                |a: &[String], b: &mut dyn Iterator<Item = &Arc<str>>| a.iter().map(String::as_str).eq(b.map(|n| &**n));
            let code = &c.code;
            if same(&self.varnames, &mut code.varnames())
                && same(&self.cellvars, &mut code.cellvars())
                && same(&self.freevars, &mut code.freevars())
            {
                return code.locals.clone();
            }
        }
        let local = |name: &String, kind| Local { name: name.as_str().into(), kind };
        let cell = |name: &String| if self.cellvars.contains(name) { local_kind::CELL } else { 0 };
        let vars = self.varnames.iter().map(|n| local(n, local_kind::LOCAL | cell(n)));
        let cells = self.cellvars.iter().filter(|n| !self.varnames.contains(n)).map(|n| local(n, local_kind::CELL));
        let frees = self.freevars.iter().map(|n| local(n, local_kind::FREE));
        vars.chain(cells).chain(frees).collect()
    }
}

impl CodeObject {
    /// Whether the plain data of the code has all its constants: `replace()` may have given it others.
    pub(crate) fn is_plain(&self) -> bool {
        self.code.consts.iter().zip(self.consts.iter()).all(|(data, o)| !matches!(data, Const::None) || o.is_none())
    }
}

/// A constant as plain data; nothing for objects that no source text stands for.
fn constant_of(o: &Obj) -> Option<Const> {
    let all = |items: &[Obj]| items.iter().map(constant_of).collect::<Option<Arc<[Const]>>>();
    if o.is_none() {
        return Some(Const::None);
    }
    if let Some(n) = o.as_int() {
        return Some(Const::Int(n));
    }
    if let Some(c) = o.downcast::<CodeObject>() {
        return (c.shown.is_none() && c.is_plain()).then(|| Const::Code(c.code.clone()));
    }
    use cinder_pyobj::native::FixedShape as F;
    if o.is_exact(F::Bool) {
        return Some(if o.is(&Obj::from_bool(true)) { Const::True } else { Const::False });
    }
    if o.is(&Obj::ellipsis()) {
        return Some(Const::Ellipsis);
    }
    if o.is_exact(F::Int) {
        let n = int::to_bigint(o)?;
        return Some(Const::BigInt(n.sign() == num_bigint::Sign::Minus, n.magnitude().to_u64_digits().into()));
    }
    if o.is_exact(F::Float) {
        return float::as_f64(o).map(Const::Float);
    }
    if o.is_exact(F::Complex) {
        return complex::as_complex(o).map(|c| Const::Complex(c.re, c.im));
    }
    if o.is_exact(F::Str) {
        return Some(Const::Str(wtf8(o.downcast::<str::Str>()?).into()));
    }
    if o.is_exact(F::Bytes) {
        return o.downcast::<bytes::Bytes>().map(|b| Const::Bytes(b.as_slice().into()));
    }
    if o.is_exact(F::Tuple) {
        return all(tuple::items_if_tuple(o)?).map(Const::Tuple);
    }
    if o.is_exact(F::FrozenSet) {
        return all(&set::as_set(o)?.snapshot()).map(Const::FrozenSet);
    }
    let s = o.downcast::<slice::Slice>()?;
    let parts = [constant_of(s.start())?, constant_of(s.stop())?, constant_of(s.step())?];
    Some(Const::Slice(parts.into()))
}
