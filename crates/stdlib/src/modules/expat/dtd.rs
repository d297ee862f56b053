//! The document type declaration.

use super::event::*;
use super::scan::{
    AttDef, Scanner, char_ref, collapsed, find, is_name_start, name_end, normal_lines, skip_space, text,
};

/// Where a whole `<!DOCTYPE …>` ends; nothing if it is not all there.
pub(super) fn doctype_end(b: &[u8]) -> Option<usize> {
    let mut at = 9;
    let mut depth = 0;
    while at < b.len() {
        match b[at] {
            q @ (b'"' | b'\'') => at = memchr::memchr(q, &b[at + 1..])? + at + 1,
            b'<' if b[at..].starts_with(b"<!--") => at = find(b, at + 4, b"-->")? + 2,
            b'<' if b[at..].starts_with(b"<?") => at = find(b, at + 2, b"?>")? + 1,
            b'<' => depth += 1,
            b'[' => depth += 1,
            b']' => depth -= 1,
            b'>' if depth == 0 => return Some(at + 1),
            b'>' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// A reader of declarations.
struct Cursor<'a> {
    b: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn space(&mut self) -> bool {
        let before = self.at;
        self.at = skip_space(self.b, self.at);
        self.at > before
    }

    fn name(&mut self) -> Scan<&'a str> {
        let n = name_end(self.b, self.at);
        if n == self.at || !is_name_start(self.b[self.at]) {
            return Err(Fail::Code(INVALID_TOKEN));
        }
        let s = text(&self.b[self.at..n]);
        self.at = n;
        Ok(s)
    }

    fn token(&mut self) -> Scan<&'a str> {
        let n = name_end(self.b, self.at);
        if n == self.at {
            return Err(Fail::Code(INVALID_TOKEN));
        }
        let s = text(&self.b[self.at..n]);
        self.at = n;
        Ok(s)
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let yes = self.b[self.at..].starts_with(what);
        if yes {
            self.at += what.len();
        }
        yes
    }

    fn need(&mut self, what: &[u8]) -> Scan {
        if self.eat(what) {
            Ok(())
        } else {
            Err(Fail::Code(if self.at >= self.b.len() { UNCLOSED_TOKEN } else { SYNTAX }))
        }
    }

    fn literal(&mut self) -> Scan<&'a [u8]> {
        let Some(&q @ (b'"' | b'\'')) = self.b.get(self.at) else { return Err(Fail::Code(SYNTAX)) };
        let Some(n) = memchr::memchr(q, &self.b[self.at + 1..]) else { return Err(Fail::Code(UNCLOSED_TOKEN)) };
        let v = &self.b[self.at + 1..self.at + 1 + n];
        self.at += n + 2;
        Ok(v)
    }

    /// `SYSTEM "…"` or `PUBLIC "…" "…"`; of notations the second may be missing.
    fn external(&mut self, notation: bool) -> Scan<Option<(Option<String>, Option<String>)>> {
        if self.eat(b"SYSTEM") {
            self.space();
            return Ok(Some((Some(text(self.literal()?).to_owned()), None)));
        }
        if !self.eat(b"PUBLIC") {
            return Ok(None);
        }
        self.space();
        let public = self.literal()?;
        let allowed = |c: &u8| c.is_ascii_alphanumeric() || b" \r\n-'()+,./:=?;!*#@$_%".contains(c);
        if !public.iter().all(allowed) {
            return Err(Fail::Code(PUBLICID));
        }
        let public = text(public).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        self.space();
        let more = matches!(self.b.get(self.at), Some(b'"' | b'\''));
        if !more && notation {
            return Ok(Some((None, Some(public))));
        }
        Ok(Some((Some(text(self.literal()?).to_owned()), Some(public))))
    }
}

impl Scanner {
    /// A whole `<!DOCTYPE …>`.
    pub(super) fn doctype(&mut self, b: &[u8], sink: &mut dyn Sink) -> Scan {
        let mut c = Cursor { b, at: 9 };
        if !c.space() {
            return Err(Fail::Code(INVALID_TOKEN));
        }
        let name = c.name()?;
        c.space();
        let ids = c.external(false)?;
        c.space();
        let internal = c.eat(b"[");
        let (system, public) = match &ids {
            Some((s, p)) => (s.as_deref(), p.as_deref()),
            None => (None, None),
        };
        let has_subset = system.is_some() || self.foreign_dtd;
        if has_subset {
            self.dtd.borrow_mut().incomplete = true;
            let alone = self.dtd.borrow().standalone;
            if !alone && !self.emit(sink, Event::NotStandalone, b"")? {
                return Err(Fail::Code(NOT_STANDALONE));
            }
        }
        let opening = &b[..c.at];
        self.emit(sink, Event::StartDoctype { name, system, public, internal }, opening)?;
        if internal {
            self.declarations(&mut c, false, sink)?;
            c.need(b"]")?;
            c.space();
        }
        if has_subset {
            let (system, public) = (system.map(str::to_owned), public.map(str::to_owned));
            self.external_subset(system.as_deref(), public.as_deref(), sink)?;
        }
        c.need(b">")?;
        self.emit(sink, Event::EndDoctype, if internal { b"]>" } else { b">" })?;
        Ok(())
    }

    /// The declarations of an external subset or parameter entity.
    pub(super) fn subset_declarations(&mut self, b: &[u8], sink: &mut dyn Sink) -> Scan {
        let mut c = Cursor { b, at: 0 };
        if b.starts_with(b"<?xml")
            && let Some(end) = find(b, 0, b"?>")
        {
            self.xml_declaration(&b[..end + 2], sink)?;
            c.at = end + 2;
        }
        self.dtd.borrow_mut().incomplete = false;
        self.declarations(&mut c, true, sink)
    }

    /// Asks for the external subset, if it is to be read.
    pub(super) fn external_subset(&mut self, system: Option<&str>, public: Option<&str>, sink: &mut dyn Sink) -> Scan {
        let wanted = match sink.parameter_entities() {
            0 => false,
            1 => !self.dtd.borrow().standalone,
            _ => true,
        };
        if !wanted {
            return Ok(());
        }
        let ok = self.emit(sink, Event::ExternalEntity { context: None, system, public }, b"")?;
        if !ok {
            return Err(Fail::Code(EXTERNAL_ENTITY_HANDLING));
        }
        Ok(())
    }

    /// Declarations up to `]` or the end.
    fn declarations(&mut self, c: &mut Cursor<'_>, nested: bool, sink: &mut dyn Sink) -> Scan {
        loop {
            let from = c.at;
            if c.space() {
                self.emit(sink, Event::Other, &c.b[from..c.at])?;
            }
            let start = c.at;
            match c.b.get(c.at) {
                None => return Ok(()),
                Some(b']') if !nested => return Ok(()),
                Some(b'%') => {
                    c.at += 1;
                    let name = c.name()?;
                    c.need(b";")?;
                    self.parameter_reference(name, &c.b[start..c.at], sink)?;
                }
                Some(b'<') if c.eat(b"<!--") => {
                    let Some(end) = find(c.b, c.at, b"--") else { return Err(Fail::Code(UNCLOSED_TOKEN)) };
                    if c.b.get(end + 2) != Some(&b'>') {
                        return Err(Fail::Code(INVALID_TOKEN));
                    }
                    let body = normal_lines(text(&c.b[c.at..end]));
                    c.at = end + 3;
                    self.emit(sink, Event::Comment(&body), &c.b[start..c.at])?;
                }
                Some(b'<') if c.eat(b"<?") => {
                    let target = c.name()?;
                    if target.eq_ignore_ascii_case("xml") {
                        return Err(Fail::Code(MISPLACED_XML_PI));
                    }
                    c.space();
                    let Some(end) = find(c.b, c.at, b"?>") else { return Err(Fail::Code(UNCLOSED_TOKEN)) };
                    let data = normal_lines(text(&c.b[c.at..end]));
                    c.at = end + 2;
                    self.emit(sink, Event::Instruction { target, data: &data }, &c.b[start..c.at])?;
                }
                Some(b'<') if c.eat(b"<!ENTITY") => self.entity(c, start, sink)?,
                Some(b'<') if c.eat(b"<!ELEMENT") => self.element_declaration(c, start, sink)?,
                Some(b'<') if c.eat(b"<!ATTLIST") => self.attlist(c, start, sink)?,
                Some(b'<') if c.eat(b"<!NOTATION") => self.notation(c, start, sink)?,
                Some(_) => return Err(Fail::Code(if nested { SYNTAX } else { INVALID_TOKEN })),
            }
        }
    }

    /// `%name;` between declarations.
    fn parameter_reference(&mut self, name: &str, raw: &[u8], sink: &mut dyn Sink) -> Scan {
        let alone = self.dtd.borrow().standalone;
        let wanted = match sink.parameter_entities() {
            0 => false,
            1 => !alone,
            _ => true,
        };
        if wanted {
            self.parameter_entity(name, raw, sink)?;
        } else {
            self.dtd.borrow_mut().incomplete = true;
            self.emit(sink, Event::Other, raw)?;
        }
        if !alone && !self.emit(sink, Event::NotStandalone, b"")? {
            return Err(Fail::Code(NOT_STANDALONE));
        }
        Ok(())
    }

    fn parameter_entity(&mut self, name: &str, raw: &[u8], sink: &mut dyn Sink) -> Scan {
        let entity = self.dtd.borrow().parameter.get(name).cloned();
        let Some(e) = entity else {
            let known = !self.dtd.borrow().incomplete;
            if known || self.dtd.borrow().standalone {
                return Err(Fail::Code(UNDEFINED_ENTITY));
            }
            self.emit(sink, Event::SkippedEntity { name, parameter: true }, raw)?;
            return Ok(());
        };
        let key = format!("%{name}");
        if self.open_entities.contains(&key) {
            return Err(Fail::Code(RECURSIVE_ENTITY_REF));
        }
        match &e.text {
            Some(t) => {
                self.count(t.len())?;
                self.open_entities.insert(key.clone());
                let t = t.clone();
                let mut inner = Cursor { b: t.as_bytes(), at: 0 };
                let r = self.declarations(&mut inner, true, sink);
                self.open_entities.remove(&key);
                r
            }
            None => {
                self.dtd.borrow_mut().incomplete = true;
                let asked =
                    Event::ExternalEntity { context: None, system: e.system.as_deref(), public: e.public.as_deref() };
                if self.emit(sink, asked, raw)? { Ok(()) } else { Err(Fail::Code(EXTERNAL_ENTITY_HANDLING)) }
            }
        }
    }

    /// The value of an entity: references to characters and parameter entities are replaced at once.
    fn entity_value(&mut self, b: &[u8]) -> Scan<String> {
        let mut out = String::new();
        let mut at = 0;
        while at < b.len() {
            match b[at] {
                b'&' if b.get(at + 1) == Some(&b'#') => {
                    let Some(end) = memchr::memchr(b';', &b[at..]).map(|n| at + n) else {
                        return Err(Fail::Code(INVALID_TOKEN));
                    };
                    match char_ref(&b[at + 1..end]) {
                        Some(c) => out.push(c),
                        None => return Err(Fail::Code(BAD_CHAR_REF)),
                    }
                    at = end + 1;
                }
                b'&' => {
                    let n = name_end(b, at + 1);
                    if n == at + 1 || b.get(n) != Some(&b';') {
                        return Err(Fail::Code(INVALID_TOKEN));
                    }
                    out.push_str(text(&b[at..n + 1]));
                    at = n + 1;
                }
                // Within the internal subset these may stand between declarations only.
                b'%' if !self.external => return Err(Fail::Code(PARAM_ENTITY_REF)),
                b'%' => {
                    let n = name_end(b, at + 1);
                    let t = self.dtd.borrow().parameter.get(text(&b[at + 1..n])).and_then(|e| e.text.clone());
                    match t {
                        Some(t) => {
                            self.count(t.len())?;
                            out.push_str(&t);
                        }
                        None => return Err(Fail::Code(UNDEFINED_ENTITY)),
                    }
                    at = n + 1;
                }
                _ => {
                    let end = b[at..].iter().position(|c| matches!(c, b'&' | b'%')).map_or(b.len(), |n| at + n);
                    out.push_str(&normal_lines(text(&b[at..end])));
                    at = end;
                }
            }
        }
        Ok(out)
    }

    fn entity(&mut self, c: &mut Cursor<'_>, start: usize, sink: &mut dyn Sink) -> Scan {
        c.space();
        let parameter = c.eat(b"%");
        if parameter && !c.space() {
            return Err(Fail::Code(INVALID_TOKEN));
        }
        let name = c.name()?;
        c.space();
        let mut e = Entity::default();
        match c.external(false)? {
            Some((system, public)) => {
                (e.system, e.public) = (system, public);
                c.space();
                if !parameter && c.eat(b"NDATA") {
                    c.space();
                    e.notation = Some(c.name()?.to_owned());
                }
            }
            None => e.text = Some(self.entity_value(c.literal()?)?),
        }
        c.space();
        c.need(b">")?;
        let new = {
            let mut d = self.dtd.borrow_mut();
            let map = if parameter { &mut d.parameter } else { &mut d.general };
            // The first declaration counts.
            if map.contains_key(name) {
                false
            } else {
                map.insert(name.to_owned(), e.clone());
                true
            }
        };
        let raw = &c.b[start..c.at];
        if new {
            self.emit(sink, Event::EntityDecl { name, parameter, entity: &e }, raw)?;
        } else {
            self.emit(sink, Event::Other, raw)?;
        }
        Ok(())
    }

    fn notation(&mut self, c: &mut Cursor<'_>, start: usize, sink: &mut dyn Sink) -> Scan {
        c.space();
        let name = c.name()?;
        c.space();
        let Some((system, public)) = c.external(true)? else { return Err(Fail::Code(SYNTAX)) };
        c.space();
        c.need(b">")?;
        let e = Event::NotationDecl { name, system: system.as_deref(), public: public.as_deref() };
        self.emit(sink, e, &c.b[start..c.at])?;
        Ok(())
    }

    fn element_declaration(&mut self, c: &mut Cursor<'_>, start: usize, sink: &mut dyn Sink) -> Scan {
        c.space();
        let name = c.name()?;
        c.space();
        let model = if c.eat(b"EMPTY") {
            Model { kind: 1, ..Model::default() }
        } else if c.eat(b"ANY") {
            Model { kind: 2, ..Model::default() }
        } else {
            c.need(b"(")?;
            c.space();
            if c.eat(b"#PCDATA") { mixed(c)? } else { group(c, 0)? }
        };
        c.space();
        c.need(b">")?;
        self.emit(sink, Event::ElementDecl { name, model: &model }, &c.b[start..c.at])?;
        Ok(())
    }

    fn attlist(&mut self, c: &mut Cursor<'_>, start: usize, sink: &mut dyn Sink) -> Scan {
        c.space();
        let element = c.name()?;
        let mut told = false;
        loop {
            c.space();
            if c.eat(b">") {
                break;
            }
            let name = c.name()?;
            c.space();
            let kind = attribute_kind(c)?;
            c.space();
            let cdata = kind == "CDATA";
            let mut default = None;
            let mut required = false;
            if c.eat(b"#REQUIRED") {
                required = true;
            } else if !c.eat(b"#IMPLIED") {
                if c.eat(b"#FIXED") {
                    required = true;
                    c.space();
                }
                let mut v = String::new();
                self.attribute_value(c.literal()?, &mut v)?;
                default = Some(if cdata { v } else { collapsed(&v) });
            }
            let new = {
                let mut d = self.dtd.borrow_mut();
                let defs = d.attributes.entry(element.to_owned()).or_default();
                if defs.iter().any(|a| a.name == name) {
                    false
                } else {
                    defs.push(AttDef { name: name.to_owned(), cdata, default: default.clone() });
                    true
                }
            };
            if new {
                let e = Event::AttlistDecl { element, name, kind: &kind, default: default.as_deref(), required };
                self.emit(sink, e, if told { b"" } else { &c.b[start..c.at] })?;
                told = true;
            }
        }
        Ok(())
    }
}

fn attribute_kind(c: &mut Cursor<'_>) -> Scan<String> {
    let mut out = String::new();
    if c.b.get(c.at) != Some(&b'(') {
        let word = c.name()?;
        out.push_str(word);
        match word {
            "CDATA" | "ID" | "IDREF" | "IDREFS" | "ENTITY" | "ENTITIES" | "NMTOKEN" | "NMTOKENS" => return Ok(out),
            "NOTATION" => {
                c.space();
            }
            _ => return Err(Fail::Code(SYNTAX)),
        }
    }
    c.need(b"(")?;
    out.push('(');
    loop {
        c.space();
        out.push_str(c.token()?);
        c.space();
        if c.eat(b")") {
            out.push(')');
            return Ok(out);
        }
        c.need(b"|")?;
        out.push('|');
    }
}

fn quantifier(c: &mut Cursor<'_>) -> i64 {
    match c.b.get(c.at) {
        Some(b'?') => {
            c.at += 1;
            1
        }
        Some(b'*') => {
            c.at += 1;
            2
        }
        Some(b'+') => {
            c.at += 1;
            3
        }
        _ => 0,
    }
}

/// `(#PCDATA | a | b)*` behind its first word.
fn mixed(c: &mut Cursor<'_>) -> Scan<Model> {
    let mut m = Model { kind: 3, ..Model::default() };
    loop {
        c.space();
        if c.eat(b")") {
            break;
        }
        c.need(b"|")?;
        c.space();
        m.parts.push(Model { kind: 4, name: Some(c.name()?.to_owned()), ..Model::default() });
    }
    if c.eat(b"*") {
        m.quantifier = 2;
    } else if !m.parts.is_empty() {
        return Err(Fail::Code(SYNTAX));
    }
    Ok(m)
}

/// A group of parts behind its opening parenthesis.
fn group(c: &mut Cursor<'_>, depth: usize) -> Scan<Model> {
    if depth > 200 {
        return Err(Fail::Code(SYNTAX));
    }
    let mut m = Model { kind: 6, ..Model::default() };
    let mut joint = 0;
    loop {
        c.space();
        if c.eat(b"(") {
            m.parts.push(group(c, depth + 1)?);
        } else {
            let name = c.name()?.to_owned();
            let quantifier = quantifier(c);
            m.parts.push(Model { kind: 4, quantifier, name: Some(name), parts: Vec::new() });
        }
        c.space();
        match c.b.get(c.at) {
            Some(b')') => {
                c.at += 1;
                break;
            }
            Some(&j @ (b',' | b'|')) if joint == 0 || joint == j => {
                joint = j;
                c.at += 1;
            }
            _ => return Err(Fail::Code(SYNTAX)),
        }
    }
    if joint == b'|' {
        m.kind = 5;
    }
    m.quantifier = quantifier(c);
    Ok(m)
}
