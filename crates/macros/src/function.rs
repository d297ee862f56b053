//! The wrapper around one native function: receiver, argument matching and conversions.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Pat, Result, Signature, Type};

use crate::sig::{Kind, Param, Sig};
use crate::util::{
    FnOptions, doc_of, function_name, is_named, is_ref, last_ident, plain_name, pyobj, pyobj_at, str_lit,
};

/// How the native function binds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    Instance,
    Class,
    Static,
    Module,
}

/// What names the function in messages.
pub enum Owner {
    /// A method of `Self`.
    Class,
    /// A constructor or initialiser of `Self`: messages name the class alone.
    Constructor,
    /// A function of the named module.
    Module(String),
}

/// One parameter of the Rust function.
pub struct RustParam {
    pub name: String,
    pub ty: Type,
}

/// The parameters of the Rust function, the thread context set apart.
pub struct RustFn {
    pub ident: Ident,
    /// `&self`
    pub self_ref: bool,
    pub has_cx: bool,
    pub params: Vec<RustParam>,
}

impl RustFn {
    pub fn of(sig: &Signature) -> Result<RustFn> {
        let mut f = RustFn { ident: sig.ident.clone(), self_ref: false, has_cx: false, params: Vec::new() };
        if let Some(a) = &sig.asyncness {
            return Err(Error::new_spanned(a, "native functions are not async"));
        }
        for (i, arg) in sig.inputs.iter().enumerate() {
            match arg {
                FnArg::Receiver(r) => {
                    if r.reference.is_none() || r.mutability.is_some() {
                        return Err(Error::new_spanned(r, "the receiver is `&self`, `This<'_, T>` or `&Obj`"));
                    }
                    f.self_ref = true;
                }
                FnArg::Typed(t) => {
                    if is_named(&t.ty, "Ctx") {
                        if i > usize::from(f.self_ref) {
                            return Err(Error::new_spanned(t, "`cx: &Ctx` comes first"));
                        }
                        f.has_cx = true;
                        continue;
                    }
                    let name = match &*t.pat {
                        Pat::Ident(p) => p.ident.to_string(),
                        _ => "_".to_owned(),
                    };
                    f.params.push(RustParam { name, ty: (*t.ty).clone() });
                }
            }
        }
        Ok(f)
    }

    /// The call, given the arguments after the thread context (and after `&self`, which `this` supplies).
    pub fn call(&self, path: &TokenStream, this: Option<TokenStream>, args: &[TokenStream]) -> TokenStream {
        let mut all = Vec::new();
        if self.self_ref {
            all.extend(this);
        }
        if self.has_cx {
            all.push(quote!(cx));
        }
        all.extend(args.iter().cloned());
        quote!(#path(#(#all),*))
    }
}

/// A wrapper function and the `NativeFn` literal that names it.
pub struct Native {
    pub wrapper: TokenStream,
    pub def: TokenStream,
}

/// Makes wrapper and definition of a method or module function. `path` calls the Rust function.
pub fn native(f: &ItemFn, opts: &FnOptions, binding: Binding, owner: &Owner, prefix: &TokenStream) -> Result<Native> {
    let p = pyobj();
    let rust = RustFn::of(&f.sig)?;
    let ident = &rust.ident;
    let name = opts.name.as_ref().map_or_else(|| function_name(&ident.to_string()).to_owned(), |n| n.value());
    let mut params = rust.params.iter();
    let mut call_args = Vec::new();
    let mut this = None;
    let mut prologue = TokenStream::new();
    let wrong = |what: &str| Err(Error::new_spanned(&f.sig, what));
    match binding {
        Binding::Instance if rust.self_ref => {
            prologue = quote!(let this: #p::native::This<'_, Self> = #p::native::receiver(cx, recv, #name)?;);
            this = Some(quote!(this.payload()));
        }
        Binding::Instance => match params.next() {
            Some(r) if is_named(&r.ty, "This") => {
                prologue = quote_spanned!(r.ty.span()=> let this = #p::native::receiver(cx, recv, #name)?;);
                call_args.push(quote!(this));
            }
            Some(r) if is_named(&r.ty, "Obj") && is_ref(&r.ty) => call_args.push(quote!(recv)),
            _ => return wrong("a method takes `this: This<'_, T>`, `this: &Obj` or `&self` after `cx: &Ctx`"),
        },
        Binding::Class => match params.next() {
            Some(r) if is_named(&r.ty, "Type") && is_ref(&r.ty) => {
                call_args.push(quote!(#p::native::class_receiver(cx, recv)?));
            }
            Some(r) if is_named(&r.ty, "Obj") && is_ref(&r.ty) => call_args.push(quote!(recv)),
            _ => return wrong("a class method takes `ty: &Type` or `ty: &Obj` after `cx: &Ctx`"),
        },
        Binding::Static => {}
        Binding::Module => {
            let mut peek = params.clone();
            if let Some(r) = peek.next()
                && plain_name(&r.name) == "module"
                && is_named(&r.ty, "Obj")
                && is_ref(&r.ty)
            {
                params = peek;
                call_args.push(quote!(recv));
            }
        }
    }
    if rust.self_ref && binding != Binding::Instance {
        return wrong("`&self` is for instance methods");
    }
    let rest: Vec<&RustParam> = params.collect();
    let receiver_name = match binding {
        Binding::Instance => Some("self"),
        Binding::Class => Some("type"),
        Binding::Static => None,
        Binding::Module => Some("module"),
    };
    let sig = match &opts.sig {
        Some(s) if s.value().is_empty() => None,
        Some(s) => Some(Sig::parse(s)?),
        None if rest.is_empty() => Some(Sig::empty(ident.span())),
        None => None,
    };
    let text = sig.as_ref().map_or_else(String::new, |s| s.text(receiver_name));
    let bound = bind(ident, sig.as_ref(), &rest, owner, &name)?;
    let (lo, hi) = bound.arity;
    let binding_code = bound.code;
    call_args.extend(bound.args);
    let call = rust.call(&quote!(#prefix #ident), this, &call_args);
    let wrapper_name = format_ident!("__py_{}", ident.to_string().trim_start_matches("r#"));
    let kind = match binding {
        Binding::Instance => quote!(Method),
        Binding::Class => quote!(ClassMethod),
        Binding::Static => quote!(StaticMethod),
        Binding::Module => quote!(Function),
    };
    let doc = doc_of(&f.attrs);
    Ok(Native {
        wrapper: quote! {
            #[doc(hidden)]
            #[allow(unused_variables)]
            fn #wrapper_name(cx: &#p::Ctx, recv: &#p::Obj, args: #p::native::Args<'_>) -> #p::PyResult {
                #prologue
                #binding_code
                #p::native::IntoResult::into_result(#call, cx)
            }
        },
        def: quote! {
            #p::native::NativeFn {
                name: #name,
                doc: #doc,
                sig: #text,
                kind: #p::native::FnKind::#kind,
                arity: (#lo, #hi),
                call: #prefix #wrapper_name,
            }
        },
    })
}

/// Code that binds `args` (in scope, as are `cx`), and the expressions of the bound parameters.
pub struct Bound {
    pub code: TokenStream,
    pub args: Vec<TokenStream>,
    pub arity: (u16, u16),
}

pub fn bind(at: &Ident, sig: Option<&Sig>, rust: &[&RustParam], owner: &Owner, name: &str) -> Result<Bound> {
    let p = pyobj();
    if let [only] = rust
        && is_named(&only.ty, "Args")
    {
        return Ok(Bound { code: TokenStream::new(), args: vec![quote!(args)], arity: (0, u16::MAX) });
    }
    let Some(sig) = sig else {
        return Err(Error::new(at.span(), "parameters need a signature: `sig = \"($self, x, /, *, key=None)\"`"));
    };
    if let Some(a) = rust.iter().find(|r| is_named(&r.ty, "Args")) {
        return Err(Error::new_spanned(&a.ty, "`Args` takes everything and must be the only parameter"));
    }
    if rust.len() != sig.params.len() {
        return Err(Error::new(
            sig.span,
            format!("the signature has {} parameters, the Rust function has {}", sig.params.len(), rust.len()),
        ));
    }
    for (r, s) in rust.iter().zip(&sig.params) {
        if r.name != "_" && plain_name(&r.name) != plain_name(&s.name) {
            return Err(Error::new_spanned(
                &r.ty,
                format!("parameter `{}` stands where the signature has `{}`", r.name, s.name),
            ));
        }
    }
    let fn_name = match owner {
        Owner::Class => quote! {
            &#p::native::FnName { owner: <Self as #p::native::PyClass>::NAME, name: #name, constructor: false }
        },
        Owner::Constructor => quote! {
            &#p::native::FnName { owner: "", name: <Self as #p::native::PyClass>::NAME, constructor: true }
        },
        Owner::Module(m) => {
            let m = if m == "builtins" { "" } else { m };
            quote!(&#p::native::FnName { owner: #m, name: #name, constructor: false })
        }
    };
    let short = match owner {
        Owner::Constructor => quote!(<Self as #p::native::PyClass>::NAME),
        _ => quote!(#name),
    };
    let total = sig.singles().count();
    let required = sig.singles().filter(|s| s.default.is_none() && s.kind != Kind::KwOnly).count();
    let mut args = Vec::new();
    let code;
    let arity;
    if sig.positional_only() {
        let var = sig.has(Kind::VarPos);
        let max = if var { quote!(usize::MAX) } else { quote!(#total) };
        arity = (required as u16, if var { u16::MAX } else { total as u16 });
        code = quote!(let a: &[#p::Obj] = #p::native::positional(cx, args, #fn_name, #required, #max)?;);
        for (i, (s, r)) in sig.params.iter().zip(rust).enumerate() {
            if s.kind == Kind::VarPos {
                args.push(quote!(a.get(#i..).unwrap_or(&[])));
                continue;
            }
            let index = if total == 1 && required == 1 && !var { 0u16 } else { i as u16 + 1 };
            let pos = quote!(&#p::native::ArgPos { function: #short, index: #index, name: "" });
            let given = if s.default.is_none() { quote!(&a[#i]) } else { quote!(a.get(#i)) };
            args.push(convert(s, r, given, &pos, sig)?);
        }
    } else {
        arity = (0, u16::MAX);
        let names: Vec<_> = sig.singles().map(|s| str_lit(&s.name)).collect();
        let pos_only = sig.count(|s| s.kind == Kind::PosOnly);
        let positional = sig.count(|s| matches!(s.kind, Kind::PosOnly | Kind::PosOrKw));
        let required_kw: Vec<usize> = sig
            .singles()
            .enumerate()
            .filter(|(_, s)| s.kind == Kind::KwOnly && s.default.is_none())
            .map(|(i, _)| i)
            .collect();
        let var_positional = sig.has(Kind::VarPos);
        let var_keyword = sig.has(Kind::VarKw);
        let constructor = matches!(owner, Owner::Constructor);
        let function = if constructor { quote!("") } else { quote!(#name) };
        let rename = if constructor {
            quote!(let sig = &#p::native::Signature { function: <Self as #p::native::PyClass>::NAME, ..SIG };)
        } else {
            quote!(let sig = &SIG;)
        };
        let collect = if var_positional || var_keyword {
            quote!(let (a, rest, kwargs) = args.bind_var::<#total>(cx, sig)?;)
        } else {
            quote!(let a = args.bind::<#total>(cx, sig)?;)
        };
        code = quote! {
            const SIG: #p::native::Signature = #p::native::Signature {
                function: #function,
                params: &[#(#names),*],
                pos_only: #pos_only,
                positional: #positional,
                required: #required,
                required_kw: &[#(#required_kw),*],
                var_positional: #var_positional,
                var_keyword: #var_keyword,
            };
            #rename
            #collect
        };
        let mut i = 0usize;
        for (s, r) in sig.params.iter().zip(rust) {
            match s.kind {
                Kind::VarPos => args.push(quote!(rest)),
                Kind::VarKw => args.push(quote!(kwargs)),
                _ => {
                    let (index, by_name) =
                        if s.kind == Kind::PosOnly { (i as u16 + 1, "") } else { (i as u16 + 1, s.name.as_str()) };
                    let pos = quote!(&#p::native::ArgPos { function: #short, index: #index, name: #by_name });
                    let given = if s.default.is_none() {
                        quote!(#p::native::required(cx, a[#i], sig, #i)?)
                    } else {
                        quote!(a[#i])
                    };
                    args.push(convert(s, r, given, &pos, sig)?);
                    i += 1;
                }
            }
        }
    }
    // Conversions run in the order of the parameters, before the call borrows anything.
    let names: Vec<Ident> = (0..args.len()).map(|i| format_ident!("arg{i}")).collect();
    let code = quote! {
        #code
        #(let #names = #args;)*
    };
    Ok(Bound { code, args: names.iter().map(|n| quote!(#n)).collect(), arity })
}

/// The expression that converts one argument. `given` is `&Obj`, or `Option<&Obj>` if there is a default.
fn convert(s: &Param, r: &RustParam, given: TokenStream, pos: &TokenStream, sig: &Sig) -> Result<TokenStream> {
    let span = r.ty.span();
    let p = pyobj_at(span);
    let Some(default) = &s.default else {
        return Ok(quote_spanned!(span=> #p::native::FromObj::from_arg(cx, #given, #pos)?));
    };
    if is_named(&r.ty, "Option") {
        let guard = if default == "None" { quote!(if !#p::native::is_none(v)) } else { quote!() };
        return Ok(quote_spanned! {span=>
            match #given {
                ::core::option::Option::Some(v) #guard => {
                    ::core::option::Option::Some(#p::native::FromObj::from_arg(cx, v, #pos)?)
                }
                _ => ::core::option::Option::None,
            }
        });
    }
    let value = default_value(default, r, sig)?;
    Ok(quote_spanned! {span=>
        match #given {
            ::core::option::Option::Some(v) => #p::native::FromObj::from_arg(cx, v, #pos)?,
            ::core::option::Option::None => #value,
        }
    })
}

fn default_value(text: &str, r: &RustParam, sig: &Sig) -> Result<TokenStream> {
    let p = pyobj();
    let ty = last_ident(&r.ty).map(|i| i.to_string()).unwrap_or_default();
    let owned_obj = ty == "Obj" && !is_ref(&r.ty);
    let unsupported = || {
        Err(Error::new_spanned(
            &r.ty,
            format!("the default `{text}` has no value of this type: make the parameter an `Option<..>`"),
        ))
    };
    if ty == "Obj" && !owned_obj {
        return unsupported();
    }
    let literal = match text {
        "True" => quote!(true),
        "False" => quote!(false),
        "None" if owned_obj => return Ok(quote!(#p::Obj::none())),
        "sys.maxsize" => quote!(i64::MAX as _),
        _ => {
            let unquoted = ['\'', '"']
                .into_iter()
                .find_map(|q| text.strip_prefix(q).and_then(|t| t.strip_suffix(q)))
                .filter(|t| !t.contains('\\'));
            match unquoted {
                Some(t) if ty == "String" => quote!(#t.to_owned()),
                Some(t) => quote!(#t),
                None => {
                    let number: TokenStream = match text.parse::<f64>() {
                        Ok(_) => text.parse().map_err(|_| Error::new(sig.span, "not a number"))?,
                        Err(_) => return unsupported(),
                    };
                    let fractional = text.contains(['.', 'e', 'E']);
                    match ty.as_str() {
                        "f64" | "f32" if !fractional => quote!((#number as f64)),
                        "f64" | "f32" => quote!(#number),
                        _ if fractional && !owned_obj => return unsupported(),
                        _ if owned_obj && !fractional => quote!((#number as i64)),
                        _ => quote!(#number),
                    }
                }
            }
        }
    };
    if owned_obj {
        return Ok(match text {
            "True" | "False" => quote!(#p::Obj::from_bool(#literal)),
            _ => quote!(#p::Obj::from(#literal)),
        });
    }
    Ok(literal)
}
