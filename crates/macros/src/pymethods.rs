//! `#[pymethods]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, ImplItem, ImplItemFn, ItemFn, ItemImpl, LitStr, Result, Token, parenthesized};

use crate::function::{Binding, Owner, RustFn, native};
use crate::slots;
use crate::util::{FnOptions, doc_of, function_name, is_named, is_ref, plain_name, pyobj, take_attr};

const ATTRS: [&str; 8] =
    ["pymethod", "pyclassmethod", "pystaticmethod", "pynew", "pyslot", "pygetter", "pysetter", "pyinit"];

#[derive(Default)]
struct Options {
    /// The block is one part of a class's methods, under this name.
    part: Option<LitStr>,
    /// The parts that the main block takes in.
    parts: Vec<LitStr>,
}

impl Options {
    fn parse(args: TokenStream) -> Result<Options> {
        let mut o = Options::default();
        let parser = syn::meta::parser(|m| {
            if m.path.is_ident("part") {
                o.part = Some(m.value()?.parse()?);
            } else if m.path.is_ident("parts") {
                let inner;
                parenthesized!(inner in m.input);
                o.parts = inner.parse_terminated(|i| i.parse::<LitStr>(), Token![,])?.into_iter().collect();
            } else {
                return Err(m.error("expected `part = \"name\"` or `parts(\"name\", ..)`"));
            }
            Ok(())
        });
        parser.parse2(args)?;
        Ok(o)
    }
}

#[derive(Default)]
struct Collected {
    wrappers: Vec<TokenStream>,
    methods: Vec<TokenStream>,
    slots: Vec<TokenStream>,
    getters: Vec<Getter>,
    setters: Vec<Setter>,
    init: Option<TokenStream>,
    new_sig: Option<String>,
}

struct Getter {
    name: String,
    doc: String,
    member: bool,
    call: TokenStream,
}

struct Setter {
    name: String,
    call: TokenStream,
    span: proc_macro2::Span,
}

pub fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let opts = Options::parse(args)?;
    let mut block: ItemImpl = syn::parse2(item)?;
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(path, "pymethods stands on an inherent impl"));
    }
    let mut c = Collected::default();
    let mut errors: Option<Error> = None;
    for item in &mut block.items {
        if let ImplItem::Fn(f) = item
            && let Err(e) = c.add(f)
        {
            match &mut errors {
                Some(all) => all.combine(e),
                None => errors = Some(e),
            }
        }
    }
    if let Some(e) = errors {
        return Err(e);
    }
    c.emit(&opts, &block)
}

impl Collected {
    fn add(&mut self, f: &mut ImplItemFn) -> Result<()> {
        let marker = take_attr(&mut f.attrs, &ATTRS)?;
        let item = ItemFn {
            attrs: f.attrs.clone(),
            vis: f.vis.clone(),
            sig: f.sig.clone(),
            block: Box::new(syn::parse_quote!({})),
        };
        let name = f.sig.ident.to_string();
        let Some((kind, attr)) = marker else {
            if slots::is_slot(&name) {
                return self.slot(&item, &name, &FnOptions::default());
            }
            return slots::refuse_unknown(&item);
        };
        let opts = FnOptions::parse(&attr)?;
        if opts.member && kind != "pygetter" {
            return Err(Error::new_spanned(&attr, "`member` goes with `pygetter`"));
        }
        match kind.as_str() {
            "pymethod" if slots::is_slot(&name) && opts.name.is_none() => self.slot(&item, &name, &opts),
            "pyslot" => {
                let slot = opts.name.as_ref().map_or(name, LitStr::value);
                self.slot(&item, &slot, &opts)
            }
            "pynew" => self.slot(&item, "__new__", &opts),
            "pymethod" => self.method(&item, &opts, Binding::Instance),
            "pyclassmethod" => self.method(&item, &opts, Binding::Class),
            "pystaticmethod" => self.method(&item, &opts, Binding::Static),
            "pygetter" => self.getter(&item, &opts),
            "pysetter" => self.setter(&item, &opts),
            _ => {
                if self.init.is_some() {
                    return Err(Error::new_spanned(&attr, "there is one `#[pyinit]`"));
                }
                let ident = &f.sig.ident;
                self.init = Some(quote!(Self::#ident));
                Ok(())
            }
        }
    }

    fn slot(&mut self, f: &ItemFn, name: &str, opts: &FnOptions) -> Result<()> {
        let code = slots::expand(f, name, opts)?;
        let (field, wrapper) = (&code.field, &code.wrapper_name);
        self.slots.push(quote!(slots.#field.set(::core::option::Option::Some(Self::#wrapper));));
        self.wrappers.push(code.wrapper);
        self.new_sig = self.new_sig.take().or(code.new_sig);
        Ok(())
    }

    fn method(&mut self, f: &ItemFn, opts: &FnOptions, binding: Binding) -> Result<()> {
        let n = native(f, opts, binding, &Owner::Class, &quote!(Self::))?;
        self.wrappers.push(n.wrapper);
        self.methods.push(n.def);
        Ok(())
    }

    /// The receiver's code and call argument of a getter or setter.
    fn accessor(f: &ItemFn, rust: &RustFn, name: &str) -> Result<(TokenStream, Option<TokenStream>, Vec<TokenStream>)> {
        let p = pyobj();
        if rust.self_ref {
            let code = quote!(let this: #p::native::This<'_, Self> = #p::native::receiver(cx, recv, #name)?;);
            return Ok((code, Some(quote!(this.payload())), Vec::new()));
        }
        match rust.params.first() {
            Some(r) if is_named(&r.ty, "This") => {
                let code = quote!(let this = #p::native::receiver(cx, recv, #name)?;);
                Ok((code, None, vec![quote!(this)]))
            }
            Some(r) if is_named(&r.ty, "Obj") && is_ref(&r.ty) => Ok((TokenStream::new(), None, vec![quote!(recv)])),
            _ => Err(Error::new_spanned(&f.sig, "takes `this: This<'_, T>`, `this: &Obj` or `&self`")),
        }
    }

    fn getter(&mut self, f: &ItemFn, opts: &FnOptions) -> Result<()> {
        let p = pyobj();
        let rust = RustFn::of(&f.sig)?;
        let ident = &rust.ident;
        let name = opts.name.as_ref().map_or_else(
            || {
                let n = ident.to_string();
                function_name(n.strip_prefix("get_").unwrap_or(&n)).to_owned()
            },
            LitStr::value,
        );
        if rust.params.len() + usize::from(rust.self_ref) != 1 {
            return Err(Error::new_spanned(&f.sig, "a getter takes its receiver only"));
        }
        let (code, this, args) = Self::accessor(f, &rust, &name)?;
        let call = rust.call(&quote!(Self::#ident), this, &args);
        let wrapper = format_ident!("__py_get_{}", plain_name(&ident.to_string()));
        self.wrappers.push(quote! {
            #[doc(hidden)]
            fn #wrapper(cx: &#p::Ctx, recv: &#p::Obj) -> #p::PyResult {
                #code
                #p::native::IntoResult::into_result(#call, cx)
            }
        });
        self.getters.push(Getter { name, doc: doc_of(&f.attrs), member: opts.member, call: quote!(Self::#wrapper) });
        Ok(())
    }

    fn setter(&mut self, f: &ItemFn, opts: &FnOptions) -> Result<()> {
        let p = pyobj();
        let rust = RustFn::of(&f.sig)?;
        let ident = &rust.ident;
        let name = opts.name.as_ref().map_or_else(
            || {
                let n = ident.to_string();
                function_name(n.strip_prefix("set_").unwrap_or(&n)).to_owned()
            },
            LitStr::value,
        );
        let value = rust.params.last().filter(|_| rust.params.len() + usize::from(rust.self_ref) == 2);
        if !value.is_some_and(|v| is_named(&v.ty, "Option")) {
            return Err(Error::new_spanned(
                &f.sig,
                "a setter takes its receiver and `value: Option<&Obj>` (nothing means delete)",
            ));
        }
        let (code, this, mut args) = Self::accessor(f, &rust, &name)?;
        args.push(quote!(value));
        let call = rust.call(&quote!(Self::#ident), this, &args);
        let wrapper = format_ident!("__py_set_{}", plain_name(&ident.to_string()));
        self.wrappers.push(quote! {
            #[doc(hidden)]
            fn #wrapper(
                cx: &#p::Ctx,
                recv: &#p::Obj,
                value: ::core::option::Option<&#p::Obj>,
            ) -> #p::PyResult<()> {
                #code
                #call
            }
        });
        self.setters.push(Setter { name, call: quote!(Self::#wrapper), span: f.sig.ident.span() });
        Ok(())
    }

    fn emit(mut self, opts: &Options, block: &ItemImpl) -> Result<TokenStream> {
        let p = pyobj();
        let ty = &block.self_ty;
        let mut getset = Vec::new();
        for g in &self.getters {
            let set = match self.setters.iter().position(|s| s.name == g.name) {
                Some(i) => {
                    let call = self.setters.swap_remove(i).call;
                    quote!(::core::option::Option::Some(#call))
                }
                None => quote!(::core::option::Option::None),
            };
            let Getter { name, doc, member, call } = g;
            getset.push(quote! {
                #p::native::GetSetDef { name: #name, doc: #doc, is_member: #member, get: #call, set: #set }
            });
        }
        if let Some(s) = self.setters.first() {
            return Err(Error::new(s.span, format!("`{}` has a setter but no getter in this block", s.name)));
        }
        let suffix = match &opts.part {
            Some(part) if self.init.is_some() || self.new_sig.is_some() => {
                return Err(Error::new(part.span(), "`__new__` and `#[pyinit]` belong to the main block"));
            }
            Some(part) => format!("_{}", part.value()),
            None => String::new(),
        };
        let id = |what: &str, suffix: &str| format_ident!("{what}{suffix}", span = block.self_ty.span());
        let methods_id = id("CINDER_METHODS", &suffix);
        let getset_id = id("CINDER_GETSET", &suffix);
        let slots_id = id("CINDER_SLOTS", &suffix);
        let fill_id = id("__py_fill_slots", &suffix);
        let Collected { wrappers, methods, slots, init, new_sig, .. } = self;
        let part_slots = opts.parts.iter().map(|n| id("CINDER_SLOTS", &format!("_{}", n.value())));
        let (methods, getset) = if opts.parts.is_empty() {
            (
                quote!(pub(crate) const #methods_id: &'static [#p::native::NativeFn] = &[#(#methods),*];),
                quote!(pub(crate) const #getset_id: &'static [#p::native::GetSetDef] = &[#(#getset),*];),
            )
        } else {
            let m: Vec<_> = opts.parts.iter().map(|n| id("CINDER_METHODS", &format!("_{}", n.value()))).collect();
            let g: Vec<_> = opts.parts.iter().map(|n| id("CINDER_GETSET", &format!("_{}", n.value()))).collect();
            (
                quote! {
                    const CINDER_METHOD_PARTS: &'static [&'static [#p::native::NativeFn]] =
                        &[&[#(#methods),*] #(, <#ty>::#m)*];
                    pub(crate) const #methods_id: &'static [#p::native::NativeFn] =
                        &#p::native::concat::<_, { #p::native::total(<#ty>::CINDER_METHOD_PARTS) }>(<#ty>::CINDER_METHOD_PARTS);
                },
                quote! {
                    const CINDER_GETSET_PARTS: &'static [&'static [#p::native::GetSetDef]] =
                        &[&[#(#getset),*] #(, <#ty>::#g)*];
                    pub(crate) const #getset_id: &'static [#p::native::GetSetDef] =
                        &#p::native::concat::<_, { #p::native::total(<#ty>::CINDER_GETSET_PARTS) }>(<#ty>::CINDER_GETSET_PARTS);
                },
            )
        };
        let init = match init {
            Some(f) => {
                quote!(pub(crate) const CINDER_INIT: ::core::option::Option<fn(&#p::Type)> = ::core::option::Option::Some(#f);)
            }
            None => TokenStream::new(),
        };
        let new_sig = match new_sig {
            Some(s) => quote!(pub(crate) const CINDER_NEW_SIG: &'static str = #s;),
            None => TokenStream::new(),
        };
        Ok(quote! {
            #block

            #[doc(hidden)]
            #[allow(non_upper_case_globals, clippy::all, reason = "generated")]
            impl #ty {
                #(#wrappers)*
                #[allow(unused_variables)]
                fn #fill_id(slots: &#p::types::Slots) {
                    #(#slots)*
                    #((<#ty>::#part_slots)(slots);)*
                }
                pub(crate) const #slots_id: fn(&#p::types::Slots) = Self::#fill_id;
                #methods
                #getset
                #init
                #new_sig
            }
        })
    }
}
