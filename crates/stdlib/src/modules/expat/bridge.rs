//! Events of the scanner to the handlers of a parser.

use cinder_pyobj::types::{bytes, dict, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, codecs};

use super::event::{Event, Model, Place, Sink};
use super::parser::{Handler, XmlParser};
use super::scan::Seed;

/// A parser at work.
pub(super) struct Bridge<'a> {
    pub cx: &'a Ctx,
    pub parser: &'a XmlParser,
}

fn optional(s: Option<&str>) -> Obj {
    s.map_or_else(Obj::none, Obj::from)
}

fn model(cx: &Ctx, m: &Model) -> PyResult {
    cx.check_stack(" in a content model")?;
    let parts = m.parts.iter().map(|p| model(cx, p)).collect::<PyResult<Vec<Obj>>>()?;
    Ok(tuple::new(vec![Obj::from(m.kind), Obj::from(m.quantifier), optional(m.name.as_deref()), tuple::new(parts)]))
}

impl Bridge<'_> {
    /// Calls a handler; the result's truth.
    fn call(&self, h: Handler, args: &[Obj]) -> PyResult<bool> {
        let Some(f) = self.parser.handler(h) else { return Ok(true) };
        let r = f.call_pos(self.cx, args)?;
        Ok(match h {
            Handler::ExternalEntityRef | Handler::NotStandalone => r.truthy(self.cx)?,
            _ => true,
        })
    }

    fn interned(&self, s: &str) -> PyResult {
        let o = Obj::from(s);
        let names = &self.parser.names;
        match dict::as_dict(names) {
            Some(d) => d.get_or_insert(self.cx, &o, &o),
            None => Ok(o),
        }
    }

    fn interned_optional(&self, s: Option<&str>) -> PyResult {
        s.map_or_else(|| Ok(Obj::none()), |s| self.interned(s))
    }

    /// Text for the handler of characters, at once or buffered.
    fn characters(&self, s: &str) -> PyResult<()> {
        let p = self.parser;
        if !p.buffer_text.get() {
            return self.call(Handler::CharacterData, &[Obj::from(s)]).map(drop);
        }
        let limit = p.buffer_size.get();
        if p.buffered.borrow().len() + s.len() > limit {
            self.flush()?;
            // A handler may have taken itself away.
            if p.handler(Handler::CharacterData).is_none() {
                return Ok(());
            }
        }
        if s.len() > limit {
            return self.call(Handler::CharacterData, &[Obj::from(s)]).map(drop);
        }
        p.buffered.borrow_mut().push_str(s);
        Ok(())
    }

    /// Hands out buffered text.
    pub(super) fn flush(&self) -> PyResult<()> {
        let s = self.parser.buffered.take();
        if s.is_empty() {
            return Ok(());
        }
        self.call(Handler::CharacterData, &[Obj::from(s.as_str())]).map(drop)
    }

    fn start_element(&self, name: &str, attributes: &[(String, String)], specified: usize) -> PyResult<bool> {
        let shown = if self.parser.specified_attributes.get() { &attributes[..specified] } else { attributes };
        let container = if self.parser.ordered_attributes.get() {
            let mut v = Vec::with_capacity(shown.len() * 2);
            for (k, x) in shown {
                v.push(self.interned(k)?);
                v.push(Obj::from(x.as_str()));
            }
            list::new(v)
        } else {
            let d = dict::new();
            for (k, x) in shown {
                dict::set(self.cx, &d, &self.interned(k)?, &Obj::from(x.as_str()))?;
            }
            d
        };
        self.call(Handler::StartElement, &[self.interned(name)?, container])
    }
}

/// The handler that an event is for.
fn handler_of(e: &Event<'_>) -> Option<Handler> {
    Some(match e {
        Event::XmlDecl { .. } => Handler::XmlDecl,
        Event::StartDoctype { .. } => Handler::StartDoctypeDecl,
        Event::EndDoctype => Handler::EndDoctypeDecl,
        Event::EntityDecl { .. } => Handler::EntityDecl,
        Event::NotationDecl { .. } => Handler::NotationDecl,
        Event::ElementDecl { .. } => Handler::ElementDecl,
        Event::AttlistDecl { .. } => Handler::AttlistDecl,
        Event::NotStandalone => Handler::NotStandalone,
        Event::StartElement { .. } => Handler::StartElement,
        Event::EndElement { .. } => Handler::EndElement,
        Event::StartNamespace { .. } => Handler::StartNamespaceDecl,
        Event::EndNamespace { .. } => Handler::EndNamespaceDecl,
        Event::Text(_) => Handler::CharacterData,
        Event::Comment(_) => Handler::Comment,
        Event::Instruction { .. } => Handler::ProcessingInstruction,
        Event::StartCdata => Handler::StartCdataSection,
        Event::EndCdata => Handler::EndCdataSection,
        Event::ExternalEntity { .. } => Handler::ExternalEntityRef,
        Event::SkippedEntity { .. } => Handler::SkippedEntity,
        Event::Other => return None,
    })
}

impl Sink for Bridge<'_> {
    fn event(&mut self, e: Event<'_>, raw: &str, at: &Place) -> PyResult<bool> {
        let p = self.parser;
        p.place.set(*at);
        let handler = match &e {
            // Notations of unparsed entities have a handler of their own.
            Event::EntityDecl { entity, .. }
                if entity.notation.is_some() && p.handler(Handler::UnparsedEntityDecl).is_some() =>
            {
                Some(Handler::UnparsedEntityDecl)
            }
            e => handler_of(e),
        };
        let Some(h) = handler.filter(|h| p.handler(*h).is_some()) else {
            let silent = matches!(e, Event::StartNamespace { .. } | Event::EndNamespace { .. } | Event::NotStandalone);
            if !raw.is_empty() && !silent {
                let default = [Handler::DefaultExpand, Handler::Default].into_iter().find(|d| p.handler(*d).is_some());
                if let Some(d) = default {
                    self.flush()?;
                    self.call(d, &[Obj::from(raw)])?;
                }
            }
            return Ok(true);
        };
        if let Event::Text(s) = e {
            self.characters(s)?;
            return Ok(true);
        }
        self.flush()?;
        let base = p.base.get().unwrap_or_else(Obj::none);
        match e {
            Event::XmlDecl { version, encoding, standalone } => {
                self.call(h, &[optional(version), optional(encoding), Obj::from(standalone)])
            }
            Event::StartDoctype { name, system, public, internal } => self
                .call(h, &[self.interned(name)?, optional(system), optional(public), Obj::from(i64::from(internal))]),
            Event::EndDoctype | Event::StartCdata | Event::EndCdata | Event::NotStandalone => self.call(h, &[]),
            Event::EntityDecl { name, entity, .. } if h == Handler::UnparsedEntityDecl => {
                let (s, q) = (entity.system.as_deref(), entity.public.as_deref());
                let n = self.interned_optional(entity.notation.as_deref())?;
                self.call(h, &[self.interned(name)?, base, optional(s), optional(q), n])
            }
            Event::EntityDecl { name, parameter, entity } => {
                let args = [
                    self.interned(name)?,
                    Obj::from(i64::from(parameter)),
                    optional(entity.text.as_deref()),
                    base,
                    optional(entity.system.as_deref()),
                    optional(entity.public.as_deref()),
                    optional(entity.notation.as_deref()),
                ];
                self.call(h, &args)
            }
            Event::NotationDecl { name, system, public } => {
                self.call(h, &[self.interned(name)?, base, optional(system), optional(public)])
            }
            Event::ElementDecl { name, model: m } => self.call(h, &[self.interned(name)?, model(self.cx, m)?]),
            Event::AttlistDecl { element, name, kind, default, required } => {
                let args = [
                    self.interned(element)?,
                    self.interned(name)?,
                    Obj::from(kind),
                    optional(default),
                    Obj::from(i64::from(required)),
                ];
                self.call(h, &args)
            }
            Event::StartElement { name, attributes, specified } => self.start_element(name, attributes, specified),
            Event::EndElement { name } => self.call(h, &[self.interned(name)?]),
            Event::StartNamespace { prefix, uri } => {
                self.call(h, &[self.interned_optional(prefix)?, self.interned_optional(uri)?])
            }
            Event::EndNamespace { prefix } => self.call(h, &[self.interned_optional(prefix)?]),
            Event::Comment(s) => self.call(h, &[Obj::from(s)]),
            Event::Instruction { target, data } => self.call(h, &[self.interned(target)?, Obj::from(data)]),
            Event::ExternalEntity { context, system, public } => {
                self.call(h, &[optional(context), base, optional(system), optional(public)])
            }
            Event::SkippedEntity { name, parameter } => {
                self.call(h, &[self.interned(name)?, Obj::from(i64::from(parameter))])
            }
            Event::Text(_) | Event::Other => Ok(true),
        }
    }

    fn offer(&mut self, seed: Seed) {
        *self.parser.seed.borrow_mut() = Some(seed);
    }

    fn keeps_references(&self) -> bool {
        self.parser.handler(Handler::Default).is_some()
    }

    fn byte_table(&mut self, encoding: &str) -> PyResult<Option<Vec<char>>> {
        let all: Vec<u8> = (0..=255).collect();
        let o = codecs::decode(self.cx, &bytes::new(&all), encoding, "replace")?;
        let Some(s) = o.downcast::<cinder_pyobj::types::str::Str>() else { return Ok(None) };
        if s.len() != 256 {
            return Err(self.cx.value_error("multi-byte encodings are not supported"));
        }
        Ok(Some(s.code_points().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()))
    }

    fn parameter_entities(&self) -> i64 {
        self.parser.parameter_entities.get()
    }
}
