//! `#[pymodule]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::{Error, Item, ItemMod, LitStr, Path, Result, Token, parenthesized};

use crate::function::{Binding, Owner, native};
use crate::util::{FnOptions, doc_of, pyobj, take_attr};

#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    doc: Option<LitStr>,
    classes: Vec<Path>,
    parts: Vec<Path>,
    part: bool,
}

impl Options {
    fn parse(args: TokenStream) -> Result<Options> {
        let mut o = Options::default();
        let parser = syn::meta::parser(|m| {
            if m.path.is_ident("name") {
                o.name = Some(m.value()?.parse()?);
            } else if m.path.is_ident("doc") {
                o.doc = Some(m.value()?.parse()?);
            } else if m.path.is_ident("part") {
                o.part = true;
            } else if m.path.is_ident("classes") || m.path.is_ident("parts") {
                let inner;
                parenthesized!(inner in m.input);
                let paths = inner.parse_terminated(Path::parse_mod_style, Token![,])?.into_iter().collect();
                if m.path.is_ident("parts") { o.parts = paths } else { o.classes = paths }
            } else {
                return Err(m.error("expected `name`, `doc`, `classes(..)`, `parts(..)` or `part`"));
            }
            Ok(())
        });
        parser.parse2(args)?;
        Ok(o)
    }
}

pub fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let opts = Options::parse(args)?;
    let mut module: ItemMod = syn::parse2(item)?;
    let Some(name) = &opts.name else {
        return Err(Error::new_spanned(&module.ident, "pymodule needs `name = \"..\"`"));
    };
    if opts.part && !(opts.classes.is_empty() && opts.parts.is_empty()) {
        return Err(Error::new(name.span(), "a part lists no classes or parts; the main module does"));
    }
    let doc = opts.doc.as_ref().map_or_else(|| doc_of(&module.attrs), LitStr::value);
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new_spanned(&module.ident, "pymodule stands on a module with a body"));
    };
    let p = pyobj();
    let owner = Owner::Module(name.value());
    let (mut wrappers, mut defs, mut init) = (Vec::new(), Vec::new(), None);
    let mut errors: Option<Error> = None;
    for item in items.iter_mut() {
        let Item::Fn(f) = item else { continue };
        let result = (|| {
            let Some((kind, attr)) = take_attr(&mut f.attrs, &["pyfunction", "pyinit"])? else { return Ok(()) };
            if kind == "pyinit" {
                if init.is_some() || opts.part {
                    return Err(Error::new_spanned(&attr, "there is one `#[pyinit]`, in the main module"));
                }
                init = Some(f.sig.ident.clone());
                return Ok(());
            }
            let n = native(f, &FnOptions::parse(&attr)?, Binding::Module, &owner, &TokenStream::new())?;
            wrappers.push(n.wrapper);
            defs.push(n.def);
            Ok(())
        })();
        if let Err(e) = result {
            match &mut errors {
                Some(all) => Error::combine(all, e),
                None => errors = Some(e),
            }
        }
    }
    if let Some(e) = errors {
        return Err(e);
    }
    for w in wrappers {
        items.push(Item::Verbatim(w));
    }
    items.push(Item::Verbatim(quote! {
        #[doc(hidden)]
        pub(crate) const FUNCTIONS: &[#p::native::NativeFn] = &[#(#defs),*];
    }));
    if !opts.part {
        let init = match init {
            Some(f) => quote!(::core::option::Option::Some(#f)),
            None => quote!(::core::option::Option::None),
        };
        let classes = &opts.classes;
        let (extra, functions) = if opts.parts.is_empty() {
            (TokenStream::new(), quote!(FUNCTIONS))
        } else {
            let parts = opts.parts.iter();
            let id = format_ident!("FUNCTION_PARTS");
            (
                quote! {
                    const #id: &[&[#p::native::NativeFn]] = &[FUNCTIONS #(, #parts::FUNCTIONS)*];
                    const ALL_FUNCTIONS: [#p::native::NativeFn; #p::native::total(#id)] = #p::native::concat(#id);
                },
                quote!(&ALL_FUNCTIONS),
            )
        };
        items.push(Item::Verbatim(quote! {
            #extra
            /// The module's definition.
            pub(crate) static MODULE: #p::native::ModuleDef = #p::native::ModuleDef {
                name: #name,
                doc: #doc,
                functions: #functions,
                classes: &[#(<#classes as #p::native::PyClass>::class),*],
                init: #init,
            };
        }));
    }
    Ok(quote!(#module))
}
