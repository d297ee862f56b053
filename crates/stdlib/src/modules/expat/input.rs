//! The input: bytes in some encoding to UTF-8, and places in it.

use super::event::*;

/// How bytes become characters.
enum Decoder {
    /// Not known yet: too few bytes were seen.
    Undecided,
    Utf8,
    Utf16 {
        big: bool,
    },
    /// One character for each byte.
    Table(Vec<char>),
}

/// Input that was given but not used up.
pub(super) struct Input {
    decoder: Decoder,
    /// An encoding that the caller names; it overrides the document's.
    forced: Option<String>,
    /// Bytes that are no whole character yet.
    partial: Vec<u8>,
    /// UTF-8 from the current place on.
    text: Vec<u8>,
    pub place: Place,
    /// Set by an error within a token.
    pub error_place: Option<Place>,
    /// Bytes given so far.
    pub total: u64,
    /// The last byte used was a carriage return.
    after_return: bool,
    /// The declaration named an encoding; what is there already is still to be decoded.
    pending_table: bool,
}

impl Input {
    pub(super) fn new(encoding: Option<String>) -> Input {
        Input {
            decoder: Decoder::Undecided,
            forced: encoding,
            partial: Vec::new(),
            text: Vec::new(),
            place: Place { index: 0, line: 1, column: 0 },
            error_place: None,
            total: 0,
            after_return: false,
            pending_table: false,
        }
    }

    /// Overrides the document's encoding, before anything was read.
    pub(super) fn force(&mut self, name: &str) {
        if matches!(self.decoder, Decoder::Undecided) {
            self.forced = Some(name.to_owned());
        }
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    pub(super) fn put_back(&mut self, rest: Vec<u8>) {
        if self.text.is_empty() {
            self.text = rest;
        }
    }

    fn moved(&self, b: &[u8]) -> (Place, bool) {
        let mut p = self.place;
        let mut after = self.after_return;
        for &c in b {
            match c {
                b'\n' if after => {}
                b'\n' | b'\r' => {
                    p.line += 1;
                    p.column = 0;
                }
                _ if c & 0xc0 != 0x80 => p.column += 1,
                _ => {}
            }
            after = c == b'\r';
        }
        p.index += b.len() as i64;
        (p, after)
    }

    /// Uses up input.
    pub(super) fn advance(&mut self, n: usize) {
        let (p, after) = self.moved(&self.text[..n]);
        (self.place, self.after_return) = (p, after);
        self.text.drain(..n);
    }

    /// Notes the place of an error behind some bytes of the current token.
    pub(super) fn place_ahead(&mut self, b: &[u8]) {
        self.error_place = Some(self.moved(b).0);
    }

    /// Adds input.
    pub(super) fn push(&mut self, data: &[u8], last: bool, sink: &mut dyn Sink) -> Scan {
        self.total += data.len() as u64;
        self.partial.extend_from_slice(data);
        if matches!(self.decoder, Decoder::Undecided) {
            if let Some(name) = self.forced.clone() {
                self.set_encoding(&name, sink)?;
                if matches!(self.decoder, Decoder::Utf8) && self.partial.starts_with(b"\xef\xbb\xbf") {
                    self.partial.drain(..3);
                    self.place.index += 3;
                }
            } else {
                if self.partial.len() < 4 && !last {
                    return Ok(());
                }
                self.detect();
            }
        }
        self.convert(last)
    }

    fn detect(&mut self) {
        let (decoder, bom) = match &self.partial[..] {
            [0xef, 0xbb, 0xbf, ..] => (Decoder::Utf8, 3),
            [0xfe, 0xff, ..] => (Decoder::Utf16 { big: true }, 2),
            [0xff, 0xfe, ..] => (Decoder::Utf16 { big: false }, 2),
            [0, b'<', ..] => (Decoder::Utf16 { big: true }, 0),
            [b'<', 0, ..] => (Decoder::Utf16 { big: false }, 0),
            _ => (Decoder::Utf8, 0),
        };
        self.decoder = decoder;
        self.partial.drain(..bom);
        self.place.index += bom as i64;
    }

    fn set_encoding(&mut self, name: &str, sink: &mut dyn Sink) -> Scan {
        self.decoder = match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Decoder::Utf8,
            "utf-16" => match &self.partial[..] {
                [0xfe, 0xff, ..] => {
                    self.partial.drain(..2);
                    Decoder::Utf16 { big: true }
                }
                [0xff, 0xfe, ..] => {
                    self.partial.drain(..2);
                    Decoder::Utf16 { big: false }
                }
                _ => Decoder::Utf16 { big: true },
            },
            "utf-16be" => Decoder::Utf16 { big: true },
            "utf-16le" => Decoder::Utf16 { big: false },
            "iso-8859-1" => Decoder::Table((0..=255u8).map(char::from).collect()),
            "us-ascii" => {
                Decoder::Table((0..=127u8).map(char::from).chain([char::REPLACEMENT_CHARACTER; 128]).collect())
            }
            _ => match sink.byte_table(name)? {
                Some(t) => Decoder::Table(t),
                None => return Err(Fail::Code(UNKNOWN_ENCODING)),
            },
        };
        Ok(())
    }

    /// The document says which encoding it has; what was read so far (up to `used`) was ASCII.
    pub(super) fn declared(&mut self, name: Option<&str>, used: usize, sink: &mut dyn Sink) -> Scan {
        let Some(name) = name.filter(|_| self.forced.is_none()) else { return Ok(()) };
        let lower = name.to_ascii_lowercase();
        match self.decoder {
            Decoder::Utf16 { .. } if lower.starts_with("utf-16") => return Ok(()),
            Decoder::Utf16 { .. } => return Err(Fail::Code(INCORRECT_ENCODING)),
            _ if lower.starts_with("utf-16") => return Err(Fail::Code(INCORRECT_ENCODING)),
            _ if lower == "utf-8" => return Ok(()),
            _ => {}
        }
        let _ = used;
        self.set_encoding(name, sink)?;
        self.pending_table = true;
        Ok(())
    }

    /// Decodes what was taken for UTF-8 until the declaration was read.
    pub(super) fn decode_pending(&mut self) {
        if !std::mem::take(&mut self.pending_table) {
            return;
        }
        let raw = self.take_rest();
        self.text = self.decoded(&raw);
    }

    /// Bytes by the table of characters, if there is one.
    fn decoded(&self, raw: &[u8]) -> Vec<u8> {
        match &self.decoder {
            Decoder::Table(t) => raw
                .iter()
                .map(|b| t.get(*b as usize).copied().unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect::<String>()
                .into_bytes(),
            _ => raw.to_vec(),
        }
    }

    /// Turns bytes into text as far as they make whole characters.
    fn convert(&mut self, last: bool) -> Scan {
        match self.decoder {
            Decoder::Undecided => {}
            Decoder::Utf8 | Decoder::Table(_) => {
                let raw = std::mem::take(&mut self.partial);
                let new = self.decoded(&raw);
                self.text.extend(new);
            }
            Decoder::Utf16 { big } => {
                let unit =
                    |c: &[u8]| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) };
                let mut units: Vec<u16> = self.partial.chunks_exact(2).map(unit).collect();
                if units.last().is_some_and(|u| (0xd800..0xdc00).contains(u)) && !last {
                    units.pop();
                }
                self.partial.drain(..units.len() * 2);
                if last && !self.partial.is_empty() {
                    return Err(Fail::Code(PARTIAL_CHAR));
                }
                for c in char::decode_utf16(units) {
                    match c {
                        Ok(c) => self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        Err(_) => return Err(Fail::Code(INVALID_TOKEN)),
                    }
                }
            }
        }
        Ok(())
    }
}
