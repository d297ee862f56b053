//! The scanner: text to events, piece by piece.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::event::*;
use super::input::Input;

/// A declared attribute.
pub(super) struct AttDef {
    pub name: String,
    pub cdata: bool,
    pub default: Option<String>,
}

/// What the document type declares.
#[derive(Default)]
pub(super) struct Dtd {
    pub general: HashMap<String, Entity>,
    pub parameter: HashMap<String, Entity>,
    pub attributes: HashMap<String, Vec<AttDef>>,
    pub standalone: bool,
    /// There are declarations that were not read.
    pub incomplete: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Start,
    Prolog,
    Content,
    Epilog,
}

/// An open element: its name in the text and as reported, and how many namespaces it declared.
struct Open {
    raw: String,
    name: String,
    bound: usize,
}

/// The scanner of one document or external entity.
pub(super) struct Scanner {
    pub(super) input: Input,
    state: State,
    doctype_seen: bool,
    in_cdata: bool,
    stack: Vec<Open>,
    /// Prefix and name of namespaces in scope.
    bindings: Vec<(Option<String>, Option<String>)>,
    pub(super) dtd: Rc<RefCell<Dtd>>,
    pub(super) separator: Option<char>,
    pub(super) triplets: bool,
    /// Entities being replaced.
    pub(super) open_entities: HashSet<String>,
    /// Whether this is an external entity, which needs no root.
    pub(super) external: bool,
    pub(super) foreign_dtd: bool,
    /// Whether this is the external subset or a parameter entity: declarations only.
    subset: bool,
    /// Bytes that came from entities.
    expanded: u64,
    pub(super) finished: bool,
    /// From how many bytes on, and by which factor, documents may not grow.
    pub(super) limits: (u64, f64),
}

/// What scanners of one document share: declarations and namespaces.
#[derive(Clone)]
pub(super) struct Seed {
    dtd: Rc<RefCell<Dtd>>,
    separator: Option<char>,
    triplets: bool,
    bindings: Vec<(Option<String>, Option<String>)>,
    open_entities: HashSet<String>,
}

/// One step's result.
enum Step {
    /// The token reaches to this offset.
    To(usize),
    /// More input is needed.
    Wait,
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b == b':' || b >= 0x80
}

pub(super) fn is_name(b: u8) -> bool {
    is_name_start(b) || b.is_ascii_digit() || b == b'-' || b == b'.'
}

/// The end of a name that begins at an offset.
pub(super) fn name_end(b: &[u8], at: usize) -> usize {
    b[at..].iter().position(|c| !is_name(*c)).map_or(b.len(), |n| at + n)
}

pub(super) fn skip_space(b: &[u8], at: usize) -> usize {
    b[at..].iter().position(|c| !is_space(*c)).map_or(b.len(), |n| at + n)
}

pub(super) fn text(b: &[u8]) -> &str {
    std::str::from_utf8(b).unwrap_or_default()
}

pub(super) fn find(b: &[u8], at: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(&b[at..], what).map(|n| at + n)
}

/// The character of a reference such as `#65` or `#x41`.
pub(super) fn char_ref(body: &[u8]) -> Option<char> {
    let (digits, radix) = match body {
        [b'#', b'x', d @ ..] => (d, 16),
        [b'#', d @ ..] => (d, 10),
        _ => return None,
    };
    let n = u32::from_str_radix(text(digits), radix).ok()?;
    let c = char::from_u32(n)?;
    if (n < 0x20 && !matches!(n, 9 | 10 | 13)) || matches!(n, 0xfffe | 0xffff) { None } else { Some(c) }
}

pub(super) fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

/// Line ends as XML wants them.
pub(super) fn normal_lines(s: &str) -> String {
    if s.contains('\r') { s.replace("\r\n", "\n").replace('\r', "\n") } else { s.to_owned() }
}

impl Scanner {
    pub(super) fn new(encoding: Option<String>, separator: Option<char>, dtd: Rc<RefCell<Dtd>>) -> Scanner {
        Scanner {
            input: Input::new(encoding),
            state: State::Start,
            doctype_seen: false,
            in_cdata: false,
            stack: Vec::new(),
            bindings: Vec::new(),
            dtd,
            separator,
            triplets: false,
            open_entities: HashSet::new(),
            external: false,
            foreign_dtd: false,
            subset: false,
            expanded: 0,
            finished: false,
            limits: (8 << 20, 100.0),
        }
    }

    /// What the scanner of an external entity shares with this one.
    pub(super) fn seed(&self) -> Seed {
        Seed {
            dtd: self.dtd.clone(),
            separator: self.separator,
            triplets: self.triplets,
            bindings: self.bindings.clone(),
            open_entities: self.open_entities.clone(),
        }
    }

    /// The scanner of an external entity.
    pub(super) fn child(seed: Seed, encoding: Option<String>, context: Option<&str>) -> Scanner {
        let mut s = Scanner::new(encoding, seed.separator, seed.dtd);
        s.bindings = seed.bindings;
        s.triplets = seed.triplets;
        s.open_entities = seed.open_entities;
        s.open_entities.extend(context.map(str::to_owned));
        s.external = true;
        s.subset = context.is_none();
        s
    }

    /// Reads more of the document.
    pub(super) fn feed(&mut self, data: &[u8], last: bool, sink: &mut dyn Sink) -> Scan {
        self.input.push(data, last, sink)?;
        if self.subset {
            if last {
                let all = self.input.take_rest();
                self.subset_declarations(&all, sink)?;
                self.finished = true;
            }
            return Ok(());
        }
        loop {
            match self.step(last, sink)? {
                Step::To(end) => {
                    self.input.advance(end);
                    self.input.decode_pending();
                }
                Step::Wait => break,
            }
        }
        if last {
            self.finish()?;
            self.finished = true;
        }
        Ok(())
    }

    /// The checks at the end of the document.
    fn finish(&mut self) -> Scan {
        let left = !self.input.rest().is_empty();
        if self.in_cdata {
            self.input.advance(self.input.rest().len());
            return Err(Fail::Code(UNCLOSED_CDATA_SECTION));
        }
        if left {
            return Err(Fail::Code(UNCLOSED_TOKEN));
        }
        if self.external {
            return if self.stack.is_empty() { Ok(()) } else { Err(Fail::Code(ASYNC_ENTITY)) };
        }
        if self.state == State::Epilog { Ok(()) } else { Err(Fail::Code(NO_ELEMENTS)) }
    }

    fn step(&mut self, last: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let rest = self.input.take_rest();
        let r = self.step_in(&rest, last, sink);
        self.input.put_back(rest);
        r
    }

    /// Reads one token of the input.
    fn step_in(&mut self, b: &[u8], last: bool, sink: &mut dyn Sink) -> Scan<Step> {
        if b.is_empty() {
            return Ok(Step::Wait);
        }
        if self.state == State::Start {
            let begins = b"<?xml";
            if b.len() < 6 && begins.starts_with(&b[..b.len().min(5)]) && !last {
                return Ok(Step::Wait);
            }
            let declared = b.starts_with(begins) && b.get(5).is_some_and(|c| is_space(*c));
            if declared {
                let Some(end) = find(b, 0, b"?>") else { return self.incomplete(last) };
                self.xml_declaration(&b[..end + 2], sink)?;
                self.state = if self.external { State::Content } else { State::Prolog };
                return Ok(Step::To(end + 2));
            }
            self.state = if self.external { State::Content } else { State::Prolog };
        }
        if self.state == State::Content {
            return self.content(b, last, true, sink);
        }
        self.outside(b, last, sink)
    }

    fn incomplete(&self, last: bool) -> Scan<Step> {
        if last { Err(Fail::Code(UNCLOSED_TOKEN)) } else { Ok(Step::Wait) }
    }

    /// An error within a token, at an offset in it.
    pub(super) fn fail_at(&mut self, main: bool, offset: usize, code: i32, b: &[u8]) -> Fail {
        if main {
            self.input.place_ahead(&b[..offset.min(b.len())]);
        }
        Fail::Code(code)
    }

    /// Before and behind the root element.
    fn outside(&mut self, b: &[u8], last: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let spaces = skip_space(b, 0);
        if spaces > 0 {
            self.emit(sink, Event::Other, &b[..spaces])?;
            return Ok(Step::To(spaces));
        }
        let epilog = self.state == State::Epilog;
        if b[0] != b'<' {
            return Err(Fail::Code(if epilog {
                JUNK_AFTER_DOC_ELEMENT
            } else if b[0] < 0x20 {
                INVALID_TOKEN
            } else {
                SYNTAX
            }));
        }
        let Some(&next) = b.get(1) else { return self.incomplete(last) };
        match next {
            b'?' => self.instruction(b, last, true, sink),
            b'!' if b.len() < 4 && !last => Ok(Step::Wait),
            b'!' if b.starts_with(b"<!--") => self.comment(b, last, true, sink),
            b'!' if !epilog && !self.doctype_seen => {
                if b.len() < 9 && !last {
                    return Ok(Step::Wait);
                }
                if !b.starts_with(b"<!DOCTYPE") {
                    return Err(self.fail_at(true, 2, SYNTAX, b));
                }
                let Some(end) = super::dtd::doctype_end(b) else { return self.incomplete(last) };
                self.doctype_seen = true;
                self.doctype(&b[..end], sink)?;
                Ok(Step::To(end))
            }
            c if is_name_start(c) && !epilog => {
                if !self.doctype_seen && self.foreign_dtd {
                    self.doctype_seen = true;
                    self.external_subset(None, None, sink)?;
                }
                self.element(b, last, true, sink)
            }
            c if is_name_start(c) => Err(Fail::Code(JUNK_AFTER_DOC_ELEMENT)),
            _ if epilog => Err(Fail::Code(JUNK_AFTER_DOC_ELEMENT)),
            _ => Err(self.fail_at(true, 1, INVALID_TOKEN, b)),
        }
    }

    pub(super) fn emit(&mut self, sink: &mut dyn Sink, e: Event<'_>, raw: &[u8]) -> Scan<bool> {
        if matches!(e, Event::ExternalEntity { .. }) {
            sink.offer(self.seed());
        }
        Ok(sink.event(e, text(raw), &self.input.place)?)
    }

    /// Within elements: one token.
    fn content(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        if self.in_cdata {
            return self.cdata(b, last, main, sink);
        }
        match b[0] {
            b'<' => {
                let Some(&next) = b.get(1) else { return self.incomplete(last) };
                match next {
                    b'/' => self.end_tag(b, last, main, sink),
                    b'?' => self.instruction(b, last, main, sink),
                    b'!' if b.starts_with(b"<!--") => self.comment(b, last, main, sink),
                    b'!' if b.starts_with(b"<![CDATA[") => {
                        self.in_cdata = true;
                        self.emit(sink, Event::StartCdata, &b[..9])?;
                        Ok(Step::To(9))
                    }
                    b'!' if !last && (b"<![CDATA[".starts_with(b) || b"<!--".starts_with(b)) => Ok(Step::Wait),
                    b'!' => {
                        if b"<![CDATA[".starts_with(b) || b"<!--".starts_with(b) {
                            return self.incomplete(last);
                        }
                        Err(self.fail_at(main, 2, INVALID_TOKEN, b))
                    }
                    c if is_name_start(c) => self.element(b, last, main, sink),
                    _ => Err(self.fail_at(main, 1, INVALID_TOKEN, b)),
                }
            }
            b'&' => self.reference(b, last, main, sink),
            _ => self.characters(b, last, main, sink),
        }
    }

    fn comment(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let Some(end) = find(b, 4, b"--") else { return self.incomplete(last) };
        match b.get(end + 2) {
            None => return self.incomplete(last),
            Some(b'>') => {}
            Some(_) => return Err(self.fail_at(main, end + 2, INVALID_TOKEN, b)),
        }
        let body = self.checked(main, b, 4, end)?;
        self.emit(sink, Event::Comment(&normal_lines(body)), &b[..end + 3])?;
        Ok(Step::To(end + 3))
    }

    /// A part of a token as text; characters that may not occur are errors.
    fn checked<'b>(&mut self, main: bool, b: &'b [u8], from: usize, to: usize) -> Scan<&'b str> {
        if let Some(n) = b[from..to].iter().position(|c| *c < 0x20 && !is_space(*c)) {
            return Err(self.fail_at(main, from + n, INVALID_TOKEN, b));
        }
        match std::str::from_utf8(&b[from..to]) {
            Ok(s) => Ok(s),
            Err(e) => Err(self.fail_at(main, from + e.valid_up_to(), INVALID_TOKEN, b)),
        }
    }

    fn instruction(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let Some(end) = find(b, 2, b"?>") else { return self.incomplete(last) };
        if !is_name_start(b[2]) {
            return Err(self.fail_at(main, 2, INVALID_TOKEN, b));
        }
        let n = name_end(b, 2);
        let target = self.checked(main, b, 2, n)?;
        if target.eq_ignore_ascii_case("xml") {
            return Err(Fail::Code(if target == "xml" { MISPLACED_XML_PI } else { INVALID_TOKEN }));
        }
        if n < end && !is_space(b[n]) {
            return Err(self.fail_at(main, n, INVALID_TOKEN, b));
        }
        let start = skip_space(b, n).min(end);
        let data = self.checked(main, b, start, end)?;
        self.emit(sink, Event::Instruction { target, data: &normal_lines(data) }, &b[..end + 2])?;
        Ok(Step::To(end + 2))
    }

    /// Text up to markup, without what may still belong together with what follows.
    fn characters(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        if b[0] == b'\n' || b[0] == b'\r' {
            if b == b"\r" && !last {
                return Ok(Step::Wait);
            }
            let n = if b.starts_with(b"\r\n") { 2 } else { 1 };
            self.emit(sink, Event::Text("\n"), &b[..n])?;
            return Ok(Step::To(n));
        }
        let end = b.iter().position(|c| matches!(c, b'<' | b'&' | b'\n' | b'\r')).unwrap_or(b.len());
        if let Some(n) = find(&b[..end], 0, b"]]>") {
            return Err(self.fail_at(main, n + 2, INVALID_TOKEN, b));
        }
        let mut stop = end;
        if end == b.len() && !last {
            // A bracket may begin the end of a section that is not allowed here.
            while stop > 0 && b[stop - 1] == b']' && end - stop < 2 {
                stop -= 1;
            }
        }
        let part = &b[..stop];
        if let Some(n) = part.iter().position(|c| *c < 0x20 && *c != b'\t') {
            if n > 0 {
                self.emit(sink, Event::Text(text(&part[..n])), &part[..n])?;
                return Ok(Step::To(n));
            }
            return Err(self.fail_at(main, n, INVALID_TOKEN, b));
        }
        match std::str::from_utf8(part) {
            Ok("") => Ok(Step::Wait),
            Ok(s) => {
                self.emit(sink, Event::Text(s), part)?;
                Ok(Step::To(stop))
            }
            Err(e) if e.valid_up_to() > 0 => {
                let n = e.valid_up_to();
                self.emit(sink, Event::Text(text(&part[..n])), &part[..n])?;
                Ok(Step::To(n))
            }
            Err(e) if e.error_len().is_none() && !last => Ok(Step::Wait),
            Err(e) if e.error_len().is_none() && end == b.len() => Err(Fail::Code(PARTIAL_CHAR)),
            Err(_) => Err(self.fail_at(main, 0, INVALID_TOKEN, b)),
        }
    }

    fn cdata(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        if b.starts_with(b"]]>") {
            self.in_cdata = false;
            self.emit(sink, Event::EndCdata, &b[..3])?;
            return Ok(Step::To(3));
        }
        if b[0] == b'\n' || b[0] == b'\r' {
            if b == b"\r" && !last {
                return Ok(Step::Wait);
            }
            let n = if b.starts_with(b"\r\n") { 2 } else { 1 };
            self.emit(sink, Event::Text("\n"), &b[..n])?;
            return Ok(Step::To(n));
        }
        let mut end = b.iter().position(|c| matches!(c, b'\n' | b'\r')).unwrap_or(b.len());
        if let Some(n) = find(&b[..end], 0, b"]]>") {
            end = n;
        } else if end == b.len() {
            while end > 0 && b[end - 1] == b']' && b.len() - end < 2 {
                end -= 1;
            }
        }
        if end == 0 {
            return if last { Err(Fail::Code(UNCLOSED_CDATA_SECTION)) } else { Ok(Step::Wait) };
        }
        let s = match std::str::from_utf8(&b[..end]) {
            Ok(s) => s,
            Err(e) if e.valid_up_to() > 0 => text(&b[..e.valid_up_to()]),
            Err(e) if e.error_len().is_none() && !last => return Ok(Step::Wait),
            Err(_) => return Err(self.fail_at(main, 0, INVALID_TOKEN, b)),
        };
        let n = s.len();
        self.checked(main, b, 0, n)?;
        self.emit(sink, Event::Text(s), &b[..n])?;
        Ok(Step::To(n))
    }

    /// `&name;` or `&#number;` in content.
    fn reference(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let valid = |i: usize, c: u8| if i == 1 { c == b'#' || is_name_start(c) } else { is_name(c) };
        let Some(end) = (1..b.len()).find(|i| !valid(*i, b[*i])) else { return self.incomplete(last) };
        if b[end] != b';' || end == 1 {
            return Err(self.fail_at(main, end, INVALID_TOKEN, b));
        }
        let raw = &b[..end + 1];
        let body = &b[1..end];
        if body[0] == b'#' {
            let Some(c) = char_ref(body) else { return Err(Fail::Code(BAD_CHAR_REF)) };
            self.emit(sink, Event::Text(c.encode_utf8(&mut [0; 4])), raw)?;
            return Ok(Step::To(end + 1));
        }
        let name = text(body);
        if let Some(t) = predefined(name) {
            self.emit(sink, Event::Text(t), raw)?;
            return Ok(Step::To(end + 1));
        }
        let entity = self.dtd.borrow().general.get(name).cloned();
        let Some(e) = entity else {
            let (known, alone) = {
                let d = self.dtd.borrow();
                (!d.incomplete, d.standalone)
            };
            if known || alone {
                return Err(Fail::Code(UNDEFINED_ENTITY));
            }
            self.emit(sink, Event::SkippedEntity { name, parameter: false }, raw)?;
            return Ok(Step::To(end + 1));
        };
        if e.notation.is_some() {
            return Err(Fail::Code(BINARY_ENTITY_REF));
        }
        if self.open_entities.contains(name) {
            return Err(Fail::Code(RECURSIVE_ENTITY_REF));
        }
        match &e.text {
            Some(_) if sink.keeps_references() => {
                self.emit(sink, Event::SkippedEntity { name, parameter: false }, raw)?;
            }
            Some(t) => self.replace(name, t.as_bytes(), sink)?,
            None => {
                self.open_entities.insert(name.to_owned());
                let asked = Event::ExternalEntity {
                    context: Some(name),
                    system: e.system.as_deref(),
                    public: e.public.as_deref(),
                };
                let ok = self.emit(sink, asked, raw);
                self.open_entities.remove(name);
                if !ok? {
                    return Err(Fail::Code(EXTERNAL_ENTITY_HANDLING));
                }
            }
        }
        Ok(Step::To(end + 1))
    }

    /// Counts text that came from an entity; small documents may not grow without bound.
    pub(super) fn count(&mut self, n: usize) -> Scan {
        self.expanded += n as u64;
        let direct = self.input.total.max(1);
        let factor = (self.expanded + direct) as f64 / direct as f64;
        if self.expanded > self.limits.0 && factor > self.limits.1 {
            return Err(Fail::Code(AMPLIFICATION_LIMIT_BREACH));
        }
        Ok(())
    }

    /// Reads the replacement text of an entity as content.
    fn replace(&mut self, name: &str, t: &[u8], sink: &mut dyn Sink) -> Scan {
        self.count(t.len())?;
        if self.open_entities.len() > 200 {
            return Err(Fail::Code(AMPLIFICATION_LIMIT_BREACH));
        }
        self.open_entities.insert(name.to_owned());
        let depth = self.stack.len();
        let mut at = 0;
        let r = loop {
            if at >= t.len() {
                break if self.stack.len() == depth && !self.in_cdata { Ok(()) } else { Err(Fail::Code(ASYNC_ENTITY)) };
            }
            match self.content(&t[at..], true, false, sink) {
                Ok(Step::To(n)) => at += n,
                Ok(Step::Wait) => break Err(Fail::Code(UNCLOSED_TOKEN)),
                Err(e) => break Err(e),
            }
            if self.stack.len() < depth {
                break Err(Fail::Code(ASYNC_ENTITY));
            }
        };
        self.open_entities.remove(name);
        r
    }

    fn end_tag(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let Some(end) = memchr::memchr(b'>', b) else {
            if let Some(n) = b[2..].iter().position(|c| !is_name(*c) && !is_space(*c)) {
                return Err(self.fail_at(main, n + 2, INVALID_TOKEN, b));
            }
            return self.incomplete(last);
        };
        if end == 2 || !is_name_start(b[2]) {
            return Err(self.fail_at(main, 2, INVALID_TOKEN, b));
        }
        let n = name_end(b, 2);
        let stop = skip_space(b, n);
        if stop != end {
            return Err(self.fail_at(main, stop, INVALID_TOKEN, b));
        }
        let raw = self.checked(main, b, 2, n)?;
        if self.stack.last().is_none_or(|o| o.raw != raw) {
            return Err(if self.stack.is_empty() {
                Fail::Code(ASYNC_ENTITY)
            } else {
                self.fail_at(main, 2, TAG_MISMATCH, b)
            });
        }
        self.close(&b[..end + 1], main, sink)?;
        Ok(Step::To(end + 1))
    }

    /// Ends the innermost element.
    fn close(&mut self, raw: &[u8], main: bool, sink: &mut dyn Sink) -> Scan {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        self.emit(sink, Event::EndElement { name: &open.name }, raw)?;
        for _ in 0..open.bound {
            let Some((prefix, _)) = self.bindings.pop() else { break };
            self.emit(sink, Event::EndNamespace { prefix: prefix.as_deref() }, b"")?;
        }
        if self.stack.is_empty() && main && !self.external {
            self.state = State::Epilog;
        }
        Ok(())
    }

    /// A start tag or an empty element.
    fn element(&mut self, b: &[u8], last: bool, main: bool, sink: &mut dyn Sink) -> Scan<Step> {
        let Some(tag) = self.tag(b, last, main)? else { return self.incomplete(last) };
        let mut attributes: Vec<(String, String)> = Vec::with_capacity(tag.attributes.len());
        for (name, (from, to), at) in &tag.attributes {
            if attributes.iter().any(|(n, _)| n == name) {
                return Err(self.fail_at(main, *at, DUPLICATE_ATTRIBUTE, b));
            }
            let cdata = self.is_cdata(&tag.name, name);
            let mut v = String::new();
            self.attribute_value(&b[*from..*to], &mut v)?;
            attributes.push((name.clone(), if cdata { v } else { collapsed(&v) }));
        }
        let mut specified = attributes.len();
        if let Some(defs) = self.dtd.borrow().attributes.get(&tag.name) {
            for d in defs {
                if let Some(v) = &d.default
                    && !attributes.iter().any(|(n, _)| *n == d.name)
                {
                    attributes.push((d.name.clone(), v.clone()));
                }
            }
        }
        let mut open = Open { raw: tag.name.clone(), name: tag.name, bound: 0 };
        if self.separator.is_some() {
            open.bound = self.bind(&mut attributes, &mut specified, sink)?;
            open.name = self.qualified(&open.raw, true)?;
            let mut seen = HashSet::new();
            for (name, _) in &mut attributes {
                *name = self.qualified(name, false)?;
                if !seen.insert(name.clone()) {
                    return Err(Fail::Code(DUPLICATE_ATTRIBUTE));
                }
            }
        }
        let raw = &b[..tag.end];
        let e = Event::StartElement { name: &open.name, attributes: &attributes, specified };
        self.state = State::Content;
        let done = self.emit(sink, e, raw);
        self.stack.push(open);
        done?;
        if tag.empty {
            self.close(b"", main, sink)?;
        }
        Ok(Step::To(tag.end))
    }

    fn is_cdata(&self, element: &str, attribute: &str) -> bool {
        let d = self.dtd.borrow();
        let def = d.attributes.get(element).and_then(|v| v.iter().find(|a| a.name == attribute));
        def.is_none_or(|a| a.cdata)
    }

    /// Takes the namespace declarations out of the attributes; returns how many there are.
    fn bind(
        &mut self,
        attributes: &mut Vec<(String, String)>,
        specified: &mut usize,
        sink: &mut dyn Sink,
    ) -> Scan<usize> {
        const XML: &str = "http://www.w3.org/XML/1998/namespace";
        const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
        let mut bound = 0;
        let mut kept = Vec::with_capacity(attributes.len());
        let all_specified = *specified;
        for (i, (name, value)) in std::mem::take(attributes).into_iter().enumerate() {
            let prefix = if name == "xmlns" {
                None
            } else if let Some(p) = name.strip_prefix("xmlns:") {
                Some(p.to_owned())
            } else {
                kept.push((name, value));
                continue;
            };
            if i < all_specified {
                *specified -= 1;
            }
            match prefix.as_deref() {
                Some("xml") if value != XML => return Err(Fail::Code(RESERVED_PREFIX_XML)),
                Some("xmlns") => return Err(Fail::Code(RESERVED_PREFIX_XMLNS)),
                Some(p) if p != "xml" && (value == XML || value == XMLNS) => {
                    return Err(Fail::Code(RESERVED_NAMESPACE_URI));
                }
                None if value == XML || value == XMLNS => return Err(Fail::Code(RESERVED_NAMESPACE_URI)),
                Some(_) if value.is_empty() => return Err(Fail::Code(UNDECLARING_PREFIX)),
                _ => {}
            }
            let uri = Some(value).filter(|v| !v.is_empty());
            self.bindings.push((prefix.clone(), uri.clone()));
            bound += 1;
            self.emit(sink, Event::StartNamespace { prefix: prefix.as_deref(), uri: uri.as_deref() }, b"")?;
        }
        *attributes = kept;
        Ok(bound)
    }

    /// A name with its namespace in front.
    fn qualified(&self, name: &str, element: bool) -> Scan<String> {
        let sep = self.separator.unwrap_or(' ');
        let (prefix, local) = match name.split_once(':') {
            Some((p, l)) => (Some(p), l),
            None if element => (None, name),
            None => return Ok(name.to_owned()),
        };
        let found = self.bindings.iter().rev().find(|(p, _)| p.as_deref() == prefix).map(|(_, u)| u.clone());
        let uri = match found {
            Some(u) => u,
            None if prefix == Some("xml") => Some("http://www.w3.org/XML/1998/namespace".to_owned()),
            None if prefix.is_some() => return Err(Fail::Code(UNBOUND_PREFIX)),
            None => None,
        };
        let joint = |out: &mut String| {
            if sep != '\0' {
                out.push(sep);
            }
        };
        Ok(match uri {
            None => local.to_owned(),
            Some(u) => {
                let mut out = u;
                joint(&mut out);
                out.push_str(local);
                if let Some(p) = prefix.filter(|_| self.triplets) {
                    joint(&mut out);
                    out.push_str(p);
                }
                out
            }
        })
    }

    /// Expands references in an attribute's value; blanks of all kinds become spaces.
    pub(super) fn attribute_value(&mut self, b: &[u8], out: &mut String) -> Scan {
        let mut at = 0;
        while at < b.len() {
            match b[at] {
                b'&' => {
                    let Some(end) = memchr::memchr(b';', &b[at..]).map(|n| at + n) else {
                        return Err(Fail::Code(INVALID_TOKEN));
                    };
                    let body = &b[at + 1..end];
                    at = end + 1;
                    if body.first() == Some(&b'#') {
                        match char_ref(body) {
                            Some(c) => out.push(c),
                            None => return Err(Fail::Code(BAD_CHAR_REF)),
                        }
                        continue;
                    }
                    if body.is_empty() || !is_name_start(body[0]) || name_end(body, 0) != body.len() {
                        return Err(Fail::Code(INVALID_TOKEN));
                    }
                    let name = text(body);
                    if let Some(t) = predefined(name) {
                        out.push_str(t);
                        continue;
                    }
                    let entity = self.dtd.borrow().general.get(name).cloned();
                    match entity {
                        None if self.dtd.borrow().incomplete => {}
                        None => return Err(Fail::Code(UNDEFINED_ENTITY)),
                        Some(_) if self.open_entities.contains(name) => {
                            return Err(Fail::Code(RECURSIVE_ENTITY_REF));
                        }
                        Some(Entity { notation: Some(_), .. }) => return Err(Fail::Code(BINARY_ENTITY_REF)),
                        Some(Entity { text: None, .. }) => return Err(Fail::Code(ATTRIBUTE_EXTERNAL_ENTITY_REF)),
                        Some(Entity { text: Some(t), .. }) => {
                            self.count(t.len())?;
                            if self.open_entities.len() > 200 {
                                return Err(Fail::Code(AMPLIFICATION_LIMIT_BREACH));
                            }
                            if t.contains('<') {
                                return Err(Fail::Code(INVALID_TOKEN));
                            }
                            self.open_entities.insert(name.to_owned());
                            let r = self.attribute_value(t.as_bytes(), out);
                            self.open_entities.remove(name);
                            r?;
                        }
                    }
                }
                b'\r' if b.get(at + 1) == Some(&b'\n') => {
                    out.push(' ');
                    at += 2;
                }
                c if is_space(c) => {
                    out.push(' ');
                    at += 1;
                }
                _ => {
                    let end = b[at..].iter().position(|c| *c == b'&' || is_space(*c)).map_or(b.len(), |n| at + n);
                    out.push_str(text(&b[at..end]));
                    at = end;
                }
            }
        }
        Ok(())
    }

    /// Takes a start tag apart; nothing if it is not complete.
    fn tag(&mut self, b: &[u8], last: bool, main: bool) -> Scan<Option<Tag>> {
        let _ = last;
        let n = name_end(b, 1);
        let mut tag = Tag { name: String::new(), attributes: Vec::new(), end: 0, empty: false };
        let mut at = n;
        loop {
            let spaced = skip_space(b, at);
            let Some(&c) = b.get(spaced) else { return Ok(None) };
            match c {
                b'>' => {
                    tag.end = spaced + 1;
                    break;
                }
                b'/' => {
                    match b.get(spaced + 1) {
                        None => return Ok(None),
                        Some(b'>') => {}
                        Some(_) => return Err(self.fail_at(main, spaced + 1, INVALID_TOKEN, b)),
                    }
                    (tag.end, tag.empty) = (spaced + 2, true);
                    break;
                }
                c if is_name_start(c) && spaced > at => {}
                _ => return Err(self.fail_at(main, spaced, INVALID_TOKEN, b)),
            }
            let name_to = name_end(b, spaced);
            let eq = skip_space(b, name_to);
            match b.get(eq) {
                None => return Ok(None),
                Some(b'=') => {}
                Some(_) => return Err(self.fail_at(main, eq, INVALID_TOKEN, b)),
            }
            let quote_at = skip_space(b, eq + 1);
            let quote = match b.get(quote_at) {
                None => return Ok(None),
                Some(q @ (b'"' | b'\'')) => *q,
                Some(_) => return Err(self.fail_at(main, quote_at, INVALID_TOKEN, b)),
            };
            let from = quote_at + 1;
            let to = memchr::memchr(quote, &b[from..]).map(|n| from + n);
            if let Some(n) = b[from..to.unwrap_or(b.len())].iter().position(|c| *c == b'<') {
                return Err(self.fail_at(main, from + n, INVALID_TOKEN, b));
            }
            let Some(to) = to else { return Ok(None) };
            let name = self.checked(main, b, spaced, name_to)?.to_owned();
            self.checked(main, b, from, to)?;
            tag.attributes.push((name, (from, to), spaced));
            at = to + 1;
        }
        tag.name = self.checked(main, b, 1, n)?.to_owned();
        Ok(Some(tag))
    }

    /// `<?xml …?>`.
    pub(super) fn xml_declaration(&mut self, b: &[u8], sink: &mut dyn Sink) -> Scan {
        let bad = if self.external { TEXT_DECL } else { XML_DECL };
        let mut values: [Option<&str>; 3] = [None; 3];
        let (mut at, stop) = (5, b.len() - 2);
        let mut next = 0;
        loop {
            let spaced = skip_space(b, at);
            if spaced >= stop {
                break;
            }
            let n = name_end(b, spaced);
            let which = ["version", "encoding", "standalone"].iter().position(|w| w.as_bytes() == &b[spaced..n]);
            let eq = skip_space(b, n);
            let quote = skip_space(b, (eq + 1).min(stop));
            let ok = spaced > at && b[eq] == b'=' && matches!(b[quote], b'"' | b'\'');
            let (Some(w), true) = (which.filter(|w| *w >= next), ok) else {
                return Err(self.fail_at(true, spaced, bad, b));
            };
            let Some(end) = memchr::memchr(b[quote], &b[quote + 1..]).map(|k| quote + 1 + k).filter(|e| *e < stop)
            else {
                return Err(self.fail_at(true, quote, bad, b));
            };
            values[w] = Some(text(&b[quote + 1..end]));
            next = w + 1;
            at = end + 1;
        }
        let standalone = match values[2] {
            None => -1,
            Some("yes") => 1,
            Some("no") => 0,
            Some(_) => return Err(Fail::Code(bad)),
        };
        if values[0].is_none() && !self.external || self.external && values[1].is_none() {
            return Err(Fail::Code(bad));
        }
        self.dtd.borrow_mut().standalone |= standalone == 1;
        let e = Event::XmlDecl { version: values[0], encoding: values[1], standalone };
        self.emit(sink, e, b)?;
        self.input.declared(values[1], b.len(), sink)
    }
}

struct Tag {
    name: String,
    /// Names, ranges of the values, and offsets of the names.
    attributes: Vec<(String, (usize, usize), usize)>,
    end: usize,
    empty: bool,
}

/// A value of an attribute that is a list of tokens.
pub(super) fn collapsed(v: &str) -> String {
    v.split(' ').filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
}
