//! Writing code objects.

use super::{fingerprint, tag};
use crate::code::{Code, Const};
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

/// The on-disk form of `code`, nested code objects included.
pub fn serialize(code: &Code) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), strings: IndexSet::default() };
    writer.code(code);
    let mut whole = fingerprint().to_le_bytes().to_vec();
    let mut head = Writer { out: Vec::new(), strings: IndexSet::default() };
    head.number(writer.strings.len() as u64);
    for string in &writer.strings {
        head.bytes(string);
    }
    whole.extend(head.out);
    whole.extend(writer.out);
    whole
}

struct Writer<'c> {
    out: Vec<u8>,
    strings: IndexSet<&'c [u8], FxBuildHasher>,
}

impl<'c> Writer<'c> {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn string(&mut self, text: &'c [u8]) {
        let index = self.strings.insert_full(text).0;
        self.number(index as u64);
    }

    fn code(&mut self, code: &'c Code) {
        for text in [&code.name, &code.qualname, &code.filename] {
            self.string(text.as_bytes());
        }
        for number in [
            code.first_line,
            code.flags,
            code.arg_count,
            code.posonly_arg_count,
            code.kwonly_arg_count,
            code.temps,
            code.raw_words,
        ] {
            self.number(u64::from(number));
        }
        self.number(code.locals.len() as u64);
        for local in &code.locals {
            self.string(local.name.as_bytes());
            self.out.push(local.kind);
        }
        self.number(code.names.len() as u64);
        for name in &code.names {
            self.string(name.as_bytes());
        }
        self.number(code.insns.len() as u64);
        for insn in &code.insns {
            self.out.extend_from_slice(&insn.0.to_le_bytes());
        }
        let entries = code.exceptions.entries();
        self.number(entries.len() as u64);
        for entry in entries {
            for number in [entry.start, entry.end, entry.handler, entry.temp] {
                self.number(u64::from(number));
            }
        }
        self.bytes(code.lines.as_bytes());
        self.number(code.line_events.len() as u64);
        let mut last = 0;
        for &(pc, line) in &code.line_events {
            self.number(u64::from(pc.wrapping_sub(last)));
            self.number(u64::from(line));
            last = pc;
        }
        self.constants(&code.consts);
    }

    fn constants(&mut self, items: &'c [Const]) {
        self.number(items.len() as u64);
        items.iter().for_each(|item| self.constant(item));
    }

    fn constant(&mut self, constant: &'c Const) {
        let tag = match constant {
            Const::None => tag::NONE,
            Const::True => tag::TRUE,
            Const::False => tag::FALSE,
            Const::Ellipsis => tag::ELLIPSIS,
            Const::Int(_) => tag::INT,
            Const::BigInt(..) => tag::BIG_INT,
            Const::Float(_) => tag::FLOAT,
            Const::Complex(..) => tag::COMPLEX,
            Const::Str(_) => tag::STR,
            Const::Bytes(_) => tag::BYTES,
            Const::Tuple(_) => tag::TUPLE,
            Const::FrozenSet(_) => tag::FROZEN_SET,
            Const::Slice(_) => tag::SLICE,
            Const::Code(_) => tag::CODE,
        };
        self.out.push(tag);
        match constant {
            Const::None | Const::True | Const::False | Const::Ellipsis => {}
            // Zigzag, so that small negative numbers are short.
            Const::Int(value) => self.number((value << 1 ^ value >> 63) as u64),
            Const::BigInt(negative, limbs) => {
                self.out.push(u8::from(*negative));
                self.number(limbs.len() as u64);
                for limb in limbs.iter() {
                    self.out.extend_from_slice(&limb.to_le_bytes());
                }
            }
            Const::Float(value) => self.out.extend_from_slice(&value.to_bits().to_le_bytes()),
            Const::Complex(real, imag) => {
                for part in [real, imag] {
                    self.out.extend_from_slice(&part.to_bits().to_le_bytes());
                }
            }
            Const::Str(bytes) | Const::Bytes(bytes) => self.string(bytes),
            Const::Tuple(items) | Const::FrozenSet(items) => self.constants(items),
            Const::Slice(items) => items.iter().for_each(|item| self.constant(item)),
            Const::Code(code) => self.code(code),
        }
    }
}
