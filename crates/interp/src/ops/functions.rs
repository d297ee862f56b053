//! Functions, type parameters.

use cinder_bytecode::op::FunctionAttr;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::types::dict;
use cinder_pyobj::{Obj, PyResult, Value, intern};

use super::names::site;
use super::op;
use crate::frame::Frame;
use crate::machine::{Flow, M};
use crate::modules::typing as ty;
use crate::objects::function::{self, Function};

/// Makes a function, and remembers where its globals have what it takes from them.
fn look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let g = m.globals();
    if let Some(d) = dict::as_dict(g)
        && let (Some(builtins), Some(name)) = (d.cell(intern!("__builtins__")), d.cell(intern!("__name__")))
        && builtins.value() != Value::UNBOUND
        && name.value() != Value::UNBOUND
    {
        // SAFETY: the instruction lies in shadow code; the cells are those of the globals.
        unsafe { cinder_shadow::look_function(m.pc, s, g.value().bits(), builtins, name, d.mark_cached()) };
    }
    let f = function::new(m.cx(), m.constant(s.original().bx()), g)?;
    m.set(m.a(), f);
    Ok(Flow::NEXT)
}

/// Makes a function whose globals the site knows.
fn make_known(m: M) -> PyResult<Flow> {
    let s = site(m);
    let (Some(more), true) = (s.more(), m.globals().value().bits() == s.entry.word()) else { return look(m) };
    // SAFETY: the site forgets the cells before they die, and they keep their values alive while these are cloned.
    let (builtins, name) = unsafe {
        let cell = |target: usize| (*(target as *const AttrCell)).value();
        (cell(s.entry.target.get()), cell(more.entries[0].target.get()))
    };
    let (Some(builtins), Some(name)) = (Frame::object(builtins), Frame::object(name)) else { return look(m) };
    let builtins = function::builtins_in(builtins);
    let f = function::with_builtins(m.cx(), m.constant(s.original().bx()), m.globals(), builtins, Some(name))?;
    m.set(m.a(), f);
    Ok(Flow::NEXT)
}

op! {
    MakeFunction |m| {
        let f = function::new(m.cx(), m.constant(m.bx()), m.globals())?;
        m.set(m.a(), f);
        Ok(Flow::NEXT)
    }

    MakeFunctionLook |m| { look(m) }

    MakeFunctionCells |m| { make_known(m) }

    SetFunctionAttr |m| {
        let v = m.arg(m.b()).into_obj();
        let f = m.peek_obj(m.a());
        let Some(f) = f.downcast::<Function>() else {
            return Err(m.cx().system_error("not a function"));
        };
        let slot = match FunctionAttr::from_u16(m.c() as u16) {
            Some(FunctionAttr::Defaults) => &f.defaults,
            Some(FunctionAttr::KwDefaults) => &f.kwdefaults,
            Some(FunctionAttr::Annotations) => &f.annotations,
            Some(FunctionAttr::Closure) => &f.closure,
            Some(FunctionAttr::Annotate) => &f.annotate,
            Some(FunctionAttr::TypeParams) => &f.type_params,
            None => return Err(m.cx().system_error("no such function attribute")),
        };
        slot.set(Some(v));
        Ok(Flow::NEXT)
    }

    MakeTypeVar |m| {
        let n = m.arg(m.b());
        let v = ty::type_var(m, &n, None, None);
        drop(n);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    MakeTypeVarWithBound |m| {
        let (n, b) = (m.arg(m.b()), m.arg(m.c()));
        let v = ty::type_var(m, &n, Some(&b), None);
        drop((n, b));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    MakeTypeVarWithConstraints |m| {
        let (n, c) = (m.arg(m.b()), m.arg(m.c()));
        let v = ty::type_var(m, &n, None, Some(&c));
        drop((n, c));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    MakeParamSpec |m| {
        let n = m.arg(m.b());
        let v = ty::param_spec(m, &n);
        drop(n);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    MakeTypeVarTuple |m| {
        let n = m.arg(m.b());
        let v = ty::type_var_tuple(m, &n);
        drop(n);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    SetTypeParamDefault |m| {
        let p = m.arg(m.b()).into_obj();
        let d = m.arg(m.c());
        ty::set_default(m.cx(), &p, &d)?;
        drop(d);
        m.set(m.a(), p);
        Ok(Flow::NEXT)
    }

    MakeTypeAlias |m| {
        let items = m.take_window(m.b(), 3);
        let v = ty::type_alias(m, &items);
        drop(items);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    SubscriptGeneric |m| {
        let p = m.arg(m.b());
        let v = subscript_generic(m, &p)?;
        drop(p);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }
}

/// `typing.Generic[params]` by the helper that `typing` keeps for it.
fn subscript_generic(m: M, params: &Obj) -> PyResult {
    let cx = m.cx();
    let generic = ty::generic_class();
    let typing = (cx.host().import)(cx, "typing")?;
    typing.call_method(cx, cinder_pyobj::intern!("_generic_class_getitem"), &[generic, ty::unpack_params(cx, params)?])
}
