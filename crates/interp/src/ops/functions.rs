//! Functions, type parameters.

use cinder_bytecode::op::FunctionAttr;
use cinder_pyobj::{Obj, PyResult};

use super::op;
use crate::machine::{Flow, M};
use crate::modules::typing as ty;
use crate::objects::function::{self, Function};

op! {
    MakeFunction |m| {
        let f = function::new(m.cx(), m.constant(m.bx()), m.globals())?;
        m.set(m.a(), f);
        Ok(Flow::NEXT)
    }

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
