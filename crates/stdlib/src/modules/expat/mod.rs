//! `pyexpat`: parsing of XML by events.
//!
//! - [`scan`]: the scanner; [`dtd`]: declarations; [`input`]: encodings and places; [`event`]: what it reports
//! - [`parser`]: the class of parsers; [`bridge`]: events to handlers

mod bridge;
mod dtd;
mod event;
mod input;
mod parser;
mod scan;

use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc, list, module, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use event::ERRORS;
use parser::XmlParser;

/// An error of an XML document.
#[pyclass(name = "ExpatError", module = "xml.parsers.expat", base = exc::markers::Exception, flags(basetype, mutable, dict),
    payload = "inherit")]
pub struct ExpatError;

fn error_text(code: i32) -> Option<&'static str> {
    ERRORS.iter().find(|e| e.1 == code).map(|e| e.2)
}

/// A module below this one.
fn submodule(cx: &Ctx, parent: &Obj, name: &'static str, doc: &str) -> PyResult {
    let full = format!("pyexpat.{name}");
    let m = module::new(cx, &full)?;
    m.set_attr(cx, intern!("__doc__"), &Obj::from(doc))?;
    let modules = (cx.host().import)(cx, "sys")?.get_attr(cx, intern!("modules"))?;
    modules.set_item(cx, &Obj::from(full.as_str()), &m)?;
    parent.set_attr(cx, Name::new(name), &m)?;
    Ok(m)
}

/// A parser for XML that calls functions for what it finds, with the interface of the library Expat.
#[pymodule(name = "pyexpat", classes(super::ExpatError))]
pub(crate) mod pyexpat {
    use super::*;

    /// A new parser; encoding overrides that of the document, and a namespace_separator turns on namespaces.
    #[pyfunction(name = "ParserCreate", sig = "(encoding=None, namespace_separator=None, intern=<unrepresentable>)")]
    fn parser_create(
        cx: &Ctx,
        encoding: Option<&str>,
        namespace_separator: Option<&Obj>,
        intern: Option<&Obj>,
    ) -> PyResult {
        let separator = match namespace_separator {
            None => None,
            Some(o) => {
                let Some(s) = o.downcast::<cinder_pyobj::types::str::Str>() else {
                    return Err(cx.type_error(format!(
                        "ParserCreate() argument 'namespace_separator' must be str or None, not {}",
                        o.type_of().name()
                    )));
                };
                if s.len() > 1 {
                    return Err(cx.value_error("namespace_separator must be at most one character, omitted, or None"));
                }
                Some(s.get(0).and_then(char::from_u32).unwrap_or('\0'))
            }
        };
        let names = match intern {
            None => dict::new(),
            Some(o) if o.is_none() => Obj::none(),
            Some(o) if dict::as_dict(o).is_some() => o.clone(),
            Some(_) => return Err(cx.type_error("intern must be a dictionary")),
        };
        Ok(XmlParser::make(encoding.map(str::to_owned), separator, names))
    }

    /// The message that belongs to an error number, or None.
    #[pyfunction(name = "ErrorString", sig = "(code, /)")]
    fn error_string(code: i32) -> Option<&'static str> {
        error_text(code)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let error = ExpatError::class().type_object().as_obj();
        module.set_attr(cx, intern!("error"), &error)?;
        module.set_attr(cx, intern!("XMLParserType"), &XmlParser::class().type_object().as_obj())?;
        module.set_attr(cx, intern!("EXPAT_VERSION"), &Obj::from("expat_2.7.3"))?;
        let version = tuple::new([2i64, 7, 3].map(Obj::from).to_vec());
        module.set_attr(cx, intern!("version_info"), &version)?;
        module.set_attr(cx, intern!("native_encoding"), &Obj::from("UTF-8"))?;
        let features = [("sizeof(XML_Char)", 1i64), ("sizeof(XML_LChar)", 1), ("XML_DTD", 0), ("XML_NS", 0)];
        let features = features.map(|(n, v)| tuple::pair(Obj::from(n), Obj::from(v)));
        module.set_attr(cx, intern!("features"), &list::new(features.to_vec()))?;
        for (i, name) in ["NEVER", "UNLESS_STANDALONE", "ALWAYS"].into_iter().enumerate() {
            module.set_attr(cx, Name::new(&format!("XML_PARAM_ENTITY_PARSING_{name}")), &Obj::from(i))?;
        }
        let errors = submodule(cx, module, "errors", "Constants used to describe error conditions.")?;
        let (codes, messages) = (dict::new(), dict::new());
        for (name, code, text) in ERRORS {
            errors.set_attr(cx, Name::new(name), &Obj::from(*text))?;
            dict::set(cx, &codes, &Obj::from(*text), &Obj::from(*code))?;
            dict::set(cx, &messages, &Obj::from(*code), &Obj::from(*text))?;
        }
        errors.set_attr(cx, intern!("codes"), &codes)?;
        errors.set_attr(cx, intern!("messages"), &messages)?;
        let model = submodule(cx, module, "model", "Constants used to interpret content model information.")?;
        let kinds = ["EMPTY", "ANY", "MIXED", "NAME", "CHOICE", "SEQ"];
        for (i, k) in kinds.into_iter().enumerate() {
            model.set_attr(cx, Name::new(&format!("XML_CTYPE_{k}")), &Obj::from(i + 1))?;
        }
        for (i, k) in ["NONE", "OPT", "REP", "PLUS"].into_iter().enumerate() {
            model.set_attr(cx, Name::new(&format!("XML_CQUANT_{k}")), &Obj::from(i))?;
        }
        Ok(())
    }
}
