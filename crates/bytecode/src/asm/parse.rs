//! Reading the assembly form.

use std::sync::Arc;

use crate::code::{Code, Const, ExceptionEntry, ExceptionTable, LineTableBuilder, Local, Position};
use crate::op::{Field, Insn, MAX_NEAR_LOCALS, Opcode, Operand, OperandKind};

/// Text that is no assembly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct AsmError {
    /// The line of the text, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// How deep code and tuples nest at the most.
const MAX_DEPTH: u32 = 100;

/// Reads one code object. The result is not verified.
///
/// # Errors
/// If the text does not follow the grammar of [the module](crate::asm).
pub fn parse(text: &str) -> Result<Code, AsmError> {
    let mut p = Parser { text: text.as_bytes(), at: 0, line: 1, depth: 0 };
    p.expect("code")?;
    let code = p.code()?;
    match p.next()? {
        None => Ok(code),
        Some(_) => Err(p.error("expected the end of the text")),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    /// A run of other characters.
    Word(&'t str),
    /// A string and its prefix.
    Str(&'t str, Vec<u8>),
    /// One of `{ } ( )`.
    Mark(u8),
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    depth: u32,
}

/// An instruction before jump distances and local numbers can be encoded.
struct Line {
    op: Option<Opcode>,
    operands: Vec<u32>,
    raw: u64,
}

impl<'t> Parser<'t> {
    fn error(&self, message: impl Into<String>) -> AsmError {
        AsmError { line: self.line, message: message.into() }
    }

    fn skip_space(&mut self) {
        while let Some(&c) = self.text.get(self.at) {
            match c {
                b'\n' => self.line += 1,
                b';' => {
                    while self.text.get(self.at + 1).is_some_and(|c| *c != b'\n') {
                        self.at += 1;
                    }
                }
                c if c.is_ascii_whitespace() => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    fn next(&mut self) -> Result<Option<Token<'t>>, AsmError> {
        self.skip_space();
        let start = self.at;
        let Some(&first) = self.text.get(start) else { return Ok(None) };
        if b"{}()".contains(&first) {
            self.at += 1;
            return Ok(Some(Token::Mark(first)));
        }
        while let Some(&c) = self.text.get(self.at) {
            if c.is_ascii_whitespace() || b"{}();\"".contains(&c) {
                break;
            }
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[start..self.at]).map_err(|_| self.error("not UTF-8"))?;
        if self.text.get(self.at) != Some(&b'"') {
            return Ok(Some(Token::Word(word)));
        }
        self.at += 1;
        let bytes = self.string()?;
        Ok(Some(Token::Str(word, bytes)))
    }

    /// The rest of a string after its opening quote.
    fn string(&mut self) -> Result<Vec<u8>, AsmError> {
        let mut bytes = Vec::new();
        loop {
            let c = self.byte()?;
            match c {
                b'"' => return Ok(bytes),
                b'\n' => return Err(self.error("a string ends on its line")),
                b'\\' => match self.byte()? {
                    b'n' => bytes.push(b'\n'),
                    b'r' => bytes.push(b'\r'),
                    b't' => bytes.push(b'\t'),
                    c @ (b'"' | b'\\' | b'\'') => bytes.push(c),
                    b'x' => {
                        let digits = [self.byte()?, self.byte()?];
                        bytes.push(self.hex(&digits)? as u8);
                    }
                    b'u' => {
                        let mut digits = Vec::new();
                        loop {
                            match self.byte()? {
                                b'{' if digits.is_empty() => {}
                                b'}' => break,
                                c => digits.push(c),
                            }
                        }
                        let code = self.hex(&digits)? as u32;
                        let c = char::from_u32(code).ok_or_else(|| self.error("no such character"))?;
                        bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                    }
                    _ => return Err(self.error("unknown escape")),
                },
                c => bytes.push(c),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, AsmError> {
        let c = self.text.get(self.at).copied().ok_or_else(|| self.error("unfinished string"))?;
        self.at += 1;
        Ok(c)
    }

    fn hex(&self, digits: &[u8]) -> Result<u64, AsmError> {
        let text = std::str::from_utf8(digits).unwrap_or("");
        u64::from_str_radix(text, 16).map_err(|_| self.error("expected hexadecimal digits"))
    }

    fn word(&mut self) -> Result<&'t str, AsmError> {
        match self.next()? {
            Some(Token::Word(w)) => Ok(w),
            _ => Err(self.error("expected a word")),
        }
    }

    fn expect(&mut self, what: &str) -> Result<(), AsmError> {
        match self.word()? {
            w if w == what => Ok(()),
            w => Err(self.error(format!("expected `{what}`, found `{w}`"))),
        }
    }

    fn text(&mut self) -> Result<Arc<str>, AsmError> {
        match self.next()? {
            Some(Token::Str("", bytes)) => {
                String::from_utf8(bytes).map(Arc::from).map_err(|_| self.error("a name is UTF-8"))
            }
            _ => Err(self.error("expected a string")),
        }
    }

    fn number(&mut self) -> Result<u32, AsmError> {
        let w = self.word()?;
        self.to_number(w)
    }

    fn to_number(&self, w: &str) -> Result<u32, AsmError> {
        let n = match w.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => w.parse(),
        };
        n.map_err(|_| self.error(format!("expected a number, found `{w}`")))
    }

    fn keyed(&mut self, key: &str) -> Result<u32, AsmError> {
        self.expect(key)?;
        self.number()
    }

    /// What follows the word `code`.
    fn code(&mut self) -> Result<Code, AsmError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let name = self.text()?;
        self.expect("as")?;
        let qualname = self.text()?;
        self.expect("in")?;
        let filename = self.text()?;
        let first_line = self.keyed("line")?;
        let flags = self.keyed("flags")?;
        let posonly_arg_count = self.keyed("args")?;
        let (arg_count, kwonly_arg_count) = (self.number()?, self.number()?);
        let (temps, raw_words) = (self.keyed("temps")?, self.keyed("raw")?);
        if self.next()? != Some(Token::Mark(b'{')) {
            return Err(self.error("expected `{`"));
        }
        let mut locals = Vec::new();
        let mut names = Vec::new();
        let mut consts = Vec::new();
        let mut lines: Vec<(Line, u32)> = Vec::new();
        let mut positions = LineTableBuilder::new(first_line);
        let mut exceptions = Vec::new();
        let mut line_events = Vec::new();
        let mut here = Position::NONE;
        // The position of an instruction follows it, so each is entered when the next begins.
        let mut pending = false;
        loop {
            let word = match self.next()? {
                Some(Token::Mark(b'}')) => break,
                Some(Token::Word(w)) => w,
                _ => return Err(self.error("expected an entry or `}`")),
            };
            if let Some(p) = word.strip_prefix('@') {
                here = self.position(p)?;
                continue;
            }
            match word {
                "local" => {
                    let name = self.text()?;
                    let kind = u8::try_from(self.number()?).map_err(|_| self.error("a kind has eight bits"))?;
                    locals.push(Local { name, kind });
                }
                "name" => names.push(self.text()?),
                "const" => consts.push(self.constant()?),
                "except" => exceptions.push(ExceptionEntry {
                    start: self.number()?,
                    end: self.number()?,
                    handler: self.number()?,
                    temp: self.number()?,
                }),
                "event" => line_events.push((self.number()?, self.number()?)),
                _ => {
                    if std::mem::replace(&mut pending, true) {
                        positions.push(here);
                    }
                    let at = self.line;
                    lines.push((self.instruction(word)?, at));
                }
            }
        }
        if pending {
            positions.push(here);
        }
        // What instructions absorb has positions of its own behind theirs.
        for &(_, line) in &line_events {
            positions.push(Position::line(line));
        }
        let near = (locals.len() as u32).min(MAX_NEAR_LOCALS);
        let mut insns = Vec::with_capacity(lines.len());
        for (pc, (line, at)) in lines.iter().enumerate() {
            let word = encode(line, pc as u32, near);
            insns.push(word.ok_or_else(|| AsmError { line: *at, message: "an operand does not fit".into() })?);
        }
        self.depth -= 1;
        Ok(Code {
            name,
            qualname,
            filename,
            first_line,
            flags,
            arg_count,
            posonly_arg_count,
            kwonly_arg_count,
            locals: locals.into(),
            temps,
            raw_words,
            names: names.into(),
            consts: consts.into(),
            insns: insns.into(),
            exceptions: ExceptionTable::new(exceptions),
            lines: positions.finish(),
            line_events: line_events.into(),
            liveness: Default::default(),
        })
    }

    fn instruction(&mut self, word: &str) -> Result<Line, AsmError> {
        if word == "word" {
            let w = self.word()?;
            let digits = w.strip_prefix("0x").unwrap_or(w);
            return Ok(Line { op: None, operands: Vec::new(), raw: self.hex(digits.as_bytes())? });
        }
        let op: Opcode = word.parse().map_err(|_| self.error(format!("no opcode `{word}`")))?;
        let mut operands = Vec::new();
        for &(_, kind) in op.info().operands {
            let w = self.word()?;
            operands.push(self.operand(kind, w)?);
        }
        Ok(Line { op: Some(op), operands, raw: 0 })
    }

    /// The number of an operand: for registers, its index with its sort in the highest bits.
    fn operand(&self, kind: OperandKind, w: &str) -> Result<u32, AsmError> {
        use OperandKind as K;
        let sort = match kind {
            K::Far32 => "l",
            K::Const32 => "k",
            K::Name16 | K::Name32 => "n",
            K::Jump32 | K::Skip => ">",
            K::Count | K::Imm | K::Imm32 => "",
            _ => {
                let index = |p: &str| w.strip_prefix(p).map(|n| self.to_number(n)).transpose();
                let sorts = [("l", LOCAL), ("t", TEMP), ("k", CONST)];
                for (prefix, sort) in sorts {
                    if let Some(n) = index(prefix)? {
                        return Ok(sort | n.min(INDEX));
                    }
                }
                return Err(self.error(format!("expected a register, found `{w}`")));
            }
        };
        match w.strip_prefix(sort) {
            Some(n) => self.to_number(n),
            None => Err(self.error(format!("expected `{sort}` and a number, found `{w}`"))),
        }
    }

    fn position(&self, text: &str) -> Result<Position, AsmError> {
        if text == "-" {
            return Ok(Position::NONE);
        }
        let Some((start, end)) = text.split_once('-') else { return Ok(Position::line(self.to_number(text)?)) };
        let point = |p: &str| match p.split_once(':') {
            Some((line, column)) => Ok((self.to_number(line)?, self.to_number(column)?)),
            None => Err(self.error("expected line:column")),
        };
        let ((line, column), (end_line, end_column)) = (point(start)?, point(end)?);
        Ok(Position { line, end_line, column, end_column })
    }

    fn constant(&mut self) -> Result<Const, AsmError> {
        match self.next()? {
            Some(Token::Mark(b'(')) => Ok(Const::Tuple(self.items()?.into())),
            Some(Token::Str("", bytes)) => Ok(Const::Str(bytes.into())),
            Some(Token::Str("w", bytes)) => Ok(Const::Str(bytes.into())),
            Some(Token::Str("b", bytes)) => Ok(Const::Bytes(bytes.into())),
            Some(Token::Word(w)) => self.constant_word(w),
            _ => Err(self.error("expected a constant")),
        }
    }

    fn constant_word(&mut self, w: &str) -> Result<Const, AsmError> {
        Ok(match w {
            "None" => Const::None,
            "True" => Const::True,
            "False" => Const::False,
            "..." => Const::Ellipsis,
            "code" => Const::Code(Arc::new(self.code()?)),
            "frozenset" | "slice" | "complex" => {
                if self.next()? != Some(Token::Mark(b'(')) {
                    return Err(self.error("expected `(`"));
                }
                let items = self.items()?;
                match (w, &items[..]) {
                    ("frozenset", _) => Const::FrozenSet(items.into()),
                    ("slice", [a, b, c]) => Const::Slice(Arc::new([a.clone(), b.clone(), c.clone()])),
                    ("complex", [Const::Float(re), Const::Float(im)]) => Const::Complex(*re, *im),
                    _ => return Err(self.error(format!("not the parts of a {w}"))),
                }
            }
            _ => self.numeral(w)?,
        })
    }

    fn numeral(&self, w: &str) -> Result<Const, AsmError> {
        let (negative, digits) = match w.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, w),
        };
        if let Some(hex) = digits.strip_prefix("0x") {
            let mut limbs = Vec::new();
            for chunk in hex.as_bytes().rchunks(16) {
                limbs.push(self.hex(chunk)?);
            }
            return Ok(Const::BigInt(negative, limbs.into()));
        }
        if let Some(bits) = w.strip_prefix("nan:") {
            return Ok(Const::Float(f64::from_bits(self.hex(bits.as_bytes())?)));
        }
        if let Ok(n) = w.parse() {
            return Ok(Const::Int(n));
        }
        w.parse().map(Const::Float).map_err(|_| self.error(format!("no constant `{w}`")))
    }

    /// Constants up to a closing parenthesis.
    fn items(&mut self) -> Result<Vec<Const>, AsmError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.text.get(self.at) == Some(&b')') {
                self.at += 1;
                self.depth -= 1;
                return Ok(items);
            }
            items.push(self.constant()?);
        }
    }
}

const LOCAL: u32 = 1 << 30;
const TEMP: u32 = 2 << 30;
const CONST: u32 = 3 << 30;
const INDEX: u32 = (1 << 30) - 1;

fn encode(line: &Line, pc: u32, near: u32) -> Option<Insn> {
    use OperandKind as K;
    let Some(op) = line.op else { return Some(Insn(line.raw)) };
    let mut word = Insn::abc(op, 0, 0, 0);
    for (&(field, kind), &n) in op.info().operands.iter().zip(&line.operands) {
        let value = match kind {
            K::Far32 | K::Const32 | K::Name32 | K::Name16 | K::Count | K::Imm | K::Imm32 => n,
            K::Jump32 => n.wrapping_sub(pc + 1),
            K::Skip => n.checked_sub(pc + 1)?,
            _ => {
                let index = u16::try_from(n & INDEX).ok()?;
                let operand = match n & !INDEX {
                    LOCAL if u32::from(index) < near => Operand::Local(index),
                    TEMP => Operand::Temp(index),
                    CONST if index < 0x4000 => Operand::Const(index),
                    _ => return None,
                };
                u32::from(operand.encode(near))
            }
        };
        if field != Field::bx && value > 0xffff {
            return None;
        }
        word.0 |= match field {
            Field::a => u64::from(value) << 16,
            Field::b | Field::bx => u64::from(value) << 32,
            Field::c => u64::from(value) << 48,
        };
    }
    Some(word)
}
