//! `#[derive(Traverse)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Field, Fields, Index, Result, parse_quote};

use crate::util::pyobj;

pub fn expand(input: DeriveInput) -> Result<TokenStream> {
    let p = pyobj();
    let name = &input.ident;
    let mut generics = input.generics.clone();
    for t in generics.type_params_mut() {
        t.bounds.push(parse_quote!(#p::heap::Traverse));
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let mut kept = Vec::new();
    let (visit, clear, take) = match &input.data {
        Data::Struct(s) => {
            let mut fields = Vec::new();
            for (i, f) in s.fields.iter().enumerate() {
                if !skipped(f)? {
                    kept.push(f.ty.clone());
                    fields.push(match &f.ident {
                        Some(n) => quote!(#n),
                        None => {
                            let i = Index::from(i);
                            quote!(#i)
                        }
                    });
                }
            }
            (
                quote!(#(#p::heap::Traverse::traverse(&self.#fields, visit);)*),
                quote!(#(#p::heap::Traverse::clear(&self.#fields);)*),
                quote!(#(#p::heap::Traverse::take_references(&mut self.#fields, out);)*),
            )
        }
        Data::Enum(e) => {
            let (mut v_arms, mut c_arms, mut t_arms) = (Vec::new(), Vec::new(), Vec::new());
            for v in &e.variants {
                let vn = &v.ident;
                let mut names = Vec::new();
                let mut pats = Vec::new();
                for (i, f) in v.fields.iter().enumerate() {
                    let bind = format_ident!("field{i}");
                    let skip = skipped(f)?;
                    pats.push(match (&f.ident, skip) {
                        (Some(n), true) => quote!(#n: _),
                        (Some(n), false) => quote!(#n: #bind),
                        (None, true) => quote!(_),
                        (None, false) => quote!(#bind),
                    });
                    if !skip {
                        kept.push(f.ty.clone());
                        names.push(bind);
                    }
                }
                let pat = match &v.fields {
                    Fields::Named(_) => quote!(#name::#vn { #(#pats),* }),
                    Fields::Unnamed(_) => quote!(#name::#vn(#(#pats),*)),
                    Fields::Unit => quote!(#name::#vn),
                };
                v_arms.push(quote!(#pat => { #(#p::heap::Traverse::traverse(#names, visit);)* }));
                c_arms.push(quote!(#pat => { #(#p::heap::Traverse::clear(#names);)* }));
                t_arms.push(quote!(#pat => { #(#p::heap::Traverse::take_references(#names, out);)* }));
            }
            if e.variants.is_empty() {
                (quote!(match *self {}), quote!(match *self {}), quote!(match *self {}))
            } else {
                (
                    quote!(match self { #(#v_arms)* }),
                    quote!(match self { #(#c_arms)* }),
                    quote!(match self { #(#t_arms)* }),
                )
            }
        }
        Data::Union(_) => return Err(Error::new_spanned(name, "a union cannot show its references")),
    };
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #p::heap::Traverse for #name #ty_generics #where_clause {
            const HOLDS_REFERENCES: bool = false #(|| <#kept as #p::heap::Traverse>::HOLDS_REFERENCES)*;
            #[allow(unused_variables)]
            fn traverse(&self, visit: &mut #p::heap::Visitor<'_>) {
                #visit
            }
            fn clear(&self) {
                #clear
            }
            #[allow(unused_variables)]
            fn take_references(&mut self, out: &mut #p::heap::Dropped) {
                #take
            }
        }
    })
}

fn skipped(f: &Field) -> Result<bool> {
    let mut skip = false;
    for a in f.attrs.iter().filter(|a| a.path().is_ident("traverse")) {
        a.parse_nested_meta(|m| {
            if m.path.is_ident("skip") {
                skip = true;
                Ok(())
            } else {
                Err(m.error("expected `skip`"))
            }
        })?;
    }
    Ok(skip)
}
