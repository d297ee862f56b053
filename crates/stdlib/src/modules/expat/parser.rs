//! The class of parsers.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, args::BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, codecs, intern};

use super::bridge::Bridge;
use super::event::{CANT_CHANGE_FEATURE_ONCE_PARSING, FINISHED, Fail, Place};
use super::scan::{Dtd, Scanner, Seed};
use super::{ExpatError, error_text};

macro_rules! handlers {
    ($($variant:ident $get:ident $set:ident $name:literal;)*) => {
        /// The handlers of a parser.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(super) enum Handler {
            $($variant),*
        }

        const COUNT: usize = [$(Handler::$variant),*].len();

        #[pymethods(part = "handlers")]
        impl XmlParser {
            $(
                #[pygetter(name = $name)]
                fn $get(_cx: &Ctx, this: This<'_, XmlParser>) -> Option<Obj> {
                    this.handler(Handler::$variant)
                }

                #[pysetter(name = $name)]
                fn $set(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
                    this.set_handler(cx, Handler::$variant, value)
                }
            )*
        }
    };
}

handlers! {
    StartElement start_element set_start_element "StartElementHandler";
    EndElement end_element set_end_element "EndElementHandler";
    ProcessingInstruction instruction set_instruction "ProcessingInstructionHandler";
    CharacterData characters set_characters "CharacterDataHandler";
    UnparsedEntityDecl unparsed set_unparsed "UnparsedEntityDeclHandler";
    NotationDecl notation set_notation "NotationDeclHandler";
    StartNamespaceDecl start_namespace set_start_namespace "StartNamespaceDeclHandler";
    EndNamespaceDecl end_namespace set_end_namespace "EndNamespaceDeclHandler";
    Comment comment set_comment "CommentHandler";
    StartCdataSection start_cdata set_start_cdata "StartCdataSectionHandler";
    EndCdataSection end_cdata set_end_cdata "EndCdataSectionHandler";
    Default default set_default "DefaultHandler";
    DefaultExpand default_expand set_default_expand "DefaultHandlerExpand";
    NotStandalone not_standalone set_not_standalone "NotStandaloneHandler";
    ExternalEntityRef external_entity set_external_entity "ExternalEntityRefHandler";
    StartDoctypeDecl start_doctype set_start_doctype "StartDoctypeDeclHandler";
    EndDoctypeDecl end_doctype set_end_doctype "EndDoctypeDeclHandler";
    EntityDecl entity_decl set_entity_decl "EntityDeclHandler";
    XmlDecl xml_decl set_xml_decl "XmlDeclHandler";
    ElementDecl element_decl set_element_decl "ElementDeclHandler";
    AttlistDecl attlist_decl set_attlist_decl "AttlistDeclHandler";
    SkippedEntity skipped_entity set_skipped_entity "SkippedEntityHandler";
}

/// XML parser
#[pyclass(name = "xmlparser", module = "pyexpat", flags(no_new, mutable))]
pub(super) struct XmlParser {
    handlers: [ObjCell; COUNT],
    /// The dict that makes equal names one object; None for no interning.
    pub(super) names: Obj,
    pub(super) base: ObjCell,
    /// Nothing while the scanner is at work.
    scanner: RefCell<Option<Box<Scanner>>>,
    /// What the scanner hands on to those of external entities.
    pub(super) seed: RefCell<Option<Seed>>,
    pub(super) buffered: RefCell<String>,
    pub(super) buffer_text: Cell<bool>,
    pub(super) buffer_size: Cell<usize>,
    pub(super) ordered_attributes: Cell<bool>,
    pub(super) specified_attributes: Cell<bool>,
    namespace_prefixes: Cell<bool>,
    pub(super) parameter_entities: Cell<i64>,
    reparse_deferral: Cell<bool>,
    pub(super) place: Cell<Place>,
    error: Cell<(i32, Place)>,
    working: Cell<bool>,
    started: Cell<bool>,
}

impl Traverse for XmlParser {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.handlers.iter().for_each(|h| h.traverse(visit));
        self.names.traverse(visit);
        self.base.traverse(visit);
    }

    fn clear(&self) {
        self.handlers.iter().for_each(Traverse::clear);
    }
}

const BEFORE: Place = Place { index: -1, line: 1, column: 0 };

impl XmlParser {
    pub(super) fn make(encoding: Option<String>, separator: Option<char>, names: Obj) -> Obj {
        let s = Scanner::new(encoding, separator, std::rc::Rc::new(RefCell::new(Dtd::default())));
        Self::of(s, names)
    }

    fn of(scanner: Scanner, names: Obj) -> Obj {
        new_instance(
            XmlParser::class().type_object(),
            XmlParser {
                handlers: std::array::from_fn(|_| ObjCell::new(None)),
                names,
                base: ObjCell::new(None),
                scanner: RefCell::new(Some(Box::new(scanner))),
                seed: RefCell::new(None),
                buffered: RefCell::default(),
                buffer_text: Cell::new(false),
                buffer_size: Cell::new(8192),
                ordered_attributes: Cell::new(false),
                specified_attributes: Cell::new(false),
                namespace_prefixes: Cell::new(false),
                parameter_entities: Cell::new(0),
                reparse_deferral: Cell::new(true),
                place: Cell::new(BEFORE),
                error: Cell::new((0, BEFORE)),
                working: Cell::new(false),
                started: Cell::new(false),
            },
        )
    }

    pub(super) fn handler(&self, h: Handler) -> Option<Obj> {
        self.handlers[h as usize].get()
    }

    fn set_handler(&self, cx: &Ctx, h: Handler, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.runtime_error("Cannot delete attribute")) };
        if h == Handler::CharacterData {
            // Text that is buffered goes to the handler that it was meant for.
            Bridge { cx, parser: self }.flush()?;
        }
        self.handlers[h as usize].set(v.clone().non_none());
        // The two default handlers exclude each other.
        match h {
            Handler::Default => self.handlers[Handler::DefaultExpand as usize].set(None),
            Handler::DefaultExpand => self.handlers[Handler::Default as usize].set(None),
            _ => {}
        }
        Ok(())
    }

    #[cold]
    fn raise(&self, cx: &Ctx, code: i32, at: Place) -> Raised {
        self.error.set((code, at));
        let text = error_text(code).unwrap_or("unknown error");
        let message = format!("{text}: line {}, column {}", at.line, at.column);
        let e = exc::new(cx, ExpatError::class().type_object(), &message);
        for (name, v) in
            [(intern!("code"), i64::from(code)), (intern!("offset"), at.column), (intern!("lineno"), at.line)]
        {
            if let Err(r) = e.set_attr(cx, name, &Obj::from(v)) {
                return r;
            }
        }
        cx.raise_obj(e)
    }

    fn feed(&self, cx: &Ctx, data: &[u8], last: bool) -> PyResult<()> {
        let taken = self.scanner.borrow_mut().take();
        let Some(mut s) = taken else {
            return Err(cx.runtime_error("cannot call Parse() from within a handler"));
        };
        self.started.set(true);
        if s.finished {
            let at = s.input.place;
            *self.scanner.borrow_mut() = Some(s);
            return Err(self.raise(cx, FINISHED, at));
        }
        s.triplets = self.namespace_prefixes.get();
        let mut bridge = Bridge { cx, parser: self };
        self.working.set(true);
        let mut r = s.feed(data, last, &mut bridge);
        if r.is_ok() {
            r = bridge.flush().map_err(Fail::Raised);
        }
        self.working.set(false);
        let at = s.input.error_place.take().unwrap_or(s.input.place);
        self.place.set(s.input.place);
        let failed = r.is_err();
        s.finished |= failed;
        *self.scanner.borrow_mut() = Some(s);
        match r {
            Ok(()) => Ok(()),
            Err(Fail::Raised(r)) => Err(r),
            Err(Fail::Code(code)) => {
                // Text before the error was read and is handed out.
                bridge.flush()?;
                Err(self.raise(cx, code, at))
            }
        }
    }

    fn change(&self, cx: &Ctx, f: impl FnOnce(&mut Scanner)) -> PyResult<()> {
        if self.started.get() {
            return Err(self.raise(cx, CANT_CHANGE_FEATURE_ONCE_PARSING, Place { index: 0, line: 1, column: 0 }));
        }
        if let Some(s) = &mut *self.scanner.borrow_mut() {
            f(s);
        }
        Ok(())
    }
}

fn flag(cx: &Ctx, value: Option<&Obj>) -> PyResult<bool> {
    match value {
        Some(v) => v.truthy(cx),
        None => Err(cx.runtime_error("Cannot delete attribute")),
    }
}

#[pymethods(parts("handlers"))]
impl XmlParser {
    /// Parses a piece of a document; isfinal says that it is the last.
    #[pymethod(name = "Parse", sig = "($self, data, isfinal=False, /)")]
    fn parse(cx: &Ctx, this: This<'_, XmlParser>, data: &Obj, isfinal: bool) -> PyResult<i64> {
        let bytes = if data.downcast::<Str>().is_some() {
            let e = codecs::encode(cx, data, "utf-8", "strict")?;
            this.change_encoding();
            bytes::as_bytes(&e).unwrap_or_default().to_vec()
        } else {
            BytesLike::new(cx, data)?.to_vec()
        };
        this.feed(cx, &bytes, isfinal)?;
        Ok(1)
    }

    /// Parse XML data from file-like object.
    #[pymethod(name = "ParseFile", sig = "($self, file, /)")]
    fn parse_file(cx: &Ctx, this: This<'_, XmlParser>, file: &Obj) -> PyResult<i64> {
        let Some(read) = file.get_attr_opt(cx, intern!("read"))? else {
            return Err(cx.type_error("argument must have 'read' attribute"));
        };
        if this.scanner.borrow().is_none() {
            return Err(cx.runtime_error("cannot call ParseFile() from within a handler"));
        }
        loop {
            let part = read.call1(cx, &Obj::from(2048))?;
            if !bytes::args::is_bytes_like(&part) {
                return Err(
                    cx.type_error(format!("read() did not return a bytes object (type={})", part.type_of().name()))
                );
            }
            let b = BytesLike::new(cx, &part)?.to_vec();
            if b.len() > 2048 {
                return Err(cx.value_error(format!(
                    "read() returned too much data: 2048 bytes requested, {} returned",
                    b.len()
                )));
            }
            this.feed(cx, &b, b.is_empty())?;
            if b.is_empty() {
                return Ok(1);
            }
        }
    }

    /// Says what relative system identifiers refer to.
    #[pymethod(name = "SetBase", sig = "($self, base, /)")]
    fn set_base(cx: &Ctx, this: This<'_, XmlParser>, base: &Obj) -> PyResult<()> {
        if base.downcast::<Str>().is_none() {
            return Err(cx.type_error(format!("SetBase() argument must be str, not {}", base.type_of().name())));
        }
        this.payload().base.set(Some(base.clone()));
        Ok(())
    }

    /// What SetBase() was given, or None.
    #[pymethod(name = "GetBase")]
    fn get_base(_cx: &Ctx, this: This<'_, XmlParser>) -> Option<Obj> {
        this.payload().base.get()
    }

    /// Return the untranslated text of the input that caused the current event: not kept here, so None.
    #[pymethod(name = "GetInputContext")]
    fn input_context(_cx: &Ctx, _this: This<'_, XmlParser>) -> Obj {
        Obj::none()
    }

    /// A parser for an external entity, from the context that ExternalEntityRefHandler was given.
    #[pymethod(name = "ExternalEntityParserCreate", sig = "($self, context, encoding=<unrepresentable>, /)")]
    fn external_parser(cx: &Ctx, this: This<'_, XmlParser>, context: &Obj, encoding: Option<&str>) -> PyResult {
        let context = match context.downcast::<Str>() {
            Some(_) => Some(as_utf8_lossy(context).into_owned()),
            None if context.is_none() => None,
            None => {
                return Err(cx.type_error(format!(
                    "ExternalEntityParserCreate() argument 1 must be str or None, not {}",
                    context.type_of().name()
                )));
            }
        };
        let seed = match &*this.scanner.borrow() {
            Some(s) => Some(s.seed()),
            // It is at work: what it offered with the reference.
            None => this.seed.borrow().clone(),
        };
        let Some(seed) = seed else {
            return Err(cx.runtime_error("an external entity can be parsed only where it is referred to"));
        };
        let child = Scanner::child(seed, encoding.map(str::to_owned), context.as_deref());
        let o = XmlParser::of(child, this.names.clone());
        if let Some(p) = o.downcast::<XmlParser>() {
            for (to, from) in p.handlers.iter().zip(&this.handlers) {
                to.set(from.get());
            }
            p.base.set(this.payload().base.get());
            p.buffer_text.set(this.payload().buffer_text.get());
            p.buffer_size.set(this.payload().buffer_size.get());
            p.ordered_attributes.set(this.payload().ordered_attributes.get());
            p.specified_attributes.set(this.payload().specified_attributes.get());
            p.namespace_prefixes.set(this.payload().namespace_prefixes.get());
            p.parameter_entities.set(this.parameter_entities.get());
        }
        Ok(o)
    }

    /// Says whether parameter entities are read, and with them the external part of the DTD; tells whether it could be
    /// set.
    #[pymethod(name = "SetParamEntityParsing", sig = "($self, flag, /)")]
    fn set_parameter_entities(_cx: &Ctx, this: This<'_, XmlParser>, flag: i64) -> i64 {
        if this.started.get() || !(0..=2).contains(&flag) {
            return 0;
        }
        this.parameter_entities.set(flag);
        1
    }

    /// Has ExternalEntityRefHandler called even if the document names no DTD, so that one can be supplied.
    #[pymethod(name = "UseForeignDTD", sig = "($self, flag=True, /)")]
    fn use_foreign_dtd(cx: &Ctx, this: This<'_, XmlParser>, flag: bool) -> PyResult<()> {
        this.change(cx, |s| s.foreign_dtd = flag)
    }

    /// Enable/Disable reparse deferral; enabled by default.
    #[pymethod(name = "SetReparseDeferralEnabled", sig = "($self, enabled, /)")]
    fn set_reparse_deferral(_cx: &Ctx, this: This<'_, XmlParser>, enabled: bool) {
        this.reparse_deferral.set(enabled);
    }

    /// Retrieve reparse deferral enabled status.
    #[pymethod(name = "GetReparseDeferralEnabled")]
    fn get_reparse_deferral(&self) -> bool {
        self.reparse_deferral.get()
    }

    /// How many bytes entities have to expand to before the protection against billion laughs looks at the factor.
    #[pymethod(name = "SetBillionLaughsAttackProtectionActivationThreshold", sig = "($self, threshold, /)")]
    fn laughs_threshold(cx: &Ctx, this: This<'_, XmlParser>, threshold: u64) -> PyResult<()> {
        let _ = cx;
        if let Some(s) = &mut *this.scanner.borrow_mut() {
            s.limits.0 = threshold;
        }
        Ok(())
    }

    /// By what factor entities may expand the document before the protection against billion laughs stops it.
    #[pymethod(name = "SetBillionLaughsAttackProtectionMaximumAmplification", sig = "($self, max_factor, /)")]
    fn laughs_factor(cx: &Ctx, this: This<'_, XmlParser>, max_factor: f64) -> PyResult<()> {
        if max_factor.is_nan() || max_factor < 1.0 {
            let said = "'max_factor' must be at least 1.0";
            return Err(cx.raise(ExpatError::class().type_object(), said));
        }
        if let Some(s) = &mut *this.scanner.borrow_mut() {
            s.limits.1 = max_factor;
        }
        Ok(())
    }

    #[pygetter]
    fn buffer_text(&self) -> bool {
        self.buffer_text.get()
    }

    #[pysetter]
    fn set_buffer_text(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let on = flag(cx, value)?;
        if !on {
            Bridge { cx, parser: &this }.flush()?;
        }
        this.payload().buffer_text.set(on);
        Ok(())
    }

    #[pygetter]
    fn buffer_size(&self) -> usize {
        self.buffer_size.get()
    }

    #[pysetter]
    fn set_buffer_size(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.runtime_error("Cannot delete attribute")) };
        if !cinder_pyobj::types::int::is_int(v) {
            return Err(cx.type_error("buffer_size must be an integer"));
        }
        let n = v.to_i64(cx)?;
        if n <= 0 {
            return Err(cx.value_error("buffer_size must be greater than zero"));
        }
        if n > i64::from(i32::MAX) {
            return Err(cx.value_error(format!("buffer_size must not be greater than {}", i32::MAX)));
        }
        Bridge { cx, parser: &this }.flush()?;
        this.payload().buffer_size.set(n as usize);
        Ok(())
    }

    #[pygetter]
    fn buffer_used(&self) -> usize {
        self.buffered.borrow().len()
    }

    #[pygetter]
    fn ordered_attributes(&self) -> bool {
        self.ordered_attributes.get()
    }

    #[pysetter]
    fn set_ordered_attributes(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        this.payload().ordered_attributes.set(flag(cx, value)?);
        Ok(())
    }

    #[pygetter]
    fn specified_attributes(&self) -> bool {
        self.specified_attributes.get()
    }

    #[pysetter]
    fn set_specified_attributes(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        this.payload().specified_attributes.set(flag(cx, value)?);
        Ok(())
    }

    #[pygetter]
    fn namespace_prefixes(&self) -> bool {
        self.namespace_prefixes.get()
    }

    #[pysetter]
    fn set_namespace_prefixes(cx: &Ctx, this: This<'_, XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        this.payload().namespace_prefixes.set(flag(cx, value)?);
        Ok(())
    }

    #[pygetter(member)]
    fn intern(_cx: &Ctx, this: This<'_, XmlParser>) -> Obj {
        this.names.clone()
    }

    #[pygetter(name = "CurrentByteIndex")]
    fn current_byte(&self) -> i64 {
        self.place.get().index
    }

    #[pygetter(name = "CurrentLineNumber")]
    fn current_line(&self) -> i64 {
        self.place.get().line
    }

    #[pygetter(name = "CurrentColumnNumber")]
    fn current_column(&self) -> i64 {
        self.place.get().column
    }

    #[pygetter(name = "ErrorCode")]
    fn error_code(&self) -> i64 {
        i64::from(self.error.get().0)
    }

    #[pygetter(name = "ErrorByteIndex")]
    fn error_byte(&self) -> i64 {
        self.shown_error().index
    }

    #[pygetter(name = "ErrorLineNumber")]
    fn error_line(&self) -> i64 {
        self.shown_error().line
    }

    #[pygetter(name = "ErrorColumnNumber")]
    fn error_column(&self) -> i64 {
        self.shown_error().column
    }
}

impl XmlParser {
    fn shown_error(&self) -> Place {
        match self.error.get() {
            (0, _) => self.place.get(),
            (_, at) => at,
        }
    }

    /// The document is given as text: its declaration of an encoding does not count.
    fn change_encoding(&self) {
        if let Some(s) = &mut *self.scanner.borrow_mut() {
            s.input.force("utf-8");
        }
    }
}
