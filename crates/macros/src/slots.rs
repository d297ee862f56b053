//! Functions that are recognised by name as type slots.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Result};

use crate::function::{Owner, RustFn, RustParam, bind};
use crate::sig::Sig;
use crate::util::{FnOptions, is_named, is_ref, pyobj};

/// Types of slot arguments after the receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arg {
    /// `&Obj`
    Obj,
    /// `Option<&Obj>`
    Opt,
    /// `Args<'_>`
    Args,
    /// `isize`
    Count,
    /// `CmpOp`
    Op,
    /// `BufferFlags`
    Flags,
}
use Arg::{Args, Count, Flags, Obj, Op, Opt};

/// What a slot returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ret {
    /// Anything that implements `IntoResult`.
    Any,
    Unit,
    Hash,
    Len,
    Bool,
    Next,
    Send,
    Buffer,
}

struct Slot {
    name: &'static str,
    field: &'static str,
    args: &'static [Arg],
    ret: Ret,
    /// Either operand may be the instance, so the receiver must be `&Obj`.
    either: bool,
}

const fn slot(name: &'static str, field: &'static str, args: &'static [Arg], ret: Ret) -> Slot {
    Slot { name, field, args, ret, either: false }
}

const fn number(name: &'static str, field: &'static str) -> Slot {
    Slot { name, field, args: &[Obj], ret: Ret::Any, either: true }
}

const SLOTS: &[Slot] = &[
    slot("__repr__", "repr", &[], Ret::Any),
    slot("__str__", "str", &[], Ret::Any),
    slot("__hash__", "hash", &[], Ret::Hash),
    slot("__call__", "call", &[Args], Ret::Any),
    slot("__richcmp__", "richcmp", &[Obj, Op], Ret::Any),
    slot("__getattribute__", "getattr", &[Obj], Ret::Any),
    slot("__setattr__", "setattr", &[Obj, Opt], Ret::Unit),
    slot("__get__", "descr_get", &[Opt, Opt], Ret::Any),
    slot("__set__", "descr_set", &[Obj, Opt], Ret::Unit),
    slot("__init__", "init", &[Args], Ret::Unit),
    slot("__del__", "finalize", &[], Ret::Unit),
    slot("__iter__", "iter", &[], Ret::Any),
    slot("__next__", "next", &[], Ret::Next),
    slot("__await__", "await_", &[], Ret::Any),
    slot("__aiter__", "aiter", &[], Ret::Any),
    slot("__anext__", "anext", &[], Ret::Any),
    slot("am_send", "send", &[Obj], Ret::Send),
    slot("__len__", "len", &[], Ret::Len),
    slot("__getitem__", "getitem", &[Obj], Ret::Any),
    slot("__setitem__", "setitem", &[Obj, Opt], Ret::Unit),
    slot("__contains__", "contains", &[Obj], Ret::Bool),
    slot("sq_concat", "concat", &[Obj], Ret::Any),
    slot("sq_repeat", "repeat", &[Count], Ret::Any),
    slot("sq_inplace_concat", "inplace_concat", &[Obj], Ret::Any),
    slot("sq_inplace_repeat", "inplace_repeat", &[Count], Ret::Any),
    slot("__bool__", "bool", &[], Ret::Bool),
    slot("__int__", "int", &[], Ret::Any),
    slot("__float__", "float", &[], Ret::Any),
    slot("__index__", "index", &[], Ret::Any),
    slot("__neg__", "neg", &[], Ret::Any),
    slot("__pos__", "pos", &[], Ret::Any),
    slot("__abs__", "abs", &[], Ret::Any),
    slot("__invert__", "invert", &[], Ret::Any),
    number("nb_add", "add"),
    number("nb_sub", "sub"),
    number("nb_mul", "mul"),
    number("nb_matmul", "matmul"),
    number("nb_truediv", "truediv"),
    number("nb_floordiv", "floordiv"),
    number("nb_mod", "mod_"),
    number("nb_divmod", "divmod"),
    Slot { name: "nb_pow", field: "pow", args: &[Obj, Opt], ret: Ret::Any, either: true },
    number("nb_lshift", "lshift"),
    number("nb_rshift", "rshift"),
    number("nb_and", "and"),
    number("nb_or", "or"),
    number("nb_xor", "xor"),
    slot("nb_iadd", "iadd", &[Obj], Ret::Any),
    slot("nb_isub", "isub", &[Obj], Ret::Any),
    slot("nb_imul", "imul", &[Obj], Ret::Any),
    slot("nb_imatmul", "imatmul", &[Obj], Ret::Any),
    slot("nb_itruediv", "itruediv", &[Obj], Ret::Any),
    slot("nb_ifloordiv", "ifloordiv", &[Obj], Ret::Any),
    slot("nb_imod", "imod", &[Obj], Ret::Any),
    slot("nb_ipow", "ipow", &[Obj], Ret::Any),
    slot("nb_ilshift", "ilshift", &[Obj], Ret::Any),
    slot("nb_irshift", "irshift", &[Obj], Ret::Any),
    slot("nb_iand", "iand", &[Obj], Ret::Any),
    slot("nb_ior", "ior", &[Obj], Ret::Any),
    slot("nb_ixor", "ixor", &[Obj], Ret::Any),
    slot("__buffer__", "buffer", &[Flags], Ret::Buffer),
];

/// Names that look like slots but are spelled differently here.
const ADVICE: &[(&str, &str)] = &[
    ("__delitem__", "`__setitem__` with `Option<&Obj>`: nothing means delete"),
    ("__delattr__", "`__setattr__` with `Option<&Obj>`: nothing means delete"),
    ("__delete__", "`__set__` with `Option<&Obj>`: nothing means delete"),
    ("__getattr__", "`__getattribute__`"),
    ("__eq__", "`__richcmp__`"),
    ("__ne__", "`__richcmp__`"),
    ("__lt__", "`__richcmp__`"),
    ("__le__", "`__richcmp__`"),
    ("__gt__", "`__richcmp__`"),
    ("__ge__", "`__richcmp__`"),
    ("__add__", "`nb_add` or `sq_concat`"),
    ("__mul__", "`nb_mul` or `sq_repeat`"),
    ("__iadd__", "`nb_iadd` or `sq_inplace_concat`"),
    ("__imul__", "`nb_imul` or `sq_inplace_repeat`"),
];

/// What a function named like a slot becomes.
pub struct SlotCode {
    pub wrapper: TokenStream,
    pub field: proc_macro2::Ident,
    pub wrapper_name: proc_macro2::Ident,
    /// The text signature, of `__new__` only.
    pub new_sig: Option<String>,
}

pub fn is_slot(name: &str) -> bool {
    name == "__new__" || SLOTS.iter().any(|s| s.name == name)
}

/// Refuses a dunder function without attribute that is no slot.
pub fn refuse_unknown(f: &ItemFn) -> Result<()> {
    let name = f.sig.ident.to_string();
    if let Some((_, advice)) = ADVICE.iter().find(|(n, _)| *n == name) {
        return Err(Error::new_spanned(&f.sig.ident, format!("`{name}` is declared as {advice}")));
    }
    if name.starts_with("__") && name.ends_with("__") {
        return Err(Error::new_spanned(&f.sig.ident, format!("`{name}` is no slot; mark it `#[pymethod]`")));
    }
    if name.starts_with("nb_") || name.starts_with("sq_") {
        return Err(Error::new_spanned(&f.sig.ident, format!("there is no slot `{name}`")));
    }
    Ok(())
}

fn has_type(r: &RustParam, a: Arg) -> bool {
    match a {
        Obj => is_named(&r.ty, "Obj") && is_ref(&r.ty),
        Opt => is_named(&r.ty, "Option"),
        Args => is_named(&r.ty, "Args"),
        Count => is_named(&r.ty, "isize"),
        Op => is_named(&r.ty, "CmpOp"),
        Flags => is_named(&r.ty, "BufferFlags"),
    }
}

impl Arg {
    fn ty(self) -> TokenStream {
        let p = pyobj();
        match self {
            Obj => quote!(&#p::Obj),
            Opt => quote!(::core::option::Option<&#p::Obj>),
            Args => quote!(#p::native::Args<'_>),
            Count => quote!(isize),
            Op => quote!(#p::types::CmpOp),
            Flags => quote!(#p::protocol::buffer::BufferFlags),
        }
    }
}

impl Ret {
    fn ty(self) -> TokenStream {
        let p = pyobj();
        match self {
            Ret::Any => quote!(#p::PyResult),
            Ret::Unit => quote!(#p::PyResult<()>),
            Ret::Hash => quote!(#p::PyResult<i64>),
            Ret::Len => quote!(#p::PyResult<usize>),
            Ret::Bool => quote!(#p::PyResult<bool>),
            Ret::Next => quote!(#p::PyResult<::core::option::Option<#p::Obj>>),
            Ret::Send => quote!(#p::PyResult<#p::types::SendResult>),
            Ret::Buffer => quote!(#p::PyResult<#p::protocol::buffer::Buffer>),
        }
    }
}

/// Generates the slot for a function; `opts` carries a signature for typed `__init__`, `__call__`, `__new__`.
pub fn expand(f: &ItemFn, slot_name: &str, opts: &FnOptions) -> Result<SlotCode> {
    let p = pyobj();
    let rust = RustFn::of(&f.sig)?;
    let ident = &rust.ident;
    let span = f.sig.ident.span();
    let sig = match &opts.sig {
        Some(s) if !s.value().is_empty() => Some(Sig::parse(s)?),
        _ => None,
    };
    if slot_name == "__new__" {
        let wrapper_name = format_ident!("__py_slot_new");
        let Some((ty, rest)) = rust.params.split_first() else {
            return Err(Error::new(span, "`__new__` takes `ty: &Type` after `cx: &Ctx`"));
        };
        if !is_named(&ty.ty, "Type") || !is_ref(&ty.ty) {
            return Err(Error::new_spanned(&ty.ty, "`__new__` takes `ty: &Type` here"));
        }
        let rest: Vec<&RustParam> = rest.iter().collect();
        let new_sig = sig.as_ref().map(|s| s.text(None));
        let empty = Sig::empty(span);
        let sig = sig.as_ref().or(if rest.is_empty() { Some(&empty) } else { None });
        let bound = bind(ident, sig, &rest, &Owner::Constructor, "")?;
        let code = bound.code;
        let positional = sig.is_some_and(Sig::positional_only);
        let code = if positional && !rest.is_empty() {
            quote! {
                let args = #p::native::own_arguments::<Self>(ty, args);
                #code
            }
        } else {
            code
        };
        let mut args = vec![quote!(ty)];
        args.extend(bound.args);
        let call = rust.call(&quote!(Self::#ident), None, &args);
        return Ok(SlotCode {
            wrapper: quote! {
                #[doc(hidden)]
                #[allow(unused_variables)]
                fn #wrapper_name(cx: &#p::Ctx, ty: &#p::Type, args: #p::native::Args<'_>) -> #p::PyResult {
                    #code
                    #p::native::IntoResult::into_result(#call, cx)
                }
            },
            field: format_ident!("new"),
            wrapper_name,
            new_sig,
        });
    }
    let Some(slot) = SLOTS.iter().find(|s| s.name == slot_name) else {
        return Err(Error::new(span, format!("`{slot_name}` is no slot")));
    };
    let (prologue, mut call_args, this, rest) = receiver(f, &rust, slot)?;
    let mut code = TokenStream::new();
    let typed = sig.is_some() || (slot.args == [Args] && !matches!(&rest[..], [r] if is_named(&r.ty, "Args")));
    if typed {
        if slot.args != [Args] {
            return Err(Error::new(span, "only `__new__`, `__init__` and `__call__` take a signature"));
        }
        let owner = if slot.name == "__init__" { Owner::Constructor } else { Owner::Class };
        let empty = Sig::empty(span);
        let sig = sig.as_ref().or(if rest.is_empty() { Some(&empty) } else { None });
        let bound = bind(ident, sig, &rest, &owner, slot.name)?;
        code = bound.code;
        call_args.extend(bound.args);
    } else {
        let expected: Vec<String> = slot.args.iter().map(|a| a.ty().to_string().replace(' ', "")).collect();
        if rest.len() != slot.args.len() || rest.iter().zip(slot.args).any(|(r, a)| !has_type(r, *a)) {
            return Err(Error::new_spanned(
                &f.sig,
                format!("`{slot_name}` takes ({}) after its receiver", expected.join(", ")),
            ));
        }
        for i in 0..slot.args.len() {
            let n = if slot.args == [Args] { format_ident!("args") } else { format_ident!("slot_arg{i}") };
            call_args.push(quote!(#n));
        }
    }
    let names: Vec<_> = (0..slot.args.len())
        .map(|i| if slot.args == [Args] { format_ident!("args") } else { format_ident!("slot_arg{i}") })
        .collect();
    let types: Vec<_> = slot.args.iter().map(|a| a.ty()).collect();
    let ret = slot.ret.ty();
    let call = rust.call(&quote!(Self::#ident), this, &call_args);
    let result = if slot.ret == Ret::Any {
        quote_spanned!(f.sig.output.span()=> #p::native::IntoResult::into_result(#call, cx))
    } else {
        call
    };
    let wrapper_name = format_ident!("__py_slot_{}", slot.field);
    Ok(SlotCode {
        wrapper: quote! {
            #[doc(hidden)]
            #[allow(unused_variables)]
            fn #wrapper_name(cx: &#p::Ctx, recv: &#p::Obj #(, #names: #types)*) -> #ret {
                #prologue
                #code
                #result
            }
        },
        field: format_ident!("{}", slot.field),
        wrapper_name,
        new_sig: None,
    })
}

type ReceiverCode<'a> = (TokenStream, Vec<TokenStream>, Option<TokenStream>, Vec<&'a RustParam>);

fn receiver<'a>(f: &ItemFn, rust: &'a RustFn, slot: &Slot) -> Result<ReceiverCode<'a>> {
    let p = pyobj();
    let name = slot.name;
    if rust.self_ref && !slot.either {
        let code = quote!(let this: #p::native::This<'_, Self> = #p::native::slot_receiver(cx, recv, #name)?;);
        return Ok((code, Vec::new(), Some(quote!(this.payload())), rust.params.iter().collect()));
    }
    let Some((r, rest)) = rust.params.split_first() else {
        return Err(Error::new_spanned(&f.sig, format!("`{name}` takes its receiver after `cx: &Ctx`")));
    };
    let rest: Vec<&RustParam> = rest.iter().collect();
    if is_named(&r.ty, "Obj") && is_ref(&r.ty) {
        return Ok((TokenStream::new(), vec![quote!(recv)], None, rest));
    }
    if slot.either {
        return Err(Error::new_spanned(&r.ty, format!("either operand of `{name}` may be the instance: take `&Obj`")));
    }
    if is_named(&r.ty, "This") {
        let code = quote_spanned!(r.ty.span()=> let this = #p::native::slot_receiver(cx, recv, #name)?;);
        return Ok((code, vec![quote!(this)], None, rest));
    }
    Err(Error::new_spanned(&r.ty, format!("the receiver of `{name}` is `This<'_, T>`, `&Obj` or `&self`")))
}
