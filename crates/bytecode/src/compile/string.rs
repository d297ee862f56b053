//! Formatted and template strings, and docstrings.

use super::unit::Opnd;
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::{Conversion, Opcode};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn joined_str(&mut self, expr: &'a Expr<'a>, values: &'a [&'a Expr<'a>], dst: Option<Opnd>) -> R<Opnd> {
        /// Pieces joined at once.
        const MOST: usize = 60;
        let depth = self.u.depth;
        match values {
            [] => {
                let empty = self.u.konst(Const::str(""));
                return Ok(self.deliver(empty, expr.span, dst));
            }
            [only] => return self.eval_piece(only, dst),
            _ => {}
        }
        // What has been joined so far is the first piece of the next group.
        let mut rest = values;
        let mut joined = 0;
        while !rest.is_empty() {
            let (group, others) = rest.split_at(rest.len().min(MOST));
            for value in group {
                self.eval_piece(value, Some(Opnd::Temp(self.u.depth)))?;
            }
            rest = others;
            let count = Opnd::Imm(joined + group.len() as u32);
            let target = if rest.is_empty() { self.target(depth, dst) } else { self.target(depth, None) };
            self.u.emit(Opcode::BuildString, target, Opnd::Temp(depth), count, expr.span);
            if rest.is_empty() {
                return Ok(target);
            }
            joined = 1;
        }
        Ok(Opnd::Temp(depth))
    }

    /// A piece of a formatted string, which is a str.
    fn eval_piece(&mut self, value: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        match dst {
            Some(dst) => {
                self.expr_to(value, dst)?;
                Ok(dst)
            }
            None => self.expr(value),
        }
    }

    #[inline(never)]
    pub(super) fn formatted_value(
        &mut self,
        expr: &'a Expr<'a>,
        value: &'a Expr<'a>,
        conversion: i32,
        format_spec: Option<&'a Expr<'a>>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        let later: &[&'a Expr<'a>] = match &format_spec {
            Some(spec) => &[spec],
            None => &[],
        };
        let mut operand = self.operand(value, later)?;
        if let Some(conversion) = self.conversion(expr, conversion)? {
            self.u.depth = depth;
            let converted = Opnd::Temp(self.u.push());
            self.u.emit(Opcode::ConvertValue, converted, operand, Opnd::Imm(conversion as u32), expr.span);
            operand = converted;
        }
        match format_spec {
            Some(spec) => {
                let spec = self.expr(spec)?;
                let dst = self.target(depth, dst);
                self.u.emit(Opcode::FormatWithSpec, dst, operand, spec, expr.span);
                Ok(dst)
            }
            None => {
                let dst = self.target(depth, dst);
                self.u.emit2(Opcode::FormatSimple, dst, operand, expr.span);
                Ok(dst)
            }
        }
    }

    fn conversion(&mut self, expr: &Expr<'_>, conversion: i32) -> R<Option<Conversion>> {
        Ok(match u8::try_from(conversion).ok() {
            Some(b's') => Some(Conversion::Str),
            Some(b'r') => Some(Conversion::Repr),
            Some(b'a') => Some(Conversion::Ascii),
            None => None,
            Some(_) => return self.error(expr.span, format!("unrecognized conversion character {conversion}")),
        })
    }

    #[inline(never)]
    pub(super) fn template_str(
        &mut self,
        expr: &'a Expr<'a>,
        values: &'a [&'a Expr<'a>],
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        // Strings and interpolations alternate; a missing string is empty.
        let mut strings = Vec::new();
        let mut interpolations = Vec::new();
        let mut after_string = false;
        for value in values {
            match value.kind {
                ExprKind::Interpolation { .. } => {
                    if !after_string {
                        strings.push(Const::str(""));
                    }
                    after_string = false;
                    interpolations.push(*value);
                }
                ExprKind::Constant { value, .. } => {
                    strings.push(fold::constant(&value));
                    after_string = true;
                }
                _ => return self.error(value.span, "unexpected part of a template string"),
            }
        }
        if !after_string {
            strings.push(Const::str(""));
        }
        let strings = self.u.konst(Const::Tuple(strings.into()));
        let strings = self.near(strings, expr.span);
        let slot = Opnd::Temp(self.u.depth);
        self.collect(expr.span, &interpolations, &[], super::display::Display::Tuple, Some(slot))?;
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::BuildTemplate, dst, strings, slot, expr.span);
        Ok(dst)
    }

    #[inline(never)]
    pub(super) fn interpolation(
        &mut self,
        expr: &'a Expr<'a>,
        value: &'a Expr<'a>,
        text: &'a Constant<'a>,
        conversion: i32,
        format_spec: Option<&'a Expr<'a>>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        self.expr_temp(value)?;
        let text = self.u.konst(fold::constant(text));
        let slot = Opnd::Temp(self.u.push());
        self.copy(slot, text, expr.span);
        let mut argument = self.conversion(expr, conversion)?.map_or(0, |conversion| conversion as u32) << 1;
        if let Some(spec) = format_spec {
            self.expr_temp(spec)?;
            argument |= 1;
        }
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::BuildInterpolation, dst, Opnd::Temp(depth), Opnd::Imm(argument), expr.span);
        Ok(dst)
    }
}

/// A piece of a `%` format whose fields are known.
pub(super) enum Piece<'a> {
    Text(Vec<u8>),
    Field(&'a Expr<'a>, Conversion),
}

/// Splits a `%` format with exactly one plain `%s`, `%r` or `%a` for each value, or gives `None` for any other.
pub(super) fn format_pieces<'a>(format: StrValue<'a>, values: &'a [&'a Expr<'a>]) -> Option<Vec<Piece<'a>>> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut values = values.iter();
    let mut bytes = format.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        let conversion = match bytes.next()? {
            b'%' => {
                text.push(b'%');
                continue;
            }
            b's' => Conversion::Str,
            b'r' => Conversion::Repr,
            b'a' => Conversion::Ascii,
            _ => return None,
        };
        let value = values.next().filter(|value| !matches!(value.kind, ExprKind::Starred { .. }))?;
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Field(value, conversion));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    /// Longer formats are left to run time.
    const MOST: usize = 30;
    (values.next().is_none() && !pieces.is_empty() && pieces.len() <= MOST).then_some(pieces)
}

impl<'a> Compiler<'a, '_> {
    /// `'…' % (…)` as a formatted string.
    pub(super) fn percent_format(&mut self, expr: &'a Expr<'a>, pieces: &[Piece<'a>], dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        let span = expr.span;
        for piece in pieces {
            let base = self.u.depth;
            match piece {
                Piece::Text(text) => {
                    let value = self.u.konst(Const::Str(text.as_slice().into()));
                    let slot = Opnd::Temp(self.u.push());
                    self.copy(slot, value, span);
                }
                Piece::Field(value, conversion) => {
                    let operand = self.expr(value)?;
                    self.u.depth = base;
                    let slot = Opnd::Temp(self.u.push());
                    self.u.emit(Opcode::ConvertValue, slot, operand, Opnd::Imm(*conversion as u32), value.span);
                    self.u.emit2(Opcode::FormatSimple, slot, slot, value.span);
                }
            }
        }
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::BuildString, dst, Opnd::Temp(depth), Opnd::Imm(pieces.len() as u32), span);
        Ok(dst)
    }
}

/// A docstring without its indentation: tabs expanded, the leading spaces of the first line and the common margin of
/// the others removed.
pub(super) fn clean_doc(text: &[u8]) -> Vec<u8> {
    let mut doc = Vec::with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                let width = 8 - column % 8;
                doc.extend(std::iter::repeat_n(b' ', width));
                column += width;
            }
            b'\n' | b'\r' => {
                doc.push(byte);
                column = 0;
            }
            _ => {
                doc.push(byte);
                // Continuation bytes belong to the character before.
                column += usize::from(byte & 0xc0 != 0x80);
            }
        }
    }
    let spaces = |line: &[u8]| line.iter().take_while(|&&byte| byte == b' ').count();
    let lines = || doc.split_inclusive(|&byte| byte == b'\n');
    let filled = |line: &&[u8]| !matches!(line.get(spaces(line)), None | Some(b'\n'));
    let margin = lines().skip(1).filter(filled).map(spaces).min().unwrap_or(0);
    let mut clean = Vec::with_capacity(doc.len());
    for (at, line) in lines().enumerate() {
        let cut = if at == 0 { spaces(line) } else { spaces(line).min(margin) };
        clean.extend_from_slice(&line[cut..]);
    }
    clean
}
