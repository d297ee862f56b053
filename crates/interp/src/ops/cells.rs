//! Locals that may be unbound, far locals, and cells.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::cell::{self, CellObject};
use cinder_pyobj::types::{dict, exc, tuple};
use cinder_pyobj::{Obj, PyResult, Raised, Value};

use super::{fast, fast_op, op};
use crate::machine::{Fast, Flow, M};
use crate::objects::function::Function;

#[cold]
fn unbound_local(m: M, n: u32) -> Raised {
    let name = m.frame().code().local_name(n);
    m.cx().raise(
        exc::UnboundLocalError(),
        format!("cannot access local variable '{name}' where it is not associated with a value"),
    )
}

#[cold]
fn unbound_cell(m: M, n: u32) -> Raised {
    if n < m.frame().code().free_start {
        return unbound_local(m, n);
    }
    let name = m.frame().code().local_name(n);
    let shown = Obj::from(name);
    exc::raise_name_error(
        m.cx(),
        exc::NameError(),
        &format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"),
        &shown,
    )
}

fn cell_of<'a>(m: M, x: i16) -> PyResult<&'a CellObject> {
    let v = m.peek(x);
    if v.is_sentinel() {
        return Err(m.cx().system_error("a cell register is empty"));
    }
    m.peek_obj(x).downcast::<CellObject>().ok_or_else(|| m.cx().system_error("a cell register holds no cell"))
}

/// The address of far local `n`.
fn far(m: M, n: u32) -> *mut Value {
    m.frame().local(n)
}

/// The cell in a register, if it is one.
#[inline(always)]
fn quick_cell<'a>(m: M, x: i16) -> Option<&'a CellObject> {
    m.peek_obj(x).fixed::<CellObject>(FixedShape::Cell)
}

fast_op! {
    CheckLocal |m| fast {
        if m.peek(m.a()) == Value::UNBOUND { Fast::Slow } else { Fast::Next }
    } slow {
        Err(unbound_local(m, m.local_number(m.a())))
    }

    DeleteLocal |m| fast {
        if m.peek(m.a()) == Value::UNBOUND {
            return Fast::Slow;
        }
        m.store(m.a(), Value::UNBOUND)
    } slow {
        Err(unbound_local(m, m.local_number(m.a())))
    }

    ClearLocal |m| fast { m.store(m.a(), Value::UNBOUND) } slow { Ok(Flow::NEXT) }

    TakeCell |m| fast { take_local(m) } slow { Ok(Flow::NEXT) }

    TakeLocal |m| fast { take_local(m) } slow { Ok(Flow::NEXT) }

    RestoreCell |m| fast { m.store(m.a(), m.peek(m.b())) } slow { Ok(Flow::NEXT) }

    RestoreLocal |m| fast { m.store(m.a(), m.peek(m.b())) } slow { Ok(Flow::NEXT) }

    LoadClosure |m| fast {
        let v = m.peek(m.b());
        // SAFETY: the local holds a cell.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow {
        Ok(Flow::NEXT)
    }

    LoadDeref |m| fast {
        let v = fast!(fast!(quick_cell(m, m.b())).peek());
        // SAFETY: the cell keeps its content alive.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow {
        match cell_of(m, m.b())?.get() {
            Some(v) => {
                m.set(m.a(), v);
                Ok(Flow::NEXT)
            }
            None => Err(unbound_cell(m, m.local_number(m.b()))),
        }
    }
}

#[inline(always)]
fn take_local(m: M) -> Fast {
    let v = m.peek(m.b());
    m.put_word(m.b(), Value::UNBOUND);
    m.put_word(m.a(), v);
    Fast::Next
}

op! {
    ClearFar |m| {
        // SAFETY: the frame owns the local's old word.
        unsafe { std::mem::replace(&mut *far(m, m.bx()), Value::UNBOUND).decref() };
        Ok(Flow::NEXT)
    }

    LoadFar |m| {
        // SAFETY: verified far locals exist.
        let v = unsafe { *far(m, m.bx()) };
        if v == Value::UNBOUND {
            return Err(unbound_local(m, m.bx()));
        }
        // SAFETY: the frame owns the local.
        m.set(m.a(), unsafe { Obj::from_borrowed(v) });
        Ok(Flow::NEXT)
    }

    StoreFar |m| {
        let v = m.arg(m.a()).into_obj();
        // SAFETY: the frame owns the local's old word.
        unsafe { std::mem::replace(&mut *far(m, m.bx()), v.into_value()).decref() };
        Ok(Flow::NEXT)
    }

    DeleteFar |m| {
        // SAFETY: as above.
        unsafe {
            let p = far(m, m.bx());
            if *p == Value::UNBOUND {
                return Err(unbound_local(m, m.bx()));
            }
            std::mem::replace(&mut *p, Value::UNBOUND).decref();
        }
        Ok(Flow::NEXT)
    }

    TakeFar |m| {
        // SAFETY: the word moves to the temporary.
        let v = unsafe { std::mem::replace(&mut *far(m, m.bx()), Value::UNBOUND) };
        m.put_word(m.a(), v);
        Ok(Flow::NEXT)
    }

    RestoreFar |m| {
        let v = m.peek(m.a());
        // SAFETY: the temporary's word moves to the local.
        unsafe { std::mem::replace(&mut *far(m, m.bx()), v).decref() };
        Ok(Flow::NEXT)
    }

    MakeCell |m| {
        let v = m.peek(m.a());
        let content = if v == Value::UNBOUND {
            None
        } else {
            // SAFETY: the local's reference moves into the cell.
            Some(unsafe { Obj::from_owned(v) })
        };
        m.put_word(m.a(), cell::new(content).into_value());
        Ok(Flow::NEXT)
    }

    CopyFreeVars |m| {
        let f = m.frame();
        let n = m.a() as u16 as u32;
        let closure = crate::frame::Frame::object(f.function)
            .and_then(|o| o.downcast::<Function>().and_then(|f| f.closure.get()));
        let cells = closure.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]);
        if cells.len() != n as usize || cells.iter().any(|c| c.downcast::<CellObject>().is_none()) {
            return Err(m.cx().system_error("the closure does not fit the code"));
        }
        let first = f.code().free_start;
        for (i, c) in cells.iter().enumerate() {
            // SAFETY: free variables are near locals, unbound so far.
            unsafe { *f.local(first + i as u32) = c.clone().into_value() };
        }
        Ok(Flow::NEXT)
    }

    StoreDeref |m| {
        let v = m.arg(m.b()).into_obj();
        drop(cell_of(m, m.a())?.replace(Some(v)));
        Ok(Flow::NEXT)
    }

    DeleteDeref |m| {
        match cell_of(m, m.a())?.replace(None) {
            Some(_) => Ok(Flow::NEXT),
            None => Err(unbound_cell(m, m.local_number(m.a()))),
        }
    }

    LoadFromDictOrDeref |m| {
        let d = m.arg(m.b());
        let n = m.local_number(m.c());
        let name = cinder_pyobj::types::str::Name::new(m.frame().code().local_name(n));
        let found = if dict::Dict::is_exact(&d) {
            dict::get(m.cx(), &d, name.as_obj())?
        } else {
            match d.get_item(m.cx(), name.as_obj()) {
                Ok(v) => Some(v),
                Err(r) => m.cx().swallow(r, exc::KeyError()).map(|()| None)?,
            }
        };
        let v = match found {
            Some(v) => v,
            None => match cell_of(m, m.c())?.get() {
                Some(v) => v,
                None => return Err(unbound_cell(m, n)),
            },
        };
        drop(d);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }
}
