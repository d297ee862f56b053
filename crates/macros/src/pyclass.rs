//! `#[pyclass]`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Error, Expr, Item, LitStr, Path, Result, parenthesized, parse::Parser};

use crate::util::{doc_of, pyobj, str_lit};

#[derive(Default)]
struct Options {
    name: Option<Expr>,
    module: Option<Expr>,
    sig: Option<Expr>,
    doc: Option<Expr>,
    base: Option<Path>,
    flags: Vec<Ident>,
    fixed: Option<Ident>,
    payload: Option<LitStr>,
    payload_def: Option<Path>,
}

impl Options {
    fn parse(args: TokenStream) -> Result<Options> {
        let mut o = Options::default();
        let parser = syn::meta::parser(|m| {
            let key = m.path.require_ident()?.to_string();
            match key.as_str() {
                "name" => o.name = Some(m.value()?.parse()?),
                "module" => o.module = Some(m.value()?.parse()?),
                "sig" => o.sig = Some(m.value()?.parse()?),
                "doc" => o.doc = Some(m.value()?.parse()?),
                "base" => o.base = Some(m.value()?.parse()?),
                "fixed" => o.fixed = Some(m.value()?.parse()?),
                "payload" => o.payload = Some(m.value()?.parse()?),
                "payload_def" => o.payload_def = Some(m.value()?.parse()?),
                "flags" => {
                    let inner;
                    parenthesized!(inner in m.input);
                    o.flags = inner.parse_terminated(|i| i.parse(), syn::Token![,])?.into_iter().collect();
                }
                _ => return Err(m.error("unknown option of pyclass")),
            }
            Ok(())
        });
        parser.parse2(args)?;
        Ok(o)
    }
}

pub fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let o = Options::parse(args)?;
    let parsed: Item = syn::parse2(item.clone())?;
    let (ident, attrs, generics) = match &parsed {
        Item::Struct(s) => (&s.ident, &s.attrs, &s.generics),
        Item::Enum(e) => (&e.ident, &e.attrs, &e.generics),
        other => return Err(Error::new_spanned(other, "pyclass stands on a struct or an enum")),
    };
    if !generics.params.is_empty() {
        return Err(Error::new_spanned(generics, "a Python class cannot be generic in Rust"));
    }
    let p = pyobj();
    let text = |given: &Option<Expr>, default: &str| {
        let default = str_lit(default);
        given.as_ref().map_or_else(|| quote!(#default), |e| quote!(#e))
    };
    let name = text(&o.name, &ident.to_string());
    let module = text(&o.module, "builtins");
    let doc = text(&o.doc, &doc_of(attrs));
    let sig = match &o.sig {
        Some(s) => quote!(#s),
        None => quote!(<#ident>::CINDER_NEW_SIG),
    };
    let flags = &o.flags;
    let fixed = o.fixed.clone().map_or_else(|| quote!(None), |f| quote!(#f));
    let base = match &o.base {
        Some(b) => quote!(::core::option::Option::Some(<#b as #p::native::PyClass>::class)),
        None => quote!(::core::option::Option::None),
    };
    let base_payload = match &o.base {
        Some(b) => quote!(<#b as #p::native::PyClass>::PAYLOAD),
        None => quote!(&#p::native::NO_PAYLOAD),
    };
    let mode = o.payload.as_ref().map_or("own".to_owned(), LitStr::value);
    let own = quote! {
        impl #p::native::Payload for #ident {
            const DEF: &'static #p::native::PayloadDef = <#ident as #p::native::PyClass>::PAYLOAD;
        }
    };
    let (payload, payload_impl) = match (mode.as_str(), &o.payload_def) {
        ("own", None) => (
            quote! {{
                static PAYLOAD: #p::native::PayloadDef =
                    #p::native::PayloadDef::of::<#ident>(#name, #p::native::PayloadDef::parent_for(#base_payload));
                &PAYLOAD
            }},
            own,
        ),
        ("var", Some(def)) => (quote!(&#def), own),
        ("var", None) => {
            return Err(Error::new_spanned(
                &o.payload,
                "`payload = \"var\"` needs `payload_def = PATH` of a static PayloadDef",
            ));
        }
        ("inherit", None) => (
            base_payload,
            quote! {
                const _: () = assert!(
                    ::core::mem::size_of::<#ident>() == 0,
                    "a class that inherits its payload is declared on a struct without fields"
                );
            },
        ),
        ("none", None) => (quote!(&#p::native::NO_PAYLOAD), TokenStream::new()),
        (_, Some(def)) => return Err(Error::new_spanned(def, "`payload_def` goes with `payload = \"var\"`")),
        _ => return Err(Error::new_spanned(&o.payload, "payload is \"own\", \"inherit\", \"none\" or \"var\"")),
    };
    Ok(quote! {
        #item

        const _: () = {
            #[allow(unused_imports)]
            use #p::native::NoMethods as _;

            static CLASS: #p::native::ClassDef = #p::native::ClassDef {
                name: #name,
                module: #module,
                doc: #doc,
                sig: #sig,
                base: #base,
                payload: <#ident as #p::native::PyClass>::PAYLOAD,
                flags: #p::native::ClassFlags { #(#flags: true,)* ..#p::native::ClassFlags::NONE },
                fixed_shape: #p::native::FixedShape::#fixed,
                slots: <#ident>::CINDER_SLOTS,
                methods: <#ident>::CINDER_METHODS,
                getset: <#ident>::CINDER_GETSET,
                init: <#ident>::CINDER_INIT,
                cell: #p::types::TypeCell::new(),
            };

            impl #p::native::PyClass for #ident {
                const NAME: &'static str = #name;
                const PAYLOAD: &'static #p::native::PayloadDef = #payload;
                const FIXED: #p::native::FixedShape = #p::native::FixedShape::#fixed;
                #[inline(always)]
                fn class() -> &'static #p::native::ClassDef {
                    &CLASS
                }
            }

            #payload_impl
        };
    })
}
